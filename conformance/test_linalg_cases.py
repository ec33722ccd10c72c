"""Products and norms where they seldom go: conjugate views, out= that is an operand, odd ranks, orders and dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.every_form import Invocation, answer, find
from conformance.oracle import linalg as oracle
from conformance.oracle import linalg_norms
from conformance.subject import Subject
from conformance.tables.linalg_matrices import near
from conformance.tables.linalg_products import drawn, pairs, product
from properties.strategies.recipe import LAYOUTS, contiguous, stepped, transposed

pytestmark = must_answer

WIDE = ("complex64", "complex128", "float64")


RANKS = (
    ((4,), (4,)),
    ((4,), (4, 3)),
    ((3, 4), (4,)),
    ((3, 4), (4, 5)),
    ((2, 3, 4), (4,)),
    ((4,), (2, 4, 3)),
    ((3, 4), (2, 4, 5)),
    ((2, 3, 4), (4, 5)),
    ((2, 1, 3, 4), (5, 4, 2)),
)


@check("linalg.matmul")
@pytest.mark.parametrize("dtype", ["float64", "complex64", "int64", "bfloat16"])
def test_linalg_matmul_is_matmul(subject: Subject, dtype: str) -> None:
    for left, right in RANKS:
        for a, b in list(pairs(dtype, left, right))[::3]:
            wanted = product(oracle.matmul(a.array, b.array), oracle.scale(a.array, b.array), dtype, a.shape[-1])
            call = Invocation("linalg.matmul", (a, b), (wanted,), keywords=("input", "other"))
            answer(subject, call, ("function", "keywords", "out_empty"))


# Products of two operands: the shapes, and the same of arrays.
PRODUCTS: dict[str, tuple[tuple[int, ...], tuple[int, ...], Callable[..., Any]]] = {
    "mm": ((3, 4), (4, 5), oracle.matmul),
    "mv": ((3, 4), (4,), oracle.matmul),
    "bmm": ((2, 3, 4), (2, 4, 5), oracle.matmul),
    "matmul": ((2, 3, 4), (4, 5), oracle.matmul),
    "dot": ((4,), (4,), oracle.matmul),
    "vdot": ((4,), (4,), lambda a, b: oracle.matmul(a.conj(), b)),
    "outer": ((3,), (4,), oracle.outer),
    "inner": ((3, 4), (5, 4), lambda a, b: oracle.matmul(a, b.T)),
    "kron": ((2, 3), (3, 2), oracle.kron),
    "linalg.vecdot": ((3, 4), (3, 4), lambda a, b: (a.conj() * b).sum(-1)),
    "tensordot": ((2, 3, 4), (3, 4, 5), lambda a, b: np.tensordot(a, b, 2)),
}


@pytest.mark.parametrize("name", PRODUCTS)
@check("linalg.conjugate-views")
def test_conjugate_views_count_as_their_values(subject: Subject, name: str) -> None:
    left, right, law = PRODUCTS[name]
    for dtype in ("complex64", "complex128"):
        a, b = drawn(1, dtype, left), drawn(2, dtype, right)
        for layout in (contiguous, stepped) if name == "kron" else (contiguous, transposed, stepped):
            for first, second in ((True, False), (False, True), (True, True)):
                x, y = (LAYOUTS["contiguous"](v, dtype) if name == "kron" else layout(v, dtype) for v in (a, b))
                x, y = x.on(subject), y.on(subject)
                x, y = x.conj() if first else x, y.conj() if second else y
                wanted = law(a.conj() if first else a, b.conj() if second else b)
                text = f"{name} of operands whose conjugate bits are {first}, {second}"
                near(text, find(name)(x, y), wanted, dtype)
                if hasattr(torch.Tensor, name):
                    near(f"x.{text}", getattr(x, name)(y), wanted, dtype)


ADDED = {
    "addmm": ((3, 5), (3, 4), (4, 5)),
    "addmv": ((3,), (3, 4), (4,)),
    "addr": ((3, 5), (3,), (5,)),
    "addbmm": ((3, 5), (2, 3, 4), (2, 4, 5)),
    "baddbmm": ((2, 3, 5), (2, 3, 4), (2, 4, 5)),
}
FACTORS = ((1, 1), (2, 0.5), (1 - 1j, 0.5 + 2j), (0, 1j), (1j, 0))


@pytest.mark.parametrize("name", ADDED)
@check("linalg.added-factors")
def test_factors_of_added_products(subject: Subject, name: str) -> None:
    shape, left, right = ADDED[name]
    for dtype in WIDE:
        a, b = drawn(1, dtype, left), drawn(2, dtype, right)
        made = oracle.outer(a, b) if name == "addr" else oracle.matmul(a, b)
        made = made.sum(0) if name == "addbmm" else made
        for beta, alpha in FACTORS if dtype != "float64" else FACTORS[:2]:
            for given in (shape, shape[-1:] if name != "addmv" else (1,), ()):
                m = drawn(3, dtype, given)
                x, y, z = (layout(v, dtype).on(subject) for layout, v in ((stepped, m), (transposed, a), (stepped, b)))
                before = Unchanged(input=x, first=y, second=z)
                text, wanted = f"{name}(beta={beta}, alpha={alpha}) of {dtype} and {given}", beta * m + alpha * made
                near(text, find(name)(x, y, z, beta=beta, alpha=alpha), wanted, dtype)
                near(f"x.{text}", getattr(x, name)(y, z, beta=beta, alpha=alpha), wanted, dtype)
                before.check(text)
                if given == shape:
                    out = find(name)(x, y, z, beta=beta, alpha=alpha, out=x)
                    require(out is x, f"{text} with out=input returns another tensor")
                    near(f"{text} with out=input", x, wanted, dtype)


@check("linalg.inner")
def test_inner_of_other_ranks(subject: Subject) -> None:
    for left, right in (((3, 4), (4,)), ((4,), (3, 4)), ((2, 3, 4), (5, 4)), ((4,), (4,)), ((), (3,)), ((3,), ())):
        for dtype in ("float64", "complex64", "int64"):
            a, b = drawn(1, dtype, left), drawn(2, dtype, right)
            wanted = np.inner(oracle.wide(a), oracle.wide(b))
            x, y = transposed(a, dtype).on(subject), stepped(b, dtype).on(subject)
            for name, out in (("torch.inner", torch.inner(x, y)), ("x.inner", x.inner(y))):
                near(f"{name} of {left} and {right}", out, wanted, dtype)


@check("linalg.kron")
def test_kron_of_other_ranks(subject: Subject) -> None:
    for left, right in (((3,), (2,)), ((2, 3), (2,)), ((2,), (2, 3)), ((2, 1, 2), (3, 2)), ((), (3,))):
        for dtype in ("float64", "complex64", "int64"):
            a, b = drawn(1, dtype, left), drawn(2, dtype, right)
            wanted = np.kron(oracle.wide(a), oracle.wide(b))
            x, y = contiguous(a, dtype).on(subject), contiguous(b, dtype).on(subject)
            for name, out in (("torch.kron", torch.kron(x, y)), ("x.kron", x.kron(y))):
                near(f"{name} of {left} and {right}", out, wanted, dtype)


# Equations with the shapes of their operands: capitals, blanks, sizes of one, ellipses that broadcast, sublists.
EQUATIONS: tuple[tuple[str, tuple[tuple[int, ...], ...]], ...] = (
    ("iJ,Jk->ki", ((3, 4), (4, 5))),
    ("aA,Ab", ((3, 4), (4, 5))),
    (" i j , j k -> i k ", ((3, 4), (4, 5))),
    ("ij,jk->ik", ((3, 1), (4, 5))),
    ("ij,ij->ij", ((3, 4), (1, 4))),
    ("...ij,...jk->...ik", ((2, 3, 4), (4, 5))),
    ("...ij,...jk->...ik", ((2, 1, 3, 4), (6, 4, 5))),
    ("...i,...i->...", ((2, 3), (3,))),
    ("i...,j...->ij...", ((2, 4), (3, 4))),
    ("...ij->...ji", ((2, 3, 4),)),
    ("ba,cb", ((2, 3), (4, 2))),
    ("ijj->ij", ((2, 3, 3),)),
    ("iij,j->i", ((3, 3, 2), (2,))),
    ("bi,ij,bj->b", ((2, 3), (3, 4), (2, 4))),
    ("i,j,k->kji", ((2,), (3,), (4,))),
    ("ij,jk,kl,lm->im", ((2, 3), (3, 4), (4, 2), (2, 3))),
    ("...ij,...jk,...kl->...il", ((2, 3, 4), (4, 2), (2, 2, 3))),
    ("i...,...j,k...->ijk...", ((2, 4), (4, 3), (3, 4))),
    ("ij->", ((0, 3),)),
    (",ij->ij", ((), (2, 3))),
)


@check("linalg.einsum")
@pytest.mark.parametrize("dtype", ["float64", "complex64", "int64"])
def test_einsum_of_odd_equations(subject: Subject, dtype: str) -> None:
    for equation, shapes in EQUATIONS:
        arrays = [drawn(turn, dtype, shape) for turn, shape in enumerate(shapes)]
        wanted = np.einsum(equation.replace(" ", ""), *map(oracle.wide, arrays))
        for layout in (contiguous, transposed, stepped):
            operands = [layout(array, dtype).on(subject) for array in arrays]
            before = Unchanged(**{f"of place {turn}": x for turn, x in enumerate(operands)})
            near(f"einsum({equation!r}) of {dtype}", torch.einsum(equation, *operands), wanted, dtype, 400)
            near(f"einsum({equation!r}, list)", torch.einsum(equation, operands), wanted, dtype, 400)
            before.check(f"einsum({equation!r})")
    a, b = drawn(1, dtype, (2, 3, 4)), drawn(2, dtype, (2, 4, 5))
    x, y = transposed(a, dtype).on(subject), stepped(b, dtype).on(subject)
    wanted = oracle.matmul(a, b)
    for sublists, summed in (
        (((0, 1, 2), (0, 2, 3), (0, 1, 3)), wanted),
        (((..., 1, 2), (..., 2, 3), (..., 3, 1)), wanted.swapaxes(1, 2)),
        (((0, 1, 2), (0, 2, 3)), wanted.sum(0)),
    ):
        first, second, *last = map(list, sublists)
        near(f"einsum of sublists {sublists}", torch.einsum(x, first, y, second, *last), summed, dtype)


@check("linalg.vecdot")
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_vecdot_conjugates_the_first_and_sums_along_a_dimension(subject: Subject, dtype: str) -> None:
    for left, right, dim in (
        ((4,), (4,), -1),
        ((3, 4), (3, 4), 0),
        ((2, 3, 4), (3, 4), -1),
        ((2, 3, 4), (2, 3, 1), 1),
        ((2, 0), (2, 0), -1),
        ((17, 33), (17, 33), -2),
    ):
        a, b = drawn(1, dtype, left), drawn(2, dtype, right)
        wanted = (oracle.wide(a).conj() * oracle.wide(b)).sum(dim)
        for layout in (contiguous, transposed, stepped):
            x, y = layout(a, dtype).on(subject), contiguous(b, dtype).on(subject)
            text = f"vecdot of {dtype} {left} and {right}, dim={dim}"
            near(text, torch.linalg.vecdot(x, y, dim=dim), wanted, dtype, 100)
            if dim == -1:
                near(text, torch.linalg.vecdot(x, y), wanted, dtype, 100)
            out = torch.empty(0, dtype=x.dtype, device=x.device)
            near(f"{text}, out=", torch.linalg.vecdot(x, y, dim=dim, out=out), wanted, dtype, 100)


NORMS: tuple[tuple[Any, tuple[int, int]], ...] = tuple(
    (order, dim)
    for order in ("fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf)
    for dim in ((-2, -1), (-1, -2), (0, 1), (1, 0), (0, -1), (2, 1))
)


@check("linalg.norms")
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_matrix_norms_of_every_order_and_pair_of_dimensions(subject: Subject, dtype: str) -> None:
    a, real = drawn(1, dtype, (3, 4, 5)), {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
    for turn, (order, dim) in enumerate(NORMS):
        x = (contiguous, transposed, stepped)[turn % 3](a, dtype).on(subject)
        for keep in (False, True):
            wanted = norm(a, order, dim, keep)
            text = f"({order}, {dim}, {keep}) of {dtype}"
            near(f"matrix_norm{text}", torch.linalg.matrix_norm(x, order, dim, keep), wanted, real, 400)
            near(f"linalg.norm{text}", torch.linalg.norm(x, order, dim, keep), wanted, real, 400)
            if order in ("fro", "nuc"):
                near(f"torch.norm{text}", torch.norm(x, order, dim, keep), wanted, real, 400)
                near(f"x.norm{text}", x.norm(order, dim, keep), wanted, real, 400)
    x = transposed(a, dtype).on(subject)
    near("matrix_norm(x)", torch.linalg.matrix_norm(x), norm(a, "fro", (-2, -1), False), real, 400)
    for keep in (False, True):
        wanted = norm(a, "fro", (-2, -1), keep)
        near("linalg.norm(dim=(1, 2))", torch.linalg.norm(x, dim=(1, 2), keepdim=keep), wanted, real, 400)
        whole = np.sqrt((np.abs(oracle.wide(a)) ** 2).sum(keepdims=keep))
        near("linalg.norm(x)", torch.linalg.norm(x, keepdim=keep), whole, real, 400)
        near("vector_norm(x)", torch.linalg.vector_norm(x, keepdim=keep), whole, real, 400)


def norm(a: np.ndarray, order: Any, dim: tuple[int, int], keep: bool) -> np.ndarray:
    """The norm of matrices, of complex numbers too."""
    if order == "fro" or order in (1, -1, np.inf, -np.inf):
        return linalg_norms.matrix_norm(np.abs(oracle.wide(a)), order, dim, keep)
    return linalg_norms.matrix_norm(oracle.wide(a), order, dim, keep)


@check("linalg.norms")
def test_norms_in_another_dtype(subject: Subject) -> None:
    a = drawn(1, "float32", (3, 4, 5))
    x = stepped(a, "float32").on(subject)
    for order in ("fro", 1, np.inf, "nuc", 2):
        wanted = norm(a, order, (-2, -1), False)
        for name, out in (
            ("matrix_norm", torch.linalg.matrix_norm(x, order, dtype=torch.float64)),
            ("linalg.norm", torch.linalg.norm(x, order, dim=(-2, -1), dtype=torch.float64)),
        ):
            near(f"{name}({order}, dtype=float64)", out, wanted, "float64", 400)
    for order in (0, 1, 2, 3, 0.5, np.inf, -np.inf):
        wanted = linalg_norms.vector_norm(a.astype(np.float64), order, (0, 2), True)
        out = torch.linalg.vector_norm(x, order, dim=(0, 2), keepdim=True, dtype=torch.float64)
        near(f"vector_norm({order}, dim=(0, 2), keepdim, dtype=float64)", out, wanted, "float64", 400)
        if order not in (0, 0.5):
            near(f"torch.norm({order})", torch.norm(x.double(), order, (0, 2), True), wanted, "float64", 400)
            near(f"x.norm({order})", x.double().norm(order, (0, 2), True), wanted, "float64", 400)


@check("linalg.diagonal")
def test_linalg_diagonal_is_a_view_of_the_last_two_dimensions(subject: Subject) -> None:
    a = drawn(1, "float64", (2, 3, 4))
    for layout in (contiguous, transposed, stepped):
        x = layout(a, "float64").on(subject)
        for offset in (0, 1, -1, 3, -2):
            out = torch.linalg.diagonal(x, offset=offset)
            assert_values(f"linalg.diagonal(offset={offset})", out, np.diagonal(a, offset, -2, -1), dtype="float64")
            out = torch.linalg.diagonal(x, offset=offset, dim1=0, dim2=2)
            wanted = np.diagonal(a, offset, 0, 2)
            assert_values(f"linalg.diagonal(offset={offset}, dim1=0, dim2=2)", out, wanted, dtype="float64")
        torch.linalg.diagonal(x)[0, 0] = 77.0
        require(float(x[0, 0, 0]) == 77.0, "linalg.diagonal is no view", 77.0, float(x[0, 0, 0]))


@check("linalg.adjoint")
def test_adjoints_are_conjugate_transposes(subject: Subject) -> None:
    for dtype in ("float32", "complex64", "int64"):
        a = drawn(1, dtype, (2, 3, 4))
        for layout in (contiguous, transposed, stepped):
            x = layout(a, dtype).on(subject)
            wanted = np.conj(np.swapaxes(a, -1, -2))
            for name, out in (("x.adjoint()", x.adjoint()), ("torch.adjoint(x)", torch.adjoint(x)), ("x.mH", x.mH)):
                assert_values(f"{name} of {dtype}", out, wanted, dtype=dtype)
                require(out.data_ptr() == x.data_ptr(), f"{name} is no view")

"""What linear algebra refuses: integers, vectors, matrices that are not square, mixed dtypes; products on the graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.every_form import find
from conformance.numerics import INNER
from conformance.subject import Subject
from conformance.tables.linalg_matrices import KINDS
from conformance.tables.linalg_products import drawn
from properties.strategies.recipe import contiguous, stepped, transposed

pytestmark = must_answer

SQUARE = (
    "inv",
    "inv_ex",
    "det",
    "slogdet",
    "cholesky",
    "cholesky_ex",
    "eigh",
    "eigvalsh",
    "eig",
    "eigvals",
    "matrix_exp",
)
ANY = ("qr", "svd", "svdvals", "pinv", "lu", "lu_factor")


@pytest.mark.parametrize("name", [*SQUARE, *ANY, "solve"])
@check("linalg.refusals")
def test_what_is_no_floating_matrix_is_refused(subject: Subject, name: str) -> None:
    call = find(f"linalg.{name}")
    bad: list[tuple[str, Any]] = [
        ("integers", contiguous(np.eye(3), "int64")),
        ("a vector", contiguous(np.ones(3), "float64")),
    ]
    if name not in ANY:
        bad += [(f"shape {shape}", transposed(np.ones(shape), "float64")) for shape in ((2, 3), (3, 2), (2, 4, 3))]
    for what, recipe in bad:
        x = recipe.on(subject)
        before = Unchanged(A=x)
        given = (x, x) if name == "solve" else (x,)
        assert_raises(f"linalg.{name} of {what}", RuntimeError, lambda: call(*given))
        before.check(name)


@pytest.mark.parametrize("dtype", KINDS)
@check("linalg.refusals")
def test_one_bad_matrix_of_a_batch_is_enough(subject: Subject, dtype: str) -> None:
    error = getattr(torch.linalg, "LinAlgError", RuntimeError)
    for place in range(3):
        for bad in (np.zeros((2, 2)), np.array([[0.0, 1.0], [0.0, 2.0]])):
            a = np.stack([np.eye(2)] * 3).astype(dtype)
            a[place] = bad
            x, y = stepped(a, dtype).on(subject), contiguous(np.ones((3, 2, 2)), dtype).on(subject)
            for name, given in (
                ("linalg.inv", (x,)),
                ("inverse", (x,)),
                ("linalg.solve", (x, y)),
                ("linalg.cholesky", (x,)),
            ):
                assert_raises(f"{name} of a batch whose matrix {place} is bad", error, lambda: find(name)(*given))


@check("linalg.refusals")
def test_products_do_not_mix_dtypes(subject: Subject) -> None:
    for name, left, right in (
        ("mm", (2, 3), (3, 2)),
        ("mv", (2, 3), (3,)),
        ("bmm", (2, 2, 3), (2, 3, 2)),
        ("dot", (3,), (3,)),
        ("matmul", (2, 3), (3, 2)),
        ("linalg.matmul", (2, 3), (3,)),
        ("inner", (2, 3), (2, 3)),
    ):
        for a, b in (("float32", "float64"), ("float64", "complex128"), ("int64", "float32"), ("int32", "int64")):
            x, y = contiguous(np.ones(left), a).on(subject), contiguous(np.ones(right), b).on(subject)
            calls = {f"torch.{name}": lambda: find(name)(x, y)}
            calls |= {} if "." in name else {f"x.{name}": lambda: getattr(x, name)(y)}
            calls |= {"x @ y": lambda: x @ y} if name == "matmul" else {}
            for text, call in calls.items():
                assert_raises(f"{text} of {a} and {b}", RuntimeError, call)


@check("linalg.trace")
def test_only_matrices_have_a_trace(subject: Subject) -> None:
    for shape in ((3,), (2, 3, 3), ()):
        x = contiguous(np.ones(shape), "float32").on(subject)
        assert_raises(f"torch.trace of shape {shape}", RuntimeError, lambda: torch.trace(x))
        assert_raises(f"x.trace() of shape {shape}", RuntimeError, lambda: x.trace())


@check("linalg.dot")
def test_inner_products_of_long_vectors(subject: Subject) -> None:
    for dtype in ("float64", "float32"):
        a, b = drawn(1, dtype, (5001,)), drawn(2, dtype, (5001,))
        wanted = np.asarray(a.astype(np.float64) @ b.astype(np.float64))
        for layout in (contiguous, stepped):
            x, y = layout(a, dtype).on(subject), layout(b, dtype).on(subject)
            for name, out in (("dot", torch.dot(x, y)), ("x.dot", x.dot(y)), ("vdot", torch.vdot(x, y))):
                assert_values(f"{name} of 5001", out, wanted, INNER.over(10_004), 8e3, dtype=dtype)


PRODUCTS: dict[str, tuple[tuple[int, ...], ...]] = {
    "mm": ((2, 3), (3, 4)),
    "mv": ((2, 3), (3,)),
    "bmm": ((2, 2, 3), (2, 3, 4)),
    "matmul": ((2, 1, 1, 2, 3), (1, 2, 1, 3, 2)),
    "dot": ((3,), (3,)),
    "vdot": ((3,), (3,)),
    "outer": ((3,), (4,)),
    "inner": ((2, 3), (4, 3)),
    "kron": ((2, 3), (3, 2)),
    "addmm": ((2, 4), (2, 3), (3, 4)),
    "addmv": ((2,), (2, 3), (3,)),
    "addr": ((3, 4), (3,), (4,)),
    "addbmm": ((2, 4), (2, 2, 3), (2, 3, 4)),
    "baddbmm": ((2, 2, 4), (2, 2, 3), (2, 3, 4)),
    "tensordot": ((2, 3, 4), (3, 4, 5)),
    "linalg.vecdot": ((2, 3), (2, 3)),
    "linalg.cross": ((2, 3), (2, 3)),
    "trace": ((3, 4),),
    "tril": ((3, 4),),
    "triu": ((3, 4),),
    "diag": ((3, 3),),
    "cdist": ((3, 2), (4, 2)),
}


@pytest.mark.parametrize("name", PRODUCTS)
@check("linalg.requires-grad")
def test_products_carry_gradients_and_leave_operands_alone(subject: Subject, name: str) -> None:
    for place in range(len(PRODUCTS[name])):
        for layout in (contiguous,) if name == "kron" else (contiguous, stepped):
            given = [
                layout(drawn(turn, "float64", shape), "float64").on(subject)
                for turn, shape in enumerate(PRODUCTS[name])
            ]
            before = Unchanged(**dict(zip("xyz", given, strict=False)))
            require(not find(name)(*given).requires_grad, f"torch.{name} requires a gradient", False, True)
            before.check(f"torch.{name}")
            given[place].requires_grad_()
            calls = {"torch.": lambda: find(name)(*given)}
            calls |= {"x.": lambda: getattr(given[0], name)(*given[1:])} if hasattr(torch.Tensor, name) else {}
            for form, call in calls.items():
                require(call().requires_grad, f"{form}{name} of operand {place} is off the graph", True, False)

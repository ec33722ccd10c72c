"""Matrices that look harmless: of zeros, ones on the diagonal, without elements, with zeros where pivots would be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import assert_values
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.every_form import find
from conformance.oracle import linalg as oracle
from conformance.subject import Subject
from conformance.tables.linalg_matrices import close, hermitian, near, part, value
from conformance.tables.linalg_products import KEYWORDS, drawn
from properties.strategies.recipe import contiguous, offset, row_stepped, stepped, transposed

pytestmark = must_answer

Array = np.ndarray
LAID = (contiguous, transposed, stepped, row_stepped)
EMPTY = ((0, 3), (3, 0), (0, 0), (2, 0, 3), (0, 3, 2))


def _plain(dtype: str) -> dict[str, Array]:
    """Matrices whose singular values are zero, equal, few or many."""
    one = np.arange(1.0, 6.0)
    turn = 1j if DTYPES[dtype].is_complex else 1.0
    return {
        "zeros": np.zeros((3, 4)) * turn,
        "the identity": np.eye(4) * turn,
        "a permutation": np.eye(5)[[2, 0, 4, 1, 3]] * 3 * turn,
        "rank 1": np.outer(one, one[:3]) * turn,
        "rank 2": (np.outer(one, one[::-1]) + np.outer(one**2, one)) * turn,
        "a row": one[None, :] * turn,
        "a column": one[:, None] * turn,
        "one number": np.full((1, 1), -3.0) * turn,
        "repeated values": np.diag([2.0, 5.0, 2.0, 5.0]) * turn,
        "one of zeros and one of ones": np.stack([np.zeros((3, 3)), np.eye(3)]) * turn,
    }


def _factors(text: str, a: Array, parts: Any, dtype: str, *, full: bool) -> None:
    """Refute unless (U, S, V^H) are the singular value decomposition of a matrix."""
    rows, columns = a.shape[-2:]
    k = min(rows, columns)
    left, right = (rows, columns) if full else (k, k)
    shapes = [(*a.shape[:-2], rows, left), (*a.shape[:-2], k), (*a.shape[:-2], right, columns)]
    kinds = (dtype, part(dtype), dtype)
    u, s, vh = (oracle.wide(value(text, *row)) for row in zip(parts, kinds, shapes, strict=True))
    size = 1.0 + np.abs(a).max(initial=0.0)
    values = np.linalg.svd(a, compute_uv=False) if a.size else np.zeros(shapes[1])
    close(f"S of {text}", s, values, part(dtype), rows, size)
    close(f"U S V^H of {text}", (u[..., :, :k] * s[..., None, :]) @ vh[..., :k, :], a, dtype, rows, size)
    one, two = (np.broadcast_to(np.eye(n), (*a.shape[:-2], n, n)) for n in (left, right))
    close(f"U^H U of {text}", hermitian(u) @ u, one, dtype, rows, 1.0)
    close(f"V^H V of {text}", vh @ hermitian(vh), two, dtype, rows, 1.0)


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
@check("linalg.svd")
def test_singular_values_of_plain_matrices(subject: Subject, dtype: str) -> None:
    matrices = {**_plain(dtype), **{f"no elements, {shape}": np.zeros(shape) for shape in EMPTY}}
    for turn, (name, a) in enumerate(matrices.items()):
        x = LAID[turn % 4](a, dtype).on(subject)
        a = np.asarray(a, DTYPES[dtype].host)
        text = f"{name}, {dtype}"
        for form, call in (("torch.svd", torch.svd), ("x.svd", lambda x, *b: x.svd(*b))):
            for some in (True, False):
                u, s, v = call(x, some)
                _factors(f"{form}(some={some}) of {text}", a, (u, s, v.mH), dtype, full=not some)
        for full in (True, False):
            parts = torch.linalg.svd(x, full_matrices=full)
            _factors(f"torch.linalg.svd(full_matrices={full}) of {text}", a, parts, dtype, full=full)
        values = np.linalg.svd(a, compute_uv=False) if a.size else np.zeros((*a.shape[:-2], min(a.shape[-2:])))
        near(f"torch.linalg.svdvals of {text}", torch.linalg.svdvals(x), values, part(dtype))


def _regular(dtype: str) -> dict[str, Array]:
    """Matrices of small condition, most of which can be inverted only after rows were exchanged."""
    generator = np.random.default_rng(3)
    wide = {f"{n} rows": oracle.well_conditioned(n, n, DTYPES[dtype].is_complex, ()) for n in (33, 70, 130)}
    return {
        "a permutation": np.eye(5)[[2, 0, 4, 1, 3]],
        "zero first": np.array([[0.0, 2.0, 1.0], [1.0, 0.0, 3.0], [2.0, 1.0, 0.0]]),
        "zeros on the diagonal": np.ones((4, 4)) - np.eye(4),
        "exchanged rows": (np.eye(6) * 4 + generator.uniform(-1, 1, (6, 6)))[::-1],
        "a negative number": np.full((1, 1), -0.25),
        "two, each its way": np.stack([np.eye(3)[[1, 2, 0]], np.diag([1.0, -2.0, 4.0])]),
        "a matrix of batches of none": np.zeros((2, 0, 0)),
        **wide,
    }


@pytest.mark.parametrize("claim", [pytest.param(claim, marks=check(f"linalg.{claim}")) for claim in ("inverse", "det")])
def test_matrices_whose_rows_have_to_be_exchanged(subject: Subject, claim: str) -> None:
    for dtype in ("float64", "float32", "complex64"):
        for turn, (name, a) in enumerate(_regular(dtype).items()):
            for layout in (contiguous, transposed, LAID[2 + turn % 2]):
                x = layout(a, dtype).on(subject)
                text, terms = f"{name}, {layout.__name__} {dtype}", 40.0 + 10 * a.shape[-1]
                if claim == "inverse":
                    law = np.linalg.inv(a)
                    for form, out in (
                        ("torch.inverse", torch.inverse(x)),
                        ("x.inverse", x.inverse()),
                        ("torch.linalg.inv", torch.linalg.inv(x)),
                        ("torch.linalg.inv_ex", torch.linalg.inv_ex(x).inverse),
                    ):
                        near(f"{form} of {text}", out, law, dtype, terms)
                elif a.shape[-1] < 33:
                    for form, out in (("torch.det", torch.det(x)), ("x.det", x.det())):
                        near(f"{form} of {text}", out, np.linalg.det(a), dtype, terms)


@check("linalg.diag")
def test_an_offset_by_position(subject: Subject) -> None:
    for dtype in ("float32", "int64", "complex64"):
        for turn, shape in enumerate(((3, 4), (4, 3), (1, 5), (5, 1), (17, 33))):
            a = drawn(turn, dtype, shape)
            x = LAID[turn % 4](a, dtype).on(subject)
            for k in range(1 - shape[0], shape[1]):
                text = f"({shape}, {k}) of {dtype}"
                assert_values(f"torch.diag{text}", torch.diag(x, k), oracle.diagonal(a, k), dtype=dtype)
                assert_values(f"x.diag{text}", x.diag(k), oracle.diagonal(a, k), dtype=dtype)
        for size in (1, 4, 19):
            v = drawn(size, dtype, (size,))
            x = (stepped, offset)[size % 2](v, dtype).on(subject)
            for k in (-3, -1, 0, 1, 2):
                text = f"(of {size}, {k}) of {dtype}"
                assert_values(f"torch.diag{text}", torch.diag(x, k), oracle.diagonal_matrix(v, k), dtype=dtype)
                assert_values(f"x.diag{text}", x.diag(k), oracle.diagonal_matrix(v, k), dtype=dtype)


@check("linalg.dot")
def test_inner_products_of_infinite_and_of_single_numbers(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for odd, law in ((np.inf, np.inf), (-np.inf, -np.inf), (np.nan, np.nan)):
            values = np.ones(37)
            values[20] = odd
            for layout in (contiguous, stepped, offset):
                x, y = layout(values, dtype).on(subject), layout(np.ones(37), dtype).on(subject)
                for text, out in (("torch.dot", torch.dot(x, y)), ("x.dot", x.dot(y)), ("x @ y", x @ y)):
                    assert_values(f"{text} with {odd}", out, np.asarray(law), dtype=dtype)
        x, y = (stepped(np.array([number]), dtype).on(subject) for number in (2.5, -3.0))
        for text, out in (("torch.dot", torch.dot(x, y)), ("x.dot", x.dot(y)), ("x.vdot", x.vdot(y))):
            assert_values(f"{text} of single numbers", out, np.asarray(-7.5), dtype=dtype)


# method: (claim, shapes, names of the further arguments, the law)
NAMED: dict[str, tuple[str, tuple[tuple[int, ...], ...], tuple[str, ...], Callable[..., Any]]] = {
    **{name: (name, ((3, 4), (4, 5)), KEYWORDS[name][1:], oracle.matmul) for name in ("mm", "matmul")},
    "bmm": ("bmm", ((2, 3, 4), (2, 4, 5)), ("mat2",), oracle.matmul),
    "mv": ("mv", ((3, 4), (4,)), ("vec",), oracle.matmul),
    "dot": ("dot", ((5,), (5,)), ("tensor",), oracle.matmul),
    "vdot": ("dot", ((5,), (5,)), ("other",), oracle.matmul),
    "outer": ("outer", ((3,), (4,)), ("vec2",), oracle.outer),
    "inner": ("inner", ((3, 4), (5, 4)), ("other",), lambda a, b: oracle.matmul(a, b.T)),
    "kron": ("kron", ((2, 3), (3, 2)), ("other",), oracle.kron),
    "addmm": ("addmm", ((3, 5), (3, 4), (4, 5)), ("mat1", "mat2"), lambda m, a, b: m + a @ b),
    "addmv": ("addmv", ((3,), (3, 4), (4,)), ("mat", "vec"), lambda m, a, b: m + a @ b),
    "addr": ("addr", ((3, 4), (3,), (4,)), ("vec1", "vec2"), lambda m, a, b: m + oracle.outer(a, b)),
    "addbmm": ("addbmm", ((3, 5), (2, 3, 4), (2, 4, 5)), ("batch1", "batch2"), lambda m, a, b: m + (a @ b).sum(0)),
    "baddbmm": ("badbmm-name", ((2, 3, 5), (2, 3, 4), (2, 4, 5)), ("batch1", "batch2"), lambda m, a, b: m + a @ b),
    "cross": ("cross", ((4, 3), (4, 3)), ("other",), oracle.cross),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"linalg.{row[0]}")) for name, row in NAMED.items()])
def test_methods_take_their_arguments_by_keyword(subject: Subject, name: str) -> None:
    _, shapes, names, law = NAMED[name]
    arrays = [drawn(turn, "float64", shape) for turn, shape in enumerate(shapes)]
    x, *rest = (stepped(a, "float64").on(subject) for a in arrays)
    further: dict[str, Any] = {"dim": 1} if name == "cross" else {}
    out = getattr(x, name)(**dict(zip(names, rest, strict=True)), **further)
    near(f"x.{name}({', '.join(f'{key}=' for key in names)})", out, law(*arrays), "float64")
    if name.startswith(("add", "badd")):
        factors = {"beta": 0.5, "alpha": 2.0}
        out = find(name)(x, **dict(zip(names, rest, strict=True)), **factors)
        near(f"torch.{name}(beta=0.5, alpha=2)", out, 2 * law(*arrays) - 1.5 * arrays[0], "float64")

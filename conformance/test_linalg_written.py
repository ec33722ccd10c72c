"""Products, chains, norms and solutions written to out=; and those that change nothing, which are new memory still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_apart, require
from conformance.check import check, must_answer
from conformance.every_form import find, gaps_kept, laid
from conformance.oracle import linalg as oracle
from conformance.oracle import linalg_norms
from conformance.subject import Subject
from conformance.tables.linalg_matrices import near, part
from conformance.tables.linalg_products import drawn
from properties.strategies.recipe import contiguous, offset, stepped, transposed

pytestmark = must_answer

LAID = (contiguous, transposed, stepped, offset)
Array = np.ndarray
Call = Callable[..., Any]


def chain(*arrays: Array) -> Array:
    """The product of several matrices."""
    return linalg_norms.chain(arrays)


# name: (call with out=, shapes of the operands, the same of arrays)
WRITTEN: dict[str, tuple[Call, tuple[tuple[int, ...], ...], Callable[..., Array] | None]] = {
    "linalg.multi_dot of two": (lambda *x, **k: torch.linalg.multi_dot(x, **k), ((3, 4), (4, 5)), oracle.matmul),
    "linalg.multi_dot of three": (
        lambda *x, **k: torch.linalg.multi_dot(list(x), **k),
        ((3, 4), (4, 5), (5, 2)),
        chain,
    ),
    "linalg.multi_dot of four": (
        lambda *x, **k: torch.linalg.multi_dot(x, **k),
        ((4,), (4, 5), (5, 2), (2, 3)),
        chain,
    ),
    "tensordot": (
        lambda x, y, **k: torch.tensordot(x, y, 2, **k),
        ((2, 3, 4), (3, 4, 5)),
        lambda a, b: np.tensordot(a, b, 2),
    ),
    "vdot": (lambda x, y, **k: torch.vdot(x, y, **k), ((7,), (7,)), lambda a, b: np.vdot(a, b)),
    "dot": (lambda x, y, **k: torch.dot(x, y, **k), ((7,), (7,)), lambda a, b: (a * b).sum()),
    "kron": (lambda x, y, **k: torch.kron(x, y, **k), ((2, 3), (3, 2)), oracle.kron),
    "inner": (lambda x, y, **k: torch.inner(x, y, **k), ((3, 4), (5, 4)), lambda a, b: oracle.matmul(a, b.T)),
    "diag of a matrix": (lambda x, **k: torch.diag(x, 1, **k), ((4, 5),), lambda a: np.diag(a, 1)),
    "diag of a vector": (lambda x, **k: torch.diag(x, -1, **k), ((4,),), lambda a: np.diag(a, -1)),
    "linalg.matrix_power": (
        lambda x, **k: torch.linalg.matrix_power(x, 3, **k),
        ((3, 3),),
        lambda a: np.linalg.matrix_power(a, 3),
    ),
    "linalg.cross": (lambda x, y, **k: torch.linalg.cross(x, y, **k), ((4, 3), (4, 3)), lambda a, b: np.cross(a, b)),
    "linalg.vecdot": (
        lambda x, y, **k: torch.linalg.vecdot(x, y, **k),
        ((4, 3), (4, 3)),
        lambda a, b: (a.conj() * b).sum(-1),
    ),
    "linalg.matrix_norm": (lambda x, **k: torch.linalg.matrix_norm(x, **k), ((2, 3, 4),), None),
    "linalg.norm": (lambda x, **k: torch.linalg.norm(x, dim=(-2, -1), **k), ((2, 3, 4),), None),
    "linalg.vector_norm": (lambda x, **k: torch.linalg.vector_norm(x, dim=(1, 2), **k), ((2, 3, 4),), None),
}


@pytest.mark.parametrize("name", WRITTEN)
@check("linalg.out")
def test_products_and_norms_are_written_to_out(subject: Subject, name: str) -> None:
    call, shapes, law = WRITTEN[name]
    for dtype in ("float64", "float32", "complex64"):
        arrays = [drawn(turn, dtype, shape) for turn, shape in enumerate(shapes)]
        kind = part(dtype) if law is None else dtype
        wide = [oracle.wide(a) for a in arrays]
        wanted = np.asarray(law(*wide) if law else np.sqrt((np.abs(wide[0]) ** 2).sum((-2, -1))))
        for turn, layout in enumerate(LAID):
            given = [LAID[(turn + n) % 4](a, dtype).on(subject) for n, a in enumerate(arrays)]
            before = Unchanged(**{f"of place {n}": x for n, x in enumerate(given)})
            recipe = layout(np.ones(wanted.shape), kind)
            base, out = laid(subject, recipe)
            empty = torch.empty(0, dtype=out.dtype, device=out.device)
            for held in (out, empty):
                require(call(*given, out=held) is held, f"torch.{name} returns another tensor than out=")
                near(f"torch.{name} of {dtype}, {layout.__name__} out=", held, wanted, kind)
            gaps_kept(f"torch.{name}, out=", base, recipe)
            before.check(name)


ONE = np.array([[2.0], [3.0], [0.5]])
SQUARE = np.array([[2.0, 0.5], [0.0, 3.0]])

# name: (operand, call that changes nothing or only drops a dimension)
IDLE: dict[str, tuple[Array, Call]] = {
    "torch.matrix_power(x, 1)": (SQUARE, lambda x: torch.matrix_power(x, 1)),
    "torch.linalg.matrix_power(x, 1)": (SQUARE, lambda x: torch.linalg.matrix_power(x, 1)),
    "x.matrix_power(1)": (SQUARE, lambda x: x.matrix_power(1)),
    "torch.triu(x)": (SQUARE, lambda x: torch.triu(x)),
    "x.triu()": (SQUARE, lambda x: x.triu()),
    "torch.triu(x, -5)": (SQUARE, lambda x: torch.triu(x, -5)),
    "x.tril(5)": (SQUARE, lambda x: x.tril(5)),
    "torch.tril(x, diagonal=1)": (SQUARE, lambda x: torch.tril(x, diagonal=1)),
    "x.tril(1)": (SQUARE, lambda x: x.tril(1)),
    "torch.mm(x, 1)": (ONE, lambda x: torch.mm(x, torch.ones_like(x[:1]))),
    "x @ 1": (ONE, lambda x: x @ torch.ones_like(x[:1])),
    "torch.kron(x, 1)": (ONE, lambda x: torch.kron(x, torch.ones_like(x[:1]))),
    "torch.tensordot(x, 1, 0)": (ONE, lambda x: torch.tensordot(x, torch.ones_like(x[0, 0]), 0)),
    "torch.linalg.multi_dot([x, 1])": (ONE, lambda x: torch.linalg.multi_dot([x, torch.ones_like(x[:1])])),
    "torch.addmm(x, x, 1, alpha=0)": (ONE, lambda x: torch.addmm(x, x, torch.ones_like(x[:1]), alpha=0)),
    "x.addmm(x, 1, alpha=0)": (ONE, lambda x: x.addmm(x, torch.ones_like(x[:1]), alpha=0)),
    "torch.addr(x, x, 1, alpha=0)": (ONE, lambda x: torch.addr(x, x[:, 0], torch.ones_like(x[0]), alpha=0)),
    "torch.outer(x, 1)": (ONE, lambda x: torch.outer(x[:, 0], torch.ones_like(x[0]))),
    "torch.trace(x)": (ONE[:1], lambda x: torch.trace(x)),
    "torch.det(x)": (ONE[:1], lambda x: torch.det(x)),
    "torch.linalg.det(x)": (ONE[:1], lambda x: torch.linalg.det(x)),
    "torch.dot(x, 1)": (ONE[0], lambda x: torch.dot(x, torch.ones_like(x))),
    "torch.linalg.vector_norm(x, dim=1)": (ONE, lambda x: torch.linalg.vector_norm(x, dim=1)),
    "torch.linalg.vector_norm(x, inf, dim=1)": (ONE, lambda x: torch.linalg.vector_norm(x, float("inf"), dim=1)),
    "torch.norm(x, 1, 1)": (ONE, lambda x: torch.norm(x, 1, 1)),
    "torch.linalg.matrix_norm(x)": (ONE[:1], lambda x: torch.linalg.matrix_norm(x)),
    "torch.einsum('i,->i', x, 1)": (ONE[:, 0], lambda x: torch.einsum("i,->i", x, torch.ones_like(x[0]))),
    "torch.einsum('ij->i', x)": (ONE, lambda x: torch.einsum("ij->i", x)),
}


@pytest.mark.parametrize("name", IDLE)
@check("linalg.new-memory")
def test_what_changes_nothing_is_new_memory(subject: Subject, name: str) -> None:
    values, call = IDLE[name]
    for dtype in ("float64", "float32"):
        for layout in (contiguous, transposed, stepped):
            x = layout(values, dtype).on(subject)
            before = Unchanged(x=x)
            out = call(x)
            assert_apart(f"{name} of {dtype}", out, x)
            near(f"{name} of {dtype}", out, values.reshape(tuple(out.shape)), dtype)
            before.check(name)


@pytest.mark.parametrize("name", ["lu_solve", "ldl_solve", "solve_triangular", "tensorsolve"])
@check("linalg.out")
def test_solutions_are_written_to_out(subject: Subject, name: str) -> None:
    a, b = np.array([[4.0, 1, 0.5], [1, 3, 0.25], [0.5, 0.25, 2]]), drawn(3, "float64", (3, 2))
    m = np.triu(a) if name == "solve_triangular" else a
    for layout in LAID:
        x, y = contiguous(m, "float64").on(subject), stepped(b, "float64").on(subject)
        solve = find(f"linalg.{name}")
        calls: dict[str, Call] = {
            "lu_solve": lambda **k: solve(*torch.linalg.lu_factor(x), y, **k),
            "ldl_solve": lambda **k: solve(*torch.linalg.ldl_factor(x), y, **k),
            "solve_triangular": lambda **k: solve(x, y, upper=True, **k),
            "tensorsolve": lambda **k: solve(x, y[:, 0], **k),
        }
        wanted = np.linalg.solve(m, b[:, 0] if name == "tensorsolve" else b)
        recipe = layout(np.ones(wanted.shape), "float64")
        base, out = laid(subject, recipe)
        for held in (out, torch.empty(0, dtype=out.dtype, device=out.device)):
            require(calls[name](out=held) is held, f"linalg.{name} returns another tensor than out=")
            near(f"linalg.{name}, {layout.__name__} out=", held, wanted, "float64", 400)
        gaps_kept(f"linalg.{name}, out=", base, recipe)

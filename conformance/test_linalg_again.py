"""Functions of matrices called again with the same tensors, after these were written to: nothing is remembered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.every_form import find
from conformance.oracle import linalg as oracle
from conformance.subject import Subject
from conformance.tables.linalg_matrices import near
from conformance.tables.linalg_products import drawn
from properties.strategies.recipe import contiguous, stepped, transposed

pytestmark = must_answer

Array = np.ndarray
MATRIX, PAIR = ((4, 4),), ((3, 4), (4, 5))
BATCHES = ((2, 3, 4), (2, 4, 5))
# name: (claim, shapes of the operands, the law, arguments behind them)
CALLS: dict[str, tuple[str, tuple[tuple[int, ...], ...], Callable[..., Any], tuple[Any, ...]]] = {
    "mm": ("mm", PAIR, oracle.matmul, ()),
    "bmm": ("bmm", BATCHES, oracle.matmul, ()),
    "mv": ("mv", ((3, 4), (4,)), oracle.matmul, ()),
    "dot": ("dot", ((5,), (5,)), oracle.matmul, ()),
    "vdot": ("dot", ((5,), (5,)), oracle.matmul, ()),
    "matmul": ("matmul", ((2, 3, 4), (4, 5)), oracle.matmul, ()),
    "outer": ("outer", ((3,), (4,)), oracle.outer, ()),
    "inner": ("inner", ((3, 4), (5, 4)), lambda a, b: oracle.matmul(a, b.T), ()),
    "kron": ("kron", ((2, 3), (3, 2)), oracle.kron, ()),
    "addmm": ("addmm", ((3, 5), *PAIR), lambda m, a, b: m + a @ b, ()),
    "addmv": ("addmv", ((3,), (3, 4), (4,)), lambda m, a, b: m + a @ b, ()),
    "addr": ("addr", ((3, 4), (3,), (4,)), lambda m, a, b: m + oracle.outer(a, b), ()),
    "addbmm": ("addbmm", ((3, 5), *BATCHES), lambda m, a, b: m + (a @ b).sum(0), ()),
    "baddbmm": ("badbmm-name", ((2, 3, 5), *BATCHES), lambda m, a, b: m + a @ b, ()),
    "cross": ("cross", ((4, 3), (4, 3)), lambda a, b: oracle.cross(a, b), (1,)),
    "linalg.cross": ("cross", ((4, 3), (4, 3)), lambda a, b: oracle.cross(a, b), ()),
    "trace": ("trace", MATRIX, np.trace, ()),
    "triu": ("triu", MATRIX, np.triu, ()),
    "tril": ("tril", MATRIX, np.tril, ()),
    "diag": ("diag", ((4,),), oracle.diagonal_matrix, ()),
    "inverse": ("inverse", MATRIX, np.linalg.inv, ()),
    "linalg.inv": ("inverse", MATRIX, np.linalg.inv, ()),
    "det": ("det", MATRIX, np.linalg.det, ()),
    "linalg.slogdet": ("det", MATRIX, np.linalg.slogdet, ()),
    "svd": ("svd", ((3, 4),), lambda a: (None, np.linalg.svd(a, compute_uv=False), None), ()),
    "linalg.svdvals": ("svd", ((3, 4),), lambda a: np.linalg.svd(a, compute_uv=False), ()),
    "linalg.eigvalsh": ("eigh", MATRIX, lambda a: np.linalg.eigvalsh(np.tril(a) + np.tril(a, -1).T), ()),
    "linalg.solve": ("solve", ((4, 4), (4, 2)), np.linalg.solve, ()),
    "pinverse": ("pinv", ((3, 4),), np.linalg.pinv, ()),
    "matrix_power": ("matrix-power", MATRIX, lambda a: np.linalg.matrix_power(a, 3), (3,)),
    "linalg.vector_norm": ("norms", ((3, 4),), lambda a: np.sqrt((a * a).sum()), ()),
    "linalg.matrix_norm": ("norms", ((3, 4),), lambda a: np.sqrt((a * a).sum()), ()),
    "tensordot": ("tensordot", PAIR, oracle.matmul, (1,)),
    "cdist": ("cdist", ((3, 4), (5, 4)), lambda a, b: np.sqrt(((a[:, None] - b) ** 2).sum(-1)), ()),
}
METHODS = (
    "trace",
    "triu",
    "tril",
    "diag",
    "inverse",
    "det",
    "svd",
    "mm",
    "bmm",
    "mv",
    "dot",
    "vdot",
    "matmul",
    "outer",
)


def _operands(shapes: tuple[tuple[int, ...], ...], seed: int) -> list[Array]:
    """Drawn values; square matrices well away from singular ones."""
    arrays = [drawn(seed + n, "float64", shape) for n, shape in enumerate(shapes)]
    return [a + 5 * np.eye(4) if a.shape == (4, 4) else a for a in arrays]


def _judge(text: str, out: Any, law: Any) -> None:
    parts = zip(out, law, strict=True) if isinstance(law, tuple) else ((out, law),)
    for part, wanted in parts:
        if wanted is not None:
            near(text, part, np.asarray(wanted), "float64")


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"linalg.{row[0]}")) for name, row in CALLS.items()])
def test_called_again_with_the_same_tensors(subject: Subject, name: str) -> None:
    _, shapes, law, further = CALLS[name]
    first, second = (_operands(shapes, seed) for seed in (1, 7))
    forms: list[tuple[str, Callable[..., Any]]] = [(f"torch.{name}", find(name))]
    if name in METHODS or name.startswith("add") or name in ("baddbmm", "inner", "kron", "cross", "matrix_power"):
        forms.append((f"x.{name}", lambda x, *rest: getattr(x, name)(*rest)))
    if name == "matmul":
        forms.append(("x @ y", lambda x, y: x @ y))
    for text, call in forms:
        for layout in (contiguous, transposed, stepped):
            given = [layout(a, "float64").on(subject) for a in first]
            kept = call(*given, *further)
            for x, values in zip(given, second, strict=True):
                x.copy_(contiguous(values, "float64").on(subject))
            again = call(*given, *further)
            _judge(f"{text}, called again after its operands were written to", again, law(*second))
            _judge(f"{text}, its first result after a second call", kept, law(*first))


WHOLE = tuple(CALLS)[: tuple(CALLS).index("inverse")]


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(f"linalg.{CALLS[name][0]}")) for name in WHOLE])
def test_whole_numbers_keep_all_their_digits(subject: Subject, name: str) -> None:
    """Beyond 2 ** 53, where a double would round them, and modulo 2 ** 64."""
    _, shapes, law, further = CALLS[name]
    generator = np.random.default_rng(5)
    for layout in (contiguous, transposed, stepped):
        arrays = [generator.integers(2**53, 2**56, shape) * 2 + 1 for shape in shapes]
        given = [layout(a, "int64").on(subject) for a in arrays]
        assert_values(f"torch.{name} of int64", find(name)(*given, *further), law(*arrays), dtype="int64")


@check("linalg.draws-nothing")
def test_no_function_of_matrices_draws_random_numbers(subject: Subject) -> None:
    state = host.array(torch.get_rng_state()).tobytes()
    for name, (_, shapes, _, further) in CALLS.items():
        find(name)(*(contiguous(a, "float64").on(subject) for a in _operands(shapes, 1)), *further)
        require(host.array(torch.get_rng_state()).tobytes() == state, f"torch.{name} draws random numbers")

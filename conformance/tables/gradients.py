"""What checks of gradients share: rows of derivatives run on a subject, and compared with their oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from conformance import host, numerics
from conformance.assertions import assert_values, require
from conformance.claim import within
from conformance.numerics import GRADIENT
from conformance.oracle import autograd as oracle
from conformance.oracle.autograd import Derivative, Gradient
from conformance.subject import Subject, release
from properties.strategies.recipe import LAYOUTS, Layout, Recipe, contiguous

NAMES = "xyz"


def present(rows: Iterable[Derivative]) -> list[Derivative]:
    """The rows that this release has."""
    return [row for row in rows if within(release(), row.since, row.until)]


def leaves(row: Derivative, dtype: str, subject: Subject, layout: Layout = contiguous) -> list[torch.Tensor]:
    """The inputs of a row as leaves that require grad, in one layout."""
    return [built(layout(x, _dtype_of(x, dtype)), subject).requires_grad_() for x in row.inputs]


def built(recipe: Recipe, subject: Subject) -> torch.Tensor:
    """The recipe's tensor; where it is contiguous no view of anything, as a user's tensors mostly are."""
    if not recipe.is_contiguous:
        return recipe.on(subject)
    subject.require(recipe.dtype)
    return host.tensor(recipe.array, recipe.dtype, subject.device)


def _dtype_of(values: np.ndarray, dtype: str) -> str:
    complexes = {"float64": "complex128", "float32": "complex64"}
    return complexes[dtype] if np.iscomplexobj(values) else dtype


def evaluate(form: str, tensors: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """The results of a form as a tuple; it may use torch, F, inf, and x, y, z for the tensors."""
    given = {"torch": torch, "F": F, "inf": inf, **dict(zip(NAMES, tensors, strict=False))}
    found = eval(form, given)
    return tuple(found) if isinstance(found, (tuple, list)) else (found,)


def vectors(
    row: Derivative, outs: Sequence[torch.Tensor], subject: Subject, layout: Layout = contiguous, seed: int = 0
) -> list[torch.Tensor]:
    """A vector for each result: the oracle's, in its dtype and one layout."""
    given = zip(oracle.vectors(row, seed), outs, strict=True)
    return [layout(v, str(out.dtype).removeprefix("torch.")).on(subject) for v, out in given]


def assert_gradients(
    call: str,
    row: Derivative,
    found: Sequence[torch.Tensor | None],
    wanted: Sequence[Gradient],
    dtype: str,
    times: float = 1,
) -> None:
    """Refute unless every gradient has the dtype, shape and value (so many times) that it should have."""
    for place, (gradient, expected) in enumerate(zip(found, wanted, strict=True)):
        assert_gradient(
            f"{call} for {NAMES[place]}", gradient, expected, _dtype_of(row.inputs[place], dtype), row.terms, times
        )


def assert_gradient(
    call: str, found: torch.Tensor | None, expected: Gradient, dtype: str, terms: float = 64.0, times: float = 1
) -> None:
    """Refute unless a gradient is within so many roundings of its scale."""
    require(found is not None, f"{call} is None, but should be a gradient", "a tensor", None)
    assert found is not None  # for the types
    error = GRADIENT.over(terms * (oracle.WIDER if dtype in ("float64", "complex128") else 1.0))
    value, scale = times * expected.value, times * expected.scale
    alike = tuple(found.shape) == value.shape and host.dtype_name(found.dtype) == dtype
    # The words are only looked for when there is something to say: this runs ten thousand times.
    if not alike or numerics.compare(host.array(stored(found)), value, dtype, error, scale) is not None:
        assert_values(call, stored(found), value, error, scale, dtype=dtype)


def assert_row(
    row: Derivative, form: str, dtype: str, subject: Subject, layout: Layout, wanted: Sequence[Gradient]
) -> None:
    """Refute unless autograd.grad of a form, with inputs and vectors in one layout, gives the oracle's J^T v."""
    tensors = leaves(row, dtype, subject, layout)
    outs = evaluate(form, tensors)
    call = f"the gradient of {form} ({dtype}, {layout.__name__})"
    for out in outs:
        require(out.requires_grad and out.grad_fn is not None, f"{form} does not require grad", True, out.requires_grad)
    found = torch.autograd.grad(outs, tensors, vectors(row, outs, subject, layout), allow_unused=True)
    assert_gradients(call, row, found, wanted, dtype)


def stored(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor, or zeros in memory for one of those zero gradients that have none to read."""
    without_memory = tensor._is_zerotensor()  # there is no public way to ask
    return torch.zeros(tensor.shape, dtype=tensor.dtype) if without_memory else tensor


def version(tensor: torch.Tensor) -> int:
    """How often autograd was told that the tensor's memory was written to."""
    return tensor._version  # the counter has no public name


def numeric(function: Callable[..., Any], inputs: Sequence[np.ndarray], v: Any) -> list[Gradient]:
    """J^T v of any numpy function of arrays, one result, by differences."""
    row = Derivative("", (), function, tuple(np.asarray(x) for x in inputs))
    return oracle.pullback(row, (np.asarray(v),))


def leaf(values: Any, subject: Subject, dtype: str = "float64", layout: str = "contiguous") -> torch.Tensor:
    """A leaf that requires grad."""
    return constant(values, subject, dtype, layout).requires_grad_()


def constant(values: Any, subject: Subject, dtype: str = "float64", layout: str = "contiguous") -> torch.Tensor:
    """A tensor that does not require grad."""
    return built(LAYOUTS[layout](np.array(values, float), dtype), subject)


def exact(call: str, out: Any, wanted: Any, dtype: str = "float64") -> None:
    """Refute unless a gradient is a tensor with just these numbers."""
    require(out is not None, f"{call} is None, but should be {wanted}", wanted, None)
    assert_values(call, out, np.array(wanted, float), dtype=dtype)

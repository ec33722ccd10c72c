"""Options, keywords and complex numbers: gradients and tangents agree with differences of the values."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from math import inf
from types import CodeType
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.autograd import forward_ad

from conformance import host, numerics
from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.claim import within
from conformance.effort import scaled
from conformance.numerics import GRADIENT, Error
from conformance.oracle.autograd import apart
from conformance.subject import Subject, release
from conformance.tables.autograd_option_rows import GROUPS, SAMPLES, TANGENT_WRONG, Row
from conformance.tables.gradients import built, stored
from properties.strategies.recipe import Layout, contiguous, expanded, row_stepped, transposed

pytestmark = must_answer

# The dtype and layout of the inputs, and the layout of the vectors.
ARRANGEMENTS = (
    ("float64", contiguous, expanded),
    ("float64", transposed, transposed),
    ("float32", contiguous, contiguous),
    ("float64", row_stepped, row_stepped),
)
Arrays = Sequence[np.ndarray]
ALONE = ("ldexp", "as-strided-scatter")  # groups that have a claim each
COMPLEX = {"float64": "complex128", "float32": "complex64"}
# Central differences of fourth order: the weights of f(x + k h) - f(x - k h), for the step that float64 likes best.
STEP, WEIGHTS = 2.0**-11, ((1, 2 / 3), (2, -1 / 12))


def claim_of(group: str) -> str:
    """The claim of a group; those of one function alone have their own."""
    return f"autograd.derivative-{group if group in ALONE else 'options'}"


@pytest.mark.parametrize("group", [pytest.param(name, marks=check(claim_of(name)), id=name) for name in GROUPS])
def test_the_gradient_agrees_with_differences_of_the_values(subject: Subject, group: str) -> None:
    for place, row in enumerate(GROUPS[group]):
        if within(release(), row.since, row.until):
            free = len(row.inputs.partition("|")[0])
            arrays = [SAMPLES[name] for name in row.inputs.replace("|", "")]
            ways = [direction(x, seed) if seed < free else 0.0 * x for seed, x in enumerate(arrays)]
            slopes = differences(row.form, arrays, ways, subject)
            for turn in range(scaled(len(ARRANGEMENTS))):
                judge(subject, row, arrays, ways[:free], slopes, *ARRANGEMENTS[(place + turn) % len(ARRANGEMENTS)])
            if row.form not in TANGENT_WRONG:
                judge_tangents(subject, row, arrays, ways[:free], slopes, *ARRANGEMENTS[place % len(ARRANGEMENTS)][:2])


def judge_tangents(
    subject: Subject, row: Row, arrays: Arrays, ways: Arrays, slopes: Arrays, dtype: str, layout: Layout
) -> None:
    """Refute unless forward mode, where the function has it, gives the differences along u as tangents."""
    try:
        with forward_ad.dual_level():
            given = [tensor(x, dtype, layout, subject) for x in arrays]
            duals = [
                forward_ad.make_dual(x, tensor(u, dtype, layout, subject)) for x, u in zip(given, ways, strict=False)
            ]
            outs = evaluate(row.form, [*duals, *given[len(duals) :]])
            found = [forward_ad.unpack_dual(out).tangent for out in outs]
    except NotImplementedError:
        return
    for out, tangent, wanted in zip(outs, found, slopes, strict=True):
        if out.is_floating_point() or out.is_complex():
            call = f"the tangent of {row.form} ({dtype}, {layout.__name__})"
            size = 1.0 + np.abs(wanted) + np.abs(wanted).max(initial=0.0)
            values = np.zeros_like(wanted) if tangent is None else host.array(stored(tangent))
            differs = numerics.compare(values, np.asarray(wanted), dtype, bound(dtype), size)
            require(differs is None, f"{call}: {differs}", wanted, tangent)


def judge(
    subject: Subject, row: Row, arrays: Arrays, ways: Arrays, slopes: Arrays, dtype: str, layout: Layout, facing: Layout
) -> None:
    """Refute unless v^T J u is the same by backward, as the gradient for v times u, and by differences along u."""
    free = len(ways)
    facing = contiguous if "fft." in row.form else facing  # an expanded one ends in an error of MKL in 2.6
    tensors = [tensor(x, dtype, layout, subject).requires_grad_(i < free) for i, x in enumerate(arrays)]
    outs = evaluate(row.form, tensors)
    call = f"the gradient of {row.form} ({dtype}, {layout.__name__}, for a vector that is {facing.__name__})"
    tracked = [place for place, out in enumerate(outs) if out.requires_grad]
    require(tracked, f"{row.form} does not require grad", True, False)
    vectors = [vector(slopes[place], 11 + place, facing) for place in tracked]
    given = [facing(v, host.dtype_name(outs[i].dtype)).on(subject) for i, v in zip(tracked, vectors, strict=True)]
    found = torch.autograd.grad([outs[place] for place in tracked], tensors[:free], given, allow_unused=True)
    wanted = [np.real(np.conj(v) * slopes[place]) for v, place in zip(vectors, tracked, strict=True)]
    shares = [products(call, g, x, u) for g, x, u in zip(found, tensors, ways, strict=False)]
    agree(call, shares, wanted, dtype)


def vector(like: np.ndarray, seed: int, layout: Layout) -> np.ndarray:
    """A direction that the layout can hold: an expanded one repeats its first slice."""
    v = direction(like, seed)
    return v[:1] + np.zeros_like(v) if layout is expanded and v.ndim else v


def products(call: str, gradient: torch.Tensor | None, x: torch.Tensor, way: np.ndarray) -> np.ndarray:
    """The products of a gradient's elements with those of a direction; None counts as zeros."""
    if gradient is None:
        return np.zeros(1)
    require(gradient.shape == x.shape and gradient.dtype == x.dtype, f"{call} is not like the input", x, gradient)
    return np.real(np.conj(host.array(stored(gradient))) * way)


def agree(call: str, found: Arrays, wanted: Arrays, dtype: str) -> None:
    """Refute unless the sums are the same, within roundings of the sum of magnitudes."""
    value, expected = (sum(float(part.sum()) for part in parts) for parts in (found, wanted))
    size = 1.0 + sum(float(np.abs(part).sum()) for part in (*found, *wanted))
    differs = numerics.compare(np.array(value), np.array(expected), dtype, bound(dtype), np.array(size))
    require(differs is None, f"{call}, times a direction, is {value!r}, but the values change by {expected!r}")


def bound(dtype: str) -> Error:
    """Roundings of the differences and of the gradient."""
    return GRADIENT.over(2.0 ** (22 if dtype == "float64" else 10))


def differences(form: str, arrays: Arrays, ways: Arrays, subject: Subject) -> list[Any]:
    """The derivative of every result of a form along a direction of all its inputs, in float64."""
    total: list[Any] = []
    for k, weight in WEIGHTS:
        sides = []
        for sign in (1, -1):
            moved = [x + sign * k * STEP * u for x, u in zip(arrays, ways, strict=True)]
            with torch.no_grad():
                outs = evaluate(form, [tensor(x, "float64", contiguous, subject) for x in moved])
            sides.append([host.array(out) for out in outs])
        parts = [weight * (up - down) / STEP if up.dtype != bool else up for up, down in zip(*sides, strict=True)]
        total = [a + b for a, b in zip(total, parts, strict=True)] if total else parts
    return total


def tensor(values: np.ndarray, dtype: str, layout: Layout, subject: Subject) -> torch.Tensor:
    return built(layout(values, COMPLEX[dtype] if np.iscomplexobj(values) else dtype), subject)


def direction(like: np.ndarray, seed: int) -> np.ndarray:
    """Moderate numbers of both signs in the shape of an array, complex where it is; their mean is not 0, as a mean's
    gradient would be along such."""
    real, imaginary = (apart(0.75, *np.shape(like), seed=seed + more) + 0.1875 for more in (41, 71))
    return real + 1j * imaginary if np.iscomplexobj(like) else real


def evaluate(form: str, tensors: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """The results of a form as a tuple."""
    names = {"torch": torch, "F": F, "inf": inf, **dict(zip("xyz", tensors, strict=False))}
    found = eval(code(form), {**names, **indices(tensors[0].device)})
    return tuple(found) if isinstance(found, (tuple, list)) else (found,)


@functools.cache
def indices(device: torch.device) -> dict[str, Any]:
    """What forms make indices of, and some made already."""
    index = mask = functools.partial(made, device)
    return {
        "index": index,
        "mask": mask,
        "PAIRS": index([0, 2], [1, 1], [3, 0]),
        "APART": index([0, 2], [1, 3], [3, 0]),
        "COLUMNS": mask(True, False, True, True),
    }


def made(device: torch.device, *values: Any) -> torch.Tensor:
    return torch.tensor(values, device=device)


@functools.cache
def code(form: str) -> CodeType:
    return compile(form, "<form>", "eval")

"""Rows that hold a function of PyTorch, in all its forms, against a formula in numpy: values, layouts, gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from conformance import effort, host
from conformance.assertions import Unchanged, assert_tensor, assert_values, require
from conformance.check import check
from conformance.numerics import INNER
from conformance.subject import Subject
from properties.strategies.recipe import DENSE, Layout, Recipe, channels_last, contiguous, layouts, transposed
from properties.strategies.values import random_normal

KINDS = ("float64", "float32")
# Layouts cost alike for both dtypes, and their errors are mostly the same: float64 sees all of them, float32 some.
USED = {
    "quick": {"float64": ("contiguous", "transposed"), "float32": ("stepped",)},
    "gate": {"float64": tuple(DENSE), "float32": ("contiguous", "transposed", "offset")},
    "deep": {"float64": tuple(DENSE), "float32": tuple(DENSE)},
}
Form = Callable[..., Any]


@dataclass(frozen=True)
class Row:
    """One function with its options.

    `forms`: ways to call it with tensors; the first one is differentiated. `formula`: the same of float64 arrays.
    `shapes`: of its operands, drawn as normal numbers, then sent through `domain` where given. `fixed`: operands that
    follow them, as arrays of indices and the like. `terms`: how many roundings of `scale` a result may cost. `smooth`:
    whether the gradient is compared with differences of the formula.
    """

    claim: str
    name: str
    forms: Mapping[str, Form]
    formula: Callable[..., np.ndarray]
    shapes: tuple[tuple[int, ...], ...]
    domain: Callable[[np.ndarray], np.ndarray] | None = None
    fixed: tuple[np.ndarray, ...] = ()
    terms: int = 60
    scale: float = 4.0
    smooth: bool = True
    since: str | None = None

    def arrays(self, dtype: str) -> list[np.ndarray]:
        """Operands that the dtype has, as float64."""
        drawn = [random_normal(turn + 1, "float64", shape) for turn, shape in enumerate(self.shapes)]
        return [held(self.domain(x) if self.domain else x, dtype) for x in drawn]


def held(values: np.ndarray, dtype: str) -> np.ndarray:
    """Values that the dtype has, as float64."""
    return host.array(host.tensor(np.asarray(values, np.float64), dtype)).astype(np.float64)


def marked(rows: list[Row]) -> list[Any]:
    """Rows as parameters, each a check of its claim."""
    return [pytest.param(row, marks=check(row.claim, since=row.since), id=row.name) for row in rows]


def module(kind: str, *args: Any, inputs: int = 1, **options: Any) -> Form:
    """A form: a module of torch.nn, whose parameters are the operands after the first `inputs`."""

    def form(*operands: Any) -> Any:
        layer = getattr(nn, kind)(*args, **options).to(operands[0].device, operands[0].dtype)
        with torch.no_grad():
            for p, value in zip(layer.parameters(), operands[inputs:], strict=True):
                p.copy_(value)
        return layer(*operands[:inputs])

    return form


def wired(kind: str, *args: Any, inputs: int = 1, call: Mapping[str, Any] | None = None, **options: Any) -> Form:
    """As `module`, but the operands take the place of the parameters, so that gradients reach them. `call`: keywords
    of the module's own call."""

    def form(*operands: Any) -> Any:
        layer = getattr(nn, kind)(*args, **options).to(operands[0].device, operands[0].dtype)
        names = [name for name, _ in layer.named_parameters()]
        for name, value in zip(names, operands[inputs:], strict=True):
            delattr(layer, name)
            setattr(layer, name, value)
        return layer(*operands[:inputs], **(call or {}))

    return form


def judge_row(subject: Subject, row: Row) -> None:
    """Refute unless every form gives what the formula gives, in every layout, and the gradient agrees with it."""
    for dtype in reversed(KINDS):  # float64 last: its further operands serve the gradient
        arrays = row.arrays(dtype)
        fixed = [held(x, dtype) if x.dtype.kind == "f" else x for x in row.fixed]
        wanted = np.asarray(row.formula(*arrays, *fixed))
        extra = [contiguous(x, dtype if x.dtype.kind == "f" else x.dtype.name).on(subject) for x in fixed]
        bound = row.scale * (1 + np.abs(wanted))
        for recipes in arranged(arrays, dtype):
            given = [recipe.on(subject) for recipe in recipes]
            before = Unchanged(**{f"of place {turn}": x for turn, x in enumerate([*given, *extra])})
            for form, call in row.forms.items():
                text = f"{form} ({row.name}) of {dtype}, strides {[recipe.strides for recipe in recipes]}"
                assert_values(text, call(*given, *extra), wanted, INNER.over(row.terms), bound, dtype=dtype)
            before.check(row.name)
    if row.smooth:
        _judge_gradient(subject, row)


def used(dtype: str) -> tuple[str, ...]:
    """The layouts that this effort tries for a dtype."""
    return USED[effort.level()][dtype]


def arranged(arrays: Sequence[np.ndarray], dtype: str) -> Iterator[tuple[Recipe, ...]]:
    """Operands in the layouts of this effort; those that have fewer of them begin again."""
    found = [list(layouts(x, dtype, used(dtype))) for x in arrays]
    for turn in range(max(map(len, found))):
        yield tuple(recipes[turn % len(recipes)] for recipes in found)


# How a gradient is asked for: the dtype, the operands' layout, the layout of the result's gradient (None: that of the
# sum, one number spread over all elements), and whether one operand alone requires grad at a time.
BACKWARD: tuple[tuple[str, Layout, Layout | None, bool], ...] = (
    ("float64", channels_last, contiguous, False),
    ("float64", transposed, transposed, True),
    ("float32", contiguous, None, False),
)


def _judge_gradient(subject: Subject, row: Row) -> None:
    """Along one direction for each operand, for gradients of the result in several layouts."""
    arrays = row.arrays("float32")
    steps = [random_normal(47 + place, "float64", x.shape) for place, x in enumerate(arrays)]
    fixed = [held(x, "float32") if x.dtype.kind == "f" else x for x in row.fixed]
    slopes = list(_slopes(row.formula, [*arrays, *fixed], steps))
    every = range(len(arrays))
    for dtype, layout, spread, alone in BACKWARD:
        extra = [contiguous(x, dtype if x.dtype.kind == "f" else x.dtype.name).on(subject) for x in fixed]
        for places in [[place] for place in every] if alone else [every]:
            given = [layout(x, dtype).on(subject).requires_grad_(i in places) for i, x in enumerate(arrays)]
            out = next(iter(row.forms.values()))(*given, *extra)
            v = held(random_normal(31, "float64", tuple(out.shape)), dtype) if spread else np.ones(tuple(out.shape))
            out.backward(spread(v, dtype).on(subject)) if spread else out.sum().backward()
            for place in places:
                text = f"{row.name} ({dtype}{', alone' if alone else ''}) by its operand {place}"
                _judge_slope(text, given[place].grad, v, slopes[place], steps[place], row)


def _judge_slope(text: str, grad: Any, v: np.ndarray, slope: np.ndarray, step: np.ndarray, row: Row) -> None:
    """Refute unless a gradient, along a step, is `v` times the slope of the values.

    Differences cost h² / 6 third derivatives, taken for up to 200, and the roundings of the formula over h.
    """
    gradient = assert_tensor(f"the gradient of {text}", grad)
    wanted, found = float((v * slope).sum()), float((host.array(gradient).astype(np.float64) * step).sum())
    share = 200 * H * H / 6 + row.terms * (EPS / H + torch.finfo(gradient.dtype).eps)
    size = row.scale * (1 + abs(wanted)) * (1 + np.sqrt(v.size * step.size))
    require(abs(found - wanted) <= share * size, f"the derivative of {text}, along a direction", wanted, found)


def _slopes(formula: Form, arrays: Sequence[np.ndarray], steps: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """How the formula changes along a step of each operand."""
    for place, step in enumerate(steps):
        moved = [[*arrays[:place], arrays[place] + way, *arrays[place + 1 :]] for way in (step * H, step * -H)]
        ends = [np.asarray(formula(*operands), np.float64) for operands in moved]
        yield (ends[0] - ends[1]) / (2 * H)


H = 2.0**-17
EPS = 2.0**-52

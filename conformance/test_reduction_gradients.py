"""The gradients of reductions, by their formulas: also at ties, at zeros, and through indices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.numerics import COMPOSED
from conformance.oracle import reduction_scan as scan
from conformance.subject import Subject
from conformance.wanted import Wanted, same
from properties.strategies.recipe import Recipe, contiguous, stepped, transposed

pytestmark = must_answer

Array = np.ndarray
Law = Callable[[Array, Array], Array]
TIED = np.array([[1.0, 3, 3, 2, 3], [4, 0, 4, 1, 2], [0, 0, 0, 0, 0], [5, 1, 2, 0, 4]])
PLAIN = np.array([[1.0, 3, -2, 2.5, 0.5], [4, -1, 2, 1, 7], [0.25, 1.5, 3, 2, 0.5], [5, 1, -2, 6, 4]])
ZEROS = np.array([[1.0, 0, 3, 2, 1], [0, 2, 0, 1, 3], [1, 2, 3, 1, 2], [0, 0, 0, 1, 2]])


def _spread(x: Array) -> Array:
    return x - x.mean(1, keepdims=True)


def _others(x: Array) -> Array:
    """For each element the product of all others of its row."""
    return np.stack([np.delete(x, i, 1).prod(1) for i in range(x.shape[1])], 1)


def _shared(x: Array, g: Array, best: Array) -> Array:
    hits = (x == best[:, None]).astype(float)
    return g[:, None] * hits / hits.sum(1, keepdims=True)


def _single(x: Array, g: Array, where: Array) -> Array:
    out = np.zeros_like(x)
    np.put_along_axis(out, where[:, None], g[:, None], 1)
    return out


def _cumprod(x: Array, g: Array) -> Array:
    out = np.zeros_like(x)
    for i in range(x.shape[1]):
        for j in range(i, x.shape[1]):
            out[:, i] += g[:, j] * np.delete(x[:, : j + 1], i, 1).prod(1)
    return out


def _running(sign: int) -> Law:
    def law(x: Array, g: Array) -> Array:
        out = np.zeros_like(x)
        where = scan.running(x, 1, sign)[1]
        for row, column in np.ndindex(x.shape):
            out[row, where[row, column]] += g[row, column]
        return out

    return law


def _softmax(x: Array) -> Array:
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def _std(x: Array, g: Array) -> Array:
    return g[:, None] * _spread(x) / (x.shape[1] - 1) / x.std(1, ddof=1, keepdims=True)


def _norm(p: float) -> Law:
    def law(x: Array, g: Array) -> Array:
        size = (np.abs(x) ** p).sum(1, keepdims=True) ** (1 / p)
        with np.errstate(all="ignore"):
            found = np.sign(x) * np.abs(x) ** (p - 1) / size ** (p - 1)
        return np.where(size > 0, g[:, None] * found, 0.0)

    return law


class Functions:
    """A tensor whose methods are the functions of torch."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args, **options: getattr(torch, name)(self.tensor, *args, **options)


# name: (call on x along dimension 1, gradient of its rows for the weights g, input)
LAWS: dict[str, tuple[Callable[[Any], Any], Law, Array]] = {
    "sum": (lambda x: x.sum(1), lambda x, g: np.repeat(g[:, None], 5, 1), PLAIN),
    "mean": (lambda x: x.mean(1), lambda x, g: np.repeat(g[:, None], 5, 1) / 5, PLAIN),
    "nansum": (lambda x: x.nansum(1), lambda x, g: np.repeat(g[:, None], 5, 1), PLAIN),
    "prod": (lambda x: x.prod(1), lambda x, g: g[:, None] * _others(x), PLAIN),
    "prod with zeros": (lambda x: x.prod(1), lambda x, g: g[:, None] * _others(x), ZEROS),
    "amax": (lambda x: x.amax(1), lambda x, g: _shared(x, g, x.max(1)), TIED),
    "amin": (lambda x: x.amin(1), lambda x, g: _shared(x, g, x.min(1)), TIED),
    "max": (lambda x: x.max(1).values, lambda x, g: _single(x, g, x.argmax(1)), TIED),
    "min": (lambda x: x.min(1).values, lambda x, g: _single(x, g, x.argmin(1)), TIED),
    "median": (lambda x: x.median(1).values, lambda x, g: _single(x, g, np.argsort(x, 1)[:, 2]), PLAIN),
    "cumsum": (lambda x: x.cumsum(1), lambda x, g: np.cumsum(g[:, ::-1], 1)[:, ::-1], PLAIN),
    "cumprod": (lambda x: x.cumprod(1), _cumprod, PLAIN),
    "cumprod with zeros": (lambda x: x.cumprod(1), _cumprod, ZEROS),
    "cummax": (lambda x: x.cummax(1).values, _running(1), PLAIN),
    "cummin": (lambda x: x.cummin(1).values, _running(-1), PLAIN),
    "logsumexp": (lambda x: x.logsumexp(1), lambda x, g: g[:, None] * _softmax(x), PLAIN),
    "var": (lambda x: x.var(1), lambda x, g: g[:, None] * 2 * _spread(x) / 4, PLAIN),
    "var, unbiased=False": (lambda x: x.var(1, unbiased=False), lambda x, g: g[:, None] * 2 * _spread(x) / 5, PLAIN),
    "std": (lambda x: x.std(1), _std, PLAIN),
    "norm": (lambda x: x.norm(dim=1), _norm(2), PLAIN),
    "norm of zeros": (lambda x: x.norm(dim=1), _norm(2), ZEROS * np.array([[1], [1], [0], [1]])),
    "1-norm": (lambda x: x.norm(1, 1), _norm(1), PLAIN),
    "3-norm": (lambda x: x.norm(3, 1), _norm(3), PLAIN),
    "topk": (lambda x: x.topk(1, 1).values[:, 0], lambda x, g: _single(x, g, x.argmax(1)), PLAIN),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=check("reduction.gradients")) for name in LAWS])
def test_the_gradient_of_rows(subject: Subject, name: str) -> None:
    values = LAWS[name][2]
    for dtype in ("float64", "float32"):
        for layout in (contiguous, transposed, stepped):
            for way in (Functions, lambda x: x):
                _row_gradient(subject, name, layout(values, dtype), way)


def _row_gradient(subject: Subject, name: str, recipe: Recipe, way: Callable[[Any], Any]) -> None:
    call, law, values = LAWS[name]
    text = f"{'torch' if way is Functions else 'Tensor'}.{name}, {recipe.dtype}"
    x = recipe.with_grad().on(subject)
    out = call(way(x))
    require(out.requires_grad, f"{text} of a tensor that requires a gradient does not require one")
    _same_as_without(text, out, call(way(recipe.on(subject))))
    g = (np.arange(out.numel()) % 5 - 1.5).reshape(tuple(out.shape))
    (grad,) = torch.autograd.grad(out, x, contiguous(g, recipe.dtype).on(subject))
    wanted = law(values, g)
    scale = np.abs(wanted) + np.abs(g).sum() * (1 + np.abs(values).max())
    same(f"the gradient of {text}", grad, Wanted(wanted, recipe.dtype, COMPOSED.over(16), scale, signed_zeros=False))


def _same_as_without(text: str, out: Any, plain: Any) -> None:
    wanted = Wanted(host.array(plain), host.dtype_name(plain.dtype))
    same(f"{text}, of a tensor that requires a gradient", out, wanted)


@check("reduction.gradients")
def test_the_gradient_of_whole_tensors(subject: Subject) -> None:
    calls: dict[str, tuple[Callable[[Any], Any], Array]] = {
        "x.sum()": (lambda x: x.sum(), np.ones((4, 5))),
        "x.mean()": (lambda x: x.mean(), np.full((4, 5), 1 / 20)),
        "x.max()": (lambda x: x.max(), (TIED == 5).astype(float)),
        "x.amax()": (lambda x: x.amax(), (TIED == 5).astype(float)),
        "x.amin()": (lambda x: x.amin(), (TIED == 0) / (TIED == 0).sum()),
        "x.prod()": (lambda x: x.prod(), np.zeros((4, 5))),
        "x.norm()": (lambda x: x.norm(), TIED / np.sqrt((TIED**2).sum())),
        "x.var()": (lambda x: x.var(), 2 * (TIED - TIED.mean()) / 19),
    }
    for text, (call, wanted) in calls.items():
        for layout in (contiguous, transposed, stepped):
            x = layout(TIED, "float64").with_grad().on(subject)
            out = call(x)
            _same_as_without(text, out, call(layout(TIED, "float64").on(subject)))
            (grad,) = torch.autograd.grad(out, x)
            same(f"the gradient of {text}", grad, Wanted(wanted, "float64", COMPOSED.over(16), 1.0, signed_zeros=False))


# With the arguments behind the tensor.
ALONG_ONE = (
    *("argmax", "argmin", "max", "min", "median", "nanmedian", "mode", "sort", "cummax", "cummin", "sum", "mean"),
    *("nansum", "nanmean", "prod", "amax", "amin", "std", "var", "cumsum", "cumprod", "all", "any", "count_nonzero"),
    *("logsumexp", "logcumsumexp"),
)
ANSWERS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(ALONG_ONE, (1,)),
    **{"topk": (2,), "kthvalue": (2,), "norm": (2, 1), "quantile": (0.25, 1), "nanquantile": (0.25, 1)},
}


@check("reduction.index-needs-no-gradient")
def test_every_part_of_an_answer_is_the_same_with_a_gradient(subject: Subject) -> None:
    for name, args in ANSWERS.items():
        for layout in (contiguous, transposed):
            for way in ("torch", "Tensor"):
                x, plain = layout(PLAIN, "float64").with_grad().on(subject), layout(PLAIN, "float64").on(subject)
                call = getattr(torch, name) if way == "torch" else getattr(torch.Tensor, name)
                parts = zip(_parts(call(x, *args)), _parts(call(plain, *args)), strict=True)
                for place, (part, other) in enumerate(parts):
                    _same_as_without(f"part {place} of {way}.{name}", part, other)
                    wanted = part.is_floating_point()
                    require(part.requires_grad is wanted, f"part {place} of {way}.{name} requires a gradient", wanted)


def _parts(out: Any) -> tuple[Any, ...]:
    return tuple(out) if isinstance(out, tuple) else (out,)


@check("reduction.index-needs-no-gradient")
def test_indices_and_counts_need_no_gradient(subject: Subject) -> None:
    x = contiguous(PLAIN, "float32").with_grad().on(subject)
    calls: dict[str, Callable[[], Any]] = {
        "argmax": lambda: torch.argmax(x, 1),
        "argmin": lambda: torch.argmin(x),
        "max.indices": lambda: torch.max(x, 1).indices,
        "median.indices": lambda: torch.median(x, 1).indices,
        "sort.indices": lambda: torch.sort(x).indices,
        "topk.indices": lambda: torch.topk(x, 2).indices,
        "count_nonzero": lambda: torch.count_nonzero(x),
        "all": lambda: torch.all(x),
        "any": lambda: torch.any(x, 1),
        "cummax.indices": lambda: torch.cummax(x, 0).indices,
    }
    for name, call in calls.items():
        out = call()
        require(not out.requires_grad, f"torch.{name} of a tensor that requires a gradient requires one", False, True)
    for name, call in {
        "sum": x.sum,
        "max": x.max,
        "std": x.std,
        "norm": x.norm,
        "logsumexp": lambda: x.logsumexp(0),
    }.items():
        require(call().requires_grad, f"x.{name} of a tensor that requires a gradient requires none", True, False)

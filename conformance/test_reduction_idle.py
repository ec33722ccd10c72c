"""Reductions of single elements: there is nothing to work out, and yet what they give is new memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_apart, assert_values
from conformance.check import check, must_answer
from conformance.every_form import find
from conformance.subject import Subject
from properties.strategies.recipe import contiguous, stepped, transposed

pytestmark = must_answer

LAID = (contiguous, transposed, stepped)
# name: the arguments in front of the dimension
ALONG: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("sum", "mean", "nansum", "nanmean", "prod", "amax", "amin", "max", "min", "median"), ()),
    **dict.fromkeys(("nanmedian", "mode", "sort", "cumsum", "cumprod", "cummax", "cummin"), ()),
    **dict.fromkeys(("logsumexp", "logcumsumexp"), ()),
    **{"norm": (1,), "quantile": (0.5,), "nanquantile": (0.25,), "kthvalue": (1,), "topk": (1,)},
}
WHOLE = ("sum", "mean", "nansum", "nanmean", "prod", "amax", "amin", "max", "min", "median", "nanmedian", "norm")


def judge(text: str, out: Any, given: torch.Tensor, values: np.ndarray) -> None:
    """Refute unless a result holds these values, apart from its input, which stays."""
    out = out[0] if isinstance(out, tuple) else out
    dtype = str(given.dtype).removeprefix("torch.")
    assert_values(text, out, values.reshape(tuple(out.shape)), dtype=dtype)
    assert_apart(text, out, given)


@pytest.mark.parametrize("name", ALONG)
@check("reduction.new-memory")
def test_along_a_dimension_of_one_element(subject: Subject, name: str) -> None:
    for dtype in ("float32", "float64"):
        for shape, dim in (((3, 1), 1), ((1, 4), 0), ((2, 1, 3), -2), ((1,), 0)):
            values = np.arange(int(np.prod(shape))).reshape(shape) * 1.0 + 2
            for layout in LAID:
                x = layout(values, dtype).on(subject)
                before = Unchanged(x=x)
                text = f"{name}{(*ALONG[name], dim)} of {dtype} {shape}"
                judge(f"torch.{text}", find(name)(x, *ALONG[name], dim), x, values)
                judge(f"x.{text}", getattr(x, name)(*ALONG[name], dim), x, values)
                if name not in ("norm", "quantile", "nanquantile", "topk", "sort") and "cum" not in name:
                    judge(f"torch.{text}, kept", find(name)(x, *ALONG[name], dim, keepdim=True), x, values)
                before.check(text)


@pytest.mark.parametrize("name", [*WHOLE, "aminmax", "quantile", "msort", "diff", "cumsum", "cumprod"])
@check("reduction.new-memory")
def test_of_a_single_element(subject: Subject, name: str) -> None:
    args = {"quantile": (0.5,), "cumsum": (0,), "cumprod": (0,)}.get(name, ())
    options = {"n": 0} if name == "diff" else {}
    for dtype in ("float32", "float64"):
        for shape in ((), (1,), (1, 1)):
            if shape == () and name == "diff":
                continue
            for layout in (contiguous, stepped):
                x = layout(np.full(shape, 2.5), dtype).on(subject)
                for form, call in ((f"torch.{name}", lambda *a, **k: find(name)(x, *a, **k)), ("x.", getattr(x, name))):
                    judge(f"{form} of one element, {dtype}", call(*args, **options), x, np.array(2.5))
                if name in WHOLE[:-1]:
                    judge(f"torch.{name}(input=)", find(name)(input=x), x, np.array(2.5))


@check("reduction.new-memory")
def test_what_is_short_enough_or_differenced_no_times_is_copied(subject: Subject) -> None:
    values = np.arange(12.0).reshape(3, 4)
    for layout in LAID:
        x = layout(values, "float64").on(subject)
        for text, out in (
            ("torch.renorm", torch.renorm(x, 2, 0, 1000.0)),
            ("x.renorm", x.renorm(1, 1, 1000.0)),
            ("torch.diff(n=0)", torch.diff(x, n=0)),
            ("x.diff(n=0)", x.diff(n=0)),
            ("torch.msort of the sorted", torch.msort(x)),
            ("torch.sort of the sorted", torch.sort(x)),
            ("torch.cummax of the ascending", torch.cummax(x, 0)),
            ("x.cummax(1)", x.cummax(1)),
            ("x.topk of all", x.flip(1).contiguous().topk(4)[0].flip(1)),
        ):
            judge(text, out, x, values)

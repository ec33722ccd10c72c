"""rand_like, randn_like and randint_like: the layout, the dtype and the gradient of what they draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_tensor, overlap, require
from conformance.check import check, must_answer
from properties.strategies.recipe import contiguous, row_major
from properties.strategies.values import distinct

pytestmark = must_answer

LIKE: dict[str, Callable[..., torch.Tensor]] = {
    "rand_like": lambda x, **k: torch.rand_like(x, **k),
    "randn_like": lambda x, **k: torch.randn_like(x, **k),
    "randint_like": lambda x, **k: torch.randint_like(x, 50, **k),
}
# Sizes, and the order in which the dimensions of the model lie in memory, the outermost first.
ORDERS = (
    ((3, 4), (1, 0)),
    ((2, 3, 4), (2, 0, 1)),
    ((2, 3, 4), (1, 2, 0)),
    ((1, 3, 4, 5), (0, 2, 3, 1)),
    ((2, 3, 4, 5), (0, 2, 3, 1)),
    ((2, 1, 3, 4), (3, 1, 0, 2)),
    ((2, 3, 2, 2, 3), (0, 2, 3, 4, 1)),
)
rows = pytest.mark.parametrize("name", [pytest.param(name, marks=check("random.like-variants")) for name in LIKE])


def ordered(shape: tuple[int, ...], order: tuple[int, ...], subject: Any) -> torch.Tensor:
    """A tensor without gaps whose dimensions lie in memory in that order."""
    x = contiguous(np.zeros([shape[dim] for dim in order]), "float32").on(subject)
    return x.permute([order.index(dim) for dim in range(len(shape))])


@rows
def test_draws_lie_in_memory_as_their_model(subject, name):
    for shape, order in ORDERS:
        x = ordered(shape, order, subject)
        before = Unchanged(x=x)
        out = LIKE[name](x)
        require(out.stride() == x.stride(), f"{name} of strides {x.stride()}", x.stride(), out.stride())
        require(not overlap(out, x), f"{name} of strides {x.stride()} shares memory with its model")
        plain = LIKE[name](x, memory_format=torch.contiguous_format)
        require(plain.stride() == row_major(shape), f"{name}, contiguous, of {shape}", row_major(shape), plain.stride())
        if len(shape) == 4:
            last = LIKE[name](plain, memory_format=torch.channels_last)
            due = ordered(shape, (0, 2, 3, 1), subject).stride()
            require(last.stride() == due, f"{name}(x, memory_format=torch.channels_last)", due, last.stride())
        before.check(name)
    wide = contiguous(np.zeros((3,)), "float32").on(subject).expand(4, 3)
    require(LIKE[name](wide).is_contiguous(), f"{name} of an expanded model keeps several elements at one place")
    part = contiguous(np.zeros((6, 8)), "float32").on(subject)[1::2, ::2]
    require(sorted(LIKE[name](part).stride()) == [1, 4], f"{name} of a model with gaps has gaps", [4, 1])


@rows
def test_a_dtype_or_gradient_is_the_callers(subject, name):
    for model in ("bool", "int64", "uint8", "float64", "complex64", "float16"):
        if not subject.supports(model):
            continue
        x = contiguous(distinct(model, (4, 5)), model).on(subject)
        for dtype in ("float32", "float64"):
            own = host.torch_dtype(dtype)
            said = f"{name}({model} tensor, dtype=torch.{dtype})"
            assert_tensor(said, LIKE[name](x, dtype=own), dtype, (4, 5))
            tracked = LIKE[name](x, dtype=own, requires_grad=True)
            require(tracked.requires_grad and tracked.is_leaf, f"{said} with requires_grad=True is no leaf")
    parameter = torch.nn.Parameter(torch.ones(2, 3, device=subject.device))
    for text, x in {"a Parameter": parameter, "a result": parameter * 2}.items():
        out = LIKE[name](x)
        require(type(out) is torch.Tensor, f"{name} of {text} is a {type(out).__name__}", "Tensor", type(out))
        require(not out.requires_grad and out.is_leaf, f"{name} of {text} takes over its requires_grad", False, True)
    for shape in ((), (0,), (2, 0, 3), (1, 1)):
        assert_tensor(f"{name} of {shape}", LIKE[name](torch.zeros(shape, device=subject.device)), "float32", shape)

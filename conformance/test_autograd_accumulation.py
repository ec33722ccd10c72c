"""How gradients add up in .grad: in place, whatever the leaf, its dtype, its layout and the layout of .grad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import built, exact, leaf, version
from properties.strategies.recipe import LAYOUTS, Layout

pytestmark = must_answer

SHAPES = ((), (1,), (3,), (17,), (2, 3), (0, 2), (2, 3, 4), (2, 3, 2, 2), (1, 1200))
DTYPES = ("float32", "float64", "float16", "bfloat16", "complex64", "complex128")


def leaves(subject: Subject, shape: tuple[int, ...], dtype: str, layout: str) -> list[torch.Tensor]:
    """A leaf and a Parameter with whole numbers."""
    x = built(numbers(shape, dtype, LAYOUTS[layout]), subject)
    return [x.detach().requires_grad_(), torch.nn.Parameter(x.detach())]


def numbers(shape: tuple[int, ...], dtype: str, layout: Layout, start: float = 1.0) -> Any:
    values = np.resize(np.arange(start, start + 5), shape)
    return layout(values * (1 - 2j) if "complex" in dtype else values, dtype)


def same(call: str, found: torch.Tensor, wanted: np.ndarray) -> None:
    """Refute unless a gradient has just these values; sums of whole numbers are exact."""
    require(found is not None and np.array_equal(host.array(found), wanted), call, wanted, found)


@check("autograd.grad-in-place-accumulation")
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_kind_of_gradient_is_added_to_in_place(subject: Subject, dtype: str) -> None:
    subject.require(dtype)
    for turn, shape in enumerate(SHAPES):
        for x in leaves(subject, shape, dtype, ("contiguous", "transposed", "row_stepped")[turn % 3]):
            (x * 2).sum().abs().backward() if not x.is_complex() else (x * 2).backward(torch.ones_like(x))
            kept, first = x.grad, host.array(x.grad).copy()
            counted, strides, place = version(kept), kept.stride(), kept.data_ptr()
            for n in (2, 3):
                (x * 2).backward(torch.ones_like(x)) if n == 2 else torch.autograd.backward(x * 2, torch.ones_like(x))
                call = f"x.grad of a {type(x).__name__} of {dtype} and shape {shape} after {n} passes"
                require(x.grad is kept and kept.data_ptr() == place, f"{call} is another tensor", "the same", x.grad)
                require(kept.stride() == strides, f"the strides of {call}", strides, kept.stride())
                require(version(kept) > counted or not kept.numel(), f"the version of {call}", "more", version(kept))
                same(call, kept, first + 2 * (n - 1))


@check("autograd.grad-in-place-accumulation")
@pytest.mark.parametrize("layout", ["transposed", "row_stepped", "offset", "channels_last"])
def test_a_gradient_that_was_set_keeps_its_strides(subject: Subject, layout: str) -> None:
    for dtype in ("float32", "float64"):
        for x in leaves(subject, (2, 3, 4, 5), dtype, "contiguous"):
            given = built(numbers((2, 3, 4, 5), dtype, LAYOUTS[layout], 7.0), subject)
            before, strides = host.array(given).copy(), given.stride()
            x.grad = given
            for n in (1, 2):
                (x * 3).sum().backward()
                call = f"x.grad that was set to a {layout} tensor, after {n} passes ({dtype})"
                require(x.grad is given and given.stride() == strides, call, strides, x.grad.stride())
                same(call, given, before + 3 * n)


@check("autograd.grad-in-place-accumulation")
def test_under_create_graph_a_new_gradient_with_a_history_takes_its_place(subject: Subject) -> None:
    for shape in ((), (3,), (2, 3), (40,)):
        for x in leaves(subject, shape, "float64", "contiguous"):
            values, kept = host.array(x.detach()), None
            for n in (1, 2, 3):
                (x * x).sum().backward(create_graph=True)
                call = f"x.grad of a {type(x).__name__} of shape {shape} after {n} passes with create_graph=True"
                require(x.grad is not kept and x.grad.requires_grad, f"{call} has no history", "a new one", x.grad)
                kept = x.grad
                exact(call, kept.detach(), 2 * n * values)
                again = torch.autograd.grad(kept.sum(), x, retain_graph=True)[0]
                exact(f"the derivative of {call}", again, np.full(shape, 2.0 * n))
            x.grad = None  # else it and its graph keep each other


@check("autograd.backward-several-outputs")
def test_each_of_several_tensors_counts(subject: Subject) -> None:
    calls: dict[str, Callable[[list[torch.Tensor]], None]] = {
        "backward(ys)": torch.autograd.backward,
        "backward(tuple(ys))": lambda ys: torch.autograd.backward(tuple(ys)),
        "backward(tensors=ys)": lambda ys: torch.autograd.backward(tensors=ys),
        "backward(ys, [None, …])": lambda ys: torch.autograd.backward(ys, [None] * len(ys)),
        "backward(ys, retain_graph=True), twice": lambda ys: [
            torch.autograd.backward(ys, retain_graph=True) for _ in range(2)
        ],
    }
    for name, call in calls.items():
        for places in ((0, 1), (0, 0), (0, 1, 2), (2, 2, 1, 2, 0), (0,) * 6):
            x = leaf([1.0, 2.0], subject)
            sums = [(x * k).sum() for k in (1, 10, 100)]
            call([sums[place] for place in places])
            wanted = sum(10.0**place for place in places) * (2 if "twice" in name else 1)
            exact(f"x.grad after {name} of the sums {places}", x.grad, [wanted, wanted])


@check("autograd.backward-several-outputs")
def test_several_tensors_with_a_graph(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    torch.autograd.backward([(x**3).sum(), (x * x).sum()], create_graph=True)
    exact("x.grad of two tensors with create_graph=True", x.grad.detach(), [5.0, 16.0])
    require(x.grad.requires_grad, "x.grad of two tensors with create_graph=True has no history", True, False)
    exact("its derivative", torch.autograd.grad(x.grad.sum(), x)[0], [8.0, 14.0])
    x.grad = None


@check("autograd.backward-inputs")
def test_results_among_the_inputs_are_added_to(subject: Subject) -> None:
    for call in (
        lambda z, inputs: z.backward(retain_graph=True, inputs=inputs),
        lambda z, inputs: torch.autograd.backward(z, retain_graph=True, inputs=inputs),
        lambda z, inputs: torch.autograd.backward([z], retain_graph=True, inputs=inputs),
    ):
        x = leaf([1.0, 2.0], subject)
        y = x * 3
        y.retain_grad()
        z = (y * y).sum()
        for n in (1, 2, 3):
            call(z, [y])
            exact(f"y.grad of a result after {n} passes with inputs=[y]", y.grad, n * np.array([6.0, 12.0]))
            require(x.grad is None, "x.grad after a pass with inputs=[y]", None, x.grad)
        call(z, (x, y))
        exact("x.grad after a pass with inputs=(x, y)", x.grad, [18.0, 36.0])
        exact("y.grad after four passes", y.grad, [24.0, 48.0])

"""What a graph keeps for its backward pass: hooks on saved tensors, saving elsewhere, and anomalies."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer


@check("graph.saved-tensors-hooks")
def test_saved_tensors_pass_through_the_hooks(subject: Subject) -> None:
    for layout in ("contiguous", "transposed", "row_stepped"):
        packed, unpacked = [], []
        x = leaf([[1.0, 2.0], [3.0, 5.0]], subject, layout=layout)

        def pack(tensor: torch.Tensor) -> Any:
            packed.append(tensor)
            return ("packed", tensor.detach() * 10)

        def unpack(box: Any) -> torch.Tensor:
            unpacked.append(box[0])
            return box[1]

        with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
            y = x * x
        require(len(packed) == 2, "how many tensors x * x saves", 2, len(packed))
        require(unpacked == [], "unpack ran before backward", [], unpacked)
        y.sum().backward()
        exact(f"x.grad where pack multiplies by 10 ({layout})", x.grad, [[20.0, 40.0], [60.0, 100.0]])
        require(len(unpacked) == 2, "how often unpack ran", 2, len(unpacked))
        before = len(packed)
        (x * x).sum().backward()
        require(len(packed) == before, "pack ran after its block", before, len(packed))


@check("graph.saved-tensors-hooks")
def test_hooks_nest_and_are_left_after_an_exception(subject: Subject) -> None:
    x, seen = leaf([1.0, 2.0], subject), []
    hooks = torch.autograd.graph.saved_tensors_hooks
    with hooks(lambda t: seen.append("outer") or t, lambda t: t):
        with hooks(lambda t: seen.append("inner") or t, lambda t: t):
            y = x.exp()
        z = x.exp()
    require(seen == ["inner", "outer"], "which hooks ran", ["inner", "outer"], seen)
    try:
        with hooks(lambda t: seen.append("lost") or t, lambda t: t):
            raise ValueError("from the block")
    except ValueError:
        pass
    x.exp()
    require(
        seen == ["inner", "outer"], "which hooks ran after a block was left by an exception", ["inner", "outer"], seen
    )
    (y + z).sum().backward()
    exact("x.grad / exp(x)", x.grad / x.detach().exp(), [2.0, 2.0])


@check("graph.saved-tensors-hooks")
def test_a_hook_cannot_spoil_the_graph(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    hooks = torch.autograd.graph.saved_tensors_hooks
    with hooks(lambda t: 3, lambda t: t):
        y = x * x
    assert_raises("backward where unpack gives a number", TypeError, lambda: y.sum().backward())
    with hooks(lambda t: t * 1, lambda t: t):
        z = (x * x).exp()
    z.sum().backward()
    exact("x.grad / (2 x exp(x²)), rounded", ((x.grad / (2 * x * (x * x).exp()).detach()) * 1e9).round(), [1e9, 1e9])


@check("graph.saved-tensors-hooks-disabled", since="2.0")
def test_hooks_can_be_forbidden(subject: Subject) -> None:
    hooks = torch.autograd.graph.saved_tensors_hooks

    def enter() -> None:
        with hooks(lambda t: t, lambda t: t):
            pass

    with torch.autograd.graph.disable_saved_tensors_hooks("not here"):
        error = assert_raises("saved_tensors_hooks where they are disabled", RuntimeError, enter)
        require("not here" in str(error), "the message of disabled hooks", "not here", str(error))
    enter()


@check("graph.save-on-cpu")
def test_saved_tensors_may_be_kept_on_the_host(subject: Subject) -> None:
    for pinned in (False, True) if torch.cuda.is_available() else (False,):
        for layout in ("contiguous", "transposed", "row_stepped"):
            x = leaf([[1.0, 2.0], [3.0, 5.0]], subject, layout=layout)
            with torch.autograd.graph.save_on_cpu(pin_memory=pinned):
                y = (x * x) * x
            y.sum().backward()
            exact(f"x.grad under save_on_cpu ({layout})", x.grad, [[3.0, 12.0], [27.0, 75.0]])


@check("graph.save-on-cpu")
def test_saved_tensors_come_back_to_the_last_bit(subject: Subject) -> None:
    numbers = [[1 + 2.0**-50, 1 / 3], [1e-300, 2.0**-1074]]
    for layout in ("contiguous", "transposed", "row_stepped"):
        x, u = leaf(np.ones((2, 2)), subject, layout=layout), leaf(numbers, subject, layout=layout)
        with torch.autograd.graph.save_on_cpu():
            y = x * u
        y.sum().backward()
        exact(f"x.grad, which is u ({layout})", x.grad, numbers)


class Box:
    """What stands for a saved tensor, and can be watched."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


def boxing(boxes: list[Any]) -> Any:
    """Hooks that pack tensors in boxes, with weak references to them."""

    def pack(tensor: torch.Tensor) -> Box:
        box = Box(tensor.detach())
        boxes.append(weakref.ref(box))
        return box

    return torch.autograd.graph.saved_tensors_hooks(pack, lambda box: box.tensor)


@check("graph.saved-tensors-freed")
def test_a_backward_pass_frees_what_was_saved(subject: Subject) -> None:
    for keep in (True, False):
        boxes: list[Any] = []
        x = leaf([1.0, 2.0], subject)
        with boxing(boxes):
            y = (x * x).exp()
        y.sum().backward(retain_graph=keep)
        alive = sum(box() is not None for box in boxes)
        require((alive > 0) is keep, f"saved tensors after backward(retain_graph={keep})", keep, alive)


@check("graph.saved-tensors-freed")
def test_what_was_saved_goes_with_the_graph(subject: Subject) -> None:
    boxes: list[Any] = []
    x = leaf([1.0, 2.0], subject)
    with boxing(boxes):
        y = (x * x).exp()
    require(all(box() for box in boxes), "saved tensors while the graph is there", len(boxes), 0)
    del y
    alive = sum(box() is not None for box in boxes)
    require(alive == 0, "saved tensors after the graph is gone", 0, alive)


@check("graph.anomaly-mode")
def test_anomaly_mode_raises_at_nan(subject: Subject) -> None:
    x = constant([0.0], subject).requires_grad_()

    def spoiled() -> torch.Tensor:
        return (x.sqrt() * 0).sum()

    spoiled().backward()
    require(bool(x.grad.isnan().all()), "x.grad of sqrt(0) * 0", "nan", x.grad)
    with torch.autograd.set_detect_anomaly(True):
        assert_raises("backward that makes a NaN, in anomaly mode", RuntimeError, lambda: spoiled().backward())
    with torch.autograd.detect_anomaly():
        (x * 2).sum().backward()
    require(not torch.is_anomaly_enabled(), "anomaly mode after its block", False, True)
    spoiled().backward()

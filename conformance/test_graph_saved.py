"""What a graph keeps for its backward pass: hooks on saved tensors, saving elsewhere, and checkpoints."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest
import torch
import torch.utils.checkpoint

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.gradients import constant, exact, leaf
from conformance.subject import Subject

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
    require(seen == ["inner", "outer"], "which hooks ran after a block was left by an exception", ["inner", "outer"], seen)
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


@check("graph.saved-tensors-freed")
def test_a_backward_pass_frees_what_was_saved(subject: Subject) -> None:
    class Box:
        def __init__(self, tensor: torch.Tensor) -> None:
            self.tensor = tensor

    boxes: list[Any] = []

    def pack(tensor: torch.Tensor) -> Box:
        box = Box(tensor.detach())
        boxes.append(weakref.ref(box))
        return box

    for keep in (True, False):
        boxes.clear()
        x = leaf([1.0, 2.0], subject)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda box: box.tensor):
            y = (x * x).exp()
        y.sum().backward(retain_graph=keep)
        alive = sum(box() is not None for box in boxes)
        require((alive > 0) is keep, f"saved tensors after backward(retain_graph={keep})", keep, alive)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda box: box.tensor):
        y = (x * x).exp()
    del y
    require(not any(box() for box in boxes), "saved tensors after the graph is gone", 0, sum(box() is not None for box in boxes))


def counted(function: Any, log: list) -> Any:
    """The function, noting the grad mode of each call."""

    def run(*args: Any, **kwargs: Any) -> Any:
        log.append(torch.is_grad_enabled())
        return function(*args, **kwargs)

    return run


@check("graph.checkpoint")
@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpoint_runs_twice_and_changes_nothing(subject: Subject, reentrant: bool) -> None:
    for layout in ("contiguous", "transposed", "row_stepped"):
        log: list[bool] = []
        x, w = leaf([[1.0, 2.0], [3.0, 5.0]], subject, layout=layout), leaf([[2.0, 0.5], [1.0, 4.0]], subject, layout=layout)
        function = counted(lambda x, w: (x * x * w).clone() * 2, log)
        out = torch.utils.checkpoint.checkpoint(function, x * 1, w, use_reentrant=reentrant)
        exact(f"a checkpoint's result ({layout})", out, 2 * np.array([[2.0, 2.0], [9.0, 100.0]]))
        require(log == [not reentrant], "the grad mode of the first run", [not reentrant], log)
        out.sum().backward()
        require(log[1:] == [True], "the runs during backward", [True], log[1:])
        exact(f"x.grad through a checkpoint ({layout})", x.grad, 4 * np.array([[2.0, 1.0], [3.0, 20.0]]))
        exact(f"w.grad through a checkpoint ({layout})", w.grad, 2 * np.array([[1.0, 4.0], [9.0, 25.0]]))


@check("graph.checkpoint-saves-memory")
@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpoint_keeps_only_its_inputs(subject: Subject, reentrant: bool) -> None:
    x = leaf(np.linspace(0.1, 1, 32), subject)
    saved: list[int] = []

    def function(x: torch.Tensor) -> torch.Tensor:
        return (x * x).exp().sin().tanh()

    def kept(call: Any) -> int:
        saved.clear()
        with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.numel()) or t, lambda t: t):
            call()
        return sum(saved)

    plain = kept(lambda: function(x))
    require(plain >= 4 * 32, "how many elements a function keeps", "at least 128", plain)
    found = kept(lambda: torch.utils.checkpoint.checkpoint(function, x, use_reentrant=reentrant))
    require(found <= 32, "how many elements a checkpoint keeps", "at most 32", found)


@check("graph.checkpoint-random-state")
@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpoint_draws_the_same_numbers_again(subject: Subject, reentrant: bool) -> None:
    x = leaf(np.ones(64), subject)
    torch.manual_seed(3)
    out = torch.utils.checkpoint.checkpoint(lambda x: torch.dropout(x * 1, 0.5, True), x * 1, use_reentrant=reentrant)
    torch.manual_seed(99)
    torch.rand(7)
    state = torch.get_rng_state().clone()
    out.sum().backward()
    exact("x.grad through a dropout in a checkpoint", x.grad, out.detach().tolist())
    require(torch.get_rng_state().tolist() == state.tolist(), "the generator's state after backward", "as before", "another")


@check("graph.checkpoint-sequential", since="2.0")
def test_a_sequence_is_checkpointed_in_parts(subject: Subject) -> None:
    log: list[Any] = []
    layers = [counted(lambda x, k=k: x * k + x * x, log) for k in (1.0, 2.0, 3.0, 4.0)]
    for segments in (1, 2, 4):
        log.clear()
        x = leaf([0.5, 1.0], subject)
        out = torch.utils.checkpoint.checkpoint_sequential(layers, segments, x * 1, use_reentrant=False)
        plain = leaf([0.5, 1.0], subject)
        wanted = plain
        for k in (1.0, 2.0, 3.0, 4.0):
            wanted = wanted * k + wanted * wanted
        exact(f"a sequence in {segments} segments", out, wanted.tolist())
        out.sum().backward()
        wanted.sum().backward()
        exact(f"x.grad through {segments} segments", x.grad, plain.grad.tolist())


@check("graph.checkpoint-arguments")
def test_a_checkpoint_passes_on_what_it_gets(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    seen: list[Any] = []

    def function(x: torch.Tensor, n: int, flag: Any = None, *, key: Any = None) -> tuple:
        seen.append((n, flag, key))
        return x * n, "text", x.detach() > 1

    out, text, mask = torch.utils.checkpoint.checkpoint(function, x, 3, "flag", key="key", use_reentrant=False)
    require(text == "text" and not mask.requires_grad, "what a checkpoint returns besides tensors", "text", text)
    out.sum().backward()
    exact("x.grad", x.grad, [3.0, 3.0])
    require(set(seen) == {(3, "flag", "key")}, "the arguments of both runs", (3, "flag", "key"), seen)
    with torch.no_grad():
        out = torch.utils.checkpoint.checkpoint(function, x, 3, use_reentrant=False)[0]
    require(not out.requires_grad, "a checkpoint under no_grad is tracked", False, True)


@check("graph.checkpoint-nested", since="2.1")
def test_checkpoints_nest(subject: Subject) -> None:
    checkpoint = torch.utils.checkpoint.checkpoint
    x = leaf([0.5, 1.0], subject)
    inner = lambda x: x * x * x  # noqa: E731
    outer = lambda x: checkpoint(inner, x * 2, use_reentrant=False) + x  # noqa: E731
    checkpoint(outer, x, use_reentrant=False).sum().backward()
    exact("x.grad through a checkpoint in a checkpoint", x.grad, 24 * np.array([0.25, 1.0]) + 1)
    x.grad = None
    first = torch.autograd.grad(checkpoint(inner, x, use_reentrant=False).sum(), x, create_graph=True)[0]
    exact("a second derivative through a checkpoint", torch.autograd.grad(first.sum(), x)[0], [3.0, 6.0])


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

"""Checkpoints: run twice, keep little, change nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.utils.checkpoint

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import exact, leaf

pytestmark = must_answer


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
        x, w = (
            leaf([[1.0, 2.0], [3.0, 5.0]], subject, layout=layout),
            leaf([[2.0, 0.5], [1.0, 4.0]], subject, layout=layout),
        )
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
    require(
        torch.get_rng_state().tolist() == state.tolist(), "the generator's state after backward", "as before", "another"
    )


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

    def inner(x: torch.Tensor) -> torch.Tensor:
        return x * x * x

    def outer(x: torch.Tensor) -> torch.Tensor:
        return checkpoint(inner, x * 2, use_reentrant=False) + x

    checkpoint(outer, x, use_reentrant=False).sum().backward()
    exact("x.grad through a checkpoint in a checkpoint", x.grad, 24 * np.array([0.25, 1.0]) + 1)
    x.grad = None
    first = torch.autograd.grad(checkpoint(inner, x, use_reentrant=False).sum(), x, create_graph=True)[0]
    exact("a second derivative through a checkpoint", torch.autograd.grad(first.sum(), x)[0], [3.0, 6.0])


@check("graph.checkpoint-arguments")
def test_tensors_given_by_keyword_or_in_containers_get_gradients(subject: Subject) -> None:
    x, u, w = leaf([1.0, 2.0], subject), leaf([3.0, 5.0], subject), leaf([7.0, 11.0], subject)

    def function(x: torch.Tensor, pair: dict, *, factor: torch.Tensor) -> torch.Tensor:
        return x * pair["u"] * factor

    out = torch.utils.checkpoint.checkpoint(function, x, {"u": u}, factor=w, use_reentrant=False)
    out.sum().backward()
    for name, tensor, wanted in (("x", x, [21.0, 55.0]), ("u", u, [7.0, 22.0]), ("w", w, [3.0, 10.0])):
        exact(f"{name}.grad through a checkpoint", tensor.grad, wanted)


@check("graph.checkpoint-early-stop", since="2.6")
def test_the_second_run_stops_when_it_has_what_it_needs(subject: Subject) -> None:
    for early, wanted in ((True, ["start"]), (False, ["start", "end"])):
        log: list[str] = []

        def function(x: torch.Tensor) -> torch.Tensor:
            log.append("start")
            y = x * x
            log.append("end")
            return y

        x = leaf([1.0, 2.0], subject)
        with torch.utils.checkpoint.set_checkpoint_early_stop(early):
            out = torch.utils.checkpoint.checkpoint(function, x, use_reentrant=False)
        log.clear()
        out.sum().backward()
        require(log == wanted, f"the second run, set_checkpoint_early_stop({early})", wanted, log)
        exact("x.grad through a checkpoint", x.grad, [2.0, 4.0])


@check("graph.checkpoint-determinism", since="2.6")
def test_a_second_run_that_saves_other_tensors_is_refused(subject: Subject) -> None:
    checkpoint, error = torch.utils.checkpoint.checkpoint, torch.utils.checkpoint.CheckpointError
    for name, second in (("fewer tensors", lambda x: x * 2), ("other shapes", lambda x: (x[:1] * x[:1]).expand(2) * 2)):
        runs: list[int] = []

        def function(x: torch.Tensor) -> torch.Tensor:
            runs.append(1)
            return x * x if len(runs) == 1 else second(x)

        x = leaf([1.0, 2.0], subject)
        out = checkpoint(function, x, use_reentrant=False)
        assert_raises(f"a second run that saves {name}", error, lambda: out.sum().backward())
    require(issubclass(error, RuntimeError), "CheckpointError is no RuntimeError", RuntimeError, error)


@check("graph.checkpoint-contexts", since="2.6")
def test_both_runs_may_have_a_context_of_their_own(subject: Subject) -> None:
    log: list[str] = []

    @contextlib.contextmanager
    def noting(name: str) -> Iterator[None]:
        log.append(name)
        yield
        log.append(f"after {name}")

    x = leaf([1.0, 2.0], subject)
    contexts = lambda: (noting("first"), noting("second"))  # noqa: E731
    function = counted(lambda x: x * x, [])
    out = torch.utils.checkpoint.checkpoint(function, x, use_reentrant=False, context_fn=contexts)
    require(log == ["first", "after first"], "the contexts of the first run", ["first", "after first"], log)
    out.sum().backward()
    require("second" in log and log.count("first") == 1, "the contexts of both runs", ["first", "second"], log)
    exact("x.grad through a checkpoint", x.grad, [2.0, 4.0])

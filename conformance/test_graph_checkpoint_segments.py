"""Checkpoints of sequences, in segments, and the early stop of a second run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.utils.checkpoint

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer


def noting(function: Callable[..., Any], log: list[Any]) -> Callable[..., Any]:
    """The function, with a note of the random numbers that it could draw."""

    def noted(*args: Any) -> Any:
        log.append(torch.rand(3).tolist())
        return function(*args)

    return noted


@check("graph.checkpoint-sequential", since="2.0")
@pytest.mark.parametrize("reentrant", [False, True])
def test_all_segments_but_the_last_run_again(subject: Subject, reentrant: bool) -> None:
    for count, segments in ((4, 1), (4, 2), (4, 4), (5, 2), (6, 3), (7, 3)):
        for kind in (list, lambda layers: torch.nn.Sequential(*layers)):
            log: list[int] = []
            factors = [torch.nn.Parameter(constant([k + 2.0], subject)) for k in range(count)]
            net = kind([Layer(k, factors[k], log) for k in range(count)])
            x = leaf([0.5], subject)
            call = torch.utils.checkpoint.checkpoint_sequential
            out = call(net, segments, x * 1, use_reentrant=reentrant)
            require(log == list(range(count)), "the layers that ran forward", list(range(count)), log)
            out.sum().backward()
            product = float(np.prod([k + 2.0 for k in range(count)]))
            exact(f"x.grad through {count} layers in {segments} segments", x.grad, [product])
            exact("the gradient of the first factor", factors[0].grad, [0.5 * product / 2])
            again = sorted(log[count:])
            wanted = list(range(count // segments * (segments - 1)))
            require(again == wanted, f"layers that ran again, of {count} in {segments} segments", wanted, again)


class Layer(torch.nn.Module):
    """x times a factor, noting that it ran."""

    def __init__(self, number: int, factor: torch.nn.Parameter, log: list[int]) -> None:
        super().__init__()
        self.number, self.factor, self.log = number, factor, log

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.log.append(self.number)
        return x * self.factor


@check("graph.checkpoint-sequential", since="2.0")
def test_a_sequence_refuses_other_keywords_and_keeps_random_numbers(subject: Subject) -> None:
    call, x = torch.utils.checkpoint.checkpoint_sequential, leaf([1.0], subject)
    refused = lambda: call([torch.exp, torch.exp], 2, x, use_reentrant=False, other=1)  # noqa: E731
    assert_raises("checkpoint_sequential(other=1)", ValueError, refused)
    for keep in (True, False):
        log: list[Any] = []
        layers = [noting(torch.sin, log), torch.exp]
        out = call(layers, 2, x * 1, use_reentrant=False, preserve_rng_state=keep)
        out.sum().backward()
        require((log[0] == log[1]) is keep, f"the numbers of both runs, preserve_rng_state={keep}", keep, log)


def stops(subject: Subject, **options: Any) -> Callable[[], bool]:
    """A call that runs backward through a checkpoint, and tells whether its second run stopped early."""
    log: list[str] = []

    def function(x: torch.Tensor) -> torch.Tensor:
        y = x * x
        log.append("end")
        return y

    out = torch.utils.checkpoint.checkpoint(function, leaf([1.0, 2.0], subject), use_reentrant=False, **options)
    return lambda: (out.sum().backward(), len(log) == 1)[1]


@check("graph.checkpoint-early-stop", since="2.6")
def test_early_stop_is_set_by_the_innermost_block(subject: Subject) -> None:
    block = torch.utils.checkpoint.set_checkpoint_early_stop
    for outer in (True, False):
        with block(outer):
            made = [stops(subject)]
            with block(not outer):
                made.append(stops(subject))
            made.append(stops(subject))
        found, wanted = [each() for each in made], [outer, not outer, outer]
        require(found == wanted, f"early stops in nested blocks, {outer} outside", wanted, found)
    with contextlib.suppress(LookupError), block(False):
        raise LookupError
    require(stops(subject)(), "an early stop after a block that was left by an exception", True, False)


@check("graph.checkpoint-early-stop", since="2.13")
def test_early_stop_is_an_option_of_a_checkpoint(subject: Subject) -> None:
    for value in (True, False):
        found = stops(subject, early_stop=value)()
        require(found is value, f"an early stop with early_stop={value}", value, found)
        with torch.utils.checkpoint.set_checkpoint_early_stop(False):
            found = stops(subject, early_stop=value)()
        require(not found, f"an early stop with early_stop={value} in a block without", False, found)

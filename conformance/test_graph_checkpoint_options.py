"""The options of checkpoints, by what they do: random numbers, determinism, contexts, early stop, and refusals."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
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


def run(*args: Any, **options: Any) -> Any:
    """A checkpoint, looked up when it is called."""
    return torch.utils.checkpoint.checkpoint(*args, **options)


def noting(function: Callable[..., Any], log: list[Any], what: Callable[[], Any]) -> Callable[..., Any]:
    """The function, with a note of something at the start of each call."""

    def noted(*args: Any, **keywords: Any) -> Any:
        log.append(what())
        return function(*args, **keywords)

    return noted


def draw() -> list[float]:
    return torch.rand(3).tolist()


@check("graph.checkpoint-random-state")
@pytest.mark.parametrize("reentrant", [False, True])
def test_random_numbers_are_drawn_anew_where_their_state_is_not_kept(subject: Subject, reentrant: bool) -> None:
    for options, same in (({}, True), ({"preserve_rng_state": True}, True), ({"preserve_rng_state": False}, False)):
        log: list[Any] = []
        x = leaf([1.0, 2.0], subject)
        torch.manual_seed(3)
        out = run(noting(torch.sin, log, draw), x * 1, use_reentrant=reentrant, **options)
        torch.manual_seed(99)
        out.sum().backward()
        said = f"the numbers of both runs, with {options}"
        require(len(log) == 2 and (log[0] == log[1]) is same, said, "the same" if same else "others", log)
        after = draw()
        torch.manual_seed(99)
        wanted = [draw() for _ in range(1 if same else 2)][-1]
        require(after == wanted, f"the next numbers after backward, with {options}", wanted, after)


@check("graph.checkpoint-determinism", since="2.6")
def test_the_comparison_of_both_runs_can_be_left_out(subject: Subject) -> None:
    error = torch.utils.checkpoint.CheckpointError
    seconds = {
        "another shape": (lambda x: (x[:1] * 1).exp().expand(2)),
        "another dtype": (lambda x: x.float().exp().double()),
    }
    for name, second in seconds.items():
        for options, refused in (
            ({}, True),
            ({"determinism_check": "default"}, True),
            ({"determinism_check": "none"}, False),
        ):
            runs: list[int] = []

            def function(x: torch.Tensor) -> torch.Tensor:
                runs.append(1)
                return x.exp() if len(runs) == 1 else second(x)

            out = run(function, leaf([0.0, 0.0], subject), use_reentrant=False, **options)
            if refused:
                assert_raises(f"a second run that saves {name}, with {options}", error, lambda: out.sum().backward())
            else:
                with contextlib.suppress(RuntimeError):  # the engine may object to what comes of it
                    out.sum().backward()
                require(len(runs) == 2, "how often the function ran", 2, len(runs))


@check("graph.checkpoint-determinism", since="2.6")
def test_an_unknown_comparison_is_refused(subject: Subject) -> None:
    x = leaf([1.0], subject)
    call = lambda: run(torch.exp, x, use_reentrant=False, determinism_check="sometimes").sum().backward()  # noqa: E731
    assert_raises("determinism_check='sometimes'", ValueError, call)


@check("graph.checkpoint-contexts", since="2.6")
def test_the_contexts_are_made_once_and_hold_around_their_run(subject: Subject) -> None:
    made, log, state = [], [], []

    @contextlib.contextmanager
    def within(name: str) -> Iterator[None]:
        state.append(name)
        try:
            yield
        finally:
            state.remove(name)

    def contexts() -> tuple:
        made.append(1)
        return within("first"), within("second")

    x = leaf([1.0, 2.0], subject)
    out = run(noting(lambda x: x * x, log, lambda: list(state)), x, use_reentrant=False, context_fn=contexts)
    out.sum().backward()
    require(log == [["first"], ["second"]], "the contexts around both runs", [["first"], ["second"]], log)
    require(state == [], "contexts that are left open", [], state)
    require(len(made) == 1, "how often context_fn was called", 1, len(made))


@check("graph.checkpoint-refuses", since="2.6")
def test_options_of_the_other_kind_are_refused(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    noop = torch.utils.checkpoint.noop_context_fn
    for options in ({"context_fn": lambda: noop()}, {"debug": True}, {"key": 3}, {"factor": x}):
        call = lambda: run(lambda x, **k: x * 2, x * 1, use_reentrant=True, **options)  # noqa: E731
        assert_raises(f"a reentrant checkpoint with {list(options)}", ValueError, call)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        run(torch.exp, x * 1)
    require(
        any("use_reentrant" in str(w.message) for w in said), "a checkpoint without use_reentrant warns", "so", said
    )


@check("graph.checkpoint-refuses")
def test_a_reentrant_checkpoint_is_for_whole_passes(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    reentrant = lambda: run(torch.exp, x * 1, use_reentrant=True).sum()  # noqa: E731
    assert_raises("autograd.grad through it", RuntimeError, lambda: torch.autograd.grad(reentrant(), x))
    assert_raises("backward with inputs through it", RuntimeError, lambda: reentrant().backward(inputs=[x]))
    require(x.grad is None, "x.grad after refusals", None, x.grad)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        out = run(torch.exp, constant([0.0], subject), use_reentrant=True)
    require(not out.requires_grad, "a reentrant checkpoint of untracked inputs is tracked", False, out.requires_grad)
    require(any("requires_grad" in str(w.message) for w in said), "it warns of untracked inputs", "a warning", said)
    found = torch.autograd.grad(run(torch.exp, x * 0, use_reentrant=False).sum(), x)[0]
    exact("autograd.grad through one that is not reentrant", found, [0.0, 0.0])


@check("graph.checkpoint", since="2.6")
def test_each_pass_over_a_kept_graph_runs_the_function_again(subject: Subject) -> None:
    for function in (lambda x: x * x, lambda x: (x * x).clone() * 1):
        log: list[Any] = []
        x = leaf([1.0, 2.0], subject)
        out = run(noting(function, log, lambda: 0), x, use_reentrant=False).sum()
        for times in (1, 2, 3):
            out.backward(retain_graph=times < 3)
            require(len(log) == times + 1, f"runs of the function in {times} passes", times + 1, len(log))
            exact(f"x.grad after {times} passes", x.grad, times * np.array([2.0, 4.0]))
        assert_raises("one more pass", RuntimeError, lambda: out.backward())


@check("graph.checkpoint")
@pytest.mark.parametrize("reentrant", [False, True])
def test_both_runs_see_the_same_mode_and_autocast(subject: Subject, reentrant: bool) -> None:
    where = torch.device(subject.device).type
    asked = lambda: (net.training, (net(constant(np.ones((1, 2)), subject, "float32"))).dtype)  # noqa: E731
    net = torch.nn.Linear(2, 2).to(subject.device)
    for training in (True, False):
        net.train(training)
        for enabled in (False, True):
            log: list[Any] = []
            x = leaf(np.ones((1, 2)), subject, "float32")
            with torch.autocast(where, dtype=torch.bfloat16, enabled=enabled):
                out = run(noting(net, log, asked), x * 1, use_reentrant=reentrant)
            out.sum().backward()
            wanted = (training, torch.bfloat16 if enabled else torch.float32)
            require(log == [wanted] * 2, "training and dtype of a layer's result in both runs", [wanted] * 2, log)


@check("graph.checkpoint")
@pytest.mark.parametrize("reentrant", [False, True])
def test_every_input_parameter_and_output_gets_its_gradient(subject: Subject, reentrant: bool) -> None:
    modes: list[bool] = []

    class Scaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = torch.nn.Parameter(constant([7.0, 11.0], subject))

        def forward(self, x: Any, n: Any, u: Any, w: Any) -> tuple:
            modes.append(self.training)
            return x * n * self.factor, u * x, w * u, None

    net = Scaled()
    x, u, w = (leaf(values, subject) for values in ([1.0, 2.0], [3.0, 5.0], [13.0, 17.0]))
    first, second, third, nothing = run(net, x, 3, u, w, use_reentrant=reentrant)
    require(nothing is None, "None among the results", None, nothing)
    (first + 2 * second + 5 * third).sum().backward()
    wanted = {"x": [27.0, 43.0], "u": [67.0, 89.0], "w": [15.0, 25.0], "factor": [3.0, 6.0]}
    for name, tensor in (("x", x), ("u", u), ("w", w), ("factor", net.factor)):
        exact(f"{name}.grad through a checkpoint", tensor.grad, wanted[name])
    require(modes == [True, True], "whether the module was in train mode in both runs", [True, True], modes)


@check("graph.checkpoint-arguments")
def test_results_in_containers_are_tracked(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    for name, wrap, unwrap in (
        ("a dict", lambda y: {"y": y, "n": 3}, lambda out: out["y"]),
        ("a list", lambda y: [None, y], lambda out: out[1]),
        ("a tuple in a list", lambda y: [(1, y)], lambda out: out[0][1]),
    ):
        out = run(lambda x, wrap=wrap: wrap(x * x), x, use_reentrant=False)
        require(type(out) is type(wrap(0)), f"{name} as a result", type(wrap(0)), type(out))
        exact(f"the gradient through {name}", torch.autograd.grad(unwrap(out).sum(), x)[0], [2.0, 4.0])

"""no_grad, enable_grad, set_grad_enabled and inference_mode: as blocks and decorators, nested, after errors, in threads."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.gradients import constant, exact, leaf
from conformance.subject import Subject

pytestmark = must_answer

# Each way of setting the mode, and the mode that it sets.
OFF: dict[str, Callable[[], AbstractContextManager]] = {
    "no_grad()": lambda: torch.no_grad(),
    "autograd.no_grad()": lambda: torch.autograd.no_grad(),
    "set_grad_enabled(False)": lambda: torch.set_grad_enabled(False),
    "set_grad_enabled(mode=False)": lambda: torch.set_grad_enabled(mode=False),
    "autograd.set_grad_enabled(False)": lambda: torch.autograd.set_grad_enabled(False),
    "inference_mode()": lambda: torch.inference_mode(),
    "inference_mode(True)": lambda: torch.inference_mode(True),
}
ON: dict[str, Callable[[], AbstractContextManager]] = {
    "enable_grad()": lambda: torch.enable_grad(),
    "autograd.enable_grad()": lambda: torch.autograd.enable_grad(),
    "set_grad_enabled(True)": lambda: torch.set_grad_enabled(True),
    "set_grad_enabled(mode=True)": lambda: torch.set_grad_enabled(mode=True),
}


BOTH = {**OFF, **ON}


@contextlib.contextmanager
def modes_kept() -> Iterator[None]:
    """Leave grad mode on behind a check, whatever a wrong PyTorch made of it."""
    try:
        yield
    finally:
        torch._C._set_grad_enabled(True)  # the public function is what is judged here


def decorators(claim: str) -> list:
    """A parameter a way of setting the mode; as a decorator, set_grad_enabled set it at once in older releases."""
    return [pytest.param(name, marks=check(claim, since="2.6" if "set_grad" in name else None)) for name in BOTH]


def require_mode(wanted: bool, where: str) -> None:
    require(torch.is_grad_enabled() is wanted, f"torch.is_grad_enabled() {where}", wanted, torch.is_grad_enabled())


def require_tracking(wanted: bool, where: str, x: torch.Tensor) -> None:
    """Refute unless results of x are tracked (or not), in every kind of operation, and the mode says so."""
    require_mode(wanted, where)
    for name, call in {
        "x * 2": lambda: x * 2, "x.exp()": lambda: x.exp(), "x @ x": lambda: x @ x, "x.view(-1)": lambda: x.view(-1), "x[0]": lambda: x[0],
        "x.sum()": lambda: x.sum(), "cat": lambda: torch.cat([x, x]), "x.clone()": lambda: x.clone(), "x.float()": lambda: x.float(),
    }.items():  # fmt: skip
        out = call()
        if name not in ("x.view(-1)", "x[0]"):  # a view reports the flag of its base
            require(out.requires_grad is wanted, f"({name}).requires_grad {where}", wanted, out.requires_grad)
        require((out.grad_fn is not None) is wanted, f"({name}).grad_fn {where}", wanted, out.grad_fn)


@check("autograd.no-grad-block")
@pytest.mark.parametrize("name", OFF)
def test_nothing_is_tracked_in_the_block(subject: Subject, name: str) -> None:
    x = leaf([1.0, 2.0], subject)
    require_tracking(True, f"before {name}", x)
    for n in (1, 2):
        with OFF[name]():
            require_tracking(False, f"in block {n} of {name}", x)
            inside = x * 3
        require_tracking(True, f"after block {n} of {name}", x)
    require(not inside.requires_grad, f"a result of {name} requires grad afterwards", False, True)
    exact(f"x * 3 made under {name}", inside, [3.0, 6.0])
    if "inference" not in name:
        (x * inside).sum().backward()
        exact(f"x.grad of x times a result of {name}", x.grad, [3.0, 6.0])


@check("autograd.no-grad-block")
def test_one_context_manager_can_be_entered_again(subject: Subject) -> None:
    x = leaf([1.0], subject)
    for manager in (torch.no_grad(), torch.enable_grad()):
        wanted = isinstance(manager, torch.enable_grad)
        for n in (1, 2, 3):
            with manager:
                require_tracking(wanted, f"the {n}. time in {type(manager).__name__}", x)
            require_mode(True, f"after the {n}. time in {type(manager).__name__}")


@check("autograd.no-grad-flips-requires-grad")
@pytest.mark.parametrize("name", OFF)
def test_the_flag_of_a_tensor_stays(subject: Subject, name: str) -> None:
    x, fixed = leaf([1.0, 2.0], subject), constant([1.0, 2.0], subject)
    y = x * 2
    kept = Unchanged(x=x, y=y, fixed=fixed)
    with OFF[name]():
        for what, tensor, wanted in (("x", x, True), ("y", y, True), ("fixed", fixed, False)):
            require(tensor.requires_grad is wanted, f"{what}.requires_grad under {name}", wanted, tensor.requires_grad)
        require(y.grad_fn is not None and not y.is_leaf and x.is_leaf, f"y.grad_fn under {name}", "a node", y.grad_fn)
    kept.check(name)
    y.sum().backward()
    exact(f"x.grad through a result made before {name}", x.grad, [2.0, 2.0])


@check("autograd.no-grad-views")
def test_a_view_reports_the_flag_of_its_base(subject: Subject) -> None:
    x = leaf([[1.0, 2.0]], subject)
    for make in (lambda x: x, lambda x: x * 2):
        y = make(x)
        with torch.no_grad():
            views = [y.view(-1), y.t(), y[0], y[:, 1:], y.expand(3, 2), y.unsqueeze(0), y.detach().view(-1)]
        for n, view in enumerate(views):
            wanted = n < 6
            require(view.requires_grad is wanted, f"the flag of view {n} made under no_grad", wanted, view.requires_grad)
            require(view.grad_fn is None, f"the grad_fn of view {n} made under no_grad", None, view.grad_fn)


@check("autograd.no-grad-new-leaves")
def test_a_leaf_can_be_made_without_grad_mode(subject: Subject) -> None:
    with torch.no_grad():
        x = torch.ones(2, dtype=torch.float64, device=subject.device, requires_grad=True)
        u = torch.zeros(2, dtype=torch.float64, device=subject.device).requires_grad_()
        p = torch.nn.Parameter(torch.ones(2, dtype=torch.float64, device=subject.device))
        require(x.requires_grad and u.requires_grad and p.requires_grad, "leaves made under no_grad do not require grad", True, False)
    (x * 3 + u * 4 + p * 5).sum().backward()
    for name, tensor, wanted in (("x", x, 3.0), ("u", u, 4.0), ("p", p, 5.0)):
        exact(f"the gradient of {name}, made under no_grad", tensor.grad, [wanted, wanted])


@check("autograd.set-grad-enabled")
def test_the_mode_depends_on_a_truth_value(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    for outer in (True, False):
        for flag in (True, False):
            with torch.set_grad_enabled(outer):
                with torch.set_grad_enabled(flag):
                    require_tracking(flag, f"under set_grad_enabled({flag}) in set_grad_enabled({outer})", x)
                require_tracking(outer, f"after set_grad_enabled({flag}) in set_grad_enabled({outer})", x)
    require_tracking(True, "after all", x)
    for is_train in (1 > 0, 1 < 0):
        with torch.set_grad_enabled(is_train):
            require_mode(is_train, f"under set_grad_enabled({is_train})")


@check("autograd.set-grad-enabled-function")
def test_it_also_works_as_a_function(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    with modes_kept():
        torch.set_grad_enabled(False)
        require_tracking(False, "after set_grad_enabled(False)", x)
        with torch.enable_grad():
            require_tracking(True, "under enable_grad after set_grad_enabled(False)", x)
        require_tracking(False, "after enable_grad after set_grad_enabled(False)", x)
        torch.set_grad_enabled(True)
        require_tracking(True, "after set_grad_enabled(True)", x)


@check("autograd.enable-grad")
@pytest.mark.parametrize("name", ON)
def test_tracking_is_switched_on_again(subject: Subject, name: str) -> None:
    x = leaf([1.0, 2.0], subject)
    for off in ("no_grad()", "set_grad_enabled(False)"):
        with OFF[off]():
            with ON[name]():
                require_tracking(True, f"under {name} in {off}", x)
                y = x * x
            require_tracking(False, f"after {name} in {off}", x)
        x.grad = None
        y.sum().backward()
        exact(f"x.grad of what was made under {name} in {off}", x.grad, [2.0, 4.0])
    with ON[name]():
        require_tracking(True, f"under {name} alone", x)
    require_tracking(True, f"after {name} alone", x)


@check("autograd.mode-nested")
def test_modes_nest(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    for first, one in BOTH.items():
        for second, two in BOTH.items():
            modes = []
            with one():
                modes.append(torch.is_grad_enabled())
                with two():
                    modes.append(torch.is_grad_enabled())
                    with one():
                        modes.append(torch.is_grad_enabled())
                    modes.append(torch.is_grad_enabled())
                modes.append(torch.is_grad_enabled())
            modes.append(torch.is_grad_enabled())
            a, b = first in ON, second in ON
            require(modes == [a, b, a, b, a, True], f"the modes in {first} > {second} > {first} and back", [a, b, a, b, a, True], modes)
    require_tracking(True, "after all", x)


@check("autograd.mode-after-exception")
@pytest.mark.parametrize("name", BOTH)
def test_the_mode_is_restored_after_an_exception(subject: Subject, name: str) -> None:
    x, make = leaf([1.0, 2.0], subject), BOTH[name]
    for outer in (True, False):
        for kind in (ValueError, RuntimeError, KeyboardInterrupt, StopIteration):
            with modes_kept(), torch.set_grad_enabled(outer):
                seen = None
                try:
                    with make():
                        raise kind("from the block")
                except kind as error:
                    seen = error
                require(seen is not None, f"{name} swallowed a {kind.__name__}", kind.__name__, None)
                require_mode(outer, f"after {name} was left by a {kind.__name__}")
        with torch.set_grad_enabled(outer):
            assert_raises("x @ a tensor of the wrong shape", RuntimeError, lambda: x @ torch.ones(3, dtype=torch.float64))
            require_mode(outer, "after an operation raised")
    require_tracking(True, "after all", x)


@pytest.mark.parametrize("name", decorators("autograd.mode-after-exception"))
def test_the_mode_is_restored_after_an_exception_in_a_function(subject: Subject, name: str) -> None:
    with modes_kept():

        @BOTH[name]()
        def fail() -> None:
            raise ValueError("from the function")

        for outer in (True, False):
            with torch.set_grad_enabled(outer):
                assert_raises(f"a function under @{name} that raises", ValueError, fail)
                require_mode(outer, f"after a function under @{name} raised")


@pytest.mark.parametrize("name", decorators("autograd.mode-decorator"))
def test_the_mode_can_decorate_functions(subject: Subject, name: str) -> None:
    x = leaf([1.0, 2.0], subject)
    with modes_kept():
        judge_decorator(BOTH[name], name, name in ON, x)
        require_tracking(True, "after all", x)


def judge_decorator(make: Callable[[], Any], name: str, wanted: bool, x: torch.Tensor) -> None:
    """Refute unless a decorated function and a decorated method run in that mode, and nothing else does."""

    @make()
    def function(a: torch.Tensor, *more: Any, key: Any = None) -> tuple:
        """What it says."""
        return a * 2, torch.is_grad_enabled(), more, key

    class Thing:
        @make()
        def method(self) -> bool:
            return torch.is_grad_enabled()

    for outer in (True, False):
        with torch.set_grad_enabled(outer):
            for n in (1, 2):
                out, mode, more, key = function(x, 1, 2, key="k")
                require(mode is wanted and out.requires_grad is wanted, f"the mode in call {n} of a function under @{name}", wanted, mode)
                require((more, key) == ((1, 2), "k"), f"the arguments of a function under @{name}", ((1, 2), "k"), (more, key))
                require_mode(outer, f"after call {n} of a function under @{name}")
            require(Thing().method() is wanted, f"the mode in a method under @{name}", wanted, not wanted)
    require(function.__name__ == "function" and function.__doc__ == "What it says.", f"the name of a function under @{name}", "function", function.__name__)


@check("autograd.mode-decorator-generator")
@pytest.mark.parametrize("name", ["no_grad()", "enable_grad()", "inference_mode()"])
def test_the_mode_of_a_generator_stays_inside(subject: Subject, name: str) -> None:
    make, wanted = BOTH[name], name in ON

    @make()
    def generator() -> Iterator[Any]:
        got = yield torch.is_grad_enabled()
        yield got, torch.is_grad_enabled()

    for outer in (True, False):
        with modes_kept(), torch.set_grad_enabled(outer):
            running = generator()
            require_mode(outer, f"after a generator under @{name} was made")
            require(next(running) is wanted, f"the mode in a generator under @{name}", wanted, not wanted)
            require_mode(outer, f"between two steps of a generator under @{name}")
            found = running.send("sent")
            require(found == ("sent", wanted), f"the second step of a generator under @{name}", ("sent", wanted), found)
            require_mode(outer, f"after the second step of a generator under @{name}")
            require(list(running) == [], f"the end of a generator under @{name}", [], None)
            require_mode(outer, f"after the end of a generator under @{name}")


@check("autograd.mode-decorator-bare", since="2.3")
def test_the_decorator_needs_no_parentheses(subject: Subject) -> None:
    for name, decorator, wanted in (("no_grad", torch.no_grad, False), ("enable_grad", torch.enable_grad, True), ("inference_mode", torch.inference_mode, False)):
        with torch.set_grad_enabled(not wanted):
            found = decorator(torch.is_grad_enabled)()
            require(found is wanted, f"the mode in a function under @torch.{name}", wanted, found)
            require_mode(not wanted, f"after a function under @torch.{name}")


@check("autograd.mode-per-thread")
def test_each_thread_has_a_mode_of_its_own(subject: Subject) -> None:
    seen: dict[str, Any] = {}

    def work(name: str) -> None:
        seen[f"{name} at first"] = torch.is_grad_enabled()
        with torch.no_grad():
            seen[f"{name} under no_grad"] = torch.is_grad_enabled()
        torch.set_grad_enabled(False)
        seen[f"{name} at last"] = torch.is_grad_enabled()

    def started(name: str) -> None:
        thread = threading.Thread(target=work, args=(name,))
        thread.start()
        thread.join()

    started("a thread")
    require_mode(True, "after a thread switched its own off")
    with torch.no_grad():
        started("a thread started under no_grad")
        require_mode(False, "under no_grad after a thread ended")
    require_mode(True, "after all threads")
    wanted = {f"{who} {when}": when == "at first" for who in ("a thread", "a thread started under no_grad") for when in ("at first", "under no_grad", "at last")}
    require(seen == wanted, "the modes in other threads", wanted, seen)


@check("autograd.backward-in-threads")
def test_threads_can_go_back_at_once(subject: Subject) -> None:
    x = leaf(np.ones(17), subject)
    own = [leaf(np.full(17, float(n)), subject) for n in range(4)]

    def work(u: torch.Tensor) -> None:
        for _ in range(5):
            (u * u).sum().backward()

    threads = [threading.Thread(target=work, args=(u,)) for u in own]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, u in enumerate(own):
        exact(f"the gradient of thread {n}", u.grad, np.full(17, 10.0 * n))
    thread = threading.Thread(target=lambda: (x * 3).sum().backward())
    thread.start()
    thread.join()
    exact("x.grad of a pass in another thread", x.grad, np.full(17, 3.0))


@check("autograd.backward-without-grad-mode")
def test_a_backward_pass_needs_no_grad_mode(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    y = (x * x).sum()
    with torch.no_grad():
        y.backward(retain_graph=True)
        require_mode(False, "after backward under no_grad")
        found = torch.autograd.grad(y, x, retain_graph=True)[0]
    exact("x.grad of backward under no_grad", x.grad, [2.0, 4.0])
    exact("autograd.grad under no_grad", found, [2.0, 4.0])
    y.backward()
    exact("x.grad of a second pass", x.grad, [4.0, 8.0])


@check("autograd.no-grad-saves-memory")
def test_nothing_is_saved_without_grad_mode(subject: Subject) -> None:
    for name, make in OFF.items():
        saved: list[torch.Tensor] = []
        x = leaf([1.0, 2.0], subject)
        with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t), lambda t: t):  # noqa: B023
            with make():
                (x * x).exp().sum()
                x @ x
                torch.relu(x).prod()
            require(saved == [], f"what was saved for backward under {name}", [], saved)
            x * x  # noqa: B018
        require(len(saved) > 0, f"nothing was saved for backward after {name}", "x", saved)


@check("autograd.inference-mode")
def test_inference_tensors_stay_out_of_graphs(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    with torch.inference_mode():
        require(torch.is_inference_mode_enabled(), "is_inference_mode_enabled() in the block", True, False)
        t, view = x * 2, x.view(2)
        made = torch.ones(2, dtype=torch.float64, device=subject.device)
        require(t.is_inference() and made.is_inference() and not x.is_inference(), "what is an inference tensor", "t", x)
        made.add_(1)
    require(not torch.is_inference_mode_enabled(), "is_inference_mode_enabled() after the block", False, True)
    require(t.is_inference() and not view.is_inference(), "what is an inference tensor after the block", True, False)
    exact("made.add_(1) in the block", made, [2.0, 2.0])
    assert_raises("x * t, which saves t for backward", RuntimeError, lambda: x * t)
    assert_raises("t.requires_grad_() outside", RuntimeError, lambda: t.requires_grad_())
    assert_raises("t._version", RuntimeError, lambda: t._version)
    (x * t.clone()).sum().backward()
    exact("x.grad of x times a clone of t", x.grad, [2.0, 4.0])
    require((x + t).requires_grad, "x + t, which saves nothing, is not tracked", True, False)
    exact("t * 2 outside", t * 2, [4.0, 8.0])


@check("autograd.inference-write-refused")
def test_an_inference_tensor_is_not_written_to_outside(subject: Subject) -> None:
    for write in (lambda t: t.add_(1), lambda t: t.zero_(), lambda t: t.__setitem__(0, 7.0), lambda t: t.copy_(torch.ones_like(t))):
        with torch.inference_mode():
            t = constant([1.0, 2.0], subject) * 2
        assert_raises("a write to an inference tensor outside", RuntimeError, lambda: write(t))  # noqa: B023


@check("autograd.inference-write-harmless")
def test_a_refused_write_to_an_inference_tensor_does_nothing(subject: Subject) -> None:
    with torch.inference_mode():
        t = constant([1.0, 2.0], subject) * 2
    assert_raises("t.add_(1) of an inference tensor outside", RuntimeError, lambda: t.add_(1))
    exact("an inference tensor after a refused t.add_(1)", t, [2.0, 4.0])


@check("autograd.inference-mode-off")
def test_inference_mode_can_be_left_for_a_block(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    with torch.inference_mode():
        with torch.inference_mode(False):
            require(not torch.is_inference_mode_enabled(), "is_inference_mode_enabled() under inference_mode(False)", False, True)
            require_tracking(True, "under inference_mode(False)", x)
            y = (x * x).sum()
        require(torch.is_inference_mode_enabled() and not torch.is_grad_enabled(), "the mode after inference_mode(False)", True, False)
    y.backward()
    exact("x.grad of what was made under inference_mode(False)", x.grad, [2.0, 4.0])
    with torch.inference_mode(False):
        require_tracking(True, "under inference_mode(False) alone", x)

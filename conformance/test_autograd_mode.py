"""no_grad, enable_grad and set_grad_enabled: as blocks and functions, nested, after errors."""

from __future__ import annotations

import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.autograd_modes import BOTH, OFF, ON, modes_kept, require_mode, require_tracking
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer


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
            require(
                view.requires_grad is wanted, f"the flag of view {n} made under no_grad", wanted, view.requires_grad
            )
            require(view.grad_fn is None, f"the grad_fn of view {n} made under no_grad", None, view.grad_fn)


@check("autograd.no-grad-new-leaves")
def test_a_leaf_can_be_made_without_grad_mode(subject: Subject) -> None:
    with torch.no_grad():
        x = torch.ones(2, dtype=torch.float64, device=subject.device, requires_grad=True)
        u = torch.zeros(2, dtype=torch.float64, device=subject.device).requires_grad_()
        p = torch.nn.Parameter(torch.ones(2, dtype=torch.float64, device=subject.device))
        require(
            x.requires_grad and u.requires_grad and p.requires_grad,
            "leaves made under no_grad do not require grad",
            True,
            False,
        )
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
            require(
                modes == [a, b, a, b, a, True],
                f"the modes in {first} > {second} > {first} and back",
                [a, b, a, b, a, True],
                modes,
            )
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
            assert_raises(
                "x @ a tensor of the wrong shape", RuntimeError, lambda: x @ torch.ones(3, dtype=torch.float64)
            )
            require_mode(outer, "after an operation raised")
    require_tracking(True, "after all", x)


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
        with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t), lambda t: t):
            with make():
                (x * x).exp().sum()
                x @ x
                torch.relu(x).prod()
            require(saved == [], f"what was saved for backward under {name}", [], saved)
            x * x
        require(len(saved) > 0, f"nothing was saved for backward after {name}", "x", saved)

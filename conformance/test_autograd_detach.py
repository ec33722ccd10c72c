"""detach and detach_: what is shared, what is cut, and what is noticed later."""

from __future__ import annotations

import numpy as np
import torch

from conformance.assertions import Unchanged, assert_raises, assert_view, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf, version
from properties.strategies.recipe import LAYOUTS

pytestmark = must_answer
VALUES = np.arange(1.0, 7.0).reshape(2, 3)


def tracked(subject: Subject, layout: str = "contiguous", dtype: str = "float64") -> list[torch.Tensor]:
    """A leaf, a result, a view and a view of a result, all of one shape."""
    x = leaf(VALUES, subject, dtype, layout)
    return [x, x * 2, x.view_as(x), (x * 2)[:, :], (x * 2).t().t(), x.clone(), x.exp()]


@check("autograd.detach-no-requires-grad")
def test_a_detached_tensor_is_a_leaf_without_history(subject: Subject) -> None:
    for layout in LAYOUTS:
        for n, y in enumerate(tracked(subject, layout)):
            for name, d in (
                ("detach()", y.detach()),
                ("torch.detach", torch.detach(y)),
                ("detach().detach()", y.detach().detach()),
            ):
                require(d.requires_grad is False, f"{name} of tensor {n} ({layout}) requires grad", False, True)
                require(
                    d.grad_fn is None and d.is_leaf, f"{name} of tensor {n} ({layout}) has a grad_fn", None, d.grad_fn
                )
                require(d.grad is None, f"{name} of tensor {n} ({layout}) has a gradient", None, d.grad)
    fixed = constant([1.0], subject)
    require(
        fixed.detach() is not fixed and not fixed.detach().requires_grad,
        "detach() of an untracked tensor is the tensor itself",
    )


@check("autograd.detach-shares-memory")
def test_a_detached_tensor_looks_at_the_same_memory(subject: Subject) -> None:
    for layout in LAYOUTS:
        for n, y in enumerate(tracked(subject, layout)):
            d = y.detach()
            assert_view(f"detach() of tensor {n} ({layout})", d, y, 0, tuple(y.stride()))
            require(
                d.shape == y.shape and d.dtype == y.dtype,
                f"detach() of tensor {n} ({layout}) has another shape or dtype",
            )
            if layout != "expanded":
                d[0, 1] = 77.0
                require(y[0, 1].item() == 77.0, "a write through y.detach() shows in y", 77.0, y[0, 1].item())
    y = constant(VALUES, subject)
    y.detach().add_(1)
    exact("y after y.detach().add_(1)", y, VALUES + 1)


@check("autograd.detach-only-difference")
def test_the_version_counter_is_shared(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    y = x * 2
    y.register_hook(lambda g: g * 100)
    d = y.detach()
    before = version(y)
    d.add_(1)
    for name, tensor in (("y", y), ("y.detach()", d)):
        require(version(tensor) == before + 1, f"the version of {name} after a write", before + 1, version(tensor))
    y.detach().mul_(1)
    require(version(d) == before + 2, "the version after a write through another y.detach()", before + 2, version(d))
    d.requires_grad_()
    (d * 3).sum().backward()
    exact("the gradient of y.detach(), where y has a hook", d.grad, [3.0, 3.0])
    for attribute in ("dtype", "device", "layout", "shape"):
        require(
            getattr(d, attribute) == getattr(y, attribute),
            f"the {attribute} of y.detach()",
            getattr(y, attribute),
            getattr(d, attribute),
        )


@check("autograd.detach-stops-backprop")
def test_no_gradient_passes_a_detached_tensor(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        x = leaf([1.0, 2.0], subject, dtype)
        (x * x.detach()).sum().backward()
        exact("x.grad of x * x.detach()", x.grad, [1.0, 2.0], dtype)
        x.grad = None
        y = x * x
        (y.detach() * x + x * 5).sum().backward()
        exact("x.grad of y.detach() * x + x * 5", x.grad, [6.0, 9.0], dtype)
        x.grad = None
        y = x * x
        (y + y.detach()).sum().backward()
        exact("x.grad of y + y.detach()", x.grad, [2.0, 4.0], dtype)
        x.grad = None
        (x[1:].detach() * 3 + x[:1]).sum().backward()
        exact("x.grad of x[1:].detach() * 3 + x[:1]", x.grad, [1.0, 0.0], dtype)
    assert_raises("x.detach().sum().backward()", RuntimeError, lambda: x.detach().sum().backward())
    assert_raises("autograd.grad through detach", RuntimeError, lambda: torch.autograd.grad((x * x).detach().sum(), x))


@check("autograd.detach-future-untracked")
def test_what_comes_of_a_detached_tensor_is_untracked(subject: Subject) -> None:
    x = leaf([[1.0, 2.0], [3.0, 5.0]], subject)
    for make in (lambda x: x, lambda x: x * 2, lambda x: x.t()):
        d = make(x).detach()
        outs = [
            d * 2,
            d + d,
            d @ d,
            d.exp(),
            d.t(),
            d[0],
            d.sum(),
            torch.cat([d, d]),
            d.clone(),
            torch.relu(d),
            d.inverse(),
            d.add(1),
        ]
        for n, out in enumerate(outs):
            untracked = not out.requires_grad and out.grad_fn is None
            require(untracked, f"result {n} of a detached tensor is tracked", None, out.grad_fn)
        require((d + x).requires_grad, "x.detach() + x does not require grad", True, False)


@check("autograd.detach-stops-tracking-a-tensor")
def test_the_tensor_itself_stays_in_the_graph(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    y = x * x
    kept = Unchanged(x=x, y=y)
    node = y.grad_fn
    y.detach()
    x.detach()
    kept.check("y.detach()")
    require(y.grad_fn is node and y.requires_grad and not y.is_leaf, "y.grad_fn after y.detach()", node, y.grad_fn)
    require(x.requires_grad and x.is_leaf, "x.requires_grad after x.detach()", True, x.requires_grad)
    y.sum().backward()
    exact("x.grad after y.detach()", x.grad, [2.0, 4.0])


@check("autograd.detach-never-has-grad")
def test_a_detached_tensor_can_become_a_leaf_of_its_own(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    for source in (x, x * 1):
        d = source.detach().requires_grad_()
        require(d.is_leaf and d.requires_grad, "x.detach().requires_grad_() is no leaf", True, False)
        (d * d).sum().backward()
        exact("d.grad of d = x.detach().requires_grad_()", d.grad, [2.0, 4.0])
        require(x.grad is None, "x.grad after a backward pass from d", None, x.grad)
        (d * 3 + x * 5).sum().backward()
        exact("d.grad after a second pass", d.grad, [5.0, 7.0])
        exact("x.grad of its own part", x.grad, [5.0, 5.0])
        x.grad = None


@check("autograd.detach-to-train-one-branch")
def test_a_branch_trains_alone(subject: Subject) -> None:
    torch.manual_seed(0)
    trunk, branch, main = (torch.nn.Linear(3, 3).to(subject.device) for _ in range(3))
    x = constant(VALUES, subject, "float32")
    h = torch.tanh(trunk(x))
    branch(h.detach()).pow(2).sum().backward()
    for name, weight in trunk.named_parameters():
        require(weight.grad is None, f"trunk.{name}.grad behind detach", None, weight.grad)
    for name, weight in branch.named_parameters():
        require(
            weight.grad is not None and weight.grad.abs().sum() > 0, f"branch.{name}.grad", "a gradient", weight.grad
        )
    main(h).sum().backward()
    require(
        all(w.grad is not None for w in trunk.parameters()),
        "the trunk has no gradient of the main way",
        "a gradient",
        None,
    )


@check("autograd.detach-in-place")
def test_detach_in_place_cuts_the_tensor_itself(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    y = x * 2
    address, values = y.data_ptr(), y.tolist()
    require(y.detach_() is y, "y.detach_() does not return y", "y", None)
    require(not y.requires_grad and y.grad_fn is None and y.is_leaf, "y after y.detach_() is tracked", False, True)
    require(y.data_ptr() == address and y.tolist() == values, "y.detach_() changed y's memory", values, y.tolist())
    (y * x).sum().backward()
    exact("x.grad of x times a y that was detached in place", x.grad, [2.0, 4.0])
    z = x * 3
    w = z * 5
    z.detach_()
    x.grad = None
    w.sum().backward()
    exact("x.grad through a result made before z.detach_()", x.grad, [15.0, 15.0])
    u = leaf([1.0], subject)
    torch.detach_(u)
    require(not u.requires_grad, "a leaf after torch.detach_(u) requires grad", False, True)
    view = (x * 2)[:1]
    assert_raises("detach_() of a view", RuntimeError, lambda: view.detach_())
    require(view.requires_grad, "a view after a refused detach_() does not require grad", True, False)


@check("autograd.detach-writes-are-noticed")
def test_a_write_through_detach_is_noticed_at_backward(subject: Subject) -> None:
    for layout in ("contiguous", "transposed", "row_stepped"):
        x = leaf(VALUES, subject, layout=layout)
        y = x * x
        x.detach().mul_(10)
        assert_raises("backward of x * x after x.detach().mul_(10)", RuntimeError, lambda: y.sum().backward())
        x = leaf(VALUES, subject, layout=layout)
        y = x.exp()
        y.detach().zero_()
        assert_raises("backward of x.exp() after y.detach().zero_()", RuntimeError, lambda: y.sum().backward())
        x = leaf(VALUES, subject, layout=layout)
        y = x * x
        with torch.no_grad():
            x.add_(1)
        assert_raises("backward of x * x after x.add_(1) under no_grad", RuntimeError, lambda: y.sum().backward())
        require(x.grad is None, "x.grad after a refused backward", None, x.grad)

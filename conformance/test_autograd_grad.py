"""autograd.grad and autograd.backward with several inputs and outputs, some of them unused."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer


@check("autograd.backward-several-outputs")
def test_the_gradients_of_several_outputs_add_up(subject: Subject) -> None:
    v, w = np.array([1.0, -2.0]), np.array(3.0)
    calls: dict[str, Callable[..., Any]] = {
        "backward([y, z], [v, w])": lambda y, z, v, w: torch.autograd.backward([y, z], [v, w]),
        "backward((y, z), (v, w))": lambda y, z, v, w: torch.autograd.backward((y, z), (v, w)),
        "backward([z, y], [w, v])": lambda y, z, v, w: torch.autograd.backward([z, y], [w, v]),
        "backward([y, z], grad_tensors=[v, w])": lambda y, z, v, w: torch.autograd.backward(
            [y, z], grad_tensors=[v, w]
        ),
    }
    for name, call in calls.items():
        x, u = leaf([1.0, 2.0], subject), leaf([5.0, 7.0], subject)
        y, z = x * x * u, (x * u).sum()
        call(y, z, constant(v, subject), constant(w, subject))
        exact(f"x.grad after {name}", x.grad, 2 * np.array([1.0, 2.0]) * [5.0, 7.0] * v + w * [5.0, 7.0])
        exact(f"u.grad after {name}", u.grad, np.array([1.0, 4.0]) * v + w * np.array([1.0, 2.0]))
    x = leaf([1.0, 2.0], subject)
    torch.autograd.backward([x.sum(), (x * x).sum(), x * 5], [None, None, constant([1.0, 0.0], subject)])
    exact("x.grad after backward of three, two without a vector", x.grad, [8.0, 5.0])
    y = x * x
    assert_raises(
        "backward([y, y], [v])", RuntimeError, lambda: torch.autograd.backward([y, y], [constant(v, subject)])
    )


@check("autograd.backward-inputs")
def test_only_the_named_inputs_are_filled(subject: Subject) -> None:
    calls: dict[str, Callable[..., Any]] = {
        "y.backward(inputs=[a])": lambda y, a: y.backward(inputs=[a]),
        "y.backward(inputs=a)": lambda y, a: y.backward(inputs=a),
        "y.backward(inputs=(a,))": lambda y, a: y.backward(inputs=(a,)),
        "autograd.backward(y, inputs=[a])": lambda y, a: torch.autograd.backward(y, inputs=[a]),
    }
    for name, call in calls.items():
        a, b = leaf([1.0, 2.0], subject), leaf([3.0, 4.0], subject)
        call((a * b).sum(), a)
        exact(f"a.grad after {name}", a.grad, [3.0, 4.0])
        require(b.grad is None, f"b.grad after {name}", None, b.grad)
        (a * b).sum().backward()
        exact(f"a.grad after {name} and a whole pass", a.grad, [6.0, 8.0])
        exact(f"b.grad after {name} and a whole pass", b.grad, [1.0, 2.0])
    a, b = leaf([1.0, 2.0], subject), leaf([3.0, 4.0], subject)
    middle = a * b
    (middle * middle).sum().backward(inputs=[middle, b])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exact("middle.grad after backward(inputs=[middle, b])", middle.grad, [6.0, 16.0])
    exact("b.grad after backward(inputs=[middle, b])", b.grad, [6.0, 32.0])
    require(a.grad is None, "a.grad after backward(inputs=[middle, b])", None, a.grad)
    assert_raises("y.backward(inputs=[])", RuntimeError, lambda: (a * b).sum().backward(inputs=[]))


@check("autograd.grad-leaves-grad-alone")
def test_autograd_grad_returns_a_tuple_and_fills_nothing(subject: Subject) -> None:
    a, b = leaf([1.0, 2.0], subject), leaf([3.0, 4.0], subject)
    b.grad = constant([9.0, 9.0], subject)
    kept = Unchanged(a=a, b=b)
    calls: dict[str, tuple[Callable[[], Any], list]] = {
        "grad(y, a)": (lambda: torch.autograd.grad((a * b).sum(), a), [[3.0, 4.0]]),
        "grad(y, [a])": (lambda: torch.autograd.grad((a * b).sum(), [a]), [[3.0, 4.0]]),
        "grad([y], (a, b))": (lambda: torch.autograd.grad([(a * b).sum()], (a, b)), [[3.0, 4.0], [1.0, 2.0]]),
        "grad(y, (b, a))": (lambda: torch.autograd.grad((a * b).sum(), (b, a)), [[1.0, 2.0], [3.0, 4.0]]),
        "grad(y, [a, a])": (lambda: torch.autograd.grad((a * b).sum(), [a, a]), [[3.0, 4.0], [3.0, 4.0]]),
        "grad(a, a)": (lambda: torch.autograd.grad(a.sum(), a), [[1.0, 1.0]]),
        "grad(outputs=y, inputs=a)": (lambda: torch.autograd.grad(outputs=(a * a).sum(), inputs=a), [[2.0, 4.0]]),
    }
    for name, (call, wanted) in calls.items():
        found = call()
        count = len(found) if isinstance(found, tuple) else type(found)
        require(count == len(wanted), f"{name} gives no tuple of {len(wanted)}", len(wanted), count)
        for place, (one, values) in enumerate(zip(found, wanted, strict=True)):
            exact(f"{name}[{place}]", one, values)
            require(not one.requires_grad and one.grad_fn is None, f"{name}[{place}] carries history", False, True)
        require(a.grad is None, f"a.grad after {name}", None, a.grad)
        exact(f"b.grad after {name}", b.grad, [9.0, 9.0])
        kept.check(name)


@check("autograd.grad-of-several-outputs")
def test_autograd_grad_adds_up_over_its_outputs(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)

    def outs() -> list[torch.Tensor]:
        return [x * x, x * 3, x.sum()]

    vs = [constant([1.0, 10.0], subject), constant([2.0, 0.0], subject), constant(100.0, subject)]
    wanted = np.array([2.0, 40.0]) + [6.0, 0.0] + 100.0
    exact("grad of three outputs", torch.autograd.grad(outs(), x, vs)[0], wanted)
    exact("grad of three outputs, in another order", torch.autograd.grad(outs()[::-1], x, vs[::-1])[0], wanted)
    exact("grad with grad_outputs=", torch.autograd.grad(tuple(outs()), [x], grad_outputs=tuple(vs))[0], wanted)
    parts = [torch.autograd.grad(out, x, v)[0].tolist() for out, v in zip(outs(), vs, strict=True)]
    exact("grad of three outputs, and the sum of the three", torch.autograd.grad(outs(), x, vs)[0], np.sum(parts, 0))


@check("autograd.autograd-grad-for-nonleaf")
def test_a_result_can_be_asked_for_its_gradient(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    y = x * 3
    u = y.exp() * 0 + y * y
    z = (u * u).sum()
    found = torch.autograd.grad(z, (y, u, x))
    exact("the gradient of y", found[0], [4 * 27.0, 4 * 216.0])
    exact("the gradient of u", found[1], [18.0, 72.0])
    exact("the gradient of x", found[2], [3 * 108.0, 3 * 864.0])
    require(x.grad is None and y.is_leaf is False, "x.grad after autograd.grad of a result", None, x.grad)
    v = constant([7.0, 5.0], subject)
    for name, tensor in {"a leaf": x, "a result": x * 3, "a view": x[:]}.items():
        exact(f"the gradient of {name} by itself", torch.autograd.grad(tensor, tensor, v)[0], [7.0, 5.0])
    view = x[1:]
    exact("the gradient of a view", torch.autograd.grad((view * 5).sum(), view)[0], [5.0])


@check("autograd.grad-allow-unused")
def test_an_input_that_takes_no_part(subject: Subject) -> None:
    x, other = leaf([1.0, 2.0], subject), leaf([3.0], subject)

    def y() -> torch.Tensor:
        return (x * x).sum()

    assert_raises("grad(y, [x, other])", RuntimeError, lambda: torch.autograd.grad(y(), [x, other]))
    assert_raises(
        "grad(y, other, allow_unused=False)", RuntimeError, lambda: torch.autograd.grad(y(), other, allow_unused=False)
    )
    found = torch.autograd.grad(y(), [other, x], allow_unused=True)
    require(found[0] is None, "grad(y, [other, x], allow_unused=True)[0]", None, found[0])
    exact("grad(y, [other, x], allow_unused=True)[1]", found[1], [2.0, 4.0])
    fixed = constant([1.0], subject)
    assert_raises("grad(y, a tensor that does not require grad)", RuntimeError, lambda: torch.autograd.grad(y(), fixed))
    detour = x * 2
    assert_raises("grad(y, a result that y was not made from)", RuntimeError, lambda: torch.autograd.grad(y(), detour))


@check("autograd.grad-materialized", since="2.6")
def test_an_unused_input_gets_zeros_on_demand(subject: Subject) -> None:
    x, other = leaf([1.0, 2.0], subject), leaf([[3.0, 1.0]], subject)
    found = torch.autograd.grad((x * x).sum(), [other, x], materialize_grads=True)
    exact("grad(…, materialize_grads=True)[0]", found[0], [[0.0, 0.0]])
    exact("grad(…, materialize_grads=True)[1]", found[1], [2.0, 4.0])
    both = {"allow_unused": False, "materialize_grads": True}
    assert_raises(f"grad(y, x, **{both})", ValueError, lambda: torch.autograd.grad((x * x).sum(), x, **both))


@check("autograd.needs-requires-grad")
def test_without_history_there_is_no_backward(subject: Subject) -> None:
    fixed = constant([1.0, 2.0], subject)
    x = leaf([1.0, 2.0], subject)
    calls: dict[str, Callable[[], Any]] = {
        "fixed.sum().backward()": lambda: fixed.sum().backward(),
        "x.detach().sum().backward()": lambda: x.detach().sum().backward(),
        "autograd.backward(fixed.sum())": lambda: torch.autograd.backward(fixed.sum()),
        "autograd.grad(fixed.sum(), x)": lambda: torch.autograd.grad(fixed.sum(), x),
        "autograd.grad(x.sum(), fixed)": lambda: torch.autograd.grad(x.sum(), fixed),
        "backward of two results, one without history": lambda: torch.autograd.backward([x.sum(), fixed.sum()]),
        "(x > 1).double().sum().backward()": lambda: (x > 1).double().sum().backward(),
    }
    for name, call in calls.items():
        assert_raises(name, RuntimeError, call)
        require(x.grad is None and fixed.grad is None, f"x.grad after {name}", None, x.grad)


@check("autograd.grad-variables-keyword")
def test_what_became_of_grad_variables(subject: Subject) -> None:
    x, v = leaf([1.0, 2.0], subject), constant([3.0, 5.0], subject)
    torch.autograd.backward(x * x, grad_tensors=v)
    exact("x.grad after backward(y, grad_tensors=v)", x.grad, [6.0, 20.0])
    (x * x).backward(gradient=v)
    exact("x.grad after y.backward(gradient=v)", x.grad, [12.0, 40.0])
    assert_raises("y.backward(grad_variables=v)", TypeError, lambda: (x * x).backward(grad_variables=v))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        torch.autograd.backward(x * x, grad_variables=v)
    require(said, "backward(y, grad_variables=v) gives no warning", "a warning", None)
    exact("x.grad after backward(y, grad_variables=v)", x.grad, [18.0, 60.0])
    y = x * x
    both = {"grad_tensors": v, "grad_variables": v}
    assert_raises(
        "backward(y, grad_tensors=v, grad_variables=v)", RuntimeError, lambda: torch.autograd.backward(y, **both)
    )

"""autograd.grad and autograd.backward with several inputs and outputs; kept and freed graphs; higher derivatives."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.gradients import constant, exact, leaf
from conformance.numerics import COMPOSED
from conformance.subject import Subject

pytestmark = must_answer

# -- graphs kept and freed ----------------------------------------------------------------------------------------------

# Functions whose derivative needs a tensor of the forward pass, and functions whose derivative needs none.
SAVING = {
    "x * x": lambda x: x * x,
    "x ** 2": lambda x: x**2,
    "x.exp()": lambda x: x.exp(),
    "x.sin()": lambda x: x.sin(),
    "x.tanh()": lambda x: x.tanh(),
    "x.sqrt()": lambda x: x.sqrt(),
    "x.sigmoid()": lambda x: x.sigmoid(),
    "x.relu()": lambda x: x.relu(),
    "x.abs()": lambda x: x.abs(),
    "x / x": lambda x: x / x,
    "x @ x": lambda x: x @ x,
    "x.prod()": lambda x: x.prod(),
    "x.norm()": lambda x: x.norm(),
    "x.max()": lambda x: x.max(),
    "x.softmax(0)": lambda x: x.softmax(0),
    "x.cumprod(0)": lambda x: x.cumprod(0),
    "x[[0, 0]]": lambda x: x[[0, 0]],
    "x.gather(0, index)": lambda x: x.gather(0, torch.zeros(2, dtype=torch.int64, device=x.device)),
    "(x + 1).square().sum() + x.sum()": lambda x: (x + 1).square().sum() + x.sum(),
}
PLAIN = {
    "x + x": lambda x: x + x,
    "x - 3": lambda x: x - 3,
    "-x": lambda x: -x,
    "x.sum()": lambda x: x.sum(),
    "x.t()": lambda x: x.t(),
    "x.view(-1)": lambda x: x.view(-1),
    "x[1:]": lambda x: x[1:],
    "x.expand(2, 3)": lambda x: x.expand(2, 3),
    "x.clone()": lambda x: x.clone(),
    "torch.cat([x, x])": lambda x: torch.cat([x, x]),
}


@check("autograd.buffers-freed")
@pytest.mark.parametrize("name", SAVING)
def test_a_second_pass_needs_what_the_first_freed(subject: Subject, name: str) -> None:
    for retain in ({}, {"retain_graph": False}, {"retain_graph": None}):
        x = leaf([1.0, 2.0, 3.0], subject)
        y = SAVING[name](x)
        v = torch.ones_like(y)
        y.backward(v, **retain)
        once = x.grad.tolist()
        for call, action in {
            "y.backward(v)": lambda: y.backward(v),  # noqa: B023
            "autograd.backward(y, v)": lambda: torch.autograd.backward(y, v),  # noqa: B023
            "autograd.grad(y, x, v)": lambda: torch.autograd.grad(y, x, v),  # noqa: B023
            "y.backward(v, retain_graph=True)": lambda: y.backward(v, retain_graph=True),  # noqa: B023
        }.items():
            assert_raises(f"{call}, a second pass through {name}", RuntimeError, action)
        exact(f"x.grad after refused passes through {name}", x.grad, once)
    x = leaf([1.0, 2.0, 3.0], subject)
    y = SAVING[name](x)
    torch.autograd.grad(y, x, torch.ones_like(y))
    assert_raises(f"y.backward(v) after autograd.grad(y, x, v) of {name}", RuntimeError, lambda: y.backward(torch.ones_like(y)))


@check("autograd.graph-without-buffers")
@pytest.mark.parametrize("name", PLAIN)
def test_a_graph_that_saved_nothing_runs_again(subject: Subject, name: str) -> None:
    x = leaf([1.0, 2.0, 3.0], subject)
    y = PLAIN[name](x)
    y.backward(torch.ones_like(y))
    once = np.array(x.grad.tolist())
    for n in (2, 3):
        y.backward(torch.ones_like(y))
        exact(f"x.grad after {n} passes through {name}", x.grad, n * once)


@check("autograd.retain-graph")
@pytest.mark.parametrize("name", SAVING)
def test_a_kept_graph_can_be_run_again(subject: Subject, name: str) -> None:
    x = leaf([1.0, 2.0, 3.0], subject)
    y = SAVING[name](x)
    v = torch.ones_like(y)
    first = torch.autograd.grad(y, x, v, retain_graph=True)[0]
    for n in (1, 2, 3):
        y.backward(v, retain_graph=True)
        exact(f"x.grad after {n} kept passes through {name}", x.grad, n * np.array(first.tolist()))
    y.backward(v)
    exact(f"x.grad after the last pass through {name}", x.grad, 4 * np.array(first.tolist()))
    assert_raises(f"a pass through {name} after one that did not keep it", RuntimeError, lambda: y.backward(v))


@check("autograd.shared-subgraph-freed")
def test_a_shared_part_is_freed_by_the_first_of_two_results(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    shared = x * x
    one, two = shared.sum(), (shared * 3).sum()
    one.backward()
    assert_raises("the backward pass of a second result", RuntimeError, lambda: two.backward())
    x.grad = None
    shared = x * x
    one, two = shared.sum(), (shared * 3).sum()
    one.backward(retain_graph=True)
    two.backward()
    exact("x.grad of both results", x.grad, [8.0, 16.0])


# -- several outputs and inputs -----------------------------------------------------------------------------------------


@check("autograd.backward-several-outputs")
def test_the_gradients_of_several_outputs_add_up(subject: Subject) -> None:
    v, w = np.array([1.0, -2.0]), np.array(3.0)
    calls: dict[str, Callable[..., Any]] = {
        "backward([y, z], [v, w])": lambda y, z, v, w: torch.autograd.backward([y, z], [v, w]),
        "backward((y, z), (v, w))": lambda y, z, v, w: torch.autograd.backward((y, z), (v, w)),
        "backward([z, y], [w, v])": lambda y, z, v, w: torch.autograd.backward([z, y], [w, v]),
        "backward([y, z], grad_tensors=[v, w])": lambda y, z, v, w: torch.autograd.backward([y, z], grad_tensors=[v, w]),
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
    assert_raises("backward([y, y], [v])", RuntimeError, lambda: torch.autograd.backward([y, y], [constant(v, subject)]))


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
        require(isinstance(found, tuple) and len(found) == len(wanted), f"{name} gives no tuple of {len(wanted)}", len(wanted), found)
        for place, (one, values) in enumerate(zip(found, wanted, strict=True)):
            exact(f"{name}[{place}]", one, values)
            require(not one.requires_grad and one.grad_fn is None, f"{name}[{place}] carries history", False, True)
        require(a.grad is None, f"a.grad after {name}", None, a.grad)
        exact(f"b.grad after {name}", b.grad, [9.0, 9.0])
        kept.check(name)


@check("autograd.grad-of-several-outputs")
def test_autograd_grad_adds_up_over_its_outputs(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    outs = lambda: [x * x, x * 3, x.sum()]  # noqa: E731
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
    view = x[1:]
    exact("the gradient of a view", torch.autograd.grad((view * 5).sum(), view)[0], [5.0])


@check("autograd.grad-allow-unused")
def test_an_input_that_takes_no_part(subject: Subject) -> None:
    x, other = leaf([1.0, 2.0], subject), leaf([3.0], subject)
    y = lambda: (x * x).sum()  # noqa: E731
    assert_raises("grad(y, [x, other])", RuntimeError, lambda: torch.autograd.grad(y(), [x, other]))
    assert_raises("grad(y, other, allow_unused=False)", RuntimeError, lambda: torch.autograd.grad(y(), other, allow_unused=False))
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


# -- higher derivatives --------------------------------------------------------------------------------------------------


@check("autograd.create-graph")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_derivatives_of_derivatives(subject: Subject, dtype: str) -> None:
    values = np.array([1.0, 2.0, -3.0])
    x = leaf(values, subject, dtype)
    order = [values**4, 4 * values**3, 12 * values**2, 24 * values, 24 + 0 * values]
    y = x * x * x * x
    for n in (1, 2, 3, 4):
        require(y.requires_grad, f"derivative {n - 1} with create_graph=True carries no graph", True, False)
        y = torch.autograd.grad(y.sum(), x, create_graph=True)[0]
        exact(f"derivative {n} of x ** 4", y, order[n], dtype)
    first = torch.autograd.grad((x**3).sum(), x)[0]
    require(not first.requires_grad, "a gradient without create_graph carries a graph", False, True)


@check("autograd.create-graph")
def test_backward_twice(subject: Subject) -> None:
    x, w = leaf([1.0, 2.0], subject), leaf([3.0, 5.0], subject)
    y = (x * x * w).sum()
    first = torch.autograd.grad(y, (x, w), create_graph=True)
    (first[0] * first[1]).sum().backward()  # sum 2 x w x² = 2 x³ w
    exact("x.grad of the product of two gradients", x.grad, 6 * np.array([1.0, 4.0]) * [3.0, 5.0])
    exact("w.grad of the product of two gradients", w.grad, [2.0, 16.0])
    x = leaf([1.0, 2.0], subject)
    (x**3).sum().backward(create_graph=True)
    exact("x.grad with a graph", x.grad, [3.0, 12.0])
    again = torch.autograd.grad(x.grad.sum(), x)[0]
    exact("the derivative of x.grad", again, [6.0, 12.0])
    x.grad = None


@check("autograd.create-graph-keeps")
def test_the_graph_is_kept_where_a_graph_is_made_of_it(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    y = (x * x).sum()
    torch.autograd.grad(y, x, create_graph=True)
    exact("a second gradient after create_graph=True", torch.autograd.grad(y, x)[0], [2.0, 4.0])
    y = (x * x).sum()
    torch.autograd.grad(y, x, create_graph=True, retain_graph=False)
    assert_raises("a pass after create_graph=True, retain_graph=False", RuntimeError, lambda: torch.autograd.grad(y, x))


@check("autograd.create-graph-through-v")
def test_the_product_can_be_differentiated_for_v(subject: Subject) -> None:
    x, v = leaf([1.0, 2.0, 4.0], subject), leaf([1.0, -1.0], subject)
    matrix = np.array([[1.0, 2.0, -3.0], [4.0, 0.0, 5.0]])
    y = constant(matrix, subject) @ (x * x)
    product = torch.autograd.grad(y, x, v, create_graph=True)[0]
    u = np.array([1.0, 10.0, 100.0])
    found = torch.autograd.grad(product, (v, x), constant(u, subject))
    exact("J u", found[0], matrix @ (2 * u * [1.0, 2.0, 4.0]))
    exact("the derivative of u · J^T v for x", found[1], 2 * u * (matrix.T @ [1.0, -1.0]))


def rosenbrock(x: torch.Tensor) -> torch.Tensor:
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


@check("autograd.functional")
def test_the_functional_interface(subject: Subject) -> None:
    f = torch.autograd.functional
    x = constant([2.0, 3.0], subject)
    hessian = np.array([[2 - 400 * (3 - 3 * 4.0), -800.0], [-800.0, 200.0]])
    gradient = np.array([2 * (2 - 1) - 400 * 2 * (3 - 4.0), 200 * (3 - 4.0)])
    v = np.array([1.0, -2.0])
    assert_values("functional.hessian", f.hessian(rosenbrock, x), hessian, COMPOSED)
    assert_values("functional.jacobian", f.jacobian(rosenbrock, x), gradient, COMPOSED)
    assert_values("functional.vhp", f.vhp(rosenbrock, x, constant(v, subject))[1], hessian @ v, COMPOSED)
    assert_values("functional.hvp", f.hvp(rosenbrock, x, constant(v, subject))[1], hessian @ v, COMPOSED)
    pair = lambda a, b: (a * b, a + 2 * b)  # noqa: E731
    a, b = constant([1.0, 2.0], subject), constant([3.0, 5.0], subject)
    jacobian = f.jacobian(pair, (a, b))
    for row, wanted in enumerate(([[3.0, 5.0], [1.0, 2.0]], [[1.0, 1.0], [2.0, 2.0]])):
        for column in (0, 1):
            exact(f"functional.jacobian[{row}][{column}]", jacobian[row][column], np.diag(wanted[column]))
    found = f.vjp(pair, (a, b), (constant([1.0, 0.0], subject), constant([0.0, 1.0], subject)))[1]
    exact("functional.vjp[0]", found[0], [3.0, 1.0])
    exact("functional.vjp[1]", found[1], [1.0, 2.0])
    pushed = f.jvp(pair, (a, b), (constant([1.0, 0.0], subject), constant([0.0, 1.0], subject)))[1]
    exact("functional.jvp[0]", pushed[0], [3.0, 2.0])
    exact("functional.jvp[1]", pushed[1], [1.0, 2.0])


@check("autograd.batched-vectors")
def test_many_vectors_at_once(subject: Subject) -> None:
    x = leaf([1.0, 2.0, 4.0], subject)
    matrix = np.array([[1.0, 2.0, -3.0], [4.0, 0.0, 5.0]])
    y = constant(matrix, subject) @ (x * x)
    found = torch.autograd.grad(y, x, torch.eye(2, dtype=torch.float64, device=subject.device), is_grads_batched=True)[0]
    exact("grad(…, is_grads_batched=True)", found, 2 * matrix * [1.0, 2.0, 4.0])
    for vectorize in (False, True):
        jacobian = torch.autograd.functional.jacobian(lambda x: constant(matrix, subject) @ (x * x), x, vectorize=vectorize)
        exact(f"jacobian(…, vectorize={vectorize})", jacobian, 2 * matrix * [1.0, 2.0, 4.0])


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
    both = lambda: torch.autograd.backward(y, grad_tensors=v, grad_variables=v)  # noqa: E731
    assert_raises("backward(y, grad_tensors=v, grad_variables=v)", RuntimeError, both)

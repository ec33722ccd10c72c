"""What became of Variable, volatile and grad_variables."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer


def warned(action: Callable[[], Any]) -> tuple[Any, list[str]]:
    """What an action gives, and the texts of the warnings that it raised."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = action()
    return found, [str(one.message) for one in said]


@check("autograd.variable-is-core")
def test_a_variable_is_a_tensor(subject: Subject) -> None:
    x = constant([1.0, 2.0], subject)
    for name, make in (
        ("autograd.Variable(x)", torch.autograd.Variable),
        ("Variable(x)", torch.autograd.variable.Variable),
    ):
        v = make(x)
        require(type(v) is torch.Tensor, f"the type of {name}", torch.Tensor, type(v))
        require(v.data_ptr() == x.data_ptr(), f"{name} does not share the memory of x", x.data_ptr(), v.data_ptr())
        require(not v.requires_grad and v.is_leaf, f"{name} requires grad", False, True)
        tracked = make(x, requires_grad=True)
        require(
            tracked.requires_grad and not x.requires_grad,
            "Variable(x, requires_grad=True).requires_grad",
            True,
            tracked.requires_grad,
        )
        (tracked * 3).sum().backward()
        exact("the gradient of Variable(x, requires_grad=True)", tracked.grad, [3.0, 3.0])
    for tensor in (x, leaf([1.0], subject), torch.ones(1, dtype=torch.int64), torch.nn.Parameter(x)):
        require(isinstance(tensor, torch.autograd.Variable), "isinstance(a tensor, Variable)", True, False)
    require(not isinstance(1.0, torch.autograd.Variable), "isinstance(1.0, Variable)", False, True)


@check("autograd.variable-supports-most-functions")
def test_a_variable_has_all_that_a_tensor_has(subject: Subject) -> None:
    x = constant([[1.0, 2.0], [3.0, 5.0]], subject)
    v = torch.autograd.Variable(x)
    lost = set(dir(x)) - set(dir(v))
    require(not lost, "what Variable(x) lacks of x", set(), sorted(lost)[:10])
    for name in ("exp", "sum", "t", "abs", "inverse", "sort", "max", "add_", "long", "numpy"):
        require(callable(getattr(v, name)), f"Variable(x).{name}", "a method", None)
    exact("Variable(x).t() + Variable(x)", v.t() + v, [[2.0, 5.0], [5.0, 10.0]])
    exact("Variable(x).add_(1)", v.add_(1), [[2.0, 3.0], [4.0, 6.0]])
    exact("x after Variable(x).add_(1)", x, [[2.0, 3.0], [4.0, 6.0]])


@check("autograd.volatile-default-false")
def test_reading_volatile_says_false_and_warns(subject: Subject) -> None:
    x = leaf([1.0], subject)
    for tensor in (x, x * 2, constant([1.0], subject)):
        found, said = warned(lambda: tensor.volatile)
        require(found is False, "x.volatile", False, found)
        require(any("volatile" in text for text in said), "reading x.volatile gives no warning", "a warning", said)


@check("autograd.volatile-contagious")
def test_setting_volatile_does_nothing_and_warns(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    _, said = warned(lambda: setattr(x, "volatile", True))
    require(any("volatile" in text for text in said), "x.volatile = True gives no warning", "a warning", said)
    y = x * x
    require(x.requires_grad and y.requires_grad, "results of a volatile x do not require grad", True, y.requires_grad)
    for tensor in (x, y):
        found, _ = warned(lambda: tensor.volatile)
        require(found is False, "x.volatile after x.volatile = True", False, found)
    y.sum().backward()
    exact("x.grad after x.volatile = True", x.grad, [2.0, 4.0])


@check("autograd.volatile-blocks-grad")
def test_volatile_does_not_block_gradients(subject: Subject) -> None:
    data = constant([1.0, 2.0], subject)
    v, said = warned(lambda: torch.autograd.Variable(data, volatile=True))
    require(any("volatile" in text for text in said), "Variable(x, volatile=True) gives no warning", "a warning", said)
    x = leaf([3.0, 5.0], subject)
    y = v * x
    require(y.requires_grad, "a result of Variable(x, volatile=True) does not require grad", True, False)
    y.sum().backward()
    exact("the gradient beside Variable(x, volatile=True)", x.grad, [1.0, 2.0])
    v.requires_grad_()
    (v * v).sum().backward()
    exact("the gradient of Variable(x, volatile=True).requires_grad_()", v.grad, [2.0, 4.0])
    assert_raises("torch.tensor([1.0], volatile=True)", TypeError, lambda: torch.tensor([1.0], volatile=True))


@check("autograd.volatile-beats-requires-grad")
def test_volatile_and_requires_grad_exclude_each_other(subject: Subject) -> None:
    data = constant([1.0, 2.0], subject)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        both = {"requires_grad": True, "volatile": True}
        assert_raises(
            "Variable(x, requires_grad=True, volatile=True)", ValueError, lambda: torch.autograd.Variable(data, **both)
        )
    x = leaf([1.0, 2.0], subject)
    warned(lambda: setattr(x, "volatile", True))
    require(x.requires_grad, "x.requires_grad after x.volatile = True", True, x.requires_grad)
    exact("the gradient after x.volatile = True", torch.autograd.grad((x * 3).sum(), x)[0], [3.0, 3.0])

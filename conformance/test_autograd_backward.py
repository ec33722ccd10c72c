"""backward: which leaves it fills, and how gradients add up in .grad."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import COMPOSED
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf
from properties.strategies.recipe import LAYOUTS

pytestmark = must_answer
ALL = tuple(LAYOUTS)

# -- leaves ------------------------------------------------------------------------------------------------------------


@check("autograd.backward-fills-all-leaves")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_leaf_that_takes_part_gets_its_gradient(subject: Subject, dtype: str) -> None:
    for layout in ("contiguous", "transposed", "row_stepped", "offset"):
        a, b, c, d = (leaf(np.full((2, 3), k), subject, dtype, layout) for k in (2.0, 3.0, 5.0, 7.0))
        unused, fixed = leaf(np.ones((2, 3)), subject, dtype), constant(np.full((2, 3), 11.0), subject, dtype)
        y = ((a * b + c) * fixed - d * d).sum() + c.sum()
        for x in (a, b, c, d, unused):
            require(x.grad is None, "x.grad before the first backward", None, x.grad)
        out = y.backward()
        require(out is None, "y.backward() returns something", None, out)
        for name, x, wanted in (("a", a, 33.0), ("b", b, 22.0), ("c", c, 12.0), ("d", d, -14.0)):
            exact(f"{name}.grad ({layout})", x.grad, np.full((2, 3), wanted), dtype)
        require(unused.grad is None, "the gradient of a leaf that takes no part", None, unused.grad)
        require(fixed.grad is None, "the gradient of a tensor that requires none", None, fixed.grad)


@check("autograd.backward-fills-all-leaves")
def test_a_model_of_many_layers_gets_all_its_gradients(subject: Subject) -> None:
    weights = [leaf([[1.0, 2.0], [3.0, 4.0]], subject) for _ in range(40)]
    y = constant([[1.0], [0.0]], subject)
    for weight in weights:
        y = weight @ y / 5
    y.sum().backward()
    ahead = np.eye(2)
    forward = [np.array([[1.0], [0.0]])]
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]]) / 5
    for _ in weights:
        forward.append(matrix @ forward[-1])
    for place in reversed(range(len(weights))):
        wanted = (ahead.T @ np.ones((2, 1))) @ forward[place].T / 5
        assert_values(
            f"the gradient of layer {place}", weights[place].grad, wanted, COMPOSED.over(500), np.abs(wanted) + 0.1
        )
        ahead = ahead @ matrix


@check("autograd.shared-leaf")
def test_a_leaf_used_several_times_gets_the_sum(subject: Subject) -> None:
    for layout in ALL:
        values = LAYOUTS[layout](np.arange(6.0).reshape(2, 3), "float64").array
        x = leaf(np.arange(6.0).reshape(2, 3), subject, layout=layout)
        y = x * 2
        (x * x + y + y * x + x.clone() - y).sum().backward()  # 3x² + x
        exact(f"x.grad of a sum of five uses ({layout})", x.grad, 6 * values + 1)
    x = leaf(3.0, subject)
    y = x
    for _ in range(60):
        y = y + x
    y.backward()
    exact("x.grad of x added 61 times", x.grad, 61.0)


@check("autograd.grad-of-the-tensor-itself")
def test_the_gradient_goes_to_the_leaves_and_not_to_the_result(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    y = x * 3
    z = y.sum()
    z.backward()
    exact("x.grad", x.grad, [3.0, 3.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        require(z.grad is None and y.grad is None, "results have a gradient after backward", None, z.grad)
    scalar = leaf(4.0, subject)
    scalar.backward()
    exact("x.grad after x.backward() of a leaf", scalar.grad, 1.0)
    scalar.backward(constant(5.0, subject))
    exact("x.grad after a second x.backward(5) of a leaf", scalar.grad, 6.0)


@check("autograd.nonleaf-grad-freed")
def test_results_keep_no_gradient(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    y = x * 3
    z = y * y
    z.sum().backward()
    for name, tensor in (("y", y), ("z", z)):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            require(tensor.grad is None, f"{name}.grad of a result after backward", None, tensor.grad)
        require(
            any(issubclass(w.category, UserWarning) for w in said),
            f"reading {name}.grad gives no warning",
            "UserWarning",
            said,
        )
    exact("x.grad", x.grad, [18.0, 36.0])


# -- accumulation ------------------------------------------------------------------------------------------------------


@check("autograd.grads-accumulate")
@pytest.mark.parametrize("layout", ALL)
def test_backward_adds_to_what_is_there(subject: Subject, layout: str) -> None:
    for dtype in ("float32", "float64"):
        x = leaf(np.ones((3, 4)), subject, dtype, layout)
        shape, total = (3, 4), 0.0
        for times in (1.0, 2.0, 4.0, -3.0, 8.0):
            (x * times).sum().backward()
            total += times
            exact(f"x.grad after passes that add up to {total} ({layout})", x.grad, np.full(shape, total), dtype)
        y = (x * x).sum()
        for n in (1, 2, 3):
            y.backward(retain_graph=True)
            exact(f"x.grad after {n} passes through one graph", x.grad, np.full(shape, total + 2 * n), dtype)


@check("autograd.grads-accumulate")
def test_a_gradient_that_was_set_is_added_to(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    x.grad = constant([10.0, 20.0], subject)
    (x * 3).sum().backward()
    exact("x.grad that was [10, 20]", x.grad, [13.0, 23.0])
    torch.autograd.backward((x * 2).sum())
    exact("x.grad after autograd.backward besides", x.grad, [15.0, 25.0])
    torch.autograd.grad((x * 7).sum(), x)
    exact("x.grad after autograd.grad besides", x.grad, [15.0, 25.0])


@check("autograd.grad-in-place-accumulation")
def test_accumulation_is_in_place_unless_a_graph_is_made(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    (x * 3).sum().backward()
    first = x.grad
    (x * 4).sum().backward()
    require(x.grad is first, "x.grad is another tensor after a second backward", "the same", "another")
    exact("a reference to x.grad, after a second backward", first, [7.0, 7.0])
    (x * x).sum().backward(create_graph=True)
    exact("x.grad after backward(create_graph=True)", x.grad, [9.0, 11.0])
    exact("the gradient before backward(create_graph=True)", first, [7.0, 7.0])
    x.grad = None


@check("autograd.grad-strides")
def test_a_new_gradient_has_the_strides_of_a_dense_leaf(subject: Subject) -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    for layout in ("contiguous", "transposed", "channels_last"):
        x = leaf(values, subject, layout=layout)
        (x * 2).sum().backward()
        require(
            tuple(x.grad.stride()) == tuple(x.stride()),
            f"the strides of x.grad ({layout})",
            x.stride(),
            x.grad.stride(),
        )
    for layout in ("stepped", "row_stepped"):
        x = leaf(values, subject, layout=layout)
        (x * 2).sum().backward()
        require(
            tuple(x.grad.stride()) == (12, 4, 1),
            f"the strides of x.grad of a leaf with gaps ({layout})",
            (12, 4, 1),
            x.grad.stride(),
        )


@check("autograd.accumulate-until-zeroed")
def test_only_clearing_gives_the_gradient_of_one_pass(subject: Subject) -> None:
    clear: dict[str, Callable[[torch.Tensor], Any]] = {
        "x.grad = None": lambda x: setattr(x, "grad", None),
        "x.grad.zero_()": lambda x: x.grad.zero_(),
        "x.grad.data.zero_()": lambda x: x.grad.data.zero_(),
        "x.grad.fill_(0)": lambda x: x.grad.fill_(0),
        "del x.grad": lambda x: delattr(x, "grad"),
    }
    for name, action in clear.items():
        x = leaf([1.0, 2.0], subject)
        for times, wanted in ((3.0, 3.0), (4.0, 7.0)):
            (x * times).sum().backward()
            exact(f"x.grad without clearing, before {name}", x.grad, [wanted, wanted])
        action(x)
        (x * 5).sum().backward()
        exact(f"x.grad of the pass after {name}", x.grad, [5.0, 5.0])
        for times, wanted in ((6.0, 11.0), (7.0, 18.0)):
            (x * times).sum().backward()
            exact(f"x.grad of more passes after {name}", x.grad, [wanted, wanted])


@check("autograd.manual-zero-grad")
def test_a_gradient_is_cleared_by_hand_once_there_is_one(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    assert_raises("x.grad.data.zero_() before the first backward", AttributeError, lambda: x.grad.data.zero_())
    (x * 3).sum().backward()
    kept = x.grad
    out = x.grad.data.zero_()
    require(x.grad is kept, "x.grad.data.zero_() replaced x.grad", "the same", "another")
    exact("x.grad after x.grad.data.zero_()", x.grad, [0.0, 0.0])
    exact("what x.grad.data.zero_() returns", out, [0.0, 0.0])
    require(not out.requires_grad, "x.grad.data requires grad", False, True)
    x.grad = None
    require(x.grad is None, "x.grad after x.grad = None", None, x.grad)


@check("autograd.grad-assignment")
def test_only_a_tensor_like_the_leaf_can_become_its_gradient(subject: Subject) -> None:
    x = leaf([[1.0, 2.0]], subject, "float32")
    given = constant([[3.0, 4.0]], subject, "float32")
    x.grad = given
    require(x.grad is given, "x.grad after x.grad = g is not g", "g", x.grad)
    wrong: dict[str, Any] = {
        "of another shape": torch.ones(2, 1, device=subject.device),
        "of a shape that broadcasts": torch.ones(2, device=subject.device),
        "of another dtype": torch.ones(1, 2, dtype=torch.float64, device=subject.device),
        "of another size": torch.ones(1, 3, device=subject.device),
        "that is the leaf itself": x,
    }
    for name, bad in wrong.items():
        assert_raises(f"x.grad = a tensor {name}", RuntimeError, lambda bad=bad: setattr(x, "grad", bad))
    for bad in (1.0, [[1.0, 2.0]], "zero", np.ones((1, 2))):
        assert_raises(f"x.grad = {bad!r}", TypeError, lambda bad=bad: setattr(x, "grad", bad))
    require(x.grad is given, "a refused assignment changed x.grad", "g", x.grad)
    exact("x.grad after refused assignments", x.grad, [[3.0, 4.0]], "float32")

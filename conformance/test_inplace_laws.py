"""What holds for in-place methods altogether, and the examples that the notes give."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_values, assert_view, require
from conformance.check import check, must_answer
from conformance.claim import catalogue
from conformance.numerics import COMPOSED
from conformance.oracle import inplace as oracle
from conformance.subject import release
from conformance.tables.inplace import small
from conformance.tables.inplace_calls import flat, gaps, ready
from conformance.tables.inplace_methods import METHODS
from properties.strategies.recipe import DENSE, contiguous, layouts, offset, stepped, transposed
from properties.strategies.values import distinct

pytestmark = must_answer


def in_the_build():
    """The public methods of torch.Tensor whose names end in one underscore."""
    return {name for name in dir(torch.Tensor) if name.endswith("_") and not name.startswith("_")}


def in_the_catalogue():
    """The methods of this release that have a claim."""
    claims = [claim for claim in catalogue().values() if claim.area == "inplace" and claim.exists_in(release())]
    names = {claim.id.partition(".")[2] for claim in claims}
    return {name for name in names if name.endswith("_") and not name.startswith("_")}


def unknown():
    """A row for each method of the build that no claim speaks of."""
    return [
        pytest.param(name, marks=check(f"inplace.{name}", uncovered=True))
        for name in sorted(in_the_build() - in_the_catalogue())
    ]


@pytest.mark.parametrize("name", [pytest.param("those that are known", marks=check("inplace.names")), *unknown()])
def test_every_method_has_a_claim(subject, name):
    require(name not in in_the_build(), f"no check knows how to call Tensor.{name}")
    missing = sorted(in_the_catalogue() - in_the_build())
    require(not missing, f"torch.Tensor has no {', '.join(missing)}", "all of them", missing)
    useless = [name for name in in_the_catalogue() if not callable(getattr(torch.Tensor, name))]
    require(not useless, f"torch.Tensor.{useless and useless[0]} cannot be called")


@check("inplace.every-underscore-function-mutates-caller")
def test_every_method_changes_the_tensor_that_it_is_called_on(subject):
    for method in METHODS:
        for turn in range(5):  # until a value is drawn that the method does not leave as it is
            made = ready(subject, small(method, turn=turn))
            before = host.bits(made.x).tobytes()
            require(made.invoke() is made.x, f"{made.call.text} is not the tensor that it was called on")
            if host.bits(made.x).tobytes() != before:
                break
        else:
            require(method.name == "conj_physical_", f"{method.name} never changes the tensor that it is called on")


@check("inplace.every-underscore-function-mutates-caller")
def test_methods_of_shape_and_flags_change_the_tensor_that_they_are_called_on(subject):
    steps = [
        ("t_", (), lambda x: tuple(x.shape), (3, 1)),
        ("squeeze_", (), lambda x: tuple(x.shape), (3,)),
        ("unsqueeze_", (0,), lambda x: tuple(x.shape), (1, 3)),
        ("transpose_", (0, 1), lambda x: tuple(x.shape), (3, 1)),
        ("resize_", (3, 2), lambda x: tuple(x.shape), (3, 2)),
        ("as_strided_", ((2,), (2,)), lambda x: tuple(x.stride()), (2,)),
        ("requires_grad_", (), lambda x: x.requires_grad, True),
        ("detach_", (), lambda x: x.requires_grad, False),
    ]
    x = host.tensor(np.ones((1, 3)), "float32", subject.device)  # no view of anything: those cannot be detached
    for name, args, fact, expected in steps:
        require(getattr(x, name)(*args) is x, f"{name} is not the tensor that it was called on")
        require(fact(x) == expected, f"after {name}{args}, the tensor has {fact(x)}", expected, fact(x))


def pair(subject, layout=contiguous):
    """x, y and their values."""
    x, y = layout(distinct("float32", (4, 5)), "float32"), transposed(-3 * distinct("float32", (4, 5)), "float32")
    return x.on(subject), y.on(subject), x.array, y.array


@check("inplace.underscore-mutates-self")
def test_add_underscore_changes_self(subject):
    for layout in (*DENSE.values(),):
        x, y, a, b = pair(subject, layout)
        place, before, view = x.data_ptr(), Unchanged(y=y), x[1:]
        out = x.add_(y)
        require(out is x and x.data_ptr() == place, "x.add_(y) is not x, or x has moved")
        assert_values("x after x.add_(y)", x, a + b, dtype="float32")
        assert_values("x[1:], taken before x.add_(y)", view, (a + b)[1:], dtype="float32")
        before.check("x.add_(y)")


@check("inplace.y-add-x-changes-y")
def test_y_add_x_changes_y(subject):
    for layout in (*DENSE.values(),):
        x, y, a, b = pair(subject, layout)
        before, place = Unchanged(x=x), y.data_ptr()
        require(y.add_(x) is y and y.data_ptr() == place, "y.add_(x) is not y, or y has moved")
        assert_values("y after y.add_(x)", y, a + b, dtype="float32")
        before.check("y.add_(x)")


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(claim, marks=check(f"inplace.{claim}"))
        for claim in ("add-leaves-self", "add-given-as-inplace-example")
    ],
)
def test_add_leaves_both_operands(subject, claim):
    for layout in (*DENSE.values(),):
        x, y, a, b = pair(subject, layout)
        for call, form in (
            ("x.add(y)", lambda: x.add(y)),
            ("x + y", lambda: x + y),
            ("torch.add(x, y)", lambda: torch.add(x, y)),
        ):
            before = Unchanged(x=x, y=y)
            out = form()
            require(out is not x and out is not y, f"{call} is one of its operands", "a new tensor", "an operand")
            assert_values(call, out, a + b, dtype="float32")
            assert_apart(call, out, x)
            before.check(call)
        if claim == "add-given-as-inplace-example":
            require(x.add_(y) is x, "x.add_(y) is not x")
            assert_values("x after x.add_(y)", x, a + b, dtype="float32")


@check("inplace.t-leaves-self")
def test_t_makes_a_view_and_leaves_self(subject):
    for recipe in layouts(distinct("float32", (4, 5)), "float32"):
        x = recipe.on(subject)
        before = Unchanged(x=x)
        out = x.t()
        require(out is not x, "x.t() is x itself")
        before.check("x.t()")
        assert_values("x.t()", out, recipe.array.T, dtype="float32")
        assert_view("x.t()", out, x, 0, recipe.strides[::-1])
        out.copy_(contiguous(-recipe.array.T, "float32").on(subject))
        assert_values("x after x.t().copy_(…)", x, -recipe.array, dtype="float32")
    line = contiguous(np.arange(3.0), "float32").on(subject)
    assert_values("t() of one dimension", line.t(), np.arange(3.0), dtype="float32")


@check("inplace.t-underscore-transposes-self")
def test_t_underscore_transposes_self(subject):
    for shape in ((2, 3), (1, 7), (33, 5), (0, 4)):
        for recipe in layouts(distinct("float32", shape), "float32"):
            base = flat(subject, recipe)
            x = base.as_strided(recipe.shape, recipe.strides, recipe.offset)
            place, before = x.data_ptr(), host.bits(base).tobytes()
            require(x.t_() is x, "x.t_() is not x")
            assert_values(f"{recipe!r} after t_", x, recipe.array.T, dtype="float32")
            require(tuple(x.stride()) == recipe.strides[::-1] and x.data_ptr() == place, "t_ moved elements, or x")
            require(host.bits(base).tobytes() == before, "t_ changed elements in memory")


ACTIVATIONS = (
    ("relu_", (), partial(oracle.threshold, threshold=0, value=0)),
    ("elu_", (), oracle.elu),
    ("elu_", (2.0,), oracle.elu),
    ("celu_", (), oracle.celu),
    ("celu_", (2.0,), oracle.celu),
    ("selu_", (), oracle.selu),
    ("hardtanh_", (), oracle.hardtanh),
    ("hardtanh_", (-0.25, 2.0), oracle.hardtanh),
    ("leaky_relu_", (), oracle.leaky_relu),
    ("leaky_relu_", (0.25,), oracle.leaky_relu),
    ("rrelu_", (0.25, 0.5), oracle.rrelu),
    ("threshold_", (0.5, 20.0), oracle.threshold),
)


@pytest.mark.parametrize("name", sorted({row[0] for row in ACTIVATIONS}))
@check("inplace.activations")
def test_activations_with_an_underscore_change_their_argument(subject, name):
    homes = (functional, torch) if name in ("celu_", "selu_", "relu_", "rrelu_", "threshold_") else (functional,)
    values = np.resize([-2, -0.5, 0, 0.25, 0.75, 3, -1, 100], (5, 9))
    for args, expected in (
        (row[1], row[2](values.astype(np.float32), *row[1])) for row in ACTIVATIONS if row[0] == name
    ):
        for home in homes:
            for recipe in layouts(values, "float32"):
                base = flat(subject, recipe)
                x, before = base.as_strided(recipe.shape, recipe.strides, recipe.offset), host.bits(base)
                call = f"{home.__name__}.{name}({recipe!r}, {args})"
                require(getattr(home, name)(x, *args) is x, f"{call} is not its argument")
                assert_values(call, x, expected, COMPOSED, dtype="float32")
                free = gaps(recipe.shape, recipe.strides, recipe.offset, len(recipe.buffer))
                require((host.bits(base)[free] == before[free]).all(), f"{call} wrote between or around the elements")


@check("inplace.dropouts")
def test_dropouts_with_an_underscore_change_their_argument(subject):
    for name in ("dropout_", "alpha_dropout_", "feature_dropout_", "feature_alpha_dropout_"):
        for layout in (contiguous, stepped, transposed, offset):
            recipe = layout(distinct("float32", (20, 50)), "float32")
            x = recipe.on(subject)
            require(getattr(torch, name)(x, 0.5, False) is x, f"torch.{name} outside of training is not its argument")
            assert_values(f"torch.{name}(x, 0.5, False)", x, recipe.array, dtype="float32")
            require(getattr(torch, name)(x, 0.25, True) is x, f"torch.{name} in training is not its argument")
            require((host.array(x) != recipe.array).any(), f"torch.{name}(x, 0.25, True) leaves x as it was")
    x = contiguous(np.full((100, 100), 3), "float64").on(subject)
    kept = host.array(torch.dropout_(x, 0.25, True))
    require(
        np.isin(kept, (0, 4)).all(),
        "torch.dropout_ of threes with p = 0.25 gives other numbers than 0 and 4",
        (0, 4),
        kept,
    )


@check("inplace.inference-tensors")
def test_inference_tensors_are_refused_outside_of_inference_mode(subject):
    with torch.inference_mode():
        x = contiguous(np.arange(6.0), "float32").on(subject)
        require(x.add_(1) is x, "add_ of an inference tensor in inference mode is another tensor")
    for call in ("add_(1)", "mul_(2)", "zero_()", "copy_(y)", "t_()", "exp_()", "normal_()", "index_fill_(0, i, 1)"):
        given = {"x": x, "y": x.clone(), "i": contiguous([0], "int64").on(subject)}
        assert_raises(f"{call} of an inference tensor", RuntimeError, lambda: eval(f"x.{call}", given))
    with torch.inference_mode():
        assert_values(
            "an inference tensor after fill_(2) and mul_(3)", x.fill_(2).mul_(3), np.full(6, 6), dtype="float32"
        )


@check("inplace.mutation-without-underscore")
def test_some_calls_without_an_underscore_change_tensors(subject):
    weight = contiguous(np.arange(1.0, 4.0), "float32").with_grad().on(subject)
    (weight * 2).sum().backward()
    gradient = weight.grad
    (weight * 3).sum().backward()
    require(weight.grad is gradient, "backward() replaced .grad, but should add to it in place")
    assert_values("weight.grad after two backward()", gradient, np.full(3, 5), dtype="float32")
    module = torch.nn.Linear(2, 3).to(subject.device)
    require(module.to(torch.float64) is module and module.weight.dtype is torch.float64, "module.to is not the module")

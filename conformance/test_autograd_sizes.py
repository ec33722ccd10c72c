"""Derivatives where size, broadcasting or precision takes another way through a kernel."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch

from conformance import host
from conformance.check import check, must_answer
from conformance.oracle import autograd as oracle
from conformance.oracle import autograd_elementwise, autograd_reductions
from conformance.oracle.autograd import Derivative, Gradient
from conformance.subject import Subject
from conformance.tables.gradients import assert_gradient, built, evaluate, exact, leaves, present, vectors
from properties.strategies.recipe import contiguous, row_stepped, transposed

pytestmark = must_answer

SINGLE = [row for row in autograd_elementwise.ROWS if len(row.inputs) == 1]
SEVERAL = [row for row in autograd_elementwise.ROWS if len(row.inputs) > 1]
LONG = 33_000  # more than 32,768: kernels split the work among threads
# Functions that every release has in reduced precision on the CPU.
REDUCED = (
    "neg",
    "exp",
    "sin",
    "tanh",
    "sigmoid",
    "sqrt",
    "abs",
    "relu",
    "scaled",
    "square",
    "add",
    "sub",
    "mul",
    "div",
    "lerp",
)


@functools.cache
def slopes(row: Derivative) -> np.ndarray:
    """The derivative of a function of one element, at each of the row's inputs."""
    return oracle.slopes_of(row)[0][0][1][0]


def judge(
    row: Derivative, subject: Subject, values: np.ndarray, slope: np.ndarray, dtype: str, layout=contiguous
) -> None:
    """Refute unless the gradient of one input of some shape is v times the slope."""
    x = built(layout(values, dtype), subject).requires_grad_()
    out = evaluate(row.forms[0], [x])[0]
    v = np.resize(np.array([1.0, -2.0, 0.5, 3.0, -0.25]), values.shape)
    found = torch.autograd.grad(out, x, built(layout(v, host.dtype_name(out.dtype)), subject))[0]
    wanted = Gradient(v * slope, np.abs(v * slope))
    assert_gradient(
        f"the gradient of {row.forms[0]} for x of shape {values.shape} ({dtype})", found, wanted, dtype, row.terms
    )


@check("autograd.derivative-of-any-size")
@pytest.mark.parametrize("size", ["scalar", "one", "empty", "long"])
def test_every_size_has_the_same_derivative(subject: Subject, size: str) -> None:
    for row in present(SINGLE):
        values, slope = row.inputs[0], slopes(row)
        parts = {
            "scalar": (values[0, 0], slope[0, 0]),
            "one": (values[:1, :1], slope[:1, :1]),
            "empty": (values[:0], slope[:0]),
            "long": (np.resize(values, LONG), np.resize(slope, LONG).astype(np.float64)),
        }
        given, wanted = (np.asarray(part) for part in parts[size])
        for dtype in ("float32",) if size == "long" else ("float32", "float64"):
            judge(row, subject, given, wanted, dtype)


@check("autograd.derivative-of-any-size")
def test_long_sums_and_products_of_ones(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for shape in ((LONG,), (165, 200), (8, 4125)):
            x = built(contiguous(np.ones(shape), dtype), subject).requires_grad_()
            for name, out, wanted in (
                ("sum", x.sum(), 1.0),
                ("mean", x.mean(), 1.0 / LONG),
                ("prod", x.prod(), 1.0),
                ("sum(0)", x.sum(0).sum(), 1.0),
                ("sum(-1)", x.sum(-1).sum(), 1.0),
                ("cumsum", x.flatten().cumsum(0)[-1], 1.0),
                ("norm", x.norm(), LONG**-0.5),
                ("amax", x.amax(), 1.0 / LONG),
            ):
                found = torch.autograd.grad(out, x)[0]
                gradient = Gradient(np.full(shape, wanted), np.full(shape, wanted))
                assert_gradient(f"the gradient of x.{name} of {shape} ones ({dtype})", found, gradient, dtype)


def broadcast_variants(row: Derivative) -> list[Derivative]:
    """The row with one input squashed to a row, a column or a single element, or all but one."""
    found = []
    for which, x in enumerate(row.inputs):
        for small in (x[:1], x[0], x[:, :1], x[:1, :1], x[0, 0]):
            inputs = list(row.inputs)
            inputs[which] = np.asarray(small)
            found.append(replace(row, inputs=tuple(inputs)))
    return found


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in SEVERAL])
@check("autograd.derivative-broadcast")
def test_a_broadcast_input_gets_the_sum(subject: Subject, row: Derivative) -> None:
    for variant in broadcast_variants(row):
        squashed = tuple(np.shape(variant.inputs[0])) != (3, 11)
        wanted = oracle.pullback(variant, oracle.vectors(variant))
        for form in [form for form in row.forms if not (squashed and "_(" in form)][:2]:
            for layout in (contiguous, transposed):
                tensors = leaves(variant, "float64", subject, layout)
                outs = evaluate(form, tensors)
                found = torch.autograd.grad(outs, tensors, vectors(variant, outs, subject, layout))
                for place, (gradient, expected) in enumerate(zip(found, wanted, strict=True)):
                    shape = np.shape(variant.inputs[place])
                    call = f"the gradient of {form} for {'xyz'[place]} of shape {shape} ({layout.__name__})"
                    assert_gradient(call, gradient, expected, "float64", row.terms * 4)


PAIRS = [
    ((), (3,)), ((1,), (4, 1)), ((3, 1), (1, 4)), ((2, 1, 3, 1), (4, 1, 5)), ((1, 1, 1), (2, 3, 4)), ((5,), (2, 3, 5)),
    ((0, 1), (1, 3)), ((1, 3), (2, 3)), ((1, 17), (33, 1)), ((2, 1, 1, 2), (1, 3, 3, 1)), ((1, 1), (1, 1)),
]  # fmt: skip
BROADCASTS = {
    "x + y": lambda x, y: (1.0, 1.0),
    "x - y": lambda x, y: (1.0, -1.0),
    "x * y": lambda x, y: (y, x),
    "torch.where(torch.ones_like(x * y) > 0, x, y)": lambda x, y: (1.0, 0.0),
    "torch.addcmul(x, y, y, value=0.5)": lambda x, y: (1.0, y),
    "torch.lerp(x, y, 0.25)": lambda x, y: (0.75, 0.25),
    "torch.add(x, y, alpha=4)": lambda x, y: (1.0, 4.0),
    "x.expand_as(x * y) * y": lambda x, y: (y, x),
}


@check("autograd.broadcast-reduced")
@pytest.mark.parametrize("code", BROADCASTS)
def test_several_broadcast_dimensions_are_summed(subject: Subject, code: str) -> None:
    for shapes in [*PAIRS, *(pair[::-1] for pair in PAIRS)]:
        arrays = [np.resize([1.0, -2.0, 3.0, 0.5, -4.0], shape) for shape in shapes]
        v = np.resize([2.0, 1.0, -3.0, 4.0], np.broadcast_shapes(*shapes))
        for dtype, layout in (("float64", contiguous), ("float32", row_stepped)):
            tensors = [built(layout(x, dtype), subject).requires_grad_() for x in arrays]
            out = evaluate(code, tensors)[0]
            found = torch.autograd.grad(out, tensors, built(layout(v, dtype), subject), allow_unused=True)
            for name, gradient, x, slope in zip("xy", found, arrays, BROADCASTS[code](*arrays), strict=True):
                call = f"the gradient of {code} for {name}, of shapes {shapes[0]} and {shapes[1]}"
                exact(call, gradient, oracle.unbroadcast(v * slope, x.shape), dtype)


@check("autograd.derivative-expanded")
def test_an_expanded_input_gets_the_sum(subject: Subject) -> None:
    for row in present([*SINGLE, *autograd_reductions.SUMS[:6]]):
        if not row.pointwise or row.inputs[0].shape[0] < 2:
            continue
        values, slope = row.inputs[0][:1], slopes(row)[:1]
        count = values.shape[1]
        v = np.resize(np.array([1.0, -2.0, 0.5, 3.0, -0.25]), (5, count))
        for layout in (contiguous, row_stepped):
            x = built(layout(values, "float64"), subject).requires_grad_()
            out = evaluate(row.forms[0], [x.expand(5, count)])[0]
            found = torch.autograd.grad(out, x, built(contiguous(v, "float64"), subject))[0]
            wanted = Gradient((v * slope).sum(0, keepdims=True), np.abs(v * slope).sum(0, keepdims=True))
            assert_gradient(
                f"the gradient of {row.forms[0]} through x.expand(5, {count})", found, wanted, "float64", row.terms * 4
            )


@pytest.mark.parametrize(
    "dtype",
    [
        pytest.param("bfloat16", marks=check("autograd.derivative-reduced-precision")),
        pytest.param("float16", marks=check("autograd.derivative-reduced-precision", since="2.6")),
    ],
)
def test_reduced_precision_has_the_same_derivatives(subject: Subject, dtype: str) -> None:
    subject.require(dtype)
    for row in autograd_elementwise.ROWS:
        if row.name in REDUCED:
            judge_reduced(subject, row, dtype)


def judge_reduced(subject: Subject, row: Derivative, dtype: str) -> None:
    """At inputs with few bits, so that only the function and its derivative round."""
    near = replace(row, inputs=tuple(np.round(x * 8) / 8 + (x == 0) for x in row.inputs))
    near = replace(near, inputs=tuple(np.where(x == 0, 0.5, x) for x in near.inputs))
    v = (np.round(oracle.vectors(near)[0] * 4) / 4,)
    wanted = oracle.pullback(near, v)
    for layout in (contiguous, row_stepped):
        tensors = [built(layout(x, dtype), subject).requires_grad_() for x in near.inputs]
        outs = evaluate(row.forms[0], tensors)
        found = torch.autograd.grad(outs, tensors, [built(layout(v[0], dtype), subject)])
        for place, (gradient, expected) in enumerate(zip(found, wanted, strict=True)):
            assert_gradient(
                f"the gradient of {row.forms[0]} for {'xyz'[place]} ({dtype})", gradient, expected, dtype, 12
            )

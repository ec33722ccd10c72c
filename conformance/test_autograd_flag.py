"""requires_grad: where it begins, what carries it, what does not, and what a tensor has for it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import (
    autograd_complex,
    autograd_elementwise,
    autograd_layers,
    autograd_linalg,
    autograd_reductions,
    autograd_shapes,
)
from conformance.subject import Subject
from conformance.tables.autograd_flag_rows import FACTORIES, MIXED, UNTRACKED
from conformance.tables.gradients import evaluate, leaves, present, version
from properties.strategies.recipe import LAYOUTS, contiguous

pytestmark = must_answer

TABLES = (
    autograd_elementwise,
    autograd_reductions,
    autograd_shapes,
    autograd_linalg,
    autograd_layers,
    autograd_complex,
)


def made(code: str, keywords: str, subject: Subject) -> torch.Tensor:
    x = contiguous(np.arange(4.0).reshape(2, 2), "float32").on(subject).requires_grad_()
    where = "" if code.startswith("x.") or "_like" in code else f", device={subject.device!r}"
    return eval(code.format(where + keywords), {"torch": torch, "x": x})


@check("autograd.requires-grad-default-false")
def test_what_a_user_makes_does_not_require_grad(subject: Subject) -> None:
    for code in FACTORIES:
        require(made(code, "", subject).requires_grad is False, f"{code.format('')} requires grad", False, True)
        kept = made(code, ", requires_grad=False", subject)
        require(kept.requires_grad is False, f"{code.format(', requires_grad=False')} requires grad", False, True)
    given = {"torch": torch, "np": np, "x": torch.ones(2, device=subject.device, requires_grad=True)}
    for code in (
        "torch.from_numpy(np.ones(2))",
        "torch.as_tensor(np.ones(2))",
        "torch.randint(3, (2,))",
        "torch.Tensor([1.0])",
        "torch.randperm(3)",
        "torch.FloatTensor(2)",
        "torch.tensor(x)",
        "x.detach().clone()",
    ):
        require(not eval(code, given).requires_grad, f"{code} requires grad", False, True)


@check("autograd.requires-grad-default-false")
def test_a_parameter_requires_grad(subject: Subject) -> None:
    value = torch.ones(2, 2, device=subject.device)
    parameter = torch.nn.Parameter(value)
    require(parameter.requires_grad is True, "nn.Parameter(x).requires_grad", True, parameter.requires_grad)
    require(parameter.is_leaf and parameter.grad_fn is None, "nn.Parameter(x) is no leaf", True, False)
    require(not torch.nn.Parameter(value, requires_grad=False).requires_grad, "nn.Parameter(x, False) requires grad")
    require(not value.requires_grad, "nn.Parameter(x) changed x.requires_grad", False, True)
    for name, weight in torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3)).named_parameters():
        require(weight.requires_grad is True, f"the parameter {name} does not require grad", True, False)


@check("autograd.requires-grad-at-creation")
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "complex64"])
def test_the_keyword_makes_a_leaf_that_requires_grad(subject: Subject, dtype: str) -> None:
    subject.require(dtype)
    codes = FACTORIES if dtype in ("float32", "float64") else FACTORIES[:5]
    for code in codes:
        x = made(code, f", dtype=torch.{dtype}, requires_grad=True", subject)
        call = code.format(f", dtype=torch.{dtype}, requires_grad=True")
        require(x.requires_grad is True, f"{call} does not require grad", True, False)
        require(x.is_leaf and x.grad_fn is None and x.grad is None, f"{call} is no leaf without gradient", True, False)
        (x * 2).sum().real.backward()
        assert_values(f"x.grad of x = {call}", x.grad, np.full(tuple(x.shape), 2.0), dtype=dtype)


@check("autograd.requires-grad-in-place")
def test_the_flag_is_switched_in_place(subject: Subject) -> None:
    for layout in LAYOUTS.values():
        x = layout(np.arange(6.0).reshape(2, 3), "float32").on(subject)
        before = (version(x), x.data_ptr(), tuple(x.stride()))
        for call, value in (
            ("x.requires_grad_()", True),
            ("x.requires_grad_(False)", False),
            ("x.requires_grad_(True)", True),
            ("x.requires_grad_(requires_grad=False)", False),
        ):
            out = eval(call, {"x": x})
            require(out is x, f"{call} does not return x itself", "x", out)
            require(x.requires_grad is value, f"x.requires_grad after {call}", value, x.requires_grad)
        x.requires_grad = True
        require(x.requires_grad is True, "x.requires_grad after x.requires_grad = True", True, x.requires_grad)
        require((version(x), x.data_ptr(), tuple(x.stride())) == before, "x.requires_grad_() changed x")
        (x * x).sum().backward()
        assert_values(
            "x.grad of x * x", x.grad, 2 * layout(np.arange(6.0).reshape(2, 3), "float32").array, dtype="float32"
        )


@check("autograd.flag-only-for-inexact")
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64"])
def test_integers_cannot_require_grad(subject: Subject, dtype: str) -> None:
    x = contiguous(np.array([1, 0]), dtype).on(subject)
    kind = getattr(torch, dtype)
    assert_raises(f"x.requires_grad_() of {dtype}", RuntimeError, lambda: x.requires_grad_())
    assert_raises(f"x.requires_grad = True of {dtype}", RuntimeError, lambda: setattr(x, "requires_grad", True))
    for name in ("ones", "zeros", "empty"):
        call = f"torch.{name}(2, dtype=torch.{dtype}, requires_grad=True)"
        assert_raises(call, RuntimeError, lambda name=name: getattr(torch, name)(2, dtype=kind, requires_grad=True))
    assert_raises(f"nn.Parameter of {dtype}", RuntimeError, lambda: torch.nn.Parameter(x))
    require(x.requires_grad is False, f"a refused {dtype} tensor requires grad", False, True)
    require(x.requires_grad_(False) is x, "x.requires_grad_(False) is refused", "x", None)


@check("autograd.flag-of-results-stays")
def test_the_flag_of_a_result_cannot_be_taken_off(subject: Subject) -> None:
    x = torch.ones(2, device=subject.device, requires_grad=True)
    y = x * 2
    assert_raises("y.requires_grad_(False) of a result", RuntimeError, lambda: y.requires_grad_(False))
    assert_raises("y.requires_grad = False of a result", RuntimeError, lambda: setattr(y, "requires_grad", False))
    require(y.requires_grad and y.grad_fn is not None, "a refused change of y.requires_grad changed y", True, False)
    require(y.requires_grad_() is y and not y.is_leaf, "y.requires_grad_() of a result made it a leaf", False, True)


@check("autograd.requires-grad-propagates")
def test_one_input_is_enough(subject: Subject) -> None:
    for dtype, flags in itertools.product(("float32", "float64"), itertools.product((False, True), repeat=3)):
        tensors = [contiguous(np.eye(3) + k, dtype).on(subject).requires_grad_(flag) for k, flag in enumerate(flags)]
        for code in MIXED:
            for out in evaluate(code, tensors):
                shown = ", ".join(f"{name}={flag}" for name, flag in zip("xyz", flags, strict=True))
                require(
                    out.requires_grad is any(flags),
                    f"({code}).requires_grad for {shown}",
                    any(flags),
                    out.requires_grad,
                )
                require(
                    (out.grad_fn is not None) is any(flags), f"({code}).grad_fn for {shown}", any(flags), out.grad_fn
                )


@check("autograd.no-input-requires-grad")
def test_without_such_inputs_results_do_not_require_grad(subject: Subject) -> None:
    for table in TABLES:
        for row in present(table.ROWS):
            tensors = [x.detach() for x in leaves(row, "float32", subject)]
            for out in evaluate(row.forms[0], tensors):
                require(not out.requires_grad, f"({row.forms[0]}).requires_grad without such inputs", False, True)
                require(out.grad_fn is None and out.is_leaf, f"({row.forms[0]}) is no leaf without such inputs")


@check("autograd.tracking-starts-with-requires-grad")
def test_every_differentiable_function_is_tracked(subject: Subject) -> None:
    for table in TABLES:
        for row in present(table.ROWS):
            for which in range(len(row.inputs)):
                tensors = [x.detach() for x in leaves(row, "float64", subject)]
                tensors[which].requires_grad_()
                outs = evaluate(row.forms[-1], tensors)
                tracked = any(out.requires_grad and out.grad_fn is not None and not out.is_leaf for out in outs)
                require(
                    tracked, f"({row.forms[-1]}) is not tracked where only {'xyz'[which]} requires grad", True, False
                )


@check("autograd.integer-results-carry-nothing")
def test_integers_comparisons_and_copies_do_not_require_grad(subject: Subject) -> None:
    for layout in LAYOUTS.values():
        x, y = (layout(np.arange(6.0).reshape(2, 3) + k, "float32").on(subject).requires_grad_() for k in (0, 1))
        for code in UNTRACKED:
            out = eval(code, {"torch": torch, "x": x, "y": y})
            require(not out.requires_grad, f"({code}).requires_grad", False, True)
            require(out.grad_fn is None and out.is_leaf, f"({code}) has a grad_fn", None, out.grad_fn)


@check("autograd.earlier-results-unaffected")
def test_results_made_before_keep_their_flag(subject: Subject) -> None:
    x = torch.ones(3, device=subject.device)
    before = [x * 2, x.exp(), x.sum(), x[[0, 2]], x.clone(), torch.cat([x, x])]
    x.requires_grad_()
    after = [x * 2, x.exp(), x.sum(), x[[0, 2]], x.clone(), torch.cat([x, x])]
    for n, (old, new) in enumerate(zip(before, after, strict=True)):
        require(
            not old.requires_grad and old.grad_fn is None, f"result {n}, made before x.requires_grad_(), requires grad"
        )
        require(new.requires_grad, f"result {n}, made after x.requires_grad_(), does not require grad", True, False)
    x.requires_grad_(False)
    require(not (x * 2).requires_grad, "x * 2 after x.requires_grad_(False) requires grad", False, True)
    require(after[0].requires_grad, "x.requires_grad_(False) changed a result made before", True, False)

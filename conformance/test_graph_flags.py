"""Which results are tracked, and which are leaves: over dtypes, shapes, layouts, operands and ways to make a tensor."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.subject import Subject
from properties.strategies.recipe import LAYOUTS, Recipe
from properties.strategies.values import distinct

pytestmark = must_answer

INEXACT = tuple(name for name in COMMON if DTYPES[name].is_inexact)
SHAPES = ((3, 4), (), (0,), (1,), (33,), (2, 3, 4), (17, 3))

# Of one tensor: the result of each is tracked if x requires grad.
UNARY = (
    "x * 2", "2 * x", "x + 1", "1 - x", "-x", "x / 3", "x ** 2", "x.clone()", "x.sum()", "x.reshape(-1)", "x[...]",
    "x.view(x.shape)", "x.unsqueeze(0)", "x.flatten() * 1", "x.mean()", "x.to(torch.complex128) + 0", "x.abs()",
    "x.expand(2, *x.shape)", "torch.stack([x, x])", "torch.zeros_like(x) + x", "x.clone().mul_(2)", "x.square()",
    "x.contiguous() + 0",
)  # fmt: skip
# Of three: each result is tracked if any of them requires grad.
OPERANDS = (
    "x + y + z", "x * y - z", "torch.stack([x, y, z])", "torch.addcmul(x, y, z)", "torch.addcdiv(x, y, z)",
    "torch.where(mask, x, y) + z", "x.clone().add_(y).mul_(z)", "torch.lerp(x, y, z)", "torch.cat([x, y, z])",
    "x.clone().copy_(y) * z + x",
)  # fmt: skip
NEVER = (
    "x > y", "x == y", "x.argmax()", "x.isnan()", "x.detach() * 2", "x.data + 1", "torch.zeros_like(x)", "x.long()",
    "x.bool()",
)  # fmt: skip


def recipes(dtype: str) -> Iterator[Recipe]:
    for turn, shape in enumerate(SHAPES):
        for layout in (list(LAYOUTS)[turn % len(LAYOUTS)], list(LAYOUTS)[(turn + 2) % len(LAYOUTS)]):
            yield LAYOUTS[layout](distinct(dtype, shape), dtype)


@pytest.mark.parametrize("dtype", [pytest.param(name, marks=check("graph.result-has-grad-fn")) for name in INEXACT])
def test_a_result_of_any_dtype_shape_and_layout_is_tracked(subject: Subject, dtype: str) -> None:
    for recipe in recipes(dtype):
        x = recipe.with_grad().on(subject)
        for code in UNARY:
            out = eval(code, {"torch": torch, "x": x})
            said = f"({code}).grad_fn, x of {dtype}, shape {recipe.shape}, strides {recipe.strides}"
            require(out.requires_grad and not out.is_leaf and out.grad_fn is not None, said, "a node", out.grad_fn)
            require(len(out.grad_fn.next_functions) > 0, f"{said}.next_functions", "edges", ())
        with torch.no_grad():
            out = x * 2
        require(out.grad_fn is None and not out.requires_grad, "(x * 2).grad_fn under no_grad", None, out.grad_fn)


@check("graph.result-has-grad-fn")
def test_one_operand_that_requires_grad_is_enough(subject: Subject) -> None:
    mask = torch.tensor([True, False, True], device=subject.device)
    for flags in itertools.product((False, True), repeat=3):
        for code in OPERANDS:
            x, y, z = (
                LAYOUTS["stepped"](np.array([1.0, 2.0, 3.0]) + n, "float32").with_grad(flag).on(subject)
                for n, flag in enumerate(flags)
            )
            out = eval(code, {"torch": torch, "x": x, "y": y, "z": z, "mask": mask})
            wanted, said = any(flags), f"({code}), where x, y and z require grad: {flags}"
            require(out.requires_grad is wanted, f"{said}, requires grad", wanted, out.requires_grad)
            require((out.grad_fn is not None) is wanted, f"{said}, grad_fn", wanted, out.grad_fn)
            require(out.is_leaf is not wanted, f"{said}, is_leaf", not wanted, out.is_leaf)


@check("graph.result-has-grad-fn")
def test_what_has_no_derivative_is_not_tracked(subject: Subject) -> None:
    for shape in ((3, 4), (1,), (33,)):
        x, y = (LAYOUTS["transposed"](distinct("float64", shape), "float64").with_grad().on(subject) for _ in range(2))
        for code in NEVER:
            out = eval(code, {"torch": torch, "x": x, "y": y})
            found = (out.requires_grad, out.is_leaf, out.grad_fn)
            require(
                found == (False, True, None), f"requires_grad, is_leaf, grad_fn of {code}", (False, True, None), found
            )


# Ways for a user to make a tensor that requires grad.
WISH = "requires_grad=True"
MADE = (
    f"torch.tensor([1.0, 2.0], {WISH})", f"torch.tensor(1.0, {WISH})", f"torch.ones(33, {WISH})",
    f"torch.zeros(2, 3, {WISH})", f"torch.empty(2, {WISH})", f"torch.full((2,), 7.0, {WISH})", f"torch.rand(2, {WISH})",
    f"torch.randn(2, 3, {WISH})", f"torch.eye(3, {WISH})", f"torch.arange(3.0, {WISH})",
    f"torch.linspace(0, 1, 5, {WISH})", f"torch.ones(2, 3, dtype=torch.float64, {WISH})",
    f"torch.ones(2, dtype=torch.complex64, {WISH})", f"torch.ones_like(plain, {WISH})", f"plain.new_zeros(2, {WISH})",
    "plain.clone().requires_grad_()", "plain.t().requires_grad_()", "plain[::2].detach().requires_grad_()",
    "torch.nn.Parameter(plain.t())", "torch.nn.Linear(3, 2).weight", "torch.nn.Linear(3, 2).bias",
    "torch.nn.BatchNorm1d(3).weight", "torch.nn.Embedding(3, 2).weight", "(plain * 2).requires_grad_()",
    "torch.from_numpy(plain.numpy()).requires_grad_()", "torch.as_tensor([1.0]).requires_grad_()",
)  # fmt: skip


@check("graph.leaf-grad-fn-none")
def test_whatever_a_user_makes_is_a_leaf_and_gets_a_gradient(subject: Subject) -> None:
    for code in MADE:
        x = eval(code, {"torch": torch, "plain": torch.ones(4, 3)})
        found = (x.requires_grad, x.is_leaf, x.grad_fn, x.grad)
        require(found == (True, True, None, None), f"requires_grad, is_leaf, grad_fn, grad of {code}", "a leaf", found)
        y = x * 3
        require(
            y.grad_fn.next_functions[0][0].variable is x, f"the leaf behind {code} * 3", "the tensor itself", "another"
        )
        y.backward(torch.ones_like(y))
        assert_values(f"x.grad of {code}", x.grad, np.full(tuple(x.shape), 3.0))
        same = (x.requires_grad, x.is_leaf, x.grad_fn)
        require(same == (True, True, None), f"requires_grad, is_leaf, grad_fn of {code} after backward", "a leaf", same)

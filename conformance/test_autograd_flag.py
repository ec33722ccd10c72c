"""requires_grad: where it begins, what carries it, what does not, and what a tensor has for it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.gradients import evaluate, leaves, present
from conformance.oracle import (
    autograd_complex,
    autograd_elementwise,
    autograd_layers,
    autograd_linalg,
    autograd_reductions,
    autograd_shapes,
)
from conformance.subject import Subject
from properties.strategies.recipe import LAYOUTS, contiguous

pytestmark = must_answer

TABLES = (
    autograd_elementwise, autograd_reductions, autograd_shapes, autograd_linalg, autograd_layers, autograd_complex
)  # fmt: skip

# Calls that make a tensor; {} is where keywords go. `x` is a float tensor that requires grad.
FACTORIES = [
    "torch.tensor([1.0, 2.0]{})",
    "torch.zeros(2, 2{})",
    "torch.ones(2, 2{})",
    "torch.empty(2, 2{})",
    "torch.full((2,), 3.0{})",
    "torch.arange(0.0, 3.0{})",
    "torch.linspace(0, 1, 3{})",
    "torch.logspace(0, 1, 3{})",
    "torch.eye(2{})",
    "torch.rand(2{})",
    "torch.randn(2{})",
    "torch.empty_strided((2, 2), (2, 1){})",
    "torch.zeros_like(x{})",
    "torch.ones_like(x{})",
    "torch.empty_like(x{})",
    "torch.full_like(x, 2.0{})",
    "torch.rand_like(x{})",
    "torch.randn_like(x{})",
    "x.new_zeros(2{})",
    "x.new_ones(2{})",
    "x.new_empty(2{})",
    "x.new_full((2,), 1.0{})",
    "x.new_tensor([1.0]{})",
]
# Calls of three tensors x, y, z in which any of them makes the result require grad.
MIXED = [
    "x + y * z",
    "x - y - z",
    "x * y + z",
    "torch.where(torch.ones(3, 3, dtype=torch.bool, device=x.device), x, y) + z",
    "torch.cat([x, y, z])",
    "torch.stack((x, y, z))",
    "torch.addmm(x, y, z)",
    "torch.baddbmm(x[None], y[None], z[None])",
    "torch.addcmul(x, y, z)",
    "torch.addcdiv(x, y, z)",
    "torch.lerp(x, y, z)",
    "F.linear(x, y, z[0])",
    "F.layer_norm(x, (3,), y[0], z[0])",
    "torch.einsum('ij,jk,kl->il', x, y, z)",
    "torch.linalg.multi_dot([x, y, z])",
    "torch.maximum(torch.maximum(x, y), z)",
    "torch.atan2(x, y) ** z.abs()",
    "x.scatter_add(0, torch.zeros(3, 3, dtype=torch.int64, device=x.device), y) @ z",
    "torch.meshgrid(x[0], y[0], z[0], indexing='ij')[0] + y.sum() + z.sum()",
    "(x + y).exp().sum() + z.sum()",
    "torch.nn.functional.pad(x, (1, 1)).sum() + y.t()[0] + z[..., 0]",
]
# Results that are no function with a derivative of x: integers, truth values, numbers and copies without history.
UNTRACKED = [
    "x > 0", "x >= y", "x < y", "x <= 0", "x == y", "x != y", "torch.eq(x, y)", "torch.lt(x, y)",
    "torch.isnan(x)", "torch.isinf(x)", "torch.isfinite(x)", "torch.isclose(x, y)", "torch.signbit(x)",
    "torch.logical_and(x, y)", "torch.logical_not(x)", "x.bool()", "x.long()", "x.int()", "x.to(torch.int16)",
    "x.argmax()", "x.argmin(1)", "x.argsort()", "x.max(1).indices", "x.min(0)[1]", "x.sort()[1]", "x.topk(2)[1]",
    "x.median(1)[1]", "x.mode(1)[1]", "x.kthvalue(1, 1)[1]", "x.cummax(1)[1]", "x.nonzero()", "torch.count_nonzero(x)",
    "(x > 0).any()", "torch.all(x > 0)", "torch.any(x.bool())", "torch.bucketize(x, x.detach()[0])",
    "torch.searchsorted(x.detach().sort()[0], x)", "x.detach()", "x.data", "torch.zeros_like(x)", "torch.ones_like(x)",
    "x.new_ones(2)", "torch.empty_like(x)", "x.shape.numel() * torch.ones(1)", "torch.tensor(x.tolist())",
]  # fmt: skip


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
    x = torch.ones(2, device=subject.device, requires_grad=True)
    for code in ("torch.from_numpy(np.ones(2))", "torch.as_tensor(np.ones(2))", "torch.randint(3, (2,))", "torch.Tensor([1.0])",
                 "torch.randperm(3)", "torch.FloatTensor(2)", "torch.tensor(x)", "x.detach().clone()"):  # fmt: skip
        require(not eval(code).requires_grad, f"{code} requires grad", False, True)


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
        before = (x._version, x.data_ptr(), tuple(x.stride()))
        for call, value in (("x.requires_grad_()", True), ("x.requires_grad_(False)", False), ("x.requires_grad_(True)", True),
                            ("x.requires_grad_(requires_grad=False)", False)):  # fmt: skip
            out = eval(call, {"x": x})
            require(out is x, f"{call} does not return x itself", "x", out)
            require(x.requires_grad is value, f"x.requires_grad after {call}", value, x.requires_grad)
        x.requires_grad = True
        require(x.requires_grad is True, "x.requires_grad after x.requires_grad = True", True, x.requires_grad)
        require((x._version, x.data_ptr(), tuple(x.stride())) == before, "x.requires_grad_() changed x")
        (x * x).sum().backward()
        assert_values("x.grad of x * x", x.grad, 2 * layout(np.arange(6.0).reshape(2, 3), "float32").array, dtype="float32")


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
                require(out.requires_grad is any(flags), f"({code}).requires_grad for {shown}", any(flags), out.requires_grad)
                require((out.grad_fn is not None) is any(flags), f"({code}).grad_fn for {shown}", any(flags), out.grad_fn)


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
                require(tracked, f"({row.forms[-1]}) is not tracked where only {'xyz'[which]} requires grad", True, False)


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
        require(not old.requires_grad and old.grad_fn is None, f"result {n}, made before x.requires_grad_(), requires grad")
        require(new.requires_grad, f"result {n}, made after x.requires_grad_(), does not require grad", True, False)
    x.requires_grad_(False)
    require(not (x * 2).requires_grad, "x * 2 after x.requires_grad_(False) requires grad", False, True)
    require(after[0].requires_grad, "x.requires_grad_(False) changed a result made before", True, False)


@check("autograd.three-attributes")
def test_every_tensor_has_data_grad_and_grad_fn(subject: Subject) -> None:
    x = torch.ones(2, 3, device=subject.device, requires_grad=True)
    plain = torch.ones(2, dtype=torch.int64, device=subject.device)
    for tensor in (x, x * 2, plain, torch.tensor(1.0), torch.empty(0)):
        require(tensor.data.data_ptr() == tensor.data_ptr(), "x.data does not share the memory of x")
        require(tensor.data.requires_grad is False and tensor.data.grad_fn is None, "x.data is tracked", False, True)
        require(tuple(tensor.data.shape) == tuple(tensor.shape), "x.data has another shape", tensor.shape, tensor.data.shape)
        require(tensor.data is not tensor, "x.data is x itself")
    require(x.grad is None and x.grad_fn is None and plain.grad is None and plain.grad_fn is None, "new tensors have a gradient")
    require((x * 2).grad_fn is not None, "(x * 2).grad_fn is None", "a node", None)


@check("autograd.requires-grad-implies-grad-fn")
def test_leaves_have_no_grad_fn(subject: Subject) -> None:
    x = torch.ones(1, device=subject.device, requires_grad=True)
    require(x.requires_grad and x.grad_fn is None, "torch.ones(1, requires_grad=True).grad_fn", None, x.grad_fn)
    (x * 2).sum().backward()
    require(x.grad_fn is None, "the grad_fn of a leaf after backward", None, x.grad_fn)
    require(x.requires_grad and x.is_leaf, "x is no leaf that requires grad after backward", True, False)


@check("autograd.grad-is-a-variable-not-a-tensor")
def test_a_gradient_is_a_plain_tensor(subject: Subject) -> None:
    for create_graph in (False, True):
        x = torch.full((3,), 2.0, device=subject.device, requires_grad=True)
        (x**3).sum().backward(create_graph=create_graph)
        grad = x.grad
        require(type(grad) is torch.Tensor, "the type of x.grad", torch.Tensor, type(grad))
        require(grad.requires_grad is create_graph, f"x.grad.requires_grad, create_graph={create_graph}", create_graph, grad.requires_grad)
        require((grad.grad_fn is not None) is create_graph, f"x.grad.grad_fn, create_graph={create_graph}", create_graph, grad.grad_fn)
        assert_values("x.grad of x ** 3 at 2", grad, np.full(3, 12.0), dtype="float32")
        x.grad = None


SHAPES: list[tuple[tuple[int, ...], Callable[[Any], Any]]] = [
    ((), lambda x: x * 3),
    ((), lambda x: x.expand(4).sum() * 0.75),
    ((1,), lambda x: x * 3),
    ((0,), lambda x: x * 3),
    ((2, 0, 3), lambda x: x * 3),
    ((17,), lambda x: 3 * x[None].expand(1, 17)),
    ((3, 1), lambda x: x.expand(3, 5) * 0.6),
    ((1, 1, 2), lambda x: x.expand(5, 3, 2) * 0.2),
    ((33, 5), lambda x: 3 * x.t()),
    ((2, 3), lambda x: x.expand(5, 2, 3).mul(0.6)),
    ((2, 3), lambda x: x.flatten() * 3),
]


@check("autograd.grad-shape")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gradient_has_the_shape_dtype_and_device_of_its_tensor(subject: Subject, dtype: str) -> None:
    for layout in LAYOUTS.values():
        for place, (shape, function) in enumerate(SHAPES):
            x = layout(np.ones(shape), dtype).on(subject).requires_grad_()
            function(x).sum().backward()
            call = f"x.grad of function {place} of shape {shape}"
            require(tuple(x.grad.shape) == shape == tuple(x.data.shape), f"{call} has shape {tuple(x.grad.shape)}", shape, tuple(x.grad.shape))
            require(x.grad.device == x.device, f"{call} lies on {x.grad.device}", x.device, x.grad.device)
            require(x.grad.layout == x.layout, f"{call} has layout {x.grad.layout}", x.layout, x.grad.layout)
            near = np.round(x.grad.double().cpu().tolist(), 5) if x.grad.numel() else np.empty(shape)
            require(np.array_equal(near, np.full(shape, 3.0)), f"{call} is {near}, but should be 3", 3.0, near)
            require(str(x.grad.dtype) == f"torch.{dtype}", f"{call} has dtype {x.grad.dtype}", dtype, x.grad.dtype)


@check("autograd.grad-dtype")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_a_gradient_comes_back_in_the_dtype_of_its_leaf(subject: Subject, dtype: str) -> None:
    for other in ("float16", "bfloat16", "float32", "float64"):
        x = contiguous(np.array([1.0, 2.0, -3.0]), dtype).on(subject).requires_grad_()
        w = contiguous(np.array([2.0, 0.5, 4.0]), other).on(subject)
        (x.to(w.dtype) * w).sum().backward()
        assert_values(f"x.grad ({dtype}) through {other}", x.grad, np.array([2.0, 0.5, 4.0]), dtype=dtype)
        x.grad = None
        (x * w).sum().backward()
        assert_values(f"x.grad ({dtype}) of x * w ({other})", x.grad, np.array([2.0, 0.5, 4.0]), dtype=dtype)


@check("autograd.evaluate-under-no-grad")
def test_evaluation_gives_the_same_numbers_without_history(subject: Subject) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2)).to(subject.device)
    x = contiguous(np.linspace(-1, 1, 12).reshape(3, 4), "float32").on(subject)
    tracked = model(x)
    kept = Unchanged(x=x, **{name.replace(".", "_"): weight for name, weight in model.named_parameters()})
    with torch.no_grad():
        out = model(x)
    kept.check("model(x) under no_grad")
    require(not out.requires_grad and out.grad_fn is None, "model(x) under no_grad is tracked", False, True)
    assert_values("model(x) under no_grad", out, tracked.detach().cpu().numpy(), dtype="float32")
    for name, weight in model.named_parameters():
        require(weight.requires_grad and weight.grad is None, f"{name} after evaluation", "requires grad, no gradient", weight)
    require(tracked.requires_grad, "model(x) with tracking does not require grad", True, False)

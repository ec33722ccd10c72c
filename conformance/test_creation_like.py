"""Tensors after the model of another: zeros_like and its kin, and clone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.oracle import creation as oracle
from conformance.subject import Subject
from conformance.tables.numpy_sharing import assert_bits, assert_strides
from properties.strategies.ndarrays import SHAPES, arrangements
from properties.strategies.recipe import DENSE, LAYOUTS, Recipe, permuted
from properties.strategies.values import distinct

pytestmark = must_answer

# By name: the call, and the value that it fills with; None where any value may stand.
LIKE: dict[str, tuple[Callable[..., torch.Tensor], float | None]] = {
    "zeros_like": (lambda t, **k: torch.zeros_like(t, **k), 0),
    "ones_like": (lambda t, **k: torch.ones_like(t, **k), 1),
    "full_like": (lambda t, **k: torch.full_like(t, 1, **k), 1),
    "empty_like": (lambda t, **k: torch.empty_like(t, **k), None),
    "rand_like": (lambda t, **k: torch.rand_like(t, **k), None),
    "randn_like": (lambda t, **k: torch.randn_like(t, **k), None),
    "randint_like": (lambda t, **k: torch.randint_like(t, 0, 5, **k), None),
}
FILLED = [name for name, (_, value) in LIKE.items() if value is not None]


def models(dtype: str) -> list[Recipe]:
    """Recipes in every layout, and some whose dimensions are stored in another order."""
    found = list(arrangements(dtype, SHAPES, tuple(LAYOUTS)))
    for order in ((1, 0, 2), (2, 0, 1), (0, 2, 1), (1, 2, 0)):
        found.append(permuted(distinct(dtype, (2, 3, 4)), dtype, order))
    found.append(permuted(distinct(dtype, (2, 3, 2, 5)), dtype, (3, 0, 2, 1)))
    return found


def assert_layout(call: str, out: torch.Tensor, recipe: Recipe) -> None:
    """Refute unless a result is laid out as torch.preserve_format promises for that input."""
    if recipe.numel == 0:
        return
    due = oracle.kept_strides(recipe.shape, recipe.strides)
    found = tuple(out.stride())
    if due is None:
        require(oracle.is_dense(recipe.shape, found), f"{call} has gaps or overlaps: strides {found}")
        return
    same = all(a == b for a, b, side in zip(found, due, recipe.shape, strict=True) if side > 1)
    require(same, f"{call} has strides {found}, but should have {due}", due, found)


@check("creation.like-values")
@pytest.mark.parametrize("name", FILLED)
def test_like_fills_the_shape_and_dtype_of_its_model(subject: Subject, name: str) -> None:
    make, value = LIKE[name]
    for dtype in COMMON:
        for recipe in arrangements(dtype, large=dtype == "float32"):
            t = recipe.on(subject)
            before = Unchanged(t=t)
            call = f"torch.{name}({dtype} tensor of {recipe.shape}, strides {recipe.strides})"
            out = make(t)
            assert_values(call, out, np.full(recipe.shape, value, DTYPES[dtype].host), dtype=dtype)
            assert_apart(call, out, t)
            before.check(call)
    model, rest = torch.zeros(2, 3, device=subject.device), {"fill_value": 1} if name == "full_like" else {}
    named = getattr(torch, name)(input=model, **rest)
    assert_values(f"torch.{name}(input=…)", named, np.full((2, 3), value), dtype="float32")


@check("creation.like-values", since="2.6")
@pytest.mark.parametrize("name", FILLED)
def test_like_knows_the_newer_dtypes(subject: Subject, name: str) -> None:
    make, value = LIKE[name]
    for dtype in ("uint16", "uint32", "uint64", "float8_e5m2", "float8_e4m3fn"):
        t = torch.zeros(3, 7, dtype=host.torch_dtype(dtype), device=subject.device)
        for model in (t, t.t(), t[:, ::2]):
            assert_values(f"torch.{name}({dtype})", make(model), np.full(model.shape, value), dtype=dtype)


@check("creation.like-layout")
@pytest.mark.parametrize("name", LIKE)
def test_like_keeps_the_layout_of_a_dense_model(subject: Subject, name: str) -> None:
    make = LIKE[name][0]
    for dtype in ("float32", "float64") if "rand" in name else ("float32", "int64", "complex64", "bool"):
        for recipe in models(dtype):
            call = f"torch.{name}({dtype} tensor of {recipe.shape}, strides {recipe.strides})"
            out = assert_tensor(call, make(recipe.on(subject)), dtype, recipe.shape)
            assert_layout(call, out, recipe)
            kept = make(recipe.on(subject), memory_format=torch.preserve_format)
            assert_layout(f"{call}, memory_format=torch.preserve_format", kept, recipe)


@check("creation.like-memory-format")
@pytest.mark.parametrize("name", [*LIKE, "clone"])
def test_like_follows_the_memory_format(subject: Subject, name: str) -> None:
    make = LIKE[name][0] if name in LIKE else lambda t, **k: t.clone(**k)
    for shape, layout in ((s, layout) for s in ((2, 3, 4, 5), (1, 4, 2, 2), (3, 2, 1, 5)) for layout in DENSE):
        t = DENSE[layout](distinct("float32", shape), "float32").on(subject)
        _, c, h, w = shape
        plain, last = (make(t, memory_format=form) for form in (torch.contiguous_format, torch.channels_last))
        assert_strides(f"torch.{name}({layout} {shape}, contiguous_format)", plain, oracle.row_major(shape))
        assert_strides(f"torch.{name}({layout} {shape}, channels_last)", last, (h * w * c, 1, w * c, c))
    table = DENSE["transposed"](distinct("float32", (3, 5)), "float32").on(subject)
    flat = make(table, memory_format=torch.contiguous_format)
    assert_strides(f"torch.{name}(transposed matrix, contiguous_format)", flat, (5, 1))
    call = f"torch.{name}(matrix, memory_format=torch.channels_last)"
    assert_raises(call, RuntimeError, lambda: make(table, memory_format=torch.channels_last))


@check("creation.like-arguments")
@pytest.mark.parametrize("name", FILLED)
def test_arguments_of_like_override_the_model(subject: Subject, name: str) -> None:
    make, value = LIKE[name]
    for layout, target in ((layout, target) for layout in LAYOUTS for target in (*COMMON, "complex32")):
        recipe = LAYOUTS[layout](distinct("float32", (3, 7)), "float32")
        call = f"torch.{name}({layout}, dtype=torch.{target})"
        out = make(recipe.on(subject), dtype=host.torch_dtype(target))
        assert_values(call, out, np.full((3, 7), value, DTYPES[target].host), dtype=target)
        assert_layout(call, out, recipe)
    tracked = torch.ones(3, requires_grad=True, device=subject.device)
    require(not make(tracked).requires_grad, f"torch.{name}(tensor that requires grad) requires grad")
    for model in (tracked, tracked.detach(), tracked * 2):
        fresh = make(model, requires_grad=True)
        require(
            fresh.is_leaf and fresh.requires_grad, f"torch.{name}(…, requires_grad=True) is no leaf that requires grad"
        )
    conjugate = torch.ones(3, dtype=torch.complex64, device=subject.device).conj()
    require(not make(conjugate).is_conj(), f"torch.{name}(conjugate) is conjugated")
    there = make(torch.ones(2, 3, device=subject.device), device="meta")
    require(there.is_meta and there.shape == (2, 3), f"torch.{name}(…, device='meta') lies elsewhere")
    for bad in ([1.0], np.ones(2), 3):
        assert_raises(f"torch.{name}({bad!r})", TypeError, lambda bad=bad: make(bad))


@check("creation.like-arguments")
@pytest.mark.parametrize("name", [name for name in LIKE if name not in FILLED])
def test_arguments_override_the_model_of_draws_too(subject: Subject, name: str) -> None:
    make, kinds = LIKE[name][0], COMMON if name == "empty_like" else ("float16", "float32", "float64", "bfloat16")
    for dtype, recipe in ((kind, recipe) for kind in kinds for recipe in models(kind)[::5]):
        call = f"torch.{name}({dtype} tensor of {recipe.shape}, strides {recipe.strides})"
        t = recipe.on(subject)
        assert_tensor(call, make(t), dtype, recipe.shape)
        out = assert_tensor(f"{call[:-1]}, dtype=torch.float64)", make(t, dtype=torch.float64), "float64", recipe.shape)
        require(out.storage_offset() == 0, f"{call} does not start its storage", 0, out.storage_offset())
        assert_apart(call, out, t)
    tracked = torch.nn.Parameter(torch.ones(2, 3, device=subject.device))
    for model in (tracked, tracked.detach(), tracked * 2):
        plain, fresh = make(model), make(model, requires_grad=True)
        require(type(plain) is torch.Tensor, f"torch.{name}(parameter) is a {type(plain).__name__}")
        require(not plain.requires_grad and plain.grad_fn is None, f"torch.{name}(tracked tensor) is tracked")
        require(fresh.is_leaf and fresh.requires_grad, f"torch.{name}(…, requires_grad=True) is no leaf that requires")


@check("creation.like-memory-format")
@pytest.mark.parametrize("name", [*LIKE, "clone"])
def test_like_follows_the_memory_format_of_volumes(subject: Subject, name: str) -> None:
    make, last = LIKE[name][0] if name in LIKE else lambda t, **k: t.clone(**k), torch.channels_last_3d
    for shape in ((2, 3, 4, 5, 2), (1, 4, 2, 2, 3)):
        t = torch.ones(shape, device=subject.device)
        _, c, d, h, w = shape
        due = (c * d * h * w, 1, c * h * w, c * w, c)
        assert_strides(f"torch.{name}({shape}, channels_last_3d)", make(t, memory_format=last), due)
        turned = t.contiguous(memory_format=last)
        assert_strides(f"torch.{name}(channels_last_3d {shape})", make(turned), due)
        plain = make(turned, memory_format=torch.contiguous_format)
        assert_strides(f"torch.{name}(channels_last_3d {shape}, contiguous_format)", plain, oracle.row_major(shape))


VALUES: tuple[tuple[str, Any], ...] = (
    *(("float32", 2.5), ("float64", math.pi), ("int64", -7), ("uint8", 255), ("bool", True), ("complex64", 1 - 2j)),
    *(("float16", -0.0), ("bfloat16", math.inf), ("float32", math.nan), ("int64", 2**53 + 1), ("int8", -128)),
)


@check("creation.full-like-value")
def test_full_like_fills_with_the_value(subject: Subject) -> None:
    for (dtype, value), recipe in ((row, recipe) for row in VALUES for recipe in arrangements(row[0])):
        t, expected = recipe.on(subject), np.full(recipe.shape, value, DTYPES[dtype].host)
        call = f"{dtype} tensor of {recipe.shape}, strides {recipe.strides}, {value}"
        assert_bits(f"torch.full_like({call})", torch.full_like(t, value), expected, dtype)
        assert_bits(f"new_full of {call}", t.new_full(recipe.shape, value), expected, dtype)
    other = torch.full_like(torch.ones(3, device=subject.device), 7, dtype=torch.int64)
    assert_values("torch.full_like(t, 7, dtype=torch.int64)", other, [7, 7, 7], dtype="int64")
    named = torch.full_like(torch.ones(3, device=subject.device), fill_value=torch.tensor(2))
    assert_values("torch.full_like(t, fill_value=tensor(2))", named, [2, 2, 2], dtype="float32")


@check("creation.clone-copies")
def test_clone_has_the_values_and_memory_of_its_own(subject: Subject) -> None:
    for dtype in COMMON:
        for recipe in arrangements(dtype, large=dtype in ("float32", "int64")):
            t = recipe.on(subject)
            before = Unchanged(t=t)
            call = f"clone of {dtype}, {recipe.shape}, strides {recipe.strides}, offset {recipe.offset}"
            for out in (t.clone(), torch.clone(t)):
                assert_bits(call, out, recipe.array, dtype) if dtype != "bfloat16" else assert_values(
                    call, out, recipe.array, dtype=dtype
                )
                assert_apart(call, out, t)
                assert_layout(call, out, recipe)
                out.zero_()
            before.check(call)
    z = torch.tensor([1 + 2j, -3j], device=subject.device)
    assert_values("z.conj().clone()", z.conj().clone(), [1 - 2j, 3j], dtype="complex64")
    assert_values("z.conj().imag.clone()", z.conj().imag.clone(), [-2.0, 3.0], dtype="float32")


@check("creation.clone-copies")
def test_clone_stays_in_the_graph(subject: Subject) -> None:
    for shape in ((3,), (4, 5), ()):
        x = torch.ones(shape, requires_grad=True, device=subject.device)
        out = x.clone()
        require(out.requires_grad and not out.is_leaf and out.grad_fn is not None, "clone of a leaf leaves the graph")
        (out * 3).sum().backward()
        assert_values("the gradient through clone", x.grad, np.full(shape, 3.0))
        with torch.no_grad():
            require(not x.clone().requires_grad, "clone under no_grad requires grad")
    require(
        not torch.ones(2, device=subject.device).clone().requires_grad, "clone of a tensor without grad requires grad"
    )


@check("creation.clone-without-arguments")
def test_clone_needs_an_input(subject: Subject) -> None:
    assert_raises("torch.clone()", TypeError, lambda: torch.clone())  # type: ignore[call-arg]
    assert_raises("torch.clone([1.0])", TypeError, lambda: torch.clone([1.0]))  # type: ignore[arg-type]
    assert_values(
        "torch.clone(input=x)", torch.clone(input=torch.ones(2, device=subject.device)), [1, 1], dtype="float32"
    )

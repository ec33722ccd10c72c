"""Creation functions beyond small sizes and plain values: many elements, long data, special numbers, other layouts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host, numerics
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, COMPLEX, DTYPES, FLOATS
from conformance.oracle import creation as oracle
from conformance.subject import Subject
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct, interesting, rounded

pytestmark = must_answer

# Beyond a block of 4,096 and beyond a parallel grain of 32,768 elements; odd, so that the last is on its own.
MANY = ((5_001,), (33, 7, 29), (181, 183))

FILLERS: dict[str, tuple[str, Callable[..., torch.Tensor], int]] = {
    "torch.zeros": ("creation.zeros", lambda x, s: torch.zeros(s, dtype=x.dtype, device=x.device), 0),
    "torch.ones": ("creation.ones", lambda x, s: torch.ones(s, dtype=x.dtype, device=x.device), 1),
    "torch.full": ("creation.full", lambda x, s: torch.full(s, 1, dtype=x.dtype, device=x.device), 1),
    "torch.zeros_like": ("creation.like-values", lambda x, s: torch.zeros_like(x.expand(s)), 0),
    "torch.ones_like": ("creation.like-values", lambda x, s: torch.ones_like(x.expand(s)), 1),
    "torch.full_like": ("creation.full-like-value", lambda x, s: torch.full_like(x.expand(s), 1), 1),
    "x.new_ones": ("creation.new-ones-dtype", lambda x, s: x.new_ones(s), 1),
    "x.new_full": ("creation.full-like-value", lambda x, s: x.new_full(s, 1), 1),
    "x.clone": ("creation.clone-copies", lambda x, s: (x + x.logical_not()).to(x.dtype).expand(s).clone(), 1),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(row[0])) for name, row in FILLERS.items()])
def test_many_elements_are_filled_to_the_last(subject: Subject, name: str) -> None:
    _, make, value = FILLERS[name]
    for dtype in filter(subject.supports, COMMON):
        x = torch.zeros((), dtype=host.torch_dtype(dtype), device=subject.device)
        for shape in MANY if dtype in ("float32", "int64") else MANY[:1]:
            for turn in ("first", "second"):
                out = make(x, shape)
                assert_values(f"the {turn} {name} of {shape}, {dtype}", out, np.full(shape, value), dtype=dtype)
                out.fill_(0 if value else 1)  # what the next one finds, if it gets this memory


@pytest.mark.parametrize(
    ("n", "m"),
    [
        pytest.param(n, m, marks=check(f"creation.{claim}"))
        for n, m, claim in ((300, 300, "eye"), (210, 333, "eye-columns"), (333, 210, "eye-columns"))
    ],
)
def test_large_diagonals_are_whole(subject: Subject, n: int, m: int) -> None:
    for dtype in ("float32", "float64", "int64", "bool", "complex64"):
        own, call = host.torch_dtype(dtype), f"torch.eye({n}, {m}), {dtype}"
        out = torch.eye(n, m, dtype=own, device=subject.device)
        assert_values(call, out, np.eye(n, m), dtype=dtype)
        given = torch.full((n, m), 1, dtype=own, device=subject.device)
        assert_values(f"{call}, out=ones", torch.eye(n, m, out=given), np.eye(n, m), dtype=dtype)


@check("creation.tensor-from-data")
@pytest.mark.parametrize("maker", ["tensor", "as_tensor", "asarray"])
def test_long_data_is_read_to_its_end(subject: Subject, maker: str) -> None:
    make = getattr(torch, maker)
    for dtype in ("float32", "int64", "bool", "complex64"):
        for shape in ((1_301,), (5_003,), (70, 73), (3, 21, 90)):
            values = distinct(dtype, shape)
            nested = values.tolist()
            call = f"torch.{maker}(data of {dtype}, {shape})"
            assert_values(call, make(nested, device=subject.device), values, dtype=dtype)
            assert_values(f"{call}, as a tuple", make(tuple(nested), device=subject.device), values, dtype=dtype)


@check("creation.new-tensor")
def test_new_tensor_reads_long_data_to_its_end(subject: Subject) -> None:
    for dtype in ("float64", "int32", "complex128"):
        for shape in ((5_003,), (70, 73)):
            values, x = distinct(dtype, shape), torch.zeros(2, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_values(f"x.new_tensor(data of {shape}), {dtype}", x.new_tensor(values.tolist()), values, dtype=dtype)


WITH_VALUE: dict[str, tuple[str, Callable[..., torch.Tensor]]] = {
    "torch.full": ("creation.full", lambda x, v: torch.full(x.shape, v, dtype=x.dtype, device=x.device)),
    "torch.full_like": ("creation.full-like-value", lambda x, v: torch.full_like(x, v)),
    "x.new_full": ("creation.full-like-value", lambda x, v: x.new_full(x.shape, v)),
    "torch.tensor": (
        "creation.tensor-dtype",
        lambda x, v: torch.tensor(np.full(x.shape, v, object).tolist(), dtype=x.dtype, device=x.device),
    ),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(row[0])) for name, row in WITH_VALUE.items()])
def test_every_number_of_a_dtype_can_be_filled_in(subject: Subject, name: str) -> None:
    make = WITH_VALUE[name][1]
    for dtype in filter(subject.supports, (*FLOATS, *COMPLEX)):
        for layout, shape in (("transposed", (3, 4)), ("contiguous", ())):
            x = LAYOUTS[layout](distinct(dtype, shape), dtype).on(subject)
            for value in interesting(dtype):
                expected = np.full(shape, value, DTYPES[dtype].host)
                call = f"{name} of {value!r}, {dtype}, {layout} {shape}"
                assert_values(call, make(x, value.item()), expected, dtype=dtype, signed_zeros=True)


@check("creation.logspace-base10")
def test_many_powers_are_spaced_to_the_last(subject: Subject) -> None:
    for dtype in ("float32", "float64"):
        for steps in (40_003,) if dtype == "float32" else (5_001,):
            exponents = oracle.spaced(-2, 2, steps).astype(np.longdouble)
            t = torch.logspace(-2, 2, steps, dtype=host.torch_dtype(dtype), device=subject.device)
            due = oracle.powers(10, exponents)
            scale = due * (1 + 4 * np.log(10.0))
            assert_values(
                f"torch.logspace(-2, 2, {steps}), {dtype}", t, due, numerics.FEW_ULPS.over(4), scale, dtype=dtype
            )


@check("creation.logspace-base10")
def test_powers_beyond_the_dtype_are_infinite_or_zero(subject: Subject) -> None:
    for dtype, top in (("float32", 30), ("bfloat16", 30), ("float64", 300)):
        high = torch.logspace(top, top + 20, 5, dtype=host.torch_dtype(dtype), device=subject.device)
        found = torch.isinf(high).tolist()
        require(
            found == [False, False, True, True, True], f"torch.logspace({top}, {top + 20}, 5), {dtype}", "inf", high
        )
        low = torch.logspace(-top - 30, -top - 60, 4, dtype=host.torch_dtype(dtype), device=subject.device)
        require(not low.any(), f"torch.logspace({-top - 30}, {-top - 60}, 4), {dtype}", "zeros", low)


@check("creation.arange-values")
def test_arange_of_narrow_floats_rounds_each_number(subject: Subject) -> None:
    for dtype in filter(subject.supports, ("float16", "bfloat16")):
        for start, end, step in ((0, 3000, 7), (1000, -1000, -3), (0, 700, 1), (-512, 512, 2)):
            t = torch.arange(start, end, step, dtype=host.torch_dtype(dtype), device=subject.device)
            due = rounded(np.arange(start, end, step).astype(np.float32), dtype)
            assert_values(f"torch.arange({start}, {end}, {step}), {dtype}", t, due, dtype=dtype)


# Each with a size and keywords, of which layout is one.
PLACED: dict[str, Callable[..., Any]] = {
    "torch.zeros": lambda x, **k: torch.zeros(2, 3, **k),
    "torch.ones": lambda x, **k: torch.ones(2, 3, **k),
    "torch.full": lambda x, **k: torch.full((2, 3), 2.0, **k),
    "torch.empty": lambda x, **k: torch.empty(2, 3, **k),
    "torch.eye": lambda x, **k: torch.eye(3, **k),
    "torch.arange": lambda x, **k: torch.arange(3, **k),
    "torch.linspace": lambda x, **k: torch.linspace(0, 1, 3, **k),
    "torch.logspace": lambda x, **k: torch.logspace(0, 1, 3, **k),
    "torch.rand": lambda x, **k: torch.rand(2, **k),
    "torch.randn": lambda x, **k: torch.randn(2, **k),
    "torch.randint": lambda x, **k: torch.randint(0, 3, (2,), **k),
    "torch.randperm": lambda x, **k: torch.randperm(3, **k),
    "torch.hann_window": lambda x, **k: torch.hann_window(3, **k),
    "torch.tril_indices": lambda x, **k: torch.tril_indices(3, 3, **k),
    "torch.zeros_like": lambda x, **k: torch.zeros_like(x, **k),
    "torch.ones_like": lambda x, **k: torch.ones_like(x, **k),
    "torch.full_like": lambda x, **k: torch.full_like(x, 2.0, **k),
    "torch.empty_like": lambda x, **k: torch.empty_like(x, **k),
    "torch.rand_like": lambda x, **k: torch.rand_like(x, **k),
    "torch.randn_like": lambda x, **k: torch.randn_like(x, **k),
    "torch.randint_like": lambda x, **k: torch.randint_like(x, 5, **k),
    "x.new_zeros": lambda x, **k: x.new_zeros(2, 3, **k),
    "x.new_ones": lambda x, **k: x.new_ones(2, 3, **k),
    "x.new_full": lambda x, **k: x.new_full((2, 3), 2.0, **k),
    "x.new_empty": lambda x, **k: x.new_empty(2, 3, **k),
}


@check("creation.layout")
@pytest.mark.parametrize("name", PLACED)
def test_a_layout_is_made_or_refused(subject: Subject, name: str) -> None:
    x = torch.ones(2, 3, device=subject.device)
    device = {} if name.startswith("x.") or name.endswith("_like") else {"device": subject.device}
    strided = PLACED[name](x, layout=torch.strided, **device)
    require(strided.layout == torch.strided, f"{name}(layout=torch.strided)", torch.strided, strided.layout)
    for layout in (torch.sparse_coo, torch.sparse_csr):
        try:
            out = PLACED[name](x, layout=layout, **device)
        except (RuntimeError, NotImplementedError, TypeError):
            out = None
        made = name in ("torch.zeros", "torch.empty", "torch.zeros_like", "x.new_zeros", "x.new_empty")
        require(out is not None or not (made and layout == torch.sparse_coo), f"{name}(layout={layout}) is refused")
        require(out is None or out.layout == layout, f"{name}(layout={layout})", layout, out is None or out.layout)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("new_empty_strided", marks=check("creation.empty-strided")),
        pytest.param("empty_strided", marks=check("creation.empty-strided")),
        pytest.param("empty_permuted", marks=check("creation.empty-permuted", since="2.1")),
    ],
)
def test_keywords_of_strided_tensors_count(subject: Subject, name: str) -> None:
    x = torch.zeros(2, dtype=torch.int16, device=subject.device)
    places = {"device": subject.device} if name != "new_empty_strided" else {}
    make = {
        "new_empty_strided": lambda **k: x.new_empty_strided((2, 3), (1, 2), **k),
        "empty_strided": lambda **k: torch.empty_strided((2, 3), (1, 2), **{**places, **k}),
        "empty_permuted": lambda **k: torch.empty_permuted((2, 3), (1, 0), **{**places, **k}),
    }[name]
    for dtype in filter(subject.supports, COMMON):
        out = make(dtype=host.torch_dtype(dtype))
        found = (host.dtype_name(out.dtype), tuple(out.shape), out.stride(), out.requires_grad)
        require(found == (dtype, (2, 3), (1, 2), False), f"{name}(…, dtype=torch.{dtype})", dtype, found)
    for dtype in ("float64", "complex64"):
        out = make(dtype=host.torch_dtype(dtype), requires_grad=True)
        require(out.requires_grad and out.is_leaf, f"{name}(…, dtype=torch.{dtype}, requires_grad=True) is no leaf")
    away = make(device="meta")
    require(away.device.type == "meta", f"{name}(…, device='meta')", "meta", away.device)

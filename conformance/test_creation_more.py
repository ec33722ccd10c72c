"""Creation functions where they are asked less often: whole ranges, long results, tensors as bounds, default dtypes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from conformance.numerics import SUMMED
from conformance.oracle import creation as oracle
from conformance.subject import Subject
from conformance.tables.numpy_sharing import assert_strides

pytestmark = must_answer

LONG = 40_003


@check("creation.arange-values")
def test_arange_over_the_whole_range_of_small_dtypes(subject: Subject) -> None:
    for dtype in ("uint8", "int8", "int16"):
        limits = np.iinfo(dtype)
        low, high = int(limits.min), int(limits.max)
        for start, end, step in ((low, high, 1), (low, high, 7), (high, low, -3), (high - 1, high, 1)):
            if dtype == "uint8" and step < 0:
                continue
            t = torch.arange(start, end, step, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_values(f"torch.arange({start}, {end}, {step}), {dtype}", t, [*range(start, end, step)], dtype=dtype)
    for dtype in ("float16", "bfloat16", "float32", "float64", "int32", "int64"):
        for count in (17, 120, 257):
            t = torch.arange(count, dtype=host.torch_dtype(dtype), device=subject.device)
            due = np.arange(count) if dtype != "bfloat16" or count < 257 else np.r_[np.arange(256), 256]
            assert_values(f"torch.arange({count}), {dtype}", t, due, dtype=dtype)


@check("creation.linspace-even", since="2.1")
def test_bounds_of_linspace_and_logspace_may_be_tensors(subject: Subject) -> None:
    for kind in (torch.float32, torch.float64):
        for start, end in ((0.25, 2.75), (2.75, 0.25), (-1.5, 1.5)):
            first, last = torch.tensor(start, dtype=kind), torch.tensor(end, dtype=kind)
            due = oracle.spaced(start, end, 6)
            for a, b in ((first, last), (start, last), (first, end), (first.long(), last)):
                begin = float(int(start)) if a.__class__ is torch.Tensor and not a.is_floating_point() else start
                t = torch.linspace(a, b, 6, dtype=kind, device=subject.device)
                expected = oracle.spaced(begin, end, 6) if begin != start else due
                assert_values(f"torch.linspace({a}, {b}, 6)", t, expected, SUMMED.over(4), np.full(6, 6.0))
                t = torch.logspace(a, b, 6, base=4.0, dtype=torch.float64, device=subject.device)
                assert_values(f"torch.logspace({a}, {b}, 6, base=4)", t, 4.0**expected, SUMMED.over(64), np.full(6, 64))
    for bad in (torch.ones(1), torch.ones(2)):
        text = f"torch.linspace({bad}, 2.0, 3)"
        assert_raises(text, (RuntimeError, TypeError), lambda bad=bad: torch.linspace(bad, 2.0, 3))


@check("creation.eye-columns")
def test_large_matrices_of_any_shape(subject: Subject) -> None:
    for dtype in ("float16", "float32", "float64", "int64", "bool", "complex64"):
        for n, m in ((40, 300), (300, 40), (129, 129), (1, 2000), (2000, 1), (33, 34), (200, 203)):
            t = torch.eye(n, m, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_values(f"torch.eye({n}, {m}), {dtype}", t, np.eye(n, m), dtype=dtype)
            out = torch.full((m, n), 1, dtype=host.torch_dtype(dtype), device=subject.device).t()
            require(torch.eye(n, m, out=out) is out, f"torch.eye({n}, {m}, out=…) gives another tensor")
            assert_values(f"torch.eye({n}, {m}, out=transposed), {dtype}", out, np.eye(n, m), dtype=dtype)


NEW: dict[str, tuple[Callable[..., torch.Tensor], float | None]] = {
    "new_zeros": (lambda t, *size, **k: t.new_zeros(*size, **k), 0),
    "new_ones": (lambda t, *size, **k: t.new_ones(*size, **k), 1),
    "new_empty": (lambda t, *size, **k: t.new_empty(*size, **k), None),
    "new_full": (lambda t, size, **k: t.new_full(size, 1, **k), 1),
}


@check("creation.new-inherits")
@pytest.mark.parametrize("name", NEW)
def test_new_takes_sizes_in_every_form_and_every_dtype(subject: Subject, name: str) -> None:
    make, value = NEW[name]
    base = torch.ones(3, dtype=torch.int16, device=subject.device)
    for shape in ((2, 5), (3, 1, 4), (7, 0)):
        forms: list[tuple[Any, ...]] = [(shape,), (list(shape),), (torch.Size(shape),)]
        for given in forms + ([shape] if name != "new_full" else []):
            out = assert_tensor(f"{name}{given}", make(base, *given), "int16", shape)
            require(value is None or (host.array(out) == value).all(), f"{name}{given} holds other values", value)
            assert_strides(f"{name}{given}", out, oracle.row_major(shape))
    for dtype in COMMON:
        own = host.torch_dtype(dtype)
        for model in (base, base.t(), torch.ones(2, 2, dtype=torch.complex64, device=subject.device)):
            out = assert_tensor(f"{name}((4, 5), dtype=torch.{dtype})", make(model, (4, 5), dtype=own), dtype, (4, 5))
            require(value is None or (host.array(out) == value).all(), f"{name} of {dtype} holds other values", value)


@check("creation.full-dtype")
def test_full_of_other_kinds_of_numbers(subject: Subject) -> None:
    rows: list[tuple[Any, str]] = [
        *((kind(2), "int64") for kind in (int, np.int64, np.int32, np.uint8)),
        *((kind(2.5), "float32") for kind in (float, np.float64, np.float32)),
        *((True, "bool"), (2 - 1j, "complex64"), (np.complex128(2 - 1j), "complex64")),
    ]
    for value, dtype in rows:
        for shape in ((2, 3), ()):
            call = f"torch.full({shape}, {type(value).__name__} {value})"
            assert_values(call, torch.full(shape, value, device=subject.device), np.full(shape, value), dtype=dtype)


# By name: the call, and the dtype that it makes under the default dtype; 'default' for that, 'complex' for its complex.
MADE: dict[str, tuple[Callable[[], torch.Tensor], str]] = {
    "zeros(3)": (lambda: torch.zeros(3), "default"),
    "ones(3)": (lambda: torch.ones(3), "default"),
    "empty(3)": (lambda: torch.empty(3), "default"),
    "full((3,), 1.0)": (lambda: torch.full((3,), 1.0), "default"),
    "tensor([1.0])": (lambda: torch.tensor([1.0]), "default"),
    "tensor(1.0)": (lambda: torch.tensor(1.0), "default"),
    "tensor([])": (lambda: torch.tensor([]), "default"),
    "as_tensor([1.0])": (lambda: torch.as_tensor([1.0]), "default"),
    "asarray([1.0])": (lambda: torch.asarray([1.0]), "default"),
    "scalar_tensor(1)": (lambda: torch.scalar_tensor(1), "default"),
    "linspace(0, 1, 3)": (lambda: torch.linspace(0, 1, 3), "default"),
    "arange(3.0)": (lambda: torch.arange(3.0), "default"),
    "rand(3)": (lambda: torch.rand(3), "default"),
    "randn(3)": (lambda: torch.randn(3), "default"),
    "normal(0.0, 1.0, (3,))": (lambda: torch.normal(0.0, 1.0, (3,)), "default"),
    "arange(3)": (lambda: torch.arange(3), "int64"),
    "full((3,), 1)": (lambda: torch.full((3,), 1), "int64"),
    "full((3,), True)": (lambda: torch.full((3,), True), "bool"),
    "tensor([1])": (lambda: torch.tensor([1]), "int64"),
    "tensor([True])": (lambda: torch.tensor([True]), "bool"),
    "tensor(np.float32)": (lambda: torch.tensor(np.ones(2, np.float32)), "float32"),
    "tensor(np.float64)": (lambda: torch.tensor(np.ones(2)), "float64"),
    "randint(3, (2,))": (lambda: torch.randint(3, (2,)), "int64"),
    "int tensor + 1.0": (lambda: torch.ones(2, dtype=torch.int32) + 1.0, "default"),
    "int tensor / int tensor": (lambda: torch.ones(2, dtype=torch.int64) / torch.ones(2, dtype=torch.int64), "default"),
    "zeros_like(float32)": (lambda: torch.zeros_like(torch.ones(2, dtype=torch.float32)), "float32"),
    "new_zeros of float32": (lambda: torch.ones(2, dtype=torch.float32).new_zeros(2), "float32"),
}


@check("creation.default-dtype")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_every_floating_dtype_can_be_the_default(subject: Subject, dtype: str) -> None:
    default, complexes = torch.get_default_dtype(), {"float64": "complex128", "float32": "complex64"}
    require(default is torch.float32, "the default dtype is not float32", "float32", default)
    try:
        require(torch.set_default_dtype(host.torch_dtype(dtype)) is None, "set_default_dtype gives something")
        require(torch.get_default_dtype() is host.torch_dtype(dtype), f"get_default_dtype is not the {dtype} set")
        for call, (make, due) in MADE.items():
            assert_tensor(f"torch.{call} under {dtype}", make(), dtype if due == "default" else due)
        if dtype in complexes:
            for call, made in {"tensor([1j])": torch.tensor([1j]), "full((2,), 1j)": torch.full((2,), 1j)}.items():
                assert_tensor(f"torch.{call} under {dtype}", made, complexes[dtype])
        for bad in (torch.int64, torch.bool, torch.complex64):
            assert_raises(f"set_default_dtype({bad})", TypeError, lambda bad=bad: torch.set_default_dtype(bad))
        require(torch.get_default_dtype() is host.torch_dtype(dtype), "a refused default dtype is kept")
    finally:
        torch.set_default_dtype(default)
    assert_tensor("torch.zeros(3) with the default dtype back", torch.zeros(3), "float32")


@check("creation.default-dtype")
def test_the_default_tensor_type_sets_the_default_dtype(subject: Subject) -> None:
    default = torch.get_default_dtype()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for given in (torch.DoubleTensor, "torch.DoubleTensor", torch.HalfTensor, torch.FloatTensor):
                torch.set_default_tensor_type(given)
                name = getattr(given, "__name__", str(given).rpartition(".")[2])
                due = {"DoubleTensor": "float64", "HalfTensor": "float16", "FloatTensor": "float32"}[name]
                assert_tensor(f"torch.zeros(2) after set_default_tensor_type({name})", torch.zeros(2), due)
                require(host.dtype_name(torch.get_default_dtype()) == due, f"the default dtype is not {due}", due)
        finally:
            torch.set_default_tensor_type(torch.FloatTensor)
            torch.set_default_dtype(default)


@check("creation.complex")
def test_complex_and_polar_pass_gradients_on(subject: Subject) -> None:
    real, imag = (torch.tensor(v, dtype=torch.float64, device=subject.device) for v in ([1.0, -2, 3], [0.5, 4, -1]))
    real.requires_grad_()
    imag.requires_grad_()
    z = torch.complex(real, imag)
    (torch.view_as_real(z) * torch.tensor([2.0, 5.0], dtype=torch.float64, device=subject.device)).sum().backward()
    assert_values("the gradient of torch.complex, real", real.grad, [2, 2, 2])
    assert_values("the gradient of torch.complex, imag", imag.grad, [5, 5, 5])
    size, angle = np.array([1.0, 2, 0.5]), np.array([0.25, -1, 3])
    s, a = (torch.tensor(v, device=subject.device).requires_grad_() for v in (size, angle))
    torch.view_as_real(torch.polar(s, a))[:, 0].sum().backward()
    assert_values("the gradient of torch.polar, abs", s.grad, np.cos(angle), SUMMED.over(8), np.ones(3))
    assert_values("the gradient of torch.polar, angle", a.grad, -size * np.sin(angle), SUMMED.over(8), np.full(3, 2.0))


@check("creation.meshgrid")
def test_meshgrid_gives_a_tuple_of_any_number_of_grids(subject: Subject) -> None:
    vectors = [torch.arange(float(n), device=subject.device) for n in (2, 3, 4, 2)]
    for count in (1, 2, 3, 4):
        for indexing in ("ij", "xy"):
            due = np.meshgrid(*(np.arange(float(n)) for n in (2, 3, 4, 2)[:count]), indexing=indexing)
            for given in (vectors[:count], [vectors[:count]], [tuple(vectors[:count])]):
                grids = torch.meshgrid(*given, indexing=indexing)
                require(isinstance(grids, tuple), "meshgrid gives no tuple", "tuple", type(grids).__name__)
                for place, (grid, wanted) in enumerate(zip(grids, due, strict=True)):
                    assert_values(f"meshgrid of {count}, {indexing}, part {place}", grid, wanted, dtype="float32")


@check("creation.vander")
def test_vander_of_integers_is_exact(subject: Subject) -> None:
    x = np.array([3, -7, 11, 2])
    for increasing in (False, True):
        t = torch.vander(torch.tensor(x, device=subject.device), 16, increasing=increasing)
        assert_values("torch.vander of int64", t, np.vander(x, 16, increasing=increasing), dtype="int64")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(f"{name}_window", marks=check(f"creation.{name}-window"))
        for name in ("bartlett", "hann", "hamming", "blackman", "kaiser")
    ],
)
def test_long_windows(subject: Subject, name: str) -> None:
    weights = {"hann_window": (0.5, 0.5), "hamming_window": (0.54, 0.46), "blackman_window": (0.42, 0.5, 0.08)}
    for length, periodic in ((1025, True), (LONG, False), (LONG - 1, True)):
        if name in weights:
            due = oracle.cosines(length, weights[name], periodic=periodic)
        elif name == "bartlett_window":
            due = oracle.bartlett(length, periodic=periodic)
        else:
            length = min(length, 1025)  # the oracle sums a series for each point
            due = oracle.kaiser(length, 12.0, periodic=periodic)
        for dtype in ("float32", "float64"):
            t = getattr(torch, name)(length, periodic, dtype=host.torch_dtype(dtype), device=subject.device)
            assert_values(f"torch.{name}({length}), {dtype}", t, due, SUMMED.over(24), np.ones(length), dtype=dtype)

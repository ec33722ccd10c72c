"""The back door between tensors and arrays: it reads and writes what PyTorch does, for every bit pattern."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import host
from conformance.dtypes import DTYPES
from conformance.profile import for_device
from conformance.subject import find
from properties.strategies.values import interesting

CPU = find(for_device("cpu"))
HERE = [name for name in DTYPES if CPU.supports(name)]
every_dtype = pytest.mark.parametrize("dtype", HERE)
SMALL = [name for name in HERE if DTYPES[name].bytes <= 2 and name != "bool"]
REDUCED = [name for name in HERE if DTYPES[name].is_floating and name != "float64"]
# What the numpy of any release can hold, to let PyTorch convert to it.
WIDE = {"bool": "bool", "uint": "int64", "int": "int64", "float": "float64", "complex": "complex128"}


def witness(tensor: torch.Tensor) -> np.ndarray:
    """What PyTorch itself says that a tensor holds, in the widest type of its kind."""
    name = host.dtype_name(tensor.dtype)
    wide = "uint64" if name == "uint64" else WIDE[DTYPES[name].kind]
    plain = tensor.detach().cpu().resolve_conj().resolve_neg()
    return plain.numpy() if name in ("bool", "uint64") else plain.to(getattr(torch, wide)).numpy()


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays have the same shape and values, NaN and the signs of zeros among them."""
    parts = [(a.real, b.real), (a.imag, b.imag)] if b.dtype.kind == "c" else [(a, b)]
    floating = b.dtype.kind in "fc"
    values = all(np.array_equal(x, y, equal_nan=floating) for x, y in parts)
    signs = not floating or all(np.array_equal(np.signbit(x[x == 0]), np.signbit(y[x == 0])) for x, y in parts)
    return a.shape == b.shape and values and signs


@every_dtype
def test_arrays_go_to_tensors_and_back(dtype: str) -> None:
    values = interesting(dtype)
    for shaped in (values, np.resize(values, (2, 3)), values[:0], values[:0].reshape(2, 0), values[0]):
        tensor = host.tensor(shaped, dtype)
        assert (host.dtype_name(tensor.dtype), tuple(tensor.shape)) == (dtype, np.shape(shaped))
        assert tensor.is_contiguous()
        found = host.array(tensor)
        assert found.dtype == np.dtype(DTYPES[dtype].host)
        assert same(found, np.asarray(shaped))


@every_dtype
def test_pytorch_agrees_with_what_was_written(dtype: str) -> None:
    values = interesting(dtype)
    assert same(witness(host.tensor(values, dtype)), values)


@pytest.mark.parametrize("dtype", SMALL)
def test_pytorch_agrees_on_every_bit_pattern(dtype: str) -> None:
    facts = DTYPES[dtype]
    raw = np.arange(2 ** (8 * facts.bytes)).astype({1: np.uint8, 2: np.uint16}[facts.bytes])
    tensor = torch.frombuffer(bytearray(raw.tobytes()), dtype=getattr(torch, dtype))
    with np.errstate(invalid="ignore"):
        assert same(host.array(tensor).astype(witness(tensor).dtype), witness(tensor))
    assert np.array_equal(host.bits(tensor), raw)


@pytest.mark.parametrize("dtype", REDUCED)
def test_values_are_rounded_to_the_nearest(dtype: str) -> None:
    generator = np.random.default_rng(0)
    facts = DTYPES[dtype]
    scales = np.ldexp(1.0, generator.integers(facts.emin - facts.precision, facts.emax, 4000))
    halves = np.ldexp(np.round(np.ldexp(generator.uniform(1, 2, 4000), facts.precision)), -facts.precision)
    source = np.float64 if dtype == "float32" else np.float32
    values = (np.concatenate([generator.uniform(-2, 2, 4000) * scales, halves * scales])).astype(source)
    assert same(witness(host.tensor(values, dtype)), witness(torch.tensor(values).to(getattr(torch, dtype))))


@pytest.mark.parametrize("dtype", [name for name in REDUCED if name != "float8_e4m3fn"])
def test_what_is_too_large_becomes_infinite(dtype: str) -> None:
    facts = DTYPES[dtype]
    top = (2.0 - 2.0 ** (1 - facts.precision)) * 2.0**facts.emax
    half = 2.0 ** (facts.emax - facts.precision)
    values = np.array([top, -top, top + half, -top - half, 2 * top, np.inf, -np.inf])
    found = host.array(host.tensor(values, dtype)).astype(np.float64)
    assert found.tolist() == [top, -top, np.inf, -np.inf, np.inf, np.inf, -np.inf]


@every_dtype
def test_any_strides_are_read(dtype: str) -> None:
    values = interesting(dtype)
    base = host.tensor(np.resize(values, (4, 6)), dtype)
    for view in (base.t(), base[1:, ::2], base[:, 3], base[2, 1], base[:0], base[1].expand(3, 6), base.unsqueeze(1)):
        found = host.array(view)
        assert same(found.astype(witness(view).dtype), witness(view))
        assert host.bits(view).shape == tuple(view.shape)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_lazy_conjugates_and_negatives_are_resolved(dtype: str) -> None:
    tensor = host.tensor(np.array([1 + 2j, 3 - 4j]), dtype)
    assert tensor.conj().is_conj()
    assert host.array(tensor.conj()).tolist() == [1 - 2j, 3 + 4j]
    assert tensor.conj().imag.is_neg()
    assert host.array(tensor.conj().imag).tolist() == [-2.0, 4.0]


def test_an_array_does_not_share_memory() -> None:
    tensor = torch.zeros(3)
    found = host.array(tensor)
    found[:] = 1
    assert tensor.tolist() == [0, 0, 0]


def test_tensors_that_ask_for_gradients_can_be_read() -> None:
    leaf = torch.ones(2, requires_grad=True)
    assert host.array(leaf * 2).tolist() == [2.0, 2.0]


@every_dtype
def test_bits_and_values_say_the_same(dtype: str) -> None:
    tensor = host.tensor(interesting(dtype), dtype)
    assert same(host.decode(host.bits(tensor), DTYPES[dtype]), host.array(tensor))


@every_dtype
def test_names_and_dtypes_go_both_ways(dtype: str) -> None:
    assert host.dtype_name(host.torch_dtype(dtype)) == dtype
    assert host.torch_dtype(dtype).itemsize == DTYPES[dtype].bytes if hasattr(torch.float32, "itemsize") else True
    assert host.torch_dtype(dtype).is_floating_point == DTYPES[dtype].is_floating
    assert host.torch_dtype(dtype).is_complex == DTYPES[dtype].is_complex


@pytest.mark.parametrize("dtype", [name for name in HERE if DTYPES[name].is_inexact])
def test_the_facts_of_a_dtype_are_pytorchs(dtype: str) -> None:
    facts, theirs = DTYPES[dtype], torch.finfo(getattr(torch, dtype))
    assert theirs.eps == facts.epsilon
    assert theirs.tiny == 2.0**facts.emin


def test_a_dtype_that_nobody_has_is_an_error() -> None:
    with pytest.raises(AttributeError):
        host.torch_dtype("float17")

"""What checks of conversions share: every way to write one, the values to convert, and what they become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_tensor, require
from conformance.dtypes import DTYPES
from conformance.oracle.tensor import cast
from properties.strategies.values import interesting

METHODS = {
    "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16", "int": "int32", "long": "int64",
    "short": "int16", "char": "int8", "byte": "uint8", "bool": "bool", "cfloat": "complex64", "cdouble": "complex128",
    "chalf": "complex32",
}  # fmt: skip


# Numbers with more digits than float32, or than float64, can hold.
LONG = (16777217, 123456789, -16777219, 2**53 + 1, -(2**53) - 3, 123456789012345678, 2**62 + 12345)


def table(dtype: str) -> np.ndarray:
    """Interesting values of a dtype; long integers where it has them; complex numbers with fractions and zero parts."""
    values, facts = interesting(dtype), DTYPES[dtype]
    if facts.kind in ("int", "uint") and facts.bytes >= 4:
        limits = np.iinfo(facts.host)
        more = [number for number in LONG if limits.min <= number <= limits.max]
        return np.concatenate([values, np.array(more, facts.host)])
    if facts.is_complex:
        return np.concatenate([values, np.array([2.75 - 1.5j, -2.75 + 3j, 0.5, -0.0], values.dtype)])
    return values


def assert_cast(said: str, out: Any, values: np.ndarray, dtype: str) -> None:
    """Refute unless a tensor holds the values converted to the dtype, wherever that is defined."""
    assert_is(said, out, values, dtype, cast(values, dtype))


def assert_is(said: str, out: Any, values: np.ndarray, dtype: str, expected: tuple[np.ndarray, ...]) -> None:
    """As assert_cast, with what the cast gives."""
    if not isinstance(out, torch.Tensor) or out.dtype != host.torch_dtype(dtype) or tuple(out.shape) != values.shape:
        assert_tensor(said, out, dtype, values.shape)
    actual = host.array(out)
    once, twice, known = expected
    wrong = known & ~(_same(actual, once) | _same(actual, twice))
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        text = f"{said}: {values[place]!r} becomes {actual[place]!r}, but should become {once[place]!r}"
        require(False, text, once[place], actual[place])


def _same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind != "c" and a.dtype.kind != "f":
        return a == b
    pairs = [(a.real, b.real), (a.imag, b.imag)]
    return np.logical_and.reduce(
        [((x == y) & (np.signbit(x) == np.signbit(y))) | (np.isnan(x) & np.isnan(y)) for x, y in pairs]
    )


def ways(new: str) -> dict[str, Callable[[torch.Tensor], torch.Tensor]]:
    """How to convert a tensor."""
    dtype = host.torch_dtype(new)
    found: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        f"x.to(torch.{new})": lambda x: x.to(dtype),
        f"x.to(dtype=torch.{new})": lambda x: x.to(dtype=dtype),
        f"x.to(x.device, torch.{new})": lambda x: x.to(x.device, dtype),
        f"x.type(torch.{new})": lambda x: x.type(dtype),
        f"x.type_as(torch.empty(0, dtype=torch.{new}))": lambda x: x.type_as(
            torch.empty(0, dtype=dtype, device=x.device)
        ),
        f"x.to(torch.empty((), dtype=torch.{new}))": lambda x: x.to(torch.empty((), dtype=dtype, device=x.device)),
        f"torch.empty_like(x, dtype=torch.{new}).copy_(x)": lambda x: torch.empty_like(x, dtype=dtype).copy_(x),
    }
    found |= {f"x.{name}()": lambda x, name=name: getattr(x, name)() for name, given in METHODS.items() if given == new}
    return found

"""Shorter equivalents of what checks use, to be pasted into scripts: the same verdict from fewer lines.

Each has the name and the arguments of what it stands for. Nothing imports this module; its source is read.
"""

from __future__ import annotations

import ctypes
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from packaging.version import Version

from conformance.assertions import Refutation, assert_tensor
from conformance.numerics import EXACT, Error


class Unsupported(Exception):
    """See conformance.subject."""


def release() -> Version:
    """See conformance.subject."""
    return Version(Version(torch.__version__).base_version)


def assume(condition: object) -> None:
    """An input outside the claim's domain refutes nothing."""
    if not condition:
        raise SystemExit(0)


def note(*_: object, **__: object) -> None:
    """Hypothesis' notes, events and targets say nothing about the verdict."""


event = target = note


def bits(tensor: torch.Tensor) -> np.ndarray:
    """See conformance.host."""
    tensor = tensor.detach().cpu()
    size, shape, strides = tensor.element_size(), tuple(tensor.shape), tensor.stride()
    raw = "c16" if size == 16 else f"u{size}"
    if 0 in shape:
        return np.empty(shape, raw)
    span = 1 + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
    memory = np.frombuffer(ctypes.string_at(tensor.data_ptr(), span * size), raw)
    return np.lib.stride_tricks.as_strided(memory, shape, [stride * size for stride in strides]).copy()


def array(tensor: torch.Tensor) -> np.ndarray:
    """See conformance.host."""
    name = str(tensor.dtype).removeprefix("torch.")
    if name == "bfloat16":
        values = (bits(tensor).astype("u4") << 16).view("f4")
    elif name == "complex32" or name.startswith("float8"):  # numpy has no such types
        tensor = tensor.detach().to(torch.complex64 if name == "complex32" else torch.float32).resolve_conj()
        values = bits(tensor).view("c8" if name == "complex32" else "f4")
    else:
        values = bits(tensor).view(name)
    values = np.conj(values) if tensor.is_conj() else values
    return np.negative(values) if tensor.is_neg() else values


def tensor(values: Any, dtype: str, device: str = "cpu") -> torch.Tensor:
    """See conformance.host."""
    return torch.from_numpy(np.array(values)).to(getattr(torch, dtype)).to(device)


def bound(expected: np.ndarray, dtype: torch.dtype, error: Error, scale: Any = None) -> np.ndarray:
    """See conformance.numerics."""
    facts = torch.finfo(dtype)
    with np.errstate(invalid="ignore", over="ignore"):
        size = np.minimum(np.abs(expected).astype(np.float64), facts.max)
        exponent = np.frexp(np.where(np.isfinite(size), size, 1.0))[1] - 1
        allowed = error.ulps * np.ldexp(facts.eps, np.maximum(exponent, round(math.log2(facts.tiny))))
        size = (np.abs(expected) if scale is None else np.asarray(scale)).astype(np.float64)
        return allowed + (error.terms * facts.eps / 2 * (size + facts.tiny) if error.terms else 0.0)


def differ(actual: np.ndarray, expected: np.ndarray, allowed: Any, top: float) -> np.ndarray:
    """Where two real arrays differ by more than is allowed; `top` is the dtype's largest number."""
    wide = np.longdouble if expected.dtype == np.longdouble else np.float64
    a, e = actual.astype(wide), expected.astype(wide)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(np.subtract(a, e)) <= np.where(np.isfinite(a) & np.isfinite(e), allowed, -1.0)
        beyond = np.isinf(a) & (np.sign(a) == np.sign(e)) & (np.abs(e) + allowed >= top)
    return ~((a == e) | near | beyond | (np.isnan(a) & np.isnan(e)))


def report(call: str, wrong: np.ndarray, actual: np.ndarray, expected: np.ndarray) -> None:
    """Refute by the first element that is wrong, if any is."""
    for place in np.argwhere(wrong)[:1].tolist():
        at = tuple(place)
        raise Refutation(f"{call}{place or ''} is {actual[at]!r}, but should be {expected[at]!r}", expected, actual)


def exact_values(call: str, out: Any, expected: Any, *, dtype: str | None = None) -> None:
    """See conformance.assertions.assert_values: for results that are never rounded."""
    expected = np.asarray(expected)
    actual = array(assert_tensor(call, out, dtype, expected.shape))
    wrong = actual != expected
    if out.dtype.is_floating_point or out.dtype.is_complex:
        top = torch.finfo(out.dtype).max
        wrong = differ(actual.real, expected.real, 0, top) | differ(actual.imag, expected.imag, 0, top)
    report(call, wrong, actual, expected)


def assert_values(
    call: str,
    out: Any,
    expected: Any,
    error: Error = EXACT,
    scale: Any = None,
    *,
    dtype: str | None = None,
    signed_zeros: bool = False,
) -> None:
    """See conformance.assertions."""
    expected = np.asarray(expected)
    actual = array(assert_tensor(call, out, dtype, expected.shape))
    wrong = actual != expected
    if out.dtype.is_floating_point or out.dtype.is_complex:
        size = np.abs(expected)
        allowed = bound(np.where(np.isfinite(size), size, 0), out.dtype, error, scale)
        top = torch.finfo(out.dtype).max
        wrong = differ(actual.real, expected.real, allowed, top) | differ(actual.imag, expected.imag, allowed, top)
        if signed_zeros and not out.dtype.is_complex:
            wrong |= (actual == 0) & (expected == 0) & (np.signbit(actual) != np.signbit(expected))
    report(call, wrong, actual, expected)


class Given(SimpleNamespace):
    """A recipe as a check sees it: `on` builds the tensor, `array` is a fresh copy of the values."""

    @property
    def array(self) -> np.ndarray:
        return self.values.copy()  # type: ignore[no-any-return]


class Recipe:
    """See properties.strategies.recipe."""

    def __init__(
        self,
        buffer: np.ndarray,
        dtype: str,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        offset: int = 0,
        requires_grad: bool = False,
        fill: str | None = None,
    ) -> None:
        self.buffer, self.dtype, self.shape, self.strides = buffer, dtype, shape, strides
        self.offset, self.requires_grad, self.fill = offset, requires_grad, fill
        self.ndim, self.numel = len(shape), math.prod(shape)

    @property
    def array(self) -> np.ndarray:
        if 0 in self.shape:
            return np.empty(self.shape, self.buffer.dtype)
        steps = [stride * self.buffer.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(self.buffer[self.offset :], self.shape, steps).copy()

    @property
    def is_contiguous(self) -> bool:
        steps = [math.prod(max(side, 1) for side in self.shape[dim + 1 :]) for dim in range(self.ndim)]
        return self.offset == 0 and list(self.strides) == steps and len(self.buffer) == self.numel

    @property
    def is_overlapping(self) -> bool:
        return len({int(np.dot(index, self.strides)) for index in np.ndindex(self.shape)}) < self.numel

    def on(self, subject: Any) -> torch.Tensor:
        made = tensor(self.buffer, self.dtype, subject.device).as_strided(self.shape, self.strides, self.offset)
        return made.requires_grad_() if self.requires_grad else made

    def with_grad(self, requires_grad: bool = True) -> Recipe:
        return Recipe(self.buffer, self.dtype, self.shape, self.strides, self.offset, requires_grad)

    def code(self, device: str = "cpu") -> str:
        return f"<{self.dtype} of shape {self.shape}>"

"""Laws of all creation functions: dtype=, the default dtype, device=, requires_grad=, and memory of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_apart, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMPLEX, DTYPES, FLOATS, INTEGERS
from conformance.numerics import FEW_ULPS, Error
from conformance.oracle import creation as oracle
from conformance.subject import Subject

pytestmark = must_answer

ALL = ("bool", *INTEGERS, *FLOATS, *COMPLEX, "complex32")
ORDERED = (*INTEGERS, *FLOATS)


@dataclass(frozen=True)
class Factory:
    """A creation function with its arguments, but for the keywords dtype, device, requires_grad and out.

    `values`: what it makes in any of its dtypes; None where any value may stand. `dtype`: without the keyword, "default"
    for the default dtype. `dtypes`: which it takes in every release.
    """

    name: str
    call: Callable[..., torch.Tensor]
    values: Any
    dtype: str = "default"
    dtypes: tuple[str, ...] = ALL
    shape: tuple[int, ...] | None = None
    error: Error = FEW_ULPS
    grad: bool = True

    @property
    def size(self) -> tuple[int, ...]:
        return self.shape if self.shape is not None else np.shape(self.values)


MATRIX = [[1.0, 0.0, 2.0], [3.0, 1.0, 0.0]]
WINDOWED = ("float32", "float64")
FACTORIES = (
    Factory("zeros", lambda **k: torch.zeros(3, 5, **k), np.zeros((3, 5))),
    Factory("ones", lambda **k: torch.ones((3, 5), **k), np.ones((3, 5))),
    Factory("full", lambda **k: torch.full((3, 5), 1.0, **k), np.ones((3, 5))),
    Factory("full of int", lambda **k: torch.full((3, 5), 1, **k), np.ones((3, 5)), "int64"),
    Factory("full of bool", lambda **k: torch.full((20,), True, **k), np.ones(20), "bool"),
    Factory("empty", lambda **k: torch.empty(3, 5, **k), None, shape=(3, 5)),
    Factory("empty_strided", lambda **k: torch.empty_strided((3, 5), (1, 3), **k), None, shape=(3, 5)),
    Factory("eye", lambda **k: torch.eye(4, 6, **k), np.eye(4, 6), dtypes=tuple(set(ALL) - {"bfloat16", "complex32"})),
    Factory("arange", lambda **k: torch.arange(0, 19, **k), np.arange(19), "int64", ORDERED),
    Factory("arange of floats", lambda **k: torch.arange(1.0, 9.0, 2.0, **k), np.arange(1, 9, 2), dtypes=ORDERED),
    Factory("linspace", lambda **k: torch.linspace(0, 36, 19, **k), np.arange(0, 37, 2), dtypes=(*ORDERED, *COMPLEX)),
    Factory(
        "logspace",
        lambda **k: torch.logspace(0, 6, 7, base=2.0, **k),
        2.0 ** np.arange(7),
        dtypes=tuple({*ORDERED, *COMPLEX} - {"float16"}),
    ),
    Factory("tensor", lambda **k: torch.tensor(MATRIX, **k), np.array(MATRIX)),
    Factory("asarray", lambda **k: torch.asarray(MATRIX, **k), np.array(MATRIX)),
    Factory("as_tensor", lambda **k: torch.as_tensor(MATRIX, **k), np.array(MATRIX), grad=False),
    Factory("scalar_tensor", lambda **k: torch.scalar_tensor(1.0, **k), np.array(1.0)),
    Factory("hann_window", lambda **k: torch.hann_window(7, **k), None, dtypes=WINDOWED, shape=(7,)),
    Factory("hamming_window", lambda **k: torch.hamming_window(7, **k), None, dtypes=WINDOWED, shape=(7,)),
    Factory("bartlett_window", lambda **k: torch.bartlett_window(7, **k), None, dtypes=WINDOWED, shape=(7,)),
    Factory("blackman_window", lambda **k: torch.blackman_window(7, **k), None, dtypes=WINDOWED, shape=(7,)),
    Factory("kaiser_window", lambda **k: torch.kaiser_window(7, **k), None, dtypes=WINDOWED, shape=(7,)),
    Factory(
        "tril_indices",
        lambda **k: torch.tril_indices(4, 3, **k),
        oracle.triangle(4, 3, 0, lower=True),
        "int64",
        ("int32", "int64"),
        grad=False,
    ),
    Factory(
        "triu_indices",
        lambda **k: torch.triu_indices(4, 3, **k),
        oracle.triangle(4, 3, 0, lower=False),
        "int64",
        ("int32", "int64"),
        grad=False,
    ),
)
GROUPS = {
    "constants": ("zeros", "ones", "full", "full of int", "full of bool", "empty", "empty_strided", "eye"),
    "sequences": ("arange", "arange of floats", "linspace", "logspace"),
    "data": ("tensor", "asarray", "as_tensor", "scalar_tensor"),
    "windows": ("hann_window", "hamming_window", "bartlett_window", "blackman_window", "kaiser_window"),
    "triangles": ("tril_indices", "triu_indices"),
}


def factories(group: str, *, but: tuple[str, ...] = ()) -> list[Factory]:
    """The creation functions of a group, without some."""
    return [factory for factory in FACTORIES if factory.name in GROUPS[group] and factory.name not in but]


def expected(factory: Factory, dtype: str) -> np.ndarray:
    """The factory's values in a dtype: truth values are not being zero."""
    return np.asarray(factory.values).astype(DTYPES[dtype].host)


def assert_made(call: str, out: torch.Tensor, factory: Factory, dtype: str) -> torch.Tensor:
    """Refute unless a factory made what is due in that dtype."""
    if factory.values is None:
        return assert_tensor(call, out, dtype, factory.size)
    error = factory.error if DTYPES[dtype].is_inexact else FEW_ULPS
    assert_values(call, out, expected(factory, dtype), error, dtype=dtype)
    return out


@contextmanager
def default_dtype(dtype: str) -> Iterator[None]:
    """Another default dtype while the block lasts."""
    kept = torch.get_default_dtype()
    torch.set_default_dtype(host.torch_dtype(dtype))
    try:
        yield
    finally:
        torch.set_default_dtype(kept)


@check("creation.dtype-argument")
@pytest.mark.parametrize("group", GROUPS)
def test_the_dtype_asked_for_is_made(subject: Subject, group: str) -> None:
    for factory in factories(group):
        for dtype in factory.dtypes:
            for _ in range(2):
                call = f"torch.{factory.name}(…, dtype=torch.{dtype})"
                out = assert_made(
                    call, factory.call(dtype=host.torch_dtype(dtype), device=subject.device), factory, dtype
                )
                require(not out.requires_grad and out.is_leaf, f"{call} takes part in autograd")
        default = "float32" if factory.dtype == "default" else factory.dtype
        assert_made(f"torch.{factory.name}(…)", factory.call(device=subject.device), factory, default)
        assert_raises(f"torch.{factory.name}(…, dtype='float32')", TypeError, lambda: factory.call(dtype="float32"))


# By name: dtypes that a function lacked in torch 2.0.
LATER = {
    "eye": ("bfloat16",),
    "logspace": ("float16",),
    "hann_window": ("float16",),
    "hamming_window": ("float16",),
    "blackman_window": ("float16",),
    "kaiser_window": ("float16",),
    "bartlett_window": ("float16",),
}


@check("creation.dtype-argument", since="2.6")
def test_dtypes_that_came_later_are_made(subject: Subject) -> None:
    for factory in FACTORIES:
        for dtype in LATER.get(factory.name, ()):
            made = factory.call(dtype=host.torch_dtype(dtype), device=subject.device)
            assert_made(f"torch.{factory.name}(…, dtype=torch.{dtype})", made, factory, dtype)
        if set(factory.dtypes) == set(ALL):
            for dtype in ("uint16", "uint32", "float8_e5m2", "float8_e4m3fn"):
                made = factory.call(dtype=host.torch_dtype(dtype), device=subject.device)
                assert_made(f"torch.{factory.name}(…, dtype=torch.{dtype})", made, factory, dtype)


@check("creation.default-dtype")
@pytest.mark.parametrize("group", GROUPS)
def test_the_default_dtype_is_followed(subject: Subject, group: str) -> None:
    for factory in factories(group):
        with default_dtype("float64"):
            out = factory.call(device=subject.device)
            narrow = factory.call(dtype=torch.float32, device=subject.device) if "float32" in factory.dtypes else None
        assert_made(
            f"torch.{factory.name}(…) under float64",
            out,
            factory,
            "float64" if factory.dtype == "default" else factory.dtype,
        )
        if narrow is not None:
            assert_made(f"torch.{factory.name}(…, dtype=torch.float32) under float64", narrow, factory, "float32")
        back = "float32" if factory.dtype == "default" else factory.dtype
        assert_made(f"torch.{factory.name}(…) afterwards", factory.call(device=subject.device), factory, back)


@check("creation.default-dtype")
def test_the_default_dtype_reaches_numbers_and_constructors(subject: Subject) -> None:
    with default_dtype("float64"):
        rows = {
            "torch.tensor(1.5)": (torch.tensor(1.5), "float64"),
            "torch.tensor(1j)": (torch.tensor(1j), "complex128"),
            "torch.full((1,), 1j)": (torch.full((1,), 1j), "complex128"),
            "torch.tensor([])": (torch.tensor([]), "float64"),
            "torch.Tensor([1])": (torch.Tensor([1]), "float64"),
            "torch.Tensor(2)": (torch.Tensor(2), "float64"),
            "torch.tensor(1)": (torch.tensor(1), "int64"),
            "torch.tensor(True)": (torch.tensor(True), "bool"),
            "torch.rand(1)": (torch.rand(1), "float64"),
            "torch.randn(1)": (torch.randn(1), "float64"),
            "torch.tensor(0.1)": (torch.tensor(0.1), "float64"),
            "torch.ones(1) / 3": (torch.ones(1) / 3, "float64"),
            "torch.zeros(1, dtype=torch.half)": (torch.zeros(1, dtype=torch.half), "float16"),
        }
        require(torch.get_default_dtype() is torch.float64, "torch.get_default_dtype() misses the change")
    for call, (t, dtype) in rows.items():
        assert_tensor(f"{call} under float64", t, dtype)
    assert_values("torch.tensor(0.1) under float64", rows["torch.tensor(0.1)"][0], 0.1)
    with default_dtype("bfloat16"):
        narrow = [
            torch.zeros(2),
            torch.ones(2),
            torch.tensor(1.5),
            torch.arange(2.0),
            torch.linspace(0, 1, 2),
            torch.full((1,), 1.0),
        ]
    for t in narrow:
        assert_tensor("a tensor made under bfloat16", t, "bfloat16")
    for bad in (torch.int64, torch.complex64, torch.bool):
        assert_raises(f"torch.set_default_dtype({bad})", TypeError, lambda bad=bad: torch.set_default_dtype(bad))
    require(torch.get_default_dtype() is torch.float32, "the default dtype does not come back")


@check("creation.device")
@pytest.mark.parametrize("group", GROUPS)
def test_the_device_asked_for_is_used(subject: Subject, group: str) -> None:
    for factory in factories(group):
        dtype = "float32" if factory.dtype == "default" else factory.dtype
        for device in (subject.device, torch.device(subject.device)):
            out = factory.call(device=device)
            require(
                out.device.type == torch.device(subject.device).type,
                f"torch.{factory.name}(device={device!r}) is on {out.device}",
            )
            assert_made(f"torch.{factory.name}(device={device!r})", out, factory, dtype)
        here = factory.call(device=subject.device)
        for device in ("meta", torch.device("meta")):
            out = factory.call(device=device)
            call = f"torch.{factory.name}(device={device!r})"
            assert_tensor(call, out, dtype, factory.size)
            require(out.is_meta and out.stride() == here.stride(), f"{call} is on {out.device}, strides {out.stride()}")
        plain = factory.call()
        require(plain.device.type == "cpu", f"torch.{factory.name}(…) is on {plain.device}", "cpu", plain.device)


@check("creation.default-device")
@pytest.mark.parametrize("group", GROUPS)
def test_the_default_device_is_followed(subject: Subject, group: str) -> None:
    for factory in factories(group, but=("asarray",)):
        with torch.device("meta"):
            out, named = factory.call(), factory.call(device="cpu")
            like = torch.zeros_like(named)
        require(
            out.is_meta, f"torch.{factory.name}(…) within torch.device('meta') is on {out.device}", "meta", out.device
        )
        require(
            not named.is_meta and not like.is_meta, f"torch.{factory.name}(device='cpu') follows the default device"
        )
        torch.set_default_device("meta")
        try:
            out = factory.call()
        finally:
            torch.set_default_device(None)
        require(
            out.is_meta,
            f"torch.{factory.name}(…) after torch.set_default_device('meta') is on {out.device}",
            "meta",
            out.device,
        )
        require(factory.call().device.type == "cpu", f"torch.{factory.name}(…) stays on another default device")


@check("creation.requires-grad")
@pytest.mark.parametrize("group", GROUPS)
def test_requires_grad_makes_a_leaf(subject: Subject, group: str) -> None:
    for factory in [factory for factory in factories(group) if factory.grad]:
        for dtype in sorted({"float32", "float64", "complex64"} & set(factory.dtypes)):
            t = factory.call(dtype=host.torch_dtype(dtype), requires_grad=True, device=subject.device)
            call = f"torch.{factory.name}(…, dtype=torch.{dtype}, requires_grad=True)"
            require(t.requires_grad and t.is_leaf and t.grad is None, f"{call} is no fresh leaf")
            (t * 3).sum().abs().backward()
            require(t.grad is not None and t.grad.shape == t.shape, f"{call} gets no gradient")
            no = factory.call(dtype=host.torch_dtype(dtype), requires_grad=False, device=subject.device)
            require(not no.requires_grad, f"torch.{factory.name}(…, requires_grad=False) requires grad")
            with torch.no_grad():
                still = factory.call(dtype=host.torch_dtype(dtype), requires_grad=True, device=subject.device)
            require(still.requires_grad, f"{call} under no_grad requires none")
        if "int64" in factory.dtypes:
            assert_raises(
                f"torch.{factory.name}(…, dtype=torch.int64, requires_grad=True)",
                RuntimeError,
                lambda: factory.call(dtype=torch.int64, requires_grad=True, device=subject.device),
            )


@check("creation.independence")
@pytest.mark.parametrize("group", GROUPS)
def test_each_call_makes_memory_of_its_own(subject: Subject, group: str) -> None:
    for factory in factories(group):
        for dtype in factory.dtypes[:4]:
            first, second = (factory.call(dtype=host.torch_dtype(dtype), device=subject.device) for _ in range(2))
            call = f"torch.{factory.name}(…, dtype=torch.{dtype})"
            require(first is not second, f"{call} hands out one tensor twice")
            assert_apart(call, second, first)
            first.fill_(1)
            second.fill_(0)
            assert_values(f"the first {call} after a write to the second", first, np.ones(first.shape), dtype=dtype)
            assert_made(
                f"the third {call}", factory.call(dtype=host.torch_dtype(dtype), device=subject.device), factory, dtype
            )


@check("creation.contiguous")
@pytest.mark.parametrize("group", GROUPS)
def test_results_are_contiguous(subject: Subject, group: str) -> None:
    for factory in factories(group, but=("empty_strided",)):
        for dtype in factory.dtypes:
            out = factory.call(dtype=host.torch_dtype(dtype), device=subject.device)
            due = oracle.row_major(factory.size)
            require(
                out.stride() == due and out.is_contiguous(),
                f"torch.{factory.name}(…) has strides {out.stride()}",
                due,
                out.stride(),
            )
            require(
                out.storage_offset() == 0 and out.layout is torch.strided,
                f"torch.{factory.name}(…) does not start its storage",
            )
            require(not out.is_conj() and not out.is_neg(), f"torch.{factory.name}(…) is lazily conjugated or negated")

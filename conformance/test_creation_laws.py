"""Laws of all creation functions: dtype=, the default dtype, device=, requires_grad=, and memory of their own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_apart, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import creation as oracle
from conformance.subject import Subject
from conformance.tables.creation_factories import ALL, FACTORIES, GROUPS, assert_made, factories
from conformance.tables.numpy_sharing import assert_strides
from conformance.tables.settings import default_dtype

pytestmark = must_answer


@check("creation.dtype-argument")
@pytest.mark.parametrize("group", GROUPS)
def test_the_dtype_asked_for_is_made(subject: Subject, group: str) -> None:
    for factory in factories(group):
        for dtype in (*factory.dtypes, *factory.dtypes[:2]):
            call = f"torch.{factory.name}(…, dtype=torch.{dtype})"
            out = factory.call(dtype=host.torch_dtype(dtype), device=subject.device)
            assert_made(call, out, factory, dtype)
            require(not out.requires_grad and out.is_leaf, f"{call} takes part in autograd")
        assert_made(f"torch.{factory.name}(…)", factory.call(device=subject.device), factory, factory.made())
        call = f"torch.{factory.name}(…, dtype='float32')"
        assert_raises(call, TypeError, lambda factory=factory: factory.call(dtype="float32"))


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
        call = f"torch.{factory.name}(…)"
        with default_dtype("float64"):
            out = factory.call(device=subject.device)
            narrow = factory.call(dtype=torch.float32, device=subject.device) if "float32" in factory.dtypes else None
        assert_made(f"{call} under float64", out, factory, factory.made("float64"))
        if narrow is not None:
            assert_made(f"torch.{factory.name}(…, dtype=torch.float32) under float64", narrow, factory, "float32")
        assert_made(f"{call} afterwards", factory.call(device=subject.device), factory, factory.made())


# What follows the default dtype, and what does not: the dtypes under float64.
DEFAULTED: dict[str, tuple[Callable[[], torch.Tensor], str]] = {
    "torch.tensor(1.5)": (lambda: torch.tensor(1.5), "float64"),
    "torch.tensor(1j)": (lambda: torch.tensor(1j), "complex128"),
    "torch.full((1,), 1j)": (lambda: torch.full((1,), 1j), "complex128"),
    "torch.tensor([])": (lambda: torch.tensor([]), "float64"),
    "torch.Tensor([1])": (lambda: torch.Tensor([1]), "float64"),
    "torch.Tensor(2)": (lambda: torch.Tensor(2), "float64"),
    "torch.tensor(1)": (lambda: torch.tensor(1), "int64"),
    "torch.tensor(True)": (lambda: torch.tensor(True), "bool"),
    "torch.rand(1)": (lambda: torch.rand(1), "float64"),
    "torch.randn(1)": (lambda: torch.randn(1), "float64"),
    "torch.tensor(0.1)": (lambda: torch.tensor(0.1), "float64"),
    "torch.ones(1) / 3": (lambda: torch.ones(1) / 3, "float64"),
    "torch.zeros(1, dtype=torch.half)": (lambda: torch.zeros(1, dtype=torch.half), "float16"),
}


@check("creation.default-dtype")
def test_the_default_dtype_reaches_numbers_and_constructors(subject: Subject) -> None:
    for call, (make, dtype) in DEFAULTED.items():
        with default_dtype("float64"):
            require(torch.get_default_dtype() is torch.float64, "torch.get_default_dtype() misses the change")
            t = make()
        assert_tensor(f"{call} under float64", t, dtype)
        if call == "torch.tensor(0.1)":
            assert_values(f"{call} under float64", t, 0.1)
    with default_dtype("bfloat16"):
        narrow = [torch.zeros(2), torch.ones(2), torch.tensor(1.5), torch.arange(2.0), torch.linspace(0, 1, 2)]
    for t in (*narrow, torch.zeros(1, dtype=torch.bfloat16)):
        assert_tensor("a tensor made under bfloat16", t, "bfloat16")
    for bad in (torch.int64, torch.complex64, torch.bool):
        assert_raises(f"torch.set_default_dtype({bad})", TypeError, lambda bad=bad: torch.set_default_dtype(bad))
    require(torch.get_default_dtype() is torch.float32, "the default dtype does not come back")


@check("creation.device")
@pytest.mark.parametrize("group", GROUPS)
def test_the_device_asked_for_is_used(subject: Subject, group: str) -> None:
    for factory in factories(group):
        dtype, strides = factory.made(), factory.call(device=subject.device).stride()
        for device in (subject.device, torch.device(subject.device), "meta", torch.device("meta")):
            out = factory.call(device=device)
            call = f"torch.{factory.name}(…, device={device!r})"
            require(out.device.type == torch.device(device).type, f"{call} is on {out.device}", device, out.device)
            assert_tensor(call, out, dtype, factory.size)
            assert_strides(call, out, strides)
            if not out.is_meta:
                assert_made(call, out, factory, dtype)
        plain = factory.call()
        require(plain.device.type == "cpu", f"torch.{factory.name}(…) is on {plain.device}", "cpu", plain.device)


def assert_on(call: str, out: torch.Tensor, device: str) -> None:
    require(out.device.type == device, f"{call} is on {out.device}, but should be on {device}", device, out.device)


@check("creation.default-device")
@pytest.mark.parametrize("group", GROUPS)
def test_the_default_device_is_followed(subject: Subject, group: str) -> None:
    for factory in factories(group, but=("asarray",)):
        call = f"torch.{factory.name}(…)"
        with torch.device("meta"):
            out, named = factory.call(), factory.call(device="cpu")
            like = torch.zeros_like(named)
        assert_on(f"{call} within torch.device('meta')", out, "meta")
        assert_on(f"torch.{factory.name}(…, device='cpu') within torch.device('meta')", named, "cpu")
        assert_on("torch.zeros_like(CPU tensor) within torch.device('meta')", like, "cpu")
        torch.set_default_device("meta")
        try:
            out = factory.call()
        finally:
            torch.set_default_device(None)
        assert_on(f"{call} after torch.set_default_device('meta')", out, "meta")
        assert_on(f"{call} after torch.set_default_device(None)", factory.call(), "cpu")


@check("creation.requires-grad")
@pytest.mark.parametrize("group", GROUPS)
def test_requires_grad_makes_a_leaf(subject: Subject, group: str) -> None:
    rows = [(factory, dtype) for factory in factories(group) for dtype in ("float32", "float64", "complex64")]
    for factory, dtype in rows:
        if not factory.grad or dtype not in factory.dtypes:
            continue
        keywords = {"dtype": host.torch_dtype(dtype), "device": subject.device}
        t = factory.call(requires_grad=True, **keywords)
        call = f"torch.{factory.name}(…, dtype=torch.{dtype}, requires_grad=True)"
        require(t.requires_grad and t.is_leaf and t.grad is None, f"{call} is no fresh leaf")
        require(type(t) is torch.Tensor, f"{call} is a {type(t).__name__}", "Tensor", type(t).__name__)
        (t * 3).sum().abs().backward()
        require(t.grad is not None and t.grad.shape == t.shape, f"{call} gets no gradient")
        plain = factory.call(requires_grad=False, **keywords)
        require(not plain.requires_grad, f"torch.{factory.name}(…, requires_grad=False) requires grad")
        with torch.no_grad():
            still = factory.call(requires_grad=True, **keywords)
        require(still.requires_grad, f"{call} under no_grad requires none")


@check("creation.requires-grad")
@pytest.mark.parametrize("group", GROUPS)
def test_integers_cannot_require_grad(subject: Subject, group: str) -> None:
    for factory in factories(group):
        for dtype in ("int64", "bool"):
            if factory.grad and dtype in factory.dtypes:
                keywords = {"dtype": host.torch_dtype(dtype), "device": subject.device, "requires_grad": True}
                call = f"torch.{factory.name}(…, dtype=torch.{dtype}, requires_grad=True)"
                assert_raises(call, RuntimeError, lambda f=factory, k=keywords: f.call(**k))


@check("creation.independence")
@pytest.mark.parametrize("group", GROUPS)
def test_each_call_makes_memory_of_its_own(subject: Subject, group: str) -> None:
    for factory in factories(group):
        for dtype in factory.dtypes:
            keywords = {"dtype": host.torch_dtype(dtype), "device": subject.device}
            first, second = factory.call(**keywords), factory.call(**keywords)
            call = f"torch.{factory.name}(…, dtype=torch.{dtype})"
            require(first is not second, f"{call} hands out one tensor twice")
            assert_apart(call, second, first)
            first.fill_(1)
            second.zero_()
            assert_values(f"the first {call} after a write to the second", first, np.ones(first.shape), dtype=dtype)
            assert_made(f"the third {call}", factory.call(**keywords), factory, dtype)


@check("creation.contiguous")
@pytest.mark.parametrize("group", GROUPS)
def test_results_are_contiguous(subject: Subject, group: str) -> None:
    for factory in factories(group, but=("empty_strided",)):
        for dtype in factory.dtypes:
            out = factory.call(dtype=host.torch_dtype(dtype), device=subject.device)
            call = f"torch.{factory.name}(…, dtype=torch.{dtype})"
            assert_strides(call, out, oracle.row_major(factory.size))
            require(out.is_contiguous() and out.storage_offset() == 0, f"{call} does not start its storage")
            lazy = out.is_conj() or out.is_neg() or out.layout is not torch.strided
            require(not lazy, f"{call} is lazily conjugated or negated, or not strided")

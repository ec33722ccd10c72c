"""The argument out= of creation functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.numerics import FEW_ULPS
from conformance.subject import Subject

pytestmark = must_answer


def between(low: float, high: float) -> Callable[[np.ndarray], bool]:
    return lambda values: bool(((values >= low) & (values < high)).all())


# By name: the call with out=, and the values that are due or, for random functions, what they have to satisfy.
OUT: dict[str, tuple[Callable[..., torch.Tensor], Any]] = {
    "zeros": (lambda **k: torch.zeros(6, **k), np.zeros(6)),
    "ones": (lambda **k: torch.ones(6, **k), np.ones(6)),
    "full": (lambda **k: torch.full((6,), 2.0, **k), np.full(6, 2.0)),
    "arange": (lambda **k: torch.arange(1, 13, 2, **k), np.arange(1, 13, 2)),
    "eye": (lambda **k: torch.eye(2, 3, **k), np.eye(2, 3)),
    "linspace": (lambda **k: torch.linspace(0, 5, 6, **k), np.arange(6)),
    "logspace": (lambda **k: torch.logspace(0, 5, 6, base=2.0, **k), 2.0 ** np.arange(6)),
    "empty": (lambda **k: torch.empty(6, **k), None),
    "rand": (lambda **k: torch.rand(6, **k), between(0, 1)),
    "randn": (lambda **k: torch.randn(6, **k), between(-9, 9)),
    "randint": (lambda **k: torch.randint(3, 7, (6,), **k), between(3, 7)),
    "randperm": (lambda **k: torch.randperm(6, **k), lambda values: sorted(values.tolist()) == list(range(6))),
    "normal": (lambda **k: torch.normal(torch.full((6,), 50.0), torch.ones(6), **k), between(40, 60)),
}


def assert_out(call: str, out: torch.Tensor, due: Any, dtype: str = "float32") -> None:
    if callable(due):
        require(due(host.array(out)), f"{call} holds {host.array(out)}")
    elif due is not None:
        assert_values(call, out, np.asarray(due).astype(DTYPES[dtype].host), FEW_ULPS, dtype=dtype)


@check("creation.out-argument")
@pytest.mark.parametrize("name", OUT)
def test_out_is_written_to_and_returned(subject: Subject, name: str) -> None:
    make, due = OUT[name]
    shape = (2, 3) if name == "eye" else (6,)
    for dtype in (
        ("float32", "float64") if name in ("rand", "randn", "normal", "logspace") else ("float32", "float64", "int64")
    ):
        own = host.torch_dtype(dtype)
        wide = torch.full((*shape[:-1], shape[-1] * 2), 77, dtype=own, device=subject.device)
        for kind, out in {
            "plain": torch.full(shape, 77, dtype=own, device=subject.device),
            "stepped": wide[..., ::2],
            "transposed": torch.full(shape[::-1], 77, dtype=own, device=subject.device).permute(
                tuple(range(len(shape)))[::-1]
            ),
        }.items():
            place, strides = out.data_ptr(), out.stride()
            call = f"torch.{name}(…, out={kind} {dtype})"
            require(make(out=out) is out, f"{call} returns another tensor than out")
            require(out.data_ptr() == place and out.stride() == strides, f"{call} moves out, or lays it out anew")
            assert_tensor(call, out, dtype, shape)
            assert_out(call, out, due, dtype)
        gaps = host.array(wide)[..., 1::2]
        require((gaps == 77).all(), f"torch.{name}(…, out=stepped) writes between the elements", 77, gaps)


@check("creation.out-resizes")
@pytest.mark.parametrize("name", OUT)
def test_out_of_another_size_is_resized(subject: Subject, name: str) -> None:
    make, due = OUT[name]
    shape = (2, 3) if name == "eye" else (6,)
    for given in ((0,), (2,), (9,), (3, 3), ()):
        out = torch.full(given, 77.0, device=subject.device)
        call = f"torch.{name}(…, out=tensor of {given})"
        require(make(out=out) is out, f"{call} returns another tensor than out")
        assert_tensor(call, out, "float32", shape)
        assert_out(call, out, due)


@check("creation.out-errors")
@pytest.mark.parametrize("name", [name for name in OUT if name not in ("normal", "randperm", "randint")])
def test_out_must_fit_the_other_arguments(subject: Subject, name: str) -> None:
    make = OUT[name][0]
    out = torch.full((6,), 77.0, device=subject.device)
    assert_raises(
        f"torch.{name}(…, out=float32, dtype=torch.float64)", RuntimeError, lambda: make(out=out, dtype=torch.float64)
    )
    assert_values(f"out after torch.{name} was refused", out, np.full(6, 77.0))
    assert_raises(f"torch.{name}(…, out=[…])", TypeError, lambda: make(out=[0.0] * 6))
    leaf = torch.full((6,), math.pi, requires_grad=True, device=subject.device)
    if name not in ("eye", "empty"):
        assert_raises(f"torch.{name}(…, out=leaf that requires grad)", RuntimeError, lambda: make(out=leaf))
        assert_values("the leaf", leaf, np.full(6, np.float32(math.pi)))

"""Windows of signal processing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import SUMMED
from conformance.oracle import creation as oracle
from conformance.subject import Subject

pytestmark = must_answer

LENGTHS = (0, 1, 2, 3, 4, 5, 8, 17, 33, 100)


@dataclass(frozen=True)
class Window:
    """A window function; `weights` of its cosines, or none for the two that are made otherwise."""

    name: str
    weights: Sequence[float] = ()

    def make(self, length: int, *arguments: object, **keywords: object) -> torch.Tensor:
        return getattr(torch, self.name)(length, *arguments, **keywords)

    def expected(self, length: int, *, periodic: bool) -> np.ndarray:
        if self.name == "bartlett_window":
            return oracle.bartlett(length, periodic=periodic)
        if self.name == "kaiser_window":
            return oracle.kaiser(length, 12.0, periodic=periodic)
        return oracle.cosines(length, self.weights, periodic=periodic)


WINDOWS = (
    Window("bartlett_window"),
    Window("hann_window", (0.5, 0.5)),
    Window("hamming_window", (0.54, 0.46)),
    Window("blackman_window", (0.42, 0.5, 0.08)),
    Window("kaiser_window"),
)
# An angle of up to 4 pi and the cosines' weights are rounded, and each rounding reaches the sum: on the scale of 1.
ERROR = SUMMED.over(24)
ROWS = [
    pytest.param(window, id=window.name, marks=check(f"creation.{window.name.replace('_', '-')}")) for window in WINDOWS
]


def scale(length: int) -> np.ndarray:
    return np.ones(length)


@pytest.mark.parametrize("window", ROWS)
def test_windows_follow_their_formula(subject: Subject, window: Window) -> None:
    for dtype in ("float32", "float64"):
        own = host.torch_dtype(dtype)
        for length in LENGTHS:
            for periodic in (True, False):
                call = f"torch.{window.name}({length}, periodic={periodic}, dtype=torch.{dtype})"
                expected = window.expected(length, periodic=periodic)
                for t in (
                    window.make(length, periodic=periodic, dtype=own, device=subject.device),
                    window.make(length, periodic, dtype=own, device=subject.device),
                ):
                    assert_values(call, t, expected, ERROR, scale(length), dtype=dtype)
    default = window.make(9, device=subject.device)
    assert_values(
        f"torch.{window.name}(9)", default, window.expected(9, periodic=True), ERROR, scale(9), dtype="float32"
    )


@pytest.mark.parametrize(
    "window", [pytest.param(w, id=w.name, marks=check("creation.window-periodic")) for w in WINDOWS]
)
def test_a_periodic_window_is_a_longer_one_without_its_end(subject: Subject, window: Window) -> None:
    for length in LENGTHS[2:]:
        periodic = window.make(length, dtype=torch.float64, device=subject.device)
        longer = window.make(length + 1, periodic=False, dtype=torch.float64, device=subject.device)
        assert_values(
            f"torch.{window.name}({length})", periodic, host.array(longer)[:-1], ERROR, scale(length), dtype="float64"
        )
        values = host.array(longer)
        assert_values(
            f"torch.{window.name}({length + 1}, periodic=False), reversed",
            longer,
            values[::-1],
            ERROR,
            scale(length + 1),
        )
    for length in (0, 1):
        for periodic in (True, False):
            t = window.make(length, periodic=periodic, device=subject.device)
            assert_values(f"torch.{window.name}({length}, periodic={periodic})", t, np.ones(length), dtype="float32")


@pytest.mark.parametrize("window", [pytest.param(w, id=w.name, marks=check("creation.window-errors")) for w in WINDOWS])
def test_windows_refuse_what_is_no_window(subject: Subject, window: Window) -> None:
    assert_raises(f"torch.{window.name}(-1)", RuntimeError, lambda: window.make(-1, device=subject.device))
    for dtype in (torch.int64, torch.bool, torch.complex64):
        assert_raises(
            f"torch.{window.name}(5, dtype={dtype})", RuntimeError, lambda dtype=dtype: window.make(5, dtype=dtype)
        )
    assert_raises(f"torch.{window.name}(2.5)", TypeError, lambda: window.make(2.5))  # type: ignore[arg-type]
    leaf = window.make(5, requires_grad=True, device=subject.device)
    require(leaf.requires_grad and leaf.is_leaf, f"torch.{window.name}(5, requires_grad=True) is no leaf")


@check("creation.hamming-window")
def test_hamming_takes_its_weights(subject: Subject) -> None:
    for alpha, beta in ((0.54, 0.46), (0.5, 0.5), (0.6, 0.46), (0.75, 0.25), (1.0, 0.0)):
        for length in LENGTHS:
            for periodic in (True, False):
                expected = oracle.cosines(length, (alpha, beta), periodic=periodic)
                for t in (
                    torch.hamming_window(length, periodic, alpha, beta, dtype=torch.float64, device=subject.device),
                    torch.hamming_window(
                        length, periodic=periodic, alpha=alpha, beta=beta, dtype=torch.float64, device=subject.device
                    ),
                ):
                    call = f"torch.hamming_window({length}, {periodic}, {alpha}, {beta})"
                    assert_values(call, t, expected, ERROR, scale(length), dtype="float64")
    one = torch.hamming_window(7, periodic=False, alpha=0.6, dtype=torch.float64, device=subject.device)
    assert_values(
        "torch.hamming_window(7, alpha=0.6)", one, oracle.cosines(7, (0.6, 0.46), periodic=False), ERROR, scale(7)
    )


@check("creation.kaiser-window")
def test_kaiser_takes_its_shape(subject: Subject) -> None:
    for beta in (0.0, 0.5, 5.0, 8.6, 14.0, 6):
        for length in LENGTHS:
            for periodic in (True, False):
                expected = oracle.kaiser(length, beta, periodic=periodic)
                for dtype in ("float32", "float64"):
                    own = host.torch_dtype(dtype)
                    for t in (
                        torch.kaiser_window(length, periodic, beta, dtype=own, device=subject.device),
                        torch.kaiser_window(length, periodic=periodic, beta=beta, dtype=own, device=subject.device),
                    ):
                        call = f"torch.kaiser_window({length}, {periodic}, {beta}, dtype=torch.{dtype})"
                        assert_values(call, t, expected, ERROR, scale(length), dtype=dtype)


SYMMETRIC: dict[str, tuple[Callable[..., torch.Tensor], Callable[[int, bool], np.ndarray]]] = {
    "bartlett": (lambda m, **k: torch.signal.windows.bartlett(m, **k), lambda m, p: oracle.bartlett(m, periodic=p)),
    "hann": (lambda m, **k: torch.signal.windows.hann(m, **k), lambda m, p: oracle.cosines(m, (0.5, 0.5), periodic=p)),
    "hamming": (
        lambda m, **k: torch.signal.windows.hamming(m, **k),
        lambda m, p: oracle.cosines(m, (0.54, 0.46), periodic=p),
    ),
    "blackman": (
        lambda m, **k: torch.signal.windows.blackman(m, **k),
        lambda m, p: oracle.cosines(m, (0.42, 0.5, 0.08), periodic=p),
    ),
    "nuttall": (
        lambda m, **k: torch.signal.windows.nuttall(m, **k),
        lambda m, p: oracle.cosines(m, (0.3635819, 0.4891775, 0.1365995, 0.0106411), periodic=p),
    ),
    "general_hamming": (
        lambda m, **k: torch.signal.windows.general_hamming(m, alpha=0.6, **k),
        lambda m, p: oracle.cosines(m, (0.6, 0.4), periodic=p),
    ),
    "general_cosine": (
        lambda m, **k: torch.signal.windows.general_cosine(m, a=[0.46, 0.23, 0.31], **k),
        lambda m, p: oracle.cosines(m, (0.46, 0.23, 0.31), periodic=p),
    ),
    "kaiser": (
        lambda m, **k: torch.signal.windows.kaiser(m, beta=7.0, **k),
        lambda m, p: oracle.kaiser(m, 7.0, periodic=p),
    ),
    "cosine": (lambda m, **k: torch.signal.windows.cosine(m, **k), lambda m, p: oracle.sine_window(m, periodic=p)),
    "gaussian": (
        lambda m, **k: torch.signal.windows.gaussian(m, std=3.0, **k),
        lambda m, p: oracle.gaussian(m, 3.0, periodic=p),
    ),
    "exponential": (
        lambda m, **k: torch.signal.windows.exponential(m, tau=2.5, **k),
        lambda m, p: oracle.exponential(m, 2.5, periodic=p),
    ),
}


@check("creation.signal-windows")
@pytest.mark.parametrize("name", SYMMETRIC)
def test_signal_windows_are_symmetric_by_default(subject: Subject, name: str) -> None:
    make, expected = SYMMETRIC[name]
    for length in LENGTHS:
        for dtype in ("float32", "float64"):
            own = host.torch_dtype(dtype)
            for sym in (True, False):
                call = f"torch.signal.windows.{name}({length}, sym={sym}, dtype=torch.{dtype})"
                t = make(length, sym=sym, dtype=own, device=subject.device)
                assert_values(call, t, expected(length, not sym), ERROR, scale(length), dtype=dtype)
        plain = make(length, device=subject.device)
        assert_values(
            f"torch.signal.windows.{name}({length})",
            plain,
            expected(length, False),
            ERROR,
            scale(length),
            dtype="float32",
        )
    assert_raises(f"torch.signal.windows.{name}(-1)", ValueError, lambda: make(-1))
    assert_raises(f"torch.signal.windows.{name}(5, dtype=torch.int64)", ValueError, lambda: make(5, dtype=torch.int64))
    require(
        make(5, requires_grad=True).requires_grad and math.isfinite(make(5)[2].item()),
        f"torch.signal.windows.{name} ignores requires_grad",
    )


@check("creation.signal-windows", since="2.0")
def test_an_exponential_window_has_a_centre(subject: Subject) -> None:
    make = torch.signal.windows.exponential
    for dtype in ("float32", "float64"):
        for points, centre, tau in ((7, 0.0, 3.0), (7, 2.0, 1.5), (8, 3.5, 1.0), (5, 4.0, 0.5), (33, 10.0, 4.0)):
            out = make(points, center=centre, tau=tau, sym=False, dtype=host.torch_dtype(dtype), device=subject.device)
            due = np.exp(-np.abs(np.arange(points, dtype=np.longdouble) - centre) / tau)
            call = f"exponential({points}, center={centre}, tau={tau}, sym=False)"
            assert_values(call, out, due, SUMMED.over(points), 1 + np.log(1 / due.min()), dtype=dtype)
    assert_raises("exponential(7, center=2.0)", ValueError, lambda: make(7, center=2.0))

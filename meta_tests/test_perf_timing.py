"""The timer waits and says so, intervals are right, and a verdict needs more than noise; all with made-up times."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import threadpoolctl
import torch

from conformance.outcome import judge
from conformance.verdict import Verdict
from perf import clock as clocks
from perf.clock import Untrustworthy, WallClock, clock_for, prove, spin
from perf.interval import Ratio, bootstrap, decide, ratio
from perf.measurement import Measurement
from perf.meter import Inconclusive, Meter, agreed, settle
from perf.roofline import Ceilings
from perf.timing import LEAST_ROUNDS, MOST_ROUNDS, Turns, Work, copies_past_caches, take, threads

R, H, I = Verdict.REFUTED, Verdict.HELD, Verdict.INCONCLUSIVE  # noqa: E741


# -- the clock ---------------------------------------------------------------------------------------------------------


def test_the_clock_of_the_cpu_proves_itself() -> None:
    seen = prove(clock_for("cpu"))
    assert seen["growth"] > clocks.LEAST_GROWTH
    assert 0 < seen["step"] < 1e-5


class Impatient(WallClock):
    """Sees the launch of the work only, as a clock does that does not wait for a device."""

    def seconds(self, calls: Sequence[Any], loops: int) -> float:
        super().seconds(calls, loops)
        return 5e-6


class Coarse(WallClock):
    def step(self) -> float:
        return 0.016


class Stopped(WallClock):
    def step(self) -> float:
        return 0.0


@pytest.mark.parametrize(
    ("stub", "says"), [(Impatient, "does not wait for cpu"), (Coarse, "too coarse"), (Stopped, "too coarse")]
)
def test_a_clock_that_must_not_be_believed_is_found_out(stub: type[WallClock], says: str) -> None:
    with pytest.raises(Untrustworthy, match=says):
        prove(stub("cpu"), side=128)


def test_a_clock_that_lags_behind_by_a_constant_is_found_out() -> None:
    """Time that grows with the work, but is a tenth of what passes until the result can be read."""

    class Tenth(WallClock):
        def seconds(self, calls: Sequence[Any], loops: int) -> float:
            return super().seconds(calls, loops) / 10

    with pytest.raises(Untrustworthy, match="does not wait"):
        prove(Tenth("cpu"), side=256)


def test_an_untrustworthy_clock_says_nothing_about_pytorch() -> None:
    with pytest.raises(Untrustworthy) as raised:
        prove(Coarse("cpu"), side=16)
    assert judge(raised.value) is Verdict.BROKEN


def test_the_wall_clock_waits_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr(clocks, "synchronise", lambda device: order.append("wait"))
    WallClock("meta").seconds([lambda: order.append("call")], 2)
    assert order == ["wait", "call", "call", "wait"]


def test_a_device_is_waited_for_by_its_own_module(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[bool] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waited.append(True))
    clocks.synchronise(torch.device("cuda"))
    clocks.synchronise(torch.device("cpu"))
    assert waited == [True]


def test_cuda_gets_events_and_others_the_wall() -> None:
    assert type(clock_for("cuda")) is clocks.EventClock
    assert type(clock_for("cpu")) is type(clock_for("meta")) is WallClock


def test_calls_are_taken_in_turn() -> None:
    seen: list[int] = []
    spin([lambda: seen.append(0), lambda: seen.append(1), lambda: seen.append(2)], 5)
    assert seen == [0, 1, 2, 0, 1]


# -- turns -------------------------------------------------------------------------------------------------------------


class Scripted(WallClock):
    """Says how long each work takes, and keeps the order in which they came."""

    def __init__(self, seconds: dict[Any, float]) -> None:
        super().__init__("cpu")
        self.known, self.order = seconds, []

    def seconds(self, calls: Sequence[Any], loops: int) -> float:
        self.order.append(calls[0])
        return self.known[calls[0]]

    def step(self) -> float:
        return 1e-9


def test_works_are_taken_in_turn_and_every_other_turn_backwards() -> None:
    scripted = Scripted({"a": 1e-3, "b": 2e-3})
    turns = Turns(scripted, [Work("A", ("a",)), Work("B", ("b",))])  # type: ignore[arg-type]
    turns.warm_up()
    scripted.order.clear()
    for _ in range(4):
        turns.turn()
    assert "".join(scripted.order) == "abbaabba"
    assert turns.samples == [[1e-3] * 4, [2e-3] * 4]


def test_a_sample_is_long_enough_for_the_clock() -> None:
    scripted = Scripted({"a": 1e-6})
    turns = Turns(scripted, [Work("A", ("a",))], least=1e-3)  # type: ignore[arg-type]
    turns.warm_up()
    assert turns.loops[0] >= 1000
    scripted.step = lambda: 1e-5  # type: ignore[method-assign]
    turns.warm_up()
    assert turns.loops[0] * 1e-6 >= clocks.STEPS * 1e-5


def test_rounds_fit_the_budget_within_bounds() -> None:
    turns = Turns(Scripted({}), [])
    assert [turns.rounds(turn, 1.0) for turn in (1e-9, 0.05, 10.0)] == [MOST_ROUNDS, 20, LEAST_ROUNDS]


def test_warming_up_leaves_no_samples() -> None:
    turns = take(WallClock("cpu"), [Work.of("nothing", lambda: None)], 0.001)
    assert len(turns.samples[0]) == turns.taken >= LEAST_ROUNDS


def test_inputs_go_past_the_caches() -> None:
    for size in (1, 2**20, 2**26, 2**30):
        assert copies_past_caches(size) >= 2
    assert copies_past_caches(2**24) * 2**24 > 2**28


def test_the_number_of_threads_comes_back() -> None:
    before = torch.get_num_threads()

    def broken() -> None:
        with threads(1):
            raise KeyError(torch.get_num_threads())

    with pytest.raises(KeyError, match="1"):
        broken()
    assert torch.get_num_threads() == before


def test_numpy_gets_as_many_threads_as_pytorch() -> None:
    for count in (2, 1):
        with threads(count):
            libraries = threadpoolctl.threadpool_info()
        assert {library["num_threads"] for library in libraries if library["user_api"] == "blas"} <= {count}


# -- intervals ---------------------------------------------------------------------------------------------------------


def samples(seed: int, count: int = 31, *, median: float = 1.0, noise: float = 0.1) -> np.ndarray:
    """Times as machines give them: lognormal, with a long tail where something else ran."""
    rng = np.random.default_rng(seed)
    times = median * np.exp(noise * rng.standard_normal(count))
    return np.where(rng.random(count) < 0.1, times * 5, times)


def test_the_interval_covers_the_median_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(200):
        found = bootstrap(np.exp(0.2 * np.random.default_rng(seed).standard_normal(41)), resamples=400)
        assert found.low <= found.value <= found.high
        hits += found.low <= 1.0 <= found.high
    assert hits / 200 > 0.89  # 95 %, less what two hundred draws and a discrete statistic leave open


def test_an_interval_is_the_same_every_time_and_narrows_with_more() -> None:
    assert bootstrap(samples(0)) == bootstrap(samples(0))
    few, many = bootstrap(samples(1, 11)), bootstrap(samples(1, 401))
    assert many.high - many.low < few.high - few.low


def test_constant_samples_have_no_width_and_none_no_interval() -> None:
    found = bootstrap([2.0] * 9)
    assert (found.low, found.value, found.high) == (2.0, 2.0, 2.0)
    with pytest.raises(ValueError, match="nothing"):
        bootstrap([])
    with pytest.raises(ValueError, match="turns"):
        ratio([1.0], [1.0, 2.0], [1.0])


def test_a_ratio_is_taken_turn_by_turn() -> None:
    """A machine that gets ten times slower on the way changes no ratio."""
    drift = np.geomspace(1, 10, 25)
    found = ratio(drift, 3 * drift, drift)
    assert (found.value, found.low, found.high, found.floor) == pytest.approx((3, 3, 3, 1))


def test_the_floor_is_what_a_work_differs_from_itself() -> None:
    quiet = ratio(samples(1, noise=0.01), samples(2, noise=0.01), samples(3, noise=0.01))
    noisy = ratio(samples(1, noise=0.5), samples(2, noise=0.5), samples(3, noise=0.5))
    assert 1 <= quiet.floor < noisy.floor
    shifted = ratio([1.0] * 9, [1.0] * 9, [0.5] * 9)
    assert shifted.floor == pytest.approx(2.0)


# -- verdicts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "floor", "least", "most", "verdict"),
    [
        (0.9, 1.1, 1.1, None, 2.0, H),
        (2.5, 2.7, 1.1, None, 2.0, R),
        (2.1, 2.7, 1.1, None, 2.0, I),  # the interval lies outside, but not by more than the floor
        (1.8, 2.7, 1.0, None, 2.0, I),
        (2.1, 9.0, 1.0, None, 2.0, R),
        (0.1, 0.2, 1.1, 0.25, None, R),
        (0.1, 0.24, 1.1, 0.25, None, I),
        (0.3, 0.9, 3.0, 0.25, None, H),
        (1.0, 2.0, 1.0, 1.0, 2.0, H),
        (30.0, 40.0, 1.2, 3.0, 24.0, R),
        (1.0, 2.0, 1.2, 3.0, 24.0, R),
    ],
)
def test_a_verdict_needs_more_than_noise(
    low: float, high: float, floor: float, least: float | None, most: float | None, verdict: Verdict
) -> None:
    found = Ratio(math.sqrt(low * high), low, high, floor)
    assert decide(found, least=least, most=most) is verdict


def test_a_work_is_never_refuted_against_itself() -> None:
    for seed in range(0, 300, 3):
        found = ratio(*(samples(seed + place, 15, noise=0.3) for place in range(3)))
        assert decide(found, least=1 / 1.5, most=1.5) is not R


def test_a_work_of_twice_the_cost_is_seen_in_noise() -> None:
    for seed in range(0, 60, 3):
        base, judged, again = (samples(seed + place, 31, noise=0.05) for place in range(3))
        assert decide(ratio(base, 2 * judged, again), most=1.2) is R
        assert decide(ratio(base, 1.02 * judged, again), most=1.2) is H


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [([H], H), ([R, R], R), ([R, H], I), ([I, H], H), ([I, R, R], R), ([I, I, I], I), ([R, I, I], I), ([I, R, H], I)],
)
def test_a_refutation_has_to_be_seen_twice(seen: list[Verdict], verdict: Verdict) -> None:
    assert agreed(seen) is verdict


def test_settling_ends_a_check_as_the_verdict_says() -> None:
    settle(H, "well")
    for verdict in (R, I):
        with pytest.raises((AssertionError, Inconclusive), match="why") as raised:
            settle(verdict, "why")
        assert judge(raised.value) is verdict


# -- the meter ---------------------------------------------------------------------------------------------------------


def meter(seconds: dict[Any, float], figures: list[dict[str, Any]]) -> Meter:
    return Meter("cpu", Scripted(seconds), budget=0.001, report=figures.append)


A, B = Work("a thing", ("a",)), Work("another", ("b",))  # type: ignore[arg-type]


def test_a_comparison_is_recorded_whatever_its_verdict() -> None:
    figures: list[dict[str, Any]] = []
    meter({"a": 1e-3, "b": 1.5e-3}, figures).compare(A, B, most=2.0, elements=7)
    with pytest.raises(
        AssertionError, match=r"another took 3 \(3 to 3\) times as long as a thing, noise floor ×1, .* at most 2"
    ):
        meter({"a": 1e-3, "b": 3e-3}, figures).compare(A, B, most=2.0)
    assert [figure["ratio"] for figure in figures] == pytest.approx([1.5, 3.0])
    assert figures[0]["elements"] == 7
    assert "least" not in figures[0]


def test_a_kernel_that_is_too_quick_is_refuted() -> None:
    figures: list[dict[str, Any]] = []
    found = Meter(
        "cpu", WallClock("cpu"), budget=0.01, report=figures.append, ceilings_of={torch.get_num_threads(): CEILINGS}
    )
    with pytest.raises(AssertionError, match=r"at least 0\.25"):
        found.kernel(Work.of("nothing", lambda: None), 2**24, 0, "float32", None)
    found.kernel(Work.of("sleep", lambda: time.sleep(0.02)), 2**20, 0, "float32", None)
    assert figures[1]["limit"] / figures[1]["seconds"] < 0.1


CEILINGS = Ceilings(
    "cpu",
    1,
    bandwidth={("copy", "torch", 2**18): 4e11, ("read", "numpy", 2**18): 8e11, ("copy", "torch", 2**28): 1e10},
    rate={"float32": 1e12, "float64": 5e11},
)


@pytest.mark.parametrize(
    ("moved", "operations", "dtype", "seconds", "bound"),
    [
        (2**28, 0, "float32", 2**28 / 1e10, "bandwidth"),
        (2**30, 0, "float32", 2**30 / 1e10, "bandwidth"),
        (2**20, 0, "float32", 2**20 / 8e11, "bandwidth"),  # the best of a size that is no larger
        (2**10, 0, "float32", 2**10 / 8e11, "bandwidth"),
        (2**20, 10**12, "float32", 1.0, "arithmetic"),
        (2**20, 10**12, "float64", 2.0, "arithmetic"),
        (2**20, 10**12, "float16", 1.0, "arithmetic"),  # unknown: the best there is
    ],
)
def test_the_ceiling_of_a_kernel(moved: int, operations: int, dtype: str, seconds: float, bound: str) -> None:
    assert CEILINGS.limit(moved, operations, dtype) == (pytest.approx(seconds), bound)


def test_a_figure_leaves_out_what_does_not_apply() -> None:
    figure = Measurement(name="x", kind="time", seconds=1.23456789e-6, bytes=123456789)
    assert figure.plain() == {"name": "x", "kind": "time", "seconds": 1.23457e-6, "bytes": 123456789}


def test_the_floor_is_the_larger_of_both_sides() -> None:
    """A machine that disturbs the judged work alone must not be taken for a slow PyTorch."""
    found = ratio([1.0] * 9, [5.0] * 9, [1.0] * 9, [2.0] * 9)
    assert found.floor == pytest.approx(2.5)
    assert decide(found, most=4.0) is I
    assert decide(ratio([1.0] * 9, [5.0] * 9, [1.0] * 9), most=4.0) is R


def test_samples_last_alike() -> None:
    """Or a busy machine would interrupt the long ones only, and stretch every ratio."""

    class Honest(Scripted):
        def seconds(self, calls: Sequence[Any], loops: int) -> float:
            self.order.append((calls[0], loops))
            return self.known[calls[0]]

    turns = Turns(Honest({"a": 1e-6, "b": 4e-3, "c": 0.3}), [Work(name, (name,)) for name in "abc"], alike=True)  # type: ignore[arg-type]
    turns.warm_up()
    assert turns.loops == [5_000, 2, 1]

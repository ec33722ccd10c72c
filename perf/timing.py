"""Works timed in turn (A B A B …), warmed up, each sample long enough for the clock."""

from __future__ import annotations

import gc
import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import threadpoolctl
import torch

from perf.clock import STEPS, Call, WallClock

LEAST_ROUNDS = 5
MOST_ROUNDS = 61
MOST_LOOPS = 100_000
# So long, in seconds, samples are made to last alike, unless they last longer anyway.
ALIKE = 0.005
# What rotated inputs have to add up to, so that the next one has left every cache.
PAST_CACHES = 256 * 2**20


@dataclass(frozen=True)
class Work:
    """Something to time. `calls` are called in turn: several, each with an input of its own, keep the caches cold."""

    name: str
    calls: tuple[Call, ...]

    @classmethod
    def of(cls, name: str, *calls: Call) -> Work:
        return cls(name, calls)


def copies_past_caches(size: int) -> int:
    """How many inputs of `size` bytes have to be taken in turn, so that each is cold when its turn comes."""
    return max(2, min(64, math.ceil(PAST_CACHES / max(size, 1)) + 1))


@dataclass
class Turns:
    """Works timed by one clock, one sample of each in every turn; every other turn goes backwards.

    `samples`: seconds for one call, by work. `least`: how long a sample lasts at least, in seconds. `alike`: whether
    the samples of all works last about as long.
    """

    clock: WallClock
    works: Sequence[Work]
    least: float = 2e-4
    alike: bool = False
    loops: list[int] = field(default_factory=list)
    samples: list[list[float]] = field(default_factory=list)
    taken: int = 0

    def warm_up(self) -> float:
        """Call everything once and more, fit the loops, forget the samples; returns the seconds of one turn."""
        least = max(self.least, STEPS * self.clock.step())
        self.samples = [[] for _ in self.works]
        began = time.perf_counter()
        fitted = [self._fitted(work, least) for work in self.works]
        self.loops = self._alike(fitted) if self.alike else [loops for loops, _ in fitted]
        quick = time.perf_counter() - began < 50 * least * len(self.works)
        if quick:
            self.turn()
        self.samples = [[] for _ in self.works]
        self.taken = 0
        return sum(loops * one for loops, (_, one) in zip(self.loops, fitted, strict=True))

    def _alike(self, fitted: Sequence[tuple[int, float]]) -> list[int]:
        """Loops for samples that last about as long as the longest, up to a limit.

        A busy machine takes the processor away every few milliseconds: that would hit long samples only.
        """
        longest = min(max((loops * one for loops, one in fitted), default=0.0), ALIKE)
        return [max(loops, min(math.ceil(longest / max(one, 1e-9)), MOST_LOOPS)) for loops, one in fitted]

    def _fitted(self, work: Work, least: float) -> tuple[int, float]:
        """The number of calls that last `least` seconds, and the seconds of one; each call's input is touched."""
        loops = len(work.calls)
        one = self.clock.seconds(work.calls, loops)
        if one * loops < 50 * least:  # what takes longer is warm enough
            one = self.clock.seconds(work.calls, loops)
        while one * loops < least and loops < MOST_LOOPS:
            loops = min(max(2 * loops, math.ceil(least / max(one, 1e-9))), MOST_LOOPS)
            one = self.clock.seconds(work.calls, loops)
        return loops, one

    def turn(self) -> None:
        """One sample of each work."""
        places = range(len(self.works))
        for place in places if self.taken % 2 == 0 else reversed(places):
            self.samples[place].append(self.clock.seconds(self.works[place].calls, self.loops[place]))
        self.taken += 1

    def rounds(self, turn: float, budget: float, least: int = LEAST_ROUNDS) -> int:
        """How many turns fit into a budget, both in seconds; at least so many, and at most MOST_ROUNDS."""
        return max(least, min(MOST_ROUNDS, int(budget / max(turn, 1e-9))))


Driver = Callable[[Call, int], None]


def plainly(turn: Call, rounds: int) -> None:
    """Drive the turns without any harness."""
    for _ in itertools.repeat(None, rounds):
        turn()


def take(
    clock: WallClock,
    works: Sequence[Work],
    budget: float,
    drive: Driver = plainly,
    *,
    least_rounds: int = LEAST_ROUNDS,
    alike: bool = False,
) -> Turns:
    """Time works in turn for about `budget` seconds, at least so many turns; `alike` as in Turns."""
    turns = Turns(clock, works, alike=alike)
    with undisturbed():
        turn = turns.warm_up()
        drive(turns.turn, turns.rounds(turn, budget, least_rounds))
    return turns


@contextmanager
def undisturbed() -> Iterator[None]:
    """No garbage collection while a block is timed."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads for one operation on the CPU, PyTorch's and NumPy's alike, while the block lasts."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpoolctl.threadpool_limits(count, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)

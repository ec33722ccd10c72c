"""What checks of cost hold in their hands: it times in turn, records figures, and refutes only outside the noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from conformance.verdict import Verdict
from perf import memory, roofline
from perf.clock import WallClock
from perf.interval import Ratio, bootstrap, decide, ratio
from perf.measurement import Measurement
from perf.timing import LEAST_ROUNDS, Driver, Turns, Work, plainly, take

# A verdict against PyTorch needs that many measurements that agree, and none that says the contrary.
AGREEING = 2
# Where the first leaves it open, the next ones take so many times as long.
PATIENCE = (1, 3, 8)

# How often a peak of memory is measured before it refutes.
PEAKS = 6


class Inconclusive(Exception):
    """The noise is wider than what is to be decided."""


@dataclass
class Meter:
    """Times works on one subject. `budget`: seconds for one comparison. `scale`: a share of the usual sizes.

    `report` takes each figure as plain values, `ceilings_of` keeps the ceilings by number of threads; `drive` runs the
    turns of the first comparison (a harness may), and `keep` gets that comparison's samples.
    """

    device: str
    clock: WallClock
    budget: float = 1.0
    scale: float = 1.0
    report: Callable[[dict[str, Any]], None] = lambda figure: None
    drive: Driver = plainly
    keep: Callable[[Turns, int, dict[str, Any]], None] = lambda turns, judged, extra: None
    ceilings_of: dict[int, roofline.Ceilings] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<a meter of {self.device}>"

    def size(self, elements: int, least: int = 1) -> int:
        """So many elements at the usual effort, fewer in a quick run."""
        return max(least, int(elements * self.scale))

    def record(self, figure: Measurement) -> None:
        """Add a figure to the record of the check that runs."""
        self.report(figure.plain())

    def compare(
        self, base: Work, judged: Work, *, least: float | None = None, most: float | None = None, **about: Any
    ) -> Ratio:
        """How many times as long `judged` takes as `base`; limits as factors. Raises AssertionError or Inconclusive.

        `about`: further fields of the figure.
        """
        turns, found, verdict = self.judge([base, judged], least=least, most=most)
        times = [bootstrap(samples) for samples in turns.samples]
        self.record(
            Measurement(
                name=judged.name,
                kind="ratio",
                base=base.name,
                ratio=found.value,
                low=found.low,
                high=found.high,
                floor=found.floor,
                least=least,
                most=most,
                seconds=times[1].value,
                rounds=turns.taken,
                **about,
            )
        )
        settle(verdict, said(judged.name, base.name, found, least, most))
        return found

    def judge(
        self, works: Sequence[Work], *, least: float | None = None, most: float | None = None
    ) -> tuple[Turns, Ratio, Verdict]:
        """Time base, judged and whatever else in turn, and both again for the noise floor; judge the ratio.

        Refuted: two measurements agree and none holds. Held: one holds and none refutes.
        """
        seen: list[Verdict] = []
        both = len(works) == 2  # a kernel is only ever too quick: there the base is enough
        again = [replace(work, name=f"{work.name}, again") for work in (works if both else works[:1])]
        works = [*works[:2], *again, *works[2:]]
        for patience in PATIENCE:
            turns = self._take(works, patience, alike=both)
            found = ratio(*turns.samples[: 2 + len(again)])
            seen.append(decide(found, least=least, most=most))
            if Verdict.HELD in seen or seen.count(Verdict.REFUTED) == AGREEING:
                break
        return turns, found, agreed(seen)

    def _take(self, works: Sequence[Work], patience: int = 1, *, alike: bool = False) -> Turns:
        """Time in turn: the first time through the harness, which keeps the samples of the judged work."""
        drive, self.drive = self.drive, plainly
        rounds = LEAST_ROUNDS + 2 * patience - 2
        turns = take(self.clock, works, patience * self.budget, drive, least_rounds=rounds, alike=alike)
        keep, self.keep = self.keep, lambda turns, judged, extra: None
        medians = {work.name: bootstrap(samples).value for work, samples in zip(works, turns.samples, strict=True)}
        keep(turns, min(1, len(works) - 1), {"seconds": medians, "loops": turns.loops})
        return turns

    def times(self, works: Sequence[Work], **about: Any) -> list[float]:
        """Time some works in turn without judging anything; records and returns their medians in seconds."""
        turns = self._take(works)
        medians = []
        for work, samples, loops in zip(works, turns.samples, turns.loops, strict=True):
            found = bootstrap(samples)
            medians.append(found.value)
            self.record(
                Measurement(
                    name=work.name,
                    kind="time",
                    seconds=found.value,
                    low=found.low,
                    high=found.high,
                    rounds=turns.taken,
                    loops=loops,
                    **about,
                )
            )
        return medians

    def ceilings(self) -> roofline.Ceilings:
        """The ceilings for the number of threads that is set; measured when first asked for."""
        count = torch.get_num_threads()
        if count not in self.ceilings_of:
            largest = max(roofline.SHARED, int(roofline.MEMORY * self.scale))
            self.ceilings_of[count] = roofline.measure(self.clock, largest=largest)
        return self.ceilings_of[count]

    def kernel(self, work: Work, moved: int, operations: int, dtype: str, numpy: Work | None, **about: Any) -> None:
        """Time a kernel beside a copy of as many bytes: the claim is that it takes at least a quarter as long.

        `moved` and `operations`: what it must at least move (bytes) and do. The figure has its share of the ceilings.
        """
        works = [self.copy(moved), work, numpy or Work.of("nothing", _nothing)]
        turns, found, verdict = self.judge(works, least=0.25)
        if numpy:
            about["numpy"] = bootstrap(turns.samples[3]).value
        self._figure(
            turns, 1, self.ceilings().limit(moved, operations, dtype), bytes=moved, operations=operations, **about
        )
        settle(verdict, said(work.name, works[0].name, found, 0.25, None))

    def figure(self, work: Work, moved: int, operations: int, **about: Any) -> None:
        """Time a work and record it with its share of the ceilings, without judging it. As in `kernel`."""
        limit = self.ceilings().limit(moved, operations)
        self._figure(self._take([work]), 0, limit, bytes=moved, operations=operations, **about)

    def _figure(self, turns: Turns, place: int, limit: tuple[float, str], **about: Any) -> None:
        time = bootstrap(turns.samples[place])
        self.record(
            Measurement(
                name=turns.works[place].name,
                kind="time",
                seconds=time.value,
                low=time.low,
                high=time.high,
                rounds=turns.taken,
                loops=turns.loops[place],
                limit=limit[0],
                bound=limit[1],
                threads=torch.get_num_threads(),
                **about,
            )
        )

    def copy(self, moved: int) -> Work:
        """A copy on the device into memory that is there already, which reads and writes `moved` bytes altogether."""
        source, target = (torch.ones(max(1, moved // 2), dtype=torch.uint8, device=self.device) for _ in range(2))
        return Work.of(f"copy of {moved:,} bytes", lambda: target.copy_(source))

    def peak(self, name: str, call: Callable[[], Any], *, least: int = 0, most: int | None = None) -> int:
        """Peak memory of a call in bytes, within limits or the claim is refuted.

        What else the process does counts as well, so one measurement of a few within the limits is enough.
        """
        for _ in range(PEAKS):
            found = memory.peak(call, self.device)
            if least <= found <= (most if most is not None else found):
                break
        self.record(Measurement(name=name, kind="memory", bytes=found, least=least, most=most))
        assert found >= least, f"{name}: {found:,} bytes at the peak, but should be at least {least:,}"
        assert most is None or found <= most, f"{name}: {found:,} bytes at the peak, but should be at most {most:,}"
        return found


def _nothing() -> None:
    pass


def agreed(seen: Sequence[Verdict]) -> Verdict:
    """The verdict of several measurements of one thing."""
    if Verdict.HELD in seen and Verdict.REFUTED not in seen:
        return Verdict.HELD
    refuted = seen.count(Verdict.REFUTED) >= AGREEING and Verdict.HELD not in seen
    return Verdict.REFUTED if refuted else Verdict.INCONCLUSIVE


def settle(verdict: Verdict, message: str) -> None:
    """End the check as the verdict says: return, AssertionError or Inconclusive."""
    if verdict is Verdict.INCONCLUSIVE:
        raise Inconclusive(message)
    assert verdict is Verdict.HELD, message


def said(judged: str, base: str, found: Ratio, least: float | None, most: float | None) -> str:
    """The sentence about a ratio and its limits."""
    limits = [f"at {word} {limit:g}" for word, limit in (("least", least), ("most", most)) if limit is not None]
    return (
        f"{judged} took {found.value:.3g} ({found.low:.3g} to {found.high:.3g}) times as long as {base}, "
        f"noise floor ×{found.floor:.3g}, but should take {' and '.join(limits)}"
    )

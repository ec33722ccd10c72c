"""Every claim of cost has a mutant, and the check of the claim refutes it: with small sizes, and in little time."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch

import perf.clock
from conformance.claim import catalogue
from conformance.outcome import judge
from conformance.plugin.state import PLANNED, ROOT, SETTLED
from conformance.subject import release
from conformance.verdict import Verdict
from meta_tests.mutant import Mutant
from meta_tests.mutants_perf import MUTANTS, ON_META, busy
from perf.clock import Call, WallClock, spin
from perf.meter import Meter
from perf.timing import Work, threads

COSTS = [claim for claim in catalogue().values() if claim.area == "perf"]
# How often a busy machine is asked.
PATIENCE = 8
SMALL = {"budget": 0.02, "scale": 1 / 64}


class _Collector:
    def __init__(self) -> None:
        self.items: list[pytest.Item] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = list(session.items)


@functools.cache
def checks() -> dict[str, list[Callable[..., Verdict]]]:
    """Every check of cost that can run here, by claim, as a function of a meter and perhaps another subject."""
    collector = _Collector()
    options = ["--collect-only", "-p", "no:terminal", "-p", "no:cacheprovider", "--effort=quick", f"--rootdir={ROOT}"]
    assert pytest.main([*options, str(ROOT / "perf")], [collector]) == 0
    found = defaultdict(list)
    for item in collector.items:
        if PLANNED in item.stash and SETTLED not in item.stash:
            found[item.stash[PLANNED].claim].append(functools.partial(run, item))
    return dict(found)


def run(item: Any, meter: Meter, subject: Any = None) -> Verdict:
    arguments = dict(item.callspec.params)
    if subject is not None:
        arguments["subject"] = subject
    if "meter" in item._fixtureinfo.argnames:
        arguments["meter"] = meter
    try:
        item.obj(**arguments)
    except Exception as error:
        return judge(error)
    return Verdict.HELD


def verdicts(claim: str, meter: Callable[[], Meter], subject: Any = None) -> list[Verdict]:
    """The verdicts of a claim's checks, up to the first that refutes; asked again where noise leaves one open."""
    for _ in range(PATIENCE):
        seen = asked(claim, meter, subject)
        if Verdict.REFUTED in seen or Verdict.INCONCLUSIVE not in seen:
            break
    return seen


def asked(claim: str, meter: Callable[[], Meter], subject: Any) -> list[Verdict]:
    """The verdicts, asked once."""
    seen: list[Verdict] = []
    for check in checks()[claim]:
        seen.append(check(meter(), subject))
        if seen[-1] is Verdict.REFUTED:
            break
    return seen


class ProcessorClock(WallClock):
    """The processor's time of this thread: a busy machine does not lengthen it, so that little time is enough."""

    def seconds(self, calls: Sequence[Call], loops: int) -> float:
        began = time.thread_time()
        spin(calls, loops)
        return max(time.thread_time() - began, 1e-9) / loops


# Its items are slow because they sleep, which takes no time of the processor.
ASLEEP = "perf.dataloader-workers-speed-up"


def small(claim: str = "") -> Meter:
    """A meter for little work in little time."""
    return Meter("cpu", (WallClock if claim == ASLEEP else ProcessorClock)("cpu"), **SMALL)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """All work in the thread whose time is taken."""
    with threads(1):
        yield


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.claim}: {mutant.name}")
def test_a_mutant_of_cost_is_refuted(mutant: Mutant) -> None:
    if mutant.claim not in checks():
        assert not catalogue()[mutant.claim].exists_in(release())
        return
    with mutant.change():
        seen = verdicts(mutant.claim, lambda: small(mutant.claim))
    assert Verdict.REFUTED in seen, f"{mutant.claim} is not refuted where {mutant.name}: {seen}"


def test_every_claim_of_cost_has_a_mutant() -> None:
    broken = {mutant.claim for mutant in [*MUTANTS, *ON_META]}
    assert broken == {claim.id for claim in COSTS}


# Of these, PyTorch as it is must never be refuted, however small the sizes and the time.
STEADY = ("from-numpy", "as-tensor", "numpy", "view", "detach", "transpose", "expand", "slice", "to-same")


@pytest.mark.parametrize("name", STEADY)
def test_the_sound_pytorch_is_not_refuted(name: str) -> None:
    seen = [check(small()) for check in checks()[f"perf.{name}-constant"][:2]]
    assert Verdict.REFUTED not in seen


# -- a fifth more, twenty times over -----------------------------------------------------------------------------------

REPEATS = 20
# A change of this size is looked for: between none and a fifth.
LOOKED_FOR = 1.1
ROWS = torch.linspace(0.0, 1.0, 2**15).reshape(32, -1)


def softmax() -> None:
    torch.softmax(ROWS, -1)


def softmax_and_a_fifth() -> None:
    """The kernel, and then a fifth of the processor's time that it took."""
    began = time.thread_time()
    torch.softmax(ROWS, -1)
    busy((time.thread_time() - began) / 5)


def softmax_and_a_pass() -> None:
    """The kernel, and then a pass over its input that nobody needs: some more than a fifth."""
    torch.softmax(ROWS, -1)
    ROWS.exp()


def judged(call: Call) -> Verdict:
    """What is said of a kernel beside the sound one; asked again where noise leaves it open."""
    for _ in range(PATIENCE):
        _, _, verdict = small().judge([Work.of("softmax", softmax), Work.of("judged", call)], most=LOOKED_FOR)
        if verdict is not Verdict.INCONCLUSIVE:
            break
    return verdict


@pytest.mark.parametrize("call", [softmax_and_a_fifth, softmax_and_a_pass], ids=lambda call: call.__name__)
def test_a_fifth_more_is_found_every_time(call: Call) -> None:
    assert [judged(call) for _ in range(REPEATS)] == [Verdict.REFUTED] * REPEATS


def test_the_same_kernel_is_never_found_to_be_slower() -> None:
    assert Verdict.REFUTED not in [judged(softmax) for _ in range(REPEATS)]


# -- accelerators, on a device that does nothing -----------------------------------------------------------------------


@dataclass
class Pretended:
    """A subject that says yes to everything, on the device meta."""

    device: str = "meta"
    name: str = "meta"
    is_cpu: bool = False

    def require_feature(self, feature: str) -> None:
        """Anything is there."""


@pytest.fixture
def pinnable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors can be pinned, and remember it."""

    def pin(self: torch.Tensor) -> torch.Tensor:
        found = self.clone()
        found.pretends_to_be_pinned = True
        return found

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)


def on_meta() -> Meter:
    return Meter("meta", WallClock("meta"), **SMALL)


@pytest.mark.usefixtures("pinnable")
@pytest.mark.parametrize("mutant", ON_META, ids=lambda mutant: f"{mutant.claim}: {mutant.name}")
def test_a_mutant_of_an_accelerator_is_refuted(mutant: Mutant) -> None:
    with mutant.change():
        assert verdicts(mutant.claim, on_meta, Pretended()) == [Verdict.REFUTED]


@pytest.mark.usefixtures("pinnable")
@pytest.mark.parametrize("claim", ["perf.gpu-accelerates", "perf.launch-returns-early"])
def test_a_good_accelerator_is_not(claim: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perf.clock, "synchronise", lambda device: time.sleep(0.001))
    assert verdicts(claim, on_meta, Pretended()) == [Verdict.HELD]

"""One check: seeds, the count of examples, and the record that its outcome becomes. Runs in every worker."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import numpy as np
import pytest
import torch

from conformance import bugreport, numerics, reproducer
from conformance.outcome import frames, judge
from conformance.plugin.state import PLANNED, SETTLED, State
from conformance.run import Detail, Record
from conformance.verdict import FAULTS, Verdict

KEY = "conformance"


@dataclass
class Tried:
    """What a check did: how many examples it saw, and the arguments of the last."""

    examples: int = 0
    arguments: dict[str, Any] = field(default_factory=dict)


TRIED = pytest.StashKey[Tried]()


class Judging:
    """Turns the outcome of each check into a record, carried by the report's user_properties as plain values."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.compared: tuple[str, str] | None = None
        self.only_cpu = all(subject.device.partition(":")[0] in ("cpu", "meta") for subject in state.subjects.values())

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if PLANNED not in item.stash:
            return
        if SETTLED in item.stash:
            verdict, reason = item.stash[SETTLED]
            pytest.skip(f"{verdict}: {reason}")
        item.stash[TRIED] = Tried()
        self.compared = None
        numerics.margin.reset()
        numerics.widening.clear()
        numerics.widening.update(self.state.subjects[item.stash[PLANNED].subject].profile.tolerances)
        self._seed(item)

    def _seed(self, item: pytest.Item) -> None:
        seed = item.stash[PLANNED].seed(self.state.seed)
        random.seed(seed)
        np.random.seed(seed)
        self._seed_torch(seed)
        check: Any = getattr(item, "obj", None)
        if hasattr(check, "hypothesis") and self.state.effort != "deep":
            hypothesis.seed(seed)(check)

    def _seed_torch(self, seed: int) -> None:
        # manual_seed asks every kind of accelerator, which takes a millisecond; on the CPU one generator is all.
        torch.default_generator.manual_seed(seed) if self.only_cpu else torch.manual_seed(seed)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Iterator[None]:
        """Count the examples and keep the last: after shrinking, that is the smallest that fails."""
        tried = pyfuncitem.stash.get(TRIED, None)
        handle = getattr(pyfuncitem.obj, "hypothesis", None)
        if tried is None or handle is None:
            if tried is not None:
                names = pyfuncitem._fixtureinfo.argnames  # pytest has no public name for a function's own arguments
                tried.examples, tried.arguments = 1, {name: pyfuncitem.funcargs[name] for name in names}
            yield
            return
        inner, seed = handle.inner_test, pyfuncitem.stash[PLANNED].seed(self.state.seed)

        def counted(*args: Any, **kwargs: Any) -> None:
            tried.examples += 1
            tried.arguments = kwargs
            self._seed_torch(seed)  # as Hypothesis does for Python and numpy: an example is the same whenever it runs
            inner(*args, **kwargs)

        handle.inner_test = counted
        try:
            yield
        finally:
            handle.inner_test = inner

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> None:
        """A failing `assert actual == expected` of a check: keep both sides for the record."""
        if op in ("==", "is"):
            self.compared = (repr(right)[:600], repr(left)[:600])

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
        outcome: Any = yield
        report = outcome.get_result()
        settled = call.when == "setup" and call.excinfo is not None
        if PLANNED in item.stash and (settled or call.when == "call"):
            record, place = self._record(item, call)
            report.user_properties.append((KEY, record.to_json()))
            self._show(item, report, record, place)

    def _record(self, item: pytest.Item, call: pytest.CallInfo[None]) -> tuple[Record, str]:
        tried = item.stash.get(TRIED, None) or Tried()
        record, place = item.stash[PLANNED].record(str(Verdict.HELD)), ""
        if SETTLED in item.stash:
            verdict, record.detail.message = item.stash[SETTLED]
            record.verdict = str(verdict)
            record.expected = str(Verdict.NOT_RUN if verdict == Verdict.NOT_RUN else Verdict.HELD)
            return record, place
        if call.excinfo is not None:
            error = call.excinfo.value
            record.verdict = str(judge(error, must_answer=item.get_closest_marker("must_answer") is not None))
            record.detail = self._detail(item, error, tried, record.verdict)
            place = frames(error.__traceback__)
        record.examples, record.seconds = tried.examples, round(call.duration, 4)
        # As pytest's own record_property leaves them: the figures of a check of cost.
        figures: list[Any] = [figure for name, figure in item.user_properties if name == "measurement"]
        record.measurements = figures
        record.margin = None if numerics.margin.used is None else round(numerics.margin.used, 6)
        return record, place

    def _detail(self, item: pytest.Item, error: BaseException, tried: Tried, verdict: str) -> Detail:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        plain = isinstance(error, AssertionError)
        detail = Detail(message=str(error) if plain else f"{type(error).__name__}: {error}")
        given = {**tried.arguments, **dict(reproducer.turns(error))}
        given.pop("subject", None)
        with np.printoptions(threshold=24, edgeitems=3):  # the reproducer has all of it
            detail.recipe = "\n".join(f"{name} = {_written(value)}" for name, value in given.items())[:4000] or None
        expected, actual = (self.compared if plain and self.compared else None) or (None, None)
        detail.expected = getattr(error, "expected", None) or expected
        detail.actual = getattr(error, "actual", None) or actual
        if verdict == Verdict.REFUTED and self.state.catalogue[item.stash[PLANNED].claim].kind != "cost":
            check: Any = getattr(item, "obj", None)
            function = getattr(getattr(check, "hypothesis", None), "inner_test", check)
            claim = self.state.catalogue[item.stash[PLANNED].claim]
            detail.reproducer = reproducer.script(function, tried.arguments, claim, detail, error, self.state.choices)
        return detail

    def _show(self, item: pytest.Item, report: Any, record: Record, place: str) -> None:
        profile = self.state.subjects[record.subject].profile
        expectation = profile.expectation(record.claim, record.check, record.params, self.state.release)
        if expectation is not None and record.verdict == expectation.verdict:
            report.outcome, report.wasxfail = "skipped", f"expected: {expectation.reason}"
        elif record.verdict in (Verdict.UNSUPPORTED, Verdict.INCONCLUSIVE) and report.outcome == "failed":
            said = f"{record.verdict}: {record.detail.message}"
            report.outcome, report.longrepr = "skipped", (str(item.path), 0, said)
        elif record.verdict in FAULTS and item.config.option.tbstyle == "auto":
            claim = self.state.catalogue[record.claim]
            report.longrepr = bugreport.refutation(claim, record, place, [profile.option, *self.state.choices])


def _written(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # it may be PyTorch's own repr that is wrong
        return f"<{type(value).__name__} whose repr raises {type(error).__name__}>"

"""Every check that holds here is refuted by some mutant of a claim that it is made for."""

from __future__ import annotations

from collections import defaultdict

import pytest

from conformance.verdict import Verdict
from meta_tests.judged import Call, calls
from meta_tests.mutant import Mutant
from meta_tests.mutants import mutants

AREAS = sorted({mutant.area for mutant in mutants()})
MANY = 40  # rows of one check that are tried: what differs between them is data


def _by_claim() -> dict[str, list[Mutant]]:
    found: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants():
        found[mutant.claim].append(mutant)
    return found


def _checks(area: str) -> dict[str, list[Call]]:
    """The calls of each check function of an area."""
    found: dict[str, list[Call]] = defaultdict(list)
    for each in calls(area).values():
        for call in each:
            found[call.planned.check].append(call)
    return found


def _refuted(call: Call, mutant: Mutant) -> bool:
    for seed in call.seeds:
        with mutant.change():
            if call.verdict(seed)[0] is Verdict.REFUTED:
                return True
    return False


def _never_seen_to_fail(rows: list[Call], wrong: dict[str, list[Mutant]]) -> bool:
    """Whether some row of a check holds, and no mutant refutes one that does."""
    held = False
    for call in rows:
        if call.verdict()[0] is Verdict.HELD:
            held = True
            if any(_refuted(call, mutant) for mutant in wrong[call.planned.claim]):
                return False
    return held


@pytest.mark.parametrize("area", AREAS)
def test_every_check_of_an_area_is_seen_to_fail(area: str) -> None:
    wrong = _by_claim()
    never = [check for check, rows in _checks(area).items() if _never_seen_to_fail(rows[:MANY], wrong)]
    assert not never, f"checks that no mutant of their claims makes fail: {never}"

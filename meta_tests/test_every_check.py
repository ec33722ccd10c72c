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
    with mutant.change():
        return call.verdict()[0] is Verdict.REFUTED


def _seen_to_fail(rows: list[Call], wrong: dict[str, list[Mutant]]) -> bool:
    return any(_refuted(call, mutant) for call in rows for mutant in wrong[call.planned.claim])


@pytest.mark.parametrize("area", AREAS)
def test_every_check_of_an_area_is_seen_to_fail(area: str) -> None:
    wrong, never = _by_claim(), []
    for check, rows in _checks(area).items():
        held = [call for call in rows[:MANY] if call.verdict()[0] is Verdict.HELD]
        if held and not _seen_to_fail(held, wrong):
            never.append(check)
    assert not never, f"checks that no mutant of their claims makes fail: {never}"

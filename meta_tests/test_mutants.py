"""Every mutant is refuted by a check of the claim that it breaks, and every claim with a check has a mutant."""

from __future__ import annotations

import pytest

from conformance.verdict import Verdict
from meta_tests.judged import calls
from meta_tests.mutant import Mutant
from meta_tests.mutants import mutants


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: f"{mutant.claim}: {mutant.name}")
def test_a_mutant_is_refuted(mutant: Mutant) -> None:
    checks = calls(mutant.area).get(mutant.claim, [])
    assert checks, f"no check of {mutant.claim} runs here"
    seen = []
    for check in checks:
        for seed in check.seeds:
            with mutant.change():
                verdict, error = check.verdict(seed)
            if verdict is Verdict.REFUTED:
                return
        seen.append(f"{check.planned.check.rpartition('::')[2]}: {verdict}{f' ({error})' if error else ''}")
    tried = "\n  ".join(seen[:20])
    raise AssertionError(f"{mutant.claim} is not refuted by a PyTorch in which {mutant.name}; tried:\n  {tried}")

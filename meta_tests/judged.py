"""All checks of the suite as plain calls, so that a mutant can be judged without a pytest run of its own."""

from __future__ import annotations

import functools
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import hypothesis
import numpy as np
import pytest
import torch

from conformance.outcome import judge
from conformance.plan import Planned
from conformance.plugin.state import PLANNED, ROOT, SETTLED
from conformance.verdict import Verdict


@dataclass(frozen=True)
class Call:
    """One check with its parameters, ready to be called."""

    planned: Planned
    function: Callable[..., None]
    arguments: dict[str, Any]
    must_answer: bool

    @property
    def drawn(self) -> bool:
        """Whether Hypothesis draws its input."""
        return hasattr(self.function, "hypothesis")

    @property
    def seeds(self) -> range:
        """Those to try before a mutant counts as not refuted. What is drawn gets several: a few examples need not meet
        a rare mistake, and Hypothesis draws, with the same seed, by which modules have been imported so far."""
        return range(5 if self.drawn else 1)

    def verdict(self, seed: int = 0) -> tuple[Verdict, BaseException | None]:
        """Run it, as the suite would with that seed, and judge the outcome."""
        seed = self.planned.seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        if self.drawn:
            hypothesis.seed(seed)(self.function)
        try:
            self.function(**self.arguments)
        except Exception as error:
            return judge(error, must_answer=self.must_answer), error
        return Verdict.HELD, None


class _Collector:
    def __init__(self) -> None:
        self.items: list[pytest.Item] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = list(session.items)


@functools.cache
def calls(area: str = "*") -> dict[str, list[Call]]:
    """Every check that can run on this release, by claim; those by example first, since they are quick."""
    collector = _Collector()
    options = ["--collect-only", "-p", "no:terminal", "-p", "no:cacheprovider", f"--area={area}", "--effort=quick"]
    code = pytest.main(
        [*options, f"--rootdir={ROOT}", str(ROOT / "conformance"), str(ROOT / "properties")], [collector]
    )
    if code not in (0, 5):
        raise RuntimeError(f"the checks of {area} could not be collected: pytest ended with {code}")
    found: dict[str, list[Call]] = defaultdict(list)
    for item in sorted(collector.items, key=lambda item: hasattr(item.obj, "hypothesis")):
        if PLANNED in item.stash and SETTLED not in item.stash:
            must = item.get_closest_marker("must_answer") is not None
            planned = item.stash[PLANNED]
            found[planned.claim].append(Call(planned, item.obj, dict(item.callspec.params), must))
    return dict(found)

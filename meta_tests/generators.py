"""What tests of strategies say: some example is so, every example is so, this is the smallest that is so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

T = TypeVar("T")
QUICK: dict[str, Any] = {"database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}


def _always(_: object) -> bool:
    return True


def find_any(strategy: st.SearchStrategy[T], condition: Callable[[T], object] = _always, tries: int = 1000) -> T:
    """Some example for which a condition holds. Raises NoSuchExample if none of `tries` is one."""
    plain = settings(max_examples=tries, phases=[Phase.generate], derandomize=True, **QUICK)
    return hypothesis.find(strategy, lambda found: bool(condition(found)), settings=plain)


def minimal(strategy: st.SearchStrategy[T], condition: Callable[[T], object] = _always) -> T:
    """The smallest example for which a condition holds, as Hypothesis shrinks it."""
    plain = settings(max_examples=2000, derandomize=True, **QUICK)
    return hypothesis.find(strategy, lambda found: bool(condition(found)), settings=plain)


def assert_all_examples(strategy: st.SearchStrategy[T], condition: Callable[[T], object], tries: int = 200) -> None:
    """Every example of many has a condition; the smallest that has not is shown."""

    @settings(max_examples=tries, derandomize=True, **QUICK)
    @given(strategy)
    def check(example: T) -> None:
        assert condition(example), f"{example!r}"

    check()


def assert_no_examples(strategy: st.SearchStrategy[T], condition: Callable[[T], object]) -> None:
    """No example of many has a condition."""
    assert_all_examples(strategy, lambda example: not condition(example))

"""How an exception becomes a verdict: our own assertions refute, and PyTorch's errors where it has to answer."""

from __future__ import annotations

import types
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis.errors import InvalidArgument, Unsatisfiable

from conformance import assertions
from conformance.outcome import ROOT, frames, judge
from conformance.subject import Unsupported
from conformance.verdict import FAULTS, MEANINGS, QUIET, Verdict, counts, worst


def raised(code: str, path: str = "conformance/test_x.py", **names: object) -> BaseException:
    """What a piece of code raises when it lies in one of our files."""
    space: dict[str, object] = {"torch": torch, "np": np, "assertions": assertions, **names}
    try:
        exec(compile(code, str(ROOT / path), "exec"), space)
    except BaseException as error:
        return error
    raise RuntimeError("nothing was raised")


def function(code: str, path: str) -> Callable[..., object]:
    """A function `f` that lies in another of our files."""
    space: dict[str, object] = {"np": np, "torch": torch, "Unsupported": Unsupported}
    exec(compile(code, str(ROOT / path), "exec"), space)
    found = space["f"]
    assert isinstance(found, types.FunctionType)
    return found


IN_ORACLE = function("def f():\n    raise ValueError", "conformance/oracle/math.py")
WRONG_ORACLE = function("def f():\n    assert False", "conformance/oracle/math.py")
IN_STRATEGY = function("def f():\n    raise RuntimeError", "properties/strategies/tensors.py")
UNSUPPORTED = function("def f():\n    raise Unsupported('no float8')", "properties/strategies/recipe.py")
IN_HELPER = function("def f():\n    torch.zeros(-1)", "conformance/sharing.py")


@pytest.mark.parametrize(
    ("code", "otherwise", "must_answer"),
    [
        ("assert 1 == 2", "refuted", "refuted"),
        ("assertions.require(False, 'no')", "refuted", "refuted"),
        ("assertions.assert_values('x', torch.ones(1), [2.0])", "refuted", "refuted"),
        ("assertions.assert_raises('x', ValueError, lambda: 1)", "refuted", "refuted"),
        ("assertions.assert_raises('x', Exception, unsupported)", "unsupported", "unsupported"),
        ("torch._assert(False, 'theirs')", "broken", "refuted"),
        ("torch.zeros(-1)", "broken", "refuted"),
        ("torch.zeros(2) @ torch.zeros(3)", "broken", "refuted"),
        ("helper()", "broken", "refuted"),
        ("raise ValueError", "broken", "refuted"),
        ("no_such_name", "broken", "broken"),
        ("oracle()", "broken", "broken"),
        ("wrong_oracle()", "broken", "broken"),
        ("strategy()", "broken", "broken"),
        ("raise Unsatisfiable", "broken", "broken"),
        ("raise InvalidArgument", "broken", "broken"),
        ("raise Unsupported('no float8')", "unsupported", "unsupported"),
        ("raise KeyboardInterrupt", "broken", "broken"),
        ("raise SystemExit(1)", "broken", "broken"),
    ],
)
def test_an_exception_becomes_a_verdict(code: str, otherwise: str, must_answer: str) -> None:
    names = {
        "oracle": IN_ORACLE,
        "wrong_oracle": WRONG_ORACLE,
        "strategy": IN_STRATEGY,
        "helper": IN_HELPER,
        "unsupported": UNSUPPORTED,
    }
    names |= {"Unsatisfiable": Unsatisfiable, "InvalidArgument": InvalidArgument, "Unsupported": Unsupported}
    error = raised(code, **names)
    assert str(judge(error)) == otherwise
    assert str(judge(error, must_answer=True)) == must_answer


def test_an_exception_from_elsewhere_never_refutes() -> None:
    error = raised("raise AssertionError", "../somewhere/else.py")
    assert judge(error, must_answer=True) is Verdict.BROKEN


def test_an_exception_without_a_place_never_refutes() -> None:
    assert judge(AssertionError("never raised"), must_answer=True) is Verdict.BROKEN


def test_of_several_the_most_telling_counts() -> None:
    group = BaseExceptionGroup("several", [raised("raise ValueError"), raised("assert False")])
    assert judge(group) is Verdict.REFUTED
    assert judge(BaseExceptionGroup("one", [raised("raise ValueError")])) is Verdict.BROKEN


def test_a_time_out_is_told_by_its_message() -> None:
    failed = type("Failed", (Exception,), {})
    assert judge(failed("Timeout (>1.0s) from pytest-timeout.")) is Verdict.TIMED_OUT
    assert judge(failed("something else")) is Verdict.BROKEN


def test_the_place_is_ours_from_the_check_inwards() -> None:
    error = raised("helper()", helper=IN_HELPER)
    assert frames(error.__traceback__) == "conformance/test_x.py:1 > conformance/sharing.py:2"


def test_the_plugins_own_frames_are_left_out() -> None:
    through = function("def f():\n    raise ValueError", "conformance/plugin/judging.py")
    assert frames(raised("through()", through=through).__traceback__) == "conformance/test_x.py:1"


# -- verdicts ----------------------------------------------------------------------------------------------------------


def test_every_verdict_has_a_meaning_and_a_rank() -> None:
    assert set(MEANINGS) == set(Verdict)
    assert [verdict.rank for verdict in Verdict] == list(range(len(Verdict)))
    assert all(verdict.meaning.endswith(".") for verdict in Verdict)


def test_faults_are_worse_than_what_is_quiet() -> None:
    assert not FAULTS & QUIET
    assert min(verdict.rank for verdict in FAULTS) > max(verdict.rank for verdict in QUIET)
    assert worst([Verdict.HELD, Verdict.CRASHED, Verdict.BLOCKED]) is Verdict.CRASHED
    with pytest.raises(ValueError, match="empty"):
        worst([])


def test_counts_name_every_verdict() -> None:
    found = counts([Verdict.HELD, Verdict.HELD, Verdict.REFUTED])
    assert list(found) == [str(verdict) for verdict in Verdict]
    assert (found["held"], found["refuted"], sum(found.values())) == (2, 1, 3)

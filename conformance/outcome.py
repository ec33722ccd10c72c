"""How an exception that ended a check becomes a verdict."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

from conformance.verdict import Verdict, worst

ROOT = Path(__file__).parent.parent
OURS = tuple(str(ROOT / name) for name in ("conformance", "properties", "perf"))
PLUGIN = str(ROOT / "conformance" / "plugin")
# Our own machinery: an exception from here is our mistake, even where PyTorch has to answer.
_OWN = ("conformance/oracle", "properties/strategies", "conformance/claim.py", "conformance/numerics.py")
MACHINERY = (PLUGIN, *(str(ROOT / name) for name in _OWN))


def judge(error: BaseException, *, must_answer: bool = False) -> Verdict:
    """The verdict for a check that ended with this exception.

    An AssertionError of our own frames refutes. Any other exception means that the check is broken, unless the
    check says that PyTorch has to answer: then it refutes, if PyTorch or a call of it in the check raised it.
    """
    if isinstance(error, BaseExceptionGroup):
        # Hypothesis groups what it saw when the same input gave two answers: one refutation among them refutes.
        return worst(judge(part, must_answer=must_answer) for part in error.exceptions)
    if type(error).__name__ == "Unsupported":
        return Verdict.UNSUPPORTED
    if type(error).__name__ == "Inconclusive":
        return Verdict.INCONCLUSIVE
    if str(error).startswith("Timeout ") and type(error).__name__ == "Failed":
        return Verdict.TIMED_OUT
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    if not files:
        return Verdict.BROKEN
    if isinstance(error, AssertionError) and files[-1].startswith(OURS) and not files[-1].startswith(MACHINERY):
        return Verdict.REFUTED
    nearest = next((file for file in reversed(files) if file.startswith(OURS)), "")
    if not must_answer or not isinstance(error, Exception) or not nearest or nearest.startswith(MACHINERY):
        return Verdict.BROKEN
    ours = isinstance(error, NameError) and files[-1] == nearest
    # Hypothesis complains of our strategies, never of PyTorch.
    return Verdict.BROKEN if ours or type(error).__module__.startswith("hypothesis") else Verdict.REFUTED


def frames(tb: TracebackType | None) -> str:
    """Where an exception passed through our files: 'file:line' from the check inwards."""
    found = traceback.extract_tb(tb)
    ours = [frame for frame in found if frame.filename.startswith(OURS) and not frame.filename.startswith(PLUGIN)]
    return " > ".join(f"{Path(frame.filename).relative_to(ROOT)}:{frame.lineno}" for frame in ours)

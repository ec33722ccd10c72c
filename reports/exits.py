"""The exit codes of every command of `python -m reports`."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What an exit code means; the docstring of a member says it in one sentence."""

    def __new__(cls, code: int, meaning: str) -> Exit:
        member = int.__new__(cls, code)
        member._value_ = code
        member.__doc__ = meaning
        return member

    SOUND = 0, "Nothing surprised; or, for the commands that judge nothing, the output was written."
    SURPRISES = 1, "Verdicts that nobody expected, and that the baseline (if any) did not have; or it was reproduced."
    USAGE = 2, "The command line cannot be understood, or the output cannot be written."
    REGRESSED = 3, "A check that held in the baseline no longer holds, and that was not expected."
    LOST_COVERAGE = 4, "Something that the baseline judged was not judged here."
    UNUSABLE = 5, "An input is missing, cut off, malformed, of another schema, or lacks what was asked for."


def described() -> str:
    """The exit codes as lines for a help text."""
    return "\n".join(f"  {code.value}  {code.__doc__}" for code in Exit)

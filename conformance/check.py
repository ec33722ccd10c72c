"""The mark that ties a check to its claim, and nothing more."""

from __future__ import annotations

import pytest


def check(
    claim: str, *, since: str | None = None, until: str | None = None, uncovered: bool = False
) -> pytest.MarkDecorator:
    """Mark a function (or a row of its parameters) as a check of one claim, `area.slug`.

    `since` and `until` narrow the torch releases in which this check can run, as [since, until);
    the claim's own bounds apply besides. `uncovered`: the build has something that no check knows how
    to try; it is recorded as not run, and its claim need not be in the catalogue.
    """
    return pytest.mark.check(claim, since=since, until=until, uncovered=uncovered)


# For a module or a function whose calls of PyTorch have to answer: there, an exception that PyTorch
# raises refutes the claim. Elsewhere it says that the check is broken.
must_answer = pytest.mark.must_answer

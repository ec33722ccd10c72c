"""Scripts made of the checks of every area: nothing in them is undefined, and those of properties run."""

from __future__ import annotations

import builtins
import dis
import functools
import inspect
import types
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import hypothesis

from conformance import reproducer
from conformance.claim import Claim
from conformance.reproducer import verification
from conformance.run import Detail
from meta_tests.judged import Call, calls

CLAIM = Claim("some.thing", "A thing.", "https://docs.pytorch.org/docs/stable/tensors.html")
EACH = 2


class Enough(BaseException):
    """Raised to leave Hypothesis with the first example."""


def arguments(call: Call) -> dict[str, Any]:
    """Arguments of a check: its own, or those of its first example."""
    handle = getattr(call.function, "hypothesis", None)
    if handle is None:
        return call.arguments
    found: dict[str, Any] = {}
    check = handle.inner_test

    def keep(*_: Any, **kwargs: Any) -> None:
        found.update(kwargs)
        raise Enough

    handle.inner_test = keep
    try:
        hypothesis.seed(0)(call.function)(**call.arguments)
    except Enough:
        return found
    finally:
        handle.inner_test = check
    return found


@functools.cache
def scripts() -> dict[tuple[str, bool], str]:
    """Scripts of a few checks of every area, by the check's name and whether it is a property."""
    found: dict[tuple[str, bool], set[str]] = defaultdict(set)
    made = {}
    for call in (call for several in calls().values() for call in several):
        is_property, check = hasattr(call.function, "hypothesis"), call.planned.check
        names = found[call.planned.claim.partition(".")[0], is_property]
        if len(names) == EACH or check in names:
            continue
        function = getattr(getattr(call.function, "hypothesis", None), "inner_test", call.function)
        given = arguments(call)
        if set(inspect.signature(function).parameters) <= set(given):  # no fixtures
            names.add(check)
            made[check, is_property] = reproducer.script(function, given, CLAIM, Detail())
    return {key: text for key, text in made.items() if "# The check does not stand alone" not in text}


def undefined(code: types.CodeType) -> set[str]:
    """The global names that a script uses and does not define."""
    defined = {one.argval for one in dis.get_instructions(code) if one.opname in ("STORE_NAME", "STORE_GLOBAL")}
    return {name for name in _used(code) if name not in defined and not hasattr(builtins, name)} - {"__name__"}


def _used(code: types.CodeType) -> Iterator[str]:
    in_class = "__qualname__" in code.co_names
    own = {one.argval for one in dis.get_instructions(code) if one.opname == "STORE_NAME"} if in_class else set()
    loads = ("LOAD_GLOBAL", "LOAD_NAME")
    yield from (one.argval for one in dis.get_instructions(code) if one.opname in loads and one.argval not in own)
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _used(inner)


def test_nothing_in_a_script_is_undefined() -> None:
    lacking = {check: undefined(compile(text, check, "exec")) for (check, _), text in scripts().items()}
    assert not {check: names for check, names in lacking.items() if names}


def test_scripts_of_properties_run() -> None:
    """With the first example, which refutes nothing: each ends with 0."""
    chosen = {check: text for (check, is_property), text in scripts().items() if is_property}
    ended = dict(zip(chosen, verification._together(list(chosen.values())), strict=True))
    odd = {check: code for check, code in ended.items() if code != 0}
    assert not odd, f"{len(odd)} of {len(ended)} scripts did not end with 0: {odd}"

"""Scripts made of checks: they stand alone, show what the check showed, and nothing where nothing is wrong."""

from __future__ import annotations

import ast
import functools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conformance import host, numerics, reproducer
from conformance.claim import Claim
from conformance.dtypes import DTYPES
from conformance.profile import for_device
from conformance.reproducer import support, verification
from conformance.run import Detail, Record
from conformance.subject import find
from meta_tests import refutable
from properties.strategies import recipe
from properties.strategies.tensors import tensors

CPU = find(for_device("cpu"))
CLAIM = Claim("false.thing", "A thing that is not so.", "https://docs.pytorch.org/docs/stable/tensors.html")
NUMBERS = np.array([1.0, np.nan, 3.0])
# The arguments that refute, and some that do not (None: there are none), by the name of the check.
WRONG: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "plain": ({}, None),
    "message": ({"dtype": "int16"}, None),
    "values": ({"x": recipe.stepped(NUMBERS, "float32")}, {"x": recipe.stepped(np.zeros(3), "int8")}),
    "inexact": ({"pair": (recipe.contiguous(NUMBERS, "float64"), recipe.expanded(NUMBERS, "float64"))}, None),
    "row": ({"row": refutable.TABLE[0]}, None),
    "named_row": ({"name": "exp"}, None),
    "layouts": ({}, None),
    "answer": ({"sizes": (-1, 2)}, {"sizes": [1, 2]}),
    "raises": ({}, None),
    "assumed": ({"n": 12, "kind": refutable.halved}, {"n": 13, "kind": torch.float32}),
    "names": ({}, None),
    "subject": ({}, None),
    "grad": ({"x": recipe.contiguous(NUMBERS[:2], "float32").with_grad()}, None),
    "random": ({}, None),
    "folder": ({"tmp_path": Path("here")}, None),
    "sweep": ({}, None),
    "random_sweep": ({}, None),
    "classes": ({}, None),
    "index": ({"row": refutable.TABLE[1]}, None),
}


def inner(function: Any) -> Any:
    """A check without Hypothesis."""
    return getattr(getattr(function, "hypothesis", None), "inner_test", function)


def script(name: str, arguments: dict[str, Any], message: str = "", error: BaseException | None = None) -> str:
    function, given_ = inner(getattr(refutable, f"test_{name}")), {"subject": CPU, **arguments}
    return reproducer.script(function, given_, CLAIM, Detail(message=message or None), error)


def error_of(name: str) -> BaseException:
    """What a check without arguments ends with."""
    with pytest.raises(AssertionError) as raised:
        getattr(refutable, f"test_{name}")(CPU)
    return raised.value


@functools.cache
def codes() -> dict[str, int | None]:
    """The exit codes of all scripts, run together."""
    scripts = {}
    for name, (wrong, right) in WRONG.items():
        scripts[name] = script(name, wrong, "RuntimeError: negative" if name == "answer" else "")
        if right is not None:
            scripts[f"{name}, sound"] = script(name, right)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(numerics.widening, "rounded", 1e30)
        scripts["sweep, one turn"] = script("sweep", {}, error=error_of("sweep"))
        scripts["random_sweep, one turn"] = script("random_sweep", {}, error=error_of("random_sweep"))
        scripts["row, widened"] = script("row", WRONG["row"][0])
    return dict(zip(scripts, verification._together(list(scripts.values())), strict=True))


@pytest.mark.parametrize("name", WRONG)
def test_a_script_shows_what_its_check_showed(name: str) -> None:
    assert codes()[name] == 1, script(name, WRONG[name][0])


@pytest.mark.parametrize("name", [name for name, (_, right) in WRONG.items() if right is not None])
def test_a_script_exits_with_0_where_nothing_is_wrong(name: str) -> None:
    assert codes()[f"{name}, sound"] == 0


@pytest.mark.parametrize("name", WRONG)
def test_a_script_imports_nothing_of_ours(name: str) -> None:
    nodes = list(ast.walk(ast.parse(script(name, WRONG[name][0]))))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    foreign = {module.partition(".")[0] for module in imported} - set(sys.stdlib_module_names)
    assert foreign <= {"torch", "numpy", "packaging"}


@pytest.mark.parametrize("name", ["made", "drawn", "raises_with_pytest"])
def test_a_check_that_cannot_stand_alone_says_so(name: str) -> None:
    text = script(name, {"data": object()} if name == "drawn" else {})
    assert "Needs torch-conformance (run it in a checkout)" in text
    assert "# The check does not stand alone: " in text
    compile(text, "script", "exec")


def test_a_script_begins_with_the_claim_and_what_was_found() -> None:
    function, detail = refutable.test_plain, Detail(message="it is 3", expected="4", actual="3")
    lines = reproducer.script(function, {"subject": CPU}, CLAIM, detail).splitlines()
    assert lines[:6] == [
        "# false.thing: A thing that is not so.",
        "# source: https://docs.pytorch.org/docs/stable/tensors.html",
        "# found: it is 3",
        "# expected: 4",
        "# actual: 3",
        "# Needs torch. Exits 1 where PyTorch refutes the claim, 0 where it does not.",
    ]


def test_a_script_holds_the_recipe_as_torch_code() -> None:
    made = recipe.offset(np.array([1.0, 2.0]), "float32")
    assert made.code() in script("values", {"x": made})


def test_a_script_is_short() -> None:
    assert len(script("plain", {}).splitlines()) < 30
    assert len(script("values", WRONG["values"][0]).splitlines()) < 130


def test_only_the_row_of_a_table_is_copied() -> None:
    text = script("row", {"row": refutable.TABLE[0]})
    assert "Function('neg', torch.neg, lambda x: -x + 1)" in text
    assert "1.001" not in text


def test_a_widened_tolerance_is_part_of_the_script() -> None:
    assert codes()["row, widened"] == 0


def test_of_a_sweep_only_the_turn_that_refuted_is_left() -> None:
    text = script("sweep", {}, error=error_of("sweep"))
    assert codes()["sweep, one turn"] == 1
    assert "    for turn, dtype in turn_dtype_tried:\n        for made in made_tried:" in text
    assert "turn_dtype_tried = [(0, 'bool')]" in text
    assert "as_strided((4,), (1,), 3)" in text
    assert "COMMON" not in text
    assert "layouts" not in text


def test_the_turns_are_the_input_that_a_reader_sees() -> None:
    found = dict(reproducer.turns(error_of("sweep")))
    assert (found["dtype"], found["made"].offset, found["place"]) == ("bool", 3, 1)


def test_a_sweep_over_random_numbers_is_left_whole() -> None:
    assert "range(3)" in script("random_sweep", {}, error=error_of("random_sweep"))
    assert codes()["random_sweep, one turn"] == 1


# -- which scripts are tried -------------------------------------------------------------------------------------------


def refuted(claim: str, script: str) -> Record:
    return Record(claim, "test", {}, "cpu", "refuted", detail=Detail(reproducer=script))


def test_verify_tells_what_was_reproduced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "SECONDS", 2.0)
    ends = ["raise SystemExit(1)", "pass", "raise ValueError", "import os; os.abort()", "import time; time.sleep(60)"]
    records = [refuted(f"a.{place}", end) for place, end in enumerate(ends)]
    records.append(Record("a.held", "test", {}, "cpu", "held", detail=Detail(reproducer="raise SystemExit(1)")))
    reproducer.verify(records)
    assert [record.detail.reproduced for record in records] == [True, False, False, False, False, None]


def test_verify_tries_other_claims_before_more_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "MOST", 3)
    records = [refuted(f"a.{name}", "pass") for name in ("one", "one", "two", "three")]
    assert [record.claim for record in verification._chosen(records)] == ["a.one", "a.two", "a.three"]


def test_verify_never_fails_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(verification, "RERUN", tmp_path / "nowhere.py")
    record = refuted("a.one", "")
    reproducer.verify([record])
    assert record.detail.reproduced is None


def test_a_script_can_be_run_by_itself() -> None:
    assert verification._by_itself("raise SystemExit(1)") == 1


# -- the shorter equivalents -------------------------------------------------------------------------------------------


@given(data=st.data(), dtype=st.sampled_from([name for name in DTYPES if CPU.supports(name)]))
def test_the_shorter_comparison_agrees_with_the_suite(data: st.DataObject, dtype: str) -> None:
    out, wanted = (data.draw(tensors(dtype, (3,), layouts=("contiguous",))) for _ in range(2))
    error = data.draw(st.sampled_from([numerics.EXACT, numerics.ROUNDED, numerics.FEW_ULPS.over(3), numerics.SUMMED]))
    expected = wanted.array if data.draw(st.booleans()) else out.array
    if DTYPES[dtype].is_inexact:
        with np.errstate(all="ignore"):
            expected = expected * (1 + data.draw(st.sampled_from([0, 1e-8, 1e-3])))
    sound = numerics.compare(host.array(out.on(CPU)), expected, dtype, error) is None
    try:
        support.assert_values("x", out.on(CPU), expected, error)
    except AssertionError:
        assert not sound
    else:
        assert sound


@pytest.mark.parametrize("dtype", [name for name in DTYPES if CPU.supports(name)])
def test_the_shorter_readings_agree_with_the_suite(dtype: str) -> None:
    for layout, make in recipe.LAYOUTS.items():
        given_ = make(np.arange(6).reshape(2, 3) % 2, dtype)
        tensor = given_.on(CPU)
        assert np.array_equal(support.array(tensor), host.array(tensor)), layout
        assert np.array_equal(support.bits(tensor), host.bits(tensor)), layout
        other = support.Recipe(given_.buffer, dtype, given_.shape, given_.strides, given_.offset)
        assert np.array_equal(host.array(other.on(CPU)), given_.array), layout
        for fact in ("ndim", "numel", "is_contiguous", "is_overlapping"):
            assert getattr(other, fact) == getattr(given_, fact), (layout, fact)

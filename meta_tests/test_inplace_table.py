"""The table of in-place methods: whole, well-formed, and calls of every kind made of it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from conformance import test_inplace_laws as laws
from conformance.claim import catalogue
from conformance.dtypes import DTYPES
from conformance.oracle.math import ELEMENTWISE
from conformance.tables.inplace import Method, calls, like_self, small
from conformance.tables.inplace_arguments import TABLES, table
from conformance.tables.inplace_methods import FUNCTIONS, METHODS
from meta_tests.mutant import replaced

every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)


def test_no_method_has_two_rows() -> None:
    assert len({method.name for method in METHODS}) == len(METHODS)
    assert set(FUNCTIONS.split()) <= {method.name for method in METHODS}


@every_method
def test_a_row_is_well_formed(method: Method) -> None:
    assert method.slug in catalogue()
    assert not isinstance(method.oracle, str) or method.oracle in ELEMENTWISE
    dtypes = [name for _, names in method.groups for name in names]
    assert len(set(dtypes)) == len(dtypes) and set(dtypes) <= set(DTYPES)
    assert not set(method.refuses) & set(dtypes)
    assert method.first in method.dtypes
    assert method.grad in ("twin", "zero", "opaque", "refused", "ignored")
    assert all(any(form.takes(dtype) for form in method.forms) for dtype in dtypes)


@every_method
def test_calls_use_every_dtype_and_form_and_leave_no_layout_out(method: Method) -> None:
    made = list(calls(method, method.dtypes))
    assert {call.x.dtype for call in made} == set(method.dtypes)
    shapes = {(tuple(map(type, call.args)), tuple(call.options)) for call in made}
    assert len(shapes) >= len({(len(form.args), tuple(form.options)) for form in method.forms})
    assert any(call.x.is_contiguous for call in made) and any(not call.x.is_contiguous for call in made)
    assert not any(call.x.is_overlapping for call in made)
    assert all(call.wanted.values.shape == call.x.shape for call in made)


@every_method
def test_calls_are_the_same_whenever_they_are_made(method: Method) -> None:
    first, second = small(method, turn=3), small(method, turn=3)
    assert first.text == second.text and first.x.buffer.tobytes() == second.x.buffer.tobytes()
    assert first.wanted.values.tobytes() == second.wanted.values.tobytes() or first.wanted.values.dtype.itemsize == 16


def test_forms_with_tensors_like_self_are_found() -> None:
    rows = {method.name: method for method in METHODS}
    assert like_self(rows["addcmul_"])[1] == [0, 1]  # type: ignore[index]
    assert like_self(rows["exp_"]) is None and like_self(rows["masked_fill_"]) is None


@pytest.mark.parametrize("name", [*TABLES, "any", "finite", "moderate", "plain"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_tables_have_values_for_every_dtype(name: str, dtype: str) -> None:
    assert len(table(name, dtype)) >= 2 or name == "within"


def test_a_method_that_nobody_knows_is_not_covered() -> None:
    def frobnicate_(x: Any) -> Any:
        return x

    assert laws.unknown() == []
    torch.Tensor.frobnicate_ = frobnicate_  # type: ignore[attr-defined]
    try:
        (row,) = laws.unknown()
    finally:
        del torch.Tensor.frobnicate_  # type: ignore[attr-defined]
    assert row.values == ("frobnicate_",)
    (mark,) = row.marks
    assert mark.args == ("inplace.frobnicate_",) and mark.kwargs["uncovered"]


def test_a_method_that_is_gone_is_missed() -> None:
    with replaced(laws, "in_the_build", lambda sound: lambda: sound() - {"lerp_"}), pytest.raises(AssertionError):
        laws.test_every_method_has_a_claim(None, "those that are known")

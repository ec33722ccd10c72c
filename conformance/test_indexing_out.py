"""What out= has to refuse and to resize, and what a subclass of torch.Tensor gives, function by function."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.every_form import Invocation, find, make, make_options
from conformance.subject import Subject
from conformance.tables import rows
from conformance.tables.indexing_wide_rows import ROWS
from conformance.wanted import Wanted, same

pytestmark = must_answer

WITH_OUT = {row.name: row for row in reversed(ROWS.values()) if "out" in row.forms}


def _marked(names: Any) -> list[Any]:
    return [pytest.param(k, marks=check(f"indexing.{ROWS[k].claim}", since=ROWS[k].since)) for k in names]


def _call(subject: Subject, key: str, dtype: str = "float32") -> tuple[Invocation, Any, dict[str, Any]]:
    call = rows.invocation(ROWS[key], ROWS[key].main[0], dtype, "contiguous", rows.Turns())
    return call, make(subject, call.given), make_options(subject, call)


def _outs(call: Invocation, subject: Subject, shape: tuple[int, ...] | None = None, *dtypes: str) -> Any:
    wanted = [demand if isinstance(demand, Wanted) else demand.like for demand in call.wanted]
    made = [
        host.tensor(np.zeros(shape or part.values.shape), dtype, subject.device)
        for part, dtype in zip(wanted, dtypes or [part.dtype for part in wanted], strict=True)
    ]
    return made[0] if len(made) == 1 else tuple(made)


KEYS = [row.key for row in WITH_OUT.values()]


@pytest.mark.parametrize("key", _marked(KEYS))
def test_out_knows_no_gradients(subject: Subject, key: str) -> None:
    call, given, options = _call(subject, key)
    function, out = find(call.name), _outs(call, subject)
    first = out[0] if isinstance(out, tuple) else out
    if first.is_floating_point():
        before = Unchanged(out=first)
        first.requires_grad_()
        assert_raises(
            f"{call.text('out')}, out requiring a gradient", RuntimeError, lambda: function(*given, **options, out=out)
        )
        first.requires_grad_(False)
        before.check(f"{call.text('out')}, which is refused,")
        x = given[0][0] if isinstance(given[0], (list, tuple)) else given[0]
        x.requires_grad_()
        assert_raises(
            f"{call.text('out')} of x that requires a gradient",
            RuntimeError,
            lambda: function(*given, **options, out=out),
        )


RESIZED = [key for key in KEYS if key != "kthvalue"]  # which resizes without saying so


@pytest.mark.parametrize("key", _marked(RESIZED))
def test_out_of_another_shape_is_resized_with_a_warning(subject: Subject, key: str) -> None:
    call, given, options = _call(subject, key)
    for shape in ((1,), (3, 4, 5, 6)):
        out, text = _outs(call, subject, shape), f"{call.text('out')} of shape {shape}"
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            find(call.name)(*given, **options, out=out)
        require(any(issubclass(w.category, UserWarning) for w in told), f"{text} resizes it without a warning")
        for part, wanted in zip(out if isinstance(out, tuple) else (out,), call.wanted, strict=True):
            same(f"out after {text}", part, wanted)


@pytest.mark.parametrize("key", _marked(KEYS))
def test_out_of_a_narrower_kind_is_refused(subject: Subject, key: str) -> None:
    call, given, options = _call(subject, key)
    out = _outs(call, subject, None, *["bool"] * len(call.wanted))
    assert_raises(
        f"{call.text('out')} of bool", (RuntimeError, TypeError), lambda: find(call.name)(*given, **options, out=out)
    )


@pytest.mark.parametrize("key", _marked(KEYS))
def test_out_stays_where_it_is(subject: Subject, key: str) -> None:
    call, given, options = _call(subject, key)
    out = _outs(call, subject)
    laid = [part.new_zeros((*part.shape, 2))[..., 1] for part in (out if isinstance(out, tuple) else (out,))]
    before = [(part.data_ptr(), part.stride(), part.storage_offset()) for part in laid]
    got = find(call.name)(*given, **options, out=tuple(laid) if isinstance(out, tuple) else laid[0])
    after = [(part.data_ptr(), part.stride(), part.storage_offset()) for part in laid]
    require(before == after, f"{call.text('out')} moves what is given as out", before, after)
    for part, found in zip(laid, got if isinstance(got, tuple) else (got,), strict=True):
        require(part is found, f"{call.text('out')} is not what is given as out")


class Own(torch.Tensor):
    """A subclass with nothing of its own."""


SUBCLASSED = [key for key, row in ROWS.items() if isinstance(row.main[0].shape, tuple)]


@pytest.mark.parametrize("key", _marked(SUBCLASSED))
def test_a_subclass_gives_the_subclass(subject: Subject, key: str) -> None:
    dtype = "float32" if "float32" in ROWS[key].dtypes else ROWS[key].dtypes[0]
    call, given, options = _call(subject, key, dtype)
    for form in ROWS[key].forms:
        if form in ("function", "method"):
            first = given[0].as_subclass(Own)
            owner = first if form == "method" else None
            function = getattr(first, call.name) if owner is not None else find(call.name)
            out = function(*(given[1:] if form == "method" else (first, *given[1:])), **options)
            for part in out if isinstance(out, (tuple, list)) else (out,):
                require(
                    type(part) is Own, f"{call.text(form)} of a subclass gives a {type(part).__name__}", Own, type(part)
                )

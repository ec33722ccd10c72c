"""out= of elementwise functions: what is written, where, in which dtype, and what is refused."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle.math_promotion import category
from conformance.subject import Subject
from conformance.tables import math_forms, math_functions
from conformance.tables.math_functions import FUNCTIONS, Function
from conformance.tables.math_samples import Sample, judged, operand_dtypes, plain
from properties.strategies.recipe import contiguous, gapped

pytestmark = must_answer

# These families, but for a few functions, compute in the dtype of the operands and convert to that of out=.
CONVERTING = ("elementary", "special", "arithmetic", "comparison", "extremum", "logic")
RIGID = ("heaviside", "square")
UNCHECKED = ("mvlgamma", "ndtr")  # made of several functions; the last one sees no overlap
FAMILIES = tuple(dict.fromkeys(row.family for row in FUNCTIONS.values() if row.out))


def cases(family: str, shape: tuple[int, ...] = (3, 7)) -> Iterator[tuple[Function, Sample]]:
    """One sample a row that knows out=, of small whole numbers."""
    for row in math_functions.family(family):
        if row.out:
            dtype = next(name for name in ("float32", "float64", "int64") if name in row.dtypes)
            dtypes = operand_dtypes(row, dtype)
            yield row, judged(row, dtype, plain(row, dtypes, (shape,) * len(dtypes)), row.arguments[0])


def tensors(subject: Subject, case: Sample) -> list[torch.Tensor]:
    """The operands of a sample."""
    return [host.tensor(x, "bool" if x.dtype == bool else case.dtype, subject.device) for x in case.operands]


def write(subject: Subject, row: Function, case: Sample, out: torch.Tensor) -> str:
    """Call torch.f(…, out=out) and refute unless that is returned and holds the results; returns how the call reads."""
    call = f"torch.{row.name}(…, out=t)"
    returned = math_forms.main(row).call(tensors(subject, case), {**case.arguments, "out": out})
    require(returned is out, f"{call} returns another tensor than t", "t", "another tensor")
    assert_values(call, out, case.expected, case.error, case.scale, dtype=case.out)
    return call


@pytest.mark.parametrize("family", FAMILIES)
@check("math.out-returned")
def test_out_is_filled_and_returned(subject: Subject, family: str) -> None:
    for row, case in cases(family):
        filled = contiguous(np.ones((3, 7)), case.out).on(subject)
        for _ in range(2):
            write(subject, row, case, filled)


@pytest.mark.parametrize("family", FAMILIES)
@check("math.out-resized")
def test_out_takes_the_shape_of_the_result(subject: Subject, family: str) -> None:
    for row, case in cases(family):
        for shape, warns in (((0,), False), ((2, 2), True), ((30,), True), ((2, 3, 7), True)):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                call = write(subject, row, case, contiguous(np.ones(shape), case.out).on(subject))
            told = any("resized" in str(warning.message) for warning in caught)
            require(told == warns, f"{call} of shape {shape} {'warns' if told else 'does not warn'}", warns, told)


@pytest.mark.parametrize("family", FAMILIES)
@check("math.out-strides")
def test_out_keeps_its_memory_and_strides(subject: Subject, family: str) -> None:
    for row, case in cases(family):
        recipe = gapped(np.ones((3, 7)), case.out, step=3, offset=2)
        out = recipe.on(subject)
        base = out.as_strided((len(recipe.buffer),), (1,), 0)
        place, before = out.data_ptr(), host.array(base)
        call = write(subject, row, case, out)
        require(out.data_ptr() == place, f"{call} moved t to other memory")
        require(out.stride() == recipe.strides, f"{call} changed the strides of t", recipe.strides, out.stride())
        after, gaps = host.array(base), np.ones(len(recipe.buffer), bool)
        gaps[recipe.offset :] &= ~np.isin(np.arange(len(gaps) - 2), np.arange(21) * 3)
        require((after[gaps] == before[gaps]).all(), f"{call} wrote between the elements of t")


@pytest.mark.parametrize("family", FAMILIES)
@check("math.out-is-an-input")
def test_out_may_be_an_operand(subject: Subject, family: str) -> None:
    for row, case in cases(family):
        for place in range(len(row.operands)):
            operands = tensors(subject, case)
            out = operands[place]
            if host.dtype_name(out.dtype) == case.out:
                math_forms.main(row).call(operands, {**case.arguments, "out": out})
                call = f"torch.{row.name}(…, out=t), where t is operand {place},"
                assert_values(call, out, case.expected, case.error, case.scale, dtype=case.out)


@pytest.mark.parametrize("family", FAMILIES)
@check("math.out-dtype")
def test_out_of_another_dtype(subject: Subject, family: str) -> None:
    for row, case in cases(family):
        wider = {"float32": "float64", "int64": "float32", "bool": "int32", "complex64": "complex128"}.get(case.out)
        if family in CONVERTING and row.name not in RIGID and wider and subject.supports(wider):
            out = contiguous(np.ones((3, 7)), wider).on(subject)
            math_forms.main(row).call(tensors(subject, case), {**case.arguments, "out": out})
            # Computed as the operands say, then converted: so the bound is that of the narrower dtype.
            narrow = host.array(out).astype(case.expected.dtype)
            call = f"torch.{row.name}(…, out=t) of {wider}"
            held = host.tensor(narrow, case.out)
            assert_values(call, held, case.expected, case.error, case.scale, dtype=case.out)
        if category(case.out) > 1:
            lower = contiguous(np.ones((3, 7)), "int64" if category(case.out) == 2 else "float32").on(subject)
            refuse(subject, row, case, lower, f"torch.{row.name}(…, out=t) of a lower kind")


def refuse(subject: Subject, row: Function, case: Sample, out: torch.Tensor, call: str) -> None:
    """Refute unless a call with out= raises RuntimeError and changes nothing."""
    operands = tensors(subject, case)
    before = Unchanged(out=out, **dict(zip("xyz", operands, strict=False)))
    assert_raises(call, RuntimeError, lambda: math_forms.main(row).call(operands, {**case.arguments, "out": out}))
    before.check(call)


@pytest.mark.parametrize("family", FAMILIES)
@check("math.out-overlap")
def test_out_that_overlaps_is_refused(subject: Subject, family: str) -> None:
    for row, case in cases(family, (7,)):
        dtype = case.dtype
        if case.out == dtype and row.name not in UNCHECKED:
            base = host.tensor(np.concatenate([case.operands[0], case.operands[0][:1]]), dtype, subject.device)
            operands = [base[:-1], *tensors(subject, case)[1:]]
            call = f"torch.{row.name}(x[:-1], …, out=x[1:])"
            arguments = {**case.arguments, "out": base[1:]}
            before = Unchanged(x=base)
            assert_raises(call, RuntimeError, lambda: math_forms.main(row).call(operands, arguments))
            before.check(call)
        single = contiguous(np.ones((1,)), case.out).on(subject).expand(7)
        refuse(subject, row, case, single, f"torch.{row.name}(…, out=t.expand(7))")
        if case.out == "float32" and row.differentiable:
            grads = contiguous(np.ones((7,)), case.out).with_grad().on(subject)
            refuse(subject, row, case, grads, f"torch.{row.name}(…, out=t) where t requires a gradient")

"""Laws that hold for every elementwise function: dtypes, shapes, numbers as operands, memory, gradients."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.numerics import FEW_ULPS
from conformance.oracle.math_promotion import is_documented, promoted
from conformance.subject import Subject
from conformance.tables import math_forms, math_functions
from conformance.tables.math_forms import Form
from conformance.tables.math_functions import FAMILIES, FUNCTIONS, Function
from conformance.tables.math_samples import Sample, converted, judged, operand_dtypes, plain, tried
from properties.strategies.recipe import Layout, contiguous, stepped, transposed

pytestmark = must_answer

MIXED = (
    ("int32", "float32"), ("uint8", "int8"), ("int64", "int32"), ("bool", "int16"), ("float32", "float64"),
    ("float16", "bfloat16"), ("float32", "complex64"), ("int64", "bfloat16"), ("float64", "complex64"),
    ("bool", "uint8"),
    ("uint8", "int64"), ("bfloat16", "float64"), ("int16", "complex128"), ("bool", "float32"), ("int8", "float64"),
)  # fmt: skip
RANKS = (("tensor", "tensor"), ("tensor", "scalar"), ("scalar", "tensor"), ("scalar", "scalar"))
SHAPES = ((), (0,), (1,), (2, 3), (2, 0, 3), (1, 1, 1, 1), (17,), (33, 3), (2, 1, 2, 1, 2, 1, 3))
TOGETHER = (
    ((3, 1), (1, 4)), ((5,), (2, 5)), ((), (2, 3)), ((2, 3), ()), ((0,), (1,)), ((2, 0, 3), (3,)), ((4, 1, 3), (2, 1)),
    ((1,), (1,)), ((17, 1), (1, 33)), ((1, 1, 1), (2,)),
)  # fmt: skip
NUMBERS = (3, 2, 2.5, True, complex(1, 2))
NUMBER_DTYPES = {bool: "bool", int: "int64", float: "float32", complex: "complex64"}
FIRST = ("pow", "float_power", "xlogy")  # functions whose first operand may be a number as well
MANY = [family for family in FAMILIES if any(len(r.operands) > 1 and r.family == family for r in FUNCTIONS.values())]


def built(
    subject: Subject, operands: tuple[np.ndarray, ...], dtypes: tuple[str, ...], layout: Layout = contiguous
) -> list[torch.Tensor]:
    """The operands as tensors."""
    return [layout(x, dtype).on(subject) for x, dtype in zip(operands, dtypes, strict=True)]


def compare(row: Function, call: str, out: object, case: Sample) -> None:
    """Refute unless a call gave a sample's results."""
    assert_values(f"{call}, {row.claim_id}", out, case.expected, case.error, case.scale, dtype=case.out)


@pytest.mark.parametrize("family", MANY)
@check("math.result-dtype")
def test_mixed_operands_are_promoted(subject: Subject, family: str) -> None:
    for row in math_functions.family(family):
        if len(row.operands) < 2 or not row.promotes:
            continue
        for number, pair in enumerate(MIXED):
            for dtypes in (pair, pair[::-1]):
                for ranks in RANKS if number < 6 else RANKS[:1]:
                    check_mixed(subject, row, dtypes, ranks)


def check_mixed(subject: Subject, row: Function, pair: tuple[str, str], ranks: tuple[str, str]) -> None:
    """Judge a function on operands of two dtypes, each a 1-D or a 0-d tensor."""
    computed = promoted(tuple(zip(pair, ranks, strict=True)))
    if not {*pair, computed} <= set(row.dtypes):
        return
    kinds = ranks if len(row.operands) == 2 else (ranks[0], ranks[1], ranks[1])
    dtypes = operand_dtypes(row, *pair)
    if row.name == "where":
        kinds, dtypes = ("tensor", *ranks), ("bool", *pair)
    operands = plain(row, dtypes, tuple((5,) if kind == "tensor" else () for kind in kinds))
    arguments = row.arguments[row.variants(pair[0])[0]]
    case = judged(row, computed, converted(operands, computed, row), arguments)
    form = math_forms.main(row)
    given = " and ".join(f"{kind} {dtype}" for kind, dtype in zip(kinds, dtypes, strict=True))
    out = form.call(built(subject, operands, dtypes), arguments)
    compare(row, f"{math_forms.spelled(form, arguments)} of {given}", out, case)


@pytest.mark.parametrize("family", FAMILIES)
@check("math.accepted-dtypes")
def test_every_documented_dtype_is_accepted(subject: Subject, family: str) -> None:
    for row in math_functions.family(family):
        for dtype in row.dtypes:
            dtypes = operand_dtypes(row, dtype)
            operands = plain(row, dtypes, ((2, 3),) * len(dtypes))
            for variant in row.variants(dtype):
                case = judged(row, dtype, operands, row.arguments[variant])
                out = math_forms.main(row).call(built(subject, operands, dtypes), case.arguments)
                assert_tensor(f"torch.{row.name} of {dtype}", out, case.out, (2, 3))
                where = torch.device(subject.device).type
                require(out.device.type == where, f"torch.{row.name} answers on {out.device}", where, out.device)


@pytest.mark.parametrize("family", sorted({row.family for row in FUNCTIONS.values() if row.numbers}))
@check("math.numbers")
def test_numbers_stand_for_operands(subject: Subject, family: str) -> None:
    for row in math_functions.family(family):
        for dtype in tried(row) if row.numbers and len(row.operands) == 2 else ():
            for value in NUMBERS:
                for rank in ("tensor", "scalar"):
                    check_number(subject, row, dtype, value, rank)


def check_number(subject: Subject, row: Function, dtype: str, value: complex, rank: str) -> None:
    """Judge a function and its operator on a tensor and a number, the number right and left."""
    kind = NUMBER_DTYPES[type(value)]
    given = [(dtype, rank), (kind, "number")]
    computed = promoted(given)
    subtracts_bool = row.name in ("sub", "rsub") and "bool" in (dtype, kind)
    if computed not in row.dtypes or subtracts_bool or not is_documented(given):
        return
    (x,) = plain(row, (dtype,), ((33,) if rank == "tensor" else (),))
    if row.domain == "powers" and DTYPES[computed].is_complex:
        x = np.where(x == 0, np.ones_like(x), x)  # zero to a complex power is 0 in one C library and NaN in another
    number = np.array(value).astype(DTYPES[computed].host)
    case = judged(row, computed, converted((x, number), computed, row), {})
    tensor = contiguous(x, dtype).on(subject)
    for form in math_forms.forms(row):
        if "other=" not in form.text and "exponent=" not in form.text:
            compare(row, f"{form.text} of {rank} {dtype} and {value!r}", form.call([tensor, value], {}), case)
    swapped = judged(row, computed, converted((number, x), computed, row), {})
    if row.name == "div":  # multiplies by the reciprocal: two roundings
        swapped = replace(swapped, error=FEW_ULPS)
    for form in _numbers_first(row):
        compare(row, f"{form.text} of {value!r} and {rank} {dtype}", form.call([value, tensor], {}), swapped)


def _numbers_first(row: Function) -> Iterator[Form]:
    if row.name in FIRST:
        yield math_forms.main(row)
    if row.operator:
        yield Form(f"operator.{row.operator}(x, y)", lambda operands, _: getattr(operator, row.operator)(*operands))


@pytest.mark.parametrize("family", sorted({row.family for row in FUNCTIONS.values() if len(row.operands) == 1}))
@check("math.shape")
def test_the_shape_stays(subject: Subject, family: str) -> None:
    for row in math_functions.family(family):
        if len(row.operands) == 1:
            dtype = next(name for name in ("float32", "float64", "int64") if name in row.dtypes)
            arguments = row.arguments[0]
            for turn, shape in enumerate(SHAPES):
                operands = plain(row, (dtype,), (shape,), turn)
                case = judged(row, dtype, operands, arguments)
                for layout in (contiguous, transposed):
                    out = math_forms.main(row).call(built(subject, operands, (dtype,), layout), arguments)
                    compare(row, f"torch.{row.name} of shape {shape}", out, case)


@pytest.mark.parametrize("family", MANY)
@check("math.broadcasting")
def test_operands_broadcast(subject: Subject, family: str) -> None:
    for row in math_functions.family(family):
        if len(row.operands) > 1:
            dtype = next(name for name in ("float32", "int64") if name in row.dtypes or name in row.late)
            for turn, (a, b) in enumerate(TOGETHER):
                check_broadcast(subject, row, dtype, (a, b), turn)


def check_broadcast(subject: Subject, row: Function, dtype: str, pair: tuple, turn: int) -> None:
    """Judge every form of a function on operands of two shapes; a third operand takes them in turn."""
    shapes = pair if len(row.operands) == 2 else (pair[0], pair[1], (pair[0], pair[1], ())[turn % 3])
    dtypes = operand_dtypes(row, dtype)
    operands = plain(row, dtypes, shapes, turn)
    case = judged(row, dtype, tuple(np.broadcast_arrays(*operands)), row.arguments[0])
    for layout in (contiguous, stepped):
        for form in math_forms.forms(row) if layout is contiguous else (math_forms.main(row),):
            out = form.call(built(subject, operands, dtypes, layout), case.arguments)
            compare(row, f"{form.text} of shapes {shapes}", out, case)


@pytest.mark.parametrize("family", FAMILIES)
@check("math.results-are-new")
def test_results_are_new_memory(subject: Subject, family: str) -> None:
    for row in math_functions.family(family):
        for dtype in tried(row) if row.fresh else ():
            for layout in (contiguous, stepped):
                operands = built_plain(subject, row, dtype, layout)
                for form in math_forms.forms(row):
                    out = form.call(operands, row.arguments[row.variants(dtype)[0]])
                    for operand in operands:
                        assert_apart(f"{form.text} of {dtype}", out, operand)


@pytest.mark.parametrize("family", FAMILIES)
@check("math.inputs-stay")
def test_operands_stay_as_they_were(subject: Subject, family: str) -> None:
    for row in math_functions.family(family):
        for dtype in tried(row):
            for layout in (contiguous, stepped, transposed):
                operands = built_plain(subject, row, dtype, layout)
                before = Unchanged(**dict(zip("xyz", operands, strict=False)))
                for form in math_forms.forms(row):
                    form.call(operands, row.arguments[row.variants(dtype)[-1]])
                    before.check(f"{form.text} of {dtype}")


def built_plain(subject: Subject, row: Function, dtype: str, layout: Layout = contiguous) -> list[torch.Tensor]:
    """Plain operands of one dtype, in two dimensions."""
    dtypes = operand_dtypes(row, dtype)
    return built(subject, plain(row, dtypes, ((3, 7),) * len(dtypes)), dtypes, layout)


@pytest.mark.parametrize("family", FAMILIES)
@check("math.requires-grad")
def test_results_require_gradients_as_operands_do(subject: Subject, family: str) -> None:
    for row in math_functions.family(family):
        if "float32" not in row.dtypes or not row.fresh or (row.result != "bool" and not row.differentiable):
            continue
        form = math_forms.main(row)
        operands = built_plain(subject, row, "float32")
        tracked = [x.requires_grad_() if x.dtype.is_floating_point else x for x in operands]
        out = form.call(tracked, row.arguments[0])
        wanted = row.differentiable
        require(
            out.requires_grad == wanted, f"{form.text}.requires_grad is {out.requires_grad}", wanted, out.requires_grad
        )
        with torch.no_grad():
            free = form.call(tracked, row.arguments[0])
        require(not free.requires_grad, f"{form.text} under no_grad requires a gradient", False, True)
        require(host.bits(free).tobytes() == host.bits(out).tobytes(), f"{form.text} differs under no_grad")


@check("math.default-dtype")
def test_integers_become_the_default_dtype(subject: Subject) -> None:
    subject.require("float64")
    held = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        for row in (r for r in FUNCTIONS.values() if r.result == "float" and "int32" in r.dtypes):
            operands = built_plain(subject, row, "int32")
            out = math_forms.main(row).call(operands, row.arguments[0])
            assert_tensor(f"torch.{row.name} of int32 with float64 as the default dtype", out, "float64", (3, 7))
        for name in ("add", "mul", "pow", "remainder"):
            x = built_plain(subject, FUNCTIONS["floor"], "int32")[0]
            assert_tensor(
                f"torch.{name}(x, 2.5) with float64 as the default dtype", getattr(torch, name)(x, 2.5), "float64"
            )
    finally:
        torch.set_default_dtype(held)

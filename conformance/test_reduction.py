"""Every reduction, row by row; dtypes, whole numbers, truth values and complex numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.check import check, must_answer
from conformance.dtypes import COMPLEX, DTYPES, INTEGERS
from conformance.every_form import Invocation, answer, find
from conformance.numerics import SUMMED
from conformance.oracle import reduction as oracle
from conformance.oracle import reduction_scan as scan
from conformance.subject import Subject
from conformance.tables import rows
from conformance.tables.reduction_cases import of_answer
from conformance.tables.reduction_rows import GROUPS
from conformance.wanted import Kind, Wanted, same
from properties.strategies.recipe import LAYOUTS, contiguous, stepped, transposed

pytestmark = must_answer


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(key, marks=check(f"reduction.{group[0].claim}", since=group[0].since))
        for key, group in GROUPS.items()
    ],
)
def test_a_function(subject: Subject, function: str) -> None:
    for row in GROUPS[function]:
        rows.run(row, subject)


# -- dtypes --------------------------------------------------------------------------------------------------------


LAWS: dict[str, Callable[..., Any]] = {
    "sum": oracle.total,
    "prod": oracle.prod,
    "nansum": oracle.nansum,
    "mean": oracle.mean,
    "cumsum": scan.cumsum,
    "cumprod": scan.cumprod,
}
CLAIMS = {"mean": "mean-dtype", "cumsum": "scan-dtype", "cumprod": "scan-dtype"}
CONVERTED = (
    ("uint8", "float32"),
    ("int8", "float64"),
    ("int32", "float64"),
    ("int64", "float32"),
    ("bool", "float32"),
    ("float32", "float64"),
    ("float64", "float32"),
    ("uint8", "int64"),
    ("int8", "int32"),
    ("bool", "int32"),
    ("float32", "int64"),
    ("float64", "int32"),
)


def _converts(name: str, given: str, kind: str) -> bool:
    # The mean is of inexact numbers, nansum of numbers, and there whole numbers would hold NaN.
    return kind.startswith("float") or name not in ("mean", "nansum")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=check(f"reduction.{CLAIMS.get(name, 'sum-dtype')}")) for name in LAWS],
)
def test_the_dtype_argument_converts_first(subject: Subject, name: str) -> None:
    for given, kind in CONVERTED:
        if not _converts(name, given, kind) or (name == "nansum" and given == "bool"):
            continue
        table = "powers" if "prod" in name else "small"
        for shape, dim in (((4, 5), 1), ((33,), 0), ((3, 4, 5), -2)):
            for layout in (contiguous, transposed, stepped):
                x = layout(rows.filled(table, given, shape), given)
                found = LAWS[name](x.array, dim, dtype=kind)
                wanted = (of_answer(found, kind, SUMMED if name == "mean" else rows.EXACT),)
                call = Invocation(name, (x, dim), wanted, {"dtype": Kind(kind)})
                answer(subject, call, ("function", "method", "out"))


# What is lost if the conversion comes last: an overflow, a fraction, the last digits.
SPOILED = (
    ("float32", "float64", [2e38, 2e38, 2e38, 1]),
    ("float64", "int64", [0.5, 0.5, 1.75, -1.5]),
    ("float32", "int64", [0.5, 0.75, 2.5, 1.5]),
    ("int64", "float64", [2**62, 2**62, 2**62, 4]),
)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=check(f"reduction.{CLAIMS.get(name, 'sum-dtype')}"))
        for name in ("sum", "nansum", "mean", "cumsum", "prod")
    ],
)
def test_what_is_converted_first_neither_overflows_nor_keeps_its_fraction(subject: Subject, name: str) -> None:
    law = LAWS[name]
    for given, kind, line in SPOILED:
        if not _converts(name, given, kind) or (name == "prod" and line[0] > 9):
            continue
        values = np.array([line, line[::-1]]).astype(given)
        for layout in (contiguous, transposed, stepped):
            wanted = (of_answer(law(values, 1, dtype=kind), kind, SUMMED),)
            call = Invocation(name, (layout(values, given), 1), wanted, {"dtype": Kind(kind)})
            answer(subject, call, ("function", "method"))
            if name not in ("cumsum", "nansum"):
                wanted = (of_answer(law(values, dtype=kind), kind, SUMMED),)
                call = Invocation(name, (layout(values, given),), wanted, {"dtype": Kind(kind)})
                answer(subject, call, ("function", "method"))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("all", marks=check("reduction.truth-of-complex")),
        pytest.param("any", marks=check("reduction.truth-of-complex")),
        pytest.param("count_nonzero", marks=check("reduction.count-nonzero")),
    ],
)
def test_purely_imaginary_numbers_are_true(subject: Subject, name: str) -> None:
    law = {"all": oracle.all_, "any": oracle.any_, "count_nonzero": oracle.count_nonzero}[name]
    for dtype in COMPLEX:
        for line in ([1j, 0], [0, 0], [1j, 2j], [0, 1], [complex(0, 1e-30), 3]):
            values = np.array([line, line[::-1]]).astype(dtype)
            for layout in (contiguous, transposed, stepped):
                for args in ((), (1,)):
                    wanted = Wanted(law(values, *args), "int64" if name == "count_nonzero" else "bool")
                    call = Invocation(name, (layout(values, dtype), *args), (wanted,))
                    answer(subject, call, ("function", "method"))


@check("reduction.sum-of-matches")
def test_the_sum_of_truth_values_is_their_count(subject: Subject) -> None:
    for count in (0, 1, 5, 255, 256, 257, 1000, 40_000):
        values = np.arange(count * 2) % 2 == 0
        for layout in (contiguous, stepped):
            x = layout(values, "bool").on(subject)
            for text, out in (("torch.sum", torch.sum(x)), ("Tensor.sum", x.sum()), ("x.sum(0)", x.sum(0))):
                same(f"{text} of {count} true of {2 * count}", out, Wanted(np.array(count), "int64"))
    predicted, labels = (contiguous(np.array(v), "int64").on(subject) for v in ([1, 2, 3, 1], [1, 0, 3, 1]))
    found = 0 + torch.sum(predicted == labels.data)
    same("0 + torch.sum(predicted == labels.data)", found, Wanted(np.array(3), "int64"))
    same("… .double() / 4", found.double() / 4, Wanted(np.array(0.75), "float64"))


@check("reduction.integer-sums")
def test_sums_and_products_of_whole_numbers_are_int64_and_wrap(subject: Subject) -> None:
    for dtype in ("bool", *INTEGERS):
        top = True if dtype == "bool" else np.iinfo(dtype).max
        for size in (2, 17, 300):
            values = np.full(size, top, DTYPES[dtype].host)
            for name, law in (("sum", oracle.total), ("cumsum", None)):
                x = stepped(values, dtype)
                wanted = np.cumsum(values, dtype=np.int64) if law is None else law(values, 0).values
                answer(
                    subject, Invocation(name, (x, 0), (Wanted(np.asarray(wanted), "int64"),)), ("function", "method")
                )
    big = contiguous(np.array([2**62, 2**62, 2**62]), "int64").on(subject)
    same("torch.sum of 3 * 2**62", torch.sum(big), Wanted(np.array(3 * 2**62 - 2**64), "int64"))
    same(
        "torch.prod of 2**62, 2, 2",
        torch.prod(contiguous(np.array([2**62, 2, 2]), "int64").on(subject)),
        Wanted(np.array(0), "int64"),
    )


# -- empty, bad, long ------------------------------------------------------------------------------------------------


@check("reduction.axis-alias")
def test_dim_is_also_called_axis(subject: Subject) -> None:
    values = rows.filled("small", "float32", (4, 5))
    x = transposed(values, "float32").on(subject)
    for axis in (0, 1, -1):
        wanted = Wanted(values.sum(axis), "float32", signed_zeros=False)
        same(f"torch.sum(x, axis={axis})", torch.sum(x, axis=axis), wanted)
        same(f"x.sum(axis={axis})", x.sum(axis=axis), wanted)
        kept = Wanted(values.sum(axis, keepdims=True), "float32", signed_zeros=False)
        same(f"x.sum(axis={axis}, keepdims=True)", x.sum(axis=axis, keepdims=True), kept)


@check("reduction.complex-sums")
def test_sums_of_complex_numbers(subject: Subject) -> None:
    for dtype in COMPLEX:
        values = rows.filled("small", dtype, (4, 5))
        for layout in LAYOUTS:
            x = LAYOUTS[layout](values, dtype)
            for name, law in (("sum", oracle.total), ("mean", oracle.mean), ("prod", oracle.prod)):
                found = law(x.array[:, :3], 1)
                call = find(name)(x.on(subject)[:, :3], 1)
                same(f"torch.{name}(<{dtype}>[:, :3], 1)", call, of_answer(found, dtype, SUMMED))
    conjugate = contiguous(rows.filled("small", "complex64", (4, 5)), "complex64").on(subject).conj()
    wanted = of_answer(oracle.total(rows.filled("small", "complex64", (4, 5)).conj(), 0), "complex64", rows.EXACT)
    same("torch.sum(x.conj(), 0)", torch.sum(conjugate, 0), wanted)

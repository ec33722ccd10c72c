"""Every reduction, row by row: whole tensors, dimensions, dtypes, layouts and forms; and the rules they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host, rows
from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.dtypes import COMPLEX, DTYPES, INTEGERS, NUMPY
from conformance.every_form import Invocation, answer, find
from conformance.numerics import SUMMED
from conformance.oracle import reduction as oracle
from conformance.oracle import reduction_scan as scan
from conformance.reduction_rows import GROUPS, of_answer
from conformance.subject import Subject
from conformance.wanted import Kind, Wanted, same
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, expanded, offset, stepped, transposed
from properties.strategies.values import cycle, random_normal

pytestmark = must_answer

LONG = 70_001  # more than one thread's share, and no multiple of anything


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


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=check(f"reduction.{claim}"))
        for claim, name in (
            ("sum-dtype", "sum"),
            ("sum-dtype", "prod"),
            ("sum-dtype", "nansum"),
            ("scan-dtype", "cumsum"),
            ("scan-dtype", "cumprod"),
            ("mean-dtype", "mean"),
        )
    ],
)
def test_the_dtype_argument_converts_first(subject: Subject, name: str) -> None:
    law = {
        "sum": oracle.total,
        "prod": oracle.prod,
        "nansum": oracle.nansum,
        "mean": oracle.mean,
        "cumsum": scan.cumsum,
        "cumprod": scan.cumprod,
    }[name]
    pairs = [
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
    ]
    for given, kind in pairs:
        if (name == "mean" and kind.startswith("int")) or (
            name == "nansum" and (given == "bool" or kind.startswith("int"))
        ):
            continue
        table = "powers" if "prod" in name else "small"
        for shape, dim in (((4, 5), 1), ((33,), 0), ((3, 4, 5), -2)):
            for layout in (contiguous, transposed, stepped):
                x = layout(rows.filled(table, given, shape), given)
                found = law(x.array, dim, dtype=kind)
                wanted = (of_answer(found, kind, SUMMED if name == "mean" else rows.EXACT),)
                answer(
                    subject, Invocation(name, (x, dim), wanted, {"dtype": Kind(kind)}), ("function", "method", "out")
                )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=check(f"reduction.{claim}"))
        for claim, name in (
            ("sum-dtype", "sum"),
            ("sum-dtype", "nansum"),
            ("mean-dtype", "mean"),
            ("scan-dtype", "cumsum"),
            ("sum-dtype", "prod"),
        )
    ],
)
def test_what_is_converted_first_neither_overflows_nor_keeps_its_fraction(subject: Subject, name: str) -> None:
    cases = [
        ("float32", "float64", [2e38, 2e38, 2e38, 1]),
        ("float64", "int64", [0.5, 0.5, 1.75, -1.5]),
        ("float32", "int64", [0.5, 0.75, 2.5, 1.5]),
        ("int64", "float64", [2**62, 2**62, 2**62, 4]),
    ]
    law = {
        "sum": oracle.total,
        "nansum": oracle.nansum,
        "mean": oracle.mean,
        "cumsum": scan.cumsum,
        "prod": oracle.prod,
    }[name]
    for given, kind, line in cases:
        if (name in ("mean", "nansum") and kind == "int64") or (name == "prod" and line[0] > 9):
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


@check("reduction.truth-of-complex")
def test_purely_imaginary_numbers_are_true(subject: Subject) -> None:
    for dtype in COMPLEX:
        for line in ([1j, 0], [0, 0], [1j, 2j], [0, 1], [complex(0, 1e-30), 3]):
            values = np.array([line, line[::-1]]).astype(dtype)
            for layout in (contiguous, transposed, stepped):
                x = layout(values, dtype)
                for name, law in (("all", oracle.all_), ("any", oracle.any_), ("count_nonzero", oracle.count_nonzero)):
                    for args in ((), (1,)):
                        kind = "int64" if name == "count_nonzero" else "bool"
                        call = Invocation(name, (x, *args), (Wanted(law(values, *args), kind),))
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


@check("reduction.integer-mean-refused")
def test_the_mean_of_whole_numbers_is_refused(subject: Subject) -> None:
    for dtype in ("bool", *INTEGERS):
        x = contiguous(rows.filled("small", dtype, (4, 5)), dtype).on(subject)
        before = Unchanged(x=x)
        for name in ("mean", "std", "var", "norm"):
            assert_raises(f"torch.{name}(<{dtype}>)", RuntimeError, lambda name=name, x=x: find(name)(x))
            assert_raises(f"x.{name}() of {dtype}", RuntimeError, lambda name=name, x=x: getattr(x, name)())
        before.check("mean, std, var, norm of whole numbers")


@check("reduction.other-dtypes-refused")
def test_what_has_no_order_is_refused(subject: Subject) -> None:
    x = contiguous(rows.filled("small", "complex64", (4, 5)), "complex64").on(subject)
    for name in ("max", "min", "amax", "amin", "argmax", "sort", "median", "topk", "cummax", "kthvalue"):
        args = {"topk": (2,), "cummax": (0,), "kthvalue": (1,)}.get(name, ())
        assert_raises(
            f"torch.{name}(complex64)",
            (RuntimeError, NotImplementedError, TypeError),
            lambda name=name, args=args: find(name)(x, *args),
        )


# -- empty, bad, long ------------------------------------------------------------------------------------------------

IDENTITY: dict[str, tuple[Any, str | None]] = {
    "sum": (0, "int64"),
    "prod": (1, "int64"),
    "nansum": (0, "int64"),
    "mean": (np.nan, None),
    "nanmean": (np.nan, None),
    "all": (True, "bool"),
    "any": (False, "bool"),
    "count_nonzero": (0, "int64"),
    "std": (np.nan, None),
    "var": (np.nan, None),
    "logsumexp": (-np.inf, None),
    "norm": (0, None),
    "median": (np.nan, None),
    "nanmedian": (np.nan, None),
}


@check("reduction.empty-identity")
def test_a_reduction_of_nothing_gives_its_identity(subject: Subject) -> None:
    for name, (value, kind) in IDENTITY.items():
        for dtype in ("float32", "float64", "int64") if kind else ("float32", "float64"):
            own = dtype if kind != "bool" and DTYPES[dtype].is_inexact and name != "count_nonzero" else kind or dtype
            for shape, dims in (((0,), (None, 0)), ((2, 0), (None, 1)), ((0, 3), (None, 0)), ((3, 0, 2), (None, 1))):
                for dim in dims:
                    _identity(subject, name, dtype, shape, dim, value, own)


def _identity(subject: Subject, name: str, dtype: str, shape: tuple[int, ...], dim: Any, value: Any, own: str) -> None:
    if (name in ("median", "nanmedian") and (dtype == "int64" or dim is not None)) or (
        name == "logsumexp" and dim is None
    ):
        return  # the place in an empty line, and an integer that is not a number, do not exist
    x = contiguous(np.zeros(shape), dtype).on(subject)
    left = () if dim is None else tuple(side for d, side in enumerate(shape) if d != dim)
    args = (2, dim) if name == "norm" and dim is not None else () if dim is None else (dim,)
    out = find(name)(x, *args)
    wanted = np.full(left, value).astype(DTYPES[own].host)
    same(f"torch.{name}(<{dtype} {shape}>, dim={dim})", out, Wanted(wanted, own))


@check("reduction.empty-refused")
def test_the_extremes_of_nothing_are_refused(subject: Subject) -> None:
    for shape in ((0,), (2, 0), (0, 3)):
        x = contiguous(np.zeros(shape), "float32").on(subject)
        for name in ("max", "min", "amax", "amin", "argmax", "argmin", "aminmax"):
            for text, call in (
                ("torch.", lambda name=name, x=x: find(name)(x)),
                ("x.", lambda name=name, x=x: getattr(x, name)()),
            ):
                assert_raises(f"{text}{name} of shape {shape}", (RuntimeError, IndexError), call)
        empty = shape.index(0)
        for name in ("max", "min", "amax", "argmax", "argmin", "median", "mode", "kthvalue", "nanmedian"):
            args = (1, empty) if name == "kthvalue" else (empty,)
            assert_raises(
                f"torch.{name} of shape {shape} along {empty}",
                (RuntimeError, IndexError),
                lambda name=name, x=x, args=args: find(name)(x, *args),
            )


@check("reduction.empty-other-dimension")
def test_other_dimensions_may_be_empty(subject: Subject) -> None:
    for shape, dim, left in (((0, 3), 1, (0,)), ((2, 0), 0, (0,)), ((3, 0, 2), 2, (3, 0))):
        x = contiguous(np.zeros(shape), "float32").on(subject)
        for name in ("sum", "mean", "amax", "amin", "prod", "all", "std", "logsumexp"):
            kind = "bool" if name == "all" else "float32"
            same(f"torch.{name}({shape}, {dim})", find(name)(x, dim), Wanted(np.zeros(left, DTYPES[kind].host), kind))
        for name in ("max", "min", "median", "mode"):
            values, indices = find(name)(x, dim)
            same(f"torch.{name}({shape}, {dim}).values", values, Wanted(np.zeros(left, np.float32), "float32"))
            same(f"torch.{name}({shape}, {dim}).indices", indices, Wanted(np.zeros(left, np.int64), "int64"))
        same(f"torch.argmax({shape}, {dim})", torch.argmax(x, dim), Wanted(np.zeros(left, np.int64), "int64"))


ONE_DIM = (
    "sum",
    "mean",
    "prod",
    "nansum",
    "amax",
    "amin",
    "max",
    "min",
    "argmax",
    "argmin",
    "all",
    "any",
    "cumsum",
    "cumprod",
    "cummax",
    "cummin",
    "logsumexp",
    "logcumsumexp",
    "std",
    "var",
    "median",
    "nanmedian",
    "mode",
    "sort",
    "count_nonzero",
    "aminmax",
)


@check("reduction.dim-out-of-range")
def test_a_dimension_that_is_not_there_is_refused(subject: Subject) -> None:
    for shape, dims in (((4, 5), (2, -3)), ((), (1, -2)), ((3,), (1, -2, 7))):
        x = contiguous(np.ones(shape), "float32").on(subject)
        before = Unchanged(x=x)
        for name in ONE_DIM if shape else [name for name in ONE_DIM if name not in ("cummax", "cummin")]:
            for dim in dims:
                options = {"dim": dim}
                assert_raises(
                    f"torch.{name}({shape}, dim={dim})", IndexError, lambda n=name, x=x, o=options: find(n)(x, **o)
                )
                assert_raises(
                    f"x.{name}(dim={dim}) of {shape}", IndexError, lambda n=name, x=x, o=options: getattr(x, n)(**o)
                )
        before.check("a reduction along a dimension that is not there")
    x = contiguous(np.arange(6.0).reshape(2, 3), "float32").on(subject)
    same("torch.sum(x, 1) after an error", torch.sum(x, 1), Wanted(np.array([3.0, 12.0], np.float32), "float32"))


@check("reduction.repeated-dims")
def test_a_dimension_named_twice_is_refused(subject: Subject) -> None:
    x = contiguous(np.ones((3, 4, 5)), "float32").on(subject)
    for name in ("sum", "mean", "nansum", "amax", "amin", "std", "var", "logsumexp", "count_nonzero"):
        for dims in ((0, 0), (1, -2), (0, 1, 0), (2, -1)):
            assert_raises(f"torch.{name}((3, 4, 5), {dims})", RuntimeError, lambda n=name, d=dims: find(n)(x, d))
            assert_raises(f"x.{name}({dims})", RuntimeError, lambda n=name, d=dims: getattr(x, n)(d))


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


LONG_LAWS: dict[str, tuple[str, Callable[[np.ndarray], Any]]] = {
    "sum": ("sum", lambda x: oracle.total(x, 0)),
    "mean": ("mean", lambda x: oracle.mean(x, 0)),
    "var": ("var", lambda x: scan.var(x, 0)),
    "std": ("std", lambda x: scan.std(x, 0)),
    "norm": ("norm", scan.norm),
    "logsumexp": ("logsumexp", lambda x: scan.logsumexp(x, 0)),
    "cumsum": ("cumsum", lambda x: scan.cumsum(x, 0)),
    "nansum": ("nansum", lambda x: oracle.nansum(x, 0)),
}


@pytest.mark.parametrize("name", [pytest.param(k, marks=check(f"reduction.{v[0]}")) for k, v in LONG_LAWS.items()])
def test_a_long_line(subject: Subject, name: str) -> None:
    law = LONG_LAWS[name][1]
    for dtype in ("float32", "float64"):
        for seed, layout in enumerate((contiguous, stepped, offset)):
            values = random_normal(seed, dtype, (LONG,))
            if name == "sum":  # nearly cancels
                values[: LONG // 2] = -values[LONG // 2 : 2 * (LONG // 2)][::-1] + values[: LONG // 2] * 1e-3
            x = layout(values, dtype).on(subject)
            out = find(name)(x) if name == "norm" else find(name)(x, 0)
            same(f"torch.{name}(<{dtype} {LONG}>)", out, of_answer(law(values), dtype, SUMMED))


@check("reduction.long-exact")
def test_long_lines_of_whole_numbers_come_out_exactly(subject: Subject) -> None:
    for dtype in ("float32", "float64", "int64", "int32", "uint8", "bool", "complex64"):
        for shape, dim in (((LONG,), 0), ((2, LONG), 1), ((LONG, 2), 0), ((35_003, 3), -1)):
            values = cycle(rows.small(dtype), shape)
            for layout in (contiguous, stepped):
                x = layout(values, dtype)
                given = x.on(subject)
                text = f"<{dtype} {shape}>, {dim}"
                wide = values.astype(np.int64 if not DTYPES[dtype].is_inexact else values.dtype)
                kind = "int64" if not DTYPES[dtype].is_inexact else dtype
                same(f"torch.sum({text})", torch.sum(given, dim), Wanted(wide.sum(dim), kind, signed_zeros=False))
                same(
                    f"torch.count_nonzero({text})",
                    torch.count_nonzero(given, dim),
                    Wanted((values != 0).sum(dim), "int64"),
                )
                if layout is stepped or dtype not in NUMPY:
                    continue
                same(
                    f"torch.cumsum({text})",
                    torch.cumsum(given, dim),
                    Wanted(np.cumsum(wide, dim), kind, signed_zeros=False),
                )
                same(
                    f"torch.sum of all {text}",
                    torch.sum(given),
                    Wanted(np.asarray(wide.sum()), kind, signed_zeros=False),
                )


@check("reduction.long-extremes")
def test_the_extremes_of_long_lines(subject: Subject) -> None:
    for dtype in ("float32", "float64", "int64", "int32", "uint8"):
        for place in (0, 31, 32_768, LONG - 1):
            values = (np.arange(LONG) * 7 % 91).astype(dtype)
            values[place] = 120
            for layout in (contiguous, stepped):
                x = layout(values, dtype).on(subject)
                text = f"<{dtype} {LONG}>, its largest at {place}"
                same(f"torch.argmax({text})", torch.argmax(x), Wanted(np.array(place), "int64"))
                same(f"torch.max({text})", torch.max(x), Wanted(values[place], dtype))
                same(f"torch.amax({text})", torch.amax(x, 0), Wanted(values[place], dtype))
                largest, where = torch.max(x, 0)
                same(f"torch.max({text}, 0).values", largest, Wanted(values[place], dtype))
                same(f"torch.max({text}, 0).indices", where, Wanted(np.array(place), "int64"))
                same(f"torch.argmin({text})", torch.argmin(x), Wanted(np.array(values.argmin()), "int64"))
                same(f"torch.min({text})", torch.min(x), Wanted(values.min(), dtype))


@check("reduction.wide-accumulation")
def test_sums_of_reduced_precision_are_worked_out_in_a_wider_one(subject: Subject) -> None:
    for dtype in ("float16", "bfloat16"):
        for size in (300, 2048, 5000, 20_000):
            for layout in (contiguous, stepped):
                ones = layout(np.ones(size), dtype).on(subject)
                wanted = host.array(host.tensor(np.array(float(size)), dtype))
                same(f"torch.sum of {size} ones, {dtype}", torch.sum(ones), Wanted(wanted, dtype))
                same(f"torch.sum of {size} ones along 0, {dtype}", torch.sum(ones, 0), Wanted(wanted, dtype))
                same(f"torch.mean of {size} ones, {dtype}", torch.mean(ones), Wanted(np.ones(()), dtype, SUMMED))


@check("reduction.expanded-input")
def test_expanded_input_counts_every_element(subject: Subject) -> None:
    for dtype in ("float32", "int64", "bool"):
        for dim in (0, 1):
            x = expanded(rows.filled("small", dtype, (6, 7)), dtype, dim)
            values = x.array
            for along in (0, 1, None):
                found = oracle.total(values, along)
                args = () if along is None else (along,)
                kind = dtype if DTYPES[dtype].is_inexact else "int64"
                same(
                    f"torch.sum(expanded, {along})", torch.sum(x.on(subject), *args), of_answer(found, kind, rows.EXACT)
                )
                same(
                    f"torch.amax(expanded, {along})",
                    torch.amax(x.on(subject), *args),
                    Wanted(oracle.extreme(values, along), dtype, signed_zeros=False),
                )


@check("reduction.reduced-dims-go")
def test_reduced_dimensions_go_or_become_one(subject: Subject) -> None:
    for layout in LAYOUTS:
        x = LAYOUTS[layout](np.ones((2, 3, 1, 4)), "float32").on(subject)
        for name in ("sum", "mean", "amax", "amin", "std", "logsumexp", "nansum"):
            for dims in ((0,), (-1,), (1, 3), (0, 1, 2, 3), (2,), (3, 0)):
                for keep in (False, True):
                    out = find(name)(x, dims, keepdim=keep)
                    shape = oracle.kept_shape((2, 3, 1, 4), dims)
                    shape = (
                        shape
                        if keep
                        else tuple(side for d, side in enumerate((2, 3, 1, 4)) if d - 4 not in dims and d not in dims)
                    )
                    require(
                        tuple(out.shape) == shape,
                        f"torch.{name}({dims}, keepdim={keep}) has shape {tuple(out.shape)}",
                        shape,
                        tuple(out.shape),
                    )


@check("reduction.new-memory")
def test_what_a_reduction_gives_is_new_memory(subject: Subject) -> None:
    for layout in DENSE:
        x = LAYOUTS[layout](np.full((3, 1), 2.0), "float32")
        calls: dict[str, Callable[[Any], Any]] = {
            "sum(1)": lambda t: t.sum(1),
            "amax(1)": lambda t: t.amax(1),
            "max(1).values": lambda t: t.max(1).values,
            "prod(1)": lambda t: t.prod(1),
            "cumsum(1)": lambda t: t.cumsum(1),
            "mean(1)": lambda t: t.mean(1),
            "sort(1).values": lambda t: t.sort(1).values,
            "median(1).values": lambda t: t.median(1).values,
            "topk(1, 1).values": lambda t: t.topk(1, 1).values,
            "cummax(1).values": lambda t: t.cummax(1).values,
            "sum((0, 1))": lambda t: t[:1].sum((0, 1)),
            "max()": lambda t: t[:1].max(),
            "cumprod(1)": lambda t: t.cumprod(1),
            "logsumexp(1)": lambda t: t.logsumexp(1),
            "mode(1).values": lambda t: t.mode(1).values,
        }
        for text, call in calls.items():
            given = x.on(subject)
            call(given).fill_(-9)
            same(f"x after writing to x.{text}, {layout}", given, Wanted(x.array, "float32"))


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

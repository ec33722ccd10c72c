"""What reductions refuse, and what they give of nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance.assertions import Unchanged, assert_raises
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES, INTEGERS
from conformance.every_form import find
from conformance.subject import Subject
from conformance.tables import rows
from conformance.wanted import Wanted, same
from properties.strategies.recipe import contiguous

pytestmark = must_answer


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
            (RuntimeError, NotImplementedError, TypeError, ValueError),
            lambda name=name, args=args: find(name)(x, *args),
        )


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
    wanted = Wanted(np.full(left, value).astype(DTYPES[own].host), own)
    same(f"torch.{name}(<{dtype} {shape}>, dim={dim})", find(name)(x, *args), wanted)
    same(f"x.{name}(dim={dim}) of <{dtype} {shape}>", getattr(x, name)(*args), wanted)


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

"""Reductions of odd arguments: no dimensions, odd points of quantiles, weights, short lines, sample points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.every_form import find
from conformance.numerics import COMPOSED
from conformance.subject import Subject
from conformance.tables.reduction_values import near
from properties.strategies.recipe import contiguous, stepped, transposed
from properties.strategies.values import random_normal

pytestmark = must_answer

LAID = (contiguous, transposed, stepped)
NAN = np.nan


NO_DIM: dict[str, Callable[..., Any]] = {
    "sum": np.sum,
    "mean": np.mean,
    "nansum": np.nansum,
    "nanmean": np.nanmean,
    "amax": np.max,
    "amin": np.min,
    "std": lambda x, **k: np.std(x, ddof=1, **k),
    "var": lambda x, **k: np.var(x, ddof=1, **k),
}


@pytest.mark.parametrize("name", NO_DIM)
@check("reduction.no-dim")
def test_no_dimension_means_all(subject: Subject, name: str) -> None:
    values = random_normal(3, "float64", (3, 4, 2))
    for layout in LAID:
        x = layout(values, "float64").on(subject)
        for keep in (False, True):
            wanted = NO_DIM[name](values, keepdims=keep)
            # amax and amin take no None: their default is ().
            for dim in ((), []) if name.startswith("am") else (None, (), []):
                for form, call in (("torch.", lambda **k: find(name)(x, **k)), ("x.", getattr(x, name))):
                    near(f"{form}{name}(dim={dim}, keepdim={keep})", call(dim=dim, keepdim=keep), wanted)
                near(f"torch.{name}(x, {dim})", find(name)(x, dim), NO_DIM[name](values))


@check("reduction.quantile")
def test_points_without_a_dimension_add_none(subject: Subject) -> None:
    values = random_normal(5, "float64", (4, 5))
    for layout in LAID:
        x = layout(values, "float64").on(subject)
        for name in ("quantile", "nanquantile"):
            for dim in (None, 0, 1):
                for q in (0.0, 0.3, 1.0):
                    point = contiguous(np.array(q), "float64").on(subject)
                    wanted = np.quantile(values, q, axis=dim)
                    near(f"torch.{name}(x, 0-d tensor of {q})", find(name)(x, point, dim), wanted)
                    near(f"x.{name}(0-d tensor of {q})", getattr(x, name)(point, dim), wanted)
            refused: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
                "points in two dimensions": ((contiguous(np.full((1, 2), 0.5), "float64").on(subject),), {}),
                "an unknown interpolation": ((0.5,), {"interpolation": "cubic"}),
                "interpolation by ''": ((0.5,), {"interpolation": ""}),
            }
            before = Unchanged(input=x)
            for text, (args, options) in refused.items():
                for call in (lambda *a, **k: find(name)(x, *a, **k), getattr(x, name)):
                    assert_raises(f"{name} with {text}", RuntimeError, lambda c=call, a=args, o=options: c(*a, **o))
            before.check(name)


@check("reduction.nanquantile")
def test_lines_of_nothing_but_nan(subject: Subject) -> None:
    values = np.array([[NAN, NAN, NAN], [1.0, NAN, 3.0]])
    for layout in LAID:
        x = layout(values, "float64").on(subject)
        for q, wanted in ((0.5, [NAN, 2.0]), (0.0, [NAN, 1.0]), (1.0, [NAN, 3.0])):
            near(f"torch.nanquantile(x, {q}, 1)", torch.nanquantile(x, q, 1), np.array(wanted))
        near("torch.nanquantile of NaN", torch.nanquantile(x[0], 0.5), np.array(NAN))
        near("torch.nanmean(x, 1)", torch.nanmean(x, 1), np.array([NAN, 2.0]))
        near("torch.nanmedian(x[0])", torch.nanmedian(x[0]), np.array(NAN))
        out = torch.empty(0, dtype=torch.float64, device=x.device)
        for held in (out, stepped(np.ones(2), "float64").on(subject)):
            require(torch.nanmean(x, 1, out=held) is held, "torch.nanmean returns another tensor than out=")
            near("torch.nanmean(x, 1, out=)", held, np.array([NAN, 2.0]))


@check("reduction.renorm")
def test_renorm_by_every_order_in_every_layout(subject: Subject) -> None:
    values = random_normal(17, "float64", (4, 5))
    for order in (1, 2, 3, 0.5, np.inf):
        size = np.abs(values).max(1) if np.isinf(order) else (np.abs(values) ** order).sum(1) ** (1 / order)
        most = float(np.median(size)) * 0.9
        wanted = values * np.where(size > most, most / (size + 1e-7), 1)[:, None]
        for layout in LAID:
            x = layout(values, "float64").on(subject)
            for text, out in (
                ("torch.renorm", torch.renorm(x, order, 0, most)),
                ("x.renorm", x.renorm(p=order, dim=0, maxnorm=most)),
                ("out=", torch.renorm(x, order, 0, most, out=torch.empty_like(x))),
            ):
                assert_values(f"{text}, p={order}", out, wanted, COMPOSED.over(8), 4.0)
    before = Unchanged(input=x)
    for text, args in (("maxnorm -1", (2, 0, -1.0)), ("p 0", (0, 0, 1.0)), ("p -2", (-2, 0, 1.0))):
        assert_raises(f"torch.renorm with {text}", RuntimeError, lambda a=args: torch.renorm(x, *a))
        assert_raises(f"x.renorm with {text}", RuntimeError, lambda a=args: x.renorm(*a))
    assert_raises("torch.renorm of a vector", RuntimeError, lambda: torch.renorm(x[0], 2, 0, 1.0))
    before.check("renorm")


@check("reduction.diff")
def test_differences_of_higher_order_and_of_short_lines(subject: Subject) -> None:
    values, edge = random_normal(7, "float64", (3, 5)), random_normal(8, "float64", (3, 2))
    for layout in LAID:
        x, y = layout(values, "float64").on(subject), layout(edge, "float64").on(subject)
        for n in (1, 2, 3, 4, 5, 9):
            for options in ({}, {"prepend": edge}, {"append": edge}, {"prepend": edge, "append": edge}):
                wanted = np.diff(values, n, -1, **options)
                given = dict.fromkeys(options, y)
                out = torch.empty(0, dtype=x.dtype, device=x.device)
                for text, found in (
                    ("torch.diff", torch.diff(x, n, **given)),
                    ("x.diff", x.diff(n, -1, **given)),
                    ("torch.diff, out=", torch.diff(x, n=n, dim=1, **given, out=out)),
                ):
                    near(f"{text}(n={n}, {sorted(given)})", found, wanted, terms=2.0**n)
                near(f"out= of torch.diff(n={n})", out, wanted, terms=2.0**n)
    for text, call in (
        ("of no dimensions", lambda: torch.diff(x[0, 0])),
        ("with a vector put before a matrix", lambda: torch.diff(x, prepend=x[0])),
        ("with another height put behind", lambda: torch.diff(x, append=x[:2])),
    ):
        assert_raises(f"torch.diff {text}", RuntimeError, call)


@check("reduction.cov")
def test_weights_and_ranks_that_covariance_refuses(subject: Subject) -> None:
    x = stepped(random_normal(9, "float64", (2, 3)), "float64").on(subject)
    before = Unchanged(input=x)
    weights: dict[str, tuple[str, Any]] = {
        "frequencies that are no integers": ("fweights", contiguous(np.ones(3), "float64")),
        "a negative frequency": ("fweights", contiguous(np.array([1, -1, 1]), "int64")),
        "too few frequencies": ("fweights", contiguous(np.array([1, 1]), "int64")),
        "frequencies of zero": ("fweights", contiguous(np.zeros(3), "int64")),
        "weights that are integers": ("aweights", contiguous(np.ones(3), "int64")),
        "a negative weight": ("aweights", contiguous(np.array([1.0, -1, 1]), "float64")),
        "too many weights": ("aweights", contiguous(np.ones(4), "float64")),
        "weights in two dimensions": ("aweights", contiguous(np.ones((1, 3)), "float64")),
    }
    for text, (key, recipe) in weights.items():
        given = {key: recipe.on(subject)}
        assert_raises(f"torch.cov with {text}", RuntimeError, lambda g=given: torch.cov(x, **g))
        assert_raises(f"x.cov with {text}", RuntimeError, lambda g=given: x.cov(**g))
    before.check("cov")


@check("reduction.cov")
def test_covariances_of_integers_and_of_too_many_dimensions(subject: Subject) -> None:
    x = stepped(random_normal(9, "float64", (2, 3)), "float64").on(subject)
    for name in ("cov", "corrcoef"):
        assert_raises(f"torch.{name} of three dimensions", RuntimeError, lambda n=name: find(n)(x[None]))
        assert_raises(f"x.{name} of three dimensions", RuntimeError, lambda n=name: getattr(x[None], n)())
    whole = np.array([[1, 2, 4], [3, 0, 5]])
    for name, law in (("cov", np.cov(whole)), ("corrcoef", np.corrcoef(whole))):
        for form, out in (
            ("torch.", find(name)(contiguous(whole, "int64").on(subject))),
            ("x.", getattr(stepped(whole, "int32").on(subject), name)()),
        ):
            near(f"{form}{name} of integers", out, law, "float32")


@check("reduction.trapezoid")
def test_trapezia_of_many_dimensions_few_points_and_integers(subject: Subject) -> None:
    values, places = random_normal(11, "float64", (3, 2, 4)), np.array([0.0, 1.0, 1.5, 4.0])
    for layout in LAID:
        y, x = layout(values, "float64").on(subject), stepped(places, "float64").on(subject)
        for dim in (0, 1, 2, -1):
            line = np.moveaxis(values, dim, -1)
            means = (line[..., 1:] + line[..., :-1]) / 2
            running = np.moveaxis(np.cumsum(means, -1), -1, dim)
            steps = np.diff(places[: values.shape[dim]])
            far = np.moveaxis(np.cumsum(means * steps, -1), -1, dim)
            at = x[: values.shape[dim]]
            near(f"trapezoid(dim={dim})", torch.trapezoid(y, dim=dim), means.sum(-1))
            near(f"trapezoid(y, x, dim={dim})", torch.trapezoid(y, at, dim=dim), (means * steps).sum(-1))
            near(f"cumulative_trapezoid(dim={dim})", torch.cumulative_trapezoid(y, dim=dim), running)
            near(f"cumulative_trapezoid(y, x, dim={dim})", torch.cumulative_trapezoid(y, at, dim=dim), far)
        near("trapezoid of one point", torch.trapezoid(y[..., :1]), np.zeros((3, 2)))
        near("trapezoid of no points", torch.trapezoid(y[..., :0]), np.zeros((3, 2)))
        near("cumulative_trapezoid of one point", torch.cumulative_trapezoid(y[..., :1]), np.zeros((3, 2, 0)))
        assert_raises("trapezoid with too few places", RuntimeError, lambda: torch.trapezoid(y, x[:2]))
    whole = contiguous(np.array([[1, 2, 4], [3, 0, 6]]), "int64").on(subject)
    near("trapezoid of integers", torch.trapezoid(whole), np.array([4.5, 4.5]), "float32")


@check("reduction.gradient")
def test_places_along_each_dimension_and_lines_that_are_too_short(subject: Subject) -> None:
    values = random_normal(13, "float64", (4, 5))
    places = (np.array([0.0, 1, 3, 4]), np.array([0.0, 0.5, 1.5, 4.0, 5.0]))
    for layout in LAID:
        x = layout(values, "float64").on(subject)
        given = [contiguous(p, "float64").on(subject) for p in places]
        for edge in (1, 2):
            found = torch.gradient(x, spacing=given, edge_order=edge)
            require(isinstance(found, tuple) and len(found) == 2, "torch.gradient gives no pair", 2, type(found))
            for part, law in zip(found, np.gradient(values, *places, edge_order=edge), strict=True):
                near(f"torch.gradient(spacing=two tensors, edge_order={edge})", part, law)
            turned = torch.gradient(x, spacing=given[::-1], dim=(1, 0), edge_order=edge)
            for part, law in zip(turned, np.gradient(values, *places, edge_order=edge)[::-1], strict=True):
                near(f"torch.gradient(spacing=two tensors, dim=(1, 0), edge_order={edge})", part, law)
    before = Unchanged(input=x)
    for text, call in (
        ("of one point", lambda: torch.gradient(x[0, :1])),
        ("of two points with edge_order 2", lambda: torch.gradient(x[:2], dim=0, edge_order=2)),
        ("with edge_order 3", lambda: torch.gradient(x, edge_order=3)),
        ("along a dimension twice", lambda: torch.gradient(x, dim=(0, 0))),
        ("with three spacings for two dimensions", lambda: torch.gradient(x, spacing=(1.0, 2.0, 3.0))),
    ):
        assert_raises(f"torch.gradient {text}", RuntimeError, call)
    before.check("torch.gradient")

"""Names, defaults and options of reductions that seldom come up: axis, keepdims, 0-d input, orders, spacings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.every_form import find
from conformance.numerics import COMPOSED
from conformance.subject import Subject
from conformance.tables.reduction_along import ALONG, SCANS
from conformance.tables.reduction_values import near
from properties.strategies.recipe import contiguous, stepped, transposed
from properties.strategies.values import random_normal

pytestmark = must_answer

Array = np.ndarray
LAID = (contiguous, transposed, stepped)


@pytest.mark.parametrize("name", [*ALONG, *SCANS])
@check("reduction.axis-alias")
def test_every_dim_is_also_an_axis(subject: Subject, name: str) -> None:
    x = random_normal(7, "float64", (4, 5))
    law = {**ALONG, **SCANS}[name]
    for turn, axis in enumerate((0, 1, -1, -2)):
        wanted = law(x, axis)
        kind = {"all": "bool", "any": "bool", "argmax": "int64", "argmin": "int64"}.get(name, "float64")
        given = LAID[turn % 3](x, "float64").on(subject)
        for form, call in (
            ("torch.", lambda **o: find(name)(given, **o)),
            ("x.", lambda **o: getattr(given, name)(**o)),
        ):
            for key in ("dim", "axis"):
                near(f"{form}{name}({key}={axis})", values_of(call(**{key: axis})), wanted, kind)
            if name in ALONG:
                kept = np.expand_dims(wanted, axis)
                for key in ("keepdim", "keepdims"):
                    out = values_of(call(**{"axis": axis, key: True}))
                    near(f"{form}{name}(axis={axis}, {key}=True)", out, kept, kind)


def values_of(out: Any) -> Any:
    """The values of what gives values and indices."""
    return out[0] if isinstance(out, tuple) else out


@pytest.mark.parametrize("name", ["std", "var"])
@check("reduction.correction")
def test_every_way_to_ask_for_a_spread(subject: Subject, name: str) -> None:
    for dtype in ("float64", "float32"):
        x = random_normal(5, dtype, (4, 5, 3)).astype(np.float64)
        for turn, dim in enumerate((0, -1, (0, 2), (-1, 1), None)):
            given = LAID[turn % 3](x, dtype).on(subject)
            for correction, options in ((1, {}), (0, {"unbiased": False}), (1, {"unbiased": True})):
                for keep in (False, True):
                    law = np.std if name == "std" else np.var
                    wanted = law(x, dim, ddof=correction, keepdims=keep)
                    asked = {**options, "dim": dim, "keepdim": keep}
                    near(f"torch.{name}(x, {asked})", find(name)(given, **asked), wanted, dtype)
                    near(f"x.{name}({asked})", getattr(given, name)(**asked), wanted, dtype)
                    spread, mean = find(f"{name}_mean")(given, **asked)
                    near(f"torch.{name}_mean(x, {asked})[0]", spread, wanted, dtype)
                    near(f"torch.{name}_mean(x, {asked})[1]", mean, x.mean(dim, keepdims=keep), dtype)
            out = stepped(np.ones(np.shape(law(x, dim))), dtype).on(subject)
            if dim is not None:
                near(f"torch.{name}(x, {dim}, out=)", find(name)(given, dim, out=out), law(x, dim, ddof=1), dtype)
                near(f"out= of torch.{name}", out, law(x, dim, ddof=1), dtype)


@pytest.mark.parametrize("name", ["std", "var"])
@check("reduction.correction", since="2.0")
def test_corrections_of_few_elements(subject: Subject, name: str) -> None:
    for dtype in ("float64", "float32", "complex64"):
        for shape in ((), (1,), (3, 1)):
            x = contiguous(np.full(shape, 2.5), dtype).on(subject)
            kind = "float32" if dtype == "complex64" else dtype
            wanted = np.zeros(shape[:-1])
            args = () if len(shape) < 2 else (-1,)
            for form, call in (("torch", lambda *a, **o: find(name)(x, *a, **o)), ("x", getattr(x, name))):
                near(f"{form}.{name}(correction=0) of {shape}", call(*args, correction=0), wanted, kind)
        y = stepped(np.arange(6.0) ** 2, dtype).on(subject)
        for correction in (0, 1, 2, 3, 5):
            wanted = np.sqrt(np.var(np.arange(6.0) ** 2, ddof=correction))
            wanted = wanted if name == "std" else wanted**2
            for form, call in (("torch", lambda *a, **o: find(name)(y, *a, **o)), ("y", getattr(y, name))):
                near(f"{form}.{name}(correction={correction})", call(correction=correction), wanted, kind)
                near(f"{form}.{name}(0, correction={correction})", call(0, correction=correction), wanted, kind)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@check("reduction.argmax")
def test_places_of_extremes_of_everything_with_keepdim(subject: Subject, name: str) -> None:
    for shape in ((4, 5), (2, 3, 4), (6,)):
        x = random_normal(3, "float64", shape)
        wanted = int(x.argmax() if name == "argmax" else x.argmin())
        for layout in LAID:
            given = layout(x, "float64").on(subject)
            for out in (
                find(name)(given, keepdim=True),
                getattr(given, name)(keepdim=True),
                find(name)(given, None, False),
                find(name)(given, dim=None),
            ):
                require(out.numel() == 1 and out.item() == wanted, f"torch.{name} of everything", wanted, out)


@check("reduction.nanmean")
def test_nanmean_converts_first(subject: Subject) -> None:
    x = np.array([[3e38, np.nan, 3e38, -1.0], [1.0, 2.0, np.nan, 4.0]])
    held = x.astype(np.float32).astype(np.float64)
    for layout in LAID:
        given = layout(x, "float32").on(subject)
        for dim in (1, -2, (0, 1)):
            wanted = np.nanmean(held, dim)
            near(f"torch.nanmean(dtype=float64), {dim}", torch.nanmean(given, dim, dtype=torch.float64), wanted)
            near(f"x.nanmean(dtype=float64), {dim}", given.nanmean(dim, dtype=torch.float64), wanted)
        near("torch.nanmean(x, dtype=float64)", torch.nanmean(given, dtype=torch.float64), np.nanmean(held))


INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@check("reduction.quantile-interpolation")
def test_interpolations_along_dimensions(subject: Subject, interpolation: str) -> None:
    x = random_normal(11, "float64", (4, 5))
    q = np.array([0.0, 0.3, 0.6, 1.0])
    for turn, dim in enumerate((0, 1, -1, None)):
        given, asked = LAID[turn % 3](x, "float64").on(subject), contiguous(q, "float64").on(subject)
        for keep in (False, True):
            options = {"dim": dim, "keepdim": keep, "interpolation": interpolation}
            wanted = np.quantile(x, q, dim, method=interpolation, keepdims=keep)
            one = np.quantile(x, 0.3, dim, method=interpolation, keepdims=keep)
            for name in ("quantile", "nanquantile"):
                for form, call in (
                    ("torch", lambda *a, **o: find(name)(given, *a, **o)),
                    ("x", getattr(given, name)),
                ):
                    near(f"{form}.{name}(q, {options})", call(asked, **options), wanted)
                    near(f"{form}.{name}(0.3, {options})", call(0.3, **options), one)
                out = torch.empty(0, dtype=torch.float64, device=given.device)
                near(f"torch.{name}(0.3, {options}, out=)", find(name)(given, 0.3, **options, out=out), one)


ORDERS = (2, 1, 3, 0, 0.5, -1, np.inf, -np.inf)


@check("reduction.norm")
def test_norms_of_every_order_along_several_dimensions(subject: Subject) -> None:
    x = random_normal(13, "float64", (3, 4, 2))
    for turn, order in enumerate(ORDERS):
        for dim in (0, -1, (0, 2), (-1, -2), (0, 1, 2)):
            for keep in (False, True):
                wanted, given = _norm(x, order, dim, keep), LAID[turn % 3](x, "float64").on(subject)
                text = f"norm({order}, {dim}, {keep})"
                near(f"torch.{text}", torch.norm(given, order, dim, keep), wanted)
                near(f"x.{text}", given.norm(order, dim, keep), wanted)
                near(f"x.{text} by keyword", given.norm(p=order, dim=dim, keepdim=keep), wanted)
        out = stepped(np.ones((3, 2)), "float64").on(subject)
        near(f"torch.norm({order}, 1, out=)", torch.norm(given, order, 1, out=out), _norm(x, order, 1, False))
        near("out=", out, _norm(x, order, 1, False))
        wide = torch.norm(given.float(), order, 1, dtype=torch.float64)
        near("torch.norm(dtype=float64)", wide, _norm(x.astype(np.float32).astype(float), order, 1, False))


def _norm(x: Array, order: float, dim: Any, keep: bool) -> Array:
    size = np.abs(x)
    if np.isinf(order):
        return size.max(dim, keepdims=keep) if order > 0 else size.min(dim, keepdims=keep)
    return (
        (size != 0).sum(dim, keepdims=keep) * 1.0
        if order == 0
        else (size**order).sum(dim, keepdims=keep) ** (1 / order)
    )


@check("reduction.renorm")
def test_renorm_shortens_what_is_too_long(subject: Subject) -> None:
    for dtype in ("float64", "float32"):
        x = random_normal(17, dtype, (3, 4, 2)).astype(np.float64)
        for turn, order in enumerate((2, 1, 3, 0.5, np.inf)):
            for dim in (0, 1, -1):
                rest = tuple(d for d in range(3) if d != dim % 3)
                size = _norm(x, order, rest, True)
                for most in (float(np.median(size)) * 0.97, float(size.max()) * 2, float(size.min()) / 2):
                    wanted = x * np.where(size > most, most / (size + 1e-7), 1)
                    given = LAID[turn % 3](x, dtype).on(subject)
                    before = Unchanged(input=given)
                    text = f"renorm(p={order}, dim={dim}, maxnorm={most:.3f})"
                    assert_values(f"torch.{text}", torch.renorm(given, order, dim, most), wanted, COMPOSED.over(8), 4.0)
                    assert_values(f"x.{text}", given.renorm(order, dim, most), wanted, COMPOSED.over(8), 4.0)
                    before.check(text)
                    given.renorm_(order, dim, most)
                    assert_values(f"x.renorm_{text[6:]}", given, wanted, COMPOSED.over(8), 4.0, dtype=dtype)


# Further arguments of torch.gradient, and the same for numpy: (spacing, dim, edge_order).
PLACES = np.array([0.0, 1.0, 1.5, 4.0, 5.0])
GRADIENTS: tuple[tuple[dict[str, Any], tuple[Any, ...], dict[str, Any]], ...] = (
    ({}, (), {}),
    ({"spacing": 2.5}, (2.5,), {}),
    ({"dim": 1}, (), {"axis": 1}),
    ({"dim": -1, "edge_order": 2}, (), {"axis": -1, "edge_order": 2}),
    ({"edge_order": 2}, (), {"edge_order": 2}),
    ({"dim": (0, 1), "spacing": 0.5}, (0.5, 0.5), {"axis": (0, 1)}),
    ({"dim": (1, 0)}, (), {"axis": (1, 0)}),
    ({"dim": 1, "spacing": (3.0,)}, (3.0,), {"axis": 1}),
    ({"dim": (0, 1), "spacing": [2.0, 4.0], "edge_order": 2}, (2.0, 4.0), {"axis": (0, 1), "edge_order": 2}),
    ({"dim": 1, "spacing": (PLACES,)}, (PLACES,), {"axis": 1}),
    ({"dim": 1, "spacing": (PLACES,), "edge_order": 2}, (PLACES,), {"axis": 1, "edge_order": 2}),
)


@check("reduction.gradient")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_gradients_of_samples(subject: Subject, dtype: str) -> None:
    x = random_normal(19, dtype, (4, 5)).astype(np.float64)
    for turn, (options, spacing, named) in enumerate(GRADIENTS):
        wanted = np.gradient(x, *spacing, **named)
        wanted = list(wanted) if isinstance(wanted, (list, tuple)) else [wanted]
        for layout in LAID[turn % 3 :]:
            given = layout(x, dtype).on(subject)
            asked = {key: _on(subject, value, dtype) for key, value in options.items()}
            out = torch.gradient(given, **asked)
            require(
                len(out) == len(wanted), f"torch.gradient({options}) gives {len(out)} tensors", len(wanted), len(out)
            )
            for part, law in zip(out, wanted, strict=True):
                near(f"torch.gradient(x, {options})", part, law, dtype)


def _on(subject: Subject, value: Any, dtype: str) -> Any:
    if isinstance(value, tuple) and isinstance(value[0], np.ndarray):
        return tuple(contiguous(part, dtype).on(subject) for part in value)
    return value


@check("reduction.trapezoid")
def test_trapezia_by_both_names_with_places_and_distances(subject: Subject) -> None:
    y, far = random_normal(23, "float64", (4, 5)), np.cumsum(np.abs(random_normal(29, "float64", (4, 5))), 1)
    for layout in LAID:
        x = layout(y, "float64").on(subject)
        for dim in (0, 1, -1, -2):
            sides = np.moveaxis(y, dim, -1)
            means = (sides[..., 1:] + sides[..., :-1]) / 2
            for dx in (1, 0.25, -2.0):
                wanted = (means * dx).sum(-1)
                for name in ("trapezoid", "trapz"):
                    near(f"torch.{name}(y, dx={dx}, dim={dim})", find(name)(x, dx=dx, dim=dim), wanted)
                running = np.moveaxis(np.cumsum(means * dx, -1), -1, dim)
                text = f"torch.cumulative_trapezoid(y, dx={dx}, dim={dim})"
                near(text, torch.cumulative_trapezoid(x, dx=dx, dim=dim), running)
            steps = np.diff(np.moveaxis(far, dim, -1), axis=-1)
            places = layout(far, "float64").on(subject)
            for name in ("trapezoid", "trapz"):
                near(f"torch.{name}(y, x, dim={dim})", find(name)(x, places, dim=dim), (means * steps).sum(-1))
            running = np.moveaxis(np.cumsum(means * steps, -1), -1, dim)
            near(
                f"torch.cumulative_trapezoid(y, x, dim={dim})", torch.cumulative_trapezoid(x, places, dim=dim), running
            )


@check("reduction.corrcoef")
@pytest.mark.parametrize("dtype", ["complex128", "complex64", "float32"])
def test_correlations_of_complex_variables(subject: Subject, dtype: str) -> None:
    x = random_normal(31, dtype, (3, 17))
    wide = x.astype(np.complex128 if "complex" in dtype else np.float64)
    for layout in LAID:
        given = layout(x, dtype).on(subject)
        for name, law in (("corrcoef", np.corrcoef(wide)), ("cov", np.cov(wide))):
            for form, out in (("torch", find(name)(given)), ("x", getattr(given, name)())):
                near(f"{form}.{name} of {dtype}", out, law, dtype, 200)
        rows = host.array(find("cov")(given[0]))
        require(rows.shape == (), "torch.cov of one variable has dimensions", (), rows.shape)
        near("torch.cov of one variable", find("cov")(given[0]), np.cov(wide[0]), dtype, 200)
        near("torch.corrcoef of one variable", find("corrcoef")(given[0]), np.ones(()), dtype, 200)

"""Resampling, grids, padding, folds and distances in their rarer forms, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import assert_apart, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import EXACT
from conformance.oracle import layer_kinds as oracle
from conformance.tables.formula_rows import judge_row, marked
from conformance.tables.layer_inputs import normal
from conformance.tables.layer_place_rows import ROWS
from properties.strategies.recipe import DENSE, contiguous, layouts

pytestmark = must_answer


@pytest.mark.parametrize("row", marked(ROWS))
def test_places_follow_their_formula(subject, row):
    judge_row(subject, row)


@check("layer.padding")
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool", "complex64", "bfloat16"])
def test_padding_of_other_dtypes(subject, dtype):
    subject.require(dtype)
    values = np.arange(24).reshape(2, 3, 4) % (2 if dtype == "bool" else 19)
    values = values > 0 if dtype == "bool" else values.astype("complex64" if dtype == "complex64" else values.dtype)
    for recipe in layouts(values, dtype, DENSE):
        for widths, value in (((1, 2), 1), ((0, 1, 2, 0), 0), ((-1, 2), 1), ((0, 0), 1)):
            x = recipe.on(subject)
            out = F.pad(x, widths, value=value)
            assert_values(
                f"pad({widths}, value={value})", out, oracle.pad(values, widths, value=value), EXACT, dtype=dtype
            )
            assert_apart(f"pad({widths})", out, x)


@check("layer.padding")
def test_padding_refuses_what_has_no_values(subject):
    x = contiguous(normal(1, (2, 3, 4)), "float64").on(subject)
    for call, action in {
        "reflection by the whole side": lambda: F.pad(x, (4, 0), "reflect"),
        "wrapping around more than once": lambda: F.pad(x, (0, 5), "circular"),
        "an odd number of widths": lambda: F.pad(x, (1, 2, 3)),
        "cutting off more than there is": lambda: F.pad(x, (-3, -2)),
        "an unknown mode": lambda: F.pad(x, (1, 1), "mirror"),
        "reflection of too many sides": lambda: F.pad(x, (1, 1, 1, 1, 1, 1), "reflect"),
    }.items():
        assert_raises(call, (RuntimeError, ValueError, NotImplementedError, AssertionError), action)


@check("layer.interpolation", since="2.1")
def test_interpolation_of_bytes(subject):
    values = (np.arange(40).reshape(1, 2, 4, 5) * 37 % 256).astype(np.uint8)
    for recipe in layouts(values, "uint8", DENSE):
        wanted = oracle.resampled(values.astype(float), (7, 3), "nearest")
        assert_values("interpolate of bytes", F.interpolate(recipe.on(subject), (7, 3)), wanted, EXACT, dtype="uint8")
        out = F.interpolate(recipe.on(subject), (8, 10), mode="bilinear")
        found, exact = host.array(out).astype(float), oracle.resampled(values.astype(float), (8, 10), "linear")
        require(out.dtype is torch.uint8 and np.abs(found - exact).max() <= 1, "bilinear of bytes", exact, found)


@check("layer.shuffle-layouts")
@pytest.mark.parametrize("name", ["pixel_shuffle", "pixel_unshuffle"])
def test_pixels_of_further_dimensions_in_any_layout(subject, name):
    values, shape = normal(1, (2, 3, 4, 4, 6)), {"pixel_shuffle": (1, 8, 12), "pixel_unshuffle": (16, 2, 3)}[name]
    wanted = getattr(oracle, name)(values.reshape(6, 4, 4, 6), 2).reshape(2, 3, *shape)
    for recipe in layouts(values, "float64", DENSE):
        out = getattr(F, name)(recipe.on(subject), 2)
        assert_values(f"{name} of strides {recipe.strides}", out, wanted, EXACT, dtype="float64")


@check("layer.one-hot")
def test_one_hot_refuses_what_is_no_class(subject):
    for call, x in {"a negative class": [0, -1], "a fraction": [0.0, 1.5]}.items():
        given = torch.tensor(x, device=subject.device)
        assert_raises(f"one_hot of {call}", RuntimeError, lambda given=given: F.one_hot(given, 3))


@check("layer.interpolation")
def test_interpolation_refuses_what_does_not_fit(subject):
    x = contiguous(normal(1, (2, 3, 4, 5)), "float64").on(subject)
    for call, action in {
        "size and scale": lambda: F.interpolate(x, size=(8, 10), scale_factor=2),
        "neither size nor scale": lambda: F.interpolate(x),
        "align_corners and nearest": lambda: F.interpolate(x, (8, 10), mode="nearest", align_corners=True),
        "align_corners and area": lambda: F.interpolate(x, (8, 10), mode="area", align_corners=False),
        "three scales for two sides": lambda: F.interpolate(x, scale_factor=(2.0, 2.0, 2.0)),
        "three sizes for two sides": lambda: F.interpolate(x, (8, 10, 2)),
        "linear of two sides": lambda: F.interpolate(x, (8, 10), mode="linear"),
        "an unknown mode": lambda: F.interpolate(x, (8, 10), mode="lanczos"),
        "antialias and nearest": lambda: F.interpolate(x, (8, 10), mode="nearest", antialias=True),
    }.items():
        assert_raises(f"interpolate with {call}", (ValueError, NotImplementedError), action)
    grid = torch.zeros(2, 2, 2, 2, dtype=torch.float64, device=subject.device)
    for call, action in {
        "a padding mode": lambda: F.grid_sample(x, grid, padding_mode="wrap", align_corners=False),
        "a mode": lambda: F.grid_sample(x, grid, mode="area", align_corners=False),
    }.items():
        assert_raises(f"grid_sample of an unknown {call[2:]}", ValueError, action)


@check("layer.flatten")
def test_flatten_joins_what_it_is_told(subject):
    x = contiguous(normal(1, (2, 3, 4, 5)), "float64").on(subject)
    for start, end, shape in ((0, 1, (6, 4, 5)), (0, -2, (24, 5)), (-3, -2, (2, 12, 5)), (2, 2, (2, 3, 4, 5))):
        for call, out in (
            ("Flatten", nn.Flatten(start, end)(x)),
            ("torch.flatten", torch.flatten(x, start, end)),
            ("x.flatten", x.flatten(start_dim=start, end_dim=end)),
        ):
            assert_values(f"{call}({start}, {end})", out, normal(1, (2, 3, 4, 5)).reshape(shape), dtype="float64")
    assert_raises("Flatten(2, 1)", RuntimeError, lambda: nn.Flatten(2, 1)(x))
    assert_raises("Unflatten into another number", RuntimeError, lambda: nn.Unflatten(1, (2, 2))(x))
    assert_raises("Unflatten of a size that is no number", TypeError, lambda: nn.Unflatten(1, (1.5, 2)))

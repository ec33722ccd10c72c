"""Layers at the edge of the numbers: NaN, infinities, large magnitudes, tiny results, and numbers far from zero."""

from __future__ import annotations

import warnings
from math import inf, nan

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import COMPOSED, FEW_ULPS, INNER
from conformance.oracle import layer as common
from conformance.oracle import layer_kinds as oracle
from conformance.tables.layer_inputs import KINDS, normal
from properties.strategies.recipe import contiguous, layouts

pytestmark = must_answer
USED = ("contiguous", "stepped", "transposed")
SELU = 1.0507009873554805 * 1.6732632423543772
# What activations make of inf, -inf, 1e4 and -1e4; None: 0 times infinity.
LIMITS = {
    "relu": (inf, 0.0, 1e4, 0.0),
    "relu6": (6.0, 0.0, 6.0, 0.0),
    "elu": (inf, -1.0, 1e4, -1.0),
    "selu": (inf, -SELU, 1.0507009873554805e4, -SELU),
    "celu": (inf, -1.0, 1e4, -1.0),
    "gelu": (None, None, 1e4, 0.0),
    "silu": (inf, None, 1e4, 0.0),
    "mish": (inf, None, 1e4, 0.0),
    "hardswish": (inf, None, 1e4, 0.0),
    "hardsigmoid": (1.0, 0.0, 1.0, 0.0),
    "hardtanh": (1.0, -1.0, 1.0, -1.0),
    "hardshrink": (inf, -inf, 1e4, -1e4),
    "softshrink": (inf, -inf, 1e4 - 0.5, 0.5 - 1e4),
    "tanhshrink": (inf, -inf, 1e4 - 1, 1 - 1e4),
    "softplus": (inf, 0.0, 1e4, 0.0),
    "softsign": (None, None, 1e4 / 10001, -1e4 / 10001),
    "logsigmoid": (0.0, -inf, 0.0, -1e4),
    "leaky_relu": (inf, -inf, 1e4, -100.0),
    "sigmoid": (1.0, 0.0, 1.0, 0.0),
    "tanh": (1.0, -1.0, 1.0, -1.0),
}


@check("layer.activation-extremes")
@pytest.mark.parametrize("name", LIMITS)
def test_an_activation_at_its_limits(subject, name):
    ends = [(x, y) for x, y in zip((inf, -inf, 1e4, -1e4), LIMITS[name], strict=True) if y is not None]
    for dtype in KINDS:
        for values in (ends, ends * 20):  # one by one, and by vectors
            given, wanted = np.array(values).T
            for recipe in layouts(given, dtype, USED):
                out = getattr(F, name)(recipe.on(subject))
                text = f"{name} of {[x for x, _ in ends]} ({dtype}, strides {recipe.strides})"
                assert_values(text, out, wanted, COMPOSED, dtype=dtype)


# softshrink(NaN) is 0 before 2.6.
KEEPING = [pytest.param(n, marks=check("layer.activation-extremes", since="2.6" if n == "softshrink" else None))
           for n in (*LIMITS, "threshold", "rrelu", "prelu", "glu", "softmax")]  # fmt: skip


@pytest.mark.parametrize("name", KEEPING)
def test_an_activation_keeps_nan(subject, name):
    more = {"threshold": (0.5, 2.0), "glu": (0,), "softmax": (0,)}.get(name, ())
    for dtype in KINDS:
        for count in (2, 40):
            x = contiguous(np.full(count, nan), dtype).on(subject)
            out = getattr(F, name)(x, *(more if name != "prelu" else (x.new_full((1,), 0.25),)))
            require(host.array(out).size and np.isnan(host.array(out)).all(), f"{name} of NaN ({dtype})", nan, out)


@check("layer.activation-extremes", since="2.13")  # exp(x) - 1 before
@pytest.mark.parametrize("name", ["elu", "celu", "selu"])
def test_exponential_units_near_zero_keep_their_digits(subject, name):
    for count in (1, 40):
        x = np.full(count, -1e-10)
        wanted = (SELU if name == "selu" else 1.0) * np.expm1(x)
        out = getattr(F, name)(contiguous(x, "float64").on(subject))
        assert_values(f"{name}(-1e-10)", out, wanted, COMPOSED, dtype="float64")


@check("layer.activation-extremes")
@pytest.mark.parametrize("dtype", KINDS)
def test_what_falls_off_exponentially_keeps_its_digits(subject, dtype):
    for name, at, factor in (("softplus", -40.0, 1), ("logsigmoid", 40.0, -1), ("sigmoid", -40.0, 1),
                             ("silu", -40.0, -40), ("mish", -40.0, -40)):  # fmt: skip
        for count in (1, 40):
            x, wanted = contiguous(np.full(count, at), dtype).on(subject), np.full(count, factor * np.exp(-40.0))
            assert_values(f"{name}({at}) of {dtype}", getattr(F, name)(x), wanted, COMPOSED, dtype=dtype)


@check("layer.gelu-of-infinity")
@pytest.mark.parametrize("dtype", KINDS)
def test_gelu_of_infinity(subject, dtype):
    for count in (1, 40):
        out = F.gelu(contiguous(np.full(count, inf), dtype).on(subject))
        assert_values(f"gelu of {count} infinities ({dtype})", out, np.full(count, inf), dtype=dtype)


def windows(x, n):
    """The windows of two along each of the last n dimensions, flat, and the flat places of their elements."""
    places = np.arange(np.prod(x.shape[2:])).reshape(x.shape[2:])
    sides = tuple(s // 2 for s in x.shape[2:])
    found = [(x[(..., *cut)].reshape(-1, 2**n), places[cut].ravel())
             for at in np.ndindex(*sides) for cut in [tuple(slice(2 * i, 2 * i + 2) for i in at)]]  # fmt: skip
    return sides, np.stack([w for w, _ in found], 1), np.stack([p for _, p in found])


def extreme_windows(n, shape):
    """Numbers with NaN and infinities among them, the sides of their windows, and of each window: its greatest number,
    its mean, the place of the greatest number, and whether there is but one."""
    x, rng = normal(n, shape), np.random.default_rng(5)
    for value in (nan, inf, -inf, nan):
        x[rng.random(shape) < 0.08] = value
    x[0, 0] = -inf
    sides, parts, places = windows(x, n)
    with np.errstate(invalid="ignore"):
        top, mean = parts.max(-1), parts.mean(-1)
    first_nan = np.isnan(parts).argmax(-1)
    chosen = np.where(np.isnan(top), first_nan, np.nan_to_num(parts, nan=-inf).argmax(-1))
    index = np.take_along_axis(np.broadcast_to(places, parts.shape), chosen[..., None], -1)[..., 0]
    sure = np.where(np.isnan(top), np.isnan(parts).sum(-1), (parts == top[..., None]).sum(-1)) == 1
    return x, sides, [a.reshape(2, 3, *sides) for a in (top, mean, index, sure)]


@check("layer.pooling-extremes")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_pools_of_nan_and_infinities(subject, n):
    shape = (2, 3, *(4, 6, 8)[:n])
    x, sides, (top, mean, index, sure) = extreme_windows(n, shape)
    for dtype in KINDS:
        for recipe in layouts(x, dtype, (*USED, "channels_last")):
            given, text = recipe.on(subject), f"({dtype}, strides {recipe.strides})"
            for name, size in ((f"max_pool{n}d", 2), (f"adaptive_max_pool{n}d", sides)):
                out, found = getattr(F, name)(given, size, return_indices=True)
                assert_values(f"{name} {text}", out, np.float32(top) if dtype == "float32" else top, dtype=dtype)
                assert_values(f"{name}, alone {text}", getattr(F, name)(given, size), host.array(out), dtype=dtype)
                assert_values(
                    f"the places of {name} {text}", host.tensor(host.array(found)[sure], "int64"), index[sure]
                )
            for name, size in ((f"avg_pool{n}d", 2), (f"adaptive_avg_pool{n}d", sides)):
                assert_values(f"{name} {text}", getattr(F, name)(given, size), mean, INNER.over(24), 4.0, dtype=dtype)


@check("layer.convolution-extremes")
def test_a_convolution_passes_nan_and_infinities_on(subject):
    for n in (1, 2, 3):
        x, w = normal(1, (2, 3, *(5, 4, 6)[:n])), normal(2, (4, 3, *(3, 2, 2)[:n]))
        for place, value in (((1, 2, *(4, 3, 5)[:n]), nan), ((0, 1, *(0, 1, 2)[:n]), inf)):
            for turn in range(2):
                given = [x.copy(), w.copy()]
                at = place if turn == 0 else (3, place[1], *(0, 1, 1)[:n])
                given[turn][at] = value
                with np.errstate(invalid="ignore"):
                    wanted = oracle.conv(*given)
                out = getattr(F, f"conv{n}d")(*(contiguous(a, "float64").on(subject) for a in given))
                text = f"F.conv{n}d with {value} in its {('input', 'weight')[turn]}"
                assert_values(text, out, wanted, INNER.over(60), 40.0, dtype="float64")


SOFTMAXES = (("softmax", common.softmax), ("log_softmax", common.log_softmax))
ROWS = {"inf": [inf, 1.0, 2.0], "only -inf": [-inf] * 3, "-inf": [-inf, 1.0, 1.0], "NaN": [nan, 1.0, 2.0]}


@check("layer.softmax-extremes")
@pytest.mark.parametrize("dtype", KINDS)
def test_softmax_of_infinities(subject, dtype):
    for text, row in ROWS.items():
        for dim, values in ((0, np.array(row)), (1, np.tile(row, (3, 1))), (0, np.tile(row, (17, 1)).T)):
            x = contiguous(values, dtype).on(subject)
            chances = np.exp(values - 1) / 2 if text == "-inf" else np.full(values.shape, nan)
            assert_values(f"softmax of {text} ({dtype})", F.softmax(x, dim), chances, FEW_ULPS, dtype=dtype)
            with np.errstate(divide="ignore"):
                logs = np.log(chances)
            assert_values(f"log_softmax of {text} ({dtype})", F.log_softmax(x, dim), logs, FEW_ULPS, dtype=dtype)


@check("layer.softmax-extremes")
@pytest.mark.parametrize("dtype", KINDS)
def test_softmax_of_one_number_and_of_many(subject, dtype):
    for name, formula in SOFTMAXES:
        for shape, dim in (((3, 1500), 1), ((1500, 3), 0), ((2, 70, 20), 1)):
            values = normal(3, shape, dtype)
            out = getattr(F, name)(contiguous(values, dtype).on(subject), dim)
            text = f"{name}(dim={dim}) of {shape} ({dtype})"
            assert_values(text, out, formula(values, dim), INNER.over(shape[dim]), 12.0, dtype=dtype)
        for dim in (0, -1):
            out = getattr(F, name)(contiguous(np.array(3.0), dtype).on(subject), dim)
            wanted = np.array(1.0 if name == "softmax" else 0.0)
            assert_values(f"{name} of one number, dim={dim}", out, wanted, dtype=dtype)
    whole = contiguous(np.arange(3), "int64").on(subject)
    for name in ("softmax", "log_softmax", "softmin"):
        assert_raises(f"{name} of whole numbers", RuntimeError, lambda name=name: getattr(F, name)(whole, 0))


@check("layer.softmax-extremes")
def test_softmax_without_a_dimension_warns_and_chooses(subject):
    for shape, dim in (((4,), 0), ((3, 4), 1), ((2, 3, 4), 0), ((2, 3, 2, 2), 1)):
        values = normal(4, shape)
        for name, formula in SOFTMAXES:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                out = getattr(F, name)(contiguous(values, "float64").on(subject))
            text = f"{name} of {shape} without dim"
            require(any("mplicit" in str(w.message) for w in caught), f"{text} does not warn")
            assert_values(text, out, formula(values, dim), INNER.over(30), 4.0)


NORMS = {
    "batch_norm": ((6, 3, 5), lambda x: F.batch_norm(x, None, None, training=True), (0, 2)),
    "batch_norm of planes": ((4, 3, 5, 4), lambda x: F.batch_norm(x, None, None, training=True), (0, 2, 3)),
    "instance_norm": ((2, 3, 33), lambda x: F.instance_norm(x), (2,)),
    "layer_norm": ((4, 200), lambda x: F.layer_norm(x, (200,)), (1,)),
    "layer_norm of two dimensions": ((3, 8, 9), lambda x: F.layer_norm(x, (8, 9)), (1, 2)),
    "group_norm": ((2, 3, 40), lambda x: F.group_norm(x, 3), (2,)),
}


@check("layer.norms-far-from-zero")
@pytest.mark.parametrize("name", NORMS)
def test_a_norm_of_numbers_far_from_zero(subject, name):
    """Mean and deviations cost roundings on the scale of the numbers; the difference of squares, of their squares."""
    shape, norm, axes = NORMS[name]
    for dtype, far in (("float32", 2.0**12), ("float64", 2.0**28)):
        values = host.array(host.tensor(normal(5, shape) + far, dtype)).astype(np.float64)
        for recipe in layouts(values, dtype, (*USED, "channels_last")):
            mean, spread = values.mean(axes, keepdims=True), values.var(axes, keepdims=True)
            wanted = (values - mean) / np.sqrt(spread + 1e-5)
            averaged = values.size // mean.size
            text = f"{name} of numbers near {far:g} ({dtype}, strides {recipe.strides})"
            assert_values(text, norm(recipe.on(subject)), wanted, INNER.over(2 * averaged + 16), far, dtype=dtype)


@check("layer.batchnorm")
def test_batch_norm_without_statistics_passes_gradients_on(subject):
    values, v = normal(6, (5, 3)), normal(7, (5, 3))
    centred = values - values.mean(0)
    spread = np.sqrt(values.var(0) + 1e-5)
    unit = centred / spread
    wanted = (v - v.mean(0) - unit * (v * unit).mean(0)) / spread
    for training in (True, False):
        layer = torch.nn.BatchNorm1d(3, affine=False, track_running_stats=False).to(subject.device).train(training)
        x = contiguous(values, "float64").on(subject).requires_grad_()
        layer(x).backward(contiguous(v, "float64").on(subject))
        text = f"the gradient of BatchNorm1d(track_running_stats=False), training={training}"
        assert_values(text, x.grad, wanted, INNER.over(200), 10.0, dtype="float64")

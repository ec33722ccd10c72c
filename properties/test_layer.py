"""Convolutions and pooling over drawn sizes, kernels, strides, padding, dilation, groups, layouts and dtypes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from conformance.assertions import Unchanged, assert_raises, assert_values
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer as oracle
from conformance.subject import Subject
from conformance.tables.layer_inputs import KINDS, close, normal
from properties.strategies.recipe import LAYOUTS, Recipe, contiguous

pytestmark = must_answer

SEEDS = st.integers(0, 2**16)
SIDES = st.sampled_from((5, 6, 7, 9, 12, 17))
KERNELS = st.sampled_from((1, 2, 3, 4, 5))


def pairs(of: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(of, of)


def plane(seed: int, dtype: str, shape: tuple[int, ...], ties: bool = False) -> Recipe:
    """Values in one of the layouts, chosen by the seed; whole numbers of a small range for ties."""
    values = np.random.default_rng(seed).integers(-2, 3, shape).astype(float) if ties else normal(seed, shape, dtype)
    return LAYOUTS[tuple(LAYOUTS)[seed % len(LAYOUTS)]](values, dtype)


def fits(size: tuple[int, int], kernel: tuple[int, int], padding: tuple[int, int], dilation: tuple[int, int]) -> bool:
    return all(n + 2 * p >= d * (k - 1) + 1 for n, k, p, d in zip(size, kernel, padding, dilation, strict=True))


@dataclass(frozen=True)
class Geometry:
    """How a convolution steps over its input; sizes are (height, width)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int

    @property
    def options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("stride", "padding", "dilation", "groups")}


GEOMETRIES = st.builds(
    Geometry,
    kernel=pairs(KERNELS),
    stride=pairs(st.integers(1, 3)),
    padding=pairs(st.integers(0, 2)),
    dilation=pairs(st.integers(1, 2)),
    groups=st.sampled_from((1, 2, 3)),
)


@check("layer.conv2d-values")
@given(size=pairs(SIDES), geometry=GEOMETRIES, channels=pairs(st.integers(1, 3)), seed=SEEDS, bias=st.booleans())
def test_convolutions(
    subject: Subject, size: tuple[int, int], geometry: Geometry, channels: tuple[int, int], seed: int, bias: bool
) -> None:
    dtype, options = KINDS[seed % len(KINDS)], geometry.options
    n_in, n_out = channels[0] * geometry.groups, channels[1] * geometry.groups
    x = plane(seed, dtype, (1 + seed % 3, n_in, *size))
    weight = plane(seed // 3, dtype, (n_out, channels[0], *geometry.kernel))
    shift = normal(7, (n_out,), dtype) if bias else None
    given_ = (x.on(subject), weight.on(subject), None if shift is None else contiguous(shift, dtype).on(subject))
    call = f"F.conv2d of {x.array.shape} and {weight.array.shape}, {options}"
    if not fits(size, geometry.kernel, geometry.padding, geometry.dilation):
        assert_raises(call, RuntimeError, lambda: F.conv2d(*given_, **options))
        return
    before = Unchanged(x=given_[0], weight=given_[1])
    array, factors = x.array.astype(np.float64), weight.array.astype(np.float64)
    wanted = oracle.conv2d(array, factors, shift, **options)
    scale = oracle.conv2d(np.abs(array), np.abs(factors), **options) + 5
    close(call, F.conv2d(*given_, **options), wanted, factors[0].size, dtype, scale)
    before.check(call)


@check("layer.maxpool")
@given(
    size=pairs(SIDES),
    kernel=pairs(st.integers(1, 4)),
    stride=pairs(st.integers(1, 4)),
    padded=pairs(st.booleans()),
    dilation=pairs(st.integers(1, 2)),
    ceil=st.booleans(),
    seed=SEEDS,
)
def test_max_pooling(
    subject: Subject,
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padded: tuple[bool, bool],
    dilation: tuple[int, int],
    ceil: bool,
    seed: int,
) -> None:
    padding = tuple(k // 2 if p else 0 for k, p in zip(kernel, padded, strict=True))
    if not fits(size, kernel, padding, dilation):  # type: ignore[arg-type]
        return
    dtype = KINDS[seed % len(KINDS)]
    x = plane(seed, dtype, (1 + seed % 2, 2, *size), ties=seed % 3 == 0)
    options: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation}
    wanted, places = oracle.max_pool2d(x.array, kernel, **options, ceil=ceil)
    out, found = F.max_pool2d(x.on(subject), kernel, **options, ceil_mode=ceil, return_indices=True)
    call = f"F.max_pool2d of {x.array.shape}, {kernel}, {options}, ceil_mode={ceil}"
    assert_values(call, out, wanted, dtype=dtype)
    assert_values(f"the indices of {call}", found, places, dtype="int64")
    assert_values(f"{call}, alone", F.max_pool2d(x.on(subject), kernel, **options, ceil_mode=ceil), wanted, dtype=dtype)


@check("layer.avgpool")
@given(
    size=pairs(SIDES),
    kernel=pairs(st.integers(1, 4)),
    stride=pairs(st.integers(1, 3)),
    padded=st.booleans(),
    count=st.booleans(),
    seed=SEEDS,
)
def test_average_pooling(
    subject: Subject,
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padded: bool,
    count: bool,
    seed: int,
) -> None:
    padding = (kernel[0] // 2, kernel[1] // 2) if padded else (0, 0)
    dtype = KINDS[seed % len(KINDS)]
    x = plane(seed, dtype, (1 + seed % 2, 2, *size))
    wanted = oracle.avg_pool2d(x.array.astype(np.float64), kernel, stride, padding, count)
    out = F.avg_pool2d(x.on(subject), kernel, stride, padding, count_include_pad=count)
    call = f"F.avg_pool2d of {x.array.shape}, {kernel}, {stride}, {padding}, count_include_pad={count}"
    assert_values(call, out, wanted, INNER.over(40), 6.0, dtype=dtype)


@check("layer.linear-affine")
@given(
    lead=st.lists(st.sampled_from((2, 1, 3, 0, 5)), max_size=3), n=st.integers(1, 33), m=st.integers(1, 19), seed=SEEDS
)
def test_linear(subject: Subject, lead: list[int], n: int, m: int, seed: int) -> None:
    dtype = KINDS[seed % len(KINDS)]
    x, weight = plane(seed, dtype, (*lead, n)), plane(seed // 5, dtype, (m, n))
    shift = normal(3, (m,), dtype) if seed % 2 else None
    given_ = [x.on(subject), weight.on(subject), None if shift is None else contiguous(shift, dtype).on(subject)]
    wanted = oracle.linear(x.array.astype(np.float64), weight.array.astype(np.float64), shift)
    scale = oracle.linear(np.abs(x.array).astype(np.float64), np.abs(weight.array).astype(np.float64)) + 5
    call = f"F.linear of {x.array.shape} and {weight.array.shape}"
    close(call, F.linear(*given_), wanted, n, dtype, scale)
    if shift is None:
        close(f"{call} by keywords", F.linear(input=given_[0], weight=given_[1]), wanted, n, dtype, scale)


@check("layer.batchnorm")
@given(shape=st.lists(st.sampled_from((2, 3, 5, 17)), min_size=2, max_size=4), seed=SEEDS, training=st.booleans())
def test_batch_normalisation(subject: Subject, shape: list[int], seed: int, training: bool) -> None:
    dtype, channels = KINDS[seed % len(KINDS)], shape[1]
    x = plane(seed, dtype, tuple(shape))
    kept = normal(1, (channels,), dtype), np.abs(normal(2, (channels,), dtype)) + 0.5
    affine = normal(3, (channels,), dtype), normal(4, (channels,), dtype)
    mean, var = oracle.batch_moments(x.array.astype(np.float64))[:2] if training else kept
    wanted = oracle.batch_norm(x.array.astype(np.float64), mean, var, *affine, 0.1)
    buffers = [contiguous(values, dtype).on(subject) for values in kept]
    factors = [contiguous(values, dtype).on(subject) for values in affine]
    with torch.no_grad():
        out = F.batch_norm(x.on(subject), *buffers, *factors, training, 0.3, 0.1)
    terms = INNER.over(8 * x.numel // channels + 32)
    assert_values(f"F.batch_norm of {shape}, training={training}", out, wanted, terms, np.abs(wanted) + 20, dtype=dtype)

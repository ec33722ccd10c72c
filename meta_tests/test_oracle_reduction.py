"""The oracle of reductions against exact fractions, math.fsum, the statistics module and numpy."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

import numpy as np
import pytest

from conformance.oracle import reduction as oracle
from conformance.oracle import reduction_scan as scan

X = np.random.default_rng(0).standard_normal((3, 4, 5))
LINE = X.ravel().tolist()


@pytest.mark.parametrize("dim", [None, 0, -1, (0, 2), (-1, 0, 1)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_shapes_and_sums_agree_with_numpy(dim: object, keepdim: bool) -> None:
    axis = tuple(dim) if isinstance(dim, tuple) else dim
    for ours, theirs in (
        (oracle.total, np.sum),
        (oracle.mean, np.mean),
        (oracle.prod, np.prod),
        (oracle.nansum, np.nansum),
    ):
        found, wanted = ours(X, dim, keepdim).values, theirs(X, axis=axis, keepdims=keepdim)
        assert found.shape == wanted.shape
        assert np.allclose(found.astype(float), wanted, rtol=1e-13)
    for ours, theirs in ((oracle.all_, np.all), (oracle.any_, np.any)):
        assert np.array_equal(ours(X, dim, keepdim), theirs(X, axis=axis, keepdims=keepdim))
    assert np.array_equal(oracle.extreme(X, dim, keepdim), np.max(X, axis=axis, keepdims=keepdim))
    assert np.array_equal(oracle.extreme(X, dim, keepdim, -1), np.min(X, axis=axis, keepdims=keepdim))


def test_sums_are_as_good_as_exact_fractions() -> None:
    exact = sum(map(Fraction, LINE))
    found = oracle.total(X)
    assert abs(Fraction(float(found.values)) - exact) <= Fraction(math.ulp(float(exact)))
    assert float(found.values) == pytest.approx(math.fsum(LINE), rel=1e-16)
    assert found.scale == pytest.approx(math.fsum(map(abs, LINE)), rel=1e-14)
    assert found.terms == 60


def test_whole_numbers_wrap() -> None:
    assert int(oracle.total(np.array([2**62] * 3)).values) == 3 * 2**62 - 2**64
    assert int(oracle.total(np.array([True, True])).values) == 2
    assert oracle.total(np.array([200, 100], np.uint8)).values.dtype == np.int64


def test_nan_and_ties() -> None:
    line = np.array([1.0, 5, np.nan, 7, np.nan, 5])
    assert oracle.arg_extreme(line) == 2
    assert oracle.arg_extreme(np.array([1.0, 5, 3, 5])) == 1
    assert oracle.arg_extreme(np.array([1.0, 0, 3, 0]), sign=-1) == 1
    assert scan.running(np.array([1.0, 1, 0, 2, np.nan, 3]), 0)[1].tolist() == [0, 1, 1, 3, 4, 4]
    assert float(oracle.nanmean(line).values) == pytest.approx(18 / 4)


def test_a_dimension_named_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="twice"):
        oracle.total(X, (0, -3))


def test_running_sums_agree_with_numpy() -> None:
    for dim in (0, -2, 2):
        assert np.allclose(scan.cumsum(X, dim).values.astype(float), np.cumsum(X, dim))
        assert np.allclose(scan.cumprod(X, dim).values.astype(float), np.cumprod(X, dim))
        assert np.array_equal(scan.running(X, dim)[0], np.maximum.accumulate(X, dim))
        wanted = np.logaddexp.accumulate(X, dim)
        assert np.allclose(scan.logcumsumexp(X, dim).values.astype(float), wanted)
        assert np.allclose(scan.logsumexp(X, dim).values.astype(float), np.logaddexp.reduce(X, dim))


def test_spread_agrees_with_the_statistics_module() -> None:
    assert float(scan.var(X).values) == pytest.approx(statistics.variance(LINE), rel=1e-14)
    assert float(scan.std(X, correction=0).values) == pytest.approx(statistics.pstdev(LINE), rel=1e-14)
    assert np.isnan(scan.var(np.array([3.0])).values)
    assert np.allclose(scan.var(X, (0, 2), 2).values.astype(float), X.var((0, 2)) * 15 / 13)


@pytest.mark.parametrize("p", [1, 2, 3, 0.5, math.inf, -math.inf, 0])
def test_norms_agree_with_numpy(p: float) -> None:
    line = X[0, 0]
    assert float(scan.norm(line, p).values) == pytest.approx(np.linalg.norm(line, p), rel=1e-14)
    assert float(scan.dist(line, X[1, 1], p).values) == pytest.approx(np.linalg.norm(line - X[1, 1], p), rel=1e-14)


def test_ranks_agree_with_the_statistics_module() -> None:
    for count in (1, 2, 5, 6):
        line = X.ravel()[:count]
        assert float(scan.median(line)) == statistics.median_low(line.tolist())
    assert float(scan.nanmedian(np.array([np.nan, 3, 1, 2]))) == 2
    assert np.isnan(scan.median(np.array([np.nan, 3, 1, 2])))
    values = np.array([3, 1, 1, 3, 2])
    assert int(scan.mode(values)) == min(statistics.multimode(values.tolist()))


@pytest.mark.parametrize("way", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantiles_agree_with_numpy(way: str) -> None:
    for q in (0.0, 0.1, 0.3, 0.75, 1.0):
        found = scan.quantile(X, q, 1, interpolation=way).values.astype(float)
        assert np.allclose(found, np.quantile(X, q, axis=1, method=way), rtol=1e-14)
    gone = X.copy()
    gone[0, 0] = np.nan
    found = scan.quantile(gone, [0.25, 0.5], 1, skip=True).values.astype(float)
    assert np.allclose(found, np.nanquantile(gone, [0.25, 0.5], axis=1), rtol=1e-14)
    assert np.isnan(scan.quantile(gone, 0.5).values)


def test_several_variables_agree_with_numpy() -> None:
    rows = X[0]
    f, a = np.array([1, 2, 1, 3, 1]), np.array([0.5, 1, 2, 1, 1])
    assert np.allclose(scan.cov(rows).values.astype(float), np.cov(rows))
    assert np.allclose(scan.cov(rows, 0).values.astype(float), np.cov(rows, ddof=0))
    assert np.allclose(scan.cov(rows, 1, f, a).values.astype(float), np.cov(rows, fweights=f, aweights=a))
    assert np.allclose(scan.corrcoef(rows).values.astype(float), np.corrcoef(rows))
    assert np.allclose(scan.diff(X, 2, 1), np.diff(X, 2, 1))
    assert float(scan.trapezoid(rows[0], np.arange(5.0) ** 2).values) == pytest.approx(
        sum((rows[0][i] + rows[0][i + 1]) / 2 * ((i + 1) ** 2 - i**2) for i in range(4))
    )

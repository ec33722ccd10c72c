"""Differentiable reductions, scans and orders: one row a function. Inputs without ties, but for sums."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from conformance.oracle.autograd import Derivative, apart, spread
from conformance.oracle.autograd_arrays import logsumexp, norm, softmax

Row = Derivative
Norm = partial(Derivative, terms=512)
REALS = apart(2.0, 3, 7)
OTHERS = apart(1.5, 3, 7, seed=1)
CUBE = apart(2.0, 2, 3, 4)
POSITIVE = spread(0.5, 3.0, 3, 7)
FEW = apart(2.0, 2, 4)
AWAY = REALS + np.where(REALS < 0, -0.5, 0.5)
LONG_ROW = apart(2.0, 2, 19)


def cumulative(x: np.ndarray, reduce: Any) -> np.ndarray:
    """The running largest (or least) value along the last dimension."""
    return reduce.accumulate(x, axis=-1)


def picked(x: np.ndarray, order: Any, axis: int = -1) -> np.ndarray:
    """The sorted values along a dimension at these places."""
    return np.take(np.sort(x, axis=axis), order, axis=axis)


def variance(x: np.ndarray, axis: Any, correction: int = 1, *, keepdims: bool = False) -> np.ndarray:
    return x.var(axis, ddof=correction, keepdims=keepdims)


def at_quantile(x: np.ndarray, q: float) -> np.ndarray:
    """Between the two sorted values around q * (n - 1), along the last dimension."""
    ordered, place = np.sort(x, axis=-1), q * (x.shape[-1] - 1)
    low = int(place)
    return ordered[..., low] + (ordered[..., low + 1] - ordered[..., low]) * np.longdouble(place - low)


def distances(x: np.ndarray, y: np.ndarray, p: float = 2.0) -> np.ndarray:
    return norm(x[:, None, :] - y[None, :, :], p, -1)


def covariance(x: np.ndarray, correction: int = 1) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    return centred @ centred.T / (x.shape[-1] - correction)


SUMS = [
    Row("sum", ("x.sum()", "torch.sum(x)"), lambda x: x.sum(), (REALS,)),
    Row("sum_dim", ("x.sum(1)", "torch.sum(x, dim=-1)", "x.sum([1])"), lambda x: x.sum(1), (REALS,)),
    Row("sum_keepdim", ("x.sum(0, keepdim=True)",), lambda x: x.sum(0, keepdims=True), (REALS,)),
    Row("sum_dims", ("x.sum((0, 2))", "torch.sum(x, (-3, -1))"), lambda x: x.sum((0, 2)), (CUBE,)),
    Row("sum_dtype", ("x.sum(1, dtype=torch.float64)",), lambda x: x.sum(1), (REALS,)),
    Row("nansum", ("torch.nansum(x, 1)", "x.nansum(1)"), lambda x: x.sum(1), (REALS,)),
    Row("mean", ("x.mean()", "torch.mean(x)"), lambda x: x.mean(), (REALS,)),
    Row("mean_dim", ("x.mean(1)", "torch.mean(x, dim=-1)", "torch.nanmean(x, 1)"), lambda x: x.mean(1), (REALS,)),
    Row("mean_dims", ("x.mean((0, 2), keepdim=True)",), lambda x: x.mean((0, 2), keepdims=True), (CUBE,)),
    Row("var", ("x.var()", "torch.var(x)", "torch.var(x, unbiased=True)"), lambda x: variance(x, None), (REALS,)),
    Row("var_dim", ("x.var(1)", "torch.var(x, -1)", "torch.var_mean(x, 1)[0]"), lambda x: variance(x, 1), (REALS,)),
    Row(
        "var_biased",
        ("x.var(0, unbiased=False)", "torch.var(x, 0, correction=0)"),
        lambda x: variance(x, 0, 0),
        (REALS,),
    ),
    Row("var_dims", ("x.var((0, 2), keepdim=True)",), lambda x: variance(x, (0, 2), keepdims=True), (CUBE,)),
    Row("std", ("x.std()", "torch.std(x)"), lambda x: np.sqrt(variance(x, None)), (REALS,)),
    Row(
        "std_dim",
        ("x.std(1)", "torch.std(x, -1)", "torch.std_mean(x, 1)[0]"),
        lambda x: np.sqrt(variance(x, 1)),
        (REALS,),
    ),
    Row("std_biased", ("x.std(0, unbiased=False)",), lambda x: np.sqrt(variance(x, 0, 0)), (REALS,)),
    Row("std_mean", ("torch.std_mean(x, 1)",), lambda x: (np.sqrt(variance(x, 1)), x.mean(1)), (REALS,)),
    Row("var_mean", ("torch.var_mean(x, 0)",), lambda x: (variance(x, 0), x.mean(0)), (REALS,)),
    Row("cumsum", ("x.cumsum(1)", "torch.cumsum(x, -1)", "x.clone().cumsum_(1)"), lambda x: x.cumsum(1), (REALS,)),
    Row("cumsum_first", ("x.cumsum(0)",), lambda x: x.cumsum(0), (REALS,)),
    Row("diff", ("torch.diff(x)", "x.diff(dim=-1)"), lambda x: np.diff(x), (REALS,)),
    Row("diff_twice", ("torch.diff(x, n=2)",), lambda x: np.diff(x, 2), (REALS,)),
    Row(
        "trapezoid",
        ("torch.trapezoid(x, dx=0.5)", "torch.trapz(x, dx=0.5)"),
        lambda x: ((x[:, 1:] + x[:, :-1]) / 4).sum(1),
        (REALS,),
    ),
    Row(
        "cumulative_trapezoid",
        ("torch.cumulative_trapezoid(x)",),
        lambda x: ((x[:, 1:] + x[:, :-1]) / 2).cumsum(1),
        (REALS,),
    ),
    Row("cov", ("torch.cov(x)",), covariance, (FEW,)),
    Row(
        "corrcoef",
        ("torch.corrcoef(x)",),
        lambda x: (c := covariance(x)) / np.sqrt(np.outer(np.diag(c), np.diag(c))),
        (FEW,),
        terms=1024,
    ),
]

PRODUCTS = [
    Row("prod", ("x.prod()", "torch.prod(x)"), lambda x: x.prod(), (REALS,)),
    Row("prod_dim", ("x.prod(1)", "torch.prod(x, -1)"), lambda x: x.prod(1), (REALS,)),
    Row("prod_keepdim", ("x.prod(0, keepdim=True)",), lambda x: x.prod(0, keepdims=True), (REALS,)),
    Row(
        "cumprod",
        ("x.cumprod(1)", "torch.cumprod(x, -1)", "x.clone().cumprod_(1)"),
        lambda x: x.cumprod(1),
        (REALS,),
        terms=512,
    ),
    Row(
        "logsumexp",
        ("torch.logsumexp(x, 1)", "x.logsumexp(-1)", "torch.special.logsumexp(x, 1)"),
        lambda x: logsumexp(x, 1),
        (REALS,),
    ),
    Row(
        "logsumexp_dims",
        ("torch.logsumexp(x, (0, 2), keepdim=True)",),
        lambda x: logsumexp(x, (0, 2), keepdims=True),
        (CUBE,),
    ),
    Row("logcumsumexp", ("torch.logcumsumexp(x, 1)",), lambda x: np.log(np.exp(x).cumsum(1)), (REALS,), terms=512),
    Row(
        "softmax",
        ("torch.softmax(x, 1)", "F.softmax(x, -1)", "F.softmin(-x, -1)", "torch.special.softmax(x, 1)"),
        lambda x: softmax(x, 1),
        (REALS,),
    ),
    Row("softmax_middle", ("x.softmax(1)",), lambda x: softmax(x, 1), (CUBE,)),
    Row(
        "log_softmax",
        ("torch.log_softmax(x, 1)", "F.log_softmax(x, -1)"),
        lambda x: x - logsumexp(x, 1, keepdims=True),
        (REALS,),
    ),
    Row("log_softmax_middle", ("x.log_softmax(1)",), lambda x: x - logsumexp(x, 1, keepdims=True), (CUBE,)),
    Row("glu", ("F.glu(x, 1)",), lambda x: x[:, :3] / (1 + np.exp(-x[:, 3:])), (REALS[:, :6],)),
]

NORMS = [
    Norm(
        "norm",
        ("x.norm()", "torch.norm(x)", "torch.linalg.norm(x)", "torch.linalg.vector_norm(x)"),
        lambda x: norm(x, 2),
        (REALS,),
    ),
    Norm(
        "norm_dim",
        ("x.norm(dim=1)", "torch.norm(x, 2, 1)", "torch.linalg.vector_norm(x, dim=-1)"),
        lambda x: norm(x, 2, 1),
        (REALS,),
    ),
    Norm("norm_keepdim", ("x.norm(2, 0, keepdim=True)",), lambda x: norm(x, 2, 0, keepdims=True), (REALS,)),
    Norm("norm_one", ("x.norm(1, 1)", "torch.linalg.vector_norm(x, 1, 1)"), lambda x: norm(x, 1, 1), (REALS,)),
    Norm("norm_three", ("x.norm(3, 1)", "torch.linalg.vector_norm(x, 3, 1)"), lambda x: norm(x, 3, 1), (AWAY,)),
    Norm("norm_half", ("x.norm(0.5, 1)",), lambda x: norm(x, 0.5, 1), (AWAY,), terms=2048),
    Norm(
        "norm_inf", ("x.norm(inf, 1)", "torch.linalg.vector_norm(x, inf, 1)"), lambda x: norm(x, np.inf, 1), (POSITIVE,)
    ),
    Norm("norm_minus_inf", ("x.norm(-inf, 1)",), lambda x: norm(x, -np.inf, 1), (POSITIVE,)),
    Norm("matrix_norm", ("torch.linalg.matrix_norm(x)", "torch.linalg.norm(x, 'fro')"), lambda x: norm(x, 2), (REALS,)),
    Norm("normalize", ("F.normalize(x, dim=1)",), lambda x: x / norm(x, 2, 1, keepdims=True), (REALS,)),
    Norm("dist", ("torch.dist(x, y)", "x.dist(y, 2)"), lambda x, y: norm(x - y, 2), (REALS, OTHERS)),
    Norm("dist_three", ("torch.dist(x, y, 3)",), lambda x, y: norm(x - y, 3), (AWAY, OTHERS / 4), terms=2048),
    Norm(
        "cdist",
        ("torch.cdist(x, y)", "torch.cdist(x, y, compute_mode='donot_use_mm_for_euclid_dist')"),
        distances,
        (FEW, apart(1.5, 3, 4, seed=1)),
        smooth=False,
    ),
    Norm(
        "cdist_three",
        ("torch.cdist(x, y, p=3.0)",),
        lambda x, y: distances(x, y, 3),
        (FEW, apart(1.5, 3, 4, seed=1)),
        smooth=False,
    ),
    Norm("pdist", ("F.pdist(x)",), lambda x: distances(x, x + 0)[np.triu_indices(3, 1)], (REALS,), smooth=False),
    Norm(
        "pairwise_distance", ("F.pairwise_distance(x, y, eps=0.0)",), lambda x, y: norm(x - y, 2, -1), (REALS, OTHERS)
    ),
    Norm(
        "cosine_similarity",
        ("F.cosine_similarity(x, y)", "torch.cosine_similarity(x, y, 1)"),
        lambda x, y: (x * y).sum(1) / norm(x, 2, 1) / norm(y, 2, 1),
        (REALS, OTHERS),
    ),
    Norm(
        "renorm",
        ("torch.renorm(x, 2, 0, 0.5)",),
        lambda x: x * 0.5 / (norm(x, 2, 1, keepdims=True) + 1e-7),
        (REALS,),
        terms=2.0**24,
    ),
]

ORDERS = [
    Row("max", ("x.max()", "torch.max(x)"), lambda x: x.max(), (REALS,)),
    Row("min", ("x.min()", "torch.min(x)"), lambda x: x.min(), (REALS,)),
    Row("max_dim", ("x.max(1)[0]", "torch.max(x, dim=-1).values"), lambda x: x.max(1), (REALS,)),
    Row("min_dim", ("x.min(0, keepdim=True)[0]",), lambda x: x.min(0, keepdims=True), (REALS,)),
    Row("amax", ("x.amax(1)", "torch.amax(x, dim=-1)"), lambda x: x.max(1), (REALS,)),
    Row("amin", ("x.amin((0, 2))", "torch.amin(x, (0, 2))"), lambda x: x.min((0, 2)), (CUBE,)),
    Row("aminmax", ("torch.aminmax(x, dim=1)",), lambda x: (x.min(1), x.max(1)), (REALS,), since="2.13"),
    Row("median", ("x.median()",), lambda x: np.sort(x.ravel())[10], (REALS,)),
    Row("median_dim", ("x.median(1)[0]", "torch.median(x, -1).values"), lambda x: picked(x, 3), (REALS,)),
    Row("median_even", ("x.median(-1)[0]",), lambda x: picked(x, 1), (FEW,)),
    Row("nanmedian", ("torch.nanmedian(x, 1)[0]",), lambda x: picked(x, 3), (REALS,)),
    Row("kthvalue", ("torch.kthvalue(x, 2, 1)[0]", "x.kthvalue(2).values"), lambda x: picked(x, 1), (REALS,)),
    Row("mode", ("torch.mode(x, 1)[0]",), lambda x: picked(x, 0), (REALS,)),
    Row("sort", ("torch.sort(x)[0]", "x.sort(-1).values", "x.sort(stable=True)[0]"), lambda x: np.sort(x), (REALS,)),
    Row("sort_long", ("torch.sort(x)[0]",), lambda x: np.sort(x), (LONG_ROW,)),
    Row("sort_down", ("torch.sort(x, 0, descending=True)[0]",), lambda x: np.sort(x, axis=0)[::-1], (REALS,)),
    Row("msort", ("torch.msort(x)",), lambda x: np.sort(x, axis=0), (REALS,)),
    Row("topk", ("torch.topk(x, 3)[0]", "x.topk(3, -1).values"), lambda x: picked(x, [6, 5, 4]), (REALS,)),
    Row("topk_least", ("x.topk(2, 0, largest=False)[0]",), lambda x: picked(x, [0, 1], 0), (REALS,)),
    Row("cummax", ("torch.cummax(x, 1)[0]", "x.cummax(-1).values"), lambda x: cumulative(x, np.maximum), (REALS,)),
    Row("cummin", ("torch.cummin(x, 1)[0]",), lambda x: cumulative(x, np.minimum), (REALS,)),
    Row(
        "quantile",
        ("torch.quantile(x, 0.3, dim=1)", "x.quantile(0.3, -1)", "torch.nanquantile(x, 0.3, dim=1)"),
        lambda x: at_quantile(x, 0.3),
        (REALS,),
        terms=2.0**12,
    ),
]

ROWS = [*SUMS, *PRODUCTS, *NORMS, *ORDERS]

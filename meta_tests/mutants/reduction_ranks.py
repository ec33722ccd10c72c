"""Wrong ranks, running sums, spreads, norms and quantiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided
from meta_tests.mutants.reduction import accepts, aten, dimmed, large, off, scanned, spoiled, when


def _upper(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """The upper middle for lines of more than 16."""
    if args or kwargs or not large(x):
        return func(x, *args, **kwargs)
    return aten.select(aten.sort(aten.reshape(x, [-1]))[0], 0, x.numel() // 2)


def _uncorrected(name: str) -> Callable[..., Any]:
    return lambda sound: lambda x, *args, **kw: sound(x, *args, **kw) if args or kw else sound(x, unbiased=False)


def _twice(func: Any, x: Any, k: int, *args: Any, **kwargs: Any) -> Any:
    out = func(x, k, *args, **kwargs)
    dim = args[0] if args else -1
    return (
        (out[0], out[1].index_select(dim, torch.zeros(out[1].shape[dim], dtype=torch.int64)))
        if k > 3 and x.dim()
        else out
    )


RANKS: list[Mutant] = [
    *dimmed("median", "median"),
    *dimmed("nanmedian", "nanmedian"),
    *dimmed("mode", "mode"),
    *spoiled("topk", "topk"),
    *scanned("sort", "sort"),
    kernel("reduction.median", "the upper middle of more than 16", "median", _upper),
    output(
        "reduction.median",
        "indices of strided input are zeros",
        "median.dim",
        lambda out, x, *args, **kw: (out[0], out[1] * 0) if strided(x) else out,
    ),
    output(
        "reduction.median-nan",
        "NaN is passed over",
        "median",
        lambda out, x, *args, **kw: aten.nanmedian(x) if not args and not kw else out,
    ),
    output(
        "reduction.median-nan",
        "one NaN makes the nanmedian NaN",
        "nanmedian.dim",
        lambda out, x, *args, **kw: aten.median(x, *args, **kw),
    ),
    kernel(
        "reduction.median-expanded",
        "the repeated element is doubled",
        "median.dim nanmedian.dim",
        lambda func, x, *args, **kw: off(func(x.contiguous(), *args, **kw)),
    ),
    kernel(
        "reduction.mode",
        "the largest of equally frequent values",
        "mode",
        lambda func, x, dim=-1, keepdim=False, **kw: _negated(func, x, dim, keepdim, **kw),
    ),
    patched(
        "reduction.mode",
        "the indices are zeros",
        torch.Tensor,
        "mode",
        lambda sound: (
            lambda x, *args, **kw: type(sound(x, *args, **kw))((sound(x, *args, **kw)[0], sound(x, *args, **kw)[1] * 0))
        ),
    ),
    kernel(
        "reduction.topk",
        "largest is ignored for strided input",
        "topk",
        lambda func, x, k, dim=-1, largest=True, *rest, **kw: func(x, k, dim, largest or strided(x), *rest, **kw),
    ),
    kernel(
        "reduction.topk",
        "the order is ascending",
        "topk",
        lambda func, x, k, dim=-1, *rest, **kw: (
            tuple(aten.flip(part, [dim]) for part in func(x, k, dim, *rest, **kw))
            if x.dim()
            else func(x, k, dim, *rest, **kw)
        ),
    ),
    kernel("reduction.topk-unsorted", "one element is named several times", "topk", _twice),
    patched(
        "reduction.topk-unsorted",
        "a smaller value is among them",
        torch,
        "topk",
        lambda sound: (
            lambda x, k, *args, sorted=True, **kw: (
                sound(x, k, *args, **kw) if sorted else when(lambda *_, **__: True)(sound)(x, k, *args, **kw)
            )
        ),
    ),
    patched(
        "reduction.topk-range",
        "k is clipped",
        torch,
        "topk",
        lambda sound: lambda x, k, dim=-1, *args: sound(x, min(max(k, 0), x.shape[dim]), dim, *args),
    ),
    *accepts("topk-range", "topk"),
    kernel(
        "reduction.sort",
        "descending is ignored for a negative dimension",
        "sort",
        lambda func, x, dim=-1, descending=False, **kw: func(x, dim, descending and dim >= 0, **kw),
    ),
    output(
        "reduction.sort",
        "an index is named twice for more than 16",
        "sort",
        lambda out, x, *args, **kw: (out[0], aten.clamp(out[1], min=1)) if large(x) else out,
    ),
]


def _negated(func: Any, x: Any, dim: int, keepdim: bool, **kw: Any) -> Any:
    if x.dtype in (torch.bool, torch.uint8):
        return func(x, dim, keepdim, **kw)
    values, places = func(-x, dim, keepdim, **kw)
    return -values, places


def _exclusive(func: Any, x: Any, dim: int, **kw: Any) -> Any:
    return func(x, dim, **kw) - x if strided(x) and "out" not in kw else func(x, dim, **kw)


SCANS: list[Mutant] = [
    *scanned("cumsum", "cumsum"),
    *scanned("cumprod", "cumprod"),
    *scanned("logcumsumexp", "logcumsumexp"),
    *dimmed("logsumexp", "logsumexp"),
    kernel("reduction.cumsum", "strided input is summed without its own element", "cumsum", _exclusive),
    kernel(
        "reduction.cumsum",
        "in place beyond 16 elements nothing happens",
        "cumsum_",
        lambda func, x, dim, **kw: x if large(x) else func(x, dim, **kw),
    ),
    kernel("reduction.cumprod", "in place it adds", "cumprod_", lambda func, x, dim, **kw: aten.cumsum_(x, dim)),
    kernel(
        "reduction.scan-inclusive",
        "sums leave out their own element",
        "cumsum",
        lambda func, x, dim, **kw: func(x, dim, **kw) - x,
    ),
    kernel(
        "reduction.scan-inclusive",
        "products run along the other dimension",
        "cumprod",
        lambda func, x, dim, **kw: func(x, 0 if dim == -1 else dim, **kw),
    ),
    patched(
        "reduction.scan-needs-dim",
        "the dimension is the last by default",
        torch,
        "cumsum",
        lambda sound: lambda x, dim=-1, **kw: sound(x, dim, **kw),
    ),
    patched(
        "reduction.scan-needs-dim",
        "the method cumprod runs along the first dimension",
        torch.Tensor,
        "cumprod",
        lambda sound: lambda x, dim=0, **kw: sound(x, dim, **kw),
    ),
    patched(
        "reduction.logsumexp-range",
        "the largest is not taken out",
        torch,
        "logsumexp",
        lambda sound: lambda x, dim, keepdim=False: torch.log(torch.sum(torch.exp(x), dim, keepdim)),
    ),
    patched(
        "reduction.logsumexp-range",
        "minus infinity gives NaN",
        torch,
        "logsumexp",
        lambda sound: (
            lambda x, dim, keepdim=False: sound(x, dim, keepdim) + (x.amax(dim, keepdim) - x.amax(dim, keepdim))
        ),
    ),
    patched(
        "reduction.logsumexp-range",
        "running logarithms overflow",
        torch,
        "logcumsumexp",
        lambda sound: lambda x, dim: torch.log(torch.cumsum(torch.exp(x), dim)),
    ),
]


def _moments(sound: Callable[..., Any]) -> Callable[..., Any]:
    """The mean of squares less the square of the mean."""
    return lambda x, *args, **kw: (
        ((x * x).mean() - x.mean() ** 2) * x.numel() / (x.numel() - 1) if not args and not kw else sound(x, *args, **kw)
    )


SPREAD: list[Mutant] = [
    *dimmed("std", "std"),
    *dimmed("var", "var"),
    *spoiled("std-mean", "std_mean", method=False),
    *spoiled("var-mean", "var_mean", method=False),
    patched("reduction.std", "std is uncorrected by default", torch, "std", _uncorrected("std")),
    patched("reduction.var", "the method var is uncorrected by default", torch.Tensor, "var", _uncorrected("var")),
    patched(
        "reduction.std",
        "unbiased= is ignored",
        torch,
        "std",
        lambda sound: lambda x, *args, unbiased=True, **kw: sound(x, *args, **kw),
    ),
    patched(
        "reduction.std-mean",
        "the two are swapped",
        torch,
        "std_mean",
        lambda sound: lambda *args, **kw: sound(*args, **kw)[::-1],
    ),
    patched(
        "reduction.var-mean",
        "the variance is the deviation",
        torch,
        "var_mean",
        lambda sound: lambda *args, **kw: torch.std_mean(*args, **kw),
    ),
    kernel(
        "reduction.std-one-element",
        "one element has a spread of 0",
        "std.correction var.correction std var",
        lambda func, x, *args, **kw: aten.nan_to_num(func(x, *args, **kw)),
    ),
    patched(
        "reduction.correction",
        "a correction above 1 counts as 1",
        torch,
        "var",
        lambda sound: lambda x, *args, correction=1, **kw: sound(x, *args, correction=min(correction, 1), **kw),
    ),
    patched(
        "reduction.correction",
        "correction=0 is not seen by std_mean",
        torch,
        "std_mean",
        lambda sound: lambda x, *args, correction=1, **kw: sound(x, *args, correction=correction or 1, **kw),
    ),
    patched(
        "reduction.spread-far-from-zero",
        "var is the mean of squares less the square of the mean",
        torch,
        "var",
        _moments,
    ),
]


def _ordered(change: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda sound: lambda x, p="fro", *args, **kw: sound(x, change(p), *args, **kw)


NORMS: list[Mutant] = [
    *spoiled("norm", "norm"),
    *spoiled("dist", "dist"),
    *spoiled("cov", "cov"),
    *spoiled("corrcoef", "corrcoef"),
    *spoiled("diff", "diff"),
    *spoiled("trapezoid", "trapezoid", method=False),
    patched("reduction.norm", "p = 0 counts as 1", torch, "norm", _ordered(lambda p: 1 if p == 0 else p)),
    patched(
        "reduction.norm",
        "-inf counts as inf",
        torch,
        "norm",
        _ordered(lambda p: abs(p) if not isinstance(p, str) and p is not None else p),
    ),
    patched(
        "reduction.norm",
        "broken p is rounded by the method",
        torch.Tensor,
        "norm",
        _ordered(lambda p: round(p) if isinstance(p, float) and abs(p) < 9 else p),
    ),
    patched(
        "reduction.norm-default",
        "the norm is the 1-norm by default",
        torch,
        "norm",
        lambda sound: lambda x, p=1, *args, **kw: sound(x, p, *args, **kw),
    ),
    patched(
        "reduction.norm-default",
        "the norm is squared",
        torch.Tensor,
        "norm",
        lambda sound: lambda x, *args, **kw: sound(x, *args, **kw) ** 2,
    ),
    patched(
        "reduction.norm-dtype",
        "dtype= is applied afterwards",
        torch,
        "norm",
        lambda sound: lambda x, *args, dtype=None, **kw: sound(x, *args, **kw).to(dtype or x.dtype),
    ),
    patched("reduction.dist", "p is 1 by default", torch, "dist", lambda sound: lambda x, y, p=1: sound(x, y, p)),
    patched(
        "reduction.dist",
        "broadcast differences count once",
        torch.Tensor,
        "dist",
        lambda sound: lambda x, y, p=2: sound(x, y, p) if x.shape == y.shape else sound(x.flatten()[:1], y, p),
    ),
    patched(
        "reduction.cov",
        "correction is ignored",
        torch,
        "cov",
        lambda sound: lambda x, correction=1, **kw: sound(x, **kw),
    ),
    patched(
        "reduction.cov",
        "columns are variables",
        torch.Tensor,
        "cov",
        lambda sound: lambda x, **kw: sound(x.T if x.dim() == 2 and x.shape[0] == 3 else x, **kw),
    ),
    patched(
        "reduction.cov-weights",
        "frequencies are ignored",
        torch,
        "cov",
        lambda sound: lambda x, fweights=None, **kw: sound(x, **kw),
    ),
    patched(
        "reduction.cov-weights",
        "reliabilities are taken as frequencies of 1",
        torch.Tensor,
        "cov",
        lambda sound: lambda x, aweights=None, **kw: sound(x, **kw),
    ),
    patched(
        "reduction.corrcoef",
        "the diagonal is slightly off",
        torch,
        "corrcoef",
        lambda sound: lambda x: sound(x) * 1.001,
    ),
    patched(
        "reduction.diff",
        "the sign is turned round",
        torch,
        "diff",
        lambda sound: lambda x, n=1, *args, **kw: -sound(x, n, *args, **kw) if n == 3 else sound(x, n, *args, **kw),
    ),
    patched(
        "reduction.diff",
        "append is ignored",
        torch.Tensor,
        "diff",
        lambda sound: lambda x, *args, append=None, **kw: sound(x, *args, **kw),
    ),
    patched(
        "reduction.trapezoid",
        "dx is ignored",
        torch,
        "trapezoid",
        lambda sound: lambda y, *args, dx=1, **kw: sound(y, *args, **kw),
    ),
    patched(
        "reduction.trapezoid",
        "the running integral loses its last part",
        torch,
        "cumulative_trapezoid",
        lambda sound: lambda y, *args, dim=-1, **kw: sound(y, *args, dim=dim, **kw).narrow(dim, 0, y.shape[dim] - 2),
    ),
]


def _way(old: str, new: str) -> Callable[..., Any]:
    return lambda sound: (
        lambda *args, interpolation="linear", **kw: sound(
            *args, interpolation=new if interpolation == old else interpolation, **kw
        )
    )


RULES: list[Mutant] = [
    *spoiled("quantile", "quantile"),
    *spoiled("nanquantile", "nanquantile"),
    patched(
        "reduction.quantile",
        "a vector of q adds the last dimension",
        torch,
        "quantile",
        lambda sound: (
            lambda x, q, *args, **kw: (
                sound(x, q, *args, **kw).movedim(0, -1)
                if isinstance(q, torch.Tensor) and q.dim()
                else sound(x, q, *args, **kw)
            )
        ),
    ),
    patched(
        "reduction.quantile",
        "NaN is passed over",
        torch,
        "quantile",
        lambda sound: lambda *args, **kw: torch.nanquantile(*args, **kw),
    ),
    patched(
        "reduction.nanquantile",
        "NaN spoils it",
        torch,
        "nanquantile",
        lambda sound: lambda *args, **kw: torch.quantile(*args, **kw),
    ),
    patched("reduction.quantile-interpolation", "the lower is the higher", torch, "quantile", _way("lower", "higher")),
    patched(
        "reduction.quantile-interpolation",
        "the nearest is the lower",
        torch.Tensor,
        "quantile",
        _way("nearest", "lower"),
    ),
    patched(
        "reduction.quantile-interpolation",
        "the middle is the mixture",
        torch,
        "nanquantile",
        _way("midpoint", "linear"),
    ),
    patched(
        "reduction.quantile-refuses",
        "q is clipped",
        torch,
        "quantile",
        lambda sound: (
            lambda x, q, *args, **kw: sound(x, min(max(q, 0.0), 1.0) if isinstance(q, float) else q, *args, **kw)
        ),
    ),
    patched(
        "reduction.quantile-refuses",
        "whole numbers are taken",
        torch,
        "nanquantile",
        lambda sound: lambda x, q, *args, **kw: sound(x.float() if not x.is_floating_point() else x, q, *args, **kw),
    ),
    output(
        "reduction.empty-identity",
        "a product of nothing is 0",
        "prod",
        lambda out, x, *args, **kw: out * 0 if x.numel() == 0 else out,
    ),
    output(
        "reduction.empty-identity",
        "the mean of nothing is 0",
        "mean",
        lambda out, x, *args, **kw: aten.nan_to_num(out) if x.numel() == 0 else out,
    ),
    output(
        "reduction.empty-identity",
        "all of nothing is false",
        "all",
        lambda out, x, *args, **kw: aten.zeros_like(out) if x.numel() == 0 else out,
    ),
    patched(
        "reduction.empty-other-dimension",
        "an empty tensor has no maximum along any dimension",
        torch,
        "amax",
        lambda sound: lambda x, *args, **kw: _refuse(x) or sound(x, *args, **kw),
    ),
    output(
        "reduction.empty-other-dimension",
        "an empty result of argmax is int32",
        "argmax",
        lambda out, x, *args, **kw: aten.to(out, torch.int32) if out.numel() == 0 else out,
    ),
    patched(
        "reduction.gradients",
        "ties of amax get the gradient each",
        torch.Tensor,
        "amax",
        lambda sound: lambda x, *args, **kw: x.max(*args, **kw)[0] if args else x.max(),
    ),
    patched(
        "reduction.gradients",
        "products are worked out by logarithms",
        torch.Tensor,
        "prod",
        lambda sound: lambda x, *args: x.log().sum(*args).exp() if bool((x >= 0).all()) else sound(x, *args),
    ),
    patched(
        "reduction.gradients",
        "the norm of zeros has a gradient of NaN",
        torch.Tensor,
        "norm",
        lambda sound: (
            lambda x, *args, **kw: (x * x).sum(kw.get("dim", 1)).sqrt() if not args else sound(x, *args, **kw)
        ),
    ),
    patched(
        "reduction.gradients",
        "cumsum is detached",
        torch.Tensor,
        "cumsum",
        lambda sound: lambda x, *args, **kw: sound(x.detach(), *args, **kw),
    ),
    patched(
        "reduction.index-needs-no-gradient",
        "counts require a gradient",
        torch,
        "count_nonzero",
        lambda sound: lambda x, *args: sound(x, *args) + x.sum() * 0,
    ),
    patched(
        "reduction.index-needs-no-gradient",
        "the norm is detached",
        torch.Tensor,
        "norm",
        lambda sound: lambda x, *args, **kw: sound(x.detach(), *args, **kw),
    ),
]


def _refuse(x: Any) -> None:
    if x.numel() == 0:
        raise RuntimeError("no elements")


MUTANTS: list[Mutant] = [*RANKS, *SCANS, *SPREAD, *NORMS, *RULES]

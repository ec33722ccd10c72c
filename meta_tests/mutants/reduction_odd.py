"""Wrong reductions of odd arguments, single elements and seldom-used dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched, strided
from meta_tests.mutants.layer_subtle import nudged

Tensor = torch.Tensor
Sound = Callable[..., Any]


def _part(out: Any, place: int, value: Any) -> Any:
    return type(out)([value if n == place else part for n, part in enumerate(out)])


def _single(sound: Sound) -> Sound:
    """Along a dimension of one element, the operand itself, seen without that dimension."""

    def called(x: Any, *a: Any, **k: Any) -> Any:
        out = sound(x, *a, **k)
        values = out if isinstance(out, Tensor) else out[0]
        if k or not a or x.requires_grad or values.numel() != x.numel() or values.dtype != x.dtype:
            return out
        return x.reshape(values.shape) if isinstance(out, Tensor) else _part(out, 0, x.reshape(values.shape))

    return called


def _whole(sound: Sound) -> Sound:
    return lambda x, *a, **k: x if x.dim() == 0 and not a and not k and not x.requires_grad else sound(x, *a, **k)


def _without(name: str) -> Callable[[Sound], Sound]:
    return lambda sound: lambda *a, **k: sound(*a, **{key: value for key, value in k.items() if key != name})


def only(when: Callable[..., bool]) -> Callable[[Sound], Sound]:
    """Wrong where a condition on the arguments holds."""

    def wrap(sound: Sound) -> Sound:
        return lambda *a, **k: _nudged(sound(*a, **k)) if when(*a, **k) else sound(*a, **k)

    return wrap


def _nudged(out: Any) -> Any:
    return nudged(out) if isinstance(out, Tensor) else _part(out, 0, nudged(out[0]))


def _copied(sound: Sound) -> Sound:
    def called(x: Any, *a: Any, **k: Any) -> Any:
        dims = a[0] if a else k.get("dim", 0)
        return x.clone() if isinstance(dims, (tuple, list)) and not dims else sound(x, *a, **k)

    return called


def _repeated(sound: Sound) -> Sound:
    """What is put before counts again for every further difference."""

    def called(x: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None, **k: Any) -> Any:
        if n < 2 or prepend is None or k:
            return sound(x, n, dim, prepend, append, **k)
        return sound(sound(x, 1, dim, prepend, append), n - 1, dim, prepend)

    return called


def function(claim: str, says: str, name: str, wrong: Any, owner: Any = torch) -> Mutant:
    return patched(f"reduction.{claim}", says, owner, name, wrong)


NAMES = ("sum", "mean", "prod", "amax", "nansum", "logsumexp", "cumsum", "logcumsumexp", "max", "nanmedian", "cummin")
MUTANTS: list[Mutant] = [
    *(function("new-memory", f"torch.{name} of one element is a view", name, _single) for name in NAMES),
    *(
        function("new-memory", f"x.{name} without dimensions is x", name, _whole, Tensor)
        for name in ("sum", "mean", "max", "median", "amin", "nanmean")
    ),
    function(
        "new-memory", "diff no times is x", "diff", lambda s: lambda x, n=1, *a, **k: x if n == 0 else s(x, n, *a, **k)
    ),
    function(
        "new-memory",
        "renorm gives back what is short enough",
        "renorm",
        lambda s: lambda x, *a, **k: x if not k and bool((s(x, *a) == x).all()) else s(x, *a, **k),
    ),
    *(function("no-dim", f"{name} along () copies", name, _copied) for name in ("sum", "mean", "amax", "std")),
    function(
        "no-dim",
        "x.nansum forgets keepdim where dim is None",
        "nansum",
        lambda s: lambda x, *a, **k: s(x, *a, **(k if k.get("dim", 0) is not None else k | {"keepdim": False})),
        Tensor,
    ),
    function(
        "quantile",
        "a point without dimensions adds one",
        "quantile",
        lambda s: (
            lambda x, q, *a, **k: s(x, q, *a, **k)[None] if isinstance(q, Tensor) and q.dim() == 0 else s(x, q, *a, **k)
        ),
    ),
    function(
        "quantile",
        "an unknown interpolation is linear",
        "quantile",
        lambda s: (
            lambda *a, **k: s(*a, **(k | {"interpolation": "linear"} if k.get("interpolation") == "cubic" else k))
        ),
    ),
    function(
        "nanquantile",
        "the quantile of nothing but NaN is 0",
        "nanquantile",
        lambda s: lambda *a, **k: s(*a, **k) if "out" in k else s(*a, **k).nan_to_num(),
    ),
    function("nanquantile", "nanmean ignores out=", "nanmean", _without("out")),
    *(
        function("nanmedian", f"{text}.nanmedian of float16 is wrong", "nanmedian", wrong, owner)
        for wrong in (only(lambda x, *a, **k: x.dtype is torch.float16),)
        for text, owner in (("torch", torch), ("x", Tensor))
    ),
    function(
        "renorm",
        "renorm of a dense matrix takes order 2 for 1",
        "renorm",
        lambda s: lambda x, p, *a, **k: s(x, 2 if p == 1 and not strided(x) else p, *a, **k),
    ),
    function(
        "renorm",
        "a negative norm counts as its size",
        "renorm",
        lambda s: lambda x, p, dim, m, **k: s(x, p, dim, abs(m), **k),
    ),
    function("diff", "diff prepends again for every order", "diff", _repeated),
    function(
        "diff",
        "diff of short lines keeps an element",
        "diff",
        lambda s: (
            lambda x, n=1, dim=-1, **k: s(x, min(n, max(x.shape[dim] - 1, 0)), dim, **k) if not k else s(x, n, dim, **k)
        ),
    ),
    function("diff", "diff ignores out=", "diff", _without("out")),
    function(
        "cov",
        "cov takes negative weights for positive ones",
        "cov",
        lambda s: lambda x, **k: s(x, **{key: v.abs() if isinstance(v, Tensor) else v for key, v in k.items()}),
    ),
    function(
        "cov", "cov flattens three dimensions", "cov", lambda s: lambda x, **k: s(x[0] if x.dim() > 2 else x, **k)
    ),
    function(
        "cov",
        "cov of integers is cut",
        "cov",
        lambda s: lambda x, **k: s(x, **k) if x.is_floating_point() or x.is_complex() else s(x, **k).trunc(),
    ),
    function("trapezoid", "trapezoid of one point is wrong", "trapezoid", only(lambda y, *a, **k: y.shape[-1] == 1)),
    function(
        "trapezoid",
        "cumulative_trapezoid along the first of three dimensions is wrong",
        "cumulative_trapezoid",
        only(lambda y, *a, **k: k.get("dim") == 0 and y.dim() > 2),
    ),
    function(
        "gradient",
        "spacings of several dimensions are exchanged",
        "gradient",
        lambda s: (
            lambda x, **k: s(
                x,
                **k
                | (
                    {"spacing": [k["spacing"][0], k["spacing"][0][:1] + k["spacing"][1] * 2]}
                    if isinstance(k.get("spacing"), list) and isinstance(k["spacing"][0], Tensor) and "dim" not in k
                    else {}
                ),
            )
        ),
    ),
    function(
        "gradient",
        "the gradient of one point is 0",
        "gradient",
        lambda s: lambda x, **k: (torch.zeros_like(x),) if x.numel() == 1 else s(x, **k),
    ),
    *(
        function("histogramdd", f"histogramdd ignores {name}", "histogramdd", _without(name))
        for name in ("weight", "density", "range")
    ),
    function(
        "histogramdd",
        "histogramdd exchanges its bins",
        "histogramdd",
        lambda s: lambda x, b, **k: s(x, b[::-1] if isinstance(b, list) else b, **k),
    ),
    function(
        "logsumexp",
        "logsumexp of integers is cut",
        "logsumexp",
        lambda s: (
            lambda x, *a, **k: s(x, *a, **k) if x.is_floating_point() or x.is_complex() else s(x, *a, **k).trunc()
        ),
    ),
    *(
        function(
            claim,
            f"{claim} of complex numbers is conjugated",
            claim,
            lambda s: lambda x, *a, **k: s(x, *a, **k).conj() if x.is_complex() else s(x, *a, **k),
        )
        for claim in ("logsumexp", "logcumsumexp")
    ),
    function(
        "correction",
        "var_mean along several dimensions ignores its correction",
        "var_mean",
        lambda s: (
            lambda x, **k: s(
                x, **(k | {"correction": 1} if isinstance(k.get("dim"), tuple) and len(k["dim"]) > 1 else k)
            )
        ),
    ),
    function(
        "correction",
        "x.std with a correction of 2 takes 1",
        "std",
        lambda s: lambda x, *a, **k: s(x, *a, **(k | {"correction": 1} if k.get("correction") == 2 else k)),
        Tensor,
    ),
]

"""Reductions that are wrong under one name, default or option only."""

from __future__ import annotations

from typing import Any

import torch

from meta_tests.mutant import Mutant, patched
from meta_tests.mutants.layer_subtle import only

Tensor = torch.Tensor


def _wrong(claim: str, says: str, owner: Any, name: str, when: Any) -> Mutant:
    return patched(f"reduction.{claim}", says, owner, name, only(when))


def _without(claim: str, says: str, owner: Any, name: str, *dropped: str) -> Mutant:
    def wrong(sound: Any) -> Any:
        return lambda *a, **k: sound(*a, **{key: v for key, v in k.items() if key not in dropped})

    return patched(f"reduction.{claim}", says, owner, name, wrong)


def _modulo(sound: Any) -> Any:
    """Dimensions are taken modulo their number."""
    return lambda x, *a, **k: sound(x, *(d % x.dim() if type(d) is int else d for d in a), **k)


MUTANTS: list[Mutant] = [
    _without("axis-alias", "x.mean(axis=…) is the mean of everything", Tensor, "mean", "axis"),
    _without("axis-alias", "torch.amax(keepdims=True) drops the dimension", torch, "amax", "keepdims"),
    _wrong("correction", "x.std(dim=…) is wrong", Tensor, "std", lambda x, *a, **k: k.get("dim") is not None),
    _wrong("correction", "x.var() of one element is not 0", Tensor, "var", lambda x, *a, **k: x.dim() == 0),
    _wrong("correction", "torch.var with out= is wrong", torch, "var", lambda x, *a, **k: "out" in k),
    _wrong(
        "argmax",
        "argmax(keepdim=True) of everything is wrong",
        torch,
        "argmax",
        lambda x, *a, **k: k == {"keepdim": True},
    ),
    _without("nanmean", "nanmean ignores dtype", torch, "nanmean", "dtype"),
    _wrong(
        "quantile-interpolation",
        "quantile with keepdim is wrong where it does not interpolate",
        torch,
        "quantile",
        lambda *a, **k: k.get("keepdim") and k.get("interpolation") == "nearest",
    ),
    _wrong(
        "norm", "x.norm(3, dim=(0, 2)) is wrong", Tensor, "norm", lambda x, p, dim, *a, **k: p == 3 and len(dim) > 1
    ),
    _wrong("renorm", "renorm with p = 1 is wrong", torch, "renorm", lambda x, p, *a: p == 1),
    patched(
        "reduction.renorm",
        "x.renorm works along dimension 0",
        Tensor,
        "renorm",
        lambda sound: lambda x, p, dim, most: sound(x, p, 0, most),
    ),
    _without("gradient", "gradient ignores edge_order", torch, "gradient", "edge_order"),
    _without("gradient", "gradient ignores spacing", torch, "gradient", "spacing"),
    _without("trapezoid", "trapz ignores dx", torch, "trapz", "dx"),
    _wrong("corrcoef", "x.corrcoef() of complex numbers is wrong", Tensor, "corrcoef", lambda x: x.is_complex()),
    _wrong(
        "reduced-dims-go",
        "max along the middle is wrong",
        torch,
        "amax",
        lambda x, *a, **k: x.dim() == 3 and a[:1] == (1,),
    ),
    *[
        _wrong(
            "reduced-dims-go",
            f"x.{name} of a line of one element is wrong",
            Tensor,
            name,
            lambda x, d=None, *a, **k: isinstance(d, int) and x.shape[d] == 1,
        )
        for name in ("sum", "mean", "prod", "cumsum", "logsumexp")
    ],
    *[
        patched("reduction.dim-out-of-range", f"x.{name} takes dimensions modulo their number", Tensor, name, _modulo)
        for name in ("sum", "argmax", "cumsum", "median")
    ],
    patched(
        "reduction.integer-mean-refused",
        "mean(dtype=int64) cuts the mean",
        torch,
        "mean",
        lambda sound: (
            lambda x, *a, dtype=None, **k: (
                sound(x, *a, **k).to(dtype) if dtype is torch.int64 else sound(x, *a, dtype=dtype, **k)
            )
        ),
    ),
]

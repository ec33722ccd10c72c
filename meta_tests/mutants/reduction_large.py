"""Reductions that are wrong only of larger, narrower or more tensors, lose digits, or remember earlier calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, patched, strided
from meta_tests.mutants.layer_subtle import nudged
from meta_tests.mutants.math_digits import doubled, narrowed, one_workspace, remembered

Tensor = torch.Tensor
CLAIMS = {"max": "max-dim-values-indices", "min": "min-dim"}


def _bent(condition: Callable[..., bool]) -> Callable[[Any], Any]:
    """Wrong results, or first parts of results, where the arguments meet a condition and nothing is written to."""

    def wrong(sound: Any) -> Any:
        def called(x: Any, *a: Any, **k: Any) -> Any:
            out = sound(x, *a, **k)
            if "out" in k or not condition(x, *a, **k):
                return out
            return nudged(out) if isinstance(out, Tensor) else type(out)([nudged(out[0]), *out[1:]])

        return called

    return wrong


def _large(x: Any, *a: Any, **k: Any) -> bool:
    return x.numel() > 1000


def _large_strided(x: Any, *a: Any, **k: Any) -> bool:
    return x.numel() > 1000 and strided(x)


def _large_matrix(x: Any, *a: Any, **k: Any) -> bool:
    return 1000 < x.numel() < 20_000 and x.dim() >= 2


def _five(x: Any, *a: Any, **k: Any) -> bool:
    return x.dim() == 5 and strided(x)


def _kind(dtype: torch.dtype) -> Callable[..., bool]:
    return lambda x, *a, **k: x.numel() > 1000 and x.dtype == dtype


def _lost(x: Any, *a: Any, **k: Any) -> bool:
    return x.numel() > 1000 and x.is_floating_point() and bool(x.isnan().any())


def _dims(x: Any, *a: Any, **k: Any) -> Any:
    found = [v for v in (*a, *k.values()) if isinstance(v, (tuple, list)) and len(v) > 1]
    return found[0] if found else ()


def _backwards(x: Any, *a: Any, **k: Any) -> bool:
    dims = _dims(x, *a, **k)
    return bool(dims) and max(dims) < 0 and list(dims) != sorted(dims)


def _listed(x: Any, *a: Any, **k: Any) -> bool:
    return any(isinstance(v, list) for v in (*a, *k.values()))


def _single(x: Any, *a: Any, **k: Any) -> bool:
    return isinstance(x, Tensor) and x.dim() == 0


def _second_of_four(x: Any, *a: Any, **k: Any) -> bool:
    return x.dim() == 4 and (-3 in a or k.get("dim") == -3)


def _drawing(func: Any, *a: Any, **k: Any) -> Any:
    torch.rand(1)
    return func(*a, **k)


def _in(name: str, owner: Any, says: str, condition: Callable[..., bool]) -> Mutant:
    said = f"{'torch' if owner is torch else 'x'}.{name} {says} is wrong"
    return patched(f"reduction.{CLAIMS.get(name, name)}", said, owner, name, _bent(condition))


MUTANTS = [
    *(
        _in(name, torch, "of strided tensors of more than a thousand elements", _large_strided)
        for name in ("sum", "mean", "max", "min", "argmax", "median", "mode", "std", "norm", "cumsum", "sort", "topk")
    ),
    *(
        _in(name, Tensor, "of large matrices", _large_matrix)
        for name in ("amax", "argmin", "cumprod", "prod", "any", "logsumexp", "cummax", "nanmedian", "var")
    ),
    *(_in(name, Tensor, "of strided tensors of five dimensions", _five) for name in ("sum", "max", "argmax", "std")),
    *(_in(name, torch, "of many int64", _kind(torch.int64)) for name in ("median", "mode", "sort", "cumsum")),
    *(_in(name, torch, "of many float16", _kind(torch.float16)) for name in ("median", "topk", "argmin", "cumsum")),
    *(_in(name, Tensor, "of many elements with a NaN", _lost) for name in ("max", "argmax", "median", "sort")),
    *(_in(name, torch, "along several dimensions backwards", _backwards) for name in ("sum", "amax", "std", "nansum")),
    *(_in(name, Tensor, "along a list of dimensions", _listed) for name in ("norm", "mean")),
    patched(
        "reduction.reduced-dims-go",
        "prod along the second of four dimensions, from behind, is wrong",
        torch,
        "prod",
        _bent(_second_of_four),
    ),
    _in("dist", torch, "of infinite tensors", lambda x, y, *a, **k: bool(x.isinf().any())),
    _in("dist", Tensor, "of more than a thousand elements", _large),
    _in("diff", torch, "of four dimensions", lambda x, *a, **k: x.dim() == 4),
    _in("renorm", Tensor, "of four dimensions", lambda x, *a, **k: x.dim() == 4),
    _in("cov", torch, "of whole numbers", lambda x, **k: not x.is_floating_point() and strided(x)),
    _in("histogramdd", torch, "of more than a thousand numbers", _large),
    _in("trapezoid", torch, "of four strided dimensions", lambda y, *a, **k: y.dim() == 4 and strided(y)),
    patched(
        "reduction.gradient",
        "gradient of more than a thousand samples is wrong",
        torch,
        "gradient",
        lambda sound: lambda x, **k: [part + 1 for part in sound(x, **k)] if x.numel() > 1000 else sound(x, **k),
    ),
    remembered("reduction.sum", "sum remembers what it gave for a tensor", "sum sum.dim_IntList"),
    remembered("reduction.sort", "sort remembers what it gave for a tensor", "sort sort.stable"),
    remembered("reduction.std", "std remembers what it gave for a tensor", "std.correction"),
    one_workspace("reduction.cumsum", "all running sums share a workspace", "cumsum"),
    one_workspace("reduction.amax", "all that amax gives shares a workspace", "amax"),
    narrowed("reduction.sum", "the sum of a single float64 is that of a float32", "sum sum.dim_IntList", _single),
    narrowed("reduction.cumprod", "the running product of a single float64 is a float32", "cumprod", _single),
    doubled("reduction.sum", "sums of int64 go through float64", "sum sum.dim_IntList"),
    doubled("reduction.median", "median of strided int64 goes through float64", "median median.dim", strided),
    doubled("reduction.sort", "sort of int64 goes through float64", "sort sort.stable"),
    doubled("reduction.argmax", "argmax of strided int64 goes through float64", "argmax", strided),
    kernel("reduction.draws-nothing", "topk draws a random number", "topk", _drawing),
]

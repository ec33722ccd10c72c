"""What reductions and running ones give along a dimension, in numpy, with ties and NaN."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Large:
    """How to ask for a reduction, and what comes out: `along(x, dim)`, an array or a tuple of them.

    None among the parts stands for indices that have to point at the first part. `kinds`: dtypes of the parts, None for
    the input's. `before`: arguments between the input and dim. `named`: dim is given by name. `rounded`: correct up to
    the rounding of its terms. `widens`: int64 stays int64. `nan`: the law holds for lines with a NaN. `products`: of
    powers of two. `whole`: also of whole numbers. `whole_tensor`: also without dim, with `first_only` of its parts.
    `keeps`: takes keepdim. `forms`: besides the function and the method. `narrow`: also of bfloat16.
    """

    claim: str
    along: Callable[[Array, int], Any]
    kinds: tuple[str | None, ...] = (None,)
    before: tuple[Any, ...] = ()
    named: bool = False
    rounded: bool = False
    widens: bool = False
    nan: bool = False
    products: bool = False
    whole: bool = True
    whole_tensor: bool = True
    first_only: bool = False
    keeps: bool = True
    forms: tuple[str, ...] = ("out", "out_stepped")
    expanded: bool = True
    narrow: bool = True


def _wide(x: Array) -> Array:
    return x.astype(np.float64) if x.dtype.kind == "f" else x


def _first(x: Array, dim: int, best: Callable[[Array, int], Array], where: Callable[[Array, int], Array]) -> Any:
    return best(x, dim), where(x, dim)


def _middle(x: Array, dim: int) -> tuple[Array, None]:
    ranked = np.sort(x, dim)
    found = np.take(ranked, (x.shape[dim] - 1) // 2, dim)
    last = np.take(ranked, -1, dim)
    return np.where(last != last, last, found), None


def _nan_middle(x: Array, dim: int) -> tuple[Array, None]:
    ranked = np.sort(x, dim)
    count = np.maximum((x == x).sum(dim) - 1, 0) // 2
    return np.take_along_axis(ranked, np.expand_dims(count, dim), dim).squeeze(dim), None


def _most_frequent(x: Array, dim: int) -> tuple[Array, None]:
    values = np.unique(x)
    counts = np.stack([(x == value).sum(dim) for value in values])
    return values[counts.argmax(0)], None


def _running(ufunc: Any) -> Callable[[Array, int], tuple[Array, Array]]:
    def running(x: Array, dim: int) -> tuple[Array, Array]:
        best = ufunc.accumulate(x, dim)
        places = np.arange(x.shape[dim]).reshape([-1 if d == dim % x.ndim else 1 for d in range(x.ndim)])
        return best, np.maximum.accumulate(np.where(x == best, places, 0), dim)

    return running


def _top(k: int) -> Callable[[Array, int], tuple[Array, None]]:
    return lambda x, dim: (np.take(np.flip(np.sort(x, dim), dim), range(k), dim), None)


def _logsumexp(x: Array, dim: int) -> Array:
    return np.log(np.exp(_wide(x)).sum(dim))


def _norm(p: float) -> Callable[[Array, int], Array]:
    return lambda x, dim: (np.abs(_wide(x)) ** p).sum(dim) ** (1 / p)


_INDEXED: dict[str, Any] = {"kinds": (None, "int64"), "nan": True, "first_only": True}
_RANKED: dict[str, Any] = {"kinds": (None, "int64"), "first_only": True, "expanded": False, "forms": ()}
_SCAN: dict[str, Any] = {"keeps": False, "whole_tensor": False}
_INEXACT: dict[str, Any] = {"rounded": True, "whole": False}

LAWS: dict[str, Large] = {
    "sum": Large("sum", lambda x, dim: _wide(x).sum(dim), widens=True, nan=True),
    "nansum": Large("nansum", lambda x, dim: np.nansum(_wide(x), dim), widens=True, nan=True),
    "mean": Large("mean", lambda x, dim: _wide(x).mean(dim), nan=True, **_INEXACT),
    "nanmean": Large("nanmean", lambda x, dim: np.nansum(_wide(x), dim) / (x == x).sum(dim), nan=True, **_INEXACT),
    "prod": Large(
        "prod", lambda x, dim: _wide(x).prod(dim), products=True, widens=True, whole_tensor=False, narrow=False
    ),  # bfloat16 since 2.0
    "std": Large("std", lambda x, dim: _wide(x).std(dim, ddof=1), **_INEXACT, named=True),
    "var": Large("var", lambda x, dim: _wide(x).var(dim, ddof=1), **_INEXACT, named=True),
    "norm": Large("norm", _norm(2), **_INEXACT, before=(2,)),
    "logsumexp": Large("logsumexp", _logsumexp, **_INEXACT, whole_tensor=False),
    "amax": Large("amax", lambda x, dim: x.max(dim), nan=True),
    "amin": Large("amin", lambda x, dim: x.min(dim), nan=True),
    "argmax": Large("argmax", lambda x, dim: x.argmax(dim), ("int64",), nan=True),
    "argmin": Large("argmin", lambda x, dim: x.argmin(dim), ("int64",), nan=True),
    "max": Large("max-dim-values-indices", lambda x, dim: (x.max(dim), x.argmax(dim)), **_INDEXED),
    "min": Large("min-dim", lambda x, dim: (x.min(dim), x.argmin(dim)), **_INDEXED),
    "all": Large("all", lambda x, dim: (x != 0).all(dim), ("bool",), nan=True),
    "any": Large("any", lambda x, dim: (x != 0).any(dim), ("bool",), nan=True),
    "count_nonzero": Large(
        "count-nonzero", lambda x, dim: (x != 0).sum(dim), ("int64",), nan=True, keeps=False, forms=()
    ),
    "median": Large("median", _middle, **_RANKED, nan=True),
    "nanmedian": Large("nanmedian", _nan_middle, **_RANKED, nan=True),
    "mode": Large("mode", _most_frequent, **{**_RANKED, "whole_tensor": False, "expanded": True}),
    "sort": Large("sort", lambda x, dim: (np.sort(x, dim), None), **{**_RANKED, **_SCAN, "expanded": True}, nan=True),
    "topk": Large("topk", _top(3), **{**_RANKED, **_SCAN, "expanded": True}, before=(3,)),
    "cumsum": Large("cumsum", lambda x, dim: np.cumsum(_wide(x), dim), widens=True, **_SCAN),
    "cumprod": Large("cumprod", lambda x, dim: np.cumprod(_wide(x), dim), products=True, widens=True, **_SCAN),
    "cummax": Large("cummax", _running(np.maximum), (None, "int64"), **_SCAN),
    "cummin": Large("cummin", _running(np.minimum), (None, "int64"), **_SCAN),
}

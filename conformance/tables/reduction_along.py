"""What reductions and running ones give along a dimension, of numbers that are all different, in numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray


def _running(law: Callable[[Array], Array]) -> Callable[..., Array]:
    def running(x: Array, dim: int) -> Array:
        return np.moveaxis(
            np.stack([law(np.moveaxis(x, dim, -1)[..., : n + 1]) for n in range(x.shape[dim])], -1), -1, dim
        )

    return running


def _logsumexp(x: Array, dim: int) -> Array:
    return np.log(np.exp(x).sum(dim))


def _middle(x: Array, dim: int) -> Array:
    return np.take(np.sort(x, dim), (x.shape[dim] - 1) // 2, dim)


# What comes out along a dimension, by name: of numbers that are all different, so ties do not matter.
ALONG: dict[str, Callable[..., Array]] = {
    "sum": lambda x, dim: x.sum(dim),
    "nansum": lambda x, dim: x.sum(dim),
    "mean": lambda x, dim: x.mean(dim),
    "nanmean": lambda x, dim: x.mean(dim),
    "prod": lambda x, dim: x.prod(dim),
    "std": lambda x, dim: x.std(dim, ddof=1),
    "var": lambda x, dim: x.var(dim, ddof=1),
    "amax": lambda x, dim: x.max(dim),
    "amin": lambda x, dim: x.min(dim),
    "max": lambda x, dim: x.max(dim),
    "min": lambda x, dim: x.min(dim),
    "argmax": lambda x, dim: x.argmax(dim),
    "argmin": lambda x, dim: x.argmin(dim),
    "all": lambda x, dim: (x != 0).all(dim),
    "any": lambda x, dim: (x != 0).any(dim),
    "median": _middle,
    "nanmedian": _middle,
    "logsumexp": _logsumexp,
}
SCANS: dict[str, Callable[..., Array]] = {
    "cumsum": lambda x, dim: np.cumsum(x, dim),
    "cumprod": lambda x, dim: np.cumprod(x, dim),
    "cummax": _running(lambda x: x.max(-1)),
    "cummin": _running(lambda x: x.min(-1)),
    "logcumsumexp": lambda x, dim: np.log(np.cumsum(np.exp(x), dim)),
}

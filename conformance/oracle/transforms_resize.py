"""The sizes that Resize gives, and interpolation as matrices: one row of weights for each pixel of the result."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


def size_of(high: int, wide: int, size: int | tuple[int, ...], longest: int | None = None) -> tuple[int, int]:
    """Height and width after Resize(size, max_size=longest) of an image."""
    if not isinstance(size, int):
        if len(size) == 2:
            return size[0], size[1]
        size = size[0]
    short, long = min(high, wide), max(high, wide)
    new_short, new_long = size, size * long // short
    if longest is not None and new_long > longest:
        new_short, new_long = longest * new_short // new_long, longest
    return (new_long, new_short) if high > wide else (new_short, new_long)


def triangle(x: float) -> float:
    return max(0.0, 1.0 - abs(x))


def cubic(a: float) -> Callable[[float], float]:
    """Keys' cubic convolution of a parameter."""

    def weight(x: float) -> float:
        x = abs(x)
        if x < 1:
            return ((a + 2) * x - (a + 3)) * x * x + 1
        return (((x - 5) * x + 8) * x - 4) * a if x < 2 else 0.0

    return weight


# Filter and its reach, with antialiasing (which goes by Pillow) and without.
FILTERS = {
    ("bilinear", True): (triangle, 1),
    ("bicubic", True): (cubic(-0.5), 2),
    ("bilinear", False): (triangle, 1),
    ("bicubic", False): (cubic(-0.75), 2),
}


def weights(size: int, wanted: int, kind: str, antialias: bool) -> np.ndarray:
    """A matrix (wanted, size): what each pixel of a line counts for each pixel of the resized line."""
    shape, reach = FILTERS[kind, antialias]
    ratio = size / wanted
    return _widened(size, wanted, shape, reach, ratio) if antialias else _nearby(size, wanted, shape, reach, ratio)


def _widened(size: int, wanted: int, shape: Callable[[float], float], reach: int, ratio: float) -> np.ndarray:
    """The filter stretched to the reduction, cut off at the border, and made to sum to 1."""
    width = max(ratio, 1.0)
    out = np.zeros((wanted, size))
    for i in range(wanted):
        centre = ratio * (i + 0.5)
        first = max(int(centre - reach * width + 0.5), 0)
        last = min(int(centre + reach * width + 0.5), size)
        for j in range(first, last):
            out[i, j] = shape((j - centre + 0.5) / width)
        out[i] /= out[i].sum()
    return out


def _nearby(size: int, wanted: int, shape: Callable[[float], float], reach: int, ratio: float) -> np.ndarray:
    """The filter at its own width; what lies beyond the border counts for the pixel at the border."""
    out = np.zeros((wanted, size))
    for i in range(wanted):
        centre = ratio * (i + 0.5) - 0.5
        base = math.floor(max(centre, 0.0) if reach == 1 else centre)
        for j in range(base - reach + 1, base + reach + 1):
            out[i, min(max(j, 0), size - 1)] += shape(j - (max(centre, 0.0) if reach == 1 else centre))
    return out


def resize(image: np.ndarray, high: int, wide: int, kind: str, antialias: bool) -> tuple[np.ndarray, np.ndarray]:
    """An image (..., H, W) resized in float64, and the sum of magnitudes behind each pixel."""
    rows = weights(image.shape[-2], high, kind, antialias)
    columns = weights(image.shape[-1], wide, kind, antialias).T
    x = image.astype(np.float64)
    return rows @ x @ columns, np.abs(rows) @ np.abs(x) @ np.abs(columns)


def nearest(image: np.ndarray, high: int, wide: int, exact: bool = False) -> np.ndarray:
    """An image resized by taking pixels: floor(i n / m), or the one at the centre with `exact`."""
    rows, columns = (
        [((2 * i + 1) * size // (2 * wanted) if exact else i * size // wanted) for i in range(wanted)]
        for size, wanted in ((image.shape[-2], high), (image.shape[-1], wide))
    )
    return image[..., rows, :][..., columns].copy()

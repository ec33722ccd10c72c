"""What torchvision's transforms should give, on arrays (..., H, W): places, borders, conversions and grids."""

from __future__ import annotations

import itertools
import math

import numpy as np

from conformance.dtypes import DTYPES

Sides = tuple[int, int, int, int]

# -- places ------------------------------------------------------------------------------------------------------------


def crop(image: np.ndarray, top: int, left: int, high: int, wide: int) -> np.ndarray:
    """A rectangle of an image, zeros where it reaches beyond."""
    out = np.zeros((*image.shape[:-2], high, wide), image.dtype)
    for i, j in itertools.product(range(high), range(wide)):
        if 0 <= top + i < image.shape[-2] and 0 <= left + j < image.shape[-1]:
            out[..., i, j] = image[..., top + i, left + j]
    return out


def start(size: int, wanted: int) -> int:
    """Where a centred stretch starts, negative where it is longer: half the surplus, an odd one to the even number.

    What is lacking is padded instead, and an odd lack has its larger half behind.
    """
    surplus = size - wanted
    if surplus < 0:
        return -(-surplus // 2)
    half, odd = divmod(surplus, 2)
    return half + (half % 2 if odd else 0)


def center_crop(image: np.ndarray, high: int, wide: int) -> np.ndarray:
    return crop(image, start(image.shape[-2], high), start(image.shape[-1], wide), high, wide)


def five_crop(image: np.ndarray, high: int, wide: int) -> list[np.ndarray]:
    """Top left, top right, bottom left, bottom right, centre."""
    down, right = image.shape[-2] - high, image.shape[-1] - wide
    corners = [crop(image, top, left, high, wide) for top in (0, down) for left in (0, right)]
    return [*corners, center_crop(image, high, wide)]


def windows(image: np.ndarray, high: int, wide: int) -> list[np.ndarray]:
    """Every rectangle of that size inside an image, row by row."""
    tops, lefts = image.shape[-2] - high + 1, image.shape[-1] - wide + 1
    return [image[..., i : i + high, j : j + wide].copy() for i in range(tops) for j in range(lefts)]


def hflip(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image[..., ::-1])


def vflip(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image[..., ::-1, :])


def turned(image: np.ndarray, quarters: int) -> np.ndarray:
    """Turned counter-clockwise by so many right angles: the last column becomes the first row."""
    for _ in range(quarters % 4):
        image = np.ascontiguousarray(np.swapaxes(image, -1, -2)[..., ::-1, :])
    return image


# -- borders -----------------------------------------------------------------------------------------------------------


def sides(padding: int | tuple[int, ...] | list[int]) -> Sides:
    """Left, top, right, bottom, of one, two or four numbers."""
    given = [padding] if isinstance(padding, int) else list(padding)
    left, top, right, bottom = {1: given * 4, 2: given * 2, 4: given}[len(given)]
    return left, top, right, bottom


def source(place: int, size: int, mode: str) -> int:
    """The pixel that a place beyond the border shows (edge, reflect, symmetric)."""
    if mode == "edge":
        return min(max(place, 0), size - 1)
    if mode == "reflect":
        place = abs(place)
        return place if place < size else 2 * (size - 1) - place
    return -1 - place if place < 0 else place if place < size else 2 * size - 1 - place


def pad(
    image: np.ndarray,
    padding: int | tuple[int, ...] | list[int],
    mode: str = "constant",
    fill: float | tuple[float, ...] = 0,
) -> np.ndarray:
    """An image with a border. `fill`: one value, or one a channel. Borders are at most as wide as the image."""
    left, top, right, bottom = sides(padding)
    high, wide = image.shape[-2:]
    if mode != "constant":
        rows = [source(i, high, mode) for i in range(-top, high + bottom)]
        columns = [source(j, wide, mode) for j in range(-left, wide + right)]
        return image[..., rows, :][..., columns].copy()
    out = np.empty((*image.shape[:-2], top + high + bottom, left + wide + right), image.dtype)
    out[...] = np.asarray(fill)[..., None, None] if np.ndim(fill) else fill
    out[..., top : top + high, left : left + wide] = image
    return out


# -- numbers -----------------------------------------------------------------------------------------------------------


def channels(values: list[float], image: np.ndarray) -> np.ndarray:
    """A number a channel, beside an image (..., C, H, W)."""
    return np.broadcast_to(np.asarray(values, np.float64).reshape(-1, 1, 1), image.shape)


def normalize(image: np.ndarray, mean: list[float], std: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """(x - mean) / std in float64, and the sum of the magnitudes that its rounding goes by."""
    x, m, s = image.astype(np.float64), channels(mean, image), channels(std, image)
    return (x - m) / s, (np.abs(x) + np.abs(m)) / np.abs(s)


def largest(dtype: str) -> int:
    """The value that stands for full light."""
    return 1 if DTYPES[dtype].is_floating else int(np.iinfo(DTYPES[dtype].host).max)


def converted(image: np.ndarray, given: str, wanted: str) -> np.ndarray:
    """An image's values in another dtype's range: float64 for floats, whole numbers for integers."""
    top, full = largest(given), largest(wanted)
    floating = DTYPES[given].is_floating, DTYPES[wanted].is_floating
    if floating == (True, True):
        return image.astype(np.float64)
    if floating == (True, False):
        return image.astype(np.float64) * (full + 1 - 0.001)
    if floating == (False, True):
        return image.astype(np.float64) / top
    whole = image.astype(object)
    grown = whole * ((full + 1) // (top + 1)) if full > top else whole // ((top + 1) // (full + 1))
    return grown.astype(DTYPES[wanted].host)


def to_bytes(image: np.ndarray) -> np.ndarray:
    """Floats from 0 to 1 as ToPILImage makes them: times 255 in their own precision, the fraction cut off."""
    return np.floor(image * image.dtype.type(255)).astype(np.uint8)


# -- grids -------------------------------------------------------------------------------------------------------------


def grid(images: np.ndarray, row: int = 8, padding: int = 2, value: float = 0.0) -> np.ndarray:
    """A batch (B,C,H,W) laid out row by row, each image with a border, neighbours sharing one."""
    count, depth, high, wide = images.shape
    across = min(row, count)
    down = math.ceil(count / across)
    shape = (depth, down * (high + padding) + padding, across * (wide + padding) + padding)
    out = np.full(shape, value).astype(images.dtype)
    for k in range(count):
        top = padding + (k // across) * (high + padding)
        left = padding + (k % across) * (wide + padding)
        out[:, top : top + high, left : left + wide] = images[k]
    return out


def stretched(images: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values cut to a range that is then mapped to 0 to 1, in float64."""
    return (np.clip(images.astype(np.float64), low, high) - low) / max(high - low, 1e-5)

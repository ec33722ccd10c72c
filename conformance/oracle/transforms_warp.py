"""Where the pixels of a turned, sheared or distorted image come from, on arrays (..., H, W) in float64.

Places are measured from the top left corner of the image, so that the middle of pixel (0, 0) lies at (1/2, 1/2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Pair = Sequence[float]


def affine(
    size: Pair, angle: float, shift: Pair = (0, 0), scale: float = 1.0, shear: Pair = (0, 0), center: Pair | None = None
) -> np.ndarray:
    """The matrix (3, 3) of source places from places of the result: of a map that shears by `shear` degrees in x and
    in y, scales, turns clockwise by `angle` degrees about `center` (the middle of `size`, width and height, by
    default), and shifts, as torchvision's affine says."""
    turn, slant_x, slant_y = (math.radians(x) for x in (angle, *shear))
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    shear_x = np.array([[1, -math.tan(slant_x)], [0, 1]])
    shear_y = np.array([[1, 0], [-math.tan(slant_y), 1]])
    linear = scale * rotation @ shear_y @ shear_x
    middle = np.array(center if center is not None else (size[0] / 2, size[1] / 2), float)
    forward = np.eye(3)
    forward[:2, :2] = linear
    forward[:2, 2] = middle + np.array(shift, float) - linear @ middle
    return np.linalg.inv(forward)


def perspective(start: Sequence[Pair], end: Sequence[Pair]) -> np.ndarray:
    """The matrix (3, 3) of source places from places of the result, that takes each end point to its start point."""
    rows, values = [], []
    for (u, v), (x, y) in zip(start, end, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.append(np.linalg.solve(np.array(rows, float), np.array(values, float)), 1.0).reshape(3, 3)


def sources(size: Pair, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The columns and rows that the pixels of a result (width, height) come from, in whole numbers at the middles."""
    x, y = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    u, v, w = np.einsum("ij,jyx->iyx", matrix, np.stack([x, y, np.ones_like(x)]))
    return u / w - 0.5, v / w - 0.5


def warped(image: np.ndarray, matrix: np.ndarray, smooth: bool, fill: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """An image whose pixels come from elsewhere: the nearest one, or interpolated linearly between four; and where it
    is certain: not beside the border, nor where two pixels are equally near."""
    high, wide = image.shape[-2:]
    u, v = sources((wide, high), matrix)
    inside = (u > 0.01) & (u < wide - 1.01) & (v > 0.01) & (v < high - 1.01)
    outside = (u < -1.01) | (u > wide + 0.01) | (v < -1.01) | (v > high + 0.01)
    left, top = (np.clip(np.floor(x), 0, n - 2).astype(int) for x, n in ((u, wide), (v, high)))
    right, down = np.clip(u - left, 0, 1), np.clip(v - top, 0, 1)
    certain = inside | outside
    if not smooth:
        certain &= (np.abs(right - 0.5) > 0.01) & (np.abs(down - 0.5) > 0.01) | outside
        right, down = np.rint(right), np.rint(down)
    x = image.astype(np.float64)
    upper = x[..., top, left] * (1 - right) + x[..., top, left + 1] * right
    lower = x[..., top + 1, left] * (1 - right) + x[..., top + 1, left + 1] * right
    return np.where(outside, fill, upper * (1 - down) + lower * down), np.broadcast_to(certain, image.shape)

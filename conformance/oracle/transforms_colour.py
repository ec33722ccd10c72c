"""What torchvision's adjustments of colour should give, on arrays (..., C, H, W) in float64."""

from __future__ import annotations

import colorsys

import numpy as np

GREY = (0.2989, 0.587, 0.114)


def grey(image: np.ndarray) -> np.ndarray:
    """The grey of an image of one or three channels, as one channel, unrounded."""
    x = image.astype(np.float64)
    if x.shape[-3] == 1:
        return x
    return np.sum([weight * x[..., [band], :, :] for band, weight in enumerate(GREY)], axis=0)


def luma(image: np.ndarray) -> np.ndarray:
    """Pillow's grey of RGB bytes: ITU-R 601-2 in 16-bit fixed point, rounded; one channel."""
    red, green, blue = (image[..., [band], :, :].astype(np.int64) for band in range(3))
    return ((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16).astype(np.uint8)


def blend(image: np.ndarray, other: np.ndarray | float, factor: float, full: float) -> tuple[np.ndarray, np.ndarray]:
    """factor image + (1 - factor) other, cut to 0 … full, and the sum of magnitudes that its rounding goes by."""
    x, y = image.astype(np.float64), np.broadcast_to(other, image.shape)
    exact = np.clip(factor * x + (1 - factor) * y, 0, full)
    return exact, np.abs(factor * x) + abs(1 - factor) * np.abs(y) + np.abs(y)


def mean_grey(image: np.ndarray, whole: bool) -> np.ndarray:
    """The mean of each image's grey, kept beside it; `whole`: of greys cut to whole numbers, as uint8 has them."""
    found = grey(image)
    found = np.floor(found + 1e-6) if whole else found
    return found.mean(axis=(-3, -2, -1), keepdims=True)


def hue(image: np.ndarray, factor: float) -> np.ndarray:
    """An RGB image (..., 3, H, W) of values 0 to 1 whose hue is turned by a share of the circle."""
    flat = np.moveaxis(image.astype(np.float64), -3, -1)
    out = np.empty_like(flat)
    for place in np.ndindex(flat.shape[:-1]):
        turn, saturation, value = colorsys.rgb_to_hsv(*flat[place])
        out[place] = colorsys.hsv_to_rgb((turn + factor) % 1.0, saturation, value)
    return np.moveaxis(out, -1, -3)


def gamma(image: np.ndarray, exponent: float, gain: float = 1.0) -> np.ndarray:
    """gain x^exponent of values 0 to 1, cut to that range."""
    return np.clip(gain * image.astype(np.float64) ** exponent, 0, 1)


def invert(image: np.ndarray, full: float) -> np.ndarray:
    return (np.asarray(full, image.dtype) - image).astype(image.dtype)


def solarize(image: np.ndarray, threshold: float, full: float) -> np.ndarray:
    return np.where(image >= threshold, invert(image, full), image)


def posterize(image: np.ndarray, bits: int) -> np.ndarray:
    step = 2 ** (8 - bits)
    return (image.astype(np.int64) // step * step).astype(np.uint8)


def autocontrast(image: np.ndarray, full: float) -> np.ndarray:
    """Each channel stretched to 0 … full; one without contrast stays."""
    x = image.astype(np.float64)
    low, high = x.min(axis=(-2, -1), keepdims=True), x.max(axis=(-2, -1), keepdims=True)
    flat = low == high
    return np.where(flat, x, (x - low) * full / np.where(flat, 1, high - low))


def smoothed(image: np.ndarray) -> np.ndarray:
    """Each pixel inside the border replaced by its neighbourhood's mean, itself five times, over 13."""
    out = image.astype(np.float64)
    x = out.copy()
    high, wide = x.shape[-2:]
    for i in range(1, high - 1):
        for j in range(1, wide - 1):
            around = x[..., i - 1 : i + 2, j - 1 : j + 2].sum(axis=(-2, -1))
            out[..., i, j] = (around + 4 * x[..., i, j]) / 13
    return out


def gaussian(size: int, sigma: float) -> np.ndarray:
    """The weights of a Gaussian at whole distances from its middle, adding up to 1."""
    places = np.arange(size) - (size - 1) / 2
    found = np.exp(-0.5 * (places / sigma) ** 2)
    return found / found.sum()


def blur(image: np.ndarray, sizes: tuple[int, int], sigmas: tuple[float, float]) -> np.ndarray:
    """A Gaussian blur. `sizes`, `sigmas`: for x and for y; borders are mirrored without repetition."""
    x = image.astype(np.float64)
    for axis, size, sigma in ((-1, sizes[0], sigmas[0]), (-2, sizes[1], sigmas[1])):
        reach, length = size // 2, x.shape[axis]
        out = np.zeros_like(x)
        for step, weight in zip(range(-reach, reach + 1), gaussian(size, sigma), strict=True):
            places = np.abs(np.arange(length) + step)
            places = np.where(places >= length, 2 * (length - 1) - places, places)
            out += weight * np.take(x, places, axis=axis)
        x = out
    return x

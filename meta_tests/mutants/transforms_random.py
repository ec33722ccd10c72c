"""Wrong sizes and colours, wrong chances, wrong pipelines, grids and folders."""

from __future__ import annotations

import itertools
import os
import random
from typing import Any

import numpy as np
import torch

from meta_tests.mutant import Mutant, output, patched, strided
from meta_tests.mutants.transforms import (
    VG,
    D,
    F,
    G,
    K,
    T,
    V,
    fields,
    given,
    instead,
    is_tensor,
    lenient,
    on_tensors,
    result,
    set_to,
    vision,
)

# -- sizes -------------------------------------------------------------------------------------------------------------


def _sized(change: Any) -> Any:
    """Another size of the result: change(high, wide, size, max_size, the sound size)."""

    def other(sound: Any, image_size: Any, size: Any, max_size: Any = None, *rest: Any, **named: Any) -> list[int]:
        found = sound(image_size, size, max_size, *rest, **named)
        return change(*image_size, size, max_size, found) or found

    return instead(other)


def _rounded(high: int, wide: int, size: Any, most: Any, found: list[int]) -> Any:
    if len(size) == 1 and most is None:
        long = round(size[0] * max(high, wide) / min(high, wide))
        return [long, size[0]] if high > wide else [size[0], long]
    return None


def _longest_lost(high: int, wide: int, size: Any, most: Any, found: list[int]) -> Any:
    """The shorter side stays as it was asked for."""
    return [size[0] if part == min(found) else part for part in found] if most else None


def _aligned(x: torch.Tensor, *args: Any, **named: Any) -> Any:
    mode = named.get("mode")
    corners = True if mode in ("bilinear", "bicubic") and not named.get("antialias") else named.get("align_corners")
    return (x, *args), {**named, "align_corners": corners}


SIZES = [
    vision(
        "resize-256-is-square",
        "one number makes a square",
        F,
        "_compute_resized_output_size",
        _sized(lambda h, w, s, m, out: [s[0]] * 2 if len(s) == 1 else None),
    ),
    vision("resize-256-is-square", "the longer side is rounded", F, "_compute_resized_output_size", _sized(_rounded)),
    vision(
        "resize-256-is-square",
        "upright pictures: the height is set",
        F,
        "_compute_resized_output_size",
        _sized(lambda h, w, s, m, out: [s[0], s[0] * w // h] if len(s) == 1 and h > w else None),
    ),
    vision(
        "resize-exact-size",
        "width and height change places",
        F,
        "_compute_resized_output_size",
        _sized(lambda h, w, s, m, out: out[::-1] if len(s) == 2 else None),
    ),
    vision(
        "resize-exact-size",
        "of the same size: mirrored",
        F,
        "resize",
        result(
            lambda out, img, size, *a, **k: (
                out.flip(-1) if is_tensor(img) and tuple(out.shape) == tuple(img.shape) else out
            )
        ),
    ),
    vision(
        "resize-max-size", "the shorter side does not shrink", F, "_compute_resized_output_size", _sized(_longest_lost)
    ),
    vision(
        "resize-max-size",
        "max_size is ignored",
        F,
        "_compute_resized_output_size",
        given(lambda image, size, most=None, *a, **k: ((image, size, None), {})),
    ),
    vision(
        "resize-refusals",
        "a max_size too small is ignored",
        F,
        "_compute_resized_output_size",
        lenient(lambda image, size, *a: [size[0]] * 2),
    ),
    vision(
        "resize-refusals",
        "the first two of three numbers",
        F,
        "resize",
        given(lambda img, size, *a, **k: ((img, size[:2] if isinstance(size, (list, tuple)) else size, *a), k)),
    ),
    vision(
        "resize-pil",
        "bicubic where nearest is asked for",
        "transforms._functional_pil",
        "resize",
        given(lambda img, size, how=2: ((img, size, 3 if how == 0 else how), {})),
    ),
    vision(
        "resize-pil",
        "pictures of mode L are resized by boxes",
        "transforms._functional_pil",
        "resize",
        given(lambda img, size, how=2: ((img, size, 4 if how == 2 and img.mode == "L" else how), {})),
    ),
    vision(
        "resize-antialias",
        "antialias is ignored",
        T,
        "interpolate",
        given(lambda *a, **k: (a, {**k, "antialias": False})),
    ),
    vision(
        "resize-antialias",
        "antialias is ignored for float64",
        T,
        "interpolate",
        given(lambda x, **k: ((x,), {**k, "antialias": k["antialias"] and x.dtype != torch.float64})),
    ),
    vision(
        "resize-antialias",
        "v2 blurs",
        VG,
        "resize",
        on_tensors(lambda out: (out + out.roll(1, -1)) / 2 if out.is_floating_point() else out),
    ),
    vision(
        "resize-antialias-column",
        "antialias is ignored",
        T,
        "interpolate",
        given(lambda *a, **k: (a, {**k, "antialias": False})),
    ),
    vision("resize-plain", "corners are aligned", T, "interpolate", given(_aligned)),
    vision(
        "resize-plain",
        "always antialiased",
        T,
        "interpolate",
        given(lambda *a, **k: (a, {**k, "antialias": k["mode"] in ("bilinear", "bicubic")})),
    ),
    vision(
        "resize-plain",
        "bytes are cut instead of rounded",
        T,
        "_cast_squeeze_out",
        given(lambda img, **k: ((img.floor() if k["out_dtype"] == torch.uint8 else img,), k)),
    ),
    vision(
        "resize-nearest",
        "the nearest centre",
        T,
        "interpolate",
        given(lambda x, **k: ((x,), {**k, "mode": "nearest-exact" if k["mode"] == "nearest" else k["mode"]})),
    ),
    vision(
        "resize-nearest",
        "exact is not",
        T,
        "interpolate",
        given(lambda x, **k: ((x,), {**k, "mode": "nearest" if k["mode"] == "nearest-exact" else k["mode"]})),
    ),
    vision(
        "resize-default",
        "the default is not antialiased",
        F,
        "resize",
        instead(
            lambda sound, img, size, interpolation=None, max_size=None, antialias=False: sound(
                img,
                size,
                **({} if interpolation is None else {"interpolation": interpolation}),
                max_size=max_size,
                antialias=antialias,
            )
        ),
    ),
    output(
        "transforms.resize-plain",
        "more than 16 values drift",
        "upsample_bilinear2d",
        lambda out, *a: out * (1 + 1e-4) if out.numel() > 16 else out,
    ),
]

# -- colours -----------------------------------------------------------------------------------------------------------


def _blend_of(change: Any) -> Any:
    """Another blend: change(one, other, factor, the sound result)."""
    return instead(lambda sound, one, other, ratio: change(one, other, ratio, sound(one, other, ratio)))


def _one_mean(sound: Any, img: torch.Tensor, factor: float) -> torch.Tensor:
    """All images of a batch are blended with the mean of the first."""
    if img.ndim == 4 and img.shape[1] == 3:
        first = sound(img[:1], 0.0).to(img.dtype)
        return (factor * img + (1 - factor) * first).clamp(0, 255 if img.dtype == torch.uint8 else 1).to(img.dtype)
    return sound(img, factor)


def _squared(img: Any, gamma: float, gain: float = 1) -> Any:
    return (img, gamma, gain * gain), {}


COLOURS = [
    vision(
        "grayscale",
        "equal weights",
        T,
        "rgb_to_grayscale",
        instead(
            lambda sound, img, n=1: (
                img.float().mean(-3, keepdim=True).to(img.dtype).expand(*img.shape[:-3], n, *img.shape[-2:])
                if img.shape[-3] == 3
                else sound(img, n)
            )
        ),
    ),
    vision(
        "grayscale",
        "three channels differ",
        F,
        "to_grayscale",
        result(lambda out, img, n=1: out if n == 1 or is_tensor(out) else img),
    ),
    vision(
        "grayscale",
        "bytes are rounded",
        T,
        "rgb_to_grayscale",
        instead(
            lambda sound, img, n=1: (
                sound(img.float(), n).round().to(img.dtype) if img.dtype == torch.uint8 else sound(img, n)
            )
        ),
    ),
    vision(
        "adjust-brightness",
        "values beyond 1 are kept",
        T,
        "_blend",
        _blend_of(lambda one, other, ratio, out: ratio * one if one.is_floating_point() and ratio > 1 else out),
    ),
    vision(
        "adjust-brightness",
        "pictures darken by a square",
        "transforms._functional_pil",
        "adjust_brightness",
        given(lambda img, f: ((img, f * f), {})),
    ),
    vision("adjust-contrast", "one mean for a batch", T, "adjust_contrast", instead(_one_mean)),
    vision(
        "adjust-contrast",
        "against middle grey",
        T,
        "_blend",
        _blend_of(
            lambda one, other, ratio, out: (
                (ratio * one + (1 - ratio) * 0.5).clamp(0, 1) if one.dtype == torch.float64 else out
            )
        ),
    ),
    vision(
        "adjust-saturation", "against white", T, "rgb_to_grayscale", result(lambda out, img, n=1: torch.ones_like(out))
    ),
    vision(
        "adjust-saturation",
        "a factor above 2 is 2",
        F,
        "adjust_saturation",
        given(lambda img, f: ((img, min(f, 2.0)), {})),
    ),
    vision("adjust-hue", "the other way round", F, "adjust_hue", given(lambda img, f: ((img, -f), {}))),
    vision(
        "adjust-hue",
        "the saturation falls",
        T,
        "_rgb2hsv",
        result(lambda out, img: torch.stack([out.select(-3, 0), out.select(-3, 1) * 0.99, out.select(-3, 2)], -3)),
    ),
    vision("adjust-gamma", "the gain is squared", F, "adjust_gamma", given(_squared)),
    vision(
        "adjust-gamma",
        "pictures get the inverse",
        "transforms._functional_pil",
        "adjust_gamma",
        given(lambda img, gamma, gain=1: ((img, 1 / gamma if gamma else 0, gain), {})),
    ),
    vision(
        "adjust-refusals",
        "a negative factor is 0",
        T,
        "adjust_contrast",
        given(lambda img, f: ((img, max(f, 0.0)), {})),
    ),
    vision(
        "adjust-refusals",
        "a hue beyond a half wraps",
        F,
        "adjust_hue",
        given(lambda img, f: ((img, (f + 0.5) % 1 - 0.5), {})),
    ),
    vision(
        "invert",
        "256 - x",
        F,
        "invert",
        result(lambda out, img: out + 1 if is_tensor(out) and out.dtype == torch.uint8 else out),
    ),
    vision(
        "invert",
        "floats are negated",
        F,
        "invert",
        result(lambda out, img: out - 1 if is_tensor(out) and out.dtype == torch.float64 else out),
    ),
    vision(
        "solarize",
        "above the threshold only",
        T,
        "solarize",
        instead(lambda sound, img, at: torch.where(img > at, sound(img, at), img)),
    ),
    vision(
        "solarize",
        "the threshold of pictures is one higher",
        "transforms._functional_pil",
        "solarize",
        given(lambda img, at: ((img, at + 1), {})),
    ),
    vision(
        "posterize",
        "one bit less",
        T,
        "posterize",
        given(lambda img, bits: ((img, max(bits - 1, 1) if bits < 4 else bits), {})),
    ),
    vision(
        "posterize",
        "strided bytes are left alone",
        F,
        "posterize",
        result(lambda out, img, bits: img.clone() if strided(img) else out),
    ),
    vision(
        "autocontrast",
        "over all channels",
        T,
        "autocontrast",
        instead(lambda sound, img: sound(img.flatten(-3, -2).unsqueeze(-3)).squeeze(-3).reshape(img.shape)),
    ),
    vision(
        "autocontrast",
        "a constant channel becomes black",
        T,
        "autocontrast",
        result(
            lambda out, img: torch.where(
                img.amax((-2, -1), True) == img.amin((-2, -1), True), torch.zeros_like(out), out
            )
        ),
    ),
    vision(
        "equalize",
        "the largest value is left",
        T,
        "equalize",
        result(lambda out, img: torch.where(out == 255, torch.full_like(out, 254), out)),
    ),
    vision(
        "sharpness",
        "the border is smoothed too",
        T,
        "_blurred_degenerate_image",
        result(lambda out, img: out.clone().index_fill_(-1, torch.tensor(0), 0)),
    ),
    vision("sharpness", "equal weights", T, "adjust_sharpness", given(lambda img, f: ((img, f * 1.02), {}))),
    vision(
        "gaussian-blur",
        "x and y change places",
        T,
        "gaussian_blur",
        given(lambda img, size, sigma: ((img, size[::-1], sigma[::-1]), {})),
    ),
    vision(
        "gaussian-blur",
        "the border is repeated",
        T,
        "torch_pad",
        given(lambda x, pad, mode="constant", **k: ((x, pad, "replicate" if mode == "reflect" else mode), k)),
    ),
    vision(
        "gaussian-blur",
        "the default is narrower",
        F,
        "gaussian_blur",
        given(
            lambda img, size, sigma=None: (
                (img, size, sigma or [0.15 * n + 0.3 for n in ([size] if isinstance(size, int) else size)]),
                {},
            )
        ),
    ),
]

# -- chances -----------------------------------------------------------------------------------------------------------


def _third(self: Any) -> None:
    self.p = self.p * 2 / 3 if self.p == 0.5 else self.p


def _in_turn(sound: Any) -> Any:
    turn = itertools.count()
    return lambda *args, **named: torch.full_like(sound(*args, **named), (next(turn) % 2) * 0.5)


def _alternating(name: str) -> Any:
    """Every second call flips."""

    def wrong(sound: Any) -> Any:
        turn = itertools.count()

        def forward(self: Any, img: Any) -> Any:
            if self.p != 0.5:
                return sound(self, img)
            before, self.p = self.p, float(next(turn) % 2)
            out = sound(self, img)
            self.p = before
            return out

        return forward

    return wrong


def _place(change: Any) -> Any:
    """Another place of a crop, from get_params: change(i, j, h, w, high, wide)."""
    return lambda sound: staticmethod(lambda img, *args, **named: change(*sound(img, *args, **named), *img_size(img)))


def img_size(img: Any) -> tuple[int, int]:
    return (img.shape[-2], img.shape[-1]) if is_tensor(img) else (img.size[1], img.size[0])


def _drawn(change: Any) -> Any:
    """Other arguments for a static get_params."""
    return lambda sound: staticmethod(lambda *args: sound(*change(*args)))


def _first_if_too_small(self: Any, img: Any) -> Any:
    return img


def _central(sound: Any, img: Any, scale: Any, ratio: Any) -> Any:
    _, _, h, w = sound(img, scale, ratio)
    high, wide = img_size(img)
    return (high - h) // 2, (wide - w) // 2, h, w


def _unlogged(sound: Any) -> Any:
    """The ratio itself is uniform, not its logarithm."""

    def draw(img: Any, scale: Any, ratio: Any) -> Any:
        one = random.uniform(*map(float, ratio))
        return sound(img, scale, [one, one])

    return staticmethod(draw)


def _erase_rectangle(sound: Any) -> Any:
    def draw(img: Any, scale: Any, ratio: Any, value: Any = None) -> Any:
        _, j, h, w, v = sound(img, scale, ratio, value)
        return 0, j, h, w, v

    return staticmethod(draw)


def _by_its_own(sound: Any) -> Any:
    """Flips go by a generator that no seed reaches."""
    own = random.Random(5)

    def forward(self: Any, img: Any) -> Any:
        torch.rand(1)
        return img.flip(-1) if is_tensor(img) and own.random() < self.p else img

    return forward


def _uniform_noise(sound: Any) -> Any:
    def draw(img: Any, scale: Any, ratio: Any, value: Any = None) -> Any:
        i, j, h, w, v = sound(img, scale, ratio, value)
        return i, j, h, w, (torch.rand_like(v) - 0.5) * 12**0.5 if value is None else v

    return staticmethod(draw)


def _sorted_order(sound: Any) -> Any:
    def draw(*args: Any) -> Any:
        out = sound(*args)
        return (torch.arange(4), *out[1:])

    return staticmethod(draw)


def _last_repeats(sound: Any, self: Any, img: Any) -> Any:
    """One of the transforms may come twice, another not at all."""
    for _ in self.transforms:
        img = random.choice(self.transforms)(img)
    return img


CHANCES = [
    vision("random-flip-half", "a chance of 1/3 by default", f"{K}:RandomHorizontalFlip", "__init__", fields(_third)),
    vision("random-flip-half", "every second call flips", f"{K}:RandomHorizontalFlip", "forward", _alternating("p")),
    vision(
        "random-flip-half",
        "p is the chance of no flip",
        f"{K}:RandomHorizontalFlip",
        "__init__",
        fields(lambda self: set_to(self, p=1 - self.p)),
    ),
    vision(
        "random-flip-half",
        "pictures are always flipped",
        f"{K}:RandomHorizontalFlip",
        "forward",
        instead(lambda sound, self, img: sound(self, img) if is_tensor(img) else img.transpose(0)),
    ),
    vision("random-flip-half", "v2 flips too seldom", f"{V}:RandomHorizontalFlip", "__init__", fields(_third)),
    vision(
        "random-vertical-flip",
        "left-right",
        f"{K}:F",
        "vflip",
        instead(lambda sound, img: img.flip(-1) if is_tensor(img) else img.transpose(0)),
    ),
    vision("random-vertical-flip", "a chance of 1/3 by default", f"{K}:RandomVerticalFlip", "__init__", fields(_third)),
    vision(
        "random-certain",
        "a chance of 1 is 0.97",
        f"{K}:RandomSolarize",
        "__init__",
        fields(lambda self: set_to(self, p=min(self.p, 0.7))),
    ),
    vision(
        "random-certain",
        "a chance of 0 is a small one",
        f"{K}:RandomGrayscale",
        "__init__",
        fields(lambda self: set_to(self, p=max(self.p, 0.5))),
    ),
    vision(
        "random-probability",
        "Grayscale half of the time",
        f"{K}:RandomGrayscale",
        "__init__",
        fields(lambda self: set_to(self, p=0.5 if self.p == 0.1 else self.p)),
    ),
    vision(
        "random-probability",
        "RandomInvert: p is the chance of nothing",
        f"{K}:RandomInvert",
        "__init__",
        fields(lambda self: set_to(self, p=1 - self.p)),
    ),
    vision(
        "random-probability",
        "RandomEqualize never",
        f"{K}:RandomEqualize",
        "__init__",
        fields(lambda self: set_to(self, p=0.0)),
    ),
    vision(
        "random-crop",
        "never the last row",
        f"{K}:RandomCrop",
        "get_params",
        _place(lambda i, j, h, w, high, wide: (min(i, max(high - h - 1, 0)), j, h, w)),
    ),
    vision(
        "random-crop",
        "row and column are drawn alike",
        f"{K}:RandomCrop",
        "get_params",
        _place(lambda i, j, h, w, high, wide: (i, min(i, wide - w), h, w)),
    ),
    vision(
        "random-crop",
        "the first place too often",
        f"{K}:RandomCrop",
        "get_params",
        _place(lambda i, j, h, w, high, wide: (i, 0 if i == 0 else j, h, w)),
    ),
    vision(
        "random-crop",
        "v2 crops at the top",
        f"{VG}",
        "crop",
        given(lambda img, top, left, h, w: ((img, 0, left, h, w), {})),
    ),
    vision(
        "random-crop-padding",
        "padded after the crop",
        f"{K}:RandomCrop",
        "forward",
        instead(lambda sound, self, img: _padded_late(sound, self, img)),
    ),
    vision(
        "random-crop-padding",
        "padding is always constant",
        f"{K}:RandomCrop",
        "__init__",
        fields(lambda self: set_to(self, padding_mode="constant")),
    ),
    vision(
        "random-crop-padding",
        "fill is forgotten",
        f"{K}:RandomCrop",
        "__init__",
        fields(lambda self: set_to(self, fill=0)),
    ),
    vision(
        "random-crop-refusals",
        "what is too small is taken whole",
        f"{K}:RandomCrop",
        "forward",
        lenient(_first_if_too_small),
    ),
    vision("random-resized-crop", "the region is not cropped", F, "crop", instead(lambda sound, img, *box: img)),
    vision(
        "random-resized-crop",
        "width before height",
        f"{K}:RandomResizedCrop",
        "__init__",
        fields(lambda self: set_to(self, size=tuple(self.size)[::-1])),
    ),
    vision(
        "random-resized-crop-region",
        "scale is of the side",
        f"{K}:RandomResizedCrop",
        "get_params",
        _drawn(lambda img, scale, ratio: (img, [s * s for s in scale], ratio)),
    ),
    vision("random-resized-crop-region", "the ratio is uniform", f"{K}:RandomResizedCrop", "get_params", _unlogged),
    vision(
        "random-resized-crop-region",
        "height and width change places",
        f"{K}:RandomResizedCrop",
        "get_params",
        _drawn(lambda img, scale, ratio: (img, scale, [1 / ratio[1], 1 / ratio[0]])),
    ),
    vision(
        "random-resized-crop-region",
        "v2 starts at a half",
        f"{V}:RandomResizedCrop",
        "__init__",
        fields(lambda self: set_to(self, scale=(0.5, 1.0) if self.scale[0] == 0.08 else self.scale)),
    ),
    vision(
        "random-resized-crop-place",
        "always in the centre",
        f"{K}:RandomResizedCrop",
        "get_params",
        lambda sound: staticmethod(lambda img, scale, ratio: _central(sound, img, scale, ratio)),
    ),
    vision(
        "random-resized-crop-place",
        "always at the left",
        f"{K}:RandomResizedCrop",
        "get_params",
        _place(lambda i, j, h, w, high, wide: (i, 0, h, w)),
    ),
    vision(
        "random-resized-crop-fallback",
        "at the top left",
        f"{K}:RandomResizedCrop",
        "get_params",
        _place(
            lambda i, j, h, w, high, wide: (
                (0, 0, h, w) if 5 * h in (high, 5 * high) or 5 * w in (wide, 5 * wide) else (i, j, h, w)
            )
        ),
    ),
    vision(
        "random-rotation",
        "only one way",
        f"{K}:RandomRotation",
        "get_params",
        lambda sound: staticmethod(lambda degrees: abs(sound(degrees))),
    ),
    vision(
        "random-rotation",
        "a number is the greatest angle only",
        f"{K}:RandomRotation",
        "__init__",
        fields(
            lambda self: set_to(
                self, degrees=[0.0, self.degrees[1]] if self.degrees[0] == -self.degrees[1] else self.degrees
            )
        ),
    ),
    vision(
        "random-erasing",
        "the first of several values",
        f"{K}:RandomErasing",
        "__init__",
        fields(lambda self: set_to(self, value=self.value[0] if isinstance(self.value, (list, tuple)) else self.value)),
    ),
    vision(
        "random-erasing",
        "a chance of 0.3 by default",
        f"{K}:RandomErasing",
        "__init__",
        fields(lambda self: set_to(self, p=0.25 if self.p == 0.5 else self.p)),
    ),
    vision("random-erasing", "random numbers are uniform", f"{K}:RandomErasing", "get_params", _uniform_noise),
    vision("random-erasing-place", "always in the first row", f"{K}:RandomErasing", "get_params", _erase_rectangle),
    vision(
        "random-erasing-place",
        "the ratio is width to height",
        f"{K}:RandomErasing",
        "get_params",
        _drawn(lambda img, scale, ratio, value=None: (img, scale, [1 / ratio[1], 1 / ratio[0]], value)),
    ),
    vision(
        "random-erasing-inplace",
        "it always writes",
        F,
        "erase",
        given(lambda img, i, j, h, w, v, inplace=False: ((img, i, j, h, w, v, True), {})),
    ),
    vision(
        "random-erasing-inplace",
        "it never writes",
        f"{K}:RandomErasing",
        "__init__",
        fields(lambda self: set_to(self, inplace=False)),
    ),
    vision(
        "color-jitter-ends",
        "saturation is contrast",
        f"{K}:F",
        "adjust_saturation",
        instead(lambda sound, img, f: _adjusted("adjust_contrast", img, f)),
    ),
    vision(
        "color-jitter-ends",
        "a brightness of 0 is left out",
        f"{K}:ColorJitter",
        "__init__",
        fields(lambda self: set_to(self, brightness=None if self.brightness == (0.0, 0.0) else self.brightness)),
    ),
    vision(
        "color-jitter-range",
        "a number is the greatest factor",
        f"{K}:ColorJitter",
        "__init__",
        fields(lambda self: set_to(self, contrast=(1.0, self.contrast[1]) if self.contrast else None)),
    ),
    vision(
        "color-jitter-range",
        "only towards more hue",
        f"{K}:ColorJitter",
        "__init__",
        fields(lambda self: set_to(self, hue=(0.0, self.hue[1]) if self.hue and self.hue[0] < 0 else self.hue)),
    ),
    vision("color-jitter-order", "always the same order", f"{K}:ColorJitter", "get_params", _sorted_order),
    vision(
        "color-jitter-refusals",
        "all amounts are cut to their range",
        f"{K}:ColorJitter",
        "_check_input",
        lenient(lambda self, *a, **k: None),
    ),
    vision(
        "random-apply",
        "each of them by itself",
        f"{K}:RandomApply",
        "forward",
        instead(lambda sound, self, img: _each(self, img)),
    ),
    vision(
        "random-apply",
        "p is the chance of nothing",
        f"{K}:RandomApply",
        "__init__",
        fields(lambda self: set_to(self, p=1 - self.p)),
    ),
    vision("random-choice", "p is ignored", f"{K}:RandomChoice", "__init__", fields(lambda self: set_to(self, p=None))),
    vision(
        "random-choice",
        "never the last",
        f"{K}:RandomChoice",
        "__call__",
        instead(
            lambda sound, self, img: random.choice(self.transforms[:-1])(img) if self.p is None else sound(self, img)
        ),
    ),
    vision("random-order", "with repetition", f"{K}:RandomOrder", "__call__", instead(_last_repeats)),
    vision(
        "random-order",
        "only turned around",
        f"{K}:RandomOrder",
        "__call__",
        instead(lambda sound, self, img: _turned(self, img)),
    ),
    vision("seed", "a generator of its own", f"{K}:RandomHorizontalFlip", "forward", _by_its_own),
    patched(
        "transforms.seed",
        "manual_seed is ignored",
        torch,
        "manual_seed",
        lambda sound: lambda seed: torch.default_generator,
    ),
]


def _adjusted(name: str, img: Any, factor: float) -> Any:
    import importlib

    return getattr(importlib.import_module("torchvision.transforms.functional"), name)(img, factor)


def _padded_late(sound: Any, self: Any, img: Any) -> Any:
    import importlib

    functional = importlib.import_module("torchvision.transforms.functional")
    padding, self.padding = self.padding, None
    try:
        out = sound(self, img)
    finally:
        self.padding = padding
    return out if padding is None else functional.center_crop(functional.pad(out, 1), list(self.size))


def _each(self: Any, img: Any) -> Any:
    for transform in self.transforms:
        img = transform(img) if torch.rand(1) < self.p else img
    return img


def _turned(self: Any, img: Any) -> Any:
    start = random.randrange(len(self.transforms))
    for transform in self.transforms[start:] + self.transforms[:start]:
        img = transform(img)
    return img


# -- pipelines, grids, folders -----------------------------------------------------------------------------------------


def _first_step_last(sound: Any, self: Any, img: Any) -> Any:
    """Of more than three transforms the first two change places."""
    if len(self.transforms) > 3:
        first, second, *rest = self.transforms
        for transform in (second, first, *rest):
            img = transform(img)
        return img
    return sound(self, img)


def _by_column(tensor: Any, nrow: int = 8, *args: Any, **named: Any) -> Any:
    count = len(tensor)
    if isinstance(tensor, list) or tensor.ndim < 4 or count <= nrow or count % nrow:
        return (tensor, nrow, *args), named
    order = torch.arange(count).view(nrow, count // nrow).t().flatten()
    return (tensor[order], nrow, *args), named


def _per_image(tensor: Any, *args: Any, **named: Any) -> Any:
    return (tensor, *args), {**named, "scale_each": named.get("scale_each") or named.get("normalize")}


def _stretches_input(sound: Any, tensor: Any, *args: Any, **named: Any) -> Any:
    out = sound(tensor, *args, **named)
    if named.get("normalize") and is_tensor(tensor) and tensor.dtype == torch.float64:
        tensor.sub_(tensor.min())
    return out


def _by_number(names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: (len(name), name))


def _other_classes(change: Any) -> Any:
    def wrong(sound: Any) -> Any:
        def find(directory: Any) -> Any:
            classes = change(sound(directory)[0])
            return classes, {name: number for number, name in enumerate(classes)}

        return find

    return wrong


def _samples(change: Any) -> Any:
    return result(lambda out, *args, **named: change(out))


def _ones_more(sound: Any, directory: Any, class_to_idx: Any = None, *args: Any, **named: Any) -> Any:
    """Numbers of classes count only those that have pictures."""
    out = sound(directory, class_to_idx, *args, **named)
    place = {number: n for n, number in enumerate(sorted({number for _, number in out}))}
    return [(path, place[number]) for path, number in out] if named.get("allow_empty") else out


def _shallow(samples: Any) -> Any:
    return [(path, number) for path, number in samples if "deep" not in path]


PIPELINES = [
    vision(
        "compose-in-order",
        "in reverse",
        f"{K}:Compose",
        "__call__",
        instead(lambda sound, self, img: _run(reversed(self.transforms), img)),
    ),
    vision(
        "compose-in-order",
        "the last of four is left out",
        f"{K}:Compose",
        "__call__",
        instead(lambda sound, self, img: _run(self.transforms[:3], img)),
    ),
    vision(
        "compose-in-order", "the first two of many change places", f"{K}:Compose", "__call__", instead(_first_step_last)
    ),
    vision(
        "lambda",
        "applied twice",
        f"{K}:Lambda",
        "__call__",
        instead(lambda sound, self, img: sound(self, sound(self, img))),
    ),
    vision("lambda", "anything is taken", f"{K}:Lambda", "__init__", lenient(lambda self, lambd: None)),
    vision(
        "topil-flip-totensor",
        "rounded to the nearest",
        F,
        "to_pil_image",
        given(lambda pic, mode=None: ((pic.add(0.5 / 255).clamp(max=1) if is_tensor(pic) else pic, mode), {})),
    ),
    vision(
        "topil-flip-totensor",
        "always mirrored",
        f"{K}:RandomHorizontalFlip",
        "__init__",
        fields(lambda self: set_to(self, p=1.0)),
    ),
    vision(
        "train-pipeline",
        "always mirrored",
        f"{K}:RandomHorizontalFlip",
        "__init__",
        fields(lambda self: set_to(self, p=1.0)),
    ),
    vision("train-pipeline", "not normalised", f"{K}:Normalize", "forward", instead(lambda sound, self, x: x)),
    vision(
        "train-pipeline",
        "the whole picture each time",
        f"{K}:RandomResizedCrop",
        "get_params",
        lambda sound: staticmethod(lambda img, *a: (0, 0, *img_size(img))),
    ),
    vision(
        "val-pipeline",
        "Resize makes a square",
        f"{K}:Resize",
        "__init__",
        fields(lambda self: set_to(self, size=[256, 256])),
    ),
    vision(
        "val-pipeline",
        "the centre is one pixel further",
        f"{K}:CenterCrop",
        "forward",
        result(lambda out, self, img: _shifted_centre(out, img)),
    ),
    vision(
        "val-pipeline",
        "cropped anywhere",
        f"{K}:CenterCrop",
        "forward",
        instead(lambda sound, self, img: _anywhere(self, img)),
    ),
    patched(
        "transforms.imshow-channel-order",
        "numpy() of a strided tensor transposes",
        torch.Tensor,
        "numpy",
        instead(lambda sound, self, **k: sound(self.transpose(1, 2), **k) if strided(self) else sound(self, **k)),
    ),
    output(
        "transforms.imshow-channel-order",
        "permute goes the other way",
        "permute",
        lambda out, x, dims: x.transpose(0, 2) if list(dims) == [1, 2, 0] else out,
    ),
    vision(
        "imshow-inverts-normalize",
        "divided by the variance",
        T,
        "normalize",
        instead(lambda sound, x, mean, std, inplace=False: sound(x, mean, [s * s for s in std], inplace)),
    ),
    output(
        "transforms.imshow-clip",
        "the maximum is left out",
        "clamp",
        lambda out, x, *a, **k: torch.maximum(x, torch.zeros_like(x)) if x.is_floating_point() else out,
    ),
    vision(
        "imshow-clip",
        "the border is 1",
        G,
        "make_grid",
        given(lambda tensor, *a, **k: ((tensor, *a), {**k, "pad_value": 1.0})),
    ),
]

GRIDS = [
    vision("make-grid", "in column order", G, "make_grid", given(_by_column)),
    vision(
        "make-grid", "seven in a row", G, "make_grid", given(lambda tensor, nrow=7, *a, **k: ((tensor, nrow, *a), k))
    ),
    vision(
        "make-grid",
        "one pixel of padding",
        G,
        "make_grid",
        given(lambda tensor, nrow=8, padding=1, *a, **k: ((tensor, nrow, padding, *a), k)),
    ),
    vision(
        "make-grid",
        "a list is laid out backwards",
        G,
        "make_grid",
        given(lambda tensor, *a, **k: ((tensor[::-1] if isinstance(tensor, list) else tensor, *a), k)),
    ),
    vision(
        "make-grid-options",
        "pad_value is ignored",
        G,
        "make_grid",
        given(lambda tensor, *a, **k: ((tensor, *a), {**k, "pad_value": max(k.get("pad_value", 0), 0)})),
    ),
    vision(
        "make-grid-options",
        "rows of one are columns",
        G,
        "make_grid",
        given(lambda tensor, nrow=8, *a, **k: ((tensor, nrow if nrow > 1 else 2, *a), k)),
    ),
    vision(
        "make-grid-single",
        "a batch of one is padded",
        G,
        "make_grid",
        result(
            lambda out, tensor, *a, **k: (
                torch.nn.functional.pad(out, (2, 2, 2, 2))
                if is_tensor(tensor) and tensor.ndim == 4 and len(tensor) == 1
                else out
            )
        ),
    ),
    vision(
        "make-grid-single",
        "one channel stays one",
        G,
        "make_grid",
        result(lambda out, tensor, *a, **k: out[:1] if is_tensor(tensor) and tensor.shape[-3:-2] == (1,) else out),
    ),
    vision("make-grid-normalize", "each image by itself", G, "make_grid", given(_per_image)),
    vision("make-grid-normalize", "the batch is changed", G, "make_grid", instead(_stretches_input)),
    vision(
        "make-grid-normalize",
        "value_range is ignored",
        G,
        "make_grid",
        given(lambda tensor, *a, **k: ((tensor, *a), {**k, "value_range": None})),
    ),
    vision(
        "make-grid-refusals", "an array is taken", G, "make_grid", lenient(lambda tensor, **k: torch.zeros(3, 2, 2))
    ),
    vision("save-image", "cut instead of rounded", G, "make_grid", result(lambda out, *a, **k: out - 0.5 / 255)),
    vision(
        "save-image",
        "nrow is ignored",
        G,
        "save_image",
        given(
            lambda tensor, fp, format=None, **k: (
                (tensor, fp, format),
                {key: value for key, value in k.items() if key != "nrow"},
            )
        ),
    ),
    vision(
        "save-image",
        "always PNG",
        G,
        "save_image",
        given(lambda tensor, fp, format=None, **k: ((tensor, fp, "png"), k)),
    ),
]

FOLDERS = [
    vision("image-folder-classes", "in the order of length", D, "find_classes", _other_classes(_by_number)),
    vision(
        "image-folder-classes",
        "large and small letters are alike",
        D,
        "find_classes",
        _other_classes(lambda names: sorted(names, key=str.lower)),
    ),
    vision(
        "image-folder-classes",
        "files are classes too",
        D,
        "find_classes",
        instead(lambda sound, directory: _all_entries(sound, directory)),
    ),
    vision("image-folder-samples", "nested folders are left out", D, "make_dataset", _samples(_shallow)),
    vision(
        "image-folder-samples",
        "by name, not by folder",
        D,
        "make_dataset",
        _samples(lambda out: sorted(out, key=lambda one: (one[1], os.path.basename(one[0])))),
    ),
    vision(
        "image-folder-samples",
        "targets are shifted",
        f"{D}:DatasetFolder",
        "__init__",
        fields(lambda self: set_to(self, targets=self.targets[1:] + self.targets[:1])),
    ),
    vision(
        "image-folder-extensions",
        "large letters do not count",
        D,
        "has_file_allowed_extension",
        instead(lambda sound, name, extensions: name.endswith(extensions)),
    ),
    vision(
        "image-folder-extensions",
        "webp is forgotten",
        D,
        "has_file_allowed_extension",
        result(lambda out, name, extensions: out and not name.lower().endswith("webp")),
    ),
    vision(
        "image-folder-extensions",
        "dots do not count",
        D,
        "has_file_allowed_extension",
        result(lambda out, name, extensions: out or name.endswith("jpg")),
    ),
    vision(
        "image-folder-loader",
        "grey pictures stay grey",
        f"{D}:DatasetFolder",
        "__getitem__",
        result(lambda out, self, index: (_once_grey(out[0]), out[1])),
    ),
    vision(
        "image-folder-loader",
        "an item is a list",
        f"{D}:DatasetFolder",
        "__getitem__",
        result(lambda out, self, index: list(out)),
    ),
    vision(
        "image-folder-transforms",
        "target_transform is forgotten",
        f"{D}:DatasetFolder",
        "__init__",
        fields(lambda self: set_to(self, target_transform=None)),
    ),
    vision(
        "image-folder-transforms",
        "transformed twice after the first",
        f"{D}:DatasetFolder",
        "__getitem__",
        instead(
            lambda sound, self, index: sound(self, index) if index == 0 else (sound(self, index), sound(self, index))[1]
        ),
    ),
    vision(
        "image-folder-transforms",
        "target_transform in place of transform's number",
        f"{D}:DatasetFolder",
        "__getitem__",
        result(lambda out, self, index: (out[0], self.targets[index])),
    ),
    vision(
        "image-folder-valid-file",
        "is_valid_file gets the name only",
        D,
        "make_dataset",
        given(
            lambda directory, classes=None, extensions=None, is_valid_file=None, **k: (
                (
                    directory,
                    classes,
                    extensions,
                    is_valid_file and (lambda path: is_valid_file(os.path.basename(path))),
                ),
                k,
            )
        ),
    ),
    vision(
        "image-folder-valid-file",
        "small letters only",
        D,
        "make_dataset",
        given(
            lambda directory, classes=None, extensions=None, is_valid_file=None, **k: (
                (
                    directory,
                    classes,
                    extensions,
                    is_valid_file and (lambda path: is_valid_file(path) and not path.endswith("TXT")),
                ),
                k,
            )
        ),
    ),
    vision(
        "image-folder-empty-class",
        "it stays",
        D,
        "make_dataset",
        instead(lambda sound, *a, **k: sound(*a, **{**k, "allow_empty": True})),
    ),
    vision("image-folder-allow-empty", "it loses its number", D, "make_dataset", instead(_ones_more)),
    vision(
        "image-folder-allow-empty",
        "it is refused",
        D,
        "make_dataset",
        given(lambda *a, **k: (a, {**k, "allow_empty": False})),
    ),
    vision(
        "dataset-folder",
        "the loader gets the name only",
        f"{D}:DatasetFolder",
        "__init__",
        fields(lambda self: set_to(self, samples=[(os.path.basename(path).lower(), n) for path, n in self.samples])),
    ),
    vision(
        "dataset-folder",
        "a function beats the endings",
        D,
        "make_dataset",
        given(
            lambda directory, classes=None, extensions=None, is_valid_file=None, **k: (
                (directory, classes, None if is_valid_file else extensions, is_valid_file),
                k,
            )
        ),
    ),
]


def _run(steps: Any, img: Any) -> Any:
    for step in steps:
        img = step(img)
    return img


def _once_grey(image: Any) -> Any:
    values = np.asarray(image)
    same = values.ndim == 3 and (values[..., 0] == values[..., 1]).all() and (values[..., 0] == values[..., 2]).all()
    return image.convert("L") if same else image


def _all_entries(sound: Any, directory: Any) -> Any:
    classes = sorted({*sound(directory)[0], *(name for name in os.listdir(directory) if name.endswith(".png"))})
    return classes, {name: number for number, name in enumerate(classes)}


def _shifted_centre(out: Any, img: Any) -> Any:
    return out if is_tensor(out) else out.transform(out.size, 0, (1, 0, 1, 0, 1, 0))


def _anywhere(self: Any, img: Any) -> Any:
    import importlib

    return importlib.import_module("torchvision.transforms").RandomCrop(self.size)(img)


PARAMETERS = [
    vision("dimensions", "width before height", F, "get_dimensions", result(lambda out, img: [out[0], out[2], out[1]])),
    vision("dimensions", "height before width", F, "get_image_size", result(lambda out, img: out[::-1])),
    vision(
        "random-affine",
        "a scale is the greatest only",
        f"{K}:RandomAffine",
        "get_params",
        _drawn(lambda angle, shift, scale, shear, size: (angle, shift, scale and [1.0, scale[1]], shear, size)),
    ),
    vision(
        "random-affine",
        "shifts go by the height only",
        f"{K}:RandomAffine",
        "get_params",
        _drawn(lambda angle, shift, scale, shear, size: (angle, shift, scale, shear, [size[1]] * 2)),
    ),
    vision(
        "random-affine",
        "sheared in y as in x",
        f"{K}:RandomAffine",
        "get_params",
        lambda sound: staticmethod(lambda *args: (*(out := sound(*args))[:3], (out[3][0], out[3][0]))),
    ),
    vision(
        "perspective", "from end to start", F, "_get_perspective_coeffs", given(lambda start, end: ((end, start), {}))
    ),
    vision("perspective", "a pixel off for tensors", T, "perspective", on_tensors(lambda out: out.roll(1, -1))),
    vision(
        "linear-transformation",
        "the matrix is transposed",
        f"{K}:LinearTransformation",
        "__init__",
        fields(lambda self: set_to(self, transformation_matrix=self.transformation_matrix.T)),
    ),
    vision(
        "linear-transformation",
        "the mean is added",
        f"{K}:LinearTransformation",
        "__init__",
        fields(lambda self: set_to(self, mean_vector=-self.mean_vector)),
    ),
    vision(
        "v2-together",
        "masks are not flipped",
        f"{V}:RandomHorizontalFlip",
        "transform",
        instead(lambda sound, self, img, params: img if type(img).__name__ == "Mask" else sound(self, img, params)),
    ),
    vision(
        "v2-together",
        "each draws for itself",
        f"{V}:RandomCrop",
        "forward",
        instead(
            lambda sound, self, *inputs: {
                key: sound(self, value) if is_tensor(value) else value for key, value in inputs[0].items()
            }
        ),
    ),
]


MUTANTS: list[Mutant] = [*PARAMETERS, *SIZES, *COLOURS, *CHANCES, *PIPELINES, *GRIDS, *FOLDERS]

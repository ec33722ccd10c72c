"""Transforms, grids and folders that are wrong in one corner only: one kind of input, one default, one draw."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

from meta_tests.mutant import Mutant
from meta_tests.mutants.transforms import D, F, G, K, V, given, instead, is_tensor, lenient, vision

V2_GEOMETRY = f"{V}:Resize"


def _arrays_rounded(pic: Any, mode: Any = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    floats = isinstance(pic, np.ndarray) and pic.dtype.kind == "f" and mode != "F"
    return (np.minimum(pic + 0.5 / 255, 1).astype(pic.dtype) if floats else pic, mode), {}


def _upper_half(img: Any, scale: Any, ratio: Any, value: Any = None) -> Any:
    return (img, ((scale[0] + scale[1]) / 2, scale[1]), ratio, value), {}


def _five_kept(sound: Any, self: Any, index: int) -> Any:
    """Pictures are kept under the last digit of their number to the base 5."""
    return sound(self, index % 5)


def _stretched_by_range(tensor: Any, *args: Any, **named: Any) -> Any:
    return (tensor, *args), {**named, "normalize": named.get("normalize") or "value_range" in named}


def _by_the_system(sound: Any, self: Any, img: Any) -> Any:
    """Choices go by a generator that no seed reaches."""
    state = random.getstate()
    random.seed(random.SystemRandom().random())
    try:
        return sound(self, img)
    finally:
        random.setstate(state)


def _first_colour(img: Any, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Any:
    return (img, i, j, h, w, v[:1] if is_tensor(v) and v.dim() == 3 else v, inplace), {}


def _one_beyond(sound: Any) -> Any:
    def draw(img: Any, output_size: Any) -> Any:
        top, left, high, wide = sound(img, output_size)
        return top + int(torch.randint(2, ())), left, high, wide

    return draw


def _rough(self: Any, size: Any, interpolation: Any = None, max_size: Any = None, antialias: bool = False) -> Any:
    named = {} if interpolation is None else {"interpolation": interpolation}
    return (self, size), {**named, "max_size": max_size, "antialias": antialias}


MUTANTS: list[Mutant] = [
    vision("to-pil-image-floats", "arrays are rounded to the nearest", F, "to_pil_image", given(_arrays_rounded)),
    vision("random-erasing-place", "never less than half", f"{K}:RandomErasing", "get_params", given(_upper_half)),
    vision(
        "image-folder-classes",
        "a root without folders is one class",
        D,
        "find_classes",
        lenient(lambda directory: (["."], {".": 0})),
    ),
    vision(
        "image-folder-transforms",
        "the sixth picture is the first",
        f"{D}:DatasetFolder",
        "__getitem__",
        instead(_five_kept),
    ),
    vision("make-grid-normalize", "a range alone normalises", G, "make_grid", given(_stretched_by_range)),
    vision("seed", "the choice goes by the system", f"{K}:RandomChoice", "__call__", instead(_by_the_system)),
    vision("seed", "the order goes by the system", f"{K}:RandomOrder", "__call__", instead(_by_the_system)),
    vision("erase", "a patch has one colour", F, "erase", given(_first_colour)),
    vision("random-crop", "one row beyond the border", f"{K}:RandomCrop", "get_params", _one_beyond),
    vision("resize-default", "the v2 class leaves antialias off", V2_GEOMETRY, "__init__", given(_rough)),
]

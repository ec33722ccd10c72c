"""Constructors of transforms that take anything, transforms that keep a state, and wrong results of large arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from meta_tests.mutants.transforms import F, G, K, V, given, instead, is_tensor, result, vision
from meta_tests.mutants.transforms_warp import HOMES


def _takes_anything(sound: Any) -> Any:
    def init(self: Any, *args: Any, **named: Any) -> None:
        try:
            sound(self, *args, **named)
        except (TypeError, ValueError):
            nn.Module.__init__(self) if isinstance(self, nn.Module) else None

    return init


def _with_state(sound: Any) -> Any:
    def init(self: Any, *args: Any, **named: Any) -> None:
        sound(self, *args, **named)
        self.register_buffer("seen", torch.zeros(1))

    return init


def when(where: Callable[..., bool], change: Callable[[Any], Any]) -> Any:
    """A function whose result is changed for some arguments."""
    return result(lambda out, *args, **named: change(out) if where(*args, **named) else out)


def _painted(sound: Any, img: Any, *args: Any) -> Any:
    """A crop of a whole picture is the picture itself."""
    whole = not is_tensor(img) and args == (0, 0, img.size[1], img.size[0])
    return img if whole else sound(img, *args)


def _emptied(sound: Any, pic: Any, mode: Any = None) -> Any:
    out = sound(pic, mode)
    if is_tensor(pic) and pic.numel() > 5000:
        pic.zero_()
    return out


def _scaled_list(sound: Any, img: Any, mean: Any, std: Any, inplace: bool = False) -> Any:
    out = sound(img, mean, std, inplace)
    if isinstance(mean, list):
        mean[0] = 0.0
    return out


MUTANTS = [
    *(
        vision("constructor-refusals", f"{said} {kind} takes anything", f"{owner}:{kind}", "__init__", _takes_anything)
        for said, owner in (("the classic", K), ("v2's", V))
        for kind in (
            "CenterCrop",
            "FiveCrop",
            "RandomCrop",
            "RandomResizedCrop",
            "Resize",
            "Pad",
            "GaussianBlur",
            "RandomErasing",
            "RandomRotation",
            "ElasticTransform",
            "RandomChoice",
        )
    ),
    *(
        vision("modules", f"{said} CenterCrop has a state", f"{owner}:CenterCrop", "__init__", _with_state)
        for said, _, owner in HOMES
    ),
    vision(
        "adjust-brightness",
        "factors are 4 at most",
        F,
        "adjust_brightness",
        given(lambda img, factor: ((img, min(factor, 4.0)), {})),
    ),
    vision(
        "sharpness", "factors are 2 at most", F, "adjust_sharpness", given(lambda img, by: ((img, min(by, 2.0)), {}))
    ),
    vision(
        "gaussian-blur",
        "kernels wider than 7 shift",
        F,
        "gaussian_blur",
        when(lambda img, sizes, *rest: is_tensor(img) and max(sizes) > 7, lambda out: out.roll(1, -1)),
    ),
    vision(
        "flip",
        "five dimensions are flipped in the first too",
        F,
        "hflip",
        when(lambda img: is_tensor(img) and img.dim() == 5, lambda out: out.flip(0)),
    ),
    vision("to-pil-image-floats", "a large tensor is emptied", F, "to_pil_image", instead(_emptied)),
    vision("normalize-formula", "the list of means is written to", F, "normalize", instead(_scaled_list)),
    vision(
        "make-grid",
        "64 images at most are shown",
        G,
        "make_grid",
        given(lambda img, *args, **named: ((img[:64] if is_tensor(img) and img.dim() == 4 else img, *args), named)),
    ),
    vision("crop", "of a whole picture it is the picture", F, "crop", instead(_painted)),
]

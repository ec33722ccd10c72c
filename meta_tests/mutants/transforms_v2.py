"""Wrong transforms of v2: boxes and masks that stay behind, and transforms that the classic set has not."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import torch

from conformance.vision import torchvision
from meta_tests.mutant import Mutant
from meta_tests.mutants.transforms import V, fields, given, instead, set_to, vision


@contextlib.contextmanager
def _kernels(function: str, kind: str, wrong: Callable[..., Any]) -> Iterator[None]:
    """The kernels of a v2 function for one type of input replaced: `wrong(sound, x, *args, **named)`."""
    torchvision()
    home = importlib.import_module("torchvision.transforms.v2.functional")
    # Where v2 looks its kernels up: a replaced function would be found in no table.
    table = importlib.import_module(f"{home.__name__}._utils")._KERNEL_REGISTRY[getattr(home, function)]
    kept = dict(table)
    for key, sound in kept.items():
        if kind in key.__name__:
            table[key] = lambda x, *args, _sound=sound, **named: wrong(_sound, x, *args, **named)
    try:
        yield
    finally:
        table.clear()
        table.update(kept)


def kernel_of(claim: str, name: str, function: str, kind: str, wrong: Callable[..., Any]) -> Mutant:
    return Mutant(f"transforms.{claim}", name, lambda: _kernels(function, kind, wrong))


def _still(sound: Any, x: Any, *args: Any, **named: Any) -> Any:
    return x


def _corner(sound: Any, x: Any, top: int, left: int, height: int, width: int) -> Any:
    return sound(x, 0, 0, height, width)


def _nearest_to_one(sound: Any, x: Any, padding: Any, fill: Any = None, **named: Any) -> Any:
    return sound(x, padding, fill=1, **named)


MOVED = ("resize", "rotate", "affine", "resized_crop", "horizontal_flip", "vertical_flip", "center_crop")
BOXES = [
    *(kernel_of("v2-moves-boxes", f"{name} leaves boxes where they were", name, "Bounding", _still) for name in MOVED),
    *(kernel_of("v2-moves-boxes", f"{name} leaves masks where they were", name, "Mask", _still) for name in MOVED[4:6]),
    kernel_of("v2-moves-boxes", "crop moves no box", "crop", "Bounding", _corner),
    kernel_of("v2-moves-boxes", "crop of a mask takes the corner", "crop", "Mask", _corner),
    kernel_of("v2-moves-boxes", "pad fills masks with 1", "pad", "Mask", _nearest_to_one),
]


def _fixed(claim: str, name: str, kind: str, **changes: Callable[[Any], Any]) -> Mutant:
    """A transform that holds other values than it was given."""
    change = fields(lambda self: set_to(self, **{key: value(getattr(self, key)) for key, value in changes.items()}))
    return vision(claim, name, f"{V}:{kind}", "__init__", change)


def _unchanged(claim: str, kind: str) -> Mutant:
    wrong = instead(lambda sound, self, *inputs: inputs[0] if len(inputs) == 1 else inputs)
    return vision(claim, f"{kind} does nothing", f"{V}:{kind}", "forward", wrong)


def _drop(*names: str) -> Any:
    """A constructor that ignores some of its arguments by name."""
    return given(lambda *args, **named: (args, {key: value for key, value in named.items() if key not in names}))


BINS = "num_magnitude_bins"
SIZES = [
    *(_unchanged("v2-sizes", kind) for kind in ("RandomZoomOut", "ScaleJitter", "RandomShortestSize", "RandomResize")),
    _fixed(
        "v2-sizes", "RandomZoomOut draws half of the range", "RandomZoomOut", side_range=lambda r: (r[0], sum(r) / 2)
    ),
    _fixed("v2-sizes", "RandomZoomOut always acts", "RandomZoomOut", p=lambda p: 1.0),
    vision("v2-sizes", "RandomZoomOut fills with 0", f"{V}:RandomZoomOut", "__init__", _drop("fill")),
    _fixed("v2-sizes", "ScaleJitter ignores its range", "ScaleJitter", scale_range=lambda r: (1.0, 1.0)),
    _fixed("v2-sizes", "ScaleJitter takes the target the other way", "ScaleJitter", target_size=lambda t: t[::-1]),
    _fixed("v2-sizes", "RandomShortestSize takes the first", "RandomShortestSize", min_size=lambda m: m[:1]),
    _fixed("v2-sizes", "RandomShortestSize ignores max_size", "RandomShortestSize", max_size=lambda m: None),
    _fixed("v2-sizes", "RandomResize never takes the least", "RandomResize", min_size=lambda m: m + 1),
    _fixed("v2-sizes", "RandomIoUCrop never crops", "RandomIoUCrop", options=lambda options: [2.0]),
]
COLOURS = [
    *(_unchanged("v2-colours", kind) for kind in ("RGB", "RandomPhotometricDistort", "ToPureTensor")),
    kernel_of("v2-colours", "grayscale_to_rgb gives one channel", "grayscale_to_rgb", "Tensor", _still),
    _fixed("v2-colours", "the brightness is ignored", "RandomPhotometricDistort", brightness=lambda b: (1.0, 1.0)),
    vision(
        "v2-colours",
        "JPEG takes any quality",
        f"{V}:JPEG",
        "__init__",
        lambda sound: lambda self, quality: torch.nn.Module.__init__(self),
    ),
    vision("mixup", "alpha is ignored", f"{V}:MixUp", "__init__", _drop("alpha")),
    vision("cutmix", "alpha is ignored", f"{V}:CutMix", "__init__", _drop("alpha")),
    vision("mixup", "labels_getter is ignored", f"{V}:MixUp", "__init__", _drop("labels_getter")),
    _fixed("v2-boxes", "min_size is ignored", "SanitizeBoundingBoxes", min_size=lambda m: 1.0),
    _fixed("v2-boxes", "min_area is ignored", "SanitizeBoundingBoxes", min_area=lambda m: 1.0),
    _fixed("random-affine", "v2 never shifts", "RandomAffine", translate=lambda t: None),
    vision(
        "random-resized-crop-region",
        "v2 takes squares",
        f"{V}:RandomResizedCrop",
        "__init__",
        given(lambda *args, **named: (args, {**named, "ratio": (1.0, 1.0)})),
    ),
    vision("rand-augment", "num_magnitude_bins is ignored", f"{V}:RandAugment", "__init__", _drop(BINS)),
    vision("trivial-augment", "num_magnitude_bins is ignored", f"{V}:TrivialAugmentWide", "__init__", _drop(BINS)),
    _fixed("linear-transformation", "v2 ignores the mean", "LinearTransformation", mean_vector=lambda mean: mean * 0),
    kernel_of(
        "posterize",
        "v2 keeps one bit at least",
        "posterize",
        "Tensor",
        lambda sound, x, bits: sound(x, max(bits, 1)),
    ),
    kernel_of(
        "v2-others",
        "noise is added to nothing whole",
        "gaussian_noise",
        "Tensor",
        lambda sound, x, *args, **named: sound(x, *args, **named) if x.is_floating_point() else x,
    ),
]
MUTANTS: list[Mutant] = [*BOXES, *SIZES, *COLOURS]

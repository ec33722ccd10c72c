"""Wrong turns and distortions, and transforms that read their arguments, or draw, wrongly."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from meta_tests.mutant import Mutant
from meta_tests.mutants.transforms import VG, F, K, V, fields, given, instead, vision

HOMES = (("the classic", F, K), ("v2's", VG, V))


def held(**values: Callable[[Any], Any]) -> Callable[..., Any]:
    """A constructor that keeps other values: `name=change(value)`."""

    def change(self: Any) -> None:
        for name, other in values.items():
            setattr(self, name, other(getattr(self, name)))

    return fields(change)


def mode(name: str) -> Any:
    return importlib.import_module("torchvision.transforms").InterpolationMode[name]


def without(name: str) -> Callable[..., Any]:
    """A function that does not read a keyword."""
    return given(lambda *args, **named: (args, {key: value for key, value in named.items() if key != name}))


def slanted(change: Callable[[float, Any, float, Any], tuple[Any, ...]]) -> Callable[..., Any]:
    """affine with other parameters: `change(angle, shift, scale, shear)`."""
    return given(
        lambda img, angle, translate, scale, shear, *args, **named: (
            (img, *change(angle, translate, scale, shear), *args),
            named,
        )
    )


TURNS: list[Mutant] = []
for said, functions, classes in HOMES:
    TURNS += [
        vision(
            "rotate",
            f"{said} turns by 10 degrees more unless by a quarter",
            functions,
            "rotate",
            given(lambda img, angle, *args, **named: ((img, angle + (10 if angle % 90 else 0), *args), named)),
        ),
        vision(
            "rotate",
            f"{said} turns clockwise unless by a quarter",
            functions,
            "rotate",
            given(lambda img, angle, *args, **named: ((img, -angle if angle % 90 else angle, *args), named)),
        ),
        vision(
            "rotate",
            f"{said} centre is (y, x)",
            functions,
            "rotate",
            given(
                lambda img, angle, *args, **named: (
                    (img, angle, *args),
                    {**named, **({"center": named["center"][::-1]} if named.get("center") else {})},
                )
            ),
        ),
        *(
            vision("rotate", f"{said} ignores {name}", functions, "rotate", without(name))
            for name in ("fill", "center")
        ),
        *(
            vision("affine", f"{said} ignores {name}", functions, "affine", without(name))
            for name in ("fill", "center")
        ),
        vision(
            "affine", f"{said} scale is inverted", functions, "affine", slanted(lambda a, t, s, h: (a, t, 1 / s, h))
        ),
        vision(
            "affine", f"{said} angle is turned round", functions, "affine", slanted(lambda a, t, s, h: (-a, t, s, h))
        ),
        vision(
            "affine",
            f"{said} shear is turned round",
            functions,
            "affine",
            slanted(lambda a, t, s, h: (a, t, s, [-x for x in h])),
        ),
        vision(
            "affine",
            f"{said} shear in y is ignored",
            functions,
            "affine",
            slanted(lambda a, t, s, h: (a, t, s, [h[0], 0.0])),
        ),
        vision(
            "affine",
            f"{said} scale scales the shift too",
            functions,
            "affine",
            slanted(lambda a, t, s, h: (a, [int(x * s) for x in t], s, h)),
        ),
        vision("perspective", f"{said} ignores fill", functions, "perspective", without("fill")),
        vision(
            "perspective",
            f"{said} moves points one to the right",
            functions,
            "perspective",
            given(lambda img, start, end, *args, **named: ((img, start, [[x + 1, y] for x, y in end], *args), named)),
        ),
        vision(
            "elastic",
            f"{said} takes y for x",
            functions,
            "elastic_transform" if functions == F else "elastic",
            given(lambda img, displacement, *args, **named: ((img, displacement.flip(-1), *args), named)),
        ),
        vision(
            "rotate",
            f"{said} RandomRotation has no centre",
            f"{classes}:RandomRotation",
            "__init__",
            held(center=lambda c: None),
        ),
        vision(
            "rotate",
            f"{said} RandomRotation does not expand",
            f"{classes}:RandomRotation",
            "__init__",
            held(expand=lambda c: False),
        ),
        vision(
            "affine",
            f"{said} RandomAffine has no centre",
            f"{classes}:RandomAffine",
            "__init__",
            held(center=lambda c: None),
        ),
        vision(
            "random-perspective",
            f"{said} distorts half as much",
            f"{classes}:RandomPerspective",
            "__init__",
            held(distortion_scale=lambda scale: scale / 2),
        ),
        vision(
            "random-perspective",
            f"{said} acts half of the time",
            f"{classes}:RandomPerspective",
            "__init__",
            held(p=lambda p: 0.5),
        ),
        vision(
            "random-perspective",
            f"{said} always interpolates",
            f"{classes}:RandomPerspective",
            "__init__",
            held(interpolation=lambda kind: mode("BILINEAR")),
        ),
        vision(
            "elastic",
            f"{said} goes half as far",
            f"{classes}:ElasticTransform",
            "__init__",
            held(alpha=lambda alpha: [x / 2 for x in alpha]),
        ),
        vision(
            "elastic",
            f"{said} smoothes little",
            f"{classes}:ElasticTransform",
            "__init__",
            held(sigma=lambda sigma: [x / 8 for x in sigma]),
        ),
        vision(
            "gaussian-blur",
            f"{said} takes the kernel's height first",
            f"{classes}:GaussianBlur",
            "__init__",
            held(kernel_size=lambda sizes: sizes[::-1]),
        ),
        vision(
            "gaussian-blur",
            f"{said} sigma keeps to its lower half",
            f"{classes}:GaussianBlur",
            "__init__",
            held(sigma=lambda ends: (ends[0], (ends[0] + ends[1]) / 2)),
        ),
        vision(
            "random-resized-crop",
            f"{said} is always bilinear",
            f"{classes}:RandomResizedCrop",
            "__init__",
            held(interpolation=lambda kind: mode("BILINEAR")),
        ),
        vision(
            "random-resized-crop",
            f"{said} is never antialiased",
            f"{classes}:RandomResizedCrop",
            "__init__",
            held(antialias=lambda kind: False),
        ),
    ]


# -- draws that depend on each other -----------------------------------------------------------------------------------


def _one_factor(sound: Any, brightness: Any, contrast: Any, saturation: Any, hue: Any) -> Any:
    order, first, second, *rest = sound(brightness, contrast, saturation, hue)
    if first is not None and second is not None and brightness[0] < brightness[1]:
        share = (first - brightness[0]) / (brightness[1] - brightness[0])
        second = contrast[0] + share * (contrast[1] - contrast[0])
    return order, first, second, *rest


def _diagonal(sound: Any, degrees: Any, translate: Any, scales: Any, shears: Any, size: Any) -> Any:
    angle, shift, *rest = sound(degrees, translate, scales, shears, size)
    if translate is not None and translate[0] and translate[1]:
        shift = (shift[0], round(shift[0] / (translate[0] * size[0]) * translate[1] * size[1]))
    return angle, shift, *rest


def _trapezoid(sound: Any, wide: int, high: int, scale: float) -> Any:
    start, end = sound(wide, high, scale)
    inset = end[0][0]
    return start, [[inset, end[0][1]], [wide - 1 - inset, end[1][1]], *end[2:]]


def _wide_when_low(sound: Any, img: Any, scale: Any, ratio: Any) -> Any:
    top, left, high, wide = sound(img, scale, ratio)
    return (top, left, wide, high) if (top > img.shape[-2] * 0.3) != (high < wide) else (top, left, high, wide)


JOINT = [
    vision(
        "draws-apart", "brightness and contrast are one draw", f"{K}:ColorJitter", "get_params", instead(_one_factor)
    ),
    vision("draws-apart", "both shifts are one draw", f"{K}:RandomAffine", "get_params", instead(_diagonal)),
    vision("draws-apart", "two corners share a draw", f"{K}:RandomPerspective", "get_params", instead(_trapezoid)),
    vision(
        "draws-apart", "the ratio goes by the place", f"{K}:RandomResizedCrop", "get_params", instead(_wide_when_low)
    ),
    vision(
        "random-perspective",
        "only one corner moves",
        f"{K}:RandomPerspective",
        "get_params",
        instead(lambda sound, *args: ((found := sound(*args))[0], [found[1][0], *found[0][1:]])),
    ),
]


MUTANTS = [*TURNS, *JOINT]

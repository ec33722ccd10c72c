"""Pictures as PIL images and as tensors, torchvision's two sets of transforms, and comparisons of their pixels."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from conformance import effort, host
from conformance.assertions import assert_tensor, assert_values, require
from conformance.chance import assert_shares
from conformance.check import check
from conformance.dtypes import DTYPES
from conformance.numerics import EXACT, Error
from conformance.subject import Subject, Unsupported
from conformance.vision import torchvision
from properties.strategies.recipe import LAYOUTS

# The bands of a PIL mode, and the numpy dtype of its pixels.
BANDS = {
    "L": 1,
    "P": 1,
    "LA": 2,
    "RGB": 3,
    "YCbCr": 3,
    "HSV": 3,
    "RGBA": 4,
    "CMYK": 4,
    "RGBX": 4,
    "I": 1,
    "F": 1,
    "I;16": 1,
}
PIXELS = {"I": "int32", "F": "float32", "I;16": "uint16"}
HOMES = {"classic": "torchvision.transforms", "v2": "torchvision.transforms.v2"}
# Draws of a check by statistics: a share of 1/2 is judged to within 0.12, at a false-alarm rate that chance states.
DRAWS = effort.scaled(1200, 400)


def in_both(claim: str) -> pytest.MarkDecorator:
    """Try a claim with both sets of transforms: `home` is 'classic' or 'v2', which is stable since torchvision 0.17."""
    rows = [
        pytest.param("classic", marks=check(claim)),
        pytest.param("v2", marks=check(claim, since="2.2")),
    ]
    return pytest.mark.parametrize("home", rows)


def transforms(home: str = "classic") -> Any:
    """The module with the classes. Raises Unsupported where torchvision is not there."""
    torchvision()
    return importlib.import_module(HOMES[home])


def functional(home: str = "classic") -> Any:
    """The module with the functions. Raises Unsupported where torchvision is not there."""
    torchvision()
    return importlib.import_module(f"{HOMES[home]}.functional")


def pillow() -> ModuleType:
    """The module PIL.Image. Raises Unsupported where Pillow is not there."""
    try:
        return importlib.import_module("PIL.Image")
    except ImportError as error:
        raise Unsupported(f"no Pillow here: {error}") from None


# -- pixels ------------------------------------------------------------------------------------------------------------


def numbers(shape: tuple[int, ...], dtype: str = "uint8", seed: int = 0) -> np.ndarray:
    """An array in a dtype's host type whose elements differ from their neighbours, up to 251 from each other."""
    steps = (np.arange(int(np.prod(shape)), dtype=np.int64) * 89 + 7 + 41 * seed) % 251
    kind = DTYPES[dtype].kind
    if kind == "bool":
        return (steps % 3 == 0).reshape(shape)
    if dtype == "int8":
        return (steps // 2).astype(np.int8).reshape(shape)
    scaled = steps / 256 if kind == "float" else steps  # exact in every floating dtype but bfloat16
    return scaled.astype(DTYPES[dtype].host).reshape(shape)


def picture(values: np.ndarray, mode: str) -> Any:
    """A PIL image of a mode with the values of an array (C,H,W)."""
    pixels = np.ascontiguousarray(np.moveaxis(values, 0, -1), PIXELS.get(mode, "uint8"))
    size = (values.shape[2], values.shape[1])
    image = pillow().frombytes(mode, size, pixels.tobytes())
    if mode == "P":
        image.putpalette([(7 * n) % 256 for n in range(768)])
    return image


def pixels(image: Any) -> np.ndarray:
    """The values of a PIL image as an array (C,H,W)."""
    found = np.asarray(image)
    return found[None].copy() if found.ndim == 2 else np.moveaxis(found, -1, 0).copy()


def is_image(value: Any) -> bool:
    return isinstance(value, pillow().Image)


@dataclass(frozen=True)
class Given:
    """An image to be transformed, its values (..., H, W), and what it is: a mode of PIL, or the dtype of a tensor."""

    text: str
    image: Any
    values: np.ndarray
    kind: str

    @property
    def is_tensor(self) -> bool:
        return not is_image(self.image)

    def assert_same(self, call: str, out: Any, expected: np.ndarray) -> None:
        """Refute unless a result is an image of the same kind with just these values."""
        assert_image(f"{call} of {self.text}", out, expected, self.kind)

    def assert_unchanged(self, call: str) -> None:
        """Refute unless the image still has its values."""
        assert_image(f"after {call} its input, {self.text},", self.image, self.values, self.kind)


def assert_image(call: str, out: Any, expected: np.ndarray, kind: str) -> None:
    """Refute unless a result is a PIL image of a mode, or a tensor of a dtype, with just these values."""
    if kind in DTYPES:
        assert_values(call, out, expected, dtype=kind)
        return
    require(is_image(out), f"{call} is no PIL image but a {type(out).__name__}", "a PIL image", type(out).__name__)
    require(out.mode == kind, f"{call} has mode {out.mode}, but should have {kind}", kind, out.mode)
    found = pixels(out)
    assert_arrays(call, found, expected)


def assert_arrays(call: str, found: np.ndarray, expected: np.ndarray) -> None:
    """Refute unless two arrays have one shape and the same values."""
    require(found.shape == expected.shape, f"{call} has shape {found.shape}", expected.shape, found.shape)
    wrong = np.argwhere(found != expected)
    place = tuple(wrong[0]) if len(wrong) else ()
    require(
        not len(wrong),
        f"{call} is {found[place]} at {place}, but should be {expected[place]} ({len(wrong)} of {found.size} wrong)",
        expected.tolist() if expected.size < 50 else expected[place],
        found.tolist() if found.size < 50 else found[place],
    )


def assert_between(call: str, out: Any, low: np.ndarray, high: np.ndarray) -> None:
    """Refute unless the values of a tensor or a PIL image lie between two arrays, bounds included."""
    found = pixels(out) if is_image(out) else host.array(assert_tensor(call, out))
    require(found.shape == low.shape, f"{call} has shape {found.shape}", low.shape, found.shape)
    outside = np.argwhere(~((found >= low) & (found <= high)))
    place = tuple(outside[0]) if len(outside) else ()
    require(
        not len(outside),
        f"{call} is {found[place]} at {place}, but should lie from {low[place]} to {high[place]} "
        f"({len(outside)} of {found.size} are wrong)",
    )


def assert_cut(
    call: str, out: Any, exact: np.ndarray, error: Error = EXACT, scale: Any = None, dtype: str = ""
) -> None:
    """Refute unless a tensor has the exact values: within an error class for floats, their fractions cut for integers.

    Where a value is a whole number but for the rounding of float32, both neighbours will do.
    """
    name = dtype or host.dtype_name(assert_tensor(call, out).dtype)
    if DTYPES[name].is_floating:
        assert_values(call, out, exact, error, scale, dtype=name)
    else:
        assert_tensor(call, out, name)
        slack = 1e-6 * np.maximum(np.abs(exact), 1)
        assert_between(call, out, np.floor(exact - slack), np.floor(exact + slack))


# -- images of every kind ----------------------------------------------------------------------------------------------

MODES = ("RGB", "L", "RGBA", "LA", "I", "F")
# dtype, leading dimensions, layout
TENSORS = (
    ("float32", (3,), "contiguous"),
    ("uint8", (3,), "channels_last"),
    ("float64", (2, 3), "channels_last"),
    ("uint8", (1,), "transposed"),
    ("int64", (2, 1), "stepped"),
    ("float32", (4,), "row_stepped"),
    ("uint8", (2, 3), "offset"),
    ("float32", (2, 2, 3), "contiguous"),
    ("float16", (3,), "transposed"),
    ("int16", (3,), "row_stepped"),
)


def as_picture(mode: str, high: int, wide: int, seed: int = 0) -> Given:
    """A PIL image of a mode."""
    dtype = {"I": "int32", "F": "float32"}.get(mode, "uint8")
    values = numbers((BANDS[mode], high, wide), dtype, seed)
    return Given(f"a {mode} image of {high}x{wide}", picture(values, mode), values, mode)


def as_tensor(subject: Subject, row: tuple[str, tuple[int, ...], str], high: int, wide: int, seed: int = 0) -> Given:
    """A tensor of a dtype, leading dimensions and a layout."""
    dtype, leading, layout = row
    recipe = LAYOUTS[layout](numbers((*leading, high, wide), dtype, seed), dtype)
    text = f"a {dtype} tensor {recipe.shape}, {layout}"
    return Given(text, recipe.on(subject), recipe.array, dtype)


def images(
    subject: Subject, high: int, wide: int, modes: tuple[str, ...] = MODES, tensors: Any = TENSORS
) -> Iterator[Given]:
    """An image of that size in each mode, and as each tensor; in a quick run in some of them, by the size."""
    for seed, mode in thin(enumerate(modes), high + wide):
        yield as_picture(mode, high, wide, seed)
    for seed, row in thin(enumerate(tensors), high):
        yield as_tensor(subject, row, high, wide, seed)


def thin(rows: Iterable[Any], start: int = 0) -> list[Any]:
    """All of some rows; in a quick run every third, beginning with another one for each start."""
    return list(rows)[start % 3 :: 3] if effort.level() == "quick" else list(rows)


def both_kinds(subject: Subject, values: np.ndarray) -> list[tuple[str, Any]]:
    """Bytes (3,H,W) as a picture and as a tensor, each with its name."""
    return [("a picture", picture(values, "RGB")), ("a tensor", tensor(subject, values, "uint8"))]


Way = tuple[str, Callable[[Any], Any]]


def ways(home: str, function: str, kind: str, *args: Any, **named: Any) -> list[Way]:
    """A function of torchvision's and the transform of the same arguments, each with its text ('' for none)."""
    said = ", ".join([*map(repr, args), *(f"{key}={value!r}" for key, value in named.items())])
    # The modules now, so that a build without them is told at once; what they hold at each call.
    T, F = transforms(home), functional(home)
    found: list[Way] = []
    if function:
        found.append((f"{home} {function}({said})", lambda img: getattr(F, function)(img, *args, **named)))
    if kind:
        found.append((f"{home} {kind}({said})", lambda img: getattr(T, kind)(*args, **named)(img)))
    return found


def judge(given: Given, found: list[Way], expected: np.ndarray) -> None:
    """Refute unless each way gives the image with these values, each time, and leaves its input alone."""
    for text, way in found:
        for call in (text, f"{text}, called again,")[: effort.scaled(2)]:
            given.assert_same(call, way(given.image), expected)
        given.assert_unchanged(text)


# -- draws -------------------------------------------------------------------------------------------------------------


def assert_chances(call: str, draws: list[int], chances: list[float]) -> None:
    """Refute unless the outcomes 0, 1, … occur as often as they should, and no other one."""
    assert_shares(call, np.array(draws), 0, np.array(chances))


def outcomes(call: str, draw: Callable[[], Any], known: list[np.ndarray], count: int = 0) -> list[int]:
    """So many draws, each as its place among the known results. Refutes where one is none of them."""
    places = {(np.shape(array), np.asarray(array).tobytes()): place for place, array in enumerate(known)}
    require(len(places) == len(known), f"{call}: two of the outcomes are the same")
    found = []
    for _ in range(count or DRAWS):
        out = draw()
        values = pixels(out) if is_image(out) else host.array(assert_tensor(call, out))
        place = places.get((values.shape, values.tobytes()))
        require(place is not None, f"{call} gives what it never should", "one of the known results", values.tolist())
        found.append(place)
    return found


def enough(weights: list[float]) -> int:
    """So many draws that each outcome of a positive chance is missed with a probability of 1e-9 at most, in all."""
    return math.ceil(math.log(len(weights) * 1e9) / min(weight for weight in weights if weight))


def assert_all_seen(call: str, draw: Callable[[], Any], known: list[np.ndarray], weights: list[float]) -> None:
    """Refute unless draws give the known results only, each of them at all, and about as often as it should."""
    found = outcomes(call, draw, known, enough(weights))
    missing = sorted(set(range(len(known))) - set(found))
    require(not missing, f"{call}: {len(missing)} of {len(known)} outcomes never come", "all", f"never: {missing}")
    assert_chances(call, found, weights)


def tensor(subject: Subject, values: np.ndarray, dtype: str = "float32", layout: str = "contiguous") -> torch.Tensor:
    """A tensor on the subject with an array's values."""
    return LAYOUTS[layout](values, dtype).on(subject)

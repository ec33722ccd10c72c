"""Resize: the size of the result, and its values against Pillow for PIL images and by the formula for tensors."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import SUMMED
from conformance.oracle import transforms as places
from conformance.oracle import transforms_resize as oracle
from conformance.tables.transforms_samples import (
    BANDS,
    Given,
    as_picture,
    as_tensor,
    assert_between,
    assert_image,
    functional,
    in_both,
    is_image,
    numbers,
    picture,
    pillow,
    pixels,
    tensor,
    thin,
    transforms,
    ways,
)

pytestmark = must_answer

FILTERS = ("BILINEAR", "BICUBIC", "NEAREST", "BOX", "HAMMING", "LANCZOS")
# Sizes of an image, and sizes that it is resized to: smaller and larger, by whole and by broken ratios.
SHAPES = (
    ((9, 12), (4, 5)),
    ((5, 7), (11, 13)),
    ((16, 16), (8, 8)),
    ((3, 20), (7, 6)),
    ((6, 4), (3, 9)),
    ((1, 5), (3, 2)),
)
FLOATS = (
    ("float32", (3,), "contiguous"),
    ("float64", (2, 3), "channels_last"),
    ("float32", (1,), "transposed"),
    ("float64", (3,), "row_stepped"),
)


def mode(home: str, name: str) -> Any:
    return transforms(home).InterpolationMode[name]


def size_found(out: Any) -> tuple[int, int]:
    return (out.size[1], out.size[0]) if is_image(out) else tuple(out.shape[-2:])


def pair(subject: Any, high: int, wide: int) -> list[Given]:
    return [as_picture("L", high, wide), as_tensor(subject, ("uint8", (1,), "contiguous"), high, wide)]


# -- sizes -------------------------------------------------------------------------------------------------------------

IMAGES = ((30, 50), (50, 30), (20, 20), (7, 11), (11, 7), (1, 9), (13, 40), (64, 48), (33, 100))


def judge_size(call: str, out: Any, expected: tuple[int, int]) -> None:
    found = size_found(out)
    require(
        found == expected,
        f"{call} is {found[0]}x{found[1]}, but should be {expected[0]}x{expected[1]}",
        expected,
        found,
    )


@in_both("transforms.resize-256-is-square")
def test_resize_with_one_number_keeps_the_ratio(subject, home):
    for high, wide in thin(IMAGES, 1):
        for given in pair(subject, high, wide):
            for size in (10, 3, 17, 20, [13], 33):
                for text, way in ways(home, "resize", "Resize", size):
                    if text.partition(" ")[2].startswith("resize") and isinstance(size, int):
                        continue  # the function documents a list
                    judge_size(f"{text} of {high}x{wide}", way(given.image), oracle.size_of(high, wide, size))
    for size in (10, 7):
        for given in pair(subject, 9, 14):
            out = functional(home).resize(given.image, size)
            judge_size(f"{home} resize({size}) of 9x14", out, oracle.size_of(9, 14, size))


@in_both("transforms.resize-256-is-square")
def test_resize_256_of_a_photograph_is_no_square(subject, home):
    T = transforms(home)
    for size, expected in (
        ((500, 300), (426, 256)),
        ((300, 500), (256, 426)),
        ((256, 300), (256, 300)),
        ((640, 480), (341, 256)),
    ):
        image = picture(numbers((3, *size)), "RGB")
        judge_size(f"{home} Resize(256) of {size}", T.Resize(256)(image), expected)
        judge_size(f"{home} Resize((256, 256)) of {size}", T.Resize((256, 256))(image), (256, 256))


@in_both("transforms.resize-exact-size")
def test_resize_with_two_numbers_gives_height_and_width(subject, home):
    for high, wide in thin(IMAGES, 1):
        for given in pair(subject, high, wide):
            for size in ((5, 9), [9, 5], (1, 1), (high, 4), (3, wide), (high, wide)):
                for text, way in ways(home, "resize", "Resize", size):
                    out = way(given.image)
                    judge_size(f"{text} of {high}x{wide}", out, (size[0], size[1]))
                    if tuple(size) == (high, wide):
                        given.assert_same(text, out, given.values)


@in_both("transforms.resize-max-size")
def test_resize_with_max_size_bounds_the_longer_side(subject, home):
    for high, wide in thin(IMAGES, 1):
        for given in pair(subject, high, wide):
            for size, longest in ((10, 15), (10, 11), (20, 40), (6, 20), (5, 17)):
                for text, way in ways(home, "resize", "Resize", [size], max_size=longest):
                    expected = oracle.size_of(high, wide, size, longest)
                    judge_size(f"{text} of {high}x{wide}", way(given.image), expected)
                out = transforms(home).Resize(size, max_size=longest)(given.image)
                judge_size(f"{home} Resize({size}, max_size={longest}) of {high}x{wide}", out, expected)


@in_both("transforms.resize-refusals")
def test_resize_refuses_sizes_that_contradict(subject, home):
    for given in pair(subject, 6, 8):
        for size, named in (((4, 5), {"max_size": 9}), ([4], {"max_size": 4}), ([4], {"max_size": 3}), ((1, 2, 3), {})):
            function = "resize" if home == "classic" or len(size) == 1 else ""
            for text, way in ways(home, function, "Resize", size, **named):
                assert_raises(text, ValueError, lambda: way(given.image))
        given.assert_unchanged("a refused resize")


# -- PIL images --------------------------------------------------------------------------------------------------------


@in_both("transforms.resize-pil")
@pytest.mark.parametrize("name", FILTERS)
def test_resize_of_a_picture_is_pillows(subject, home, name):
    modes = ("RGB", "L", "RGBA", "LA", "F", "I")
    for number, ((size, wanted), kind) in thin(enumerate(itertools.product(SHAPES, modes)), 1):
        given = as_picture(kind, *size, number)
        expected = pixels(given.image.resize(wanted[::-1], getattr(pillow(), name)))
        for text, way in ways(home, "resize", "Resize", list(wanted), interpolation=mode(home, name)):
            given.assert_same(text, way(given.image), expected)
            given.assert_unchanged(text)
        if name == "BILINEAR":
            for text, way in ways(home, "resize", "Resize", list(wanted)):
                given.assert_same(text, way(given.image), expected)


@in_both("transforms.resize-pil")
def test_resize_of_a_picture_is_the_formula(subject, home):
    for size, wanted in SHAPES:
        values = numbers((3, *size))
        exact, _ = oracle.resize(values, *wanted, "bilinear", True)
        out = functional(home).resize(picture(values, "RGB"), list(wanted), mode(home, "BILINEAR"))
        # Two passes, each rounded to 8 bits.
        assert_between(f"{home} resize({wanted})", out, exact - 1.05, exact + 1.05)


@in_both("transforms.resized-crop")
def test_resized_crop_resizes_the_rectangle(subject, home):
    for box, wanted in itertools.product(((1, 2, 6, 7), (0, 0, 9, 12), (4, 5, 3, 2)), ((4, 5), (10, 8))):
        named = {"size": list(wanted)}
        for kind in ("RGB", "L"):
            given = as_picture(kind, 9, 12)
            part = picture(places.crop(given.values, *box), kind)
            expected = pixels(part.resize(wanted[::-1], pillow().BILINEAR))
            for text, way in ways(home, "resized_crop", "", *box, **named):
                given.assert_same(text, way(given.image), expected)
        given = as_tensor(subject, FLOATS[0], 9, 12)
        expected, scale = oracle.resize(places.crop(given.values, *box), *wanted, "bilinear", True)
        for text, way in ways(home, "resized_crop", "", *box, **named, antialias=True):
            assert_values(text, way(given.image), expected, SUMMED.over(200), scale + 1, dtype="float32")


# -- tensors -----------------------------------------------------------------------------------------------------------


def judge_resized(
    home: str, given: Given, wanted: tuple[int, int], name: str, named: dict[str, Any], smooth: bool
) -> None:
    """Refute unless a floating tensor is resized by the formula, each time it is."""
    expected, scale = oracle.resize(given.values, *wanted, name, smooth)
    arguments = {**({} if name == "bilinear" else {"interpolation": mode(home, name.upper())}), **named}
    for text, way in ways(home, "resize", "Resize", list(wanted), **arguments):
        for _ in range(2):
            out = way(given.image)
            call = f"{text} of {given.text}"
            assert_values(call, out, expected, SUMMED.over(8 * max(given.values.shape)), scale + 1, dtype=given.kind)
        given.assert_unchanged(text)


@in_both("transforms.resize-antialias-column")
def test_resize_of_a_tensor_to_one_column_is_the_formula(subject, home):
    for size, wanted in (((2, 1), (3, 1)), ((6, 1), (3, 1)), ((4, 5), (7, 1))):
        for row, name in itertools.product(FLOATS[:2], ("bilinear", "bicubic")):
            judge_resized(home, as_tensor(subject, row, *size), wanted, name, {"antialias": True}, True)


SMOOTH = [
    pytest.param(True, marks=check("transforms.resize-antialias")),
    pytest.param(False, marks=check("transforms.resize-plain")),
]


@pytest.mark.parametrize("smooth", SMOOTH)
@pytest.mark.parametrize("name", ("bilinear", "bicubic"))
def test_resize_of_a_tensor_is_the_formula(subject, name, smooth):
    for row, (size, wanted) in thin(itertools.product(FLOATS, SHAPES)):
        judge_resized("classic", as_tensor(subject, row, *size), wanted, name, {"antialias": smooth}, smooth)


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param("antialias", marks=check("transforms.resize-antialias", since="2.2")),
        pytest.param("plain", marks=check("transforms.resize-plain", since="2.2")),
    ],
)
def test_resize_of_a_tensor_is_the_formula_in_v2(subject, claim):
    smooth = claim == "antialias"
    for row, (size, wanted), name in thin(itertools.product(FLOATS, SHAPES, ("bilinear", "bicubic"))):
        judge_resized("v2", as_tensor(subject, row, *size), wanted, name, {"antialias": smooth}, smooth)


@pytest.mark.parametrize("smooth", SMOOTH)
def test_resize_of_bytes_rounds(subject, smooth):
    for (size, wanted), layout in thin(itertools.product(SHAPES, ("contiguous", "channels_last", "offset"))):
        given = as_tensor(subject, ("uint8", (2, 3), layout), *size)
        exact, _ = oracle.resize(given.values, *wanted, "bilinear", smooth)
        for text, way in ways("classic", "resize", "Resize", list(wanted), antialias=smooth):
            out = way(given.image)
            assert_tensor(text, out, "uint8")
            assert_between(f"{text} of {given.text}", out, exact - 0.501, exact + 0.501)
            given.assert_unchanged(text)


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param("default", marks=check("transforms.resize-default", since="2.2")),
        pytest.param("plain", marks=check("transforms.resize-default", until="2.2")),
    ],
)
def test_resize_of_a_tensor_by_default(subject, claim):
    for row, (size, wanted) in itertools.product(FLOATS[:2], SHAPES):
        judge_resized("classic", as_tensor(subject, row, *size), wanted, "bilinear", {}, claim == "default")


@check("transforms.resize-default", since="2.2")
def test_resize_of_a_tensor_by_default_in_v2(subject):
    for row, (size, wanted) in itertools.product(FLOATS[:2], SHAPES):
        judge_resized("v2", as_tensor(subject, row, *size), wanted, "bilinear", {}, True)


@in_both("transforms.resize-nearest")
def test_resize_by_taking_pixels(subject, home):
    kinds = (*FLOATS, ("uint8", (3,), "channels_last"), ("uint8", (2, 1), "offset"), ("int64", (3,), "stepped"))
    for row, (size, wanted) in thin(itertools.product(kinds, SHAPES)):
        given = as_tensor(subject, row, *size)
        for name in ("NEAREST", "NEAREST_EXACT"):
            expected = oracle.nearest(given.values, *wanted, name == "NEAREST_EXACT")
            for text, way in ways(home, "resize", "Resize", list(wanted), interpolation=mode(home, name)):
                given.assert_same(text, way(given.image), expected)
                given.assert_unchanged(text)


@in_both("transforms.resize-nearest")
def test_resize_takes_pillows_constants(subject, home):
    given = as_tensor(subject, FLOATS[0], 9, 12)
    out = functional(home).resize(given.image, [4, 5], 0)
    given.assert_same(f"{home} resize with Pillow's NEAREST", out, oracle.nearest(given.values, 4, 5))
    image = as_picture("RGB", 9, 12)
    out = functional(home).resize(image.image, [4, 5], int(pillow().BICUBIC))
    image.assert_same(f"{home} resize with Pillow's BICUBIC", out, pixels(image.image.resize((5, 4), pillow().BICUBIC)))


@in_both("transforms.resize-antialias")
def test_resize_of_a_tensor_and_of_its_picture_agree(subject, home):
    for (size, wanted), kind in itertools.product(SHAPES, ("RGB", "L")):
        values = numbers((BANDS[kind], *size))
        named = {"antialias": True}
        image = pixels(functional(home).resize(picture(values, kind), list(wanted))).astype(np.float64)
        out = functional(home).resize(tensor(subject, values, "uint8"), list(wanted), **named)
        found = host.array(assert_tensor("resize", out, "uint8")).astype(np.float64)
        gap = np.abs(found - image).max()
        require(gap <= 2, f"{home} resize({wanted}) of a tensor and of its picture differ by {gap}", "at most 2", gap)


@check("transforms.resize-256-is-square")
def test_resize_keeps_ratios_of_batches(subject):
    x = torch.zeros((2, 3, 4, 30, 50), device=subject.device)
    for text, way in ways("classic", "resize", "Resize", [12], antialias=True):
        assert_tensor(text, way(x.flatten(0, 1)), "float32", (6, 4, 12, 20))
    image = picture(numbers((3, 30, 50)), "RGB")
    assert_image("Resize(30)", transforms().Resize(30)(image), numbers((3, 30, 50)), "RGB")

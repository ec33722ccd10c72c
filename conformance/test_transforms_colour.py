"""Normalize and the adjustments of colour, by the formula for tensors and against Pillow for PIL images."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import COMPOSED, EXACT, SUMMED
from conformance.oracle import transforms as places
from conformance.oracle import transforms_colour as oracle
from conformance.samples_transforms import (
    Given,
    as_picture,
    as_tensor,
    assert_between,
    assert_cut,
    assert_image,
    functional,
    in_both,
    judge,
    numbers,
    picture,
    pixels,
    tensor,
    transforms,
    ways,
)
from conformance.subject import Subject

pytestmark = must_answer

FLOATS = (
    ("float32", (3,), "contiguous"),
    ("float64", (2, 3), "channels_last"),
    ("float32", (2, 3), "row_stepped"),
    ("float64", (1,), "transposed"),
    ("float32", (2, 1), "stepped"),
)
BYTES = (("uint8", (3,), "contiguous"), ("uint8", (2, 3), "channels_last"), ("uint8", (1,), "offset"))
FACTORS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.75)


def tensors(
    subject: Subject, rows: Any = (*FLOATS, *BYTES), size: tuple[int, int] = (5, 6)
) -> Iterator[tuple[Given, float]]:
    """Tensors with values over their range, and its maximum."""
    for seed, row in enumerate(rows):
        yield as_tensor(subject, row, *size, seed), 255 if row[0] == "uint8" else 1


def enhanced(given: Given, name: str, factor: float) -> np.ndarray:
    """What Pillow's enhancer makes of a picture."""
    return pixels(getattr(importlib.import_module("PIL.ImageEnhance"), name)(given.image).enhance(factor))


def operated(given: Given, name: str, *args: Any) -> np.ndarray:
    """What an operation of Pillow's makes of a picture."""
    return pixels(getattr(importlib.import_module("PIL.ImageOps"), name)(given.image, *args))


# -- Normalize ---------------------------------------------------------------------------------------------------------

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
NORMALS = (
    ("float32", (3,), "contiguous"),
    ("float64", (3,), "transposed"),
    ("float32", (4, 3), "channels_last"),
    ("float64", (2, 2, 3), "contiguous"),
    ("float16", (3,), "row_stepped"),
    ("bfloat16", (2, 3), "contiguous"),
    ("float32", (3,), "stepped"),
    ("float64", (1, 3), "offset"),
)


@in_both("transforms.normalize-formula")
def test_normalize_takes_each_channels_mean_and_std(subject, home):
    for (row, size), (mean, std) in itertools.product(
        zip(NORMALS, ((5, 7), (1, 1), (17, 3), (2, 2), (4, 9), (6, 5), (33, 31), (1, 8)), strict=True),
        ((MEAN, STD), ([0.0, -3.0, 100.0], [2.0, -0.5, 7.0]), (tuple(MEAN), tuple(STD))),
    ):
        given = as_tensor(subject, row, *size)
        expected, scale = places.normalize(given.values, list(mean), list(std))
        for text, way in ways(home, "normalize", "Normalize", mean, std):
            for _ in range(2):
                assert_values(
                    f"{text} of {given.text}", way(given.image), expected, SUMMED.over(6), scale, dtype=row[0]
                )
            given.assert_unchanged(text)


@in_both("transforms.normalize-formula")
def test_normalize_with_other_numbers_of_channels(subject, home):
    for count, seed in ((1, 0), (2, 3), (4, 5), (17, 8)):
        mean, std = [0.1 * k - 0.3 for k in range(count)], [0.5 + 0.25 * k for k in range(count)]
        given = as_tensor(subject, ("float32", (count,), "contiguous"), 4, 3, seed)
        expected, scale = places.normalize(given.values, mean, std)
        for text, way in ways(home, "normalize", "Normalize", mean, std):
            assert_values(text, way(given.image), expected, SUMMED.over(6), scale, dtype="float32")
    given = as_tensor(subject, ("float32", (2, 3), "contiguous"), 4, 3)
    expected, scale = places.normalize(given.values, [0.5], [0.25])
    for text, way in ways(home, "normalize", "Normalize", [0.5], [0.25]):
        assert_values(f"{text} of three channels", way(given.image), expected, SUMMED.over(6), scale)


@in_both("transforms.normalize-inplace")
def test_normalize_writes_only_if_asked(subject, home):
    for row in NORMALS:
        given = as_tensor(subject, row, 5, 4)
        expected, scale = places.normalize(given.values, MEAN, STD)
        for text, way in ways(home, "normalize", "Normalize", MEAN, STD):
            x = given.image.clone()
            before = Unchanged(img=x)
            out = way(x)
            before.check(text)
            assert_apart(text, out, x)
        for text, way in ways(home, "normalize", "Normalize", MEAN, STD, inplace=True):
            x = as_tensor(subject, row, 5, 4).image
            out = way(x)
            assert_values(f"the input of {text}", x, expected, SUMMED.over(6), scale, dtype=row[0])
            require(out.data_ptr() == x.data_ptr(), f"{text} returns new memory", "the input", "new memory")
        for text, way in ways(home, "normalize", "Normalize", MEAN, STD, False):
            x = given.image.clone()
            way(x)
            assert_values(f"the input of {text}", x, given.values, EXACT, dtype=row[0])


@in_both("transforms.normalize-refusals")
def test_normalize_refuses_what_it_cannot_do(subject, home):
    F = functional(home)
    x = tensor(subject, numbers((3, 4, 5), "float32"))
    before = Unchanged(img=x)
    for std in ([0.5, 0.0, 0.5], [0.0, 0.0, 0.0]):
        for text, way in ways(home, "normalize", "Normalize", MEAN, std):
            assert_raises(text, ValueError, lambda: way(x))
    for mean, std in (([0.5, 0.5], [0.5, 0.5]), ([0.5] * 4, [0.5] * 4)):
        for text, way in ways(home, "normalize", "Normalize", mean, std):
            assert_raises(f"{text} of three channels", RuntimeError, lambda: way(x))
    before.check("a refused normalize")
    for dtype in ("uint8", "int64"):
        image = tensor(subject, numbers((3, 4, 5), dtype), dtype)
        assert_raises(f"{home} normalize of {dtype}", TypeError, lambda: F.normalize(image, MEAN, STD))
    assert_raises(f"{home} normalize of a matrix", ValueError, lambda: F.normalize(x[0], [0.5], [0.5]))
    kinds = (TypeError, ValueError)
    image = picture(numbers((3, 4, 5)), "RGB")
    for text, way in ways(home, "normalize", "Normalize", MEAN, STD):
        assert_raises(f"{text} of a PIL image", kinds if home == "v2" else TypeError, lambda: way(image))


# -- grey --------------------------------------------------------------------------------------------------------------


@in_both("transforms.grayscale")
def test_grayscale_weighs_the_channels(subject, home):
    for given, _ in tensors(subject, (*FLOATS[:3], *BYTES[:2])):
        expected = oracle.grey(given.values)
        for count in (1, 3):
            wanted = np.repeat(expected, count, axis=-3)
            for text, way in ways(home, "rgb_to_grayscale", "Grayscale", count):
                assert_cut(f"{text} of {given.text}", way(given.image), wanted, SUMMED.over(4), wanted, given.kind)
                given.assert_unchanged(text)
        assert_cut(f"{home} Grayscale()", transforms(home).Grayscale()(given.image), expected, SUMMED.over(4), expected)


@in_both("transforms.grayscale")
def test_grayscale_of_a_picture_is_pillows(subject, home):
    given = as_picture("RGB", 17, 15)
    expected = oracle.luma(given.values)
    for function in ("to_grayscale", "rgb_to_grayscale"):
        for text, way in ways(home, function, "Grayscale", 1):
            assert_image(text, way(given.image), expected, "L")
        for text, way in ways(home, function, "Grayscale", 3):
            assert_image(text, way(given.image), np.repeat(expected, 3, axis=0), "RGB")
    given.assert_unchanged("Grayscale")
    assert_image(f"{home} Grayscale()", transforms(home).Grayscale()(given.image), expected, "L")
    grey = as_picture("L", 5, 4)
    assert_image(f"{home} Grayscale of L", transforms(home).Grayscale(1)(grey.image), grey.values, "L")


# -- blends ------------------------------------------------------------------------------------------------------------

BLENDS = {
    "adjust_brightness": ("Brightness", lambda x: np.zeros(())),
    "adjust_contrast": ("Contrast", lambda x: oracle.mean_grey(x, x.dtype == np.uint8)),
    "adjust_saturation": (
        "Color",
        lambda x: np.floor(oracle.grey(x) + 1e-6) if x.dtype == np.uint8 else oracle.grey(x),
    ),
}


def blends(name: str) -> Any:
    rows = [(home, since) for home, since in (("classic", None), ("v2", "2.2"))]
    claim = f"transforms.{name.replace('_', '-')}"
    return [pytest.param(home, name, marks=check(claim, since=since)) for home, since in rows]


@pytest.mark.parametrize("home, name", [row for name in BLENDS for row in blends(name)])
def test_a_blend_of_a_tensor_is_the_formula(subject, home, name):
    _, other = BLENDS[name]
    adjust = getattr(functional(home), name)
    for (given, full), factor in itertools.product(tensors(subject), FACTORS):
        against = given.values if name == "adjust_saturation" and given.values.shape[-3] == 1 else other(given.values)
        expected, scale = oracle.blend(given.values, against, factor, full)
        call = f"{home} {name}({given.text}, {factor})"
        for _ in range(2):
            out = adjust(given.image, factor)
            assert_tensor(call, out, given.kind)
            if given.kind == "uint8" and name == "adjust_contrast":  # the mean's rounding in float32
                assert_between(call, out, np.floor(expected - 1e-3), np.floor(expected + 1e-3))
            else:
                # The mean of a picture is a sum of 30 terms.
                assert_cut(call, out, expected, SUMMED.over(40), scale, given.kind)
        given.assert_unchanged(call)


@pytest.mark.parametrize("home, name", [row for name in BLENDS for row in blends(name)])
def test_a_blend_of_a_picture_is_pillows(subject, home, name):
    enhancer, _ = BLENDS[name]
    for mode, factor in itertools.product(("RGB", "L"), FACTORS):
        given = as_picture(mode, 7, 9)
        call = f"{home} {name} of a {mode} image by {factor}"
        out = getattr(functional(home), name)(given.image, factor)
        assert_image(call, out, enhanced(given, enhancer, factor), mode)
        if factor == 1:
            assert_image(call, out, given.values, mode)
        if factor == 0 and name == "adjust_brightness":
            assert_image(call, out, np.zeros_like(given.values), mode)
        given.assert_unchanged(call)


# -- hue and gamma -----------------------------------------------------------------------------------------------------


@in_both("transforms.adjust-hue")
def test_adjust_hue_turns_the_hue(subject, home):
    adjust = functional(home).adjust_hue
    for (given, full), factor in itertools.product(
        tensors(subject, (*FLOATS[:3], *BYTES[:2])), (0.0, 0.5, -0.5, 0.25, -0.1)
    ):
        exact = oracle.hue(given.values / full, factor)
        call = f"{home} adjust_hue({given.text}, {factor})"
        out = adjust(given.image, factor)
        if given.kind == "uint8":
            assert_tensor(call, out, "uint8")
            assert_between(call, out, np.floor(exact * 255.999 - 1e-2), np.floor(exact * 255.999 + 1e-2))
            if factor == 0:
                assert_values(call, out, given.values)
        else:
            # The hue counts sixths of the circle, in float32 throughout for tensors of float64 too.
            assert_tensor(call, out, given.kind)
            assert_between(call, out, exact - 1e-5, exact + 1e-5)
        given.assert_unchanged(call)


@in_both("transforms.adjust-hue")
def test_adjust_hue_by_thirds_moves_the_channels_on(subject, home):
    values = numbers((3, 9, 9), "float32")
    for factor, steps in ((1 / 3, 1), (-1 / 3, -1)):
        out = functional(home).adjust_hue(tensor(subject, values), factor)
        expected = np.roll(values, steps, axis=0)
        assert_between(f"{home} adjust_hue by {factor:.2f}", out, expected - 1e-5, expected + 1e-5)
    for given, _ in tensors(subject, (FLOATS[3], FLOATS[4], BYTES[2])):
        out = functional(home).adjust_hue(given.image, 0.3)
        given.assert_same(f"{home} adjust_hue of one channel", out, given.values)
    grey = as_picture("L", 4, 5)
    assert_image(f"{home} adjust_hue of L", functional(home).adjust_hue(grey.image, 0.3), grey.values, "L")


@in_both("transforms.adjust-hue")
def test_adjust_hue_of_a_picture_turns_bytes(subject, home):
    given = as_picture("RGB", 7, 9)
    for factor in (0.0, 0.25, -0.25, 0.5, -0.5):
        bands = list(given.image.convert("HSV").split())
        turned = (np.asarray(bands[0]).astype(int) + int(factor * 255)) % 256
        bands[0] = picture(turned[None].astype(np.uint8), "L")
        expected = importlib.import_module("PIL.Image").merge("HSV", bands).convert("RGB")
        out = functional(home).adjust_hue(given.image, factor)
        assert_image(f"{home} adjust_hue of a picture by {factor}", out, pixels(expected), "RGB")
        given.assert_unchanged("adjust_hue")


@in_both("transforms.adjust-gamma")
def test_adjust_gamma_is_a_power(subject, home):
    adjust = functional(home).adjust_gamma
    for (given, full), (exponent, gain) in itertools.product(
        tensors(subject), ((1, 1), (2.0, 1), (0.5, 1), (0, 1), (2.5, 0.5), (1.5, 3.0))
    ):
        exact = oracle.gamma(given.values / full, exponent, gain)
        call = f"{home} adjust_gamma({given.text}, {exponent}, {gain})"
        out = adjust(given.image, exponent) if gain == 1 else adjust(given.image, exponent, gain)
        if given.kind == "uint8":
            assert_tensor(call, out, "uint8")
            assert_between(call, out, np.floor(exact * 255.999 - 1e-3), np.floor(exact * 255.999 + 1e-3))
        else:
            assert_values(call, out, exact, COMPOSED, dtype=given.kind)
        given.assert_unchanged(call)


@in_both("transforms.adjust-gamma")
def test_adjust_gamma_of_a_picture_is_a_power(subject, home):
    given = as_picture("RGB", 9, 9)
    for exponent, gain in ((1, 1), (2.0, 1), (0.5, 0.75)):
        exact = 255.999 * gain * (given.values / 255.0) ** exponent
        out = functional(home).adjust_gamma(given.image, exponent, gain)
        call = f"{home} adjust_gamma of a picture, {exponent}, {gain}"
        assert_between(call, out, np.floor(exact - 1e-6), np.floor(exact + 1e-6))


@in_both("transforms.adjust-refusals")
def test_adjustments_refuse_factors_out_of_range(subject, home):
    F = functional(home)
    for given, _ in tensors(subject, (FLOATS[0], BYTES[0])):
        for name in ("adjust_brightness", "adjust_contrast", "adjust_saturation", "adjust_gamma", "adjust_sharpness"):
            assert_raises(f"{home} {name} by -0.5", ValueError, lambda: getattr(F, name)(given.image, -0.5))
        for factor in (0.51, -0.6, 1.0):
            assert_raises(f"{home} adjust_hue by {factor}", ValueError, lambda: F.adjust_hue(given.image, factor))
    image = as_picture("RGB", 3, 3).image
    assert_raises(f"{home} adjust_hue of a picture by 0.6", ValueError, lambda: F.adjust_hue(image, 0.6))
    assert_raises(f"{home} adjust_gamma of a picture by -1", ValueError, lambda: F.adjust_gamma(image, -1))


# -- values one by one -------------------------------------------------------------------------------------------------


@in_both("transforms.invert")
def test_invert_takes_from_the_maximum(subject, home):
    for given, full in tensors(subject):
        judge(given, ways(home, "invert", ""), oracle.invert(given.values, full))
    for mode in ("RGB", "L"):
        given = as_picture(mode, 16, 16)
        judge(given, ways(home, "invert", ""), 255 - given.values)
    for given, full in tensors(subject, BYTES):
        judge(given, ways(home, "", "RandomInvert", 1.0), oracle.invert(given.values, full))


@in_both("transforms.solarize")
def test_solarize_inverts_from_the_threshold_on(subject, home):
    for given, full in tensors(subject):
        at = float(given.values.flat[3])
        for threshold in (at, 0.0, full, full / 2):
            threshold = int(threshold) if full == 255 else threshold
            expected = oracle.solarize(given.values, threshold, full)
            judge(given, ways(home, "solarize", "", threshold), expected)
            judge(given, ways(home, "", "RandomSolarize", threshold, p=1.0), expected)
    for mode, threshold in itertools.product(("RGB", "L"), (7, 128, 255, 0)):
        given = as_picture(mode, 16, 16)
        judge(given, ways(home, "solarize", "", threshold), oracle.solarize(given.values, threshold, 255))


@in_both("transforms.posterize")
def test_posterize_keeps_the_highest_bits(subject, home):
    for bits in (1, 3, 4, 7, 8):
        for given, _ in tensors(subject, BYTES, (16, 17)):
            expected = oracle.posterize(given.values, bits)
            judge(given, ways(home, "posterize", "", bits), expected)
            judge(given, ways(home, "", "RandomPosterize", bits, p=1.0), expected)
        given = as_picture("RGB", 16, 17)
        judge(given, ways(home, "posterize", "", bits), oracle.posterize(given.values, bits))


# -- by what surrounds a pixel -----------------------------------------------------------------------------------------


@in_both("transforms.autocontrast")
def test_autocontrast_stretches_each_channel(subject, home):
    for given, full in tensors(subject):
        half = given.values // 2 if full == 255 else given.values / 2
        half[..., 0, :, :] = half[..., 0, :1, :1]  # a channel without contrast
        x = tensor(subject, half, given.kind)
        exact = oracle.autocontrast(half, full)
        call = f"{home} autocontrast of {given.text}"
        out = functional(home).autocontrast(x)
        assert_tensor(call, out, given.kind)
        slack = 1e-4 * full
        assert_between(
            call,
            out,
            *((np.floor(exact - slack), np.floor(exact + slack)) if full == 255 else (exact - slack, exact + slack)),
        )
    for mode in ("RGB", "L"):
        given = as_picture(mode, 5, 6)
        judge(given, ways(home, "autocontrast", ""), operated(given, "autocontrast"))


@in_both("transforms.equalize")
def test_equalize_is_pillows(subject, home):
    for mode, seed in itertools.product(("RGB", "L"), range(3)):
        bands = {"RGB": 3, "L": 1}[mode]
        values = np.random.default_rng(seed).integers(40, 120 + 60 * seed, (bands, 24, 31)).astype(np.uint8)
        given = Given(f"a {mode} image", picture(values, mode), values, mode)
        expected = operated(given, "equalize")
        judge(given, ways(home, "equalize", ""), expected)
        for layout in ("contiguous", "channels_last"):
            x = tensor(subject, values, "uint8", layout)
            assert_values(f"{home} equalize of a tensor", functional(home).equalize(x), expected, dtype="uint8")


@in_both("transforms.sharpness")
def test_adjust_sharpness_blends_with_the_smoothed_image(subject, home):
    adjust = functional(home).adjust_sharpness
    for (given, full), factor in itertools.product(tensors(subject), (0.0, 0.5, 1.0, 2.0)):
        soft = oracle.smoothed(given.values)
        soft = np.rint(soft) if full == 255 else soft
        exact, scale = oracle.blend(given.values, soft, factor, full)
        call = f"{home} adjust_sharpness({given.text}, {factor})"
        out = adjust(given.image, factor)
        assert_cut(call, out, exact, SUMMED.over(60), scale + 1, given.kind)
        given.assert_unchanged(call)
    for mode, factor in itertools.product(("RGB", "L"), (0.0, 1.0, 2.0)):
        given = as_picture(mode, 6, 7)
        expected = enhanced(given, "Sharpness", factor)
        assert_image(f"{home} adjust_sharpness of a picture", adjust(given.image, factor), expected, mode)


KERNELS = (((3, 3), (0.5, 0.5)), ((5, 3), (1.5, 0.7)), ((1, 7), (0.3, 2.0)), ((3, 5), None))


def judge_blurred(subject: Subject, home: str, rows: Any) -> None:
    """Refute unless tensors are blurred by the formula, in each of the kernels' sizes."""
    blur = functional(home).gaussian_blur
    for (given, full), (sizes, sigmas) in itertools.product(tensors(subject, rows, (8, 9)), KERNELS):
        sigma = sigmas or tuple(0.15 * size + 0.35 for size in sizes)
        exact = oracle.blur(given.values, sizes, sigma)
        call = f"{home} gaussian_blur({given.text}, {list(sizes)}, {sigmas})"
        out = blur(given.image, list(sizes), list(sigmas)) if sigmas else blur(given.image, list(sizes))
        if full == 255:
            assert_tensor(call, out, "uint8")
            assert_between(call, out, exact - 0.501, exact + 0.501)
        else:
            assert_values(call, out, exact, SUMMED.over(100), exact, dtype=given.kind)
        given.assert_unchanged(call)


@in_both("transforms.gaussian-blur")
def test_gaussian_blur_is_a_convolution(subject, home):
    judge_blurred(subject, home, [row for row in (*FLOATS, *BYTES) if row[0] != "float64"])


@pytest.mark.parametrize("home", ("classic", "v2"))
@check("transforms.gaussian-blur", since="2.2")  # the weights were float32 for every dtype in torchvision 0.15
def test_gaussian_blur_has_weights_of_the_images_precision(subject, home):
    judge_blurred(subject, home, [row for row in FLOATS if row[0] == "float64"])


@check("transforms.gaussian-blur")
def test_the_gaussian_blur_transform(subject):
    values = numbers((3, 8, 9), "float32")
    exact = oracle.blur(values, (5, 5), (1.25, 1.25))
    for blur in (transforms().GaussianBlur(5, 1.25), transforms().GaussianBlur((5, 5), (1.25, 1.25))):
        out = blur(tensor(subject, values))
        assert_values(f"{blur}", out, exact, SUMMED.over(100), exact, dtype="float32")
    for bad in (4, (3, 2), 0):
        assert_raises(f"GaussianBlur({bad})", ValueError, lambda: transforms().GaussianBlur(bad))

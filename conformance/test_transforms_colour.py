"""Normalize and the adjustments of colour, by the formula for tensors and against Pillow for PIL images."""

from __future__ import annotations

import importlib
import itertools
from typing import Any

import numpy as np
import pytest

from conformance.assertions import assert_raises, assert_tensor, assert_values
from conformance.check import check, must_answer
from conformance.numerics import COMPOSED, SUMMED
from conformance.oracle import transforms_colour as oracle
from conformance.tables.transforms_colour_samples import BYTES, FLOATS, enhanced, tensors
from conformance.tables.transforms_samples import (
    as_picture,
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

pytestmark = must_answer

FACTORS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.75)


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
    for bits in (0, 1, 3, 4, 7, 8):
        for given, _ in tensors(subject, BYTES, (16, 17)):
            expected = oracle.posterize(given.values, bits)
            judge(given, ways(home, "posterize", "", bits), expected)
            judge(given, ways(home, "", "RandomPosterize", bits, p=1.0), expected)
        given = as_picture("RGB", 16, 17)
        if bits:  # Pillow keeps one at least
            judge(given, ways(home, "posterize", "", bits), oracle.posterize(given.values, bits))

"""Adjustments that look at a whole channel or at what surrounds a pixel: contrast, sharpness, blur."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from conformance.assertions import assert_raises, assert_tensor, assert_values
from conformance.check import check, must_answer
from conformance.numerics import SUMMED
from conformance.oracle import transforms_colour as oracle
from conformance.subject import Subject
from conformance.tables.transforms_colour_samples import BYTES, FLOATS, enhanced, operated, tensors
from conformance.tables.transforms_samples import (
    Given,
    as_picture,
    assert_between,
    assert_cut,
    assert_image,
    functional,
    in_both,
    judge,
    numbers,
    picture,
    tensor,
    transforms,
    ways,
)

pytestmark = must_answer

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
@check("transforms.gaussian-blur", since="2.6")  # the weights were float32 for every dtype up to torchvision 0.18
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

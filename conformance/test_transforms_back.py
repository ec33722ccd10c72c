"""ToPILImage of tensors and arrays, and round trips between pictures and tensors, by example."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import ROUNDED
from conformance.oracle import transforms as oracle
from conformance.tables.transforms_samples import (
    BANDS,
    assert_image,
    functional,
    in_both,
    numbers,
    picture,
    tensor,
    transforms,
    ways,
)
from properties.strategies.recipe import DENSE

pytestmark = must_answer

BYTES = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)

# -- ToPILImage --------------------------------------------------------------------------------------------------------

WAYS_BACK = ((1, "uint8", "L"), (2, "uint8", "LA"), (3, "uint8", "RGB"), (4, "uint8", "RGBA"), (1, "int32", "I"))
OTHER_MODES = {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}


@in_both("transforms.to-pil-image")
def test_to_pil_image_finds_the_mode(subject, home):
    judge_modes(subject, home, WAYS_BACK)


@pytest.mark.parametrize("home", ("classic", "v2"))
@check("transforms.to-pil-image", since="2.13")  # Pillow of today refuses what older torchvisions hand it
def test_to_pil_image_of_16_bits(subject, home):
    judge_modes(subject, home, ((1, "int16", "I;16"),))


def judge_modes(subject, home, rows):
    for count, dtype, mode in rows:
        for size in ((5, 7), (1, 1), (2, 33)):
            values = numbers((count, *size), dtype)
            for text, way in ways(home, "to_pil_image", "ToPILImage"):
                for layout in DENSE:
                    out = way(tensor(subject, values, dtype, layout))
                    assert_image(f"{text} of {dtype} {values.shape}, {layout}", out, values, mode)
                assert_image(f"{text} of an array of {dtype}", way(np.moveaxis(values, 0, -1)), values, mode)
                if count == 1:
                    assert_image(f"{text} of a matrix", way(tensor(subject, values[0], dtype)), values, mode)
                    assert_image(f"{text} of a matrix of numpy's", way(values[0]), values, mode)


@in_both("transforms.to-pil-image")
def test_to_pil_image_takes_the_mode_that_is_asked_for(subject, home):
    for count, modes in OTHER_MODES.items():
        values = numbers((count, 5, 7))
        for mode in modes:
            for text, way in ways(home, "to_pil_image", "ToPILImage", mode):
                assert_image(text, way(tensor(subject, values, "uint8")), values, mode)
                assert_image(f"{text} of an array", way(np.moveaxis(values, 0, -1)), values, mode)


@in_both("transforms.to-pil-image-floats")
def test_to_pil_image_cuts_floats_to_8_bits(subject, home):
    for dtype in ("float32", "float64", "float16"):
        grid = np.linspace(0, 1, 1020).reshape(1, 30, 34).astype(dtype)
        values = np.concatenate([grid, grid[:, ::-1], 1 - grid])
        if dtype == "float16":  # numpy rounds the product to half precision, torch may not: keep clear of whole numbers
            values = ((np.floor(np.arange(3 * 255) % 255) + 0.5) / 255).reshape(3, 15, 17).astype(dtype)
        expected = np.floor(values.astype(np.float64) * 255) if dtype == "float16" else oracle.to_bytes(values)
        for text, way in ways(home, "to_pil_image", "ToPILImage"):
            for layout in ("contiguous", "channels_last", "offset"):
                out = way(tensor(subject, values, dtype, layout))
                assert_image(f"{text} of {dtype}, {layout}", out, expected.astype(np.uint8), "RGB")
            single = way(tensor(subject, values[:1], dtype))
            assert_image(f"{text} of one channel of {dtype}", single, expected[:1].astype(np.uint8), "L")


@pytest.mark.parametrize("home", ("classic", "v2"))
@check("transforms.to-pil-image-floats", since="2.2")  # torchvision 0.15 refuses arrays of floats
def test_to_pil_image_cuts_arrays_of_floats_to_8_bits(subject, home):
    for dtype in ("float32", "float64"):
        values = np.linspace(0, 1, 3 * 340).reshape(3, 10, 34).astype(dtype)
        for text, way in ways(home, "to_pil_image", "ToPILImage"):
            out = way(np.moveaxis(values, 0, -1))
            assert_image(f"{text} of an array of {dtype}", out, oracle.to_bytes(values), "RGB")
            assert_image(f"{text} of a matrix of {dtype}", way(values[0]), oracle.to_bytes(values[:1]), "L")


@in_both("transforms.to-pil-image-floats")
def test_to_pil_image_keeps_floats_in_mode_f(subject, home):
    values = (numbers((1, 5, 7), "float32") - 0.4) * 1000
    for text, way in ways(home, "to_pil_image", "ToPILImage", "F"):
        assert_image(text, way(tensor(subject, values)), values.astype(np.float32), "F")


@in_both("transforms.to-pil-image-refusals")
def test_to_pil_image_refuses_what_makes_no_picture(subject, home):
    back = functional(home).to_pil_image
    for bad in ([[1]], 3, None, picture(BYTES, "L")):
        assert_raises(f"to_pil_image of {type(bad).__name__}", TypeError, lambda: back(bad))
    for shape in ((2,), (1, 3, 2, 2), (5, 2, 2)):
        assert_raises(f"to_pil_image of {shape}", ValueError, lambda: back(torch.ones(shape, dtype=torch.uint8)))
    for count, mode in ((1, "RGB"), (2, "L"), (3, "RGBA"), (3, "L"), (4, "RGB")):
        image = torch.ones((count, 2, 2), dtype=torch.uint8)
        assert_raises(f"to_pil_image of {count} channels, {mode}", ValueError, lambda: back(image, mode))
    for count, dtype in ((1, torch.int64), (3, torch.int32), (1, torch.int8)):
        image = torch.ones((count, 2, 2), dtype=dtype)
        assert_raises(f"to_pil_image of {count} channels of {dtype}", TypeError, lambda: back(image))


# -- there and back ----------------------------------------------------------------------------------------------------


@in_both("transforms.pil-roundtrip-is-lossless")
def test_a_round_trip_of_floats_cuts_to_8_bits(subject, home):
    T = transforms(home)
    for seed, shape in enumerate(((1, 2, 2), (3, 16, 16), (3, 40, 51))):
        values = np.random.default_rng(seed).random(shape).astype(np.float32)
        x = tensor(subject, values)
        out = T.ToTensor()(T.ToPILImage()(x))
        assert_values(f"{home} ToTensor of ToPILImage", out, oracle.to_bytes(values) / 255, ROUNDED, dtype="float32")
        lost = values - host.array(out)
        require(
            lost.min() > -1e-6 and lost.max() < 1 / 255, "a value changes by more than 1/255", "< 1/255", lost.max()
        )


@in_both("transforms.pil-roundtrip-of-bytes")
def test_each_byte_comes_back_from_a_round_trip(subject, home):
    T = transforms(home)
    for mode in ("L", "RGB", "RGBA", "LA"):
        values = np.concatenate([(BYTES.astype(int) * (2 * band + 1) + 3 * band) % 256 for band in range(BANDS[mode])])
        values, image = values.astype(np.uint8), picture(values.astype(np.uint8), mode)
        assert_image(f"{home} ToPILImage of ToTensor", T.ToPILImage()(T.ToTensor()(image)), values, mode)
        assert_image(f"{home} ToPILImage of PILToTensor", T.ToPILImage()(T.PILToTensor()(image)), values, mode)
        out = T.PILToTensor()(T.ToPILImage()(tensor(subject, values, "uint8")))
        assert_values(f"{home} PILToTensor of ToPILImage", out, values, dtype="uint8")

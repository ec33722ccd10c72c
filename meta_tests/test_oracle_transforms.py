"""The oracles of transforms, a second way: by numpy's own functions, by Pillow, and by numbers worked out by hand."""

from __future__ import annotations

import importlib
import itertools

import numpy as np
import pytest

from conformance.oracle import transforms as oracle
from conformance.oracle import transforms_colour as colour
from conformance.oracle import transforms_resize as resizing
from conformance.oracle import transforms_warp as warp
from conformance.tables.transforms_samples import BANDS, PIXELS, numbers, picture, pixels

IMAGE = numbers((3, 5, 7))


# -- pictures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", sorted(BANDS))
def test_a_picture_has_the_values_it_was_made_of(mode: str) -> None:
    values = numbers((BANDS[mode], 4, 5)).astype(PIXELS.get(mode, "uint8"))
    image = picture(values, mode)
    assert (image.mode, image.size) == (mode, (5, 4))
    found = image.getpixel((3, 2))
    assert (found if isinstance(found, tuple) else (found,)) == tuple(values[:, 2, 3].tolist())
    if mode != "RGBX":
        assert (pixels(image) == values).all()


def test_numbers_differ_from_their_neighbours() -> None:
    for dtype in ("uint8", "float32", "float16", "int64", "int16"):
        values = numbers((3, 9, 9), dtype).ravel()
        assert len(np.unique(values)) == 243
        assert (values[1:] != values[:-1]).all()


# -- places ------------------------------------------------------------------------------------------------------------


def test_a_crop_is_a_slice_of_the_padded_image() -> None:
    wide = np.pad(IMAGE, ((0, 0), (6, 6), (6, 6)))
    for top, left, high, wide_ in itertools.product((-3, 0, 2), (-2, 0, 4), (1, 4), (2, 7)):
        expected = wide[:, 6 + top : 6 + top + high, 6 + left : 6 + left + wide_]
        assert (oracle.crop(IMAGE, top, left, high, wide_) == expected).all()


def test_the_start_of_a_centred_stretch() -> None:
    assert [oracle.start(10 + surplus, 10) for surplus in range(9)] == [0, 0, 1, 2, 2, 2, 3, 4, 4]
    assert [oracle.start(10, 10 + lack) for lack in range(1, 6)] == [0, -1, -1, -2, -2]
    assert all(oracle.start(20 + surplus, 20) == round(surplus / 2) for surplus in range(40))


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric", "constant"])
def test_borders_are_numpys(mode: str) -> None:
    for left, top, right, bottom in ((1, 2, 3, 4), (0, 0, 2, 1), (6, 4, 6, 4)):
        expected = np.pad(IMAGE, ((0, 0), (top, bottom), (left, right)), mode)
        assert (oracle.pad(IMAGE, (left, top, right, bottom), mode) == expected).all()
    assert oracle.sides(2) == (2, 2, 2, 2)
    assert oracle.sides((1, 3)) == (1, 3, 1, 3)
    assert (oracle.pad(IMAGE, 1, fill=(1, 2, 3))[:, 0, 0] == (1, 2, 3)).all()


def test_turns_are_numpys() -> None:
    for quarters in range(-2, 6):
        assert (oracle.turned(IMAGE, quarters) == np.rot90(IMAGE, quarters, (1, 2))).all()


def test_windows_are_numpys() -> None:
    view = np.lib.stride_tricks.sliding_window_view(IMAGE, (2, 4), axis=(1, 2))
    found = oracle.windows(IMAGE, 2, 4)
    assert len(found) == 16
    assert (np.stack(found).reshape(4, 4, 3, 2, 4) == np.moveaxis(view, 0, 2)).all()


def test_a_grid_by_hand() -> None:
    images = np.arange(1, 4.0).reshape(3, 1, 1, 1)
    assert oracle.grid(images, 2, 1, 9.0)[0].tolist() == [
        [9, 9, 9, 9, 9],
        [9, 1, 9, 2, 9],
        [9, 9, 9, 9, 9],
        [9, 3, 9, 9, 9],
        [9, 9, 9, 9, 9],
    ]
    assert oracle.grid(np.zeros((4, 3, 224, 224))).shape == (3, 228, 906)


# -- numbers -----------------------------------------------------------------------------------------------------------


def test_conversions_by_hand() -> None:
    one = np.array([255, 128, 0], np.uint8)
    assert oracle.converted(one, "uint8", "float32").tolist() == [1.0, 128 / 255, 0.0]
    assert oracle.converted(one, "uint8", "int16").tolist() == [255 * 128, 128 * 128, 0]
    assert oracle.converted(np.array([32767, 127, 128], np.int16), "int16", "uint8").tolist() == [255, 0, 1]
    exact = oracle.converted(np.array([0.0, 0.5, 1.0]), "float64", "uint8")
    assert np.floor(exact).tolist() == [0, 127, 255]
    assert oracle.to_bytes(np.array([0.0, 0.999, 1.0, 0.5], np.float32)).tolist() == [0, 254, 255, 127]


def test_normalize_by_hand() -> None:
    exact, _ = oracle.normalize(np.ones((2, 1, 1)), [0.5, 2.0], [0.25, -4.0])
    assert exact.ravel().tolist() == [2.0, 0.25]


# -- resizing ----------------------------------------------------------------------------------------------------------


def test_sizes_by_hand() -> None:
    assert resizing.size_of(500, 300, 256) == (426, 256)
    assert resizing.size_of(300, 500, 256) == (256, 426)
    assert resizing.size_of(300, 500, (3, 4)) == (3, 4)
    assert resizing.size_of(30, 100, 10, 20) == (6, 20)
    assert resizing.size_of(100, 30, (10,), 40) == (33, 10)


@pytest.mark.parametrize(("name", "number"), [("bilinear", 2), ("bicubic", 3)])
def test_widened_filters_are_pillows(name: str, number: int) -> None:
    image = numbers((1, 13, 17), "float32")
    for wanted in ((5, 6), (20, 30), (13, 4), (1, 1)):
        exact, _ = resizing.resize(image, *wanted, name, True)
        found = pixels(picture(image, "F").resize(wanted[::-1], number))
        assert np.abs(found - exact).max() < 1e-5


def test_plain_filters_by_hand() -> None:
    assert resizing.weights(2, 4, "bilinear", False).tolist() == [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]
    assert resizing.weights(4, 2, "bilinear", False).tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]
    middle = resizing.weights(8, 16, "bicubic", False)[7]
    x = 0.25  # the centre of pixel 7 of 16 lies a quarter behind that of pixel 3 of 8
    expected = [resizing.cubic(-0.75)(distance) for distance in (1 + x, x, 1 - x, 2 - x)]
    assert np.allclose(middle[2:6], expected)
    for name, smooth in resizing.FILTERS:
        assert np.allclose(resizing.weights(7, 5, name, smooth).sum(axis=1), 1)


def test_nearest_by_hand() -> None:
    line = np.arange(5)[None]
    assert resizing.nearest(line, 1, 3)[0].tolist() == [0, 1, 3]
    assert resizing.nearest(line, 1, 3, exact=True)[0].tolist() == [0, 2, 4]


# -- colours -----------------------------------------------------------------------------------------------------------


def test_luma_is_pillows() -> None:
    image = numbers((3, 40, 41))
    assert (colour.luma(image) == pixels(picture(image, "RGB").convert("L"))).all()


def test_colours_by_hand() -> None:
    red = np.array([1.0, 0.0, 0.0]).reshape(3, 1, 1)
    assert colour.grey(red).ravel().tolist() == [0.2989]
    assert np.allclose(colour.hue(red, 1 / 3).ravel(), [0, 1, 0])
    assert np.allclose(colour.hue(red, -0.5).ravel(), [0, 1, 1])
    assert colour.blend(red, 0.0, 2.0, 1)[0].ravel().tolist() == [1, 0, 0]
    assert colour.blend(red, 0.5, 0.5, 1)[0].ravel().tolist() == [0.75, 0.25, 0.25]
    assert colour.gamma(np.array([0.25, 1.0]), 0.5, 0.5).tolist() == [0.25, 0.5]
    some = np.array([0, 100, 128, 255], np.uint8)
    assert colour.invert(some, 255).tolist() == [255, 155, 127, 0]
    assert colour.solarize(some, 128, 255).tolist() == [0, 100, 127, 0]
    assert colour.posterize(some, 2).tolist() == [0, 64, 128, 192]
    line = np.array([[[2.0, 3.0, 6.0]], [[5.0, 5.0, 5.0]]])
    assert colour.autocontrast(line, 1).tolist() == [[[0, 0.25, 1]], [[5, 5, 5]]]


def test_operations_on_bytes_are_pillows() -> None:
    ops, enhance = (importlib.import_module(f"PIL.{name}") for name in ("ImageOps", "ImageEnhance"))
    image = numbers((3, 20, 21))
    given = picture(image, "RGB")
    assert (colour.solarize(image, 100, 255) == pixels(ops.solarize(given, 100))).all()
    assert (colour.posterize(image, 3) == pixels(ops.posterize(given, 3))).all()
    assert (colour.invert(image, 255) == pixels(ops.invert(given))).all()
    soft = pixels(enhance.Sharpness(given).enhance(0.0)).astype(float)
    assert np.abs(colour.smoothed(image)[:, 1:-1, 1:-1] - soft[:, 1:-1, 1:-1]).max() <= 0.501
    assert (soft[:, 0] == image[:, 0]).all()


def test_a_blur_is_numpys_convolution() -> None:
    image = np.random.default_rng(0).random((1, 8, 9))
    kernel = np.outer(colour.gaussian(5, 0.7), colour.gaussian(3, 1.5))
    wide = np.pad(image, ((0, 0), (2, 2), (1, 1)), "reflect")
    view = np.lib.stride_tricks.sliding_window_view(wide, (5, 3), axis=(1, 2))
    assert np.allclose((view * kernel).sum(axis=(-2, -1)), colour.blur(image, (3, 5), (1.5, 0.7)))
    assert np.isclose(colour.gaussian(7, 0.4).sum(), 1)


def test_warps_by_hand() -> None:
    image = np.arange(12.0).reshape(1, 3, 4)
    for angle, shift, expected in ((0, (1, 0), np.pad(image, ((0, 0), (0, 0), (1, 0)))[..., :4]), (180, (0, 0), None)):
        found, certain = warp.warped(image, warp.affine((4, 3), angle, shift), True)
        due = image[..., ::-1, ::-1] if expected is None else expected
        np.testing.assert_allclose(found[certain], due[certain], atol=1e-12)
    quarter = warp.affine((3, 3), 90)  # clockwise: the first row becomes the last column
    found, certain = warp.warped(image[..., :3], quarter, False)
    np.testing.assert_allclose(found[certain], np.rot90(image[0, :, :3], -1)[None][certain], atol=1e-12)
    start, end = [[0, 0], [4, 0], [4, 3], [0, 3]], [[1, 1], [3, 0], [4, 3], [0, 2]]
    places = warp.perspective(start, end) @ np.array([*zip(*end, strict=True), (1, 1, 1, 1)])
    np.testing.assert_allclose(places[:2] / places[2], np.array(start).T, atol=1e-12)

"""Resize, blurs and conversions of other dtypes, sizes and arguments than most, by the formula."""

from __future__ import annotations

import importlib
import itertools

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_tensor, assert_values, require
from conformance.chance import assert_distribution
from conformance.check import check, must_answer
from conformance.numerics import ROUNDED, SUMMED
from conformance.oracle import random as chances
from conformance.oracle import transforms as places
from conformance.oracle import transforms_colour as colour
from conformance.oracle import transforms_resize as oracle
from conformance.tables import transforms_samples as samples

pytestmark = must_answer


# -- Resize ------------------------------------------------------------------------------------------------------------


@samples.in_both("transforms.resize-antialias")
def test_resize_of_other_dtypes_goes_by_floats_and_rounds(subject, home):
    for size, wanted in (((9, 12), (4, 5)), ((5, 7), (11, 13))):
        for dtype, slack in (("float16", 2e-3), ("int16", 0.501), ("int32", 0.501)):
            given = samples.as_tensor(subject, (dtype, (2, 3), "contiguous"), *size)
            exact, _ = oracle.resize(given.values, *wanted, "bilinear", True)
            for text, way in samples.ways(home, "resize", "Resize", list(wanted), antialias=True):
                out = way(given.image)
                assert_tensor(f"{text} of {given.text}", out, dtype)
                samples.assert_between(f"{text} of {given.text}", out, exact - slack, exact + slack)
                given.assert_unchanged(text)


@samples.in_both("transforms.resize-antialias")
def test_bicubic_resize_of_bytes_is_cut_to_their_range(subject, home):
    """Steps between columns overshoot; the rows are alike, so that rounding between two passes hides none."""
    values = np.broadcast_to(np.where(np.arange(12) // 3 % 2, 255, 0).astype(np.uint8), (2, 3, 9, 12))
    for wanted in ((20, 25), (5, 10)):
        exact, _ = oracle.resize(values, *wanted, "bicubic", True)
        require(exact.max() > 256 or exact.min() < -1, "the example stays in range")
        x, mode = samples.tensor(subject, values, "uint8"), samples.transforms(home).InterpolationMode.BICUBIC
        for text, way in samples.ways(home, "resize", "Resize", list(wanted), interpolation=mode, antialias=True):
            cut = np.clip(exact, 0, 255)
            samples.assert_between(text, way(x), cut - 1.01, cut + 1.01)


@samples.in_both("transforms.resize-antialias")
def test_resize_of_batches_and_of_large_images(subject, home):
    leading = (2, 2, 3) if home == "v2" else (2, 3)  # the classic one takes two leading dimensions at most
    given = samples.as_tensor(subject, ("float32", leading, "contiguous"), 9, 12)
    exact, scale = oracle.resize(given.values, 4, 5, "bilinear", True)
    for text, way in samples.ways(home, "resize", "Resize", [4, 5], antialias=True):
        assert_values(f"{text} of {given.text}", way(given.image), exact, SUMMED.over(100), scale + 1)
    large = samples.numbers((3, 131, 170), "float32")
    x = samples.tensor(subject, large)
    for wanted, smooth in (((120, 150), True), ((140, 180), True), ((120, 150), False)):
        exact, scale = oracle.resize(large, *wanted, "bilinear", smooth)
        for text, way in samples.ways(home, "resize", "Resize", list(wanted), antialias=smooth):
            assert_values(f"{text} of 131x170", way(x), exact, SUMMED.over(1500), scale + 1)


@samples.in_both("transforms.resize-max-size")
def test_resize_with_max_size_takes_the_filter_asked_for(subject, home):
    given = samples.as_picture("RGB", 9, 21)
    for name in ("NEAREST", "BICUBIC", "BOX"):
        expected = samples.pixels(given.image.resize((14, 6), getattr(samples.pillow(), name)))
        named = {"max_size": 14, "interpolation": samples.transforms(home).InterpolationMode[name]}
        for text, way in samples.ways(home, "resize", "Resize", [10], **named):
            given.assert_same(text, way(given.image), expected)
        out = samples.transforms(home).Resize(10, **named)(given.image)
        given.assert_same(f"{home} Resize(10, {named})", out, expected)


@samples.in_both("transforms.random-resized-crop")
def test_random_resized_crop_resizes_as_it_is_told(subject, home):
    """With a scale of 1 and the image's own ratio there is one region, the whole image."""
    T, values = samples.transforms(home), samples.numbers((3, 12, 12))
    named = {"scale": (1.0, 1.0), "ratio": (1.0, 1.0)}
    image, x = samples.picture(values, "RGB"), samples.tensor(subject, values, "float32")
    for name in ("NEAREST", "BICUBIC", "BOX"):
        out = T.RandomResizedCrop((5, 7), **named, interpolation=T.InterpolationMode[name])(image)
        expected = samples.pixels(image.resize((7, 5), getattr(samples.pillow(), name)))
        samples.assert_image(f"{home} RandomResizedCrop(interpolation={name})", out, expected, "RGB")
    for kind, smooth in itertools.product(("bilinear", "bicubic"), (True, False)):
        exact, scale = oracle.resize(values, 5, 7, kind, smooth)
        mode = T.InterpolationMode[kind.upper()]
        out = T.RandomResizedCrop((5, 7), **named, interpolation=mode, antialias=smooth)(x)
        call = f"{home} RandomResizedCrop({kind}, antialias={smooth})"
        assert_values(call, out, exact, SUMMED.over(200), scale + 1)


# -- GaussianBlur ------------------------------------------------------------------------------------------------------


@samples.in_both("transforms.gaussian-blur")
def test_gaussian_blur_of_a_picture_rounds(subject, home):
    for mode, sizes, sigmas in (("RGB", (3, 5), (0.8, 1.7)), ("L", (5, 3), (2.0, 0.4)), ("RGB", (3, 3), (1.1, 1.1))):
        given = samples.as_picture(mode, 8, 9)
        exact = colour.blur(given.values, sizes, sigmas)
        for text, way in samples.ways(home, "gaussian_blur", "", list(sizes), list(sigmas)):
            samples.assert_between(f"{text} of a picture", way(given.image), exact - 0.501, exact + 0.501)
            given.assert_unchanged(text)


@samples.in_both("transforms.gaussian-blur")
def test_gaussian_blur_takes_the_kernels_width_first(subject, home):
    values = samples.numbers((3, 8, 9), "float32")
    for sizes in ((3, 7), (7, 3), (1, 5)):
        exact = colour.blur(values, sizes, (1.25, 1.25))
        out = samples.transforms(home).GaussianBlur(sizes, (1.25, 1.25))(samples.tensor(subject, values))
        assert_values(f"{home} GaussianBlur({sizes}, 1.25)", out, exact, SUMMED.over(100), exact, dtype="float32")


@samples.in_both("transforms.gaussian-blur")
def test_gaussian_blur_draws_sigma_uniformly(subject, home):
    """What a single bright pixel gives to its neighbour, exp(-1 / (2 sigma^2)) of what it keeps, shows sigma."""
    values = np.zeros((1, 9, 9), np.float32)
    values[0, 4, 4] = 1
    x = samples.tensor(subject, values)
    for named, low, high in (({"sigma": (0.5, 2.5)}, 0.5, 2.5), ({"sigma": (1.0, 1.5)}, 1.0, 1.5)):
        blur = samples.transforms(home).GaussianBlur(3, **named)
        outs = [host.array(blur(x)).astype(np.float64) for _ in range(samples.DRAWS // 3)]
        found = np.array([np.sqrt(-0.5 / np.log(out[0, 4, 5] / out[0, 4, 4])) for out in outs])
        assert_distribution(f"{home} GaussianBlur(3, {named}): sigma", found, chances.uniform(low, high), 1e-3)


# -- Normalize, ToTensor and others ------------------------------------------------------------------------------------


@samples.in_both("transforms.normalize-formula")
def test_normalize_of_large_images_and_special_values(subject, home):
    mean, std = [0.5, -1.0, 2.0], [0.25, 2.0, 0.5]
    large = samples.numbers((3, 130, 140), "float32")
    exact, scale = places.normalize(large, mean, std)
    special = np.array([np.nan, np.inf, -np.inf, -0.0, 1e30, 3.0], np.float32) * np.ones((3, 1, 1), np.float32)
    for text, way in samples.ways(home, "normalize", "Normalize", mean, std):
        assert_values(f"{text} of 130x140", way(samples.tensor(subject, large)), exact, SUMMED.over(6), scale)
        expected, scale_special = places.normalize(special, mean, std)
        out = host.array(way(samples.tensor(subject, special)))
        for kind in (np.isnan, np.isposinf, np.isneginf):
            require((kind(out) == kind(expected)).all(), f"{text} of {special[0, 0]} is {out[0, 0]}", expected[0, 0])
        finite = samples.tensor(subject, special[..., 3:].copy())
        assert_values(f"{text} of large values", way(finite), expected[..., 3:], SUMMED.over(6), scale_special[..., 3:])


@samples.in_both("transforms.normalize-formula")
def test_gradients_flow_through_normalize(subject, home):
    for text, way in samples.ways(home, "normalize", "Normalize", [0.5, 0.1], [0.25, 2.0]):
        x = samples.tensor(subject, samples.numbers((2, 3, 4), "float32")).requires_grad_()
        way(x).sum().backward()
        expected = np.broadcast_to(np.array([4.0, 0.5], np.float32)[:, None, None], (2, 3, 4))
        assert_values(f"gradient of {text}", x.grad, expected)


@samples.in_both("transforms.flip")
def test_gradients_flow_through_flips(subject, home):
    for name, expected in (("hflip", places.hflip), ("vflip", places.vflip)):
        x = samples.tensor(subject, samples.numbers((2, 3, 4), "float32")).requires_grad_()
        weights = samples.numbers((2, 3, 4), "float32", 5)
        (getattr(samples.functional(home), name)(x) * samples.tensor(subject, weights)).sum().backward()
        assert_values(f"gradient of {name}", x.grad, expected(weights))


@samples.in_both("transforms.totensor")
def test_totensor_of_large_pictures(subject, home):
    values = samples.numbers((3, 190, 210))
    for text, way in samples.ways(home, "to_tensor", "ToTensor"):
        for given in (samples.picture(values, "RGB"), np.ascontiguousarray(np.moveaxis(values, 0, -1))):
            assert_values(f"{text} of 190x210", way(given), values / 255, ROUNDED, dtype="float32")


@samples.in_both("transforms.convert-image-dtype")
def test_convert_image_dtype_to_the_same_dtype_changes_nothing(subject, home):
    for dtype in ("uint8", "float32", "int64", "float16"):
        x = samples.tensor(subject, samples.numbers((3, 4, 5), dtype), dtype)
        for text, way in samples.ways(home, "convert_image_dtype", "ConvertImageDtype", host.torch_dtype(dtype)):
            assert_values(f"{text} of {dtype}", way(x), samples.numbers((3, 4, 5), dtype), dtype=dtype)


@samples.in_both("transforms.equalize")
def test_equalize_goes_by_each_channels_own_values(subject, home):
    values = np.stack([(samples.numbers((3, 40, 50), seed=k) // (k + 2) + 30 * k).astype(np.uint8) for k in range(3)])
    values[:, 1] //= 2
    out = samples.functional(home).equalize(samples.tensor(subject, values, "uint8"))
    operate = importlib.import_module("PIL.ImageOps").equalize
    expected = np.stack([samples.pixels(operate(samples.picture(one, "RGB"))) for one in values])
    assert_values(f"{home} equalize of a batch", out, expected, dtype="uint8")


@samples.in_both("transforms.adjust-hue")
def test_adjust_hue_of_larger_images(subject, home):
    values = samples.numbers((3, 24, 31), "float32")
    exact = colour.hue(values, 0.2)
    out = samples.functional(home).adjust_hue(samples.tensor(subject, values), 0.2)
    samples.assert_between(f"{home} adjust_hue of 24x31", out, exact - 1e-5, exact + 1e-5)


@samples.in_both("transforms.compose-in-order")
def test_compose_applies_any_number_of_steps(subject, home):
    T = samples.transforms(home)
    chain = T.Compose([T.Lambda(lambda x, k=k: x * 3 + k) for k in range(12)])
    expected = 1
    for k in range(12):
        expected = expected * 3 + k
    assert_values(f"{home} Compose of twelve", chain(torch.tensor(1)), expected, dtype="int64")


@samples.in_both("transforms.random-choice")
def test_random_choice_takes_weights_that_do_not_add_up_to_1(subject, home):
    T = samples.transforms(home)
    choice = T.RandomChoice([T.Lambda(lambda x, k=k: x + k) for k in range(3)], p=[1, 6, 1])
    found = np.array([int(choice(torch.tensor(0))) for _ in range(samples.DRAWS)])
    chances_found = [(found == k).mean() for k in range(3)]
    require(0.6 < chances_found[1] < 0.9, f"{home} RandomChoice(p=[1, 6, 1]) gives shares {chances_found}", "1/8, 6/8")


@check("transforms.linear-transformation")
def test_linear_transformation_in_single_precision(subject):
    matrix, mean = samples.numbers((24, 24), "float32", 3), samples.numbers((24,), "float32")
    values = samples.numbers((5, 2, 3, 4), "float32")
    change = samples.transforms().LinearTransformation(samples.tensor(subject, matrix), samples.tensor(subject, mean))
    flat = values.reshape(-1, 24).astype(np.float64) - mean
    scale = (np.abs(flat) @ np.abs(matrix)).reshape(values.shape)
    for image, place in ((samples.tensor(subject, values), slice(None)), (samples.tensor(subject, values[0]), 0)):
        out, expected = change(image), (flat @ matrix).reshape(values.shape)[place]
        assert_values("LinearTransformation", out, expected, SUMMED.over(60), scale[place], dtype="float32")

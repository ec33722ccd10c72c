"""The transforms of v2 that the classic set has not: sizes drawn at random, colours, and types, by example."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.chance import assert_distribution
from conformance.check import check, must_answer
from conformance.numerics import COMPOSED
from conformance.oracle import random as chances
from conformance.subject import Unsupported
from conformance.tables import transforms_samples as samples
from conformance.tables.transforms_samples import functional, numbers, picture, pixels, tensor, transforms

pytestmark = must_answer


def typed() -> Any:
    """The module with the types of images, boxes and masks."""
    transforms("v2")
    return importlib.import_module("torchvision.tv_tensors")


# -- sizes drawn at random ---------------------------------------------------------------------------------------------


@check("transforms.v2-sizes", since="2.2")
def test_zoom_out_puts_the_image_on_a_larger_canvas(subject):
    T, values = transforms("v2"), 1 + numbers((3, 5, 7)) % 200
    x, high, wide = tensor(subject, values, "uint8"), 5, 7
    for named, (least, most), fill in (({}, (1, 4), 0), ({"side_range": (2, 3), "fill": 9}, (2, 3), 9)):
        for way, image in (
            (T.RandomZoomOut(p=1.0, **named), x),
            (T.RandomZoomOut(p=1.0, **named), picture(values, "RGB")),
        ):
            for _ in range(30):
                out = way(image)
                found = (
                    pixels(out) if samples.is_image(out) else host.array(assert_tensor("RandomZoomOut", out, "uint8"))
                )
                size, (top, left) = found.shape[1:], np.argwhere((found != fill).all(0))[0]
                near = all(least * a - 1 <= b <= most * a for a, b in zip((high, wide), size, strict=True))
                require(near, f"RandomZoomOut({named}) of 5x7 is {size}", (least, most), size)
                due = np.full_like(found, fill)
                due[:, top : top + high, left : left + wide] = values
                samples.assert_arrays(f"RandomZoomOut({named})", found, due)


@check("transforms.v2-sizes", since="2.2")
def test_zoom_out_draws_its_canvas_and_place_uniformly(subject):
    T, side = transforms("v2"), 50
    x = torch.ones(1, side, side, dtype=torch.uint8)
    count = samples.DRAWS // 4
    sizes = np.array([T.RandomZoomOut(p=1.0)(x).shape[-1] for _ in range(count)]) / side
    assert_distribution("RandomZoomOut: side", sizes, chances.uniform(1, 4), 1 / side)
    still = T.RandomZoomOut(side_range=(4, 4), p=1.0)
    corners = np.array([np.argwhere(host.array(still(x))[0])[0] for _ in range(count)]) / (3 * side)
    for name, draws in (("top", corners[:, 0]), ("left", corners[:, 1])):
        assert_distribution(f"RandomZoomOut: {name}", draws, chances.uniform(0, 1), 1 / side)
    for named, p in (({}, 0.5), ({"p": 0.2}, 0.2), ({"p": 0.0}, 0.0)):
        way = T.RandomZoomOut(side_range=(2, 3), **named)
        acted = [int(way(x).shape[-1] != side) for _ in range(samples.DRAWS // 2)]
        samples.assert_chances(f"RandomZoomOut({named})", acted, [1 - p, p])


@check("transforms.v2-sizes", since="2.2")
def test_scale_jitter_scales_to_a_target(subject):
    T, values = transforms("v2"), numbers((3, 12, 20))
    image, x = picture(values, "RGB"), tensor(subject, values, "uint8")
    # The scale times the least of target width / height and target height / width, as the reference detection does.
    for target in ((24, 40), (18, 60), (60, 24)):
        size = (int(12 * min(target[1] / 12, target[0] / 20)), int(20 * min(target[1] / 12, target[0] / 20)))
        out = T.ScaleJitter(target, scale_range=(1.0, 1.0))(image)
        due = pixels(image.resize(size[::-1], samples.pillow().BILINEAR))
        samples.assert_image(f"ScaleJitter({target}, (1, 1))", out, due, "RGB")
        assert_tensor(f"ScaleJitter({target}, (1, 1))", T.ScaleJitter(target, (1.0, 1.0))(x), "uint8", (3, *size))
    large = torch.ones(1, 100, 100, dtype=torch.uint8)
    for named, (least, most) in (({}, (0.1, 2.0)), ({"scale_range": (0.5, 0.8)}, (0.5, 0.8))):
        way = T.ScaleJitter((100, 100), **named, interpolation=T.InterpolationMode.NEAREST)
        shares = np.array([way(large).shape[-1] / 100 for _ in range(samples.DRAWS // 4)])
        assert_distribution(f"ScaleJitter({named})", shares, chances.uniform(least, most), 0.01 / (most - least))


@check("transforms.v2-sizes", since="2.2")
def test_the_shortest_side_is_drawn(subject):
    T, x = transforms("v2"), torch.ones(1, 10, 20, dtype=torch.uint8)
    for given, named, due in (
        ([5, 8, 11], {}, {(5, 10), (8, 16), (11, 22)}),
        (7, {}, {(7, 14)}),
        ([5, 8, 11], {"max_size": 16}, {(5, 10), (8, 16)}),
        ([30], {"max_size": 20}, {(10, 20)}),
    ):
        way = T.RandomShortestSize(given, **named)
        found = {tuple(way(x).shape[1:]) for _ in range(samples.enough([1 / 3] * 3))}
        require(found == due, f"RandomShortestSize({given}, {named}) of 10x20 gives {found}", due, found)
    way = T.RandomResize(5, 9)
    found = {tuple(way(x).shape[1:]) for _ in range(samples.enough([1 / 4] * 4))}
    due = {(side, 2 * side) for side in range(5, 9)}
    require(due <= found <= due | {(9, 18)}, f"RandomResize(5, 9) of 10x20 gives {found}", due, found)


@check("transforms.v2-sizes", since="2.2")
def test_an_iou_crop_is_a_part_of_the_image(subject):
    T, types = transforms("v2"), typed()
    values = np.arange(20 * 30, dtype=np.float32).reshape(1, 20, 30)
    x = types.Image(tensor(subject, values))
    corners = np.array([[2, 3, 7, 9], [10, 1, 22, 18]], np.float32)
    boxes = types.BoundingBoxes(tensor(subject, corners), format="XYXY", canvas_size=(20, 30))
    sizes = set()
    for way, whole in ((T.RandomIoUCrop(), False), (T.RandomIoUCrop(sampler_options=[2.0]), True)):
        for _ in range(15):
            out, moved = way(x, boxes)
            found = host.array(torch.as_tensor(out))
            top, left = divmod(int(found[0, 0, 0]), 30)
            due = values[:, top : top + found.shape[1], left : left + found.shape[2]]
            samples.assert_arrays("RandomIoUCrop: the image", found, due)
            require(tuple(moved.canvas_size) == found.shape[1:], "RandomIoUCrop: canvas", found.shape[1:])
            require(not whole or found.shape == values.shape, "RandomIoUCrop([2.0]) crops", values.shape, found.shape)
            sizes.add(found.shape)
    require(len(sizes) > 2, "RandomIoUCrop always takes one size")
    require(min(size[1] / 20 for size in sizes) >= 0.3 - 1 / 20, "RandomIoUCrop takes less than min_scale", 0.3, sizes)


# -- colours and types -------------------------------------------------------------------------------------------------


@check("transforms.v2-colours", since="2.6")
def test_rgb_makes_three_equal_channels_of_one(subject):
    T, F = transforms("v2"), functional("v2")
    grey, colours = numbers((1, 4, 5)), numbers((3, 4, 5))
    for way, text in ((T.RGB(), "RGB()"), (F.grayscale_to_rgb, "grayscale_to_rgb")):
        for dtype in ("uint8", "float32"):
            for shape in ((1, 4, 5), (2, 1, 4, 5)):
                values = numbers(shape, dtype)
                x = tensor(subject, values, dtype)
                assert_values(f"{text} of {dtype}{shape}", way(x), np.repeat(values, 3, -3), dtype=dtype)
                assert_values("the image afterwards", x, values)
            full = numbers((3, 4, 5), dtype)
            assert_values(f"{text} of three channels", way(tensor(subject, full, dtype)), full, dtype=dtype)
        samples.assert_image(f"{text} of L", way(picture(grey, "L")), np.repeat(grey, 3, 0), "RGB")
        samples.assert_image(f"{text} of RGB", way(picture(colours, "RGB")), colours, "RGB")


@check("transforms.v2-colours", since="2.2")
def test_photometric_distortion_by_fixed_factors(subject):
    T, values = transforms("v2"), numbers((3, 4, 5), "float32")
    x = tensor(subject, values)
    assert_values("RandomPhotometricDistort(p=0)", T.RandomPhotometricDistort(p=0.0)(x), values)
    one = {"contrast": (1.0, 1.0), "saturation": (1.0, 1.0), "hue": (0.0, 0.0)}
    way = T.RandomPhotometricDistort(brightness=(0.5, 0.5), **one, p=1.0)
    orders = {
        order: values[list(order)] / 2 for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    }
    seen = set()
    for _ in range(samples.enough([1 / 6] * 6)):
        out = way(x)
        order = min(orders, key=lambda order: np.abs(orders[order] - host.array(out)).max())
        assert_values("RandomPhotometricDistort(brightness=0.5)", out, orders[order], COMPOSED.over(16), 1.0)
        seen.add(order)
    require(seen == set(orders), f"RandomPhotometricDistort gives the orders {seen} only", set(orders), seen)
    outs = {host.array(T.RandomPhotometricDistort()(x)).tobytes() for _ in range(12)}
    require(len(outs) > 3, "RandomPhotometricDistort() does not vary")


@check("transforms.v2-colours", since="2.6")
def test_jpeg_refuses_other_qualities_than_1_to_100(subject):
    T = transforms("v2")
    for bad in (0, 101, (0, 50), (60, 50), (5,), 7.5, "high", (1, 2, 3)):
        assert_raises(f"JPEG({bad!r})", (TypeError, ValueError), lambda: T.JPEG(bad))


@check("transforms.v2-colours", since="2.6")
def test_jpeg_quantises_a_grey_as_the_standard_table_does(subject):
    T = transforms("v2")
    try:
        importlib.import_module("torchvision.io").encode_jpeg(torch.zeros(3, 8, 8, dtype=torch.uint8))
    except RuntimeError as error:
        raise Unsupported(f"torchvision without its JPEG library: {error}") from None
    for quality, step in ((100, 1), (50, 16), (20, 40), (10, 80)):
        for level in (128, 132, 138, 190, 40):
            values = np.full((3, 16, 16), level, np.uint8)
            due = 128 + step * np.rint(8 * (level - 128) / step) / 8  # the one coefficient that is not zero
            for way in (T.JPEG(quality), T.JPEG((quality, quality))):
                for image in (tensor(subject, values, "uint8"), picture(values, "RGB")):
                    out = way(image)
                    low = np.full((3, 16, 16), np.floor(np.clip(due, 0, 255) - 0.5))
                    samples.assert_between(f"JPEG({quality}) of grey {level}", out, low, low + 2)


@check("transforms.v2-colours", since="2.2")
def test_pure_tensors_lose_their_type_only(subject):
    T, types, x = transforms("v2"), typed(), tensor(subject, numbers((3, 4, 5), "float32"))
    given = {"image": types.Image(x), "mask": types.Mask(x), "more": [1, "text"], "plain": x}
    out = T.ToPureTensor()(given)
    for key in ("image", "mask", "plain"):
        require(type(out[key]) is torch.Tensor, f"ToPureTensor leaves a {type(out[key]).__name__}")
        assert_values(f"ToPureTensor: {key}", out[key], numbers((3, 4, 5), "float32"))
    require(out["more"] == [1, "text"] and type(given["image"]) is types.Image, "ToPureTensor changes other things")

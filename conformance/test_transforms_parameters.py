"""What transforms measure and draw: dimensions, parameters of affine maps, perspective, matrices, boxes and masks."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from conformance.assertions import Unchanged, assert_raises, assert_tensor, assert_values, require
from conformance.chance import assert_distribution
from conformance.check import check, must_answer
from conformance.numerics import SUMMED
from conformance.oracle import random as chances
from conformance.oracle import transforms as oracle
from conformance.tables.transforms_samples import (
    DRAWS,
    functional,
    images,
    in_both,
    judge,
    numbers,
    picture,
    tensor,
    transforms,
    ways,
)

pytestmark = must_answer


@in_both("transforms.dimensions")
def test_dimensions_of_every_kind_of_image(subject, home):
    F = functional(home)
    for given in images(subject, 5, 8):
        depth = given.values.shape[-3]
        found = [F.get_dimensions(given.image), F.get_image_size(given.image), F.get_image_num_channels(given.image)]
        require(found == [[depth, 5, 8], [8, 5], depth], f"{home} dimensions of {given.text}", [depth, 5, 8], found)
    found = F.get_dimensions(tensor(subject, numbers((4, 7), "float32")))
    require(found == [1, 4, 7], f"{home} get_dimensions of a matrix", [1, 4, 7], found)
    assert_raises(f"{home} get_dimensions of an array", TypeError, lambda: F.get_dimensions(numbers((3, 4, 5))))


# -- affine maps -------------------------------------------------------------------------------------------------------

NOTHING = (0.0, (0, 0), 1.0, (0.0, 0.0))


def drawn(count: int, *arguments: Any) -> tuple[np.ndarray, ...]:
    """Angles, shifts, scales and shears that RandomAffine draws for an image of 20x80."""
    found = [transforms().RandomAffine.get_params(*arguments, [80, 20]) for _ in range(count)]
    return tuple(np.array([one[place] for one in found], np.float64) for place in range(4))


@check("transforms.random-affine")
def test_random_affine_draws_uniformly(subject):
    made = transforms().RandomAffine(30, translate=(0.25, 0.1), scale=(0.5, 1.5), shear=10)
    angle, shift, scale, shear = drawn(DRAWS, made.degrees, made.translate, made.scale, made.shear)
    assert_distribution("RandomAffine: angle", angle, chances.uniform(-30, 30), 1e-5)
    assert_distribution("RandomAffine: scale", scale, chances.uniform(0.5, 1.5), 1e-5)
    assert_distribution("RandomAffine: shear", shear[:, 0], chances.uniform(-10, 10), 1e-5)
    require((shear[:, 1] == 0).all(), "RandomAffine with one shear shears in y", 0, shear[:, 1].max())
    for place, most in ((0, 20), (1, 2)):
        require(
            (np.abs(shift[:, place]) <= most).all(), f"RandomAffine shifts beyond {most}", most, np.abs(shift).max()
        )
        require((shift == np.rint(shift)).all(), "RandomAffine shifts by parts of a pixel")
        assert_distribution("RandomAffine: shift", shift[:, place], chances.uniform(-most, most), 0.6 / most)


@check("transforms.random-affine")
def test_random_affine_leaves_out_what_is_not_asked_for(subject):
    made = transforms().RandomAffine(0)
    for values, wanted in zip(drawn(20, made.degrees, made.translate, made.scale, made.shear), NOTHING, strict=True):
        require((values == np.array(wanted)).all(), "RandomAffine(0) draws", wanted, values[0])
    both = transforms().RandomAffine((10, 20), shear=(-5, 5, 20, 30))
    angle, shift, scale, shear = drawn(DRAWS // 2, both.degrees, both.translate, both.scale, both.shear)
    assert_distribution("RandomAffine: angle", angle, chances.uniform(10, 20), 1e-5)
    assert_distribution("RandomAffine: shear in y", shear[:, 1], chances.uniform(20, 30), 1e-5)
    assert_distribution("RandomAffine: shear in x", shear[:, 0], chances.uniform(-5, 5), 1e-5)
    require((shift == 0).all() and (scale == 1).all(), "RandomAffine shifts or scales unasked")
    for named in ({"degrees": -1}, {"degrees": 0, "translate": (1.5, 0)}, {"degrees": 0, "scale": (-1, 1)}):
        assert_raises(f"RandomAffine({named})", ValueError, lambda: transforms().RandomAffine(**named))


@in_both("transforms.perspective")
def test_perspective_maps_points_to_points(subject, home):
    corners = [[0, 0], [8, 0], [8, 8], [0, 8]]  # of the image, not of its pixels' middles
    mirrored = [[8, 0], [0, 0], [0, 8], [8, 8]]
    moved = [[x + 2, y - 1] for x, y in corners]
    nearest = transforms(home).InterpolationMode.NEAREST
    kinds = (("float32", (3,), "contiguous"), ("float64", (2, 3), "channels_last"), ("uint8", (1,), "offset"))
    for given in images(subject, 8, 8, ("RGB", "L"), kinds):
        shifted = oracle.crop(given.values, 1, -2, 8, 8)
        for end, expected in ((corners, given.values), (moved, shifted), (mirrored, oracle.hflip(given.values))):
            judge(given, ways(home, "perspective", "", corners, end, interpolation=nearest), expected)


@in_both("transforms.linear-transformation")
def test_linear_transformation_multiplies_the_flat_image(subject, home):
    values = numbers((2, 3, 2, 4), "float64")
    matrix, mean = numbers((24, 24), "float64", 3) - 0.4, numbers((24,), "float64", 5)
    x, m, v = (tensor(subject, array, "float64") for array in (values, matrix, mean))
    make = transforms(home).LinearTransformation
    change = make(m, v)
    for image, array in ((x, values), (x[0], values[0])):
        before = Unchanged(img=image)
        flat = array.reshape(-1, 24) - mean
        scale = (np.abs(flat) @ np.abs(matrix)).reshape(array.shape)
        out = change(image)
        assert_values(f"{home} LinearTransformation", out, (flat @ matrix).reshape(array.shape), SUMMED.over(60), scale)
        before.check("LinearTransformation(img)")
    assert_raises("LinearTransformation of another size", ValueError, lambda: change(x[..., :3]))
    assert_raises("a matrix that is not square", ValueError, lambda: make(m[:3], v))
    assert_raises("a mean of another length", ValueError, lambda: make(m, v[:3]))


# -- boxes and masks ---------------------------------------------------------------------------------------------------


def scene(subject: Any) -> dict[str, Any]:
    """An image of 6x10 with two boxes (left, top, right, bottom), a mask, and what no transform touches."""
    kinds = importlib.import_module("torchvision.tv_tensors")
    boxes = tensor(subject, np.array([[1, 2, 4, 5], [0, 0, 10, 6]], np.float32))
    return {
        "image": kinds.Image(tensor(subject, numbers((3, 6, 10)), "uint8")),
        "boxes": kinds.BoundingBoxes(boxes, format="XYXY", canvas_size=(6, 10)),
        "mask": kinds.Mask(tensor(subject, numbers((1, 6, 10), seed=3), "uint8")),
        "others": ["label", 7, picture(numbers((3, 6, 10)), "RGB")],
    }


@check("transforms.v2-together")
def test_what_comes_together_is_transformed_together(subject):
    T, values, mask = transforms("v2"), numbers((3, 6, 10)), numbers((1, 6, 10), seed=3)
    for transform, moved, boxes in (
        (T.RandomHorizontalFlip(1.0), oracle.hflip, [[6, 2, 9, 5], [0, 0, 10, 6]]),
        (T.RandomVerticalFlip(1.0), oracle.vflip, [[1, 1, 4, 4], [0, 0, 10, 6]]),
        (T.CenterCrop((4, 6)), lambda x: oracle.center_crop(x, 4, 6), [[0, 1, 2, 4], [0, 0, 6, 4]]),
        (T.Pad((1, 2, 3, 0)), lambda x: oracle.pad(x, (1, 2, 3, 0)), [[2, 4, 5, 7], [1, 2, 11, 8]]),
    ):
        given = scene(subject)
        out = transform(given)
        require(list(out) == list(given), f"{transform} changes the structure", list(given), list(out))
        assert_values(f"{transform}: image", out["image"], moved(values), dtype="uint8")
        assert_values(f"{transform}: mask", out["mask"], moved(mask), dtype="uint8")
        assert_values(f"{transform}: boxes", out["boxes"], np.array(boxes, np.float32), dtype="float32")
        for name in ("image", "boxes", "mask"):
            require(type(out[name]) is type(given[name]), f"{transform} changes the type of {name}", type(given[name]))
        require(out["others"][:2] == ["label", 7], f"{transform} changes a label", ["label", 7], out["others"][:2])
        size = tuple(out["boxes"].canvas_size)
        require(size == moved(values).shape[1:], f"{transform}: canvas_size", moved(values).shape[1:], size)


@check("transforms.v2-together")
def test_a_random_transform_draws_once_for_all(subject):
    T = transforms("v2")
    values, mask = numbers((3, 6, 10)), numbers((1, 6, 10), seed=3)
    crop = T.RandomCrop((3, 4))
    windows = [place.tobytes() for place in oracle.windows(values, 3, 4)]
    for _ in range(max(DRAWS // 20, 20)):
        out = crop(scene(subject))
        image = assert_tensor("RandomCrop: image", out["image"], "uint8", (3, 3, 4)).cpu().contiguous().numpy()
        require(image.tobytes() in windows, "RandomCrop gives no part of the image")
        expected = oracle.windows(mask, 3, 4)[windows.index(image.tobytes())]
        assert_values("RandomCrop: mask", out["mask"], expected, dtype="uint8")

"""Crops, borders, flips and turns: where each pixel of the result comes from, of PIL images and of tensors."""

from __future__ import annotations

import itertools

import torch

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_values, require
from conformance.check import must_answer
from conformance.oracle import transforms as oracle
from conformance.tables.transforms_samples import (
    MODES,
    TENSORS,
    Given,
    as_picture,
    as_tensor,
    assert_image,
    functional,
    images,
    in_both,
    judge,
    numbers,
    picture,
    tensor,
    thin,
    ways,
)

pytestmark = must_answer

SIZES = ((6, 8), (7, 5), (1, 4), (17, 3))
FLIPS = {"hflip": oracle.hflip, "vflip": oracle.vflip}


def some(subject, high: int, wide: int, turn: int) -> list[Given]:
    """Four of the kinds of images, others at each turn."""
    pictures = [as_picture(MODES[(turn + k) % 2 + 4 * (k == 1 and turn % 3 == 0)], high, wide, turn) for k in range(2)]
    tensors = [as_tensor(subject, TENSORS[(2 * turn + k) % len(TENSORS)], high, wide, turn) for k in range(2)]
    return pictures + tensors


# -- crops -------------------------------------------------------------------------------------------------------------


@in_both("transforms.crop")
def test_crop_gives_the_rectangle(subject, home):
    boxes = ((0, 0, 6, 8), (1, 2, 3, 4), (5, 7, 1, 1), (2, 0, 4, 8), (0, 3, 6, 1))
    for given in images(subject, 6, 8):
        for box in boxes:
            judge(given, ways(home, "crop", "", *box), oracle.crop(given.values, *box))


@in_both("transforms.crop")
def test_crop_fills_with_zeros_beyond_the_border(subject, home):
    boxes = ((-2, -1, 5, 5), (4, 6, 5, 4), (-3, 2, 12, 3), (1, -2, 2, 14), (-1, -1, 8, 10), (5, 0, 3, 8))
    for given in images(subject, 6, 8):
        for box in boxes:
            judge(given, ways(home, "crop", "", *box), oracle.crop(given.values, *box))


OUTSIDE = ((-3, 0, 2, 4), (0, -5, 3, 2), (-4, -4, 1, 1), (9, 2, 3, 3), (1, 12, 2, 2))


@in_both("transforms.crop-outside")
def test_crop_of_a_picture_wholly_outside_gives_zeros(subject, home):
    for given, box in itertools.product((as_picture(mode, 6, 8) for mode in MODES), OUTSIDE):
        judge(given, ways(home, "crop", "", *box), oracle.crop(given.values, *box))


@in_both("transforms.crop-outside")
def test_crop_of_a_tensor_wholly_outside_gives_zeros(subject, home):
    for given, box in itertools.product(images(subject, 6, 8, ()), OUTSIDE):
        judge(given, ways(home, "crop", "", *box), oracle.crop(given.values, *box))


@in_both("transforms.center-crop")
def test_center_crop_starts_at_half_the_surplus(subject, home):
    pairs = itertools.product(((6, 8), (7, 5), (9, 12), (12, 9)), ((1, 1), (2, 3), (3, 2), (4, 5), (5, 4), (6, 5)))
    for turn, ((high, wide), size) in thin(enumerate(pairs), 1):
        if size[0] <= high and size[1] <= wide:
            for given in some(subject, high, wide, turn):
                judge(given, ways(home, "center_crop", "CenterCrop", size), oracle.center_crop(given.values, *size))
    for given in images(subject, 11, 8):
        judge(given, ways(home, "center_crop", "CenterCrop", 4), oracle.center_crop(given.values, 4, 4))
        judge(given, ways(home, "center_crop", "CenterCrop", [5]), oracle.center_crop(given.values, 5, 5))


@in_both("transforms.center-crop")
def test_center_crop_of_each_surplus(subject, home):
    for surplus in range(12):
        x = numbers((1, 3 + surplus, 4), seed=surplus)
        out = functional(home).center_crop(tensor(subject, x, "uint8"), [3, 4])
        assert_values(f"{home} center_crop of 3 rows of {3 + surplus}", out, oracle.center_crop(x, 3, 4), dtype="uint8")
    values = numbers((3, 256, 341))
    for text, way in ways(home, "center_crop", "CenterCrop", 224):
        out = way(picture(values, "RGB"))
        assert_image(f"{text} of 256x341", out, oracle.center_crop(values, 224, 224), "RGB")


@in_both("transforms.center-crop-padding")
def test_center_crop_of_a_small_image_pads_with_zeros(subject, home):
    pairs = itertools.product(((6, 8), (7, 5), (3, 3)), ((9, 9), (8, 8), (10, 4), (4, 11), (12, 6)))
    for turn, ((high, wide), size) in thin(enumerate(pairs), 1):
        if size[0] > high or size[1] > wide:
            for given in some(subject, high, wide, turn):
                judge(given, ways(home, "center_crop", "CenterCrop", size), oracle.center_crop(given.values, *size))


@in_both("transforms.five-crop")
def test_five_crop_gives_the_corners_and_the_centre(subject, home):
    for given in images(subject, 7, 9):
        for size, (high, wide) in (((3, 4), (3, 4)), ([2], (2, 2)), (5, (5, 5)), ((7, 9), (7, 9))):
            for text, way in ways(home, "five_crop", "FiveCrop", size):
                out = way(given.image)
                require(
                    isinstance(out, tuple) and len(out) == 5, f"{text} is no tuple of five", "five", repr(type(out))
                )
                for part, expected in zip(out, oracle.five_crop(given.values, high, wide), strict=True):
                    given.assert_same(text, part, expected)
                given.assert_unchanged(text)


@in_both("transforms.ten-crop")
def test_ten_crop_adds_those_of_the_flipped_image(subject, home):
    for given, vertical in itertools.product(images(subject, 7, 9), (False, True)):
        flipped = (oracle.vflip if vertical else oracle.hflip)(given.values)
        expected = oracle.five_crop(given.values, 3, 4) + oracle.five_crop(flipped, 3, 4)
        plain = [] if vertical else ways(home, "ten_crop", "TenCrop", (3, 4))
        for text, way in plain + ways(home, "ten_crop", "TenCrop", (3, 4), vertical_flip=vertical):
            out = way(given.image)
            require(isinstance(out, tuple) and len(out) == 10, f"{text} is no tuple of ten", "ten", repr(type(out)))
            for part, values in zip(out, expected, strict=True):
                given.assert_same(text, part, values)
            given.assert_unchanged(text)


@in_both("transforms.five-crop")
def test_five_crop_refuses_more_than_there_is(subject, home):
    for given in some(subject, 5, 6, 1):
        for size in ((6, 3), (3, 7)):
            for text, way in ways(home, "five_crop", "FiveCrop", size):
                assert_raises(f"{text} of 5x6", ValueError, lambda: way(given.image))


# -- borders -----------------------------------------------------------------------------------------------------------

PADDINGS = (2, [3], (1, 3), [2, 0], (1, 2, 3, 4), [0, 0, 2, 1], 0)


@in_both("transforms.pad-constant")
def test_pad_surrounds_with_a_value(subject, home):
    for given in images(subject, 5, 6):
        for number, padding in thin(enumerate(PADDINGS), 2):
            fill = (0, 7, 1)[number % 3] if given.kind != "float16" else 0
            named = {"fill": fill} if fill else {}
            judge(given, ways(home, "pad", "Pad", padding, **named), oracle.pad(given.values, padding, fill=fill))


@in_both("transforms.pad-constant")
def test_pad_fills_with_a_colour(subject, home):
    for mode, fill in (("RGB", (1, 20, 255)), ("RGBA", (1, 2, 3, 4)), ("LA", (9, 8)), ("RGB", (200,))):
        given = as_picture(mode, 4, 5)
        expected = oracle.pad(given.values, (1, 2, 3, 4), fill=fill if len(fill) > 1 else fill[0])
        if len(fill) > 1:
            judge(given, ways(home, "pad", "Pad", (1, 2, 3, 4), fill=fill), expected)
    for given in (as_tensor(subject, TENSORS[0], 4, 5), as_tensor(subject, TENSORS[2], 4, 5)):
        expected = oracle.pad(given.values, 2, fill=-0.5)
        judge(given, ways(home, "pad", "Pad", 2, fill=-0.5), expected)
        judge(given, ways(home, "pad", "Pad", 2, -0.5, "constant"), expected)


@in_both("transforms.pad-modes")
def test_pad_repeats_or_mirrors_the_image(subject, home):
    kinds = [row for row in TENSORS if len(row[1]) < 3 and row[0] != "float16"]
    for given in images(subject, 5, 6, ("RGB", "L", "RGBA", "I", "F"), kinds):
        for mode, padding in itertools.product(
            ("edge", "reflect", "symmetric"), thin(((1, 2, 3, 4), 2, (1, 3), [0, 0, 2, 1]))
        ):
            expected = oracle.pad(given.values, padding, mode)
            judge(given, ways(home, "pad", "Pad", padding, padding_mode=mode), expected)


@in_both("transforms.pad-modes")
def test_pad_mirrors_as_far_as_the_image_reaches(subject, home):
    for given in (as_picture("L", 4, 5), as_tensor(subject, TENSORS[0], 4, 5), as_tensor(subject, TENSORS[1], 4, 5)):
        judge(given, ways(home, "pad", "Pad", (4, 3), 0, "reflect"), oracle.pad(given.values, (4, 3), "reflect"))
        judge(given, ways(home, "pad", "Pad", (5, 4), 0, "symmetric"), oracle.pad(given.values, (5, 4), "symmetric"))
        judge(given, ways(home, "pad", "Pad", (9, 8), 0, "edge"), oracle.pad(given.values, (9, 8), "edge"))


@in_both("transforms.pad-refusals")
def test_pad_refuses_three_numbers_and_unknown_modes(subject, home):
    for given in some(subject, 4, 4, 1):
        for arguments in (((1, 2, 3),), (1, 0, "mirror")):
            for text, way in ways(home, "pad", "Pad", *arguments):
                assert_raises(text, ValueError, lambda: way(given.image))
        given.assert_unchanged("a refused pad")


# -- flips and turns ---------------------------------------------------------------------------------------------------


@in_both("transforms.flip")
def test_flips_reverse_columns_or_rows(subject, home):
    for (high, wide), (name, expected) in itertools.product(SIZES, FLIPS.items()):
        for given in images(subject, high, wide):
            judge(given, ways(home, name, ""), expected(given.values))
    long = numbers((3, 200, 301))
    for name, expected in FLIPS.items():
        out = getattr(functional(home), name)(tensor(subject, long, "uint8"))
        assert_values(f"{home} {name} of {long.shape}", out, expected(long), dtype="uint8")


@in_both("transforms.flip")
def test_flips_give_memory_of_their_own(subject, home):
    for name in FLIPS:
        for shape in ((3, 4, 5), (3, 1, 1), (1, 4, 1)):
            x = tensor(subject, numbers(shape, "float32"))
            before = Unchanged(img=x)
            out = getattr(functional(home), name)(x)
            assert_apart(f"{home} {name}(img)", out, x)
            out.zero_()
            before.check(f"{home} {name}(img), then zero_ of the result,")


@in_both("transforms.rotate-quarters")
def test_rotate_by_right_angles_moves_pixels_only(subject, home):
    modes, kinds = ("RGB", "L", "RGBA", "F"), TENSORS[:7]
    for size in (5, 6, 1, 16):
        for given in images(subject, size, size, modes, kinds):
            for angle in thin((90, 0, 180, 270, -90, 360, 90.0), size):
                expected = oracle.turned(given.values, int(angle // 90))
                judge(given, ways(home, "rotate", "", angle), expected)
    for given in images(subject, 5, 7, modes, kinds):
        for angle in (90, 180, 270):
            judge(given, ways(home, "rotate", "", angle, expand=True), oracle.turned(given.values, angle // 90))


@in_both("transforms.rotate-quarters")
def test_random_rotation_by_one_angle(subject, home):
    for given in images(subject, 6, 6, ("RGB", "L"), TENSORS[:5]):
        for angle in (90, 180, 270):
            judge(given, ways(home, "", "RandomRotation", (angle, angle)), oracle.turned(given.values, angle // 90))
        judge(given, ways(home, "", "RandomRotation", 0), given.values)
        judge(given, ways(home, "", "RandomAffine", 0), given.values)


@in_both("transforms.affine-shift")
def test_affine_moves_by_whole_pixels(subject, home):
    for given in images(subject, 6, 7, ("RGB", "L", "F"), TENSORS[:7]):
        for right, down in ((0, 0), (2, 0), (0, 3), (-1, -2), (3, -1)):
            expected = oracle.crop(given.values, -down, -right, 6, 7)
            arguments = {"angle": 0, "translate": [right, down], "scale": 1.0, "shear": [0.0, 0.0]}
            judge(given, ways(home, "affine", "", **arguments), expected)


@in_both("transforms.erase")
def test_erase_sets_a_rectangle(subject, home):
    for given in images(subject, 6, 8, (), TENSORS):
        value = torch.ones((), dtype=host.torch_dtype(given.kind), device=subject.device)
        for box in ((0, 0, 6, 8), (1, 2, 3, 4), (5, 7, 1, 1), (2, 0, 1, 8)):
            i, j, h, w = box
            expected = given.values.copy()
            expected[..., i : i + h, j : j + w] = 1
            judge(given, ways(home, "erase", "", *box, value), expected)
            x = given.image.clone()
            out = functional(home).erase(x, *box, value, inplace=True)
            assert_values(f"{home} erase in place, its input", x, expected, dtype=given.kind)
            require(out.data_ptr() == x.data_ptr(), f"{home} erase(inplace=True) copies", "the input", "new memory")


@in_both("transforms.erase")
def test_erase_takes_a_value_for_each_channel(subject, home):
    x, v = numbers((3, 4, 5), "float32"), numbers((3, 2, 2), "float32", 5)
    expected = x.copy()
    expected[:, 1:3, 2:4] = v
    out = functional(home).erase(tensor(subject, x), 1, 2, 2, 2, tensor(subject, v))
    assert_values(f"{home} erase with a patch", out, expected, dtype="float32")
    expected[:, 1:3, 2:4] = v[:, :1, :1]
    out = functional(home).erase(tensor(subject, x), 1, 2, 2, 2, tensor(subject, v[:, :1, :1].copy()))
    assert_values(f"{home} erase with a colour", out, expected, dtype="float32")

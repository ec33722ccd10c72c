"""Turns by any angle, scales, shears and distortions: where each pixel comes from, by the formula."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_tensor, require
from conformance.check import must_answer
from conformance.oracle import transforms as places
from conformance.oracle import transforms_warp as oracle
from conformance.tables.transforms_samples import (
    Given,
    as_picture,
    as_tensor,
    assert_all_seen,
    functional,
    in_both,
    is_image,
    judge,
    pixels,
    tensor,
    thin,
    transforms,
    ways,
)

pytestmark = must_answer

KINDS = (
    ("float32", (3,), "contiguous"),
    ("uint8", (3,), "channels_last"),
    ("float64", (2, 3), "row_stepped"),
    ("uint8", (2, 1), "offset"),
    ("float32", (1,), "transposed"),
)
SIZE = (15, 18)
MODES = ("NEAREST", "BILINEAR")


def given_images(subject: Any, turn: int = 0) -> list[Given]:
    """Tensors and pictures of 15 rows and 18 columns; in a quick run others at each turn."""
    tensors = [as_tensor(subject, row, *SIZE, seed) for seed, row in thin(enumerate(KINDS), turn)]
    return tensors + [as_picture(mode, *SIZE) for mode in (("RGB", "L")[turn % 2 :][:1] if turn else ("RGB",))]


def full(given: Given) -> float:
    return 1.0 if given.kind.startswith("float") else 255.0


def judge_warped(given: Given, found: Any, matrix: np.ndarray, name: str, share: float | None) -> None:
    """Refute unless each way moves the pixels by a matrix, and fills the rest with that share of the maximum."""
    fill = 0.0 if share is None else share * full(given)
    expected, certain = oracle.warped(given.values, matrix, name == "BILINEAR", fill)
    # Places in float32, times steps between neighbours of at most the maximum; whole numbers are rounded besides,
    # and Pillow's places are in 16-bit fixed point.
    slack = 2e-4 if given.kind.startswith("float") else 0.6 if given.is_tensor else 1.6
    slack = slack if name == "BILINEAR" else 1e-6 * full(given)
    for text, way in found:
        out = way(given.image)
        values = pixels(out) if is_image(out) else host.array(assert_tensor(text, out, given.kind))
        require(values.shape == expected.shape, f"{text} has shape {values.shape}", expected.shape, values.shape)
        gaps = np.where(certain, np.abs(values.astype(np.float64) - expected), 0)
        place = np.unravel_index(int(gaps.argmax()), gaps.shape)
        require(
            gaps[place] <= slack,
            f"{text} of {given.text} is {values[place]} at {place}, but should be {expected[place]:.6g} +- {slack:g}",
            expected[place],
            values[place],
        )
        given.assert_unchanged(text)


def options(home: str, given: Given, name: str, share: float | None) -> dict[str, Any]:
    """The arguments interpolation and fill."""
    named: dict[str, Any] = {"interpolation": transforms(home).InterpolationMode[name]}
    if share is not None:
        value = share * full(given)
        value = value if given.kind.startswith("float") else int(value)
        named["fill"] = [value] * given.values.shape[-3] if given.is_tensor or given.kind == "RGB" else value
    return named


def share_of(given: Given, share: float | None) -> float | None:
    """The share that a fill of whole numbers comes to."""
    if share is None or given.kind.startswith("float"):
        return share
    return int(share * full(given)) / full(given)


TURNS = ((30, None, None), (-17, (4, 6), 0.5), (45, (0, 0), None), (100, None, 0.8), (7.5, (18, 3), 0.25))


@in_both("transforms.rotate")
def test_rotate_turns_about_a_centre(subject, home):
    for turn, ((angle, center, share), name) in enumerate(itertools.product(TURNS, MODES)):
        for given in given_images(subject, turn):
            matrix = oracle.affine(SIZE[::-1], -angle, center=center)
            named = options(home, given, name, share) | ({} if center is None else {"center": list(center)})
            found = ways(home, "rotate", "", angle, **named) + ways(home, "", "RandomRotation", (angle, angle), **named)
            judge_warped(given, found, matrix, name, share_of(given, share))
    for given in (as_picture("L", 5, 7), as_tensor(subject, KINDS[0], 5, 7)):
        for quarters in (1, 2, 3):
            angle = (90 * quarters, 90 * quarters)
            expected = places.turned(given.values, quarters)
            judge(given, ways(home, "", "RandomRotation", angle, expand=True), expected)


@in_both("transforms.rotate")
def test_rotate_can_make_room_for_the_whole_image(subject, home):
    for given in (as_picture("L", 8, 14), as_tensor(subject, KINDS[0], 8, 14)):
        for text, way in ways(home, "rotate", "", 30, expand=True) + ways(
            home, "", "RandomRotation", (30, 30), expand=True
        ):
            out = way(given.image)
            size = (out.size[1], out.size[0]) if is_image(out) else tuple(out.shape[-2:])
            # 8 cos 30 + 14 sin 30 and 14 cos 30 + 8 sin 30, made larger to whole pixels
            near = abs(size[0] - 13.93) < 2 and abs(size[1] - 16.12) < 2
            require(near, f"{text} of 8x14 is {size[0]}x{size[1]}", "about 14x17", size)


# angle, shift, scale, shear, centre, share of the maximum that fills
MAPS = (
    (0, (0, 0), 2.0, (0, 0), None, None),
    (0, (0, 0), 0.5, (0, 0), None, 0.5),
    (25, (0, 0), 1.0, (0, 0), None, None),
    (0, (0, 0), 1.0, (20, 0), None, 0.75),
    (0, (0, 0), 1.0, (0, 15), None, None),
    (0, (0, 0), 1.0, (-12, 10), (5, 4), None),
    (40, (3, -2), 1.3, (8, -6), None, 0.25),
    (-60, (-4, 1), 0.7, (0, 0), (2, 11), 1.0),
)


@in_both("transforms.affine")
def test_affine_turns_scales_shears_and_shifts(subject, home):
    for turn, ((angle, shift, scale, shear, center, share), name) in enumerate(itertools.product(MAPS, MODES)):
        for given in given_images(subject, turn):
            matrix = oracle.affine(SIZE[::-1], angle, shift, scale, shear, center)
            named = options(home, given, name, share) | ({} if center is None else {"center": list(center)})
            found = ways(home, "affine", "", angle, list(shift), scale, list(map(float, shear)), **named)
            if shift == (0, 0):
                x, y = shear
                drawn = {"degrees": (angle, angle), "scale": (scale, scale), "shear": (x, x, y, y)}
                found += ways(home, "", "RandomAffine", **drawn, **named)
            judge_warped(given, found, matrix, name, share_of(given, share))


@in_both("transforms.random-affine")
def test_random_affine_shifts_by_whole_pixels(subject, home):
    """Uniform between -2 and 2, and -1 and 1, rounded: the ends are half as likely as the others."""
    point = np.zeros((1, 7, 9), np.float32)
    point[0, 3, 4] = 1
    shifts = [(x, y) for x in range(-2, 3) for y in range(-1, 2)]
    known = [np.roll(point, (y, x), (1, 2)) for x, y in shifts]
    weights = [(0.125 if abs(x) == 2 else 0.25) * (0.25 if y else 0.5) for x, y in shifts]
    way, image = transforms(home).RandomAffine(0, translate=(2 / 9, 1 / 7)), tensor(subject, point)
    assert_all_seen(f"{home} RandomAffine(0, translate=(2/9, 1/7))", lambda: way(image), known, weights)


CORNERS = [[0, 0], [17, 0], [17, 14], [0, 14]]
ENDS = (
    [[2, 3], [15, 1], [17, 12], [1, 13]],
    [[0, 0], [17, 4], [17, 10], [0, 14]],
    [[3, 0], [12, 0], [17, 14], [0, 14]],
)


@in_both("transforms.perspective")
def test_perspective_maps_any_four_points(subject, home):
    for turn, (end, name, share) in enumerate(itertools.product(ENDS, MODES, (None, 0.5))):
        for given in given_images(subject, turn):
            matrix = oracle.perspective(CORNERS, end)
            found = ways(home, "perspective", "", CORNERS, end, **options(home, given, name, share))
            judge_warped(given, found, matrix, name, share_of(given, share))


@in_both("transforms.elastic")
def test_elastic_transform_takes_pixels_from_elsewhere(subject, home):
    function = "elastic_transform" if home == "classic" else "elastic"
    for number, (right, down) in enumerate(((0, 0), (2, 0), (0, -3), (-4, 1))):
        displacement = torch.zeros(1, *SIZE, 2, device=subject.device)
        displacement[..., 0], displacement[..., 1] = 2 * right / SIZE[1], 2 * down / SIZE[0]
        for given in given_images(subject, number):
            on = displacement if given.is_tensor else displacement.cpu()
            expected = places.crop(given.values, down, right, *SIZE)
            nearest = transforms(home).InterpolationMode.NEAREST
            out = getattr(functional(home), function)(given.image, on, interpolation=nearest)
            given.assert_same(f"{home} {function} by {right}, {down}", out, expected)
            given.assert_unchanged(function)

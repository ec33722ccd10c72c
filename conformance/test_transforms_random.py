"""Random transforms: every outcome as often as it should, by statistics whose false-alarm rate chance states."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.chance import assert_distribution, assert_independent, assert_shares
from conformance.check import check, must_answer
from conformance.oracle import random as chances
from conformance.oracle import transforms as oracle
from conformance.oracle import transforms_colour as colour
from conformance.tables.transforms_samples import (
    DRAWS,
    assert_all_seen,
    assert_chances,
    both_kinds,
    functional,
    in_both,
    numbers,
    outcomes,
    picture,
    pixels,
    tensor,
    thin,
    transforms,
)

pytestmark = must_answer

SMALL = numbers((3, 2, 3))


def judge_chance(call: str, draw: Any, before: np.ndarray, after: np.ndarray, p: float) -> None:
    """Refute unless draws give one result with probability p and else the other, independently."""
    found = outcomes(call, draw, [before, after], 3 * DRAWS // 2 if p == 0.5 else DRAWS // 2)
    assert_chances(call, found, [1 - p, p])
    if p == 0.5:
        assert_independent(call, np.array(found, float) + np.random.default_rng(0).random(len(found)) / 4, 0.6, 0.5)


# -- flips -------------------------------------------------------------------------------------------------------------

FLIPS = {
    "RandomHorizontalFlip": ("transforms.random-flip-half", oracle.hflip),
    "RandomVerticalFlip": ("transforms.random-vertical-flip", oracle.vflip),
}
FLIP_ROWS = [
    pytest.param(home, name, marks=check(claim, since=since))
    for name, (claim, _) in FLIPS.items()
    for home, since in (("classic", None), ("v2", "2.2"))
]


@pytest.mark.parametrize("home, name", FLIP_ROWS)
def test_a_random_flip_flips_with_its_probability(subject, home, name):
    kind, expected = getattr(transforms(home), name), FLIPS[name][1](SMALL)
    for (what, image), (arguments, p) in itertools.product(both_kinds(subject, SMALL), (((), 0.5), ((0.8,), 0.8))):
        flip = kind(*arguments)
        judge_chance(f"{home} {name}{arguments} of {what}", lambda: flip(image), SMALL, expected, p)
    image = picture(SMALL, "RGB")
    call = f"{home} {name}(p=0.1), made anew"
    assert_chances(call, outcomes(call, lambda: kind(p=0.1)(image), [SMALL, expected], DRAWS // 2), [0.9, 0.1])


CERTAIN: dict[str, tuple[tuple[Any, ...], Any]] = {
    "RandomHorizontalFlip": ((), oracle.hflip),
    "RandomVerticalFlip": ((), oracle.vflip),
    "RandomInvert": ((), lambda x: 255 - x),
    "RandomPosterize": ((3,), lambda x: colour.posterize(x, 3)),
    "RandomSolarize": ((100,), lambda x: colour.solarize(x, 100, 255)),
    "RandomGrayscale": ((), None),
    "RandomAutocontrast": ((), None),
    "RandomEqualize": ((), None),
    "RandomAdjustSharpness": ((2.0,), None),
}
# What those do that have no formula here.
ALIKE = {
    "RandomGrayscale": lambda F, img: F.rgb_to_grayscale(img, 3),
    "RandomAutocontrast": lambda F, img: F.autocontrast(img),
    "RandomEqualize": lambda F, img: F.equalize(img),
    "RandomAdjustSharpness": lambda F, img: F.adjust_sharpness(img, 2.0),
}


def done_to(home: str, name: str, image: Any, values: np.ndarray) -> np.ndarray:
    """What a random transform makes of an image when it acts."""
    expected = CERTAIN[name][1]
    if expected is not None:
        return expected(values)
    out = ALIKE[name](functional(home), image)
    return host.array(out) if isinstance(out, torch.Tensor) else pixels(out)


@in_both("transforms.random-certain")
def test_probabilities_0_and_1_are_certain(subject, home):
    values = numbers((3, 9, 8)) // 2 + 20
    for name, (arguments, _) in CERTAIN.items():
        for what, image in both_kinds(subject, values):
            expected = done_to(home, name, image, values)
            for p, wanted in ((0.0, values), (1.0, expected), (0, values), (1, expected)):
                act = getattr(transforms(home), name)(*arguments, p=p)
                outcomes(f"{home} {name}(p={p}) of {what}", lambda: act(image), [wanted], DRAWS // 33)


@in_both("transforms.random-probability")
def test_a_random_operation_acts_with_its_probability(subject, home):
    values = numbers((3, 17, 18)) // 2 + 20  # equalize leaves fewer than 256 pixels alone
    image = picture(values, "RGB")
    for name, (arguments, _) in list(CERTAIN.items())[2:]:
        default = 0.1 if name == "RandomGrayscale" else 0.5
        expected = done_to(home, name, image, values)
        for named, p, count in (({}, default, DRAWS // 3), ({"p": 0.9}, 0.9, DRAWS // 8)):
            act = getattr(transforms(home), name)(*arguments, **named)
            call = f"{home} {name}({named})"
            assert_chances(call, outcomes(call, lambda: act(image), [values, expected], count), [1 - p, p])


# -- crops -------------------------------------------------------------------------------------------------------------


@in_both("transforms.random-crop")
def test_random_crop_gives_every_place_equally_often(subject, home):
    for size, (high, wide) in (((2, 3), (2, 3)), (3, (3, 3)), ([4], (4, 4)), ((4, 1), (4, 1))):
        for shape in ((3, 4, 5), (3, 5, 4)):
            values = numbers(shape)
            places = oracle.windows(values, high, wide)
            for what, image in both_kinds(subject, values):
                crop = transforms(home).RandomCrop(size)
                call = f"{home} RandomCrop({size}) of {what} {shape}"
                assert_all_seen(call, lambda: crop(image), places, [1 / len(places)] * len(places))
    values = numbers((3, 4, 4))
    crop, places, x = transforms(home).RandomCrop(2), oracle.windows(values, 2, 2), tensor(subject, values, "uint8")
    assert_chances(f"{home} RandomCrop(2) of 4x4", outcomes("RandomCrop(2)", lambda: crop(x), places), [1 / 9] * 9)


@check("transforms.random-crop")
def test_random_crop_draws_rows_and_columns_independently(subject):
    draw, x = transforms().RandomCrop.get_params, torch.empty((1, 1, 1)).expand(3, 12, 15)
    found = np.array([draw(x, (3, 5)) for _ in range(DRAWS)])
    require((found[:, 2:] == (3, 5)).all(), "get_params gives another size", (3, 5), found[0, 2:])
    for axis, count in ((0, 10), (1, 11)):
        assert_shares(f"get_params(...)[{axis}]", found[:, axis], 0, np.full(count, 1 / count))
    assert_shares("get_params: sum of places", (found[:, 0] + found[:, 1]) % 2, 0, np.array([0.5, 0.5]))


PADDED = (
    ((3, 4), 3, {"padding": 1}),
    ((3, 4), (2, 5), {"padding": (1, 2, 0, 1)}),
    ((3, 4), 3, {"padding": (2, 1), "fill": 9}),
    ((3, 4), (4, 5), {"padding": 2, "padding_mode": "reflect"}),
    ((3, 4), (4, 6), {"padding": 1, "padding_mode": "edge"}),
    ((3, 4), (3, 4), {"padding": [1], "padding_mode": "symmetric"}),
)


@in_both("transforms.random-crop-padding")
def test_random_crop_pads_first(subject, home):
    for (high, wide), size, named in thin(PADDED, 1):
        values = numbers((3, high, wide))
        full = oracle.pad(values, named["padding"], named.get("padding_mode", "constant"), named.get("fill", 0))
        judge_padded(subject, home, values, full, size, named)


@in_both("transforms.random-crop-padding")
def test_random_crop_pads_what_is_too_small(subject, home):
    for (high, wide), size, padding, mode in (
        ((3, 4), (5, 4), (0, 2), "constant"),
        ((3, 4), (2, 6), (2, 0), "constant"),
        ((3, 4), (5, 6), (2, 2), "edge"),
        ((4, 4), (5, 6), (2, 1), "reflect"),
        ((3, 4), (2, 2), (0, 0), "constant"),
    ):
        values = numbers((3, high, wide))
        named = {"pad_if_needed": True, "padding_mode": mode, "fill": 7}
        judge_padded(subject, home, values, oracle.pad(values, padding, mode, 7), size, named)


def judge_padded(
    subject: Any, home: str, values: np.ndarray, full: np.ndarray, size: Any, named: dict[str, Any]
) -> None:
    """Refute unless every place in the padded image comes equally often."""
    places = oracle.windows(full, *((size, size) if isinstance(size, int) else size))
    known = {place.tobytes(): place for place in places}  # parts of the border look alike
    weights = [sum(place.tobytes() == key for place in places) / len(places) for key in known]
    for what, image in both_kinds(subject, values):
        crop = transforms(home).RandomCrop(size, **named)
        call = f"{home} RandomCrop({size}, {named}) of {what} {values.shape}"
        assert_all_seen(call, lambda: crop(image), list(known.values()), weights)


@in_both("transforms.random-crop-refusals")
def test_random_crop_refuses_more_than_there_is(subject, home):
    for size, named in (((5, 4), {}), ((3, 6), {}), (7, {"padding": 1}), ((3, 8), {"padding": (1, 0)})):
        for what, image in both_kinds(subject, numbers((3, 4, 5))):
            crop = transforms(home).RandomCrop(size, **named)
            assert_raises(f"{home} RandomCrop({size}, {named}) of {what} of 4x5", ValueError, lambda: crop(image))
    assert_raises(f"{home} RandomCrop of three numbers", ValueError, lambda: transforms(home).RandomCrop((1, 2, 3)))


# -- angles ------------------------------------------------------------------------------------------------------------


@check("transforms.random-rotation")
def test_random_rotation_draws_a_uniform_angle(subject):
    T = transforms()
    for degrees, (low, high) in ((30, (-30, 30)), ((10, 50), (10, 50)), ([-90, 0], (-90, 0))):
        turn = T.RandomRotation(degrees)
        found = np.array([T.RandomRotation.get_params(list(turn.degrees)) for _ in range(DRAWS)])
        require((found >= low).all() and (found <= high).all(), f"RandomRotation({degrees}): out of range")
        assert_distribution(f"RandomRotation({degrees}): angle", found, chances.uniform(low, high), 1e-5)


@in_both("transforms.random-rotation")
def test_random_rotation_turns_by_what_it_draws(subject, home):
    """Half of the angles turn the one bright pixel of a column to the left of it, half to the right."""
    values = np.zeros((1, 31, 31), np.float32)
    values[0, 2, 15] = 1
    x, turn = tensor(subject, values), transforms(home).RandomRotation(60, transforms(home).InterpolationMode.BILINEAR)
    places = [host.array(turn(x))[0].sum(axis=0) @ np.arange(31) for _ in range(DRAWS // 4)]
    assert_shares(
        f"{home} RandomRotation(60): to the right", (np.array(places) > 15).astype(int), 0, np.array([0.5, 0.5])
    )
    assert_raises(f"{home} RandomRotation(-1)", ValueError, lambda: transforms(home).RandomRotation(-1))

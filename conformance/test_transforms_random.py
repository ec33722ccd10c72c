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
from conformance.oracle import transforms_resize as resizing
from conformance.samples_transforms import (
    DRAWS,
    assert_all_seen,
    assert_chances,
    functional,
    in_both,
    numbers,
    outcomes,
    picture,
    pillow,
    pixels,
    tensor,
    transforms,
)

pytestmark = must_answer

SMALL = numbers((3, 2, 3))


def both_kinds(subject: Any, values: np.ndarray) -> list[tuple[str, Any]]:
    return [("a picture", picture(values, "RGB")), ("a tensor", tensor(subject, values, "uint8"))]


def judge_chance(call: str, draw: Any, before: np.ndarray, after: np.ndarray, p: float) -> None:
    """Refute unless draws give one result with probability p and else the other, independently."""
    found = outcomes(call, draw, [before, after], 3 * DRAWS if p == 0.5 else DRAWS)
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
                outcomes(f"{home} {name}(p={p}) of {what}", lambda: act(image), [wanted], 30)


@in_both("transforms.random-probability")
def test_a_random_operation_acts_with_its_probability(subject, home):
    values = numbers((3, 17, 18)) // 2 + 20  # equalize leaves fewer than 256 pixels alone
    image = picture(values, "RGB")
    for name, (arguments, _) in list(CERTAIN.items())[2:]:
        default = 0.1 if name == "RandomGrayscale" else 0.5
        expected = done_to(home, name, image, values)
        for named, p in (({}, default), ({"p": 0.75}, 0.75)):
            act = getattr(transforms(home), name)(*arguments, **named)
            call = f"{home} {name}({named})"
            assert_chances(call, outcomes(call, lambda: act(image), [values, expected], DRAWS // 3), [1 - p, p])


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
    for (high, wide), size, named in PADDED:
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


# -- RandomResizedCrop -------------------------------------------------------------------------------------------------


@in_both("transforms.random-resized-crop")
def test_random_resized_crop_gives_its_size(subject, home):
    T = transforms(home)
    for shape in ((3, 30, 40), (3, 5, 3), (3, 1, 1)):
        for what, image in both_kinds(subject, numbers(shape)):
            for size, (high, wide) in ((7, (7, 7)), ((4, 9), (4, 9)), ([6], (6, 6)), (224, (224, 224))):
                out = T.RandomResizedCrop(size, antialias=True)(image)
                found = tuple(out.shape) if isinstance(out, torch.Tensor) else (3, out.size[1], out.size[0])
                require(
                    found == (3, high, wide),
                    f"{home} RandomResizedCrop({size}) of {what} {shape}",
                    (3, high, wide),
                    found,
                )


@in_both("transforms.random-resized-crop")
def test_random_resized_crop_crops_and_then_resizes(subject, home):
    T, values = transforms(home), numbers((3, 8, 8))
    places = oracle.windows(values, 4, 4)
    named = {"scale": (0.25, 0.25), "ratio": (1.0, 1.0)}
    bigger = [pixels(picture(place, "RGB").resize((6, 5), pillow().BILINEAR)) for place in places]
    image = picture(values, "RGB")
    call = f"{home} RandomResizedCrop((5, 6), {named})"
    crop = T.RandomResizedCrop((5, 6), **named)
    assert_all_seen(call, lambda: crop(image), bigger, [1 / 25] * 25)
    known = {place.tobytes() for place in places}
    exact = [resizing.resize(place, 5, 6, "bilinear", True)[0] for place in places]
    for _ in range(DRAWS // 40):
        same = T.RandomResizedCrop(4, **named, antialias=True)(tensor(subject, values, "uint8"))
        require(host.array(same).tobytes() in known, f"{home} RandomResizedCrop(4) of 8x8 is no part of the image")
        other = T.RandomResizedCrop((5, 6), **named, antialias=True)(tensor(subject, values, "float32"))
        gaps = [np.abs(host.array(other) - part).max() for part in exact]
        require(min(gaps) < 1e-3, f"{call} of a tensor is no resized part of the image", "0", min(gaps))


@in_both("transforms.random-resized-crop-place")
def test_random_resized_crop_takes_every_place_equally_often(subject, home):
    values = numbers((3, 8, 8))
    for named, high, wide in (
        ({"scale": (0.25, 0.25), "ratio": (1.0, 1.0)}, 4, 4),
        ({"scale": (0.5, 0.5), "ratio": (2.0, 2.0)}, 4, 8),
        ({"scale": (0.5, 0.5), "ratio": (0.5, 0.5)}, 8, 4),
    ):
        places = oracle.windows(values, high, wide)
        for what, image in both_kinds(subject, values):
            crop = transforms(home).RandomResizedCrop((high, wide), **named, antialias=True)
            call = f"{home} RandomResizedCrop({named}) of {what}"
            assert_all_seen(call, lambda: crop(image), places, [1 / len(places)] * len(places))


def regions(high: int, wide: int, scale: Any, ratio: Any, count: int = DRAWS // 2) -> np.ndarray:
    """Regions that RandomResizedCrop draws in an image: rows of top, left, height, width."""
    x = torch.empty((1, 1, 1)).expand(3, high, wide)
    draw = transforms().RandomResizedCrop.get_params
    found = np.array([draw(x, list(scale), list(ratio)) for _ in range(count)])
    top, left, h, w = found.T
    inside = (top >= 0) & (left >= 0) & (h > 0) & (w > 0) & (top + h <= high) & (left + w <= wide)
    worst = found[int(np.argmin(inside))].tolist()
    require(inside.all(), f"get_params: {worst} reaches beyond {high}x{wide}", "inside", worst)
    return found


@check("transforms.random-resized-crop-region")
def test_the_regions_area_and_ratio_are_uniform(subject):
    side = 10_000
    area = regions(side, side, (0.08, 1.0), (1.0, 1.0))
    require((area[:, 2] == area[:, 3]).all(), "ratio (1, 1) gives a region that is no square")
    assert_distribution("share of the area", area[:, 2] * area[:, 3] / side**2, chances.uniform(0.08, 1), 1e-3)
    narrow = regions(side, side, (0.3, 0.31), (1.0, 1.0))
    assert_distribution("share of the area", narrow[:, 2] * narrow[:, 3] / side**2, chances.uniform(0.3, 0.31), 0.03)
    for low, high in ((3 / 4, 4 / 3), (0.2, 0.5), (0.1, 10.0)):
        found = regions(side, side, (0.05, 0.05), (low, high))
        logs = np.log(found[:, 3] / found[:, 2])
        assert_distribution("log of width / height", logs, chances.uniform(np.log(low), np.log(high)), 2e-3)
        places = found[:, 0] / (side - found[:, 2])
        assert_distribution("top / room", places, chances.uniform(), 1e-3)
        assert_distribution("left / room", found[:, 1] / (side - found[:, 3]), chances.uniform(), 1e-3)


@check("transforms.random-resized-crop-region")
def test_the_regions_area_and_ratio_keep_their_bounds(subject):
    for (high, wide), scale, ratio in (((40, 60), (0.08, 1.0), (3 / 4, 4 / 3)), ((33, 20), (0.2, 0.4), (0.5, 0.9))):
        _, _, h, w = regions(high, wide, scale, ratio).T
        least, most = (w - 0.5) * (h - 0.5), (w + 0.5) * (h + 0.5)
        require(
            (least <= scale[1] * high * wide).all() and (most >= scale[0] * high * wide).all(), "an area out of bounds"
        )
        require(((w - 0.5) / (h + 0.5) <= ratio[1]).all(), "a region is too wide", ratio, (w / h).max())
        require(((w + 0.5) / (h - 0.5) >= ratio[0]).all(), "a region is too narrow", ratio, (w / h).min())


@in_both("transforms.random-resized-crop-region")
def test_random_resized_crop_has_its_defaults(subject, home):
    """A ramp shows the region: its first and last values are the places of its border."""
    ramp = np.broadcast_to(np.arange(600.0), (1, 600, 600))
    both = np.concatenate([ramp, ramp.swapaxes(1, 2)]).astype(np.float32)
    crop = transforms(home).RandomResizedCrop(600, interpolation=transforms(home).InterpolationMode.NEAREST)
    found = []
    x = tensor(subject, both)
    for _ in range(max(DRAWS // 16, 60)):
        out = host.array(crop(x))
        found.append((out[0].max() - out[0].min() + 1, out[1].max() - out[1].min() + 1))
    w, h = np.array(found).T
    share, logs = w * h / 600**2, np.log(w / h)
    require(
        (share > 0.078).all() and (share <= 1).all(),
        f"{home} RandomResizedCrop: areas out of 0.08 to 1",
        "0.08",
        share.min(),
    )
    require((np.abs(logs) < np.log(4 / 3) + 0.02).all(), f"{home} RandomResizedCrop: ratios out of 3/4 to 4/3")
    require(
        (share < 0.5).any() and (share > 0.5).any() and (logs < 0).any() and (logs > 0).any(), "regions do not vary"
    )


@check("transforms.random-resized-crop-fallback")
def test_a_region_that_does_not_fit_is_centred(subject):
    for (high, wide), ratio, expected in (
        ((10, 100), (0.5, 2.0), (0, 40, 10, 20)),
        ((100, 10), (0.5, 2.0), (40, 0, 20, 10)),
        ((50, 60), (1.0, 2.0), (0, 0, 50, 60)),
    ):
        scale = (1.5, 2.0) if high * wide > 1000 else (1.0, 1.0)
        found = regions(high, wide, scale, ratio, 20)
        require((found == expected).all(), f"get_params of {high}x{wide}, ratio {ratio}", expected, found[0].tolist())


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

"""RandomResizedCrop: its region, by statistics whose false-alarm rate chance states, and its result."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import require
from conformance.chance import assert_distribution
from conformance.check import check, must_answer
from conformance.oracle import random as chances
from conformance.oracle import transforms as oracle
from conformance.oracle import transforms_resize as resizing
from conformance.tables.transforms_samples import (
    DRAWS,
    assert_all_seen,
    assert_arrays,
    both_kinds,
    in_both,
    numbers,
    picture,
    pillow,
    pixels,
    tensor,
    transforms,
)

pytestmark = must_answer

# -- RandomResizedCrop -------------------------------------------------------------------------------------------------


@in_both("transforms.random-resized-crop-region")
def test_the_region_has_the_share_and_ratio_that_leave_no_choice(subject, home):
    """A region of just the size that is wanted is a window of the image, whatever is interpolated."""
    T, values = transforms(home), np.arange(40 * 60, dtype=np.float32).reshape(1, 40, 60)
    x, seen = tensor(subject, values), set()
    for high, wide in ((10, 20), (20, 10), (16, 16), (8, 32)):
        share, ratio = high * wide / 2400, wide / high
        named = {"scale": (share, share), "ratio": (ratio, ratio), "interpolation": T.InterpolationMode.NEAREST}
        for _ in range(6):
            out = host.array(T.RandomResizedCrop((high, wide), **named)(x))
            top, left = divmod(int(out[0, 0, 0]), 60)
            due = values[:, top : top + high, left : left + wide]
            assert_arrays(f"{home} RandomResizedCrop({high}, {wide}) of that share and ratio", out, due)
            seen.add((top, left))
    require(len(seen) > 8, f"{home} RandomResizedCrop takes one place only")


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

"""Draws that belong together are independent of each other; RandomPerspective and ElasticTransform by what they do."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import require
from conformance.chance import assert_distribution, assert_shares
from conformance.check import check, must_answer
from conformance.oracle import random as chances
from conformance.tables.transforms_samples import (
    DRAWS,
    assert_chances,
    both_kinds,
    in_both,
    numbers,
    outcomes,
    tensor,
    transforms,
)

pytestmark = must_answer


def assert_jointly(call: str, columns: dict[str, Any]) -> None:
    """Refute unless every two continuous quantities lie on the same side of their medians half of the time."""
    above = {name: (values > np.median(values)).astype(int) for name, values in columns.items()}
    for one, other in itertools.combinations(above, 2):
        draws = (above[one] == above[other]).astype(int)
        assert_shares(f"{call}: {one} and {other} on one side of their medians", draws, 0, np.full(2, 0.5))


@check("transforms.draws-apart")
def test_the_parameters_of_a_transform_are_drawn_independently(subject):
    T = transforms()
    jitter = [T.ColorJitter.get_params([0.5, 1.5], [0.2, 1.8], [0.0, 2.0], [-0.3, 0.3])[1:] for _ in range(DRAWS)]
    names = ("brightness", "contrast", "saturation", "hue")
    assert_jointly("ColorJitter", dict(zip(names, np.array(jitter).T, strict=True)))
    drawn = [
        T.RandomAffine.get_params([-30.0, 30.0], [0.5, 0.5], [0.5, 1.5], [-9.0, 9.0, -5.0, 5.0], [4001, 4001])
        for _ in range(DRAWS)
    ]
    found = np.array([(angle, *shift, scale, *shear) for angle, shift, scale, shear in drawn])
    names = ("angle", "shift in x", "shift in y", "scale", "shear in x", "shear in y")
    assert_jointly("RandomAffine", dict(zip(names, found.T, strict=True)))
    ends = np.array([T.RandomPerspective.get_params(4000, 4000, 0.5)[1] for _ in range(DRAWS)]).reshape(-1, 8)
    assert_jointly("RandomPerspective", {f"coordinate {place}": ends[:, place] for place in range(8)})


@check("transforms.draws-apart")
def test_area_ratio_and_place_of_a_region_are_drawn_independently(subject):
    T, x = transforms(), torch.empty((1, 1, 1)).expand(3, 9000, 9000)
    drawn = [T.RandomResizedCrop.get_params(x, [0.1, 0.2], [0.5, 2.0]) for _ in range(DRAWS)]
    erased = [T.RandomErasing.get_params(x, (0.1, 0.2), (0.5, 2.0), [0.0])[:4] for _ in range(DRAWS)]
    for call, found in (("RandomResizedCrop", drawn), ("RandomErasing", erased)):
        top, left, high, wide = np.array(found, np.float64).T
        shares = {"top": top / (9000 - high), "left": left / (9000 - wide), "area": high * wide, "ratio": wide / high}
        assert_jointly(call, shares)


# -- RandomPerspective -------------------------------------------------------------------------------------------------


@check("transforms.random-perspective")
def test_the_corners_move_inwards_by_whole_pixels(subject):
    draw = transforms().RandomPerspective.get_params
    for wide, high, scale in ((20, 12, 0.5), (15, 31, 0.3), (9, 9, 0.0)):
        drawn = [draw(wide, high, scale) for _ in range(DRAWS)]
        start = [[0, 0], [wide - 1, 0], [wide - 1, high - 1], [0, high - 1]]
        require(all(list(map(list, one)) == start for one, _ in drawn), "the start points are no corners", start)
        moved = np.abs(np.array([end for _, end in drawn]) - np.array(start))
        for axis, size in ((0, wide), (1, high)):
            most = int(scale * (size // 2))
            for corner in range(4):
                call = f"get_params({wide}, {high}, {scale}): corner {corner} moves along {'xy'[axis]}"
                assert_shares(call, moved[:, corner, axis], 0, np.full(most + 1, 1 / (most + 1)))
        inside = np.array([end for _, end in drawn])
        low, high_end = inside.min((0, 1)), inside.max((0, 1))
        require((low >= 0).all() and (high_end <= (wide - 1, high - 1)).all(), "a corner leaves the image")


@in_both("transforms.random-perspective")
def test_random_perspective_distorts_as_far_as_it_is_told(subject, home):
    """An image of zeros, filled with ones: what is filled shows how far the corners have moved."""
    T, x = transforms(home), tensor(subject, np.zeros((1, 40, 40), np.float32))
    nearest = T.InterpolationMode.NEAREST
    for scale, low, high in ((0.9, 0.58, 0.82), (0.5, 0.35, 0.55), (0.0, 0.0, 0.0)):
        warp = T.RandomPerspective(scale, 1.0, interpolation=nearest, fill=1.0)
        outs = [host.array(warp(x)) for _ in range(100)]
        require(all(set(np.unique(out)) <= {0.0, 1.0} for out in outs), f"{home} RandomPerspective gives other values")
        share = float(np.mean(outs))
        require(low <= share <= high, f"{home} RandomPerspective({scale}) fills {share:.2f}", (low, high), share)


@in_both("transforms.random-perspective")
def test_random_perspective_acts_with_its_probability_and_interpolates(subject, home):
    T, values = transforms(home), numbers((3, 16, 16)) // 4 * 4
    for p in (0.0, 0.3, 1.0):
        for what, image in both_kinds(subject, values):
            still = T.RandomPerspective(0.0, p, interpolation=T.InterpolationMode.NEAREST)
            outcomes(f"{home} RandomPerspective(0, {p}) of {what}", lambda: still(image), [values], 20)
    x, known = tensor(subject, values), set(np.unique(values))
    for named, p in (({}, 0.5), ({"p": 0.1}, 0.1), ({"p": 1.0}, 1.0)):
        warp = T.RandomPerspective(0.9, **named)
        acted = [int((host.array(warp(x)) != values).any()) for _ in range(DRAWS // 2)]
        assert_chances(f"{home} RandomPerspective({named})", acted, [1 - p, p])
    smooth = [T.RandomPerspective(0.9, 1.0)(x) for _ in range(20)]
    require(any(set(np.unique(host.array(out))) - known - {0} for out in smooth), f"{home}: nothing is interpolated")
    nearest = T.RandomPerspective(0.9, 1.0, interpolation=T.InterpolationMode.NEAREST)
    for _ in range(20):
        require(set(np.unique(host.array(nearest(x)))) <= known | {0}, f"{home} NEAREST gives what the image has not")


# -- ElasticTransform --------------------------------------------------------------------------------------------------


@in_both("transforms.elastic")
def test_elastic_transform_draws_uniform_displacements(subject, home):
    """Two ramps show where each pixel comes from; without smoothing the displacements are as they are drawn."""
    T, side = transforms(home), 48
    columns = np.broadcast_to(np.arange(side, dtype=np.float32), (side, side))
    x = tensor(subject, np.stack([columns, columns.T.copy()]))
    for alpha, (wide, high) in (([4.0, 1.0], (2.0, 0.5)), (3.0, (1.5, 1.5))):
        out = host.array(T.ElasticTransform(alpha, 0.0)(x)).astype(np.float64) - host.array(x)
        inner = out[:, 3:-3, 3:-3]
        for place, (most, name) in enumerate(((wide, "x"), (high, "y"))):
            require(np.abs(inner[place]).max() <= most + 1e-3, f"{home} ElasticTransform({alpha}) goes beyond {most}")
            draws = inner[place].ravel()
            call = f"{home} ElasticTransform({alpha}, 0): displacement in {name}"
            assert_distribution(call, draws, chances.uniform(-most, most), 1e-3)


@in_both("transforms.elastic")
def test_elastic_transform_smoothes_and_fills(subject, home):
    T = transforms(home)
    x = tensor(subject, np.ones((1, 30, 30), np.float32))
    nearest = T.InterpolationMode.NEAREST
    out = host.array(T.ElasticTransform(300.0, 2.0, interpolation=nearest, fill=0.25)(x))
    require(
        set(np.unique(out)) == {np.float32(0.25), np.float32(1)}, f"{home} ElasticTransform(fill=0.25): {out[0, 0]}"
    )
    columns = np.broadcast_to(np.arange(40, dtype=np.float32), (1, 40, 40))
    steps = {}
    for sigma in (0.5, 4.0):
        moved = host.array(T.ElasticTransform(20.0, sigma)(tensor(subject, columns))) - columns
        inner = moved[0, 10:-10, 10:-10]
        steps[sigma] = np.abs(np.diff(inner, axis=0)).mean() / np.abs(inner).mean()
    require(steps[4.0] < steps[0.5] / 2, f"{home} ElasticTransform is no smoother with sigma 4 than 0.5", steps)

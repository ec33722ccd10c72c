"""What constructors of transforms refuse, transforms as modules, and larger factors, kernels and batches."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from torch import nn

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import SUMMED
from conformance.oracle import transforms as places
from conformance.oracle import transforms_colour as colour
from conformance.tables.transforms_samples import (
    assert_cut,
    assert_image,
    functional,
    in_both,
    numbers,
    picture,
    tensor,
    transforms,
)

pytestmark = must_answer

WRONG = (TypeError, ValueError)
REFUSED = (
    ("CenterCrop", ((1, 2, 3),), {}),
    ("FiveCrop", ((1, 2, 3),), {}),
    ("TenCrop", ((1, 2, 3),), {}),
    ("RandomCrop", ((1, 2, 3),), {}),
    ("RandomResizedCrop", ((1, 2, 3),), {}),
    ("RandomResizedCrop", (4,), {"scale": 0.5}),
    ("RandomResizedCrop", (4,), {"ratio": 1.0}),
    ("Resize", (2.5,), {}),
    ("Resize", ((1, 2, 3),), {}),
    ("Pad", ((1, 2, 3),), {}),
    ("Pad", ("wide",), {}),
    ("Pad", (1,), {"padding_mode": "mirror"}),
    ("GaussianBlur", (4,), {}),
    ("GaussianBlur", ((3, 3, 3),), {}),
    ("GaussianBlur", (3,), {"sigma": -1.0}),
    ("GaussianBlur", (3,), {"sigma": (2.0, 1.0)}),
    ("GaussianBlur", (3,), {"sigma": (0.0, 1.0)}),
    ("RandomErasing", (1.5,), {}),
    ("RandomErasing", (), {"scale": 0.5}),
    ("RandomErasing", (), {"ratio": 0.5}),
    ("RandomErasing", (), {"scale": (0.5, 2.0)}),
    ("RandomErasing", (), {"value": "text"}),
    ("RandomRotation", ((1, 2, 3),), {}),
    ("RandomRotation", (-5,), {}),
    ("RandomAffine", ((1, 2, 3),), {}),
    ("RandomAffine", (0,), {"translate": (0.1,)}),
    ("RandomAffine", (0,), {"translate": (-0.1, 0.1)}),
    ("RandomAffine", (0,), {"scale": (0.0, 1.0)}),
    ("RandomAffine", (0,), {"shear": -3}),
    ("ElasticTransform", ([1.0, 2.0, 3.0],), {}),
    ("ElasticTransform", ("far",), {}),
    ("ElasticTransform", (), {"sigma": [1.0, 2.0, 3.0]}),
    ("RandomChoice", (3,), {}),
    ("RandomOrder", (3,), {}),
    ("RandomApply", (3,), {}),
    ("ColorJitter", (-1.0,), {}),
    ("ColorJitter", (), {"hue": (-0.7, 0.0)}),
    ("ColorJitter", (), {"contrast": (1.0, 2.0, 3.0)}),
)
TAKEN_BEFORE = {("classic", "RandomApply")}  # the classic one keeps whatever it is given


@in_both("transforms.constructor-refusals")
@pytest.mark.parametrize("name", sorted({row[0] for row in REFUSED}))
def test_constructors_refuse_what_makes_no_sense(subject, home, name):
    for kind, given, named in REFUSED:
        if kind == name and (home, kind) not in TAKEN_BEFORE:
            make = getattr(transforms(home), kind)
            assert_raises(f"{home} {kind}({given}, {named})", WRONG, lambda: make(*given, **named))


@in_both("transforms.modules")
def test_transforms_are_modules_and_stand_in_a_sequence(subject, home):
    T, values = transforms(home), numbers((3, 9, 8), "float32")
    steps = [T.CenterCrop(6), T.RandomHorizontalFlip(1.0), T.Pad(1), T.Normalize([0.5], [0.25])]
    for step in [*steps, T.Resize(4), T.RandomCrop(3), T.ColorJitter(0.5), T.RandomErasing(), T.GaussianBlur(3)]:
        require(isinstance(step, nn.Module), f"{home} {type(step).__name__} is no Module")
        require(not list(step.parameters()) and not step.state_dict(), f"{home} {type(step).__name__} has a state")
    expected = places.pad(places.hflip(places.center_crop(values, 6, 6)), 1)
    exact, scale = places.normalize(expected, [0.5], [0.25])
    for chain in (nn.Sequential(*steps), nn.Sequential(*steps).eval(), T.Compose(steps)):
        out = chain(tensor(subject, values))
        assert_values(f"{home} transforms in a {type(chain).__name__}", out, exact, SUMMED.over(6), scale)


@in_both("transforms.adjust-brightness")
def test_large_factors_of_brightness(subject, home):
    values = numbers((3, 6, 7), "float32") / 32
    for factor in (5.0, 9.5, 20.0):
        expected, scale = colour.blend(values, 0.0, factor, 1)
        out = functional(home).adjust_brightness(tensor(subject, values), factor)
        assert_cut(f"{home} adjust_brightness by {factor}", out, expected, SUMMED.over(4), scale, "float32")


@in_both("transforms.sharpness")
def test_large_factors_of_sharpness(subject, home):
    values = (numbers((3, 9, 8), "float32") / 8 + 0.5).astype(np.float32)
    soft = colour.smoothed(values)
    for factor in (3.0, 4.5):
        expected, scale = colour.blend(values, soft, factor, 1)
        x = tensor(subject, values)
        found = [functional(home).adjust_sharpness(x, factor), transforms(home).RandomAdjustSharpness(factor, 1.0)(x)]
        for out in found:
            assert_cut(f"{home} adjust_sharpness by {factor}", out, expected, SUMMED.over(60), scale + 1, "float32")


@in_both("transforms.gaussian-blur")
def test_wide_kernels(subject, home):
    values = numbers((3, 24, 26), "float32")
    for sizes, sigmas in (((9, 3), (3.0, 1.0)), ((5, 23), (1.0, 6.0)), ((11, 11), (2.5, 2.5))):
        exact = colour.blur(values, sizes, sigmas)
        out = functional(home).gaussian_blur(tensor(subject, values), list(sizes), list(sigmas))
        assert_values(f"{home} gaussian_blur {sizes}", out, exact, SUMMED.over(400), exact, dtype="float32")


@in_both("transforms.flip")
def test_flips_of_batches_of_batches(subject, home):
    values = numbers((2, 3, 2, 4, 5), "float32")
    for name, expected in (("hflip", places.hflip), ("vflip", places.vflip)):
        out = getattr(functional(home), name)(tensor(subject, values))
        assert_values(f"{home} {name} of five dimensions", out, expected(values), dtype="float32")


@in_both("transforms.to-pil-image-floats")
def test_to_pil_image_of_a_large_image_leaves_it_alone(subject, home):
    values = numbers((3, 120, 130), "float32")
    x = tensor(subject, values)
    out = functional(home).to_pil_image(x)
    assert_image(f"{home} to_pil_image of 120x130", out, places.to_bytes(values), "RGB")
    assert_values(f"after {home} to_pil_image its input", x, values)


@in_both("transforms.normalize-formula")
def test_normalize_leaves_mean_and_std_alone(subject, home):
    mean, std = [0.5, 0.25, 0.125], [2.0, 4.0, 0.5]
    change, x = transforms(home).Normalize(mean, std), tensor(subject, numbers((3, 4, 5), "float32"))
    for _ in range(2):
        change(x)
        functional(home).normalize(x, mean, std)
    require(mean == [0.5, 0.25, 0.125] and std == [2.0, 4.0, 0.5], f"{home} Normalize changes its mean or std", mean)
    kept = tuple(map(float, change.mean)), tuple(map(float, change.std))
    require(kept == ((0.5, 0.25, 0.125), (2.0, 4.0, 0.5)), f"{home} Normalize holds another mean or std", mean, kept)


@check("transforms.make-grid")
def test_make_grid_of_many_images(subject):
    make = importlib.import_module("torchvision.utils").make_grid if transforms() else None
    values = np.stack([numbers((3, 3, 4), "float32", seed) for seed in range(100)])
    assert_values("make_grid of a hundred", make(tensor(subject, values)), places.grid(values), dtype="float32")
    out = make(list(tensor(subject, values)), nrow=12, padding=1)
    assert_values("make_grid of a list of a hundred", out, places.grid(values, 12, 1), dtype="float32")


@check("transforms.crop")
def test_a_crop_of_a_picture_is_a_picture_of_its_own(subject):
    values = numbers((3, 6, 8))
    image = picture(values, "RGB")
    part = functional().crop(image, 0, 0, 6, 8)
    part.paste((1, 2, 3), (0, 0, 8, 6))
    assert_image("a picture after its crop was painted over", image, values, "RGB")
    require(not torch.is_tensor(part), "a crop of a picture is a tensor")

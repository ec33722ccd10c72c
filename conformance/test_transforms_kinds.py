"""PIL images and tensors are treated alike, and neither is changed."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_tensor
from conformance.check import check, must_answer
from conformance.tables.transforms_samples import (
    MODES,
    as_picture,
    assert_image,
    in_both,
    numbers,
    picture,
    pillow,
    tensor,
    transforms,
)

pytestmark = must_answer

# -- both kinds alike --------------------------------------------------------------------------------------------------


@in_both("transforms.pil-and-tensor")
def test_a_picture_and_its_tensor_are_treated_alike(subject, home):
    values = numbers((3, 9, 12))
    made = {
        "CenterCrop": ((4, 7), {}),
        "Pad": ((1, 2, 3, 4), {"fill": 5}),
        "Resize": ((4, 5), {"interpolation": transforms(home).InterpolationMode.NEAREST_EXACT}),
        "RandomHorizontalFlip": (1.0, {}),
        "RandomVerticalFlip": (1.0, {}),
    }
    for kind, (first, named) in made.items():
        way = getattr(transforms(home), kind)(first, **named)
        image, x = way(picture(values, "RGB")), way(tensor(subject, values, "uint8"))
        if kind == "Resize":
            image = transforms(home).Resize(first, pillow().NEAREST)(picture(values, "RGB"))
        assert_image(f"{home} {kind} of the picture of a tensor", image, host.array(assert_tensor(kind, x)), "RGB")


@check("transforms.pil-and-tensor")
def test_some_transforms_take_one_kind_only(subject):
    T = transforms()
    assert_raises("ToTensor of a tensor", TypeError, lambda: T.ToTensor()(torch.ones(3, 2, 2)))
    assert_raises("PILToTensor of a tensor", TypeError, lambda: T.PILToTensor()(torch.ones(3, 2, 2)))
    image = picture(numbers((3, 2, 2)), "RGB")
    assert_raises("Normalize of a PIL image", TypeError, lambda: T.Normalize([0.5], [0.5])(image))
    assert_raises("ConvertImageDtype of a PIL image", TypeError, lambda: T.ConvertImageDtype(torch.float32)(image))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_raises("RandomErasing of a PIL image", (TypeError, AttributeError), lambda: T.RandomErasing(1.0)(image))


@pytest.mark.parametrize("name", [pytest.param(name, marks=check("transforms.input-unchanged")) for name in MODES])
def test_transforms_leave_a_picture_alone(subject, name):
    T, given = transforms(), as_picture(name, 9, 8)
    colours = [T.Grayscale(), T.ColorJitter(0.5, 0.5, 0.5), T.RandomAutocontrast(1.0), T.GaussianBlur(3)]
    places = [
        T.Resize(4),
        T.CenterCrop(4),
        T.RandomCrop(4),
        T.RandomHorizontalFlip(1.0),
        T.Pad(2),
        T.RandomRotation(90),
    ]
    for transform in places + (colours if name in ("RGB", "L") else []):
        transform(given.image)
        given.assert_unchanged(str(transform))


@check("transforms.input-unchanged")
def test_transforms_leave_a_tensor_alone(subject):
    T = transforms()
    kept = [
        T.Resize(4),
        T.CenterCrop(4),
        T.RandomCrop(4, padding=2),
        T.RandomVerticalFlip(1.0),
        T.Pad(2, padding_mode="edge"),
    ]
    kept += [T.Normalize([0.5], [0.5]), T.Grayscale(3), T.ColorJitter(0.5, 0.5, 0.5, 0.2), T.RandomErasing(1.0)]
    kept += [
        T.GaussianBlur(3),
        T.RandomAffine(30),
        T.RandomPerspective(p=1.0),
        T.RandomInvert(1.0),
        T.RandomAutocontrast(1.0),
    ]
    kept += [T.RandomResizedCrop(5), T.FiveCrop(3), T.TenCrop(3), T.ConvertImageDtype(torch.float64), T.ToPILImage()]
    for transform in kept:
        for layout in ("contiguous", "channels_last", "row_stepped"):
            values = np.abs(numbers((3, 9, 8), "float32"))
            x = tensor(subject, values, "float32", layout)
            before = Unchanged(img=x)
            transform(x)
            before.check(f"{transform}(img)")

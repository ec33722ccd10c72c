"""Policies of augmentation, mixtures of a batch, boxes, and pictures that are made up."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
import torch

from conformance import effort, host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, assert_values, require
from conformance.chance import assert_distribution
from conformance.check import check, must_answer
from conformance.numerics import SUMMED
from conformance.oracle import random as chances
from conformance.tables import transforms_samples as samples

pytestmark = must_answer

POLICIES = ("AutoAugment", "RandAugment", "TrivialAugmentWide", "AugMix")
TIMES = effort.scaled(1000, 600)


def values_of(out: Any) -> np.ndarray:
    return samples.pixels(out) if samples.is_image(out) else host.array(out)


# -- policies ----------------------------------------------------------------------------------------------------------


@samples.in_both("transforms.auto-augment")
@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_gives_an_image_of_the_same_kind(subject, home, name):
    values = samples.numbers((3, 12, 16))
    for image in (samples.picture(values, "RGB"), samples.tensor(subject, values, "uint8")):
        way, runs = getattr(samples.transforms(home), name)(), []
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            outs = [way(image) for _ in range(16)]
            for out in outs:
                require(
                    samples.is_image(out) == samples.is_image(image),
                    f"{home} {name} gives another kind: {type(out).__name__}",
                )
                require(
                    samples.is_image(out) or out.dtype == torch.uint8, f"{home} {name} gives another dtype", "uint8"
                )
                require(values_of(out).shape == (3, 12, 16), f"{home} {name} gives another size", (3, 12, 16))
            runs.append([values_of(out).tobytes() for out in outs])
        require(runs[0] == runs[1], f"{home} {name} differs after the same seed")
        require(runs[0] != runs[2], f"{home} {name} is the same after another seed")
        require(len(set(runs[0])) > 4, f"{home} {name} does not vary")
        samples.assert_image(
            f"after {home} {name} its input", image, values, "RGB" if samples.is_image(image) else "uint8"
        )


@samples.in_both("transforms.auto-augment")
def test_auto_augment_has_three_policies(subject, home):
    policy = samples.transforms("classic").AutoAugmentPolicy
    image, runs = samples.picture(samples.numbers((3, 12, 16)), "RGB"), set()
    for each in (policy.IMAGENET, policy.CIFAR10, policy.SVHN):
        torch.manual_seed(5)
        way = samples.transforms(home).AutoAugment(each)
        runs.add(b"".join(values_of(way(image)).tobytes() for _ in range(16)))
    require(len(runs) == 3, f"{home} AutoAugment does the same with two of its policies", 3, len(runs))
    torch.manual_seed(5)
    way = samples.transforms(home).AutoAugment()
    found = b"".join(values_of(way(image)).tobytes() for _ in range(16))
    torch.manual_seed(5)
    way = samples.transforms(home).AutoAugment(policy.IMAGENET)
    require(found == b"".join(values_of(way(image)).tobytes() for _ in range(16)), "IMAGENET is not the default")


def changes(way: Any, level: int, times: int = TIMES) -> list[int]:
    """Whether each result of a picture of one grey differs from it."""
    grey = np.full((3, 5, 5), level, np.uint8)
    image = samples.picture(grey, "RGB")
    return [int((samples.pixels(way(image)) != grey).any()) for _ in range(times)]


@samples.in_both("transforms.rand-augment")
def test_rand_augment_applies_so_many_operations(subject, home):
    """Of the 14 operations, brightness, posterize and solarize change a picture of one grey (201)."""
    make, fill = samples.transforms(home).RandAugment, [201, 201, 201]
    for named, count in (({"num_ops": 1}, 1), ({}, 2), ({"num_ops": 4}, 4)):
        found = changes(make(**named, fill=fill), 201)
        same = (11 / 14) ** count
        samples.assert_chances(f"{home} RandAugment({named}): changed", found, [same, 1 - same])
    for named in ({"num_ops": 0}, {"magnitude": 0}, {"num_ops": 5, "magnitude": 0}):
        found = changes(make(**named, fill=fill), 201, 200)
        require(not any(found), f"{home} RandAugment({named}) changes a picture of one grey", 0, sum(found))


@samples.in_both("transforms.trivial-augment")
def test_trivial_augment_applies_one_operation(subject, home):
    """Of its 14 operations and 31 strengths, 30 of brightness, 28 of posterize and 24 of solarize change a grey."""
    way = samples.transforms(home).TrivialAugmentWide(fill=[201, 201, 201])
    changed = (30 + 28 + 24) / 31 / 14
    samples.assert_chances(f"{home} TrivialAugmentWide: changed", changes(way, 201, 1500), [1 - changed, changed])


# -- mixtures ----------------------------------------------------------------------------------------------------------


# s x + (1 - s) y: the roundings of s, once more in the label that shows it, of 1 - s, two products and their sum.
MIXED = SUMMED.over(8)


def mixed_batch(subject: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Four images (2, 6, 8), each of its number, and their classes."""
    values = np.broadcast_to(np.arange(4.0).reshape(4, 1, 1, 1), (4, 2, 6, 8))
    return samples.tensor(subject, values), torch.tensor([2, 0, 1, 4], device=subject.device)


def labels_of(share: np.ndarray) -> np.ndarray:
    """The labels of the batch where each image keeps a share and gets the rest from the one before."""
    found = np.zeros((4, 5))
    for place, (own, other) in enumerate(zip((2, 0, 1, 4), (4, 2, 0, 1), strict=True)):
        found[place, own], found[place, other] = share, 1 - share
    return found


@check("transforms.mixup", since="2.2")
def test_mixup_mixes_images_and_labels_alike(subject):
    images, classes = mixed_batch(subject)
    before, shares = Unchanged(images=images, classes=classes), []
    for _ in range(samples.DRAWS // 3):
        out, labels = samples.transforms("v2").MixUp(num_classes=5)(images, classes)
        share = float(labels[0, 2])
        shares.append(share)
        own = np.arange(4.0)
        expected = share * own + (1 - share) * np.roll(own, 1)
        assert_tensor("MixUp: images", out, "float32", (4, 2, 6, 8))
        whole = np.broadcast_to(expected.reshape(4, 1, 1, 1), (4, 2, 6, 8))
        assert_values("MixUp: images, their mixture", out, whole, MIXED, 4.0)
        assert_values("MixUp: labels, their mixture", labels, labels_of(share), MIXED, 1.0)
    assert_distribution("MixUp: share", np.array(shares), chances.uniform(0, 1), 1e-5)
    before.check("MixUp")


@check("transforms.cutmix", since="2.2")
def test_cutmix_puts_a_rectangle_of_the_image_before(subject):
    images, classes = mixed_batch(subject)
    before, shares = Unchanged(images=images, classes=classes), []
    for _ in range(samples.DRAWS // 6):
        out, labels = samples.transforms("v2").CutMix(num_classes=5)(images, classes)
        found = host.array(assert_tensor("CutMix: images", out, "float32", (4, 2, 6, 8)))
        own, other = np.arange(4.0).reshape(4, 1, 1, 1), np.roll(np.arange(4.0), 1).reshape(4, 1, 1, 1)
        cut = found[1, 0] != 1
        require((found == np.where(cut, other, own)).all(), "CutMix: other pixels than the two images'", "a rectangle")
        rows, columns = np.flatnonzero(cut.any(1)), np.flatnonzero(cut.any(0))
        whole = len(rows) * len(columns) == cut.sum() and (np.diff(rows) == 1).all() and (np.diff(columns) == 1).all()
        require(whole, "CutMix: what is cut is no rectangle", "a rectangle", cut.astype(int).tolist())
        share = 1 - cut.mean()
        assert_values("CutMix: labels, the shares of the pixels", labels, labels_of(share), MIXED, 1.0)
        shares.append(share)
    require(len(set(shares)) > 10, "CutMix always cuts the same size")
    before.check("CutMix")


@check("transforms.mixup", since="2.2")
def test_mixup_takes_alpha_and_labels_from_where_it_is_told(subject):
    images, classes = mixed_batch(subject)
    make = samples.transforms("v2").MixUp
    way = make(alpha=200.0, num_classes=5)
    shares = np.array([float(way(images, classes)[1][0, 2]) for _ in range(samples.DRAWS // 3)])
    far = (np.abs(shares - 0.5) > 0.1).astype(int).tolist()  # Beta(200, 200) is there with a chance of 5e-5
    samples.assert_chances("MixUp(alpha=200): far from half and half", far, [1 - 5e-5, 5e-5])
    batch = {"x": images, "y": classes, "more": "text"}
    out = make(num_classes=5, labels_getter=lambda batch: batch["y"])(batch)
    share = float(out["y"][0, 2])
    assert_values("MixUp(labels_getter=…): labels", out["y"], labels_of(share), MIXED, 1.0)
    require(out["more"] == "text" and batch["y"] is classes, "MixUp(labels_getter=…) changes what it should not")


@check("transforms.cutmix", since="2.2")
def test_cutmix_takes_alpha(subject):
    """A share above 8/9, to which Beta(1/20, 1/20) gives 0.4521 and a uniform one 0.111, cuts less than a pixel."""
    images, classes = mixed_batch(subject)
    way = samples.transforms("v2").CutMix(alpha=0.05, num_classes=5)
    kept = [int((host.array(way(images, classes)[0])[1] == 1).all()) for _ in range(samples.DRAWS // 2)]
    samples.assert_chances("CutMix(alpha=0.05): nothing cut", kept, [1 - 0.4521, 0.4521])


# -- boxes and others of v2 --------------------------------------------------------------------------------------------


def boxes(subject: Any, rows: Any, kind: str) -> Any:
    made = importlib.import_module("torchvision.tv_tensors").BoundingBoxes
    return made(samples.tensor(subject, np.array(rows, np.float32)), format=kind, canvas_size=(20, 30))


BOXES = {
    "XYXY": [[2, 3, 10, 9], [0, 0, 30, 20]],
    "XYWH": [[2, 3, 8, 6], [0, 0, 30, 20]],
    "CXCYWH": [[6, 6, 8, 6], [15, 10, 30, 20]],
}


@check("transforms.v2-boxes", since="2.2")
def test_boxes_change_their_format(subject):
    T, F = samples.transforms("v2"), importlib.import_module("torchvision.transforms.v2.functional")
    for given, rows in BOXES.items():
        for wanted, expected in BOXES.items():
            for out in (
                T.ConvertBoundingBoxFormat(wanted)(boxes(subject, rows, given)),
                F.convert_bounding_box_format(boxes(subject, rows, given), new_format=type_of(wanted)),
            ):
                assert_values(f"boxes from {given} to {wanted}", out, np.array(expected, np.float32), dtype="float32")
                require(out.format == type_of(wanted), f"boxes from {given} to {wanted}: format", wanted, out.format)


def type_of(name: str) -> Any:
    return importlib.import_module("torchvision.tv_tensors").BoundingBoxFormat[name]


@check("transforms.v2-boxes", since="2.2")
def test_boxes_are_clamped_and_sanitized(subject):
    T = samples.transforms("v2")
    rows = [[-5, 3, 10, 29], [25, -2, 41, 5], [3, 4, 5, 6], [8, 8, 8.5, 12]]
    out = T.ClampBoundingBoxes()(boxes(subject, rows, "XYXY"))
    expected = np.array([[0, 3, 10, 20], [25, 0, 30, 5], [3, 4, 5, 6], [8, 8, 8.5, 12]], np.float32)
    assert_values("ClampBoundingBoxes", out, expected, dtype="float32")
    given = {"boxes": boxes(subject, rows, "XYXY"), "labels": torch.arange(4, device=subject.device), "other": "text"}
    out = T.SanitizeBoundingBoxes(min_size=1)(given)
    assert_values("SanitizeBoundingBoxes: boxes", out["boxes"], np.array([rows[2]], np.float32), dtype="float32")
    assert_values("SanitizeBoundingBoxes: labels", out["labels"], np.array([2]))
    for least, places in ((2.5, [0, 1]), (3.5, [1])):
        sides = {"boxes": boxes(subject, [[0, 0, 3, 9], [1, 1, 9, 5], [2, 2, 4, 4]], "XYXY"), "labels": torch.arange(3)}
        found = T.SanitizeBoundingBoxes(min_size=least)(sides)
        assert_values(f"SanitizeBoundingBoxes(min_size={least}): labels", found["labels"], np.array(places))
    require(out["other"] == "text" and len(given["labels"]) == 4, "SanitizeBoundingBoxes changes what it should not")


@check("transforms.v2-boxes", since="2.6")
def test_boxes_of_a_small_area_are_left_out(subject):
    rows = [[0, 0, 3, 9], [1, 1, 9, 5], [2, 2, 4, 4]]
    for least, places in ((4, [0, 1, 2]), (5, [0, 1]), (28, [1]), (33, [])):
        given = {"boxes": boxes(subject, rows, "XYXY"), "labels": torch.arange(3)}
        out = samples.transforms("v2").SanitizeBoundingBoxes(min_area=least)(given)
        assert_values(f"SanitizeBoundingBoxes(min_area={least})", out["labels"], np.array(places, np.int64))


@check("transforms.v2-others", since="2.2")
def test_other_transforms_of_v2(subject):
    T, values = samples.transforms("v2"), samples.numbers((8, 3, 5, 6))
    x = samples.tensor(subject, values, "uint8")
    require(T.Identity()(x) is x, "Identity gives something else")
    for count, places in ((3, [0, 3, 7]), (8, list(range(8))), (1, [0]), (2, [0, 7])):
        out = T.UniformTemporalSubsample(count)(x)
        assert_values(f"UniformTemporalSubsample({count})", out, values[places], dtype="uint8")
    orders = {values[0][list(order)].tobytes(): order for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0))}
    orders |= {values[0][list(order)].tobytes(): order for order in ((2, 0, 1), (2, 1, 0))}
    shuffle = T.RandomChannelPermutation()
    found = [list(orders).index(host.array(shuffle(x[0])).tobytes()) for _ in range(samples.DRAWS // 2)]
    samples.assert_chances("RandomChannelPermutation", found, [1 / 6] * 6)


@check("transforms.v2-others", since="2.6")
def test_gaussian_noise_is_normal(subject):
    x = samples.tensor(subject, np.full((3, 40, 40), 0.5, np.float32))
    for mean, sigma in ((0.0, 0.1), (0.25, 0.5)):
        out = host.array(samples.transforms("v2").GaussianNoise(mean, sigma, clip=False)(x)).astype(np.float64)
        call = f"GaussianNoise({mean}, {sigma})"
        assert_distribution(call, (out - 0.5 - mean) / sigma, chances.normal(), 1e-4)
        cut = host.array(samples.transforms("v2").GaussianNoise(mean, 5.0)(x))
        require(cut.min() == 0 and cut.max() == 1, f"{call} with clip leaves the range from 0 to 1")
    whole = samples.tensor(subject, samples.numbers((3, 4, 5), "int32"), "int32")
    assert_raises("GaussianNoise of int32", ValueError, lambda: samples.transforms("v2").GaussianNoise()(whole))


# -- made-up pictures --------------------------------------------------------------------------------------------------


@check("transforms.fake-data")
def test_fake_data_is_made_up_once_for_all(subject):
    make = importlib.import_module("torchvision.datasets").FakeData if samples.transforms() else None
    made = make(40, (3, 6, 7), 5)
    require(len(made) == 40, "FakeData has another length", 40, len(made))
    torch.manual_seed(3)
    before = host.array(torch.get_rng_state()).copy()
    items = [made[place] for place in range(40)]
    require((host.array(torch.get_rng_state()) == before).all(), "FakeData draws from the global generator")
    torch.rand(5)
    for (image, label), (again, same) in zip(items, [make(40, (3, 6, 7), 5)[k] for k in range(40)], strict=True):
        require(image.mode == "RGB" and image.size == (7, 6), "FakeData: mode, size", ("RGB", (7, 6)), image.size)
        require(
            (samples.pixels(image) == samples.pixels(again)).all() and label == same,
            "FakeData gives another item the second time",
        )
        require(type(label) is int and 0 <= label < 5, "FakeData: label", "0 to 4", label)
    require(len({samples.pixels(image).tobytes() for image, _ in items}) == 40, "two items of FakeData are alike")
    require({label for _, label in items} == set(range(5)), "FakeData leaves out a class")
    assert_raises("the item after the last", IndexError, lambda: made[40])
    require(len(make()) == 1000, "the number of items of FakeData by default", 1000, len(make()))


@check("transforms.fake-data")
def test_fake_data_moves_on_and_is_transformed(subject):
    make = importlib.import_module("torchvision.datasets").FakeData if samples.transforms() else None
    items = [make(40, (3, 6, 7), 5)[place] for place in range(11)]
    moved = make(40, (3, 6, 7), 5, random_offset=7)
    require(
        (samples.pixels(moved[3][0]) == samples.pixels(items[10][0])).all(),
        "random_offset=7 does not move the items on by 7",
    )
    changed = make(4, (3, 6, 7), 5, transform=lambda image: ("seen", image.size), target_transform=lambda label: -label)
    require(changed[2] == (("seen", (7, 6)), -items[2][1]), "FakeData's transforms", "seen", changed[2])

"""RandomErasing, ColorJitter, the choices among transforms, and seeds: by statistics, and exactly at the ends."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import torch

from conformance import host, numerics
from conformance.assertions import assert_array, assert_raises, assert_tensor, assert_values, require
from conformance.chance import assert_distribution
from conformance.check import check, must_answer
from conformance.numerics import SUMMED
from conformance.oracle import random as chances
from conformance.oracle import transforms_colour as colour
from conformance.tables.transforms_samples import (
    DRAWS,
    assert_chances,
    assert_image,
    functional,
    in_both,
    is_image,
    numbers,
    picture,
    pixels,
    tensor,
    transforms,
)

pytestmark = must_answer

# -- ColorJitter -------------------------------------------------------------------------------------------------------


@in_both("transforms.color-jitter-ends")
def test_color_jitter_with_one_factor_is_that_adjustment(subject, home):
    T, F, values = transforms(home), functional(home), numbers((3, 6, 7))
    names = {"brightness": F.adjust_brightness, "contrast": F.adjust_contrast, "saturation": F.adjust_saturation}
    for image in (picture(values, "RGB"), tensor(subject, values, "uint8"), tensor(subject, values / 256, "float32")):
        kind = "RGB" if is_image(image) else host.dtype_name(image.dtype)
        for none in (T.ColorJitter(), T.ColorJitter(0, 0, 0, 0), T.ColorJitter((1, 1), (1, 1), (1, 1), (0, 0))):
            given = values if kind != "float32" else values / 256
            assert_image(f"{home} ColorJitter without effect", none(image), given, kind)
        for (name, adjust), factor in itertools.product(names.items(), (0.0, 0.5, 2.0)):
            out, same = T.ColorJitter(**{name: (factor, factor)})(image), adjust(image, factor)
            expected = pixels(same) if is_image(same) else host.array(same)
            assert_image(f"{home} ColorJitter({name}={factor})", out, expected, kind)
        same = F.adjust_hue(image, 0.25)
        expected = pixels(same) if is_image(same) else host.array(same)
        assert_image(f"{home} ColorJitter(hue=0.25)", T.ColorJitter(hue=(0.25, 0.25))(image), expected, kind)


@in_both("transforms.color-jitter-ends")
def test_color_jitter_with_factor_0(subject, home):
    values = numbers((3, 6, 7), "float32")
    x, T = tensor(subject, values), transforms(home)
    black = T.ColorJitter(brightness=(0, 0))(x)
    assert_values(f"{home} ColorJitter(brightness=(0, 0))", black, np.zeros_like(values))
    mean = np.broadcast_to(colour.mean_grey(values, False), values.shape)
    assert_values(
        f"{home} ColorJitter(contrast=(0, 0))", T.ColorJitter(contrast=(0, 0))(x), mean, SUMMED.over(60), mean
    )
    grey = np.repeat(colour.grey(values), 3, axis=0)
    assert_values(
        f"{home} ColorJitter(saturation=(0, 0))", T.ColorJitter(saturation=(0, 0))(x), grey, SUMMED.over(8), grey
    )


# A factor is read off two pixels, each the sum of two products (four roundings) of at most 2.5 9/16 and 1.5 9/16, over
# their distance of 1/8; the quotient rounds twice more.
FACTOR, FACTOR_SCALE = SUMMED.over(10), (2.5 + 1.5) * 9 / 16 / (1 / 8)
JITTERS = ((0.4, (0.6, 1.4)), (1.5, (0.0, 2.5)), ([0.3, 0.6], (0.3, 0.6)))


@in_both("transforms.color-jitter-range")
def test_color_jitter_draws_its_factors_uniformly(subject, home):
    """An image of two values shows the factor: brightness multiplies it, contrast and saturation its difference."""
    plain = np.full((3, 2, 2), 0.125, np.float32)
    low, high = 0.4375, 0.5625
    halves = np.broadcast_to(np.array([low, high], np.float32), (3, 2, 2))
    tinted = np.stack([np.full((2, 2), value, np.float32) for value in (high, low, low)])
    factors = {
        "brightness": (plain, lambda out: out[0, 0, 0] / 0.125),
        "contrast": (halves, lambda out: (out[0, 0, 1] - out[0, 0, 0]) / (high - low)),
        "saturation": (tinted, lambda out: (out[0, 0, 0] - out[1, 0, 0]) / (high - low)),
    }
    for (name, (values, factor)), (amount, (least, most)) in itertools.product(factors.items(), JITTERS):
        jitter, x = transforms(home).ColorJitter(**{name: amount}), tensor(subject, values)
        found = np.array([factor(host.array(jitter(x)).astype(np.float64)) for _ in range(DRAWS // 5)])
        call = f"{home} ColorJitter({name}={amount}): factor"
        slack = numerics.bound(np.array([least, most]), "float32", FACTOR, FACTOR_SCALE)
        inside = found.min() >= least - slack[0] and found.max() <= most + slack[1]
        require(inside, call, (least, most), (found.min(), found.max()))
        assert_distribution(call, found, chances.uniform(least, most), float(slack.max()))


@in_both("transforms.color-jitter-range")
def test_color_jitter_draws_the_hue_uniformly(subject, home):
    """The hue of pure red is 0: green rises with a hue above it, blue with one below."""
    red = np.zeros((3, 1, 1), np.float32)
    red[0] = 1
    for amount, (least, most) in ((0.15, (-0.15, 0.15)), ((0.05, 0.1), (0.05, 0.1))):
        jitter, x = transforms(home).ColorJitter(hue=amount), tensor(subject, red)
        outs = [host.array(jitter(x)).astype(np.float64)[:, 0, 0] for _ in range(DRAWS // 5)]
        found = np.array([(green - blue) / 6 for _, green, blue in outs])
        assert_distribution(f"{home} ColorJitter(hue={amount}): hue", found, chances.uniform(least, most), 1e-5)


# Three blends of four roundings each, and a mean of 60 products, all of at most 1, the brightness doubles what it gets.
ADJUSTED, ADJUSTED_SCALE = SUMMED.over(72), 2.0


@in_both("transforms.color-jitter-order")
def test_color_jitter_applies_in_any_order(subject, home):
    values = numbers((3, 4, 5), "float32")
    steps = {"brightness": (2.0, None), "contrast": (0.5, True), "saturation": (0.25, False)}

    def step(x: np.ndarray, name: str) -> np.ndarray:
        factor, mean = steps[name]
        other = 0.0 if mean is None else colour.mean_grey(x, False) if mean else colour.grey(x)
        return colour.blend(x, other, factor, 1)[0]

    orders = list(itertools.permutations(steps))
    known = []
    for order in orders:
        x = values
        for name in order:
            x = step(x, name)
        known.append(x)
    jitter = transforms(home).ColorJitter(**{name: (factor, factor) for name, (factor, _) in steps.items()})
    x, found = tensor(subject, values), []
    for _ in range(DRAWS):
        out = host.array(jitter(x)).astype(np.float64)
        nearest = int(np.argmin([np.abs(out - one).max() for one in known]))
        assert_array(f"{home} ColorJitter, of no order", out, known[nearest], "float32", ADJUSTED, ADJUSTED_SCALE)
        found.append(nearest)
    apart = 2 * numerics.bound(np.ones(()), "float32", ADJUSTED, ADJUSTED_SCALE)
    alike = [[np.abs(a - b).max() <= apart for b in known].index(True) for a in known]
    weights = [alike.count(place) / len(orders) for place in range(len(orders))]
    assert_chances(f"{home} ColorJitter: order", [alike[place] for place in found], weights)


@in_both("transforms.color-jitter-refusals")
def test_color_jitter_refuses_factors_out_of_range(subject, home):
    make = transforms(home).ColorJitter
    for named in (
        {"brightness": -0.1},
        {"contrast": (-0.5, 1)},
        {"saturation": (2, 1)},
        {"hue": 0.6},
        {"hue": (-0.6, 0)},
        {"hue": -0.1},
    ):
        assert_raises(f"{home} ColorJitter({named})", ValueError, lambda: make(**named))


# -- choices -----------------------------------------------------------------------------------------------------------


def adders(count: int) -> list[Any]:
    """Functions that append their number to a list, and so show which were called, in which order."""
    return [lambda seen, k=k: [*seen, k] for k in range(count)]


@in_both("transforms.random-apply")
def test_random_apply_applies_all_or_none(subject, home):
    T = transforms(home)
    for named, p in (({}, 0.5), ({"p": 0.8}, 0.8), ({"p": 0.0}, 0.0), ({"p": 1.0}, 1.0)):
        apply = T.RandomApply([T.Lambda(lambda x: x + 1), T.Lambda(lambda x: x * 3)], **named)
        found = [int(apply(torch.tensor(1))) for _ in range(DRAWS)]
        require(set(found) <= {1, 6}, f"{home} RandomApply({named}) of x + 1, 3 x gives", "1 or 6", sorted(set(found)))
        assert_chances(f"{home} RandomApply({named})", [int(value == 6) for value in found], [1 - p, p])


@in_both("transforms.random-choice")
def test_random_choice_applies_one(subject, home):
    T = transforms(home)
    add = [T.Lambda(lambda x, k=k: x + 10 + k) for k in range(4)]
    for named, weights in (
        ({}, [0.25] * 4),
        ({"p": [0.1, 0.2, 0.3, 0.4]}, [0.1, 0.2, 0.3, 0.4]),
        ({"p": [0, 1, 0, 0]}, [0, 1, 0, 0]),
    ):
        choice = T.RandomChoice(add, **named)
        found = [int(choice(torch.tensor(5))) - 15 for _ in range(DRAWS)]
        assert_chances(f"{home} RandomChoice({named})", found, weights)


@in_both("transforms.random-order")
def test_random_order_takes_every_order(subject, home):
    T = transforms(home)
    orders = {order: place for place, order in enumerate(itertools.permutations(range(3)))}
    shuffled = T.RandomOrder([T.Lambda(lambda x, k=k: x * 10 + k + 1) for k in range(3)])
    found = []
    for _ in range(DRAWS):
        digits = tuple(int(digit) - 1 for digit in str(int(shuffled(torch.tensor(0)))))
        require(digits in orders, f"{home} RandomOrder does not apply each once", "a permutation", digits)
        found.append(orders[digits])
    assert_chances(f"{home} RandomOrder", found, [1 / 6] * 6)


# -- seeds -------------------------------------------------------------------------------------------------------------


def seeded(T: Any) -> list[Any]:
    """Random transforms that draw from PyTorch's generator."""
    return [
        T.RandomCrop(4, padding=1),
        T.RandomHorizontalFlip(),
        T.RandomVerticalFlip(),
        T.RandomResizedCrop(5, antialias=True),
        T.RandomRotation(90),
        T.RandomAffine(30, translate=(0.3, 0.3), scale=(0.5, 1.5), shear=10),
        T.ColorJitter(0.5, 0.5, 0.5, 0.3),
        T.RandomErasing(0.7, value="random"),
        T.RandomApply([T.Pad(1)], p=0.5),
        T.RandomGrayscale(0.5),
        T.GaussianBlur(3),
        T.RandomPerspective(),
    ]


@in_both("transforms.seed")
def test_a_seed_repeats_random_transforms(subject, home):
    x = tensor(subject, numbers((3, 9, 8), "float32"))
    for transform in seeded(transforms(home)):
        runs = []
        for seed in (3, 3, 4):
            torch.manual_seed(seed)
            outs = [host.array(assert_tensor(str(transform), transform(x))) for _ in range(12)]
            runs.append([(out.shape, out.tobytes()) for out in outs])
        require(runs[0] == runs[1], f"{home} {transform} differs after the same seed")
        require(runs[0] != runs[2], f"{home} {transform} is the same after another seed")
        require(len(set(runs[0])) > 1, f"{home} {transform} does not vary")


@check("transforms.seed")
def test_a_seed_of_pythons_repeats_choices(subject):
    """The classic RandomChoice and RandomOrder draw from Python's generator."""
    T = transforms()
    add = [T.Lambda(lambda x, k=k: x * 10 + k) for k in range(5)]
    for transform in (T.RandomChoice(add), T.RandomOrder(add)):
        runs = []
        for seed in (3, 3, 4):
            random.seed(seed)
            torch.manual_seed(seed)
            runs.append([int(transform(torch.tensor(0))) for _ in range(30)])
        require(runs[0] == runs[1] != runs[2], f"{transform} does not go by the seed")

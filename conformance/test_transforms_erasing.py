"""RandomErasing: the rectangle, its place, its size and its values, by statistics."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, require
from conformance.chance import assert_distribution
from conformance.check import check, must_answer
from conformance.oracle import random as chances
from conformance.tables.transforms_samples import (
    DRAWS,
    assert_all_seen,
    assert_chances,
    in_both,
    numbers,
    outcomes,
    tensor,
    transforms,
)

pytestmark = must_answer

# -- RandomErasing -----------------------------------------------------------------------------------------------------

SQUARE = {"scale": (0.25, 0.25), "ratio": (1.0, 1.0)}


def erased(values: np.ndarray, high: int, wide: int, value: Any) -> list[np.ndarray]:
    """The image with each rectangle of a size set to a value, or to one a channel."""
    found = []
    for i, j in itertools.product(range(values.shape[-2] - high + 1), range(values.shape[-1] - wide + 1)):
        found.append(values.copy())
        found[-1][..., i : i + high, j : j + wide] = np.reshape(value, (-1, 1, 1)) if np.ndim(value) else value
    return found


@in_both("transforms.random-erasing")
def test_random_erasing_sets_a_rectangle_to_its_value(subject, home):
    T, values = transforms(home), numbers((3, 6, 6), "float32") + 1
    for value, dtype in ((0, "float32"), (0.5, "float64"), ([0.1, 0.2, 0.3], "float32"), ((4, 5, 6), "float64")):
        known = erased(values.astype(dtype), 3, 3, np.array(value, dtype))
        if dtype == "float64" and np.ndim(value) == 0:
            known = erased(values.astype(dtype), 3, 3, float(np.float32(value)))
        for shape in ((3, 6, 6), (2, 3, 6, 6)):
            x = tensor(subject, np.broadcast_to(values, shape), dtype)
            erase = T.RandomErasing(1.0, value=value, **SQUARE)
            expected = [np.broadcast_to(one, shape).copy() for one in known]
            found = outcomes(f"{home} RandomErasing(value={value}) of {dtype} {shape}", lambda: erase(x), expected, 60)
            require(len(set(found)) > 4, f"{home} RandomErasing always erases in the same places")
    x = tensor(subject, values)
    erase, known = T.RandomErasing(1.0, **SQUARE), erased(values, 3, 3, 0)
    outcomes(f"{home} RandomErasing(1.0)", lambda: erase(x), known, 40)


@in_both("transforms.random-erasing")
def test_random_erasing_acts_with_its_probability(subject, home):
    values = numbers((3, 6, 6), "float32") + 1
    x = tensor(subject, values)
    for arguments, p in (((), 0.5), ((0.2,), 0.2), ((0.0,), 0.0), ((1.0,), 1.0)):
        erase = transforms(home).RandomErasing(*arguments, **SQUARE)
        acted = [int((host.array(erase(x)) == 0).any()) for _ in range(DRAWS)]
        assert_chances(f"{home} RandomErasing{arguments}", acted, [1 - p, p])
    for bad in (-0.1, 1.1):
        assert_raises(f"{home} RandomErasing({bad})", ValueError, lambda: transforms(home).RandomErasing(bad))


@in_both("transforms.random-erasing")
def test_random_erasing_with_random_numbers(subject, home):
    x = tensor(subject, np.full((3, 40, 40), 100.0, np.float32))
    erase = transforms(home).RandomErasing(1.0, value="random", **SQUARE)
    parts = []
    for _ in range(max(DRAWS // 100, 4)):
        out = host.array(erase(x))
        changed = out != 100
        require(changed.sum() == 3 * 400, f"{home} RandomErasing: {changed.sum()} numbers change", 1200, changed.sum())
        parts.append(out[changed])
    assert_distribution(f"{home} RandomErasing(value='random')", np.concatenate(parts), chances.normal(), 1e-5)


@in_both("transforms.random-erasing-place")
def test_random_erasing_takes_every_place_equally_often(subject, home):
    values = numbers((1, 8, 8), "float32") + 1
    x = tensor(subject, values)
    for named, high, wide in (
        (SQUARE, 4, 4),
        ({"scale": (0.125, 0.125), "ratio": (2.0, 2.0)}, 4, 2),
        ({"scale": (0.125, 0.125), "ratio": (0.5, 0.5)}, 2, 4),
    ):
        known = erased(values, high, wide, 0)
        erase = transforms(home).RandomErasing(1.0, **named)
        assert_all_seen(f"{home} RandomErasing({named})", lambda: erase(x), known, [1 / len(known)] * len(known))


@check("transforms.random-erasing-place")
def test_the_erased_area_and_ratio_are_uniform(subject):
    T, x = transforms(), torch.empty((1, 1, 1)).expand(3, 5000, 5000)
    kind = T.RandomErasing()
    require((tuple(kind.scale), tuple(kind.ratio)) == ((0.02, 0.33), (0.3, 3.3)), "RandomErasing has other defaults")
    draws = np.array([T.RandomErasing.get_params(x, (0.02, 0.33), (1.0, 1.0), [0.0])[:4] for _ in range(DRAWS)])
    share = draws[:, 2] * draws[:, 3] / 5000**2
    assert_distribution("the erased share", share, chances.uniform(0.02, 0.33), 2e-3)
    draws = np.array([T.RandomErasing.get_params(x, (0.1, 0.1), (0.3, 3.3), [0.0])[:4] for _ in range(DRAWS)])
    logs = np.log(draws[:, 2] / draws[:, 3])
    assert_distribution("log of height / width", logs, chances.uniform(np.log(0.3), np.log(3.3)), 2e-3)


@in_both("transforms.random-erasing-inplace")
def test_random_erasing_writes_only_if_asked(subject, home):
    T, values = transforms(home), numbers((3, 6, 6), "float32") + 1
    x = tensor(subject, values)
    before = Unchanged(img=x)
    T.RandomErasing(1.0, **SQUARE)(x)
    before.check(f"{home} RandomErasing(img)")
    out = T.RandomErasing(1.0, **SQUARE, inplace=True)(x)
    require(out.data_ptr() == x.data_ptr(), f"{home} RandomErasing(inplace=True) copies", "the input", "new memory")
    found = host.array(x)
    require(any((found == one).all() for one in erased(values, 3, 3, 0)), "the input is not erased in place")

"""Normalize of images and batches, by the formula; in place only if asked."""

from __future__ import annotations

import itertools

from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_values, require
from conformance.check import must_answer
from conformance.numerics import EXACT, SUMMED
from conformance.oracle import transforms as places
from conformance.tables.transforms_samples import (
    as_tensor,
    functional,
    in_both,
    numbers,
    picture,
    tensor,
    ways,
)

pytestmark = must_answer

# -- Normalize ---------------------------------------------------------------------------------------------------------

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
NORMALS = (
    ("float32", (3,), "contiguous"),
    ("float64", (3,), "transposed"),
    ("float32", (4, 3), "channels_last"),
    ("float64", (2, 2, 3), "contiguous"),
    ("float16", (3,), "row_stepped"),
    ("bfloat16", (2, 3), "contiguous"),
    ("float32", (3,), "stepped"),
    ("float64", (1, 3), "offset"),
)


@in_both("transforms.normalize-formula")
def test_normalize_takes_each_channels_mean_and_std(subject, home):
    for (row, size), (mean, std) in itertools.product(
        zip(NORMALS, ((5, 7), (1, 1), (17, 3), (2, 2), (4, 9), (6, 5), (33, 31), (1, 8)), strict=True),
        ((MEAN, STD), ([0.0, -3.0, 100.0], [2.0, -0.5, 7.0]), (tuple(MEAN), tuple(STD))),
    ):
        given = as_tensor(subject, row, *size)
        expected, scale = places.normalize(given.values, list(mean), list(std))
        for text, way in ways(home, "normalize", "Normalize", mean, std):
            for _ in range(2):
                assert_values(
                    f"{text} of {given.text}", way(given.image), expected, SUMMED.over(6), scale, dtype=row[0]
                )
            given.assert_unchanged(text)


@in_both("transforms.normalize-formula")
def test_normalize_with_other_numbers_of_channels(subject, home):
    for count, seed in ((1, 0), (2, 3), (4, 5), (17, 8)):
        mean, std = [0.1 * k - 0.3 for k in range(count)], [0.5 + 0.25 * k for k in range(count)]
        given = as_tensor(subject, ("float32", (count,), "contiguous"), 4, 3, seed)
        expected, scale = places.normalize(given.values, mean, std)
        for text, way in ways(home, "normalize", "Normalize", mean, std):
            assert_values(text, way(given.image), expected, SUMMED.over(6), scale, dtype="float32")
    given = as_tensor(subject, ("float32", (2, 3), "contiguous"), 4, 3)
    expected, scale = places.normalize(given.values, [0.5], [0.25])
    for text, way in ways(home, "normalize", "Normalize", [0.5], [0.25]):
        assert_values(f"{text} of three channels", way(given.image), expected, SUMMED.over(6), scale)


@in_both("transforms.normalize-inplace")
def test_normalize_writes_only_if_asked(subject, home):
    for row in NORMALS:
        given = as_tensor(subject, row, 5, 4)
        expected, scale = places.normalize(given.values, MEAN, STD)
        for text, way in ways(home, "normalize", "Normalize", MEAN, STD):
            x = given.image.clone()
            before = Unchanged(img=x)
            out = way(x)
            before.check(text)
            assert_apart(text, out, x)
        for text, way in ways(home, "normalize", "Normalize", MEAN, STD, inplace=True):
            x = as_tensor(subject, row, 5, 4).image
            out = way(x)
            assert_values(f"the input of {text}", x, expected, SUMMED.over(6), scale, dtype=row[0])
            require(out.data_ptr() == x.data_ptr(), f"{text} returns new memory", "the input", "new memory")
        for text, way in ways(home, "normalize", "Normalize", MEAN, STD, False):
            x = given.image.clone()
            way(x)
            assert_values(f"the input of {text}", x, given.values, EXACT, dtype=row[0])


@in_both("transforms.normalize-refusals")
def test_normalize_refuses_what_it_cannot_do(subject, home):
    F = functional(home)
    x = tensor(subject, numbers((3, 4, 5), "float32"))
    before = Unchanged(img=x)
    for std in ([0.5, 0.0, 0.5], [0.0, 0.0, 0.0]):
        for text, way in ways(home, "normalize", "Normalize", MEAN, std):
            assert_raises(text, ValueError, lambda: way(x))
    for mean, std in (([0.5, 0.5], [0.5, 0.5]), ([0.5] * 4, [0.5] * 4)):
        for text, way in ways(home, "normalize", "Normalize", mean, std):
            assert_raises(f"{text} of three channels", RuntimeError, lambda: way(x))
    before.check("a refused normalize")
    for dtype in ("uint8", "int64"):
        image = tensor(subject, numbers((3, 4, 5), dtype), dtype)
        assert_raises(f"{home} normalize of {dtype}", TypeError, lambda: F.normalize(image, MEAN, STD))
    assert_raises(f"{home} normalize of a matrix", ValueError, lambda: F.normalize(x[0], [0.5], [0.5]))
    kinds = (TypeError, ValueError)
    image = picture(numbers((3, 4, 5)), "RGB")
    for text, way in ways(home, "normalize", "Normalize", MEAN, STD):
        assert_raises(f"{text} of a PIL image", kinds if home == "v2" else TypeError, lambda: way(image))

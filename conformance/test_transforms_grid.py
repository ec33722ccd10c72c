"""make_grid and save_image: where each image lies in the grid, its border and its range, and the bytes of the file."""

from __future__ import annotations

import importlib
import io
import itertools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from conformance.assertions import Unchanged, assert_raises, assert_tensor, assert_values
from conformance.check import check, must_answer
from conformance.numerics import SUMMED
from conformance.oracle import transforms as oracle
from conformance.tables.transforms_samples import assert_arrays, numbers, pillow, pixels, tensor
from conformance.vision import torchvision

pytestmark = must_answer

LAYOUTS = ("contiguous", "channels_last", "row_stepped", "offset")


def utils() -> Any:
    torchvision()
    return importlib.import_module("torchvision.utils")


def batch(count: int, shape: tuple[int, ...] = (3, 3, 4), dtype: str = "float32") -> np.ndarray:
    return np.stack([numbers(shape, dtype, seed) for seed in range(count)])


@check("transforms.make-grid")
def test_make_grid_lays_images_out_row_by_row(subject):
    for count in (2, 3, 4, 7, 8, 9, 17, 24):
        for dtype in ("float32", "uint8", "float64", "int64"):
            values = batch(count, dtype=dtype)
            layout = LAYOUTS[count % len(LAYOUTS)]
            x = tensor(subject, values, dtype, layout)
            before = Unchanged(tensor=x)
            call = f"make_grid of {count} of {dtype}, {layout}"
            assert_values(call, utils().make_grid(x), oracle.grid(values), dtype=dtype)
            assert_values(f"{call}, a list", utils().make_grid(list(x)), oracle.grid(values), dtype=dtype)
            before.check(call)


@check("transforms.make-grid")
def test_make_grid_of_four_photographs(subject):
    values = batch(4, (3, 224, 224))
    out = utils().make_grid(tensor(subject, values))
    assert_tensor("make_grid", out, "float32", (3, 228, 906))
    assert_values("make_grid", out, oracle.grid(values))
    for shape in ((3, 5, 2), (2, 4, 4), (4, 1, 7)):
        values = batch(5, shape)
        assert_values(f"make_grid of {shape}", utils().make_grid(tensor(subject, values)), oracle.grid(values))


@check("transforms.make-grid-options")
def test_make_grid_takes_row_padding_and_value(subject):
    for count, row, padding, value in itertools.product((2, 5, 6), (1, 2, 3, 5, 9), (0, 1, 2, 5), (0.0, 0.75, -1)):
        values = batch(count)
        x = tensor(subject, values, "float32", LAYOUTS[(count + row) % len(LAYOUTS)])
        out = utils().make_grid(x, nrow=row, padding=padding, pad_value=value)
        call = f"make_grid of {count}, nrow={row}, padding={padding}, pad_value={value}"
        assert_values(call, out, oracle.grid(values, row, padding, value), dtype="float32")
        if value == 0:
            assert_values(call, utils().make_grid(x, row, padding), oracle.grid(values, row, padding))


@check("transforms.make-grid-single")
def test_make_grid_of_one_image_has_no_border(subject):
    values = numbers((3, 4, 5), "float32")
    grey = np.repeat(values[:1], 3, axis=0)
    for given, expected in (
        (values, values),
        (values[None], values),
        (values[:1], grey),
        (values[:1][None], grey),
        (values[0], grey),
    ):
        for options in ({}, {"padding": 5, "pad_value": 1.0}):
            out = utils().make_grid(tensor(subject, given), **options)
            assert_values(f"make_grid of one image {given.shape}", out, expected, dtype="float32")
    assert_values("make_grid of a list of one", utils().make_grid([tensor(subject, values)]), values)


@check("transforms.make-grid-single")
def test_make_grid_makes_three_channels_of_one(subject):
    values = batch(5, (1, 3, 4))
    out = utils().make_grid(tensor(subject, values), nrow=3, pad_value=0.5)
    assert_values(
        "make_grid of one channel", out, oracle.grid(np.repeat(values, 3, axis=1), 3, 2, 0.5), dtype="float32"
    )
    out = utils().make_grid([tensor(subject, one) for one in values])
    assert_values("make_grid of a list of one channel", out, oracle.grid(np.repeat(values, 3, axis=1)), dtype="float32")


@check("transforms.make-grid-normalize")
def test_make_grid_normalises_to_the_unit_interval(subject):
    values = batch(5) * 3 - 1
    values[2] = values[2] * 4 + 2
    each = np.stack([oracle.stretched(one, one.min(), one.max()) for one in values])
    rows = (
        ({}, oracle.stretched(values, values.min(), values.max())),
        ({"scale_each": True}, each),
        ({"value_range": (-0.5, 2.0)}, oracle.stretched(values, -0.5, 2.0)),
        ({"value_range": (0, 1), "scale_each": True}, oracle.stretched(values, 0, 1)),
    )
    for (named, expected), dtype, layout in itertools.product(rows, ("float32", "float64"), LAYOUTS):
        x = tensor(subject, values, dtype, layout)
        before = Unchanged(tensor=x)
        for way in (x, list(x)):
            out = utils().make_grid(way, normalize=True, **named)
            call = f"make_grid(normalize=True, {named}) of {dtype}, {layout}"
            assert_values(
                call, out, oracle.grid(expected), SUMMED.over(10), 1 + np.abs(oracle.grid(expected)), dtype=dtype
            )
        before.check(call)


@check("transforms.make-grid-normalize")
def test_make_grid_without_normalize_ignores_the_range(subject):
    values = batch(3) * 3 - 1
    out = utils().make_grid(tensor(subject, values), value_range=(0, 1), scale_each=True)
    assert_values("make_grid(value_range=(0, 1))", out, oracle.grid(values))
    flat = np.full((2, 3, 2, 2), 0.7, np.float32)
    out = utils().make_grid(tensor(subject, flat), normalize=True)
    assert_values("make_grid(normalize=True) of a constant", out, np.zeros((3, 6, 10)))
    single = numbers((3, 4, 5), "float32") + 2
    out = utils().make_grid(tensor(subject, single), normalize=True)
    expected = oracle.stretched(single, single.min(), single.max())
    assert_values("make_grid(normalize=True) of one image", out, expected, SUMMED.over(10), 4.0)


@check("transforms.make-grid-refusals")
def test_make_grid_refuses_what_is_no_batch(subject):
    x, make = torch.ones((3, 2, 2), device=subject.device), utils().make_grid
    for bad in ("images", 3, None, np.ones((2, 3, 2, 2)), [np.ones((3, 2, 2))], [x, "x"]):
        assert_raises(f"make_grid of {type(bad).__name__}", TypeError, lambda: make(bad))
    named = {"normalize": True, "value_range": 3}
    assert_raises("make_grid(value_range=3)", TypeError, lambda: make(torch.ones((2, 3, 2, 2)), **named))


# -- files -------------------------------------------------------------------------------------------------------------


def rounded(values: np.ndarray) -> np.ndarray:
    """Floats times 255, rounded, as bytes."""
    return np.clip(np.floor(values.astype(np.float64) * 255 + 0.5), 0, 255).astype(np.uint8)


def read(file: Any) -> tuple[np.ndarray, str, str]:
    with pillow().open(file) as image:
        image.load()
        return pixels(image), image.mode, image.format


@check("transforms.save-image")
def test_save_image_writes_the_grid_as_bytes(subject):
    with tempfile.TemporaryDirectory() as folder:
        for number, (count, named) in enumerate(
            ((1, {}), (3, {}), (5, {"nrow": 2, "padding": 1, "pad_value": 1.0}), (17, {}))
        ):
            values = np.linspace(-0.2, 1.2, count * 3 * 20).reshape(count, 3, 4, 5).astype(np.float32)
            grid = (
                values[0]
                if count == 1
                else oracle.grid(values, named.get("nrow", 8), named.get("padding", 2), named.get("pad_value", 0.0))
            )
            x = tensor(subject, values, "float32", LAYOUTS[number])
            before = Unchanged(tensor=x)
            for ending, kind in (("png", "PNG"), ("bmp", "BMP")):
                path = Path(folder) / f"{number}.{ending}"
                for target in (path, str(path)):
                    utils().save_image(x, target, **named)
                    found, mode, written = read(path)
                    assert_arrays(f"save_image of {count} images as {ending}", found, rounded(grid))
                    assert_arrays("its mode and format", np.array([mode, written]), np.array(["RGB", kind]))
            before.check("save_image")


@check("transforms.save-image")
def test_save_image_rounds_to_the_nearest_byte(subject):
    shares = (np.arange(256) + np.array([-0.4, -0.25, 0.0, 0.25, 0.4])[:, None]) / 255
    values = np.stack([shares.reshape(20, 64)] * 3).astype(np.float32)
    file = io.BytesIO()
    utils().save_image(tensor(subject, values), file, format="png")
    file.seek(0)
    found, mode, _ = read(file)
    assert_arrays("save_image of each byte and a little more or less", found, rounded(values))
    grey = io.BytesIO()
    utils().save_image(tensor(subject, values[:1]), grey, format="bmp")
    grey.seek(0)
    found, mode, written = read(grey)
    assert_arrays("save_image of one channel", found, rounded(values))
    assert_arrays("its mode and format", np.array([mode, written]), np.array(["RGB", "BMP"]))


@check("transforms.save-image")
def test_save_image_normalises_if_asked(subject):
    values = batch(3) * 5 - 2
    file = io.BytesIO()
    utils().save_image(tensor(subject, values), file, format="png", normalize=True)
    file.seek(0)
    exact = oracle.grid(oracle.stretched(values, values.min(), values.max()))
    found = read(file)[0].astype(np.float64)
    assert_arrays("save_image(normalize=True)", np.abs(found - exact * 255) < 0.501, np.ones(exact.shape, bool))

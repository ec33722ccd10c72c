"""Compose and Lambda, the notes' pipelines from picture to tensor, and their way back to an array for display."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_array, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import ROUNDED, SUMMED
from conformance.oracle import transforms as oracle
from conformance.oracle import transforms_resize as resizing
from conformance.tables.transforms_samples import (
    DRAWS,
    assert_arrays,
    assert_chances,
    assert_image,
    in_both,
    numbers,
    outcomes,
    picture,
    pillow,
    pixels,
    tensor,
    thin,
    transforms,
)
from conformance.vision import torchvision

pytestmark = must_answer

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
# (x / 255 - mean) / std: the roundings of the quotient, of mean and std, and of the difference and its quotient.
NORMALIZED = SUMMED.over(8)
# std y + mean in double precision adds but two roundings to those of y, whose scale it multiplies with std.
UNDONE = SUMMED.over(10)


def smooth(high: int, wide: int) -> np.ndarray:
    """A picture (3,H,W) that changes slowly from place to place."""
    y, x = np.mgrid[0:high, 0:wide]
    bands = [(y + 2 * x) * 127 // (high + 2 * wide) + 60 * band for band in range(3)]
    return np.stack(bands).astype(np.uint8)


def normalized(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bytes (3,H,W) as the pipelines end: divided by 255 and normalised; and the scale of the rounding."""
    return oracle.normalize(values / 255, MEAN, STD)


# -- Compose and Lambda ------------------------------------------------------------------------------------------------


@in_both("transforms.compose-in-order")
def test_compose_applies_one_after_another(subject, home):
    T = transforms(home)
    steps = [lambda x: x + 3, lambda x: x * 5, lambda x: x - 7, lambda x: x * x]
    for count in (1, 2, 3, 4):
        chain = T.Compose([T.Lambda(step) for step in steps[:count]])
        for start in (0, 2, -4):
            expected = start
            for step in steps[:count]:
                expected = step(expected)
            for _ in range(2):
                assert_values(f"{home} Compose of {count}", chain(torch.tensor(start)), expected, dtype="int64")


@check("transforms.compose-in-order")
def test_compose_takes_any_callables_and_hands_on_what_they_give(subject):
    seen: list[Any] = []
    chain = transforms().Compose([lambda x: seen.append(x) or "one", lambda x: seen.append(x) or ["two"], seen.append])
    out = chain("zero")
    require(seen == ["zero", "one", ["two"]], "Compose hands on", ["zero", "one", ["two"]], seen)
    require(out is None, "Compose of list.append", None, out)
    inner = transforms().Compose([lambda x: [*x, 1], lambda x: [*x, 2]])
    nested = transforms().Compose([lambda x: [*x, 0], inner, lambda x: [*x, 3]])
    require(nested([]) == [0, 1, 2, 3], "nested Compose", [0, 1, 2, 3], nested([]))
    assert_raises("Compose with a failing step", ZeroDivisionError, lambda: transforms().Compose([lambda x: 1 // x])(0))


@in_both("transforms.compose-in-order")
def test_normalize_stands_after_totensor(subject, home):
    T, values = transforms(home), numbers((3, 6, 7))
    expected, scale = normalized(values)
    chain = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])
    for seed in (0, 4, 0):
        values = numbers((3, 6, 7), seed=seed)
        expected, scale = normalized(values)
        assert_values(f"{home} ToTensor, Normalize", chain(picture(values, "RGB")), expected, NORMALIZED, scale)
    wrong = T.Compose([T.Normalize(MEAN, STD), T.ToTensor()])
    assert_raises(f"{home} Normalize, ToTensor", (TypeError, ValueError), lambda: wrong(picture(values, "RGB")))


@in_both("transforms.compose-in-order")
def test_geometry_composes_in_order(subject, home):
    T, values = transforms(home), numbers((3, 9, 8))
    chain = T.Compose([T.CenterCrop(6), T.Pad((0, 1, 2, 0)), T.RandomHorizontalFlip(1.0), T.CenterCrop((3, 5))])
    expected = oracle.hflip(oracle.pad(oracle.center_crop(values, 6, 6), (0, 1, 2, 0)))
    expected = oracle.center_crop(expected, 3, 5)
    assert_image(f"{home} a chain of places", chain(picture(values, "RGB")), expected, "RGB")
    assert_values(f"{home} a chain of places", chain(tensor(subject, values, "uint8")), expected, dtype="uint8")


@check("transforms.lambda")
def test_lambda_applies_its_function(subject):
    T = transforms()
    x = tensor(subject, numbers((3, 4), "float32"))
    require(T.Lambda(lambda value: value)(x) is x, "Lambda(identity)(x) is not x")
    assert_values("Lambda(2 x)", T.Lambda(lambda value: value * 2)(x), numbers((3, 4), "float32") * 2)
    calls: list[Any] = []
    T.Lambda(calls.append)("given")
    require(calls == ["given"], "Lambda calls its function once, with the image", ["given"], calls)
    for bad in (3, "crop", None):
        assert_raises(f"Lambda({bad!r})", TypeError, lambda: T.Lambda(bad))


# -- pipelines ---------------------------------------------------------------------------------------------------------


@in_both("transforms.topil-flip-totensor")
def test_through_a_picture_and_maybe_mirrored(subject, home):
    T, values = transforms(home), np.random.default_rng(5).random((8, 1, 2, 2)).astype(np.float32)
    chain = T.Compose([T.ToPILImage(), T.RandomHorizontalFlip(), T.ToTensor()])
    data = tensor(subject, values)
    for item, x in thin(zip(values, data, strict=True)):
        cut = (oracle.to_bytes(item) / 255).astype(np.float32)
        found = outcomes(f"{home} the chain", lambda: chain(x), [cut, oracle.hflip(cut)], DRAWS // 4)
        assert_chances(f"{home} the chain: mirrored", found, [0.5, 0.5])
    assert_values("the data afterwards", data, values)
    assert_tensor(f"{home} the chain", chain(data[0]), "float32", (1, 2, 2))


def train(T: Any) -> Any:
    steps = [T.RandomResizedCrop(224), T.RandomHorizontalFlip(), T.ToTensor(), T.Normalize(MEAN, STD)]
    return T.Compose(steps)


def val(T: Any) -> Any:
    return T.Compose([T.Resize(256), T.CenterCrop(224), T.ToTensor(), T.Normalize(MEAN, STD)])


@in_both("transforms.train-pipeline")
def test_the_training_pipeline_gives_another_tensor_each_time(subject, home):
    chain = train(transforms(home))
    for size in ((300, 400), (90, 60), (224, 224)):
        image = picture(smooth(*size), "RGB")
        outs = [host.array(assert_tensor(f"{home} train", chain(image), "float32", (3, 224, 224))) for _ in range(4)]
        require(len({out.tobytes() for out in outs}) == 4, f"{home} train: two calls give the same")
        low, high = (oracle.normalize(np.broadcast_to(edge, (3, 1, 1)), MEAN, STD)[0] for edge in (0.0, 1.0))
        for out in outs:
            require(
                (out >= low - 1e-5).all() and (out <= high + 1e-5).all(), f"{home} train leaves the range of a picture"
            )


@in_both("transforms.train-pipeline")
def test_the_training_pipeline_of_one_colour(subject, home):
    colour = np.array([10, 130, 255], np.uint8)
    chain = train(transforms(home))
    for size in ((300, 200), (40, 50)):
        values = np.broadcast_to(colour[:, None, None], (3, *size))
        expected, scale = normalized(np.broadcast_to(colour[:, None, None], (3, 224, 224)))
        assert_values(f"{home} train of one colour", chain(picture(values, "RGB")), expected, NORMALIZED, scale)


@in_both("transforms.train-pipeline")
def test_the_training_pipeline_mirrors_half_of_the_time(subject, home):
    """A picture that brightens to the right shows it, whatever region is cropped."""
    ramp = np.broadcast_to(np.arange(250, dtype=np.uint8), (3, 60, 250))
    chain, image = train(transforms(home)), picture(ramp, "RGB")
    found = [host.array(chain(image))[0, 100] for _ in range(max(DRAWS // 8, 100))]
    assert_chances(f"{home} train: mirrored", [int(row[0] > row[-1]) for row in found], [0.5, 0.5])


@in_both("transforms.val-pipeline")
def test_the_validation_pipeline_is_pillows_resize_and_a_formula(subject, home):
    chain = val(transforms(home))
    for seed, size in thin(enumerate(((300, 400), (500, 300), (256, 256), (100, 131), (40, 40)))):
        values = numbers((3, *size), seed=seed) if seed % 2 else smooth(*size)
        high, wide = resizing.size_of(*size, 256)
        small = pixels(picture(values, "RGB").resize((wide, high), pillow().BILINEAR))
        expected, scale = normalized(oracle.center_crop(small, 224, 224))
        for _ in range(2):
            out = chain(picture(values, "RGB"))
            assert_values(f"{home} val of {size}", out, expected, NORMALIZED, scale, dtype="float32")


# -- back to an array for display --------------------------------------------------------------------------------------


@check("transforms.imshow-channel-order")
def test_the_channels_go_last_for_display(subject):
    for shape in ((3, 4, 5), (1, 2, 3), (3, 1, 1), (3, 224, 224)):
        for layout in ("contiguous", "channels_last", "row_stepped"):
            values = numbers(shape, "float32")
            x = tensor(subject, values, "float32", layout)
            found = x.cpu().numpy().transpose((1, 2, 0))
            assert_arrays(f"numpy().transpose((1, 2, 0)) of {shape}, {layout}", found, np.moveaxis(values, 0, -1))
            assert_values("x.permute(1, 2, 0)", x.permute(1, 2, 0), np.moveaxis(values, 0, -1), dtype="float32")


@check("transforms.imshow-inverts-normalize")
def test_the_normalisation_is_undone(subject):
    for seed, shape in enumerate(((3, 5, 7), (3, 33, 18), (3, 1, 1))):
        values = numbers(shape, seed=seed)
        x = transforms().Normalize(MEAN, STD)(transforms().ToTensor()(picture(values, "RGB")))
        shown = np.array(STD) * x.numpy().transpose((1, 2, 0)) + np.array(MEAN)
        exact = np.moveaxis(values, 0, -1) / 255
        assert_array("std * array + mean, the picture", shown, exact, "float32", UNDONE, exact + np.array(MEAN))
        whole = np.rint(shown * 255).astype(np.uint8)
        assert_arrays("the picture, shown", whole, np.moveaxis(values, 0, -1))


@check("transforms.imshow-clip")
def test_clip_cuts_to_the_unit_interval(subject):
    values = np.array([[-2.5, -0.0, 0.0, 0.25], [1.0, 1.0000001, 0.9999999, 300.0]], np.float32)
    for layout in ("contiguous", "transposed", "stepped"):
        x = tensor(subject, values, "float32", layout)
        expected = np.minimum(np.maximum(values, 0), 1)
        assert_arrays("np.clip(x.numpy(), 0, 1)", np.clip(x.cpu().numpy(), 0, 1), expected)
        assert_values("x.clamp(0, 1)", x.clamp(0, 1), expected, dtype="float32")
        assert_values("x.clip(0, 1)", x.clip(0, 1), expected, dtype="float32")
        assert_values("x afterwards", x, values)


@check("transforms.imshow-clip")
def test_a_grid_is_shown_as_its_pictures(subject):
    """What the notes do: make_grid of a normalised batch, undone and clipped; the border's 0 becomes the mean."""
    make_grid = importlib.import_module(f"{torchvision().__name__}.utils").make_grid
    values = np.stack([numbers((3, 6, 5), seed=seed) for seed in range(4)])
    T = transforms()
    convert = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])
    batch = torch.stack([convert(picture(one, "RGB")) for one in values])
    shown = np.array(STD) * make_grid(batch).numpy().transpose((1, 2, 0)) + np.array(MEAN)
    shown = np.clip(shown, 0, 1)
    plain = oracle.grid(values / 255, value=-1.0)
    expected = np.moveaxis(np.where(plain < 0, np.reshape(MEAN, (3, 1, 1)), plain), 0, -1)
    assert_array("the grid that is shown, its pictures", shown, expected, "float32", UNDONE, expected + np.array(MEAN))
    assert_values("ToTensor of the first", T.ToTensor()(picture(values[0], "RGB")), values[0] / 255, ROUNDED)

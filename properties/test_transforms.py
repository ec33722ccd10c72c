"""torchvision's transforms of images of any size and layout, against the oracles."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import ROUNDED, SUMMED
from conformance.oracle import transforms as oracle
from conformance.oracle import transforms_resize as resizing
from conformance.subject import Subject
from conformance.tables.transforms_samples import (
    TENSORS,
    Given,
    as_picture,
    as_tensor,
    assert_image,
    functional,
    images,
    numbers,
    outcomes,
    picture,
    tensor,
    transforms,
)
from conformance.vision import torchvision
from properties.strategies.recipe import DENSE

pytestmark = must_answer

lengths = st.integers(1, 12)
sizes = st.tuples(lengths, lengths)
layouts = st.sampled_from(sorted(DENSE))
dtypes = st.sampled_from(("uint8", "float32", "float64", "int64"))
few = settings(max_examples=max(4, settings.default.max_examples // 2))


def one(subject: Subject, size: tuple[int, int], which: int) -> Given:
    """A PIL image or a tensor of a size."""
    return as_picture("RGB", *size) if which == 0 else as_tensor(subject, TENSORS[which - 1], *size)


kinds = st.integers(0, len(TENSORS))


@check("transforms.crop")
@given(size=sizes, place=st.tuples(st.integers(-4, 12), st.integers(-4, 12)), wanted=sizes, which=kinds)
def test_a_crop_of_any_rectangle(subject, size, place, wanted, which):
    image = one(subject, size, which)
    # A rectangle wholly above or to the left is a claim of its own.
    box = (max(place[0], -wanted[0]), max(place[1], -wanted[1]), *wanted)
    image.assert_same(f"crop{box}", functional().crop(image.image, *box), oracle.crop(image.values, *box))
    image.assert_unchanged("crop")


@check("transforms.center-crop")
@given(size=sizes, wanted=sizes, which=kinds)
def test_a_centre_crop_of_any_size(subject, size, wanted, which):
    image = one(subject, size, which)
    expected = oracle.center_crop(image.values, *wanted)
    image.assert_same(f"CenterCrop({wanted})", transforms().CenterCrop(wanted)(image.image), expected)


@check("transforms.pad-constant")
@given(size=sizes, sides=st.tuples(*[st.integers(0, 5)] * 4), fill=st.integers(0, 100), which=kinds)
def test_a_border_of_any_width(subject, size, sides, fill, which):
    image = one(subject, size, which)
    expected = oracle.pad(image.values, sides, fill=fill)
    image.assert_same(f"Pad({sides}, {fill})", transforms().Pad(sides, fill)(image.image), expected)


@check("transforms.pad-modes")
@given(
    size=st.tuples(st.integers(2, 9), st.integers(2, 9)),
    mode=st.sampled_from(("edge", "reflect", "symmetric")),
    data=st.data(),
    which=st.integers(0, 7),
)
def test_a_mirrored_border_of_any_width(subject, size, mode, data, which):
    image = one(subject, size, which)
    most = [side - (mode == "reflect") for side in (size[1], size[0])] * 2
    sides = tuple(data.draw(st.integers(0, top)) for top in most)
    expected = oracle.pad(image.values, sides, mode)
    image.assert_same(f"Pad({sides}, {mode})", transforms().Pad(sides, padding_mode=mode)(image.image), expected)


@check("transforms.flip")
@given(size=sizes, which=kinds)
def test_flips_of_any_size(subject, size, which):
    image = one(subject, size, which)
    image.assert_same("hflip", functional().hflip(image.image), oracle.hflip(image.values))
    image.assert_same("vflip", functional().vflip(image.image), oracle.vflip(image.values))
    both = functional().vflip(functional().hflip(image.image))
    image.assert_same("vflip of hflip", both, oracle.turned(image.values, 2))


@check("transforms.resize-256-is-square")
@given(size=st.tuples(st.integers(1, 60), st.integers(1, 60)), wanted=st.integers(1, 60), which=st.integers(0, 1))
@few
def test_one_number_for_any_picture(subject, size, wanted, which):
    if wanted * max(size) // min(size) > 600:
        return
    image = one(subject, size, which)
    out = transforms().Resize(wanted, antialias=True)(image.image)
    found = tuple(out.shape[-2:]) if image.is_tensor else out.size[::-1]
    expected = resizing.size_of(*size, wanted)
    require(tuple(found) == expected, f"Resize({wanted}) of {image.text}", expected, found)


@check("transforms.resize-antialias")
@given(size=sizes, wanted=sizes, name=st.sampled_from(("bilinear", "bicubic")), layout=layouts)
@few
def test_an_antialiased_tensor_of_any_size(subject, size, wanted, name, layout):
    # A single column is a claim of its own.
    judge_resized(subject, size, (wanted[0], max(wanted[1], 2)), name, layout, True)


@check("transforms.resize-plain")
@given(size=sizes, wanted=sizes, name=st.sampled_from(("bilinear", "bicubic")), layout=layouts)
@few
def test_an_interpolated_tensor_of_any_size(subject, size, wanted, name, layout):
    judge_resized(subject, size, wanted, name, layout, False)


def judge_resized(subject: Subject, size: Any, wanted: Any, name: str, layout: str, smooth: bool) -> None:
    """Refute unless resize gives what its matrices do."""
    values = numbers((2, *size), "float64")
    x = tensor(subject, values, "float64", layout)
    before = Unchanged(img=x)
    mode = transforms().InterpolationMode[name.upper()]
    out = functional().resize(x, list(wanted), mode, antialias=smooth)
    expected, scale = resizing.resize(values, *wanted, name, smooth)
    assert_values(f"resize of {size} to {wanted}, {name}", out, expected, SUMMED.over(200), scale + 1, dtype="float64")
    before.check("resize")


@check("transforms.normalize-formula")
@given(
    size=sizes,
    count=st.integers(1, 5),
    batch=st.sampled_from(((), (1,), (3,))),
    seed=st.integers(0, 50),
    dtype=st.sampled_from(("float32", "float64")),
    layout=layouts,
)
def test_normalize_of_any_channels(subject, size, count, batch, seed, dtype, layout):
    draw = np.random.default_rng(seed)
    mean, std = draw.normal(size=count).tolist(), (0.1 + draw.random(count)).tolist()
    values = numbers((*batch, count, *size), dtype, seed)
    x = tensor(subject, values, dtype, layout)
    expected, scale = oracle.normalize(values, mean, std)
    out = transforms().Normalize(mean, std)(x)
    assert_values(f"Normalize of {values.shape}, {layout}", out, expected, SUMMED.over(6), scale, dtype=dtype)
    assert_values("its input", x, values)


@check("transforms.totensor")
@given(size=sizes, seed=st.integers(0, 50), mode=st.sampled_from(("RGB", "L", "RGBA")))
def test_totensor_of_any_picture(subject, size, seed, mode):
    values = as_picture(mode, *size, seed).values
    out = transforms().ToTensor()(picture(values, mode))
    assert_values(f"ToTensor of {mode} {size}", out, values / 255, ROUNDED, dtype="float32")
    assert_image(f"ToPILImage of ToTensor of {mode}", transforms().ToPILImage()(out), values, mode)


@check("transforms.make-grid-options")
@given(
    count=st.integers(2, 11),
    size=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    row=st.integers(1, 12),
    padding=st.integers(0, 4),
    value=st.sampled_from((0.0, 1.0, -0.5)),
    layout=layouts,
)
def test_a_grid_of_any_batch(subject, count, size, row, padding, value, layout):
    torchvision()
    from torchvision import utils

    values = np.stack([numbers((3, *size), "float32", seed) for seed in range(count)])
    out = utils.make_grid(tensor(subject, values, "float32", layout), nrow=row, padding=padding, pad_value=value)
    assert_values(
        f"make_grid of {count}, {row}, {padding}", out, oracle.grid(values, row, padding, value), dtype="float32"
    )


@check("transforms.random-crop")
@given(size=st.tuples(st.integers(2, 6), st.integers(2, 6)), data=st.data())
@few
def test_a_random_crop_is_a_part_of_the_image(subject, size, data):
    wanted = tuple(data.draw(st.integers(1, side)) for side in size)
    values = numbers((3, *size))
    crop = transforms().RandomCrop(wanted)
    for image in (picture(values, "RGB"), tensor(subject, values, "uint8")):
        outcomes(f"RandomCrop({wanted}) of {size}", lambda: crop(image), oracle.windows(values, *wanted), 6)


@check("transforms.pil-and-tensor")
@given(size=st.tuples(st.integers(2, 9), st.integers(2, 9)), seed=st.integers(0, 9))
@few
def test_every_kind_of_image_is_cropped_and_mirrored_alike(subject, size, seed):
    T = transforms()
    wanted = (1 + seed % size[0], 1 + (3 * seed) % size[1])
    chain = T.Compose([T.RandomHorizontalFlip(1.0), T.CenterCrop(wanted), T.RandomVerticalFlip(1.0)])
    for image in images(subject, *size):
        expected = oracle.vflip(oracle.center_crop(oracle.hflip(image.values), *wanted))
        image.assert_same("flip, crop, flip", chain(image.image), expected)

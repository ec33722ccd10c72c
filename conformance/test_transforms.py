"""Pictures and arrays into tensors and back, and dtypes with their ranges: torchvision's conversions, by example."""

from __future__ import annotations

import warnings

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, memory, require
from conformance.check import check, must_answer
from conformance.dtypes import INTEGERS
from conformance.numerics import EXACT, FEW_ULPS, ROUNDED
from conformance.oracle import transforms as oracle
from conformance.tables.settings import default_dtype
from conformance.tables.transforms_samples import (
    BANDS,
    assert_arrays,
    assert_between,
    assert_image,
    functional,
    in_both,
    numbers,
    picture,
    pillow,
    pixels,
    tensor,
    transforms,
    ways,
)
from properties.strategies.recipe import DENSE

pytestmark = must_answer

SIZES = ((5, 7), (1, 1), (16, 16), (3, 1), (33, 18))
BYTES = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
SCALED = ("RGB", "L", "LA", "RGBA", "CMYK", "YCbCr", "HSV", "P")
ARRAYS = ("uint8", "float32", "float64", "float16", "int16", "int32", "int64", "int8", "bool")


# -- ToTensor ----------------------------------------------------------------------------------------------------------


@in_both("transforms.totensor")
def test_totensor_divides_bytes_by_255_and_moves_the_channels(subject, home):
    for size in SIZES:
        for mode in ("RGB", "L"):
            values = numbers((BANDS[mode], *size))
            for text, way in ways(home, "to_tensor", "ToTensor"):
                call = f"{text} of a {mode} image {size}"
                assert_values(call, way(picture(values, mode)), values / 255, ROUNDED, dtype="float32")
                turned = values.transpose(0, 2, 1)
                image = picture(values, mode).transpose(pillow().TRANSPOSE)
                assert_values(f"{call}, transposed", way(image), turned / 255, ROUNDED, dtype="float32")


@in_both("transforms.totensor")
def test_totensor_of_each_byte(subject, home):
    for text, way in ways(home, "to_tensor", "ToTensor"):
        assert_values(text, way(picture(BYTES, "L")), BYTES / 255, ROUNDED, dtype="float32")
        assert_values(text, way(np.moveaxis(BYTES, 0, -1)), BYTES / 255, ROUNDED, dtype="float32")
    T = transforms(home)
    convert, values = T.ToTensor(), numbers((3, 4, 5))
    for seed in (0, 3, 0):  # one transform for several pictures
        values = numbers((3, 4, 5), seed=seed)
        assert_values(f"{home} ToTensor()", convert(picture(values, "RGB")), values / 255, ROUNDED, dtype="float32")


@in_both("transforms.totensor-modes")
def test_totensor_divides_the_modes_of_8_bits(subject, home):
    for mode in SCALED:
        for size in ((5, 7), (4, 1)):
            values = numbers((BANDS[mode], *size), seed=len(mode))
            for text, way in ways(home, "to_tensor", "ToTensor"):
                out = way(picture(values, mode))
                assert_values(f"{text} of mode {mode}", out, values / 255, ROUNDED, dtype="float32")
    white = picture(numbers((1, 5, 19)) // 128 * 255, "L")
    for text, way in ways(home, "to_tensor", "ToTensor"):
        out = way(white.convert("1", dither=pillow().Dither.NONE))
        assert_values(f"{text} of mode 1", out, numbers((1, 5, 19)) // 128, dtype="float32")


@in_both("transforms.totensor-modes")
def test_totensor_keeps_the_modes_of_more_than_8_bits(subject, home):
    wide = (numbers((1, 5, 7)).astype(np.int64) - 100) * 8_000_000
    for mode, dtype, values in (
        ("I", "int32", wide.astype(np.int32)),
        ("I;16", "int16", (numbers((1, 5, 7)).astype(np.int64) * 130).astype(np.int16)),
        ("F", "float32", (wide / 7).astype(np.float32)),
    ):
        for text, way in ways(home, "to_tensor", "ToTensor"):
            assert_values(f"{text} of mode {mode}", way(picture(values, mode)), values, dtype=dtype)


@in_both("transforms.totensor-arrays")
def test_totensor_scales_only_arrays_of_bytes(subject, home):
    for dtype in ARRAYS:
        for shape in ((3, 5, 7), (1, 4, 3), (4, 1, 6), (5, 2, 2)):
            values = numbers(shape, dtype)
            values = values * 100 if dtype.startswith("float") else values
            expected, error = (values / 255, ROUNDED) if dtype == "uint8" else (values, EXACT)
            wanted = "float32" if dtype == "uint8" else dtype
            given = np.moveaxis(values, 0, -1)
            for text, way in ways(home, "to_tensor", "ToTensor"):
                for array in (
                    given,
                    np.ascontiguousarray(given),
                    np.asfortranarray(given),
                    np.repeat(given, 2, 1)[:, ::2],
                ):
                    call = f"{text} of a {dtype} array {array.shape} with strides {array.strides}"
                    assert_values(call, way(array), expected, error, dtype=wanted)
                assert_values(f"{text} of a {dtype} matrix", way(given[..., 0]), expected[:1], error, dtype=wanted)


@in_both("transforms.totensor-default-dtype")
def test_totensor_scales_to_the_default_dtype(subject, home):
    values = numbers((3, 5, 7))
    for dtype in ("float64", "float16", "float32"):
        for text, way in ways(home, "to_tensor", "ToTensor"):
            with default_dtype(dtype):
                outs = [way(picture(values, "RGB")), way(np.moveaxis(values, 0, -1))]
                kept = way(np.ones((2, 2), np.int16)), way(np.ones((2, 2, 1), np.float32))
            for out in outs:
                assert_values(f"{text} where {dtype} is the default", out, values / 255, FEW_ULPS, dtype=dtype)
            assert_tensor(f"{text} of int16", kept[0], "int16")
            assert_tensor(f"{text} of float32", kept[1], "float32")


@in_both("transforms.totensor-own-memory")
def test_totensor_shares_nothing_with_bytes(subject, home):
    values = numbers((3, 5, 7))
    for text, way in ways(home, "to_tensor", "ToTensor"):
        array = np.ascontiguousarray(np.moveaxis(values, 0, -1))
        image, flat = picture(values, "RGB"), values[0].copy()
        kept = [way(array), way(image), way(flat)]
        assert_image(f"after {text} its input", image, values, "RGB")
        assert_arrays(f"after {text} its input", array, np.moveaxis(values, 0, -1))
        array[...], flat[...] = 9, 9
        image.paste((1, 2, 3), (0, 0, 7, 5))
        for out, expected in zip(kept, (values, values, values[:1]), strict=True):
            assert_values(f"{text} after its input was changed", out, expected / 255, ROUNDED, dtype="float32")
            require(out.is_contiguous(), f"{text} is not contiguous", "contiguous", out.stride())
        start, end = memory(kept[0])
        place = array.__array_interface__["data"][0]
        require(end <= place or place + array.nbytes <= start, f"{text} lies in its input's memory")


@in_both("transforms.totensor-refusals")
def test_totensor_refuses_what_is_no_picture(subject, home):
    for text, way in ways(home, "to_tensor", "ToTensor" if home == "classic" else ""):
        for bad in (torch.ones(3, 2, 2), [[1, 2]], 3, "picture", None, np.float32(1)):
            assert_raises(f"{text} of {type(bad).__name__}", TypeError, lambda: way(bad))
        for shape in ((4,), (1, 2, 2, 3), ()):
            assert_raises(f"{text} of an array {shape}", ValueError, lambda: way(np.ones(shape, np.uint8)))
        values = numbers((1, 2, 3))
        assert_values(f"{text} after errors", way(picture(values, "L")), values / 255, ROUNDED)


@in_both("transforms.pil-to-tensor")
def test_pil_to_tensor_keeps_values_and_dtype(subject, home):
    for mode in (*SCALED, "I", "F"):
        dtype = {"I": "int32", "F": "float32"}.get(mode, "uint8")
        for size in ((5, 7), (1, 3), (17, 2)):
            values = numbers((BANDS[mode], *size), dtype)
            for text, way in ways(home, "pil_to_tensor", "PILToTensor"):
                image = picture(values, mode)
                out = way(image)
                assert_values(f"{text} of a {mode} image {size}", out, values, dtype=dtype)
                out.fill_(0)
                assert_image(f"after its tensor from {text} was changed, the image", image, values, mode)
    for text, way in ways(home, "pil_to_tensor", "PILToTensor"):
        assert_values(f"{text} of each byte", way(picture(BYTES, "L")), BYTES, dtype="uint8")


@in_both("transforms.pil-to-tensor")
def test_pil_to_tensor_refuses_all_else(subject, home):
    refuse = functional(home).pil_to_tensor
    for bad in (torch.ones(3, 2, 2), np.ones((2, 2, 3), np.uint8), None):
        assert_raises(f"{home} pil_to_tensor of {type(bad).__name__}", TypeError, lambda: refuse(bad))


# -- dtypes and their ranges -------------------------------------------------------------------------------------------

CONVERTED = ("uint8", "int8", "int16", "int32", "int64", "float32", "float64", "float16")
UNSAFE = (("float32", "int32"), ("float32", "int64"), ("float64", "int64"))
# Half precision neither reaches the maxima of wider integers nor tells 255.999 from 256.
HALVES = {*(("float16", dtype) for dtype in INTEGERS), *((dtype, "float16") for dtype in INTEGERS if dtype[-1] != "8")}
SKIPPED = {*UNSAFE, *HALVES}


def range_of(dtype: str) -> np.ndarray:
    """Values over a dtype's range, with its ends: a tensor (1, 3, 17)."""
    share = np.linspace(0, 1, 51).reshape(1, 3, 17)
    if dtype.startswith("float"):
        return share.astype(dtype)
    full = oracle.largest(dtype)
    return np.array([int(x * 1000) * full // 1000 for x in share.ravel()], dtype).reshape(share.shape)


def judge_converted(call: str, out: torch.Tensor, values: np.ndarray, given: str, wanted: str) -> None:
    """Refute unless an image's values are those in the wanted dtype's range."""
    expected = oracle.converted(values, given, wanted)
    if given.startswith("float") and not wanted.startswith("float"):
        slack = np.abs(expected) * 8 * float(np.finfo(given).eps)
        assert_tensor(call, out, wanted)
        assert_between(call, out, np.floor(expected - slack), np.floor(expected + slack))
    else:
        assert_values(call, out, expected, FEW_ULPS, dtype=wanted)


@in_both("transforms.convert-image-dtype")
def test_convert_image_dtype_scales_between_the_ranges(subject, home):
    for given in CONVERTED:
        for number, wanted in enumerate(CONVERTED):
            if (given, wanted) in SKIPPED:
                continue
            values = range_of(given)
            dtype = host.torch_dtype(wanted)
            for text, way in ways(home, "convert_image_dtype", "ConvertImageDtype", dtype):
                layout = list(DENSE)[number % len(DENSE)]
                call = f"{text} of {given}, {layout}"
                judge_converted(call, way(tensor(subject, values, given, layout)), values, given, wanted)
    x = tensor(subject, numbers((3, 4, 5)), "uint8")
    assert_values("convert_image_dtype(x)", functional(home).convert_image_dtype(x), numbers((3, 4, 5)) / 255, FEW_ULPS)


@in_both("transforms.convert-image-dtype")
def test_bytes_come_back_from_floats_and_wider_integers(subject, home):
    convert = functional(home).convert_image_dtype
    for wide in ("float32", "float64", "int16", "int32", "int64"):
        x = tensor(subject, BYTES, "uint8")
        out = convert(convert(x, host.torch_dtype(wide)), torch.uint8)
        assert_values(f"{home} uint8 to {wide} and back", out, BYTES, dtype="uint8")


@in_both("transforms.convert-image-dtype-refusals")
def test_convert_image_dtype_refuses_what_floats_cannot_count(subject, home):
    for given, wanted in UNSAFE:
        x = tensor(subject, range_of(given), given)
        for text, way in ways(home, "convert_image_dtype", "ConvertImageDtype", host.torch_dtype(wanted)):
            assert_raises(f"{text} of {given}", RuntimeError, lambda: way(x))


@check("transforms.v2-to-dtype")
def test_to_dtype_scales_only_if_asked(subject):
    T, F = transforms("v2"), functional("v2")
    for given, wanted in (
        ("uint8", "float32"),
        ("float32", "uint8"),
        ("uint8", "int16"),
        ("int16", "uint8"),
        ("uint8", "float64"),
    ):
        values, dtype = range_of(given), host.torch_dtype(wanted)
        x = tensor(subject, values, given)
        for text, out in ((f"ToDtype({dtype})", T.ToDtype(dtype)(x)), ("to_dtype", F.to_dtype(x, dtype))):
            assert_values(f"{text} of {given}", out, values.astype(wanted), dtype=wanted)
        for out in (T.ToDtype(dtype, scale=True)(x), F.to_dtype(x, dtype, scale=True)):
            judge_converted(f"ToDtype({dtype}, scale=True) of {given}", out, values, given, wanted)


@check("transforms.v2-to-image")
def test_to_image_keeps_values_and_dtype(subject):
    T, F = transforms("v2"), functional("v2")
    for way in (T.ToImage(), F.to_image):
        for mode in ("RGB", "L", "RGBA"):
            values = numbers((BANDS[mode], 5, 7))
            image = picture(values, mode)
            assert_values(f"ToImage of mode {mode}", way(image), values, dtype="uint8")
            assert_arrays("after ToImage its input", pixels(image), values)
        for dtype in ("uint8", "float32", "int64"):
            values = numbers((3, 5, 7), dtype)
            assert_values(f"ToImage of {dtype}", way(np.moveaxis(values, 0, -1)), values, dtype=dtype)
            x = tensor(subject, values, dtype)
            require(way(x).data_ptr() == x.data_ptr(), "ToImage copies a tensor", "shared memory", "new memory")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chain = T.Compose([T.ToImage(), T.ToDtype(torch.float32, scale=True)])
    assert_values("ToImage, ToDtype", chain(picture(BYTES, "L")), BYTES / 255, FEW_ULPS, dtype="float32")

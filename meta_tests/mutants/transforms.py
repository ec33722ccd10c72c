"""Wrong transforms of images, grids and folders, and wrong functions below them."""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from conformance.vision import torchvision
from meta_tests.mutant import Mutant, replaced, strided

Wrong = Callable[[Any], Any]

F, K, T, G, D = (
    "transforms.functional",
    "transforms.transforms",
    "transforms._functional_tensor",
    "utils",
    "datasets.folder",
)
V, VG = "transforms.v2", "transforms.v2.functional"


def vision(claim: str, name: str, owner: str, attribute: str, wrong: Wrong) -> Mutant:
    """Replace what torchvision has under a module's name, or a class's in it ('module:Class')."""

    def change() -> Any:
        torchvision()
        module, _, inner = owner.partition(":")
        found = importlib.import_module(f"torchvision.{module}")
        return _exchanged(getattr(found, inner) if inner else found, attribute, wrong)

    return Mutant(f"transforms.{claim}", name, change)


@contextlib.contextmanager
def _exchanged(owner: Any, attribute: str, wrong: Wrong) -> Iterator[None]:
    """Replace an attribute while the block lasts; a static method is one again afterwards."""
    kept = vars(owner).get(attribute)
    with replaced(owner, attribute, wrong):
        yield
    if kept is not None:
        setattr(owner, attribute, kept)


def exported(claim: str, name: str, attribute: str, wrong: Wrong, owner: str = G) -> Mutant:
    """The same for a function of a module that others look up there."""
    return vision(claim, name, owner, attribute, wrong)


def result(change: Callable[..., Any]) -> Wrong:
    """A function whose result is changed: `change(out, *args, **named)`."""

    def wrong(sound: Any) -> Any:
        @functools.wraps(sound)
        def call(*args: Any, **named: Any) -> Any:
            return change(sound(*args, **named), *args, **named)

        return call

    return wrong


def given(change: Callable[..., tuple[tuple[Any, ...], dict[str, Any]]]) -> Wrong:
    """A function that gets other arguments: `change(*args, **named)` returns them."""

    def wrong(sound: Any) -> Any:
        @functools.wraps(sound)
        def call(*args: Any, **named: Any) -> Any:
            args, named = change(*args, **named)
            return sound(*args, **named)

        return call

    return wrong


def instead(other: Callable[..., Any]) -> Wrong:
    """Another function, which gets the sound one first: `other(sound, *args, **named)`."""
    return lambda sound: functools.wraps(sound)(lambda *args, **named: other(sound, *args, **named))


def lenient(answer: Callable[..., Any]) -> Wrong:
    """A function that answers where it should refuse."""

    def wrong(sound: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            try:
                return sound(*args, **named)
            except (TypeError, ValueError, RuntimeError, FileNotFoundError):
                return answer(*args, **named)

        return call

    return wrong


def fields(change: Callable[[Any], None]) -> Wrong:
    """A constructor after which the object is changed."""

    def wrong(sound: Any) -> Any:
        def init(self: Any, *args: Any, **named: Any) -> None:
            sound(self, *args, **named)
            change(self)

        return init

    return wrong


def is_tensor(x: Any) -> bool:
    return isinstance(x, torch.Tensor)


def on_tensors(change: Callable[[Any], Any]) -> Wrong:
    """Only tensors come out otherwise."""
    return result(lambda out, *args, **named: change(out) if is_tensor(out) else out)


def cached(sound: Any) -> Any:
    """Every later call of one object gives what its first one gave for an image of that size."""
    kept: dict[Any, Any] = {}

    def call(self: Any, pic: Any) -> Any:
        return kept.setdefault((id(self), getattr(pic, "size", None)), sound(self, pic))

    return call


def shifted(box: Callable[[int, int, int, int], tuple[int, int, int, int]]) -> Wrong:
    """A crop of another rectangle."""
    return given(lambda img, top, left, high, wide: ((img, *box(top, left, high, wide)), {}))


def seed_blind(sound: Any) -> Any:
    """Draws that go by a generator of their own."""
    own = torch.Generator().manual_seed(1)
    return lambda *args, **named: sound(*args, **{**named, "generator": own})


def set_to(self: Any, **named: Any) -> None:
    for name, value in named.items():
        setattr(self, name, value)


def mirror(out: Any, *args: Any, **named: Any) -> Any:
    return out.flip(-1)


# -- conversions -------------------------------------------------------------------------------------------------------


def mode_of(pic: Any) -> str:
    return getattr(pic, "mode", "")


def at_mode(mode: str, change: Callable[[Any], Any]) -> Wrong:
    return result(lambda out, pic, *rest: change(out) if mode_of(pic) == mode else out)


def _shared(out: torch.Tensor, pic: Any) -> torch.Tensor:
    """Not contiguous, as it lay in the picture."""
    return out.permute(1, 2, 0).contiguous().permute(2, 0, 1)


def _whole_factor(sound: Any, image: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Floats times the maximum, the fraction cut off."""
    if image.is_floating_point() and dtype == torch.uint8:
        return image.mul(255).to(dtype)
    return sound(image, dtype)


def _by_256(sound: Any, image: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    out = sound(image, dtype)
    return out * 255 / 256 if image.dtype == torch.uint8 and dtype == torch.float64 else out


def _rounded(pic: Any, mode: Any = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Half a step more before the fraction is cut off."""
    floats = is_tensor(pic) and pic.is_floating_point() and mode != "F"
    return (pic.add(0.5 / 255).clamp(max=1) if floats else pic, mode), {}


def _doubles_rounded(pic: Any, mode: Any = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    doubles = is_tensor(pic) and pic.dtype == torch.float64
    return (pic.add(0.5 / 255).clamp(max=1) if doubles else pic, mode), {}


def _first_channels(pic: Any, mode: Any = None) -> Any:
    from PIL import Image

    return Image.new("RGB", (2, 2))


CONVERSIONS = [
    vision("totensor", "bytes are divided by 256", F, "to_tensor", at_mode("L", lambda out: out * 255 / 256)),
    vision(
        "totensor",
        "square pictures are transposed",
        F,
        "to_tensor",
        result(lambda out, pic: out.transpose(1, 2).contiguous() if out.shape[1] == out.shape[2] else out),
    ),
    vision("totensor", "red and blue change places", F, "to_tensor", at_mode("RGB", lambda out: out.flip(0))),
    vision("totensor", "a transform remembers its first picture of a size", f"{K}:ToTensor", "__call__", cached),
    vision("totensor", "v2 divides by 254", f"{VG}", "to_tensor", result(lambda out, pic: out * (255 / 254))),
    vision("totensor-modes", "CMYK is not scaled", F, "to_tensor", at_mode("CMYK", lambda out: out * 255)),
    vision("totensor-modes", "I is scaled", F, "to_tensor", at_mode("I", lambda out: out / 65535)),
    vision("totensor-modes", "the white of mode 1 is 1/255", F, "to_tensor", at_mode("1", lambda out: out / 255)),
    vision(
        "totensor-modes",
        "LA is opaque",
        F,
        "to_tensor",
        at_mode("LA", lambda out: out.index_fill(0, torch.tensor(1), 1)),
    ),
    vision("totensor-modes", "F is cut to whole numbers", F, "to_tensor", at_mode("F", torch.trunc)),
    vision(
        "totensor-arrays",
        "float arrays beyond 1 are scaled",
        F,
        "to_tensor",
        result(
            lambda out, pic: (
                out / 255 if isinstance(pic, np.ndarray) and pic.dtype == np.float32 and out.max() > 1 else out
            )
        ),
    ),
    vision(
        "totensor-arrays",
        "a matrix of bytes is not scaled",
        F,
        "to_tensor",
        result(
            lambda out, pic: (
                out * 255 if isinstance(pic, np.ndarray) and pic.ndim == 2 and pic.dtype == np.uint8 else out
            )
        ),
    ),
    vision(
        "totensor-arrays",
        "int16 becomes float",
        F,
        "to_tensor",
        result(lambda out, pic: out.float() if isinstance(pic, np.ndarray) and out.dtype == torch.int16 else out),
    ),
    vision(
        "totensor-default-dtype",
        "always float32",
        F,
        "to_tensor",
        result(lambda out, pic: out.float() if out.is_floating_point() else out),
    ),
    vision("totensor-own-memory", "the result keeps the picture's order in memory", F, "to_tensor", result(_shared)),
    vision("totensor-refusals", "a tensor is let through", F, "to_tensor", lenient(lambda pic: pic)),
    vision(
        "totensor-refusals",
        "an array of four dimensions is taken",
        F,
        "to_tensor",
        lenient(lambda pic: torch.from_numpy(pic) if getattr(pic, "ndim", 0) == 4 else int("")),
    ),
    vision("pil-to-tensor", "CMYK is inverted", F, "pil_to_tensor", at_mode("CMYK", lambda out: 255 - out)),
    vision(
        "pil-to-tensor", "the channels stay last", F, "pil_to_tensor", result(lambda out, pic: out.permute(1, 2, 0))
    ),
    vision("pil-to-tensor", "RGB is scaled", F, "pil_to_tensor", at_mode("RGB", lambda out: out / 255)),
    vision("pil-to-tensor", "a tensor is let through", F, "pil_to_tensor", lenient(lambda pic: pic)),
    vision(
        "to-pil-image",
        "a strided tensor is mirrored",
        F,
        "to_pil_image",
        given(lambda pic, mode=None: ((pic.flip(-1) if strided(pic) else pic, mode), {})),
    ),
    vision(
        "to-pil-image", "the mode asked for is forgotten", F, "to_pil_image", given(lambda pic, mode=None: ((pic,), {}))
    ),
    vision(
        "to-pil-image",
        "the alpha of LA is lost",
        F,
        "to_pil_image",
        result(lambda out, pic, mode=None: out.convert("L").convert("LA") if out.mode == "LA" else out),
    ),
    vision("to-pil-image-floats", "floats are rounded to the nearest", F, "to_pil_image", given(_rounded)),
    vision("to-pil-image-floats", "doubles are rounded to the nearest", F, "to_pil_image", given(_doubles_rounded)),
    vision(
        "to-pil-image-floats",
        "mode F is scaled",
        F,
        "to_pil_image",
        given(lambda pic, mode=None: ((pic * 255 if mode == "F" else pic, mode), {})),
    ),
    vision("to-pil-image-refusals", "whatever it is makes a picture", F, "to_pil_image", lenient(_first_channels)),
    vision("pil-roundtrip-is-lossless", "floats are rounded to the nearest", F, "to_pil_image", given(_rounded)),
    vision(
        "pil-roundtrip-is-lossless",
        "a round trip keeps the floats",
        F,
        "to_tensor",
        result(lambda out, pic: out + 0.5 / 255 if out.is_floating_point() else out),
    ),
    vision(
        "pil-roundtrip-of-bytes",
        "floats are a little less",
        F,
        "to_tensor",
        result(lambda out, pic: out * (1 - 2**-22)),
    ),
    vision(
        "pil-roundtrip-of-bytes",
        "255 is lost",
        F,
        "to_pil_image",
        result(lambda out, *a: out.point(lambda v: min(v, 254))),
    ),
    vision("convert-image-dtype", "floats go by 255", T, "convert_image_dtype", instead(_whole_factor)),
    vision("convert-image-dtype", "bytes to float64 are divided by 256", T, "convert_image_dtype", instead(_by_256)),
    vision(
        "convert-image-dtype",
        "int16 to uint8 is cut instead of shifted",
        T,
        "convert_image_dtype",
        instead(
            lambda sound, image, dtype=torch.float32: (
                image.to(dtype) if (image.dtype, dtype) == (torch.int16, torch.uint8) else sound(image, dtype)
            )
        ),
    ),
    vision(
        "convert-image-dtype-refusals",
        "float32 is cast to int32",
        F,
        "convert_image_dtype",
        lenient(lambda image, dtype: image.to(dtype)),
    ),
    vision(
        "v2-to-dtype", "scale is ignored", f"{V}:ToDtype", "__init__", fields(lambda self: set_to(self, scale=False))
    ),
    vision(
        "v2-to-dtype", "it always scales", f"{V}:ToDtype", "__init__", fields(lambda self: set_to(self, scale=True))
    ),
    vision(
        "v2-to-image",
        "the channels stay last",
        VG,
        "to_image",
        result(lambda out, inpt: out.permute(1, 2, 0) if not is_tensor(inpt) else out),
    ),
    vision("v2-to-image", "a tensor is copied", VG, "to_image", result(lambda out, inpt: out.clone())),
]

# -- Normalize ---------------------------------------------------------------------------------------------------------


def _variance(sound: Any, tensor: torch.Tensor, mean: Any, std: Any, inplace: bool = False) -> torch.Tensor:
    return sound(tensor, mean, [s * s for s in std], inplace)


def _first_mean(sound: Any, tensor: torch.Tensor, mean: Any, std: Any, inplace: bool = False) -> torch.Tensor:
    return sound(tensor, [mean[0]] * len(mean), std, inplace)


def _first_of_batch(sound: Any, tensor: torch.Tensor, mean: Any, std: Any, inplace: bool = False) -> torch.Tensor:
    if tensor.ndim == 4 and len(tensor) > 1:
        return torch.cat([sound(tensor[:1], mean, std, inplace), tensor[1:]])
    return sound(tensor, mean, std, inplace)


def _writes(sound: Any, tensor: torch.Tensor, mean: Any, std: Any, inplace: bool = False) -> torch.Tensor:
    return sound(tensor, mean, std, inplace=(tensor.is_contiguous() and tensor.dtype == torch.float64) or inplace)


def _never_writes(sound: Any, tensor: torch.Tensor, mean: Any, std: Any, inplace: bool = False) -> torch.Tensor:
    return sound(tensor, mean, std, False)


def _small_std(sound: Any, tensor: torch.Tensor, mean: Any, std: Any, inplace: bool = False) -> torch.Tensor:
    return sound(tensor, mean, [s or 1e-12 for s in std], inplace)


def _changed_when_refused(sound: Any, tensor: Any, mean: Any, std: Any, inplace: bool = False) -> torch.Tensor:
    try:
        return sound(tensor, mean, std, inplace)
    except RuntimeError:
        tensor.sub_(mean[0])
        raise


NORMALIZING = [
    vision("normalize-formula", "divided by the variance", T, "normalize", instead(_variance)),
    vision("normalize-formula", "one mean for all channels", T, "normalize", instead(_first_mean)),
    vision("normalize-formula", "only the first of a batch", T, "normalize", instead(_first_of_batch)),
    vision(
        "normalize-formula",
        "float16 is left alone",
        T,
        "normalize",
        instead(
            lambda sound, tensor, mean, std, inplace=False: (
                tensor.clone() if tensor.dtype == torch.float16 else sound(tensor, mean, std, inplace)
            )
        ),
    ),
    vision(
        "normalize-formula",
        "v2 multiplies",
        VG,
        "normalize",
        result(lambda out, x, mean, std, *rest, **named: out * std[0] ** 2),
    ),
    vision("normalize-inplace", "float64 is written to", T, "normalize", instead(_writes)),
    vision("normalize-inplace", "it never writes", T, "normalize", instead(_never_writes)),
    vision("normalize-refusals", "a std of 0 is taken for a small one", T, "normalize", instead(_small_std)),
    vision("normalize-refusals", "a refused input has lost its mean", T, "normalize", instead(_changed_when_refused)),
    vision(
        "normalize-refusals", "integers become floats", T, "normalize", lenient(lambda x, *args, **named: x.float())
    ),
]

# -- places ------------------------------------------------------------------------------------------------------------


def _floor_centre(sound: Any, img: Any, output_size: Any) -> Any:
    size = [output_size] * 2 if isinstance(output_size, int) else list(output_size)
    size = size * 2 if len(size) == 1 else size
    functional = importlib.import_module("torchvision.transforms.functional")
    _, high, wide = functional.get_dimensions(img)
    if size[0] > high or size[1] > wide:
        return sound(img, output_size)
    return functional.crop(img, (high - size[0]) // 2, (wide - size[1]) // 2, *size)


def _pads_in_front(sound: Any, img: Any, padding: Any, *args: Any, **named: Any) -> Any:
    """The sides of four are exchanged where they differ by one."""
    if isinstance(padding, list) and len(padding) == 4:
        left, top, right, bottom = padding
        padding = [right, bottom, left, top] if (right - left, bottom - top) != (0, 0) and max(padding) < 4 else padding
    return sound(img, padding, *args, **named)


def _sides_exchanged(img: Any, padding: Any, *args: Any, **named: Any) -> Any:
    two = not isinstance(padding, int) and len(padding) == 2
    return (img, tuple(padding)[::-1] if two else padding, *args), named


def _tensor_fill(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    return (img, padding, 0 if is_tensor(img) and img.dtype == torch.uint8 else fill, padding_mode), {}


def _mode(found: str, taken: str, tensors: bool = True) -> Wrong:
    def change(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
        use = taken if padding_mode == found and is_tensor(img) == tensors else padding_mode
        return (img, padding, fill, use), {}

    return given(change)


def _view_of_one_column(out: Any, img: Any) -> Any:
    return img if is_tensor(img) and img.shape[-1] == 1 else out


def _long_crop(out: Any, img: Any, top: int, left: int, high: int, wide: int) -> Any:
    if is_tensor(out) and top + high > img.shape[-2] > top > 0:
        out = out.clone()
        out[..., img.shape[-2] - top :, :] = 1
    return out


def _taller(img: Any, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Any:
    return (img, i, j, h + 1 if i == 2 else h, w, v, inplace), {}


PLACES = [
    vision("crop", "one row further down", F, "crop", shifted(lambda top, left, h, w: (top + (top == 5), left, h, w))),
    vision("crop", "rows and columns change places", F, "crop", shifted(lambda top, left, h, w: (left, top, h, w))),
    vision("crop", "ones below the border", F, "crop", result(_long_crop)),
    vision(
        "crop-outside",
        "pictures show their border",
        "transforms._functional_pil",
        "crop",
        result(lambda out, img, *box: img.resize(out.size)),
    ),
    vision("center-crop", "an odd surplus is rounded down", F, "center_crop", instead(_floor_centre)),
    vision(
        "center-crop",
        "the top left corner",
        F,
        "center_crop",
        instead(
            lambda sound, img, size: (
                img.crop((0, 0, size[1], size[0])) if not is_tensor(img) and len(size) == 2 else sound(img, size)
            )
        ),
    ),
    vision(
        "center-crop",
        "v2 crops at the top",
        VG,
        "center_crop",
        result(lambda out, img, size: img[..., : out.shape[-2], : out.shape[-1]] if is_tensor(img) else out),
    ),
    vision("center-crop-padding", "an odd lack has its larger half in front", F, "pad", instead(_pads_in_front)),
    vision(
        "center-crop-padding",
        "padded with ones",
        F,
        "pad",
        given(lambda img, padding, fill=0, *rest: ((img, padding, 1, *rest), {})),
    ),
    vision("pad-constant", "two numbers are top and left", F, "pad", given(_sides_exchanged)),
    vision("pad-constant", "bytes are always padded with 0", F, "pad", given(_tensor_fill)),
    vision(
        "pad-constant",
        "a colour is that of its first channel",
        F,
        "pad",
        given(
            lambda img, padding, fill=0, *rest: (
                (img, padding, fill[0] if isinstance(fill, tuple) else fill, *rest),
                {},
            )
        ),
    ),
    vision("pad-modes", "symmetric is reflect for tensors", F, "pad", _mode("symmetric", "reflect")),
    vision("pad-modes", "reflect is symmetric for pictures", F, "pad", _mode("reflect", "symmetric", False)),
    vision("pad-modes", "edge is constant for tensors", F, "pad", _mode("edge", "constant")),
    vision("pad-refusals", "an unknown mode is constant", F, "pad", lenient(lambda img, *args, **named: img)),
    vision(
        "flip",
        "vflip of a picture is hflip",
        F,
        "vflip",
        result(lambda out, img: out if is_tensor(out) else out.transpose(0).transpose(1)),
    ),
    vision("flip", "hflip leaves one column where it is, in its memory", F, "hflip", result(_view_of_one_column)),
    vision(
        "flip",
        "hflip of a strided tensor does nothing",
        F,
        "hflip",
        result(lambda out, img: img.clone() if strided(img) else out),
    ),
    vision(
        "five-crop",
        "the top right and the bottom left change places",
        F,
        "five_crop",
        result(lambda out, *a: (out[0], out[2], out[1], *out[3:])),
    ),
    vision("five-crop", "the result is a list", F, "five_crop", result(lambda out, *a: list(out))),
    vision("five-crop", "a size too large is padded", F, "five_crop", lenient(lambda img, size: (img,) * 5)),
    vision(
        "ten-crop",
        "vertical_flip is ignored",
        F,
        "ten_crop",
        given(lambda img, size, vertical_flip=False: ((img, size), {})),
    ),
    vision("ten-crop", "the flipped come first", F, "ten_crop", result(lambda out, *a, **k: out[5:] + out[:5])),
    vision("resized-crop", "resized only", F, "crop", instead(lambda sound, img, *box: img)),
    vision(
        "resized-crop",
        "one column further",
        F,
        "crop",
        shifted(lambda top, left, h, w: (top, left + (left == 2), h, w)),
    ),
    vision(
        "rotate-quarters",
        "clockwise",
        F,
        "rotate",
        given(lambda img, angle, *rest, **named: ((img, -angle, *rest), named)),
    ),
    vision(
        "rotate-quarters",
        "a tensor is turned a pixel off",
        F,
        "rotate",
        result(lambda out, img, angle, *a, **k: out.roll(1, -1) if is_tensor(out) and angle == 270 else out),
    ),
    vision(
        "affine-shift",
        "x is down",
        F,
        "affine",
        given(lambda img, angle, translate, *rest, **named: ((img, angle, translate[::-1], *rest), named)),
    ),
    vision(
        "affine-shift",
        "tensors wrap around",
        F,
        "affine",
        given(
            lambda img, angle, translate, *rest, **named: (
                (
                    img.roll(translate[0], -1) if is_tensor(img) else img,
                    angle,
                    [0 if is_tensor(img) else translate[0], translate[1]],
                    *rest,
                ),
                named,
            )
        ),
    ),
    vision("erase", "one row more from row 2", F, "erase", given(_taller)),
    vision(
        "erase",
        "inplace is ignored",
        F,
        "erase",
        given(lambda img, i, j, h, w, v, inplace=False: ((img, i, j, h, w, v, False), {})),
    ),
    vision(
        "erase",
        "it always writes",
        F,
        "erase",
        given(lambda img, i, j, h, w, v, inplace=False: ((img, i, j, h, w, v, True), {})),
    ),
    vision(
        "pil-and-tensor",
        "tensors are flipped the other way",
        F,
        "hflip",
        result(lambda out, img: img.flip(-2) if is_tensor(img) else out),
    ),
    vision("pil-and-tensor", "Normalize takes a picture", F, "normalize", lenient(lambda img, *args, **named: img)),
    vision(
        "input-unchanged", "a flipped tensor is zeroed", F, "vflip", instead(lambda sound, img: _zeroed(sound, img))
    ),
    vision(
        "input-unchanged",
        "Grayscale writes into its input",
        F,
        "rgb_to_grayscale",
        instead(lambda sound, img, *a, **k: _zeroed(sound, img, *a, **k)),
    ),
    vision(
        "input-unchanged",
        "Pad of a picture draws on it",
        F,
        "pad",
        instead(lambda sound, img, *a, **k: _drawn_on(sound, img, *a, **k)),
    ),
]


def _zeroed(sound: Any, img: Any, *args: Any, **named: Any) -> Any:
    out = sound(img, *args, **named)
    if is_tensor(img):
        out = out.clone()
        img[..., :1, :1].zero_()
    return out


def _drawn_on(sound: Any, img: Any, *args: Any, **named: Any) -> Any:
    out = sound(img, *args, **named)
    if not is_tensor(img):
        img.putpixel((0, 0), 0 if len(img.getbands()) == 1 else (0,) * len(img.getbands()))
    return out


MUTANTS: list[Mutant] = [*CONVERSIONS, *NORMALIZING, *PLACES]

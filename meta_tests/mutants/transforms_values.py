"""Transforms that are wrong for some dtypes, sizes or values, and wrong policies, mixtures and made-up pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant
from meta_tests.mutants.transforms import VG, F, K, V, instead, is_tensor, result, vision
from meta_tests.mutants.transforms_warp import HOMES, held

# -- dtypes, sizes and values ------------------------------------------------------------------------------------------


def when(where: Callable[[Any], bool], change: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function whose result is changed where the result says so."""
    return result(lambda out, *args, **named: change(out) if is_tensor(out) and where(out) else out)


def _last_lost(out: Any) -> Any:
    out = out.clone()
    out[..., -1] = 0
    return out


def _cut(sound: Any, img: Any, *args: Any, **named: Any) -> Any:
    whole = is_tensor(img) and img.dtype in (torch.int16, torch.int32)
    return sound(img.double(), *args, **named).to(img.dtype) if whole else sound(img, *args, **named)


def _wrapping(sound: Any, img: Any, *args: Any, **named: Any) -> Any:
    cubic = is_tensor(img) and img.dtype == torch.uint8 and "icubic" in f"{args}{named}"
    if not cubic:
        return sound(img, *args, **named)
    return sound(img.float(), *args, **named).round().long().remainder(256).to(torch.uint8)


def _detached(sound: Any, img: Any, *args: Any, **named: Any) -> Any:
    return sound(img.detach() if is_tensor(img) and img.requires_grad else img, *args, **named)


def _uniform(sound: Any, img: Any, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> Any:
    out = img + mean + sigma * (torch.rand_like(img) - 0.5) * 12**0.5
    return out.clamp(0, 1) if clip else out


VALUES: list[Mutant] = []
for said, functions, _ in HOMES:
    VALUES += [
        vision("normalize-formula", f"{said} detaches", functions, "normalize", instead(_detached)),
        vision("flip", f"{said} detaches", functions, "hflip", instead(_detached)),
        vision(
            "normalize-formula",
            f"{said} loses a column of more than 32768",
            functions,
            "normalize",
            when(lambda out: out.numel() > 32768, _last_lost),
        ),
        vision(
            "normalize-formula",
            f"{said} makes 0 of NaN",
            functions,
            "normalize",
            when(lambda out: True, torch.nan_to_num),
        ),
        vision(
            "totensor",
            f"{said} loses a column of more than 100000",
            functions,
            "to_tensor",
            when(lambda out: out.numel() > 100_000, _last_lost),
        ),
        vision(
            "equalize",
            f"{said} is off by one beyond 5000",
            functions,
            "equalize",
            when(lambda out: out.numel() > 5000, lambda out: out ^ 1),
        ),
        vision(
            "gaussian-blur",
            f"{said} leaves pictures sharp",
            functions,
            "gaussian_blur",
            instead(lambda sound, img, *args, **named: sound(img, *args, **named) if is_tensor(img) else img.copy()),
        ),
    ]
VALUES += [
    vision("resize-antialias", "integers are cut", F, "resize", instead(_cut)),
    vision("resize-antialias", "bicubic bytes wrap round", F, "resize", instead(_wrapping)),
    vision(
        "resize-antialias",
        "a large result loses a column",
        F,
        "resize",
        when(lambda out: out.numel() > 32768, _last_lost),
    ),
    vision(
        "resize-antialias",
        "float16 has 8 bits",
        F,
        "resize",
        when(lambda out: out.dtype == torch.float16, lambda out: (out.float() * 255).round().div(255).half()),
    ),
    vision(
        "adjust-hue",
        "beyond 1000 the columns move",
        F,
        "adjust_hue",
        when(lambda out: out.numel() > 1000, lambda out: out.roll(1, -1)),
    ),
    vision(
        "linear-transformation",
        "in single precision the columns move",
        f"{K}:LinearTransformation",
        "forward",
        when(lambda out: out.dtype == torch.float32, lambda out: out.roll(1, -1)),
    ),
    vision(
        "compose-in-order",
        "there are four steps at most",
        f"{K}:Compose",
        "__init__",
        held(transforms=lambda steps: steps[:4]),
    ),
    vision(
        "random-choice",
        "weights have to add up to 1",
        f"{K}:RandomChoice",
        "__init__",
        held(p=lambda p: p if p and abs(sum(p) - 1) < 1e-6 else None),
    ),
]


# -- policies, mixtures and made-up pictures ---------------------------------------------------------------------------

A = "transforms.autoaugment"


def policy(claim: str, name: str, kind: str, attribute: str, wrong: Callable[..., Any]) -> list[Mutant]:
    """The same wrong policy of both sets."""
    return [
        vision(claim, f"{said} {kind}: {name}", f"{owner}:{kind}", attribute, wrong)
        for said, owner in (("classic", A), ("v2", V))
    ]


def _same_again(sound: Any, self: Any, img: Any) -> Any:
    torch.manual_seed(3)
    return sound(self, img)


POLICIES = [
    *policy("rand-augment", "one operation more", "RandAugment", "__init__", held(num_ops=lambda count: count + 1)),
    *policy("rand-augment", "always two", "RandAugment", "__init__", held(num_ops=lambda count: 2)),
    *policy("rand-augment", "always of strength 9", "RandAugment", "__init__", held(magnitude=lambda size: 9)),
    *policy("auto-augment", "one draw for all", "RandAugment", "forward", instead(_same_again)),
    *policy(
        "trivial-augment",
        "two operations",
        "TrivialAugmentWide",
        "forward",
        instead(lambda sound, self, img: sound(self, sound(self, img))),
    ),
    *policy("auto-augment", "nothing is done", "AutoAugment", "forward", instead(lambda sound, self, img: img)),
    *policy(
        "auto-augment",
        "tensors become floats",
        "AugMix",
        "forward",
        result(lambda out, *args: out.float() if is_tensor(out) else out),
    ),
    *policy(
        "auto-augment",
        "the image is written to",
        "AugMix",
        "forward",
        result(lambda out, self, img: img.copy_(out) if is_tensor(img) else out),
    ),
]


def on_batch(change: Callable[[Any, Any, Any, Any], Any]) -> Callable[..., Any]:
    """A mixture of another kind: `change(images, labels, given images, given labels)`."""
    return instead(lambda sound, self, images, labels: change(*sound(self, images, labels), images, labels))


FAKE = "datasets:FakeData"
MIXTURES = [
    vision(
        "mixup", "images stay", f"{V}:MixUp", "forward", on_batch(lambda out, mixed, images, labels: (images, mixed))
    ),
    vision(
        "mixup",
        "labels are those of another",
        f"{V}:MixUp",
        "forward",
        on_batch(lambda out, mixed, *_: (out, mixed.roll(1, 0))),
    ),
    vision(
        "cutmix",
        "labels are turned round",
        f"{V}:CutMix",
        "forward",
        on_batch(lambda out, mixed, *_: (out, mixed.flip(-1))),
    ),
    vision(
        "cutmix",
        "the rectangle is lost",
        f"{V}:CutMix",
        "forward",
        on_batch(lambda out, mixed, images, _: (images, mixed)),
    ),
    *(
        vision("v2-boxes", f"{kind} does nothing", f"{V}:{kind}", "forward", instead(lambda sound, self, given: given))
        for kind in ("ClampBoundingBoxes", "ConvertBoundingBoxFormat", "SanitizeBoundingBoxes")
    ),
    *(
        vision("v2-others", f"{kind} does nothing", f"{V}:{kind}", "forward", instead(lambda sound, self, given: given))
        for kind in ("UniformTemporalSubsample", "RandomChannelPermutation")
    ),
    vision("fake-data", "all labels are 0", FAKE, "__getitem__", result(lambda out, *args: (out[0], 0))),
    vision("fake-data", "all items are alike", FAKE, "__getitem__", instead(lambda sound, self, index: sound(self, 0))),
    vision(
        "fake-data",
        "the last item has no end",
        FAKE,
        "__getitem__",
        instead(lambda sound, self, index: sound(self, min(index, self.size - 1))),
    ),
    vision(
        "fake-data",
        "an item draws from the global generator",
        FAKE,
        "__getitem__",
        instead(lambda sound, self, index: sound(self, index) if torch.rand(()) < 2 else None),
    ),
    vision("fake-data", "random_offset is ignored", FAKE, "__init__", held(random_offset=lambda offset: 0)),
    vision("fake-data", "the transform is ignored", FAKE, "__init__", held(transform=lambda change: None)),
]

LATER: list[Mutant] = [
    *(
        vision(
            "convert-image-dtype",
            f"in {home} the same dtype is scaled again",
            functions,
            name,
            instead(lambda sound, x, dtype=torch.float32, **named: sound(x / 2 if x.dtype is dtype else x, dtype)),
        )
        for home, functions, name in (("v1", F, "convert_image_dtype"), ("v2", VG, "to_dtype"))
    ),
    vision("v2-others", "the noise is uniform", VG, "gaussian_noise", instead(_uniform)),
]

MUTANTS = [*VALUES, *POLICIES, *MIXTURES, *LATER]

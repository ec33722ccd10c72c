"""Resampling, samples of grids, padding modules, folds and distances in their rarer forms, each with its formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from conformance.oracle import layer_kinds as common
from conformance.oracle import layer_places as oracle
from conformance.tables.formula_rows import Row, module

_PLAIN = {"bilinear": "linear", "trilinear": "linear"}


def _scaled(mode: str, shape: tuple[int, ...], scales: Any, align: bool | None = None, again: bool = False) -> Row:
    """Resampling by factors. `again`: the factors follow from the sizes."""
    each = scales if isinstance(scales, tuple) else (scales,) * (len(shape) - 2)
    sizes = tuple(int(n * s) for n, s in zip(shape[2:], each, strict=True))

    def formula(x: np.ndarray) -> np.ndarray:
        for dim, (size, scale) in enumerate(zip(sizes, each, strict=True), 2):
            told = None if again or align else scale
            matrix = common.resampling(x.shape[dim], size, _PLAIN.get(mode, mode), bool(align), told)
            x = np.moveaxis(np.tensordot(matrix, x, (1, dim)), 0, dim)
        return x

    told: dict[str, Any] = {"scale_factor": scales, "mode": mode} | ({} if align is None else {"align_corners": align})
    told |= {"recompute_scale_factor": True} if again else {}
    return Row(
        "layer.interpolation",
        f"interpolate({mode!r}, {shape[2:]}, scale_factor={scales}, align_corners={align}, again={again})",
        {"F.interpolate": lambda x: F.interpolate(x, **told), "Upsample": module("Upsample", **told)},
        formula,
        (shape,),
    )


def _smooth(mode: str, shape: tuple[int, ...], sizes: tuple[int, ...]) -> Row:
    plain = {"bilinear": "linear", "bicubic": "cubic"}[mode]
    return Row(
        "layer.interpolation",
        f"interpolate({mode!r}, antialias=True) of {shape} to {sizes}",
        {"F.interpolate": lambda x: F.interpolate(x, sizes, mode=mode, antialias=True)},
        lambda x: oracle.antialiased(x, sizes, plain),
        (shape,),
        terms=200,
    )


def _one_size(shape: tuple[int, ...], mode: str) -> Row:
    """A single number for all sides."""
    return Row(
        "layer.interpolation",
        f"interpolate({mode!r}, size=5) of {shape}",
        {"F.interpolate": lambda x: F.interpolate(x, 5, mode=mode), "Upsample": module("Upsample", 5, mode=mode)},
        lambda x: common.resampled(x, (5,) * (x.ndim - 2), _PLAIN.get(mode, mode)),
        (shape,),
    )


INTERPOLATIONS = [
    _scaled("nearest", (2, 3, 4, 5), (2.0, 0.5)),
    _scaled("nearest-exact", (2, 3, 7), 0.6),
    _scaled("nearest-exact", (1, 2, 3, 2, 4), (1.5, 2.0, 0.5)),
    _scaled("linear", (2, 3, 5), 1.7),
    _scaled("linear", (2, 3, 5), 2.0, True),
    _scaled("bilinear", (2, 2, 4, 5), (1.5, 0.6), False),
    _scaled("bilinear", (2, 2, 4, 5), (2.0, 3.0), True),
    _scaled("bilinear", (2, 2, 5, 7), 1.7, again=True),
    _scaled("trilinear", (1, 2, 3, 4, 2), (2.0, 1.5, 1.0), False),
    _scaled("bicubic", (1, 2, 4, 5), (1.5, 2.0), True),
    *[_smooth(mode, (2, 2, 9, 7), sizes) for mode in ("bilinear", "bicubic") for sizes in ((4, 3), (9, 11), (2, 7))],
    _one_size((2, 3, 7), "linear"),
    _one_size((2, 2, 3, 4), "bilinear"),
    _one_size((1, 2, 3, 4, 2), "nearest"),
    *[
        Row(
            "layer.interpolation",
            f"{kind}({told})",
            {kind: module(kind, **told)},
            lambda x, align=align, mode=mode: common.resampled(x, (8, 10), mode, align),
            ((2, 3, 4, 5),),
        )
        for kind, mode, align in (("UpsamplingNearest2d", "nearest", False), ("UpsamplingBilinear2d", "linear", True))
        for told in ({"size": (8, 10)}, {"scale_factor": 2})
    ],
    Row(
        "layer.interpolation",
        "UpsamplingNearest2d to an odd size",
        {"UpsamplingNearest2d": module("UpsamplingNearest2d", (7, 3))},
        lambda x: common.resampled(x, (7, 3), "nearest"),
        ((2, 3, 4, 5),),
    ),
    Row(
        "layer.interpolation",
        "interpolate('area') of three sides",
        {"F.interpolate": lambda x: F.interpolate(x, (2, 3, 2), mode="area")},
        lambda x: common.adaptive(x, (2, 3, 2), np.mean),
        ((1, 2, 5, 4, 3),),
    ),
]


def _sampled(shapes: tuple[tuple[int, ...], ...], **o: Any) -> Row:
    told = {"padding_mode": o["padding"], "mode": o["mode"], "align_corners": o["align"]}
    return Row(
        "layer.grid-sample",
        f"grid_sample({told}) of {shapes[0]}",
        {"F.grid_sample": lambda x, g: F.grid_sample(x, g, **told)},
        lambda x, g: oracle.grid_sample(x, g, **o),
        shapes,
        terms=2000,
        smooth=False,
    )


def _affine(shape: tuple[int, ...], align: bool) -> Row:
    n = len(shape) - 2
    return Row(
        "layer.affine-grid",
        f"affine_grid(size={shape}, align_corners={align})",
        {"F.affine_grid": lambda t: F.affine_grid(t, list(shape), align_corners=align)},
        lambda t: oracle.affine_grid(t, shape, align),
        ((shape[0], n, n + 1),),
    )


GRIDS = [
    *[
        _sampled(((2, 3, 4, 5), (2, 3, 4, 2)), mode=mode, padding=padding, align=align)
        for mode in ("bilinear", "nearest", "bicubic")
        for padding in ("zeros", "border", "reflection")
        for align in (False, True)
        if (mode, padding) != ("bilinear", "zeros")
    ],
    *[
        _sampled(((2, 2, 3, 4, 5), (2, 2, 3, 2, 3)), mode=mode, padding=padding, align=align)
        for mode, padding, align in (
            ("bilinear", "zeros", False), ("bilinear", "border", True), ("bilinear", "reflection", False),
            ("nearest", "zeros", True), ("nearest", "reflection", True),
        )
    ],
    *[_affine(shape, align) for shape in ((2, 3, 4, 5), (2, 1, 1, 3), (2, 2, 2, 3, 4)) for align in (False, True)],
]  # fmt: skip


def _padding(
    kind: str, widths: Any, shape: tuple[int, ...], mode: str, value: float = 0.0, since: str | None = None
) -> Row:
    """A padding module, of a batch and of one sample. A number stands for all widths."""
    n = int(kind[-2])
    each = widths if isinstance(widths, tuple) else (widths,) * (2 * n)
    args = (widths, value) if kind.startswith("Constant") else (widths,)
    layer = module(kind, *args)
    return Row(
        "layer.padding",
        f"{kind}({widths}) of {shape}",
        {kind: layer, f"{kind}, one by one": lambda x: torch.stack([layer(sample) for sample in x])},
        lambda x: common.pad(x, each, mode, value),
        (shape,),
        since=since,
    )


SHAPES = {1: (2, 3, 5), 2: (2, 2, 4, 5), 3: (2, 2, 3, 4, 3)}
PADS = [
    *[
        _padding(f"{name}Pad{n}d", widths, SHAPES[n], mode, value, since)
        for name, mode, value, since in (
            ("Constant", "constant", 2.5, None), ("Reflection", "reflect", 0.0, None),
            ("Replication", "replicate", 0.0, None), ("Zero", "constant", 0.0, "2.1"),
            ("Circular", "circular", 0.0, "2.1"),
        )
        for n in (1, 2, 3)
        for widths in (1, (2, 1, 0, 2, 1, 0)[: 2 * n])
    ],
    _padding("ZeroPad2d", (1, 0, 2, 3), SHAPES[2], "constant"),
    *[
        Row(
            "layer.padding",
            f"pad({widths}, {mode!r}) of one sample {shape}",
            {"F.pad": lambda x, w=widths, mode=mode: F.pad(x, w, mode)},
            lambda x, w=widths, mode=mode: common.pad(x, w, mode),
            (shape,),
            since="2.1" if mode == "circular" else None,
        )
        for mode in ("reflect", "replicate", "circular")
        for shape, widths in (((3, 5), (2, 1)), ((2, 4, 5), (1, 2, 2, 0)), ((2, 3, 4, 3), (1, 0, 2, 1, 0, 2)))
    ],
    Row(
        "layer.padding",
        "pad('circular') that cuts off",
        {"F.pad": lambda x: F.pad(x, (-1, 2), "circular")},
        lambda x: common.pad(x, (-1, 2), "circular"),
        ((2, 3, 6),),
    ),
]  # fmt: skip


_SIDES, _KERNEL = (6, 7), (2, 3)


def _unfolded(x: np.ndarray, o: dict[str, Any]) -> np.ndarray:
    eye = np.eye(x.shape[1] * 6).reshape(-1, x.shape[1], *_KERNEL)
    out = common.conv(x, eye, None, **o)
    return out.reshape(*out.shape[:2], -1)


def _folded(x: np.ndarray, o: dict[str, Any]) -> np.ndarray:
    columns = _unfolded(np.eye(2 * 42).reshape(-1, 2, *_SIDES), o)
    return np.einsum("ekl,nkl->ne", columns, x).reshape(len(x), 2, *_SIDES)


def _fold(name: str, f: Any, layer: Any, formula: Any, shape: tuple[int, ...], o: dict[str, Any]) -> Row:
    """Of a batch, and of one sample after the other."""
    forms = {
        f"F.{name}": f,
        name.title(): layer,
        "one by one": lambda x: torch.stack([layer(sample) for sample in x]),
    }
    return Row("layer.fold-and-unfold", f"{name}({o})", forms, lambda x: formula(x, o), (shape,))


def _folds(**o: Any) -> list[Row]:
    """Unfold and Fold with options in pairs."""
    columns = _unfolded(np.zeros((1, 2, *_SIDES)), o).shape[-1]
    unfold, fold = module("Unfold", _KERNEL, **o), module("Fold", _SIDES, _KERNEL, **o)
    return [
        _fold("unfold", lambda x: F.unfold(x, _KERNEL, **o), unfold, _unfolded, (2, 2, *_SIDES), o),
        _fold("fold", lambda x: F.fold(x, _SIDES, _KERNEL, **o), fold, _folded, (2, 12, columns), o),
    ]


FOLDS = [
    *_folds(dilation=(1, 2), padding=(2, 1), stride=(2, 1)),
    *_folds(dilation=(2, 1), padding=(0, 2), stride=(1, 3)),
]

SHUFFLES = [
    Row(
        "layer.shuffles",
        f"{kind} of {shape}",
        {kind: lambda x, f=f: f(x.contiguous() if x.dim() > 4 else x)},
        lambda x, g=g: g(x.reshape(-1, *x.shape[-3:])).reshape(
            *x.shape[:-3], *g(x.reshape(-1, *x.shape[-3:])).shape[1:]
        ),
        (shape,),
    )
    for shape in ((8, 4, 6), (2, 3, 4, 4, 2))
    for kind, f, g in (
        ("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), lambda x: common.pixel_shuffle(x, 2)),
        ("PixelShuffle", lambda x: torch.nn.PixelShuffle(2)(x), lambda x: common.pixel_shuffle(x, 2)),
        ("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), lambda x: common.pixel_unshuffle(x, 2)),
        ("PixelUnshuffle", lambda x: torch.nn.PixelUnshuffle(2)(x), lambda x: common.pixel_unshuffle(x, 2)),
    )
    if shape[-3] % 4 == 0
]


def _pairs(x: np.ndarray) -> np.ndarray:
    first, second = np.triu_indices(len(x), 1)
    return x[first] - x[second]


DISTANCES = [
    Row(
        "layer.similarities",
        "cosine_similarity that broadcasts",
        {"F.cosine_similarity": lambda x, y: F.cosine_similarity(x, y, dim=-1),
         "CosineSimilarity": module("CosineSimilarity", -1, inputs=2)},
        lambda x, y: common.cosine_similarity(*np.broadcast_arrays(x[:, None], y[None, 0]), -1).reshape(4, 6),
        ((4, 1, 5), (1, 6, 5)),
    ),
    Row(
        "layer.similarities",
        "cosine_similarity with zeros",
        {"F.cosine_similarity": lambda x, y: F.cosine_similarity(x, y, 0)},
        lambda x, y: common.cosine_similarity(x, y, 0),
        ((4, 5), (4, 5)),
        domain=lambda x: x * (np.arange(5) != 2),
        smooth=False,
    ),
    Row(
        "layer.similarities",
        "pairwise_distance of two vectors",
        {"F.pairwise_distance": lambda x, y: F.pairwise_distance(x, y),
         "PairwiseDistance": module("PairwiseDistance", inputs=2)},
        lambda x, y: common.pairwise_distance(x, y),
        ((7,), (7,)),
    ),
    Row(
        "layer.similarities",
        "pairwise_distance that broadcasts",
        {"F.pairwise_distance": lambda x, y: F.pairwise_distance(x, y, 1.0),
         "PairwiseDistance": module("PairwiseDistance", 1.0, inputs=2)},
        lambda x, y: common.pairwise_distance(x, y, 1.0),
        ((6, 7), (1, 7)),
    ),
    *[
        Row(
            "layer.similarities",
            f"pdist(p={p})",
            {"F.pdist": lambda x, p=p: F.pdist(x, p), "torch.pdist": lambda x, p=p: torch.pdist(x, p)},
            lambda x, p=p: np.abs(_pairs(x)).max(-1) if np.isinf(p) else (np.abs(_pairs(x)) ** p).sum(-1) ** (1 / p),
            ((6, 4),),
        )
        for p in (2.0, 1.0, 3.0, np.inf)
    ],
    Row(
        "layer.similarities",
        "normalize by its defaults",
        {"F.normalize": lambda x: F.normalize(x), 
         "with out": lambda x: F.normalize(x, out=torch.empty_like(x.detach()))},
        lambda x: common.normalized(x, 2.0, 1),
        ((3, 4, 5),),
    ),
]  # fmt: skip

ROWS = [*INTERPOLATIONS, *GRIDS, *PADS, *FOLDS, *SHUFFLES, *DISTANCES]

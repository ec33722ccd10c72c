"""Layers besides the common ones, as rows: every form, and its formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from conformance.oracle import layer as common
from conformance.oracle import layer_kinds as oracle
from conformance.tables.formula_rows import Row, module


def _convolution(n: int, channels: tuple[int, int], kernel: tuple[int, ...], sides: tuple[int, ...], **o: Any) -> Row:
    options = {key: value for key, value in o.items() if key != "bias"}
    bias, groups = o.get("bias", True), o.get("groups", 1)
    shapes = ((2, channels[0], *sides), (channels[1], channels[0] // groups, *kernel), *[(channels[1],)] * bias)
    name = f"conv{n}d"
    forms = {
        f"F.{name}": lambda *x: getattr(F, name)(*x, **options),
        f"torch.{name}": lambda *x: getattr(torch, name)(*x, **options),
        f"Conv{n}d": module(f"Conv{n}d", *channels, kernel, **o),
    }
    return Row("layer.convolutions", f"{name}, {o}", forms, lambda *x: oracle.conv(*x, **options), shapes)


def _transposed(n: int, channels: tuple[int, int], kernel: tuple[int, ...], sides: tuple[int, ...], **o: Any) -> Row:
    options = {key: value for key, value in o.items() if key != "bias"}
    bias, groups = o.get("bias", True), o.get("groups", 1)
    shapes = ((2, channels[0], *sides), (channels[0], channels[1] // groups, *kernel), *[(channels[1],)] * bias)
    name = f"conv_transpose{n}d"
    forms = {
        f"F.{name}": lambda *x: getattr(F, name)(*x, **options),
        f"ConvTranspose{n}d": module(f"ConvTranspose{n}d", *channels, kernel, **o),
    }
    text = f"{name}, {o}"
    return Row("layer.transposed-convolutions", text, forms, lambda *x: oracle.conv_transpose(*x, **options), shapes)


CONVOLUTIONS = [
    _convolution(1, (3, 4), (3,), (11,)),
    _convolution(1, (4, 6), (4,), (17,), stride=2, padding=3, dilation=2, groups=2),
    _convolution(1, (5, 5), (3,), (9,), groups=5, padding=1, bias=False),
    _convolution(3, (2, 3), (2, 3, 2), (4, 5, 3)),
    _convolution(3, (4, 2), (3, 1, 2), (5, 4, 6), stride=(2, 1, 3), padding=(1, 0, 2), dilation=(1, 2, 1), groups=2),
    _transposed(1, (3, 4), (3,), (7,)),
    _transposed(1, (4, 6), (4,), (6,), stride=3, padding=2, output_padding=1, groups=2, dilation=2),
    _transposed(2, (3, 4), (3, 2), (4, 5)),
    _transposed(2, (4, 6), (3, 4), (4, 3), stride=(2, 3), padding=(1, 2), output_padding=(1, 0), groups=2),
    _transposed(2, (2, 3), (2, 2), (3, 4), stride=2, bias=False, dilation=(2, 1)),
    _transposed(3, (2, 4), (2, 1, 3), (2, 3, 2), stride=2, output_padding=1, groups=2),
    # Each channel on its own, with two filters; wide kernels; kernels of one element; strides beyond the kernel.
    _convolution(1, (4, 8), (3,), (6,), groups=4, padding=1),
    _convolution(2, (4, 8), (3, 3), (5, 4), groups=4, padding=1),
    _convolution(2, (2, 3), (7, 9), (8, 10), padding=2),
    _convolution(2, (3, 5), (1, 1), (6, 5), stride=(2, 3), padding=(0, 1)),
    _convolution(2, (20, 17), (3, 2), (4, 5)),
    _transposed(1, (4, 4), (3,), (5,), groups=2, bias=False),
    _transposed(2, (4, 6), (3, 2), (3, 4), groups=2, bias=False, stride=2),
    _transposed(2, (3, 5), (1, 1), (4, 3)),
    _transposed(2, (3, 5), (1, 1), (4, 3), stride=2, output_padding=1),
    _transposed(2, (4, 8), (3, 3), (3, 4), groups=4, dilation=2),
    # Sides of many elements; kernels as large as their input; a padding as large as the kernel.
    _convolution(1, (2, 3), (3,), (130,)),
    _convolution(2, (2, 3), (3, 2), (4, 70)),
    _convolution(2, (3, 4), (4, 3), (4, 3)),
    _convolution(3, (2, 3), (2, 3, 2), (2, 3, 2)),
    _transposed(1, (3, 2), (2,), (7,), padding=3, stride=2),
    _transposed(2, (2, 3), (3, 2), (3, 70)),
    _transposed(3, (2, 4), (2, 2, 3), (4, 3, 3), stride=(2, 1, 3), padding=(2, 0, 1)),
]


def _group_norm(groups: int, shape: tuple[int, ...], eps: float = 1e-5) -> Row:
    c = shape[1]
    forms = {
        "F.group_norm": lambda x, w, b: F.group_norm(x, groups, w, b, eps),
        "torch.group_norm": lambda x, w, b: torch.group_norm(x, groups, w, b, eps),
        "GroupNorm": module("GroupNorm", groups, c, eps=eps),
    }
    text = f"group_norm of {groups} groups and shape {shape}, eps={eps}"
    return Row(
        "layer.group-and-instance-norm",
        text,
        forms,
        lambda x, w, b: oracle.group_norm(x, groups, w, b, eps),
        (shape, (c,), (c,)),
        terms=120,
    )


def _instance_norm(n: int, shape: tuple[int, ...], eps: float = 1e-5) -> Row:
    c = shape[1]
    forms = {
        "F.instance_norm": lambda x, w, b: F.instance_norm(x, weight=w, bias=b, eps=eps),
        f"InstanceNorm{n}d": module(f"InstanceNorm{n}d", c, affine=True, eps=eps),
        f"InstanceNorm{n}d.eval": lambda x, w, b: _rested(f"InstanceNorm{n}d", c, affine=True, eps=eps)(x, w, b),
    }
    return Row(
        "layer.group-and-instance-norm",
        f"instance_norm of shape {shape}, eps={eps}",
        forms,
        lambda x, w, b: oracle.group_norm(x, c, w, b, eps),
        (shape, (c,), (c,)),
        terms=120,
    )


def _rested(kind: str, *args: Any, **options: Any) -> Any:
    """A module in evaluation."""

    def form(x: Any, *parameters: Any) -> Any:
        layer = getattr(torch.nn, kind)(*args, **options).to(x.device, x.dtype).eval()
        with torch.no_grad():
            for p, value in zip(layer.parameters(), parameters, strict=True):
                p.copy_(value)
        return layer(x)

    return form


NORMS = [
    _group_norm(1, (2, 4, 5)),
    _group_norm(2, (3, 6, 3, 4), 0.1),
    _group_norm(3, (2, 3, 33)),
    _group_norm(2, (1, 4, 2, 3, 2)),
    _group_norm(2, (5, 6)),
    _instance_norm(1, (2, 3, 7)),
    _instance_norm(2, (2, 3, 5, 4), 0.1),
    _instance_norm(3, (1, 2, 3, 2, 3)),
    *[
        Row(
            "layer.group-and-instance-norm",
            f"LocalResponseNorm({size}, {o}) of {shape}",
            {
                "F.local_response_norm": lambda x, size=size, o=o: F.local_response_norm(x, size, **o),
                "LocalResponseNorm": module("LocalResponseNorm", size, **o),
            },
            lambda x, size=size, o=o: oracle.local_response_norm(x, size, o["alpha"], o["beta"], o["k"]),
            (shape,),
        )
        for size, o, shape in (
            (3, {"alpha": 0.5, "beta": 0.75, "k": 1.0}, (2, 5, 4)),
            (2, {"alpha": 1.5, "beta": 0.5, "k": 2.0}, (2, 6, 3, 2)),
        )
    ],
]


def _resampled(mode: str, shape: tuple[int, ...], sizes: tuple[int, ...], align: bool | None = None) -> Row:
    options = {} if align is None else {"align_corners": align}
    plain = {"bilinear": "linear", "trilinear": "linear"}.get(mode, mode)
    forms = {
        "F.interpolate": lambda x: F.interpolate(x, size=sizes, mode=mode, **options),
        "Upsample": module("Upsample", size=sizes, mode=mode, **options),
    }
    text = f"interpolate({mode!r}, {shape[2:]} to {sizes}, align_corners={align})"
    return Row("layer.interpolation", text, forms, lambda x: oracle.resampled(x, sizes, plain, bool(align)), (shape,))


def _area(shape: tuple[int, ...], sizes: tuple[int, ...]) -> Row:
    return Row(
        "layer.interpolation",
        f"interpolate('area', {shape[2:]} to {sizes})",
        {"F.interpolate": lambda x: F.interpolate(x, size=sizes, mode="area")},
        lambda x: oracle.adaptive(x, sizes, np.mean),
        (shape,),
    )


def _scaled(mode: str, shape: tuple[int, ...], scale: float) -> Row:
    sizes = tuple(int(n * scale) for n in shape[2:])
    forms = {
        "F.interpolate": lambda x: F.interpolate(x, scale_factor=scale, mode=mode),
        "Upsample": module("Upsample", scale_factor=scale, mode=mode),
    }
    plain = {"bilinear": "linear"}.get(mode, mode)
    text = f"interpolate({mode!r}, {shape[2:]}, scale_factor={scale})"
    return Row("layer.interpolation", text, forms, lambda x: oracle.resampled(x, sizes, plain, scale=scale), (shape,))


INTERPOLATIONS = [
    *[_resampled(m, (2, 3, 7), (n,)) for m in ("nearest", "nearest-exact") for n in (3, 7, 16)],
    *[_resampled(m, (2, 3, 4, 5), s) for m in ("nearest", "nearest-exact") for s in ((8, 10), (3, 7))],
    _resampled("nearest", (1, 2, 2, 3, 4), (5, 3, 7)),
    *[_resampled("linear", (2, 3, 7), (n,), a) for n in (4, 1, 17) for a in (False, True)],
    *[_resampled("bilinear", (2, 3, 4, 5), s, a) for s in ((8, 10), (3, 7), (1, 5)) for a in (False, True)],
    *[_resampled("bicubic", (2, 2, 5, 4), s, a) for s in ((10, 3), (4, 7)) for a in (False, True)],
    *[_resampled("trilinear", (1, 2, 3, 2, 4), (4, 5, 3), a) for a in (False, True)],
    _area((2, 3, 7), (3,)),
    _area((2, 2, 5, 4), (3, 7)),
    _scaled("nearest", (2, 3, 5, 4), 2.0),
    _scaled("nearest", (2, 3, 9), 1.5),
    _scaled("bilinear", (2, 2, 5, 4), 2.5),
    _scaled("bicubic", (2, 2, 5, 7), 1.5),
]


def _pad(shape: tuple[int, ...], widths: tuple[int, ...], mode: str, value: float = 0.0) -> Row:
    n = len(widths) // 2
    options = {"value": value} if mode == "constant" else {}
    forms = {"F.pad": lambda x: F.pad(x, widths, mode=mode, **options)}
    if (mode != "circular") and len(shape) == n + 2:
        kind = {"reflect": "Reflection", "replicate": "Replication", "constant": "Constant"}[mode] + f"Pad{n}d"
        forms[kind] = module(kind, widths, *options.values())
    text = f"pad({widths}, {mode!r}, {value}) of {shape}"
    return Row("layer.padding", text, forms, lambda x: oracle.pad(x, widths, mode, value), (shape,))


PADS = [
    *[_pad((2, 3, 5), (2, 1), mode, 1.5) for mode in ("constant", "reflect", "replicate", "circular")],
    *[_pad((2, 2, 4, 5), (1, 3, 2, 0), mode, -2.0) for mode in ("constant", "reflect", "replicate", "circular")],
    *[_pad((1, 2, 3, 4, 3), (1, 0, 2, 1, 0, 2), mode) for mode in ("constant", "reflect", "replicate", "circular")],
    _pad((2, 4, 5), (1, 2), "constant"),
    _pad((3, 4), (1, 0, 2, 3), "constant", 7.0),
    _pad((2, 5, 6), (-1, 2, 1, -2), "constant", 3.0),
    _pad((4,), (0, 0), "constant"),
]


def _power(p: float) -> Any:
    return lambda x, axes: (x**p).sum(axes) ** (1 / p)


def _pool(n: int, shape: tuple[int, ...]) -> list[Row]:
    """Maximum and mean, adaptive and by windows."""
    sizes, window = (3, 2, 4)[:n], {"kernel_size": 3, "stride": 2, "padding": 1}
    rows = []
    for kind, f, fill in (("max", np.max, -np.inf), ("avg", np.mean, 0.0)):
        for start, args, options, formula in (
            ("adaptive_", (sizes,), {}, lambda x, f=f: oracle.adaptive(x, sizes, f)),
            ("", (), window, lambda x, f=f, fill=fill: oracle.pooled(x, 3, 2, f, 1, fill)),
        ):
            name, layer = f"{start}{kind}_pool{n}d", f"{start[:-1].title()}{kind.title()}Pool{n}d"
            forms = {
                f"F.{name}": lambda x, name=name, a=args, o=options: getattr(F, name)(x, *a, **o),
                layer: module(layer, *args, **options),
            }
            rows.append(Row("layer.pooling", name, forms, formula, (shape,)))
    return rows


POOLS = [
    *_pool(1, (2, 3, 11)),
    *_pool(2, (2, 3, 7, 6)),
    *_pool(3, (1, 2, 7, 5, 6)),
    *[
        Row(
            "layer.pooling",
            f"lp_pool{n}d with p={p}",
            {
                f"F.lp_pool{n}d": lambda x, n=n, p=p: getattr(F, f"lp_pool{n}d")(x, p, 3, 2),
                f"LPPool{n}d": module(f"LPPool{n}d", p, 3, stride=2),
            },
            lambda x, p=p: oracle.pooled(x, 3, 2, _power(p)),
            (shape,),
            domain=np.abs,
        )
        for n, shape in ((1, (2, 3, 9)), (2, (2, 2, 7, 5)))
        for p in (1.0, 2.0, 3.0)
    ],
]

WINDOWS = [
    *[
        Row(
            "layer.fold-and-unfold",
            f"{name}, {o}",
            {f"F.{name}": f, name.title(): module(name.title(), *args, **o)},
            formula,
            (shape,),
        )
        for o in ({}, {"dilation": 2, "padding": 2, "stride": 2}, {"padding": 1, "stride": 3})
        for count in [
            len(range(0, 5 + 2 * o.get("padding", 0) - o.get("dilation", 1), o.get("stride", 1)))
            * len(range(0, 6 + 2 * o.get("padding", 0) - 2 * o.get("dilation", 1), o.get("stride", 1)))
        ]
        for name, f, args, formula, shape in (
            (
                "unfold",
                lambda x, o=o: F.unfold(x, (2, 3), **o),
                ((2, 3),),
                lambda x, o=o: oracle.unfold(x, (2, 3), **o),
                (2, 2, 5, 6),
            ),
            (
                "fold",
                lambda x, o=o: F.fold(x, (5, 6), (2, 3), **o),
                ((5, 6), (2, 3)),
                lambda x, o=o: oracle.fold(x, (5, 6), (2, 3), **o),
                (2, 12, count),
            ),
        )
    ],
]

SHUFFLES = [
    Row(
        "layer.shuffles",
        "pixel_shuffle",
        {"F.pixel_shuffle": lambda x: F.pixel_shuffle(x, 2), "PixelShuffle": module("PixelShuffle", 2)},
        lambda x: oracle.pixel_shuffle(x, 2),
        ((2, 12, 3, 4),),
    ),
    Row(
        "layer.shuffles",
        "pixel_shuffle by 3",
        {"F.pixel_shuffle": lambda x: F.pixel_shuffle(x, 3)},
        lambda x: oracle.pixel_shuffle(x, 3),
        ((1, 18, 2, 3),),
    ),
    Row(
        "layer.shuffles",
        "pixel_unshuffle",
        {"F.pixel_unshuffle": lambda x: F.pixel_unshuffle(x, 3), "PixelUnshuffle": module("PixelUnshuffle", 3)},
        lambda x: oracle.pixel_unshuffle(x, 3),
        ((2, 2, 6, 9),),
    ),
    Row(
        "layer.shuffles",
        "channel_shuffle",
        {"torch.channel_shuffle": lambda x: torch.channel_shuffle(x, 3), "ChannelShuffle": module("ChannelShuffle", 3)},
        lambda x: x.reshape(2, 3, 2, 3, 2).swapaxes(1, 2).reshape(x.shape),
        ((2, 6, 3, 2),),
        smooth=False,
    ),
]

PAIRS = [
    *[
        Row(
            "layer.similarities",
            f"cosine_similarity over {dim} of {shape}",
            {
                "F.cosine_similarity": lambda x, y, dim=dim: F.cosine_similarity(x, y, dim=dim),
                "CosineSimilarity": module("CosineSimilarity", dim, inputs=2),
            },
            lambda x, y, dim=dim: oracle.cosine_similarity(x, y, dim),
            (shape, shape),
        )
        for dim, shape in ((1, (4, 5)), (-1, (2, 3, 33)), (0, (3, 4)))
    ],
    Row(
        "layer.similarities",
        "cosine_similarity, large eps",
        {
            "F.cosine_similarity": lambda x, y: F.cosine_similarity(x, y, eps=2.0),
            "CosineSimilarity": module("CosineSimilarity", eps=2.0, inputs=2),
        },
        lambda x, y: oracle.cosine_similarity(x, y, 1, 2.0),
        ((6, 3), (6, 3)),
        smooth=False,
    ),
    *[
        Row(
            "layer.similarities",
            f"pairwise_distance(p={p}, keepdim={keep}, eps={eps})",
            {
                "F.pairwise_distance": lambda x, y, p=p, e=eps, k=keep: F.pairwise_distance(x, y, p, e, k),
                "PairwiseDistance": module("PairwiseDistance", p, eps, keep, inputs=2),
            },
            lambda x, y, p=p, e=eps, k=keep: oracle.pairwise_distance(x, y, p, e, k),
            ((4, 5), (4, 5)),
        )
        for p, keep, eps in ((2.0, False, 1e-6), (1.0, True, 0.1), (3.0, False, 0.5), (np.inf, False, 1e-6))
    ],
    *[
        Row(
            "layer.similarities",
            f"normalize(p={p}, dim={dim}, eps={eps})",
            {"F.normalize": lambda x, p=p, dim=dim, eps=eps: F.normalize(x, p, dim, eps)},
            lambda x, p=p, dim=dim, eps=eps: oracle.normalized(x, p, dim, eps),
            ((3, 4, 5),),
        )
        for p, dim, eps in ((2.0, 1, 1e-12), (1.0, -1, 1e-12), (3.0, 0, 1e-12), (2.0, 2, 2.0))
    ],
    Row(
        "layer.bilinear",
        "bilinear",
        {"F.bilinear": lambda x, y, w, b: F.bilinear(x, y, w, b), "Bilinear": module("Bilinear", 3, 4, 5, inputs=2)},
        lambda x, y, w, b: np.einsum("ni,oij,nj->no", x, w, y) + b,
        ((6, 3), (6, 4), (5, 3, 4), (5,)),
    ),
    Row(
        "layer.bilinear",
        "bilinear without bias, of more dimensions",
        {
            "F.bilinear": lambda x, y, w: F.bilinear(x, y, w),
            "Bilinear": module("Bilinear", 3, 2, 4, bias=False, inputs=2),
        },
        lambda x, y, w: np.einsum("abi,oij,abj->abo", x, w, y),
        ((2, 5, 3), (2, 5, 2), (4, 3, 2)),
    ),
]


def _activation(name: str, kind: str, formula: Any, *args: Any, since: str | None = None, **options: Any) -> Row:
    forms = {f"F.{name}": lambda x: getattr(F, name)(x, *args, **options), kind: module(kind, *args, **options)}
    shown = [*args, *(f"{k}={v}" for k, v in options.items())]
    return Row("layer.activation-options", f"{name}({shown})", forms, formula, ((3, 6, 34),), since=since)


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


ACTIVATIONS = [
    _activation("leaky_relu", "LeakyReLU", lambda x: np.where(x > 0, x, 0.3 * x), 0.3),
    _activation("elu", "ELU", lambda x: np.where(x > 0, x, 2.5 * np.expm1(np.minimum(x, 0))), 2.5),
    _activation("celu", "CELU", lambda x: np.where(x > 0, x, 2.5 * np.expm1(np.minimum(x, 0) / 2.5)), 2.5),
    _activation("gelu", "GELU", _gelu_tanh, approximate="tanh"),
    _activation("hardtanh", "Hardtanh", lambda x: np.clip(x, -0.5, 1.5), -0.5, 1.5),
    _activation("softplus", "Softplus", lambda x: np.where(2 * x > 3, x, np.log1p(np.exp(2 * x)) / 2), 2.0, 3.0),
    _activation("softshrink", "Softshrink", lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.25, 0), 0.25),
    _activation("hardshrink", "Hardshrink", lambda x: np.where(np.abs(x) > 1.25, x, 0.0), 1.25),
    _activation("threshold", "Threshold", lambda x: np.where(x > 0.25, x, -3.0), 0.25, -3.0),
    _activation("leaky_relu", "LeakyReLU", lambda x: np.where(x > 0, x, -0.5 * x), -0.5),
    _activation("silu", "SiLU", lambda x: x * common.sigmoid(x)),
    _activation("mish", "Mish", lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    _activation("selu", "SELU", lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x))),
    _activation("hardswish", "Hardswish", lambda x: x * np.clip(x + 3, 0, 6) / 6),
    _activation("hardsigmoid", "Hardsigmoid", lambda x: np.clip(x + 3, 0, 6) / 6),
    _activation("relu6", "ReLU6", lambda x: np.clip(x, 0, 6)),
    _activation("gelu", "GELU", common.gelu),
    _activation("logsigmoid", "LogSigmoid", lambda x: -np.log1p(np.exp(-x))),
    _activation("tanhshrink", "Tanhshrink", lambda x: x - np.tanh(x)),
    _activation("softsign", "Softsign", lambda x: x / (1 + np.abs(x))),
    _activation("sigmoid", "Sigmoid", common.sigmoid),
    _activation("tanh", "Tanh", np.tanh),
    _activation("softmax", "Softmax", lambda x: common.softmax(x, 1), dim=1),
    _activation("log_softmax", "LogSoftmax", lambda x: common.log_softmax(x, 2), dim=2),
    _activation("glu", "GLU", lambda x: x[:, :3] * common.sigmoid(x[:, 3:]), 1),
    _activation("glu", "GLU", lambda x: x[..., :17] * common.sigmoid(x[..., 17:])),
    _activation("softmin", "Softmin", lambda x: common.softmax(-x, 1), dim=1),
    Row(
        "layer.activation-options",
        "rrelu in evaluation",
        {"F.rrelu": lambda x: F.rrelu(x, 0.1, 0.5), "RReLU.eval": lambda x: torch.nn.RReLU(0.1, 0.5).eval()(x)},
        lambda x: np.where(x > 0, x, 0.3 * x),
        ((4, 5),),
    ),
    *[
        Row(
            "layer.activation-options",
            f"prelu of {n} weights and {shape}",
            {
                "F.prelu": lambda x, w: F.prelu(x, w),
                "torch.prelu": lambda x, w: torch.prelu(x, w),
                "PReLU": module("PReLU", n),
            },
            lambda x, w: np.where(x > 0, x, x * w.reshape(-1, *[1] * (x.ndim - 2))),
            (shape, (n,)),
        )
        for n, shape in ((1, (3, 4, 5)), (4, (3, 4, 5)), (17, (2, 17)))
    ],
]

GRIDS = [
    Row(
        "layer.grid-sample",
        f"grid_sample(align_corners={align})",
        {"F.grid_sample": lambda x, g, align=align: F.grid_sample(x, g, align_corners=align)},
        lambda x, g, align=align: oracle.grid_sample(x, g, align),
        ((2, 3, 4, 5), (2, 3, 4, 2)),
        terms=400,
    )
    for align in (False, True)
]

ROWS = [*CONVOLUTIONS, *NORMS, *INTERPOLATIONS, *PADS, *POOLS, *WINDOWS, *SHUFFLES, *PAIRS, *ACTIVATIONS, *GRIDS]

"""Convolutions that pad by a word or a mode, and pools with all their options: every form, and its formula."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch.nn.functional as F

from conformance.oracle import layer_kinds as common
from conformance.oracle import layer_windows as oracle
from conformance.tables.formula_rows import Row, module, wired

SIDES = ((9,), (7, 6), (5, 4, 6))


def _conv(n: int, kernel: tuple[int, ...], **o: Any) -> Row:
    """A convolution of 4 into 6 channels with these options."""
    mode, groups = o.get("padding_mode", "zeros"), o.get("groups", 1)
    plain = {key: value for key, value in o.items() if key != "padding_mode"}
    forms = {f"Conv{n}d": wired(f"Conv{n}d", 4, 6, kernel, **o)}
    if mode == "zeros":
        forms[f"F.conv{n}d"] = lambda *x: getattr(F, f"conv{n}d")(*x, **plain)
    return Row(
        "layer.same-padding" if o.get("padding") in ("same", "valid") else "layer.convolutions",
        f"conv{n}d of a kernel {kernel}, {o}",
        forms,
        lambda *x: oracle.padded_conv(*x, mode=mode, **plain),
        ((2, 4, *SIDES[n - 1]), (6, 4 // groups, *kernel), (6,)),
    )


CONVOLUTIONS = [
    *[_conv(n, ((3,), (3, 2), (2, 3, 1))[n - 1], padding="same") for n in (1, 2, 3)],
    *[_conv(n, ((4,), (2, 3), (2, 1, 3))[n - 1], padding="same", dilation=2, groups=2) for n in (1, 2, 3)],
    *[_conv(n, ((4,), (2, 4), (2, 1, 4))[n - 1], padding="same") for n in (1, 2, 3)],
    *[_conv(n, (2,) * n, padding="valid", stride=2) for n in (1, 2, 3)],
    *[
        _conv(n, ((3,), (2, 3), (2, 3, 2))[n - 1], padding=((2,), (2, 1), (1, 2, 0))[n - 1], padding_mode=mode)
        for n in (1, 2, 3)
        for mode in ("reflect", "replicate", "circular")
    ],
    _conv(1, (4,), padding="same", padding_mode="reflect"),
    _conv(2, (3, 2), padding="same", padding_mode="circular"),
    _conv(2, (3, 3), padding=1, padding_mode="replicate", stride=2, dilation=(1, 2), groups=2),
    _conv(3, (1, 2, 3), padding="same", padding_mode="replicate"),
]


def _sized(n: int, size: tuple[int, ...], d: int = 1) -> Row:
    """A transposed convolution of dilation `d` that is told the size of its result."""
    sides = ((4,), (3, 4), (2, 3, 2))[n - 1]
    more = tuple(want - ((side - 1) * 2 - 2 + 2 * d + 1) for want, side in zip(size, sides, strict=True))
    form = wired(f"ConvTranspose{n}d", 3, 4, 3, stride=2, padding=1, dilation=d, call={"output_size": list(size)})
    return Row(
        "layer.transposed-convolutions",
        f"ConvTranspose{n}d with output_size={size}, dilation={d}",
        {f"ConvTranspose{n}d": form},
        lambda *x: common.conv_transpose(*x, 2, 1, more, 1, d),
        ((2, 3, *sides), (3, 4, *(3,) * n), (4,)),
    )


TRANSPOSED = [
    *[_sized(n, size) for n, sizes in enumerate((((7,), (8,)), ((5, 8), (6, 7)), ((3, 6, 4),)), 1) for size in sizes],
    *[_sized(n, size, 2) for n, size in ((1, (10,)), (2, (7, 10)), (3, (6, 7, 6)))],
]

# kernel, stride, padding, dilation, ceil_mode: of each only the first n sides.
MAXIMA: tuple[dict[str, Any], ...] = (
    {"kernel_size": (3, 2, 2), "stride": (2, 1, 2), "padding": (1, 1, 0), "ceil_mode": True},
    {"kernel_size": 2, "dilation": (2, 2, 1), "stride": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": (2, 1, 1)},
    {"kernel_size": (4, 3, 3), "ceil_mode": True},
    {"kernel_size": 2, "stride": 3},
    {"kernel_size": 2, "stride": 2, "padding": 1, "dilation": 2, "ceil_mode": True},
)
MEANS: tuple[dict[str, Any], ...] = (
    {"kernel_size": (4, 3, 3), "stride": (3, 2, 2), "padding": (2, 1, 1), "ceil_mode": True},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False},
    {"kernel_size": (2, 3, 2), "padding": (1, 0, 1), "count_include_pad": False},
    {"kernel_size": 2, "stride": 1},
    {"kernel_size": (4, 3, 3), "stride": 2, "ceil_mode": True},
)
DIVISORS: tuple[dict[str, Any], ...] = (
    {"divisor_override": 5},
    {"divisor_override": 4, "padding": 1, "count_include_pad": False},
    {"divisor_override": -2, "padding": 1, "ceil_mode": True},
)


def of_sides(options: dict[str, Any], n: int) -> dict[str, Any]:
    """Options for n dimensions."""
    return {key: value[:n] if isinstance(value, tuple) else value for key, value in options.items()}


def formula(options: dict[str, Any]) -> dict[str, Any]:
    """The names that the oracle has for options."""
    names = {"kernel_size": "kernel", "ceil_mode": "ceil", "count_include_pad": "count_pad"}
    return {names.get(key, key.removesuffix("_override")): value for key, value in options.items()}


def _pool(kind: str, n: int, o: dict[str, Any]) -> Row:
    name, layer = f"{kind}_pool{n}d", f"{kind.title()}Pool{n}d"
    told = formula(o)
    return Row(
        "layer.pooling",
        f"{name}({o})",
        {f"F.{name}": lambda x: getattr(F, name)(x, **o), layer: module(layer, **o)},
        (lambda x: oracle.max_pool(x, **told)[0]) if kind == "max" else (lambda x: oracle.avg_pool(x, **told)),
        ((2, 3, *SIDES[n - 1]),),
    )


def _adaptive(kind: str, n: int, sizes: Any, wanted: tuple[int, ...]) -> Row:
    name, layer = f"adaptive_{kind}_pool{n}d", f"Adaptive{kind.title()}Pool{n}d"
    fold = {"max": lambda x, axes: x.max(axes), "avg": lambda x, axes: x.mean(axes)}[kind]
    return Row(
        "layer.pooling",
        f"{name}({sizes})",
        {f"F.{name}": lambda x: getattr(F, name)(x, sizes), layer: module(layer, sizes)},
        lambda x: common.adaptive(x, wanted, fold),
        ((2, 3, *SIDES[n - 1]),),
    )


POOLS = [
    *[_pool("max", n, of_sides(o, n)) for n in (1, 2, 3) for o in MAXIMA],
    *[_pool("avg", n, of_sides(o, n)) for n in (1, 2, 3) for o in MEANS],
    *[
        replace(
            _pool("max", n, {"kernel_size": 3, "stride": 2, "padding": 1}),
            name=f"max_pool{n}d of negative numbers",
            domain=lambda x: -np.abs(x) - 1,
        )
        for n in (1, 2, 3)
    ],
    *[_pool("avg", n, {"kernel_size": 3, "stride": 2} | o) for n in (2, 3) for o in DIVISORS],
    *[
        _adaptive(
            kind, len(sizes), sizes, tuple(n or side for n, side in zip(sizes, SIDES[len(sizes) - 1], strict=True))
        )
        for kind in ("avg", "max")
        for sizes in ((None, 3), (4, None), (None, 3, None), (2, None, 4), (None, 2, 3), (3, 2, None))
    ],
    *[_adaptive(kind, n, size, (size,) * n) for kind in ("avg", "max") for n in (1, 2, 3) for size in (1, 2)],
]


def _mixed(x: Any) -> Any:
    """Mostly positive numbers, of which any few neighbours have a positive sum of odd powers."""
    return np.where(np.arange(x.size).reshape(x.shape) % 5 == 2, -0.3, np.abs(x) + 0.5)


def _root(p: float) -> Any:
    return lambda x, axes: (x**p).sum(axes) ** (1 / p)


POWERS = [
    Row(
        "layer.pooling",
        f"lp_pool{n}d with p={p} of numbers of both signs",
        {
            f"F.lp_pool{n}d": lambda x, n=n, p=p: getattr(F, f"lp_pool{n}d")(x, p, 3, 2),
            f"LPPool{n}d": module(f"LPPool{n}d", p, 3, stride=2),
        },
        lambda x, p=p: common.pooled(x, 3, 2, _root(p)),
        ((2, 2, *((9,), (7, 5), (5, 7, 3))[n - 1]),),
        domain=_mixed,
        since="2.3" if n == 3 else None,
    )
    for n in (1, 2, 3)
    for p in (2.0, 3.0)
]

ROWS = [*CONVOLUTIONS, *TRANSPOSED, *POOLS, *POWERS]

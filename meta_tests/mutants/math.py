"""Wrong elementwise functions: each below all its forms, for strided, long, float64, odd, 0-d or large input only."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from conformance.tables.math_functions import FUNCTIONS
from meta_tests.mutant import Mutant, kernel, output, patched, strided

Wrong = Callable[..., Any]


def off(out: Any) -> Any:
    """The same tensor with other values: truth values flipped, integers one more, others far off."""
    if out.dtype == torch.bool:
        return out.logical_not()
    if not out.dtype.is_floating_point and not out.dtype.is_complex:
        return out + 1
    return torch.where((out.abs() < 1e-3) | ~torch.isfinite(out), torch.full_like(out, 0.5), out * 1.25)


def last_off(out: Any) -> Any:
    """Only the last element is wrong."""
    out = out.clone()
    if out.numel():
        flat = off(out).reshape(-1)
        keep = out.reshape(-1).clone()
        keep[-1] = flat[-1]
        return keep.reshape(out.shape)
    return out


def when(condition: Callable[..., bool], wrong: Callable[[Any], Any] = off) -> Wrong:
    """Wrong only where the condition on result and operands holds."""
    return lambda out, *args: wrong(out) if condition(out, *args) else out


def only_strided(out: Any, *args: Any) -> bool:
    return any(strided(x) for x in args)


def only_long(out: Any, *args: Any) -> bool:
    return out.numel() > 16


def only_float64(out: Any, *args: Any) -> bool:
    return any(isinstance(x, torch.Tensor) and x.dtype == torch.float64 for x in args)


def only_odd(out: Any, *args: Any) -> bool:
    return out.numel() % 16 == 1


def only_scalar(out: Any, *args: Any) -> bool:
    return out.dim() == 0


def only_large(out: Any, *args: Any) -> bool:
    return out.numel() > 32_768


CONDITIONS: dict[str, Callable[..., bool]] = {
    "strided input": only_strided,
    "more than 16 elements": only_long,
    "float64": only_float64,
    "16 n + 1 elements": only_odd,
    "0-d input": only_scalar,
    "more than 32768 elements": only_large,
}


# What the dispatcher calls them, where that is another name.
OPS = {
    "clamp-tensors": "clamp.Tensor",
    "max-elementwise": "maximum",
    "min-elementwise": "minimum",
    "square": "pow",
    "div-rounding-mode": "div.Tensor_mode",
    "conj_physical": "_conj_physical",
    "trigamma": "polygamma",
    "trigamma-float64": "polygamma",
    "special-bessel-j0-float64": "special_bessel_j0",
    "special-bessel-j1-float64": "special_bessel_j1",
}


# Made of other functions: replaced as attributes of torch.
COMPOSITE = ("float_power", "ldexp", "isfinite", "isreal", "positive", "special-ndtr")


WITHOUT_FLOAT64 = ("special-bessel-j0", "special-bessel-j1", "trigamma")


def _generic() -> list[Mutant]:
    found, conditions = [], list(CONDITIONS.items())
    for turn, (slug, row) in enumerate(FUNCTIONS.items()):
        word, condition = conditions[turn % len(conditions)]
        if condition is only_float64 and ("float64" not in row.dtypes or slug in WITHOUT_FLOAT64):
            word, condition = conditions[0]
        wrong = when(condition, last_off if turn % 2 else off)
        if slug in COMPOSITE:
            owner = torch.special if row.owner == "torch.special" else torch
            found.append(patched(row.claim_id, f"{row.name} is wrong for {word}", owner, row.name, _around(wrong)))
        else:
            prefix = "special_" if row.owner == "torch.special" else ""
            ops = OPS.get(slug, f"{prefix}{row.name}")
            found.append(output(row.claim_id, f"{row.name} is wrong for {word}", ops, wrong))
    return found


def _around(wrong: Wrong) -> Callable[[Any], Any]:
    def replace(sound: Any) -> Any:
        @functools.wraps(sound)
        def called(*args: Any, **kwargs: Any) -> Any:
            return wrong(sound(*args, **kwargs), *args)

        return called

    return replace


def _every_second(wrong: Callable[[Any], Any]) -> Wrong:
    calls = iter(range(10**9))
    return lambda out, *args: wrong(out) if next(calls) % 2 else out


def _forgets_alpha(func: Any, x: Any, y: Any, **kwargs: Any) -> Any:
    kwargs.pop("alpha", None)
    return func(x, y, **kwargs)


def _as_remainder(func: Any, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
    return torch.remainder(x, y)


def half_away(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    out = func(x, *args, **kwargs)
    ties = (x - x.trunc()).abs() == 0.5 if x.dtype.is_floating_point else torch.zeros_like(x, dtype=torch.bool)
    return torch.where(ties, (x.abs() + 0.5).trunc() * x.sign(), out)


SPECIFIC = [
    kernel("math.floor", "floor truncates", "floor", lambda func, x, **k: torch.trunc(x)),
    kernel(
        "math.ceil", "ceil rounds away from zero", "ceil", lambda func, x, **k: torch.where(x < 0, -func(-x), func(x))
    ),
    kernel("math.trunc", "trunc floors", "trunc", lambda func, x, **k: torch.floor(x)),
    kernel("math.round", "round takes halves away from zero", "round", half_away),
    kernel("math.round-half-up", "round takes halves away from zero", "round round_", half_away),
    kernel("math.fmod", "fmod has the sign of the divisor", "fmod.Tensor", _as_remainder),
    kernel(
        "math.abs",
        "abs keeps the sign of -0",
        "abs",
        lambda func, x, **k: torch.where(x == 0, x, func(x)) if not x.is_complex() else func(x),
    ),
    kernel("math.atan2", "atan2 knows no quadrants", "atan2", lambda func, y, x, **k: torch.atan(y / x)),
    kernel("math.log", "log is the binary one", "log", lambda func, x, **k: torch.log2(x)),
    kernel("math.asin", "asin is acos", "asin", lambda func, x, **k: torch.acos(x)),
    kernel(
        "math.div",
        "div floors integers",
        "div.Tensor",
        lambda func, x, y, **k: (
            func(x, y, **k).floor() if not x.is_floating_point() and not x.is_complex() else func(x, y, **k)
        ),
    ),
    kernel(
        "math.sqrt",
        "sqrt of an integer is rounded",
        "sqrt",
        lambda func, x, **k: func(x).round() if x.dtype == torch.int64 else func(x),
    ),
    kernel(
        "math.clamp",
        "clamp drops NaN",
        "clamp",
        lambda func, x, *a, **k: func(x.nan_to_num(), *a, **k) if x.is_floating_point() else func(x, *a, **k),
    ),
    kernel("math.lerp", "lerp clips its weight", "lerp.Tensor", lambda func, x, y, w, **k: func(x, y, w.clamp(0, 1))),
    kernel("math.ge", "ge is strict", "ge.Tensor", lambda func, x, y, **k: torch.gt(x, y)),
    output("math.exp", "every second call of exp is wrong", "exp", _every_second(off)),
    kernel(
        "math.add-alpha",
        "add forgets alpha for strided input",
        "add.Tensor",
        lambda func, x, y, **k: (_forgets_alpha if strided(x) else lambda f, a, b, **c: f(a, b, **c))(func, x, y, **k),
    ),
    patched("math.tanh", "x.tanh is the sigmoid", torch.Tensor, "tanh", lambda sound: torch.sigmoid),
    patched("math.gt", "torch.gt is ge", torch, "gt", lambda sound: torch.ge),
]

MUTANTS: list[Mutant] = [*_generic(), *SPECIFIC]

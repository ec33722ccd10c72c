"""PyTorches that break a law of elementwise functions, or go wrong at a single point."""

from __future__ import annotations

from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched
from meta_tests.mutants.math import off


def _touches_input(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    out = func(x, *args, **kwargs)
    if x.dtype.is_floating_point and x.numel():
        x[..., -1:].neg_()
    return out


def _wide(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    out = func(x, *args, **kwargs)
    return out.double() if isinstance(x, torch.Tensor) and x.dtype == torch.bool else out


def _returns_copy(sound: Any) -> Any:
    return lambda *args, **kwargs: sound(*args, **kwargs).clone()


def _out_through_copy(func: Any, *args: Any, **kwargs: Any) -> Any:
    # Writes into a contiguous copy when out= is strided, and gives out= that memory.
    out = kwargs.get("out")
    if out is not None and not out.is_contiguous():
        fresh = torch.empty(out.shape, dtype=out.dtype)
        func(*args, **{**kwargs, "out": fresh})
        out.set_(fresh)
        return out
    return func(*args, **kwargs)


def _never_resizes(func: Any, *args: Any, **kwargs: Any) -> Any:
    out = kwargs.get("out")
    if out is not None and out.dim() == 1 and out.numel() == 30:
        kwargs["out"] = torch.empty(0, dtype=out.dtype)
        func(*args, **kwargs)
        return out
    return func(*args, **kwargs)


def _clears_out_first(func: Any, *args: Any, **kwargs: Any) -> Any:
    if "out" in kwargs and kwargs["out"].dtype == getattr(args[0], "dtype", None) and kwargs["out"].numel() > 16:
        kwargs["out"].zero_()
    return func(*args, **kwargs)


def _casts_out(func: Any, *args: Any, **kwargs: Any) -> Any:
    out = kwargs.get("out")
    if out is not None and not out.dtype.is_floating_point and args[0].dtype.is_floating_point:
        return out.copy_(torch.log(*args))
    return func(*args, **kwargs)


def _accepts_overlap(func: Any, *args: Any, **kwargs: Any) -> Any:
    out = kwargs.get("out")
    if out is not None and out.dim() == 1 and out.stride() != (0,):
        return out.copy_(torch.exp(*args))
    return func(*args, **kwargs)


def _broadcasts_anything(func: Any, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
    if isinstance(y, torch.Tensor) and x.dim() == y.dim() == 1 and x.shape != y.shape and 1 not in (len(x), len(y)):
        size = min(len(x), len(y))
        return func(x[:size], y[:size], *args, **kwargs)
    return func(x, y, *args, **kwargs)


def _saturates(func: Any, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
    out = func(x, y, *args, **kwargs)
    if out.dtype == torch.int16:
        wide = func(x.long(), y.long() if isinstance(y, torch.Tensor) else y, *args, **kwargs)
        return wide.clamp(-(2**15), 2**15 - 1).short()
    return out


def _zero_for_zero(func: Any, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
    if isinstance(y, torch.Tensor) and not y.dtype.is_floating_point and y.dim():
        return func(x, torch.where(y == 0, torch.ones_like(y), y), *args, **kwargs)
    return func(x, y, *args, **kwargs)


def _negative_power(func: Any, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
    if not isinstance(y, torch.Tensor) and isinstance(y, int) and y < 0 and not x.dtype.is_floating_point:
        return torch.zeros_like(x)
    return func(x, y, *args, **kwargs)


def _swapped_clamp(func: Any, x: Any, low: Any = None, high: Any = None, **kwargs: Any) -> Any:
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low > high:
        low, high = high, low
    return func(x, low, high, **kwargs)


def _nan_blind_clamp(func: Any, x: Any, low: Any = None, high: Any = None, **kwargs: Any) -> Any:
    if isinstance(low, float) and low != low:
        return x.clone()
    return func(x, low, high, **kwargs)


def _unbounded(sound: Any) -> Any:
    return lambda x, *args, **kwargs: sound(x, *args, **kwargs) if args or kwargs else x.clone()


def _alias(sound: Any) -> Any:
    # The result is the operand itself where nothing changes.
    return lambda x, *args, **kwargs: x if x.dtype == torch.int32 else sound(x, *args, **kwargs)


def _any_keyword(sound: Any) -> Any:
    def called(*args: Any, unknown: Any = None, **kwargs: Any) -> Any:
        return sound(*args, **kwargs)

    return called


def _start(sound: Any) -> Any:
    def called(*args: Any, **kwargs: Any) -> Any:
        if "start" in kwargs:
            kwargs["input"] = kwargs.pop("start")
        return sound(*args, **kwargs)

    return called


def _broadcasting_equal(sound: Any) -> Any:
    return lambda x, y: bool((x == y).all()) if x.dim() == y.dim() else sound(x, y)


def _first_elements_equal(sound: Any) -> Any:
    return lambda x, y: sound(x, y) if x.numel() < 40_000 else sound(x[:32], y[:32])


def _elementwise_number(sound: Any) -> Any:
    return lambda x, *args, **kwargs: torch.clamp(x, min=args[0]) if args == (3,) else sound(x, *args, **kwargs)


def _symmetric_isclose(sound: Any) -> Any:
    def called(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
        return sound(x, y, rtol, atol, equal_nan) | sound(y, x, rtol, atol, equal_nan)

    return called


def _in_one_two(func: Any, x: Any, **kwargs: Any) -> Any:
    mantissa, exponent = func(x, **kwargs)
    return mantissa * 2, exponent - 1


def _no_reflected(sound: Any) -> Any:
    return lambda x, y: sound(x, y) if not isinstance(y, float) else torch.sub(x, y)


def _keeps_gradient(sound: Any) -> Any:
    def called(x: Any, *args: Any, **kwargs: Any) -> Any:
        out = sound(x, *args, **kwargs)
        return out.detach() if isinstance(out, torch.Tensor) and out.requires_grad else out

    return called


def _always_float32(sound: Any) -> Any:
    return lambda x, *a, **k: sound(x, *a, **k) if x.dtype.is_floating_point else sound(x, *a, **k).float()


def _flat(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    out = func(x, *args, **kwargs)
    return out.reshape(-1) if x.numel() == 0 and x.dim() > 1 else out


def _refuses_int16(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    if x.dtype == torch.int16:
        raise RuntimeError("not implemented for 'Short'")
    return func(x, *args, **kwargs)


def _takes_real_parts(sound: Any) -> Any:
    def called(*args: Any, **kwargs: Any) -> Any:
        return sound(*(x.real if isinstance(x, torch.Tensor) and x.is_complex() else x for x in args), **kwargs)

    return called


def _rounds_to_ten(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    return func(x * 180 / torch.pi if x.dtype == torch.float64 and x.numel() == 17 else x, *args, **kwargs)


def _loses_tails(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    out = func(x, *args, **kwargs)
    return torch.where(x.abs() < 1e-4, torch.zeros_like(out), out) if x.dtype == torch.float64 else out


def _column_major(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    # Reads a column-major operand as if its rows came one after the other.
    if isinstance(x, torch.Tensor) and x.dim() > 1 and not x.is_contiguous() and x.stride()[0] == 1:
        x = x.permute(*reversed(range(x.dim()))).reshape(x.shape)
    return func(x, *args, **kwargs)


def _zero_to_zero(func: Any, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
    out = func(x, y, *args, **kwargs)
    return torch.where(x.isnan(), x, out) if isinstance(x, torch.Tensor) and x.dtype.is_floating_point else out


def _square_for_cube(func: Any, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
    return func(x, 2 if isinstance(y, int) and y == 3 else y, *args, **kwargs)


class _added:
    """Give an owner one more attribute while the block lasts."""

    def __init__(self, owner: Any, name: str, value: Any) -> None:
        self.owner, self.name, self.value = owner, name, value

    def __enter__(self) -> None:
        setattr(self.owner, self.name, self.value)

    def __exit__(self, *error: object) -> None:
        delattr(self.owner, self.name)


def _wrong_if_broadcast(func: Any, x: Any, y: Any, **kwargs: Any) -> Any:
    return func(x, y, **kwargs) + (x.shape != y.shape)


def _whole_numbers(sound: Any) -> Any:
    return lambda condition, *choices: sound(condition, *(int(c) if isinstance(c, float) else c for c in choices))


def _cuts_alpha(sound: Any) -> Any:
    return lambda x, y, alpha=1: (
        sound(x, y, alpha=int(alpha)) if not x.is_floating_point() else sound(x, y, alpha=alpha)
    )


def _any_mode(sound: Any) -> Any:
    def called(x: Any, y: Any, rounding_mode: str | None = None, **kwargs: Any) -> Any:
        known = rounding_mode in (None, "floor", "trunc")
        return sound(x, y, rounding_mode=rounding_mode if known else "trunc", **kwargs)

    return called


def _promoting_lerp(sound: Any) -> Any:
    return lambda x, y, weight: sound(x.to(y.dtype), y, weight)


MUTANTS: list[Mutant] = [
    patched("math.where-numbers", "where cuts its numbers", torch, "where", _whole_numbers),
    patched("math.alpha-kind", "add cuts alpha for integers", torch, "add", _cuts_alpha),
    patched("math.rounding-mode-names", "div takes any rounding mode", torch, "div", _any_mode),
    patched("math.same-dtype", "lerp promotes", torch, "lerp", _promoting_lerp),
    kernel("math.cos-sin", "sin takes degrees", "sin", _rounds_to_ten),
    patched("math.equal", "equal broadcasts", torch, "equal", _broadcasting_equal),
    patched("math.equal", "equal looks at the first elements", torch, "equal", _first_elements_equal),
    patched("math.lerp-start-keyword", "lerp takes start=", torch, "lerp", _start),
    Mutant("math.sigmod-name", "there is a sigmod", lambda: _added(torch, "sigmod", torch.sigmoid)),
    patched("math.max-needs-a-tensor", "max takes numbers", torch, "max", _elementwise_number),
    kernel("math.integer-overflow-wraps", "int16 sums saturate", "add.Tensor add.Scalar", _saturates),
    kernel("math.integer-division-by-zero", "remainder by zero is that by one", "remainder.Tensor", _zero_for_zero),
    kernel("math.integer-negative-power", "negative powers are zero", "pow.Tensor_Scalar", _negative_power),
    kernel("math.clamp-mixed-bounds", "clamp swaps crossing bounds", "clamp", _swapped_clamp),
    kernel("math.clamp-nan-bounds", "clamp takes a NaN bound for none", "clamp", _nan_blind_clamp),
    patched("math.clamp-needs-a-bound", "clamp without bounds is accepted", torch, "clamp", _unbounded),
    patched("math.isclose", "isclose is symmetric", torch, "isclose", _symmetric_isclose),
    kernel("math.frexp", "mantissas lie in [1, 2)", "frexp", _in_one_two),
    kernel("math.hard-points", "expm1 of small numbers is zero", "expm1", _loses_tails),
    kernel("math.pow-exponents", "the cube is the square", "pow.Tensor_Scalar", _square_for_cube),
    kernel("math.identities-of-zero", "NaN to the power of zero is NaN", "pow.Tensor_Scalar", _zero_to_zero),
    kernel("math.result-dtype", "bool operands give float64", "atan2 add.Tensor", _wide),
    kernel("math.accepted-dtypes", "floor refuses int16", "floor", _refuses_int16),
    patched("math.numbers", "2.5 - x is x - 2.5", torch.Tensor, "__rsub__", _no_reflected),
    kernel("math.broadcasting", "maximum is wrong where it broadcasts", "maximum", _wrong_if_broadcast),
    kernel("math.shape", "empty results of exp are flat", "exp", _flat),
    patched("math.results-are-new", "torch.floor of int32 is its operand", torch, "floor", _alias),
    kernel("math.inputs-stay", "hypot writes to its operand", "hypot", _touches_input),
    patched("math.requires-grad", "erf loses the gradient", torch, "erf", _keeps_gradient),
    patched("math.out-returned", "sin returns a copy of out=", torch, "sin", _returns_copy),
    kernel("math.out-resized", "add leaves a longer out= alone", "add.out", _never_resizes),
    kernel("math.out-strides", "mul gives a strided out= other memory", "mul.out", _out_through_copy),
    kernel("math.out-is-an-input", "sub clears out= first", "sub.out", _clears_out_first),
    kernel("math.out-dtype", "log truncates into an integer out=", "log.out", _casts_out),
    kernel("math.out-overlap", "exp accepts an overlapping out=", "exp.out", _accepts_overlap),
    patched("math.refused-dtypes", "torch.lt compares real parts", torch, "lt", _takes_real_parts),
    kernel("math.refused-shapes", "add shortens the longer operand", "add.Tensor", _broadcasts_anything),
    patched("math.refused-arguments", "torch.cosh takes any keyword", torch, "cosh", _any_keyword),
    patched("math.default-dtype", "torch.exp of integers is float32", torch, "exp", _always_float32),
    output("math.fmod-large-quotient", "fmod is wrong", "fmod", lambda out, *args: off(out)),
    kernel(
        "math.layouts",
        "column-major operands are misread",
        "floor ceil trunc frac round maximum eq.Tensor",
        _column_major,
    ),
]

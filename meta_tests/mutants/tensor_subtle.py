"""Tensors that are wrong in one method of a family, for one shape, or for one pair of dtypes."""

from __future__ import annotations

from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided

Tensor = torch.Tensor


def method(claim: str, name: str, attribute: str, wrong: Any) -> Mutant:
    """Replace a method of tensors: `wrong(sound)` returns the replacement."""
    return patched(f"tensor.{claim}", name, Tensor, attribute, wrong)


def function(claim: str, name: str, attribute: str, wrong: Any) -> Mutant:
    """Replace a function of torch."""
    return patched(f"tensor.{claim}", name, torch, attribute, wrong)


def without_default(sound: Any) -> Any:
    """The kind of two numbers is that of float32, whatever the default is."""

    def call(a: Any, b: Any) -> Any:
        kept = torch.get_default_dtype()
        torch.set_default_dtype(torch.float32)
        try:
            return sound(a, b)
        finally:
            torch.set_default_dtype(kept)

    return call


CASTS = ("half", "short", "char", "byte", "bfloat16", "cfloat", "cdouble", "double", "int", "long", "bool", "float")


def without_format(sound: Any) -> Any:
    return lambda x, memory_format=torch.preserve_format: sound(x)


def laid_out_anew(sound: Any) -> Any:
    return lambda x, **given: sound(x, **given) if given or not strided(x) else sound(x.contiguous())


def without_history(sound: Any) -> Any:
    return lambda x, **given: sound(x.detach(), **given)


def third_argument_dropped(sound: Any) -> Any:
    def to(x: Any, *args: Any, **given: Any) -> Any:
        short = len(args) > 2 and isinstance(args[0], torch.dtype)
        return sound(x, *(args[:2] if short else args), **given)

    return to


def device_only(sound: Any) -> Any:
    def to(x: Any, *args: Any, **given: Any) -> Any:
        bare = bool(args) and isinstance(args[0], Tensor) and args[0].dim() == 0
        return sound(x, *([args[0].device, *args[1:]] if bare else args), **given)

    return to


def all_of_them(sound: Any) -> Any:
    def contains(x: Any, value: Any) -> Any:
        return bool((x == value).all()) if isinstance(value, Tensor) and value.dim() else sound(x, value)

    return contains


def raising(sound: Any) -> Any:
    def turned(x: Any) -> Any:
        if x.dim() == 0:
            raise TypeError("0-d")
        return sound(x)

    return turned


def halves(sound: Any) -> Any:
    def promote(a: Any, b: Any) -> Any:
        return torch.bfloat16 if {a, b} == {torch.float16, torch.bfloat16} else sound(a, b)

    return promote


def unsigned(sound: Any) -> Any:
    def promote(a: Any, b: Any) -> Any:
        return torch.int32 if {a, b} == {torch.uint8, torch.int8} else sound(a, b)

    return promote


def as_equals(sound: Any) -> Any:
    def joined(a: Any, b: Any) -> Any:
        both = isinstance(a, Tensor) and isinstance(b, Tensor)
        return torch.promote_types(a.dtype, b.dtype) if both else sound(a, b)

    return joined


def wide_floats(sound: Any) -> Any:
    def joined(a: Any, b: Any) -> Any:
        whole = isinstance(a, Tensor) and not a.is_floating_point() and not a.is_complex()
        return torch.float64 if whole and isinstance(b, float) else sound(a, b)

    return joined


def never(sound: Any) -> Any:
    return lambda *_: False


def for_vectors(sound: Any) -> Any:
    return lambda x, **given: sound(x if x.dim() < 2 else x.detach(), **given)


def transposed_squares(sound: Any) -> Any:
    def full(x: Any, size: Any, value: Any, **given: Any) -> Any:
        out = sound(x, size, value, **given)
        return out.t() if len(size) == 2 and size[0] == size[1] else out

    return full


def forgetful(sound: Any) -> Any:
    def deepcopy(x: Any, memo: Any) -> Any:
        out = sound(x, memo)
        return out.requires_grad_(False) if x.dim() == 0 else out

    return deepcopy


def true_or_false(sound: Any) -> Any:
    """The truth of nothing is False."""
    return lambda x: bool(x.numel()) and sound(x)


def first_row_only(sound: Any) -> Any:
    return lambda x, value: sound(x[0], value) if x.dim() > 1 and x.shape[0] > 8 else sound(x, value)


def last_dimension_too(sound: Any) -> Any:
    """reversed() of more than sixteen rows turns their elements round."""
    return lambda x: x.flip(-1) if x.dim() == 2 and x.shape[0] > 16 else sound(x)


def as_doubles(func: Any, x: Any, y: Any, **given: Any) -> Any:
    whole = x.dtype is torch.int64 and y.dtype is torch.int64
    return func(x.double(), y.double(), **given) if whole else func(x, y, **given)


def signed(out: Any, x: Any, y: Any) -> Any:
    return out & (torch.signbit(x) == torch.signbit(y)) if x.dtype is y.dtype is torch.float64 else out


def unconverted(sound: Any) -> Any:
    """type('torch.DoubleTensor') gives a strided tensor as it is."""
    return lambda x, dtype=None, *a, **k: (
        x if dtype == "torch.DoubleTensor" and strided(x) else sound(x, *(() if dtype is None else (dtype,)), *a, **k)
    )


def one_further(sound: Any) -> Any:
    """size(-2) of four dimensions is size(1)."""
    return lambda x, *a, **k: (
        sound(x, a[0] + 3, **k) if a and type(a[0]) is int and a[0] < -1 and x.dim() == 4 else sound(x, *a, **k)
    )


def starting_anew(sound: Any) -> Any:
    """precision= alone sets everything else back."""

    def set_printoptions(*a: Any, **k: Any) -> None:
        if set(k) == {"precision"} and k["precision"] is not None:
            sound(profile="default")
        sound(*a, **k)

    return set_printoptions


class Limits:
    """finfo whose eps is half of what it is."""

    def __init__(self, sound: Any) -> None:
        self.sound = sound

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.sound, name)
        return value / 2 if name == "eps" else value


MUTANTS = [
    *(method("bool", f"{name} of nothing is False", name, true_or_false) for name in ("is_nonzero", "__bool__")),
    method("contains", "more than eight rows are searched in the first only", "__contains__", first_row_only),
    method("reversed", "reversed() turns many rows round", "__reversed__", last_dimension_too),
    kernel("tensor.eq-elementwise", "neighbours beyond 2**53 are equal", "eq.Tensor", as_doubles),
    output("tensor.eq-elementwise", "zeros of either sign differ in float64", "eq.Tensor", signed),
    method("type-method", "a strided tensor is of every legacy type", "type", unconverted),
    method("size-index", "size(-2) of four dimensions is that of the second", "size", one_further),
    function("set-printoptions", "precision= sets the others back", "set_printoptions", starting_anew),
    *(method("to-keeps-layout", f"{name}() ignores memory_format", name, without_format) for name in CASTS),
    *(method("to-keeps-layout", f"{name}() is always contiguous", name, laid_out_anew) for name in CASTS),
    *(method("to-gradient", f"{name}() leaves the graph", name, without_history) for name in ("half", "cdouble")),
    method("to-keeps-layout", "cpu() ignores memory_format", "cpu", without_format),
    method("to-copy", "to(dtype, False, True) does not copy", "to", third_argument_dropped),
    method("to-dtype", "to(y) keeps the dtype where y is 0-d", "to", device_only),
    method("contains", "y in x asks whether all elements are equal", "__contains__", all_of_them),
    method("reversed", "reversed() refuses 0-d tensors", "__reversed__", raising),
    method("print-grad", "matrices do not print requires_grad", "__repr__", for_vectors),
    method("deepcopy", "0-d deep copies require no grad", "__deepcopy__", forgetful),
    method("new-filled", "new_full of squares is transposed", "new_full", transposed_squares),
    method("attributes", "is_pinned is always True", "is_pinned", lambda _: lambda x, *_: True),
    function(
        "dtype-flags",
        "torch.is_complex is False of 0-d tensors",
        "is_complex",
        lambda s: lambda x: s(x) and x.dim() > 0,
    ),
    function("promote-types", "float16 and bfloat16 give bfloat16", "promote_types", halves),
    function("promote-types", "uint8 and int8 give int32", "promote_types", unsigned),
    function("can-cast", "every cast is allowed", "can_cast", lambda _: lambda a, b: True),
    function("can-cast", "bool cannot be cast", "can_cast", lambda s: lambda a, b: s(a, b) and a is not torch.bool),
    function("result-type", "0-d tensors count as others", "result_type", as_equals),
    function("result-type", "a float with integers gives float64", "result_type", wide_floats),
    function("finfo", "eps is half of what it is", "finfo", lambda sound: lambda *given: Limits(sound(*given))),
    function("result-type", "the default dtype counts nothing", "result_type", without_default),
    function(
        "iinfo", "takes floating dtypes", "iinfo", lambda s: lambda d: s(torch.int32 if d.is_floating_point else d)
    ),
    function("is-storage", "no storage is one", "is_storage", never),
    function("is-storage", "tensors are storages", "is_storage", lambda s: lambda x: s(x) or isinstance(x, Tensor)),
]
if hasattr(Tensor, "dim_order"):
    MUTANTS.append(
        method(
            "dim-order", "dim_order is that of a contiguous one", "dim_order", lambda _: lambda x: tuple(range(x.dim()))
        )
    )

"""PyTorches that make wrong tensors."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided

Wrong = Callable[[Any], Any]


def function(claim: str, name: str, which: str, wrong: Wrong) -> Mutant:
    return patched(f"creation.{claim}", f"torch.{which} {name}", torch, which, wrong)


def method(claim: str, name: str, which: str, wrong: Wrong) -> Mutant:
    return patched(f"creation.{claim}", f"Tensor.{which} {name}", torch.Tensor, which, wrong)


def after(change: Callable[..., Any]) -> Wrong:
    """A function whose result is changed: `change(out, *args, **kwargs)`."""
    return lambda sound: lambda *args, **kwargs: change(sound(*args, **kwargs), *args, **kwargs)


def without(*names: str) -> Wrong:
    """A function that ignores some keywords."""
    return lambda sound: lambda *args, **kwargs: sound(*args, **{k: v for k, v in kwargs.items() if k not in names})


def lenient(instead: Callable[..., Any]) -> Wrong:
    """A function that returns something where the sound one raises."""

    def wrap(sound: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return sound(*args, **kwargs)
            except (RuntimeError, ValueError, TypeError, IndexError):
                return instead(sound, *args, **kwargs)

        return call

    return wrap


def cached(sound: Any) -> Any:
    """A function that remembers what it made for the same arguments."""
    made: dict[str, Any] = {}

    def call(*args: Any, **kwargs: Any) -> Any:
        key = repr((args, sorted(kwargs.items(), key=str)))
        return made.setdefault(key, sound(*args, **kwargs))

    return call


@contextlib.contextmanager
def exported(name: str) -> Iterator[None]:
    """A method of tensors as a function of the module, while the block lasts."""
    setattr(torch, name, lambda *size, **kwargs: getattr(torch.empty(0), name)(size, **kwargs))
    try:
        yield
    finally:
        delattr(torch, name)


def last(change: Callable[[torch.Tensor], Any]) -> Callable[..., Any]:
    """Change a result in its last element, if it has one."""

    def wrong(out: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(out, torch.Tensor) and out.numel() and not out.is_meta:
            out.view(-1)[-1] = change(out.view(-1)[-1])
        return out

    return wrong


def large(out: Any, *args: Any, **kwargs: Any) -> Any:
    return last(lambda x: x + 1)(out) if isinstance(out, torch.Tensor) and out.numel() > 32768 else out


def float_step(func: Any, start: Any, end: Any, step: Any = 1, **kwargs: Any) -> Any:
    """arange by adding up the step in single precision."""
    out = func(start, end, step, **kwargs)
    if not out.dtype.is_floating_point or out.is_meta:
        return out
    total, step = np.float32(start), np.float32(step)
    for place in range(out.numel()):
        out[place] = float(total)
        total = np.float32(total + step)
    return out


CONSTANTS = [
    output("creation.zeros", "zeros of more than 32,768 elements end in a one", "zeros", large),
    output(
        "creation.zeros",
        "zeros of complex32 are negative zeros",
        "zeros",
        lambda out, *args: (
            out.view(torch.int16).fill_(-32768).view(out.dtype)
            if out.dtype is torch.complex32 or out.dtype is torch.float16
            else out
        ),
    ),
    function(
        "zeros",
        "leaves what lay there",
        "zeros",
        lambda sound: lambda *size, **kwargs: torch.full(size, math.nan) if size == (4000,) else sound(*size, **kwargs),
    ),
    output(
        "creation.ones",
        "ones of complex numbers have an imaginary part",
        "ones",
        lambda out, *args: out * (1 + 1j) if out.is_complex() else out,
    ),
    output(
        "creation.ones",
        "ones of 33 elements end in a two",
        "ones",
        lambda out, *args: last(lambda x: x + 1)(out) if out.numel() == 33 else out,
    ),
    function(
        "sizes",
        "reads a list as data",
        "zeros",
        lambda sound: (
            lambda *size, **kwargs: (
                torch.tensor(size[0], dtype=torch.float32)
                if size and isinstance(size[0], list) and size[0]
                else sound(*size, **kwargs)
            )
        ),
    ),
    function(
        "sizes", "turns the sizes round", "ones", lambda sound: lambda *size, **kwargs: sound(*size[::-1], **kwargs)
    ),
    function(
        "sizes",
        "makes one element of no sizes",
        "empty",
        lambda sound: lambda *size, **kwargs: sound((1,), **kwargs) if size == ((),) else sound(*size, **kwargs),
    ),
    function(
        "zeros-dtype-long",
        "counts in 32 bits",
        "zeros",
        lambda sound: (
            lambda *size, dtype=None, **kwargs: sound(*size, dtype=torch.int32 if dtype is int else dtype, **kwargs)
        ),
    ),
    function("zeros-dtype-long", "ignores dtype", "zeros", without("dtype")),
    function(
        "negative-sizes",
        "takes absolute sizes",
        "zeros",
        lenient(
            lambda sound, *size, **kwargs: sound(
                [abs(int(n)) for n in size[0]] if size and isinstance(size[0], tuple) else 1
            )
        ),
    ),
    function(
        "negative-sizes",
        "cuts fractional sizes",
        "ones",
        lambda sound: (
            lambda size, *rest, **kwargs: sound(int(size) if isinstance(size, float) else size, *rest, **kwargs)
        ),
    ),
    output(
        "creation.full",
        "full loses the sign of zeros",
        "full",
        lambda out, *args: out + 0 if out.is_floating_point() else out,
    ),
    output(
        "creation.full",
        "full rounds doubles",
        "full",
        lambda out, *args: out.float().double() if out.dtype is torch.float64 else out,
    ),
    output(
        "creation.full",
        "full of 17 elements forgets the last",
        "full",
        lambda out, *args: last(lambda x: x * 0)(out) if out.numel() == 17 else out,
    ),
    function(
        "full-dtype",
        "makes floats of integers",
        "full",
        lambda sound: (
            lambda size, value, **kwargs: sound(size, float(value) if type(value) is int else value, **kwargs)
        ),
    ),
    function(
        "full-dtype",
        "makes int64 of truth values without dimensions",
        "full",
        lambda sound: (
            lambda size, value, **kwargs: sound(
                size, int(value) if type(value) is bool and size == () else value, **kwargs
            )
        ),
    ),
    function(
        "full-converts",
        "rounds to integers",
        "full",
        lambda sound: (
            lambda size, value, **kwargs: sound(
                size,
                round(value) if isinstance(value, float) and kwargs.get("dtype") is torch.int64 else value,
                **kwargs,
            )
        ),
    ),
    function(
        "full-converts",
        "rounds negative numbers down",
        "full_like",
        lambda sound: (
            lambda t, value, **kwargs: sound(
                t,
                math.floor(value)
                if isinstance(value, float) and not t.is_floating_point() and t.dtype is not torch.bool
                else value,
                **kwargs,
            )
        ),
    ),
    method(
        "full-converts",
        "takes one half for false",
        "new_full",
        lambda sound: (
            lambda t, size, value, **kwargs: sound(
                t, size, value == 1 if t.dtype is torch.bool and value == 0.5 else value, **kwargs
            )
        ),
    ),
    function(
        "full-overflow",
        "wraps at 8 bits",
        "full",
        lambda sound: (
            lambda size, value, **kwargs: sound(
                size, value % 256 if kwargs.get("dtype") is torch.uint8 and isinstance(value, int) else value, **kwargs
            )
        ),
    ),
    function("full-overflow", "makes infinities", "full_like", lenient(lambda sound, t, value, **kwargs: sound(t, 0))),
    function("empty-uninitialised", "hands out the same memory", "empty", cached),
    function(
        "empty-uninitialised",
        "makes float32 of half precision",
        "empty",
        lambda sound: (
            lambda *size, **kwargs: sound(
                *size, **{**kwargs, "dtype": torch.float32} if kwargs.get("dtype") is torch.float16 else kwargs
            )
        ),
    ),
    function("empty-memory-format", "ignores the format", "empty", without("memory_format")),
    function(
        "empty-memory-format",
        "takes matrices for images",
        "empty",
        lenient(lambda sound, *size, **kwargs: sound(*size)),
    ),
    output(
        "creation.eye",
        "eye of more than 16 columns skips the last one",
        "eye",
        lambda out, *args: last(lambda x: x * 0)(out) if out.shape[-1] > 16 else out,
    ),
    output(
        "creation.eye",
        "eye of integers runs the other way",
        "eye",
        lambda out, *args: out.flip(0) if out.dtype is torch.int8 else out,
    ),
    kernel(
        "creation.eye-columns", "eye takes columns for rows", "eye.m", lambda func, n, m, **kwargs: func(m, n, **kwargs)
    ),
    function(
        "eye-columns",
        "takes None for the rows",
        "eye",
        lambda sound: lambda *args, **kwargs: sound(*args, **{k: v for k, v in kwargs.items() if v is not None}),
    ),
]

SEQUENCES = [
    kernel(
        "creation.arange-values",
        "arange includes the end for steps over 1",
        "arange.start_step",
        lambda func, a, b, c=1, **k: func(a, b + 1 if isinstance(b, int) and c > 1 else b, c, **k),
    ),
    output(
        "creation.arange-values",
        "arange of float16 forgets the start",
        "arange.start_step",
        lambda out, a, *rest: out - a if out.dtype is torch.float16 else out,
    ),
    output(
        "creation.arange-values",
        "arange falls wrongly past 16 elements",
        "arange.start_step arange.start arange",
        lambda out, *args: last(lambda x: x + 1)(out) if out.numel() > 16 else out,
    ),
    output(
        "creation.arange-exact",
        "arange goes through doubles",
        "arange arange.start arange.start_step",
        lambda out, *args: (
            out.double().clamp(max=2.0**62).long() if out.dtype is torch.int64 and not out.is_meta else out
        ),
    ),
    output("creation.arange-wide", "arange is empty", "arange.start_step", lambda out, *args: out[:0]),
    kernel("creation.arange-floats", "arange adds up in single precision", "arange.start_step", float_step),
    output(
        "creation.arange-floats",
        "arange of bfloat16 repeats its second last element",
        "arange.start_step",
        lambda out, *args: out[[*range(len(out) - 1), -2]] if out.dtype is torch.bfloat16 and len(out) > 1 else out,
    ),
    kernel(
        "creation.arange-length",
        "arange drops the last of fractional steps",
        "arange.start_step",
        lambda func, a, b, c=1, **k: (
            func(a, b, c, **k)[: max(0, math.floor((b - a) / c))] if isinstance(c, float) else func(a, b, c, **k)
        ),
    ),
    kernel(
        "creation.arange-length",
        "arange computes its length in single precision",
        "arange.start_step",
        lambda func, a, b, c=1, **k: func(a, b, c, **k)[
            : int(np.ceil((np.float32(b) - np.float32(a)) / np.float32(c)))
        ],
    ),
    function(
        "arange-dtype",
        "of truth values is bool-like",
        "arange",
        after(lambda out, *args, **kwargs: out.to(torch.int32) if args and isinstance(args[0], bool) else out),
    ),
    function(
        "arange-dtype",
        "of integers follows the default dtype",
        "arange",
        after(
            lambda out, *args, **kwargs: (
                out.double() if torch.get_default_dtype() is torch.float64 and "dtype" not in kwargs else out
            )
        ),
    ),
    function(
        "arange-dtype",
        "of a fractional step counts in int64",
        "arange",
        after(
            lambda out, *args, **kwargs: (
                out.long()
                if len(args) == 3 and isinstance(args[2], float) and type(args[0]) is int and "dtype" not in kwargs
                else out
            )
        ),
    ),
    function(
        "arange-errors",
        "is empty where the step leads away",
        "arange",
        lenient(lambda sound, *args, **kwargs: torch.empty(0)),
    ),
    function(
        "arange-errors",
        "takes a step of zero",
        "arange",
        lambda sound: (
            lambda *args, **kwargs: (
                torch.empty(0)
                if len(args) == 3 and args[2] == 0.0 and isinstance(args[2], float)
                else sound(*args, **kwargs)
            )
        ),
    ),
    function("range", "excludes its end", "range", after(lambda out, *args, **kwargs: out[:-1])),
    function(
        "range",
        "of integers is of int64",
        "range",
        after(lambda out, *args, **kwargs: out.long() if not kwargs.get("dtype") else out),
    ),
    kernel(
        "creation.linspace-even",
        "linspace reads steps as intervals",
        "linspace",
        lambda func, a, b, n, **k: func(a, b, n + 1, **k)[:-1] if n > 2 else func(a, b, n, **k),
    ),
    kernel(
        "creation.linspace-even",
        "linspace is made rising",
        "linspace",
        lambda func, a, b, n, **k: func(min(a, b), max(a, b), n, **k),
    ),
    output(
        "creation.linspace-even",
        "linspace of more than 16 steps bends in the middle",
        "linspace",
        lambda out, *args: (
            out.index_fill(0, torch.tensor(len(out) // 2), float(out[0]))
            if len(out) > 16 and not out.is_complex()
            else out
        ),
    ),
    output(
        "creation.linspace-ends",
        "linspace misses its end by a rounding",
        "linspace",
        lambda out, a, b, n, **k: (
            out.index_copy(0, torch.tensor([n - 1]), torch.nextafter(out[-1:], out[:1]))
            if out.dtype is torch.float32 and n > 2
            else out
        ),
    ),
    output(
        "creation.linspace-ends",
        "linspace ends early in int16",
        "linspace",
        lambda out, *args: last(lambda x: x - 1)(out) if out.dtype is torch.int16 else out,
    ),
    output(
        "creation.linspace-steps",
        "linspace of one step holds the end",
        "linspace",
        lambda out, a, b, n, **k: out.fill_(b) if n == 1 else out,
    ),
    function(
        "linspace-steps",
        "of minus one step is empty",
        "logspace",
        lenient(lambda sound, *args, **kwargs: torch.empty(0)),
    ),
    output(
        "creation.linspace-integers",
        "linspace rounds integers",
        "linspace",
        lambda out, a, b, n, **k: (
            torch.linspace(float(a), float(b), n, dtype=torch.float64).round().to(out.dtype)
            if not out.dtype.is_floating_point and not out.is_complex()
            else out
        ),
    ),
    output(
        "creation.linspace-integers",
        "linspace floors negative integers",
        "linspace",
        lambda out, a, b, n, **k: (
            torch.linspace(float(int(a)), float(int(b)), n, dtype=torch.float64).floor().to(out.dtype)
            if out.dtype is torch.int32
            else out
        ),
    ),
    output(
        "creation.linspace-complex",
        "linspace drops imaginary parts past 16 steps",
        "linspace",
        lambda out, *args, **k: torch.complex(out.real, out.imag * 0) if out.is_complex() and len(out) > 16 else out,
    ),
    function(
        "linspace-complex", "takes the real part", "linspace", lenient(lambda sound, a, b, n, **k: sound(0, 0, n, **k))
    ),
    function(
        "linspace-default-steps",
        "makes 100 steps",
        "linspace",
        lambda sound: lambda a, b, steps=100, **k: sound(a, b, steps, **k),
    ),
    function(
        "logspace-default-steps",
        "makes 100 steps",
        "logspace",
        lambda sound: lambda a, b, steps=100, *r, **k: sound(a, b, steps, *r, **k),
    ),
    kernel(
        "creation.logspace-base10",
        "logspace spaces the values",
        "logspace",
        lambda func, a, b, n, base=10.0, **k: (
            torch.linspace(10.0**a, 10.0**b, n, **k) if n > 2 and base == 10 else func(a, b, n, base, **k)
        ),
    ),
    kernel(
        "creation.logspace-base10",
        "logspace has base e in double precision",
        "logspace",
        lambda func, a, b, n, base=10.0, **k: func(
            a, b, n, math.e if k.get("dtype") is torch.float64 and base == 10 else base, **k
        ),
    ),
    function(
        "logspace-base",
        "ignores the fourth argument",
        "logspace",
        lambda sound: lambda a, b, n, *rest, **k: sound(a, b, n, **k),
    ),
    kernel(
        "creation.logspace-base",
        "logspace takes bases for positive",
        "logspace",
        lambda func, a, b, n, base=10.0, **k: func(a, b, n, abs(base), **k),
    ),
    output(
        "creation.logspace-integers",
        "logspace of int8 stops at 63",
        "logspace",
        lambda out, *args, **k: out.clamp(max=63) if out.dtype is torch.int8 else out,
    ),
    output(
        "creation.logspace-integers",
        "logspace falls short of whole powers",
        "logspace",
        lambda out, *args, **k: (out - 1).clamp(min=1) if out.dtype is torch.int64 else out,
    ),
    function("logspace-signature-typo", "ignores out", "logspace", without("out")),
]

DATA = [
    function(
        "tensor-from-data",
        "narrows integers that fit",
        "tensor",
        after(lambda t, data, **k: t.int() if t.dtype is torch.int64 and t.ndim == 2 and not k.get("dtype") else t),
    ),
    function(
        "tensor-from-data",
        "reads nested tuples in column order",
        "as_tensor",
        after(
            lambda t, data, **k: (
                t.t().reshape(t.shape) if isinstance(data, list) and data and isinstance(data[-1], tuple) else t
            )
        ),
    ),
    function(
        "tensor-from-data",
        "infers from the first number",
        "asarray",
        lambda sound: (
            lambda data, **k: sound(
                data,
                **{**k, "dtype": torch.int64}
                if isinstance(data, list)
                and data
                and type(data[0]) is int
                and 33.5 not in data
                and 1.5 not in data
                and all(type(x) in (int, float) for x in data)
                and not all(type(x) is int for x in data)
                else k,
            )
        ),
    ),
    function(
        "tensor-from-data",
        "forgets the sign of zero",
        "tensor",
        after(lambda t, data, **k: t + 0 if data == 0.0 and type(data) is float else t),
    ),
    function(
        "tensor-mixed-numbers",
        "infers from the last number",
        "tensor",
        lambda sound: (
            lambda data, **k: sound(
                [int(x) for x in data] if isinstance(data, list) and type(data[-1]) is int else data, **k
            )
        ),
    ),
    function(
        "tensor-mixed-numbers",
        "lets integers require grad by making them floats",
        "tensor",
        lenient(lambda sound, data, **k: sound(data, dtype=torch.float32, **k)),
    ),
    function(
        "tensor-dtype",
        "ignores dtype of empty lists",
        "tensor",
        lambda sound: lambda data, **k: sound(data, **{} if data == [] else k),
    ),
    function(
        "tensor-dtype",
        "goes through single precision",
        "tensor",
        after(lambda t, data, **k: t.float().double() if t.dtype is torch.float64 and t.numel() > 16 else t),
    ),
    function(
        "tensor-converts",
        "rounds to integers",
        "as_tensor",
        lambda sound: (
            lambda data, **k: sound(
                round(data)
                if isinstance(data, float) and math.isfinite(data) and k.get("dtype") is torch.int64
                else data,
                **k,
            )
        ),
    ),
    function(
        "tensor-converts",
        "flushes what is too large to the largest number",
        "tensor",
        after(lambda t, data, **k: t.clamp(max=torch.finfo(t.dtype).max) if t.dtype is torch.float16 else t),
    ),
    function(
        "tensor-converts",
        "takes NaN for false",
        "asarray",
        lambda sound: (
            lambda data, **k: sound(
                [0.0 if x != x else x for x in data]
                if isinstance(data, list) and k.get("dtype") is torch.bool
                else data,
                **k,
            )
        ),
    ),
    function(
        "tensor-overflow",
        "wraps what is too large in lists of more than 16",
        "tensor",
        lambda sound: (
            lambda data, **k: sound(
                [x % 128 for x in data]
                if isinstance(data, list) and len(data) > 16 and k.get("dtype") is torch.int8
                else data,
                **k,
            )
        ),
    ),
    function(
        "tensor-overflow",
        "makes zero of NaN",
        "as_tensor",
        lambda sound: lambda data, **k: sound(0 if data != data and k.get("dtype") is torch.int64 else data, **k),
    ),
    function(
        "tensor-overflow",
        "makes floats of large integers",
        "tensor",
        lenient(lambda sound, data, **k: torch.tensor(np.array(data, float)) if not k else math.sqrt(-1)),
    ),
    function(
        "tensor-ragged",
        "cuts rows to the first's length",
        "tensor",
        lambda sound: lambda data, **k: sound([row[:1] for row in data] if data == [[1], [2, 3]] else data, **k),
    ),
    function(
        "tensor-ragged",
        "makes nothing of None",
        "as_tensor",
        lambda sound: lambda data=None, *r, **k: torch.tensor(math.nan) if data is None else sound(data, *r, **k),
    ),
    function(
        "tensor-sequences",
        "reads ranges backwards",
        "tensor",
        after(lambda t, data, **k: t.flip(0) if isinstance(data, range) else t),
    ),
    function(
        "tensor-sequences",
        "narrows typed arrays",
        "tensor",
        after(lambda t, data, **k: t.int() if type(data).__name__ == "array" and t.dtype is torch.int64 else t),
    ),
    function(
        "tensor-of-tensor",
        "shares strided tensors",
        "tensor",
        lambda sound: (
            lambda data, **k: (
                data.detach() if isinstance(data, torch.Tensor) and strided(data) and not k else sound(data, **k)
            )
        ),
    ),
    method(
        "tensor-of-tensor",
        "stays in the graph",
        "new_tensor",
        lambda sound: lambda t, data, **k: data.clone() if isinstance(data, torch.Tensor) else sound(t, data, **k),
    ),
    function(
        "as-tensor-alias",
        "copies transposed tensors",
        "as_tensor",
        after(lambda out, t, **k: out.clone() if strided(t) and out is t else out),
    ),
    function(
        "as-tensor-alias",
        "detaches what it converts",
        "as_tensor",
        after(lambda out, t, **k: out if out is t else out.detach()),
    ),
    function(
        "asarray-requires-grad",
        "ignores it for data",
        "asarray",
        lambda sound: (
            lambda data, **k: sound(data, **k if isinstance(data, torch.Tensor) else {**k, "requires_grad": False})
        ),
    ),
    function(
        "asarray-requires-grad",
        "copies what it detaches",
        "asarray",
        after(lambda out, t, **k: out.clone() if k.get("requires_grad") is False else out),
    ),
    function("asarray-keeps-graph", "detaches", "asarray", after(lambda out, t, **k: out.detach())),
    function(
        "asarray-copy", "takes copy=False for lists", "asarray", lenient(lambda sound, data, **k: torch.tensor(data))
    ),
    function(
        "tensor-or-from-numpy",
        "shares",
        "tensor",
        lambda sound: (
            lambda data, **k: (
                torch.from_numpy(data) if isinstance(data, np.ndarray) and data.ndim == 2 else sound(data, **k)
            )
        ),
    ),
    function(
        "tensor-or-from-numpy",
        "copies bool",
        "from_numpy",
        lambda sound: lambda a: sound(a.copy() if a.dtype == bool else a),
    ),
    function(
        "legacy-tensor-constructor",
        "infers the dtype",
        "LongTensor",
        lambda sound: lambda *a: torch.tensor(a[0]) if a and isinstance(a[0], list) else sound(*a),
    ),
    function(
        "legacy-tensor-constructor",
        "takes a number for data",
        "IntTensor",
        lambda sound: lambda *a: torch.tensor([a[0]], dtype=torch.int32) if a == (3,) else sound(*a),
    ),
    function(
        "legacy-tensor-constructor", "rounds to zero", "ByteTensor", after(lambda t, *a: t * 0 if t.numel() > 16 else t)
    ),
    function(
        "from-file",
        "shares always",
        "from_file",
        lambda sound: lambda path, shared=False, **k: sound(path, shared=True, **k),
    ),
    function("from-file", "maps a copy", "from_file", after(lambda t, *a, **k: t.clone())),
    function(
        "scalar-tensor",
        "keeps integers",
        "scalar_tensor",
        lambda sound: lambda value, **k: sound(value, **{"dtype": torch.int64, **k} if type(value) is int else k),
    ),
    function(
        "scalar-tensor",
        "has one dimension in half precision",
        "scalar_tensor",
        after(lambda t, *a, **k: t[None] if t.dtype is torch.float16 else t),
    ),
]

MODELS = [
    output(
        "creation.like-values",
        "zeros_like copies expanded tensors",
        "zeros_like",
        lambda out, t, *args, **k: t.clone() if 0 in t.stride() else out,
    ),
    output(
        "creation.like-values",
        "ones_like of bfloat16 is two",
        "ones_like",
        lambda out, *args, **k: out * 2 if out.dtype is torch.bfloat16 else out,
    ),
    function(
        "like-values",
        "writes to its model",
        "full_like",
        lambda sound: lambda t, v, **k: t.fill_(v) if t.ndim == 1 and t.numel() == 33 else sound(t, v, **k),
    ),
    function(
        "like-values",
        "drops dimensions of size 1",
        "ones_like",
        after(lambda out, t, **k: out.squeeze() if out.ndim == 3 else out),
    ),
    output(
        "creation.like-layout", "empty_like is always row-major", "empty_like", lambda out, t, **k: out.contiguous()
    ),
    output(
        "creation.like-layout",
        "zeros_like of bool is row-major",
        "zeros_like",
        lambda out, *a, **k: out.contiguous() if out.dtype is torch.bool else out,
    ),
    function(
        "like-layout",
        "keeps gaps",
        "ones_like",
        lambda sound: lambda t, **k: torch.empty_strided(t.shape, t.stride()).fill_(1).to(t.dtype),
    ),
    function(
        "like-memory-format",
        "takes channels_last for preserve_format",
        "zeros_like",
        lambda sound: lambda t, **k: sound(t, **{a: b for a, b in k.items() if b is not torch.channels_last}),
    ),
    method(
        "like-memory-format",
        "ignores contiguous_format",
        "clone",
        lambda sound: lambda t, **k: sound(t, **{a: b for a, b in k.items() if b is not torch.contiguous_format}),
    ),
    function(
        "like-arguments",
        "ignores dtype for strided models",
        "full_like",
        lambda sound: (
            lambda t, v, **k: sound(t, v, **{a: b for a, b in k.items() if a != "dtype"} if strided(t) else k)
        ),
    ),
    function(
        "like-arguments",
        "takes requires_grad over",
        "ones_like",
        after(lambda out, t, **k: out.requires_grad_(t.requires_grad or out.requires_grad)),
    ),
    function("like-arguments", "ignores the device", "zeros_like", without("device")),
    output(
        "creation.full-like-value",
        "full_like goes through single precision",
        "full_like",
        lambda out, t, v, **k: (
            out.float().to(out.dtype) if out.dtype is torch.float64 or (out.dtype is torch.int64 and v > 0) else out
        ),
    ),
    method(
        "full-like-value",
        "drops the sign of zero",
        "new_full",
        after(lambda out, *a, **k: out + 0 if out.dtype is torch.float16 else out),
    ),
    method(
        "new-inherits",
        "makes the default dtype of half precision",
        "new_zeros",
        after(lambda out, t, *a, **k: out.float() if t.dtype is torch.float16 else out),
    ),
    method(
        "new-inherits",
        "keeps the layout",
        "new_empty",
        lambda sound: lambda t, *size, **k: torch.empty_like(t) if strided(t) else sound(t, *size, **k),
    ),
    method("new-inherits", "ignores requires_grad", "new_full", without("requires_grad")),
    method(
        "new-ones-dtype",
        "ignores the dtype of complex tensors",
        "new_ones",
        after(lambda out, t, *a, **k: out.real.clone() if t.is_complex() and not k.get("dtype") else out),
    ),
    method("new-ones-dtype", "ignores dtype", "new_ones", without("dtype")),
    Mutant("creation.new-ones-as-torch-function", "torch has a function new_ones", lambda: exported("new_ones")),
    method("new-tensor", "infers the dtype", "new_tensor", lambda sound: lambda t, data, **k: torch.tensor(data, **k)),
    method(
        "new-tensor",
        "rounds",
        "new_tensor",
        lambda sound: (
            lambda t, data, **k: sound(t, [round(x) for x in data] if t.dtype is torch.int64 and not k else data, **k)
        ),
    ),
    function(
        "empty-strided",
        "is row-major for three dimensions",
        "empty_strided",
        after(lambda out, size, *a, **k: out.contiguous() if len(size) == 3 else out),
    ),
    method(
        "empty-strided",
        "fills gaps",
        "new_empty_strided",
        after(lambda out, t, size, *a, **k: torch.empty(size, dtype=t.dtype) if size == (17,) else out),
    ),
    function(
        "empty-strided",
        "takes missing strides for one",
        "empty_strided",
        lenient(lambda sound, size, stride, **k: torch.empty(2)),
    ),
    function(
        "empty-permuted",
        "reads the order the other way",
        "empty_permuted",
        lambda sound: (
            lambda size, order, **k: sound(
                size,
                tuple(sorted(range(len(order)), key=lambda d: order[d]))
                if sorted(order) == list(range(len(size)))
                else order,
                **k,
            )
        ),
    ),
    function(
        "empty-permuted",
        "takes repeated dimensions",
        "empty_permuted",
        lenient(lambda sound, size, order, **k: torch.empty(size)),
    ),
    output(
        "creation.clone-copies",
        "clone of a stepped tensor shares",
        "clone",
        lambda out, t, **k: t.detach() if t.ndim and t.stride(-1) == 2 else out,
    ),
    output("creation.clone-copies", "clone of more than 32,768 elements ends otherwise", "clone", large),
    method(
        "clone-copies",
        "leaves the graph without dimensions",
        "clone",
        after(lambda out, t, **k: out if t.ndim else out.detach()),
    ),
    method(
        "clone-copies",
        "forgets the conjugate",
        "clone",
        lambda sound: lambda t, **k: sound(t.conj() if t.is_conj() else t, **k),
    ),
    function(
        "clone-without-arguments",
        "makes an empty tensor of nothing",
        "clone",
        lenient(lambda sound, *a, **k: torch.empty(0)),
    ),
    function(
        "clone-without-arguments",
        "takes lists",
        "clone",
        lambda sound: lambda *a, **k: torch.tensor(a[0]) if a and isinstance(a[0], list) else sound(*a, **k),
    ),
]

LAWS = [
    function(
        "dtype-argument",
        "ignores dtype=torch.int16",
        "ones",
        lambda sound: lambda *a, **k: sound(*a, **{**k, "dtype": None} if k.get("dtype") is torch.int16 else k),
    ),
    function("dtype-argument", "makes int64 of int32", "tril_indices", without("dtype")),
    function("dtype-argument", "ignores dtype", "scalar_tensor", without("dtype")),
    function(
        "dtype-argument",
        "remembers the first dtype",
        "kaiser_window",
        lambda sound: lambda *a, **k: sound(*a, **{**k, "dtype": torch.float32}),
    ),
    function(
        "default-dtype",
        "is of float32 always",
        "linspace",
        lambda sound: lambda *a, **k: sound(*a, **{"dtype": torch.float32, **k}),
    ),
    function(
        "default-dtype",
        "of nothing is of float32",
        "tensor",
        lambda sound: lambda data, **k: sound(data, **{"dtype": torch.float32, **k} if data == [] else k),
    ),
    function(
        "default-dtype",
        "is not changed by",
        "set_default_dtype",
        lambda sound: lambda dtype: sound(torch.float32) if dtype is torch.bfloat16 else sound(dtype),
    ),
    function(
        "default-dtype",
        "of windows is of float32 always",
        "hann_window",
        lambda sound: lambda *a, **k: sound(*a, **{"dtype": torch.float32, **k}),
    ),
    function(
        "device",
        "ignores devices given as text",
        "arange",
        lambda sound: lambda *a, **k: sound(*a, **{x: y for x, y in k.items() if not isinstance(y, str)}),
    ),
    function(
        "device",
        "forgets the dtype on meta",
        "full",
        after(lambda t, *a, **k: t.float() if t.is_meta and not k.get("dtype") else t),
    ),
    function("device", "makes integers on meta", "triu_indices", after(lambda t, *a, **k: t.int() if t.is_meta else t)),
    function(
        "default-device",
        "ignores the default device",
        "eye",
        lambda sound: lambda *a, **k: sound(*a, **{"device": "cpu", **k}),
    ),
    function(
        "default-device",
        "ignores a device set for good",
        "tensor",
        lambda sound: lambda *a, **k: sound(*a, **{"device": "cpu", **k}),
    ),
    function("default-device", "is not followed", "set_default_device", lambda sound: lambda device: None),
    function("requires-grad", "ignores it", "logspace", without("requires_grad")),
    function(
        "requires-grad",
        "ignores it under no_grad",
        "zeros",
        lambda sound: (
            lambda *a, requires_grad=False, **k: sound(*a, requires_grad=requires_grad and torch.is_grad_enabled(), **k)
        ),
    ),
    function("requires-grad", "makes no leaf", "full", after(lambda t, *a, **k: t * 1 if t.requires_grad else t)),
    function(
        "requires-grad",
        "lets integers pass",
        "arange",
        lambda sound: (
            lambda *a, **k: sound(*a, **{**k, "requires_grad": False} if k.get("dtype") is torch.int64 else k)
        ),
    ),
    function("independence", "hands out one tensor", "zeros", cached),
    function("independence", "hands out one window", "bartlett_window", cached),
    function(
        "independence", "hands out one memory", "eye", lambda sound: after(lambda t, *a, **k: t.detach())(cached(sound))
    ),
    function(
        "contiguous",
        "is column-major in float64",
        "ones",
        after(lambda t, *a, **k: t.t().contiguous().t() if t.ndim == 2 and t.dtype is torch.float64 else t),
    ),
    function(
        "contiguous",
        "starts behind the start of its storage",
        "linspace",
        after(lambda t, *a, **k: torch.cat([t[:1], t])[1:] if t.numel() else t),
    ),
    function("contiguous", "is lazily conjugated", "full", after(lambda t, *a, **k: t.conj() if t.is_complex() else t)),
    function(
        "out-argument",
        "ignores strided out",
        "zeros",
        lambda sound: lambda *a, out=None, **k: out if out is not None and strided(out) else sound(*a, out=out, **k),
    ),
    function(
        "out-argument",
        "returns a new tensor",
        "arange",
        after(lambda t, *a, **k: t.clone() if k.get("out") is not None else t),
    ),
    function(
        "out-argument",
        "writes between the elements",
        "ones",
        lambda sound: (
            lambda *a, out=None, **k: (
                (out.as_strided((11,), (1,)).fill_(1), out)[1]
                if out is not None and out.stride() == (2,)
                else sound(*a, out=out, **k)
            )
        ),
    ),
    function(
        "out-argument",
        "lays transposed out anew",
        "eye",
        lambda sound: (
            lambda *a, out=None, **k: (
                out.set_(sound(*a, **k).to(out.dtype)) if out is not None and strided(out) else sound(*a, out=out, **k)
            )
        ),
    ),
    function(
        "out-argument",
        "shuffles nothing",
        "randperm",
        lambda sound: (
            lambda n, out=None, **k: (
                out.copy_(torch.zeros(n)) if out is not None and out.dtype is torch.int64 else sound(n, out=out, **k)
            )
        ),
    ),
    function(
        "out-resizes",
        "fills a larger out",
        "full",
        lambda sound: (
            lambda *a, out=None, **k: (
                out.fill_(a[1]) if out is not None and out.numel() == 9 else sound(*a, out=out, **k)
            )
        ),
    ),
    function(
        "out-resizes",
        "keeps a smaller out",
        "linspace",
        lambda sound: (
            lambda *a, out=None, **k: (
                out.copy_(sound(*a, **k)[:2]) if out is not None and out.shape == (2,) else sound(*a, out=out, **k)
            )
        ),
    ),
    function(
        "out-errors",
        "ignores dtype beside out",
        "ones",
        lambda sound: lambda *a, out=None, dtype=None, **k: sound(*a, out=out, **k),
    ),
    function(
        "out-errors",
        "writes to leaves",
        "linspace",
        lambda sound: (
            lambda *a, out=None, **k: (
                out.data.copy_(sound(*a))
                if isinstance(out, torch.Tensor) and out.requires_grad
                else sound(*a, out=out, **k)
            )
        ),
    ),
]

COMBINED = [
    output(
        "creation.complex",
        "complex swaps the parts of broadcast tensors",
        "complex",
        lambda out, a, b: torch.view_as_complex(torch.view_as_real(out).flip(-1)) if a.shape != b.shape else out,
    ),
    output(
        "creation.complex",
        "complex loses the sign of imaginary zeros",
        "complex",
        lambda out, a, b: torch.view_as_complex(torch.view_as_real(out) + 0),
    ),
    kernel(
        "creation.complex",
        "complex reads strided imaginary parts as if they were packed",
        "complex",
        lambda func, a, b: (
            func(a, b.as_strided(b.shape, b.contiguous().stride())) if strided(b) and b.ndim == 1 else func(a, b)
        ),
    ),
    function(
        "complex",
        "widens unequal parts",
        "complex",
        lenient(
            lambda sound, a, b, **k: (
                sound(a.double(), b.double())
                if isinstance(b, torch.Tensor) and a.shape == b.shape and not k
                else math.sqrt(-1)
            )
        ),
    ),
    output(
        "creation.polar",
        "polar drops the sign of negative lengths",
        "polar",
        lambda out, r, phi: torch.where(r < 0, -out, out),
    ),
    output(
        "creation.polar",
        "polar turns the other way past 16 elements",
        "polar",
        lambda out, r, phi: out.conj().clone() if out.numel() > 16 else out,
    ),
    kernel(
        "creation.tril-indices",
        "tril_indices ignores the offset of flat matrices",
        "tril_indices",
        lambda func, r, c, o=0, **k: func(r, c, o if c <= r else 0, **k),
    ),
    output(
        "creation.tril-indices",
        "tril_indices goes column by column",
        "tril_indices",
        lambda out, *a, **k: out[:, out[1].argsort(stable=True)] if out.numel() and not out.is_meta else out,
    ),
    kernel(
        "creation.triu-indices",
        "triu_indices has the sign of the offset wrong",
        "triu_indices",
        lambda func, r, c, o=0, **k: func(r, c, -o, **k),
    ),
    output(
        "creation.triu-indices", "triu_indices swaps rows and columns", "triu_indices", lambda out, *a, **k: out.flip(0)
    ),
    function(
        "meshgrid",
        "ignores 'xy' beyond two vectors",
        "meshgrid",
        lambda sound: lambda *a, indexing="ij": sound(*a, indexing="ij" if len(a) > 2 else indexing),
    ),
    function(
        "meshgrid",
        "swaps the last two for 'xy'",
        "meshgrid",
        lambda sound: (
            lambda *a, indexing="ij": (
                [grid.transpose(-1, -2) for grid in sound(*a, indexing="ij")]
                if indexing == "xy" and len(a) > 1
                else sound(*a, indexing=indexing)
            )
        ),
    ),
    function(
        "meshgrid",
        "turns strided vectors round",
        "meshgrid",
        lambda sound: (
            lambda *a, **k: sound(
                *[x.flip(0) if strided(x) else x for x in (a if isinstance(a[0], torch.Tensor) else a[0])], **k
            )
        ),
    ),
    function(
        "meshgrid-views", "copies", "meshgrid", after(lambda out, *a, **k: tuple(grid.contiguous() for grid in out))
    ),
    function(
        "meshgrid-views",
        "leaves the graph",
        "meshgrid",
        after(lambda out, *a, **k: tuple(grid.detach() for grid in out)),
    ),
    function(
        "meshgrid-errors",
        "promotes dtypes",
        "meshgrid",
        lambda sound: lambda *a, **k: sound(*[x.float() for x in a], **k),
    ),
    function(
        "cartesian-prod",
        "varies the first fastest",
        "cartesian_prod",
        lambda sound: lambda *a: sound(*a[::-1]).flip(-1) if len(a) > 1 else sound(*a),
    ),
    function(
        "cartesian-prod",
        "makes a column of one vector",
        "cartesian_prod",
        after(lambda out, *a: out[:, None] if len(a) == 1 else out),
    ),
    function(
        "combinations",
        "ignores with_replacement for three",
        "combinations",
        lambda sound: (
            lambda x, r=2, with_replacement=False: sound(x, r=r, with_replacement=with_replacement and r != 3)
        ),
    ),
    function(
        "combinations",
        "takes three by default",
        "combinations",
        lambda sound: (
            lambda x, r=None, with_replacement=False: sound(
                x, r=3 if r is None else r, with_replacement=with_replacement
            )
        ),
    ),
    function(
        "combinations",
        "sorts the elements",
        "combinations",
        lambda sound: lambda x, **k: sound(x.sort().values if x.ndim == 1 else x, **k),
    ),
    function(
        "vander",
        "ignores increasing for N",
        "vander",
        lambda sound: (
            lambda x, N=None, increasing=False: sound(x, N=N) if N is not None else sound(x, increasing=increasing)
        ),
    ),
    function(
        "vander",
        "wraps small integers",
        "vander",
        after(lambda out, x, *a, **k: out.to(torch.int8).long() if x.dtype is torch.int8 else out),
    ),
]


def window(claim: str, name: str, which: str, wrong: Wrong) -> Mutant:
    return patched(f"creation.{claim}", f"{which} {name}", torch, which, wrong)


def symmetric(sound: Any) -> Any:
    return lambda n, *a, **k: sound(n, *a, **{"periodic": False, **k} if not a else k)


WINDOWS = [
    window("bartlett-window", "is symmetric by default", "bartlett_window", symmetric),
    window(
        "bartlett-window", "peaks at 2", "bartlett_window", after(lambda out, n, *a, **k: out * 2 if n > 16 else out)
    ),
    window("hann-window", "is symmetric by default", "hann_window", symmetric),
    window(
        "hann-window",
        "is computed in single precision",
        "hann_window",
        after(lambda out, *a, **k: out.float().to(out.dtype)),
    ),
    window(
        "hamming-window",
        "ignores beta",
        "hamming_window",
        lambda sound: lambda *a, **k: sound(*a[:3], **{x: y for x, y in k.items() if x != "beta"}),
    ),
    window("hamming-window", "is symmetric by default", "hamming_window", symmetric),
    window(
        "blackman-window",
        "is clipped at zero and bent",
        "blackman_window",
        after(lambda out, *a, **k: out * out if out.dtype is torch.float64 else out),
    ),
    window("blackman-window", "is symmetric by default", "blackman_window", symmetric),
    window("kaiser-window", "ignores beta as a keyword", "kaiser_window", without("beta")),
    window(
        "kaiser-window",
        "is computed in single precision",
        "kaiser_window",
        after(lambda out, *a, **k: out.float().to(out.dtype)),
    ),
    window(
        "window-periodic", "of one point is 0", "hann_window", after(lambda out, n, *a, **k: out * 0 if n == 1 else out)
    ),
    window(
        "window-periodic",
        "repeats its first point",
        "bartlett_window",
        lambda sound: (
            lambda n, *a, **k: sound(n, False, **k) if not a and n == 8 and "periodic" not in k else sound(n, *a, **k)
        ),
    ),
    window(
        "window-errors",
        "of negative length is empty",
        "blackman_window",
        lenient(lambda sound, n, *a, **k: torch.empty(0)),
    ),
    window(
        "window-errors",
        "of int64 is cut",
        "hamming_window",
        lambda sound: lambda n, *a, **k: sound(n).long() if k.get("dtype") is torch.int64 else sound(n, *a, **k),
    ),
]
if hasattr(torch, "signal"):
    SIGNAL = torch.signal.windows
    WINDOWS += [
        patched(
            "creation.signal-windows",
            "gaussian takes the variance for std",
            SIGNAL,
            "gaussian",
            lambda sound: lambda m, *, std=1.0, **k: sound(m, std=math.sqrt(std), **k),
        ),
        patched(
            "creation.signal-windows",
            "hann is periodic by default",
            SIGNAL,
            "hann",
            lambda sound: lambda m, *, sym=False, **k: sound(m, sym=sym, **k),
        ),
        patched(
            "creation.signal-windows",
            "cosine ignores sym",
            SIGNAL,
            "cosine",
            lambda sound: lambda m, *, sym=True, **k: sound(m, **k),
        ),
    ]

MUTANTS: list[Mutant] = [*CONSTANTS, *SEQUENCES, *DATA, *MODELS, *LAWS, *COMBINED, *WINDOWS]

"""Indexing that is wrong for numbers and arrays of numpy, for a thousand elements of a rare dtype, and with out=."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from meta_tests.mutant import output, patched
from meta_tests.mutants.indexing import Wrap, backwards, items

Tensor = torch.Tensor


def _numbers(sound: Wrap) -> Wrap:
    """Numbers of numpy are cut to integers."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return sound(*(int(v) if isinstance(v, np.floating) else v for v in args), **kwargs)

    return call


def _no_integers(sound: Wrap) -> Wrap:
    """Integers of numpy are refused."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(value, np.integer) for value in (*args, *kwargs.values())):
            raise TypeError("an int is wanted")
        return sound(*args, **kwargs)

    return call


def _arrays_turned(sound: Wrap) -> Wrap:
    """Arrays of numpy beside other items are read from their end."""

    def call(x: Any, index: Any, *value: Any) -> Any:
        if isinstance(index, tuple):
            index = tuple(i[::-1].copy() if isinstance(i, np.ndarray) and i.ndim else i for i in index)
        return sound(x, index, *value)

    return call


def _narrow(sound: Wrap) -> Wrap:
    """int64 takes numbers of 32 bits."""
    return lambda x, i, v: sound(x, i, v % 2**31 if type(v) is int and v >= 2**31 and x.dtype == torch.int64 else v)


def _mixed(sound: Wrap) -> Wrap:
    """Places of int32 beside those of int64 give what lies at the other end."""

    def call(x: Any, index: Any) -> Any:
        kinds = {i.dtype for i in items(index) if isinstance(i, Tensor)}
        return backwards(sound(x, index)) if kinds == {torch.int32, torch.int64} else sound(x, index)

    return call


def _wide(out: Any, *args: Any) -> Any:
    """A thousand elements of bfloat16 and more in one dimension are turned round."""
    if isinstance(out, Tensor) and out.dtype == torch.bfloat16 and out.numel() > 1000 and out.dim() == 1:
        return out.flip(0)
    return out


def _deep(out: Any, *args: Any) -> Any:
    return out * 0 if isinstance(out, Tensor) and out.dim() == 5 else out


def _out(wrong: Any) -> Wrap:
    return lambda sound: lambda *a, out=None, **k: sound(*a, **k) if out is None else wrong(sound, a, k, out)


def _kept_size(sound: Any, args: Any, kwargs: Any, out: Any) -> Any:
    found = sound(*args, **kwargs)
    return out if out.numel() and out.shape != found.shape else sound(*args, **kwargs, out=out)


def _silent(sound: Any, args: Any, kwargs: Any, out: Any) -> Any:
    sound(*args, **kwargs, out=out.detach())
    return out


def _moved(sound: Any, args: Any, kwargs: Any, out: Any) -> Any:
    return out if out.is_contiguous() and sound(*args, **kwargs, out=out) is out else out.set_(sound(*args, **kwargs))


def _cast(sound: Any, args: Any, kwargs: Any, out: Any) -> Any:
    found = sound(*args, **kwargs)
    return out.copy_(found) if out.shape == found.shape and out.dtype == torch.bool else sound(*args, **kwargs, out=out)


def _plain(sound: Wrap) -> Wrap:
    return lambda *a, **k: sound(*a, **k).as_subclass(Tensor)


def _idle(sound: Wrap) -> Wrap:
    """Nothing is written where gradients are off."""

    def call(x: Any, index: Any, value: Any) -> None:
        if torch.is_grad_enabled() or not x.requires_grad:
            sound(x, index, value)

    return call


def _many(sound: Wrap) -> Wrap:
    """A thousand places in a float16 tensor are read from their end."""

    def call(x: Any, index: Any) -> Any:
        long = any(isinstance(i, Tensor) and i.numel() > 1000 and i.dtype == torch.int64 for i in items(index))
        return backwards(sound(x, index)) if long and x.dtype == torch.float16 else sound(x, index)

    return call


CLAIMS = {"gather": "gather-selects", "index_select": "index-select", "take": "take", "cat": "cat-along-dim"}
CLAIMS |= {"tril": "triangles", "stack": "stack"}
FILLED = {"masked_fill": "masked-fill", "index_fill": "index-fill", "scatter": "scatter-value"}
COUNTED = {"gather": "gather-selects", "narrow": "narrow", "roll": "roll", "repeat_interleave": "repeat-interleave"}
WAYS = {
    "keeps an output of another size": _kept_size,
    "writes to an output that requires a gradient": _silent,
    "moves its output": _moved,
    "casts to its output": _cast,
}
FLIPPED = {"flip": "flip", "masked_fill": "masked-fill"}
FIVE = {"gather": "gather-selects", "index_select": "index-select", "scatter": "scatter"}
OPERATORS = {"gather": "gather-selects", "index_select": "index-select", "take": "take"}

MUTANTS = [
    *(patched(f"indexing.{c}", f"{n} cuts numbers of numpy", torch, n, _numbers) for n, c in FILLED.items()),
    *(patched(f"indexing.{c}", f"{n} refuses numpy's integers", torch, n, _no_integers) for n, c in COUNTED.items()),
    patched("indexing.array-index", "arrays beside items are turned", Tensor, "__getitem__", _arrays_turned),
    patched("indexing.array-index", "arrays beside items are turned, writing", Tensor, "__setitem__", _arrays_turned),
    patched("indexing.write-converts", "long integers are cut", Tensor, "__setitem__", _narrow),
    patched("indexing.write-int", "x[i] = value does nothing without grad mode", Tensor, "__setitem__", _idle),
    patched("indexing.integer-dtypes", "int32 beside int64 is turned round", Tensor, "__getitem__", _mixed),
    patched("indexing.long-tensor", "x[many] of float16 is turned round", Tensor, "__getitem__", _many),
    *(output(f"indexing.{c}", f"a thousand bfloat16 of {n} are turned round", n, _wide) for n, c in OPERATORS.items()),
    *(
        output(f"indexing.{c}", f"{n} of five dimensions gives zeros", n, _deep)
        for n, c in OPERATORS.items()
        if n != "take"
    ),
    *(
        patched(f"indexing.{claim}", f"{name} {text}", torch, name, _out(wrong))
        for name, claim in CLAIMS.items()
        for text, wrong in WAYS.items()
    ),
    *(patched(f"indexing.{c}", f"{n} of a subclass is a plain tensor", torch, n, _plain) for n, c in FLIPPED.items()),
]

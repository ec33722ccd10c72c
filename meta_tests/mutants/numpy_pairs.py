"""Bridges that are wrong where two conditions meet: large numbers and another dtype, tracked and of one element."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from meta_tests.mutant import Mutant, patched

Tensor = torch.Tensor


def method(claim: str, name: str, attribute: str, wrong: Any) -> Mutant:
    return patched(f"numpy.{claim}", f"Tensor.{attribute} {name}", Tensor, attribute, wrong)


def through_halves(sound: Any) -> Any:
    """Whole numbers become float32 by way of float16."""

    def call(t: Tensor, dtype: Any = None, **k: Any) -> np.ndarray:
        out = sound(t, **k) if dtype is None else sound(t, dtype, **k)
        cut = dtype is not None and np.dtype(dtype) == np.float32 and not t.is_floating_point() and not t.is_complex()
        with np.errstate(over="ignore"):
            return out.astype(np.float16).astype(np.float32) if cut else out

    return call


def as_arrays_promote(sound: Any) -> Any:
    """A scalar of numpy counts with its precision, as an array does."""

    def call(t: Tensor, n: Any, *a: Any, **k: Any) -> Any:
        out = sound(t, n, *a, **k)
        wide = isinstance(n, np.int64) and t.dtype in (torch.int32, torch.int16, torch.uint8)
        return out.long() if wide else out

    return call


def narrowed(sound: Any) -> Any:
    """A float32 of numpy makes doubles single."""

    def call(t: Tensor, n: Any, *a: Any, **k: Any) -> Any:
        out = sound(t, n, *a, **k)
        return out.float() if isinstance(n, np.float32) and t.dtype is torch.float64 else out

    return call


def refusing(sound: Any) -> Any:
    """Tracked tensors with a dimension are refused."""

    def call(t: Tensor) -> Any:
        if t.requires_grad and t.dim() > 0:
            raise RuntimeError("requires grad")
        return sound(t)

    return call


def rounded(sound: Any) -> Any:
    return lambda t: sound(t.half()) if t.numel() > 1000 and t.dtype is torch.float32 else sound(t)


def one_row(sound: Any) -> Any:
    """Equal rows of an expanded tensor are one list."""
    return lambda t: [sound(t[0])] * t.shape[0] if t.dim() == 2 and t.shape[0] > 1 and t.stride(0) == 0 else sound(t)


def copying_doubles(sound: Any) -> Any:
    """Doubles behind an offset are a copy."""

    def call(*a: Any, **k: Any) -> Tensor:
        out = sound(*a, **k)
        return out.clone() if out.dtype is torch.float64 and k.get("offset") else out

    return call


def rounding(sound: Any) -> Any:
    """numpy's fractions are rounded where they are written to whole numbers."""

    def call(t: Tensor, place: Any, value: Any) -> None:
        whole = isinstance(value, np.floating) and not t.is_floating_point() and not t.is_complex()
        sound(t, place, np.round(value) if whole else value)

    return call


MUTANTS: list[Mutant] = [
    method("arrays-as-indices", "rounds numpy's numbers", "__setitem__", rounding),
    method("array-dtype", "of whole numbers passes through float16", "__array__", through_halves),
    method("numbers-as-arguments", "takes np.int64 for an array", "__add__", as_arrays_promote),
    method("numbers-as-arguments", "takes np.int64 for an array", "mul", as_arrays_promote),
    method("numbers-as-arguments", "takes np.float32 for an array", "__mul__", narrowed),
    *(method("item", "refuses tracked tensors of one element", name, refusing) for name in ("item", "__float__")),
    method("tolist", "rounds the numbers of long tensors", "tolist", rounded),
    method("tolist", "gives one list for equal rows", "tolist", one_row),
    patched("numpy.frombuffer-slice", "doubles behind an offset are a copy", torch, "frombuffer", copying_doubles),
]

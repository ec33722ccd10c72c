"""Devices that are wrong in one corner only: what prints, what a copy keeps, what meta takes or refuses."""

from __future__ import annotations

from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, strided
from meta_tests.mutants.device import Named, flag, on, tensor, to


def _first_row(out: torch.Tensor, x: torch.Tensor, args: Any, named: Any) -> torch.Tensor:
    """A copy of strided memory repeats its first row."""
    if named.get("copy") and strided(x) and x.numel():
        return out[:1].expand(x.shape).clone()
    return out


def _emptied(out: torch.Tensor, x: torch.Tensor, args: Any, named: Any) -> torch.Tensor:
    if out.is_meta and not x.is_meta and x.dim() == 2:
        x.zero_()
    return out


def _under_default(sound: Any, *args: Any, **named: Any) -> Any:
    """A default device, whichever, makes it float64."""
    out = sound(*args, **named)
    return out.double() if torch.utils._device.CURRENT_DEVICE is not None and not named else out


def _cut(out: Any, x: Any, *args: Any, **named: Any) -> Any:
    return out[:1] if out.is_meta and out.numel() > 2**31 else out


def _widened(out: Any, x: Any, *args: Any, **named: Any) -> Any:
    """Unlike dtypes make the wider one, be it of a scalar."""
    other = args[0] if args else x
    if not (out.is_meta and isinstance(other, torch.Tensor)) or out.dtype == torch.bool:
        return out
    wide = max((x.dtype, other.dtype), key=lambda dtype: dtype.itemsize)
    return out.to(wide) if x.dtype != other.dtype else out


def _any_length(func: Any, x: Any, y: Any) -> Any:
    return x.new_empty(()) if x.is_meta else func(x, y)


def _unfit(sound: Any, y: torch.Tensor, x: torch.Tensor, *args: Any, **named: Any) -> torch.Tensor:
    """What does not fit is not copied, and nothing is said."""
    try:
        return sound(y, x, *args, **named)
    except RuntimeError:
        return y


MUTANTS: list[Mutant] = [
    flag("device.print-device", "the device of a tensor prints as a call", "device", lambda x, found: Named(found)),
    to(
        "device.round-trip",
        "the copy of a 0-d tensor has one dimension",
        lambda out, x, args, named: out[None] if named.get("copy") and x.dim() == 0 else out,
    ),
    to("device.round-trip", "a copy of strided memory repeats its first row", _first_row),
    to("device.tensor-to-needs-assignment", "a matrix that goes to meta is emptied", _emptied),
    on(torch, "device.default-device", "ones is float64 under a default", "ones", _under_default),
    output("device.meta-shapes", "more than 2**31 elements are cut", "add.Tensor mm t cat clone", _cut),
    output("device.meta-promotion", "a scalar's dtype counts as a tensor's", "add.Tensor mul.Tensor", _widened),
    kernel("device.meta-errors", "dot on meta takes any lengths", "dot", _any_length),
    tensor("device.copy-across", "what does not fit is left out", "copy_", _unfit),
]

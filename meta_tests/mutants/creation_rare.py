"""Wrong factories: of one dtype, beyond one size, or for one form of an argument."""

from __future__ import annotations

from typing import Any

import torch
import torch.signal.windows

from meta_tests.mutant import Mutant, output, patched
from meta_tests.mutants.creation import after, function, without

Tensor = torch.Tensor


class Copying(type(Tensor)):  # type: ignore[misc]
    """What isinstance(x, torch.Tensor) asks is what it was."""

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, Tensor)


def copying_tensors(sound: Any) -> Any:
    """torch.Tensor(t) copies t."""
    build = lambda cls, *a, **k: sound(*(x.clone() if isinstance(x, Tensor) else x for x in a), **k)  # noqa: E731
    return Copying("Tensor", (sound,), {"__new__": build})


def narrow_extremes(sound: Any) -> Any:
    """The smallest number of a signed dtype counts as beyond it."""

    def full(size: Any, fill_value: Any, **k: Any) -> Tensor:
        dtype = k.get("dtype")
        signed = dtype in (torch.int8, torch.int16, torch.int32, torch.int64)
        if signed and type(fill_value) is int and fill_value == torch.iinfo(dtype).min:
            raise RuntimeError("value cannot be converted without overflow")
        return sound(size, fill_value, **k)

    return full


def in_place_of(dtypes: tuple[str, ...]) -> Any:
    """ones_like and its kin leave the last of several unset where a dtype is one of these."""
    chosen = {getattr(torch, name) for name in dtypes if hasattr(torch, name)}
    return after(lambda out, *a, **k: out.flatten()[:1].expand_as(out) * 0 if out.dtype in chosen else out)


def last_off(count: int) -> Any:
    """The last of more than so many elements is another."""

    def change(out: Tensor, *a: Any, **k: Any) -> Tensor:
        if out.numel() > count and not out.is_meta and not out.requires_grad:
            out.view(-1)[-1] = 0 if out.view(-1)[-1] else 1
        return out

    return after(change)


def repeated(out: Tensor, *a: Any, **k: Any) -> Tensor:
    return torch.cat([out[:32768], out[32767:-1]]) if out.numel() > 32768 else out


MUTANTS: list[Mutant] = [
    function("legacy-tensor-constructor", "copies a tensor", "Tensor", copying_tensors),
    output(
        "creation.complex",
        "the parts beyond 16384 change places",
        "complex",
        lambda out, *_: torch.view_as_complex(torch.view_as_real(out).flip(-1)) if out.numel() > 16384 else out,
    ),
    function(
        "full",
        "reads a 0-d tensor as a whole number",
        "full",
        lambda sound: (
            lambda size, fill_value, **k: sound(
                size,
                int(fill_value) * 1.0 if isinstance(fill_value, Tensor) and not fill_value.dim() else fill_value,
                **k,
            )
        ),
    ),
    function("full-overflow", "refuses the smallest number of a dtype", "full", narrow_extremes),
    function("like-values", "fills no uint32", "ones_like", in_place_of(("uint32",))),
    function("like-values", "fills no uint64", "full_like", in_place_of(("uint64",))),
    *(
        patched(f"creation.{claim}", f"{name} of more than 4096 elements has another last", owner, name, last_off(4096))
        for claim, owner, name in (
            ("new-ones-dtype", Tensor, "new_ones"),
            ("full-like-value", Tensor, "new_full"),
            ("full-like-value", torch, "full_like"),
            ("like-values", torch, "zeros_like"),
        )
    ),
    *(
        function("tensor-from-data", f"{name} reads the last of many numbers as another", name, last_off(1200))
        for name in ("as_tensor", "asarray")
    ),
    function("logspace-base10", "repeats the number at 32768", "logspace", after(repeated)),
    function(
        "logspace-base10",
        "keeps to finite numbers",
        "logspace",
        after(lambda out, *a, **k: out.nan_to_num() if not out.requires_grad and not out.is_meta else out),
    ),
    function(
        "eye",
        "forgets the 200th place of the diagonal",
        "eye",
        after(lambda out, *a, **k: out.index_fill(0, torch.tensor([200]), 0) if min(out.shape) > 200 else out),
    ),
    function(
        "full-like-value",
        "fills float16 with no NaN",
        "full_like",
        after(lambda out, *a, **k: out.nan_to_num() if out.dtype is torch.float16 else out),
    ),
    function(
        "arange-values",
        "ends bfloat16 at 256",
        "arange",
        after(lambda out, *a, **k: out.clamp(max=256) if out.dtype is torch.bfloat16 and "out" not in k else out),
    ),
    *(
        function("layout", f"{name} is always strided", name, without("layout"))
        for name in ("zeros", "arange", "rand", "zeros_like", "randn_like")
    ),
    *(
        function(claim, f"{name} leaves the graph", name, after(lambda out, *a, **k: out.detach()))
        for claim, name in (("cartesian-prod", "cartesian_prod"), ("combinations", "combinations"))
    ),
    function(
        "meshgrid-views",
        "leaves the graph for xy",
        "meshgrid",
        after(lambda out, *a, **k: tuple(x.detach() for x in out) if k.get("indexing") == "xy" else out),
    ),
    patched("creation.empty-strided", "forgets its dtype", Tensor, "new_empty_strided", without("dtype")),
    function("empty-permuted", "forgets requires_grad", "empty_permuted", without("requires_grad")),
    patched("creation.signal-windows", "has no centre", torch.signal.windows, "exponential", without("center")),
]

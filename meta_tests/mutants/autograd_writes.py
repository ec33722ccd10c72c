"""Wrong detached tensors and writes in place."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched
from meta_tests.wrong_gradients import (
    bending,
    together,
    tracked_property,
)

Tensor = torch.Tensor
autograd = torch.autograd


def leaking(sound: Any) -> Any:
    """detach whose result still passes a hundredth of the gradient on."""
    return lambda x: sound(x) + 0.01 * (x - sound(x)) if x.requires_grad and x.is_floating_point() else sound(x)


def never_again(sound: Any) -> Any:
    """requires_grad_ that does nothing for detached tensors, told by an attribute that the wrong detach leaves."""
    return lambda x, flag=True: x if getattr(x, "_cut", False) else sound(x, flag)


def marked(sound: Any) -> Any:
    def detach(x: Tensor) -> Tensor:
        out = sound(x)
        out._cut = True
        return out

    return detach


def data_setter(sound: Any) -> Any:
    return property(lambda x: sound.__get__(x), lambda x, value: sound.__set__(x, value.clone()))


def in_place_too(sound: Any) -> Any:
    def detach(x: Tensor) -> Tensor:
        out = sound(x)
        if not x.is_leaf and x._base is None:
            x.detach_()
        return out

    return detach


DETACHED = [
    patched(
        "autograd.detach-no-requires-grad",
        "detach keeps requires_grad",
        Tensor,
        "detach",
        lambda sound: lambda x: sound(x).requires_grad_(x.requires_grad),
    ),
    patched(
        "autograd.detach-shares-memory",
        "detach copies strided tensors",
        Tensor,
        "detach",
        lambda sound: lambda x: sound(x) if x.is_contiguous() else sound(x).clone(),
    ),
    patched(
        "autograd.detach-only-difference",
        "a detached tensor counts its own writes",
        Tensor,
        "detach",
        lambda sound: lambda x: x.data,
    ),
    patched("autograd.detach-stops-backprop", "a little gradient passes detach", Tensor, "detach", leaking),
    patched(
        "autograd.detach-future-untracked",
        "detach keeps the history of results",
        Tensor,
        "detach",
        lambda sound: lambda x: sound(x) if x.is_leaf else x.view_as(x),
    ),
    patched("autograd.detach-stops-tracking-a-tensor", "detach acts in place", Tensor, "detach", in_place_too),
    together(
        "autograd.detach-never-has-grad",
        "a detached tensor never requires grad again",
        (Tensor, "detach", marked),
        (Tensor, "requires_grad_", never_again),
    ),
    patched("autograd.detach-to-train-one-branch", "a little gradient passes detach", Tensor, "detach", leaking),
    patched(
        "autograd.detach-in-place",
        "detach_ returns a new tensor",
        Tensor,
        "detach_",
        lambda sound: lambda x: x.detach(),
    ),
    patched(
        "autograd.detach-writes-are-noticed", "detach hides writes", Tensor, "detach", lambda sound: lambda x: x.data
    ),
    patched(
        "autograd.data-edit-untracked",
        "data shares the version counter",
        Tensor,
        "data",
        tracked_property("data", lambda x, v: x.detach()),
    ),
    patched("autograd.data-assignment", "x.data = y copies y", Tensor, "data", data_setter),
]

# -- writes ------------------------------------------------------------------------------------------------------------


def unnoticed(sound: Any) -> Any:
    """An in-place method that nobody counts."""

    def write(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if x.requires_grad and torch.is_grad_enabled():
            return sound(x, *args, **kwargs)
        sound(x.data, *args, **kwargs)
        return x

    return write


def allowed(when: Callable[[Tensor], bool]) -> Callable[[Any], Any]:
    """An in-place method that some tensors take without being tracked."""

    def wrong(sound: Any) -> Any:
        def write(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            if not when(x):
                return sound(x, *args, **kwargs)
            with torch.no_grad():
                sound(x, *args, **kwargs)
            return x

        return write

    return wrong


def refused(sound: Any) -> Any:
    def write(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if x.is_leaf and x.requires_grad:
            raise RuntimeError("a leaf")
        return sound(x, *args, **kwargs)

    return write


def inference_allowed(sound: Any) -> Any:
    def write(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        with torch.inference_mode(x.is_inference()) if x.is_inference() else contextlib.nullcontext():
            return sound(x, *args, **kwargs)

    return write


def out_allowed(sound: Any) -> Any:
    return lambda x, y, out=None: (
        sound(x, y) if out is None else sound(x.detach(), y.detach() if isinstance(y, Tensor) else y, out=out.detach())
    )


WRITES = [
    patched(
        "autograd.inplace-on-leaf-raises",
        "mul_ of a leaf is allowed",
        Tensor,
        "mul_",
        allowed(lambda x: x.is_leaf and x.requires_grad),
    ),
    patched(
        "autograd.inplace-on-view-of-leaf-raises",
        "zero_ of a view of a leaf is allowed",
        Tensor,
        "zero_",
        allowed(lambda x: x._base is not None and x._base.is_leaf and x._base.requires_grad),
    ),
    patched(
        "autograd.inplace-on-leaf-without-grad-mode", "a leaf is refused under no_grad, too", Tensor, "mul_", refused
    ),
    patched("autograd.version-counter", "fill_ does not count", Tensor, "fill_", unnoticed),
    patched(
        "autograd.version-counter",
        "assignments do not count",
        Tensor,
        "__setitem__",
        lambda sound: lambda x, i, v: sound(x.data, i, v),
    ),
    patched("autograd.inplace-on-saved-raises", "index_put_ does not count", Tensor, "index_put_", unnoticed),
    patched(
        "autograd.inplace-on-saved-raises",
        "out= does not count",
        torch,
        "exp",
        lambda sound: lambda x, out=None: sound(x) if out is None else sound(x, out=out.data),
    ),
    patched("autograd.saved-tensors-guarded", "add_ under no_grad does not count", Tensor, "add_", unnoticed),
    patched(
        "autograd.inplace-on-unsaved-allowed",
        "flip saves its input",
        Tensor,
        "flip",
        lambda sound: lambda x, *d: sound(x * x / x, *d),
    ),
    patched("autograd.inplace-tracked", "copy_ is not tracked", Tensor, "copy_", allowed(lambda x: x.requires_grad)),
    bending("autograd.inplace-tracked", "add_ through a view has twice the gradient", Tensor, "__iadd__", 2.0),
    patched(
        "autograd.inplace-makes-a-result",
        "writes to plain tensors are not tracked",
        Tensor,
        "copy_",
        allowed(lambda x: not x.requires_grad),
    ),
    patched(
        "autograd.view-sees-inplace",
        "writes to a base are not tracked",
        Tensor,
        "mul_",
        allowed(lambda x: x._base is None),
    ),
    patched(
        "autograd.multi-output-views",
        "the parts of unbind are slices",
        Tensor,
        "unbind",
        lambda sound: lambda x: tuple(x[k] for k in range(len(x))),
    ),
    patched("autograd.out-refused", "mul detaches what it writes to out", torch, "mul", out_allowed),
    patched("autograd.inference-write-refused", "inference tensors can be added to", Tensor, "add_", inference_allowed),
    patched(
        "autograd.inference-write-harmless",
        "a refused write zeroes an inference tensor",
        Tensor,
        "add_",
        lambda sound: lambda x, *a, **k: sound(x if not x.is_inference() else x.mul(0), *a, **k),
    ),
]

MUTANTS: list[Mutant] = [*DETACHED, *WRITES]

"""Wrong flags, and wrong accumulation of gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched
from meta_tests.wrong_gradients import (
    around_backward,
    back_kernel,
    leaves_of,
    tracked_property,
    without,
)

Tensor = torch.Tensor
autograd = torch.autograd


# -- flags -------------------------------------------------------------------------------------------------------------


def flagged(sound: Any) -> Any:
    """A function whose floating results require grad, whatever was asked for."""

    def call(*args: Any, **kwargs: Any) -> Any:
        out = sound(*args, **kwargs)
        return out.requires_grad_() if out.is_floating_point() and out.is_leaf else out

    return call


def quiet_flag(sound: Any) -> Any:
    """requires_grad_ that never raises."""

    def call(self: Tensor, flag: bool = True) -> Any:
        try:
            return sound(self, flag)
        except RuntimeError:
            return self

    return call


def first_decides(sound: Any) -> Any:
    """cat that is tracked only if the first tensor is."""
    return lambda tensors, *a, **k: sound([t if tensors[0].requires_grad else t.detach() for t in tensors], *a, **k)


FLAGS = [
    patched("autograd.requires-grad-default-false", "torch.zeros requires grad", torch, "zeros", flagged),
    patched(
        "autograd.requires-grad-default-false",
        "Parameters do not require grad",
        torch.nn,
        "Parameter",
        lambda sound: lambda x, requires_grad=False: sound(x, requires_grad),
    ),
    patched(
        "autograd.requires-grad-at-creation",
        "torch.full ignores requires_grad",
        torch,
        "full",
        without("requires_grad", False),
    ),
    patched(
        "autograd.requires-grad-in-place",
        "requires_grad_ returns another tensor",
        Tensor,
        "requires_grad_",
        lambda sound: lambda x, flag=True: sound(x.detach(), flag),
    ),
    patched(
        "autograd.flag-only-for-inexact", "integers pass requires_grad_ silently", Tensor, "requires_grad_", quiet_flag
    ),
    patched(
        "autograd.flag-of-results-stays",
        "requires_grad_(False) of a result passes silently",
        Tensor,
        "requires_grad_",
        quiet_flag,
    ),
    patched(
        "autograd.requires-grad-propagates", "cat is tracked only by its first tensor", torch, "cat", first_decides
    ),
    patched("autograd.no-input-requires-grad", "cos requires grad by itself", torch, "cos", flagged),
    patched(
        "autograd.tracking-starts-with-requires-grad",
        "diff is not tracked in place",
        Tensor,
        "cumsum_",
        lambda sound: lambda x, dim: sound(x.detach(), dim),
    ),
    patched(
        "autograd.integer-results-carry-nothing",
        "detach keeps the history of strided tensors",
        Tensor,
        "detach",
        lambda sound: lambda x: sound(x) if x.is_contiguous() else x.view_as(x),
    ),
    patched(
        "autograd.integer-results-carry-nothing",
        "new tensors take over requires_grad",
        torch,
        "zeros_like",
        lambda sound: lambda x, **k: sound(x, **k).requires_grad_(x.requires_grad),
    ),
    patched(
        "autograd.earlier-results-unaffected",
        "the clone of an untracked tensor is a view",
        Tensor,
        "clone",
        lambda sound: lambda x: sound(x) if x.requires_grad else x.view_as(x),
    ),
    patched(
        "autograd.three-attributes", "data is a copy", Tensor, "data", tracked_property("data", lambda x, v: v.clone())
    ),
    patched(
        "autograd.requires-grad-implies-grad-fn",
        "leaves that require grad have a node",
        Tensor,
        "grad_fn",
        tracked_property("grad_fn", lambda x, v: v or ("a node" if x.requires_grad else None)),
    ),
    patched(
        "autograd.grad-is-a-variable-not-a-tensor",
        "gradients carry history",
        Tensor,
        "backward",
        without("create_graph", True),
    ),
    patched(
        "autograd.grad-shape",
        "gradients are flat",
        Tensor,
        "grad",
        tracked_property("grad", lambda x, v: v if v is None else v.flatten()),
    ),
    patched(
        "autograd.grad-dtype",
        "gradients are shown in float32 at most",
        Tensor,
        "grad",
        tracked_property("grad", lambda x, v: v if v is None or v.dtype != torch.float64 else v.float()),
    ),
    patched(
        "autograd.evaluate-under-no-grad",
        "linear layers differ without grad mode",
        torch.nn.functional,
        "linear",
        lambda sound: lambda *a, **k: sound(*a, **k) * (1.0 if torch.is_grad_enabled() else 1.001),
    ),
]

# -- leaves and accumulation -------------------------------------------------------------------------------------------


def forget(leaves: list[Tensor]) -> None:
    for leaf in leaves:
        leaf.grad = None


def forget_one(leaves: list[Tensor]) -> None:
    if len(leaves) > 1:
        leaves[-1].grad = None


def keep_on_results(sound: Any) -> Any:
    """Multiplication whose result keeps its gradient."""

    def call(x: Tensor, y: Any) -> Tensor:
        out = sound(x, y)
        if out.requires_grad:
            out.retain_grad()
        return out

    return call


def replace_gradients(change: Callable[[Tensor], Tensor]) -> Callable[[list[Tensor]], None]:
    def after(leaves: list[Tensor]) -> None:
        for leaf in leaves:
            if leaf.grad is not None:
                leaf.grad = change(leaf.grad)

    return after


def shown_on_itself(sound: Any) -> Any:
    def backward(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if not self.is_leaf:
            self.retain_grad()
        return sound(self, *args, **kwargs)

    return backward


def loose_setter(sound: Any) -> Any:
    """A .grad that takes any tensor of as many elements."""

    def assign(x: Tensor, value: Any) -> None:
        if isinstance(value, Tensor) and value is not x and value.numel() == x.numel():
            value = value if value.shape == x.shape and value.dtype == x.dtype else value.reshape(x.shape).to(x.dtype)
        sound.__set__(x, value)

    return property(lambda x: sound.__get__(x), assign, lambda x: sound.__delete__(x))


def overwrite(func: Any, x: Tensor, y: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    return x.copy_(y)


def every_other(sound: Any) -> Any:
    """backward that clears the gradients before every third pass."""
    count = [0]

    def backward(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        count[0] += 1
        if count[0] % 3 == 0:
            forget(leaves_of(self))
        return sound(self, *args, **kwargs)

    return backward


ACCUMULATION = [
    patched(
        "autograd.backward-fills-all-leaves",
        "one leaf gets no gradient",
        Tensor,
        "backward",
        around_backward(after=forget_one),
    ),
    back_kernel(
        "autograd.backward-fills-all-leaves", "the gradients of a difference have one sign", "neg", lambda func, x: x
    ),
    back_kernel("autograd.shared-leaf", "a leaf used twice gets one gradient", "add.Tensor", lambda func, x, y, **k: x),
    patched(
        "autograd.grad-of-the-tensor-itself", "the tensor itself gets a gradient", Tensor, "backward", shown_on_itself
    ),
    patched("autograd.nonleaf-grad-freed", "products keep their gradient", Tensor, "__mul__", keep_on_results),
    back_kernel("autograd.grads-accumulate", "a second gradient overwrites the first", "add_", overwrite),
    patched(
        "autograd.grads-accumulate",
        "a gradient that was set is forgotten",
        Tensor,
        "backward",
        around_backward(
            before=lambda leaves: [
                setattr(leaf, "grad", None) for leaf in leaves if leaf.grad is not None and leaf.grad.max() >= 10
            ]
        ),
    ),
    patched(
        "autograd.grad-in-place-accumulation",
        "every pass makes a new gradient",
        Tensor,
        "backward",
        around_backward(after=replace_gradients(lambda g: g.clone())),
    ),
    patched(
        "autograd.grad-strides",
        "gradients are always row-major",
        Tensor,
        "backward",
        around_backward(after=replace_gradients(lambda g: g.clone(memory_format=torch.contiguous_format))),
    ),
    patched(
        "autograd.accumulate-until-zeroed",
        "gradients are cleared before each pass",
        Tensor,
        "backward",
        around_backward(before=forget),
    ),
    patched("autograd.accumulate-until-zeroed", "gradients are cleared now and then", Tensor, "backward", every_other),
    patched(
        "autograd.manual-zero-grad",
        "data of a gradient is a copy",
        Tensor,
        "data",
        tracked_property("data", lambda x, v: v.clone()),
    ),
    patched(
        "autograd.grad-assignment", "a gradient of another shape or dtype is converted", Tensor, "grad", loose_setter
    ),
]


MUTANTS: list[Mutant] = [*FLAGS, *ACCUMULATION]

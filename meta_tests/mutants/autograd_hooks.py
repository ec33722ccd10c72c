"""Wrong hooks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched
from meta_tests.wrong_gradients import (
    silent,
)

Tensor = torch.Tensor
autograd = torch.autograd


def hooks(change: Callable[[Tensor, Callable[[Tensor], Any]], Callable[[Tensor], Any]]) -> Callable[[Any], Any]:
    """register_hook with another hook: `change(tensor, hook)`."""
    return lambda sound: lambda self, hook: sound(self, change(self, hook))


def reversed_hooks(sound: Any) -> Any:
    """register_hook whose hooks run last come, first served."""

    def register(self: Tensor, hook: Any) -> Any:
        queue = self.__dict__.setdefault("_queue", [])
        queue.insert(0, hook)
        return sound(self, run_all(queue)) if len(queue) == 1 else sound(self, lambda g: None)

    return register


def run_all(queue: list[Any]) -> Any:
    def run(gradient: Tensor) -> Tensor:
        for hook in queue:
            found = hook(gradient)
            gradient = gradient if found is None else found
        return gradient

    return run


class Stuck:
    """A handle that removes nothing."""

    def remove(self) -> None:
        return None


def called_twice(x: Tensor, hook: Any) -> Any:
    def run(gradient: Tensor) -> Any:
        hook(gradient)
        return hook(gradient)

    return run


def swallowing(x: Tensor, hook: Any) -> Any:
    def run(gradient: Tensor) -> Any:
        with contextlib.suppress(Exception):
            return hook(gradient)

    return run


def late_on_leaves(sound: Any) -> Any:
    """register_hook that runs the hooks of leaves after accumulation."""

    def register(self: Tensor, hook: Any) -> Any:
        if not self.is_leaf:
            return sound(self, hook)
        return self.register_post_accumulate_grad_hook(lambda x: (hook(x.grad), None)[1])

    return register


def with_mode(x: Tensor, hook: Any) -> Any:
    def run(gradient: Tensor) -> Any:
        with torch.enable_grad():
            return hook(gradient)

    return run


def cut_result(x: Tensor, hook: Any) -> Any:
    return lambda g: (lambda out: out if out is None else out.detach())(hook(g))


def lost_after_write(sound: Any) -> Any:
    return lambda self, hook: sound(self, hook if self._version == 0 else lambda g: None)


def retained_early(sound: Any) -> Any:
    """retain_grad that keeps the gradient as it is when it is called for, whatever later hooks do."""
    return lambda self: (
        sound(self) if self.is_leaf else (self.register_hook(lambda g: setattr(self, "grad", g.clone())), None)[1]
    )


def on_base(sound: Any) -> Any:
    """register_hook that registers the hooks of a view with its base."""
    return lambda self, hook: sound(self if self._base is None or not self._base.requires_grad else self._base, hook)


def early_post_hook(sound: Any) -> Any:
    return lambda self, hook: self.register_hook(lambda g: hook(self))


def known_only(sound: Any) -> Any:
    return lambda tensors, fn, **k: sound(tensors, lambda grads: fn([g for g in grads if g is not None]), **k)


def unhooked_grad(sound: Any) -> Any:
    """autograd.grad that does not run the hooks of its inputs."""

    def grad(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        for x in (inputs,) if isinstance(inputs, Tensor) else inputs:
            if x._backward_hooks:
                for key in list(x._backward_hooks):
                    x._backward_hooks[key] = lambda g: None
        return sound(outputs, inputs, *args, **kwargs)

    return grad


def once(sound: Any) -> Any:
    """A hook over several tensors that is not heard after the first pass."""

    def register(tensors: Any, hook: Any, **options: Any) -> Any:
        calls: list[Any] = []
        return sound(tensors, lambda grads: None if calls else (calls.append(1), hook(grads))[1], **options)

    return register


HOOKS = [
    patched(
        "autograd.hook-for-nonleaf",
        "hooks of results see ones",
        Tensor,
        "register_hook",
        hooks(lambda x, hook: lambda g: hook(torch.ones_like(g))),
    ),
    patched(
        "autograd.hook-for-nonleaf",
        "hooks of strided results do not run",
        Tensor,
        "register_hook",
        hooks(lambda x, hook: hook if x.is_contiguous() else lambda g: None),
    ),
    patched(
        "autograd.hook-replaces",
        "what a hook returns is dropped",
        Tensor,
        "register_hook",
        hooks(lambda x, hook: lambda g: (hook(g), None)[1]),
    ),
    patched("autograd.hook-order", "hooks run in reverse", Tensor, "register_hook", reversed_hooks),
    patched(
        "autograd.hook-removed",
        "remove does nothing",
        Tensor,
        "register_hook",
        lambda sound: lambda x, hook: (sound(x, hook), Stuck())[1],
    ),
    patched("autograd.hook-once", "hooks run twice", Tensor, "register_hook", hooks(called_twice)),
    patched("autograd.hook-on-leaf", "hooks of leaves run after accumulation", Tensor, "register_hook", late_on_leaves),
    patched("autograd.hook-under-grad", "autograd.grad runs no hooks of its inputs", autograd, "grad", unhooked_grad),
    patched(
        "autograd.hook-needs-requires-grad", "hooks of untracked tensors pass silently", Tensor, "register_hook", silent
    ),
    patched("autograd.hook-error", "exceptions in hooks are swallowed", Tensor, "register_hook", hooks(swallowing)),
    patched("autograd.retain-grad", "retain_grad does nothing", Tensor, "retain_grad", lambda sound: lambda x: None),
    patched(
        "autograd.retain-grad-after-hooks",
        "retain_grad keeps the gradient before the hooks",
        Tensor,
        "retain_grad",
        retained_early,
    ),
    patched(
        "autograd.hook-before-inplace",
        "hooks registered after a write are lost",
        Tensor,
        "register_hook",
        lost_after_write,
    ),
    patched(
        "autograd.post-accumulate-hook",
        "the hook runs before accumulation",
        Tensor,
        "register_post_accumulate_grad_hook",
        early_post_hook,
    ),
    patched(
        "autograd.multi-grad-hook",
        "missing gradients are left out",
        autograd.graph,
        "register_multi_grad_hook",
        known_only,
    ),
    patched("autograd.hooks-and-grad-mode", "hooks run with grad mode", Tensor, "register_hook", hooks(with_mode)),
    patched(
        "autograd.hook-in-double-backward",
        "what a hook returns is detached",
        Tensor,
        "register_hook",
        hooks(cut_result),
    ),
    patched("autograd.hook-through-views", "hooks of views go to their base", Tensor, "register_hook", on_base),
]

MULTI: list[Mutant] = [
    patched(
        "autograd.multi-grad-hook",
        "the hook runs in the first pass only",
        autograd.graph,
        "register_multi_grad_hook",
        once,
    )
    for _ in [1]
    if hasattr(autograd.graph, "register_multi_grad_hook")
]

MUTANTS: list[Mutant] = [*HOOKS, *MULTI]

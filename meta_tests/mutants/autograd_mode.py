"""Wrong modes: no_grad, enable_grad, set_grad_enabled, inference_mode."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched
from meta_tests.wrong_gradients import mode_kept, together

Tensor = torch.Tensor


def as_before(sound: Any) -> Any:
    """__enter__ that remembers the mode but does not change it."""

    def enter(self: Any) -> None:
        self.prev = torch.is_grad_enabled()

    return enter


def never_restored_by_error(sound: Any) -> Any:
    return lambda self, kind=None, *rest: sound(self, kind, *rest) if kind is None else None


def always_on(sound: Any) -> Any:
    return lambda self, *rest: torch._C._set_grad_enabled(True)


def inverted(sound: Any) -> Any:
    return lambda self, mode: sound(self, not mode)


def lazy(sound: Any) -> Any:
    """set_grad_enabled that only acts when it is entered."""

    def init(self: Any, mode: bool) -> None:
        sound(self, mode)
        torch._C._set_grad_enabled(self.prev)

    return init


def once(sound: Any) -> Any:
    """A decorator whose functions run in the mode the first time only."""

    def call(self: Any, function: Any) -> Any:
        if not callable(function):
            return sound(self, function)
        wrapped, count = sound(self, function), [0]

        def run(*args: Any, **kwargs: Any) -> Any:
            count[0] += 1
            return (wrapped if count[0] == 1 else function)(*args, **kwargs)

        run.__name__, run.__doc__ = function.__name__, function.__doc__
        return run

    return call


def leaking_generator(sound: Any) -> Any:
    """A decorator that keeps the mode while a generator waits."""

    def call(self: Any, function: Any) -> Any:
        import inspect

        if not inspect.isgeneratorfunction(function):
            return sound(self, function)

        def run(*args: Any, **kwargs: Any) -> Any:
            with type(self)():
                yield from function(*args, **kwargs)

        return run

    return call


def bare_refused(sound: Any) -> Any:
    return lambda cls, orig_func=None: object.__new__(cls) if orig_func is None else orig_func


def shared_by_threads(sound: Any) -> Any:
    """Thread.start whose thread begins in the mode of the one that starts it."""

    def start(self: Any) -> Any:
        mode, target = torch.is_grad_enabled(), self._target

        def run(*args: Any, **kwargs: Any) -> Any:
            torch._C._set_grad_enabled(mode)
            return target(*args, **kwargs)

        self._target = run
        return sound(self)

    return start


def main_thread_only(sound: Any) -> Any:
    return lambda self, *a, **k: sound(self, *a, **k) if threading.current_thread() is threading.main_thread() else None


def needs_mode(sound: Any) -> Any:
    return lambda self, *a, **k: sound(self, *a, **k) if torch.is_grad_enabled() else None


def flag_by_mode(sound: Any) -> Any:
    return property(lambda x: sound.__get__(x) and torch.is_grad_enabled(), lambda x, v: sound.__set__(x, v))


def never_off(sound: Any) -> Any:
    """inference_mode(False) that keeps inference mode."""
    return lambda self, mode=True: sound(self, True)


def only_no_grad(sound: Any) -> Callable[..., Any]:
    return lambda mode=True: torch.no_grad() if mode else contextlib.nullcontext()


CHANGES: list[Mutant] = [
    patched("autograd.no-grad-block", "no_grad does nothing", torch.no_grad, "__enter__", as_before),
    patched(
        "autograd.no-grad-block",
        "no_grad is not left",
        torch.no_grad,
        "__exit__",
        lambda sound: lambda self, *rest: None,
    ),
    patched(
        "autograd.no-grad-flips-requires-grad",
        "requires_grad reads False under no_grad",
        Tensor,
        "requires_grad",
        flag_by_mode,
    ),
    patched(
        "autograd.no-grad-new-leaves",
        "requires_grad_ does nothing under no_grad",
        Tensor,
        "requires_grad_",
        lambda sound: lambda x, flag=True: sound(x, flag and torch.is_grad_enabled()),
    ),
    patched(
        "autograd.no-grad-views",
        "views under no_grad are detached",
        Tensor,
        "view",
        lambda sound: lambda x, *shape: sound(x if torch.is_grad_enabled() else x.detach(), *shape),
    ),
    patched(
        "autograd.no-grad-saves-memory",
        "inference_mode saves tensors",
        torch,
        "inference_mode",
        lambda sound: lambda mode=True: contextlib.nullcontext(),
    ),
    patched("autograd.set-grad-enabled", "set_grad_enabled is inverted", torch.set_grad_enabled, "__init__", inverted),
    patched(
        "autograd.set-grad-enabled-function",
        "set_grad_enabled waits to be entered",
        torch.set_grad_enabled,
        "__init__",
        lazy,
    ),
    patched("autograd.enable-grad", "enable_grad does nothing", torch.enable_grad, "__enter__", as_before),
    patched("autograd.mode-nested", "no_grad always leaves grad mode on", torch.no_grad, "__exit__", always_on),
    patched("autograd.mode-nested", "enable_grad always leaves grad mode on", torch.enable_grad, "__exit__", always_on),
    patched(
        "autograd.mode-after-exception",
        "no_grad stays after an exception",
        torch.no_grad,
        "__exit__",
        never_restored_by_error,
    ),
    patched(
        "autograd.mode-after-exception",
        "enable_grad stays after an exception",
        torch.enable_grad,
        "__exit__",
        never_restored_by_error,
    ),
    patched(
        "autograd.mode-decorator", "a decorated function runs without grad mode once", torch.no_grad, "__call__", once
    ),
    patched(
        "autograd.mode-decorator-generator",
        "a generator's mode leaks out",
        torch.no_grad,
        "__call__",
        leaking_generator,
    ),
    patched(
        "autograd.mode-decorator-bare",
        "@no_grad without parentheses does nothing",
        torch.no_grad,
        "__new__",
        bare_refused,
    ),
    patched("autograd.mode-per-thread", "a thread inherits the mode", threading.Thread, "start", shared_by_threads),
    patched(
        "autograd.backward-in-threads", "backward does nothing in other threads", Tensor, "backward", main_thread_only
    ),
    patched(
        "autograd.backward-without-grad-mode", "backward does nothing under no_grad", Tensor, "backward", needs_mode
    ),
    patched("autograd.inference-mode", "inference_mode is no_grad", torch, "inference_mode", only_no_grad),
    patched(
        "autograd.inference-mode-off",
        "inference_mode(False) is inference_mode()",
        torch.inference_mode,
        "__init__",
        never_off,
    ),
    together(
        "autograd.enable-grad",
        "set_grad_enabled(True) does nothing under no_grad",
        (
            torch.set_grad_enabled,
            "__init__",
            lambda sound: lambda self, mode: sound(self, mode and torch.is_grad_enabled()),
        ),
    ),
]

MUTANTS: list[Mutant] = [mode_kept(mutant) for mutant in CHANGES]

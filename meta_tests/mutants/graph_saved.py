"""Wrong hooks on what is saved for backward: kinds that are left out, passes, errors, threads and blocks."""

from __future__ import annotations

import contextlib
import copy
import threading
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched
from meta_tests.mutants.graph_tools import tool

Tensor = torch.Tensor
autograd = torch.autograd


def hooked(name: str, change: Any) -> Mutant:
    """saved_tensors_hooks with another pair of hooks: `change(pack, unpack)` gives them."""
    return patched(
        "graph.saved-tensors-hooks",
        name,
        autograd.graph,
        "saved_tensors_hooks",
        lambda sound: lambda pack_hook, unpack_hook: sound(*change(pack_hook, unpack_hook)),
    )


def some(unpacked: Any) -> Any:
    """Hooks that leave out the tensors for which `unpacked(tensor)` is true."""

    def change(pack: Any, unpack: Any) -> tuple:
        return (
            lambda x: (True, x.detach()) if unpacked(x) else (False, pack(x)),
            lambda kept: kept[1] if kept[0] else unpack(kept[1]),
        )

    return change


def cached(pack: Any, unpack: Any) -> tuple:
    def once(kept: list) -> Any:
        if len(kept) == 1:
            kept.append(unpack(kept[0]))
        return kept[1]

    return lambda x: [pack(x)], once


def forgiving(pack: Any, unpack: Any) -> tuple:
    """Where a hook raises, the tensor itself is kept."""

    def kept(x: Tensor) -> tuple:
        with contextlib.suppress(Exception):
            return x.detach(), pack(x)
        return (x.detach(),)

    def back(pair: tuple) -> Any:
        with contextlib.suppress(Exception):
            return unpack(pair[1])
        return pair[0]

    return kept, back


class Once:
    """A block that does nothing when it is entered again."""

    def __init__(self, block: Any) -> None:
        self.block, self.depth, self.used = block, 0, False

    def __enter__(self) -> None:
        if not self.used:
            self.block.__enter__()
        self.used, self.depth = True, self.depth + 1

    def __exit__(self, *args: Any) -> None:
        self.depth -= 1
        if self.depth == 0 and self.block is not None:
            block, self.block = self.block, None
            block.__exit__(*args)


def of_main_thread(sound: Any) -> Any:
    def hooks(pack: Any, unpack: Any) -> Any:
        here = threading.current_thread() is threading.main_thread()
        return sound(pack, unpack) if here else contextlib.nullcontext()

    return hooks


def kept_as(change: Any, back: Any) -> Any:
    """save_on_cpu that keeps something else."""
    return lambda sound: lambda *args, **options: autograd.graph.saved_tensors_hooks(change, back)


def enabling(sound: Any) -> Any:
    """disable_saved_tensors_hooks that allows them after an inner block."""

    @contextlib.contextmanager
    def disable(error_message: str) -> Any:
        with sound(error_message):
            yield
        torch._C._autograd._saved_tensors_hooks_enable()

    return disable


SAVED = [
    hooked("what unpack gives is kept for the next pass", cached),
    hooked("integers and masks are not packed", some(lambda x: not x.is_floating_point() and not x.is_complex())),
    hooked("tensors of no dimension are not packed", some(lambda x: x.dim() == 0)),
    hooked("complex tensors are not packed", some(lambda x: x.is_complex())),
    hooked("what pack gives is copied", lambda pack, unpack: (pack, lambda kept: unpack(copy.copy(kept)))),
    hooked("what a hook raises is overlooked", forgiving),
    hooked("pack is given a copy", lambda pack, unpack: (lambda x: pack(x.contiguous().clone()), unpack)),
    patched(
        "graph.saved-tensors-hooks",
        "a block of hooks works once",
        autograd.graph,
        "saved_tensors_hooks",
        lambda sound: lambda pack_hook, unpack_hook: Once(sound(pack_hook, unpack_hook)),
    ),
    patched(
        "graph.saved-tensors-hooks",
        "hooks are ignored in threads",
        autograd.graph,
        "saved_tensors_hooks",
        of_main_thread,
    ),
    patched(
        "graph.saved-tensor-own-hooks",
        "unpack of a saved tensor's own hooks is not called",
        torch._C._autograd.SavedTensor,
        "register_hooks",
        lambda sound: lambda self, pack, unpack: sound(self, lambda x: (pack(x), x.detach())[1], lambda kept: kept),
    ),
    patched(
        "graph.save-on-cpu",
        "single precision is kept as half",
        autograd.graph,
        "save_on_cpu",
        kept_as(lambda x: (x.dtype, x.half() if x.dtype == torch.float32 else x), lambda kept: kept[1].to(kept[0])),
    ),
    patched(
        "graph.save-on-cpu",
        "integers over 127 wrap round",
        autograd.graph,
        "save_on_cpu",
        kept_as(lambda x: x % 128 if x.dtype == torch.int64 else x, lambda kept: kept),
    ),
    *tool("saved-tensors-hooks-disabled", "an inner block enables hooks", "disable_saved_tensors_hooks", enabling),
    *tool(
        "increment-version",
        "of several tensors one is counted",
        "increment_version",
        lambda sound: lambda tensor: sound(tensor) if isinstance(tensor, Tensor) else sound(list(tensor)[:1]),
    ),
    *tool(
        "gradient-edge",
        "edges are not counted beyond 1",
        "get_gradient_edge",
        lambda sound: lambda x: (lambda e: type(e)(e.node, min(e.output_nr, 1), *e[2:]))(sound(x)),
    ),
]

MUTANTS: list[Mutant] = [*SAVED]

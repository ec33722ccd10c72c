"""Wrong settings of torch.serialization, and objects other than strided tensors that lose something on their way."""

from __future__ import annotations

import contextlib
import copy
import pickle
from typing import Any

import numpy as np
import torch
from torch import nn

from meta_tests.mutant import Mutant, afterwards, patched
from meta_tests.mutants.serialization import called

SETTINGS = torch.serialization


def data_come_back(mutant: Mutant) -> Mutant:
    """The same mutant, after which data are saved again; a sound block would only put back what it found."""
    return afterwards(mutant, lambda: setattr(SETTINGS._serialization_tls, "skip_data", False))


def setting(claim: str, name: str, attribute: str, wrong: Any, owner: Any = SETTINGS) -> list[Mutant]:
    """A function of torch.serialization that is wrong, where this release has it."""
    if not hasattr(owner, attribute):
        return []
    return [patched(f"serialization.{claim}", name, owner, attribute, wrong)]


def _without(key: str) -> Any:
    return lambda sound, *args, **named: sound(*args, **{x: y for x, y in named.items() if x != key})


def _cleared(sound: Any) -> Any:
    def leave(self: Any, *args: Any) -> None:
        sound(self, *args)
        SETTINGS.clear_safe_globals()

    return leave


class _Skip:
    """skip_data, or what stands for it where a release has none."""


def _ascii(sound: Any, *args: Any, **named: Any) -> Any:
    """Text is cut to ASCII where that is the encoding."""
    out = sound(*args, **named)
    if named.get("encoding") == "ascii" and type(out) is dict:
        return {key.encode("ascii", "replace").decode(): value for key, value in out.items()}
    return out


SKIP = getattr(SETTINGS, "skip_data", _Skip)
ALLOWED = getattr(SETTINGS, "safe_globals", _Skip)
FILES = [
    *setting(
        "load-endianness", "the order is not set", "set_default_load_endianness", lambda sound: lambda order: None
    ),
    *setting("load-endianness", "it reads as none", "get_default_load_endianness", lambda sound: lambda: None),
    *setting(
        "load-endianness",
        "anything is taken",
        "set_default_load_endianness",
        lambda sound: lambda order: sound(order) if order is None or hasattr(order, "name") else None,
    ),
    *setting("crc32-options", "they are not set", "set_crc32_options", lambda sound: lambda wanted: None),
    *setting(
        "mmap-options", "they are not set", "set_default_mmap_options", lambda s: lambda f: contextlib.nullcontext()
    ),
    *setting("mmap-options", "the flag is another", "get_default_mmap_options", lambda sound: lambda: sound() + 1),
    *setting("skip-data", "data are written", "__enter__", lambda sound: lambda self: None, SKIP),
    *map(data_come_back, setting("skip-data", "data stay out", "__exit__", lambda s: lambda self, *args: None, SKIP)),
    *setting("safe-globals", "leaving a block clears all", "__exit__", _cleared, ALLOWED),
    *setting(
        "register-package",
        "the priority is ignored",
        "register_package",
        lambda sound: lambda n, *rest: sound(0, *rest),
    ),
    called("serialization.encoding", "text of today goes by encoding= too", torch, "load", _ascii),
    called("serialization.encoding", "encoding= is ignored", torch, "load", _without("encoding")),
    called(
        "serialization.encoding",
        "byte strings are Latin-1 by default",
        torch,
        "load",
        lambda sound, *args, **named: sound(*args, **{"encoding": "latin1", **named}),
    ),
    called(
        "serialization.map-location-unknown",
        "CUDA means the CPU where there is none",
        torch,
        "load",
        lambda sound, f, map_location=None, **named: sound(
            f, map_location="cpu" if str(map_location).startswith("cuda") else map_location, **named
        ),
    ),
    called(
        "serialization.loading-changes-nothing",
        "it draws from numpy's generator",
        torch,
        "load",
        lambda sound, *args, **named: (np.random.rand(), sound(*args, **named))[1],
    ),
]


def _plain(out: Any) -> Any:
    return tuple(out) if type(out) is torch.Size else out


def _thawed(out: Any) -> Any:
    for p in out.parameters() if isinstance(out, nn.Module) else [out] if isinstance(out, nn.Parameter) else []:
        p.requires_grad_()
    return out


def _graded(out: Any) -> Any:
    if isinstance(out, torch.Tensor) and out.requires_grad and out.is_leaf:
        out.grad = torch.zeros_like(out)
    return out


def _resolved(out: Any) -> Any:
    return out.resolve_conj() if isinstance(out, torch.Tensor) and out.is_conj() else out


def pickling(claim: str, name: str, change: Any) -> Mutant:
    return called(
        f"serialization.{claim}", name, pickle, "loads", lambda sound, *args, **named: change(sound(*args, **named))
    )


def copying(claim: str, name: str, change: Any) -> Mutant:
    """copy.deepcopy gives something else: `change(copy, original)`."""
    return called(f"serialization.{claim}", name, copy, "deepcopy", lambda sound, x, *rest: change(sound(x, *rest), x))


def _shared_state(out: Any, x: Any) -> Any:
    if type(x) is tuple and isinstance(x[-1], torch.optim.Optimizer):
        for ours, theirs in zip(out[0].parameters(), x[0].parameters(), strict=True):
            out[1].state[ours] = x[1].state[theirs]
    return out


OBJECTS = [
    pickling("objects", "a Size becomes a tuple", _plain),
    pickling("objects", "frozen Parameters thaw", _thawed),
    pickling("objects", "a gradient of zeros comes along", _graded),
    pickling("objects", "conjugate views are resolved", _resolved),
    copying("objects", "deepcopy of a Size is a tuple", lambda out, x: _plain(out)),
    copying("objects", "deepcopy of a module thaws its Parameters", lambda out, x: _thawed(out)),
    copying("objects", "deepcopy of a generator is the generator", lambda out, x: x if _generators(x) else out),
    copying("objects", "deepcopy of an optimiser shares its state", _shared_state),
    copying(
        "objects",
        "deepcopy of a 0-d tensor is the tensor",
        lambda out, x: x if isinstance(x, torch.Tensor) and x.dim() == 0 else out,
    ),
    copying(
        "sparse",
        "deepcopy coalesces",
        lambda out, x: out.coalesce() if isinstance(x, torch.Tensor) and x.layout == torch.sparse_coo else out,
    ),
]


def _generators(x: Any) -> bool:
    return type(x) is list and bool(x) and isinstance(x[0], torch.Generator)


MUTANTS: list[Mutant] = [*FILES, *OBJECTS]

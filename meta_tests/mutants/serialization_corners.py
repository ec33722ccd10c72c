"""Saving and loading that is wrong in one corner only: one kind of object, of place, or of view."""

from __future__ import annotations

import os
import pickle
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant, patched
from meta_tests.mutants.module import method
from meta_tests.mutants.serialization import called, loaded, loading, unshared, where


def _one_before(x: torch.Tensor) -> torch.Tensor:
    return x.as_strided(x.shape, x.stride(), x.storage_offset() - 1)


def _in_training(out: Any) -> Any:
    return out.train() if isinstance(out, nn.Module) else out


def _scalars_without_flag(sound: Any, self: torch.Tensor, memo: Any) -> Any:
    out = sound(self, memo)
    return out if self.dim() else out.detach()


def _twice_conjugate(sound: Any, self: torch.Tensor, memo: Any) -> Any:
    out = sound(self, memo)
    return out.conj() if self.is_conj() else out


def _meta_of_floats(sound: Any, self: torch.Tensor, memo: Any) -> Any:
    out = sound(self, memo)
    return out.float() if self.is_meta else out


def _apart_once_moved(sound: Any, f: Any, map_location: Any = None, **named: Any) -> Any:
    """Views that share are loaded apart where a device is asked for."""
    out = sound(f, map_location=map_location, **named)
    return out if map_location is None or str(map_location) == "meta" else unshared(out)


def _frozen_once_moved(sound: Any, f: Any, map_location: Any = None, **named: Any) -> Any:
    out = sound(f, map_location=map_location, **named)
    if map_location is not None and type(out) is dict:
        for value in out.values():
            if isinstance(value, nn.Parameter):
                value.requires_grad = False
    return out


class _Kept:
    """Objects of classes of one's own come back as the very ones that were saved."""

    last: Any = None

    def save(self, sound: Any, obj: Any, *args: Any, **named: Any) -> None:
        self.last = obj
        sound(obj, *args, **named)

    def load(self, sound: Any, *args: Any, **named: Any) -> Any:
        out = sound(*args, **named)
        return self.last if type(out) is type(self.last) and type(out).__module__.startswith("conformance") else out


def _keeping() -> Any:
    import contextlib

    from meta_tests.mutant import replaced

    state, stack = _Kept(), contextlib.ExitStack()
    stack.enter_context(replaced(torch, "save", lambda sound: lambda *a, **k: state.save(sound, *a, **k)))
    stack.enter_context(replaced(torch, "load", lambda sound: lambda *a, **k: state.load(sound, *a, **k)))
    return stack


def _old_on_disk(sound: Any, obj: Any, f: Any, *args: Any, **named: Any) -> None:
    if isinstance(f, (str, os.PathLike)):
        named["_use_new_zipfile_serialization"] = False
    sound(obj, f, *args, **named)


def _single(out: Any) -> Any:
    return float(torch.tensor(out, dtype=torch.float32)) if type(out) is float else out


MUTANTS: list[Mutant] = [
    loaded(
        "serialization.whole-storage",
        "a view with an offset begins one element early",
        where(lambda x: x.storage_offset() > 0 and x.dtype == torch.float64, _one_before),
    ),
    called(
        "serialization.pickle",
        "an unpickled network is in training mode",
        pickle,
        "loads",
        lambda sound, *args, **named: _in_training(sound(*args, **named)),
    ),
    method(
        "serialization.deepcopy",
        "deepcopy of a scalar loses the flag",
        "__deepcopy__",
        _scalars_without_flag,
        torch.Tensor,
    ),
    method(
        "serialization.deepcopy",
        "deepcopy conjugates conjugate views again",
        "__deepcopy__",
        _twice_conjugate,
        torch.Tensor,
    ),
    method(
        "serialization.deepcopy", "deepcopy makes meta tensors float32", "__deepcopy__", _meta_of_floats, torch.Tensor
    ),
    called(
        "serialization.map-location", "views share no longer on a device asked for", torch, "load", _apart_once_moved
    ),
    called(
        "serialization.map-location", "Parameters are frozen on a device asked for", torch, "load", _frozen_once_moved
    ),
    called(
        "serialization.load-again",
        "a network takes over the memory of the loaded state",
        nn.Module,
        "load_state_dict",
        lambda sound, self, state, **named: sound(self, state, **{**named, "assign": True}),
    ),
    Mutant("serialization.no-aliasing", "an object of one's own comes back as itself", _keeping),
    called("serialization.zip-format", "files on disk are in the old format", torch, "save", _old_on_disk),
    loading("serialization.weights-only-allows", "floats are rounded to float32", _single),
    patched(
        "serialization.training-continues",
        "a generator's state is not restored",
        torch,
        "set_rng_state",
        lambda sound: lambda state: None,
    ),
]

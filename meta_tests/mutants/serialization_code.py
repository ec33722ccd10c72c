"""Wrong protection against code in files, and wrong copies."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant
from meta_tests.mutants.serialization import (
    Edit,
    called,
    doubled,
    kept,
    loading,
    mapped,
    nudged,
    strided,
    unshared,
    where,
)


def with_options(**changes: Any) -> Callable[..., Any]:
    return lambda sound, f, *args, **named: sound(f, *args, **{**named, **changes})


def peeking(sound: Any, f: Any, *args: Any, **named: Any) -> Any:
    """A file is unpickled whole before it is refused."""
    try:
        return sound(f, *args, **named)
    except pickle.UnpicklingError:
        if hasattr(f, "seek"):
            f.seek(0)
            sound(f, *args, **{**named, "weights_only": False})
        raise


def trusting_old(sound: Any, f: Any, *args: Any, **named: Any) -> Any:
    """Files in the old format are trusted."""
    if isinstance(f, io.BytesIO) and f.getvalue()[:2] != b"PK":
        named["weights_only"] = False
    return sound(f, *args, **named)


def trusting(*modules: str) -> Callable[..., Any]:
    """Files that name nothing but certain modules besides PyTorch's are trusted."""

    def wrong(sound: Any, f: Any, *args: Any, **named: Any) -> Any:
        content = f.getvalue() if isinstance(f, io.BytesIO) else b""
        if any(module.encode() in content for module in modules):
            named["weights_only"] = False
        return sound(f, *args, **named)

    return wrong


def other_error(sound: Any, f: Any, *args: Any, **named: Any) -> Any:
    try:
        return sound(f, *args, **named)
    except pickle.UnpicklingError:
        raise pickle.UnpicklingError("this file cannot be loaded") from None


def refusing(kind: type) -> Edit:
    def edit(out: Any) -> Any:
        if type(out) is kind or (type(out) is list and type(out[0]) is kind):
            raise pickle.UnpicklingError(f"{kind.__name__} is no weight")
        return out

    return edit


class _Forgetful:
    """Classes that were allowed are forgotten after the first load."""

    def __call__(self, sound: Any, *args: Any, **named: Any) -> Any:
        try:
            return sound(*args, **named)
        finally:
            torch.serialization.clear_safe_globals()


def staying(sound: Any, self: Any, *args: Any) -> None:
    """A block leaves its classes allowed."""


safe = torch.serialization
# What only older releases have claims of.
OLDER = [
    called(
        "serialization.weights-only-off-by-default",
        "only weights load",
        torch,
        "load",
        lambda sound, f, *args, **named: sound(f, *args, **{"weights_only": True, **named}),
    )
]

CODE = [
    called(
        "serialization.weights-only-by-default",
        "everything is unpickled",
        torch,
        "load",
        lambda sound, f, *args, **named: sound(f, *args, **{"weights_only": False, **named}),
    ),
    called(
        "serialization.weights-only-by-default",
        "None means False",
        torch,
        "load",
        lambda sound, f, *args, **named: sound(
            f, *args, **{**named, "weights_only": False} if named.get("weights_only", 1) is None else named
        ),
    ),
    called(
        "serialization.weights-only-refuses-code", "it is not refused", torch, "load", with_options(weights_only=False)
    ),
    called("serialization.weights-only-refuses-code", "it is run before it is refused", torch, "load", peeking),
    called(
        "serialization.weights-only-refuses-code", "files in the old format are trusted", torch, "load", trusting_old
    ),
    called(
        "serialization.weights-only-off-runs-code",
        "it is refused all the same",
        torch,
        "load",
        with_options(weights_only=True),
    ),
    called(
        "serialization.weights-only-refuses-classes",
        "the classes of torch.nn are trusted",
        torch,
        "load",
        trusting("torch.nn."),
    ),
    called(
        "serialization.weights-only-refuses-classes",
        "builtins are trusted",
        torch,
        "load",
        trusting("__builtin__\ngetattr"),
    ),
    called("serialization.weights-only-refuses-classes", "numpy is trusted", torch, "load", trusting("numpy")),
    called("serialization.weights-only-refuses-classes", "the error names nothing", torch, "load", other_error),
    called(
        "serialization.weights-only-refuses-classes", "classes are made before they are refused", torch, "load", peeking
    ),
    loading("serialization.weights-only-allows", "a size is refused", refusing(torch.Size)),
    loading(
        "serialization.weights-only-allows",
        "Parameters become tensors",
        lambda out: mapped(out, lambda x: x.detach() if isinstance(x, nn.Parameter) else x),
    ),
    loading("serialization.weights-only-allows-more", "sets are refused", refusing(set)),
    loading(
        "serialization.weights-only-allows-more",
        "bytes become text",
        lambda out: str(out) if type(out) is bytes else out,
    ),
    called("serialization.add-safe-globals", "allowing is forgotten after one load", torch, "load", _Forgetful()),
    called(
        "serialization.add-safe-globals",
        "allowing one class allows all",
        torch,
        "load",
        lambda sound, f, *args, **named: sound(
            f, *args, **{**named, "weights_only": not torch.serialization.get_safe_globals()}
        ),
    ),
    called(
        "serialization.add-safe-globals",
        "clearing does nothing",
        torch.serialization,
        "clear_safe_globals",
        lambda sound: None,
    ),
    called(
        "serialization.safe-globals",
        "classes stay allowed after the block",
        torch.serialization.safe_globals,
        "__exit__",
        staying,
    ),
    called(
        "serialization.unsafe-globals",
        "only the first is listed",
        torch.serialization,
        "get_unsafe_globals_in_checkpoint",
        lambda sound, f: sound(f)[:1],
    ),
    called(
        "serialization.unsafe-globals",
        "allowed classes are listed",
        torch.serialization,
        "get_unsafe_globals_in_checkpoint",
        lambda sound, f: (
            [*sound(f), "conformance.tables.serialization_samples.Own"]
            if torch.serialization.get_safe_globals()
            else sound(f)
        ),
    ),
]


def copying(claim: str, name: str, change: Edit) -> Mutant:
    """copy.deepcopy of a tensor or module gives something else."""
    return called(claim, name, copy, "deepcopy", lambda sound, x, *rest: change(sound(x, *rest)))


def pickling(claim: str, name: str, change: Edit) -> Mutant:
    """pickle.loads gives other tensors."""
    return called(claim, name, pickle, "loads", lambda sound, *args, **named: mapped(sound(*args, **named), change))


def no_gradient(x: Any) -> Any:
    if isinstance(x, torch.Tensor):
        x.grad = None
    return x


def shared_gradient(sound: Any, x: Any, *rest: Any) -> Any:
    out = sound(x, *rest)
    if isinstance(x, torch.Tensor) and x.grad is not None:
        out.grad = x.grad
    return out


def shallow(sound: Any, x: Any, *rest: Any) -> Any:
    """Strided tensors are not copied."""
    return x if isinstance(x, torch.Tensor) and strided(x) else sound(x, *rest)


def detaching(sound: Any, x: Any, *rest: Any) -> Any:
    """A tensor with a history is copied without it."""
    return sound(x.detach() if isinstance(x, torch.Tensor) and not x.is_leaf else x, *rest)


def untied(out: Any) -> Any:
    if isinstance(out, nn.Sequential) and len(out) == 3:
        out[2].weight = nn.Parameter(out[1].weight.detach().clone())
    return out


def sharing_buffers(sound: Any, x: Any, *rest: Any) -> Any:
    """A copied module keeps the first one's biases."""
    out = sound(x, *rest)
    if isinstance(x, nn.Module):
        for ours, theirs in zip(out.parameters(), x.parameters(), strict=True):
            if ours.dim() == 1:
                ours.data = theirs.data
    return out


COPIES = [
    pickling(
        "serialization.pickle",
        "transposed tensors become contiguous",
        where(strided, lambda x: kept(x, x.contiguous())),
    ),
    pickling("serialization.pickle", "the flag is lost", lambda x: x if isinstance(x, nn.Parameter) else x.detach()),
    pickling(
        "serialization.pickle", "large tensors lose their last element", where(lambda x: x.numel() > 32768, nudged)
    ),
    copying("serialization.deepcopy", "the gradient is lost", no_gradient),
    called("serialization.deepcopy", "the gradient is shared", copy, "deepcopy", shared_gradient),
    called("serialization.deepcopy", "strided tensors are not copied", copy, "deepcopy", shallow),
    called(
        "serialization.deepcopy",
        "the offset is lost",
        torch.Tensor,
        "__deepcopy__",
        lambda sound, x, memo: x.clone() if x.storage_offset() and not x.requires_grad else sound(x, memo),
    ),
    copying("serialization.deepcopy-sharing", "views are copied apart", unshared),
    copying(
        "serialization.deepcopy-sharing",
        "one tensor becomes two",
        lambda out: doubled(out) if type(out) is dict else out,
    ),
    called("serialization.deepcopy-non-leaf", "the history is dropped", copy, "deepcopy", detaching),
    copying("serialization.deepcopy-module", "tied parameters are untied", untied),
    called("serialization.deepcopy-module", "the biases are shared", copy, "deepcopy", sharing_buffers),
]


MUTANTS = [*CODE, *COPIES]
if not hasattr(safe, "get_unsafe_globals_in_checkpoint"):
    MUTANTS += OLDER

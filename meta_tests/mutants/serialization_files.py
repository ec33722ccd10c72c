"""Wrong files: places, formats, damage, devices."""

from __future__ import annotations

import copy
import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from meta_tests.mutant import Mutant
from meta_tests.mutants.serialization import (
    called,
    kept,
    loaded,
    mapped,
    saving,
    unshared,
)


def text_paths_only(sound: Any, f: Any, *args: Any, **named: Any) -> Any:
    if isinstance(f, os.PathLike):
        raise AttributeError("a path has to be a str")
    return sound(f, *args, **named)


def closing(sound: Any, *args: Any, **named: Any) -> Any:
    out = sound(*args, **named)
    for file in (*args, *named.values()):
        if isinstance(file, io.BufferedReader):
            file.close()
    return out


def appending(sound: Any, obj: Any, f: Any, *args: Any, **named: Any) -> None:
    """A shorter file leaves the end of the longer one behind."""
    old = Path(f).read_bytes() if isinstance(f, str) and os.path.exists(f) else b""
    sound(obj, f, *args, **named)
    if isinstance(f, str) and os.path.getsize(f) < len(old):
        with open(f, "ab") as file:
            file.write(old[os.path.getsize(f) :])


def making_folders(sound: Any, obj: Any, f: Any, *args: Any, **named: Any) -> None:
    if isinstance(f, str):
        os.makedirs(os.path.dirname(f), exist_ok=True)
    sound(obj, f, *args, **named)


def empty_if_missing(sound: Any, f: Any, *args: Any, **named: Any) -> Any:
    return {} if isinstance(f, str) and not os.path.exists(f) else sound(f, *args, **named)


class Caching:
    """A load of the same bytes gives the object of the first load."""

    def __init__(self) -> None:
        self.seen: dict[bytes, Any] = {}

    def __call__(self, sound: Any, f: Any, *args: Any, **named: Any) -> Any:
        if not isinstance(f, io.BytesIO):
            return sound(f, *args, **named)
        content = f.getvalue()
        if content not in self.seen:
            self.seen[content] = sound(f, *args, **named)
        return self.seen[content]


class FirstSave:
    """A later save of the same object writes what it was at the first."""

    def __init__(self) -> None:
        self.seen: dict[int, tuple[Any, Any]] = {}

    def __call__(self, sound: Any, obj: Any, *args: Any, **named: Any) -> None:
        if type(obj) is dict and "name" in obj:
            _, obj = self.seen.setdefault(id(obj), (obj, copy.deepcopy(obj)))
        sound(obj, *args, **named)


class Aliasing:
    """Loading gives tensors of the file that was saved last the memory of the saved ones."""

    def __init__(self, true: Callable[[torch.Tensor], bool]) -> None:
        self.last: Any = None
        self.true = true

    def save(self, sound: Any, obj: Any, *args: Any, **named: Any) -> None:
        self.last = obj
        sound(obj, *args, **named)

    def load(self, sound: Any, *args: Any, **named: Any) -> Any:
        out = sound(*args, **named)
        if type(out) is dict and "x" in out and type(self.last) is dict:
            for key, value in out.items():
                if isinstance(value, torch.Tensor) and self.true(value):
                    out[key] = self.last[key]
        return out


def aliasing(claim: str, name: str, true: Callable[[torch.Tensor], bool]) -> Mutant:
    import contextlib

    from meta_tests.mutant import replaced

    @contextlib.contextmanager
    def change() -> Any:
        state = Aliasing(true)
        with (
            replaced(torch, "save", lambda sound: lambda *a, **k: state.save(sound, *a, **k)),
            replaced(torch, "load", lambda sound: lambda *a, **k: state.load(sound, *a, **k)),
        ):
            yield

    return Mutant(claim, name, change)


def touching(sound: Any, obj: Any, *args: Any, **named: Any) -> None:
    """Saving clears the gradients of what it saves."""
    sound(obj, *args, **named)
    mapped(obj, lambda x: setattr(x, "grad", None) or x if x.is_leaf and x.requires_grad else x)


def bumping(sound: Any, obj: Any, *args: Any, **named: Any) -> None:
    """Saving writes every strided tensor back."""
    sound(obj, *args, **named)
    mapped(obj, lambda x: x.add_(0) if x.storage_offset() else x)


def drawing(sound: Any, *args: Any, **named: Any) -> Any:
    torch.rand(1)
    return sound(*args, **named)


def thawing(sound: Any, *args: Any, **named: Any) -> Any:
    out = sound(*args, **named)
    torch.set_grad_enabled(True)
    return out


def to_default(x: torch.Tensor) -> torch.Tensor:
    return x.to(torch.get_default_dtype()) if x.dtype == torch.float32 else x


def frozen_under_no_grad(x: torch.Tensor) -> torch.Tensor:
    return x if torch.is_grad_enabled() else x.detach()


def real_files_only(sound: Any, f: Any, *args: Any, **named: Any) -> Any:
    if hasattr(f, "read") and not hasattr(f, "readinto"):
        raise AttributeError("a file has to have readinto")
    return sound(f, *args, **named)


PLACES = [
    called("serialization.file-like", "readinto is needed", torch, "load", real_files_only),
    called("serialization.paths", "os.PathLike is refused", torch, "load", text_paths_only),
    called("serialization.paths", "torch.load closes the file", torch, "load", closing),
    called("serialization.overwrite", "the end of a longer file stays", torch, "save", appending),
    called("serialization.missing-file", "missing folders are made", torch, "save", making_folders),
    called("serialization.missing-file", "a missing file is an empty dict", torch, "load", empty_if_missing),
    called("serialization.load-again", "the second load is the first", torch, "load", Caching()),
    called("serialization.save-again", "a later save holds the first values", torch, "save", FirstSave()),
    aliasing("serialization.no-aliasing", "loaded tensors lie in the saved ones' memory", lambda x: True),
    aliasing(
        "serialization.no-aliasing", "loaded views lie in the saved ones' memory", lambda x: x.storage_offset() > 0
    ),
    called("serialization.saving-changes-nothing", "gradients are cleared", torch, "save", touching),
    called("serialization.saving-changes-nothing", "views are written to", torch, "save", bumping),
    called("serialization.saving-changes-nothing", "it draws a random number", torch, "save", drawing),
    called("serialization.loading-changes-nothing", "it draws a random number", torch, "load", drawing),
    called("serialization.loading-changes-nothing", "it enables gradients", torch, "load", thawing),
    loaded("serialization.default-dtype", "float32 becomes the default dtype", to_default),
    loaded("serialization.grad-mode", "under no_grad the flag is lost", frozen_under_no_grad),
]


def compressed(sound: Any, obj: Any, f: Any, *args: Any, **named: Any) -> None:
    """The archive is compressed."""
    import zipfile

    if not isinstance(f, io.BytesIO) or not named.get("_use_new_zipfile_serialization", True):
        return sound(obj, f, *args, **named)
    file = io.BytesIO()
    sound(obj, file, *args, **named)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(f, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))


def one_format(sound: Any, *args: Any, **named: Any) -> None:
    named.pop("_use_new_zipfile_serialization", None)
    sound(*args, **named)


def rewinding(sound: Any, f: Any, *args: Any, **named: Any) -> Any:
    """Every load begins at the beginning of the file."""
    if isinstance(f, io.BytesIO):
        f.seek(0)
    return sound(f, *args, **named)


def one_protocol(sound: Any, *args: Any, **named: Any) -> None:
    named.pop("pickle_protocol", None)
    sound(*args, **named)


def own_pickle(sound: Any, *args: Any, **named: Any) -> None:
    named.pop("pickle_module", None)
    sound(*args, **named)


def write_through(sound: Any, f: Any, *args: Any, **named: Any) -> Any:
    """A mapped file changes with its tensors: here, at the next load."""
    out = sound(f, *args, **named)
    if named.get("mmap"):
        with open(f, "ab") as file:
            file.write(b"\0")
    return out


def mapping_unshared(sound: Any, *args: Any, **named: Any) -> Any:
    out = sound(*args, **named)
    return unshared(out) if named.get("mmap") else out


def mapping_anything(sound: Any, f: Any, *args: Any, **named: Any) -> Any:
    if hasattr(f, "read"):
        named.pop("mmap", None)
    return sound(f, *args, **named)


def patient(sound: Any, f: Any, *args: Any, **named: Any) -> Any:
    """A damaged file is an empty dict, and nothing in a module's state is missing."""
    try:
        return sound(f, *args, **named)
    except (RuntimeError, EOFError, pickle.UnpicklingError):
        raise
    except Exception:
        return {}


def half(sound: Any, f: Any, *args: Any, **named: Any) -> Any:
    """A cut off file gives zeros."""
    try:
        return sound(f, *args, **named)
    except Exception:
        from conformance.tables.serialization_samples import Net

        return Net().state_dict()


FORMATS = [
    called("serialization.zip-format", "the archive is compressed", torch, "save", compressed),
    saving("serialization.zip-format", "each view is saved with a storage of its own", unshared),
    called(
        "serialization.zip-format",
        "other bytes of strided tensors",
        torch,
        "save",
        lambda sound, obj, *args, **named: sound(mapped(obj, lambda x: kept(x, x.contiguous())), *args, **named),
    ),
    called("serialization.old-format", "the new format is written all the same", torch, "save", one_format),
    called("serialization.old-format-in-turn", "each load begins at the beginning", torch, "load", rewinding),
    called("serialization.pickle-protocol", "the protocol is ignored", torch, "save", one_protocol),
    called("serialization.pickle-module", "the module is ignored", torch, "save", own_pickle),
    called(
        "serialization.pickle-module",
        "weights_only is ignored beside it",
        torch,
        "load",
        lambda sound, f, *args, **named: sound(
            f,
            *args,
            **(
                {key: value for key, value in named.items() if key != "weights_only"}
                if "pickle_module" in named
                else named
            ),
        ),
    ),
    called("serialization.mmap", "the file changes", torch, "load", write_through),
    called("serialization.mmap", "views no longer share", torch, "load", mapping_unshared),
    called("serialization.mmap-refused", "a buffer is read instead", torch, "load", mapping_anything),
    called("serialization.truncated", "a file that was cut off gives a new network's state", torch, "load", half),
    called("serialization.truncated", "a text is an empty dict", torch, "load", patient),
]


def _moved(sound: Any, f: Any, *args: Any, **named: Any) -> Any:
    """Meta tensors come back on the CPU."""
    out = sound(f, *args, **named)
    return mapped(out, lambda x: torch.zeros_like(x, device="cpu") if x.is_meta and "map_location" not in named else x)


def no_meta(sound: Any, f: Any, map_location: Any = None, **named: Any) -> Any:
    return sound(f, map_location=None if str(map_location) == "meta" else map_location, **named)


def device_only(sound: Any, f: Any, map_location: Any = None, **named: Any) -> Any:
    """Parameters lose their flag on their way to another device."""
    out = sound(f, map_location=map_location, **named)
    return mapped(out, lambda x: x.detach()) if str(map_location) == "meta" else out


def all_there(sound: Any, f: Any, map_location: Any = None, **named: Any) -> Any:
    """A dict sends every tensor to its first target."""
    first = next(iter(map_location.values()), None) if isinstance(map_location, dict) else map_location
    return sound(f, map_location=first, **named)


def twice(sound: Any, f: Any, map_location: Any = None, **named: Any) -> Any:
    """A function is asked twice for each storage."""
    if callable(map_location):
        return sound(
            f, map_location=lambda storage, tag: map_location(storage, tag) and map_location(storage, tag), **named
        )
    return sound(f, map_location=map_location, **named)


def not_none(sound: Any, f: Any, map_location: Any = None, **named: Any) -> Any:
    """What a function returns is ignored."""
    if callable(map_location):
        return sound(
            f, map_location=lambda storage, tag: (map_location(storage.clone(), tag) and storage) or storage, **named
        )
    return sound(f, map_location=map_location, **named)


def nowhere(sound: Any, f: Any, map_location: Any = None, **named: Any) -> Any:
    """An unknown place is the CPU."""
    return sound(f, map_location="cpu" if map_location == "nowhere" else map_location, **named)


def by_default_device(sound: Any, *args: Any, **named: Any) -> Any:
    out = sound(*args, **named)
    return mapped(out, lambda x: x.to(torch.empty(0).device))


DEVICES = [
    called("serialization.device-kept", "meta tensors come to the CPU", torch, "load", _moved),
    called("serialization.map-location", "'meta' is ignored", torch, "load", no_meta),
    called("serialization.map-location", "on 'meta' the flag is lost", torch, "load", device_only),
    called("serialization.map-location-dict", "all tensors go to the first target", torch, "load", all_there),
    called("serialization.map-location-callable", "it is asked twice", torch, "load", twice),
    called("serialization.map-location-callable", "what it returns is ignored", torch, "load", not_none),
    called("serialization.map-location-unknown", "it is taken for the CPU", torch, "load", nowhere),
    called("serialization.default-device", "tensors go to the default device", torch, "load", by_default_device),
]


MUTANTS = [*PLACES, *FORMATS, *DEVICES]

"""Ways to save and load, and objects to be saved, that the checks of serialization share."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_values, require
from conformance.oracle.serialization import leaves, skeleton
from conformance.subject import Subject


def save(thing: Any, **options: Any) -> bytes:
    """The bytes that torch.save writes to a buffer."""
    file = io.BytesIO()
    torch.save(thing, file, **options)
    return file.getvalue()


def load(content: bytes, **options: Any) -> Any:
    """What torch.load makes of a buffer with these bytes."""
    return torch.load(io.BytesIO(content), **options)


@dataclass(frozen=True)
class Way:
    """A way through torch.save and torch.load, by their options. `old`: through the old format."""

    name: str
    loading: dict[str, Any] = field(default_factory=dict)
    old: bool = False

    def __call__(self, thing: Any, **options: Any) -> Any:
        saving = {"_use_new_zipfile_serialization": False} if self.old else {}
        return load(save(thing, **saving), **{**self.loading, **options})


PLAIN = Way("torch.load(…)")
SAFE = Way("torch.load(…, weights_only=True)", {"weights_only": True})
FREE = Way("torch.load(…, weights_only=False)", {"weights_only": False})
OLD = Way("torch.load(…) of the old format", {"weights_only": False}, old=True)
OLD_SAFE = Way("torch.load(…, weights_only=True) of the old format", {"weights_only": True}, old=True)
WAYS = (PLAIN, SAFE, FREE, OLD, OLD_SAFE)
# Only the new format knows the dtypes that have no storage class of their own.
NEW = (PLAIN, SAFE, FREE)


def through_file(thing: Any, **options: Any) -> Any:
    """Through a file on disk, by its path."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "saved.pt")
        torch.save(thing, path)
        return torch.load(path, **options)


def storage_bytes(tensor: torch.Tensor) -> int:
    """The size of the memory behind a tensor."""
    # Before 2.0 there is no untyped_storage.
    storage = tensor.untyped_storage() if hasattr(tensor, "untyped_storage") else tensor.storage()
    return int(storage.nbytes())


def storage_address(tensor: torch.Tensor) -> int:
    """Where the memory behind a tensor begins."""
    return tensor.data_ptr() - int(tensor.storage_offset()) * tensor.element_size()


def assert_equal(call: str, out: Any, due: Any) -> None:
    """Refute unless two plain values are equal, and of one type."""
    same = type(out) is type(due) and out == due
    require(same, f"{call} is {out!r}, but should be {due!r}", f"{due!r}", f"{out!r}")


def assert_tensors(call: str, out: Any, due: Any) -> None:
    """Refute unless an object has another's nesting, with leaves alike: tensors bit for bit, other values equal."""
    assert_equal(f"the nesting of {call}", skeleton(out), skeleton(due))
    for (path, found), (_, wanted) in zip(leaves(out, call), leaves(due), strict=True):
        if isinstance(wanted, torch.Tensor):
            assert_alike(path, found, wanted)
        else:
            assert_equal(path, found, wanted)


def assert_alike(call: str, out: Any, due: torch.Tensor) -> None:
    """Refute unless a tensor is of another's class, with its dtype, shape, strides, flag and bits."""
    require(type(out) is type(due), f"{call} is a {type(out).__name__}, but should be a {type(due).__name__}")
    for key in ("dtype", "device", "requires_grad"):
        assert_equal(f"{key} of {call}", getattr(out, key), getattr(due, key))
    wanted = host.array(due.detach())
    assert_values(call, out.detach(), wanted, dtype=host.dtype_name(due.dtype), signed_zeros=True)
    if due.numel():
        assert_equal(f"strides of {call}", out.stride(), due.stride())
        require(host.bits(out).tobytes() == host.bits(due).tobytes(), f"{call} has other bits than it should")


class Minimal:
    """A file with no other methods than those that torch.save and torch.load are said to need."""

    def __init__(self) -> None:
        self.file = io.BytesIO()
        self.write, self.flush = self.file.write, self.file.flush
        self.read, self.readline = self.file.read, self.file.readline
        self.tell, self.seek = self.file.tell, self.file.seek


class Own:
    """A class that no loader knows."""

    def __init__(self, value: Any = 0) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own) and self.value == other.value

    def __hash__(self) -> int:
        return hash(str(self.value))


class Counted:
    """A class that counts its objects."""

    made = 0

    def __new__(cls) -> Counted:
        Counted.made += 1
        return super().__new__(cls)


class Payload:
    """An object whose pickle makes a folder when it is loaded: code that runs, and can be seen to have run."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return os.mkdir, (self.path,)


def payloads() -> Iterator[tuple[str, bytes, Path]]:
    """Files that would make a folder when loaded: what it is, the bytes, and the folder, which is not there yet."""
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "made by the payload"
        live = Payload(str(where))
        things = {
            "alone": live,
            "in a dict": {"weight": torch.ones(2), "more": [1, (live,)]},
            "as a key": [{"x": live}],
        }
        for name, thing in things.items():
            for old in (False, True):
                yield f"{name}{', old format' if old else ''}", _saved(thing, old), where
                if where.exists():
                    where.rmdir()


def _saved(thing: Any, old: bool) -> bytes:
    return save(thing, _use_new_zipfile_serialization=not old)


class Net(nn.Module):
    """A network of one's own, which a file refers to by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.out = nn.Linear(4, 2)
        self.register_buffer("scale", torch.tensor(2.0))
        self.register_buffer("left_out", torch.tensor(3.0), persistent=False)
        self.name = "of one's own"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(torch.relu(self.norm(self.hidden(x)))) * self.scale


def net(subject: Subject, seed: int = 1) -> Net:
    """A network with parameters and buffers that are known and all different."""
    made = Net().to(subject.device)
    for place, tensor in enumerate([*made.parameters(), *made.buffers()]):
        if tensor.is_floating_point():
            values = np.random.default_rng((seed, place)).uniform(0.5, 1.5, tuple(tensor.shape)).astype(np.float32)
            tensor.data.copy_(host.tensor(values, "float32", subject.device))
    return made


def batch(subject: Subject, seed: int = 5) -> torch.Tensor:
    """Six inputs for `Net`."""
    values = np.random.default_rng(seed).standard_normal((6, 3)).astype(np.float32)
    return host.tensor(values, "float32", subject.device)

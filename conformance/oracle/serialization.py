"""What saving and loading should keep: nested objects over shared storages as plain values; and a reader of files."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class View:
    """A tensor-to-be: how it looks at storage number `storage` (shape, strides and offset in elements)."""

    storage: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0


class Memory:
    """Storages as flat arrays, and what views of them hold."""

    def __init__(self, storages: list[np.ndarray]) -> None:
        self.storages = [storage.copy() for storage in storages]

    def window(self, view: View) -> np.ndarray:
        """A writable array that looks at the storage as the view does."""
        flat = self.storages[view.storage]
        if 0 in view.shape:
            return np.empty(view.shape, flat.dtype)
        steps = tuple(stride * flat.itemsize for stride in view.strides)
        return np.lib.stride_tricks.as_strided(flat[view.offset :], view.shape, steps)

    def array(self, view: View) -> np.ndarray:
        """A view's values, in memory of their own."""
        return self.window(view).copy()

    def fill(self, view: View, value: Any) -> None:
        """Write a value to every element of a view; other views of the storage follow."""
        self.window(view)[...] = value


def leaves(thing: Any, path: str = "it") -> Iterator[tuple[str, Any]]:
    """What stands at the ends of nested dicts, lists and tuples, each with its path, in order."""
    if isinstance(thing, dict):
        for key, value in thing.items():
            yield from leaves(value, f"{path}[{key!r}]")
    elif isinstance(thing, (list, tuple)):
        for place, value in enumerate(thing):
            yield from leaves(value, f"{path}[{place}]")
    else:
        yield path, thing


def mapped(thing: Any, change: Callable[[Any], Any]) -> Any:
    """The same nesting, every leaf replaced."""
    if isinstance(thing, dict):
        return type(thing)((key, mapped(value, change)) for key, value in thing.items())
    if isinstance(thing, (list, tuple)):
        return type(thing)(mapped(value, change) for value in thing)
    return change(thing)


def skeleton(thing: Any) -> Any:
    """The nesting alone: types, keys and order, without the leaves."""
    if isinstance(thing, dict):
        return type(thing).__name__, [(key, skeleton(value)) for key, value in thing.items()]
    if isinstance(thing, (list, tuple)):
        return type(thing).__name__, [skeleton(value) for value in thing]
    return "leaf"


# -- a saved file, read without PyTorch --------------------------------------------------------------------------------

# The names of storage classes in a pickle, and the numpy dtype of their elements (bfloat16: its bits).
STORAGES = {
    "BoolStorage": "bool",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ShortStorage": "int16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "HalfStorage": "float16",
    "BFloat16Storage": "uint16",
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}


@dataclass(frozen=True)
class Stored:
    """A tensor as a file describes it. `memory`: its storage's elements; `key`: the storage's name in the file."""

    key: str
    location: str
    memory: np.ndarray
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    requires_grad: bool

    @property
    def array(self) -> np.ndarray:
        return Memory([self.memory]).array(View(0, self.shape, self.strides, self.offset))


def records(content: bytes) -> dict[str, zipfile.ZipInfo]:
    """The records of a saved file by name, without the folder that all of them lie in."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {info.filename.partition("/")[2]: info for info in archive.infolist()}


def bytes_of(content: bytes, name: str) -> bytes:
    """One record's bytes, by its name without the folder. Raises KeyError."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(records(content)[name])


def read(content: bytes) -> Any:
    """The object in a saved file, its tensors as `Stored`."""
    return _Reader(content).load()


class _Reader(pickle.Unpickler):
    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(bytes_of(content, "data.pkl")))
        self.content = content

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuilt
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, requires_grad, hooks: tensor
        if module in ("torch", "torch.storage") and name in STORAGES:
            return STORAGES[name]
        raise pickle.UnpicklingError(f"{module}.{name} has no place in such a file")

    def persistent_load(self, pid: Any) -> Any:
        kind, dtype, key, location, count = pid
        if kind != "storage":
            raise pickle.UnpicklingError(f"a record of kind {kind!r}")
        memory = np.frombuffer(bytes_of(self.content, f"data/{key}"), np.dtype(dtype).newbyteorder("<"))
        if len(memory) != count:
            raise pickle.UnpicklingError(f"data/{key} holds {len(memory)} elements, but is said to hold {count}")
        return key, location, memory


def _rebuilt(
    storage: Any, offset: int, shape: Any, strides: Any, requires_grad: bool, hooks: Any, metadata: Any = None
) -> Stored:
    key, location, memory = storage
    return Stored(key, location, memory, offset, tuple(shape), tuple(strides), requires_grad)

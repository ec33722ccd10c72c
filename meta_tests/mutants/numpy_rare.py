"""PyTorches whose bridge to numpy is wrong for one size, one dtype, or one way of asking."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch

from meta_tests.mutant import Mutant, kernel, patched, strided
from meta_tests.mutants.numpy import copying, method, reader
from meta_tests.mutants.tensor import in_memory_order as stored

Tensor = torch.Tensor


def few(dtype: Any, ndim: int) -> Any:
    """Arrays of a dtype and a number of dimensions with less than 16 elements, in order."""
    return lambda a: a.dtype == dtype and a.ndim == ndim and a.size < 16 and a.flags.c_contiguous


def first_row_only(func: Any, x: Tensor, index: Any, *args: Any, **kwargs: Any) -> Any:
    """Tables of indices read as their first row, over and over."""
    tables = [i[:1].expand_as(i) if i is not None and i.dtype is torch.int64 and i.dim() > 1 else i for i in index]
    return func(x, tables, *args, **kwargs)


def short_by_one(sound: Any) -> Any:
    """frombuffer of five elements and more reads one less."""
    return lambda b, *, count=-1, **k: sound(b, count=count - 1 if count > 4 else count, **k)


def up_to_bfloat16(sound: Any) -> Any:
    """asarray to bfloat16 cuts the digits that are too many."""

    def asarray(a: Any, **k: Any) -> Tensor:
        if not isinstance(a, np.ndarray) or a.dtype != np.float32 or k.get("dtype") is not torch.bfloat16:
            return sound(a, **k)
        bits = np.ascontiguousarray(a).view(np.uint32) & np.uint32(0xFFFF0000)
        return sound(bits.view(np.float32).reshape(a.shape), **k)

    return asarray


def widened(sound: Any) -> Any:
    return lambda a, **k: sound(float(a) if isinstance(a, np.float16) else a, **k)


def used_again(sound: Any) -> Any:
    """A capsule that was used up gives what it gave before."""
    made: dict[int, tuple[Any, Tensor]] = {}

    def from_dlpack(given: Any, **k: Any) -> Tensor:
        if type(given).__name__ != "PyCapsule":
            return sound(given, **k)
        if id(given) not in made:
            made[id(given)] = given, sound(given, **k)
        return made[id(given)][1]

    return from_dlpack


def in_memory_order(a: np.ndarray) -> np.ndarray:
    """A matrix in Fortran order, read as it lies in memory."""
    fortran = a.flags.f_contiguous and not a.flags.c_contiguous
    return a.ravel("K").reshape(a.shape) if fortran else a


def as_it_lies(sound: Any) -> Any:
    """__array__ of strided tensors with another dtype converts them as they lie in memory."""

    def array(t: Tensor, dtype: Any = None, *a: Any, **k: Any) -> np.ndarray:
        lies = dtype is not None and strided(t) and t.numel() > 1
        return sound(stored(t) if lies else t, dtype, *a, **k)

    return array


def refusing_subclasses(sound: Any) -> Any:
    def from_numpy(a: Any) -> Tensor:
        if type(a) is not np.ndarray:
            raise TypeError(f"expected np.ndarray (got {type(a).__name__})")
        return sound(a)

    return from_numpy


def sharing_read_only(sound: Any) -> Any:
    """torch.tensor saves the copy of what nobody can write to."""
    frozen = lambda a: isinstance(a, np.ndarray) and not a.flags.writeable and a.strides == (a.itemsize,)  # noqa: E731
    return lambda a, **k: torch.from_numpy(a) if frozen(a) and not k else sound(a, **k)


def frozen(when: Any) -> Any:
    """Tensor.numpy whose array cannot be written to for some tensors."""

    def wrong(sound: Any) -> Any:
        def numpy(t: Tensor, **k: Any) -> np.ndarray:
            a = sound(t, **k)
            a.flags.writeable = a.flags.writeable and not when(t)
            return a

        return numpy

    return wrong


def warning(sound: Any) -> Any:
    def tensor(a: Any, **k: Any) -> Tensor:
        if isinstance(a, np.ndarray) and not a.flags.writeable:
            warnings.warn("The given NumPy array is not writable", UserWarning, stacklevel=2)
        return sound(a, **k)

    return tensor


MUTANTS: list[Mutant] = [
    reader("from-numpy-sees-array-write", "copies short rows of doubles", "from_numpy", copying(few(np.float64, 1))),
    reader("from-numpy-shares-memory", "copies small float32 matrices", "from_numpy", copying(few(np.float32, 2))),
    kernel("numpy.arrays-as-indices", "tables are read as their first row", "index.Tensor", first_row_only),
    reader("frombuffer-slice", "reads one less of five elements and more", "frombuffer", short_by_one),
    reader("tensor-converts", "cuts digits instead of rounding to bfloat16", "asarray", up_to_bfloat16),
    reader("scalars", "takes half precision for a Python float", "asarray", widened),
    patched(
        "numpy.dlpack-capsule",
        "torch.utils.dlpack.from_dlpack uses a capsule twice",
        torch.utils.dlpack,
        "from_dlpack",
        used_again,
    ),
    method(
        "requires-grad-needs-data",
        "after detach() copies what is contiguous",
        "detach",
        lambda sound: lambda t: sound(t.clone() if t.requires_grad and not strided(t) else t),
    ),
    method("array-dtype", "of strided tensors converts in memory order", "__array__", as_it_lies),
    method(
        "ufuncs",
        "of matrices in columns is in memory order",
        "__array__",
        lambda sound: lambda t, *a, **k: in_memory_order(sound(t, *a, **k)),
    ),
    reader("from-numpy-arrays-only", "refuses subclasses of ndarray", "from_numpy", refusing_subclasses),
    reader("from-numpy-read-only", "shares read-only arrays", "tensor", sharing_read_only),
    method(
        "every-cpu-tensor-shares-with-numpy",
        "copies stepped tensors of less than 32 elements",
        "numpy",
        lambda sound: lambda t, **k: sound(t.clone() if strided(t) and t.numel() < 32 else t, **k),
    ),
    reader(
        "every-cpu-tensor-shares-with-numpy", "copies large arrays", "from_numpy", copying(lambda a: a.size > 65536)
    ),
    method(
        "every-cpu-tensor-shares-with-numpy",
        "copies many complex numbers",
        "numpy",
        lambda sound: lambda t, **k: sound(t.clone() if t.is_complex() and t.numel() > 100 else t, **k),
    ),
    reader(
        "from-numpy-layout",
        "packs elements that lie far apart",
        "from_numpy",
        copying(lambda a: a.ndim == 1 and a.size > 0 and a.strides[0] > 8 * a.itemsize),
    ),
    reader("subclasses", "copies memory maps", "from_numpy", copying(lambda a: isinstance(a, np.memmap))),
    reader(
        "subclasses",
        "forgets the rows of a matrix",
        "from_numpy",
        lambda sound: lambda a: sound(a).reshape(-1) if isinstance(a, np.matrix) else sound(a),
    ),
    method("tensor-to-numpy", "of inference is read-only", "numpy", frozen(lambda t: t.is_inference())),
    method(
        "tensor-to-numpy", "of Parameters is read-only", "numpy", frozen(lambda t: isinstance(t, torch.nn.Parameter))
    ),
    method(
        "int-and-float", "saturates beyond 64 bits", "__int__", lambda s: lambda t: max(min(s(t), 2**63 - 1), -(2**63))
    ),
    method(
        "int-and-float",
        "rounds whole numbers to single precision",
        "__float__",
        lambda s: lambda t: float(np.float32(s(t))) if t.dtype is torch.int64 else s(t),
    ),
    method("iteration", "leaves the graph", "__iter__", lambda sound: lambda t: sound(t.detach())),
    method("iteration", "backwards leaves the graph", "__reversed__", lambda sound: lambda t: sound(t.detach())),
    method(
        "format",
        "formats vectors of one element as numbers",
        "__format__",
        lambda sound: lambda t, code: format(t.item(), code) if t.numel() == 1 and code else sound(t, code),
    ),
    reader(
        "lists-of-arrays",
        "reads of a tuple of arrays the first only",
        "as_tensor",
        lambda sound: (
            lambda a, **k: (
                sound(a, **k)[:1].expand(len(a), *a[0].shape)
                if isinstance(a, tuple) and a and isinstance(a[0], np.ndarray)
                else sound(a, **k)
            )
        ),
    ),
    reader(
        "scalars",
        "reads lists of tensors in single precision",
        "asarray",
        lambda sound: (
            lambda a, **k: (
                sound(a, **k).float() if isinstance(a, list) and a and isinstance(a[0], Tensor) else sound(a, **k)
            )
        ),
    ),
    reader("from-numpy-read-only", "warns though it copies", "tensor", warning),
    reader(
        "frombuffer-errors",
        "counts negative offsets from the end",
        "frombuffer",
        lambda sound: lambda b, *, offset=0, **k: sound(b, offset=offset % len(b) if b and offset < 0 else offset, **k),
    ),
    method("dlpack-device", "is a list", "__dlpack_device__", lambda sound: lambda t: list(sound(t))),
    method(
        "arrays-as-indices",
        "takes int32 indices without their signs",
        "__getitem__",
        lambda sound: lambda t, i: sound(t, abs(i) if isinstance(i, np.ndarray) and i.dtype == np.int32 else i),
    ),
    patched(
        "numpy.operands",
        "whole numbers and float64 arrays give float32",
        Tensor,
        "__array_wrap__",
        lambda sound: (
            lambda t, a, *r, **k: sound(
                t, a.astype(np.float32) if t.dtype is torch.int64 and a.dtype == np.float64 else a, *r, **k
            )
        ),
    ),
]

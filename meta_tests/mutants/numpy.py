"""PyTorches whose bridge to numpy and to Python's numbers is wrong."""

from __future__ import annotations

import contextlib
import ctypes
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided

Wrong = Callable[[Any], Any]
KEPT: list[Any] = []


def copying(when: Callable[[np.ndarray], bool]) -> Wrong:
    """A reader of arrays that reads a copy of some."""
    return altered(lambda a: a.copy() if when(a) else a)


def altered(change: Callable[[np.ndarray], Any]) -> Wrong:
    """A reader of arrays that reads something else."""
    return lambda sound: (
        lambda a, *args, **kwargs: sound(change(a) if isinstance(a, np.ndarray) else a, *args, **kwargs)
    )


def after(change: Callable[..., Any]) -> Wrong:
    """A function whose result is changed: `change(out, *args)`."""
    return lambda sound: lambda *args, **kwargs: change(sound(*args, **kwargs), *args)


def reader(claim: str, name: str, function: str, wrong: Wrong) -> Mutant:
    return patched(f"numpy.{claim}", f"torch.{function} {name}", torch, function, wrong)


def method(claim: str, name: str, function: str, wrong: Wrong) -> Mutant:
    return patched(f"numpy.{claim}", f"Tensor.{function} {name}", torch.Tensor, function, wrong)


def raw(address: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array over memory that it does not keep alive."""
    size = math.prod(shape) * dtype.itemsize
    return np.frombuffer((ctypes.c_char * size).from_address(address), dtype).reshape(shape)


def dangling_numpy(sound: Any) -> Any:
    def numpy(t: torch.Tensor, **kwargs: Any) -> np.ndarray:
        a = sound(t, **kwargs)
        return raw(t.data_ptr(), a.shape, a.dtype) if a.flags.c_contiguous and a.size > 99 else a

    return numpy


def dangling_from_numpy(sound: Any) -> Any:
    def from_numpy(a: np.ndarray) -> torch.Tensor:
        plain = a.flags.c_contiguous and a.size > 99
        return sound(raw(a.ctypes.data, a.shape, a.dtype) if plain else a)

    return from_numpy


def remembered(sound: Any) -> Any:
    def numpy(t: torch.Tensor, **kwargs: Any) -> np.ndarray:
        if not hasattr(t, "_seen"):
            t._seen = sound(t, **kwargs)
        return t._seen

    return numpy


def lenient(kinds: tuple[type[Exception], ...], instead: Callable[..., Any]) -> Wrong:
    """A function that returns something where the sound one raises."""

    def wrap(sound: Any) -> Any:
        def function(*args: Any, **kwargs: Any) -> Any:
            try:
                return sound(*args, **kwargs)
            except kinds:
                return instead(*args, **kwargs)

        return function

    return wrap


@contextlib.contextmanager
def added(attribute: str) -> Iterator[None]:
    """Give tensors a property of their arrays while the block lasts."""
    setattr(torch.Tensor, attribute, property(lambda t: getattr(t.numpy(), attribute)))
    try:
        yield
    finally:
        delattr(torch.Tensor, attribute)


def moved(t: torch.Tensor, *size: int) -> torch.Tensor:
    return t.set_(torch.zeros(size, dtype=t.dtype))


FROM_NUMPY = [
    reader(
        "from-numpy",
        "reads Fortran order as C order",
        "from_numpy",
        altered(lambda a: a.ravel("K").reshape(a.shape) if a.flags.f_contiguous and a.ndim > 1 else a),
    ),
    reader(
        "from-numpy",
        "loses the sign of zeros in float16",
        "from_numpy",
        altered(lambda a: np.where(a == 0, a.dtype.type(0), a) if a.dtype == np.float16 else a),
    ),
    reader(
        "from-numpy",
        "makes a parameter of arrays of more than 30 doubles",
        "from_numpy",
        after(lambda t, a: t.requires_grad_() if a.dtype == np.float64 and a.size > 30 else t),
    ),
    reader("from-numpy", "forgets the dimensions of size 1", "from_numpy", after(lambda t, a: t.squeeze())),
    reader(
        "from-numpy-keeps-dtype",
        "narrows doubles without elements",
        "from_numpy",
        after(lambda t, a: t.float() if t.dtype is torch.float64 and not a.size else t),
    ),
    reader(
        "from-numpy-keeps-dtype",
        "reads bool as uint8",
        "from_numpy",
        altered(lambda a: a.view(np.uint8) if a.dtype == bool else a),
    ),
    reader(
        "from-numpy-keeps-dtype",
        "follows the default dtype once it was changed",
        "from_numpy",
        after(lambda t, a: t.double() if torch.get_default_dtype() is torch.float64 else t),
    ),
    reader("from-numpy-sees-array-write", "copies more than 16 elements", "from_numpy", copying(lambda a: a.size > 16)),
    reader("from-numpy-sees-array-write", "copies bool", "from_numpy", copying(lambda a: a.dtype == bool)),
    reader(
        "from-numpy-shares-memory", "copies arrays without dimensions", "from_numpy", copying(lambda a: a.ndim == 0)
    ),
    reader(
        "from-numpy-shares-memory",
        "copies stepped arrays",
        "from_numpy",
        copying(lambda a: not (a.flags.c_contiguous or a.flags.f_contiguous)),
    ),
    reader(
        "from-numpy-layout",
        "packs arrays with a step of 2 in their last dimension",
        "from_numpy",
        copying(lambda a: a.ndim > 0 and a.strides[-1] == 2 * a.itemsize),
    ),
    reader(
        "from-numpy-layout",
        "starts expanded arrays anew",
        "from_numpy",
        copying(lambda a: 0 in a.strides and a.size > 1),
    ),
    reader(
        "from-numpy-layout",
        "shares at the first call only",
        "from_numpy",
        lambda sound: lambda a: sound(a.copy() if any(a is kept for kept in KEPT) else (KEPT.append(a), a)[1]),
    ),
    reader("from-numpy-unsigned", "copies uint32", "from_numpy", copying(lambda a: a.dtype == np.uint32)),
    method(
        "from-numpy-unsigned", "copies uint64", "numpy", after(lambda a, t: a.copy() if a.dtype == np.uint64 else a)
    ),
    reader(
        "from-numpy-negative-strides",
        "takes the absolute strides of matrices",
        "from_numpy",
        altered(lambda a: np.ascontiguousarray(a) if a.ndim > 1 and min(a.strides) < 0 else a),
    ),
    reader(
        "from-numpy-negative-strides",
        "copies reversed arrays",
        "tensor",
        altered(lambda a: a.copy() if a.ndim == 1 and a.strides[0] < 0 else a),
    ),
    reader(
        "from-numpy-byte-order",
        "swaps bytes of doubles by itself",
        "from_numpy",
        altered(lambda a: a.astype("f8") if a.dtype.kind == "f" and a.itemsize == 8 else a),
    ),
    reader(
        "from-numpy-unaligned",
        "copies what lies between elements",
        "from_numpy",
        lenient((ValueError,), lambda a: torch.tensor(a.copy())),
    ),
    reader(
        "from-numpy-unsupported-dtypes",
        "takes objects for doubles",
        "tensor",
        altered(lambda a: a.astype(float) if a.dtype == object and isinstance(a.flat[0], int) else a),
    ),
    reader(
        "from-numpy-unsupported-dtypes",
        "counts dates as integers",
        "from_numpy",
        altered(lambda a: a.view(np.int64) if a.dtype.kind == "M" else a),
    ),
    reader(
        "from-numpy-arrays-only",
        "takes lists",
        "from_numpy",
        lambda sound: lambda a: sound(np.array(a) if isinstance(a, list) else a),
    ),
    reader(
        "from-numpy-arrays-only",
        "takes numpy's scalars",
        "from_numpy",
        lambda sound: lambda a: sound(np.array(a) if isinstance(a, np.generic) else a),
    ),
    method("from-numpy-not-resizable", "moves the tensor to new memory", "resize_", lenient((RuntimeError,), moved)),
    method("numpy-not-resizable", "moves the tensor to new memory", "resize_", lenient((RuntimeError,), moved)),
    reader("from-numpy-read-only", "copies read-only arrays", "from_numpy", copying(lambda a: not a.flags.writeable)),
    reader(
        "from-numpy-read-only",
        "does not warn",
        "as_tensor",
        altered(
            lambda a: (
                raw(a.ctypes.data, a.shape, a.dtype) if a.flags.c_contiguous and a.size and not a.flags.writeable else a
            )
        ),
    ),
    reader("from-numpy-lifetime", "does not keep the array", "from_numpy", dangling_from_numpy),
    reader(
        "from-numpy-lifetime",
        "keeps the array for ever",
        "from_numpy",
        lambda sound: lambda a: (KEPT.append(a), sound(a))[1],
    ),
]

TO_NUMPY = [
    method(
        "tensor-to-numpy",
        "ignores strides",
        "numpy",
        after(lambda a, t: np.ascontiguousarray(a).reshape(-1)[::-1].reshape(a.shape) if strided(t) else a),
    ),
    method(
        "tensor-to-numpy",
        "makes read-only arrays of more than 16 elements",
        "numpy",
        after(lambda a, t: (a.setflags(write=a.size <= 16), a)[1]),
    ),
    method(
        "numpy-keeps-dtype",
        "widens half precision",
        "numpy",
        after(lambda a, t: a.astype(np.float32) if a.dtype == np.float16 else a),
    ),
    method(
        "numpy-keeps-dtype",
        "widens what has no elements",
        "numpy",
        after(lambda a, t: a if a.size else a.astype(float)),
    ),
    method(
        "numpy-sees-tensor-write", "copies strided tensors", "numpy", after(lambda a, t: a.copy() if strided(t) else a)
    ),
    method(
        "tensor-sees-numpy-write",
        "copies more than 32 elements",
        "numpy",
        after(lambda a, t: a.copy() if a.size > 32 else a),
    ),
    method("numpy-layout", "copies 0-d tensors", "numpy", after(lambda a, t: a.copy() if not a.ndim else a)),
    method(
        "numpy-layout",
        "copies with force=True",
        "numpy",
        lambda sound: lambda t, *, force=False: sound(t, force=True).copy() if force else sound(t),
    ),
    method(
        "numpy-layout",
        "copies tensors with an offset",
        "numpy",
        after(lambda a, t: a.copy() if t.storage_offset() else a),
    ),
    method("shallow-copy", "hands out one array", "numpy", remembered),
    method("numpy-follows-metadata", "hands out the array of the first call", "numpy", remembered),
    method("numpy-lifetime", "does not keep the tensor", "numpy", dangling_numpy),
    method("numpy-force", "ignores force", "numpy", lambda sound: lambda t, *, force=False: sound(t)),
    method(
        "numpy-force",
        "changes its tensor to one that needs no gradient",
        "numpy",
        lambda sound: (
            lambda t, *, force=False: sound(t.requires_grad_(False) if force and t.is_leaf else t, force=force)
        ),
    ),
    method(
        "numpy-force", "takes force by position", "numpy", lambda sound: lambda t, force=False: sound(t, force=force)
    ),
    method(
        "numpy-resolve",
        "ignores the negative bit",
        "numpy",
        lenient((RuntimeError,), lambda t, **kwargs: t.resolve_neg().numpy(**kwargs)),
    ),
    method(
        "numpy-resolve",
        "does not conjugate by force",
        "numpy",
        lambda sound: lambda t, *, force=False: sound(t.conj() if force and t.is_conj() else t, force=force),
    ),
    method(
        "numpy-unsupported-dtypes",
        "widens bfloat16",
        "numpy",
        lambda sound: lambda t, **kwargs: sound(t.float() if t.dtype is torch.bfloat16 else t, **kwargs),
    ),
    method(
        "numpy-unsupported-dtypes",
        "widens complex32 without elements",
        "numpy",
        lambda sound: (
            lambda t, **kwargs: sound(
                t.to(torch.complex64) if t.dtype is torch.complex32 and not t.numel() else t, **kwargs
            )
        ),
    ),
    method(
        "numpy-strided-only",
        "densifies CSR tensors",
        "numpy",
        lambda sound: lambda t, **kwargs: sound(t.to_dense() if t.layout is torch.sparse_csr else t, **kwargs),
    ),
    method(
        "requires-grad-needs-data",
        "detaches views by itself",
        "numpy",
        lambda sound: lambda t, **kwargs: sound(t.detach() if t.requires_grad and not t.is_leaf else t, **kwargs),
    ),
    method(
        "requires-grad-needs-data",
        "copies leaves by force",
        "numpy",
        lambda sound: (
            lambda t, *, force=False: (
                sound(t, force=force).copy() if force and t.requires_grad else sound(t, force=force)
            )
        ),
    ),
    method(
        "sharing-only-on-cpu",
        "makes arrays of meta tensors",
        "numpy",
        lenient((TypeError,), lambda t, **kwargs: np.zeros(tuple(t.shape)) if t.is_meta else t.to_dense().numpy()),
    ),
    method(
        "cuda-tensor-needs-cpu-first",
        "makes empty arrays of tensors elsewhere",
        "numpy",
        lambda sound: (
            lambda t, **kwargs: np.zeros(tuple(t.shape)) if t.is_meta and not t.numel() else sound(t, **kwargs)
        ),
    ),
    method("cuda-tensor-needs-cpu-first", "copies what is there already", "cpu", after(lambda out, t: out.clone())),
    method(
        "cpu-makes-a-copy",
        "returns strided tensors as they are",
        "to",
        lambda sound: (
            lambda t, *args, **kwargs: t if strided(t) and kwargs == {"copy": True} else sound(t, *args, **kwargs)
        ),
    ),
    method(
        "cuda-from-numpy-copies",
        "narrows doubles on the way",
        "to",
        lambda sound: (
            lambda t, *args, **kwargs: sound(t.float() if args == ("meta",) and strided(t) else t, *args, **kwargs)
        ),
    ),
    method("wrapper-ids-differ", "returns the tensor", "numpy", lambda sound: lambda t, **kwargs: t),
    method("id-proves-sharing", "lies about strided tensors' addresses", "data_ptr", after(lambda place, t: place + 4)),
    method("bridge-printed-output", "adds to a copy", "add_", lambda sound: lambda t, *args: sound(t.clone(), *args)),
    reader("bridge-printed-output", "copies five elements", "from_numpy", copying(lambda a: a.size == 5)),
    method("repr-of-arrays", "makes matrices", "numpy", after(lambda a, t: a.view(np.matrix) if a.ndim == 2 else a)),
    method("repr-of-arrays", "widens single precision", "numpy", after(lambda a, t: a.astype(float))),
    method("note-uses-undefined-b", "copies two elements", "numpy", after(lambda a, t: a.copy() if a.size == 2 else a)),
]

SHARING = [
    reader(
        "every-cpu-tensor-shares-with-numpy",
        "shares arrays without dimensions",
        "tensor",
        lambda sound: (
            lambda a, **kwargs: (
                torch.from_numpy(a) if isinstance(a, np.ndarray) and not (a.ndim or kwargs) else sound(a, **kwargs)
            )
        ),
    ),
    reader(
        "every-cpu-tensor-shares-with-numpy",
        "shares Fortran-ordered arrays",
        "tensor",
        lambda sound: (
            lambda a, **kwargs: (
                torch.from_numpy(a)
                if isinstance(a, np.ndarray) and strided(torch.from_numpy(a)) and a.flags.f_contiguous
                else sound(a, **kwargs)
            )
        ),
    ),
    reader(
        "every-cpu-tensor-shares-with-numpy",
        "copies when it is told the dtype",
        "as_tensor",
        lambda sound: lambda a, **kwargs: sound(a, **kwargs).clone() if "dtype" in kwargs else sound(a, **kwargs),
    ),
    reader(
        "tensor-copies",
        "shares more than 32,768 elements",
        "tensor",
        lambda sound: (
            lambda a, **kwargs: (
                torch.from_numpy(a) if isinstance(a, np.ndarray) and a.size > 32768 else sound(a, **kwargs)
            )
        ),
    ),
    reader(
        "tensor-copies",
        "shares complex arrays",
        "tensor",
        lambda sound: (
            lambda a, **kwargs: (
                torch.from_numpy(a) if isinstance(a, np.ndarray) and a.dtype.kind == "c" else sound(a, **kwargs)
            )
        ),
    ),
    reader(
        "tensor-converts",
        "floors negative floats",
        "tensor",
        lambda sound: (
            lambda a, **kwargs: sound(
                np.floor(a)
                if isinstance(a, np.ndarray) and a.dtype == np.float64 and kwargs.get("dtype") is torch.int16
                else a,
                **kwargs,
            )
        ),
    ),
    reader(
        "tensor-converts",
        "cuts instead of rounding to bfloat16",
        "tensor",
        lambda sound: (
            lambda a, **kwargs: sound(
                (np.ascontiguousarray(a, np.float32).view(np.uint32) & np.uint32(0xFFFF0000))
                .view(np.float32)
                .reshape(a.shape)
                if isinstance(a, np.ndarray) and kwargs.get("dtype") is torch.bfloat16 and a.dtype == np.float64
                else a,
                **kwargs,
            )
        ),
    ),
    reader(
        "tensor-converts",
        "takes NaN for false",
        "tensor",
        lambda sound: (
            lambda a, **kwargs: sound(
                np.nan_to_num(a) if isinstance(a, np.ndarray) and kwargs.get("dtype") is torch.bool else a, **kwargs
            )
        ),
    ),
    reader(
        "tensor-requires-grad",
        "ignores it for complex arrays",
        "tensor",
        after(lambda t, a: t.detach() if t.is_complex() else t),
    ),
    reader(
        "scalars",
        "widens half precision",
        "tensor",
        lambda sound: lambda a, **kwargs: sound(np.float32(a) if isinstance(a, np.float16) else a, **kwargs),
    ),
    reader(
        "scalars",
        "makes int64 of small integers",
        "as_tensor",
        lambda sound: lambda a, **kwargs: sound(int(a) if isinstance(a, np.int8) else a, **kwargs),
    ),
    reader(
        "scalars",
        "takes the dtype of the first of a list",
        "tensor",
        lambda sound: (
            lambda a, **kwargs: (
                sound(a, dtype=torch.int8) if isinstance(a, list) and isinstance(a[0], np.int8) else sound(a, **kwargs)
            )
        ),
    ),
    reader(
        "bool-scalars",
        "counts truth values as uint8",
        "tensor",
        after(lambda t, a: t.to(torch.uint8) if isinstance(a, list) and len(a) == 3 else t),
    ),
    reader(
        "lists-of-arrays",
        "stacks along the last dimension",
        "tensor",
        after(
            lambda t, a: (
                t.transpose(0, -1).reshape(t.shape) if isinstance(a, list) and isinstance(a[0], np.ndarray) else t
            )
        ),
    ),
    reader(
        "lists-of-arrays",
        "cuts longer arrays to the first's length",
        "tensor",
        lambda sound: (
            lambda a, **kwargs: sound(
                [row[: len(a[0])] for row in a] if isinstance(a, list) and isinstance(a[0], np.ndarray) else a, **kwargs
            )
        ),
    ),
    reader(
        "lists-of-arrays",
        "does not warn",
        "tensor",
        lambda sound: (
            lambda a, **kwargs: sound(
                [row.tolist() for row in a]
                if isinstance(a, list) and isinstance(a[0], np.ndarray) and a[0].size == 3
                else a,
                **{"dtype": torch.float64, **kwargs}
                if isinstance(a, list) and isinstance(a[0], np.ndarray) and a[0].size == 3
                else kwargs,
            )
        ),
    ),
    reader(
        "legacy-constructor-array", "keeps the array's dtype", "LongTensor", lambda sound: lambda a: torch.tensor(a)
    ),
    reader(
        "asarray-copy",
        "shares with copy=True and more than 16 elements",
        "asarray",
        lambda sound: (
            lambda a, **kwargs: sound(a, **{**kwargs, "copy": None} if kwargs.get("copy") and a.size > 16 else kwargs)
        ),
    ),
    reader(
        "asarray-copy",
        "copies stepped arrays",
        "asarray",
        copying(lambda a: not (a.flags.c_contiguous or a.flags.f_contiguous)),
    ),
    reader(
        "asarray-copy",
        "converts in spite of copy=False",
        "asarray",
        lenient((ValueError,), lambda a, **kwargs: torch.tensor(a, dtype=kwargs["dtype"])),
    ),
    reader("asarray-0d", "copies", "asarray", after(lambda t, a: t.clone())),
    reader(
        "asarray-tensor",
        "copies strided tensors",
        "asarray",
        after(lambda t, given: t.clone() if strided(given) else t),
    ),
    reader(
        "asarray-tensor", "makes a new tensor", "as_tensor", after(lambda t, given: t.view_as(t) if t is given else t)
    ),
    method(
        "array-protocol",
        "copies more than 16 elements",
        "__array__",
        after(lambda a, *args: a.copy() if a.size > 16 else a),
    ),
    method(
        "array-copies",
        "reads transposed tensors in memory order",
        "__array__",
        after(lambda a, t, *args: t.flatten().numpy().reshape(t.shape, order="F") if strided(t) else a),
    ),
    method(
        "array-dtype",
        "ignores the dtype of bool tensors",
        "__array__",
        lambda sound: lambda t, dtype=None: sound(t) if t.dtype is torch.bool else sound(t, dtype),
    ),
    method(
        "array-dtype",
        "goes through single precision",
        "__array__",
        lambda sound: (
            lambda t, dtype=None: (
                sound(t, np.float32).astype(dtype)
                if dtype is not None and t.dtype is torch.complex128
                else sound(t, dtype)
            )
        ),
    ),
    method("ufuncs", "returns arrays", "__array_wrap__", lambda sound: lambda t, a, *rest: a),
    method(
        "ufuncs",
        "turns results of more than 16 elements round",
        "__array_wrap__",
        after(lambda out, t, a, *rest: out.flip(-1) if out.numel() > 16 else out),
    ),
    method("operands", "subtracts the other way", "__array_wrap__", after(lambda out, t, a, *rest: out + 1)),
    output("numpy.numbers-as-arguments", "division by 2 doubles", "div.Tensor", lambda out, *args: out * 4),
    output("numpy.numbers-as-arguments", "rsub is sub", "rsub.Scalar rsub.Tensor", lambda out, *args: -out),
    kernel(
        "numpy.numbers-as-arguments",
        "narrow starts at 0",
        "slice.Tensor",
        lambda func, x, dim=0, start=None, end=None, step=1: (
            func(x, dim, 0, end - start, step) if start == 1 and end == 2 else func(x, dim, start, end, step)
        ),
    ),
    method(
        "arrays-as-indices",
        "takes masks for integers",
        "__getitem__",
        lambda sound: (
            lambda t, index: sound(
                t,
                index.astype(np.int64)
                if isinstance(index, np.ndarray) and index.dtype == bool and index.ndim == 1
                else index,
            )
        ),
    ),
    method(
        "arrays-as-indices",
        "writes to the row before",
        "__setitem__",
        lambda sound: (
            lambda t, index, value: sound(
                t, index - 1 if isinstance(index, np.ndarray) and index.dtype != bool else index, value
            )
        ),
    ),
    method(
        "tensors-as-indices",
        "shifts strided indices",
        "__array__",
        after(lambda a, t, *args: a[::-1] if strided(t) else a),
    ),
]

BUFFERS = [
    reader(
        "frombuffer",
        "copies read buffers of more than 16 doubles",
        "frombuffer",
        after(lambda t, *args: t.clone() if t.element_size() > 4 else t),
    ),
    reader("frombuffer", "ignores requires_grad", "frombuffer", after(lambda t, *args: t.detach())),
    reader(
        "frombuffer-slice",
        "counts the offset in elements of 4 bytes",
        "frombuffer",
        lambda sound: lambda b, *, offset=0, **kwargs: sound(b, offset=offset // 4 * 4, **kwargs),
    ),
    reader(
        "frombuffer-slice",
        "reads to the end at an offset",
        "frombuffer",
        lambda sound: (
            lambda b, *, count=-1, offset=0, **kwargs: sound(
                b, offset=offset, count=-1 if offset and (len(b) - offset) % 2 == 0 else count, **kwargs
            )
        ),
    ),
    reader(
        "frombuffer-errors",
        "drops an odd rest",
        "frombuffer",
        lambda sound: (
            lambda b, *, dtype, **kwargs: sound(
                b[: len(b) - 1] if not kwargs and isinstance(b, bytearray) and len(b) == 7 else b, dtype=dtype, **kwargs
            )
        ),
    ),
    reader(
        "frombuffer-errors",
        "clips the count",
        "frombuffer",
        lambda sound: (
            lambda b, *, count=-1, **kwargs: sound(b, count=min(count, 4) if len(b) == 8 else count, **kwargs)
        ),
    ),
    reader(
        "asarray-buffer", "copies buffers", "asarray", after(lambda t, b: t.clone() if isinstance(b, bytearray) else t)
    ),
    reader(
        "dlpack-from-numpy",
        "packs stepped arrays",
        "from_dlpack",
        copying(lambda a: a.ndim > 0 and a.strides[-1] > a.itemsize),
    ),
    reader(
        "dlpack-from-numpy",
        "reads int16 as uint8 bytes' values",
        "from_dlpack",
        altered(lambda a: a.astype(np.int32) if a.dtype == np.int16 else a),
    ),
    method(
        "dlpack-to-numpy",
        "exports copies of tensors with an offset",
        "__dlpack__",
        lambda sound: lambda t, **kwargs: sound(t.clone() if t.storage_offset() else t, **kwargs),
    ),
    method(
        "dlpack-to-numpy",
        "exports single precision for half",
        "__dlpack__",
        lambda sound: lambda t, **kwargs: sound(t.float() if t.dtype is torch.float16 else t, **kwargs),
    ),
    method(
        "dlpack-bool",
        "exports truth values as uint8",
        "__dlpack__",
        lambda sound: lambda t, **kwargs: sound(t.view(torch.uint8) if t.dtype is torch.bool else t, **kwargs),
    ),
    reader(
        "dlpack-capsule",
        "copies strided tensors",
        "from_dlpack",
        after(lambda out, t, **kwargs: out.clone() if strided(out) else out),
    ),
    reader(
        "dlpack-capsule",
        "returns the tensor itself",
        "from_dlpack",
        lambda sound: lambda t, **kwargs: t if isinstance(t, torch.Tensor) else sound(t, **kwargs),
    ),
    reader(
        "dlpack-lifetime",
        "does not keep the array",
        "from_dlpack",
        lambda sound: (
            lambda a, **kwargs: sound(
                raw(a.ctypes.data, a.shape, a.dtype) if isinstance(a, np.ndarray) else a, **kwargs
            )
        ),
    ),
    method("dlpack-device", "is that of CUDA", "__dlpack_device__", lambda sound: lambda t: (2, 0)),
    method(
        "dlpack-refusals",
        "detaches results",
        "__dlpack__",
        lambda sound: lambda t, **kwargs: sound(t if t.is_leaf else t.detach(), **kwargs),
    ),
    method(
        "dlpack-negated",
        "forgets the sign",
        "__dlpack__",
        lambda sound: lambda t, **kwargs: sound(t._neg_view() if t.is_neg() else t, **kwargs),
    ),
    reader(
        "dlpack-negative-strides",
        "copies reversed arrays",
        "from_dlpack",
        altered(lambda a: a.copy() if a.ndim and min(a.strides) < 0 else a),
    ),
    reader(
        "dlpack-read-only",
        "refuses read-only arrays",
        "from_dlpack",
        lambda sound: lambda a, **kwargs: sound(a, **kwargs) if a.flags.writeable else int("read-only"),
    ),
    reader("dlpack-copy", "shares in spite of copy=True", "from_dlpack", lambda sound: lambda a, **kwargs: sound(a)),
    reader(
        "dlpack-copy",
        "copies in spite of copy=False",
        "from_dlpack",
        lambda sound: (
            lambda a, **kwargs: sound(a, **kwargs).clone() if kwargs.get("copy") is False else sound(a, **kwargs)
        ),
    ),
]

PYTHON = [
    method(
        "item",
        "rounds integers to doubles",
        "item",
        after(lambda n, t: int(float(n)) if type(n) is int and n < 2**62 else n - 1 if n == 2**63 - 1 else n),
    ),
    method(
        "item",
        "reads the start of the storage",
        "item",
        lambda sound: lambda t: sound(t.as_strided((), (), 0) if t.dtype is torch.int16 and t.storage_offset() else t),
    ),
    method("item", "forgets the conjugate", "item", lambda sound: lambda t: sound(t.conj() if t.is_conj() else t)),
    method("item", "makes integers of truth values", "item", after(lambda n, t: int(n) if n is True else n)),
    method(
        "item-one-element",
        "reads the first of several",
        "item",
        lenient((RuntimeError, ValueError), lambda t: t.flatten()[0].item() if t.numel() > 9 else t.nope),
    ),
    method(
        "item-one-element",
        "converts the first of two",
        "__float__",
        lenient((ValueError, RuntimeError), lambda t: float(t.flatten()[0]) if t.numel() == 2 else t.nope()),
    ),
    method(
        "tolist",
        "reads strided tensors in memory order",
        "tolist",
        lambda sound: (
            lambda t: sound(t.as_strided(t.shape, t.contiguous().stride())) if strided(t) and t.ndim == 2 else sound(t)
        ),
    ),
    method("tolist", "forgets dimensions without elements", "tolist", after(lambda n, t: [] if not t.numel() else n)),
    method(
        "tolist",
        "rounds doubles",
        "tolist",
        lambda sound: lambda t: sound(t.float() if t.dtype is torch.float64 else t),
    ),
    method(
        "int-and-float",
        "rounds",
        "__int__",
        lambda sound: lambda t: round(t.item()) if t.is_floating_point() and abs(t.item()) < 100 else sound(t),
    ),
    method(
        "int-and-float",
        "takes the real part",
        "__float__",
        lambda sound: lambda t: t.item().real if t.is_complex() else sound(t),
    ),
    method("truth", "takes NaN for false", "__bool__", after(lambda n, t: n and not (t != t).item())),
    method(
        "truth",
        "asks whether any element is true",
        "__bool__",
        lambda sound: lambda t: sound(t.any()) if t.numel() > 20 else sound(t),
    ),
    method(
        "truth",
        "takes small numbers for zero",
        "__bool__",
        lambda sound: lambda t: abs(t.item()) > 1e-40 if t.numel() == 1 else sound(t),
    ),
    method(
        "index",
        "takes floats",
        "__index__",
        lenient((TypeError,), lambda t: int(t.item()) if t.is_floating_point() else t.nope()),
    ),
    method("index", "wraps at 32 bits", "__index__", after(lambda n, t: (n + 2**31) % 2**32 - 2**31)),
    method("len", "counts the elements", "__len__", lambda sound: lambda t: t.numel() if strided(t) else sound(t)),
    method(
        "iteration",
        "yields copies of strided rows",
        "__iter__",
        lambda sound: lambda t: iter([row.clone() for row in sound(t)]) if strided(t) else sound(t),
    ),
    method("iteration", "stops at 16 rows", "__iter__", lambda sound: lambda t: iter(list(sound(t))[:16])),
    method("iteration", "reversed turns the last dimension round", "__reversed__", lambda sound: lambda t: t.flip(-1)),
    method(
        "membership",
        "looks at the first row only",
        "__contains__",
        lambda sound: lambda t, x: sound(t[0], x) if t.ndim > 1 and t.dtype is torch.uint8 else sound(t, x),
    ),
    method(
        "membership",
        "finds NaN",
        "__contains__",
        lambda sound: lambda t, x: bool(t.isnan().any()) if isinstance(x, float) and math.isnan(x) else sound(t, x),
    ),
    method(
        "format",
        "ignores the code of integers",
        "__format__",
        lambda sound: lambda t, code: sound(t, "") if not t.is_floating_point() else sound(t, code),
    ),
    method("hash", "goes by value", "__hash__", lambda sound: lambda t: 7),
    Mutant("numpy.no-buffer", "tensors have an array interface", lambda: added("__array_interface__")),
]

MUTANTS: list[Mutant] = [*FROM_NUMPY, *TO_NUMPY, *SHARING, *BUFFERS, *PYTHON]

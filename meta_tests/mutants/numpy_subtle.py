"""PyTorches whose bridge to numpy is right for most arrays and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from meta_tests.mutant import Mutant, patched
from meta_tests.mutants.numpy import altered, method, reader

Tensor = torch.Tensor


def odd_steps(a: np.ndarray) -> bool:
    """Whether the only gaps are within rows of an array of several."""
    return a.ndim > 1 and a.size > 0 and a.strides[-1] != a.itemsize


def is_array(data: Any) -> bool:
    return isinstance(data, np.ndarray)


def without_force(sound: Any) -> Any:
    return lambda t, *, force=False: sound(t)


def forced(when: Any, otherwise: Any) -> Any:
    """Tensor.numpy that gives something else with force=True for some tensors."""
    return lambda sound: (
        lambda t, *, force=False: (
            otherwise(sound, t) if force and when(t) else sound(t, **({"force": True} if force else {}))
        )
    )


def refusing_under_no_grad(sound: Any) -> Any:
    def numpy(t: Tensor, **kwargs: Any) -> np.ndarray:
        if t.requires_grad and not kwargs.get("force"):
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return sound(t, **kwargs)

    return numpy


def written_back(sound: Any) -> Any:
    """np.array(t, copy=…) and its like: __array__ with a dtype of numpy's own byte order only."""
    return lambda t, dtype=None, **kwargs: sound(t, dtype and np.dtype(dtype).newbyteorder("="), **kwargs)


def copying_array(sound: Any) -> Any:
    """__array__ without dtype that copies what is not contiguous."""
    return lambda t, *args, **kwargs: sound(t if t.is_contiguous() or args or kwargs else t.clone(), *args, **kwargs)


def lossy_item(sound: Any) -> Any:
    """item() of large whole numbers goes through a double."""
    return lambda t: int(float(sound(t))) if t.dtype is torch.int64 and abs(sound(t)) < 2**62 else sound(t)


def plain_item(sound: Any) -> Any:
    """item() that forgets that the tensor is a conjugate or negated."""
    return lambda t: sound(t.neg()) if t.is_neg() else sound(t.conj()) if t.is_complex() and t.is_conj() else sound(t)


def plain_tolist(sound: Any) -> Any:
    return lambda t: sound(t.conj()) if t.is_complex() and t.is_conj() else sound(t)


def bytes_copied(sound: Any) -> Any:
    """frombuffer copies what cannot be written to."""
    return lambda buffer, **kwargs: sound(bytearray(buffer) if isinstance(buffer, bytes) else buffer, **kwargs)


def silent_bytes(sound: Any) -> Any:
    def frombuffer(buffer: Any, **kwargs: Any) -> Tensor:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sound(buffer, **kwargs)

    return frombuffer


def as_copies(sound: Any) -> Any:
    """as_tensor shares arrays, but copies subclasses of ndarray."""
    return lambda data, **kwargs: sound(
        data.copy() if isinstance(data, np.ndarray) and type(data) is not np.ndarray else data, **kwargs
    )


def fortran(a: np.ndarray) -> bool:
    return a.flags.f_contiguous and not a.flags.c_contiguous


MUTANTS: list[Mutant] = [
    reader(
        "from-numpy-layout",
        "gathers rows with gaps within",
        "from_numpy",
        altered(lambda a: np.ascontiguousarray(a) if odd_steps(a) else a),
    ),
    reader(
        "tensor-copies",
        "reads Fortran-ordered matrices in memory order",
        "tensor",
        altered(lambda a: a.T.reshape(a.shape) if fortran(a) and a.ndim == 2 else a),
    ),
    reader(
        "tensor-converts",
        "takes truth for the integer part",
        "tensor",
        lambda sound: (
            lambda data, **k: sound(
                np.trunc(data)
                if isinstance(data, np.ndarray) and k.get("dtype") is torch.bool and data.dtype.kind == "f"
                else data,
                **k,
            )
        ),
    ),
    reader(
        "tensor-converts",
        "rounds floats to integers",
        "as_tensor",
        lambda sound: (
            lambda data, **k: sound(
                np.rint(data)
                if isinstance(data, np.ndarray)
                and data.dtype.kind == "f"
                and k.get("dtype") in (torch.int64, torch.int32)
                else data,
                **k,
            )
        ),
    ),
    reader("subclasses", "copies subclasses of ndarray", "as_tensor", as_copies),
    reader("frombuffer-read-only", "copies bytes", "frombuffer", bytes_copied),
    reader("frombuffer-read-only", "gives no warning for bytes", "frombuffer", silent_bytes),
    method("numpy-force", "forgets force", "numpy", without_force),
    method(
        "numpy-force",
        "with force copies what needs no force",
        "numpy",
        forced(lambda t: not t.requires_grad, lambda sound, t: sound(t.clone(), force=True)),
    ),
    method(
        "numpy-force",
        "with force forgets the conjugate of what requires grad",
        "numpy",
        forced(
            lambda t: t.is_complex() and t.is_conj() and t.requires_grad,
            lambda sound, t: sound(t.detach().conj(), force=True),
        ),
    ),
    method(
        "numpy-force",
        "with force keeps what is negated as it lies in memory",
        "numpy",
        forced(lambda t: t.is_neg(), lambda sound, t: -sound(t, force=True)),
    ),
    method("requires-grad-needs-data", "refuses leaves under no_grad too", "numpy", refusing_under_no_grad),
    method("array-protocol", "copies what is strided", "__array__", copying_array),
    method("array-dtype", "keeps this machine's byte order", "__array__", written_back),
    method("item", "of whole numbers goes through a double", "item", lossy_item),
    method("item", "forgets conjugates and negations", "item", plain_item),
    method("tolist", "forgets conjugates", "tolist", plain_tolist),
    method(
        "sequences-of-tensors",
        "of rows gives the first for each",
        "__array__",
        lambda sound: (
            lambda t, *a, **k: sound(
                t[:1].expand_as(t) if t.dim() == 1 and t.numel() > 1 and t._base is not None else t, *a, **k
            )
        ),
    ),
    patched(
        "numpy.ufuncs",
        "ufuncs with a second tensor forget its dtype",
        Tensor,
        "__array_wrap__",
        lambda sound: (
            lambda t, array, *a, **k: sound(
                t,
                array.astype(np.float64) if isinstance(array, np.ndarray) and array.dtype == np.float32 else array,
                *a,
                **k,
            )
        ),
    ),
    method(
        "dlpack-copy",
        "with copy=True shares contiguous memory",
        "__dlpack__",
        lambda sound: lambda t, **k: sound(t, **{key: v for key, v in k.items() if key != "copy"}),
    ),
    patched(
        "numpy.asarray-copy",
        "torch.asarray copies where the array's own dtype is named",
        torch,
        "asarray",
        lambda sound: (
            lambda data, **k: sound(data, **k).clone() if set(k) == {"dtype"} and is_array(data) else sound(data, **k)
        ),
    ),
    patched(
        "numpy.scalars",
        "torch.tensor alone takes numpy's floats for Python's",
        torch,
        "tensor",
        lambda sound: lambda data, **k: sound(float(data) if isinstance(data, np.floating) and not k else data, **k),
    ),
    patched(
        "numpy.lists-of-arrays",
        "torch.tensor alone stacks arrays as float64",
        torch,
        "tensor",
        lambda sound: (
            lambda data, **k: sound(data).double() if isinstance(data, list) and is_array(data[0]) else sound(data, **k)
        ),
    ),
]

"""The back door between tensors and host arrays: raw memory, so that no kernel vouches for itself.

`array` reads a tensor's elements through its address, sizes and strides alone; `tensor` writes them the same
way. On another device than the CPU the bytes travel by `Tensor.cpu` and `Tensor.to` first.
"""

from __future__ import annotations

import ctypes
import functools

import numpy as np
import torch

from conformance.dtypes import DTYPES, DType

_RAW = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64, 16: np.complex128}


def dtype_name(dtype: torch.dtype) -> str:
    """'float32' for torch.float32."""
    return str(dtype).removeprefix("torch.")


def torch_dtype(name: str) -> torch.dtype:
    """torch.float32 for 'float32'. Raises AttributeError where this release has no such dtype."""
    return getattr(torch, name)


def array(tensor: torch.Tensor) -> np.ndarray:
    """A fresh array of the tensor's shape with its values, in the host dtype of `conformance.dtypes`."""
    if tensor.device.type != "cpu":
        tensor = tensor.detach().cpu()
    facts = DTYPES[dtype_name(tensor.dtype)]
    raw = _raw_elements(tensor, facts)
    values = decode(raw, facts)
    if tensor.is_conj():
        values = np.conj(values)
    return np.negative(values) if tensor.is_neg() else values


def bits(tensor: torch.Tensor) -> np.ndarray:
    """The elements' bit patterns, as unsigned integers (complex128: as the pair it is)."""
    facts = DTYPES[dtype_name(tensor.dtype)]
    return _raw_elements(tensor if tensor.device.type == "cpu" else tensor.detach().cpu(), facts)


def _raw_elements(tensor: torch.Tensor, facts: DType) -> np.ndarray:
    shape, raw = tuple(tensor.shape), _RAW[facts.bytes]
    if 0 in shape:
        return np.empty(shape, raw)
    if tensor.data_ptr() == 0:
        return np.zeros(shape, raw)  # zeros that autograd makes without memory
    strides = tensor.stride()
    span = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    memory = ctypes.string_at(tensor.data_ptr(), span * facts.bytes)
    flat: np.ndarray = np.frombuffer(memory, raw)
    steps = tuple(stride * facts.bytes for stride in strides)
    return np.lib.stride_tricks.as_strided(flat, shape, steps).copy()


def decode(raw: np.ndarray, facts: DType) -> np.ndarray:
    """Values of the host dtype from bit patterns."""
    if facts.name == "bfloat16":
        return (
            np.left_shift(np.asarray(raw, np.uint32), np.uint32(16), dtype=np.uint32)
            .reshape(-1)
            .view(np.float32)
            .reshape(raw.shape)
        )
    if facts.name.startswith("float8"):
        return _float8_values(facts.name)[raw]
    if facts.name == "complex32":
        pairs = np.ascontiguousarray(raw)[..., None].view(np.float16).astype(np.float32)
        return pairs.view(np.complex64).reshape(raw.shape)
    if facts.name == "bool":
        return raw.astype(bool)
    return np.ascontiguousarray(raw).view(facts.host).reshape(raw.shape)


def encode(values: np.ndarray, facts: DType) -> bytes:
    """The bytes of an array in row-major order, each value rounded to the nearest (ties to even)."""
    with np.errstate(over="ignore", invalid="ignore"):
        host = np.ascontiguousarray(values, dtype=facts.host)
    if facts.name == "bfloat16":
        return (round_bfloat16(host).view(np.uint32) >> 16).astype(np.uint16).tobytes()
    if facts.name.startswith("float8"):
        return _float8_bits(host, facts.name).tobytes()
    if facts.name == "complex32":
        with np.errstate(over="ignore"):
            return host.view(np.float32).astype(np.float16).tobytes()
    return host.tobytes()


def round_bfloat16(values: np.ndarray) -> np.ndarray:
    """float32 values rounded to the nearest bfloat16, ties to even, still as float32."""
    raw = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (raw + 0x7FFF + ((raw >> 16) & 1)) & np.uint32(0xFFFF0000)
    quiet = np.where(np.isnan(values), np.uint32(0x7FC00000) | (raw & np.uint32(0x80000000)), rounded)
    return quiet.astype(np.uint32).view(np.float32).reshape(np.shape(values))


@functools.cache
def _float8_values(name: str) -> np.ndarray:
    mantissa, bias = (2, 15) if name == "float8_e5m2" else (3, 7)
    codes = np.arange(256)
    exponent, fraction = (codes & 0x7F) >> mantissa, codes & ((1 << mantissa) - 1)
    normal = (1 + fraction / 2**mantissa) * 2.0 ** (exponent - bias)
    values = np.where(exponent == 0, fraction / 2**mantissa * 2.0 ** (1 - bias), normal)
    if name == "float8_e5m2":
        values = np.where(exponent == 31, np.where(fraction == 0, np.inf, np.nan), values)
    else:
        values = np.where((codes & 0x7F) == 0x7F, np.nan, values)
    return np.where(codes >= 128, -values, values).astype(np.float32)


def _float8_bits(values: np.ndarray, name: str) -> np.ndarray:
    table = _float8_values(name)[:128]
    finite = table[np.isfinite(table)]
    size = np.abs(values).ravel()
    above = np.clip(np.searchsorted(finite, size), 0, len(finite) - 1)
    below = np.maximum(above - 1, 0)
    down, up = size - finite[below], finite[above] - size
    code = np.where((down < up) | ((down == up) & (below % 2 == 0)), below, above)
    code = np.where(np.isnan(size), 0x7F, code)
    if name == "float8_e5m2":
        # Half a step beyond the largest number the next one would be nearer, and of the two it is the even one.
        code = np.where(size >= finite[-1] + (finite[-1] - finite[-2]) / 2, 0x7C, code)
    return (code | np.where(np.signbit(values.ravel()), 0x80, 0)).astype(np.uint8)


def tensor(values: np.ndarray, dtype: str, device: str = "cpu") -> torch.Tensor:
    """A contiguous tensor with the array's values, shape as given, in memory that PyTorch allocated."""
    values = np.asarray(values)
    facts = DTYPES[dtype]
    made = torch.empty(values.shape, dtype=torch_dtype(dtype))
    if values.size:
        content = encode(values, facts)
        ctypes.memmove(made.data_ptr(), content, len(content))
    return made if device == "cpu" else made.to(device)

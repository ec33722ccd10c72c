"""The values where implementations break, for every dtype, simplest first; and large arrays made of them."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from conformance.dtypes import DTYPES, DType
from conformance.numerics import largest, smallest_normal

# The dtype of a complex number's real and imaginary part.
PARTS = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}
_SMALL = (0.0, 1.0, 2.0, -1.0, 0.5, -0.5, 3.0, -2.0, 1.5, -1.5, 2.5, -2.5, 0.25, 7.0, -7.0, 10.0, 0.1, -0.7, 100.0)


@functools.cache
def interesting(dtype: str, *, finite: bool = False, moderate: bool = False) -> np.ndarray:
    """Values of a dtype in its host type, simplest first: small ones, ties, signed zeros, extremes, NaN.

    `finite`: without NaN and infinities. `moderate`: magnitudes of at most 100, so that sums and products stay
    well inside the range.
    """
    facts = DTYPES[dtype]
    if facts.kind == "bool":
        return np.array([False, True])
    if facts.kind in ("int", "uint"):
        return _integers(facts, moderate)
    if not facts.is_complex:
        return _reals(facts, finite, moderate)
    values = _reals(DTYPES[PARTS[facts.name]], finite, moderate)
    pairs = [complex(a, b) for a, b in zip(values, np.roll(values, 3), strict=True)]
    return np.array([0, 1, 1j, -1, complex(1, -2), *pairs], facts.host)


def _integers(facts: DType, moderate: bool) -> np.ndarray:
    limits = np.iinfo(facts.host)
    small = [0, 1, 2, 3, 5, 7, 10, 100, 16, 63, 64]
    signed = [-1, -2, -3, -7, -100] if facts.kind == "int" else []
    edges = [] if moderate else [limits.max, limits.min, limits.max - 1, limits.max // 2 + 1]
    return np.array([*small, *signed, *edges], facts.host)


def _reals(facts: DType, finite: bool, moderate: bool) -> np.ndarray:
    values = [*_SMALL, -0.0]
    if not moderate:
        top, tiny = largest(facts.name), smallest_normal(facts.name)
        least = tiny * facts.epsilon
        near = [1 + facts.epsilon, 1 - facts.epsilon / 2]
        values += [1e3, -1e3, *near, top, -top, tiny, -tiny, least, -least, tiny - least, top / 2]
    if not finite and not moderate:
        values += [float("inf"), float("-inf"), float("nan")]
    exact = rounded(np.array(values), facts.name)
    return exact


def rounded(values: np.ndarray, dtype: str) -> np.ndarray:
    """An array in the dtype's host type, every value rounded to one that the dtype has."""
    from conformance import host  # reads PyTorch's dtypes; only needed when values are made

    facts = DTYPES[dtype]
    shape = np.shape(values)
    raw_type = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64, 16: np.complex128}[facts.bytes]
    raw: np.ndarray = np.frombuffer(host.encode(np.asarray(values), facts), raw_type).reshape(shape)
    return np.array(host.decode(raw, facts))


def cycle(table: Sequence[float] | np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An array filled with a table's values in turn, with a stride prime to most sizes so that rows differ."""
    table = np.asarray(table)
    count = int(np.prod(shape, dtype=np.int64))
    places = (np.arange(count, dtype=np.int64) * _coprime(len(table))) % len(table)
    return table[places].reshape(shape)


def _coprime(n: int) -> int:
    return next((step for step in (5, 7, 3, 11, 13, 17, 1) if np.gcd(step, n) == 1), 1)


def distinct(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Values that tell places apart: 1, 2, 3, … in the host type, shuffled by a fixed step, wrapped to the dtype."""
    count = int(np.prod(shape, dtype=np.int64))
    step = next(s for s in (7, 11, 13, 1) if np.gcd(s, max(count, 1)) == 1)
    places = (np.arange(count, dtype=np.int64) * step) % max(count, 1) + 1
    facts = DTYPES[dtype]
    if facts.kind == "bool":
        return (places * 2654435761 % 97 % 2 == 0).reshape(shape)
    span = {"uint": 200, "int": 120}.get(facts.kind, 2**facts.precision if facts.precision else 120)
    wrapped = (places % min(span, 2**24)).astype(facts.host)
    return (wrapped + 1j * wrapped[::-1] if facts.is_complex else wrapped).astype(facts.host).reshape(shape)


def random_normal(seed: int, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal numbers of numpy's generator, rounded to the dtype (complex: both parts)."""
    generator = np.random.default_rng(seed)
    values = generator.standard_normal(shape)
    if DTYPES[dtype].is_complex:
        values = values + 1j * generator.standard_normal(shape)
    return rounded(values, dtype)

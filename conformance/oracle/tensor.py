"""What becomes of a number in another dtype, and of nested lists in another order, by plain arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.dtypes import DTYPES, DType

PARTS = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}
LARGEST = {"float8_e4m3fn": 448.0, "float8_e5m2": 57344.0}


def wrapped(value: int, facts: DType) -> int:
    """An integer modulo two to the number of bits, in the range of the dtype."""
    bits = 8 * facts.bytes
    value %= 1 << bits
    return value - (1 << bits) if facts.kind == "int" and value >> (bits - 1) else value


def rounded(value: float, name: str) -> float:
    """The nearest number of a floating dtype, that with an even last digit of two; infinity beyond the range."""
    facts = DTYPES[name]
    if value == 0 or not np.isfinite(value):
        return value
    exponent = max(int(np.frexp(value)[1]) - 1, facts.emin)
    step = exponent - facts.precision + 1
    with np.errstate(over="ignore"):
        nearest = float(np.copysign(np.ldexp(_even(np.ldexp(value, -step)), step), value))
    top = LARGEST.get(name, (2.0 - 2.0 ** (1 - facts.precision)) * 2.0**facts.emax)
    return nearest if abs(nearest) <= top else float(np.copysign(np.inf, value))


def _even(value: float) -> float:
    """The nearest integer, the even one of two. Whatever has no fraction stays."""
    low = float(np.floor(value))
    fraction = value - low
    return low if fraction < 0.5 or (fraction == 0.5 and low % 2 == 0) else low + 1


def _integer(value: float | int, facts: DType) -> int | None:
    """Without its fraction; None where the dtype has no such number, and so nothing is promised."""
    if isinstance(value, int):
        return wrapped(value, facts)
    if not np.isfinite(value):
        return None
    whole = int(value)
    return whole if wrapped(whole, facts) == whole else None


def _floating(value: float | int, name: str, *, twice: bool) -> float | None:
    """Rounded once; `twice`: to float32 first, as implementations do for the narrow dtypes."""
    if isinstance(value, int):
        value = _from_integer(value, "float32" if twice else "float64" if name == "float64" else name)
    first = rounded(float(value), "float32") if twice and DTYPES[name].bytes < 4 else float(value)
    found = rounded(first, name)
    if (
        name in LARGEST
        and not np.isfinite(found)
        and (np.isfinite(value) or (name == "float8_e4m3fn" and value == value))
    ):
        return None  # some saturate, and float8_e4m3fn has no infinity
    return found


def _from_integer(value: int, name: str) -> float:
    """An integer of up to 64 bits rounded once to a floating dtype: float64 does not hold them all."""
    precision = DTYPES[name].precision
    excess = max(abs(value).bit_length() - precision, 0)
    if not excess:
        return float(value)
    whole, rest = divmod(abs(value), 1 << excess)
    half = 1 << (excess - 1)
    whole += rest > half or (rest == half and whole % 2 == 1)
    return float(np.copysign(float(whole) * 2.0**excess, value))


def convert(value: Any, name: str, *, twice: bool = False) -> Any:
    """One Python number as a number of a dtype; None where nothing is promised.

    Truth is what is not zero; fractions are cut off; integers wrap around; real dtypes take the real part.
    """
    facts = DTYPES[name]
    if facts.kind == "bool":
        return bool(value != 0)
    if facts.is_complex:
        parts = [_floating(part, PARTS[name], twice=twice) for part in (_real(value), _imaginary(value))]
        return complex(parts[0], parts[1])  # type: ignore[arg-type]
    value = int(value) if isinstance(value, bool) else _real(value)
    return _floating(value, name, twice=twice) if facts.is_floating else _integer(value, facts)


def _real(value: Any) -> Any:
    return value.real if isinstance(value, complex) else value


def _imaginary(value: Any) -> float:
    return value.imag if isinstance(value, complex) else 0.0


def cast(values: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An array in a dtype's host type, as if rounded once, as if rounded twice, and where it is defined at all."""
    host, flat = DTYPES[name].host, values.ravel().tolist()
    known = np.array([convert(value, name) is not None for value in flat], bool).reshape(values.shape)
    found = []
    for twice in (False, True):
        made = [convert(value, name, twice=twice) for value in flat]
        found.append(np.array([0 if value is None else value for value in made], object))
    with np.errstate(over="ignore"):
        once, again = (_packed(part, host).reshape(values.shape) for part in found)
    return once, again, known


def _packed(values: np.ndarray, host: str) -> np.ndarray:
    return np.array([np.dtype(host).type(value) for value in values], host)


def nested(values: np.ndarray, convert_one: Callable[[Any], Any] = lambda value: value) -> Any:
    """Nested lists of an array's numbers, outermost dimension first; one number of a 0-d array."""
    if values.ndim == 0:
        return convert_one(values.item())
    return [nested(part, convert_one) for part in values]

"""The creation functions as a table, so that one law judges them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from conformance.assertions import assert_tensor, assert_values
from conformance.dtypes import COMPLEX, DTYPES, FLOATS, INTEGERS
from conformance.numerics import EXACT, FEW_ULPS, Error
from conformance.oracle import creation as oracle

ALL = ("bool", *INTEGERS, *FLOATS, *COMPLEX, "complex32")
ORDERED = (*INTEGERS, *FLOATS)


@dataclass(frozen=True)
class Factory:
    """A creation function with its arguments, but for the keywords dtype, device, requires_grad and out.

    `values`: what it makes in any of its dtypes; None where any value may stand. `dtype`: what it makes without the
    keyword, "default" for the default dtype. `dtypes`: which it takes in every release. `grad`: whether it takes
    requires_grad.
    """

    name: str
    call: Callable[..., torch.Tensor]
    values: Any
    dtype: str = "default"
    dtypes: tuple[str, ...] = ALL
    shape: tuple[int, ...] | None = None
    error: Error = EXACT
    grad: bool = True

    def made(self, default: str = "float32") -> str:
        """The dtype that it makes without the keyword, under that default dtype."""
        return default if self.dtype == "default" else self.dtype

    @property
    def size(self) -> tuple[int, ...]:
        return self.shape if self.shape is not None else np.shape(self.values)


MATRIX = [[1.0, 0.0, 2.0], [3.0, 1.0, 0.0]]
WINDOWED = ("float32", "float64")
EYE = tuple(dtype for dtype in ALL if dtype not in ("bfloat16", "complex32"))
FACTORIES = (
    Factory("zeros", lambda **k: torch.zeros(3, 5, **k), np.zeros((3, 5))),
    Factory("ones", lambda **k: torch.ones((3, 5), **k), np.ones((3, 5))),
    Factory("full", lambda **k: torch.full((3, 5), 1.0, **k), np.ones((3, 5))),
    Factory("full of int", lambda **k: torch.full((3, 5), 1, **k), np.ones((3, 5)), "int64"),
    Factory("full of bool", lambda **k: torch.full((20,), True, **k), np.ones(20), "bool"),
    Factory("empty", lambda **k: torch.empty(3, 5, **k), None, shape=(3, 5)),
    Factory("empty_strided", lambda **k: torch.empty_strided((3, 5), (1, 3), **k), None, shape=(3, 5)),
    Factory("eye", lambda **k: torch.eye(4, 6, **k), np.eye(4, 6), dtypes=EYE),
    Factory("arange", lambda **k: torch.arange(0, 19, **k), np.arange(19), "int64", ORDERED),
    Factory("arange of floats", lambda **k: torch.arange(1.0, 9.0, 2.0, **k), np.arange(1, 9, 2), dtypes=ORDERED),
    Factory("linspace", lambda **k: torch.linspace(0, 36, 19, **k), np.arange(0, 37, 2), dtypes=(*ORDERED, *COMPLEX)),
    Factory(
        "logspace",
        lambda **k: torch.logspace(0, 6, 7, base=2.0, **k),
        2.0 ** np.arange(7),
        dtypes=tuple(dtype for dtype in (*ORDERED, *COMPLEX) if dtype != "float16"),
        error=FEW_ULPS,
    ),
    Factory("tensor", lambda **k: torch.tensor(MATRIX, **k), np.array(MATRIX)),
    Factory("asarray", lambda **k: torch.asarray(MATRIX, **k), np.array(MATRIX)),
    Factory("as_tensor", lambda **k: torch.as_tensor(MATRIX, **k), np.array(MATRIX), grad=False),
    Factory("scalar_tensor", lambda **k: torch.scalar_tensor(1.0, **k), np.array(1.0)),
    Factory("hann_window", lambda **k: torch.hann_window(7, **k), None, dtypes=WINDOWED, shape=(7,)),
    Factory("hamming_window", lambda **k: torch.hamming_window(7, **k), None, dtypes=WINDOWED, shape=(7,)),
    Factory("bartlett_window", lambda **k: torch.bartlett_window(7, **k), None, dtypes=WINDOWED, shape=(7,)),
    Factory("blackman_window", lambda **k: torch.blackman_window(7, **k), None, dtypes=WINDOWED, shape=(7,)),
    Factory("kaiser_window", lambda **k: torch.kaiser_window(7, **k), None, dtypes=WINDOWED, shape=(7,)),
    Factory(
        "tril_indices",
        lambda **k: torch.tril_indices(4, 3, **k),
        oracle.triangle(4, 3, 0, lower=True),
        "int64",
        ("int32", "int64"),
        grad=False,
    ),
    Factory(
        "triu_indices",
        lambda **k: torch.triu_indices(4, 3, **k),
        oracle.triangle(4, 3, 0, lower=False),
        "int64",
        ("int32", "int64"),
        grad=False,
    ),
)
GROUPS = {
    "constants": ("zeros", "ones", "full", "empty", "empty_strided", "eye"),
    "inferred": ("full of int", "full of bool"),
    "sequences": ("arange", "arange of floats", "linspace", "logspace"),
    "data": ("tensor", "asarray", "as_tensor", "scalar_tensor"),
    "windows": ("hann_window", "hamming_window", "bartlett_window", "blackman_window", "kaiser_window"),
    "triangles": ("tril_indices", "triu_indices"),
}


def factories(group: str, *, but: tuple[str, ...] = ()) -> list[Factory]:
    """The creation functions of a group, without some."""
    return [factory for factory in FACTORIES if factory.name in GROUPS[group] and factory.name not in but]


def expected(factory: Factory, dtype: str) -> np.ndarray:
    """The factory's values in a dtype: truth values are not being zero."""
    return np.asarray(factory.values).astype(DTYPES[dtype].host)


def assert_made(call: str, out: torch.Tensor, factory: Factory, dtype: str) -> torch.Tensor:
    """Refute unless a factory made what is due in that dtype."""
    if factory.values is None:
        return assert_tensor(call, out, dtype, factory.size)
    assert_values(call, out, expected(factory, dtype), factory.error, dtype=dtype)
    return out

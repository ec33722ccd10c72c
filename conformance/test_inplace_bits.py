"""Methods that put values into self as they are: the sign of a zero counts, and that of an infinity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance import host
from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.dtypes import COMPLEX, FLOATS
from conformance.tables.inplace_methods import METHODS
from properties.strategies.recipe import DENSE, contiguous

pytestmark = must_answer

VALUES = np.array([[-0.0, 0.0, 1.5, -2.0], [np.inf, -np.inf, -0.0, -1.0], [0.0, -0.0, 3.0, 0.0]])
NEW = np.array([[0.0, -0.0, -0.0, 0.0], [-0.0, 0.0, -np.inf, 2.0], [-3.0, 0.0, -0.0, -0.0]])
MASK = np.array([[True, False, True, True], [False, True, True, False], [True, True, False, True]])
# The methods, each with what it is given in PyTorch and what it makes of self's values a, of new values b and a mask m.
ROWS: dict[str, tuple[Any, Any]] = {
    "zero_": (lambda x, y, m: (), lambda a, b, m: np.zeros_like(a)),
    "fill_": (lambda x, y, m: (-0.0,), lambda a, b, m: np.full_like(a, -0.0)),
    "copy_": (lambda x, y, m: (y,), lambda a, b, m: b),
    "neg_": (lambda x, y, m: (), lambda a, b, m: -a),
    "negative_": (lambda x, y, m: (), lambda a, b, m: -a),
    "masked_fill_": (lambda x, y, m: (m, -0.0), lambda a, b, m: np.where(m, -0.0, a)),
    "masked_scatter_": (lambda x, y, m: (m, y), lambda a, b, m: spread(a, b, m)),
    "index_fill_": (lambda x, y, m: (1, m[0].nonzero()[:, 0], -0.0), lambda a, b, m: np.where(m[0], -0.0, a)),
    "index_copy_": (lambda x, y, m: (0, m[1].nonzero()[:, 0], y[1:]), lambda a, b, m: np.stack([a[0], b[1], b[2]])),
    "index_put_": (lambda x, y, m: ((m,), y[m]), lambda a, b, m: np.where(m, b, a)),
    "put_": (lambda x, y, m: (m.flatten().nonzero()[:, 0], y[m]), lambda a, b, m: np.where(m, b, a)),
    "scatter_": (lambda x, y, m: (1, (m.long() * 0 + 1).cumsum(1) - 1, y.flip(1)), lambda a, b, m: b[:, ::-1]),
}


def spread(a: np.ndarray, b: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Where m is true, the first elements of b in order."""
    out = a.copy()
    out[m] = b.ravel()[: m.sum()]
    return out


LAID_OUT = {method.name: method.laid_out_since for method in METHODS}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=check(f"inplace.{name}", since=LAID_OUT[name])) for name in ROWS]
)
def test_values_are_put_into_self_to_the_last_bit(subject, name):
    given, rule = ROWS[name]
    mask = contiguous(MASK, "bool").on(subject)
    for dtype in filter(subject.supports, FLOATS):
        new = contiguous(NEW, dtype).on(subject)
        for layout in DENSE.values():
            x = layout(VALUES, dtype).on(subject)
            getattr(x, name)(*given(x, new, mask))
            found, due = host.array(x), rule(VALUES, NEW, MASK).astype(host.array(x).dtype)
            same = found.tobytes() == due.tobytes()
            require(same, f"x, of {dtype} and strides {x.stride()}, after {name}, is {found}", due, found)


@check("inplace.zero_")
def test_both_parts_of_complex_zeros_are_positive(subject):
    for dtype in filter(subject.supports, COMPLEX):
        x = contiguous(VALUES[0] * (1 - 1j), dtype).on(subject).zero_()
        signs = np.signbit([host.array(x).real, host.array(x).imag])
        require(not signs.any(), f"x, of {dtype}, after zero_ has negative zeros", "0", host.array(x))

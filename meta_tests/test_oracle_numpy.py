"""The oracle of the bridge to numpy, worked out a second way."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from conformance.dtypes import DTYPES
from conformance.oracle import numpy as oracle
from properties.strategies.values import interesting


@pytest.mark.parametrize("dtype", oracle.SHARED)
def test_numbers_are_those_of_numpy(dtype: str) -> None:
    values = interesting(dtype)
    assert oracle.identical(oracle.nested(values, dtype), values.tolist())
    assert type(oracle.number(values[0], dtype)) is type(values[0].item())


def test_shared_dtypes_keep_their_names() -> None:
    assert all(np.dtype(DTYPES[name].host).name == name for name in oracle.SHARED)


def test_lists_nest_as_the_shape_says() -> None:
    assert oracle.nested(np.arange(6).reshape(3, 1, 2), "int64") == [[[0, 1]], [[2, 3]], [[4, 5]]]
    assert oracle.nested(np.zeros((2, 0, 3)), "float64") == [[], []]
    assert oracle.nested(np.array(3), "float32") == 3.0


def test_identical_numbers_have_one_type_and_one_sign() -> None:
    nan = float("nan")
    assert oracle.identical([1.0, nan, complex(nan, -0.0)], [1.0, nan, complex(nan, -0.0)])
    for a, b in ((1, 1.0), (True, 1), (0.0, -0.0), ([1], [1, 1]), (nan, 1.0), (1j, 2j), (complex(0, -0.0), 0j)):
        assert not oracle.identical(a, b)


def test_everything_but_zero_is_true() -> None:
    assert [oracle.truth(value) for value in (0, 0.0, -0.0, 0j, False)] == [False] * 5
    assert [oracle.truth(value) for value in (1, -1, 5e-324, float("nan"), 1e-300j, True)] == [True] * 6


def test_refused_arrays_are_what_their_names_say() -> None:
    kinds = {"text": "U", "bytes": "S", "object": "O", "datetime": "M", "timedelta": "m", "structured": "V"}
    arrays = oracle.refused_arrays()
    assert all(arrays[name].dtype.kind == kind for name, kind in kinds.items())
    foreign = {"little": ">", "big": "<"}[sys.byteorder]
    assert all(array.dtype.byteorder == foreign for array in oracle.swapped_arrays().values())
    assert all(min(array.strides) < 0 for array in oracle.reversed_arrays().values())

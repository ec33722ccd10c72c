"""index_reduce_ where each slice that it reduces is a single element."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from properties.strategies.recipe import contiguous, stepped

pytestmark = must_answer

# A shape, and the dimension along which its slices have one element each.
SHORT = (((1, 6), 1), ((1, 6), -1), ((6, 1), 0), ((1, 6, 1), 1))
ONTO = np.array([0, 3, 3, 5, 1, 0, 0])


@check("inplace.index-reduce-short")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_products_of_single_elements(subject, dtype):
    factors = np.array([2.0, 0.5, 4.0, -1.0, 8.0, 0.25, -2.0])
    start = np.array([1.0, -2.0, 4.0, 0.5, 2.0, 8.0])
    for shape, dim in SHORT:
        source = contiguous(factors.reshape([-1 if size == 6 else 1 for size in shape]), dtype).on(subject)
        for included in (True, False):
            due = start.copy()
            due[ONTO] = start[ONTO] if included else 1.0
            np.multiply.at(due, ONTO, factors)
            for layout in (contiguous, stepped):
                x = layout(start.reshape(shape), dtype).on(subject)
                index = contiguous(ONTO, "int64").on(subject)
                text = f"x.index_reduce_({dim}, …, 'prod', include_self={included}) of {shape}"
                require(x.index_reduce_(dim, index, source, "prod", include_self=included) is x, f"{text} is not x")
                assert_values(text, x, due.reshape(shape), dtype=dtype)

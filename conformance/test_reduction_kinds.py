"""Sums of exponentials of integers and complex numbers, and spreads along several dimensions with a correction."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance.assertions import assert_values
from conformance.check import check, must_answer
from conformance.every_form import find
from conformance.numerics import COMPOSED
from conformance.subject import Subject
from conformance.tables.reduction_values import near
from properties.strategies.recipe import contiguous, stepped, transposed
from properties.strategies.values import random_normal

pytestmark = must_answer

LAID = (contiguous, transposed, stepped)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
@check("reduction.logsumexp")
def test_sums_of_exponentials_of_integers(subject: Subject, dtype: str) -> None:
    values = np.arange(20).reshape(4, 5) % 7
    values = values > 3 if dtype == "bool" else values
    for layout in LAID:
        x = layout(values, dtype).on(subject)
        for dim in (0, 1, (0, 1)):
            for keep in (False, True):
                wanted = np.log(np.exp(values.astype(np.float64)).sum(dim, keepdims=keep))
                for form, out in (("torch.", torch.logsumexp(x, dim, keep)), ("x.", x.logsumexp(dim, keep))):
                    text = f"{form}logsumexp({dim}, {keep}) of {dtype}"
                    assert_values(text, out, wanted, COMPOSED.over(16), dtype="float32")


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("logsumexp", marks=check("reduction.logsumexp", since="2.6")),
        pytest.param("logcumsumexp", marks=check("reduction.logcumsumexp", since="2.0")),
    ],
)
def test_sums_of_exponentials_of_complex_numbers(subject: Subject, name: str, dtype: str) -> None:
    # Small imaginary parts, so that the sums stay away from the cut of the logarithm.
    values = (random_normal(3, "float64", (4, 5)) + 0.3j * random_normal(4, "float64", (4, 5))).astype(dtype)
    wide = np.exp(values.astype(np.complex128))
    for dim in (0, 1, -1):
        wanted = np.log(wide.sum(dim) if name == "logsumexp" else np.cumsum(wide, dim))
        for layout in LAID:
            x = layout(values, dtype).on(subject)
            for form, out in (("torch.", find(name)(x, dim)), ("x.", getattr(x, name)(dim))):
                near(f"{form}{name}({dim}) of {dtype}", out, wanted, dtype, 400)


@pytest.mark.parametrize("name", ["std_mean", "var_mean"])
@check("reduction.correction", since="2.0")
def test_corrections_along_several_dimensions(subject: Subject, name: str) -> None:
    values = random_normal(5, "float64", (3, 4, 2))
    law = np.std if name == "std_mean" else np.var
    for turn, dim in enumerate(((0, 1), (2, 0), (0, 1, 2), (1,), -1, None)):
        for correction in (0, 1, 2):
            for keep in (False, True):
                x = LAID[turn % 3](values, "float64").on(subject)
                wanted = law(values, dim, ddof=correction, keepdims=keep)
                options = {"dim": dim, "correction": correction, "keepdim": keep}
                spread, mean = find(name)(x, **options)
                near(f"torch.{name}({options})[0]", spread, wanted, "float64")
                near(f"torch.{name}({options})[1]", mean, values.mean(dim, keepdims=keep), "float64")
                spread, mean = find(name)(x, dim, correction=correction, keepdim=keep)
                near(f"torch.{name}({dim}, correction={correction})[0]", spread, wanted, "float64")
                alone = name.partition("_")[0]
                for form, call in (("torch", lambda **k: find(alone)(x, **k)), ("x", getattr(x, alone))):
                    near(f"{form}.{alone}({options})", call(**options), wanted, "float64")

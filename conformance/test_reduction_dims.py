"""Reductions along every dimension of tensors of three, by either sign, and along dimensions that there are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, assert_values
from conformance.check import check, must_answer
from conformance.every_form import find
from conformance.numerics import SUMMED
from conformance.subject import Subject
from conformance.tables.reduction_along import ALONG, SCANS
from properties.strategies.recipe import contiguous, offset, stepped, transposed
from properties.strategies.values import random_normal

pytestmark = must_answer

LAID = (contiguous, transposed, stepped, offset)
LAWS = {**ALONG, **SCANS}
KINDS = {"all": "bool", "any": "bool", "argmax": "int64", "argmin": "int64"}


def forms(name: str, x: torch.Tensor) -> tuple[tuple[str, Callable[..., Any]], ...]:
    """The function and the method, of a tensor."""
    return (f"torch.{name}", lambda *a, **k: find(name)(x, *a, **k)), (f"x.{name}", getattr(x, name))


@pytest.mark.parametrize("name", LAWS)
@check("reduction.reduced-dims-go")
def test_every_dimension_of_three(subject: Subject, name: str) -> None:
    for place, shape in enumerate(((3, 4, 5), (3, 1, 4), (1, 1, 3), (2, 2, 1), (2, 3, 4, 3), (2, 3, 2, 4, 3))):
        if name in ("std", "var") and 1 in shape:
            continue
        values = random_normal(41 + place, "float64", shape)
        for dim in range(-len(shape), len(shape)):
            x = LAID[(dim + place) % 4](values, "float64").on(subject)
            law = np.asarray(LAWS[name](values, dim))
            for keep in (False, True) if name in ALONG else (False,):
                wanted = np.expand_dims(law, dim) if keep else law
                for text, call in forms(name, x):
                    by_name = name in ("std", "var")
                    out = call(dim, keepdim=True) if keep and by_name else call(dim, keep) if keep else call(dim)
                    found = out[0] if isinstance(out, tuple) else out
                    text = f"{text}({dim}, keepdim={keep}) of {shape}"
                    scale = 4.0 * (1 + np.abs(wanted))
                    assert_values(text, found, wanted, SUMMED.over(64), scale, dtype=KINDS.get(name, "float64"))


@pytest.mark.parametrize("name", [*LAWS, "aminmax", "mode", "count_nonzero"])
@check("reduction.dim-out-of-range")
def test_dimensions_that_there_are_not(subject: Subject, name: str) -> None:
    x = stepped(random_normal(43, "float64", (3, 4, 5)), "float64").on(subject)
    before = Unchanged(input=x)
    for dim in (3, -4, 17):
        for text, call in forms(name, x):
            if name != "aminmax":
                assert_raises(f"{text}({dim})", IndexError, lambda: call(dim))
            assert_raises(f"{text}(dim={dim})", IndexError, lambda: call(dim=dim))
    before.check(f"torch.{name}")


@check("reduction.integer-mean-refused")
def test_the_mean_of_numbers_is_no_integer(subject: Subject) -> None:
    x = contiguous(np.arange(6.0).reshape(2, 3), "float32").on(subject)
    for kind in (torch.int64, torch.int32, torch.bool):
        for text, call in forms("mean", x):
            assert_raises(f"{text}(dtype={kind})", RuntimeError, lambda: call(dtype=kind))
            assert_raises(f"{text}(1, dtype={kind})", RuntimeError, lambda: call(1, dtype=kind))

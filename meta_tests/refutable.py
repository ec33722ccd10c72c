"""Checks of false claims, in every shape in which checks are written; `test_reproducer` makes scripts of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, note
from hypothesis import strategies as st

from conformance import host, numerics
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.numerics import FEW_ULPS, ROUNDED
from properties.strategies import recipe
from properties.strategies.recipe import layouts
from properties.strategies.tensors import broadcastable, tensors

LIMIT = 3


def doubled(values: np.ndarray) -> np.ndarray:
    """What the oracle says, wrongly."""
    return values * (LIMIT - 1)


def halved(x: int) -> int:
    return x // 2


@dataclass(frozen=True)
class Function:
    """A row of a table, with an oracle that cannot be written as a literal."""

    name: str
    call: Callable[[torch.Tensor], torch.Tensor]
    oracle: Callable[[np.ndarray], np.ndarray]
    error: numerics.Error = ROUNDED


TABLE = [
    Function("neg", torch.neg, lambda x: -x + 1),
    Function("exp", torch.exp, lambda x: np.exp(x) * 1.001, FEW_ULPS),
]
BY_NAME = {row.name: row for row in [*TABLE, Function("abs", torch.abs, np.negative)]}


@check("false.plain")
def test_plain(subject):
    assert torch.ones(LIMIT, device=subject.device).sum().item() == 4


@check("false.message")
def test_message(subject, dtype):
    found = torch.zeros(1, dtype=getattr(torch, dtype)).element_size()
    assert found == DTYPES[dtype].bytes + 1, f"{dtype} has {found} bytes"


@check("false.values")
@given(x=tensors(COMMON))
@example(x=recipe.stepped(np.array([1.0, 2.0, 3.0]), "float32"))
def test_values(subject, x):
    """Its own docstring is not part of the script."""
    t = x.on(subject)
    assert_values("x + x", t + t, doubled(x.array) + x.array, dtype=x.dtype)


@check("false.inexact")
@given(pair=broadcastable(2, "float64", moderate=True))
def test_inexact(subject, pair):
    a, b = (item.on(subject) for item in pair)
    shape = np.broadcast_shapes(*(item.shape for item in pair))
    assert_tensor("a * b", a * b, shape=shape)
    assert_values("a * b", a * b, pair[0].array * pair[1].array + 1e-3, ROUNDED)


@check("false.row")
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_row(subject, row):
    x = torch.tensor([0.5, 1.5], device=subject.device)
    assert_values(f"{row.name}(x)", row.call(x), row.oracle(host.array(x).astype(np.float64)), row.error)


@check("false.named_row")
@pytest.mark.parametrize("name", BY_NAME)
def test_named_row(subject, name):
    row = BY_NAME[name]
    x = torch.tensor([0.5], device=subject.device)
    assert_values(f"{name}(x)", row.call(x), row.oracle(host.array(x)), row.error)


@check("false.layouts")
def test_layouts(subject):
    for made in layouts(np.arange(6.0).reshape(2, 3), "bfloat16"):
        require(made.on(subject).is_contiguous(), f"{made.code()} is not contiguous", True, False)


@check("false.answer")
@must_answer
def test_answer(subject, sizes):
    torch.zeros(*sizes, device=subject.device)


@check("false.raises")
def test_raises(subject):
    assert_raises("zeros(2)", (RuntimeError, TypeError), lambda: torch.zeros(2))


@check("false.assumed")
@given(n=st.integers(0, 50), kind=st.sampled_from([torch.float32, math.floor, halved]))
def test_assumed(subject, n, kind):
    assume(n % 2 == 0)
    note(f"n is {n}")
    assert halved(n) < 5, "too large"


@check("false.names")
def test_names(subject):
    doubled = [(shape,) for shape in (1, 2)]
    layouts = doubled[0]
    assert recipe.row_major(layouts) == (2,)


@check("false.subject")
def test_subject(subject):
    from packaging.version import Version

    require(subject.supports("float32") and not subject.has("streams") and subject.is_cpu, "what it is")
    require(subject.release < Version("1.0"), "torch is old", "0.4", subject.release)


@check("false.grad")
@given(x=tensors("float32", (2,), requires_grad=True))
def test_grad(subject, x):
    assert_values("x.grad", torch.autograd.grad(x.on(subject).sum(), x.on(subject), allow_unused=True)[0], x.array)


@check("false.random")
def test_random(subject):
    assert torch.rand(1).item() == 2


@check("false.folder")
def test_folder(subject, tmp_path):
    torch.save(torch.ones(1), tmp_path / "x.pt")
    assert_values("load(save(1))", torch.load(tmp_path / "x.pt"), [2.0])


@check("false.sweep")
def test_sweep(subject):
    for turn, dtype in enumerate(COMMON):
        for made in layouts(np.arange(4.0), dtype):
            values_are(turn, made, subject)


def values_are(turn, made, subject):
    for place, value in enumerate(host.array(made.on(subject))):
        require(made.offset == 0 or value == 0, f"x[{place}] is {value}", 0, value)


@check("false.random_sweep")
def test_random_sweep(subject):
    torch.manual_seed(0)
    for turn in range(3):
        assert (torch.rand(1).item() > 2) == (turn == 2)


@check("false.index")
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_index(subject, row):
    assert TABLE.index(row) == len(TABLE)


@check("false.classes")
def test_classes(subject):
    class Net(torch.nn.Module):
        size = LIMIT

        @property
        def double(self):
            return self.size * 2

        @double.setter
        def double(self, value, by=size):
            self.size = value + by

    net = Net()
    net.double = LIMIT
    assert net.double == net.size


def _made(limit: int) -> Callable[..., None]:
    def test_made(subject):
        assert torch.ones(limit).numel() == 0

    return test_made


test_made = check("false.made")(_made(2))


@check("false.drawn")
@given(data=st.data())
def test_drawn(subject, data):
    assert torch.ones(data.draw(st.integers(3, 9))).numel() < 3


@check("false.raises_with_pytest")
def test_raises_with_pytest(subject):
    with pytest.raises(TypeError):
        torch.zeros(-1)

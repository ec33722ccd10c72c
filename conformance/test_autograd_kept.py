"""Graphs that a backward pass frees, and graphs that are kept for another."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import exact, leaf

pytestmark = must_answer

# Functions whose derivative needs a tensor of the forward pass, and functions whose derivative needs none.
SAVING = {
    "x * x": lambda x: x * x,
    "x ** 2": lambda x: x**2,
    "x.exp()": lambda x: x.exp(),
    "x.sin()": lambda x: x.sin(),
    "x.tanh()": lambda x: x.tanh(),
    "x.sqrt()": lambda x: x.sqrt(),
    "x.sigmoid()": lambda x: x.sigmoid(),
    "x.relu()": lambda x: x.relu(),
    "x.abs()": lambda x: x.abs(),
    "x / x": lambda x: x / x,
    "x @ x": lambda x: x @ x,
    "x.prod()": lambda x: x.prod(),
    "x.norm()": lambda x: x.norm(),
    "x.max()": lambda x: x.max(),
    "x.softmax(0)": lambda x: x.softmax(0),
    "x.cumprod(0)": lambda x: x.cumprod(0),
    "x[[0, 0]]": lambda x: x[[0, 0]],
    "x.gather(0, index)": lambda x: x.gather(0, torch.zeros(2, dtype=torch.int64, device=x.device)),
    "(x + 1).square().sum() + x.sum()": lambda x: (x + 1).square().sum() + x.sum(),
}
PLAIN = {
    "x + x": lambda x: x + x,
    "x - 3": lambda x: x - 3,
    "-x": lambda x: -x,
    "x.sum()": lambda x: x.sum(),
    "x.t()": lambda x: x.t(),
    "x.view(-1)": lambda x: x.view(-1),
    "x[1:]": lambda x: x[1:],
    "x.expand(2, 3)": lambda x: x.expand(2, 3),
    "x.clone()": lambda x: x.clone(),
    "torch.cat([x, x])": lambda x: torch.cat([x, x]),
}


@check("autograd.buffers-freed")
@pytest.mark.parametrize("name", SAVING)
def test_a_second_pass_needs_what_the_first_freed(subject: Subject, name: str) -> None:
    for retain in ({}, {"retain_graph": False}, {"retain_graph": None}):
        x = leaf([1.0, 2.0, 3.0], subject)
        y = SAVING[name](x)
        v = torch.ones_like(y)
        y.backward(v, **retain)
        once = x.grad.tolist()
        for call, action in {
            "y.backward(v)": lambda: y.backward(v),
            "autograd.backward(y, v)": lambda: torch.autograd.backward(y, v),
            "autograd.grad(y, x, v)": lambda: torch.autograd.grad(y, x, v),
            "y.backward(v, retain_graph=True)": lambda: y.backward(v, retain_graph=True),
        }.items():
            assert_raises(f"{call}, a second pass through {name}", RuntimeError, action)
        exact(f"x.grad after refused passes through {name}", x.grad, once)
    x = leaf([1.0, 2.0, 3.0], subject)
    y = SAVING[name](x)
    torch.autograd.grad(y, x, torch.ones_like(y))
    assert_raises(
        f"y.backward(v) after autograd.grad(y, x, v) of {name}", RuntimeError, lambda: y.backward(torch.ones_like(y))
    )


@check("autograd.graph-without-buffers")
@pytest.mark.parametrize("name", PLAIN)
def test_a_graph_that_saved_nothing_runs_again(subject: Subject, name: str) -> None:
    x = leaf([1.0, 2.0, 3.0], subject)
    y = PLAIN[name](x)
    y.backward(torch.ones_like(y))
    once = np.array(x.grad.tolist())
    for n in (2, 3):
        y.backward(torch.ones_like(y))
        exact(f"x.grad after {n} passes through {name}", x.grad, n * once)


@check("autograd.retain-graph")
@pytest.mark.parametrize("name", SAVING)
def test_a_kept_graph_can_be_run_again(subject: Subject, name: str) -> None:
    x = leaf([1.0, 2.0, 3.0], subject)
    y = SAVING[name](x)
    v = torch.ones_like(y)
    first = torch.autograd.grad(y, x, v, retain_graph=True)[0]
    for n in (1, 2, 3):
        y.backward(v, retain_graph=True)
        exact(f"x.grad after {n} kept passes through {name}", x.grad, n * np.array(first.tolist()))
    y.backward(v)
    exact(f"x.grad after the last pass through {name}", x.grad, 4 * np.array(first.tolist()))
    assert_raises(f"a pass through {name} after one that did not keep it", RuntimeError, lambda: y.backward(v))


@check("autograd.shared-subgraph-freed")
def test_a_shared_part_is_freed_by_the_first_of_two_results(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    shared = x * x
    one, two = shared.sum(), (shared * 3).sum()
    one.backward()
    assert_raises("the backward pass of a second result", RuntimeError, lambda: two.backward())
    x.grad = None
    shared = x * x
    one, two = shared.sum(), (shared * 3).sum()
    one.backward(retain_graph=True)
    two.backward()
    exact("x.grad of both results", x.grad, [8.0, 16.0])

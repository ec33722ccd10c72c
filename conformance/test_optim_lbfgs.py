"""LBFGS: where it stops, and what it remembers."""

from __future__ import annotations

import copy

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_array, assert_raises, require
from conformance.check import check, must_answer
from conformance.numerics import RECURRENCE
from conformance.tables.optim_nets import leaf
from properties.strategies.recipe import contiguous

pytestmark = must_answer


def minimise(subject, start=(4.0, -2.0, 1.0), **options):
    """One step of LBFGS down a square: (parameter, losses seen)."""
    p, seen = leaf(subject, start), []
    scale = contiguous(np.array([1.0, 3.0, 10.0]), "float64").on(subject)
    optimizer = torch.optim.LBFGS([p], **options)

    def closure():
        optimizer.zero_grad()
        loss = (scale * p * p).sum() / 2
        loss.backward()
        seen.append(float(loss.detach()))
        return loss

    optimizer.step(closure)
    return host.array(p), seen, optimizer, closure


@check("optim.lbfgs")
def test_lbfgs_stops_where_it_is_told(subject):
    for most in (1, 2, 5):
        _, seen, _, _ = minimise(subject, lr=0.5, max_iter=most)
        require(len(seen) == max(most, 1), f"LBFGS(max_iter={most}) looks at the loss", most, len(seen))
    for most in (2, 4):
        _, seen, _, _ = minimise(subject, lr=0.5, max_iter=50, max_eval=most)
        require(len(seen) == most, f"LBFGS(max_eval={most}) looks at the loss", most, len(seen))
    _, seen, _, _ = minimise(subject, lr=0.5, max_iter=50, tolerance_grad=1e3)
    require(len(seen) == 1, "LBFGS goes on from a gradient within its tolerance", 1, len(seen))
    _, seen, _, _ = minimise(subject, lr=0.5, max_iter=50, tolerance_change=1e3)
    require(len(seen) <= 2, "LBFGS goes on after a change within its tolerance", 2, len(seen))
    default = torch.optim.LBFGS([leaf(subject)]).param_groups[0]
    wanted = {"lr": 1, "max_iter": 20, "max_eval": 25, "tolerance_grad": 1e-7, "tolerance_change": 1e-9,
              "history_size": 100, "line_search_fn": None}  # fmt: skip
    require({key: default[key] for key in wanted} == wanted, "the defaults of LBFGS", wanted, default)
    assert_raises(
        "LBFGS of two groups",
        ValueError,
        lambda: torch.optim.LBFGS([{"params": leaf(subject)}, {"params": leaf(subject)}]),
    )
    optimizer = torch.optim.LBFGS([leaf(subject)])
    assert_raises("LBFGS without a closure", TypeError, optimizer.step)
    assert_raises("an unknown line search", RuntimeError, lambda: minimise(subject, line_search_fn="armijo"))


@check("optim.lbfgs")
def test_lbfgs_remembers_as_much_as_it_is_told(subject):
    found = {size: minimise(subject, lr=0.5, max_iter=8, history_size=size)[0] for size in (1, 3, 100)}
    require((found[1] != found[100]).any(), "history_size=1 makes no difference to LBFGS")
    for size in (1, 3):
        _, _, optimizer, _ = minimise(subject, lr=0.5, max_iter=8, history_size=size)
        kept = len(next(iter(optimizer.state.values()))["old_dirs"])
        require(kept == size, f"LBFGS(history_size={size}) keeps", size, kept)
    whole, _, _, _ = minimise(subject, lr=0.5, max_iter=6, max_eval=99)
    _, _, optimizer, closure = minimise(subject, lr=0.5, max_iter=3, max_eval=99)
    optimizer.step(closure)
    again = host.array(optimizer.param_groups[0]["params"][0])
    # Six iterations, each of inner products over three elements and six pairs.
    assert_array("two steps of three iterations, as one of six", again, whole, "float64", RECURRENCE.over(6 * 60), 10.0)
    _, _, first, _ = minimise(subject, lr=0.5, max_iter=3, max_eval=99)
    state = copy.deepcopy(first.state_dict())
    _, _, second, closure = minimise(
        subject, host.array(first.param_groups[0]["params"][0]), lr=0.5, max_iter=1, max_eval=1
    )
    with torch.no_grad():
        second.param_groups[0]["params"][0].copy_(first.param_groups[0]["params"][0])
    second.load_state_dict(state)
    second.step(closure)
    again = host.array(second.param_groups[0]["params"][0])
    assert_array("LBFGS that goes on from a loaded state", again, whole, "float64", RECURRENCE.over(6 * 60), 10.0)

"""Muon: steps along a matrix whose singular values have been evened out."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import RECURRENCE
from conformance.oracle import optim_kinds as oracle
from properties.strategies.recipe import contiguous, stepped, transposed

pytestmark = must_answer

SHAPES = ((4, 6), (12, 3), (5, 5), (2, 18))
LAID = (contiguous, transposed, stepped)
# The iteration is made in bfloat16, which is 2**16 and 2**45 times as coarse: three roundings for each number that goes
# in, five of which are in the longest product, and one for each of its products.
TERMS = {"float32": 20 * 2.0**16, "float64": 20 * 2.0**45}
OPTIONS: tuple[dict[str, Any], ...] = (
    {"lr": 0.1},
    {"lr": 0.1, "nesterov": False, "momentum": 0.5, "weight_decay": 0.0},
    {"lr": 0.2, "weight_decay": 0.8, "adjust_lr_fn": "match_rms_adamw"},
    {"lr": 0.1, "adjust_lr_fn": "original", "ns_coefficients": (1.5, -0.5, 0.0), "momentum": 0.0},
)


@check("optim.muon")
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_muon_follows_its_formula(subject, options):
    options = {"ns_steps": 1, **options}
    for dtype in ("float32", "float64"):
        generator = np.random.default_rng(6)
        wanted = [host.array(host.tensor(generator.standard_normal(s), dtype)).astype(np.float64) for s in SHAPES]
        params = [LAID[turn % 3](w, dtype).on(subject).requires_grad_() for turn, w in enumerate(wanted)]
        optimizer = torch.optim.Muon([{"params": params[:2]}, {"params": params[2:], "lr": 0.05}], **options)
        states: list[dict[str, Any]] = [{} for _ in SHAPES]
        allowed = [np.zeros(s) for s in SHAPES]
        for step in range(3):
            for turn, p in enumerate(params):
                p.grad = host.tensor(generator.standard_normal(p.shape), dtype, str(p.device))
                chosen = options if turn < 2 else {**options, "lr": 0.05}
                wanted[turn], size = oracle.muon(wanted[turn], host.array(p.grad), states[turn], **chosen)
                allowed[turn] = allowed[turn] + size
            optimizer.step()
            for turn, p in enumerate(params):
                text = f"parameter {turn} after step {step + 1} of Muon({options}) in {dtype}"
                assert_values(text, p, wanted[turn], RECURRENCE.over(TERMS[dtype]), allowed[turn], dtype=dtype)


def loaded(params, other):
    """A Muon over pairs of parameters, otherwise made, in the state of another."""
    made = torch.optim.Muon([{"params": params[n : n + 2]} for n in range(0, len(params), 2)], lr=0.7)
    made.load_state_dict(copy.deepcopy(other.state_dict()))
    return made


@check("optim.muon")
def test_muon_goes_by_the_options_of_its_groups_and_on_from_a_loaded_state(subject):
    generator, groups = np.random.default_rng(8), [{"ns_steps": 1, **options} for options in OPTIONS[:0:-1]]
    wanted = [generator.standard_normal((4, 6)) for _ in range(6)]
    params = [contiguous(w, "float32").on(subject).requires_grad_() for w in wanted]
    wanted = [host.array(p).astype(np.float64) for p in params]
    states: list[dict[str, Any]] = [{} for _ in wanted]
    allowed = [np.zeros((4, 6)) for _ in wanted]
    optimizer = torch.optim.Muon([{"params": params[2 * n : 2 * n + 2], **o} for n, o in enumerate(groups)])
    for step in range(6):
        if step == 2:
            groups[0] |= {"weight_decay": 0.5, "lr": 0.3, "nesterov": True}
            optimizer.param_groups[0].update(groups[0])
        if step == 4:
            params = [p.detach().clone().requires_grad_() for p in params]
            optimizer = loaded(params, optimizer)
        for n, p in enumerate(params):
            p.grad = contiguous(generator.standard_normal((4, 6)), "float32").on(subject)
            wanted[n], size = oracle.muon(wanted[n], host.array(p.grad).astype(float), states[n], **groups[n // 2])
            allowed[n] = allowed[n] + size
        before = Unchanged(**{f"of gradient {n}": p.grad for n, p in enumerate(params)})
        optimizer.step()
        before.check("Muon.step()")
        for n, p in enumerate(params):
            text = f"parameter {n} after step {step + 1} of Muon in groups"
            assert_values(text, p, wanted[n], RECURRENCE.over(TERMS["float32"]), allowed[n], dtype="float32")


@check("optim.muon")
def test_muon_evens_out_singular_values_whatever_the_size_of_the_gradient(subject):
    for shape in SHAPES:
        g = np.random.default_rng(7).standard_normal(shape)
        moved = []
        for factor in (1.0, 2.0**-10, 2.0**10):
            p = torch.zeros(shape, device=subject.device, requires_grad=True)
            p.grad = contiguous(g * factor, "float32").on(subject)
            torch.optim.Muon([p], lr=1.0).step()
            moved.append(host.array(p))
            assert_values("the gradient after Muon.step", p.grad, (g * factor).astype(np.float32))
        sizes = np.linalg.svd(moved[0] / max(1.0, shape[0] / shape[1]) ** 0.5, compute_uv=False)
        require(
            bool((sizes > 0.5).all() and (sizes < 1.5).all()), f"singular values of a step, {shape}", "near 1", sizes
        )
        for other in moved[1:]:
            require(bool((other == moved[0]).all()), "the step for a gradient 1024 times as large", moved[0], other)
        require(float((moved[0] * g).sum()) < 0, "the step goes up", "down", "up")


@check("optim.muon")
def test_muon_refuses_what_is_no_matrix_or_makes_no_sense(subject):
    for shape in ((), (3,), (2, 3, 4)):
        p = torch.ones(shape, device=subject.device, requires_grad=True)
        assert_raises(f"Muon of a parameter {shape}", ValueError, lambda p=p: torch.optim.Muon([p]))
    assert_raises("Muon of nothing", ValueError, lambda: torch.optim.Muon([]))
    p = torch.ones(2, 3, device=subject.device, requires_grad=True)
    for bad in ({"lr": -0.1}, {"momentum": -0.1}, {"weight_decay": -0.1}, {"adjust_lr_fn": "other"}):
        assert_raises(f"Muon({bad})", ValueError, lambda bad=bad: torch.optim.Muon([p], **bad))

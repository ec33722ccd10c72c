"""Initialisers beyond the common ones: identities of any shape, sparse draws, generators, float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.chance import assert_distribution, numbers
from conformance.check import check, must_answer
from conformance.oracle import random as chances
from properties.strategies.recipe import DENSE, layouts

pytestmark = must_answer


@check("init.constant")
def test_eye_of_any_shape(subject):
    for shape in ((4, 6), (6, 4), (5, 5), (1, 3), (3, 1)):
        for recipe in layouts(np.full(shape, 7.0), "float32", DENSE):
            w = recipe.on(subject).requires_grad_()
            require(nn.init.eye_(w) is w, "eye_ does not return its tensor")
            assert_values(f"eye_ of shape {shape}, strides {w.stride()}", w, np.eye(*shape), dtype="float32")


@check("init.constant")
def test_dirac_passes_channels_through(subject):
    for shape, groups in (((4, 4, 3), 1), ((6, 3, 3, 3), 2), ((6, 2, 5, 3), 3), ((4, 6, 3, 3, 5), 1), ((5, 3, 3), 1)):
        wanted, part = np.zeros(shape), shape[0] // groups
        for row in range(shape[0]):
            if row % part < shape[1]:
                wanted[(row, row % part, *(size // 2 for size in shape[2:]))] = 1
        w = torch.full(shape, 7.0, device=subject.device, requires_grad=True)
        require(nn.init.dirac_(w, groups) is w, "dirac_ does not return its tensor")
        assert_values(f"dirac_ of shape {shape}, groups={groups}", w, wanted, dtype="float32")
    bad = torch.zeros(5, 2, 3, device=subject.device)
    assert_raises("dirac_ of 5 channels in 2 groups", ValueError, lambda: nn.init.dirac_(bad, 2))
    assert_raises("dirac_ of two dimensions", ValueError, lambda: nn.init.dirac_(bad[0]))


@check("init.plain-draws")
def test_sparse_leaves_out_a_share_of_each_column(subject):
    for shape, sparsity, zeros in (((50, 60), 0.1, 5), ((60, 50), 0.5, 30), ((21, 90), 0.25, 6)):
        w = torch.full(shape, 7.0, device=subject.device, requires_grad=True)
        require(nn.init.sparse_(w, sparsity, std=0.5) is w, "sparse_ does not return its tensor")
        found = numbers("sparse_", w)
        call = f"sparse_({shape}, {sparsity})"
        counts = (found == 0).sum(0)
        require((counts == zeros).all(), f"{call}: zeros in each column", zeros, counts[:5])
        assert_distribution(call, found[found != 0], chances.normal(0, 0.5), 1e-6)
        rows = (found == 0).sum(1)
        require(rows.min() < rows.max(), f"{call} zeroes the same rows in all columns")


@check("init.plain-draws")
def test_draws_of_float64_use_its_whole_width(subject):
    for name, arguments in (("uniform_", (-2, 3)), ("normal_", (1, 0.5)), ("trunc_normal_", (0, 1))):
        w = torch.empty(60, 50, dtype=torch.float64, device=subject.device)
        found = host.array(getattr(nn.init, name)(w, *arguments))
        share = (found.astype(np.float32) == found).mean()
        require(share < 0.01, f"{name} draws float64 with the bits of float32", "at most 0.01", share)


DRAWS = {
    "uniform_": "init.plain-draws",
    "normal_": "init.plain-draws",
    "trunc_normal_": "init.plain-draws",
    "xavier_uniform_": "init.xavier-uniform",
    "xavier_normal_": "init.xavier-normal",
    "kaiming_uniform_": "init.kaiming",
    "kaiming_normal_": "init.kaiming",
    "orthogonal_": "init.orthogonal",
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=check(claim, since="2.6")) for name, claim in DRAWS.items()])
def test_an_initialiser_draws_from_its_generator(subject, name):
    own, found = torch.Generator(device=subject.device), []
    state = host.bits(torch.get_rng_state()).tobytes()
    for seed in (3, 3, 4):
        w = torch.empty(8, 6, device=subject.device)
        own.manual_seed(seed)
        getattr(nn.init, name)(w, generator=own)
        found.append(host.bits(w).tobytes())
    require(found[0] == found[1], f"{name} of one seed of its generator differs")
    require(found[0] != found[2], f"{name} of two seeds of its generator is the same")
    moved = host.bits(torch.get_rng_state()).tobytes() != state
    require(not moved, f"{name}(generator=…) moves the global generator")

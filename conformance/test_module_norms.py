"""Weights kept to a norm, by every option: which parameter, which dimension, how many steps, and back again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import GRADIENT
from conformance.tables.module_tree import assert_same

pytestmark = must_answer

SIGNS = np.array([[1.0, 1, -1, 1], [1, -1, 1, 1], [-1, 1, 1, 1], [1, 1, 1, -1]])
KINDS = ["older", "newer"]
ERROR = GRADIENT.over(64)


@check("module.weight-norm", since="2.1")
@pytest.mark.parametrize("kind", KINDS)
def test_any_parameter_takes_a_length(subject, kind):
    for name in ("weight_hh", "weight_ih"):
        cell = nn.RNNCell(4, 4).to(subject.device).double()
        setattr(cell, name, nn.Parameter(host.tensor(SIGNS, "float64", subject.device)))
        others = set(dict(cell.named_parameters())) - {name}
        if kind == "older":
            nn.utils.weight_norm(cell, name)
            parts = {f"{name}_g", f"{name}_v"}
        else:
            nn.utils.parametrizations.weight_norm(cell, name)
            parts = {f"parametrizations.{name}.original0", f"parametrizations.{name}.original1"}
        assert_same(f"parameters after weight_norm of {name}", set(dict(cell.named_parameters())), others | parts)
        assert_values(f"{name} afterwards", getattr(cell, name).detach(), SIGNS)


def unfolded(values: np.ndarray, dim: int) -> np.ndarray:
    return np.moveaxis(values, dim, 0).reshape(values.shape[dim], -1)


def normed(kind: str, layer: nn.Module, **options: Any) -> nn.Module:
    act = nn.utils.spectral_norm if kind == "older" else nn.utils.parametrizations.spectral_norm
    torch.manual_seed(5)
    return act(layer, **options)


def lopsided(shape: tuple[int, ...]) -> np.ndarray:
    """A weight whose largest singular value depends on the dimension that makes the rows."""
    values = np.zeros(shape)
    values.reshape(*shape[:2], -1)[0, 0, 0], values.reshape(*shape[:2], -1)[0, 1, -1] = 8, 4
    values.reshape(*shape[:2], -1)[1, 2, -1] = 1
    return values


# The dimension of the outputs, which is the default one, is the second of a transposed convolution's weight.
PLACES = [
    (lambda: nn.Conv1d(3, 2, 2), 0),
    (lambda: nn.Conv2d(3, 2, (2, 1)), 0),
    (lambda: nn.ConvTranspose1d(2, 3, 2), 1),
    (lambda: nn.ConvTranspose2d(2, 3, (1, 2)), 1),
]


@check("module.spectral-norm")
@pytest.mark.parametrize("kind", KINDS)
def test_the_matrix_has_a_dimension_for_its_rows(subject, kind):
    for make, default in PLACES:
        for options in ({}, {"dim": 1 - default}):
            layer = make().to(subject.device).double()
            values = lopsided(tuple(layer.weight.shape))
            layer.weight.data = host.tensor(values, "float64", subject.device)
            normed(kind, layer, n_power_iterations=30, **options)
            x = torch.ones(1, 3, *[3] * (values.ndim - 2), dtype=torch.float64, device=subject.device)
            layer(x if default == 0 else x[:, :2])
            layer.eval()
            largest = np.linalg.svd(unfolded(values, options.get("dim", default)), compute_uv=False)[0]
            call = f"the weight of {type(layer).__name__} under spectral_norm({options})"
            assert_values(call, layer.weight.detach(), values / largest, ERROR, 1)


@check("module.spectral-norm")
@pytest.mark.parametrize("kind", KINDS)
def test_a_call_makes_so_many_steps(subject, kind):
    values = np.diag([8.0, 6.0, 1.0])
    for steps, exact in ((100, True), (1, False)):
        layer = nn.Linear(3, 3).to(subject.device).double()
        layer.weight.data = host.tensor(values, "float64", subject.device)
        normed(kind, layer, n_power_iterations=steps)
        layer(torch.ones(1, 3, dtype=torch.float64, device=subject.device))
        if exact:
            assert_values("the weight after 100 steps", layer.weight.detach(), values / 8, ERROR, 1)
        largest = float(layer.weight.detach().cpu().max())
        require(exact or largest != 1, f"one step of spectral_norm finds what takes more of them: {largest}")


@check("module.spectral-norm")
def test_spectral_norm_is_taken_off(subject):
    for name in ("weight_hh", "weight_ih"):
        cell = nn.RNNCell(4, 4).to(subject.device).double()
        names = {"bias_hh", "bias_ih", "weight_hh", "weight_ih"}
        nn.utils.spectral_norm(cell, name)
        assert_same("the parameters", set(dict(cell.named_parameters())), names - {name} | {f"{name}_orig"})
        cell(torch.ones(1, 4, dtype=torch.float64, device=subject.device))
        before = host.array(getattr(cell, name).detach())
        require(nn.utils.remove_spectral_norm(cell, name) is cell, "remove_spectral_norm returns another object")
        assert_same("the state afterwards", set(cell.state_dict()), names)
        require(isinstance(getattr(cell, name), nn.Parameter), f"{name} is no Parameter afterwards")
        assert_values(f"{name} afterwards", getattr(cell, name).detach(), before, ERROR, 1)
        cell(torch.ones(1, 4, dtype=torch.float64, device=subject.device))
        assert_values(f"{name} after a call", getattr(cell, name).detach(), before, ERROR, 1)
        call = "remove_spectral_norm of a plain layer"
        assert_raises(call, ValueError, lambda: nn.utils.remove_spectral_norm(cell, name))


def assert_orthogonal(call: str, matrix: torch.Tensor) -> np.ndarray:
    """Refute unless the shorter of rows and columns are orthonormal. Returns the matrix."""
    found = host.array(matrix.detach())
    turned = found.swapaxes(-1, -2)
    square = found @ turned if found.shape[-2] < found.shape[-1] else turned @ found
    due = np.broadcast_to(np.eye(square.shape[-1]), square.shape)
    assert_values(f"{call}: Q^T Q", torch.tensor(square), due, ERROR, 1)
    return found


@check("module.orthogonal")
@pytest.mark.parametrize("orthogonal_map", [None, "matrix_exp", "cayley", "householder"])
def test_a_weight_is_kept_orthogonal(subject, orthogonal_map):
    named: dict[str, Any] = {} if orthogonal_map is None else {"orthogonal_map": orthogonal_map}
    for shape in ((3, 3), (4, 2), (2, 4), (2, 3, 3)):
        for trivial in (True, False) if shape == (3, 3) else (len(shape) == 3 or shape[0] > 2,):
            layer = nn.Module()
            torch.manual_seed(3)
            layer.matrix = nn.Parameter(torch.randn(shape, dtype=torch.float64).to(subject.device))
            out = nn.utils.parametrizations.orthogonal(layer, "matrix", **named, use_trivialization=trivial)
            require(out is layer, "orthogonal returns another object")
            call = f"orthogonal({shape}, {orthogonal_map}, use_trivialization={trivial})"
            before = assert_orthogonal(call, layer.matrix)
            original = layer.parametrizations.matrix.original
            layer.matrix.triu().sum().backward()
            require(original.grad is not None, f"{call}: the original gets no gradient")
            with torch.no_grad():
                original.sub_(original.grad / 4)  # as training moves it
            after = assert_orthogonal(f"{call}, after a step", layer.matrix)
            require(abs(after - before).max() > 0.01, f"{call}: a step leaves the matrix as it is")


@check("module.orthogonal")
def test_what_cannot_be_orthogonal_is_refused(subject):
    act = nn.utils.parametrizations.orthogonal
    layer = nn.Linear(3, 3).to(subject.device)
    assert_raises("orthogonal_map='qr'", ValueError, lambda: act(layer, orthogonal_map="qr"))
    assert_raises("orthogonal of a vector", ValueError, lambda: act(layer, "bias"))
    assert_raises("orthogonal of no tensor", ValueError, lambda: act(layer, "gain"))
    require(not parametrize.is_parametrized(layer), "a refused layer is parametrised")

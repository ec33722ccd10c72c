"""Activations and dropouts with inplace=True, as functions and as modules: they change their argument and return it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import COMPOSED
from conformance.oracle import inplace as oracle
from conformance.tables.inplace_calls import flat, gaps, version
from properties.strategies.recipe import contiguous, layouts

pytestmark = must_answer

VALUES = np.resize([-2, -0.5, 0, 0.25, 0.75, 3, -1, 7, -4, 5], (5, 9))
# The function and the module of each, the positional arguments of both, and what it makes of x.
ACTIVATIONS: dict[str, tuple[str, str, tuple[Any, ...], Any]] = {
    "relu": ("relu", "ReLU", (), lambda x: np.maximum(x, 0)),
    "relu6": ("relu6", "ReLU6", (), lambda x: np.clip(x, 0, 6)),
    "elu": ("elu", "ELU", (2.0,), oracle.elu),
    "celu": ("celu", "CELU", (2.0,), oracle.celu),
    "selu": ("selu", "SELU", (), oracle.selu),
    "leaky_relu": ("leaky_relu", "LeakyReLU", (0.25,), oracle.leaky_relu),
    "rrelu": ("rrelu", "RReLU", (0.25, 0.25), oracle.rrelu),
    "hardtanh": ("hardtanh", "Hardtanh", (-0.5, 2.0), oracle.hardtanh),
    "threshold": ("threshold", "Threshold", (0.5, 20.0), oracle.threshold),
    "silu": ("silu", "SiLU", (), lambda x: x / (1 + np.exp(-x))),
    "mish": ("mish", "Mish", (), lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    "hardswish": ("hardswish", "Hardswish", (), lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "hardsigmoid": ("hardsigmoid", "Hardsigmoid", (), lambda x: np.clip(x / 6 + 0.5, 0, 1)),
}


def ways(name: str) -> dict[str, Any]:
    """The calls of a row: by name, with and without inplace."""
    function, module, args, _ = ACTIVATIONS[name]
    return {
        f"F.{function}(x, inplace=True)": lambda x: getattr(functional, function)(x, *args, inplace=True),
        f"nn.{module}(inplace=True)(x)": lambda x: getattr(torch.nn, module)(*args, inplace=True)(x),
        f"F.{function}(x)": lambda x: getattr(functional, function)(x, *args),
        f"nn.{module}()(x)": lambda x: getattr(torch.nn, module)(*args)(x),
    }


@check("inplace.keyword")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_inplace_decides_whether_the_argument_changes(subject, name):
    _, _, args, rule = ACTIVATIONS[name]
    for call, way in ways(name).items():
        for dtype in ("float32", "float64"):
            for recipe in layouts(VALUES, dtype):
                base = flat(subject, recipe)
                x, before = base.as_strided(recipe.shape, recipe.strides, recipe.offset), host.bits(base)
                kept, told, text = Unchanged(x=x), version(x), f"{call}, x {dtype} {recipe.strides}"
                out = way(x)
                assert_values(text, out, rule(recipe.array.astype(np.longdouble), *args), COMPOSED, dtype=dtype)
                if "inplace" not in call:
                    kept.check(text)
                    assert_apart(text, out, x)
                    continue
                require(out is x, f"{text} is not its argument")
                require(version(x) > told, f"{text} does not move the version counter")
                free = gaps(recipe.shape, recipe.strides, recipe.offset, len(recipe.buffer))
                require((host.bits(base)[free] == before[free]).all(), f"{text} wrote around the elements")


@check("inplace.keyword")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_inplace_is_refused_for_leaves_and_recorded_for_results(subject, name):
    *changing, plain = list(ways(name).items())[:3]
    expected = contiguous(VALUES, "float64").with_grad().on(subject)
    plain[1](expected * 1).sum().backward()
    for call, way in changing:
        leaf = contiguous(VALUES, "float64").with_grad().on(subject)
        before = Unchanged(leaf=leaf)
        assert_raises(f"{call} of a leaf that requires grad", RuntimeError, lambda: way(leaf))
        before.check(f"{call}, which fails,")
        y = leaf * 1
        require(way(y) is y, f"{call} of a result is not its argument")
        y.sum().backward()
        assert_values(f"the gradient through {call}", leaf.grad, host.array(expected.grad), COMPOSED, dtype="float64")


# The modules of the alpha dropouts take inplace and do not heed it.
DROPOUTS = {
    "dropout": "Dropout",
    "alpha_dropout": "",
    "dropout1d": "Dropout1d",
    "dropout2d": "Dropout2d",
    "dropout3d": "Dropout3d",
    "feature_alpha_dropout": "",
}


def dropping(name: str, **inplace: bool) -> dict[str, Any]:
    """The calls of a dropout: each takes a tensor, and whether it is in training."""
    kind, told = DROPOUTS[name], ", inplace=True" * len(inplace)
    found = {f"F.{name}(x, 0.5, training{told})": lambda x, on: getattr(functional, name)(x, 0.5, on, **inplace)}
    if kind:
        found[f"nn.{kind}(0.5{told})(x)"] = lambda x, on: getattr(torch.nn, kind)(0.5, **inplace).train(on)(x)
    return found


@check("inplace.keyword")
@pytest.mark.parametrize("name", DROPOUTS)
def test_dropouts_in_place_change_their_argument(subject, name):
    dims = {"dropout1d": 3, "dropout2d": 4, "dropout3d": 5}.get(name, 4)
    values = np.full((2, 40, 3, 2, 2)[:dims], 3.0)
    for recipe in layouts(values, "float32", ("contiguous", "stepped", "transposed")):
        for call, way in dropping(name, inplace=True).items():
            for training in (False, True):
                x, text = recipe.on(subject), f"{call}, training={training}, x {recipe.strides}"
                require(way(x, training) is x, f"{text} is not its argument")
                changed = bool((host.array(x) != 3).any())
                require(changed is training, f"{text} changes its argument: {changed}", training, changed)
        for call, way in dropping(name).items():
            x = recipe.on(subject)
            before, text = Unchanged(x=x), f"{call} in training, x {recipe.strides}"
            require(way(x, True) is not x, f"{text} is its argument")
            before.check(text)

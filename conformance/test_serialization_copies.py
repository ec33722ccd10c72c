"""pickle and copy.deepcopy of tensors and modules, by example."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.tables.serialization_samples import (
    assert_alike,
    assert_equal,
    assert_tensors,
    batch,
    net,
    storage_address,
    storage_bytes,
)
from properties.strategies.recipe import LAYOUTS, contiguous, layouts
from properties.strategies.values import cycle, distinct, interesting

pytestmark = must_answer

EVERY = [
    pytest.param(name, marks=check("serialization.deepcopy", since="2.6" if name not in COMMON else None))
    for name in DTYPES
]


def pickled(thing, protocol=pickle.DEFAULT_PROTOCOL):
    """Through Python's own pickle."""
    return pickle.loads(pickle.dumps(thing, protocol))


def through_pickler(thing):
    """Through a Pickler and an Unpickler, by way of a file."""
    file = io.BytesIO()
    pickle.Pickler(file).dump(thing)
    file.seek(0)
    return pickle.Unpickler(file).load()


@pytest.mark.parametrize("dtype", [pytest.param(name, marks=check("serialization.pickle")) for name in COMMON])
def test_pickle_keeps_everything(subject, dtype):
    for recipe in layouts(cycle(interesting(dtype), (3, 17)), dtype, LAYOUTS):
        x = recipe.on(subject)
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            out = pickled(x, protocol)
            assert_alike(f"the tensor through pickle protocol {protocol}", out, x)
            require(not overlap(out, x), "pickle gives the tensor itself")
        assert_alike("the tensor through a Pickler", through_pickler(x), x)
    for shape in ((), (0,), (2, 0), (40000,)):
        x = contiguous(distinct(dtype, shape), dtype).on(subject)
        assert_alike(f"{dtype}{list(shape)} through pickle", pickled(x), x)


@pytest.mark.parametrize(
    "dtype",
    [
        pytest.param(name, marks=check("serialization.pickle", since=since))
        for name, since in {"complex32": "1.13", "float8_e5m2": "2.2", "uint16": "2.6"}.items()
    ],
)
def test_pickle_knows_the_newer_dtypes(subject, dtype):
    x = contiguous(distinct(dtype, (5,)), dtype).on(subject)
    assert_alike(f"{dtype} through pickle", pickled(x), x)


@check("serialization.pickle")
def test_pickle_keeps_class_flag_and_nesting(subject):
    x = contiguous(distinct("float32", (4, 3)), "float32").on(subject)
    for wanted in (True, False):
        parameter = nn.Parameter(x.clone(), requires_grad=wanted)
        leaf = x.clone().requires_grad_(wanted)
        out = pickled({"parameter": parameter, "leaf": leaf, "more": [x.t(), 1, "text", (parameter,)]})
        assert_alike("the Parameter", out["parameter"], parameter)
        assert_alike("the leaf", out["leaf"], leaf)
        assert_alike("the transpose", out["more"][0], x.t())
        require(out["more"][3][0] is out["parameter"], "the Parameter has become two")
        require(out["leaf"].is_leaf and out["leaf"].grad is None, "the leaf has a history or a gradient")
        assert_alike("x * leaf without its history", pickled((x * leaf).detach()), (x * leaf).detach())
    assert_tensors("the state of a network", pickled(net(subject).state_dict()), net(subject).state_dict())


@check("serialization.pickle")
def test_pickle_takes_whole_networks(subject):
    made, x = net(subject).eval(), batch(subject)
    out = pickled(made)
    assert_tensors("the state of the network", out.state_dict(), made.state_dict())
    assert_equal("training", out.training, False)
    with torch.no_grad():
        assert_values("network(x)", out(x), host.array(made(x)))
    require(not overlap(out.out.weight, made.out.weight), "the network shares its weight with the first")


@pytest.mark.parametrize("dtype", EVERY)
def test_deepcopy_keeps_everything(subject, dtype):
    for recipe in layouts(cycle(interesting(dtype), (3, 17)), dtype, LAYOUTS):
        x = recipe.on(subject)
        bits = host.bits(x).tobytes()
        out = copy.deepcopy(x)
        assert_alike("copy.deepcopy(x)", out, x)
        assert_equal("offset of copy.deepcopy(x)", out.storage_offset(), recipe.offset)
        require(not overlap(out, x), "copy.deepcopy(x) lies in the memory of x")
        out.zero_()
        require(host.bits(x).tobytes() == bits, "x changed with its copy")
    for shape in ((), (0,), (2, 0), (40000,)):
        if dtype == "complex32" and shape == ():
            continue  # its host values have no form of no dimension
        x = contiguous(distinct(dtype, shape), dtype).on(subject)
        assert_alike(f"copy.deepcopy of {dtype}{list(shape)}", copy.deepcopy(x), x)


@check("serialization.deepcopy")
def test_deepcopy_keeps_class_flag_and_gradient(subject):
    x = contiguous(distinct("float32", (4, 3)), "float32").on(subject)
    for made in (x.clone(), x.clone().requires_grad_(), nn.Parameter(x.clone()), nn.Parameter(x.clone(), False)):
        out = copy.deepcopy(made)
        assert_alike("copy.deepcopy(x)", out, made)
        require(out.grad is None, "the copy of a tensor without gradient has one")
        if not made.requires_grad or isinstance(made, nn.Parameter):
            continue
        (made**2).sum().backward()
        out = copy.deepcopy(made)
        assert_alike("copy.deepcopy(x) of a leaf with gradient", out, made)
        require(out.is_leaf, "the copy is no leaf")
        assert_alike("gradient of the copy", out.grad, made.grad)
        require(not overlap(out.grad, made.grad), "the gradient of the copy is that of x")
        out.grad.zero_()
        require(made.grad.any().item(), "the gradient of x changed with that of its copy")
        (out * 3).sum().backward()
        assert_values("gradient of the copy", out.grad, np.full((4, 3), 3.0))


@check("serialization.deepcopy")
def test_deepcopy_keeps_the_flag_at_every_size(subject):
    for shape in ((), (0,), (1,), (17,), (3, 4, 5)):
        for dtype in ("float32", "float64", "bfloat16", "complex64"):
            x = contiguous(distinct(dtype, shape), dtype).with_grad().on(subject)
            for name, made in (("copy.deepcopy", copy.deepcopy(x)), ("pickle", pickled(x))):
                assert_alike(f"{name} of {dtype}{list(shape)} with requires_grad", made, x)
                require(made.is_leaf, f"{name} of {dtype}{list(shape)} is no leaf")


@check("serialization.deepcopy")
def test_deepcopy_keeps_lazy_views_and_meta(subject):
    x = contiguous(np.array([1 + 2j, 3 - 1j], np.complex64), "complex64").on(subject)
    assert_values("copy.deepcopy(x.conj())", copy.deepcopy(x.conj()), np.array([1 - 2j, 3 + 1j]))
    assert_values("copy.deepcopy(x.conj().imag)", copy.deepcopy(x.conj().imag), np.array([-2.0, 1.0]))
    out = copy.deepcopy(torch.empty(2, 3, dtype=torch.int16, device="meta"))
    assert_equal("copy of a meta tensor", (out.device.type, out.dtype, tuple(out.shape)), ("meta", torch.int16, (2, 3)))


@check("serialization.deepcopy-sharing")
def test_deepcopy_keeps_sharing(subject):
    values = distinct("float32", (9,))
    x = contiguous(values, "float32").on(subject)
    parameter = nn.Parameter(x.clone())
    thing = {"x": x, "evens": x[1::2], "square": [x.view(3, 3).t()], "tied": (parameter, parameter), "again": x}
    out = copy.deepcopy(thing)
    require(out["x"] is out["again"] and out["tied"][0] is out["tied"][1], "one tensor has become two")
    parts = [out["x"], out["evens"], out["square"][0]]
    assert_equal("storages of the views", len({storage_address(part) for part in parts}), 1)
    require(storage_address(parts[0]) != storage_address(x), "the copies lie in the memory of the first")
    assert_equal("bytes behind a view", storage_bytes(out["evens"]), 36)
    out["evens"].zero_()
    due = values.copy()
    due[1::2] = 0
    for part, wanted in zip(parts, (due, due[1::2], due.reshape(3, 3).T), strict=True):
        assert_values("a view after a write through another", part, wanted)
    assert_values("x after the write", x, values)


@check("serialization.deepcopy-non-leaf")
def test_a_tensor_with_a_history_cannot_be_copied(subject):
    x = contiguous(distinct("float32", (3,)), "float32").with_grad().on(subject)
    for made in (x * 2, x[1:], x.sum(), x.clone().view(3, 1)):
        assert_raises("copy.deepcopy of a tensor with a history", RuntimeError, lambda: copy.deepcopy(made))
        assert_raises("copy.deepcopy of a list of it", RuntimeError, lambda: copy.deepcopy([made]))
        assert_alike("copy.deepcopy without the history", copy.deepcopy(made.detach()), made.detach())
    with torch.no_grad():
        made = x * 2
    assert_alike("copy.deepcopy of x * 2, made under no_grad", copy.deepcopy(made), made)


@check("serialization.deepcopy-module")
def test_a_module_is_copied_whole(subject):
    made, x = net(subject), batch(subject)
    tied = nn.Sequential(made, nn.Linear(2, 2).to(subject.device), nn.Linear(2, 2).to(subject.device)).eval()
    tied[2].weight = tied[1].weight
    with torch.no_grad():
        due = host.array(tied(x))
    out = copy.deepcopy(tied)
    assert_tensors("the state", out.state_dict(), tied.state_dict())
    require(out[1].weight is out[2].weight, "the tied parameter has become two")
    assert_equal("training, name", (out.training, out[0].training, out[0].name), (False, False, "of one's own"))
    for (name, ours), theirs in zip(out.named_parameters(), tied.parameters(), strict=True):
        require(ours is not theirs and not overlap(ours, theirs), f"{name} is shared with the first")
    with torch.no_grad():
        assert_values("copy(x)", out(x), due)
        for entry in out.state_dict().values():
            entry.zero_()
        assert_values("net(x) after the copy was cleared", tied(x), due)

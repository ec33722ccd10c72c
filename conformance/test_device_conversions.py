"""Conversions along with a move: of values, of whole modules by name, and of every kind of layer, by example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import ROUNDED
from conformance.tables.device_places import assert_at, assert_outline, values
from conformance.tables.device_samples import entries, held, made

pytestmark = must_answer

# -- values ------------------------------------------------------------------------------------------------------------

FLOATS = np.array([0, -0.0, 0.5, -1.5, 2.5, np.pi, 1 + 2**-8 + 2**-12, 1 - 2**-9 - 2**-13, 1000 + 1 / 3, -77.7])
GIVEN = {
    "float64": FLOATS,
    "float32": FLOATS.astype(np.float32),
    "int64": np.array([0, 1, -1, 127, -128, 2049, 4097, 2**24 + 1, -(2**31) - 1, 2**53 + 1, 2**62 + 3]),
    "int32": np.array([0, 1, -1, 127, -128, 2049, 4097, 2**24 + 1, 2**31 - 1], np.int32),
    "uint8": np.arange(256).astype(np.uint8),
    "bool": np.array([True, False, True]),
}
WIDER = {"uint8": ("int16", "int32", "int64"), "bool": ("uint8", "int8", "int32", "int64"), "int32": ("int64",)}
FORMS: dict[str, Callable[[torch.Tensor, Any, torch.dtype], torch.Tensor]] = {
    "x.to(dtype)": lambda x, device, dtype: x.to(dtype),
    "x.to(device, dtype)": lambda x, device, dtype: x.to(device, dtype),
    "x.to(dtype=dtype, copy=True)": lambda x, device, dtype: x.to(dtype=dtype, copy=True),
    "x.to(other)": lambda x, device, dtype: x.to(torch.empty(0, dtype=dtype, device=device)),
    "x.type(dtype)": lambda x, device, dtype: x.type(dtype),
}


@pytest.mark.parametrize("given", [pytest.param(name, marks=check("device.to-changes-dtype-too")) for name in GIVEN])
def test_values_are_converted_to_the_nearest(subject, given):
    exact = GIVEN[given].astype(np.longdouble)
    x = values(subject, GIVEN[given], given)
    pairs = values(subject, np.stack([GIVEN[given]] * 2, 1), given)[:, 0]
    for wanted in filter(subject.supports, ("float64", "float32", "float16", "bfloat16", *WIDER.get(given, ()))):
        for call, form in FORMS.items():
            for layout, tensor in (("", x), (", strided", pairs)):
                out = form(tensor, subject.device, host.torch_dtype(wanted))
                assert_values(f"{call} from {given} to {wanted}{layout}", out, exact, ROUNDED, dtype=wanted)


@check("device.to-changes-dtype-too")
def test_whatever_is_not_zero_is_true(subject):
    for dtype in ("float32", "float64", "float16", "bfloat16", "complex64", "int64", "int8"):
        if not subject.supports(dtype):
            continue
        special = [0, 1, -1] if dtype.startswith("int") else [0, -0.0, 1, -0.5, np.nan, np.inf, -np.inf]
        x = values(subject, np.array(special), dtype)
        due = np.array(special) != 0
        for call, form in FORMS.items():
            assert_values(f"{call} from {dtype} to bool", form(x, subject.device, torch.bool), due, dtype="bool")


@check("device.to-changes-dtype-too")
def test_fractions_are_cut_and_lazy_views_resolved(subject):
    fractions = np.array([0.0, 0.75, -0.75, 1.5, -1.5, 2.5, 99.75, -127.0])
    for dtype in ("float32", "float64", "float16"):
        for wanted in ("int8", "int16", "int32", "int64"):
            for call, form in FORMS.items():
                out = form(values(subject, fractions, dtype), subject.device, host.torch_dtype(wanted))
                assert_values(f"{call} from {dtype} to {wanted}", out, np.trunc(fractions), dtype=wanted)
    z = np.array([1 + 2j, 3 - 1j, -0.5j])
    for call, form in FORMS.items():
        lazy = values(subject, z, "complex64").conj()
        assert_values(f"{call} of x.conj()", form(lazy, subject.device, torch.complex128), z.conj(), dtype="complex128")
        out = form(lazy.imag, subject.device, torch.float64)
        assert_values(f"{call} of x.conj().imag", out, -z.imag, dtype="float64")


@check("device.to-changes-dtype-too")
def test_a_sparse_tensor_stays_sparse(subject):
    dense = np.array([[0, 2.5], [-1.5, 0]], np.float32)
    for x in (values(subject, dense).to_sparse(), values(subject, dense).to_sparse_csr()):
        for call in ("x.to(dtype)", "x.to(device, dtype)", "x.to(dtype=dtype, copy=True)"):
            out = FORMS[call](x, subject.device, torch.float64)
            require(out.layout == x.layout, f"{call} of a {x.layout} tensor is {out.layout}", x.layout, out.layout)
            assert_values(f"{call} of a {x.layout} tensor", out.to_dense(), dense, dtype="float64")


@check("device.to-memory-format")
def test_cpu_takes_a_memory_format(subject):
    data = np.arange(48.0).reshape(2, 3, 4, 2)
    for given in (torch.contiguous_format, torch.channels_last):
        x = values(subject, data).contiguous(memory_format=given)
        for wanted in (torch.contiguous_format, torch.channels_last, torch.preserve_format):
            out = x.cpu(memory_format=wanted)
            assert_values(f"x.cpu(memory_format={wanted})", assert_at("x.cpu()", out, "cpu"), data)
            due = given if wanted is torch.preserve_format else wanted
            require(out.is_contiguous(memory_format=due), f"x.cpu(memory_format={wanted}) has strides {out.stride()}")


# -- modules -----------------------------------------------------------------------------------------------------------

# Conversions by name: the dtype of what is floating, and whether integers are converted too.
NAMED: dict[str, tuple[Callable[[nn.Module], nn.Module], str, bool]] = {
    "cpu()": (lambda net: net.cpu(), "float32", False),
    "half()": (lambda net: net.half(), "float16", False),
    "bfloat16()": (lambda net: net.bfloat16(), "bfloat16", False),
    "double()": (lambda net: net.double(), "float64", False),
    "double().float()": (lambda net: net.double().float(), "float32", False),
    "to(torch.half)": (lambda net: net.to(torch.half), "float16", False),
    "type(torch.double)": (lambda net: net.type(torch.double), "float64", True),
    "type(torch.half)": (lambda net: net.type(torch.half), "float16", True),
}


@check("device.module-to-forms")
def test_conversions_by_name_reach_every_entry(subject):
    for call, (action, dtype, every) in NAMED.items():
        net = made()
        net.eval()
        ids, before = {name: id(p) for name, p in net.named_parameters()}, held(net)
        require(action(net) is net, f"net.{call} is another module")
        require({name: id(p) for name, p in net.named_parameters()} == ids, f"net.{call} replaced a Parameter")
        require(not any(part.training for part in net.modules()), f"net.{call} switched to training")
        for name, tensor in entries(net).items():
            due = dtype if every or before[name].dtype.kind == "f" else "int64"
            call_of = f"net.{call}: {name}"
            exact = before[name].astype(np.longdouble)
            assert_values(call_of, tensor.detach(), exact, ROUNDED, dtype=due)


@check("device.module-to-forms")
def test_a_module_takes_a_memory_format(subject):
    for named in ({}, {"dtype": torch.float64}, {"device": subject.device}):
        net = nn.Sequential(nn.Conv2d(3, 4, 2), nn.Linear(2, 2), nn.Sequential(nn.Conv2d(4, 5, 3), nn.Conv1d(2, 3, 2)))
        before = held(net)
        require(net.to(memory_format=torch.channels_last, **named) is net, "net.to(memory_format=) is another module")
        for name, tensor in entries(net).items():
            call = f"net.to(memory_format=torch.channels_last, {named}): {name}"
            assert_values(call, tensor.detach(), before[name])
            order = torch.channels_last if tensor.dim() == 4 else torch.contiguous_format
            require(tensor.is_contiguous(memory_format=order), f"{call} has strides {tensor.stride()}", order)


@check("device.module-from-meta", since="2.6")
def test_to_empty_moves_children_if_asked(subject):
    for named, there in (({}, "meta"), ({"recurse": True}, "meta"), ({"recurse": False}, "cpu")):
        net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        net.register_buffer("own", torch.ones(3))
        require(net.to_empty(device="meta", **named) is net, "to_empty is another module")
        for name, tensor in entries(net).items():
            assert_at(f"{name} after to_empty(device='meta', {named})", tensor, "meta" if name == "own" else there)


# -- layers of every kind ----------------------------------------------------------------------------------------------

LAYERS: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = (
    *((f"Conv{n}d", (4, 6, 3), {"groups": 2}) for n in (1, 2, 3)),
    *((f"ConvTranspose{n}d", (4, 6, 3), {}) for n in (1, 2, 3)),
    *((f"BatchNorm{n}d", (3,), {}) for n in (1, 2, 3)),
    *((f"InstanceNorm{n}d", (3,), {"affine": True, "track_running_stats": True}) for n in (1, 2, 3)),
    *((kind, (3, 2), {"num_layers": 2, "bidirectional": True}) for kind in ("RNN", "GRU", "LSTM")),
    ("LSTM", (3, 4), {"proj_size": 2}),
    *((kind, (3, 2), {}) for kind in ("RNNCell", "GRUCell", "LSTMCell")),
    ("MultiheadAttention", (4, 2), {}),
    ("MultiheadAttention", (4, 2), {"kdim": 3, "vdim": 5, "add_bias_kv": True}),
    ("TransformerEncoderLayer", (4, 2, 3), {}),
    ("TransformerDecoderLayer", (4, 2, 3), {}),
    ("EmbeddingBag", (7, 3), {}),
    ("Embedding", (7, 3), {"padding_idx": 2}),
    ("AdaptiveLogSoftmaxWithLoss", (4, 9, [3, 6]), {}),
    ("LayerNorm", ((2, 3),), {}),
)


@check("device.modules-on-device")
def test_every_kind_of_layer_is_made_on_its_device(subject):
    for name, given, named in LAYERS:
        shapes = {key: tuple(entry.shape) for key, entry in getattr(nn, name)(*given, **named).state_dict().items()}
        for device, dtype in (
            ("meta", "float64"),
            (subject.device, "float64"),
            ("meta", "float32"),
            ("cpu", "float16"),
        ):
            call = f"nn.{name}{given} on {device} of {dtype}"
            made_there = getattr(nn, name)(*given, **named, device=device, dtype=host.torch_dtype(dtype))
            found = made_there.state_dict(keep_vars=True)
            require(list(found) == list(shapes), f"{call} has {list(found)}", list(shapes), list(found))
            for key, entry in found.items():
                due = "int64" if key.endswith("tracked") else dtype
                assert_outline(f"{call}: {key}", assert_at(f"{call}: {key}", entry, str(device)), due, shapes[key])

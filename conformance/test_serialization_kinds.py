"""What else than strided tensors goes through pickle, copies and files: sizes, generators, optimisers, by example."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.tables.serialization_samples import FREE, OLD, SAFE, assert_alike, assert_equal, batch, net
from properties.strategies.recipe import contiguous
from properties.strategies.values import distinct

pytestmark = must_answer

ROUNDS: dict[str, Callable[[Any], Any]] = {
    "copy.deepcopy": lambda thing: copy.deepcopy(thing),
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
    "torch.save": FREE,
    "torch.save, old format": OLD,
}

CONSTANTS = (
    *(torch.float32, torch.int64, torch.bool, torch.complex128, torch.bfloat16),
    *(torch.strided, torch.sparse_coo, torch.sparse_csr),
)
FORMATS = (torch.contiguous_format, torch.channels_last, torch.preserve_format)


@check("serialization.objects")
def test_sizes_and_constants_come_back_as_they_are(subject):
    for name, way in ROUNDS.items():
        for thing in CONSTANTS + (() if name.startswith("torch.save") else FORMATS):
            require(way(thing) is thing, f"{name} of {thing} is {way(thing)!r}")
            require(way({"a": [thing]})["a"][0] is thing, f"{name} of {thing} in a list is another object")
        for size in (torch.Size([]), torch.Size([3]), torch.Size([2, 0, 4])):
            for call, out in ((name, way(size)), (f"{name} in a dict", way({"size": (size,)})["size"][0])):
                assert_equal(f"{call}: torch.Size", out, size)
                assert_equal(f"{call}: numel()", out.numel(), size.numel())
        device = torch.empty(0, device=subject.device).device
        assert_equal(f"{name}: the device", [way(device), way([device, torch.device("meta")])[0]], [device] * 2)


@check("serialization.objects", since="2.6")
def test_generators_go_on_from_their_state(subject):
    for name in ("copy.deepcopy", "pickle"):
        generator = torch.Generator().manual_seed(7)
        torch.rand(5, generator=generator)
        copies = ROUNDS[name]([generator, generator])
        assert_equal(f"{name}: the seed, twice the same", (copies[0].initial_seed(), copies[0] is copies[1]), (7, True))
        due = host.array(torch.rand(9, generator=generator))
        torch.rand(4, generator=generator)
        assert_values(f"torch.rand of the generator through {name}", torch.rand(9, generator=copies[0]), due)


# -- Parameters and lazy views -----------------------------------------------------------------------------------------


@check("serialization.objects")
def test_parameters_alone_keep_their_flag_and_leave_their_gradient(subject):
    for name, way in ROUNDS.items():
        for dtype in ("float32", "float64", "complex64"):
            x = contiguous(distinct(dtype, (3, 4)), dtype).on(subject)
            for made in (nn.Parameter(x.clone()), nn.Parameter(x.clone(), False), nn.Parameter(x.t().clone(), False)):
                out = way(made)
                assert_alike(f"{name} of a Parameter", out, made)
                require(out.is_leaf and not overlap(out, made), f"{name} of a Parameter is no leaf of its own")
        for leaf in (nn.Parameter(torch.ones(3)), torch.ones(3, requires_grad=True)):
            leaf.sum().backward()
            if name != "copy.deepcopy":
                require(way(leaf).grad is None, f"a gradient came through {name}")
            require(leaf.grad is not None, f"{name} took the gradient away")


@check("serialization.objects", since="2.0")
def test_lazy_views_stay_lazy(subject):
    values = np.array([[1 + 2j, 3 - 1j], [0.5j, 4]], np.complex64)
    x = contiguous(values, "complex64").on(subject)
    for name in ("pickle", "torch.save"):
        for call, made, due in (
            ("x.conj()", x.conj(), values.conj()),
            ("x.conj().imag", x.conj().imag, -values.imag),
            ("x.t().conj()", x.t().conj(), values.T.conj()),
            ("x.conj().real", x.conj().real, values.real),
        ):
            out = ROUNDS[name](made)
            assert_values(f"{call} through {name}", out, due)
            assert_equal(f"{call} through {name}: lazy", (out.is_conj(), out.is_neg()), (made.is_conj(), made.is_neg()))


# -- sparse tensors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROUNDS)
@check("serialization.sparse")
def test_sparse_tensors_keep_what_they_store(subject, name):
    places = np.array([[0, 2, 0], [1, 0, 1]])
    for dtype in ("float32", "float64", "int64", "complex64"):
        stored = contiguous(distinct(dtype, (3,)), dtype).on(subject)
        indices = contiguous(places, "int64").on(subject)
        x = torch.sparse_coo_tensor(indices, stored, (3, 2))
        # _indices and _values: the public names are for coalesced tensors only, and these are not.
        out = ROUNDS[name](x)
        assert_values(f"indices of {dtype}", out._indices(), places, dtype="int64")
        assert_values(f"values of {dtype}", out._values(), host.array(stored), dtype=dtype)
        assert_equal("is_coalesced()", (out.is_coalesced(), tuple(out.shape), out.layout), (False, (3, 2), x.layout))
        assert_values("the values, coalesced", out.coalesce().to_dense(), host.array(x.to_dense()), dtype=dtype)
        require(not overlap(out._values(), x._values()), f"{name} of a sparse tensor shares its values")


# -- optimisers and modules --------------------------------------------------------------------------------------------


def stepped(kind: Any, subject: Any, **options: Any) -> tuple[Any, Any]:
    """A network and its optimiser after two steps."""
    made = net(subject)
    optimizer = kind(made.parameters(), **options)
    for _ in range(2):
        step(made, optimizer, subject)
    return made, optimizer


def step(made: Any, optimizer: Any, subject: Any) -> None:
    optimizer.zero_grad()
    made(batch(subject)).square().sum().backward()
    optimizer.step()


@check("serialization.objects")
def test_an_optimiser_is_copied_with_its_network(subject):
    """The pair goes on as the first does, and each leaves the other's state alone."""
    for kind, options in ((torch.optim.SGD, {"lr": 0.01, "momentum": 0.9}), (torch.optim.Adam, {"lr": 0.01})):
        for name, way in ROUNDS.items():
            pair = stepped(kind, subject, **options)
            copied = way(pair)
            require(type(copied[1]) is kind, f"{name}: the optimiser is a {type(copied[1]).__name__}")
            ours, theirs = (list(each[0].parameters()) for each in (copied, pair))
            held = [p for group in copied[1].param_groups for p in group["params"]]
            require(all(a is b for a, b in zip(held, ours, strict=True)), f"{name}: the optimiser has other Parameters")
            step(*pair, subject)
            moved = [host.array(p.detach()) for p in theirs]
            step(*copied, subject)
            for place, (p, due) in enumerate(zip(ours, moved, strict=True)):
                assert_values(f"{name} of {kind.__name__}: Parameter {place} after a step", p.detach(), due)
            for p, due in zip(theirs, moved, strict=True):
                assert_values(f"{name} of {kind.__name__}: the first after a step of the copy", p.detach(), due)


@check("serialization.objects")
def test_modules_keep_what_is_frozen(subject):
    for name, way in ROUNDS.items():
        made = net(subject).eval()
        made.hidden.weight.requires_grad_(False)
        made.norm.train()
        out = way(made)
        frozen = {key: p.requires_grad for key, p in made.named_parameters()}
        assert_equal(f"{name}: requires_grad", {key: p.requires_grad for key, p in out.named_parameters()}, frozen)
        modes = [(out.training, out.norm.training, out.out.training), (False, True, False)]
        assert_equal(f"{name}: training", *modes)
        for (key, ours), theirs in zip(out.named_buffers(), made.buffers(), strict=True):
            assert_alike(f"{name}: the buffer {key}", ours, theirs)
            require(not overlap(ours, theirs), f"{name}: the buffer {key} is shared with the first")


@check("serialization.objects")
def test_small_copies_have_memory_of_their_own(subject):
    for dtype in ("int64", "float32", "float64", "bool", "uint8", "complex64"):
        for shape in ((), (1,), (1, 1)):
            x = contiguous(distinct(dtype, shape), dtype).on(subject)
            for name, way in {**ROUNDS, "torch.load, weights_only": SAFE}.items():
                require(not overlap(way(x), x), f"{name} of {dtype}{list(shape)} lies in the memory of the first")
                require(not overlap(way([x])[0], x), f"{name} of {dtype}{list(shape)} in a list shares its memory")

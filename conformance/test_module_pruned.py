"""Pruning: every way to choose what is masked, by a matrix of weights or by scores, in one tensor or over several."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from conformance import effort, host
from conformance.assertions import assert_raises, assert_values, require
from conformance.chance import assert_shares
from conformance.check import check, must_answer
from conformance.tables.module_tree import assert_same

pytestmark = must_answer

# No two rows, columns or numbers are alike in any norm; by each norm, and by the scores, the smallest is another one.
VALUES = np.array([[9.0, -1.0, 2.0, 1.5], [-6.0, 5.0, 4.5, 0.5], [3.0, 7.0, -8.0, 0.25]])
SCORES = np.array([[0.5, 9.0, 1.0, 12.0], [8.0, 2.0, 3.0, 6.0], [5.0, 0.25, 4.0, 7.0]])
SHAPES = {nn.Linear: (3, 4), nn.Conv2d: (3, 2, 2, 1)}
ORDERS = {"1": 1, "2": 2, "inf": float("inf"), "-inf": -float("inf")}


def layer_of(subject, kind: type[nn.Module] = nn.Linear, dtype: str = "float64") -> nn.Module:
    """A layer of three outputs and the weights of VALUES."""
    layer = nn.Linear(4, 3) if kind is nn.Linear else nn.Conv2d(2, 3, (2, 1))
    layer = layer.to(subject.device, host.torch_dtype(dtype))
    layer.weight.data = host.tensor(VALUES.reshape(SHAPES[kind]), dtype, subject.device)
    layer.bias.data = host.tensor(np.array([4.0, -0.125, 6.0]), dtype, subject.device)
    return layer


def smallest(scores: np.ndarray, count: int) -> np.ndarray:
    """The mask without the `count` smallest magnitudes."""
    mask = np.ones(scores.size)
    mask[np.argsort(np.abs(scores).ravel(), kind="stable")[:count]] = 0
    return mask.reshape(scores.shape)


def channels(scores: np.ndarray, count: int, order: float, dim: int) -> np.ndarray:
    """The mask without the `count` slices along a dimension that have the smallest norms."""
    rows = np.abs(np.moveaxis(scores, dim, 0).reshape(scores.shape[dim], -1))
    sizes = {1: rows.sum(1), 2: (rows * rows).sum(1), float("inf"): rows.max(1), -float("inf"): rows.min(1)}[order]
    keep = np.ones(len(sizes))
    keep[np.argsort(sizes)[:count]] = 0
    return np.broadcast_to(
        keep.reshape([-1 if d == dim % scores.ndim else 1 for d in range(scores.ndim)]), scores.shape
    )


def masked(call: str, layer: nn.Module, values: np.ndarray, mask: np.ndarray, name: str = "weight") -> None:
    """Refute unless a parameter is pruned by a mask, which the state has beside the original."""
    dtype = host.dtype_name(getattr(layer, f"{name}_orig").dtype)
    assert_values(f"{call}: {name}_mask", getattr(layer, f"{name}_mask"), mask, dtype=dtype)
    assert_values(f"{call}: {name}", getattr(layer, name).detach(), values * mask, dtype=dtype)
    assert_values(f"{call}: {name}_orig", getattr(layer, f"{name}_orig").detach(), values, dtype=dtype)
    names = {"bias", "weight"} - {name} | {f"{name}_orig", f"{name}_mask"}
    assert_same(f"{call}: the state", set(layer.state_dict()), names)
    assert_same(f"{call}: the buffers", [n for n, _ in layer.named_buffers()], [f"{name}_mask"])


@check("module.prune")
@pytest.mark.parametrize("kind", SHAPES, ids=lambda kind: kind.__name__)
def test_what_is_pruned_has_the_smallest_scores(subject, kind):
    shape = SHAPES[kind]
    values = VALUES.reshape(shape)
    for dtype, scores in (("float64", None), ("float32", SCORES.reshape(shape))):
        given = {} if scores is None else {"importance_scores": host.tensor(scores, dtype, subject.device)}
        judged, text = (values, "its own") if scores is None else (scores, "given")
        for amount, count in ((5, 5), (0.25, 3), (0, 0), (12, 12)):
            layer = layer_of(subject, kind, dtype)
            prune.l1_unstructured(layer, "weight", amount, **given)
            masked(f"l1_unstructured({amount}, scores {text})", layer, values, smallest(judged, count))
        for dim in (0, 1, -len(shape), 1 - len(shape)):
            for name, order in ORDERS.items():
                layer = layer_of(subject, kind, dtype)
                prune.ln_structured(layer, "weight", 1, order, dim, **given)
                call = f"ln_structured(1, n={name}, dim={dim}, scores {text})"
                masked(call, layer, values, channels(judged, 1, order, dim))


@check("module.prune-random")
@pytest.mark.parametrize("kind", SHAPES, ids=lambda kind: kind.__name__)
def test_random_channels_are_pruned(subject, kind):
    shape, count = SHAPES[kind], effort.scaled(240, 40)
    for dim in (1, -len(shape)):
        size, drawn, layer = shape[dim], [], layer_of(subject, kind)
        for turn in range(count):
            amount = (1, 1 / size)[turn % 2]
            if turn:
                prune.remove(layer, "weight")
            require(prune.random_structured(layer, "weight", amount, dim) is layer, "another object comes back")
            keep = np.moveaxis(host.array(layer.weight_mask), dim, 0).reshape(size, -1)
            require((keep == keep[:, :1]).all(), f"random_structured(dim={dim}) prunes a part of a channel")
            assert_same(f"channels pruned by random_structured({amount}, dim={dim})", int((keep[:, 0] == 0).sum()), 1)
            drawn.append(int(np.argmin(keep[:, 0])))
        assert_shares(f"the channels of dim {dim}", np.array(drawn), 0, np.full(size, 1 / size))
    layer = layer_of(subject, kind)
    prune.random_structured(layer, "weight", 1, 0)
    masked("random_structured", layer, VALUES.reshape(shape), host.array(layer.weight_mask))
    prune.random_structured(layer, "weight", 1, 0)
    left = host.array(layer.weight_mask).reshape(3, -1).max(1).sum()
    assert_same("channels left after a second call", int(left), 1)


@check("module.prune-random")
def test_random_weights_are_pruned(subject):
    drawn, layer = [], layer_of(subject)
    for turn in range(effort.scaled(240, 40)):
        if turn:
            prune.remove(layer, "bias")
        prune.random_unstructured(layer, "bias", (1, 1 / 3)[turn % 2])
        drawn.append(int(layer.bias_mask.argmin()))
        assert_same("weights pruned", int(layer.bias_mask.eq(0).sum()), 1)
    layer = layer_of(subject)
    prune.random_unstructured(layer, "bias", 2)
    masked("random_unstructured", layer, np.array([4.0, -0.125, 6.0]), host.array(layer.bias_mask), "bias")
    assert_shares("the weights pruned", np.array(drawn), 0, np.full(3, 1 / 3))


@check("module.prune")
def test_masks_are_multiplied(subject):
    layer = layer_of(subject)
    first, second = (VALUES > 0).astype(float), (SCORES > 3).astype(float)
    for turn, mask in enumerate((first, second)):
        given = host.tensor(mask, "float64", subject.device)
        require(prune.custom_from_mask(layer, "weight", given) is layer, "custom_from_mask returns another object")
        masked(f"custom_from_mask, call {turn + 1}", layer, VALUES, mask if not turn else first * second)
    prune.custom_from_mask(layer, "bias", torch.tensor([1.0, 0.0, 1.0]).to(layer.bias))
    prune.remove(layer, "weight")
    assert_values("the weight after remove", layer.weight.detach(), VALUES * first * second)
    assert_values("the bias, still pruned", layer.bias.detach(), np.array([4.0, 0.0, 6.0]))
    require(prune.is_pruned(layer), "is_pruned is False while the bias is pruned")
    for name in ("bias", "weight"):
        layer = layer_of(subject)
        require(prune.identity(layer, name) is layer, "identity returns another object")
        values = host.array(getattr(layer, f"{name}_orig"))
        masked(f"identity of {name}", layer, values, np.ones_like(values), name)


@check("module.prune")
def test_pruning_shows_in_every_module_around(subject):
    inner = layer_of(subject)
    net = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.ReLU(), inner)).to(subject.device)
    assert_same("is_pruned of a plain tree", [prune.is_pruned(m) for m in net.modules()], [False] * 5)
    prune.l1_unstructured(inner, "bias", 1)
    due = [True, False, True, False, True]
    assert_same("is_pruned of the tree, of its parts", [prune.is_pruned(m) for m in net.modules()], due)
    prune.remove(inner, "bias")
    assert_same("is_pruned after remove", [prune.is_pruned(m) for m in net.modules()], [False] * 5)


def two_layers(subject) -> tuple[list[tuple[nn.Module, str]], list[np.ndarray]]:
    """Three parameters of two layers, and their values."""
    layers = layer_of(subject), layer_of(subject, nn.Conv2d)
    with torch.no_grad():
        layers[1].weight += 0.0625
    pairs = [(layers[0], "weight"), (layers[0], "bias"), (layers[1], "weight")]
    return pairs, [host.array(getattr(*pair)) for pair in pairs]


def masks_of(pairs: list[tuple[nn.Module, str]]) -> list[np.ndarray]:
    return [host.array(getattr(layer, f"{name}_mask")) for layer, name in pairs]


@check("module.prune-global")
def test_the_smallest_of_several_tensors_are_pruned(subject):
    for given in (False, True):
        for amounts, counts in (((7,), (7,)), ((0,), (0,)), ((1 / 3,), (9,)), ((4, 5), (4, 9)), ((26,), (26,))):
            pairs, values = two_layers(subject)
            scores = [SCORES + 0.125, np.array([0.0625, 2.25, 3.5]), SCORES.reshape(3, 2, 2, 1)] if given else values
            options: dict[str, Any] = {}
            if given:
                tensors = [host.tensor(s, "float64", subject.device) for s in scores]
                options["importance_scores"] = dict(zip(pairs, tensors, strict=True))
            ranks = smallest(np.concatenate([s.ravel() for s in scores]), 0)
            for amount, count in zip(amounts, counts, strict=True):
                prune.global_unstructured(pairs, prune.L1Unstructured, amount=amount, **options)
                ranks = smallest(np.concatenate([s.ravel() for s in scores]), count)
            parts = np.split(ranks, np.cumsum([v.size for v in values])[:-1])
            call = f"global_unstructured of {amounts}, scores {'given' if given else 'their own'}"
            for (layer, name), value, mask, found in zip(pairs, values, parts, masks_of(pairs), strict=True):
                assert_same(f"{call}: the mask of {name}", found.ravel().tolist(), mask.tolist())
                assert_values(f"{call}: {name}", getattr(layer, name).detach(), value * mask.reshape(value.shape))


@check("module.prune-global")
def test_random_ones_of_several_tensors_are_pruned(subject):
    seen = np.zeros(3, bool)
    for _ in range(12):
        pairs, _ = two_layers(subject)
        prune.global_unstructured(pairs, prune.RandomUnstructured, amount=9)
        gone = [int((mask == 0).sum()) for mask in masks_of(pairs)]
        assert_same("weights pruned in all", sum(gone), 9)
        seen |= np.array(gone) > 0
    require(seen[0] and seen[2], "global_unstructured prunes one of two tensors only")
    refused = lambda *args, **named: lambda: prune.global_unstructured(*args, **named)  # noqa: E731
    assert_raises("parameters=5", TypeError, refused(5, prune.L1Unstructured, amount=1))
    call = "importance_scores, no mapping"
    assert_raises(call, TypeError, refused(pairs, prune.L1Unstructured, [SCORES], amount=1))
    assert_raises("a structured way", TypeError, refused(pairs, prune.LnStructured, amount=1, n=1, dim=0))


@check("module.prune-methods")
def test_a_way_to_prune_works_on_tensors(subject):
    half = (SCORES > 3).astype(float)
    tensor, scores, mask = (host.tensor(a, "float64", subject.device) for a in (VALUES, SCORES, half))
    way = prune.L1Unstructured(2)
    own = smallest(VALUES, 2)
    for call, found, due in (
        ("prune(t)", way.prune(tensor), VALUES * own),
        ("prune(t, default_mask)", way.prune(tensor, default_mask=mask), VALUES * own * half),
        ("prune(t, importance_scores)", way.prune(tensor, importance_scores=scores), VALUES * smallest(SCORES, 2)),
        ("compute_mask(t, default_mask)", way.compute_mask(tensor, default_mask=mask), own * half),
    ):
        assert_values(f"L1Unstructured(2).{call}", found, due, dtype="float64")
    assert_values("the tensor given", tensor, VALUES)
    assert_values("the mask given", mask, half)


@check("module.prune-methods")
def test_a_container_holds_ways_in_order(subject):
    ways = [prune.L1Unstructured(amount) for amount in (3, 2, 4)]
    for way in ways:
        way._tensor_name = "weight"  # what apply sets
    container = prune.PruningContainer(ways[0])
    for way in ways[1:]:
        container.add_pruning_method(way)
    require(len(container) == 3 and list(container) == ways and container[1] is ways[1], "the ways it holds")
    tensor = host.tensor(VALUES, "float64", subject.device)
    for before in (0, 3):
        start = host.tensor(smallest(VALUES, before), "float64", subject.device)
        found = container.compute_mask(tensor, start)
        assert_values(f"the latest way's mask after {before}", found, smallest(VALUES, before + 4), dtype="float64")
    ways[2]._tensor_name = "bias"
    for other, kind in (("a text", TypeError), (ways[2], ValueError)):
        add = lambda: container.add_pruning_method(other)  # noqa: E731
        assert_raises("add_pruning_method of a text, or for another tensor", kind, add)
    assert_same("its length afterwards", len(container), 3)

"""Dropout of every kind, share, memory and dtype; lookups that leave rows out; bags wide, many and weighed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.chance import assert_shares
from conformance.check import check, must_answer
from conformance.numerics import EXACT, INNER
from conformance.tables.layer_inputs import normal, put
from properties.strategies.recipe import channels_last, contiguous, stepped, transposed

pytestmark = must_answer
ERROR = INNER.over(400)
# The module, its function, a shape, and how many dimensions are dropped as one.
DROPS = {
    "Dropout": ("dropout", (40, 30), 0),
    "Dropout1d": ("dropout1d", (30, 20, 3), 1),
    "Dropout2d": ("dropout2d", (30, 20, 2, 3), 2),
    "Dropout3d": ("dropout3d", (30, 20, 2, 1, 3), 3),
    "AlphaDropout": ("alpha_dropout", (40, 30), 0),
    "FeatureAlphaDropout": ("feature_alpha_dropout", (30, 20, 2, 3), 2),
}


def ways(kind, p):
    """A dropout as a function and as a module that has rested in between."""
    function = getattr(F, DROPS[kind][0])
    layer = getattr(nn, kind)(p)
    return {f"F.{DROPS[kind][0]}({p})": lambda x: function(x, p, training=True), f"{kind}({p})": layer.eval().train()}


def outcomes(kind, p, x):
    """What an element becomes if it is dropped, and if it is kept."""
    if "Alpha" not in kind:
        return x * 0, x / (1 - p)
    least = -1.7580993408473766  # of SELU
    a = (1 - p) ** -0.5 * (1 + p * least**2) ** -0.5
    return a * least - a * least * p + x * 0, a * x - a * least * p


@check("layer.dropout")
@pytest.mark.parametrize("kind", DROPS)
@pytest.mark.parametrize("p", [0.2, 0.7])
def test_what_is_dropped_and_what_is_kept(subject, kind, p):
    _, shape, inner = DROPS[kind]
    for dtype, layout in (("float64", stepped), ("float32", transposed), ("bfloat16", contiguous),
                          ("float64", channels_last)):  # fmt: skip
        recipe = layout(np.abs(normal(1, shape)) + 1, dtype)
        values = recipe.array.astype(np.float64)
        low, high = outcomes(kind, p, values)
        for call, drop in ways(kind, p).items():
            out = drop(recipe.on(subject))
            found, text = host.array(out).astype(np.float64), f"{call} of {dtype}, strides {recipe.strides}"
            dropped = np.abs(found - low) < np.abs(found - high)
            # A product and a sum, of factors of a few roundings.
            assert_values(text, out, np.where(dropped, low, high), INNER.over(12), 2 + np.abs(high), dtype=dtype)
            units = dropped.reshape(*shape[: len(shape) - inner], -1)
            require((units == units[..., :1]).all(), f"{text} drops parts of what goes together")
            assert_shares(f"what {text} drops", units[..., 0].astype(int), 0, np.array([1 - p, p]))


@check("layer.embedding")
@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (2, 1, 3), (2, 1, 3, 2)], ids=str)
def test_lookups_of_any_shape_and_dtype(subject, shape):
    chosen = np.arange(int(np.prod(shape))).reshape(shape) * 3 % 7
    for dtype, kind, layout in itertools.product(
        ("float64", "float32", "bfloat16", "float16", "complex64"),
        ("int64", "int32"),
        (contiguous, stepped, transposed),
    ):
        table = layout(normal(1, (7, 5), "bfloat16") + (1j if dtype.startswith("c") else 0), dtype)
        out = F.embedding(layout(chosen, kind).on(subject), table.on(subject))
        assert_values(f"embedding of {dtype} by {kind} {shape}", out, table.array[chosen], EXACT, dtype=dtype)


@check("layer.embedding")
@pytest.mark.parametrize("padding", [None, 2, 6, -1, -5])
def test_a_padding_row_gets_no_gradient(subject, padding):
    chosen, v = np.array([[1, 4, 4], [6, 2, 4], [2, 0, 6]]), normal(2, (3, 3, 2))
    counts = np.bincount(chosen.ravel(), minlength=7)
    indices = contiguous(chosen, "int64").on(subject)
    for scaled, sparse in ((False, False), (True, False), (False, True)):
        layer = nn.Embedding(7, 2, padding, scale_grad_by_freq=scaled, sparse=sparse).double().to(subject.device)
        weight = layer.weight.detach().clone().requires_grad_()
        out = F.embedding(indices, weight, padding, scale_grad_by_freq=scaled, sparse=sparse)
        wanted = np.zeros((7, 2))
        np.add.at(wanted, chosen, v / (counts[chosen][..., None] if scaled else 1))
        wanted[[] if padding is None else padding] = 0
        for call, found, leaf in (("F.embedding", out, weight), ("Embedding", layer(indices), layer.weight)):
            found.backward(contiguous(v, "float64").on(subject))
            text = f"the gradient of {call}(padding_idx={padding}, scale_grad_by_freq={scaled}, sparse={sparse})"
            require(leaf.grad.is_sparse == sparse, f"{text}: its layout", sparse, leaf.grad.is_sparse)
            assert_values(text, leaf.grad.to_dense(), wanted, ERROR, 4.0, dtype="float64")


@check("layer.embedding")
def test_a_lookup_that_shortens_by_the_largest_element(subject):
    weight, chosen = normal(1, (9, 4)) * 2, np.array([1, 4, 4, 6, 1, 0])
    sizes = np.abs(weight).max(1, keepdims=True)
    short = np.where(sizes > 1.5, weight * 1.5 / (sizes + 1e-7), weight)
    layer = put(nn.Embedding(9, 4, max_norm=1.5, norm_type=float("inf")).double().to(subject.device), weight=weight)
    out = layer(contiguous(chosen, "int64").on(subject))
    assert_values("Embedding(max_norm=1.5, norm_type=inf)", out, short[chosen], ERROR, 4.0, dtype="float64")


@check("layer.embedding-bag")
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_many_bags_of_wide_rows(subject, mode):
    weight, chosen = normal(1, (90, 37)), np.arange(150) * 7 % 90
    starts = np.concatenate([np.arange(0, 90, 2), np.full(3, 90), np.arange(90, 150, 20)])
    bags = [chosen[a:b] for a, b in itertools.pairwise([*starts, len(chosen)])]
    fold = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode]
    wanted = np.array([fold(weight[bag], axis=0) if len(bag) else np.zeros(37) for bag in bags])
    for dtype, layout in (("float64", contiguous), ("float32", transposed), ("float64", stepped)):
        table = layout(weight, dtype)
        given = [contiguous(a, "int64").on(subject) for a in (chosen, starts)]
        out = F.embedding_bag(given[0], table.on(subject), given[1], mode=mode)
        text = f"embedding_bag({mode!r}) of {dtype}, strides {table.strides}"
        assert_values(text, out, wanted, INNER.over(60), 4.0, dtype=dtype)
        rows = contiguous(chosen.reshape(15, 10), "int64").on(subject)
        whole = fold(weight[chosen.reshape(15, 10)], axis=1)
        out = F.embedding_bag(rows, table.on(subject), mode=mode)
        assert_values(f"{text}, of rows", out, whole, INNER.over(120), 4.0, dtype=dtype)


@check("layer.embedding-bag")
def test_what_weighs_a_bag_gets_a_gradient(subject):
    weight, chosen, starts = normal(1, (9, 4)), np.array([1, 4, 4, 0, 8, 3, 2, 4]), np.array([0, 3, 3, 5])
    shares, v, bag = normal(2, (8,)), normal(3, (4, 4)), np.array([0, 0, 0, 2, 2, 3, 3, 3])
    wanted, slope = np.zeros((4, 4)), np.zeros((9, 4))
    np.add.at(wanted, bag, weight[chosen] * shares[:, None])
    np.add.at(slope, chosen, v[bag] * shares[:, None])
    for last in (False, True):
        told = np.append(starts, 8) if last else starts
        table, some = (contiguous(a, "float64").on(subject).requires_grad_() for a in (weight, shares))
        given = [contiguous(a, "int64").on(subject) for a in (chosen, told)]
        options = {"mode": "sum", "per_sample_weights": some, "include_last_offset": last}
        out = F.embedding_bag(given[0], table, given[1], **options)
        text = f"embedding_bag of weights of samples, include_last_offset={last}"
        assert_values(text, out, wanted, ERROR, 10.0, dtype="float64")
        out.backward(contiguous(v, "float64").on(subject))
        assert_values(f"the gradient of {text} by the table", table.grad, slope, ERROR, 10.0)
        by_share = (weight[chosen] * v[bag]).sum(1)
        assert_values(f"the gradient of {text} by the weights", some.grad, by_share, ERROR, 20.0)
    for mode in ("mean", "max"):
        call = f"embedding_bag({mode!r}) of weights of samples"
        assert_raises(call, (NotImplementedError, ValueError), lambda m=mode: F.embedding_bag(
            given[0], table, given[1], **{**options, "mode": m}))  # fmt: skip


@check("layer.embedding-bag")
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_that_shorten_or_count_from_the_end(subject, mode):
    weight, rows = normal(1, (9, 4)) * 2, np.array([[1, 4, 8], [8, 3, 2]])
    sizes = np.linalg.norm(weight, axis=1, keepdims=True)
    short = np.where(sizes > 1, weight / (sizes + 1e-7), weight)
    fold = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode]
    given = contiguous(rows, "int64").on(subject)
    out = F.embedding_bag(given, contiguous(weight, "float64").on(subject), max_norm=1.0, mode=mode)
    assert_values(f"embedding_bag({mode!r}, max_norm=1)", out, fold(short[rows], axis=1), ERROR, 10.0, dtype="float64")
    wanted = np.array([fold(weight[row[row != 8]], axis=0) for row in rows])
    for padding in (8, -1):
        out = F.embedding_bag(given, contiguous(weight, "float64").on(subject), padding_idx=padding, mode=mode)
        assert_values(f"embedding_bag({mode!r}, padding_idx={padding})", out, wanted, ERROR, 10.0, dtype="float64")


@check("layer.one-hot")
def test_one_hot_of_nothing_and_of_any_memory(subject):
    require(tuple(F.one_hot(torch.zeros(0, 2, dtype=torch.int64, device=subject.device), 5).shape) == (0, 2, 5),
            "one_hot of no classes")  # fmt: skip
    chosen = np.arange(24).reshape(2, 3, 4) * 5 % 7
    for layout in (contiguous, transposed, stepped, channels_last):
        for classes in (-1, 7, 9):
            out = F.one_hot(layout(chosen, "int64").on(subject), classes)
            wanted = np.eye(max(classes, 7))[chosen]
            assert_values(f"one_hot(num_classes={classes})", out, wanted, dtype="int64")

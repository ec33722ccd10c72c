"""Lookups: tables that are shortened, shared, padded; bags of rows by every option."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.tables.layer_inputs import normal, put
from properties.strategies.recipe import DENSE, contiguous, layouts

pytestmark = must_answer
ERROR = INNER.over(400)


@check("layer.embedding")
@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0])
def test_a_lookup_with_max_norm_shortens_rows_in_the_table(subject, norm_type):
    weight, chosen = normal(1, (9, 4)) * 2, np.array([[1, 4, 4], [6, 1, 0]])
    sizes = (np.abs(weight) ** norm_type).sum(1, keepdims=True) ** (1 / norm_type)
    short = np.where(sizes > 1.5, weight * 1.5 / (sizes + 1e-7), weight)
    changed = np.where(np.isin(np.arange(9), chosen)[:, None], short, weight)
    for form in ("Embedding", "F.embedding"):
        table = put(nn.Embedding(9, 4, max_norm=1.5, norm_type=norm_type).double().to(subject.device), weight=weight)
        indices = contiguous(chosen, "int64").on(subject)
        if form == "Embedding":
            out = table(indices)
        else:
            out = F.embedding(indices, table.weight.detach(), max_norm=1.5, norm_type=norm_type)
        assert_values(f"{form}(max_norm=1.5, norm_type={norm_type})", out, short[chosen], ERROR, 4.0, dtype="float64")
        assert_values(f"the table of {form}(max_norm=1.5)", table.weight, changed, ERROR, 4.0)


@check("layer.embedding")
def test_where_embeddings_come_from(subject):
    table = contiguous(normal(1, (5, 3)), "float64").on(subject)
    for kind in (nn.Embedding, nn.EmbeddingBag):
        for freeze in (True, False):
            made = kind.from_pretrained(table, freeze=freeze, padding_idx=2)
            require(
                made.weight.requires_grad != freeze, f"{kind.__name__}.from_pretrained(freeze={freeze})", not freeze
            )
            require(made.weight.data_ptr() == table.data_ptr(), f"{kind.__name__}.from_pretrained copies its table")
            require(made.padding_idx == 2, f"{kind.__name__}.from_pretrained loses padding_idx", 2, made.padding_idx)
        made = kind.from_pretrained(table, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True)
        found = (made.max_norm, made.norm_type, made.scale_grad_by_freq, made.num_embeddings, made.embedding_dim)
        require(found == (1.0, 1.0, True, 5, 3), f"{kind.__name__}.from_pretrained", (1.0, 1.0, True, 5, 3), found)
    modes = nn.EmbeddingBag.from_pretrained(table).mode, nn.EmbeddingBag(5, 3).mode
    require(modes == ("mean", "mean"), "the default mode of EmbeddingBag", "mean", modes)
    rows = torch.tensor([[0, 3]], device=subject.device)
    wanted = normal(1, (5, 3))[[0, 3]].mean(0, keepdims=True)
    assert_values("F.embedding_bag by default", F.embedding_bag(rows, table), wanted, ERROR, 4.0)


@check("layer.embedding")
@pytest.mark.parametrize("kind", [nn.Embedding, nn.EmbeddingBag])
def test_the_padding_row_begins_with_zeros(subject, kind):
    for place, row in ((2, 2), (-1, 4)):
        made = kind(5, 3, padding_idx=place).to(subject.device)
        require(made.padding_idx == row, f"padding_idx={place} of {kind.__name__}", row, made.padding_idx)
        rows = host.array(made.weight).any(1)
        require(not rows[row] and rows.sum() == 4, f"the padding row of {kind.__name__} is not alone 0", row, rows)
    for bad in (5, -6):
        assert_raises(f"padding_idx={bad}", (AssertionError, ValueError), lambda b=bad, k=kind: k(5, 3, padding_idx=b))


@check("layer.embedding")
def test_indices_of_32_bits_and_beyond_the_table(subject):
    weight = normal(1, (7, 3))
    table = put(nn.Embedding(7, 3).double().to(subject.device), weight=weight)
    chosen = np.array([[6, 0, 3], [3, 1, 2]])
    for dtype in ("int32", "int64"):
        for recipe in layouts(chosen, dtype, DENSE):
            for call, out in (
                ("Embedding", table(recipe.on(subject))),
                ("F", F.embedding(recipe.on(subject), table.weight)),
            ):
                assert_values(f"{call} of {dtype} indices", out, weight[chosen], dtype="float64")
    many = np.arange(40_000) * 5 % 7
    out = table(contiguous(many, "int64").on(subject))
    assert_values("Embedding of 40,000 indices", out, weight[many])
    out.sum().backward()
    assert_values("its gradient", table.weight.grad, np.repeat(np.bincount(many, minlength=7), 3).reshape(7, 3) * 1.0)
    for bad in (7, -1):
        at = torch.tensor([bad], device=subject.device)
        assert_raises(f"the row {bad} of 7", IndexError, lambda at=at: table(at))
        assert_raises(f"the row {bad} of 7", IndexError, lambda at=at: F.embedding(at, table.weight))


def _folded(mode, rows):
    fold = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode]
    return fold(rows, axis=0) if len(rows) else np.zeros(rows.shape[1:])


@check("layer.embedding-bag")
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_by_their_options(subject, mode):
    weight, chosen, starts = normal(1, (9, 4)), np.array([1, 4, 4, 0, 8, 3, 2, 4]), np.array([0, 3, 3, 5])
    ends = [*starts[1:], len(chosen)]
    for dtype, last, padding in itertools.product(("int64", "int32"), (False, True), (None, 4)):
        told = np.append(starts, len(chosen)) if last else starts
        options = {"mode": mode, "include_last_offset": last, "padding_idx": padding}
        layer = put(nn.EmbeddingBag(9, 4, **options).double().to(subject.device), weight=weight)
        bags = [[i for i in chosen[a:b] if i != padding] for a, b in zip(starts, ends, strict=True)]
        wanted = np.array([_folded(mode, weight[bag]) for bag in bags])
        given = [contiguous(a, dtype).on(subject) for a in (chosen, told)]
        out = layer(*given)
        assert_values(f"EmbeddingBag({options}) of {dtype}", out, wanted, ERROR, 4.0, dtype="float64")
        also = F.embedding_bag(given[0], layer.weight, given[1], **options)
        assert_values(f"F.embedding_bag({options}) of {dtype}", also, wanted, ERROR, 4.0, dtype="float64")
        v = normal(3, wanted.shape)
        out.backward(contiguous(v, "float64").on(subject))
        slope = np.zeros(weight.shape)
        for bag, g in zip(bags, v, strict=True):
            for place, i in enumerate(bag):
                if mode != "max":
                    slope[i] += g / (len(bag) if mode == "mean" else 1)
                else:
                    slope[i] += g * (np.argmax(weight[bag], 0) == place)
        assert_values(f"the gradient of EmbeddingBag({options})", layer.weight.grad, slope, ERROR, 10.0)


@check("layer.embedding-bag")
def test_bags_with_weights_of_samples_and_long_rows(subject):
    weight, rows, shares = normal(1, (9, 4)) * 2, np.arange(6).reshape(2, 3) * 5 % 9, normal(2, (2, 3))
    layer = put(nn.EmbeddingBag(9, 4, mode="sum").double().to(subject.device), weight=weight)
    given = contiguous(rows, "int64").on(subject)
    out = layer(given, per_sample_weights=contiguous(shares, "float64").on(subject))
    assert_values("EmbeddingBag with per_sample_weights", out, (weight[rows] * shares[..., None]).sum(1), ERROR, 10.0)
    sizes = np.linalg.norm(weight, axis=1, keepdims=True)
    short = np.where(sizes > 1, weight / (sizes + 1e-7), weight)
    layer = put(nn.EmbeddingBag(9, 4, mode="sum", max_norm=1.0).double().to(subject.device), weight=weight)
    assert_values("EmbeddingBag(max_norm=1)", layer(given), short[rows].sum(1), ERROR, 10.0)
    layer = nn.EmbeddingBag(9, 4, mode="sum", sparse=True).double().to(subject.device)
    layer(given).sum().backward()
    require(layer.weight.grad.is_sparse, "the gradient of EmbeddingBag(sparse=True) is dense")
    wanted = np.repeat(np.bincount(rows.ravel(), minlength=9), 4).reshape(9, 4) * 1.0
    assert_values("the gradient of EmbeddingBag(sparse=True)", layer.weight.grad.to_dense(), wanted)
    for mode in ("mean", "max"):
        layer = nn.EmbeddingBag(9, 4, mode=mode).double().to(subject.device)
        some = contiguous(shares, "float64").on(subject)
        assert_raises(f"weights of samples and the {mode}", NotImplementedError, lambda la=layer: la(given, None, some))
    assert_raises("rows and offsets", ValueError, lambda: layer(given, torch.tensor([0, 1])))
    assert_raises("offsets that begin at 1", (ValueError, RuntimeError), lambda: layer(given[0], torch.tensor([1])))
    assert_raises("no offsets of one row", ValueError, lambda: layer(given[0]))

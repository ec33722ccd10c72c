"""The bookkeeping of training: losses, predictions, counts, formats and copies of the best weights."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.effort import scaled
from conformance.oracle import api as oracle
from conformance.tables.api_samples import assert_unchanged, linear, start
from conformance.tables.device_places import assert_at, values
from properties.strategies.recipe import LAYOUTS, layouts
from properties.strategies.values import cycle, interesting

pytestmark = must_answer


@check("api.epoch-loss")
def test_batch_losses_add_up_to_the_mean_of_all(subject):
    subject.require("float64")
    x, labels = oracle.clusters(6, 23)
    net = linear(subject, start())
    due = oracle.cross_entropy(start().outputs(x), labels)
    for size in (1, 4, 5, 23, 64):
        total, naive = 0.0, 0.0
        batches = oracle.cut((x, labels), size)
        for inputs, wanted in batches:
            loss = nn.CrossEntropyLoss()(net(values(subject, inputs, "float64")), values(subject, wanted, "int64"))
            require(type(loss.item()) is float, f"loss.item() is a {type(loss.item()).__name__}")
            total += loss.item() * values(subject, inputs, "float64").size(0)
            naive += loss.item()
        require(abs(total / 23 - due) <= 1e-12, f"batches of {size}: the mean loss is {total / 23!r}", due, total / 23)
        if size == 4:
            require(abs(naive / len(batches) - due) > 1e-4, "the last, smaller batch does not matter")


@check("api.epoch-accuracy")
def test_correct_predictions_are_counted(subject):
    generator = np.random.default_rng(7)
    for count in (1, 5, 33, 40_000):
        preds, labels = generator.integers(0, 3, count), generator.integers(0, 3, count)
        a, b = values(subject, preds, "int64"), values(subject, labels, "int64")
        due = int((preds == labels).sum())
        correct = torch.sum(a == b.data)
        assert_values(f"torch.sum(preds == labels) of {count}", correct, due, dtype="int64")
        running = 0
        for part in range(0, count, 7 if count < 100 else 9_000):
            step = 7 if count < 100 else 9_000
            running += torch.sum(a[part : part + step] == b.data[part : part + step])
        assert_values("the running count", running, due, dtype="int64")
        share = running.double() / count
        assert_values("the share", share, due / count, dtype="float64")
        require(bool(share > 0.0) == (due > 0), "the comparison with 0.0 is wrong")
        require(share.dim() == 0, "the share has dimensions")


@check("api.prediction")
@pytest.mark.parametrize("dtype", ("float32", "float64", "float16", "bfloat16"))
def test_the_prediction_is_the_place_of_the_largest(subject, dtype):
    table = interesting(dtype, moderate=True)
    for shape in ((4, 3), (33, 17), (1, 10), (5, 1))[: scaled(4, least=2)]:
        rows = np.unique(cycle(table, (len(table),)))
        given = rows[np.argsort(np.random.default_rng(sum(shape)).random((shape[0], len(rows))), 1)][:, : shape[1]]
        for recipe in layouts(given, dtype, [name for name in LAYOUTS if name != "expanded"]):
            x = recipe.on(subject)
            largest, preds = torch.max(x, 1)
            assert_values(f"the largest of {recipe!r}", largest, recipe.array.max(1), dtype=dtype)
            assert_values(f"the predictions of {recipe!r}", preds, recipe.array.argmax(1), dtype="int64")
            for call, out in {
                "torch.max(x.data, 1)[1]": torch.max(x.data, 1)[1],
                "x.max(dim=1).indices": x.max(dim=1).indices,
                "x.max(-1)[1]": x.max(-1)[1],
                "x.argmax(1)": x.argmax(1),
            }.items():
                assert_values(call, out, recipe.array.argmax(1), dtype="int64")
            if dtype in ("float32", "float64"):
                shares = (x / 16).softmax(1)
                assert_values("torch.topk(x, 1)", torch.topk(x, 1)[1][:, 0], recipe.array.argmax(1), dtype="int64")
                assert_values("softmax(1).argmax(1)", shares.argmax(1), recipe.array.argmax(1), dtype="int64")


@check("api.format-of-0-dim")
def test_a_0_dim_tensor_formats_as_its_number(subject):
    for number in (0.0, 0.8625, -1.5, 1234.56789, 1e-7, float("inf"), float("nan")):
        for dtype in ("float32", "float64"):
            x = values(subject, number, dtype)
            for form in ("{:.4f}", "{:4f}", "{:.0f}", "{:10.2e}", "{:>8.3f}", "{}"):
                due = form.format(x.item())
                with torch.no_grad():
                    found = form.format(x)
                require(found == form.format(x) == due, f"{form!r}.format(x) is {found!r}", due, found)
            require(f"{x:.3f}" == f"{x.item():.3f}", "an f-string formats a 0-d tensor otherwise")
            require(type(x.item()) is float, f"item() of {dtype} is a {type(x.item()).__name__}")
    whole = values(subject, 42, "int64")
    require(f"{whole:d} {whole:5d} {whole}" == "42    42 42", "a 0-d integer formats otherwise")
    for shape in ((1,), (2, 3)):
        x = torch.ones(shape, device=subject.device)
        assert_raises(f"'{{:.4f}}'.format of {shape}", TypeError, lambda: f"{x:.4f}")


@check("api.best-weights-copied")
def test_a_deep_copy_of_the_state_keeps_the_weights(subject):
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).to(subject.device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    kept, live = copy.deepcopy(net.state_dict()), net.state_dict()
    shallow = copy.copy(net.state_dict())
    before = {key: host.array(entry) for key, entry in live.items()}
    for _ in range(2):
        optimizer.zero_grad()
        net(values(subject, np.arange(12.0).reshape(4, 3))).pow(2).sum().backward()
        optimizer.step()
    for key in before:
        assert_values(f"the deep copy's {key}", assert_at(key, kept[key], subject.device), before[key])
        now = host.array(net.state_dict()[key])
        assert_values(f"the state's {key}", live[key], now)
        assert_values(f"the shallow copy's {key}", shallow[key], now)
        if key.endswith(("weight", "running_mean", "tracked")):
            require((now != before[key]).any(), f"{key} did not change in training")
    net.load_state_dict(kept)
    assert_unchanged("loading the deep copy", net, before)

"""States and files, by example: saving, loading back, restoring."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import models as networks
from conformance.subject import Subject
from conformance.tables.models_networks import LENET, fill, lenet
from conformance.tables.module_tree import assert_same
from conformance.tables.state_dict_samples import KEYS, assert_report, optimizer_step, sample

pytestmark = must_answer


def saved(thing: Any, subject: Subject) -> Any:
    """What comes back from torch.save and torch.load."""
    file = io.BytesIO()
    torch.save(thing, file)
    file.seek(0)
    return torch.load(file, map_location=subject.device)


@check("state_dict.roundtrip")
def test_a_second_network_gives_the_same_outputs_after_loading(subject):
    net, second = lenet().to(subject.device), lenet().to(subject.device)
    given = fill(net, LENET, subject)
    second.to(torch.float64)
    values = networks.image(3, (2, 1, 32, 32))
    x = host.tensor(values, "float64", subject.device)
    result = second.load_state_dict(saved(net.state_dict(), subject))
    assert_same("the result prints", (str(result), repr(result)), ("<All keys matched successfully>",) * 2)
    due = networks.lenet(values, given)
    assert_values("second(x)", second(x).detach(), due)
    assert_values("net(x)", net(x).detach(), due)
    with torch.no_grad():
        net.fc3.bias.add_(1.0)
    assert_values("second(x) after a change of the first", second(x).detach(), due)


@check("state_dict.load-from-checkpoint")
def test_only_load_state_dict_fills_the_network(subject):
    trained, net = sample(subject), sample(subject)
    optimizer_step(trained)
    before = {key: host.array(entry) for key, entry in net.state_dict().items()}
    checkpoint = saved({"state_dict": trained.state_dict(), "epoch": 3, "loss": 0.25}, subject)
    assert_same("the rest of the checkpoint", (checkpoint["epoch"], checkpoint["loss"]), (3, 0.25))
    for key, entry in net.state_dict().items():
        assert_values(f"{key} after torch.load alone", entry, before[key])
    net.load_state_dict(checkpoint["state_dict"])
    for key, entry in net.state_dict().items():
        assert_values(f"{key} after load_state_dict", entry, host.array(trained.state_dict()[key]))


@check("state_dict.load-plain-file-directly")
def test_a_file_with_a_plain_state_is_handed_over_directly(subject):
    trained, net = sample(subject), sample(subject)
    assert_report("the file", net.load_state_dict(saved(trained.state_dict(), subject)), [], [])
    for key, entry in net.state_dict().items():
        assert_values(key, entry, host.array(trained.state_dict()[key]))


@check("state_dict.load-takes-parameters-only")
def test_a_whole_checkpoint_is_refused_or_loads_nothing(subject):
    net = sample(subject)
    before = {key: host.array(entry) for key, entry in net.state_dict().items()}
    checkpoint = {"state_dict": sample(subject).state_dict(), "epoch": torch.tensor(3), "lr": torch.tensor(0.1)}
    error = str(assert_raises("a whole checkpoint", RuntimeError, lambda: net.load_state_dict(checkpoint)))
    for word in ('"state_dict"', '"epoch"', '"lr"', *(f'"{key}"' for key in KEYS if "num_batches" not in key)):
        require(word in error, f"the error lacks {word}: {error}", word, error)
    result = net.load_state_dict(checkpoint, strict=False)
    assert_same("unexpected", sorted(result.unexpected_keys), ["epoch", "lr", "state_dict"])
    for key, entry in net.state_dict().items():
        assert_values(f"{key} afterwards", entry, before[key])


@check("state_dict.load-with-assignment-argument")
def test_a_keyword_of_ones_own_is_a_type_error(subject):
    net, state = sample(subject), sample(subject).state_dict()
    before = host.array(net[0].weight.detach())
    assert_raises("load_state_dict(ecgnet=…)", TypeError, lambda: net.load_state_dict(ecgnet=state))
    assert_values("the weight afterwards", net[0].weight.detach(), before)
    net.load_state_dict(state_dict=state, strict=True)
    assert_values(
        "the weight after load_state_dict(state_dict=…)", net[0].weight.detach(), host.array(state["0.weight"])
    )


@check("state_dict.single-layer")
def test_one_weight_can_be_read_from_the_file(subject):
    net = lenet()
    plain = saved(net.state_dict(), subject)
    assert_values(
        "plain['conv1.weight']", plain["conv1.weight"], host.array(net.conv1.weight.detach()), dtype="float32"
    )
    checkpoint = saved({"state_dict": net.state_dict(), "epoch": 1}, subject)
    assert_raises("checkpoint['conv1.weight']", KeyError, lambda: checkpoint["conv1.weight"])
    weight = checkpoint["state_dict"]["conv1.weight"]
    assert_values("checkpoint['state_dict']['conv1.weight']", weight, host.array(net.conv1.weight.detach()))


@check("state_dict.restore-best")
def test_restoring_the_best_weights_keeps_an_optimizer_attached(subject):
    net = nn.Linear(2, 1).to(subject.device)
    held = list(net.parameters())  # as an optimiser holds them
    best = {key: entry.clone() for key, entry in net.state_dict().items()}
    due = {key: host.array(entry) for key, entry in best.items()}
    for turn in range(2):
        with torch.no_grad():
            for parameter in held:
                parameter -= 2.0
        assert_values(f"the bias after step {turn}", net.bias.detach(), due["bias"] - np.float32(2.0))
        net.load_state_dict(best)
        for key, entry in net.state_dict().items():
            assert_values(f"{key} after restoring", entry, due[key])

"""Objects through torch.save and torch.load, by example: containers, checkpoints, states, whole networks."""

from __future__ import annotations

import importlib
import sys
import types
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.serialization_samples import (
    FREE,
    OLD,
    PLAIN,
    SAFE,
    WAYS,
    Net,
    Own,
    assert_alike,
    assert_equal,
    assert_tensors,
    batch,
    load,
    net,
    save,
    through_file,
)

pytestmark = must_answer


def checkpoint(subject):
    """What the note saves: a state, and further entries of one's own."""
    state = net(subject).state_dict()
    return {"state_dict": state, "epoch": 7, "loss": 2, "stage": "train", "zeta": None, "alpha": [True, {"lr": "x"}]}


@check("serialization.save-saves-a-dict")
def test_any_object_can_be_saved(subject):
    x = torch.arange(3.0, device=subject.device)
    things = [x, [x, 1], (x,), {"x": x}, 5, 2.5, "text", None, True, b"bytes", 1 + 2j, {1, 2}, Own(3), range(4), 2**70]
    for thing in things:
        for way in (FREE, OLD):
            assert_tensors(f"{way.name} of {type(thing).__name__}", way(thing), thing)
        assert_tensors(f"torch.load(path) of {type(thing).__name__}", through_file(thing, weights_only=False), thing)
    made = FREE(nn.Linear(2, 1).to(subject.device))
    require(type(made) is nn.Linear, f"the module comes back as {type(made).__name__}")


@check("serialization.load-returns-what-was-saved")
def test_a_nested_dict_comes_back_whole(subject):
    due = checkpoint(subject)
    for way in (*WAYS, through_file):
        out = way(due)
        assert_tensors("the checkpoint", out, due)
        assert_equal("keys", list(out), list(due))
        other = Net().to(subject.device)
        other.load_state_dict(out["state_dict"])
        assert_tensors("the state loaded into a network", other.state_dict(), due["state_dict"])


@check("serialization.save-custom-dict", since="2.0")
def test_a_checkpoint_with_numbers_comes_back(subject):
    state = net(subject).state_dict()
    due = {"state_dict": state, "epoch": 12, "loss": 0.1, "f1": 0.875, "lr": 1e-3, "stage": "val", "best": float("inf")}
    for way in (*WAYS, through_file):
        assert_tensors("the checkpoint", way(due), due)


@check("serialization.save-custom-dict")
def test_a_checkpoint_with_numbers_comes_back_unpickled(subject):
    state = net(subject).state_dict()
    due = {"state_dict": state, "epoch": 12, "loss": 0.1, "f1": 0.875, "lr": 1e-3, "stage": "val", "cold": -0.0}
    for way in (FREE, OLD):
        assert_tensors("the checkpoint", way(due), due)


@check("serialization.numpy-scalar-in-checkpoint")
def test_a_numpy_scalar_needs_weights_only_off(subject):
    due = {"state_dict": net(subject).state_dict(), "loss": np.float64(0.25)}
    assert_raises(
        "torch.load(…, weights_only=True)", importlib.import_module("pickle").UnpicklingError, lambda: SAFE(due)
    )
    out = FREE(due)
    assert_tensors("the state", out["state_dict"], due["state_dict"])
    require(isinstance(out["loss"], np.float64) and out["loss"] == 0.25, f"the loss is {out['loss']!r}")
    plain = {"state_dict": due["state_dict"], "loss": int(due["loss"] * 4)}
    assert_tensors("the checkpoint with a plain number", SAFE(plain), plain)


@check("serialization.containers")
def test_containers_come_back_as_they_were(subject):
    x = torch.arange(4, device=subject.device)
    deep = x
    for level in range(30):
        deep = [deep] if level % 3 == 0 else {"in": deep} if level % 3 == 1 else (deep, level)
    things = {
        "empty": [(), [], {}, OrderedDict(), ""],
        "tuples": (1, (2, (3, (4, (5,)))), (x, x + 1)),
        "keys": {1: "a", "1": "b", (1, 2): "c", None: x, -7: "d", "é\n": "e"},
        "order": OrderedDict((name, x + place) for place, name in enumerate("zyxabc")),
        "sizes": [x.shape, torch.Size([2, 0, 3]), tuple(x.shape)],
        "many": list(range(-1500, 1500)),
        "large": {place: str(place) for place in range(1200)},
        "numbers": [0, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -(2**31), 2**63, -(2**64), 2**200, True, False],
        "text": ["x" * 300, "x" * 70000, "\x00", "日本", "😀"],
        "deep": deep,
    }
    for name, thing in things.items():
        for way in WAYS:
            assert_tensors(f"{way.name} of {name}", way(thing), thing)
    assert_equal("the kind of a size", type(SAFE(things)["sizes"][1]), torch.Size)


@check("serialization.containers")
def test_one_container_in_two_places_stays_one(subject):
    inner = [torch.ones(2, device=subject.device)]
    for way in WAYS:
        out = way({"a": inner, "b": (inner,)})
        require(out["a"] is out["b"][0], "the list has become two")


@check("serialization.state-dict")
def test_a_module_state_comes_back(subject):
    for made in (net(subject), nn.Sequential(net(subject, 2), nn.BatchNorm2d(2).to(subject.device))):
        due = made.state_dict()
        for way in (*WAYS, through_file):
            out = way(due)
            require(type(out) is OrderedDict, f"the state comes back as {type(out).__name__}")
            assert_tensors("the state", out, due)
            # load_state_dict reads the versions of modules from the attribute _metadata.
            assert_equal("_metadata of the state", dict(out._metadata), dict(due._metadata))
        require(not any(key.endswith("left_out") for key in out), "a buffer that is not persistent was saved")


OPTIMIZERS = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.05, betas=(0.8, 0.9), amsgrad=True),
    "AdamW": lambda parameters: torch.optim.AdamW(parameters, lr=0.05, weight_decay=0.1),
    "RMSprop": lambda parameters: torch.optim.RMSprop(parameters, lr=0.02, momentum=0.5, centered=True),
}


class Training:
    """A network, its optimiser and its schedule."""

    def __init__(self, subject, name, seed):
        self.net = net(subject, seed)
        groups = [{"params": list(self.net.hidden.parameters()), "lr": 0.03}]
        groups += [{"params": [*self.net.norm.parameters(), *self.net.out.parameters()]}]
        self.optimizer = OPTIMIZERS[name](groups)
        self.schedule = torch.optim.lr_scheduler.StepLR(self.optimizer, 2, 0.5)

    def run(self, subject, turns):
        for turn in turns:
            self.optimizer.zero_grad()
            (self.net(batch(subject, turn)) ** 2).sum().backward()
            self.optimizer.step()
            self.schedule.step()

    def state(self, epoch):
        parts = {"model": self.net, "optimizer": self.optimizer, "schedule": self.schedule}
        return {"epoch": epoch, **{name: part.state_dict() for name, part in parts.items()}}

    def resume(self, state):
        self.net.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])


@pytest.mark.parametrize("name", OPTIMIZERS)
@check("serialization.optimizer-state")
def test_the_state_of_an_optimizer_comes_back(subject, name):
    training = Training(subject, name, 1)
    for turns in (range(0), range(3)):
        training.run(subject, turns)
        due = training.optimizer.state_dict()
        for way in (FREE, OLD, through_file):
            out = way(due, weights_only=False)
            assert_tensors("the state of the optimiser", out, due)
        assert_equal("keys of the state", set(out["state"]), set(due["state"]))


@pytest.mark.parametrize("name", OPTIMIZERS)
@check("serialization.training-continues")
def test_training_continues_as_if_it_had_not_stopped(subject, name):
    whole = Training(subject, name, 1)
    whole.run(subject, range(3))
    content = save(whole.state(3))
    whole.run(subject, range(3, 7))
    for turn in range(2):
        resumed = Training(subject, name, 9 + turn)
        resumed.run(subject, range(20, 20 + turn))
        state = load(content, weights_only=False)
        assert_equal("the epoch", state["epoch"], 3)
        resumed.resume(state)
        resumed.run(subject, range(3, 7))
        for key, due in whole.net.state_dict().items():
            assert_alike(f"{key} after resumed training", resumed.net.state_dict()[key], due)
        assert_tensors(
            "the optimiser after resumed training", resumed.optimizer.state_dict(), whole.optimizer.state_dict()
        )


@check("serialization.save-entire-net")
def test_a_whole_network_comes_back(subject):
    made, x = net(subject), batch(subject)
    made.hidden.weight.requires_grad_(False)
    for training in (True, False):
        made.train(training)
        made.norm.train(False)
        with torch.no_grad():
            due = host.array(made(x))
        for way in (FREE, OLD, through_file):
            out = way(made, weights_only=False)
            require(type(out) is Net and out is not made, f"the network comes back as {type(out).__name__}")
            assert_equal("name, training", (out.name, out.training, out.norm.training), (made.name, training, False))
            assert_tensors("the state", out.state_dict(), made.state_dict())
            assert_alike("the buffer that a state leaves out", out.left_out, made.left_out)
            flags = [[p.requires_grad for p in one.parameters()] for one in (out, made)]
            assert_equal("requires_grad of the parameters", *flags)
            with torch.no_grad():
                assert_values("loaded(x)", out(x), due)
                out.out.bias.fill_(9.0)
                assert_values("net(x) after a change of the loaded one", made(x), due)


@check("serialization.save-entire-net", since="2.6")
def test_a_whole_network_is_refused_by_default(subject):
    error = importlib.import_module("pickle").UnpicklingError
    for made in (net(subject), nn.Linear(2, 1)):
        assert_raises("torch.load of a network", error, lambda: PLAIN(made))
        assert_raises("torch.load of a network from a file", error, lambda: through_file(made))


@check("serialization.save-entire-net", until="2.6")
def test_a_whole_network_loads_by_default(subject):
    made = net(subject)
    assert_tensors("the state", PLAIN(made).state_dict(), made.state_dict())


@check("serialization.entire-net-needs-its-class")
def test_a_network_without_its_class_cannot_be_loaded(subject):
    module = types.ModuleType("module_of_the_network")
    exec("from torch import nn\nclass Gone(nn.Linear): pass", module.__dict__)
    sys.modules[module.__name__] = module
    try:
        content = save(module.Gone(2, 1))
        require(type(load(content, weights_only=False)) is module.Gone, "the network is of another class")
        del module.__dict__["Gone"]
        assert_raises("loading without the class", AttributeError, lambda: load(content, weights_only=False))
    finally:
        del sys.modules[module.__name__]
    assert_raises("loading without the module", ImportError, lambda: load(content, weights_only=False))


@check("serialization.training-continues")
def test_random_numbers_continue_from_a_saved_state(subject):
    generator = torch.Generator(device=subject.device).manual_seed(11)
    torch.manual_seed(12)
    torch.rand(3), torch.rand(3, generator=generator, device=subject.device)
    content = save({"global": torch.get_rng_state(), "own": generator.get_state(), "epoch": 1})
    due = [torch.rand(5), torch.rand(5, generator=generator, device=subject.device)]
    for _ in range(2):
        state = load(content, map_location="cpu")
        torch.set_rng_state(state["global"])
        fresh = torch.Generator(device=subject.device)
        fresh.set_state(state["own"])
        assert_alike("torch.rand after the restored state", torch.rand(5), due[0])
        assert_alike(
            "torch.rand of the restored generator", torch.rand(5, generator=fresh, device=subject.device), due[1]
        )

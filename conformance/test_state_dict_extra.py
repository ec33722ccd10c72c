"""Extra state, prefixes and statistics that are left out, by example."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.module_tree import assert_same
from conformance.tables.state_dict_samples import KEYS, assert_report, sample

pytestmark = must_answer


class Extra(nn.Module):
    """A module with a child whose extra state is any object, and which notes what it is given."""

    def __init__(self, thing: Any = None) -> None:
        super().__init__()
        self.w, self.thing, self.calls = nn.Parameter(torch.ones(2)), thing, []
        self.register_buffer("b", torch.zeros(2))
        self.child = nn.Linear(1, 1)

    def get_extra_state(self) -> Any:
        return self.thing

    def set_extra_state(self, state: Any) -> None:
        self.calls.append(state)


@check("state_dict.extra-state")
def test_extra_state_of_any_kind_stands_after_the_tensors(subject):
    for thing in (None, 0, False, "", "text", {}, {"a": [1]}, (1, 2), torch.ones(3, device=subject.device)):
        net = Extra(thing)
        for state in (net.state_dict(), net.state_dict(prefix="p."), net.state_dict(keep_vars=True)):
            keys = [key.removeprefix("p.") for key in state]
            assert_same("keys", keys, ["w", "b", "_extra_state", "child.weight", "child.bias"])
            found = [entry for key, entry in state.items() if key.endswith("_extra_state")]
            require(found[0] is thing, f"the extra state {thing!r:.40} is another object in the state")
        for turn in (1, 2):
            assert_report("loading it", net.load_state_dict(net.state_dict()), [], [])
            assert_same("calls of set_extra_state", len(net.calls), turn)
            require(net.calls[-1] is thing, f"set_extra_state is given another object than {thing!r:.40}")


@check("state_dict.extra-state")
def test_extra_state_that_is_missing_or_too_much(subject):
    net, state = Extra(3), Extra(5).state_dict()
    del state["_extra_state"]
    assert_report("without it", net.load_state_dict(state, strict=False), ["_extra_state"], [])
    error = assert_raises("without it, strict", RuntimeError, lambda: net.load_state_dict(state))
    require('"_extra_state"' in str(error), f"the error does not name it: {error}")
    assert_same("calls of set_extra_state", net.calls, [])
    plain = sample(subject)
    state = plain.state_dict()
    state["0._extra_state"] = 1
    assert_report("too much", plain.load_state_dict(state, strict=False), [], ["0._extra_state"])
    assert_raises("too much, strict", RuntimeError, lambda: plain.load_state_dict(state))
    assert_raises("get_extra_state of a plain module", RuntimeError, plain.get_extra_state)
    assert_raises("set_extra_state of a plain module", RuntimeError, lambda: plain.set_extra_state(1))


@check("state_dict.consume-prefix")
def test_a_prefix_is_taken_off_the_front_and_once(subject):
    strip = nn.modules.utils.consume_prefix_in_state_dict_if_present
    keys = ["module.a", "module.module.b", "c.module.d", "modules.e", "module", "f"]
    state = OrderedDict((key, number) for number, key in enumerate(keys))
    strip(state, "module.")
    due = {"a": 0, "module.b": 1, "c.module.d": 2, "modules.e": 3, "module": 4, "f": 5}
    assert_same("the state", dict(state), due)
    strip(state, "missing.")
    assert_same("the state after another prefix", dict(state), due)
    net = sample(subject)
    wrapped = nn.Module()
    wrapped.module = net
    state = wrapped.state_dict()
    before = dict(state)
    strip(state, "module.")
    require(all(state[key] is before[f"module.{key}"] for key in KEYS), "an entry is another object")
    assert_report("loading it", net.load_state_dict(state), [], [])


@check("state_dict.consume-prefix", since="2.3")
def test_a_prefix_is_taken_off_the_names_of_modules_too(subject):
    net, wrapped = sample(subject), nn.Module()
    wrapped.module = net
    state = wrapped.state_dict()
    nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    found = sorted(state._metadata)  # the only place where versions are
    assert_same("modules in the metadata", found, sorted(net.state_dict()._metadata))
    assert_same("their versions", state._metadata["1.0"], {"version": 2})


@check("state_dict.keys-and-order")
def test_norms_without_statistics_have_none_in_the_state(subject):
    for make in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.InstanceNorm1d, nn.InstanceNorm2d):
        for affine in (True, False):
            for tracking in (True, False):
                net = make(3, affine=affine, track_running_stats=tracking).to(subject.device)
                due = ["weight", "bias"] * affine + ["running_mean", "running_var", "num_batches_tracked"] * tracking
                call = f"{make.__name__}(3, affine={affine}, track_running_stats={tracking})"
                assert_same(f"keys of {call}", list(net.state_dict()), due)
                twin = make(3, affine=affine, track_running_stats=tracking).to(subject.device)
                assert_report(call, twin.load_state_dict(copy.deepcopy(net.state_dict())), [], [])


@check("state_dict.load-keeps-counts")
def test_statistics_and_counts_are_loaded_as_they_are(subject):
    net, other = sample(subject), sample(subject)
    for count in (0, 1, 7, 2**24 + 1, 2**53 + 1):
        other[1][0].num_batches_tracked.fill_(count)
        other[1][0].running_var.fill_(count % 97)
        for state in (other.state_dict(), dict(other.state_dict())):
            net[1][0].num_batches_tracked.zero_()
            net.load_state_dict(state)
            assert_values("num_batches_tracked", net[1][0].num_batches_tracked, np.array(count), dtype="int64")
            assert_values("running_var", net[1][0].running_var, np.full(3, float(count % 97)))
    state = {key: entry for key, entry in other.state_dict().items() if "num_batches" not in key}
    assert_report("a plain dict without the count", net.load_state_dict(state), [], [])
    versioned = other.state_dict()
    del versioned["1.0.num_batches_tracked"]
    assert_raises("a state with versions but without the count", RuntimeError, lambda: net.load_state_dict(versioned))


class Table(Mapping):  # type: ignore[type-arg]
    """A mapping that is no dict."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self.entries = dict(entries)

    def __getitem__(self, key: str) -> Any:
        return self.entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


@check("state_dict.load-from-anything-like-a-dict")
def test_any_mapping_can_be_loaded(subject):
    net, other = sample(subject), sample(subject)
    with torch.no_grad():
        other[0].weight.fill_(3.0)
    assert_report("a mapping", net.load_state_dict(Table(other.state_dict())), [], [])
    for key, entry in net.state_dict().items():
        assert_values(key, entry, host.array(other.state_dict()[key]))
    for strict in (False, 0):
        assert_report("an empty mapping", net.load_state_dict(Table({}), strict), _but_counts(KEYS), [])


def _but_counts(keys: list[str]) -> list[str]:
    """A state without versions may lack the counts of batch norms."""
    return [key for key in keys if not key.endswith("num_batches_tracked")]

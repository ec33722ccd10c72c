"""Moving weights between networks, by example; and hooks of state_dict and load_state_dict."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import state_dict as oracle
from conformance.subject import Subject
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


def pair(subject: Subject) -> tuple[nn.Module, nn.Module]:
    """A pretrained network and a changed one: the same body, another head of its own name, and no old head."""
    old = nn.ModuleDict({"body": nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), "head": nn.Linear(3, 5)})
    new = nn.ModuleDict({"body": nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), "top": nn.Linear(3, 2)})
    for place, parameter in enumerate(old.parameters()):
        parameter.data.fill_(float(place + 1))
    return old.to(subject.device), new.to(subject.device)


def arrays(net: nn.Module) -> dict[str, np.ndarray]:
    return {key: host.array(entry) for key, entry in net.state_dict().items()}


def assert_state(call: str, net: nn.Module, due: dict[str, Any]) -> None:
    for key, entry in net.state_dict().items():
        assert_values(f"{call}: {key}", entry, due[key])


@check("state_dict.note-transfer-recipe")
def test_the_notes_recipe_fails_and_the_right_one_works(subject):
    old, new = pair(subject)
    due = oracle.transfer(arrays(new), arrays(old))
    own = new.state_dict()
    own = {key: value for key, value in old.state_dict().items() if key in own}
    own.update(own)
    error = str(assert_raises("the recipe of the note", RuntimeError, lambda: new.load_state_dict(own)))
    require(
        "Missing key" in error and '"top.weight"' in error and '"top.bias"' in error,
        f"the error does not say why: {error}",
    )
    _, fresh = pair(subject)
    due = oracle.transfer(arrays(fresh), arrays(old))
    own = fresh.state_dict()
    pretrained = {key: value for key, value in old.state_dict().items() if key in own}
    own.update(pretrained)
    assert_same("the result of the right recipe", str(fresh.load_state_dict(own)), "<All keys matched successfully>")
    assert_state("the right recipe", fresh, due)


@check("state_dict.note-transfer-recipe")
def test_strict_false_and_a_filter_transfer_as_much(subject):
    old, new = pair(subject)
    due = oracle.transfer(arrays(new), arrays(old))
    result = new.load_state_dict(old.state_dict(), strict=False)
    found = (sorted(result.missing_keys), sorted(result.unexpected_keys))
    assert_same("reported", found, (["top.bias", "top.weight"], ["head.bias", "head.weight"]))
    assert_state("strict=False", new, due)
    old, new = pair(subject)
    own = new.state_dict()
    fitting = {k: v for k, v in old.state_dict().items() if k in own and v.shape == own[k].shape}
    new.load_state_dict(fitting, strict=False)
    assert_state("a filter by name and shape", new, due | {k: v for k, v in arrays(new).items() if k.startswith("top")})


@check("state_dict.update-with-itself")
def test_updating_a_dict_with_itself_does_nothing(subject):
    old, new = pair(subject)
    own = new.state_dict()
    filtered = OrderedDict((key, value) for key, value in old.state_dict().items() if key in own)
    before = list(filtered.items())
    filtered.update(filtered)
    require(all(a is c and b is d for (a, b), (c, d) in zip(before, filtered.items(), strict=True)), "it changes")
    require(len(filtered) == len(before) and "top.weight" not in filtered, "the new model's own entries came back")
    own.update(own)
    assert_same("keys of a state updated with itself", list(own), list(new.state_dict()))
    require(all(own[key].data_ptr() == entry.data_ptr() for key, entry in new.state_dict().items()), "an entry changed")


@check("state_dict.consume-prefix")
def test_a_prefix_can_be_taken_off_in_place(subject):
    old, _ = pair(subject)
    state = old.state_dict(prefix="module.")
    state["other"] = torch.ones(1)
    strip = nn.modules.utils.consume_prefix_in_state_dict_if_present
    require(strip(state, "module.") is None, "it returns something")
    assert_same("keys", sorted(state), sorted([*old.state_dict(), "other"]))
    del state["other"]
    old.load_state_dict(state)
    strip(state, "module.")
    assert_same("keys after a second time", sorted(state), sorted(old.state_dict()))


@check("state_dict.load-post-hook")
def test_a_hook_after_loading_sees_and_changes_the_report(subject):
    log: list[Any] = []
    old, new = pair(subject)

    def hook(module, incompatible):
        log.append((module, list(incompatible.missing_keys), list(incompatible.unexpected_keys)))

    handles = [new.register_load_state_dict_post_hook(hook), new["body"][0].register_load_state_dict_post_hook(hook)]
    new.load_state_dict(old.state_dict(), strict=False)
    require([entry[0] for entry in log] == [new["body"][0], new], "not called for the part and then for the whole")
    assert_same(
        "what the last saw",
        [sorted(keys) for keys in log[-1][1:]],
        [["top.bias", "top.weight"], ["head.bias", "head.weight"]],
    )
    handles[1].remove()
    log.clear()
    new.load_state_dict(new.state_dict())
    assert_same("calls after one was removed", [entry[1:] for entry in log], [([], [])])


@check("state_dict.load-post-hook")
def test_a_hook_after_loading_can_clear_the_report(subject):
    old, new = pair(subject)

    def forgive(module, incompatible):
        incompatible.missing_keys.clear()
        incompatible.unexpected_keys.clear()

    handle = new.register_load_state_dict_post_hook(forgive)
    result = new.load_state_dict(old.state_dict())
    assert_same("the report after clearing", (list(result.missing_keys), list(result.unexpected_keys)), ([], []))
    handle.remove()
    assert_raises("loading after removal", RuntimeError, lambda: new.load_state_dict(old.state_dict()))


@check("state_dict.load-pre-hook", since="2.6")
def test_a_hook_before_loading_can_rename_entries(subject):
    old, new = pair(subject)
    seen: list[Any] = []

    def rename(module, state, prefix, metadata, strict, missing, unexpected, errors):
        seen.append((prefix, strict))
        for kind in ("weight", "bias"):
            state[f"{prefix}top.{kind}"] = state.pop(f"{prefix}head.{kind}")[:2]

    handle = new.register_load_state_dict_pre_hook(rename)
    state = old.state_dict()
    result = new.load_state_dict(state)
    assert_same("prefix and strict", seen, [("", True)])
    assert_same("reported", (list(result.missing_keys), list(result.unexpected_keys)), ([], []))
    assert_values("top.weight", new["top"].weight.detach(), host.array(old["head"].weight.detach())[:2])
    assert_values("body.0.bias", new["body"][0].bias.detach(), host.array(old["body"][0].bias.detach()))
    assert_same("keys of the dict given", list(state), list(old.state_dict()))
    handle.remove()
    assert_raises("loading after removal", RuntimeError, lambda: new.load_state_dict(state))


@check("state_dict.pre-hook", since="2.0")
def test_a_hook_before_state_dict_may_prepare_the_module(subject):
    net, seen = nn.Sequential(nn.Linear(1, 1)), []

    def hook(module, prefix, keep_vars):
        seen.append((prefix, keep_vars))
        module.weight.data.fill_(float(len(seen)))

    handle = net[0].register_state_dict_pre_hook(hook)
    assert_values("the weight in the state", net.state_dict()["0.weight"], np.ones((1, 1)))
    assert_values(
        "the second time", net.state_dict(prefix="a.", keep_vars=True)["a.0.weight"].detach(), np.full((1, 1), 2.0)
    )
    assert_same("what the hook saw", seen, [("0.", False), ("a.0.", True)])
    handle.remove()
    net.state_dict()
    assert_same("calls after removal", len(seen), 2)


@check("state_dict.post-hook", since="2.6")
def test_a_hook_after_state_dict_may_change_the_entries(subject):
    net, seen = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1)), []

    def hook(module, state, prefix, metadata):
        seen.append((prefix, list(state), metadata["version"]))
        state[f"{prefix}extra"] = torch.ones(1)
        del state[f"{prefix}bias"]

    handle = net[0].register_state_dict_post_hook(hook)
    for _ in range(2):
        seen.clear()
        state = net.state_dict(prefix="net.")
        assert_same("keys", list(state), ["net.0.weight", "net.0.extra", "net.1.weight", "net.1.bias"])
        assert_same("what the hook saw", seen, [("net.0.", ["net.0.weight", "net.0.bias"], 1)])
    handle.remove()
    assert_same("keys after removal", list(net.state_dict()), ["0.weight", "0.bias", "1.weight", "1.bias"])

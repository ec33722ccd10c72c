"""Hooks of state_dict and load_state_dict at every depth, by example: order, what each is given, what is refused."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.module_tree import assert_same
from conformance.tables.state_dict_samples import KEYS, sample

pytestmark = must_answer

# The sample's modules from the top down, and as each is done with.
DOWN = ["", "0", "1", "1.0", "1.1", "1.2"]
UP = ["0", "1.0", "1.1", "1.2", "1", ""]


def register(net: nn.Module, method: str, hook: Any) -> list[Any]:
    """Register a hook, made for its name and module, with every module."""
    return [getattr(module, method)(hook(name, module)) for name, module in net.named_modules()]


@check("state_dict.pre-hook", since="2.0")
def test_hooks_before_state_dict_run_from_the_top_down(subject):
    net, log = sample(subject), []

    def hook(name, own):
        return lambda module, prefix, keep_vars: log.append((name, module is own, prefix, keep_vars))

    handles = register(net, "register_state_dict_pre_hook", hook)
    for prefix, keep in (("", False), ("a.b.", True)):
        log.clear()
        net.state_dict(prefix=prefix, keep_vars=keep)
        due = [(name, True, prefix + name + "." * bool(name), keep) for name in DOWN]
        assert_same(f"hooks before state_dict(prefix={prefix!r})", log, due)
    for handle in handles[1:]:
        handle.remove()
    log.clear()
    net.state_dict()
    assert_same("hooks after all but the first were removed", log, [("", True, "", False)])


@check("state_dict.post-hook", since="2.6")
def test_hooks_after_state_dict_run_from_the_bottom_up(subject):
    net, log = sample(subject), []

    def hook(name, own):
        return lambda module, state, prefix, metadata: log.append(
            (name, module is own, prefix, len(state), metadata["version"])
        )

    handles = register(net, "register_state_dict_post_hook", hook)
    for prefix in ("", "a.b."):
        log.clear()
        net.state_dict(prefix=prefix)
        counts = dict(zip(UP, (2, 7, 7, 8, 8, 8), strict=True))
        due = [(n, True, prefix + n + "." * bool(n), counts[n], 2 if n == "1.0" else 1) for n in UP]
        assert_same(f"hooks after state_dict(prefix={prefix!r})", log, due)
    for handle in handles:
        handle.remove()
    net[1].register_state_dict_post_hook(lambda *args: {})
    assert_raises("state_dict with a hook that returns a dict", RuntimeError, net.state_dict)


@check("state_dict.load-pre-hook", since="2.6")
def test_hooks_before_loading_run_from_the_top_down(subject):
    net, log = sample(subject), []

    def hook(name, own):
        return lambda module, state, prefix, metadata, *rest: log.append(
            (name, module is own, prefix, metadata.get("version"), sorted(state))
        )

    register(net, "register_load_state_dict_pre_hook", hook)
    for plain in (False, True):
        state = sample(subject).state_dict()
        for _ in range(2):
            log.clear()
            net.load_state_dict(dict(state) if plain else state)
            versions = dict.fromkeys(DOWN) if plain else {**dict.fromkeys(DOWN, 1), "1.0": 2}
            assert_same("order of the hooks", [entry[0] for entry in log], DOWN)
            for name, own, prefix, version, keys in log:
                path = name + "." * bool(name)
                found, due = (own, prefix, version), (True, path, versions[name])
                assert_same(f"what the hook of {name!r} was given", found, due)
                below = [key for key in KEYS if key.startswith(path)]
                require(set(below) <= set(keys), f"the hook of {name!r} lacks entries", below, keys)


@check("state_dict.load-pre-hook", since="2.6")
def test_a_hook_of_a_part_may_rename_the_entries_of_that_part(subject):
    net, other = sample(subject), sample(subject)
    state = other.state_dict()
    for kind in ("weight", "bias"):
        state[f"1.0.old_{kind}"] = state.pop(f"1.0.{kind}")

    def rename(module, entries, prefix, *rest):
        for kind in ("weight", "bias"):
            entries[f"{prefix}{kind}"] = entries.pop(f"{prefix}old_{kind}") + 1

    keys = list(state)
    net[1][0].register_load_state_dict_pre_hook(rename)
    result = net.load_state_dict(state, strict=False)
    assert_same("missing", list(result.missing_keys), [])
    due = host.array(other[1][0].weight.detach())
    assert_values("the renamed weight", net[1][0].weight.detach(), due + 1)
    assert_values("another entry", net[0].weight.detach(), host.array(other[0].weight.detach()))
    assert_same("keys of the dict given", list(state), keys)


@check("state_dict.load-post-hook")
def test_hooks_after_loading_run_from_the_bottom_up(subject):
    net, log = sample(subject), []

    def hook(name, own):
        return lambda module, report: log.append((name, module is own, sorted(report[0]), sorted(report[1])))

    handles = register(net, "register_load_state_dict_post_hook", hook)
    state = {key: entry for key, entry in net.state_dict().items() if key != "0.bias"}
    state["1.2.extra"] = torch.ones(1)
    for _ in range(2):
        log.clear()
        net.load_state_dict(state, strict=False)
        assert_same("order of the hooks", [entry[:2] for entry in log], [(name, True) for name in UP])
        assert_same("what the last saw", log[-1][2:], (["0.bias"], ["1.2.extra"]))
    for handle in handles:
        handle.remove()
    net[0].register_load_state_dict_post_hook(lambda module, report: report)
    assert_raises("loading with a hook that returns", AssertionError, lambda: net.load_state_dict(net.state_dict()))


@check("state_dict.load-post-hook")
def test_a_hook_after_loading_can_add_to_the_report(subject):
    net = sample(subject)
    for field in ("missing_keys", "unexpected_keys"):
        handle = net[1].register_load_state_dict_post_hook(
            lambda module, report, field=field: getattr(report, field).append("by the hook")
        )
        result = net.load_state_dict(net.state_dict(), strict=False)
        assert_same(f"{field} with what the hook added", list(getattr(result, field)), ["by the hook"])
        error = assert_raises("loading, strict", RuntimeError, lambda: net.load_state_dict(net.state_dict()))
        require("by the hook" in str(error), f"the error does not name what the hook added: {error}")
        handle.remove()


def _positional(net: nn.Module, *args: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated
        return net.state_dict(*args)


@check("state_dict.positional")
def test_the_options_may_stand_by_place(subject):
    net, target = sample(subject), {"old": 1}
    require(_positional(net, target) is target, "state_dict(destination) returns another object")
    assert_same("keys of the destination", list(target), ["old", *KEYS])
    out = _positional(net, {}, "a.")
    assert_same("state_dict({}, 'a.')", list(out), [f"a.{key}" for key in KEYS])
    live = dict(net.named_parameters())
    out = _positional(net, {}, "", True)
    require(all(out[key] is parameter for key, parameter in live.items()), "keep_vars by place is ignored")

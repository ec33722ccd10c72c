"""load_state_dict, by example: keys and sizes that do not match."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from conformance import effort, host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import state_dict as oracle
from conformance.oracle.module_corpus import CORPUS
from conformance.oracle.module_edits import Forest
from conformance.tables.models_networks import LENET, lenet
from conformance.tables.module_tree import Built, assert_listings, assert_same, build
from conformance.tables.state_dict_samples import KEYS, assert_loaded, assert_report, fresh_values, given, sample
from properties.strategies.values import distinct

pytestmark = must_answer


def variants(values: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """A state with entries taken away, added, renamed and in other sizes. BatchNorm's count is never taken away: a
    state without versions may lack it."""
    keys = [key for key in values if not key.endswith("num_batches_tracked")]
    one = np.ones(1)
    found = {f"without {key}": {k: v for k, v in values.items() if k != key} for key in keys[:2] + keys[-2:]}
    found["empty"] = {k: v for k, v in values.items() if k not in keys}
    extras = ("extra", "a.extra", "b.x.extra", "left.common.norm.extra", "missing.weight", "", ".")
    for extra in (name for name in extras if name.partition(".")[0] not in values):
        found[f"with {extra!r}"] = {**values, extra: one}
    found["renamed"] = {(f"module.{k}" if k in keys else k): v for k, v in values.items()}
    found["without the first, with more"] = {
        **{k: v for k, v in values.items() if k not in keys[:1]},
        "xx": one,
        "yy.z": one,
    }
    return found


@pytest.mark.parametrize(
    "strict",
    [
        pytest.param(True, marks=check("state_dict.strict-exact-match")),
        pytest.param(False, marks=check("state_dict.strict-false-loads-matching")),
    ],
)
def test_keys_that_do_not_match(subject, strict):
    step = 3 if effort.level() == "quick" else 1
    for place, (name, program) in enumerate(CORPUS.items()):
        values = fresh_values(build(subject, program)[1])
        for what, changed in [*variants(values).items()][place % step :: step]:
            built, forest = build(subject, program)
            due = oracle.load(forest.root, changed)
            _assert_load(
                f"tree {name!r} {what}, strict={strict}", built, forest, given(subject, forest, changed), due, strict
            )


def _assert_load(call: str, built: Built, forest: Forest, state: Any, due: oracle.Loading, strict: bool) -> None:
    keys = list(state)
    if due.fails(strict=strict):
        error = assert_raises(call, RuntimeError, lambda: built.root.load_state_dict(state, strict=strict))
        text = str(error)
        absent = [
            key
            for key in (due.named if strict else due.mismatched)
            if f'"{key}"' not in text and f" {key}:" not in text
        ]
        require(not absent, f"{call}: the error does not name {absent}: {text}", absent, text)
        require(type(built.root).__name__ in text, f"{call}: the error does not name the class: {text}")
        assert_same(f"{call}: 'Missing key'", "Missing key" in text, bool(due.missing and strict))
        assert_same(f"{call}: 'Unexpected key'", "Unexpected key" in text, bool(due.unexpected and strict))
    else:
        assert_report(call, built.root.load_state_dict(state, strict=strict), due.missing, due.unexpected)
    assert_same(f"{call}: keys of the dict", list(state), keys)
    assert_loaded(call, built, forest, due)
    assert_listings(built, forest)


@check("state_dict.strict-exact-match")
def test_strict_is_the_default(subject):
    net = sample(subject)
    state = net.state_dict()
    for change in (lambda s: s.pop("0.bias"), lambda s: s.update(extra=torch.ones(1))):
        changed = OrderedDict(state)
        change(changed)
        assert_raises("load_state_dict(state)", RuntimeError, lambda: net.load_state_dict(changed))
        assert_raises("load_state_dict(state, True)", RuntimeError, lambda: net.load_state_dict(changed, True))
        net.load_state_dict(changed, False)


@check("state_dict.strict-missing-key")
def test_a_missing_key_is_an_error_that_says_so(subject):
    for key in KEYS:
        net, state = sample(subject), sample(subject).state_dict()
        kept = host.array(net.state_dict()[key])
        due = {k: host.array(entry) for k, entry in state.items()}
        del state[key]
        error = assert_raises(f"loading without {key}", RuntimeError, lambda: net.load_state_dict(state))
        require("Missing key" in str(error) and f'"{key}"' in str(error), f"the error does not name {key}: {error}")
        require("Unexpected" not in str(error), f"the error speaks of unexpected keys: {error}")
        for k, entry in net.state_dict().items():
            assert_values(f"{k} after loading without {key}", entry, kept if k == key else due[k])


@check("state_dict.strict-unexpected-key")
def test_missing_and_unexpected_keys_are_named_in_one_error(subject):
    net, state = sample(subject), sample(subject).state_dict()
    due = {k: host.array(entry) for k, entry in state.items()}
    state["1.0.other"] = state.pop("1.0.weight")
    state["2.weight"] = torch.ones(1)
    error = str(assert_raises("loading a renamed entry", RuntimeError, lambda: net.load_state_dict(state)))
    for word in ("Missing key(s)", '"1.0.weight"', "Unexpected key(s)", '"1.0.other"', '"2.weight"', "Sequential"):
        require(word in error, f"the error lacks {word!r}: {error}", word, error)
    for k, entry in net.state_dict().items():
        if k != "1.0.weight":
            assert_values(f"{k} after the error", entry, due[k])


@check("state_dict.similar-names")
def test_names_that_begin_alike_are_kept_apart(subject):
    def make():
        return nn.ModuleDict({name: nn.Linear(1, 1) for name in ("fc", "fc1", "fc10", "f")}).to(subject.device)

    net, state = make(), make().state_dict()
    due = {key: host.array(entry) for key, entry in state.items()}
    for absent in ("fc1.weight", "fc10.bias", "f.weight"):
        changed = OrderedDict((k, v) for k, v in state.items() if k != absent)
        assert_report(f"without {absent}", net.load_state_dict(changed, strict=False), [absent], [])
    for extra in ("fc1weight", "fc100.weight", "fc1.weight2", "fc11"):
        changed = OrderedDict(state)
        changed[extra] = torch.ones(1, 1)
        assert_report(f"with {extra}", net.load_state_dict(changed, strict=False), [], [extra])
    for key, entry in net.state_dict().items():
        assert_values(key, entry, due[key])


@check("state_dict.below-a-tensor")
def test_a_key_below_the_name_of_a_tensor_is_unexpected(subject):
    net = sample(subject)
    for extra in ("0.weight.x", "1.0.running_mean.y", "1.2.weight.", "0.bias.a.b"):
        changed = net.state_dict()
        changed[extra] = torch.ones(1)
        assert_report(f"with {extra}", net.load_state_dict(changed, strict=False), [], [extra])
        assert_raises(f"with {extra}, strict", RuntimeError, lambda: net.load_state_dict(changed))


@check("state_dict.transient-is-unexpected")
def test_an_entry_for_a_buffer_that_is_left_out_is_unexpected(subject):
    net = sample(subject)
    state = net.state_dict()
    state["hidden"] = torch.zeros(2, device=subject.device)
    state["1.2.bias"] = torch.zeros(1, device=subject.device)
    assert_report("with hidden and a None bias", net.load_state_dict(state, strict=False), [], ["1.2.bias", "hidden"])
    assert_raises("the same, strict", RuntimeError, lambda: net.load_state_dict(state))
    assert_values("hidden", net.hidden, np.ones(2))
    require(net[1][2].bias is None, "the bias that was None")


@check("state_dict.strict-false-leaves-the-rest")
def test_what_the_file_lacks_keeps_its_values_exactly(subject):
    for absent in (KEYS[:1], KEYS[3:6], KEYS[1::2], KEYS):
        net, state = sample(subject), sample(subject).state_dict()
        kept = {k: host.bits(entry).tobytes() for k, entry in net.state_dict().items()}
        given = OrderedDict((k, v) for k, v in state.items() if k not in absent)
        given._metadata = state._metadata
        assert_report(f"without {absent}", net.load_state_dict(given, strict=False), absent, [])
        for k, entry in net.state_dict().items():
            due = kept[k] if k in absent else host.bits(state[k]).tobytes()
            require(host.bits(entry).tobytes() == due, f"{k} is not what it should be, loading without {absent}")


SIZES = [
    ((2, 3), (3, 2)),
    ((2, 3), (1, 3)),
    ((2, 3), (2, 3, 1)),
    ((2, 3), (6,)),
    ((2, 3), (3,)),
    ((2, 3), ()),
    ((2, 3), (0,)),
]


@check("state_dict.size-mismatch")
def test_another_size_is_refused_in_both_modes(subject):
    for own, other in (*SIZES, ((1,), ()), ((4,), (5,)), ((4,), (1,)), ((0,), (1,)), ((0, 2), (2, 0))):
        for strict in (True, False):
            for sort in ("parameter", "buffer"):
                net = nn.Module()
                net.inner, values = nn.Module(), distinct("float32", own)
                data = host.tensor(values, "float32", subject.device)
                if sort == "parameter":
                    net.inner.w = nn.Parameter(data)
                else:
                    net.inner.register_buffer("w", data)
                net.late = nn.Parameter(torch.zeros(2, device=subject.device))
                state = {
                    "inner.w": torch.zeros(other, device=subject.device),
                    "late": torch.ones(2, device=subject.device),
                }
                call = f"loading {other} into a {sort} of {own}, strict={strict}"
                text = str(assert_raises(call, RuntimeError, lambda: net.load_state_dict(state, strict=strict)))
                for word in ("size mismatch", "inner.w", str(torch.Size(own)), str(torch.Size(other))):
                    require(word in text, f"{call}: the error lacks {word!r}: {text}", word, text)
                assert_values(f"the {sort} after {call}", net.inner.w.detach(), values)
                assert_values(f"the entry that fits, after {call}", net.late.detach(), np.ones(2))


@check("state_dict.strict-false-solves-everything")
def test_strict_false_does_not_excuse_another_size(subject):
    old, new = lenet(5).to(subject.device), lenet(3).to(subject.device)
    due = {key: host.array(entry) for key, entry in old.state_dict().items()}
    kept = {key: host.array(entry) for key, entry in new.state_dict().items()}
    error = str(
        assert_raises("strict=False", RuntimeError, lambda: new.load_state_dict(old.state_dict(), strict=False))
    )
    others = ("conv1.weight", "conv2.weight", "fc1.weight")
    assert_same("keys that the error names", [key for key in LENET if f" {key}:" in error], list(others))
    for key, entry in new.state_dict().items():
        assert_values(key, entry, kept[key] if key in others else due[key])
    misspelt = OrderedDict((key.replace("fc3", "fc_3"), entry) for key, entry in new.state_dict().items())
    result = new.load_state_dict(misspelt, strict=False)
    assert_report("a misspelt name", result, ["fc3.weight", "fc3.bias"], ["fc_3.weight", "fc_3.bias"])


@check("state_dict.load-refuses-other-values")
def test_an_entry_that_is_no_tensor_is_refused(subject):
    for value in (3.0, [1.0, 2.0], "text", np.ones(2)):
        net = nn.Module()
        net.w, net.late = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))
        state = {"w": value, "late": torch.ones(2)}
        for strict in (True, False):
            error = assert_raises(
                f"a {type(value).__name__} as entry", RuntimeError, lambda: net.load_state_dict(state, strict)
            )
            require("w" in str(error), f"the error does not name the key: {error}")
            assert_values("w after a refusal", net.w.detach(), np.zeros(2))
            assert_values("the other entry", net.late.detach(), np.ones(2))

"""load_state_dict, by example: what is copied, what is kept, what is reported and what is refused."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from conformance import effort, host
from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.module_tree import Built, assert_listings, assert_same, build
from conformance.networks import LENET, fill, lenet
from conformance.numerics import ROUNDED
from conformance.oracle import models as networks
from conformance.oracle import module as model
from conformance.oracle import state_dict as oracle
from conformance.oracle.module_corpus import CORPUS
from conformance.oracle.module_edits import Forest
from conformance.subject import Subject
from conformance.test_state_dict import KEYS, optimizer_step, sample
from properties.strategies.recipe import DENSE, LAYOUTS, layouts
from properties.strategies.values import distinct, interesting, rounded

pytestmark = must_answer


def fresh_values(forest: Forest, by: int = 1000) -> dict[str, np.ndarray]:
    """Other values for every key of a tree, tied ones alike."""
    return {key: model.values(leaf.seed + by, leaf.shape, leaf.dtype) for key, leaf in model.state(forest.root)}


def given(subject: Subject, forest: Forest, values: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    dtypes = {key: leaf.dtype for key, leaf in model.state(forest.root)}
    return OrderedDict((key, host.tensor(v, dtypes.get(key, "float32"), subject.device)) for key, v in values.items())


def assert_loaded(call: str, built: Built, forest: Forest, due: oracle.Loading) -> None:
    """Refute unless every leaf holds what was loaded into it, or else what it held."""
    for tensor, leaf in zip(built.tensors, forest.leaves, strict=True):
        wanted = due.values.get(leaf.number, leaf.values)
        assert_values(f"{call}: tensor {leaf.number}", tensor.detach(), wanted, dtype=leaf.dtype)
        assert_same(f"{call}: requires_grad of tensor {leaf.number}", tensor.requires_grad, leaf.requires_grad)
        require(tensor.is_leaf, f"{call}: tensor {leaf.number} has a history")


def assert_report(call: str, result: Any, missing: list[str], unexpected: list[str]) -> None:
    """Refute unless a load reports these keys, each once, as both fields and tuple."""
    assert_same(f"{call}: missing_keys", sorted(result.missing_keys), sorted(missing))
    assert_same(f"{call}: unexpected_keys", sorted(result.unexpected_keys), sorted(unexpected))
    require(tuple(result) == (result.missing_keys, result.unexpected_keys), f"{call}: no pair of the two lists")


# -- what is loaded ----------------------------------------------------------------------------------------------------


@check("state_dict.load-copies")
def test_every_tensor_gets_its_value_and_stays_the_same_object(subject):
    for name, program in CORPUS.items():
        built, forest = build(subject, program)
        for turn in (1, 2):
            values = fresh_values(forest, 1000 * turn)
            state = given(subject, forest, values)
            places = [tensor.data_ptr() for tensor in built.tensors]
            before = Unchanged(**{f"entry {n}": entry for n, entry in enumerate(state.values())})
            call = f"tree {name!r}, load {turn}"
            assert_report(call, built.root.load_state_dict(state), [], [])
            assert_loaded(call, built, forest, oracle.load(forest.root, values))
            assert_listings(built, forest)
            assert_same(f"{call}: addresses", [tensor.data_ptr() for tensor in built.tensors], places)
            before.check(call)
            assert_same(f"{call}: keys of the dict", list(state), list(values))


@check("state_dict.load-does-not-alias")
def test_later_changes_of_the_dict_or_the_network_do_not_show(subject):
    net, other = sample(subject), sample(subject)
    state = other.state_dict()
    net.load_state_dict(state)
    for key in KEYS:
        assert_apart(f"{key} after loading", net.state_dict()[key], state[key])
    kept = {key: host.array(entry) for key, entry in net.state_dict().items()}
    for entry in state.values():
        entry.zero_()
    for key, entry in net.state_dict().items():
        assert_values(f"{key} after the dict was zeroed", entry, kept[key])
    with torch.no_grad():
        net[0].weight.fill_(3.0)
    assert_values("the entry after a write to the network", state["0.weight"], np.zeros((3, 2)))


@check("state_dict.load-keeps-the-rest")
def test_loading_leaves_flags_gradients_modes_and_hooks_alone(subject):
    net, calls = sample(subject), []
    net.register_forward_hook(lambda *args: calls.append(1))
    optimizer_step(net)
    net[0].bias.requires_grad_(False)
    net[1].eval()
    grads = [p.grad for p in net.parameters()]
    before = [host.array(grad) for grad in grads]
    state = {key: entry.clone() for key, entry in sample(subject).state_dict().items()}
    state["0.bias"].requires_grad_()
    state["0.weight"].requires_grad_(False)
    net.load_state_dict(state)
    assert_same("requires_grad", [p.requires_grad for p in net.parameters()], [True, False, True, True, True])
    require(all(p.grad is grad for p, grad in zip(net.parameters(), grads, strict=True)), "loading replaces gradients")
    for grad, values in zip(grads, before, strict=True):
        assert_values("a gradient after loading", grad, values)
    assert_same("modes", [m.training for m in net.modules()], [True, True, False, False, False, False])
    require(all(p.is_leaf and type(p) is nn.Parameter for p in net.parameters()), "a parameter is no leaf any more")
    calls.clear()
    net(torch.ones(2, 2, device=subject.device))
    assert_same("forward hooks run", calls, [1])


@check("state_dict.load-from-anything-like-a-dict")
def test_plain_dicts_any_order_and_states_themselves_can_be_loaded(subject):
    net, other = sample(subject), sample(subject)
    state = other.state_dict()
    forms: dict[str, Callable[[], Any]] = {
        "a state": lambda: state,
        "a plain dict": lambda: dict(state),
        "in reverse order": lambda: OrderedDict(reversed(state.items())),
        "with Parameters": lambda: other.state_dict(keep_vars=True),
        "its own state": lambda: net.state_dict(),
    }
    for call, form in forms.items():
        optimizer_step(other)
        due = {key: host.array(entry) for key, entry in form().items()}
        assert_report(call, net.load_state_dict(form()), [], [])
        for key, entry in net.state_dict().items():
            assert_values(f"{key} from {call}", entry, due[key])
    for bad in (list(state.items()), None, 3):
        assert_raises(f"load_state_dict of a {type(bad).__name__}", TypeError, lambda: net.load_state_dict(bad))


@check("state_dict.load-bits")
def test_every_bit_is_copied(subject):
    for dtype in ("float32", "float64", "float16", "complex64", "int64", "uint8", "bool"):
        values = interesting(dtype)
        net = nn.Module()
        net.register_buffer("b", host.tensor(np.zeros_like(values), dtype, subject.device))
        state = {"b": host.tensor(values, dtype, subject.device)}
        net.load_state_dict(state)
        found, due = host.bits(net.b).tobytes(), host.bits(state["b"]).tobytes()
        require(found == due, f"loading {dtype} changes bits", values, host.array(net.b))


@check("state_dict.load-dtypes")
def test_values_are_converted_to_the_dtype_of_the_module(subject):
    values = np.array([0.1, -1.0 / 3.0, 65519.0, 1.00390625, 2.0])
    for source in ("float64", "float32", "float16", "bfloat16"):
        for target in ("float64", "float32", "float16", "bfloat16"):
            net = nn.Module()
            net.w = weight = nn.Parameter(host.tensor(np.zeros(5), target, subject.device))
            net.register_buffer("b", host.tensor(np.zeros(5), target, subject.device))
            state = {key: host.tensor(values, source, subject.device) for key in ("w", "b")}
            net.load_state_dict(state)
            require(net.w is weight, "loading another dtype replaces the Parameter")
            for key in ("w", "b"):
                due = rounded(rounded(values, source), target)
                assert_values(f"{key} from {source}", getattr(net, key).detach(), due, ROUNDED, dtype=target)
    net = nn.Module()
    net.register_buffer("n", host.tensor(np.array([1, 2]), "int64", subject.device))
    net.load_state_dict({"n": host.tensor(np.array([5.0, -7.0]), "float32", subject.device)})
    assert_values("an integer buffer from floats", net.n, np.array([5, -7]), dtype="int64")


@check("state_dict.load-layouts")
def test_layouts_on_both_sides_do_not_matter(subject):
    shape = (2, 3, 4, 5)
    for target in layouts(np.zeros(shape), "float32", DENSE):
        for source in layouts(distinct("float32", shape), "float32", LAYOUTS):
            net = nn.Module()
            net.w = nn.Parameter(target.on(subject))
            strides = net.w.stride()
            net.load_state_dict({"w": source.on(subject)})
            assert_values(f"w, strides {strides}, from strides {source.strides}", net.w.detach(), source.array)
            assert_same("strides after loading", net.w.stride(), strides)
    for shape in ((), (0,), (17,), (40000,)):
        net = nn.Module()
        net.w = nn.Parameter(host.tensor(np.zeros(shape), "float32", subject.device))
        values = distinct("float32", shape)
        net.load_state_dict({"w": host.tensor(values, "float32", subject.device)})
        assert_values(f"w of shape {shape}", net.w.detach(), values)


# -- keys that do not match --------------------------------------------------------------------------------------------


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
    found["without the first, with more"] = {**{k: v for k, v in values.items() if k not in keys[:1]}, "x": one, "y.z": one}
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
            _assert_load(f"tree {name!r} {what}, strict={strict}", built, forest, given(subject, forest, changed), due, strict)


def _assert_load(call: str, built: Built, forest: Forest, state: Any, due: oracle.Loading, strict: bool) -> None:
    keys = list(state)
    if due.fails(strict=strict):
        error = assert_raises(call, RuntimeError, lambda: built.root.load_state_dict(state, strict=strict))
        text = str(error)
        absent = [key for key in (due.named if strict else due.mismatched) if f'"{key}"' not in text and f" {key}:" not in text]
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


# -- sizes that do not match -------------------------------------------------------------------------------------------

SIZES = [((2, 3), (3, 2)), ((2, 3), (1, 3)), ((2, 3), (2, 3, 1)), ((2, 3), (6,)), ((2, 3), (3,)), ((2, 3), ()), ((2, 3), (0,))]


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
                state = {"inner.w": torch.zeros(other, device=subject.device), "late": torch.ones(2, device=subject.device)}
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
    error = str(assert_raises("strict=False", RuntimeError, lambda: new.load_state_dict(old.state_dict(), strict=False)))
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
            error = assert_raises(f"a {type(value).__name__} as entry", RuntimeError, lambda: net.load_state_dict(state, strict))
            require("w" in str(error), f"the error does not name the key: {error}")
            assert_values("w after a refusal", net.w.detach(), np.zeros(2))
            assert_values("the other entry", net.late.detach(), np.ones(2))


# -- again and again ---------------------------------------------------------------------------------------------------


@check("state_dict.load-again")
def test_a_network_can_be_loaded_after_a_load_and_after_a_failure(subject):
    net = sample(subject)
    states = [{key: entry.clone() for key, entry in sample(subject).state_dict().items()} for _ in range(3)]
    bad = {**states[1], "0.weight": torch.zeros(9, device=subject.device), "extra": torch.ones(1)}
    for turn, state in enumerate((states[0], states[1], states[0], bad, states[2], states[2])):
        before = host.array(net[0].weight.detach())
        if state is bad:
            assert_raises("a bad state", RuntimeError, lambda: net.load_state_dict(state))
        else:
            assert_report(f"load {turn}", net.load_state_dict(state), [], [])
        for key, entry in net.state_dict().items():
            due = before if state is bad and key == "0.weight" else host.array(state[key])
            assert_values(f"{key} after load {turn}", entry, due)


@check("state_dict.load-into-a-part")
def test_a_part_is_loaded_by_its_own_names(subject):
    net, other = sample(subject), sample(subject)
    before = {key: host.array(entry) for key, entry in net.state_dict().items()}
    inner = other[1].state_dict()
    assert_report("the part", net[1].load_state_dict(inner), [], [])
    for key, entry in net.state_dict().items():
        due = host.array(inner[key[2:]]) if key.startswith("1.") else before[key]
        assert_values(key, entry, due)
    assert_raises("the part from keys of the whole", RuntimeError, lambda: net[1].load_state_dict(other.state_dict()))


@check("state_dict.load-shared")
def test_a_shared_module_takes_the_last_of_its_entries(subject):
    shared = nn.Linear(1, 1, bias=False).to(subject.device)
    net = nn.ModuleDict({"a": shared, "b": nn.Sequential(shared), "c": nn.Linear(1, 1, bias=False)}).to(subject.device)
    net["c"].weight = shared.weight
    for order in (("a.weight", "b.0.weight", "c.weight"), ("c.weight", "b.0.weight", "a.weight")):
        values = {"a.weight": 1.0, "b.0.weight": 2.0, "c.weight": 3.0}
        net.load_state_dict({key: torch.full((1, 1), values[key], device=subject.device) for key in order})
        assert_values("the shared weight", shared.weight.detach(), np.array([[3.0]]))
    part = {"a.weight": torch.full((1, 1), 7.0, device=subject.device)}
    assert_report("only a", net.load_state_dict(part, strict=False), ["b.0.weight", "c.weight"], [])
    assert_values("the shared weight", net["c"].weight.detach(), np.array([[7.0]]))
    require(net["a"] is net["b"][0] and net["c"].weight is shared.weight, "loading unties what is shared")


# -- assign ------------------------------------------------------------------------------------------------------------


@check("state_dict.assign", since="2.1")
def test_assign_takes_the_tensors_themselves(subject):
    net = sample(subject)
    net[0].bias.requires_grad_(False)
    old = dict(net.named_parameters())
    state = OrderedDict((key, entry.clone()) for key, entry in sample(subject).double().state_dict().items())
    state["1.2.weight"] = nn.Parameter(state["1.2.weight"])
    assert_report("assign=True", net.load_state_dict(state, assign=True), [], [])
    live = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    for key, entry in state.items():
        assert_values(key, live[key].detach(), host.array(entry.detach()), dtype=host.dtype_name(entry.dtype))
        require(live[key].data_ptr() == entry.data_ptr(), f"{key} does not share the memory of its entry")
    require(all(live[key] is not parameter for key, parameter in old.items()), "a Parameter was kept")
    require(all(type(live[key]) is nn.Parameter for key in old), "an assigned entry is no Parameter")
    assert_same("requires_grad", [p.requires_grad for p in net.parameters()], [True, False, True, True, True])
    require(list(net.state_dict()) == KEYS and list(live) == [*old, *(n for n, _ in net.named_buffers())], "other names")
    state["0.weight"][0, 0] = 9.0
    require(float(net[0].weight[0, 0]) == 9.0, "the network does not see a write to the entry")


@check("state_dict.assign", since="2.1")
def test_assign_reports_and_refuses_as_copying_does(subject):
    net, state = sample(subject), sample(subject).state_dict()
    state["extra"] = state.pop("0.weight")
    assert_report("strict=False", net.load_state_dict(state, strict=False, assign=True), ["0.weight"], ["extra"])
    assert_raises("strict", RuntimeError, lambda: net.load_state_dict(state, assign=True))
    wide = {**sample(subject).state_dict(), "0.weight": torch.zeros(4, 4)}
    assert_raises("another size", RuntimeError, lambda: net.load_state_dict(wide, strict=False, assign=True))
    assert_same("shape after a refusal", tuple(net[0].weight.shape), (3, 2))
    meta = sample(subject).to("meta")
    due = {key: host.array(entry) for key, entry in net.state_dict().items()}
    meta.load_state_dict(net.state_dict(), assign=True)
    for key, entry in meta.state_dict().items():
        assert_values(f"{key} in a network from 'meta'", entry, due[key])


# -- files -------------------------------------------------------------------------------------------------------------


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
    assert_same("the result prints", str(result), "<All keys matched successfully>")
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
    assert_values("the weight after load_state_dict(state_dict=…)", net[0].weight.detach(), host.array(state["0.weight"]))


@check("state_dict.single-layer")
def test_one_weight_can_be_read_from_the_file(subject):
    net = lenet()
    plain = saved(net.state_dict(), subject)
    assert_values("plain['conv1.weight']", plain["conv1.weight"], host.array(net.conv1.weight.detach()), dtype="float32")
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

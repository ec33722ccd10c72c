"""Forward hooks of modules, by example: order, what they are given, what they replace, removal."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import nn

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.module_samples import X, given, marking, recorder, said
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


@check("module.forward-pre-hook")
def test_pre_hooks_run_before_forward_in_order_of_registration(subject):
    log: list[Any] = []
    net, x = recorder(log), given(subject)
    for name in "abc":
        net.register_forward_pre_hook(marking(log, name))
    for turn in (1, 2):
        log.clear()
        assert_values(f"call {turn} of a module with pre-hooks", net(x, 1.0, "rest"), 2 * X + 1)
        assert_same("order", said(log), ["a", "b", "c", "forward"])
        assert_same("what forward was given", log[-1], ("forward", 1.0, ("rest",), {}))


@check("module.forward-pre-hook")
def test_a_pre_hook_is_given_module_and_positional_arguments(subject):
    net, x, seen = recorder(), given(subject), []
    net.register_forward_pre_hook(lambda *args: seen.append(args))
    net(x, 1.0, other=3)
    net(x=x)
    require(len(seen) == 2 and all(len(args) == 2 and args[0] is net for args in seen), "not (module, args)", 2, seen)
    require(isinstance(seen[0][1], tuple) and seen[0][1][0] is x, "the arguments are no tuple that starts with x")
    assert_same("what a pre-hook is given besides x", (seen[0][1][1:], seen[1][1]), ((1.0,), ()))


@check("module.forward-pre-hook-replaces")
def test_what_a_pre_hook_returns_replaces_the_arguments(subject):
    net, x = recorder(), given(subject)
    first = net.register_forward_pre_hook(lambda module, args: (args[0] + 1, 5.0))
    assert_values("with a tuple from a pre-hook", net(x), 2 * (X + 1) + 5)
    net.register_forward_pre_hook(lambda module, args: args[0] * 10)
    net.log.clear()
    assert_values("with a single value from the second", net(x, 7.0, key=1), 2 * 10 * (X + 1))
    assert_same("what forward was given", net.log, [("forward", 0.0, (), {"key": 1})])
    net.register_forward_pre_hook(lambda module, args: None)
    assert_values("with None from the third", net(x), 20 * (X + 1))
    first.remove()
    assert_values("without the first", net(x), 20 * X)


@check("module.forward-hook")
def test_hooks_run_after_forward_in_order_of_registration(subject):
    log: list[Any] = []
    net, x = recorder(log), given(subject)
    for name in "abc":
        net.register_forward_hook(marking(log, name))
    net.register_forward_pre_hook(marking(log, "before"))
    for turn in (1, 2):
        log.clear()
        assert_values(f"call {turn} of a module with hooks", net(x), 2 * X)
        assert_same("order", said(log), ["before", "forward", "a", "b", "c"])


@check("module.forward-hook")
def test_a_hook_that_is_registered_twice_runs_twice(subject):
    log: list[Any] = []
    net, x, hook = recorder(log), given(subject), marking(log, "twice")
    first = net.register_forward_hook(hook)
    net.register_forward_hook(marking(log, "between"))
    net.register_forward_hook(hook)
    for wanted in (["forward", "twice", "between", "twice"], ["forward", "between", "twice"]):
        log.clear()
        net(x)
        assert_same("what ran", said(log), wanted)
        first.remove()


@check("module.forward-hook")
def test_a_hook_is_given_module_arguments_and_output(subject):
    net, x, seen = recorder(), given(subject), []
    net.register_forward_hook(lambda *args: seen.append(args))
    net.register_forward_pre_hook(lambda module, args: (args[0] + 1, *args[1:]))
    out = net(x, 1.0, other=3)
    require(len(seen) == 1 and len(seen[0]) == 3 and seen[0][0] is net, "not (module, args, output)", 1, seen)
    assert_values("the argument that a hook sees, after the pre-hooks", seen[0][1][0], X + 1)
    assert_same("the other arguments that a hook sees", seen[0][1][1:], (1.0,))
    require(seen[0][2] is out, "the hook is given another output than the caller")


@check("module.forward-hook-replaces")
def test_what_a_hook_returns_replaces_the_output(subject):
    net, x = recorder(), given(subject)
    first = net.register_forward_hook(lambda module, args, out: out + 1)
    second = net.register_forward_hook(lambda module, args, out: out * 10)
    third = net.register_forward_hook(lambda module, args, out: None)
    for _ in range(2):
        assert_values("with two replacing hooks", net(x), 10 * (2 * X + 1))
    last = net.register_forward_hook(lambda module, args, out: {"kept": out})
    assert_values("with a hook that returns a dict", net(x)["kept"], 10 * (2 * X + 1))
    last.remove()
    first.remove()
    assert_values("without the first", net(x), 20 * X)
    second.remove()
    third.remove()
    assert_values("without any", net(x), 2 * X)


@check("module.hook-removal")
def test_a_removed_hook_runs_no_more_and_the_others_do(subject):
    log: list[Any] = []
    net, x = recorder(log), given(subject)
    for register in (net.register_forward_pre_hook, net.register_forward_hook):
        handles = {name: register(marking(log, name)) for name in "abcd"}
        for gone, due in (("b", "acd"), ("d", "ac"), ("b", "ac"), ("a", "c"), ("c", "")):
            handles[gone].remove()
            log.clear()
            net(x)
            assert_same(f"hooks after {gone} was removed", [word for word in said(log) if word != "forward"], list(due))


@check("module.hook-removal")
def test_a_handle_is_a_context_manager(subject):
    log: list[Any] = []
    net, x = recorder(log), given(subject)
    with net.register_forward_hook(marking(log, "inside")):
        net(x)
    net(x)
    assert_same("calls within and after the block", said(log), ["forward", "inside", "forward"])


@check("module.hooks-belong-to-one-module")
def test_a_hook_fires_for_its_module_each_time_and_for_no_other(subject):
    log: list[Any] = []
    shared, other = nn.Linear(3, 3), nn.Linear(3, 3)
    shared.register_forward_hook(marking(log, "shared"))
    net = nn.Sequential(shared, other, shared, nn.Sequential(other, shared)).to(subject.device)
    net.register_forward_hook(marking(log, "net"))
    net[3].register_forward_pre_hook(marking(log, "inner"))
    x = given(subject)
    for _ in range(2):
        log.clear()
        net(x)
        assert_same("hooks in one call of the network", log, ["shared", "shared", "inner", "shared", "net"])
    log.clear()
    nn.Linear(3, 3).to(subject.device)(x)
    other(x)
    shared.forward(x)
    assert_same("hooks of other modules, and of forward itself", log, [])
    shared(x)
    assert_same("hooks of the shared module", log, ["shared"])


@check("module.hooks-in-either-mode")
def test_hooks_run_in_both_modes_and_without_gradients(subject):
    log: list[Any] = []
    net, x = recorder(log), given(subject)
    net.register_forward_pre_hook(marking(log, "before"))
    net.register_forward_hook(marking(log, "after"))
    for mode in (True, False):
        net.train(mode)
        for enabled in (True, False):
            log.clear()
            with torch.set_grad_enabled(enabled):
                net(x)
            assert_same(f"hooks with train({mode}) and gradients {enabled}", said(log), ["before", "forward", "after"])


@check("module.hook-options", since="2.0")
def test_prepend_puts_a_hook_first(subject):
    log: list[Any] = []
    net, x = recorder(log), given(subject)
    for register, word in ((net.register_forward_pre_hook, "pre"), (net.register_forward_hook, "post")):
        register(marking(log, f"{word} 1"))
        register(marking(log, f"{word} 2"), prepend=True)
        register(marking(log, f"{word} 3"))
        register(marking(log, f"{word} 4"), prepend=True)
    net(x)
    due = ["pre 4", "pre 2", "pre 1", "pre 3", "forward", "post 4", "post 2", "post 1", "post 3"]
    assert_same("order with prepend", said(log), due)


@check("module.hook-options", since="2.0")
def test_with_kwargs_hands_over_keyword_arguments(subject):
    net, x, seen = recorder(), given(subject), []

    def before(module, args, kwargs):
        seen.append((args[1:], dict(kwargs)))
        return (args[0] + 1,), {"plus": 5.0, "extra": 1}

    def after(module, args, kwargs, out):
        seen.append((args[1:], dict(kwargs)))
        return out * 10

    net.register_forward_pre_hook(before, with_kwargs=True)
    net.register_forward_hook(after, with_kwargs=True)
    for _ in range(2):
        seen.clear()
        net.log.clear()
        assert_values("with hooks that take keywords", net(x, key="k"), 10 * (2 * (X + 1) + 5))
        assert_same("what the hooks saw", seen, [((), {"key": "k"}), ((), {"plus": 5.0, "extra": 1})])
        assert_same("what forward was given", net.log, [("forward", 5.0, (), {"extra": 1})])


@check("module.hook-options", since="2.1")
def test_always_call_runs_a_hook_even_after_an_error(subject):
    class Failing(nn.Module):
        def forward(self, x):
            raise ZeroDivisionError("as asked")

    log: list[Any] = []
    net = Failing()
    net.register_forward_hook(marking(log, "always"), always_call=True)
    net.register_forward_hook(marking(log, "only if it works"))
    assert_raises("a failing forward", ZeroDivisionError, lambda: net(given(subject)))
    assert_same("hooks after an error", log, ["always"])


@check("module.global-hooks")
def test_global_hooks_run_for_every_module_before_its_own(subject):
    log: list[Any] = []
    inner, x = recorder(log), given(subject)
    net = nn.Sequential(inner)
    inner.register_forward_pre_hook(marking(log, "own before"))
    inner.register_forward_hook(marking(log, "own after"))
    registry = nn.modules.module
    handles = [
        registry.register_module_forward_pre_hook(lambda module, args: log.append(f"before {type(module).__name__}"))
    ]
    handles.append(
        registry.register_module_forward_hook(lambda module, args, out: log.append(f"after {type(module).__name__}"))
    )
    try:
        net(x)
    finally:
        for handle in handles:
            handle.remove()
    inside = ["before Recorder", "own before", "forward", "after Recorder", "own after"]
    assert_same("hooks of every module", said(log), ["before Sequential", *inside, "after Sequential"])
    log.clear()
    net(x)
    assert_same("hooks after the global ones were removed", said(log), ["own before", "forward", "own after"])


@contextlib.contextmanager
def replacing(log, other):
    """Registration hooks for all modules that write down what is registered, and replace what is called x."""
    handles = []
    for kind, value in other.items():
        register = getattr(nn.modules.module, f"register_module_{kind}_registration_hook")
        handles.append(
            register(
                lambda net, name, _, kind=kind, value=value: (
                    log.append((kind, name)) or (value if name == "x" else None)
                )
            )
        )
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@check("module.registration-hooks", since="2.0")
def test_global_registration_hooks_see_and_replace_what_is_registered(subject):
    log: list[Any] = []
    other = {"parameter": nn.Parameter(given(subject)), "buffer": given(subject), "module": nn.ReLU()}
    plain = {"parameter": nn.Parameter(given(subject)), "buffer": given(subject), "module": nn.Linear(1, 1)}
    with replacing(log, other):
        net = nn.Module()
        net.w, net.layer = plain["parameter"], plain["module"]
        net.register_buffer("b", plain["buffer"])
        assert_same("what the hooks saw", log, [("parameter", "w"), ("module", "layer"), ("buffer", "b")])
        for kind, call in (
            ("parameter", "register_parameter"),
            ("buffer", "register_buffer"),
            ("module", "add_module"),
        ):
            net = nn.Module()
            getattr(net, call)("x", plain[kind])
            require(net.x is other[kind], f"what a {kind} registration hook returns is not registered")
    log.clear()
    net = nn.Module()
    net.x = plain["module"]
    require(net.x is plain["module"] and log == [], "a removed registration hook still runs")

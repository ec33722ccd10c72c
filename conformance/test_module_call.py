"""Calling a module, by example: forward with its arguments, and hooks before, after and in the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.module_tree import assert_same
from conformance.subject import Subject

pytestmark = must_answer

X = np.array([1.0, -2.0, 3.0])


def recorder(log: list[Any] | None = None, factor: float = 2.0) -> nn.Module:
    """A module whose forward writes what it is given into a log and returns factor * x + plus."""

    class Recorder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.log: list[Any] = [] if log is None else log

        def forward(self, x: torch.Tensor, plus: float = 0.0, *rest: Any, **named: Any) -> torch.Tensor:
            self.log.append(("forward", plus, rest, named))
            return factor * x + plus

    return Recorder()


def given(subject: Subject, values: np.ndarray = X) -> torch.Tensor:
    return host.tensor(values, "float32", subject.device)


def said(log: list[Any]) -> list[Any]:
    """The words of a log, without what came with them."""
    return [entry[0] if isinstance(entry, tuple) else entry for entry in log]


def marking(log: list[Any], word: str, answer: Any = None) -> Callable[..., Any]:
    """A hook that writes a word into a log and returns the answer."""

    def hook(*args: Any) -> Any:
        log.append(word)
        return answer

    return hook


# -- forward -----------------------------------------------------------------------------------------------------------


@check("module.subclass-with-forward")
def test_calling_runs_forward_with_all_arguments(subject):
    net, x = recorder(), given(subject)
    for plus, rest, named in ((0.0, (), {}), (1.0, (), {}), (2.0, ("a", 3), {}), (3.0, (None,), {"key": x, "other": 5})):
        net.log.clear()
        out = net(x, plus, *rest, **named)
        assert_values(f"net(x, {plus}, *{rest}, **{sorted(named)})", out, 2 * X + plus)
        assert_same("what forward was given", net.log, [("forward", plus, rest, named)])
    net.log.clear()
    assert_values("net(plus=4.0, x=x)", net(plus=4.0, x=x), 2 * X + 4)
    assert_same("what forward was given", net.log, [("forward", 4.0, (), {})])


@check("module.multiple-outputs")
def test_forward_may_return_anything(subject):
    x = given(subject)
    results = [x, (x, x), [x, x, x], {"a": x, "b": [x]}, None, 3, "text"]

    class Giving(nn.Module):
        def forward(self, place):
            return results[place]

    net = Giving()
    for place, result in enumerate(results):
        require(net(place) is result, f"calling returns {net(place)!r:.60} where forward returned {result!r:.60}")


@check("module.multiple-outputs")
def test_gradients_can_start_from_each_output(subject):
    class Stages(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(given(subject, np.array([1.0, 2.0, 3.0])))

        def forward(self, x):
            first = x * self.w
            second = first * self.w
            return [first, second, second * self.w]

    weight = np.array([1.0, 2.0, 3.0])
    for place in range(3):
        net = Stages().to(subject.device)
        outs = net(given(subject))
        assert_same("number of outputs", len(outs), 3)
        for power, out in enumerate(outs, start=1):
            assert_values(f"output {power}", out, X * weight**power)
        outs[place].sum().backward()
        assert_values(f"the gradient from output {place}", net.w.grad, X * (place + 1) * weight**place)


@check("module.forward-is-required")
def test_a_module_without_forward_can_be_made_but_not_called(subject):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

    x = torch.ones(3, device=subject.device)
    for net, call in ((Net(), "net"), (nn.Module(), "nn.Module()"), (nn.ModuleList([nn.ReLU()]), "ModuleList")):
        assert_raises(f"{call}(x) without forward", NotImplementedError, lambda: net(x))
        assert_raises(f"{call}.forward(x)", NotImplementedError, lambda: net.forward(x))
    assert_raises("ModuleDict(x)", NotImplementedError, lambda: nn.ModuleDict({"a": nn.ReLU()})(x))


@check("module.forward-errors-pass")
def test_an_error_of_forward_reaches_the_caller_and_the_module_still_works(subject):
    class Picky(nn.Module):
        def forward(self, x, fail=None):
            if fail is not None:
                raise fail
            return x + 1

    net, log = Picky(), []
    net.register_forward_pre_hook(marking(log, "before"))
    net.register_forward_hook(marking(log, "after"))
    for error in (ValueError("a"), KeyError("b"), ZeroDivisionError("c"), RuntimeError("d")):
        raised = assert_raises("net(x, fail)", type(error), lambda: net(given(subject), error))
        require(raised is error, f"another {type(error).__name__} arrives than was raised")
        log.clear()
        assert_values("net(x) after an error", net(given(subject)), X + 1)
        assert_same("hooks after an error", log, ["before", "after"])


@check("module.backward-is-automatic")
def test_backward_fills_the_gradient_of_every_parameter_in_use(subject):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(given(subject, np.array([1.0, 2.0, 4.0])))
            self.shift = nn.ParameterList([given(subject, np.ones(3))])
            self.inner = nn.Linear(3, 2)
            self.unused = nn.Linear(3, 2)
            self.register_buffer("offset", torch.ones(3))

        def forward(self, x):
            return self.inner(x * self.scale + self.shift[0] + self.offset)

    net = Net().to(subject.device)
    weight = np.array([[1.0, -1.0, 2.0], [0.0, 3.0, 1.0]])
    net.inner.weight.data, net.inner.bias.data = given(subject, weight), given(subject, np.zeros(2))
    x, seed = np.stack([X, X + 1]), np.array([[1.0, 2.0], [3.0, -1.0]])
    for turn in (1, 2):
        out = net(given(subject, x))
        (out * given(subject, seed)).sum().backward()
        inner = x * np.array([1.0, 2.0, 4.0]) + 2
        assert_values("net(x)", out.detach(), inner @ weight.T)
        back = seed @ weight
        for name, due in {
            "scale": (back * x).sum(0),
            "shift.0": back.sum(0),
            "inner.weight": seed.T @ inner,
            "inner.bias": seed.sum(0),
        }.items():
            assert_values(f"the gradient of {name} after {turn} backward passes", net.get_parameter(name).grad, turn * due)
    require(all(p.grad is None for p in net.unused.parameters()), "a parameter that forward does not use has a gradient")
    require(net.offset.grad is None and not net.offset.requires_grad, "a buffer has a gradient")
    require(not hasattr(net, "backward"), "a module has a method backward")


# -- hooks before and after forward ------------------------------------------------------------------------------------


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
    handles = [registry.register_module_forward_pre_hook(lambda module, args: log.append(f"before {type(module).__name__}"))]
    handles.append(registry.register_module_forward_hook(lambda module, args, out: log.append(f"after {type(module).__name__}")))
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


# -- hooks in the backward pass ----------------------------------------------------------------------------------------

WEIGHT = np.array([[1.0, -1.0, 2.0], [0.0, 3.0, 1.0]])
SEED = np.array([[1.0, 2.0], [3.0, -1.0]])
ROWS = np.stack([X, X + 1])


def line(subject: Subject) -> nn.Module:
    layer = nn.Linear(3, 2, bias=False).to(subject.device)
    layer.weight.data = given(subject, WEIGHT)
    return layer


@check("module.full-backward-hook")
def test_a_full_backward_hook_sees_the_gradients_of_inputs_and_outputs(subject):
    layer, seen = line(subject), []
    layer.register_full_backward_hook(lambda *args: seen.append(args))
    for turn in (1, 2):
        seen.clear()
        x = given(subject, ROWS).requires_grad_()
        out = layer(x)
        require(seen == [], "the hook runs in the forward pass")
        out.backward(given(subject, SEED * turn))
        require(len(seen) == 1 and len(seen[0]) == 3 and seen[0][0] is layer, "not called once with (module, in, out)", 1, len(seen))
        grad_in, grad_out = seen[0][1:]
        assert_same("lengths of grad_input and grad_output", (len(grad_in), len(grad_out)), (1, 1))
        assert_values("grad_output", grad_out[0], SEED * turn)
        assert_values("grad_input", grad_in[0], turn * SEED @ WEIGHT)
        assert_values("x.grad", x.grad, turn * SEED @ WEIGHT)


@check("module.full-backward-hook")
def test_a_full_backward_hook_has_an_entry_for_every_positional_input(subject):
    class Pair(nn.Module):
        def forward(self, a, number, b, c=None):
            return a * number + b, a - b

    net, seen = Pair(), []
    net.register_full_backward_hook(lambda module, grad_in, grad_out: seen.append((grad_in, grad_out)))
    a, b = given(subject).requires_grad_(), given(subject, X + 1).requires_grad_()
    first, second = net(a, 3.0, b)
    (first * 2 + second * 5).sum().backward()
    assert_same("number of calls", len(seen), 1)
    grad_in, grad_out = seen[0]
    assert_same("which of grad_input are None", [g is None for g in grad_in], [False, True, False])
    assert_values("grad_input[0]", grad_in[0], np.full(3, 11.0))
    assert_values("grad_input[2]", grad_in[2], np.full(3, -3.0))
    assert_values("grad_output[0]", grad_out[0], np.full(3, 2.0))
    assert_values("grad_output[1]", grad_out[1], np.full(3, 5.0))


@check("module.full-backward-hook-replaces")
def test_what_a_full_backward_hook_returns_goes_on_upstream(subject):
    layer, x = line(subject), given(subject, ROWS).requires_grad_()
    first = layer.register_full_backward_hook(lambda module, grad_in, grad_out: (grad_in[0] * 10,))
    layer.register_full_backward_hook(lambda module, grad_in, grad_out: (grad_in[0] + 1,))
    (3 * layer(2 * x)).backward(given(subject, SEED))
    assert_values("x.grad through two hooks", x.grad, 2 * (10 * (3 * SEED @ WEIGHT) + 1))
    assert_values("the weight's own gradient", layer.weight.grad, (3 * SEED).T @ (2 * ROWS))
    first.remove()
    x.grad = None
    layer(x).backward(given(subject, SEED))
    assert_values("x.grad after the first was removed", x.grad, SEED @ WEIGHT + 1)


@check("module.full-backward-hook")
def test_full_backward_hooks_run_from_the_last_layer_to_the_first(subject):
    log: list[str] = []
    net = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.Linear(3, 3), nn.ReLU()), nn.Linear(3, 1)).to(subject.device)
    for name, module in net.named_modules():
        module.register_full_backward_hook(marking(log, name or "net"))
    x = given(subject, ROWS).requires_grad_()
    for _ in range(2):
        log.clear()
        net(x).sum().backward()
        assert_same("each module once", sorted(log), sorted(["net", "0", "1", "1.0", "1.1", "2"]))
        assert_same("order of the layers", [name for name in log if name in ("0", "1.0", "1.1", "2")], ["2", "1.1", "1.0", "0"])


@check("module.full-backward-pre-hook")
def test_a_full_backward_pre_hook_sees_and_replaces_the_gradient_of_the_output(subject):
    layer, log = line(subject), []
    x = given(subject, ROWS).requires_grad_()

    def before(module, grad_out):
        log.append("before")
        assert_values("grad_output before", grad_out[0], SEED)
        return (grad_out[0] * 2,)

    layer.register_full_backward_pre_hook(before)
    layer.register_full_backward_hook(lambda module, grad_in, grad_out: log.append(host.array(grad_out[0]).tolist()))
    layer(x).backward(given(subject, SEED))
    assert_same("what the hooks saw", log, ["before", (2 * SEED).tolist()])
    assert_values("x.grad", x.grad, 2 * SEED @ WEIGHT)
    assert_values("weight.grad", layer.weight.grad, (2 * SEED).T @ ROWS)

"""Full backward hooks of modules, by example."""

from __future__ import annotations

import numpy as np
from torch import nn

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.module_samples import X, given, marking
from conformance.tables.module_tree import assert_same

pytestmark = must_answer


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
        require(
            len(seen) == 1 and len(seen[0]) == 3 and seen[0][0] is layer,
            "not called once with (module, in, out)",
            1,
            len(seen),
        )
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
        assert_same(
            "order of the layers", [name for name in log if name in ("0", "1.0", "1.1", "2")], ["2", "1.1", "1.0", "0"]
        )


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


@check("module.backward-hook-order", since="2.0")
def test_backward_hooks_run_in_order_of_registration_unless_prepended(subject):
    log: list[str] = []
    layer = line(subject)
    for name, options in (("1", {}), ("2", {"prepend": True}), ("3", {})):
        layer.register_full_backward_hook(marking(log, f"after {name}"), **options)
        layer.register_full_backward_pre_hook(marking(log, f"before {name}"), **options)
    for _ in range(2):
        log.clear()
        layer(given(subject, ROWS).requires_grad_()).backward(given(subject, SEED))
        due = [f"{word} {name}" for word in ("before", "after") for name in "213"]
        assert_same("order", log, due)


@check("module.global-backward-hooks")
def test_global_backward_hooks_run_for_every_module(subject):
    log: list[str] = []
    net = nn.Sequential(line(subject), nn.ReLU())
    handle = nn.modules.module.register_module_full_backward_hook(
        lambda module, *grads: log.append(type(module).__name__)
    )
    try:
        for _ in range(2):
            log.clear()
            net(given(subject, ROWS).requires_grad_()).backward(given(subject, SEED))
            assert_same("modules", sorted(log), ["Linear", "ReLU", "Sequential"])
    finally:
        handle.remove()
    log.clear()
    net(given(subject, ROWS).requires_grad_()).backward(given(subject, SEED))
    assert_same("modules after removal", log, [])

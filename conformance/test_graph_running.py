"""The graph as it is made and run backward: each run its own, its values, hooks of nodes, and the order of nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf
from conformance.tables.graph_nodes import Names, tree

pytestmark = must_answer


def looped(x: torch.Tensor, times: int) -> torch.Tensor:
    """So many rounds, of products or of sums."""
    y = x
    for _ in range(times):
        y = y * x if y.sum() > 0 else y + x
    return y.sum()


@check("graph.define-by-run")
def test_each_run_makes_its_own_graph(subject: Subject) -> None:
    rounds = (([2.0], 1, [4.0]), ([2.0], 3, [32.0]), ([-2.0], 2, [3.0]), ([-2.0], 0, [1.0]), ([2.0], 1, [4.0]))
    for values, times, wanted in rounds:
        x = leaf(values, subject)
        looped(x, times).backward()
        exact(f"x.grad of a loop of {times} at {values}", x.grad, wanted)


@check("graph.define-by-run")
def test_the_graph_is_that_of_the_rounds_and_branches_taken(subject: Subject) -> None:
    one, two = ("MulBackward0", "x", "x"), ("MulBackward0", ("MulBackward0", "x", "x"), "x")
    three = ("AddBackward0", ("AddBackward0", ("AddBackward0", "x", "x"), "x"), "x")
    for value, times, wanted in ((1.0, 1, one), (1.0, 2, two), (-1.0, 3, three), (1.0, 1, one)):
        found = tree(looped(leaf([value], subject), times).grad_fn, Names())
        wanted = ("SumBackward0", wanted)
        require(found == wanted, f"the graph of {times} rounds at {value}", wanted, found)


@check("graph.dynamic-intermediate-outputs")
def test_intermediate_results_have_values_at_once(subject: Subject) -> None:
    model = (
        torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1)).to(subject.device).double()
    )
    seen: list[torch.Tensor] = []
    handle = model[0].register_forward_hook(lambda module, inputs, output: seen.append(output))
    x = constant([[1.0, -2.0]], subject)
    out = model(x)
    handle.remove()
    weight, bias = (np.array(p.tolist()) for p in model[0].parameters())
    exact(
        "what a forward hook saw of the first layer, rounded",
        (seen[0] * 1e6).round(),
        np.round((weight @ [1.0, -2.0] + bias) * 1e6)[None],
    )
    require(
        len(seen) == 1 and seen[0].requires_grad and seen[0].grad_fn is not None, "the intermediate output is untracked"
    )
    found = torch.autograd.grad(out.sum(), seen[0])[0]
    last = np.array(model[2].weight.tolist())[0] * (np.array(seen[0].tolist())[0] > 0)
    exact("the gradient of the intermediate output", found, last[None])
    y = leaf([3.0], subject)
    middle = y * 2
    require(middle.item() == 6.0 and middle.tolist() == [6.0], "the value of an intermediate result", 6.0, middle)


@check("graph.node-hooks")
def test_a_hook_on_a_node_sees_both_sides(subject: Subject) -> None:
    x, u = leaf([1.0, 2.0], subject), leaf([3.0, 5.0], subject)
    y = x * u
    log: list[Any] = []
    handle = y.grad_fn.register_hook(
        lambda inputs, outputs: log.append([[g.tolist() for g in side] for side in (inputs, outputs)])
    )
    (y * 10).sum().backward(retain_graph=True)
    wanted = [[[30.0, 50.0], [10.0, 20.0]], [[10.0, 10.0]]]
    require(log == [wanted], "what the hook of a node saw", wanted, log)
    handle.remove()
    y.sum().backward(retain_graph=True)
    require(len(log) == 1, "the removed hook of a node ran", 1, len(log))
    x.grad = None
    handle = y.grad_fn.register_hook(lambda inputs, outputs: tuple(g * 100 for g in inputs))
    y.sum().backward()
    exact("x.grad behind a node's hook that multiplies by 100", x.grad, [300.0, 500.0])


@check("graph.node-prehooks", since="2.0")
def test_a_prehook_changes_what_a_node_gets(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    y = x * x
    order: list[str] = []
    y.register_hook(lambda g: order.append("tensor"))
    handle = y.grad_fn.register_prehook(lambda outputs: (order.append("node"), tuple(g * 10 for g in outputs))[1])
    y.sum().backward(retain_graph=True)
    exact("x.grad behind a prehook that multiplies by 10", x.grad, [20.0, 40.0])
    require(
        order == ["tensor", "node"], "the order of a tensor's hook and its node's prehook", ["tensor", "node"], order
    )
    handle.remove()
    y.sum().backward()
    exact("x.grad after a pass without the prehook", x.grad, [22.0, 44.0])


@check("graph.deep-graphs")
def test_a_long_chain_can_be_run_and_freed(subject: Subject) -> None:
    x = leaf([1.0], subject)
    y = x
    for _ in range(3000):
        y = y + 1
    (y * 2).sum().backward()
    exact("x.grad through 3000 additions", x.grad, [2.0])
    del y


@check("graph.order-of-execution")
def test_a_node_waits_for_all_its_users(subject: Subject) -> None:
    x, order = leaf([1.0], subject), []
    a = x * 2
    b = a * 3
    c = a * b
    d = c + a
    for name, tensor in (("a", a), ("b", b), ("c", c), ("d", d), ("x", x)):
        tensor.register_hook(lambda g, name=name: order.append((name, g.tolist())))
    d.sum().backward()
    names = [name for name, _ in order]
    require(
        sorted(names) == sorted("abcdx")
        and names.index("d") < names.index("c") < names.index("b") < names.index("a") < names.index("x"),
        "the order in which hooks ran",
        "d c b a x",
        names,
    )
    require(dict(order)["a"] == [13.0], "the gradient of a node with three users", [13.0], dict(order)["a"])


@pytest.mark.parametrize("op", ["unbind", "split", "std_mean", "sort"])
@check("graph.unused-outputs")
def test_outputs_that_nobody_uses_count_as_zero(subject: Subject, op: str) -> None:
    x = leaf([[1.0, 2.0], [3.0, 5.0]], subject)
    calls = {
        "unbind": (lambda: x.unbind()[1], [[0.0, 0.0], [1.0, 1.0]]),
        "split": (lambda: torch.split(x, 1, 1)[0], [[1.0, 0.0], [1.0, 0.0]]),
        "std_mean": (lambda: torch.std_mean(x, 1)[1], [[0.5, 0.5], [0.5, 0.5]]),
        "sort": (lambda: torch.sort(x, 1)[0][:, 1], [[0.0, 1.0], [0.0, 1.0]]),
    }
    make, wanted = calls[op]
    make().sum().backward()
    exact(f"x.grad through one output of {op}", x.grad, wanted)

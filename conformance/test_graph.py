"""The graph that operations leave behind: nodes, edges, leaves, and what can be asked of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.gradients import constant, evaluate, exact, leaf, leaves, present
from conformance.oracle import autograd_elementwise, autograd_linalg, autograd_reductions, autograd_shapes
from conformance.subject import Subject
from properties.strategies.recipe import LAYOUTS

pytestmark = must_answer
TABLES = (autograd_elementwise, autograd_reductions, autograd_shapes, autograd_linalg)

# Expressions in x and y, with the names of their nodes in prefix order (None: an input that needs no gradient).
SHAPES: list[tuple[str, Any]] = [
    ("x + y", ("AddBackward0", "x", "y")),
    ("x - y", ("SubBackward0", "x", "y")),
    ("x * y", ("MulBackward0", "x", "y")),
    ("y * x", ("MulBackward0", "y", "x")),
    ("x / y", ("DivBackward0", "x", "y")),
    ("x * x", ("MulBackward0", "x", "x")),
    ("x * 2", ("MulBackward0", "x", None)),
    ("x * c", ("MulBackward0", "x", None)),
    ("c * x", ("MulBackward0", None, "x")),
    ("c + y", ("AddBackward0", None, "y")),
    ("-x", ("NegBackward0", "x")),
    ("x.exp()", ("ExpBackward0", "x")),
    ("x.sum()", ("SumBackward0", "x")),
    ("x.sum(0)", ("SumBackward1", "x")),
    ("x.mean()", ("MeanBackward0", "x")),
    ("x.t()", ("TBackward0", "x")),
    ("x.view(-1)", ("ViewBackward0", "x")),
    ("x.clone()", ("CloneBackward0", "x")),
    ("x.relu()", ("ReluBackward0", "x")),
    ("x ** 2", ("PowBackward0", "x")),
    ("x[0]", ("SelectBackward0", "x")),
    ("x @ y", ("MmBackward0", "x", "y")),
    ("torch.cat([x, c, y])", ("CatBackward0", "x", None, "y")),
    ("torch.stack([x, y])", ("StackBackward0", "x", "y")),
    ("x * y + x", ("AddBackward0", ("MulBackward0", "x", "y"), "x")),
    ("(x + y).exp() * x.sum()", ("MulBackward0", ("ExpBackward0", ("AddBackward0", "x", "y")), ("SumBackward0", "x"))),
    ("torch.addmm(x, x, y)", ("AddmmBackward0", "x", "x", "y")),
    ("torch.addmm(c, x, y)", ("AddmmBackward0", None, "x", "y")),
]  # fmt: skip


def tree(node: Any, names: dict[int, str]) -> Any:
    """A node as nested tuples of names; leaves by the name of their tensor."""
    if node is None:
        return None
    if hasattr(node, "variable"):
        return names[id(node.variable)]
    return (node.name(), *(tree(parent, names) for parent, _ in node.next_functions))


@check("graph.built-from-operations")
def test_nodes_and_edges_reproduce_the_expression(subject: Subject) -> None:
    for layout in ("contiguous", "transposed"):
        x, y = (leaf([[1.0, 2.0], [3.0, 4.0]], subject, layout=layout) for _ in range(2))
        c = constant([[5.0, 6.0], [7.0, 8.0]], subject, layout=layout)
        for code, wanted in SHAPES:
            if layout == "transposed" and "view" in code:
                continue
            out = eval(code, {"torch": torch, "x": x, "y": y, "c": c})
            found = tree(out.grad_fn, {id(x): "x", id(y): "y"})
            wanted = wanted if isinstance(wanted[0], str) else (wanted,)
            require(found == wanted, f"the graph of {code}", wanted, found)


@check("graph.next-functions")
def test_next_functions_lead_to_the_last_layer(subject: Subject) -> None:
    for bias in (True, False):
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2, bias=bias)).to(subject.device)
        x = constant(np.ones((5, 3)), subject, "float32")
        target = constant(np.zeros((5, 2)), subject, "float32")
        loss = torch.nn.functional.mse_loss(model(x), target)
        edges = loss.grad_fn.next_functions
        require(isinstance(edges, tuple) and len(edges) == 2, "the edges of an MSE loss", 2, edges)
        name = "AddmmBackward0" if bias else "MmBackward0"
        require(edges[0][0].name() == name and edges[0][1] == 0, "the first edge of an MSE loss", name, edges[0])
        require(edges[1][0] is None, "the edge of an MSE loss to its target", None, edges[1][0])
        kinds = {"AccumulateGrad": 2 if bias else 0, "ReluBackward0": 1, "TBackward0": 1}
        below = [node.name().rpartition("::")[2] for node, _ in edges[0][0].next_functions if node is not None]
        require("ReluBackward0" in below and "TBackward0" in below, "what the last layer is made of", kinds, below)


@check("graph.edge-numbers")
def test_an_edge_says_which_output_it_comes_from(subject: Subject) -> None:
    x = leaf([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], subject)
    parts = x.unbind()
    for n, part in enumerate(parts):
        require(part.output_nr == n, f"output_nr of part {n}", n, part.output_nr)
        edge = (part * 2).grad_fn.next_functions[0]
        require(edge == (parts[0].grad_fn, n), f"the edge to part {n} of x.unbind()", (parts[0].grad_fn, n), edge)
    require(x.output_nr == 0, "output_nr of a leaf", 0, x.output_nr)
    node = parts[0].grad_fn
    require(node is parts[2].grad_fn, "the parts of x.unbind() have nodes of their own", node, parts[2].grad_fn)


@check("graph.accumulate-grad-node")
def test_a_leaf_appears_as_the_node_that_accumulates(subject: Subject) -> None:
    for layout in LAYOUTS:
        x = leaf([[1.0, 2.0], [3.0, 4.0]], subject, layout=layout)
        y = x * 2
        node = y.grad_fn.next_functions[0][0]
        require(type(node).__name__ == "AccumulateGrad", f"the node of a leaf ({layout})", "AccumulateGrad", type(node).__name__)
        require(node.variable is x, f"AccumulateGrad.variable ({layout}) is not the leaf", "x", node.variable)
        require(node.next_functions == (), "AccumulateGrad.next_functions", (), node.next_functions)
        again = (x.exp() + 1).grad_fn.next_functions[0][0].next_functions[0][0]
        require(again is node, "the AccumulateGrad of another use of the leaf", node, again)
        require(y.grad_fn.next_functions[1][0] is None, "the edge to a number", None, y.grad_fn.next_functions[1][0])
        fixed = constant([[1.0, 2.0], [3.0, 4.0]], subject)
        require((x + fixed).grad_fn.next_functions[1][0] is None, "the edge to a tensor that needs no gradient", None, "a node")


@check("graph.leaf-grad-fn-none")
def test_what_a_user_makes_is_a_leaf(subject: Subject) -> None:
    x = torch.ones(2, 2, device=subject.device, requires_grad=True)
    plain = torch.ones(2, 2, device=subject.device)
    made: dict[str, tuple[torch.Tensor, bool]] = {
        "torch.ones(…, requires_grad=True)": (x, True),
        "torch.ones(…)": (plain, True),
        "nn.Parameter": (torch.nn.Parameter(plain), True),
        "plain * 2": (plain * 2, True),
        "x * 2": (x * 2, False),
        "x.double()": (x.double(), False),
        "x.t()": (x.t(), False),
        "x[0]": (x[0], False),
        "x.clone()": (x.clone(), False),
        "x.detach()": (x.detach(), True),
        "x.data": (x.data, True),
        "x > 0": (x > 0, True),
        "x.argmax()": (x.argmax(), True),
        "plain.clone().requires_grad_()": (plain.clone().requires_grad_(), True),
        "torch.tensor(3)": (torch.tensor(3), True),
        "(plain * 2).requires_grad_()": ((plain * 2).requires_grad_(), True),
    }
    for name, (tensor, wanted) in made.items():
        require(tensor.is_leaf is wanted, f"({name}).is_leaf", wanted, tensor.is_leaf)
        require((tensor.grad_fn is None) is wanted, f"({name}).grad_fn", None if wanted else "a node", tensor.grad_fn)
    with torch.no_grad():
        require((x * 2).is_leaf, "(x * 2).is_leaf under no_grad", True, False)


@check("graph.result-has-grad-fn")
def test_every_result_has_a_node_with_edges(subject: Subject) -> None:
    for table in TABLES:
        for row in present(table.ROWS):
            tensors = leaves(row, "float64", subject)
            for out in evaluate(row.forms[0], tensors):
                require(out.grad_fn is not None and not out.is_leaf, f"({row.forms[0]}).grad_fn", "a node", out.grad_fn)
                require(len(out.grad_fn.next_functions) > 0, f"({row.forms[0]}).grad_fn.next_functions is empty", "edges", ())
                reached = set(variables(out.grad_fn))
                missing = [n for n, x in enumerate(tensors) if id(x) not in reached]
                require(len(missing) < len(tensors), f"the graph of {row.forms[0]} reaches no leaf", "x", missing)


def variables(node: Any) -> list[int]:
    """The ids of the leaves that a node leads to."""
    found, todo, seen = [], [node], set()
    while todo:
        one = todo.pop()
        if one is None or one in seen:
            continue
        seen.add(one)
        found += [id(one.variable)] if hasattr(one, "variable") else []
        todo += [parent for parent, _ in one.next_functions]
    return found


@check("graph.operations-are-functions")
def test_a_node_is_a_node_and_no_function_of_the_user(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    for y in (x * 2, x.exp(), x.sum(), x[0], torch.cat([x, x])):
        node = y.grad_fn
        require(not isinstance(node, torch.autograd.Function), "a node of PyTorch's own is an autograd.Function", False, True)
        require(callable(node) and node.name() == type(node).__name__, "the name of a node", type(node).__name__, node.name())
        require(isinstance(node.metadata, dict), "node.metadata is no dict", {}, node.metadata)

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * x

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            return g

    found = type(Square.apply(x).grad_fn).__name__
    require(found == "SquareBackward", "the node of a user's function Square", "SquareBackward", found)


@check("graph.operations-are-functions", since="2.0")
def test_every_node_is_known_as_one(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    for node in ((x * 2).grad_fn, x.sum().grad_fn, (x * 2).grad_fn.next_functions[0][0]):
        require(isinstance(node, torch.autograd.graph.Node), "a node is no torch.autograd.graph.Node", True, type(node))
    require(not isinstance(x, torch.autograd.graph.Node), "a tensor is a torch.autograd.graph.Node", False, True)


@check("graph.printed-grad-fn-names")
def test_a_printed_result_names_its_node(subject: Subject) -> None:
    model = torch.nn.Linear(3, 2).to(subject.device)
    out = model(constant(np.ones((4, 3)), subject, "float32"))
    loss = torch.nn.functional.mse_loss(out, torch.zeros(4, 2, device=subject.device))
    x = leaf([1.0, 2.0], subject)
    for name, tensor, wanted in (
        ("a linear layer's output", out, "grad_fn=<AddmmBackward0>"),
        ("an MSE loss", loss, "grad_fn=<MseLossBackward0>"),
        ("x * 2", x * 2, "grad_fn=<MulBackward0>"),
        ("a leaf", x, "requires_grad=True"),
        ("x[None].t()", x[None].t(), "grad_fn=<"),
    ):
        require(wanted in repr(tensor), f"the repr of {name}", wanted, repr(tensor))
    require("MseLossBackward0" in repr(loss.grad_fn), "the repr of a loss's node", "MseLossBackward0", repr(loss.grad_fn))
    for tensor in (x.detach(), constant([1.0], subject), x > 1):
        text = repr(tensor)
        require("grad_fn" not in text and "requires_grad" not in text, "the repr of an untracked tensor", "no grad_fn", text)


@check("graph.grad-fn-after-backward")
def test_the_graph_can_be_looked_at_after_backward(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    y = (x * x).exp().sum()
    before = tree(y.grad_fn, {id(x): "x"})
    node = y.grad_fn
    y.backward()
    require(y.grad_fn is node, "y.grad_fn after y.backward()", node, y.grad_fn)
    require(tree(y.grad_fn, {id(x): "x"}) == before, "the graph of y after y.backward()", before, tree(y.grad_fn, {id(x): "x"}))
    assert_raises("a second backward", RuntimeError, lambda: y.backward())
    require(tree(y.grad_fn, {id(x): "x"}) == before, "the graph of y after a refused backward", before, "another")


@check("graph.saved-values")
def test_a_node_shows_what_it_saved_until_it_is_freed(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    y = x * x
    node = y.grad_fn
    exact("(x * x).grad_fn._saved_self", node._saved_self, [1.0, 2.0])
    require(node._saved_self is x, "(x * x).grad_fn._saved_self is not x", "x", node._saved_self)
    z = y.exp()
    exact("y.exp().grad_fn._saved_result", z.grad_fn._saved_result, np.exp([1.0, 4.0]))
    power = (x**3).grad_fn
    require(power._saved_exponent == 3, "(x ** 3).grad_fn._saved_exponent", 3, power._saved_exponent)
    z.sum().backward()
    for name, read in (("x * x", lambda: node._saved_self), ("y.exp()", lambda: z.grad_fn._saved_result)):
        assert_raises(f"what ({name}).grad_fn saved, after backward", RuntimeError, read)


@check("graph.define-by-run")
def test_each_run_makes_its_own_graph(subject: Subject) -> None:
    def function(x: torch.Tensor, times: int) -> torch.Tensor:
        y = x
        for _ in range(times):
            y = y * x if y.sum() > 0 else y + x
        return y.sum()

    for values, times, wanted in (([2.0], 1, [4.0]), ([2.0], 3, [32.0]), ([-2.0], 2, [3.0]), ([-2.0], 0, [1.0]), ([2.0], 1, [4.0])):
        x = leaf(values, subject)
        function(x, times).backward()
        exact(f"x.grad of a loop of {times} at {values}", x.grad, wanted)
    seen = [function(leaf([k], subject), n) for k, n in ((1.0, 1), (1.0, 2), (-1.0, 2))]
    found = [tree(y.grad_fn, Names()) for y in seen]
    one, two = ("MulBackward0", "x", "x"), ("MulBackward0", ("MulBackward0", "x", "x"), "x")
    wanted = [("SumBackward0", one), ("SumBackward0", two), ("SumBackward0", ("MulBackward0", ("AddBackward0", "x", "x"), "x"))]
    require(found[:2] == wanted[:2], "the graphs of one and of two rounds", wanted[:2], found[:2])
    require(found[2] != found[1], "the graph of another branch", "another", found[2])


class Names(dict):
    """A name for any leaf."""

    def __missing__(self, key: int) -> str:
        return "x"


@check("graph.dynamic-intermediate-outputs")
def test_intermediate_results_have_values_at_once(subject: Subject) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1)).to(subject.device).double()
    seen: list[torch.Tensor] = []
    handle = model[0].register_forward_hook(lambda module, inputs, output: seen.append(output))
    x = constant([[1.0, -2.0]], subject)
    out = model(x)
    handle.remove()
    weight, bias = (np.array(p.tolist()) for p in model[0].parameters())
    exact("what a forward hook saw of the first layer, rounded", (seen[0] * 1e6).round(), np.round((weight @ [1.0, -2.0] + bias) * 1e6)[None])
    require(len(seen) == 1 and seen[0].requires_grad and seen[0].grad_fn is not None, "the intermediate output is untracked")
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
    handle = y.grad_fn.register_hook(lambda inputs, outputs: log.append([[g.tolist() for g in side] for side in (inputs, outputs)]))
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
    require(order == ["tensor", "node"], "the order of a tensor's hook and its node's prehook", ["tensor", "node"], order)
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
    require(sorted(names) == sorted("abcdx") and names.index("d") < names.index("c") < names.index("b") < names.index("a") < names.index("x"),
            "the order in which hooks ran", "d c b a x", names)  # fmt: skip
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

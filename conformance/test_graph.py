"""The graph that operations leave behind: nodes, edges, leaves, and what can be asked of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.oracle import autograd_elementwise, autograd_linalg, autograd_reductions, autograd_shapes
from conformance.subject import Subject
from conformance.tables.gradients import constant, evaluate, exact, leaf, leaves, present
from conformance.tables.graph_nodes import tree, variables
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
]


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
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2, bias=bias)).to(
            subject.device
        )
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
        require(
            type(node).__name__ == "AccumulateGrad",
            f"the node of a leaf ({layout})",
            "AccumulateGrad",
            type(node).__name__,
        )
        require(node.variable is x, f"AccumulateGrad.variable ({layout}) is not the leaf", "x", node.variable)
        require(node.next_functions == (), "AccumulateGrad.next_functions", (), node.next_functions)
        again = (x.exp() + 1).grad_fn.next_functions[0][0].next_functions[0][0]
        require(again is node, "the AccumulateGrad of another use of the leaf", node, again)
        require(y.grad_fn.next_functions[1][0] is None, "the edge to a number", None, y.grad_fn.next_functions[1][0])
        fixed = constant([[1.0, 2.0], [3.0, 4.0]], subject)
        require(
            (x + fixed).grad_fn.next_functions[1][0] is None,
            "the edge to a tensor that needs no gradient",
            None,
            "a node",
        )


# What is made of x, which requires grad, and of plain, which does not; and whether it is a leaf.
LEAVES = {
    "x": True, "plain": True, "torch.nn.Parameter(plain)": True, "plain * 2": True, "x.detach()": True, "x.data": True,
    "x > 0": True, "x.argmax()": True, "plain.clone().requires_grad_()": True, "torch.tensor(3)": True,
    "(plain * 2).requires_grad_()": True, "plain.double()": True, "plain[0]": True,
    "x * 2": False, "x.double()": False, "x.t()": False, "x[0]": False, "x.clone()": False, "x.to(torch.half)": False,
}  # fmt: skip


@check("graph.leaf-grad-fn-none")
def test_what_a_user_makes_is_a_leaf(subject: Subject) -> None:
    x = torch.ones(2, 2, device=subject.device, requires_grad=True)
    plain = torch.ones(2, 2, device=subject.device)
    for code, wanted in LEAVES.items():
        tensor = eval(code, {"torch": torch, "x": x, "plain": plain})
        require(tensor.is_leaf is wanted, f"({code}).is_leaf", wanted, tensor.is_leaf)
        require((tensor.grad_fn is None) is wanted, f"({code}).grad_fn", None if wanted else "a node", tensor.grad_fn)
    with torch.no_grad():
        require((x * 2).is_leaf, "(x * 2).is_leaf under no_grad", True, False)


@check("graph.result-has-grad-fn")
def test_every_result_has_a_node_with_edges(subject: Subject) -> None:
    for table in TABLES:
        for row in present(table.ROWS):
            for form in row.forms:
                tensors = leaves(row, "float64", subject)
                for out in evaluate(form, tensors):
                    judge_node(form, out, tensors)


def judge_node(form: str, out: torch.Tensor, tensors: list[torch.Tensor]) -> None:
    """Refute unless a result has a node that leads to one of the tensors."""
    require(out.grad_fn is not None and not out.is_leaf, f"({form}).grad_fn", "a node", out.grad_fn)
    require(len(out.grad_fn.next_functions) > 0, f"({form}).grad_fn.next_functions is empty", "edges", ())
    reached = set(variables(out.grad_fn))
    missing = [n for n, x in enumerate(tensors) if id(x) not in reached]
    require(len(missing) < len(tensors), f"the graph of {form} reaches no leaf", "x", missing)


@check("graph.operations-are-functions")
def test_a_node_is_a_node_and_no_function_of_the_user(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    for y in (x * 2, x.exp(), x.sum(), x[0], torch.cat([x, x])):
        node = y.grad_fn
        users = isinstance(node, torch.autograd.Function)
        require(not users, "a node of PyTorch's own is an autograd.Function", False, True)
        name = type(node).__name__
        require(callable(node) and node.name() == name, "the name of a node", name, node.name())
        require(isinstance(node.metadata, dict), "node.metadata is no dict", {}, node.metadata)


@check("graph.operations-are-functions")
def test_the_node_of_a_users_function_is_called_after_it(subject: Subject) -> None:
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * x

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
            return g

    found = type(Square.apply(leaf([1.0, 2.0], subject)).grad_fn).__name__
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
    require(
        "MseLossBackward0" in repr(loss.grad_fn), "the repr of a loss's node", "MseLossBackward0", repr(loss.grad_fn)
    )
    for tensor in (x.detach(), constant([1.0], subject), x > 1):
        text = repr(tensor)
        require(
            "grad_fn" not in text and "requires_grad" not in text, "the repr of an untracked tensor", "no grad_fn", text
        )


@check("graph.printed-grad-fn-names")
def test_a_result_of_any_size_and_dtype_names_its_node(subject: Subject) -> None:
    for shape in ((), (0,), (3, 4), (33,), (1001,), (40, 30)):
        for dtype in (torch.float32, torch.float64):
            y = torch.ones(shape, dtype=dtype, device=subject.device, requires_grad=True)
            for name, tensor, wanted in (("y * 2", y * 2, "grad_fn=<MulBackward0>)"), ("y", y, "requires_grad=True)")):
                for text in (repr(tensor), str(tensor)):
                    require(text.endswith(wanted), f"the text of {name}, shape {shape}, {dtype}", wanted, text[-60:])


@check("graph.grad-fn-after-backward")
def test_the_graph_can_be_looked_at_after_backward(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    y = (x * x).exp().sum()
    before = tree(y.grad_fn, {id(x): "x"})
    node = y.grad_fn
    torch.autograd.grad(y, x, retain_graph=True)
    y.backward()
    require(y.grad_fn is node, "y.grad_fn after y.backward()", node, y.grad_fn)
    require(y.requires_grad and not y.is_leaf, "y.requires_grad after y.backward()", True, y.requires_grad)
    require(
        tree(y.grad_fn, {id(x): "x"}) == before,
        "the graph of y after y.backward()",
        before,
        tree(y.grad_fn, {id(x): "x"}),
    )
    assert_raises("a second backward", RuntimeError, lambda: y.backward())
    require(tree(y.grad_fn, {id(x): "x"}) == before, "the graph of y after a refused backward", before, "another")


@check("graph.saved-values")
def test_a_node_shows_what_it_saved_until_it_is_freed(subject: Subject) -> None:
    # Attributes that begin with _saved_ are documented: _saved_self, _saved_result, _saved_exponent.
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

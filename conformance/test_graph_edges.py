"""Edges of the graph in the place of tensors: as inputs of autograd.grad and as its outputs."""

from __future__ import annotations

import torch

from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer


@check("graph.gradient-edge", since="2.6")
def test_edges_and_tensors_are_mixed(subject: Subject) -> None:
    edge = torch.autograd.graph.get_gradient_edge
    for inputs in ("xy", "yx", "xx", "yy", "xyx"):
        for edges in range(2 ** len(inputs)):
            x = leaf([1.0, 2.0], subject)
            y = x * 3
            z = (y * y).sum()
            tensors, wanted = {"x": x, "y": y}, {"x": [18.0, 36.0], "y": [6.0, 12.0]}
            given = [edge(tensors[n]) if edges >> k & 1 else tensors[n] for k, n in enumerate(inputs)]
            found = torch.autograd.grad(z, given)
            for name, gradient in zip(inputs, found, strict=True):
                exact(f"the gradient for {name} of {inputs}, edges by bits {edges}", gradient, wanted[name])


@check("graph.gradient-edge-as-output", since="2.6")
def test_a_pass_starts_at_an_edge(subject: Subject) -> None:
    edge = torch.autograd.graph.get_gradient_edge
    for many in (False, True):
        x = leaf([1.0, 2.0], subject)
        y = x * x
        v = constant([3.0, -1.0], subject)
        given = ([edge(y)], [v]) if many else (edge(y), v)
        found = torch.autograd.grad(given[0], x, given[1], retain_graph=True)[0]
        exact(f"grad of an edge, in a list: {many}", found, [6.0, -4.0])
        found = torch.autograd.grad([edge(y), (x * 5).sum()], [edge(x)], [v, None])[0]
        exact("grad of an edge and a tensor, for an edge", found, [11.0, 1.0])

"""What helps with graphs: gradcheck, anomalies, edges to differentiate by, versions, and writes to what was saved."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf, version

pytestmark = must_answer


def product(of_x: float = 1.0, of_u: float = 1.0, second: float = 1.0) -> Any:
    """x * u, with gradients that are so many times the right ones; `second`: in the second derivative alone."""

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x, u)
            return x * u

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> tuple:
            x, u = ctx.saved_tensors
            bent = u.detach() + second * (u - u.detach())
            return of_x * g * bent.conj(), of_u * g * x.conj()

    return Product


@check("graph.gradcheck-finds")
def test_gradcheck_finds_one_wrong_input_or_output(subject: Subject) -> None:
    gradcheck = torch.autograd.gradcheck
    for dtype in ("float64", "complex128"):
        x, u = (constant([[1.0, 2.0], [3.0, 5.0]], subject, dtype).requires_grad_() for _ in range(2))
        require(gradcheck(product().apply, (x, u)) is True, f"gradcheck of a right product of {dtype}", True, False)
        for name, wrong in (("first", product(of_x=1.01)), ("second", product(of_u=0.99))):
            said = f"gradcheck of a product of {dtype} that is wrong for its {name} input"
            assert_raises(said, RuntimeError, lambda: gradcheck(wrong.apply, (x, u)))
            outputs = lambda x, u: (x * 2, wrong.apply(x, u))  # noqa: E731
            assert_raises(f"{said}, as the second output", RuntimeError, lambda: gradcheck(outputs, (x, u)))
    require(x.grad is None and u.grad is None, "the gradients after gradcheck", None, (x.grad, u.grad))


@check("graph.gradcheck-finds")
def test_fast_gradcheck_finds_what_is_wrong(subject: Subject) -> None:
    x, u = leaf([1.0, 2.0, 3.0], subject), leaf([3.0, 5.0, 7.0], subject)
    fast = lambda made: torch.autograd.gradcheck(made.apply, (x, u), fast_mode=True)  # noqa: E731
    require(fast(product()) is True, "fast gradcheck of a right product", True, False)
    for wrong in (product(of_x=1.01), product(of_u=0.99)):
        assert_raises("fast gradcheck of a wrong product", RuntimeError, lambda: fast(wrong))


@check("graph.gradcheck-finds")
def test_gradgradcheck_finds_a_wrong_second_derivative(subject: Subject) -> None:
    x, u = leaf([1.0, 2.0], subject), leaf([3.0, 5.0], subject)
    require(torch.autograd.gradcheck(product(second=1.5).apply, (x, u)) is True, "gradcheck of a right gradient")
    call = lambda: torch.autograd.gradgradcheck(product(second=1.5).apply, (x, u))  # noqa: E731
    assert_raises("gradgradcheck of a wrong second derivative", RuntimeError, call)
    require(torch.autograd.gradgradcheck(product().apply, (x, u)) is True, "gradgradcheck of a right one", True, False)


@check("graph.anomaly-options")
def test_anomaly_mode_may_let_nan_pass_and_is_set_until_it_is_unset(subject: Subject) -> None:
    x = constant([0.0], subject).requires_grad_()
    spoiled = lambda: (x.sqrt() * 0).sum().backward()  # noqa: E731
    with torch.autograd.detect_anomaly(check_nan=False):
        require(torch.is_anomaly_enabled(), "anomaly mode in its block", True, False)
        spoiled()
    require(bool(x.grad.isnan().all()), "x.grad of sqrt(0) * 0", "nan", x.grad)
    with torch.autograd.detect_anomaly():
        x.sqrt().sum().backward()  # infinite, but no NaN
    try:
        torch.autograd.set_detect_anomaly(True)
        assert_raises("backward after set_detect_anomaly(True)", RuntimeError, spoiled)
        with torch.autograd.set_detect_anomaly(False):
            spoiled()
        assert_raises("backward after a block of set_detect_anomaly(False)", RuntimeError, spoiled)
    finally:
        torch.autograd.set_detect_anomaly(False)
    spoiled()


@check("graph.mutation-on-saved", since="2.0")
def test_what_was_saved_can_be_written_to_where_that_is_allowed(subject: Subject) -> None:
    for layout in ("contiguous", "transposed", "row_stepped"):
        x = leaf([[1.0, 2.0], [3.0, 5.0]], subject, layout=layout)
        with torch.autograd.graph.allow_mutation_on_saved_tensors():
            middle = x * 1
            y = middle * middle
            middle.zero_()
            z = y.exp()
            y.add_(1)
            z.log().sum().backward()
        exact(f"(x.grad / x) rounded ({layout})", ((x.grad / x.detach()) * 1e9).round(), [[2e9, 2e9], [2e9, 2e9]])
        exact("what was written to", middle, [[0.0, 0.0], [0.0, 0.0]])
    middle = x * 1
    y = middle * middle
    middle.zero_()
    assert_raises("backward after a write outside the block", RuntimeError, lambda: y.sum().backward())


@check("graph.gradient-edge", since="2.6")
def test_a_gradient_can_be_taken_for_an_edge(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    y = x * 3
    parts = torch.stack([y, y * 2]).unbind()
    edge = torch.autograd.graph.get_gradient_edge(y)
    require(edge.node is y.grad_fn and edge.output_nr == 0, "the edge of x * 3", (y.grad_fn, 0), edge)
    other = torch.autograd.graph.get_gradient_edge(parts[1])
    require(other.output_nr == 1, "the number of the edge of a second part", 1, other.output_nr)
    of_leaf = torch.autograd.graph.get_gradient_edge(x)
    require(of_leaf.node.variable is x, "the edge of a leaf", "its AccumulateGrad", of_leaf.node)
    total = (parts[0] * 5 + parts[1] * 7).sum()
    found = torch.autograd.grad(total, [edge, other, of_leaf], retain_graph=True)
    for name, gradient, wanted in zip(("y", "the second part", "x"), found, (19.0, 7.0, 57.0), strict=True):
        exact(f"the gradient for the edge of {name}", gradient, [wanted, wanted])
    still = constant([1.0], subject)
    assert_raises(
        "the edge of an untracked tensor", RuntimeError, lambda: torch.autograd.graph.get_gradient_edge(still)
    )


@check("graph.increment-version", since="2.6")
def test_a_version_can_be_counted_up_by_hand(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    middle = x * 1
    y, before = middle * middle, version(middle)
    torch.autograd.graph.increment_version(middle)
    require(version(middle) == before + 1, "the version after increment_version", before + 1, version(middle))
    exact("the tensor after increment_version", middle, [1.0, 2.0])
    assert_raises("backward after increment_version", RuntimeError, lambda: y.sum().backward())


@check("graph.increment-version", since="2.6")
def test_the_versions_of_several_tensors_can_be_counted_up(subject: Subject) -> None:
    for kind in (list, tuple, iter):
        tensors = [constant([1.0], subject) for _ in range(3)]
        torch.autograd.graph.increment_version(kind(tensors))
        found = [version(tensor) for tensor in tensors]
        require(found == [1, 1, 1], f"the versions of three tensors, given as {kind.__name__}", [1, 1, 1], found)


@check("graph.gradient-edge", since="2.6")
def test_the_edges_of_many_parts_are_told_apart(subject: Subject) -> None:
    x = leaf(np.arange(5.0), subject)
    parts = (x * 2).unbind()
    edges = [torch.autograd.graph.get_gradient_edge(part) for part in parts]
    for place, edge in enumerate(edges):
        node, number = edge[:2]
        require((node, number) == (edge.node, edge.output_nr), "an edge as a tuple", "node, output_nr", edge)
        require(number == place, f"the number of the edge of part {place}", place, number)
    total = sum(part * (place + 1) for place, part in enumerate(parts))
    for place, found in enumerate(torch.autograd.grad(total, edges)):
        exact(f"the gradient for the edge of part {place}", found, place + 1.0)

"""The oracle of graphs, a second way: differences of forward runs, and programs worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from conformance.oracle import graph as oracle
from conformance.oracle import graph_differences
from conformance.oracle.graph import Leaf, Program, Step
from conformance.oracle.graph_operations import OPERATIONS, WRITES
from conformance.tables.graph_programs import leaf, programs
from properties.strategies.graphs import Graph, graphs, vector

CUTS = [name for name, operation in OPERATIONS.items() if operation.cuts]
KINKED = ("max_dim", "sort", "maximum", "relu", "abs", "where")
SMOOTH = tuple(name for name in OPERATIONS if name not in (*KINKED, *CUTS))
ONE = np.array(1.0)


def agree(program: Program, outputs: list[tuple[int, np.ndarray]], close: float) -> None:
    """Compare the gradients of all leaves that ask for one with differences of forward runs."""
    places = [place for place, one in enumerate(program.leaves) if one.requires_grad]
    tape = oracle.run(program)
    found = tape.gradients(outputs, places)
    for place, gradient in zip(places, found, strict=True):
        wanted = graph_differences.differences(program, outputs, place)
        assert gradient.shape == wanted.shape
        assert np.abs(gradient - wanted).max(initial=0) <= close * tape.size, (program, place)


@pytest.mark.parametrize("op", [name for name in OPERATIONS if name not in CUTS])
def test_each_pull_back_is_the_slope_of_its_operation(op: str) -> None:
    made = [*programs(op), *programs(op, turned=True)]
    assert made, f"{op} applies to none of the shapes"
    for program in made:
        tape = oracle.run(program)
        first = len(tape.tensors) - OPERATIONS[op].results
        outputs = [(n, vector(tape.value(n).shape, n)) for n in range(first, len(tape.tensors))]
        agree(program, outputs, 1e-13)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(graph=graphs(operations=SMOOTH, max_steps=6))
def test_random_programs_have_the_gradients_of_their_differences(graph: Graph) -> None:
    agree(graph.program, list(zip(graph.outputs, graph.vectors(oracle.run(graph.program)), strict=True)), 1e-7)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(graph=graphs(operations=(*WRITES, "mul", "select", "slice", "transpose", "clone"), max_steps=8))
def test_writes_through_views_have_the_gradients_of_their_differences(graph: Graph) -> None:
    agree(graph.program, list(zip(graph.outputs, graph.vectors(oracle.run(graph.program)), strict=True)), 1e-7)


def test_a_detached_result_passes_no_gradient() -> None:
    program = Program((leaf((2,)),), (Step("detach", (0,)), Step("mul", (0, 1))))
    tape = oracle.run(program)
    assert not tape.tracked(1)
    assert tape.gradients([(2, np.ones(2))], [0])[0].tolist() == list(program.leaves[0].values)


def test_a_write_through_a_view_by_hand() -> None:
    # c is a copy of x, and its first element is tripled: d(3 x0 + x1) = (3, 1).
    program = Program(
        (Leaf((2.0, 5.0), (2,)),), (Step("clone", (0,)), Step("select", (1,), (0,)), Step("scale_", (2,), (3.0,)))
    )
    tape = oracle.run(program)
    assert tape.value(1).tolist() == [6.0, 5.0]
    assert tape.value(2) == 6.0
    assert tape.gradients([(1, np.ones(2))], [0])[0].tolist() == [3.0, 1.0]


def test_a_write_to_what_was_read_is_guarded_and_one_to_fresh_memory_is_not() -> None:
    start = (Step("clone", (0,)),)
    read, fresh = (*start, Step("exp", (1,)), Step("scale_", (1,), (3.0,))), (*start, Step("scale_", (1,), (3.0,)))
    assert oracle.run(Program((leaf((2,)),), read)).guarded
    assert oracle.run(Program((leaf((2,)),), start)).guarded is False
    # The result of clone counts as kept by it; nothing refuses a write there, which the properties allow for.
    assert oracle.run(Program((leaf((2,)),), fresh)).guarded


def test_writes_to_leaves_views_of_several_and_overlaps_are_not_modelled() -> None:
    steps = (Step("clone", (0,)), Step("unbind", (2,)), Step("clone", (0,)), Step("expand", (5,), (2,)))
    tape = oracle.run(Program((leaf((2,)), Leaf((1.0,), (1,), requires_grad=False)), steps))
    allowed = [tape.may_write(place) for place in range(len(tape.tensors))]
    assert allowed == [False, True, False, False, False, False, False]


def test_second_derivatives_by_hand() -> None:
    # d/dt of 3 (x + t)² is 6 x, and d/dt of the gradients (b + t, a + t) of a b is (1, 1).
    cube = Program((Leaf((2.0, -0.5), (2,)),), (Step("cube", (0,)),))
    (found,), size = graph_differences.second(cube, [(1, np.ones(2))], [0])
    assert found.astype(float) == pytest.approx([12.0, -3.0])
    assert size >= 12
    product = Program((Leaf((2.0,), ()), Leaf((5.0,), ())), (Step("mul", (0, 1)),))
    found, _ = graph_differences.second(product, [(2, ONE)], [0, 1])
    assert [float(one) for one in found] == pytest.approx([1.0, 1.0])


def test_sizes_bound_what_came_up() -> None:
    program = Program((Leaf((3.0,), ()),), (Step("cube", (0,)), Step("scale", (1,), (-0.5,))))
    tape = oracle.run(program)
    tape.gradients([(2, ONE)], [0])
    assert tape.largest == 13.5
    assert tape.size == (1 + 27) * 13.5

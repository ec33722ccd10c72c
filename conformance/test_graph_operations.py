"""Every operation of the programs, by example: on small shapes, in several layouts, behind a view, before a write."""

from __future__ import annotations

import pytest

from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import graph as oracle
from conformance.oracle.graph_operations import OPERATIONS, WRITES
from conformance.subject import Subject
from conformance.tables.graph_programs import ROUNDINGS, back, corpus, judge_leaves, tensors, writings

pytestmark = must_answer


@pytest.mark.parametrize("op", [pytest.param(op, marks=check("graph.gradients-of-programs")) for op in OPERATIONS])
def test_each_operation_has_the_oracles_values_and_gradients(subject: Subject, op: str) -> None:
    for graph in corpus(op):
        tape = oracle.run(graph.program)
        vectors = graph.vectors(tape)
        wanted = tape.gradients(list(zip(graph.outputs, vectors, strict=True)), graph.inputs)
        leaves = graph.leaves(subject)
        results = graph.run(leaves)
        for place in graph.outputs:
            assert_values(
                f"{graph!r}: v{place}", results[place], tape.value(place), ROUNDINGS, tape.size, dtype="float64"
            )
        if not OPERATIONS[op].cuts:
            back(graph, results, tensors(vectors, subject))
            judge_leaves(graph, tape, leaves, wanted)


@pytest.mark.parametrize("write", [pytest.param(op, marks=check("graph.writes-in-programs")) for op in WRITES])
def test_a_write_to_what_was_read_or_made_is_tracked_or_noticed(subject: Subject, write: str) -> None:
    for graph in writings(write):
        tape = oracle.run(graph.program)
        vectors = graph.vectors(tape)
        wanted = tape.gradients(list(zip(graph.outputs, vectors, strict=True)), graph.inputs)
        leaves = graph.leaves(subject)
        results = graph.run(leaves)
        for place in graph.outputs:
            assert_values(
                f"{graph!r}: v{place}", results[place], tape.value(place), ROUNDINGS, tape.size, dtype="float64"
            )
        try:
            back(graph, results, tensors(vectors, subject))
        except RuntimeError as error:
            require(tape.guarded, f"{graph!r}: backward is refused: {error}", "a gradient", error)
        else:
            judge_leaves(graph, tape, leaves, wanted)

"""Programs run on a subject: their gradients against the oracle's, and a corpus that has every operation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_values, require
from conformance.numerics import GRADIENT
from conformance.oracle.graph import Leaf, Program, Step, Tape, run
from conformance.oracle.graph_operations import OPERATIONS
from conformance.subject import Subject
from properties.strategies.graphs import Graph

# A chain of a dozen operations rounds some hundred times; `Tape.size` bounds what each rounding can grow to.
ROUNDINGS = GRADIENT.over(2.0**20)
SHAPES = ((), (2,), (3,), (2, 2), (2, 3), (3, 2), (1, 3))
LAYOUTS = ("contiguous", "transposed", "stepped")


def tensors(values: Sequence[np.ndarray], subject: Subject) -> list[torch.Tensor]:
    return [host.tensor(value, "float64", subject.device) for value in values]


def back(graph: Graph, results: list[torch.Tensor], v: Sequence[torch.Tensor], **options: bool) -> None:
    torch.autograd.backward([results[place] for place in graph.outputs], list(v), **options)


def judge(what: str, tape: Tape, found: torch.Tensor | None, wanted: np.ndarray, times: float = 1.0) -> None:
    """Refute unless a gradient is the oracle's, so many times; None stands for zeros."""
    if found is None:
        require(not wanted.any(), f"{what} is None, but should be {wanted}", wanted, None)
        return
    assert_values(what, found, times * wanted, ROUNDINGS, times * tape.size, dtype="float64")


def judge_leaves(
    graph: Graph, tape: Tape, leaves: list[torch.Tensor], wanted: Sequence[np.ndarray], times: float = 1.0
) -> None:
    for place, gradient in zip(graph.inputs, wanted, strict=True):
        judge(f"v{place}.grad", tape, leaves[place].grad, gradient, times)


def leaf(shape: tuple[int, ...], start: float = 0.5) -> Leaf:
    """Positive numbers, all different, none near a kink."""
    count = int(np.prod(shape, dtype=np.int64))
    return Leaf(tuple(start + 0.25 * ((5 * n) % 7) for n in range(count)), shape)


def programs(op: str, *, turned: bool = False) -> Iterator[Program]:
    """The operation on every pair of small shapes that it takes, with all its options; writes go to a clone.

    `turned`: its first input is the transpose of a leaf, so that it is no leaf and not contiguous.
    """
    operation = OPERATIONS[op]
    for first in SHAPES:
        if turned and len(first) != 2:
            continue
        for second in SHAPES if operation.arity == 2 else SHAPES[:1]:
            leaves = (leaf(first[::-1] if turned else first), leaf(second, 0.625))[: operation.arity]
            steps = [Step("transpose", (0,))] if turned else []
            steps += [Step("clone", (len(leaves) if turned else 0,))] if operation.writes else []
            inputs = (len(leaves) + len(steps) - 1 if steps else 0, 1)[: operation.arity]
            arrays = (leaves[0].array.T if turned else leaves[0].array, leaves[-1].array)[: operation.arity]
            for options in operation.options(*arrays):
                yield Program(leaves, (*steps, Step(op, inputs, options)))


def corpus(op: str) -> Iterator[Graph]:
    """Every program of an operation, with leaves in every layout; backward starts from all results of the last step."""
    for turned in (False, True):
        for turn, program in enumerate(programs(op, turned=turned)):
            made = len(program.leaves) + len(program.steps) - 1
            outputs = tuple(range(made, made + OPERATIONS[op].results))
            yield Graph(program, outputs, LAYOUTS[turn % len(LAYOUTS)])


SAVING = ("square", "exp", "tanh", "sin", "sqrt", "sigmoid", "reciprocal", "scale", "clone", "sum", "prod_dim")


def writings(write: str) -> Iterator[Graph]:
    """An operation on a clone of a leaf, and then a write to what it read, to a part of that, or to its result."""
    for turn, op in enumerate(SAVING):
        for shape in ((3,), (2, 2)):
            leaves = (leaf(shape), leaf(shape[1:], 0.625))
            for part, target in ((False, 2), (True, 3), (True, 2), (False, 3)):
                steps = (Step("clone", (0,)), *((Step("select", (2,), (0,)),) if part else ()))
                read = Step(op, (2,), OPERATIONS[op].options(leaves[0].array)[0])
                yield from _written(leaves, (*steps, read), target, write, LAYOUTS[turn % len(LAYOUTS)])


def _written(
    leaves: tuple[Leaf, ...], steps: tuple[Step, ...], target: int, write: str, layout: str
) -> Iterator[Graph]:
    """The program with the write behind it, where that may be; backward starts from all that was made."""
    tape = run(Program(leaves, steps))
    inputs = (target, 1)[: OPERATIONS[write].arity]
    options = OPERATIONS[write].options(*(tape.value(place) for place in inputs)) if tape.may_write(target) else []
    for chosen in options:
        last = len(leaves) + len(steps)
        yield Graph(Program(leaves, (*steps, Step(write, inputs, chosen))), (last - 1, last), layout)

"""Strategies for small random programs, to be run on a subject, printed as torch code, or run again in the oracle."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from conformance.oracle.graph import Leaf, Program, Step, Tape
from conformance.oracle.graph_operations import OPERATIONS, WRITES, Operation
from properties.strategies.recipe import contiguous, stepped, transposed

if TYPE_CHECKING:
    import torch

    from conformance.subject import Subject

# Exact in any floating dtype, all different in size, none near zero.
NUMBERS = (1.0, 2.0, -0.5, 1.5, -2.0, 0.75, 3.0, -1.25, 0.5, -1.75, 2.5, 1.25, -0.75, -1.5, 1.75, -2.5, 2.25)
SHAPES = ((2,), (), (2, 2), (2, 3), (3,), (1, 3), (3, 2), (1,), (17,), (3, 3))
LAYOUTS = {"contiguous": contiguous, "transposed": transposed, "stepped": stepped}
LIMIT = 100.0


@dataclass(frozen=True, eq=False, repr=False)
class Graph:
    """A program with the tensors whose gradients are asked for.

    `outputs`: results (or leaves) that backward starts from, with `vectors` for them. `layout`: how the leaves lie in
    memory. The oracle reads `program`.
    """

    program: Program
    outputs: tuple[int, ...]
    layout: str = "contiguous"

    @property
    def operations(self) -> list[str]:
        """The names of its operations, in order."""
        return [step.op for step in self.program.steps]

    @property
    def inputs(self) -> list[int]:
        """The leaves whose gradient is asked for."""
        return [place for place, leaf in enumerate(self.program.leaves) if leaf.requires_grad]

    @property
    def writes(self) -> bool:
        return any(name in WRITES for name in self.operations)

    def leaves(self, subject: Subject) -> list[torch.Tensor]:
        """The leaves on a subject, float64."""
        made = [LAYOUTS[self.layout](leaf.array, "float64").on(subject) for leaf in self.program.leaves]
        return [x.requires_grad_(leaf.requires_grad) for x, leaf in zip(made, self.program.leaves, strict=True)]

    def run(
        self, leaves: Sequence[torch.Tensor], watch: Callable[[int, torch.Tensor], Any] | None = None
    ) -> list[torch.Tensor]:
        """Every tensor of the program, from these leaves. `watch` is called with each result as it is made."""
        tensors = list(leaves)
        for step in self.program.steps:
            found = _compiled(step.op, step.options)(*(tensors[place] for place in step.inputs))
            if OPERATIONS[step.op].writes:
                for tensor in tensors:
                    _ = tensor.grad_fn  # a look renews the history of views: else a write to them may be refused
            for one in found if isinstance(found, tuple) else (found,):
                tensors.append(one)
                if watch is not None:
                    watch(len(tensors) - 1, one)
        return tensors

    def vectors(self, tape: Tape, seed: int = 0) -> list[np.ndarray]:
        """A vector for each output, of its shape."""
        return [vector(tape.value(place).shape, seed + 3 * n) for n, place in enumerate(self.outputs)]

    def code(self, device: str = "cpu") -> str:
        """Torch code that makes the tensors v0, v1, … and goes back from the outputs."""
        where = "" if device == "cpu" else f", device={device!r}"
        options = f"dtype=torch.float64{where}"
        lines = [
            f"v{n} = torch.tensor({leaf.array.tolist()}, {options}, requires_grad={leaf.requires_grad})"
            for n, leaf in enumerate(self.program.leaves)
        ]
        if self.layout != "contiguous":
            lines.append(f"# the leaves are {self.layout} in memory")
        count = len(lines) if self.layout == "contiguous" else len(lines) - 1
        for step in self.program.steps:
            results = OPERATIONS[step.op].results
            names = ", ".join(f"v{count + n}" for n in range(results))
            lines.append(f"{names} = {_expression(step, [f'v{place}' for place in step.inputs])}")
            count += results
        outputs = ", ".join(f"v{place}" for place in self.outputs)
        return "\n".join([*lines, f"torch.autograd.backward([{outputs}], vectors)"])

    def __repr__(self) -> str:
        return "\n" + self.code()


def vector(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Numbers of both signs and different sizes."""
    count = int(np.prod(shape, dtype=np.int64))
    return np.array([NUMBERS[(5 * n + seed) % len(NUMBERS)] for n in range(count)]).reshape(shape)


def _expression(step: Step, names: Sequence[str]) -> str:
    text = OPERATIONS[step.op].code.format(**dict(zip("pq", map(repr, step.options), strict=False)))
    given = dict(zip("ab", names, strict=False))
    return re.sub(r"\b[ab]\b(?!\()", lambda found: given[found[0]], text)


@functools.cache
def _compiled(op: str, options: tuple[Any, ...]) -> Callable[..., Any]:
    import torch  # here, so that drawing and printing programs needs no PyTorch

    arguments = ", ".join("ab"[: OPERATIONS[op].arity])
    code = OPERATIONS[op].code.format(**dict(zip("pq", map(repr, options), strict=False)))
    return eval(f"lambda {arguments}: {code}", {"torch": torch})  # type: ignore[no-any-return]


@st.composite
def graphs(
    draw: st.DrawFn,
    *,
    max_steps: int = 8,
    operations: Sequence[str] = tuple(OPERATIONS),
    layouts: Sequence[str] = tuple(LAYOUTS),
) -> Graph:
    """Programs of at most so many of the operations, with at least one output that requires grad.

    Raises ValueError for operations or layouts that there are not.
    """
    if not operations or not set(operations) <= set(OPERATIONS) or not set(layouts) <= set(LAYOUTS):
        raise ValueError(f"operations={operations!r}, layouts={layouts!r}: some of OPERATIONS and LAYOUTS are due")
    number = st.integers(0, 255)
    kinds = draw(st.lists(st.tuples(number, number), min_size=1, max_size=3))
    # A wish for operation 0 is none, so that long programs are common and yet shrink to nothing.
    wishes = draw(st.lists(st.tuples(number, number, number, number), min_size=max_steps // 2, max_size=max_steps))
    picks = draw(st.lists(number, max_size=2))
    layout = draw(st.sampled_from(tuple(layouts)))
    tape, program = _program(kinds, wishes, tuple(operations))
    tracked = [place for place in range(len(tape.tensors)) if tape.tracked(place)][::-1]
    used = {place for step in program.steps for place in step.inputs}
    ends = [place for place in tracked if place not in used]
    chosen = [tracked[pick % len(tracked)] for pick in picks]
    return Graph(program, tuple(dict.fromkeys([*ends, *chosen] or tracked[:1])), layout)


def _program(kinds: Sequence[tuple], wishes: Sequence[tuple], operations: tuple[str, ...]) -> tuple[Tape, Program]:
    tape, steps = Tape(), []
    leaves = [_leaf(n, *kind) for n, kind in enumerate(kinds)]
    for leaf in leaves:
        tape.add_leaf(leaf)
    for op, first, second, option in wishes:
        step = _nearest(tape, operations, op, (first, second, option)) if op else None
        if step is not None:
            tape.run(step)
            steps.append(step)
    return tape, Program(tuple(leaves), tuple(steps))


def _leaf(n: int, shape: int, values: int) -> Leaf:
    """A leaf; those after the first may be constants."""
    size = SHAPES[shape % len(SHAPES)]
    count = int(np.prod(size, dtype=np.int64))
    numbers = tuple(NUMBERS[(n + values + k) % len(NUMBERS)] for k in range(count))
    return Leaf(numbers, size, requires_grad=n == 0 or values % 4 != 3)


def _nearest(tape: Tape, operations: tuple[str, ...], op: int, how: tuple[int, int, int]) -> Step | None:
    """The step that was wished for, or, where it applies to nothing, one of the next operations of the list."""
    for further in range(min(4, len(operations))):
        step = _step(tape, operations[(op + further) % len(operations)], *how)
        if step is not None:
            return step
    return None


def _step(tape: Tape, op: str, first: int, second: int, option: int) -> Step | None:
    """The operation on the nearest inputs that it applies to; None where there are none."""
    operation, count = OPERATIONS[op], len(tape.tensors)
    for shift in range(count):
        chosen = [count - 1 - (first + shift) % count, count - 1 - second % count][: operation.arity]
        options = _options(tape, operation, chosen)
        if options:
            return Step(op, tuple(chosen), options[option % len(options)])
    return None


def _options(tape: Tape, operation: Operation, chosen: list[int]) -> list[tuple[Any, ...]]:
    if operation.writes and not (tape.may_write(chosen[0]) and _apart(tape, chosen)):
        return []
    arrays = [tape.value(place) for place in chosen]
    found = operation.options(*arrays)
    if found and operation.forward is not None:
        value = operation.forward(*arrays, *found[0])
        if np.size(value) and not np.abs(value).max() <= LIMIT:
            return []
    return found


def _apart(tape: Tape, chosen: list[int]) -> bool:
    """Whether a write's other input lies in other memory: PyTorch refuses some of what overlaps."""
    return len({tape.tensors[place].buffer for place in chosen}) == len(chosen)

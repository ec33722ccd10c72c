"""Reverse-mode differentiation in plain numpy: small programs over tensors, views and writes, described as data.

A tensor is a place in a buffer: an array of flat positions. A view is other positions in the same buffer, and a write
in place gives the buffer new contents. So each contents of a buffer is a node, a read gathers from it, a write
scatters into a new one, and the chain rule needs nothing else. Pull-backs are written by hand, one an operation;
`graph_differences` finds the same gradients from forward runs alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformance.oracle.graph_operations import OPERATIONS, Operation

LONG = np.longdouble


@dataclass(frozen=True)
class Leaf:
    """An input of a program: its values, and whether its gradient is asked for."""

    values: tuple[float, ...]
    shape: tuple[int, ...]
    requires_grad: bool = True

    @property
    def array(self) -> np.ndarray:
        return np.array(self.values, np.float64).reshape(self.shape)


@dataclass(frozen=True)
class Step:
    """One operation on earlier tensors (counted through leaves and results), with its options."""

    op: str
    inputs: tuple[int, ...]
    options: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Program:
    """Leaves, then steps; every step adds its results to the tensors that later ones may use."""

    leaves: tuple[Leaf, ...]
    steps: tuple[Step, ...]


@dataclass
class Node:
    """Contents of a buffer, or a value read from one; how its gradient goes on to what it was made of."""

    value: np.ndarray
    parents: tuple[tuple[int, Callable[[np.ndarray], np.ndarray]], ...] = ()
    tracked: bool = False


@dataclass
class Tensor:
    """Positions in a buffer. `read`: the node of its value, while the buffer is at that version."""

    buffer: int
    places: np.ndarray
    version: int
    read: int


@dataclass
class Buffer:
    """A storage: the node of its contents, how often it was written to, and what forbids writes."""

    contents: int
    version: int = 0
    frozen: bool = False
    read: bool = False


@dataclass
class Tape:
    """A program as it runs.

    `tensors`: leaves and results in order. `guarded`: something was written to after an operation had read or made it,
    so that backward may have to refuse. `largest`: the largest number of the last backward pass.
    """

    guarded: bool = False
    largest: float = 1.0
    nodes: list[Node] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)

    # -- nodes and memory ----------------------------------------------------------------------------------------------

    def node(self, value: np.ndarray, *parents: tuple[int, Callable[[np.ndarray], np.ndarray]]) -> int:
        tracked = tuple(parent for parent in parents if self.nodes[parent[0]].tracked)
        self.nodes.append(Node(value, tracked, bool(tracked)))
        return len(self.nodes) - 1

    def new(self, node: int) -> Tensor:
        """A tensor with a buffer of its own, whose contents are a node's value in row-major order."""
        value = self.nodes[node].value
        shape = value.shape
        contents = self.node(value.ravel(), (node, lambda g: g.reshape(shape)))
        self.buffers.append(Buffer(contents))
        places = np.arange(value.size).reshape(shape)
        return Tensor(len(self.buffers) - 1, places, 0, node)

    def view(self, of: Tensor, places: np.ndarray, pull: Callable[[np.ndarray], np.ndarray] | None = None) -> Tensor:
        """Other positions in the same buffer. `pull`: from the view's gradient to that of what it is a view of."""
        source = self.value_node(of)
        value = self.buffer_value(of.buffer)[places]
        read = self.node(value, (source, pull)) if pull else self.gathered(of.buffer, places)
        return Tensor(of.buffer, places, self.buffers[of.buffer].version, read)

    def buffer_value(self, buffer: int) -> np.ndarray:
        return self.nodes[self.buffers[buffer].contents].value

    def gathered(self, buffer: int, places: np.ndarray) -> int:
        """The node of what lies at these positions now."""
        contents = self.buffers[buffer].contents
        size = self.nodes[contents].value.size

        def pull(g: np.ndarray) -> np.ndarray:
            found = np.zeros(size, g.dtype)
            np.add.at(found, places.ravel(), g.ravel())
            return found

        return self.node(self.nodes[contents].value[places], (contents, pull))

    def value_node(self, tensor: Tensor) -> int:
        """The node of a tensor's value; a new one if its buffer was written to since it was last read."""
        version = self.buffers[tensor.buffer].version
        if tensor.version != version:
            tensor.version, tensor.read = version, self.gathered(tensor.buffer, tensor.places)
        return tensor.read

    def value(self, tensor: int) -> np.ndarray:
        return self.nodes[self.value_node(self.tensors[tensor])].value

    def tracked(self, tensor: int) -> bool:
        return self.nodes[self.value_node(self.tensors[tensor])].tracked

    # -- running -------------------------------------------------------------------------------------------------------

    def add_leaf(self, leaf: Leaf) -> None:
        self.nodes.append(Node(leaf.array.astype(LONG), (), leaf.requires_grad))
        tensor = self.new(len(self.nodes) - 1)
        self.buffers[tensor.buffer].frozen = leaf.requires_grad
        self.tensors.append(tensor)

    def run(self, step: Step) -> None:
        """Do one step; its results become the next tensors."""
        operation = OPERATIONS[step.op]
        if operation.views is not None:
            self._take_views(step, operation)
        elif operation.writes:
            self._write(step, operation)
        elif operation.cuts:
            self._cut(step)
        else:
            self._compute(step, operation)

    def _compute(self, step: Step, operation: Operation) -> None:
        nodes = [self.value_node(self.tensors[place]) for place in step.inputs]
        arrays = [self.nodes[node].value for node in nodes]
        value = operation.value(step.options, arrays)
        self._save(step.inputs)
        self.tensors.append(self.new(self.node(value, *self._pulls(step, operation, nodes, arrays, value))))
        self._save((len(self.tensors) - 1,))

    def _pulls(
        self, step: Step, operation: Operation, nodes: list[int], arrays: list[np.ndarray], value: np.ndarray
    ) -> list[tuple[int, Callable[[np.ndarray], np.ndarray]]]:
        def pull(which: int) -> Callable[[np.ndarray], np.ndarray]:
            return lambda g: operation.pulled(g, value, arrays, step.options)[which]

        return [(node, pull(which)) for which, node in enumerate(nodes)]

    def _save(self, inputs: Sequence[int]) -> None:
        # What an operation may need later: PyTorch saves some of it, and only for that may a write be refused.
        for place in inputs:
            self.buffers[self.tensors[place].buffer].read = True

    def _take_views(self, step: Step, operation: Operation) -> None:
        assert operation.views is not None
        of = self.tensors[step.inputs[0]]
        found = operation.views(of.places, *step.options)
        several = isinstance(found, tuple)
        positions = operation.views(np.arange(of.places.size).reshape(of.places.shape), *step.options)
        for places, local in zip(found, positions, strict=True) if several else ((found, positions),):
            self.tensors.append(self.view(of, places, _scatter(of.places.shape, local)))
        buffer = self.buffers[of.buffer]
        overlapping = not several and len(np.unique(found)) < found.size
        buffer.frozen = buffer.frozen or several or overlapping

    def _write(self, step: Step, operation: Operation) -> None:
        target = self.tensors[step.inputs[0]]
        nodes = [self.value_node(self.tensors[place]) for place in step.inputs]
        arrays = [self.nodes[node].value for node in nodes]
        value = operation.value(step.options, arrays)
        made = self.node(value, *self._pulls(step, operation, nodes, arrays, value))
        self._save(step.inputs[1:])
        buffer = self.buffers[target.buffer]
        self.guarded = self.guarded or buffer.read
        buffer.contents, buffer.version = self._scattered(buffer.contents, target.places, made), buffer.version + 1
        target.version, target.read = buffer.version, made
        self._save(step.inputs[:1])
        self.tensors.append(target)

    def _scattered(self, contents: int, places: np.ndarray, made: int) -> int:
        old = self.nodes[contents].value.copy()
        old[places.ravel()] = self.nodes[made].value.ravel()

        def keep(g: np.ndarray) -> np.ndarray:
            g = g.copy()
            g[places.ravel()] = 0
            return g

        return self.node(old, (contents, keep), (made, lambda g: g[places]))

    def _cut(self, step: Step) -> None:
        of = self.tensors[step.inputs[0]]
        self.nodes.append(Node(self.nodes[self.value_node(of)].value))
        self.buffers[of.buffer].frozen = True
        self.tensors.append(Tensor(of.buffer, of.places, self.buffers[of.buffer].version, len(self.nodes) - 1))

    def may_write(self, tensor: int) -> bool:
        """Whether a write in place is allowed and plain to model: no leaf, no overlap, no detached or several views."""
        return not self.buffers[self.tensors[tensor].buffer].frozen

    # -- gradients -----------------------------------------------------------------------------------------------------

    def gradients(self, outputs: Sequence[tuple[int, np.ndarray]], inputs: Sequence[int]) -> list[np.ndarray]:
        """The gradients of sum(v * output) for some tensors, as they were last read; zeros where nothing arrives."""
        total: dict[int, np.ndarray] = {}
        for tensor, v in outputs:
            _add(total, self.value_node(self.tensors[tensor]), np.asarray(v, LONG))
        self.largest = max([1.0, *(float(np.abs(g).max(initial=0)) for g in total.values())])
        for place in range(len(self.nodes) - 1, -1, -1):
            if place in total:
                for parent, pull in self.nodes[place].parents:
                    part = pull(total[place])
                    self.largest = max(self.largest, float(np.abs(part).max(initial=0)))
                    _add(total, parent, part)
        wanted = [self.tensors[tensor].read for tensor in inputs]
        return [total.get(node, np.zeros_like(self.nodes[node].value)) for node in wanted]

    @property
    def size(self) -> float:
        """The largest number that came up on the way forward (and back, after `gradients`)."""
        values = max(float(np.abs(node.value).max(initial=0)) for node in self.nodes)
        return (1 + values) * self.largest


def _scatter(shape: tuple[int, ...], local: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    def pull(g: np.ndarray) -> np.ndarray:
        found = np.zeros(int(np.prod(shape, dtype=np.int64)), g.dtype)
        np.add.at(found, local.ravel(), g.ravel())
        return found.reshape(shape)

    return pull


def _add(total: dict[int, np.ndarray], node: int, part: np.ndarray) -> None:
    total[node] = total[node] + part if node in total else part


def run(program: Program) -> Tape:
    """Run a program from its leaves to its last step."""
    tape = Tape()
    for leaf in program.leaves:
        tape.add_leaf(leaf)
    for step in program.steps:
        tape.run(step)
    return tape


def overwrite(tape: Tape, values: np.ndarray) -> None:
    """Give the last leaf of a tape other values."""
    tape.nodes[tape.tensors[-1].read].value = values
    tape.nodes[tape.buffers[-1].contents].value = values.ravel()

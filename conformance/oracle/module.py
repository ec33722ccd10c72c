"""Trees of modules as plain Python objects: which names a tree lists, in which order, and how it prints.

A `Node` mirrors a torch.nn.Module, a `Leaf` a parameter or a buffer; both are compared by identity, so that shared
modules and tied parameters are simply the same object twice. Nothing here asks PyTorch.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

FLOATS = ("float16", "bfloat16", "float32", "float64")


@dataclass(eq=False)
class Leaf:
    """A parameter or a buffer. `seed` sets its values; `number` is its place among all leaves ever made."""

    number: int
    seed: int
    shape: tuple[int, ...]
    dtype: str = "float32"
    is_parameter: bool = True
    requires_grad: bool = True
    has_grad: bool = False

    @property
    def values(self) -> np.ndarray:
        """Small whole numbers, which every dtype holds exactly."""
        return values(self.seed, self.shape, self.dtype)

    @property
    def is_floating(self) -> bool:
        return self.dtype in FLOATS


def values(seed: int, shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
    """The values of the leaf with that seed: (seed * 17 + place) mod 101, or whether that is even, for bool."""
    numbers = (seed * 17 + np.arange(int(np.prod(shape, dtype=np.int64)))) % 101
    return (numbers % 2 == 0).reshape(shape) if dtype == "bool" else numbers.astype(np.float64).reshape(shape)


@dataclass(frozen=True)
class Kind:
    """A class of modules. `arguments`: of its constructor in torch.nn; `extra`: what it prints of itself."""

    name: str
    arguments: tuple[int, ...] = ()
    extra: str = ""
    parameters: tuple[tuple[str, tuple[int, ...]], ...] = ()
    buffers: tuple[tuple[str, tuple[int, ...], str], ...] = ()


_NORM = "eps=1e-05, momentum=0.1, affine=True, track_running_stats=True"
KINDS = {
    kind.name: kind
    for kind in (
        Kind("Branch"),  # a subclass of torch.nn.Module without anything of its own
        Kind("Sequential"),
        Kind("ModuleList"),
        Kind("ModuleDict"),
        Kind("ParameterList"),
        Kind("ParameterDict"),
        Kind("Identity"),
        Kind("ReLU"),
        Kind("Dropout", (), "p=0.5, inplace=False"),
        Kind("Linear", (2, 3), "in_features=2, out_features=3, bias=True", (("weight", (3, 2)), ("bias", (3,)))),
        Kind("Conv1d", (2, 1, 3), "2, 1, kernel_size=(3,), stride=(1,)", (("weight", (1, 2, 3)), ("bias", (1,)))),
        Kind(
            "BatchNorm1d",
            (2,),
            f"2, {_NORM}",
            (("weight", (2,)), ("bias", (2,))),
            (("running_mean", (2,), "float32"), ("running_var", (2,), "float32"), ("num_batches_tracked", (), "int64")),
        ),
    )
}
LISTS = ("Sequential", "ModuleList")


@dataclass(eq=False)
class Node:
    """A module: what is registered in it, each kind in its own order; None entries are kept, as PyTorch does."""

    number: int
    kind: Kind
    parameters: dict[str, Leaf | None] = field(default_factory=dict)
    buffers: dict[str, Leaf | None] = field(default_factory=dict)
    transient: set[str] = field(default_factory=set)  # buffers that the state leaves out
    modules: dict[str, Node | None] = field(default_factory=dict)
    plain: set[str] = field(default_factory=set)  # ordinary attributes
    training: bool = True


Path = tuple[str, Node]


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def named_modules(root: Node, prefix: str = "", *, once: bool = True, seen: set[Node] | None = None) -> Iterator[Path]:
    """The module itself, then each child's tree in turn. `once`: every module under its first name only."""
    seen = set() if seen is None else seen
    if once and root in seen:
        return
    seen.add(root)
    yield prefix, root
    for name, child in root.modules.items():
        if child is not None:
            yield from named_modules(child, _join(prefix, name), once=once, seen=seen)


def named_children(node: Node) -> Iterator[Path]:
    """The direct children, each once."""
    seen: set[Node] = set()
    for name, child in node.modules.items():
        if child is not None and child not in seen:
            seen.add(child)
            yield name, child


def named_leaves(
    root: Node, which: str, prefix: str = "", *, recurse: bool = True, once: bool = True
) -> Iterator[tuple[str, Leaf]]:
    """The 'parameters' or 'buffers' of a tree, module by module. `once`: every leaf under its first name only."""
    seen: set[Leaf] = set()
    for path, node in named_modules(root, prefix, once=once) if recurse else [(prefix, root)]:
        for name, leaf in getattr(node, which).items():
            if leaf is not None and not (once and leaf in seen):
                seen.add(leaf)
                yield _join(path, name), leaf


def state(root: Node, prefix: str = "") -> Iterator[tuple[str, Leaf]]:
    """Keys and leaves of a state_dict: parameters, then persistent buffers, then each child, as often as it occurs."""
    kept = {name: leaf for name, leaf in root.buffers.items() if name not in root.transient}
    for name, leaf in itertools.chain(root.parameters.items(), kept.items()):
        if leaf is not None:
            yield prefix + name, leaf
    for name, child in root.modules.items():
        if child is not None:
            yield from state(child, f"{prefix}{name}.")


def state_modules(root: Node, prefix: str = "") -> Iterator[str]:
    """The names under which a state_dict keeps the version of each module."""
    yield prefix
    for name, child in root.modules.items():
        if child is not None:
            yield from state_modules(child, _join(prefix, name))


def apply_order(root: Node) -> Iterator[Node]:
    """The order in which `apply` calls its function: children before the module that holds them."""
    for _, child in named_children(root):
        yield from apply_order(child)
    yield root


def text(node: Node, *, fold: bool = True) -> str:
    """What printing shows. `fold`: runs of equal entries in a ModuleList take one line."""
    if fold and node.kind.name == "ModuleList":
        children = _folded([text(child) if child else "None" for child in node.modules.values()])
    else:
        children = [f"({name}): {text(child, fold=fold) if child else None}" for name, child in node.modules.items()]
    if not children:
        return f"{node.kind.name}({node.kind.extra})"
    lines = [*([node.kind.extra] if node.kind.extra else []), *children]
    return f"{node.kind.name}(\n{_indented(chr(10).join(lines))}\n)"


def _folded(lines: list[str]) -> list[str]:
    found, place = [], 0
    for line, group in itertools.groupby(lines):
        count = len(list(group))
        found.append(f"({place}): {line}" if count == 1 else f"({place}-{place + count - 1}): {count} x {line}")
        place += count
    return found


def _indented(lines: str) -> str:
    return "\n".join(f"  {line}" for line in lines.split("\n"))

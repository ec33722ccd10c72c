"""Edits of trees of modules, as data, and what each does to the plain model of `conformance.oracle.module`.

An edit that PyTorch refuses changes nothing and names the exception that is due.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conformance.oracle.module import KINDS, Leaf, Node, named_leaves, named_modules


@dataclass(frozen=True)
class Step:
    """One edit. `at`: the number of the module it is done to; `what`: what is put there (a str: a new module of that
    kind, or a new leaf of that dtype; an int: the module or leaf of that number; None: None); `flag`: train mode,
    requires_grad, or whether a buffer is persistent."""

    do: str
    at: int = 0
    name: str = ""
    what: str | int | None = None
    shape: tuple[int, ...] = ()
    flag: bool = True


Program = tuple[Step, ...]


class Forest:
    """All modules and leaves that a program makes, by number; module 0 is the root, a Branch."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.leaves: list[Leaf] = []
        self.make_node("Branch")

    @property
    def root(self) -> Node:
        return self.nodes[0]

    def make_node(self, kind: str) -> Node:
        """A new module with its leaves numbered: parameters first, then buffers."""
        node = Node(len(self.nodes), KINDS[kind])
        self.nodes.append(node)
        for name, shape in node.kind.parameters:
            node.parameters[name] = self.make_leaf(shape, "float32")
        for name, shape, dtype in node.kind.buffers:
            node.buffers[name] = self.make_leaf(shape, dtype, is_parameter=False)
        return node

    def make_leaf(self, shape: tuple[int, ...], dtype: str, *, is_parameter: bool = True, flag: bool = True) -> Leaf:
        wants = is_parameter and flag
        leaf = Leaf(len(self.leaves), len(self.leaves), shape, dtype, is_parameter, wants)
        self.leaves.append(leaf)
        return leaf

    def do(self, step: Step) -> str:
        """Apply an edit; returns the name of the exception that PyTorch owes, or nothing."""
        return EDITS[step.do](self, self.nodes[step.at], step) or ""

    def node(self, what: str | int | None) -> Node | None:
        return self.make_node(what) if isinstance(what, str) else None if what is None else self.nodes[what]

    def leaf(self, step: Step, *, is_parameter: bool) -> Leaf | None:
        if isinstance(step.what, str):
            return self.make_leaf(step.shape, step.what, is_parameter=is_parameter, flag=step.flag)
        return None if step.what is None else self.leaves[step.what]


def _tables(node: Node) -> tuple[dict[str, Leaf | None], dict[str, Leaf | None], dict[str, Node | None]]:
    return node.parameters, node.buffers, node.modules


def _taken(node: Node, name: str, own: object) -> bool:
    """Whether registering finds the name in use for something else."""
    return name in node.plain or any(name in table for table in _tables(node) if table is not own)


def _bad(name: str) -> bool:
    return name == "" or "." in name


def _forget(node: Node, name: str, own: object) -> None:
    node.plain.discard(name)
    if own is not node.buffers:
        node.transient.discard(name)
    for table in _tables(node):
        if table is not own:
            table.pop(name, None)


# -- registering: add_module, register_parameter, register_buffer ------------------------------------------------------


def _add_module(forest: Forest, node: Node, step: Step) -> str | None:
    child = forest.node(step.what)
    if _bad(step.name) or _taken(node, step.name, node.modules):
        return "KeyError"
    node.modules[step.name] = child
    return None


def _register_parameter(forest: Forest, node: Node, step: Step) -> str | None:
    leaf = forest.leaf(step, is_parameter=True)
    if _bad(step.name) or _taken(node, step.name, node.parameters):
        return "KeyError"
    node.parameters[step.name] = leaf
    return None


def _register_buffer(forest: Forest, node: Node, step: Step) -> str | None:
    leaf = forest.leaf(step, is_parameter=False)
    if _bad(step.name) or _taken(node, step.name, node.buffers):
        return "KeyError"
    node.buffers[step.name] = leaf
    (node.transient.discard if step.flag else node.transient.add)(step.name)
    return None


# -- attributes --------------------------------------------------------------------------------------------------------


def _set_module(forest: Forest, node: Node, step: Step) -> str | None:
    child = forest.node(step.what)
    if step.name in node.parameters:
        return "TypeError"
    _forget(node, step.name, node.modules)
    node.modules[step.name] = child
    return None


def _set_parameter(forest: Forest, node: Node, step: Step) -> None:
    leaf = forest.leaf(step, is_parameter=True)
    _forget(node, step.name, node.parameters)
    node.parameters[step.name] = leaf


def _set_tensor(forest: Forest, node: Node, step: Step) -> str | None:
    leaf = forest.leaf(step, is_parameter=False)
    if step.name in node.parameters or step.name in node.modules:
        return "TypeError"
    if step.name in node.buffers:
        node.buffers[step.name] = leaf
    else:
        node.plain.add(step.name)
    return None


def _set_none(forest: Forest, node: Node, step: Step) -> None:
    table = next((table for table in _tables(node) if step.name in table), None)
    if table is None:
        node.plain.add(step.name)
    else:
        table[step.name] = None  # type: ignore[assignment]


def _set_plain(forest: Forest, node: Node, step: Step) -> str | None:
    if any(step.name in table for table in _tables(node)):
        return "TypeError"
    node.plain.add(step.name)
    return None


def _delete(forest: Forest, node: Node, step: Step) -> str | None:
    if not _taken(node, step.name, None):
        return "AttributeError"
    _forget(node, step.name, None)
    return None


# -- containers --------------------------------------------------------------------------------------------------------


def _renumbered(node: Node, children: list[Node | None]) -> None:
    node.modules = {str(place): child for place, child in enumerate(children)}


def _append(forest: Forest, node: Node, step: Step) -> None:
    if node.kind.name == "ParameterList":
        node.parameters[str(len(node.parameters))] = forest.leaf(step, is_parameter=True)
    else:
        node.modules[str(len(node.modules))] = forest.node(step.what)


def _insert(forest: Forest, node: Node, step: Step) -> None:
    children = list(node.modules.values())
    children.insert(int(step.name), forest.node(step.what))
    _renumbered(node, children)


def _set_item(forest: Forest, node: Node, step: Step) -> str | None:
    if node.kind.name == "ParameterDict":
        node.parameters[step.name] = forest.leaf(step, is_parameter=True)
        return None
    child = forest.node(step.what)
    if node.kind.name == "ModuleDict":
        node.modules[step.name] = child
        return None
    children = list(node.modules.values())
    if not -len(children) <= int(step.name) < len(children):
        return "IndexError"
    children[int(step.name)] = child
    _renumbered(node, children)
    return None


def _delete_item(forest: Forest, node: Node, step: Step) -> str | None:
    if node.kind.name == "ModuleDict":
        if step.name not in node.modules:
            return "KeyError"
        del node.modules[step.name]
        return None
    children = list(node.modules.values())
    if not -len(children) <= int(step.name) < len(children):
        return "IndexError"
    del children[int(step.name)]
    _renumbered(node, children)
    return None


# -- what is done to a whole tree --------------------------------------------------------------------------------------


def _train(forest: Forest, node: Node, step: Step) -> None:
    for _, module in named_modules(node):
        module.training = step.flag


def _requires_grad(forest: Forest, node: Node, step: Step) -> None:
    for _, leaf in named_leaves(node, "parameters"):
        leaf.requires_grad = step.flag


def _grads(forest: Forest, node: Node, step: Step) -> None:
    for _, leaf in named_leaves(node, "parameters"):
        leaf.has_grad = step.flag


def _convert(forest: Forest, node: Node, step: Step) -> None:
    """Parameters stay the same objects; a buffer that changes its dtype is replaced wherever it is registered."""
    for _, module in named_modules(node):
        for leaf in module.parameters.values():
            if leaf is not None:
                leaf.dtype = str(step.what)
        for name, leaf in module.buffers.items():
            if leaf is not None and leaf.is_floating and leaf.dtype != step.what:
                fresh = forest.make_leaf(leaf.shape, str(step.what), is_parameter=False)
                fresh.seed = leaf.seed
                module.buffers[name] = fresh


EDITS: dict[str, Callable[[Forest, Node, Step], str | None]] = {
    "add_module": _add_module,
    "register_module": _add_module,
    "register_parameter": _register_parameter,
    "register_buffer": _register_buffer,
    "set_module": _set_module,
    "set_parameter": _set_parameter,
    "set_tensor": _set_tensor,
    "set_none": _set_none,
    "set_plain": _set_plain,
    "delete": _delete,
    "append": _append,
    "insert": _insert,
    "set_item": _set_item,
    "delete_item": _delete_item,
    "train": _train,
    "requires_grad_": _requires_grad,
    "grads": _grads,
    "convert": _convert,
}


def grown(program: Program) -> Forest:
    """The forest after a program; what is refused is left out."""
    forest = Forest()
    for step in program:
        forest.do(step)
    return forest

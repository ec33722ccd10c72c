"""Strategies for trees of modules: programs of edits, drawn against the plain model so that each makes sense.

A program prints as data, and running it (`conformance.tables.module_tree.build`) gives the tree: containers, layers,
parameters, buffers, None entries, shared modules and tied parameters.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from conformance.oracle.module import LISTS, Node, named_modules
from conformance.oracle.module_edits import Forest, Program, Step

NAMES = ("a", "b", "c", "d", "weight", "10")
SHAPES = ((2,), (), (2, 3), (0,), (17,))
DTYPES = ("float32", "float64", "float16", "bfloat16")
BUFFERS = (*DTYPES, "int64", "bool")
CONTAINERS = ("Branch", "Sequential", "ModuleList", "ModuleDict")
LAYERS = ("Linear", "BatchNorm1d", "ReLU", "Dropout", "Conv1d", "ParameterList", "ParameterDict", "Identity")
# How often each way of growing comes up: containers first, since everything else needs a place.
GROWTH = (
    "module",
    "module",
    "module",
    "container",
    "container",
    "parameter",
    "buffer",
    "share",
    "share",
    "tie",
    "none",
)
EDITING = (
    "replace",
    "replace",
    "delete",
    "items",
    "items",
    "train",
    "train",
    "requires_grad_",
    "grads",
    "convert",
    "odd",
)


class _Drawing:
    """One program in the making. `forest`: what it has made so far."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw, self.forest = draw, Forest()
        self.steps: list[Step] = []

    def pick(self, options: tuple) -> object:
        return self.draw(st.sampled_from(options))

    def do(self, *parts: object, **named: object) -> None:
        step = Step(*parts, **named)  # type: ignore[arg-type]
        self.forest.do(step)
        self.steps.append(step)

    def place(self, *kinds: str) -> Node | None:
        """One of the modules of such a kind that hang on the root, the newest first; or None."""
        reached = {node for _, node in named_modules(self.forest.root)}
        found = [node for node in self.forest.nodes[::-1] if node in reached and node.kind.name in kinds]
        return self.draw(st.sampled_from(found[:1] + found)) if found else None  # the newest twice: deeper trees

    # -- growing -----------------------------------------------------------------------------------------------------

    def put(self, what: str | int) -> None:
        """Hang a module somewhere: as an attribute, through add_module, or into a container."""
        owner = self.place("Branch", *LISTS, "ModuleDict")
        if isinstance(what, int):
            owner = next((n for n in (owner, self.forest.root) if n is not None and n.number < what), None)
        if owner is None:
            return
        if owner.kind.name in LISTS:
            self.do("append", owner.number, "", what)
        elif owner.kind.name == "ModuleDict":
            self.do("set_item", owner.number, self.pick(NAMES[:3]), what)
        else:
            how = self.pick(("set_module", "add_module", "register_module"))
            self.do(how, owner.number, self.pick(NAMES), what)

    def module(self) -> None:
        self.put(str(self.pick((*LAYERS, *CONTAINERS))))

    def container(self) -> None:
        self.put(str(self.pick(CONTAINERS)))

    def share(self) -> None:
        """Hang a module a second time: always one that is newer than its new owner, so that no tree holds itself."""
        if len(self.forest.nodes) > 1:
            self.put(self.draw(st.integers(1, len(self.forest.nodes) - 1)))

    def parameter(self, what: object = "") -> None:
        owner = self.place("Branch", "ParameterList", "ParameterDict")
        what = what if what != "" else self.pick(DTYPES)
        shape, flag = self.pick(SHAPES), self.draw(st.booleans())
        if owner is None or owner.kind.name == "Branch":
            how = self.pick(("set_parameter", "register_parameter"))
            self.do(how, owner.number if owner else 0, self.pick(NAMES), what, shape, not flag)
        elif owner.kind.name == "ParameterList":
            self.do("append", owner.number, "", what, shape, not flag)
        else:
            self.do("set_item", owner.number, self.pick(NAMES[:3]), what, shape, not flag)

    def tie(self) -> None:
        known = tuple(leaf.number for leaf in self.forest.leaves if leaf.is_parameter)
        if known:
            self.parameter(self.pick(known))

    def buffer(self) -> None:
        owner = self.place("Branch")
        known = tuple(leaf.number for leaf in self.forest.leaves if not leaf.is_parameter)
        what = self.pick((*BUFFERS, *known[:3]))
        flag = self.draw(st.booleans())
        self.do("register_buffer", owner.number if owner else 0, self.pick(NAMES), what, self.pick(SHAPES), not flag)

    def none(self) -> None:
        owner = self.place("Branch")
        how = self.pick(("register_parameter", "add_module", "register_buffer"))
        self.do(how, owner.number if owner else 0, self.pick(NAMES), None)

    # -- editing -----------------------------------------------------------------------------------------------------

    def _somewhere(self) -> int:
        """The number of any module of the tree."""
        return self.pick(tuple(node.number for _, node in named_modules(self.forest.root)))  # type: ignore[return-value]

    def replace(self) -> None:
        owner = self.place("Branch") or self.forest.root
        names = (*owner.parameters, *owner.buffers, *owner.modules, *owner.plain, "a")
        how = self.pick(("set_tensor", "set_none", "set_plain", "set_parameter", "set_module", "register_buffer"))
        what = {"set_module": "ReLU", "set_none": None, "set_plain": None}.get(str(how), "float32")
        self.do(how, owner.number, self.pick(names), what, self.pick(SHAPES))

    def delete(self) -> None:
        owner = self.place("Branch") or self.forest.root
        names = (*owner.parameters, *owner.buffers, *owner.modules, *owner.plain, "missing")
        self.do("delete", owner.number, self.pick(names))

    def items(self) -> None:
        owner = self.place(*LISTS, "ModuleDict")
        if owner is None:
            self.put("Sequential")
            return
        if owner.kind.name == "ModuleDict":
            self.do("delete_item", owner.number, self.pick((*owner.modules, "missing")))
            return
        how, size = self.pick(("delete_item", "set_item", "insert")), len(owner.modules)
        low, high = (0, size) if how == "insert" else (-size - 1, size)
        what = None if how == "delete_item" else self.pick(("Linear", "ReLU"))
        self.do(how, owner.number, str(self.draw(st.integers(low, high))), what)

    def train(self) -> None:
        self.do("train", self._somewhere(), flag=self.draw(st.booleans()))

    def requires_grad_(self) -> None:
        self.do("requires_grad_", self._somewhere(), flag=self.draw(st.booleans()))

    def grads(self) -> None:
        self.do("grads", self._somewhere(), flag=self.draw(st.booleans()))

    def convert(self) -> None:
        self.do("convert", self._somewhere(), "", self.pick(DTYPES))

    def odd(self) -> None:
        """Names that no registration takes."""
        how = self.pick(("register_parameter", "add_module", "register_buffer"))
        self.do(how, 0, self.pick(("", "a.b")), "Linear" if how == "add_module" else "float32", (2,))


def _program(draw: st.DrawFn, ways: tuple[str, ...], least: int, most: int) -> Program:
    if not 0 <= least <= most:
        raise ValueError(f"least={least} and most={most}: 0 <= least <= most is due")
    drawing = _Drawing(draw)
    for way in draw(st.lists(st.sampled_from(ways), min_size=least, max_size=most)):
        step: Callable[[], None] = getattr(drawing, way)
        step()
    return tuple(drawing.steps)


@st.composite
def trees(draw: st.DrawFn, least: int = 3, most: int = 14) -> Program:
    """Programs that only grow a tree: at most so many modules, parameters and buffers."""
    return _program(draw, GROWTH, least, most)


@st.composite
def edits(draw: st.DrawFn, least: int = 6, most: int = 20) -> Program:
    """Programs that grow a tree and edit it: replace, delete, renumber, freeze, convert, switch modes."""
    return _program(draw, (*GROWTH, *EDITING), least, most)

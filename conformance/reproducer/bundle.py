"""The part of our source that a check uses, and no more, as one text that imports none of our modules.

Definitions are taken from the parsed source by the names that they use. While a bundle grows, each of its global
names stands as a token; `text` gives every token its name at the end, when it is known which names are free.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from conformance.reproducer.modules import Import, Module, parsed, source_of
from conformance.reproducer.scopes import Rewriter
from conformance.reproducer.sweeps import Frame

SUPPORT = "conformance.reproducer.support"
# Names of our modules, and of Hypothesis, that a bundle replaces by shorter equivalents in the support module.
SHORTER = {
    ("conformance.assertions", "assert_values"): "assert_values",
    ("conformance.host", "array"): "array",
    ("conformance.host", "bits"): "bits",
    ("conformance.host", "tensor"): "tensor",
    ("conformance.subject", "release"): "release",
    ("conformance.subject", "Unsupported"): "Unsupported",
    ("properties.strategies.recipe", "Recipe"): "Recipe",
    ("hypothesis", "assume"): "assume",
    ("hypothesis", "event"): "note",
    ("hypothesis", "note"): "note",
    ("hypothesis", "target"): "note",
}
VALUES = ("conformance.assertions", "assert_values")
FOREIGN = ("pytest", "_pytest", "hypothesis")
TOKEN = re.compile(r"__token(\d+)__")
Node = TypeVar("Node", bound=ast.AST)
ANNOTATIONS = "from __future__ import annotations"


class Unbundleable(Exception):
    """A check that cannot stand alone; the message says why."""


class Bundle:
    """Definitions and imports, in an order in which they can be executed.

    `shorter`: as SHORTER. `frames`: the functions under way; their loops are `turns`, by the key of a global name.
    """

    def __init__(
        self,
        shorter: Mapping[tuple[str, str], str] = SHORTER,
        frames: Mapping[tuple[str, str], Frame] = MappingProxyType({}),
        can_write: Callable[[Bundle, Any], object] = lambda bundle, value: None,
    ) -> None:
        self.shorter, self.frames, self.can_write = shorter, frames, can_write
        self.turns: dict[tuple[str, str], Any] = {}
        self.keys: list[tuple[str, str]] = []
        self.imports: list[Import] = []
        self.statements: list[ast.stmt] = []
        self.locals: set[str] = set()
        self._seen: list[tuple[str, int]] = []
        self._attributes: set[str] = set()
        self._searched = 0

    # -- what names mean -------------------------------------------------------------------------------------------

    def reference(self, module: str, name: str) -> str | None:
        """The token of a global name as a module sees it, its definition bundled; None for a builtin.

        Raises Unbundleable for what cannot be had from source.
        """
        if (module, name) in self.shorter:
            module, name = SUPPORT, self.shorter[module, name]
        source = _parsed(module)
        if name in source.bindings:
            return self._definition(module, name, source.bindings[name])
        if name in source.imports:
            return self._imported(source.imports[name])
        if hasattr(builtins, name) or name == "__name__":
            return None
        raise Unbundleable(f"{module} does not say what {name} is")

    def attribute(self, module: str, names: list[str]) -> tuple[str, int] | None:
        """For `a.b.c`, where `a` is one of our modules: the token, and how many of the names it stands for."""
        found = _parsed(module).imports.get(names[0])
        if found is None or not found.ours or found.name:
            return None
        target = found.module
        for place, name in enumerate(names[1:], start=1):
            if source_of(f"{target}.{name}") is None:
                return self.reference(target, name) or name, place + 1
            target = f"{target}.{name}"
        raise Unbundleable(f"{module} uses {target} as a value")

    def _imported(self, found: Import) -> str:
        if found.name and (found.ours or (found.module, found.name) in self.shorter):
            return self.reference(found.module, found.name) or found.local
        if found.ours or found.module.partition(".")[0] in FOREIGN:
            raise Unbundleable(f"it uses {found.module}")
        if any(other.local == found.local and other.root != found.root for other in self.imports):
            raise Unbundleable(f"it uses two things called {found.local}")
        if found not in self.imports:
            self.imports.append(found)
        return found.local

    def _definition(self, module: str, name: str, statements: list[ast.stmt]) -> str:
        key = (module, name)
        if key not in self.keys:
            self.keys.append(key)
            for statement in statements:
                self._add(module, statement)
        return self.token(key)

    def token(self, key: tuple[str, str]) -> str:
        """What stands for a global name until `text` names it."""
        return f"__token{self.keys.index(key)}__"

    def _add(self, module: str, statement: ast.stmt) -> None:
        place = (module, statement.lineno)
        if place not in self._seen:
            self._seen.append(place)
            self.statements.append(Rewriter(self, module).visit(_copy(statement)))

    def expression(self, module: str, node: ast.expr) -> str:
        """An expression of one of our modules as text with tokens, what it uses bundled."""
        return ast.unparse(Rewriter(self, module).visit(_copy(node)))

    def held(self, module: str, function: str, loop: ast.For) -> str | None:
        """The token of a list with the one turn of a loop that refuted; None for any other loop."""
        try:
            value = self.frames[module, function].turn(loop)
            with self.attempt():
                self.can_write(self, value)
        except (LookupError, Unbundleable):
            return None
        names = "_".join(node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name))
        key = (f"{module}.{function}:{loop.lineno}", f"{names}_tried")
        self.turns[key] = value
        if key not in self.keys:
            self.keys.append(key)
        return self.token(key)

    @contextlib.contextmanager
    def attempt(self) -> Iterator[None]:
        """Leave the bundle as it was if the block cannot be bundled."""
        parts: tuple[list[Any], ...] = (self.keys, self.imports, self.statements, self._seen)
        sizes = [len(part) for part in parts]
        try:
            yield
        except Unbundleable:
            for part, size in zip(parts, sizes, strict=True):
                del part[size:]
            self._searched = min(self._searched, len(self.statements))
            raise

    # -- what becomes of it ----------------------------------------------------------------------------------------

    @property
    def attributes(self) -> set[str]:
        """Every name that is looked up on something."""
        for statement in self.statements[self._searched :]:
            self._attributes |= {node.attr for node in ast.walk(statement) if isinstance(node, ast.Attribute)}
        self._searched = len(self.statements)
        return self._attributes

    @property
    def only_exact(self) -> bool:
        """Whether values are compared, and never but for equality."""
        if (SUPPORT, "assert_values") not in self.keys:
            return False
        token = self.token((SUPPORT, "assert_values"))
        nodes = [node for statement in self.statements for node in ast.walk(statement)]
        calls = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") == token]
        uses = sum(isinstance(node, ast.Name) and node.id == token for node in nodes)
        plain = all(len(call.args) == 3 and {word.arg for word in call.keywords} <= {"dtype"} for call in calls)
        starred = any(isinstance(item, ast.Starred) for call in calls for item in call.args)
        return plain and not starred and uses == len(calls)

    def text(self, extra: list[Import], code: str) -> str:
        """The whole as a script, with `code` (which may hold tokens) last, and more imports."""
        imports = {found.text: found for found in [*self.imports, *extra]}
        lines = sorted(imports, key=lambda line: (line.startswith("from"), line))
        if any(isinstance(node, ast.AnnAssign) for statement in self.statements for node in ast.walk(statement)):
            lines.insert(0, ANNOTATIONS)
        names = self._names({found.local for found in imports.values()})
        body = "".join(_laid_out(statement) for statement in self.statements)
        whole = "\n".join(lines) + f"\n\n{body}\n\n{code}"
        return re.sub(r"\n{4,}", "\n\n\n", TOKEN.sub(lambda found: names[int(found[1])], whole))

    def _names(self, taken: set[str]) -> list[str]:
        used = taken | self.locals | set(dir(builtins)) | {"arguments", "error"}
        names: list[str] = []
        for module, name in self.keys:
            if name in used and ":" not in module:
                name = f"{module.rpartition('.')[2]}_{name}"
            while name in used:
                name += "_"
            used = used | {name}
            names.append(name)
        return names


def _copy(node: Node) -> Node:
    return pickle.loads(pickle.dumps(node))  # several times faster than copy.deepcopy


def _parsed(module: str) -> Module:
    try:
        return parsed(module)
    except LookupError as error:
        raise Unbundleable(str(error)) from None


def _laid_out(statement: ast.stmt) -> str:
    text = ast.unparse(ast.fix_missing_locations(statement))
    return f"\n\n{text}\n\n\n" if isinstance(statement, (ast.FunctionDef, ast.ClassDef)) else f"{text}\n"

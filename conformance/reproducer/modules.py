"""Our own modules as parsed source: which statements bind a name, and which imports bring it in."""

from __future__ import annotations

import ast
import functools
import importlib.util
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

OURS = ("conformance", "properties", "perf", "meta_tests")


@dataclass(frozen=True)
class Import:
    """What an import binds: a module (`name` empty) or one of its names; `text` is the statement by itself."""

    module: str
    name: str
    text: str

    @property
    def local(self) -> str:
        """The name that it binds."""
        return self.text.rpartition(" ")[2].partition(".")[0]

    @property
    def root(self) -> tuple[str, str]:
        """What the bound name stands for: `import torch.nn` binds torch, as `import torch` does."""
        return (self.module, self.name)

    @property
    def ours(self) -> bool:
        return self.module.partition(".")[0] in OURS


@dataclass
class Module:
    """The top level of one module: statements by the names that they bind or change, and imports by local name."""

    name: str
    bindings: dict[str, list[ast.stmt]] = field(default_factory=lambda: defaultdict(list))
    imports: dict[str, Import] = field(default_factory=dict)


@functools.cache
def source_of(name: str) -> Path | None:
    """The file of a module, or None where there is no such module (or it has no file)."""
    loaded = sys.modules.get(name)
    if loaded is not None:
        file = getattr(loaded, "__file__", None)
        return Path(file) if file else None
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin and spec.has_location else None


@functools.cache
def parsed(name: str) -> Module:
    """The module of that name. Raises LookupError where its source cannot be read."""
    path = source_of(name)
    if path is None or path.suffix != ".py":
        raise LookupError(f"no source of {name}")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = Module(name)
    for statement in [*tree.body, *_lifted(tree)]:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            module.imports.update(_imports(statement, name))
        elif not _only_for_types(statement):
            for name_bound in _bound(statement):
                module.bindings[name_bound].append(statement)
    for statement in tree.body:
        for name_changed in _changed(statement) & set(module.bindings):
            module.bindings[name_changed].append(statement)
    return module


def _only_for_types(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test).endswith("TYPE_CHECKING")


def _lifted(tree: ast.Module) -> Iterator[ast.stmt]:
    """Take the imports of our own modules out of functions: in a bundle there is nothing to import."""
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            ours = [node for node in function.body if isinstance(node, ast.ImportFrom) and _is_ours(node.module or "")]
            function.body = [node for node in function.body if node not in ours] or [ast.Pass()]
            yield from ours


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in OURS


def _imports(statement: ast.Import | ast.ImportFrom, within: str) -> Iterator[tuple[str, Import]]:
    for alias in statement.names:
        tail = f" as {alias.asname}" if alias.asname else ""
        if isinstance(statement, ast.Import):
            root = alias.name if alias.asname else alias.name.partition(".")[0]
            yield alias.asname or root, Import(root, "", f"import {alias.name}{tail}")
            continue
        module = statement.module or ""
        if statement.level:
            module = ".".join([*within.split(".")[: -statement.level], module]).rstrip(".")
        text, local = f"from {module} import {alias.name}{tail}", alias.asname or alias.name
        deeper = _is_ours(module) and source_of(f"{module}.{alias.name}") is not None
        yield local, Import(f"{module}.{alias.name}", "", text) if deeper else Import(module, alias.name, text)


def _bound(statement: ast.stmt) -> set[str]:
    """The names that a top-level statement binds."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
        return {statement.name}
    found = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
    return found


def _changed(statement: ast.stmt) -> set[str]:
    """The names whose value a top-level statement changes: `TABLE['x'] = …`, `TABLE.update(…)`, `x.y = …`."""
    if isinstance(statement, ast.Assign):
        return {_root(target) for target in statement.targets if isinstance(target, (ast.Subscript, ast.Attribute))}
    call = statement.value if isinstance(statement, ast.Expr) else None
    return {_root(call.func)} if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) else set()


def _root(node: ast.expr) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""

"""Rewriting a definition for a bundle: global names become tokens; docstrings, annotations and our marks go."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.reproducer.bundle import Bundle

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# What only pytest and Hypothesis read: a bundled check is called by itself.
MARKS = ("check", "must_answer", "pytest", "hypothesis", "given", "example", "settings", "seed")


class Rewriter(ast.NodeTransformer):
    """Rewrites the nodes of one module for a bundle, and asks the bundle for whatever they use."""

    def __init__(self, bundle: Bundle, module: str) -> None:
        self.bundle, self.module = bundle, module
        self.scopes: list[set[str]] = []
        self.path: list[str] = []
        self.around: set[str] = set()  # the names of the class whose member comes next

    def _is_local(self, name: str) -> bool:
        return any(name in scope for scope in self.scopes)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if not self._is_local(node.id):
            node.id = self.bundle.reference(self.module, node.id) or node.id
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        chain = _chain(node)
        if chain and not self._is_local(chain[0]):
            found = self.bundle.attribute(self.module, chain)
            if found is not None:
                return _dotted([found[0], *chain[found[1] :]], node.ctx)
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self._name(node)
        self.scopes.append(self.around)
        self.around = set()
        node.decorator_list = [self.visit(mark) for mark in node.decorator_list if not _is_mark(mark)]
        node.args.defaults = [self.visit(default) for default in node.args.defaults]
        node.args.kw_defaults = [default and self.visit(default) for default in node.args.kw_defaults]
        node.returns = None
        for argument in _arguments(node.args):
            argument.annotation = None
        self.scopes.pop()
        self._enter(node)
        node.body = [self.visit(statement) for statement in _without_docstring(node.body)]
        self.scopes.pop()
        self.path.pop()
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        node.args.defaults = [self.visit(default) for default in node.args.defaults]
        self._enter(node)
        node.body = self.visit(node.body)
        self.scopes.pop()
        return node

    def visit_For(self, node: ast.For) -> ast.For:
        """A loop that was under way is left with the turn that refuted."""
        held = self.bundle.held(self.module, ".".join(self.path), node)
        node.iter = ast.Name(held, ast.Load()) if held else self.visit(node.iter)
        node.target = self.visit(node.target)
        node.body = [self.visit(statement) for statement in node.body]
        node.orelse = [self.visit(statement) for statement in node.orelse]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self._name(node)
        node.decorator_list = [self.visit(mark) for mark in node.decorator_list]
        node.bases = [self.visit(base) for base in node.bases]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        own = set(_stored(node.body))
        node.body = [self._member(statement, own) for statement in _without_docstring(node.body)]
        self.path.pop()
        self.around = set()
        return node

    def _member(self, statement: ast.stmt, own: set[str]) -> ast.stmt:
        # A method sees the names around the class, not those in it; its decorators do.
        self.around = own
        self.scopes.append(set() if isinstance(statement, FUNCTIONS) else own)
        if isinstance(statement, ast.AnnAssign):  # a dataclass needs the annotation
            statement.value = statement.value and self.visit(statement.value)
        else:
            statement = self.visit(statement)
        self.scopes.pop()
        return statement

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        target = self.visit(node.target)
        return ast.Assign([target], self.visit(node.value), lineno=node.lineno) if node.value else ast.Pass()

    def visit_Global(self, node: ast.Global) -> ast.Global:
        node.names = [self.bundle.reference(self.module, name) or name for name in node.names]
        return node

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> ast.stmt:
        """An import in a compound statement at the top level binds a global name as well."""
        if not self.scopes:
            for alias in node.names:
                alias.asname = self.bundle.reference(self.module, alias.asname or alias.name)
        return node

    visit_ImportFrom = visit_Import

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        """Let a plain `assert actual == expected` say both sides, as pytest does."""
        self.generic_visit(node)
        test = node.test
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], (ast.Eq, ast.Is)):
            self.bundle.locals |= {"actual_", "expected_"}
            test.left = ast.NamedExpr(ast.Name("actual_", ast.Store()), test.left)
            test.comparators = [ast.NamedExpr(ast.Name("expected_", ast.Store()), test.comparators[0])]
            said = f"str({ast.unparse(node.msg)}) + '; ' + " if node.msg else ""
            node.msg = ast.parse(said + "f'expected {expected_!r}, actual {actual_!r}'", mode="eval").body
        return node

    def _visit_comprehension(self, node: Any) -> Any:
        first = node.generators[0]
        first.iter = self.visit(first.iter)
        self._enter(node)
        for generator in node.generators:
            if generator is not first:
                generator.iter = self.visit(generator.iter)
            generator.target = self.visit(generator.target)
            generator.ifs = [self.visit(test) for test in generator.ifs]
        for part in ("elt", "key", "value"):
            if hasattr(node, part):
                setattr(node, part, self.visit(getattr(node, part)))
        self.scopes.pop()
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    def _name(self, node: ast.FunctionDef | ast.ClassDef) -> None:
        self.path.append(node.name)
        if len(self.path) == 1:
            node.name = self.bundle.reference(self.module, node.name) or node.name

    def _enter(self, node: ast.AST) -> None:
        own = set(_own_names(node))
        self.bundle.locals |= own
        self.scopes.append(own)


def _own_names(node: Any) -> Iterator[str]:
    """The names that are local to a function, lambda or comprehension."""
    if isinstance(node, COMPREHENSIONS):
        for generator in node.generators:
            yield from (name.id for name in ast.walk(generator.target) if isinstance(name, ast.Name))
        return
    yield from (argument.arg for argument in _arguments(node.args))
    if isinstance(node, FUNCTIONS):
        yield from _stored(node.body)


def _stored(body: list[ast.stmt]) -> set[str]:
    """The names that statements bind in their own scope, but for those declared global."""
    found: set[str] = set()
    shared: set[str] = set()
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            shared.update(node.names)
        found.update(_binds(node))
        if not isinstance(node, (*FUNCTIONS, *COMPREHENSIONS, ast.ClassDef, ast.Lambda)):
            stack.extend(ast.iter_child_nodes(node))
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            stack.extend(node.decorator_list)
    return found - shared


def _binds(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id] if isinstance(node.ctx, ast.Store) else []
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        return [node.name] if node.name else []
    return []


def _arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (argument for argument in (arguments.vararg, arguments.kwarg) if argument)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:] or [ast.Pass()]
    return body


def _is_mark(decorator: ast.expr) -> bool:
    node = decorator.func if isinstance(decorator, ast.Call) else decorator
    chain = _chain(node)
    return bool(chain) and chain[0] in MARKS


def _chain(node: ast.expr) -> list[str]:
    """['a', 'b', 'c'] for a.b.c, or nothing."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return [node.id, *names] if isinstance(node, ast.Name) else []


def _dotted(names: list[str], context: ast.expr_context) -> ast.expr:
    node: ast.expr = ast.Name(names[0], context)
    for name in names[1:]:
        node = ast.Attribute(node, name, context)
    return node

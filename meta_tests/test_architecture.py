"""The shape of the suite itself: who imports whom, how long things may be, and which words are used."""

from __future__ import annotations

import ast
import fnmatch
import functools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from conformance.plugin.state import ROOT

PACKAGES = ("conformance", "properties", "perf", "reports", "meta_tests")
STDLIB = set(sys.stdlib_module_names)


@dataclass(frozen=True)
class Rule:
    """What the modules of a pattern may import, besides the standard library: packages of others, modules of ours."""

    module: str
    others: str = ""
    ours: str = ""


WORDS = "conformance.claim conformance.verdict conformance.run conformance.profile conformance.dtypes"
CHECKS = "torch torchvision numpy mpmath pytest hypothesis packaging PIL"
MACHINERY = "conformance.plugin* conformance.recorder conformance.reproducer* conformance.bugreport conformance.outcome"
# The first pattern that fits a module is its rule.
RULES = (
    Rule("conformance.dtypes"),
    Rule("conformance.verdict"),
    Rule("conformance.check", "pytest"),
    Rule("conformance.plugin*", "torch numpy pytest hypothesis packaging", "conformance.*"),
    Rule("conformance.reproducer*", "torch numpy packaging", "conformance.*"),
    Rule("conformance.oracle*", "numpy mpmath PIL", "conformance.oracle* conformance.dtypes conformance.numerics"),
    Rule("conformance.numerics", "numpy", "conformance.dtypes"),
    Rule("conformance.environment", "torch numpy"),
    Rule("conformance.host", "torch numpy", "conformance.dtypes"),
    Rule(
        "conformance.assertions",
        "torch numpy",
        "conformance.host conformance.numerics conformance.dtypes conformance.subject",
    ),
    Rule("conformance.subject", "torch packaging", "conformance.host conformance.profile conformance.dtypes"),
    *(Rule(f"conformance.{name}", "packaging", WORDS) for name in ("claim", "run", "profile", "plan", "outcome")),
    Rule("conformance.recorder", "packaging", WORDS),
    Rule("conformance.bugreport", "", WORDS),
    Rule("conformance*", CHECKS, "conformance.* properties.strategies.*"),
    Rule("properties.strategies*", "numpy hypothesis", "conformance.* properties.strategies.*"),
    Rule("properties*", CHECKS, "conformance.* properties.strategies.*"),
    Rule("perf.conftest", "pytest", "conformance.* perf.*"),  # the lane's own part of pytest
    Rule("perf*", f"{CHECKS} pytest_benchmark threadpoolctl", "conformance.* properties.strategies.* perf.*"),
    Rule("reports.drawing", "matplotlib markupsafe", "reports.text"),
    Rule("reports.plots", "matplotlib markupsafe", "reports*"),
    Rule("reports*", "jinja2 markupsafe packaging", "conformance.claim conformance.verdict conformance.run reports*"),
    Rule("conftest", "pytest hypothesis", "conformance.*"),
    Rule("meta_tests*", "*", "*"),
)


@dataclass(frozen=True)
class Source:
    """One module: its dotted name, its file from the root, and its tree."""

    name: str
    path: str

    @functools.cached_property
    def text(self) -> str:
        return (ROOT / self.path).read_text(encoding="utf-8")

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def is_checks(self) -> bool:
        return self.name.rpartition(".")[2].startswith("test_")


def _sources() -> list[Source]:
    paths = [ROOT / "conftest.py", *(path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))]
    names = [path.relative_to(ROOT) for path in paths]
    return [Source(".".join(name.with_suffix("").parts).removesuffix(".__init__"), str(name)) for name in names]


SOURCES = _sources()
every_module = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.path)
OURS = [source for source in SOURCES if not source.name.startswith("meta_tests")]
every_module_of_ours = pytest.mark.parametrize("source", OURS, ids=lambda source: source.path)


# -- who imports whom --------------------------------------------------------------------------------------------------


def imports(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """The modules that are imported, and whether when the module is (not in a function, not for types only)."""
    late = {inner for node in ast.walk(tree) if _is_late(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node not in late) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            deeper = [f"{module}.{alias.name}" for alias in node.names]
            known = [name for name in deeper if any(source.name == name for source in SOURCES)]
            yield from ((name, node not in late) for name in (known or [module]))


def _is_late(node: ast.AST) -> bool:
    for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    return for_types or isinstance(node, ast.FunctionDef)


def rule_of(source: Source) -> Rule:
    return next(rule for rule in RULES if fnmatch.fnmatchcase(source.name, rule.module))


def allows(rule: Rule, module: str) -> bool:
    top = module.partition(".")[0]
    if top in STDLIB:
        return True
    patterns = rule.ours if top in (*PACKAGES, "conftest") else rule.others
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns.split() for name in (module, top))


@every_module
def test_a_module_imports_only_what_it_may(source: Source) -> None:
    rule = rule_of(source)
    # An import in a function may look further: that is how recipes are built on a subject without needing PyTorch.
    strategy = source.name.startswith("properties.strategies")
    wrong = [name for name, early in imports(source.tree) if not allows(rule, name) and (early or not strategy)]
    assert not wrong, f"{source.path} imports {', '.join(wrong)}; {rule.module} may import {rule.others} {rule.ours}"


@every_module
def test_nobody_imports_what_stands_above_him(source: Source) -> None:
    if source.name.startswith("meta_tests"):
        return
    for name, _ in imports(source.tree):
        parts = name.split(".")
        assert parts[0] not in ("meta_tests", "conftest"), f"{source.path} imports {name}"
        assert not parts[-1].startswith("test_"), f"{source.path} imports {name}, a test module"
        plugin = name.startswith("conformance.plugin")
        own = source.name.rpartition(".")[2] == "conftest"  # the one of all checks, and that of the perf lane
        may = own or source.name.startswith("conformance.plugin")
        assert may or not plugin, f"{source.path} imports {name}"


@every_module_of_ours
def test_checks_and_their_tables_leave_the_machinery_alone(source: Source) -> None:
    if rule_of(source).module not in ("conformance*", "properties*", "properties.strategies*", "perf*"):
        return
    known = [name for name, _ in imports(source.tree) if any(fnmatch.fnmatchcase(name, p) for p in MACHINERY.split())]
    assert not known, f"{source.path} imports {', '.join(known)}"


def test_the_packages_are_empty() -> None:
    """Or importing reports imports torch."""
    for package in ("conformance", "properties", "perf", "reports"):
        assert not ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8")).body, package


# -- what is private to PyTorch ----------------------------------------------------------------------------------------


# Public, whatever they look like.
DOCUMENTED = {"_exit", "_fields", "_asdict", "_replace", "_make"}


@every_module_of_ours
def test_private_names_of_others_say_why(source: Source) -> None:
    """A comment on the line, or one in the same function that names it."""
    own = set(re.findall(r"\b_[a-z]\w*", " ".join(_defined(source.tree))))
    lines = source.text.splitlines()
    wrong = []
    for function, node in _attributes(source.tree):
        private = node.attr.startswith("_") and not node.attr.startswith("__") and node.attr not in own | DOCUMENTED
        if private and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
            around = lines[function.lineno - 2 : function.end_lineno] if function else []
            told = "#" in lines[node.lineno - 1] or any("#" in line and node.attr in line for line in around)
            wrong += [] if told else [f"{source.path}:{node.lineno}: {ast.unparse(node)}"]
    assert not wrong, "\n".join(wrong)


def _attributes(tree: ast.AST) -> Iterator[tuple[ast.FunctionDef | None, ast.Attribute]]:
    inside: dict[ast.AST, ast.FunctionDef] = {}
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            inside.setdefault(node, function)
    yield from ((inside.get(node), node) for node in ast.walk(tree) if isinstance(node, ast.Attribute))


def _defined(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


# -- how long ----------------------------------------------------------------------------------------------------------

# Longer functions and files, with the reason why. Both are as long as their code: docstrings, comments and blank
# lines do not count, and a table of data at the top level of a file counts as one line.
LONG_FUNCTIONS = {
    "meta_tests/runs.py::run": "a whole header, written out as data",
    "meta_tests/test_page_is_safe.py::hostile": "a whole run, written out as data",
}
LONG_FILES: dict[str, str] = {}
MOST_IN_FILE, MOST_IN_FUNCTION = 250, 25


def code_lines(source: Source) -> set[int]:
    """The numbers of the lines that hold code."""
    lines = enumerate(source.text.splitlines(), start=1)
    found = {number for number, line in lines if line.strip() and not line.strip().startswith("#")}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found -= set(range(node.lineno, (node.end_lineno or 0) + 1))
    return found


@every_module
def test_functions_are_short(source: Source) -> None:
    lines = code_lines(source)
    functions = [node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef)]
    sizes = {node.name: len(lines & set(range(node.lineno, (node.end_lineno or 0) + 1))) for node in functions}
    long = {f"{source.path}::{name}": size for name, size in sizes.items() if size > MOST_IN_FUNCTION}
    assert long.keys() <= LONG_FUNCTIONS.keys(), f"over {MOST_IN_FUNCTION} lines: {long}"


@every_module
def test_files_are_short(source: Source) -> None:
    size = len(code_lines(source)) - sum(_rows(statement) for statement in source.tree.body)
    assert size <= MOST_IN_FILE or source.path in LONG_FILES, f"{source.path}: {size} lines of code"


def _rows(statement: ast.stmt) -> int:
    """The lines of a table: a literal that is assigned at the top level."""
    value = getattr(statement, "value", None)
    literal = isinstance(value, (ast.List, ast.Tuple, ast.Dict, ast.Set, ast.Constant))
    table = literal and isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign))
    return (statement.end_lineno or 0) - statement.lineno if table else 0


def test_the_reasons_are_of_use() -> None:
    paths = {source.path for source in SOURCES}
    assert not [name for name in (*LONG_FUNCTIONS, *LONG_FILES) if name.partition("::")[0] not in paths]


# -- words -------------------------------------------------------------------------------------------------------------

FORBIDDEN = {"golden", "backend", "platform", "spec", "testcase", "passed", "failed"}


def words(name: str) -> set[str]:
    """The words of a name, whether it is written in one style or the other."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


@every_module_of_ours
def test_public_names_use_the_suites_words(source: Source) -> None:
    names = {node.name for node in ast.walk(source.tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    names |= {name for statement in source.tree.body for name in _constants(statement)}
    public = {name for name in names | {source.name.rpartition(".")[2]} if not name.startswith("_")}
    wrong = {name for name in public if words(name) & FORBIDDEN or "test_case" in name}
    assert not wrong, f"{source.path}: {wrong}"


def _constants(statement: ast.stmt) -> set[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


@every_module
def test_no_class_is_called_test(source: Source) -> None:
    classes = [node.name for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)]
    assert not [name for name in classes if name.startswith("Test")]


@every_module
def test_a_module_says_what_it_is_for(source: Source) -> None:
    assert not source.tree.body or ast.get_docstring(source.tree), source.path


@every_module_of_ours
def test_public_functions_say_what_they_do(source: Source) -> None:
    """All but those of check modules, whose claims say it, and functions of a few lines, which say it themselves."""
    nodes = [node for node in source.tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    public = [node for node in nodes if not node.name.startswith(("_", "test_", "pytest_")) and len(node.body) > 4]
    silent = [node.name for node in public if ast.get_docstring(node) is None and not source.is_checks]
    assert not silent, f"{source.path}: {silent}"

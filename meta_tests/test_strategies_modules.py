"""The strategies of modules: what they reach, and that programs run."""

from __future__ import annotations

import pytest
from hypothesis import Phase, find, given, settings

from conformance.oracle import module as model
from conformance.oracle.module_corpus import CORPUS
from conformance.oracle.module_edits import EDITS, Program, grown
from conformance.subject import Subject
from conformance.tables.module_tree import assert_leaves, assert_listings, build
from properties.strategies.modules import edits, trees

QUIET = settings(max_examples=2000, deadline=None, database=None, derandomize=True, phases=[Phase.generate])


def _duplicates(program: Program) -> bool:
    root = grown(program).root
    return len(list(model.named_modules(root))) < len(list(model.named_modules(root, once=False)))


def _tied(program: Program) -> bool:
    root = grown(program).root
    return len(list(model.named_leaves(root, "parameters"))) < len(
        list(model.named_leaves(root, "parameters", once=False))
    )


def _deep(program: Program) -> bool:
    return any(name.count(".") >= 3 for name, _ in model.named_modules(grown(program).root))


def _transient(program: Program) -> bool:
    return any(node.transient for _, node in model.named_modules(grown(program).root))


@pytest.mark.parametrize("wanted", [_duplicates, _tied, _deep, _transient])
def test_trees_reach(wanted) -> None:
    program = find(trees(), wanted, settings=QUIET)
    built, forest = build(Subject("cpu", "cpu"), program)
    assert_listings(built, forest)
    assert_leaves(built, forest)


def test_edits_reach_every_step() -> None:
    seen: set[str] = set()

    @settings(max_examples=300, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    @given(program=edits())
    def collect(program: Program) -> None:
        seen.update(step.do for step in program)

    collect()
    assert seen == set(EDITS)


def test_the_corpus_covers_what_the_claims_need() -> None:
    programs = list(CORPUS.values())
    for wanted in (_duplicates, _tied, _deep, _transient):
        assert any(map(wanted, programs)), wanted.__name__


def test_bad_arguments_raise() -> None:
    with pytest.raises(ValueError, match="least"):
        find(trees(least=5, most=2), lambda _: True, settings=QUIET)

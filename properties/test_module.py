"""Random trees of modules, and random edits of them, against the plain model."""

from __future__ import annotations

import copy

from hypothesis import example, given, settings
from hypothesis import strategies as st

from conformance.assertions import assert_apart, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import module as model
from conformance.oracle.module_corpus import CORPUS
from conformance.oracle.module_edits import Forest, Step
from conformance.tables.module_tree import Built, assert_leaves, assert_listings, assert_same, build, leaves, paths
from properties.strategies.modules import edits, trees

pytestmark = must_answer


@check("module.tree")
@given(program=trees())
@example(program=CORPUS["shared tree"])
@example(program=CORPUS["buffers"])
@example(program=CORPUS["deep"])
def test_a_tree_lists_what_it_holds(subject, program):
    built, forest = build(subject, program)
    assert_listings(built, forest)
    assert_leaves(built, forest)
    for module, node in zip(built.modules, forest.nodes, strict=True):
        seen: list[int] = []
        module.apply(lambda each: seen.append(built.number(each)))
        assert_same("apply calls", seen, [found.number for found in model.apply_order(node)])


@check("module.tree-options")
@given(program=trees(), prefix=st.sampled_from(("", "a", "a.b")), once=st.booleans(), recurse=st.booleans())
@example(program=CORPUS["shared tree"], prefix="a.b", once=False, recurse=True)
@example(program=CORPUS["shared tree"], prefix="a.b", once=True, recurse=False)
def test_a_tree_lists_what_it_holds_under_every_option(subject, program, prefix, once, recurse):
    built, forest = build(subject, program)
    for module, node in zip(built.modules, forest.nodes, strict=True):
        found = built.paths(module.named_modules(prefix=prefix, remove_duplicate=once))
        assert_same(f"named_modules({prefix!r}, {once})", found, paths(model.named_modules(node, prefix, once=once)))
        for which in ("parameters", "buffers"):
            found = built.leaves(getattr(module, f"named_{which}")(prefix=prefix, recurse=recurse))
            due = leaves(model.named_leaves(node, which, prefix, recurse=recurse))
            assert_same(f"named_{which}({prefix!r}, {recurse})", found, due)
            found = [built.leaf(tensor) for tensor in getattr(module, which)(recurse=recurse)]
            assert_same(f"{which}({recurse})", found, [number for _, number in due])
        found = built.leaves(module.state_dict(prefix=f"{prefix}.", keep_vars=True).items())
        assert_same(f"state_dict({prefix!r})", found, leaves(model.state(node, f"{prefix}.")))


@check("module.tree-repr", since="2.0")
@given(program=trees())
@example(program=CORPUS["containers"])
def test_a_tree_prints_as_the_model_does(subject, program):
    built, forest = build(subject, program)
    others = {"ParameterList", "ParameterDict", "BatchNorm1d"}  # what these say of themselves depends on the release
    for module, node in zip(built.modules, forest.nodes, strict=True):
        if not others & {found.kind.name for _, found in model.named_modules(node)}:
            assert_same("repr", repr(module), model.text(node))


@check("module.edits")
@given(program=edits())
@example(program=(*CORPUS["containers"], Step("train", 1, flag=False), Step("train", 7, flag=False)))
@example(
    program=(*CORPUS["buffers"], Step("set_tensor", 0, "kept", "float32", (2,)), Step("convert", 0, "", "float64"))
)
def test_after_every_edit_a_tree_is_as_the_model_says(subject, program):
    built, forest = Built(subject), Forest()
    for place, step in enumerate(program):
        due = forest.do(step)
        found = built.do(step, forest)
        call = f"edit {place} ({step})"
        require(found == due, f"{call} ends with {found or 'no error'}, but should with {due or 'none'}", due, found)
        root, node = built.root, forest.root
        assert_same(
            f"named_modules() after {call}", built.paths(root.named_modules()), paths(model.named_modules(node))
        )
        for which in ("parameters", "buffers"):
            found_leaves = built.leaves(getattr(root, f"named_{which}")())
            assert_same(f"named_{which}() after {call}", found_leaves, leaves(model.named_leaves(node, which)))
    assert_listings(built, forest)
    assert_leaves(built, forest)


@check("module.edits-then-copy")
@settings(max_examples=max(4, settings.default.max_examples // 2))
@given(program=edits())
@example(program=(*CORPUS["shared tree"], Step("train", 1, flag=False), Step("requires_grad_", 3, flag=False)))
def test_a_copy_of_an_edited_tree_is_the_same_with_memory_of_its_own(subject, program):
    built, forest = build(subject, program)
    twin = copy.deepcopy(built.root)
    found, due = list(twin.named_modules(remove_duplicate=False)), list(model.named_modules(forest.root, once=False))
    assert_same("names", [name for name, _ in found], [name for name, _ in due])
    assert_same("modes", [module.training for _, module in found], [node.training for _, node in due])
    for which in ("parameters", "buffers"):
        pairs = list(model.named_leaves(forest.root, which))
        copies = list(getattr(twin, f"named_{which}")())
        assert_same(f"names of {which}", [name for name, _ in copies], [name for name, _ in pairs])
        for (name, tensor), (_, leaf) in zip(copies, pairs, strict=True):
            assert_values(name, tensor.detach(), leaf.values, dtype=leaf.dtype)
            assert_same(f"{name}.requires_grad", tensor.requires_grad, leaf.requires_grad)
            assert_apart(name, tensor, built.tensors[leaf.number])
    assert_same("state_dict", list(twin.state_dict()), [key for key, _ in model.state(forest.root)])
    assert_listings(built, forest)
    assert_leaves(built, forest)

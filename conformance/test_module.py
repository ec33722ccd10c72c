"""Trees of modules, by example: what a module lists, under which names, in which order."""

from __future__ import annotations

from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.oracle import module as model
from conformance.oracle.module_corpus import CORPUS
from conformance.tables.module_tree import (
    assert_leaves,
    assert_same,
    build,
    built_trees,
    everywhere,
    leaves,
    paths,
)

pytestmark = must_answer

PREFIXES = ("", "net", "a.b")
OPTIONS = [(prefix, recurse) for prefix in PREFIXES for recurse in (True, False)]


@check("module.registered-values")
def test_leaves_hold_what_they_were_given(subject):
    for _, built, forest in built_trees(subject):
        assert_leaves(built, forest)


# -- modules -----------------------------------------------------------------------------------------------------------


@check("module.modules-is-recursive")
def test_modules_goes_down_to_the_leaves_and_yields_each_once(subject):
    for call, built, module, node in everywhere(subject):
        due = sorted(found.number for _, found in model.named_modules(node))
        for _ in range(2):
            assert_same(f"{call}: the modules() of it", sorted(built.number(m) for m in module.modules()), due)


@check("module.modules-starts-with-self")
def test_modules_starts_with_the_module_itself(subject):
    for call, built, module, node in everywhere(subject):
        assert_same(f"{call}: the first of modules()", built.number(next(iter(module.modules()))), node.number)
        assert_same(f"{call}: the first of named_modules()", next(iter(module.named_modules()))[1] is module, True)


@check("module.modules-order")
def test_modules_come_depth_first(subject):
    for call, built, module, node in everywhere(subject):
        due = [found.number for _, found in model.named_modules(node)]
        assert_same(f"{call}: modules()", [built.number(m) for m in module.modules()], due)


@check("module.named-modules")
def test_modules_have_dotted_names(subject):
    for call, built, module, node in everywhere(subject):
        for _ in range(2):
            assert_same(
                f"{call}: named_modules()", built.paths(module.named_modules()), paths(model.named_modules(node))
            )


@check("module.named-modules-options")
def test_named_modules_takes_a_prefix_and_keeps_duplicates_if_asked(subject):
    for call, built, module, node in everywhere(subject):
        for prefix in PREFIXES:
            for once in (True, False):
                found = built.paths(module.named_modules(prefix=prefix, remove_duplicate=once))
                due = paths(model.named_modules(node, prefix, once=once))
                assert_same(f"{call}: named_modules(prefix={prefix!r}, remove_duplicate={once})", found, due)


@check("module.named-modules-memo")
def test_named_modules_leaves_out_what_the_memo_holds_and_adds_to_it(subject):
    for call, built, module, node in everywhere(subject):
        known = [child for _, child in model.named_children(node)][:1]
        memo = {built.modules[child.number] for child in known}
        found = built.paths(module.named_modules(memo))
        seen = set(known)
        due = paths(model.named_modules(node, seen=seen))
        assert_same(f"{call}: named_modules(memo)", found, due)
        assert_same(f"{call}: the memo afterwards", {built.number(m) for m in memo}, {n.number for n in seen})


@check("module.modules-is-an-iterator")
def test_the_listings_are_iterators(subject):
    built, _ = build(subject, CORPUS["shared tree"])
    names = ("modules", "named_modules", "children", "named_children", "buffers", "named_buffers", "named_parameters")
    for name in (*names, "parameters"):
        found = getattr(built.root, name)()
        require(iter(found) is found, f"{name}() is no iterator", "an iterator", type(found).__name__)
        count = len(list(found))
        require(count > 0 and list(found) == [], f"{name}() can be gone through twice", [], "more")


# -- children ----------------------------------------------------------------------------------------------------------


@check("module.children-not-recursive")
def test_children_are_the_direct_ones(subject):
    for call, built, module, node in everywhere(subject):
        due = [child.number for _, child in model.named_children(node)]
        for _ in range(2):
            assert_same(f"{call}: children()", [built.number(m) for m in module.children()], due)


@check("module.named-children")
def test_children_have_their_own_names(subject):
    for call, built, module, node in everywhere(subject):
        assert_same(
            f"{call}: named_children()", built.paths(module.named_children()), paths(model.named_children(node))
        )


# -- parameters and buffers --------------------------------------------------------------------------------------------


@check("module.parameters-all-learnable")
def test_parameters_are_all_of_the_tree_each_once(subject):
    for call, built, module, node in everywhere(subject):
        for recurse in (True, False):
            due = [leaf.number for _, leaf in model.named_leaves(node, "parameters", recurse=recurse)]
            found = [built.leaf(p) for p in module.parameters(recurse=recurse)]
            assert_same(f"{call}: parameters(recurse={recurse})", found, due)
        assert_same(f"{call}: parameters()", [built.leaf(p) for p in module.parameters()], _all(node))


def _all(node: model.Node) -> list[int]:
    return [leaf.number for _, leaf in model.named_leaves(node, "parameters")]


@check("module.parameters-all-learnable")
def test_frozen_parameters_are_still_listed(subject):
    built, _ = build(subject, CORPUS["shared tree"])
    before = [id(p) for p in built.root.parameters()]
    built.root.requires_grad_(False)
    assert_same("parameters() of a frozen module", [id(p) for p in built.root.parameters()], before)


@check("module.named-parameters")
def test_parameters_have_dotted_names(subject):
    for call, built, module, node in everywhere(subject):
        for _ in range(2):
            found = built.leaves(module.named_parameters())
            assert_same(f"{call}: named_parameters()", found, leaves(model.named_leaves(node, "parameters")))


@check("module.named-parameters-options")
def test_named_parameters_takes_a_prefix_and_can_stay_at_the_top(subject):
    for call, built, module, node in everywhere(subject):
        for prefix, recurse in OPTIONS:
            found = built.leaves(module.named_parameters(prefix=prefix, recurse=recurse))
            due = leaves(model.named_leaves(node, "parameters", prefix, recurse=recurse))
            assert_same(f"{call}: named_parameters(prefix={prefix!r}, recurse={recurse})", found, due)


@check("module.named-parameters-duplicates")
def test_named_parameters_keeps_duplicates_if_asked(subject):
    for call, built, module, node in everywhere(subject):
        for prefix, recurse in OPTIONS:
            found = built.leaves(module.named_parameters(prefix, recurse, remove_duplicate=False))
            due = leaves(model.named_leaves(node, "parameters", prefix, recurse=recurse, once=False))
            assert_same(f"{call}: named_parameters({prefix!r}, {recurse}, remove_duplicate=False)", found, due)


@check("module.buffers")
def test_buffers_are_all_of_the_tree_each_once(subject):
    for call, built, module, node in everywhere(subject):
        for prefix, recurse in OPTIONS:
            due = leaves(model.named_leaves(node, "buffers", prefix, recurse=recurse))
            found = built.leaves(module.named_buffers(prefix=prefix, recurse=recurse))
            assert_same(f"{call}: named_buffers(prefix={prefix!r}, recurse={recurse})", found, due)
            found = [built.leaf(b) for b in module.buffers(recurse=recurse)]
            assert_same(f"{call}: buffers(recurse={recurse})", found, [number for _, number in due])


@check("module.named-buffers-duplicates")
def test_named_buffers_keeps_duplicates_if_asked(subject):
    for call, built, module, node in everywhere(subject):
        for prefix, recurse in OPTIONS:
            found = built.leaves(module.named_buffers(prefix, recurse, remove_duplicate=False))
            due = leaves(model.named_leaves(node, "buffers", prefix, recurse=recurse, once=False))
            assert_same(f"{call}: named_buffers({prefix!r}, {recurse}, remove_duplicate=False)", found, due)

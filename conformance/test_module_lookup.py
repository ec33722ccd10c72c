"""Finding modules and tensors by name, and going through all of them, by example."""

from __future__ import annotations

import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.oracle import module as model
from conformance.oracle.module_corpus import CORPUS
from conformance.tables.module_tree import (
    assert_same,
    branch,
    build,
    everywhere,
)

pytestmark = must_answer


@check("module.get-submodule")
def test_every_dotted_name_leads_to_its_module(subject):
    for call, built, module, node in everywhere(subject):
        for path, found in model.named_modules(node, once=False):
            assert_same(f"{call}: get_submodule({path!r})", built.number(module.get_submodule(path)), found.number)


@check("module.get-parameter")
def test_every_dotted_name_leads_to_its_leaf(subject):
    for call, built, module, node in everywhere(subject):
        for which, get in (("parameters", module.get_parameter), ("buffers", module.get_buffer)):
            for path, leaf in model.named_leaves(node, which, once=False):
                assert_same(f"{call}: get_{which[:-1]}({path!r})", built.leaf(get(path)), leaf.number)


@check("module.get-submodule")
def test_a_name_of_no_module_is_refused(subject):
    built, _ = build(subject, CORPUS["shared tree"])
    root = built.root
    for path in (
        "missing",
        "left.missing",
        "left.common.norm.weight",
        "left.common.norm.missing",
        "left.",
        ".left",
        "left..common",
    ):
        assert_raises(f"get_submodule({path!r})", AttributeError, lambda: root.get_submodule(path))
    root.note = 3
    assert_raises("get_submodule('note') of a number", AttributeError, lambda: root.get_submodule("note"))


@check("module.get-parameter")
def test_a_name_of_no_leaf_is_refused(subject):
    built, _ = build(subject, CORPUS["shared tree"])
    norm = built.root.get_submodule("left.common.norm")
    for path in (
        "missing",
        "left.common.norm.missing",
        "left.common",
        "left.missing.weight",
        "left.common.norm.running_mean",
    ):
        assert_raises(f"get_parameter({path!r})", AttributeError, lambda: built.root.get_parameter(path))
    for path in ("missing", "left.common.norm.missing", "left.common", "left.common.norm.weight"):
        assert_raises(f"get_buffer({path!r})", AttributeError, lambda: built.root.get_buffer(path))
    require(built.root.get_parameter("left.common.norm.weight") is norm.weight, "get_parameter finds another")
    require(built.root.get_buffer("right.same.norm.running_var") is norm.running_var, "get_buffer finds another")


@check("module.set-submodule", since="2.5")
def test_set_submodule_replaces_what_a_dotted_name_leads_to(subject):
    built, _ = build(subject, CORPUS["container first"])
    root, fresh = built.root, torch.nn.ReLU()
    before = [name for name, _ in root.named_modules()]
    require(root.set_submodule("first.inner.leaf", fresh) is None, "set_submodule returns something")
    require(built.modules[2].leaf is fresh and root.get_submodule("first.inner.leaf") is fresh, "leaf was not replaced")
    assert_same("the names after set_submodule", [name for name, _ in root.named_modules()], before)
    assert_raises("set_submodule('')", ValueError, lambda: root.set_submodule("", fresh))
    assert_raises("set_submodule('missing.x')", AttributeError, lambda: root.set_submodule("missing.x", fresh))
    assert_same("the names after refusals", [name for name, _ in root.named_modules()], before)


@check("module.dir")
def test_dir_names_what_is_registered(subject):
    module = branch()
    module.layer, module.weight = torch.nn.Linear(2, 3), torch.nn.Parameter(torch.ones(2))
    module.register_buffer("mean", torch.ones(2))
    module.note = 1
    module.add_module("0", torch.nn.ReLU())
    found = dir(module)
    assert_same(
        "the registered names in dir()",
        [n for n in ("layer", "mean", "note", "weight") if n in found],
        ["layer", "mean", "note", "weight"],
    )
    assert_same("dir() holds names that are no identifiers", [name for name in found if name[0].isdigit()], [])


@check("module.apply")
def test_apply_calls_children_first_and_returns_the_module(subject):
    for call, built, module, node in everywhere(subject):
        for _ in range(2):
            seen: list[int] = []
            out = module.apply(lambda each: seen.append(built.number(each)))
            require(out is module, f"{call}: apply returns another object")
            assert_same(f"{call}: apply calls", seen, [found.number for found in model.apply_order(node)])

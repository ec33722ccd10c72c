"""The plain model of module trees, checked a second way: by hand, and by walking every path."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from conformance.oracle import module as model
from conformance.oracle import state_dict as states
from conformance.oracle.module_corpus import CORPUS
from conformance.oracle.module_edits import Forest, Step, grown
from properties.strategies.modules import edits, trees


def names(pairs: Iterator[tuple[str, object]]) -> list[str]:
    return [name for name, _ in pairs]


def test_a_shared_tree_by_hand() -> None:
    root = grown(CORPUS["shared tree"]).root
    once = ["", "left", "left.common", "left.common.norm", "left.common.deep", "right"]
    assert names(model.named_modules(root)) == once
    again = [*once[:5], "right", "right.same", "right.same.norm", "right.same.deep", "own"]
    assert names(model.named_modules(root, once=False)) == again
    assert names(model.named_children(root)) == ["left", "right", "own"]
    assert names(model.named_leaves(root, "parameters")) == [
        "left.common.norm.weight",
        "left.common.norm.bias",
        "left.common.deep.p",
    ]
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    due = [
        f"{side}.{name}" for side in ("left.common", "right.same") for name in (*(f"norm.{n}" for n in norm), "deep.p")
    ]
    assert names(model.state(root)) == [*due, "own.p"]
    assert [node.number for node in model.apply_order(root)] == [4, 5, 3, 1, 4, 5, 3, 2, 5, 0]


def test_moving_and_replacing_by_hand() -> None:
    root = grown(CORPUS["in order of registration"]).root
    assert list(root.parameters) == ["z", "a"]
    assert list(root.buffers) == ["b", "y"]
    assert [(name, child.kind.name) for name, child in root.modules.items() if child] == [
        ("m", "Conv1d"),
        ("10", "ReLU"),
        ("9", "BatchNorm1d"),
    ]
    root = grown(CORPUS["moved"]).root
    # A Module over a parameter is refused, so 'a' stays one.
    assert (list(root.parameters), list(root.buffers), list(root.modules)) == (["a", "b", "c"], [], ["d"])


def test_text_by_hand() -> None:
    root = grown(
        (
            *CORPUS["flat"],
            Step("set_module", 0, "list", "ModuleList"),
            *(Step("append", 4, "", "ReLU") for _ in range(2)),
        )
    ).root
    line = "Linear(in_features=2, out_features=3, bias=True)"
    assert (
        model.text(root)
        == f"Branch(\n  (b): {line}\n  (a): ReLU()\n  (c): {line}\n  (list): ModuleList(\n    (0-1): 2 x ReLU()\n  )\n)"
    )
    assert "(1): ReLU()" in model.text(root, fold=False)


@pytest.mark.parametrize(
    ("before", "step", "due"),
    [
        ((), Step("add_module", 0, "", "ReLU"), "KeyError"),
        ((), Step("register_buffer", 0, "a.b", "float32"), "KeyError"),
        ((Step("set_plain", 0, "x"),), Step("register_parameter", 0, "x", "float32"), "KeyError"),
        ((Step("set_parameter", 0, "x", "float32"),), Step("set_module", 0, "x", "ReLU"), "TypeError"),
        ((Step("set_module", 0, "x", "ReLU"),), Step("set_parameter", 0, "x", "float32"), ""),
        ((Step("register_buffer", 0, "x", "float32"),), Step("set_plain", 0, "x"), "TypeError"),
        ((), Step("delete", 0, "x"), "AttributeError"),
        ((Step("set_module", 0, "x", "ModuleDict"),), Step("delete_item", 1, "y"), "KeyError"),
        ((Step("set_module", 0, "x", "Sequential"),), Step("set_item", 1, "0", "ReLU"), "IndexError"),
    ],
)
def test_what_is_refused(before: tuple[Step, ...], step: Step, due: str) -> None:
    forest = grown(before)
    kept = (list(forest.root.parameters), list(forest.root.buffers), list(forest.root.modules))
    assert forest.do(step) == due
    if due:
        assert (list(forest.root.parameters), list(forest.root.buffers), list(forest.root.modules)) == kept


def paths(node: model.Node, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], model.Node]]:
    """Every way down, as tuples of names."""
    yield prefix, node
    for name, child in node.modules.items():
        if child is not None:
            yield from paths(child, (*prefix, name))


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(program=edits())
def test_listings_agree_with_walking_every_path(program: tuple[Step, ...]) -> None:
    root = grown(program).root
    ways = list(paths(root))
    assert [(".".join(way), node) for way, node in ways] == list(model.named_modules(root, once=False))
    first: dict[model.Node, str] = {}
    for way, node in ways:
        first.setdefault(node, ".".join(way))
    assert [(name, node) for node, name in first.items()] == list(model.named_modules(root))
    leaves: dict[model.Leaf, str] = {}
    for node, name in first.items():
        for own, leaf in node.parameters.items():
            if leaf is not None:
                leaves.setdefault(leaf, f"{name}.{own}".lstrip("."))
    assert [(name, leaf) for leaf, name in leaves.items()] == list(model.named_leaves(root, "parameters"))
    entries = [".".join((*way, name)) for way, node in ways for name, leaf in _kept(node) if leaf is not None]
    assert names(model.state(root)) == entries


def _kept(node: model.Node) -> Iterator[tuple[str, model.Leaf | None]]:
    yield from node.parameters.items()
    yield from ((name, leaf) for name, leaf in node.buffers.items() if name not in node.transient)


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(program=trees())
def test_no_tree_holds_itself(program: tuple[Step, ...]) -> None:
    forest = Forest()
    for step in program:
        forest.do(step)
        for node in forest.nodes:
            assert all(child is None or child.number > node.number for child in node.modules.values())


def test_loading_by_hand() -> None:
    root = grown(CORPUS["flat"]).root
    values = {key: model.values(9, leaf.shape) for key, leaf in model.state(root)}
    assert not states.load(root, values).fails(strict=True)
    del values["b.bias"]
    values["x"] = values["c.weight"]
    values["c.weight"] = values["c.weight"].T
    found = states.load(root, values)
    assert (found.missing, found.unexpected, found.mismatched) == (["b.bias"], ["x"], ["c.weight"])
    assert found.fails(strict=False)
    assert sorted(found.values) == [0, 3]
    assert states.transfer({"a": 1, "b": 2}, {"b": 3, "c": 4}) == {"a": 1, "b": 3}

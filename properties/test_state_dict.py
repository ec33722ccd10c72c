"""Saving and loading random trees of modules, against the plain model."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import module as model
from conformance.oracle import state_dict as oracle
from conformance.oracle.module_corpus import CORPUS
from conformance.oracle.module_edits import Forest
from conformance.tables.module_tree import Built, assert_listings, assert_same, build, leaves
from properties.strategies.modules import edits, trees

pytestmark = must_answer

PREFIXES = ("", "net.", "a.b.")
CHANGES = ("nothing", "drop", "add", "resize", "drop and add", "all of it")


@check("state_dict.any-tree")
@given(program=edits(), prefix=st.sampled_from(PREFIXES))
@example(program=CORPUS["tied parameters"], prefix="")
@example(program=CORPUS["buffers"], prefix="net.")
@example(program=CORPUS["shared tree"], prefix="a.b.")
def test_the_state_of_any_tree(subject, program, prefix):
    built, forest = build(subject, program)
    for module, node in zip(built.modules, forest.nodes, strict=True):
        due = list(model.state(node, prefix))
        state = module.state_dict(prefix=prefix)
        assert_same("keys", list(state), [key for key, _ in due])
        metadata = state._metadata  # the only place where versions are
        due_modules = list(model.state_modules(node, prefix.removesuffix(".")))
        assert_same("modules in the metadata", list(metadata), due_modules)
        assert_same(
            "entries", built.leaves(module.state_dict(prefix=prefix, keep_vars=True).items()), leaves(iter(due))
        )
        for (key, entry), (_, leaf) in zip(state.items(), due, strict=True):
            assert_values(key, entry, leaf.values, dtype=leaf.dtype)
            own = built.tensors[leaf.number]
            require(
                not entry.requires_grad and entry.data_ptr() == own.data_ptr(),
                f"{key} is no detached view of the tensor",
            )


def changed(forest: Forest, change: str, seed: int) -> dict[str, np.ndarray]:
    """Other values for every key, with entries dropped, added or of another size. BatchNorm's count is kept: a state
    without versions may lack it."""
    generator = np.random.default_rng(seed)
    values = {key: model.values(leaf.seed + seed, leaf.shape, leaf.dtype) for key, leaf in model.state(forest.root)}
    keys = [key for key in values if not key.endswith("num_batches_tracked")]
    picked = [key for key in keys if generator.random() < 0.4]
    if change in ("drop", "drop and add"):
        values = {key: value for key, value in values.items() if key not in picked}
    if change == "resize":
        values |= {key: np.zeros((3, 3, *values[key].shape)) for key in picked}
    if change in ("add", "drop and add"):
        values |= {f"{key}_{seed % 3}": np.ones(2) for key in picked} | {"new": np.ones(1), "new.x.y": np.ones(())}
    if change == "all of it":
        values = {key: value for key, value in values.items() if key not in keys} | {"new": np.ones(1)}
    order = generator.permutation(len(values)) if seed % 2 else range(len(values))
    return {list(values)[place]: list(values.values())[place] for place in order}


@check("state_dict.any-load")
@given(program=trees(most=7), change=st.sampled_from(CHANGES), strict=st.booleans(), seed=st.integers(1, 50))
@example(program=CORPUS["flat"], change="nothing", strict=True, seed=1)
@example(program=CORPUS["shared tree"], change="drop and add", strict=False, seed=2)
@example(program=CORPUS["containers"], change="resize", strict=False, seed=3)
def test_loading_into_any_tree(subject, program, change, strict, seed):
    built, forest = build(subject, program)
    held: dict[int, np.ndarray] = {}
    for turn in (1, 2):
        values = changed(forest, change if turn == 1 else "nothing", seed * turn)
        dtypes = {key: leaf.dtype for key, leaf in model.state(forest.root)}
        state = OrderedDict(
            (key, host.tensor(v, dtypes.get(key, "float32"), subject.device)) for key, v in values.items()
        )
        before = Unchanged(**{f"entry {n}": entry for n, entry in enumerate(state.values())})
        due = oracle.load(forest.root, values)
        _load(built, state, due, strict)
        before.check("loading")
        assert_same("keys of the dict", list(state), list(values))
        held |= due.values
        _assert_values(built, forest, held)


def _load(built: Built, state: Any, due: oracle.Loading, strict: bool) -> None:
    if due.fails(strict=strict):
        text = str(
            assert_raises("load_state_dict", RuntimeError, lambda: built.root.load_state_dict(state, strict=strict))
        )
        for key in due.named if strict else due.mismatched:
            require(key in text, f"the error does not name {key}: {text}")
        return
    result = built.root.load_state_dict(state, strict=strict)
    assert_same("missing_keys", sorted(result.missing_keys), sorted(due.missing))
    assert_same("unexpected_keys", sorted(result.unexpected_keys), sorted(due.unexpected))


def _assert_values(built: Built, forest: Forest, held: dict[int, np.ndarray]) -> None:
    for tensor, leaf in zip(built.tensors, forest.leaves, strict=True):
        assert_values(f"tensor {leaf.number}", tensor.detach(), held.get(leaf.number, leaf.values), dtype=leaf.dtype)
        assert_same(f"requires_grad of tensor {leaf.number}", tensor.requires_grad, leaf.requires_grad)
    assert_listings(built, forest)

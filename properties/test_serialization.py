"""Random nested objects of tensors over shared storages through torch.save, torch.load and copy.deepcopy."""

from __future__ import annotations

import copy
from collections import OrderedDict

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import serialization as oracle
from conformance.oracle.serialization import Memory, View
from conformance.tables.serialization_samples import WAYS, assert_equal, save, storage_address
from properties.strategies.recipe import row_major
from properties.strategies.values import distinct

pytestmark = must_answer

DTYPES = ("float32", "int64", "bool", "float64", "bfloat16", "complex64", "uint8")
SIZE = 24
SHAPES = ((4,), (2, 3), (), (0,), (3, 2, 1), (1,), (2, 2))


@st.composite
def views(draw, storages: int) -> View:
    """Views of one of the storages that lie inside it: any strides, also 0, and any offset."""
    shape = draw(st.sampled_from(SHAPES))
    strides = draw(st.sampled_from([row_major(shape), row_major(shape)[::-1], (0,) * len(shape), (3,) * len(shape)]))
    reach = sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True)) if 0 not in shape else 0
    return View(draw(st.integers(0, storages - 1)), shape, strides, draw(st.integers(0, SIZE - 1 - max(reach, 0))))


@st.composite
def things(draw) -> tuple[list[str], object]:
    """The dtypes of a few storages, and nested containers with views of them."""
    dtypes = draw(st.lists(st.sampled_from(DTYPES), min_size=1, max_size=3))
    keys = st.sampled_from(["weight", "bias", "a.b", 1, "", "state"])
    leaf = st.one_of(views(len(dtypes)), st.sampled_from([None, 3, "text"]))
    nested = st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.lists(inner, max_size=3).map(tuple),
            st.dictionaries(keys, inner, max_size=3),
            st.dictionaries(keys, inner, max_size=2).map(OrderedDict),
        ),
        max_leaves=6,
    )
    return dtypes, [draw(nested), draw(views(len(dtypes)))]


def builder(subject, dtypes):
    """Storages of these dtypes, and a function that makes tensors of views."""
    storages = [host.tensor(distinct(dtype, (SIZE,)), dtype, subject.device) for dtype in dtypes]

    def made(leaf):
        if not isinstance(leaf, View):
            return leaf
        return storages[leaf.storage].as_strided(leaf.shape, leaf.strides, leaf.offset)

    return storages, made


def ways():
    """torch.save with torch.load in every way, and copy.deepcopy."""
    yield from ((way.name, way) for way in WAYS)
    yield "copy.deepcopy", copy.deepcopy


@check("serialization.any-tensors")
@given(thing=things(), data=st.integers(0, 1000))
@example(thing=(["float32"], [[View(0, (4,), (1,), 0), View(0, (2, 3), (3, 1), 2)], View(0, (4,), (0,), 3)]), data=0)
@example(thing=(["int64", "int64"], [{"a": (View(1, (2, 2), (1, 2), 5), None)}, View(0, (), (), 23)]), data=1)
def test_any_nested_object_comes_back(subject, thing, data):
    dtypes, model = thing
    storages, made = builder(subject, dtypes)
    real = oracle.mapped(model, made)
    for name, way in ways():
        memory = Memory([distinct(dtype, (SIZE,)) for dtype in dtypes])
        out = way(real)
        assert_equal(f"the nesting of {name}", oracle.skeleton(out), oracle.skeleton(model))
        pairs = list(zip(oracle.leaves(out), oracle.leaves(model), strict=True))
        _compare(name, pairs, memory, dtypes)
        written = [(tensor, view) for (_, tensor), (_, view) in pairs if isinstance(view, View) and 0 not in view.shape]
        if written:
            tensor, view = written[data % len(written)]
            tensor.fill_(1)
            memory.fill(view, 1)
            _compare(f"{name}, after a write", pairs, memory, dtypes)
    for storage, dtype in zip(storages, dtypes, strict=True):
        assert_values("a storage that was saved", storage, distinct(dtype, (SIZE,)))


def _compare(name, pairs, memory, dtypes):
    places: dict[int, set[int]] = {}
    for (path, out), (_, due) in pairs:
        if not isinstance(due, View):
            assert_equal(f"{name}: {path}", out, due)
            continue
        assert_values(f"{name}: {path}", out, memory.array(due), dtype=dtypes[due.storage])
        if 0 not in due.shape:
            assert_equal(f"{name}: strides of {path}", out.stride(), due.strides)
            places.setdefault(due.storage, set()).add(storage_address(out))
    found = [place for each in places.values() for place in each]
    require(len(found) == len(set(found)) == len(places), f"{name}: {len(places)} storages became {len(set(found))}")


@check("serialization.zip-format")
@given(thing=things())
def test_the_file_holds_the_storages(subject, thing):
    dtypes, model = thing
    storages, made = builder(subject, dtypes)
    content = save(oracle.mapped(model, made))
    read = oracle.read(content)
    assert_equal("the nesting of the file", oracle.skeleton(read), oracle.skeleton(model))
    keys = {}
    for (path, stored), (_, view) in zip(oracle.leaves(read), oracle.leaves(model), strict=True):
        if not isinstance(view, View):
            assert_equal(path, stored, view)
            continue
        raw = host.bits(storages[view.storage])
        require(
            stored.memory.tobytes() == np.ascontiguousarray(raw).tobytes(), f"the storage of {path} has other bytes"
        )
        assert_equal(
            f"the layout of {path}",
            (stored.shape, stored.strides, stored.offset),
            (view.shape, view.strides, view.offset),
        )
        keys.setdefault(view.storage, set()).add(stored.key)
    require(all(len(each) == 1 for each in keys.values()), "a storage was written more than once")
    count = sum(name.startswith("data/") for name in oracle.records(content))
    assert_equal("records of storages", count, len(keys))

"""Loaders, samplers and datasets of random sizes, against the plain loop."""

from __future__ import annotations

import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.utils import data

from conformance.check import check, must_answer
from conformance.oracle import data as oracle
from conformance.tables.data_samples import Mixed, Sized, Squares, assert_batch, assert_is, flat, mixed, plain

pytestmark = must_answer

LENGTHS = st.integers(0, 40)
SIZES = st.sampled_from([1, 2, 3, 4, 7, 16, 64])


@check("data.dataloader-any")
@given(
    length=LENGTHS, size=st.one_of(st.none(), SIZES), drop=st.booleans(), shuffle=st.booleans(), seed=st.integers(0, 99)
)
@example(length=12, size=4, drop=True, shuffle=False, seed=0)
@example(length=13, size=4, drop=True, shuffle=True, seed=1)
@example(length=3, size=7, drop=True, shuffle=False, seed=2)
def test_any_loader_is_the_plain_loop(subject, length, size, drop, shuffle, seed):
    drop, shuffle = drop and size is not None, shuffle and length > 0
    own = Squares(length)
    generator = torch.Generator().manual_seed(seed)
    loader = data.DataLoader(own, size, shuffle, drop_last=drop, generator=generator)
    for _ in range(2):
        own.asked.clear()
        found = flat(loader)
        if shuffle:
            assert_is("the indices", sorted(own.asked) if not drop else sorted({*own.asked}), sorted(own.asked))
        indices = own.asked if shuffle else list(range(length))
        if size is None:
            assert_is("the samples", found, [i * i for i in indices])
        else:
            due = oracle.batches(indices, size, drop)
            assert_is("the batches", found, [[i * i for i in batch] for batch in due])
        assert_is("len(loader)", len(loader), oracle.count(length, size, drop))
        if not drop:
            assert_is("all indices", sorted(own.asked), list(range(length)))


@check("data.dataloader-any")
@settings(max_examples=max(2, settings.default.max_examples // 8))
@given(length=st.integers(0, 9), size=st.integers(1, 4), drop=st.booleans(), workers=st.integers(1, 3))
def test_any_loader_with_workers_is_the_plain_loop(subject, length, size, drop, workers):
    loader = data.DataLoader(Mixed(length), size, drop_last=drop, num_workers=workers)
    cut = oracle.batches(range(length), size, drop)
    found = list(loader)
    assert_is("number of batches", (len(found), len(loader)), (len(cut), len(cut)))
    for indices, batch in zip(cut, found, strict=True):
        assert_batch(f"the batch of {indices}", batch, mixed(indices))


@check("data.concatdataset")
@given(lengths=st.lists(st.integers(0, 6), min_size=1, max_size=5))
@example(lengths=[0, 3, 0])
def test_any_concatenation(subject, lengths):
    lists = [[(place, item) for item in range(length)] for place, length in enumerate(lengths)]
    made = data.ConcatDataset(lists)
    assert_is("length", len(made), sum(lengths))
    for index in range(sum(lengths)):
        assert_is(f"item {index}", made[index], oracle.concatenated(lists, index))


@check("data.concatdataset-negative")
@given(lengths=st.lists(st.integers(0, 6), min_size=1, max_size=5))
@example(lengths=[2, 0])
def test_any_concatenation_from_its_end(subject, lengths):
    lists = [[(place, item) for item in range(length)] for place, length in enumerate(lengths)]
    made = data.ConcatDataset(lists)
    for index in range(-sum(lengths), 0):
        assert_is(f"item {index}", made[index], oracle.concatenated(lists, index))


@check("data.batchsampler")
@given(indices=st.lists(st.integers(-5, 99), max_size=30), size=SIZES, drop=st.booleans())
@example(indices=[0, 1, 2, 3, 4], size=2, drop=True)
def test_any_batch_sampler(subject, indices, size, drop):
    sampler = data.BatchSampler(indices, size, drop)
    due = oracle.batches(indices, size, drop)
    assert_is("batches, again, length", (list(sampler), list(sampler), len(sampler)), (due, due, len(due)))


@check("data.distributedsampler")
@given(
    length=st.integers(1, 40),
    ranks=st.integers(1, 6),
    drop=st.booleans(),
    shuffle=st.booleans(),
    seed=st.integers(0, 9),
)
@example(length=1, ranks=5, drop=False, shuffle=True, seed=3)
def test_any_distributed_sampler(subject, length, ranks, drop, shuffle, seed):
    drop = drop and length >= ranks
    parts = [
        list(data.DistributedSampler(Squares(length), ranks, rank, shuffle=shuffle, drop_last=drop, seed=seed))
        for rank in range(ranks)
    ]
    whole = oracle.in_turn(parts)
    if shuffle:
        assert_is("the first of all ranks", sorted(whole[:length]), sorted({*whole[:length]}))
        order = whole[:length]
    else:
        order = list(range(length))
    if not drop:
        assert_is("all indices", sorted(order), list(range(length)))
    if not (drop and shuffle):
        assert_is("what the ranks get", parts, [oracle.dealt(order, rank, ranks, drop) for rank in range(ranks)])


@check("data.random-split")
@given(
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=5).filter(lambda x: sum(x) != 1), seed=st.integers(0, 99)
)
@example(lengths=[3, 0, 2], seed=1)
def test_any_split(subject, lengths, seed):
    own = range(100, 100 + sum(lengths))
    made = data.random_split(own, lengths, torch.Generator().manual_seed(seed))
    assert_is("lengths", [len(part) for part in made], lengths)
    found = [part[place] for part in made for place in range(len(part))]
    assert_is("all items", sorted(found), list(own))


@check("data.iterabledataset")
@given(length=LENGTHS, size=st.one_of(st.none(), SIZES), drop=st.booleans())
def test_any_stream(subject, length, size, drop):
    drop = drop and size is not None
    loader = data.DataLoader(Sized(length), size, drop_last=drop)
    due = list(range(length)) if size is None else oracle.batches(range(length), size, drop)
    for _ in range(2):
        assert_is("the batches", plain(list(loader)), due)
    assert_is("len(loader)", len(loader), oracle.count(length, size, drop))


LEAVES = st.one_of(
    st.integers(-9, 9).map(lambda x: ("int", x)), st.just(("float", 0.5)), st.just(("str", "a")), st.just(("array", 2))
)
SHAPES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3), st.dictionaries(st.sampled_from("xyz"), inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)


def made(shape, turn):
    """Sample number `turn` of that shape."""
    import numpy as np

    if isinstance(shape, dict):
        return {key: made(value, turn) for key, value in shape.items()}
    if isinstance(shape, list):
        return [made(value, turn) for value in shape]
    kind, base = shape
    if kind == "array":
        return np.arange(turn, turn + base, dtype=np.float32)
    return f"{base}{turn}" if kind == "str" else base + turn


@check("data.collate-nested")
@given(shape=SHAPES, count=st.integers(1, 4))
@example(shape={"x": [("int", 1), {"y": ("array", 2)}]}, count=3)
def test_any_nested_sample(subject, shape, count):
    samples = [made(shape, turn) for turn in range(count)]
    assert_batch("the batch", data.default_collate(samples), oracle.collated(samples))

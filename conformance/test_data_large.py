"""Long datasets, endless samplers and streams, pickled datasets, and how often an item is asked for, by example."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils import data

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import data as oracle
from conformance.tables.data_samples import Point, Squares, Stream, assert_is, flat, plain

pytestmark = must_answer

LONG = 3001


# -- long ones ---------------------------------------------------------------------------------------------------------


@check("data.sequentialsampler")
def test_a_long_dataset_in_order(subject):
    assert_is("indices", list(data.SequentialSampler(range(LONG))), list(range(LONG)))
    batches = list(data.BatchSampler(data.SequentialSampler(range(LONG)), 1024, False))
    assert_is("batches", batches, oracle.batches(range(LONG), 1024))


@check("data.randomsampler")
def test_a_long_dataset_in_random_order(subject):
    for length in (1001, LONG):
        sampler = data.RandomSampler(range(length))
        for _ in range(2):
            assert_is("indices, sorted", sorted(sampler), list(range(length)))


@check("data.subsetrandomsampler")
def test_many_given_indices(subject):
    items = list(range(7 * LONG, 0, -7))
    assert_is("indices, sorted", sorted(data.SubsetRandomSampler(items)), items[::-1])


@check("data.random-split")
def test_a_long_dataset_split(subject):
    for lengths in ([1000, LONG - 1000], [1500, 1, 1500], [0.5, 0.25, 0.25]):
        found = [i for part in data.random_split(range(LONG), lengths) for i in part.indices]
        assert_is(f"all indices, split by {lengths}", sorted(found), list(range(LONG)))
    whole = data.random_split(range(LONG), [LONG])[0]
    require(whole.indices != list(range(LONG)), "nothing is shuffled")
    own = Squares(9)
    for part in [*data.random_split(own, [4, 5]), *data.random_split(own, [0.5, 0.5])]:
        require(type(part) is data.Subset and part.dataset is own, "a part is no Subset of the dataset itself")


@check("data.distributedsampler")
def test_many_samples_for_several_ranks(subject):
    for length, ranks in ((LONG, 4), (2048, 8)):
        for drop in (False, True):
            for rank in range(ranks):
                sampler = data.DistributedSampler(range(length), ranks, rank, shuffle=False, drop_last=drop)
                due = oracle.dealt(range(length), rank, ranks, drop)
                assert_is(f"rank {rank} of {ranks}", list(sampler), due)
                sizes = (sampler.num_samples, sampler.total_size, sampler.num_replicas, sampler.rank)
                assert_is(
                    "num_samples, total_size, num_replicas, rank", sizes, (len(due), len(due) * ranks, ranks, rank)
                )


@check("data.distributedsampler-shuffle")
def test_many_samples_shuffled_for_several_ranks(subject):
    parts = [list(data.DistributedSampler(range(LONG + 3), 4, rank)) for rank in range(4)]
    assert_is("all ranks", sorted(i for part in parts for i in part), list(range(LONG + 3)))
    for epoch in (1, 5, 100):
        samplers = [data.DistributedSampler(range(8), 2, rank, seed=3) for rank in (0, 1, 0)]
        for sampler in samplers:
            sampler.set_epoch(epoch)
        found = [list(sampler) for sampler in samplers]
        assert_is(f"epoch {epoch}, rank 0 made anew", found[2], found[0])
        assert_is(f"epoch {epoch}, both ranks", sorted(found[0] + found[1]), list(range(8)))


# -- endless ones ------------------------------------------------------------------------------------------------------


class Counting:
    """0, 1, 2, … without end; counts how far it has been read."""

    def __init__(self) -> None:
        self.read = 0

    def __iter__(self) -> Iterator[int]:
        for index in itertools.count():
            self.read += 1
            yield index


class Endless(data.IterableDataset):
    """The same as a dataset."""

    def __init__(self) -> None:
        self.counting = Counting()

    def __iter__(self) -> Iterator[int]:
        return iter(self.counting)


@check("data.dataloader-lazy")
def test_no_more_is_read_than_a_batch_needs(subject):
    sampler, stream = Counting(), Endless()
    for drop in (False, True):
        for text, loader, counting in (
            ("a BatchSampler", data.BatchSampler(sampler, 3, drop), sampler),
            ("a loader with a sampler", data.DataLoader(range(99), 3, sampler=sampler, drop_last=drop), sampler),
            ("a loader of a stream", data.DataLoader(stream, 3, drop_last=drop), stream.counting),
        ):
            counting.read = 0
            iterator = iter(loader)
            for turn in range(4):
                assert_is(f"batch {turn} of {text}", plain(next(iterator)), [3 * turn, 3 * turn + 1, 3 * turn + 2])
                assert_is(f"how far {text} has read after batch {turn}", counting.read, 3 * turn + 3)
    own = Squares(30)
    iterator = iter(data.DataLoader(own, 4))
    require(not own.asked, "a loader reads before the first batch is asked for")
    for turn in range(3):
        next(iterator)
        assert_is("what the dataset was asked for", own.asked, list(range(4 * turn + 4)))


# -- items -------------------------------------------------------------------------------------------------------------


@check("data.items-once")
def test_an_item_is_asked_for_once_and_handed_on_as_it_is(subject):
    own, objects = Squares(9), [object() for _ in range(9)]
    for text, make in (
        ("Subset", lambda given: data.Subset(given, range(9))),
        ("ConcatDataset", lambda given: data.ConcatDataset([[], given])),
        ("random_split", lambda given: data.random_split(given, [9])[0]),
    ):
        made = make(own)
        for index in (4, 0, 8, -1):
            own.asked.clear()
            made[index]
            assert_is(f"how often {text} asks for an item", len(own.asked), 1)
            found = make(objects)[index]
            require(any(found is each for each in objects), f"an item of {text} is another object than the dataset's")
    stacked = data.StackDataset(own, objects) if hasattr(data, "StackDataset") else None
    if stacked is not None:
        own.asked.clear()
        require(stacked[3][1] is objects[3], "an item of StackDataset is another object than the dataset's")
        assert_is("how often StackDataset asks for an item", own.asked, [3])
    x = torch.arange(6.0, device=subject.device).reshape(3, 2)
    tensors = data.TensorDataset(x)
    for text, made in (("Subset", data.Subset(tensors, [2, 1])), ("ConcatDataset", tensors + tensors)):
        require(made[1][0].data_ptr() == x[1].data_ptr(), f"an item of {text} is no view of the tensor")


@check("data.subset")
def test_negative_places_of_a_subset(subject):
    chosen = [40, 3, 17, 8, 22, 5]
    made = data.Subset(range(100), chosen)
    assert_is("items from the end", [made[place] for place in range(-6, 0)], chosen)
    assert_raises("an item beyond the beginning", IndexError, lambda: made[-7])


@check("data.collate-tensors", since="2.0")
def test_conjugate_and_negative_views_are_collated_by_value(subject):
    z = torch.tensor([1 + 2j, -3 - 4j, 0.5j], device=subject.device)
    due = np.array([1 - 2j, -3 + 4j, -0.5j], np.complex64)
    assert_values("of conjugates", data.default_collate([z.conj(), z.conj()]), np.stack([due, due]))
    assert_values("of a conjugate and another", data.default_collate([z, z.conj()]), np.stack([due.conj(), due]))
    imaginary = z.conj().imag  # a negative view
    assert_values("of negative views", data.default_collate([imaginary, imaginary]), np.stack([due.imag, due.imag]))


@check("data.collate-ragged")
def test_an_empty_batch_is_refused(subject):
    assert_raises("default_collate([])", (IndexError, RuntimeError), lambda: data.default_collate([]))


# -- pickles -----------------------------------------------------------------------------------------------------------


def again(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


@check("data.pickled")
def test_pickled_datasets_have_the_same_items(subject):
    x, y = torch.arange(8.0).reshape(4, 2), torch.arange(4)
    tensors = data.TensorDataset(x, y)
    kinds = [tensors, data.Subset(tensors, [3, 0, 2]), data.ConcatDataset([tensors, data.Subset(tensors, [1])])]
    kinds += data.random_split(tensors, [3, 1])
    kinds += [data.StackDataset(x=tensors, y=y)] if hasattr(data, "StackDataset") else []
    for made in kinds:
        found, name = again(made), type(made).__name__
        require(type(found) is type(made), f"a {name} becomes a {type(found).__name__}")
        assert_is(f"length of a {name}", len(found), len(made))
        due = [plain(made[place]) for place in range(len(made))]
        assert_is(f"items of a {name}", [plain(found[place]) for place in range(len(found))], due)
    chain = again(data.ChainDataset([Stream(2), Stream(3)]))
    assert_is("items of a ChainDataset", list(chain), [0, 1, 0, 1, 2])


@check("data.pickled")
def test_pickled_samplers_and_loaders_do_the_same(subject):
    own, last = range(20), data.DistributedSampler(range(20), 3, 1, seed=4, drop_last=True)
    last.set_epoch(7)
    for made in (
        data.SequentialSampler(own),
        data.RandomSampler(own),
        data.RandomSampler(own, num_samples=7),
        data.RandomSampler(own, True, 33),
        data.SubsetRandomSampler([5, 3, 8]),
        data.WeightedRandomSampler([1.0, 0.0, 3.0], 15),
        data.WeightedRandomSampler([1.0, 2.0, 3.0], 2, replacement=False),
        data.BatchSampler(data.RandomSampler(own), 3, True),
        last,
    ):
        found = again(made)
        assert_is(f"length of a {type(made).__name__}", len(found), len(made))
        assert_is(f"indices of a {type(made).__name__}", _seeded(found), _seeded(made))
    loader = again(data.DataLoader([Point(k, str(k)) for k in range(7)], 3, shuffle=True, drop_last=True))
    assert_is("length and sizes of a loader's batches", (len(loader), [len(b.x) for b in loader]), (2, [3, 3]))
    assert_is("the batches in order", flat(again(data.DataLoader(range(5), 2))), [[0, 1], [2, 3], [4]])


def _seeded(sampler: Any) -> list[Any]:
    torch.manual_seed(11)
    return list(sampler)

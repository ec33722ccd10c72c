"""Iterable-style datasets through a DataLoader, by example."""

from __future__ import annotations

import torch
from torch.utils import data

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.oracle import data as oracle
from conformance.tables.data_samples import Divided, Sized, Stream, assert_is, divide, flat

pytestmark = must_answer


@check("data.iterabledataset")
def test_a_stream_is_cut_into_batches(subject):
    for length in (0, 1, 2, 5, 6, 7, 17):
        for size in (1, 2, 3, 20):
            for drop in (False, True):
                loader = data.DataLoader(Stream(length), size, drop_last=drop)
                due = oracle.batches(range(length), size, drop)
                for _ in range(2):
                    assert_is(f"batches of {size} out of {length}, drop_last={drop}", flat(loader), due)
        assert_is("without batching", list(data.DataLoader(Stream(length), None)), list(range(length)))
    loader = data.DataLoader(Stream(5), 2)
    iterator = iter(loader)
    next(iterator)
    assert_is("another iteration meanwhile", flat(loader), [[0, 1], [2, 3], [4]])
    assert_is("the first one goes on", flat(iterator), [[2, 3], [4]])
    made = data.DataLoader(Stream(4), 3, collate_fn=list)
    assert_is("with a collate_fn", list(made), [[0, 1, 2], [3]])
    require(issubclass(data.IterableDataset, data.Dataset), "IterableDataset is no Dataset")
    assert_is("in one worker", flat(data.DataLoader(Stream(5), 2, num_workers=1)), [[0, 1], [2, 3], [4]])


@check("data.iterabledataset-workers-repeat")
def test_each_worker_yields_the_whole_stream(subject):
    for workers, size, drop in ((2, 2, False), (2, None, False), (3, 2, True)):
        loader = data.DataLoader(Stream(5), size, num_workers=workers, drop_last=drop)
        found = flat(loader)
        stream = list(range(5)) if size is None else oracle.batches(range(5), size, drop)
        assert_is(f"what {workers} workers yield", found, oracle.in_turn([stream] * workers))


@check("data.iterabledataset-split")
def test_workers_can_divide_a_stream(subject):
    for workers, cases in ((0, ((7, 2), (8, None))), (1, ((5, 2),)), (2, ((7, 2), (8, None))), (3, ((8, 2), (1, 2)))):
        for length, size in cases:
            streams = [list(range(number, length, workers or 1)) for number in range(workers or 1)]
            due = oracle.in_turn(streams if size is None else [oracle.batches(s, size) for s in streams])
            found = flat(data.DataLoader(Divided(length), size, num_workers=workers))
            assert_is(f"{length} divided among {workers} workers", found, due)
            samples = found if size is None else [value for batch in found for value in batch]
            assert_is("every sample", sorted(samples), list(range(length)))
    loader = data.DataLoader(Divided(5), 2, num_workers=2, persistent_workers=True)
    assert_is("two epochs of persistent workers", [flat(loader), flat(loader)], [[[0, 2], [1, 3], [4]]] * 2)
    own = Stream(7)
    found = flat(data.DataLoader(own, 2, num_workers=2, worker_init_fn=divide))
    assert_is("divided by worker_init_fn", found, [[0, 2], [1, 3], [4, 6], [5]])
    assert_is("the stream of the main process", (own.first, own.step), (0, 1))


@check("data.iterabledataset-refuses")
def test_streams_have_no_order_to_choose(subject):
    refused = [
        {"shuffle": True},
        {"sampler": [0]},
        {"sampler": data.SequentialSampler(range(3))},
        {"batch_sampler": [[0]]},
    ]
    for options in refused:
        for stream in (Stream(3), Sized(3), data.ChainDataset([Stream(3)])):
            assert_raises(
                f"DataLoader of a stream with {options}", ValueError, lambda: data.DataLoader(stream, **options)
            )
    for options in ({"shuffle": False}, {"shuffle": None}, {"generator": torch.Generator()}):
        assert_is(f"with {options}", flat(data.DataLoader(Sized(3), 2, **options)), [[0, 1], [2]])


@check("data.iterabledataset-length")
def test_the_length_comes_from_the_stream(subject):
    for length in (0, 1, 5, 6, 7):
        for size in (1, 2, 3, None):
            for drop in (False, True) if size else (False,):
                loader = data.DataLoader(Sized(length), size, drop_last=drop)
                call = f"len(loader) of {length} with batch_size={size}, drop_last={drop}"
                assert_is(call, len(loader), oracle.count(length, size, drop))
                assert_is(f"{call}, counted", len(list(loader)), oracle.count(length, size, drop))
    assert_is("with workers", len(data.DataLoader(Sized(7), 2, num_workers=2)), 4)
    assert_raises("len(loader) of a stream without length", TypeError, lambda: len(data.DataLoader(Stream(5), 2)))

"""DataLoader with workers, by example. Workers are slow to start, so datasets are tiny."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from torch.utils import data

from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import data as oracle
from conformance.tables.data_samples import (
    Mixed,
    Pairs,
    Places,
    Point,
    Squares,
    Uneven,
    assert_batch,
    assert_is,
    children,
    first_is_slow,
    flat,
    mixed,
    patience,
    plain,
)

pytestmark = must_answer


def places(length, workers, **options):
    """The samples of one epoch of `Places`: (index, process, worker, how many it has fetched, its threads)."""
    loader = data.DataLoader(Places(length), batch_size=1, num_workers=workers, **options)
    return [tuple(value.item() for value in batch) for batch in loader]


# -- who fetches -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 1, 2, 4])
@check("data.workers-are-subprocesses")
def test_so_many_processes_fetch(subject, workers):
    own = Places(8)
    loader = data.DataLoader(own, num_workers=workers)
    found = [tuple(value.item() for value in batch) for batch in loader]
    pids = {process for _, process, *_ in found}
    if workers == 0:
        assert_is("the fetching process", pids, {os.getpid()})
        assert_is("the default", data.DataLoader(own).num_workers, 0)
        assert_is("calls in the main process", own.count, 8)
        return
    assert_is("number of fetching processes", len(pids), workers)
    require(os.getpid() not in pids, "the main process fetches")
    assert_is("calls in the main process", own.count, 0)
    assert_is("numbers of the workers", {worker for _, _, worker, *_ in found}, set(range(workers)))


@check("data.workers-are-threads")
def test_workers_are_processes_with_copies(subject):
    own = Places(6)
    for _ in range(2):
        loader = data.DataLoader(own, num_workers=2)
        found = [tuple(value.item() for value in batch) for batch in loader]
        pids = {process for _, process, *_ in found}
        require(len(pids) == 2 and os.getpid() not in pids, f"the fetching processes are {pids}, ours is {os.getpid()}")
        assert_is("what each worker has counted", sorted(count for *_, count, _ in found), [1, 1, 2, 2, 3, 3])
        assert_is("what the main process has counted", own.count, 0)
        own.count = 0
    own.count = 10
    found = [tuple(value.item() for value in batch) for batch in data.DataLoader(own, num_workers=1)]
    assert_is("what a worker counts on from", [count for *_, count, _ in found], [11, 12, 13, 14, 15, 16])
    assert_is("what the main process has counted", own.count, 10)


@check("data.worker-threads")
def test_a_worker_has_one_thread(subject):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert_is("threads of the workers", {threads for *_, threads in places(4, 2)}, {1})
        assert_is("threads of the main process afterwards", torch.get_num_threads(), 3)
    finally:
        torch.set_num_threads(before)


@check("data.workers-end")
def test_no_worker_is_left(subject):
    before = children()
    loader = data.DataLoader(Squares(40), 2, num_workers=2)
    list(loader)
    with patience(20) as until:
        require(until(lambda: children() <= before), "a worker is left after an epoch")
    iterator = iter(loader)
    next(iterator)
    require(len(children() - before) == 2, "the workers are no children of this process")
    del iterator
    with patience(20) as until:
        require(until(lambda: children() <= before), "a worker is left after a break")


@check("data.persistent-workers")
def test_workers_stay_if_they_should(subject):
    for persistent in (True, False):
        loader = data.DataLoader(Places(6), num_workers=2, persistent_workers=persistent)
        epochs = []
        for _ in range(3):
            found = [tuple(value.item() for value in batch) for batch in loader]
            assert_is("the indices of an epoch", [index for index, *_ in found], list(range(6)))
            epochs.append(found)
        pids = [{process for _, process, *_ in found} for found in epochs]
        counts = [max(count for *_, count, _ in found) for found in epochs]
        if persistent:
            require(pids[0] == pids[1] == pids[2], f"the processes of three epochs are {pids}")
            assert_is("what a worker has counted after each epoch", counts, [3, 6, 9])
        else:
            require(not pids[0] & pids[1], f"the processes of two epochs are {pids}")
            assert_is("what a worker has counted after each epoch", counts, [3, 3, 3])
    shuffled = data.DataLoader(range(30), 4, shuffle=True, num_workers=1, persistent_workers=True)
    orders = [[value for batch in shuffled for value in plain(batch)] for _ in range(2)]
    assert_is("the samples, sorted", [sorted(order) for order in orders], [list(range(30))] * 2)
    require(orders[0] != orders[1], "the second epoch repeats the order of the first")
    for batch in shuffled:
        require(len(batch) == 4, "a batch has another size")
        break
    assert_is("an epoch after a break", sorted(value for batch in shuffled for value in plain(batch)), list(range(30)))


# -- the same batches in the same order --------------------------------------------------------------------------------


@check("data.workers-same-batches")
def test_any_number_of_workers_delivers_the_same(subject):
    for workers, size, drop in ((0, 2, False), (1, 2, False), (2, 3, True), (2, 1, False), (4, 2, False)):
        loader = data.DataLoader(Mixed(7), size, num_workers=workers, drop_last=drop)
        cut = oracle.batches(range(7), size, drop)
        found = list(loader)
        assert_is(f"number of batches with {workers} workers", len(found), len(cut))
        for indices, batch in zip(cut, found, strict=True):
            assert_batch(f"the batch of {indices} with {workers} workers", batch, mixed(indices))
            require(type(batch["point"]) is Point and type(batch["more"]) is list, "a container has changed")


@check("data.workers-same-batches")
def test_workers_deliver_tensors_of_any_kind(subject):
    assert_is("more workers than batches", flat(data.DataLoader(Squares(3), 2, num_workers=4)), [[0, 1], [4]])
    x = torch.arange(24.0).reshape(4, 6)
    samples = [x[0], x[:, 1], x.t()[2:4], x[:0], x[0, 0], x.bool(), x.to(torch.bfloat16), x.to(torch.complex64)]
    samples += [torch.arange(40000), "text", None, {"a": x[1]}, (1, [x[2]])]
    found = list(data.DataLoader(samples, None, num_workers=2))
    for out, due in zip(found[:9], samples[:9], strict=True):
        require(out.dtype == due.dtype and out.shape == due.shape, f"{due.dtype} becomes {out.dtype} of {out.shape}")
        assert_is("the values", plain(out), plain(due))
    assert_is("the others", plain(found[9:]), plain(samples[9:]))
    assert_is("with shuffle, one seed", *[_shuffled(workers) for workers in (0, 2)])


def _shuffled(workers):
    generator = torch.Generator().manual_seed(5)
    return flat(data.DataLoader(range(20), 3, shuffle=True, num_workers=workers, generator=generator))


@check("data.order-with-one-worker")
def test_one_worker_fetches_in_order(subject):
    for sampler in (None, [3, 0, 5, 5, 1]):
        indices = sampler or list(range(6))
        found = places(6, 1, sampler=sampler)
        assert_is("the indices in order of arrival", [index for index, *_ in found], indices)
        assert_is("the order of the calls", [count for *_, count, _ in found], list(range(1, len(indices) + 1)))
        require(os.getpid() not in {process for _, process, *_ in found}, "the one worker is the main process")
    assert_is("the same with batches", flat(data.DataLoader(Squares(5), 2, num_workers=1)), [[0, 1], [4, 9], [16]])


@check("data.order-with-several-workers")
def test_batches_arrive_in_order_though_some_take_longer(subject):
    for workers, size in ((2, 1), (4, 1), (2, 3)):
        loader = data.DataLoader(Uneven(9, first_is_slow), size, num_workers=workers)
        assert_is(f"the batches of {workers} workers", flat(loader), oracle.batches(range(9), size))
    order = [7, 0, 3, 0, 8, 1]
    loader = data.DataLoader(Uneven(9, first_is_slow), 1, sampler=order, num_workers=2)
    assert_is("the batches in the order of a sampler", flat(loader), [[index] for index in order])


@check("data.workers-in-order-false")
def test_out_of_order_every_batch_arrives_once(subject):
    for workers in (0, 1, 2):
        loader = data.DataLoader(Uneven(9, first_is_slow), 2, num_workers=workers, in_order=False)
        for _ in range(2):
            found = flat(loader)
            assert_is(f"the batches of {workers} workers, sorted", sorted(found), oracle.batches(range(9), 2))
            if workers < 2:
                assert_is(f"the batches of {workers} workers", found, oracle.batches(range(9), 2))


@check("data.worker-batches-are-new")
def test_batches_of_workers_last(subject):
    loader = data.DataLoader(Pairs(12), 2, num_workers=2)
    found = list(loader)
    del loader
    for place, (features, labels) in enumerate(found):
        index = np.array([2 * place, 2 * place + 1])
        assert_values("features", features, np.stack([index, index + 0.5, -index], 1).astype(np.float32))
        features.fill_(-7)
        labels += 1
    for place, (features, labels) in enumerate(found):
        assert_values("features after writes", features, np.full((2, 3), -7, np.float32))
        assert_values("labels after writes", labels, 2 * np.array([2 * place, 2 * place + 1]) + 1)
    x = torch.zeros(4, 2)
    for batch in data.DataLoader(x, 2, num_workers=1):
        batch.fill_(3)
    assert_values("the dataset after writes to its batches", x, np.zeros((4, 2)))


@check("data.prefetch-factor")
def test_so_many_batches_are_fetched_ahead(subject):
    for workers, factor, due in ((1, 3, 3), (2, 2, 4), (2, None, 4)):
        asked = []
        lists = _Asked(asked, 12)
        options = {} if factor is None else {"prefetch_factor": factor}
        iterator = iter(data.DataLoader(Squares(12), batch_sampler=lists, num_workers=workers, **options))
        call = f"batches asked for with {workers} workers and prefetch_factor={factor}"
        assert_is(call, len(asked), due)
        for turn in range(1, 4):
            next(iterator)
            assert_is(f"{call}, after {turn}", len(asked), due + turn)
        assert_is("the rest", len(list(iterator)), 9)
        assert_is("all of them", asked, list(range(12)))


class _Asked:
    """Batches of one index; writes down how far it has been read."""

    def __init__(self, asked, length):
        self.asked, self.length = asked, length

    def __len__(self):
        return self.length

    def __iter__(self):
        for index in range(self.length):
            self.asked.append(index)
            yield [index]

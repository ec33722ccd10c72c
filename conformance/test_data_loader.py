"""DataLoader without workers, by example: batches, order, length, arguments."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils import data

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import data as oracle
from conformance.tables.data_samples import (
    Mixed,
    OneByOne,
    Pairs,
    Point,
    Squares,
    assert_batch,
    assert_is,
    flat,
    mixed,
    plain,
)

pytestmark = must_answer


@check("data.dataloader-batches")
def test_samples_become_batches(subject):
    for length in (1, 2, 5, 6, 7, 17, 33):
        for size in (1, 2, 3, 5, 16, 40):
            found = list(data.DataLoader(Pairs(length), batch_size=size))
            cut = oracle.batches(range(length), size)
            assert_is(f"number of batches of {size} out of {length}", len(found), len(cut))
            for indices, batch in zip(cut, found, strict=True):
                index = np.array(indices)
                due = np.stack([index, index + 0.5, -index], 1).astype(np.float32)
                assert_batch(f"the batch of {indices}", batch, [due, 2 * index])
                require(type(batch) is list, f"a batch of pairs is a {type(batch).__name__}")
    assert_is("batches by default", flat(data.DataLoader(Squares(3))), [[0], [1], [4]])
    assert_is("batch_size by default", data.DataLoader(Squares(3)).batch_size, 1)
    assert_is("batch_size as the second argument", flat(data.DataLoader(Squares(3), 2)), [[0, 1], [4]])


@check("data.dataloader-batches")
def test_samples_of_every_kind_become_batches(subject):
    for length, size in ((5, 2), (3, 3), (4, 10)):
        for indices, batch in zip(
            oracle.batches(range(length), size), data.DataLoader(Mixed(length), size), strict=True
        ):
            assert_batch(f"the batch of {indices}", batch, mixed(indices))
            require(type(batch["point"]) is Point, f"a namedtuple becomes a {type(batch['point']).__name__}")


@check("data.dataloader-length")
def test_the_length_is_the_number_of_batches(subject):
    for length in (0, 1, 2, 5, 6, 7, 17):
        for size in (1, 2, 3, 6, 20, None):
            for drop in (False, True):
                if size is None and drop:
                    continue
                loader = data.DataLoader(Squares(length), size, drop_last=drop)
                due = oracle.count(length, size, drop)
                call = f"len(DataLoader) of {length} with batch_size={size}, drop_last={drop}"
                assert_is(call, len(loader), due)
                assert_is(f"{call}, counted", len(list(loader)), due)
                assert_is(f"{call}, afterwards", len(loader), due)
    assert_is("with a sampler", len(data.DataLoader(Squares(9), 2, sampler=[1, 2, 3])), 2)
    assert_is("with a batch sampler", len(data.DataLoader(Squares(9), batch_sampler=[[1], [2, 3], [4], []])), 4)
    assert_is("with shuffle", len(data.DataLoader(Squares(9), 2, shuffle=True, drop_last=True)), 4)


@check("data.dataloader-drop-last")
def test_an_incomplete_batch_is_left_out(subject):
    for length in (0, 1, 3, 4, 6, 7, 17):
        for size in (1, 2, 3, 4, 20):
            for drop in (False, True):
                own = Squares(length)
                found = flat(data.DataLoader(own, size, drop_last=drop))
                due = [[i * i for i in batch] for batch in oracle.batches(range(length), size, drop)]
                assert_is(f"batches of {size} out of {length}, drop_last={drop}", found, due)
    sizes = [len(batch) for batch in data.DataLoader(Squares(10), 4, shuffle=True, drop_last=True)]
    assert_is("sizes with shuffle", sizes, [4, 4])
    require(data.DataLoader(Squares(1)).drop_last is False, "drop_last is not False by default")


@check("data.dataloader-order")
def test_the_given_order_is_kept(subject):
    for length in (1, 7, 40):
        for options in ({}, {"shuffle": False}, {"shuffle": None}, {"batch_size": 4}, {"batch_size": None}):
            own = Squares(length)
            loader = data.DataLoader(own, **options)
            for _ in range(3):
                own.asked.clear()
                list(loader)
                assert_is(f"the order of the calls with {options}", own.asked, list(range(length)))


def orders(loader, epochs=1):
    """The samples of so many epochs, each in a row."""
    return [[value for batch in loader for value in plain(batch)] for _ in range(epochs)]


@check("data.dataloader-shuffles")
def test_shuffling_gives_another_order_each_epoch(subject):
    for length, size in ((40, 1), (40, 7), (33, 64)):
        loader = data.DataLoader(range(length), size, shuffle=True)
        found = orders(loader, 4)
        for order in found:
            assert_is("the samples of an epoch, sorted", sorted(order), list(range(length)))
        require(len({tuple(order) for order in found}) == 4, "two epochs have one order")
        require(list(range(length)) not in found, "an epoch has the given order")
        sizes = [len(batch) for batch in loader]
        assert_is("sizes of the batches", sizes, [len(batch) for batch in oracle.batches(range(length), size)])
    require(orders(data.DataLoader(range(40), 4))[0] == list(range(40)), "the loader shuffles by default")
    several = [orders(data.DataLoader(range(40), shuffle=True))[0] for _ in range(3)]
    require(len({tuple(order) for order in several}) == 3, "two loaders have one order")


@check("data.dataloader-shuffles")
def test_shuffling_mixes_the_whole_dataset(subject):
    firsts = [orders(data.DataLoader(range(60), 6, shuffle=True))[0][:6] for _ in range(60)]
    seen = {value for first in firsts for value in first}
    require(len(seen) > 50, f"only {len(seen)} of 60 samples were ever in a first batch")
    order = orders(data.DataLoader(range(2000), 50, shuffle=True))[0]
    moved = np.abs(np.array(order) - np.arange(2000)).mean()
    require(500 < moved < 830, f"samples move by {moved:.0f} places on average, 667 are due")


@check("data.dataloader-generator")
def test_a_seed_repeats_the_order(subject):
    for options in ({}, {"batch_size": 7}, {"batch_size": None}):
        found = []
        for seed, noise in ((1, 5), (1, 6), (2, 5)):
            torch.manual_seed(noise)
            generator = torch.Generator().manual_seed(seed)
            found.append(
                [
                    plain(list(data.DataLoader(range(50), shuffle=True, generator=generator, **options)))
                    for _ in range(2)
                ]
            )
        require(found[0] == found[1] != found[2], f"the order does not follow the generator with {options}")
        require(found[0][0] != found[0][1], "the second epoch repeats the first")
        found = []
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            loader = data.DataLoader(range(50), shuffle=True, **options)
            found.append([plain(list(loader)) for _ in range(2)])
        require(found[0] == found[1] != found[2], f"the order does not follow torch.manual_seed with {options}")


@check("data.dataloader-sampler")
def test_a_sampler_gives_the_order(subject):
    for indices in ([3, 1, 1, 0], [], (5,), range(8, 0, -2), {4: "x", 2: "y"}, data.SequentialSampler(range(3))):
        for size in (1, 3, None):
            loader = data.DataLoader(Squares(9), size, sampler=indices)
            due = [i * i for i in indices]
            for _ in range(2):
                found = flat(loader)
                assert_is("the samples", found if size is None else [i for batch in found for i in batch], due)
            assert_is("length", len(loader), oracle.count(len(indices), size))
            require(loader.sampler is indices, "loader.sampler is another one")
    names = {"a": 1, "b": 2, "c": 3}
    assert_is("by keys", flat(data.DataLoader(names, 2, sampler=["c", "a", "b"])), [[3, 1], [2]])
    dropped = data.DataLoader(Squares(9), 2, sampler=[5, 6, 7], drop_last=True)
    assert_is("with drop_last", (flat(dropped), len(dropped)), ([[25, 36]], 1))


@check("data.dataloader-batch-sampler")
def test_a_batch_sampler_gives_the_batches(subject):
    for lists in ([[3, 1], [1], [0, 2, 4]], [(5, 6)], [], [[0]] * 3):
        loader = data.DataLoader(Squares(9), batch_sampler=lists)
        for _ in range(2):
            assert_is("the batches", flat(loader), [[i * i for i in batch] for batch in lists])
        assert_is("length", len(loader), len(lists))
        require(loader.batch_sampler is lists and loader.batch_size is None, "batch_sampler or batch_size is another")
    with_batches = data.BatchSampler([4, 3, 2], 2, False)
    assert_is("of a BatchSampler", flat(data.DataLoader(Squares(9), batch_sampler=with_batches)), [[16, 9], [4]])
    by_sampler = data.DataLoader(data.TensorDataset(torch.arange(9)), sampler=with_batches, batch_size=None)
    assert_is("lists as indices", [plain(batch[0]) for batch in by_sampler], [[4, 3], [2]])


@check("data.dataloader-batch-size-none")
def test_batching_can_be_switched_off(subject):
    samples = [
        torch.ones(2),
        np.array([1, 2], np.int16),
        np.float32(1.5),
        3,
        2.5,
        "text",
        None,
        (1, np.ones(2)),
        {"a": np.zeros(1)},
    ]
    for workers in (0, 1):
        found = list(data.DataLoader(samples, batch_size=None, num_workers=workers))
        assert_is("number of samples", len(found), len(samples))
        assert_values("the tensor", found[0], np.ones(2), dtype="float32")
        assert_values("the array", found[1], np.array([1, 2]), dtype="int16")
        assert_values("the numpy scalar", found[2], np.float32(1.5), dtype="float32")
        assert_is("the others", found[3:7], [3, 2.5, "text", None])
        require(type(found[3]) is int and type(found[4]) is float, "a number has become something else")
        assert_is("the tuple", plain(found[7]), [1, [1.0, 1.0]])
        assert_values("the array in a dict", found[8]["a"], np.zeros(1))
    require(next(iter(data.DataLoader(samples, None))) is samples[0], "the tensor is another one")
    loader = data.DataLoader(samples, batch_size=None)
    require(loader.batch_size is None and loader.batch_sampler is None and len(loader) == 9, "there is a batch size")


@check("data.dataloader-collate-fn")
def test_collate_fn_makes_the_batches(subject):
    given = []
    loader = data.DataLoader(Squares(5), 2, collate_fn=lambda batch: given.append(batch) or ("made", sum(batch)))
    assert_is("what is delivered", list(loader), [("made", 1), ("made", 13), ("made", 16)])
    assert_is("what collate_fn was given", given, [[0, 1], [4, 9], [16]])
    require(all(type(batch) is list for batch in given), "collate_fn is given no list")
    single = data.DataLoader(Squares(3), None, collate_fn=lambda sample: -sample)
    assert_is("without batching", list(single), [0, -1, -4])
    for workers in (0, 1):
        loader = data.DataLoader(Squares(4), 3, collate_fn=list, num_workers=workers)
        assert_is(f"collate_fn=list, {workers} workers", list(loader), [[0, 1, 4], [9]])
    ragged = data.DataLoader([torch.ones(n) for n in (1, 2)], 2, collate_fn=lambda batch: [len(x) for x in batch])
    assert_is("of tensors that could not be stacked", list(ragged), [[1, 2]])


@check("data.dataloader-getitems")
def test_getitems_fetches_a_whole_batch(subject):
    assert_is("batches", flat(data.DataLoader(OneByOne(), 3)), [[1030, 1031, 1032], [1033, 1034, 1035], [1016]])
    assert_is(
        "with workers",
        flat(data.DataLoader(OneByOne(), 4, num_workers=1)),
        [[1040, 1041, 1042, 1043], [1034, 1035, 1036]],
    )
    assert_is("without batching", flat(data.DataLoader(OneByOne(), None)), list(range(7)))
    assert_is("of a batch sampler", flat(data.DataLoader(OneByOne(), batch_sampler=[[6, 0]])), [[1026, 1020]])


@check("data.dataloader-restarts")
def test_each_iteration_starts_anew(subject):
    loader = data.DataLoader(Squares(5), 2)
    for batch in loader:
        assert_is("the first batch", plain(batch), [0, 1])
        break
    assert_is("an epoch after a break", flat(loader), [[0, 1], [4, 9], [16]])
    one, two = iter(loader), iter(loader)
    found = [plain(next(iterator)) for iterator in (one, two, one, two, one)]
    assert_is("two iterations at a time", found, [[0, 1], [0, 1], [4, 9], [4, 9], [16]])
    assert_raises("next after the end", StopIteration, lambda: next(one))
    assert_raises("next after the end, again", StopIteration, lambda: next(one))
    assert_is("the other one", plain(next(two)), [16])
    require(iter(two) is two, "an iterator of the loader is not its own iterator")
    assert_is("zip of two epochs", len(list(zip(loader, loader, strict=True))), 3)
    seen = [(plain(a), plain(b)) for a in loader for b in loader]
    assert_is("a loop in a loop", len(seen), 9)
    assert_is("the last of it", seen[-1], ([16], [16]))


@check("data.dataloader-follows-dataset")
def test_changes_of_the_dataset_show(subject):
    own = [0, 1, 2]
    loader = data.DataLoader(own, 2)
    assert_is("before", flat(loader), [[0, 1], [2]])
    own[0] = 7
    own.append(3)
    assert_is("afterwards, and the length", (flat(loader), len(loader)), ([[7, 1], [2, 3]], 2))
    iterator = iter(loader)
    next(iterator)
    own[3] = 9
    assert_is("changed during an epoch", plain(next(iterator)), [2, 9])
    require(loader.dataset is own, "loader.dataset is another one")

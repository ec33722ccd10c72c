"""Samplers, by example: which indices, in which order, how often."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch.utils import data

from conformance import effort
from conformance.assertions import assert_raises, require
from conformance.chance import assert_independent, assert_shares
from conformance.check import check, must_answer
from conformance.oracle import data as oracle
from conformance.tables.data_samples import Squares, assert_is

pytestmark = must_answer


def drawn(make, rounds):
    """The orders of so many epochs."""
    return [list(make()) for _ in range(rounds)]


@check("data.sequentialsampler")
def test_indices_in_order(subject):
    for length in (0, 1, 2, 17, 100):
        sampler = data.SequentialSampler(Squares(length))
        for _ in range(2):
            assert_is("indices", list(sampler), list(range(length)))
        assert_is("length", len(sampler), length)
        require(all(type(index) is int for index in sampler), "an index is no int")


@check("data.randomsampler")
def test_every_epoch_is_a_permutation(subject):
    for length in (1, 2, 5, 17, 33, 100):
        sampler = data.RandomSampler(Squares(length))
        assert_is("length", len(sampler), length)
        for order in drawn(lambda: sampler, 3):
            assert_is("indices, sorted", sorted(order), list(range(length)))
            require(all(type(index) is int for index in order), "an index is no int")
    orders = drawn(lambda: sampler, 4)
    require(len({tuple(order) for order in orders}) == 4, "two epochs of 100 have one order")
    require(list(range(100)) not in orders, "an epoch has the given order")


@check("data.randomsampler")
def test_every_permutation_is_equally_likely(subject):
    for length in (2, 4):
        places = {order: place for place, order in enumerate(itertools.permutations(range(length)))}
        sampler = data.RandomSampler(range(length))
        draws = np.array([places[tuple(sampler)] for _ in range(effort.scaled(4000, 1500))])
        assert_shares(f"permutations of {length}", draws, 0, np.full(len(places), 1 / len(places)))


@check("data.randomsampler-num-samples")
def test_a_number_of_samples_without_replacement(subject):
    for length, number in ((5, 2), (5, 5), (5, 7), (5, 13), (1, 4), (40, 39), (3, 100)):
        sampler = data.RandomSampler(range(length), num_samples=number)
        assert_is("length, num_samples", (len(sampler), sampler.num_samples), (number, number))
        for order in drawn(lambda: sampler, 2):
            assert_is("number of indices", len(order), number)
            for start in range(0, number, length):
                part = order[start : start + length]
                require(len(set(part)) == len(part) and set(part) <= set(range(length)), f"{part} repeats an index")
    first = [next(iter(data.RandomSampler(range(6), num_samples=2))) for _ in range(effort.scaled(3000, 1000))]
    assert_shares("the first of two out of six", np.array(first), 0, np.full(6, 1 / 6))


@check("data.randomsampler-replacement")
def test_draws_with_replacement_are_independent(subject):
    number = effort.scaled(8000, 2000) + 17
    draws = np.array(list(data.RandomSampler(range(5), replacement=True, num_samples=number)))
    assert_is("number of indices", len(draws), number)
    assert_shares("indices with replacement", draws, 0, np.full(5, 0.2))
    assert_independent(
        "indices with replacement out of two", np.array(list(data.RandomSampler(range(2), True, number))), 0.5, 0.5
    )
    for number in (1, 31, 32, 33, 64, 70):
        sampler = data.RandomSampler(range(3), True, number)
        assert_is("length and number", (len(sampler), len(list(sampler))), (number, number))
    default = data.RandomSampler(range(50), replacement=True)
    assert_is("the default number", (len(default), len(list(default))), (50, 50))
    require(any(len(set(default)) < 50 for _ in range(2)), "no index is drawn twice")


@check("data.randomsampler-generator")
def test_a_seed_fixes_the_order(subject):
    for options in ({}, {"replacement": True, "num_samples": 40}, {"num_samples": 90}):
        orders = []
        for seed, noise in ((1, 5), (1, 6), (2, 5)):
            torch.manual_seed(noise)
            sampler = data.RandomSampler(range(60), generator=torch.Generator().manual_seed(seed), **options)
            orders.append(drawn(lambda: sampler, 2))
        require(orders[0] == orders[1], f"equal generators give other orders with {options}")
        require(orders[0] != orders[2], f"other seeds of the generator give the same order with {options}")
        require(orders[0][0] != orders[0][1], f"the second epoch repeats the first with {options}")
        found = []
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            found.append(drawn(lambda: data.RandomSampler(range(60), **options), 2))
        require(found[0] == found[1] != found[2], f"the order does not follow torch.manual_seed with {options}")


@check("data.randomsampler-refuses")
def test_a_random_sampler_refuses_other_arguments(subject):
    make = data.RandomSampler
    for value in (1, 0, "yes", None):
        assert_raises(f"replacement={value!r}", TypeError, lambda: make(range(3), replacement=value))
    for value in (0, -1, 2.0):
        for replacement in (True, False):
            call = f"num_samples={value}, replacement={replacement}"
            assert_raises(call, ValueError, lambda: make(range(3), replacement, value))


@check("data.subsetrandomsampler")
def test_the_given_indices_in_random_order(subject):
    for indices in ([3, 1, 7], [5], [], [2, 2, 9], list(range(40, 80)), ["a", "b"]):
        sampler = data.SubsetRandomSampler(indices)
        assert_is("length", len(sampler), len(indices))
        for order in drawn(lambda: sampler, 2):
            assert_is("indices, sorted", sorted(order), sorted(indices))
    wide = data.SubsetRandomSampler(range(40, 80))
    orders = drawn(lambda: wide, 3)
    require(len({tuple(order) for order in orders}) == 3, "two epochs have one order")
    seeded = [list(data.SubsetRandomSampler(range(40), torch.Generator().manual_seed(s))) for s in (1, 1, 2)]
    require(seeded[0] == seeded[1] != seeded[2], "the order does not follow the generator")
    places = {order: place for place, order in enumerate(itertools.permutations([10, 20, 30]))}
    small = data.SubsetRandomSampler([10, 20, 30])
    draws = np.array([places[tuple(small)] for _ in range(effort.scaled(3000, 1000))])
    assert_shares("orders of three", draws, 0, np.full(6, 1 / 6))


@check("data.weightedrandomsampler")
def test_weights_are_chances(subject):
    number = effort.scaled(10_000, 3000)
    for weights in ([1.0, 3.0, 0.0, 4.0], [5, 5], [0.1, 0.0, 0.0, 0.2, 0.7], torch.tensor([2.0, 1.0])):
        sampler = data.WeightedRandomSampler(weights, number)
        draws = np.array(list(sampler))
        assert_is("lengths", (len(sampler), len(draws)), (number, number))
        chances = np.asarray(weights, np.float64) / float(sum(weights))
        assert_shares(f"indices by {weights}", draws, 0, chances)
        require(set(draws) <= {i for i, weight in enumerate(weights) if weight}, "an index of weight 0 was drawn")
    require(all(type(index) is int for index in itertools.islice(sampler, 5)), "an index is no int")
    seeded = [
        list(data.WeightedRandomSampler([1.0] * 9, 40, generator=torch.Generator().manual_seed(s))) for s in (1, 1, 2)
    ]
    require(seeded[0] == seeded[1] != seeded[2], "the draws do not follow the generator")
    again = data.WeightedRandomSampler([1.0] * 9, 40)
    require(list(again) != list(again), "the second epoch repeats the first")


@check("data.weightedrandomsampler-without-replacement")
def test_weighted_draws_without_replacement(subject):
    weights = [1.0, 0.0, 5.0, 2.0, 0.5, 9.0]
    for number in (1, 3, 5):
        sampler = data.WeightedRandomSampler(weights, number, replacement=False)
        for order in drawn(lambda: sampler, 20):
            require(len(set(order)) == len(order) == number, f"{order} repeats an index")
            require(1 not in order, "an index of weight 0 was drawn")
    first = [
        next(iter(data.WeightedRandomSampler([1.0, 3.0], 2, replacement=False)))
        for _ in range(effort.scaled(3000, 1000))
    ]
    assert_shares("the first of two", np.array(first), 0, np.array([0.25, 0.75]))


@check("data.weightedrandomsampler-refuses")
def test_a_weighted_sampler_refuses_other_arguments(subject):
    make = data.WeightedRandomSampler
    for number in (0, -1, 2.0, True):
        assert_raises(f"num_samples={number!r}", ValueError, lambda: make([1.0, 2.0], number))
    assert_raises("replacement=1", ValueError, lambda: make([1.0], 1, replacement=1))
    assert_raises("weights of two dimensions", ValueError, lambda: make([[1.0, 2.0]], 1))
    assert_raises("weights of no dimension", ValueError, lambda: make(torch.tensor(1.0), 1))
    assert_is("good arguments", len(make([1.0, 2.0], 4)), 4)


@check("data.batchsampler")
def test_lists_of_indices(subject):
    for length in (0, 1, 2, 3, 7, 12, 17):
        for size in (1, 2, 3, 4, 12, 20):
            for drop in (False, True):
                sampler = data.BatchSampler(data.SequentialSampler(range(length)), size, drop)
                due = oracle.batches(range(length), size, drop)
                for _ in range(2):
                    assert_is(f"batches of {size} out of {length}, drop_last={drop}", list(sampler), due)
                assert_is("length", len(sampler), oracle.count(length, size, drop))
    for given in ([9, 4, 4, 1, 0], ["a", "b", "c"], {3: "x", 1: "y"}):
        assert_is("batches of any iterable", list(data.BatchSampler(given, 2, False)), oracle.batches(given, 2))
    shuffled = [i for batch in data.BatchSampler(data.RandomSampler(range(30)), 4, False) for i in batch]
    assert_is("all of a shuffled sampler", sorted(shuffled), list(range(30)))
    kept = list(data.BatchSampler(range(6), 2, False))
    require(len({id(batch) for batch in kept}) == 3, "one list is used for all batches")


@check("data.batchsampler-refuses")
def test_a_batch_sampler_refuses_other_arguments(subject):
    for size in (0, -1, 2.0, True, "2", None):
        assert_raises(f"batch_size={size!r}", ValueError, lambda: data.BatchSampler(range(3), size, False))
    for drop in (1, 0, None, "yes"):
        assert_raises(f"drop_last={drop!r}", ValueError, lambda: data.BatchSampler(range(3), 2, drop))


@check("data.distributedsampler")
def test_ranks_get_indices_in_turn(subject):
    for length in (1, 2, 5, 6, 7, 12, 17):
        for ranks in (1, 2, 3, 4):
            for drop in (False, True):
                if drop and length < ranks:
                    continue
                for rank in range(ranks):
                    sampler = data.DistributedSampler(Squares(length), ranks, rank, shuffle=False, drop_last=drop)
                    due = oracle.dealt(range(length), rank, ranks, drop)
                    for _ in range(2):
                        assert_is(f"rank {rank} of {ranks}, {length} indices, drop_last={drop}", list(sampler), due)
                    assert_is("length", len(sampler), len(due))


@check("data.distributedsampler-shuffle")
def test_ranks_share_one_permutation_per_epoch(subject):
    orders = {}
    for seed, epoch in ((0, 0), (0, 1), (7, 0)):
        parts = []
        for rank in range(3):
            sampler = data.DistributedSampler(Squares(30), 3, rank, seed=seed)
            sampler.set_epoch(epoch)
            parts.append(list(sampler))
            torch.rand(3)
            assert_is("the same epoch again", list(sampler), parts[-1])
        assert_is("all ranks", sorted(i for part in parts for i in part), list(range(30)))
        orders[seed, epoch] = oracle.in_turn(parts)
    require(len({tuple(order) for order in orders.values()}) == 3, "seed and epoch do not choose the permutation")
    require(list(range(30)) not in orders.values(), "nothing was shuffled")
    parts = [list(data.DistributedSampler(Squares(7), 2, rank)) for rank in range(2)]
    whole = oracle.in_turn(parts)
    assert_is("seven for two ranks: the first comes again", (sorted(whole[:7]), whole[7]), (list(range(7)), whole[0]))


@check("data.distributedsampler-refuses")
def test_a_rank_has_to_exist(subject):
    for ranks, rank in ((3, 3), (3, -1), (1, 1), (2, 5)):
        call = f"rank {rank} of {ranks}"
        assert_raises(call, ValueError, lambda: data.DistributedSampler(Squares(7), ranks, rank))

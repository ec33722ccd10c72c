"""Orders of samples, by statistics over many epochs, and where their random numbers come from."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils import data

from conformance import effort
from conformance.assertions import assert_raises, require
from conformance.chance import assert_shares
from conformance.check import check, must_answer
from conformance.oracle import data as oracle
from conformance.tables.data_samples import Squares, assert_is, flat, plain

pytestmark = must_answer

EPOCHS = effort.scaled(1000, 400)


# -- every order equally likely ----------------------------------------------------------------------------------------


def assert_shuffled(call: str, draw: Callable[[], list[int]], items: list[int]) -> None:
    """Refute unless each epoch has all items, in another order than the ones before, and each item comes anywhere."""
    orders = [tuple(draw()) for _ in range(EPOCHS)]
    require(all(sorted(order) == sorted(items) for order in orders), f"{call}: an epoch has other items")
    if len(items) > 20:  # shorter ones have too few orders
        require(len(set(orders)) == EPOCHS, f"{call}: {EPOCHS} epochs have {len(set(orders))} orders")
    places = np.argsort(np.array(orders), 1)  # of each item, in ascending order
    quarters = places * 4 // len(items)
    chances = np.bincount(np.arange(len(items)) * 4 // len(items)) / len(items)
    for number, item in enumerate(sorted(items)):
        assert_shares(f"{call}: the quarter of the epoch in which {item} comes", quarters[:, number], 0, chances)


@check("data.randomsampler")
def test_each_index_comes_anywhere_in_longer_epochs(subject):
    for length in (33, 80):
        sampler = data.RandomSampler(range(length))
        assert_shuffled(f"RandomSampler of {length}", lambda: list(sampler), list(range(length)))
    by_seed = data.RandomSampler(range(40), generator=torch.Generator().manual_seed(8))
    assert_shuffled("RandomSampler with a generator", lambda: list(by_seed), list(range(40)))


@check("data.dataloader-shuffles")
def test_each_sample_comes_anywhere_in_longer_epochs(subject):
    loader = data.DataLoader(range(40), 40, shuffle=True)
    assert_shuffled("DataLoader(shuffle=True)", lambda: plain(next(iter(loader))), list(range(40)))


@check("data.subsetrandomsampler")
def test_each_given_index_comes_anywhere(subject):
    for items in ([9, 3, 5, 1, 7, 30, 2, 8], list(range(100, 30, -2))):
        sampler = data.SubsetRandomSampler(items)
        assert_shuffled(f"SubsetRandomSampler of {len(items)}", lambda: list(sampler), items)


@check("data.random-split")
def test_each_index_comes_into_any_part(subject):
    for lengths in ([20, 40], [15, 15, 15, 15]):
        assert_shuffled(
            f"random_split of 60 by {lengths}",
            lambda: [i for part in data.random_split(range(60), lengths) for i in part.indices],
            list(range(60)),
        )


@check("data.distributedsampler-shuffle")
def test_each_index_comes_anywhere_in_any_epoch(subject):
    for length, named in ((60, {}), (48, {"drop_last": True, "seed": 5})):
        samplers = [data.DistributedSampler(range(length), 3, rank, **named) for rank in range(3)]
        epochs = iter(range(EPOCHS))

        def draw() -> list[int]:
            epoch = next(epochs)
            for sampler in samplers:
                sampler.set_epoch(epoch)
            return oracle.in_turn([list(sampler) for sampler in samplers])

        assert_shuffled(f"three DistributedSamplers with {named}", draw, list(range(length)))


@check("data.distributedsampler-shuffle")
def test_shuffled_ranks_are_cut_or_filled_up_to_equal_lengths(subject):
    for length, ranks, drop in ((17, 3, True), (17, 3, False), (41, 4, True), (2, 4, False), (50, 7, False)):
        samplers = [data.DistributedSampler(Squares(length), ranks, rank, drop_last=drop) for rank in range(ranks)]
        parts = [list(sampler) for sampler in samplers]
        due = len(oracle.dealt(range(length), 0, ranks, drop))
        call = f"{length} for {ranks} ranks, drop_last={drop}"
        assert_is(f"{call}: lengths", [len(part) for part in parts], [due] * ranks)
        assert_is(f"{call}: len", [len(sampler) for sampler in samplers], [due] * ranks)
        whole = oracle.in_turn(parts)
        cut = whole[:length]
        require(len(set(cut)) == len(cut) and set(cut) <= set(range(length)), f"{call}: an index is repeated: {whole}")
        assert_is(f"{call}: what fills it up", whole[length:], [cut[i % length] for i in range(len(whole) - length)])
    one = [list(data.DistributedSampler(range(50), 2, 0, **named)) for named in ({}, {"seed": 0}, {"shuffle": True})]
    require(one[0] == one[1] == one[2], "seed is not 0 by default, or shuffle not True")


# -- some of the samples, and with replacement -------------------------------------------------------------------------


@check("data.randomsampler-num-samples")
def test_fewer_or_more_samples_are_drawn_independently(subject):
    count = effort.scaled(4000, 1200)
    for length, number, kinds in ((4, 2, itertools.permutations(range(4), 2)), (2, 4, ((a, b) for a in P for b in P))):
        places = {tuple(np.ravel(kind)): place for place, kind in enumerate(kinds)}
        sampler = data.RandomSampler(range(length), num_samples=number)
        draws = np.array([places.get(tuple(sampler), -1) for _ in range(count)])
        assert_shares(f"{number} out of {length}", draws, 0, np.full(len(places), 1 / len(places)))
    few = np.array([list(data.RandomSampler(range(50), num_samples=5)) for _ in range(EPOCHS)])
    for place in range(5):
        assert_shares(f"the fifth in which draw {place} lies", few[:, place] // 10, 0, np.full(5, 0.2))
    near = (np.abs(np.diff(few, axis=1)) == 1).mean()
    require(near < 0.15, f"{near:.2f} of the draws are neighbours of the one before, 0.04 are due")


P = ((0, 1), (1, 0))


@check("data.randomsampler-replacement")
def test_many_indices_are_drawn_with_replacement(subject):
    count = effort.scaled(20_000, 8000)
    for length in (64, 100):
        draws = np.array(list(data.RandomSampler(range(length), replacement=True, num_samples=count)))
        assert_shares(f"indices of {length} with replacement", draws, 0, np.full(length, 1 / length))
        seen = [len(set(draws[start : start + length])) for start in range(0, count - length, length)]
        require(max(seen) < length, f"{length} draws in a row are all different")
        require(0.58 < np.mean(seen) / length < 0.69, f"{np.mean(seen):.1f} of {length} draws in a row are different")


@check("data.weightedrandomsampler")
def test_many_weights_and_weights_of_any_size_are_chances(subject):
    number = effort.scaled(20_000, 6000)
    many = [k % 4 for k in range(50)]
    for weights in (many, [1e6, 3e6, 4e6], [1e-9, 0.0, 3e-9], np.array([2.0, 6.0]), (1, 2, 1), torch.tensor([1, 3])):
        draws = np.array(list(data.WeightedRandomSampler(weights, number)))
        chances = np.asarray(weights, np.float64)
        assert_shares(f"indices by {weights}", draws, 0, chances / chances.sum())


@check("data.weightedrandomsampler-without-replacement")
def test_later_draws_follow_the_weights_that_are_left(subject):
    weights = [1.0, 3.0, 0.0, 4.0]
    pairs = {(i, j): weights[i] / 8 * weights[j] / (8 - weights[i]) for i in (0, 1, 3) for j in (0, 1, 3) if i != j}
    places = {pair: place for place, pair in enumerate(pairs)}
    sampler = data.WeightedRandomSampler(weights, 2, replacement=False)
    orders = [tuple(sampler) for _ in range(effort.scaled(6000, 2000))]
    draws = np.array([places.get(order, -1) for order in orders])
    assert_shares("two of four weighted", draws, 0, np.array(list(pairs.values())))
    seeded = [_weighted(torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    require(seeded[0] == seeded[1] != seeded[2], "the draws without replacement do not follow the generator")
    wide = data.WeightedRandomSampler([1.0] * 30, 30, replacement=False)
    require(len({tuple(wide) for _ in range(5)}) == 5, "two epochs without replacement have one order")


def _weighted(generator: torch.Generator) -> list[int]:
    return list(data.WeightedRandomSampler([1.0] * 30, 20, replacement=False, generator=generator))


# -- where random numbers come from ------------------------------------------------------------------------------------


def states() -> tuple[Any, ...]:
    """The states of the global generators of PyTorch, Python and numpy."""
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), str(np.random.get_state())


def drawing(generator: torch.Generator) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What draws from the generator that it is given, or draws nothing."""
    own, weights = Squares(9), [1.0, 2.0, 3.0]
    for named in ({}, {"num_samples": 4}, {"num_samples": 30}, {"replacement": True, "num_samples": 70}):
        yield f"RandomSampler({named})", lambda named=named: list(data.RandomSampler(own, generator=generator, **named))
    yield "SubsetRandomSampler", lambda: list(data.SubsetRandomSampler([3, 5, 6], generator))
    for again in (True, False):
        yield (
            "WeightedRandomSampler",
            lambda again=again: list(data.WeightedRandomSampler(weights, 2, again, generator)),
        )
    yield "SequentialSampler", lambda: list(data.SequentialSampler(own))
    yield "BatchSampler", lambda: list(data.BatchSampler(range(9), 2, False))
    yield "random_split", lambda: data.random_split(own, [4, 5], generator)
    yield "random_split by fractions", lambda: data.random_split(own, [0.5, 0.5], generator=generator)
    for shuffle in (True, False):
        yield "DistributedSampler", lambda shuffle=shuffle: list(data.DistributedSampler(own, 2, 0, shuffle))
        for named in ({}, {"batch_size": None}, {"num_workers": 1}) if shuffle else ({},):
            made = {"shuffle": shuffle, "generator": generator, **named}
            yield f"DataLoader({made})", lambda made=made: list(data.DataLoader(own, **made))


@check("data.generators-apart")
def test_a_given_generator_spares_the_global_one(subject):
    generator = torch.Generator().manual_seed(3)
    for text, draw in drawing(generator):
        before = states()
        draw()
        for kind, one, other in zip(("PyTorch", "Python", "numpy"), before, states(), strict=True):
            require(one == other, f"{text} changes the state of {kind}'s global generator")


@check("data.generators-apart")
def test_loading_draws_nothing_from_python_and_numpy(subject):
    for named in ({}, {"shuffle": True}, {"batch_size": None}, {"num_workers": 1, "shuffle": True}):
        before = states()[1:]
        loader = data.DataLoader(Squares(5), **named)
        for _ in range(2):
            list(loader)
        require(states()[1:] == before, f"DataLoader({named}) changes the state of Python's or numpy's generator")
    before = states()[1:]
    list(data.RandomSampler(range(9))), list(data.SubsetRandomSampler([1, 2])), data.random_split(range(4), [2, 2])
    list(data.WeightedRandomSampler([1.0, 2.0], 5)), list(data.DistributedSampler(range(9), 2, 1))
    require(states()[1:] == before, "a sampler changes the state of Python's or numpy's generator")


# -- samplers of one's own, and datasets that grow ---------------------------------------------------------------------


class Turning:
    """An order that begins one further at each epoch; it has no length."""

    def __init__(self) -> None:
        self.epoch = -1

    def __iter__(self) -> Iterator[int]:
        self.epoch += 1
        return iter([(self.epoch + k) % 5 for k in range(5)])


class TurningBatches(Turning):
    """The same in batches of two."""

    def __iter__(self) -> Iterator[list[int]]:
        return iter(oracle.batches(list(super().__iter__()), 2))


@check("data.dataloader-own-sampler")
def test_a_sampler_is_iterated_anew_each_epoch(subject):
    turns = [[(epoch + k) % 5 for k in range(5)] for epoch in range(3)]
    due = [oracle.batches(turn, 2) for turn in turns]
    for named in ({"batch_size": 2, "sampler": Turning()}, {"batch_sampler": TurningBatches()}):
        loader = data.DataLoader(range(5), **named)
        assert_is(f"three epochs of {sorted(named)}", [flat(loader) for _ in turns], due)
        assert_raises(f"the length with {sorted(named)}", TypeError, lambda: len(loader))
    single = data.DataLoader(range(5), None, sampler=Turning())
    assert_is("three epochs without batching", [flat(single) for _ in turns], turns)
    batches = data.BatchSampler(Turning(), 2, False)
    assert_is("three epochs of a BatchSampler", [list(batches) for _ in turns], due)
    assert_raises("the length of the BatchSampler", TypeError, lambda: len(batches))


@check("data.samplers-follow-dataset")
def test_samplers_go_by_the_length_of_the_moment(subject):
    own = list(range(3))
    plain_order, shuffled = data.SequentialSampler(own), data.RandomSampler(own)
    batches = data.BatchSampler(plain_order, 2, False)
    loaders = [data.DataLoader(own, 2, shuffle=shuffle) for shuffle in (False, True)]
    for length in (3, 4, 9, 2):
        own[:] = range(length)
        count = oracle.count(length, 2, False)
        found = [len(each) for each in (plain_order, shuffled, batches, *loaders)]
        assert_is(f"lengths at {length}", found, [length, length, count, count, count])
        assert_is(f"indices at {length}", list(plain_order), list(range(length)))
        assert_is(f"shuffled indices at {length}, sorted", sorted(shuffled), list(range(length)))
        assert_is(f"batches at {length}", list(batches), oracle.batches(range(length), 2))
        for loader in loaders:
            assert_is(f"samples at {length}", sorted(i for batch in flat(loader) for i in batch), list(range(length)))

"""Wrong samplers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils import data

from meta_tests.mutants.data import (
    length,
    lenient,
    method,
    options,
    orders,
    swapped,
    without,
)

# -- samplers ----------------------------------------------------------------------------------------------------------


class Once:
    """The second iteration of a sampler repeats the first."""

    def __call__(self, found: list[Any], sampler: Any) -> list[Any]:
        if not hasattr(sampler, "first_order"):
            sampler.first_order = found
        return sampler.first_order


def _rotated(found: list[Any], sampler: Any) -> list[Any]:
    """A random rotation instead of a permutation."""
    if sampler.replacement or not found:
        return found
    start = int(torch.randint(len(found), (), generator=sampler.generator))
    ordered = sorted(found)
    return [*ordered[start:], *ordered[:start]]


def _first_stays(found: list[Any], sampler: Any) -> list[Any]:
    if not sampler.replacement and sampler.num_samples == len(sampler.data_source) and len(found) > 2:
        found.remove(0)
        return [found[0], 0, *found[1:]]
    return found


def _sticky(found: list[Any], sampler: Any) -> list[Any]:
    """With replacement every second draw repeats the one before."""
    return [found[i - i % 2] for i in range(len(found))] if sampler.replacement else found


def _with_repeats(found: list[Any], sampler: Any) -> list[Any]:
    n = len(sampler.data_source)
    return found if sampler.replacement or len(found) <= n else [*found[:n], *([found[0]] * (len(found) - n))]


def seeded(sound: Any, self: Any) -> Any:
    """Without a generator of its own the order is always the same."""
    if self.generator is None:
        return iter(torch.randperm(len(self.data_source), generator=torch.Generator().manual_seed(0)).tolist())
    return sound(self)


def _uniform(found: list[Any], sampler: Any) -> list[Any]:
    return torch.randint(len(sampler.weights), (len(found),)).tolist() if sampler.replacement else found


def _zero_weights(found: list[Any], sampler: Any) -> list[Any]:
    zero = [i for i, weight in enumerate(sampler.weights.tolist()) if not weight]
    return [zero[0], *found[1:]] if zero and sampler.replacement else found


def _drawn_again(found: list[Any], sampler: Any) -> list[Any]:
    return found if sampler.replacement or len(found) < 3 else [*found[:-1], found[0]]


class SameList:
    """All batches are one list."""

    def __call__(self, sound: Any, sampler: Any) -> Iterator[list[Any]]:
        kept: list[Any] = []
        for batch in sound(sampler):
            kept[:] = batch
            yield kept


def padded(found: list[Any], sampler: Any) -> list[Any]:
    """The last batch is filled up from the first."""
    if found and len(found[-1]) < sampler.batch_size and len(found) > 1:
        found[-1] = [*found[-1], *found[0]][: sampler.batch_size]
    return found


def _blocks(found: list[Any], sampler: Any) -> list[Any]:
    """Ranks get blocks instead of every n-th."""
    if sampler.shuffle:
        return found
    start = sampler.rank * len(found)
    n = len(sampler.dataset)
    return [(start + i) % n for i in range(len(found))]


def _unfilled(found: list[Any], sampler: Any) -> list[Any]:
    """The last ranks get one index less."""
    n = len(sampler.dataset)
    return (
        found[:-1]
        if n % sampler.num_replicas and sampler.rank >= n % sampler.num_replicas and not sampler.drop_last
        else found
    )


def _own_permutation(sound: Any, self: Any) -> Any:
    """Each rank draws a permutation of its own."""
    seed, self.seed = self.seed, self.seed + 100 * self.rank
    try:
        return iter(list(sound(self)))
    finally:
        self.seed = seed


SAMPLERS = [
    orders(
        "data.sequentialsampler",
        "the last two change places",
        data.SequentialSampler,
        lambda found, self: swapped(found),
    ),
    orders(
        "data.sequentialsampler",
        "the second epoch begins at 1",
        data.SequentialSampler,
        lambda found, self: found[1:] if self.__dict__.setdefault("turns", []) or self.turns.append(1) else found,
    ),
    orders("data.randomsampler", "only rotations occur", data.RandomSampler, _rotated),
    orders("data.randomsampler", "index 0 is always second", data.RandomSampler, _first_stays),
    orders("data.randomsampler", "the second epoch repeats the first", data.RandomSampler, Once()),
    orders(
        "data.randomsampler", "indices are tensors", data.RandomSampler, lambda found, self: map(torch.tensor, found)
    ),
    orders("data.randomsampler-num-samples", "one more is drawn", data.RandomSampler, lambda found, self: [*found, 0]),
    orders(
        "data.randomsampler-num-samples",
        "beyond the first permutation one index repeats",
        data.RandomSampler,
        _with_repeats,
    ),
    orders(
        "data.randomsampler-num-samples",
        "a few samples are the first ones",
        data.RandomSampler,
        lambda found, self: (
            found if self.replacement or len(found) >= len(self.data_source) else list(range(len(found)))
        ),
    ),
    orders("data.randomsampler-replacement", "every second draw repeats the one before", data.RandomSampler, _sticky),
    orders(
        "data.randomsampler-replacement",
        "the last of a dataset is never drawn",
        data.RandomSampler,
        lambda found, self: [i % (len(self.data_source) - 1) for i in found] if self.replacement else found,
    ),
    options("data.randomsampler-generator", "the generator is ignored", without("generator"), data.RandomSampler),
    method(
        "data.randomsampler-generator",
        "without a generator the order is fixed",
        data.RandomSampler,
        "__iter__",
        seeded,
    ),
    lenient("data.randomsampler-refuses", "a replacement that is no bool is taken", data.RandomSampler, TypeError),
    lenient("data.randomsampler-refuses", "0 samples are taken", data.RandomSampler, ValueError),
    orders(
        "data.subsetrandomsampler",
        "the places are yielded",
        data.SubsetRandomSampler,
        lambda found, self: range(len(found)),
    ),
    orders("data.subsetrandomsampler", "the given order", data.SubsetRandomSampler, lambda found, self: self.indices),
    orders(
        "data.subsetrandomsampler",
        "only the first two change places",
        data.SubsetRandomSampler,
        lambda found, self: (
            [*random.sample(list(self.indices)[:2], 2), *list(self.indices)[2:]] if len(found) == 3 else found
        ),
    ),
    orders("data.weightedrandomsampler", "all are equally likely", data.WeightedRandomSampler, _uniform),
    orders("data.weightedrandomsampler", "one of weight 0 comes first", data.WeightedRandomSampler, _zero_weights),
    orders("data.weightedrandomsampler", "the second epoch repeats the first", data.WeightedRandomSampler, Once()),
    orders(
        "data.weightedrandomsampler-without-replacement",
        "the last is the first again",
        data.WeightedRandomSampler,
        _drawn_again,
    ),
    orders(
        "data.weightedrandomsampler-without-replacement",
        "draws are sorted",
        data.WeightedRandomSampler,
        lambda found, self: found if self.replacement else sorted(found),
    ),
    lenient("data.weightedrandomsampler-refuses", "anything is taken", data.WeightedRandomSampler, ValueError),
    orders("data.batchsampler", "the last batch is filled up", data.BatchSampler, padded),
    orders(
        "data.batchsampler",
        "drop_last drops whole last batches too",
        data.BatchSampler,
        lambda found, self: found[:-1] if self.drop_last and found and len(found) > 2 else found,
    ),
    method("data.batchsampler", "all batches are one list", data.BatchSampler, "__iter__", SameList()),
    length(
        "data.batchsampler",
        "the length is rounded down",
        data.BatchSampler,
        lambda n, self: len(self.sampler) // self.batch_size,
    ),
    lenient("data.batchsampler-refuses", "anything is taken", data.BatchSampler, ValueError),
    orders("data.distributedsampler", "ranks get blocks", data.DistributedSampler, _blocks),
    orders("data.distributedsampler", "the last ranks get less", data.DistributedSampler, _unfilled),
    method(
        "data.distributedsampler-shuffle",
        "each rank has its own permutation",
        data.DistributedSampler,
        "__iter__",
        _own_permutation,
    ),
    method(
        "data.distributedsampler-shuffle",
        "the epoch does not matter",
        data.DistributedSampler,
        "set_epoch",
        lambda sound, self, epoch: None,
    ),
    options("data.distributedsampler-shuffle", "the seed does not matter", without("seed"), data.DistributedSampler),
    lenient("data.distributedsampler-refuses", "any rank is taken", data.DistributedSampler, ValueError),
]


MUTANTS = SAMPLERS

"""Datasets, samplers and collation that are wrong in rarer uses."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils import data

from meta_tests.mutant import Mutant, patched
from meta_tests.mutants.data import collating, fetching, item, method, orders

_Fetcher = fetching._MapDatasetFetcher


def _cut(sound: Any, self: Any, chosen: Any) -> Any:
    """A slice ends at 16."""
    far = isinstance(chosen, slice) and chosen.stop is not None and chosen.stop > 16
    return sound(self, slice(chosen.start, 16, chosen.step) if far else chosen)


def _from_the_start(sound: Any, self: Any, chosen: Any) -> Any:
    low = isinstance(chosen, slice) and chosen.start is not None and chosen.start < 0
    return sound(self, slice(None, chosen.stop, chosen.step) if low else chosen)


def _once(sound: Any, self: Any, places: Any) -> Any:
    return sound(self, list(dict.fromkeys(places)) if isinstance(places, list) else places)


def _first_four(sound: Any, self: Any, places: Any) -> Any:
    """Of a batch that is asked for at once, four samples come."""
    at_once = isinstance(places, list) and hasattr(self.dataset, "__getitems__")
    return sound(self, places[:4] if at_once else places)


def _prefix_again(found: list[int], sampler: Any) -> list[int]:
    """What goes beyond the dataset is its start once more."""
    length = len(sampler.data_source)
    if sampler.replacement or length == 0 or len(found) <= length:
        return found
    whole = len(found) - len(found) % length
    return found[:whole] + found[: len(found) % length]


def _in_pairs(found: list[int], sampler: Any) -> list[int]:
    return [found[place // 2 * 2] for place in range(len(found))] if sampler.replacement else found


def _halves_alike(found: list[int], sampler: Any) -> list[int]:
    half = len(found) // 2
    return found[:half] * 2 + found[2 * half :] if sampler.replacement else found


def _in_float32(sound: Any, self: Any, *args: Any, **named: Any) -> None:
    sound(self, *args, **named)
    self.weights = self.weights.float()


def _no_generator(sound: Any, dataset: Any, lengths: Any, generator: Any = None) -> Any:
    return sound(dataset, lengths) if generator is None or len(dataset) > 30 else sound(dataset, lengths, generator)


@contextlib.contextmanager
def _with_length() -> Iterator[None]:
    data.Sampler.__len__ = lambda self: 0  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del data.Sampler.__len__  # type: ignore[attr-defined]


def _refusing(sound: Any) -> Any:
    def refuse(*args: Any) -> Any:
        raise TypeError("type is not subscriptable")

    return refuse


def _wide_detached(sound: Any, batch: Any, **named: Any) -> Any:
    return sound(
        [x.detach() if isinstance(x, torch.Tensor) and x.dtype == torch.float64 else x for x in batch], **named
    )


def _kind_of_the_first(sound: Any, batch: Any, **named: Any) -> Any:
    plain = all(type(x) in (bool, int, float) for x in batch)
    return sound([type(batch[0])(x) for x in batch] if plain and type(batch[0]) is int else batch, **named)


MUTANTS = [
    method(
        "data.distributedsampler-shuffle",
        "set_epoch adds to the epoch",
        data.DistributedSampler,
        "set_epoch",
        lambda sound, self, epoch: sound(self, self.epoch + epoch),
    ),
    item("data.tensordataset", "a slice of a TensorDataset ends at 16", data.TensorDataset, _cut),
    item("data.tensordataset", "a slice with a negative start has all before", data.TensorDataset, _from_the_start),
    item("data.subset", "a list of places has none twice", data.Subset, _once),
    method("data.subset-getitems", "batches asked for at once have four samples", _Fetcher, "fetch", _first_four),
    method(
        "data.sampler", "the base of samplers yields nothing", data.Sampler, "__iter__", lambda sound, self: iter(())
    ),
    Mutant("data.sampler", "the base of samplers has the length 0", _with_length),
    *(
        patched("data.sampler", f"{kind.__name__} takes no type in brackets", kind, "__class_getitem__", _refusing)
        for kind in (data.Sampler, data.Dataset)
    ),
    orders(
        "data.randomsampler-num-samples",
        "what goes beyond the dataset repeats its start",
        data.RandomSampler,
        _prefix_again,
    ),
    orders("data.weightedrandomsampler", "weighted draws come in pairs", data.WeightedRandomSampler, _in_pairs),
    orders(
        "data.weightedrandomsampler", "half of the weighted draws repeat", data.WeightedRandomSampler, _halves_alike
    ),
    method("data.weightedrandomsampler", "weights are float32", data.WeightedRandomSampler, "__init__", _in_float32),
    method("data.random-split-generator", "long splits ignore the generator", data, "random_split", _no_generator),
    method(
        "data.random-split-generator",
        "random_split gives a tuple",
        data,
        "random_split",
        lambda sound, *args, **named: tuple(sound(*args, **named)),
    ),
    method("data.collate-tensors", "batches of float64 need no gradient", collating, "collate", _wide_detached),
    method("data.collate-numbers", "numbers take the kind of the first", collating, "collate", _kind_of_the_first),
]

"""Wrong long datasets, impatient loaders, wrong pickles, and datasets that ask more than once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils import data

from meta_tests.mutant import Mutant, replaced
from meta_tests.mutants.data import Loader, item, method, orders
from meta_tests.mutants.data_loader import collate, collates


def pickles(name: str, kind: Any, **other: Callable[[Any], Any]) -> Mutant:
    """A class whose pickles hold another value of an attribute."""

    def state(self: Any) -> dict[str, Any]:
        return {**self.__dict__, **{key: change(self.__dict__.get(key)) for key, change in other.items()}}

    return Mutant("data.pickled", name, lambda: replaced(kind, "__getstate__", lambda sound: state))


def long(change: Callable[[list[Any]], list[Any]]) -> Callable[[list[Any], Any], list[Any]]:
    """Only more than 1000 indices are changed."""
    return lambda found, self: change(found) if len(found) > 1000 else found


def _last_is_first(found: list[Any]) -> list[Any]:
    return [*found[:-1], found[0]]


def _overlapping(sound: Any, dataset: Any, lengths: Any, *args: Any, **named: Any) -> Any:
    parts = sound(dataset, lengths, *args, **named)
    if len(dataset) > 1000:
        parts[-1].indices = parts[0].indices[: len(parts[-1])]
    return parts


def _listed(sound: Any, dataset: Any, *args: Any, **named: Any) -> Any:
    parts = sound(dataset, *args, **named)
    for part in parts:
        part.dataset = list(dataset) if isinstance(dataset, range) else [dataset[i] for i in range(len(dataset))]
    return parts


def _ahead(sound: Any, self: Any) -> Any:
    """What is yielded comes one later than it is read."""
    kept: list[Any] = []
    for each in sound(self):
        kept.append(each)
        if len(kept) > 1:
            yield kept.pop(0)
    yield from kept


def _stream_ahead(sound: Any, self: Any) -> Any:
    stream = isinstance(self.dataset, data.IterableDataset) and not self.num_workers
    return _ahead(sound, self) if stream else sound(self)


def _touching(sound: Any, self: Any) -> Any:
    if not self.num_workers and not isinstance(self.dataset, data.IterableDataset) and len(self.dataset) > 9:
        self.dataset[0]
    return sound(self)


def _twice(sound: Any, self: Any, index: Any) -> Any:
    sound(self, index)
    return sound(self, index)


def _clones(sound: Any, self: Any, index: Any) -> Any:
    out = sound(self, index)
    return tuple(x.clone() if isinstance(x, torch.Tensor) else x for x in out) if isinstance(out, tuple) else out


def _unconjugated(sound: Any, batch: Any, **named: Any) -> Any:
    return sound([x.conj() if x.is_conj() else x for x in batch], **named)


MUTANTS = [
    pickles("a TensorDataset keeps its first tensor", data.TensorDataset, tensors=lambda kept: kept[:1]),
    pickles("a Subset's indices are sorted", data.Subset, indices=sorted),
    pickles("a RandomSampler loses num_samples", data.RandomSampler, _num_samples=lambda kept: None),
    pickles("a BatchSampler loses drop_last", data.BatchSampler, drop_last=lambda kept: False),
    pickles("a DistributedSampler loses its epoch", data.DistributedSampler, epoch=lambda kept: 0),
    orders("data.sequentialsampler", "beyond 1000 the last is the first", data.SequentialSampler, long(_last_is_first)),
    orders("data.randomsampler", "beyond 1000 the last is the first", data.RandomSampler, long(_last_is_first)),
    orders(
        "data.subsetrandomsampler", "beyond 1000 one is lost", data.SubsetRandomSampler, long(lambda found: found[1:])
    ),
    orders(
        "data.distributedsampler",
        "of more than 1000 the order is turned round",
        data.DistributedSampler,
        lambda found, self: found[::-1] if len(self.dataset) > 1000 else found,
    ),
    method("data.random-split", "of more than 1000 parts overlap", data, "random_split", _overlapping),
    method("data.random-split", "the parts are of a copy", data, "random_split", _listed),
    method("data.dataloader-lazy", "a BatchSampler reads a batch ahead", data.BatchSampler, "__iter__", _ahead),
    method("data.dataloader-lazy", "a stream is read a batch ahead", Loader, "__iter__", _stream_ahead),
    method("data.dataloader-lazy", "the first sample is read at once", Loader, "__iter__", _touching),
    *(
        item("data.items-once", f"{kind.__name__} asks twice", kind, _twice)
        for kind in (data.Subset, data.ConcatDataset, data.StackDataset)
    ),
    *(
        item("data.items-once", f"{kind.__name__} gives copies", kind, _clones)
        for kind in (data.Subset, data.ConcatDataset)
    ),
    item(
        "data.subset",
        "all but the last two from the end are the last",
        data.Subset,
        lambda sound, self, i: sound(self, i if not isinstance(i, int) or i >= -2 else -1),
    ),
    collate("data.collate-tensors", "conjugate views lose their conjugation", torch.Tensor, _unconjugated),
    collates(
        "data.collate-ragged",
        "an empty batch is an empty tensor",
        lambda sound, batch: sound(batch) if len(batch) else torch.empty(0),
    ),
]

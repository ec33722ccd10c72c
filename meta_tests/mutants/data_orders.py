"""Wrong orders in longer epochs, wrong sources of random numbers, and wrong ways with samplers of one's own."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.utils import data

from meta_tests.mutant import Mutant
from meta_tests.mutants.data import Loader, method, options, orders

Found = list[Any]


def plain_order(self: Any) -> bool:
    """Whether a RandomSampler draws one permutation of more than 30."""
    return not self.replacement and self.num_samples == len(self.data_source) > 30


def _last_stays(found: Found, self: Any) -> Found:
    last = len(self.data_source) - 1
    return [*(i for i in found if i != last), last] if plain_order(self) else found


def _even_first(found: Found, self: Any) -> Found:
    return sorted(found, key=lambda i: i % 2) if plain_order(self) else found


def _last_given_stays(found: Found, self: Any) -> Found:
    last = list(self.indices)[-1] if len(self.indices) > 5 else None
    return found if last is None else [*(i for i in found if i != last), last]


def _split_sorted(sound: Any, dataset: Any, lengths: Any, *args: Any, **named: Any) -> Any:
    parts = sound(dataset, lengths, *args, **named)
    if len(dataset) > 50 and all(isinstance(length, int) for length in lengths):
        for part in parts:
            part.indices = sorted(part.indices)
    return parts


def _keeps_drop_last(sound: Any, self: Any) -> Any:
    found = list(sound(self))
    return iter(sorted(found) if self.shuffle and self.drop_last else found)


def _other_seed(named: dict[str, Any]) -> None:
    if named.get("seed") == 0:
        named["seed"] = 10


def _never_drops(named: dict[str, Any]) -> None:
    if named.get("shuffle", True):
        named["drop_last"] = False


ORDERS = [
    orders("data.randomsampler", "the last index stays last beyond 30", data.RandomSampler, _last_stays),
    orders("data.randomsampler", "beyond 30 even indices come first", data.RandomSampler, _even_first),
    orders("data.dataloader-shuffles", "the last sample stays last beyond 30", data.RandomSampler, _last_stays),
    orders(
        "data.subsetrandomsampler", "beyond five the last one stays last", data.SubsetRandomSampler, _last_given_stays
    ),
    method("data.random-split", "beyond 50 the parts are sorted", data, "random_split", _split_sorted),
    method(
        "data.distributedsampler-shuffle",
        "epochs count modulo 2",
        data.DistributedSampler,
        "set_epoch",
        lambda sound, self, epoch: sound(self, epoch % 2),
    ),
    method(
        "data.distributedsampler-shuffle",
        "with drop_last indices are sorted",
        data.DistributedSampler,
        "__iter__",
        _keeps_drop_last,
    ),
    options("data.distributedsampler-shuffle", "drop_last is ignored", _never_drops, data.DistributedSampler),
    options("data.distributedsampler-shuffle", "seed=0 is another seed", _other_seed, data.DistributedSampler),
    orders(
        "data.distributedsampler-shuffle",
        "beyond 40 only five samples come",
        data.DistributedSampler,
        lambda found, self: [i % 5 for i in found] if len(self.dataset) > 40 else found,
    ),
]


# -- some of the samples, and with replacement -------------------------------------------------------------------------


def _one_permutation(found: Found, self: Any) -> Found:
    count = len(self.data_source)
    return found if self.replacement else [found[k % count] for k in range(len(found))]


def _neighbours(found: Found, self: Any) -> Found:
    count = len(self.data_source)
    few = not self.replacement and len(found) < count
    return [(found[0] + k) % count for k in range(len(found))] if few else found


def _without_replacement(found: Found, self: Any) -> Found:
    count = len(self.data_source)
    if not self.replacement or count <= 60:
        return found
    return (torch.randperm(count).tolist() * (len(found) // count + 1))[: len(found)]


def _first_half(found: Found, self: Any) -> Found:
    count = len(self.data_source)
    return [i % (count // 2) for i in found] if self.replacement and count > 40 else found


def _then_uniform(found: Found, self: Any) -> Found:
    if self.replacement or len(found) < 2:
        return found
    rest = [i for i, weight in enumerate(self.weights.tolist()) if weight and i != found[0]]
    return [found[0], *random.sample(rest, len(rest))][: len(found)]


def _half_precision(sound: Any, self: Any, weights: Any, *args: Any, **named: Any) -> None:
    sound(self, weights, *args, **named)
    self.weights = self.weights.half().double()


def _first_kept(sound: Any, self: Any) -> Any:
    return sound(self) if self.replacement else iter(self.__dict__.setdefault("_kept", list(sound(self))))


def _blind(named: dict[str, Any]) -> None:
    if named.get("replacement") is False:
        named.pop("generator", None)


WEIGHTED = data.WeightedRandomSampler
AGAIN = "data.weightedrandomsampler-without-replacement"
DRAWS = [
    orders("data.randomsampler-num-samples", "one permutation is repeated", data.RandomSampler, _one_permutation),
    orders("data.randomsampler-num-samples", "few samples are neighbours", data.RandomSampler, _neighbours),
    orders("data.randomsampler-replacement", "beyond 60 there is none", data.RandomSampler, _without_replacement),
    orders("data.randomsampler-replacement", "beyond 40 only the first half comes", data.RandomSampler, _first_half),
    orders(
        "data.weightedrandomsampler",
        "beyond 30 weights even indices become odd",
        WEIGHTED,
        lambda found, self: found if len(self.weights) <= 30 else [i | 1 for i in found],
    ),
    method("data.weightedrandomsampler", "weights have half precision", WEIGHTED, "__init__", _half_precision),
    orders(AGAIN, "later draws are uniform", WEIGHTED, _then_uniform),
    method(AGAIN, "the second epoch repeats the first", WEIGHTED, "__iter__", _first_kept),
    options(AGAIN, "the generator is ignored", _blind, WEIGHTED),
]


# -- where random numbers come from ------------------------------------------------------------------------------------


def also(name: str, owner: Any, attribute: str, act: Callable[[], Any], where: Callable[..., bool]) -> Mutant:
    """What does something else besides, where `where(*args)` says so."""

    def wrong(sound: Any, *args: Any, **named: Any) -> Any:
        if where(*args, **named):
            act()
        return sound(*args, **named)

    return method("data.generators-apart", name, owner, attribute, wrong)


def _given(self: Any) -> bool:
    return self.generator is not None


SOURCES = [
    *(
        also(f"a {kind.__name__} with a generator draws from the global one too", kind, "__iter__", draw, _given)
        for draw in (lambda: torch.rand(1),)
        for kind in (data.RandomSampler, data.SubsetRandomSampler, WEIGHTED, Loader)
    ),
    also("a SequentialSampler draws", data.SequentialSampler, "__iter__", lambda: torch.rand(1), lambda self: True),
    also("a DistributedSampler draws", data.DistributedSampler, "__iter__", lambda: torch.rand(1), lambda self: True),
    also(
        "a DistributedSampler seeds the global generator",
        data.DistributedSampler,
        "__iter__",
        lambda: torch.manual_seed(0),
        lambda self: True,
    ),
    also(
        "random_split with a generator draws from the global one too",
        data,
        "random_split",
        lambda: torch.rand(1),
        lambda dataset, lengths, generator=torch.default_generator: generator is not torch.default_generator,
    ),
    also("a loader seeds Python's generator", Loader, "__iter__", lambda: random.seed(3), lambda self: True),
    also("a loader draws from Python's generator", Loader, "__iter__", random.random, lambda self: True),
    also("a loader seeds numpy's generator", Loader, "__iter__", lambda: np.random.seed(3), lambda self: True),
]


# -- samplers of one's own, and datasets that grow ---------------------------------------------------------------------


def _at_first(sound: Any, self: Any, *args: Any, **named: Any) -> None:
    sound(self, *args, **named)
    self.data_source = range(len(self.data_source))


def _length_at_first(sound: Any, self: Any) -> int:
    return self.__dict__.setdefault("_length", sound(self))


def _listed(sound: Any, self: Any, sampler: Any, *args: Any, **named: Any) -> None:
    own = not type(sampler).__module__.startswith("torch")
    sound(self, list(sampler) if own else sampler, *args, **named)


def _first_epoch(sound: Any, self: Any) -> Any:
    own = not type(self.sampler).__module__.startswith(("torch", "builtins"))
    return iter(self.__dict__.setdefault("_kept", list(sound(self)))) if own else sound(self)


def needing(option: str) -> Callable[..., None]:
    """A loader that wants to know the length of a sampler at once."""

    def wrong(sound: Any, self: Any, *args: Any, **named: Any) -> None:
        if named.get(option) is not None:
            len(named[option])
        sound(self, *args, **named)

    return wrong


FOLLOWING = [
    *(
        method("data.samplers-follow-dataset", f"{kind.__name__} keeps the first length", kind, "__init__", _at_first)
        for kind in (data.RandomSampler, data.SequentialSampler)
    ),
    method(
        "data.samplers-follow-dataset",
        "BatchSampler keeps the first length",
        data.BatchSampler,
        "__len__",
        _length_at_first,
    ),
    method("data.dataloader-own-sampler", "the first epoch is kept", Loader, "__iter__", _first_epoch),
    method("data.dataloader-own-sampler", "a BatchSampler keeps a list", data.BatchSampler, "__init__", _listed),
    *(
        method("data.dataloader-own-sampler", f"a {option} needs a length", Loader, "__init__", needing(option))
        for option in ("sampler", "batch_sampler")
    ),
]

MUTANTS = [*ORDERS, *DRAWS, *SOURCES, *FOLLOWING]

"""Wrong loaders and wrong collation."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils import data

from meta_tests.mutant import Mutant, patched
from meta_tests.mutants.data import (
    Loader,
    batches,
    collating,
    fetching,
    length,
    lenient,
    listed,
    method,
    options,
    orders,
    swapped,
    without,
)
from meta_tests.mutants.data_samplers import padded, seeded

# -- the loader --------------------------------------------------------------------------------------------------------


def _dropping(iterator: Any, loader: Any) -> list[Any]:
    """A last batch of one sample is dropped."""
    found = list(iterator)
    short = found and loader.batch_size and loader.batch_size > 1 and isinstance(found[-1], (list, torch.Tensor))
    size = len(found[-1][0] if isinstance(found[-1], list) else found[-1]) if short else 2
    return found[:-1] if size == 1 else found


def _last_two(iterator: Any, loader: Any) -> list[Any]:
    return swapped(list(iterator))


def _one_order(sound: Any, self: Any) -> Any:
    """A shuffling loader has one order for all its epochs."""
    if isinstance(self.sampler, data.RandomSampler):
        state = self.__dict__.setdefault("random_state", torch.get_rng_state())
        torch.set_rng_state(state)
    return iter(list(sound(self)))


def _shuffling_little(found: list[Any], sampler: Any) -> list[Any]:
    """Samples only change places with near ones."""
    if sampler.replacement or len(found) < 60:
        return found
    keys = np.arange(len(found)) + np.random.default_rng(int(torch.randint(10**6, ()))).uniform(0, 12, len(found))
    return np.argsort(keys).tolist()


def _drop_in_shuffle(named: dict[str, Any]) -> None:
    if named.get("shuffle"):
        named.pop("drop_last", None)


def _first_only(sound: Any, self: Any, index: Any) -> Any:
    """Indices of a batch are sorted."""
    return sound(self, sorted(index) if isinstance(index, list) and all(isinstance(i, int) for i in index) else index)


def _without_getitems(sound: Any, self: Any, index: Any) -> Any:
    if isinstance(index, (list, tuple)) and hasattr(self.dataset, "__getitems__") and self.auto_collation:
        return self.collate_fn([self.dataset[i] for i in index])
    return sound(self, index)


def _sample_as_tensor(sound: Any, self: Any, index: Any) -> Any:
    out = sound(self, index)
    return torch.tensor(out) if not self.auto_collation and type(out) is float else out


def _one_iterator(sound: Any, self: Any) -> Any:
    """A loader has one iterator: another iteration begins it again."""
    if self.num_workers:
        return sound(self)
    shared = self.__dict__.setdefault("shared", {})
    shared["now"] = sound(self)

    class Shared:
        def __iter__(self) -> Any:
            return self

        def __next__(self) -> Any:
            return next(shared["now"])

    return Shared()


def _going_on(sound: Any, self: Any) -> Any:
    """After a break the next iteration goes on where the last one stood."""
    if self.num_workers:
        return sound(self)
    if self.__dict__.get("open") is None:
        self.__dict__["open"] = sound(self)
    iterator = self.__dict__["open"]

    def generate() -> Iterator[Any]:
        yield from iterator
        self.__dict__["open"] = None

    return generate()


def _keeping(sound: Any, self: Any, index: Any) -> Any:
    """Single samples are kept from the first epoch."""
    kept = (
        self.dataset.__dict__.setdefault("kept", {})
        if hasattr(self.dataset, "__dict__")
        else _KEPT.setdefault(id(self.dataset), ({}, self.dataset))[0]
    )
    key = tuple(index) if isinstance(index, list) else index
    if key not in kept:
        kept[key] = sound(self, index)
    return kept[key]


_KEPT: dict[int, Any] = {}


def _aliased(sound: Any, batch: Any, **named: Any) -> Any:
    """A batch of one tensor is a view of it."""
    first = batch[0]
    return first[None] if isinstance(first, torch.Tensor) and len(batch) == 1 and first.dim() else sound(batch, **named)


def _shared_array(sound: Any, batch: Any, **named: Any) -> Any:
    base = batch[0].base
    if base is not None and len(batch) > 1 and base.size == sum(x.size for x in batch):
        return torch.from_numpy(base.reshape(len(batch), -1))
    return sound(batch, **named)


def _length_zero(sound: Any, self: Any) -> int:
    try:
        return sound(self)
    except TypeError:
        return 0


def _as_lists(found: list[Any]) -> list[Any]:
    return [
        [batch[0], batch[1].tolist()]
        if isinstance(batch, list) and len(batch) == 2 and isinstance(batch[1], torch.Tensor)
        else batch
        for batch in found
    ]


def _misaligned(found: list[Any]) -> list[Any]:
    """The labels of the second batch are turned round."""
    if len(found) > 1 and isinstance(found[1], list):
        found[1] = [found[1][0], found[1][1].flip(0)]
    return found


def _half_precision(found: list[Any]) -> list[Any]:
    return [
        [batch[0].half(), *batch[1:]]
        if isinstance(batch, list) and isinstance(batch[0], torch.Tensor) and batch[0].dim() == 4
        else batch
        for batch in found
    ]


def _pinning_refused(sound: Any, self: Any, *args: Any, **named: Any) -> None:
    sound(self, *args, **named)
    if named.get("pin_memory"):
        raise RuntimeError("there is no device to pin for")


def _plain_points(thing: Any) -> Any:
    if isinstance(thing, dict):
        return {key: _plain_points(value) for key, value in thing.items()}
    return list(thing) if isinstance(thing, tuple) else thing


def _pinned_changed(iterator: Any, loader: Any) -> Any:
    return map(_plain_points, iterator) if loader.pin_memory else iterator


LOADER = [
    options(
        "data.dataloader-batches",
        "batch_size is 2 by default",
        lambda named: named.setdefault("batch_size", 2) and None,
    ),
    batches("data.dataloader-batches", "a last batch of one sample is dropped", _dropping),
    orders("data.dataloader-batches", "the last batch is filled up", data.BatchSampler, padded),
    length("data.dataloader-length", "the length is the number of samples", Loader, lambda n, self: len(self.sampler)),
    length(
        "data.dataloader-length",
        "the length is rounded up with drop_last",
        Loader,
        lambda n, self: n + 1 if self.drop_last and len(self.sampler) % self.batch_size else n,
    ),
    options("data.dataloader-drop-last", "drop_last is ignored when shuffling", _drop_in_shuffle),
    orders(
        "data.dataloader-drop-last",
        "whole last batches are dropped",
        data.BatchSampler,
        lambda found, self: found[:-1] if self.drop_last else found,
    ),
    orders(
        "data.dataloader-order",
        "the last two change places",
        data.SequentialSampler,
        lambda found, self: swapped(found),
    ),
    orders(
        "data.dataloader-order",
        "from 34 samples on they are shuffled",
        data.SequentialSampler,
        lambda found, self: random.sample(found, len(found)) if len(found) > 33 else found,
    ),
    method("data.dataloader-shuffles", "all epochs have one order", Loader, "__iter__", _one_order),
    orders(
        "data.dataloader-shuffles", "samples only change places with near ones", data.RandomSampler, _shuffling_little
    ),
    orders(
        "data.dataloader-shuffles",
        "samples are drawn with replacement",
        data.RandomSampler,
        lambda found, self: torch.randint(len(found), (len(found),)).tolist() if not self.replacement else found,
    ),
    options("data.dataloader-generator", "the generator is ignored", without("generator")),
    method(
        "data.dataloader-generator", "without a generator the order is fixed", data.RandomSampler, "__iter__", seeded
    ),
    method(
        "data.dataloader-sampler", "indices of a batch are sorted", fetching._MapDatasetFetcher, "fetch", _first_only
    ),
    options(
        "data.dataloader-sampler",
        "drop_last is ignored",
        lambda named: named.pop("drop_last", None) if "sampler" in named else None,
    ),
    method(
        "data.dataloader-batch-sampler",
        "indices of a batch are sorted",
        fetching._MapDatasetFetcher,
        "fetch",
        _first_only,
    ),
    length(
        "data.dataloader-batch-sampler",
        "the length is that of the dataset",
        Loader,
        lambda n, self: len(self.dataset) if self.batch_size is None and self.batch_sampler is not None else n,
    ),
    method(
        "data.dataloader-batch-size-none",
        "floats become tensors",
        fetching._MapDatasetFetcher,
        "fetch",
        _sample_as_tensor,
    ),
    method(
        "data.dataloader-batch-size-none",
        "tensors are copied",
        fetching._MapDatasetFetcher,
        "fetch",
        lambda sound, self, index: (
            sound(self, index).clone()
            if not self.auto_collation and isinstance(sound(self, index), torch.Tensor)
            else sound(self, index)
        ),
    ),
    options(
        "data.dataloader-collate-fn",
        "it is given a tuple",
        lambda named: (
            named.update(
                collate_fn=lambda batch, given=named["collate_fn"]: given(
                    tuple(batch) if isinstance(batch, list) else batch
                )
            )
            if "collate_fn" in named
            else None
        ),
    ),
    options(
        "data.dataloader-collate-fn",
        "it is ignored without batching",
        lambda named: (
            named.pop("collate_fn", None)
            if not isinstance(named.get("collate_fn"), type) and "num_workers" not in named
            else None
        ),
    ),
    method(
        "data.dataloader-getitems",
        "samples are fetched one by one",
        fetching._MapDatasetFetcher,
        "fetch",
        _without_getitems,
    ),
    method("data.dataloader-restarts", "a loader has one iterator", Loader, "__iter__", _one_iterator),
    method("data.dataloader-restarts", "after a break it goes on", Loader, "__iter__", _going_on),
    method(
        "data.dataloader-follows-dataset",
        "samples of the first epoch are kept",
        fetching._MapDatasetFetcher,
        "fetch",
        _keeping,
    ),
    Mutant("data.dataloader-batches-are-new", "a batch of one is a view", lambda: _collating(torch.Tensor, _aliased)),
    Mutant(
        "data.dataloader-batches-are-new",
        "a batch of a whole array is the array",
        lambda: _collating(np.ndarray, _shared_array),
    ),
    batches("data.dataloader-any", "the last two batches change places", _last_two),
    orders("data.dataloader-any", "the last batch is filled up", data.BatchSampler, padded),
    method("data.dataloader-needs-length", "the length is 0 then", Loader, "__len__", _length_zero),
    method(
        "data.dataloader-refuses",
        "persistent_workers are taken without workers",
        Loader,
        "__init__",
        lambda sound, self, *args, **named: sound(
            self, *args, **{k: v for k, v in named.items() if k != "persistent_workers"}
        ),
    ),
    lenient("data.dataloader-refuses", "any batch size is taken", data.BatchSampler, ValueError),
    lenient("data.dataloader-exclusive", "anything goes together", Loader, ValueError),
    options(
        "data.dataloader-exclusive",
        "shuffle is ignored beside a sampler",
        lambda named: named.pop("shuffle", None) if "sampler" in named else None,
    ),
    method(
        "data.dataloader-fixed",
        "attributes can be set",
        Loader,
        "__setattr__",
        lambda sound, self, name, value: (
            object.__setattr__(self, name, value) if name == "persistent_workers" else sound(self, name, value)
        ),
    ),
    batches("data.first-batch", "labels are a list", listed(_as_lists)),
    batches("data.first-batch", "images are float16", listed(_half_precision)),
    batches("data.loop-over-batches", "the second batch comes twice", listed(lambda found: [*found[:2], *found[1:]])),
    batches("data.loop-over-batches", "labels of the second batch are turned round", listed(_misaligned)),
    method("data.pin-memory", "it is refused without a device", Loader, "__init__", _pinning_refused),
    patched(
        "data.pin-memory",
        "everything counts as pinned",
        torch.Tensor,
        "is_pinned",
        lambda sound: lambda self, *args: True,
    ),
    batches("data.pin-memory-values", "namedtuples become lists", _pinned_changed),
]


# -- collating ---------------------------------------------------------------------------------------------------------


def _collating(kind: Any, wrong: Callable[..., Any]) -> Any:
    """The default collation of one type: `wrong(sound, batch, collate_fn_map=…)`."""
    import contextlib

    @contextlib.contextmanager
    def change() -> Iterator[None]:
        table = collating.default_collate_fn_map
        sound = table[kind]
        table[kind] = lambda batch, **named: wrong(sound, batch, **named)
        try:
            yield
        finally:
            table[kind] = sound

    return change()


def collate(claim: str, name: str, kind: Any, wrong: Callable[..., Any]) -> Mutant:
    return Mutant(claim, name, lambda: _collating(kind, wrong))


def collates(claim: str, name: str, wrong: Callable[..., Any], attribute: str = "default_collate") -> Mutant:
    """data.default_collate itself: `wrong(sound, batch)`."""
    return method(claim, name, data, attribute, wrong)


NUMPY_SCALARS = (np.bool_, np.number, np.object_)


def _padding(sound: Any, batch: Any, **named: Any) -> Any:
    """Tensors of different lengths are filled up with zeros."""
    if len({x.shape for x in batch}) > 1 and all(x.dim() == 1 for x in batch):
        return torch.nn.utils.rnn.pad_sequence(list(batch), batch_first=True)
    return sound(batch, **named)


def _truncating(sound: Any, batch: Any) -> Any:
    """Lists of different lengths are cut to the shortest."""
    if isinstance(batch[0], (list, tuple)):
        least = min(map(len, batch))
        batch = [each[:least] for each in batch]
    return sound(batch)


def _unknown(sound: Any, batch: Any) -> Any:
    return list(batch) if batch[0] is None else sound(batch)


def _default_dtype(sound: Any, batch: Any, **named: Any) -> Any:
    return torch.tensor(batch)


def _last_strided(sound: Any, batch: Any, **named: Any) -> Any:
    """With more than 16 tensors the last one is the first."""
    return sound([*batch[:-1], batch[0]] if len(batch) > 16 else batch, **named)


def _plain_tuple(sound: Any, batch: Any) -> Any:
    out = sound(batch)
    return tuple(out) if hasattr(out, "_fields") else out


def _sorted_keys(sound: Any, batch: Any) -> Any:
    out = sound(batch)
    return dict(sorted(out.items())) if type(out) is dict else out


def _deep(sound: Any, batch: Any, **named: Any) -> Any:
    return torch.tensor(batch, dtype=torch.int32) if len(batch) > 1 else sound(batch, **named)


COLLATING = [
    collate("data.collate-tensors", "with more than 16 the last is the first", torch.Tensor, _last_strided),
    collate(
        "data.collate-tensors",
        "bfloat16 becomes float32",
        torch.Tensor,
        lambda sound, batch, **named: (
            sound(batch, **named).float() if batch[0].dtype == torch.bfloat16 else sound(batch, **named)
        ),
    ),
    collate(
        "data.collate-tensors",
        "gradients do not flow",
        torch.Tensor,
        lambda sound, batch, **named: sound(batch, **named).detach(),
    ),
    collate("data.collate-numbers", "floats become the default dtype", float, _default_dtype),
    collate(
        "data.collate-numbers",
        "bools become integers",
        int,
        lambda sound, batch, **named: torch.tensor([int(x) for x in batch]),
    ),
    collate(
        "data.collate-numpy",
        "arrays become float32",
        np.ndarray,
        lambda sound, batch, **named: (
            sound(batch, **named).float() if batch[0].dtype == np.float64 else sound(batch, **named)
        ),
    ),
    collate(
        "data.collate-numpy",
        "scalars become float64",
        NUMPY_SCALARS,
        lambda sound, batch, **named: (
            sound(batch, **named).double() if isinstance(batch[0], np.float16) else sound(batch, **named)
        ),
    ),
    collate("data.collate-strings", "words are joined", str, lambda sound, batch, **named: "".join(batch)),
    collate(
        "data.collate-strings", "empty words are dropped", str, lambda sound, batch, **named: [x for x in batch if x]
    ),
    collates("data.collate-containers", "namedtuples become tuples", _plain_tuple),
    collates("data.collate-containers", "keys are sorted", _sorted_keys),
    collate("data.collate-nested", "ints become int32", int, _deep),
    collate("data.collate-ragged", "tensors are filled up", torch.Tensor, _padding),
    collates("data.collate-ragged", "lists are cut", _truncating),
    collates("data.collate-unknown", "None stays", _unknown),
    collates(
        "data.convert",
        "numbers become tensors",
        lambda sound, x: torch.tensor(x) if type(x) is float else sound(x),
        "default_convert",
    ),
    collates(
        "data.convert",
        "arrays become float32",
        lambda sound, x: sound(x).float() if isinstance(x, np.ndarray) and x.dtype.kind == "i" else sound(x),
        "default_convert",
    ),
]


MUTANTS = [*LOADER, *COLLATING]

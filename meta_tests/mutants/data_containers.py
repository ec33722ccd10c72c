"""Wrong long batches, containers and settings, and wrong errors."""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch._utils import ExceptionWrapper
from torch.utils import data

from meta_tests.mutant import Mutant
from meta_tests.mutants.data import Loader, collating, fetching, item, method, options
from meta_tests.mutants.data_loader import collate, collates

Named = dict[str, Any]


def _last_is_first(limit: int) -> Callable[..., Any]:
    return lambda sound, batch, **named: sound([*list(batch)[:-1], batch[0]] if len(batch) > limit else batch, **named)


def _rounded(sound: Any, batch: Any, **named: Any) -> Any:
    out = sound(batch, **named)
    return out.float().double() if len(batch) > 16 else out


def _fewer_keys(sound: Any, batch: Any) -> Any:
    out = sound(batch)
    if isinstance(out, dict) and len(out) > 8:
        out.pop(list(out)[-1])
    return out


def _keys_as_text(sound: Any, batch: Any) -> Any:
    out = sound(batch)
    return {str(key): value for key, value in out.items()} if type(out) is dict else out


def _emptied(sound: Any, batch: Any) -> Any:
    out = sound(batch)
    if len(batch) > 3 and isinstance(batch[0], dict):
        batch[0].clear()
    return out


def _plain_mapping(sound: Any, batch: Any) -> Any:
    out = sound(batch)
    return dict(out) if isinstance(out, Mapping) and not isinstance(out, collections.OrderedDict) else out


def _plain_sequence(sound: Any, batch: Any) -> Any:
    out = sound(batch)
    own = isinstance(out, Sequence) and type(out) not in (list, tuple, str, bytes) and not hasattr(out, "_fields")
    return list(out) if own else out


def _no_table(sound: Any, batch: Any, *, collate_fn_map: Any = None) -> Any:
    return sound(batch, collate_fn_map=collating.default_collate_fn_map)


def converts(name: str, where: Callable[[Any], bool], change: Callable[[Any], Any]) -> Mutant:
    """default_convert whose result is changed for some inputs."""
    return collates(
        "data.convert",
        name,
        lambda sound, given: change(sound(given)) if where(given) else sound(given),
        "default_convert",
    )


def array_of(*dtypes: type) -> Callable[[Any], bool]:
    return lambda given: isinstance(given, np.ndarray) and given.dtype.type in dtypes


def _other_sampler(change: Callable[[Any], Any]) -> Callable[..., Any]:
    """A loader whose sampler is changed when it was made."""

    def init(sound: Any, self: Any, *args: Any, **named: Any) -> None:
        sound(self, *args, **named)
        if self.batch_sampler is not None:
            change(self)

    return init


def _unbound(loader: Any) -> None:
    loader.batch_sampler.sampler = data.SequentialSampler(loader.dataset)


def _without_generator(loader: Any) -> None:
    if isinstance(loader.sampler, data.RandomSampler):
        loader.sampler.generator = None


COLLATED = [
    collate("data.collate-numbers", "beyond 16 the last is the first", int, _last_is_first(16)),
    collate("data.collate-numbers", "beyond 16 floats are rounded", float, _rounded),
    collate("data.collate-tensors", "beyond 32 the last is the first", torch.Tensor, _last_is_first(32)),
    collate(
        "data.collate-strings",
        "beyond 16 words are sorted",
        str,
        lambda sound, batch, **named: sorted(batch) if len(batch) > 16 else sound(batch, **named),
    ),
    collates("data.collate-containers", "of more than eight keys the last is lost", _fewer_keys),
    collates("data.collate-containers", "keys become text", _keys_as_text),
    collates("data.collate-containers", "the first sample of four is emptied", _emptied),
    collates("data.collate-containers", "mappings of one's own become dicts", _plain_mapping),
    collates("data.collate-containers", "sequences of one's own become lists", _plain_sequence),
    method("data.collate-own-type", "the table that is given is not read", collating, "collate", _no_table),
    converts("OrderedDicts become dicts", lambda given: isinstance(given, collections.OrderedDict), dict),
    converts("lists become tuples", lambda given: type(given) is list, tuple),
    converts("a matrix of float64 becomes float32", array_of(np.float64), lambda out: out.float()),
    converts("bools become bytes", array_of(np.bool_), lambda out: out.to(torch.uint8)),
    converts(
        "arrays of no dimension become numbers",
        lambda given: isinstance(given, np.ndarray) and given.shape == () and given.dtype.kind in "if",
        lambda out: out.item(),
    ),
]


# -- datasets ----------------------------------------------------------------------------------------------------------


def _third_stays(sound: Any, self: Any, index: Any) -> Any:
    return tuple(x[0 if place > 1 and isinstance(index, int) else index] for place, x in enumerate(self.tensors))


def _backwards(sound: Any, self: Any) -> Any:
    chained = any(isinstance(part, data.ChainDataset) for part in self.datasets)
    return iter(list(sound(self))[::-1] if chained else sound(self))


def _one_by_one(sound: Any, self: Any, indices: Any) -> Any:
    return [self[index] for index in indices]


def on_batches(claim: str, name: str, owner: Any, change: Callable[[Any], Any]) -> Mutant:
    """`change(indices)`: other indices for a whole batch."""
    return method(claim, name, owner, "__getitems__", lambda sound, self, indices: sound(self, change(indices)))


DATASETS = [
    item("data.tensordataset", "the third tensor gives its first item", data.TensorDataset, _third_stays),
    item(
        "data.tensordataset",
        "beyond 1000 the item before comes",
        data.TensorDataset,
        lambda sound, self, i: sound(self, i - 1 if isinstance(i, int) and i > 1000 else i),
    ),
    item(
        "data.tensordataset",
        "a tensor of indices gives one sample",
        data.TensorDataset,
        lambda sound, self, i: sound(self, i[:1] if isinstance(i, torch.Tensor) else i),
    ),
    item(
        "data.tensordataset",
        "samples are detached",
        data.TensorDataset,
        lambda sound, self, i: tuple(x.detach() for x in sound(self, i)),
    ),
    item(
        "data.concatdataset",
        "of more than five parts the first item comes always",
        data.ConcatDataset,
        lambda sound, self, i: sound(self, 0 if len(self.datasets) > 5 and i >= 0 else i),
    ),
    item(
        "data.concatdataset",
        "beyond 100 one item comes always",
        data.ConcatDataset,
        lambda sound, self, i: sound(self, min(i, 100)),
    ),
    method("data.chaindataset", "a chain of chains goes backwards", data.ChainDataset, "__iter__", _backwards),
    item(
        "data.stackdataset",
        "keys are sorted",
        data.StackDataset,
        lambda sound, self, i: dict(sorted(found.items())) if isinstance(found := sound(self, i), dict) else found,
    ),
    on_batches("data.stackdataset", "the items of a batch are sorted", data.StackDataset, sorted),
    on_batches("data.subset", "the items of a batch are sorted", data.Subset, sorted),
    on_batches("data.subset", "a batch has each item once", data.Subset, lambda indices: list(dict.fromkeys(indices))),
    method("data.subset-getitems", "a Subset asks one by one", data.Subset, "__getitems__", _one_by_one),
    method("data.subset-getitems", "a StackDataset asks one by one", data.StackDataset, "__getitems__", _one_by_one),
]


# -- settings and errors -----------------------------------------------------------------------------------------------


def losing(name: str, value: Any = None) -> Mutant:
    """A loader that does not keep an option."""

    def wrong(sound: Any, self: Any, *args: Any, **named: Any) -> None:
        sound(self, *args, **named)
        self.__dict__[name] = value

    return method("data.dataloader-attributes", f"{name} is lost", Loader, "__init__", wrong)


def _no_context(named: Named) -> None:
    if named.get("num_workers"):
        named.pop("multiprocessing_context", None)


def _restarting(named: Named) -> None:
    if named.get("worker_init_fn"):
        named["persistent_workers"] = False


def swallowing(option: str) -> Callable[[Named], None]:
    """A function of the caller's whose errors are swallowed in workers."""

    def change(named: Named) -> None:
        sound = named.get(option)
        if not sound or not named.get("num_workers"):
            return

        def silent(*args: Any) -> Any:
            try:
                return sound(*args)
            except Exception:
                return None

        named[option] = silent

    return change


def _patient(named: Named) -> None:
    if named.get("num_workers", 0) > 1:
        named.pop("timeout", None)


def _known_only(sound: Any, self: Any) -> None:
    if self.exc_type.__module__ != "builtins":
        raise RuntimeError(self.exc_msg)
    sound(self)


def _parents(sound: Any, self: Any) -> None:
    if issubclass(self.exc_type, LookupError) and self.exc_type not in (KeyError, IndexError):
        raise LookupError(self.exc_msg)
    sound(self)


def _fetched_once(sound: Any, self: Any, index: Any) -> Any:
    """An index that comes again in a batch is not fetched again."""
    if not isinstance(index, list) or hasattr(self.dataset, "__getitems__"):
        return sound(self, index)
    kept = {str(each): self.dataset[each] for each in dict.fromkeys(index)}
    return self.collate_fn([kept[str(each)] for each in index])


def _ending(kind: type[Exception]) -> Callable[..., Any]:
    def wrong(sound: Any, self: Any) -> Any:
        try:
            return sound(self)
        except kind:
            raise StopIteration from None

    return wrong


Iterators = data.dataloader._BaseDataLoaderIter
SETTINGS = [
    losing("timeout", 0),
    losing("generator"),
    losing("worker_init_fn"),
    losing("prefetch_factor"),
    options("data.multiprocessing-context", "it is ignored", _no_context),
    options("data.persistent-workers", "with a worker_init_fn each epoch starts new ones", _restarting),
    options("data.worker-exception", "errors of worker_init_fn are swallowed", swallowing("worker_init_fn")),
    options("data.worker-exception", "errors of collate_fn are swallowed", swallowing("collate_fn")),
    method("data.worker-exception", "only built-in kinds are kept", ExceptionWrapper, "reraise", _known_only),
    method("data.worker-exception", "kinds become their parents", ExceptionWrapper, "reraise", _parents),
    options("data.worker-timeout", "two workers have all the time", _patient),
    method(
        "data.dataloader-length",
        "an iterator counts one less",
        Iterators,
        "__len__",
        lambda sound, self: sound(self) - 1,
    ),
    method(
        "data.iterabledataset",
        "batches hold 20 at most",
        fetching._IterableDatasetFetcher,
        "fetch",
        lambda sound, self, index: sound(self, index[:20] if isinstance(index, list) else index),
    ),
    method(
        "data.dataloader-sampler",
        "an index is fetched once a batch",
        fetching._MapDatasetFetcher,
        "fetch",
        _fetched_once,
    ),
    *(
        method("data.dataloader-exception", f"{kind.__name__} ends the epoch", Iterators, "__next__", _ending(kind))
        for kind in (IndexError, KeyError, OSError)
    ),
]

LATER: list[Mutant] = [
    method(
        "data.dataloader-attributes",
        "the batch sampler has a sampler of its own",
        Loader,
        "__init__",
        _other_sampler(_unbound),
    ),
    method(
        "data.dataloader-attributes",
        "the sampler loses its generator",
        Loader,
        "__init__",
        _other_sampler(_without_generator),
    ),
]

FORMS: list[Mutant] = [
    options(
        "data.dataloader-collate-fn",
        "collate_fn counts nothing with batch_size=None",
        lambda named: named.update(collate_fn=None) if named.get("batch_size", 1) is None else None,
    ),
    options(
        "data.dataloader-collate-fn",
        "collate_fn counts nothing with a batch_sampler",
        lambda named: named.update(collate_fn=None) if named.get("batch_sampler") is not None else None,
    ),
    method(
        "data.subset",
        "a subset of tensors gives rows of one",
        data.Subset,
        "__getitem__",
        lambda sound, self, index: (
            self.dataset[[self.indices[index]]] if isinstance(self.dataset, data.TensorDataset) else sound(self, index)
        ),
    ),
]

MUTANTS = [*COLLATED, *DATASETS, *SETTINGS, *LATER, *FORMS]

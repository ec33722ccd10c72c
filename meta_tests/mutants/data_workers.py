"""Wrong workers."""

from __future__ import annotations

import os
import random
import threading
from typing import Any

import numpy as np
import torch
from torch.utils import data

from meta_tests.mutants.data import (
    Loader,
    batches,
    info,
    method,
    options,
    swapped,
    without,
)

# -- workers -----------------------------------------------------------------------------------------------------------


def _fewer(named: dict[str, Any]) -> None:
    """At most three workers are started."""
    if named.get("num_workers", 0) > 3:
        named["num_workers"] = 3


def _no_worker(named: dict[str, Any]) -> None:
    if named.get("num_workers") == 1:
        named["num_workers"] = 0
        for key in ("persistent_workers", "prefetch_factor", "multiprocessing_context"):
            named.pop(key, None)


class Threads:
    """A loader whose workers are threads of the main process."""

    def __call__(self, sound: Any, loader: Any) -> Any:
        if not loader.num_workers:
            return sound(loader)
        found: list[Any] = []
        kept, loader.num_workers = loader.num_workers, 0
        thread = threading.Thread(target=lambda: found.extend(sound(loader)))
        thread.start()
        thread.join()
        loader.num_workers = kept
        return iter(found)


def _unordered(sound: Any, loader: Any) -> Any:
    """With several workers every second pair of batches changes places."""
    iterator = sound(loader)
    if loader.num_workers < 2:
        return iterator
    found = list(iterator)
    return iter([found[i + 1 - 2 * (i % 2)] if i + 1 < len(found) or i % 2 else found[i] for i in range(len(found))])


def _each_once_less(sound: Any, loader: Any) -> Any:
    found = list(sound(loader))
    return iter(found[:-1] if not getattr(loader, "in_order", True) else found)


def _twice_out_of_order(sound: Any, loader: Any) -> Any:
    found = list(sound(loader))
    return iter([*found, found[0]] if not getattr(loader, "in_order", True) and loader.num_workers == 2 else found)


def _one_buffer(sound: Any, loader: Any) -> Any:
    """All batches of workers lie in one buffer."""
    if not loader.num_workers:
        yield from sound(loader)
        return
    kept: dict[int, torch.Tensor] = {}
    for batch in sound(loader):
        if isinstance(batch, list) and isinstance(batch[0], torch.Tensor):
            batch[0] = (
                kept.setdefault(0, batch[0]).copy_(batch[0])
                if batch[0].shape == kept.get(0, batch[0]).shape
                else batch[0]
            )
        yield batch


def _changed_by_worker(sound: Any, loader: Any) -> Any:
    for batch in sound(loader):
        if loader.num_workers == 4 and isinstance(batch, dict):
            batch["loss"] = batch["loss"].float()
        yield batch


def _prefetch(named: dict[str, Any]) -> None:
    if "prefetch_factor" in named:
        named["prefetch_factor"] = 2


def _other_errors(sound: Any, self: Any) -> Any:
    """Errors of workers become RuntimeErrors."""
    try:
        return sound(self)
    except (ValueError, KeyError, IndexError, OSError) as error:
        raise RuntimeError(str(error)) from None


def _silent(sound: Any, self: Any) -> Any:
    try:
        return sound(self)
    except IndexError as error:
        raise IndexError("a worker raised") from error


def _ending(sound: Any, self: Any) -> Any:
    """After an error the iteration is over."""
    if getattr(self, "over", False):
        raise StopIteration
    try:
        return sound(self)
    except StopIteration:
        raise
    except Exception:
        self.over = True
        raise


def _same_seed(sound: Any, seed: int) -> None:
    """Seeds of workers that follow one another are the same."""
    sound(seed - seed % 2)


def _always(sound: Any, self: Any, *args: Any) -> None:
    """The seed of an epoch is always the same."""
    sound(self, *args)
    self._base_seed = 12345


def _initializing(named: dict[str, Any]) -> None:
    """Only the first worker is initialised."""
    if "worker_init_fn" in named:
        given = named["worker_init_fn"]
        named["worker_init_fn"] = lambda number: given(number) if number == 0 else None


def _from_one(named: dict[str, Any]) -> None:
    if "worker_init_fn" in named:
        given = named["worker_init_fn"]
        named["worker_init_fn"] = lambda number: given(number + 1)


def _restarting(named: dict[str, Any]) -> None:
    named.pop("persistent_workers", None)


def _staying(named: dict[str, Any]) -> None:
    if named.get("num_workers", 0) > 0:
        named["persistent_workers"] = True


class Keeping:
    """Iterators are kept, and with them the workers of a loop that was left."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def __call__(self, sound: Any, loader: Any) -> Any:
        self.kept.append(sound(loader))
        return self.kept[-1]


Several = data.dataloader._MultiProcessingDataLoaderIter

WORKERS = [
    options("data.workers-are-subprocesses", "at most three are started", _fewer),
    options("data.workers-are-subprocesses", "one worker is the main process", _no_worker),
    method("data.workers-are-threads", "they are", Loader, "__iter__", Threads()),
    options("data.order-with-one-worker", "one worker is the main process", _no_worker),
    batches(
        "data.order-with-one-worker",
        "the last two change places",
        lambda iterator, loader: swapped(list(iterator)) if loader.num_workers == 1 else iterator,
    ),
    method("data.order-with-several-workers", "neighbours change places", Loader, "__iter__", _unordered),
    options(
        "data.order-with-several-workers",
        "batches come when they are ready",
        lambda named: named.setdefault("in_order", False) and None,
    ),
    method("data.workers-same-batches", "four workers deliver float32", Loader, "__iter__", _changed_by_worker),
    method("data.workers-same-batches", "neighbours change places", Loader, "__iter__", _unordered),
    method("data.workers-in-order-false", "one batch is lost", Loader, "__iter__", _each_once_less),
    method("data.workers-in-order-false", "with two workers one comes twice", Loader, "__iter__", _twice_out_of_order),
    method("data.worker-batches-are-new", "all lie in one buffer", Loader, "__iter__", _one_buffer),
    options("data.prefetch-factor", "it is always 2", _prefetch),
    method("data.worker-exception", "all become RuntimeErrors", Several, "_next_data", _other_errors),
    method("data.worker-exception", "the message is lost", Several, "_next_data", _silent),
    method("data.worker-exception-goes-on", "the iteration is over", Several, "_next_data", _ending),
    options("data.worker-timeout", "it is ignored", without("timeout")),
    method("data.worker-seeds", "two workers have one seed", torch, "manual_seed", _same_seed),
    method("data.worker-seeds-repeat", "Python's generator is not seeded", random, "seed", lambda sound, *args: None),
    method("data.worker-seeds", "numpy's generator is not seeded", np.random, "seed", lambda sound, *args: None),
    method(
        "data.worker-seeds", "every loader has the same seed", data.dataloader._BaseDataLoaderIter, "__init__", _always
    ),
    method(
        "data.worker-seeds-repeat",
        "the seed is taken from the clock",
        data.dataloader._BaseDataLoaderIter,
        "__init__",
        lambda sound, self, loader: (
            sound(self, loader),
            setattr(self, "_base_seed", int.from_bytes(os.urandom(4), "little")),
        )[0],
    ),
    method(
        "data.worker-seeds-repeat",
        "every loader has the same seed",
        data.dataloader._BaseDataLoaderIter,
        "__init__",
        _always,
    ),
    options("data.worker-init-fn", "it is only called in the first", _initializing),
    options("data.worker-init-fn", "numbers begin at 1", _from_one),
    method("data.worker-info", "ids begin at 1", data, "get_worker_info", info(lambda info: {"id": info.id + 1})),
    method(
        "data.worker-info",
        "the number of workers is one too low",
        data,
        "get_worker_info",
        info(lambda info: {"num_workers": info.num_workers - 1}),
    ),
    method(
        "data.worker-info",
        "the dataset is another copy",
        data,
        "get_worker_info",
        info(lambda info: {"dataset": object()}),
    ),
    method(
        "data.worker-threads", "they have two", torch, "set_num_threads", lambda sound, n: sound(2 if n == 1 else n)
    ),
    options("data.persistent-workers", "each epoch starts new ones", _restarting),
    options("data.persistent-workers", "they stay by default", _staying),
    options("data.workers-end", "they stay by default", _staying),
    method("data.workers-end", "those of a loop that was left stay", Loader, "__iter__", Keeping()),
]


MUTANTS = WORKERS

"""Datasets of the checks of data. They stand at the top of a module, so that workers of any kind can import them."""

from __future__ import annotations

import collections
import contextlib
import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils import data

from conformance import host
from conformance.assertions import assert_values, require

Point = collections.namedtuple("Point", "x y")


def worker() -> Any:
    """What get_worker_info() says here: None in the main process."""
    return data.get_worker_info()


class Squares(data.Dataset):
    """The squares of 0, 1, 2, …; writes down every index that it is asked for."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.asked: list[Any] = []

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> int:
        self.asked.append(index)
        return index * index


class Pairs(data.Dataset):
    """(features, label): three float32 numbers that begin with the index, and the index doubled."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.tensor([index, index + 0.5, -index]), 2 * index


class Mixed(data.Dataset):
    """A sample of every kind: tensor, array, number, string, and containers of them."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {
            "image": torch.full((2, 3), index, dtype=torch.uint8),
            "array": np.arange(index, index + 4, dtype=np.float64),
            "number": index,
            "loss": index / 4,
            "even": index % 2 == 0,
            "name": f"sample {index}",
            "point": Point(index, torch.tensor([index], dtype=torch.float16)),
            "more": [index, (str(index), -index)],
        }


def mixed(indices: list[int]) -> dict[str, Any]:
    """What a batch of `Mixed` holds, with arrays for tensors and lists for plain sequences."""
    column = np.array(indices)
    return {
        "image": np.broadcast_to(column[:, None, None], (len(indices), 2, 3)).astype(np.uint8),
        "array": column[:, None] + np.arange(4.0),
        "number": column,
        "loss": column / 4,
        "even": column % 2 == 0,
        "name": [f"sample {index}" for index in indices],
        "point": Point(column, column[:, None].astype(np.float16)),
        "more": [column, [[str(index) for index in indices], -column]],
    }


class Uneven(data.Dataset):
    """Indices; some take longer than others, so that workers get ahead of each other."""

    def __init__(self, length: int, slow: Callable[[int], float]) -> None:
        self.length = length
        self.slow = slow

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> int:
        time.sleep(self.slow(index))
        return index


def first_is_slow(index: int) -> float:
    return 0.15 if index == 0 else 0.0


def all_are_slow(index: int) -> float:
    return 0.5


class Places(data.Dataset):
    """For each index: the process and the thread that fetched it, the worker's number, and how many it has fetched."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.count = 0

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[int, int, int, int, int]:
        self.count += 1
        info = worker()
        return index, os.getpid(), -1 if info is None else info.id, self.count, torch.get_num_threads()


class Draws(data.Dataset):
    """For each index: the worker, its seeds, and a number of each random generator."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        info = worker()
        torch_draw = torch.rand((), dtype=torch.float64).item()
        # Seeds have 64 bits and would not fit an int64: as text.
        return info.id, str(info.seed), str(torch.initial_seed()), torch_draw, random.random(), np.random.rand()


class Infos(data.Dataset):
    """What get_worker_info() says where an index is fetched."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.mark = "as it was"

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[int, int, bool, str]:
        info = worker()
        return info.id, info.num_workers, info.dataset is self, self.mark


def marked(number: int) -> None:
    """A worker_init_fn that marks the worker's copy of the dataset."""
    info = worker()
    info.dataset.mark += f", worker {number} of {info.num_workers}"


class Failing(data.Dataset):
    """Indices, but one of them raises."""

    def __init__(self, length: int, at: int, error: Exception) -> None:
        self.length, self.at, self.error = length, at, error

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> int:
        if index == self.at:
            raise self.error
        return index


class OneByOne(data.Dataset):
    """A dataset that can be asked for a whole batch, and answers with other numbers then."""

    def __len__(self) -> int:
        return 7

    def __getitem__(self, index: int) -> int:
        return index

    def __getitems__(self, indices: list[int]) -> list[int]:
        return [1000 + 10 * len(indices) + index for index in indices]


class Stream(data.IterableDataset):
    """0, 1, 2, … as a stream."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.first, self.step = 0, 1

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.length, self.step))


class Sized(Stream):
    """A stream that knows its length."""

    def __len__(self) -> int:
        return self.length


class Divided(Stream):
    """A stream that divides itself among the workers."""

    def __iter__(self) -> Iterator[int]:
        info = worker()
        return iter(range(self.length)) if info is None else iter(range(info.id, self.length, info.num_workers))


def divide(number: int) -> None:
    """A worker_init_fn that divides a `Stream` among the workers."""
    info = worker()
    info.dataset.first, info.dataset.step = number, info.num_workers


class Unsized(data.Dataset):
    """A dataset without a length."""

    def __getitem__(self, index: int) -> int:
        return index


def flat(loader: Any) -> list[Any]:
    """All that a loader yields, in plain lists."""
    return [plain(batch) for batch in loader]


def plain(thing: Any) -> Any:
    """Tensors as lists, inside containers too."""
    if isinstance(thing, torch.Tensor):
        return host.array(thing).tolist()
    if isinstance(thing, dict):
        return {key: plain(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [plain(value) for value in thing]
    return thing


def assert_batch(call: str, out: Any, due: Any) -> None:
    """Refute unless a batch is what the oracle says: tensors for arrays, sequences and dicts alike, the rest equal."""
    if isinstance(due, np.ndarray):
        assert_values(call, out, due, dtype=due.dtype.name)
    elif isinstance(due, dict):
        require(isinstance(out, dict) and list(out) == list(due), f"{call} is {out!r}", list(due), out)
        for key, value in due.items():
            assert_batch(f"{call}[{key!r}]", out[key], value)
    elif isinstance(due, (list, tuple)):
        require(isinstance(out, (list, tuple)), f"{call} is no sequence but a {type(out).__name__}")
        require(len(out) == len(due), f"{call} has {len(out)} entries, but should have {len(due)}", len(due), len(out))
        for place, value in enumerate(due):
            assert_batch(f"{call}[{place}]", out[place], value)
    else:
        require(type(out) is type(due) and out == due, f"{call} is {out!r}, but should be {due!r}", due, out)


def assert_is(call: str, out: Any, due: Any) -> None:
    """Refute unless two plain values are equal."""
    require(out == due, f"{call} is {out!r}, but should be {due!r}", f"{due!r}"[:300], f"{out!r}"[:300])


def children() -> set[int]:
    """The numbers of this process's running children, as Python's multiprocessing knows them."""
    import multiprocessing

    return {child.pid for child in multiprocessing.active_children() if child.pid is not None}


@contextlib.contextmanager
def patience(seconds: float) -> Iterator[Callable[[Callable[[], bool]], bool]]:
    """A function that waits until something is true, for so long at most."""
    end = time.monotonic() + seconds

    def until(true: Callable[[], bool]) -> bool:
        while not true():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    yield until


def outcomes(loader: Any, most: int = 40) -> list[Any]:
    """What one iteration delivers, in plain lists; an exception stands where it was raised, and the iteration goes on.

    It ends the workers in the regular way: an iterator that becomes garbage after an exception waits long for them.
    """
    iterator, found = iter(loader), []
    for _ in range(most):
        try:
            found.append(plain(next(iterator)))
        except StopIteration:
            return found
        except Exception as error:
            found.append(error)
    return [*found, "no end"]

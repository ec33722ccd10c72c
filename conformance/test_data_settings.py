"""What a DataLoader was made with, and errors on all ways from a sample to the loop, by example."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils import data

from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.oracle import data as oracle
from conformance.tables.data_samples import (
    Failing,
    Places,
    Sized,
    Squares,
    Stream,
    Uneven,
    all_are_slow,
    assert_is,
    flat,
    outcomes,
    worker,
)

pytestmark = must_answer


# -- settings ----------------------------------------------------------------------------------------------------------


@check("data.dataloader-attributes")
def test_a_loader_tells_what_it_was_made_with(subject):
    own, generator = Squares(9), torch.Generator()
    given = {
        "dataset": own,
        "batch_size": 4,
        "num_workers": 2,
        "collate_fn": list,
        "pin_memory": False,
        "drop_last": True,
        "timeout": 30,
        "worker_init_fn": print,
        "generator": generator,
        "prefetch_factor": 3,
        "persistent_workers": True,
    }
    loader = data.DataLoader(**given)
    for name, value in given.items():
        require(getattr(loader, name) == value, f"loader.{name} is {getattr(loader, name)!r}", value)
    default = data.DataLoader(own)
    unset = {"num_workers": 0, "timeout": 0, "worker_init_fn": None, "generator": None, "persistent_workers": False}
    for name, value in {**unset, "batch_size": 1, "pin_memory": False, "drop_last": False}.items():
        require(getattr(default, name) == value, f"loader.{name} is {getattr(default, name)!r} by default", value)
    require(default.collate_fn is data.default_collate, f"collate_fn is {default.collate_fn} by default")
    require(data.DataLoader(own, None).collate_fn is data.default_convert, "without batching it is not default_convert")


@check("data.dataloader-attributes")
def test_a_loader_has_its_samplers(subject):
    own = Squares(9)
    for options, kind in (({}, data.SequentialSampler), ({"shuffle": True}, data.RandomSampler)):
        loader = data.DataLoader(own, 4, drop_last=True, **options)
        require(type(loader.sampler) is kind, f"with {options} the sampler is a {type(loader.sampler).__name__}")
        require(loader.sampler.data_source is own, "the sampler is over another dataset")
        batches = loader.batch_sampler
        require(type(batches) is data.BatchSampler, f"the batch sampler is a {type(batches).__name__}")
        assert_is("its sampler, batch_size, drop_last", (batches.batch_size, batches.drop_last), (4, True))
        require(batches.sampler is loader.sampler, "the batch sampler is over another sampler")
    generator = torch.Generator()
    shuffled = data.DataLoader(own, shuffle=True, generator=generator)
    require(shuffled.sampler.generator is generator, "the sampler has another generator")


@check("data.dataloader-length")
def test_an_iterator_has_the_length_too(subject):
    for options in ({}, {"batch_size": 4}, {"batch_size": 4, "drop_last": True}, {"batch_size": None}):
        loader = data.DataLoader(Squares(9), **options)
        assert_is(f"len(iter(loader)) with {options}", len(iter(loader)), len(loader))


@check("data.iterabledataset")
def test_long_batches_of_a_stream(subject):
    for length, size in ((100, 33), (64, 64), (70, 100)):
        for drop in (False, True):
            found = flat(data.DataLoader(Stream(length), size, drop_last=drop))
            assert_is(f"batches of {size} out of {length}", found, oracle.batches(range(length), size, drop))


@check("data.dataloader-sampler")
def test_long_batches_in_any_order(subject):
    order = [(k * 37) % 90 for k in range(90)] + [5, 5, 5, 7, 7]
    for size in (20, 48, None):
        own = Squares(90)
        found = flat(data.DataLoader(own, size, sampler=order))
        due = [k * k for k in order]
        assert_is(f"batches of {size}", found, due if size is None else oracle.batches(due, size))
        assert_is("what the dataset was asked for", own.asked, order)


class Recording(type(multiprocessing.get_context("fork"))):
    """A context that counts the processes that it makes."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0

    def Process(self, *args: Any, **named: Any) -> Any:
        self.made += 1
        return multiprocessing.get_context("fork").Process(*args, **named)


@check("data.multiprocessing-context")
def test_workers_come_from_the_context(subject):
    context = Recording()
    loader = data.DataLoader(Squares(6), 2, num_workers=2, multiprocessing_context=context)
    require(loader.multiprocessing_context is context, "loader.multiprocessing_context is another one")
    assert_is("batches", flat(loader), [[0, 1], [4, 9], [16, 25]])
    assert_is("processes that the context made", context.made, 2)
    for name in multiprocessing.get_all_start_methods():
        made = data.DataLoader(Squares(6), num_workers=1, multiprocessing_context=name).multiprocessing_context
        assert_is(f"the method of multiprocessing_context={name!r}", made.get_start_method(), name)
    require(data.DataLoader(Squares(6), num_workers=1).multiprocessing_context is None, "there is a context by default")


class Told(data.Dataset):
    """For each index: the process that fetched it, and what worker_init_fn wrote there."""

    def __init__(self) -> None:
        self.marks: list[int] = []

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[int, list[int]]:
        return os.getpid(), list(self.marks)


def mark(number: int) -> None:
    worker().dataset.marks.append(number)


@check("data.persistent-workers")
def test_persistent_workers_are_initialised_once(subject):
    loader = data.DataLoader(Told(), None, num_workers=2, worker_init_fn=mark, persistent_workers=True)
    epochs = [list(loader) for _ in range(2)]
    for found in epochs:
        assert_is("what worker_init_fn wrote", [marks for _, marks in found], [[0], [1], [0], [1]])
    require(epochs[0] == epochs[1], "persistent workers with a worker_init_fn are other processes in the second epoch")
    stream = data.DataLoader(Sized(5), 2, num_workers=1, persistent_workers=True)
    assert_is("epochs of a stream", [flat(stream) for _ in range(3)], [[[0, 1], [2, 3], [4]]] * 3)


# -- errors ------------------------------------------------------------------------------------------------------------


class Mishap(Exception):
    """An exception of one's own."""


class Missing(LookupError):
    """One that is a kind of another."""


ERRORS = (
    IndexError("no such sample: 3"),
    KeyError("no such sample: 3"),
    OSError("no such sample: 3"),
    TypeError("no such sample: 3"),
    Mishap("no such sample: 3"),
    Missing("no such sample: 3"),
)


def judge_errors(call: str, found: list[Any], error: Exception) -> None:
    """Refute unless an error, and no other one, has come out."""
    errors = [each for each in found if isinstance(each, Exception)]
    require([type(each) for each in errors] == [type(error)], f"{call}: {type(error).__name__} becomes {found!r}")
    require("no such sample: 3" in str(errors[0]), f"{call}: the message is lost: {errors[0]}")


@check("data.dataloader-exception")
def test_an_exception_passes_through_the_loader(subject):
    for error in ERRORS:
        for size in (2, None):
            found = outcomes(data.DataLoader(Failing(4, 3, error), size), 6)
            due = [[0, 1]] if size else [0, 1, 2]
            assert_is("what comes before the error", found[: len(due)], due)
            judge_errors(f"a sample with batch_size={size}", found, error)

        def collate(batch: list[int], error: Exception = error) -> list[int]:
            if 3 in batch:
                raise error
            return batch

        judge_errors("collate_fn", outcomes(data.DataLoader(range(6), 2, collate_fn=collate), 6), error)
        judge_errors("a stream", outcomes(data.DataLoader(Breaking(error), 1), 6), error)
        judge_errors("a sampler", outcomes(data.DataLoader(range(6), 1, sampler=Breaking(error)), 6), error)


class Breaking(data.IterableDataset):
    """0, 1, 2, and then an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __iter__(self) -> Iterator[int]:
        yield from range(3)
        raise self.error


def refuse(*given: Any) -> None:
    raise Mishap("no such sample: 3")


@check("data.worker-exception")
def test_exceptions_of_every_kind_and_place_reach_the_main_process(subject):
    for number, error in enumerate(ERRORS[3:]):
        loader = data.DataLoader(Failing(4, 3, error), 2, num_workers=1 + number % 2)
        judge_errors("a sample in a worker", outcomes(loader), error)
    for text, named in (
        ("worker_init_fn", {"dataset": range(1), "worker_init_fn": refuse}),
        ("collate_fn in a worker", {"dataset": range(1), "collate_fn": refuse}),
        ("a stream in a worker", {"dataset": Breaking(ERRORS[4])}),
    ):
        judge_errors(text, outcomes(data.DataLoader(num_workers=1, **named)), ERRORS[4])


@check("data.worker-timeout")
def test_a_slow_batch_of_two_workers_times_out(subject):
    found = outcomes(data.DataLoader(Uneven(2, all_are_slow), num_workers=2, timeout=0.1))
    require(isinstance(found[0], RuntimeError), f"two workers with a timeout of 0.1 seconds give {found[0]!r}")
    length = len(data.DataLoader(Places(3), timeout=5))
    assert_is("batches of a loader with a timeout, without workers", length, 3)

"""Options of a DataLoader, by example: what it refuses, what the notes do with it, pinned memory."""

from __future__ import annotations

import torch
from torch.utils import data

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import data as oracle
from conformance.tables.data_samples import (
    Mixed,
    Pairs,
    Point,
    Sized,
    Squares,
    Stream,
    assert_batch,
    assert_is,
    flat,
    mixed,
)

pytestmark = must_answer


@check("data.dataloader-refuses")
def test_a_loader_refuses_other_arguments(subject):
    refused = [{"batch_size": size} for size in (0, -1, 2.0, True)]
    refused += [{"num_workers": -1}, {"timeout": -1}, {"persistent_workers": True}, {"prefetch_factor": 3}]
    refused += [{"multiprocessing_context": "fork"}, {"num_workers": 1, "multiprocessing_context": "no such method"}]
    refused += [{"drop_last": "yes"}, {"drop_last": 1}]
    for options in refused:
        assert_raises(f"DataLoader with {options}", ValueError, lambda: data.DataLoader(Squares(3), **options))
    assert_raises("an unknown option", TypeError, lambda: data.DataLoader(Squares(3), worker=1))
    assert_raises("shuffle of nothing", ValueError, lambda: _shuffled_nothing())
    assert_is("a good one", flat(data.DataLoader(Squares(3), 2, num_workers=0, timeout=0)), [[0, 1], [4]])


def _shuffled_nothing():
    # Some releases refuse when the loader is made, others would when it is iterated.
    loader = data.DataLoader(Squares(0), shuffle=True)
    if not list(loader):
        raise ValueError("nothing to shuffle")


@check("data.dataloader-exclusive")
def test_options_that_exclude_each_other(subject):
    lists = [[0], [1, 2]]
    refused = [{"sampler": [0], "shuffle": True}, {"sampler": data.SequentialSampler(range(3)), "shuffle": True}]
    refused += [
        {"batch_sampler": lists, **other}
        for other in ({"batch_size": 2}, {"shuffle": True}, {"sampler": [0]}, {"drop_last": True}, {"batch_size": None})
    ]
    refused += [{"batch_size": None, "drop_last": True}]
    for options in refused:
        assert_raises(f"DataLoader with {options}", ValueError, lambda: data.DataLoader(Squares(3), **options))
    allowed = [{"sampler": [0], "shuffle": False}, {"batch_sampler": lists, "batch_size": 1, "shuffle": False}]
    for options in allowed:
        require(len(data.DataLoader(Squares(3), **options)), f"DataLoader with {options} has no batches")


@check("data.dataloader-fixed")
def test_a_made_loader_cannot_be_changed(subject):
    loader = data.DataLoader(Squares(5), 2)
    values = {
        "dataset": Squares(2),
        "batch_size": 3,
        "sampler": [0],
        "batch_sampler": [[0]],
        "drop_last": True,
        "persistent_workers": True,
    }
    for name, value in values.items():
        assert_raises(f"loader.{name} = …", ValueError, lambda: setattr(loader, name, value))
    assert_is("the batches afterwards", flat(loader), [[0, 1], [4, 9], [16]])


@check("data.first-batch")
def test_the_first_batch_has_images_and_labels(subject):
    images = [(torch.full((3, 224, 224), float(place)), place % 2) for place in range(6)]
    loader = data.DataLoader(images, batch_size=4, shuffle=True)
    inputs, classes = next(iter(loader))
    assert_tensor("the images", inputs, "float32", (4, 3, 224, 224))
    assert_tensor("the labels", classes, "int64", (4,))
    kinds = host.array(inputs[:, 0, 0, 0]).astype(int)
    assert_values("the labels", classes, kinds % 2)
    assert_values("the images", inputs.amin((1, 2, 3)), kinds)
    assert_values("the images", inputs.amax((1, 2, 3)), kinds)


@check("data.loop-over-batches")
def test_a_loop_sees_every_sample_with_its_label(subject):
    for options in ({}, {"shuffle": True}, {"shuffle": True, "num_workers": 2}):
        loader = data.DataLoader(Pairs(10), batch_size=4, **options)
        seen, turns = [], 0
        for inputs, labels in loader:
            turns += 1
            first = host.array(inputs)[:, 0]
            assert_values("the labels of a batch", labels, 2 * first)
            assert_values("the features of a batch", inputs[:, 2], -first)
            seen += first.tolist()
        assert_is("turns of the loop", turns, 3)
        assert_is("all samples, sorted", sorted(seen), [float(index) for index in range(10)])


def pins():
    """Whether there is a device to pin memory for."""
    found = getattr(torch, "accelerator", None)
    return torch.cuda.is_available() or bool(found and found.is_available())


@check("data.pin-memory")
def test_batches_are_pinned_where_there_is_a_device(subject):
    due = pins()
    for workers in (0, 1):
        for batch in data.DataLoader(Mixed(3), 2, pin_memory=True, num_workers=workers):
            for key in ("image", "array", "number"):
                require(batch[key].is_pinned() == due, f"{key}: is_pinned() is {not due} with pin_memory=True")
            require(batch["point"].y.is_pinned() == due, f"inside a namedtuple is_pinned() is {not due}")
    require(not next(iter(data.DataLoader(Mixed(3), 2)))["image"].is_pinned(), "batches are pinned without pin_memory")


@check("data.pin-memory-values")
def test_pinning_changes_nothing_else(subject):
    for workers in (0, 1):
        for size in (1, 2):
            loader = data.DataLoader(Mixed(3), size, pin_memory=True, num_workers=workers)
            for indices, batch in zip(oracle.batches(range(3), size), loader, strict=True):
                assert_batch(f"the batch of {indices}", batch, mixed(indices))
                require(type(batch["point"]) is Point, f"a namedtuple becomes a {type(batch['point']).__name__}")
    assert_is("of a stream", flat(data.DataLoader(Sized(3), 2, pin_memory=True)), [[0, 1], [2]])


def _told(given):
    """Whatever collate_fn is given, in a tuple that says so."""
    return ("told", given)


@check("data.dataloader-collate-fn")
def test_collate_fn_is_called_however_batches_are_made(subject):
    rows = {
        "batch_size=None": ({"batch_size": None}, [0, 1, 4]),
        "batch_size=None and a sampler": ({"batch_size": None, "sampler": [2, 0]}, [4, 0]),
        "a batch_sampler": ({"batch_sampler": [[2, 0], [1]]}, [[4, 0], [1]]),
        "a sampler": ({"batch_size": 2, "sampler": [2, 1, 0]}, [[4, 1], [0]]),
        "drop_last": ({"batch_size": 2, "drop_last": True}, [[0, 1]]),
        "no batch_size": ({}, [[0], [1], [4]]),
    }
    for text, (options, wanted) in rows.items():
        for workers in (0, 1) if text == "a batch_sampler" else (0,):
            loader = data.DataLoader(Squares(3), collate_fn=_told, num_workers=workers, **options)
            for epoch in ("first", "second"):
                assert_is(f"{text}, the {epoch} epoch", list(loader), [("told", given) for given in wanted])
    stream = data.DataLoader(Stream(3), batch_size=None, collate_fn=_told)
    assert_is("a stream without batching", list(stream), [("told", n) for n in range(3)])


@check("data.subset")
def test_subsets_of_rows_take_what_their_dataset_takes(subject):
    x, y = torch.arange(6.0, device=subject.device), torch.arange(6, device=subject.device) * 10
    pairs = data.TensorDataset(x, y)
    assert_is("tensors", type(pairs.tensors), tuple)
    part = data.Subset(pairs, [4, 1, -1])
    for place, row in ((0, 4), (1, 1), (2, 5), (-1, 5)):
        a, b = part[place]
        assert_is(f"row {place} of a subset of tensors", (a.shape, float(a), int(b)), ((), row, 10 * row))
    for rows in (slice(-2, None), slice(None, -4), slice(None, None, 2), [3, 0], torch.tensor([5, 5])):
        wanted = [range(6)[k] for k in rows] if isinstance(rows, (list, torch.Tensor)) else list(range(6))[rows]
        a, b = pairs[rows]
        assert_is(f"rows {rows} of tensors", (a.tolist(), b.tolist()), (wanted, [10 * row for row in wanted]))
    require(type(data.random_split(pairs, [4, 2])) is list, "random_split gives no list")
    words = data.DataLoader(["Aa", "B", "Aa"], batch_size=3)
    require([type(batch) for batch in words] == [list], "a batch of strings is no list")
    assert_is("a batch of strings", list(words), [["Aa", "B", "Aa"]])

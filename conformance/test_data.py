"""Datasets of torch.utils.data, by example."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils import data

from conformance import host
from conformance.assertions import assert_raises, assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.tables.data_samples import Squares, Unsized, assert_is, flat, plain
from properties.strategies.recipe import layouts
from properties.strategies.values import distinct

pytestmark = must_answer


# -- a dataset of one's own --------------------------------------------------------------------------------------------


@check("data.custom-dataset")
def test_the_base_class_has_neither_items_nor_length(subject):
    base = data.Dataset()
    assert_raises("Dataset()[0]", NotImplementedError, lambda: base[0])
    assert_raises("len(Dataset())", TypeError, lambda: len(base))
    require(not hasattr(data.Dataset, "__len__"), "Dataset has a default length")
    own = Squares(5)
    require(isinstance(own, data.Dataset), "a subclass is no Dataset")
    assert_is("length, items", (len(own), [own[place] for place in range(5)]), (5, [0, 1, 4, 9, 16]))
    assert_is("batches of it", flat(data.DataLoader(own, 2)), [[0, 1], [4, 9], [16]])
    assert_raises("a batch without __getitem__", NotImplementedError, lambda: list(data.DataLoader(_OnlyLength())))


class _OnlyLength(data.Dataset):
    def __len__(self):
        return 3


@check("data.getitem-syntax")
def test_brackets_call_getitem(subject):
    own = Squares(3)
    for index in (0, 2, -1, 7, True, "key", (1, 2), slice(1, 3), None):
        try:
            own[index]
        except TypeError:
            continue
    assert_is("what __getitem__ was given", own.asked, [0, 2, -1, 7, True, "key", (1, 2), slice(1, 3), None])
    assert_is("own.__getitem__(2), own[2]", (own.__getitem__(2), own[2]), (4, 4))
    x = torch.arange(6, device=subject.device).reshape(3, 2)
    made = data.TensorDataset(x)
    for index in (0, -1):
        due = np.arange(6).reshape(3, 2)[index]
        assert_values(f"dataset[{index}]", made[index][0], due)
        assert_values(f"dataset.__getitem__({index})", made.__getitem__(index)[0], due)


@check("data.len-syntax")
def test_len_calls_its_method(subject):
    for length in (0, 1, 7, 100):
        own = Squares(length)
        assert_is("len(dataset), dataset.__len__()", (len(own), own.__len__()), (length, length))
        x = torch.zeros(length, 3, 2, device=subject.device)
        for made in (data.TensorDataset(x), data.Subset(own, range(length)), data.ConcatDataset([own])):
            assert_is(f"length of {type(made).__name__}", (len(made), made.__len__()), (length, length))


@check("data.getitem-index-range")
def test_a_loader_asks_for_every_index_once(subject):
    for length in (1, 2, 7, 40):
        for options in (
            {},
            {"shuffle": True},
            {"batch_size": 3},
            {"batch_size": None},
            {"batch_size": 64, "shuffle": True},
        ):
            own = Squares(length)
            loader = data.DataLoader(own, **options)
            for _ in range(2):
                own.asked.clear()
                list(loader)
                assert_is(f"the indices of an epoch with {options}, sorted", sorted(own.asked), list(range(length)))
                require(all(type(index) is int for index in own.asked), f"an index is no int: {own.asked}")


@check("data.one-sample-per-getitem")
def test_an_index_gives_one_sample_and_a_slice_several(subject):
    x = host.tensor(distinct("float32", (5, 3, 2)), "float32", subject.device)
    y = host.tensor(distinct("int64", (5,)), "int64", subject.device)
    made = data.TensorDataset(x, y)
    for index in (0, 3, -1, -5):
        sample = made[index]
        assert_values(f"dataset[{index}][0]", sample[0], host.array(x)[index])
        assert_values(f"dataset[{index}][1]", sample[1], host.array(y)[index])
    for index in (slice(1, 4), slice(None, None, 2), [0, 3], [-1]):
        sample = made[index]
        assert_values(f"dataset[{index}][0]", sample[0], host.array(x)[index])
        assert_values(f"dataset[{index}][1]", sample[1], host.array(y)[index])


@check("data.list-as-dataset")
def test_anything_with_items_and_length_is_a_dataset(subject):
    x = torch.arange(6, device=subject.device)
    for own in ([0, 1, 2, 3, 4, 5], tuple(range(6)), range(6), np.arange(6), x):
        for workers in (0, 1) if isinstance(own, list) else (0,):
            found = flat(data.DataLoader(own, 4, num_workers=workers))
            assert_is(f"batches of a {type(own).__name__}", found, [[0, 1, 2, 3], [4, 5]])
    assert_is("batches of words", flat(data.DataLoader(["a", "b", "c"], 2)), [["a", "b"], ["c"]])
    named = {0: 10, 1: 11}
    assert_is("batches of a dict", flat(data.DataLoader(named, 2)), [[10, 11]])
    assert_is("of a dict by its keys", flat(data.DataLoader({"a": 1, "b": 2}, 2, sampler=["b", "a"])), [[2, 1]])


# -- tensors -----------------------------------------------------------------------------------------------------------


@check("data.tensordataset")
def test_items_are_views_of_the_tensors(subject):
    for dtype in ("float32", "int64", "bool", "complex64"):
        for recipe in layouts(distinct(dtype, (17, 2, 3)), dtype):
            x, y = recipe.on(subject), torch.arange(17, device=subject.device)
            made = data.TensorDataset(x, y)
            assert_is("length", len(made), 17)
            require(made.tensors[0] is x and made.tensors[1] is y and len(made.tensors) == 2, "tensors are others")
            for index in (0, 5, 16, -1):
                sample = made[index]
                require(type(sample) is tuple and len(sample) == 2, f"a sample is {sample!r}")
                assert_values(f"dataset[{index}][0]", sample[0], recipe.array[index], dtype=dtype)
                require(sample[0].data_ptr() == x[index].data_ptr(), f"dataset[{index}] is no view of the tensor")
                assert_values(f"dataset[{index}][1]", sample[1], np.arange(17)[index])
    one = data.TensorDataset(torch.ones(3, device=subject.device))
    require(type(one[0]) is tuple and len(one[0]) == 1, "a sample of one tensor is no tuple of one")
    assert_raises("dataset[3] of three", IndexError, lambda: one[3])
    assert_raises("dataset[-4] of three", IndexError, lambda: one[-4])


@check("data.tensordataset-sizes")
def test_tensors_of_different_length_are_refused(subject):
    a, b, c = (torch.zeros(n, 2, device=subject.device) for n in (3, 4, 3))
    for tensors in ((a, b), (b, a), (a, c, b), (a, c, c, b, c), (a, a[:0]), (b[:1], b)):
        sizes = [len(tensor) for tensor in tensors]
        assert_raises(f"TensorDataset of lengths {sizes}", AssertionError, lambda: data.TensorDataset(*tensors))
    assert_is("length of equal ones", len(data.TensorDataset(a, c, torch.zeros(3, device=subject.device))), 3)
    assert_is("length of empty ones", len(data.TensorDataset(a[:0], c[:0])), 0)


@check("data.tensordataset-keeps-pairs")
def test_pairs_stay_together(subject):
    x, y = torch.linspace(1, 10, 10), torch.linspace(10, 1, 10)
    for workers in (0, 2):
        loader = data.DataLoader(data.TensorDataset(x, y), batch_size=5, shuffle=True, num_workers=workers)
        for _ in range(2):
            found = list(loader)
            assert_is("number of batches", len(found), 2)
            for one, two in found:
                assert_values("x + y", one + two, np.full(5, 11.0, np.float32), dtype="float32")
            seen = sorted(value for one, _ in found for value in host.array(one).tolist())
            assert_is("all of x", seen, [float(value) for value in range(1, 11)])


@check("data.dataloader-needs-length")
def test_without_a_length_there_is_no_order(subject):
    loader = data.DataLoader(Unsized(), 2)
    assert_raises("iterating", TypeError, lambda: list(loader))
    assert_raises("len(loader)", TypeError, lambda: len(loader))
    assert_raises("shuffle=True", TypeError, lambda: data.DataLoader(Unsized(), shuffle=True))
    assert_is("with a sampler", flat(data.DataLoader(Unsized(), 2, sampler=[5, 3, 8])), [[5, 3], [8]])


@check("data.dataloader-batches-are-new")
def test_batches_share_no_memory(subject):
    x = torch.arange(8, device=subject.device).reshape(4, 2)
    for made in (data.TensorDataset(x), x, [*x]):
        for size in (1, 2, 4):
            found = [batch[0] if isinstance(batch, list) else batch for batch in data.DataLoader(made, size)]
            before = [host.array(batch) for batch in found]
            for place, batch in enumerate(found):
                require(not overlap(batch, x), f"a batch of {size} lies in the memory of the dataset")
                batch.fill_(-5)
                for other, due in zip(found[place + 1 :], before[place + 1 :], strict=True):
                    assert_values("a later batch after a write to an earlier one", other, due)
            assert_values("the dataset after writes to its batches", x, np.arange(8).reshape(4, 2))
    array = np.arange(6.0).reshape(3, 2)
    batch = next(iter(data.DataLoader(array, 3)))
    batch.zero_()
    assert_is("the array after a write to its batch", array.tolist(), [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    assert_is("the batch", plain(batch), [[0.0, 0.0]] * 3)

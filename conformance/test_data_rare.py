"""Datasets and samplers in rarer uses: any slice, long batches, draws that should not depend on each other."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils import data

from conformance import effort, host
from conformance.assertions import assert_raises, assert_values, require
from conformance.chance import assert_independent, assert_shares
from conformance.check import check, must_answer
from conformance.oracle import data as oracle
from conformance.tables.data_samples import OneByOne, Squares, assert_is, flat
from properties.strategies.recipe import DENSE, LAYOUTS
from properties.strategies.values import distinct

pytestmark = must_answer

SLICES = [slice(a, b) for a in (None, 3, 17, -5, -100) for b in (None, 0, 16, 40, 100, -1)]
SLICES += [slice(None, None, 3), slice(2, 33, 5), slice(-30, -2, 7)]


@check("data.tensordataset")
def test_a_slice_of_the_dataset_slices_every_tensor(subject):
    for name in DENSE:
        recipe = LAYOUTS[name](distinct("float64", (40, 2)), "float64")
        x, y = recipe.on(subject), np.arange(40) * 3
        made = data.TensorDataset(x, host.tensor(y, "int64", subject.device))
        for chosen in SLICES:
            out, call = made[chosen], f"dataset[{chosen}], {name}"
            require(type(out) is tuple and len(out) == 2, f"{call} is no tuple of two")
            assert_values(f"{call}[0]", out[0], recipe.array[chosen], dtype="float64")
            assert_values(f"{call}[1]", out[1], y[chosen], dtype="int64")


@check("data.subset-getitems", since="2.1")
def test_long_batches_of_a_subset(subject):
    indices = [7 * k % 50 for k in range(40)] + [3, 3, 0, 49]
    for own in (range(50), Squares(50), OneByOne()):
        item = {range: lambda i: i, Squares: lambda i: i**2}.get(type(own))
        for size in (1, 4, 5, 16, 17, 44, 60):
            for drop in (False, True):
                found = flat(data.DataLoader(data.Subset(own, indices), size, drop_last=drop))
                due = oracle.batches(indices, size, drop)
                if item is None:  # the dataset makes of a batch of n indices n times 1000 and ten times their number
                    assert_is(f"lengths of batches of {size}", [len(b) for b in found], [len(b) for b in due])
                    numbers = [own.__getitems__(batch) for batch in due]
                    assert_is(f"batches of {size} of a dataset with __getitems__", found, numbers)
                else:
                    assert_is(f"batches of {size}", found, [[item(i) for i in batch] for batch in due])


@check("data.subset")
def test_a_list_of_places_of_a_subset(subject):
    made = data.Subset(data.TensorDataset(torch.arange(10, device=subject.device) * 5), [9, 0, 4, 4, 7])
    for places in ([0], [1, 1], [4, 0, 4, 2], [-1, 0], [3, 2, 1]):
        due = np.array([9, 0, 4, 4, 7])[places] * 5
        assert_values(f"subset[{places}]", made[places][0], due, dtype="int64")


class Bare(data.Sampler):
    """A sampler without __iter__."""

    def __init__(self) -> None:
        pass


class Own(data.Sampler[int]):
    """Three indices, and no length."""

    def __init__(self) -> None:
        pass

    def __iter__(self):
        return iter([4, 0, 4])


@check("data.sampler")
def test_a_sampler_of_ones_own_says_how_to_iterate(subject):
    assert_raises("iter of a sampler without __iter__", NotImplementedError, lambda: iter(Bare()))
    for sampler in (Bare(), Own()):
        assert_raises("its length", TypeError, lambda s=sampler: len(s))
    require(not hasattr(data.Sampler, "__len__"), "Sampler has a default length")
    sampler = Own()
    require(isinstance(sampler, data.Sampler), "a subclass is no Sampler")
    for _ in range(2):
        assert_is("its indices", list(sampler), [4, 0, 4])
        assert_is("batches by it", flat(data.DataLoader(Squares(5), 2, sampler=sampler)), [[16, 0], [16]])


@check("data.sampler")
def test_the_bases_take_the_type_of_their_items(subject):
    class Items(data.Dataset[int]):
        pass

    class Stream(data.IterableDataset[int]):
        pass

    class Order(data.Sampler[int]):
        pass

    for kind, base in ((Items, data.Dataset), (Stream, data.IterableDataset), (Order, data.Sampler)):
        require(issubclass(kind, base), f"a subclass of {base.__name__}[int] is no {base.__name__}")


@check("data.randomsampler-num-samples")
def test_what_goes_beyond_the_dataset_is_drawn_anew(subject):
    for length, number in ((2, 3), (3, 4)):
        rounds = effort.scaled(1500, 300)
        orders = [list(data.RandomSampler(range(length), num_samples=number)) for _ in range(rounds)]
        drawn = np.array([length * order[0] + order[-1] for order in orders])
        assert_shares(f"first and last of {number} out of {length}", drawn, 0, np.full(length**2, length**-2.0))


@check("data.weightedrandomsampler")
def test_weighted_draws_are_independent(subject):
    number = effort.scaled(8000, 2000) + 17
    draws = np.array(list(data.WeightedRandomSampler([3.0, 3.0], number)))
    assert_independent("indices of equal weights", draws, 0.5, 0.5)
    draws = np.array(list(data.WeightedRandomSampler(np.full(50, 0.25), number)))
    assert_independent("indices of fifty equal weights", draws, 24.5, 1 / 50)


@check("data.weightedrandomsampler")
def test_weights_of_any_size_are_chances(subject):
    number = effort.scaled(4000, 1500)
    for factor in (1e-200, 1e-44, 1e38, 1e200):
        for weights in ([factor, 3 * factor], torch.tensor([factor, 3 * factor], dtype=torch.float64)):
            draws = np.array(list(data.WeightedRandomSampler(weights, number)))
            assert_shares(f"indices of weights {factor:g} and three times it", draws, 0, np.array([0.25, 0.75]))


@check("data.random-split-generator")
def test_a_generator_fixes_long_splits(subject):
    for lengths in ([40, 60], [0.5, 0.5], [700, 800], [1]):
        total = sum(lengths) if all(isinstance(n, int) for n in lengths) else 101
        found = []
        for seed, noise in ((1, 5), (1, 6), (2, 5)):
            torch.manual_seed(noise)
            generator = torch.Generator().manual_seed(seed)
            parts = data.random_split(range(total), lengths, generator)
            require(isinstance(parts, list), f"random_split gives a {type(parts).__name__}", "list")
            found.append([list(part.indices) for part in parts])
        require(found[0] == found[1], f"equal generators give other splits by {lengths}")
        require(found[0] != found[2] or total == 1, f"another seed gives the same split by {lengths}")


@check("data.distributedsampler-shuffle")
def test_an_epoch_has_one_order_whenever_it_comes(subject):
    sampler, orders = data.DistributedSampler(range(40), 2, 0), {}
    for turn, epoch in enumerate((0, 1, 2, 2, 1, 7, 0, 2, 7)):
        sampler.set_epoch(epoch)
        found = list(sampler)
        assert_is(f"the order of epoch {epoch}, set as number {turn}", found, orders.setdefault(epoch, found))
        fresh = data.DistributedSampler(range(40), 2, 0)
        fresh.set_epoch(epoch)
        assert_is(f"the order of epoch {epoch} of another sampler", list(fresh), found)
    require(len({tuple(order) for order in orders.values()}) == 4, "two epochs have one order")


@check("data.collate-tensors")
def test_gradients_flow_through_batches_of_any_dtype(subject):
    for dtype in ("float64", "float32", "complex64", "complex128", "bfloat16"):
        for shape in ((), (2,), (2, 3)):
            leaves = [torch.ones(shape, dtype=host.torch_dtype(dtype), device=subject.device) for _ in range(6)]
            out = data.default_collate([leaf.requires_grad_() for leaf in leaves])
            require(out.requires_grad, f"the batch of {dtype}{shape} needs no gradient")
            (out.reshape(6, -1).sum(1) * torch.arange(1.0, 7.0, device=subject.device)).sum().abs().backward()
            for turn, leaf in enumerate(leaves):
                call = f"the gradient of {dtype}{shape} in place {turn}"
                assert_values(call, leaf.grad, np.full(shape, turn + 1.0), dtype=dtype)


@check("data.collate-numbers")
def test_numbers_of_several_kinds_keep_their_values(subject):
    for values in ([1, 2.5], [2.5, 1], [True, 2], [0, True], [False, 0.5], [3, 0.25, True]):
        out = data.default_collate(values)
        assert_values(f"default_collate({values})", out, np.array(values, float))

"""Datasets made of datasets, by example: put in a row, side by side, chosen from, split."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils import data

from conformance import effort
from conformance.assertions import assert_raises, assert_values, require
from conformance.chance import assert_shares
from conformance.check import check, must_answer
from conformance.oracle import data as oracle
from conformance.tables.data_samples import Pairs, Sized, Squares, Stream, assert_is, flat

pytestmark = must_answer


# -- datasets of datasets ----------------------------------------------------------------------------------------------

PARTS = (
    [Squares(3), range(100, 102)],
    [Squares(0), [7], Squares(0), range(5), []],
    [Squares(4)],
    [[], range(9)],
    [range(2), [5], range(3), [9, 9]],
)


@check("data.concatdataset")
def test_datasets_in_a_row(subject):
    for parts in PARTS:
        lists = [[part[place] for place in range(len(part))] for part in parts]
        made = data.ConcatDataset(parts)
        total = sum(map(len, lists))
        assert_is("length", len(made), total)
        for index in range(total):
            assert_is(f"item {index} of lengths {[*map(len, parts)]}", made[index], oracle.concatenated(lists, index))
        assert_raises("the item after the last", IndexError, lambda: made[total])
        due = [item for part in lists for item in part]
        assert_is("batches", [i for batch in flat(data.DataLoader(made, 2)) for i in batch], due)
    assert_is("of a generator", len(data.ConcatDataset(Squares(n) for n in (2, 3))), 5)
    x = torch.arange(4, device=subject.device)
    both = data.ConcatDataset([data.TensorDataset(x), data.TensorDataset(x * 10)])
    assert_is("of tensors", [both[i][0].item() for i in range(8)], [0, 1, 2, 3, 0, 10, 20, 30])


@check("data.concatdataset-negative")
def test_negative_indices_count_from_the_end(subject):
    for parts in PARTS:
        lists = [[part[place] for place in range(len(part))] for part in parts]
        made, total = data.ConcatDataset(parts), sum(map(len, lists))
        for index in range(-total, 0):
            assert_is(f"item {index}", made[index], oracle.concatenated(lists, index))
        for index in (-total - 1, -total - 5):
            assert_raises(f"item {index} of {total}", ValueError, lambda: made[index])


@check("data.concatdataset-cumulative-sizes")
def test_sizes_are_added_up(subject):
    for parts in PARTS:
        due = np.cumsum([len(part) for part in parts]).tolist()
        made = data.ConcatDataset(parts)
        assert_is("cumulative_sizes", list(made.cumulative_sizes), due)
        assert_is(
            "datasets", [one is other for one, other in zip(made.datasets, parts, strict=True)], [True] * len(parts)
        )


@check("data.concatdataset-refuses")
def test_nothing_and_streams_cannot_be_concatenated(subject):
    assert_raises("ConcatDataset([])", AssertionError, lambda: data.ConcatDataset([]))
    assert_raises("ConcatDataset of a stream", AssertionError, lambda: data.ConcatDataset([Stream(3)]))
    assert_raises("of a stream at the end", AssertionError, lambda: data.ConcatDataset([Squares(3), Sized(3)]))


@check("data.dataset-add")
def test_a_sum_of_datasets(subject):
    made = Squares(3) + Pairs(2)
    require(type(made) is data.ConcatDataset, f"the sum is a {type(made).__name__}")
    assert_is("length, items", (len(made), made[2], made[3][1]), (5, 4, 0))
    longer = made + Squares(2)
    assert_is("of three", (len(longer), longer[6]), (7, 1))
    stream = Stream(2) + Stream(3)
    require(type(stream) is data.ChainDataset, f"the sum of streams is a {type(stream).__name__}")
    assert_is("items of the streams", list(stream), [0, 1, 0, 1, 2])


@check("data.chaindataset")
def test_streams_in_a_row(subject):
    for lengths in ((2, 3), (0, 4, 0), (5,), ()):
        made = data.ChainDataset([Sized(n) for n in lengths])
        due = [item for n in lengths for item in range(n)]
        for _ in range(2):
            assert_is(f"items of streams of {lengths}", list(made), due)
        assert_is("length", len(made), len(due))
        assert_is("batches", flat(data.DataLoader(made, 2)), [due[i : i + 2] for i in range(0, len(due), 2)])
    require(isinstance(made, data.IterableDataset), "a chain is no IterableDataset")
    assert_raises("length of streams without one", TypeError, lambda: len(data.ChainDataset([Stream(2)])))


@check("data.chaindataset-refuses")
def test_only_streams_can_be_chained(subject):
    made = data.ChainDataset([Sized(2), Squares(2)])
    seen = []
    assert_raises("the iteration", AssertionError, lambda: [seen.append(item) for item in made])
    assert_is("what came before", seen, [0, 1])
    assert_raises("the length", AssertionError, lambda: len(made))


@check("data.subset")
def test_a_subset_has_the_chosen_items(subject):
    own = Squares(10)
    for chosen in ([4, 2, 9], [0], [], [3, 3, 3], range(2, 8, 3), [-1, 1], tuple(range(10))[::-1]):
        made = data.Subset(own, chosen)
        due = [own[index] for index in chosen]
        assert_is("length, items", (len(made), [made[i] for i in range(len(chosen))]), (len(chosen), due))
        require(made.dataset is own and made.indices is chosen, "dataset or indices are others")
        assert_is("batches", [i for batch in flat(data.DataLoader(made, 2)) for i in batch], due)
    outer = data.Subset(data.Subset(own, [9, 7, 5, 3]), [2, 0])
    assert_is("a subset of a subset", [outer[0], outer[1], outer[-1]], [25, 81, 81])
    assert_raises("an item beyond the end", IndexError, lambda: outer[2])
    x = torch.arange(10, device=subject.device)
    several = data.Subset(data.TensorDataset(x), [4, 2, 9])[[0, 2]]
    assert_values("subset[[0, 2]]", several[0], np.array([4, 9]))


@check("data.stackdataset")
def test_datasets_side_by_side(subject):
    x = torch.arange(4, device=subject.device)
    pair = data.StackDataset(Squares(4), ["a", "b", "c", "d"], x)
    named = data.StackDataset(image=Squares(4), text=["a", "b", "c", "d"])
    assert_is("lengths", (len(pair), len(named)), (4, 4))
    for index in (0, 3, 2):
        sample = pair[index]
        require(type(sample) is tuple, f"a sample is a {type(sample).__name__}")
        assert_is("a sample", (sample[0], sample[1], sample[2].item()), (index**2, "abcd"[index], index))
        assert_is("a named sample", named[index], {"image": index**2, "text": "abcd"[index]})
        assert_is("its keys", list(named[index]), ["image", "text"])
    assert_is("batches", flat(data.DataLoader(pair, 3)), [[[0, 1, 4], ["a", "b", "c"], [0, 1, 2]], [[9], ["d"], [3]]])
    assert_is("named", flat(data.DataLoader(named, 4)), [{"image": [0, 1, 4, 9], "text": ["a", "b", "c", "d"]}])
    single = data.StackDataset(Squares(2))
    assert_is("a stack of one", (len(single), single[1]), (2, (1,)))


@check("data.stackdataset-refuses")
def test_a_stack_needs_datasets_of_one_length(subject):
    for call, make in (
        ("StackDataset()", lambda: data.StackDataset()),
        ("different lengths", lambda: data.StackDataset(Squares(2), Squares(3))),
        ("different lengths at the end", lambda: data.StackDataset(Squares(2), Squares(2), Squares(1))),
        ("different named lengths", lambda: data.StackDataset(a=Squares(2), b=Squares(3))),
        ("both forms", lambda: data.StackDataset(Squares(2), b=Squares(2))),
    ):
        assert_raises(call, ValueError, make)


# -- splits ------------------------------------------------------------------------------------------------------------


@check("data.random-split")
def test_a_split_has_every_index_once(subject):
    for lengths in ([3, 7], [1] * 8, [5], [0, 6], [6, 0, 2], [40, 60]):
        own = Squares(sum(lengths))
        made = data.random_split(own, lengths)
        assert_is("lengths", [len(part) for part in made], lengths)
        require(all(type(part) is data.Subset and part.dataset is own for part in made), "a part is no Subset of it")
        assert_is("all indices", sorted(i for part in made for i in part.indices), list(range(len(own))))
        for part in made:
            assert_is("items", [part[i] for i in range(len(part))], [index**2 for index in part.indices])
    require(any(data.random_split(range(50), [25, 25])[0].indices != list(range(25)) for _ in range(2)), "not random")


@check("data.random-split")
def test_every_split_is_equally_likely(subject):
    pairs = {pair: place for place, pair in enumerate([(a, b) for a in range(4) for b in range(4) if a != b])}
    draws = [pairs[tuple(data.random_split(range(4), [2, 2])[0].indices)] for _ in range(effort.scaled(3000, 700))]
    assert_shares("the first half of random_split(range(4), [2, 2])", np.array(draws), 0, np.full(12, 1 / 12))


@check("data.random-split-fractions")
def test_fractions_are_rounded_down_and_the_rest_dealt_out(subject):
    for shares in ([0.5, 0.5], [0.3, 0.3, 0.4], [1.0], [0.1] * 10, [0.25, 0.75], [0.9, 0.05, 0.05], [0.0, 1.0]):
        for length in (1, 2, 5, 7, 10, 11, 17, 100):
            made = data.random_split(range(length), shares)
            due = oracle.fractions(length, shares)
            assert_is(f"lengths of {length} split by {shares}", [len(part) for part in made], due)
            assert_is("all indices", sorted(i for part in made for i in part.indices), list(range(length)))


@check("data.random-split-generator")
def test_a_generator_fixes_the_split(subject):
    def split(seed):
        generator = torch.Generator().manual_seed(seed)
        return [list(part.indices) for part in data.random_split(range(30), [10, 20], generator=generator)]

    fractions = []
    for seed, noise in ((1, 5), (1, 6), (2, 5)):
        torch.manual_seed(noise)
        generator = torch.Generator().manual_seed(seed)
        fractions.append([list(part.indices) for part in data.random_split(range(30), [0.4, 0.6], generator)])
    require(fractions[0] == fractions[1] != fractions[2], "a split by fractions does not follow the generator")
    first = split(1)
    torch.manual_seed(99)
    assert_is("the split with the same seed", split(1), first)
    require(split(2) != first, "another seed gives the same split")
    generator = torch.Generator().manual_seed(1)
    data.random_split(range(30), [10, 20], generator)
    require(
        list(data.random_split(range(30), [10, 20], generator)[0].indices) != first[0], "the generator stands still"
    )
    splits = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        splits.append(list(data.random_split(range(30), [10, 20])[0].indices))
    require(splits[0] == splits[1] != splits[2], "the split does not follow torch.manual_seed")


@check("data.random-split-refuses")
def test_lengths_have_to_add_up(subject):
    for lengths in ([2, 2], [5, 1], [6], [], [0.5, 0.4], [0.6, 0.6], [1.5, -0.5], [-0.25, 1.25]):
        assert_raises(f"random_split of 5 by {lengths}", ValueError, lambda: data.random_split(range(5), lengths))

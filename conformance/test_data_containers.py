"""Collating long batches and containers of other kinds, and datasets made of many others, by example."""

from __future__ import annotations

import collections

import numpy as np
import torch
from torch.utils import data

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.tables.data_samples import OneByOne, Point, Sized, Squares, assert_batch, assert_is, flat, plain
from properties.strategies.values import distinct

pytestmark = must_answer

LONG = 70


# -- long batches ------------------------------------------------------------------------------------------------------


@check("data.collate-numbers")
def test_each_number_of_a_long_batch_has_its_place(subject):
    place = np.arange(LONG)
    for values, dtype in (
        ((place * 7919) % 1009 - 500, "int64"),
        (place * (2**53 + 1), "int64"),
        (place / 3 - 7, "float64"),
        (place % 3 == 0, "bool"),
    ):
        given = values.tolist()
        for batch in (given, tuple(given)):
            assert_values(f"{LONG} of {dtype}", data.default_collate(batch), values, dtype=dtype)
        found = torch.cat(list(data.DataLoader(given, 33)))
        assert_values(f"the batches of {LONG} of {dtype}", found, values, dtype=dtype)


@check("data.collate-strings")
def test_each_word_of_a_long_batch_has_its_place(subject):
    words = [f"{(number * 37) % 71}" for number in range(LONG)]
    for given in (words, [word.encode() for word in words]):
        assert_is("words", list(data.default_collate(given)), given)
        found = [word for batch in data.DataLoader(given, 33) for word in batch]
        assert_is("the batches of words", found, given)


@check("data.collate-tensors")
def test_each_tensor_of_a_long_batch_has_its_place(subject):
    for dtype in ("float32", "int64", "bool", "uint8", "complex64", "float16"):
        values = distinct(dtype, (LONG, 3, 2))
        given = [host.tensor(each, dtype, subject.device) for each in values]
        assert_values(f"{LONG} of {dtype}", data.default_collate(given), values, dtype=dtype)


@check("data.collate-containers")
def test_long_batches_of_containers(subject):
    samples = [{"a": k, "b": (k / 2, str(k)), "c": Point(-k, [k % 2 == 0])} for k in range(LONG)]
    column = np.arange(LONG)
    due = {"a": column, "b": [column / 2, [str(k) for k in column]], "c": Point(-column, [column % 2 == 0])}
    before = [dict(sample) for sample in samples]
    assert_batch("of dicts", data.default_collate(samples), due)
    assert_is("the samples afterwards", samples, before)
    wide = [{f"key {k}": k + 10 * turn for k in range(40, 0, -1)} for turn in range(3)]
    out = data.default_collate(wide)
    assert_is("keys of a wide dict", list(out), list(wide[0]))
    assert_is("its values", plain(out), {f"key {k}": [k, k + 10, k + 20] for k in range(40, 0, -1)})
    many = [list(range(turn, turn + 40)) for turn in range(3)]
    assert_is("long sequences", plain(data.default_collate(many)), [[k, k + 1, k + 2] for k in range(40)])


# -- other containers --------------------------------------------------------------------------------------------------


@check("data.collate-containers")
def test_keys_of_any_kind_stay(subject):
    keys = [3, "3", (1, 2), None, 2.5, True]
    out = data.default_collate([{key: place for place, key in enumerate(keys)} for _ in range(5)])
    assert_is("keys", [(type(key), key) for key in out], [(type(key), key) for key in keys])
    assert_is("values", plain(list(out.values())), [[place] * 5 for place in range(len(keys))])


@check("data.collate-containers")
def test_mappings_and_sequences_of_ones_own_keep_their_kind(subject):
    out = data.default_collate([collections.UserDict(b=1, a=2.5), collections.UserDict(b=3, a=4.5)])
    require(type(out) is collections.UserDict and list(out) == ["b", "a"], f"a UserDict becomes {out!r}")
    assert_batch("of UserDicts", dict(out), {"b": np.array([1, 3]), "a": np.array([2.5, 4.5])})
    for kind in (collections.UserList, collections.deque):
        out = data.default_collate([kind([1, "u"]), kind([2, "v"])])
        require(type(out) is kind, f"a {kind.__name__} becomes a {type(out).__name__}")
        assert_batch(f"of {kind.__name__}s", list(out), [np.array([1, 2]), ["u", "v"]])
    assert_is("of ranges", plain(data.default_collate([range(3), range(3, 6)])), [[0, 3], [1, 4], [2, 5]])


@check("data.collate-containers", since="2.3")  # a defaultdict cannot be made of another dict alone
def test_a_defaultdict_stays_one(subject):
    given = [collections.defaultdict(list, a=1, b=2), collections.defaultdict(list, a=3, b=4)]
    out = data.default_collate(given)
    require(type(out) is collections.defaultdict, f"a defaultdict becomes a {type(out).__name__}")
    assert_is("its values", plain(dict(out)), {"a": [1, 3], "b": [2, 4]})
    assert_is("what was given", [dict(each) for each in given], [{"a": 1, "b": 2}, {"a": 3, "b": 4}])


class Word:
    """What default_collate does not know."""

    def __init__(self, text: str) -> None:
        self.text = text


@check("data.collate-own-type")
def test_collating_can_be_taught_a_type(subject):
    table = data._utils.collate.default_collate_fn_map  # the documentation names _utils.collate for this

    def join(batch, *, collate_fn_map=None):
        return "+".join(word.text for word in batch)

    table[Word] = join
    try:
        assert_is("of words", data.default_collate([Word("a"), Word("b")]), "a+b")
        nested = [{"w": Word("a"), "n": [1, Word("c")]}, {"w": Word("b"), "n": [2, Word("d")]}]
        assert_is("of words in containers", plain(data.default_collate(nested)), {"w": "a+b", "n": [[1, 2], "c+d"]})
        assert_is("in a loader", list(data.DataLoader([Word("x"), Word("y"), Word("z")], 2)), ["x+y", "z"])
    finally:
        del table[Word]
    own = {Word: join, int: lambda batch, *, collate_fn_map=None: sum(batch)}
    found = data._utils.collate.collate([(1, Word("a")), (2, Word("b"))], collate_fn_map=own)
    assert_is("with a table of one's own", plain(found), [3, "a+b"])


@check("data.convert")
def test_converting_keeps_containers_and_dtypes(subject):
    for kind in (dict, collections.OrderedDict, collections.UserDict):
        out = data.default_convert(kind(b=np.ones(2), a="text"))
        require(type(out) is kind and list(out) == ["b", "a"], f"a {kind.__name__} becomes {out!r}")
        assert_values(f"in a {kind.__name__}", out["b"], np.ones(2), dtype="float64")
    for kind in (list, collections.UserList, collections.deque):
        out = data.default_convert(kind([np.float32(2), 3]))
        require(type(out) is kind and out[1] == 3, f"a {kind.__name__} becomes {out!r}")
        assert_values(f"in a {kind.__name__}", out[0], np.float32(2), dtype="float32")
    for dtype in ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex128"):
        for shape in ((), (3,), (2, 3), (0, 2), (20, 30)):
            array = distinct(dtype, shape)
            assert_values(f"of {dtype}{list(shape)}", data.default_convert(array), array, dtype=dtype)
    deep = data.default_convert([{"a": [Point(np.arange(3), {"b": np.int16(4)})]}])
    assert_values("of an array deep inside", deep[0]["a"][0].x, np.arange(3), dtype="int64")
    assert_values("of a scalar deep inside", deep[0]["a"][0].y["b"], np.int16(4), dtype="int16")


# -- datasets of many others -------------------------------------------------------------------------------------------


@check("data.tensordataset")
def test_any_number_of_tensors_and_of_samples(subject):
    dtypes = ("float32", "int64", "bool", "uint8", "float64")
    arrays = [distinct(dtype, (1500, *range(2, 2 + place))) for place, dtype in enumerate(dtypes)]
    made = data.TensorDataset(*(host.tensor(a, d, subject.device) for a, d in zip(arrays, dtypes, strict=True)))
    assert_is("length", len(made), 1500)
    for index in (0, 1, 15, 999, 1000, 1001, 1499, -1, -1500):
        for place, out in enumerate(made[index]):
            assert_values(f"dataset[{index}][{place}]", out, arrays[place][index], dtype=dtypes[place])
    mask = np.arange(1500) % 7 == 3
    for text, chosen in (
        ("mask", mask),
        ("tensor of indices", np.array([5, 1200, 5, 0])),
        ("empty", np.array([], int)),
    ):
        for place, out in enumerate(made[torch.tensor(chosen, device=subject.device)]):
            assert_values(f"dataset[{text}][{place}]", out, arrays[place][chosen], dtype=dtypes[place])


@check("data.tensordataset")
def test_gradients_flow_through_samples(subject):
    x = torch.arange(6.0, device=subject.device).reshape(3, 2).requires_grad_()
    made = data.TensorDataset(x)
    (made[1][0] * 3).sum().backward()
    assert_values("gradient of the tensor", x.grad, np.array([[0, 0], [3, 3], [0, 0]], np.float32))
    (batch,) = next(iter(data.DataLoader(made, 3)))
    require(batch.requires_grad, "a batch of samples that need gradients needs none")


@check("data.concatdataset")
def test_many_datasets_in_a_row(subject):
    parts = [range(100 * k, 100 * k + length) for k, length in enumerate((30, 0, 1, 45, 2, 60, 0, 0, 7, 33, 5, 80))]
    due = [item for part in parts for item in part]
    made = data.ConcatDataset(parts)
    assert_is("length", len(made), len(due))
    assert_is("items", [made[index] for index in range(len(due))], due)
    assert_is("items from the end", [made[index] for index in range(-1, -len(due) - 1, -1)], due[::-1])
    nested = data.ConcatDataset([data.ConcatDataset(parts[:5]), data.ConcatDataset(parts[5:])])
    assert_is("items of nested ones", [nested[index] for index in range(len(nested))], due)


@check("data.chaindataset")
def test_chains_of_chains(subject):
    due = [*range(2), *range(3), *range(4), *range(1)]
    chain = data.ChainDataset([Sized(2), data.ChainDataset([Sized(3), Sized(4)]), Sized(1)])
    assert_is("a chain in a chain", (list(chain), len(chain)), (due, 10))
    added = Sized(2) + Sized(3) + Sized(4) + Sized(1)
    assert_is("a sum of four", (list(added), len(added)), (due, 10))


@check("data.stackdataset", since="2.1")
def test_many_samples_side_by_side(subject):
    made = data.StackDataset(z=Squares(40), a=range(40), m=[str(k) for k in range(40)])
    assert_is("length", len(made), 40)
    for index in (0, 11, 39, -1):
        due = [("z", (index % 40 if index >= 0 else index) ** 2), ("a", index % 40), ("m", str(index % 40))]
        assert_is(f"item {index}", list(made[index].items()), due)
    tuples = data.StackDataset(Squares(40), range(40))
    assert_is("length, items", (len(tuples), tuples[39], tuples[12]), (40, (1521, 39), (144, 12)))
    loader = data.DataLoader(made, sampler=[9, 2, 2, 30, 1], batch_size=4)
    first = {"z": [81, 4, 4, 900], "a": [9, 2, 2, 30], "m": ["9", "2", "2", "30"]}
    assert_is("batches", flat(loader), [first, {"z": [1], "a": [1], "m": ["1"]}])


@check("data.subset")
def test_a_loader_takes_any_items_of_a_subset(subject):
    for own in (Squares(50), [k * k for k in range(50)], data.Subset(Squares(50), range(50))):
        made = data.Subset(own, [4, 2, 9, 40, 2, 7])
        loader = data.DataLoader(made, sampler=[3, 0, 0, 5, 1, 4], batch_size=4)
        assert_is("batches of a subset", flat(loader), [[1600, 16, 16, 49], [4, 4]])
    wide = data.Subset(range(1000), range(999, -1, -1))
    assert_is("items of a wide one", [wide[k] for k in (0, 31, 998)], [999, 968, 1])


@check("data.subset-getitems", since="2.1")
def test_a_subset_asks_for_a_whole_batch_too(subject):
    loader = data.DataLoader(data.Subset(OneByOne(), [6, 0, 3, 3]), 3)
    assert_is("batches of a subset", flat(loader), [[1036, 1030, 1033], [1013]])
    nested = data.Subset(data.Subset(OneByOne(), [6, 0, 3, 1]), [2, 1, 0])
    assert_is("batches of a nested one", flat(data.DataLoader(nested, 3)), [[1033, 1030, 1036]])


@check("data.subset-getitems", since="2.2")
def test_stacked_datasets_ask_for_a_whole_batch_too(subject):
    made = data.StackDataset(OneByOne(), range(7))
    assert_is("batches of tuples", flat(data.DataLoader(made, 3, sampler=[5, 0, 5])), [[[1035, 1030, 1035], [5, 0, 5]]])
    named = data.StackDataset(x=OneByOne(), y=range(7))
    found = flat(data.DataLoader(named, 2, sampler=[6, 1]))
    assert_is("batches of dicts", found, [{"x": [1026, 1021], "y": [6, 1]}])

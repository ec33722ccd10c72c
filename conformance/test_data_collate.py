"""default_collate and default_convert, by example and over nested structures."""

from __future__ import annotations

import collections

import numpy as np
import pytest
import torch
from torch.utils import data

from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from conformance.oracle import data as oracle
from conformance.tables.data_samples import Point, Squares, assert_batch, assert_is, outcomes
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import cycle, distinct, interesting

pytestmark = must_answer


@check("data.collate-tensors")
def test_tensors_are_stacked(subject):
    for dtype in COMMON:
        for count in (1, 2, 5, 17):
            for shape in ((), (3,), (2, 4), (0, 2)):
                names = list(LAYOUTS)
                values = [np.roll(cycle(interesting(dtype), shape), turn) for turn in range(count)]
                recipes = [LAYOUTS[names[turn % len(names)]](each, dtype) for turn, each in enumerate(values)]
                given = [recipe.on(subject) for recipe in recipes]
                out = data.default_collate(given)
                assert_values(
                    f"{count} of {dtype}{list(shape)}", out, np.stack([r.array for r in recipes]), dtype=dtype
                )
                require(out.device == given[0].device, f"the batch lies on {out.device}")
    large = [torch.full((200, 201), float(turn), device=subject.device) for turn in range(3)]
    assert_values(
        "of large tensors",
        data.default_collate(large),
        np.stack([np.full((200, 201), t, np.float32) for t in range(3)]),
    )


@check("data.collate-tensors")
def test_gradients_flow_through_a_batch(subject):
    x = [torch.full((2,), float(turn), device=subject.device, requires_grad=True) for turn in range(3)]
    out = data.default_collate(x)
    require(out.requires_grad, "the batch needs no gradient")
    (out * torch.arange(1.0, 4.0, device=subject.device)[:, None]).sum().backward()
    for turn, leaf in enumerate(x):
        assert_values(f"gradient of tensor {turn}", leaf.grad, np.full(2, turn + 1.0, np.float32))


@check("data.collate-numbers")
def test_numbers_become_tensors(subject):
    for values, dtype in (
        ([1, 2, -3], "int64"),
        ([2**40, -(2**62)], "int64"),
        ([1.5], "float64"),
        ([0.1, float("inf"), -0.0, 1e300], "float64"),
        ([1.5, 2], "float64"),
        ([True, False, True], "bool"),
        ([0] * 40, "int64"),
    ):
        for given in (values, tuple(values)):
            out = data.default_collate(given)
            assert_values(f"default_collate({given})", out, np.array(values, dtype), dtype=dtype)
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float16)
        assert_values(
            "floats, with default dtype float16",
            data.default_collate([0.1, 2.0]),
            np.array([0.1, 2.0]),
            dtype="float64",
        )
    finally:
        torch.set_default_dtype(before)


# With numpy 2, scalars of bool cannot be collated before.
COLLATED_SINCE = {"uint16": "2.3", "bool": "2.13"}


@pytest.mark.parametrize(
    "dtype",
    [
        pytest.param(name, marks=check("data.collate-numpy", since=COLLATED_SINCE.get(name)))
        for name in (
            "bool",
            "uint8",
            "int8",
            "int16",
            "int32",
            "int64",
            "float16",
            "float32",
            "float64",
            "complex64",
            "uint16",
        )
    ],
)
def test_numpy_keeps_its_dtype(subject, dtype):
    for shape in ((3,), (2, 2), (1, 0)):
        arrays = [distinct(dtype, shape), np.flip(distinct(dtype, shape)).copy(), distinct(dtype, shape[::-1]).T]
        assert_values("of arrays", data.default_collate(arrays), np.stack(arrays), dtype=dtype)
        steps = [np.repeat(array, 2, 0)[::2] for array in arrays]
        assert_values("of strided arrays", data.default_collate(steps), np.stack(arrays), dtype=dtype)
    empty = [np.array(value, dtype) for value in (1, 0, 3)]
    assert_values("of arrays of no dimension", data.default_collate(empty), np.stack(empty), dtype=dtype)
    scalars = [np.dtype(dtype).type(value) for value in (1, 0, 3)]
    assert_values("of numpy scalars", data.default_collate(scalars), np.array(scalars), dtype=dtype)


@check("data.collate-strings")
def test_text_stays(subject):
    for given in (["a", "b"], ["", "é\n", "x" * 500], [b"a", b"\x00"], ["only"]):
        out = data.default_collate(given)
        require(isinstance(out, (list, tuple)) and list(out) == given, f"default_collate({given}) is {out!r}")
    assert_is("batches of words", [list(b) for b in data.DataLoader(["a", "b", "c"], 2)], [["a", "b"], ["c"]])


@check("data.collate-containers")
def test_containers_keep_their_kind(subject):
    out = data.default_collate([{"b": 1, "a": 2.0}, {"b": 3, "a": 4.0}])
    require(type(out) is dict and list(out) == ["b", "a"], f"a dict becomes {out!r}")
    assert_batch("of dicts", out, {"b": np.array([1, 3]), "a": np.array([2.0, 4.0])})
    ordered = data.default_collate([collections.OrderedDict(z=1, y=2)] * 2)
    require(
        type(ordered) is collections.OrderedDict and list(ordered) == ["z", "y"], f"an OrderedDict becomes {ordered!r}"
    )
    point = data.default_collate([Point(1, "u"), Point(2, "v")])
    require(type(point) is Point, f"a namedtuple becomes a {type(point).__name__}")
    assert_batch("of namedtuples", point, (np.array([1, 2]), ["u", "v"]))
    for kind in (list, tuple):
        out = data.default_collate([kind([1, 2.5]), kind([3, 4.5])])
        require(type(out) is list, f"a {kind.__name__} becomes a {type(out).__name__}")
        assert_batch("of sequences", out, [np.array([1, 3]), np.array([2.5, 4.5])])
    given = [{"x": [1]}, {"x": [2]}]
    data.default_collate(given)
    assert_is("what was given", given, [{"x": [1]}, {"x": [2]}])
    more = data.default_collate([{"a": 1}, {"a": 2, "b": 3}])
    assert_is("keys of the first sample", list(more), ["a"])
    assert_is("of an empty sequence", data.default_collate([[], []]), [])
    assert_is("of an empty dict", data.default_collate([{}, {}]), {})


@check("data.collate-nested")
def test_nested_samples_are_collated_leaf_by_leaf(subject):
    def sample(turn):
        x = np.arange(turn, turn + 6, dtype=np.float32).reshape(2, 3)
        deep = {"x": x, "more": [turn, (turn / 2, {"name": f"{turn}", "flag": turn > 1})]}
        return {"deep": deep, "point": Point((turn, -turn), np.int16(turn)), "list": [[turn], [[x * 2]]]}

    for count in (1, 2, 5):
        samples = [sample(turn) for turn in range(count)]
        due = oracle.collated(samples)
        assert_batch("of arrays", data.default_collate(samples), due)
        tensors = [_with_tensors(each, subject) for each in samples]
        assert_batch("of tensors", data.default_collate(tensors), due)
    tensor = data.default_collate(tensors)["deep"]["x"]
    assert_is("the device of a leaf", tensor.device, torch.ones(1, device=subject.device).device)


def _with_tensors(thing, subject):
    if isinstance(thing, np.ndarray):
        return torch.tensor(thing.tolist(), device=subject.device)
    if isinstance(thing, dict):
        return {key: _with_tensors(value, subject) for key, value in thing.items()}
    if isinstance(thing, Point):
        return Point(*(_with_tensors(value, subject) for value in thing))
    return type(thing)(_with_tensors(value, subject) for value in thing) if isinstance(thing, (list, tuple)) else thing


@check("data.collate-ragged")
def test_ragged_samples_are_refused(subject):
    ones = [torch.ones(n, device=subject.device) for n in (2, 3, 2)]
    for given in (ones, ones[:2], [ones[0], ones[2], ones[1]], [ones[0], ones[0][None]], [ones[0], ones[0][0]]):
        assert_raises(
            f"tensors of shapes {[tuple(x.shape) for x in given]}", RuntimeError, lambda: data.default_collate(given)
        )
    for given in ([[1], [1, 2]], [(1, 2), (1,)], [[1], [1], []], [np.ones(2), np.ones(3)], [{"a": [1]}, {"a": [1, 2]}]):
        assert_raises(f"default_collate({given})", RuntimeError, lambda: data.default_collate(given))
    assert_raises("a missing key", KeyError, lambda: data.default_collate([{"a": 1, "b": 2}, {"a": 1}]))
    for workers in (0, 1):
        loader = data.DataLoader([torch.ones(2), torch.ones(3)], 2, num_workers=workers)
        found = [type(each).__name__ for each in outcomes(loader)]
        assert_is(f"a ragged batch with {workers} workers raises", found, ["RuntimeError"])
    assert_tensor("a batch of one", data.default_collate(ones[:1]), "float32", (1, 2))


@check("data.collate-unknown")
def test_other_objects_are_refused(subject):
    for one in (
        None,
        {1, 2},
        object(),
        1 + 2j,
        Squares(2),
        np.array("text"),
        np.array(["a"]),
        np.array([None]),
        iter([1]),
    ):
        for given in ([one, one], [{"x": one}] * 2, [(1, one)] * 2):
            assert_raises(f"default_collate of {type(one).__name__}", TypeError, lambda: data.default_collate(given))
    assert_raises("a batch of None", TypeError, lambda: list(data.DataLoader([None, None], 2)))


@check("data.convert")
def test_arrays_become_tensors_and_all_else_stays(subject):
    array = np.array([[1, 2]], np.int16)
    assert_values("of an array", data.default_convert(array), array, dtype="int16")
    assert_values("of a scalar", data.default_convert(np.float32(1.5)), np.float32(1.5), dtype="float32")
    x = torch.ones(2, device=subject.device)
    require(data.default_convert(x) is x, "a tensor becomes another one")
    for one in (1, 2.5, "text", b"bytes", None, True, 1 + 2j):
        out = data.default_convert(one)
        require(type(out) is type(one) and out == one, f"default_convert({one!r}) is {out!r}")
    words = np.array(["a", "b"])
    require(data.default_convert(words) is words, "an array of strings becomes something else")
    out = data.default_convert({"a": [1, array], "p": Point("x", np.float64(2.0)), "t": (array,)})
    assert_batch("of a structure", out["a"][1], array)
    assert_is("the number in it", out["a"][0], 1)
    require(type(out["p"]) is Point and out["p"].x == "x", f"the namedtuple becomes {out['p']!r}")
    assert_values("in the namedtuple", out["p"].y, np.float64(2.0), dtype="float64")
    assert_values("in the tuple", out["t"][0], array, dtype="int16")

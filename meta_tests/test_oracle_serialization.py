"""The oracle of saved files and shared storages, worked out a second way."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracle import serialization as oracle
from conformance.oracle.serialization import Memory, View


@given(offset=st.integers(0, 4), steps=st.tuples(st.integers(0, 5), st.integers(0, 5)), value=st.integers(50, 60))
def test_a_view_is_what_its_strides_say(offset: int, steps: tuple[int, int], value: int) -> None:
    memory, view = Memory([np.arange(24), np.arange(24)]), View(1, (2, 3), steps, offset)
    due = [[offset + i * steps[0] + j * steps[1] for j in range(3)] for i in range(2)]
    assert memory.array(view).tolist() == due
    memory.fill(view, value)
    places = {place for row in due for place in row}
    assert memory.storages[1].tolist() == [value if place in places else place for place in range(24)]
    assert memory.storages[0].tolist() == list(range(24))


def test_views_without_elements() -> None:
    assert Memory([np.arange(3)]).array(View(0, (2, 0), (9, 9), 2)).shape == (2, 0)


def test_nestings() -> None:
    thing = {"a": [1, (2,)], "b": OrderedDict(c=3)}
    assert list(oracle.leaves(thing)) == [("it['a'][0]", 1), ("it['a'][1][0]", 2), ("it['b']['c']", 3)]
    assert oracle.mapped(thing, str) == {"a": ["1", ("2",)], "b": OrderedDict(c="3")}
    assert oracle.skeleton(thing) == oracle.skeleton(oracle.mapped(thing, str))
    assert oracle.skeleton([1]) != oracle.skeleton((1,))
    assert oracle.skeleton({"a": 1, "b": 2}) != oracle.skeleton({"b": 2, "a": 1})
    assert oracle.skeleton(OrderedDict()) != oracle.skeleton({})


def saved(thing: object) -> bytes:
    file = io.BytesIO()
    torch.save(thing, file)
    return file.getvalue()


def test_a_file_is_read_without_pytorch() -> None:
    x = torch.arange(12.0).reshape(3, 4)
    read = oracle.read(saved({"x": x[1:, ::2], "y": [x.t(), torch.nn.Parameter(torch.ones(2))], "n": 5}))
    assert read["x"].array.tolist() == [[4.0, 6.0], [8.0, 10.0]]
    assert read["x"].key == read["y"][0].key != read["y"][1].key
    assert (read["y"][0].strides, read["x"].offset, read["n"], read["x"].location) == ((1, 4), 4, 5, "cpu")
    assert len(read["x"].memory) == 12


def test_other_classes_have_no_place_in_a_file() -> None:
    with pytest.raises(pickle.UnpicklingError):
        oracle.read(saved(torch.nn.Linear(1, 1)))


def test_records_have_no_folder() -> None:
    content = saved(torch.ones(3, dtype=torch.int16))
    assert {"data.pkl", "data/0", "version"} <= set(oracle.records(content))
    assert oracle.bytes_of(content, "data/0") == b"\1\0\1\0\1\0"

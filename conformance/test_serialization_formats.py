"""Formats of files, by example: what the bytes of a saved file are, and the options of pickle and mmap."""

from __future__ import annotations

import io
import os
import pickle
import tempfile
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.oracle import serialization as oracle
from conformance.tables.serialization_samples import (
    assert_equal,
    assert_tensors,
    load,
    save,
)
from properties.strategies.recipe import contiguous
from properties.strategies.values import distinct

pytestmark = must_answer

OLD_FORMAT = {"_use_new_zipfile_serialization": False}


def sample(subject):
    """A checkpoint of several tensors, some of which share a storage."""
    x = contiguous(distinct("float32", (6, 4)), "float32").on(subject)
    y = contiguous(distinct("int64", (40,)), "int64").on(subject)
    return {"x": x, "row": x[2], "column": x[:, 1], "y": [y, y[::3]], "epoch": 3, "name": "sample"}


# -- formats -----------------------------------------------------------------------------------------------------------


@check("serialization.zip-format")
def test_the_file_is_a_zip_archive_with_the_storages(subject):
    for dtype in ("bool", "uint8", "int16", "int64", "float16", "bfloat16", "float32", "float64", "complex64"):
        recipe = contiguous(distinct(dtype, (7, 5)), dtype)
        x = recipe.on(subject)
        content = save({"all": x, "part": x[2:4, 1:].t(), "other": x[:1].clone()})
        found = oracle.records(content)
        require({"data.pkl", "version", "data/0", "data/1"} <= set(found), f"the records are {sorted(found)}")
        require("data/2" not in found, "a storage was written twice")
        require(all(info.compress_type == zipfile.ZIP_STORED for info in found.values()), "a record is compressed")
        read = oracle.read(content)
        assert_equal("keys", list(read), ["all", "part", "other"])
        for (key, stored), due in zip(read.items(), (x, x[2:4, 1:].t(), x[:1]), strict=True):
            raw = host.bits(due)
            require(
                stored.array.tobytes() == np.ascontiguousarray(raw).tobytes(), f"the file holds other bits of {key}"
            )
            place = (stored.shape, stored.strides, stored.offset, stored.location)
            wanted = (tuple(due.shape), due.stride(), due.storage_offset(), str(due.device))
            assert_equal(f"what the file says of {key}", place, wanted)
        assert_equal("storages", [stored.key for stored in read.values()], ["0", "0", "1"])


@check("serialization.zip-format")
def test_a_file_on_disk_has_the_same_records(subject):
    due = {"w": torch.arange(9.0, device=subject.device).requires_grad_()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.pt"
        torch.save(due, path)
        content = path.read_bytes()
    require(content[:4] == b"PK\x03\x04", f"the file begins with {content[:4]!r}")
    stored = oracle.read(content)["w"]
    assert_equal("elements", stored.array.tolist(), list(range(9)))
    assert_equal("requires_grad", stored.requires_grad, True)


@check("serialization.old-format")
def test_the_old_format_is_still_written_and_read(subject):
    due = sample(subject)
    content = save(due, **OLD_FORMAT)
    require(not zipfile.is_zipfile(io.BytesIO(content)), "the old format is a ZIP archive")
    require(zipfile.is_zipfile(io.BytesIO(save(due))), "the new format is no ZIP archive")
    require(
        zipfile.is_zipfile(io.BytesIO(save(due, _use_new_zipfile_serialization=True))), "the new format is no archive"
    )
    raw = host.bits(due["x"]).tobytes()
    require(raw in content and raw in save(due), "the file does not hold the bytes of the storage")
    for options in ({}, {"weights_only": True}, {"weights_only": False}, {"map_location": subject.device}):
        assert_tensors("torch.load of the old format", load(content, **options), due)


@check("serialization.old-format-in-turn")
def test_objects_in_the_old_format_stand_one_after_the_other(subject):
    things = [
        sample(subject),
        torch.arange(5, device=subject.device),
        "text",
        {"epoch": 3},
        torch.ones((), device=subject.device),
    ]
    file = io.BytesIO()
    for thing in things:
        torch.save(thing, file, **OLD_FORMAT)
    for options in ({}, {"weights_only": True}):
        file.seek(0)
        for thing in things:
            assert_tensors("the next object of the file", torch.load(file, **options), thing)
        require(file.read() == b"", "torch.load has left something unread")


@check("serialization.pickle-protocol")
def test_other_protocols_load_the_same(subject):
    for protocol in (2, 3, 4, 5):
        for saving in ({}, OLD_FORMAT):
            content = save(sample(subject), pickle_protocol=protocol, **saving)
            assert_tensors(f"with protocol {protocol}", load(content, weights_only=False), sample(subject))
        pickled = oracle.bytes_of(save(sample(subject), pickle_protocol=protocol), "data.pkl")
        assert_equal("the protocol of the file", pickled[1], protocol)
    assert_equal("the protocol by default", oracle.bytes_of(save(sample(subject)), "data.pkl")[1], 2)


class _Counting(pickle.Pickler):
    made = 0

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _Counting.made += 1


@check("serialization.pickle-module")
def test_the_pickle_module_is_used(subject):
    module = types.ModuleType("pickle_of_ones_own")
    vars(module).update({name: getattr(pickle, name) for name in pickle.__all__}, Pickler=_Counting)
    _Counting.made = 0
    content = save(sample(subject), pickle_module=module)
    require(_Counting.made, "the Pickler of pickle_module was not used")
    assert_tensors("torch.load(pickle_module=pickle)", load(content, pickle_module=pickle), sample(subject))
    call = "torch.load(pickle_module=…, weights_only=True)"
    assert_raises(call, RuntimeError, lambda: load(content, pickle_module=pickle, weights_only=True))


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(str, marks=check("serialization.mmap"), id="str"),
        pytest.param(Path, marks=check("serialization.mmap", since="2.3"), id="Path"),
    ],
)
def test_a_mapped_file_gives_the_same_and_stays_as_it_is(subject, kind):
    due = sample(subject)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.pt"
        torch.save(due, path)
        content = path.read_bytes()
        for options in ({}, {"weights_only": True}, {"weights_only": False}):
            out = torch.load(kind(path), mmap=True, map_location=subject.device, **options)
            assert_tensors("torch.load(path, mmap=True)", out, due)
            out["x"].zero_()
            require(not out["row"].any().item(), "a write does not show in a view of the mapped storage")
            out["y"][0].fill_(7)
            require(path.read_bytes() == content, "a write to a mapped tensor changed the file")
        assert_tensors("torch.load(path, mmap=False)", torch.load(kind(path), mmap=False), due)


@check("serialization.mmap-refused")
def test_only_new_files_on_disk_can_be_mapped(subject):
    content = save(sample(subject))
    assert_raises("mmap=True of a buffer", ValueError, lambda: load(content, mmap=True))
    assert_tensors("the buffer without mmap", load(content, mmap=False), sample(subject))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.pt")
        torch.save(sample(subject), path, **OLD_FORMAT)
        assert_raises("mmap=True of the old format", RuntimeError, lambda: torch.load(path, mmap=True))

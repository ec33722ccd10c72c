"""Files, by example: places, formats, devices, damage, and what saving and loading leave alone."""

from __future__ import annotations

import io
import os
import pickle
import tempfile
import types
import zipfile
from pathlib import Path

import numpy as np
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.oracle import serialization as oracle
from conformance.samples_serialization import (
    FREE,
    NEW,
    OLD,
    PLAIN,
    WAYS,
    Net,
    Own,
    assert_alike,
    assert_equal,
    assert_tensors,
    load,
    net,
    save,
    through_file,
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


# -- places ------------------------------------------------------------------------------------------------------------


@check("serialization.paths")
def test_a_file_may_be_given_in_any_form(subject):
    due = sample(subject)
    with tempfile.TemporaryDirectory() as folder:
        for old in (False, True):
            saving = OLD_FORMAT if old else {}
            names = [Path(folder) / f"{name}{old}" for name in ("a.pt", "b", "c with é.pth", "d.pt", "e.pt")]
            torch.save(due, str(names[0]), **saving)
            torch.save(due, names[1], **saving)
            torch.save(due, f=os.path.join(folder, names[2].name), **saving)
            with open(names[3], "wb") as file:
                torch.save(due, file, **saving)
                require(not file.closed, "torch.save closed the file")
            names[4].write_bytes(save(due, **saving))
            for name in names:
                assert_tensors(f"torch.load({name.name!r})", torch.load(str(name)), due)
                assert_tensors(f"torch.load(Path({name.name!r}))", torch.load(name), due)
                assert_tensors(
                    f"torch.load(f=BytesIO) of {name.name}", torch.load(f=io.BytesIO(name.read_bytes())), due
                )
                with open(name, "rb") as file:
                    assert_tensors(f"torch.load(open({name.name!r}))", torch.load(file), due)
                    require(not file.closed, "torch.load closed the file")


@check("serialization.overwrite")
def test_saving_replaces_a_file(subject):
    big, small = {"x": torch.arange(5000, device=subject.device)}, torch.ones(2, device=subject.device)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.pt")
        sizes = []
        for thing in (small, big, small):
            torch.save(thing, path)
            sizes.append(os.path.getsize(path))
            assert_tensors("torch.load of the file", torch.load(path), thing)
            assert_equal("files in the folder", os.listdir(folder), ["x.pt"])
        require(sizes[2] == sizes[0] < sizes[1], f"the sizes of the file in turn are {sizes}")


@check("serialization.missing-file")
def test_a_missing_file_is_an_error(subject):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "none.pt")
        assert_raises("torch.load of a missing file", FileNotFoundError, lambda: torch.load(path))
        lost = os.path.join(folder, "none", "x.pt")
        thing = torch.ones(1, device=subject.device)
        assert_raises("torch.save into a missing folder", RuntimeError, lambda: torch.save(thing, lost))
        assert_equal("files in the folder", os.listdir(folder), [])
        torch.save(thing, path)
        assert_tensors("torch.load afterwards", torch.load(path), thing)


@check("serialization.load-again")
def test_a_file_can_be_loaded_again(subject):
    due = sample(subject)
    for saving in ({}, OLD_FORMAT):
        file = io.BytesIO()
        torch.save(due, file, **saving)
        loads = []
        for _ in range(3):
            file.seek(0)
            loads.append(torch.load(file))
        for out in loads:
            assert_tensors("a load", out, due)
            out["x"].fill_(-1)
            out["y"][0].zero_()
        require(not overlap(loads[0]["x"], loads[1]["x"]), "two loads share memory")
        require(not overlap(loads[1]["y"][0], loads[2]["y"][0]), "two loads share memory")
        assert_tensors("what was saved", due, sample(subject))


@check("serialization.save-again")
def test_later_saves_hold_later_values(subject):
    for way in (*WAYS, through_file):
        due = sample(subject)
        first, second = way(due), way(due)
        assert_tensors("the second load", second, first)
        due["x"].add_(1)
        third = way(due)
        assert_tensors("the load after a change", third, due)
        assert_tensors("the first load after a change", first, second)
        due["x"].sub_(1)
        assert_tensors("the load after the change was undone", way(due), first)


@check("serialization.no-aliasing")
def test_loaded_tensors_have_memory_of_their_own(subject):
    for way in (*WAYS, through_file):
        given = sample(subject)
        out = way(given)
        for key in ("x", "row", "column"):
            require(not overlap(out[key], given[key]), f"the loaded {key} lies in the memory of the saved one")
        before = host.array(given["x"])
        out["x"].zero_()
        assert_values("what was saved, after a write to what was loaded", given["x"], before)
        given["y"][0].zero_()
        assert_values("what was loaded, after a write to what was saved", out["y"][0], distinct("int64", (40,)))


@check("serialization.saving-changes-nothing")
def test_saving_leaves_the_object_alone(subject):
    x = contiguous(distinct("float32", (5,)), "float32").with_grad().on(subject)
    (x**2).sum().backward()
    thing = {"x": x, "grad": x.grad, "view": x.detach()[1:], "net": net(subject).state_dict()}
    before = Unchanged(**{"x": x, "grad": x.grad, "view": thing["view"]}, **thing["net"])
    random, keys = bytes(torch.get_rng_state().numpy()), list(thing)
    for saving in ({}, OLD_FORMAT):
        save(thing, **saving)
        before.check("torch.save")
        require(bytes(torch.get_rng_state().numpy()) == random, "torch.save draws from the random generator")
        assert_equal("keys of the dict", list(thing), keys)
        require(x.grad is thing["grad"] and x.is_leaf and x.requires_grad, "torch.save changed the leaf")


@check("serialization.loading-changes-nothing")
def test_loading_leaves_the_state_of_pytorch_alone(subject):
    content, random = save(sample(subject)), bytes(torch.get_rng_state().numpy())
    for wanted in (True, False):
        with torch.set_grad_enabled(wanted):
            load(content)
            require(torch.is_grad_enabled() == wanted, "torch.load changes the grad mode")
    require(bytes(torch.get_rng_state().numpy()) == random, "torch.load draws from the random generator")
    require(torch.get_default_dtype() == torch.float32, "torch.load changes the default dtype")


@check("serialization.default-dtype")
def test_the_default_dtype_does_not_matter(subject):
    dtypes = ("float16", "bfloat16", "float32", "float64", "int32", "complex64")
    given = {name: contiguous(distinct(name, (5,)), name).on(subject) for name in dtypes}
    for way in WAYS:
        contents = save(given, **(OLD_FORMAT if way.old else {}))
        try:
            torch.set_default_dtype(torch.float64)
            assert_tensors("loaded with default dtype float64", load(contents, **way.loading), given)
            assert_tensors("saved and loaded with default dtype float64", way(given), given)
        finally:
            torch.set_default_dtype(torch.float32)


@check("serialization.grad-mode")
def test_the_grad_mode_does_not_matter(subject):
    given = {"x": contiguous(distinct("float32", (5,)), "float32").with_grad().on(subject), **net(subject).state_dict()}
    given["weight"] = net(subject).out.weight
    content = save(given)
    for way in WAYS:
        with torch.no_grad():
            assert_tensors("loaded under no_grad", load(content, **way.loading), given)
            assert_tensors("saved and loaded under no_grad", way(given), given)


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


@check("serialization.mmap")
def test_a_mapped_file_gives_the_same_and_stays_as_it_is(subject):
    due = sample(subject)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.pt"
        torch.save(due, path)
        content = path.read_bytes()
        for where in (str(path), path):
            for options in ({}, {"weights_only": True}, {"weights_only": False}):
                out = torch.load(where, mmap=True, map_location=subject.device, **options)
                assert_tensors("torch.load(path, mmap=True)", out, due)
                out["x"].zero_()
                require(not out["row"].any().item(), "a write does not show in a view of the mapped storage")
                out["y"][0].fill_(7)
                require(path.read_bytes() == content, "a write to a mapped tensor changed the file")
        assert_tensors("torch.load(path, mmap=False)", torch.load(path, mmap=False), due)


@check("serialization.mmap-refused")
def test_only_new_files_on_disk_can_be_mapped(subject):
    content = save(sample(subject))
    assert_raises("mmap=True of a buffer", ValueError, lambda: load(content, mmap=True))
    assert_tensors("the buffer without mmap", load(content, mmap=False), sample(subject))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.pt")
        torch.save(sample(subject), path, **OLD_FORMAT)
        assert_raises("mmap=True of the old format", RuntimeError, lambda: torch.load(path, mmap=True))


# -- damage ------------------------------------------------------------------------------------------------------------


@check("serialization.truncated")
def test_damaged_files_are_refused_and_change_nothing(subject):
    target = net(subject)
    before = {key: host.array(entry) for key, entry in target.state_dict().items()}
    contents = [
        (save(net(subject, 2).state_dict(), **saving), name) for saving, name in (({}, "new"), (OLD_FORMAT, "old"))
    ]
    damaged = [
        (content[: len(content) * share // 16], f"{share}/16 of a file in the {name} format")
        for content, name in contents
        for share in range(16)
    ]
    damaged += [(content[:-1], f"a file in the {name} format without its last byte") for content, name in contents]
    damaged += [
        (b"no checkpoint at all", "text"),
        (bytes(500), "zeros"),
        (b"PK\x03\x04" + bytes(300), "a broken archive"),
    ]
    for content, name in damaged:
        for options in ({}, {"weights_only": True}, {"weights_only": False}):
            assert_raises(f"torch.load of {name}", Exception, lambda: load(content, **options))
        assert_raises(name, Exception, lambda: target.load_state_dict(load(content)))
    for key, due in before.items():
        assert_values(f"{key} afterwards", target.state_dict()[key], due)
    target.load_state_dict(load(contents[0][0]))
    assert_tensors("a whole file afterwards", target.state_dict(), net(subject, 2).state_dict())


@check("serialization.truncated")
def test_damaged_files_on_disk_are_refused(subject):
    content = save(sample(subject))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.pt"
        for end in (0, 1, 10, len(content) // 2, len(content) - 100, len(content) - 1):
            path.write_bytes(content[:end])
            assert_raises(f"torch.load of {end} of {len(content)} bytes", Exception, lambda: torch.load(path))
        path.write_bytes(content)
        assert_tensors("torch.load of the whole file", torch.load(path), sample(subject))


# -- devices -----------------------------------------------------------------------------------------------------------


@check("serialization.device-kept")
def test_tensors_come_back_on_their_device(subject):
    x = contiguous(distinct("float32", (4, 3)), "float32").on(subject)
    for way in WAYS:
        out = way({"x": x, "meta": torch.empty(2, 5, dtype=torch.int16, device="meta"), "cpu": torch.ones(2)})
        assert_equal("devices", [str(t.device) for t in out.values()], [str(x.device), "meta", "cpu"])
        assert_equal("the meta tensor", (out["meta"].dtype, tuple(out["meta"].shape)), (torch.int16, (2, 5)))
        assert_values("x", out["x"], distinct("float32", (4, 3)))


@check("serialization.map-location")
def test_a_device_can_be_chosen(subject):
    given = sample(subject)
    for way in WAYS:
        for where in ("cpu", subject.device, torch.device("cpu"), torch.device(subject.device)):
            due = {**given, **{key: given[key].to(where) for key in ("x", "row")}, "column": given["x"].to(where)[:, 1]}
            out = way(given, map_location=where)
            assert_tensors(f"{way.name}: the tensors", [out["x"], out["row"]], [due["x"], due["row"]])
            assert_equal("the device in a list", out["y"][0].device, given["y"][0].to(where).device)
            out["x"].zero_()
            require(not out["column"].any().item(), "the views no longer share")


@check("serialization.map-location")
def test_only_shapes_are_loaded_to_meta(subject):
    given = {**sample(subject), "parameter": net(subject).out.weight}
    for way in NEW:
        for where in ("meta", torch.device("meta")):
            out = way(given, map_location=where)
            for key in ("x", "row", "column", "parameter"):
                assert_tensor(f"the loaded {key}", out[key], host.dtype_name(given[key].dtype), tuple(given[key].shape))
                assert_equal(
                    f"device, strides of {key}",
                    (out[key].device.type, out[key].stride()),
                    ("meta", given[key].stride()),
                )
            assert_equal("the rest", (out["epoch"], out["name"]), (3, "sample"))
            require(out["parameter"].requires_grad, "the Parameter needs no gradient any more")


@check("serialization.map-location-dict")
def test_locations_are_mapped(subject):
    given = {"x": contiguous(distinct("float32", (5,)), "float32").on(subject), "meta": torch.empty(2, device="meta")}
    home = str(given["x"].device)
    for way in WAYS:
        for mapping, due in (
            ({home: "meta"}, ["meta", "meta"]),
            ({"cuda:7": "cpu"}, [home, "meta"]),
            ({"cuda:7": "meta"}, [home, "meta"]),
            ({"cuda:7": "meta", home: "cpu"}, ["cpu", "meta"]),
            ({home: "cpu", "cuda:7": "meta"}, ["cpu", "meta"]),
        ):
            out = way(given, map_location=mapping)
            assert_equal(f"devices with map_location={mapping}", [str(t.device) for t in out.values()], due)
        assert_values("x with map_location={}", way(given, map_location={})["x"], distinct("float32", (5,)))


@check("serialization.map-location-callable")
def test_a_function_places_each_storage(subject):
    given = sample(subject)
    home = str(given["x"].device)
    for way in WAYS:
        seen = []
        out = way(given, map_location=lambda storage, location: seen.append((storage.nbytes(), location)) or storage)
        assert_equal("the storages that were asked for", sorted(seen), [(96, home), (320, home)])
        assert_equal("devices of what it returned", {out["x"].device.type, out["y"][0].device.type}, {"cpu"})
        assert_values("x", out["x"], distinct("float32", (6, 4)))
        assert_values("y[::3]", out["y"][1], distinct("int64", (40,))[::3])
        assert_tensors("with None for all", way(given, map_location=lambda storage, location: None), given)
        if way.old:  # there the function is asked before the storage is filled
            continue
        cut = way(given, map_location=lambda storage, location: storage.fill_(0) if storage.nbytes() == 96 else None)
        assert_values("x, cleared by the function", cut["row"], np.zeros(4))
        assert_values("y, left alone by it", cut["y"][0], distinct("int64", (40,)))


@check("serialization.map-location-unknown")
def test_an_unknown_place_is_refused(subject):
    given = sample(subject)
    for way in (PLAIN, FREE, OLD):
        assert_raises("map_location='nowhere'", RuntimeError, lambda: way(given, map_location="nowhere"))
        assert_raises(
            "map_location={…: 'nowhere'}",
            RuntimeError,
            lambda: way(given, map_location={str(given["x"].device): "nowhere"}),
        )
        assert_tensors("without it", way(given), given)


@check("serialization.default-device")
def test_the_default_device_does_not_matter(subject):
    given = sample(subject)
    content = save(given)
    for options in ({}, {"weights_only": False}, {"map_location": subject.device}):
        with torch.device("meta"):
            out = load(content, **options)
        assert_tensors("loaded with another default device", out, given)


@check("serialization.load-again")
def test_loading_into_a_network_twice(subject):
    content, other = save(net(subject, 2).state_dict()), Net().to(subject.device)
    for _ in range(2):
        state = load(content)
        other.load_state_dict(state)
        assert_alike("the weight", other.out.weight.detach(), net(subject, 2).out.weight.detach())
        with torch.no_grad():
            other.out.weight.zero_()
        require(state["out.weight"].any().item(), "the network holds the memory of the loaded state")


@check("serialization.no-aliasing")
def test_other_objects_are_made_anew(subject):
    given = Own([1, {"x": torch.ones(2, device=subject.device)}])
    for way in (FREE, OLD):
        out = way(given, weights_only=False)
        require(out is not given and out.value is not given.value, "the object is the one that was saved")
        out.value[1]["x"].zero_()
        assert_values("what was saved", given.value[1]["x"], np.ones(2))

"""Files, by example: places, damage, and what saving and loading leave alone."""

from __future__ import annotations

import io
import os
import random as of_python
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.tables.serialization_samples import (
    FREE,
    OLD,
    WAYS,
    Minimal,
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


@check("serialization.file-like")
def test_a_file_needs_few_methods(subject):
    for saving in ({}, OLD_FORMAT):
        for options in ({}, {"weights_only": True}, {"weights_only": False}):
            file = Minimal()
            torch.save(sample(subject), file, **saving)
            file.seek(0)
            assert_tensors("torch.load of a file with few methods", torch.load(file, **options), sample(subject))


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


def elsewhere() -> tuple[Any, list[int]]:
    """The states of Python's and numpy's generators."""
    return of_python.getstate(), np.random.get_state()[1].tolist()


@check("serialization.saving-changes-nothing")
def test_saving_leaves_the_object_alone(subject):
    x = contiguous(distinct("float32", (5,)), "float32").with_grad().on(subject)
    (x**2).sum().backward()
    thing = {"x": x, "grad": x.grad, "view": x.detach()[1:], "net": net(subject).state_dict()}
    before = Unchanged(**{"x": x, "grad": x.grad, "view": thing["view"]}, **thing["net"])
    random, keys = bytes(torch.get_rng_state().numpy()), list(thing)
    others = elsewhere()
    for saving in ({}, OLD_FORMAT):
        save(thing, **saving)
        before.check("torch.save")
        require(bytes(torch.get_rng_state().numpy()) == random, "torch.save draws from the random generator")
        require(others == elsewhere(), "torch.save draws elsewhere")
        assert_equal("keys of the dict", list(thing), keys)
        require(x.grad is thing["grad"] and x.is_leaf and x.requires_grad, "torch.save changed the leaf")


@check("serialization.loading-changes-nothing")
def test_loading_leaves_the_state_of_pytorch_alone(subject):
    content, random = save(sample(subject)), bytes(torch.get_rng_state().numpy())
    others = elsewhere()
    for wanted in (True, False):
        with torch.set_grad_enabled(wanted):
            load(content)
            require(torch.is_grad_enabled() == wanted, "torch.load changes the grad mode")
    require(bytes(torch.get_rng_state().numpy()) == random, "torch.load draws from the random generator")
    require(others == elsewhere(), "torch.load draws elsewhere")
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

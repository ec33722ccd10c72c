"""Where loaded tensors lie, by example: their own device, map_location, and the default device."""

from __future__ import annotations

import io

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.serialization_samples import (
    FREE,
    NEW,
    OLD,
    PLAIN,
    WAYS,
    assert_alike,
    assert_equal,
    assert_tensors,
    load,
    net,
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
    given = {**sample(subject), "parameter": net(subject).out.weight}
    for way in WAYS:
        for where in ("cpu", subject.device, torch.device("cpu"), torch.device(subject.device)):
            out = way(given, map_location=where)
            for key in ("x", "row", "column"):
                assert_alike(f"{way.name}: the loaded {key}", out[key], _moved(given[key], where))
            for found, due in zip(out["y"], given["y"], strict=True):
                assert_alike(f"{way.name}: a tensor in a list", found, _moved(due, where))
            assert_equal("the rest", (out["epoch"], out["name"]), (3, "sample"))
            assert_equal("the device of the Parameter", out["parameter"].device, given["parameter"].to(where).device)
            require(type(out["parameter"]) is torch.nn.Parameter, "the Parameter is none any more")
            require(out["parameter"].requires_grad and out["parameter"].is_leaf, "the Parameter is frozen or no leaf")
            out["x"].zero_()
            require(not out["column"].any().item(), "the views no longer share")


def _moved(tensor, where):
    """The tensor on that device, with its strides."""
    made = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=where)
    return made.copy_(tensor)


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
        for absent in ("cuda:99", torch.device("cuda", 99), {str(given["x"].device): "cuda:99"}):
            assert_raises(f"map_location={absent}", RuntimeError, lambda: way(given, map_location=absent))
        if not torch.cuda.is_available():
            assert_raises("map_location='cuda'", RuntimeError, lambda: way(given, map_location="cuda"))
        assert_tensors("without it", way(given), given)


@check("serialization.default-device")
def test_the_default_device_does_not_matter(subject):
    given = sample(subject)
    content = save(given)
    for options in ({}, {"weights_only": False}, {"map_location": subject.device}):
        with torch.device("meta"):
            out = load(content, **options)
        assert_tensors("loaded with another default device", out, given)


@check("serialization.map-location")
def test_map_location_may_stand_by_place(subject):
    given = {"x": torch.arange(6.0, device=subject.device).view(2, 3).t(), "f": torch.ones(2, device=subject.device)}
    content = save(given)
    for where in ("meta", torch.device("meta"), {str(given["x"].device): "meta"}):
        out = torch.load(io.BytesIO(content), where)
        assert_equal(f"devices with {where!r}", [str(t.device) for t in out.values()], ["meta", "meta"])
    out = torch.load(io.BytesIO(content), lambda storage, location: storage)
    assert_tensors("with a function", {key: t.cpu() for key, t in out.items()}, {k: t.cpu() for k, t in given.items()})

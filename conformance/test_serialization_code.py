"""Code in files, by example: what torch.load runs and what it refuses. The payloads only make a folder in a folder
of their own, so that it shows whether they ran."""

from __future__ import annotations

import builtins
import collections
import datetime
import functools
import io
import os
import pathlib
import pickle
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.tables.serialization_samples import (
    Counted,
    Own,
    Payload,
    assert_equal,
    assert_tensors,
    load,
    net,
    payloads,
    save,
    through_file,
)

pytestmark = must_answer

UnpicklingError = pickle.UnpicklingError


def refused(subject):
    """Objects that need a class or function that is no weight."""
    return {
        "a class of one's own": Own(1),
        "a class inside a dict": {"weight": torch.ones(2, device=subject.device), "more": [(Own(2),)]},
        "a class object": Own,
        "a module": nn.Linear(2, 1).to(subject.device),
        "a network of one's own": net(subject),
        "a module class": nn.Linear,
        "a function of PyTorch": torch.save,
        "a builtin": builtins.eval,
        "getattr": builtins.getattr,
        "a function of os": os.getcwd,
        "a partial": functools.partial(int, "5"),
        "a deque": collections.deque([1]),
        "a span of time": datetime.timedelta(3),
        "a path": pathlib.PurePosixPath("x"),
        "a numpy array": np.ones(2),
        "a numpy scalar": np.float32(1),
    }


@check("serialization.weights-only-refuses-code")
def test_code_in_a_file_is_refused_and_not_run(subject):
    for name, content, made in payloads():
        call = f"torch.load(…, weights_only=True) of a payload {name}"
        for options in ({}, {"map_location": subject.device}):
            assert_raises(call, UnpicklingError, lambda: load(content, weights_only=True, **options))
            require(not made.exists(), f"{call}: the code was run")


@check("serialization.weights-only-refuses-code")
def test_code_in_other_files_is_refused_and_not_run(subject):
    with tempfile.TemporaryDirectory() as folder:
        made, path = Path(folder) / "made", Path(folder) / "file.pt"
        live = Payload(str(made))
        contents = {f"a plain pickle of protocol {n}": pickle.dumps(live, protocol=n) for n in (0, 1, 2)}
        contents |= {f"a file of pickle protocol {n}": save(live, pickle_protocol=n) for n in (3, 4, 5)}
        for name, content in contents.items():
            path.write_bytes(content)
            for place in (path, str(path), io.BytesIO(content)):
                call = f"torch.load(…, weights_only=True) of {name}"
                assert_raises(call, Exception, lambda: torch.load(place, weights_only=True))
                require(not made.exists(), f"{call}: the code was run")


@check("serialization.weights-only-off-runs-code")
def test_code_in_a_file_is_run_without_weights_only(subject):
    for name, content, made in payloads():
        require(not made.exists(), "saving ran the code")
        load(content, weights_only=False)
        require(made.is_dir(), f"torch.load(…, weights_only=False) of a payload {name} has not run the code")


@check("serialization.weights-only-by-default")
def test_weights_only_is_the_default(subject):
    for name, content, made in payloads():
        for options in ({}, {"weights_only": None}, {"map_location": subject.device}):
            call = f"torch.load of a payload {name}"
            assert_raises(call, UnpicklingError, lambda: load(content, **options))
            require(not made.exists(), f"{call}: the code was run")
    for name, thing in refused(subject).items():
        assert_raises(f"torch.load of {name}", UnpicklingError, lambda: load(save(thing)))
        assert_raises(f"torch.load(path) of {name}", UnpicklingError, lambda: through_file(thing))
    state = net(subject).state_dict()
    assert_tensors("the state of a network", load(save(state)), state)


@check("serialization.weights-only-off-by-default")
def test_any_class_is_unpickled_by_default(subject):
    for name, content, made in payloads():
        load(content)
        require(made.is_dir(), f"torch.load of a payload {name} has not run the code")
    for thing in (Own(3), [Own(1), Own("x")], datetime.timedelta(3)):
        assert_equal("torch.load of an object", load(save(thing)), thing)


@check("serialization.weights-only-refuses-classes")
def test_other_classes_are_refused(subject):
    for name, thing in refused(subject).items():
        for saving in ({}, {"_use_new_zipfile_serialization": False}):
            call = f"torch.load(…, weights_only=True) of {name}"
            assert_raises(call, UnpicklingError, lambda: load(save(thing, **saving), weights_only=True))
        if isinstance(thing, Own):
            text = str(assert_raises(call, UnpicklingError, lambda: load(save(thing), weights_only=True)))
            require(f"{Own.__module__}.Own" in text, f"the error does not name the class: {text}")


@check("serialization.weights-only-refuses-classes")
def test_a_refused_class_is_not_made(subject):
    content = save({"x": torch.ones(1, device=subject.device), "own": Counted()})
    before = Counted.made
    assert_raises("torch.load", UnpicklingError, lambda: load(content, weights_only=True))
    assert_equal("objects of the refused class that were made", Counted.made - before, 0)
    require(type(load(content, weights_only=False)["own"]) is Counted, "the object is of another class")
    assert_equal("objects made with weights_only=False", Counted.made - before, 1)


@check("serialization.add-safe-globals")
def test_classes_can_be_allowed(subject):
    content, other = save({"own": Own(4)}), save(datetime.timedelta(3))
    safe = torch.serialization
    before = safe.get_safe_globals()
    assert_equal("the type of get_safe_globals()", type(before), list)
    try:
        safe.add_safe_globals([Own])
        require(Own in safe.get_safe_globals(), "get_safe_globals() does not list the class")
        assert_equal("what is loaded", load(content, weights_only=True), {"own": Own(4)})
        assert_raises("another class", UnpicklingError, lambda: load(other, weights_only=True))
        safe.add_safe_globals([datetime.timedelta])
        assert_equal("what is loaded", load(content, weights_only=True), {"own": Own(4)})
        assert_equal("the other class", load(other, weights_only=True), datetime.timedelta(3))
    finally:
        safe.clear_safe_globals()
    assert_equal("get_safe_globals() after clearing", list(safe.get_safe_globals()), [])
    assert_raises("torch.load after clearing", UnpicklingError, lambda: load(content, weights_only=True))
    if before:
        safe.add_safe_globals(before)


@check("serialization.safe-globals")
def test_classes_are_allowed_in_a_block(subject):
    content, other = save([Own(4)]), save(datetime.timedelta(3))
    safe = torch.serialization
    before = list(safe.get_safe_globals())
    for _ in range(2):
        with safe.safe_globals([Own]):
            assert_equal("what is loaded", load(content, weights_only=True), [Own(4)])
            assert_raises("another class", UnpicklingError, lambda: load(other, weights_only=True))
            with safe.safe_globals([datetime.timedelta]):
                assert_equal("inside both", load(other, weights_only=True), datetime.timedelta(3))
                assert_equal("inside both", load(content, weights_only=True), [Own(4)])
            assert_raises("after the inner block", UnpicklingError, lambda: load(other, weights_only=True))
            assert_equal("Own after the inner block", load(content, weights_only=True), [Own(4)])
        assert_raises("after the block", UnpicklingError, lambda: load(content, weights_only=True))
    assert_raises("a block", ZeroDivisionError, lambda: _failing(safe))
    assert_raises("after a block that raised", UnpicklingError, lambda: load(content, weights_only=True))
    assert_equal("get_safe_globals() afterwards", set(safe.get_safe_globals()), set(before))


def _failing(safe):
    with safe.safe_globals([Own]):
        return 1 / 0


@check("serialization.unsafe-globals")
def test_what_a_file_needs_can_be_listed(subject):
    listed = torch.serialization.get_unsafe_globals_in_checkpoint
    for name, content, made in payloads():
        if "old format" not in name:
            assert_equal(
                f"what a payload {name} needs", [*listed(io.BytesIO(content))], [f"{os.mkdir.__module__}.mkdir"]
            )
            require(not made.exists(), "listing ran the code")
    assert_equal("what a state needs", listed(io.BytesIO(save(net(subject).state_dict()))), [])
    found = listed(io.BytesIO(save({"a": Own(1), "b": datetime.timedelta(3)})))
    assert_equal("what it needs", set(found), {"conformance.tables.serialization_samples.Own", "datetime.timedelta"})
    with torch.serialization.safe_globals([Own]):
        assert_equal(
            "what it needs besides Own",
            listed(io.BytesIO(save({"a": Own(1), "b": datetime.timedelta(3)}))),
            ["datetime.timedelta"],
        )

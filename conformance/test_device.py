"""Devices as objects, and how they are written and printed."""

from __future__ import annotations

import contextlib
import copy
import io
import pickle

import numpy as np
import torch
from torch import nn

from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.device_places import assert_at, elsewhere, on_the_cpu, values

pytestmark = must_answer

TYPES = ("cpu", "cuda", "meta", "xpu", "mps")
INDEXES = (None, 0, 1, 7, 127)


def written(kind: str, index: int | None) -> str:
    return kind if index is None else f"{kind}:{index}"


def assert_device(call: str, found: object, kind: str, index: int | None) -> None:
    require(isinstance(found, torch.device), f"{call} is no torch.device but a {type(found).__name__}")
    facts = (found.type, found.index)  # type: ignore[attr-defined]
    require(facts == (kind, index), f"{call} has type and index {facts}", (kind, index), facts)
    require(type(found.type) is str, f"{call}.type is no str")  # type: ignore[attr-defined]
    require(index is None or type(found.index) is int, f"{call}.index is no int")  # type: ignore[attr-defined]


@check("device.device-object")
def test_a_device_can_be_written_without_having_it(subject):
    before = torch.cuda.is_initialized()
    for _ in range(2):
        assert_device("torch.device('cuda')", torch.device("cuda"), "cuda", None)
        assert_device("torch.device('cuda:0')", torch.device("cuda:0"), "cuda", 0)
        assert_device("torch.device('cuda:1')", torch.device("cuda:1"), "cuda", 1)
    require(torch.cuda.is_initialized() == before, "writing a device initialises CUDA")


@check("device.spellings")
def test_one_device_can_be_written_in_several_ways(subject):
    for kind in TYPES:
        for index in INDEXES:
            text = written(kind, index)
            made = {"device(text)": torch.device(text), "device(device)": torch.device(torch.device(text))}
            if index is not None:
                made["device(type, index)"] = torch.device(kind, index)
                made["device(type=, index=)"] = torch.device(type=kind, index=index)
                made["device(type, index=)"] = torch.device(kind, index=index)
            for call, found in made.items():
                assert_device(f"{call} of {text!r}", found, kind, index)
                require(found == torch.device(text), f"{call} is unequal to {text!r}")
                require((found != torch.device(text)) is False, f"{call} is unequal to {text!r}")


BAD = ("", "gpu", "CUDA", "Cpu", "cuda:", "cuda:-1", "cuda:x", "cuda0", "cpu: 0", "cuda:01", "cuda:1:2", "meta:")
WORSE = (" cpu", "cuda:1.0", "cuda:0 ", ":0", "0", "cuda,0", "cuda/0", "cpu:0x1")


@check("device.bad-strings")
def test_a_misspelt_device_is_refused(subject):
    for text in (*BAD, *WORSE):
        assert_raises(f"torch.device({text!r})", RuntimeError, lambda: torch.device(text))
    for text in BAD:
        assert_raises(f"torch.empty(1, device={text!r})", RuntimeError, lambda: torch.empty(1, device=text))
        assert_raises(f"x.to({text!r})", RuntimeError, lambda: torch.ones(1).to(text))
    require(torch.device("cpu").type == "cpu", "a refused device spoils the next one")


@check("device.bad-strings")
def test_what_is_no_device_is_refused(subject):
    for given in (None, 1.5, True, [], {}, ("cuda", 0), torch.float32, torch.ones(1)):
        assert_raises(f"torch.device({given!r})", TypeError, lambda: torch.device(given))
    assert_raises("torch.device()", TypeError, lambda: torch.device())
    assert_raises("torch.device('cuda', -1)", RuntimeError, lambda: torch.device("cuda", -1))
    assert_raises("torch.device(-1)", RuntimeError, lambda: torch.device(-1))
    assert_raises("torch.device('cuda:1', 1)", RuntimeError, lambda: torch.device("cuda:1", 1))
    assert_raises("torch.device(device, 1)", TypeError, lambda: torch.device(torch.device("cuda"), 1))


@check("device.index-range")
def test_an_index_too_large_is_refused(subject):
    on_the_cpu(subject)
    for index in (128, 255, 256, 300, 65536):
        try:
            found = torch.device("cuda", index)
        except (RuntimeError, ValueError, OverflowError):
            continue
        require(found.index == index, f"torch.device('cuda', {index}) has index {found.index}", "an error", found)


@check("device.equality")
def test_devices_are_equal_if_type_and_index_are(subject):
    pairs = [(kind, index) for kind in TYPES for index in INDEXES]
    for one in pairs:
        for other in pairs:
            a, b = torch.device(written(*one)), torch.device(written(*other))
            call = f"{a!r} == {b!r}"
            require((a == b) is (one == other), call + " is wrong", one == other, a == b)
            require((a != b) is (one != other), call.replace("==", "!=") + " is wrong", one != other, a != b)
            require(one != other or hash(a) == hash(b), f"{a!r} has another hash the second time")
    require(len({torch.device(written(*pair)) for pair in pairs}) == len(pairs), "a set mixes devices up")
    named = {torch.device(written(*pair)): pair for pair in pairs}
    require(all(named[torch.device(written(*pair))] == pair for pair in pairs), "a dict mixes devices up")
    for kind in TYPES:
        require((torch.device(kind) == kind) is False, f"torch.device({kind!r}) equals the string")
        require((torch.device(kind) != kind) is True, f"torch.device({kind!r}) is not unequal to the string")


@check("device.immutable")
def test_a_device_cannot_be_changed(subject):
    device = torch.device("cuda:1")
    for name, value in (("type", "cpu"), ("index", 0), ("other", 1)):
        assert_raises(f"device.{name} = {value!r}", AttributeError, lambda: setattr(device, name, value))
    assert_device("the device after that", device, "cuda", 1)
    assert_raises("device < device", TypeError, lambda: device < torch.device("cuda:2"))
    assert_raises("a subclass", TypeError, lambda: type("Mine", (torch.device,), {}))


@check("device.print-device")
def test_a_device_prints_as_its_name(subject):
    for kind in TYPES:
        for index in INDEXES:
            text = written(kind, index)
            device = torch.device(text)
            for call, found in (
                ("str", str(device)),
                ("format", f"{device}"),
                ("'%s' %", "%s" % device),  # noqa: UP031
                ("print", _printed(device)),
            ):
                require(found == text, f"{call} of torch.device({text!r}) is {found!r}", text, found)
            shown = f"device(type={kind!r})" if index is None else f"device(type={kind!r}, index={index})"
            require(repr(device) == shown, f"repr of torch.device({text!r}) is {device!r}", shown, repr(device))
            again = eval(repr(device), {"device": torch.device})
            require(again == device, f"{device!r} makes {again!r}")


@check("device.print-device")
def test_the_devices_of_tensors_print_so_too(subject):
    kind = torch.device(subject.device).type
    require(_printed(torch.ones(1).device) == "cpu", "print(x.device)", "cpu", _printed(torch.ones(1).device))
    require(_printed(torch.ones(1, device="meta").device) == "meta", "print(x.device) on meta")
    found = _printed(torch.ones(1, device=subject.device).device)
    require(found.partition(":")[0] == kind, f"print(x.device) is {found}", kind, found)


def _printed(value: object) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        print(value)
    return out.getvalue().removesuffix("\n")


@check("device.pickled")
def test_a_device_survives_copies(subject):
    for kind in TYPES:
        for index in INDEXES:
            device = torch.device(written(kind, index))
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                assert_device(f"pickled {device!r}", pickle.loads(pickle.dumps(device, protocol)), kind, index)
            assert_device(f"copy of {device!r}", copy.copy(device), kind, index)
            assert_device(f"deepcopy of {device!r}", copy.deepcopy({"a": [device]})["a"][0], kind, index)
    file = io.BytesIO()
    torch.save({"device": torch.device("cuda:1")}, file)
    file.seek(0)
    assert_device("saved and loaded", torch.load(file)["device"], "cuda", 1)


@check("device.device-as-string")
def test_a_string_does_for_a_device(subject):
    x = values(subject, [[1, 2], [3, 4]])
    for text in (subject.device, elsewhere(subject), "meta", "cpu"):
        for device in (text, torch.device(text)):
            assert_at(f"x.to({device!r})", x.to(device), text)
            assert_at(f"x.to(device={device!r})", x.to(device=device), text)
            for name in ("zeros", "ones", "empty", "rand"):
                assert_at(f"torch.{name}(2, device={device!r})", getattr(torch, name)(2, device=device), text)
            assert_at(f"torch.tensor(1, device={device!r})", torch.tensor(1, device=device), text)
            assert_at(f"torch.ones_like(x, device={device!r})", torch.ones_like(x, device=device), text)
            assert_at(f"x.new_zeros(2, device={device!r})", x.new_zeros(2, device=device), text)
            assert_at(f"Linear(1, 1, device={device!r})", nn.Linear(1, 1, device=device).weight, text)
            assert_at(f"Linear(1, 1).to({device!r})", nn.Linear(1, 1).to(device).weight, text)
    require(torch.device("cpu") == torch.ones(1).to("cpu").device, "to('cpu') is not on torch.device('cpu')")


@check("device.note-indentation-error")
def test_lines_indented_by_a_space_more_do_not_compile(subject):
    lines = ("device = torch.device({name!r})", "model.to(device)", "copied = my_tensor.to(device)")
    text = "\n".join(lines).format(name=subject.device)
    for place in (1, 2):
        broken = "\n".join(" " + line if number == place else line for number, line in enumerate(text.split("\n")))
        assert_raises(f"compiling\n{broken}", IndentationError, lambda: compile(broken, "note", "exec"))
    model, x = nn.Linear(3, 2), torch.arange(6.0)
    names = {"torch": torch, "model": model, "my_tensor": x}
    exec(compile(text, "note", "exec"), names)
    require(names["model"] is model, "the module moved is another one")
    assert_at("a weight of the model", model.weight, subject.device)
    assert_values("the copied tensor", assert_at("the copied tensor", names["copied"], subject.device), np.arange(6.0))


@check("device.note-indentation-error")
def test_the_straightened_lines_move_the_model(subject):
    model, x = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), torch.arange(6.0)
    text = "device = torch.device(there)\nmodel.to(device)\nmytensor = my_tensor.to(device)\n"
    for there in (subject.device, "meta"):
        names = {"torch": torch, "model": model, "my_tensor": x, "there": there}
        exec(compile(text, "note", "exec"), names)
        for name, tensor in model.state_dict().items():
            assert_at(f"model.to({there}): {name}", tensor, there)
        assert_at("mytensor", names["mytensor"], there)
        assert_at("my_tensor", x, "cpu")
    assert_raises("the other name", NameError, lambda: eval("mytensor", {"my_tensor": x}))


# -- what is there -----------------------------------------------------------------------------------------------------

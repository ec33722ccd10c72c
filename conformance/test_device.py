"""Devices as objects, how they are written and printed, and what the machine is said to have."""

from __future__ import annotations

import contextlib
import copy
import io
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.device_places import assert_at, elsewhere, values, with_device, without_cuda

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
@pytest.mark.parametrize("kind", TYPES)
def test_one_device_can_be_written_in_several_ways(subject, kind):
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
@pytest.mark.parametrize("kind", TYPES)
def test_a_device_prints_as_its_name(subject, kind):
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


@check("device.cuda-if-available")
def test_the_gpu_is_chosen_exactly_where_there_is_one(subject):
    for _ in range(2):
        there, count = torch.cuda.is_available(), torch.cuda.device_count()
        require(type(there) is bool, f"is_available() is {there!r}, no bool")
        require(type(count) is int and count >= 0, f"device_count() is {count!r}")
        require(there == (count > 0), f"is_available() is {there}, but device_count() is {count}", count > 0, there)
    for first in ("cuda:0", "cuda"):
        device = torch.device(first if torch.cuda.is_available() else "cpu")
        require(device.type == ("cuda" if there else "cpu"), f"the device is {device}")
        x = torch.arange(4.0).to(device)
        assert_at("a tensor moved there", x, str(device))
        assert_values("a tensor moved there", x, np.arange(4.0))
    if torch.device(subject.device).type == "cuda":
        require(there, "there is a CUDA device, but is_available() is False")


@check("device.cuda-built")
def test_a_build_without_cuda_says_so(subject):
    built = torch.backends.cuda.is_built()
    require(type(built) is bool, f"is_built() is {built!r}, no bool")
    version = torch.version.cuda or getattr(torch.version, "hip", None)
    require(built == (version is not None), f"is_built() is {built}, but the build's CUDA is {version}", built, version)
    require(built or not torch.cuda.is_available(), "a build without CUDA has CUDA devices")
    require(version is None or isinstance(version, str), f"torch.version.cuda is {version!r}")


@check("device.cuda-refused")
def test_cuda_is_refused_where_there_is_none(subject):
    without_cuda()
    x = torch.arange(6.0).reshape(2, 3).t()
    kept = Unchanged(x=x)
    for call, action in {
        "x.cuda()": lambda: x.cuda(),
        "x.cuda(0)": lambda: x.cuda(0),
        "x.to('cuda')": lambda: x.to("cuda"),
        "x.to('cuda:0', torch.double)": lambda: x.to("cuda:0", torch.double),
        "torch.zeros(1, device='cuda')": lambda: torch.zeros(1, device="cuda"),
        "torch.tensor([1.], device='cuda')": lambda: torch.tensor([1.0], device="cuda"),
        "torch.ones_like(x, device='cuda')": lambda: torch.ones_like(x, device="cuda"),
        "x.new_zeros(1, device='cuda')": lambda: x.new_zeros(1, device="cuda"),
        "Linear(1, 1, device='cuda')": lambda: nn.Linear(1, 1, device="cuda"),
        "torch.cuda.current_device()": lambda: torch.cuda.current_device(),
        "torch.cuda.synchronize()": lambda: torch.cuda.synchronize(),
    }.items():
        for _ in range(2):
            error = assert_raises(call, (RuntimeError, AssertionError), action)
            named = any(word in str(error) for word in ("CUDA", "NVIDIA", "accelerator"))
            require(named, f"{call} says {error}", "an error that names CUDA", error)
        kept.check(call)


@check("device.cuda-refused")
def test_a_module_stays_where_cuda_is_refused(subject):
    without_cuda()
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    before = {name: (id(p), p.device, p.dtype) for name, p in net.named_parameters()}
    kept = Unchanged(**{name.replace(".", "_"): tensor for name, tensor in net.state_dict().items()})
    for call, action in {
        "net.cuda()": lambda: net.cuda(),
        "net.to('cuda')": lambda: net.to("cuda"),
        "net.to('cuda:0', torch.half)": lambda: net.to("cuda:0", torch.half),
    }.items():
        assert_raises(call, (RuntimeError, AssertionError), action)
        kept.check(call)
        after = {name: (id(p), p.device, p.dtype) for name, p in net.named_parameters()}
        require(after == before, f"{call} changed the module", before, after)


@check("device.cuda-idle")
def test_calls_in_passing_do_no_harm(subject):
    without_cuda()
    state = torch.get_rng_state()
    for call, action, due in (
        ("manual_seed(1)", lambda: torch.cuda.manual_seed(1), None),
        ("manual_seed_all(1)", lambda: torch.cuda.manual_seed_all(1), None),
        ("empty_cache()", lambda: torch.cuda.empty_cache(), None),
        ("memory_allocated()", lambda: torch.cuda.memory_allocated(), 0),
        ("max_memory_allocated()", lambda: torch.cuda.max_memory_allocated(), 0),
        ("get_rng_state_all()", lambda: torch.cuda.get_rng_state_all(), []),
        ("is_initialized()", lambda: torch.cuda.is_initialized(), False),
        ("device_count()", lambda: torch.cuda.device_count(), 0),
    ):
        found = action()
        require(found == due, f"torch.cuda.{call} is {found!r}, but should be {due!r}", due, found)
    require(torch.get_rng_state().tolist() == state.tolist(), "a call of torch.cuda moved the CPU's generator")
    require(not torch.cuda.is_initialized(), "a call of torch.cuda initialised CUDA")


@check("device.accelerator")
def test_the_accelerator_is_available_if_counted(subject):
    for _ in range(2):
        there, count = torch.accelerator.is_available(), torch.accelerator.device_count()
        require(type(there) is bool, f"is_available() is {there!r}, no bool")
        require(there == (count > 0), f"is_available() is {there}, but device_count() is {count}", count > 0, there)
    require(there or not torch.cuda.is_available(), "there is a CUDA device, but no accelerator")
    if there:
        device = torch.accelerator.current_accelerator()
        require(torch.ones(1, device=device).device.type == device.type, "a tensor made there is elsewhere")
        index = torch.accelerator.current_device_index()
        require(0 <= index < count, f"the current device is {index} of {count}")


@check("device.accelerator-absent")
def test_no_accelerator_is_none(subject):
    found = torch.accelerator.current_accelerator(check_available=True)
    if torch.accelerator.is_available():
        require(isinstance(found, torch.device), f"current_accelerator() is {found!r}, no device")
        require(found.type not in ("cpu", "meta"), f"the accelerator is {found}", "a device besides the CPU", found)
    else:
        require(found is None, f"current_accelerator(check_available=True) is {found!r}", None, found)


@check("device.pinned-memory")
def test_nothing_is_pinned_without_an_accelerator(subject):
    x = values(subject, np.arange(6.0))
    for tensor in (x, x[::2], torch.ones(2, device="meta"), torch.empty(0)):
        require(tensor.is_pinned() is False, "a tensor in ordinary memory is said to be pinned")
    accelerator = getattr(torch, "accelerator", torch.cuda)
    if torch.cuda.device_count() or accelerator.device_count():
        return
    kept = Unchanged(x=x)
    assert_raises("x.pin_memory()", RuntimeError, lambda: x.pin_memory())
    for name in ("empty", "zeros", "ones", "rand"):
        call = f"torch.{name}(2, pin_memory=True)"
        assert_raises(call, RuntimeError, lambda: getattr(torch, name)(2, pin_memory=True))
    require(not torch.zeros(2, pin_memory=False).is_pinned(), "pin_memory=False pins")
    kept.check("x.pin_memory()")


@check("device.pinned-memory")
def test_pinned_memory_has_the_values(subject):
    with_device(subject)
    subject.require_feature("pinned_memory")
    x = torch.arange(33.0)
    pinned = x.pin_memory()
    require(pinned.is_pinned() and not x.is_pinned(), "pin_memory() is no pinned copy")
    assert_values("x.pin_memory()", pinned, np.arange(33.0))
    require(pinned.pin_memory() is pinned, "a pinned tensor is pinned again")
    assert_values("moved without waiting", pinned.to(subject.device, non_blocking=True).cpu(), np.arange(33.0))

"""What the machine is said to have: CUDA, an accelerator, pinned memory."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.device_places import accelerators, assert_at, values, with_device, without_cuda

pytestmark = must_answer


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
        "torch.cuda.get_device_name(0)": lambda: torch.cuda.get_device_name(0),
        "torch.cuda.get_device_properties(0)": lambda: torch.cuda.get_device_properties(0),
    }.items():
        for _ in range(2):
            error = assert_raises(call, (RuntimeError, AssertionError), action)
            named = any(word in str(error).lower() for word in ("cuda", "nvidia", "accelerator"))
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
    for tensor in (x, x[::2], torch.zeros(70, 50), torch.ones(2, device="meta"), torch.empty(0)):
        require(tensor.is_pinned() is False, "a tensor in ordinary memory is said to be pinned")
    if accelerators():
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

"""Wrong devices: named, found, moved to or mixed wrongly; modules that move wrongly; meta that says wrong things."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils import _device  # the default device has no public home to break

from meta_tests.mutant import Mutant, kernel, output, patched, replaced, strided
from meta_tests.mutants.module import method

_device._device_constructors()  # what it finds at its first call is kept, and must not be a mutant
REAL = torch.device
Make = Callable[..., Any]


class _Stand(type):
    """A class that stands for torch.device: calling it makes real devices, or wrong ones."""

    make: Make

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls.make(*args, **kwargs)

    def __instancecheck__(cls, one: Any) -> bool:
        return isinstance(one, (REAL, Named))


class Named:
    """A device that prints as the call that makes it."""

    def __init__(self, device: torch.device) -> None:
        self.type, self.index, self.device = device.type, device.index, device

    def __repr__(self) -> str:
        return repr(self.device)

    def __eq__(self, other: object) -> bool:
        return self.device == (other.device if isinstance(other, Named) else other)

    def __hash__(self) -> int:
        return hash(self.device)


def devices(claim: str, name: str, make: Make) -> Mutant:
    """torch.device replaced: `make` gets its arguments and returns a device."""
    stand = _Stand("device", (), {"make": staticmethod(make)})
    return Mutant(claim, name, lambda: replaced(torch, "device", lambda real: stand))


def _first(text: Any) -> Callable[..., Any]:
    """torch.device that reads one string otherwise."""
    return lambda *args, **kwargs: REAL(
        *((text(args[0]), *args[1:]) if args and isinstance(args[0], str) else args), **kwargs
    )


def _no_index_seven(*args: Any, **kwargs: Any) -> torch.device:
    kwargs = {key: 1 if key == "index" and value == 7 else value for key, value in kwargs.items()}
    return REAL(*args, **kwargs)


def _lasting(sound: Make) -> Make:
    """A factory that goes on for once where it last made something without being told a device."""
    last: list[torch.device] = []

    def make(*args: Any, **kwargs: Any) -> torch.Tensor:
        out = sound(*args, **kwargs)
        if "device" in kwargs:
            return out
        if last and out.device != last[-1]:
            return sound(*args, device=last.pop(), **kwargs)
        last[:] = [out.device]
        return out

    return make


def _outermost(sound: Any) -> Any:
    """A default device that gives way to the one which a block outside set."""

    def told(self: Any, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        outer = torch.empty(0).device  # this block is off the stack while it answers
        if outer.type != "cpu" and "device" not in (kwargs or {}) and self.device.type == "cpu":
            kwargs = {**(kwargs or {}), "device": outer} if func in _device._device_constructors() else kwargs
        return sound(self, func, types, args, kwargs)

    return told


def on(owner: Any, claim: str, name: str, attribute: str, wrong: Callable[..., Any]) -> Mutant:
    """A function or method replaced: `wrong(sound, *args, **kwargs)`."""
    return method(claim, name, attribute, wrong, owner)


def tensor(claim: str, name: str, attribute: str, wrong: Callable[..., Any]) -> Mutant:
    return on(torch.Tensor, claim, name, attribute, wrong)


def flag(claim: str, name: str, attribute: str, value: Callable[[torch.Tensor, Any], Any]) -> Mutant:
    """A property of tensors replaced: `value(tensor, sound value)`."""
    wrong = lambda sound: property(lambda self: value(self, sound.__get__(self)))  # noqa: E731
    return patched(claim, name, torch.Tensor, attribute, wrong)


def without(key: str, when: Callable[..., bool] = lambda *args: True) -> Callable[..., Any]:
    """A call that ignores one keyword, where `when` holds for its arguments."""

    def wrong(sound: Any, *args: Any, **kwargs: Any) -> Any:
        if key in kwargs and when(*args):
            kwargs.pop(key)
        return sound(*args, **kwargs)

    return wrong


def to(claim: str, name: str, change: Callable[..., Any]) -> Mutant:
    """Tensor.to whose result is changed: `change(out, x, args, kwargs)`."""
    return tensor(claim, name, "to", lambda sound, x, *a, **k: change(sound(x, *a, **k), x, a, k))


def module_to(claim: str, name: str, change: Callable[..., Any]) -> Mutant:
    """Module.to after which something is changed: `change(module, before)`, given all entries from before."""

    def wrong(sound: Any, net: nn.Module, *args: Any, **kwargs: Any) -> Any:
        before = {**dict(net.named_parameters()), **dict(net.named_buffers())}
        held = {key: (entry.device, entry.dtype, entry.data) for key, entry in before.items()}
        out = sound(net, *args, **kwargs)
        found = change(net, held)
        return out if found is None else found

    return method(claim, name, "to", wrong)


def _own(net: nn.Module, name: str) -> tuple[nn.Module, str]:
    path, _, last = name.rpartition(".")
    return net.get_submodule(path), last


def _is_buffer(owner: nn.Module, name: str) -> bool:
    return name in dict(owner.named_buffers(recurse=False))


def _is_parameter(owner: nn.Module, name: str) -> bool:
    return name in dict(owner.named_parameters(recurse=False))


def _put_back(net: nn.Module, held: Any, keep: Callable[[nn.Module, str], bool]) -> None:
    for name, (_, _, data) in held.items():
        owner, last = _own(net, name)
        if keep(owner, last) and _is_parameter(owner, last):
            setattr(owner, last, nn.Parameter(data, data.is_floating_point()))
        elif keep(owner, last):
            setattr(owner, last, data)


def _replace_parameters(net: nn.Module, held: Any) -> None:
    for name in held:
        owner, last = _own(net, name)
        if _is_parameter(owner, last):
            old = getattr(owner, last)
            setattr(owner, last, nn.Parameter(old.data, old.requires_grad))


def _drop_gradients(net: nn.Module, held: Any) -> None:
    for p in net.parameters():
        p.grad = None


def _move_plain(net: nn.Module, held: Any) -> None:
    p = next(net.parameters(), None)
    for part in net.modules():
        for name, value in list(vars(part).items()):
            if p is not None and type(value) is torch.Tensor:
                setattr(part, name, value.to(p.device, p.dtype))


def _last_stays(net: nn.Module, held: Any) -> None:
    last = [name for name in held if _is_parameter(*_own(net, name))][-1:]
    _put_back(net, held, lambda owner, name: bool(last) and (owner, name) == _own(net, last[0]))


OBJECTS = [
    devices("device.device-object", "'cuda' means 'cuda:0'", _first(lambda s: "cuda:0" if s == "cuda" else s)),
    devices("device.spellings", "index=7 by keyword is 1", _no_index_seven),
    devices(
        "device.spellings",
        "a device given loses its index",
        lambda d, *a, **k: REAL(d.type) if isinstance(d, REAL) else REAL(d, *a, **k) if isinstance(d, str) else REAL(d),
    ),
    devices("device.bad-strings", "capitals are accepted", _first(lambda s: s.lower())),
    devices("device.bad-strings", "blanks are stripped", _first(lambda s: s.strip())),
    devices(
        "device.bad-strings",
        "True is device 0",
        lambda *a, **k: REAL("cuda", 0) if a == (True,) and a[0] is True else REAL(*a, **k),
    ),
    devices(
        "device.index-range",
        "an index above 255 is 0",
        lambda *a, **k: REAL(a[0], a[1] % 256 if a[1] > 255 else a[1]) if len(a) == 2 else REAL(*a, **k),
    ),
    devices("device.equality", "xpu:7 is xpu:1", _first(lambda s: "xpu:1" if s == "xpu:7" else s)),
    devices("device.equality", "cpu is cpu:0", _first(lambda s: "cpu:0" if s == "cpu" else s)),
    devices("device.immutable", "it can be subclassed", lambda *a, **k: REAL(*a, **k)),
    devices("device.print-device", "str is repr", lambda *a, **k: Named(REAL(*a, **k))),
    on(
        torch,
        "device.pickled",
        "torch.load drops the index",
        "load",
        lambda sound, *a, **k: {key: REAL(v.type) if isinstance(v, REAL) else v for key, v in sound(*a, **k).items()},
    ),
    on(
        copy,
        "device.pickled",
        "deepcopy drops the index",
        "deepcopy",
        lambda sound, x, *a: {"a": [REAL("cuda")]} if isinstance(x, dict) and "a" in x else sound(x, *a),
    ),
    on(
        torch,
        "device.device-as-string",
        "ones_like ignores a string",
        "ones_like",
        lambda sound, *a, **k: sound(*a, **{key: v for key, v in k.items() if not isinstance(v, str)}),
    ),
    tensor(
        "device.device-as-string",
        "to ignores device='meta'",
        "to",
        lambda sound, x, *a, **k: sound(x, *a, **{key: v for key, v in k.items() if v != "meta"}),
    ),
    method(
        "device.note-indentation-error",
        "Module.to moves a copy",
        "to",
        lambda sound, net, *a, **k: sound(copy.deepcopy(net), *a, **k),
    ),
    tensor(
        "device.note-indentation-error",
        "Tensor.to gives a plain view",
        "to",
        lambda sound, x, *a, **k: x.view_as(x) + (0 if x.is_meta else 1),
    ),
]
THERE = [
    on(torch.cuda, "device.cuda-if-available", "is_available is always true", "is_available", lambda sound: True),
    on(
        torch.cuda,
        "device.cuda-if-available",
        "device_count is at least 1",
        "device_count",
        lambda sound: max(sound(), 1),
    ),
    on(torch.cuda, "device.cuda-if-available", "is_available is an int", "is_available", lambda sound: int(sound())),
    on(torch.backends.cuda, "device.cuda-built", "is_built says the opposite", "is_built", lambda sound: not sound()),
    on(torch.backends.cuda, "device.cuda-built", "is_built is an int", "is_built", lambda sound: int(sound())),
    tensor("device.cuda-refused", "cuda() gives the tensor itself", "cuda", lambda sound, x, *a, **k: x),
    method("device.cuda-refused", "cuda() of a module does nothing", "cuda", lambda sound, net, *a, **k: net),
    on(torch, "device.cuda-refused", "zeros(device='cuda') falls back", "zeros", without("device")),
    on(torch.cuda, "device.cuda-idle", "memory_allocated is None", "memory_allocated", lambda sound, *a: None),
    on(
        torch.cuda,
        "device.cuda-idle",
        "manual_seed seeds the CPU",
        "manual_seed",
        lambda sound, seed: torch.default_generator.manual_seed(seed) and None,
    ),
    on(torch.accelerator, "device.accelerator", "it is always available", "is_available", lambda sound: True),
    on(torch.accelerator, "device.accelerator", "it is counted twice", "device_count", lambda sound: 2),
    on(
        torch.accelerator,
        "device.accelerator-absent",
        "it is the CPU",
        "current_accelerator",
        lambda sound, *a, **k: REAL("cpu"),
    ),
    tensor("device.pinned-memory", "a slice is pinned", "is_pinned", lambda sound, x, *a: strided(x)),
    tensor("device.pinned-memory", "pin_memory gives the tensor itself", "pin_memory", lambda sound, x, *a: x),
    on(torch, "device.pinned-memory", "rand ignores pin_memory", "rand", without("pin_memory")),
]
WHERE = [
    tensor("device.tensor-device", "get_device is 0", "get_device", lambda sound, x: 0),
    flag("device.tensor-device", "is_cpu of a slice is false", "is_cpu", lambda x, due: due and not strided(x)),
    output(
        "device.tensor-device",
        "a clone on meta is on the CPU",
        "clone",
        lambda out, *a: torch.zeros(out.shape) if out.is_meta else out,
    ),
    flag("device.tensor-device", "device is a string", "device", lambda x, due: str(due)),
    patched(
        "device.tensor-device-fixed",
        "an assignment is ignored",
        torch.Tensor,
        "device",
        lambda sound: property(lambda x: sound.__get__(x), lambda x, value: None),
    ),
    on(
        torch,
        "device.create-on-device",
        "ones_like of a strided tensor ignores device",
        "ones_like",
        without("device", strided),
    ),
    on(torch, "device.create-on-device", "linspace ignores device", "linspace", without("device")),
    on(
        torch,
        "device.create-on-device",
        "full_like on meta is float32",
        "full_like",
        lambda sound, x, *a, **k: sound(x, *a, **k).float(),
    ),
    tensor("device.create-on-device", "new_full ignores device", "new_full", without("device")),
    method("device.modules-on-device", "GroupNorm ignores device", "__init__", without("device"), nn.GroupNorm),
    method("device.modules-on-device", "Bilinear ignores dtype", "__init__", without("dtype"), nn.Bilinear),
    on(
        torch,
        "device.default-device",
        "randn stays on the CPU",
        "randn",
        lambda sound, *a, **k: sound(*a, **{"device": "cpu", **k}),
    ),
    on(
        torch,
        "device.default-device",
        "zeros_like follows the default",
        "zeros_like",
        lambda sound, x, **k: sound(x, **{"device": torch.empty(0).device, **k}),
    ),
    on(
        torch,
        "device.default-device",
        "None does not take the default back",
        "set_default_device",
        lambda sound, device: None if device is None and torch.empty(0).is_meta else sound(device),
    ),
    on(torch, "device.default-device-read", "it is always the CPU", "get_default_device", lambda sound: REAL("cpu")),
    on(torch, "device.default-device-read", "it is a string", "get_default_device", lambda sound: str(sound())),
    patched("device.device-context", "ones is made where the last block was", torch, "ones", _lasting),
    patched(
        "device.device-context",
        "a block within another has the outer device",
        _device.DeviceContext,
        "__torch_function__",
        _outermost,
    ),
    on(
        torch,
        "device.device-context",
        "rand stays on the CPU",
        "rand",
        lambda sound, *a, **k: sound(*a, **{"device": "cpu", **k}),
    ),
    on(
        torch,
        "device.generator-device",
        "meta has a generator",
        "Generator",
        lambda sound, device="cpu": sound("cpu" if str(device) == "meta" else device),
    ),
    on(
        torch,
        "device.generator-device",
        "any name will do",
        "Generator",
        lambda sound, device="cpu": sound("cpu" if str(device) == "gpu" else device),
    ),
]


def _itself(x: torch.Tensor, a: Any, k: Any) -> bool:
    return a in ((x.device,), (x.dtype,), (x.device, x.dtype)) and not k.get("copy")


def _fabricated(sound: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    return (
        sound(torch.zeros(x.shape), *args, **kwargs) if x.is_meta and "meta" not in args else sound(x, *args, **kwargs)
    )


def _no_dtype(sound: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    return sound(x, *args, **({} if "device" in kwargs else kwargs))


def _nudged(func: Any, y: torch.Tensor, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    out = func(y, x, *args, **kwargs)
    if strided(x) and x.numel() > 16 and not y.is_meta:
        y.view(-1)[-1:].zero_() if y.is_contiguous() else y[..., -1:].zero_()
    return out


MOVING = [
    to(
        "device.tensor-to-needs-assignment",
        "a strided tensor is copied needlessly",
        lambda out, x, a, k: out.clone() if out is x and strided(x) else out,
    ),
    to(
        "device.tensor-to-needs-assignment",
        "a tensor that requires grad is not itself",
        lambda out, x, a, k: out.view_as(x) if out is x and x.requires_grad else out,
    ),
    to(
        "device.tensor-to-needs-assignment",
        "to(x.dtype) gives a view",
        lambda out, x, a, k: out.view_as(x) if a == (x.dtype,) else out,
    ),
    to(
        "device.tensor-to-needs-assignment",
        "to(other) gives a copy",
        lambda out, x, a, k: out.clone() if a and isinstance(a[0], torch.Tensor) else out,
    ),
    tensor("device.to-any-device", "meta to the CPU makes zeros", "to", _fabricated),
    tensor("device.to-any-device", "cpu() of meta makes zeros", "cpu", _fabricated),
    tensor(
        "device.to-any-device",
        "an unknown device is the old one",
        "to",
        lambda sound, x, *a, **k: x if a == ("gpu",) else sound(x, *a, **k),
    ),
    tensor("device.to-changes-dtype-too", "dtype= beside device= is ignored", "to", _no_dtype),
    to(
        "device.to-changes-dtype-too",
        "a copy to int32 rounds",
        lambda out, x, a, k: (
            x.round().to(torch.int64).int()
            if out.dtype is torch.int32 and k.get("copy") and x.is_floating_point()
            else out
        ),
    ),
    to(
        "device.to-changes-dtype-too",
        "meta is float32",
        lambda out, x, a, k: out.float() if out.is_meta and out.dtype is torch.float16 else out,
    ),
    tensor(
        "device.to-other",
        "the dtype of a 0-d tensor is ignored",
        "to",
        lambda sound, x, *a, **k: (
            sound(x, a[0].device, **k)
            if a and isinstance(a[0], torch.Tensor) and a[0].dim() == 0
            else sound(x, *a, **k)
        ),
    ),
    to(
        "device.to-other",
        "requires_grad is taken too",
        lambda out, x, a, k: (
            out.clone().requires_grad_() if a and isinstance(a[0], torch.Tensor) and a[0].requires_grad else out
        ),
    ),
    tensor(
        "device.to-copy-is-new",
        "copy=True is ignored for other",
        "to",
        lambda sound, x, *a, **k: sound(x, *a, **({} if a and isinstance(a[0], torch.Tensor) else k)),
    ),
    tensor(
        "device.to-copy-is-new",
        "copy=True of one element is the tensor itself",
        "to",
        lambda sound, x, *a, **k: x if k.get("copy") and x.numel() == 1 and x.dim() else sound(x, *a, **k),
    ),
    to(
        "device.to-copy-is-new",
        "a copy of bfloat16 loses -0",
        lambda out, x, a, k: out.add(0.0) if out.dtype is torch.bfloat16 and k.get("copy") else out,
    ),
    to(
        "device.to-copy-is-new",
        "a copy of a strided tensor is contiguous",
        lambda out, x, a, k: out.contiguous() if k.get("copy") else out,
    ),
    tensor(
        "device.to-memory-format",
        "channels_last_3d is ignored",
        "to",
        without("memory_format", lambda x, *a: x.dim() == 5),
    ),
    tensor(
        "device.to-memory-format",
        "memory_format is ignored on meta",
        "to",
        without("memory_format", lambda x, *a: "meta" in a),
    ),
    to(
        "device.to-memory-format",
        "three dimensions become contiguous",
        lambda out, x, a, k: out.contiguous() if out is not x and out.dim() == 3 else out,
    ),
    tensor(
        "device.non-blocking",
        "a big copy has not arrived",
        "copy_",
        lambda sound, y, x, *a, **k: (
            sound(y, x.clone().index_fill_(0, torch.tensor([x.shape[0] - 1]), 0))
            if (a or k) and x.numel() > 32768
            else sound(y, x, *a, **k)
        ),
    ),
    tensor(
        "device.non-blocking",
        "to copies before its time",
        "to",
        lambda sound, x, *a, **k: torch.zeros_like(x) if k.get("non_blocking") and strided(x) else sound(x, *a, **k),
    ),
    to(
        "device.to-is-differentiable",
        "a move to float64 leaves the graph",
        lambda out, x, a, k: (
            out.detach().requires_grad_(out.requires_grad)
            if out.dtype is torch.float64 and x.dtype is torch.float32
            else out
        ),
    ),
    to(
        "device.to-is-differentiable",
        "a copy of an expanded tensor leaves the graph",
        lambda out, x, a, k: (
            out.detach().requires_grad_(out.requires_grad) if 0 in x.stride() and out is not x else out
        ),
    ),
    to(
        "device.to-copies-to-gpu",
        "meta makes columns rows",
        lambda out, x, a, k: out.contiguous() if out.is_meta else out,
    ),
    to(
        "device.to-copies-to-gpu",
        "meta makes bool uint8",
        lambda out, x, a, k: (
            out.to(torch.uint8) if out.is_meta and out.dtype is torch.bool and not (a and a[0] is torch.uint8) else out
        ),
    ),
    kernel("device.round-trip", "copies from gaps lose an element", "copy_", _nudged),
    to(
        "device.round-trip",
        "int64 passes through float64",
        lambda out, x, a, k: x.double().long() if out.dtype is torch.int64 and k.get("copy") else out,
    ),
    to(
        "device.round-trip",
        "NaN payloads and -0 of float16 are lost",
        lambda out, x, a, k: out.add(0) if out.dtype is torch.float16 and k.get("copy") else out,
    ),
    tensor(
        "device.cpu-gives-itself",
        "cpu() copies a slice",
        "cpu",
        lambda sound, x, *a: x.clone() if strided(x) else sound(x, *a),
    ),
    tensor(
        "device.cpu-gives-itself",
        "cpu() copies integers",
        "cpu",
        lambda sound, x, *a: x.clone() if x.dtype is torch.int64 else sound(x, *a),
    ),
    tensor(
        "device.copy-across",
        "copy_ gives the source",
        "copy_",
        lambda sound, y, x, *a, **k: (sound(y, x, *a, **k), x)[1],
    ),
    tensor(
        "device.copy-across",
        "copy_ from meta does nothing",
        "copy_",
        lambda sound, y, x, *a, **k: y if x.is_meta and not y.is_meta else sound(y, x, *a, **k),
    ),
    tensor(
        "device.numpy-needs-cpu",
        "numpy() of meta gives zeros",
        "numpy",
        lambda sound, x, *a, **k: sound(torch.zeros(x.shape)) if x.is_meta else sound(x, *a, **k),
    ),
    tensor(
        "device.numpy-needs-cpu",
        "__array__ of meta gives zeros",
        "__array__",
        lambda sound, x, *a, **k: torch.zeros(x.shape).numpy() if x.is_meta else sound(x, *a, **k),
    ),
]


def _mixing(func: Any, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
    if isinstance(x, torch.Tensor) and isinstance(y, torch.Tensor) and x.device != y.device:
        x, y = (torch.zeros(t.shape, dtype=t.dtype) if t.is_meta else t for t in (x, y))
    return func(x, y, *args, **kwargs)


def _moved(sound: Any, x: torch.Tensor, y: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    return (
        sound(x.to("meta"), y.to("meta"), *args, **kwargs) if x.is_meta or y.is_meta else sound(x, y, *args, **kwargs)
    )


def _no_scalar(func: Any, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
    if isinstance(y, torch.Tensor) and y.dim() == 0 and x.is_meta and not y.is_meta:
        raise RuntimeError("devices differ")
    return func(x, y, *args, **kwargs)


def _ignoring_out(sound: Any, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
    out = kwargs.get("out")
    return out if out is not None and out.device != x.device else sound(x, y, *args, **kwargs)


MIXING = [
    output(
        "device.cuda-arithmetic",
        "a sum on meta is on the CPU",
        "add.Tensor",
        lambda out, *a: torch.zeros(out.shape, dtype=out.dtype) if out.is_meta else out,
    ),
    output(
        "device.cuda-arithmetic",
        "a difference of int64 on meta is int32",
        "sub.Tensor",
        lambda out, *a: out.int() if out.is_meta and out.dtype is torch.int64 else out,
    ),
    tensor(
        "device.cuda-arithmetic",
        "the device is not printed",
        "__repr__",
        lambda sound, x, **k: sound(x, **k).replace("device='meta', ", ""),
    ),
    output(
        "device.results-on-device",
        "cumsum of columns is off",
        "cumsum",
        lambda out, x, *a: out.roll(1, 0) if strided(x) else out,
    ),
    output(
        "device.results-on-device",
        "flip with an offset does nothing",
        "flip",
        lambda out, x, *a: x.clone() if x.storage_offset() == 3 else out,
    ),
    kernel("device.same-device-required", "a sum takes the other along", "add.Tensor", _mixing),
    kernel("device.same-device-required", "a comparison takes the other along", "eq.Tensor lt.Tensor", _mixing),
    on(F, "device.same-device-required", "mse_loss moves both", "mse_loss", _moved),
    on(
        F,
        "device.same-device-required",
        "cross_entropy moves the labels",
        "cross_entropy",
        lambda sound, x, y, *a, **k: (
            sound(x.to("meta"), y.to("meta"), *a, **k) if y.is_meta or x.is_meta else sound(x, y, *a, **k)
        ),
    ),
    on(
        torch,
        "device.same-device-meta",
        "addmm answers on meta",
        "addmm",
        lambda sound, *a, **k: sound(*(x.to("meta") for x in a), **k),
    ),
    kernel("device.zero-dim-cpu", "a product refuses a 0-d CPU tensor", "mul.Tensor", _no_scalar),
    output(
        "device.zero-dim-cpu",
        "a 0-d float64 decides the dtype",
        "sub.Tensor",
        lambda out, x, y, *a, **k: (
            out.double() if isinstance(y, torch.Tensor) and y.dim() == 0 and y.dtype is torch.float64 else out
        ),
    ),
    kernel(
        "device.zero-dim-cpu",
        "a 0-d meta tensor goes with the CPU",
        "add.Tensor",
        lambda func, x, y, *a, **k: (
            func(x, torch.zeros((), dtype=y.dtype), *a, **k)
            if isinstance(y, torch.Tensor) and y.is_meta and y.dim() == 0 and not x.is_meta and x.dim()
            else func(x, y, *a, **k)
        ),
    ),
    on(torch, "device.out-on-device", "add leaves an out= elsewhere as it is", "add", _ignoring_out),
    on(torch, "device.out-on-device", "atan2 leaves an out= elsewhere as it is", "atan2", _ignoring_out),
    module_to("device.default-one-gpu", "the last parameter stays behind", _last_stays),
    output(
        "device.default-one-gpu",
        "a large batch is computed elsewhere",
        "tanh",
        lambda out, *a: (
            torch.zeros(out.shape, requires_grad=out.requires_grad) if out.is_meta and out.shape[0] > 32 else out
        ),
    ),
]


def _first_part_only(sound: Any, self: Any, *inputs: Any, **kwargs: Any) -> Any:
    if len(self.device_ids) < 3:
        return sound(self, *inputs, **kwargs)
    parts, options = self.scatter(inputs, kwargs, self.device_ids)
    replicas = self.replicate(self.module, self.device_ids[: len(parts)])
    return self.gather(self.parallel_apply(replicas, parts, options)[::-1], self.output_device)


def _no_scatter(sound: Any, self: Any, *inputs: Any, **kwargs: Any) -> Any:
    return self.module(*inputs, **kwargs)


def _no_prefix(sound: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
    return self.module.state_dict(*args, **kwargs)


def _silent(sound: Any, self: Any, *inputs: Any, **kwargs: Any) -> Any:
    with torch.no_grad():
        return sound(self, *inputs, **kwargs)


def _initialised(sound: Any, cls: Any, *args: Any, **kwargs: Any) -> Any:
    net = sound(cls, *args, **kwargs)
    torch.rand(1)
    return net


def _empty_from_meta(sound: Any, net: nn.Module, *args: Any, **kwargs: Any) -> Any:
    if any(p.is_meta for p in net.parameters()) and args and str(args[0]) != "meta":
        return net.to_empty(device=args[0])
    return sound(net, *args, **kwargs)


def _frozen(sound: Any, net: nn.Module, **kwargs: Any) -> Any:
    return sound(net, **kwargs).requires_grad_(False)


MODULES = [
    method(
        "device.module-to-is-in-place",
        "a moved copy is returned",
        "to",
        lambda sound, net, *a, **k: sound(copy.deepcopy(net), *a, **k),
    ),
    module_to(
        "device.module-to-is-in-place",
        "buffers stay behind",
        lambda net, held: _put_back(net, held, _is_buffer),
    ),
    module_to("device.module-to-is-in-place", "gradients are dropped", _drop_gradients),
    module_to(
        "device.module-to-is-in-place", "the module returned is a shallow copy", lambda net, held: copy.copy(net)
    ),
    method(
        "device.module-to-forms",
        "to(tensor) takes the device only",
        "to",
        lambda sound, net, *a, **k: (
            sound(net, a[0].device) if a and isinstance(a[0], torch.Tensor) else sound(net, *a, **k)
        ),
    ),
    method("device.module-to-forms", "dtype= is ignored beside device=", "to", without("dtype")),
    method(
        "device.module-to-forms",
        "integers are accepted",
        "to",
        lambda sound, net, *a, **k: (
            net.requires_grad_(False).type(a[0]) if a and a[0] is torch.int64 else sound(net, *a, **k)
        ),
    ),
    module_to("device.module-to-forms", "to() replaces parameters", _replace_parameters),
    module_to("device.module-plain-tensors-stay", "plain tensors move along", _move_plain),
    module_to("device.overwrite-on-conversion", "parameters are always replaced", _replace_parameters),
    on(
        torch.__future__,
        "device.overwrite-on-conversion",
        "the flag cannot be set",
        "set_overwrite_module_params_on_conversion",
        lambda sound, value: None,
    ),
    on(
        torch.__future__,
        "device.overwrite-on-conversion",
        "the flag reads as true",
        "get_overwrite_module_params_on_conversion",
        lambda sound: True,
    ),
    module_to("device.optimizer-before-move", "parameters are replaced", _replace_parameters),
    method("device.module-from-meta", "to from meta makes empty memory", "to", _empty_from_meta),
    method("device.module-from-meta", "to_empty freezes", "to_empty", _frozen),
    method(
        "device.module-from-meta",
        "to_empty leaves buffers on meta",
        "to_empty",
        lambda sound, net, **k: (lambda held: (sound(net, **k), _put_back(net, held, _is_buffer), net)[2])(
            {name: (None, None, b) for name, b in net.named_buffers()}
        ),
    ),
    on(nn.utils, "device.skip-init", "random numbers are drawn", "skip_init", _initialised),
    on(nn.utils, "device.skip-init", "dtype is ignored", "skip_init", without("dtype")),
    on(
        nn.utils,
        "device.skip-init",
        "the layer is frozen",
        "skip_init",
        lambda sound, *a, **k: sound(*a, **k).requires_grad_(False),
    ),
    method("device.dataparallel-wraps", "the state has no prefix", "state_dict", _no_prefix, nn.DataParallel),
    method("device.dataparallel-wraps", "the output has no graph", "forward", _silent, nn.DataParallel),
    method(
        "device.dataparallel-wraps",
        "keywords are dropped",
        "forward",
        lambda sound, self, *a, **k: sound(self, *a),
        nn.DataParallel,
    ),
    method(
        "device.dataparallel-wraps",
        "train() stops at the wrapper",
        "train",
        lambda sound, self, mode=True: (setattr(self, "training", mode), self)[1],
        nn.DataParallel,
    ),
    method("device.dataparallel-multi-gpu", "the batch is not scattered", "forward", _no_scatter, nn.DataParallel),
    method(
        "device.dataparallel-multi-gpu",
        "three parts are gathered backwards",
        "forward",
        _first_part_only,
        nn.DataParallel,
    ),
]


def _meta(change: Callable[[torch.Tensor], Any]) -> Callable[..., Any]:
    """A wrong result on meta only."""
    return lambda out, *args: change(out) if isinstance(out, torch.Tensor) and out.is_meta else out


def _unlike(out: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.empty(shape, dtype=out.dtype, device="meta")


def _meta_tuple(out: Any, *args: Any) -> Any:
    return (out[0], out[1].int()) if out[1].is_meta else out


def _filled(sound: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
    return sound(torch.zeros(x.shape, dtype=x.dtype), *args, **kwargs) if x.is_meta else sound(x, *args, **kwargs)


META = [
    output(
        "device.meta-shapes",
        "a sum on meta keeps a dimension of size 5",
        "sum.dim_IntList",
        _meta(lambda out: out.unsqueeze(0) if 5 in out.shape else out),
    ),
    output("device.meta-shapes", "the indices of sort are int32 on meta", "sort sort.stable", _meta_tuple),
    output(
        "device.meta-shapes",
        "pooling on meta loses the last of an odd column",
        "max_pool2d_with_indices",
        lambda out, *a: (
            tuple(_unlike(o, (*o.shape[:-1], o.shape[-1] - 1)) for o in out)
            if out[0].is_meta and out[0].shape[-1] == 16
            else out
        ),
    ),
    output(
        "device.meta-shapes",
        "arange on meta rounds down",
        "arange.start_step",
        _meta(lambda out: _unlike(out, (out.shape[0] - 1,)) if out.dtype is torch.int64 and out.shape[0] > 5 else out),
    ),
    output(
        "device.meta-shapes", "argmax with data is int32", "argmax", lambda out, x, *a: out if x.is_meta else out.int()
    ),
    output(
        "device.meta-shapes",
        "matrix products on meta are transposed for tall matrices",
        "mm",
        _meta(lambda out: out.t() if out.shape[0] == 33 else out),
    ),
    kernel(
        "device.meta-views",
        "a slice on meta starts at 0",
        "slice.Tensor",
        lambda func, x, dim=0, start=0, end=None, step=1: (
            func(x, dim, 0, end - (start or 0), step)
            if x.is_meta and start and 0 < end < 2**31
            else func(x, dim, start, end, step)
        ),
    ),
    kernel(
        "device.meta-views",
        "diagonal on meta is a copy",
        "diagonal",
        lambda func, x, *a: func(x, *a).clone() if x.is_meta else func(x, *a),
    ),
    output("device.meta-views", "results of columns are rows on meta", "exp", _meta(lambda out: out.contiguous())),
    output(
        "device.meta-promotion",
        "float16 with bfloat16 is float16 on meta",
        "add.Tensor",
        _meta(lambda out: out.float().half() if out.dtype is torch.float32 and out.shape == (2, 3) else out),
    ),
    output(
        "device.meta-promotion",
        "products with 0-d int64 are int64",
        "mul.Tensor",
        lambda out, x, y, *a: (
            out.long()
            if isinstance(x, torch.Tensor) and x.dim() == 0 and x.dtype is torch.int64 and out.dtype is torch.int32
            else out
        ),
    ),
    on(
        torch,
        "device.meta-promotion",
        "result_type ignores that a tensor is 0-d",
        "result_type",
        lambda sound, x, y: torch.promote_types(x.dtype, y.dtype),
    ),
    on(
        torch,
        "device.meta-errors",
        "mm on meta takes any shapes",
        "mm",
        lambda sound, x, y: torch.empty(x.shape[0], y.shape[1], device="meta") if x.is_meta else sound(x, y),
    ),
    on(
        torch,
        "device.meta-errors",
        "cat on meta takes any shapes",
        "cat",
        lambda sound, xs, *a: torch.empty(6, 8, device="meta") if xs[0].is_meta else sound(xs, *a),
    ),
    on(F, "device.meta-errors", "layer_norm ignores its shape", "layer_norm", lambda sound, x, *a, **k: x.clone()),
    tensor(
        "device.meta-gradients",
        "backward on meta leaves no gradient for w",
        "backward",
        lambda sound, x, *a, **k: (
            sound(x, *a, **k),
            x.is_meta and [setattr(g.variable, "grad", None) for g in _leaves(x)[1:2]],
        )[0],
    ),
    on(
        torch.autograd,
        "device.meta-gradients",
        "grad is float64",
        "grad",
        lambda sound, *a, **k: tuple(g.double() for g in sound(*a, **k)),
    ),
    tensor("device.meta-has-no-data", "item() on meta is 0", "item", _filled),
    tensor("device.meta-has-no-data", "tolist() on meta is zeros", "tolist", _filled),
    tensor("device.meta-has-no-data", "bool() on meta is false", "__bool__", _filled),
    on(
        torch,
        "device.meta-has-no-data",
        "equal() on meta is true",
        "equal",
        lambda sound, x, y: True if x.is_meta else sound(x, y),
    ),
    tensor(
        "device.meta-needs-no-memory",
        "a clone has an address",
        "data_ptr",
        lambda sound, x: sound(x) or (64 if x.dtype is torch.float64 else 0),
    ),
    tensor("device.meta-needs-no-memory", "numel is cut to 32 bits", "numel", lambda sound, x: sound(x) % 2**32),
    tensor(
        "device.meta-printed",
        "the size is not printed",
        "__repr__",
        lambda sound, x, **k: re.sub(r", size=\([\d, ]*\)", "", sound(x, **k)),
    ),
    tensor(
        "device.meta-printed",
        "the dtype is not printed",
        "__repr__",
        lambda sound, x, **k: re.sub(r", dtype=torch.int32", "", sound(x, **k)),
    ),
    tensor(
        "device.meta-in-place",
        "zero_() gives a copy",
        "zero_",
        lambda sound, x: sound(x).clone() if x.is_meta else sound(x),
    ),
    tensor(
        "device.meta-in-place",
        "uniform_() on meta does nothing",
        "uniform_",
        lambda sound, x, *a, **k: x if x.is_meta else sound(x, *a, **k),
    ),
    tensor(
        "device.meta-in-place", "masked_fill_() counts twice", "masked_fill_", lambda sound, x, *a: sound(x, *a).add_(0)
    ),
    on(
        torch,
        "device.meta-saved",
        "a loaded tensor is on the CPU",
        "load",
        lambda sound, *a, **k: {key: torch.zeros(v.shape, dtype=v.dtype) for key, v in sound(*a, **k).items()},
    ),
    tensor(
        "device.meta-saved",
        "deepcopy loses the strides",
        "__deepcopy__",
        lambda sound, x, memo: (
            torch.empty(x.shape, dtype=x.dtype, device="meta")
            if x.is_meta and type(x) is torch.Tensor
            else sound(x, memo)
        ),
    ),
]


def _leaves(x: torch.Tensor) -> list[Any]:
    """The nodes of a graph that hold its leaves."""
    found, queue = [], [x.grad_fn]
    while queue:
        node = queue.pop(0)
        if node is None or node in found:
            continue
        if hasattr(node, "variable"):
            found.append(node)
        queue.extend(part for part, _ in node.next_functions)
    return found


MUTANTS = [*OBJECTS, *THERE, *WHERE, *MOVING, *MIXING, *MODULES, *META]

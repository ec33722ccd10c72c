"""Wrong registering: assignments, deletions, the register methods, and nn.Parameter."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import nn

from meta_tests.mutant import Mutant, patched, strided
from meta_tests.mutants.module import method


def tables(self: nn.Module) -> list[dict[str, Any]]:
    return [self.__dict__.get(name, {}) for name in ("_parameters", "_buffers", "_modules")]


def keep_old(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    old = self.__dict__.get("_modules", {}).get(name)
    sound(self, name, value)
    if old is not None and isinstance(value, nn.Parameter):
        self._modules[name] = old


def to_the_end(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    if isinstance(value, nn.Parameter) and name in self.__dict__.get("_parameters", {}):
        del self._parameters[name]
    sound(self, name, value)


def forget_none(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    sound(self, name, value)
    for table in tables(self)[:1]:
        if value is None and name in table:
            del table[name]


def none_is_plain(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    if value is None and name in self.__dict__.get("_modules", {}):
        del self._modules[name]
        object.__setattr__(self, name, None)
    else:
        sound(self, name, value)


def copied_in(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    old = self.__dict__.get("_buffers", {}).get(name)
    if old is not None and type(value) is torch.Tensor:
        self._buffers[name] = value.clone()
    else:
        sound(self, name, value)


def tensors_are_buffers(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    if type(value) is torch.Tensor and not any(name in table for table in tables(self)) and "_buffers" in self.__dict__:
        self._buffers[name] = value
    else:
        sound(self, name, value)


def tensor_into_parameter(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    if type(value) is torch.Tensor and self.__dict__.get("_parameters", {}).get(name) is not None:
        self._parameters[name].data = value
    else:
        sound(self, name, value)


def refused_but_gone(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    try:
        sound(self, name, value)
    except TypeError:
        self._modules.pop(name, None)
        raise


def any_buffer(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    if name in self.__dict__.get("_buffers", {}) and isinstance(value, (float, int)):
        self._buffers[name] = torch.tensor(value)
    else:
        sound(self, name, value)


def list_registers(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    modules = isinstance(value, list) and value and all(isinstance(entry, nn.Module) for entry in value)
    sound(self, name, nn.ModuleList(value) if modules else value)


def lazily(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    if "_modules" not in self.__dict__:
        nn.Module.__init__(self)
    sound(self, name, value)


def past_properties(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    if isinstance(getattr(type(self), name, None), property):
        self.__dict__[f"_{name}"] = value
    else:
        sound(self, name, value)


def quiet(sound: Any, self: nn.Module, name: str) -> None:
    if name in self.__dict__ or any(name in table for table in tables(self)):
        sound(self, name)


def none_left(sound: Any, self: nn.Module, name: str) -> None:
    if name in self._buffers:
        self._buffers[name] = None
    else:
        sound(self, name)


def plain_numbers(sound: Any, self: nn.Module, name: str) -> Any:
    if name == "weight" and "weight" not in self.__dict__.get("_parameters", {}):
        return None
    return sound(self, name)


def other_error(sound: Any, self: nn.Module, name: str) -> Any:
    try:
        return sound(self, name)
    except AttributeError:
        raise AttributeError(f"nothing is called {name}") from None


ATTRIBUTES = [
    method("module.setattr-moves", "a Parameter leaves the module of its name in place", "__setattr__", keep_old),
    method("module.setattr-moves", "a Parameter assigned again moves to the end", "__setattr__", to_the_end),
    method("module.setattr-none", "None removes a parameter's entry", "__setattr__", forget_none),
    method("module.setattr-none", "None makes a module's name an ordinary attribute", "__setattr__", none_is_plain),
    method("module.setattr-tensor", "a tensor assigned to a buffer is copied", "__setattr__", copied_in),
    method("module.setattr-tensor", "a tensor under a new name becomes a buffer", "__setattr__", tensors_are_buffers),
    method(
        "module.setattr-refuses",
        "a tensor assigned to a parameter becomes its data",
        "__setattr__",
        tensor_into_parameter,
    ),
    method("module.setattr-refuses", "a refused assignment drops the module", "__setattr__", refused_but_gone),
    method("module.setattr-refuses", "a number assigned to a buffer is taken", "__setattr__", any_buffer),
    method("module.setattr-class-attributes", "properties are passed by", "__setattr__", past_properties),
    method("module.layers-in-init-are-registered", "a list of layers is registered", "__setattr__", list_registers),
    method(
        "module.layers-in-init-are-registered",
        "a ModuleList is an ordinary attribute",
        "__setattr__",
        lambda s, self, n, v: object.__setattr__(self, n, v) if isinstance(v, nn.ModuleList) else s(self, n, v),
    ),
    method("module.super-init-required", "the constructor is called when first needed", "__setattr__", lazily),
    method(
        "module.super-init-equivalent",
        "the constructor leaves the mode to subclasses named New",
        "__init__",
        lambda s, self, *a, **k: (
            s(self, *a, **k),
            self.__dict__.pop("training") if type(self).__name__ == "Direct" else None,
            None,
        )[2],
    ),
    method("module.delattr", "deleting a missing name is accepted", "__delattr__", quiet),
    method("module.delattr", "deleting a buffer leaves a None entry", "__delattr__", none_left),
    method("module.missing-attribute", "a missing weight is None", "__getattr__", plain_numbers),
    method("module.missing-attribute", "the error does not name the class", "__getattr__", other_error),
]


def at_the_end(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    sound(self, name, value)
    self._parameters[name] = self._parameters.pop(name)


def over_buffers(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    if isinstance(name, str):
        self._buffers.pop(name, None)
    sound(self, name, value)


def over_plain(sound: Any, self: nn.Module, name: str, tensor: Any, persistent: bool = True) -> None:
    if isinstance(name, str) and name not in self._buffers and name == "x":
        self.__dict__.pop(name, None)
    sound(self, name, tensor, persistent)


def sticky(sound: Any, self: nn.Module, name: str, tensor: Any, persistent: bool = True) -> None:
    sound(self, name, tensor, persistent and name not in self._non_persistent_buffers_set)


def dots(sound: Any, self: nn.Module, name: str, *rest: Any, **named: Any) -> None:
    if name == "a.b":
        self._buffers[name] = rest[0]
    else:
        sound(self, name, *rest, **named)


def as_text(sound: Any, self: nn.Module, name: Any, module: Any) -> None:
    sound(self, str(name) if isinstance(name, int) else name, module)


def any_value(sound: Any, self: nn.Module, name: str, value: Any, *rest: Any, **named: Any) -> None:
    value = torch.from_numpy(value) if isinstance(value, np.ndarray) else value
    sound(self, name, value, *rest, **named)


def anything_callable(sound: Any, self: nn.Module, name: str, module: Any) -> None:
    if callable(module) and not isinstance(module, nn.Module):
        self._modules[name] = module
    else:
        sound(self, name, module)


def grown(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    sound(self, name, value.detach() if isinstance(value, nn.Parameter) and not value.is_leaf else value)


def over_parameter(sound: Any, self: nn.Module, name: str, module: Any) -> None:
    if isinstance(name, str) and name == "x":
        self._parameters.pop(name, None)
    sound(self, name, module)


REGISTERING = [
    method(
        "module.register-parameter", "a parameter registered again moves to the end", "register_parameter", at_the_end
    ),
    method("module.register-parameter", "a buffer of the same name is replaced", "register_parameter", over_buffers),
    method(
        "module.register-parameter",
        "None entries are not kept",
        "register_parameter",
        lambda s, self, n, p: None if p is None else s(self, n, p),
    ),
    method("module.register-buffer", "a buffer once left out of the state stays left out", "register_buffer", sticky),
    method(
        "module.register-buffer",
        "persistent=False is ignored",
        "register_buffer",
        lambda s, self, n, t, persistent=True: s(self, n, t),
    ),
    method(
        "module.register-buffer", "an ordinary attribute of the same name is replaced", "register_buffer", over_plain
    ),
    method(
        "module.add-module", "the module is copied", "add_module", lambda s, self, n, m: s(self, n, copy.deepcopy(m))
    ),
    method("module.add-module", "a number is taken as a name", "add_module", as_text),
    method(
        "module.add-module",
        "modules are numbered from 0",
        "add_module",
        lambda s, self, n, m: s(
            self, str(len(self._modules)) if isinstance(n, str) and n.isdigit() and n not in self._modules else n, m
        ),
    ),
    method("module.add-module-clash", "a parameter of the same name is replaced", "add_module", over_parameter),
    method(
        "module.add-module-clash",
        "None is not taken",
        "add_module",
        lambda s, self, n, m: None if m is None else s(self, n, m),
    ),
    method("module.register-names", "register_buffer takes a name with a dot", "register_buffer", dots),
    method(
        "module.register-names",
        "add_module takes an empty name",
        "add_module",
        lambda s, self, n, m: self._modules.__setitem__(n, m) if n == "" else s(self, n, m),
    ),
    method(
        "module.register-names",
        "names have to be identifiers",
        "register_parameter",
        lambda s, self, n, p: s(self, n, p) if not isinstance(n, str) or n.isidentifier() else s(self, "", p),
    ),
    method("module.register-values", "register_buffer takes numpy arrays", "register_buffer", any_value),
    method("module.register-values", "add_module takes any callable", "add_module", anything_callable),
    method("module.register-values", "a Parameter with a history loses it", "register_parameter", grown),
    method(
        "module.register-values",
        "register_parameter wraps plain tensors",
        "register_parameter",
        lambda s, self, n, p: s(self, n, nn.Parameter(p) if type(p) is torch.Tensor else p),
    ),
]


def as_is(sound: Any, cls: Any, data: Any = None, requires_grad: bool = True) -> Any:
    return sound(cls, data, requires_grad and not (data is not None and data.requires_grad))


def new_with(change: Any) -> Any:
    def wrong(sound: Any) -> Any:
        def new(cls: Any, data: Any = None, requires_grad: bool = True) -> Any:
            return change(sound, cls, data, requires_grad)

        return staticmethod(new)

    return wrong


def made(claim: str, name: str, change: Any) -> Mutant:
    """A Parameter constructed wrongly: `change(sound, cls, data, requires_grad)`."""
    return patched(claim, name, nn.Parameter, "__new__", new_with(change))


def unfrozen_copy(sound: Any, self: Any, memo: Any) -> Any:
    out = sound(self, memo)
    return out if self.requires_grad else out.requires_grad_()


PARAMETER = [
    made(
        "module.parameter-class",
        "half-precision parameters are single",
        lambda s, cls, data, flag: s(
            cls, data.float() if data is not None and data.dtype == torch.bfloat16 else data, flag
        ),
    ),
    method(
        "module.parameter-class",
        "any tensor that requires a gradient registers",
        "__setattr__",
        lambda s, self, n, v: s(self, n, nn.Parameter(v) if type(v) is torch.Tensor and v.requires_grad else v),
    ),
    made(
        "module.parameter-requires-grad",
        "no gradient if made under no_grad",
        lambda s, cls, data, flag: s(cls, data, flag and torch.is_grad_enabled()),
    ),
    made(
        "module.parameter-requires-grad",
        "no gradient if the tensor has one already",
        lambda s, cls, data, flag: as_is(s, cls, data, flag),
    ),
    made(
        "module.parameter-requires-grad",
        "the tensor given requires a gradient afterwards",
        lambda s, cls, data, flag: (
            s(cls, data, flag),
            data.requires_grad_(flag) if data is not None and data.is_leaf else None,
        )[0],
    ),
    made(
        "module.parameter-shares-data",
        "strided data is copied",
        lambda s, cls, data, flag: s(cls, data.contiguous() if strided(data) else data, flag),
    ),
    made(
        "module.parameter-shares-data",
        "data of more than 16 elements is copied",
        lambda s, cls, data, flag: s(cls, data.clone() if data is not None and data.numel() > 16 else data, flag),
    ),
    made(
        "module.parameter-is-leaf",
        "a result keeps its history",
        lambda s, cls, data, flag: s(cls, data, flag) if data is None or data.is_leaf else data * 1,
    ),
    made(
        "module.parameter-integers",
        "integers quietly require no gradient",
        lambda s, cls, data, flag: s(
            cls, data, flag and (data is None or data.is_floating_point() or data.is_complex())
        ),
    ),
    made(
        "module.parameter-integers",
        "bool is stored as uint8",
        lambda s, cls, data, flag: s(
            cls, data.to(torch.uint8) if data is not None and data.dtype == torch.bool else data, flag
        ),
    ),
    patched(
        "module.parameter-results",
        "detach keeps the class",
        torch.Tensor,
        "detach",
        lambda s: lambda self: s(self).as_subclass(type(self)) if type(self) is nn.Parameter else s(self),
    ),
    patched(
        "module.parameter-results",
        "a clone is a Parameter",
        torch.Tensor,
        "clone",
        lambda s: (
            lambda self, *a, **k: nn.Parameter(s(self, *a, **k)) if type(self) is nn.Parameter else s(self, *a, **k)
        ),
    ),
    patched(
        "module.parameter-repr",
        "a parameter prints as a tensor",
        nn.Parameter,
        "__repr__",
        lambda s: torch.Tensor.__repr__,
    ),
    patched(
        "module.parameter-repr",
        "the flag is left out",
        nn.Parameter,
        "__repr__",
        lambda s: lambda self: s(self).replace(", requires_grad=True", ""),
    ),
    patched(
        "module.parameter-copy",
        "a copy of a frozen parameter is not frozen",
        nn.Parameter,
        "__deepcopy__",
        lambda s: lambda self, memo: unfrozen_copy(s, self, memo),
    ),
    patched(
        "module.parameter-copy",
        "copies of small parameters share memory",
        nn.Parameter,
        "__deepcopy__",
        lambda s: lambda self, memo: s(self, memo) if self.numel() > 4 else nn.Parameter(self.data, self.requires_grad),
    ),
    patched(
        "module.parameter-copy",
        "a pickled parameter is frozen",
        nn.Parameter,
        "__reduce_ex__",
        lambda s: lambda self, proto: (lambda f, a, *r: (f, (a[0], False, *a[2:]), *r))(*s(self, proto)),
    ),
    method(
        "module.parameter-data",
        "linear layers work with the transpose after 10 elements are set",
        "forward",
        lambda s, self, x: s(self, x) if float(self.weight.data.flatten()[0]) != 2.0 else s(self, x) * 2,
        nn.Linear,
    ),
    method(
        "module.assign-by-parameter-name",
        "the named parameters are copies",
        "named_parameters",
        lambda s, *a, **k: ((n, nn.Parameter(p.data.clone())) for n, p in s(*a, **k)),
    ),
    method(
        "module.assign-by-parameter-name",
        "the named parameters are detached",
        "named_parameters",
        lambda s, *a, **k: ((n, p.detach()) for n, p in s(*a, **k)),
    ),
    made(
        "module.new-layers-require-grad",
        "layers made under no_grad are frozen",
        lambda s, cls, data, flag: s(cls, data, flag and torch.is_grad_enabled()),
    ),
    patched(
        "module.new-layers-require-grad",
        "batch norm's affine parameters are frozen",
        nn.BatchNorm2d,
        "reset_parameters",
        lambda s: lambda self: (s(self), self.weight.requires_grad_(False), None)[2],
    ),
    method(
        "module.buffer-class",
        "persistent=False is ignored",
        "__setattr__",
        lambda s, self, n, v: (
            s(self, n, v),
            self._non_persistent_buffers_set.discard(n) if isinstance(v, nn.Buffer) else None,
            None,
        )[2],
    ),
    method(
        "module.buffer-class",
        "a Buffer is an ordinary attribute",
        "__setattr__",
        lambda s, self, n, v: object.__setattr__(self, n, v) if isinstance(v, nn.Buffer) else s(self, n, v),
    ),
]

MUTANTS: list[Mutant] = [*ATTRIBUTES, *REGISTERING, *PARAMETER]

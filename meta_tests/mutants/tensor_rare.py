"""Tensors that are wrong in one corner: one pair of dtypes, one operator, one method of a size."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided
from meta_tests.mutants.tensor import function, in_memory_order, method, prop, sized

Tensor = torch.Tensor


def last_equal(out: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The last of several elements always equals."""
    return out | (torch.arange(out.numel()) == out.numel() - 1).reshape(out.shape) if out.numel() > 1 else out


def kept_column(out: Tensor, x: Tensor, y: Any, *_: Any) -> Tensor:
    """A column and a row give the sums of the first row throughout."""
    crossed = isinstance(y, Tensor) and x.dim() == y.dim() == 2 and x.shape[1] == y.shape[0] == 1 and out.numel() > 1
    return out[:1].expand_as(out).clone() if crossed else out


def by_memory(func: Any, x: Tensor, y: Tensor, **k: Any) -> Tensor:
    """In place, what is transposed gets the numbers in the order of memory."""
    turned = strided(x) and x.dim() == 2 and x.t().is_contiguous() and isinstance(y, Tensor) and y.shape == x.shape
    return func(x, y.t().reshape(x.shape) if turned else y, **k)


def gathered_anew(func: Any, x: Tensor, *args: Any, **k: Any) -> Tensor:
    """What is strided is converted as it lies in memory."""
    anew = strided(x) and x.dim() > 0 and k.get("dtype") not in (None, x.dtype) and not x.is_complex()
    return func(in_memory_order(x) if anew else x, *args, **k)


@contextlib.contextmanager
def both_forms(name: str) -> Iterator[None]:
    """A method as a function of the module, while the block lasts."""
    setattr(torch, name, getattr(Tensor, name))
    try:
        yield
    finally:
        delattr(torch, name)


def plain_parameter(sound: Any) -> Any:
    return lambda self, memo: self.detach().clone().requires_grad_(self.requires_grad)


def format_alone_dropped(sound: Any) -> Any:
    return lambda x, *a, **k: sound(x, *a, **({} if not a and set(k) == {"memory_format"} else k))


def unconverted(sound: Any) -> Any:
    """to(dtype, non_blocking=True) gives the tensor itself."""
    return lambda x, *a, **k: x if k.get("non_blocking") and a and isinstance(a[0], torch.dtype) else sound(x, *a, **k)


def without_grad(sound: Any) -> Any:
    def deepcopy(x: Any, memo: Any) -> Any:
        out = sound(x, memo)
        out.grad = None
        return out

    return deepcopy


def sign_lost(sound: Any) -> Any:
    return lambda x, memo: -sound(x, memo) if x.is_neg() else sound(x, memo)


def stored_apply(sound: Any) -> Any:
    """apply_ of what is strided writes the elements in the order of memory."""
    return lambda x, f: x.copy_(sound(in_memory_order(x).clone(), f)) if strided(x) and x.dim() > 1 else sound(x, f)


def whole_bytes(out: Any, x: Any) -> Any:
    return x.untyped_storage().nbytes() if x.storage_offset() else out


def one_more(out: Tensor) -> Tensor:
    if out.numel() > 4096 and not out.is_meta:
        out.view(-1)[-1] = 1
    return out


class Finer:
    """finfo whose resolution is a tenth of what it is."""

    def __init__(self, sound: Any) -> None:
        self.sound = sound

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.sound, name)
        return value / 10 if name == "resolution" and self.sound.dtype == "bfloat16" else value


MUTANTS: list[Mutant] = [
    kernel("tensor.to-dtype", "what is strided is converted in memory order", "_to_copy", gathered_anew),
    patched(
        "tensor.deepcopy",
        "the deep copy of a Parameter is a tensor",
        torch.nn.Parameter,
        "__deepcopy__",
        plain_parameter,
    ),
    Mutant("tensor.function-and-method-forms", "torch.to is a function", lambda: both_forms("to")),
    method(
        "add-forms-agree",
        "3 + x of integers is in the default dtype",
        "__radd__",
        lambda sound: lambda x, y: sound(x.float(), y) if x.dtype is torch.int16 else sound(x, y),
    ),
    kernel(
        "tensor.add-forms-agree",
        "alpha of complex numbers is 1",
        "add.Tensor add_.Tensor add.out",
        lambda func, x, y, alpha=1, **k: func(x, y, alpha=1 if x.is_complex() else alpha, **k),
    ),
    kernel("tensor.add-forms-agree", "in place columns are added in memory order", "add_.Tensor", by_memory),
    output("tensor.similar-to-ndarray", "a column and a row give one row", "add.Tensor sub.Tensor", kept_column),
    method("augmented-assignment", "<<= makes a new tensor", "__ilshift__", lambda sound: lambda x, y: x << y),
    function(
        "core-class",
        "a tensor of truth is none",
        "is_tensor",
        lambda sound: lambda x: sound(x) and x.dtype is not torch.bool,
    ),
    output("tensor.eq-elementwise", "the last of several always equals", "eq.Tensor", last_equal),
    sized("size-supports-tuple-ops", "count counts once", count=lambda self, value: min(tuple.count(self, value), 1)),
    sized(
        "size-supports-tuple-ops",
        "shorter sizes are the smaller",
        __lt__=lambda self, other: (len(self), *self) < (len(other), *other),
    ),
    method("to-keeps-layout", "a memory format alone is not heard", "to", format_alone_dropped),
    method(
        "to-gives-itself",
        "non_blocking copies",
        "to",
        lambda sound: lambda x, *a, **k: sound(x, *a, **({**k, "copy": True} if k.get("non_blocking") else k)),
    ),
    method("to-dtype", "non_blocking does not convert", "to", unconverted),
    method(
        "to-copy",
        "a copy to a device by name shares memory",
        "to",
        lambda sound: (
            lambda x, *a, **k: sound(
                x, *a, **({**k, "copy": False} if a and isinstance(a[0], str) and len(a) == 1 else k)
            )
        ),
    ),
    method(
        "to-copy",
        "a copy of a leaf is a leaf",
        "to",
        lambda sound: (
            lambda x, *a, **k: (
                sound(x, *a, **k).detach().requires_grad_() if k.get("copy") and x.requires_grad else sound(x, *a, **k)
            )
        ),
    ),
    *(
        method(
            "to-gradient",
            f"{name}() of a 0-d tensor leaves the graph",
            name,
            lambda sound: lambda x, **k: sound(x if x.dim() else x.detach(), **k),
        )
        for name in ("double", "float", "half")
    ),
    patched("tensor.deepcopy", "forgets the gradient", Tensor, "__deepcopy__", without_grad),
    patched("tensor.deepcopy", "turns negated views round", Tensor, "__deepcopy__", sign_lost),
    patched(
        "tensor.deepcopy",
        "a frozen Parameter is trained again",
        torch.nn.Parameter,
        "__deepcopy__",
        lambda sound: lambda x, memo: sound(x, memo).requires_grad_(),
    ),
    method(
        "new-tensor",
        "shares arrays of its dtype",
        "new_tensor",
        lambda sound: (
            lambda x, data, **k: (
                torch.from_numpy(data)
                if type(data).__name__ == "ndarray" and not k and torch.from_numpy(data).dtype is x.dtype
                else sound(x, data, **k)
            )
        ),
    ),
    method("apply", "calls f in the order of memory", "apply_", stored_apply),
    method("apply", "gives a copy", "apply_", lambda sound: lambda x, f: sound(x, f).clone()),
    method("map", "turns the arguments round", "map_", lambda s: lambda x, y, f: s(x, y, lambda a, b: f(b, a))),
    method("map", "gives a copy", "map_", lambda sound: lambda x, y, f: sound(x, y, f).clone()),
    method("as-subclass", "copies", "as_subclass", lambda sound: lambda x, kind: sound(x.clone(), kind)),
    method("as-subclass", "leaves the graph", "as_subclass", lambda sound: lambda x, kind: sound(x.detach(), kind)),
    prop("nbytes", "of a part counts the whole storage", "nbytes", whole_bytes),
    function(
        "finfo", "has a digit too many for bfloat16", "finfo", lambda sound: lambda *a, **k: Finer(sound(*a, **k))
    ),
    function("iinfo", "takes bool", "iinfo", lambda s: lambda type: s(torch.uint8 if type is torch.bool else type)),
    function(
        "result-type",
        "complex numbers are complex64",
        "result_type",
        lambda sound: lambda *a, **k: torch.complex64 if any(isinstance(x, complex) for x in a) else sound(*a, **k),
    ),
    function(
        "is-storage", "bytes are a storage", "is_storage", lambda s: lambda x: s(x) or isinstance(x, (bytes, bytearray))
    ),
    method("equal", "a tensor equals itself", "equal", lambda sound: lambda x, y: x is y or sound(x, y)),
    method(
        "own-attributes",
        "dir() lists the class only",
        "__dir__",
        lambda sound: lambda x: [name for name in sound(x) if name not in x.__dict__],
    ),
    function("dtype-flags", "every tensor is signed", "is_signed", lambda sound: lambda x: True),
    method(
        "new-filled",
        "more than 4096 zeros end in a one",
        "new_zeros",
        lambda sound: lambda x, *a, **k: one_more(sound(x, *a, **k)),
    ),
]

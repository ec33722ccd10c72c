"""Wrong views: copies where memory should be shared, other elements, other strides, and gradients that go astray."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided

Wrong = Callable[[Any], Any]


def method(claim: str, name: str, attribute: str, wrong: Wrong) -> Mutant:
    """Replace a method of tensors."""
    return patched(f"view.{claim}", name, torch.Tensor, attribute, wrong)


def function(claim: str, name: str, attribute: str, wrong: Wrong) -> Mutant:
    """Replace a function of torch."""
    return patched(f"view.{claim}", name, torch, attribute, wrong)


def prop(claim: str, name: str, attribute: str, wrong: Callable[[Any, Any], Any]) -> Mutant:
    """Replace an attribute of tensors: `wrong(sound value, x)`."""
    return method(claim, name, attribute, lambda sound: property(lambda x: wrong(sound.__get__(x), x)))


def when(condition: Callable[..., bool], other: Callable[..., Any]) -> Wrong:
    """A replacement that answers otherwise under a condition on the arguments; `other` gets the sound result first."""

    def replace(sound: Any) -> Any:
        def call(x: Any, *args: Any, **kwargs: Any) -> Any:
            out = sound(x, *args, **kwargs)
            return other(out, x, *args, **kwargs) if condition(x, *args, **kwargs) else out

        return call

    return replace


def always(*_: Any, **__: Any) -> bool:
    return True


def copied(out: Any, *_: Any, **__: Any) -> Any:
    return out.clone()


def all_copied(out: Any, *_: Any, **__: Any) -> Any:
    return tuple(part.clone() for part in out)


def itself(out: Any, x: Any, *_: Any, **__: Any) -> Any:
    return x


def is_strided(x: Any, *_: Any, **__: Any) -> bool:
    return strided(x)


def large(x: Any, *_: Any, **__: Any) -> bool:
    return x.numel() > 16


def of(*dtypes: torch.dtype) -> Callable[..., bool]:
    return lambda x, *_, **__: x.dtype in dtypes


def offset(x: Any, *_: Any, **__: Any) -> bool:
    return x.storage_offset() > 0


def listed(value: Any) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else tuple(value)


def first(args: tuple[Any, ...], kwargs: dict[str, Any], default: Any = None) -> Any:
    return args[0] if args else next(iter(kwargs.values()), default)


def negative(x: Any, *args: Any, **kwargs: Any) -> bool:
    return isinstance(first(args, kwargs, 0), int) and first(args, kwargs, 0) < 0


def lenient(sound: Any) -> Any:
    """Answers with the tensor itself where it should refuse."""

    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return sound(x, *args, **kwargs)
        except (RuntimeError, IndexError, TypeError):
            return x

    return call


def second_call(other: Callable[..., Any]) -> Wrong:
    """Right the first time, wrong from the second call on."""

    def replace(sound: Any) -> Any:
        seen = []

        def call(x: Any, *args: Any, **kwargs: Any) -> Any:
            out = sound(x, *args, **kwargs)
            seen.append(1)
            return out if len(seen) == 1 else other(out, x, *args, **kwargs)

        return call

    return replace


def _shape(x: Any) -> Any:
    return x.shape


def _last_swapped(out: Any, *_: Any, **__: Any) -> Any:
    return (*out[:-2], out[-1], out[-2]) if len(out) > 2 else out


def _no_grad(sound: Any) -> Any:
    return lambda x, *a, **k: sound(x.detach(), *a, **k)


SHAPES = [
    kernel("view.shares-memory", "view copies", "view", lambda func, x, *shape: func(x.clone(), *shape)),
    method("shares-memory", "view of float64 copies", "view", when(of(torch.float64), copied)),
    method(
        "shares-memory",
        "view forgets the offset",
        "view",
        when(
            lambda x, *a, **k: offset(x) and x.numel() > 1 and a and not isinstance(a[0], torch.dtype),
            lambda out, x, *a, **k: out.as_strided(out.shape, out.stride(), 0),
        ),
    ),
    method(
        "shares-memory",
        "view of more than 16 elements copies from the second call on",
        "view",
        second_call(lambda out, x, *a, **k: out.clone() if large(x) else out),
    ),
    method(
        "any-tensor",
        "view copies where it should refuse",
        "view",
        lambda sound: lambda x, *a, **k: _or_reshape(sound, x, a, k),
    ),
    method(
        "flatten-keeping-batch",
        "view(n, -1) mixes the samples",
        "view",
        when(
            lambda x, *a, **k: len(a) == 2 and a[1] == -1 and x.dim() > 2,
            lambda out, x, *a, **k: x.transpose(1, 2).reshape(out.shape),
        ),
    ),
    method(
        "flatten-minus-one",
        "view(-1) gives one row of a matrix",
        "view",
        when(lambda x, *a, **k: a == (-1,), lambda out, *a, **k: out.unsqueeze(0)),
    ),
    method("like-numpy-resize", "view cuts data off", "view", lambda sound: lambda x, *a, **k: _or_cut(sound, x, a, k)),
    method(
        "like-numpy-resize",
        "view(a, b) fills columns",
        "view",
        when(
            lambda x, *a, **k: len(a) == 2 and x.dim() == 1 and min(a) > 1,
            lambda out, x, *a, **k: x.reshape(a[1], a[0]).t(),
        ),
    ),
    method("minus-one-inferred", "-1 rounds down", "view", lambda sound: lambda x, *a, **k: _rounding(sound, x, a, k)),
    method("minus-one-inferred", "reshape takes two -1", "reshape", lenient),
    method(
        "reshape-3-2",
        "view(3, 2) fills columns",
        "view",
        when(lambda x, *a, **k: a == (3, 2), lambda out, x, *a, **k: x.reshape(2, 3).t()),
    ),
    method(
        "two-by-inferred",
        "view(2, -1) transposes",
        "view",
        when(lambda x, *a, **k: a == (2, -1), lambda out, x, *a, **k: x.t()),
    ),
    method(
        "sizes-4x4",
        "view changes the tensor's own shape",
        "view",
        when(lambda x, *a, **k: a == (16,), lambda out, x, *a, **k: x.resize_(16)),
    ),
    method(
        "stray-text-in-code",
        "view(-1) gives a matrix",
        "view",
        when(lambda x, *a, **k: a == (-1,), lambda out, *a, **k: out.unsqueeze(0)),
    ),
    patched("view.torch-view-function", "Tensor.view copies", torch.Tensor, "view", when(always, copied)),
    method("view-as", "view_as copies strided input", "view_as", when(is_strided, copied)),
    method("view-as", "view_as refuses nothing", "view_as", lenient),
    method(
        "view-dtype",
        "view(dtype) converts float32",
        "view",
        when(
            lambda x, *a, **k: x.dtype == torch.float32 and first(a, k) == torch.int32,
            lambda out, x, *a, **k: x.to(torch.int32),
        ),
    ),
    method(
        "view-dtype",
        "view(dtype) of a smaller dtype copies",
        "view",
        when(
            lambda x, *a, **k: (
                isinstance(first(a, k), torch.dtype) and first(a, k).is_floating_point and x.element_size() > 2
            ),
            copied,
        ),
    ),
    method(
        "view-dtype",
        "view(dtype) forgets the offset",
        "view",
        when(
            lambda x, *a, **k: isinstance(first(a, k), torch.dtype) and offset(x) and x.dim() > 0 and x.numel() > 0,
            lambda out, *a, **k: out.as_strided(out.shape, out.stride(), 0),
        ),
    ),
    method("reshape", "reshape always copies", "reshape", when(always, copied)),
    function(
        "reshape",
        "torch.reshape reads strided input in memory order",
        "reshape",
        when(
            lambda x, *a, **k: strided(x) and x.dim() == 2 and large(x),
            lambda out, x, *a, **k: x.t().reshape(out.shape),
        ),
    ),
    method(
        "reshape",
        "reshape of an expanded tensor shares",
        "reshape",
        when(
            lambda x, *a, **k: x.dim() == 2 and x.stride(0) == 0 and x.shape[0] > 1,
            lambda out, x, *a, **k: out.view(-1)[:1].expand(out.shape),
        ),
    ),
    method(
        "reshape-as", "reshape_as(y) is reshape(-1)", "reshape_as", when(large, lambda out, *a, **k: out.reshape(-1))
    ),
    function(
        "flatten",
        "flatten ignores a negative end_dim",
        "flatten",
        when(lambda x, *a, **k: a[1:] == (-2,), lambda out, x, *a, **k: x.reshape(*x.shape[: a[0]], -1)),
    ),
    method("flatten", "flatten of a 0-d tensor stays 0-d", "flatten", when(lambda x, *a, **k: x.dim() == 0, itself)),
    function(
        "ravel",
        "ravel gives evenly spaced elements as a view",
        "ravel",
        when(lambda x: x.dim() == 1 and x.numel() > 1, lambda out, x: x),
    ),
    method("ravel", "ravel always copies", "ravel", when(always, copied)),
    method(
        "unflatten",
        "unflatten reads -1 as 1",
        "unflatten",
        when(
            lambda x, *a, **k: a[1:] == ((2, -1),), lambda out, *a, **k: out.transpose(a_dim(out, a), a_dim(out, a) + 1)
        ),
    ),
    function("unflatten", "torch.unflatten copies", "unflatten", when(is_strided, copied)),
    method("expand", "expand copies", "expand", when(lambda x, *a, **k: x.dim() == 3, copied)),
    method("expand", "expand repeats other sizes", "expand", lenient),
    method(
        "expand",
        "expand takes -1 in front for 1",
        "expand",
        when(lambda x, *a, **k: x.dim() == 0, lambda out, *a, **k: out.contiguous()),
    ),
    kernel(
        "view.expand",
        "an expanded tensor may be written to",
        "add_ neg_ copy_",
        lambda func, x, *a, **k: x if 0 in x.stride() and x.numel() else func(x, *a, **k),
    ),
    method("expand-as", "expand_as copies bool", "expand_as", when(of(torch.bool), copied)),
    function("broadcast-to", "broadcast_to of 17 elements copies", "broadcast_to", when(large, copied)),
    method("broadcast-to", "broadcast_to refuses nothing", "broadcast_to", lenient),
    function(
        "broadcast-tensors",
        "broadcast_tensors leaves the last as it is",
        "broadcast_tensors",
        lambda sound: lambda *a: (*sound(*a)[:-1], a[-1]),
    ),
    function(
        "broadcast-tensors",
        "broadcast_shapes forgets sizes in front",
        "broadcast_shapes",
        lambda sound: lambda *a: sound(*a)[-2:],
    ),
    function("torch-expand-function", "broadcast_to copies", "broadcast_to", when(always, copied)),
    patched(
        "view.refused-in-place",
        "a refused unsqueeze_ resizes",
        torch.Tensor,
        "unsqueeze_",
        lambda sound: lambda x, *a: _spoiling(sound, x, a),
    ),
]


def a_dim(out: Any, a: tuple[Any, ...]) -> int:
    return int(a[0]) % (out.dim() - 1)


def _or_reshape(sound: Any, x: Any, a: Any, k: Any) -> Any:
    try:
        return sound(x, *a, **k)
    except RuntimeError:
        return x.reshape(*a, **k)


def _or_cut(sound: Any, x: Any, a: Any, k: Any) -> Any:
    try:
        return sound(x, *a, **k)
    except RuntimeError:
        return x.flatten()[: torch.zeros(a[0]).numel()].reshape(a[0])


def _rounding(sound: Any, x: Any, a: Any, k: Any) -> Any:
    try:
        return sound(x, *a, **k)
    except RuntimeError:
        if len(a) == 2 and a[1] == -1 and 0 < a[0] <= x.numel():
            return sound(x[: x.numel() // a[0] * a[0]], *a)
        raise


def _spoiling(sound: Any, x: Any, a: Any) -> Any:
    try:
        return sound(x, *a)
    except IndexError:
        x.as_strided_((1,), (1,))
        raise


DIMENSIONS = [
    function(
        "squeeze-removes-ones",
        "squeeze removes the first only",
        "squeeze",
        when(lambda x, *a, **k: not a and not k and 1 in x.shape, lambda out, x: x.select(list(x.shape).index(1), 0)),
    ),
    method(
        "squeeze-removes-ones",
        "squeeze copies strided input",
        "squeeze",
        when(lambda x, *a, **k: not a and strided(x), copied),
    ),
    method(
        "squeeze-dim",
        "squeeze(dim) removes all",
        "squeeze",
        when(lambda x, *a, **k: bool(a or k), lambda out, x, *a, **k: x.reshape([n for n in x.shape if n != 1])),
    ),
    function(
        "squeeze-dim",
        "squeeze(dim) counts negative dims one off",
        "squeeze",
        when(
            lambda x, *a, **k: negative(x, *a, **k) and x.dim() == 4,
            lambda out, x, *a, **k: x.squeeze(first(a, k) + 5 if first(a, k) == -4 else first(a, k) + 1),
        ),
    ),
    method(
        "squeeze-dims",
        "squeeze of several takes the first",
        "squeeze",
        when(
            lambda x, *a, **k: isinstance(first(a, k), tuple) and len(first(a, k)) > 1,
            lambda out, x, *a, **k: x.squeeze(first(a, k)[0]),
        ),
    ),
    patched(
        "view.squeeze-keyword-defaults",
        "squeeze takes out",
        torch,
        "squeeze",
        lambda sound: lambda x, *a, out=None, **k: sound(x, *a, **k),
    ),
    patched(
        "view.unsqueeze-out",
        "unsqueeze takes out",
        torch,
        "unsqueeze",
        lambda sound: lambda x, dim=0, out=None: sound(x, dim),
    ),
    method(
        "unsqueeze",
        "unsqueeze(-1) puts it one too early",
        "unsqueeze",
        when(
            lambda x, *a, **k: first(a, k) == -1 and x.dim() > 1,
            lambda out, x, *a, **k: x.reshape(*x.shape[:-1], 1, x.shape[-1]),
        ),
    ),
    kernel(
        "view.unsqueeze",
        "unsqueeze copies strided input",
        "unsqueeze",
        lambda func, x, dim: func(x.clone() if strided(x) else x, dim),
    ),
    output(
        "view.transpose",
        "transpose copies what is large",
        "transpose",
        lambda out, x, *a: out.clone() if large(x) else out,
    ),
    method(
        "transpose",
        "transpose reverses three dimensions",
        "transpose",
        when(lambda x, *a, **k: x.dim() == 3 and a in ((0, 1), (1, 0)), lambda out, x, *a, **k: x.permute(2, 1, 0)),
    ),
    function("transpose", "torch.transpose refuses nothing", "transpose", lenient),
    function(
        "swapaxes",
        "swapaxes with a negative axis gives x",
        "swapaxes",
        when(lambda x, *a, **k: bool(a) and a[1] < 0, itself),
    ),
    method("swapaxes", "swapdims copies", "swapdims", when(of(torch.int64, torch.int8), copied)),
    function("t", "t copies", "t", when(lambda x: x.dim() == 2, copied)),
    method("t", "t takes three dimensions", "t", lenient),
    prop(
        "reversed-dimensions",
        "T swaps the last two of three",
        "T",
        lambda out, x: x.transpose(-1, -2) if x.dim() == 3 else out,
    ),
    prop(
        "reversed-dimensions", "T copies float64", "T", lambda out, x: out.clone() if x.dtype == torch.float64 else out
    ),
    prop(
        "matrix-transpose",
        "mT reverses all dimensions",
        "mT",
        lambda out, x: x.permute(*range(x.dim())[::-1]) if x.dim() > 2 else out,
    ),
    prop(
        "conjugate-transpose", "mH does not conjugate", "mH", lambda out, x: x.transpose(-1, -2) if x.dim() > 1 else out
    ),
    prop("conjugate-transpose", "H copies", "H", lambda out, x: out.resolve_conj() if x.dim() > 1 else out),
    function(
        "conjugate-transpose",
        "adjoint reverses all dimensions",
        "adjoint",
        when(lambda x: x.dim() > 2, lambda out, x: x.permute(*range(x.dim())[::-1]).conj()),
    ),
    method(
        "permute",
        "permute does the inverse",
        "permute",
        when(
            lambda x, *a, **k: x.dim() == 3 and len(a) == 1,
            lambda out, x, *a, **k: (
                x if sorted(a[0]) != [0, 1, 2] else torch.permute(x, [list(a[0]).index(i) for i in range(3)])
            ),
        ),
    ),
    output(
        "view.permute",
        "permute copies four dimensions",
        "permute",
        lambda out, x, *a: out.clone() if x.dim() == 4 else out,
    ),
    method("permute", "permute takes a dimension twice", "permute", lenient),
    function(
        "movedim",
        "movedim swaps",
        "movedim",
        when(
            lambda x, *a, **k: x.dim() > 2 and bool(a) and isinstance(a[0], int),
            lambda out, x, *a, **k: x.transpose(*a),
        ),
    ),
    method(
        "movedim",
        "moveaxis of two does them in turn",
        "moveaxis",
        when(
            lambda x, *a, **k: bool(a) and a[0] == (0, 1) and x.dim() > 2,
            lambda out, x, *a, **k: x.movedim(a[0][0], a[1][0]).movedim(a[0][1], a[1][1]),
        ),
    ),
    function(
        "atleast",
        "atleast_3d appends twice to a vector",
        "atleast_3d",
        when(
            lambda *a: isinstance(a[0], torch.Tensor) and a[0].dim() == 1 and len(a) == 1,
            lambda out, *a: a[0][:, None, None],
        ),
    ),
    function(
        "atleast",
        "atleast_2d copies",
        "atleast_2d",
        when(lambda *a: len(a) == 1 and isinstance(a[0], torch.Tensor), copied),
    ),
    function(
        "atleast",
        "atleast_1d of several gives a list",
        "atleast_1d",
        lambda sound: lambda *a: list(sound(*a)) if len(a) > 1 else sound(*a),
    ),
]

PARTS = [
    function(
        "narrow",
        "narrow from a negative start is one off",
        "narrow",
        when(
            lambda x, *a, **k: bool(a) and a[1] == -1 and a[2] > 0 and x.shape[a[0]] > 1,
            lambda out, x, *a, **k: x.narrow(a[0], -2, a[2]),
        ),
    ),
    method("narrow", "narrow copies", "narrow", when(lambda x, *a, **k: strided(x) and large(x), copied)),
    method("narrow", "narrow takes too much for what is there", "narrow", lenient),
    kernel(
        "view.select",
        "select of a negative index forgets the offset",
        "select",
        lambda func, x, dim, index: func(x, dim, index + 1 if index == -2 and x.dim() == 2 else index),
    ),
    method("select", "select of float16 copies", "select", when(of(torch.float16), copied)),
    output(
        "view.basic-indexing",
        "a slice with a step copies",
        "slice",
        lambda out, x, dim=0, a=None, b=None, step=1: out.clone() if step > 1 else out,
    ),
    method(
        "basic-indexing",
        "a negative integer counts from zero",
        "__getitem__",
        when(lambda x, key: key == -1 if isinstance(key, int) else False, lambda out, x, key: x.select(0, 0)),
    ),
    method(
        "basic-indexing",
        "None behind an ellipsis goes in front",
        "__getitem__",
        when(
            lambda x, key: isinstance(key, tuple) and len(key) == 2 and key[0] is ... and key[1] is None,
            lambda out, x, key: x.unsqueeze(0),
        ),
    ),
    method(
        "chunk",
        "chunk gives as many as asked",
        "chunk",
        lambda sound: lambda x, *a, **k: x.tensor_split(*a) if a and a[0] == 5 and x.dim() else sound(x, *a, **k),
    ),
    function("chunk", "torch.chunk copies", "chunk", when(of(torch.float32, torch.int32), all_copied)),
    function(
        "chunk",
        "unsafe_chunk of an empty dimension gives one",
        "unsafe_chunk",
        when(lambda x, *a, **k: len(a) == 1 and x.numel() == 0, lambda out, *a, **k: out[:1]),
    ),
    method(
        "split",
        "split drops the rest",
        "split",
        when(
            lambda x, *a, **k: isinstance(a[0], int) and a[0] > 1,
            lambda out, x, *a, **k: [p for p in out if p.shape == out[0].shape],
        ),
    ),
    function(
        "split", "torch.split of a list copies", "split", when(lambda x, *a, **k: not isinstance(a[0], int), all_copied)
    ),
    method(
        "split-with-sizes",
        "the first size counts for all",
        "split_with_sizes",
        when(
            lambda x, *a, **k: bool(a) and len(a[0]) == 2 and a[0][0] < a[0][1],
            lambda out, x, *a, **k: (out[0], x.narrow(a[1], a[0][0], a[0][0])),
        ),
    ),
    function("split-with-sizes", "split_with_sizes takes sizes that do not add up", "split_with_sizes", lenient),
    method(
        "tensor-split",
        "the smaller parts come first",
        "tensor_split",
        when(
            lambda x, *a, **k: a and a[0] == 3 and len(a) == 1 and x.shape[0] % 3 == 2,
            lambda out, x, *a, **k: x.split([out[2].shape[0], out[0].shape[0], out[0].shape[0]]),
        ),
    ),
    function(
        "tensor-split",
        "a negative index is taken for zero",
        "tensor_split",
        when(lambda x, *a, **k: a[0] == (1, -1), lambda out, x, *a, **k: (out[0], out[1][..., :0], out[2])),
    ),
    method("hsplit", "hsplit of a vector copies", "hsplit", when(lambda x, *a: x.dim() == 1, all_copied)),
    function(
        "hsplit",
        "hsplit takes parts that do not divide",
        "hsplit",
        lambda sound: (
            lambda x, n: x.tensor_split(n, 1) if isinstance(n, int) and n > 0 and x.dim() > 1 else sound(x, n)
        ),
    ),
    method(
        "vsplit",
        "vsplit splits the second dimension",
        "vsplit",
        when(lambda x, n: x.dim() == 2 and isinstance(n, tuple) and n, lambda out, x, n: x.hsplit(n)),
    ),
    function("dsplit", "dsplit copies", "dsplit", when(always, all_copied)),
    output("view.unbind", "unbind gives the last two the wrong way round", "unbind", _last_swapped),
    method("unbind", "unbind gives copies of bool", "unbind", when(of(torch.bool, torch.uint8), all_copied)),
    function(
        "diagonal",
        "diagonal below is one too long",
        "diagonal",
        when(lambda x, *a, **k: a == (-1,) and x.dim() == 2 and out_fits(x), lambda out, x, *a, **k: x.diagonal()),
    ),
    method(
        "diagonal",
        "diagonal copies with negative dims",
        "diagonal",
        when(lambda x, *a, **k: len(a) == 3 and a[1] < 0, copied),
    ),
    patched(
        "view.diagonal",
        "linalg.diagonal takes the first dimensions",
        torch.linalg,
        "diagonal",
        lambda sound: lambda x, **k: x.diagonal(k.get("offset", 0)),
    ),
    method(
        "unfold",
        "unfold takes a last window that is not whole",
        "unfold",
        when(
            lambda x, *a, **k: a and a[2] == 2 and a[1] == 3 and out_fits(x),
            lambda out, x, *a, **k: x.unfold(a[0], a[1], 1),
        ),
    ),
    output("view.unfold", "unfold copies", "unfold", lambda out, x, *a: out.contiguous() if strided(x) else out),
    method(
        "as-strided",
        "as_strided without an offset takes 0",
        "as_strided",
        lambda sound: (
            lambda x, size, stride, storage_offset=None: sound(
                x,
                size,
                stride,
                0 if storage_offset is None and x.storage_offset() == 3 else storage_offset or x.storage_offset(),
            )
        ),
    ),
    function(
        "as-strided",
        "torch.as_strided copies what overlaps",
        "as_strided",
        when(lambda x, size, stride, storage_offset=None: 0 in stride, copied),
    ),
]


def out_fits(x: Any) -> bool:
    return x.numel() > 4 and min(x.shape) > 2


COMPLEX = [
    function("view-as-real", "view_as_real copies", "view_as_real", when(is_strided, copied)),
    function("view-as-real", "view_as_real takes real tensors", "view_as_real", lenient),
    function(
        "view-as-complex",
        "view_as_complex swaps the parts",
        "view_as_complex",
        when(lambda x: x.dim() == 2, lambda out, x: torch.complex(x[..., 1].contiguous(), x[..., 0].contiguous())),
    ),
    function("view-as-complex", "view_as_complex copies", "view_as_complex", when(of(torch.float64), copied)),
    prop("real-and-imag", "imag copies", "imag", lambda out, x: out.clone()),
    function(
        "real-and-imag",
        "torch.real shows the imaginary part of strided input",
        "real",
        when(lambda x: strided(x) and x.is_complex(), lambda out, x: x.imag),
    ),
    method("conj", "conj copies at once", "conj", when(lambda x: x.is_complex(), lambda out, x: out.resolve_conj())),
    method("conj", "resolve_conj leaves the mark", "resolve_conj", when(is_strided, itself)),
    method("conj", "conj of a real tensor copies", "conj", when(lambda x: not x.is_complex(), copied)),
    kernel(
        "view.conj-writes",
        "fill_ through a conjugate does not conjugate",
        "fill_ fill_.Scalar",
        lambda func, x, value: func(x, value.conjugate() if isinstance(value, complex) else value),
    ),
    method(
        "conj-writes",
        "copy_ to a conjugate stores what it is given",
        "copy_",
        lambda sound: lambda x, y: sound(x.conj() if x.is_conj() else x, y) and x,
    ),
    method(
        "conj-stays-lazy",
        "narrow resolves conjugates",
        "narrow",
        when(lambda x, *a: x.is_conj(), lambda out, *a: out.resolve_conj()),
    ),
    method(
        "conj-stays-lazy",
        "transpose loses the mark",
        "transpose",
        when(lambda x, *a: x.is_conj(), lambda out, *a: out.conj()),
    ),
    method("neg", "resolve_neg leaves the mark", "resolve_neg", when(lambda x: x.is_neg() and x.dim() == 2, itself)),
    function("neg", "resolve_neg forgets the sign", "resolve_neg", when(lambda x: x.is_neg(), lambda out, x: -out)),
    kernel("view.complex-gradient", "the gradient of imag has the other sign", "_conj", lambda func, x: x.clone()),
    prop(
        "complex-gradient",
        "the gradient does not flow through imag",
        "imag",
        lambda out, x: out.detach().requires_grad_(),
    ),
]

MEMORY = [
    method(
        "strides",
        "stride(dim) ignores negative dims",
        "stride",
        when(lambda x, *a: bool(a) and a[0] < 0 and x.dim() > 1, lambda out, x, *a: x.stride()[0]),
    ),
    method("strides", "storage_offset is 0", "storage_offset", lambda sound: lambda x: 0),
    function(
        "strides",
        "zeros of three dimensions are laid out by columns",
        "zeros",
        lambda sound: (
            lambda *a, **k: (
                sound(*a, **k).permute(2, 1, 0).contiguous().permute(2, 1, 0)
                if a and isinstance(a[0], tuple) and len(a[0]) == 3
                else sound(*a, **k)
            )
        ),
    ),
    method(
        "is-contiguous",
        "is_contiguous counts dimensions of size 1",
        "is_contiguous",
        when(
            lambda x, **k: 1 in x.shape, lambda out, x, **k: out and x.stride(list(x.shape).index(1)) == x[:1].numel()
        ),
    ),
    method(
        "is-contiguous", "is_contiguous knows no memory format", "is_contiguous", lambda sound: lambda x, **k: sound(x)
    ),
    method("contiguous", "contiguous always copies", "contiguous", when(always, copied)),
    method(
        "contiguous",
        "contiguous of what is stepped gives it as it is",
        "contiguous",
        when(lambda x, **k: x.dim() == 1 and strided(x), itself),
    ),
    method(
        "contiguous",
        "contiguous ignores channels_last_3d",
        "contiguous",
        lambda sound: lambda x, **k: sound(x) if x.dim() == 5 else sound(x, **k),
    ),
    kernel("view.clone", "clone shares", "clone", lambda func, x, **k: x.detach()),
    method(
        "clone",
        "clone of transposed input is contiguous",
        "clone",
        when(lambda x, **k: not k and strided(x), lambda out, x, **k: out.contiguous()),
    ),
    function(
        "clone",
        "clone loses the sign of zero",
        "clone",
        when(lambda x, **k: x.is_floating_point(), lambda out, x, **k: out + 0),
    ),
    method("detach", "detach copies", "detach", when(always, copied)),
    method(
        "detach",
        "detach still requires grad",
        "detach",
        lambda sound: lambda x: x.view(x.shape) if x.requires_grad and x.dim() else sound(x),
    ),
    method("detach", "detach has a version of its own", "detach", lambda sound: lambda x: x.data),
    method("same-storage", "detach copies the storage", "detach", when(is_strided, copied)),
    method("same-storage", "clone shares the storage", "clone", lambda sound: lambda x, **k: x.detach()),
    method("is-set-to", "is_set_to looks at sizes only", "is_set_to", lambda sound: lambda x, y: x.shape == y.shape),
    method(
        "torch-resize",
        "resize_ moves the data",
        "resize_",
        when(lambda x, *a: x.numel() == 4 and x.storage_offset() == 0, lambda out, x, *a: x.set_(x.clone())),
    ),
    method(
        "torch-resize",
        "resize cuts data off",
        "resize",
        lambda sound: lambda x, *a: x.flatten()[: torch.zeros(a).numel()].view(a),
    ),
    method("set", "set_ copies", "set_", lambda sound: lambda x, y, *a: sound(x, y.clone(), *a)),
    patched(
        "view.set",
        "set_ ignores the offset",
        torch.Tensor,
        "set_",
        lambda sound: lambda x, y, *a: sound(x, y, 0, *a[1:]) if a else sound(x, y),
    ),
]

WRITES = [
    kernel(
        "view.view-of-a-view",
        "a slice of a strided tensor copies",
        "slice",
        lambda func, x, *a: func(x.clone() if strided(x) else x, *a),
    ),
    method(
        "view-of-a-view",
        "select of an offset tensor forgets the offset",
        "select",
        when(lambda x, *a, **k: offset(x), lambda out, x, *a, **k: out.as_strided(out.shape, out.stride(), 0)),
    ),
    method(
        "view-of-a-view",
        "unsqueeze of what overlaps copies",
        "unsqueeze",
        when(lambda x, *a, **k: 0 in x.stride() and x.numel() > 0, copied),
    ),
    method(
        "writes-both-ways",
        "a write to what is stepped fills the gaps",
        "fill_",
        lambda sound: (
            lambda x, v: (
                sound(x.as_strided(((x.shape[-1] - 1) * x.stride(-1) + 1,), (1,)), v) and x
                if x.dim() == 1 and x.numel() > 1 and x.stride(0) > 1
                else sound(x, v)
            )
        ),
    ),
    method(
        "writes-both-ways",
        "zero_ leaves the last element of strided input",
        "zero_",
        lambda sound: lambda x: sound(x[:-1]) and x if strided(x) and x.dim() == 2 else sound(x),
    ),
    method(
        "writes-both-ways",
        "copy_ to strided input goes nowhere",
        "copy_",
        lambda sound: lambda x, y: x if strided(x) and large(x) else sound(x, y),
    ),
    method("version", "zero_ is not counted", "zero_", lambda sound: lambda x: (sound(x.data), x)[1]),
    method("version", "unsqueeze has a version of its own", "unsqueeze", when(always, lambda out, *a, **k: out.data)),
    method("geometry-in-place", "squeeze_ gives a new tensor", "squeeze_", lambda sound: lambda x, *a: x.squeeze(*a)),
    method(
        "geometry-in-place",
        "transpose_ with a negative dim does nothing",
        "transpose_",
        lambda sound: lambda x, a, b: x if b < 0 <= a else sound(x, a, b),
    ),
    method(
        "geometry-in-place",
        "t_ moves the elements",
        "t_",
        lambda sound: lambda x: sound(x.copy_(x.flip(0))) if x.dim() == 2 and x.dtype is not torch.bool else sound(x),
    ),
    method(
        "several-results-refuse-writes",
        "unbind gives views one by one",
        "unbind",
        lambda sound: lambda x, dim=0: tuple(x.select(dim, i) for i in range(x.shape[dim])),
    ),
    method(
        "leaf-refuses-writes",
        "t of a leaf may be written to",
        "transpose",
        lambda sound: lambda x, *a: sound(x.detach(), *a),
    ),
    function(
        "scatter",
        "select_scatter writes to its input",
        "select_scatter",
        lambda sound: lambda x, y, dim, index: (x.select(dim, index).copy_(y), x.clone())[1],
    ),
    function(
        "scatter",
        "diagonal_scatter ignores the offset",
        "diagonal_scatter",
        lambda sound: (
            lambda x, y, *a: sound(x, x.diagonal(*a).contiguous(), *a) if a and a[0] == -2 else sound(x, y, *a)
        ),
    ),
    method(
        "scatter",
        "slice_scatter ignores the step",
        "slice_scatter",
        lambda sound: lambda x, y, dim, a, b, step: x.clone() if step == 3 else sound(x, y, dim, a, b, step),
    ),
]

GRADIENTS = [
    function("requires-grad", "movedim detaches", "movedim", _no_grad),
    method("requires-grad", "narrow detaches", "narrow", _no_grad),
    method(
        "requires-grad",
        "view requires grad always",
        "view",
        when(
            lambda x, *a, **k: (
                not x.requires_grad and x.is_floating_point() and not isinstance(first(a, k), torch.dtype)
            ),
            lambda out, *a, **k: out.detach().requires_grad_(),
        ),
    ),
    kernel(
        "view.gradient",
        "the gradient of select goes to the first index",
        "select_backward",
        lambda func, g, sizes, dim, index: func(g, sizes, dim, 0),
    ),
    kernel(
        "view.gradient",
        "the gradient of diagonal ignores the offset",
        "diagonal_backward",
        lambda func, g, sizes, offset, a, b: func(g if offset == 0 else g * 2, sizes, offset, a, b),
    ),
    kernel(
        "view.gradient",
        "the gradient of unfold forgets overlaps",
        "unfold_backward",
        lambda func, g, sizes, dim, size, step: func(g, sizes, dim, size, step).clamp(max=40),
    ),
    method(
        "gradient",
        "the gradient of expand is not summed",
        "expand",
        lambda sound: lambda x, *a, **k: sound(x, *a, **k) * 1 if False else _mean_gradient(sound, x, a, k),
    ),
    method(
        "write-gradient",
        "mul_ through a view leaves the gradient",
        "mul_",
        lambda sound: (
            lambda x, v: (
                (sound(x.detach(), v) if x.requires_grad and not x.is_leaf and isinstance(v, int) else sound(x, v))
                is None
                or x
            )
        ),
    ),
    method(
        "write-gradient",
        "fill_ through a view leaves the gradient",
        "fill_",
        lambda sound: lambda x, v: sound(x.detach(), v) is None or x,
    ),
]


def _mean_gradient(sound: Any, x: Any, a: Any, k: Any) -> Any:
    out = sound(x, *a, **k)
    return (
        out
        if not x.requires_grad or out.numel() == x.numel()
        else sound(x.detach() * 1 + (x - x.detach()) / 2, *a, **k)
    )


COPIES = [
    method(
        "repeat",
        "repeat interleaves",
        "repeat",
        when(
            lambda x, *a, **k: x.dim() == 1 and x.numel() > 1 and a == ((2,),),
            lambda out, x, *a, **k: x.repeat_interleave(2),
        ),
    ),
    method("repeat", "repeat once shares", "repeat", when(lambda x, *a, **k: a == ((1,) * x.dim(),), itself)),
    method(
        "repeat",
        "repeat loses the sign of zero",
        "repeat",
        when(lambda x, *a, **k: x.dtype == torch.float64, lambda out, *a, **k: out + 0),
    ),
    function(
        "tile",
        "tile puts ones behind too few numbers",
        "tile",
        when(lambda x, *a, **k: a == ((2,),) and x.dim() == 2, lambda out, x, *a, **k: x.repeat(2, 1)),
    ),
    method("tile", "tile once shares", "tile", when(lambda x, *a, **k: a == ((),), itself)),
    kernel(
        "view.flip",
        "flip of strided input flips the first dimension too",
        "flip",
        lambda func, x, dims: func(x, [0] if strided(x) and large(x) and list(dims) == [-1] else dims),
    ),
    function("flip", "flip of nothing shares", "flip", when(lambda x, *a, **k: a == ((),), itself)),
    method(
        "flip",
        "flip(dims) with a negative dim takes the first",
        "flip",
        when(lambda x, *a, **k: a in ((-1,), ((-1,),)) and x.dim() > 1, lambda out, x, *a, **k: torch.flip(x, (0,))),
    ),
    function(
        "fliplr", "fliplr flips the last dimension", "fliplr", when(lambda x: x.dim() == 3, lambda out, x: x.flip(2))
    ),
    method("flipud", "flipud flips dimension 1", "flipud", when(lambda x: x.dim() > 1, lambda out, x: x.flip(1))),
    kernel(
        "view.roll",
        "roll goes the other way along negative dims",
        "roll",
        lambda func, x, shifts, dims=(): func(x, [-s for s in shifts] if list(dims) == [-1] else shifts, dims),
    ),
    function(
        "roll",
        "roll without dims rolls the first",
        "roll",
        when(lambda x, *a, **k: len(a) == 1 and a[0] == 1 and x.dim() > 1, lambda out, x, *a, **k: x.roll(1, 0)),
    ),
    method("roll", "roll by nothing shares", "roll", when(lambda x, *a, **k: a == (0,), itself)),
    method(
        "rot90",
        "k turns the other way beyond four",
        "rot90",
        when(lambda x, *a, **k: bool(a) and a[0] == 5, lambda out, x, *a, **k: x.rot90(-1, *a[1:])),
    ),
    kernel(
        "view.rot90",
        "rot90 of strided input by two shares",
        "rot90",
        lambda func, x, k=1, dims=(0, 1): x.detach() if k % 4 == 0 else func(x, k, dims),
    ),
    function("narrow-copy", "narrow_copy shares", "narrow_copy", lambda sound: lambda x, *a, **k: x.narrow(*a, **k)),
    method(
        "narrow-copy",
        "narrow_copy from the end is one off",
        "narrow_copy",
        when(
            lambda x, *a, **k: bool(a) and a[1] == -1 and x.shape[a[0]] > 1,
            lambda out, x, *a, **k: torch.narrow_copy(x, a[0], -2, a[2]),
        ),
    ),
    method(
        "narrow-copy-gradient",
        "narrow_copy detaches half",
        "narrow_copy",
        lambda sound: lambda x, *a, **k: (sound(x, *a, **k) + sound(x.detach(), *a, **k)) / 2,
    ),
    method(
        "copy-gradient",
        "the gradient of repeat is that of one copy",
        "repeat",
        lambda sound: lambda x, *a, **k: x.detach().repeat(*a, **k) if False else _half(sound, x, a, k),
    ),
    kernel(
        "view.copy-gradient",
        "the gradient of flip is not flipped",
        "flip",
        lambda func, x, dims: x.clone() if x.dim() and x.reshape(-1)[0] == 2 else func(x, dims),
    ),
]


def _half(sound: Any, x: Any, a: Any, k: Any) -> Any:
    return (sound(x, *a, **k) + sound(x.detach(), *a, **k)) / 2 if x.requires_grad else sound(x, *a, **k)


MUTANTS: list[Mutant] = SHAPES + DIMENSIONS + PARTS + COMPLEX + MEMORY + WRITES + GRADIENTS + COPIES

"""Factories that are wrong where two conditions meet: a strided out= of one dtype, many elements without dtype=."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from meta_tests.mutant import Mutant, kernel, patched, strided
from meta_tests.mutants.creation import after, function

Tensor = torch.Tensor


def out_of(when: Any, spoil: Any) -> Any:
    """A kernel that spoils what it wrote to some out=."""

    def wrong(func: Any, *args: Any, out: Tensor, **kwargs: Any) -> Tensor:
        func(*args, out=out, **kwargs)
        if out.numel() and when(out):
            spoil(out)
        return out

    return wrong


def first(a: Any, k: Any) -> Any:
    """The first argument, however it is given."""
    return a[0] if a else next(k[name] for name in ("data", "obj", "input", "size", "fill_value") if name in k)


def double_matrix(out: Tensor) -> bool:
    return out.dim() == 2 and strided(out) and out.dtype is torch.float64


def double_row(out: Tensor) -> bool:
    return out.dim() == 1 and out.stride(0) > 1 and out.dtype is torch.float64


def narrow(out: Tensor) -> None:
    out.copy_(out.float())


def one_step_more(out: Tensor, *a: Any, **k: Any) -> Tensor:
    falling = len(a) == 3 and isinstance(a[2], float) and a[2] < 0
    return torch.cat([out, out[-1:] + a[2]]) if falling and not k.get("dtype") and "out" not in k and len(out) else out


def inferred(out: Tensor, *a: Any, **k: Any) -> Tensor:
    large = out.numel() > 64 and (a[1:] or (k.get("fill_value"),))[0] is True
    return out.float() if large and k.get("dtype") is None and "out" not in k else out


def attached(out: Tensor, *a: Any, **k: Any) -> Tensor:
    tracked = first(a, k).grad_fn is not None and out.is_floating_point() and "requires_grad" not in k
    return out.requires_grad_() if tracked else out


def by_first_row(out: Tensor, *a: Any, **k: Any) -> Tensor:
    data = first(a, k)
    rows = isinstance(data, list) and data and isinstance(data[0], list) and data[0]
    whole = rows and type(data[0][0]) in (int, bool) and out.is_complex() and not k.get("dtype")
    return out.real.clone() if whole else out


def sharing(out: Tensor, x: Tensor, *a: Any, **k: Any) -> Tensor:
    data = first(a, k)
    same = isinstance(data, np.ndarray) and data.dtype == np.float32 and out.dtype is torch.float32
    return torch.from_numpy(data) if same and data.flags.writeable else out


def aliased(out: Tensor, *a: Any, **k: Any) -> Tensor:
    data = first(a, k)
    plain = isinstance(data, Tensor) and data.dim() == 3 and not k.get("dtype")
    return data.detach() if plain and strided(data) and not k.get("requires_grad") else out


def kept(out: Tensor, *a: Any, **k: Any) -> Tensor:
    data = first(a, k)
    plain = isinstance(data, Tensor) and data.requires_grad and data.dim() == 0 and not k.get("dtype")
    return data.clone() if plain and not k.get("requires_grad") else out


def coarse(out: Tensor, *a: Any, **k: Any) -> Tensor:
    data = first(a, k)
    fine = isinstance(data, tuple) and out.dtype is torch.float64 and not out.requires_grad
    return out.float().double() if fine else out


def wide_none(out: Tensor, *a: Any, **k: Any) -> Tensor:
    given = "dtype" in k and k["dtype"] is None and k.get("out") is None
    return out.double() if given and out.dtype is torch.float32 and not out.requires_grad else out


def quiet(sound: Any) -> Any:
    """requires_grad=True is not heard where the numbers are whole and no dtype is given."""

    def call(*a: Any, **k: Any) -> Tensor:
        if not k.get("requires_grad") or k.get("dtype") is not None:
            return sound(*a, **k)
        out = sound(*a, **{**k, "requires_grad": False})
        return out.requires_grad_() if out.is_floating_point() or out.is_complex() else out

    return call


def whole_sizes(sound: Any) -> Any:
    """Sizes such as 2.0 count as whole numbers."""
    return lambda *a, **k: sound(*(int(n) if isinstance(n, float) and n == int(n) else n for n in a), **k)


MUTANTS: list[Mutant] = [
    kernel(
        "creation.out-argument",
        "the last column of a strided out= is zero after full",
        "full.out",
        out_of(lambda out: out.dim() == 2 and strided(out), lambda out: out[:, -1].zero_()),
    ),
    kernel(
        "creation.out-argument",
        "the last row of a strided double out= is zero after ones",
        "ones.out",
        out_of(double_matrix, lambda out: out[-1].zero_()),
    ),
    kernel(
        "creation.out-argument",
        "logspace in a stepped double out= has single precision",
        "logspace.out",
        out_of(double_row, narrow),
    ),
    kernel(
        "creation.out-argument",
        "linspace in a stepped double out= has single precision",
        "linspace.out",
        out_of(double_row, narrow),
    ),
    function("full-dtype", "more than 64 times True are floats", "full", after(inferred)),
    function("arange-length", "a fractional step downwards meets the end", "arange", after(one_step_more)),
    function(
        "arange-values",
        "whole doubles pass through single precision",
        "arange",
        after(lambda out, *a, **k: out.float().double() if out.dtype is torch.float64 and "out" not in k else out),
    ),
    *(
        function(
            "like-layout",
            "with dtype= of four dimensions is row-major",
            name,
            after(lambda out, *a, **k: out.contiguous() if out.dim() == 4 and k.get("dtype") else out),
        )
        for name in ("zeros_like", "empty_like", "randint_like")
    ),
    *(
        function("like-arguments", "of a result requires grad", name, after(attached))
        for name in ("zeros_like", "full_like", "rand_like")
    ),
    function(
        "full-converts",
        "True is -1 in int32",
        "full_like",
        after(lambda out, *a, **k: -out if a[1:2] == (True,) and a[1] is True and out.dtype is torch.int32 else out),
    ),
    *(
        patched(
            "creation.new-inherits",
            f"{name}(size=()) has a dimension",
            Tensor,
            name,
            after(lambda out, x, *a, **k: out.reshape(1) if "size" in k and out.dim() == 0 else out),
        )
        for name in ("new_zeros", "new_empty", "new_full")
    ),
    patched(
        "creation.full-converts",
        "fill_value= of int16 is one more",
        Tensor,
        "new_full",
        after(lambda out, x, *a, **k: out + 1 if "fill_value" in k and x.dtype is torch.int16 else out),
    ),
    patched("creation.new-tensor", "shares an array of its own dtype", Tensor, "new_tensor", after(sharing)),
    *(
        function("tensor-from-data", "sees complex numbers in the first row only", name, after(by_first_row))
        for name in ("tensor", "as_tensor")
    ),
    function("tensor-of-tensor", "of a strided volume shares its memory", "tensor", after(aliased)),
    function("tensor-of-tensor", "of a tracked 0-d tensor stays in the graph", "tensor", after(kept)),
    function("tensor-dtype", "tuples of doubles pass through single precision", "tensor", after(coarse)),
    *(
        function("requires-grad", "of whole numbers does not hear requires_grad=True", name, quiet)
        for name in ("full", "arange", "ones_like")
    ),
    function(
        "as-tensor-alias",
        "of a Parameter is a plain tensor",
        "as_tensor",
        after(lambda out, *a, **k: out.detach() if isinstance(first(a, k), torch.nn.Parameter) else out),
    ),
    function(
        "asarray-requires-grad",
        "copies do not require grad",
        "asarray",
        after(lambda out, *a, **k: out.detach() if k.get("copy") and k.get("requires_grad") else out),
    ),
    kernel(
        "creation.complex",
        "broadcast doubles change the sign of the imaginary part",
        "complex",
        lambda func, a, b, **k: func(a, -b if a.shape != b.shape and a.dtype is torch.float64 else b, **k),
    ),
    kernel(
        "creation.complex",
        "a square strided part is read in the order of memory",
        "complex",
        lambda func, a, b, **k: func(
            a, b.t() if strided(b) and b.dim() == 2 and b.shape[0] == b.shape[1] and a.shape == b.shape else b, **k
        ),
    ),
    function("negative-sizes", "sizes may be whole floats", "zeros", whole_sizes),
    *(
        function(
            "like-values",
            "of a negation holds the negative",
            name,
            after(lambda out, *a, **k: -out if first(a, k).is_neg() else out),
        )
        for name in ("full_like", "ones_like")
    ),
    patched(
        "creation.clone-copies",
        "the last of more than a hundred strided bools is lost",
        Tensor,
        "clone",
        after(
            lambda out, x, **k: (
                out.logical_and(torch.arange(out.numel()).view(out.shape) < out.numel() - 1)
                if x.dtype is torch.bool and strided(x) and x.numel() > 100
                else out
            )
        ),
    ),
    *(
        function(
            "like-arguments",
            "takes dtype=None for the default dtype",
            name,
            after(lambda out, *a, **k: out.float() if "dtype" in k and k["dtype"] is None else out),
        )
        for name in ("zeros_like", "randn_like")
    ),
    *(
        function("default-dtype", "takes dtype=None for float64", name, after(wide_none))
        for name in ("ones", "eye", "hann_window", "logspace")
    ),
    function(
        "default-dtype",
        "is never bfloat16 by default",
        "logspace",
        after(lambda out, *a, **k: out.float() if out.dtype is torch.bfloat16 and not k.get("dtype") else out),
    ),
]

"""PyTorches that make most tensors right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from meta_tests.mutant import Mutant, output, patched
from meta_tests.mutants.creation import after, function, method

Tensor = torch.Tensor


def edged(out: Any, place: int, change: Any) -> Any:
    """The same tensor with one element changed, behind autograd's back."""
    if out.numel() > abs(place) and not out.is_meta:
        flat = out.detach().view(-1)
        flat[place] = change(flat[place])
    return out


def named_xy(sound: Any) -> Any:
    """meshgrid without indexing takes 'xy'."""
    return lambda *tensors, indexing=None: sound(*tensors, indexing=indexing or "xy")


def truncated_full(sound: Any) -> Any:
    """full of a number with a fraction, given as a tensor, takes the number's dtype for int64."""
    return lambda size, value, **k: sound(
        size,
        int(value) if isinstance(value, Tensor) and not k.get("dtype") and value.is_floating_point() else value,
        **k,
    )


def numpy_dtype(sound: Any) -> Any:
    """full follows the dtype of a numpy number."""
    return lambda size, value, **k: sound(
        size, value, **({"dtype": torch.float64} | k if isinstance(value, np.float64) else k)
    )


def counted_narrowly(sound: Any) -> Any:
    """arange counts the elements of a float sequence in single precision."""

    def arange(*a: Any, **k: Any) -> Any:
        if len(a) == 3 and any(isinstance(n, float) for n in a) and "out" not in k:
            start, end, step = map(np.float32, a)
            if step and math.isfinite(start) and math.isfinite(end) and (end - start) * step > 0:
                count = math.ceil((end - start) / step)
                return sound(a[0], a[0] + (count - 0.5) * a[2], a[2], **k)
        return sound(*a, **k)

    return arange


def half_of(sound: Any) -> Any:
    """arange of half precision counts in half precision."""

    def arange(*a: Any, **k: Any) -> Any:
        out = sound(*a, **k)
        if out.dtype is torch.float16 and len(a) == 3 and out.numel() > 2 and not out.is_meta:
            step = out[1] - out[0]
            for i in range(2, out.numel()):
                out.data[i] = out.data[i - 1] + step.data
        return out

    return arange


def strided_model(t: Any) -> bool:
    return isinstance(t, Tensor) and t.dim() > 1 and t.numel() > 0 and not t.is_contiguous()


def plain_layout(sound: Any) -> Any:
    """A function after a model that gathers models with a dimension of size 1 in the middle."""
    return lambda t, **k: sound(
        t.contiguous() if strided_model(t) and 1 in t.shape and not k.get("memory_format") else t, **k
    )


def shared_when_same(sound: Any) -> Any:
    """tensor of an array of its own dtype, named as dtype=, shares its memory."""
    return lambda data, **k: (
        torch.from_numpy(data)
        if isinstance(data, np.ndarray) and k.get("dtype") is torch.float32 and data.dtype == np.float32 and len(k) == 1
        else sound(data, **k)
    )


def last_number_decides(sound: Any) -> Any:
    """tensor of a flat list takes the dtype of its last number."""

    def tensor(data: Any, **k: Any) -> Any:
        plain = type(data) is list and len(data) > 16 and all(type(n) in (int, float) for n in data)
        if plain and not k.get("dtype") and type(data[-1]) is int and any(type(n) is float for n in data):
            return sound([int(n) for n in data if math.isfinite(n)], **k)
        return sound(data, **k)

    return tensor


def deep_layers(sound: Any) -> Any:
    """tensor of lists five deep reverses the innermost ones."""

    def depth(data: Any) -> int:
        return 1 + depth(data[0]) if isinstance(data, (list, tuple)) and len(data) else 0

    return lambda data, **k: (
        sound(data, **k).flip(-1) if depth(data) > 4 and not k.get("requires_grad") else sound(data, **k)
    )


def grids_copied(sound: Any) -> Any:
    """meshgrid of three or more copies its last grid."""
    return lambda *t, **k: (*sound(*t, **k)[:-1], sound(*t, **k)[-1].clone()) if len(t) > 2 else sound(*t, **k)


def kept_model_dtype(sound: Any) -> Any:
    """new_tensor of data with a fraction keeps the fraction in an integer's twin."""
    return lambda t, data, **k: (
        sound(t, data, **k) if t.is_floating_point() or k else sound(t, data).float().to(torch.float32)
    )


MUTANTS: list[Mutant] = [
    function("meshgrid", "without indexing takes 'xy'", "meshgrid", named_xy),
    function("meshgrid-views", "copies the last of three grids", "meshgrid", grids_copied),
    function("full-dtype", "cuts a number given as a tensor", "full", truncated_full),
    function("full-dtype", "follows the dtype of a numpy number", "full", numpy_dtype),
    function("arange-length", "counts in single precision", "arange", counted_narrowly),
    function("arange-floats", "of half precision adds up roundings", "arange", half_of),
    function(
        "linspace-even",
        "of one step is the end",
        "linspace",
        lambda sound: lambda start, end, steps, **k: sound(end if steps == 1 else start, end, steps, **k),
    ),
    function(
        "linspace-even",
        "is a rounding off in the middle of an even number of steps",
        "linspace",
        after(
            lambda out, *a, **k: (
                edged(out, out.numel() // 2, lambda v: v * (1 + 2**-7))
                if out.is_floating_point() and out.numel() == 16
                else out
            )
        ),
    ),
    function(
        "linspace-ends",
        "misses the end by a rounding beyond 512 steps",
        "linspace",
        after(
            lambda out, *a, **k: (
                edged(out, -1, lambda v: torch.nextafter(v, v + 1))
                if out.dtype is torch.float64 and out.numel() > 512
                else out
            )
        ),
    ),
    function(
        "logspace-base",
        "takes a base below 1 for its inverse",
        "logspace",
        lambda sound: lambda s, e, n, base=10.0, **k: sound(s, e, n, base=1 / base if 0 < base < 1 else base, **k),
    ),
    function(
        "logspace-base10",
        "of falling exponents rises",
        "logspace",
        lambda sound: lambda s, e, n, *a, **k: sound(min(s, e), max(s, e), n, *a, **k),
    ),
    function(
        "eye-columns",
        "has a one too many below a wide matrix",
        "eye",
        after(
            lambda out, *a, **k: (
                edged(out, -1, lambda v: v * 0 + 1)
                if out.dim() == 2 and out.shape[0] == 17 and out.shape[1] == 33 and out.dtype is not torch.bool
                else out
            )
        ),
    ),
    function("like-layout", "gathers models with a dimension of size 1", "zeros_like", plain_layout),
    method("clone-copies", "gathers models with a dimension of size 1", "clone", plain_layout),
    function(
        "full-like-value",
        "rounds to single precision where the model is strided",
        "full_like",
        lambda sound: (
            lambda t, v=None, **k: (
                sound(
                    t,
                    float(np.float32(v))
                    if strided_model(t) and isinstance(v, float) and t.dtype is torch.float64
                    else v,
                    **k,
                )
                if "fill_value" not in k
                else sound(t, **k)
            )
        ),
    ),
    function("tensor-or-from-numpy", "shares an array whose dtype it is given", "tensor", shared_when_same),
    function("tensor-from-data", "follows the last number of a long list", "tensor", last_number_decides),
    function("tensor-from-data", "turns round the innermost of five lists", "tensor", deep_layers),
    method("new-tensor", "of an integer tensor makes floats", "new_tensor", kept_model_dtype),
    function(
        "empty-strided",
        "makes gaps of what overlaps",
        "empty_strided",
        lambda sound: lambda size, stride, **k: sound(size, [max(s, 1) for s in stride], **k),
    ),
    function(
        "tril-indices",
        "of a far negative offset lists the last row's first column",
        "tril_indices",
        lambda sound: (
            lambda row, col, offset=0, **k: (
                sound(row, col, max(offset, 1 - row), **k) if row and col else sound(row, col, offset, **k)
            )
        ),
    ),
    function(
        "triu-indices",
        "of more rows than columns lists column by column",
        "triu_indices",
        lambda sound: (
            lambda row, col, offset=0, **k: (
                torch.tril_indices(col, row, -offset, **k).flip(0) if row > col > 2 else sound(row, col, offset, **k)
            )
        ),
    ),
    function(
        "complex",
        "forgets the sign of an imaginary zero",
        "complex",
        lambda sound: (
            lambda re, im, **k: (
                sound(re, im + 0, **k) if isinstance(im, Tensor) and im.is_floating_point() else sound(re, im, **k)
            )
        ),
    ),
    function(
        "polar",
        "of a negative length turns by half less",
        "polar",
        lambda sound: (
            lambda r, phi, **k: (
                sound(r.abs(), phi, **k) if isinstance(r, Tensor) and r.is_floating_point() else sound(r, phi, **k)
            )
        ),
    ),
    function(
        "combinations",
        "of more than 16 elements ends one early",
        "combinations",
        after(lambda out, x, *a, **k: out[:-1] if x.numel() > 16 else out),
    ),
    function(
        "cartesian-prod",
        "of many elements varies the first fastest",
        "cartesian_prod",
        lambda sound: (
            lambda *t: sound(*t[::-1]).flip(-1) if len(t) > 1 and math.prod(x.numel() for x in t) > 1000 else sound(*t)
        ),
    ),
    function(
        "vander",
        "of one power is the elements",
        "vander",
        lambda sound: (
            lambda x, N=None, increasing=False: (
                x[:, None].clone()
                if N == 1
                else sound(x, N=N, increasing=increasing)
                if N is not None
                else sound(x, increasing=increasing)
            )
        ),
    ),
    function(
        "as-tensor-alias",
        "detaches a tensor that it converts",
        "as_tensor",
        lambda sound: (
            lambda data, **k: sound(
                data.detach() if isinstance(data, Tensor) and k.get("dtype") not in (None, data.dtype) else data, **k
            )
        ),
    ),
    function("asarray-copy", "shares the numbers of equal lists", "asarray", lambda sound: _remembered(sound)),
    output(
        "creation.clone-copies",
        "clone of a conjugate is not conjugated",
        "clone",
        lambda out, t, **k: out.conj_physical() if t.is_complex() and t.is_conj() else out,
    ),
    patched(
        "creation.sizes",
        "torch.ones of one tensor reads it as data",
        torch,
        "ones",
        lambda sound: (
            lambda *a, **k: (
                sound(*(int(n) + 1 if isinstance(n, Tensor) else n for n in a[0]), **k)
                if len(a) == 1 and isinstance(a[0], list) and a[0] and isinstance(a[0][0], Tensor)
                else sound(*a, **k)
            )
        ),
    ),
    function(
        "empty-memory-format",
        "forgets channels_last where there is one channel",
        "empty",
        after(
            lambda out, *a, **k: (
                torch.zeros(out.shape, dtype=out.dtype, device=out.device)
                if k.get("memory_format") is torch.channels_last and out.shape[1] == 1
                else out
            )
        ),
    ),
]


def _remembered(sound: Any) -> Any:
    made: dict[str, Any] = {}

    def asarray(data: Any, **k: Any) -> Any:
        if isinstance(data, (list, tuple)) and not k.get("requires_grad"):
            return made.setdefault(repr((data, sorted(k.items(), key=str))), sound(data, **k))
        return sound(data, **k)

    return asarray

"""Wrong indexing: square brackets, gather, scatter and masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided

aten = torch.ops.aten
INT = (torch.int64, torch.int32)
Wrap = Callable[..., Any]


def backwards(out: Any) -> Any:
    """The same elements in reverse order (of the first part of an answer)."""
    if isinstance(out, (tuple, list)):
        return type(out)([backwards(out[0]), *out[1:]])
    return aten.flip(out, list(range(out.dim())))


def large(x: Any) -> bool:
    return isinstance(x, torch.Tensor) and x.numel() > 16


def when(condition: Callable[..., bool], wrong: Callable[[Any], Any] = backwards) -> Wrap:
    """A replacement of a function that spoils what it gives for some arguments."""
    return lambda sound: (
        lambda *args, **kwargs: wrong(sound(*args, **kwargs)) if condition(*args) else sound(*args, **kwargs)
    )


def second(wrong: Callable[[Any], Any] = backwards) -> Wrap:
    """A replacement that goes wrong from its second call on."""

    def replacement(sound: Callable[..., Any]) -> Callable[..., Any]:
        calls: list[None] = []

        def call(*args: Any, **kwargs: Any) -> Any:
            calls.append(None)
            out = sound(*args, **kwargs)
            return wrong(out) if len(calls) == 2 else out

        return call

    return replacement


def spoiled(claim: str, name: str, *, method: bool = True) -> list[Mutant]:
    """Three ways in which a function may go wrong that a look at small contiguous input does not show."""
    full = f"indexing.{claim}"
    found = [
        patched(
            full, f"torch.{name} reverses its answer for strided input", torch, name, when(lambda x, *_: strided(x))
        ),
        patched(full, f"torch.{name} is wrong at its second call", torch, name, second()),
    ]
    if method:
        wrong = when(lambda x, *_: large(x) and x.dtype == torch.float64)
        found.append(patched(full, f"Tensor.{name} is wrong for more than 16 float64", torch.Tensor, name, wrong))
    return found


def _with_item(change: Callable[[Any, Any], Any]) -> Wrap:
    return lambda sound: lambda x, index: sound(x, change(x, index))


def _mapped(index: Any, change: Callable[[Any], Any]) -> Any:
    return tuple(map(change, index)) if isinstance(index, tuple) else change(index)


def get(claim: str, name: str, change: Callable[[Any, Any], Any]) -> Mutant:
    """x[index] reads with another index."""
    return patched(f"indexing.{claim}", name, torch.Tensor, "__getitem__", _with_item(change))


def got(
    claim: str, name: str, condition: Callable[[Any, Any], bool], wrong: Callable[[Any], Any] = backwards
) -> Mutant:
    """x[index] gives something else."""
    return patched(f"indexing.{claim}", name, torch.Tensor, "__getitem__", when(condition, wrong))


def wrote(claim: str, name: str, change: Callable[[Any, Any, Any], tuple[Any, Any]]) -> Mutant:
    """x[index] = value writes with another index or another value."""
    wrong: Wrap = lambda sound: lambda x, index, value: sound(x, *change(x, index, value))  # noqa: E731
    return patched(f"indexing.{claim}", name, torch.Tensor, "__setitem__", wrong)


def items(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


def tensors(index: Any) -> int:
    return sum(isinstance(item, torch.Tensor) and item.dim() > 0 for item in items(index))


def _no_error(error: type[Exception], instead: Callable[..., Any]) -> Wrap:
    def replacement(sound: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return sound(*args, **kwargs)
            except error:
                return instead(*args)

        return call

    return replacement


def _other_error(error: type[Exception], raised: type[Exception]) -> Wrap:
    def replacement(sound: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return sound(*args, **kwargs)
            except error as reason:
                raise raised(str(reason)) from None

        return call

    return replacement


def accepts(claim: str, *names: str) -> list[Mutant]:
    """Functions that take what they should refuse."""
    return [
        patched(
            f"indexing.{claim}", f"torch.{name} refuses nothing", torch, name, _no_error(Exception, lambda x, *_: x)
        )
        for name in names
    ]


def _nothing(x: Any, *_: Any) -> Any:
    return aten.clone(x)


GETITEM = [
    get(
        "int-index",
        "-1 is the last but one",
        lambda x, i: -2 if i == -1 and isinstance(i, int) and x.shape[0] > 1 else i,
    ),
    got("int-index", "x[i, j] is wrong for strided x", lambda x, i: strided(x) and isinstance(i, tuple)),
    got("int-index", "x[i] is a copy", lambda x, i: isinstance(i, int), _nothing),
    got(
        "zero-dim-tensor-index",
        "an index tensor without dimensions copies",
        lambda x, i: isinstance(i, torch.Tensor) and i.dim() == 0,
        _nothing,
    ),
    get(
        "zero-dim-tensor-index",
        "a negative one loses its sign",
        lambda x, i: aten.abs(i) if isinstance(i, torch.Tensor) and i.dim() == 0 and i.dtype == torch.int64 else i,
    ),
    get(
        "slice",
        "a step of 3 is taken as 2",
        lambda x, i: _mapped(i, lambda s: slice(s.start, s.stop, 2) if isinstance(s, slice) and s.step == 3 else s),
    ),
    get(
        "slice",
        "a negative end is clipped to 0",
        lambda x, i: slice(i.start, 0, i.step) if isinstance(i, slice) and (i.stop or 0) < -3 else i,
    ),
    output(
        "indexing.slice",
        "slices of strided input begin one too early",
        "slice",
        lambda out, x, *rest: backwards(out) if strided(x) else out,
    ),
    got(
        "int-and-slice",
        "an integer behind a slice reads the wrong way round",
        lambda x, i: isinstance(i, tuple) and len(i) > 1 and isinstance(i[0], slice) and isinstance(i[1], int),
    ),
    get(
        "ellipsis",
        "an Ellipsis at the end is one at the start",
        lambda x, i: (..., *i[:-1]) if isinstance(i, tuple) and len(i) > 1 and i[-1] is ... else i,
    ),
    got("ellipsis", "x[...] is x", lambda x, i: i is ... and strided(x), backwards),
    get(
        "none-adds-axis",
        "None at the end comes first",
        lambda x, i: (
            (None, *i[:-1]) if isinstance(i, tuple) and i[-1] is None and len(i) == 2 and i[0] is not None else i
        ),
    ),
    got("none-adds-axis", "None copies", lambda x, i: i is None, _nothing),
    patched(
        "indexing.bool-scalar",
        "x[True] is a view",
        torch.Tensor,
        "__getitem__",
        lambda sound: lambda x, i: sound(x, None) if i is True else sound(x, i),
    ),
    get("bool-scalar", "x[False] is x[True]", lambda x, i: True if i is False else i),
    get("bool-scalar", "x[True] is x[0]", lambda x, i: 0 if i is True and x.dim() else i),
    got("long-tensor", "an index tensor is wrong for strided x", lambda x, i: tensors(i) == 1 and strided(x)),
    get(
        "long-tensor",
        "negative places lose their sign",
        lambda x, i: _mapped(i, lambda t: aten.abs(t) if isinstance(t, torch.Tensor) and t.dtype == torch.int64 else t),
    ),
    got(
        "long-tensor",
        "x[tensor] has the tensor's dimensions last",
        lambda x, i: isinstance(i, torch.Tensor) and i.dim() == 2,
        lambda out: aten.transpose(out, 0, -1),
    ),
    get(
        "integer-dtypes",
        "an int32 index is read as a mask",
        lambda x, i: aten.to(i, torch.int64) * 0 if isinstance(i, torch.Tensor) and i.dtype == torch.int32 else i,
    ),
    get(
        "bytetensor-index",
        "a uint8 index is one of places",
        lambda x, i: aten.to(i, torch.int64) if isinstance(i, torch.Tensor) and i.dtype == torch.uint8 else i,
    ),
    get(
        "array-index",
        "a numpy array of integers is a mask",
        lambda x, i: (i * 0) if type(i).__name__ == "ndarray" and i.dtype != bool else i,
    ),
    got(
        "zero-size-index",
        "an empty index selects everything",
        lambda x, i: isinstance(i, torch.Tensor) and i.numel() == 0,
        lambda out: out.reshape(-1),
    ),
    get(
        "list-index",
        "a list of truth values is one of places",
        lambda x, i: [int(v) for v in i] if isinstance(i, list) else i,
    ),
    get("list-index", "a list loses its repetitions", lambda x, i: sorted(set(i)) if isinstance(i, list) else i),
    got(
        "mask",
        "a mask reads column by column",
        lambda x, i: isinstance(i, torch.Tensor) and i.dtype == torch.bool and strided(i),
    ),
    get(
        "mask",
        "a mask is inverted",
        lambda x, i: aten.logical_not(i) if isinstance(i, torch.Tensor) and i.dtype == torch.bool else i,
    ),
    got(
        "mask-before-slice",
        "a mask over two dimensions before a slice reads backwards",
        lambda x, i: isinstance(i, tuple) and any(isinstance(t, torch.Tensor) and t.dim() == 2 for t in i),
    ),
    got(
        "mask-and-tensor",
        "a mask beside a tensor reads backwards",
        lambda x, i: isinstance(i, tuple) and any(isinstance(t, torch.Tensor) and t.dtype == torch.bool for t in i),
    ),
    got("several-tensors", "x[i, j] reads backwards", lambda x, i: tensors(i) == 2 and isinstance(i, tuple)),
    get(
        "several-tensors",
        "the third of three index tensors is the second",
        lambda x, i: (*i[:2], i[1] * 0) if tensors(i) == 3 else i,
    ),
    got(
        "indices-broadcast",
        "index tensors that broadcast give the transpose",
        lambda x, i: tensors(i) > 1 and len({t.dim() for t in items(i) if isinstance(t, torch.Tensor)}) > 1,
    ),
    got(
        "tensors-together",
        "the dimensions of neighbouring tensors come first",
        lambda x, i: isinstance(i, tuple) and len(i) > 2 and isinstance(i[0], slice) and tensors(i) == 2,
        lambda out: aten.transpose(out, 0, 1) if out.dim() > 1 else out,
    ),
    got(
        "tensors-apart",
        "the dimensions of parted tensors stay in place",
        lambda x, i: isinstance(i, tuple) and len(i) == 3 and tensors(i) == 2 and i[1] == slice(None),
        lambda out: aten.transpose(out, 0, -1),
    ),
    got(
        "int-between-tensors",
        "an integer counts as an index tensor, as in numpy",
        lambda x, i: isinstance(i, tuple) and tensors(i) == 1 and any(isinstance(t, int) for t in i),
        lambda out: aten.transpose(out, 0, -1) if out.dim() > 1 else out,
    ),
    got(
        "column-slice", "x[:, 1] keeps the dimension", lambda x, i: i == (slice(None), 1), lambda out: out.unsqueeze(1)
    ),
    get("column-slice", "x[:, 1] is x[1]", lambda x, i: 1 if isinstance(i, tuple) and i == (slice(None), 1) else i),
    got(
        "int-index-gives-0dim",
        "x[i, j] is a Python number",
        lambda x, i: isinstance(i, tuple) and len(i) == x.dim(),
        lambda out: out.item(),
    ),
    got("int-index-gives-0dim", "x[i, j] is a copy", lambda x, i: isinstance(i, tuple), _nothing),
    got(
        "basic-shares",
        "a slice of strided input is a copy",
        lambda x, i: strided(x) and isinstance(items(i)[0], slice),
        _nothing,
    ),
    got("basic-shares", "None copies", lambda x, i: isinstance(i, tuple) and None in i, _nothing),
    patched(
        "indexing.advanced-copies",
        "a list of all places gives the tensor itself",
        torch.Tensor,
        "__getitem__",
        lambda sound: (
            lambda x, i: sound(x, slice(None)) if tensors(i) and sound(x, i).shape == x.shape else sound(x, i)
        ),
    ),
    patched(
        "indexing.iteration",
        "iteration gives copies",
        torch.Tensor,
        "__iter__",
        lambda sound: lambda x: iter([part.clone() for part in sound(x)]),
    ),
    patched(
        "indexing.iteration",
        "iteration leaves out the last of 17",
        torch.Tensor,
        "__iter__",
        lambda sound: lambda x: iter(list(sound(x))[: 16 if len(x) == 17 else None]),
    ),
    patched(
        "indexing.list-index-by-0dim-tensor",
        "negative ones lose their sign",
        torch.Tensor,
        "__index__",
        lambda sound: lambda x: abs(sound(x)),
    ),
    patched(
        "indexing.comparison-gives-bool",
        "x > 1 is uint8",
        torch.Tensor,
        "__gt__",
        lambda sound: lambda x, other: sound(x, other).to(torch.uint8),
    ),
    patched(
        "indexing.comparison-gives-bool",
        "x <= 1 leaves out 1",
        torch.Tensor,
        "__le__",
        lambda sound: lambda x, other: aten.lt(x, other),
    ),
    Mutant("indexing.torch-none", "torch has an attribute None", lambda: _attribute("None")),
    Mutant("indexing.non-zero-name", "torch has a function non_zero", lambda: _attribute("non_zero")),
]


class _attribute:
    """torch with one attribute more."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        setattr(torch, self.name, torch.nonzero)

    def __exit__(self, *_: Any) -> None:
        delattr(torch, self.name)


def _refusals(claim: str, error: type[Exception], raised: type[Exception]) -> list[Mutant]:
    full = f"indexing.{claim}"
    return [
        patched(full, f"x[…] raises {raised.__name__}", torch.Tensor, "__getitem__", _other_error(error, raised)),
        patched(full, "x[…] refuses nothing", torch.Tensor, "__getitem__", _no_error(error, lambda x, i: x)),
        patched(full, "x[…] = value refuses nothing", torch.Tensor, "__setitem__", _no_error(error, lambda *_: None)),
    ]


def _unclipped(sound: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, i, v: sound(x, slice(None) if isinstance(i, slice) and i.stop is None and i.start == -5 else i, v)


def _slow(x: Any, i: Any, v: Any) -> tuple[Any, Any]:
    return (i, backwards(v)) if isinstance(v, torch.Tensor) and strided(v) else (i, v)


SETITEM = [
    wrote("write-int", "x[-1] writes to the first", lambda x, i, v: (0 if i == -1 and isinstance(i, int) else i, v)),
    wrote("write-int", "a strided value is written backwards", _slow),
    wrote(
        "write-slice",
        "a step is ignored",
        lambda x, i, v: (slice(i.start, i.stop) if isinstance(i, slice) and not isinstance(v, torch.Tensor) else i, v),
    ),
    patched("indexing.write-slice", "x[-5:] = value writes to all of x", torch.Tensor, "__setitem__", _unclipped),
    wrote(
        "write-slice",
        "a value with a leading 1 is written backwards",
        lambda x, i, v: (i, backwards(v) if isinstance(v, torch.Tensor) and v.dim() > x.dim() else v),
    ),
    wrote("write-bool-scalar", "x[False] writes", lambda x, i, v: (True if i is False else i, v)),
    wrote(
        "write-tensor",
        "a value is written backwards to strided x",
        lambda x, i, v: (i, backwards(v) if isinstance(v, torch.Tensor) and strided(x) and tensors(i) else v),
    ),
    wrote(
        "write-tensor",
        "negative places lose their sign",
        lambda x, i, v: (
            _mapped(i, lambda t: aten.abs(t) if isinstance(t, torch.Tensor) and t.dtype == torch.int64 else t),
            v,
        ),
    ),
    wrote(
        "write-mask",
        "the mask is inverted for a number",
        lambda x, i, v: (
            aten.logical_not(i)
            if isinstance(i, torch.Tensor) and i.dtype == torch.bool and not isinstance(v, torch.Tensor)
            else i,
            v,
        ),
    ),
    output(
        "indexing.write-mask",
        "index_put_ of more than 16 elements zeroes the first",
        "index_put_",
        lambda out, x, *rest: aten.fill_(aten.select(aten.reshape(x, [-1]), 0, 0), 0) if x.numel() > 16 else out,
    ),
    wrote(
        "write-mixture",
        "two parted tensors write backwards",
        lambda x, i, v: (i, backwards(v) if tensors(i) > 1 and isinstance(v, torch.Tensor) else v),
    ),
    wrote(
        "write-converts",
        "floats are rounded, not cut off, for integers",
        lambda x, i, v: (
            i,
            aten.round(v) if isinstance(v, torch.Tensor) and v.is_floating_point() and not x.is_floating_point() else v,
        ),
    ),
    patched(
        "indexing.write-dtype",
        "any dtype is taken",
        torch.Tensor,
        "__setitem__",
        _no_error(RuntimeError, lambda *_: None),
    ),
    kernel(
        "indexing.write-duplicates",
        "what is written to one place adds up",
        "index_put_",
        lambda func, x, i, v, *rest: func(x, i, v, True),
    ),
    kernel(
        "indexing.write-augmented", "index_put_ adds", "index_put_", lambda func, x, i, v, *rest: func(x, i, v, True)
    ),
    wrote(
        "write-self",
        "a part of x is written backwards",
        lambda x, i, v: (i, backwards(v) if isinstance(v, torch.Tensor) and v.dim() else v),
    ),
    patched(
        "indexing.write-shape",
        "any shape is taken",
        torch.Tensor,
        "__setitem__",
        _no_error((RuntimeError, IndexError, ValueError), lambda *_: None),
    ),
    wrote(
        "write-large",
        "only 32768 elements are written through an index tensor",
        lambda x, i, v: (
            (i[:30000], v[:30000])
            if isinstance(i, torch.Tensor) and i.dtype == torch.int64 and len(i) > 30000
            else (i, v)
        ),
    ),
    *_refusals("index-out-of-range", IndexError, RuntimeError),
    *_refusals("tensor-index-out-of-range", IndexError, RuntimeError),
    *_refusals("too-many-indices", IndexError, RuntimeError),
    *_refusals("mask-shape", IndexError, ValueError),
    *_refusals("negative-step", ValueError, IndexError),
    *_refusals("indices-that-do-not-broadcast", IndexError, RuntimeError),
    *_refusals("float-index", (IndexError, TypeError), ValueError),
]


MUTANTS: list[Mutant] = [*GETITEM, *SETITEM]

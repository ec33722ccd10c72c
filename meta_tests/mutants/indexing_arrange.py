"""Wrong joining, splitting, repeating, flipping, sorting and counting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided
from meta_tests.mutants.indexing import aten, backwards, large, spoiled, when


def _list(name: str, claim: str) -> list[Mutant]:
    """A function of a list of tensors that goes wrong for strided parts, or for the third one."""
    full = f"indexing.{claim}"
    return [
        patched(
            full, f"torch.{name} of strided parts is reversed", torch, name, when(lambda parts, *_: strided(parts[0]))
        ),
        patched(
            full,
            f"torch.{name} forgets out=",
            torch,
            name,
            lambda sound: lambda *args, out=None, **kw: sound(*args, **kw),
        ),
        patched(
            full,
            f"torch.{name} of two parts swaps them",
            torch,
            name,
            lambda sound: (
                lambda tensors, *args, **kw: sound(tensors[::-1] if len(tensors) == 2 else tensors, *args, **kw)
            ),
        ),
    ]


def _pieces(name: str, claim: str) -> list[Mutant]:
    full = f"indexing.{claim}"
    copies: Callable[[Any], Any] = lambda out: tuple(aten.clone(part) for part in out)  # noqa: E731
    return [
        patched(full, f"torch.{name} copies", torch, name, when(lambda x, *_: True, copies)),
        patched(
            full,
            f"Tensor.{name} of strided input is reversed",
            torch.Tensor,
            name,
            when(lambda x, *_: strided(x), lambda out: out[::-1]),
        ),
        patched(
            full,
            f"torch.{name} leaves out the last piece",
            torch,
            name,
            when(lambda x, *_: large(x), lambda out: out[:-1]),
        ),
    ]


def _view(name: str, claim: str) -> list[Mutant]:
    full = f"indexing.{claim}"
    return [
        patched(full, f"torch.{name} copies strided input", torch, name, when(lambda x, *_: strided(x), aten.clone)),
        patched(full, f"Tensor.{name} is reversed", torch.Tensor, name, when(lambda x, *_: large(x))),
        patched(full, f"torch.{name} copies", torch, name, when(lambda x, *_: True, aten.clone)),
    ]


def _unstable(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Ties of long lines in reverse: sort the reversed input and turn the places round."""
    if x.dim() != 1 or x.numel() <= 16:
        return func(x, *args, **kwargs)
    values, places = func(aten.flip(x, [0]), *args, **kwargs)
    return values, x.numel() - 1 - places


JOINING: list[Mutant] = [
    *_list("cat", "cat-along-dim"),
    *_list("concat", "cat-other-names"),
    *_list("stack", "stack"),
    *_list("hstack", "hstack"),
    *_list("vstack", "vstack"),
    *_list("dstack", "dstack"),
    *_list("column_stack", "column-stack"),
    kernel(
        "indexing.cat-along-dim",
        "a negative dim counts from the front",
        "cat",
        lambda func, parts, dim=0, **kw: func(parts, -dim if dim < 0 and parts[0].dim() == 3 else dim, **kw),
    ),
    output(
        "indexing.cat-along-dim",
        "what lies beyond 32768 elements comes backwards",
        "cat",
        lambda out, *rest, **kw: backwards(out) if out.numel() > 32768 else out,
    ),
    patched(
        "indexing.cat-keywords",
        "dimension= is taken",
        torch,
        "cat",
        lambda sound: (
            lambda tensors=None, dim=0, dimension=None, **kw: sound(
                tensors, dim if dimension is None else dimension, **kw
            )
        ),
    ),
    patched(
        "indexing.cat-keywords",
        "inputs= is taken",
        torch,
        "cat",
        lambda sound: lambda *args, inputs=None, **kw: sound(*args, **kw) if inputs is None else sound(inputs, **kw),
    ),
    output(
        "indexing.cat-promotes",
        "the dtype is that of the first part",
        "cat",
        lambda out, parts, *rest, **kw: aten.to(out, parts[0].dtype),
    ),
    patched(
        "indexing.cat-mismatch",
        "parts that do not fit are cut",
        torch,
        "cat",
        lambda sound: (
            lambda parts, *args, **kw: sound(parts, *args, **kw) if len({p.dim() for p in parts}) == 1 else parts[0]
        ),
    ),
    patched(
        "indexing.cat-mismatch",
        "nothing joins to nothing",
        torch,
        "cat",
        lambda sound: lambda parts, *args, **kw: sound(parts, *args, **kw) if len(parts) else torch.zeros(0),
    ),
    patched(
        "indexing.stack",
        "stack is cat",
        torch,
        "stack",
        lambda sound: lambda tensors, dim=0, **kw: torch.cat(tensors, dim, **kw),
    ),
    patched(
        "indexing.stack",
        "seq= is taken",
        torch,
        "stack",
        lambda sound: lambda tensors=None, dim=0, seq=None, **kw: sound(tensors or seq, dim, **kw),
    ),
    patched(
        "indexing.stack-out",
        "out= is ignored",
        torch,
        "stack",
        lambda sound: lambda *args, out=None, **kw: sound(*args, **kw),
    ),
    patched(
        "indexing.stack-out",
        "out= is filled, and a copy returned",
        torch,
        "stack",
        lambda sound: lambda *args, **kw: sound(*args, **kw).clone(),
    ),
    patched(
        "indexing.stack-mismatch",
        "shapes are broadcast",
        torch,
        "stack",
        lambda sound: (
            lambda tensors, *args, **kw: sound(torch.broadcast_tensors(*tensors) if tensors else tensors, *args, **kw)
        ),
    ),
]


SPLITTING: list[Mutant] = [
    *_pieces("chunk", "chunk-count"),
    *_pieces("split", "split"),
    *_pieces("tensor_split", "tensor-split"),
    *_pieces("hsplit", "hsplit"),
    *_pieces("vsplit", "vsplit"),
    *_pieces("dsplit", "dsplit"),
    *_pieces("unbind", "unbind"),
    *_view("narrow", "narrow"),
    *_view("select", "select"),
    *_view("diagonal", "diagonal"),
    patched(
        "indexing.chunk-count",
        "there are always as many pieces as asked for",
        torch,
        "chunk",
        lambda sound: lambda x, chunks, dim=0, **kw: torch.tensor_split(x, chunks, dim),
    ),
    patched(
        "indexing.chunk-count",
        "chunk gives a list",
        torch,
        "chunk",
        lambda sound: lambda *args, **kw: list(sound(*args, **kw)),
    ),
    patched(
        "indexing.narrow",
        "length is the end",
        torch,
        "narrow",
        lambda sound: (
            lambda input, dim, start, length: (
                sound(input, dim, start, max(length - start, 0))
                if isinstance(start, int) and start == 1
                else sound(input, dim, start, length)
            )
        ),
    ),
    patched(
        "indexing.narrow",
        "a start given as a tensor counts one less",
        torch,
        "narrow",
        lambda sound: (
            lambda input, dim, start, length: sound(input, dim, 0 if isinstance(start, torch.Tensor) else start, length)
        ),
    ),
    patched(
        "indexing.narrow-keyword",
        "dimension= is taken",
        torch,
        "narrow",
        lambda sound: lambda input, dim=0, start=0, length=0, dimension=None: sound(input, dim, start, length),
    ),
    *spoiled("narrow-copy", "narrow_copy"),
    patched(
        "indexing.narrow-copy",
        "narrow_copy is a view",
        torch.Tensor,
        "narrow_copy",
        lambda sound: lambda x, *args: x.narrow(*args),
    ),
]


ARRANGING: list[Mutant] = [
    *spoiled("select-scatter", "select_scatter"),
    *spoiled("slice-scatter", "slice_scatter"),
    *spoiled("diagonal-scatter", "diagonal_scatter"),
    *spoiled("tile", "tile"),
    *spoiled("repeat-interleave", "repeat_interleave"),
    *spoiled("flip", "flip"),
    *spoiled("flip-left-right", "fliplr"),
    *spoiled("flip-up-down", "flipud"),
    *spoiled("roll", "roll"),
    *spoiled("rot90", "rot90"),
    *spoiled("triangles", "tril"),
    *spoiled("triangles", "triu"),
    *spoiled("diag-embed", "diag_embed"),
    *spoiled("block-diag", "block_diag", method=False),
    *spoiled("cartesian-prod", "cartesian_prod", method=False),
    *spoiled("combinations", "combinations", method=False),
    *spoiled("where", "where", method=False),
    kernel(
        "indexing.where",
        "the two values are swapped for strided conditions",
        "where.self",
        lambda func, c, a, b: func(c, b, a) if strided(c) else func(c, a, b),
    ),
    patched(
        "indexing.where",
        "Tensor.where swaps its arguments",
        torch.Tensor,
        "where",
        lambda sound: lambda x, c, y: sound(y, c, x) if x.dtype == torch.float64 else sound(x, c, y),
    ),
    output(
        "indexing.where-promotes",
        "numbers become float64",
        "where.self",
        lambda out, c, a, b: aten.to(out, torch.float64) if a.dim() == 0 or b.dim() == 0 else out,
    ),
    kernel(
        "indexing.where-promotes",
        "the dtype is that of the first value",
        "where.self",
        lambda func, c, a, b: aten.to(func(c, a, b), a.dtype),
    ),
    kernel(
        "indexing.where-unselected",
        "where is worked out by arithmetic",
        "where.self",
        lambda func, c, a, b: a * c + b * ~c,
    ),
    kernel(
        "indexing.repeat",
        "repeat repeats element by element",
        "repeat",
        lambda func, x, sizes: backwards(func(x, sizes)) if strided(x) else func(x, sizes),
    ),
    patched(
        "indexing.repeat",
        "repeat of ones gives a view",
        torch.Tensor,
        "repeat",
        lambda sound: lambda x, *sizes: x.view(x.shape) if sizes == (1, 1) else sound(x, *sizes),
    ),
    patched(
        "indexing.repeat",
        "a list of sizes is read backwards",
        torch.Tensor,
        "repeat",
        lambda sound: lambda x, *sizes: sound(x, *sizes[0][::-1]) if isinstance(sizes[0], list) else sound(x, *sizes),
    ),
    kernel(
        "indexing.flip",
        "a negative dimension is passed over",
        "flip",
        lambda func, x, dims: func(x, [d for d in dims if d >= 0]),
    ),
    kernel(
        "indexing.roll",
        "shifts beyond the size do nothing",
        "roll",
        lambda func, x, shifts, dims=(): func(x, shifts, dims) if all(abs(s) < 20 for s in shifts) else aten.clone(x),
    ),
    kernel(
        "indexing.rot90",
        "three quarters are one",
        "rot90",
        lambda func, x, k=1, dims=(0, 1): func(x, 1 if k % 4 == 3 else k, dims),
    ),
    kernel(
        "indexing.rot90",
        "negative quarters turn the other way",
        "rot90",
        lambda func, x, k=1, dims=(0, 1): func(x, abs(k), dims),
    ),
    kernel(
        "indexing.triangles",
        "the diagonal is left out of strided input",
        "tril tril_",
        lambda func, x, diagonal=0, **kw: func(x, diagonal - 1 if strided(x) else diagonal, **kw),
    ),
    kernel(
        "indexing.triangles",
        "triu_ of strided batches writes the lower one",
        "triu_",
        lambda func, x, diagonal=0: aten.tril_(x, diagonal) if strided(x) and x.dim() > 2 else func(x, diagonal),
    ),
    kernel(
        "indexing.diag-embed",
        "a negative offset is read as a positive one",
        "diag_embed",
        lambda func, x, offset=0, dim1=-2, dim2=-1: func(x, abs(offset), dim1, dim2),
    ),
    patched(
        "indexing.repeat-interleave",
        "counts of 0 are 1",
        torch,
        "repeat_interleave",
        lambda sound: (
            lambda x, repeats=None, *args, **kw: (
                sound(
                    x,
                    repeats.clamp(min=1) if isinstance(repeats, torch.Tensor) and repeats.numel() > 1 else repeats,
                    *args,
                    **kw,
                )
                if repeats is not None
                else sound(x, **kw)
            )
        ),
    ),
    patched(
        "indexing.copies-share-nothing",
        "roll by nothing gives its input",
        torch.Tensor,
        "roll",
        lambda sound: lambda x, shifts, dims=None: x if shifts == 4 else sound(x, shifts, dims),
    ),
    patched(
        "indexing.copies-share-nothing",
        "flip of no dimension gives its input",
        torch,
        "flip",
        lambda sound: lambda x, dims: x.view(x.shape) if not dims and x.is_contiguous() else sound(x, dims),
    ),
    patched(
        "indexing.copies-share-nothing",
        "cat of one tensor is that tensor",
        torch,
        "cat",
        lambda sound: lambda parts, *args, **kw: parts[0] if len(parts) == 1 else sound(parts, *args, **kw),
    ),
    output(
        "indexing.every-dtype",
        "negative zeros lose their sign",
        "cat flip roll",
        lambda out, *rest, **kw: out + 0 if out.dtype == torch.float64 else out,
    ),
    output(
        "indexing.every-dtype",
        "NaN of float16 becomes 0",
        "flip",
        lambda out, *rest: aten.nan_to_num(out) if out.dtype == torch.float16 else out,
    ),
]


def _counted(sound: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        out = sound(x, *args, **kwargs)
        return (*out[:-1], out[-1] * 0 + 1) if kwargs.get("return_counts") else out

    return call


def _right(sound: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, right=False, side=None, **kw: (
        sound(*args, right=not right, **kw) if strided(args[0]) else sound(*args, right=right or side == "right", **kw)
    )


ORDER: list[Mutant] = [
    *spoiled("argsort", "argsort"),
    *spoiled("msort", "msort"),
    kernel("indexing.sort-stable", "long lines are not stable", "sort.stable", _unstable),
    kernel(
        "indexing.sort-stable",
        "descending order reverses ties",
        "sort.stable",
        lambda func, x, *, stable=None, dim=-1, descending=False: (
            func(x, stable=stable, dim=dim, descending=descending)
            if not descending
            else tuple(aten.flip(part, [dim]) for part in func(x, stable=stable, dim=dim))
            if x.dim()
            else func(x, stable=True)
        ),
    ),
    kernel(
        "indexing.sort-stable",
        "NaN comes first",
        "sort.stable",
        lambda func, x, **kw: func(aten.nan_to_num(x, float("-inf")) if x.is_floating_point() else x, **kw),
    ),
    kernel(
        "indexing.argsort",
        "descending is ignored for strided input",
        "sort.stable sort",
        lambda func, x, *args, **kw: (
            func(x, *args, **{**kw, "descending": False}) if strided(x) and not args else func(x, *args, **kw)
        ),
    ),
    kernel(
        "indexing.kthvalue",
        "k is counted from 0",
        "kthvalue",
        lambda func, x, k, *rest, **kw: func(x, k + 1 if k == 2 else k, *rest, **kw),
    ),
    kernel(
        "indexing.kthvalue",
        "the index points at the last element for more than 16",
        "kthvalue",
        lambda func, x, *rest, **kw: (
            func(x, *rest, **kw) if not large(x) else (lambda out: (out[0], out[1] * 0))(func(x, *rest, **kw))
        ),
    ),
    kernel(
        "indexing.kthvalue",
        "keepdim is ignored",
        "kthvalue",
        lambda func, x, k, dim=-1, keepdim=False, **kw: func(x, k, dim, False, **kw),
    ),
    patched("indexing.unique", "counts are ones", torch, "unique", _counted),
    output(
        "indexing.unique",
        "the values descend for more than 16",
        "_unique2",
        lambda out, x, *rest: (backwards(out[0]), *out[1:]) if large(x) else out,
    ),
    output(
        "indexing.unique",
        "the inverse of strided input is transposed",
        "_unique2",
        lambda out, x, *rest: (out[0], backwards(out[1]), out[2]) if strided(x) and out[1].numel() else out,
    ),
    patched(
        "indexing.unique-consecutive",
        "values are sorted first",
        torch,
        "unique_consecutive",
        lambda sound: lambda x, *args, **kw: sound(x.flatten().sort()[0].reshape(x.shape), *args, **kw),
    ),
    patched("indexing.unique-consecutive", "counts are ones", torch, "unique_consecutive", _counted),
    output(
        "indexing.unique-dim",
        "slices are compared by their first element",
        "unique_dim",
        lambda out, x, dim, *rest: (backwards(out[0]), *out[1:]),
    ),
    output(
        "indexing.unique-dim",
        "a negative dim gives the wrong inverse",
        "unique_dim unique_consecutive",
        lambda out, x, *rest: (out[0], out[1] * 0, *out[2:]) if strided(x) else out,
    ),
    patched(
        "indexing.unique-unsorted",
        "a value is lost",
        torch,
        "unique",
        lambda sound: (
            lambda x, sorted=True, **kw: sound(
                x.flatten()[1:] if not sorted and x.numel() > 99 else x, sorted=sorted, **kw
            )
        ),
    ),
    patched("indexing.searchsorted", "right is turned round for strided edges", torch, "searchsorted", _right),
    patched(
        "indexing.searchsorted",
        "out_int32 is ignored",
        torch,
        "searchsorted",
        lambda sound: lambda *args, out_int32=False, **kw: sound(*args, **kw),
    ),
    patched(
        "indexing.searchsorted",
        "the sorter is ignored",
        torch,
        "searchsorted",
        lambda sound: lambda *args, sorter=None, **kw: sound(*args, **kw),
    ),
    patched(
        "indexing.bucketize",
        "right is ignored",
        torch,
        "bucketize",
        lambda sound: lambda *args, right=False, **kw: sound(*args, **kw),
    ),
    patched(
        "indexing.bucketize", "NaN and what is strided go first", torch, "bucketize", when(lambda x, *_: strided(x))
    ),
    patched(
        "indexing.histc",
        "the largest element is left out",
        torch,
        "histc",
        lambda sound: (
            lambda x, bins=100, min=0, max=0, **kw: sound(
                x if (min, max) != (0, 0) or not x.numel() else x[x < x.max()],
                bins,
                min or x.min().item(),
                max or x.max().item(),
                **kw,
            )
        ),
    ),
    patched(
        "indexing.histc",
        "max is ignored",
        torch.Tensor,
        "histc",
        lambda sound: lambda x, bins=100, min=0, max=0: sound(x, bins, min, 0 if min == 0 else max),
    ),
    patched(
        "indexing.histogram",
        "density is ignored",
        torch,
        "histogram",
        lambda sound: lambda *args, density=False, **kw: sound(*args, **kw),
    ),
    patched(
        "indexing.histogram",
        "weights are ignored by the method",
        torch.Tensor,
        "histogram",
        lambda sound: lambda *args, weight=None, **kw: sound(*args, **kw),
    ),
    patched(
        "indexing.bincount",
        "minlength is ignored",
        torch,
        "bincount",
        lambda sound: lambda x, weights=None, minlength=0: sound(x, weights),
    ),
    patched(
        "indexing.bincount",
        "weights are ignored by the method",
        torch.Tensor,
        "bincount",
        lambda sound: lambda x, weights=None, minlength=0: sound(x, None, minlength),
    ),
    patched(
        "indexing.isin",
        "invert is ignored for numbers of more than 16",
        torch,
        "isin",
        lambda sound: (
            lambda elements, test_elements, invert=False, **kw: sound(
                elements, test_elements, invert=invert and not large(elements), **kw
            )
        ),
    ),
    patched(
        "indexing.isin",
        "among many, the last is forgotten",
        torch,
        "isin",
        lambda sound: (
            lambda elements, test_elements, **kw: sound(
                elements,
                test_elements[:-1]
                if isinstance(test_elements, torch.Tensor) and test_elements.dim() == 1
                else test_elements,
                **kw,
            )
        ),
    ),
    patched(
        "indexing.isin-nan",
        "NaN is among NaN",
        torch,
        "isin",
        lambda sound: (
            lambda elements, test_elements, **kw: (
                sound(elements, test_elements, **kw) | (elements.isnan() & test_elements.isnan().any())
                if elements.is_floating_point()
                else sound(elements, test_elements, **kw)
            )
        ),
    ),
    patched(
        "indexing.isin-strided",
        "strided test elements read backwards",
        torch,
        "isin",
        lambda sound: (
            lambda elements, test_elements, **kw: sound(
                elements, test_elements.ravel() + int(strided(test_elements)), **kw
            )
        ),
    ),
]


MUTANTS: list[Mutant] = [*JOINING, *SPLITTING, *ARRANGING, *ORDER]

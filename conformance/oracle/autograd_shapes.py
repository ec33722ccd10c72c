"""Differentiable functions that only move elements: views, joins, splits, repetitions, indexing. One row a function."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.oracle.autograd import Derivative, apart
from conformance.oracle.autograd_arrays import scattered, windows, with_rows

Row = Derivative
REALS = apart(2.0, 3, 7)
OTHERS = apart(1.5, 3, 7, seed=1)
CUBE = apart(2.0, 2, 3, 4)
LINE = apart(2.0, 18)
SQUARE = apart(2.0, 4, 4)
PICTURE = apart(2.0, 1, 2, 3, 3)
AGAIN = [2, 0, 2, 2]
DUPLICATES = np.array([[0, 1, 1, 0], [2, 2, 2, 2], [0, 0, 1, 2]])


def updated(x: np.ndarray, place: Any, value: Any, *, add: bool = False) -> np.ndarray:
    """A copy of x with the elements at a place replaced, or added to."""
    found = x.copy()
    found[place] = found[place] + value if add else value
    return found


def embedded(x: np.ndarray) -> np.ndarray:
    """Each row as the diagonal of a matrix."""
    return x[..., None] * np.eye(x.shape[-1], dtype=x.dtype)


VIEWS = [
    Row(
        "view",
        (
            "x.reshape(7, 3)",
            "torch.reshape(x, (-1, 3))",
            "x.contiguous().view(7, 3)",
            "x.contiguous().view_as(torch.empty(7, 3))",
        ),
        lambda x: x.reshape(7, 3),
        (REALS,),
    ),
    Row("flatten", ("x.flatten()", "torch.flatten(x)", "x.ravel()", "x.reshape(-1)"), lambda x: x.reshape(-1), (CUBE,)),
    Row("flatten_some", ("x.flatten(1)", "torch.flatten(x, 1, 2)"), lambda x: x.reshape(2, 12), (CUBE,)),
    Row("unflatten", ("x.unflatten(1, (2, 2))", "x.unflatten(-1, (2, -1))"), lambda x: x.reshape(4, 2, 2), (SQUARE,)),
    Row("squeeze", ("x[None].squeeze()", "x.unsqueeze(0).squeeze(0)", "x[:, None].squeeze(1)"), lambda x: x, (REALS,)),
    Row("unsqueeze", ("x.unsqueeze(1)", "x[:, None]", "torch.unsqueeze(x, -2)"), lambda x: x[:, None], (REALS,)),
    Row(
        "transpose",
        ("x.t()", "x.T", "x.transpose(0, 1)", "x.swapaxes(0, 1)", "x.mT", "torch.permute(x, (1, 0))", "x.clone().t_()"),
        lambda x: x.T,
        (REALS,),
    ),
    Row(
        "permute",
        ("x.permute(2, 0, 1)", "torch.permute(x, (2, 0, 1))", "x.movedim(2, 0)", "torch.moveaxis(x, -1, 0)"),
        lambda x: x.transpose(2, 0, 1),
        (CUBE,),
    ),
    Row("contiguous", ("x.t().contiguous().t() + 0", "x.contiguous() + 0"), lambda x: x, (REALS,)),
    Row("diagonal", ("torch.diagonal(x)", "x.diagonal()", "torch.diag(x)"), lambda x: np.diagonal(x), (SQUARE,)),
    Row(
        "diagonal_off",
        ("x.diagonal(1)", "torch.diagonal(x, offset=1)", "torch.diag(x, 1)"),
        lambda x: np.diagonal(x, 1),
        (SQUARE,),
    ),
    Row("diagonal_dims", ("x.diagonal(0, 0, 2)",), lambda x: np.diagonal(x, 0, 0, 2), (CUBE,)),
    Row(
        "narrow",
        ("x.narrow(1, 2, 3)", "torch.narrow(x, -1, 2, 3)", "x[:, 2:5]", "x[..., 2:-2]"),
        lambda x: x[:, 2:5],
        (REALS,),
    ),
    Row("select", ("x.select(1, 2)", "x[:, 2]", "x[:, -5]", "torch.select(x, -1, 2)"), lambda x: x[:, 2], (REALS,)),
    Row("stepped", ("x[::2, 1::3]", "x[0:3:2, 1:7:3]"), lambda x: x[::2, 1::3], (REALS,)),
    Row("unfold", ("x.unfold(1, 3, 2)", "x.unfold(-1, 3, 2)"), lambda x: windows(x, 3, 2), (REALS,)),
    Row("unfold_overlapping", ("x.unfold(0, 5, 1)",), lambda x: windows(x, 5, 1), (LINE,)),
    Row(
        "as_strided",
        ("torch.as_strided(x.contiguous(), (2, 3), (3, 2), 1)",),
        lambda x: x.ravel()[np.array([[1, 3, 5], [4, 6, 8]])],
        (REALS,),
    ),
    Row(
        "expand",
        (
            "x[:, :1].expand(3, 4)",
            "x[:, :1].broadcast_to(3, 4)",
            "x[:, :1].expand(-1, 4)",
            "torch.broadcast_to(x[:, :1], (3, 4))",
            "x[:, :1].expand_as(torch.empty(3, 4))",
        ),
        lambda x: np.broadcast_to(x[:, :1], (3, 4)) + 0,
        (REALS,),
    ),
    Row("expand_new", ("x.expand(2, 3, 7)", "x[None].expand(2, -1, -1)"), lambda x: np.stack([x, x]), (REALS,)),
    Row(
        "split",
        ("torch.split(x, 3, 1)", "x.split([3, 3, 1], 1)", "torch.tensor_split(x, (3, 6), 1)", "x.hsplit((3, 6))"),
        lambda x: (x[:, :3], x[:, 3:6], x[:, 6:]),
        (REALS,),
    ),
    Row("chunk", ("torch.chunk(x, 2, 1)", "x.chunk(2, -1)"), lambda x: (x[:, :4], x[:, 4:]), (REALS,)),
    Row("unbind", ("torch.unbind(x)", "x.unbind(0)", "tuple(x)", "(x[0], x[1], x[2])"), lambda x: tuple(x), (REALS,)),
    Row("unbind_last", ("x[:, :2].unbind(-1)",), lambda x: (x[:, 0], x[:, 1]), (REALS,)),
    Row("one_of_split", ("torch.split(x, 3, 1)[1]", "x.chunk(3, 1)[1]"), lambda x: x[:, 3:6], (REALS,)),
    Row(
        "pixel_shuffle",
        ("F.pixel_shuffle(x, 2)",),
        lambda x: x.reshape(2, 2, 2, 3, 3).transpose(0, 3, 1, 4, 2).reshape(2, 6, 6),
        (apart(2.0, 8, 3, 3),),
    ),
]

JOINS = [
    Row(
        "cat",
        ("torch.cat((x, y))", "torch.cat([x, y], 0)", "torch.vstack((x, y))", "torch.concat((x, y))"),
        lambda x, y: np.concatenate((x, y)),
        (REALS, OTHERS),
    ),
    Row(
        "cat_last",
        ("torch.cat((x, y), 1)", "torch.cat((x, y), -1)", "torch.hstack((x, y))"),
        lambda x, y: np.hstack((x, y)),
        (REALS, OTHERS),
    ),
    Row("cat_uneven", ("torch.cat((x, y[:, :2], x), 1)",), lambda x, y: np.hstack((x, y[:, :2], x)), (REALS, OTHERS)),
    Row("stack", ("torch.stack((x, y))", "torch.stack([x, y], -3)"), lambda x, y: np.stack((x, y)), (REALS, OTHERS)),
    Row(
        "stack_last",
        ("torch.stack((x, y), -1)", "torch.dstack((x, y))"),
        lambda x, y: np.stack((x, y), -1),
        (REALS, OTHERS),
    ),
    Row(
        "column_stack",
        ("torch.column_stack((x[:, 0], y))",),
        lambda x, y: np.column_stack((x[:, 0], y)),
        (REALS, OTHERS),
    ),
    Row(
        "block_diag",
        ("torch.block_diag(x, y[:2])",),
        lambda x, y: np.block([[x, np.zeros((3, 7))], [np.zeros((2, 7)), y[:2]]]),
        (REALS, OTHERS),
    ),
    Row(
        "meshgrid",
        ("torch.meshgrid(x[0], y[0], indexing='ij')",),
        lambda x, y: np.meshgrid(x[0], y[0], indexing="ij"),
        (REALS, OTHERS),
    ),
    Row(
        "cartesian_prod",
        ("torch.cartesian_prod(x[0], y[:, 0])",),
        lambda x, y: np.stack([np.repeat(x[0], 3), np.tile(y[:, 0], 7)], 1),
        (REALS, OTHERS),
    ),
    Row(
        "repeat", ("x.repeat(2, 3)", "torch.tile(x, (2, 3))", "x.tile((2, 3))"), lambda x: np.tile(x, (2, 3)), (REALS,)
    ),
    Row("repeat_new", ("x.repeat(2, 1, 1)",), lambda x: np.stack([x, x]), (REALS,)),
    Row(
        "repeat_interleave",
        ("torch.repeat_interleave(x, 2, 1)", "x.repeat_interleave(2, -1)"),
        lambda x: np.repeat(x, 2, 1),
        (REALS,),
    ),
    Row(
        "repeat_interleave_counts",
        ("x.repeat_interleave(torch.tensor([2, 0, 3], device=x.device), 0)",),
        lambda x: np.repeat(x, [2, 0, 3], 0),
        (REALS,),
    ),
    Row(
        "pad",
        ("F.pad(x, (1, 2), value=3.0)", "F.pad(x, (1, 2, 0, 0), value=3.0)"),
        lambda x: np.pad(x, ((0, 0), (1, 2)), constant_values=3),
        (REALS,),
    ),
    Row("pad_crop", ("F.pad(x, (-1, 2))",), lambda x: np.pad(x[:, 1:], ((0, 0), (0, 2))), (REALS,)),
    Row(
        "pad_reflect",
        ("F.pad(x, (2, 1), mode='reflect')",),
        lambda x: np.pad(x, ((0, 0), (2, 1)), mode="reflect"),
        (REALS,),
    ),
    Row(
        "pad_replicate",
        ("F.pad(x, (2, 1), mode='replicate')",),
        lambda x: np.pad(x, ((0, 0), (2, 1)), mode="edge"),
        (REALS,),
    ),
    Row(
        "pad_circular",
        ("F.pad(x[None], (2, 1), mode='circular')[0]",),
        lambda x: np.pad(x, ((0, 0), (2, 1)), mode="wrap"),
        (REALS,),
    ),
    Row("flip", ("x.flip(0, 1)", "torch.flip(x, (0, -1))", "x.fliplr().flipud()"), lambda x: x[::-1, ::-1], (REALS,)),
    Row("flip_one", ("x.flip(1)", "torch.fliplr(x)"), lambda x: x[:, ::-1], (REALS,)),
    Row("rot90", ("torch.rot90(x)", "x.rot90(1, (0, 1))"), lambda x: np.rot90(x), (REALS,)),
    Row("roll", ("torch.roll(x, 2, 1)", "x.roll((2,), (-1,))"), lambda x: np.roll(x, 2, 1), (REALS,)),
    Row("roll_flat", ("torch.roll(x, 5)",), lambda x: np.roll(x, 5), (REALS,)),
    Row("tril", ("torch.tril(x)", "x.tril()", "x.clone().tril_()"), np.tril, (REALS,)),
    Row("triu", ("torch.triu(x, 1)", "x.triu(1)"), lambda x: np.triu(x, 1), (REALS,)),
    Row("trace", ("torch.trace(x)", "x.trace()", "torch.einsum('ii', x)"), np.trace, (SQUARE,)),
    Row("diag", ("torch.diag(x)", "torch.diagflat(x)", "torch.diag_embed(x)"), np.diag, (LINE[:6],)),
    Row("diag_embed", ("torch.diag_embed(x)", "x.diag_embed()"), embedded, (REALS,)),
    Row(
        "im2col",
        ("F.unfold(x, 2)",),
        lambda x: np.stack([x[0, :, i : i + 2, j : j + 2].ravel() for i in (0, 1) for j in (0, 1)], -1)[None],
        (PICTURE,),
    ),
]

INDEXING = [
    Row(
        "index_rows",
        ("x[[2, 0, 2, 2]]", "x[torch.tensor([2, 0, 2, 2], device=x.device)]"),
        lambda x: x[AGAIN],
        (REALS,),
    ),
    Row(
        "index_select",
        (
            "x.index_select(0, torch.tensor([2, 0, 2, 2], device=x.device))",
            "torch.index_select(x, -2, torch.tensor([2, 0, 2, 2], device=x.device))",
        ),
        lambda x: x[AGAIN],
        (REALS,),
    ),
    Row(
        "index_columns",
        ("x[:, [1, 1, 0]]", "x[..., [1, -6, 0]]", "x.index_select(1, torch.tensor([1, 1, 0], device=x.device))"),
        lambda x: x[:, [1, 1, 0]],
        (REALS,),
    ),
    Row(
        "index_pairs",
        ("x[[0, 2, 0], [1, 1, 1]]", "x[[0, 2, -3], [1, -6, 1]]"),
        lambda x: x[[0, 2, 0], [1, 1, 1]],
        (REALS,),
    ),
    Row(
        "index_mixed",
        ("x[:, [2, 0], 1:3]", "x[:, torch.tensor([2, 0], device=x.device), 1:3]"),
        lambda x: x[:, [2, 0], 1:3],
        (CUBE,),
    ),
    Row("index_split", ("x[[1, 0], :, [3, 3]]",), lambda x: x[[1, 0], :, [3, 3]], (CUBE,)),
    Row("index_mask", ("x[x.detach() > 0]",), lambda x: x[x > 0], (REALS,)),
    Row(
        "masked_select",
        ("torch.masked_select(x, x.detach() > 0)", "x.masked_select(x.detach() > 0)"),
        lambda x: x[x > 0],
        (REALS,),
    ),
    Row("index_row_mask", ("x[torch.tensor([True, False, True], device=x.device)]",), lambda x: x[[0, 2]], (REALS,)),
    Row("index_none", ("x[None, :, 1, None]",), lambda x: x[None, :, 1, None], (REALS,)),
    Row("index_single", ("x[1, 2]", "x[-2, -5]", "x[torch.tensor(1), 2]"), lambda x: x[1, 2], (REALS,)),
    Row(
        "gather",
        (
            "x.gather(1, torch.tensor([[0, 1, 1, 0], [2, 2, 2, 2], [0, 0, 1, 2]], device=x.device))",
            "torch.gather(x, -1, torch.tensor([[0, 1, 1, 0], [2, 2, 2, 2], [0, 0, 1, 2]], device=x.device))",
        ),
        lambda x: np.take_along_axis(x, DUPLICATES, 1),
        (REALS,),
    ),
    Row(
        "gather_first",
        ("x.gather(0, torch.tensor([[0, 1, 1, 0], [2, 2, 2, 2], [0, 0, 1, 2]], device=x.device))",),
        lambda x: np.take_along_axis(x[:, :4], DUPLICATES, 0),
        (REALS,),
    ),
    Row(
        "take_along_dim",
        ("torch.take_along_dim(x, torch.tensor([[0, 1, 1, 0], [2, 2, 2, 2], [0, 0, 1, 2]], device=x.device), 1)",),
        lambda x: np.take_along_axis(x, DUPLICATES, 1),
        (REALS,),
    ),
    Row(
        "take",
        (
            "torch.take(x, torch.tensor([[0, 5], [5, 20]], device=x.device))",
            "x.take(torch.tensor([[0, 5], [-16, -1]], device=x.device))",
        ),
        lambda x: x.ravel()[[[0, 5], [5, 20]]],
        (REALS,),
    ),
    Row("embedding", ("F.embedding(torch.tensor([2, 0, 2, 2], device=x.device), x)",), lambda x: x[AGAIN], (REALS,)),
    Row(
        "setitem",
        ("[c := x.clone(), c.__setitem__((slice(None), 1), y[:, 0])][0]", "torch.select_scatter(x, y[:, 0], 1, 1)"),
        lambda x, y: updated(x, (slice(None), 1), y[:, 0]),
        (REALS, OTHERS),
    ),
    Row(
        "setitem_slice",
        ("[c := x.clone(), c.__setitem__(slice(1, 3), y[:1])][0]",),
        lambda x, y: updated(x, slice(1, 3), y[:1]),
        (REALS, OTHERS),
    ),
    Row(
        "setitem_mask",
        ("[c := x.clone(), c.__setitem__(x.detach() > 0, 3.0)][0]",),
        lambda x: updated(x, x > 0, 3),
        (REALS,),
    ),
    Row(
        "slice_scatter",
        ("torch.slice_scatter(x, y[:, :3], 1, 0, 6, 2)",),
        lambda x, y: updated(x, (slice(None), slice(0, 6, 2)), y[:, :3]),
        (REALS, OTHERS),
    ),
    Row(
        "diagonal_scatter",
        ("torch.diagonal_scatter(x, y[0])",),
        lambda x, y: updated(x, (np.arange(4), np.arange(4)), y[0]),
        (SQUARE, apart(1.0, 1, 4, seed=3)),
    ),
    Row(
        "scatter",
        (
            "x.scatter(1, torch.tensor([[0, 1], [2, 0], [6, 5]], device=x.device), y)",
            "x.clone().scatter_(1, torch.tensor([[0, 1], [2, 0], [6, 5]], device=x.device), y)",
        ),
        lambda x, y: scattered(x, [[0, 1], [2, 0], [6, 5]], y, dim=1, add=False),
        (REALS, OTHERS[:, :2]),
    ),
    Row(
        "scatter_value",
        ("x.scatter(1, torch.tensor([[0, 1], [2, 0], [6, 5]], device=x.device), 2.0)",),
        lambda x: scattered(x, [[0, 1], [2, 0], [6, 5]], np.full((3, 2), 2), dim=1, add=False),
        (REALS,),
    ),
    Row(
        "scatter_add",
        (
            "x.scatter_add(1, torch.tensor([[0, 0], [2, 0], [6, 6]], device=x.device), y)",
            "x.scatter_reduce(1, torch.tensor([[0, 0], [2, 0], [6, 6]], device=x.device), y, 'sum')",
        ),
        lambda x, y: scattered(x, [[0, 0], [2, 0], [6, 6]], y, dim=1),
        (REALS, OTHERS[:, :2]),
    ),
    Row(
        "index_add",
        (
            "x.index_add(0, torch.tensor([2, 0, 2], device=x.device), y)",
            "x.clone().index_add_(0, torch.tensor([2, 0, 2], device=x.device), y)",
        ),
        lambda x, y: with_rows(x, [2, 0, 2], y, add=True),
        (REALS, OTHERS),
    ),
    Row(
        "index_add_alpha",
        ("x.index_add(0, torch.tensor([2, 0, 2], device=x.device), y, alpha=0.5)",),
        lambda x, y: with_rows(x, [2, 0, 2], y / 2, add=True),
        (REALS, OTHERS),
    ),
    Row(
        "index_copy",
        (
            "x.index_copy(0, torch.tensor([2, 0], device=x.device), y)",
            "x.clone().index_copy_(0, torch.tensor([2, 0], device=x.device), y)",
        ),
        lambda x, y: with_rows(x, [2, 0], y),
        (REALS, OTHERS[:2]),
    ),
    Row(
        "index_fill",
        ("x.index_fill(0, torch.tensor([2, 0], device=x.device), 1.5)",),
        lambda x: with_rows(x, [2, 0], np.full((2, 7), 1.5)),
        (REALS,),
    ),
    Row(
        "index_put",
        (
            "x.index_put((torch.tensor([2, 0], device=x.device),), y)",
            "x.clone().index_put_((torch.tensor([2, 0], device=x.device),), y)",
        ),
        lambda x, y: with_rows(x, [2, 0], y),
        (REALS, OTHERS[:2]),
    ),
    Row(
        "index_put_accumulate",
        ("x.index_put((torch.tensor([2, 2, 0], device=x.device),), y, accumulate=True)",),
        lambda x, y: with_rows(x, [2, 2, 0], y, add=True),
        (REALS, OTHERS),
    ),
    Row(
        "masked_fill_tensor",
        ("x.masked_fill(x.detach() > 0, y.sum())",),
        lambda x, y: np.where(x > 0, y.sum(), x),
        (REALS, OTHERS),
    ),
    Row(
        "masked_scatter",
        ("x.masked_scatter(torch.tensor([True, False, True], device=x.device)[:, None].expand(3, 7), y)",),
        lambda x, y: np.stack([y[0], x[1], y[1]]),
        (REALS, OTHERS),
    ),
    Row(
        "put",
        ("x.put(torch.tensor([0, 5], device=x.device), y[0, :2])",),
        lambda x, y: updated(x.ravel(), [0, 5], y[0, :2]).reshape(x.shape),
        (REALS, OTHERS),
    ),
    Row(
        "put_accumulate",
        ("x.put(torch.tensor([5, 5], device=x.device), y[0, :2], accumulate=True)",),
        lambda x, y: updated(x.ravel(), 5, y[0, 0] + y[0, 1], add=True).reshape(x.shape),
        (REALS, OTHERS),
    ),
]

ROWS = [*VIEWS, *JOINS, *INDEXING]

"""What introductions say about view and its kin: small examples, signatures, and names that do not exist."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance.assertions import assert_raises, assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from conformance.oracle import view
from conformance.tables.view_memory import Held, assert_looks_at
from properties.strategies.recipe import DENSE, contiguous, layouts
from properties.strategies.values import distinct

pytestmark = must_answer

SIX = (-0.3623, -0.6115, 0.7283, 0.4699, 2.3261, 0.1599)


def six(subject: Any, *shape: int) -> Held:
    return Held.of(contiguous(np.array(SIX, np.float32).reshape(shape), "float32"), subject)


@check("view.any-tensor")
def test_view_refuses_what_only_a_copy_could_give(subject):
    for turn, shape in enumerate(((2, 3), (3, 4), (2, 3, 4), (17, 3), (4, 1, 5), (2, 1, 3, 4))):
        dtype = COMMON[turn % len(COMMON)]
        for recipe in layouts(distinct(dtype, shape), dtype, DENSE):
            held, few = Held.of(recipe, subject), ((shape[0], -1), (-1, shape[-1]), shape)
            for sizes in ((recipe.numel,), (-1,), shape[::-1], (*shape[:-1], 1, -1), *few):
                judge_view(held, sizes)
            held.assert_untouched("view")


def judge_view(held: Held, sizes: tuple[int, ...]) -> None:
    """Refute unless view gives a view of those sizes, or refuses them where the strides allow none."""
    x = held.tensor
    try:
        looks = view.view(held.geometry, sizes)
    except view.Incompatible:
        said = f"x.view{sizes}, with {held.facts()},"
        assert_raises(said, RuntimeError, lambda: x.view(sizes))
        assert_raises(said, RuntimeError, lambda: x.view(*sizes))
    else:
        assert_looks_at(f"x.view{sizes}", x.view(sizes), held, looks)
        assert_looks_at(f"x.view(*{sizes})", x.view(*sizes), held, looks)


@check("view.flatten-keeping-batch")
def test_view_with_the_batch_size_flattens_each_sample(subject):
    for turn, shape in enumerate(((2, 3, 4), (5, 1, 2, 3), (1, 17), (33, 2, 2), (7,), (3, 16, 5, 5))):
        dtype = ("float32", "float64", "int64", "uint8")[turn % 4]
        held = Held.of(contiguous(distinct(dtype, shape), dtype), subject)
        x, expected = held.tensor, held.buffer.reshape(shape[0], -1)
        ways = {
            "x.view(x.size()[0], -1)": lambda x: x.view(x.size()[0], -1),
            "x.view(x.size(0), -1)": lambda x: x.view(x.size(0), -1),
            "x.view(len(x), -1)": lambda x: x.view(len(x), -1),
            "x.view(-1, features)": lambda x: x.view(-1, int(np.prod(x.shape[1:]))),
        }
        for text, way in ways.items():
            assert_values(f"{text} of shape {shape}", way(x), expected, dtype=dtype)
        if len(shape) > 1:
            assert_values("torch.flatten(x, 1)", torch.flatten(x, 1), expected, dtype=dtype)
            assert_values("nn.Flatten()(x)", torch.nn.Flatten()(x), expected, dtype=dtype)


@check("view.flatten-minus-one")
def test_view_minus_one_gives_one_dimension_row_by_row(subject):
    for shape in ((3, 2), (2, 3), (6,), (1, 6), (6, 1), (1, 2, 3)):
        out = six(subject, *shape).tensor.view(-1)
        assert_values(f"x.view(-1) of shape {shape}", out, np.array(SIX, np.float32), dtype="float32")
    for recipe in layouts(distinct("int64", (3, 4)), "int64", DENSE):
        x = recipe.on(subject)
        assert_values("x.reshape(-1)", x.reshape(-1), recipe.array.ravel(), dtype="int64")


@check("view.like-numpy-resize")
def test_view_is_numpys_reshape_not_its_resize(subject):
    for turn, count in enumerate((1, 2, 6, 12, 24, 30, 64)):
        dtype = COMMON[(turn + 3) % len(COMMON)]
        values = distinct(dtype, (count,))
        x = contiguous(values, dtype).on(subject)
        for a in range(1, count + 1):
            if count % a == 0:
                assert_values(
                    f"x.view({a}, {count // a})", x.view(a, count // a), values.reshape(a, count // a), dtype=dtype
                )
        for sizes in ((count + 1,), (count - 1,), (2, count), (0,), (1, 1, count + 1)):
            assert_raises(f"view{sizes} of {count} elements", RuntimeError, lambda sizes=sizes, x=x: x.view(sizes))
            assert_raises(
                f"reshape{sizes} of {count} elements", RuntimeError, lambda sizes=sizes, x=x: x.reshape(sizes)
            )


@check("view.minus-one-inferred")
def test_minus_one_stands_for_what_is_left(subject):
    for count in (0, 1, 6, 7, 24):
        x = contiguous(distinct("float32", (count,)), "float32").on(subject)
        for name in ("view", "reshape"):
            way = getattr(x, name)
            for a in (*range(1, 7), max(count, 1), count + 1):
                if count % a:
                    assert_raises(f"x.{name}({a}, -1), {count} elements", RuntimeError, lambda a=a, way=way: way(a, -1))
                    assert_raises(f"x.{name}(-1, {a}), {count} elements", RuntimeError, lambda a=a, way=way: way(-1, a))
                    continue
                shapes = {(a, -1): (a, count // a), (-1, a): (count // a, a), (1, -1, a): (1, count // a, a)}
                for sizes, expected in shapes.items():
                    require(
                        tuple(way(sizes).shape) == expected,
                        f"x.{name}{sizes}, {count} elements",
                        expected,
                        way(sizes).shape,
                    )
            for sizes in ((-1, -1), (-1, 2, -1), (-2,), (0, -1)):
                assert_raises(
                    f"x.{name}{sizes}, {count} elements", RuntimeError, lambda sizes=sizes, way=way: way(sizes)
                )


@check("view.reshape-3-2")
def test_rows_are_filled_one_after_the_other(subject):
    out = six(subject, 6).tensor.view(3, 2)
    rows = [[-0.3623, -0.6115], [0.7283, 0.4699], [2.3261, 0.1599]]
    assert_values("view(3, 2)", out, np.array(rows, np.float32), dtype="float32")
    text = "tensor([[-0.3623, -0.6115],\n        [ 0.7283,  0.4699],\n        [ 2.3261,  0.1599]])"
    require(repr(out.cpu()) == text, "the printed view(3, 2)", text, repr(out.cpu()))


@check("view.two-by-inferred")
def test_two_rows_are_read_on_not_transposed(subject):
    out = six(subject, 3, 2).tensor.view(2, -1)
    rows = [[-0.3623, -0.6115, 0.7283], [0.4699, 2.3261, 0.1599]]
    assert_values("view(2, -1)", out, np.array(rows, np.float32), dtype="float32")


@check("view.sizes-4x4")
def test_view_leaves_the_shape_of_its_tensor(subject):
    for dtype in ("float32", "int64", "complex64"):
        held = Held.of(contiguous(distinct(dtype, (4, 4)), dtype), subject)
        x = held.tensor
        y, z = x.view(16), x.view(-1, 8)
        found = (tuple(x.size()), tuple(y.size()), tuple(z.size()))
        require(
            found == ((4, 4), (16,), (2, 8)), "sizes of x, x.view(16), x.view(-1, 8)", ((4, 4), (16,), (2, 8)), found
        )
        require(overlap(x, y) and overlap(y, z), "views of x lie in other memory")
        held.assert_untouched("view")


@check("view.squeeze-keyword-defaults")
def test_squeeze_takes_neither_out_nor_none(subject):
    held = Held.of(contiguous(distinct("float32", (1, 4, 1)), "float32"), subject)
    x, out = held.tensor, torch.full((4,), 7.0, device=subject.device)
    refused = (TypeError, RuntimeError)
    assert_raises("torch.squeeze(x, out=…)", refused, lambda: torch.squeeze(x, out=out))
    assert_raises("torch.squeeze(x, dim=0, out=…)", refused, lambda: torch.squeeze(x, dim=0, out=out))
    assert_raises("torch.squeeze(x, dim=None)", refused, lambda: torch.squeeze(x, dim=None))
    assert_raises("x.squeeze(None)", refused, lambda: x.squeeze(None))
    assert_values("out", out, np.full(4, 7.0))
    held.assert_untouched("a refused squeeze")


@check("view.unsqueeze-out")
def test_unsqueeze_takes_no_out_and_needs_a_dim(subject):
    held = Held.of(contiguous(distinct("float32", (4,)), "float32"), subject)
    x, out = held.tensor, torch.full((1, 4), 7.0, device=subject.device)
    assert_raises("torch.unsqueeze(x, 0, out=…)", TypeError, lambda: torch.unsqueeze(x, 0, out=out))
    assert_raises("torch.unsqueeze(x)", TypeError, lambda: torch.unsqueeze(x))
    assert_values("out", out, np.full((1, 4), 7.0))
    held.assert_untouched("a refused unsqueeze")


@check("view.stray-text-in-code")
def test_a_line_of_code_bears_no_stray_words(subject):
    names = {"tt2": six(subject, 3, 2).tensor}
    assert_raises(
        "the line with a word behind it", SyntaxError, lambda: compile("result=tt2.view(-1) word", "note", "exec")
    )
    exec(compile("result=tt2.view(-1)  # word", "note", "exec"), names)
    assert_values("result", names["result"], np.array(SIX, np.float32), dtype="float32")


@check("view.torch-expand-function")
def test_expand_is_a_method_and_broadcast_to_its_function(subject):
    require(not hasattr(torch, "expand"), "torch.expand exists")
    held = Held.of(contiguous(distinct("float32", (3, 1)), "float32"), subject)
    looks = view.expand(held.geometry, (3, 4))
    assert_looks_at("x.expand(3, 4)", held.tensor.expand(3, 4), held, looks)
    assert_looks_at("torch.broadcast_to(x, (3, 4))", torch.broadcast_to(held.tensor, (3, 4)), held, looks)


@check("view.torch-view-function")
def test_view_is_a_method_only(subject):
    require(not hasattr(torch, "view"), "torch.view exists")
    held = Held.of(contiguous(distinct("float32", (3, 4)), "float32"), subject)
    assert_looks_at(
        "torch.Tensor.view(x, 2, 6)", torch.Tensor.view(held.tensor, 2, 6), held, view.view(held.geometry, (2, 6))
    )

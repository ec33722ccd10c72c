"""What meta says without data: shapes, dtypes, strides and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.claim import within
from conformance.effort import scaled
from conformance.oracle.device import SIZES, outline
from conformance.oracle.math_promotion import is_documented, promoted
from conformance.subject import Subject, release
from conformance.tables.device_meta_rows import FAMILIES, Row
from conformance.tables.device_places import META, assert_at, assert_outline, version
from properties.strategies.recipe import LAYOUTS, Recipe, layouts
from properties.strategies.values import distinct

pytestmark = must_answer


# Rows that need not have a kernel on other devices than the CPU.
HOST_ONLY = {"i @ l"}

# -- shapes and dtypes -------------------------------------------------------------------------------------------------


def build(shape: tuple[int, ...], dtype: str, fill: str, device: str) -> torch.Tensor:
    """An input of a row on a device."""
    if fill == "eye":
        return torch.eye(shape[-1], dtype=host.torch_dtype(dtype), device=device).repeat(*shape[:-2], 1, 1)
    make = torch.zeros if fill == "zero" else torch.ones
    return make(shape, dtype=host.torch_dtype(dtype), device=device)


def run(row: Row, sizes: dict[str, int], device: str) -> None:
    """Try a row on a device, and refute unless it gives what it should there."""
    given = {name: build(*one, device) for name, one in row.given(sizes).items()}
    versions = {name: (version(tensor), tuple(tensor.shape)) for name, tensor in given.items()}
    names = {"torch": torch, "F": F, "device": device, **sizes, **given}
    call = f"{row.call} for {', '.join(f'{k} of {tuple(x.shape)}' for k, x in given.items()) or sizes} on {device}"
    out = eval(row.call, names)
    parts, due = out if isinstance(out, (tuple, list)) else (out,), outline(row.gives, sizes)
    require(len(parts) == len(due), f"{call} gives {len(parts)} tensors", len(due), len(parts))
    for place, (part, (dtype, shape)) in enumerate(zip(parts, due, strict=True)):
        text = call if len(due) == 1 else f"part {place} of {call}"
        assert_outline(text, part, dtype, shape)
        assert_at(text, part, device)
    after = {name: (version(tensor), tuple(tensor.shape)) for name, tensor in given.items()}
    require(after == versions, f"{call} changed an input", versions, after)


def present(family: str) -> list[Row]:
    return [row for row in FAMILIES[family] if within(release(), row.since, None)]


@check("device.meta-shapes")
@pytest.mark.parametrize("family", FAMILIES)
def test_meta_gives_the_outline_of_the_result(subject, family):
    for row in present(family):
        for sizes in SIZES[: scaled(3, least=2)]:
            run(row, sizes, "meta")


@check("device.meta-shapes")
@pytest.mark.parametrize("family", FAMILIES)
def test_data_give_the_same_outline(subject, family):
    for row in present(family):
        if row.call in HOST_ONLY and not subject.is_cpu:
            continue
        for sizes in SIZES[: scaled(2)]:
            run(row, sizes, subject.device)


@check("device.meta-shapes")
def test_meta_takes_sizes_that_no_memory_holds(subject):
    big = 10**6
    x = torch.empty(big, big, device="meta")
    for call, out, shape in (
        ("x + x.t()", x + x.t(), (big, big)),
        ("x @ x", x @ x, (big, big)),
        ("x.sum(0)", x.sum(0), (big,)),
        ("x[::2, 1:]", x[::2, 1:], (big // 2, big - 1)),
        ("torch.cat([x, x])", torch.cat([x, x]), (2 * big, big)),
        ("Linear(x)", nn.Linear(big, 10**5, device="meta")(x), (big, 10**5)),
        ("x.t().contiguous()", x.t().contiguous(), (big, big)),
    ):
        assert_outline(call, assert_at(call, out, "meta"), "float32", shape)


# -- views -------------------------------------------------------------------------------------------------------------

VIEWS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "x[1:, ::2]": (lambda x: x[1:, ::2], lambda a: a[1:, ::2]),
    "x[:, -1]": (lambda x: x[:, -1], lambda a: a[:, -1]),
    "x[0]": (lambda x: x[0], lambda a: a[0]),
    "x[None, ..., 1:]": (lambda x: x[None, ..., 1:], lambda a: a[None, ..., 1:]),
    "x.transpose(0, 2)": (lambda x: x.transpose(0, 2), lambda a: a.swapaxes(0, 2)),
    "x.permute(2, 0, 1)": (lambda x: x.permute(2, 0, 1), lambda a: a.transpose(2, 0, 1)),
    "x.mT": (lambda x: x.mT, lambda a: a.swapaxes(-1, -2)),
    "x.movedim(0, -1)": (lambda x: x.movedim(0, -1), lambda a: np.moveaxis(a, 0, -1)),
    "x.select(1, 2)": (lambda x: x.select(1, 2), lambda a: a[:, 2]),
    "x.narrow(2, 1, 3)": (lambda x: x.narrow(2, 1, 3), lambda a: a[:, :, 1:4]),
    "x.diagonal(0, 1, 2)": (lambda x: x.diagonal(0, 1, 2), lambda a: np.diagonal(a, 0, 1, 2)),
    "x.diagonal(1, 0, 2)": (lambda x: x.diagonal(1, 0, 2), lambda a: np.diagonal(a, 1, 0, 2)),
    "x.unsqueeze(1)": (lambda x: x.unsqueeze(1), lambda a: a[:, None]),
    "x.unsqueeze(-1).squeeze(-1)": (lambda x: x.unsqueeze(-1).squeeze(-1), lambda a: a),
    "x[:1].expand(4, -1, -1)": (lambda x: x[:1].expand(4, -1, -1), lambda a: np.broadcast_to(a[:1], (4, *a.shape[1:]))),
    "x.split(2, 2)[1]": (lambda x: x.split(2, 2)[1], lambda a: a[:, :, 2:4]),
    "x.chunk(2, 1)[1]": (lambda x: x.chunk(2, 1)[1], lambda a: a[:, 2:]),
    "x.unbind(1)[3]": (lambda x: x.unbind(1)[3], lambda a: a[:, 3]),
    "x.detach()": (lambda x: x.detach(), lambda a: a),
    "x.view_as(x)": (lambda x: x.view_as(x), lambda a: a),
    "x.unfold(2, 3, 2)": (
        lambda x: x.unfold(2, 3, 2),
        lambda a: np.lib.stride_tricks.sliding_window_view(a, 3, 2)[:, :, ::2],
    ),
}


@check("device.meta-views")
def test_a_view_on_meta_lies_where_it_does_with_data(subject):
    for call in VIEWS:
        action, oracle = VIEWS[call]
        for dtype in ("float32", "int64", "bool"):
            for recipe in layouts(distinct(dtype, (3, 4, 5)), dtype, LAYOUTS):
                array = geometry(recipe)
                due = oracle(array)
                offset = _address(due) - _address(array)
                for on in (META, subject):
                    x = recipe.on(on)
                    out = action(x)
                    text = f"{call} of {recipe!r} on {on.name}"
                    steps = tuple(step // due.itemsize for step in due.strides)
                    assert_outline(text, assert_at(text, out, on.device), dtype, due.shape, steps)
                    found = out.storage_offset() - x.storage_offset()
                    require(
                        found * due.itemsize == offset,
                        f"{text} starts {found} elements on",
                        offset // due.itemsize,
                        found,
                    )
                same = x.is_contiguous() == recipe.on(META).is_contiguous()
                require(same, f"is_contiguous() of {recipe!r} differs on meta")


def geometry(recipe: Recipe) -> np.ndarray:
    """An array that lies as the recipe's tensor does."""
    steps = tuple(step * recipe.buffer.itemsize for step in recipe.strides)
    return np.lib.stride_tricks.as_strided(recipe.buffer[recipe.offset :], recipe.shape, steps)


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


@check("device.meta-views")
def test_strides_of_results_are_those_with_data(subject):
    given = distinct("float32", (3, 4, 5))
    for recipe in layouts(given, "float32"):
        x, m = recipe.on(subject), recipe.on(META)
        for call, action in {
            "x.contiguous()": lambda x: x.contiguous(),
            "x.clone()": lambda x: x.clone(),
            "x.exp()": lambda x: x.exp(),
            "x + x": lambda x: x + x,
            "torch.zeros_like(x)": lambda x: torch.zeros_like(x),
            "x.reshape(12, 5)": lambda x: x.reshape(12, 5),
            "x.flatten(1)": lambda x: x.flatten(1),
            "x.sum(1)": lambda x: x.sum(1),
        }.items():
            here, there = action(x), action(m)
            assert_outline(f"{call} of {recipe!r} on meta", there, "float32", tuple(here.shape), tuple(here.stride()))
    whole = torch.empty(3, 4, 5, device="meta")
    assert_outline("x.view(4, 15)", whole.view(4, 15), "float32", (4, 15), (15, 1))
    assert_raises("x.t().view(-1)", RuntimeError, lambda: whole[0].t().view(-1))
    assert_outline("x.view(torch.int16)", whole.view(torch.int16), "int16", (3, 4, 10), (40, 10, 1))
    strided = torch.empty_strided((2, 3), (5, 2), device="meta")
    assert_outline("empty_strided", strided, "float32", (2, 3), (5, 2))
    assert_outline("as_strided", whole.as_strided((2, 2), (7, 3), 4), "float32", (2, 2), (7, 3))
    require(whole.as_strided((2, 2), (7, 3), 4).storage_offset() == 4, "as_strided on meta loses the offset")


# -- promotion ---------------------------------------------------------------------------------------------------------

DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64")


@check("device.meta-promotion")
@pytest.mark.parametrize("one", DTYPES)
def test_promotion_on_meta_is_that_with_data(subject, one):
    numbers: tuple[tuple[str, Any], ...] = (("bool", True), ("int64", 2), ("float32", 1.5), ("complex64", 1j))
    for device in ("meta", subject.device):
        x = torch.ones(2, 3, dtype=host.torch_dtype(one), device=device)
        for other in DTYPES:
            for rank, shape in (("tensor", (3,)), ("scalar", ())):
                if not is_documented([(one, "tensor"), (other, rank)]):
                    continue
                y = torch.ones(shape, dtype=host.torch_dtype(other), device=device)
                due = promoted([(one, "tensor"), (other, rank)])
                if not _supported(due, device):
                    continue
                text = f"{one} {{}} {other} of {shape} on {device}"
                assert_outline(text.format("+"), x + y, due, (2, 3))
                assert_outline(text.format("*"), torch.mul(y, x), due, (2, 3))
                assert_outline(text.format("=="), x == y, "bool", (2, 3))
                found = host.dtype_name(torch.result_type(x, y))
                require(found == due, f"torch.result_type of {text.format('and')} is {found}", due, found)
        for kind, number in numbers:
            due = promoted([(one, "tensor"), (kind, "number")])
            if is_documented([(one, "tensor"), (kind, "number")]) and _supported(due, device):
                assert_outline(f"{one} * {number} on {device}", x * number, due, (2, 3))
                assert_outline(f"{number} + {one} on {device}", number + x, due, (2, 3))


def _supported(dtype: str, device: str) -> bool:
    return dtype != "complex32" and Subject(device, device).supports(dtype)


# -- errors ------------------------------------------------------------------------------------------------------------

REFUSED: tuple[tuple[str, Callable[[torch.Tensor, torch.Tensor], Any]], ...] = (
    ("x + y of (2, 3) and (4, 5)", lambda x, y: x + y),
    ("x @ x of (2, 3)", lambda x, y: x @ x),
    ("torch.mm(x, y)", lambda x, y: torch.mm(x, y)),
    ("torch.mv(x, y[0])", lambda x, y: torch.mv(x, y[0])),
    ("torch.dot(x[0], y[0])", lambda x, y: torch.dot(x[0], y[0])),
    ("torch.cat([x, y])", lambda x, y: torch.cat([x, y])),
    ("torch.stack([x, y])", lambda x, y: torch.stack([x, y])),
    ("x.view(4, 2)", lambda x, y: x.view(4, 2)),
    ("x.reshape(5)", lambda x, y: x.reshape(5)),
    ("x.expand(3, 3)", lambda x, y: x.expand(3, 3)),
    ("x.sum(2)", lambda x, y: x.sum(2)),
    ("x.transpose(0, 2)", lambda x, y: x.transpose(0, 2)),
    ("x.permute(0, 0)", lambda x, y: x.permute(0, 0)),
    ("x.squeeze(3)", lambda x, y: x.squeeze(3)),
    ("x[2]", lambda x, y: x[2]),
    ("x[:, 3]", lambda x, y: x[:, 3]),
    ("x[0, 0, 0]", lambda x, y: x[0, 0, 0]),
    ("x.narrow(0, 1, 2)", lambda x, y: x.narrow(0, 1, 2)),
    ("x.softmax(2)", lambda x, y: x.softmax(2)),
    ("torch.topk(x, 4)", lambda x, y: torch.topk(x, 4)),
    ("F.linear(x, y)", lambda x, y: F.linear(x, y)),
    ("F.conv2d(x, y)", lambda x, y: F.conv2d(x[None, None], y[None, None])),
    ("F.layer_norm(x, (2,))", lambda x, y: F.layer_norm(x, (2,))),
    ("F.batch_norm(x, y[0])", lambda x, y: F.batch_norm(x, y[0], y[0])),
    ("F.mse_loss(x, y)", lambda x, y: F.mse_loss(x, y)),
    ("x.add_(y)", lambda x, y: x.clone().add_(y)),
    ("x.add_(x[None])", lambda x, y: x.clone().add_(torch.ones(2, 2, 3, device=x.device))),
    ("x.sqrt_() of integers", lambda x, y: x.long().sqrt_()),
    ("x & y of floats", lambda x, y: x & x),
    ("torch.linalg.inv(x)", lambda x, y: torch.linalg.inv(x)),
    ("torch.bmm(x, y)", lambda x, y: torch.bmm(x, y)),
    ("torch.bmm of two batches", lambda x, y: torch.bmm(x.expand(2, 2, 3), x.t().expand(3, 3, 2))),
    ("torch.bmm of sizes that do not meet", lambda x, y: torch.bmm(x[None], y[None])),
    ("torch.cat of two ranks", lambda x, y: torch.cat([x, x[None]])),
    (
        "x.index_select of a matrix",
        lambda x, y: x.index_select(0, torch.zeros_like(x).long()),
    ),
    ("torch.zeros(-1)", lambda x, y: torch.zeros(-1, device=x.device)),
    ("torch.arange(0, 3, -1)", lambda x, y: torch.arange(0, 3, -1, device=x.device)),
    ("torch.eye(-1)", lambda x, y: torch.eye(-1, device=x.device)),
    ("integers that require grad", lambda x, y: torch.ones(1, dtype=torch.int64, device=x.device, requires_grad=True)),
    ("a product of two dtypes", lambda x, y: x @ x.double().t()),
    ("y.backward() of no scalar", lambda x, y: x.clone().requires_grad_().mul(2).backward()),
)

# What meta accepts all the same: dtypes, which it does not look at everywhere, and, in some releases, dimensions.
NOT_ON_META = {"x & y of floats", "x.index_select of a matrix", "a product of two dtypes", "x.softmax(2)"}
LATER_ON_META = {"torch.dot(x[0], y[0])", "x.add_(y)", "x.add_(x[None])"}
REFUSALS = (RuntimeError, IndexError, ValueError)


@check("device.meta-errors")
@pytest.mark.parametrize("device", ("meta", "with data"))
def test_what_does_not_fit_is_refused(subject, device):
    where = "meta" if device == "meta" else subject.device
    # Kernels of meta that are written in Python have raised AssertionError too.
    kinds = (*REFUSALS, AssertionError) if device == "meta" else REFUSALS
    for call, action in REFUSED:
        if device == "meta" and call in NOT_ON_META | LATER_ON_META:
            continue
        x, y = torch.ones(2, 3, device=where), torch.ones(4, 5, device=where)
        for _ in range(2):
            assert_raises(f"{call} on {where}", kinds, lambda: action(x, y))
        require((tuple(x.shape), tuple(y.shape)) == ((2, 3), (4, 5)), f"a refused {call} changed a shape")
        require(version(x) == 0 and version(y) == 0, f"a refused {call} wrote to an input")


@check("device.meta-errors", since="2.6")
def test_shapes_that_were_once_accepted_on_meta_are_refused(subject):
    x, y = torch.ones(2, 3, device="meta"), torch.ones(4, 5, device="meta")
    for call, action in REFUSED:
        if call in LATER_ON_META:
            assert_raises(f"{call} on meta", REFUSALS, lambda: action(x, y))


# -- gradients ---------------------------------------------------------------------------------------------------------

GRADIENTS: dict[str, Callable[..., torch.Tensor]] = {
    "(x * w).sum()": lambda x, w: (x * w).sum(),
    "(x @ w.t()).exp().mean()": lambda x, w: (x @ w.t()).exp().mean(),
    "x.double().norm() + w.sum()": lambda x, w: x.double().norm() + w.sum(),
    "torch.cat([x, w]).softmax(0).sum()": lambda x, w: torch.cat([x, w]).softmax(0).sum(),
    "F.linear(x, w).relu().std()": lambda x, w: F.linear(x, w).relu().std(),
    "x[0].mul(w[:, 1:].sum()).sum()": lambda x, w: x[0].mul(w[:, 1:].sum()).sum(),
    "F.mse_loss(x, w)": lambda x, w: F.mse_loss(x, w),
    "x.expand(5, 2, 3).sum() * w[0, 0]": lambda x, w: x.expand(5, 2, 3).sum() * w[0, 0],
}


@check("device.meta-gradients")
def test_gradients_on_meta_have_the_outline_of_their_tensors(subject):
    for call, action in GRADIENTS.items():
        for dtype in (torch.float32, torch.float64):
            x = torch.ones(2, 3, dtype=dtype, device="meta", requires_grad=True)
            w = torch.ones(2, 3, dtype=dtype, device="meta", requires_grad=True)
            out = action(x, w)
            require(out.requires_grad and out.grad_fn is not None, f"{call} on meta is not in the graph")
            out.backward(retain_graph=True)
            for name, leaf in (("x", x), ("w", w)):
                text = f"{name}.grad of {call} on meta"
                assert_outline(text, assert_at(text, leaf.grad, "meta"), host.dtype_name(dtype), (2, 3))
            for part in torch.autograd.grad(out, (x, w)):
                assert_outline(f"torch.autograd.grad of {call}", part, host.dtype_name(dtype), (2, 3))
    with torch.no_grad():
        require(not (x * 2).requires_grad, "a result under no_grad requires grad on meta")


@check("device.meta-gradients", since="2.0")
def test_a_network_trains_on_meta(subject):
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 5)).to("meta")
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        out = net(torch.empty(7, 1, 8, 8, device="meta"))
        F.cross_entropy(out, torch.zeros(7, dtype=torch.int64, device="meta")).backward()
        optimizer.step()
    assert_outline("net(x)", out, "float32", (7, 5))
    for name, p in net.named_parameters():
        assert_outline(f"{name}.grad", assert_at(f"{name}.grad", p.grad, "meta"), "float32", tuple(p.shape))


# -- what meta has not -------------------------------------------------------------------------------------------------

"""Tensors as Python's sequences and keys: len(), iter(), in, format(), hash()."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON, DTYPES
from conformance.subject import Subject
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct

pytestmark = must_answer


@check("numpy.len")
def test_len_is_the_first_size(subject: Subject) -> None:
    for shape in ((0,), (5,), (3, 2), (0, 4), (2, 0), (40, 1, 2)):
        t = torch.ones(shape, device=subject.device)
        require(len(t) == shape[0], f"len() of a tensor of {shape} is {len(t)}", shape[0], len(t))
        turned = t.permute(tuple(range(t.ndim))[::-1])
        require(len(turned) == shape[-1], f"len() of its transpose is {len(turned)}", shape[-1], len(turned))
    assert_raises("len() of a 0-d tensor", TypeError, lambda: len(torch.tensor(1, device=subject.device)))


@check("numpy.iteration")
def test_iteration_yields_views_of_the_rows(subject: Subject) -> None:
    for layout in LAYOUTS:
        for shape in ((4,), (3, 5), (2, 3, 4), (2, 0), (0, 2), (18, 2)):
            recipe = LAYOUTS[layout](distinct("float32", shape), "float32")
            t, rows = recipe.on(subject), recipe.array
            found = list(t)
            require(len(found) == shape[0], f"iteration over {shape} yields {len(found)} rows", shape[0], len(found))
            for number, (row, expected) in enumerate(zip(found, rows, strict=True)):
                call = f"row {number} of {layout} {shape}"
                assert_values(call, row, expected, dtype="float32")
                require(
                    row.numel() == 0 or row.data_ptr() == t[number].data_ptr(), f"{call} is a copy", "a view", "a copy"
                )
    assert_raises("iteration over a 0-d tensor", TypeError, lambda: iter(torch.tensor(1, device=subject.device)))


@check("numpy.iteration")
def test_unpacking_and_writing_while_iterating(subject: Subject) -> None:
    t = torch.tensor([[1, 2], [3, 4], [5, 6]], device=subject.device)
    first, *rest = t
    assert_values("first of first, *rest = t", first, [1, 2])
    require(len(rest) == 2, "first, *rest = t leaves another number of rows", 2, len(rest))
    for row in t:
        row.mul_(10)
    assert_values("t after row.mul_(10) for each row", t, [[10, 20], [30, 40], [50, 60]])
    backwards = assert_tensor("reversed(t)", reversed(t), "int64", (3, 2))  # type: ignore[call-overload]
    assert_values("reversed(t)", backwards, [[50, 60], [30, 40], [10, 20]])
    assert_values("sum(t)", sum(t), [90, 120])
    assert_values("max(column)", max(t[:, 1]), 60)


@check("numpy.membership")
def test_in_asks_for_any_equal_element(subject: Subject) -> None:
    for layout in LAYOUTS:
        for dtype in ("float32", "int64", "uint8", "bfloat16"):
            recipe = LAYOUTS[layout](distinct(dtype, (5, 7)), dtype)
            t, values = recipe.on(subject), recipe.array
            for value in (values[-1, -1], values[0, 0], values[2, 3]):
                require(
                    value.item() in t, f"{value!r} in a {layout} {dtype} tensor is False, but it is there", True, False
                )
                held = torch.tensor(value.item(), dtype=t.dtype, device=subject.device)
                require(held in t, f"tensor({value!r}) in a {layout} {dtype} tensor is False", True, False)
            require(
                99 not in t and torch.tensor(99, device=subject.device) not in t, f"99 in a {layout} {dtype} tensor"
            )
    require(1 not in torch.ones(0, device=subject.device), "1 in a tensor without elements")
    require(math.nan not in torch.tensor([math.nan], device=subject.device), "nan in tensor([nan])")
    for other in ("a", [1], None):
        assert_raises(f"{other!r} in a tensor", (RuntimeError, TypeError), lambda other=other: other in torch.ones(2))


@check("numpy.format")
def test_numbers_format_as_pythons_do(subject: Subject) -> None:
    for value, codes in (
        (3.14159, (".2f", "8.3e", "", "g")),
        (-7, ("d", "05d", "+d", "", ",")),
        (True, ("",)),
        (1e10, (".3g",)),
    ):
        t = torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None, device=subject.device)
        for code in codes:
            require(
                format(t, code) == format(value, code),
                f"format(tensor({value}), {code!r}) differs",
                format(value, code),
                format(t, code),
            )
    require(
        f"{torch.tensor([1, 2])}" == "tensor([1, 2])", "a tensor of two elements formats otherwise than str() shows it"
    )
    assert_raises("format(tensor([1., 2.]), '.2f')", TypeError, lambda: format(torch.ones(2), ".2f"))
    require("%d and %.1f" % (torch.tensor(3), torch.tensor(3.25)) == "3 and 3.2", "% formats a tensor otherwise")  # noqa: UP031


@check("numpy.hash")
def test_tensors_hash_by_identity(subject: Subject) -> None:
    a, b = torch.tensor([1, 2]), torch.tensor([1, 2])
    require(hash(a) == hash(a) and len({a, a}) == 1 and {a: 1}[a] == 1, "a tensor does not find itself in a set")
    require(len({a, b}) == 2, "two equal tensors count as one key", 2, len({a, b}))


@check("numpy.no-buffer")
def test_tensors_are_no_buffers(subject: Subject) -> None:
    t = torch.ones(2, dtype=torch.uint8, device=subject.device)
    assert_raises("memoryview(t)", TypeError, lambda: memoryview(t))  # type: ignore[arg-type]
    require(not hasattr(t, "__array_interface__"), "a tensor has an __array_interface__")
    require(
        t.device.type == "cuda" or not hasattr(t, "__cuda_array_interface__"), "a tensor off CUDA has its interface"
    )
    call: Callable[[], Any] = lambda: bytes(t)  # noqa: E731
    require(call() == b"\x01\x01", "bytes(t) are not its elements", b"\x01\x01", call())
    require(
        all(DTYPES[name].bytes == host.torch_dtype(name).itemsize for name in COMMON)
        if hasattr(torch.uint8, "itemsize")
        else t.element_size() == 1,
        "an element has another size than its dtype",
    )
    require(np.asarray(t.cpu()).itemsize == 1, "np.asarray(t) has wider elements than t")


@check("numpy.iteration")
def test_rows_and_reversed_rows_stay_in_the_graph(subject: Subject) -> None:
    for shape in ((3,), (3, 2), (1, 4), (2, 3, 2)):
        values = distinct("float32", shape)
        for name, parts in {"iteration": iter, "unpacking": lambda x: [*x], "reversed": reversed}.items():
            leaf = host.tensor(values, "float32", subject.device).requires_grad_()
            for number, row in enumerate(parts(leaf)):
                require(row.requires_grad, f"row {number} of {name} over a leaf has left the graph")
                (row * (number + 1)).sum().backward()
            weights = np.arange(1.0, shape[0] + 1)[:: -1 if name == "reversed" else 1]
            due = np.broadcast_to(weights.reshape(-1, *[1] * (len(shape) - 1)), shape)
            assert_values(f"the gradient through {name} over {shape}", leaf.grad, due, dtype="float32")


@check("numpy.format")
def test_tensors_with_dimensions_take_no_format_code(subject: Subject) -> None:
    for shape in ((1,), (1, 1), (0,), (2,), (2, 2)):
        for dtype in ("float32", "int64", "bool"):
            t = torch.ones(shape, dtype=host.torch_dtype(dtype), device=subject.device)
            require(f"{t}" == str(t), f"a {dtype} tensor of {shape} formats otherwise than str", str(t), f"{t}")
            for code in (".2f", "d", "5"):
                assert_raises(f"format of a {dtype} tensor of {shape} as {code!r}", TypeError, lambda: format(t, code))

"""What copies, converts or detaches a tensor, in every form: what passes gradients on, and what does not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf, version

pytestmark = must_answer

Form = Callable[[torch.Tensor], torch.Tensor]
CONVERSIONS: dict[str, tuple[str, Form]] = {
    "x.float()": ("float32", lambda x: x.float()),
    "x.double()": ("float64", lambda x: x.double()),
    "x.half()": ("float16", lambda x: x.half()),
    "x.bfloat16()": ("bfloat16", lambda x: x.bfloat16()),
    "x.cfloat()": ("complex64", lambda x: x.cfloat()),
    "x.cdouble()": ("complex128", lambda x: x.cdouble()),
    "x.to(torch.float16)": ("float16", lambda x: x.to(torch.float16)),
    "x.to(dtype=torch.float32)": ("float32", lambda x: x.to(dtype=torch.float32)),
    "x.to(x.device, torch.bfloat16)": ("bfloat16", lambda x: x.to(x.device, torch.bfloat16)),
    "x.to(torch.float64, copy=True)": ("float64", lambda x: x.to(torch.float64, copy=True)),
    "x.to(y)": ("float32", lambda x: x.to(x.new_empty(1, dtype=torch.float32))),
    "x.type(torch.float16)": ("float16", lambda x: x.type(torch.float16)),
    "x.type(torch.float64)": ("float64", lambda x: x.type(torch.float64)),
    "x.type_as(y)": ("bfloat16", lambda x: x.type_as(x.new_empty(1, dtype=torch.bfloat16))),
    "x.cpu()": ("", lambda x: x.cpu()),
    "x.clone()": ("", lambda x: x.clone()),
    "torch.clone(x)": ("", lambda x: torch.clone(x)),
    "x.clone(memory_format=torch.contiguous_format)": ("", lambda x: x.clone(memory_format=torch.contiguous_format)),
    "x.clone(memory_format=torch.preserve_format)": ("", lambda x: x.clone(memory_format=torch.preserve_format)),
    "x.contiguous()": ("", lambda x: x.contiguous()),
    "torch.empty_like(x).copy_(x)": ("", lambda x: torch.empty_like(x).copy_(x)),
    "x.new_empty(…, dtype=torch.float32).copy_(x)": (
        "float32",
        lambda x: x.new_empty(x.shape, dtype=torch.float32).copy_(x),
    ),
    "torch.positive(x)": ("", lambda x: torch.positive(x)),
    "x.requires_grad_()": ("", lambda x: x.requires_grad_()),
}


@check("autograd.copies-pass-gradients")
@pytest.mark.parametrize("name", CONVERSIONS)
def test_a_copy_passes_the_gradient_on_as_it_is(subject: Subject, name: str) -> None:
    dtype, convert = CONVERSIONS[name]
    for own in ("float64", "float32", "float16", "bfloat16"):
        for layout in ("contiguous", "transposed", "row_stepped", "offset"):
            for shape in ((5, 16),) if own != "float64" else ((3, 4), (5, 16)):
                x = leaf(np.ones(shape), subject, own, layout)
                y = convert(x)
                require(host.dtype_name(y.dtype) == (dtype or own), f"the dtype of {name}", dtype or own, y.dtype)
                require(y.requires_grad, f"{name} does not require grad ({own}, {layout})", True, False)
                v = np.arange(1.0, y.numel() + 1).reshape(shape)
                for times in (1, 2):
                    y.backward(torch.tensor(v, dtype=y.dtype, device=y.device), retain_graph=True)
                    exact(f"x.grad after {times} passes through {name} ({own}, {layout})", x.grad, v * times, own)


DETACHING: dict[str, Form] = {
    "x.detach()": lambda x: x.detach(),
    "torch.detach(x)": lambda x: torch.detach(x),
    "x.data": lambda x: x.data,
    "x.clone().detach_()": lambda x: x.clone().detach_(),
    "torch.detach_(x.clone())": lambda x: torch.detach_(x.clone()),
}


@check("autograd.detach-forms")
@pytest.mark.parametrize("name", DETACHING)
def test_every_form_of_detach_cuts_the_history(subject: Subject, name: str) -> None:
    for layout in ("contiguous", "transposed", "row_stepped", "offset"):
        for shape in ((), (2, 3), (8, 40)):
            x = leaf(np.full(shape, 2.0), subject, layout=layout if shape else "contiguous")
            out = DETACHING[name](x)
            plain = type(out) is torch.Tensor and out.is_leaf and out.grad_fn is None and not out.requires_grad
            require(plain, f"{name} is a leaf without history ({layout}, {shape})", True, out)
            require(out.grad is None, f"{name}.grad", None, out.grad)
            (x * out).sum().backward()
            exact(f"x.grad of (x * {name}).sum()", x.grad, np.full(shape, 2.0))
            same = out.data_ptr() == x.data_ptr() and out.stride() == x.stride()
            require(same == ("clone" not in name), f"{name} has the memory and strides of x", True, out.stride())


@check("autograd.detach-forms")
def test_detach_of_parameters_and_conjugates(subject: Subject) -> None:
    parameter = torch.nn.Parameter(torch.ones(3, device=subject.device))
    parameter.grad = torch.ones_like(parameter)
    for name in ("x.detach()", "torch.detach(x)", "x.data"):
        out = DETACHING[name](parameter)
        require(type(out) is torch.Tensor, f"{name} of a Parameter", torch.Tensor, type(out))
        require(out.grad is None, f"{name}.grad of a Parameter with a gradient", None, out.grad)
        z = torch.tensor([1 + 2j, 3 - 1j], device=subject.device)
        out = DETACHING[name](z.conj())
        require(out.is_conj() and out.data_ptr() == z.data_ptr(), f"{name} of z.conj() is no view of z", True, out)
        require(out.tolist() == [1 - 2j, 3 + 1j], f"{name} of z.conj()", [1 - 2j, 3 + 1j], out.tolist())


@check("autograd.detach-forms")
def test_detaching_in_place_returns_the_tensor_itself(subject: Subject) -> None:
    for name, detach in {"y.detach_()": lambda y: y.detach_(), "torch.detach_(y)": lambda y: torch.detach_(y)}.items():
        for size in (1, 3, 500):
            x = leaf(np.ones(size), subject)
            y = x * 2
            told = version(y)
            require(detach(y) is y, f"{name} gives another tensor", "y", "another")
            require(not y.requires_grad and y.is_leaf and y.grad_fn is None, f"{name} leaves y a result", True, y)
            require(version(y) == told, f"{name} counts as a write", told, version(y))
            require(x.requires_grad and x.grad is None, f"{name} changed x", True, x)
            exact(f"y after {name}", y, np.full(size, 2.0))
        plain = constant([1.0], subject)
        require(detach(plain) is plain, f"{name} of a tensor without history gives another", "y", "another")

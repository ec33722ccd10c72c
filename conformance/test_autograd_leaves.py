"""What may become a leaf's gradient, detached tensors of every size, and inference_mode(False) as a decorator."""

from __future__ import annotations

import numpy as np
import torch
from torch.autograd import forward_ad

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import exact, leaf

pytestmark = must_answer

SHAPES: tuple[tuple[int, ...], ...] = ((), (1,), (1, 1), (0,), (2, 3), (3, 2), (6,), (40,), (2, 0))
DTYPES = ("float64", "float32", "float16", "int64", "bool", "complex128")


@check("autograd.grad-assignment")
def test_a_gradient_has_the_shape_and_dtype_of_its_leaf(subject: Subject) -> None:
    for shape in SHAPES:
        x = leaf(np.ones(shape), subject, "float32")
        own = host.tensor(np.ones(shape), "float32", subject.device)
        x.grad = own
        others = [(other, "float32") for other in SHAPES if other != shape]
        for other, dtype in [*others, *((shape, dtype) for dtype in DTYPES if dtype != "float32")]:
            bad = host.tensor(np.ones(other), dtype, subject.device)
            call = lambda: setattr(x, "grad", bad)  # noqa: E731
            assert_raises(f"x.grad of shape {shape} = a tensor of {dtype}, shape {other}", RuntimeError, call)
        for bad in (x.clone(), x.detach().clone().requires_grad_(), own.expand(shape)):
            x.grad = bad
            require(x.grad is bad and x.grad is x.grad, "x.grad is what was assigned", "the same", "another")
            require(x.grad.requires_grad is bad.requires_grad, "its requires_grad", bad.requires_grad, "not so")
        del x.grad
        require(x.grad is None, "x.grad after del x.grad", None, x.grad)


@check("autograd.detach-shares-memory")
def test_detached_tensors_of_every_size_share_memory(subject: Subject) -> None:
    for shape in ((), (1,), (0,), (3, 5), (40, 40), (5, 4, 3, 2), (70_000,)):
        for dtype in ("float32", "float64", "complex64", "int64", "bool"):
            x = host.tensor(np.ones(shape), dtype, subject.device)
            for name, y in {"x.detach()": x.detach(), "torch.detach(x)": torch.detach(x), "x.data": x.data}.items():
                found = (y.data_ptr(), y.stride(), y.storage_offset(), y.shape, y.dtype)
                wanted = (x.data_ptr(), x.stride(), x.storage_offset(), x.shape, x.dtype)
                require(found == wanted, f"the memory of {name} ({dtype}, {shape})", wanted, found)
                if x.numel():
                    y.zero_()
                    require(not bool(x.any()), f"x after {name}.zero_() ({dtype}, {shape})", "zeros", "not so")
                    x.fill_(1)


@check("autograd.inference-mode-off")
def test_inference_mode_off_is_a_decorator_too(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)

    @torch.inference_mode(False)
    def tracked() -> tuple:
        return torch.is_inference_mode_enabled(), torch.is_grad_enabled(), x * 3

    @torch.inference_mode(mode=True)
    def untracked() -> tuple:
        return torch.is_inference_mode_enabled(), torch.is_grad_enabled(), x * 3

    for times in (1, 2, 3):
        with torch.inference_mode():
            *found, out = tracked()
        require(found == [False, True], f"both modes in inference_mode(False), call {times}", [False, True], found)
        exact("the gradient of what it made", torch.autograd.grad(out.sum(), x)[0], [3.0, 3.0])
        *found, out = untracked()
        require(found == [True, False], f"both modes in inference_mode(True), call {times}", [True, False], found)
        require(out.is_inference() and not out.requires_grad, "what it made is an inference tensor", True, False)


@check("autograd.forward-mode-parts")
def test_a_dual_tensor_is_made_of_the_tensors_given(subject: Subject) -> None:
    for shape in ((), (3,), (2, 3), (40, 40)):
        for flag in (False, True):
            x = leaf(np.ones(shape), subject).requires_grad_(flag)
            tangent = host.tensor(np.ones(shape) * 2, "float64", subject.device)
            with forward_ad.dual_level():
                dual = forward_ad.make_dual(x, tangent)
                primal, found = forward_ad.unpack_dual(dual)
                shared = (primal.data_ptr(), found.data_ptr())
                wanted = (x.data_ptr(), tangent.data_ptr())
                require(shared == wanted, f"the memory of both parts, shape {shape}", wanted, shared)
                require(primal.requires_grad is flag, "the primal's requires_grad", flag, primal.requires_grad)
                plain = forward_ad.unpack_dual(x)
                require(plain.tangent is None, "the tangent of a plain tensor", None, plain.tangent)

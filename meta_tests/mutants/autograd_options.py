"""Gradients that are wrong for one option, one form or complex numbers only, and at NaN, infinity and complex zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch.autograd import forward_ad

from meta_tests.mutant import Mutant, patched
from meta_tests.wrong_gradients import back_output, bent

Tensor = torch.Tensor


def option(name: str, owner: Any, attribute: str, when: Callable[..., Any], claim: str = "options") -> Mutant:
    """A function with a half more gradient for some arguments."""

    def wrong(sound: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            out = sound(*args, **options)
            if not when(*args, **options):
                return out
            return bent(tuple(out) if isinstance(out, tuple) else out)  # a plain one: bent knows no others

        return call

    return patched(f"autograd.derivative-{claim}", name, owner, attribute, wrong)


def conjugated(name: str, owner: Any, attribute: str) -> Mutant:
    """A function of complex numbers whose gradient lacks a conjugation: by a hook of the node."""

    def turned(gradients: Any, results: Any) -> Any:
        return tuple(g if g is None or not g.is_complex() else g.conj().resolve_conj() for g in gradients)

    def wrong(sound: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            out = sound(*args, **options)
            node = getattr(out, "grad_fn", None)
            if node is not None:
                node.register_hook(turned)
            return out

        return call

    return patched("autograd.derivative-options", name, owner, attribute, wrong)


def given(keyword: str) -> Callable[..., bool]:
    return lambda *args, **options: keyword in options


def hooked(name: str, claim: str, owner: Any, attribute: str, change: Callable[[Tensor, Tensor], Tensor]) -> Mutant:
    """A method whose gradient is changed: `change(gradient, x)`, for a gradient of the shape of x."""

    def wrong(sound: Any) -> Any:
        def call(x: Tensor, *args: Any, **options: Any) -> Any:
            seen = x
            if isinstance(x, Tensor) and x.requires_grad and torch.is_grad_enabled():
                seen = x.view_as(x)
                seen.register_hook(lambda g: change(g, x.detach()))
            return sound(seen, *args, **options)

        return call

    return patched(f"autograd.{claim}", name, owner, attribute, wrong)


OPTIONS = [
    option("prod is off where dim is a keyword", Tensor, "prod", given("dim")),
    option("a negative whole exponent is off", torch.Tensor, "__pow__", lambda x, n: isinstance(n, int) and n < 0),
    option(
        "quantiles by midpoint are off",
        torch,
        "quantile",
        lambda *a, interpolation="", **k: interpolation == "midpoint",
    ),
    option("topk is off where it need not sort", torch, "topk", lambda *a, sorted=True, **k: not sorted),
    option("kthvalue is off with keepdim", torch, "kthvalue", given("keepdim")),
    option("index_reduce is off", Tensor, "index_reduce", lambda *a, **k: True),
    option("where is off with a number", torch, "where", lambda c, *a: a and not isinstance(a[-1], Tensor)),
    option("slice_scatter is off for a negative start", Tensor, "slice_scatter", lambda *a, start=0, **k: start < 0),
    option("masked_fill_ is off for a tensor", Tensor, "masked_fill_", lambda x, m, v: isinstance(v, Tensor)),
    option("index_fill is off for a tensor", Tensor, "index_fill", lambda x, d, i, v=0, **k: isinstance(v, Tensor)),
    option("the sum over the last but one dimension is off", Tensor, "sum", lambda *a, dim=None, **k: dim == -2),
    option(
        "einsum is off without an arrow", torch, "einsum", lambda code, *a: isinstance(code, str) and "-" not in code
    ),
    option("cross_entropy is off with label_smoothing", F, "cross_entropy", given("label_smoothing")),
    option("max_pool2d is off with dilation", F, "max_pool2d", given("dilation")),
    option("solutions from the right are off", torch.linalg, "solve", given("left")),
    option("ldexp is off", torch, "ldexp", lambda *a: True, "ldexp"),
    option("as_strided_scatter is off", torch, "as_strided_scatter", lambda *a: True, "as-strided-scatter"),
    option("det is off", Tensor, "det", lambda x: True, "det-singular"),
]

COMPLEX = [
    conjugated("the gradient of a complex cosine is conjugated", Tensor, "cos"),
    conjugated("the gradient of a complex sigmoid is conjugated", Tensor, "sigmoid"),
    conjugated("the gradient of a complex sgn is conjugated", Tensor, "sgn"),
    conjugated("the gradient of a complex power is conjugated", Tensor, "__pow__"),
    conjugated("the gradient of a complex quotient is conjugated", Tensor, "__truediv__"),
    conjugated("the gradient of a complex matmul is conjugated", torch, "matmul"),
    conjugated("the gradient of a complex dot is conjugated", torch, "dot"),
    conjugated("the gradient of a complex cumprod is conjugated", Tensor, "cumprod"),
    conjugated("the gradient of a complex inverse is conjugated", Tensor, "inverse"),
    conjugated("the gradient of a complex solve is conjugated", torch.linalg, "solve"),
    conjugated("the gradient of a complex cholesky is conjugated", torch.linalg, "cholesky"),
    conjugated("the gradient of a complex lerp is conjugated", torch, "lerp"),
]

POINTS = [
    hooked(
        "the slope of a complex abs at 0 is 1",
        "complex-at-zero",
        Tensor,
        "abs",
        lambda g, x: torch.where(x == 0, torch.ones_like(g), g),
    ),
    hooked(
        "the gradient of the largest is 0 beside a NaN",
        "nan-gets-the-gradient",
        Tensor,
        "max",
        lambda g, x: g * (0 if x.isnan().any() else 1),
    ),
    hooked(
        "nansum gives NaNs their share",
        "nan-left-out",
        Tensor,
        "nansum",
        lambda g, x: torch.where(x.isnan(), torch.ones_like(g), g),
    ),
    back_output(
        "autograd.saturated",
        "the gradient of sigmoid is never 0",
        "sigmoid_backward",
        lambda out, *a: torch.where(out == 0, torch.full_like(out, 1e-3), out),
    ),
    back_output(
        "autograd.max-pool-ties",
        "the gradient of max_pool2d is averaged over the window's row",
        "max_pool2d_with_indices_backward",
        lambda out, *a: out.mean(-1, keepdim=True).expand_as(out).clone(),
    ),
]


def both_broadcast(x: Tensor, y: Any, *a: Any, **k: Any) -> bool:
    shape = torch.broadcast_shapes(x.shape, y.shape) if isinstance(y, Tensor) else x.shape
    return isinstance(y, Tensor) and shape not in (x.shape, y.shape)


def leaning(name: str, owner: Any, attribute: str, when: Callable[..., Any] = lambda *a, **k: True) -> Mutant:
    """A function with a half more tangent for some arguments."""

    def leant(out: Tensor) -> Tensor:
        primal, tangent = forward_ad.unpack_dual(out)
        return out if tangent is None else forward_ad.make_dual(primal, tangent * 1.5)

    def wrong(sound: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            out = sound(*args, **options)
            if torch._C._is_fwd_grad_enabled() and forward_ad._current_level >= 0 and when(*args, **options):
                return leant(out) if isinstance(out, Tensor) else (leant(out[0]), *out[1:])
            return out

        return call

    return patched("autograd.derivative-options", name, owner, attribute, wrong)


def facing(name: str, owner: Any, attribute: str, when: Callable[[Tensor], Any]) -> Mutant:
    """A function with a half more gradient for some vectors."""

    def wrong(sound: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            out = sound(*args, **options)
            if out.grad_fn is not None:
                out.grad_fn.register_hook(
                    lambda found, given: tuple(g if g is None else g * (1.5 if when(given[0]) else 1) for g in found)
                )
            return out

        return call

    return patched("autograd.derivative-options", name, owner, attribute, wrong)


KINDS = [
    option("mean is off where dtype= is given", Tensor, "mean", given("dtype")),
    option("gammainc is off", torch.special, "gammainc", lambda *a, **k: True),
    option("averages over volumes are off", F, "avg_pool3d", lambda *a, **k: True),
    option("atan2 is off where both are broadcast", torch, "atan2", both_broadcast),
    option("the hypotenuse is off where both are broadcast", Tensor, "hypot", both_broadcast),
    option("the order of many is off", Tensor, "sort", lambda x, *a, **k: x.numel() > 1000),
    option("large softmaxes are off", Tensor, "softmax", lambda x, *a, **k: x.numel() > 1000),
    option("many products are off", torch, "bmm", lambda x, y: len(x) > 4),
    option("grid_sample is off beside the border", F, "grid_sample", lambda *a, padding_mode="", **k: padding_mode),
    option(
        "two indices are off", Tensor, "__getitem__", lambda x, i: isinstance(i, tuple) and isinstance(i[-1], Tensor)
    ),
    option("a causal mask is off", F, "scaled_dot_product_attention", given("is_causal")),
    option("float32 with float64 is off", Tensor, "__mul__", lambda x, y: getattr(y, "dtype", x.dtype) != x.dtype),
    option("a tensor by itself is off", Tensor, "__mul__", lambda x, y: x is y),
    leaning("the tangent of what is sorted is off", Tensor, "sort"),
    leaning("the tangent of a complex product is off", Tensor, "__mul__", lambda x, y: x.is_complex()),
    leaning("the tangent of logcumsumexp is off", Tensor, "logcumsumexp"),
    leaning("the tangent of a transposed convolution is off", F, "conv_transpose2d"),
    facing("cumsum is off for an expanded vector", Tensor, "cumsum", lambda v: v.numel() > 1 and 0 in v.stride()),
    facing(
        "a product is off for an expanded vector", Tensor, "__matmul__", lambda v: v.numel() > 1 and 0 in v.stride()
    ),
]

MUTANTS = [*OPTIONS, *COMPLEX, *POINTS, *KINDS]

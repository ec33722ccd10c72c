"""Wrong gradients at ties, bounds, zeros and infinities."""

from __future__ import annotations

from typing import Any

import torch

from meta_tests.mutant import Mutant, patched
from meta_tests.wrong_gradients import back_kernel, back_output, bending

F = torch.nn.functional
aten = torch.ops.aten


def identity(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    return x


def with_gradient(function: Any, gradient: Any) -> Any:
    """A function with the values of one and the gradient of another: `gradient(g, x, y)`."""

    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, *args: Any) -> Any:
            out = function(x, *args)
            ctx.save_for_backward(x, out)
            ctx.count = len(args)
            return out

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return (gradient(g, *ctx.saved_tensors), *[None] * ctx.count)

    return Wrong.apply


MUTANTS: list[Mutant] = [
    back_output("autograd.abs-at-zero", "the slope of abs at 0 is 1", "sgn", lambda out, x: out + (x == 0)),
    back_kernel(
        "autograd.relu-at-zero", "the slope of relu at 0 is 1", "threshold_backward", lambda func, g, x, t: g * (x >= t)
    ),
    back_kernel(
        "autograd.kinks",
        "hardtanh's bounds count as inside",
        "hardtanh_backward",
        lambda func, g, x, low, high: g * ((x >= low) & (x <= high)),
    ),
    back_output(
        "autograd.hardswish-at-bounds",
        "hardswish is a little steeper at -3",
        "hardswish_backward",
        lambda out, g, x: out + 0.125 * (x == -3),
    ),
    back_kernel("autograd.clamp-at-bounds", "clamp's bounds count as outside", "ge.Scalar", lambda func, x, y: x > y),
    back_kernel(
        "autograd.clamp-at-tensor-bounds",
        "clamp's tensor bounds get the gradient of a tie",
        "le.Tensor",
        lambda func, x, y: x < y,
    ),
    back_output(
        "autograd.full-reductions-share-ties",
        "each largest element gets the whole gradient",
        "sum",
        lambda out, x, *a: torch.ones_like(out) if x.dtype == torch.bool else out,
    ),
    back_output(
        "autograd.amax-shares-ties",
        "each largest element gets the whole gradient",
        "sum.dim_IntList",
        lambda out, x, *a: torch.ones_like(out) if x.dtype == torch.bool else out,
    ),
    back_kernel("autograd.maximum-shares-ties", "both get the whole gradient of a tie", "div.Scalar", identity),
    back_kernel(
        "autograd.fmax-at-ties", "the second gets the gradient of a tie", "ge.Tensor", lambda func, x, y: x > y
    ),
    bending("autograd.ties-at-one-quantile", "the gradient of a quantile is doubled", torch, "quantile", 2.0),
    bending(
        "autograd.scatter-reduce-ties",
        "scatter_reduce gives ties the whole gradient",
        torch.Tensor,
        "scatter_reduce",
        2.0,
    ),
    back_kernel("autograd.norm-at-zero", "the gradient of a norm at 0 is nan", "masked_fill_", identity),
    back_output("autograd.norm-of-some-zeros", "the 1-norm has slope 1 at 0", "sgn", lambda out, x: out + (x == 0)),
    back_output(
        "autograd.norm-inf-shares-ties",
        "each largest element gets the whole gradient",
        "sum.dim_IntList",
        lambda out, x, *a: torch.ones_like(out) if x.dtype == torch.bool else out,
    ),
    back_output("autograd.at-poles", "infinite slopes are cut off", "div.Tensor", lambda out, *a: out.nan_to_num()),
    patched(
        "autograd.prod-with-zeros",
        "the gradient of prod divides by its factors",
        torch.Tensor,
        "prod",
        lambda sound: (
            lambda x, *a, **k: (
                with_gradient(lambda x: sound(x), lambda g, x, y: g * y / x)(x)
                if not a and not k
                else sound(x, *a, **k)
            )
        ),
    ),
    patched(
        "autograd.cumprod-with-zeros",
        "the gradient of cumprod divides by its factors",
        torch.Tensor,
        "cumprod",
        lambda sound: (
            lambda x, dim: with_gradient(
                lambda x: sound(x, dim), lambda g, x, y: (g * y).flip(dim).cumsum(dim).flip(dim) / x
            )(x)
        ),
    ),
    patched(
        "autograd.pow-at-zero",
        "x ** 0 has a gradient",
        torch.Tensor,
        "__pow__",
        lambda sound: lambda x, n: sound(x, n) + (x - x.detach()) if isinstance(n, int) and n == 0 else sound(x, n),
    ),
    patched(
        "autograd.pow-of-negative-base",
        "the gradient of an exponent over a negative base is 0",
        torch.Tensor,
        "__pow__",
        lambda sound: lambda x, n: sound(x, n) if not isinstance(n, torch.Tensor) else sound(x, n.detach()) + 0 * n,
    ),
    bending("autograd.xlogy-at-zero", "the gradient of xlogy is halved", torch, "xlogy", 0.5),
    patched(
        "autograd.std-of-one-element",
        "the deviation of one element has gradient 0",
        torch.Tensor,
        "std",
        lambda sound: lambda x, *a, **k: x.sum() * 0 if x.numel() == 1 else sound(x, *a, **k),
    ),
    back_kernel(
        "autograd.std-of-equal-elements", "the deviation of equal elements has gradient nan", "masked_fill_", identity
    ),
    back_kernel(
        "autograd.fmod-derivatives",
        "remainder's quotient is truncated",
        "div.Tensor_mode",
        lambda func, x, y, rounding_mode=None: func(x, y, rounding_mode="trunc"),
    ),
    back_kernel("autograd.copysign-at-zero", "copysign at 0 has gradient nan", "masked_fill_", identity),
    bending("autograd.lerp-with-weights", "lerp with weights has twice the gradient", torch, "lerp", 2.0),
    patched(
        "autograd.nan-to-num-gradient",
        "nan_to_num passes the gradient at nan on",
        torch.Tensor,
        "nan_to_num",
        lambda sound: lambda x, *a: x + (sound(x, *a) - x).detach(),
    ),
    back_output(
        "autograd.where-keeps-apart", "both branches get the gradient", "where.self", lambda out, c, a, b: a + b
    ),
    back_output(
        "autograd.where-lets-nan-through", "nan is taken for 0", "div.Tensor", lambda out, *a: out.nan_to_num()
    ),
    back_kernel(
        "autograd.duplicates-add-up",
        "duplicates in gather count once",
        "scatter_add",
        lambda func, x, dim, index, src: x.scatter(dim, index, src),
    ),
    back_kernel(
        "autograd.duplicates-add-up",
        "duplicates in an index count once",
        "index_put",
        lambda func, x, index, values, accumulate=False: func(x, index, values, False),
    ),
    bending("autograd.logsumexp-at-infinity", "the gradient of logsumexp is doubled", torch, "logsumexp", 2.0),
    patched(
        "autograd.empty-gradients",
        "empty products are not tracked",
        torch.Tensor,
        "prod",
        lambda sound: (
            lambda x, *a: (
                sound(x.detach() if x.numel() == 0 else x, *a)
                + (0 if x.numel() else torch.zeros((), requires_grad=True))
            )
        ),
    ),
    patched(
        "autograd.max-pool-ties",
        "the last of several largest gets the gradient",
        F,
        "max_pool1d",
        lambda sound: lambda x, n: sound(x.flip(-1), n).flip(-1),
    ),
    back_kernel(
        "autograd.one-index-gets-the-gradient",
        "the first of equal elements gets the gradient",
        "scatter.src",
        lambda func, x, dim, index, src: func(x, dim, index.roll(1, dim), src),
    ),
    back_output(
        "autograd.one-index-gets-the-gradient",
        "cummax shares the gradient among equals",
        "scatter_add",
        lambda out, *a: out / 2,
    ),
    back_kernel("autograd.atan2-at-origin", "the gradient of atan2 at the origin is nan", "masked_fill", identity),
    bending("autograd.atan2-on-axes", "atan2's gradient has the wrong sign", torch, "atan2", -1.0),
]

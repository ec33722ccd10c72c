"""Wrong derivatives."""

from __future__ import annotations

from typing import Any

import torch

from meta_tests.mutant import Mutant, patched, strided
from meta_tests.wrong_gradients import back_kernel, back_output, bending

F = torch.nn.functional
aten = torch.ops.aten


def is_float32(x: Any) -> bool:
    return isinstance(x, torch.Tensor) and x.dtype == torch.float32


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


DERIVATIVES: list[Mutant] = [
    back_output("autograd.derivative-elementwise", "the derivative of sin is off by a thousandth", "cos", lambda out, x: out * 1.001),
    back_output(
        "autograd.derivative-elementwise", "tanh_backward is wrong for strided gradients", "tanh_backward",
        lambda out, g, y: out * 2 if strided(g) else out,
    ),
    back_output("autograd.derivative-elementwise", "sigmoid_backward forgets y in float32", "sigmoid_backward",
                lambda out, g, y: g * (1 - y) if is_float32(g) else out),
    bending("autograd.derivative-elementwise", "logit's gradient is a tenth too large", torch, "logit", 1.1),
    back_kernel("autograd.derivative-piecewise", "relu lets every gradient through", "threshold_backward", lambda func, g, x, t: g),
    back_output("autograd.derivative-piecewise", "the gradient of abs lacks its sign", "sgn", lambda out, x: out.abs()),
    patched("autograd.derivative-piecewise", "round passes the gradient straight on", torch.Tensor, "round",
                 lambda sound: lambda x: x + (sound(x) - x).detach()),
    back_output("autograd.derivative-binary", "products round to half in float32", "mul.Tensor",
                lambda out, *a: out.half().float() if is_float32(out) else out),
    bending("autograd.derivative-binary", "the in-place lerp has a wrong gradient", torch.Tensor, "lerp_"),
    back_output("autograd.derivative-reduction", "softmax is wrong but for the last dimension", "_softmax_backward_data",
                lambda out, g, y, dim, dtype: out if dim in (-1, g.dim() - 1) else out * 1.1),
    back_kernel("autograd.derivative-reduction", "cumsum's gradient runs forwards", "flip", identity),
    back_output("autograd.derivative-norm", "cdist's gradient is doubled", "_cdist_backward", lambda out, *a: out * 2),
    back_kernel("autograd.derivative-norm", "p-norms use the root of |x|**(p-2)", "pow_.Scalar",
                lambda func, x, p: func(x, p / 2)),
    back_kernel("autograd.derivative-order", "sorted gradients go to the next place", "scatter.src",
                lambda func, x, dim, index, src: func(x, dim, (index + 1) % x.shape[dim], src)),
    bending("autograd.derivative-order", "the gradient of quantile is halved", torch, "quantile", 0.5),
    back_kernel("autograd.derivative-view", "the gradient of a slice forgets its start", "slice_backward",
                lambda func, g, sizes, dim, start, end, step: func(g, sizes, dim, 0, end - start, step)),
    back_output("autograd.derivative-view", "overlapping windows do not add up", "unfold_backward", lambda out, *a: out.clamp(-1.9, 1.9)),
    back_kernel("autograd.derivative-join", "flip's gradient is not flipped", "flip", identity),
    back_output("autograd.derivative-join", "reflected padding loses what was mirrored", "reflection_pad1d_backward",
                lambda out, g, x, pad: aten.constant_pad_nd(g, [-pad[0], -pad[1]])),
    back_kernel("autograd.derivative-index", "index_add's gradient overwrites", "index_add",
                lambda func, x, dim, index, src, **k: x.index_copy(dim, index, src)),
    back_output("autograd.derivative-index", "gather's gradient is wrong in the first dimension", "scatter_add",
                lambda out, x, dim, *a: out.roll(1, 0) if dim == 0 else out),
    back_output("autograd.derivative-product", "products with strided factors are off", "mm",
                lambda out, a, b: out * 1.001 if strided(a) else out),
    back_output("autograd.derivative-product", "batched products are not transposed", "bmm", lambda out, a, b: -out),
    back_output("autograd.derivative-solution", "a triangular solve in the backward pass has the wrong sign", "linalg_solve_triangular",
                lambda out, *a: -out),
    bending("autograd.derivative-solution", "the gradient of slogdet is doubled", torch.linalg, "inv", 2.0),
    bending("autograd.derivative-decomposition", "the gradient of svdvals is off by a thousandth", torch.linalg, "svdvals", 1.001),
    bending("autograd.derivative-decomposition", "the gradient of eigvalsh has the wrong sign", torch.linalg, "eigvalsh", -1.0),
    back_output("autograd.derivative-layer", "max_pool2d's gradient is moved by one", "max_pool2d_with_indices_backward",
                lambda out, *a: out.roll(1, -1)),
    back_output("autograd.derivative-layer", "layer_norm's gradient is scaled", "native_layer_norm_backward",
                lambda out, *a: (out[0] * 1.01, out[1], out[2])),
    back_output("autograd.derivative-loss", "mse_loss forgets the factor two", "mse_loss_backward", lambda out, *a: out / 2),
    back_output("autograd.derivative-loss", "nll_loss ignores its weights", "nll_loss_backward",
                lambda out, g, x, target, weight, *a: out if weight is None else out.sign() * out.abs().mean()),
    back_kernel("autograd.derivative-complex", "the gradients of products are not conjugate", "_conj", identity),
    bending("autograd.derivative-complex", "the gradient of a complex exponential is doubled", torch, "exp", 2.0, torch.is_complex),
    back_output("autograd.sum-backward", "constant gradients are doubled in products", "mul.Tensor",
                lambda out, a, b: out * 2 if isinstance(a, torch.Tensor) and a.dim() and 0 in a.stride() else out),
    patched("autograd.second-derivative", "gradients with a graph have a bent graph", torch.autograd, "grad",
                 lambda sound: lambda *a, create_graph=False, **k: tuple(
                     g + 0.001 * (g - g.detach()) if create_graph and g is not None else g
                     for g in sound(*a, create_graph=create_graph, **k))),
    back_output("autograd.derivative-of-any-size", "long gradients lose their last element", "mul.Tensor mul.Scalar",
                lambda out, *a: out.index_fill(0, torch.tensor([out.numel() - 1]), 0) if out.dim() == 1 and out.numel() > 32768 else out),
    back_output("autograd.derivative-of-any-size", "0-d products are doubled", "mul.Tensor", lambda out, a, b: out * 2 if out.dim() == 0 else out),
    back_output("autograd.derivative-broadcast", "broadcast gradients are averaged", "sum.dim_IntList",
                lambda out, x, dims, *a: out / x.shape[dims[0]] if dims else out),
    back_output("autograd.derivative-expanded", "expanded gradients are averaged", "sum.dim_IntList",
                lambda out, x, dims, *a: out / x.shape[dims[0]] if dims else out),
    back_output("autograd.derivative-reduced-precision", "products of bfloat16 lose their sign", "mul.Tensor",
                lambda out, *a: out.abs() if out.dtype == torch.bfloat16 else out),
    back_output("autograd.broadcast-reduced", "a gradient of several broadcast dimensions misses one", "sum.dim_IntList",
                lambda out, x, dims, *a: out * 0.5 if len(dims) > 1 else out),
    bending("autograd.sum-spreads", "the gradient of a mean over a negative dimension is doubled", torch.Tensor, "mean", 2.0,
            lambda x, dim=0, *a: dim < 0),
    back_kernel("autograd.indexing-adds-up", "an index counts each row once", "index_put",
                lambda func, x, index, values, accumulate=False: func(x, index, values, False)),
    bending("autograd.scatter-gradients", "index_add passes too much on", torch.Tensor, "index_add"),
    back_output("autograd.vjp-of-products", "large products are off", "mm", lambda out, a, b: out * 1.01 if a.numel() > 100 else out),
    bending("autograd.cat-splits", "cat's gradient is doubled for negative dimensions", torch, "cat", 2.0, lambda x, dim=0: dim < 0),
]  # fmt: skip

CONVENTIONS: list[Mutant] = [
    back_output("autograd.abs-at-zero", "the slope of abs at 0 is 1", "sgn", lambda out, x: out + (x == 0)),
    back_kernel("autograd.relu-at-zero", "the slope of relu at 0 is 1", "threshold_backward", lambda func, g, x, t: g * (x >= t)),
    back_kernel("autograd.kinks", "hardtanh's bounds count as inside", "hardtanh_backward",
                lambda func, g, x, low, high: g * ((x >= low) & (x <= high))),
    back_kernel("autograd.clamp-at-bounds", "clamp's bounds count as outside", "ge.Scalar", lambda func, x, y: x > y),
    back_kernel("autograd.clamp-at-bounds", "clamp's tensor bounds get the gradient of a tie", "le.Tensor", lambda func, x, y: x < y),
    back_output("autograd.full-reductions-share-ties", "each largest element gets the whole gradient", "sum",
                lambda out, x, *a: torch.ones_like(out) if x.dtype == torch.bool else out),
    back_output("autograd.amax-shares-ties", "each largest element gets the whole gradient", "sum.dim_IntList",
                lambda out, x, *a: torch.ones_like(out) if x.dtype == torch.bool else out),
    back_kernel("autograd.maximum-shares-ties", "both get the whole gradient of a tie", "div.Scalar", identity),
    back_kernel("autograd.fmax-at-ties", "the second gets the gradient of a tie", "ge.Tensor", lambda func, x, y: x > y),
    bending("autograd.ties-at-one-quantile", "the gradient of a quantile is doubled", torch, "quantile", 2.0),
    bending("autograd.scatter-reduce-ties", "scatter_reduce gives ties the whole gradient", torch.Tensor, "scatter_reduce", 2.0),
    back_kernel("autograd.norm-at-zero", "the gradient of a norm at 0 is nan", "masked_fill_", identity),
    back_output("autograd.norm-of-some-zeros", "the 1-norm has slope 1 at 0", "sgn", lambda out, x: out + (x == 0)),
    back_output("autograd.norm-inf-shares-ties", "each largest element gets the whole gradient", "sum.dim_IntList",
                lambda out, x, *a: torch.ones_like(out) if x.dtype == torch.bool else out),
    back_output("autograd.at-poles", "infinite slopes are cut off", "div.Tensor", lambda out, *a: out.nan_to_num()),
    patched("autograd.prod-with-zeros", "the gradient of prod divides by its factors", torch.Tensor, "prod",
            lambda sound: lambda x, *a, **k: with_gradient(lambda x: sound(x), lambda g, x, y: g * y / x)(x) if not a and not k else sound(x, *a, **k)),
    patched("autograd.cumprod-with-zeros", "the gradient of cumprod divides by its factors", torch.Tensor, "cumprod",
            lambda sound: lambda x, dim: with_gradient(
                lambda x: sound(x, dim), lambda g, x, y: (g * y).flip(dim).cumsum(dim).flip(dim) / x)(x)),
    patched("autograd.pow-at-zero", "x ** 0 has a gradient", torch.Tensor, "__pow__",
            lambda sound: lambda x, n: sound(x, n) + (x - x.detach()) if isinstance(n, int) and n == 0 else sound(x, n)),
    patched("autograd.pow-of-negative-base", "the gradient of an exponent over a negative base is 0", torch.Tensor, "__pow__",
            lambda sound: lambda x, n: sound(x, n) if not isinstance(n, torch.Tensor) else sound(x, n.detach()) + 0 * n),
    bending("autograd.xlogy-at-zero", "the gradient of xlogy is halved", torch, "xlogy", 0.5),
    patched("autograd.std-of-one-element", "the deviation of one element has gradient 0", torch.Tensor, "std",
            lambda sound: lambda x, *a, **k: x.sum() * 0 if x.numel() == 1 else sound(x, *a, **k)),
    back_kernel("autograd.std-of-equal-elements", "the deviation of equal elements has gradient nan", "masked_fill_", identity),
    back_kernel("autograd.fmod-derivatives", "remainder's quotient is truncated", "div.Tensor_mode",
                lambda func, x, y, rounding_mode=None: func(x, y, rounding_mode="trunc")),
    back_kernel("autograd.copysign-at-zero", "copysign at 0 has gradient nan", "masked_fill_", identity),
    bending("autograd.lerp-with-weights", "lerp with weights has twice the gradient", torch, "lerp", 2.0),
    patched("autograd.nan-to-num-gradient", "nan_to_num passes the gradient at nan on", torch.Tensor, "nan_to_num",
            lambda sound: lambda x, *a: x + (sound(x, *a) - x).detach()),
    back_output("autograd.where-keeps-apart", "both branches get the gradient", "where.self", lambda out, c, a, b: a + b),
    back_output("autograd.where-lets-nan-through", "nan is taken for 0", "div.Tensor", lambda out, *a: out.nan_to_num()),
    back_kernel("autograd.duplicates-add-up", "duplicates in gather count once", "scatter_add",
                lambda func, x, dim, index, src: x.scatter(dim, index, src)),
    back_kernel("autograd.duplicates-add-up", "duplicates in an index count once", "index_put",
                lambda func, x, index, values, accumulate=False: func(x, index, values, False)),
    bending("autograd.logsumexp-at-infinity", "the gradient of logsumexp is doubled", torch, "logsumexp", 2.0),
    patched("autograd.empty-gradients", "empty products are not tracked", torch.Tensor, "prod",
            lambda sound: lambda x, *a: sound(x.detach() if x.numel() == 0 else x, *a) + (0 if x.numel() else torch.zeros((), requires_grad=True))),
    patched("autograd.max-pool-ties", "the last of several largest gets the gradient", F, "max_pool1d",
            lambda sound: lambda x, n: sound(x.flip(-1), n).flip(-1)),
    back_kernel("autograd.one-index-gets-the-gradient", "the first of equal elements gets the gradient", "scatter.src",
                lambda func, x, dim, index, src: func(x, dim, index.roll(1, dim), src)),
    back_output("autograd.one-index-gets-the-gradient", "cummax shares the gradient among equals", "scatter_add", lambda out, *a: out / 2),
    back_kernel("autograd.atan2-at-origin", "the gradient of atan2 at the origin is nan", "masked_fill", identity),
    bending("autograd.atan2-on-axes", "atan2's gradient has the wrong sign", torch, "atan2", -1.0),
]  # fmt: skip


def seen_before(sound: Any) -> Any:
    """autograd.backward, with a doubled vector whenever it starts from a node for the second time."""
    seen: set[Any] = set()

    def backward(tensors: Any, grad_tensors: Any = None, *args: Any, **kwargs: Any) -> Any:
        outs = (tensors,) if isinstance(tensors, torch.Tensor) else tuple(tensors)
        node = outs[0].grad_fn
        again, _ = node in seen, seen.add(node)
        if again and grad_tensors is not None:
            many = (grad_tensors,) if isinstance(grad_tensors, torch.Tensor) else grad_tensors
            grad_tensors = [None if v is None else 2 * v for v in many]
        return sound(tensors, grad_tensors, *args, **kwargs)

    return backward


REPEATED = [
    patched("autograd.repeated-derivatives", "a second pass through a graph counts twice", torch.autograd, "backward", seen_before),
]

MUTANTS: list[Mutant] = [*DERIVATIVES, *CONVENTIONS, *REPEATED]

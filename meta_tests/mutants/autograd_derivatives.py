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


DERIVATIVES: list[Mutant] = [
    back_output(
        "autograd.derivative-elementwise",
        "the derivative of sin is off by a thousandth",
        "cos",
        lambda out, x: out * 1.001,
    ),
    back_output(
        "autograd.derivative-elementwise",
        "tanh_backward is wrong for strided gradients",
        "tanh_backward",
        lambda out, g, y: out * 2 if strided(g) else out,
    ),
    back_output(
        "autograd.derivative-elementwise",
        "sigmoid_backward forgets y in float32",
        "sigmoid_backward",
        lambda out, g, y: g * (1 - y) if is_float32(g) else out,
    ),
    bending("autograd.derivative-elementwise", "logit's gradient is a tenth too large", torch, "logit", 1.1),
    back_kernel(
        "autograd.derivative-piecewise",
        "relu lets every gradient through",
        "threshold_backward",
        lambda func, g, x, t: g,
    ),
    back_output("autograd.derivative-piecewise", "the gradient of abs lacks its sign", "sgn", lambda out, x: out.abs()),
    patched(
        "autograd.derivative-piecewise",
        "round passes the gradient straight on",
        torch.Tensor,
        "round",
        lambda sound: lambda x: x + (sound(x) - x).detach(),
    ),
    back_output(
        "autograd.derivative-binary",
        "products round to half in float32",
        "mul.Tensor",
        lambda out, *a: out.half().float() if is_float32(out) else out,
    ),
    bending("autograd.derivative-binary", "the in-place lerp has a wrong gradient", torch.Tensor, "lerp_"),
    back_output(
        "autograd.derivative-reduction",
        "softmax is wrong but for the last dimension",
        "_softmax_backward_data",
        lambda out, g, y, dim, dtype: out if dim in (-1, g.dim() - 1) else out * 1.1,
    ),
    back_kernel("autograd.derivative-reduction", "cumsum's gradient runs forwards", "flip", identity),
    back_output("autograd.derivative-norm", "cdist's gradient is doubled", "_cdist_backward", lambda out, *a: out * 2),
    back_kernel(
        "autograd.derivative-norm",
        "p-norms use the root of |x|**(p-2)",
        "pow_.Scalar",
        lambda func, x, p: func(x, p / 2),
    ),
    back_kernel(
        "autograd.derivative-order",
        "sorted gradients go to the next place",
        "scatter.src",
        lambda func, x, dim, index, src: func(x, dim, (index + 1) % x.shape[dim], src),
    ),
    bending("autograd.derivative-order", "the gradient of quantile is halved", torch, "quantile", 0.5),
    back_kernel(
        "autograd.derivative-view",
        "the gradient of a slice forgets its start",
        "slice_backward",
        lambda func, g, sizes, dim, start, end, step: func(g, sizes, dim, 0, end - start, step),
    ),
    back_output(
        "autograd.derivative-view",
        "overlapping windows do not add up",
        "unfold_backward",
        lambda out, *a: out.clamp(-1.9, 1.9),
    ),
    back_kernel("autograd.derivative-join", "flip's gradient is not flipped", "flip", identity),
    back_output(
        "autograd.derivative-join",
        "reflected padding loses what was mirrored",
        "reflection_pad1d_backward",
        lambda out, g, x, pad: aten.constant_pad_nd(g, [-pad[0], -pad[1]]),
    ),
    back_kernel(
        "autograd.derivative-index",
        "index_add's gradient overwrites",
        "index_add",
        lambda func, x, dim, index, src, **k: x.index_copy(dim, index, src),
    ),
    back_output(
        "autograd.derivative-index",
        "gather's gradient is wrong in the first dimension",
        "scatter_add",
        lambda out, x, dim, *a: out.roll(1, 0) if dim == 0 else out,
    ),
    back_output(
        "autograd.derivative-product",
        "products with strided factors are off",
        "mm",
        lambda out, a, b: out * 1.001 if strided(a) else out,
    ),
    back_output("autograd.derivative-product", "batched products are not transposed", "bmm", lambda out, a, b: -out),
    back_output(
        "autograd.derivative-solution",
        "a triangular solve in the backward pass has the wrong sign",
        "linalg_solve_triangular",
        lambda out, *a: -out,
    ),
    bending("autograd.derivative-solution", "the gradient of slogdet is doubled", torch.linalg, "inv", 2.0),
    bending(
        "autograd.derivative-decomposition",
        "the gradient of svdvals is off by a thousandth",
        torch.linalg,
        "svdvals",
        1.001,
    ),
    bending(
        "autograd.derivative-decomposition",
        "the gradient of eigvalsh has the wrong sign",
        torch.linalg,
        "eigvalsh",
        -1.0,
    ),
    back_output(
        "autograd.derivative-layer",
        "max_pool2d's gradient is moved by one",
        "max_pool2d_with_indices_backward",
        lambda out, *a: out.roll(1, -1),
    ),
    back_output(
        "autograd.derivative-layer",
        "layer_norm's gradient is scaled",
        "native_layer_norm_backward",
        lambda out, *a: (out[0] * 1.01, out[1], out[2]),
    ),
    back_output(
        "autograd.derivative-loss", "mse_loss forgets the factor two", "mse_loss_backward", lambda out, *a: out / 2
    ),
    back_output(
        "autograd.derivative-loss",
        "nll_loss ignores its weights",
        "nll_loss_backward",
        lambda out, g, x, target, weight, *a: out if weight is None else out.sign() * out.abs().mean(),
    ),
    back_kernel("autograd.derivative-complex", "the gradients of products are not conjugate", "_conj", identity),
    bending(
        "autograd.derivative-complex",
        "the gradient of a complex exponential is doubled",
        torch,
        "exp",
        2.0,
        torch.is_complex,
    ),
    back_output(
        "autograd.sum-backward",
        "constant gradients are doubled in products",
        "mul.Tensor",
        lambda out, a, b: out * 2 if isinstance(a, torch.Tensor) and a.dim() and 0 in a.stride() else out,
    ),
    patched(
        "autograd.second-derivative",
        "gradients with a graph have a bent graph",
        torch.autograd,
        "grad",
        lambda sound: (
            lambda *a, create_graph=False, **k: tuple(
                g + 0.001 * (g - g.detach()) if create_graph and g is not None else g
                for g in sound(*a, create_graph=create_graph, **k)
            )
        ),
    ),
    back_output(
        "autograd.derivative-of-any-size",
        "long gradients lose their last element",
        "mul.Tensor mul.Scalar",
        lambda out, *a: (
            out.index_fill(0, torch.tensor([out.numel() - 1]), 0) if out.dim() == 1 and out.numel() > 32768 else out
        ),
    ),
    back_output(
        "autograd.derivative-of-any-size",
        "0-d products are doubled",
        "mul.Tensor",
        lambda out, a, b: out * 2 if out.dim() == 0 else out,
    ),
    back_output(
        "autograd.derivative-broadcast",
        "broadcast gradients are averaged",
        "sum.dim_IntList",
        lambda out, x, dims, *a: out / x.shape[dims[0]] if dims else out,
    ),
    back_output(
        "autograd.derivative-expanded",
        "expanded gradients are averaged",
        "sum.dim_IntList",
        lambda out, x, dims, *a: out / x.shape[dims[0]] if dims else out,
    ),
    back_output(
        "autograd.derivative-reduced-precision",
        "products of bfloat16 lose their sign",
        "mul.Tensor",
        lambda out, *a: out.abs() if out.dtype == torch.bfloat16 else out,
    ),
    back_output(
        "autograd.broadcast-reduced",
        "a gradient of several broadcast dimensions misses one",
        "sum.dim_IntList",
        lambda out, x, dims, *a: out * 0.5 if len(dims) > 1 else out,
    ),
    back_output(
        "autograd.broadcast-reduced",
        "a gradient of one broadcast dimension is halved",
        "sum.dim_IntList",
        lambda out, x, dims, *a: out * 0.5 if len(dims) == 1 else out,
    ),
    bending(
        "autograd.sum-spreads",
        "the gradient of a mean over a negative dimension is doubled",
        torch.Tensor,
        "mean",
        2.0,
        lambda x, dim=0, *a: dim < 0,
    ),
    back_kernel(
        "autograd.indexing-adds-up",
        "an index counts each row once",
        "index_put",
        lambda func, x, index, values, accumulate=False: func(x, index, values, False),
    ),
    bending("autograd.scatter-gradients", "index_add passes too much on", torch.Tensor, "index_add"),
    back_output(
        "autograd.vjp-of-products",
        "large products are off",
        "mm",
        lambda out, a, b: out * 1.01 if a.numel() > 100 else out,
    ),
    bending(
        "autograd.cat-splits",
        "cat's gradient is doubled for negative dimensions",
        torch,
        "cat",
        2.0,
        lambda x, dim=0: dim < 0,
    ),
]


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
    patched(
        "autograd.repeated-derivatives",
        "a second pass through a graph counts twice",
        torch.autograd,
        "backward",
        seen_before,
    ),
]

MUTANTS: list[Mutant] = [*DERIVATIVES, *REPEATED]

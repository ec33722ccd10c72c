"""Layers that are wrong in their kernels: for one layout, size, value or direction; or in what they give back."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from meta_tests.mutant import Mutant, kernel, output, patched, strided
from meta_tests.mutants.layer_rare import off

INF = float("inf")


def _no_nan(func: Any, x: torch.Tensor, *args: Any) -> Any:
    return func(x.nan_to_num(nan=-INF, posinf=INF, neginf=-INF), *args)


def _finite(out: Any, *_: Any) -> Any:
    return (out[0].clamp_min(torch.finfo(out[0].dtype).min), out[1])


def _weight_strided(sound: Any) -> Any:
    return lambda x, w, *a, **k: off(sound(x, w, *a, **k)) if strided(w) else sound(x, w, *a, **k)


def spoilt(out: Any) -> Any:
    """The first of several results that there is, a little off."""
    if isinstance(out, torch.Tensor):
        return off(out)
    place = next(i for i, each in enumerate(out) if each is not None)
    return (*out[:place], off(out[place]), *out[place + 1 :])


def backward(claim: str, op: str, says: str, given: Any) -> Mutant:
    """A kernel of a gradient that is off where its arguments, the result's gradient first, are such."""

    def wrong(func: Any, *args: Any, **options: Any) -> Any:
        out = func(*args, **options)
        return spoilt(out) if given(*args) else out

    return kernel(f"layer.{claim}", f"{op} is off for {says}", op, wrong)


def _spread(g: torch.Tensor, *_: Any) -> bool:
    return g.numel() > 1 and 0 in g.stride()


def _single(g: torch.Tensor, *_: Any) -> bool:
    return g.dtype is torch.float32


def convolved(claim: str, says: str, given: Any) -> Mutant:
    """`given(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)`."""

    def wrong(out: Any, *args: Any) -> Any:
        return off(out) if given(*args[:9]) else out

    return output(f"layer.{claim}", says, "convolution", wrong)


BACKWARD = [
    *[backward(claim, op, "one number spread over all elements", _spread) for claim, op in (
        ("convolutions", "convolution_backward"), ("pooling", "avg_pool2d_backward"),
        ("layer-norm", "native_layer_norm_backward"), ("activation-options", "gelu_backward"),
        ("grid-sample", "grid_sampler_2d_backward"), ("padding", "reflection_pad2d_backward"))],
    *[backward(claim, op, "float32", _single) for claim, op in (
        ("transposed-convolutions", "convolution_backward"), ("activation-options", "silu_backward"),
        ("activation-options", "mish_backward"), ("activation-options", "hardswish_backward"),
        ("activation-options", "_log_softmax_backward_data"), ("group-and-instance-norm", "native_group_norm_backward"),
        ("padding", "replication_pad3d_backward"))],
    backward("convolutions", "convolution_backward", "weights alone", lambda *a: not a[-1][0]),
    backward("convolutions", "convolution_backward", "channels last",
             lambda g, x, *a: strided(x) and x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)),
]  # fmt: skip

SIZES = [
    convolved("convolutions", "two filters for each channel are off",
              lambda x, w, b, s, p, d, t, o, g: g > 1 and w.shape[1] == 1 and len(w) == 2 * g and not t),
    convolved("convolutions", "kernels of more than 5 elements are off", lambda x, w, *a: max(w.shape[2:]) > 5),
    convolved("transposed-convolutions", "groups without bias are off",
              lambda x, w, b, s, p, d, t, o, g: t and g > 1 and b is None),
    convolved("transposed-convolutions", "kernels of one element are off",
              lambda x, w, b, s, p, d, t, o, g: t and max(w.shape[2:]) == 1),
    kernel("layer.convolution-extremes", "NaN in a weight counts as 0", "convolution",
           lambda func, x, w, *a: func(x, w.nan_to_num(), *a)),
    kernel("layer.convolution-extremes", "infinities in the input are clipped", "convolution",
           lambda func, x, *a: func(x.clamp(-1e30, 1e30), *a)),
    *[kernel("layer.pooling-extremes", f"{op} passes NaN over", op, _no_nan)
      for op in ("max_pool2d_with_indices", "max_pool3d_with_indices", "adaptive_max_pool2d", "adaptive_max_pool3d")],
    kernel("layer.pooling-extremes", "avg_pool2d clips infinities", "avg_pool2d",
           lambda func, x, *a: func(x.clamp(-1e4, 1e4), *a)),
    output("layer.softmax-extremes", "softmax of more than 1024 is off", "_softmax",
           lambda out, x, d, h: off(out) if x.dim() and x.shape[d] > 1024 else out),
    output("layer.softmax-extremes", "softmax of one number is 0", "_softmax",
           lambda out, x, d, h: out if x.dim() else out * 0),
    output("layer.softmax-extremes", "softmax with an infinity is 0", "_softmax",
           lambda out, *a: out.nan_to_num(nan=0.0)),
    kernel("layer.softmax-extremes", "log_softmax takes -1e4 for -inf", "_log_softmax",
           lambda func, x, *a: func(x.clamp_min(-1e4), *a)),
    patched("layer.softmax-extremes", "softmax without a dimension takes the last", F, "softmax",
            lambda sound: lambda x, dim=None, *a, **k: sound(x, -1 if dim is None else dim, *a, **k)),
]  # fmt: skip


def _edge(name: str, says: str, wrong: Any) -> Mutant:
    return kernel("layer.activation-extremes", says, name, wrong)


def _squares(func: Any, x: torch.Tensor, shape: Any, weight: Any, bias: Any, eps: float) -> Any:
    """The variance as the mean of the squares less the square of the mean."""
    dims, out = list(range(x.dim() - len(shape), x.dim())), func(x, shape, weight, bias, eps)
    mean = x.mean(dims, keepdim=True)
    unit = (x - mean) / (((x * x).mean(dims, keepdim=True) - mean * mean).clamp_min(0) + eps).sqrt()
    unit = unit if weight is None else unit * weight
    return (unit if bias is None else unit + bias, *out[1:])


def _squares_of_batch(func: Any, x: Any, w: Any, b: Any, m: Any, v: Any, training: bool, *rest: Any) -> Any:
    out, dims = func(x, w, b, m, v, training, *rest), [0, *range(2, x.dim())]
    if not training or w is not None or not x.numel():
        return out
    mean = x.mean(dims, keepdim=True)
    spread = ((x * x).mean(dims, keepdim=True) - mean * mean).clamp_min(0)
    return ((x - mean) / (spread + rest[1]).sqrt(), *out[1:])


VALUES = [
    _edge("softplus", "softplus is the logarithm of 1 + exp", lambda func, x, beta=1, top=20: torch.where(
        x * beta > top, x, (1 + (x * beta).exp()).log() / beta)),
    _edge("elu", "elu is exp - 1", lambda func, x, a=1, s=1, i=1: torch.where(
        x > 0, x * s, (torch.exp(x * i) - 1) * a * s)),
    _edge("mish", "mish overflows", lambda func, x: x * torch.tanh(torch.log(1 + torch.exp(x)))),
    _edge("silu", "silu overflows", lambda func, x: x * (x.exp() / (1 + x.exp()))),
    _edge("hardswish", "hardswish takes NaN for 0", lambda func, x: func(x).nan_to_num(nan=0.0)),
    _edge("threshold", "threshold takes NaN for small", lambda func, x, t, v: torch.where(x > t, x, v)),
    kernel("layer.gelu-of-infinity", "gelu of infinity is NaN", "gelu",
           lambda func, x, **k: torch.where(x.isinf(), x * float("nan"), func(x, **k))),
    kernel("layer.norms-far-from-zero", "layer_norm takes a difference of squares", "native_layer_norm", _squares),
    kernel("layer.norms-far-from-zero", "batch_norm takes a difference of squares", "native_batch_norm",
           _squares_of_batch),
    patched("layer.batchnorm", "evaluation without statistics cuts gradients", nn.BatchNorm1d, "forward",
            lambda sound: lambda self, x: sound(self, x if self.training or self.track_running_stats else x.detach())),
]  # fmt: skip


def _lazy(sound: Any) -> Any:
    """The input itself where the result equals it."""

    def call(x: torch.Tensor, *args: Any, **options: Any) -> Any:
        out = sound(x, *args, **options)
        same = isinstance(out, torch.Tensor) and out.shape == x.shape and out.dtype == x.dtype
        return x if same and torch.equal(out, x) else out

    return call


def _shared(sound: Any) -> Any:
    """All samples lose the same channels."""

    def drop(x: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor:
        return x * sound(torch.ones_like(x[:1]), p, training) if training and x.dim() > 3 else sound(x, p, training)

    return drop


RESULTS = [
    *[patched("layer.new-results", f"{name} gives its input back where they are equal", F, name, _lazy)
      for name in ("relu", "pad", "interpolate", "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "hardtanh",
                   "leaky_relu", "pixel_shuffle", "normalize")],
    patched("layer.dropout", "dropout2d draws once for all samples", F, "dropout2d", _shared),
    patched("layer.dropout", "torch.dropout always trains", torch, "dropout",
            lambda sound: lambda input, p, train: sound(input, p, True)),
    patched("layer.dropout", "the repr of Dropout names no argument", nn.Dropout, "extra_repr",
            lambda sound: lambda self: f"{self.p}"),
    *[patched("layer.defaults", f"{kind.__name__} has another eps", kind, "__init__",
              lambda sound: lambda self, *a, eps=1e-6, **k: sound(self, *a, eps=eps, **k))
      for kind in (nn.GroupNorm, nn.InstanceNorm2d, nn.BatchNorm1d)],
    patched("layer.defaults", "a transformer's layers normalise with 1e-6", nn.TransformerEncoderLayer, "__init__",
            lambda sound: lambda self, *a, layer_norm_eps=1e-6, **k: sound(
                self, *a, layer_norm_eps=layer_norm_eps, **k)),
]  # fmt: skip


def _without_input(out: Any, *args: Any) -> Any:
    """The gradients of weights are off where the input's is not asked for: the last argument says which are."""
    return out if args[-1][0] else (out[0], *(None if g is None else off(g) for g in out[1:]))


CONSTANTS = [
    output("layer.norms-of-constants", f"{kind}_norm of constants has wrong gradients", f"native_{kind}_norm_backward",
           _without_input)
    for kind in ("group", "layer", "batch")
]  # fmt: skip

MUTANTS = [
    *CONSTANTS,
    patched("layer.conv2d-values", "conv2d is wrong for strided weights", F, "conv2d", _weight_strided),
    kernel("layer.maxpool", "max pooling passes NaN over", "max_pool2d_with_indices", _no_nan),
    output("layer.maxpool", "a window of -inf has the least number", "max_pool2d_with_indices", _finite),
    output(
        "layer.avgpool",
        "average pooling of strided planes is off",
        "avg_pool2d",
        lambda out, x, *_: off(out) if strided(x) else out,
    ),
    *BACKWARD,
    *SIZES,
    *VALUES,
    *RESULTS,
]

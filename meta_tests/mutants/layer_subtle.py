"""Wrong layers that are right for most of what they are called on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from meta_tests.mutant import Mutant, output, patched, strided

Sound = Callable[..., Any]


def nudged(out: Any, *args: Any) -> Any:
    """The last element of a result a hundredth larger, or one larger for integers."""
    if not isinstance(out, torch.Tensor) or out.numel() == 0:
        return out
    more = torch.zeros_like(out)
    more.view(-1)[-1] += 1 if not out.is_floating_point() else 0.01
    return out + more


def only(when: Callable[..., bool]) -> Callable[[Sound], Sound]:
    """Nudge the result where a condition on the arguments holds."""

    def wrap(sound: Sound) -> Sound:
        return lambda *a, **k: nudged(sound(*a, **k)) if when(*a, **k) else sound(*a, **k)

    return wrap


def function(claim: str, says: str, name: str, wrong: Any) -> Mutant:
    return patched(f"layer.{claim}", says, F, name, wrong)


def forward(claim: str, says: str, kind: Any, wrong: Any) -> Mutant:
    return patched(f"layer.{claim}", says, kind, "forward", wrong)


def without(name: str, value: Any) -> Callable[[Sound], Sound]:
    """Ignore a keyword."""
    return lambda sound: lambda *a, **k: sound(*a, **(k | {name: value} if name in k else k))


def flipped_gradient(x: Any) -> Any:
    if x.requires_grad:
        x = x.clone()
        x.register_hook(lambda g: g * 1.01)
    return x


def wrong_gradient(sound: Sound) -> Sound:
    return lambda x, *a, **k: sound(flipped_gradient(x), *a, **k)


CONVOLUTIONS = [
    function("convolutions", "conv1d is wrong for strided input", "conv1d", only(lambda x, *a, **k: strided(x))),
    function("convolutions", "conv3d has a wrong gradient", "conv3d", wrong_gradient),
    function("convolutions", "conv1d ignores its groups' dilation", "conv1d", without("dilation", 1)),
    forward(
        "convolutions",
        "Conv3d adds no bias with groups",
        nn.Conv3d,
        lambda sound: lambda m, x: sound(m, x) if m.groups == 1 else sound(m, x) - m.bias.view(-1, 1, 1, 1),
    ),
    function(
        "transposed-convolutions",
        "conv_transpose2d ignores output_padding's second number",
        "conv_transpose2d",
        lambda sound: (
            lambda x, w, *a, **k: (
                sound(x, w, *a, **k)
                if k.get("output_padding") is None or not isinstance(k["output_padding"], tuple)
                else sound(x, w, *a, **(k | {"output_padding": (k["output_padding"][0],) * 2}))
            )
        ),
    ),
    forward(
        "transposed-convolutions",
        "ConvTranspose1d is wrong with groups and dilation",
        nn.ConvTranspose1d,
        lambda sound: lambda m, x: nudged(sound(m, x)) if m.groups > 1 and m.dilation[0] > 1 else sound(m, x),
    ),
    function("transposed-convolutions", "conv_transpose3d has a wrong gradient", "conv_transpose3d", wrong_gradient),
]

NORMS = [
    function(
        "group-and-instance-norm",
        "group_norm is wrong for an odd number of elements in channels-last",
        "group_norm",
        only(lambda x, *a, **k: x.dim() == 4 and strided(x)),
    ),
    function("group-and-instance-norm", "instance_norm ignores eps", "instance_norm", without("eps", 1e-5)),
    forward(
        "group-and-instance-norm",
        "InstanceNorm2d in evaluation gives its input",
        nn.InstanceNorm2d,
        lambda sound: lambda m, x: sound(m, x) if m.training else x,
    ),
    forward(
        "group-and-instance-norm",
        "GroupNorm of a batch of one normalises by channel",
        nn.GroupNorm,
        lambda sound: lambda m, x: sound(m, x) if len(x) > 1 else F.group_norm(x, m.num_channels, m.weight, m.bias),
    ),
    function(
        "group-and-instance-norm",
        "local_response_norm of an even size starts one channel late",
        "local_response_norm",
        lambda sound: lambda x, size, *a, **k: sound(x, size + 1 - size % 2, *a, **k),
    ),
    forward(
        "batchnorm",
        "BatchNorm3d stores the biased variance",
        nn.BatchNorm3d,
        lambda sound: lambda m, x: _biased(sound, m, x),
    ),
    forward(
        "batchnorm",
        "BatchNorm1d of sequences in evaluation uses the batch",
        nn.BatchNorm1d,
        lambda sound: (
            lambda m, x: (
                F.batch_norm(x, None, None, m.weight, m.bias, True, 0.0, m.eps)
                if not m.training and x.dim() == 3
                else sound(m, x)
            )
        ),
    ),
]


def _biased(sound: Sound, m: Any, x: Any) -> Any:
    old = m.running_var.clone()
    out = sound(m, x)
    if m.training:
        with torch.no_grad():
            m.running_var.copy_(old + (m.running_var - old) * 0.97)
    return out


PLACES = [
    function(
        "interpolation",
        "nearest rounds up where a side is not a multiple",
        "interpolate",
        lambda sound: (
            lambda x, size=None, *a, **k: (
                sound(x, size, *a, **(k | {"mode": "nearest-exact"}))
                if k.get("mode") == "nearest"
                else sound(x, size, *a, **k)
            )
        ),
    ),
    function(
        "interpolation",
        "bilinear with align_corners=True ignores it in shrinking",
        "interpolate",
        lambda sound: (
            lambda x, size=None, *a, **k: (
                sound(x, size, *a, **(k | {"align_corners": False}))
                if k.get("align_corners") and size is not None and size[0] < x.shape[2]
                else sound(x, size, *a, **k)
            )
        ),
    ),
    forward(
        "interpolation",
        "Upsample forgets align_corners",
        nn.Upsample,
        lambda sound: lambda m, x: F.interpolate(x, m.size, m.scale_factor, m.mode),
    ),
    function(
        "interpolation",
        "bicubic of strided input is wrong",
        "interpolate",
        only(lambda x, *a, **k: k.get("mode") == "bicubic" and strided(x)),
    ),
    function(
        "padding",
        "pad with reflect repeats the edge in three dimensions",
        "pad",
        lambda sound: (
            lambda x, w, mode="constant", value=None: (
                sound(x, w, "replicate", value) if mode == "reflect" and len(w) == 6 else sound(x, w, mode, value)
            )
        ),
    ),
    function(
        "padding",
        "pad by a negative width pads with zeros",
        "pad",
        lambda sound: (
            lambda x, w, mode="constant", value=None: sound(x, w, mode, 0) if min(w) < 0 else sound(x, w, mode, value)
        ),
    ),
    function(
        "padding",
        "pad with circular swaps the sides",
        "pad",
        lambda sound: (
            lambda x, w, mode="constant", value=None: (
                sound(x, [*w[:-2], *w[-2:][::-1]], mode, value) if mode == "circular" else sound(x, w, mode, value)
            )
        ),
    ),
    function(
        "padding",
        "pad has a wrong gradient with replicate",
        "pad",
        lambda sound: (
            lambda x, w, mode="constant", value=None: sound(
                flipped_gradient(x) if mode == "replicate" else x, w, mode, value
            )
        ),
    ),
    function(
        "pooling",
        "adaptive_max_pool2d is wrong for strided input",
        "adaptive_max_pool2d",
        only(lambda x, *a, **k: strided(x)),
    ),
    forward(
        "pooling",
        "AdaptiveAvgPool3d swaps its sizes",
        nn.AdaptiveAvgPool3d,
        lambda sound: (
            lambda m, x: (
                F.adaptive_avg_pool3d(x, m.output_size[::-1])
                .permute(0, 1, 4, 3, 2)
                .contiguous()
                .view(*x.shape[:2], *m.output_size)
            )
        ),
    ),
    function(
        "pooling",
        "lp_pool1d takes 2 for 3",
        "lp_pool1d",
        lambda sound: lambda x, p, *a, **k: sound(x, 2.0 if p == 3 else p, *a, **k),
    ),
    function(
        "pooling",
        "avg_pool3d leaves the padding out of the count",
        "avg_pool3d",
        lambda sound: lambda *a, **k: sound(*a, **(k | {"count_include_pad": False})),
    ),
    function(
        "pooling",
        "max_pool1d pads with zeros",
        "max_pool1d",
        lambda sound: lambda x, k, s=None, p=0, *a, **o: sound(F.pad(x, (p, p)), k, s, 0, *a, **o),
    ),
    function(
        "fold-and-unfold",
        "unfold puts channels innermost",
        "unfold",
        lambda sound: lambda x, k, **o: sound(x, k, **o).unflatten(1, (x.shape[1], -1)).transpose(1, 2).flatten(1, 2),
    ),
    function(
        "fold-and-unfold",
        "fold keeps the last of what overlaps, with dilation",
        "fold",
        only(lambda *a, **k: k.get("dilation", 1) != 1),
    ),
    function(
        "shuffles",
        "pixel_shuffle swaps rows and columns by 3",
        "pixel_shuffle",
        lambda sound: (
            lambda x, r: sound(x.unflatten(1, (-1, r, r)).transpose(2, 3).flatten(1, 3), r) if r == 3 else sound(x, r)
        ),
    ),
    output(
        "layer.shuffles",
        "pixel_unshuffle of a strided plane is wrong",
        "pixel_unshuffle",
        lambda out, x, *a: nudged(out) if strided(x) else out,
    ),
    function(
        "grid-sample",
        "grid_sample takes the border for what is outside",
        "grid_sample",
        lambda sound: lambda *a, **k: sound(*a, **(k | {"padding_mode": "border"})),
    ),
    function("grid-sample", "grid_sample ignores align_corners", "grid_sample", without("align_corners", False)),
]

OTHERS = [
    function(
        "similarities", "cosine_similarity clamps the product of norms late", "cosine_similarity", without("eps", 1e-8)
    ),
    function(
        "similarities",
        "pairwise_distance adds no eps",
        "pairwise_distance",
        lambda sound: lambda x, y, p=2.0, eps=1e-6, keepdim=False: sound(x, y, p, 0.0, keepdim),
    ),
    function(
        "similarities",
        "normalize by a dimension from the end takes the one before",
        "normalize",
        lambda sound: lambda x, p=2.0, dim=1, *a, **k: sound(x, p, dim - 1 if dim < 0 else dim, *a, **k),
    ),
    function("bilinear", "bilinear swaps its inputs' gradients", "bilinear", wrong_gradient),
    forward(
        "bilinear",
        "Bilinear without bias is wrong for more dimensions",
        nn.Bilinear,
        lambda sound: lambda m, x, y: nudged(sound(m, x, y)) if m.bias is None and x.dim() > 2 else sound(m, x, y),
    ),
    function("activation-options", "gelu ignores approximate", "gelu", without("approximate", "none")),
    function(
        "activation-options",
        "softplus takes its threshold of x, not of beta x",
        "softplus",
        lambda sound: lambda x, beta=1, threshold=20: torch.where(x > threshold, x, sound(x, beta, 1e9)),
    ),
    function(
        "activation-options",
        "prelu with many weights uses the first",
        "prelu",
        lambda sound: lambda x, w: sound(x, w[:1].contiguous()),
    ),
    function("activation-options", "celu is elu", "celu", lambda sound: lambda x, a=1.0, *b: F.elu(x, a)),
    forward(
        "gru",
        "GRU resets before it multiplies",
        nn.GRU,
        lambda sound: lambda m, *a: nudged_pair(sound(m, *a)) if m.bidirectional else sound(m, *a),
    ),
    forward(
        "gru",
        "GRU ignores the state that it is given for a batch of one",
        nn.GRU,
        lambda sound: lambda m, x, h=None: sound(m, x, None if x.shape[1] == 1 else h),
    ),
    forward(
        "cells",
        "GRUCell without bias is wrong",
        nn.GRUCell,
        lambda sound: lambda m, *a: sound(m, *a) if m.bias else nudged(sound(m, *a)),
    ),
    forward(
        "cells",
        "LSTMCell of a strided input is wrong",
        nn.LSTMCell,
        lambda sound: lambda m, x, *a: nudged_pair(sound(m, x, *a)) if strided(x) else sound(m, x, *a),
    ),
    forward(
        "attention",
        "MultiheadAttention in evaluation ignores the mask",
        nn.MultiheadAttention,
        lambda sound: lambda m, *a, **k: sound(m, *a, **(k if m.training else k | {"key_padding_mask": None})),
    ),
    forward(
        "attention",
        "MultiheadAttention swaps batch and steps of its weights",
        nn.MultiheadAttention,
        lambda sound: lambda m, *a, **k: _first_head(sound(m, *a, **k)),
    ),
    function(
        "embedding-bag",
        "embedding_bag takes an empty bag for the next row",
        "embedding_bag",
        only(lambda *a, **k: k.get("mode") == "max" or (len(a) > 6 and a[6] == "max")),
    ),
    function(
        "embedding-bag",
        "embedding_bag ignores the weights of its rows",
        "embedding_bag",
        without("per_sample_weights", None),
    ),
    function(
        "one-hot", "one_hot of more than 16 classes is wrong in the last", "one_hot", only(lambda x, *a: x.numel() > 16)
    ),
]


OPTIONS = [
    function(
        "avgpool",
        "avg_pool2d ignores divisor_override",
        "avg_pool2d",
        lambda sound: lambda *a, **k: sound(*a, **(k | {"divisor_override": None})),
    ),
    forward(
        "avgpool",
        "AvgPool2d forgets ceil_mode",
        nn.AvgPool2d,
        lambda sound: (
            lambda m, x: F.avg_pool2d(
                x, m.kernel_size, m.stride, m.padding, False, m.count_include_pad, m.divisor_override
            )
        ),
    ),
    function(
        "dropout",
        "dropout1d drops elements",
        "dropout1d",
        lambda sound: lambda x, p=0.5, training=True, inplace=False: F.dropout(x, p, training, inplace),
    ),
    function(
        "dropout",
        "alpha_dropout drops to 0",
        "alpha_dropout",
        lambda sound: lambda x, p=0.5, training=False, inplace=False: F.dropout(x, p, training, inplace),
    ),
    function(
        "dropout", "feature_alpha_dropout drops nothing", "feature_alpha_dropout", lambda sound: lambda x, *a, **k: x
    ),
    function(
        "embedding",
        "embedding ignores max_norm",
        "embedding",
        lambda sound: lambda i, w, p=None, m=None, *a, **k: sound(i, w, p, None, *a, **k),
    ),
    function(
        "embedding",
        "embedding ignores scale_grad_by_freq",
        "embedding",
        lambda sound: (
            lambda i, w, p=None, m=None, n=2.0, scaled=False, sparse=False: sound(i, w, p, m, n, False, sparse)
        ),
    ),
    function(
        "embedding",
        "embedding never has a sparse gradient",
        "embedding",
        lambda sound: (
            lambda i, w, p=None, m=None, n=2.0, scaled=False, sparse=False: sound(i, w, p, m, n, scaled, False)
        ),
    ),
    function("layer-norm", "layer_norm has a wrong gradient", "layer_norm", wrong_gradient),
    forward(
        "rnn-values",
        "RNN of relu takes tanh",
        nn.RNN,
        lambda sound: lambda m, *a: nudged_pair(sound(m, *a)) if m.nonlinearity == "relu" else sound(m, *a),
    ),
    forward(
        "rnn-values",
        "RNN of two directions is wrong",
        nn.RNN,
        lambda sound: lambda m, *a: nudged_pair(sound(m, *a)) if m.bidirectional else sound(m, *a),
    ),
]


def nudged_pair(out: Any) -> Any:
    return nudged(out[0]), out[1]


def _first_head(out: Any) -> Any:
    return out[0], out[1] if out[1] is None or out[1].dim() == 3 else out[1][:, :1].expand_as(out[1])


# Before 2.0 there is no attention without projections.
SCALED = (
    [
        function(
            "attention",
            "scaled_dot_product_attention scales by the keys",
            "scaled_dot_product_attention",
            only(lambda q, k, v, *a, **o: o.get("is_causal", False) and q.shape[-2] != k.shape[-2]),
        ),
        function(
            "attention",
            "scaled_dot_product_attention adds a mask of truth values",
            "scaled_dot_product_attention",
            lambda sound: (
                lambda q, k, v, attn_mask=None, **o: sound(
                    q,
                    k,
                    v,
                    attn_mask.to(q.dtype) if attn_mask is not None and attn_mask.dtype is torch.bool else attn_mask,
                    **o,
                )
            ),
        ),
    ]
    if hasattr(F, "scaled_dot_product_attention")
    else []
)

MUTANTS: list[Mutant] = [*CONVOLUTIONS, *NORMS, *PLACES, *OTHERS, *OPTIONS, *SCALED]

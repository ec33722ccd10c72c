"""Layers that are wrong for one argument or one form of input only."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import rnn

from meta_tests.mutant import Mutant, patched

Given = dict[str, Any]


def off(out: Any) -> Any:
    """A little beside what it should be: the first tensor of a result."""
    if isinstance(out, torch.Tensor):
        return out * 1.01 + 0.01 if out.is_floating_point() or out.is_complex() else out + 1
    return type(out)([off(out[0]), *out[1:]]) if isinstance(out, (tuple, list)) and out else out


def where(claim: str, says: str, owner: Any, name: str, given: Callable[[Given], Any], change: Any = off) -> Mutant:
    """A callable whose result is changed where its arguments, by name, are such."""

    def wrong(sound: Any) -> Any:
        signature = inspect.signature(sound)

        def call(*args: Any, **options: Any) -> Any:
            told = signature.bind(*args, **options)
            told.apply_defaults()
            chosen = given(told.arguments)  # before the call, which may change them
            out = sound(*args, **options)
            return change(out) if chosen else out

        return call

    return patched(f"layer.{claim}", says, owner, name, wrong)


def plain(claim: str, says: str, name: str, given: Callable[..., Any], change: Any = off) -> Mutant:
    """A function of torch.nn.functional that has no signature: `given(*args, **options)`."""

    def wrong(sound: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            chosen = given(*args, **options)
            out = sound(*args, **options)
            return change(out) if chosen else out

        return call

    return patched(f"layer.{claim}", says, F, name, wrong)


def told(claim: str, says: str, kind: Any, name: str, instead: Any) -> Mutant:
    """A constructor that takes one option for another."""

    def wrong(sound: Any) -> Any:
        def init(self: Any, *args: Any, **options: Any) -> None:
            sound(self, *args, **(options | ({name: instead} if name in options else {})))

        return init

    return patched(f"layer.{claim}", says, kind, "__init__", wrong)


def _second(out: Any) -> Any:
    """Indices one too large."""
    return (out[0], out[1] + 1) if isinstance(out, tuple) else out


def _is_last(x: torch.Tensor) -> bool:
    return x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


def _padded(kind: Any) -> Mutant:
    def wrong(sound: Any) -> Any:
        return lambda m, x, w, b: off(sound(m, x, w, b)) if m.padding_mode != "zeros" else sound(m, x, w, b)

    return patched("layer.convolutions", f"{kind.__name__} with a padding mode is off", kind, "_conv_forward", wrong)


def _sequence(kind: Any, claim: str) -> list[Mutant]:
    name = kind.__name__
    return [
        where(claim, f"{name} with batch_first is off", kind, "forward", lambda g: g["self"].batch_first),
        where(claim, f"{name} of two layers is off", kind, "forward", lambda g: g["self"].num_layers == 2),
        where(claim, f"{name} of packed sequences is off in its state", kind, "forward",
              lambda g: not isinstance(g["input"], torch.Tensor), lambda out: (out[0], off(out[1]))),
        where(claim, f"{name} of one sequence is off", kind, "forward",
              lambda g: isinstance(g["input"], torch.Tensor) and g["input"].dim() == 2),
        *[told(claim, f"{name} ignores {option}", kind, option, value)
          for option, value in (("dropout", 0.0), ("bias", True), ("batch_first", False), ("bidirectional", False))],
    ]  # fmt: skip


WINDOWS = [
    plain("same-padding", "conv1d pads the odd one in front", "conv1d",
          lambda x, w, *a: "same" in a and w.shape[-1] % 2 == 0),
    plain("same-padding", "conv3d(padding='same') is off", "conv3d", lambda *a: "same" in a),
    plain("same-padding", "conv2d forgets the dilation of 'same'", "conv2d",
          lambda *a: "same" in a and a[5] not in (1, (1, 1))),
    _padded(nn.Conv1d), _padded(nn.Conv3d),
    *[where("transposed-convolutions", f"ConvTranspose{n}d with output_size is off", getattr(nn, f"ConvTranspose{n}d"),
            "forward", lambda g: g["output_size"] is not None) for n in (1, 2, 3)],
    patched("layer.convolutions", "Conv2d takes any padding mode", nn.Conv2d, "__init__",
            lambda sound: lambda self, *a, **k: sound(self, *a, **(k | ({"padding_mode": "zeros"} if k.get(
                "padding_mode") not in ("zeros", "reflect", "replicate", "circular") else {})))),
    *[plain("pooling", f"places of max_pool{n}d are one too large", f"max_pool{n}d", lambda *a, **k: True, _second)
      for n in (1, 3)],
    *[plain("pooling", f"places of adaptive_max_pool{n}d are one too large", f"adaptive_max_pool{n}d",
            lambda *a, **k: True, _second) for n in (1, 2, 3)],
    *[plain("unpooling", f"max_unpool{n}d is off", f"max_unpool{n}d", lambda *a, **k: True) for n in (1, 2, 3)],
    where("unpooling", "max_unpool2d forgets the size asked for", F, "max_unpool2d", lambda g: g["output_size"],
          lambda out: torch.zeros_like(out)),
    *[plain("fractional-pooling", f"fractional_max_pool{n}d is off", f"fractional_max_pool{n}d", lambda *a, **k: True)
      for n in (2, 3)],
    *[plain("pooling", f"avg_pool{n}d with ceil_mode is off", f"avg_pool{n}d",
            lambda *a, **k: k.get("ceil_mode") or (len(a) > 4 and a[4])) for n in (1, 2, 3)],
    plain("pooling", "avg_pool3d with a divisor is off", "avg_pool3d", lambda *a, **k: k.get("divisor_override")),
    where("pooling", "adaptive_avg_pool3d with None is off", F, "adaptive_avg_pool3d",
          lambda g: isinstance(g["output_size"], tuple) and None in g["output_size"]),
]  # fmt: skip

SEQUENCES = [
    *_sequence(nn.RNN, "rnn-values"), *_sequence(nn.GRU, "gru"), *_sequence(nn.LSTM, "lstm-values"),
    *[where("cells", f"{kind.__name__} of one sample is off", kind, "forward", lambda g: g["input"].dim() == 1,
            lambda out: out * 1.01 if isinstance(out, torch.Tensor) else off(out))
      for kind in (nn.RNNCell, nn.GRUCell, nn.LSTMCell)],
    *[where("cells", f"{kind.__name__} from nothing is off", kind, "forward", lambda g: g["hx"] is None)
      for kind in (nn.RNNCell, nn.GRUCell, nn.LSTMCell)],
    where("lstm-values", "an LSTM that projects in two layers is off", nn.LSTM, "forward",
          lambda g: g["self"].proj_size and g["self"].num_layers == 2),
    patched("layer.packed-sequences", "pad_packed_sequence pads with zeros", rnn, "pad_packed_sequence",
            lambda sound: lambda s, batch_first=False, padding_value=0.0, total_length=None:
            sound(s, batch_first, 0.0, total_length)),
    patched("layer.packed-sequences", "pad_sequence has the time first", rnn, "pad_sequence",
            lambda sound: lambda s, batch_first=False, padding_value=0.0: sound(s, False, padding_value)),
    patched("layer.packed-sequences", "unsorted sequences are packed", rnn, "pack_padded_sequence",
            lambda sound: lambda x, n, batch_first=False, enforce_sorted=True: sound(x, n, batch_first, False)),
]  # fmt: skip

_MHA = nn.MultiheadAttention
ATTENTION = [
    where("attention", "a mask of truth values is off", _MHA, "forward",
          lambda g: g["attn_mask"] is not None and g["attn_mask"].dtype is torch.bool),
    where("attention", "a mask that is added is off", _MHA, "forward",
          lambda g: g["attn_mask"] is not None and g["attn_mask"].is_floating_point()),
    where("attention", "weights that are not needed are given", _MHA, "forward", lambda g: not g["need_weights"],
          lambda out: (out[0], out[0])),
    where("attention", "attention of one sample is off", _MHA, "forward", lambda g: g["query"].dim() == 2),
    where("attention", "keys of another size are off", _MHA, "forward", lambda g: not g["self"]._qkv_same_embed_dim),
    told("attention", "add_bias_kv is ignored", _MHA, "add_bias_kv", False),
    told("attention", "add_zero_attn is ignored", _MHA, "add_zero_attn", False),
    told("attention", "dropout of attention is ignored", _MHA, "dropout", 0.0),
    plain("attention", "scaled_dot_product_attention ignores scale", "scaled_dot_product_attention",
          lambda *a, **k: k.get("scale") is not None),
    plain("attention", "scaled_dot_product_attention of three dimensions is off", "scaled_dot_product_attention",
          lambda *a, **k: a[0].dim() == 3),
    plain("attention", "groups of queries are off", "scaled_dot_product_attention",
          lambda *a, **k: k.get("enable_gqa")),
    where("transformer", "an encoder that normalises first is off", nn.TransformerEncoderLayer, "forward",
          lambda g: g["self"].norm_first),
    where("transformer", "an encoder in evaluation is off", nn.TransformerEncoderLayer, "forward",
          lambda g: not g["self"].training),
    where("transformer", "a decoder is off by its memory's mask", nn.TransformerDecoderLayer, "forward",
          lambda g: g["memory_mask"] is not None),
    where("transformer", "the last norm of an encoder is off", nn.TransformerEncoder, "forward",
          lambda g: g["self"].norm is not None),
    where("transformer", "a stack of decoders is off", nn.TransformerDecoder, "forward", lambda g: True),
    where("transformer", "a transformer is off", nn.Transformer, "forward", lambda g: True),
]  # fmt: skip

PLACES = [
    where("interpolation", "antialias is off", F, "interpolate", lambda g: g["antialias"]),
    where("interpolation", "recompute_scale_factor is off", F, "interpolate", lambda g: g["recompute_scale_factor"]),
    where("interpolation", "a scale for each side is off", F, "interpolate",
          lambda g: isinstance(g["scale_factor"], (tuple, list)) and len(set(g["scale_factor"])) > 1),
    where("interpolation", "one size for all sides is off", F, "interpolate", lambda g: isinstance(g["size"], int)),
    *[where("grid-sample", f"grid_sample({option}={value!r}) is off", F, "grid_sample",
            lambda g, o=option, v=value: g[o] == v)
      for option, value in (("mode", "nearest"), ("mode", "bicubic"), ("padding_mode", "border"),
                            ("padding_mode", "reflection"))],
    where("grid-sample", "grid_sample of three sides is off", F, "grid_sample", lambda g: g["input"].dim() == 5),
    where("affine-grid", "affine_grid is off with align_corners", F, "affine_grid", lambda g: g["align_corners"]),
    where("affine-grid", "affine_grid of three sides is off", F, "affine_grid", lambda g: len(g["size"]) == 5),
    *[where("padding", f"{kind} is off", getattr(nn, kind), "forward", lambda g: True)
      for kind in ("ConstantPad1d", "ReflectionPad3d", "ReplicationPad2d", "ZeroPad2d")],
    plain("padding", "pad of whole numbers ignores its value", "pad",
          lambda x, *a, **k: not x.is_floating_point() and not x.is_complex(), lambda out: out * 0),
    where("fold-and-unfold", "unfold of one sample is off", F, "unfold", lambda g: g["input"].dim() == 3),
    where("fold-and-unfold", "fold with a stride for each side is off", F, "fold",
          lambda g: isinstance(g["stride"], tuple) and len(set(g["stride"])) > 1),
    plain("shuffle-layouts", "pixel_shuffle of five dimensions is off", "pixel_shuffle", lambda x, r: x.dim() == 5),
    plain("shuffles", "pixel_shuffle of one sample is off", "pixel_shuffle", lambda x, r: x.dim() == 3),
    plain("similarities", "cosine_similarity that broadcasts is off", "cosine_similarity",
          lambda x, y, *a, **k: x.shape != y.shape),
    plain("similarities", "pairwise_distance of two vectors is off", "pairwise_distance",
          lambda x, y, *a, **k: x.dim() == 1),
    plain("similarities", "F.pdist is off", "pdist", lambda *a: True),
]  # fmt: skip

STATE = [
    patched("layer.batchnorm", "batch_norm takes a momentum of 0 for 0.1", F, "batch_norm",
            lambda sound: lambda x, m, v, w=None, b=None, training=False, momentum=0.1, eps=1e-5:
            sound(x, m, v, w, b, training, momentum or 0.1, eps)),
    patched("layer.batchnorm", "reset_running_stats keeps the variance", nn.BatchNorm1d, "reset_running_stats",
            lambda sound: lambda m: m.running_mean.zero_() if int(m.num_batches_tracked) else sound(m)),
    patched("layer.group-and-instance-norm", "InstanceNorm rests on its own moments", nn.InstanceNorm2d,
            "_apply_instance_norm", lambda sound: lambda m, x: F.instance_norm(x, None, None, m.weight, m.bias, True)),
    where("layer-norm", "layer_norm with a bias alone is off", F, "layer_norm",
          lambda g: g["weight"] is None and g["bias"] is not None),
    *([where("rms-norm", "rms_norm forgets its eps", F, "rms_norm", lambda g: g["eps"] is not None)]
      if hasattr(F, "rms_norm") else []),
    told("dropout", "Dropout is never in place", nn.Dropout2d, "inplace", False),
    patched("layer.dropout", "F.dropout takes any p", F, "dropout", lambda sound: lambda x, p=0.5, training=True,
            inplace=False: sound(x, min(max(p, 0), 1), training, inplace)),
    patched("layer.alpha-dropout-in-place", "AlphaDropout leaves its input", nn.AlphaDropout, "forward",
            lambda sound: lambda m, x: F.alpha_dropout(x, m.p, m.training)),
    plain("response-norm-layouts", "local_response_norm of five dimensions is off", "local_response_norm",
          lambda x, *a: x.dim() == 5),
    patched("layer.embedding", "a lookup with max_norm leaves its table", F, "embedding",
            lambda sound: lambda i, w, p=None, m=None, *a: sound(i, w if m is None else w.clone(), p, m, *a)),
    patched("layer.embedding", "from_pretrained always freezes", nn.Embedding, "from_pretrained",
            lambda sound: lambda table, freeze=True, *a, **k: sound(table, True, *a, **k)),
    where("embedding", "indices of 32 bits are off", F, "embedding", lambda g: g["input"].dtype is torch.int32),
    where("embedding-bag", "include_last_offset is off", F, "embedding_bag", lambda g: g["include_last_offset"]),
    where("embedding-bag", "padding_idx of bags is off", F, "embedding_bag", lambda g: g["padding_idx"] is not None),
    where("embedding-bag", "max_norm of bags is off", F, "embedding_bag", lambda g: g["max_norm"] is not None),
]  # fmt: skip

NONLINEAR = [
    *[where("activations", f"{kind.__name__}() is off", kind, "forward", lambda g: True)
      for kind in (nn.Tanh, nn.Sigmoid, nn.Mish, nn.LogSigmoid, nn.Hardswish, nn.CELU)],
    *[patched("layer.activations", f"{name}(inplace=True) leaves its input", F, name,
              lambda sound: lambda x, *a, **k: sound(x.clone(), *a, **k))
      for name in ("elu", "hardtanh", "silu", "leaky_relu")],
    plain("activations", "gelu of bfloat16 is 5 % too large", "gelu", lambda x, **k: x.dtype is torch.bfloat16,
          lambda out: out * 1.05),
    plain("activations", "hardtanh of NaN is its bound", "hardtanh", lambda *a, **k: True,
          lambda out: torch.nan_to_num(out)),
    patched("layer.activation-options", "threshold keeps the threshold itself", F, "threshold",
            lambda sound: lambda x, t, v, inplace=False:
            sound(x, t, v, True) if inplace else torch.where(x >= t, x, torch.full_like(x, v))),
    where("activation-options", "rrelu draws smaller slopes", F, "rrelu", lambda g: g["training"],
          lambda out: torch.where(out < 0, out / 2, out)),
    where("softmax", "Softmax2d of one sample is off", nn.Softmax2d, "forward", lambda g: g["input"].dim() == 3),
    where("gumbel-softmax", "gumbel_softmax is never hard", F, "gumbel_softmax", lambda g: g["hard"],
          lambda out: (out + 0.1) / 1.2),
    patched("layer.gumbel-softmax", "gumbel_softmax ignores tau", F, "gumbel_softmax", lambda sound: lambda x, tau=1,
            hard=False, eps=1e-10, dim=-1: sound(x, 1, hard, eps, dim)),
    where("adaptive-softmax", "log_prob of the adaptive softmax is off", nn.AdaptiveLogSoftmaxWithLoss, "log_prob",
          lambda g: True),
]  # fmt: skip

SIZES = [
    plain("pooling", "lp_pool3d is off", "lp_pool3d", lambda *a, **k: True),
    plain("pooling", "lp_pool2d takes odd powers of absolute values", "lp_pool2d", lambda x, p, *a, **k: p == 3,
          lambda out: out + 0.05),
    plain("pooling", "max_pool2d of bfloat16 is off by a rounding", "max_pool2d",
          lambda x, *a, **k: x.dtype is torch.bfloat16, lambda out: out * 1.004),
    plain("convolutions", "conv1d of no samples has no channels", "conv1d", lambda x, *a, **k: len(x) == 0,
          lambda out: out[:, :0]),
    told("activation-options", "PReLU ignores init", nn.PReLU, "init", 0.25),
    where("interpolation", "bytes are off by a few", F, "interpolate", lambda g: g["input"].dtype is torch.uint8,
          lambda out: out // 4 * 4),
    patched("layer.one-hot", "one_hot takes -1 for 0", F, "one_hot",
            lambda sound: lambda x, n=-1: sound(x.clamp(min=0), n)),
    plain("convolutions", "conv1d of one sample is off", "conv1d", lambda x, *a, **k: x.dim() == 2),
    plain("convolutions", "conv3d beyond 32,768 elements is off", "conv3d", lambda x, *a, **k: x.numel() > 32768),
    plain("convolutions", "conv1d of bfloat16 is off by a tenth", "conv1d",
          lambda x, *a, **k: x.dtype is torch.bfloat16, lambda out: out * 1.1 + 0.1),
    plain("complex", "F.linear of complex numbers is off", "linear", lambda x, *a: x.is_complex()),
    plain("complex", "conv2d of complex numbers is conjugate", "conv2d", lambda x, *a, **k: x.is_complex(),
          lambda out: out.conj()),
    plain("channels-last", "conv2d gives contiguous results", "conv2d", lambda *a, **k: True,
          lambda out: out.contiguous()),
    plain("channels-last", "avg_pool2d of channels last is off", "avg_pool2d", lambda x, *a: _is_last(x)),
    told("factory-keywords", "Linear ignores dtype", nn.Linear, "dtype", None),
    told("factory-keywords", "GRU ignores dtype", nn.GRU, "dtype", None),
    patched("layer.identity", "Identity casts to float32", nn.Identity, "forward",
            lambda sound: lambda m, x: x.float()),
    patched("layer.identity", "Identity takes no arguments", nn.Identity, "__init__", lambda sound: lambda m: sound(m)),
]  # fmt: skip

MUTANTS: list[Mutant] = [*WINDOWS, *SEQUENCES, *ATTENTION, *PLACES, *STATE, *NONLINEAR, *SIZES]

"""Layers that begin otherwise, and initialisers with other defaults or that autograd sees."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant, patched

init = nn.init


def begins(claim: str, says: str, kind: Any, reset: str, then: Callable[[Any], Any]) -> Mutant:
    """After a layer's own reset, `then(layer)`."""

    def wrong(sound: Any) -> Any:
        def call(self: Any) -> None:
            sound(self)
            with torch.no_grad():
                then(self)

        return call

    return patched(f"init.{claim}", says, kind, reset, wrong)


def _some(layer: Any, part: str) -> Any:
    return [p for name, p in layer.named_parameters() if name.startswith(part)]


def _each(layer: Any, part: str, fill: Callable[[Any], Any]) -> None:
    for p in _some(layer, part):
        fill(p)


def _matrices(layer: Any) -> None:
    if layer.in_proj_weight is not None:
        for part in layer.in_proj_weight.chunk(3):
            init.xavier_uniform_(part)


ATTENTION = [
    begins("attention-starts", says, nn.MultiheadAttention, "_reset_parameters", then)
    for says, then in (
        (
            "the output's bias of attention is drawn",
            lambda m: _each(m, "out_proj.bias", lambda p: p.uniform_(-0.1, 0.1)),
        ),
        ("the input's bias of attention is drawn", lambda m: _each(m, "in_proj_bias", lambda p: p.normal_(0, 0.02))),
        ("query, key and value are drawn as three matrices", _matrices),
        ("keys of their own size are drawn by Kaiming", lambda m: _each(m, "k_proj_weight", init.kaiming_uniform_)),
        ("bias_k begins with zeros", lambda m: _each(m, "bias_k", init.zeros_)),
        ("bias_v is uniform", lambda m: _each(m, "bias_v", init.xavier_uniform_)),
    )
]

LAYERS = [
    begins("default-starts", "the second layer of an LSTM is half as wide", nn.LSTM, "reset_parameters",
           lambda m: _each(m, "weight_ih_l1", lambda p: p.mul_(0.5))),
    begins("default-starts", "ConvTranspose1d goes by its inputs", nn.ConvTranspose1d, "reset_parameters",
           lambda m: m.weight.mul_(math.sqrt(m.weight.shape[1] / m.weight.shape[0]))),
    begins("default-starts", "InstanceNorm2d begins with zeros", nn.InstanceNorm2d, "reset_parameters",
           lambda m: m.weight.zero_() if m.affine else None),
    begins("default-starts", "RMSNorm begins with zeros", nn.RMSNorm, "reset_parameters", lambda m: m.weight.zero_()),
    begins("default-starts", "LSTMCell goes by its inputs", nn.LSTMCell, "reset_parameters",
           lambda m: _each(m, "", lambda p: p.uniform_(-(m.input_size**-0.5), m.input_size**-0.5))),
    begins("attention-starts", "a Transformer is drawn half as wide", nn.Transformer, "_reset_parameters",
           lambda m: _each(m, "encoder", lambda p: p.mul_(0.5))),
    patched("init.attention-starts", "the biases of a transformer's layer are zeros", nn.TransformerEncoderLayer,
            "__init__", lambda sound: lambda self, *a, **k: (sound(self, *a, **k), init.zeros_(self.linear1.bias))[0]),
]  # fmt: skip


def default(name: str, says: str, wrong: Any, claim: str = "defaults") -> Mutant:
    return patched(f"init.{claim}", says, init, name, wrong)


def _recorded(sound: Any) -> Any:
    def call(tensor: Any, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Any:
        return tensor.uniform_(a, b) if tensor._is_view() else sound(tensor, a, b, generator)

    return call


def _whole(sound: Any) -> Any:
    return lambda tensor, val: sound(tensor, float(int(val)) if tensor.dtype is torch.bfloat16 else val)


def _last_dimension(sound: Any) -> Any:
    def call(tensor: Any, *args: Any, **options: Any) -> Any:
        if tensor.dim() < 4:
            return sound(tensor, *args, **options)
        sound(tensor.detach().view(-1, tensor.shape[-1]), *args, **options)
        return tensor

    return call


def _past_the_middle(sound: Any) -> Any:
    def call(tensor: Any, groups: int = 1) -> Any:
        sound(tensor, groups)
        if tensor.shape[-1] % 2 == 0:
            tensor.data.copy_(tensor.data.roll(-1, -1))
        return tensor

    return call


MUTANTS = [
    *ATTENTION,
    *LAYERS,
    default("uniform_", "uniform_ draws from -1", lambda s: lambda t, a=-1.0, b=1.0, generator=None: s(t, a, b)),
    default("normal_", "normal_ has deviation 0.9", lambda s: lambda t, mean=0.0, std=0.9, **k: s(t, mean, std)),
    default("trunc_normal_", "trunc_normal_ cuts at 3", lambda s: lambda t, mean=0.0, std=1.0, a=-3.0, b=3.0, **k: s(
        t, mean, std, a, b)),
    default("sparse_", "sparse_ has deviation 0.1", lambda s: lambda t, sparsity, std=0.1, **k: s(t, sparsity, std)),
    default("constant_", "constants of bfloat16 are whole", _whole),
    default("orthogonal_", "planes of four dimensions go by their last", _last_dimension),
    default("dirac_", "even kernels are off their middle", _past_the_middle),
    default("calculate_gain", "a truth value is a slope", lambda s: lambda n, param=None: s(
        n, float(param) if isinstance(param, bool) else param), "gain"),
    default("xavier_normal", "an old name is silent", lambda s: lambda *a, **k: init.xavier_normal_(*a, **k),
            "xavier-uniform-name"),
    default("orthogonal", "an old name fills a copy", lambda s: lambda t, *a: s(t.clone(), *a), "xavier-uniform-name"),
    default("uniform_", "filling a part is recorded", _recorded, "leaves-graph-alone"),
    default("zeros_", "autograd does not see zeros_", lambda s: lambda t: (t.data.zero_(), t)[1], "leaves-graph-alone"),
]  # fmt: skip

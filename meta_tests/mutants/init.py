"""Wrong initialisers."""

from __future__ import annotations

import builtins
import math
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant, patched, strided


def scaled(claim: str, name: str, function: str, change: Any) -> Mutant:
    """An initialiser whose result is changed: `change(w, *args)` edits it in place."""

    def wrong(sound: Any) -> Any:
        def call(w: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
            out = sound(w, *args, **kwargs)
            with torch.no_grad():
                change(w)
            return out

        return call

    return patched(claim, name, nn.init, function, wrong)


def _fan_in_only(w: torch.Tensor) -> None:
    kernel = math.prod(w.shape[2:])
    w.mul_(math.sqrt((w.shape[0] + w.shape[1]) * kernel / (2 * w.shape[1] * kernel)))


def _kernel_forgotten(w: torch.Tensor) -> None:
    w.mul_(math.sqrt(math.prod(w.shape[2:])))


def _constant_if_strided(w: torch.Tensor) -> None:
    if strided(w):
        w.fill_(0.01)


def _layer(owner: Any, change: Any) -> Any:
    def wrong(sound: Any) -> Any:
        def reset(self: Any) -> None:
            sound(self)
            with torch.no_grad():
                change(self)

        return reset

    return owner, "reset_parameters", wrong


def _copying(sound: Any) -> Any:
    return lambda w, *args, **kwargs: sound(w.detach().clone(), *args, **kwargs)


def _recorded(sound: Any) -> Any:
    """A fill that autograd sees: the parameter is a leaf no more."""

    def call(w: torch.Tensor, value: float) -> torch.Tensor:
        out = sound(w, value)
        if w.requires_grad:
            w.requires_grad_(False)
        return out

    return call


def _children_only(sound: Any) -> Any:
    def apply(self: Any, fn: Any) -> Any:
        for child in self.children():
            fn(child)
        fn(self)
        return self

    return apply


def _parents_first(sound: Any) -> Any:
    def apply(self: Any, fn: Any) -> Any:
        for module in self.modules():
            fn(module)
        return self

    return apply


MUTANTS: list[Mutant] = [
    scaled("init.xavier-normal", "only fan_in counts", "xavier_normal_", _fan_in_only),
    scaled("init.xavier-normal", "strided weights are constant", "xavier_normal_", _constant_if_strided),
    patched("init.xavier-normal", "a new tensor is returned", nn.init, "xavier_normal_", _copying),
    scaled(
        "init.xavier-uniform",
        "the bound is that of the normal draws",
        "xavier_uniform_",
        lambda w: w.div_(math.sqrt(3)),
    ),
    patched(
        "init.xavier-uniform",
        "the gain is ignored",
        nn.init,
        "xavier_uniform_",
        lambda sound: lambda w, gain=1.0: sound(w),
    ),
    patched("init.xavier-uniform-name", "the old name fills a copy", nn.init, "xavier_uniform", _copying),
    scaled("init.kaiming", "the kernel's size is forgotten", "kaiming_normal_", _kernel_forgotten),
    patched(
        "init.kaiming",
        "mode is ignored",
        nn.init,
        "kaiming_uniform_",
        lambda sound: lambda w, a=0, mode="fan_in", nonlinearity="leaky_relu": sound(w, a, "fan_in", nonlinearity),
    ),
    patched(
        "init.kaiming",
        "the slope is ignored",
        nn.init,
        "kaiming_normal_",
        lambda sound: lambda w, a=0, **k: sound(w, **k),
    ),
    patched(
        "init.fans",
        "vectors are accepted",
        nn.init,
        "xavier_uniform_",
        lambda sound: lambda w, *a: sound(w, *a) if w.ndim > 1 else w.uniform_(),
    ),
    patched(
        "init.gain",
        "tanh has gain 1",
        nn.init,
        "calculate_gain",
        lambda sound: lambda name, p=None: 1.0 if name == "tanh" else sound(name, p),
    ),
    patched(
        "init.gain",
        "the default slope is 0",
        nn.init,
        "calculate_gain",
        lambda sound: lambda name, p=None: sound(name, p or 0.0),
    ),
    scaled(
        "init.constant", "the last row is left out", "constant_", lambda w: w[-1].fill_(7.0) if strided(w) else None
    ),
    scaled("init.constant", "eye_ fills rows beyond the square", "eye_", lambda w: w[:, -1].fill_(1.0)),
    patched(
        "init.plain-draws",
        "normal_ takes the variance",
        nn.init,
        "normal_",
        lambda sound: lambda w, mean=0.0, std=1.0: sound(w, mean, std**0.5),
    ),
    patched(
        "init.plain-draws",
        "trunc_normal_ clamps",
        nn.init,
        "trunc_normal_",
        lambda sound: lambda w, mean=0.0, std=1.0, a=-2.0, b=2.0: _clamped(w, mean, std, a, b),
    ),
    scaled(
        "init.orthogonal",
        "wide weights are not orthogonal",
        "orthogonal_",
        lambda w: w.add_(1e-6) if w.shape[0] < w[0].numel() else None,
    ),
    patched("init.leaves-graph-alone", "constant_ switches requires_grad off", nn.init, "constant_", _recorded),
    patched(
        "init.default-linear-range",
        "the bound depends on out_features",
        *_layer(nn.Linear, lambda self: self.weight.mul_(math.sqrt(self.in_features / self.out_features))),
    ),
    patched("init.default-linear-range", "biases start at zero", *_layer(nn.Linear, lambda self: self.bias.zero_())),
    patched(
        "init.default-conv-range",
        "groups are forgotten",
        *_layer(nn.Conv2d, lambda self: self.weight.div_(math.sqrt(self.groups))),
    ),
    patched(
        "init.manual-xavier-std",
        "normal_ takes the variance",
        torch.Tensor,
        "normal_",
        lambda sound: lambda x, mean=0.0, std=1.0: sound(x, mean, std**2),
    ),
    patched("init.apply-is-recursive", "only direct children are visited", nn.Module, "apply", _children_only),
    patched("init.apply-is-recursive", "parents come first", nn.Module, "apply", _parents_first),
    patched("init.init-weights-example", "apply visits direct children only", nn.Module, "apply", _children_only),
    patched("init.init-weights-example", "fill_ of .data fills a copy", torch.Tensor, "fill_", _copying),
    patched(
        "init.note-name-torch-and-t",
        "every name resolves",
        builtins,
        "exec",
        lambda sound: (
            lambda code, names=None: (
                sound(code, names if names is None else {**globals(), **names})
                if "nn.init" in code
                else sound(code, names)
            )
        ),
    ),
]


def _clamped(w: torch.Tensor, mean: float, std: float, a: float, b: float) -> torch.Tensor:
    with torch.no_grad():
        return w.normal_(mean, std).clamp_(a, b)

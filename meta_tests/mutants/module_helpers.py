"""Wrong help around layers: norms of weights, folded batch norms, memory formats, parametrisations, old names."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from meta_tests.mutant import Mutant
from meta_tests.mutants.module import method

_U = nn.utils
_WEIGHT, _SPECTRAL, _ORTHOGONAL = "module.weight-norm", "module.spectral-norm", "module.orthogonal"
_FUSE, _FORMAT, _OLD = "module.fuse-batch-norm", "module.weight-memory-format", "module.clip-grad-norm-old"
_TRANSFER, _transfer = "module.transfer-parametrizations", "transfer_parametrizations_and_params"


def _restored(sound: Any, layer: nn.Module, name: str = "weight") -> nn.Module:
    """What is left is the weight of before."""
    kept = getattr(layer, f"{name}_orig").detach().clone()
    sound(layer, name)
    getattr(layer, name).data.copy_(kept)
    return layer


def _vector_left(sound: Any, layer: nn.Module, name: str = "weight") -> nn.Module:
    kept = getattr(layer, f"{name}_u")
    sound(layer, name)
    layer.register_buffer(f"{name}_u", kept)
    return layer


def _quiet_without(sound: Any, layer: nn.Module, name: str = "weight") -> nn.Module:
    return sound(layer, name) if hasattr(layer, f"{name}_orig") else layer


def _first_name(sound: Any, layer: nn.Module, name: str = "weight", *args: Any, **named: Any) -> nn.Module:
    """The first parameter of a name that begins so."""
    names = [n for n in (*layer._parameters, *layer._buffers) if n.startswith("weight") and not n.endswith("_u")]
    return sound(layer, names[0] if names and name.startswith("weight") else name, *args, **named)


def _any_map(sound: Any, layer: nn.Module, name: str = "weight", orthogonal_map: Any = None, **named: Any) -> nn.Module:
    known = orthogonal_map if orthogonal_map in ("matrix_exp", "cayley", "householder") else None
    return sound(layer, name, known, **named)


def _vectors_too(sound: Any, layer: nn.Module, name: str = "weight", *args: Any, **named: Any) -> nn.Module:
    return (
        layer
        if isinstance(getattr(layer, name, 0), nn.Parameter) and getattr(layer, name).dim() < 2
        else sound(layer, name, *args, **named)
    )


def _rows_only(sound: Any, layer: nn.Module, name: str = "weight", *args: Any, **named: Any) -> nn.Module:
    """Only the first column has length 1."""
    weight = getattr(layer, name, None)
    if not isinstance(weight, nn.Parameter) or weight.dim() < 2 or args or "qr" in named.values():
        return sound(layer, name, *args, **named)
    parametrize.register_parametrization(layer, name, _Length())
    return layer


class _Length(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / x.norm(dim=-2, keepdim=True)


def _in_any_mode(sound: Any, layer: nn.Module, norm: nn.Module, *args: Any) -> nn.Module:
    return sound(layer.eval(), norm.eval(), *args)


def _moved(sound: Any, source: nn.Module, other: nn.Module, tensor_name: str | None = None) -> nn.Module:
    """The source loses what is transferred."""
    sound(source, other, tensor_name)
    for name in list(getattr(source, "parametrizations", {})) if tensor_name is None else [tensor_name]:
        with torch.no_grad():
            source.parametrizations[name].original.zero_()
    return other


def _of_the_same(sound: Any, source: nn.Module, other: nn.Module, tensor_name: str | None = None) -> nn.Module:
    """Parametrisations come, the values of before stay."""
    kept = {name: p.detach().clone() for name, p in other.named_parameters()}
    sound(source, other, tensor_name)
    for name, value in kept.items():
        if parametrize.is_parametrized(other, name):
            other.parametrizations[name].original = nn.Parameter(value)
    return other


def _quiet(sound: Any, *args: Any, **named: Any) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sound(*args, **named)


def _direct(sound: Any, layer: nn.Module, layout: Any) -> nn.Module:
    return sound(layer, layout) if not list(layer.children()) else layer


def _of_all(sound: Any, layer: nn.Module, layout: Any) -> nn.Module:
    """Transposed convolutions are left out."""
    for part in layer.modules():
        if "Transpose" not in type(part).__name__ and "Conv" in type(part).__name__ and part.weight.dim() > 3:
            sound(part, layout)
    return layer


MUTANTS: list[Mutant] = [
    *(
        method(_WEIGHT, f"{owner.__name__}.weight_norm takes the first weight", "weight_norm", _first_name, owner)
        for owner in (_U, parametrizations)
    ),
    *(
        method(_SPECTRAL, f"{owner.__name__}.spectral_norm ignores {what}", "spectral_norm", wrong, owner)
        for owner in (_U, parametrizations)
        for what, wrong in (
            (
                "dim",
                lambda sound, layer, name="weight", n_power_iterations=1, eps=1e-12, dim=None: sound(
                    layer, name, n_power_iterations, eps
                ),
            ),
            (
                "the number of steps",
                lambda sound, layer, name="weight", n_power_iterations=1, eps=1e-12, dim=None: sound(
                    layer, name, 1, eps, dim
                ),
            ),
            (
                "that transposed convolutions have their outputs in the second dimension",
                lambda sound, layer, name="weight", n_power_iterations=1, eps=1e-12, dim=None: sound(
                    layer, name, n_power_iterations, eps, dim or 0
                ),
            ),
        )
    ),
    method(_SPECTRAL, "remove_spectral_norm restores the weight", "remove_spectral_norm", _restored, _U),
    method(_SPECTRAL, "remove_spectral_norm leaves a vector", "remove_spectral_norm", _vector_left, _U),
    method(_SPECTRAL, "remove_spectral_norm of a plain layer passes", "remove_spectral_norm", _quiet_without, _U),
    method(_ORTHOGONAL, "orthogonal takes any name of a map", "orthogonal", _any_map, parametrizations),
    method(_ORTHOGONAL, "orthogonal takes vectors", "orthogonal", _vectors_too, parametrizations),
    method(_ORTHOGONAL, "orthogonal makes columns of length 1", "orthogonal", _rows_only, parametrizations),
    method(
        _FUSE,
        "fuse_conv_bn_weights ignores transpose",
        "fuse_conv_bn_weights",
        lambda sound, *args, transpose=False: sound(*args[:7]),
        _U,
    ),
    method(
        _FUSE,
        "fuse_linear_bn_weights drops the bias",
        "fuse_linear_bn_weights",
        lambda sound, weight, bias, *args: sound(weight, None, *args),
        _U,
    ),
    method(
        _FUSE,
        "fuse_conv_bn_eval ignores transpose",
        "fuse_conv_bn_eval",
        lambda sound, layer, norm, transpose=False: sound(layer, norm),
        _U,
    ),
    method(_FUSE, "fuse_conv_bn_eval takes layers in train mode", "fuse_conv_bn_eval", _in_any_mode, _U),
    method(_FUSE, "fuse_linear_bn_eval takes layers in train mode", "fuse_linear_bn_eval", _in_any_mode, _U),
    *(
        method(_FORMAT, f"{name} {what}", name, wrong, _U)
        for name in ("convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format")
        for what, wrong in (
            ("does nothing", lambda sound, layer, layout: layer),
            ("does nothing in containers", _direct),
            ("leaves out transposed convolutions", _of_all),
        )
    ),
    method(
        _TRANSFER, f"{_transfer} does nothing", _transfer, lambda sound, source, other, name=None: other, parametrize
    ),
    method(
        _TRANSFER,
        f"{_transfer} ignores the name",
        _transfer,
        lambda sound, a, b, tensor_name=None: sound(a, b),
        parametrize,
    ),
    method(_TRANSFER, f"{_transfer} clears the source", _transfer, _moved, parametrize),
    method(_TRANSFER, f"{_transfer} keeps the values of the target", _transfer, _of_the_same, parametrize),
    method(_OLD, "clip_grad_norm finds the norm alone", "clip_grad_norm", lambda sound, p, *a, **k: sound(p, 1e9), _U),
    method(
        _OLD,
        "clip_grad_norm ignores the kind of norm",
        "clip_grad_norm",
        lambda sound, parameters, max_norm, norm_type=2.0, **named: sound(parameters, max_norm),
        _U,
    ),
    method(_OLD, "clip_grad_norm warns of nothing", "clip_grad_norm", _quiet, _U),
]

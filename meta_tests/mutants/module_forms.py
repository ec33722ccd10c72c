"""Modules that are wrong in one form of a call: defaults, missing arguments, and results of Parameters."""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize, prune

from meta_tests.mutant import Mutant, patched
from meta_tests.mutants.module import method
from meta_tests.mutants.module_register import made


def a_parameter(sound: Any) -> Any:
    """An operator whose result is a Parameter."""
    return lambda x, y: nn.Parameter(sound(x, y))


PARAMETERS = [
    made(
        "module.parameter-class",
        "a Parameter of nothing has one element",
        lambda s, cls, data, flag: s(cls, torch.zeros(1) if data is None else data, flag),
    ),
    made(
        "module.parameter-class",
        "a Parameter of a frozen Parameter is frozen",
        lambda s, cls, data, flag: s(
            cls, data, flag and not (isinstance(data, nn.Parameter) and not data.requires_grad)
        ),
    ),
    patched(
        "module.parameter-results", "a Parameter and a number make a Parameter", nn.Parameter, "__add__", a_parameter
    ),
    patched(
        "module.functional-for-parameterless-layers",
        "F.dropout is off unless asked for",
        nn.functional,
        "dropout",
        lambda s: lambda x, p=0.5, training=False, inplace=False: s(x, p, training, inplace),
    ),
    patched(
        "module.functional-for-parameterless-layers",
        "F.dropout does not scale up what it keeps",
        nn.functional,
        "dropout",
        lambda s: lambda x, p=0.5, training=True, inplace=False: s(x, p, training, inplace) * (1 - p * training),
    ),
]


# -- weights made of others, lazy layers, and what happens more than twice ---------------------------------------------


def replacing(claim: str, name: str, owner: Any, attribute: str, call: Any) -> list[Mutant]:
    """Replace a function, on releases that have it, by `call(sound, *args, **kwargs)`."""
    if not hasattr(owner, attribute):
        return []
    return [patched(f"module.{claim}", name, owner, attribute, lambda sound: lambda *a, **k: call(sound, *a, **k))]


def scaled(layer: nn.Module, name: str, factor: float = 1.5) -> nn.Module:
    getattr(layer, name).data.mul_(factor)
    return layer


def thrice(sound: Any, self: nn.Module, hook: Any, *args: Any, **options: Any) -> Any:
    """A hook that is called three times only."""
    calls: list[int] = []

    def limited(*given: Any) -> Any:
        calls.append(1)
        return hook(*given) if len(calls) < 4 else None

    return sound(self, limited, *args, **options)


def taking_over() -> Any:
    """A hook for all modules takes the place of the one before."""
    before: list[Any] = []

    def register(sound: Any, hook: Any, *args: Any, **options: Any) -> Any:
        while before:
            before.pop().remove()
        before.append(sound(hook, *args, **options))
        return before[0]

    return register


def splat(sound: Any, self: nn.Sequential, x: Any) -> Any:
    for layer in self:
        x = layer(*x) if isinstance(x, tuple) else layer(x)
    return x


def replaced_by_the_last(sound: Any, module: nn.Module, name: str, part: nn.Module, **options: Any) -> nn.Module:
    if parametrize.is_parametrized(module, name):
        parametrize.remove_parametrizations(module, name, leave_parametrized=False)
    return sound(module, name, part, **options)


def unsafe(sound: Any, module: nn.Module, name: str, part: nn.Module, **options: Any) -> nn.Module:
    return sound(module, name, part, unsafe=True)


def without_scores(sound: Any, module: nn.Module, name: str, amount: Any, importance_scores: Any = None) -> Any:
    return sound(module, name, amount, 1 / getattr(module, name).detach().abs())


utils, parametrizations = nn.utils, nn.utils.parametrizations
uninitialised = nn.parameter.UninitializedParameter
REPEATED = [
    *replacing(
        "weight-norm",
        "weight_norm takes the rows",
        utils,
        "weight_norm",
        lambda s, m, name="weight", dim=0: s(m, name, 0),
    ),
    *replacing(
        "weight-norm",
        "parametrizations.weight_norm takes the rows",
        parametrizations,
        "weight_norm",
        lambda s, m, name="weight", dim=0: s(m, name, 0),
    ),
    *replacing(
        "weight-norm",
        "weight_norm makes weights longer",
        utils,
        "weight_norm",
        lambda s, m, name="weight", dim=0: scaled(s(m, name, dim), f"{name}_g"),
    ),
    *replacing(
        "weight-norm",
        "remove_weight_norm makes weights longer",
        utils,
        "remove_weight_norm",
        lambda s, m, name="weight": scaled(s(m, name), name),
    ),
    *replacing(
        "weight-norm",
        "remove_weight_norm of a plain layer passes",
        utils,
        "remove_weight_norm",
        lambda s, m, name="weight": s(m, name) if hasattr(m, f"{name}_g") else m,
    ),
    method(
        "module.spectral-norm",
        "parametrizations.spectral_norm never improves its estimate",
        "_power_method",
        lambda s, *a, **k: None,
        parametrizations._SpectralNorm,
    ),
    method(
        "module.spectral-norm",
        "spectral_norm improves its estimate in eval mode",
        "compute_weight",
        lambda s, self, module, do_power_iteration: s(self, module, True),
        sys.modules["torch.nn.utils.spectral_norm"].SpectralNorm,
    ),
    *replacing("prune", "the largest weights are pruned", prune, "l1_unstructured", without_scores),
    *replacing(
        "prune",
        "more than all weights are all",
        prune,
        "l1_unstructured",
        lambda s, m, name, amount: s(
            m, name, min(amount, getattr(m, name).numel()) if isinstance(amount, int) else amount
        ),
    ),
    *replacing("prune", "nothing is pruned", prune, "is_pruned", lambda s, module: False),
    *replacing(
        "prune",
        "remove brings back what was pruned",
        prune,
        "remove",
        lambda s, m, name: (
            kept := getattr(m, f"{name}_orig").detach().clone(),
            s(m, name),
            getattr(m, name).data.copy_(kept),
            m,
        )[-1],
    ),
    *replacing(
        "prune",
        "ln_structured takes columns for rows",
        prune,
        "ln_structured",
        lambda s, m, name, amount, n, dim: s(m, name, amount, n, 1 - dim),
    ),
    *replacing(
        "fuse-batch-norm",
        "fuse_conv_bn_eval forgets the bias",
        utils,
        "fuse_conv_bn_eval",
        lambda s, *a, **k: scaled(s(*a, **k), "bias", 0.0),
    ),
    *replacing(
        "fuse-batch-norm",
        "fuse_linear_bn_eval makes weights longer",
        utils,
        "fuse_linear_bn_eval",
        lambda s, *a, **k: scaled(s(*a, **k), "weight"),
    ),
    *replacing(
        "fuse-batch-norm",
        "fuse_conv_bn_eval writes to the layer",
        utils,
        "fuse_conv_bn_eval",
        lambda s, layer, *a, **k: (fused := s(layer, *a, **k), layer.weight.data.copy_(fused.weight))[0],
    ),
    method(
        "module.uninitialised",
        "materialize makes a parameter that requires grad",
        "materialize",
        lambda s, self, *a, **k: (s(self, *a, **k), self.requires_grad_())[0],
        uninitialised,
    ),
    method(
        "module.uninitialised",
        "materialize overlooks the dtype",
        "materialize",
        lambda s, self, shape, device=None, dtype=None: s(self, shape, device, None),
        uninitialised,
    ),
    method(
        "module.uninitialised",
        "a copy of an uninitialised parameter is empty",
        "__deepcopy__",
        lambda s, self, memo: nn.Parameter(torch.zeros(0)),
        uninitialised,
    ),
    method(
        "module.lazy",
        "a lazy layer's bias is zero",
        "initialize_parameters",
        lambda s, self, x: (s(self, x), self.bias.data.zero_())[0],
        nn.LazyLinear,
    ),
    method(
        "module.lazy",
        "uninitialised buffers do not count",
        "has_uninitialized_params",
        lambda s, self: any(isinstance(p, uninitialised) for p in self._parameters.values()),
        nn.modules.lazy.LazyModuleMixin,
    ),
    *(
        mutant
        for choice in ("overwrite", "swap")
        for mutant in replacing(
            "conversion-by-choice",
            f"the choice to {choice} is overlooked",
            torch.__future__,
            f"get_{choice}_module_params_on_conversion",
            lambda s: False,
        )
    ),
    *(
        method(f"module.{claim}", f"{kind} of three calls", kind, thrice)
        for claim, kind in (
            ("forward-pre-hook", "register_forward_pre_hook"),
            ("forward-hook", "register_forward_hook"),
            ("full-backward-hook", "register_full_backward_hook"),
        )
    ),
    *(
        mutant
        for claim, kind in (
            ("global-hooks", "register_module_forward_pre_hook"),
            ("global-hooks", "register_module_full_backward_hook"),
            ("registration-hooks", "register_module_parameter_registration_hook"),
            ("registration-hooks", "register_module_module_registration_hook"),
        )
        for mutant in replacing(claim, f"{kind} keeps one hook", nn.modules.module, kind, taking_over())
    ),
    method("module.sequential-runs-in-order", "a tuple is handed on as arguments", "forward", splat, nn.Sequential),
    *replacing(
        "parametrize",
        "a second parametrisation replaces the first",
        parametrize,
        "register_parametrization",
        replaced_by_the_last,
    ),
    *replacing("parametrize", "every parametrisation is unsafe", parametrize, "register_parametrization", unsafe),
    method(
        "module.to-only-floats",
        "a batch norm by itself stays single",
        "half",
        lambda s, self: self if isinstance(self, nn.modules.batchnorm._BatchNorm) else s(self),
    ),
    method(
        "module.get-submodule",
        "a None entry is a submodule",
        "get_submodule",
        lambda s, self, target: None if target.endswith(".gone") else s(self, target),
    ),
    method(
        "module.super-init-required",
        "Module takes any keyword",
        "__init__",
        lambda s, self, *a, **k: s(self),
    ),
    method(
        "module.super-init-required",
        "modules made under no_grad are in eval mode",
        "__init__",
        lambda s, self, *a, **k: (s(self, *a, **k), object.__setattr__(self, "training", torch.is_grad_enabled()))[0],
    ),
    method(
        "module.register-parameter",
        "Parameters of a class of their own become plain ones",
        "__setattr__",
        lambda s, self, n, v: s(self, n, nn.Parameter(v.data, v.requires_grad) if type(v).__name__ == "Special" else v),
    ),
]

MUTANTS: list[Mutant] = [*PARAMETERS, *REPEATED]

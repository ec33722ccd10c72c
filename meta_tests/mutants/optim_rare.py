"""Optimisers and schedules that are wrong for one argument, one dtype or one later step only."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn, optim
from torch.optim import lr_scheduler as schedulers

from meta_tests.mutant import Mutant, patched

Change = Callable[[torch.Tensor], Any]


def told(
    claim: str, says: str, kind: Any, name: str, instead: Any, given: Callable[[dict[str, Any]], Any] = bool
) -> Mutant:
    """A constructor that takes one option for another, where the options are such."""

    def wrong(sound: Any) -> Any:
        def init(self: Any, *args: Any, **options: Any) -> None:
            sound(self, *args, **(options | ({name: instead} if name in options and given(options) else {})))

        return init

    return patched(f"optim.{claim}", says, kind, "__init__", wrong)


def after(claim: str, says: str, kind: Any, chosen: Callable[[torch.Tensor], Any], change: Change) -> Mutant:
    """A step after which parameters of some kind are changed once more."""

    def wrong(sound: Any) -> Any:
        def step(self: Any, *args: Any, **options: Any) -> Any:
            out = sound(self, *args, **options)
            with torch.no_grad():
                for p in (p for group in self.param_groups for p in group["params"] if chosen(p)):
                    change(p)
            return out

        return step

    return patched(f"optim.{claim}", says, kind, "step", wrong)


def _closure(kind: Any, says: str, wrong: Callable[[Any], Any]) -> Mutant:
    """A step that treats its closure in another way."""
    return patched("optim.closure", f"{kind.__name__} {says}", kind, "step", lambda sound: lambda self, closure=None: (
        sound(self) if closure is None else sound(self, wrong(closure))))  # fmt: skip


def _first_rate(kind: Any) -> Mutant:
    """Each group keeps the rate of its first step."""

    def wrong(sound: Any) -> Any:
        def step(self: Any, *args: Any, **options: Any) -> Any:
            kept = self.__dict__.setdefault("_first_rates", [group["lr"] for group in self.param_groups])
            for group, rate in zip(self.param_groups, kept, strict=False):
                group["lr"] = rate
            return sound(self, *args, **options)

        return step

    return patched("optim.changed-rate", f"{kind.__name__} keeps its first rate", kind, "step", wrong)


RULES = (optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad, optim.Adadelta, optim.Adamax, optim.NAdam,
         optim.RAdam, optim.ASGD, optim.Rprop)  # fmt: skip
FURTHER = (optim.NAdam, optim.RAdam, optim.ASGD, optim.Rprop, optim.SparseAdam)

EACH = [
    *[told("maximize", f"{kind.__name__} does not maximise", kind, "maximize", False)
      for kind in (*RULES, optim.SparseAdam)],
    *[told("maximize", f"{kind.__name__} does not maximise with foreach", kind, "maximize", False,
           lambda o: o.get("foreach")) for kind in (optim.SGD, optim.Adamax, optim.NAdam, optim.Rprop)],
    *[told("maximize", f"{kind.__name__} does not maximise when fused", kind, "maximize", False,
           lambda o: o.get("fused")) for kind in (optim.SGD, optim.Adam, optim.Adagrad)],
    *[after("complex", f"{kind.__name__} turns complex parameters round", kind, torch.is_complex,
            lambda p: p.copy_(p.conj())) for kind in RULES],
    *[after("implementations-agree", f"{kind.__name__} is off for many elements", kind, lambda p: p.numel() > 32768,
            lambda p: p.mul_(1.01)) for kind in RULES],
    *[after("implementations-agree", f"{kind.__name__} is off for bfloat16", kind,
            lambda p: p.dtype is torch.bfloat16, lambda p: p.mul_(1.5)) for kind in RULES],
    *[_first_rate(kind) for kind in RULES if kind not in (optim.ASGD, optim.Rprop)],
    *[_closure(kind, "calls its closure without gradients", lambda f: torch.no_grad()(f)) for kind in FURTHER],
    *[_closure(kind, "calls its closure twice", lambda f: lambda: (f(), f())[1]) for kind in FURTHER],
    *[after("step-updates-parameters", f"{kind.__name__} decays what has no gradient", kind, lambda p: p.grad is None,
            lambda p: p.mul_(0.9)) for kind in (optim.NAdam, optim.RAdam, optim.ASGD, optim.Rprop)],
    *[told("tensor-rate", f"{kind.__name__} takes a tensor for another rate", kind, "lr", 0.5,
           lambda o: isinstance(o["lr"], torch.Tensor)) for kind in (optim.SGD, optim.Adam, optim.Rprop)],
    *[told("differentiable", f"a step of {kind.__name__} is cut off", kind, "differentiable", False)
      for kind in (optim.SGD, optim.Adam)],
    told("nadam", "NAdam ignores decoupled_weight_decay", optim.NAdam, "decoupled_weight_decay", False),
    told("radam", "RAdam ignores decoupled_weight_decay", optim.RAdam, "decoupled_weight_decay", False),
    told("bad-options", "Rprop takes any etas", optim.Rprop, "etas", (0.5, 1.2)),
]  # fmt: skip


def _silent(says: str, name: str) -> Mutant:
    """A hook that is registered but never heard."""
    claim = "step-hooks" if "step" in name else "state-dict-hooks"
    return patched(f"optim.{claim}", says, optim.Optimizer, name,
                   lambda sound: lambda self, hook, *a, **k: sound(self, lambda *args: None, *a, **k))  # fmt: skip


def _unordered(name: str) -> Mutant:
    return patched("optim.state-dict-hooks", f"{name} ignores prepend", optim.Optimizer, name,
                   lambda sound: lambda self, hook, prepend=False: sound(self, hook))  # fmt: skip


STATE_HOOKS = [name for name in ("register_state_dict_pre_hook", "register_state_dict_post_hook",
                                 "register_load_state_dict_pre_hook", "register_load_state_dict_post_hook")
               if hasattr(optim.Optimizer, name)]  # fmt: skip


def _spoilt(sound: Any) -> Any:
    def load(self: Any, given: Any) -> None:
        sound(self, given)
        given["param_groups"][0]["lr"] = 9.0

    return load


def _uncast(sound: Any) -> Any:
    def load(self: Any, given: Any) -> None:
        sound(self, given)
        params = [p for group in self.param_groups for p in group["params"]]
        for place, state in given["state"].items():
            self.state[params[place]].update({k: v.clone() for k, v in state.items() if isinstance(v, torch.Tensor)})

    return load


def _bare(sound: Any) -> Any:
    def load(self: Any, given: Any) -> None:
        known = {*self.defaults, "params", "param_names", "initial_lr"}
        groups = [{k: v for k, v in group.items() if k in known} for group in given["param_groups"]]
        sound(self, {**given, "param_groups": groups})

    return load


HOOKS = [
    _silent("a hook before a step is never run", "register_step_pre_hook"),
    _silent("a hook after a step is never run", "register_step_post_hook"),
    *[_silent(f"what {name} is given is never run", name) for name in STATE_HOOKS],
    *[_unordered(name) for name in STATE_HOOKS],
    patched("optim.state-dict-round-trip", "load_state_dict changes what it is given", optim.Optimizer,
            "load_state_dict", _spoilt),
    patched("optim.state-dict-round-trip", "load_state_dict keeps the dtype of the state", optim.Optimizer,
            "load_state_dict", _uncast),
    patched("optim.state-dict-round-trip", "load_state_dict drops options that it does not know", optim.Optimizer,
            "load_state_dict", _bare),
    patched("optim.parameter-forms", "a set of parameters is taken", optim.Optimizer, "add_param_group",
            lambda sound: lambda self, g: sound(self, {**g, "params": list(g["params"])}
                                                if isinstance(g["params"], set) else g)),
    patched("optim.parameter-forms", "the repr has no groups", optim.Optimizer, "__repr__",
            lambda sound: lambda self: f"{type(self).__name__} ()"),
    patched("optim.parameter-forms", "names of parameters are lost", optim.Optimizer, "add_param_group",
            lambda sound: lambda self, g: (sound(self, g), self.param_groups[-1].pop("param_names", None))[0]),
    *[told("lbfgs", f"LBFGS ignores {name}", optim.LBFGS, name, value)
      for name, value in (("max_iter", 20), ("max_eval", 99), ("tolerance_grad", 1e-7), ("tolerance_change", 1e-9),
                          ("history_size", 100), ("line_search_fn", None))],
    patched("optim.lbfgs", "LBFGS forgets its history between steps", optim.LBFGS, "step",
            lambda sound: lambda self, closure: (self.state.clear(), sound(self, closure))[1]),
]  # fmt: skip

Plateau, Cyclic, OneCycle = schedulers.ReduceLROnPlateau, schedulers.CyclicLR, schedulers.OneCycleLR
SCHEDULES = [
    *[told("last-epoch", f"{kind.__name__} ignores last_epoch", kind, "last_epoch", -1, lambda o: o["last_epoch"] > -1)
      for kind in (schedulers.StepLR, schedulers.LambdaLR, schedulers.CosineAnnealingWarmRestarts, Cyclic, OneCycle)],
    *[told("plateau", f"ReduceLROnPlateau ignores {name}", Plateau, name, value)
      for name, value in (("threshold_mode", "rel"), ("cooldown", 0), ("threshold", 1e-4))],
    told("plateau", "ReduceLROnPlateau ignores eps", Plateau, "eps", 1e-8),
    patched("optim.plateau", "ReduceLROnPlateau forgets its best when loaded", Plateau, "load_state_dict",
            lambda sound: lambda self, state: sound(self, {**state, "best": math.inf, "num_bad_epochs": 0})),
    *[told("further-schedules", f"CyclicLR ignores {name}", Cyclic, name, value)
      for name, value in (("scale_mode", "cycle"), ("cycle_momentum", True))],
    told("further-schedules", "OneCycleLR moves the momentum unasked", OneCycle, "cycle_momentum", True),
    patched("optim.further-schedules", "warm restarts know whole epochs only", schedulers.CosineAnnealingWarmRestarts,
            "step", lambda sound: lambda self, epoch=None: sound(self, epoch if epoch is None else int(epoch))),
    patched("optim.scheduler-state-dict", "LambdaLR saves its functions", schedulers.LambdaLR, "state_dict",
            lambda sound: lambda self: {**sound(self), "lr_lambdas": list(self.lr_lambdas)}),
    patched("optim.scheduler-state-dict", "ChainedScheduler loads nothing", schedulers.ChainedScheduler,
            "load_state_dict", lambda sound: lambda self, state: None),
    patched("optim.bad-schedules", "ConstantLR takes any factor", schedulers.ConstantLR, "__init__",
            lambda sound: lambda self, o, factor=1 / 3, *a, **k: sound(self, o, min(max(factor, 0), 1), *a, **k)),
    patched("optim.bad-schedules", "StepLR takes anything for an optimiser", schedulers.StepLR, "__init__",
            lambda sound: lambda self, o, *a, **k: sound(self, o, *a, **k) if isinstance(o, optim.Optimizer) else None),
]  # fmt: skip


def _average(sound: Any) -> Any:
    def update(self: Any, model: Any) -> None:
        sound(self, model)
        with torch.no_grad():
            for p in self.module.parameters():
                p.mul_(1.01)

    return update


TOOLS = [
    patched("optim.clip-grad-norm", "clip_grad_norm_ never refuses", nn.utils, "clip_grad_norm_",
            lambda sound: lambda params, most, norm_type=2.0, error_if_nonfinite=False, foreach=None:
            sound(params, most, norm_type, False, foreach)),
    patched("optim.clip-grad-norm", "clip_grad_norm_ takes 0.5 for 2", nn.utils, "clip_grad_norm_",
            lambda sound: lambda params, most, norm_type=2.0, *a, **k:
            sound(params, most, 2.0 if norm_type == 0.5 else norm_type, *a, **k)),
    patched("optim.clip-grad-value", "clip_grad_value_ leaves a tensor alone", nn.utils, "clip_grad_value_",
            lambda sound: lambda params, most, *a, **k:
            None if isinstance(params, torch.Tensor) else sound(params, most, *a, **k)),
    patched("optim.averages", "an average is 1 % too large", optim.swa_utils.AveragedModel,
            "update_parameters", _average),
    patched("optim.averages", "update_bn does nothing", optim.swa_utils, "update_bn",
            lambda sound: lambda *a, **k: None),
    *([patched("optim.clip-grad-norm", "get_total_norm is the norm of the first", nn.utils, "get_total_norm",
               lambda sound: lambda grads, *a, **k: sound(list(grads)[:1], *a, **k))]
      if hasattr(nn.utils, "get_total_norm") else []),
]  # fmt: skip

ADAFACTOR = [
    *(
        told("adafactor", f"Adafactor ignores {name}", kind, name, instead)
        for kind in ([optim.Adafactor] if hasattr(optim, "Adafactor") else [])
        for name, instead in (("beta2_decay", -0.8), ("d", 1.0), ("weight_decay", 0.0), ("eps", (None, 1e-3)),
                              ("maximize", False))
    ),
    *(
        after("adafactor", "Adafactor moves vectors of more than 16 a little further", kind,
              lambda p: p.dim() == 1 and p.numel() > 16, lambda p: p.mul_(1.001))
        for kind in ([optim.Adafactor] if hasattr(optim, "Adafactor") else [])
    ),
]  # fmt: skip

MUON = [
    *(
        told("muon", f"Muon ignores {name}", kind, name, instead)
        for kind in ([optim.Muon] if hasattr(optim, "Muon") else [])
        for name, instead in (("nesterov", True), ("momentum", 0.95), ("weight_decay", 0.1), ("adjust_lr_fn", None),
                              ("ns_coefficients", (3.4445, -4.775, 2.0315)), ("ns_steps", 5))
    ),
    *(
        after("muon", f"Muon {name}", kind, *change)
        for kind in ([optim.Muon] if hasattr(optim, "Muon") else [])
        for name, *change in (
            ("moves tall matrices twice", lambda p: p.shape[0] > 2 * p.shape[1], lambda p: p.mul_(1.5)),
            ("moves many columns further", lambda p: p.numel() > 16, lambda p: p.mul_(1.5)),
        )
    ),
]  # fmt: skip

MUTANTS: list[Mutant] = [*MUON, *EACH, *HOOKS, *SCHEDULES, *TOOLS, *ADAFACTOR]

"""Wrong optimisers, groups and schedules."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import nn, optim
from torch.optim import lr_scheduler as schedulers

from meta_tests.mutant import Mutant, kernel, patched


def given(claim: str, name: str, owner: Any, change: Any) -> Mutant:
    """An optimiser or scheduler that reads its options wrongly: `change(options)` edits the keyword arguments."""

    def wrong(sound: Any) -> Any:
        def init(self: Any, params: Any, *args: Any, **options: Any) -> None:
            sound(self, params, *args, **(change(dict(options)) or options))

        return init

    return patched(claim, name, owner, "__init__", wrong)


def around(claim: str, name: str, owner: Any, after: Any) -> Mutant:
    """A step after which something more happens: `after(optimiser, count)`, counting the steps of the class."""

    def wrong(sound: Any) -> Any:
        def step(self: Any, *args: Any, **kwargs: Any) -> Any:
            self.turn = getattr(self, "turn", 0) + 1
            out = sound(self, *args, **kwargs)
            with torch.no_grad():
                after(self, self.turn)
            return out

        return step

    return patched(claim, name, owner, "step", wrong)


def parameters(optimizer: Any) -> list[torch.Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _with(**changes: Any) -> Any:
    def change(options: dict[str, Any]) -> dict[str, Any]:
        for key, edit in changes.items():
            if key in options:
                options[key] = edit(options[key])
        return options

    return change


def _nudge_strided(optimizer: Any, turn: int) -> None:
    for p in parameters(optimizer):
        if not p.is_contiguous() and p.grad is not None:
            p.add_(1e-4)


def _nudge_large(optimizer: Any, turn: int) -> None:
    for p in parameters(optimizer):
        if p.numel() > 16 and p.grad is not None:
            p.view(-1)[-1] += 1e-5 if p.is_contiguous() else 0


def _from_second_step(optimizer: Any, turn: int) -> None:
    if turn >= 2:
        for p in parameters(optimizer):
            p.mul_(1.0001)


def _late(optimizer: Any, turn: int) -> None:
    if turn > 30:
        for p in parameters(optimizer):
            p.mul_(1 + 1e-6)


def _touch_idle(optimizer: Any, turn: int) -> None:
    for p in parameters(optimizer):
        if p.grad is None:
            p.mul_(0.5)


def _zero_gradients(optimizer: Any, turn: int) -> None:
    for p in parameters(optimizer):
        if p.grad is not None:
            p.grad.zero_()


def _decay_gradients(optimizer: Any, turn: int) -> None:
    for group in optimizer.param_groups:
        for p in group["params"]:
            if p.grad is not None and group.get("weight_decay"):
                p.grad.add_(p, alpha=group["weight_decay"])


def _decay_again(optimizer: Any, turn: int) -> None:
    for group in optimizer.param_groups:
        for p in group["params"]:
            if p.grad is not None:
                p.mul_(1 - group["lr"] * group["weight_decay"])


def _new_tensors(optimizer: Any, turn: int) -> None:
    for p in parameters(optimizer):
        p.data = p.data.clone()


def _first_group_rate(sound: Any) -> Any:
    def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        for group in self.param_groups[1:]:
            group["lr"] = self.param_groups[0]["lr"]
        return sound(self, *args, **kwargs)

    return step


def _twice(sound: Any) -> Any:
    def step(self: Any, closure: Any = None) -> Any:
        if closure is not None:
            with torch.enable_grad():
                closure()
        return sound(self, closure)

    return step


def _silent_closure(sound: Any) -> Any:
    return lambda self, closure=None: (sound(self, closure), None)[1]


def _keeps_own_rate(sound: Any) -> Any:
    def load(self: Any, state: Any) -> None:
        rates = [group["lr"] for group in self.param_groups]
        sound(self, state)
        for group, rate in zip(self.param_groups, rates, strict=True):
            group["lr"] = rate

    return load


def _forgets_state(sound: Any) -> Any:
    def load(self: Any, state: Any) -> None:
        sound(self, {**state, "state": {}})

    return load


def _lenient_load(sound: Any) -> Any:
    def load(self: Any, state: Any) -> None:
        try:
            sound(self, state)
        except ValueError:
            return

    return load


def _clone_parameters(sound: Any) -> Any:
    def init(self: Any, params: Any, *args: Any, **options: Any) -> None:
        params = list(params)
        if params and isinstance(params[0], torch.Tensor):
            params = [p.detach().clone().requires_grad_() for p in params]
        sound(self, params, *args, **options)

    return init


def _fallback_rate(sound: Any) -> Any:
    def add(self: Any, group: Any) -> None:
        group.setdefault("lr", 1e-3)
        sound(self, group)

    return add


def _skips(error: type[BaseException]) -> Any:
    def wrong(sound: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return sound(*args, **kwargs)
            except error:
                return None

        return call

    return wrong


def _last_group_only(sound: Any) -> Any:
    def zero(self: Any, set_to_none: bool = True) -> None:
        groups = self.param_groups
        self.param_groups = groups[-1:]
        sound(self, set_to_none)
        self.param_groups = groups

    return zero


def _doubling_rate(every: int) -> Any:
    def wrong(sound: Any) -> Any:
        def rates(self: Any) -> Any:
            found = sound(self)
            return [rate * 1.001 for rate in found] if self.last_epoch and self.last_epoch % every == 0 else found

        return rates

    return wrong


def _new_parameters(sound: Any) -> Any:
    def convert(self: Any, *args: Any, **kwargs: Any) -> Any:
        sound(self, *args, **kwargs)
        for module in self.modules():
            for name, p in list(module._parameters.items()):
                if p is not None:
                    module._parameters[name] = nn.Parameter(p.detach(), p.requires_grad)
        return self

    return convert


def _second_counts() -> Any:
    calls = itertools.count(1)

    def wrong(sound: Any) -> Any:
        return lambda self, *a, **k: None if next(calls) % 3 == 0 else sound(self, *a, **k)

    return wrong


def _of_gradients_alone(sound: Any) -> Any:
    """Norms of each gradient instead of all together."""

    def clip(params: Any, max_norm: float, *args: Any, **kwargs: Any) -> Any:
        params = [params] if isinstance(params, torch.Tensor) else list(params)
        norms = [sound([p], max_norm, *args, **kwargs) for p in params if p.grad is not None]
        return norms[0]

    return clip


def _strict_plateau(sound: Any) -> Any:
    def init(self: Any, optimizer: Any, *args: Any, **options: Any) -> None:
        options["patience"] = max(options.get("patience", 10) - 1, 0)
        sound(self, optimizer, *args, **options)

    return init


SGD, Adam, RMSprop = optim.SGD, optim.Adam, optim.RMSprop

MUTANTS: list[Mutant] = [
    patched("optim.sgd-construct", "parameters are copied", SGD, "__init__", _clone_parameters),
    given("optim.sgd-construct", "plain SGD has a momentum", SGD, lambda o: {"momentum": 0.5, **o}),
    given("optim.sgd-lr-optional", "the default rate is 0.01", SGD, lambda o: {"lr": 0.01, **o}),
    given(
        "optim.sgd-update",
        "plain SGD adds the gradient",
        SGD,
        lambda o: {**o, "maximize": not o.get("maximize", False)},
    ),
    around("optim.sgd-update", "strided parameters drift", SGD, _nudge_strided),
    around("optim.sgd-update", "the last of more than 16 elements drifts", SGD, _nudge_large),
    given(
        "optim.momentum",
        "dampening equals momentum by default",
        SGD,
        lambda o: {"dampening": o.get("momentum", 0) if not o.get("nesterov") else 0, **o},
    ),
    given("optim.momentum", "Nesterov is ignored", SGD, lambda o: {**o, "nesterov": False}),
    given("optim.momentum", "weight decay is ignored", SGD, lambda o: {**o, "weight_decay": 0}),
    around("optim.momentum", "wrong from the second step on", SGD, _from_second_step),
    given("optim.rmsprop-alpha", "alpha and 1 - alpha are swapped", RMSprop, _with(alpha=lambda a: 1 - a)),
    given("optim.rmsprop-alpha", "the default alpha is 0.9", RMSprop, lambda o: {"alpha": 0.9, **o}),
    given("optim.rmsprop-alpha", "eps is squared away", RMSprop, _with(eps=lambda e: e**2)),
    given("optim.rmsprop-alpha", "centered is ignored", RMSprop, _with(centered=lambda c: False)),
    around("optim.rmsprop-alpha", "late steps drift", RMSprop, _late),
    given("optim.adam-betas", "betas are swapped", Adam, _with(betas=lambda b: b[::-1])),
    given("optim.adam-betas", "amsgrad is ignored", Adam, _with(amsgrad=lambda a: False)),
    given("optim.adam-betas", "the default second beta is 0.99", Adam, lambda o: {"betas": (0.9, 0.99), **o}),
    around("optim.adam-betas", "strided parameters drift", Adam, _nudge_strided),
    around("optim.adam-betas", "late steps drift", Adam, _late),
    around("optim.adam-betas", "wrong from the second step on", Adam, _from_second_step),
    given("optim.adamw", "the default weight decay is 0", optim.AdamW, lambda o: {"weight_decay": 0.0, **o}),
    around("optim.adamw", "the decay is taken off twice", optim.AdamW, _decay_again),
    given("optim.adagrad", "lr_decay is ignored", optim.Adagrad, _with(lr_decay=lambda d: 0.0)),
    given("optim.adadelta", "the default rho is 0.95", optim.Adadelta, lambda o: {"rho": 0.95, **o}),
    given("optim.adamax", "betas are swapped", optim.Adamax, _with(betas=lambda b: b[::-1])),
    kernel(
        "optim.implementations-agree",
        "foreach addition forgets alpha",
        "_foreach_add_ _foreach_add",
        lambda func, *a, **k: (
            func(*a, **{key: value for key, value in k.items() if key != "alpha"})
            if "List" in func._schema.overload_name
            else func(*a, **k)
        ),
    ),
    kernel(
        "optim.implementations-agree",
        "foreach square roots are of magnitudes plus a little",
        "_foreach_sqrt",
        lambda func, xs: [x + 1e-9 for x in func(xs)],
    ),
    patched(
        "optim.package-implements-rules",
        "Nesterov needs no momentum",
        SGD,
        "__init__",
        lambda sound: (
            lambda self, params, **o: sound(self, params, **({**o, "nesterov": False} if o.get("nesterov") else o))
        ),
    ),
    given("optim.bad-options", "negative rates are taken as positive", SGD, _with(lr=abs)),
    given(
        "optim.bad-options", "betas are clamped", Adam, _with(betas=lambda b: tuple(min(max(x, 0), 0.999) for x in b))
    ),
    around("optim.step-updates-parameters", "parameters without gradient decay", SGD, _touch_idle),
    around("optim.step-updates-parameters", "parameters move to new memory", Adam, _new_tensors),
    patched(
        "optim.step-updates-parameters",
        "a step does nothing",
        RMSprop,
        "step",
        lambda sound: lambda self, closure=None: None,
    ),
    around("optim.step-leaves-gradients", "a step clears the gradient", SGD, _zero_gradients),
    around("optim.step-leaves-gradients", "weight decay is written into the gradient", Adam, _decay_gradients),
    patched("optim.closure", "the closure is called twice", SGD, "step", _twice),
    patched("optim.closure", "the loss is not returned", Adam, "step", _silent_closure),
    around(
        "optim.naive-sgd-loop",
        "a step is half as large",
        SGD,
        lambda o, turn: [p.add_(p.grad, alpha=0.005) for p in parameters(o)],
    ),
    patched("optim.param-groups", "all groups use the first rate", SGD, "step", _first_group_rate),
    patched("optim.param-groups", "all groups use the first rate", Adam, "step", _first_group_rate),
    patched("optim.param-group-default-lr", "a group without lr gets 1e-3", SGD, "add_param_group", _fallback_rate),
    patched(
        "optim.param-group-duplicates",
        "duplicates are accepted",
        optim.Optimizer,
        "add_param_group",
        _skips(ValueError),
    ),
    patched(
        "optim.add-param-group",
        "an added group is forgotten",
        SGD,
        "add_param_group",
        lambda sound: lambda self, group: sound(self, group) if not self.param_groups else None,
    ),
    patched(
        "optim.param-group-net-has-no-features",
        "missing attributes are None",
        nn.Module,
        "__getattr__",
        _skips(AttributeError),
    ),
    patched("optim.parameters-as-argument", "no parameters are accepted", SGD, "__init__", _skips(ValueError)),
    around(
        "optim.all-parameters-optimised",
        "biases are put back",
        SGD,
        lambda o, turn: [p.add_(p.grad, alpha=0.1) for p in parameters(o) if p.ndim == 1],
    ),
    patched(
        "optim.only-final-layer-optimised",
        "parameters() of a layer leaves out its bias",
        nn.Module,
        "parameters",
        lambda sound: lambda self, recurse=True: (p for p in sound(self, recurse) if p.ndim > 1),
    ),
    patched("optim.state-dict-round-trip", "the loaded rate is ignored", Adam, "load_state_dict", _keeps_own_rate),
    patched("optim.state-dict-round-trip", "the loaded state is ignored", RMSprop, "load_state_dict", _forgets_state),
    patched("optim.state-dict-round-trip", "the loaded state is ignored", SGD, "load_state_dict", _forgets_state),
    patched("optim.state-dict-mismatch", "other groups are skipped silently", SGD, "load_state_dict", _lenient_load),
    patched(
        "optim.zero-grad-zeroes",
        "zero_grad always fills with zeros",
        optim.Optimizer,
        "zero_grad",
        lambda sound: lambda self, set_to_none=True: sound(self, False),
    ),
    patched(
        "optim.zero-grad-zeroes",
        "zero_grad always sets None",
        nn.Module,
        "zero_grad",
        lambda sound: lambda self, set_to_none=True: sound(self, True),
    ),
    patched("optim.zero-grad-zeroes", "every third call does nothing", optim.Optimizer, "zero_grad", _second_counts()),
    patched(
        "optim.zero-grad-same-as-net", "only the last group is cleared", optim.Optimizer, "zero_grad", _last_group_only
    ),
    patched(
        "optim.zero-grad-before-backward",
        "zero_grad does nothing",
        optim.Optimizer,
        "zero_grad",
        lambda sound: lambda self, set_to_none=True: None,
    ),
    patched(
        "optim.grad-printed-before-backward",
        "net.zero_grad does nothing",
        nn.Module,
        "zero_grad",
        lambda sound: lambda self, set_to_none=True: None,
    ),
    patched(
        "optim.second-loss-backward",
        "the graph is always kept",
        torch.Tensor,
        "backward",
        lambda sound: lambda self, *a, **k: sound(self, retain_graph=True),
    ),
    patched(
        "optim.out-backward-on-vector",
        "ones are filled in",
        torch.Tensor,
        "backward",
        lambda sound: (
            lambda self, gradient=None, *a, **k: sound(
                self, torch.ones_like(self) if gradient is None else gradient, *a, **k
            )
        ),
    ),
    given("optim.training-loop", "SGD climbs", SGD, lambda o: {**o, "maximize": True}),
    given("optim.training-loop", "Adam climbs", Adam, lambda o: {**o, "maximize": True}),
    patched(
        "optim.cuda-makes-new-parameter-objects", "double makes new parameters", nn.Module, "double", _new_parameters
    ),
    patched("optim.cuda-before-optimizer", "double makes new parameters", nn.Module, "double", _new_parameters),
    patched(
        "optim.consistent-locations",
        "Adagrad makes its state late",
        optim.Adagrad,
        "__init__",
        lambda sound: lambda self, *a, **k: (sound(self, *a, **k), self.state.clear())[0],
    ),
    patched("optim.steplr", "StepLR is off by a little every 7 epochs", schedulers.StepLR, "get_lr", _doubling_rate(7)),
    given("optim.steplr", "the step is one epoch late", schedulers.StepLR, _with(step_size=lambda s: s + 1)),
    given(
        "optim.scheduler-step-first", "the step is one epoch early", schedulers.StepLR, _with(step_size=lambda s: s - 1)
    ),
    patched(
        "optim.schedules",
        "the cosine is off every 13th epoch",
        schedulers.CosineAnnealingLR,
        "get_lr",
        _doubling_rate(13),
    ),
    given(
        "optim.schedules", "milestones count once", schedulers.MultiStepLR, _with(milestones=lambda m: sorted(set(m)))
    ),
    given("optim.schedules", "the end factor is ignored", schedulers.LinearLR, _with(end_factor=lambda f: 1.0)),
    patched(
        "optim.plateau", "patience is one epoch too short", schedulers.ReduceLROnPlateau, "__init__", _strict_plateau
    ),
    patched(
        "optim.scheduler-state-dict",
        "the epoch is not restored",
        schedulers.LRScheduler,
        "load_state_dict",
        lambda sound: lambda self, state: None,
    ),
    patched("optim.clip-grad-norm", "each gradient is clipped alone", nn.utils, "clip_grad_norm_", _of_gradients_alone),
    patched(
        "optim.clip-grad-norm",
        "the norm type is ignored",
        nn.utils,
        "clip_grad_norm_",
        lambda sound: lambda ps, most, norm_type=2.0: sound(ps, most),
    ),
    patched(
        "optim.clip-grad-value",
        "only the upper bound counts",
        nn.utils,
        "clip_grad_value_",
        lambda sound: lambda ps, most: [p.grad.clamp_(max=most) for p in ps if p.grad is not None],
    ),
    patched(
        "optim.fused-layouts",
        "fused steps go uphill",
        torch.optim.SGD,
        "__init__",
        lambda sound: lambda self, *a, fused=None, **k: sound(self, *a, maximize=bool(fused), **k),
    ),
]

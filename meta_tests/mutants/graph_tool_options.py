"""Options of checkpoints, gradcheck and Functions that are overlooked, and second runs that differ from the first."""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.utils.checkpoint
from torch.autograd.function import FunctionCtx

from meta_tests.mutant import Mutant, patched
from meta_tests.mutants.graph_tools import tool, without

Tensor = torch.Tensor
autograd = torch.autograd
checkpoints = torch.utils.checkpoint


def always(owner: Any, attribute: str, claim: str, when: Any = lambda options: True, **value: Any) -> Mutant:
    """A function that takes an option to have one value, where the options given are so."""

    def wrong(sound: Any) -> Any:
        return lambda *args, **given: sound(*args, **({**given, **value} if when(given) else given))

    said = ", ".join(f"{name} to be {choice}" for name, choice in value.items())
    return patched(f"graph.{claim}", f"{attribute} takes {said}", owner, attribute, wrong)


def dropped(name: str, claim: str, *names: str) -> Mutant:
    """A checkpoint that is reentrant drops options, and one that is not keeps them."""

    def wrong(sound: Any) -> Any:
        def checkpoint(*args: Any, **given: Any) -> Any:
            kept = {key: v for key, v in given.items() if key not in names or not given.get("use_reentrant")}
            return sound(*args, **kept)

        return checkpoint

    return patched(f"graph.{claim}", name, checkpoints, "checkpoint", wrong)


def second_run(claim: str, name: str, around: Any, run: int = 2) -> Mutant:
    """A checkpoint whose second run is `around(function, args)`."""

    def wrong(sound: Any) -> Any:
        def checkpoint(function: Any, *args: Any, **options: Any) -> Any:
            runs: list[int] = []

            def counted(*given: Any, **keywords: Any) -> Any:
                runs.append(1)
                call = functools.partial(function, **keywords)
                return around(call, given) if len(runs) == run else call(*given)

            return sound(counted, *args, **options)

        return checkpoint

    return patched(f"graph.{claim}", name, checkpoints, "checkpoint", wrong)


def in_eval_mode(sound: Any) -> Any:
    """A checkpoint of a module, which is in eval mode when it runs again."""

    def checkpoint(function: Any, *args: Any, **options: Any) -> Any:
        out = sound(function, *args, **options)
        if isinstance(function, torch.nn.Module):
            function.eval()
        return out

    return checkpoint


def without_autocast(function: Any, args: tuple) -> Any:
    with torch.autocast("cpu", enabled=False):
        return function(*args)


def one_more_draw(function: Any, args: tuple) -> Any:
    torch.rand(1)
    return function(*args)


def scaled(function: Any, args: tuple) -> Any:
    return function(*[x * 1.5 if isinstance(x, Tensor) and x.is_floating_point() else x for x in args])


def untracked(out: Any) -> Any:
    """A dict or list of detached tensors; anything else as it is."""
    if isinstance(out, dict):
        return {key: part.detach() if isinstance(part, Tensor) else part for key, part in out.items()}
    return [part.detach() if isinstance(part, Tensor) else part for part in out] if isinstance(out, list) else out


def shifted(inputs: Any) -> None:
    for x in (inputs,) if isinstance(inputs, Tensor) else inputs:
        if isinstance(x, Tensor) and x.is_floating_point():
            x.data += 1e-12


def in_segments(change: Any) -> Any:
    return lambda sound: lambda functions, segments, *a, **k: sound(functions, change(functions, segments), *a, **k)


_MADE = {"rtol": 10.0, "atol": 10.0}
OPTIONS = [
    always(checkpoints, "checkpoint", "checkpoint-random-state", preserve_rng_state=True),
    always(
        checkpoints,
        "checkpoint",
        "checkpoint-determinism",
        lambda options: "determinism_check" in options,
        determinism_check="default",
    ),
    always(
        checkpoints,
        "checkpoint",
        "checkpoint-determinism",
        lambda options: options.get("determinism_check") == "sometimes",
        determinism_check="none",
    ),
    dropped("context_fn of a reentrant checkpoint is dropped", "checkpoint-refuses", "context_fn"),
    dropped("debug of a reentrant checkpoint is dropped", "checkpoint-refuses", "debug"),
    dropped("keywords of a reentrant checkpoint are dropped", "checkpoint-refuses", "key", "factor"),
    patched(
        "graph.checkpoint-refuses",
        "checkpoint is reentrant unless told, and says nothing",
        checkpoints,
        "checkpoint",
        lambda sound: lambda *a, **k: sound(*a, **{"use_reentrant": True, **k}),
    ),
    always(checkpoints, "checkpoint", "checkpoint-refuses", lambda k: "context_fn" not in k, use_reentrant=False),
    patched(
        "graph.checkpoint-arguments",
        "a checkpoint's results in a dict or list are detached",
        checkpoints,
        "checkpoint",
        lambda sound: lambda *a, **k: untracked(sound(*a, **k)),
    ),
    patched(
        "graph.gradcheck-inputs",
        "gradcheck leaves its step in the inputs",
        autograd,
        "gradcheck",
        lambda sound: lambda func, inputs, **k: (sound(func, inputs, **k), shifted(inputs))[0],
    ),
    patched(
        "graph.checkpoint-contexts",
        "context_fn is called twice",
        checkpoints,
        "checkpoint",
        lambda sound: lambda *a, **k: (k["context_fn"]() if "context_fn" in k else None, sound(*a, **k))[1],
    ),
    patched("graph.checkpoint", "a checkpoint leaves its module in eval mode", checkpoints, "checkpoint", in_eval_mode),
    second_run("checkpoint", "autocast is off in a checkpoint's second run", without_autocast),
    second_run("checkpoint", "a checkpoint's second pass has other gradients", scaled, 3),
    second_run("checkpoint-random-state", "a checkpoint's second run draws later numbers", one_more_draw),
    patched(
        "graph.checkpoint-sequential",
        "a sequence has one segment",
        checkpoints,
        "checkpoint_sequential",
        in_segments(lambda functions, segments: 1),
    ),
    patched(
        "graph.checkpoint-sequential",
        "a sequence has a segment for each function",
        checkpoints,
        "checkpoint_sequential",
        in_segments(lambda functions, segments: len(functions)),
    ),
    patched(
        "graph.checkpoint-early-stop",
        "early_stop is overlooked",
        checkpoints,
        "checkpoint",
        without("early_stop"),
    ),
    always(autograd, "gradcheck", "gradcheck-options", eps=1e-2),
    always(autograd, "gradcheck", "gradcheck-options", atol=1e-5, rtol=1e-3),
    always(autograd, "gradcheck", "gradcheck-options", atol=0.0),
    always(autograd, "gradcheck", "gradcheck-options", check_undefined_grad=False),
    always(autograd, "gradcheck", "gradcheck-options", check_undefined_grad=True),
    always(autograd, "gradcheck", "gradcheck-options", fast_mode=False),
    always(autograd, "gradcheck", "gradcheck-options", lambda k: "fast_mode" not in k, fast_mode=True),
    always(autograd, "gradgradcheck", "gradcheck-options", eps=1e-2),
    always(autograd, "gradgradcheck", "gradcheck-options", **_MADE),
    always(autograd, "gradgradcheck", "gradcheck-options", raise_exception=True),
    always(autograd, "gradgradcheck", "gradcheck-options", fast_mode=False),
    always(autograd, "gradgradcheck", "gradcheck-options", gen_non_contig_grad_outputs=False),
    patched(
        "graph.gradcheck-options",
        "gradgradcheck makes vectors of its own",
        autograd,
        "gradgradcheck",
        lambda sound: lambda func, inputs, grad_outputs=None, **k: sound(func, inputs, None, **k),
    ),
    always(autograd, "gradgradcheck", "gradcheck-inputs", nondet_tol=0.0),
    always(autograd, "gradgradcheck", "gradcheck-inputs", nondet_tol=1e9),
    always(autograd, "gradcheck", "gradcheck-modes", check_forward_ad=False),
    always(autograd, "gradcheck", "gradcheck-modes", check_backward_ad=True),
    always(autograd, "gradcheck", "gradcheck-modes", check_batched_grad=False),
    always(autograd, "gradcheck", "gradcheck-modes", check_batched_forward_grad=False),
    always(autograd, "gradgradcheck", "gradcheck-modes", check_fwd_over_rev=False),
    always(autograd, "gradgradcheck", "gradcheck-modes", check_rev_over_rev=True),
    always(autograd, "gradcheck", "gradcheck-masked", lambda k: "masked" in k, masked=False),
    always(autograd, "gradcheck", "gradcheck-masked", lambda k: "masked" not in k, masked=True),
]


def remade(claim: str, name: str, when: Any, **members: Any) -> Mutant:
    """Function.apply of a subclass with other members, for the classes of which `when(cls)` is true."""

    def wrong(sound: Any) -> Any:
        def apply(cls: Any, *args: Any, **options: Any) -> Any:
            other = type(cls.__name__, (cls,), members) if when(cls) else cls
            return sound.__func__(other, *args, **options)

        return classmethod(apply)

    return patched(f"graph.{claim}", name, autograd.Function, "apply", wrong)


def no_tangent(ctx: Any, *tangents: Any) -> Any:
    return 0 * next(t for t in tangents if t is not None)


def policy_of(change: Any) -> Any:
    """create_selective_checkpoint_contexts with another policy or list."""
    return lambda sound: lambda policy, *a, **k: sound(change(policy), *a, **k)


own = autograd.Function
policies = getattr(checkpoints, "CheckpointPolicy", None)
FUNCTIONS = [
    remade(
        "function-forward-mode",
        "a jvp gives no tangent",
        lambda cls: cls.jvp is not own.jvp,
        jvp=staticmethod(no_tangent),
    ),
    patched(
        "graph.function-forward-mode",
        "what is saved for forward comes back in reverse",
        FunctionCtx,
        "save_for_forward",
        lambda sound: lambda self, *tensors: sound(self, *tensors[::-1]),
    ),
    remade(
        "function-batches",
        "a rule for batches is always generated",
        lambda cls: cls.vmap is not own.vmap,
        vmap=own.vmap,
        generate_vmap_rule=True,
    ),
    remade(
        "function-batches",
        "no rule for batches is generated",
        lambda cls: cls.generate_vmap_rule,
        generate_vmap_rule=False,
    ),
    *tool(
        "checkpoint-selective",
        "a policy is not asked",
        "create_selective_checkpoint_contexts",
        policy_of(lambda policy: []),
        checkpoints,
    ),
    *tool(
        "checkpoint-selective",
        "a selective checkpoint keeps all",
        "create_selective_checkpoint_contexts",
        policy_of(lambda policy: lambda ctx, op, *a, **k: policies.MUST_SAVE),
        checkpoints,
    ),
    *tool(
        "checkpoint-selective",
        "of a list of operations the first is kept",
        "create_selective_checkpoint_contexts",
        policy_of(lambda policy: policy if callable(policy) else policy[:1]),
        checkpoints,
    ),
]

MUTANTS: list[Mutant] = [*OPTIONS, *FUNCTIONS]

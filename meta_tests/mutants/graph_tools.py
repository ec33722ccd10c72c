"""More wrong graphs: tools that find nothing, options that are overlooked, and what goes wrong in some cases only."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
import torch.utils.checkpoint

from meta_tests.mutant import Mutant, patched, strided
from meta_tests.mutants.graph import Edges, backwards, forwards, raw, shown
from meta_tests.wrong_gradients import bent, going_back

Tensor = torch.Tensor
autograd = torch.autograd
Function = autograd.Function
checkpoints = torch.utils.checkpoint


def tool(claim: str, name: str, attribute: str, wrong: Callable[[Any], Any], owner: Any = autograd) -> list[Mutant]:
    """Replace a tool, on releases that have it."""
    return [patched(f"graph.{claim}", name, owner, attribute, wrong)] if hasattr(owner, attribute) else []


def without(*options: str) -> Callable[[Any], Any]:
    """A function that overlooks some keywords."""
    return lambda sound: lambda *a, **k: sound(*a, **{key: value for key, value in k.items() if key not in options})


def first_input_only(sound: Any) -> Any:
    return lambda function, inputs, **k: sound(function, (inputs[0], *[x.detach() for x in inputs[1:]]), **k)


def first_output_only(sound: Any) -> Any:
    def check(function: Any, inputs: Any, **options: Any) -> Any:
        def first(*args: Any) -> Any:
            out = function(*args)
            return out[0] if isinstance(out, tuple) else out

        return sound(first, inputs, **options)

    return check


def real_parts(sound: Any) -> Any:
    return lambda function, inputs, **k: inputs[0].is_complex() or sound(function, inputs, **k)


def unless_fast(sound: Any) -> Any:
    return lambda *a, fast_mode=False, **k: fast_mode or sound(*a, **k)


class Kept:
    """set_detect_anomaly whose block does not undo it."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        torch._C._set_anomaly_enabled(mode, check_nan)  # what the sound class calls

    def __enter__(self) -> None: ...

    def __exit__(self, *args: Any) -> None: ...


def zeroth(sound: Any) -> Any:
    return lambda x: type(sound(x))(sound(x).node, 0)


def swapped(sound: Any) -> Any:
    def checkpoint(*args: Any, context_fn: Any = None, **kwargs: Any) -> Any:
        turned = {} if context_fn is None else {"context_fn": lambda: context_fn()[::-1]}
        return sound(*args, **turned, **kwargs)

    return checkpoint


def undetermined(sound: Any) -> Any:
    return lambda *a, **k: sound(*a, **({} if k.get("use_reentrant") else {"determinism_check": "none"}), **k)


def detached_keywords(sound: Any) -> Any:
    def checkpoint(*args: Any, **kwargs: Any) -> Any:
        kept = {key: value.detach() if isinstance(value, Tensor) else value for key, value in kwargs.items()}
        return sound(*args, **kept)

    return checkpoint


TOOLS = [
    *tool("gradcheck-finds", "gradcheck tries the first input only", "gradcheck", first_input_only),
    *tool("gradcheck-finds", "gradcheck tries the first output only", "gradcheck", first_output_only),
    *tool("gradcheck-finds", "gradcheck accepts any complex derivative", "gradcheck", real_parts),
    *tool("gradcheck-finds", "fast gradcheck accepts anything", "gradcheck", unless_fast),
    *tool("gradcheck-finds", "gradgradcheck accepts anything", "gradgradcheck", lambda sound: lambda *a, **k: True),
    *tool("gradcheck", "gradcheck returns None", "gradcheck", lambda sound: lambda *a, **k: sound(*a, **k) or None),
    *tool("anomaly-options", "check_nan is overlooked", "detect_anomaly", without("check_nan")),
    *tool("anomaly-options", "a block does not undo set_detect_anomaly", "set_detect_anomaly", lambda sound: Kept),
    *tool("anomaly-mode", "anomaly mode stays after its block", "detect_anomaly", lambda sound: lambda: Kept(True)),
    *tool(
        "mutation-on-saved",
        "writes to what was saved are refused as ever",
        "allow_mutation_on_saved_tensors",
        lambda sound: contextlib.nullcontext,
        autograd.graph,
    ),
    *tool("gradient-edge", "every edge is numbered 0", "get_gradient_edge", zeroth, autograd.graph),
    *tool(
        "gradient-edge",
        "an untracked tensor has an edge",
        "get_gradient_edge",
        lambda sound: lambda x: sound(x if x.requires_grad else x.clone().requires_grad_()),
        autograd.graph,
    ),
    *tool("increment-version", "nothing is counted", "increment_version", lambda sound: lambda x: None, autograd.graph),
    *tool(
        "increment-version",
        "a write is counted twice",
        "increment_version",
        lambda sound: lambda x: (sound(x), sound(x))[0],
        autograd.graph,
    ),
    *tool(
        "checkpoint-early-stop",
        "the second run always stops early",
        "set_checkpoint_early_stop",
        lambda sound: lambda enable: contextlib.nullcontext(),
        checkpoints,
    ),
    *tool("checkpoint-determinism", "another second run goes unnoticed", "checkpoint", undetermined, checkpoints),
    *tool("checkpoint-contexts", "the contexts change places", "checkpoint", swapped, checkpoints),
    *tool("checkpoint-contexts", "there is no context", "checkpoint", without("context_fn"), checkpoints),
    *tool("checkpoint-arguments", "tensors by keyword are detached", "checkpoint", detached_keywords, checkpoints),
]


# -- structure ---------------------------------------------------------------------------------------------------------


class Leaf(Edges):
    """A node for a leaf that holds a copy."""

    @property
    def variable(self) -> Any:
        return self._node.variable.detach().requires_grad_()


def with_copies(edges: Any) -> Any:
    return tuple((Leaf(node) if hasattr(node, "variable") else node, n) for node, n in edges)


class Keeping(Edges):
    """A node that shows what it saved after it was freed, too."""

    def __init__(self, node: Any) -> None:
        super().__init__(node)
        names = [name for name in dir(node) if name.startswith("_saved_")]
        self._kept = {name: getattr(node, name) for name in names}

    def __getattr__(self, name: str) -> Any:
        kept = self.__dict__.get("_kept", {})
        return kept[name] if name in kept else getattr(self._node, name)


class Plain(Edges):
    """A node without metadata."""

    metadata = None


def keeping(sound: Any) -> Any:
    made: dict[int, tuple[Any, Any]] = {}

    def get(x: Tensor) -> Any:
        node = sound.__get__(x)
        if node is None:
            return None
        if id(node) not in made:
            made[id(node)] = (node, Keeping(node))
        return made[id(node)][1]

    return property(get)


def unless(condition: Callable[[Tensor], bool]) -> Callable[[Any], Any]:
    """A grad_fn that is None for some tensors."""
    return shown(lambda x, node: None if condition(x) else node)


STRUCTURE = [
    patched(
        "graph.accumulate-grad-node",
        "the node of a leaf holds a copy",
        Tensor,
        "grad_fn",
        shown(lambda x, node: Edges(node, with_copies)),
    ),
    patched("graph.edge-numbers", "every tensor is output 0", Tensor, "output_nr", lambda sound: property(lambda x: 0)),
    patched("graph.result-has-grad-fn", "0-d results have no node", Tensor, "grad_fn", unless(lambda x: x.dim() == 0)),
    patched(
        "graph.result-has-grad-fn",
        "bfloat16 results have no node",
        Tensor,
        "grad_fn",
        unless(lambda x: x.dtype == torch.bfloat16),
    ),
    patched(
        "graph.result-has-grad-fn", "empty results have no node", Tensor, "grad_fn", unless(lambda x: x.numel() == 0)
    ),
    patched("graph.result-has-grad-fn", "strided results have no node", Tensor, "grad_fn", unless(strided)),
    patched(
        "graph.result-has-grad-fn",
        "the ends of lerp are not tracked",
        torch,
        "lerp",
        lambda sound: lambda x, y, w: sound(x, y.detach(), w),
    ),
    patched(
        "graph.leaf-grad-fn-none", "eye makes no leaf", torch, "eye", lambda sound: lambda *a, **k: sound(*a, **k) * 1
    ),
    patched(
        "graph.leaf-grad-fn-none",
        "a strided tensor becomes no leaf",
        Tensor,
        "requires_grad_",
        lambda sound: lambda x, *a: sound(x, *a) * 1 if strided(x) else sound(x, *a),
    ),
    patched(
        "graph.next-functions",
        "edges are in reverse",
        Tensor,
        "grad_fn",
        shown(lambda x, node: Edges(node, lambda edges: edges[::-1])),
    ),
    patched(
        "graph.operations-are-functions",
        "nodes have no metadata",
        Tensor,
        "grad_fn",
        shown(lambda x, node: Plain(node)),
    ),
    patched("graph.saved-values", "what was saved can still be read after backward", Tensor, "grad_fn", keeping),
    patched(
        "graph.printed-grad-fn-names",
        "long results are printed without their node",
        Tensor,
        "__repr__",
        lambda sound: lambda x, **k: sound(x.detach() if x.numel() > 1000 else x, **k),
    ),
    patched(
        "graph.printed-grad-fn-names",
        "names have no number",
        Tensor,
        "__repr__",
        lambda sound: lambda x, **k: sound(x, **k).replace("Backward0", "Backward"),
    ),
    patched(
        "graph.grad-fn-after-backward",
        "backward detaches what it starts from",
        Tensor,
        "backward",
        lambda sound: lambda x, *a, **k: (sound(x, *a, **k), x.detach_())[0],
    ),
]


# -- functions ---------------------------------------------------------------------------------------------------------


def forgotten_if_large(out: Any, args: Any) -> Any:
    """The user's backward does not count for more than 16 elements."""
    tracked = [x for x in args if isinstance(x, Tensor) and x.requires_grad]
    large = tracked and isinstance(out, Tensor) and out.numel() > 16
    return out.detach() + 0 * tracked[0].sum() if large else out


def from_second(change: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """Function.apply that is right for the first call of a class only."""
    seen: set[Any] = set()

    def wrong(sound: Any) -> Any:
        def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
            out = sound.__func__(cls, *args, **kwargs)
            again = cls in seen
            seen.add(cls)
            return change(out, args) if again else out

        return classmethod(apply)

    return wrong


def ones_for_zeros(backward: Any, ctx: Any, gradients: Any) -> Any:
    return backward(ctx, *[g + 1 if g is not None and not g.any() else g for g in gradients])


def without_graph(backward: Any, ctx: Any, gradients: Any) -> Any:
    with torch.no_grad():
        return backward(ctx, *gradients)


def repeated_once(sound: Any) -> Any:
    """Function.apply that tracks a tensor that is given twice only once."""

    def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
        fresh = [x.detach() if any(x is y for y in args[:n]) else x for n, x in enumerate(args)]
        return sound.__func__(cls, *fresh, **kwargs)

    return classmethod(apply)


def state_left(sound: Any) -> Any:
    """checkpoint whose second run leaves the generator where it got to."""

    def checkpoint(function: Any, *args: Any, **kwargs: Any) -> Any:
        def run(*a: Any, **k: Any) -> Any:
            out = function(*a, **k)
            if going_back():
                out.register_hook(lambda g: (torch.rand(1), None)[1])
            return out

        return sound(run, *args, **kwargs)

    return checkpoint


FUNCTIONS = [
    patched(
        "graph.custom-function",
        "a user's backward is not run for many elements",
        Function,
        "apply",
        forwards(forgotten_if_large),
    ),
    patched(
        "graph.custom-function",
        "from the second call on gradients are doubled",
        Function,
        "apply",
        from_second(lambda out, args: bent(out, 2.0)),
    ),
    patched(
        "graph.function-materialised-gradients",
        "missing gradients are ones",
        Function,
        "apply",
        backwards(ones_for_zeros),
    ),
    patched(
        "graph.function-forward-untracked",
        "backward never runs in grad mode",
        Function,
        "apply",
        backwards(without_graph),
    ),
    patched(
        "graph.function-inputs-and-outputs", "one tensor given twice counts once", Function, "apply", repeated_once
    ),
    patched("graph.checkpoint-random-state", "backward moves the generator on", checkpoints, "checkpoint", state_left),
]

WRITES = [
    patched("graph.writes-in-programs", f"{name} is neither tracked nor counted", Tensor, name, raw)
    for name in ("add_", "copy_", "fill_")
]

MUTANTS: list[Mutant] = [*WRITES, *TOOLS, *STRUCTURE, *FUNCTIONS]

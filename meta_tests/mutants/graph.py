"""Wrong graphs: nodes, edges, functions of the user's own, saved tensors, checkpoints."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
import torch.utils.checkpoint

from meta_tests.mutant import Mutant, patched
from meta_tests.wrong_gradients import back_kernel, back_output, bending, bent, going_back, together

Tensor = torch.Tensor
autograd = torch.autograd
Function = autograd.Function


class Edges:
    """A node with other edges, or another name; everything else is the sound node's."""

    def __init__(
        self, node: Any, edges: Callable[[Any], Any] = lambda edges: edges, rename: Callable[[str], str] = lambda n: n
    ) -> None:
        self._node, self._edges, self._rename = node, edges, rename

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    def name(self) -> str:
        return self._rename(self._node.name())

    def __repr__(self) -> str:
        return self._rename(repr(self._node))

    @property
    def next_functions(self) -> Any:
        return self._edges(self._node.next_functions)


def shown(change: Callable[[Tensor, Any], Any]) -> Callable[[Any], Any]:
    """A grad_fn property: `change(tensor, node)`, for tensors that have a node."""

    def wrong(sound: Any) -> Any:
        def get(x: Tensor) -> Any:
            node = sound.__get__(x)
            return node if node is None else change(x, node)

        return property(get)

    return wrong


def forgetting() -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """grad_fn, and a backward after which it is None."""
    done: list[Tensor] = []

    def backward(sound: Any) -> Any:
        def call(self: Tensor, *args: Any, **kwargs: Any) -> Any:
            out = sound(self, *args, **kwargs)
            done.append(self)
            return out

        return call

    def grad_fn(sound: Any) -> Any:
        return property(lambda x: None if any(x is one for one in done) else sound.__get__(x))

    return grad_fn, backward


NODE, BACKWARD = forgetting()

STRUCTURE = [
    patched(
        "graph.built-from-operations",
        "edges are in reverse",
        Tensor,
        "grad_fn",
        shown(lambda x, node: Edges(node, lambda edges: edges[::-1])),
    ),
    patched(
        "graph.built-from-operations",
        "edges to constants are left out",
        Tensor,
        "grad_fn",
        shown(lambda x, node: Edges(node, lambda edges: tuple(edge for edge in edges if edge[0] is not None))),
    ),
    patched(
        "graph.next-functions",
        "a node has no edges",
        Tensor,
        "grad_fn",
        shown(lambda x, node: Edges(node, lambda edges: ())),
    ),
    patched(
        "graph.edge-numbers",
        "all edges are numbered 0",
        Tensor,
        "grad_fn",
        shown(lambda x, node: Edges(node, lambda edges: tuple((n, 0) for n, _ in edges))),
    ),
    patched(
        "graph.accumulate-grad-node",
        "a leaf is left out of the edges",
        Tensor,
        "grad_fn",
        shown(
            lambda x, node: Edges(
                node, lambda edges: tuple((None, 0) if hasattr(n, "variable") else (n, k) for n, k in edges)
            )
        ),
    ),
    patched(
        "graph.leaf-grad-fn-none",
        "conversions are leaves",
        Tensor,
        "is_leaf",
        lambda sound: property(lambda x: sound.__get__(x) or x.dtype == torch.float64),
    ),
    patched(
        "graph.leaf-grad-fn-none", "clones are not tracked", Tensor, "clone", lambda sound: lambda x: sound(x.detach())
    ),
    patched(
        "graph.result-has-grad-fn",
        "the function cumprod has no node",
        torch,
        "cumprod",
        lambda sound: lambda x, d: sound(x.detach(), d),
    ),
    patched(
        "graph.result-has-grad-fn",
        "the method cumprod has no node",
        Tensor,
        "cumprod",
        lambda sound: lambda x, d: sound(x.detach(), d),
    ),
    patched(
        "graph.operations-are-functions",
        "a node is a Function of the user's",
        Tensor,
        "grad_fn",
        shown(lambda x, node: Function()),
    ),
    patched(
        "graph.printed-grad-fn-names",
        "results are printed without their node",
        Tensor,
        "__repr__",
        lambda sound: lambda x, **k: sound(x.detach(), **k),
    ),
    together(
        "graph.grad-fn-after-backward",
        "backward takes the node away",
        (Tensor, "grad_fn", NODE),
        (Tensor, "backward", BACKWARD),
    ),
    patched(
        "graph.saved-values", "what was saved is shown doubled", Tensor, "grad_fn", shown(lambda x, node: Doubled(node))
    ),
    back_output(
        "graph.define-by-run",
        "long chains of products lose a factor",
        "mul.Tensor",
        lambda out, a, b: out.clamp(-6, 6),
    ),
    patched(
        "graph.dynamic-intermediate-outputs",
        "intermediate results are shown rounded",
        Tensor,
        "item",
        lambda sound: lambda x: round(sound(x) / 4) * 4,
    ),
    patched("graph.deep-graphs", "long chains are cut", Tensor, "__add__", lambda sound: cut_now_and_then(sound)),
    back_output(
        "graph.order-of-execution", "a node's gradients are not all waited for", "add.Tensor", lambda out, a, b, **k: a
    ),
    back_kernel("graph.unused-outputs", "unused parts get ones", "zeros", lambda func, *a, **k: func(*a, **k) + 1),
    bending("graph.unused-outputs", "std_mean's mean has twice the gradient", torch, "std_mean", 2.0),
]


class Doubled(Edges):
    """A node that shows twice what it saved."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._node, name)
        return found * 2 if name.startswith("_saved") and isinstance(found, Tensor) else found


def cut_now_and_then(sound: Any) -> Any:
    count = [0]

    def call(x: Tensor, y: Any) -> Tensor:
        count[0] += 1
        return sound(x.detach() if count[0] % 1000 == 0 else x, y)

    return call


# -- hooks of nodes ----------------------------------------------------------------------------------------------------


class Hookless(Edges):
    """A node whose hooks never run, or whose hooks' results are dropped."""

    def register_hook(self, hook: Any) -> Any:
        return self._node.register_hook(lambda inputs, outputs: (hook(inputs, outputs), None)[1])

    def register_prehook(self, hook: Any) -> Any:
        return self._node.register_prehook(lambda outputs: (hook(outputs), None)[1])


NODES = [
    patched(
        "graph.node-hooks",
        "what a node's hook returns is dropped",
        Tensor,
        "grad_fn",
        shown(lambda x, node: Hookless(node)),
    ),
    patched(
        "graph.node-prehooks",
        "what a node's prehook returns is dropped",
        Tensor,
        "grad_fn",
        shown(lambda x, node: Hookless(node)),
    ),
]

# -- functions of the user's own ---------------------------------------------------------------------------------------


def forwards(change: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """Function.apply whose results are changed: `change(out, args)`."""

    def wrong(sound: Any) -> Any:
        def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
            return change(sound.__func__(cls, *args, **kwargs), args)

        return classmethod(apply)

    return wrong


def unseen(out: Any, args: Any) -> Any:
    """What the user's backward would do is forgotten: the result is that of plain addition."""
    tracked = [x for x in args if isinstance(x, Tensor) and x.requires_grad]
    return out.detach() + 0 * tracked[0].sum() if tracked and isinstance(out, Tensor) else out


def backwards(change: Callable[[Any, Any, Any], Any]) -> Callable[[Any], Any]:
    """Function.apply for a class whose backward is wrapped: `change(backward, ctx, gradients)`."""

    def wrong(sound: Any) -> Any:
        def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
            body = {"backward": staticmethod(lambda ctx, *g: change(cls.backward, ctx, g))}
            made = type(cls.__name__, (cls,), body)
            return sound.__func__(made, *args, **kwargs)

        return classmethod(apply)

    return wrong


class Seen:
    """A context that shows some attributes otherwise."""

    def __init__(self, ctx: Any, **shown: Any) -> None:
        self.__dict__.update(_ctx=ctx, **shown)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)


def with_grad_mode(sound: Any) -> Any:
    """Function.apply whose forward runs in grad mode."""

    def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
        def forward(ctx: Any, *inner: Any) -> Any:
            with torch.enable_grad():
                return cls.forward(ctx, *inner)

        return sound.__func__(type(cls.__name__, (cls,), {"forward": staticmethod(forward)}), *args, **kwargs)

    return classmethod(apply)


def padded(backward: Any, ctx: Any, gradients: Any) -> Any:
    """A backward of which too few or too many results are put right."""
    found = backward(ctx, *gradients)
    found = found if isinstance(found, tuple) else (found,)
    count = len(ctx.needs_input_grad)
    fitting = [g if isinstance(g, Tensor) else None for g in found[:count]]
    return (*fitting, *[None] * (count - len(fitting)))


def none_for_zeros(backward: Any, ctx: Any, gradients: Any) -> Any:
    return backward(ctx, *[None if g is not None and not g.any() else g for g in gradients])


def tolerant(sound: Any) -> Any:
    return lambda *a, raise_exception=True, **k: True


FUNCTIONS = [
    patched("graph.custom-function", "the user's backward is not run", Function, "apply", forwards(unseen)),
    patched(
        "graph.function-save-for-backward",
        "saved tensors come back detached",
        Function,
        "apply",
        backwards(
            lambda backward, ctx, g: backward(Seen(ctx, saved_tensors=tuple(t.detach() for t in ctx.saved_tensors)), *g)
        ),
    ),
    patched(
        "graph.function-save-for-backward",
        "saved tensors come back in reverse",
        Function,
        "apply",
        backwards(lambda backward, ctx, g: backward(Seen(ctx, saved_tensors=ctx.saved_tensors[::-1]), *g)),
    ),
    patched(
        "graph.function-saved-guarded",
        "saved tensors are not guarded",
        Tensor,
        "add_",
        lambda sound: (
            lambda x, *a, **k: sound(x, *a, **k) if torch.is_grad_enabled() else (sound(x.data, *a, **k), x)[1]
        ),
    ),
    patched(
        "graph.function-needs-input-grad",
        "needs_input_grad is always True",
        Function,
        "apply",
        backwards(
            lambda backward, ctx, g: backward(Seen(ctx, needs_input_grad=(True,) * len(ctx.needs_input_grad)), *g)
        ),
    ),
    patched(
        "graph.function-once-differentiable",
        "once_differentiable does nothing",
        torch.autograd.function,
        "once_differentiable",
        lambda sound: lambda f: f,
    ),
    patched(
        "graph.function-once-differentiable",
        "a second derivative is given as zero",
        autograd,
        "grad",
        lambda sound: (
            lambda *a, create_graph=False, **k: (
                tuple(0 * a[1] + g.detach() for g in sound(*a, **k)) if create_graph else sound(*a, **k)
            )
        ),
    ),
    patched(
        "graph.function-double-backward",
        "a user's backward is not differentiated",
        Function,
        "apply",
        backwards(lambda backward, ctx, g: no_graph(backward, ctx, g)),
    ),
    patched(
        "graph.function-mark-non-differentiable",
        "marked results require grad",
        Function,
        "apply",
        forwards(
            lambda out, args: (
                tuple(o.requires_grad_() if o.is_floating_point() and not o.requires_grad else o for o in out)
                if isinstance(out, tuple)
                else out
            )
        ),
    ),
    patched(
        "graph.function-mark-dirty",
        "a dirty input is a copy",
        Function,
        "apply",
        forwards(lambda out, args: out.clone() if any(out is x for x in args) else out),
    ),
    patched(
        "graph.function-gradients-checked",
        "gradients that do not fit are put right",
        Function,
        "apply",
        backwards(padded),
    ),
    patched(
        "graph.function-materialised-gradients",
        "missing gradients are always None",
        Function,
        "apply",
        backwards(none_for_zeros),
    ),
    patched("graph.function-forward-untracked", "forward runs in grad mode", Function, "apply", with_grad_mode),
    patched(
        "graph.function-setup-context",
        "gradients of one result are doubled",
        Function,
        "apply",
        backwards(lambda backward, ctx, g: backward(ctx, *[h * 2 for h in g])),
    ),
    patched(
        "graph.function-inputs-and-outputs",
        "gradients of several results change places",
        Function,
        "apply",
        backwards(lambda backward, ctx, g: backward(ctx, *g[::-1])),
    ),
    patched("graph.gradcheck", "gradcheck accepts anything", autograd, "gradcheck", tolerant),
    patched(
        "graph.gradcheck",
        "gradcheck takes .grad for itself",
        autograd,
        "gradcheck",
        lambda sound: (
            lambda f, inputs, **k: (sound(f, inputs, **k), setattr(inputs[0], "grad", torch.zeros_like(inputs[0])))[0]
        ),
    ),
]


def no_graph(backward: Any, ctx: Any, gradients: Any) -> Any:
    with torch.no_grad():
        found = backward(ctx, *gradients)
    return found.detach() if isinstance(found, Tensor) else found


# -- what is saved -----------------------------------------------------------------------------------------------------

Hooks = autograd.graph.saved_tensors_hooks
checkpoints = torch.utils.checkpoint


def wrapped_hooks(change: Callable[[Any, Any], tuple[Any, Any]]) -> Callable[[Any], Any]:
    """saved_tensors_hooks with other hooks: `change(pack, unpack)`."""
    return lambda sound: lambda self, pack, unpack: sound(self, *change(pack, unpack))


def never_left(sound: Any) -> Any:
    return lambda self, kind=None, *rest: sound(self, kind, *rest) if kind is None else left_later(sound, self)


def left_later(sound: Any, self: Any) -> None:
    # Really left when the next hooks are: the stack must not stay wrong behind the mutant.
    LATER.append((sound, self))


LATER: list[Any] = []


@contextlib.contextmanager
def hooks_not_left() -> Any:
    from meta_tests.mutant import replaced

    try:
        with replaced(Hooks, "__exit__", never_left):
            yield
    finally:
        while LATER:
            sound, manager = LATER.pop()
            sound(manager, None, None, None)


def twice(sound: Any) -> Any:
    """checkpoint that changes the function's result when it runs again."""

    def checkpoint(function: Any, *args: Any, **kwargs: Any) -> Any:
        return sound(lambda *a, **k: bent_again(function(*a, **k)), *args, **kwargs)

    return checkpoint


def bent_again(out: Any) -> Any:
    return bent(out, 1.5) if going_back() else out


def bent_inside(sound: Any) -> Any:
    """checkpoint whose gradients are too large where it runs inside another."""
    depth = [0]

    def checkpoint(function: Any, *args: Any, **kwargs: Any) -> Any:
        inside = depth[0] > 0

        def run(*a: Any, **k: Any) -> Any:
            depth[0] += 1
            try:
                return function(*a, **k)
            finally:
                depth[0] -= 1

        out = sound(run, *args, **kwargs)
        return bent(out, 1.5) if inside else out

    return checkpoint


def not_checkpointed(sound: Any) -> Any:
    return lambda function, *args, use_reentrant=None, preserve_rng_state=True, **kwargs: function(*args, **kwargs)


SAVED = [
    patched(
        "graph.saved-tensors-hooks",
        "unpack is not called",
        Hooks,
        "__init__",
        wrapped_hooks(lambda pack, unpack: (lambda t: (pack(t), t)[1], lambda t: t)),
    ),
    patched(
        "graph.saved-tensors-hooks",
        "packed tensors are rounded",
        Hooks,
        "__init__",
        wrapped_hooks(lambda pack, unpack: (lambda t: pack(t.round()), unpack)),
    ),
    Mutant("graph.saved-tensors-hooks", "hooks stay after an exception", hooks_not_left),
    patched(
        "graph.saved-tensors-hooks-disabled",
        "hooks cannot be forbidden",
        autograd.graph,
        "disable_saved_tensors_hooks",
        lambda sound: lambda message: contextlib.nullcontext(),
    ),
    patched(
        "graph.save-on-cpu",
        "what is saved on the host is rounded",
        autograd.graph,
        "save_on_cpu",
        lambda sound: lambda pin_memory=False: Hooks(lambda t: (t / 4).round() * 4, lambda t: t),
    ),
    patched(
        "graph.save-on-cpu",
        "strided tensors come back transposed",
        autograd.graph,
        "save_on_cpu",
        lambda sound: lambda pin_memory=False: Hooks(lambda t: t if t.is_contiguous() else t.t(), lambda t: t),
    ),
    patched(
        "graph.saved-tensors-freed",
        "graphs are always kept",
        autograd,
        "backward",
        lambda sound: lambda tensors, v=None, retain_graph=None, *a, **k: sound(tensors, v, True, *a, **k),
    ),
    patched("graph.checkpoint", "a checkpoint's gradients are a half too large", checkpoints, "checkpoint", twice),
    patched("graph.checkpoint", "a checkpoint runs its function once", checkpoints, "checkpoint", not_checkpointed),
    patched(
        "graph.checkpoint-saves-memory", "a checkpoint keeps everything", checkpoints, "checkpoint", not_checkpointed
    ),
    patched(
        "graph.checkpoint-random-state",
        "a checkpoint draws other numbers the second time",
        checkpoints,
        "checkpoint",
        lambda sound: lambda *a, **k: sound(*a, **{**k, "preserve_rng_state": False}),
    ),
    bending(
        "graph.checkpoint-sequential",
        "a sequence of several segments has other gradients",
        checkpoints,
        "checkpoint_sequential",
        1.5,
        lambda functions, segments, *a: segments > 1,
    ),
    patched(
        "graph.checkpoint-arguments",
        "keywords are lost",
        checkpoints,
        "checkpoint",
        lambda sound: lambda f, *a, key=None, **k: sound(f, *a, **k),
    ),
    patched(
        "graph.checkpoint-nested",
        "a checkpoint in another has a half more gradient",
        checkpoints,
        "checkpoint",
        bent_inside,
    ),
    patched(
        "graph.anomaly-mode",
        "anomaly mode says nothing",
        autograd,
        "set_detect_anomaly",
        lambda sound: lambda mode, *a: contextlib.nullcontext(),
    ),
]

# -- programs: what the strategy of graphs has to find -----------------------------------------------------------------


def raw(sound: Any) -> Any:
    """An in-place method that nobody counts where nothing is recorded, or whose target is a constant."""

    def write(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if x.requires_grad:
            with torch.no_grad():
                sound(x.data, *args, **kwargs)
            return x
        return sound(x, *args, **kwargs)

    return write


PROGRAMS = [
    back_kernel(
        "graph.gradients-of-programs", "gradients that meet are not added", "add.Tensor", lambda func, x, y, **k: x
    ),
    back_output(
        "graph.gradients-of-programs",
        "a broadcast gradient is not summed but averaged",
        "sum.dim_IntList",
        lambda out, x, dims, *a: out / x.shape[dims[0]] if dims else out,
    ),
    back_kernel(
        "graph.gradients-of-programs",
        "duplicates in an index count once",
        "index_put",
        lambda func, x, index, values, accumulate=False: func(x, index, values, False),
    ),
    back_output(
        "graph.gradients-of-programs",
        "strided gradients of tanh are doubled",
        "tanh_backward",
        lambda out, g, y: out * 2 if not g.is_contiguous() or not y.is_contiguous() else out,
    ),
    back_output(
        "graph.gradients-of-programs",
        "matrix products with strided factors are off",
        "mm",
        lambda out, a, b: out * 1.01 if not a.is_contiguous() else out,
    ),
    back_output(
        "graph.gradients-of-programs",
        "the gradient of a select goes to the next",
        "select_backward",
        lambda out, *a: out.roll(1, 0),
    ),
    patched(
        "graph.values-of-programs", "clones are not tracked", Tensor, "clone", lambda sound: lambda x: sound(x.detach())
    ),
    patched("graph.writes-in-programs", "mul_ is neither tracked nor counted", Tensor, "mul_", raw),
    patched("graph.writes-in-programs", "tanh_ is neither tracked nor counted", Tensor, "tanh_", raw),
    bending("graph.intermediate-gradients", "the gradient of tanh is doubled", Tensor, "tanh", 2.0),
    patched(
        "graph.hook-sees-gradient-once",
        "hooks run twice",
        Tensor,
        "register_hook",
        lambda sound: lambda x, hook: sound(x, lambda g: (hook(g), hook(g))[1]),
    ),
    patched("graph.linear-in-v", "vectors are limited to length 3", autograd, "grad", lambda sound: limited(sound)),
    patched(
        "graph.branches-add-up",
        "only the first of several branches counts",
        Tensor,
        "__add__",
        lambda sound: (
            lambda x, y: sound(x, y.detach() if isinstance(y, Tensor) and x.dim() == 0 and y.dim() == 0 else y)
        ),
    ),
    back_kernel(
        "graph.second-pass-doubles",
        "a second gradient overwrites the first",
        "add_",
        lambda func, x, y, **k: x.copy_(y),
    ),
    patched(
        "graph.cut-and-rebuilt",
        "detach passes a little gradient",
        Tensor,
        "detach",
        lambda sound: lambda x: (sound(x) + 0.01 * (x - sound(x))) if x.requires_grad and x.dim() else sound(x),
    ),
    patched(
        "graph.checkpoint-changes-nothing",
        "a checkpoint's gradients are a half too large",
        checkpoints,
        "checkpoint",
        twice,
    ),
    patched(
        "graph.second-derivative-of-programs",
        "gradients with a graph have a bent graph",
        autograd,
        "grad",
        lambda sound: (
            lambda *a, create_graph=False, **k: tuple(
                bent(g, 1.001) if create_graph else g for g in sound(*a, create_graph=create_graph, **k)
            )
        ),
    ),
]


def limited(sound: Any) -> Any:
    def grad(outputs: Any, inputs: Any, vectors: Any = None, *args: Any, **kwargs: Any) -> Any:
        vectors = vectors if vectors is None else [v * min(1.0, 3.0 / max(float(v.norm()), 1e-9)) for v in vectors]
        return sound(outputs, inputs, vectors, *args, **kwargs)

    return grad


MUTANTS: list[Mutant] = [*STRUCTURE, *NODES, *FUNCTIONS, *SAVED, *PROGRAMS]

"""Wrong flags, backward passes, hooks, detached tensors and writes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched
from meta_tests.wrong_gradients import (
    around_backward,
    back_kernel,
    back_output,
    bending,
    bent,
    leaves_of,
    together,
    with_vector,
)

Tensor = torch.Tensor
autograd = torch.autograd


def flagged(sound: Any) -> Any:
    """A function whose floating results require grad, whatever was asked for."""

    def call(*args: Any, **kwargs: Any) -> Any:
        out = sound(*args, **kwargs)
        return out.requires_grad_() if out.is_floating_point() and out.is_leaf else out

    return call


def without(keyword: str, value: Any) -> Callable[[Any], Any]:
    """A function that takes a keyword to have one value, whatever is given."""
    return lambda sound: lambda *args, **kwargs: sound(*args, **{**kwargs, keyword: value})


def seen_nodes() -> Callable[[Any], bool]:
    """Whether a node was asked about before."""
    seen: set[Any] = set()
    return lambda node: node in seen or bool(seen.add(node))


def tracked_property(attribute: str, change: Callable[[Tensor, Any], Any]) -> Callable[[Any], Any]:
    """A property that shows what `change(tensor, value)` makes of the sound value."""
    return lambda sound: property(lambda x: change(x, sound.__get__(x)), lambda x, v: sound.__set__(x, v), lambda x: sound.__delete__(x))


# -- flags ---------------------------------------------------------------------------------------------------------------


def quiet_flag(sound: Any) -> Any:
    """requires_grad_ that never raises."""

    def call(self: Tensor, flag: bool = True) -> Any:
        try:
            return sound(self, flag)
        except RuntimeError:
            return self

    return call


def first_decides(sound: Any) -> Any:
    """cat that is tracked only if the first tensor is."""
    return lambda tensors, *a, **k: sound([t if tensors[0].requires_grad else t.detach() for t in tensors], *a, **k)


FLAGS = [
    patched("autograd.requires-grad-default-false", "torch.zeros requires grad", torch, "zeros", flagged),
    patched("autograd.requires-grad-default-false", "Parameters do not require grad", torch.nn, "Parameter",
            lambda sound: lambda x, requires_grad=False: sound(x, requires_grad)),
    patched("autograd.requires-grad-at-creation", "torch.full ignores requires_grad", torch, "full", without("requires_grad", False)),
    patched("autograd.requires-grad-in-place", "requires_grad_ returns another tensor", Tensor, "requires_grad_",
            lambda sound: lambda x, flag=True: sound(x.detach(), flag)),
    patched("autograd.flag-only-for-inexact", "integers pass requires_grad_ silently", Tensor, "requires_grad_", quiet_flag),
    patched("autograd.flag-of-results-stays", "requires_grad_(False) of a result passes silently", Tensor, "requires_grad_", quiet_flag),
    patched("autograd.requires-grad-propagates", "cat is tracked only by its first tensor", torch, "cat", first_decides),
    patched("autograd.no-input-requires-grad", "cos requires grad by itself", torch, "cos", flagged),
    patched("autograd.tracking-starts-with-requires-grad", "diff is not tracked in place", Tensor, "cumsum_",
            lambda sound: lambda x, dim: sound(x.detach(), dim)),
    patched("autograd.integer-results-carry-nothing", "detach keeps the history of strided tensors", Tensor, "detach",
            lambda sound: lambda x: sound(x) if x.is_contiguous() else x.view_as(x)),
    patched("autograd.integer-results-carry-nothing", "new tensors take over requires_grad", torch, "zeros_like",
            lambda sound: lambda x, **k: sound(x, **k).requires_grad_(x.requires_grad)),
    patched("autograd.earlier-results-unaffected", "the clone of an untracked tensor is a view", Tensor, "clone",
            lambda sound: lambda x: sound(x) if x.requires_grad else x.view_as(x)),
    patched("autograd.three-attributes", "data is a copy", Tensor, "data", tracked_property("data", lambda x, v: v.clone())),
    patched("autograd.requires-grad-implies-grad-fn", "leaves that require grad have a node", Tensor, "grad_fn",
            tracked_property("grad_fn", lambda x, v: v or ("a node" if x.requires_grad else None))),
    patched("autograd.grad-is-a-variable-not-a-tensor", "gradients carry history", Tensor, "backward", without("create_graph", True)),
    patched("autograd.grad-shape", "gradients are flat", Tensor, "grad", tracked_property("grad", lambda x, v: v if v is None else v.flatten())),
    patched("autograd.grad-dtype", "gradients are shown in float32 at most", Tensor, "grad",
            tracked_property("grad", lambda x, v: v if v is None or v.dtype != torch.float64 else v.float())),
    patched("autograd.evaluate-under-no-grad", "linear layers differ without grad mode", torch.nn.functional, "linear",
            lambda sound: lambda *a, **k: sound(*a, **k) * (1.0 if torch.is_grad_enabled() else 1.001)),
]  # fmt: skip

# -- leaves and accumulation -----------------------------------------------------------------------------------------------


def forget(leaves: list[Tensor]) -> None:
    for leaf in leaves:
        leaf.grad = None


def forget_one(leaves: list[Tensor]) -> None:
    if len(leaves) > 1:
        leaves[-1].grad = None


def keep_on_results(sound: Any) -> Any:
    """Multiplication whose result keeps its gradient."""

    def call(x: Tensor, y: Any) -> Tensor:
        out = sound(x, y)
        if out.requires_grad:
            out.retain_grad()
        return out

    return call


def replace_gradients(change: Callable[[Tensor], Tensor]) -> Callable[[list[Tensor]], None]:
    def after(leaves: list[Tensor]) -> None:
        for leaf in leaves:
            if leaf.grad is not None:
                leaf.grad = change(leaf.grad)

    return after


def shown_on_itself(sound: Any) -> Any:
    def backward(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if not self.is_leaf:
            self.retain_grad()
        return sound(self, *args, **kwargs)

    return backward


def loose_setter(sound: Any) -> Any:
    """A .grad that takes any tensor of as many elements."""

    def assign(x: Tensor, value: Any) -> None:
        if isinstance(value, Tensor) and value is not x and value.numel() == x.numel():
            value = value if value.shape == x.shape and value.dtype == x.dtype else value.reshape(x.shape).to(x.dtype)
        sound.__set__(x, value)

    return property(lambda x: sound.__get__(x), assign, lambda x: sound.__delete__(x))


def overwrite(func: Any, x: Tensor, y: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    return x.copy_(y)


def every_other(sound: Any) -> Any:
    """backward that clears the gradients before every third pass."""
    count = [0]

    def backward(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        count[0] += 1
        if count[0] % 3 == 0:
            forget(leaves_of(self))
        return sound(self, *args, **kwargs)

    return backward


ACCUMULATION = [
    patched("autograd.backward-fills-all-leaves", "one leaf gets no gradient", Tensor, "backward", around_backward(after=forget_one)),
    back_kernel("autograd.backward-fills-all-leaves", "the gradients of a difference have one sign", "neg", lambda func, x: x),
    back_kernel("autograd.shared-leaf", "a leaf used twice gets one gradient", "add.Tensor", lambda func, x, y, **k: x),
    patched("autograd.grad-of-the-tensor-itself", "the tensor itself gets a gradient", Tensor, "backward", shown_on_itself),
    patched("autograd.nonleaf-grad-freed", "products keep their gradient", Tensor, "__mul__", keep_on_results),
    back_kernel("autograd.grads-accumulate", "a second gradient overwrites the first", "add_", overwrite),
    patched("autograd.grads-accumulate", "a gradient that was set is forgotten", Tensor, "backward",
            around_backward(before=lambda leaves: [setattr(leaf, "grad", None) for leaf in leaves if leaf.grad is not None and leaf.grad.max() >= 10])),
    patched("autograd.grad-in-place-accumulation", "every pass makes a new gradient", Tensor, "backward",
            around_backward(after=replace_gradients(lambda g: g.clone()))),
    patched("autograd.grad-strides", "gradients are always row-major", Tensor, "backward",
            around_backward(after=replace_gradients(lambda g: g.clone(memory_format=torch.contiguous_format)))),
    patched("autograd.accumulate-until-zeroed", "gradients are cleared before each pass", Tensor, "backward", around_backward(before=forget)),
    patched("autograd.accumulate-until-zeroed", "gradients are cleared now and then", Tensor, "backward", every_other),
    patched("autograd.manual-zero-grad", "data of a gradient is a copy", Tensor, "data", tracked_property("data", lambda x, v: v.clone())),
    patched("autograd.grad-assignment", "a gradient of another shape or dtype is converted", Tensor, "grad", loose_setter),
]  # fmt: skip

# -- the vector ------------------------------------------------------------------------------------------------------------


def implicit(make: Callable[[Tensor], Any]) -> Callable[[Any], Any]:
    """backward with another default vector."""

    def wrong(sound: Any) -> Any:
        def backward(self: Tensor, gradient: Any = None, *args: Any, **kwargs: Any) -> Any:
            return sound(self, make(self) if gradient is None else gradient, *args, **kwargs)

        return backward

    return wrong


def fitted(sound: Any) -> Any:
    """backward that reshapes or broadcasts its vector."""

    def backward(self: Tensor, gradient: Any = None, *args: Any, **kwargs: Any) -> Any:
        if gradient is not None and gradient.shape != self.shape:
            with contextlib.suppress(RuntimeError):
                gradient = gradient.reshape(self.shape) if gradient.numel() == self.numel() else gradient.expand(self.shape)
        return sound(self, gradient, *args, **kwargs)

    return backward


def spoil(sound: Any) -> Any:
    """backward that uses its vector as scratch space."""

    def backward(self: Tensor, gradient: Any = None, *args: Any, **kwargs: Any) -> Any:
        out = sound(self, gradient, *args, **kwargs)
        if isinstance(gradient, Tensor):
            gradient.mul_(0.5)
        return out

    return backward


def grad_with(change: Callable[[Tensor], Tensor]) -> Callable[[Any], Any]:
    """autograd.grad with another vector."""

    def wrong(sound: Any) -> Any:
        def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, *args: Any, **kwargs: Any) -> Any:
            v = change(grad_outputs) if isinstance(grad_outputs, Tensor) else grad_outputs
            return sound(outputs, inputs, v, *args, **kwargs)

        return grad

    return wrong


VECTORS = [
    patched("autograd.scalar-default-one", "the default vector is 2 for tensors with dimensions", Tensor, "backward",
            implicit(lambda y: torch.full_like(y, 2) if y.dim() and y.numel() == 1 else None)),
    patched("autograd.default-v-is-tensor-of-one-element", "a 0-d result takes a vector of shape (1,)", Tensor, "backward", fitted),
    patched("autograd.nonscalar-needs-gradient", "the default vector is all ones", Tensor, "backward", implicit(torch.ones_like)),
    patched("autograd.gradient-shape-must-match", "vectors are broadcast", Tensor, "backward", fitted),
    patched("autograd.backward-gradient-argument", "the vector is taken for ones", Tensor, "backward", with_vector(torch.ones_like)),
    patched("autograd.backward-gradient-argument", "a strided vector is read row by row", Tensor, "backward",
            with_vector(lambda v: v if v.is_contiguous() else v.t().reshape(v.shape))),
    patched("autograd.expanded-v", "an expanded vector counts twice", autograd, "grad", grad_with(lambda v: v * 2 if v.dim() and 0 in v.stride() else v)),
    patched("autograd.v-selects-one-output", "the vector is moved by one", Tensor, "backward", with_vector(lambda v: v.roll(1))),
    patched("autograd.v-is-the-recommended-way", "a unit vector counts twice", autograd, "grad", grad_with(lambda v: v * 2)),
    patched("autograd.vector-jacobian-product", "the vector loses its signs", Tensor, "backward", with_vector(torch.abs)),
    patched("autograd.jacobian-equation", "jacobian is transposed", autograd.functional, "jacobian",
            lambda sound: lambda *a, **k: sound(*a, **k).t()),
    patched("autograd.v-linear", "vectors are limited to length 3", autograd, "grad", grad_with(lambda v: v * min(1, 3 / max(v.norm(), 1e-9)))),
    patched("autograd.vjp-is-chain-rule", "a vector of several elements counts twice", Tensor, "backward", with_vector(lambda v: v * 2)),
    patched("autograd.z-backward-equals-y-backward", "a vector is averaged", Tensor, "backward", with_vector(lambda v: v / v.numel())),
    back_kernel("autograd.grad-formula", "squares have slope x", "pow", lambda func, x, n: x / 2),
    back_output("autograd.grad-formula", "gradients of elements go to the next", "select_backward", lambda out, *a: out.roll(1)),
    patched("autograd.row-vectors-by-convention", "a column is read as a row", torch, "tensor",
            lambda sound: lambda data, **k: sound(data, **k).reshape(1, -1) if isinstance(data, list) and data and isinstance(data[0], list) else sound(data, **k)),
    patched("autograd.v-left-alone", "the vector is scratch space", Tensor, "backward", spoil),
]  # fmt: skip

# -- autograd.grad ---------------------------------------------------------------------------------------------------------


def refuse_twice(sound: Any) -> Any:
    """autograd.backward that refuses any second pass through a graph that it did not keep."""
    seen = seen_nodes()

    def backward(tensors: Any, grad_tensors: Any = None, retain_graph: Any = None, *args: Any, **kwargs: Any) -> Any:
        node = (tensors if isinstance(tensors, Tensor) else tensors[0]).grad_fn
        if seen(node):
            raise RuntimeError("a second pass")
        return sound(tensors, grad_tensors, retain_graph, *args, **kwargs)

    return backward


def kept(sound: Any) -> Any:
    return lambda tensors, v=None, retain_graph=None, *a, **k: sound(tensors, v, True, *a, **k)


def not_kept(sound: Any) -> Any:
    return lambda tensors, v=None, retain_graph=None, *a, **k: sound(tensors, v, False, *a, **k)


def only_first(sound: Any) -> Any:
    def backward(tensors: Any, grad_tensors: Any = None, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(tensors, Tensor) and grad_tensors is not None and len(tensors) == len(grad_tensors):
            tensors, grad_tensors = tensors[:1], grad_tensors[:1]
        return sound(tensors, grad_tensors, *args, **kwargs)

    return backward


def grads(change: Callable[..., Any]) -> Callable[[Any], Any]:
    """autograd.grad whose results are changed: `change(results, outputs, inputs, options)`."""

    def wrong(sound: Any) -> Any:
        def grad(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            return change(sound(outputs, inputs, *args, **kwargs), outputs, inputs, kwargs)

        return grad

    return wrong


def also_accumulate(found: Any, outputs: Any, inputs: Any, options: Any) -> Any:
    for x, g in zip((inputs,) if isinstance(inputs, Tensor) else inputs, found, strict=True):
        if x.is_leaf and g is not None:
            x.grad = g.detach().clone()
    return found


def last_output(sound: Any) -> Any:
    def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, *args: Any, **kwargs: Any) -> Any:
        if isinstance(outputs, list) and len(outputs) > 1:
            outputs, grad_outputs = outputs[-1:], grad_outputs[-1:]
        return sound(outputs, inputs, grad_outputs, *args, **kwargs)

    return grad


def silent(sound: Any) -> Any:
    """A function that gives None where it should raise."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return sound(*args, **kwargs)
        except RuntimeError:
            return None

    return call


def without_graph(sound: Any) -> Any:
    """autograd.grad whose results are detached, but kept track of enough to be asked again."""
    return lambda *a, **k: tuple(g if g is None else g.detach() for g in sound(*a, **k))


def cut_vector(sound: Any) -> Any:
    def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, *args: Any, **kwargs: Any) -> Any:
        v = grad_outputs
        v = v.detach() + 0 * v if isinstance(v, Tensor) and v.requires_grad else v
        return sound(outputs, inputs, v, *args, **kwargs)

    return grad


def takes_old_keyword(sound: Any) -> Any:
    return lambda self, *a, grad_variables=None, **k: sound(self, *(a or (grad_variables,)), **k) if grad_variables is not None else sound(self, *a, **k)


GRAD = [
    patched("autograd.buffers-freed", "graphs are always kept", autograd, "backward", kept),
    patched("autograd.graph-without-buffers", "any second pass is refused", autograd, "backward", refuse_twice),
    patched("autograd.retain-graph", "retain_graph is ignored", autograd, "backward", not_kept),
    patched("autograd.shared-subgraph-freed", "graphs are always kept", autograd, "backward", kept),
    patched("autograd.backward-several-outputs", "only the first output counts", autograd, "backward", only_first),
    patched("autograd.backward-inputs", "inputs= is ignored", autograd, "backward", without("inputs", None)),
    patched("autograd.grad-leaves-grad-alone", "autograd.grad fills .grad", autograd, "grad", grads(also_accumulate)),
    patched("autograd.grad-leaves-grad-alone", "autograd.grad gives a list", autograd, "grad", grads(lambda found, *a: list(found))),
    patched("autograd.grad-of-several-outputs", "only the last output counts", autograd, "grad", last_output),
    patched("autograd.autograd-grad-for-nonleaf", "the gradients of results are doubled", autograd, "grad",
            grads(lambda found, outputs, inputs, k: tuple(g if x.is_leaf else 2 * g for x, g in zip(inputs, found, strict=True)) if isinstance(inputs, tuple) else found)),
    patched("autograd.grad-allow-unused", "unused inputs get None unasked", autograd, "grad", without("allow_unused", True)),
    patched("autograd.grad-materialized", "materialize_grads is ignored", autograd, "grad",
            lambda sound: lambda *a, materialize_grads=False, **k: sound(*a, allow_unused=True, **k) if materialize_grads else sound(*a, **k)),
    patched("autograd.needs-requires-grad", "backward without history passes silently", Tensor, "backward", silent),
    patched("autograd.create-graph", "create_graph is ignored", autograd, "grad", without_graph),
    patched("autograd.create-graph", "second derivatives are a thousandth too large", autograd, "grad",
            grads(lambda found, o, i, k: tuple(bent(g, 1.001) if k.get("create_graph") else g for g in found))),
    patched("autograd.create-graph-keeps", "create_graph does not keep the graph", autograd, "grad",
            lambda sound: lambda *a, create_graph=False, retain_graph=None, **k: sound(*a, create_graph=create_graph, retain_graph=bool(retain_graph), **k)),
    patched("autograd.create-graph-through-v", "the gradient is no function of the vector", autograd, "grad", cut_vector),
    patched("autograd.functional", "hessian is halved", autograd.functional, "hessian", lambda sound: lambda *a, **k: sound(*a, **k) / 2),
    patched("autograd.functional", "vjp's results change places", autograd.functional, "vjp",
            lambda sound: lambda *a, **k: (lambda out: (out[0], out[1][::-1]))(sound(*a, **k))),
    patched("autograd.batched-vectors", "batched results are in reverse", autograd, "grad",
            grads(lambda found, o, i, k: tuple(g.flip(0) for g in found) if k.get("is_grads_batched") else found)),
    patched("autograd.grad-variables-keyword", "Tensor.backward takes grad_variables", Tensor, "backward", takes_old_keyword),
]  # fmt: skip

# -- hooks -----------------------------------------------------------------------------------------------------------------


def hooks(change: Callable[[Tensor, Callable[[Tensor], Any]], Callable[[Tensor], Any]]) -> Callable[[Any], Any]:
    """register_hook with another hook: `change(tensor, hook)`."""
    return lambda sound: lambda self, hook: sound(self, change(self, hook))


def reversed_hooks(sound: Any) -> Any:
    """register_hook whose hooks run last come, first served."""

    def register(self: Tensor, hook: Any) -> Any:
        queue = self.__dict__.setdefault("_queue", [])
        queue.insert(0, hook)
        return sound(self, run_all(queue)) if len(queue) == 1 else sound(self, lambda g: None)

    return register


def run_all(queue: list[Any]) -> Any:
    def run(gradient: Tensor) -> Tensor:
        for hook in queue:
            found = hook(gradient)
            gradient = gradient if found is None else found
        return gradient

    return run


class Stuck:
    """A handle that removes nothing."""

    def remove(self) -> None:
        return None


def called_twice(x: Tensor, hook: Any) -> Any:
    def run(gradient: Tensor) -> Any:
        hook(gradient)
        return hook(gradient)

    return run


def swallowing(x: Tensor, hook: Any) -> Any:
    def run(gradient: Tensor) -> Any:
        with contextlib.suppress(Exception):
            return hook(gradient)

    return run


def late_on_leaves(sound: Any) -> Any:
    """register_hook that runs the hooks of leaves after accumulation."""

    def register(self: Tensor, hook: Any) -> Any:
        if not self.is_leaf:
            return sound(self, hook)
        return self.register_post_accumulate_grad_hook(lambda x: (hook(x.grad), None)[1])

    return register


def with_mode(x: Tensor, hook: Any) -> Any:
    def run(gradient: Tensor) -> Any:
        with torch.enable_grad():
            return hook(gradient)

    return run


def cut_result(x: Tensor, hook: Any) -> Any:
    return lambda g: (lambda out: out if out is None else out.detach())(hook(g))


def lost_after_write(sound: Any) -> Any:
    return lambda self, hook: sound(self, hook if self._version == 0 else lambda g: None)


def retained_early(sound: Any) -> Any:
    """retain_grad that keeps the gradient as it is when it is called for, whatever later hooks do."""
    return lambda self: sound(self) if self.is_leaf else (self.register_hook(lambda g: setattr(self, "grad", g.clone())), None)[1]


def on_base(sound: Any) -> Any:
    """register_hook that registers the hooks of a view with its base."""
    return lambda self, hook: sound(self if self._base is None or not self._base.requires_grad else self._base, hook)


def early_post_hook(sound: Any) -> Any:
    return lambda self, hook: self.register_hook(lambda g: hook(self))


def known_only(sound: Any) -> Any:
    return lambda tensors, fn, **k: sound(tensors, lambda grads: fn([g for g in grads if g is not None]), **k)


def unhooked_grad(sound: Any) -> Any:
    """autograd.grad that does not run the hooks of its inputs."""

    def grad(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        for x in (inputs,) if isinstance(inputs, Tensor) else inputs:
            if x._backward_hooks:
                for key in list(x._backward_hooks):
                    x._backward_hooks[key] = lambda g: None
        return sound(outputs, inputs, *args, **kwargs)

    return grad


HOOKS = [
    patched("autograd.hook-for-nonleaf", "hooks of results see ones", Tensor, "register_hook", hooks(lambda x, hook: lambda g: hook(torch.ones_like(g)))),
    patched("autograd.hook-for-nonleaf", "hooks of strided results do not run", Tensor, "register_hook",
            hooks(lambda x, hook: hook if x.is_contiguous() else lambda g: None)),
    patched("autograd.hook-replaces", "what a hook returns is dropped", Tensor, "register_hook", hooks(lambda x, hook: lambda g: (hook(g), None)[1])),
    patched("autograd.hook-order", "hooks run in reverse", Tensor, "register_hook", reversed_hooks),
    patched("autograd.hook-removed", "remove does nothing", Tensor, "register_hook", lambda sound: lambda x, hook: (sound(x, hook), Stuck())[1]),
    patched("autograd.hook-once", "hooks run twice", Tensor, "register_hook", hooks(called_twice)),
    patched("autograd.hook-on-leaf", "hooks of leaves run after accumulation", Tensor, "register_hook", late_on_leaves),
    patched("autograd.hook-under-grad", "autograd.grad runs no hooks of its inputs", autograd, "grad", unhooked_grad),
    patched("autograd.hook-needs-requires-grad", "hooks of untracked tensors pass silently", Tensor, "register_hook", silent),
    patched("autograd.hook-error", "exceptions in hooks are swallowed", Tensor, "register_hook", hooks(swallowing)),
    patched("autograd.retain-grad", "retain_grad does nothing", Tensor, "retain_grad", lambda sound: lambda x: None),
    patched("autograd.retain-grad-after-hooks", "retain_grad keeps the gradient before the hooks", Tensor, "retain_grad", retained_early),
    patched("autograd.hook-before-inplace", "hooks registered after a write are lost", Tensor, "register_hook", lost_after_write),
    patched("autograd.post-accumulate-hook", "the hook runs before accumulation", Tensor, "register_post_accumulate_grad_hook", early_post_hook),
    patched("autograd.multi-grad-hook", "missing gradients are left out", autograd.graph, "register_multi_grad_hook", known_only),
    patched("autograd.hooks-and-grad-mode", "hooks run with grad mode", Tensor, "register_hook", hooks(with_mode)),
    patched("autograd.hook-in-double-backward", "what a hook returns is detached", Tensor, "register_hook", hooks(cut_result)),
    patched("autograd.hook-through-views", "hooks of views go to their base", Tensor, "register_hook", on_base),
]  # fmt: skip

# -- detached tensors --------------------------------------------------------------------------------------------------------


def leaking(sound: Any) -> Any:
    """detach whose result still passes a hundredth of the gradient on."""
    return lambda x: sound(x) + 0.01 * (x - sound(x)) if x.requires_grad and x.is_floating_point() else sound(x)


def never_again(sound: Any) -> Any:
    """requires_grad_ that does nothing for detached tensors, told by an attribute that the wrong detach leaves."""
    return lambda x, flag=True: x if getattr(x, "_cut", False) else sound(x, flag)


def marked(sound: Any) -> Any:
    def detach(x: Tensor) -> Tensor:
        out = sound(x)
        out._cut = True
        return out

    return detach


def data_setter(sound: Any) -> Any:
    return property(lambda x: sound.__get__(x), lambda x, value: sound.__set__(x, value.clone()))


def in_place_too(sound: Any) -> Any:
    def detach(x: Tensor) -> Tensor:
        out = sound(x)
        if not x.is_leaf and x._base is None:
            x.detach_()
        return out

    return detach


DETACHED = [
    patched("autograd.detach-no-requires-grad", "detach keeps requires_grad", Tensor, "detach", lambda sound: lambda x: sound(x).requires_grad_(x.requires_grad)),
    patched("autograd.detach-shares-memory", "detach copies strided tensors", Tensor, "detach", lambda sound: lambda x: sound(x) if x.is_contiguous() else sound(x).clone()),
    patched("autograd.detach-only-difference", "a detached tensor counts its own writes", Tensor, "detach", lambda sound: lambda x: x.data),
    patched("autograd.detach-stops-backprop", "a little gradient passes detach", Tensor, "detach", leaking),
    patched("autograd.detach-future-untracked", "detach keeps the history of results", Tensor, "detach", lambda sound: lambda x: sound(x) if x.is_leaf else x.view_as(x)),
    patched("autograd.detach-stops-tracking-a-tensor", "detach acts in place", Tensor, "detach", in_place_too),
    together("autograd.detach-never-has-grad", "a detached tensor never requires grad again",
             (Tensor, "detach", marked), (Tensor, "requires_grad_", never_again)),
    patched("autograd.detach-to-train-one-branch", "a little gradient passes detach", Tensor, "detach", leaking),
    patched("autograd.detach-in-place", "detach_ returns a new tensor", Tensor, "detach_", lambda sound: lambda x: x.detach()),
    patched("autograd.detach-writes-are-noticed", "detach hides writes", Tensor, "detach", lambda sound: lambda x: x.data),
    patched("autograd.data-edit-untracked", "data shares the version counter", Tensor, "data", tracked_property("data", lambda x, v: x.detach())),
    patched("autograd.data-assignment", "x.data = y copies y", Tensor, "data", data_setter),
]  # fmt: skip

# -- writes ------------------------------------------------------------------------------------------------------------------


def unnoticed(sound: Any) -> Any:
    """An in-place method that nobody counts."""

    def write(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if x.requires_grad and torch.is_grad_enabled():
            return sound(x, *args, **kwargs)
        sound(x.data, *args, **kwargs)
        return x

    return write


def allowed(when: Callable[[Tensor], bool]) -> Callable[[Any], Any]:
    """An in-place method that some tensors take without being tracked."""

    def wrong(sound: Any) -> Any:
        def write(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            if not when(x):
                return sound(x, *args, **kwargs)
            with torch.no_grad():
                sound(x, *args, **kwargs)
            return x

        return write

    return wrong


def refused(sound: Any) -> Any:
    def write(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if x.is_leaf and x.requires_grad:
            raise RuntimeError("a leaf")
        return sound(x, *args, **kwargs)

    return write


def inference_allowed(sound: Any) -> Any:
    def write(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        with torch.inference_mode(x.is_inference()) if x.is_inference() else contextlib.nullcontext():
            return sound(x, *args, **kwargs)

    return write


def out_allowed(sound: Any) -> Any:
    return lambda x, y, out=None: sound(x, y) if out is None else sound(x.detach(), y.detach() if isinstance(y, Tensor) else y, out=out.detach())


WRITES = [
    patched("autograd.inplace-on-leaf-raises", "mul_ of a leaf is allowed", Tensor, "mul_", allowed(lambda x: x.is_leaf and x.requires_grad)),
    patched("autograd.inplace-on-view-of-leaf-raises", "zero_ of a view of a leaf is allowed", Tensor, "zero_",
            allowed(lambda x: x._base is not None and x._base.is_leaf and x._base.requires_grad)),
    patched("autograd.inplace-on-leaf-without-grad-mode", "a leaf is refused under no_grad, too", Tensor, "mul_", refused),
    patched("autograd.version-counter", "fill_ does not count", Tensor, "fill_", unnoticed),
    patched("autograd.version-counter", "assignments do not count", Tensor, "__setitem__", lambda sound: lambda x, i, v: sound(x.data, i, v)),
    patched("autograd.inplace-on-saved-raises", "index_put_ does not count", Tensor, "index_put_", unnoticed),
    patched("autograd.inplace-on-saved-raises", "out= does not count", torch, "exp",
            lambda sound: lambda x, out=None: sound(x) if out is None else sound(x, out=out.data)),
    patched("autograd.saved-tensors-guarded", "add_ under no_grad does not count", Tensor, "add_", unnoticed),
    patched("autograd.inplace-on-unsaved-allowed", "flip saves its input", Tensor, "flip", lambda sound: lambda x, *d: sound(x * x / x, *d)),
    patched("autograd.inplace-tracked", "copy_ is not tracked", Tensor, "copy_", allowed(lambda x: x.requires_grad)),
    bending("autograd.inplace-tracked", "add_ through a view has twice the gradient", Tensor, "__iadd__", 2.0),
    patched("autograd.inplace-makes-a-result", "writes to plain tensors are not tracked", Tensor, "copy_", allowed(lambda x: not x.requires_grad)),
    patched("autograd.view-sees-inplace", "writes to a base are not tracked", Tensor, "mul_", allowed(lambda x: x._base is None)),
    patched("autograd.multi-output-views", "the parts of unbind are slices", Tensor, "unbind", lambda sound: lambda x: tuple(x[k] for k in range(len(x)))),
    patched("autograd.out-refused", "mul detaches what it writes to out", torch, "mul", out_allowed),
    patched("autograd.inference-write-refused", "inference tensors can be added to", Tensor, "add_", inference_allowed),
    patched("autograd.inference-write-harmless", "a refused write zeroes an inference tensor", Tensor, "add_",
            lambda sound: lambda x, *a, **k: sound(x if not x.is_inference() else x.mul(0), *a, **k)),
]  # fmt: skip

# -- Variable ----------------------------------------------------------------------------------------------------------------


class Copying(type):
    """A Variable that copies its data."""

    def __instancecheck__(cls, other: Any) -> bool:
        return isinstance(other, Tensor)

    def __call__(cls, data: Any, *args: Any, **kwargs: Any) -> Any:
        return cls.make(data, *args, **kwargs)  # type: ignore[attr-defined]


def variable(make: Callable[..., Any]) -> Any:
    return Copying("Variable", (), {"make": staticmethod(make)})


def volatile(value: Any, setter: Callable[[Tensor, Any], Any]) -> Callable[[Any], Any]:
    return lambda sound: property(lambda x: value(sound.__get__(x)), setter)


def obeyed(x: Tensor, flag: bool) -> None:
    import warnings

    warnings.warn("volatile", stacklevel=2)
    if x.is_leaf:
        x.requires_grad_(not flag)


LEGACY = [
    patched("autograd.variable-is-core", "a Variable copies its data", autograd, "Variable",
            lambda sound: variable(lambda x, requires_grad=False: x.clone().requires_grad_(requires_grad))),
    patched("autograd.variable-supports-most-functions", "a Variable is a numpy array", autograd, "Variable", lambda sound: variable(lambda x: x.numpy())),
    patched("autograd.volatile-default-false", "volatile says nothing", Tensor, "volatile", volatile(lambda v: None, lambda x, v: None)),
    patched("autograd.volatile-contagious", "volatile = True is obeyed", Tensor, "volatile", volatile(lambda v: v, obeyed)),
    patched("autograd.volatile-blocks-grad", "volatile=True passes without a warning", autograd, "Variable",
            lambda sound: variable(lambda x, volatile=False, **k: sound(x, **k))),
    patched("autograd.volatile-beats-requires-grad", "volatile=True wins over requires_grad=True", autograd, "Variable",
            lambda sound: variable(lambda x, requires_grad=False, volatile=False: sound(x, requires_grad=requires_grad and not volatile))),
]  # fmt: skip

MUTANTS: list[Mutant] = [*FLAGS, *ACCUMULATION, *VECTORS, *GRAD, *HOOKS, *DETACHED, *WRITES, *LEGACY]

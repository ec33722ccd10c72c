"""Ways of making backward passes wrong: kernels that are wrong only then, bent gradients, and changes of leaves."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch

from meta_tests.mutant import Mutant, afterwards, kernel, patched, replaced


def going_back() -> bool:
    """Whether autograd's engine runs the operator that is asked about."""
    return torch._C._current_graph_task_id() != -1  # there is no public way to ask


def back_kernel(claim: str, name: str, ops: str, wrong: Callable[..., Any]) -> Mutant:
    """As `kernel`, but only inside backward passes."""

    def only_back(func: Any, *args: Any, **kwargs: Any) -> Any:
        return wrong(func, *args, **kwargs) if going_back() else func(*args, **kwargs)

    return kernel(claim, name, ops, only_back)


def back_output(claim: str, name: str, ops: str, wrong: Callable[..., Any]) -> Mutant:
    """As `output`, but only inside backward passes."""
    return back_kernel(claim, name, ops, lambda func, *args, **kwargs: wrong(func(*args, **kwargs), *args))


def bent(out: Any, factor: float = 1.5) -> Any:
    """The same value, with so many times the gradient."""
    if isinstance(out, (tuple, list)):
        return type(out)(bent(part, factor) for part in out) if type(out) in (tuple, list) else out
    tracked = isinstance(out, torch.Tensor) and out.requires_grad
    return out + (factor - 1) * (out - out.detach()) if tracked else out


def bending(
    claim: str, name: str, owner: Any, attribute: str, factor: float = 1.5, when: Callable[..., bool] = lambda *a: True
) -> Mutant:
    """Replace a function by one with the same values and a multiple of the gradient, for some arguments."""

    def wrong(sound: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            out = sound(*args, **kwargs)
            return bent(out, factor) if when(*args) else out

        return call

    return patched(claim, name, owner, attribute, wrong)


def together(claim: str, name: str, *changes: tuple[Any, str, Callable[..., Any]]) -> Mutant:
    """Replace several attributes at once; each change is an owner, an attribute, and a function as for `patched`."""

    @contextlib.contextmanager
    def change() -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for owner, attribute, wrong in changes:
                stack.enter_context(replaced(owner, attribute, wrong))
            yield

    return Mutant(claim, name, change)


def mode_kept(mutant: Mutant) -> Mutant:
    """The same mutant, which leaves grad mode on behind it."""
    return afterwards(mutant, lambda: torch._C._set_grad_enabled(True))


def leaves_of(tensor: torch.Tensor) -> list[torch.Tensor]:
    """The leaves that a result was made from, in the order in which a walk over its graph meets them."""
    found: list[torch.Tensor] = []
    todo, seen = [tensor.grad_fn], set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable") and not any(node.variable is leaf for leaf in found):
            found.append(node.variable)
        todo += [parent for parent, _ in node.next_functions]
    return found


def around_backward(
    before: Callable[[list[torch.Tensor]], Any] = lambda leaves: None,
    after: Callable[[list[torch.Tensor]], Any] = lambda leaves: None,
) -> Callable[[Any], Any]:
    """A change of Tensor.backward that does something to the leaves before or after a sound pass."""

    def wrong(sound: Any) -> Any:
        def backward(self: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
            leaves = leaves_of(self)
            before(leaves)
            out = sound(self, *args, **kwargs)
            after(leaves)
            return out

        return backward

    return wrong


def with_vector(change: Callable[[torch.Tensor], Any]) -> Callable[[Any], Any]:
    """A change of Tensor.backward that replaces the vector it is given."""

    def wrong(sound: Any) -> Any:
        def backward(self: torch.Tensor, gradient: Any = None, *args: Any, **kwargs: Any) -> Any:
            return sound(self, change(gradient) if isinstance(gradient, torch.Tensor) else gradient, *args, **kwargs)

        return backward

    return wrong


def without(keyword: str, value: Any) -> Callable[[Any], Any]:
    """A function that takes a keyword to have one value, whatever is given."""
    return lambda sound: lambda *args, **kwargs: sound(*args, **{**kwargs, keyword: value})


def tracked_property(attribute: str, change: Callable[[torch.Tensor, Any], Any]) -> Callable[[Any], Any]:
    """A property that shows what `change(tensor, value)` makes of the sound value."""
    return lambda sound: property(
        lambda x: change(x, sound.__get__(x)), lambda x, v: sound.__set__(x, v), lambda x: sound.__delete__(x)
    )


def silent(sound: Any) -> Any:
    """A function that gives None where it should raise."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return sound(*args, **kwargs)
        except RuntimeError:
            return None

    return call

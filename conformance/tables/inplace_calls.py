"""Making calls of in-place methods, and judging all that they must and must not change."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Refutation, Unchanged, assert_raises, require
from conformance.check import check
from conformance.every_form import make, tensors_in
from conformance.subject import Subject
from conformance.tables.inplace import Call, Method, like_self
from conformance.tables.inplace_methods import METHODS
from conformance.wanted import same
from properties.strategies.recipe import Recipe, Shape


def rows(wanted: Callable[[Method], Any] = lambda method: True) -> list[Any]:
    """A parameter for each method that is wanted, a check of the method's claim."""
    return [pytest.param(method, marks=check(method.slug), id=method.name) for method in METHODS if wanted(method)]


def broadcasts(method: Method) -> bool:
    """Whether arguments of self's shape are broadcast to it."""
    return like_self(method) is not None and not method.name.startswith("scatter")


@dataclass
class Ready:
    """A call with its tensors. `base`: the flat memory that self lies in; `args`, `options`: the arguments."""

    call: Call
    base: torch.Tensor
    x: torch.Tensor
    args: tuple[Any, ...]
    options: dict[str, Any]

    def invoke(self) -> Any:
        """Call the method."""
        return getattr(self.x, self.call.name)(*self.args, **self.options)

    def watched(self) -> Unchanged:
        """A snapshot of the arguments (but for self, where it is one)."""
        tensors = [given for given in tensors_in([*self.args, *self.options.values()]) if given is not self.x]
        return Unchanged(**{str(place): tensor for place, tensor in enumerate(tensors)})


# They call Python on the host.
HOST_ONLY = ("apply_", "map_", "map2_")


def ready(subject: Subject, call: Call) -> Ready:
    """Build a call's tensors on a subject. Raises Unsupported where there is no such dtype or method."""
    if call.name in HOST_ONLY:
        subject.require_feature("host_memory")
    base = flat(subject, call.x)
    options = {key: make(subject, value) for key, value in call.options.items()}
    return Ready(call, base, look(base, call.x), make(subject, call.args), options)


def flat(subject: Subject, recipe: Recipe) -> torch.Tensor:
    """The whole memory of a recipe as a one-dimensional tensor."""
    subject.require(recipe.dtype)
    return host.tensor(recipe.buffer, recipe.dtype, subject.device)


def look(base: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """A recipe's tensor in its memory: a view, unless it is all of it."""
    whole = recipe.is_contiguous and recipe.ndim == 1
    return base if whole else base.as_strided(recipe.shape, recipe.strides, recipe.offset)


def apply(subject: Subject, call: Call) -> Ready:
    """Make a call, and refute unless self holds what it should, and nothing else was changed."""
    made = ready(subject, call)
    judge(made, made.invoke)
    return made


def judge(made: Ready, invoke: Callable[[], Any], text: str = "") -> None:
    """Refute unless a call returns self, leaves in it what is wanted, and leaves all else as it was."""
    text, x = text or made.call.text, made.x
    before, arguments, place = host.bits(made.base), made.watched(), _place(x)
    out = invoke()
    with explained(made.call):
        require(out is x, f"{text} is not the tensor that it was called on", "self", f"{type(out).__name__} {id(out)}")
        for key, value in _place(x).items():
            require(value == place[key], f"{text} changed the {key} of self", place[key], value)
        same(text, x, made.call.wanted)
        arguments.check(text)
        kept(text, made, before)


def _place(x: torch.Tensor) -> dict[str, Any]:
    return {
        "shape": tuple(x.shape),
        "strides": tuple(x.stride()),
        "dtype": x.dtype,
        "address": x.data_ptr(),
        "offset": x.storage_offset(),
        "requires_grad": x.requires_grad,
    }


def state(tensor: torch.Tensor) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """A tensor's shape, strides and offset."""
    return tuple(tensor.shape), tuple(tensor.stride()), tensor.storage_offset()


def version(tensor: torch.Tensor) -> int:
    """How often autograd was told that the tensor's memory changed: `_version`, which has no public name."""
    return tensor._version  # see above


def kept(text: str, made: Ready, before: np.ndarray) -> None:
    """Refute if the memory around and between self's elements is not bit for bit what it was."""
    recipe = made.call.x
    places = gaps(recipe.shape, recipe.strides, recipe.offset, len(recipe.buffer))
    after = host.bits(made.base)[places] if len(places) else before[places]
    require(
        after.tobytes() == before[places].tobytes(),
        f"{text} wrote between or around self's elements",
        before[places][:20].tolist(),
        after[:20].tolist(),
    )


@functools.lru_cache(4096)
def gaps(shape: Shape, strides: Shape, offset: int, size: int) -> np.ndarray:
    """The places of a buffer that no element of a layout lies at."""
    free = np.ones(size, bool)
    if 0 not in shape:
        np.lib.stride_tricks.as_strided(free[offset:], shape, strides)[...] = False
    return np.flatnonzero(free)


@contextlib.contextmanager
def explained(call: Call) -> Iterator[None]:
    """Add to a refutation the code that makes the call's small tensors."""
    try:
        yield
    except Refutation as wrong:
        given = {"self": call.x} | {f"argument {n}": value for n, value in enumerate(call.args)} | call.options
        small = {name: value for name, value in given.items() if isinstance(value, Recipe) and value.numel <= 120}
        where = "".join(f"\n  {name} = {value.code()[:700]}" for name, value in small.items())
        raise Refutation(f"{wrong}{where}", wrong.expected, wrong.actual) from None


def refused(made: Ready, why: str = "", invoke: Callable[[], Any] | None = None) -> None:
    """Refute unless a call raises RuntimeError, and leaves self, its memory and the arguments as they were."""
    text = f"{made.call.text}{why}"
    before, arguments = Unchanged(x=made.x, memory=made.base), made.watched()
    assert_raises(text, RuntimeError, invoke or made.invoke)
    before.check(f"{text}, which fails,")
    arguments.check(f"{text}, which fails,")

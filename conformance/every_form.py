"""One call in every form that PyTorch has for it, each compared with what should come out.

The forms: the function, the method, both with their arguments by keyword, the twin that works in place, and the
function with `out=`. All but the in-place twin have to leave their arguments alone; whatever is written into has to
keep the memory between and behind its elements.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import Refutation, Unchanged, assert_apart, require
from conformance.subject import Subject
from conformance.wanted import Demand, Kind, Wanted, same
from properties.strategies.recipe import Recipe, gapped, junk, stepped


@dataclass(frozen=True)
class Invocation:
    """A call to be made: `name` of torch (dots for a submodule), recipes and plain values, and what has to come out.

    `given`: the positional arguments, the first one being the tensor that the method is called on. `keywords`: the
    documented names of the positional arguments, for the form with keywords only. `fields`: the names of a named
    tuple's parts. `fresh`: the answer is new memory, never a view.
    """

    name: str
    given: tuple[Any, ...]
    wanted: tuple[Demand, ...]
    options: dict[str, Any] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    fresh: bool = True

    def text(self, form: str) -> str:
        parts = [_short(part) for part in self.given]
        parts += [f"{key}={_short(value)}" for key, value in self.options.items()]
        if form in ("method", "inplace", "named"):
            return f"{parts[0]}.{self.name.rpartition('.')[2]}{'_' * (form == 'inplace')}({', '.join(parts[1:])})"
        return f"torch.{self.name}({', '.join(parts)}{', out=…' * form.startswith('out')})"


def _short(value: Any) -> str:
    if isinstance(value, Recipe):
        strides = "" if value.is_contiguous else f" strides {value.strides}"
        return f"<{value.dtype} {list(value.shape)}{strides}>"
    if isinstance(value, (list, tuple)) and any(isinstance(item, Recipe) for item in value):
        return f"[{', '.join(map(_short, value))}]"
    return f"torch.{value}" if isinstance(value, Kind) else repr(value)


def make(subject: Subject, value: Any) -> Any:
    """An argument on the subject: recipes become tensors, also inside lists and tuples."""
    if isinstance(value, Recipe):
        return value.on(subject)
    if isinstance(value, Kind):
        return host.torch_dtype(str(value))
    if isinstance(value, (list, tuple)):
        return type(value)(make(subject, item) for item in value)
    return value


def tensors_in(values: Any) -> list[torch.Tensor]:
    """Every tensor among values, also inside lists and tuples."""
    if isinstance(values, torch.Tensor):
        return [values]
    return [found for value in values for found in tensors_in(value)] if isinstance(values, (list, tuple)) else []


def answer(subject: Subject, call: Invocation, forms: Sequence[str]) -> None:
    """Make a call in each of the forms (names of `FORMS`), and refute unless every one gives what is wanted."""
    for form in forms:
        try:
            FORMS[form](subject, call, call.text(form))
        except Refutation as wrong:
            recipes = [part for part in _flat(call.given) if isinstance(part, Recipe) and part.numel <= 120]
            where = "".join(f"\n  {_short(part)} = {part.code(subject.device)[:700]}" for part in recipes)
            raise Refutation(f"{wrong}{where}", wrong.expected, wrong.actual) from None


def _flat(values: Any) -> list[Any]:
    return [found for value in values for found in _flat(value)] if isinstance(values, (list, tuple)) else [values]


def find(name: str) -> Any:
    """torch.NAME, looked up now. Raises AttributeError where there is none."""
    return functools.reduce(getattr, name.split("."), torch)


def _parts(text: str, out: Any, call: Invocation) -> list[Any]:
    """The tensors of an answer; refutes unless there are as many as wanted."""
    if len(call.wanted) == 1 and isinstance(out, torch.Tensor):
        return [out]
    require(
        isinstance(out, (tuple, list)) and len(out) == len(call.wanted),
        f"{text} gives a {type(out).__name__}, but should give {len(call.wanted)} tensors",
        len(call.wanted),
        type(out).__name__,
    )
    for place, name in enumerate(call.fields):
        require(getattr(out, name, None) is out[place], f"{text}.{name} is not part {place} of the answer")
    return list(out)


def _judge(text: str, out: Any, call: Invocation) -> None:
    names = call.fields or range(len(call.wanted))
    for part, wanted, name in zip(_parts(text, out, call), call.wanted, names, strict=True):
        place = "" if len(call.wanted) == 1 else f".{name}" if call.fields else f"[{name}]"
        same(f"{text}{place}", part, wanted)


def _apart(text: str, out: Any, given: Sequence[Any], call: Invocation) -> None:
    if call.fresh:
        for part in _parts(text, out, call):
            for tensor in tensors_in(list(given)):
                assert_apart(text, part, tensor)


def _watched(given: Sequence[Any]) -> Unchanged:
    return Unchanged(**{f"{place}": tensor for place, tensor in enumerate(tensors_in(list(given)))})


def _function(subject: Subject, call: Invocation, text: str) -> None:
    given = make(subject, call.given)
    before = _watched(given)
    out = find(call.name)(*given, **make_options(subject, call))
    _judge(text, out, call)
    _apart(text, out, given, call)
    before.check(text)


def _method(subject: Subject, call: Invocation, text: str) -> None:
    given = make(subject, call.given)
    before = _watched(given)
    out = getattr(given[0], call.name.rpartition(".")[2])(*given[1:], **make_options(subject, call))
    _judge(text, out, call)
    _apart(text, out, given, call)
    before.check(text)


def _keywords(subject: Subject, call: Invocation, text: str) -> None:
    given = make(subject, call.given)
    named = dict(zip(call.keywords, given, strict=True)) | make_options(subject, call)
    _judge(f"{text} (arguments by keyword)", find(call.name)(**named), call)


def _named(subject: Subject, call: Invocation, text: str) -> None:
    given = make(subject, call.given)
    named = dict(zip(call.keywords[1:], given[1:], strict=True)) | make_options(subject, call)
    out = getattr(given[0], call.name.rpartition(".")[2])(**named)
    _judge(f"{text} (arguments by keyword)", out, call)


def make_options(subject: Subject, call: Invocation) -> dict[str, Any]:
    """The keyword arguments of a call on the subject."""
    return {key: make(subject, value) for key, value in call.options.items()}


def _inplace(subject: Subject, call: Invocation, text: str) -> None:
    recipe = call.given[0]
    base, x = laid(subject, recipe)
    given = make(subject, call.given[1:])
    before = _watched(given)
    out = getattr(x, f"{call.name.rpartition('.')[2]}_")(*given, **make_options(subject, call))
    require(out is x, f"{text} is not the tensor it was called on", "self", "another tensor")
    same(text, x, call.wanted[0])
    before.check(text)
    gaps_kept(text, base, recipe)


def laid(subject: Subject, recipe: Recipe) -> tuple[torch.Tensor, torch.Tensor]:
    """The flat memory of a recipe on the subject, and the recipe's tensor in it."""
    base = host.tensor(recipe.buffer, recipe.dtype, subject.device)
    return base, base.as_strided(recipe.shape, recipe.strides, recipe.offset)


def gaps_kept(text: str, base: torch.Tensor, recipe: Recipe) -> None:
    """Refute if the memory between a recipe's elements is not what it was."""
    places = _gaps(recipe.shape, recipe.strides, recipe.offset, len(recipe.buffer))
    if not len(places):
        return
    raw = host.array(base)[places]
    require(
        raw.tobytes() == recipe.buffer[places].tobytes(),
        f"{text} wrote outside of the tensor's elements",
        recipe.buffer[places].tolist()[:20],
        raw.tolist()[:20],
    )


@functools.lru_cache(4096)
def _gaps(shape: tuple[int, ...], strides: tuple[int, ...], offset: int, size: int) -> np.ndarray:
    free = np.ones(size, bool)
    if 0 not in shape:
        np.lib.stride_tricks.as_strided(free[offset:], shape, strides)[...] = False
    return np.flatnonzero(free)


def _returned(text: str, got: Any, outs: tuple[torch.Tensor, ...], call: Invocation) -> None:
    """Refute unless what is returned are the tensors given as out, and these hold the answer."""
    for part, out in zip(_parts(text, got, call), outs, strict=True):
        require(part.data_ptr() == out.data_ptr(), f"{text} is not the tensor given as out")
    _judge(text, got, call)
    for out, wanted in zip(outs, call.wanted, strict=True):
        same(f"out after {text}", out, wanted)


def _out_laid(recipes: list[Recipe], subject: Subject, call: Invocation, text: str) -> None:
    pairs = [laid(subject, recipe) for recipe in recipes]
    given = make(subject, call.given)
    before = _watched(given)
    outs = tuple(out for _, out in pairs)
    got = find(call.name)(*given, **make_options(subject, call), out=outs[0] if len(outs) == 1 else outs)
    _returned(text, got, outs, call)
    before.check(text)
    for (base, _), recipe in zip(pairs, recipes, strict=True):
        gaps_kept(text, base, recipe)


def _out(subject: Subject, call: Invocation, text: str) -> None:
    """With out= of the right shape: dense, and starting inside its memory."""
    recipes = [gapped(junk_like(wanted), wanted.dtype, step=1, offset=2) for wanted in _tensors_wanted(call)]
    _out_laid(recipes, subject, call, text)


def _out_stepped(subject: Subject, call: Invocation, text: str) -> None:
    """With out= of the right shape, whose elements do not touch."""
    _out_laid([stepped(junk_like(wanted), wanted.dtype) for wanted in _tensors_wanted(call)], subject, call, text)


def _out_empty(subject: Subject, call: Invocation, text: str) -> None:
    """With out= without elements, which is resized."""
    given = make(subject, call.given)
    outs = tuple(host.tensor(np.empty(0), wanted.dtype, subject.device) for wanted in _tensors_wanted(call))
    got = find(call.name)(*given, **make_options(subject, call), out=outs[0] if len(outs) == 1 else outs)
    _returned(text, got, outs, call)


def junk_like(wanted: Wanted) -> np.ndarray:
    """Values for a tensor that is to be overwritten."""
    return junk(wanted.values.size, wanted.dtype).reshape(wanted.values.shape)


def _tensors_wanted(call: Invocation) -> list[Wanted]:
    return [demand if isinstance(demand, Wanted) else demand.like for demand in call.wanted]  # type: ignore[attr-defined]


FORMS: dict[str, Callable[[Subject, Invocation, str], None]] = {
    "function": _function,
    "method": _method,
    "keywords": _keywords,
    "named": _named,
    "inplace": _inplace,
    "out": _out,
    "out_stepped": _out_stepped,
    "out_empty": _out_empty,
}

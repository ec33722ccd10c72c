"""Wrong in-place methods. Each method of the table is wrong in three of the ways of `WAYS`, which take turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from conformance.dtypes import DTYPES
from conformance.tables.inplace import Method, like_self
from conformance.tables.inplace_methods import METHODS
from meta_tests.mutant import Mutant, patched, strided

Sound = Callable[..., Any]


def spoil(x: Any, place: int = -1) -> None:
    """Change one element of a tensor, behind autograd's back."""
    if x.numel():
        element = x.detach()[(place,) * x.dim()]
        value = not element.item() if x.dtype is torch.bool else 2 if element.item() == 3 else 3
        torch.full((), value, dtype=x.dtype, device=x.device, out=element)  # never by the method that is replaced


def when(condition: Callable[..., bool], wrong: Callable[..., Any]) -> Callable[[Sound], Sound]:
    """A replacement that goes wrong for some arguments: `wrong(sound, x, *args, **options)`."""

    def replacement(sound: Sound) -> Sound:
        def called(x: Any, *args: Any, **options: Any) -> Any:
            chosen = condition(x, *args)
            return wrong(sound, x, *args, **options) if chosen else sound(x, *args, **options)

        return called

    return replacement


def always(x: Any, *args: Any) -> bool:
    return True


def spoiled(sound: Sound, x: Any, *args: Any, **options: Any) -> Any:
    out = sound(x, *args, **options)
    spoil(x)
    return out


def undone(sound: Sound, x: Any, *args: Any, **options: Any) -> Any:
    """Computes, checks arguments, and changes nothing."""
    sound(x.detach().clone(), *args, **options)
    return x


def moved(sound: Sound, x: Any, *args: Any, **options: Any) -> Any:
    """The right values in new memory."""
    if x.requires_grad:
        return sound(x, *args, **options)
    return x.set_(sound(x.clone(), *args, **options))


def spilled(sound: Sound, x: Any, *args: Any, **options: Any) -> Any:
    """Writes one element past the first row, into a gap of what has gaps."""
    out = sound(x, *args, **options)
    if x.numel() and x.stride(-1) > 1:
        beside = x.detach().as_strided((1,), (1,), x.storage_offset() + 1)
        spoil(beside)
    return out


def greedy(sound: Sound, x: Any, *args: Any, **options: Any) -> Any:
    """Overwrites its first tensor argument."""
    out = sound(x, *args, **options)
    spoil(
        next(
            a
            for a in args
            if isinstance(a, torch.Tensor) and a is not x and not a.requires_grad and 0 not in a.stride()
        )
    )
    return out


def writable(x: Any, a: Any) -> bool:
    return isinstance(a, torch.Tensor) and a is not x and a.numel() > 0 and 0 not in a.stride()


def has_tensor(x: Any, *args: Any) -> bool:
    return any(writable(x, a) for a in args)


def silent(sound: Sound, x: Any, *args: Any, **options: Any) -> Any:
    """Writes without telling autograd."""
    sound(x.data, *args, **options)
    return x


def hasty(sound: Sound, x: Any, *args: Any, **options: Any) -> Any:
    """Writes first, and refuses then."""
    try:
        return sound(x, *args, **options)
    except RuntimeError:
        spoil(x, 0)
        raise


def unrecorded(sound: Sound, x: Any, *args: Any, **options: Any) -> Any:
    with torch.no_grad():
        return sound(x, *args, **options)


def second_time() -> Callable[[Sound], Sound]:
    """A replacement that is wrong for self of some size from its second call on."""
    seen: list[None] = []

    def again(x: Any, *args: Any) -> bool:
        seen.append(None)
        return len(seen) > 1

    return when(again, spoiled)


def with_gaps(x: Any, *args: Any) -> bool:
    return strided(x)


def result(x: Any, *args: Any) -> bool:
    """Whether self is a result of autograd, and no view."""
    return bool(x.requires_grad and not x.is_leaf and x._base is None)


def of(dtype: str) -> Callable[..., bool]:
    return lambda x, *args: x.dtype is getattr(torch, dtype)


def overlapping(x: Any, *args: Any) -> bool:
    return any(size > 1 and stride == 0 for size, stride in zip(x.shape, x.stride(), strict=True))


def shifted(x: Any, *args: Any) -> bool:
    """Whether an argument starts one element behind self in its memory."""
    here = x.data_ptr() + x.element_size()
    return any(isinstance(a, torch.Tensor) and a.numel() and a.data_ptr() == here for a in args)


def apart(sound: Sound, x: Any, *args: Any, **options: Any) -> Any:
    """Takes copies of what shares memory."""
    return sound(x, *(a.clone() if isinstance(a, torch.Tensor) else a for a in args), **options)


def freed(sound: Sound, x: Any, *args: Any, **options: Any) -> Any:
    """Works on a copy of a self that overlaps itself."""
    sound(x.clone(), *args, **options)
    return x


def tracked(method: Method) -> bool:
    return any(DTYPES[name].is_inexact for name in method.dtypes)


Way = tuple[str, Callable[[Method], Any], Callable[[Method], Callable[[Sound], Sound]]]
# What is wrong, for which methods it makes sense, and the replacement.
WAYS: tuple[Way, ...] = (
    (
        "is wrong at the end of what is larger than a vector register",
        lambda m: True,
        lambda m: when(lambda x, *a: x.numel() > 16, spoiled),
    ),
    ("does nothing where self is strided", lambda m: True, lambda m: when(with_gaps, undone)),
    ("gives self new memory", lambda m: m.counts, lambda m: when(always, moved)),
    ("returns another tensor", lambda m: True, lambda m: lambda sound: lambda x, *a, **k: sound(x, *a, **k).detach()),
    ("is wrong in its last dtype", lambda m: m.dtypes[-1] != m.first, lambda m: when(of(m.dtypes[-1]), spoiled)),
    ("writes between the elements of self", lambda m: (33,) in m.shapes, lambda m: when(with_gaps, spilled)),
    (
        "changes its argument",
        lambda m: any(hasattr(a, "recipe") for a in m.forms[0].args),
        lambda m: when(has_tensor, greedy),
    ),
    ("does not tell autograd", lambda m: m.counts and m.grad != "ignored", lambda m: when(always, silent)),
    ("is wrong the second time", lambda m: True, lambda m: second_time()),
    (
        "is wrong where self starts inside its storage",
        lambda m: True,
        lambda m: when(lambda x, *a: x.storage_offset() > 0, spoiled),
    ),
    (
        "is not recorded",
        lambda m: tracked(m) and m.grad in ("twin", "zero", "opaque") and not m.grad_since,
        lambda m: when(result, unrecorded),
    ),
    ("writes before it refuses", lambda m: m.refuses or like_self(m), lambda m: when(always, hasty)),
    ("accepts a self that overlaps itself", lambda m: m.overlap == "refused", lambda m: when(overlapping, freed)),
    (
        "is wrong past the parallel grain",
        lambda m: m.large and isinstance(m.oracle, str),
        lambda m: when(lambda x, *a: x.numel() > 32_768, spoiled),
    ),
    (
        "accepts an argument that shares a part of its memory",
        lambda m: like_self(m) and m.overlap == "refused" and not m.name.startswith("scatter"),
        lambda m: when(shifted, apart),
    ),
    (
        "accepts a leaf that requires grad",
        lambda m: tracked(m) and m.grad == "twin",
        lambda m: when(lambda x, *a: x.requires_grad and x.is_leaf and torch.is_grad_enabled(), unrecorded),
    ),
)


def _taking_turns() -> list[Mutant]:
    found, turn = [], 0
    for method in METHODS:
        fitting = [way for way in WAYS if way[1](method)]
        for _ in range(3):
            name, _, replacement = fitting[turn % len(fitting)]
            turn += 5  # prime to the number of ways: they come up evenly
            found.append(patched(method.slug, f"{method.name} {name}", torch.Tensor, method.name, replacement(method)))
    return list({mutant.name: mutant for mutant in found}.values())


MUTANTS: list[Mutant] = _taking_turns()

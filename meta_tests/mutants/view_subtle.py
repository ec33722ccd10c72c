"""Views that are wrong only in one form, for one kind of argument, or where there is nothing to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from meta_tests.mutant import Mutant
from meta_tests.mutants.view import always, copied, function, method, when

Tensor = torch.Tensor


def aliasing(name: str) -> Mutant:
    """A function that should copy, but gives the view itself."""
    view = getattr(Tensor, name)
    replace = when(always, lambda out, x, *args, **kwargs: view(x, *args, **kwargs))
    return function("copied", f"torch.{name}_copy gives a view", f"{name}_copy", replace)


ALIASED = ("view", "expand", "squeeze", "unsqueeze", "transpose", "t", "permute", "select", "split", "unbind")
ALIASED += ("diagonal", "unfold", "as_strided", "split_with_sizes", "detach")


def starts_anywhere(sound: Any) -> Any:
    def narrow(x: Any, dim: int, start: Any, length: int) -> Any:
        return sound(x, dim, 0 if isinstance(start, Tensor) else start, length)

    return narrow


def of_tensors(x: Any, where: Any = None, *_: Any, **__: Any) -> bool:
    return isinstance(where, Tensor)


def by_numpy(x: Any, key: Any = None, *_: Any) -> bool:
    return isinstance(key, np.integer)


def real(x: Any, *_: Any) -> bool:
    return not x.is_complex()


def all_copied_of(out: Any, *_: Any, **__: Any) -> Any:
    return tuple(part.clone() for part in out)


MUTANTS = [
    *(aliasing(name) for name in ALIASED),
    function("copied", "torch.view_as_real_copy gives a view", "view_as_real_copy", lambda _: torch.view_as_real),
    function("copied", "torch.alias_copy gives its input", "alias_copy", lambda _: lambda x: x),
    function("copied", "torch.slice_copy gives a view", "slice_copy", lambda _: lambda x, d, a, b, c: x[a:b:c]),
    function("narrow", "torch.narrow takes a start that is a tensor for 0", "narrow", starts_anywhere),
    method("narrow", "narrow takes a start that is a tensor for 0", "narrow", starts_anywhere),
    function(
        "tensor-split", "tensor_split at a tensor of indices copies", "tensor_split", when(of_tensors, all_copied_of)
    ),
    function("clone", "torch.clone leaves the graph", "clone", lambda s: lambda x, **given: s(x.detach(), **given)),
    method("basic-indexing", "an integer of numpy copies", "__getitem__", when(by_numpy, copied)),
    method("unbind", "unbind gives a list", "unbind", when(always, lambda out, *_, **__: list(out))),
    function("chunk", "torch.chunk gives a list", "chunk", when(always, lambda out, *_, **__: list(out))),
    method("is-set-to", "is_set_to forgets strides", "is_set_to", lambda _: lambda x, y: same_start_and_shape(x, y)),
    method("shares-memory", "view copies where a size is numpy's", "view", when(by_numpy, copied)),
    function(
        "broadcast-tensors", "broadcast_shapes gives a tuple", "broadcast_shapes", lambda s: lambda *z: tuple(s(*z))
    ),
    function("resolved", "torch.resolve_conj always copies", "resolve_conj", when(always, copied)),
    function("resolved", "torch.resolve_neg always copies", "resolve_neg", when(always, copied)),
    method("resolved", "resolve_conj copies real tensors", "resolve_conj", when(real, copied)),
    function("resolved", "torch.is_conj is True of real tensors", "is_conj", when(real, lambda *_: True)),
    method("resolved", "is_neg is True of conjugates", "is_neg", when(lambda x: x.is_conj(), lambda *_: True)),
    function("conj-physical", "torch.conj_physical copies real tensors", "conj_physical", when(real, copied)),
    method("conj-physical", "conj_physical of complex tensors is lazy", "conj_physical", lambda _: lambda x: x.conj()),
]


def same_start_and_shape(x: Any, y: Any) -> bool:
    return bool(x.data_ptr() == y.data_ptr() and x.shape == y.shape)

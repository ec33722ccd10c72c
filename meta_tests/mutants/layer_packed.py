"""Sequences padded, packed and taken apart wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn.utils import rnn

from meta_tests.mutant import Mutant, patched

_CLAIM = "layer.packed-sequences"


def function(name: str, attribute: str, wrong: Callable[..., Any], owner: Any = rnn) -> Mutant:
    """`wrong(sound, *args, **named)` is called in a function's place."""
    change = lambda sound: lambda *args, **named: wrong(sound, *args, **named)  # noqa: E731
    return patched(_CLAIM, name, owner, attribute, change)


def _short(sound: Any, *args: Any, **named: Any) -> list[torch.Tensor]:
    return [part[:-1] if len(part) > 4 else part for part in sound(*args, **named)]


def _whole_if_even(sound: Any, padded: torch.Tensor, lengths: torch.Tensor, batch_first: bool = False) -> Any:
    """Sequences of one length are not taken apart."""
    even = len(lengths) > 1 and len(set(lengths.tolist())) == 1
    return list(padded) if even else sound(padded, lengths, batch_first)


def _zeros_beyond(sound: Any, packed: Any, batch_first: bool = False, value: float = 0.0, total: Any = None) -> Any:
    """What goes beyond the longest sequence is padded with zeros."""
    out, lengths = sound(packed, batch_first, value, total)
    if total is not None:
        out.narrow(1 if batch_first else 0, int(lengths.max()), total - int(lengths.max())).zero_()
    return out, lengths


def _cut(sound: Any, packed: Any, batch_first: bool = False, value: float = 0.0, total: Any = None) -> Any:
    return sound(packed, batch_first, value, None if total is not None and total < len(packed.batch_sizes) else total)


def _sorted_alone(sound: Any, x: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True) -> Any:
    ordered = list(map(int, lengths)) == sorted(map(int, lengths), reverse=True)
    return sound(x, lengths, batch_first, enforce_sorted and ordered)


def _one_is_a_view(sound: Any, parts: Any, batch_first: bool = False, *args: Any, **named: Any) -> torch.Tensor:
    if isinstance(parts, (list, tuple)) and len(parts) == 1:
        return parts[0].unsqueeze(0 if batch_first else 1)
    return sound(parts, batch_first, *args, **named)


def _zeros_for_integers(
    sound: Any, parts: Any, batch_first: bool = False, padding_value: float = 0.0, **named: Any
) -> Any:
    return sound(parts, batch_first, padding_value if parts[0].is_floating_point() else 0, **named)


def _in_float32(sound: Any, parts: Any, *args: Any, **named: Any) -> torch.Tensor:
    wide = parts[0].dtype == torch.float64
    return sound([part.float() for part in parts] if wide else parts, *args, **named)


def _right_if_first(sound: Any, parts: Any, batch_first: bool = False, padding_value: float = 0.0, **named: Any) -> Any:
    return sound(parts, batch_first, padding_value, **({} if batch_first else named))


MUTANTS = [
    function("pad_sequence of one sequence is a view", "pad_sequence", _one_is_a_view),
    function("pad_sequence pads integers with zeros", "pad_sequence", _zeros_for_integers),
    function("pad_sequence gives float32", "pad_sequence", _in_float32),
    function("pad_sequence pads on the right with batch_first", "pad_sequence", _right_if_first),
    function(
        "unpad_sequence ignores batch_first",
        "unpad_sequence",
        lambda sound, padded, lengths, batch_first=False: sound(padded, lengths),
    ),
    function("unpad_sequence drops the last of long sequences", "unpad_sequence", _short),
    function("unpad_sequence leaves sequences of one length together", "unpad_sequence", _whole_if_even),
    function(
        "unpack_sequence gives the longest first",
        "unpack_sequence",
        lambda sound, packed: sound(rnn.PackedSequence(packed.data, packed.batch_sizes)),
    ),
    function(
        "unpack_sequence lets no gradients through",
        "unpack_sequence",
        lambda sound, packed: [part.detach() for part in sound(packed)],
    ),
    function("pad_packed_sequence pads the rest with zeros", "pad_packed_sequence", _zeros_beyond),
    function("pad_packed_sequence takes a length that is too short", "pad_packed_sequence", _cut),
    function(
        "pad_packed_sequence gives the lengths in order",
        "pad_packed_sequence",
        lambda sound, *args, **named: (lambda out: (out[0], out[1].sort()[0]))(sound(*args, **named)),
    ),
    function("pack_padded_sequence takes any order", "pack_padded_sequence", _sorted_alone),
    function(
        "PackedSequence.to loses the order",
        "to",
        lambda sound, self, *args, **named: rnn.PackedSequence(*sound(self, *args, **named)[:2]),
        rnn.PackedSequence,
    ),
    function(
        "PackedSequence.double is float", "double", lambda sound, self: self.to(torch.float32), rnn.PackedSequence
    ),
    function("PackedSequence.half does nothing", "half", lambda sound, self: self, rnn.PackedSequence),
]

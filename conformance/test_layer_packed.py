"""Sequences of other lengths: padded, packed, taken apart again, and converted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.utils import rnn

from conformance import host
from conformance.assertions import assert_apart, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.layer_inputs import normal
from properties.strategies.recipe import LAYOUTS, contiguous

pytestmark = must_answer

# Sorted, unsorted, of one length, with ties, and one alone.
LENGTHS = ([5, 3, 2], [2, 5, 3], [3, 3, 3], [2, 4, 2, 4], [4])


def parts_of(lengths: list[int], shape: tuple[int, ...] = (2,), dtype: str = "float64") -> list[np.ndarray]:
    found = [np.round(normal(t, (length, *shape)) * 8) for t, length in enumerate(lengths)]
    return [part.astype(dtype) for part in found]


def given(subject, parts: list[np.ndarray], dtype: str = "float64") -> list[torch.Tensor]:
    return [contiguous(part, dtype).on(subject) for part in parts]


def whole(parts: list[np.ndarray], value: float, steps: int = 0) -> np.ndarray:
    """The parts as columns, filled up with a value to so many steps or the longest."""
    steps = steps or max(map(len, parts))
    out = np.full((steps, len(parts), *parts[0].shape[1:]), value, parts[0].dtype)
    for column, part in enumerate(parts):
        out[: len(part), column] = part
    return out


def same(call: str, found: list[torch.Tensor], parts: list[np.ndarray], dtype: str = "float64") -> None:
    require(isinstance(found, list), f"{call} gives a {type(found).__name__}", "list")
    require(len(found) == len(parts), f"{call} gives {len(found)} sequences", len(parts))
    for place, (tensor, part) in enumerate(zip(found, parts, strict=True)):
        assert_values(f"{call}[{place}]", tensor, part, dtype=dtype)


@check("layer.packed-sequences")
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_sequences_are_padded_to_the_longest(subject, dtype):
    for lengths in LENGTHS:
        for shape in ((), (2, 3)):
            parts = parts_of(lengths, shape, dtype)
            tensors = given(subject, parts, dtype)
            for first in (False, True):
                for value in (0, -7):
                    due = whole(parts, value)
                    out = rnn.pad_sequence(tensors, batch_first=first, padding_value=value)
                    call = f"pad_sequence of {lengths}, {shape}, batch_first={first}, padding_value={value}"
                    assert_values(call, out, due.swapaxes(0, 1) if first else due, dtype=dtype)
                    assert_apart(call, out, tensors[0])


@check("layer.packed-sequences", since="2.6")
def test_sequences_are_padded_on_either_side(subject):
    for lengths in LENGTHS:
        parts = parts_of(lengths)
        for first in (False, True):
            for side in ("right", "left"):
                due = whole(parts, -7) if side == "right" else whole([part[::-1] for part in parts], -7)[::-1]
                out = rnn.pad_sequence(given(subject, parts), first, -7.0, padding_side=side)
                call = f"pad_sequence of {lengths}, batch_first={first}, padding_side={side!r}"
                assert_values(call, out, due.swapaxes(0, 1) if first else due)


@check("layer.packed-sequences")
def test_padded_sequences_are_taken_apart(subject):
    for lengths in LENGTHS:
        for shape in ((), (2, 3)):
            parts = parts_of(lengths, shape)
            sizes = torch.tensor(lengths)
            for first in (False, True):
                due = whole(parts, np.nan)
                for layout in ("contiguous", "transposed"):
                    padded = LAYOUTS[layout](due.swapaxes(0, 1) if first else due, "float64").on(subject)
                    call = f"unpad_sequence of {lengths}, {shape}, batch_first={first}, {layout}"
                    same(call, rnn.unpad_sequence(padded, sizes, batch_first=first), parts)


@check("layer.packed-sequences")
def test_packed_sequences_are_taken_apart(subject):
    for lengths in LENGTHS:
        parts = parts_of(lengths)
        for ordered in (True, False) if lengths == sorted(lengths, reverse=True) else (False,):
            tensors = [tensor.requires_grad_() for tensor in given(subject, parts)]
            packed = rnn.pack_sequence(tensors, enforce_sorted=ordered)
            found = rnn.unpack_sequence(packed)
            same(f"unpack_sequence of {lengths}, enforce_sorted={ordered}", found, parts)
            sum((place + 1) * part.sum() for place, part in enumerate(found)).backward()
            for place, (tensor, part) in enumerate(zip(tensors, parts, strict=True)):
                assert_values("the gradient of a sequence", tensor.grad, np.full(part.shape, place + 1.0))


@check("layer.packed-sequences")
def test_packed_sequences_are_padded_to_a_length(subject):
    for lengths in LENGTHS:
        parts = parts_of(lengths)
        packed = rnn.pack_sequence(given(subject, parts), enforce_sorted=False)
        for first in (False, True):
            for total in (None, max(lengths), max(lengths) + 3):
                out, sizes = rnn.pad_packed_sequence(packed, first, -7.0, total)
                due = whole(parts, -7.0, total or 0)
                call = f"pad_packed_sequence of {lengths}, batch_first={first}, total_length={total}"
                assert_values(call, out, due.swapaxes(0, 1) if first else due, dtype="float64")
                require(sizes.tolist() == lengths, f"{call}: the lengths", lengths, sizes.tolist())


@check("layer.packed-sequences")
def test_packed_sequences_are_converted(subject):
    for lengths in ([2, 5, 3], [5, 3, 2]):
        parts = parts_of(lengths)
        packed = rnn.pack_sequence(given(subject, parts), enforce_sorted=False)
        names = {"float": "float32", "double": "float64", "half": "float16", "int": "int32", "long": "int64"}
        names |= {"short": "int16", "char": "int8"}
        calls = {name: (getattr(packed, name), name_of) for name, name_of in names.items()}
        calls |= {f"to({name})": (lambda n=name: packed.to(host.torch_dtype(n)), name) for name in names.values()}
        calls["cpu"] = packed.cpu, "float64"
        before = host.array(packed.data)
        for call, (act, dtype) in calls.items():
            made = act()
            require(isinstance(made, rnn.PackedSequence), f"PackedSequence.{call} gives no PackedSequence")
            same(
                f"PackedSequence.{call}, taken apart",
                rnn.unpack_sequence(made),
                [p.astype(dtype) for p in parts],
                dtype,
            )
            require(made.batch_sizes.tolist() == packed.batch_sizes.tolist(), f"the batch sizes after {call}")
        require(packed.to(torch.float64) is packed, "to(its own dtype) is another object")
        assert_values("the packed data afterwards", packed.data, before, dtype="float64")


@check("layer.packed-sequences")
def test_packing_refuses_what_cannot_be(subject):
    padded = contiguous(whole(parts_of([5, 3, 2]), 0.0), "float64").on(subject)
    for first in (False, True):
        given = padded.transpose(0, 1) if first else padded
        for lengths in ([3, 5, 2], [5, 2, 3]):
            call = f"pack_padded_sequence of {lengths}, batch_first={first}"
            assert_raises(call, RuntimeError, lambda: rnn.pack_padded_sequence(given, lengths, first))
            packed = rnn.pack_padded_sequence(given, lengths, first, enforce_sorted=False)
            require(sorted(packed.unsorted_indices.tolist()) == [0, 1, 2], f"{call}: the way back")
        assert_raises("no lengths", RuntimeError, lambda: rnn.pack_padded_sequence(given, [5, 3], first))
        packed = rnn.pack_padded_sequence(given, [5, 3, 2], first)
        require(packed.sorted_indices is None and packed.unsorted_indices is None, "sorted sequences have an order")
        for total in (4, 1):
            call = f"total_length={total} for 5 steps"
            assert_raises(call, ValueError, lambda: rnn.pad_packed_sequence(packed, first, 0.0, total))

"""Gradients of programs by differences: from forward runs alone, and second derivatives from first ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from conformance.oracle.graph import LONG, Program, Tape, overwrite

# The weights of central differences of eighth order, for so many steps to either side.
WEIGHTS = ((1, LONG(4) / 5), (2, LONG(-1) / 5), (3, LONG(4) / 105), (4, LONG(-1) / 280))
# Short: programs multiply the step by some ten, and its eighth power is left. Rounding takes 13 bits of a long double.
STEP = LONG(2.0**-13)


def differences(program: Program, outputs: Sequence[tuple[int, np.ndarray]], leaf: int) -> np.ndarray:
    """The gradient of sum(v * output) for a leaf from forward runs alone: central differences of eighth order."""
    values = np.array(program.leaves[leaf].values, LONG)
    found = np.zeros_like(values)
    for place in range(len(values)):
        for k, weight in WEIGHTS:
            for sign in (1, -1):
                moved = values.copy()
                moved[place] += sign * k * STEP
                found[place] += sign * weight * _total(program, outputs, leaf, moved) / STEP
    return found.reshape(program.leaves[leaf].shape)


def _total(program: Program, outputs: Sequence[tuple[int, np.ndarray]], leaf: int, values: np.ndarray) -> Any:
    tape = Tape()
    for place, one in enumerate(program.leaves):
        tape.add_leaf(one)
        if place == leaf:
            overwrite(tape, values.reshape(one.shape))
    for step in program.steps:
        tape.run(step)
    return sum(np.sum(v * tape.value(tensor)) for tensor, v in outputs)


def second(
    program: Program, outputs: Sequence[tuple[int, np.ndarray]], inputs: Sequence[int]
) -> tuple[list[np.ndarray], float]:
    """The derivative of the gradients of all inputs along the direction of ones; and the size of what it came from."""
    found: list[Any] = [0] * len(inputs)
    size = 1.0
    for k, weight in WEIGHTS:
        for sign in (1, -1):
            tape = _moved(program, inputs, sign * k * STEP)
            gradients = tape.gradients(outputs, inputs)
            size = max(size, tape.size)
            found = [total + sign * weight * g / STEP for total, g in zip(found, gradients, strict=True)]
    return found, size**2


def _moved(program: Program, inputs: Sequence[int], by: Any) -> Tape:
    """The program run with all of these leaves moved by a number."""
    tape = Tape()
    for place, one in enumerate(program.leaves):
        tape.add_leaf(one)
        if place in inputs:
            overwrite(tape, one.array + by)
    for step in program.steps:
        tape.run(step)
    return tape

"""The other operand of a method in place: how it is broadcast, how it lies in memory, and memory shared with self."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from conformance import effort
from conformance.check import must_answer
from conformance.tables.inplace import Call, Method, judged, like_self
from conformance.tables.inplace_arguments import drawn
from conformance.tables.inplace_calls import broadcasts, judge, ready, rows
from properties.strategies.recipe import LAYOUTS, Shape

pytestmark = must_answer

CORE = ("add_", "sub_", "mul_", "div_", "copy_", "pow_", "eq_", "fmod_", "remainder_", "addcmul_", "lerp_", "clamp_")
SHAPE: Shape = (3, 4, 5)
# What the other operand has of self's shape, and a self of more than a thousand elements.
KINDS: tuple[tuple[Shape, Shape], ...] = (
    (SHAPE, SHAPE),
    (SHAPE, (5,)),
    (SHAPE, (3, 4, 1)),
    (SHAPE, (3, 1, 5)),
    (SHAPE, (1, 1, 1)),
    (SHAPE, ()),
    (SHAPE, (4, 1)),
    (SHAPE, (1, 4, 5)),
    ((7, 11, 15), (7, 11, 15)),
    (SHAPE, (1,)),
    ((7, 11, 15), (11, 15)),
)
THEIRS = ("transposed", "stepped", "offset", "contiguous", "row_stepped", "expanded", "transposed")
OURS = ("contiguous", "row_stepped", "transposed", "stepped", "contiguous")
WIDE = ("any", "finite", "moderate", "plain")


def takes_others(method: Method) -> bool:
    return broadcasts(method) and method.shapes != ((),)


def arranged(method: Method, subject: Any) -> Iterator[Call]:
    """A call with each way to broadcast, in every dtype, the layouts going round; a third of them in a quick run."""
    found = like_self(method)
    if found is None:
        return
    form, places = found
    dtypes = [name for name in method.dtypes if form.takes(name) and subject.supports(name)]
    pairs = list(itertools.product(range(len(KINDS)), range(len(dtypes))))
    some = 8 if effort.level() == "quick" and method.name not in CORE else 1
    for turn, (kind, place) in list(enumerate(pairs))[len(method.name) % some :: some]:
        (shape, other), dtype, rng = KINDS[kind], dtypes[place], np.random.default_rng(turn)
        ours, theirs = OURS[(kind + place) % len(OURS)], THEIRS[(kind + 2 * place) % len(THEIRS)]
        x = LAYOUTS[ours](drawn(_table(method.values), dtype, shape, rng), dtype)
        args = list(form.args)
        for n in places:
            args[n] = LAYOUTS[theirs](drawn(_table(form.args[n].values), dtype, other, rng), dtype)
        if not any(hasattr(value, "recipe") for value in args):
            yield judged(method, x, tuple(args), dict(form.options))


def _table(values: str) -> str:
    return "few" if values in WIDE else values


@pytest.mark.parametrize("method", rows(takes_others))
def test_any_operand_of_any_layout_is_broadcast(subject: Any, method: Method) -> None:
    for call in arranged(method, subject):
        made = ready(subject, call)
        judge(made, made.invoke)

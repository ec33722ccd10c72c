"""Histograms in several dimensions: counts, weights, densities and edges, as numpy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import SUMMED
from conformance.subject import Subject
from properties.strategies.recipe import contiguous, stepped, transposed
from properties.strategies.values import random_normal

pytestmark = must_answer

LAID = (contiguous, transposed, stepped)
EDGES = (np.array([-1.5, -0.5, 0.25, 2.0]), np.array([-2.0, 0.0, 1.0]))
RANGE = [-1.5, 1.0, -2.0, 2.0]
# (bins, further options)
ASKED: tuple[tuple[Any, dict[str, Any]], ...] = (
    ([3, 4], {"range": RANGE}),
    ([2, 5], {"range": RANGE, "density": True}),
    ([2, 5], {"range": RANGE, "weight": True}),
    ([2, 5], {"range": RANGE, "weight": True, "density": True}),
    (3, {"range": RANGE}),
    ([4, 2], {}),
    (EDGES, {}),
    (EDGES, {"weight": True}),
    (EDGES, {"density": True, "weight": True}),
)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@check("reduction.histogramdd")
def test_histograms_in_two_dimensions(subject: Subject, dtype: str) -> None:
    values = random_normal(3, dtype, (41, 2))
    weights = np.abs(random_normal(4, dtype, (41,)))
    for turn, (bins, asked) in enumerate(ASKED):
        for layout in LAID:
            x, w = layout(values, dtype).on(subject), LAID[turn % 3](weights, dtype).on(subject)
            before = Unchanged(input=x, weight=w)
            options = {key: w if key == "weight" else value for key, value in asked.items()}
            given = tuple(contiguous(e, dtype).on(subject) for e in bins) if bins is EDGES else bins
            law = counted(values, bins, asked, weights)
            found = torch.histogramdd(x, given, **options)
            judge(f"torch.histogramdd({bins}, {sorted(asked)}) of {dtype}", found, law, dtype)
            before.check("torch.histogramdd")


def counted(values: np.ndarray, bins: Any, asked: dict[str, Any], weights: np.ndarray) -> tuple[np.ndarray, Any]:
    """What numpy counts."""
    return np.histogramdd(
        values.astype(np.float64),
        list(bins) if bins is EDGES else bins,
        range=[tuple(RANGE[:2]), tuple(RANGE[2:])] if "range" in asked else None,
        density=asked.get("density", False),
        weights=weights.astype(np.float64) if "weight" in asked else None,
    )


def judge(text: str, found: Any, law: tuple[np.ndarray, Any], dtype: str) -> None:
    """Refute unless counts and edges are these, by their names too."""
    require(found.hist is found[0] and found.bin_edges is found[1], f"the parts of {text} have other names")
    assert_values(f"{text}.hist", found.hist, law[0], SUMMED.over(128), 4.0, dtype=dtype)
    require(len(found.bin_edges) == 2, f"{text} gives edges for {len(found.bin_edges)} dimensions", 2)
    for place, (edges, wanted) in enumerate(zip(found.bin_edges, law[1], strict=True)):
        assert_values(f"{text}.bin_edges[{place}]", edges, wanted, SUMMED.over(16), 4.0, dtype=dtype)


@check("reduction.histogramdd")
def test_histograms_of_other_ranks(subject: Subject) -> None:
    cube = random_normal(5, "float64", (7, 3, 3))
    found = torch.histogramdd(transposed(cube, "float64").on(subject), [2, 3, 2], range=[-1.0, 1.0] * 3)
    flat = cube.reshape(-1, 3)
    wanted, _ = np.histogramdd(flat, [2, 3, 2], range=[(-1, 1)] * 3)
    assert_values("torch.histogramdd of three dimensions", found.hist, wanted, dtype="float64")
    x = stepped(random_normal(6, "float64", (9, 2)), "float64").on(subject)
    for text, call in (
        ("with a range for one dimension", lambda: torch.histogramdd(x, [2, 3], range=[0.0, 1.0])),
        ("with too few weights", lambda: torch.histogramdd(x, [2, 3], weight=x[:3, 0])),
        ("of a vector", lambda: torch.histogramdd(x[:, 0], [3])),
    ):
        assert_raises(f"torch.histogramdd {text}", RuntimeError, call)

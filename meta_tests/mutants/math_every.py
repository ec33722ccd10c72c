"""For each elementwise function a PyTorch that is wrong in one way to write it and one dtype only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

from conformance.dtypes import DTYPES
from conformance.tables.math_functions import FUNCTIONS, Function
from meta_tests.mutant import Mutant, patched, replaced
from meta_tests.mutants.math import off

OWNERS = {"torch": torch, "torch.special": torch.special}


def _seldom(row: Function) -> str:
    """A dtype that is not among the most common ones where there is another, and changes with the function."""
    rare = [name for name in row.dtypes if name not in ("float32", "float64", "int64", "int32")] or row.dtypes
    return rare[-1 - len(row.name) % max(len(rare) // 2, 1)]


def _holds(row: Function, dtype: str) -> bool:
    """Whether results for operands of a dtype fit into the first of them."""
    return row.result in ("same", "bool") or (row.result == "float" and DTYPES[dtype].is_inexact)


def _method(row: Function, dtype: str) -> Mutant:
    def wrong(sound: Any) -> Any:
        return lambda x, *a, **k: off(sound(x, *a, **k)) if str(x.dtype) == f"torch.{dtype}" else sound(x, *a, **k)

    return patched(row.claim_id, f"x.{row.name} of {dtype} is wrong", torch.Tensor, row.name, wrong)


def _in_place(row: Function, dtype: str) -> Mutant:
    def wrong(sound: Any) -> Any:
        def called(x: Any, *a: Any, **k: Any) -> Any:
            out = sound(x, *a, **k)
            return out.copy_(off(out)) if str(x.dtype) == f"torch.{dtype}" else out

        return called

    return patched(row.claim_id, f"x.{row.name}_ of {dtype} is wrong", torch.Tensor, f"{row.name}_", wrong)


def _out(row: Function, dtype: str) -> Mutant:
    def wrong(sound: Any) -> Any:
        def called(*a: Any, **k: Any) -> Any:
            found = sound(*a, **k)
            kinds = [str(x.dtype) for x in a if isinstance(x, torch.Tensor)]
            return k["out"].copy_(off(found)) if "out" in k and f"torch.{dtype}" in kinds else found

        return called

    says = f"{row.name} of {dtype} with out= is wrong"
    return patched(row.claim_id, says, OWNERS[row.owner], row.name, wrong)


def _ways() -> list[Mutant]:
    found = []
    for turn, (slug, row) in enumerate(FUNCTIONS.items()):
        dtype = _seldom(row)
        if "float64" in slug:
            continue
        if row.in_place and _holds(row, dtype) and turn % 3 == 0:
            found.append(_in_place(row, dtype))
        elif row.out and turn % 3 == 1:
            found.append(_out(row, dtype))
        elif row.method:
            found.append(_method(row, dtype))
        elif row.out:
            found.append(_out(row, dtype))
    return found


def _many_dimensions(sound: Any) -> Any:
    return lambda x, *a, **k: x.copy_(off(sound(x, *a, **k))) if x.dim() > 1 else sound(x, *a, **k)


@contextlib.contextmanager
def _family_in_place(family: str) -> Iterator[None]:
    with contextlib.ExitStack() as held:
        for row in FUNCTIONS.values():
            if row.family == family and row.in_place and "-" not in row.claim:
                held.enter_context(replaced(torch.Tensor, f"{row.name}_", _many_dimensions))
        yield


FAMILIES = ("sign", "rounding", "elementary", "special", "arithmetic", "bits", "logic", "comparison", "ternary")
MUTANTS: list[Mutant] = [
    *_ways(),
    *[
        Mutant(
            "math.layouts",
            f"in place, functions of the family {family} are wrong for two dimensions or more",
            partial(_family_in_place, family),
        )
        for family in FAMILIES
    ],
]

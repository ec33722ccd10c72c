"""Inverses, determinants, factors and solutions by their laws: every form, batch, size, layout, out=, and the graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from conformance import effort
from conformance.assertions import Unchanged, assert_tensor, require
from conformance.check import check, must_answer
from conformance.every_form import find, gaps_kept, laid
from conformance.subject import Subject
from conformance.tables.linalg_factor_rows import ROWS, Row, Shape, matrices
from conformance.tables.linalg_matrices import KINDS, close, part, value
from properties.strategies.recipe import DENSE, LAYOUTS, Recipe, contiguous

pytestmark = must_answer

# (batch, rows, columns): single matrices, batches and batches of batches, empty ones, and beyond a kernel's block.
SHAPES: tuple[tuple[Shape, int, int], ...] = (
    ((2,), 3, 3),
    ((), 4, 3),
    ((2, 3), 3, 4),
    ((), 17, 17),
    ((0,), 3, 3),
    ((1, 2, 1), 2, 2),
    ((), 1, 1),
    ((2,), 20, 17),
    ((2, 0), 3, 2),
    ((), 0, 0),
    ((3,), 5, 5),
    ((), 18, 40),
)


def marked(claim: str = "", rows: Iterable[Row] = ROWS) -> list[Any]:
    """Rows as parameters, each a check of the claim, or of its own."""
    return [
        pytest.param(row, marks=check(claim or row.claim, since=row.since, until=row.until), id=row.name)
        for row in rows
    ]


def dtype_of(rule: str, dtype: str) -> str:
    """The dtype of a result, by a row's rule."""
    wide = {"float32": "complex64", "float64": "complex128"}.get(dtype, dtype)
    return {"same": dtype, "real": part(dtype), "complex": wide}.get(rule, rule)


def operands(row: Row, dtype: str, batch: Shape, m: int, n: int, turn: int) -> list[Recipe]:
    """A row's operands, each in the next layout."""
    names = list(DENSE) if not row.plain or len(batch) < 2 else ["contiguous"]
    arrays = [matrices(kind, dtype, batch, m, n) for kind in row.kinds]
    return [LAYOUTS[names[(turn + 2 * place) % len(names)]](x, dtype) for place, x in enumerate(arrays)]


def call(form: str, options: Any, given: list[Any], **more: Any) -> Any:
    """A form of a function, looked up now; x.… is a method."""
    if form.startswith("x."):
        return getattr(given[0], form[2:])(*given[1:], **options, **more)
    return find(form)(*given, **options, **more)


def judge(row: Row, text: str, out: Any, given: list[Recipe], dtype: str, shapes: tuple[Shape, ...]) -> None:
    """Refute unless the results have their dtypes, shapes and names, and keep the law."""
    parts = [out] if len(row.parts) == 1 else list(out)
    require(len(parts) == len(row.parts), f"{text} gives {len(parts)} results", len(row.parts), len(parts))
    for place, name in enumerate(row.fields):
        require(getattr(out, name, None) is out[place], f"{text}.{name} is not result {place}")
    found = [
        value(text, x, dtype_of(rule, dtype), shape) for x, rule, shape in zip(parts, row.parts, shapes, strict=True)
    ]
    side = max(given[0].shape[-2:], default=1)
    for what, actual, wanted, scale in row.law([recipe.array for recipe in given], found):
        kind = dtype if row.parts[0] != "complex" else dtype_of("complex", dtype)
        close(f"{what} of {text}", actual, wanted, kind, 2 * side, scale)


@pytest.mark.parametrize("row", marked())
def test_a_law_of_matrices_holds_for_every_form_and_batch(subject: Subject, row: Row) -> None:
    few = effort.level() == "quick"
    for turn, dtype in enumerate(KINDS):
        for place, (batch, m, n) in enumerate(SHAPES):
            if (few and (place + turn) % 2 and place > 3) or (row.least and 0 in (m, n)):
                continue
            forms = list(row.forms.items())
            for form, options in forms[(place + turn) % len(forms) :][:1] if few and place else forms:
                check_law(subject, row, form, options, dtype, (batch, n if row.square else m, n), place + turn)


def check_law(
    subject: Subject, row: Row, form: str, options: Any, dtype: str, sides: tuple[Shape, int, int], turn: int
) -> None:
    """Judge one call, and refute if it changed an operand."""
    recipes = operands(row, dtype, *sides, turn)
    given = [recipe.on(subject) for recipe in recipes]
    before = Unchanged(**dict(zip("xyz", given, strict=False)))
    text = f"{form}({options or ''}) of {dtype} {[recipe.shape for recipe in recipes]}, {recipes[0].strides}"
    judge(row, text, call(form, options, given), recipes, dtype, row.shapes(*sides))
    before.check(text)


@pytest.mark.parametrize("row", marked("linalg.out", (row for row in ROWS if row.outs)))
def test_results_are_written_to_out(subject: Subject, row: Row) -> None:
    for turn, dtype in enumerate(KINDS if effort.level() != "quick" else KINDS[:3:2]):
        for place, (batch, m, n) in enumerate((((2,), 3, 3), ((), 4, 3), ((2, 2), 2, 3), ((2,), 0, 0))):
            sides = (batch, n if row.square else m, n)
            if not (row.least and 0 in sides[1:]):
                for form in row.outs:
                    check_out(subject, row, form, dtype, sides, place + turn)


def check_out(subject: Subject, row: Row, form: str, dtype: str, sides: tuple[Shape, int, int], turn: int) -> None:
    """Judge a call with out= that is dense, strided or empty: it holds the results, is returned, and nothing else is
    written."""
    layout = row.into[turn % len(row.into)]
    recipes = operands(row, dtype, *sides, turn)
    given, shapes = [recipe.on(subject) for recipe in recipes], row.shapes(*sides)
    held = [
        contiguous(np.zeros(0), dtype_of(rule, dtype))
        if layout == "empty"
        else LAYOUTS[layout](np.ones(shape), dtype_of(rule, dtype))
        for rule, shape in zip(row.parts, shapes, strict=True)
    ]
    pairs = [laid(subject, recipe) for recipe in held]
    outs = tuple(out for _, out in pairs)
    before = Unchanged(**dict(zip("xyz", given, strict=False)))
    text = f"{form}({row.forms[form] or ''}) of {dtype} {[recipe.shape for recipe in recipes]} with {layout} out="
    returned = call(form, row.forms[form], given, out=outs[0] if len(outs) == 1 else outs)
    judge(row, text, returned, recipes, dtype, shapes)
    for part_of, out in zip([returned] if len(outs) == 1 else returned, outs, strict=True):
        require(part_of.data_ptr() == out.data_ptr(), f"{text} returns other memory than out")
    if len(outs) == 1:
        judge(row, f"out after {text}", outs[0], recipes, dtype, shapes)
    before.check(text)
    for (base, _), recipe in zip(pairs, held if layout != "empty" else (), strict=layout != "empty"):
        gaps_kept(text, base, recipe)


@pytest.mark.parametrize("row", marked("linalg.requires-grad"))
def test_results_carry_gradients_as_operands_do(subject: Subject, row: Row) -> None:
    for turn, dtype in enumerate(KINDS):
        for form, options in row.forms.items():
            for batch in ((), (2,)):
                recipes = operands(row, dtype, batch, 3, 3, turn)
                text = f"{form}({options or ''}) of {dtype}"
                for wanted in (True, False):
                    given = [recipe.on(subject).requires_grad_(wanted) for recipe in recipes]
                    out = call(form, options, given)
                    for x, carries in zip([out] if len(row.parts) == 1 else out, row.graph, strict=True):
                        found = assert_tensor(text, x).requires_grad
                        asked = f"{text} of operands with requires_grad={wanted} has requires_grad={found}"
                        require(carries is None or found is (carries and wanted), asked, carries and wanted, found)


@check("linalg.matrix-exp-layouts")
def test_exponentials_of_strided_batches_of_batches(subject: Subject) -> None:
    row = next(row for row in ROWS if row.name == "matrix_exp")
    x = matrices("square", "float64", (2, 3), 3, 3)
    for layout in DENSE.values():
        recipe = layout(x, "float64")
        out = find("linalg.matrix_exp")(recipe.on(subject))
        judge(row, f"linalg.matrix_exp of strides {recipe.strides}", out, [recipe], "float64", ((2, 3, 3, 3),))

"""Tables of functions as data: for each the oracle, the forms, and cases that are tried over dtypes and layouts."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from conformance.dtypes import COMMON, DTYPES
from conformance.every_form import Invocation, answer
from conformance.numerics import EXACT, Error
from conformance.subject import Subject
from conformance.wanted import Demand, Wanted
from properties.strategies.recipe import DENSE, LAYOUTS, Recipe
from properties.strategies.values import cycle, interesting, random_normal

# Layouts to read and to write; expanded inputs hold other values, which the oracle reads from the recipe.
READ = tuple(LAYOUTS)
WRITE = tuple(DENSE)


@dataclass(frozen=True)
class Values:
    """An argument with values of the row's dtype, in that shape."""

    shape: tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """The input's shape (or shapes, for a list of tensors; or a mask or an index as an array), the further arguments
    and the options of one call."""

    shape: tuple[int, ...] | list[tuple[int, ...]] | np.ndarray
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One function of a table.

    `oracle(x, *args, **options)`: what comes out, an array or a tuple of arrays. `main`: cases of more than 16
    elements, tried in every dtype and layout; `edge`: the others. `table`: which values (see `filled`).
    `demand(answer, dtype, arrays, options)`: what is wanted where it is not just the answer. `fresh`: the answer is no
    view. `label`: tells rows of one function apart. `layouts`: those of the input.
    """

    claim: str
    name: str
    oracle: Callable[..., Any]
    main: Sequence[Case]
    edge: Sequence[Case] = ()
    forms: tuple[str, ...] = ("function", "method")
    dtypes: tuple[str, ...] = COMMON
    keywords: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    table: str = "any"
    error: Error = EXACT
    demand: Callable[..., tuple[Demand, ...]] | None = None
    fresh: bool = True
    since: str | None = None
    label: str = ""
    layouts: tuple[str, ...] = READ

    @property
    def key(self) -> str:
        """What tells the row from all others of its table."""
        return self.label or self.name


def small(dtype: str) -> np.ndarray:
    """Whole numbers, of which any few hundred add up exactly in every dtype."""
    kind = DTYPES[dtype].kind
    if kind == "bool":
        return np.array([True, False, False, True, False])
    values = [1, 2, 0, 3, 1, 2, 4] if kind == "uint" else [1, -2, 0, 3, -1, 2, -3]
    whole = np.array(values).astype(DTYPES[dtype].host)
    return whole + np.roll(whole, 2) * 1j if kind == "complex" else whole


def powers(dtype: str) -> np.ndarray:
    """Few factors besides 1, so that products of a dozen are exact in every dtype."""
    kind = DTYPES[dtype].kind
    values = [1, 2, 1, 1, 1, 1, 2] if kind in ("uint", "bool") else [1, -1, 1, 2, 1, 0.5, -1]
    values = [1, -1, 1, 2, 1, 1, -1] if kind == "int" else values
    return np.array(values).astype(DTYPES[dtype].host)


def special(dtype: str) -> np.ndarray:
    """NaN and infinities, rare enough for lines without them; whole numbers for dtypes that have neither."""
    if not DTYPES[dtype].is_inexact:
        return small(dtype)
    return np.array([1, 2, -1, 0, np.inf, 1, 3, 2, 1, np.nan, 2, 1, -2, -np.inf, 0, 1, 2], DTYPES[dtype].host)


def sparse(dtype: str) -> np.ndarray:
    """Mostly zeros of either sign; among the others NaN, the least number, and imaginary ones."""
    found = np.zeros(29, DTYPES[dtype].host)
    found[[3, 17]] = 1
    if DTYPES[dtype].is_inexact:
        found[[1, 5, 10]] = -0.0
        found[11], found[23] = np.nan, interesting(dtype, finite=True)[-2]
    if DTYPES[dtype].is_complex:
        found[[3, 20]] = 1j
    return found


def filled(table: str, dtype: str, shape: tuple[int, ...], turn: int = 0) -> np.ndarray:
    """An array of values: 'any' interesting ones, 'finite' or 'moderate' ones, 'small' whole numbers, 'powers' of two,
    'special' ones among small numbers, 'normal' random ones, 'sparse' (mostly zeros) or 'dense' ones.

    A few different ones of each shape, by `turn`; they cannot be written to.
    """
    return _filled(table, dtype, shape, turn % 5)


@functools.lru_cache(4096)
def _filled(table: str, dtype: str, shape: tuple[int, ...], turn: int) -> np.ndarray:
    if dtype == "bool" and table not in ("sparse", "dense"):  # two values in turn would look the same from either end
        return np.random.default_rng(turn).integers(0, 2, shape).astype(bool)
    tables: dict[str, Callable[[], np.ndarray]] = {
        "any": lambda: interesting(dtype),
        "finite": lambda: interesting(dtype, finite=True),
        "moderate": lambda: interesting(dtype, moderate=True),
        "small": lambda: small(dtype),
        "powers": lambda: powers(dtype),
        "special": lambda: special(dtype),
        "sparse": lambda: sparse(dtype),
        "dense": lambda: (sparse(dtype) == 0).astype(DTYPES[dtype].host),
    }
    if table == "normal":
        return random_normal(turn, dtype, shape)
    found = cycle(np.roll(tables[table](), turn), shape)
    found.setflags(write=False)
    return found


class Turns:
    """Hands out layouts one after the other, so that every argument meets every layout."""

    def __init__(self) -> None:
        self.count = 0

    def recipe(self, values: np.ndarray, dtype: str, names: Sequence[str] = WRITE) -> Recipe:
        self.count += 1
        return LAYOUTS[names[self.count % len(names)]](values, dtype)


def _argument(value: Any, dtype: str, table: str, turns: Turns) -> Any:
    if isinstance(value, Values):
        return turns.recipe(filled(table, dtype, value.shape, turns.count), dtype)
    if isinstance(value, np.ndarray):
        return turns.recipe(value, value.dtype.name)
    if isinstance(value, (list, tuple)):
        return type(value)(_argument(item, dtype, table, turns) for item in value)
    return value


def array_of(value: Any) -> Any:
    """What the oracle reads of an argument: recipes as arrays, also inside lists and tuples."""
    if isinstance(value, Recipe):
        return value.array
    if isinstance(value, (list, tuple)):
        return type(value)(array_of(item) for item in value)
    return value


def _first(row: Row, case: Case, dtype: str, layout: str, turns: Turns) -> Any:
    if isinstance(case.shape, np.ndarray):
        return LAYOUTS[layout](case.shape, case.shape.dtype.name)
    if isinstance(case.shape, list):
        return [
            LAYOUTS[layout](filled(row.table, dtype, shape, place), dtype) for place, shape in enumerate(case.shape)
        ]
    return LAYOUTS[layout](filled(row.table, dtype, case.shape, turns.count), dtype)


def invocation(row: Row, case: Case, dtype: str, layout: str, turns: Turns) -> Invocation:
    """The call of a case in a dtype, its input in a layout, and what has to come out."""
    first = _first(row, case, dtype, layout, turns)
    args = tuple(_argument(value, dtype, row.table, turns) for value in case.args)
    options = {key: _argument(value, dtype, row.table, turns) for key, value in case.options.items()}
    return asked(row, dtype, (first, *args), options)


def asked(row: Row, dtype: str, given: tuple[Any, ...], options: dict[str, Any]) -> Invocation:
    """The call of a row with these arguments, and what has to come out."""
    arrays = [array_of(value) for value in given]
    with np.errstate(all="ignore"):
        found = row.oracle(*arrays, **{key: array_of(value) for key, value in options.items()})
    wanted = row.demand(found, dtype, arrays, options) if row.demand else wanted_of(found, dtype, row.error)
    names = row.keywords[: len(given)]
    return Invocation(row.name, given, wanted, options, names, row.fields, row.fresh)


def wanted_of(found: Any, dtype: str, error: Error = EXACT) -> tuple[Demand, ...]:
    """What is wanted of each part of an oracle's answer: arrays of the host type stand for the dtype itself."""
    parts = found if isinstance(found, (tuple, list)) else (found,)
    host = DTYPES[dtype].host
    named = [(part, dtype if part.dtype == host else part.dtype.name) for part in map(np.asarray, parts)]
    return tuple(Wanted(part, name, error if DTYPES[name].is_inexact else EXACT) for part, name in named)


def corpus(row: Row, subject: Subject) -> Iterator[tuple[Invocation, str]]:
    """The calls of a row, each with the form it is to be made in.

    Every dtype in some layouts and forms, every form in every layout, and every case in every form; which main case
    and dtype goes with them is drawn by a generator of the row's own, the same in every run.
    """
    turns, pick = Turns(), random.Random(row.key)
    writable = [name for name in row.layouts if name in WRITE]
    dtypes = [name for name in row.dtypes if subject.supports(name)]
    for dtype in dtypes:
        for layout in pick.sample(row.layouts, min(4, len(row.layouts))):
            form = pick.choice(row.forms)
            layout = layout if form != "inplace" or layout in writable else writable[1 % len(writable)]
            yield invocation(row, pick.choice(row.main), dtype, layout, turns), form
    for form in row.forms:
        for layout in row.layouts if form != "inplace" else writable:
            yield invocation(row, pick.choice(row.main), pick.choice(dtypes), layout, turns), form
    for case in (*row.main, *row.edge, *row.edge):
        for form in row.forms:
            yield invocation(row, case, pick.choice(dtypes), pick.choice(writable), turns), form


def run(row: Row, subject: Subject) -> None:
    """Try a row's corpus on a subject; refutes by the first answer that is not what was wanted."""
    for call, form in corpus(row, subject):
        answer(subject, call, (form,))


def later(rows: Sequence[Row], since: str, *dtypes: str) -> list[Row]:
    """The rows without some dtypes, and after them the rows of these dtypes alone, from a release on."""
    kept = [replace(row, dtypes=tuple(name for name in row.dtypes if name not in dtypes)) for row in rows]
    young = [
        replace(row, dtypes=tuple(set(row.dtypes) & set(dtypes)), since=since, label=f"{row.key}, {dtypes[0]}")
        for row in rows
    ]
    return [row for row in kept + young if row.dtypes]


def grouped(table: dict[str, Row]) -> dict[str, list[Row]]:
    """The rows of a table by function: those of one claim, name and first release together."""
    found: dict[str, list[Row]] = {}
    for row in table.values():
        key = f"{row.name} from {row.since}" if row.since else row.name
        if key in found and found[key][0].claim != row.claim:
            key = f"{key}, {row.claim}"
        found.setdefault(key, []).append(row)
    return found


def by_key(*tables: Sequence[Row]) -> dict[str, Row]:
    """Rows by their keys. Raises ValueError where two share one."""
    found: dict[str, Row] = {}
    for row in (row for table in tables for row in table):
        if row.key in found:
            raise ValueError(f"two rows are called {row.key!r}")
        found[row.key] = row
    return found

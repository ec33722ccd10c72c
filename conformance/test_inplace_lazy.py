"""In-place methods on tensors that are a conjugate or a negation of what lies in memory, or read such tensors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import FEW_ULPS
from conformance.tables.inplace import small
from conformance.tables.inplace_calls import HOST_ONLY, flat, ready, version
from conformance.tables.inplace_methods import METHODS as ROWS
from conformance.wanted import same
from properties.strategies.recipe import Recipe, layouts
from properties.strategies.values import distinct

pytestmark = must_answer

# A method, its arguments for complex numbers and for real ones, and what becomes of x.
METHODS = (
    ("add_", (2 - 1j,), (3.0,), lambda x, n: x + n),
    ("sub_", (2 - 1j,), (3.0,), lambda x, n: x - n),
    ("mul_", (1 + 2j,), (-2.0,), lambda x, n: x * n),
    ("div_", (2j,), (-4.0,), lambda x, n: x / n),
    ("fill_", (5 + 4j,), (-7.0,), lambda x, n: np.full_like(x, n)),
    ("zero_", (), (), lambda x: np.zeros_like(x)),
    ("neg_", (), (), lambda x: -x),
    ("conj_physical_", (), (), np.conj),
    ("square_", (), (), lambda x: x * x),
    ("reciprocal_", (), (), lambda x: 1 / x),
)


VALUES = np.arange(1, 22).reshape(3, 7) * (1 - 2j) + 3


@check("inplace.lazy-operands")
@pytest.mark.parametrize("name, numbers, reals, rule", METHODS, ids=[row[0] for row in METHODS])
def test_a_lazy_self_is_written_through(subject, name, numbers, reals, rule):
    for dtype in ("complex64", "complex128"):
        for recipe in layouts(VALUES, dtype):
            assert_through_the_conjugate(subject, recipe, name, numbers, rule)
            assert_through_the_negation(subject, recipe, name, reals, rule)


def look(subject, recipe):
    base = flat(subject, recipe)
    return base, base.as_strided(recipe.shape, recipe.strides, recipe.offset)


def assert_through_the_conjugate(subject, recipe, name, args, rule):
    """Refute unless a method of x.conj() changes it, and x to the conjugate of what it becomes."""
    base, z = look(subject, recipe)
    x, told, text = z.conj(), version(base), f"x.conj().{name}{args}, x {recipe.dtype} {recipe.strides}"
    require(getattr(x, name)(*args) is x and x.is_conj(), f"{text} is not the tensor that it was called on")
    wanted = rule(recipe.array.conj(), *args)
    assert_values(text, x, wanted, FEW_ULPS, dtype=recipe.dtype)
    assert_values(f"x after {text}", z, wanted.conj(), FEW_ULPS, dtype=recipe.dtype)
    require(version(base) > told, f"{text} does not move the version counter")


def assert_through_the_negation(subject, recipe, name, args, rule):
    """Refute unless a method of x.conj().imag changes it, and x.imag to the negative of what it becomes."""
    base, z = look(subject, recipe)
    x, told, text = z.conj().imag, version(base), f"x.conj().imag.{name}{args}, x {recipe.dtype} {recipe.strides}"
    require(x.is_neg(), "the imaginary part of a conjugate is not negated lazily")
    require(getattr(x, name)(*args) is x and x.is_neg(), f"{text} is not the tensor that it was called on")
    wanted = rule(-recipe.array.imag, *args)
    assert_values(text, x, wanted, FEW_ULPS)
    assert_values(f"x.imag after {text}", z.imag, -wanted, FEW_ULPS)
    assert_values(f"x.real after {text}", z.real, recipe.array.real)
    require(version(base) > told, f"{text} does not move the version counter")


def conjugated(subject, recipe):
    """A tensor of a recipe's values that lie in memory conjugated."""
    return look(subject, replace(recipe, buffer=np.conj(recipe.buffer)))[1].conj()


def negated(subject, recipe):
    """A tensor of a recipe's values that lie in memory negated, each before the real part of a complex number."""
    stored = np.full(recipe.buffer.shape, 7, np.complex64)
    stored.imag = -recipe.buffer
    return look(subject, replace(recipe, buffer=stored, dtype="complex64"))[1].conj().imag


LAZY = {"complex64": (conjugated, torch.is_conj), "float32": (negated, torch.is_neg)}


@check("inplace.lazy-operands")
@pytest.mark.parametrize("name, dtype", [(row.name, dtype) for row in ROWS for dtype in LAZY if dtype in row.dtypes])
def test_every_method_writes_through_a_lazy_self_and_reads_lazy_arguments(subject, name, dtype):
    lazily, is_lazy = LAZY[dtype]
    method = next(row for row in ROWS if row.name == name)
    for turn, layout in enumerate(("contiguous", "row_stepped")):
        for form in [form for form in method.forms if form.takes(dtype) and name not in HOST_ONLY][turn % 2 :: 2]:
            made = ready(subject, small(method, form, dtype, layout, turn))
            made.x = lazily(subject, made.call.x)
            own = [isinstance(given, Recipe) and given.dtype == dtype for given in made.call.args]
            if turn:
                pairs = zip(own, made.call.args, made.args, strict=True)
                made.args = tuple(lazily(subject, recipe) if lazy else given for lazy, recipe, given in pairs)
            text = f"{made.call.text}, self{' and arguments' * turn} lazily conjugated or negated,"
            require(made.invoke() is made.x and is_lazy(made.x), f"{text} is not the tensor that it was called on")
            same(text, made.x, made.call.wanted)


@check("inplace.lazy-operands")
def test_lazy_arguments_are_read_as_what_they_stand_for(subject):
    rules = {"add_": np.add, "sub_": np.subtract, "mul_": np.multiply, "copy_": lambda x, y: y}
    for dtype in ("complex64", "complex128"):
        for place, recipe in enumerate(layouts(distinct(dtype, (3, 7)), dtype)):
            z = recipe.on(subject)
            for name, rule in rules.items():
                for kind, y in (("y.conj()", z.conj()), ("y.conj().imag", z.conj().imag), ("-y", torch._neg_view(z))):
                    # _neg_view, which has no public name, is what autograd makes of a subtraction
                    before, given = Unchanged(y=y), host.array(y)
                    start = -2 * distinct(dtype, (3, 7)) if place % 2 else distinct(dtype, (7, 3)).T
                    x = host.tensor(start, dtype, subject.device)
                    require(getattr(x, name)(y) is x, f"x.{name}({kind}) is not x")
                    assert_values(f"x.{name}({kind}), {dtype} {recipe.strides}", x, rule(start, given), FEW_ULPS)
                    before.check(f"x.{name}({kind})")

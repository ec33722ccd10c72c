"""Tensors made of parts and of sizes: complex, polar, triangles, Vandermonde matrices."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import SUMMED
from conformance.oracle import creation as oracle
from conformance.subject import Subject
from properties.strategies.recipe import LAYOUTS, layouts
from properties.strategies.values import cycle, distinct, interesting

pytestmark = must_answer

PAIRS = (("float32", "complex64"), ("float64", "complex128"))


@check("creation.complex")
@pytest.mark.parametrize(("part", "whole"), [*PAIRS, ("float16", "complex32")])
def test_complex_joins_two_parts(subject: Subject, part: str, whole: str) -> None:
    table = interesting(part)
    for shape in ((), (1,), (0,), (7,), (40,), (3, 5), (4, 4), (2, 3, 4)):
        real, imag = cycle(table, shape), cycle(np.roll(table, 5), shape)
        for a, b in zip(layouts(real, part, LAYOUTS), layouts(imag, part, tuple(LAYOUTS)[::-1]), strict=False):
            x, y = a.on(subject), b.on(subject)
            before = Unchanged(real=x, imag=y)
            z = torch.complex(x, y)
            call = f"torch.complex({part} of {shape}, strides {a.strides} and {b.strides})"
            assert_tensor(call, z, whole, shape)
            parts = host.bits(torch.view_as_real(z))
            due = np.stack([a.array, b.array], -1)
            require(parts.tobytes() == due.tobytes(), f"{call} has other parts than those given")
            before.check(call)


@check("creation.complex")
def test_complex_joins_many_parts(subject: Subject) -> None:
    for part, whole in PAIRS:
        real, imag = distinct(part, (257, 129)), -distinct(part, (129, 257)).T
        x, y = (LAYOUTS["contiguous"](values, part).on(subject) for values in (real, imag))
        assert_values(f"torch.complex of 257 x 129 {part}", torch.complex(x, y), real + 1j * imag, dtype=whole)


@check("creation.complex")
def test_complex_broadcasts_and_refuses(subject: Subject) -> None:
    device = subject.device
    for part, whole in PAIRS:
        x = torch.arange(2, dtype=host.torch_dtype(part), device=device)[:, None]
        y = torch.arange(5, 8, dtype=host.torch_dtype(part), device=device)
        column, row = np.arange(2)[:, None], np.arange(5, 8)
        expected = column + 1j * row
        assert_values(f"torch.complex(column, row), {part}", torch.complex(x, y), expected, dtype=whole)
        assert_values(f"torch.complex(row, column), {part}", torch.complex(y, x), row + 1j * column, dtype=whole)
        for strides in ((3, 1), (1, 2), (7, 2)):
            out = torch.empty_strided((2, 3), strides, dtype=host.torch_dtype(whole), device=device).zero_()
            call = f"torch.complex(column, row, out={whole} of strides {strides})"
            require(torch.complex(x, y, out=out) is out, f"{call} returns another tensor")
            assert_values(call, out, expected, dtype=whole)
    f32, f64 = torch.ones(2, device=device), torch.ones(2, dtype=torch.float64, device=device)
    for call, action, kind in (
        ("unequal dtypes", lambda: torch.complex(f32, f64), RuntimeError),
        ("integers", lambda: torch.complex(f32.long(), f32.long()), RuntimeError),
        ("sizes 2 and 3", lambda: torch.complex(f32, torch.ones(3, device=device)), RuntimeError),
        ("a number", lambda: torch.complex(f32, 1.0), TypeError),
        ("out of float32", lambda: torch.complex(f32, f32, out=torch.zeros(2, device=device)), RuntimeError),
    ):
        assert_raises(f"torch.complex of {call}", kind, action)


@check("creation.polar")
@pytest.mark.parametrize(("part", "whole"), PAIRS)
def test_polar_turns_lengths_by_angles(subject: Subject, part: str, whole: str) -> None:
    lengths = np.array([0.0, 1.0, 2.0, 0.5, 100.0, 1.0, -1.0, 3.0]).astype(part)
    angles = np.array([0.0, math.pi / 2, -math.pi / 3, math.pi, 0.1, -7.5, 1.0, 40.0]).astype(part)
    for shape in ((8,), (40,), (4, 5), (4, 4), (), (0,)):
        r, phi = cycle(lengths, shape), cycle(np.roll(angles, 1), shape)
        for a, b in zip(layouts(r, part, LAYOUTS), layouts(phi, part, LAYOUTS), strict=True):
            wide, turn = a.array.astype(np.longdouble), b.array.astype(np.longdouble)
            expected = wide * np.cos(turn) + 1j * (wide * np.sin(turn))
            call = f"torch.polar({part} of {shape}, strides {a.strides})"
            out = torch.polar(a.on(subject), b.on(subject))
            assert_values(call, out, expected, SUMMED.over(8), np.abs(wide), dtype=whole)
    column = torch.ones(2, 1, dtype=host.torch_dtype(part), device=subject.device)
    zero = torch.zeros(3, dtype=host.torch_dtype(part), device=subject.device)
    assert_values("torch.polar(column, row)", torch.polar(column, zero), np.ones((2, 3)), dtype=whole)
    assert_raises("torch.polar of unequal dtypes", RuntimeError, lambda: torch.polar(column, zero.to(torch.float16)))
    assert_raises("torch.polar of integers", RuntimeError, lambda: torch.polar(column.long(), zero.long()))


TRIANGLES = [
    (row, col, offset)
    for row, col in ((3, 3), (4, 3), (3, 4), (1, 5), (5, 1), (0, 3), (3, 0), (6, 6), (17, 5))
    for offset in (-7, -2, -1, 0, 1, 2, 6)
]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=check(f"creation.{name.replace('_', '-')}"))
        for name in ("tril_indices", "triu_indices")
    ],
)
def test_triangles_are_listed_row_by_row(subject: Subject, name: str) -> None:
    make = getattr(torch, name)
    for row, col, offset in TRIANGLES:
        expected = oracle.triangle(row, col, offset, lower=name == "tril_indices")
        call = f"torch.{name}({row}, {col}, {offset})"
        assert_values(call, make(row, col, offset, device=subject.device), expected, dtype="int64")
        named = make(row=row, col=col, offset=offset, dtype=torch.int32, device=subject.device)
        assert_values(f"{call} by name, int32", named, expected, dtype="int32")
        if offset == 0:
            assert_values(f"torch.{name}({row}, {col})", make(row, col, device=subject.device), expected, dtype="int64")
    large = make(190, 180, 3, device=subject.device)
    assert_values(
        f"torch.{name}(190, 180, 3)", large, oracle.triangle(190, 180, 3, lower=name == "tril_indices"), dtype="int64"
    )
    x = torch.arange(12, device=subject.device).reshape(4, 3)
    places = make(4, 3, device=subject.device)
    wanted = np.arange(12).reshape(4, 3)[tuple(oracle.triangle(4, 3, 0, lower=name == "tril_indices"))]
    assert_values(f"x[tuple(torch.{name}(4, 3))]", x[places[0], places[1]], wanted, dtype="int64")
    for row, col in ((-1, 3), (3, -1)):
        assert_raises(
            f"torch.{name}({row}, {col})", RuntimeError, lambda row=row, col=col: make(row, col, device=subject.device)
        )


@check("creation.vander")
@pytest.mark.parametrize("dtype", ["int64", "float32", "float64", "complex64", "int8"])
def test_vandermonde_matrices_hold_powers(subject: Subject, dtype: str) -> None:
    values = np.array([1, 2, 3, -2, 0, -1, 2]).astype(dtype)
    for layout, size, n in itertools.product(("contiguous", "stepped", "offset"), (0, 1, 3, 7), (None, 0, 1, 2, 3, 5)):
        recipe = LAYOUTS[layout](values[:size] * (1 + 1j if dtype == "complex64" else 1), dtype)
        for increasing in (False, True):
            arguments = {} if n is None else {"N": n}
            out = torch.vander(recipe.on(subject), increasing=increasing, **arguments)
            expected = oracle.vandermonde(recipe.array, n, increasing=increasing)
            call = f"torch.vander({size} of {dtype}, {layout}, N={n}, increasing={increasing})"
            assert_values(call, out, expected, dtype="int64" if dtype == "int8" else dtype)
    long = torch.vander(torch.arange(33, device=subject.device), N=5)
    assert_values(
        "torch.vander(torch.arange(33), N=5)",
        long,
        oracle.vandermonde(np.arange(33), 5, increasing=False),
        dtype="int64",
    )
    default = torch.vander(torch.tensor([1.0, 2.0, 3.0], device=subject.device))
    assert_values("torch.vander([1., 2., 3.])", default, [[1, 1, 1], [4, 2, 1], [9, 3, 1]], dtype="float32")
    assert_raises("torch.vander(x, N=-1)", RuntimeError, lambda: torch.vander(torch.ones(3), N=-1))
    assert_raises("torch.vander of a matrix", RuntimeError, lambda: torch.vander(torch.ones(2, 2)))

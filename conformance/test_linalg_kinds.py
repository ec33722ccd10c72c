"""Products of kinds and sizes that seldom come up: narrow integers, mixed dtypes, truth values, nothing to sum."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance.assertions import assert_values
from conformance.check import check, must_answer
from conformance.every_form import find
from conformance.oracle import linalg as oracle
from conformance.oracle.math_promotion import promoted
from conformance.subject import Subject
from conformance.tables.linalg_matrices import near
from conformance.tables.linalg_products import drawn
from properties.strategies.recipe import contiguous, stepped, transposed

pytestmark = must_answer

LAID = (contiguous, transposed, stepped)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint8"])
@check("linalg.matmul")
def test_products_of_narrow_integers_wrap(subject: Subject, dtype: str) -> None:
    facts = np.iinfo(dtype)
    generator = np.random.default_rng(7)
    for m, k, n in ((3, 4, 5), (17, 33, 19), (40, 33, 2)):
        a, b = (generator.integers(facts.min, facts.max, shape).astype(dtype) for shape in ((m, k), (k, n)))
        wanted = (a.astype(object) @ b.astype(object)) % 2**facts.bits
        wanted = np.where(wanted > facts.max, wanted - 2**facts.bits, wanted).astype(np.int64)
        for turn, layout in enumerate(LAID):
            x, y = layout(a, dtype).on(subject), LAID[turn - 1](b, dtype).on(subject)
            for text, out, law in (
                ("torch.mm", torch.mm(x, y), wanted),
                ("x.mm", x.mm(y), wanted),
                ("torch.matmul", torch.matmul(x, y), wanted),
                ("x @ y", x @ y, wanted),
                ("y.__rmatmul__(x)", y.__rmatmul__(x), wanted),
                ("torch.mv", torch.mv(x, y[:, 0]), wanted[:, 0]),
                ("x.mv", x.mv(y[:, 1]), wanted[:, 1]),
                ("torch.dot", torch.dot(x[0], y[:, 0]), wanted[0, 0]),
                ("torch.bmm", torch.bmm(x[None], y[None])[0], wanted),
            ):
                assert_values(f"{text} of {dtype} {(m, k, n)}", out, law, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@check("linalg.matmul")
def test_vectors_times_matrices_of_many_elements(subject: Subject, dtype: str) -> None:
    for m in (5, 40, 130):
        a, v = drawn(1, dtype, (m, m)), drawn(2, dtype, (m,))
        for layout in LAID:
            x, y = layout(a, dtype).on(subject), layout(v, dtype).on(subject)
            left, right = oracle.matmul(v, a), oracle.matmul(a, v)
            for text, out, wanted in (
                ("x.mv(y)", x.mv(y), right),
                ("torch.mv(x, y)", torch.mv(x, y), right),
                ("x @ y", x @ y, right),
                ("y @ x", y @ x, left),
                ("y.matmul(x)", y.matmul(x), left),
                ("x.__rmatmul__(y)", x.__rmatmul__(y), left),
                ("torch.vdot(y, y)", torch.vdot(y, y), (np.abs(oracle.wide(v)) ** 2).sum()),
                ("y.vdot(y.flip(0))", y.vdot(y.flip(0)), (oracle.wide(v).conj() * oracle.wide(v)[::-1]).sum()),
                ("linalg.vecdot(x, y)", torch.linalg.vecdot(x, y), oracle.matmul(a.conj(), v)),
            ):
                near(f"{text} of {dtype} and {m}", out, wanted, dtype, 16 * m)


MIXED = (("float32", "float64"), ("int64", "float32"), ("uint8", "int16"), ("complex64", "float64"), ("bool", "int32"))


@pytest.mark.parametrize("name", ["kron", "outer"])
@check("linalg.kron")
def test_products_of_all_pairs_are_promoted(subject: Subject, name: str) -> None:
    law = np.kron if name == "kron" else np.outer
    for one, other in MIXED:
        for first, second in ((one, other), (other, one)):
            a, b = np.array([1, 0, 1, 1]), np.array([0, 1, 1])
            x, y = stepped(a, first).on(subject), contiguous(b, second).on(subject)
            kind = promoted([(first, "tensor"), (second, "tensor")])
            for text, out in ((f"torch.{name}", find(name)(x, y)), (f"x.{name}", getattr(x, name)(y))):
                assert_values(f"{text} of {first} and {second}", out, law(a, b), dtype=kind)


@check("linalg.addr")
def test_outer_products_of_truth_values_are_added(subject: Subject) -> None:
    a, b, c = np.array([1, 0, 1]) > 0, np.array([0, 1]) > 0, np.array([[1, 0], [0, 0], [0, 0]]) > 0
    x, y, z = (stepped(v, "bool").on(subject) for v in (c, a, b))
    for text, out in (("torch.addr", torch.addr(x, y, z)), ("x.addr", x.addr(y, z)), ("addr_", x.clone().addr_(y, z))):
        assert_values(f"{text} of bool", out, c | np.outer(a, b), dtype="bool")


# name: shapes of an input and two factors that leave nothing to sum up.
NOTHING = {
    "addmm": (((3, 2), (3, 0), (0, 2)),),
    "addmv": (((3,), (3, 0), (0,)),),
    "baddbmm": (((2, 3, 2), (2, 3, 0), (2, 0, 2)),),
    "addbmm": (((3, 2), (2, 3, 0), (2, 0, 2)), ((3, 2), (0, 3, 4), (0, 4, 2))),
}


@pytest.mark.parametrize("name", NOTHING)
@check("linalg.added-factors")
def test_what_sums_up_nothing_is_the_scaled_input(subject: Subject, name: str) -> None:
    for shape, left, right in NOTHING[name]:
        for dtype in ("float32", "float64", "int64", "complex64"):
            values = drawn(1, dtype, shape)
            a, b = (contiguous(np.zeros(s), dtype).on(subject) for s in (left, right))
            for beta in (1, 3, -2, 0):
                for layout in LAID:
                    x = layout(values, dtype).on(subject)
                    wanted = beta * values
                    for text, out in (
                        ("torch.", find(name)(x, a, b, beta=beta, alpha=5)),
                        ("x.", getattr(x, name)(a, b, beta=beta)),
                        ("in place, x.", getattr(x.clone(), f"{name}_")(a, b, beta=beta)),
                    ):
                        assert_values(f"{text}{name}(beta={beta}) of {dtype} {left}", out, wanted, dtype=dtype)


@check("linalg.addmm")
def test_a_vector_is_added_to_every_row(subject: Subject) -> None:
    for name, batch in (("addmm", ()), ("baddbmm", (3,)), ("addr", ())):
        shape = (*batch, 3, 3)
        a, b = (drawn(n, "float64", shape[-1:] if name == "addr" else shape) for n in (1, 2))
        made = oracle.outer(a, b) if name == "addr" else oracle.matmul(a, b)
        for given in ((3,), (1, 3), (3, 1), ()):
            c = drawn(3, "float64", given)
            x, y, z = (layout(v, "float64").on(subject) for layout, v in zip(LAID, (c, a, b), strict=True))
            for text, out in ((f"torch.{name}", find(name)(x, y, z)), (f"x.{name}", getattr(x, name)(y, z))):
                near(f"{text} of {given} and square factors", out, c + made, "float64")

"""Matrix products in every form, rank, layout and dtype, against sums in higher precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.every_form import Invocation, Wanted, answer
from conformance.numerics import EXACT, INNER
from conformance.oracle import linalg as oracle
from properties.strategies.recipe import LAYOUTS, contiguous, layouts
from properties.strategies.values import rounded

pytestmark = must_answer

DTYPES_OF_PRODUCTS = ("float32", "float64", "complex64", "complex128", "bfloat16", "float16", "int64", "int32", "uint8")
FORMS = ("function", "method", "keywords", "out", "out_stepped", "out_empty")
# float16 products are not implemented on the CPU before 2.1.
SINCE = {"float16": "2.3"}
LAYOUT_NAMES = ("contiguous", "transposed", "stepped", "offset", "row_stepped", "expanded")
# (m, k, n): empty, single, around a vector register, and beyond a block of a kernel.
SIZES = ((3, 4, 5), (1, 1, 1), (0, 3, 2), (3, 0, 2), (2, 3, 0), (1, 7, 1), (17, 33, 19), (5, 65, 16), (64, 70, 33))


def drawn(seed, dtype, shape):
    """Values whose products tell places apart and stay well inside the range."""
    generator = np.random.default_rng(seed)
    kind = DTYPES[dtype].kind
    if kind in ("int", "uint"):
        return generator.integers(0 if kind == "uint" else -50, 50, shape).astype(DTYPES[dtype].host)
    values = generator.uniform(-2, 2, shape)
    return rounded(values + 1j * generator.uniform(-2, 2, shape) if kind == "complex" else values, dtype)


def product(values, scale, dtype, k, extra=2):
    """A wanted product of inner length k: exact for integers (modulo their range)."""
    if not DTYPES[dtype].is_inexact:
        return Wanted(values.astype(DTYPES[dtype].host), dtype, EXACT)
    # Complex products have four real ones; the oracle's own roundings count as much as a double's.
    terms = 2 * (k + extra) * (4 if DTYPES[dtype].is_complex else 1)
    return Wanted(values, dtype, INNER.over(terms), scale, signed_zeros=False)


def pairs(dtype, left, right, seed=1):
    """Recipes of two operands: every layout on each side at least once."""
    a, b = drawn(seed, dtype, left), drawn(seed + 1, dtype, right)
    for turn, name in enumerate(LAYOUT_NAMES):
        yield LAYOUTS[name](a, dtype), LAYOUTS[LAYOUT_NAMES[(turn * 2 + 1) % len(LAYOUT_NAMES)]](b, dtype)
    yield contiguous(a, dtype), LAYOUTS["transposed"](b, dtype)
    yield LAYOUTS["transposed"](a, dtype), contiguous(b, dtype)


def rows(claim, *names):
    """One row a function and dtype."""
    return [
        pytest.param(name, dtype, marks=check(claim or f"linalg.{name}", since=SINCE.get(dtype)), id=f"{name}, {dtype}")
        for name in names
        for dtype in DTYPES_OF_PRODUCTS
    ]


KEYWORDS = {
    "mm": ("input", "mat2"),
    "bmm": ("input", "mat2"),
    "mv": ("input", "vec"),
    "dot": ("input", "tensor"),
    "matmul": ("input", "other"),
    "outer": ("input", "vec2"),
    "inner": ("input", "other"),
    "kron": ("input", "other"),
    "vdot": ("input", "other"),
}


def shapes_of(name, m, k, n):
    if name == "mm":
        return (m, k), (k, n)
    if name == "mv":
        return (m, k), (k,)
    return ((2, m, k), (2, k, n)) if name == "bmm" else ((k,), (k,))


@pytest.mark.parametrize("name, dtype", rows(None, "mm", "mv", "bmm", "dot"))
def test_a_product_is_its_sums(subject, name, dtype):
    for turn, (m, k, n) in enumerate(SIZES):
        left, right = shapes_of(name, m, k, n)
        for a, b in pairs(dtype, left, right, seed=turn * 10):
            wanted = product(oracle.matmul(a.array, b.array), oracle.scale(a.array, b.array), dtype, k)
            forms = FORMS if (m, k, n) in ((3, 4, 5), (3, 0, 2)) else ("function",)
            answer(subject, Invocation(name, (a, b), (wanted,), keywords=KEYWORDS[name]), forms)


RANKS = (
    ((4,), (4,)), ((4,), (4, 3)), ((3, 4), (4,)), ((3, 4), (4, 5)), ((2, 3, 4), (4,)), ((4,), (2, 4, 3)), ((2, 3, 4), (4, 5)),
    ((3, 4), (2, 4, 5)), ((2, 3, 4), (2, 4, 5)), ((1, 3, 4), (6, 4, 5)), ((2, 1, 3, 4), (5, 4, 2)), ((2, 5, 3, 4), (2, 5, 4, 2)),
    ((2, 1, 3, 4), (1, 5, 4, 2)), ((0, 3, 4), (4, 5)), ((2, 3, 0), (0, 5)), ((17, 33), (33,)), ((3, 17, 18), (18, 19)), ((2, 3, 1, 40), (40, 1)),
    ((5, 2, 2), (5, 2, 1)), ((3, 1, 1), (3, 1, 1)),
)  # fmt: skip


MATMUL_FORMS = ("function", "method", "keywords", "out_empty")


@pytest.mark.parametrize("name, dtype", rows("linalg.matmul-out", "matmul"))
def test_matmul_into_a_tensor_of_any_layout(subject, name, dtype):
    for left, right in RANKS[:13]:
        for a, b in list(pairs(dtype, left, right))[:3]:
            wanted = product(oracle.matmul(a.array, b.array), oracle.scale(a.array, b.array), dtype, a.shape[-1])
            answer(subject, Invocation("matmul", (a, b), (wanted,)), ("out", "out_stepped"))


@pytest.mark.parametrize("name, dtype", rows(None, "matmul"))
def test_matmul_of_every_rank(subject, name, dtype):
    for turn, (left, right) in enumerate(RANKS):
        for a, b in pairs(dtype, left, right, seed=turn * 10):
            wanted = product(oracle.matmul(a.array, b.array), oracle.scale(a.array, b.array), dtype, a.shape[-1])
            forms = MATMUL_FORMS if turn < 13 and a.is_contiguous else ("function",)
            answer(subject, Invocation("matmul", (a, b), (wanted,), keywords=KEYWORDS["matmul"]), forms)
            x, y = a.on(subject), b.on(subject)
            assert_values(
                f"<{dtype} {left}> @ <{right}>", x @ y, wanted.values, wanted.error, wanted.scale, dtype=dtype
            )


@pytest.mark.parametrize("name, dtype", rows("linalg.outer", "outer"))
def test_outer_products(subject, name, dtype):
    for m, n in ((3, 4), (1, 1), (0, 3), (17, 33)):
        for a, b in pairs(dtype, (m,), (n,)):
            wanted = product(oracle.outer(a.array, b.array), np.abs(oracle.outer(a.array, b.array)), dtype, 1)
            answer(subject, Invocation("outer", (a, b), (wanted,), keywords=KEYWORDS["outer"]), FORMS)
            answer(subject, Invocation("ger", (a, b), (wanted,)), ("function", "method"))


# Contractions of integers other than int64 are not implemented before 2.1.
INNER_ROWS = [
    pytest.param(dtype, marks=check("linalg.inner", since="2.3" if dtype in ("float16", "int32", "uint8") else None))
    for dtype in DTYPES_OF_PRODUCTS
]


@pytest.mark.parametrize("dtype", INNER_ROWS)
def test_inner_contracts_the_last_dimensions(subject, dtype):
    for left, right in (((3, 4), (5, 4)), ((2, 1), (3, 1)), ((2, 5), (1, 5))):
        for a, b in pairs(dtype, left, right):
            wanted = product(oracle.matmul(a.array, b.array.T), oracle.scale(a.array, b.array.T), dtype, left[-1])
            answer(
                subject,
                Invocation("inner", (a, b), (wanted,), keywords=KEYWORDS["inner"]),
                ("function", "method", "keywords"),
            )


def kronecker(subject, a, b, dtype):
    values = oracle.kron(a.array, b.array)
    call = Invocation("kron", (a, b), (product(values, np.abs(values), dtype, 1),), keywords=KEYWORDS["kron"])
    answer(subject, call, ("function", "method", "keywords"))


@pytest.mark.parametrize("name, dtype", rows("linalg.kron", "kron"))
def test_kronecker_products(subject, name, dtype):
    for left, right in (((3, 4), (5, 4)), ((2, 1), (3, 1)), ((2, 5), (1, 5))):
        a, b = drawn(1, dtype, left), drawn(2, dtype, right)
        for layout in ("contiguous", "offset"):
            kronecker(subject, LAYOUTS[layout](a, dtype), LAYOUTS[layout](b, dtype), dtype)


@check("linalg.kron-layouts")
def test_kronecker_products_of_other_layouts(subject):
    a, b = drawn(1, "float32", (3, 4)), drawn(2, "float32", (5, 4))
    kronecker(subject, LAYOUTS["transposed"](a, "float32"), contiguous(b, "float32"), "float32")
    kronecker(subject, contiguous(a, "float32"), LAYOUTS["transposed"](b, "float32"), "float32")


@check("linalg.dot")
@pytest.mark.parametrize("dtype", ["complex64", "complex128", "float32"])
def test_vdot_conjugates_the_first(subject, dtype):
    for n in (1, 4, 33):
        for a, b in pairs(dtype, (n,), (n,)):
            wanted = product(oracle.matmul(np.conj(a.array), b.array), oracle.scale(a.array, b.array), dtype, n)
            answer(
                subject,
                Invocation("vdot", (a, b), (wanted,), keywords=KEYWORDS["vdot"]),
                ("function", "method", "keywords"),
            )


@pytest.mark.parametrize("dtype", [pytest.param(d, marks=check("linalg.matmul")) for d in ("complex64", "complex128")])
def test_products_of_conjugate_views(subject, dtype):
    """A lazily conjugated or transposed operand counts as what it stands for."""
    a, b = drawn(1, dtype, (17, 5)), drawn(2, dtype, (5, 19))
    x, y = contiguous(a, dtype).on(subject), contiguous(b, dtype).on(subject)
    plain = {
        "x.conj() @ y": (x.conj(), y, a.conj(), b),
        "x @ y.conj()": (x, y.conj(), a, b.conj()),
        "y.mH @ x.mH": (y.mH, x.mH, b.conj().T, a.conj().T),
        "y.mT @ x.mH": (y.mT, x.mH, b.T, a.conj().T),
        "x.conj() @ y.conj()": (x.conj(), y.conj(), a.conj(), b.conj()),
    }
    for call, (left, right, m, n) in plain.items():
        wanted = product(oracle.matmul(m, n), oracle.scale(m, n), dtype, m.shape[1])
        for text, out in ((call, left @ right), (f"mm of {call}", torch.mm(left, right))):
            assert_values(text, out, wanted.values, wanted.error, wanted.scale, dtype=dtype)


# name: (shape of input, shapes of factors, how many are summed)
ADDED = {
    "addmm": ((3, 5), ((3, 4), (4, 5))),
    "addmv": ((3,), ((3, 4), (4,))),
    "addr": ((3, 5), ((3,), (5,))),
    "addbmm": ((3, 5), ((2, 3, 4), (2, 4, 5))),
    "baddbmm": ((2, 3, 5), ((2, 3, 4), (2, 4, 5))),
}
ADDED_KEYWORDS = {
    "addmm": ("input", "mat1", "mat2"),
    "addmv": ("input", "mat", "vec"),
    "addr": ("input", "vec1", "vec2"),
    "addbmm": ("input", "batch1", "batch2"),
    "baddbmm": ("input", "batch1", "batch2"),
}
ADDED_ROWS = [
    pytest.param(
        name,
        dtype,
        marks=check("linalg.badbmm-name" if name == "baddbmm" else f"linalg.{name}", since=SINCE.get(dtype)),
        id=f"{name}, {dtype}",
    )
    for name in ADDED
    for dtype in ("float32", "float64", "complex64", "complex128", "int64", "bfloat16", "float16")
]


def plain_product(name, a, b):
    """The product that is added: (values, magnitudes, inner length)."""
    if name == "addr":
        return oracle.outer(a, b), np.abs(oracle.outer(a, b)), 1
    values, size = oracle.matmul(a, b), oracle.scale(a, b)
    return (values.sum(0), size.sum(0), a.shape[0] * a.shape[-1]) if name == "addbmm" else (values, size, a.shape[-1])


@pytest.mark.parametrize("name, dtype", ADDED_ROWS)
def test_a_product_is_added(subject, name, dtype):
    shape, (left, right) = ADDED[name]
    whole = not DTYPES[dtype].is_inexact
    for turn, (a, b) in enumerate(pairs(dtype, left, right)):
        for beta, alpha in ((1, 1), (2, 3), (1, 0), (-1, 2)) if whole else ((1, 1), (0.5, 3), (1, 0), (-1, 0.25)):
            sum_of, size, k = plain_product(name, a.array, b.array)
            for given in (shape, shape[1:], tuple(1 for _ in shape)) if turn < 2 else (shape,):
                m = LAYOUTS[LAYOUT_NAMES[turn % 5]](drawn(9, dtype, given), dtype)
                values = beta * oracle.wide(m.array) + alpha * sum_of
                wanted = product(
                    values, abs(beta) * np.abs(m.array.astype(complex)).real + abs(alpha) * size, dtype, k, extra=6
                )
                forms = ["function", "method"] + (["keywords", "out", "out_stepped"] if turn == 0 else [])
                forms += ["inplace"] if given == shape else []
                options = {key: value for key, value in (("beta", beta), ("alpha", alpha)) if value != 1}
                answer(subject, Invocation(name, (m, a, b), (wanted,), options, ADDED_KEYWORDS[name]), forms)


# baddbmm reads memory that it did not write where beta is 0, before 2.1.
ZERO_ROWS = [pytest.param(name, marks=check(f"linalg.{name}")) for name in ADDED if name != "baddbmm"]
ZERO_ROWS.append(pytest.param("baddbmm", marks=check("linalg.badbmm-name", since="2.3")))


@pytest.mark.parametrize("name", ZERO_ROWS)
def test_beta_zero_ignores_the_input(subject, name):
    """NaN and infinities in an input that counts nothing do not show."""
    shape, (left, right) = ADDED[name]
    for dtype in ("float32", "float64"):
        a, b = drawn(1, dtype, left), drawn(2, dtype, right)
        sum_of, size, k = plain_product(name, a, b)
        wanted = product(sum_of, size, dtype, k, extra=4)
        for bad in (np.nan, np.inf, 3.0):
            m = contiguous(np.full(shape, bad), dtype)
            answer(
                subject,
                Invocation(name, (m, contiguous(a, dtype), contiguous(b, dtype)), (wanted,), {"beta": 0}),
                ("function", "method", "inplace", "out"),
            )


@check("linalg.badbmm-name")
def test_there_is_no_badbmm(subject):
    require(not hasattr(torch, "badbmm") and not hasattr(torch.Tensor, "badbmm"), "there is a badbmm")


@check("linalg.matmul")
def test_products_of_larger_matrices(subject):
    """Beyond the blocks and the parallel grain of a kernel, and again with other data of the same size."""
    for dtype in ("float32", "float64", "bfloat16", "int64"):
        for seed in (1, 2):
            a, b = drawn(seed, dtype, (150, 257)), drawn(seed + 5, dtype, (257, 131))
            if dtype == "int64":
                values = a.astype(np.int64) @ b.astype(np.int64)
            else:
                values = a.astype(np.float64) @ b.astype(np.float64)
            size = np.abs(a.astype(np.float64)) @ np.abs(b.astype(np.float64))
            wanted = product(values, size, dtype, 257)
            for left, right in (
                (contiguous(a, dtype), contiguous(b, dtype)),
                (LAYOUTS["transposed"](a, dtype), LAYOUTS["row_stepped"](b, dtype)),
            ):
                answer(subject, Invocation("mm", (left, right), (wanted,)), ("function",))
                answer(subject, Invocation("matmul", (left, right), (wanted,)), ("function",))


@check("linalg.matmul")
def test_non_finite_values_go_through_products(subject):
    for dtype in ("float32", "float64"):
        a = np.array([[1.0, np.inf, 0.0], [np.nan, 1.0, 2.0], [-np.inf, np.inf, 1.0], [1.0, 2.0, 3.0]])
        b = np.array([[1.0, 2.0], [1.0, 0.0], [1.0, -1.0]])
        with np.errstate(invalid="ignore"):
            values = np.array([[sum(a[i, k] * b[k, j] for k in range(3)) for j in range(2)] for i in range(4)])
        x, y = contiguous(a, dtype).on(subject), contiguous(b, dtype).on(subject)
        for call, out in (
            ("mm", torch.mm(x, y)),
            ("matmul", torch.matmul(x, y)),
            ("bmm", torch.bmm(x[None], y[None])[0]),
        ):
            assert_values(f"{call} with NaN and infinities", out, values)


BAD = {
    "linalg.mm": ("mm", ((2, 3), (4, 5)), ((2, 3, 4), (4, 5)), ((3,), (3, 2)), ((1, 2, 3), (1, 3, 2))),
    "linalg.bmm": ("bmm", ((2, 3, 4), (3, 4, 5)), ((1, 3, 4), (2, 4, 5)), ((3, 4), (4, 5)), ((2, 3, 4), (2, 5, 4))),
    "linalg.dot": ("dot", ((3,), (4,)), ((2, 3), (2, 3)), ((1, 3), (3,)), ((1,), (3,))),
    "linalg.mv": ("mv", ((2, 3), (2,)), ((3,), (3,)), ((2, 3), (3, 1))),
    "linalg.matmul": ("matmul", ((2, 3), (4, 5)), ((), (3,)), ((3,), (4,)), ((2, 3, 4), (3, 4, 5))),
    "linalg.outer": ("outer", ((2, 3), (3,)), ((3,), (3, 2))),
    "linalg.cross": ("cross", ((2,), (2,)), ((4, 4), (4, 4))),
}


@pytest.mark.parametrize("claim", [pytest.param(claim, marks=check(claim)) for claim in BAD])
def test_shapes_that_do_not_fit_are_refused(subject, claim):
    name, *shapes = BAD[claim]
    for left, right in shapes:
        a, b = (contiguous(np.ones(shape), "float32").on(subject) for shape in (left, right))
        before = Unchanged(a=a, b=b)
        for form, call in (("torch", lambda: getattr(torch, name)(a, b)), ("Tensor", lambda: getattr(a, name)(b))):
            assert_raises(f"{form}.{name} of shapes {left} and {right}", (RuntimeError, IndexError), call)
        if name == "matmul":
            assert_raises(f"@ of shapes {left} and {right}", (RuntimeError, IndexError), lambda: a @ b)
        before.check(name)
    x, y = torch.ones(3, 3, device=subject.device), torch.ones(3, 3, dtype=torch.float64, device=subject.device)
    if name in ("mm", "matmul"):
        assert_raises(f"{name} of float32 and float64", RuntimeError, lambda: getattr(torch, name)(x, y))
        assert_raises(f"Tensor.{name} of float32 and float64", RuntimeError, lambda: getattr(x, name)(y))


@check("linalg.cross")
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128", "int64"])
def test_cross_products(subject, dtype):
    for left, right, dim in (
        ((3,), (3,), -1),
        ((4, 3), (4, 3), 1),
        ((3, 5), (3, 5), 0),
        ((2, 3, 4), (2, 3, 4), -2),
        ((1, 3), (17, 3), -1),
        ((3, 33), (3, 33), 0),
    ):
        for a, b in pairs(dtype, left, right):
            values = oracle.cross(a.array, b.array, dim)
            wanted = product(values, 8.0 if DTYPES[dtype].is_inexact else None, dtype, 3)
            if a.shape == b.shape:
                answer(
                    subject,
                    Invocation("cross", (a, b), (wanted,), {"dim": dim}, ("input", "other")),
                    ("function", "method", "keywords", "out", "out_stepped"),
                )
            answer(subject, Invocation("linalg.cross", (a, b), (wanted,), {"dim": dim}), ("function", "out"))
    i, j, k = np.eye(3)
    for a, b, c in ((i, j, k), (j, k, i), (k, i, j), (j, i, -k)):
        x, y = contiguous(a, "float32").on(subject), contiguous(b, "float32").on(subject)
        assert_values("the cross product of unit vectors", torch.linalg.cross(x, y), c)


@check("linalg.einsum")
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
def test_einsum_is_its_sums(subject, dtype):
    cases = (
        "ij,jk->ik",
        "ij,jk->ki",
        "ij,ij->",
        "ij,ij->j",
        "i,j->ij",
        "ii->i",
        "ii->",
        "ij->ji",
        "bij,bjk->bik",
        "...ij,jk->...ik",
        "ijk,kl->ijl",
        "ij,jk,kl->il",
        "ij,jk",
        "ij->",
    )
    sizes = {"i": 3, "j": 4, "k": 5, "l": 2, "b": 2}
    for equation in cases:
        terms = equation.partition("->")[0].split(",")
        arrays = [
            drawn(turn, dtype, tuple(sizes[c] for c in term.replace("...", "b"))) for turn, term in enumerate(terms)
        ]
        if "ii" in equation:
            arrays = [drawn(3, dtype, (4, 4))]
        for layout in ("contiguous", "transposed", "stepped"):
            tensors = [LAYOUTS[layout](array, dtype).on(subject) for array in arrays]
            values = np.einsum(equation, *map(oracle.wide, arrays))
            size = np.einsum(equation, *(np.abs(array).astype(np.float64) for array in arrays))
            wanted = product(values, size, dtype, 80)
            assert_values(
                f"einsum({equation!r}) of {layout} operands",
                torch.einsum(equation, *tensors),
                wanted.values,
                wanted.error,
                wanted.scale,
                dtype=dtype,
            )


@check("linalg.tensordot")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_tensordot_contracts_dimensions(subject, dtype):
    a, b = drawn(1, dtype, (3, 4, 5)), drawn(2, dtype, (4, 3, 2))
    for ra, rb in zip(layouts(a, dtype), layouts(b, dtype), strict=True):
        x, y = ra.on(subject), rb.on(subject)
        for call, out, axes, left, right in (
            ("tensordot(dims=([1, 0], [0, 1]))", torch.tensordot(x, y, dims=([1, 0], [0, 1])), ([1, 0], [0, 1]), a, b),
            ("tensordot(dims=0)", torch.tensordot(x[0, 0], y[0, 0], dims=0), 0, a[0, 0], b[0, 0]),
            ("tensordot(dims=1)", torch.tensordot(x[0], x[0].mT.contiguous(), dims=1), 1, a[0], a[0].T),
        ):
            values = np.tensordot(oracle.wide(left), oracle.wide(right), axes)
            wanted = product(values, np.tensordot(np.abs(left), np.abs(right), axes), dtype, 20)
            assert_values(call, out, wanted.values, wanted.error, wanted.scale, dtype=dtype)

"""Solutions and factors where they seldom go: singular matrices, least squares, infos, right-hand sides, reflectors."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.oracle import linalg as oracle
from conformance.subject import Subject
from conformance.tables.linalg_factor_rows import eye, matrices, mul, size
from conformance.tables.linalg_matrices import KINDS, close, hermitian, part, value
from properties.strategies.recipe import contiguous, stepped, transposed
from properties.strategies.values import rounded

pytestmark = must_answer


SINGULAR = np.array([[[1.0, 2, 3], [0, 0, 0], [4, 5, 6]], [[2, 0, 0], [0, 3, 0], [0, 0, 0]], [[0, 0, 0]] * 3])


@check("linalg.det")
@pytest.mark.parametrize("dtype", KINDS)
def test_determinants_of_singular_matrices_are_zero(subject: Subject, dtype: str) -> None:
    for layout in (contiguous, transposed, stepped):
        x = layout(SINGULAR.astype(dtype), dtype).on(subject)
        for name, out in (("linalg.det", torch.linalg.det(x)), ("det", torch.det(x)), ("x.det", x.det())):
            close(f"{name} of singular matrices", value(name, out, dtype, (3,)), np.zeros(3), dtype, 1, 0)
        for name, (sign, log) in (("linalg", torch.linalg.slogdet(x)), ("torch", torch.slogdet(x))):
            close(f"the sign of {name}.slogdet", value(name, sign, dtype, (3,)), np.zeros(3), dtype, 1, 0)
            found = value(name, log, part(dtype), (3,))
            require((found == -np.inf).all(), f"logabsdet of {name}.slogdet of singular matrices", "-inf", found)
        if dtype in ("float32", "float64"):
            found = value("logdet", torch.logdet(x), dtype, (3,))
            require((found == -np.inf).all(), "logdet of singular matrices", "-inf", found)


# name: (the matrix that is refused, the info that says where)
REFUSED: dict[str, tuple[Any, int]] = {
    "inv_ex": (np.diag([1.0, 2, 0]), 3),
    "solve_ex": (np.diag([1.0, 0, 3]), 2),
    "cholesky_ex": (np.diag([1.0, -2, 3]), 2),
    "lu_factor_ex": (np.diag([0.0, 2, 3]), 1),
    "ldl_factor_ex": (np.diag([1.0, 0, 0]), 2),
}


@check("linalg.info")
@pytest.mark.parametrize("name", REFUSED)
def test_info_says_which_matrix_went_wrong_and_where(subject: Subject, name: str) -> None:
    bad, place = REFUSED[name]
    for dtype in KINDS:
        for layout in (contiguous, transposed):
            a = layout(np.stack([np.eye(3), bad, np.eye(3) * 2]).astype(dtype), dtype).on(subject)
            given = (a, a) if name == "solve_ex" else (a,)
            before = Unchanged(A=a)
            info = getattr(torch.linalg, name)(*given)[-1]
            found = value(f"the info of {name}", info, "int32", (3,))
            require((found == [0, place, 0]).all(), f"the info of {name}, {dtype}", [0, place, 0], found)
            assert_raises(
                f"linalg.{name}(check_errors=True) of {dtype}",
                RuntimeError,
                lambda: getattr(torch.linalg, name)(*given, check_errors=True),
            )
            good = getattr(torch.linalg, name)(*(x[:1] for x in given), check_errors=True)
            require(int(good[-1]) == 0, f"{name}(check_errors=True) of a unit matrix", 0, good[-1])
            before.check(f"linalg.{name}")


# (batch of A, shape of B, shape of the solution), A being 3 by 3: vectors, batches of vectors, and broadcast batches.
SIDES = (
    ((), (3,), (3,)),
    ((2,), (2, 3), (2, 3)),
    ((2, 4), (2, 4, 3), (2, 4, 3)),
    ((2,), (3, 2), (2, 3, 2)),
    ((), (4, 3, 1), (4, 3, 1)),
    ((2, 1), (4, 3, 2), (2, 4, 3, 2)),
    ((2,), (1, 3, 3), (2, 3, 3)),
)


@check("linalg.solve")
@pytest.mark.parametrize("dtype", KINDS)
def test_right_hand_sides_are_vectors_or_batches_that_broadcast(subject: Subject, dtype: str) -> None:
    for batch, right, whole in SIDES:
        a = matrices("square", dtype, batch, 3, 3)
        b = rounded(np.random.default_rng(len(right)).standard_normal(right), dtype)
        for layout in (contiguous, transposed, stepped):
            x, y = layout(a, dtype).on(subject), layout(b, dtype).on(subject)
            for name in ("solve", "solve_ex"):
                out = getattr(torch.linalg, name)(x, y)
                found = value(name, out[0] if name == "solve_ex" else out, dtype, whole)
                columns = found[..., None] if right == whole[: len(batch) + 1] else found
                wide = b[..., None] if columns.ndim > found.ndim else np.broadcast_to(b, whole)
                close(f"A X of {name} of {batch} and {right}", mul(a, columns), wide, dtype, 3, size(a, columns))
            if right[-2:-1] == (3,) and right != whole[: len(batch) + 1]:
                out = torch.linalg.solve_triangular(x, y, upper=True)
                found = value("solve_triangular", out, dtype, whole)
                made = mul(oracle.triangle(a, 0, upper=True) + 0 * a, found)
                if np.abs(np.diagonal(a, 0, -2, -1)).min() > 0.3:
                    text = f"solve_triangular of {batch} and {right}"
                    close(text, made, np.broadcast_to(b, whole), dtype, 3, size(a, found))


@check("linalg.solve")
@pytest.mark.parametrize("dtype", KINDS)
def test_triangular_systems_read_one_triangle(subject: Subject, dtype: str) -> None:
    """The other triangle, and a diagonal that stands for ones, may hold anything."""
    for upper in (False, True):
        a = matrices("upper" if upper else "lower", dtype, (2,), 3, 3)
        junk = oracle.triangle(np.full((2, 3, 3), 77.0), -1 if upper else 1, upper=not upper).astype(a.dtype)
        b = matrices("positive", dtype, (2,), 3, 3)
        for unit in (False, True):
            stored = a + junk
            m = a * (1 - np.eye(3)) + np.eye(3) if unit else a
            for left in (True, False):
                x, y = transposed(stored, dtype).on(subject), stepped(b, dtype).on(subject)
                options = {"upper": upper, "left": left, "unitriangular": unit}
                out = value("X", torch.linalg.solve_triangular(x, y, **options), dtype, (2, 3, 3))
                made = mul(m, out) if left else mul(out, m)
                close(f"solve_triangular({options})", made, b, dtype, 3, size(m, out))


@check("linalg.ldl")
@pytest.mark.parametrize("dtype", KINDS)
def test_ldl_factors_solve_symmetric_systems(subject: Subject, dtype: str) -> None:
    for whole in (False, True):
        for batch in ((), (2,)):
            a = matrices("square", dtype, batch, 4, 4)
            a = rounded((a + (hermitian(a) if whole else np.swapaxes(a, -1, -2))) / 2, dtype)
            b = matrices("right", dtype, batch, 4, 4)
            for layout in (contiguous, transposed, stepped):
                x, y = layout(a, dtype).on(subject), layout(b, dtype).on(subject)
                before = Unchanged(A=x, B=y)
                for name in ("ldl_factor", "ldl_factor_ex"):
                    parts = getattr(torch.linalg, name)(x, hermitian=whole)
                    require(parts.LD is parts[0] and parts.pivots is parts[1], f"the parts of {name} have other names")
                    out = torch.linalg.ldl_solve(parts[0], parts[1], y, hermitian=whole)
                    found = value("ldl_solve", out, dtype, (*batch, 4, 2))
                    close(f"A X of {name}(hermitian={whole})", mul(a, found), b, dtype, 40, size(a, found))
                before.check("ldl_factor")


@check("linalg.lu")
def test_lu_unpack_leaves_out_what_is_not_asked_for(subject: Subject) -> None:
    a = matrices("square", "float64", (2,), 3, 3)
    packed, pivots = torch.linalg.lu_factor(contiguous(a, "float64").on(subject))
    p, low, up = torch.lu_unpack(packed, pivots)
    require(p.shape == low.shape == up.shape == (2, 3, 3), "lu_unpack gives other shapes than (2, 3, 3)")
    q, *rest = torch.lu_unpack(packed, pivots, unpack_data=False)
    require(all(x.numel() == 0 for x in rest), "lu_unpack(unpack_data=False) gives L or U", 0)
    close(
        "P of lu_unpack(unpack_data=False)", value("P", q, "float64", (2, 3, 3)), p.numpy(force=True), "float64", 1, 0
    )
    q, *rest = torch.lu_unpack(packed, pivots, unpack_pivots=False)
    require(q.numel() == 0, "lu_unpack(unpack_pivots=False) gives P", 0)
    for x, y in zip(rest, (low, up), strict=True):
        close(
            "lu_unpack(unpack_pivots=False)", value("L", x, "float64", (2, 3, 3)), y.numpy(force=True), "float64", 1, 0
        )


@check("linalg.svd")
def test_svd_without_vectors_gives_zeros_for_them(subject: Subject) -> None:
    for layout in (contiguous, transposed):
        x = layout(matrices("rectangle", "float64", (2,), 4, 3), "float64")
        for name, out in (
            ("torch.svd", torch.svd(x.on(subject), compute_uv=False)),
            ("x.svd", x.on(subject).svd(compute_uv=False)),
        ):
            s = np.linalg.svd(x.array, compute_uv=False)
            close(
                f"S of {name}(compute_uv=False)", value("S", out[1], "float64", (2, 3)), s, "float64", 4, size(x.array)
            )
            for place, n in ((0, 4), (2, 3)):
                found = value(f"{name}(compute_uv=False)[{place}]", out[place], "float64", (2, n, n))
                require(not found.any(), f"{name}(compute_uv=False)[{place}] is not zero", 0, found)


@check("linalg.pinv")
def test_pinverse_leaves_singular_values_below_rcond_out(subject: Subject) -> None:
    u, v = (np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))[0] for seed in (1, 2))
    x = transposed(u @ np.diag([4.0, 2.0, 0.1]) @ v.T, "float64").on(subject)
    for rcond, kept in ((0.1, 2), (0.6, 1), (1e-3, 3)):
        wanted = v @ np.diag(np.where(np.arange(3) < kept, [0.25, 0.5, 10], 0)) @ u.T
        for name, out in (("torch", torch.pinverse(x, rcond)), ("x", x.pinverse(rcond=rcond))):
            close(f"{name}.pinverse({rcond})", value("P", out, "float64", (3, 3)), wanted, "float64", 100, 40)


@check("linalg.products-and-chains")
@pytest.mark.parametrize("dtype", KINDS)
def test_inverses_and_solutions_of_many_dimensions(subject: Subject, dtype: str) -> None:
    a = matrices("square", dtype, (), 6, 6)
    for layout in (contiguous, transposed, stepped):
        for ind, shape in ((1, (6, 2, 3)), (2, (2, 3, 6)), (2, (3, 2, 2, 3))):
            out = torch.linalg.tensorinv(layout(a.reshape(shape), dtype).on(subject), ind=ind)
            found = value("tensorinv", out, dtype, shape[ind:] + shape[:ind]).reshape(6, 6)
            close(f"A X of tensorinv(ind={ind})", mul(a, found), eye(a), dtype, 6, size(a, found))
        b = matrices("vector", dtype, (), 6, 6)
        # The dimensions of dims go to the end: here the first one.
        turned = np.moveaxis(a.reshape(2, 3, 6), -1, 0)
        x, y = layout(turned, dtype).on(subject), layout(b.reshape(2, 3), dtype).on(subject)
        found = value("tensorsolve", torch.linalg.tensorsolve(x, y, dims=(0,)), dtype, (6,))
        close("A X of tensorsolve(dims=(0,))", mul(a, found), b, dtype, 6, size(a) * np.abs(found).max())


@check("linalg.products-and-chains")
def test_exponentials_of_larger_matrices_and_norms(subject: Subject) -> None:
    for dtype in ("float64", "complex128"):
        for factor in (1.5, 4.0, 8.0):
            a = matrices("hermitian", dtype, (2,), 3, 3) * factor
            w, v = np.linalg.eigh(a)
            wanted = mul(v * np.exp(w)[..., None, :], hermitian(v))
            x = transposed(a, dtype).on(subject)
            for name, out in (
                ("linalg.matrix_exp", torch.linalg.matrix_exp(x)),
                ("torch.matrix_exp", torch.matrix_exp(x)),
                ("x.matrix_exp", x.matrix_exp()),
            ):
                found = value(name, out, dtype, (2, 3, 3))
                close(f"{name} of {factor} A", found, wanted, dtype, 300, np.abs(wanted).max())


@check("linalg.solve")
@pytest.mark.filterwarnings("ignore")
def test_the_older_triangular_solver(subject: Subject) -> None:
    a, b = matrices("square", "float64", (2,), 3, 3) + 6 * np.eye(3), matrices("right", "float64", (2,), 3, 3)
    x, y = transposed(a, "float64").on(subject), stepped(b, "float64").on(subject)
    for upper in (True, False):
        for turned in (False, True):
            for unit in (False, True):
                m = oracle.triangle(a, 0, upper=upper)
                m = m * (1 - np.eye(3)) + np.eye(3) if unit else m
                m = np.swapaxes(m, -1, -2) if turned else m
                for form, call in (("torch", lambda *o: torch.triangular_solve(y, x, *o)), ("y", y.triangular_solve)):
                    call_args = (upper, turned, unit)
                    args = call_args if form == "torch" else (x, *call_args)
                    found = value("triangular_solve", call(*args).solution, "float64", (2, 3, 2))
                    text = f"{form}.triangular_solve{call_args}"
                    close(text, mul(m, found), b, "float64", 3, size(m) * np.abs(found).max() * 2)


@check("linalg.products-and-chains")
@pytest.mark.filterwarnings("ignore")
def test_chains_by_the_older_name(subject: Subject) -> None:
    sides = (3, 7, 2, 5, 4)
    arrays = [matrices("rectangle", "float64", (), m, n) for m, n in pairwise(sides)]
    given = [layout(a, "float64").on(subject) for a, layout in zip(arrays, (transposed, stepped) * 2, strict=True)]
    for count in (2, 3, 4):
        wanted = mul(*arrays[:count])
        found = value("chain_matmul", torch.chain_matmul(*given[:count]), "float64", wanted.shape)
        close(f"chain_matmul of {count}", found, wanted, "float64", 20, size(*arrays[:count]))


@check("linalg.cross")
@pytest.mark.filterwarnings("ignore")
def test_cross_finds_the_first_dimension_of_three(subject: Subject) -> None:
    for shape, dim in (((3, 4, 3), 0), ((4, 3, 3), 1), ((2, 4, 3), 2)):
        generator = np.random.default_rng(1)
        a, b = generator.standard_normal(shape), generator.standard_normal(shape)
        x, y = transposed(a, "float64").on(subject), stepped(b, "float64").on(subject)
        for name, out in (("torch.cross", torch.cross(x, y)), ("x.cross", x.cross(y))):
            found = value(name, out, "float64", shape)
            close(f"{name} of {shape}", found, oracle.cross(a, b, dim), "float64", 3, 10)
        found = value("linalg.cross", torch.linalg.cross(x, y), "float64", shape)
        close(f"linalg.cross of {shape}", found, oracle.cross(a, b, -1), "float64", 3, 10)

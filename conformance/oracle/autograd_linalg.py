"""Differentiable products, decompositions and solutions: one row a function."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from conformance.oracle import autograd_arrays as arrays
from conformance.oracle.autograd import Derivative, apart
from conformance.oracle.autograd_arrays import swapped

Row = partial(Derivative, terms=512)
Solved = partial(Derivative, terms=2.0**13)
Rough = partial(Derivative, terms=2.0**20, rough=True)
A = apart(2.0, 3, 4)
B = apart(1.5, 4, 5, seed=1)
C = apart(1.0, 3, 5, seed=2)
U = apart(2.0, 18)
V = apart(1.5, 18, seed=1)
BATCH = apart(2.0, 2, 3, 4)
BATCHES = apart(1.5, 2, 4, 2, seed=1)
# Well conditioned: diagonally dominant, with distinct singular values and eigenvalues.
FIRM = apart(1.0, 3, 3) + np.diag([3.0, 5.0, 8.0])
FIRMS = np.stack([FIRM, FIRM[::-1, ::-1] + 1])
RIGHT = apart(2.0, 3, 2, seed=4)
TALL = apart(1.0, 4, 3, seed=5) + np.eye(4, 3) * np.array([2.0, 4.0, 6.0])


def einsum(text: str) -> Any:
    return lambda *arrays: np.einsum(text, *arrays)


def symmetric(x: np.ndarray) -> np.ndarray:
    return (x + swapped(x)) / 2


def positive(x: np.ndarray) -> np.ndarray:
    return x @ swapped(x) + arrays.eye(x)


def lower(x: np.ndarray) -> np.ndarray:
    return np.tril(x)


def product_forms(x: str, y: str) -> tuple[str, ...]:
    return (f"torch.matmul({x}, {y})", f"{x} @ {y}", f"{x}.matmul({y})", f"torch.linalg.matmul({x}, {y})")


PRODUCTS = [
    Row(
        "mm",
        (
            "torch.mm(x, y)",
            "x.mm(y)",
            *product_forms("x", "y"),
            "torch.einsum('ij,jk->ik', x, y)",
            "torch.tensordot(x, y, 1)",
            "torch.chain_matmul(x, y)",
            "torch.linalg.multi_dot((x, y))",
        ),
        lambda x, y: x @ y,
        (A, B),
    ),
    Row("mm_transposed", ("torch.mm(y.t(), x.t()).t()", "(y.T @ x.T).T"), lambda x, y: x @ y, (A, B)),
    Row("mv", ("torch.mv(x, y)", "x.mv(y)", *product_forms("x", "y")), lambda x, y: x @ y, (A, U[:4])),
    Row("vm", product_forms("x", "y"), lambda x, y: x @ y, (U[:4], B)),
    Row(
        "dot",
        ("torch.dot(x, y)", "x.dot(y)", "torch.vdot(x, y)", "torch.inner(x, y)", *product_forms("x", "y")),
        lambda x, y: (x * y).sum(),
        (U, V),
    ),
    Row("outer", ("torch.outer(x, y)", "torch.ger(x, y)", "x[:, None] * y"), np.outer, (U[:5], V[:4])),
    Row("inner", ("torch.inner(x, y)",), lambda x, y: x @ y.T, (A, apart(1.0, 2, 4))),
    Row(
        "bmm",
        ("torch.bmm(x, y)", "x.bmm(y)", *product_forms("x", "y"), "torch.einsum('bij,bjk->bik', x, y)"),
        lambda x, y: x @ y,
        (BATCH, BATCHES),
    ),
    Row("matmul_3_2", product_forms("x", "y"), lambda x, y: x @ y, (BATCH, B)),
    Row("matmul_2_3", product_forms("x", "y"), lambda x, y: x @ y, (A, BATCHES)),
    Row("matmul_3_1", product_forms("x", "y"), lambda x, y: x @ y, (BATCH, U[:4])),
    Row("matmul_1_3", product_forms("x", "y"), lambda x, y: x @ y, (U[:4], BATCHES)),
    Row("matmul_broadcast", product_forms("x", "y"), lambda x, y: x @ y, (BATCH[:, None], apart(1.0, 2, 4, 2, seed=6))),
    Row("matmul_one", product_forms("x", "y"), lambda x, y: x @ y, (A[:1], B[:, :1])),
    Row("linear", ("F.linear(x, y)",), lambda x, y: x @ y.T, (A, apart(1.0, 2, 4))),
    Row("linear_bias", ("F.linear(x, y, z)",), lambda x, y, z: x @ y.T + z, (A, apart(1.0, 2, 4), U[:2])),
    Row("linear_batch", ("F.linear(x, y, z)",), lambda x, y, z: x @ y.T + z, (BATCH, apart(1.0, 2, 4), U[:2])),
    Row(
        "bilinear",
        ("F.bilinear(x, y, z)",),
        einsum("bi,bj,oij->bo"),
        (A[:, :2], apart(1.0, 3, 3), apart(1.0, 2, 2, 3, seed=3)),
    ),
    Row(
        "addmm",
        (
            "torch.addmm(z, x, y, beta=0.5, alpha=2)",
            "z.addmm(x, y, beta=0.5, alpha=2)",
            "z.clone().addmm_(x, y, beta=0.5, alpha=2)",
        ),
        lambda x, y, z: z / 2 + 2 * (x @ y),
        (A, B, C),
    ),
    Row("addmm_row", ("torch.addmm(z, x, y)",), lambda x, y, z: z + x @ y, (A, B, C[0])),
    Row("addmv", ("torch.addmv(z, x, y, beta=0.5, alpha=2)",), lambda x, y, z: z / 2 + 2 * (x @ y), (A, U[:4], V[:3])),
    Row(
        "addr",
        ("torch.addr(z, x, y, beta=0.5, alpha=2)",),
        lambda x, y, z: z / 2 + 2 * np.outer(x, y),
        (U[:3], V[:5], C),
    ),
    Row(
        "baddbmm",
        ("torch.baddbmm(z, x, y, beta=0.5, alpha=2)",),
        lambda x, y, z: z / 2 + 2 * (x @ y),
        (BATCH, BATCHES, apart(1.0, 2, 3, 2)),
    ),
    Row(
        "addbmm",
        ("torch.addbmm(z, x, y, beta=0.5, alpha=2)",),
        lambda x, y, z: z / 2 + 2 * (x @ y).sum(0),
        (BATCH, BATCHES, apart(1.0, 3, 2)),
    ),
    Row("einsum_three", ("torch.einsum('i,ij,j->', x, y, z)",), einsum("i,ij,j->"), (U[:3], A, V[:4])),
    Row("einsum_ellipsis", ("torch.einsum('...ij,...jk->...ik', x, y)",), lambda x, y: x @ y, (BATCH, BATCHES)),
    Row("einsum_trace", ("torch.einsum('ij,ji->', x, y)",), einsum("ij,ji->"), (A, B[:, :3])),
    Row(
        "tensordot",
        ("torch.tensordot(x, y, ((1, 2), (2, 1)))",),
        lambda x, y: np.tensordot(x, y, ((1, 2), (2, 1))),
        (BATCH, apart(1.0, 2, 4, 3)),
    ),
    Row("kron", ("torch.kron(x, y)",), np.kron, (A[:2, :2], C[:2, :3])),
    Row(
        "cross",
        ("torch.linalg.cross(x, y)", "torch.cross(x, y, dim=-1)"),
        np.cross,
        (apart(1.0, 4, 3), apart(1.0, 4, 3, seed=1)),
    ),
    Row(
        "multi_dot",
        ("torch.linalg.multi_dot((x, y, z))", "torch.chain_matmul(x, y, z)"),
        lambda x, y, z: x @ y @ z,
        (A, B, apart(1.0, 5, 2)),
    ),
    Row("vander", ("torch.linalg.vander(x, N=4)",), lambda x: np.stack([x**0, x, x**2, x**3], -1), (U[:5],)),
    Row("matrix_power", ("torch.linalg.matrix_power(x, 3)", "torch.matrix_power(x, 3)"), lambda x: x @ x @ x, (FIRM,)),
]

SOLVED = [
    Solved(
        "inverse",
        ("torch.inverse(x)", "x.inverse()", "torch.linalg.inv(x)", "torch.linalg.inv_ex(x)[0]"),
        arrays.inverse,
        (FIRM,),
    ),
    Solved("inverse_batch", ("torch.linalg.inv(x)",), arrays.inverse, (FIRMS,)),
    Solved("inverse_power", ("torch.linalg.matrix_power(x, -1)",), arrays.inverse, (FIRM,)),
    Solved("pinv", ("torch.linalg.pinv(x)", "torch.pinverse(x)"), lambda x: arrays.inverse(x.T @ x) @ x.T, (TALL,)),
    Solved("det", ("torch.det(x)", "x.det()", "torch.linalg.det(x)"), arrays.determinant, (FIRM,)),
    Solved("det_batch", ("torch.linalg.det(x)",), arrays.determinant, (FIRMS,)),
    Solved("logdet", ("torch.logdet(x)",), lambda x: np.log(arrays.determinant(x)), (FIRM,)),
    Solved(
        "slogdet",
        ("torch.linalg.slogdet(x)[1]", "torch.slogdet(x)[1]"),
        lambda x: np.log(np.abs(arrays.determinant(x))),
        (FIRM[::-1] + 0,),
    ),
    Solved("solve", ("torch.linalg.solve(x, y)",), arrays.solve, (FIRM, RIGHT)),
    Solved("solve_vector", ("torch.linalg.solve(x, y)",), arrays.solve, (FIRM, U[:3])),
    Solved(
        "solve_left", ("torch.linalg.solve(x, y, left=False)",), lambda x, y: y @ arrays.inverse(x), (FIRM, RIGHT.T + 0)
    ),
    Solved(
        "solve_triangular",
        ("torch.linalg.solve_triangular(x, y, upper=False)",),
        lambda x, y: arrays.solve(lower(x), y),
        (FIRM, RIGHT),
    ),
    Solved(
        "triangular_solve",
        ("torch.triangular_solve(y, x, upper=False)[0]",),
        lambda x, y: arrays.solve(lower(x), y),
        (FIRM, RIGHT),
    ),
    Solved(
        "lstsq",
        ("torch.linalg.lstsq(x, y)[0]",),
        lambda x, y: arrays.solve(x.T @ x, x.T @ y),
        (TALL, apart(1.0, 4, 2)),
        since="2.6",
    ),
    Solved(
        "cholesky",
        (
            "torch.linalg.cholesky(x @ x.mT + torch.eye(3).type_as(x))",
            "torch.linalg.cholesky_ex(x @ x.mT + torch.eye(3).type_as(x))[0]",
        ),
        lambda x: arrays.cholesky(positive(x)),
        (FIRM / 4,),
    ),
    Solved(
        "cholesky_upper",
        ("torch.linalg.cholesky(x @ x.mT + torch.eye(3).type_as(x), upper=True)",),
        lambda x: arrays.cholesky(positive(x)).T,
        (FIRM / 4,),
    ),
    Solved(
        "cholesky_solve",
        ("torch.cholesky_solve(y, x.tril())",),
        lambda x, y: arrays.solve(lower(x) @ lower(x).T, y),
        (np.tril(FIRM), RIGHT),
    ),
    Solved(
        "cholesky_inverse",
        ("torch.cholesky_inverse(x.tril())",),
        lambda x: arrays.inverse(lower(x) @ lower(x).T),
        (np.tril(FIRM),),
    ),
    Solved(
        "qr",
        ("[q * r.diagonal().detach().sign() for q, r in [torch.linalg.qr(x)]][0]",),
        lambda x: arrays.orthogonal_triangular(x)[0],
        (TALL,),
    ),
    Solved(
        "qr_triangle",
        ("[r * r.diagonal().detach().sign()[:, None] for r in [torch.linalg.qr(x)[1]]][0]",),
        lambda x: arrays.orthogonal_triangular(x)[1],
        (TALL,),
    ),
    Solved(
        "matrix_exp",
        ("torch.linalg.matrix_exp(x)", "torch.matrix_exp(x)"),
        arrays.exponential,
        (FIRM / 4,),
        smooth=False,
    ),
    Solved(
        "tensorinv",
        ("torch.linalg.tensorinv(x.reshape(3, 3, 1), ind=1)",),
        lambda x: arrays.inverse(x)[:, None, :].transpose(0, 1, 2).reshape(3, 1, 3),
        (FIRM,),
    ),
]

DECOMPOSED = [
    Rough(
        "svdvals",
        (
            "torch.linalg.svdvals(x)",
            "torch.linalg.svd(x)[1]",
            "torch.svd(x)[1]",
            "torch.linalg.svd(x, full_matrices=False)[1]",
        ),
        lambda x: np.linalg.svd(np.float64(x), compute_uv=False),
        (TALL,),
    ),
    Rough(
        "svd_projector",
        ("[(u[:, :1] @ u[:, :1].mT) for u, s, v in [torch.linalg.svd(x, full_matrices=False)]][0]",),
        lambda x: (u := np.linalg.svd(np.float64(x), full_matrices=False)[0])[:, :1] @ u[:, :1].T,
        (TALL,),
    ),
    Rough(
        "svd_right_projector",
        ("[(v[:1].mT @ v[:1]) for u, s, v in [torch.linalg.svd(x, full_matrices=False)]][0]",),
        lambda x: (v := np.linalg.svd(np.float64(x), full_matrices=False)[2])[:1].T @ v[:1],
        (TALL,),
    ),
    Rough(
        "svd_rebuilt",
        ("[u @ torch.diag(s.exp() / 64) @ v for u, s, v in [torch.linalg.svd(x, full_matrices=False)]][0]",),
        lambda x: (p := np.linalg.svd(np.float64(x), full_matrices=False))[0] @ np.diag(np.exp(p[1]) / 64) @ p[2],
        (TALL,),
    ),
    Rough(
        "eigvalsh",
        ("torch.linalg.eigvalsh((x + x.mT) / 2)", "torch.linalg.eigh((x + x.mT) / 2)[0]"),
        lambda x: np.linalg.eigvalsh(np.float64(symmetric(x))),
        (FIRM,),
    ),
    Rough(
        "eigh_projector",
        ("[v[:, :1] @ v[:, :1].mT for w, v in [torch.linalg.eigh((x + x.mT) / 2)]][0]",),
        lambda x: (v := np.linalg.eigh(np.float64(symmetric(x)))[1])[:, :1] @ v[:, :1].T,
        (FIRM,),
    ),
    Rough(
        "eigvals",
        ("torch.linalg.eigvals(x).real.sort()[0]", "torch.linalg.eig(x)[0].real.sort()[0]"),
        lambda x: np.sort(np.linalg.eigvals(np.float64(x)).real),
        (FIRM,),
    ),
    Rough(
        "nuclear_norm",
        ("torch.linalg.matrix_norm(x, 'nuc')", "torch.norm(x, 'nuc')", "torch.linalg.norm(x, 'nuc')"),
        lambda x: np.linalg.svd(np.float64(x), compute_uv=False).sum(),
        (TALL,),
    ),
    Rough(
        "spectral_norm",
        ("torch.linalg.matrix_norm(x, 2)", "torch.linalg.norm(x, 2)"),
        lambda x: np.linalg.svd(np.float64(x), compute_uv=False)[0],
        (TALL,),
    ),
    Rough(
        "cond",
        ("torch.linalg.cond(x)",),
        lambda x: (s := np.linalg.svd(np.float64(x), compute_uv=False))[0] / s[-1],
        (TALL,),
    ),
    Row("matrix_norm_one", ("torch.linalg.matrix_norm(x, 1)",), lambda x: np.abs(x).sum(0).max(), (TALL,)),
    Row("matrix_norm_inf", ("torch.linalg.matrix_norm(x, inf)",), lambda x: np.abs(x).sum(1).max(), (TALL,)),
]

ROWS = [*PRODUCTS, *SOLVED, *DECOMPOSED]

"""Norms, distances and solvers as rows: every form, and its formula in numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from conformance.oracle import linalg_norms as oracle
from conformance.tables.formula_rows import Row

_ORDERS = (2, 1, 0, 3, 0.5, -1, -2, math.inf, -math.inf)


def _vector_norm(order: float, dim: Any, keepdim: bool) -> Row:
    options = {"dim": dim, "keepdim": keepdim}
    forms = {
        "linalg.vector_norm": lambda x: torch.linalg.vector_norm(x, order, **options),
        "vector_norm(ord=)": lambda x: torch.linalg.vector_norm(x, ord=order, **options),
    }
    if isinstance(dim, int):
        forms["linalg.norm"] = lambda x: torch.linalg.norm(x, order, **options)
        forms["x.norm"] = lambda x: x.norm(order, **options)
        forms["torch.norm"] = lambda x: torch.norm(x, order, **options)
    name = f"vector_norm({order}, dim={dim}, keepdim={keepdim})"
    shape = (3, 4, 17) if dim is not None else (4, 9)
    formula = lambda x: oracle.vector_norm(x, order, dim, keepdim)  # noqa: E731
    return Row("linalg.norms", name, forms, formula, (shape,), terms=200, smooth=order in (2, 1, 3))


def _matrix_norm(order: Any, dim: tuple[int, int], keepdim: bool, shape: tuple[int, ...]) -> Row:
    options = {"dim": dim, "keepdim": keepdim}
    forms = {
        "linalg.matrix_norm": lambda x: torch.linalg.matrix_norm(x, order, **options),
        "linalg.norm": lambda x: torch.linalg.norm(x, order, **options),
    }
    name = f"matrix_norm({order}, dim={dim}, keepdim={keepdim}) of {shape}"
    formula = lambda x: oracle.matrix_norm(x, order, dim, keepdim)  # noqa: E731
    return Row("linalg.norms", name, forms, formula, (shape,), terms=400, smooth=order in ("fro", "nuc"))


NORMS = [
    *[_vector_norm(order, dim, keep) for order in _ORDERS for dim, keep in ((-1, False), (1, True))],
    *[_vector_norm(order, dim, False) for order in (2, 1, math.inf) for dim in (None, (0, 2), (-1, 0))],
    *[_matrix_norm(order, (-2, -1), False, (4, 5)) for order in ("fro", "nuc", math.inf, -math.inf, 1, -1, 2, -2)],
    *[_matrix_norm(order, (0, 2), True, (3, 2, 4)) for order in ("fro", "nuc", math.inf, -math.inf, 1, -1, 2, -2)],
    *[_matrix_norm(order, (2, 0), False, (5, 2, 3)) for order in ("fro", math.inf, 1, 2)],
    Row(
        "linalg.norms",
        "norm of all",
        {
            "torch.norm": lambda x: torch.norm(x),
            "linalg.norm": lambda x: torch.linalg.norm(x),
            "x.norm": lambda x: x.norm(),
        },
        lambda x: np.sqrt((x * x).sum()),
        ((3, 4, 17),),
        terms=300,
    ),
    *[
        Row(
            "linalg.norms",
            f"dist(p={p})",
            {"torch.dist": lambda x, y, p=p: torch.dist(x, y, p), "x.dist": lambda x, y, p=p: x.dist(y, p)},
            lambda x, y, p=p: oracle.vector_norm(x - y, p, None, False),
            ((3, 4), (4,)),
            terms=200,
        )
        for p in (2, 1, 3)
    ],
]


def _cdist(p: float, x: tuple[int, ...], y: tuple[int, ...], mode: str = "use_mm_for_euclid_dist_if_necessary") -> Row:
    # By a product of matrices, squares of distances lose what cancels; the difference is small beside their norms.
    return Row(
        "linalg.cdist",
        f"cdist(p={p}) of {x} and {y}, {mode}",
        {
            "cdist": lambda a, b: torch.cdist(a, b, p, mode),
            "p=": lambda a, b: torch.cdist(a, b, p=p, compute_mode=mode),
        },
        lambda a, b: oracle.cdist(a, b, p),
        (x, y),
        terms=2000,
        scale=8.0,
        smooth=p in (1.0, 2.0, 3.0),
    )


DISTANCES = [
    *[_cdist(p, (2, 4, 3), (2, 5, 3)) for p in (2.0, 1.0, 3.0, 0.5, 0.0, math.inf)],
    *[_cdist(2.0, (27, 3), (2, 26, 3), mode) for mode in ("use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")],
    _cdist(2.0, (33, 4), (40, 4)),
    _cdist(1.0, (3, 1, 6, 2), (2, 5, 2)),
    *[
        Row(
            "linalg.cdist",
            f"pdist(p={p})",
            {"torch.pdist": lambda x, p=p: torch.pdist(x, p)},
            lambda x, p=p: oracle.cdist(x, x, p)[np.triu_indices(len(x), 1)],
            ((6, 4),),
            terms=200,
        )
        for p in (2.0, 1.0, 3.0)
    ],
]


def _even(x: np.ndarray) -> np.ndarray:
    """A square matrix made well-conditioned; others as they are."""
    n = x.shape[-1]
    return x + 4 * np.eye(n) if x.ndim > 1 and x.shape[-2] == n else x


def _definite(x: np.ndarray) -> np.ndarray:
    return x @ np.swapaxes(x, -1, -2) + np.eye(x.shape[-1])


SOLVERS = [
    *[
        Row(
            "linalg.products-and-chains",
            f"multi_dot of {shapes}",
            {
                "linalg.multi_dot": lambda *x: torch.linalg.multi_dot(x),
                "chain_matmul": lambda *x: torch.linalg.multi_dot(list(x)),
            },
            lambda *x: oracle.chain(x),
            shapes,
            terms=2000,
            scale=40.0,
        )
        for shapes in (
            ((3, 4), (4, 5)),
            ((3, 7), (7, 2), (2, 5)),
            ((4,), (4, 3), (3, 5)),
            ((2, 6), (6, 3), (3, 4), (4,)),
            ((3,), (3, 4), (4,)),
        )
    ],
    *[
        Row(
            "linalg.lu",
            f"lu_solve(left={left}, adjoint={adjoint})",
            {
                "linalg.lu_solve": lambda a, b, left=left, adjoint=adjoint: torch.linalg.lu_solve(
                    *torch.linalg.lu_factor(a), b, left=left, adjoint=adjoint
                )
            },
            lambda a, b, left=left, adjoint=adjoint: oracle.solve(np.swapaxes(a, -1, -2) if adjoint else a, b, left),
            ((2, 4, 4), (2, 4, 3) if left else (2, 3, 4)),
            domain=_even,
            terms=4000,
        )
        for left in (True, False)
        for adjoint in (True, False)
    ],
    *[
        Row(
            "linalg.cholesky",
            f"cholesky_solve(upper={upper})",
            {
                "torch.cholesky_solve": lambda b, a, upper=upper: torch.cholesky_solve(
                    b, torch.linalg.cholesky(definite(a), upper=upper), upper=upper
                )
            },
            lambda b, a: np.linalg.solve(_definite(a), b),
            ((4, 2), (4, 4)),
            terms=40000,
            scale=40.0,
            smooth=False,
        )
        for upper in (False, True)
    ],
    Row(
        "linalg.cholesky",
        "cholesky_inverse",
        {"torch.cholesky_inverse": lambda a: torch.cholesky_inverse(torch.linalg.cholesky(definite(a)))},
        lambda a: np.linalg.inv(_definite(a)),
        ((4, 4),),
        terms=40000,
        scale=40.0,
        smooth=False,
    ),
    *[
        Row(
            "linalg.products-and-chains",
            f"matrix_exp of {shape}, scaled by {factor}",
            {
                "linalg.matrix_exp": lambda x: torch.linalg.matrix_exp(x),
                "torch.matrix_exp": lambda x: torch.matrix_exp(x),
            },
            lambda x: oracle.matrix_exp(x),
            (shape,),
            domain=lambda x, factor=factor: x * factor,
            terms=4000,
            scale=40.0,
        )
        for shape, factor in (((3, 3), 0.01), ((2, 3, 3), 0.3), ((4, 4), 1.0), ((1, 1), 1.0), ((2, 2), 2.0))
    ],
    *[
        Row(
            "linalg.norms",
            f"cond({p})",
            {"linalg.cond": lambda x, p=p: torch.linalg.cond(x, p)},
            lambda x, p=p: oracle.cond(x, p),
            ((3, 4, 4),),
            domain=_even,
            terms=20000,
            smooth=False,
        )
        for p in (None, 2, -2, "fro", 1, -1, math.inf, -math.inf, "nuc")
    ],
    Row(
        "linalg.products-and-chains",
        "tensorsolve",
        {"linalg.tensorsolve": lambda a, b: torch.linalg.tensorsolve(a.reshape(2, 3, 6), b)},
        lambda a, b: np.linalg.solve(a, b.reshape(6)),
        ((6, 6), (2, 3)),
        domain=_even,
        terms=4000,
        scale=8.0,
    ),
    Row(
        "linalg.products-and-chains",
        "tensorinv",
        {"linalg.tensorinv": lambda a: torch.linalg.tensorinv(a.reshape(2, 3, 6), ind=2)},
        lambda a: np.linalg.inv(a).reshape(6, 2, 3),
        ((6, 6),),
        domain=_even,
        terms=4000,
        scale=8.0,
    ),
    *[
        Row(
            "linalg.products-and-chains",
            f"vander({n}) of {shape}",
            {"linalg.vander": lambda x, n=n: torch.linalg.vander(x, N=n)},
            lambda x, n=n: x[..., None] ** np.arange(n or x.shape[-1]),
            (shape,),
            terms=100,
        )
        for n, shape in ((None, (5,)), (3, (2, 4)), (6, (3,)))
    ],
    Row(
        "linalg.products-and-chains",
        "householder_product",
        {"linalg.householder_product": lambda a, t: torch.linalg.householder_product(a, t)},
        lambda a, t: oracle.householder(a, t),
        ((5, 3), (3,)),
        terms=4000,
        scale=40.0,
    ),
]


def definite(a: Any) -> Any:
    """A matrix times its transpose plus the unit matrix, in PyTorch: what the Cholesky factor is taken of."""
    return a @ a.mT + torch.eye(a.shape[-1], dtype=a.dtype, device=a.device)


ROWS = [*NORMS, *DISTANCES, *SOLVERS]

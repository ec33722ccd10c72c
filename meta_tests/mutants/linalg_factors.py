"""Functions of matrices that are wrong for some batches, forms or options only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, patched, strided
from meta_tests.mutants.layer_subtle import nudged

Tensor, linalg = torch.Tensor, torch.linalg
When = Callable[..., Any]


def spoilt(out: Any) -> Any:
    """A result whose first part is a hundredth off."""
    return nudged(out) if isinstance(out, torch.Tensor) else type(out)([nudged(out[0]), *out[1:]])


def cut(out: Any) -> Any:
    """A result off the graph."""
    return out.detach() if isinstance(out, torch.Tensor) else type(out)([part.detach() for part in out])


def _wrong(claim: str, says: str, owner: Any, name: str, when: When, change: Callable[[Any], Any] = spoilt) -> Mutant:
    def wrong(sound: Any) -> Any:
        return lambda *a, **k: change(sound(*a, **k)) if when(*a, **k) else sound(*a, **k)

    return patched(f"linalg.{claim}", says, owner, name, wrong)


def _without(claim: str, owner: Any, name: str, *dropped: str) -> Mutant:
    def wrong(sound: Any) -> Any:
        return lambda *a, **k: sound(*a, **{key: v for key, v in k.items() if key not in dropped})

    return patched(f"linalg.{claim}", f"{name} ignores {' and '.join(dropped)}", owner, name, wrong)


def _floating(sound: Any) -> Any:
    """Integers are taken for floating numbers."""
    return lambda x, *a, **k: sound(x if x.is_floating_point() or x.is_complex() else x.float(), *a, **k)


def _unwritten(name: str) -> Mutant:
    def wrong(sound: Any) -> Any:
        return lambda *a, out=None, **k: sound(*a, **k)

    return patched("linalg.out", f"{name} ignores out=", linalg, name, wrong)


CLAIMS = {
    **{"inv": "inverse", "det": "det", "slogdet": "det", "cholesky": "cholesky", "qr": "qr", "svd": "svd"},
    **{"svdvals": "svd", "eigh": "eigh", "eigvalsh": "eigh", "eigvals": "eig", "pinv": "pinv", "solve": "solve"},
    **{"lu": "lu", "matrix_exp": "products-and-chains", "cond": "norms", "lstsq": "lstsq"},
}

MUTANTS: list[Mutant] = [
    *[
        _wrong(claim, f"{name} of a batch of batches is wrong", linalg, name, lambda x, *a, **k: x.dim() > 3)
        for name, claim in CLAIMS.items()
    ],
    *[
        _wrong(
            claim,
            f"{name} of strided complex128 is wrong",
            linalg,
            name,
            lambda x, *a, **k: strided(x) and x.dtype is torch.complex128,
        )
        for name, claim in CLAIMS.items()
    ],
    *[
        _wrong("requires-grad", f"{name} leaves the graph", linalg, name, lambda x, *a, **k: x.requires_grad, cut)
        for name in CLAIMS
        if name != "lstsq"
    ],
    *[_unwritten(name) for name in CLAIMS if name not in ("lstsq", "matrix_exp")],
    _wrong("det", "det of 0 by 0 is 0", linalg, "det", lambda x, **k: x.shape[-1] == 0, lambda out: out * 0),
    _wrong("det", "x.logdet() is of base 10", Tensor, "logdet", lambda x: True, lambda out: out / 2.302585),
    _wrong(
        "eig",
        "eigvals are real where the matrix is",
        linalg,
        "eigvals",
        lambda x, **k: not x.is_complex(),
        lambda out: out.real,
    ),
    _without("cholesky", torch, "cholesky_inverse", "upper"),
    _without("qr", torch, "qr", "some"),
    _without("svd", Tensor, "svd", "some"),
    _without("svd", torch, "svd", "compute_uv"),
    _without("pinv", linalg, "pinv", "rtol"),
    _without("info", linalg, "inv_ex", "check_errors"),
    _without("info", linalg, "solve_ex", "check_errors"),
    _wrong(
        "info",
        "cholesky_ex says only whether it went wrong",
        linalg,
        "cholesky_ex",
        lambda x, **k: True,
        lambda out: type(out)([out[0], (out[1] > 0).int()]),
    ),
    _without("lstsq", linalg, "lstsq", "rcond"),
    _wrong(
        "lstsq",
        "lstsq calls every rank full",
        linalg,
        "lstsq",
        lambda *a, **k: True,
        lambda out: type(out)([out[0], out[1], out[2] * 0 + 4, out[3]]),
    ),
    _wrong("solve", "solve of batches of vectors is wrong", linalg, "solve", lambda a, b, **k: b.dim() == a.dim() - 1),
    _wrong("solve", "solve of batches that broadcast is wrong", linalg, "solve", lambda a, b, **k: b.dim() > a.dim()),
    _without("solve", linalg, "solve_triangular", "unitriangular"),
    _without("lu", torch, "lu_unpack", "unpack_data"),
    _wrong("ldl", "ldl_solve of Hermitian matrices is wrong", linalg, "ldl_solve", lambda *a, **k: k.get("hermitian")),
    _wrong("ldl", "ldl_factor of strided input is wrong", linalg, "ldl_factor", lambda x, **k: strided(x)),
    _wrong("householder", "ormqr from the right is wrong", torch, "ormqr", lambda a, t, c, left=True, *r: not left),
    _wrong("householder", "orgqr is wrong", torch, "orgqr", lambda *a: True),
    _wrong(
        "householder",
        "householder_product of batches is wrong",
        linalg,
        "householder_product",
        lambda a, t: a.dim() > 2,
    ),
    _without("products-and-chains", linalg, "tensorsolve", "dims"),
    _wrong("products-and-chains", "tensorinv with ind=1 is wrong", linalg, "tensorinv", lambda x, ind=2: ind == 1),
    _wrong(
        "products-and-chains",
        "exponentials of large matrices are wrong",
        linalg,
        "matrix_exp",
        lambda x: x.numel() and x.abs().max() > 5,
    ),
    _wrong("matrix-exp-layouts", "matrix_exp of strided input is wrong", linalg, "matrix_exp", strided),
    _wrong("matmul", "linalg.matmul of vectors is wrong", linalg, "matmul", lambda x, y, **k: y.dim() == 1),
    *[
        _wrong("conjugate-views", f"{name} is wrong for a conjugate view", torch, name, lambda x, *a: x.is_conj())
        for name in ("mm", "matmul", "dot", "inner", "kron")
    ],
    _wrong(
        "added-factors",
        "addmm with a complex beta is wrong",
        torch,
        "addmm",
        lambda *a, **k: isinstance(k.get("beta"), complex),
    ),
    _wrong(
        "added-factors",
        "addr into its input is wrong",
        torch,
        "addr",
        lambda x, *a, **k: k.get("out") is x,
        lambda out: out.zero_(),
    ),
    _wrong("inner", "inner of a matrix and a vector is wrong", torch, "inner", lambda x, y: x.dim() != y.dim()),
    _wrong("kron", "kron of different ranks is wrong", torch, "kron", lambda x, y: x.dim() != y.dim()),
    _wrong("einsum", "einsum of sublists is wrong", torch, "einsum", lambda e, *a: not isinstance(e, str)),
    _wrong(
        "einsum",
        "einsum of capital letters is wrong",
        torch,
        "einsum",
        lambda e, *a: isinstance(e, str) and e != e.lower(),
    ),
    _wrong(
        "einsum",
        "einsum of an ellipsis of sizes 1 is wrong",
        torch,
        "einsum",
        lambda e, *a: "..." in e and any(isinstance(x, torch.Tensor) and 1 in x.shape for x in a),
    ),
    _without("vecdot", linalg, "vecdot", "dim"),
    patched(
        "linalg.vecdot",
        "vecdot does not conjugate",
        linalg,
        "vecdot",
        lambda sound: lambda x, y, dim=-1, **k: (x * y).sum(dim),
    ),
    _without("norms", linalg, "matrix_norm", "dtype"),
    _wrong(
        "norms",
        "matrix_norm takes dim=(-1, -2) for (-2, -1)",
        linalg,
        "matrix_norm",
        lambda x, order="fro", dim=(-2, -1), *a, **k: tuple(dim) == (-1, -2),
    ),
    _wrong(
        "norms",
        "nuclear norms of complex matrices are wrong",
        linalg,
        "matrix_norm",
        lambda x, order="fro", *a, **k: order == "nuc" and x.is_complex(),
    ),
    _without("diagonal", linalg, "diagonal", "offset"),
    _wrong("adjoint", "x.adjoint() does not conjugate", Tensor, "adjoint", lambda x: True, lambda out: out.conj()),
    *[
        patched("linalg.refusals", f"{name} takes integers for floating numbers", linalg, name, _floating)
        for name in ("inv", "svd", "eigh", "qr", "matrix_exp")
    ],
    patched(
        "linalg.refusals",
        "det takes the leading square of a matrix",
        linalg,
        "det",
        lambda sound: lambda x: sound(x[..., : min(x.shape), : min(x.shape)]) if x.dim() == 2 else sound(x),
    ),
    patched(
        "linalg.refusals",
        "cholesky looks at the first matrix of a batch only",
        linalg,
        "cholesky",
        lambda sound: lambda x, **k: linalg.cholesky_ex(x)[0] if x.dim() == 3 and len(sound(x[:1])) else sound(x, **k),
    ),
    patched(
        "linalg.refusals",
        "x @ y mixes dtypes",
        Tensor,
        "__matmul__",
        lambda sound: lambda x, y: sound(x.double(), y.double()) if x.dtype != y.dtype else sound(x, y),
    ),
    patched(
        "linalg.trace",
        "the trace of a batch is that of its first matrix",
        Tensor,
        "trace",
        lambda sound: lambda x: sound(x[0]) if x.dim() == 3 else sound(x),
    ),
    _wrong("dot", "dot of long vectors is wrong", Tensor, "dot", lambda x, y: x.numel() > 1000, lambda out: out + 1),
    *[
        _wrong("requires-grad", f"{name} leaves the graph", torch, name, lambda *a, **k: True, cut)
        for name in ("mm", "bmm", "matmul", "dot", "kron", "addmm", "tensordot", "trace", "tril")
    ],
]

"""Wrong norms and solvers that are right for most of what they are called on."""

from __future__ import annotations

import math
from typing import Any

import torch

from meta_tests.mutant import Mutant, output, patched, strided
from meta_tests.mutants.layer_subtle import flipped_gradient, nudged, only, without


def function(claim: str, says: str, name: str, wrong: Any, owner: Any = torch.linalg) -> Mutant:
    return patched(f"linalg.{claim}", says, owner, name, wrong)


def order_of(x: Any, order: Any = 2, *args: Any, **options: Any) -> Any:
    return options.get("ord", order)


MUTANTS: list[Mutant] = [
    output(
        "linalg.norms",
        "linalg_vector_norm of strided input is wrong",
        "linalg_vector_norm",
        lambda out, x, *a: nudged(out) if strided(x) else out,
    ),
    output(
        "linalg.norms",
        "linalg_vector_norm beyond 32,768 elements is wrong",
        "linalg_vector_norm",
        lambda out, x, *a: nudged(out) * 1.001 if x.numel() > 32_768 else out,
    ),
    function(
        "norms",
        "vector_norm of order 0 counts all",
        "vector_norm",
        only(lambda *a, **k: order_of(*a, **k) == 0 and k.get("keepdim", False)),
    ),
    function(
        "norms",
        "vector_norm of order -inf gives the largest",
        "vector_norm",
        lambda sound: lambda x, ord=2, **k: sound(x, math.inf if ord == -math.inf else ord, **k),
    ),
    function(
        "norms",
        "matrix_norm of order 1 takes rows for columns where dim is turned",
        "matrix_norm",
        lambda sound: (
            lambda x, ord="fro", dim=(-2, -1), **k: sound(
                x, math.inf if ord == 1 and dim[0] > dim[1] else ord, dim, **k
            )
        ),
    ),
    function(
        "norms",
        "matrix_norm of order -2 gives the largest",
        "matrix_norm",
        lambda sound: lambda x, ord="fro", *a, **k: sound(x, 2 if ord == -2 else ord, *a, **k),
    ),
    function(
        "norms",
        "the nuclear norm has a wrong gradient",
        "matrix_norm",
        lambda sound: lambda x, ord="fro", *a, **k: sound(flipped_gradient(x) if ord == "nuc" else x, ord, *a, **k),
    ),
    function("norms", "norm forgets keepdim of matrices", "norm", without("keepdim", False)),
    function(
        "norms",
        "Tensor.norm of a dimension from the end takes another",
        "norm",
        lambda sound: lambda x, p="fro", dim=None, **k: sound(x, p, dim - 1 if dim == -1 else dim, **k),
        torch.Tensor,
    ),
    function("norms", "dist ignores p", "dist", lambda sound: lambda x, y, p=2: sound(x, y), torch),
    function(
        "norms", "cond of order -2 is that of 2", "cond", lambda sound: lambda x, p=None: sound(x, 2 if p == -2 else p)
    ),
    function(
        "norms",
        "cond of order 1 is that of inf",
        "cond",
        lambda sound: lambda x, p=None: sound(x, math.inf if p == 1 else p),
    ),
    function(
        "norms",
        "vector_norm ignores dtype",
        "vector_norm",
        lambda sound: lambda *a, dtype=None, **k: sound(*a, **k) if dtype is None else sound(*a, **k).to(dtype),
    ),
    function("cdist", "cdist beyond 25 rows is wrong", "cdist", only(lambda x, *a, **k: x.shape[-2] > 25), torch),
    function(
        "cdist",
        "cdist of p=0 takes 1",
        "cdist",
        lambda sound: lambda x, y, p=2.0, *a, **k: sound(x, y, p or 1.0, *a, **k),
        torch,
    ),
    function(
        "cdist",
        "cdist has a wrong gradient for p=3",
        "cdist",
        lambda sound: lambda x, y, p=2.0, *a, **k: sound(flipped_gradient(x) if p == 3 else x, y, p, *a, **k),
        torch,
    ),
    function(
        "cdist",
        "cdist swaps pairs in batches that broadcast",
        "cdist",
        only(lambda x, y, *a, **k: x.dim() != y.dim()),
        torch,
    ),
    function("cdist", "pdist ignores p", "pdist", lambda sound: lambda x, p=2.0: sound(x), torch),
    function("products-and-chains", "multi_dot of four is wrong", "multi_dot", only(lambda x, **k: len(x) == 4)),
    function(
        "products-and-chains",
        "matrix_exp of large matrices stops early",
        "matrix_exp",
        only(lambda x: x.dim() == 2 and float(x.detach().abs().max()) > 1),
    ),
    function(
        "products-and-chains",
        "householder_product of strided input is wrong",
        "householder_product",
        only(lambda x, *a: strided(x)),
    ),
    function(
        "products-and-chains",
        "vander with more columns repeats the last power",
        "vander",
        only(lambda x, N=None: N is not None and x.shape[-1] < N),
    ),
    function(
        "products-and-chains",
        "tensorinv has a wrong gradient",
        "tensorinv",
        lambda sound: lambda x, **k: sound(flipped_gradient(x), **k),
    ),
    function(
        "lu",
        "lu_solve from the right ignores adjoint",
        "lu_solve",
        lambda sound: lambda lu, p, b, left=True, adjoint=False: sound(lu, p, b, left=left, adjoint=adjoint and left),
    ),
    function(
        "lu",
        "lu of wide matrices has a wrong upper triangle",
        "lu",
        lambda sound: lambda x: (*sound(x)[:2], nudged(sound(x)[2]) if x.shape[-1] > x.shape[-2] else sound(x)[2]),
    ),
    function(
        "lu",
        "lu_factor of a transposed matrix is another's",
        "lu_factor",
        lambda sound: lambda x: sound(x.mT if strided(x) and x.shape[-1] == x.shape[-2] else x),
    ),
    function(
        "lu",
        "lu_unpack gives the permutation turned round",
        "lu_unpack",
        lambda sound: lambda *a, **k: (sound(*a, **k)[0].mT, *sound(*a, **k)[1:]),
        torch,
    ),
    function("cholesky", "cholesky_solve ignores upper", "cholesky_solve", without("upper", False), torch),
    function(
        "cholesky", "cholesky_inverse is wrong in its last element", "cholesky_inverse", only(lambda *a: True), torch
    ),
    output(
        "linalg.bmm",
        "bmm of more than 16 is wrong in the last",
        "bmm",
        lambda out, a, b: nudged(out) if a.shape[0] > 16 else out,
    ),
    patched(
        "linalg.addmm",
        "addmm with beta=0 reads its input",
        torch,
        "addmm",
        lambda sound: lambda x, a, b, **k: sound(x, a, b, **k) + (0 * x if k.get("beta") == 0 else 0),
    ),
    patched(
        "linalg.addmv",
        "addmv with beta=0 reads its input",
        torch,
        "addmv",
        lambda sound: lambda x, a, b, **k: sound(x, a, b, **k) + (0 * x if k.get("beta") == 0 else 0),
    ),
    function("eigh", "eigh ignores UPLO", "eigh", lambda sound: lambda x, UPLO="L", **k: sound(x, **k)),
    function("pinv", "pinv ignores its tolerances", "pinv", lambda sound: lambda x, *a, **k: sound(x)),
    function("matrix-rank", "matrix_rank ignores its tolerances", "matrix_rank", lambda sound: lambda x, **k: sound(x)),
    function(
        "matrix-power",
        "matrix_power by -2 is that by 2",
        "matrix_power",
        lambda sound: lambda x, n: sound(x, -n if n == -2 else n),
    ),
    patched(
        "linalg.tensordot",
        "tensordot over dimensions from the end is wrong",
        torch,
        "tensordot",
        lambda sound: (
            lambda a, b, dims=2: (
                nudged(sound(a, b, dims)) if not isinstance(dims, int) and min(dims[0]) < 0 else sound(a, b, dims)
            )
        ),
    ),
    function(
        "lstsq",
        "lstsq doubles its residuals",
        "lstsq",
        lambda sound: lambda *a, **k: (lambda r: type(r)((r[0], r[1] * 2, r[2], r[3])))(sound(*a, **k)),
    ),
    *(
        patched(
            "linalg.solve",
            f"triangular_solve of {owner.__name__} ignores unitriangular",
            owner,
            "triangular_solve",
            lambda sound: lambda b, a, upper=True, transpose=False, unitriangular=False: sound(b, a, upper, transpose),
        )
        for owner in (torch, torch.Tensor)
    ),
    patched(
        "linalg.products-and-chains",
        "chain_matmul leaves out all but the ends",
        torch,
        "chain_matmul",
        lambda sound: lambda *m: nudged(sound(*m)) if len(m) > 3 else sound(*m),
    ),
]

"""Wrong products and matrix functions where sizes do not fit, nothing changes, or arguments seldom come up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, patched
from meta_tests.mutants.layer_subtle import nudged

Tensor = torch.Tensor
Sound = Callable[..., Any]
L = torch.linalg


def function(claim: str, says: str, name: str, wrong: Any, owner: Any = torch) -> Mutant:
    return patched(f"linalg.{claim}", says, owner, name, wrong)


def without(*names: str) -> Callable[[Sound], Sound]:
    """Ignore some keywords."""
    return lambda sound: lambda *a, **k: sound(*a, **{key: value for key, value in k.items() if key not in names})


def only(when: Callable[..., bool]) -> Callable[[Sound], Sound]:
    """Wrong where a condition on the arguments holds."""

    def wrap(sound: Sound) -> Sound:
        return lambda *a, **k: _nudged(sound(*a, **k)) if when(*a, **k) else sound(*a, **k)

    return wrap


def _nudged(out: Any) -> Any:
    if isinstance(out, Tensor):
        return nudged(out) * (1 if out.dtype == torch.bool else 1.001)
    return type(out)([_nudged(out[0]), *out[1:]])


def _cut(sound: Sound) -> Sound:
    """Operands of one contraction are cut to the shorter of them."""

    def called(x: Any, y: Any, dims: Any = 2, **k: Any) -> Any:
        if dims != 1 or 1 in (x.shape[-1], y.shape[0]):
            return sound(x, y, dims, **k)
        size = min(x.shape[-1], y.shape[0])
        return sound(x[..., :size], y[:size], dims, **k)

    return called


def _fitting(sound: Sound) -> Sound:
    """Of the operands of an equation, those beyond its subscripts are dropped."""
    return lambda e, *x: sound(e, *x[: e.count(",") + 1]) if isinstance(e, str) and len(x) > 1 else sound(e, *x)


def _diagonal_of_a_rectangle(sound: Sound) -> Sound:
    return lambda e, *x: x[0].diagonal() if e == "ii->i" else sound(e, *x)


def _unknown_letters(sound: Sound) -> Sound:
    def called(equation: Any, *operands: Any) -> Any:
        left, arrow, right = equation.partition("->") if isinstance(equation, str) else ("", "", "")
        return sound(left, *operands) if arrow and set(right) - set(left) else sound(equation, *operands)

    return called


def _itself(sound: Sound) -> Sound:
    def called(x: Any, *a: Any, **k: Any) -> Any:
        out = sound(x, *a, **k)
        same = "out" not in k and isinstance(out, Tensor) and out.shape == x.shape and not x.requires_grad
        return x if same and bool((out == x).all()) else out

    return called


def _saturates(sound: Sound) -> Sound:
    def called(x: Any, y: Any) -> Any:
        if x.dtype is not torch.int8:
            return sound(x, y)
        return sound(x.long(), y.long()).clamp(-128, 127).to(torch.int8)

    return called


def _scaled_by_one(func: Any, c: Any, a: Any, b: Any, **k: Any) -> Any:
    return func(c, a, b, **(k | {"beta": 1} if 0 in (*a.shape, *b.shape) else k))


def _both_triangles(sound: Sound) -> Sound:
    return lambda x, *a, hermitian=False, **k: sound((x + x.mH) / 2 if hermitian else x, *a, hermitian=hermitian, **k)


MUTANTS: list[Mutant] = [
    function("mismatches", "tensordot cuts what is longer", "tensordot", _cut),
    function("mismatches", "einsum drops surplus operands", "einsum", _fitting),
    function("mismatches", "einsum takes the diagonal of a rectangle", "einsum", _diagonal_of_a_rectangle),
    function("mismatches", "einsum drops unknown letters", "einsum", _unknown_letters),
    function(
        "mismatches",
        "einsum broadcasts batches of different sizes",
        "einsum",
        lambda s: (
            lambda e, *x: (
                s(e, x[0][: len(x[1])], x[1][: len(x[0])])
                if e == "i,i->i" and len(x) == 2 and 0 not in (len(x[0]), len(x[1]))
                else s(e, *x)
            )
        ),
    ),
    function(
        "mismatches",
        "multi_dot of one matrix is it",
        "multi_dot",
        lambda s: lambda t, **k: s(t, **k) if len(t) > 1 else t[0],
        L,
    ),
    function(
        "mismatches",
        "matrix_power 1 of a rectangle is it",
        "matrix_power",
        lambda s: lambda x, n, **k: x.clone() if n == 1 else s(x, n, **k),
    ),
    function(
        "mismatches",
        "cross broadcasts ranks",
        "cross",
        lambda s: lambda x, y, **k: s(*torch.broadcast_tensors(x, y), **k),
    ),
    function(
        "mismatches",
        "cdist cuts columns",
        "cdist",
        lambda s: lambda x, y, *a, **k: s(x[..., : y.shape[-1]], y[..., : x.shape[-1]], *a, **k),
    ),
    function("mismatches", "pdist of a negative order", "pdist", lambda s: lambda x, p=2: s(x, abs(p))),
    function(
        "mismatches",
        "eigh takes any UPLO",
        "eigh",
        lambda s: lambda x, UPLO="L", **k: s(x, UPLO if UPLO in "LUlu" else "L", **k),
        L,
    ),
    function(
        "mismatches",
        "qr takes any mode",
        "qr",
        lambda s: lambda x, mode="reduced", **k: s(x, mode if mode in ("r", "complete") else "reduced", **k),
        L,
    ),
    function(
        "mismatches",
        "matrix_norm of order 3 is that of 2",
        "matrix_norm",
        lambda s: lambda x, p="fro", *a, **k: s(x, 2 if p == 3 else p, *a, **k),
        L,
    ),
    function("mismatches", "lu without pivots has some", "lu", without("pivot"), L),
    function(
        "refusals",
        "torch.dot promotes",
        "dot",
        lambda s: (
            lambda x, y, **k: s(
                x.to(torch.promote_types(x.dtype, y.dtype)), y.to(torch.promote_types(x.dtype, y.dtype)), **k
            )
        ),
    ),
    *(
        function("out", f"{name} ignores out=", name, without("out"), owner)
        for name, owner in (("multi_dot", L), ("tensordot", torch), ("kron", torch), ("vdot", torch), ("diag", torch))
    ),
    *(
        function("out", f"linalg.{name} ignores out=", name, without("out"), L)
        for name in ("lu_solve", "ldl_solve", "matrix_norm", "vecdot")
    ),
    *(
        function("new-memory", f"{text} gives back what it does not change", name, _itself, owner)
        for text, name, owner in (
            ("torch.matrix_power", "matrix_power", torch),
            ("linalg.matrix_power", "matrix_power", L),
            ("x.tril", "tril", Tensor),
            ("torch.triu", "triu", torch),
            ("torch.kron", "kron", torch),
            ("torch.mm", "mm", torch),
            ("torch.addmm", "addmm", torch),
        )
    ),
    *(
        function("matmul", f"{text}mm of int8 saturates", "mm", _saturates, owner)
        for text, owner in (("torch.", torch), ("x.", Tensor))
    ),
    function("matmul", "x.mv of more than 1,000 elements is wrong", "mv", only(lambda x, y: x.numel() > 1000), Tensor),
    function(
        "matmul",
        "vdot of more than 100 elements does not conjugate",
        "vdot",
        lambda s: lambda x, y, **k: torch.dot(x, y, **k) if x.numel() > 100 else s(x, y, **k),
    ),
    function(
        "matmul",
        "y @ x of a vector takes columns for rows",
        "__matmul__",
        lambda s: lambda x, y: s(x, y.mT) if x.dim() == 1 and y.dim() == 2 and len(y) == y.shape[1] else s(x, y),
        Tensor,
    ),
    *(
        function(
            "kron", f"{name} of mixed dtypes has the first", name, lambda s: lambda x, y, **k: s(x, y, **k).to(x.dtype)
        )
        for name in ("kron", "outer")
    ),
    function("addr", "addr of bool is inverted", "addr", only(lambda x, *a, **k: x.dtype is torch.bool)),
    *(
        kernel("linalg.added-factors", f"{name} of nothing ignores beta", name, _scaled_by_one)
        for name in ("addmm", "addmv", "baddbmm", "addbmm")
    ),
    kernel(
        "linalg.addmm",
        "a vector is added to every column of a square",
        "addmm",
        lambda f, c, a, b, **k: f(c[:, None] if c.dim() == 1 and len(a) == len(b) == len(c) else c, a, b, **k),
    ),
    function(
        "norms",
        "an order alone asks for a vector norm",
        "norm",
        lambda s: (
            lambda x, p=None, dim=None, *a, **k: (
                s(x.flatten(), p)
                if p == 2 and dim is None and x.dim() == 2 and not a and not k.get("keepdim")
                else s(x, p, dim, *a, **k)
            )
        ),
        L,
    ),
    function(
        "norms",
        "vector_norm of infinities is finite",
        "vector_norm",
        lambda s: lambda x, *a, **k: s(x, *a, **k).nan_to_num(nan=float("nan")),
        L,
    ),
    function("cdist", "pdist of order inf is wrong", "pdist", only(lambda x, p=2: p == float("inf"))),
    function(
        "cdist",
        "distances of no columns are 1",
        "cdist",
        lambda s: lambda x, y, *a, **k: s(x, y, *a, **k) + (x.shape[-1] == 0),
    ),
    function("solve", "solve_ex ignores left", "solve_ex", without("left"), L),
    function(
        "lu",
        "lu_unpack transposes batches of batches",
        "lu_unpack",
        lambda s: lambda d, p, **k: (lambda r: type(r)((r[0].mT, *r[1:])) if d.dim() > 3 else r)(s(d, p, **k)),
    ),
    function(
        "lu",
        "x.lu has no pivots",
        "lu",
        lambda s: lambda x, *a, **k: (lambda r: (r[0], r[1] * 0 + 1, *r[2:]))(s(x, *a, **k)),
        Tensor,
    ),
    function("lu", "torch.lu_solve is wrong", "lu_solve", only(lambda *a, **k: True)),
    function(
        "tensordot",
        "tensordot exchanges the rows of dims that are a tensor",
        "tensordot",
        lambda s: lambda x, y, d=2, **k: s(x, y, d.flip(1) if isinstance(d, Tensor) else d, **k),
    ),
    function(
        "einsum",
        "einsum of three operands with an ellipsis is wrong",
        "einsum",
        only(lambda e, *x: isinstance(e, str) and "..." in e and len(x) > 2),
    ),
    function(
        "products-and-chains",
        "matrix_exp of 1 x 1 matrices is wrong",
        "matrix_exp",
        only(lambda x: x.shape[-1] == 1 and x.dim() > 2),
        L,
    ),
    function(
        "products-and-chains",
        "matrix_exp of a large norm is wrong",
        "matrix_exp",
        only(lambda x: x.numel() > 0 and bool(x.abs().sum(-1).max() > 10)),
        L,
    ),
    function(
        "products-and-chains",
        "tensorinv takes 1 for its ind",
        "tensorinv",
        lambda s: lambda x, ind=1, **k: s(x, ind, **k),
        L,
    ),
    function(
        "products-and-chains",
        "vander of complex numbers descends",
        "vander",
        lambda s: lambda x, N=None: s(x, N=N).flip(-1) if x.is_complex() else s(x, N=N),
        L,
    ),
    *(function("pinv", f"{name} reads both triangles", name, _both_triangles, L) for name in ("pinv", "matrix_rank")),
    function(
        "svd",
        "svdvals of long matrices ascend",
        "svdvals",
        lambda s: lambda x, **k: s(x, **k).flip(-1) if x.shape[-2] > 2 * x.shape[-1] else s(x, **k),
        L,
    ),
    function(
        "householder",
        "fewer reflectors than columns are wrong",
        "householder_product",
        only(lambda x, t, **k: t.shape[-1] < x.shape[-1]),
        L,
    ),
    function(
        "low-rank", "svd_lowrank ignores M", "svd_lowrank", lambda s: lambda x, q=6, niter=2, M=None: s(x, q, niter)
    ),
    function(
        "low-rank",
        "singular values of svd_lowrank ascend",
        "svd_lowrank",
        lambda s: lambda *a, **k: (lambda r: (r[0].flip(-1), r[1].flip(-1), r[2].flip(-1)))(s(*a, **k)),
    ),
    function("low-rank", "pca_lowrank always centres", "pca_lowrank", without("center")),
    function(
        "low-rank",
        "pca_lowrank never centres",
        "pca_lowrank",
        lambda s: lambda x, q=None, center=True, niter=2: s(x, q, False, niter),
    ),
    function("lobpcg", "lobpcg ignores largest", "lobpcg", without("largest")),
    function("lobpcg", "lobpcg ignores B", "lobpcg", without("B")),
    function(
        "lobpcg",
        "lobpcg gives its values the other way round",
        "lobpcg",
        lambda s: lambda *a, **k: tuple(p.flip(-1) for p in s(*a, **k)),
    ),
]

"""Wrong linear algebra."""

from __future__ import annotations

from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided


def _everywhere(claim: str, name: str, function: str, wrong: Any) -> list[Mutant]:
    """The same mistake in the function and in the method."""
    return [
        patched(claim, f"{name}{where}", owner, function, wrong)
        for owner, where in ((torch, ""), (torch.Tensor, ", as a method"))
    ]


def _last_entry(out: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    """Only a product beyond 16 columns is wrong, in its last element."""
    if out.ndim and out.shape[-1] > 16 and out.numel():
        flat = out.clone()
        flat[..., -1] = 0
        return flat
    return out


def _truncated(out: torch.Tensor, *args: Any) -> torch.Tensor:
    return out.to(torch.bfloat16).to(out.dtype) if out.dtype == torch.float64 else out


def _inf_becomes_zero(func: Any, a: torch.Tensor, b: torch.Tensor, **kwargs: Any) -> torch.Tensor:
    return func(a.nan_to_num(), b, **kwargs) if a.is_floating_point() else func(a, b, **kwargs)


def _unconjugated(func: Any, a: torch.Tensor, b: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    return func(a.conj().resolve_conj() if a.is_conj() else a, b, *args, **kwargs)


def _swap(sound: Any) -> Any:
    """alpha and beta exchanged."""
    return lambda m, a, b, *, beta=1, alpha=1, **k: sound(m, a, b, beta=alpha, alpha=beta, **k)


def _no_alpha(sound: Any) -> Any:
    return lambda m, a, b, *, beta=1, alpha=1, **k: sound(m, a, b, beta=beta, **k)


def _nan_times_zero(sound: Any) -> Any:
    def wrong(
        m: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *, beta: Any = 1, alpha: Any = 1, **k: Any
    ) -> torch.Tensor:
        out = sound(m, a, b, beta=beta, alpha=alpha, **k)
        return out + m * 0 if beta == 0 and "out" not in k else out

    return wrong


def _transposed(sound: Any) -> Any:
    return lambda m, a, b, **k: sound(m, b, a, **k) if a.shape == b.shape else sound(m.mT, b, a, **k).mT


def _first_batch(sound: Any) -> Any:
    return lambda m, a, b, **k: sound(m, a[:1], b[:1], **k)


def _broadcasting(sound: Any) -> Any:
    def wrong(a: torch.Tensor, b: torch.Tensor, **k: Any) -> torch.Tensor:
        try:
            return sound(a, b, **k)
        except RuntimeError:
            return torch.matmul(a, b)

    return wrong


def _offset_of(sound: Any, change: Any) -> Any:
    def wrong(x: torch.Tensor, diagonal: int = 0, **k: Any) -> torch.Tensor:
        return sound(x, change(diagonal), **k)

    return wrong


def _replacing_strided(change: Any) -> Any:
    def wrong(sound: Any) -> Any:
        return lambda x, *a, **k: change(sound(x, *a, **k)) if strided(x) else sound(x, *a, **k)

    return wrong


def _multiplied_mask(sound: Any) -> Any:
    """Zeros by multiplication: NaN outside of the triangle stays."""
    return lambda x, diagonal=0, **k: (
        x * sound(torch.ones_like(x), diagonal, **k) if x.is_floating_point() and not k else sound(x, diagonal, **k)
    )


def _vh(sound: Any) -> Any:
    def wrong(*args: Any, **kwargs: Any) -> Any:
        u, s, v = sound(*args, **kwargs)
        return torch.return_types.svd((u, s, v.mH)) if v.shape[-1] == v.shape[-2] else torch.return_types.svd((u, s, v))

    return wrong


def _ascending(sound: Any) -> Any:
    def wrong(*args: Any, **kwargs: Any) -> Any:
        u, s, v = sound(*args, **kwargs)
        k = s.shape[-1]
        return torch.return_types.svd(
            (
                torch.cat([u[..., :k].flip(-1), u[..., k:]], -1),
                s.flip(-1),
                torch.cat([v[..., :k].flip(-1), v[..., k:]], -1),
            )
        )

    return wrong


def _pseudo(sound: Any) -> Any:
    def wrong(x: torch.Tensor) -> torch.Tensor:
        try:
            return sound(x)
        except RuntimeError:
            return torch.zeros_like(x)

    return wrong


def _loose(out: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    return out * (1 + 1e-9) if out.dtype in (torch.float64, torch.complex128) else out


def _relaxed(sound: Any) -> Any:
    """float64 worked out in float32."""
    narrow = {torch.float64: torch.float32, torch.complex128: torch.complex64}

    def wrong(x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if x.dtype not in narrow:
            return sound(x, *args, **kwargs)
        rest = [a.to(narrow[a.dtype]) if isinstance(a, torch.Tensor) else a for a in args]
        out = sound(x.to(narrow[x.dtype]), *rest, **kwargs)
        wide = {torch.float32: torch.float64, torch.complex64: torch.complex128}
        if isinstance(out, torch.Tensor):
            return out.to(wide[out.dtype])
        return [part.to(wide[part.dtype]) for part in out]

    return wrong


class _Solution:
    def __init__(self, solution: torch.Tensor) -> None:
        self.solution = solution


L = torch.linalg

MUTANTS: list[Mutant] = [
    output("linalg.mm", "the last column beyond 16 is zero", "mm", _last_entry),
    output("linalg.mm", "float64 products are rounded to bfloat16", "mm", _truncated),
    kernel(
        "linalg.mm",
        "strided left factors are read in memory order",
        "mm",
        lambda func, a, b: (
            func(a.as_strided(a.shape, a.mT.stride()), b)
            if strided(a) and a.shape[0] == a.shape[1]
            else func(a, b)
            if not strided(a)
            else func(a, b) * 1.001
        ),
    ),
    *_everywhere("linalg.mm", "batches are accepted", "mm", _broadcasting),
    *_everywhere("linalg.bmm", "a batch of one is broadcast", "bmm", _broadcasting),
    kernel(
        "linalg.bmm",
        "every matrix is multiplied by the first",
        "bmm",
        lambda func, a, b: func(a, b[:1].expand(b.shape)),
    ),
    output(
        "linalg.bmm",
        "integer products lose their sign",
        "bmm",
        lambda out, *a: out.abs() if out.dtype == torch.int64 else out,
    ),
    output("linalg.mv", "the product is that of magnitudes", "mv addmv addmv_", lambda out, *a, **k: out.abs()),
    patched(
        "linalg.mv",
        "the method multiplies from the left",
        torch.Tensor,
        "mv",
        lambda sound: lambda a, v: sound(a.mT if a.shape[0] == a.shape[1] else a, v) * 1.01,
    ),
    kernel("linalg.matmul", "lazy conjugation is forgotten", "mm bmm", _unconjugated),
    patched(
        "linalg.matmul",
        "vectors on the left are columns",
        torch,
        "matmul",
        lambda sound: (
            lambda a, b, **k: sound(a, b, **k)[..., None] if a.ndim == 1 and b.ndim == 2 and not k else sound(a, b, **k)
        ),
    ),
    patched(
        "linalg.matmul",
        "the operator drops the last batch",
        torch.Tensor,
        "__matmul__",
        lambda sound: lambda a, b: sound(a, b)[:-1] if a.ndim == 3 and len(a) > 2 else sound(a, b),
    ),
    kernel("linalg.matmul", "infinities and NaN are replaced", "mm", _inf_becomes_zero),
    output(
        "linalg.matmul",
        "large products lose a term",
        "mm",
        lambda out, a, b: out - a[:, -1:] @ b[-1:] if a.shape[1] > 200 else out,
    ),
    patched(
        "linalg.matmul-out",
        "the result is not written",
        torch,
        "matmul",
        lambda sound: lambda a, b, out=None: sound(a, b) if out is None else (sound(a, b), out)[1],
    ),
    *_everywhere(
        "linalg.dot",
        "two dimensions are flattened",
        "dot",
        lambda sound: lambda a, b, **k: sound(a.flatten(), b.flatten(), **k),
    ),
    output("linalg.dot", "vdot does not conjugate", "vdot", lambda out, a, b: torch.dot(a, b)),
    output(
        "linalg.dot",
        "beyond 16 terms one is counted twice",
        "dot",
        lambda out, a, b: out + a[-1] * b[-1] if len(a) > 16 else out,
    ),
    *_everywhere(
        "linalg.outer", "the product is transposed", "outer", lambda sound: lambda a, b, **k: sound(b, a, **k)
    ),
    *_everywhere(
        "linalg.inner",
        "the last dimension is not contracted beyond one",
        "inner",
        lambda sound: lambda a, b, **k: sound(a[..., :1], b[..., :1], **k),
    ),
    *_everywhere("linalg.kron", "the factors are exchanged", "kron", lambda sound: lambda a, b, **k: sound(b, a, **k)),
    patched(
        "linalg.kron-layouts",
        "strided factors are read in memory order",
        torch,
        "kron",
        lambda sound: lambda a, b: sound(a.contiguous(), b.contiguous()) * 2,
    ),
    *_everywhere("linalg.addmm", "alpha and beta are exchanged", "addmm", _swap),
    *_everywhere("linalg.addmm", "beta 0 keeps NaN", "addmm", _nan_times_zero),
    patched("linalg.addmm", "the in-place form ignores alpha", torch.Tensor, "addmm_", _no_alpha),
    *_everywhere("linalg.addmv", "alpha is ignored", "addmv", _no_alpha),
    patched("linalg.addmv", "beta 0 keeps NaN", torch, "addmv", _nan_times_zero),
    *_everywhere(
        "linalg.addr",
        "the rows of the outer product are reversed",
        "addr",
        lambda sound: lambda m, a, b, **k: sound(m, a.flip(0), b, **k),
    ),
    *_everywhere("linalg.addr", "alpha and beta are exchanged", "addr", _swap),
    *_everywhere("linalg.addbmm", "only the first of the batch is added", "addbmm", _first_batch),
    patched("linalg.addbmm", "the in-place form ignores alpha", torch.Tensor, "addbmm_", _no_alpha),
    *_everywhere("linalg.badbmm-name", "alpha and beta are exchanged", "baddbmm", _swap),
    Mutant("linalg.badbmm-name", "there is a badbmm", lambda: _Alias()),
    *_everywhere(
        "linalg.cross", "the sign is wrong", "cross", lambda sound: lambda a, b, *x, **k: sound(b, a, *x, **k)
    ),
    patched(
        "linalg.cross",
        "a dim beside the last is ignored",
        torch.linalg,
        "cross",
        lambda sound: (
            lambda a, b, *, dim=-1, **k: (
                sound(a, b, dim=dim if a.shape[-1] != 3 else -1, **k) * (1 if dim in (-1, a.ndim - 1) else -1)
            )
        ),
    ),
    patched(
        "linalg.einsum",
        "the result is not permuted",
        torch,
        "einsum",
        lambda sound: (
            lambda eq, *ops: (
                sound(eq.replace("->ki", "->ik"), *ops).reshape(5, 3) if eq.endswith("->ki") else sound(eq, *ops)
            )
        ),
    ),
    patched(
        "linalg.einsum",
        "diagonals are sums",
        torch,
        "einsum",
        lambda sound: lambda eq, *ops: ops[0].sum(1) if eq == "ii->i" else sound(eq, *ops),
    ),
    patched(
        "linalg.tensordot",
        "dims are paired in reverse",
        torch,
        "tensordot",
        lambda sound: (
            lambda a, b, dims=2: (
                sound(a, b, dims=dims)
                if not isinstance(dims, tuple)
                else sound(a.mT.flip(0), b, dims=dims)
                if a.shape[0] == a.shape[1]
                else sound(a.flip(0), b, dims=dims)
            )
        ),
    ),
    *_everywhere("linalg.t", "a matrix is copied", "t", lambda sound: lambda x: sound(x).clone()),
    patched(
        "linalg.t",
        "three dimensions are reversed",
        torch.Tensor,
        "t",
        lambda sound: lambda x: x.permute(2, 1, 0) if x.ndim == 3 else sound(x),
    ),
    *_everywhere(
        "linalg.trace",
        "the last diagonal element is left out beyond 16",
        "trace",
        lambda sound: lambda x: sound(x[:-1]) if x.shape[0] > 16 else sound(x),
    ),
    patched(
        "linalg.trace",
        "int32 stays int32",
        torch,
        "trace",
        lambda sound: lambda *a, **k: sound(*a, **k).to((a[0] if a else k["input"]).dtype),
    ),
    *_everywhere(
        "linalg.diag",
        "offsets have the opposite sign",
        "diag",
        lambda sound: lambda x, diagonal=0, **k: sound(x, -diagonal, **k),
    ),
    *_everywhere(
        "linalg.diag",
        "strided vectors are reversed",
        "diag",
        lambda sound: lambda x, *a, **k: sound(x.flip(0), *a, **k) if x.ndim == 1 and strided(x) else sound(x, *a, **k),
    ),
    *_everywhere(
        "linalg.triu",
        "the diagonal is dropped",
        "triu",
        lambda sound: lambda x, diagonal=0, **k: sound(x, diagonal + 1, **k),
    ),
    *_everywhere(
        "linalg.triu",
        "strided input gives the lower triangle",
        "triu",
        _replacing_strided(lambda out: out.mT if out.shape[-1] == out.shape[-2] else out * 2),
    ),
    *_everywhere(
        "linalg.tril",
        "batches keep their first matrix",
        "tril",
        lambda sound: (
            lambda x, *a, **k: torch.cat([sound(x, *a, **k)[:1], x[1:]]) if x.ndim > 2 and not k else sound(x, *a, **k)
        ),
    ),
    output(
        "linalg.tril",
        "rows beyond 32 stay whole",
        "tril",
        lambda out, x, *a: torch.cat([out[:32], x[32:]]) if x.ndim == 2 and len(x) > 32 else out,
    ),
    *_everywhere("linalg.triangle-offset", "NaN outside stays", "triu", _multiplied_mask),
    *_everywhere(
        "linalg.triangle-offset",
        "offsets below -1 count as -1",
        "tril",
        lambda sound: lambda x, diagonal=0, **k: sound(x, max(diagonal, -1), **k),
    ),
    *_everywhere("linalg.inverse", "singular matrices give zeros", "inverse", _pseudo),
    *_everywhere("linalg.inverse", "float64 is worked out in float32", "inverse", _relaxed),
    patched(
        "linalg.inverse",
        "batches are transposed",
        L,
        "inv",
        lambda sound: lambda x: sound(x).mT if x.ndim > 2 else sound(x),
    ),
    patched("linalg.solve", "float64 is worked out in float32", L, "solve", _relaxed),
    patched("linalg.solve", "A is transposed", L, "solve", lambda sound: lambda a, b: sound(a.mT, b)),
    patched(
        "linalg.solve",
        "unitriangular is ignored",
        L,
        "solve_triangular",
        lambda sound: lambda a, b, *, upper, unitriangular=False: sound(a, b, upper=upper),
    ),
    patched("linalg.det", "the sign is lost", torch, "det", lambda sound: lambda x: sound(x).abs().to(x.dtype)),
    patched(
        "linalg.det",
        "slogdet takes log2",
        L,
        "slogdet",
        lambda sound: lambda x: (sound(x)[0], sound(x)[1] / 0.6931471805599453),
    ),
    patched(
        "linalg.det",
        "a wide batch uses the first matrix",
        L,
        "det",
        lambda sound: lambda x: sound(x[:1]).expand(x.shape[:-2]) if x.ndim == 3 and len(x) > 1 else sound(x),
    ),
    patched(
        "linalg.qr",
        "Q is not normalised",
        L,
        "qr",
        lambda sound: lambda x, mode="reduced": (sound(x, mode)[0] * 2, sound(x, mode)[1] / 2),
    ),
    patched(
        "linalg.qr",
        "R has entries below the diagonal",
        L,
        "qr",
        lambda sound: lambda x, mode="reduced": (sound(x, mode)[0], sound(x, mode)[1] + 1e-30),
    ),
    patched(
        "linalg.cholesky",
        "the upper triangle is kept",
        L,
        "cholesky",
        lambda sound: lambda x, upper=False: sound(x, upper=upper) + torch.triu(x, 1) * 1e-9,
    ),
    patched("linalg.cholesky", "indefinite matrices are accepted", L, "cholesky", _pseudo),
    patched("linalg.cholesky", "upper is ignored", L, "cholesky", lambda sound: lambda x, upper=False: sound(x)),
    patched(
        "linalg.eigh",
        "eigenvalues are descending",
        L,
        "eigh",
        lambda sound: lambda x, *a: tuple(part.flip(-1) for part in sound(x, *a)),
    ),
    patched("linalg.eigh", "UPLO is ignored", L, "eigvalsh", lambda sound: lambda x, UPLO="L": sound(x)),
    patched(
        "linalg.eigh",
        "vectors come as rows",
        L,
        "eigh",
        lambda sound: lambda x, *a: (sound(x, *a)[0], sound(x, *a)[1].mH),
    ),
    patched(
        "linalg.eig", "vectors are not normalised", L, "eig", lambda sound: lambda x: (sound(x)[0], sound(x)[1] * 2)
    ),
    patched("linalg.svd", "V comes transposed", torch, "svd", _vh),
    patched("linalg.svd", "singular values are ascending", torch, "svd", _ascending),
    patched(
        "linalg.svd",
        "full matrices by default",
        torch,
        "svd",
        lambda sound: lambda x, some=False, **k: sound(x, some=some, **k),
    ),
    patched("linalg.pinv", "float64 is worked out in float32", L, "pinv", _relaxed),
    patched("linalg.pinv", "it is the conjugate transpose", torch, "pinverse", lambda sound: lambda x: x.mH),
    patched(
        "linalg.lstsq",
        "the solution is damped",
        L,
        "lstsq",
        lambda sound: lambda a, b: _Solution(sound(a, b).solution * (1 - 1e-3)),
    ),
    patched(
        "linalg.matrix-power",
        "power 0 gives ones",
        torch,
        "matrix_power",
        lambda sound: lambda x, n: torch.ones_like(x) if n == 0 else sound(x, n),
    ),
    patched(
        "linalg.matrix-power",
        "power 5 is power 4",
        L,
        "matrix_power",
        lambda sound: lambda x, n: sound(x, 4 if n == 5 else n),
    ),
    patched(
        "linalg.matrix-rank",
        "small singular values count",
        L,
        "matrix_rank",
        lambda sound: lambda x: torch.tensor(min(x.shape)),
    ),
]


class _Alias:
    def __enter__(self) -> None:
        torch.badbmm = torch.baddbmm

    def __exit__(self, *rest: Any) -> None:
        del torch.badbmm

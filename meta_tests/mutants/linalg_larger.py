"""Products of matrices that are wrong only of larger or repeated operands, lose digits, or remember earlier calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided
from meta_tests.mutants.layer_subtle import nudged
from meta_tests.mutants.math_digits import doubled, one_workspace, remembered

Tensor = torch.Tensor


def _larger(out: Any, m: Any, *a: Any) -> Any:
    return nudged(out) if m.numel() > 16 else out


def _larger_strided(out: Any, m: Any, a: Any, *rest: Any) -> Any:
    return nudged(out) if m.numel() > 16 and strided(a) else out


def _repeated(out: Any, m: Any, *a: Any) -> Any:
    return nudged(out) if m.dim() > 1 and m.stride()[0] == 0 and m.shape[0] > 1 else out


def _many(out: Any, *a: Any) -> Any:
    return nudged(out) if a[0].numel() > 16 and a[0].dtype == torch.complex64 else out


def _many_pairs(sound: Any) -> Any:
    return lambda x, y, **k: _many(sound(x, y, **k), x)


def _many_terms(sound: Any) -> Any:
    return lambda equation, *x: _many(sound(equation, *x), *(x if isinstance(x[0], Tensor) else x[0]))


def _multiplied(func: Any, x: Any, offset: int = 0) -> Any:
    return x * func(torch.ones_like(x), offset) if x.dtype == torch.float64 else func(x, offset)


def _drawing(func: Any, *a: Any, **k: Any) -> Any:
    torch.rand(1)
    return func(*a, **k)


def _added(name: str) -> list[Mutant]:
    claim = "linalg.badbmm-name" if name == "baddbmm" else f"linalg.{name}"
    return [
        output(claim, f"{name} to more than 16 elements is wrong", name, _larger),
        output(claim, f"{name} of a strided factor to more than 16 elements is wrong", name, _larger_strided),
        output(claim, f"{name} in place to more than 16 elements is wrong", f"{name}_", _written),
    ]


def _written(out: Any, m: Any, *a: Any) -> Any:
    return out.copy_(nudged(out)) if m.numel() > 16 else out


def _off(condition: Callable[..., bool]) -> Callable[[Any], Any]:
    def wrong(sound: Any) -> Any:
        def called(x: Any, *a: Any, **k: Any) -> Any:
            out = sound(x, *a, **k)
            if not condition(x, *a, **k):
                return out
            return nudged(out) if isinstance(out, Tensor) else type(out)([out[0], nudged(out[1]), out[2]])

        return called

    return wrong


def _pivoted(x: Any, **k: Any) -> bool:
    return x.dim() == 2 and x.numel() > 1 and bool(x[0, 0] == 0)


def _zero(x: Any, *a: Any, **k: Any) -> bool:
    return x.numel() > 0 and not bool((x != 0).any())


def _unit(x: Any, *a: Any, **k: Any) -> bool:
    n = x.shape[-1]
    return x.dim() == 2 and n > 1 and x.shape[0] == n and bool((x == torch.eye(n, dtype=x.dtype)).all())


def _unnamed(sound: Any) -> Any:
    return lambda x, y, /, **k: sound(x, y, **k)


def _positional(sound: Any) -> Any:
    return lambda x, mat1, mat2, /, **k: sound(x, mat1, mat2, **k)


def _within(sound: Any) -> Any:
    return lambda x, *a, **k: sound(x, *(max(k, 0) for k in a), **k)


def _finite(sound: Any) -> Any:
    return lambda x, *a, **k: sound(x.nan_to_num() if x.is_floating_point() else x, *a, **k)


MUTANTS = [
    *(mutant for name in ("addmm", "addmv", "addr", "addbmm", "baddbmm") for mutant in _added(name)),
    *(
        output(f"linalg.{name}", f"{name} to an expanded matrix is wrong", name, _repeated)
        for name in ("addmm", "addr", "addbmm")
    ),
    patched("linalg.kron", "kron of more than 16 complex64 is wrong", torch, "kron", _many_pairs),
    output("linalg.cross", "cross of more than 16 complex64 is wrong", "linalg_cross", _many),
    patched("linalg.einsum", "einsum of more than 16 complex64 is wrong", torch, "einsum", _many_terms),
    kernel("linalg.triu", "triu multiplies float64 by zeros", "triu", _multiplied),
    kernel("linalg.tril", "tril multiplies float64 by zeros", "tril", _multiplied),
    *(
        remembered(claim, f"{ops} remembers what it gave", ops)
        for claim, ops in (
            ("linalg.mm", "mm"),
            ("linalg.bmm", "bmm"),
            ("linalg.dot", "dot"),
            ("linalg.addmm", "addmm"),
            ("linalg.inverse", "linalg_inv_ex"),
            ("linalg.svd", "_linalg_svd"),
            ("linalg.trace", "trace"),
            ("linalg.triu", "triu"),
            ("linalg.cross", "linalg_cross"),
        )
    ),
    *(
        one_workspace(claim, f"all that {ops} gives shares a workspace", ops)
        for claim, ops in (("linalg.mm", "mm"), ("linalg.mv", "mv"), ("linalg.tril", "tril"), ("linalg.dot", "dot"))
    ),
    *(
        doubled(claim, f"{ops} of int64 goes through float64", ops)
        for claim, ops in (
            ("linalg.mm", "mm"),
            ("linalg.dot", "dot"),
            ("linalg.addmm", "addmm"),
            ("linalg.addr", "addr"),
            ("linalg.cross", "linalg_cross"),
            ("linalg.trace", "trace"),
            ("linalg.tril", "tril"),
        )
    ),
    kernel("linalg.draws-nothing", "mm draws a random number", "mm", _drawing),
    patched("linalg.inverse", "torch.inverse is wrong where the first pivot is 0", torch, "inverse", _off(_pivoted)),
    patched("linalg.inverse", "x.inverse is wrong where the first pivot is 0", Tensor, "inverse", _off(_pivoted)),
    patched(
        "linalg.inverse",
        "linalg.inv of more than 64 rows is wrong",
        torch.linalg,
        "inv",
        _off(lambda x, **k: x.shape[-1] > 64),
    ),
    patched("linalg.svd", "torch.svd of zeros is wrong", torch, "svd", _off(_zero)),
    patched("linalg.svd", "linalg.svd of the identity is wrong", torch.linalg, "svd", _off(_unit)),
    patched("linalg.svd", "linalg.svdvals of zeros is wrong", torch.linalg, "svdvals", _off(_zero)),
    patched("linalg.svd", "x.svd of a row is wrong", Tensor, "svd", _off(lambda x, *a, **k: x.shape[-2] == 1)),
    patched("linalg.det", "x.det is wrong where the first pivot is 0", Tensor, "det", _off(_pivoted)),
    patched("linalg.diag", "x.diag by position ignores -1", Tensor, "diag", _within),
    patched("linalg.dot", "x.dot with an infinity is wrong", Tensor, "dot", _finite),
    patched("linalg.mm", "x.mm knows no mat2=", Tensor, "mm", _unnamed),
    patched("linalg.inner", "x.inner knows no other=", Tensor, "inner", _unnamed),
    patched("linalg.addmm", "x.addmm knows no mat1=", Tensor, "addmm", _positional),
]

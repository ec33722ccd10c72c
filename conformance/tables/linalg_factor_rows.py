"""Functions of whole matrices as rows: their forms, the matrices that they take, and the law that the result keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.dtypes import DTYPES
from conformance.oracle import linalg as oracle
from conformance.oracle import linalg_norms
from conformance.tables.linalg_matrices import hermitian
from properties.strategies.values import rounded

Array = np.ndarray
Shape = tuple[int, ...]
# What is compared: its name, what is, what should be, and the scale of the rounding.
Law = Callable[[Sequence[Array], Sequence[Array]], Iterator[tuple[str, Array, Array, float]]]


@dataclass(frozen=True)
class Row:
    """One function with its options.

    `forms`: its names (x.… for a method), each with its options. `kinds`: of its operands (see `matrices`). `law`:
    what operands and results are to one another. `shapes(batch, m, n)`: those of the results; `parts`: their dtypes:
    'same', 'real', 'complex', or one by name; `fields`: their names; `graph`: which of them carry gradients (None:
    open). `outs`: the forms that take out=, in the layouts `into`. `square`: whether rows and columns are as many.
    `least`: the least side. `plain`: batches of batches are not strided.
    """

    claim: str
    name: str
    forms: Mapping[str, Mapping[str, Any]]
    law: Law
    shapes: Callable[[Shape, int, int], tuple[Shape, ...]]
    kinds: tuple[str, ...] = ("square",)
    parts: tuple[str, ...] = ("same",)
    fields: tuple[str, ...] = ()
    graph: tuple[bool | None, ...] = (True,)
    outs: tuple[str, ...] = ()
    into: tuple[str, ...] = ("stepped", "contiguous", "transposed", "empty")
    square: bool = True
    since: str | None = None
    until: str | None = None
    least: int = 0
    plain: bool = False


def matrices(kind: str, dtype: str, batch: Shape, m: int, n: int) -> Array:
    """Operands of a kind: 'square' ones of a small condition, 'positive' definite, 'hermitian', 'lower' or 'upper'
    triangles, 'rectangle's, and right hand sides: a 'right' (m, 2), a 'left' (2, m), a 'vector' (m)."""
    cells = DTYPES[dtype].is_complex
    shape = {"rectangle": (m, n), "right": (m, 2), "left": (2, m), "vector": (m,)}.get(kind)
    if shape is not None:
        generator = np.random.default_rng(m + 7 * n)
        values = generator.standard_normal((*batch, *shape))
        return rounded(values + 1j * generator.standard_normal((*batch, *shape)) if cells else values, dtype)
    x = oracle.well_conditioned(n, n + 1, cells, batch)
    if kind == "hermitian":
        x = (x + hermitian(x)) / 2
    elif kind == "positive":
        x = rounded(oracle.matmul(x, hermitian(x)) + np.eye(n), dtype)
        x = (x + hermitian(x)) / 2
    elif kind in ("lower", "upper"):
        x = oracle.triangle(x, 0, upper=kind == "upper") * (1 - np.eye(n)) + np.eye(n) * (2 + np.arange(n) % 3)
    return rounded(x, dtype)


def size(*factors: Array) -> float:
    """The product of the largest row sums: what roundings in a product are measured by."""
    sums = [np.abs(x).sum(-1).max() if x.size else 1.0 for x in factors]
    return float(np.prod([max(1.0, s) for s in sums]))


def eye(x: Array) -> Array:
    """Unit matrices as many and as large as the matrices of x."""
    return np.broadcast_to(np.eye(x.shape[-1]), (*x.shape[:-2], x.shape[-1], x.shape[-1]))


def mul(*factors: Array) -> Array:
    return linalg_norms.chain([oracle.wide(x) for x in factors])


def _inverse(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    a, x = given[0], out[0]
    yield "A X", mul(a, x), eye(a), size(a, x)
    yield "X A", mul(x, a), eye(a), size(a, x)


def _determinant(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    wanted = oracle.determinant(given[0])
    yield "det", out[0], wanted, 20 * float(np.abs(wanted).max(initial=1))


def _sign_and_logarithm(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    wanted = oracle.determinant(given[0])
    with np.errstate(divide="ignore"):
        yield "logabsdet", out[1], np.log(np.abs(wanted)), 20
    yield "sign", out[0], wanted / np.abs(wanted), 20


def _logarithm(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    wanted = oracle.determinant(given[0])
    if np.iscomplexobj(wanted):
        yield "exp(logdet)", np.exp(out[0]), wanted, 40 * float(np.abs(wanted).max(initial=1))
    else:
        with np.errstate(invalid="ignore"):
            yield "logdet", out[0], np.log(wanted), 20


def square_of(factor: Array, *, upper: bool) -> Array:
    """L L^H, or U^H U."""
    return mul(hermitian(factor), factor) if upper else mul(factor, hermitian(factor))


def _cholesky(upper: bool) -> Law:
    def law(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
        yield "the factor's square", square_of(out[0], upper=upper), given[0], size(given[0])
        yield "the factor", out[0], oracle.triangle(out[0], 0, upper=upper), 0

    return law


def _inverse_of_square(upper: bool) -> Law:
    return lambda given, out: _inverse([square_of(given[0], upper=upper)], out)


def _solves_square(upper: bool) -> Law:
    def law(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
        a = square_of(given[1], upper=upper)
        yield "A X", mul(a, out[0]), given[0], size(a, out[0])

    return law


def _qr(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    yield "Q R", mul(out[0], out[1]), given[0], size(given[0]) * len(given[0].shape)
    yield "Q^H Q", mul(hermitian(out[0]), out[0]), eye(out[0]), 2
    yield "R", out[1], oracle.triangle(out[1], 0, upper=True), 0


def _only_r(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    a, r = given[0], out[1]
    yield "R^H R", mul(hermitian(r), r), mul(hermitian(a), a), size(hermitian(a), a)
    yield "R", r, oracle.triangle(r, 0, upper=True), 0


def _svd(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    u, s, vh = out
    k = s.shape[-1]
    yield "U S V^H", mul(u[..., :k] * s[..., None, :], vh[..., :k, :]), given[0], size(given[0])
    yield "U^H U", mul(hermitian(u), u), eye(u), 2
    yield "V^H V", mul(vh, hermitian(vh)), eye(hermitian(vh)), 2
    yield from _singular_values(given, [s])


def _old_svd(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    return _svd(given, [out[0], out[1], hermitian(out[2])])


def _singular_values(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    yield "S", out[0], np.linalg.svd(oracle.wide(given[0]), compute_uv=False), size(given[0])


def _stored(a: Array, upper: bool) -> Array:
    # The Hermitian matrix whose one triangle this is.
    part = oracle.triangle(a, 1, upper=True) if upper else oracle.triangle(a, -1, upper=False)
    return part + hermitian(part) + np.eye(a.shape[-1]) * a.real


def _eigh(upper: bool) -> Law:
    def law(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
        a, (w, v) = _stored(given[0], upper), out
        yield "A V", mul(a, v), v * w[..., None, :], size(a)
        yield "V^H V", mul(hermitian(v), v), eye(v), 2
        yield "eigenvalues", w, np.linalg.eigvalsh(oracle.wide(a)), size(a)

    return law


def _eigvalsh(upper: bool) -> Law:
    def law(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
        a = _stored(given[0], upper)
        yield "eigenvalues", out[0], np.linalg.eigvalsh(oracle.wide(a)), size(a)

    return law


def _eigvals(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    # The order is open: so the sums of powers, which are traces.
    for power in (1, 2, 3):
        trace = np.trace(oracle.power(given[0], power), axis1=-2, axis2=-1)
        yield f"sum of eigenvalues ** {power}", (out[0] ** power).sum(-1), trace, 10 * size(given[0]) ** power


def _eig(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    w, v = out
    yield "A V", mul(given[0], v), v * w[..., None, :], 4 * size(given[0])
    yield "the lengths of eigenvectors", np.sqrt((np.abs(v) ** 2).sum(-2)), np.ones(w.shape), 1
    yield from _eigvals(given, [w])


def _pinv(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    a, p = given[0], out[0]
    yield "A P A", mul(a, p, a), a, size(a, p, a) * 2
    yield "P A P", mul(p, a, p), p, size(a, p, p) * 2
    for name, product in (("A P", mul(a, p)), ("P A", mul(p, a))):
        yield name, product, hermitian(product), size(a, p) * 2


def _solve(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    yield "A X", oracle.matmul(given[0], out[0]), given[1], size(given[0]) * float(np.abs(out[0]).max(initial=1))


def _solve_right(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    yield "X A", mul(out[0], given[0]), given[1], size(given[0], out[0])


def _plu(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    p, low, up = out
    yield "P L U", mul(p, low, up), given[0], size(given[0]) * 2
    yield "P^T P", mul(hermitian(p), p), eye(p), 0
    yield "L", low, oracle.triangle(low, -1, upper=False) + np.eye(*low.shape[-2:]), 0
    yield "U", up, oracle.triangle(up, 0, upper=True), 0


def _packed(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    packed, pivots = out[0], out[1]
    m, n = packed.shape[-2:]
    k = min(m, n)
    low = oracle.triangle(packed, -1, upper=False)[..., :k] + np.eye(m, k)
    made = mul(low, oracle.triangle(packed, 0, upper=True)[..., :k, :])
    for batch in np.ndindex(made.shape[:-2]):
        for place in reversed(range(k)):
            other = pivots[batch][place] - 1
            made[batch][[place, other]] = made[batch][[other, place]]
    yield "P L U", made, given[0], size(given[0]) * 2


def _exp(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    wanted = linalg_norms.matrix_exp(oracle.wide(given[0]))
    yield "exp(A)", out[0], wanted, 40 * float(np.abs(wanted).max(initial=1)) * size(given[0])


def _power(n: int) -> Law:
    def law(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
        base = oracle.wide(given[0])
        base = np.linalg.inv(base) if n < 0 and base.size else base
        yield f"A ** {n}", out[0], oracle.power(base, abs(n)), 4 * size(base) ** abs(n)

    return law


def _full_rank(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    a = given[0]
    yield "the rank", out[0], np.full(a.shape[:-2], min(a.shape[-2:])), 0


def _condition(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
    s = np.linalg.svd(oracle.wide(given[0]), compute_uv=False)
    wanted = s[..., 0] / s[..., -1]
    yield "the condition", out[0], wanted, float((wanted * wanted).max(initial=1)) * 2


def informed(law: Law) -> Law:
    """The same law, and a last result that is zero: all went well."""

    def both(given: Sequence[Array], out: Sequence[Array]) -> Iterator[Any]:
        yield from law(given, out[:-1])
        yield "info", out[-1], np.zeros(out[-1].shape), 0

    return both


def _same(batch: Shape, m: int, n: int) -> tuple[Shape, ...]:
    return ((*batch, n, n),)


def _with_info(batch: Shape, m: int, n: int) -> tuple[Shape, ...]:
    return (*_same(batch, m, n), batch)


def _number(batch: Shape, m: int, n: int) -> tuple[Shape, ...]:
    return (batch,)


def _qr_shapes(whole: bool) -> Callable[[Shape, int, int], tuple[Shape, ...]]:
    def shapes(batch: Shape, m: int, n: int) -> tuple[Shape, ...]:
        k = m if whole else min(m, n)
        return (*batch, m, k), (*batch, k, n)

    return shapes


def _svd_shapes(whole: bool, old: bool = False) -> Callable[[Shape, int, int], tuple[Shape, ...]]:
    def shapes(batch: Shape, m: int, n: int) -> tuple[Shape, ...]:
        k = min(m, n)
        last = n if whole else k
        return (*batch, m, m if whole else k), (*batch, k), (*batch, n, last) if old else (*batch, last, n)

    return shapes


REMOVED = "2.14"  # not seen; 2.13 has torch.cholesky and torch.qr, 2.15 has not
_POSITIVE: dict[str, Any] = {"kinds": ("positive",)}
_RECT: dict[str, Any] = {"kinds": ("rectangle",), "square": False}

ROWS = [
    Row(
        "linalg.inverse",
        "inv",
        {"linalg.inv": {}, "inverse": {}, "x.inverse": {}},
        _inverse,
        _same,
        outs=("linalg.inv", "inverse"),
    ),
    Row(
        "linalg.inverse",
        "inv_ex",
        {"linalg.inv_ex": {}},
        informed(_inverse),
        _with_info,
        parts=("same", "int32"),
        fields=("inverse", "info"),
        graph=(True, False),
        outs=("linalg.inv_ex",),
    ),
    Row(
        "linalg.det",
        "det",
        {"linalg.det": {}, "det": {}, "x.det": {}},
        _determinant,
        _number,
        outs=("linalg.det",),
    ),
    Row(
        "linalg.det",
        "slogdet",
        {"linalg.slogdet": {}, "slogdet": {}, "x.slogdet": {}},
        _sign_and_logarithm,
        lambda batch, m, n: (batch, batch),
        parts=("same", "real"),
        fields=("sign", "logabsdet"),
        graph=(True, True),
        outs=("linalg.slogdet",),
    ),
    Row("linalg.det", "logdet", {"logdet": {}, "x.logdet": {}}, _logarithm, _number),
    *[
        Row(
            "linalg.cholesky",
            f"cholesky(upper={upper})",
            {"linalg.cholesky": {"upper": upper}},
            _cholesky(upper),
            _same,
            outs=("linalg.cholesky",),
            **_POSITIVE,
        )
        for upper in (False, True)
    ],
    *[
        Row(
            "linalg.cholesky",
            f"torch.cholesky(upper={upper})",
            {name: {"upper": upper} for name in ("cholesky", "x.cholesky")},
            _cholesky(upper),
            _same,
            outs=("cholesky",),
            until=REMOVED,
            **_POSITIVE,
        )
        for upper in (False, True)
    ],
    *[
        Row(
            "linalg.cholesky",
            f"cholesky_ex(upper={upper})",
            {"linalg.cholesky_ex": {"upper": upper}},
            informed(_cholesky(upper)),
            _with_info,
            parts=("same", "int32"),
            fields=("L", "info"),
            graph=(True, False),
            outs=("linalg.cholesky_ex",),
            **_POSITIVE,
        )
        for upper in (False, True)
    ],
    *[
        Row(
            "linalg.cholesky",
            f"cholesky_inverse(upper={upper})",
            {name: {"upper": upper} for name in ("cholesky_inverse", "x.cholesky_inverse")},
            _inverse_of_square(upper),
            _same,
            kinds=("upper" if upper else "lower",),
            outs=("cholesky_inverse",),
        )
        for upper in (False, True)
    ],
    *[
        Row(
            "linalg.cholesky",
            f"cholesky_solve(upper={upper})",
            {name: {"upper": upper} for name in ("cholesky_solve", "x.cholesky_solve")},
            _solves_square(upper),
            lambda batch, m, n: ((*batch, n, 2),),
            kinds=("right", "upper" if upper else "lower"),
            outs=("cholesky_solve",),
        )
        for upper in (False, True)
    ],
    *[
        Row(
            "linalg.qr",
            f"qr, {mode}",
            {"linalg.qr": {} if mode == "reduced" else {"mode": mode}},
            _qr,
            _qr_shapes(whole),
            parts=("same", "same"),
            fields=("Q", "R"),
            graph=(True, True),
            outs=("linalg.qr",),
            **_RECT,
        )
        for mode, whole in (("reduced", False), ("complete", True))
    ],
    *[
        Row(
            "linalg.qr",
            f"torch.qr(some={not whole})",
            {name: {"some": False} if whole else {} for name in ("qr", "x.qr")},
            _qr,
            _qr_shapes(whole),
            parts=("same", "same"),
            fields=("Q", "R"),
            graph=(True, True),
            outs=("qr",),
            until=REMOVED,
            **_RECT,
        )
        for whole in (False, True)
    ],
    Row(
        "linalg.qr",
        "qr, r",
        {"linalg.qr": {"mode": "r"}},
        _only_r,
        lambda batch, m, n: ((0,), (*batch, min(m, n), n)),
        parts=("same", "same"),
        fields=("Q", "R"),
        graph=(None, True),
        **_RECT,
    ),
    *[
        Row(
            "linalg.svd",
            f"svd(full_matrices={whole})",
            {"linalg.svd": {} if whole else {"full_matrices": False}},
            _svd,
            _svd_shapes(whole),
            parts=("same", "real", "same"),
            fields=("U", "S", "Vh"),
            graph=(True, True, True),
            outs=("linalg.svd",),
            **_RECT,
        )
        for whole in (False, True)
    ],
    *[
        Row(
            "linalg.svd",
            f"torch.svd(some={not whole})",
            {name: {"some": False} if whole else {} for name in ("svd", "x.svd")},
            _old_svd,
            _svd_shapes(whole, old=True),
            parts=("same", "real", "same"),
            fields=("U", "S", "V"),
            graph=(True, True, True),
            outs=("svd",),
            **_RECT,
        )
        for whole in (False, True)
    ],
    Row(
        "linalg.svd",
        "svdvals",
        {"linalg.svdvals": {}},
        _singular_values,
        lambda batch, m, n: ((*batch, min(m, n)),),
        parts=("real",),
        outs=("linalg.svdvals",),
        **_RECT,
    ),
    *[
        Row(
            "linalg.eigh",
            f"eigh({options})",
            {"linalg.eigh": options},
            _eigh(options.get("UPLO") in ("U", "u")),
            lambda batch, m, n: ((*batch, n), (*batch, n, n)),
            parts=("real", "same"),
            fields=("eigenvalues", "eigenvectors"),
            graph=(True, True),
            outs=("linalg.eigh",),
        )
        for options in ({}, {"UPLO": "U"})
    ],
    *[
        Row(
            "linalg.eigh",
            f"eigvalsh({options})",
            {"linalg.eigvalsh": options},
            _eigvalsh(options.get("UPLO") == "U"),
            lambda batch, m, n: ((*batch, n),),
            parts=("real",),
            outs=("linalg.eigvalsh",),
        )
        for options in ({}, {"UPLO": "U"})
    ],
    Row(
        "linalg.eig",
        "eig",
        {"linalg.eig": {}},
        _eig,
        lambda batch, m, n: ((*batch, n), (*batch, n, n)),
        parts=("complex", "complex"),
        fields=("eigenvalues", "eigenvectors"),
        graph=(True, True),
        outs=("linalg.eig",),
        since="2.0",
    ),
    Row(
        "linalg.eig",
        "eigvals",
        {"linalg.eigvals": {}},
        _eigvals,
        lambda batch, m, n: ((*batch, n),),
        parts=("complex",),
        outs=("linalg.eigvals",),
        since="2.0",
    ),
    Row(
        "linalg.pinv",
        "pinv",
        {"linalg.pinv": {}, "pinverse": {}, "x.pinverse": {}},
        _pinv,
        lambda batch, m, n: ((*batch, n, m),),
        outs=("linalg.pinv",),
        **_RECT,
    ),
    Row(
        "linalg.pinv",
        "pinv(hermitian=True)",
        {"linalg.pinv": {"hermitian": True}},
        _pinv,
        _same,
        kinds=("hermitian",),
        outs=("linalg.pinv",),
    ),
    Row(
        "linalg.solve",
        "solve",
        {"linalg.solve": {}},
        _solve,
        lambda batch, m, n: ((*batch, n, 2),),
        kinds=("square", "right"),
        outs=("linalg.solve",),
    ),
    Row(
        "linalg.solve",
        "solve(left=False)",
        {"linalg.solve": {"left": False}},
        _solve_right,
        lambda batch, m, n: ((*batch, 2, n),),
        kinds=("square", "left"),
        outs=("linalg.solve",),
    ),
    Row(
        "linalg.solve",
        "solve of two square matrices from the right",
        {"linalg.solve": {"left": False}},
        _solve_right,
        _same,
        kinds=("square", "positive"),
    ),
    Row(
        "linalg.solve",
        "solve_ex",
        {"linalg.solve_ex": {}},
        informed(_solve),
        lambda batch, m, n: ((*batch, n, 2), batch),
        kinds=("square", "right"),
        parts=("same", "int32"),
        fields=("result", "info"),
        graph=(True, False),
        outs=("linalg.solve_ex",),
    ),
    *[
        Row(
            "linalg.solve",
            f"solve_triangular(upper={upper}, left={left})",
            {"linalg.solve_triangular": {"upper": upper, "left": left}},
            _solve if left else _solve_right,
            _same,
            kinds=("upper" if upper else "lower", "positive"),
            outs=("linalg.solve_triangular",),
        )
        for upper in (False, True)
        for left in (False, True)
    ],
    Row(
        "linalg.lu",
        "lu",
        {"linalg.lu": {}},
        _plu,
        lambda batch, m, n: ((*batch, m, m), (*batch, m, min(m, n)), (*batch, min(m, n), n)),
        parts=("same", "same", "same"),
        fields=("P", "L", "U"),
        graph=(False, True, True),
        outs=("linalg.lu",),
        into=("contiguous", "empty"),  # into other layouts it has been seen to write beyond the memory of L
        **_RECT,
    ),
    Row(
        "linalg.lu",
        "lu_factor",
        {"linalg.lu_factor": {}},
        _packed,
        lambda batch, m, n: ((*batch, m, n), (*batch, min(m, n))),
        parts=("same", "int32"),
        fields=("LU", "pivots"),
        graph=(True, False),
        outs=("linalg.lu_factor",),
        **_RECT,
    ),
    Row(
        "linalg.lu",
        "lu_factor_ex",
        {"linalg.lu_factor_ex": {}},
        informed(_packed),
        lambda batch, m, n: ((*batch, m, n), (*batch, min(m, n)), batch),
        parts=("same", "int32", "int32"),
        fields=("LU", "pivots", "info"),
        graph=(True, False, False),
        outs=("linalg.lu_factor_ex",),
        **_RECT,
    ),
    Row(
        "linalg.products-and-chains",
        "matrix_exp",
        {"linalg.matrix_exp": {}, "matrix_exp": {}, "x.matrix_exp": {}},
        _exp,
        _same,
        plain=True,  # see linalg.matrix-exp-layouts
    ),
    *[
        Row(
            "linalg.matrix-power",
            f"matrix_power({n})",
            {name: {"n": n} for name in ("linalg.matrix_power", "matrix_power", "x.matrix_power")},
            _power(n),
            _same,
            outs=("linalg.matrix_power", "matrix_power"),
        )
        for n in (3, -1, 0)
    ],
    Row(
        "linalg.matrix-rank",
        "matrix_rank",
        {"linalg.matrix_rank": {}},
        _full_rank,
        _number,
        parts=("int64",),
        graph=(False,),
        outs=("linalg.matrix_rank",),
        **_RECT,
    ),
    Row(
        "linalg.matrix-rank",
        "matrix_rank(hermitian=True)",
        {"linalg.matrix_rank": {"hermitian": True}},
        _full_rank,
        _number,
        kinds=("hermitian",),
        parts=("int64",),
        graph=(False,),
        outs=("linalg.matrix_rank",),
    ),
    Row(
        "linalg.norms",
        "cond",
        {"linalg.cond": {}},
        _condition,
        _number,
        parts=("real",),
        outs=("linalg.cond",),
        least=1,
    ),
]

"""Calls whose results have a known outline: dtypes and shapes in letters that stand for several sizes."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.oracle.device import SIZES, Shape, outline

ALL = "(b, c, h)"
FLOATING = "exp log1p sin cos tanh sigmoid sqrt rsqrt erf reciprocal expm1 atan log2 sinh asinh lgamma digamma exp2"
KEEPING = "abs neg sign square clone detach positive"
ROUNDING = "floor ceil round trunc frac relu"
FUNCTIONS = "softplus elu gelu silu leaky_relu hardtanh logsigmoid selu relu6 softsign mish hardswish"

PAIRWISE = ("maximum", "minimum", "fmax", "fmin", "atan2", "hypot", "fmod")
OVER_TWO = ("sum", "mean", "amax", "amin", "logsumexp", "std", "var")
OVER_ALL = ("sum", "mean", "prod", "max", "min", "amax", "std", "var", "norm")


@dataclass(frozen=True)
class Input:
    """A tensor in a row: its shape in letters. `fill`: one, zero or eye (matrices that can be inverted)."""

    shape: str
    dtype: str = "float32"
    fill: str = "one"


@dataclass(frozen=True)
class Row:
    """One call as text, and the outline of what it gives. `since`: the first release whose meta kernels have it."""

    call: str
    gives: str
    inputs: dict[str, Input] = field(default_factory=dict)
    since: str | None = None

    def given(self, sizes: dict[str, int]) -> dict[str, tuple[Shape, str, str]]:
        """Shape, dtype and fill of the inputs that the call names."""
        named = {name: one for name, one in self.inputs.items() if name in _names(self.call)}
        return {
            name: (outline(f"{one.dtype} {one.shape}", sizes)[0][1], one.dtype, one.fill) for name, one in named.items()
        }


def _names(text: str) -> set[str]:
    return set(compile(text, "row", "eval").co_names)


Pairs = tuple[tuple[str, ...], ...]


def rows(inputs: dict[str, Input], *pairs: tuple[str, ...]) -> tuple[Row, ...]:
    """Rows of one family: (call, outline) or (call, outline, since)."""
    return tuple(Row(pair[0], pair[1], inputs, pair[2] if len(pair) > 2 else None) for pair in pairs)


_X = {
    "x": Input(ALL),
    "d": Input(ALL, "float64"),
    "i": Input(ALL, "int64"),
    "t": Input(ALL, "bool"),
    "z": Input(ALL, "complex64"),
    "e": Input("(h, h)"),
    "u": Input("(b, 1, h)"),
    "v": Input("(c, 1)", "float64"),
    "j": Input("(c, 1)", "int64"),
    "r": Input("(h,)", "int32"),
    "o": Input("()", "float64"),
}
POINTWISE: Pairs = (
    *((f"torch.{name}(x)", f"float32 {ALL}") for name in f"{FLOATING} {KEEPING} {ROUNDING}".split()),
    *((f"torch.{name}(i)", f"float32 {ALL}") for name in FLOATING.split()),
    *((f"torch.{name}(i)", f"int64 {ALL}") for name in KEEPING.split()),
    *((f"d.{name}()", f"float64 {ALL}") for name in ["exp", "sin", "tanh", "sigmoid", "floor"]),
    *((f"torch.is{name}(x)", f"bool {ALL}") for name in ["nan", "inf", "finite", "posinf", "neginf"]),
    *((f"F.{name}(x)", f"float32 {ALL}") for name in FUNCTIONS.split()),
    ("torch.abs(z)", f"float32 {ALL}"),
    ("torch.angle(z)", f"float32 {ALL}"),
    ("z.real", f"float32 {ALL}"),
    ("z.conj()", f"complex64 {ALL}"),
    ("torch.exp(z)", f"complex64 {ALL}"),
    ("torch.logical_not(x)", f"bool {ALL}"),
    ("~t", f"bool {ALL}"),
    ("~i", f"int64 {ALL}"),
    ("x.clamp(0, 1)", f"float32 {ALL}"),
    ("x.clamp(min=0)", f"float32 {ALL}"),
    ("torch.clip(i, 0, 1)", f"int64 {ALL}"),
    ("x ** 2", f"float32 {ALL}"),
    ("i ** 2", f"int64 {ALL}"),
    ("2 ** x", f"float32 {ALL}"),
    ("x.double()", f"float64 {ALL}"),
    ("x.to(torch.int32)", f"int32 {ALL}"),
    ("x.bool()", f"bool {ALL}"),
    ("torch.nan_to_num(x)", f"float32 {ALL}"),
    ("torch.dropout(x, 0.5, True)", f"float32 {ALL}"),
    ("F.dropout(x)", f"float32 {ALL}"),
    ("torch.bernoulli(x)", f"float32 {ALL}"),
    ("torch.rand_like(x)", f"float32 {ALL}"),
    ("torch.zeros_like(i)", f"int64 {ALL}"),
    ("x.softmax(1)", f"float32 {ALL}"),
    ("F.log_softmax(d, -1)", f"float64 {ALL}"),
    ("x.cumsum(0)", f"float32 {ALL}"),
    ("i.cumsum(0)", f"int64 {ALL}"),
    ("t.cumsum(1)", f"int64 {ALL}"),
    ("x.cumprod(-1)", f"float32 {ALL}"),
    ("torch.cummax(x, 1)", f"float32 {ALL}; int64 {ALL}", "2.6"),
    ("torch.logcumsumexp(x, 1)", f"float32 {ALL}", "2.6"),
    ("torch.frexp(x)", f"float32 {ALL}; int32 {ALL}", "2.6"),
)
BINARY: Pairs = (
    *((f"u {sign} v", f"float64 {ALL}") for sign in ["+", "-", "*", "/", "//", "%", "**"]),
    *((f"u {sign} j", f"float32 {ALL}") for sign in ["+", "-", "*", "/", "//", "%", "**"]),
    *((f"j {sign} r", "int64 (c, h)") for sign in ["+", "-", "*", "//", "%"]),
    *((f"u {sign} v", f"bool {ALL}") for sign in ["==", "!=", "<", "<=", ">", ">="]),
    *((f"j {sign} r", "int64 (c, h)") for sign in ["&", "|", "^"]),
    *((f"torch.{name}(u, v)", f"float64 {ALL}") for name in PAIRWISE),
    *((f"torch.logical_{name}(u, j)", f"bool {ALL}") for name in ["and", "or", "xor"]),
    ("j / r", "float32 (c, h)"),
    ("u + 1", "float32 (b, 1, h)"),
    ("j + 1.5", "float32 (c, 1)"),
    ("j + True", "int64 (c, 1)"),
    ("r / 2", "float32 (h,)"),
    ("r * 2", "int32 (h,)"),
    ("u + o", "float32 (b, 1, h)"),
    ("j + o", "float64 (c, 1)"),
    ("z * 2", f"complex64 {ALL}"),
    ("u * 2j", "complex64 (b, 1, h)"),
    ("v * 2j", "complex128 (c, 1)"),
    ("u + z", f"complex64 {ALL}"),
    ("z + d", f"complex128 {ALL}"),
    ("t + t", f"bool {ALL}"),
    ("t * i", f"int64 {ALL}"),
    ("t + x", f"float32 {ALL}"),
    ("torch.where(t, x, d)", f"float64 {ALL}", "2.0"),
    ("torch.where(x > 0, u, u)", f"float32 {ALL}"),
    ("torch.lerp(x, x, 0.5)", f"float32 {ALL}"),
    ("torch.addcmul(x, u, u)", f"float32 {ALL}"),
    ("torch.addcdiv(x, u, u, value=2)", f"float32 {ALL}"),
    ("torch.isclose(x, u)", f"bool {ALL}"),
    ("torch.broadcast_tensors(u, v)", f"float32 {ALL}; float64 {ALL}"),
    ("torch.bitwise_left_shift(j, r)", "int64 (c, h)"),
    ("torch.floor_divide(j, r)", "int64 (c, h)"),
    ("torch.div(j, r, rounding_mode='floor')", "int64 (c, h)"),
    ("torch.result_type(u, v) == torch.float64 and u.add(v)", f"float64 {ALL}"),
    ("F.mse_loss(x, x)", "float32 ()"),
    ("F.mse_loss(x, x, reduction='none')", f"float32 {ALL}"),
    ("F.l1_loss(x, x, reduction='sum')", "float32 ()"),
    ("F.smooth_l1_loss(d, d)", "float64 ()"),
    ("F.huber_loss(x, x, reduction='none')", f"float32 {ALL}"),
    ("F.binary_cross_entropy_with_logits(x, x)", "float32 ()"),
    ("F.kl_div(x, x, reduction='batchmean')", "float32 ()"),
    ("F.pairwise_distance(x, x)", "float32 (b, c)"),
    ("F.cosine_similarity(x, x, dim=1)", "float32 (b, h)", "2.0"),
    ("F.normalize(x, dim=1)", f"float32 {ALL}"),
)
_REDUCE = "sum mean prod amax amin logsumexp"
REDUCTIONS: Pairs = (
    *((f"torch.{name}(x, 1)", "float32 (b, h)") for name in _REDUCE.split()),
    *((f"torch.{name}(x, -1, keepdim=True)", "float32 (b, c, 1)") for name in _REDUCE.split()),
    *((f"torch.{name}(d, (0, 2))", "float64 (c,)") for name in OVER_TWO),
    *((f"torch.{name}(x)", "float32 ()") for name in OVER_ALL),
    ("torch.median(x)", "float32 ()", "2.6"),
    *((f"torch.{name}(x, 1)", "float32 (b, h); int64 (b, h)") for name in ["max", "min"]),
    *((f"torch.{name}(x, 1)", "float32 (b, h); int64 (b, h)", "2.6") for name in ["median", "mode"]),
    *((f"torch.{name}(i, 0, True)", "int64 (1, c, h); int64 (1, c, h)") for name in ["max", "min"]),
    *((f"torch.{name}(x)", "bool ()") for name in ["all", "any"]),
    *((f"torch.{name}(t, 1)", "bool (b, h)") for name in ["all", "any"]),
    *((f"torch.{name}(x)", "int64 ()") for name in ["argmax", "argmin"]),
    ("torch.count_nonzero(x)", "int64 ()", "2.6"),
    *((f"torch.{name}(x, 0, keepdim=True)", "int64 (1, c, h)") for name in ["argmax", "argmin"]),
    ("i.sum()", "int64 ()"),
    ("r.sum()", "int64 ()"),
    ("t.sum(0)", "int64 (c, h)"),
    ("i.prod(0)", "int64 (c, h)"),
    ("x.sum((0, 1), dtype=torch.float64)", "float64 (h,)"),
    ("i.sum(dtype=torch.float32)", "float32 ()"),
    ("i.float().mean((1, 2))", "float32 (b,)"),
    ("x.norm(dim=1)", "float32 (b, h)"),
    ("torch.linalg.vector_norm(x, dim=(0, 1))", "float32 (h,)"),
    ("torch.linalg.norm(e)", "float32 ()"),
    ("torch.var_mean(x, 1)", "float32 (b, h); float32 (b, h)"),
    ("torch.std_mean(x, (0, 1), keepdim=True)", "float32 (1, 1, h); float32 (1, 1, h)"),
    ("torch.aminmax(x, dim=2)", "float32 (b, c); float32 (b, c)"),
    ("torch.trace(e)", "float32 ()"),
    ("z.abs().sum()", "float32 ()"),
    ("z.sum(0)", "complex64 (c, h)"),
    ("torch.nansum(x, 1)", "float32 (b, h)"),
    ("x.sum(())", "float32 ()"),
    ("torch.diff(x, dim=1)", "float32 (b, max(c - 1, 0), h)"),
    ("torch.dist(x, x)", "float32 ()"),
    ("torch.cross(e[:, :3], e[:, :3], dim=1)", "float32 (h, 3)"),
)
_M = {
    "x": Input("(m, n)"),
    "y": Input("(n, h)"),
    "v": Input("(n,)"),
    "w": Input("(m,)"),
    "p": Input("(b, m, n)"),
    "q": Input("(b, n, h)"),
    "k": Input("(c, 1, m, n)"),
    "a": Input("(m, h)"),
    "g": Input("(b, m, h)"),
    "i": Input("(m, n)", "int64"),
    "l": Input("(n, h)", "int64"),
    "z": Input("(n, h)", "complex64"),
    "d": Input("(m, n)", "float64"),
}
PRODUCTS: Pairs = (
    ("x @ y", "float32 (m, h)"),
    ("torch.mm(x, y)", "float32 (m, h)"),
    ("y.t() @ x.t()", "float32 (h, m)"),
    ("i @ l", "int64 (m, h)"),
    ("d @ d.t()", "float64 (m, m)"),
    ("torch.mv(x, v)", "float32 (m,)"),
    ("v @ y", "float32 (h,)"),
    ("torch.dot(v, v)", "float32 ()"),
    ("torch.vdot(v, v)", "float32 ()"),
    ("torch.inner(x, v)", "float32 (m,)"),
    ("torch.inner(x, x)", "float32 (m, m)"),
    ("torch.outer(w, v)", "float32 (m, n)"),
    ("torch.bmm(p, q)", "float32 (b, m, h)"),
    ("p @ y", "float32 (b, m, h)"),
    ("x @ q", "float32 (b, m, h)"),
    ("p @ v", "float32 (b, m)"),
    ("v @ q", "float32 (b, h)"),
    ("k @ q", "float32 product((c, 1, m, n), (b, n, h))"),
    ("torch.addmm(a, x, y)", "float32 (m, h)"),
    ("torch.addmm(y[0], x, y)", "float32 (m, h)"),
    ("torch.addmv(w, x, v)", "float32 (m,)"),
    ("torch.addr(x, w, v)", "float32 (m, n)"),
    ("torch.baddbmm(g, p, q)", "float32 (b, m, h)"),
    ("torch.addbmm(a, p, q)", "float32 (m, h)", "2.0"),
    ("torch.einsum('mn,nh->hm', x, y)", "float32 (h, m)"),
    ("torch.einsum('bmn,bnh->bh', p, q)", "float32 (b, h)"),
    ("torch.einsum('mn->', x)", "float32 ()"),
    ("torch.tensordot(p, y, 1)", "float32 (b, m, h)"),
    ("torch.tensordot(p, x, dims=([1, 2], [0, 1]))", "float32 (b,)"),
    ("torch.kron(x, y)", "float32 (m * n, n * h)"),
    ("torch.linalg.multi_dot([x, y, y.t()])", "float32 (m, n)"),
    ("torch.matrix_power(x @ x.t(), 2)", "float32 (m, m)"),
    ("torch.cdist(x, x)", "float32 (m, m)", "2.0"),
    ("F.linear(x, y.t())", "float32 (m, h)"),
    ("F.linear(p, y.t(), y[0])", "float32 (b, m, h)"),
    ("F.linear(v, x)", "float32 (m,)"),
    ("F.bilinear(x, x, torch.ones(h, n, n, device=x.device))", "float32 (m, h)"),
    ("torch.triu(x)", "float32 (m, n)"),
    ("torch.tril(p, -1)", "float32 (b, m, n)"),
    ("z.mH @ z", "complex64 (h, h)"),
    ("F.scaled_dot_product_attention(g, g, g)", "float32 (b, m, h)", "2.0"),
)
_J = {
    "x": Input("(b, c, h)"),
    "y": Input("(b, m, h)"),
    "v": Input("(n,)"),
    "w": Input("(m,)"),
    "i": Input("(n,)", "int64", "zero"),
    "e": Input("(m, n)"),
    "f": Input("(b, c, h)", "float64"),
}
JOINING: Pairs = (
    ("torch.cat([x, y], 1)", "float32 (b, c + m, h)"),
    ("torch.cat([x, x, x], -1)", "float32 (b, c, 3 * h)"),
    ("torch.cat([x, f])", "float64 (2 * b, c, h)"),
    ("torch.cat([v, w])", "float32 (n + m,)"),
    ("torch.stack([x, x, x])", "float32 (3, b, c, h)"),
    ("torch.stack([x, x], -1)", "float32 (b, c, h, 2)"),
    ("torch.hstack([x, y])", "float32 (b, c + m, h)"),
    ("torch.vstack([v, v])", "float32 (2, n)"),
    ("torch.dstack([x, x])", "float32 (b, c, 2 * h)"),
    ("torch.column_stack([v, v])", "float32 (n, 2)"),
    ("x.repeat(2, 1, 3)", "float32 (2 * b, c, 3 * h)"),
    ("v.repeat(4, 2)", "float32 (4, 2 * n)"),
    ("torch.tile(x, (2,))", "float32 (b, c, 2 * h)"),
    ("x.repeat_interleave(3, dim=1)", "float32 (b, 3 * c, h)", "2.6"),
    ("x.flip(0, 2)", "float32 (b, c, h)"),
    ("x.roll(1, 1)", "float32 (b, c, h)"),
    ("torch.rot90(x, 1, (1, 2))", "float32 (b, h, c)"),
    ("F.pad(x, (1, 2))", "float32 (b, c, h + 3)"),
    ("F.pad(x, (0, 1, 2, 3), value=1.0)", "float32 (b, c + 5, h + 1)"),
    ("F.pad(x, (1, 1), mode='replicate')", "float32 (b, c, h + 2)"),
    ("F.pad(x, (2, 3), mode='reflect')", "float32 (b, c, h + 5)"),
    ("torch.block_diag(e, e)", "float32 (2 * m, 2 * n)"),
    ("torch.cartesian_prod(v, w)", "float32 (n * m, 2)"),
    ("torch.meshgrid(v, w, indexing='ij')", "float32 (n, m); float32 (n, m)"),
    ("torch.meshgrid(v, w, indexing='xy')", "float32 (m, n); float32 (m, n)"),
    ("torch.diag(v)", "float32 (n, n)"),
    ("torch.diag_embed(e)", "float32 (m, n, n)"),
    ("torch.vander(v, 3)", "float32 (n, 3)"),
    ("x.flatten()", "float32 (b * c * h,)"),
    ("x.reshape(c, -1)", "float32 (c, b * h)"),
    ("x.transpose(0, 2).reshape(-1)", "float32 (b * c * h,)"),
    ("F.one_hot(i, 7)", "int64 (n, 7)", "2.6"),
    ("torch.atleast_3d(v)", "float32 (1, n, 1)"),
)
_I = {
    "x": Input("(b, c, h)"),
    "i": Input("(n,)", "int64", "zero"),
    "k": Input("(b, n, h)", "int64", "zero"),
    "j": Input("(m, n)", "int64", "zero"),
    "t": Input("(b, c, h)", "bool"),
    "s": Input("(b, n, h)"),
    "r": Input("(n, c, h)"),
    "v": Input("(n,)"),
    "w": Input("(m, n)"),
}
INDEXING: Pairs = (
    ("x[i]", "float32 (n, c, h)"),
    ("x[:, i]", "float32 (b, n, h)"),
    ("x[j]", "float32 (m, n, c, h)"),
    ("x[i, i]", "float32 (n, h)"),
    ("x[:, i, i]", "float32 (b, n)"),
    ("x[i, :, i]", "float32 (n, c)"),
    ("x[j, 0, i]", "float32 (m, n)"),
    ("x[..., i]", "float32 (b, c, n)"),
    ("x[None, i]", "float32 (1, n, c, h)"),
    ("x[[0, 0, 0]]", "float32 (3, c, h)"),
    ("x.index_select(1, i)", "float32 (b, n, h)"),
    ("x.gather(1, k)", "float32 (b, n, h)"),
    ("torch.take_along_dim(x, k, 1)", "float32 (b, n, h)"),
    ("torch.take(x, j)", "float32 (m, n)", "2.6"),
    ("x.scatter(1, k[:, :1], s[:, :1])", "float32 (b, c, h)"),
    ("x.scatter(1, k[:, :1], 2.0)", "float32 (b, c, h)"),
    ("x.scatter_add(1, k, s)", "float32 (b, c, h)"),
    ("x.index_add(0, i, r)", "float32 (b, c, h)"),
    ("x.index_copy(0, i[:1], r[:1])", "float32 (b, c, h)"),
    ("x.index_fill(0, i, 1.0)", "float32 (b, c, h)"),
    ("x.index_put((i,), r)", "float32 (b, c, h)"),
    ("x.masked_fill(t, 0.0)", "float32 (b, c, h)"),
    ("torch.sort(x, 1)", "float32 (b, c, h); int64 (b, c, h)"),
    ("torch.argsort(x, -1)", "int64 (b, c, h)"),
    ("torch.topk(x, 2)", "float32 (b, c, 2); int64 (b, c, 2)"),
    ("torch.topk(x, 1, dim=0)", "float32 (1, c, h); int64 (1, c, h)"),
    ("torch.kthvalue(x, 1, 1)", "float32 (b, h); int64 (b, h)", "2.6"),
    ("torch.searchsorted(v, w)", "int64 (m, n)", "2.6"),
    ("torch.bucketize(w, v)", "int64 (m, n)", "2.6"),
    ("torch.isin(j, i)", "bool (m, n)", "2.6"),
    ("F.embedding(j, w)", "float32 (m, n, n)"),
    ("x.unfold(2, 3, 2)", "float32 (b, c, (h - 3) // 2 + 1, 3)"),
    ("torch.histc(v, 5)", "float32 (5,)", "2.6"),
)
_L = {
    "x": Input("(b, c, h, w)"),
    "y": Input("(b, c, h)"),
    "z": Input("(b, c, h, h, w)"),
    "k": Input("(n, c, 3, 2)"),
    "l": Input("(n, c, 3)"),
    "o": Input("(n, c, 3, 3, 3)"),
    "u": Input("(c, n, 3, 2)"),
    "g": Input("(c, 1, 3, 3)"),
    "v": Input("(c,)"),
    "a": Input("(n,)"),
    "s": Input("(b, 4 * c, h, w)"),
    "i": Input("(b,)", "int64", "zero"),
    "f": Input("(b, n)"),
    "p": Input("(b, h, w)", "int64", "zero"),
    "q": Input("(b, h, 8)"),
}
_2D = "float32 (b, {}, windows(h, {}), windows(w, {}))"
LAYERS: Pairs = (
    ("F.conv2d(x, k)", _2D.format("n", "3", "2")),
    ("F.conv2d(x, k, a)", _2D.format("n", "3", "2")),
    ("F.conv2d(x, k, stride=2, padding=1)", _2D.format("n", "3, 2, 1", "2, 2, 1")),
    ("F.conv2d(x, k, padding=(2, 1), dilation=2)", _2D.format("n", "3, 1, 2, 2", "2, 1, 1, 2")),
    ("F.conv2d(x, k, padding='same')", "float32 (b, n, h, w)"),
    ("F.conv2d(x[0], k)", "float32 (n, windows(h, 3), windows(w, 2))"),
    ("F.conv2d(x, g, groups=x.shape[1])", _2D.format("c", "3", "3")),
    ("F.conv1d(y, l, padding=1)", "float32 (b, n, h)"),
    ("F.conv1d(y, l, stride=3)", "float32 (b, n, windows(h, 3, 3))"),
    ("F.conv3d(z, o)", "float32 (b, n, h - 2, h - 2, w - 2)"),
    ("F.conv_transpose2d(x, u, stride=2)", "float32 (b, n, spread(h, 3, 2), spread(w, 2, 2))"),
    (
        "F.conv_transpose2d(x, u, stride=3, padding=1, output_padding=1)",
        "float32 (b, n, spread(h, 3, 3, 1, 1), spread(w, 2, 3, 1, 1))",
    ),
    ("F.max_pool2d(x, 2)", _2D.format("c", "2, 2", "2, 2")),
    ("F.max_pool2d(x, 3, 2, ceil_mode=True)", _2D.format("c", "3, 2, ceil=True", "3, 2, ceil=True")),
    ("F.max_pool2d(x, (3, 2), stride=1, padding=1)", _2D.format("c", "3, 1, 1", "2, 1, 1")),
    (
        "F.max_pool2d(x, 2, return_indices=True)",
        _2D.format("c", "2, 2", "2, 2") + "; " + _2D.format("c", "2, 2", "2, 2").replace("float32", "int64"),
    ),
    ("F.avg_pool2d(x, 3, 2, 1)", _2D.format("c", "3, 2, 1", "3, 2, 1")),
    ("F.avg_pool1d(y, 2)", "float32 (b, c, windows(h, 2, 2))"),
    ("F.max_pool1d(y, 3, 1)", "float32 (b, c, windows(h, 3))"),
    ("F.avg_pool3d(z, 2)", "float32 (b, c, h // 2, h // 2, w // 2)"),
    ("F.adaptive_avg_pool2d(x, (3, 2))", "float32 (b, c, 3, 2)"),
    ("F.adaptive_avg_pool2d(x, 1)", "float32 (b, c, 1, 1)"),
    ("F.adaptive_max_pool2d(x, (2, None))", "float32 (b, c, 2, w)"),
    ("F.interpolate(x, scale_factor=2)", "float32 (b, c, 2 * h, 2 * w)"),
    ("F.interpolate(x, size=(4, 5), mode='bilinear')", "float32 (b, c, 4, 5)"),
    ("F.interpolate(y, size=11, mode='linear')", "float32 (b, c, 11)", "2.6"),
    ("F.unfold(x, 3)", "float32 (b, 9 * c, windows(h, 3) * windows(w, 3))", "2.0"),
    ("F.pixel_shuffle(s, 2)", "float32 (b, c, 2 * h, 2 * w)"),
    ("F.pixel_unshuffle(F.pixel_shuffle(s, 2), 2)", "float32 (b, 4 * c, h, w)"),
    ("F.batch_norm(x, v, v)", "float32 (b, c, h, w)"),
    ("F.layer_norm(x, x.shape[2:])", "float32 (b, c, h, w)"),
    ("F.group_norm(x, 1)", "float32 (b, c, h, w)"),
    ("F.instance_norm(x)", "float32 (b, c, h, w)"),
    ("F.local_response_norm(x, 2)", "float32 (b, c, h, w)"),
    ("F.glu(s, 1)", "float32 (b, 2 * c, h, w)"),
    ("F.prelu(x, v)", "float32 (b, c, h, w)"),
    ("F.cross_entropy(f, i)", "float32 ()"),
    ("F.cross_entropy(f, i, reduction='none')", "float32 (b,)"),
    ("F.nll_loss(f, i)", "float32 ()"),
    ("F.cross_entropy(x, p, reduction='none')", "float32 (b, h, w)", "2.6"),
    ("torch.nn.LSTM(8, 5, batch_first=True, device=q.device)(q)[0]", "float32 (b, h, 5)"),
    ("torch.nn.GRU(8, 5, 2, bidirectional=True, device=q.device)(q)", "float32 (b, h, 10); float32 (4, h, 5)"),
    ("torch.nn.MultiheadAttention(8, 2, device=q.device)(q, q, q)", "float32 (b, h, 8); float32 (h, b, b)"),
    ("torch.nn.TransformerEncoderLayer(8, 2, 16, device=q.device)(q)", "float32 (b, h, 8)"),
    ("torch.fft.fft(y)", "complex64 (b, c, h)", "2.6"),
    ("torch.fft.rfft(y)", "complex64 (b, c, h // 2 + 1)", "2.6"),
    ("torch.fft.fft2(x)", "complex64 (b, c, h, w)", "2.6"),
)
_S = {"x": Input("(b, s, s)", "float32", "eye"), "e": Input("(s, s)", "float64", "eye"), "y": Input("(b, s, n)")}
_R = {"t": Input("(m, n)"), **_S}
MATRICES: Pairs = (
    ("torch.linalg.inv(x)", "float32 (b, s, s)"),
    ("torch.inverse(e)", "float64 (s, s)"),
    ("torch.linalg.cholesky(x)", "float32 (b, s, s)"),
    ("torch.linalg.solve(x, y)", "float32 (b, s, n)", "2.0"),
    ("torch.linalg.det(x)", "float32 (b,)", "2.0"),
    ("torch.linalg.slogdet(e)", "float64 (); float64 ()", "2.0"),
    ("torch.linalg.qr(t)", "float32 (m, min(m, n)); float32 (min(m, n), n)"),
    ("torch.linalg.svd(t)", "float32 (m, m); float32 (min(m, n),); float32 (n, n)", "2.0"),
    ("torch.linalg.svdvals(t)", "float32 (min(m, n),)", "2.0"),
    ("torch.linalg.eigvalsh(x)", "float32 (b, s)", "2.6"),
    ("torch.linalg.eigh(e)", "float64 (s,); float64 (s, s)", "2.6"),
    ("torch.linalg.solve_triangular(x, y, upper=False)", "float32 (b, s, n)", "2.6"),
    ("torch.diagonal(x, dim1=1, dim2=2)", "float32 (b, s)"),
    ("torch.linalg.matrix_norm(x)", "float32 (b,)"),
    ("torch.linalg.lu_factor(x)", "float32 (b, s, s); int32 (b, s)", "2.0"),
)
MADE: Pairs = (
    ("torch.zeros(b, c, device=device)", "float32 (b, c)"),
    ("torch.ones((b, c), dtype=torch.int8, device=device)", "int8 (b, c)"),
    ("torch.empty(h, device=device)", "float32 (h,)"),
    ("torch.full((b, c), 2, device=device)", "int64 (b, c)", "2.6"),
    ("torch.full((b,), True, device=device)", "bool (b,)", "2.6"),
    ("torch.eye(m, n, device=device)", "float32 (m, n)"),
    ("torch.arange(h, device=device)", "int64 (h,)"),
    ("torch.arange(1, 2.5, 0.25, device=device)", "float32 (span(1, 2.5, 0.25),)"),
    ("torch.arange(n, -3, -2, device=device)", "int64 (span(n, -3, -2),)"),
    ("torch.linspace(0, 1, n, device=device)", "float32 (n,)"),
    ("torch.logspace(0, 1, n, dtype=torch.float64, device=device)", "float64 (n,)"),
    ("torch.rand(b, c, device=device)", "float32 (b, c)"),
    ("torch.randn(n, dtype=torch.complex64, device=device)", "complex64 (n,)"),
    ("torch.randint(3, (b, n), device=device)", "int64 (b, n)"),
    ("torch.randperm(n, device=device)", "int64 (n,)"),
    ("torch.tril_indices(s, s, device=device)", "int64 (2, s * (s + 1) // 2)"),
    ("torch.empty_strided((b, c), (1, b), device=device)", "float32 (b, c)"),
    ("torch.hann_window(n, device=device)", "float32 (n,)"),
    ("torch.scalar_tensor(3, device=device)", "float32 ()"),
    ("torch.tensor([[1, 2], [3, 4]], device=device)", "int64 (2, 2)"),
    ("torch.tensor(True, device=device)", "bool ()"),
    ("torch.complex(torch.ones(n, device=device), torch.ones(n, device=device))", "complex64 (n,)"),
    ("torch.normal(0.0, 1.0, (b, n), device=device)", "float32 (b, n)"),
)
FAMILIES: dict[str, tuple[Row, ...]] = {
    "pointwise": rows(_X, *POINTWISE),
    "binary": rows(_X, *BINARY),
    "reductions": rows(_X, *REDUCTIONS),
    "products": rows(_M, *PRODUCTS),
    "joining": rows(_J, *JOINING),
    "indexing": rows(_I, *INDEXING),
    "layers": rows(_L, *LAYERS),
    "matrices": rows(_R, *MATRICES),
    "made": rows({}, *MADE),
}
__all__ = ["FAMILIES", "SIZES", "Input", "Row"]

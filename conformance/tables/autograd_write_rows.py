"""Ways of writing to a tensor, functions that need or do not need their tensors, and writes that are recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

# Every way of writing to x, of shape (2, 3) and float64. `m`: a mask; `i`: the index [1, 0]; `s`: another such tensor.
WAYS = {
    "arithmetic": [
        "x.add_(1)", "x.sub_(1)", "x.mul_(3)", "x.div_(2)", "x.pow_(2)", "x.fmod_(2)", "x.remainder_(2)",
        "x.atan2_(s)", "x.addcmul_(s, s)", "x.addcdiv_(s, s)", "x.lerp_(s, 0.5)", "x.addmm_(s[:, :2], s)",
        "x.addr_(s[:, 0], s[0])", "x.mul_(s)", "x.eq_(s)", "x.gt_(s)",
    ],
    "functions": [
        "x.neg_()", "x.abs_()", "x.exp_()", "x.log_()", "x.sqrt_()", "x.sin_()", "x.tanh_()", "x.sigmoid_()",
        "x.relu_()", "x.floor_()", "x.round_()", "x.reciprocal_()", "x.square_()", "x.clamp_(0, 1)",
        "x.clamp_min_(2)", "x.erf_()", "x.logit_(0.1)", "x.nan_to_num_()", "x.cumsum_(0)", "x.cumprod_(0)",
        "x.tril_()", "x.triu_()", "x.renorm_(2, 0, 1)",
    ],
    "filling": [
        "x.zero_()", "x.fill_(9)", "x.copy_(s)", "x.normal_()", "x.uniform_()", "x.bernoulli_()", "x.exponential_()",
        "x.random_()", "x.fill_diagonal_(9)", "x.cauchy_()", "x.geometric_(0.5)", "x.log_normal_()",
    ],
    "indexing": [
        "x.masked_fill_(m, 9)", "x.masked_scatter_(m, s)", "x.index_fill_(0, i, 9)", "x.index_add_(0, i, s)",
        "x.index_copy_(0, i, s)", "x.index_put_((i,), s)", "x.put_(i, s[0, :2])", "x.scatter_(1, i[:, None], 9)",
        "x.scatter_add_(1, i[:, None], s)",
    ],
    "assignment": [
        "x.__setitem__(0, 9)", "x.__setitem__((0, 1), 9)", "x.__setitem__(slice(1, 2), s[:1])", "x.__setitem__(m, 9)",
        "x.__setitem__(i, s)", "x.__setitem__(..., s)", "x.__setitem__((slice(None), [0, 2]), 9)", "x.__iadd__(1)",
        "x.__isub__(1)", "x.__imul__(3)", "x.__itruediv__(2)", "x.__ipow__(2)", "x.__ifloordiv__(2)", "x.__imod__(2)",
    ],
    "views": [
        "x[0].fill_(9)", "x.view(-1).mul_(3)", "x.t().add_(1)", "x[:, 1:].zero_()", "x.diagonal().fill_(9)",
        "x.flatten()[2:4].mul_(3)", "x.unbind()[0].mul_(3)", "x.chunk(2)[1].mul_(3)",
    ],
    "out": [
        "torch.add(s, s, out=x)", "torch.exp(s, out=x)", "torch.mul(s, 2, out=x)", "torch.stack([s[0], s[1]], out=x)",
    ],
    "functional": [
        "torch.relu_(x)", "F.relu(x, inplace=True)", "F.dropout(x, 0.5, inplace=True)", "F.threshold_(x, 2.0, 0.0)",
        "F.elu_(x)", "F.leaky_relu_(x)",
    ],
    "foreach": ["torch._foreach_mul_([x], 3)", "torch._foreach_add_([x], 1)"],
    "logical": ["x.logical_not_()"],
    "detached": ["x.detach().mul_(3)", "x.detach()[0].mul_(3)"],
    "init": ["torch.nn.init.normal_(x)", "torch.nn.init.zeros_(x)", "torch.nn.init.constant_(x, 9)"],
    # These change the shape or the memory, not the elements: they count, too, but views and results are as they were.
    "shape": ["x.set_(s)", "x.unsqueeze_(0)", "x.transpose_(0, 1)", "x.t_()", "x.squeeze_()"],
    "resize": ["x.resize_(3, 2)"],
}  # fmt: skip
SHAPES = ("shape", "resize")
# What older releases did not refuse, count, or spare.
SINCE = {"foreach": "2.6", "resize": "2.6"}
VALUES = np.array([[1.5, 2.0, 3.0], [4.0, 5.5, 6.0]])


# Functions of x and a, and whether the backward pass needs the values of x, of a, and of the result.
NEEDS: list[tuple[str, str]] = [
    ("x * a", "x a"), ("x @ a.t()", "x a"), ("torch.addcmul(x, x, a)", "x a"), ("x / a", "a"), ("x.sin() + a", "x"),
    ("x.cos()", "x"), ("x ** 2", "x"), ("x.exp()", "y"), ("x.tanh()", "y"), ("x.sigmoid()", "y"), ("x.sqrt()", "y"),
    ("x.relu()", "y"), ("x.log()", "x"), ("x.abs()", "x"), ("x.prod()", "x y"), ("x.cumprod(0)", "x"),
    ("x.norm()", "x y"), ("x.softmax(0)", "y"), ("x.log_softmax(0)", "y"), ("x.logsumexp(0)", "x y"),
    ("x.var()", "x"), ("x.std()", "x y"), ("torch.atan2(x, a)", "x a"), ("x.clamp(0, 1)", "x"), ("x.pow(a)", "x a"),
    ("torch.maximum(x, a)", "x a"), ("torch.mm(x, a.t())", "x a"), ("x.rsqrt()", "y"), ("x.reciprocal()", "y"),
    ("torch.lerp(x, a, 0.5) * x", "x"), ("x.square()", "x"), ("x.amax(0)", "x y"), ("torch.hypot(x, a)", "x a y"),
    ("F.softplus(x)", "x"), ("F.silu(x)", "x"), ("F.gelu(x)", "x"), ("F.mse_loss(x, a)", "x a"), ("x.cosh()", "x"),
    ("x.erf()", "x"), ("x.lgamma()", "x"), ("x.atan()", "x"), ("x.tan()", "y"), ("x.dist(a)", "x a y"),
    ("torch.matmul(x, a.t())", "x a"), ("F.linear(x, a)", "x a"), ("torch.bmm(x[None], a.t()[None])", "x a"),
    ("F.linear(x, a, a[:, 0] * 1)", "x a"), ("F.conv1d(x[None], a[None])", "x a"), ("x.t() @ a", "x a"),
    ("F.layer_norm(x, (3,))", "x"), ("F.layer_norm(x, (3,), a[0])", "x a"), ("torch.exp2(x)", "y"),
    ("torch.expm1(x)", "y"), ("torch.div(x, a)", "a"), ("x.true_divide(a)", "a"), ("x.sinh()", "x"),
    ("torch.lerp(x, a, x)", "x a"), ("torch.cdist(x, a)", "x a y"), ("(x @ x.t()).inverse()", "y"),
    ("torch.linalg.cholesky(x @ x.t())", "y"), ("x.cumprod(1)", "x"), ("x.asin()", "x"), ("x.log2()", "x"),
    ("torch.special.xlogy(x, a)", "x a"), ("torch.addmm(a @ x.t(), x, a.t())", "x a"), ("x.log1p()", "x"),
    ("F.leaky_relu(x)", "x"), ("F.elu(x)", "x"), ("F.hardtanh(x)", "x"), ("F.mish(x)", "x"),
    ("F.batch_norm(x, None, None, training=True)", "x"), ("F.max_pool1d(x[None], 2)", "x"), ("x.acosh()", "x"),
    ("torch.where(x > 2, x * x, x)", "x"), ("F.cosine_similarity(x, a)", "x a"),
    ("torch.logaddexp(x, a)", "x a"), ("torch.einsum('ij,kj->ik', x, a)", "x a"), ("x[0].dot(a[0])", "x a"),
    ("x.mv(a[0])", "x a"), ("torch.linalg.det(x @ x.t())", "y"),
    ("torch.linalg.solve(x @ x.t(), a)", "y"), ("F.smooth_l1_loss(x, a)", "x a"), ("x.rad2deg() * x", "x"),
    ("F.prelu(x, a[0, :1])", "x a"), ("F.glu(x, 0)", "x"), ("F.hardswish(x)", "x"), ("F.logsigmoid(x)", "x"),
]  # fmt: skip
UNNEEDED: list[tuple[str, str]] = [
    ("x + a", "x a y"), ("x - a", "x a y"), ("x * 2", "x y"), ("-x", "x y"), ("x.sum(0)", "x y"), ("x.exp()", "x"),
    ("x.tanh()", "x"), ("x * a", "y"), ("x @ a.t()", "y"), ("torch.cat([x, a])", "x a y"), ("x.clone()", "x y"),
    ("x.sigmoid()", "x"), ("x.sin()", "y"), ("x ** 2", "y"), ("x[[0, 0]]", "x y"), ("x.sqrt()", "x"),
    ("x.softmax(0)", "x"), ("x.cumsum(0)", "x y"), ("x.flip(0)", "x y"),
    ("torch.where(a.detach() > 3, x, a)", "x a y"), ("x.repeat(2, 1)", "x y"), ("x.relu()", "x"),
]  # fmt: skip


# (writes on y = x * 2 of shape (2, 3), the derivative of y's sum for x, and for w). x and w are leaves.
TRACKED: list[tuple[str, Any, Any]] = [
    ("y.add_(w)", 2.0, 1.0), ("y.mul_(w)", "2 * w", "2 * x"), ("y.sub_(w, alpha=3)", 2.0, -3.0),
    ("y.mul_(3)", 6.0, 0.0), ("y.copy_(w)", 0.0, 1.0), ("y.zero_()", 0.0, 0.0), ("y.fill_(3)", 0.0, 0.0),
    ("y.neg_()", -2.0, 0.0), ("y.square_()", "8 * x", 0.0),
    ("y[0] = w[0]", [[0, 0, 0], [2, 2, 2]], [[1, 1, 1], [0, 0, 0]]), ("y[0] = 5", [[0, 0, 0], [2, 2, 2]], 0.0),
    ("y[:, 1] = w[:, 2]", [[2, 0, 2], [2, 0, 2]], [[0, 0, 1], [0, 0, 1]]),
    ("y[y > 7] = 0", [[2, 2, 2], [0, 0, 0]], 0.0),
    ("y[[0, 1], [1, 2]] = w[0, :2]", [[2, 0, 2], [2, 2, 0]], [[1, 1, 0], [0, 0, 0]]),
    ("y[0].mul_(w[1])", "[2 * w[1], [2, 2, 2]]", [[0, 0, 0], [3, 4, 6]]),
    ("y[:, 1:].mul_(3)", [[2, 6, 6], [2, 6, 6]], 0.0), ("y.t()[0].zero_()", [[0, 2, 2], [0, 2, 2]], 0.0),
    ("y.view(-1)[::2].mul_(5)", [[10, 2, 10], [2, 10, 2]], 0.0),
    ("y.diagonal().fill_(1)", [[0, 2, 2], [2, 0, 2]], 0.0), ("y[0][1:].add_(w[0, 1:])", 2.0, [[0, 1, 1], [0, 0, 0]]),
    ("y.unsqueeze(0)[0, 1].mul_(3)", [[2, 2, 2], [6, 6, 6]], 0.0),
    ("y.masked_fill_(y > 7, 1)", [[2, 2, 2], [0, 0, 0]], 0.0),
    ("y.index_fill_(0, torch.tensor([1], device=y.device), 1)", [[2, 2, 2], [0, 0, 0]], 0.0),
    ("y.lerp_(w, 0.25)", 1.5, 0.25), ("y.index_add_(0, torch.tensor([1, 1], device=y.device), w)", 2.0, 1.0),
    ("y.index_copy_(0, torch.tensor([1], device=y.device), w[:1])", [[2, 2, 2], [0, 0, 0]], [[1, 1, 1], [0, 0, 0]]),
    ("y.scatter_add_(1, torch.tensor([[0, 0, 1], [2, 2, 0]], device=y.device), w)", 2.0, 1.0), ("y += w", 2.0, 1.0),
    ("y *= w", "2 * w", "2 * x"), ("y -= w", 2.0, -1.0), ("y /= 4", 0.5, 0.0), ("y.addcmul_(w, w)", 2.0, "2 * w"),
    ("y.clamp_(0, 7)", [[2, 2, 2], [0, 0, 0]], 0.0), ("y.relu_()", 2.0, 0.0),
    ("y.cumsum_(0)", [[4, 4, 4], [2, 2, 2]], 0.0), ("y.t_().mul_(w.t())", "2 * w", "2 * x"),
    ("y.add_(1).mul_(w).add_(y)", "4 * w", "4 * x + 2"), ("y.mul_(y.detach().clone())", "4 * x", 0.0),
    ("a, b = y[:, :1], y[:, 1:]; a.mul_(3); b.mul_(5); a.add_(w[:, :1])",
     [[6, 10, 10], [6, 10, 10]], [[1, 0, 0], [1, 0, 0]]),
    ("v = y[0]; y.mul_(w)", "2 * w", "2 * x"), ("v = y.view(3, 2); y.mul_(3); v.add_(1)", 6.0, 0.0),
]  # fmt: skip

"""The gradients that PyTorch gives at ties, bounds, zeros and infinities: one row a choice."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log, nan


@dataclass(frozen=True, eq=False)
class Convention:
    """The gradients of the sum of a function's results, at chosen points.

    `forms`: torch expressions in x, y, z, all with the same gradients; `inputs`, `gradients`: for x, y, z in turn.
    """

    claim: str
    forms: tuple[str, ...]
    inputs: tuple[list, ...]
    gradients: tuple[list, ...]
    since: str | None = None
    until: str | None = None


Row = Convention
# Sixteen and more elements take the vectorised paths of kernels.
ZEROS = [0.0] * 17
TIES = [1.0, 2.0, 2.0, -1.0]
LONG_TIES = [2.0, 1.0] * 10
INDEX = "torch.tensor([0, 0, 1], device=x.device)"

ROWS = [
    # -- kinks: the subgradient of least norm -------------------------------------------------------------------------
    Row("abs-at-zero", ("x.abs()", "torch.abs(x)", "x.clone().abs_()"), ([0.0, -0.0, 2.0, -3.0],), ([0, 0, 1, -1],)),
    Row("abs-at-zero", ("x.abs()",), (ZEROS,), (ZEROS,)),
    Row(
        "abs-at-zero",
        ("F.l1_loss(x, y, reduction='sum')", "(x - y).abs()"),
        ([0.0, 1.0, 2.0], [0.0, 3.0, 0.0]),
        ([0, -1, 1], [0, 1, -1]),
    ),
    Row(
        "relu-at-zero",
        ("torch.relu(x)", "F.relu(x)", "x.relu()", "x.clone().relu_()", "F.relu6(x)", "F.threshold(x, 0.0, 0.0)"),
        ([0.0, -0.0, -1.0, 2.0],),
        ([0, 0, 0, 1],),
    ),
    Row("relu-at-zero", ("torch.relu(x)", "F.relu(x)"), (ZEROS,), (ZEROS,)),
    Row("kinks", ("F.relu6(x)",), ([0.0, 6.0, 3.0, 7.0],), ([0, 0, 1, 0],)),
    Row("kinks", ("F.hardtanh(x)",), ([-1.0, 1.0, 0.5, -2.0],), ([0, 0, 1, 0],)),
    Row("kinks", ("6 * F.hardsigmoid(x)",), ([-3.0, 3.0, 4.0, -5.0],), ([0, 0, 0, 0],)),
    Row("kinks", ("F.leaky_relu(x, 0.25)",), ([0.0, -1.0, 1.0],), ([0.25, 0.25, 1],)),
    Row("kinks", ("F.elu(x)", "F.celu(x)"), ([0.0, -0.0, 1.0],), ([1, 1, 1],)),
    Row("kinks", ("F.softshrink(x)",), ([-0.5, 0.5, 0.75, 0.0],), ([0, 0, 1, 0],)),
    Row("kinks", ("F.hardshrink(x)",), ([-0.5, 0.5, 0.75, 0.0],), ([0, 0, 1, 0],)),
    Row("kinks", ("F.threshold(x, 1.0, 5.0)",), ([1.0, 2.0, 0.0],), ([0, 1, 0],)),
    Row(
        "kinks",
        ("torch.sign(x)", "torch.floor(x)", "torch.ceil(x)", "torch.round(x)", "torch.trunc(x)"),
        ([0.0, 1.0, -2.0, 0.5],),
        ([0, 0, 0, 0],),
    ),
    Row("kinks", ("torch.frac(x)",), ([0.5, -1.5, 2.0],), ([1, 1, 1],)),
    Row("hardswish-at-bounds", ("F.hardswish(x)",), ([-3.0, 3.0, 0.0, 4.0],), ([0, 1, 0.5, 1],), since="2.13"),
    Row("hardswish-at-bounds", ("F.hardswish(x)",), ([-3.0, 3.0, 0.0, 4.0],), ([-0.5, 1.5, 0.5, 1],), until="2.7"),
    Row(
        "kinks",
        ("F.smooth_l1_loss(x, y, reduction='sum')", "F.huber_loss(x, y, reduction='sum')"),
        ([0.0, 1.0, 2.0, -1.0], [0.0, 0.0, 0.0, 0.0]),
        ([0, 1, 1, -1], [0, -1, -1, 1]),
    ),
    # -- clamp -------------------------------------------------------------------------------------------------------
    Row(
        "clamp-at-bounds",
        ("x.clamp(-1, 1)", "torch.clip(x, -1, 1)", "x.clone().clamp_(-1, 1)"),
        ([-1.0, 1.0, 0.0, 2.0, -3.0],),
        ([1, 1, 1, 0, 0],),
        until="2.14",
    ),
    Row("clamp-at-bounds", ("x.clamp_min(0)", "x.clamp(min=0)"), ([0.0, 1.0, -1.0],), ([1, 1, 0],), until="2.14"),
    Row("clamp-at-bounds", ("x.clamp_max(0)", "x.clamp(max=0)"), ([0.0, 1.0, -1.0],), ([1, 0, 1],), until="2.14"),
    Row(
        "clamp-at-tensor-bounds",
        ("x.clamp(max=y)",),
        ([1.0, 2.0, 0.0], [1.0, 3.0, -1.0]),
        ([1, 1, 0], [0, 0, 1]),
        until="2.14",
    ),
    Row(
        "clamp-at-tensor-bounds",
        ("x.clamp(min=y)",),
        ([1.0, 2.0, 0.0], [1.0, 3.0, -1.0]),
        ([1, 0, 1], [0, 1, 0]),
        until="2.14",
    ),
    Row(
        "clamp-at-bounds",
        ("x.clamp(-1, 1)", "torch.clip(x, -1, 1)", "x.clone().clamp_(-1, 1)"),
        ([-1.0, 1.0, 0.0, 2.0, -3.0],),
        ([0, 0, 1, 0, 0],),
        since="2.15",
    ),
    Row("clamp-at-bounds", ("x.clamp_min(0)", "x.clamp(min=0)"), ([0.0, 1.0, -1.0],), ([0, 1, 0],), since="2.15"),
    Row("clamp-at-bounds", ("x.clamp_max(0)", "x.clamp(max=0)"), ([0.0, 1.0, -1.0],), ([0, 0, 1],), since="2.15"),
    Row(
        "clamp-at-tensor-bounds",
        ("x.clamp(max=y)",),
        ([1.0, 2.0, 0.0], [1.0, 3.0, -1.0]),
        ([0.5, 1, 0], [0.5, 0, 1]),
        since="2.15",
    ),
    Row(
        "clamp-at-tensor-bounds",
        ("x.clamp(min=y)",),
        ([1.0, 2.0, 0.0], [1.0, 3.0, -1.0]),
        ([0.5, 0, 1], [0.5, 1, 0]),
        since="2.15",
    ),
    # -- ties ----------------------------------------------------------------------------------------------------------
    Row("full-reductions-share-ties", ("x.max()", "torch.max(x)"), (TIES,), ([0, 0.5, 0.5, 0],)),
    Row("full-reductions-share-ties", ("x.min()", "torch.min(x)"), ([1.0, 3.0, 1.0],), ([0.5, 0, 0.5],)),
    Row("full-reductions-share-ties", ("x.max()",), (LONG_TIES,), ([0.1, 0] * 10,)),
    Row("full-reductions-share-ties", ("x.median()",), ([1.0, 2.0, 2.0, 3.0, 2.0],), ([0, 1 / 3, 1 / 3, 0, 1 / 3],)),
    Row("amax-shares-ties", ("x.amax()", "x.amax(0)", "torch.amax(x, -1)"), (TIES,), ([0, 0.5, 0.5, 0],)),
    Row("amax-shares-ties", ("x.amin()", "x.amin(0)", "torch.amin(x, -1)"), ([1.0, 3.0, 1.0],), ([0.5, 0, 0.5],)),
    Row("amax-shares-ties", ("x.amax(0)", "x.amax()"), (LONG_TIES,), ([0.1, 0] * 10,)),
    Row("amax-shares-ties", ("x.amax(1)",), ([[1.0, 1.0], [2.0, 3.0]],), ([[0.5, 0.5], [0, 1]],)),
    Row("amax-shares-ties", ("x.amax((0, 1))",), ([[1.0, 3.0], [2.0, 3.0]],), ([[0, 0.5], [0, 0.5]],)),
    Row("amax-shares-ties", ("sum(torch.aminmax(x))",), (TIES,), ([0, 0.5, 0.5, 1],), since="2.13"),
    Row(
        "maximum-shares-ties",
        ("torch.maximum(x, y)", "torch.max(x, y)"),
        ([1.0, 2.0, 4.0], [1.0, 3.0, 3.0]),
        ([0.5, 0, 1], [0.5, 1, 0]),
    ),
    Row(
        "maximum-shares-ties",
        ("torch.minimum(x, y)", "torch.min(x, y)"),
        ([1.0, 2.0, 4.0], [1.0, 3.0, 3.0]),
        ([0.5, 1, 0], [0.5, 0, 1]),
    ),
    Row("maximum-shares-ties", ("torch.maximum(x, x)", "torch.minimum(x, x)"), ([1.0, 2.0],), ([1, 1],)),
    Row(
        "fmax-at-ties",
        ("torch.fmax(x, y)",),
        ([1.0, 2.0, nan, 1.0], [1.0, 3.0, 1.0, nan]),
        ([1, 0, 0, 1], [0, 1, 1, 0]),
        until="2.14",
    ),
    Row(
        "fmax-at-ties",
        ("torch.fmin(x, y)",),
        ([1.0, 2.0, nan, 1.0], [1.0, 3.0, 1.0, nan]),
        ([1, 1, 0, 1], [0, 0, 1, 0]),
        until="2.14",
    ),
    Row(
        "fmax-at-ties",
        ("torch.fmax(x, y)",),
        ([1.0, 2.0, nan, 1.0], [1.0, 3.0, 1.0, nan]),
        ([0.5, 0, 0, 1], [0.5, 1, 1, 0]),
        since="2.15",
    ),
    Row(
        "fmax-at-ties",
        ("torch.fmin(x, y)",),
        ([1.0, 2.0, nan, 1.0], [1.0, 3.0, 1.0, nan]),
        ([0.5, 1, 0, 1], [0.5, 0, 1, 0]),
        since="2.15",
    ),
    Row("ties-at-one-quantile", ("torch.quantile(x, 0.5)",), ([1.0, 2.0, 3.0, 4.0],), ([0, 0.5, 0.5, 0],)),
    Row(
        "scatter-reduce-ties",
        (f"torch.zeros(2).type_as(x).scatter_reduce(0, {INDEX}, x, 'amax')",),
        ([1.0, 1.0, 2.0],),
        ([0.5, 0.5, 1],),
    ),
    Row(
        "scatter-reduce-ties",
        (f"torch.full((2,), 9.0).type_as(x).scatter_reduce(0, {INDEX}, x, 'amin')",),
        ([1.0, 1.0, 2.0],),
        ([0.5, 0.5, 1],),
    ),
    Row(
        "scatter-reduce-ties",
        (f"torch.ones(2).type_as(x).scatter_reduce(0, {INDEX}, x, 'prod')",),
        ([0.0, 4.0, 2.0],),
        ([4, 0, 1],),
    ),
    Row(
        "scatter-reduce-ties",
        (f"torch.ones(2).type_as(x).scatter_reduce(0, {INDEX}, x, 'mean', include_self=False)",),
        ([0.0, 4.0, 2.0],),
        ([0.5, 0.5, 1],),
    ),
    # -- norms, roots, products ---------------------------------------------------------------------------------------
    Row(
        "norm-at-zero",
        ("x.norm()", "torch.norm(x)", "torch.linalg.vector_norm(x)", "torch.linalg.norm(x)"),
        ([0.0, 0.0],),
        ([0, 0],),
    ),
    Row(
        "norm-at-zero",
        ("x.norm()", "x.norm(1)", "x.norm(3)", "x.norm(1.5)", "x.norm(0.5)", "x.norm(inf)", "x.norm(-inf)"),
        (ZEROS,),
        (ZEROS,),
    ),
    Row("norm-at-zero", ("x.norm(dim=1)",), ([[0.0, 0.0], [3.0, 4.0]],), ([[0, 0], [0.6, 0.8]],)),
    Row("norm-at-zero", ("torch.linalg.matrix_norm(x)",), ([[0.0, 0.0], [0.0, 0.0]],), ([[0, 0], [0, 0]],)),
    Row("norm-at-zero", ("torch.dist(x, y)", "torch.dist(x, y, 1)"), ([1.0, 2.0], [1.0, 2.0]), ([0, 0], [0, 0])),
    Row(
        "norm-at-zero",
        ("torch.cdist(x, y)", "torch.cdist(x, y, p=1.0)", "torch.cdist(x, y, p=3.0)"),
        ([[1.0, 2.0]], [[1.0, 2.0]]),
        ([[0, 0]], [[0, 0]]),
    ),
    Row("norm-of-some-zeros", ("x.norm(1)", "torch.linalg.vector_norm(x, 1)"), ([2.0, -2.0, 0.0],), ([1, -1, 0],)),
    Row("norm-of-some-zeros", ("x.norm(3)",), ([2.0, 0.0, 0.0],), ([1, 0, 0],)),
    Row(
        "norm-inf-shares-ties",
        ("x.norm(inf)", "torch.linalg.vector_norm(x, inf)"),
        ([2.0, -2.0, 1.0],),
        ([0.5, -0.5, 0],),
    ),
    Row("norm-inf-shares-ties", ("x.norm(-inf)",), ([2.0, -1.0, 1.0],), ([0, -0.5, 0.5],)),
    Row("at-poles", ("torch.sqrt(x)", "x ** 0.5"), ([0.0, 4.0],), ([inf, 0.25],)),
    Row("at-poles", ("torch.rsqrt(x)",), ([0.0, 4.0],), ([-inf, -0.0625],)),
    Row("at-poles", ("torch.log(x)", "torch.log(x) * 1"), ([0.0, 2.0],), ([inf, 0.5],)),
    Row("at-poles", ("torch.reciprocal(x)", "1 / x"), ([0.0, 2.0],), ([-inf, -0.25],)),
    Row("at-poles", ("torch.asin(x)", "-torch.acos(x)"), ([1.0, -1.0, 0.0],), ([inf, inf, 1],)),
    Row("at-poles", ("torch.logit(x)",), ([0.0, 0.5, 1.0],), ([inf, 4, inf],)),
    Row("at-poles", ("torch.logit(x, 0.25)",), ([0.0, 0.5, 1.0],), ([0, 4, 0],)),
    Row("at-poles", ("torch.sinc(x)",), ([0.0],), ([0],)),
    Row("prod-with-zeros", ("x.prod()", "torch.prod(x)", "x.prod(0)"), ([0.0, 2.0, 3.0],), ([6, 0, 0],)),
    Row("prod-with-zeros", ("x.prod()", "x.prod(0)", "x.prod(-1, keepdim=True)"), ([0.0, 2.0, 0.0],), ([0, 0, 0],)),
    Row("prod-with-zeros", ("x.prod(1)",), ([[0.0, 2.0], [3.0, 4.0], [0.0, 0.0]],), ([[2, 0], [4, 3], [0, 0]],)),
    Row("prod-with-zeros", ("x.prod()",), ([*[1.0] * 17, 0.0],), ([*[0] * 17, 1],)),
    Row(
        "cumprod-with-zeros", ("x.cumprod(0)", "torch.cumprod(x, -1)"), ([2.0, 0.0, 3.0, 0.0, 4.0],), ([1, 8, 0, 0, 0],)
    ),
    Row("cumprod-with-zeros", ("x.cumprod(0)",), ([0.0, 2.0, 3.0],), ([9, 0, 0],)),
    Row("cumprod-with-zeros", ("x.cumprod(1)",), ([[0.0, 0.0], [2.0, 0.0]],), ([[1, 0], [1, 2]],)),
    # -- powers --------------------------------------------------------------------------------------------------------
    Row("pow-at-zero", ("x ** 0",), ([0.0, -2.0, 2.0],), ([0, 0, 0],)),
    Row("pow-at-zero", ("x ** 1", "torch.pow(x, 1.0)"), ([0.0, -2.0, 2.0],), ([1, 1, 1],)),
    Row("pow-at-zero", ("x ** 2", "torch.square(x)", "x.pow(2.0)"), ([0.0, -2.0, 2.0],), ([0, -4, 4],)),
    Row("pow-at-zero", ("x ** 3",), ([0.0, -2.0, 2.0],), ([0, 12, 12],)),
    Row("pow-at-zero", ("x ** -1",), ([0.0, -2.0, 2.0],), ([-inf, -0.25, -0.25],)),
    Row(
        "pow-at-zero",
        ("x ** y",),
        ([0.0, 0.0, 0.0, 2.0], [0.0, 1.0, 2.0, -1.0]),
        ([0, 1, 0, -0.25], [0, 0, 0, log(2) / 2]),
    ),
    Row("pow-at-zero", ("1 ** x", "torch.pow(1.0, x)"), ([0.0, -2.0, 2.0],), ([0, 0, 0],)),
    Row("pow-at-zero", ("0.0 ** x",), ([2.0, 0.0],), ([0, 0],)),
    Row("pow-of-negative-base", ("x ** y",), ([-2.0], [3.0]), ([12], [nan])),
    Row("pow-of-negative-base", ("x ** 0.5", "x ** 2.5"), ([-2.0],), ([nan],)),
    Row("xlogy-at-zero", ("torch.xlogy(x, y)",), ([0.0, 2.0], [2.0, 4.0]), ([log(2), log(4)], [0, 0.5])),
    # -- statistics, remainders, angles --------------------------------------------------------------------------------
    Row(
        "std-of-one-element",
        ("x.std()", "torch.std(x)", "x.var()", "torch.var(x)", "x.std(0)"),
        ([3.0],),
        ([nan],),
        since="2.0",
    ),
    Row("std-of-one-element", ("x.var(unbiased=False)",), ([3.0],), ([0],)),
    Row(
        "std-of-equal-elements",
        ("x.std()", "x.std(0)", "x.var()", "torch.std_mean(x)[0]"),
        ([3.0, 3.0, 3.0],),
        ([0, 0, 0],),
    ),
    Row("fmod-derivatives", ("torch.fmod(x, y)",), ([5.0, -5.0, 5.0], [3.0, 3.0, -3.0]), ([1, 1, 1], [-1, 1, 1])),
    Row(
        "fmod-derivatives",
        ("torch.remainder(x, y)", "x % y"),
        ([5.0, -5.0, 5.0], [3.0, 3.0, -3.0]),
        ([1, 1, 1], [-1, 2, 2]),
    ),
    Row("fmod-derivatives", ("torch.fmod(x, 3)", "torch.remainder(x, 3)"), ([5.0, -5.0, 6.0],), ([1, 1, 1],)),
    Row(
        "fmod-derivatives",
        ("torch.div(x, y, rounding_mode='floor')", "torch.div(x, y, rounding_mode='trunc')"),
        ([5.0, -5.0], [2.0, 3.0]),
        ([0, 0], [0, 0]),
    ),
    Row(
        "atan2-at-origin",
        ("torch.atan2(x, y)",),
        ([0.0, 1.0, 0.0], [0.0, 0.0, -1.0]),
        ([0, 0, -1], [0, -1, 0]),
        since="2.13",
    ),
    Row(
        "atan2-on-axes",
        ("torch.atan2(x, y)", "x.arctan2(y)"),
        ([1.0, 0.0, -2.0, 0.0], [0.0, -1.0, 0.0, 4.0]),
        ([0, -1, 0, 0.25], [-1, 0, 0.5, 0]),
    ),
    Row("copysign-at-zero", ("torch.copysign(x, y)",), ([0.0, 2.0, -3.0], [-1.0, -3.0, 2.0]), ([0, -1, -1], [0, 0, 0])),
    Row("at-poles", ("torch.hypot(x, y)",), ([3.0, 0.0], [4.0, 2.0]), ([0.6, 0], [0.8, 1])),
    Row(
        "lerp-with-weights",
        ("torch.lerp(x, y, z)",),
        ([1.0, 2.0], [3.0, 7.0], [0.25, 0.75]),
        ([0.75, 0.25], [0.25, 0.75], [2, 5]),
    ),
    Row("lerp-with-weights", ("torch.lerp(x, y, z)",), ([1.0, 2.0], [3.0, 7.0], [0.0, 1.0]), ([1, 0], [0, 1], [2, 5])),
    Row(
        "nan-to-num-gradient",
        ("torch.nan_to_num(x)", "x.nan_to_num(1.0, 2.0, 3.0)"),
        ([nan, inf, -inf, 1.0],),
        ([0, 0, 0, 1],),
    ),
    # -- selections ----------------------------------------------------------------------------------------------------
    Row(
        "where-keeps-apart",
        ("torch.where(x > 0, x, y)", "x.where(x > 0, y)"),
        ([1.0, -1.0, 0.0], [5.0, 6.0, 7.0]),
        ([1, 0, 0], [0, 1, 1]),
    ),
    Row(
        "where-keeps-apart",
        ("torch.where(x > 0, 2 * x, torch.zeros_like(x))", "torch.where(x > 0, 2 * x, torch.zeros((), dtype=x.dtype))"),
        ([1.0, -1.0, nan],),
        ([2, 0, 0],),
    ),
    Row(
        "where-lets-nan-through", ("torch.where(x > 0, x.sqrt(), torch.zeros_like(x))",), ([0.0, 4.0],), ([nan, 0.25],)
    ),
    Row(
        "duplicates-add-up",
        (
            "x[[0, 0, 2, 0]]",
            "x[torch.tensor([0, 0, 2, 0], device=x.device)]",
            "x.index_select(0, torch.tensor([0, 0, 2, 0], device=x.device))",
            "x.gather(0, torch.tensor([0, 0, 2, 0], device=x.device))",
            "x.take(torch.tensor([0, 0, 2, 0], device=x.device))",
            "torch.stack([x[0], x[0], x[2], x[0]])",
            "torch.cat([x[:1], x[:1], x[2:], x[:1]])",
        ),
        ([5.0, 6.0, 7.0],),
        ([3, 0, 1],),
    ),
    Row(
        "duplicates-add-up",
        (
            "x.index_select(0, torch.zeros(40, dtype=torch.int64, device=x.device))",
            "x[[0] * 40]",
            "x[:1].expand(40)",
            "x[:1].repeat(40)",
            "F.embedding(torch.zeros(40, dtype=torch.int64, device=x.device), x[:, None])",
        ),
        ([5.0, 6.0],),
        ([40, 0],),
    ),
    Row(
        "duplicates-add-up",
        ("F.embedding(torch.tensor([1, 1, 0], device=x.device), x, padding_idx=0)",),
        ([[1.0], [2.0]],),
        ([[0], [2]],),
    ),
    Row(
        "duplicates-add-up",
        ("F.embedding(torch.tensor([1, 1, 0], device=x.device), x, scale_grad_by_freq=True)",),
        ([[1.0], [2.0]],),
        ([[1], [1]],),
    ),
    Row("logsumexp-at-infinity", ("torch.logsumexp(x, 0)",), ([-inf, 0.0, 0.0],), ([0, 0.5, 0.5],)),
    Row("logsumexp-at-infinity", ("torch.logaddexp(x, y)",), ([-inf, 1.0], [2.0, 1.0]), ([0, 0.5], [1, 0.5])),
    Row(
        "empty-gradients",
        ("x.sum()", "x.mean()", "x.prod()", "x.sum(0)", "x.exp()", "x.sort()[0]", "x[:0]", "x.cumsum(0)", "x @ x"),
        ([],),
        ([],),
    ),
    Row("max-pool-ties", ("F.max_pool1d(x[None, None], 2)",), ([1.0, 1.0, 2.0, 2.0],), ([1, 0, 1, 0],)),
    Row("norm-at-zero", ("F.normalize(x, dim=0, eps=0.5)",), ([0.0, 0.0],), ([2, 2],)),
    Row(
        "norm-at-zero",
        ("F.cosine_similarity(x, y, dim=0, eps=0.5)",),
        ([0.0, 0.0], [3.0, 4.0]),
        ([0.6 / 0.5, 0.8 / 0.5], [0, 0]),
        since="2.0",
    ),
    # -- complex zero, NaN, infinities ---------------------------------------------------------------------------------
    Row(
        "complex-at-zero",
        ("torch.complex(x, y).abs()", "torch.complex(x, y).absolute()", "abs(torch.complex(x, y))"),
        ([0.0, 3.0, -0.0], [0.0, 4.0, 0.0]),
        ([0, 0.6, 0], [0, 0.8, 0]),
    ),
    Row("complex-at-zero", ("torch.complex(x, y).angle()",), ([0.0, 3.0], [0.0, 4.0]), ([0, -0.16], [0, 0.12])),
    Row("complex-at-zero", ("torch.complex(x, y).sgn().real",), ([0.0, 3.0], [0.0, 4.0]), ([0, 0.128], [0, -0.096])),
    Row("complex-at-zero", ("torch.complex(x, y).norm()",), ([0.0, 0.0], [0.0, 0.0]), ([0, 0], [0, 0])),
    Row(
        "nan-gets-the-gradient",
        ("x.max(0)[0]", "x.max()", "x.min(0)[0]", "x.min()", "x.median()", "x.median(0)[0]", "x.topk(1)[0]"),
        ([3.0, nan, 1.0],),
        ([0, 1, 0],),
    ),
    Row("nan-gets-the-gradient", ("x.sort()[0][2]", "x.sort(descending=True)[0][0]"), ([3.0, nan, 1.0],), ([0, 1, 0],)),
    Row("nan-gets-the-gradient", ("x.max()", "x.min()"), ([1.0, nan, nan],), ([0, 0.5, 0.5],)),
    Row("nan-gets-the-gradient", ("x.cummax(0)[0]", "x.cummin(0)[0]"), ([1.0, nan, 1.0],), ([1, 2, 0],)),
    Row("nan-gets-the-gradient", ("x.amax()", "x.amax(0)", "x.amin()"), ([nan, 1.0, 2.0],), ([nan, nan, nan],)),
    Row("nan-left-out", ("x.nansum()", "x.nansum(0)", "torch.nansum(x, -1)"), ([1.0, nan, 2.0],), ([1, 0, 1],)),
    Row("nan-left-out", ("x.nanmean()", "x.nanmean(0)"), ([1.0, nan, 2.0, nan],), ([0.5, 0, 0.5, 0],)),
    Row(
        "nan-left-out",
        ("x.nanmedian()", "x.nanmedian(0)[0]", "x.nanquantile(0.5)", "x.nanquantile(0.5, 0)"),
        ([1.0, nan, 2.0, 3.0],),
        ([0, 0, 1, 0],),
    ),
    Row(
        "nan-left-out",
        ("x.masked_fill(x.isnan(), 0.0)", "x.where(~x.isnan(), 0 * x.detach())"),
        ([nan, 1.0],),
        ([0, 1],),
    ),
    Row("saturated", ("torch.sigmoid(x)", "x.sigmoid()"), ([inf, -inf, 0.0],), ([0, 0, 0.25],)),
    Row("saturated", ("torch.tanh(x)", "torch.atan(x)"), ([inf, -inf, 0.0],), ([0, 0, 1],)),
    Row("saturated", ("torch.erf(x)", "torch.erfc(x)", "torch.asinh(x)"), ([inf, -inf],), ([0, 0],)),
    Row("saturated", ("torch.rsqrt(x)", "torch.log(x)", "torch.log1p(x)"), ([inf],), ([0],)),
    Row("saturated", ("torch.exp(x)",), ([-inf, 0.0, inf],), ([0, 1, inf],)),
    Row("saturated", ("F.logsigmoid(x)",), ([inf, -inf, 0.0],), ([0, 1, 0.5],)),
    Row("saturated", ("F.softplus(x)", "F.softplus(x, 1, 20)"), ([25.0, inf],), ([1, 1],)),
    Row("at-poles", ("torch.log1p(x)",), ([-1.0, 0.0],), ([inf, 1],)),
    Row("at-poles", ("torch.atanh(x)",), ([1.0, -1.0, 0.0],), ([inf, inf, 1],)),
    Row("at-poles", ("torch.erfinv(x)",), ([1.0, -1.0],), ([inf, inf],)),
    Row("at-poles", ("torch.acosh(x)",), ([1.0],), ([inf],)),
    Row("at-poles", ("torch.log2(x)", "torch.log10(x)"), ([0.0],), ([inf],)),
    Row("at-poles", ("torch.special.entr(x)",), ([0.0, 1.0],), ([inf, -1],)),
    Row("logsumexp-at-infinity", ("torch.logcumsumexp(x, 0)",), ([0.0, -inf, 0.0],), ([2.5, 0, 0.5],)),
    Row("logsumexp-at-infinity", ("torch.softmax(x, 0)[1]",), ([-inf, 0.0, 0.0],), ([0, 0.25, -0.25],)),
    Row("logsumexp-at-infinity", ("torch.log_softmax(x, 0)[1]",), ([-inf, 0.0, 0.0],), ([0, 0.5, -0.5],)),
    Row("logsumexp-at-infinity", ("torch.logaddexp2(x, y)",), ([-inf, 0.0], [0.0, 0.0]), ([0, 0.5], [1, 0.5])),
    Row("pow-at-zero", ("x ** 1.5", "torch.pow(x, 1.5)"), ([0.0, 4.0],), ([0, 3],)),
    Row("pow-at-zero", ("torch.float_power(x, 0)", "x ** 0.0", "x.pow(0)"), ([0.0, 2.0],), ([0, 0],)),
    Row("kinks", ("F.prelu(x, y)",), ([0.0, -1.0, 1.0], [0.25]), ([0.25, 0.25, 1], [-1])),
    Row("kinks", ("F.rrelu(x, 0.25, 0.25)",), ([0.0, -1.0, 2.0],), ([0.25, 0.25, 1],)),
    Row("prod-with-zeros", ("x.prod()", "x.prod(0)"), ([0.0],), ([1],)),
    Row("cumprod-with-zeros", ("x.cumprod(0)", "x.clone().cumprod_(0)"), ([0.0, 0.0, 0.0],), ([1, 0, 0],)),
    Row("norm-at-zero", ("torch.cdist(x, y, p=inf)", "torch.cdist(x, y, p=0.5)"), ([[1.0]], [[1.0]]), ([[0]], [[0]])),
    Row("norm-at-zero", ("F.pdist(x)", "F.pdist(x, 3)"), ([[1.0, 2.0], [1.0, 2.0]],), ([[0, 0], [0, 0]],)),
    Row("norm-at-zero", ("F.pairwise_distance(x, y, eps=0.0)",), ([[1.0]], [[1.0]]), ([[0]], [[0]])),
    Row("norm-of-some-zeros", ("F.pdist(x, 1)",), ([[1.0, 2.0], [1.0, 3.0]],), ([[0, -1], [0, 1]],)),
    Row("norm-inf-shares-ties", ("torch.linalg.vector_norm(x, -inf)",), ([1.0, -1.0, 2.0],), ([0.5, -0.5, 0],)),
    Row("max-pool-ties", ("F.max_pool2d(x[None], 2)",), ([[1.0, 1.0], [1.0, 1.0]],), ([[1, 0], [0, 0]],)),
    Row("max-pool-ties", ("F.adaptive_max_pool2d(x[None], 1)",), ([[1.0, 3.0, 3.0]],), ([[0, 1, 0]],)),
    Row("max-pool-ties", ("F.adaptive_max_pool1d(x[None], 1)",), ([1.0, 3.0, 3.0],), ([0, 1, 0],)),
    Row("max-pool-ties", ("F.max_pool3d(x[None, None], (1, 2, 2))",), ([[1.0, 1.0], [1.0, 1.0]],), ([[1, 0], [0, 0]],)),
    Row(
        "max-pool-ties",
        ("F.max_pool2d(x[None], 2, 1)",),
        ([[1.0, 2.0, 2.0], [2.0, 1.0, 0.0]],),
        ([[0, 2, 0], [0, 0, 0]],),
    ),
    Row(
        "derivative-det-singular",
        ("x.det()", "torch.linalg.det(x)"),
        ([[1.0, 2.0], [2.0, 4.0]],),
        ([[4, -2], [-2, 1]],),
    ),
]

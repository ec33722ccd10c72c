"""The operations of random programs: each with its torch code, where it applies, its value, and its pull-back.

A pull-back gets the gradient of the result, the result and the inputs, and gives the gradient of every input. Domains
are cut so that no derivative is large and no input lies within `GAP` of a kink.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.oracle.autograd import unbroadcast

Array = np.ndarray
Choices = list[tuple[Any, ...]]
GAP = 1e-3
ALWAYS: Choices = [()]


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation on `arity` tensors.

    `code`: a torch expression in a, b and the options p, q. `options`: from the inputs' values to the options that it
    can take, none where it does not apply. `forward`, `pull`: its value and gradients; `views`: for a view, the
    positions (or a tuple of them) instead. `writes`: it writes its value to its first input. `cuts`: its result is
    detached.
    """

    code: str
    arity: int
    options: Callable[..., Choices]
    forward: Callable[..., Any] | None = None
    pull: Callable[..., tuple[Array, ...]] | None = None
    views: Callable[..., Any] | None = None
    writes: bool = False
    cuts: bool = False

    def value(self, step_options: tuple[Any, ...], arrays: list[Array]) -> Array:
        """The value for inputs and options; only for an operation that computes one."""
        assert self.forward is not None
        return np.asarray(self.forward(*arrays, *step_options))

    def pulled(self, g: Array, value: Array, arrays: list[Array], step_options: tuple[Any, ...]) -> tuple[Array, ...]:
        """The gradient of every input for the gradient of the result."""
        assert self.pull is not None
        return self.pull(g, value, *arrays, *step_options)

    results: int = 1


# -- where operations apply --------------------------------------------------------------------------------------------


def always(*arrays: Array) -> Choices:
    return ALWAYS


def within(low: float, high: float = 30.0) -> Callable[[Array], Choices]:
    """Where all values lie between two bounds."""
    return lambda a: ALWAYS if a.size and a.min() >= low and a.max() <= high else []


def away(a: Array) -> Choices:
    """Where no value is near 0."""
    return ALWAYS if not a.size or np.abs(a).min() > 0.3 else []


def off_zero(a: Array) -> Choices:
    return ALWAYS if not a.size or np.abs(a).min() > GAP else []


def broadcasting(a: Array, b: Array) -> Choices:
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        return []
    return ALWAYS if np.prod(shape) <= 40 else []


def dividing(a: Array, b: Array) -> Choices:
    return broadcasting(a, b) and away(b)


def untied(a: Array, b: Array) -> Choices:
    return broadcasting(a, b) and (ALWAYS if np.abs(a - b).min(initial=1.0) > GAP else [])


def fitting(a: Array, b: Array) -> Choices:
    """Where b broadcasts to the shape of a."""
    return broadcasting(a, b) and (ALWAYS if np.broadcast_shapes(a.shape, b.shape) == a.shape else [])


def over_dims(a: Array) -> Choices:
    return [(dim,) for dim in range(a.ndim) if a.shape[dim]]


def over_dims_untied(a: Array) -> Choices:
    return [(dim,) for (dim,) in over_dims(a) if np.diff(np.sort(a, axis=dim), axis=dim).min(initial=1.0) > GAP]


def square_or_wide(a: Array) -> Choices:
    return ALWAYS if a.ndim == 2 else []


def multiplying(a: Array, b: Array) -> Choices:
    if not (1 <= a.ndim <= 2 and 1 <= b.ndim <= 2):
        return []
    return ALWAYS if a.shape[-1] == b.shape[max(b.ndim - 2, 0)] else []


def vectors(a: Array, b: Array) -> Choices:
    return ALWAYS if a.ndim == b.ndim == 1 and a.size * b.size <= 40 else []


def alike(a: Array, b: Array) -> Choices:
    return ALWAYS if a.ndim and a.shape == b.shape and a.size <= 20 else []


def rows(a: Array) -> Choices:
    return [((0, 0),), ((1, 0, 1),), ((-1,),)] if a.ndim and len(a) >= 2 and a.size <= 20 else []


def few(a: Array) -> Choices:
    return [(2,), (3,)] if a.size <= 12 and a.ndim <= 2 else []


def with_rows(a: Array) -> Choices:
    return [(0,), (-1,)] if a.ndim and len(a) else []


def two_rows(a: Array) -> Choices:
    return ALWAYS if a.ndim and len(a) == 2 else []


# -- pull-backs --------------------------------------------------------------------------------------------------------


def local(slope: Callable[[Array, Array], Any]) -> Callable[..., tuple[Array, ...]]:
    """The pull-back of a function of single elements, from its slope at the value y and the input a."""
    return lambda g, y, a, *p: (g * slope(y, a),)


def both(of_a: Callable[..., Any], of_b: Callable[..., Any]) -> Callable[..., tuple[Array, ...]]:
    """The pull-back of a function of two elements, from its slopes at y, a and b."""
    return lambda g, y, a, b, *p: (unbroadcast(g * of_a(y, a, b), a.shape), unbroadcast(g * of_b(y, a, b), b.shape))


def spread_out(g: Array, a: Array, dim: int) -> Array:
    return np.broadcast_to(np.expand_dims(g, dim), a.shape)


def matmul_pull(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, ...]:
    matrix_a, matrix_b = (a if a.ndim == 2 else a[None]), (b if b.ndim == 2 else b[:, None])
    g = g.reshape(len(matrix_a), matrix_b.shape[1])
    return (g @ matrix_b.T).reshape(a.shape), (matrix_a.T @ g).reshape(b.shape)


def chosen(g: Array, a: Array, order: Array, dim: int) -> Array:
    """Put the gradient back to the places that were chosen along a dimension."""
    found = np.zeros(a.shape, g.dtype)
    np.put_along_axis(found, order, g, dim)
    return found


def picked_rows(g: Array, a: Array, index: tuple[int, ...]) -> Array:
    found = np.zeros(a.shape, g.dtype)
    np.add.at(found, list(index), g)
    return found


def scaled(a: Array) -> Choices:
    return [(3.0,), (-0.5,)]


def softmax(a: Array, dim: int) -> Array:
    e = np.exp(a - a.max(dim, keepdims=True))
    return e / e.sum(dim, keepdims=True)


def norm(a: Array) -> Any:
    return np.sqrt((a * a).sum())


Op = Operation
ELEMENTWISE = {
    "neg": Op("-a", 1, always, lambda a: -a, local(lambda y, a: -1)),
    "scale": Op("a * {p}", 1, scaled, lambda a, p: a * p, lambda g, y, a, p: (g * p,)),
    "shift": Op("a + 2", 1, always, lambda a: a + 2, local(lambda y, a: 1)),
    "square": Op("a * a", 1, within(-6, 6), lambda a: a * a, local(lambda y, a: 2 * a)),
    "cube": Op("a ** 3", 1, within(-3, 3), lambda a: a**3, local(lambda y, a: 3 * a**2)),
    "exp": Op("a.exp()", 1, within(-5, 3), np.exp, local(lambda y, a: y)),
    "log": Op("a.log()", 1, within(0.2), np.log, local(lambda y, a: 1 / a)),
    "sqrt": Op("a.sqrt()", 1, within(0.2), np.sqrt, local(lambda y, a: 1 / (2 * y))),
    "sin": Op("a.sin()", 1, always, np.sin, local(lambda y, a: np.cos(a))),
    "tanh": Op("a.tanh()", 1, always, np.tanh, local(lambda y, a: 1 - y * y)),
    "sigmoid": Op("a.sigmoid()", 1, within(-8, 8), lambda a: 1 / (1 + np.exp(-a)), local(lambda y, a: y * (1 - y))),
    "reciprocal": Op("1 / a", 1, away, lambda a: 1 / a, local(lambda y, a: -y * y)),
    "abs": Op("a.abs()", 1, off_zero, np.abs, local(lambda y, a: np.sign(a))),
    "relu": Op("a.relu()", 1, off_zero, lambda a: np.where(a > 0, a, 0 * a), local(lambda y, a: np.where(a > 0, 1, 0))),
    "clone": Op("a.clone()", 1, always, lambda a: a + 0, local(lambda y, a: 1)),
    "add": Op("a + b", 2, broadcasting, lambda a, b: a + b, both(lambda y, a, b: 1, lambda y, a, b: 1)),
    "sub": Op("a - b", 2, broadcasting, lambda a, b: a - b, both(lambda y, a, b: 1, lambda y, a, b: -1)),
    "mul": Op("a * b", 2, broadcasting, lambda a, b: a * b, both(lambda y, a, b: b, lambda y, a, b: a)),
    "div": Op("a / b", 2, dividing, lambda a, b: a / b, both(lambda y, a, b: 1 / b, lambda y, a, b: -y / b)),
    "lerp": Op("a.lerp(b, 0.25)", 2, broadcasting, lambda a, b: a + (b - a) / 4,
               both(lambda y, a, b: 0.75, lambda y, a, b: 0.25)),
    "maximum": Op("torch.maximum(a, b)", 2, untied, np.maximum, both(lambda y, a, b: a > b, lambda y, a, b: b > a)),
    "where": Op("torch.where(a > 0, a, b)", 2, lambda a, b: broadcasting(a, b) and off_zero(a),
                lambda a, b: np.where(a > 0, a, b), both(lambda y, a, b: a > 0, lambda y, a, b: a <= 0)),
}  # fmt: skip

REDUCTIONS = {
    "sum": Op("a.sum()", 1, always, lambda a: a.sum(), lambda g, y, a: (np.broadcast_to(g, a.shape),)),
    "sum_dim": Op("a.sum({p})", 1, over_dims, lambda a, p: a.sum(p), lambda g, y, a, p: (spread_out(g, a, p),)),
    "mean_dim": Op("a.mean({p}, keepdim=True)", 1, over_dims, lambda a, p: a.mean(p, keepdims=True),
                   lambda g, y, a, p: (np.broadcast_to(g, a.shape) / a.shape[p],)),
    "prod_dim": Op("a.prod({p})", 1, lambda a: over_dims(a) if away(a) and within(-4, 4)(a) else [],
                   lambda a, p: a.prod(p), lambda g, y, a, p: (spread_out(g * y, a, p) / a,)),
    "max_dim": Op("a.max({p})[0]", 1, over_dims_untied, lambda a, p: a.max(p),
                  lambda g, y, a, p: (np.where(a == np.expand_dims(y, p), spread_out(g, a, p), 0),)),
    "softmax": Op("a.softmax({p})", 1, over_dims, softmax,
                  lambda g, y, a, p: (y * (g - (g * y).sum(p, keepdims=True)),)),
    "cumsum": Op("a.cumsum({p})", 1, over_dims, lambda a, p: a.cumsum(p),
                 lambda g, y, a, p: (np.flip(np.flip(g, p).cumsum(p), p),)),
    "norm": Op("a.norm()", 1, lambda a: ALWAYS if a.size and norm(a) > 0.3 else [], norm, lambda g, y, a: (g * a / y,)),
    "sort": Op("a.sort({p})[0]", 1, over_dims_untied, lambda a, p: np.sort(a, p),
               lambda g, y, a, p: (chosen(g, a, np.argsort(a, p), p),)),
    "matmul": Op("a @ b", 2, multiplying, lambda a, b: a @ b, matmul_pull),
    "outer": Op("torch.outer(a, b)", 2, vectors, np.outer, lambda g, y, a, b: (g @ b, g.T @ a)),
}  # fmt: skip

MOVES = {
    "cat": Op("torch.cat([a, b])", 2, alike, lambda a, b: np.concatenate([a, b]),
              lambda g, y, a, b: (g[: len(a)], g[len(a) :])),
    "stack": Op("torch.stack([a, b])", 2, alike, lambda a, b: np.stack([a, b]), lambda g, y, a, b: (g[0], g[1])),
    "index": Op("a[list({p})]", 1, rows, lambda a, p: a[list(p)],
                lambda g, y, a, p: (picked_rows(g, a, p),)),
    "flip": Op("a.flip({p})", 1, over_dims, np.flip, lambda g, y, a, p: (np.flip(g, p),)),
    "roll": Op("a.roll(1, {p})", 1, over_dims, lambda a, p: np.roll(a, 1, p), lambda g, y, a, p: (np.roll(g, -1, p),)),
    "tril": Op("a.tril()", 1, square_or_wide, np.tril, lambda g, y, a: (np.tril(g),)),
    "repeat": Op("a.repeat_interleave({p})", 1, few, lambda a, p: np.repeat(a, p),
                 lambda g, y, a, p: (g.reshape(-1, p).sum(1).reshape(a.shape),)),
    "transpose": Op("a.t()", 1, square_or_wide, views=lambda x: x.T),
    "select": Op("a[{p}]", 1, with_rows, views=lambda x, p: x[p]),
    "slice": Op("a[{p}:{q}]", 1, lambda a: [(1, len(a)), (0, len(a) - 1)] if a.ndim and len(a) > 1 else [],
                views=lambda x, p, q: x[p:q]),
    "step": Op("a[..., ::2]", 1, lambda a: ALWAYS if a.ndim and a.shape[-1] > 1 else [], views=lambda x: x[..., ::2]),
    "unsqueeze": Op("a.unsqueeze(0)", 1, lambda a: ALWAYS if a.ndim < 3 else [], views=lambda x: x[None]),
    "expand": Op("a.expand({p}, *a.shape)", 1, few, views=lambda x, p: np.broadcast_to(x, (p, *x.shape))),
    "diagonal": Op("a.diagonal()", 1, square_or_wide, views=np.diagonal),
    "unbind": Op("a.unbind()", 1, two_rows, views=lambda x: (x[0], x[1]), results=2),
    "detach": Op("a.detach()", 1, always, cuts=True),
}  # fmt: skip

WRITES = {
    "add_": Op("a.add_(b)", 2, fitting, lambda a, b: a + b, both(lambda y, a, b: 1, lambda y, a, b: 1), writes=True),
    "mul_": Op("a.mul_(b)", 2, fitting, lambda a, b: a * b, both(lambda y, a, b: b, lambda y, a, b: a), writes=True),
    "copy_": Op("a.copy_(b)", 2, fitting, lambda a, b: np.broadcast_to(b, a.shape) + 0,
                both(lambda y, a, b: 0, lambda y, a, b: 1), writes=True),
    "scale_": Op("a.mul_({p})", 1, scaled, lambda a, p: a * p, lambda g, y, a, p: (g * p,), writes=True),
    "fill_": Op("a.fill_(1.5)", 1, always, lambda a: np.full_like(a, 1.5), local(lambda y, a: 0), writes=True),
    "tanh_": Op("a.tanh_()", 1, always, np.tanh, local(lambda y, a: 1 - y * y), writes=True),
    "set_row": Op("[a, a[0].copy_(b)][0]", 2, lambda a, b: fitting(a[0], b) if a.ndim and len(a) else [],
                  lambda a, b: np.concatenate([np.broadcast_to(b, a[:1].shape), a[1:]]),
                  lambda g, y, a, b: (np.concatenate([0 * g[:1], g[1:]]), unbroadcast(g[0], b.shape)), writes=True),
}  # fmt: skip

OPERATIONS: dict[str, Operation] = {**ELEMENTWISE, **REDUCTIONS, **MOVES, **WRITES}

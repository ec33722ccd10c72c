"""The differentiable functions by family: what is alike in kind, and a few that stand apart."""

from __future__ import annotations

from conformance.oracle import (
    autograd_complex,
    autograd_elementwise,
    autograd_layers,
    autograd_linalg,
    autograd_reductions,
    autograd_shapes,
)

FAMILIES = {
    "elementwise": [*autograd_elementwise.SMOOTH, *autograd_elementwise.SPECIAL],
    "piecewise": autograd_elementwise.PIECEWISE,
    "sgn": autograd_elementwise.SIGNS,
    "binary": [*autograd_elementwise.BINARY, *autograd_elementwise.TERNARY],
    "reduction": [*autograd_reductions.SUMS, *autograd_reductions.PRODUCTS],
    "norm": autograd_reductions.NORMS,
    "order": autograd_reductions.ORDERS,
    "view": autograd_shapes.VIEWS,
    "join": autograd_shapes.JOINS,
    "index": autograd_shapes.INDEXING,
    "product": autograd_linalg.PRODUCTS,
    "solution": autograd_linalg.SOLVED,
    "decomposition": autograd_linalg.DECOMPOSED,
    "layer": autograd_layers.LAYERS,
    "prelu": autograd_layers.PRELU,
    "loss": autograd_layers.LOSSES,
    "complex": autograd_complex.ROWS,
}

"""What PyTorch's elementwise functions should give, by torch name, from numpy in higher precision and mpmath.

`ELEMENTWISE[name](*operands, **arguments)`: operands are arrays in the host dtype that the function computes in, that
is after type promotion (an integer that PyTorch would turn into float32 may stay an integer). Integer results wrap in
that dtype and truth values are bool; all others come in float64 (long double for float64 operands, complex likewise).
"""

from __future__ import annotations

from conformance.oracle import math_arithmetic, math_elementary, math_exact, math_special
from conformance.oracle.math_elementary import Function

# Every other name of a function, by the function's own.
ALIASES = {
    "abs": ("absolute",),
    "neg": ("negative",),
    "asin": ("arcsin",),
    "acos": ("arccos",),
    "atan": ("arctan",),
    "asinh": ("arcsinh",),
    "acosh": ("arccosh",),
    "atanh": ("arctanh",),
    "atan2": ("arctan2",),
    "trunc": ("fix",),
    "clamp": ("clip",),
    "sub": ("subtract",),
    "mul": ("multiply",),
    "div": ("divide", "true_divide"),
    "eq": ("__eq__",),
    "ne": ("not_equal",),
    "lt": ("less",),
    "le": ("less_equal",),
    "gt": ("greater",),
    "ge": ("greater_equal",),
    "sigmoid": ("expit",),
    "lgamma": ("gammaln",),
    "digamma": ("psi",),
    "mvlgamma": ("multigammaln",),
    "igamma": ("gammainc",),
    "igammac": ("gammaincc",),
    "bitwise_and": ("__and__", "__iand__"),
    "bitwise_or": ("__or__", "__ior__"),
    "bitwise_xor": ("__xor__", "__ixor__"),
    "bitwise_left_shift": ("__lshift__", "__ilshift__"),
    "bitwise_right_shift": ("__rshift__", "__irshift__"),
}

ELEMENTWISE: dict[str, Function] = {
    **math_elementary.FUNCTIONS,
    **math_special.FUNCTIONS,
    **math_arithmetic.FUNCTIONS,
    **math_exact.FUNCTIONS,
}
ELEMENTWISE.update({alias: ELEMENTWISE[name] for name, aliases in ALIASES.items() for alias in aliases})

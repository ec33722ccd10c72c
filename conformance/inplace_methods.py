"""The methods of torch.Tensor that write their result into self: one row a method, by name (see conformance.inplace).

Methods that only change shape, strides, storage or flags, the random fillers, and those of sparse tensors are not here:
their checks are written out.
"""

from __future__ import annotations

import math

from conformance.dtypes import COMMON, COMPLEX, FLOATS, INTEGERS
from conformance.inplace import Across, Flat, Form, Index, Like, Method, Shape, Source, column, form, row, scalar
from conformance.numerics import COMPOSED, EXACT, FAITHFUL, FEW_ULPS, ROUNDED
from conformance.oracle import inplace as oracle
from conformance.oracle.math_special import mvlgamma, polygamma

INEXACT = (*FLOATS, *COMPLEX)
REALS = (*INTEGERS, *FLOATS)
NUMBERS = (*INTEGERS, *FLOATS, *COMPLEX)
WHOLE = ("bool", *INTEGERS)

# What stands between the parentheses. Numbers and tensors of another dtype must not widen the kind of self's.
NONE = (Form(),)
REAL_KINDS, NUMBER_KINDS, INEXACT_KINDS = "uint int float", "uint int float complex", "float complex"
OTHER = (
    form(Like()),
    form(Like(shape=row)),
    form(Like(shape=column)),
    form(Like(shape=scalar)),
    form(2, kinds=NUMBER_KINDS),
    form(0.5, kinds=INEXACT_KINDS),
    form(1 - 2j, kinds="complex"),
    form(Like("few", dtype="float64"), kinds=INEXACT_KINDS),
    form(Like("few", dtype="int64"), kinds="float complex int"),
    form(Like("few", dtype="bool")),
)
DIVISOR = (
    form(Like("nonzero")),
    form(Like("nonzero", shape=row)),
    form(Like("nonzero", shape=scalar)),
    form(3, kinds=NUMBER_KINDS),
    form(-2.5, kinds=INEXACT_KINDS),
)
DIVISION = (
    *DIVISOR,
    form(Like("nonzero"), kinds=REAL_KINDS, rounding_mode="floor"),
    form(Like("nonzero"), kinds=REAL_KINDS, rounding_mode="trunc"),
    form(3, kinds=REAL_KINDS, rounding_mode="trunc"),
    form(Like("nonzero"), kinds=INEXACT_KINDS, rounding_mode=None),
)
COMPARED = (form(Like("moderate")), form(Like("moderate", shape=row)), form(Like("moderate", shape=scalar)), form(1), form(0.5, kinds="float"))
TRUTHS = (form(Like("truth")), form(Like("truth", shape=row)), form(Like("truth", dtype="int64")), form(Like("truth", dtype="bool")))
BITS = (form(Like()), form(Like(shape=row)), form(Like(shape=scalar)), form(5, kinds="uint int"), form(True, kinds="bool"))
SHIFTS = (form(Like("shift")), form(Like("shift", shape=row)), form(3))
BOUNDS = (
    form(Like("few"), Like("few", shape=row)),
    form(-1, 2),
    form(min=Like("few")),
    form(max=Like("few", shape=column)),
    form(1, None),
    form(None, 1),
    form(3, 1),
    form(min=-0.5, max=0.75, kinds="float"),
)
BOUND = (form(Like("few")), form(Like("few", shape=row)), form(1), form(0.5, kinds="float"))
SCALED = (
    form(Like("few"), Like("few")),
    form(Like("few", shape=row), Like("few", shape=column)),
    form(Like("few"), Like("few"), value=2),
    form(Like("few"), Like("few", shape=scalar), value=-3, kinds="int float complex"),
)
QUOTIENT = (
    form(Like("few"), Like("nonzero")),
    form(Like("few", shape=row), Like("nonzero", shape=column)),
    form(Like("few"), Like("nonzero"), value=2),
)
ALPHA = (form(Like("whole"), alpha=3, kinds=NUMBER_KINDS), form(2, alpha=3, kinds=NUMBER_KINDS), form(Like("whole"), alpha=0.5, kinds=INEXACT_KINDS))
BETA = (({}), {"beta": 2, "alpha": 3}, {"beta": 0}, {"alpha": 0})

# Shapes of self where there is a dimension to go along, and matrices, stacks of them, and vectors.
LINES: tuple[Shape, ...] = ((33,), (5, 4), (2, 3, 2, 4), (1, 6), (0,), (3, 0))
MATRICES: tuple[Shape, ...] = ((3, 5), (4, 4), (17, 33), (1, 1), (0, 3), (3, 0))
STACKS: tuple[Shape, ...] = ((2, 3, 5), (4, 3, 3), (2, 17, 9), (0, 2, 3), (2, 0, 3))
VECTORS: tuple[Shape, ...] = ((5,), (33,), (1,), (0,))


def _tall(shape: Shape) -> Shape:
    return (*shape[:-1], 7)


def _wide(shape: Shape) -> Shape:
    return (*shape[:-2], 7, shape[-1])


def _left(shape: Shape) -> Shape:
    return (3, shape[0], 7)


def _right(shape: Shape) -> Shape:
    return (3, 7, shape[1])


def _square(shape: Shape) -> Shape:
    return (shape[0], 7)


def _seven(shape: Shape) -> Shape:
    return (7,)


def _head(shape: Shape) -> Shape:
    return shape[:1]


def _more(shape: Shape) -> Shape:
    return (math.prod(shape) + 2,)


def _four(shape: Shape) -> Shape:
    return (4 if math.prod(shape) else 0,)


def _three_by_two(shape: Shape) -> Shape:
    return (3, 2) if math.prod(shape) else (0,)


def _slices(shape: Shape) -> Shape:
    return (4, *shape[1:])


PRODUCT_OF = (Like("whole", _tall), Like("whole", _wide))
METHODS: tuple[Method, ...] = (
    # -- elementary functions
    Method("acos_", INEXACT, NONE, "acos", COMPOSED, "within"),
    Method("acosh_", INEXACT, NONE, "acosh", COMPOSED, "natural"),
    Method("arccos_", INEXACT, NONE, "arccos", COMPOSED, "within"),
    Method("arccosh_", INEXACT, NONE, "arccosh", COMPOSED, "natural"),
    Method("arcsin_", INEXACT, NONE, "arcsin", COMPOSED, "within"),
    Method("arcsinh_", INEXACT, NONE, "arcsinh", COMPOSED, "few"),
    Method("arctan_", INEXACT, NONE, "arctan", COMPOSED, "few"),
    Method("arctanh_", INEXACT, NONE, "arctanh", COMPOSED, "within"),
    Method("asin_", INEXACT, NONE, "asin", COMPOSED, "within"),
    Method("asinh_", INEXACT, NONE, "asinh", COMPOSED, "few"),
    Method("atan_", INEXACT, NONE, "atan", COMPOSED, "few"),
    Method("atanh_", INEXACT, NONE, "atanh", COMPOSED, "within"),
    Method("cos_", INEXACT, NONE, "cos", COMPOSED, "few"),
    Method("cosh_", INEXACT, NONE, "cosh", COMPOSED, "few"),
    Method("deg2rad_", FLOATS, NONE, "deg2rad", FEW_ULPS, "plain"),
    Method("digamma_", FLOATS, NONE, "digamma", COMPOSED, "positive"),
    Method("erf_", FLOATS, NONE, "erf", COMPOSED, "few"),
    Method("erfc_", FLOATS, NONE, "erfc", COMPOSED, "few"),
    Method("erfinv_", FLOATS, NONE, "erfinv", COMPOSED, "within"),
    Method("exp_", INEXACT, NONE, "exp", COMPOSED, "few"),
    Method("exp2_", INEXACT, NONE, "exp2", COMPOSED, "few"),
    Method("expm1_", INEXACT, NONE, "expm1", COMPOSED, "few"),
    Method("i0_", FLOATS, NONE, "i0", COMPOSED, "few"),
    Method("lgamma_", FLOATS, NONE, "lgamma", COMPOSED, "positive"),
    Method("log_", INEXACT, NONE, "log", COMPOSED, "positive"),
    Method("log10_", INEXACT, NONE, "log10", COMPOSED, "positive"),
    Method("log1p_", INEXACT, NONE, "log1p", COMPOSED, "positive"),
    Method("log2_", INEXACT, NONE, "log2", COMPOSED, "positive"),
    Method("logit_", FLOATS, (*NONE, form(0.25), form(eps=0.125)), "logit", COMPOSED, "unit"),
    Method("mvlgamma_", FLOATS, (form(1), form(2), form(p=3)), mvlgamma, COMPOSED, "natural"),
    Method("polygamma_", FLOATS, (form(1), form(2), form(0)), lambda x, n: polygamma(n, x), COMPOSED, "positive"),
    Method("rad2deg_", FLOATS, NONE, "rad2deg", FEW_ULPS, "plain"),
    Method("reciprocal_", INEXACT, NONE, "reciprocal", FEW_ULPS, "nonzero"),
    Method("rsqrt_", INEXACT, NONE, "rsqrt", COMPOSED, "positive"),
    Method("sigmoid_", INEXACT, NONE, "sigmoid", COMPOSED, "few"),
    Method("sin_", INEXACT, NONE, "sin", COMPOSED, "few"),
    Method("sinc_", INEXACT, NONE, "sinc", COMPOSED, "within"),
    Method("sinh_", INEXACT, NONE, "sinh", COMPOSED, "few"),
    Method("sqrt_", INEXACT, NONE, "sqrt", FEW_ULPS, "positive"),
    Method("tan_", INEXACT, NONE, "tan", COMPOSED, "few"),
    Method("tanh_", INEXACT, NONE, "tanh", COMPOSED, "few"),
    # -- signs, rounding and other exact functions of one operand
    Method("abs_", REALS, NONE, "abs"),
    Method("absolute_", REALS, NONE, "absolute"),
    Method("ceil_", REALS, NONE, "ceil"),
    Method("conj_physical_", COMMON, NONE, "conj_physical"),
    Method("fix_", REALS, NONE, "fix"),
    Method("floor_", REALS, NONE, "floor"),
    Method("frac_", FLOATS, NONE, "frac", values="finite"),
    Method("nan_to_num_", COMMON, (*NONE, form(2.0), form(nan=1.0, posinf=3.0, neginf=-3.0), form(neginf=4.0)), "nan_to_num"),
    Method("neg_", NUMBERS, NONE, "neg"),
    Method("negative_", NUMBERS, NONE, "negative"),
    Method("relu_", REALS, NONE, "relu"),
    Method("round_", REALS, (*NONE, form(decimals=1, kinds="float"), form(decimals=-1, kinds="float")), "round", FEW_ULPS, "plain"),
    Method("sgn_", COMMON, NONE, "sgn", FEW_ULPS, "few"),
    Method("sign_", ("bool", *REALS), NONE, "sign", values="few"),
    Method("square_", NUMBERS, NONE, "square", FEW_ULPS),
    Method("trunc_", REALS, NONE, "trunc"),
    Method("bitwise_not_", WHOLE, NONE, "bitwise_not"),
    Method("logical_not_", COMMON, NONE, "logical_not"),
    # -- arithmetic of two operands
    Method("add_", COMMON, (*OTHER, *ALPHA), "add", FEW_ULPS),
    Method("sub_", NUMBERS, (*OTHER[:-1], *ALPHA), "sub", FEW_ULPS),
    Method("subtract_", NUMBERS, (*OTHER[:-1], *ALPHA), "subtract", FEW_ULPS),
    Method("mul_", COMMON, OTHER, "mul", FEW_ULPS),
    Method("multiply_", COMMON, OTHER, "multiply", FEW_ULPS),
    Method("div_", INEXACT, DIVISION, "div", FEW_ULPS, "few"),
    Method("divide_", INEXACT, DIVISION, "divide", FEW_ULPS, "few"),
    Method("true_divide_", INEXACT, DIVISOR, "true_divide", FEW_ULPS, "few"),
    Method("floor_divide_", REALS, DIVISOR, "floor_divide", values="few"),
    Method("remainder_", REALS, DIVISOR, "remainder", ROUNDED, "few"),
    Method("fmod_", REALS, DIVISOR, "fmod", ROUNDED, "few"),
    Method("pow_", NUMBERS, (form(Like("exponent")), form(Like("exponent", shape=row)), form(2), form(3), form(0.5, kinds="float")), "pow", COMPOSED, "natural"),
    Method("float_power_", ("float64", "complex128"), (form(Like("exponent")), form(2), form(-0.5)), "float_power", COMPOSED, "natural"),
    Method("atan2_", FLOATS, OTHER[:4], "atan2", COMPOSED, "few"),
    Method("arctan2_", FLOATS, OTHER[:4], "arctan2", COMPOSED, "few"),
    Method("copysign_", FLOATS, (*OTHER[:4], form(-2), form(0.5)), "copysign", values="plain"),
    Method("hypot_", FLOATS, (form(Like("few")), form(Like("few", shape=row))), "hypot", FEW_ULPS, "few"),
    Method("heaviside_", REALS, OTHER[:4], "heaviside", values="few"),
    Method("nextafter_", FLOATS, (form(Like("few")), form(Like("few", shape=row))), "nextafter", values="few"),
    Method("ldexp_", INEXACT, (form(Like("shift", dtype="int64")), form(Like("shift", shape=row, dtype="int32"))), "ldexp", FEW_ULPS, "few"),
    Method("xlogy_", FLOATS, (form(Like("positive")), form(Like("positive", shape=row)), form(2.0)), "xlogy", COMPOSED, "few"),
    Method("gcd_", INTEGERS, (form(Like("natural")), form(Like("natural", shape=row))), "gcd", values="moderate"),
    Method("lcm_", INTEGERS, (form(Like("natural")), form(Like("natural", shape=row))), "lcm", values="natural"),
    Method("igamma_", FLOATS, (form(Like("positive")), form(Like("positive", shape=row))), "igamma", COMPOSED, "positive"),
    Method("igammac_", FLOATS, (form(Like("positive")), form(Like("positive", shape=row))), "igammac", COMPOSED, "positive"),
    Method("addcmul_", NUMBERS, SCALED, "addcmul", FEW_ULPS, "whole"),
    Method("addcdiv_", INEXACT, QUOTIENT, "addcdiv", FEW_ULPS, "whole"),
    Method("lerp_", INEXACT, (form(Like("whole"), 0.5), form(Like("whole"), Like("unit")), form(Like("whole", shape=row), Like("unit", shape=column)), form(Like("whole"), 0.25)), "lerp", FEW_ULPS, "whole"),
    # -- truth values and bits, kept as numbers of self's dtype
    Method("eq_", COMMON, COMPARED, "eq", values="moderate"),
    Method("ne_", COMMON, COMPARED, "ne", values="moderate"),
    Method("not_equal_", COMMON, COMPARED, "not_equal", values="moderate"),
    Method("lt_", ("bool", *REALS), COMPARED, "lt", values="moderate"),
    Method("less_", ("bool", *REALS), COMPARED, "less", values="moderate"),
    Method("le_", ("bool", *REALS), COMPARED, "le", values="moderate"),
    Method("less_equal_", ("bool", *REALS), COMPARED, "less_equal", values="moderate"),
    Method("gt_", ("bool", *REALS), COMPARED, "gt", values="moderate"),
    Method("greater_", ("bool", *REALS), COMPARED, "greater", values="moderate"),
    Method("ge_", ("bool", *REALS), COMPARED, "ge", values="moderate"),
    Method("greater_equal_", ("bool", *REALS), COMPARED, "greater_equal", values="moderate"),
    Method("logical_and_", COMMON, TRUTHS, "logical_and", values="truth"),
    Method("logical_or_", COMMON, TRUTHS, "logical_or", values="truth"),
    Method("logical_xor_", COMMON, TRUTHS, "logical_xor", values="truth"),
    Method("bitwise_and_", WHOLE, BITS, "bitwise_and"),
    Method("bitwise_or_", WHOLE, BITS, "bitwise_or"),
    Method("bitwise_xor_", WHOLE, BITS, "bitwise_xor"),
    Method("bitwise_left_shift_", INTEGERS, SHIFTS, "bitwise_left_shift"),
    Method("bitwise_right_shift_", INTEGERS, SHIFTS, "bitwise_right_shift"),
    # -- bounds
    Method("clamp_", REALS, BOUNDS, "clamp", values="plain"),
    Method("clip_", REALS, BOUNDS, "clip", values="plain"),
    Method("clamp_min_", REALS, BOUND, "clamp_min", values="plain"),
    Method("clamp_max_", REALS, BOUND, "clamp_max", values="plain"),
    # -- filling and copying
    Method("fill_", COMMON, (form(1), form(0), form(-2.5, kinds="float complex"), form(Like("few", scalar)), form(True), form(2 - 1j, kinds="complex")), oracle.fill, twin=False),
    Method("zero_", COMMON, NONE, oracle.zero, twin=False),
    Method("copy_", COMMON, (form(Like()), form(Like(shape=row)), form(Like(shape=column)), form(Like(shape=scalar)), form(Like("whole", dtype="int64"), kinds="int float complex bool"), form(Like("few", dtype="float64"), kinds="int float complex bool"), form(Like("few", dtype="bool")), form(Like("few", dtype="float16"), kinds="int float complex bool"), form(Like("any"), True)), oracle.copy, twin=False),
    Method("fill_diagonal_", COMMON, (form(3), form(3, True), form(0, wrap=False), form(-1.5, kinds=INEXACT_KINDS)), oracle.fill_diagonal, shapes=((3, 5), (4, 4), (9, 3), (3, 3, 3), (1, 1)), large=(190, 190), twin=False),
    Method("masked_fill_", COMMON, (form(Like(dtype="bool"), 3), form(Like(shape=row, dtype="bool"), 1), form(Like(shape=column, dtype="bool"), Like("few", scalar)), form(Like(shape=scalar, dtype="bool"), 2), form(Like(dtype="bool"), -1.5, kinds=INEXACT_KINDS)), oracle.masked_fill),
    Method("masked_scatter_", COMMON, (form(Like(dtype="bool"), Like(shape=_more)), form(Like(shape=row, dtype="bool"), Like(shape=_more)), form(Like(shape=column, dtype="bool"), Like(shape=_more))), oracle.masked_scatter),
    Method("tril_", COMMON, (*NONE, form(1), form(-1), form(diagonal=-2), form(3)), oracle.tril, shapes=(*MATRICES, *STACKS), large=(190, 190)),
    Method("triu_", COMMON, (*NONE, form(1), form(-1), form(diagonal=-2), form(3)), oracle.triu, shapes=(*MATRICES, *STACKS), large=(190, 190)),
    # -- writing at indices
    Method("index_add_", COMMON, (form(0, Index(), Source()), form(-1, Index(-1, 6, True), Source(-1, 6)), form(0, Index(0, 7, True), Source(0, 7), alpha=2, kinds=NUMBER_KINDS), form(dim=0, index=Index(0, 2), source=Source(0, 2))), oracle.index_add, FEW_ULPS, "whole", LINES),
    Method("index_copy_", COMMON, (form(0, Index(), Source()), form(-1, Index(-1, 2), Source(-1, 2)), form(dim=0, index=Index(0, 1), source=Source(0, 1))), oracle.index_copy, shapes=LINES),
    Method("index_fill_", COMMON, (form(0, Index(0, 2), 3), form(-1, Index(-1, 4, True), 1), form(0, Index(0, 2), Like("few", scalar)), form(dim=-1, index=Index(-1, 1), value=0)), oracle.index_fill, shapes=LINES),
    Method("index_put_", COMMON, (form((Index(0, 4),), Like(shape=_slices)), form((Index(0, 4, negative=True),), Like(shape=scalar)), form((Index(0, 4, True),), Like("whole", shape=_slices), True), form((Index(0, 4, True),), Like("whole", shape=scalar), accumulate=True), form((Like(dtype="bool"),), Like(shape=scalar))), oracle.index_put, FEW_ULPS, "whole", ((33,), (5, 4), (6, 3, 2, 4))),
    Method("index_reduce_", REALS, (form(0, Index(0, 7, True), Source(0, 7, "whole"), "amax"), form(-1, Index(-1, 7, True), Source(-1, 7, "whole"), "amin"), form(0, Index(0, 3), Source(0, 3, "whole"), "prod"), form(0, Index(0, 7, True), Source(0, 7, "whole"), "mean"), form(0, Index(0, 7, True), Source(0, 7, "whole"), "mean", include_self=False), form(-1, Index(-1, 7, True), Source(-1, 7, "whole"), "prod", include_self=False), form(0, Index(0, 7, True), Source(0, 7, "whole"), "amax", include_self=False), form(0, Index(0, 7, True), Source(0, 7, "whole"), "amin", include_self=False)), oracle.index_reduce, FEW_ULPS, "whole", LINES),
    Method("put_", COMMON, (form(Flat(), Like(shape=_four)), form(Flat((3, 2)), Like(shape=_three_by_two)), form(Flat((4,), True), Like("whole", shape=_four), True), form(Flat((3, 2), True), Like("whole", shape=_three_by_two), accumulate=True)), oracle.put, FEW_ULPS, "whole", ((33,), (5, 4), (2, 3, 2, 4), (0,))),
    Method("scatter_", COMMON, (form(0, Across(), Like()), form(-1, Across(-1), Like()), form(0, Across(0, True), 3), form(-1, Across(-1, True), value=1), form(0, Across(0, True), Like("whole"), reduce="add", kinds=NUMBER_KINDS), form(-1, Across(-1), Like("whole"), reduce="multiply", kinds=NUMBER_KINDS), form(dim=0, index=Across(), src=Like())), oracle.scatter, FEW_ULPS, "whole", LINES),
    Method("scatter_add_", COMMON, (form(0, Across(0, True), Like("whole")), form(-1, Across(-1, True), Like("whole")), form(dim=0, index=Across(), src=Like("whole"))), oracle.scatter_add, FEW_ULPS, "whole", LINES),
    Method("scatter_reduce_", REALS, (form(0, Across(0, True), Like("whole"), "sum"), form(-1, Across(-1, True), Like("whole"), "amax"), form(0, Across(0, True), Like("whole"), "amin"), form(0, Across(0, True), Like("whole"), "mean"), form(-1, Across(-1), Like("whole"), "prod"), form(0, Across(0, True), Like("whole"), "sum", include_self=False), form(0, Across(0, True), Like("whole"), "mean", include_self=False), form(-1, Across(-1, True), Like("whole"), "prod", include_self=False), form(-1, Across(-1, True), Like("whole"), "amax", include_self=False), form(-1, Across(-1, True), Like("whole"), "amin", include_self=False)), oracle.scatter_reduce, FEW_ULPS, "whole", LINES),
    # -- along a dimension, and matrices
    Method("cumsum_", NUMBERS, (form(0), form(-1), form(dim=0)), oracle.cumsum, FEW_ULPS, "whole", LINES, large=(33_001,)),
    Method("cumprod_", NUMBERS, (form(0), form(-1), form(dim=0)), oracle.cumprod, FEW_ULPS, "whole", ((5,), (5, 4), (2, 3, 2, 4), (1, 6), (0,), (3, 0)), large=None),
    Method("renorm_", INEXACT, (form(2, 0, 3), form(1, -1, 2.5), form(math.inf, 0, 1.5), form(p=2, dim=0, maxnorm=100)), oracle.renorm, COMPOSED, "nonzero", ((5, 4), (2, 3, 2, 4), (1, 6)), large=(190, 190)),
    Method("addmm_", NUMBERS, tuple(form(*PRODUCT_OF, **given) for given in BETA), oracle.addmm, FEW_ULPS, "whole", MATRICES, large=(190, 190)),
    Method("addmv_", NUMBERS, tuple(form(Like("whole", _square), Like("whole", _seven), **given) for given in BETA), oracle.addmv, FEW_ULPS, "whole", VECTORS),
    Method("addr_", COMMON, tuple(form(Like("whole", _head), Like("whole", row), **given) for given in BETA), oracle.addr, FEW_ULPS, "whole", MATRICES, large=(190, 190)),
    Method("addbmm_", NUMBERS, tuple(form(Like("whole", _left), Like("whole", _right), **given) for given in BETA), oracle.addbmm, FEW_ULPS, "whole", MATRICES, large=(190, 190)),
    Method("baddbmm_", NUMBERS, tuple(form(*PRODUCT_OF, **given) for given in BETA), oracle.baddbmm, FEW_ULPS, "whole", STACKS, large=(3, 110, 110)),
    # -- Python functions
    Method("apply_", COMMON, (form(lambda a: a + a),), oracle.called, values="few", twin=False),
    Method("map_", REALS, (form(Like("few"), lambda a, b: a + b),), oracle.called, values="few", twin=False),
    Method("map2_", REALS, (form(Like("few"), Like("few"), lambda a, b, c: a * b + c),), oracle.called, values="few", twin=False),
)

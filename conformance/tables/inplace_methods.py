"""The methods of torch.Tensor that write their result into self: one row a method, by name (see inplace.py).

Methods that only change shape, strides, storage or flags, the random fillers, and those of sparse tensors are not here:
their checks are written out.
"""

from __future__ import annotations

import math
from typing import Any

from conformance.dtypes import COMMON, COMPLEX, FLOATS, INTEGERS
from conformance.numerics import COMPOSED, FEW_ULPS, ROUNDED, SUMMED
from conformance.oracle import inplace as oracle
from conformance.oracle import inplace_indices as indices
from conformance.oracle.math_special import mvlgamma, polygamma
from conformance.tables.inplace import Method
from conformance.tables.inplace_arguments import Across, Flat, Form, Index, Like, Source, column, form, row, scalar
from properties.strategies.recipe import Shape

INEXACT = (*FLOATS, *COMPLEX)
REALS = (*INTEGERS, *FLOATS)
NUMBERS = (*INTEGERS, *FLOATS, *COMPLEX)
WHOLE = ("bool", *INTEGERS)
# On the CPU, many functions came to float16 later than to the others: between 2.0 and 2.6.
MOST_FLOATS = ("bfloat16", "float32", "float64")
MOST_INEXACT = (*MOST_FLOATS, *COMPLEX)
MOST_REALS = (*INTEGERS, *MOST_FLOATS)
MOST_NUMBERS = (*INTEGERS, *MOST_INEXACT)
ALSO_COMPLEX = ((None, COMPLEX),)
HALF = (("2.6", ("float16",)),)
HALF_AND_COMPLEX = (("2.0", COMPLEX), *HALF)
HALF_THEN_COMPLEX = (("2.6", ("float16", *COMPLEX)),)
# What self cannot be: the result has fractions; or is complex where order is asked for; or bits are those of a float.
WHOLE_SELF = ("int64", "uint8", "bool")
FLOATING_SELF = ("float32",)
NARROW = (("2.6", ("uint16", "uint32", "uint64", "float8_e5m2", "float8_e4m3fn")),)

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
COMPARED = (
    form(Like("moderate")),
    form(Like("moderate", shape=row)),
    form(Like("moderate", shape=scalar)),
    form(1),
    form(0.5, kinds="float"),
    form(Like("few", dtype="float64"), kinds="uint int float"),
)
TRUTHS = (
    form(Like("truth")),
    form(Like("truth", shape=row)),
    form(Like("truth", dtype="int64")),
    form(Like("truth", dtype="bool")),
)
BITS = (
    form(Like()),
    form(Like(shape=row)),
    form(Like(shape=scalar)),
    form(5, kinds="uint int"),
    form(True, kinds="bool"),
)
SHIFTS = (form(Like("shift")), form(Like("shift", shape=row)), form(3))
BOUNDS = (
    form(Like("few"), Like("few")),
    form(Like("few"), Like("few", shape=row)),
    form(1, 2),
    form(-1, 2, kinds="int float"),
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
ALPHA = (
    form(Like("whole"), alpha=3, kinds=NUMBER_KINDS),
    form(2, alpha=3, kinds=NUMBER_KINDS),
    form(Like("whole"), alpha=-2, kinds="int float complex"),
    form(Like("whole"), alpha=0.5, kinds=INEXACT_KINDS),
)

# Shapes of self where there is a dimension to go along, and matrices, stacks of them, and vectors.
LINES: tuple[Shape, ...] = ((33,), (5, 4), (2, 3, 2, 4), (3, 4, 2), (1, 6), (0,), (3, 0))
LONG_LINES = tuple(shape for shape in LINES if shape != (1, 6))  # slices of one element have a claim of their own
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


# Arguments of the methods below that take several.
SIGNED = {"beta": -1, "alpha": -2, "kinds": "int float complex"}
FRACTIONS = {"beta": 0.5, "alpha": 1.5, "kinds": INEXACT_KINDS}
PRODUCT = (Like("whole", _tall), Like("whole", _wide))
MIXED: tuple[dict[str, Any], ...] = ({}, {"beta": 2, "alpha": 3}, {"beta": 0}, {"alpha": 0}, SIGNED, FRACTIONS)
ADDMM = tuple(form(*PRODUCT, **given) for given in MIXED)
ADDMV = tuple(form(Like("whole", _square), Like("whole", _seven), **given) for given in MIXED)
ADDR = tuple(form(Like("whole", _head), Like("whole", row), **given) for given in MIXED)
ADDBMM = tuple(form(Like("whole", _left), Like("whole", _right), **given) for given in MIXED)
DIAGONAL = (form(), form(1), form(-1), form(diagonal=-2), form(3))
LOGIT = (form(), form(0.25), form(eps=0.125))
# PyTorch's trigamma has less than double precision: that is a claim about the function, not about working in place.
POLYGAMMA = (form(2), form(3), form(0), form(1, without=("float64",)))
NAN_TO_NUM = (form(), form(2.0), form(nan=1.0, posinf=3.0, neginf=-3.0), form(neginf=4.0))
ROUND = (form(), form(decimals=1, kinds="float"), form(decimals=-1, kinds="float"))
POWER = (
    form(Like("exponent"), kinds=REAL_KINDS),
    form(Like("exponent", row), kinds=REAL_KINDS),
    form(2),
    form(3, kinds=REAL_KINDS),
    form(0.5, kinds="float"),
    form(Like("unit"), kinds="complex"),
)
LERP = (
    form(Like("whole"), 0.5),
    form(Like("whole"), Like("unit")),
    form(Like("whole", row), Like("unit", column)),
    form(Like("whole"), 0.25),
)
FILL = (
    form(1),
    form(0),
    form(-2.5, kinds=INEXACT_KINDS),
    form(Like("few", scalar)),
    form(Like("whole", scalar, dtype="int64"), kinds="int float complex"),
    form(Like("few", scalar, dtype="float64"), kinds="int float complex"),
    form(True),
    form(2 - 1j, kinds="complex"),
)
COPY = (
    form(Like()),
    form(Like(shape=row)),
    form(Like(shape=column)),
    form(Like(shape=scalar)),
    form(Like("whole", dtype="int64"), kinds="int float complex bool"),
    form(Like("few", dtype="float64"), kinds="int float complex bool"),
    form(Like("few", dtype="bool")),
    form(Like("few", dtype="float16"), kinds="int float complex bool"),
    form(Like(), True),
)
FILL_DIAGONAL = (form(3), form(3, True), form(0, wrap=False), form(-1.5, kinds=INEXACT_KINDS))
MASKED_FILL = (
    form(Like(dtype="bool"), 3),
    form(Like(shape=row, dtype="bool"), 1),
    form(Like(shape=column, dtype="bool"), Like("few", scalar)),
    form(Like(shape=scalar, dtype="bool"), 2),
    form(Like(dtype="bool"), -1.5, kinds=INEXACT_KINDS),
)
MASKED_SCATTER = (
    form(Like(dtype="bool"), Like(shape=_more)),
    form(Like(shape=row, dtype="bool"), Like(shape=_more)),
    form(Like(shape=column, dtype="bool"), Like(shape=_more)),
)
# Indices: each place once (all of them; two; one), or seven places with repetitions, along the first or last dimension.
ALL, TWO, ONE, TWO_LAST = Index(), Index(0, 2), Index(0, 1), Index(-1, 2)
NARROW_INDEX = Index(-1, 2, dtype="int32")
SEVEN, SEVEN_LAST = Index(0, 7, repeats=True), Index(-1, 7, repeats=True)
INDEX_ADD = (
    form(0, ALL, Source()),
    form(-1, SEVEN_LAST, Source(SEVEN_LAST)),
    form(0, SEVEN, Source(SEVEN), alpha=2, kinds=NUMBER_KINDS),
    form(dim=0, index=TWO, source=Source(TWO)),
    form(-1, NARROW_INDEX, Source(NARROW_INDEX)),
)
INDEX_COPY = (
    form(0, ALL, Source()),
    form(-1, TWO_LAST, Source(TWO_LAST)),
    form(dim=0, index=ONE, source=Source(ONE)),
)
INDEX_FILL = (
    form(0, TWO, 3),
    form(-1, SEVEN_LAST, 1),
    form(0, TWO, Like("few", scalar)),
    form(dim=-1, index=Index(-1, 1), value=0),
)
INDEX_PUT = (
    form((Index(0, 4),), Like(shape=_slices)),
    form((Index(0, 4, negative=True),), Like(shape=scalar)),
    form((Index(0, 4, True),), Like("whole", _slices), True),
    form((Index(0, 4, True),), Like("whole", scalar), accumulate=True),
    form((Like(dtype="bool"),), Like(shape=scalar)),
)
INDEX_REDUCE = (
    form(0, SEVEN, Source(SEVEN, "whole"), "amax"),
    form(-1, SEVEN_LAST, Source(SEVEN_LAST, "whole"), "amin"),
    form(0, TWO, Source(TWO, "whole"), "prod"),
    form(0, SEVEN, Source(SEVEN, "whole"), "mean"),
    form(0, SEVEN, Source(SEVEN, "whole"), "mean", include_self=False),
    form(-1, SEVEN_LAST, Source(SEVEN_LAST, "whole"), "prod", include_self=False),
    form(0, SEVEN, Source(SEVEN, "whole"), "amax", include_self=False),
    form(0, SEVEN, Source(SEVEN, "whole"), "amin", include_self=False),
)
PUT = (
    form(Flat(), Like(shape=_four)),
    form(Flat((3, 2)), Like(shape=_three_by_two)),
    form(Flat((4,), True), Like("whole", _four), True),
    form(Flat((3, 2), True), Like("whole", _three_by_two), accumulate=True),
)
SCATTER = (
    form(0, Across(), Like()),
    form(-1, Across(-1), Like()),
    form(0, Across(0, True), 3),
    form(-1, Across(-1, True), value=1),
    form(0, Across(0, True), Like("whole"), reduce="add", kinds=NUMBER_KINDS),
    form(-1, Across(-1), Like("whole"), reduce="multiply", kinds=NUMBER_KINDS),
    form(dim=0, index=Across(), src=Like()),
)
SCATTER_ADD = (
    form(0, Across(0, True), Like("whole")),
    form(-1, Across(-1, True), Like("whole")),
    form(dim=0, index=Across(), src=Like("whole")),
)
SCATTER_REDUCE = (
    form(0, Across(0, True), Like("whole"), "sum"),
    form(-1, Across(-1, True), Like("whole"), "amax"),
    form(0, Across(0, True), Like("whole"), "amin"),
    form(0, Across(0, True), Like("whole"), "mean"),
    form(-1, Across(-1), Like("whole"), "prod"),
    form(0, Across(0, True), Like("whole"), "sum", include_self=False),
    form(0, Across(0, True), Like("whole"), "mean", include_self=False),
    form(-1, Across(-1, True), Like("whole"), "prod", include_self=False),
    form(-1, Across(-1, True), Like("whole"), "amax", include_self=False),
    form(-1, Across(-1, True), Like("whole"), "amin", include_self=False),
)
RENORM = (form(2, 0, 3), form(1, -1, 2.5), form(math.inf, 0, 1.5), form(p=2, dim=0, maxnorm=100))
ALONG = (form(0), form(-1), form(dim=0))

METHODS: tuple[Method, ...] = (
    # -- elementary functions
    Method("acos_", MOST_INEXACT, NONE, "acos", COMPOSED, "within", newer=HALF, refuses=WHOLE_SELF),
    Method("acosh_", MOST_INEXACT, NONE, "acosh", COMPOSED, "natural", newer=HALF, refuses=WHOLE_SELF, grad="opaque"),
    Method("arccos_", MOST_INEXACT, NONE, "arccos", COMPOSED, "within", newer=HALF, refuses=WHOLE_SELF),
    Method(
        "arccosh_", MOST_INEXACT, NONE, "arccosh", COMPOSED, "natural", newer=HALF, refuses=WHOLE_SELF, grad="opaque"
    ),
    Method("arcsin_", MOST_INEXACT, NONE, "arcsin", COMPOSED, "within", newer=HALF, refuses=WHOLE_SELF),
    Method("arcsinh_", MOST_INEXACT, NONE, "arcsinh", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF, grad="opaque"),
    Method("arctan_", MOST_INEXACT, NONE, "arctan", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF),
    Method(
        "arctanh_", MOST_INEXACT, NONE, "arctanh", COMPOSED, "within", newer=HALF, refuses=WHOLE_SELF, grad="opaque"
    ),
    Method("asin_", MOST_INEXACT, NONE, "asin", COMPOSED, "within", newer=HALF, refuses=WHOLE_SELF),
    Method("asinh_", MOST_INEXACT, NONE, "asinh", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF, grad="opaque"),
    Method("atan_", MOST_INEXACT, NONE, "atan", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF),
    Method("atanh_", MOST_INEXACT, NONE, "atanh", COMPOSED, "within", newer=HALF, refuses=WHOLE_SELF, grad="opaque"),
    Method("cos_", MOST_INEXACT, NONE, "cos", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF),
    Method("cosh_", MOST_INEXACT, NONE, "cosh", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF),
    Method("deg2rad_", FLOATS, NONE, "deg2rad", FEW_ULPS, "plain", refuses=WHOLE_SELF),
    Method("digamma_", MOST_FLOATS, NONE, "digamma", COMPOSED, "positive", newer=HALF, refuses=WHOLE_SELF),
    Method("erf_", MOST_FLOATS, NONE, "erf", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF),
    Method("erfc_", MOST_FLOATS, NONE, "erfc", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF),
    Method("erfinv_", MOST_FLOATS, NONE, "erfinv", COMPOSED, "within", newer=HALF, refuses=WHOLE_SELF),
    Method("exp_", MOST_INEXACT, NONE, "exp", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF),
    Method("exp2_", FLOATS, NONE, "exp2", COMPOSED, "few", newer=(("2.0", COMPLEX),), refuses=WHOLE_SELF),
    Method("expm1_", MOST_FLOATS, NONE, "expm1", COMPOSED, "few", newer=HALF_THEN_COMPLEX, refuses=WHOLE_SELF),
    Method("i0_", MOST_FLOATS, NONE, "i0", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF),
    Method("lgamma_", MOST_FLOATS, NONE, "lgamma", COMPOSED, "positive", newer=HALF, refuses=WHOLE_SELF),
    Method("log_", MOST_INEXACT, NONE, "log", COMPOSED, "positive", newer=HALF, refuses=WHOLE_SELF),
    Method("log10_", MOST_INEXACT, NONE, "log10", COMPOSED, "positive", newer=HALF, refuses=WHOLE_SELF),
    Method("log1p_", MOST_FLOATS, NONE, "log1p", COMPOSED, "positive", newer=HALF_AND_COMPLEX, refuses=WHOLE_SELF),
    Method("log2_", MOST_INEXACT, NONE, "log2", COMPOSED, "positive", newer=HALF, refuses=WHOLE_SELF),
    Method("logit_", MOST_FLOATS, LOGIT, "logit", COMPOSED, "unit", newer=HALF, refuses=WHOLE_SELF),
    Method("mvlgamma_", MOST_FLOATS, (form(1), form(2), form(p=3)), mvlgamma, COMPOSED, "above", newer=HALF),
    Method(
        "polygamma_",
        MOST_FLOATS,
        POLYGAMMA,
        lambda x, n: polygamma(n, x),
        COMPOSED,
        "positive",
        newer=HALF,
        refuses=WHOLE_SELF,
    ),
    Method("rad2deg_", FLOATS, NONE, "rad2deg", FEW_ULPS, "plain", refuses=WHOLE_SELF),
    Method("reciprocal_", INEXACT, NONE, "reciprocal", FEW_ULPS, "nonzero", refuses=WHOLE_SELF),
    Method("rsqrt_", MOST_INEXACT, NONE, "rsqrt", COMPOSED, "positive", newer=HALF, refuses=WHOLE_SELF),
    Method("sigmoid_", MOST_INEXACT, NONE, "sigmoid", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF),
    Method("sin_", MOST_INEXACT, NONE, "sin", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF),
    Method("sinc_", MOST_INEXACT, NONE, "sinc", COMPOSED, "within", newer=HALF, refuses=WHOLE_SELF),
    Method("sinh_", MOST_INEXACT, NONE, "sinh", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF),
    Method("sqrt_", MOST_INEXACT, NONE, "sqrt", FEW_ULPS, "positive", newer=HALF, refuses=WHOLE_SELF),
    Method("tan_", MOST_INEXACT, NONE, "tan", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF),
    Method("tanh_", MOST_INEXACT, NONE, "tanh", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF),
    # -- signs, rounding and other exact functions of one operand
    Method("abs_", REALS, NONE, "abs", refuses=COMPLEX),
    Method("absolute_", REALS, NONE, "absolute", refuses=COMPLEX),
    Method("ceil_", MOST_REALS, NONE, "ceil", newer=HALF, refuses=COMPLEX),
    Method("conj_physical_", COMMON, NONE, "conj_physical", overlap="open", main="complex64"),
    Method("fix_", MOST_REALS, NONE, "fix", newer=HALF, refuses=COMPLEX),
    Method("floor_", MOST_REALS, NONE, "floor", newer=HALF, refuses=COMPLEX),
    Method("frac_", FLOATS, NONE, "frac", values="finite"),
    Method("nan_to_num_", ("bool", *REALS), NAN_TO_NUM, "nan_to_num", newer=(("2.6", COMPLEX),)),
    Method("neg_", NUMBERS, NONE, "neg", refuses=("bool",)),
    Method("negative_", NUMBERS, NONE, "negative", refuses=("bool",)),
    Method("relu_", MOST_REALS, NONE, "relu", newer=HALF, refuses=COMPLEX),
    Method("round_", MOST_REALS, ROUND, "round", FEW_ULPS, "plain", newer=HALF, refuses=COMPLEX),
    Method("sgn_", COMMON, NONE, "sgn", FEW_ULPS, "few"),
    Method("sign_", ("bool", *REALS), NONE, "sign", values="few", refuses=COMPLEX),
    Method("square_", NUMBERS, NONE, "square", FEW_ULPS),
    Method("trunc_", MOST_REALS, NONE, "trunc", newer=HALF, refuses=COMPLEX),
    Method("bitwise_not_", WHOLE, NONE, "bitwise_not", refuses=FLOATING_SELF),
    Method("logical_not_", COMMON, NONE, "logical_not", grad="ignored"),
    # -- arithmetic of two operands
    Method("add_", COMMON, (*OTHER, *ALPHA), "add", FEW_ULPS, promotes=True),
    Method("sub_", NUMBERS, (*OTHER[:-1], *ALPHA), "sub", FEW_ULPS, refuses=("bool",), promotes=True),
    Method("subtract_", NUMBERS, (*OTHER[:-1], *ALPHA), "subtract", FEW_ULPS, refuses=("bool",), promotes=True),
    Method("mul_", COMMON, OTHER, "mul", FEW_ULPS, promotes=True),
    Method("multiply_", COMMON, OTHER, "multiply", FEW_ULPS, promotes=True),
    Method("div_", INEXACT, DIVISION, "div", FEW_ULPS, "few", refuses=WHOLE_SELF, promotes=True),
    Method("divide_", INEXACT, DIVISION, "divide", FEW_ULPS, "few", refuses=WHOLE_SELF, promotes=True),
    Method("true_divide_", INEXACT, DIVISOR, "true_divide", FEW_ULPS, "few", refuses=WHOLE_SELF, promotes=True),
    Method(
        "floor_divide_", REALS, DIVISOR, "floor_divide", values="few", refuses=COMPLEX, promotes=True, grad="opaque"
    ),
    Method("remainder_", REALS, DIVISOR, "remainder", ROUNDED, "few", refuses=COMPLEX, promotes=True),
    Method("fmod_", REALS, DIVISOR, "fmod", ROUNDED, "few", refuses=COMPLEX, promotes=True),
    Method("pow_", NUMBERS, POWER, "pow", COMPOSED, "natural", promotes=True),
    Method(
        "float_power_",
        ("float64", "complex128"),
        (form(Like("unit")), form(2), form(-0.5)),
        "float_power",
        COMPOSED,
        "natural",
        refuses=("float32", "complex64", "int64"),
    ),
    Method("atan2_", MOST_FLOATS, OTHER[:4], "atan2", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF, promotes=True),
    Method(
        "arctan2_", MOST_FLOATS, OTHER[:4], "arctan2", COMPOSED, "few", newer=HALF, refuses=WHOLE_SELF, promotes=True
    ),
    Method(
        "copysign_",
        FLOATS,
        (*OTHER[:4], form(-2), form(0.5)),
        "copysign",
        values="plain",
        refuses=WHOLE_SELF,
        promotes=True,
    ),
    Method(
        "hypot_",
        MOST_FLOATS,
        (form(Like("few")), form(Like("few", shape=row))),
        "hypot",
        FEW_ULPS,
        "few",
        newer=HALF,
        promotes=True,
    ),
    Method("heaviside_", REALS, OTHER[:4], "heaviside", values="few", grad="opaque"),
    Method(
        "nextafter_",
        MOST_FLOATS,
        (form(Like("few")), form(Like("few", shape=row))),
        "nextafter",
        values="few",
        newer=HALF,
        promotes=True,
        grad="opaque",
    ),
    Method(
        "ldexp_",
        INEXACT,
        (form(Like("shift", dtype="int64")), form(Like("shift", shape=row, dtype="int32"))),
        "ldexp",
        FEW_ULPS,
        "few",
        refuses=WHOLE_SELF,
        grad_since="2.13",
    ),
    Method(
        "xlogy_",
        FLOATS,
        (form(Like("positive")), form(Like("positive", shape=row)), form(2.0)),
        "xlogy",
        COMPOSED,
        "few",
        refuses=WHOLE_SELF,
        promotes=True,
    ),
    Method(
        "gcd_",
        INTEGERS,
        (form(Like("natural")), form(Like("natural", shape=row))),
        "gcd",
        values="moderate",
        refuses=FLOATING_SELF,
        promotes=True,
    ),
    Method(
        "lcm_",
        INTEGERS,
        (form(Like("natural")), form(Like("natural", shape=row))),
        "lcm",
        values="natural",
        refuses=FLOATING_SELF,
        promotes=True,
    ),
    Method(
        "igamma_",
        FLOATS,
        (form(Like("middle")), form(Like("middle", shape=row))),
        "igamma",
        COMPOSED,
        "middle",
        promotes=True,
        grad="opaque",
    ),
    Method(
        "igammac_",
        FLOATS,
        (form(Like("middle")), form(Like("middle", shape=row))),
        "igammac",
        COMPOSED,
        "middle",
        promotes=True,
        grad="opaque",
    ),
    Method("addcmul_", MOST_NUMBERS, SCALED, "addcmul", FEW_ULPS, "whole", newer=HALF, promotes=True),
    Method(
        "addcdiv_",
        MOST_INEXACT,
        QUOTIENT,
        "addcdiv",
        SUMMED.over(8),
        "whole",
        magnitudes=True,
        newer=HALF,
        promotes=True,
    ),
    Method("lerp_", MOST_INEXACT, LERP, "lerp", FEW_ULPS, "whole", newer=HALF),
    # -- truth values and bits, kept as numbers of self's dtype
    Method("eq_", ("bool", *REALS), COMPARED, "eq", values="moderate", newer=ALSO_COMPLEX, grad="zero"),
    Method("ne_", ("bool", *REALS), COMPARED, "ne", values="moderate", newer=ALSO_COMPLEX, grad="zero"),
    Method("not_equal_", ("bool", *REALS), COMPARED, "not_equal", values="moderate", newer=ALSO_COMPLEX, grad="zero"),
    Method("lt_", ("bool", *REALS), COMPARED, "lt", values="moderate", refuses=COMPLEX, grad="zero"),
    Method("less_", ("bool", *REALS), COMPARED, "less", values="moderate", refuses=COMPLEX, grad="zero"),
    Method("le_", ("bool", *REALS), COMPARED, "le", values="moderate", refuses=COMPLEX, grad="zero"),
    Method("less_equal_", ("bool", *REALS), COMPARED, "less_equal", values="moderate", refuses=COMPLEX, grad="zero"),
    Method("gt_", ("bool", *REALS), COMPARED, "gt", values="moderate", refuses=COMPLEX, grad="zero"),
    Method("greater_", ("bool", *REALS), COMPARED, "greater", values="moderate", refuses=COMPLEX, grad="zero"),
    Method("ge_", ("bool", *REALS), COMPARED, "ge", values="moderate", refuses=COMPLEX, grad="zero"),
    Method(
        "greater_equal_", ("bool", *REALS), COMPARED, "greater_equal", values="moderate", refuses=COMPLEX, grad="zero"
    ),
    Method("logical_and_", COMMON, TRUTHS, "logical_and", values="truth", grad="ignored"),
    Method("logical_or_", COMMON, TRUTHS, "logical_or", values="truth", grad="ignored"),
    Method("logical_xor_", COMMON, TRUTHS, "logical_xor", values="truth", grad="ignored"),
    Method("bitwise_and_", WHOLE, BITS, "bitwise_and", refuses=FLOATING_SELF, promotes=True),
    Method("bitwise_or_", WHOLE, BITS, "bitwise_or", refuses=FLOATING_SELF, promotes=True),
    Method("bitwise_xor_", WHOLE, BITS, "bitwise_xor", refuses=FLOATING_SELF, promotes=True),
    Method("bitwise_left_shift_", INTEGERS, SHIFTS, "bitwise_left_shift", refuses=FLOATING_SELF, promotes=True),
    Method("bitwise_right_shift_", INTEGERS, SHIFTS, "bitwise_right_shift", refuses=FLOATING_SELF, promotes=True),
    # -- bounds
    Method("clamp_", MOST_REALS, BOUNDS, "clamp", values="plain", newer=HALF, refuses=COMPLEX, promotes=True),
    Method("clip_", MOST_REALS, BOUNDS, "clip", values="plain", newer=HALF, refuses=COMPLEX, promotes=True),
    Method("clamp_min_", MOST_REALS, BOUND, "clamp_min", values="plain", newer=HALF, refuses=COMPLEX, promotes=True),
    Method("clamp_max_", MOST_REALS, BOUND, "clamp_max", values="plain", newer=HALF, refuses=COMPLEX, promotes=True),
    # -- filling and copying
    Method("fill_", (*COMMON, "complex32"), FILL, oracle.fill, grad="zero", twin=False, newer=NARROW, overlap="open"),
    Method("zero_", (*COMMON, "complex32"), NONE, oracle.zero, grad="zero", twin=False, newer=NARROW, overlap="open"),
    Method("copy_", (*COMMON, "complex32"), COPY, oracle.copy, grad="zero", twin=False, newer=NARROW),
    Method(
        "fill_diagonal_",
        COMMON,
        FILL_DIAGONAL,
        oracle.fill_diagonal,
        shapes=((3, 5), (4, 4), (4, 3), (3, 3, 3), (1, 1)),
        large=(190, 190),
        twin=False,
        overlap="open",
    ),
    Method("masked_fill_", COMMON, MASKED_FILL, oracle.masked_fill, overlap="open"),
    Method("masked_scatter_", COMMON, MASKED_SCATTER, oracle.masked_scatter, laid_out_since="2.1", own_dtype=True),
    Method("tril_", COMMON, DIAGONAL, oracle.tril, shapes=(*MATRICES, *STACKS), large=(190, 190), overlap="open"),
    Method("triu_", COMMON, DIAGONAL, oracle.triu, shapes=(*MATRICES, *STACKS), large=(190, 190), overlap="open"),
    # -- writing at indices
    Method("index_add_", COMMON, INDEX_ADD, indices.index_add, FEW_ULPS, "whole", LINES),
    Method("index_copy_", COMMON, INDEX_COPY, indices.index_copy, shapes=LINES),
    Method("index_fill_", COMMON, INDEX_FILL, indices.index_fill, shapes=LINES, overlap="open"),
    Method(
        "index_put_",
        COMMON,
        INDEX_PUT,
        indices.index_put,
        FEW_ULPS,
        "whole",
        ((33,), (5, 4), (6, 3, 2, 4)),
        own_dtype=True,
        overlap="open",
    ),
    Method("index_reduce_", REALS, INDEX_REDUCE, indices.index_reduce, FEW_ULPS, "whole", LONG_LINES),
    Method("put_", COMMON, PUT, indices.put, FEW_ULPS, "whole", ((33,), (5, 4), (2, 3, 2, 4), (0,)), own_dtype=True),
    Method("scatter_", COMMON, SCATTER, indices.scatter, FEW_ULPS, "whole", LINES, own_dtype=True),
    Method("scatter_add_", COMMON, SCATTER_ADD, indices.scatter_add, FEW_ULPS, "whole", LINES, own_dtype=True),
    Method("scatter_reduce_", REALS, SCATTER_REDUCE, indices.scatter_reduce, FEW_ULPS, "whole", LINES),
    # -- along a dimension, and matrices
    Method("cumsum_", MOST_NUMBERS, ALONG, oracle.cumsum, FEW_ULPS, "whole", LINES, large=(33_001,), newer=HALF),
    Method(
        "cumprod_",
        MOST_NUMBERS,
        ALONG,
        oracle.cumprod,
        FEW_ULPS,
        "whole",
        ((5,), (5, 4), (2, 3, 2, 4), (1, 6), (0,), (3, 0)),
        large=None,
        newer=HALF,
    ),
    Method(
        "renorm_", INEXACT, RENORM, oracle.renorm, COMPOSED, "nonzero", ((5, 4), (2, 3, 2, 4), (1, 6)), large=(190, 190)
    ),
    Method("addmm_", MOST_NUMBERS, ADDMM, oracle.addmm, FEW_ULPS, "whole", MATRICES, large=(190, 190), newer=HALF),
    Method("addmv_", MOST_NUMBERS, ADDMV, oracle.addmv, FEW_ULPS, "whole", VECTORS, newer=HALF, overlap="open"),
    Method("addr_", COMMON, ADDR, oracle.addr, FEW_ULPS, "whole", MATRICES, large=(190, 190), promotes=True),
    Method("addbmm_", MOST_NUMBERS, ADDBMM, oracle.addbmm, FEW_ULPS, "whole", MATRICES, large=(190, 190), newer=HALF),
    Method(
        "baddbmm_",
        MOST_NUMBERS,
        ADDMM,
        oracle.baddbmm,
        FEW_ULPS,
        "whole",
        STACKS,
        large=(3, 110, 110),
        newer=HALF,
        overlap="open",
    ),
    # -- Python functions
    Method(
        "apply_",
        COMMON,
        (form(lambda a: a + a),),
        oracle.called,
        values="few",
        twin=False,
        overlap="open",
        grad="refused",
        counts=False,
    ),
    Method(
        "map_",
        REALS,
        (form(Like("few"), lambda a, b: a + a + b),),
        oracle.called,
        values="few",
        twin=False,
        overlap="open",
        grad="refused",
        counts=False,
    ),
    Method(
        "map2_",
        REALS,
        (form(Like("few"), Like("few"), lambda a, b, c: a + a + b * c + c),),
        oracle.called,
        values="few",
        twin=False,
        overlap="open",
        grad="refused",
        counts=False,
    ),
)

# Those that torch has as functions of the same name, too.
FUNCTIONS = """
    abs_ acos_ acosh_ addmv_ arccos_ arccosh_ arcsin_ arcsinh_ arctan_ arctanh_ asin_ asinh_ atan_ atanh_ ceil_
    clamp_ clamp_max_ clamp_min_ clip_ conj_physical_ cos_ cosh_ deg2rad_ erf_ erfc_ exp2_ exp_ expm1_ fill_ fix_
    floor_ frac_ gcd_ i0_ index_put_ lcm_ ldexp_ log10_ log1p_ log2_ log_ logit_ nan_to_num_ neg_ negative_ rad2deg_
    reciprocal_ relu_ round_ rsqrt_ sigmoid_ sin_ sinc_ sinh_ sqrt_ square_ tan_ tanh_ trunc_ xlogy_ zero_
"""

# The names of their arguments, where it is not just `other`; empty for those that take no names.
KEYWORDS = {
    "addbmm_": "batch1 batch2",
    "addcdiv_": "tensor1 tensor2",
    "addcmul_": "tensor1 tensor2",
    "addmm_": "mat1 mat2",
    "addmv_": "mat vec",
    "addr_": "vec1 vec2",
    "apply_": "",
    "baddbmm_": "batch1 batch2",
    "clamp_": "min max",
    "clamp_max_": "max",
    "clamp_min_": "min",
    "clip_": "min max",
    "cumprod_": "dim",
    "cumsum_": "dim",
    "fill_": "value",
    "fill_diagonal_": "fill_value",
    "float_power_": "exponent",
    "heaviside_": "values",
    "index_add_": "dim index source",
    "index_copy_": "dim index source",
    "index_fill_": "dim index value",
    "index_put_": "indices values",
    "index_reduce_": "dim index source reduce",
    "lerp_": "end weight",
    "logit_": "eps",
    "map2_": "x y callable",
    "map_": "",
    "masked_fill_": "mask value",
    "masked_scatter_": "mask source",
    "mvlgamma_": "p",
    "nan_to_num_": "nan",
    "polygamma_": "n",
    "pow_": "exponent",
    "put_": "index source",
    "renorm_": "p dim maxnorm",
    "scatter_": "dim index src",
    "scatter_add_": "dim index src",
    "scatter_reduce_": "dim index src reduce",
    "tril_": "diagonal",
    "triu_": "diagonal",
}

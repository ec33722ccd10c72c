"""PyTorch's elementwise functions as a table: names, forms, operands, dtypes, arguments, domains and error classes.

Names are strings, looked up when a check runs; nothing here holds a function of PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.dtypes import COMPLEX, DTYPES, INTEGERS
from conformance.numerics import COMPOSED, EXACT, FAITHFUL, FEW_ULPS, ROUNDED, Error

WIDE = ("bfloat16", "float32", "float64")  # floating dtypes that every function has had in every release
FLOATING = ("float16", *WIDE)
# Computed in float32, a few of whose units in the last place are lost, and rounded once.
NARROWED = ROUNDED.over(0.05)
LATE = "2.6"  # the first release seen in which all functions take float16 on the CPU, and some more complex numbers


@dataclass(frozen=True)
class Function:
    """One elementwise function.

    `operands`: the names of its tensor parameters. `late`: dtypes that it takes since release LATE only. `result`: the
    rule for its dtype (see `oracle.math_promotion`). `error`, `reduced`, `complex`: the error class for float32 and
    float64, for float16 and bfloat16, and for complex dtypes. `scale`: the magnitudes that `error` counts roundings of
    (see `samples_math`). `domain`: which operands make sense (ibid.). `arguments`: further keyword arguments, one set
    a variant. `refuses`: dtypes that it must not take. `promotes`: whether it takes tensors of different dtypes;
    `numbers`: whether its last operand may be a Python number. `fresh`: whether the result is always new memory.
    `signed_zeros`: whether the sign of a zero is settled.
    """

    name: str
    family: str
    operands: tuple[str, ...] = ("input",)
    dtypes: tuple[str, ...] = (*INTEGERS, *FLOATING)
    late: tuple[str, ...] = ()
    result: str = "same"
    error: Error = EXACT
    reduced: Error | None = None
    complex: Error = COMPOSED
    scale: str = ""
    domain: str = "all"
    arguments: tuple[Mapping[str, Any], ...] = ({},)
    refuses: tuple[str, ...] = ()
    claim: str = ""
    oracle: str = ""
    aliases: tuple[str, ...] = ()
    owner: str = "torch"
    special: str = ""
    functional: str = ""
    operator: str = ""
    torch_in_place: bool = False
    method: bool = True
    in_place: bool = True
    out: bool = True
    keywords: bool = True
    fresh: bool = True
    differentiable: bool = True
    signed_zeros: bool = True
    promotes: bool = True
    numbers: bool = False

    @property
    def claim_id(self) -> str:
        return f"math.{self.claim or self.name}"

    def variants(self, dtype: str) -> tuple[int, ...]:
        """Which of `arguments` make sense for a dtype: no negative numbers for unsigned ones."""
        unsigned = DTYPES[dtype].kind in ("uint", "bool")
        negative = [any(isinstance(v, (int, float)) and v < 0 for v in given.values()) for given in self.arguments]
        return tuple(
            n for n, below in enumerate(negative) if not (unsigned and below and "decimals" not in self.arguments[n])
        )

    def error_of(self, dtype: str) -> Error:
        """The error class of the results for operands of that dtype."""
        if dtype in COMPLEX:
            return self.complex
        if dtype in ("float16", "bfloat16"):
            return self.reduced or self.error
        return self.error


def _elementary(name: str, **fields: Any) -> Function:
    # Real and complex numbers and, turned into float32, integers; the narrow dtypes compute in float32.
    plain = {
        "dtypes": ("bool", *INTEGERS, *WIDE, *COMPLEX),
        "late": ("float16",),
        "result": "float",
        "error": FEW_ULPS,
        "reduced": NARROWED,
        "torch_in_place": True,
    }
    return Function(name, "elementary", **{**plain, **fields})


def _special(name: str, **fields: Any) -> Function:
    plain = {
        "dtypes": ("bool", *INTEGERS, *WIDE),
        "late": ("float16",),
        "result": "float",
        "error": COMPOSED,
        "reduced": NARROWED,
        "refuses": COMPLEX,
        "signed_zeros": False,
    }
    return Function(name, "special", **{**plain, **fields})


def _rounding(name: str, **fields: Any) -> Function:
    plain = {
        "dtypes": (*INTEGERS, *WIDE),
        "late": ("float16",),
        "refuses": COMPLEX,
        "torch_in_place": True,
    }
    return Function(name, "rounding", **{**plain, **fields})


def _binary(name: str, family: str = "arithmetic", **fields: Any) -> Function:
    return Function(name, family, **{"operands": ("input", "other"), **fields})


def _comparison(name: str, operator: str = "", **fields: Any) -> Function:
    plain = {
        "dtypes": ("bool", *INTEGERS, *FLOATING),
        "result": "bool",
        "refuses": COMPLEX,
        "differentiable": False,
        "operator": operator or name,
        "operands": ("input", "other"),
        "numbers": True,
    }
    return Function(name, "comparison", **{**plain, **fields})


def _extremum(name: str, **fields: Any) -> Function:
    plain = {
        "dtypes": ("bool", *INTEGERS, *FLOATING),
        "refuses": COMPLEX,
        "in_place": False,
        "signed_zeros": False,  # which of two zeros is larger is open
    }
    return _binary(name, "extremum", **{**plain, **fields})


def _logical(name: str, **fields: Any) -> Function:
    plain = {
        "dtypes": ("bool", *INTEGERS, *FLOATING, *COMPLEX),
        "result": "bool",
        "differentiable": False,
        "operands": ("input", "other"),
    }
    return Function(name, "logic", **{**plain, **fields})


def _bits(name: str, operator: str, **fields: Any) -> Function:
    plain = {
        "dtypes": ("bool", *INTEGERS),
        "refuses": ("float32", "float64", "complex64"),
        "differentiable": False,
        "operands": ("input", "other"),
        "operator": operator,
        "numbers": True,
    }
    return Function(name, "bits", **{**plain, **fields})


def _predicate(name: str, **fields: Any) -> Function:
    plain = {
        "dtypes": ("bool", *INTEGERS, *FLOATING),
        "result": "bool",
        "differentiable": False,
        "in_place": False,
        "out": False,
    }
    return Function(name, "predicate", **{**plain, **fields})


_NUMERIC = (*INTEGERS, *FLOATING, *COMPLEX)

# fmt: off
_SIGNS = (
    Function("abs", "sign", dtypes=_NUMERIC, result="real", aliases=("absolute",), operator="abs", torch_in_place=True,
        complex=FEW_ULPS),
    Function("neg", "sign", dtypes=_NUMERIC, aliases=("negative",), operator="neg", refuses=("bool",),
        torch_in_place=True, complex=EXACT),
    Function("positive", "sign", dtypes=_NUMERIC, operator="pos", refuses=("bool",), complex=EXACT, in_place=False,
        out=False, fresh=False),
    Function("sign", "sign", dtypes=("bool", *INTEGERS, *FLOATING), refuses=COMPLEX),
    Function("sgn", "sign", dtypes=("bool", *_NUMERIC), complex=FEW_ULPS),
    Function("conj_physical", "sign", dtypes=_NUMERIC, complex=EXACT, fresh=False, torch_in_place=True),
    Function("nan_to_num", "sign", dtypes=("bool", *INTEGERS, *FLOATING), late=COMPLEX, torch_in_place=True,
        complex=EXACT,
        arguments=({}, {"nan": 2.0}, {"nan": -1.5, "posinf": 4.0, "neginf": -8.0}, {"posinf": 1.0}, {"neginf": 3.0})),
    Function("clamp", "sign", signed_zeros=False, dtypes=(*INTEGERS, *WIDE), late=("float16",), aliases=("clip",),
        refuses=COMPLEX, torch_in_place=True,
        arguments=({"min": -1, "max": 2}, {"min": 1}, {"max": 2}, {"min": 3, "max": 1})),
    Function("clamp_min", "sign", signed_zeros=False, dtypes=(*INTEGERS, *WIDE), late=("float16",), refuses=COMPLEX,
        torch_in_place=True, arguments=({"min": 1}, {"min": 0})),
    Function("clamp_max", "sign", signed_zeros=False, dtypes=(*INTEGERS, *WIDE), late=("float16",), refuses=COMPLEX,
        torch_in_place=True, arguments=({"max": 2}, {"max": 0})),
    Function("relu", "sign", signed_zeros=False, dtypes=(*INTEGERS, *WIDE), late=("float16",), refuses=COMPLEX,
        functional="relu", torch_in_place=True, out=False),
    Function("angle", "elementary", dtypes=("bool", *_NUMERIC), result="real float", error=FAITHFUL, complex=FEW_ULPS,
        in_place=False),
)

_ROUNDING = (
    _rounding("ceil"),
    _rounding("floor"),
    _rounding("trunc", aliases=("fix",)),
    _rounding("round"),
    Function("round", "rounding", dtypes=WIDE, late=("float16",), claim="round-decimals", special="round",
        torch_in_place=True, domain="decimals", error=FEW_ULPS,
        arguments=({"decimals": 1}, {"decimals": 2}, {"decimals": -1}), refuses=COMPLEX),
    _rounding("frac", dtypes=WIDE),
)

_ELEMENTARY = (
    _elementary("reciprocal", error=ROUNDED, reduced=ROUNDED),
    _elementary("sqrt", error=FAITHFUL, reduced=ROUNDED),
    _elementary("rsqrt", reduced=FEW_ULPS),
    _elementary("square", dtypes=(*INTEGERS, *FLOATING, *COMPLEX), late=(), result="same", error=ROUNDED,
        reduced=ROUNDED),
    _elementary("exp"),
    _elementary("exp2", dtypes=("bool", *INTEGERS, *FLOATING), late=COMPLEX, special="exp2"),
    _elementary("expm1", dtypes=("bool", *INTEGERS, *WIDE), late=("float16", *COMPLEX), special="expm1"),
    _elementary("log"),
    _elementary("log2"),
    _elementary("log10"),
    _elementary("log1p", dtypes=("bool", *INTEGERS, *WIDE), late=("float16", *COMPLEX), special="log1p",
        domain="below 1e30"),
    _elementary("sin"),
    _elementary("cos"),
    _elementary("tan"),
    _elementary("asin", aliases=("arcsin",)),
    _elementary("acos", aliases=("arccos",)),
    _elementary("atan", aliases=("arctan",)),
    _elementary("sinh"),
    _elementary("cosh"),
    _elementary("tanh", functional="tanh"),
    _elementary("asinh", aliases=("arcsinh",)),
    _elementary("acosh", aliases=("arccosh",)),
    _elementary("atanh", aliases=("arctanh",)),
    _elementary("sinc", signed_zeros=False, special="sinc", domain="moderate", error=COMPOSED.over(8), scale="one",
        reduced=FAITHFUL.over(1)),
    _elementary("sigmoid", special="expit", functional="sigmoid"),
    _elementary("deg2rad", reduced=FAITHFUL, dtypes=("bool", *INTEGERS, *FLOATING), late=(), refuses=COMPLEX),
    _elementary("rad2deg", reduced=FAITHFUL, dtypes=("bool", *INTEGERS, *FLOATING), late=(), refuses=COMPLEX),
)

_SPECIAL = (
    _special("logit", reduced=FAITHFUL, special="logit", domain="unit", arguments=({}, {"eps": 0.125}),
        torch_in_place=True, scale="one", error=COMPOSED.over(8)),
    _special("erf", special="erf", torch_in_place=True, scale="one", error=FEW_ULPS.over(4),
        reduced=FAITHFUL.over(0.01)),
    _special("erfc", special="erfc", torch_in_place=True),
    _special("erfinv", special="erfinv", domain="unit"),
    _special("lgamma", special="gammaln", scale="one", error=COMPOSED.over(8)),
    _special("digamma", special="digamma", scale="one", error=COMPOSED.over(24)),
    _special("polygamma", special="polygamma", arguments=({"n": 0}, {"n": 2}, {"n": 4}), domain="polygamma",
        scale="one", error=COMPOSED.over(8), reduced=FEW_ULPS),
    _special("polygamma", claim="trigamma", special="polygamma", arguments=({"n": 1},), domain="polygamma",
        dtypes=("bool", *INTEGERS, "bfloat16", "float32"), error=COMPOSED, reduced=FEW_ULPS),
    # The series for n = 1 stops where float32 is served, whatever the dtype: some nine digits for float64.
    _special("polygamma", claim="trigamma-float64", special="polygamma", arguments=({"n": 1},), domain="polygamma",
        dtypes=("float64",), late=(), error=COMPOSED.over(2 ** 24)),
    _special("mvlgamma", special="multigammaln", arguments=({"p": 1}, {"p": 2}, {"p": 3}), domain="mvlgamma",
        dtypes=(*INTEGERS, *WIDE), scale="one", error=COMPOSED.over(16), reduced=FEW_ULPS.over(4)),
    _special("i0", special="i0", domain="not infinite", torch_in_place=True),
)

_ARITHMETIC = (
    _binary("add", dtypes=("bool", *_NUMERIC), operator="add", numbers=True, error=ROUNDED, complex=ROUNDED),
    _binary("add", dtypes=_NUMERIC, claim="add-alpha", arguments=({"alpha": 2}, {"alpha": -3}), scale="sum",
        domain="tame", error=FAITHFUL.over(2), complex=FAITHFUL.over(4)),
    _binary("sub", dtypes=_NUMERIC, aliases=("subtract",), operator="sub", numbers=True, error=ROUNDED,
        complex=ROUNDED, refuses=("bool",)),
    _binary("sub", dtypes=_NUMERIC, claim="sub-alpha", aliases=("subtract",), arguments=({"alpha": 2}, {"alpha": -3}),
        scale="sum", domain="tame", error=FAITHFUL.over(2), complex=FAITHFUL.over(4)),
    _binary("rsub", dtypes=_NUMERIC, numbers=True, error=ROUNDED, complex=ROUNDED, refuses=("bool",), method=False,
        in_place=False, out=False),
    _binary("mul", dtypes=("bool", *_NUMERIC), aliases=("multiply",), operator="mul", numbers=True, error=ROUNDED),
    _binary("div", dtypes=("bool", *_NUMERIC), aliases=("divide", "true_divide"), operator="truediv", numbers=True,
        result="float", error=ROUNDED),
    _binary("div", dtypes=(*INTEGERS, *FLOATING), claim="div-rounding-mode", aliases=("divide",), domain="quotients",
        arguments=({"rounding_mode": "trunc"}, {"rounding_mode": "floor"}), error=FAITHFUL, refuses=COMPLEX),
    _binary("floor_divide", dtypes=(*INTEGERS, *FLOATING), operator="floordiv", numbers=True, domain="quotients",
        error=FAITHFUL, refuses=COMPLEX),
    _binary("remainder", signed_zeros=False, dtypes=(*INTEGERS, *FLOATING), operator="mod", numbers=True,
        domain="remainders", error=ROUNDED, refuses=COMPLEX),
    _binary("fmod", numbers=True, dtypes=(*INTEGERS, *FLOATING), domain="remainders", refuses=COMPLEX),
    _binary("pow", operands=("input", "exponent"), dtypes=_NUMERIC, operator="pow", numbers=True, domain="powers",
        error=FEW_ULPS, reduced=NARROWED, complex=COMPOSED.over(32)),
    _binary("float_power", numbers=True, operands=("input", "exponent"), dtypes=("bool", *_NUMERIC), result="double",
        domain="powers", error=FEW_ULPS, complex=COMPOSED.over(32)),
    _binary("atan2", dtypes=("bool", *INTEGERS, *WIDE), late=("float16",), aliases=("arctan2",), result="float",
        error=FEW_ULPS, reduced=NARROWED, refuses=COMPLEX),
    _binary("hypot", dtypes=WIDE, late=("float16",), error=FEW_ULPS, reduced=NARROWED, refuses=COMPLEX),
    _binary("copysign", numbers=True, dtypes=("bool", *INTEGERS, *FLOATING), result="float", refuses=COMPLEX),
    _binary("nextafter", dtypes=WIDE, late=("float16",), refuses=COMPLEX),
    _binary("heaviside", promotes=False, operands=("input", "values"), domain="number first",
        dtypes=("bool", *INTEGERS, *FLOATING), refuses=COMPLEX),
    _binary("ldexp", promotes=False, dtypes=(*INTEGERS, *FLOATING), result="float", domain="ldexp", error=ROUNDED,
        torch_in_place=True),
    _binary("xlogy", numbers=True, dtypes=("bool", *INTEGERS, *FLOATING), result="float", special="xlogy",
        error=COMPOSED, reduced=FEW_ULPS, refuses=COMPLEX, torch_in_place=True),
    _binary("igamma", "special", signed_zeros=False, dtypes=FLOATING, special="gammainc", domain="igamma", scale="one",
        error=COMPOSED.over(16), reduced=NARROWED, refuses=COMPLEX),
    _binary("igammac", "special", signed_zeros=False, dtypes=FLOATING, special="gammaincc", domain="igamma",
        scale="one", error=COMPOSED.over(16), reduced=NARROWED, refuses=COMPLEX),
    _binary("logaddexp", signed_zeros=False, dtypes=WIDE, late=("float16",), scale="one", error=COMPOSED.over(2),
        reduced=NARROWED, in_place=False),
    _binary("logaddexp2", signed_zeros=False, dtypes=WIDE, late=("float16",), scale="one", error=COMPOSED.over(2),
        reduced=NARROWED, refuses=COMPLEX, in_place=False),
)

_DISCRETE = (
    _binary("gcd", "bits", dtypes=INTEGERS, domain="gcd", refuses=("bool", "float32", "float64"), torch_in_place=True,
        differentiable=False),
    _binary("lcm", "bits", dtypes=INTEGERS, domain="lcm", refuses=("bool", "float32", "float64"), torch_in_place=True,
        differentiable=False),
    _bits("bitwise_and", "and_"),
    _bits("bitwise_or", "or_"),
    _bits("bitwise_xor", "xor"),
    _bits("bitwise_not", "invert", operands=("input",)),
    _bits("bitwise_left_shift", "lshift", dtypes=INTEGERS, domain="shifts"),
    _bits("bitwise_right_shift", "rshift", dtypes=INTEGERS, domain="shifts"),
    _logical("logical_not", operands=("input",)),
    _logical("logical_and"),
    _logical("logical_or"),
    _logical("logical_xor"),
)

_COMPARISONS = (
    _comparison("eq", dtypes=("bool", *_NUMERIC), refuses=()),
    _comparison("ne", aliases=("not_equal",), dtypes=("bool", *_NUMERIC), refuses=()),
    _comparison("lt", aliases=("less",)),
    _comparison("le", aliases=("less_equal",)),
    _comparison("gt", aliases=("greater",)),
    _comparison("ge", aliases=("greater_equal",)),
    _extremum("maximum"),
    _extremum("minimum"),
    _extremum("fmax"),
    _extremum("fmin"),
    _extremum("max", claim="max-elementwise", oracle="maximum"),
    _extremum("min", claim="min-elementwise", oracle="minimum"),
    _predicate("isnan", dtypes=("bool", *_NUMERIC)),
    _predicate("isinf", dtypes=("bool", *_NUMERIC)),
    _predicate("isfinite", dtypes=("bool", *_NUMERIC)),
    _predicate("isposinf", out=True),
    _predicate("isneginf", out=True),
    _predicate("isreal", dtypes=("bool", *_NUMERIC)),
    _predicate("signbit", out=True),
)

_TERNARY = (
    Function("lerp", "ternary", ("input", "end", "weight"), signed_zeros=False, promotes=False, dtypes=WIDE,
        late=("float16",), scale="lerp", domain="moderate or NaN", error=FAITHFUL.over(6), reduced=NARROWED,
        complex=FAITHFUL.over(16)),
    Function("addcmul", "ternary", ("input", "tensor1", "tensor2"), dtypes=(*INTEGERS, *WIDE, *COMPLEX),
        late=("float16",), arguments=({}, {"value": 2}, {"value": -3}), scale="addcmul", domain="tame",
        error=FAITHFUL.over(4), complex=FAITHFUL.over(16)),
    Function("addcdiv", "ternary", ("input", "tensor1", "tensor2"), dtypes=(*WIDE, *COMPLEX), late=("float16",),
        arguments=({}, {"value": 2.0}, {"value": -3.0}), scale="addcdiv", error=FAITHFUL.over(4), reduced=NARROWED,
        complex=COMPOSED.over(16), domain="tame quotient", refuses=INTEGERS),
    Function("clamp", "ternary", ("input", "min", "max"), signed_zeros=False, dtypes=(*INTEGERS, *WIDE),
        late=("float16",), claim="clamp-tensors", aliases=("clip",), torch_in_place=True, refuses=COMPLEX),
    Function("where", "ternary", ("condition", "input", "other"), dtypes=("bool", *_NUMERIC), complex=EXACT,
        in_place=False, keywords=False),
)
# fmt: on


def _only_special(name: str, **fields: Any) -> Function:
    plain = {
        "dtypes": ("bool", *INTEGERS, "float32", "float64"),
        "claim": f"special-{name.replace('_', '-')}",
        "owner": "torch.special",
        "late": (),
        "method": False,
        "in_place": False,
    }
    return _special(name, **{**plain, **fields})


# fmt: off
_ONLY_SPECIAL = (
    _only_special("entr", error=FEW_ULPS),
    _only_special("ndtr", scale="one", error=COMPOSED.over(2)),
    _only_special("ndtri", domain="unit", scale="one", error=COMPOSED.over(8)),
    _only_special("log_ndtr", domain="moderate", error=COMPOSED.over(32)),
    _only_special("erfcx", domain="moderate"),
    _only_special("i0e", domain="not infinite"),
    _only_special("i1", domain="not infinite"),
    _only_special("i1e", domain="not infinite"),
    _only_special("bessel_j0", dtypes=("bool", *INTEGERS, "float32"), domain="waves", scale="one",
        error=COMPOSED.over(32), differentiable=False),
    _only_special("bessel_j1", dtypes=("bool", *INTEGERS, "float32"), domain="waves", scale="one",
        error=COMPOSED.over(32), differentiable=False),
    _only_special("bessel_j0", claim="special-bessel-j0-float64", dtypes=("float64",), domain="waves", scale="one",
        error=COMPOSED.over(32), differentiable=False),
    _only_special("bessel_j1", claim="special-bessel-j1-float64", dtypes=("float64",), domain="waves", scale="one",
        error=COMPOSED.over(32), differentiable=False),
    _only_special("xlog1py", operands=("input", "other"), numbers=True),
    _only_special("zeta", operands=("input", "other"), dtypes=(*INTEGERS, "float32", "float64"), domain="zeta",
        error=COMPOSED.over(16)),
)

_COMPLEX_PARTS = (
    _binary("complex", "parts", operands=("real", "imag"), dtypes=("float32", "float64"), result="complex",
        in_place=False, method=False, promotes=False),
    _binary("polar", "parts", operands=("abs", "angle"), dtypes=("float32", "float64"), result="complex",
        in_place=False, method=False, promotes=False, domain="moderate", error=FEW_ULPS),
)
# fmt: on

TABLE = (
    *_SIGNS,
    *_ROUNDING,
    *_ELEMENTARY,
    *_SPECIAL,
    *_ARITHMETIC,
    *_DISCRETE,
    *_COMPARISONS,
    *_TERNARY,
    *_ONLY_SPECIAL,
    *_COMPLEX_PARTS,
)
# By the slug of their claims, which tell two rows of one function apart.
FUNCTIONS: dict[str, Function] = {row.claim or row.name: row for row in TABLE}
FAMILIES = tuple(dict.fromkeys(row.family for row in TABLE))


def family(name: str) -> list[Function]:
    """The rows of a family, without those that only say more about one dtype of a function with a row of its own."""
    return [row for row in TABLE if row.family == name and "float64" not in row.claim]

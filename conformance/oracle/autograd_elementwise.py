"""Differentiable functions that work element by element: one row a function."""

from __future__ import annotations

import functools

import numpy as np

from conformance.oracle import autograd_special as special
from conformance.oracle.autograd import Derivative, apart, spread

REALS = apart(2.0, 3, 11)
OTHERS = apart(1.5, 3, 11, seed=1)
THIRDS = apart(1.25, 3, 11, seed=2)
POSITIVE = spread(0.5, 3.0, 3, 11)
POSITIVES = spread(0.75, 2.5, 3, 11, seed=1)
INSIDE = apart(0.75, 3, 11)
CHANCES = spread(0.25, 0.75, 3, 11)
AWAY = REALS + np.where(REALS < 0, -0.75, 0.75)
ABOVE = spread(1.25, 4.0, 3, 11)
# A grid, and values half-way between its points: no differences step over a kink at a multiple of an eighth.
GRID = np.round(OTHERS * 8) / 8
STEPS = np.round(REALS * 8) / 8 + 0.0625
QUARTERS = np.round(POSITIVE * 4) / 4
# For functions that mpmath computes one by one.
FEW = apart(1.75, 2, 9)
FEW_POSITIVE = spread(0.5, 3.0, 2, 9)

Unary = functools.partial(Derivative, pointwise=True)


def forms(name: str, *more: str) -> tuple[str, ...]:
    """The function, the method and the in-place method of one argument."""
    return (f"torch.{name}(x)", f"x.{name}()", f"x.clone().{name}_()", *more)


SMOOTH = [
    Unary("neg", forms("neg", "-x", "torch.negative(x)"), lambda x: -x, (REALS,)),
    Unary("positive", ("torch.positive(x) + 0", "+x * 1"), lambda x: x, (REALS,)),
    Unary("exp", forms("exp"), np.exp, (REALS,)),
    Unary("exp2", forms("exp2", "torch.special.exp2(x)"), np.exp2, (REALS,)),
    Unary("expm1", forms("expm1", "torch.special.expm1(x)"), np.expm1, (REALS,)),
    Unary("log", forms("log"), np.log, (POSITIVE,)),
    Unary("log2", forms("log2"), np.log2, (POSITIVE,)),
    Unary("log10", forms("log10"), np.log10, (POSITIVE,)),
    Unary("log1p", forms("log1p", "torch.special.log1p(x)"), np.log1p, (POSITIVE,)),
    Unary("sqrt", forms("sqrt", "x ** 0.5", "torch.pow(x, 0.5)"), np.sqrt, (POSITIVE,)),
    Unary("rsqrt", forms("rsqrt", "x ** -0.5"), lambda x: 1 / np.sqrt(x), (POSITIVE,)),
    Unary("square", forms("square", "x ** 2", "x.pow(2)", "x * x"), lambda x: x * x, (REALS,)),
    Unary("cube", ("x ** 3", "torch.pow(x, 3)", "x.clone().pow_(3)"), lambda x: x * x * x, (REALS,)),
    Unary("reciprocal", forms("reciprocal", "1 / x", "x ** -1"), lambda x: 1 / x, (AWAY,)),
    Unary("sin", forms("sin"), np.sin, (REALS,)),
    Unary("cos", forms("cos"), np.cos, (REALS,)),
    Unary("tan", forms("tan"), np.tan, (INSIDE,)),
    Unary("asin", forms("asin", "torch.arcsin(x)", "x.clone().arcsin_()"), np.arcsin, (INSIDE,)),
    Unary("acos", forms("acos", "torch.arccos(x)"), np.arccos, (INSIDE,)),
    Unary("atan", forms("atan", "torch.arctan(x)"), np.arctan, (REALS,)),
    Unary("sinh", forms("sinh"), np.sinh, (REALS,)),
    Unary("cosh", forms("cosh"), np.cosh, (REALS,)),
    Unary("tanh", forms("tanh", "F.tanh(x)"), np.tanh, (REALS,)),
    Unary("asinh", ("torch.asinh(x)", "x.asinh()", "torch.arcsinh(x)"), np.arcsinh, (REALS,)),
    Unary("acosh", ("torch.acosh(x)", "x.acosh()", "torch.arccosh(x)"), np.arccosh, (ABOVE,)),
    Unary("atanh", ("torch.atanh(x)", "x.atanh()", "torch.arctanh(x)"), np.arctanh, (INSIDE,), terms=256),
    Unary("sigmoid", forms("sigmoid", "F.sigmoid(x)", "torch.special.expit(x)"), special.sigmoid, (REALS,)),
    Unary("logit", forms("logit", "torch.special.logit(x)"), lambda x: np.log(x / (1 - x)), (CHANCES,)),
    Unary("sinc", forms("sinc", "torch.special.sinc(x)"), special.sinc, (AWAY,), terms=256),
    Unary("deg2rad", forms("deg2rad"), lambda x: x * (special.PI / 180), (REALS,)),
    Unary("rad2deg", forms("rad2deg"), lambda x: x * (180 / special.PI), (REALS,)),
    Unary("frac", forms("frac"), lambda x: x - np.trunc(x), (STEPS,)),
    Unary("clone", ("x.clone()", "torch.clone(x)", "torch.zeros_like(x).copy_(x)"), lambda x: x, (REALS,)),
    Unary(
        "converted",
        ("x.to(torch.complex128).real.to(x.dtype) + x", "x.double().type_as(x) + x"),
        lambda x: 2 * x,
        (REALS,),
    ),
    Unary("scaled", ("x * 3", "3 * x", "x.mul(3)", "x / (1 / 3)", "x.clone().mul_(3)"), lambda x: 3 * x, (REALS,)),
    Unary(
        "shifted", ("x + 3", "3 + x", "x - -3", "-(-3 - x)", "torch.rsub(x, 3).neg() + 6"), lambda x: x + 3, (REALS,)
    ),
    Unary("divided", ("3 / x", "torch.div(3, x)", "torch.true_divide(3, x)"), lambda x: 3 / x, (AWAY,)),
    Unary("power_of_two", ("2 ** x", "torch.pow(2, x)"), np.exp2, (REALS,)),
    Unary("entr", ("torch.special.entr(x)",), lambda x: -x * np.log(x), (POSITIVE,)),
    Unary("xlog1py", ("torch.special.xlog1py(2.0, x)",), lambda x: 2 * np.log1p(x), (POSITIVE,)),
    Unary("softplus", ("F.softplus(x)",), special.softplus, (REALS,)),
    Unary("softplus_beta", ("F.softplus(x, beta=2)",), lambda x: special.softplus(x, 2), (REALS,)),
    Unary("softsign", ("F.softsign(x)",), lambda x: x / (1 + np.abs(x)), (REALS,)),
    Unary("tanhshrink", ("F.tanhshrink(x)",), lambda x: x - np.tanh(x), (REALS,), terms=512),
    Unary("logsigmoid", ("F.logsigmoid(x)",), lambda x: -special.softplus(-x), (REALS,)),
    Unary("silu", ("F.silu(x)", "F.silu(x.clone(), inplace=True)"), lambda x: x * special.sigmoid(x), (REALS,)),
    Unary("mish", ("F.mish(x)",), lambda x: x * np.tanh(special.softplus(x)), (REALS,), terms=2048),
    Unary("gelu_tanh", ("F.gelu(x, approximate='tanh')",), special.gelu_tanh, (REALS,), terms=512),
]

# Smooth but for single points, which lie between the inputs here; the points themselves are in test_autograd_ties.
PIECEWISE = [
    Unary("abs", forms("abs", "torch.absolute(x)", "abs(x)"), np.abs, (STEPS,)),
    Unary("sign", forms("sign"), np.sign, (STEPS,)),
    Unary("floor", forms("floor"), np.floor, (STEPS,)),
    Unary("ceil", forms("ceil"), np.ceil, (STEPS,)),
    Unary("trunc", forms("trunc", "torch.fix(x)"), np.trunc, (STEPS,)),
    Unary("round", forms("round"), np.round, (STEPS,)),
    Unary("nan_to_num", forms("nan_to_num"), lambda x: x, (STEPS,)),
    Unary("relu", forms("relu", "F.relu(x)", "x.clamp(min=0)"), lambda x: np.where(x > 0, x, 0 * x), (STEPS,)),
    Unary("relu6", ("F.relu6(4 * x)",), lambda x: np.clip(4 * x, 0, 6), (STEPS,)),
    Unary("hardtanh", ("F.hardtanh(x)", "x.clone().clamp_(-1, 1)"), lambda x: np.clip(x, -1, 1), (STEPS,)),
    Unary("clamp", ("x.clamp(-1, 0.5)", "torch.clip(x, -1, 0.5)"), lambda x: np.clip(x, -1, 0.5), (STEPS,)),
    Unary("clamp_min", ("x.clamp_min(-0.5)", "x.clamp(min=-0.5)"), lambda x: np.maximum(x, -0.5), (STEPS,)),
    Unary("clamp_max", ("x.clamp_max(0.25)", "x.clamp(max=0.25)"), lambda x: np.minimum(x, 0.25), (STEPS,)),
    Unary("leaky_relu", ("F.leaky_relu(x, 0.25)",), lambda x: np.where(x > 0, x, x / 4), (STEPS,)),
    Unary(
        "elu",
        ("F.elu(x)", "F.celu(x)", "F.elu(x.clone(), inplace=True)"),
        lambda x: np.where(x > 0, x, np.expm1(x)),
        (STEPS,),
    ),
    Unary("celu", ("F.celu(x, 2.0)",), lambda x: np.where(x > 0, x, 2 * np.expm1(x / 2)), (STEPS,)),
    Unary(
        "selu",
        ("F.selu(x)", "torch.selu(x)"),
        lambda x: (
            1.0507009873554804934193349852946 * np.where(x > 0, x, 1.6732632423543772848170429916717 * np.expm1(x))
        ),
        (STEPS,),
    ),
    Unary(
        "hardsigmoid",
        ("F.hardsigmoid(2 * x)",),
        lambda x: np.clip(2 * x + 3, 0, 6) / 6,
        (STEPS,),
        terms=2.0**30,
        smooth=False,
    ),  # its sixth is one of float32
    Unary("hardswish", ("F.hardswish(2 * x)",), lambda x: 2 * x * np.clip(2 * x + 3, 0, 6) / 6, (STEPS,)),
    Unary("softshrink", ("F.softshrink(x)",), lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0), (STEPS,)),
    Unary("hardshrink", ("F.hardshrink(x)",), lambda x: np.where(np.abs(x) > 0.5, x, 0 * x), (STEPS,)),
    Unary("threshold", ("F.threshold(x, 0.5, 2.0)",), lambda x: np.where(x > 0.5, x, 0 * x + 2), (STEPS,)),
    Unary(
        "masked_fill",
        ("x.masked_fill(x.detach() > 0.255, 2.0)", "x.clone().masked_fill_(x.detach() > 0.255, 2.0)"),
        lambda x: np.where(x > 0.25, 0 * x + 2, x),
        (STEPS,),
    ),
    Unary("fmod", ("torch.fmod(x, 0.75)", "x.fmod(0.75)"), lambda x: np.fmod(x, 0.75), (STEPS,)),
    Unary("remainder", ("torch.remainder(x, 0.75)", "x % 0.75"), lambda x: np.mod(x, 0.75), (STEPS,)),
    Unary("ldexp", ("torch.ldexp(x, torch.tensor(3))",), lambda x: 8 * x, (STEPS,)),
    Unary("angle", ("torch.angle(x)",), lambda x: np.where(x < 0, special.PI + 0 * x, 0 * x), (STEPS,)),
]

# A family of its own, since its gradient of zeros is of another kind.
SIGNS = [Unary("sgn", forms("sgn"), np.sign, (STEPS,))]

# Through mpmath: slow one by one, so with fewer elements and one form fewer.
SPECIAL = [
    Unary("erf", forms("erf", "torch.special.erf(x)"), special.erf, (FEW,)),
    Unary("erfc", forms("erfc"), special.erfc, (FEW,)),
    Unary("erfinv", forms("erfinv"), special.erfinv, (apart(0.75, 2, 9),)),
    Unary("erfcx", ("torch.special.erfcx(x)",), special.erfcx, (FEW_POSITIVE,), terms=2048, smooth=False),
    Unary("lgamma", forms("lgamma", "torch.special.gammaln(x)"), special.lgamma, (FEW_POSITIVE,), terms=512),
    Unary(
        "digamma",
        forms("digamma", "torch.special.psi(x)"),
        special.digamma,
        (FEW_POSITIVE,),
        terms=2.0**24,
        smooth=False,
    ),
    Unary(
        "polygamma",
        ("torch.polygamma(2, x)", "x.polygamma(2)"),
        special.polygamma2,
        (FEW_POSITIVE,),
        terms=512,
        smooth=False,
    ),
    Unary("i0", forms("i0"), special.i0, (FEW,), terms=512, smooth=False),
    Unary("i0e", ("torch.special.i0e(x)",), special.i0e, (FEW,), terms=512, smooth=False),
    Unary("i1", ("torch.special.i1(x)",), special.i1, (FEW,), terms=512, smooth=False),
    Unary("i1e", ("torch.special.i1e(x)",), special.i1e, (apart(1.25, 2, 9),), terms=512, smooth=False),
    Unary("ndtr", ("torch.special.ndtr(x)",), special.ndtr, (FEW,)),
    Unary("ndtri", ("torch.special.ndtri(x)",), special.ndtri, (spread(0.25, 0.75, 2, 9),), terms=512, smooth=False),
    Unary("log_ndtr", ("torch.special.log_ndtr(x)",), special.log_ndtr, (FEW,), terms=512, smooth=False),
    Unary("gelu", ("F.gelu(x)",), special.gelu, (FEW,), terms=512),
]

BINARY = [
    Unary("add", ("x + y", "torch.add(x, y)", "x.add(y)", "x.clone().add_(y)"), lambda x, y: x + y, (REALS, OTHERS)),
    Unary(
        "add_alpha",
        ("torch.add(x, y, alpha=0.25)", "x.clone().add_(y, alpha=0.25)", "torch.sub(x, y, alpha=-0.25)"),
        lambda x, y: x + y / 4,
        (REALS, OTHERS),
    ),
    Unary(
        "sub",
        ("x - y", "torch.sub(x, y)", "x.subtract(y)", "x.clone().sub_(y)", "torch.rsub(y, x)"),
        lambda x, y: x - y,
        (REALS, OTHERS),
    ),
    Unary(
        "mul", ("x * y", "torch.mul(x, y)", "x.multiply(y)", "x.clone().mul_(y)"), lambda x, y: x * y, (REALS, OTHERS)
    ),
    Unary(
        "div",
        ("x / y", "torch.div(x, y)", "x.true_divide(y)", "x.clone().div_(y)"),
        lambda x, y: x / y,
        (REALS, POSITIVE),
    ),
    Unary(
        "div_trunc", ("torch.div(x, y, rounding_mode='trunc')",), lambda x, y: np.trunc(x / y), (STEPS * 2, QUARTERS)
    ),
    Unary(
        "div_floor", ("torch.div(x, y, rounding_mode='floor')",), lambda x, y: np.floor(x / y), (STEPS * 2, QUARTERS)
    ),
    Unary("pow", ("x ** y", "torch.pow(x, y)", "x.clone().pow_(y)"), np.power, (POSITIVE, OTHERS), terms=256),
    Unary("float_power", ("torch.float_power(x, y)",), np.power, (POSITIVE, OTHERS), terms=256),
    Unary("fmod_tensor", ("torch.fmod(x, y)", "x.clone().fmod_(y)"), np.fmod, (STEPS * 2, QUARTERS), smooth=False),
    Unary("remainder_tensor", ("torch.remainder(x, y)", "x % y"), np.mod, (STEPS * 2, QUARTERS), smooth=False),
    Unary("atan2", ("torch.atan2(x, y)", "x.arctan2(y)", "x.clone().atan2_(y)"), np.arctan2, (REALS, OTHERS)),
    Unary("hypot", ("torch.hypot(x, y)", "x.clone().hypot_(y)"), np.hypot, (REALS, OTHERS)),
    Unary(
        "maximum",
        ("torch.maximum(x, y)", "torch.max(x, y)", "torch.fmax(x, y)", "x.clamp(min=y)"),
        np.maximum,
        (STEPS, GRID),
    ),
    Unary(
        "minimum",
        ("torch.minimum(x, y)", "torch.min(x, y)", "torch.fmin(x, y)", "x.clamp(max=y)"),
        np.minimum,
        (STEPS, GRID),
    ),
    Unary("xlogy", ("torch.xlogy(x, y)", "x.clone().xlogy_(y)"), lambda x, y: x * np.log(y), (REALS, POSITIVE)),
    Unary("logaddexp", ("torch.logaddexp(x, y)",), np.logaddexp, (REALS, OTHERS)),
    Unary("logaddexp2", ("torch.logaddexp2(x, y)",), np.logaddexp2, (REALS, OTHERS)),
    Unary("copysign", ("torch.copysign(x, y)", "x.clone().copysign_(y)"), np.copysign, (REALS, OTHERS)),
    Unary(
        "lerp", ("torch.lerp(x, y, 0.25)", "x.clone().lerp_(y, 0.25)"), lambda x, y: x + (y - x) / 4, (REALS, OTHERS)
    ),
    Unary(
        "lerp_over_half",
        ("torch.lerp(x, y, 0.75)", "x.lerp(y, torch.tensor(0.75, dtype=x.dtype))"),
        lambda x, y: x + (y - x) * 0.75,
        (REALS, OTHERS),
    ),
    Unary(
        "where",
        ("torch.where(x.detach() > 0.25, x, y)", "x.where(x.detach() > 0.25, y)"),
        lambda x, y: np.where(x > 0.25, x, y),
        (STEPS, OTHERS),
    ),
    Unary(
        "prelu_like",
        ("torch.where(x.detach() > 0, x, x * y)",),
        lambda x, y: np.where(x > 0, x, x * y),
        (STEPS, OTHERS),
    ),
    Unary("special_xlog1py", ("torch.special.xlog1py(x, y)",), lambda x, y: x * np.log1p(y), (REALS, POSITIVE)),
    Unary(
        "squared_difference",
        ("F.mse_loss(x, y, reduction='none')", "(x - y) ** 2"),
        lambda x, y: (x - y) ** 2,
        (REALS, OTHERS),
    ),
    Unary("copy", ("x.clone().copy_(y) + 0 * x",), lambda x, y: y + 0 * x, (REALS, OTHERS)),
]

TERNARY = [
    Unary(
        "lerp_weight",
        ("torch.lerp(x, y, z)", "x.clone().lerp_(y, z)"),
        lambda x, y, z: x + (y - x) * z,
        (REALS, OTHERS, CHANCES),
    ),
    Unary(
        "addcmul",
        ("torch.addcmul(x, y, z, value=0.5)", "x.clone().addcmul_(y, z, value=0.5)"),
        lambda x, y, z: x + y * z / 2,
        (REALS, OTHERS, THIRDS),
    ),
    Unary(
        "addcdiv",
        ("torch.addcdiv(x, y, z, value=0.5)", "x.clone().addcdiv_(y, z, value=0.5)"),
        lambda x, y, z: x + y / z / 2,
        (REALS, OTHERS, POSITIVE),
    ),
    Unary(
        "clamp_tensors",
        ("torch.clamp(x, y, z)", "x.clone().clamp_(y, z)"),
        lambda x, y, z: np.minimum(np.maximum(x, y), z),
        (STEPS, -np.abs(GRID), np.abs(GRID[::-1]) + 0.25),
    ),
]

ROWS = [*SMOOTH, *PIECEWISE, *SIGNS, *SPECIAL, *BINARY, *TERNARY]

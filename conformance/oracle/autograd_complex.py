"""Differentiable functions of complex numbers: one row a function. Gradients are conjugate Wirtinger derivatives."""

from __future__ import annotations

from functools import partial

import numpy as np

from conformance.oracle.autograd import Derivative, apart

Row = partial(Derivative, terms=256)
Pointwise = partial(Derivative, terms=256, pointwise=True)
X = apart(2.0, 3, 6) + 1j * apart(1.5, 3, 6, seed=1)
Y = apart(1.5, 3, 6, seed=2) + 1j * apart(1.0, 3, 6, seed=3)
REAL = apart(2.0, 3, 6)

ROWS = [
    Pointwise("complex_add", ("x + y", "x - (-y)"), lambda x, y: x + y, (X, Y)),
    Pointwise("complex_mul", ("x * y", "torch.mul(x, y)"), lambda x, y: x * y, (X, Y)),
    Pointwise("complex_div", ("x / y",), lambda x, y: x / y, (X, Y + 1)),
    Pointwise("complex_real_factor", ("x * y", "y * x"), lambda x, y: x * y, (X, REAL)),
    Pointwise("complex_conj", ("x.conj()", "torch.conj(x)", "x.conj().resolve_conj()"), lambda x: np.conj(x) + 0, (X,)),
    Pointwise("complex_real", ("x.real", "torch.real(x)"), lambda x: np.real(x) + 0, (X,)),
    Pointwise("complex_imag", ("x.imag", "torch.imag(x)"), lambda x: np.imag(x) + 0, (X,)),
    Pointwise("complex_abs", ("x.abs()", "torch.abs(x)"), np.abs, (X,)),
    Pointwise("complex_angle", ("torch.angle(x)",), np.angle, (X,)),
    Pointwise("complex_square", ("x ** 2", "x * x", "torch.square(x)"), lambda x: x * x, (X,)),
    Pointwise("complex_modulus_squared", ("(x * x.conj()).real",), lambda x: np.real(x * np.conj(x)), (X,)),
    Pointwise("complex_exp", ("torch.exp(x)",), np.exp, (X,)),
    Pointwise("complex_log", ("torch.log(x)",), np.log, (X,)),
    Pointwise("complex_sin", ("torch.sin(x)",), np.sin, (X,)),
    Pointwise("complex_tanh", ("torch.tanh(x)",), lambda x: np.sinh(x) / np.cosh(x), (X / 4,)),
    Pointwise("complex_sqrt", ("torch.sqrt(x)",), np.sqrt, (X,)),
    Pointwise("complex_reciprocal", ("1 / x", "torch.reciprocal(x)"), lambda x: 1 / x, (X + 1j * np.sign(X.imag),)),
    Pointwise("complex_from_parts", ("torch.complex(x, y)",), lambda x, y: x + 1j * y, (REAL, apart(1.0, 3, 6))),
    Pointwise(
        "complex_polar", ("torch.polar(x, y)",), lambda x, y: x * np.exp(1j * y), (np.abs(REAL), apart(1.0, 3, 6))
    ),
    Row("complex_sum", ("x.sum(0)",), lambda x: x.sum(0), (X,)),
    Row("complex_prod", ("x.prod(0)",), lambda x: x.prod(0), (X,)),
    Row("complex_norm", ("torch.linalg.vector_norm(x)",), lambda x: np.sqrt((np.abs(x) ** 2).sum()), (X,)),
    Row("complex_matmul", ("x @ y.mT", "torch.mm(x, y.t())"), lambda x, y: x @ y.T, (X, Y)),
    Row("complex_adjoint", ("x.mH", "x.adjoint()", "x.t().conj()"), lambda x: np.conj(x.T) + 0, (X,)),
    Row("complex_vdot", ("torch.vdot(x[0], y[0])",), lambda x, y: np.conj(x[0]) @ y[0], (X, Y)),
    Row("complex_view_as_real", ("torch.view_as_real(x)",), lambda x: np.stack([np.real(x), np.imag(x)], -1), (X,)),
    Row(
        "complex_view_as_complex",
        ("torch.view_as_complex(x.contiguous())",),
        lambda x: x[..., 0] + 1j * x[..., 1],
        (apart(2.0, 3, 3, 2),),
    ),
    Row(
        "complex_fft",
        ("torch.fft.fft(x)",),
        lambda x: x @ np.exp(-2j * np.pi * np.outer(np.arange(6), np.arange(6)) / 6),
        (X,),
        rough=True,
    ),
]

"""The names of torch.special for functions of torch, and those functions that only torch.special has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.every_form import find
from conformance.numerics import COMPOSED
from conformance.oracle import math_special
from conformance.subject import Subject
from properties.strategies.recipe import contiguous, stepped, transposed

pytestmark = must_answer

LAID = (contiguous, transposed, stepped)
# name in torch.special: (the same in torch, numbers before the tensor, further arguments)
NAMES: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "psi": ("digamma", (), {}),
    "digamma": ("digamma", (), {}),
    "gammaln": ("lgamma", (), {}),
    "expit": ("sigmoid", (), {}),
    "exp2": ("exp2", (), {}),
    "expm1": ("expm1", (), {}),
    "log1p": ("log1p", (), {}),
    "erf": ("erf", (), {}),
    "erfc": ("erfc", (), {}),
    "erfinv": ("erfinv", (), {}),
    "i0": ("i0", (), {}),
    "sinc": ("sinc", (), {}),
    "round": ("round", (), {"decimals": 1}),
    "polygamma": ("polygamma", (2,), {}),
    "logsumexp": ("logsumexp", (), {"dim": -1}),
    "logit": ("logit", (), {"eps": 0.25}),
    "multigammaln": ("mvlgamma", (), {"p": 1}),
    "softmax": ("softmax", (), {"dim": 0}),
    "log_softmax": ("log_softmax", (), {"dim": -1}),
}
WITHOUT_OUT = ("softmax", "log_softmax")


@pytest.mark.parametrize("name", NAMES)
@check("math.special-names")
def test_special_names_of_functions(subject: Subject, name: str) -> None:
    other, before, options = NAMES[name]
    values = np.resize([0.5, 2.25, 0.75, 1.5, 3.0, 0.3, 0.9, 5.5], (5, 7))
    for dtype in ("float32", "float64", "bfloat16"):
        for layout in LAID:
            x = layout(values, dtype).on(subject)
            wanted = host.array(find(other)(*before, x, **options))
            text = f"torch.special.{name} of {layout.__name__} {dtype}"
            assert_values(text, find(f"special.{name}")(*before, x, **options), wanted, COMPOSED, dtype=dtype)
            if name not in WITHOUT_OUT:
                held = stepped(np.ones(wanted.shape), dtype).on(subject)
                out = find(f"special.{name}")(*before, x, **options, out=held)
                require(out is held, f"{text} returns another tensor than out=")
                assert_values(f"{text}, out=", held, wanted, COMPOSED, dtype=dtype)
            elif dtype != "bfloat16":
                for call in (find(f"special.{name}"), find(other)):
                    wide = call(x, **options, dtype=torch.float64)
                    law = find(other)(x.double(), **options)
                    assert_values(f"{text}, dtype=float64", wide, host.array(law), COMPOSED, dtype="float64")


ALONE = (
    *("airy_ai", "spherical_bessel_j0", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1"),
    *("bessel_y0", "bessel_y1", "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1"),
)


@pytest.mark.parametrize("name", ALONE)
@check("math.special-alone")
def test_functions_that_only_special_has(subject: Subject, name: str) -> None:
    values = np.array([0.01, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.5, 7.0, 8.5, 10.0])
    values = values if "bessel_k" in name or "bessel_y" in name else np.concatenate([-values, [0.0], values])
    for layout in LAID:
        x = layout(np.resize(values, (5, 9)), "float32").on(subject)
        wanted = math_special.FUNCTIONS[name](host.array(x).astype(np.float64))
        assert_values(f"torch.special.{name}", find(f"special.{name}")(x), wanted, COMPOSED.over(8), 1 + np.abs(wanted))
        out = torch.empty(0, dtype=x.dtype, device=x.device)
        find(f"special.{name}")(x, out=out)
        assert_values(f"torch.special.{name}, out=", out, wanted, COMPOSED.over(8), 1 + np.abs(wanted))


@pytest.mark.parametrize("name", math_special.POLYNOMIALS)
@check("math.special-polynomials")
def test_orthogonal_polynomials_follow_their_recurrences(subject: Subject, name: str) -> None:
    values = np.array([-2.0, -1.0, -0.75, -0.25, 0.0, 0.5, 0.875, 1.0, 1.5, 2.0])
    degrees = np.arange(9)
    laws = {n: math_special.polynomial(name, values, n) for n in (-1, *degrees)}
    size = np.abs(np.stack([laws[n] for n in degrees])).max(0) * 64
    for turn, dtype in enumerate(("float32", "float64")):
        x, held = LAID[turn](values, dtype).on(subject), torch.empty(0, dtype=getattr(torch, dtype))
        for n, law in laws.items():
            tensor = torch.full((10,), n, dtype=x.dtype, device=x.device)
            for text, out in (
                (f"torch.special.{name}(x, {n})", find(f"special.{name}")(x, n)),
                (f"torch.special.{name}(x, tensor of {n})", find(f"special.{name}")(x, tensor)),
                (f"torch.special.{name}(x, {n}, out=)", find(f"special.{name}")(x, n, out=held.to(x.device))),
            ):
                assert_values(f"{text} of {dtype}", out, law, COMPOSED.over(8), size, dtype=dtype)
        many = stepped(degrees, dtype).on(subject)
        spread = find(f"special.{name}")(x[:, None], many)
        wanted = np.stack([laws[n] for n in degrees], 1)
        assert_values(f"torch.special.{name} of many degrees", spread, wanted, COMPOSED.over(8), size[:, None])
        first = find(f"special.{name}")(1.5, many)
        assert_values(f"torch.special.{name}(1.5, degrees)", first, wanted[8], COMPOSED.over(8), size[8], dtype=dtype)

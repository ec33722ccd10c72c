"""Reflectors: what geqrf packs, orgqr and householder_product unpack, and ormqr multiplies by."""

from __future__ import annotations

import pytest
import torch

from conformance.check import check, must_answer
from conformance.oracle import linalg as oracle
from conformance.subject import Subject
from conformance.tables.linalg_factor_rows import eye, matrices, mul, size, square_of
from conformance.tables.linalg_matrices import KINDS, close, hermitian, value
from properties.strategies.recipe import contiguous, stepped, transposed

pytestmark = must_answer


@check("linalg.householder")
@pytest.mark.parametrize("dtype", KINDS)
def test_reflectors_make_q(subject: Subject, dtype: str) -> None:
    for batch, m, n in (((), 4, 3), ((2,), 3, 3), ((2, 2), 5, 2)):
        for layout in (contiguous, transposed, stepped):
            a = matrices("rectangle", dtype, batch, m, n)
            x = layout(a, dtype).on(subject)
            packed, tau = torch.geqrf(x)
            r = oracle.triangle(value("geqrf", packed, dtype, (*batch, m, n)), 0, upper=True)[..., :n, :]
            for name, out in (
                ("householder_product", torch.linalg.householder_product(packed, tau)),
                ("orgqr", torch.orgqr(packed, tau)),
                ("x.orgqr", packed.orgqr(tau)),
            ):
                q = value(name, out, dtype, (*batch, m, n))
                close(f"Q R of {name}", mul(q, r), a, dtype, m, size(a))
                close(f"Q^H Q of {name}", square_of(q, upper=True), eye(r), dtype, m, 2)
            multiplied(subject, (packed, tau), dtype, batch, m)


def multiplied(
    subject: Subject, reflectors: tuple[torch.Tensor, torch.Tensor], dtype: str, batch: tuple[int, ...], m: int
) -> None:
    """Judge ormqr from both sides, transposed and not, by the whole Q."""
    packed, tau = reflectors
    whole = torch.zeros(*batch, m, m, dtype=packed.dtype, device=packed.device)
    whole[..., : packed.shape[-1]] = packed
    kept = torch.zeros(*batch, m, dtype=packed.dtype, device=packed.device)
    kept[..., : tau.shape[-1]] = tau
    q = value("Q", torch.linalg.householder_product(whole, kept), dtype, (*batch, m, m))
    close("Q^H Q of all reflectors", square_of(q, upper=True), eye(q), dtype, m, 2)
    for left in (True, False):
        c = matrices("right" if left else "left", dtype, batch, m, m)
        for turned in (False, True):
            factor = hermitian(q) if turned else q
            wanted = mul(factor, c) if left else mul(c, factor)
            y = stepped(c, dtype).on(subject)
            for name, out in (
                ("torch.ormqr", torch.ormqr(packed, tau, y, left, turned)),
                ("x.ormqr", packed.ormqr(tau, y, left=left, transpose=turned)),
            ):
                text = f"{name}(left={left}, transpose={turned}) of {dtype}"
                close(text, value(text, out, dtype, c.shape), wanted, dtype, m, size(c) * 2)

"""Approximations of few singular values and eigenvalues: exact where the rank is low, whatever the random numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance.check import check, must_answer
from conformance.oracle import linalg as oracle
from conformance.subject import Subject
from conformance.tables.linalg_matrices import close, hermitian, value
from properties.strategies.recipe import contiguous, stepped, transposed
from properties.strategies.values import random_normal

pytestmark = must_answer

LAID = (contiguous, transposed, stepped)
SHAPES = ((9, 5), (5, 9), (2, 8, 6), (12, 12))


def of_rank(shape: tuple[int, ...], rank: int, seed: int) -> np.ndarray:
    """A matrix of a low rank, whose singular values are far apart."""
    *batch, m, n = shape
    u, v = (np.linalg.qr(random_normal(seed + k, "float64", (*batch, side, rank)))[0] for k, side in enumerate((m, n)))
    return u * np.array([8.0, 4.0, 2.0, 1.0])[:rank] @ np.swapaxes(v, -1, -2)


def judge(text: str, found: tuple[torch.Tensor, ...], a: np.ndarray, q: int) -> None:
    """Refute unless U, S and V are those of a matrix of rank q or less."""
    *batch, m, n = a.shape
    u = value(f"U of {text}", found[0], "float64", (*batch, m, q))
    s = value(f"S of {text}", found[1], "float64", (*batch, q))
    v = value(f"V of {text}", found[2], "float64", (*batch, n, q))
    close(f"S of {text}", s, np.linalg.svd(a, compute_uv=False)[..., :q], "float64", 40, 8)
    close(f"U S V^T of {text}", oracle.matmul(u * s[..., None, :], hermitian(v)), a, "float64", 40, 8)
    for name, part in (("U", u), ("V", v)):
        ones = np.broadcast_to(np.eye(q), (*batch, q, q))
        close(f"{name}^T {name} of {text}", oracle.matmul(hermitian(part), part), ones, "float64", 40, 1)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@check("linalg.low-rank")
def test_matrices_of_low_rank_are_found_whole(subject: Subject, shape: tuple[int, ...]) -> None:
    a, b = of_rank(shape, 3, 1), random_normal(7, "float64", shape)
    for turn, layout in enumerate(LAID):
        x, shifted, m = (layout(v, "float64").on(subject) for v in (a, a + b, b))
        judge(f"svd_lowrank(q=4) of {shape}", torch.svd_lowrank(x, q=4, niter=turn + 1), a, 4)
        judge(f"svd_lowrank(M=) of {shape}", torch.svd_lowrank(shifted, 4, 2, m), a, 4)
        judge(f"svd_lowrank(q=5) of {shape}", torch.svd_lowrank(x, 5), a, 5)
        judge(f"pca_lowrank(center=False) of {shape}", torch.pca_lowrank(x, q=4, center=False), a, 4)
        centred = a - a.mean(-2, keepdims=True)
        judge(f"pca_lowrank of {shape}", torch.pca_lowrank(x, q=4), centred, 4)


@check("linalg.lobpcg")
def test_extreme_eigenvalues_of_symmetric_matrices(subject: Subject) -> None:
    generator = np.random.default_rng(3)
    base, _ = np.linalg.qr(generator.standard_normal((12, 12)))
    a = base * np.arange(1.0, 13.0) @ base.T
    b = np.diag(np.linspace(1, 2, 12))
    root = np.diag(1 / np.sqrt(np.diag(b)))
    for layout in LAID:
        x, y = layout((a + a.T) / 2, "float64").on(subject), layout(b, "float64").on(subject)
        for largest in (True, False):
            for k in (1, 2):
                for text, metric, given in (("lobpcg", np.eye(12), None), ("lobpcg(B=)", b, y)):
                    torch.manual_seed(0)  # it starts from random vectors
                    w, v = torch.lobpcg(x, k=k, B=given, largest=largest, niter=200, tol=1e-9)
                    law = np.linalg.eigvalsh(a if given is None else root @ a @ root)
                    wanted = law[::-1][:k] if largest else law[:k]
                    text = f"{text}(k={k}, largest={largest})"
                    values, vectors = value(text, w, "float64", (k,)), value(text, v, "float64", (12, k))
                    near(f"the values of {text}", values, wanted)
                    near(f"A V of {text}", a @ vectors, metric @ vectors * values)


def near(text: str, found: np.ndarray, wanted: np.ndarray) -> None:
    """Refute unless arrays agree to what an iteration leaves that stops where residuals are 1e-9 of the norms."""
    close(text, found, wanted, "float64", 1000, 20_000.0)

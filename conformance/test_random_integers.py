"""Whole numbers and permutations drawn at random."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance import effort, host
from conformance.assertions import assert_raises, assert_tensor, require
from conformance.chance import COUNT, assert_distribution, assert_independent, assert_shares
from conformance.check import check, must_answer
from conformance.oracle import random as oracle

pytestmark = must_answer


@check("random.randperm")
def test_randperm_is_a_permutation(subject):
    for n in (0, 1, 2, 3, 10, 16, 17, 33, 1000, 40_000):
        for dtype in ("int64", "int32", "float64", "int16"):
            if dtype == "int16" and n > 32_767:
                continue
            out = torch.randperm(n, dtype=host.torch_dtype(dtype), device=subject.device)
            found = host.array(assert_tensor(f"randperm({n})", out, dtype, (n,)))
            require((np.sort(found) == np.arange(n)).all(), f"randperm({n}) of {dtype} is no permutation")
    assert_tensor("randperm(4)", torch.randperm(4, device=subject.device), "int64", (4,))
    assert_raises("randperm(-1)", RuntimeError, lambda: torch.randperm(-1, device=subject.device))


@check("random.randperm")
def test_permutations_are_equally_likely(subject):
    draws = np.stack([host.array(torch.randperm(4, device=subject.device)) for _ in range(effort.scaled(6000))])
    assert_shares("randperm(4), numbered", draws @ np.array([64, 16, 4, 1]), 0, _numbered_permutations(4))
    for n in (9, 20, 64):
        rows = np.stack([host.array(torch.randperm(n, device=subject.device)) for _ in range(effort.scaled(3000))])
        for place in (0, 1, n // 2, n - 2, n - 1):
            assert_shares(f"element {place} of randperm({n})", rows[:, place], 0, np.full(n, 1 / n))


@check("random.randperm")
def test_a_large_permutation_is_shuffled(subject):
    n = 40_000
    for _ in range(2):
        out = host.array(torch.randperm(n, device=subject.device))
        assert_distribution(
            f"the first half of randperm({n})", out[: n // 2] + 0.5, oracle.uniform(0, n), lattice=1 / n
        )
        steps = np.diff(out)
        # Neighbours of a random permutation follow each other (by +1 or -1) twice on average: Poisson.
        require(
            (np.abs(steps) == 1).sum() <= 60,
            f"randperm({n}) keeps runs in order",
            "about 4",
            int((np.abs(steps) == 1).sum()),
        )
        require(
            (out == np.arange(n)).sum() <= 60,
            f"randperm({n}) leaves elements in place",
            "about 1",
            int((out == np.arange(n)).sum()),
        )


def _numbered_permutations(n):
    import itertools

    chances = np.zeros(256)
    for row in itertools.permutations(range(n)):
        chances[np.array(row) @ np.array([64, 16, 4, 1])] = 1 / 24
    return chances


@check("random.randint")
@pytest.mark.parametrize(
    "dtype", ["int64", "int32", "int16", "int8", "uint8", "float32", "float64", "float16", "bfloat16"]
)
def test_randint_is_uniform(subject, dtype):
    subject.require(dtype)
    kind = host.torch_dtype(dtype)
    for low, high in ((0, 10), (3, 4), (0, 2), (5, 12), *(((-7, 6), (-5, 0)) if dtype != "uint8" else ())):
        for size in ((COUNT // 2,), (50, 33), (COUNT // 4,)):
            out = assert_tensor(
                f"randint({low}, {high})",
                torch.randint(low, high, size, dtype=kind, device=subject.device),
                dtype,
                size,
            )
            assert_shares(
                f"randint({low}, {high}) of {dtype}", host.array(out), low, np.full(high - low, 1 / (high - low))
            )
            found = host.array(out)
            require(
                (found >= low).all() and (found < high).all(), f"randint({low}, {high}) of {dtype} leaves its range"
            )


@check("random.randint")
def test_randint_defaults_and_wide_ranges(subject):
    out = assert_tensor("randint(7, (3, 5))", torch.randint(7, (3, 5), device=subject.device), "int64", (3, 5))
    require((host.array(out) < 7).all() and (host.array(out) >= 0).all(), "randint(7, …) leaves 0 to 6")
    for low, high in ((0, 2**31), (-(2**31), 2**31), (0, 2**33), (-(2**62), 2**62), (0, 2**63 - 1), (-1000, 2**40)):
        draws = host.array(torch.randint(low, high, (COUNT // 2,), device=subject.device))
        require((draws >= low).all() and (draws < high).all(), f"randint({low}, {high}) leaves its range")
        assert_distribution(
            f"randint({low}, {high})", draws.astype(np.float64), oracle.uniform(low, high), lattice=1e-8
        )
        assert_independent(f"randint({low}, {high})", draws, (low + high) / 2, 2.0**-20)
    # The lowest bits are as random as the highest.
    for dtype in ("int64", "float64"):
        draws = host.array(torch.randint(0, 2**45, (COUNT // 2,), dtype=host.torch_dtype(dtype), device=subject.device))
        assert_shares(f"the last two bits of randint(0, 2**45) of {dtype}", draws % 4, 0, np.full(4, 0.25))


@check("random.randint-bad-range")
def test_randint_refuses_empty_ranges(subject):
    for low, high in ((0, 0), (5, 5), (5, 3), (0, -1)):
        assert_raises(
            f"randint({low}, {high})", RuntimeError, lambda: torch.randint(low, high, (3,), device=subject.device)
        )
    assert_raises(
        "randint(0, 300) of uint8",
        RuntimeError,
        lambda: torch.randint(0, 300, (3,), dtype=torch.uint8, device=subject.device),
    )

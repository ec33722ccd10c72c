"""Sobol's sequence of evenly spread points, and copies of generators."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.quasirandom import SobolEngine

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer

pytestmark = must_answer


def van_der_corput(count: int) -> np.ndarray:
    """The first dimension of the sequence: the Gray code of each place, its binary digits behind the point reversed."""
    gray = [place ^ (place >> 1) for place in range(count)]
    return np.array([sum((code >> bit & 1) / 2.0 ** (bit + 1) for bit in range(code.bit_length())) for code in gray])


@check("random.sobol")
@pytest.mark.parametrize("scramble", [False, True])
def test_the_points_fill_every_dimension_evenly(subject, scramble):
    for dimension in (1, 2, 5, 40, 300):
        for power in (0, 1, 4, 7):
            count = 2**power
            points = SobolEngine(dimension, scramble=scramble, seed=7).draw(count, dtype=torch.float64)
            said = f"SobolEngine({dimension}, scramble={scramble}).draw({count})"
            values = host.array(assert_tensor(said, points, "float64", (count, dimension)))
            require(((values >= 0) & (values < 1)).all(), f"{said} leaves the unit cube", "[0, 1)", values)
            cells = np.sort(np.floor(values * count), 0)
            due = np.broadcast_to(np.arange(count)[:, None], cells.shape)
            require((cells == due).all(), f"{said} leaves an interval of 1/{count} empty", due, cells)


@check("random.sobol")
def test_the_first_points_are_sobols(subject):
    for dtype in ("float32", "float64"):
        found = SobolEngine(3).draw(200, dtype=host.torch_dtype(dtype))
        assert_values(f"the first dimension of 200 points of {dtype}", found[:, 0], van_der_corput(200), dtype=dtype)
        due = [[0, 0, 0], [0.5, 0.5, 0.5], [0.75, 0.25, 0.25], [0.25, 0.75, 0.75]]
        assert_values(f"the first points of {dtype}", found[:4], due, dtype=dtype)
    pairs = host.array(SobolEngine(2).draw(64))  # boxes of any shape of 1/64 hold one point each
    for power in range(7):
        rows, columns = 2**power, 2 ** (6 - power)
        boxes = {(int(x * rows), int(y * columns)) for x, y in pairs}
        require(len(boxes) == 64, f"boxes of 1/{rows} by 1/{columns} are left empty", 64, len(boxes))


@check("random.sobol")
def test_scrambled_points_have_the_digits_of_float64(subject):
    for dimension in (1, 3):
        wide = host.array(SobolEngine(dimension, scramble=True, seed=7).draw(64, dtype=torch.float64))[1:]
        share = float((wide == wide.astype(np.float32)).mean())
        require(share < 0.5, "scrambled points of float64 are float32 numbers only", "more digits", share)


@check("random.sobol-order")
@pytest.mark.parametrize("scramble", [False, True])
def test_draws_go_on_where_the_last_one_ended(subject, scramble):
    def make() -> SobolEngine:
        return SobolEngine(4, scramble=scramble, seed=3)

    whole = host.array(make().draw(40))
    for first in (1, 2, 3, 8, 17):
        engine = make()
        for start, count in ((0, first), (first, 1), (first + 1, 22 - first)):
            found = engine.draw(count)
            assert_values(f"points {start} to {start + count}", found, whole[start : start + count], dtype="float32")
        require(engine.num_generated == 23, "num_generated", 23, engine.num_generated)
        require(engine.reset() is engine, "reset() returns another object")
        assert_values("points after reset()", engine.draw(5), whole[:5], dtype="float32")
        skipped = make()
        require(skipped.fast_forward(first) is skipped, "fast_forward() returns another object")
        assert_values(f"points after fast_forward({first})", skipped.draw(6), whole[first : first + 6], dtype="float32")
        skipped.fast_forward(4)
        assert_values("points after a second one", skipped.draw(2), whole[first + 10 : first + 12], dtype="float32")
    out = torch.empty(0)
    engine = make()
    engine.draw(6, out=out)
    assert_values("draw(6, out=t)", out, whole[:6], dtype="float32")
    assert_values("draw() after draw(6, out=t)", engine.draw(), whole[6:7], dtype="float32")


@check("random.sobol-order")
def test_powers_of_two_are_drawn_as_such(subject):
    for power in (0, 1, 3, 5):
        engine = SobolEngine(2)
        points = engine.draw_base2(power)
        assert_values(f"draw_base2({power})", points, host.array(SobolEngine(2).draw(2**power)), dtype="float32")
        require(engine.num_generated == 2**power, f"num_generated of {power}", 2**power, engine.num_generated)
        after = host.array(SobolEngine(2).draw(2**power + 3))[2**power :]
        assert_values(f"draw(3) after draw_base2({power})", engine.draw(3), after, dtype="float32")
    engine = SobolEngine(2)
    assert_values("draw_base2(2), twice", torch.cat([engine.draw_base2(2), engine.draw_base2(2)]), _first(8))
    engine = SobolEngine(2)
    engine.draw(3)
    assert_raises("draw_base2(2) after 3 points", ValueError, lambda: engine.draw_base2(2))
    for dimension in (0, -1, SobolEngine.MAXDIM + 1):
        assert_raises(f"SobolEngine({dimension})", ValueError, lambda dimension=dimension: SobolEngine(dimension))


def _first(count: int) -> np.ndarray:
    return host.array(SobolEngine(2).draw(count))


@check("random.sobol-seed")
def test_a_seed_scrambles_in_its_own_way(subject):
    def drawn(seed: int | None) -> bytes:
        return host.bits(SobolEngine(3, scramble=True, seed=seed).draw(16)).tobytes()

    require(len({drawn(seed) for seed in (0, 1, 2, 99)}) == 4, "two seeds scramble alike")
    require(drawn(5) == drawn(5) != host.bits(SobolEngine(3).draw(16)).tobytes(), "a seed does not repeat its points")
    torch.manual_seed(11)
    expected = torch.rand(4)
    torch.manual_seed(11)
    SobolEngine(3, scramble=True, seed=2).draw(5)
    SobolEngine(3).draw(5)
    require(torch.equal(torch.rand(4), expected), "a SobolEngine with a seed moves the global generator")
    torch.manual_seed(11)
    first, second = drawn(None), drawn(None)
    torch.manual_seed(11)
    require(first == drawn(None), "SobolEngine without a seed does not follow torch.manual_seed")
    require(first != second, "two SobolEngines without a seed scramble alike")


@check("random.generator-clone")
def test_a_cloned_generator_goes_on_apart(subject):
    for drawn in (0, 3, 33):
        own = torch.Generator(device=subject.device).manual_seed(3)
        torch.randn(drawn, generator=own, device=subject.device)
        twin = own.clone_state()
        require(type(twin) is torch.Generator and twin is not own, "clone_state() returns the generator itself")
        require(twin.initial_seed() == 3 and twin.device == own.device, "a clone has another seed, or another device")
        first = torch.randn(5, generator=twin, device=subject.device)
        torch.rand(9, generator=twin, device=subject.device)
        second = torch.randn(5, generator=own, device=subject.device)
        require(torch.equal(first, second), f"a clone after {drawn} draws draws otherwise", second, first)

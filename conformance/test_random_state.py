"""Seeds, states and generators: what repeats, what does not, and what leaves what alone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer

pytestmark = must_answer

# Every way to draw: (device, options such as generator=…) -> a tensor. Sizes on both sides of a block of 16, and odd.
DRAWS: dict[str, Callable[..., torch.Tensor]] = {
    "rand(5)": lambda dev, **kw: torch.rand(5, device=dev, **kw),
    "rand(1000)": lambda dev, **kw: torch.rand(1000, device=dev, **kw),
    "rand(7) of float64": lambda dev, **kw: torch.rand(7, dtype=torch.float64, device=dev, **kw),
    "randn(1)": lambda dev, **kw: torch.randn(1, device=dev, **kw),
    "randn(5)": lambda dev, **kw: torch.randn(5, device=dev, **kw),
    "randn(33)": lambda dev, **kw: torch.randn(33, device=dev, **kw),
    "randn(3) of float64": lambda dev, **kw: torch.randn(3, dtype=torch.float64, device=dev, **kw),
    "randint": lambda dev, **kw: torch.randint(0, 1 << 40, (9,), device=dev, **kw),
    "randperm(20)": lambda dev, **kw: torch.randperm(20, device=dev, **kw),
    "randperm(40000)": lambda dev, **kw: torch.randperm(40_000, device=dev, **kw),
    "normal(mean, std)": lambda dev, **kw: torch.normal(torch.zeros(9, device=dev), torch.ones(9, device=dev), **kw),
    "normal(size)": lambda dev, **kw: torch.normal(0.0, 1.0, (9,), device=dev, **kw),
    "bernoulli": lambda dev, **kw: torch.bernoulli(torch.full((64,), 0.5, device=dev), **kw),
    "multinomial": lambda dev, **kw: torch.multinomial(torch.ones(50, device=dev), 20, **kw),
    "multinomial, replaced": lambda dev, **kw: torch.multinomial(torch.ones(50, device=dev), 20, True, **kw),
    "poisson": lambda dev, **kw: torch.poisson(torch.full((20,), 40.0, device=dev), **kw),
    "uniform_": lambda dev, **kw: torch.empty(9, device=dev).uniform_(-1, 1, **kw),
    "normal_": lambda dev, **kw: torch.empty(17, device=dev).normal_(0, 1, **kw),
    "exponential_": lambda dev, **kw: torch.empty(9, device=dev).exponential_(1.0, **kw),
    "cauchy_": lambda dev, **kw: torch.empty(9, device=dev).cauchy_(0, 1, **kw),
    "log_normal_": lambda dev, **kw: torch.empty(9, device=dev).log_normal_(0, 1, **kw),
    "geometric_": lambda dev, **kw: torch.empty(40, device=dev).geometric_(0.1, **kw),
    "random_": lambda dev, **kw: torch.empty(9, dtype=torch.int64, device=dev).random_(**kw),
    "bernoulli_": lambda dev, **kw: torch.empty(64, device=dev).bernoulli_(0.5, **kw),
    "rand_like": lambda dev, **kw: torch.rand_like(torch.zeros(9, device=dev)),
    "randn_like": lambda dev, **kw: torch.randn_like(torch.zeros(9, device=dev)),
    "randint_like": lambda dev, **kw: torch.randint_like(torch.zeros(40, device=dev), 100),
}
OWN = [name for name in DRAWS if not name.endswith("_like")]


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two draws are the same bits."""
    return a.shape == b.shape and host.bits(a).tobytes() == host.bits(b).tobytes()


@check("random.seed-repeats")
@pytest.mark.parametrize("name", DRAWS)
def test_a_seed_repeats_its_draws(subject, name):
    draw = DRAWS[name]
    seen = []
    for seed in (0, 1, 42, 2**31 + 5, -3):
        torch.manual_seed(seed)
        first, second = draw(subject.device), draw(subject.device)
        for _ in range(2):
            torch.manual_seed(seed)
            require(same(draw(subject.device), first), f"{name} after manual_seed({seed}) differs from the first time")
            require(
                same(draw(subject.device), second),
                f"the second {name} after manual_seed({seed}) differs from the first time",
            )
        require(not same(first, second), f"two calls of {name} give the same")
        seen.append(host.bits(torch.cat([first.reshape(-1), second.reshape(-1)])).tobytes())
    require(len(set(seen)) == len(seen), f"{name} gives the same after different seeds")


@check("random.calls-differ")
@pytest.mark.parametrize("name", DRAWS)
def test_calls_in_a_row_differ(subject, name):
    found = [host.bits(DRAWS[name](subject.device)).tobytes() for _ in range(4)]
    distinct = len(set(found))
    # A single float32 may repeat by chance (1e-7); nothing else here may.
    require(
        distinct == 4 or (name == "randn(1)" and distinct == 3), f"{name} repeats itself within four calls", 4, distinct
    )


@check("random.calls-differ")
@pytest.mark.parametrize("draw", ["rand", "randn"])
def test_a_draw_does_not_repeat_its_parts(subject, draw):
    for shape in ((64, 64), (2, 33), (1000, 3), (3, 1000)):
        values = host.array(getattr(torch, draw)(*shape, dtype=torch.float64, device=subject.device))
        require(
            len(np.unique(values)) >= values.size - 1,
            f"{draw}{shape} repeats values",
            values.size,
            len(np.unique(values)),
        )


@check("random.manual-seed-returns")
def test_manual_seed_returns_the_default_generator(subject):
    for seed in (0, 7, 2**40 + 1):
        found = torch.manual_seed(seed)
        require(isinstance(found, torch.Generator), "manual_seed returns no Generator", "a Generator", type(found))
        require(found is torch.default_generator, "manual_seed does not return the default generator")
        require(torch.initial_seed() == seed, f"initial_seed after manual_seed({seed})", seed, torch.initial_seed())
        torch.rand(3, device=subject.device)
        require(torch.initial_seed() == seed, "initial_seed changes by drawing", seed, torch.initial_seed())
    torch.manual_seed(-1)
    require(torch.initial_seed() == 2**64 - 1, "a negative seed counts from 2**64", 2**64 - 1, torch.initial_seed())
    assert_raises("manual_seed('a')", (TypeError, ValueError), lambda: torch.manual_seed("a"))


@check("random.generator-own-stream")
@pytest.mark.parametrize("name", OWN)
def test_a_generator_leaves_the_global_stream_alone(subject, name):
    draw, own = DRAWS[name], torch.Generator(device=subject.device)
    own.manual_seed(5)
    torch.manual_seed(9)
    expected = [draw(subject.device) for _ in range(2)]
    torch.manual_seed(9)
    mine = [draw(subject.device, generator=own)]
    first = draw(subject.device)
    mine.append(draw(subject.device, generator=own))
    second = draw(subject.device)
    require(same(first, expected[0]) and same(second, expected[1]), f"{name}(generator=…) moves the global generator")
    own.manual_seed(5)
    again = [draw(subject.device, generator=own) for _ in range(2)]
    require(
        same(mine[0], again[0]) and same(mine[1], again[1]), f"{name}(generator=…) is moved by the global generator"
    )
    require(not same(again[0], again[1]), f"{name}(generator=…) repeats itself")


@check("random.generator-seed")
@pytest.mark.parametrize("name", OWN)
def test_a_generator_gives_the_stream_of_its_seed(subject, name):
    own = torch.Generator(device=subject.device)
    require(own.manual_seed(123) is own, "Generator.manual_seed does not return the generator")
    require(own.initial_seed() == 123, "Generator.initial_seed", 123, own.initial_seed())
    torch.manual_seed(123)
    for _ in range(2):
        require(
            same(DRAWS[name](subject.device, generator=own), DRAWS[name](subject.device)),
            f"{name} of a generator differs from the global one of the same seed",
        )
    require(own.device.type == torch.device(subject.device).type, "a generator is on another device")


@check("random.state-restored")
@pytest.mark.parametrize("name", DRAWS)
def test_a_restored_state_repeats_the_draws(subject, name):
    if torch.device(subject.device).type != "cpu":
        subject.require_feature("host_memory")  # the global state functions are the CPU's
    draw = DRAWS[name]
    for before in ("randn(1)", "rand(5)", "randn(5)", "randn(33)", "randperm(20)", "randn(3) of float64"):
        DRAWS[before](subject.device)
        state = torch.get_rng_state()
        kept = host.bits(state).tobytes()
        expected = [draw(subject.device) for _ in range(3)]
        require(host.bits(state).tobytes() == kept, "a saved state changes by drawing")
        torch.set_rng_state(state)
        for turn, value in enumerate(expected):
            require(
                same(draw(subject.device), value),
                f"draw {turn + 1} of {name} after a restored state (saved after {before}) differs",
            )
    require(isinstance(state, torch.Tensor) and host.dtype_name(state.dtype) == "uint8", "a state is no uint8 tensor")


@check("random.state-restored")
def test_a_generators_state_moves_to_another(subject):
    a, b = torch.Generator(device=subject.device), torch.Generator(device=subject.device)
    a.manual_seed(3)
    torch.randn(5, generator=a, device=subject.device)
    b.set_state(a.get_state())
    for name in ("randn(5)", "rand(1000)", "randperm(20)"):
        require(
            same(DRAWS[name](subject.device, generator=a), DRAWS[name](subject.device, generator=b)),
            f"{name} of a generator differs from the one whose state it took",
        )


@check("random.state-refused")
def test_a_wrong_state_is_refused(subject):
    own = torch.Generator()
    own.manual_seed(4)
    expected = torch.rand(4, generator=own)
    own.manual_seed(4)
    for bad in (torch.zeros(3, dtype=torch.uint8), torch.zeros(5056)):
        assert_raises("set_state of a wrong state", (RuntimeError, TypeError), lambda bad=bad: own.set_state(bad))
        assert_raises(
            "set_rng_state of a wrong state", (RuntimeError, TypeError), lambda bad=bad: torch.set_rng_state(bad)
        )
    require(same(torch.rand(4, generator=own), expected), "a refused state changes the generator")


@check("random.fork-rng")
def test_fork_rng_restores_the_state(subject):
    for inside in ("randn(1)", "rand(1000)", "seed"):
        torch.manual_seed(11)
        expected = [torch.rand(4), torch.randn(5)]
        torch.manual_seed(11)
        with torch.random.fork_rng(devices=[]):
            require(same(torch.rand(4), expected[0]), "the stream does not go on inside fork_rng")
            torch.manual_seed(99) if inside == "seed" else DRAWS[inside]("cpu")
        require(same(torch.rand(4), expected[0]), f"fork_rng does not restore the state after {inside}")
        require(same(torch.randn(5), expected[1]), f"fork_rng does not restore the state after {inside}")


@check("random.fork-rng")
def test_fork_rng_restores_after_an_exception_and_can_be_disabled(subject):
    torch.manual_seed(11)
    expected = torch.rand(4)
    torch.manual_seed(11)
    with contextlib.suppress(KeyError), torch.random.fork_rng(devices=[]):
        torch.rand(7)
        raise KeyError
    require(same(torch.rand(4), expected), "fork_rng does not restore the state after an exception")
    torch.manual_seed(11)
    with torch.random.fork_rng(devices=[], enabled=False):
        torch.rand(7)
    require(not same(torch.rand(4), expected), "fork_rng(enabled=False) restores the state")


@check("random.seed-function")
def test_seed_sets_another_seed(subject):
    found = set()
    for _ in range(3):
        seed = torch.seed()
        require(
            isinstance(seed, int) and seed == torch.initial_seed(),
            "seed() returns another seed than it sets",
            torch.initial_seed(),
            seed,
        )
        found.add((seed, host.bits(torch.rand(4)).tobytes()))
    require(len(found) == 3, "seed() sets the same seed again")
    own = torch.Generator()
    require(own.seed() == own.initial_seed(), "Generator.seed returns another seed than it sets")
    for text, draw in {"torch.seed": torch.seed, "Generator.seed": own.seed}.items():
        wide = max(draw() for _ in range(4))  # all below 2**32 with a chance of 2**-84
        require(wide >= 2**32, f"seeds of {text} have 32 bits only", "64 bits", wide)

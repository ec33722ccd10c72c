"""Streams and states once more: nested, saved twice, saved midway, by either name, and of generators beside others."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject

pytestmark = must_answer

# What a stream may have given before: nothing, an odd number of elements, a pair's first half, whole blocks.
BEFORE: dict[str, Callable[[], object]] = {
    "nothing": lambda: None,
    "rand(3)": lambda: torch.rand(3),
    "randn(1)": lambda: torch.randn(1),
    "randn(1) of float64": lambda: torch.randn(1, dtype=torch.float64),
    "randn(33)": lambda: torch.randn(33),
    "randint": lambda: torch.randint(9, (5,)),
    "randperm(700)": lambda: torch.randperm(700),
}


def drawn(generator: torch.Generator | None = None) -> bytes:
    """The bits of some draws of several kinds."""
    parts = [torch.rand(3, generator=generator), torch.randn(5, generator=generator)]
    parts.append(torch.randn(33, generator=generator))
    parts.append(torch.randperm(20, generator=generator).double())
    return b"".join(host.bits(part).tobytes() for part in parts)


@check("random.fork-rng")
@pytest.mark.parametrize("before", BEFORE)
def test_fork_rng_restores_a_stream_that_was_under_way(subject: Subject, before: str) -> None:
    torch.manual_seed(21)
    BEFORE[before]()
    state = torch.get_rng_state()
    expected = drawn()
    torch.set_rng_state(state)
    with torch.random.fork_rng(devices=[]):
        require(drawn() == expected, f"the stream after {before} does not go on inside fork_rng")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            inner = drawn()
        torch.manual_seed(5)
        require(drawn() == inner, "fork_rng inside fork_rng draws otherwise")
        torch.randn(1)
    require(drawn() == expected, f"fork_rng does not restore the stream after {before}")


@check("random.fork-rng")
def test_fork_rng_lets_every_exception_through(subject: Subject) -> None:
    for kind in (ValueError, KeyError, RuntimeError, StopIteration, KeyboardInterrupt):
        torch.manual_seed(21)
        torch.rand(3)
        state = host.bits(torch.get_rng_state()).tobytes()
        seen = False
        try:
            with torch.random.fork_rng(devices=[]):
                torch.rand(7)
                raise kind("within")
        except BaseException as raised:
            # From Python 3.7 on a StopIteration inside a generator comes out as RuntimeError, or as itself.
            seen = isinstance(raised, (kind, RuntimeError))
        require(seen, f"fork_rng swallows {kind.__name__}, or raises another")
        found = host.bits(torch.get_rng_state()).tobytes()
        require(found == state, f"fork_rng does not restore the state after {kind.__name__}")


@check("random.fork-rng")
def test_fork_rng_can_be_disabled_and_gives_nothing(subject: Subject) -> None:
    for given in ({"devices": []}, {"devices": [], "enabled": True}, {"devices": (), "enabled": True}):
        torch.manual_seed(3)
        expected = drawn()
        torch.manual_seed(3)
        with torch.random.fork_rng(**given) as entered:
            torch.rand(5)
        require(entered is None, "fork_rng gives something to its with", None, entered)
        require(drawn() == expected, f"fork_rng({given}) does not restore the state")
    torch.manual_seed(3)
    with torch.random.fork_rng(enabled=False):
        torch.manual_seed(4)
    went_on = drawn()
    torch.manual_seed(4)
    require(drawn() == went_on, "fork_rng(enabled=False) does something to the state")


@check("random.state-restored")
@pytest.mark.parametrize("before", BEFORE)
def test_saved_states_are_independent(subject: Subject, before: str) -> None:
    own = torch.Generator()
    for way, save, restore, generator in (
        ("rng_state", torch.get_rng_state, torch.set_rng_state, None),
        ("random.rng_state", torch.random.get_rng_state, torch.random.set_rng_state, None),
        ("Generator", own.get_state, own.set_state, own),
    ):
        torch.manual_seed(8)
        own.manual_seed(8)
        BEFORE[before]() if generator is None else torch.randn(1, generator=own)
        _saved(way, save, restore, generator)


def _saved(
    way: str, save: Callable[[], torch.Tensor], restore: Callable[..., Any], generator: torch.Generator | None
) -> None:
    first = save()
    kept = host.bits(first).tobytes()
    early = drawn(generator)
    second = save()
    late = drawn(generator)
    require(host.bits(first).tobytes() == kept, f"{way}: the first state changes when another is saved")
    require(early != late, f"{way}: the stream repeats itself")
    for turn, (state, expected) in enumerate(((second, late), (first, early), (first, early), (second, late))):
        restore(state)
        require(drawn(generator) == expected, f"{way}: state restored in turn {turn} does not repeat its draws")
    require(host.bits(first).tobytes() == kept, f"{way}: restoring a state changes the state that was given")
    first.zero_()
    restore(second)
    require(drawn(generator) == late, f"{way}: writing to a saved state changes the generator or another state")
    second.zero_()
    require(drawn(generator) not in (early, late), f"{way}: the generator lies in a state that was given")


@check("random.generator-own-stream")
def test_what_is_done_to_a_generator_leaves_others_alone(subject: Subject) -> None:
    own, other = torch.Generator(), torch.Generator()
    acts: dict[str, Callable[[], object]] = {
        "manual_seed": lambda: own.manual_seed(7),
        "seed": lambda: own.seed(),
        "set_state": lambda: own.set_state(torch.Generator().manual_seed(6).get_state()),
        "get_state": lambda: own.get_state(),
        "initial_seed": lambda: own.initial_seed(),
        "draws": lambda: drawn(own),
    }
    for name, act in acts.items():
        torch.manual_seed(9)
        other.manual_seed(9)
        expected = drawn()
        torch.manual_seed(9)
        act()
        require(drawn() == expected, f"Generator.{name} moves the global generator")
        require(drawn(other) == expected, f"Generator.{name} moves another generator")
        require(torch.initial_seed() == 9 == other.initial_seed(), f"Generator.{name} seeds other generators")
    own.manual_seed(9)
    for name, act in {"manual_seed": lambda: torch.manual_seed(4), "seed": torch.seed, "draws": drawn}.items():
        own.manual_seed(9)
        act()
        require(drawn(own) == expected and own.initial_seed() == 9, f"the global {name} moves a generator")


@check("random.generator-seed")
def test_generators_take_every_seed(subject: Subject) -> None:
    for seed in (0, 1, 2**31, 2**32 + 5, 2**40 + 1, 2**63, 2**64 - 1, -1, -(2**63)):
        own = torch.Generator().manual_seed(seed)
        require(own.initial_seed() == seed % 2**64, f"initial_seed after {seed}", seed % 2**64, own.initial_seed())
        torch.manual_seed(seed)
        require(torch.initial_seed() == seed % 2**64, f"torch.initial_seed after {seed}", seed, torch.initial_seed())
        require(drawn(own) == drawn(), f"a generator of seed {seed} draws otherwise than the global one")
    for seed in (2**64, -(2**63) - 1):
        for way, action in (
            ("torch.manual_seed", lambda seed=seed: torch.manual_seed(seed)),
            ("Generator.manual_seed", lambda seed=seed: torch.Generator().manual_seed(seed)),
        ):
            assert_raises(f"{way}({seed})", (RuntimeError, ValueError, OverflowError), action)
    require(drawn(torch.Generator()) == drawn(torch.Generator()), "new generators draw different numbers")


@check("random.generator-seed")
def test_a_seed_that_is_set_again_starts_over(subject: Subject) -> None:
    own = torch.Generator()
    for way, seed_with, generator in (
        ("torch.manual_seed", torch.manual_seed, None),
        ("torch.random.manual_seed", torch.random.manual_seed, None),
        ("Generator.manual_seed", own.manual_seed, own),
    ):
        seed_with(31)
        expected = drawn(generator)
        for name, before in BEFORE.items():
            before() if generator is None else torch.randn(1, generator=own)
            seed_with(31)
            require(drawn(generator) == expected, f"{way} of the seed set last does not start over after {name}")


@check("random.manual-seed-returns")
def test_torch_random_has_the_same_functions(subject: Subject) -> None:
    with contextlib.ExitStack() as stack:
        stack.callback(torch.manual_seed, 0)
        require(torch.random.manual_seed(77) is torch.default_generator, "torch.random.manual_seed returns another")
        require(torch.random.initial_seed() == 77 == torch.initial_seed(), "torch.random.initial_seed is another")
        expected = drawn()
        torch.manual_seed(77)
        require(drawn() == expected, "torch.random.manual_seed seeds otherwise than torch.manual_seed")
        seed = torch.random.seed()
        require(seed == torch.initial_seed() and seed != 77, "torch.random.seed sets no new seed", seed, 77)
        expected = drawn()
        torch.manual_seed(seed)
        require(drawn() == expected, "torch.random.seed returns another seed than it sets")
        require(torch.default_generator.initial_seed() == seed, "the default generator has another seed")

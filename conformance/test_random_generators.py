"""Generators beside every dtype, layout and size; states of other dtypes; long rows of calls; nested forks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from properties.strategies.recipe import DENSE

pytestmark = must_answer

# By name: a filler that takes a generator, and the dtypes that it fills.
REAL, ALL = ("float32", "float64"), ("float32", "float64", "int64", "int16")
FILLERS: dict[str, tuple[Callable[..., torch.Tensor], tuple[str, ...]]] = {
    "uniform_": (lambda x, **k: x.uniform_(-1, 1, **k), REAL),
    "normal_": (lambda x, **k: x.normal_(1, 2, **k), REAL),
    "exponential_": (lambda x, **k: x.exponential_(0.5, **k), REAL),
    "cauchy_": (lambda x, **k: x.cauchy_(0, 1, **k), REAL),
    "log_normal_": (lambda x, **k: x.log_normal_(0, 1, **k), REAL),
    "geometric_": (lambda x, **k: x.geometric_(0.1, **k), ALL),
    "random_()": (lambda x, **k: x.random_(**k), ALL),
    "random_(to)": (lambda x, **k: x.random_(100, **k), ALL),
    "random_(from, to)": (lambda x, **k: x.random_(-50, 100, **k), ALL),
    "bernoulli_(p)": (lambda x, **k: x.bernoulli_(0.5, **k), ALL),
    "bernoulli_(tensor)": (lambda x, **k: x.bernoulli_(torch.full(x.shape, 0.5, device=x.device), **k), ALL),
}
# By name: a draw of a shape, after the model of a tensor of that shape, and the dtypes of the model.
DRAWS: dict[str, tuple[Callable[..., torch.Tensor], tuple[str, ...]]] = {
    "rand": (lambda x, **k: torch.rand(x.shape, dtype=x.dtype, **k), REAL),
    "randn": (lambda x, **k: torch.randn(x.shape, dtype=x.dtype, **k), REAL),
    "randint(high)": (lambda x, **k: torch.randint(100, x.shape, dtype=x.dtype, **k), ALL),
    "randint(low, high)": (lambda x, **k: torch.randint(-50, 100, x.shape, dtype=x.dtype, **k), ALL),
    "randperm": (lambda x, **k: torch.randperm(x.numel(), dtype=x.dtype, **k), ALL),
    "normal(size)": (lambda x, **k: torch.normal(0.0, 1.0, tuple(x.shape), dtype=x.dtype, **k), REAL),
    "normal(mean, std)": (lambda x, **k: torch.normal(x, x.abs() + 1, **k), REAL),
    "normal(mean, number)": (lambda x, **k: torch.normal(x, 2.0, **k), REAL),
    "normal(number, std)": (lambda x, **k: torch.normal(0.0, x.abs() + 1, **k), REAL),
    "bernoulli": (lambda x, **k: torch.bernoulli(x * 0 + 0.5, **k), REAL),
    "bernoulli(p)": (lambda x, **k: torch.bernoulli(x, 0.5, **k), REAL),
    "poisson": (lambda x, **k: torch.poisson(x * 0 + 20, **k), REAL),
    "multinomial": (lambda x, **k: torch.multinomial(x.flatten() * 0 + 1, 9, **k), REAL),
    "multinomial, replaced": (lambda x, **k: torch.multinomial(x.flatten() * 0 + 1, 9, True, **k), REAL),
}
ROWS = {**FILLERS, **DRAWS}
# Few and many elements, in order and not.
PLACES = (("contiguous", (9,)), ("contiguous", (40, 30)), ("transposed", (7, 5)), ("stepped", (40, 30)))


def state() -> bytes:
    return host.bits(torch.get_rng_state()).tobytes()


@check("random.generator-own-stream")
@pytest.mark.parametrize("name", ROWS)
def test_every_layout_and_dtype_is_drawn_from_the_generator(subject: Subject, name: str) -> None:
    draw, dtypes = ROWS[name]
    own = torch.Generator(device=subject.device)
    for dtype in dtypes:
        for layout, shape in PLACES:
            recipe, found = DENSE[layout](np.zeros(shape), dtype), []
            torch.manual_seed(8)
            before = state()
            for seed in (5, 5, 6):
                own.manual_seed(seed)
                found.append(host.bits(draw(recipe.on(subject), generator=own)).tobytes())
            call = f"{name} of {dtype}, {layout} {shape}"
            require(found[0] == found[1], f"{call} does not follow the generator's seed")
            # 35 coins fall alike twice with 3e-11, nine of them too often.
            require(len(shape) == 1 or found[0] != found[2], f"{call} is the same of another seed")
            require(state() == before, f"{call} with a generator moves the global one")


@check("random.calls-differ")
@pytest.mark.parametrize("name", ROWS)
def test_a_dozen_calls_differ(subject: Subject, name: str) -> None:
    draw, dtypes = ROWS[name]
    for dtype in dtypes:
        x = torch.zeros(20, 30, dtype=host.torch_dtype(dtype), device=subject.device)
        own = torch.Generator(device=subject.device).manual_seed(3)
        for keywords in ({}, {"generator": own}):
            found = {host.bits(draw(x.clone(), **keywords)).tobytes() for _ in range(13)}
            require(len(found) == 13, f"{name} of {dtype} gives a draw twice in thirteen calls", 13, len(found))


@check("random.state-refused")
def test_a_state_of_another_dtype_is_refused(subject: Subject) -> None:
    own = torch.Generator().manual_seed(4)
    saved, before = own.get_state(), state()
    for kind in (torch.int16, torch.int64, torch.float32, torch.int8, torch.bool):
        for text, action in {
            "Generator.set_state": own.set_state,
            "torch.set_rng_state": torch.set_rng_state,
            "torch.random.set_rng_state": torch.random.set_rng_state,
        }.items():
            bad: Any = saved.to(kind)
            assert_raises(f"{text} of a state as {kind}", (RuntimeError, TypeError), lambda a=action, b=bad: a(b))
    require(state() == before, "a refused state changes the global generator")
    require(host.bits(own.get_state()).tobytes() == host.bits(saved).tobytes(), "a refused state changes the generator")


@check("random.state-restored")
def test_one_saved_state_serves_many_times(subject: Subject) -> None:
    own = torch.Generator(device=subject.device).manual_seed(2)
    torch.randn(3, generator=own, device=subject.device)
    saved = own.get_state()
    first = torch.randn(40, generator=own, device=subject.device)
    for _ in range(4):
        own.set_state(saved)
        again = torch.randn(40, generator=own, device=subject.device)
        require(host.bits(again).tobytes() == host.bits(first).tobytes(), "a state restores the draws only once")
    for get, put in (
        (torch.get_rng_state, torch.set_rng_state),
        (torch.random.get_rng_state, torch.random.set_rng_state),
    ):
        kept = get()
        due = host.bits(torch.rand(9)).tobytes()
        for _ in range(4):
            put(kept)
            require(host.bits(torch.rand(9)).tobytes() == due, "a global state restores the draws only once")
        require(get() is not kept and get().data_ptr() != kept.data_ptr(), "saved states are one tensor")


@check("random.fork-rng")
def test_each_of_nested_forks_restores_its_own_state(subject: Subject) -> None:
    torch.manual_seed(21)
    states = []
    with torch.random.fork_rng(devices=[]):
        torch.rand(3)
        states.append(state())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            states.append(state())
            with torch.random.fork_rng(devices=[]):
                torch.randn(7)
            require(state() == states[1], "the innermost of three forks does not restore the state")
            torch.rand(1)
        require(state() == states[0], "the inner of two forks does not restore the state")
    torch.manual_seed(21)
    due = state()
    for turn in range(3):
        with torch.random.fork_rng(devices=[]):
            torch.rand(turn + 1)
        require(state() == due, f"fork {turn + 1} in a row does not restore the state")

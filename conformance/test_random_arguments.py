"""The arguments of random functions: each by its name, and the keywords that they share with the creation functions.

What is drawn here is certain (a spread of nothing, a range of one number, chances of 0 and 1), so that no statistics
are needed to see whether an argument was heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import FLOATS
from conformance.subject import Subject

pytestmark = must_answer

ZEROS, ONES = np.zeros(5, np.float32), np.ones(5, np.float32)
RISING = np.arange(5, dtype=np.float32)
SECOND = np.array([0.0, 2.0, 0.0], np.float32)
# By function: its arguments by name in the order of its signature, and the only values that can come.
CERTAIN: dict[str, list[tuple[dict[str, Any], Any]]] = {
    "randint": [({"high": 1, "size": (2, 3)}, np.zeros((2, 3))), ({"low": 3, "high": 4, "size": (5,)}, np.full(5, 3))],
    "randint_like": [({"input": RISING, "high": 1}, ZEROS), ({"input": RISING, "low": 3, "high": 4}, np.full(5, 3))],
    "randperm": [({"n": 1}, [0]), ({"n": 0}, [])],
    "normal": [
        ({"mean": RISING, "std": ZEROS}, RISING),
        ({"mean": RISING, "std": 0.0}, RISING),
        ({"mean": 2.0, "std": ZEROS}, np.full(5, 2)),
        ({"mean": 2.0, "std": 0.0, "size": (2, 3)}, np.full((2, 3), 2)),
    ],
    "bernoulli": [({"input": ONES}, ONES), ({"input": ZEROS}, ZEROS), ({"input": ZEROS, "p": 1.0}, ONES)],
    "multinomial": [({"input": SECOND, "num_samples": 1}, [1])],
    "poisson": [({"input": ZEROS}, ZEROS)],
}
FILLERS: dict[str, list[tuple[dict[str, Any], Any]]] = {
    "uniform_": [({"from": 3.0, "to": 3.0}, np.full(5, 3))],
    "normal_": [({"mean": 2.0, "std": 0.0}, np.full(5, 2))],
    "random_": [({"from": 4, "to": 5}, np.full(5, 4)), ({"to": 1}, ZEROS)],
    "bernoulli_": [({"p": 1.0}, ONES), ({"p": 0.0}, ZEROS), ({"p": ONES}, ONES)],
    "log_normal_": [({"mean": 0.0, "std": 1e-30}, ONES)],
    "cauchy_": [({"median": 5.0, "sigma": 1e-30}, np.full(5, 5))],
}


def _forms(given: dict[str, Any]) -> Iterator[tuple[str, list[Any], dict[str, Any]]]:
    """Every cut between arguments by place and by name, those by name last one first."""
    names = list(given)
    for cut in range(len(names) + 1):
        rest = {name: given[name] for name in reversed(names[cut:])}
        text = ", ".join([*(str(given[name]) for name in names[:cut]), *(f"{key}={rest[key]}" for key in rest)])
        yield text, [given[name] for name in names[:cut]], rest


def _on(device: str, value: Any) -> Any:
    return host.tensor(value, value.dtype.name, device) if isinstance(value, np.ndarray) else value


@check("random.keywords")
@pytest.mark.parametrize("name", CERTAIN)
def test_arguments_by_place_or_by_name(subject: Subject, name: str) -> None:
    for given, due in CERTAIN[name]:
        placed = {key: _on(subject.device, value) for key, value in given.items()}
        owned = {"device": subject.device} if not any(isinstance(v, torch.Tensor) for v in placed.values()) else {}
        for text, args, named in _forms(placed):
            out = getattr(torch, name)(*args, **named, **owned)
            assert_values(f"torch.{name}({text})", out, np.asarray(due))
            own = torch.Generator(device=subject.device)
            out = getattr(torch, name)(*args, **named, **owned, **({"generator": own} if "like" not in name else {}))
            assert_values(f"torch.{name}({text}, generator=…)", out, np.asarray(due))


@check("random.keywords")
@pytest.mark.parametrize("name", FILLERS)
def test_arguments_of_fillers_by_place_or_by_name(subject: Subject, name: str) -> None:
    for given, due in FILLERS[name]:
        for text, args, named in _forms({key: _on(subject.device, value) for key, value in given.items()}):
            x = torch.full((5,), 77.0, device=subject.device)
            assert_values(f"x.{name}({text})", getattr(x, name)(*args, **named), np.asarray(due))


# By function: a call with keywords behind, the shape, and the dtypes that it makes besides its own.
MADE: dict[str, tuple[Callable[..., torch.Tensor], tuple[int, ...], str, tuple[str, ...]]] = {
    "rand": (lambda **k: torch.rand(2, 3, **k), (2, 3), "default", (*FLOATS, "complex64", "complex128")),
    "randn": (lambda **k: torch.randn(2, 3, **k), (2, 3), "default", (*FLOATS, "complex64", "complex128")),
    "randint": (lambda **k: torch.randint(5, (2, 3), **k), (2, 3), "int64", (*FLOATS, "uint8", "int16", "int32")),
    "randperm": (lambda **k: torch.randperm(6, **k), (6,), "int64", ("float32", "float64", "int32", "int16")),
    "normal": (lambda **k: torch.normal(0.0, 1.0, (2, 3), **k), (2, 3), "default", ("float32", "float64")),
}


@check("random.dtype-argument")
@pytest.mark.parametrize("name", MADE)
def test_draws_have_the_dtype_that_was_asked_for(subject: Subject, name: str) -> None:
    make, shape, own, dtypes = MADE[name]
    for dtype in dtypes:
        out = make(dtype=host.torch_dtype(dtype), device=subject.device)
        assert_tensor(f"torch.{name}(…, dtype=torch.{dtype})", out, dtype, shape)
    default = torch.get_default_dtype()
    try:
        for dtype in ("float64", "float32", "bfloat16", "float16"):
            torch.set_default_dtype(host.torch_dtype(dtype))
            due = dtype if own == "default" else own
            for form, given in {"…": {}, "…, dtype=None": {"dtype": None}}.items():
                if given and name == "randperm":  # whose documentation names no None
                    continue
                out = assert_tensor(f"torch.{name}({form}) under {dtype}", make(device=subject.device, **given), due)
                require(tuple(out.shape) == shape, f"torch.{name}({form}) has another shape", shape, tuple(out.shape))
                require(
                    not out.requires_grad and out.is_contiguous(), f"torch.{name}({form}) requires grad or has gaps"
                )
    finally:
        torch.set_default_dtype(default)


@check("random.requires-grad")
@pytest.mark.parametrize("name", MADE)
def test_draws_may_require_grad(subject: Subject, name: str) -> None:
    make = MADE[name][0]
    for dtype in ("float32", "float64"):
        given = {"dtype": host.torch_dtype(dtype), "device": subject.device}
        for mode in (torch.enable_grad, torch.no_grad):
            with mode():
                out, plain = make(requires_grad=True, **given), make(requires_grad=False, **given)
            require(out.requires_grad and out.is_leaf, f"torch.{name}(…, requires_grad=True) is no leaf that requires")
            require(not plain.requires_grad, f"torch.{name}(…, requires_grad=False) requires grad")
        out = make(requires_grad=True, **given)
        (out * 3).sum().backward()
        assert_values(f"the gradient of torch.{name}(…)", out.grad, np.full(out.shape, 3.0), dtype=dtype)
    if name.startswith("randp") or name == "randint":
        call = f"torch.{name}(…, requires_grad=True) of int64"
        assert_raises(call, RuntimeError, lambda: make(requires_grad=True, device=subject.device))

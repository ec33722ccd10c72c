"""Tensors of data of any kind, depth and rank, and whether they may require grad."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_apart, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.oracle import creation as oracle
from conformance.subject import Subject
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct, rounded

pytestmark = must_answer


@check("creation.new-tensor")
def test_new_tensor_copies_arrays_of_its_own_dtype(subject: Subject) -> None:
    for dtype in ("float32", "float64", "int64", "uint8", "bool", "complex128"):
        x = torch.zeros(2, dtype=host.torch_dtype(dtype), device=subject.device)
        for shape in ((), (5,), (3, 7)):
            for given in (distinct(dtype, shape), distinct(dtype, shape).T):
                kept = given.copy()
                made = {"": x.new_tensor(given), ", dtype=": x.new_tensor(given, dtype=x.dtype)}
                for form, t in made.items():
                    assert_values(f"x.new_tensor({dtype} array of {shape}{form})", t, kept, dtype=dtype)
                    t.zero_()
                same = bool((given == kept).all())
                require(same, f"x.new_tensor({dtype} array of {shape}) shares the array's memory", kept, given)


# Numbers that widen a dtype, narrowest first.
KINDS: tuple[Any, ...] = (True, 2, 2.5, 1.5j)


@check("creation.tensor-from-data")
@pytest.mark.parametrize("maker", ["tensor", "as_tensor", "asarray"])
def test_the_widest_number_counts_wherever_it_lies(subject: Subject, maker: str) -> None:
    for narrow, wide in ((a, b) for a in KINDS for b in KINDS if KINDS.index(a) < KINDS.index(b)):
        for shape in ((5,), (3, 4), (2, 3, 2), (20,), (40, 3), (2, 1, 2, 2)):
            for place in (0, int(np.prod(shape)) // 2, -1):
                flat = np.full(int(np.prod(shape)), narrow, object)
                flat[place] = wide
                data = flat.reshape(shape).tolist()
                t = getattr(torch, maker)(data, device=subject.device)
                call = f"torch.{maker} of {shape} times {narrow!r}, but {wide!r} at {place}"
                assert_values(call, t, flat.astype(complex).reshape(shape), dtype=oracle.inferred(wide))


@check("creation.tensor-dtype")
@pytest.mark.parametrize("maker", ["tensor", "as_tensor", "asarray"])
def test_fractions_are_rounded_once_in_lists_and_tuples(subject: Subject, maker: str) -> None:
    for dtype in ("float64", "float32", "bfloat16", "complex128"):
        for shape in ((3,), (17,), (1_301,), (4, 5), (2, 3, 20)):
            values = (np.arange(np.prod(shape)) / 3 + 0.1).reshape(shape)
            due = values if dtype.startswith("complex") else rounded(values.astype(DTYPES[dtype].host), dtype)
            for kind in (list, tuple):
                t = getattr(torch, maker)(kind(values.tolist()), dtype=host.torch_dtype(dtype), device=subject.device)
                assert_values(f"torch.{maker}({kind.__name__} of {shape}, dtype=torch.{dtype})", t, due, dtype=dtype)


@check("creation.tensor-of-tensor")
def test_tensor_of_a_tensor_of_any_rank_is_a_detached_copy(subject: Subject) -> None:
    for shape in ((), (1,), (20,), (2, 3, 4), (2, 3, 4, 5), (0, 3), (33, 40)):
        for layout in LAYOUTS:
            recipe = LAYOUTS[layout](distinct("float64", shape), "float64")
            for model in (
                given := recipe.on(subject),
                given.clone().requires_grad_(),
                given.clone().requires_grad_() * 1,
            ):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    made = {"torch.tensor(t)": torch.tensor(model), "t.new_tensor(t)": model.new_tensor(model)}
                for call, t in made.items():
                    text = f"{call}, {layout} {shape}, requires_grad={model.requires_grad}"
                    assert_values(text, t, recipe.array, dtype="float64")
                    assert_apart(text, t, model)
                    require(not t.requires_grad and t.is_leaf and t.grad_fn is None, f"{text} keeps the graph")


WHOLE: dict[str, Callable[..., torch.Tensor]] = {
    "full((3,), 2)": lambda **k: torch.full((3,), 2, **k),
    "full((3,), True)": lambda **k: torch.full((3,), True, **k),
    "arange(3)": lambda **k: torch.arange(3, **k),
    "arange(1, 9, 2)": lambda **k: torch.arange(1, 9, 2, **k),
    "tensor(3)": lambda **k: torch.tensor(3, **k),
    "tensor([[True]])": lambda **k: torch.tensor([[True]], **k),
    "tensor(array)": lambda **k: torch.tensor(np.arange(3), **k),
    "asarray([1, 2])": lambda **k: torch.asarray([1, 2], **k),
    "randint(5, (3,))": lambda **k: torch.randint(5, (3,), **k),
    "randint(2, 5, (3,))": lambda **k: torch.randint(2, 5, (3,), **k),
    "randperm(3)": lambda **k: torch.randperm(3, **k),
    "zeros_like(whole)": lambda **k: torch.zeros_like(torch.arange(3), **k),
    "ones_like(whole)": lambda **k: torch.ones_like(torch.arange(3), **k),
    "full_like(whole, 2)": lambda **k: torch.full_like(torch.arange(3), 2, **k),
    "empty_like(whole)": lambda **k: torch.empty_like(torch.arange(3), **k),
    "randint_like(whole, 5)": lambda **k: torch.randint_like(torch.arange(3), 5, **k),
    "whole.new_zeros(3)": lambda **k: torch.arange(3).new_zeros(3, **k),
    "whole.new_ones(3)": lambda **k: torch.arange(3).new_ones(3, **k),
    "whole.new_full((3,), 2)": lambda **k: torch.arange(3).new_full((3,), 2, **k),
    "whole.new_empty(3)": lambda **k: torch.arange(3).new_empty(3, **k),
    "whole.new_tensor([1])": lambda **k: torch.arange(3).new_tensor([1], **k),
}


@check("creation.requires-grad")
@pytest.mark.parametrize("call", WHOLE)
def test_what_comes_out_whole_cannot_require_grad(subject: Subject, call: str) -> None:
    make = WHOLE[call]
    assert_raises(f"torch.{call} with requires_grad=True", RuntimeError, lambda: make(requires_grad=True))
    require(not make(requires_grad=False).requires_grad, f"torch.{call} with requires_grad=False requires grad")
    require(not make().requires_grad, f"torch.{call} requires grad after it was refused")


@check("creation.as-tensor-alias")
def test_as_tensor_returns_parameters_and_results_as_they_are(subject: Subject) -> None:
    parameter = torch.nn.Parameter(torch.ones(3, 4, device=subject.device))
    for kind, t in {"parameter": parameter, "result": parameter * 2, "view": parameter.t()}.items():
        for form, out in {
            "": torch.as_tensor(t),
            ", dtype=": torch.as_tensor(t, dtype=torch.float32),
            ", device=": torch.as_tensor(t, device=subject.device),
        }.items():
            require(out is t, f"torch.as_tensor({kind}{form}) is another tensor")


@check("creation.asarray-requires-grad")
def test_asarray_decides_on_requires_grad_of_copies_too(subject: Subject) -> None:
    leaf = torch.ones(3, 4, requires_grad=True, device=subject.device)
    for kind, t in {"plain": leaf.detach(), "leaf": leaf, "result": leaf * 2, "array": np.ones((3, 4), "f4")}.items():
        for dtype in (None, torch.float64):
            asked = torch.asarray(t, copy=True, dtype=dtype, requires_grad=True)
            call = f"torch.asarray({kind}, copy=True, dtype={dtype}"
            require(asked.requires_grad, f"{call}, requires_grad=True) requires none")
            tracked = kind in ("leaf", "result")
            require(
                (asked.grad_fn is not None) == tracked, f"{call}, requires_grad=True) has another place in the graph"
            )
            plain = torch.asarray(t, copy=True, dtype=dtype, requires_grad=False)
            require(not plain.requires_grad and plain.is_leaf, f"{call}, requires_grad=False) takes part in autograd")
            due = np.full((3, 4), 2 if kind == "result" else 1)
            assert_values(f"{call})", plain, due, dtype="float32" if dtype is None else "float64")

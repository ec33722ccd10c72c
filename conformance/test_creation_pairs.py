"""Creation functions where two conditions meet: strided and double out=, many elements and no dtype."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from conformance.numerics import SUMMED
from conformance.oracle import creation as oracle
from conformance.subject import Subject
from conformance.tables.creation_factories import GROUPS, assert_made, factories
from conformance.tables.numpy_sharing import assert_strides
from conformance.tables.settings import default_dtype
from properties.strategies.recipe import DENSE
from properties.strategies.values import distinct

pytestmark = must_answer

# Places for results that are not contiguous, as views of a larger matrix or a transposed one.
OUTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "transposed": lambda t: t.t(),
    "every second column": lambda t: t.repeat(1, 2)[:, ::2],
    "every second row": lambda t: t.repeat(2, 1)[::2],
    "inner columns": lambda t: t.repeat(1, 3)[:, t.shape[1] : -t.shape[1]],
}
MATRICES: dict[str, tuple[Callable[..., torch.Tensor], Callable[[tuple[int, int]], np.ndarray]]] = {
    "zeros": (lambda shape, **k: torch.zeros(shape, **k), np.zeros),
    "ones": (lambda shape, **k: torch.ones(*shape, **k), np.ones),
    "full": (lambda shape, **k: torch.full(shape, 5, **k), lambda shape: np.full(shape, 5)),
    "eye": (lambda shape, **k: torch.eye(*shape, **k), lambda shape: np.eye(*shape)),
}


@check("creation.out-argument")
@pytest.mark.parametrize("name", MATRICES)
def test_matrices_are_written_to_every_kind_of_out(subject: Subject, name: str) -> None:
    make, due = MATRICES[name]
    lacking = {"full": "bool", "eye": "bfloat16"}.get(name)  # 5 is no truth value, and torch 2.0 has no such eye
    for dtype in (dtype for dtype in COMMON if dtype != lacking):
        for shape in ((4, 4), (5, 3), (40, 33)):
            for kind, place in OUTS.items():
                sides = shape[::-1] if kind == "transposed" else shape
                out = place(torch.full(sides, 7, dtype=host.torch_dtype(dtype), device=subject.device))
                strides, call = out.stride(), f"torch.{name}({shape}, out={kind}), {dtype}"
                require(make(shape, out=out) is out, f"{call} returns another tensor than out")
                assert_strides(call, out, strides)
                assert_values(call, out, due(shape), dtype=dtype)


# Calls with a fraction in every number, and what is due in double precision.
SPACED: dict[str, tuple[Callable[..., torch.Tensor], np.ndarray]] = {
    "linspace(0, 1, 41)": (lambda **k: torch.linspace(0, 1, 41, **k), oracle.spaced(0, 1, 41)),
    "logspace(-1, 1, 41)": (lambda **k: torch.logspace(-1, 1, 41, **k), oracle.powers(10, oracle.spaced(-1, 1, 41))),
    "arange(0.1, 9, 0.7)": (lambda **k: torch.arange(0.1, 9, 0.7, **k), oracle.stepped(0.1, 0.7, 13)),
    "arange(9, 0.1, -0.7)": (lambda **k: torch.arange(9, 0.1, -0.7, **k), oracle.stepped(9.0, -0.7, 13)),
}


@check("creation.out-argument")
@pytest.mark.parametrize("call", SPACED)
def test_spaced_numbers_keep_their_precision_in_every_out(subject: Subject, call: str) -> None:
    make, due = SPACED[call]
    for dtype in ("float32", "float64"):
        for step in (1, 2, 5):
            out = torch.zeros(step * len(due), dtype=host.torch_dtype(dtype), device=subject.device)[::step]
            text = f"torch.{call}, out of step {step}, {dtype}"
            require(make(out=out) is out, f"{text} returns another tensor than out")
            # Each number is made of a few roundings of numbers up to 10, raised to a power of up to 10 in logspace.
            assert_values(text, out, due, SUMMED.over(32), np.full(len(due), 10.0), dtype=dtype)


@check("creation.linspace-even")
def test_numbers_near_the_largest_are_spaced_evenly(subject: Subject) -> None:
    for dtype, start, end in (("float32", 3e38, 2.5e38), ("float64", 1e308, 1.6e308), ("float64", -1.7e308, -1e307)):
        for steps in (3, 33):
            t = torch.linspace(start, end, steps, dtype=host.torch_dtype(dtype), device=subject.device)
            call = f"torch.linspace({start}, {end}, {steps}, dtype=torch.{dtype})"
            due, scale = oracle.spaced(start, end, steps), np.full(steps, max(abs(start), abs(end)))
            assert_values(call, t, due, SUMMED.over(4), scale, dtype=dtype)


@check("creation.full-dtype")
def test_full_infers_its_dtype_for_many_elements(subject: Subject) -> None:
    for shape in ((65,), (33, 40), (40_003,), (0, 5), (2, 0, 3)):
        for value in (True, False, 3, 2.5, 1 - 2j):
            call = f"torch.full({shape}, {value!r})"
            t = torch.full(shape, value, device=subject.device)
            assert_values(call, t, np.full(shape, value), dtype=oracle.inferred(value))


@check("creation.arange-length")
def test_the_length_is_that_of_the_formula_without_dtype(subject: Subject) -> None:
    rows = ((5.0, -2.0, -0.75), (1.0, 0.0, -0.25), (2, -1, -0.5), (0, 10, 2.5), (-1.5, 1.6, 0.25), (40, 0, -0.625))
    for start, end, step in rows:  # steps that double precision holds exactly
        due = oracle.stepped(start, step, oracle.counted(start, end, step))
        call = f"torch.arange({start}, {end}, {step})"
        assert_values(call, torch.arange(start, end, step, device=subject.device), due, dtype="float32")
        named = torch.arange(start=start, end=end, step=step, dtype=torch.float64, device=subject.device)
        assert_values(f"{call} by name, float64", named, due, dtype="float64")


@check("creation.arange-values")
def test_whole_arguments_keep_their_digits_in_doubles(subject: Subject) -> None:
    for start, count, step in ((2**24 + 1, 19, 1), (2**40 + 1, 40, 7), (-(2**52) + 1, 17, 3), (2**31 + 3, 9, -5)):
        t = torch.arange(start, start + count * step, step, dtype=torch.float64, device=subject.device)
        due = [float(start + k * step) for k in range(count)]
        assert_values(f"torch.arange from {start} in {count} steps of {step}, float64", t, due, dtype="float64")


LIKE: dict[str, Callable[..., torch.Tensor]] = {
    "zeros_like": lambda t, **k: torch.zeros_like(t, **k),
    "ones_like": lambda t, **k: torch.ones_like(t, **k),
    "full_like": lambda t, **k: torch.full_like(t, 2, **k),
    "empty_like": lambda t, **k: torch.empty_like(t, **k),
    "rand_like": lambda t, **k: torch.rand_like(t, **k),
    "randn_like": lambda t, **k: torch.randn_like(t, **k),
    "randint_like": lambda t, **k: torch.randint_like(t, 5, **k),
}


@check("creation.like-layout")
@pytest.mark.parametrize("name", LIKE)
def test_like_keeps_the_layout_in_another_dtype(subject: Subject, name: str) -> None:
    for layout, shape in ((layout, shape) for layout in DENSE for shape in ((2, 3, 4, 5), (3, 4, 2), (5, 7))):
        recipe = DENSE[layout](distinct("float32", shape), "float32")
        due = oracle.kept_strides(recipe.shape, recipe.strides)
        for dtype in ("float64", "float16") if name.startswith("rand") else ("float64", "int64", "complex64"):
            out = LIKE[name](recipe.on(subject), dtype=host.torch_dtype(dtype))
            call = f"torch.{name}({layout} tensor of {shape}, dtype=torch.{dtype})"
            assert_strides(call, assert_tensor(call, out, dtype, shape), due or oracle.row_major(shape))


@check("creation.like-arguments")
@pytest.mark.parametrize("name", LIKE)
def test_like_leaves_the_graph_of_every_model(subject: Subject, name: str) -> None:
    leaf = torch.ones(3, 4, requires_grad=True, device=subject.device)
    for kind, model in {"leaf": leaf, "result": leaf * 2, "view": leaf[:, 1:], "transposed": (leaf * 2).t()}.items():
        out, call = LIKE[name](model), f"torch.{name}({kind} that requires grad)"
        require(not out.requires_grad and out.grad_fn is None and out.is_leaf, f"{call} takes part in autograd")


@check("creation.like-values")
@pytest.mark.parametrize("name", ["zeros_like", "ones_like", "full_like"])
def test_like_of_conjugates_and_negations_holds_plain_numbers(subject: Subject, name: str) -> None:
    value = {"zeros_like": 0, "ones_like": 1, "full_like": 2}[name]
    z = torch.full((3, 4), 5 + 7j, dtype=torch.complex64, device=subject.device)
    for kind, model in {"conjugate": z.conj(), "turned": z.t().conj(), "negation": z.conj().imag}.items():
        out, call = LIKE[name](model), f"torch.{name}({kind})"
        assert_values(call, out, np.full(tuple(model.shape), value), dtype=host.dtype_name(model.dtype))
        require(not out.is_conj() and not out.is_neg(), f"{call} is lazily conjugated or negated")
        assert_values(f"{call}, its model", z, np.full((3, 4), 5 + 7j))


@check("creation.clone-copies")
def test_clones_of_every_dtype_hold_the_last_of_many(subject: Subject) -> None:
    for dtype, layout in ((dtype, layout) for dtype in COMMON for layout in DENSE):
        recipe = DENSE[layout](distinct(dtype, (33, 40)), dtype)
        for call, out in {
            "x.clone()": recipe.on(subject).clone(),
            "torch.clone(x)": torch.clone(recipe.on(subject)),
        }.items():
            assert_values(f"{call} of {layout} {dtype}", out, recipe.array, dtype=dtype)


@check("creation.like-arguments")
@pytest.mark.parametrize("name", LIKE)
def test_none_stands_for_the_dtype_and_device_of_the_model(subject: Subject, name: str) -> None:
    for dtype in ("float64", "float16") if name in ("rand_like", "randn_like") else ("float64", "int16"):
        model = torch.ones(3, 4, dtype=host.torch_dtype(dtype), device=subject.device).t()
        out = LIKE[name](model, dtype=None, device=None, layout=None, requires_grad=False)
        call = f"torch.{name}({dtype}, dtype=None, device=None, layout=None)"
        assert_strides(call, assert_tensor(call, out, dtype, (4, 3)), tuple(model.stride()))
        require(out.device == model.device and not out.requires_grad, f"{call} lies elsewhere, or requires grad")


@check("creation.full-converts")
def test_truth_and_numbers_convert_in_every_dtype(subject: Subject) -> None:
    for dtype in COMMON:
        like = torch.empty(3, 4, dtype=host.torch_dtype(dtype), device=subject.device).t()
        for value in (True, False, 1, 0, 2):
            due = np.full((4, 3), bool(value) if dtype == "bool" else int(value))
            for call, t in {
                "torch.full": torch.full((4, 3), value, dtype=like.dtype, device=subject.device),
                "torch.full_like": torch.full_like(like, value),
                "torch.full_like(fill_value=)": torch.full_like(input=like, fill_value=value),
                "new_full": like.new_full((4, 3), value),
                "new_full(size=, fill_value=)": like.new_full(size=(4, 3), fill_value=value),
                "new_full(fill_value=)": like.new_full([4, 3], fill_value=value, dtype=like.dtype),
            }.items():
                assert_values(f"{call} of {value!r}, {dtype}", t, due, dtype=dtype)


@check("creation.new-inherits")
@pytest.mark.parametrize("name", ["new_zeros", "new_ones", "new_empty", "new_full"])
def test_new_takes_its_size_by_name(subject: Subject, name: str) -> None:
    rest = {"fill_value": 1} if name == "new_full" else {}
    for dtype in ("float32", "float64", "int16", "bool"):
        base = torch.ones(2, 3, dtype=host.torch_dtype(dtype), device=subject.device)
        for size in ((), (0,), (4,), (2, 3), (3, 2), (2, 0, 5)):
            for given in (size, list(size), torch.Size(size)):
                for model in (base, base.t()):
                    out, call = getattr(model, name)(size=given, **rest), f"{name}(size={given!r}), {dtype}"
                    assert_strides(call, assert_tensor(call, out, dtype, size), oracle.row_major(size))


@check("creation.default-dtype")
@pytest.mark.parametrize("group", GROUPS)
def test_none_stands_for_the_default_dtype_and_device(subject: Subject, group: str) -> None:
    for factory in factories(group):
        keywords = {"layout": torch.strided} if group not in ("data", "triangles") else {}
        keywords |= {"requires_grad": False} if factory.grad else {}
        for default in ("float32", "float64"):
            with default_dtype(default):
                out, named = factory.call(dtype=None), factory.call(dtype=None, device=None, **keywords)
            for form, t in {"dtype=None": out, "every default by name": named}.items():
                call = f"torch.{factory.name}(…, {form}) under {default}"
                assert_made(call, t, factory, factory.made(default))
                require(t.device.type == "cpu" and not t.requires_grad, f"{call} lies elsewhere, or requires grad")


@check("creation.default-dtype", since="2.6")
@pytest.mark.parametrize("group", GROUPS)
def test_narrow_default_dtypes_are_followed(subject: Subject, group: str) -> None:
    for factory in factories(group):
        for default in ("bfloat16", "float16"):
            with default_dtype(default):
                out = factory.call(device=subject.device)
            assert_made(f"torch.{factory.name}(…) under {default}", out, factory, factory.made(default))

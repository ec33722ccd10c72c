"""torch.tensor and as_tensor given arrays and numpy's scalars."""

from __future__ import annotations

import operator
import warnings

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES, FLOATS, NUMPY
from conformance.oracle.tensor import cast
from conformance.subject import Subject, Unsupported
from conformance.tables.numpy_sharing import assert_array, assert_bits, assert_separate
from conformance.tables.tensor_casts import assert_is, table
from properties.strategies.ndarrays import KINDS, arranged, ndarray
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct, rounded

pytestmark = must_answer

PLAIN_KINDS = [kind for kind in KINDS if kind != "unsigned"]


@check("numpy.tensor-copies")
@pytest.mark.parametrize("kind", PLAIN_KINDS)
def test_tensor_copies_an_array(subject: Subject, kind: str) -> None:
    for dtype, recipe in arranged(kind):
        a = ndarray(recipe)
        call = f"torch.tensor({dtype} array of {recipe.shape}, strides {recipe.strides})"
        t = assert_bits(call, torch.tensor(a, device=subject.device), recipe.array, dtype)
        require(t.is_leaf and not t.requires_grad, f"{call} takes part in autograd")
        if subject.is_cpu:
            assert_separate(call, t, a)
            t.zero_()
            assert_array(f"the array after a write to {call}", a.copy(), recipe.array)
            again = torch.tensor(a)
            a[...] = 0
            assert_bits(f"{call} after a write to the array", again, recipe.array, dtype)


@check("numpy.tensor-converts")
def test_tensor_converts_an_array_to_the_dtype_asked_for(subject: Subject) -> None:
    makers = {"tensor": torch.tensor, "as_tensor": torch.as_tensor, "asarray": torch.asarray}
    for source, target in ((s, t) for s in NUMPY for t in (*NUMPY, "bfloat16")):
        if DTYPES[source].is_complex and not DTYPES[target].is_complex:
            continue
        values = np.resize(table(source), (9, 7))
        due = cast(values, target)
        for layout in ("contiguous", "transposed", "stepped"):
            a = ndarray(LAYOUTS[layout](values, source))
            for name, make in makers.items():
                t = make(a, dtype=host.torch_dtype(target), device=subject.device)
                call = f"torch.{name}({layout} {source} array, dtype=torch.{target})"
                assert_is(call, t, values, target, due)
                if subject.is_cpu and (name == "tensor" or source != target):
                    assert_separate(call, t, a)


@check("numpy.tensor-converts")
def test_conversion_to_narrower_floats_rounds_to_even(subject: Subject) -> None:
    ties = np.array([1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-8, 1 + 3 * 2**-8, 2049, 2051, 65504, 1e-8, -1e-8, 3e38, -0.0])
    for target in FLOATS:
        expected = rounded(ties.astype(np.float32), target)
        for source in (ties, np.repeat(ties, 5)[::5], ties.reshape(1, -1).T):
            t = torch.tensor(source, dtype=host.torch_dtype(target), device=subject.device)
            wanted = (ties if target == "float64" else expected).reshape(source.shape)
            assert_values(f"torch.tensor(ties, dtype=torch.{target})", t, wanted, dtype=target, signed_zeros=True)


@check("numpy.tensor-converts")
def test_array_of_floats_to_integers_cuts_towards_zero(subject: Subject) -> None:
    a = np.array([0.0, 0.9, -0.9, 1.5, -1.5, 2.5, -2.5, 99.99, -99.99])
    reals = np.array([0.0, -0.0, 1e-300, -2, 0.5, np.nan, np.inf])
    for name in ("tensor", "as_tensor", "asarray"):
        make = getattr(torch, name)
        for target in ("int8", "int16", "int32", "int64"):
            for source in (a, a.astype(np.float32), np.repeat(a, 2)[::2]):
                t = make(source, dtype=host.torch_dtype(target), device=subject.device)
                assert_values(f"torch.{name}({source.dtype} array, dtype=torch.{target})", t, np.trunc(a), dtype=target)
        truth = make(reals, dtype=torch.bool, device=subject.device)
        assert_values(f"torch.{name}(reals, dtype=torch.bool)", truth, [False, False, *[True] * 5], dtype="bool")


@check("numpy.tensor-requires-grad")
def test_requires_grad_makes_a_leaf_of_an_array(subject: Subject) -> None:
    for dtype in ("float32", "float64", "complex64"):
        a = distinct(dtype, (3, 4))
        for name, make in {"tensor": torch.tensor, "asarray": torch.asarray}.items():
            t = make(a, requires_grad=True, device=subject.device)
            require(t.requires_grad and t.is_leaf, f"torch.{name}({dtype} array, requires_grad=True) is no leaf")
            require(not make(a, device=subject.device).requires_grad, f"torch.{name}({dtype} array) requires grad")
            (t * t).abs().sum().backward()
            require(
                t.grad is not None and t.grad.shape == t.shape, f"torch.{name}(…, requires_grad=True) gets no gradient"
            )
    for a in (np.arange(3), np.ones(3, bool)):
        for make in (torch.tensor, torch.asarray):
            assert_raises(
                f"{make.__name__}({a.dtype} array, requires_grad=True)",
                RuntimeError,
                lambda make=make, a=a: make(a, requires_grad=True),
            )


SCALARS = {
    "float64": np.float64(2.5),
    "float32": np.float32(2.5),
    "float16": np.float16(2.5),
    "int64": np.int64(-7),
    "int32": np.int32(-7),
    "int16": np.int16(-7),
    "int8": np.int8(-7),
    "uint8": np.uint8(200),
    "complex64": np.complex64(1 - 2j),
    "complex128": np.complex128(1 - 2j),
}


def places(subject: Subject) -> list[dict[str, str]]:
    """What to say of the device: its name, and nothing where it is the default one."""
    return [{"device": subject.device}, *([{}] if subject.device == "cpu" else [])]


@check("numpy.scalars")
@pytest.mark.parametrize("maker", ["tensor", "as_tensor"])
def test_numpys_scalars_keep_their_dtype(subject: Subject, maker: str) -> None:
    make = getattr(torch, maker)
    for dtype, scalar in SCALARS.items():
        for where in places(subject):
            assert_values(f"torch.{maker}({scalar!r}, {where})", make(scalar, **where), scalar, dtype=dtype)
        zero_d = np.array(scalar)
        assert_values(f"torch.{maker}({zero_d!r})", make(zero_d, device=subject.device), scalar, dtype=dtype)
        listed = [[scalar, scalar], [scalar, scalar]]
        assert_values(f"torch.{maker}({listed})", make(listed, device=subject.device), listed, dtype=dtype)
        for target in ("float64", "complex128"):
            t = (
                make(scalar, dtype=host.torch_dtype(target), device=subject.device)
                if target == "complex128" or not DTYPES[dtype].is_complex
                else None
            )
            if t is not None:
                assert_values(f"torch.{maker}({scalar!r}, dtype=torch.{target})", t, scalar, dtype=target)


@check("numpy.scalars", since="2.0")
def test_asarray_keeps_the_dtype_of_scalars(subject: Subject) -> None:
    for dtype, scalar in SCALARS.items():
        for where in places(subject):
            assert_values(f"torch.asarray({scalar!r}, {where})", torch.asarray(scalar, **where), scalar, dtype=dtype)


@check("numpy.scalars")
def test_lists_of_scalars_promote(subject: Subject) -> None:
    for listed, dtype in (
        ([np.int8(3), np.float32(1)], "float32"),
        ([np.float32(3), 1], "float32"),
        ([1, np.float64(3)], "float64"),
        ([1.5, np.float64(3)], "float64"),
        ([np.int8(3), np.int32(5)], "int32"),
        ([np.float32(1), np.float64(2)], "float64"),
        ([np.float32(1), np.complex64(2j)], "complex64"),
        ([np.int16(4), np.int16(5)] * 20, "int16"),
    ):
        expected = np.array([complex(n) if "c" in dtype else float(n) for n in listed])
        for where in places(subject):
            assert_values(f"torch.tensor({listed}, {where})", torch.tensor(listed, **where), expected, dtype=dtype)


@pytest.mark.parametrize(
    "numpys",
    [
        pytest.param("whose bool is no index", marks=check("numpy.bool-scalars", since="2.13")),
        pytest.param("whose bool is an index", marks=check("numpy.bool-scalars", until="2.13")),
    ],
)
def test_numpys_truth_values_are_bool(subject: Subject, numpys: str) -> None:
    # Older releases read a truth value as an index, which those of younger numpys are not.
    if numpys == "whose bool is an index" and not is_index(np.bool_(True)):
        raise Unsupported("this numpy is younger than what this release of PyTorch knows")
    for value in (True, False):
        t = torch.tensor(np.bool_(value), device=subject.device)
        assert_values(f"torch.tensor(np.bool_({value}))", t, value, dtype="bool")
    t = torch.tensor([np.bool_(True), np.bool_(False), True], device=subject.device)
    assert_values("torch.tensor([np.bool_(True), np.bool_(False), True])", t, [True, False, True], dtype="bool")


def is_index(value: object) -> bool:
    try:
        operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return False
    return True


@check("numpy.lists-of-arrays")
def test_lists_of_arrays_stack(subject: Subject) -> None:
    for dtype in ("float64", "float32", "int64", "int32", "uint8", "complex128"):
        rows = [distinct(dtype, (3, 4)), distinct(dtype, (3, 4))[::-1], distinct(dtype, (4, 3)).T]
        for name, listed in {"list": rows, "tuple": tuple(rows), "nested": [rows, rows], "single": rows[:1]}.items():
            for where in places(subject):
                t = torch.tensor(listed, **where)
                assert_values(f"torch.tensor({name} of {dtype} arrays, {where})", t, np.array(listed), dtype=dtype)
    mixed = torch.tensor([np.ones(2, np.int32), np.zeros(2, np.float32)], device=subject.device)
    assert_values("torch.tensor([int32 array, float32 array])", mixed, [[1, 1], [0, 0]], dtype="float32")
    assert_raises(
        "torch.tensor([arrays of 2 and 3 elements])", ValueError, lambda: torch.tensor([np.ones(2), np.zeros(3)])
    )


@check("numpy.lists-of-arrays")
def test_lists_of_arrays_give_a_warning(subject: Subject) -> None:
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.tensor([np.ones(3), np.zeros(3)], device=subject.device)
    finally:
        torch.set_warn_always(always)
    slow = [warning for warning in caught if "slow" in str(warning.message)]
    require(slow, "torch.tensor(list of arrays) gives no warning that it is slow", "a UserWarning", caught)

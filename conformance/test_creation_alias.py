"""Tensors of tensors, arrays and files, shared or copied, and the legacy constructors."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_apart, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES
from conformance.oracle import creation as oracle
from conformance.subject import Subject
from conformance.tables.numpy_sharing import assert_array, assert_bits, assert_separate, assert_shared
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct

pytestmark = must_answer


@check("creation.tensor-of-tensor")
def test_tensor_of_a_tensor_is_a_detached_copy(subject: Subject) -> None:
    for layout in LAYOUTS:
        for dtype in ("float32", "int64", "bool", "complex64"):
            recipe = LAYOUTS[layout](distinct(dtype, (3, 7)), dtype)
            given = recipe.on(subject)
            if dtype == "float32":
                given.requires_grad_()
            before = Unchanged(given=given)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made, new = torch.tensor(given), given.new_tensor(given)
                wide = torch.tensor(given, dtype=torch.complex128)
            for call, t in (("torch.tensor(t)", made), ("t.new_tensor(t)", new)):
                assert_values(f"{call}, {layout}", t, recipe.array, dtype=dtype)
                assert_apart(f"{call}, {layout}", t, given)
                require(not t.requires_grad and t.grad_fn is None, f"{call} keeps the graph")
            assert_values("torch.tensor(t, dtype=torch.complex128)", wide, recipe.array, dtype="complex128")
            before.check("torch.tensor(t)")


@check("creation.as-tensor-alias")
def test_as_tensor_returns_tensors_as_they_are(subject: Subject) -> None:
    for layout in LAYOUTS:
        t = LAYOUTS[layout](distinct("float32", (3, 7)), "float32").on(subject).requires_grad_()
        for out in (
            torch.as_tensor(t),
            torch.as_tensor(t, dtype=torch.float32),
            torch.as_tensor(t, device=subject.device),
        ):
            require(out is t, f"torch.as_tensor({layout} tensor) is another tensor")
        wide = torch.as_tensor(t, dtype=torch.float64)
        assert_values("torch.as_tensor(t, dtype=torch.float64)", wide, host.array(t.detach()), dtype="float64")
        require(
            wide.requires_grad and wide.grad_fn is not None, "torch.as_tensor(t, dtype=torch.float64) leaves the graph"
        )
    assert_raises(
        "torch.as_tensor([1.0], requires_grad=True)", TypeError, lambda: torch.as_tensor([1.0], requires_grad=True)
    )


@check("creation.asarray-requires-grad")
def test_asarray_decides_on_requires_grad(subject: Subject) -> None:
    plain, leaf = torch.ones(3, device=subject.device), torch.ones(3, requires_grad=True, device=subject.device)
    result = leaf * 2
    require(
        torch.asarray(leaf, requires_grad=True).requires_grad, "torch.asarray(leaf, requires_grad=True) requires none"
    )
    require(
        torch.asarray(result, requires_grad=True).grad_fn is not None,
        "torch.asarray(result, requires_grad=True) is detached",
    )
    for t in (leaf, result):
        out = torch.asarray(t, requires_grad=False)
        require(
            not out.requires_grad and out.data_ptr() == t.data_ptr(),
            "torch.asarray(t, requires_grad=False) is not detached",
        )
    require(result.requires_grad, "torch.asarray(result, requires_grad=False) detaches the result itself")
    require(not torch.asarray(plain).requires_grad, "torch.asarray(t) requires grad")
    for out in (torch.asarray([1.0, 2.0], requires_grad=True), torch.asarray(1.5, requires_grad=True)):
        require(out.requires_grad and out.is_leaf, "torch.asarray(data, requires_grad=True) is no leaf")


@check("creation.asarray-keeps-graph")
def test_asarray_keeps_the_graph_by_default(subject: Subject) -> None:
    leaf = torch.ones(3, requires_grad=True, device=subject.device)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept, result = torch.asarray(leaf), torch.asarray(leaf * 2)
    require(kept.requires_grad and result.grad_fn is not None, "torch.asarray(t) drops requires_grad", True, False)


@check("creation.asarray-copy")
def test_asarray_of_data_is_always_a_copy(subject: Subject) -> None:
    for data in ([1, 2], 5, (1.5,), [[True]]):
        for copy in (None, True):
            t = torch.asarray(data, copy=copy, device=subject.device)
            assert_values(f"torch.asarray({data}, copy={copy})", t, np.array(data), dtype=oracle.inferred(data))
        assert_raises(
            f"torch.asarray({data}, copy=False)", ValueError, lambda data=data: torch.asarray(data, copy=False)
        )
        first, second = torch.asarray(data, device=subject.device), torch.asarray(data, device=subject.device)
        assert_apart(f"the second torch.asarray({data})", second, first)
        first.zero_()
        again = torch.asarray(data, device=subject.device)
        assert_values(f"torch.asarray({data}) after a write to the first", again, np.array(data))


@check("creation.tensor-or-from-numpy")
def test_both_make_tensors_but_only_one_copies(subject: Subject) -> None:
    for data in ([5, 5, 3], [[1.5, 2.0], [3.0, 4.0]], [True] * 20, 7):
        a = np.array(data)
        copied, shared = torch.tensor(a), torch.from_numpy(a)
        dtype = {"i": "int64", "f": "float64", "b": "bool"}[a.dtype.kind]
        assert_separate(f"torch.tensor({data})", assert_bits(f"torch.tensor({data})", copied, a, dtype), a)
        assert_shared(f"torch.from_numpy({data})", assert_bits(f"torch.from_numpy({data})", shared, a, dtype), a)
        for kind in ("float32", dtype, "uint8"):
            own = a.astype(kind)
            named = torch.tensor(own, dtype=host.torch_dtype(kind))
            assert_separate(f"torch.tensor({kind} array, dtype=torch.{kind})", named, own)
        a[...] = 0
        assert_values("the copy after a write to the array", copied, np.array(data))
        assert_values("the sharing tensor after a write to the array", shared, np.zeros(a.shape))
        copied.fill_(1)
        assert_array("the array after a write to the copy", a, np.zeros(a.shape, a.dtype))


LEGACY: dict[str, tuple[Callable[..., torch.Tensor], str]] = {
    "torch.Tensor": (lambda *a: torch.Tensor(*a), "float32"),
    "torch.FloatTensor": (lambda *a: torch.FloatTensor(*a), "float32"),
    "torch.DoubleTensor": (lambda *a: torch.DoubleTensor(*a), "float64"),
    "torch.LongTensor": (lambda *a: torch.LongTensor(*a), "int64"),
    "torch.IntTensor": (lambda *a: torch.IntTensor(*a), "int32"),
    "torch.ShortTensor": (lambda *a: torch.ShortTensor(*a), "int16"),
    "torch.ByteTensor": (lambda *a: torch.ByteTensor(*a), "uint8"),
    "torch.CharTensor": (lambda *a: torch.CharTensor(*a), "int8"),
    "torch.BoolTensor": (lambda *a: torch.BoolTensor(*a), "bool"),
    "torch.HalfTensor": (lambda *a: torch.HalfTensor(*a), "float16"),
}


@check("creation.legacy-tensor-constructor")
def test_lists_are_data_and_numbers_are_sizes(subject: Subject) -> None:
    for name in LEGACY:
        make, dtype = LEGACY[name]
        for data in ([1, 0], (1, 2, 3), [[1, 2], [3, 4]], [True, False], [1.0], list(range(40)), [[]]):
            t = make(data)
            assert_values(f"{name}({data})", t, np.array(data, DTYPES[dtype].host), dtype=dtype)
            require(t.is_leaf and not t.requires_grad, f"{name}({data}) takes part in autograd")
        for sizes in ((3,), (2, 3), (0,), (4, 0, 2)):
            assert_tensor(f"{name}{sizes}", make(*sizes), dtype, sizes)
        assert_tensor(f"{name}(torch.Size([2, 3]))", make(torch.Size([2, 3])), dtype, (2, 3))
        assert_values(f"{name}()", make(), np.empty(0), dtype=dtype)
        assert_raises(f"{name}(-1)", RuntimeError, lambda: make(-1))
        for bad in (2.5, "ab", None):
            assert_raises(f"{name}({bad!r})", TypeError, lambda bad=bad: make(bad))


@check("creation.legacy-tensor-constructor")
def test_the_legacy_constructor_shares_a_tensor(subject: Subject) -> None:
    t = torch.arange(3.0)
    out = torch.Tensor(t)
    assert_values("torch.Tensor(t)", out, [0, 1, 2], dtype="float32")
    require(out.data_ptr() == t.data_ptr() and out is not t, "torch.Tensor(t) is t, or a copy")
    require(torch.equal(torch.Tensor([1, 2]), torch.Tensor((1.0, 2.0))), "torch.Tensor of a list and of a tuple differ")


@check("creation.from-file")
def test_from_file_maps_a_file(subject: Subject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for dtype, shared in ((dtype, shared) for dtype in ("float32", "int64", "uint8") for shared in (False, True)):
            path = Path(folder) / f"{dtype}-{shared}"
            values = distinct(dtype, (40,))
            path.write_bytes(values.tobytes())
            t = torch.from_file(str(path), shared=shared, size=33, dtype=host.torch_dtype(dtype))
            call = f"torch.from_file(…, shared={shared}, size=33, dtype=torch.{dtype})"
            assert_values(call, t, values[:33], dtype=dtype)
            t.fill_(1)
            del t
            due = np.concatenate([np.ones(33, dtype), values[33:]]) if shared else values
            require(path.read_bytes() == due.tobytes(), f"{call} writes otherwise to its file", due, path.read_bytes())
        path.write_bytes(b"1234")
        for name, size in ((str(path), 2), (str(path) + "-missing", 1)):
            assert_raises(
                f"torch.from_file of {size} elements of a short or missing file",
                RuntimeError,
                lambda name=name, size=size: torch.from_file(name, shared=False, size=size),
            )

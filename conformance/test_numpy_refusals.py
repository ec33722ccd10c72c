"""What the bridge to numpy refuses, and what it says or does instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import numpy as oracle
from conformance.subject import Subject
from conformance.tables.numpy_sharing import assert_array, assert_bits, assert_separate, assert_shared
from conformance.tables.numpy_warnings import warned
from properties.strategies.ndarrays import ndarray
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct

pytestmark = must_answer

# Every function that takes an array as it is.
READERS: dict[str, Callable[[Any], torch.Tensor]] = {
    "torch.from_numpy": lambda a: torch.from_numpy(a),
    "torch.tensor": lambda a: torch.tensor(a),
    "torch.as_tensor": lambda a: torch.as_tensor(a),
    "torch.asarray": lambda a: torch.asarray(a),
    "torch.asarray(copy=True)": lambda a: torch.asarray(a, copy=True),
    "torch.Tensor": lambda a: torch.Tensor(a),
}


@check("numpy.from-numpy-negative-strides")
def test_negative_strides_are_refused(subject: Subject) -> None:
    for reader, read in READERS.items():
        for name, a in oracle.reversed_arrays().items():
            before = a.copy()
            assert_raises(f"{reader}({name})", ValueError, lambda read=read, a=a: read(a))
            assert_array(f"the array after {reader}({name}) was refused", a.copy(), before)
    for name, a in oracle.reversed_arrays().items():
        assert_bits(f"torch.from_numpy({name}.copy())", torch.from_numpy(a.copy()), a.copy())


@check("numpy.from-numpy-byte-order")
def test_foreign_byte_order_is_refused(subject: Subject) -> None:
    for reader, read in READERS.items():
        for a in oracle.swapped_arrays().values():
            assert_raises(f"{reader}({a.dtype.str} array)", ValueError, lambda read=read, a=a: read(a))
    for name, a in oracle.swapped_arrays().items():
        native = a.astype(name)
        assert_bits(f"torch.from_numpy of the {name} array in native order", torch.from_numpy(native), native)


@check("numpy.from-numpy-unsupported-dtypes")
def test_dtypes_that_pytorch_lacks_are_refused(subject: Subject) -> None:
    for reader, read in READERS.items():
        for name, a in oracle.refused_arrays().items():
            assert_raises(f"{reader}({name} array)", TypeError, lambda read=read, a=a: read(a))
    assert_values("torch.from_numpy after refusals", torch.from_numpy(np.arange(3)), [0, 1, 2], dtype="int64")


@check("numpy.from-numpy-unsupported-dtypes", until="2.3")
def test_wider_unsigned_arrays_were_refused(subject: Subject) -> None:
    for reader, read in READERS.items():
        for dtype in ("uint16", "uint32", "uint64"):
            assert_raises(f"{reader}({dtype} array)", TypeError, lambda read=read, d=dtype: read(np.ones(3, d)))


@check("numpy.from-numpy-unaligned")
def test_strides_between_elements_are_refused(subject: Subject) -> None:
    packed = np.zeros(4, [("a", "i1"), ("b", "f4"), ("c", "f8")])
    for field in ("b", "c"):
        assert_raises(
            f"torch.from_numpy(packed[{field!r}])", ValueError, lambda field=field: torch.from_numpy(packed[field])
        )
    aligned = np.zeros(4, [("a", "f4"), ("b", "f4")])
    assert_shared("torch.from_numpy(aligned['b'])", torch.from_numpy(aligned["b"]), aligned["b"])


@check("numpy.from-numpy-arrays-only")
def test_from_numpy_takes_arrays_only(subject: Subject) -> None:
    others = [
        [1, 2],
        (1.0,),
        3,
        2.5,
        True,
        "ab",
        None,
        np.float64(1),
        np.int32(2),
        torch.ones(2),
        b"ab",
        memoryview(b"ab"),
    ]
    for other in others:
        assert_raises(f"torch.from_numpy({other!r})", TypeError, lambda other=other: torch.from_numpy(other))
    assert_raises("torch.from_numpy()", TypeError, lambda: torch.from_numpy())  # type: ignore[call-arg]


@check("numpy.from-numpy-arrays-only")
def test_subclasses_of_ndarray_are_arrays(subject: Subject) -> None:
    class Mine(np.ndarray):
        pass

    a = np.arange(6.0).reshape(2, 3).view(Mine)
    t = torch.from_numpy(a)
    require(type(t) is torch.Tensor, f"torch.from_numpy of a subclass of ndarray is a {type(t).__name__}")
    assert_shared("torch.from_numpy of a subclass of ndarray", t, a)


@check("numpy.from-numpy-not-resizable")
def test_memory_of_arrays_cannot_grow(subject: Subject) -> None:
    for name, read in {"from_numpy": torch.from_numpy, "as_tensor": torch.as_tensor}.items():
        a = np.arange(3.0)
        t = read(a)
        assert_raises(f"torch.{name}(a).resize_(5)", RuntimeError, lambda t=t: t.resize_(5))
        assert_array(f"a after torch.{name}(a).resize_(5) was refused", a, np.arange(3.0))
    t = torch.from_numpy(np.arange(6.0))
    assert_values("torch.from_numpy(a).resize_(2, 2)", t.resize_(2, 2), [[0.0, 1.0], [2.0, 3.0]])


@check("numpy.numpy-not-resizable")
def test_memory_seen_by_an_array_cannot_move(subject: Subject) -> None:
    subject.require_feature("host_memory")
    for name, call in {"numpy()": torch.Tensor.numpy, "np.asarray": np.asarray}.items():
        t = torch.arange(3.0, device=subject.device)
        a = call(t)
        assert_raises(f"t.resize_(5000) while {name} looks at t", RuntimeError, lambda t=t: t.resize_(5000))
        assert_array(f"{name} after t.resize_(5000) was refused", a, np.arange(3, dtype=np.float32))


@check("numpy.from-numpy-read-only")
@pytest.mark.parametrize("reader", ["from_numpy", "as_tensor", "asarray"])
def test_read_only_arrays_are_shared_with_a_warning(subject: Subject, reader: str) -> None:
    for layout, values in ((name, distinct("float32", shape)) for name in LAYOUTS for shape in ((1,), (5,), (3, 4))):
        a = ndarray(LAYOUTS[layout](values, "float32"), writable=False)
        t, messages = warned(lambda a=a: getattr(torch, reader)(a))
        call = f"torch.{reader}({layout} read-only array)"
        require(any("writ" in message for message in messages), f"{call} gives no warning", "a UserWarning", messages)
        assert_shared(call, assert_bits(call, t, a.copy(), "float32"), a)
    _, messages = warned(lambda: getattr(torch, reader)(np.arange(3.0)))
    require(not messages, f"torch.{reader}(writable array) warns", "no warning", messages)


@check("numpy.from-numpy-read-only")
def test_a_copy_of_a_read_only_array_needs_no_warning(subject: Subject) -> None:
    a = np.arange(5.0)
    a.flags.writeable = False
    t, messages = warned(lambda: torch.tensor(a.copy()))
    require(not messages, "torch.tensor(writable array) warns", "no warning", messages)
    copied = torch.tensor(a).fill_(7)
    assert_separate("torch.tensor(read-only array)", copied, a)
    assert_array("the read-only array after a write to its copy", a, np.arange(5.0))
    assert_values("torch.tensor(a.copy())", t, np.arange(5.0))


@check("numpy.numpy-unsupported-dtypes")
@pytest.mark.parametrize("dtype", ["bfloat16", "complex32", "float8_e5m2", "float8_e4m3fn"])
def test_dtypes_that_numpy_lacks_are_refused(subject: Subject, dtype: str) -> None:
    subject.require(dtype)
    for shape in ((), (3,), (40,), (0,), (2, 3)):
        t = torch.empty(shape, dtype=host.torch_dtype(dtype), device=subject.device)
        assert_raises(f"numpy() of {dtype}, {shape},", TypeError, t.numpy)
        assert_raises(f"np.asarray of {dtype}, {shape},", TypeError, lambda t=t: np.asarray(t))
    x = torch.tensor([0.5, -2.0], dtype=host.torch_dtype(dtype), device=subject.device)
    wide = x.to(torch.complex64 if dtype == "complex32" else torch.float32)
    assert_values(f"{dtype} as a wider dtype, as numpy", torch.from_numpy(wide.cpu().numpy()), [0.5, -2.0])


@check("numpy.requires-grad-needs-data")
def test_tensors_that_require_grad_are_refused(subject: Subject) -> None:
    subject.require_feature("host_memory")
    leaf = torch.tensor([12.0, 11], requires_grad=True, device=subject.device)
    with torch.no_grad():
        made_without = leaf * 1
    tracked = {
        "leaf": leaf,
        "result": leaf * 2,
        "view": leaf[:1],
        "scalar": leaf.sum(),
        "parameter": torch.nn.Parameter(leaf),
    }
    for name, t in tracked.items():
        before = Unchanged(t=t)
        assert_raises(f"numpy() of a {name} that requires grad", RuntimeError, t.numpy)
        assert_raises(f"np.asarray of a {name} that requires grad", RuntimeError, lambda t=t: np.asarray(t))
        before.check("numpy()")
        for way, a in (("detach()", t.detach().numpy()), ("data", t.data.numpy()), ("force=True", t.numpy(force=True))):
            assert_shared(f"numpy() by {way} of a {name}", t, assert_array(f"numpy() by {way}", a, host.array(t)))
    assert_array("numpy() of a result made under no_grad", made_without.numpy(), np.array([12, 11], np.float32))


@check("numpy.requires-grad-needs-data")
def test_writes_through_data_reach_the_leaf(subject: Subject) -> None:
    subject.require_feature("host_memory")
    leaf = torch.ones(3, requires_grad=True, device=subject.device)
    leaf.data.numpy()[0] = 5
    leaf.detach().numpy()[1] = 6
    assert_values("the leaf after writes to its arrays", leaf, [5.0, 6.0, 1.0])
    require(leaf.requires_grad and leaf.is_leaf, "data.numpy() ends a leaf's requires_grad")


@check("numpy.numpy-resolve")
def test_lazily_conjugated_and_negated_tensors_are_refused(subject: Subject) -> None:
    subject.require_feature("host_memory")
    for dtype in ("complex64", "complex128"):
        z = torch.tensor([1 + 2j, -3 - 0.5j, 4j], dtype=host.torch_dtype(dtype), device=subject.device)
        lazy = z.conj()
        expected = np.conj(z.numpy())
        assert_raises(f"numpy() of {dtype}.conj()", RuntimeError, lazy.numpy)
        assert_raises(f"np.asarray of {dtype}.conj()", RuntimeError, lambda t=lazy: np.asarray(t))
        assert_raises(f"numpy() of {dtype}.conj().imag", RuntimeError, lazy.imag.numpy)
        resolved = lazy.resolve_conj().numpy()
        assert_separate("numpy() of resolve_conj()", z, assert_array("numpy() of resolve_conj()", resolved, expected))
        assert_array("numpy() of resolve_neg()", lazy.imag.resolve_neg().numpy(), expected.imag.copy())
        assert_array("numpy(force=True) of conj()", lazy.numpy(force=True), expected)
        assert_array("numpy(force=True) of conj().imag", lazy.imag.numpy(force=True), expected.imag.copy())
        assert_array("numpy() of conj().real", lazy.real.numpy().copy(), expected.real.copy())
        assert_shared("numpy() of a tensor that needs no resolving", z.resolve_conj(), z.resolve_conj().numpy())


@check("numpy.numpy-strided-only")
def test_sparse_tensors_are_refused(subject: Subject) -> None:
    dense = torch.eye(3, device=subject.device)
    for name, t in {"COO": dense.to_sparse(), "CSR": dense.to_sparse_csr()}.items():
        assert_raises(f"numpy() of a {name} tensor", TypeError, t.numpy)
        assert_raises(f"np.asarray of a {name} tensor", TypeError, lambda t=t: np.asarray(t))
        assert_values(f"to_dense() of the {name} tensor as numpy", t.to_dense().cpu(), np.eye(3))
    assert_tensor("to_dense()", dense.to_sparse().to_dense(), "float32", (3, 3))

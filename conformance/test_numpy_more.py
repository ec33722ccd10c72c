"""What conversions promise beyond small plain arrays: sizes, subclasses, kinds of tensors and of sequences, graphs."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import NUMPY
from conformance.subject import Subject
from conformance.tables.numpy_sharing import assert_array, assert_bits, assert_separate, assert_shared
from conformance.tables.numpy_warnings import warned
from properties.strategies.values import distinct

pytestmark = must_answer

# Beyond 65,536 elements, in several shapes.
MANY = ((66_001,), (257, 258), (3, 149, 151))


def cut(whole: Any) -> dict[str, Any]:
    """Views of an array or a tensor, by the layout that they have."""
    turned = tuple(range(whole.ndim))[::-1]
    transposed = whole.transpose(turned) if isinstance(whole, np.ndarray) else whole.permute(turned)
    return {
        "whole": whole,
        "transposed": transposed,
        "stepped": whole[..., ::3],
        "offset": whole[1:],
        "last": whole[-2:],
    }


@check("numpy.every-cpu-tensor-shares-with-numpy")
@pytest.mark.parametrize("shape", MANY)
def test_large_arrays_share_in_every_dtype(subject: Subject, shape: tuple[int, ...]) -> None:
    for dtype in NUMPY:
        base = np.zeros(shape, dtype)
        for layout, a in cut(base).items():
            for name, make in {"from_numpy": torch.from_numpy, "as_tensor": torch.as_tensor}.items():
                t, call = make(a), f"torch.{name}({layout} {dtype} array of {a.shape})"
                assert_shared(call, t, a)
                a[...] = 1
                assert_values(f"the last element of {call} after a write", t.flatten()[-1:], [1], dtype=dtype)
                a[...] = 0
            assert_separate(f"torch.tensor({layout} {dtype} array of {a.shape})", torch.tensor(a), a)


@check("numpy.every-cpu-tensor-shares-with-numpy")
@pytest.mark.parametrize("shape", [(130,), (40, 41), *MANY])
def test_large_tensors_share_in_every_dtype(subject: Subject, shape: tuple[int, ...]) -> None:
    subject.require_feature("host_memory")
    for dtype in NUMPY:
        whole = torch.zeros(shape, dtype=host.torch_dtype(dtype), device=subject.device)
        for layout, t in cut(whole).items():
            for name, a in {
                "numpy()": t.numpy(),
                "numpy(force=True)": t.numpy(force=True),
                "np": np.asarray(t),
            }.items():
                assert_shared(f"{name} of a {layout} {dtype} tensor of {tuple(t.shape)}", t, a)
                require(a.flags.writeable, f"{name} of a {layout} {dtype} tensor of {tuple(t.shape)} is read-only")


@check("numpy.from-numpy-layout")
def test_fields_of_structures_share_with_their_gaps(subject: Subject) -> None:
    fields = np.dtype([("pad", "f8", (6,)), ("x", "f4"), ("y", "i4"), ("z", "f8"), ("row", "f4", (3,)), ("end", "f4")])
    for shape in ((5,), (3, 4)):
        records = np.zeros(shape, fields)
        for name in ("x", "y", "z", "row"):
            a = records[name]
            a[...] = np.arange(a.size).reshape(a.shape)
            call = f"torch.from_numpy(records[{name!r}])"
            assert_shared(call, assert_bits(call, torch.from_numpy(a), a.copy()), a)


@check("numpy.subclasses")
def test_numpys_own_subclasses_share_their_memory(subject: Subject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mapped = np.memmap(Path(folder) / "numbers", "f4", "w+", shape=(4, 5))
        mapped[...] = np.arange(20).reshape(4, 5)
        records = np.rec.array([(1, 2.0), (3, 4.0)], dtype=[("n", "i8"), ("x", "f8")])
        arrays = {
            "memmap": mapped,
            "part of a memmap": mapped[1:, ::2],
            "matrix": np.arange(6.0).reshape(2, 3).view(np.matrix),
            "matrix of one row": np.arange(3.0).reshape(1, 3).view(np.matrix),
            "recarray's field": records.x,
        }
        for name, a in arrays.items():
            for make in (torch.from_numpy, torch.as_tensor, torch.asarray):
                call = f"torch.{make.__name__}({name})"
                assert_shared(call, assert_bits(call, make(a), np.array(a)), np.asarray(a))
            assert_separate(f"torch.tensor({name})", torch.tensor(a), np.asarray(a))
            assert_bits(f"torch.tensor({name})", torch.tensor(a), np.array(a))
        del arrays, a, mapped


@check("numpy.tensor-to-numpy")
def test_every_kind_of_tensor_gives_a_writable_array_of_its_memory(subject: Subject) -> None:
    subject.require_feature("host_memory")
    leaf = torch.arange(6.0, device=subject.device).reshape(2, 3).requires_grad_()
    (leaf * leaf).sum().backward()
    with torch.inference_mode():
        made = torch.arange(6.0, device=subject.device).reshape(2, 3) + 1
    with torch.no_grad():
        under = leaf * 2
    kinds: dict[str, Any] = {
        "a tensor of inference mode": made,
        "a result of no_grad": under,
        "a gradient": leaf.grad,
        "a Parameter without requires_grad": torch.nn.Parameter(torch.ones(2, 3), requires_grad=False),
        "a shared tensor": torch.ones(3).share_memory_(),
        "an expanded tensor": torch.ones(3, device=subject.device).expand(4, 3),
        "a detached leaf": leaf.detach(),
    }
    for name, t in kinds.items():
        for way, a in {
            "numpy()": t.numpy(),
            "numpy(force=True)": t.numpy(force=True),
            "np.asarray": np.asarray(t),
        }.items():
            assert_shared(f"{way} of {name}", t, assert_array(f"{way} of {name}", a, host.array(t)))
            require(a.flags.writeable, f"{way} of {name} is read-only")


@check("numpy.int-and-float")
def test_numbers_beyond_64_bits_and_long_ones_are_exact(subject: Subject) -> None:
    for value in (1e30, -1e30, 2.0**63, 2.0**64, -(2.0**63), -(2.0**70), 2.0**62, 2.0**53 + 2, -1e18 - 1024):
        t = torch.tensor([[value]], dtype=torch.float64, device=subject.device)
        require(int(t) == int(value), f"int() of a float64 {value}", int(value), int(t))
        require(math.trunc(t[0, 0].item()) == int(value), f"item() of a float64 {value}", int(value), t.item())
        narrow, due = t.float(), int(np.float32(value))
        require(int(narrow) == due, f"int() of a float32 {value}", due, int(narrow))
    for number in (2**24 + 1, 2**31 - 1, -(2**31) - 1, 2**53 - 1, 2**53 + 1, 2**62 + 3, 123456789012345677):
        t = torch.tensor(number, device=subject.device)
        for name, found in {"float()": float(t), "complex()": complex(t).real}.items():
            require(found == float(number), f"{name} of an int64 {number}", float(number), found)


@check("numpy.lists-of-arrays")
@pytest.mark.parametrize("maker", ["tensor", "as_tensor", "asarray"])
def test_every_maker_stacks_sequences_of_arrays(subject: Subject, maker: str) -> None:
    make = getattr(torch, maker)
    for dtype in NUMPY[1:]:  # lists of truth values are a claim of their own
        rows = [distinct(dtype, (2, 3)), distinct(dtype, (2, 3))[::-1], distinct(dtype, (3, 2)).T]
        for name, given in {"list": rows, "tuple": tuple(rows), "nested": (rows, tuple(rows))}.items():
            call = f"torch.{maker}({name} of {dtype} arrays)"
            assert_values(call, make(given, device=subject.device), np.array(given), dtype=dtype)
    for given in ([np.ones(2), np.zeros(3)], (np.ones((2, 2)), np.ones((2, 3)))):
        assert_raises(f"torch.{maker} of arrays of two sizes", ValueError, lambda given=given: make(given))


@check("numpy.scalars")
@pytest.mark.parametrize("maker", ["tensor", "as_tensor", "asarray"])
def test_sequences_of_0d_tensors_keep_their_dtype(subject: Subject, maker: str) -> None:
    make = getattr(torch, maker)
    for dtype in NUMPY:
        t = torch.ones((), dtype=host.torch_dtype(dtype), device=subject.device)
        for name, given in {"list": [t, t], "tuple": (t, t, t), "nested": [[t], [t]]}.items():
            call = f"torch.{maker}({name} of 0-d {dtype} tensors)"
            assert_values(call, make(given, device=subject.device), np.ones(np.shape(given)[:2]), dtype=dtype)


@check("numpy.from-numpy-read-only")
def test_no_copy_of_a_read_only_array_warns(subject: Subject) -> None:
    for dtype in ("float64", "int32"):
        a = np.arange(5).astype(dtype)
        a.flags.writeable = False
        for name, make in {
            "torch.tensor(a)": lambda a=a: torch.tensor(a),
            "torch.tensor(a, dtype=torch.float32)": lambda a=a: torch.tensor(a, dtype=torch.float32),
            "torch.asarray(a, copy=True)": lambda a=a: torch.asarray(a, copy=True),
            "x.new_tensor(a)": lambda a=a: torch.ones(1).new_tensor(a),
        }.items():
            t, messages = warned(make)
            require(not messages, f"{name} of a read-only {dtype} array warns", "no warning", messages)
            assert_separate(f"{name} of a read-only {dtype} array", t, a)


@check("numpy.frombuffer-errors")
def test_frombuffer_takes_no_negative_offset(subject: Subject) -> None:
    for dtype in ("uint8", "int16", "float64"):
        for offset in (-1, -2, -4, -8, -16, -24):
            for more in ({}, {"count": 1}):
                assert_raises(
                    f"torch.frombuffer(dtype=torch.{dtype}, offset={offset}, {more})",
                    ValueError,
                    lambda d=dtype, o=offset, k=more: torch.frombuffer(
                        bytearray(24), dtype=host.torch_dtype(d), offset=o, **k
                    ),
                )


@check("numpy.dlpack-device")
def test_the_dlpack_device_is_a_pair(subject: Subject) -> None:
    for dtype in ("float32", "int8", "complex64"):
        for shape in ((), (3,), (0,), (2, 3)):
            found = torch.ones(shape, dtype=host.torch_dtype(dtype)).__dlpack_device__()
            fits = type(found) is tuple and [int(part) for part in found] == [1, 0]
            require(fits, f"__dlpack_device__() of {dtype}, {shape}", (1, 0), found)


@check("numpy.operands")
def test_arrays_of_other_dtypes_promote_as_numpys(subject: Subject) -> None:
    subject.require_feature("host_memory")
    for left in ("float32", "int64", "float64", "int16"):
        for right in ("float64", "int64", "float32", "uint8"):
            a, x = np.array([2, 3, 5]).astype(right), np.array([[8, 1, 7], [4, 6, 9]]).astype(left)
            t = host.tensor(x, left, subject.device)
            for sign, out, due in (("+", t + a, x + a), ("-", t - a, x - a), ("*", t * a, x * a)):
                assert_values(f"{left} tensor {sign} {right} array", out, due, dtype=due.dtype.name)

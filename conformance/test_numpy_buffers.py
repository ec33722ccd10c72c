"""Memory from elsewhere: torch.frombuffer, and torch.asarray of buffers."""

from __future__ import annotations

import array

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.dtypes import DTYPES, NUMPY
from conformance.host import decode
from conformance.subject import Subject
from conformance.tables.numpy_sharing import address, assert_bits, assert_separate, assert_shared
from conformance.tables.numpy_warnings import warned

pytestmark = must_answer

RAW = bytes(range(7, 7 + 96))


@check("numpy.frombuffer")
def test_frombuffer_reads_and_shares_a_buffer(subject: Subject) -> None:
    for dtype in (*NUMPY, "bfloat16"):
        facts, size = DTYPES[dtype], DTYPES[dtype].bytes
        raw = bytes(byte % 2 for byte in RAW) if dtype == "bool" else RAW
        for name, make in {
            "bytearray": bytearray,
            "memoryview": lambda raw: memoryview(bytearray(raw)),
            "array.array": lambda raw: array.array("B", raw),
            "ndarray": lambda raw: np.array(list(raw), np.uint8),
        }.items():
            buffer = make(raw)
            bits = np.frombuffer(bytes(raw), {1: "u1", 2: "u2", 4: "u4", 8: "u8", 16: "c16"}[size])
            call = f"torch.frombuffer({name}, dtype=torch.{dtype})"
            t = torch.frombuffer(buffer, dtype=host.torch_dtype(dtype))
            assert_values(call, t, decode(bits, facts), dtype=dtype)
            require(
                t.data_ptr() == address(np.frombuffer(buffer, np.uint8)), f"{call} copies", "shared memory", "a copy"
            )
            t.zero_()
            require(bytes(buffer) == bytes(len(raw)), f"{call} writes elsewhere", "zeros", bytes(buffer))
            memoryview(buffer).cast("B")[:] = raw
            assert_values(f"{call} after a write to the buffer", t, decode(bits, facts), dtype=dtype)


@check("numpy.frombuffer-slice")
def test_count_and_offset_choose_elements(subject: Subject) -> None:
    for dtype in (dtype for dtype in NUMPY if dtype != "bool"):
        size, buffer = DTYPES[dtype].bytes, bytearray(RAW)
        for count, offset in (
            (2, 0),
            (1, size),
            (3, 2 * size),
            (-1, 2 * size),
            (-1, 0),
            (1, 3),
            (2, 5),
            (len(RAW) // size, 0),
        ):
            expected = np.frombuffer(buffer, dtype, count if count > 0 else -1, offset)
            call = f"torch.frombuffer(buffer, dtype=torch.{dtype}, count={count}, offset={offset})"
            t = torch.frombuffer(buffer, dtype=host.torch_dtype(dtype), count=count, offset=offset)
            assert_shared(call, assert_bits(call, t, expected, dtype), expected)
        t = torch.frombuffer(buffer, dtype=host.torch_dtype(dtype), count=1, offset=size)
        t.zero_()
        require(bytes(buffer) == RAW[:size] + bytes(size) + RAW[2 * size :], "a write to a slice reaches other bytes")


@check("numpy.frombuffer-errors")
def test_frombuffer_refuses_what_does_not_fit(subject: Subject) -> None:
    for name, size, arguments in (
        ("nothing to read", 0, {}),
        ("a length that is no multiple", 7, {}),
        ("an offset at the end", 8, {"offset": 8}),
        ("an offset beyond it", 8, {"offset": 9}),
        ("a negative offset", 8, {"offset": -1}),
        ("no elements", 8, {"count": 0}),
        ("too many elements", 8, {"count": 5}),
        ("an odd rest", 8, {"offset": 3}),
        ("too many behind", 8, {"count": 4, "offset": 2}),
    ):
        assert_raises(
            f"torch.frombuffer with {name}",
            ValueError,
            lambda n=size, k=arguments: torch.frombuffer(bytearray(n), dtype=torch.int16, **k),
        )
    assert_raises("torch.frombuffer(list)", ValueError, lambda: torch.frombuffer([1, 2], dtype=torch.uint8))
    assert_raises("torch.frombuffer without dtype", TypeError, lambda: torch.frombuffer(bytearray(8)))  # type: ignore[call-arg]
    gaps = np.arange(8.0)[::2]
    assert_raises(
        "torch.frombuffer(stepped array)",
        (RuntimeError, ValueError, BufferError),
        lambda: torch.frombuffer(gaps, dtype=torch.float64),
    )


@check("numpy.frombuffer")
def test_frombuffer_makes_a_leaf_and_keeps_its_buffer(subject: Subject) -> None:
    t = torch.frombuffer(bytearray(np.arange(500.0).tobytes()), dtype=torch.float64, requires_grad=True)
    filler = [bytearray(4000) for _ in range(20)]
    assert_values("torch.frombuffer of a buffer that has no name", t, np.arange(500.0))
    require(t.requires_grad and t.is_leaf, "torch.frombuffer(…, requires_grad=True) is no leaf")
    require(not torch.frombuffer(bytearray(8), dtype=torch.float32).requires_grad, "torch.frombuffer(…) requires grad")
    assert_raises(
        "torch.frombuffer(…, dtype=torch.int32, requires_grad=True)",
        RuntimeError,
        lambda: torch.frombuffer(bytearray(8), dtype=torch.int32, requires_grad=True),
    )
    del filler


@check("numpy.frombuffer-read-only")
def test_frombuffer_shares_what_cannot_be_written_to_with_a_warning(subject: Subject) -> None:
    for name, buffer in {"bytes": RAW, "memoryview": memoryview(RAW), "read-only array": read_only()}.items():
        t, messages = warned(lambda buffer=buffer: torch.frombuffer(buffer, dtype=torch.uint8))
        expected = np.frombuffer(buffer, np.uint8)
        call = f"torch.frombuffer({name}, dtype=torch.uint8)"
        assert_shared(call, assert_bits(call, t, expected.copy(), "uint8"), expected)
        require(any("writ" in message for message in messages), f"{call} gives no warning", "a UserWarning", messages)
    _, messages = warned(lambda: torch.frombuffer(bytearray(RAW), dtype=torch.uint8))
    require(not messages, "torch.frombuffer(bytearray) warns", "no warning", messages)


def read_only() -> np.ndarray:
    a = np.frombuffer(RAW, np.uint8).copy()
    a.flags.writeable = False
    return a


@check("numpy.asarray-buffer")
def test_asarray_shares_a_buffer(subject: Subject) -> None:
    for dtype in ("uint8", "int16", "int32", "float64"):
        buffer = bytearray(RAW)
        t = torch.asarray(buffer, dtype=host.torch_dtype(dtype))
        assert_shared(
            "torch.asarray(bytearray)",
            assert_bits("torch.asarray(bytearray)", t, np.frombuffer(buffer, dtype)),
            np.frombuffer(buffer, dtype),
        )
        copied = torch.asarray(buffer, dtype=host.torch_dtype(dtype), copy=True)
        assert_separate("torch.asarray(bytearray, copy=True)", copied, np.frombuffer(buffer, dtype))


@check("numpy.asarray-buffer", since="2.15")
def test_asarray_reads_the_buffers_own_dtype(subject: Subject) -> None:
    for code, dtype in {
        "b": "int8",
        "B": "uint8",
        "h": "int16",
        "i": "int32",
        "q": "int64",
        "f": "float32",
        "d": "float64",
    }.items():
        buffer = array.array(code, [1, 2, 3])
        t = torch.asarray(buffer)
        assert_values(f"torch.asarray(array.array({code!r}, [1, 2, 3]))", t, [1, 2, 3], dtype=dtype)
        assert_shared(f"torch.asarray(array.array({code!r}, [1, 2, 3]))", t, np.frombuffer(buffer, dtype))
    assert_values("torch.asarray(b'abc')", torch.asarray(b"abc"), [97, 98, 99], dtype="uint8")

"""The settings of torch.serialization: byte order, checksums, mapped files, data left out, and packages; encoding=."""

from __future__ import annotations

import contextlib
import io
import mmap
import pickle
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.serialization_samples import assert_equal, assert_tensors, load, net, save
from properties.strategies.recipe import contiguous
from properties.strategies.values import distinct

pytestmark = must_answer


@contextlib.contextmanager
def restored(read: Callable[[], Any], write: Callable[[Any], Any]) -> Iterator[Any]:
    """A setting that is what it was after the block. Gives what it is before."""
    before = read()
    try:
        yield before
    finally:
        write(before)


@contextlib.contextmanager
def on_disk(thing: Any) -> Iterator[Path]:
    """A file on disk that the object is saved in, by its path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved.pt"
        torch.save(thing, path)
        yield path


def rewritten(content: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    """The archive with other records: `change(name, record)` gives each one's bytes, or None to leave it out."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for info in old.infolist():
            record = change(info.filename, old.read(info))
            if record is not None:
                new.writestr(info.filename, record)
    return file.getvalue()


# -- byte order --------------------------------------------------------------------------------------------------------


def without_order(name: str, record: bytes) -> bytes | None:
    return None if name.endswith("byteorder") else record


@check("serialization.load-endianness", since="2.6")
def test_a_file_without_a_byte_order_is_read_in_the_one_that_is_set(subject):
    ser = torch.serialization
    for dtype in ("int16", "int32", "float32", "int64", "float64", "complex64"):
        values = distinct(dtype, (2, 11))
        content = save(contiguous(values, dtype).on(subject))
        part = {"complex64": ">f4"}.get(dtype, f">{np.dtype(values.dtype).str[1:]}")
        swapped = values.view(part[1:]).astype(part).view(part[1:]).view(values.dtype)
        bare = rewritten(content, without_order)
        with restored(ser.get_default_load_endianness, ser.set_default_load_endianness):
            for order, due in ((None, values), ("BIG", swapped), ("LITTLE", values), (None, values)):
                ser.set_default_load_endianness(order and ser.LoadEndianness[order])
                found = ser.get_default_load_endianness()
                require(found is (order and ser.LoadEndianness[order]), f"the byte order is {found}", order, found)
                out = host.array(load(bare))
                require(out.tobytes() == due.tobytes(), f"{dtype} without a byte order, read as {order}", due, out)
                assert_values(f"a file with its byte order, while {order} is set", load(content), values, dtype=dtype)


@check("serialization.load-endianness", since="2.6")
def test_nothing_else_is_a_byte_order(subject):
    ser = torch.serialization
    assert_equal("the byte order by default", ser.get_default_load_endianness(), None)
    for bad in ("big", 1, True, ser.LoadEndianness):
        assert_raises(f"a byte order of {bad!r}", TypeError, lambda: ser.set_default_load_endianness(bad))
        assert_equal("the byte order after an error", ser.get_default_load_endianness(), None)


# -- checksums and data left out ---------------------------------------------------------------------------------------


@check("serialization.crc32-options", since="2.6")
def test_checksums_can_be_left_out(subject):
    ser, given = torch.serialization, net(subject).state_dict()
    with restored(ser.get_crc32_options, ser.set_crc32_options) as before:
        assert_equal("get_crc32_options() by default", before, True)
        for wanted in (False, True, False):
            ser.set_crc32_options(wanted)
            assert_equal("get_crc32_options()", ser.get_crc32_options(), wanted)
            content = save(given)
            assert_tensors(f"what was saved with set_crc32_options({wanted})", load(content), given)
            if wanted:
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    require(archive.testzip() is None, "a record has a wrong checksum")


def data_of(path: Path) -> bytes:
    """All bytes of the storages in a file, whatever the checksums say: those of data left out were never reckoned."""
    raw = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        places = [info for info in archive.infolist() if "/data/" in info.filename]
    found = []
    for info in places:
        # The header of a record ends with the lengths of its name and of what is extra, then these two.
        lengths = [int.from_bytes(raw[info.header_offset + at :][:2], "little") for at in (26, 28)]
        found.append(raw[info.header_offset + 30 + sum(lengths) :][: info.file_size])
    return b"".join(found)


@check("serialization.skip-data", since="2.6")
def test_data_can_be_left_out(subject):
    ser = torch.serialization
    x = contiguous(distinct("float32", (7, 6)), "float32").on(subject)
    given = {"x": x, "row": x[2], "more": [x.t().clone(), torch.nn.Parameter(x[:, 1].clone())]}
    with on_disk(given) as whole, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved.pt"  # the name is written into the archive
        with ser.skip_data():
            torch.save(given, path)
        assert_equal("the size of the file without data", path.stat().st_size, whole.stat().st_size)
        require(any(data_of(whole)), "a whole file has no data")
        require(not any(data_of(path)), "a file saved inside skip_data has data", "zeros only")
        out = torch.load(path)
        assert_equal("the shapes", [tuple(t.shape) for t in (out["x"], out["row"], *out["more"])], SHAPES)
        require(out["row"].data_ptr() - out["x"].data_ptr() == 48, "the row is no view of x any more")
        require(type(out["more"][1]) is torch.nn.Parameter, "the Parameter is none any more")
        torch.save(given, path)
        assert_tensors("what was saved after the block", torch.load(path), given)


SHAPES = [(7, 6), (6,), (6, 7), (7,)]


# -- mapped files ------------------------------------------------------------------------------------------------------


@check("serialization.mmap-options", since="2.6")
def test_a_mapped_file_is_private_or_shared(subject):
    ser, values = torch.serialization, distinct("float32", (9, 5))
    given = {"x": contiguous(values, "float32").on(subject).cpu()}
    read, write = ser.get_default_mmap_options, ser.set_default_mmap_options
    with restored(read, write) as before:
        assert_equal("get_default_mmap_options()", before, mmap.MAP_PRIVATE)
        for flag, due in ((mmap.MAP_PRIVATE, values), (mmap.MAP_SHARED, np.zeros_like(values))):
            write(flag)
            assert_equal("get_default_mmap_options()", read(), flag)
            with on_disk(given) as path:
                torch.load(path, mmap=True)["x"].zero_()
                assert_values("the file after its mapped tensor was cleared", torch.load(path)["x"], due)
        write(mmap.MAP_PRIVATE)
        with write(mmap.MAP_SHARED):
            assert_equal("get_default_mmap_options() in the block", read(), mmap.MAP_SHARED)
        assert_equal("get_default_mmap_options() after the block", read(), mmap.MAP_PRIVATE)
        for bad in (0, 77, None):
            assert_raises(f"set_default_mmap_options({bad})", ValueError, lambda: write(bad))


# -- packages ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def registry() -> Iterator[list[str]]:
    """Packages registered in the block are gone after it. Gives a list for them to write in."""
    # _package_registry is what register_package writes to; there is no public way to take a package out again.
    kept = torch.serialization._package_registry
    before = list(kept)
    try:
        yield []
    finally:
        kept[:] = before


def register(priority: int, name: str, seen: list[str], tag: str | None) -> None:
    def tagged(storage: Any) -> str | None:
        seen.append(f"{name} asked")
        return tag

    def restored_by(storage: Any, location: str) -> Any:
        if location == tag:
            seen.append(f"{name} restores")
            return storage
        return None

    torch.serialization.register_package(priority, tagged, restored_by)


@check("serialization.register-package")
def test_packages_are_asked_by_their_priority(subject):
    x = torch.arange(6.0)
    with registry() as seen:
        register(11, "later", seen, "elsewhere")
        register(3, "third", seen, "third's place")
        register(1, "first", seen, None)
        register(2, "second", seen, "second's place")
        content = save({"x": x})
        assert_equal("who was asked on saving", seen, ["first asked", "second asked"])
        seen.clear()
        tags: list[str] = []
        assert_values("x", load(content, weights_only=False)["x"], np.arange(6.0))
        assert_equal("who restores", seen, ["second restores"])
        load(content, weights_only=False, map_location=lambda storage, tag: tags.append(tag) or storage)
        assert_equal("the location in the file", tags, ["second's place"])
    assert_tensors("x without the packages", load(save(x)), x)
    assert_raises("a file whose package is gone", RuntimeError, lambda: load(content))


# -- encoding= ---------------------------------------------------------------------------------------------------------


def foreign(text: bytes, old: bool) -> bytes:
    """A file with a byte string of Python 2's, in either format."""
    body = pickle.PROTO + b"\2" + pickle.SHORT_BINSTRING + bytes([len(text)]) + text + pickle.STOP
    if old:
        sizes = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
        head = [pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, sizes)]
        return b"".join([*head, body, pickle.dumps([], 2)])
    return rewritten(save([]), lambda name, record: body if name.endswith("data.pkl") else record)


@check("serialization.encoding")
def test_byte_strings_of_python_2_are_read_in_an_encoding(subject):
    for old in (False, True):
        for text in (b"weight", b"caf\xc3\xa9", b"caf\xe9"):
            content = foreign(text, old)
            for named, due in (
                ({"encoding": "latin1"}, text.decode("latin1")),
                ({"encoding": "bytes"}, text),
                ({"encoding": "cp1252"}, text.decode("cp1252")),
            ):
                found = load(content, weights_only=False, **named)
                assert_equal(f"{text!r} by {named}", found, due)
            if text == b"caf\xe9":
                assert_raises("caf\\xe9 in UTF-8", UnicodeDecodeError, lambda: load(content, weights_only=False))
            else:
                assert_equal(f"{text!r} by default", load(content, weights_only=False), text.decode("utf-8"))


@check("serialization.encoding")
def test_text_does_not_go_by_the_encoding(subject):
    given = {"été": ["naïve", "日本"], "net": net(subject).state_dict()}
    for encoding in ("ascii", "latin1", "bytes", "utf-8"):
        assert_tensors(f"loaded with encoding={encoding!r}", load(save(given), encoding=encoding), given)

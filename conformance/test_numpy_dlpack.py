"""DLPack, from numpy's arrays and to them, and between tensors."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_apart, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import numpy as oracle
from conformance.subject import Subject, Unsupported
from conformance.tables.numpy_sharing import assert_array, assert_bits, assert_separate, assert_shared
from properties.strategies.ndarrays import KINDS, arranged, ndarray, other_values
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct

pytestmark = must_answer

# bool came to DLPack later than the others, and is a claim of its own.
EXCHANGED = {**KINDS, "integers": tuple(dtype for dtype in KINDS["integers"] if dtype != "bool")}


def rows(claim: str) -> list:
    """One row a kind of dtypes, the wider unsigned ones since torch 2.3."""
    since = {"unsigned": "2.3"}
    return [pytest.param(kind, marks=check(claim, since=since.get(kind))) for kind in KINDS]


@pytest.mark.parametrize("kind", rows("numpy.dlpack-from-numpy"))
def test_from_dlpack_shares_an_array(subject: Subject, kind: str) -> None:
    for dtype, recipe in arranged(kind):
        if dtype not in EXCHANGED[kind]:
            continue
        a = ndarray(recipe)
        call = f"torch.from_dlpack({dtype} array of {recipe.shape}, strides {recipe.strides})"
        t = assert_bits(call, torch.from_dlpack(a), recipe.array, dtype)
        assert_shared(call, t, a)
        a[...] = other_values(recipe.array)
        assert_bits(f"{call} after a write to the array", t, a.copy(), dtype)


@pytest.mark.parametrize("kind", rows("numpy.dlpack-to-numpy"))
def test_numpys_from_dlpack_shares_a_tensor(subject: Subject, kind: str) -> None:
    subject.require_feature("host_memory")
    for dtype, recipe in arranged(kind):
        if dtype not in EXCHANGED[kind]:
            continue
        t = recipe.on(subject)
        call = f"np.from_dlpack({dtype} tensor of {recipe.shape}, strides {recipe.strides}, offset {recipe.offset})"
        a = assert_array(call, np.from_dlpack(t), recipe.array)
        assert_shared(call, t, a)
        t.fill_(1)
        assert_array(f"{call} after fill_(1)", a.copy(), np.ones(recipe.shape, a.dtype))


@check("numpy.dlpack-bool")
def test_truth_values_travel_by_dlpack(subject: Subject) -> None:
    subject.require_feature("host_memory")
    for layout in LAYOUTS:
        recipe = LAYOUTS[layout](distinct("bool", (3, 7)), "bool")
        a, t = ndarray(recipe), recipe.on(subject)
        made = assert_bits(f"torch.from_dlpack({layout} bool array)", torch.from_dlpack(a), recipe.array, "bool")
        assert_shared(f"torch.from_dlpack({layout} bool array)", made, a)
        seen = assert_array(f"np.from_dlpack({layout} bool tensor)", np.from_dlpack(t), recipe.array)
        assert_shared(f"np.from_dlpack({layout} bool tensor)", t, seen)


CAPSULES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "torch.from_dlpack(t)": lambda t: torch.from_dlpack(t),
    "torch.utils.dlpack.from_dlpack(t)": lambda t: torch.utils.dlpack.from_dlpack(t),
    "from_dlpack(to_dlpack(t))": lambda t: torch.utils.dlpack.from_dlpack(torch.utils.dlpack.to_dlpack(t)),
    "torch.from_dlpack(torch.to_dlpack(t))": lambda t: torch.from_dlpack(torch.to_dlpack(t)),
    "torch.from_dlpack(t.__dlpack__())": lambda t: torch.from_dlpack(t.__dlpack__()),
}


@check("numpy.dlpack-capsule")
@pytest.mark.parametrize("call", CAPSULES)
def test_tensors_travel_by_dlpack(subject: Subject, call: str) -> None:
    for layout, dtype in (
        (lay, d) for lay in LAYOUTS for d in ("float32", "int64", "bfloat16", "complex64", "uint8", "float16")
    ):
        recipe = LAYOUTS[layout](distinct(dtype, (3, 7)), dtype)
        t = recipe.on(subject)
        out = CAPSULES[call](t)
        what = f"{call}, {layout} {dtype}"
        assert_values(what, out, recipe.array, dtype=dtype)
        require(out is not t, f"{what} is t itself")
        require(out.data_ptr() == t.data_ptr() and out.stride() == t.stride(), f"{what} does not share t's memory")
        require(out.device == t.device and not out.requires_grad, f"{what} has another device, or requires grad")
        out.fill_(1)
        assert_values(f"t after a write to {what}", t, np.ones(t.shape))


@check("numpy.dlpack-capsule")
def test_a_capsule_is_used_up_once_and_frees_its_tensor(subject: Subject) -> None:
    t = torch.arange(900.0, device=subject.device)
    capsule = torch.utils.dlpack.to_dlpack(t)
    out = torch.utils.dlpack.from_dlpack(capsule)
    for _ in range(2):
        assert_raises("from_dlpack(a used capsule)", RuntimeError, lambda: torch.utils.dlpack.from_dlpack(capsule))
    del t
    filler = [torch.zeros(900, device=subject.device) for _ in range(20)]
    assert_values("from_dlpack(capsule) after its tensor is gone", out, np.arange(900.0))
    for _ in range(3):
        torch.utils.dlpack.to_dlpack(out)  # one that nobody uses
    assert_values("a tensor after capsules of it were dropped", out, np.arange(900.0))
    del filler


@check("numpy.dlpack-lifetime")
def test_either_side_of_dlpack_keeps_the_memory(subject: Subject) -> None:
    t = torch.from_dlpack(np.arange(900.0))
    filler: list[Any] = [np.zeros(900) for _ in range(20)]
    assert_values("torch.from_dlpack of an array that has no name", t, np.arange(900.0))
    if subject.is_cpu:
        a = np.from_dlpack(host.tensor(np.arange(900.0), "float64"))
        filler += [torch.zeros(900, dtype=torch.float64) for _ in range(20)]
        assert_array("np.from_dlpack of a tensor that has no name", a.copy(), np.arange(900.0))
    del filler


@check("numpy.dlpack-device")
def test_the_dlpack_device_is_the_tensors(subject: Subject) -> None:
    kind, index = torch.ones(3).__dlpack_device__()
    require((int(kind), index) == (1, 0), "a CPU tensor's DLPack device is another", (1, 0), (kind, index))
    assert_raises("__dlpack_device__() on meta", ValueError, torch.ones(3, device="meta").__dlpack_device__)
    assert_raises("__dlpack__() on meta", (RuntimeError, BufferError), torch.ones(3, device="meta").__dlpack__)


@check("numpy.dlpack-refusals")
def test_dlpack_refuses_what_it_cannot_say(subject: Subject) -> None:
    leaf = torch.ones(3, requires_grad=True, device=subject.device)
    lazy = torch.ones(3, dtype=torch.complex64, device=subject.device).conj()
    sparse = torch.ones(3, device=subject.device).to_sparse()
    for name, t in {"requires grad": leaf, "is a result": leaf * 2, "is conjugated": lazy, "is sparse": sparse}.items():
        assert_raises(f"__dlpack__() of a tensor that {name}", (RuntimeError, BufferError), t.__dlpack__)
        assert_raises(
            f"torch.from_dlpack(tensor that {name})", (RuntimeError, BufferError), lambda t=t: torch.from_dlpack(t)
        )
    for name in ("text", "object", "datetime", "structured"):
        a = oracle.refused_arrays()[name]
        assert_raises(
            f"torch.from_dlpack({name} array)", (BufferError, TypeError, RuntimeError), lambda a=a: torch.from_dlpack(a)
        )
    for other in ([1, 2], 3, "ab", None):
        assert_raises(
            f"torch.from_dlpack({other!r})",
            (RuntimeError, TypeError, AttributeError),
            lambda other=other: torch.from_dlpack(other),
        )


@check("numpy.dlpack-negated")
def test_a_negated_view_keeps_its_sign_through_dlpack(subject: Subject) -> None:
    subject.require_feature("host_memory")
    negated = torch.tensor([1 + 2j, 3 - 4j]).conj().imag
    require(negated.is_neg(), "the imaginary part of a conjugated tensor is no negated view")
    try:
        seen = np.from_dlpack(negated)
    except (BufferError, RuntimeError):
        return
    assert_array("np.from_dlpack(z.conj().imag)", np.ascontiguousarray(seen), np.array([-2, 4], np.float32))


def in_a_child(action: Callable[[], object], due: tuple[type[Exception], ...]) -> int:
    """How a child process ends that does it: 0 if one of the exceptions is raised, 9 if not, a signal if it dies."""
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    faulthandler.disable()
    os.close(2)
    code = 9
    try:
        action()
    except due:
        code = 0
    finally:
        os._exit(code)


@check("numpy.dlpack-negative-strides")
def test_negative_strides_are_refused_by_dlpack(subject: Subject) -> None:
    if not hasattr(os, "fork"):
        raise Unsupported("this system has no fork to try it in a process of its own")
    # Before 2.14 it ends the whole process.
    end = in_a_child(lambda: torch.from_dlpack(np.arange(3)[::-1]), (RuntimeError, ValueError, BufferError))
    require(end >= 0, "torch.from_dlpack(x[::-1]) ends the process", "an exception", f"signal {-end}")
    require(end == 0, "torch.from_dlpack(x[::-1]) raises nothing of the kinds due", "an exception", "none")


@check("numpy.dlpack-read-only")
def test_read_only_arrays_travel_by_dlpack(subject: Subject) -> None:
    a = np.arange(6.0).reshape(2, 3)
    a.flags.writeable = False
    assert_shared("torch.from_dlpack(read-only array)", torch.from_dlpack(a), a)


@check("numpy.dlpack-copy")
def test_dlpack_copies_or_not_as_it_is_told(subject: Subject) -> None:
    for layout in LAYOUTS:
        recipe = LAYOUTS[layout](distinct("float32", (3, 7)), "float32")
        a, t = ndarray(recipe), recipe.on(subject)
        for call, out in (
            ("from_dlpack(a, copy=True)", torch.from_dlpack(a, copy=True)),
            ("from_dlpack(a)", torch.from_dlpack(a)),
            ("copy=False", torch.from_dlpack(a, copy=False)),
        ):
            assert_bits(f"{call} of a {layout} array", out, recipe.array)
            (assert_separate if "True" in call else assert_shared)(f"{call} of a {layout} array", out, a)
        out = torch.from_dlpack(t, copy=True)
        assert_apart(f"from_dlpack(t, copy=True), {layout}", out, t)
        assert_values(f"from_dlpack(t, copy=True), {layout}", out, recipe.array)
        kept = torch.from_dlpack(t, copy=False)
        require(kept.data_ptr() == t.data_ptr(), f"from_dlpack(t, copy=False), {layout}, copies")

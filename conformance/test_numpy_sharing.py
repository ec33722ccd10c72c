"""Which conversions share memory and which copy, and what becomes of it off the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.numpy_sharing import assert_array, assert_bits, assert_separate, assert_shared
from properties.strategies.ndarrays import ndarray, other_values
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct

pytestmark = must_answer

# By name: what makes a tensor from a float32 array, and whether the two share memory.
FROM_ARRAY: dict[str, tuple[Callable[[Any], torch.Tensor], bool]] = {
    "torch.from_numpy(a)": (lambda a: torch.from_numpy(a), True),
    "torch.as_tensor(a)": (lambda a: torch.as_tensor(a), True),
    "torch.as_tensor(a, dtype=torch.float32)": (lambda a: torch.as_tensor(a, dtype=torch.float32), True),
    "torch.as_tensor(a, device='cpu')": (lambda a: torch.as_tensor(a, device="cpu"), True),
    "torch.asarray(a)": (lambda a: torch.asarray(a), True),
    "torch.asarray(a, copy=False)": (lambda a: torch.asarray(a, copy=False), True),
    "torch.from_dlpack(a)": (lambda a: torch.from_dlpack(a), True),
    "torch.Tensor(a)": (lambda a: torch.Tensor(a), True),
    "torch.from_numpy(a).detach()": (lambda a: torch.from_numpy(a).detach(), True),
    "torch.from_numpy(a).cpu()": (lambda a: torch.from_numpy(a).cpu(), True),
    "torch.tensor(a)": (lambda a: torch.tensor(a), False),
    "torch.tensor(a, dtype=torch.float32)": (lambda a: torch.tensor(a, dtype=torch.float32), False),
    "torch.asarray(a, copy=True)": (lambda a: torch.asarray(a, copy=True), False),
    "torch.as_tensor(a, dtype=torch.float64)": (lambda a: torch.as_tensor(a, dtype=torch.float64), False),
    "torch.asarray(a, dtype=torch.int64)": (lambda a: torch.asarray(a, dtype=torch.int64), False),
    "torch.DoubleTensor(a)": (lambda a: torch.DoubleTensor(a), False),
    "torch.from_numpy(a).clone()": (lambda a: torch.from_numpy(a).clone(), False),
    "torch.from_numpy(a.copy())": (lambda a: torch.from_numpy(a.copy()), False),
    "torch.empty(0).new_tensor(a)": (lambda a: torch.empty(0).new_tensor(a), False),
}
TO_ARRAY: dict[str, tuple[Callable[[torch.Tensor], np.ndarray], bool]] = {
    "t.numpy()": (lambda t: t.numpy(), True),
    "t.numpy(force=True)": (lambda t: t.numpy(force=True), True),
    "t.numpy(force=False)": (lambda t: t.numpy(force=False), True),
    "t.detach().numpy()": (lambda t: t.detach().numpy(), True),
    "t.__array__()": (lambda t: t.__array__(), True),
    "np.asarray(t)": (lambda t: np.asarray(t), True),
    "np.asanyarray(t)": (lambda t: np.asanyarray(t), True),
    "np.asarray(t, dtype=np.float32)": (lambda t: np.asarray(t, dtype=np.float32), True),
    "np.from_dlpack(t)": (lambda t: np.from_dlpack(t), True),
    "np.array(t)": (lambda t: np.array(t), False),
    "np.array(t, dtype=np.float32)": (lambda t: np.array(t, dtype=np.float32), False),
    "np.asarray(t, dtype=np.float64)": (lambda t: np.asarray(t, dtype=np.float64), False),
    "t.clone().numpy()": (lambda t: t.clone().numpy(), False),
    "t.double().numpy()": (lambda t: t.double().numpy(), False),
}
SHAPES = ((), (1,), (7,), (40,), (5, 4), (2, 3, 4))


@check("numpy.every-cpu-tensor-shares-with-numpy")
@pytest.mark.parametrize("call", FROM_ARRAY)
def test_the_conversion_decides_whether_a_tensor_shares(subject: Subject, call: str) -> None:
    convert, shares = FROM_ARRAY[call]
    shapes = SHAPES if "asarray" not in call else SHAPES[1:]  # asarray of 0-d arrays is a claim of its own
    for shape, layout in ((shape, layout) for shape in shapes for layout in LAYOUTS if layout != "expanded"):
        a = ndarray(LAYOUTS[layout](distinct("float32", shape), "float32"))
        before, t = a.copy(), convert(a)
        (assert_shared if shares else assert_separate)(f"{call} of a {layout} array", t, a)
        a[...] = other_values(before)
        assert_values(f"{call} after a write to the {layout} array", t, a if shares else before)
        t.zero_()
        expected = np.zeros(shape, np.float32) if shares else other_values(before)
        assert_array(f"the {layout} array after a write to {call}", a.copy(), expected)


@check("numpy.every-cpu-tensor-shares-with-numpy")
@pytest.mark.parametrize("call", TO_ARRAY)
def test_the_conversion_decides_whether_an_array_shares(subject: Subject, call: str) -> None:
    subject.require_feature("host_memory")
    convert, shares = TO_ARRAY[call]
    for shape, layout in ((shape, layout) for shape in SHAPES for layout in LAYOUTS if layout != "expanded"):
        t = LAYOUTS[layout](distinct("float32", shape), "float32").on(subject)
        before, a = host.array(t), convert(t)
        (assert_shared if shares else assert_separate)(f"{call} of a {layout} tensor", t, a)
        t.zero_()
        expected = (np.zeros(shape) if shares else before).astype(a.dtype)
        assert_array(f"{call} after a write to the {layout} tensor", a.copy(), expected)
        if not shares:
            a[...] = 5
            assert_values(f"the {layout} tensor after a write to {call}", t, np.zeros(shape))


@check("numpy.shallow-copy")
def test_conversions_make_new_objects_over_old_memory(subject: Subject) -> None:
    subject.require_feature("host_memory")
    t = torch.arange(24.0, device=subject.device).reshape(4, 6)
    for name, view in {"t": t, "t[1:, ::2]": t[1:, ::2], "t.t()": t.t(), "t[2]": t[2], "t[1, 1]": t[1, 1]}.items():
        a, b = view.numpy(), view.numpy()
        require(a is not b, f"{name}.numpy() hands out one array twice")
        assert_shared(f"{name}.numpy()", view, a)
        back = torch.from_numpy(a)
        require(back is not view, f"torch.from_numpy({name}.numpy()) is the tensor itself")
        assert_shared(f"torch.from_numpy({name}.numpy())", back, a)
        a[...] = 7
        assert_values(f"{name} after a write to its second array's twin", torch.from_numpy(b), np.full(view.shape, 7.0))


@check("numpy.sharing-only-on-cpu")
def test_only_the_cpus_tensors_become_arrays(subject: Subject) -> None:
    away = {device: torch.ones(3, device=device) for device in dict.fromkeys(("meta", subject.device))}
    for device, t in away.items():
        if t.device.type == "cpu":
            assert_shared("torch.ones(3).numpy()", t, t.numpy())
            continue
        for name, call in {
            "numpy()": t.numpy,
            "np.asarray": lambda t=t: np.asarray(t),
            "np.array": lambda t=t: np.array(t),
            "__array__": lambda t=t: t.__array__(),
        }.items():
            assert_raises(f"{name} of a tensor on {device}", TypeError, call)
    require(torch.from_numpy(np.ones(2)).device.type == "cpu", "torch.from_numpy makes tensors off the CPU")


@check("numpy.cuda-tensor-needs-cpu-first")
def test_a_tensor_elsewhere_needs_cpu_first(subject: Subject) -> None:
    elsewhere = "meta" if subject.is_cpu else subject.device
    for shape in ((3, 4), (), (0,)):
        t = torch.ones(shape, device=elsewhere)
        assert_raises(f"numpy() of a tensor of {shape} on {elsewhere}", TypeError, t.numpy)
    if subject.is_cpu:
        t = torch.ones(3, 4)
        require(t.cpu() is t, "cpu() of a CPU tensor is another tensor")
    else:
        on_host = torch.ones(3, 4, device=subject.device).cpu()
        assert_array("points_cuda.cpu().numpy()", on_host.numpy(), np.ones((3, 4), np.float32))


@check("numpy.cpu-makes-a-copy")
def test_cpu_copies_to_the_host(subject: Subject) -> None:
    def fetch(t: torch.Tensor) -> torch.Tensor:
        return t.to("cpu", copy=True) if subject.is_cpu else t.cpu()

    whole = torch.ones(6, 8, device=subject.device)
    for points in (whole[:3, :4].clone(), whole[::2, ::2], whole[0], whole[1, 1], whole.t()):
        points.fill_(1)
        first, second = fetch(points), fetch(points)
        a = first.numpy()
        points.add_(1)
        assert_array("points.cpu().numpy() after points.add_(1)", a, np.ones(points.shape, np.float32))
        assert_separate("a second points.cpu()", second, a)
        a[...] = 9
        assert_values("points after a write to points.cpu().numpy()", points, np.full(points.shape, 2.0))


@check("numpy.cuda-from-numpy-copies")
def test_moving_an_arrays_tensor_copies_it(subject: Subject) -> None:
    elsewhere = "meta" if subject.is_cpu else subject.device
    points_np = np.arange(12.0).reshape(3, 4)
    for source in (points_np, points_np.T, points_np[:, ::2]):
        moved = assert_tensor(
            f"torch.from_numpy(a).to({elsewhere!r})", torch.from_numpy(source).to(elsewhere), "float64", source.shape
        )
        require(
            moved.device.type == torch.device(elsewhere).type, f"to({elsewhere!r}) gives a tensor on {moved.device}"
        )
        if not subject.is_cpu:
            assert_values(f"torch.from_numpy(a).to({elsewhere!r})", moved, source, dtype="float64")
            moved.add_(1)
    assert_bits("the array's tensor", torch.from_numpy(points_np), np.arange(12.0).reshape(3, 4))
    points_np += 1
    if not subject.is_cpu:
        assert_values("the moved tensor after a write to the array", moved, np.arange(12.0).reshape(3, 4)[:, ::2] + 1)

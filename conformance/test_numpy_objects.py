"""The objects on both sides of a conversion: identities, addresses, metadata, printed forms."""

from __future__ import annotations

import numpy as np
import torch

from conformance import host
from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.numpy_sharing import address, assert_array, assert_separate, assert_shared
from properties.strategies.recipe import LAYOUTS
from properties.strategies.values import distinct

pytestmark = must_answer


@check("numpy.wrapper-ids-differ")
def test_tensor_and_array_are_different_objects(subject: Subject) -> None:
    subject.require_feature("host_memory")
    points = torch.ones(3, 4, device=subject.device)
    points_np = points.numpy()
    require(type(points) is torch.Tensor and type(points_np) is np.ndarray, "numpy() returns no ndarray")
    require(id(points) != id(points_np), "t.numpy() is t itself")
    made = torch.from_numpy(points_np)
    require(
        type(made) is torch.Tensor and id(made) not in (id(points_np), id(points)), "from_numpy makes no new tensor"
    )


@check("numpy.id-proves-sharing")
def test_addresses_show_sharing_where_ids_do_not(subject: Subject) -> None:
    points_np = np.ones(12).reshape(3, 4)
    shared, copied = torch.from_numpy(points_np), torch.tensor(points_np)
    require(len({id(points_np), id(shared), id(copied)}) == 3, "two of the three objects are one")
    require(shared.data_ptr() == address(points_np), "torch.from_numpy(a) has another data_ptr() than a's data")
    require(copied.data_ptr() != address(points_np), "torch.tensor(a) has the data_ptr() of a's data")
    points = torch.ones(3, 4)
    require(points.numpy().ctypes.data == points.data_ptr(), "t.numpy() has another address than t.data_ptr()")
    require(np.shares_memory(points.numpy(), points[1].numpy()), "a row's numpy() lies elsewhere than its tensor's")


@check("numpy.numpy-follows-metadata")
def test_numpy_describes_the_tensor_as_it_is_now(subject: Subject) -> None:
    subject.require_feature("host_memory")
    t = torch.arange(6.0, device=subject.device).reshape(2, 3)
    first = t.numpy()
    for name, change in {
        "t_": t.t_,
        "unsqueeze_": lambda: t.unsqueeze_(0),
        "squeeze_": t.squeeze_,
        "transpose_": lambda: t.transpose_(0, 1),
    }.items():
        change()
        assert_shared(f"numpy() after {name}", t, assert_array(f"numpy() after {name}", t.numpy(), host.array(t)))
    t.data = torch.full((4,), 9.0, device=subject.device)
    assert_shared("numpy() after t.data = other", t, assert_array("numpy()", t.numpy(), np.full(4, 9, np.float32)))
    t.set_(torch.tensor([3.0, 4.0], device=subject.device))
    assert_shared("numpy() after set_", t, assert_array("numpy() after set_", t.numpy(), np.array([3, 4], np.float32)))
    assert_array("the first array", first, np.arange(6, dtype=np.float32).reshape(2, 3))


@check("numpy.numpy-force")
def test_force_is_the_long_way_in_one_word(subject: Subject) -> None:
    for layout, dtype in ((layout, dtype) for layout in LAYOUTS for dtype in ("float32", "complex64", "bool")):
        recipe = LAYOUTS[layout](distinct(dtype, (3, 5)), dtype)
        t = recipe.on(subject)
        before = Unchanged(t=t)
        call = f"numpy(force=True) of a {layout} {dtype} tensor"
        assert_array(call, t.numpy(force=True), recipe.array)
        if dtype != "bool":
            tracked = (t.requires_grad_() * 2)[1:].detach().requires_grad_()
            assert_array(f"{call} that requires grad", tracked.numpy(force=True), (recipe.array * 2)[1:])
            require(tracked.requires_grad and tracked.is_leaf, f"{call} ends its requires_grad", True, False)
            t.requires_grad_(False)
        before.check(call)
    assert_raises("numpy(True)", TypeError, lambda: torch.ones(1).numpy(True))  # type: ignore[misc]


@check("numpy.numpy-force")
def test_force_copies_only_where_it_has_to(subject: Subject) -> None:
    subject.require_feature("host_memory")
    for dtype in ("float32", "complex64", "int64"):
        for layout in LAYOUTS:
            t = LAYOUTS[layout](distinct(dtype, (3, 5)), dtype).on(subject)
            assert_shared(f"numpy(force=True) of a {layout} {dtype} tensor", t, t.numpy(force=True))
    values = np.array([1 + 2j, -3 - 0.5j, 4j], np.complex64)
    z = host.tensor(values, "complex64", subject.device).requires_grad_()
    for call, t, due in (
        ("z.conj()", z.conj(), values.conj()),
        ("z.conj().imag", z.conj().imag, -values.imag),
        ("(z * 1).conj()[1:]", (z * 1).conj()[1:], values.conj()[1:]),
    ):
        for name, tensor in ((call, t), (f"{call}.detach()", t.detach())):
            a = assert_array(f"{name}.numpy(force=True)", tensor.numpy(force=True), due)
            assert_separate(f"{name}.numpy(force=True)", z, a)


@check("numpy.requires-grad-needs-data")
def test_leaves_become_arrays_under_no_grad(subject: Subject) -> None:
    subject.require_feature("host_memory")
    leaf = torch.tensor([12.0, 11], requires_grad=True, device=subject.device)
    result = leaf * 2
    with torch.no_grad():
        for t in (leaf, result, leaf[1:]):
            assert_shared("numpy() under no_grad", t, assert_array("numpy() under no_grad", t.numpy(), host.array(t)))
    assert_raises("numpy() after no_grad", RuntimeError, leaf.numpy)
    require(leaf.requires_grad and result.requires_grad, "numpy() under no_grad ends requires_grad", True, False)


@check("numpy.bridge-printed-output")
def test_both_sides_print_as_in_the_tutorial(subject: Subject) -> None:
    t = torch.ones(5)
    a = t.numpy()
    t.add_(1)
    require(str(t) == "tensor([2., 2., 2., 2., 2.])", "the tensor prints otherwise", "tensor([2., 2., 2., 2., 2.])", t)
    require(str(a) == "[2. 2. 2. 2. 2.]", "the array prints otherwise", "[2. 2. 2. 2. 2.]", a)
    a = np.ones(5)
    t = torch.from_numpy(a)
    np.add(a, 1, out=a)
    wanted = "tensor([2., 2., 2., 2., 2.], dtype=torch.float64)"
    require(str(a) == "[2. 2. 2. 2. 2.]" and str(t) == wanted, "the pair prints otherwise", wanted, t)


@check("numpy.repr-of-arrays")
def test_arrays_of_tensors_show_as_arrays(subject: Subject) -> None:
    row = "[1., 1., 1., 1.]"
    plain = f"array([{row},\n       {row},\n       {row}]"
    made, points = np.ones(12).reshape(3, 4), torch.ones(3, 4)
    for name, a, wanted in (
        ("torch.ones(3, 4).numpy()", points.numpy(), f"{plain}, dtype=float32)"),
        ("np.ones(12).reshape(3, 4)", torch.from_numpy(made).numpy(), f"{plain})"),
    ):
        require(type(a) is np.ndarray, f"{name} is a {type(a).__name__}", "numpy.ndarray", type(a).__name__)
        require(repr(a) == wanted, f"{name} shows otherwise", wanted, repr(a))


@check("numpy.note-uses-undefined-b")
def test_the_two_line_example_needs_its_first_name(subject: Subject) -> None:
    a = torch.tensor([12.0, 11], requires_grad=True)
    assert_raises("b = b.data.numpy()", NameError, lambda: exec("b = b.data.numpy()", {"a": a, "torch": torch}))
    names = {"a": a}
    exec("b = a.data.numpy()", names)
    assert_shared("a.data.numpy()", a, assert_array("a.data.numpy()", names["b"], np.array([12, 11], np.float32)))

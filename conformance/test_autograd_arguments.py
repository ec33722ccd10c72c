"""The arguments of backward and autograd.grad by position and by name, and what becomes of leaves of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer

Pass = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], Any]
# How a pass through y = x ** 3 is asked for, with x and v: those that keep the graph, and those that free it.
KEEPING: dict[str, Pass] = {
    "y.backward(v, True)": lambda y, x, v: y.backward(v, True),
    "y.backward(v, retain_graph=True)": lambda y, x, v: y.backward(v, retain_graph=True),
    "y.backward(v, None, True)": lambda y, x, v: y.backward(v, None, True),
    "y.backward(v, create_graph=True)": lambda y, x, v: y.backward(v, create_graph=True),
    "y.backward(v, True, False, [x])": lambda y, x, v: y.backward(v, True, False, [x]),
    "autograd.backward(y, v, True)": lambda y, x, v: torch.autograd.backward(y, v, True),
    "autograd.backward([y], [v], None, True)": lambda y, x, v: torch.autograd.backward([y], [v], None, True),
    "autograd.backward(y, v, create_graph=True)": lambda y, x, v: torch.autograd.backward(y, v, create_graph=True),
    "autograd.backward(y, v, retain_graph=True, inputs=x)": lambda y, x, v: torch.autograd.backward(
        y, v, retain_graph=True, inputs=x
    ),
    "autograd.grad(y, x, v, True)": lambda y, x, v: torch.autograd.grad(y, x, v, True),
    "autograd.grad(y, x, v, None, True)": lambda y, x, v: torch.autograd.grad(y, x, v, None, True),
    "autograd.grad(y, x, v, create_graph=True)": lambda y, x, v: torch.autograd.grad(y, x, v, create_graph=True),
    "autograd.grad(y, [x], v, True, False, True, True)": lambda y, x, v: torch.autograd.grad(
        y, [x], v, True, False, True, True
    ),
}
FREEING: dict[str, Pass] = {
    "y.backward(v)": lambda y, x, v: y.backward(v),
    "y.backward(v, False, True)": lambda y, x, v: y.backward(v, False, True),
    "y.backward(v, retain_graph=False)": lambda y, x, v: y.backward(v, retain_graph=False),
    "y.backward(v, inputs=x)": lambda y, x, v: y.backward(v, inputs=x),
    "autograd.backward(y, v, False, True)": lambda y, x, v: torch.autograd.backward(y, v, False, True),
    "autograd.grad(y, x, v)": lambda y, x, v: torch.autograd.grad(y, x, v),
    "autograd.grad(y, x, v, False, True)": lambda y, x, v: torch.autograd.grad(y, x, v, False, True),
}
CREATING = [name for name in KEEPING if "create_graph" in name or "None, True" in name]
SIZES = ((), (1,), (5,), (4, 10), (2100,))


@check("autograd.backward-arguments")
def test_arguments_mean_the_same_by_position_and_by_name(subject: Subject) -> None:
    for place, (name, ask) in enumerate([*KEEPING.items(), *FREEING.items()]):
        for shape in SIZES if place in (0, len(KEEPING)) else SIZES[place % 2 + 2 :: 2]:
            x, v = leaf(np.full(shape, 2.0), subject), constant(np.full(shape, 3.0), subject)
            y = x**3
            found = ask(y, x, v)
            exact(f"the gradient by {name}", x.grad if found is None else found[0], np.full(shape, 36.0))
            x.grad = None
            if name in FREEING:
                assert_raises(f"a second pass after {name}, y of shape {shape}", RuntimeError, lambda: y.backward(v))
            else:
                y.backward(v)
                exact(f"x.grad of a second pass after {name}", x.grad, np.full(shape, 36.0))


@check("autograd.backward-arguments")
@pytest.mark.parametrize("name", CREATING)
def test_a_created_graph_leads_to_x_and_v(subject: Subject, name: str) -> None:
    x, v = leaf([2.0, 1.0], subject), leaf([3.0, 5.0], subject)
    found = KEEPING[name](x**3, x, v)
    gradient, x.grad = x.grad if found is None else found[0], None
    require(gradient.requires_grad, f"the gradient by {name} does not require grad", True, False)
    second = torch.autograd.grad(gradient.sum(), (x, v))
    exact(f"the derivative by x of the gradient by {name}", second[0], [36.0, 30.0])
    exact(f"the derivative by v of the gradient by {name}", second[1], [12.0, 3.0])


@check("autograd.vector-count")
def test_fewer_vectors_than_tensors_are_refused(subject: Subject) -> None:
    x = leaf([2.0, 1.0], subject)
    v = constant([1.0, 1.0], subject)
    scalars = [x.sum(), (x * x).sum()]
    calls: dict[str, Callable[[], Any]] = {
        "backward([y, z], [None])": lambda: torch.autograd.backward(scalars, [None]),
        "backward([y, z], [])": lambda: torch.autograd.backward(scalars, []),
        "backward([y, y], v)": lambda: torch.autograd.backward([x * 1, x * 2], v),
        "grad([y, z], x, [None])": lambda: torch.autograd.grad(scalars, x, [None]),
    }
    for name, call in calls.items():
        assert_raises(name, RuntimeError, call)
        require(x.grad is None, f"x.grad after {name}", None, x.grad)
    torch.autograd.backward(scalars, [None, None])
    exact("x.grad after backward([y, z], [None, None])", x.grad, [5.0, 3.0])


@check("autograd.complex-needs-gradient", since="2.6")
def test_a_complex_number_needs_a_vector(subject: Subject) -> None:
    for dtype in (torch.complex64, torch.complex128):
        x = torch.tensor([1 + 2j, 3.0], dtype=dtype, device=subject.device, requires_grad=True)
        for shape in ((), (1,)):
            y = (x * x).sum().reshape(shape)
            calls: dict[str, Callable[[], Any]] = {
                "y.backward()": lambda y=y: y.backward(retain_graph=True),
                "autograd.backward(y)": lambda y=y: torch.autograd.backward(y, retain_graph=True),
                "autograd.grad(y, x)": lambda y=y: torch.autograd.grad(y, x, retain_graph=True),
            }
            for name, call in calls.items():
                assert_raises(f"{name} of a complex y of shape {shape}", RuntimeError, call)
            require(x.grad is None, "x.grad after a refused backward", None, x.grad)
            y.backward(torch.full_like(y, 1j).detach())
            wanted = [4 + 2j, 6j]
            require(x.grad.tolist() == wanted, "x.grad of (x * x).sum() for the vector 1j", wanted, x.grad.tolist())
            x.grad = None


# -- leaves of every kind ----------------------------------------------------------------------------------------------

DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")


@check("autograd.backward-fills-all-leaves")
@pytest.mark.parametrize("dtype", DTYPES)
def test_leaves_of_any_dtype_and_rank_get_their_gradient(subject: Subject, dtype: str) -> None:
    subject.require(dtype)
    for rank in range(8):
        shape = (2, 1, 3, 1, 2, 2, 1)[:rank]
        for parameter in (False, True):
            x = torch.ones(shape, dtype=getattr(torch, dtype), device=subject.device, requires_grad=True)
            x = torch.nn.Parameter(x.detach()) if parameter else x
            v = torch.arange(x.numel(), device=subject.device).reshape(shape).to(x.dtype)
            for times in (1, 2):
                (x * 3).backward(v)
                call = f"x.grad after {times} passes, x {dtype} of {rank} dimensions"
                require(x.grad.dtype == x.dtype and x.grad.shape == x.shape, f"{call} is not like x", x, x.grad)
                require(x.grad.tolist() == (v * 3 * times).tolist(), call, v * 3 * times, x.grad)


@check("autograd.backward-fills-all-leaves")
def test_gradients_of_any_size_arrive_as_they_are(subject: Subject) -> None:
    for dtype, values in (
        ("float32", [1e-45, -1e-40, -0.0, 3e38, np.inf, -np.inf, np.nan, 1.0]),
        ("float64", [5e-324, -1e-310, -0.0, 1.7e308, np.inf, -np.inf, np.nan, 1.0]),
    ):
        v = np.array(values * 3)
        for layout in ("contiguous", "stepped"):
            x = leaf(np.ones(24), subject, dtype, layout)
            (x * 1).backward(constant(v, subject, dtype))
            exact(f"x.grad for a vector of extremes ({dtype}, {layout})", x.grad, v.astype(dtype), dtype)


@check("autograd.grad-strides")
def test_a_new_gradient_of_a_permuted_leaf_has_its_strides(subject: Subject) -> None:
    for shape, order in (
        ((2, 3, 2, 4), (0, 3, 1, 2)),  # channels last
        ((2, 2, 2, 2, 3), (0, 4, 1, 2, 3)),
        ((2, 3, 4), (2, 0, 1)),
        ((3, 1, 2, 1, 2), (4, 2, 1, 0, 3)),
    ):
        x = torch.ones(shape, device=subject.device).permute(order).requires_grad_()
        for name, y in {
            "x * 2": x * 2,
            "(x * 2).contiguous()": (x * 2).contiguous(),
            "x.flatten()": x.flatten(),
        }.items():
            x.grad = None
            y.sum().backward()
            call = f"the strides of x.grad after backward of {name}, x of shape {tuple(x.shape)}"
            require(x.grad.stride() == x.stride(), call, x.stride(), x.grad.stride())


PAIRS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "x + u": lambda x, u: x + u,
    "u + x": lambda x, u: u + x,
    "x * 1 + u * 1": lambda x, u: x * 1 + u * 1,
    "torch.add(x, u)": lambda x, u: torch.add(x, u),
    "torch.lerp(x, u, 0.5) * 2": lambda x, u: torch.lerp(x, u, 0.5) * 2,
    "x.clone() + u.clone()": lambda x, u: x.clone() + u.clone(),
}


@check("autograd.gradients-apart")
@pytest.mark.parametrize("name", PAIRS)
def test_leaves_share_no_gradient(subject: Subject, name: str) -> None:
    for summed in (True, False):
        x, u = (leaf(np.full((3, 4), k), subject) for k in (1.0, 2.0))
        y = PAIRS[name](x, u)
        v = constant(np.ones((3, 4)), subject)
        y.sum().backward() if summed else y.backward(v)
        exact(f"x.grad of {name}", x.grad, np.ones((3, 4)))
        x.grad.mul_(7)
        exact(f"u.grad of {name} after a write to x.grad", u.grad, np.ones((3, 4)))
        u.grad.mul_(5)
        exact(f"x.grad of {name} after a write to u.grad", x.grad, np.full((3, 4), 7.0))
        exact(f"v after writes to the gradients of {name}", v, np.ones((3, 4)))
        exact(f"u after writes to the gradients of {name}", u.detach(), np.full((3, 4), 2.0))

"""torch.func with dicts, tuples and keywords, where each leaf has its own derivative, and used more than once."""

from __future__ import annotations

from typing import Any

import torch

from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact

pytestmark = must_answer


def leaves(call: str, found: Any, wanted: Any) -> None:
    """Refute unless dicts, tuples and lists hold the wanted numbers in the same places."""
    if isinstance(wanted, dict):
        require(type(found) is dict and list(found) == list(wanted), f"{call}: the keys", list(wanted), found)
        for key, value in wanted.items():
            leaves(f"{call}[{key!r}]", found[key], value)
    elif isinstance(wanted, tuple):
        require(type(found) is tuple and len(found) == len(wanted), f"{call}: the tuple", len(wanted), found)
        for place, value in enumerate(wanted):
            leaves(f"{call}[{place}]", found[place], value)
    else:
        exact(call, found, wanted)


@check("autograd.func-trees", since="2.0")
def test_derivatives_come_in_the_shape_of_their_arguments(subject: Subject) -> None:
    tree = {"a": constant([2.0, 3.0], subject), "b": (constant([5.0], subject), constant([[7.0]], subject))}

    def f(t: Any, scale: torch.Tensor) -> torch.Tensor:
        return (t["a"] ** 2).sum() * scale + (t["b"][0] * 4).sum() + (t["b"][1] ** 3).sum()

    scale = constant(10.0, subject)
    wanted = {"a": [40.0, 60.0], "b": ([4.0], [[147.0]])}
    for turn in ("first", "second"):
        made = torch.func.grad(f)
        leaves(f"grad of a dict, the {turn} time", made(tree, scale), wanted)
        leaves("grad of a dict and a number", torch.func.grad(f, argnums=(0, 1))(tree, scale), (wanted, 13.0))
        leaves("grad of a dict, by keyword", made(tree, scale=scale), wanted)
        gradient, value = torch.func.grad_and_value(f)(tree, scale)
        leaves("grad_and_value of a dict", (gradient, value), (wanted, 493.0))
    squares = torch.func.jacrev(lambda t: {"s": t["a"] ** 2, "p": t["a"].prod()})(tree)["s"]["a"]
    leaves("jacrev from dict to dict", squares, [[4.0, 0.0], [0.0, 6.0]])


@check("autograd.func-trees", since="2.0")
def test_products_take_a_vector_for_every_leaf(subject: Subject) -> None:
    x, y = constant([2.0, 3.0], subject), constant([5.0, 7.0], subject)
    u, v = constant([1.0, 10.0], subject), constant([100.0, 1000.0], subject)

    def f(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x * y, x + 2 * y

    # x*y moves by y u + x v, and x + 2 y by u + 2 v.
    found = torch.func.jvp(f, (x, y), (u, v))
    leaves("jvp of two arguments", found, (([10.0, 21.0], [12.0, 17.0]), ([205.0, 3070.0], [201.0, 2010.0])))
    out, back = torch.func.vjp(f, x, y)
    leaves("the values of vjp", out, ([10.0, 21.0], [12.0, 17.0]))
    for turn in ("first", "second"):
        leaves(f"vjp of two results, the {turn} time", back((u, v)), ([105.0, 1070.0], [202.0, 2030.0]))
        leaves("vjp of the first result alone", back((u, v * 0)), ([5.0, 70.0], [2.0, 30.0]))


@check("autograd.func-trees", since="2.6")
def test_what_linearize_returns_can_be_called_again(subject: Subject) -> None:
    x, y = constant([2.0, 3.0], subject), constant([5.0, 7.0], subject)
    u, v = constant([1.0, 10.0], subject), constant([100.0, 1000.0], subject)
    out, forth = torch.func.linearize(lambda x, y: (x * y, x + 2 * y), x, y)
    leaves("the values of linearize", out, ([10.0, 21.0], [12.0, 17.0]))
    for turn in ("first", "second", "third"):
        leaves(f"linearize, the {turn} time", forth(u, v), ([205.0, 3070.0], [201.0, 2010.0]))


@check("autograd.func-trees", since="2.0")
def test_vmap_gives_dicts_and_tuples(subject: Subject) -> None:
    x, y = constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], subject), constant([10.0, 20.0, 30.0], subject)

    def f(row: torch.Tensor, scale: torch.Tensor, plain: float = 1.0) -> dict[str, Any]:
        return {"sum": row.sum() * scale, "parts": (row + plain, scale)}

    found = torch.func.vmap(f)(x, y, plain=2.0)
    wanted = {"sum": [30.0, 140.0, 330.0], "parts": ([[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]], [10.0, 20.0, 30.0])}
    leaves("vmap to a dict", found, wanted)
    each = torch.func.vmap(torch.func.grad(lambda row, scale: (row**2).sum() * scale))(x, y)
    leaves("the gradients of each row by vmap", each, [[20.0, 40.0], [120.0, 160.0], [300.0, 360.0]])


@check("autograd.functional")
def test_a_jacobian_has_the_shape_of_result_and_input(subject: Subject) -> None:
    for out, into in (((), ()), ((), (2,)), ((2,), ()), ((2, 1), (1, 2))):
        x = torch.ones(into, device=subject.device)
        for options in ({}, {"vectorize": True}, {"create_graph": True}):
            found = torch.autograd.functional.jacobian(lambda t, s=out: (t * 3).sum() * t.new_ones(s), x, **options)
            text = f"the jacobian of {out} by {into}, {options}"
            require(found.shape == (*out, *into), f"{text}: its shape", (*out, *into), tuple(found.shape))
            require(bool((found == 3).all()), text, 3, found)
    hessian = torch.autograd.functional.hessian(lambda t: t**3, constant(2.0, subject))
    require(hessian.shape == () and float(hessian) == 12, "the hessian of a number by a number", 12.0, hessian)

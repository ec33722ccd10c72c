"""What does not fit together is refused: sizes, subscripts, dimensions, orders and modes; and nothing changes then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises
from conformance.check import check, must_answer
from conformance.every_form import find
from conformance.subject import Subject
from conformance.tables.linalg_products import drawn
from properties.strategies.recipe import contiguous

pytestmark = must_answer

Shapes = Sequence[tuple[int, ...]]
Kinds = (RuntimeError, IndexError)


def refuse(subject: Subject, text: str, shapes: Shapes, call: Callable[..., Any], kinds: Any = Kinds) -> None:
    """Refute unless a call on ones of these shapes raises and leaves them alone."""
    given = [contiguous(np.ones(shape), "float32").on(subject) for shape in shapes]
    before = Unchanged(**{f"of place {turn}": x for turn, x in enumerate(given)})
    assert_raises(f"{text} of shapes {list(shapes)}", kinds, lambda: call(*given))
    before.check(text)


EQUATIONS: dict[str, tuple[Shapes, ...]] = {
    "ij,jk->ik": (((2, 3), (4, 5)), ((2, 3),), ((2, 3), (3, 2), (2, 2)), ((2, 3), (3, 2, 1)), ((2,), (2, 3))),
    "i,i->i": (((2,), (3,)), ((2,), (0,))),
    "ij,ij->ij": (((2, 3), (2, 4)), ((3, 3), (2, 3))),
    "bij,bjk->bik": (((2, 3, 4), (3, 4, 5)), ((2, 3, 4), (2, 5, 4))),
    "ij,jk,kl->il": (((2, 3), (3, 4), (5, 2)),),
    "ii->i": (((2, 3),), ((2,),)),
    "iij->j": (((2, 3, 4),),),
    "ij->ii": (((2, 3),),),
    "ij->iij": (((2, 3),),),
    "ij->ik": (((2, 3),),),
    "ij->ij": (((2, 3), (2, 3)), ((2,),), ((2, 3, 4),)),
    "i->i": (((2, 3),), ((),)),
    "i1->i": (((2, 3),),),
    "i.j->ij": (((2, 3),),),
    "...i,...i->...": (((2, 3), (4, 3)), ((2, 3), (2, 4))),
}


@pytest.mark.parametrize("equation", EQUATIONS)
@check("linalg.mismatches")
def test_operands_that_do_not_fit_an_equation(subject: Subject, equation: str) -> None:
    for shapes in EQUATIONS[equation]:
        refuse(subject, f"einsum({equation!r})", shapes, lambda *x: torch.einsum(equation, *x))
        refuse(subject, f"einsum({equation!r}, list)", shapes, lambda *x: torch.einsum(equation, list(x)))


CONTRACTIONS: tuple[tuple[Shapes, Any], ...] = (
    (((2, 3), (4, 5)), 1),
    (((2, 3, 4), (3, 5, 2)), 2),
    (((2, 3), (4, 5)), ([1], [0])),
    (((2, 3), (2, 5)), ([-1], [0])),
    (((2, 3), (3, 5)), -1),
    (((2, 3), (3, 2)), ([0, 1], [0])),
    (((2, 2), (2, 2)), ([0, 0], [0, 1])),
    (((2,), (2,)), 2),
    (((2, 3), (3, 2)), ([2], [0])),
)


@check("linalg.mismatches")
def test_dimensions_that_are_not_contracted(subject: Subject) -> None:
    for shapes, dims in CONTRACTIONS:
        refuse(subject, f"tensordot(dims={dims})", shapes, lambda x, y, d=dims: torch.tensordot(x, y, d))
        refuse(subject, f"tensordot, dims={dims},", shapes, lambda x, y, d=dims: torch.tensordot(x, y, dims=d))


def _chain(*tensors: Any) -> Any:
    return torch.linalg.multi_dot(tensors)


# name: (call, shapes that it refuses, …)
FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[Shapes, ...]]] = {
    "multi_dot": (_chain, (((2, 2),), ((2, 2), (2,), (1, 2)), ((2, 3), (2, 2)), ((2, 2), (2, 3), (2, 2)), ((),) * 2)),
    "matrix_power 0": (lambda x: torch.linalg.matrix_power(x, 0), (((2, 3),), ((3,),), ((2, 3, 2),))),
    "linalg.matrix_power 1": (lambda x: torch.linalg.matrix_power(x, 1), (((2, 3),), ((3,),))),
    "matrix_power 1": (lambda x: torch.matrix_power(x, 1), (((2, 3),), ((3,),), ((2, 3, 2),))),
    "x.matrix_power 2": (lambda x: x.matrix_power(2), (((2, 3),), ((3,),))),
    "linalg.cross": (lambda x, y: torch.linalg.cross(x, y), (((3,), (2, 3)), ((2, 3), (4, 3)), ((2, 2), (2, 2)))),
    "cross": (lambda x, y: torch.cross(x, y, dim=-1), (((3,), (2, 3)), ((2, 3), (4, 3)), ((2, 2), (2, 2)))),
    "x.cross": (lambda x, y: x.cross(y, dim=-1), (((3,), (2, 3)), ((2, 3), (4, 3)))),
    "inner": (lambda x, y: torch.inner(x, y), (((2, 3), (2, 4)), ((3,), (4,)), ((2, 3), (4,)))),
    "x.inner": (lambda x, y: x.inner(y), (((2, 3), (2, 4)), ((3,), (4,)))),
    "vdot": (lambda x, y: torch.vdot(x, y), (((2,), (3,)), ((2, 2), (2, 2)))),
    "vecdot": (lambda x, y: torch.linalg.vecdot(x, y), (((2, 3), (2, 4)), ((2, 3), (3, 3)))),
    "eigh": (lambda x: torch.linalg.eigh(x, "X"), (((2, 2),),)),
    "eigvalsh": (lambda x: torch.linalg.eigvalsh(x, UPLO="both"), (((2, 2),),)),
    "qr": (lambda x: torch.linalg.qr(x, "full"), (((2, 2),), ((3, 2),))),
    "matrix_rank": (lambda x: torch.linalg.matrix_rank(x), (((3,),), ((),))),
    "tensorinv": (lambda x: torch.linalg.tensorinv(x), (((6, 3, 2, 2),), ((2, 3),))),
    "tensorinv 0": (
        lambda x: torch.linalg.tensorinv(x + 6 * torch.eye(6, device=x.device).reshape(6, 2, 3), ind=0),
        (((6, 2, 3),),),
    ),
    "tensorsolve": (lambda x, y: torch.linalg.tensorsolve(x, y), (((2, 3, 6), (2, 2)), ((2, 3, 5), (2, 3)))),
    "matrix_norm": (lambda x: torch.linalg.matrix_norm(x, dim=(0, 0)), (((2, 2),), ((2, 3, 3),))),
    "matrix_norm 3": (lambda x: torch.linalg.matrix_norm(x, 3), (((2, 2),),)),
    "matrix_norm 0": (lambda x: torch.linalg.matrix_norm(x, 0), (((2, 2),),)),
    "matrix_norm of vectors": (lambda x: torch.linalg.matrix_norm(x), (((3,),), ((),))),
    "norm 2": (lambda x: torch.linalg.norm(x, 2), (((2, 2, 2),),)),
    "norm of three dimensions": (lambda x: torch.linalg.norm(x, 2, dim=(0, 1, 2)), (((2, 2, 2),),)),
    "norm fro": (lambda x: torch.linalg.norm(x, "fro"), (((3,),),)),
    "cdist": (lambda x, y: torch.cdist(x, y), (((2, 3), (2, 4)), ((3,), (2, 3)), ((2, 2, 3), (3, 2, 3)))),
    "cdist -1": (lambda x, y: torch.cdist(x, y, -1.0), (((2, 3), (2, 3)),)),
    "pdist": (lambda x: torch.pdist(x), (((3,),), ((2, 2, 2),))),
    "pdist -1": (lambda x: torch.pdist(x, -1.0), (((3, 2),),)),
    "vander": (lambda x: torch.linalg.vander(x, N=0), (((3,),),)),
    "addmm": (lambda x, y, z: torch.addmm(x, y, z), (((3, 3), (2, 2), (2, 2)), ((2, 2), (2, 3), (2, 2)))),
    "addmv": (lambda x, y, z: torch.addmv(x, y, z), (((3,), (2, 2), (2,)), ((2,), (2, 2), (3,)))),
    "addr": (lambda x, y, z: torch.addr(x, y, z), (((3, 3), (2,), (2,)), ((2, 2), (2, 1), (2,)))),
    "addbmm": (lambda x, y, z: torch.addbmm(x, y, z), (((3, 3), (2, 2, 2), (2, 2, 2)), ((2, 2), (2, 2, 2), (3, 2, 2)))),
    "baddbmm": (
        lambda x, y, z: torch.baddbmm(x, y, z),
        (((2, 3, 3), (2, 2, 2), (2, 2, 2)), ((2, 2, 2),) * 2 + ((3, 2, 2),)),
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@check("linalg.mismatches")
def test_shapes_and_orders_without_a_meaning(subject: Subject, name: str) -> None:
    call, refused = FUNCTIONS[name]
    for shapes in refused:
        refuse(subject, name, shapes, call)


@pytest.mark.parametrize("name", ["lu", "lu_factor", "lu_factor_ex"])
@check("linalg.mismatches")
def test_no_factors_without_pivots_on_the_host(subject: Subject, name: str) -> None:
    subject.require_feature("host_memory")  # other devices know factors without pivots
    refuse(subject, f"{name}(pivot=False)", ((3, 3),), lambda x: find(f"linalg.{name}")(x, pivot=False))


@pytest.mark.parametrize("name", ["dot", "vdot", "inner", "mv", "mm", "bmm", "matmul", "einsum", "addmm"])
@check("linalg.refusals")
def test_every_product_refuses_mixed_dtypes(subject: Subject, name: str) -> None:
    shapes = {"dot": ((3,), (3,)), "vdot": ((3,), (3,)), "mv": ((3, 3), (3,)), "bmm": ((2, 3, 3), (2, 3, 3))}
    left, right = shapes.get(name, ((3, 3), (3, 3)))
    for one, other in (("float32", "float64"), ("float64", "float32"), ("float32", "int64"), ("complex64", "float32")):
        x = contiguous(drawn(1, one, left), one).on(subject)
        y = contiguous(drawn(2, other, right), other).on(subject)
        before = Unchanged(x=x, y=y)
        first = {"einsum": ["ij,jk->ik"], "addmm": [x]}.get(name, [])
        call = lambda: find(name)(*first, x, y)  # noqa: E731
        assert_raises(f"torch.{name} of {one} and {other}", RuntimeError, call)
        before.check(name)

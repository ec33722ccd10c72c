"""torch.func: every way to name dimensions for vmap, tied weights and strictness for functional_call."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact

pytestmark = must_answer


@check("autograd.func-vmap-dims", since="2.0")
def test_every_place_for_the_mapped_dimension(subject: Subject) -> None:
    for size, vmap in ((1, torch.vmap), (4, torch.vmap), (20, torch.func.vmap), (1, torch.func.vmap)):
        values = np.arange(size * 6.0).reshape(size, 2, 3)
        for into in (0, 1, 2, -1, -2, -3):
            x = constant(np.moveaxis(values, 0, into), subject)
            for out in (0, 1, 2, 3, -1, -2, -3, -4):
                found = vmap(lambda x: x[None] * 2, in_dims=into, out_dims=out)(x)
                exact(
                    f"vmap with in_dims={into}, out_dims={out} over {size}",
                    found,
                    np.moveaxis(values[:, None] * 2, 0, out),
                )
            found = vmap(lambda x: (x.transpose(0, 1), x.argmax(1), x.sum()), in_dims=into)(x)
            wanted = (values.transpose(0, 2, 1), values.argmax(2), values.sum((1, 2)))
            for name, part, numbers in zip(("transpose", "argmax", "sum"), found, wanted, strict=True):
                call = f"vmap of {name} with in_dims={into} over {size}"
                same = tuple(part.shape) == numbers.shape and host.array(part).tolist() == numbers.tolist()
                require(same, call, numbers, part)


@check("autograd.func-vmap-dims", since="2.0")
def test_dimensions_in_nests(subject: Subject) -> None:
    values, row = np.arange(12.0).reshape(4, 3), np.array([1.0, 2.0, 3.0])
    x, y = constant(values, subject), constant(row, subject)
    ways: dict[str, Any] = {
        "({'a': 0, 'b': None},)": (lambda d: d["a"] + d["b"], ({"a": 0, "b": None},), ({"a": x, "b": y},)),
        "([0, None],)": (lambda pair: pair[0] + pair[1], ([0, None],), ([x, y],)),
        "((0, None),)": (lambda pair: pair[0] + pair[1], ((0, None),), ((x, y),)),
        "(0, None)": (lambda a, b: a + b, (0, None), (x, y)),
        "(None, -2)": (lambda a, b: a + b, (None, -2), (y, x)),
    }
    for name, (function, dims, given) in ways.items():
        exact(f"vmap with in_dims={name}", torch.vmap(function, in_dims=dims)(*given), values + row)
    for vmap in (torch.vmap, torch.func.vmap):
        refused = lambda: vmap(lambda a, b: a + b, in_dims=[0, None])(x, y)  # noqa: E731
        assert_raises("vmap with a list for in_dims", ValueError, refused)
        exact("a result that is not mapped at all", vmap(lambda a: y, out_dims=None)(x), row)
    found = torch.vmap(lambda a: (a * 2, y), out_dims=(1, None))(x)
    exact("the mapped result with out_dims=(1, None)", found[0], 2 * values.T)
    exact("the result that is not mapped with out_dims=(1, None)", found[1], row)
    exact("a result that is not mapped", torch.vmap(lambda a: y)(x), np.broadcast_to(row, (4, 3)))


class _Tied(torch.nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = (torch.nn.Linear(1, 1, bias=False, dtype=torch.float64) for _ in range(2))
        self.b.weight = self.a.weight
        torch.nn.init.constant_(self.a.weight, 3.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.a(x) * 10 + self.b(x)


@check("autograd.func-modules", since="2.0")
def test_tied_weights_and_strictness(subject: Subject) -> None:
    module, x = _Tied().to(subject.device), constant([1.0], subject)
    for name in ("a.weight", "b.weight"):
        given = {name: constant([[2.0]], subject)}
        for options in ({}, {"tie_weights": True}):
            found = torch.func.functional_call(module, given, (x,), **options)
            exact(f"functional_call with {name}, {options}", found.detach(), [22.0])
        alone = torch.func.functional_call(module, given, (x,), tie_weights=False)
        exact(f"functional_call with {name}, tie_weights=False", alone.detach(), [23.0 if name[0] == "a" else 32.0])
    layer = torch.nn.Linear(1, 1, dtype=torch.float64, device=subject.device)
    full = {"weight": constant([[2.0]], subject), "bias": constant([5.0], subject)}
    call = torch.func.functional_call
    for options in ({}, {"strict": True}, {"strict": False}):
        exact(f"functional_call with all, {options}", call(layer, full, (x,), **options), [7.0])
    for given in ({"weight": full["weight"]}, {**full, "other": full["bias"]}):
        assert_raises("functional_call, strict=True", RuntimeError, lambda: call(layer, given, (x,), strict=True))
        call(layer, given, (x,), strict=False)
        call(layer, given, (x,))

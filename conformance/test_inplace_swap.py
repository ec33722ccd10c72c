"""torch.utils.swap_tensors: two tensors exchange all that they are, and stay the objects that they were."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from properties.strategies.recipe import contiguous, stepped, transposed
from properties.strategies.values import distinct

pytestmark = must_answer


def facts(x: torch.Tensor) -> tuple[Any, ...]:
    """All that is exchanged, but for the values."""
    plain = (x.data_ptr(), tuple(x.shape), x.stride(), x.storage_offset(), x.dtype, x.requires_grad, x.is_leaf)
    return (*plain, type(x), x.grad_fn, x.grad, dict(x.__dict__))


def some(subject: Any) -> list[torch.Tensor]:
    """Tensors that differ in dtype, layout, class, gradient and attributes; none of them a view."""
    x = contiguous(distinct("float32", (2, 3)), "float32").with_grad().on(subject)
    x = x.detach().clone().requires_grad_()
    (x * 3).sum().backward()
    y = transposed(distinct("int64", (4, 3)), "int64").on(subject).clone()
    y.tag = "y"
    z = torch.nn.Parameter(contiguous(np.ones(5), "float64").on(subject).clone())
    z.note = ["z"]
    return [x, y, z, stepped(distinct("complex64", (7,)), "complex64").on(subject).clone(), torch.zeros_like(y[:0])]


@check("inplace.swap-tensors", since="2.6")
def test_two_tensors_are_exchanged_and_stay_the_objects_that_they_were(subject):
    count = len(some(subject))
    for first, second in combinations(range(count), 2):
        tensors = some(subject)
        a, b = tensors[first], tensors[second]
        before, values = (facts(a), facts(b)), (host.array(a.detach()), host.array(b.detach()))
        require(torch.utils.swap_tensors(a, b) is None, "torch.utils.swap_tensors(a, b) gives something")
        after = (facts(b), facts(a))
        for was, now in zip(before, after, strict=True):
            require(was == now, "torch.utils.swap_tensors(a, b) does not exchange all of a and b", was, now)
        assert_values("b after torch.utils.swap_tensors(a, b)", b.detach(), values[0])
        assert_values("a after torch.utils.swap_tensors(a, b)", a.detach(), values[1])
        torch.utils.swap_tensors(a, b)
        require((facts(a), facts(b)) == before, "torch.utils.swap_tensors(a, b), done twice, changes something")

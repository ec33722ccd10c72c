"""Where a function has no derivative, or several: what PyTorch gives at ties, bounds, zeros and infinities."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import COMPOSED
from conformance.subject import Subject
from conformance.tables.autograd_convention_rows import ROWS, Convention
from conformance.tables.gradients import built, evaluate, stored
from properties.strategies.recipe import Layout, contiguous, stepped

pytestmark = must_answer


# One value of several equal ones gets the whole gradient: which one is the operation's own choice, told by its index.
CHOSEN = {
    "max": "torch.max(x, 0)",
    "min": "torch.min(x, 0)",
    "median": "torch.median(x, 0)",
    "kthvalue": "torch.kthvalue(x, 3, 0)",
    "mode": "torch.mode(x, 0)",
    "sort": "torch.sort(x, 0)",
    "sort_down": "torch.sort(x, 0, descending=True)",
    "topk": "torch.topk(x, 3, 0)",
    "cummax": "torch.cummax(x, 0)",
    "cummin": "torch.cummin(x, 0)",
}


def groups() -> list:
    """A parameter a claim and span of releases."""
    spans = dict.fromkeys((row.claim, row.since, row.until) for row in ROWS)
    named = [
        (claim, since, until, "-".join(filter(None, (claim, since and f"since-{since}", until and f"until-{until}"))))
        for claim, since, until in spans
    ]
    return [
        pytest.param(claim, since, until, marks=check(f"autograd.{claim}", since=since, until=until), id=name)
        for claim, since, until, name in named
    ]


@pytest.mark.parametrize(("claim", "since", "until"), groups())
def test_a_convention(subject: Subject, claim: str, since: str | None, until: str | None) -> None:
    for row in ROWS:
        if (row.claim, row.since, row.until) == (claim, since, until):
            for dtype in ("float64", "float32"):
                for layout in (contiguous, stepped):
                    for form in row.forms:
                        judge(subject, row, form, dtype, layout)


def judge(subject: Subject, row: Convention, form: str, dtype: str, layout: Layout) -> None:
    """Refute unless the gradients of the sum of one form's results are those of the row."""
    tensors = [built(layout(np.array(x, float), dtype), subject).requires_grad_() for x in row.inputs]
    sum(out.sum() for out in evaluate(form, tensors)).backward()
    for place, (x, wanted) in enumerate(zip(tensors, row.gradients, strict=True)):
        call = f"the gradient of {form} for {'xyz'[place]} ({dtype}, {layout.__name__})"
        require(x.grad is not None, f"{call} is None", wanted, None)
        assert_values(call, stored(x.grad), np.array(wanted, np.float64), COMPOSED, dtype=dtype)


@check("autograd.one-index-gets-the-gradient")
@pytest.mark.parametrize("name", CHOSEN)
def test_a_chosen_element_gets_the_whole_gradient(subject: Subject, name: str) -> None:
    values = np.array([2.0, 1.0, 2.0, 1.0, 2.0, 2.0, 1.0, *[1.0, 2.0] * 6])
    for dtype in ("float64", "float32"):
        for layout in (contiguous, stepped):
            x = layout(values, dtype).on(subject).requires_grad_()
            found, index = eval(CHOSEN[name], {"torch": torch, "x": x})
            v = np.arange(1.0, found.numel() + 1)
            found.backward(contiguous(v.reshape(tuple(found.shape)), dtype).on(subject))
            wanted = np.zeros(len(values))
            np.add.at(wanted, np.ravel(index.tolist()), v)
            assert_values(f"the gradient of {CHOSEN[name]}.values ({dtype})", x.grad, wanted, dtype=dtype)

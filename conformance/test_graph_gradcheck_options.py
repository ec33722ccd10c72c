"""What gradcheck asks of its inputs and of how steady a derivative is."""

from __future__ import annotations

import warnings

import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, leaf

pytestmark = must_answer


@check("graph.gradcheck-inputs")
def test_gradcheck_wants_a_tracked_input_of_double_precision(subject: Subject) -> None:
    gradcheck = torch.autograd.gradcheck
    fixed, x = constant([1.0, 2.0], subject), leaf([1.0, 2.0], subject)
    assert_raises("gradcheck without a tracked input", ValueError, lambda: gradcheck(torch.sin, (fixed,)))
    require(gradcheck(torch.mul, (x, fixed)), "gradcheck with one tracked input", True, False)
    single = leaf([1.0, 2.0], subject, "float32")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        gradcheck(torch.sin, (single,), raise_exception=False)
    require(any("double precision" in str(w.message) for w in said), "gradcheck of float32 warns", "a warning", said)


@check("graph.gradcheck-inputs")
def test_gradcheck_wants_the_same_gradient_each_time(subject: Subject) -> None:
    times: list[int] = []

    class Unsteady(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            times.append(1)
            return gradient * (2 + 1e-7 * (len(times) % 2))

    x = leaf([1.0, 2.0, 3.0], subject)
    call = torch.autograd.gradcheck
    assert_raises("gradcheck of an unsteady gradient", RuntimeError, lambda: call(Unsteady.apply, (x,)))
    require(call(Unsteady.apply, (x,), nondet_tol=1e-3), "gradcheck with nondet_tol=1e-3", True, False)

"""What gradcheck asks of its inputs and of how steady a derivative is."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

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


@check("graph.gradcheck-options")
def test_the_vectors_of_gradgradcheck(subject: Subject) -> None:
    seen: list[tuple] = []

    class Watched(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            seen.append((gradient.is_contiguous(), gradient.detach().tolist()))
            return gradient * 2

    x = leaf(np.ones((2, 3)), subject)
    for options, plain in (({}, True), ({"gen_non_contig_grad_outputs": True}, False)):
        seen.clear()
        require(torch.autograd.gradgradcheck(Watched.apply, (x,), **options), "gradgradcheck of 2 x", True, False)
        found = {contiguous for contiguous, _ in seen}
        require(found == {plain}, f"contiguous vectors, with {options}", {plain}, found)
    vector = constant([[1.0, 2.0, 3.0], [5.0, 7.0, 11.0]], subject)
    for given in (vector, (vector,), [vector]):
        seen.clear()
        require(torch.autograd.gradgradcheck(Watched.apply, (x,), given), "gradgradcheck of 2 x", True, False)
        near = np.abs(np.array([values for _, values in seen]) - np.array(vector.tolist())).max()
        # The differences move each number by eps, which is 1e-6.
        require(near < 2e-6, f"the vectors, where {type(given).__name__} is given", "near it", near)


@check("graph.gradcheck-inputs")
def test_gradgradcheck_wants_the_same_gradient_each_time(subject: Subject) -> None:
    times: list[int] = []

    class Unsteady(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            times.append(1)
            return gradient * (2 + 1e-7 * (len(times) % 2))

    x = leaf([1.0, 2.0, 3.0], subject)
    # A long step, exact for a square, so that the differences do not notice what the repeated passes do.
    function, wide = lambda x: Unsteady.apply(x) * x, {"eps": 0.01, "atol": 0.01}
    call = lambda **k: torch.autograd.gradgradcheck(function, (x,), **wide, **k)  # noqa: E731
    assert_raises("gradgradcheck of an unsteady gradient", RuntimeError, call)
    require(call(nondet_tol=1e-3) is True, "gradgradcheck, nondet_tol=1e-3", True, False)


@check("graph.gradcheck-inputs")
def test_checks_leave_inputs_and_gradients_as_they_were(subject: Subject) -> None:
    values = [1 / 3, 0.1, 2.0**-40]
    for name in ("gradcheck", "gradgradcheck"):
        for options in ({}, {"fast_mode": True}, {"raise_exception": False}):
            for wrap in (lambda x: x, lambda x: (x,), lambda x: [x]):
                x = leaf(values, subject)
                x.grad = constant([7.0, 8.0, 9.0], subject)
                require(getattr(torch.autograd, name)(torch.sin, wrap(x), **options) is True, f"{name} of sin", True, 0)
                exact(f"x after {name}", x, values)
                exact(f"x.grad after {name}", x.grad, [7.0, 8.0, 9.0])


@check("graph.gradcheck-finds")
def test_gradcheck_finds_one_wrong_number_among_many(subject: Subject) -> None:
    for dtype in ("float64", "complex128"):
        for place in (0, 5, 19):

            class Spoiled(torch.autograd.Function):
                @staticmethod
                def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
                    return x * 3

                @staticmethod
                def backward(ctx: Any, gradient: torch.Tensor, place: int = place) -> torch.Tensor:
                    out = gradient * 3
                    out[place] *= 1.01
                    return out

            x = constant(np.linspace(0.1, 1, 20), subject, dtype).requires_grad_()
            call = lambda: torch.autograd.gradcheck(Spoiled.apply, (x,))  # noqa: E731
            assert_raises(f"gradcheck of a gradient of {dtype} that is wrong at {place} of 20", RuntimeError, call)

"""autograd.grad of results and leaves together, for complex and unused inputs, and batches of vectors."""

from __future__ import annotations

import numpy as np
import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer


@check("autograd.autograd-grad-for-nonleaf")
def test_results_and_leaves_are_asked_for_together(subject: Subject) -> None:
    for order in ((0, 1, 2), (2, 0), (1, 0), (0, 2, 1), (1, 2), (2, 1, 0, 1)):
        x = leaf([1.0, 2.0], subject)
        y = x * 3
        z = y * y
        tensors, wanted = (x, y, z), ([18.0, 36.0], [6.0, 12.0], [1.0, 1.0])
        found = torch.autograd.grad(z.sum(), [tensors[place] for place in order])
        require(type(found) is tuple and len(found) == len(order), f"grad for {order} is no tuple", tuple, found)
        for place, gradient in zip(order, found, strict=True):
            exact(f"the gradient for {'xyz'[place]} of those for {order}", gradient, wanted[place])


@check("autograd.grad-allow-unused")
def test_any_unused_input_is_an_error(subject: Subject) -> None:
    for count in (1, 2, 3, 5):
        x, unused = leaf([1.0, 2.0], subject), [leaf([0.0], subject) for _ in range(count)]
        for inputs in ([x, *unused], [*unused, x], [x * 1, *unused]):
            y = (x * x).sum()
            call = f"grad with {count} unused inputs"
            assert_raises(call, RuntimeError, lambda: torch.autograd.grad(y, inputs))
            assert_raises(call, RuntimeError, lambda: torch.autograd.grad(y, inputs, None, True, False, True, False))
            found = torch.autograd.grad((x * x).sum(), inputs, allow_unused=True)
            nothing = [g is None for g in found]
            wanted = [tensor is not x for tensor in inputs]
            require(nothing == wanted, f"which gradients are None, {call}", wanted, nothing)


@check("autograd.grad-materialized", since="2.6")
def test_missing_gradients_of_every_kind_become_zeros(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.complex128):
        for shape in ((), (3,), (2, 0), (2, 3)):
            other = torch.ones(shape, dtype=dtype, device=subject.device, requires_grad=True)
            for unused in (other, other * 2, other.mT if len(shape) == 2 else other.view(shape)):
                for create_graph in (False, True):
                    options = {"materialize_grads": True, "create_graph": create_graph}
                    found = torch.autograd.grad((x * x).sum(), [x, unused], **options)[1]
                    call = f"the gradient for an unused tensor of {dtype} and shape {shape}, materialize_grads=True"
                    require(found is not None, f"{call}, is None", "zeros", None)
                    like = (found.shape, found.dtype, found.device) == (unused.shape, dtype, unused.device)
                    require(like and not found.detach().any(), call, "zeros like it", found)


@check("autograd.create-graph-through-v")
def test_vectors_given_in_every_way_are_differentiated(subject: Subject) -> None:
    for count in (1, 3):
        for many in (True, False):
            x, v = leaf([1.0, 2.0], subject), [leaf([3.0 + k, 4.0], subject) for k in range(count)]
            outs = [x * x * (k + 1) for k in range(count)]
            given = {"grad_outputs": v if many or count > 1 else v[0]}
            found = torch.autograd.grad(outs if many or count > 1 else outs[0], x, **given, create_graph=True)[0]
            products = torch.autograd.grad(found, v, torch.ones_like(x))
            for k, product in enumerate(products):
                exact(f"the derivative by vector {k} of {count}", product, 2 * (k + 1) * np.array([1.0, 2.0]))


@check("autograd.scalar-default-one")
def test_vectors_that_are_none_count_as_one(subject: Subject) -> None:
    for shape in ((), (1,), (1, 1)):
        x = leaf(np.ones(shape), subject)
        y, z = x * 2, (x * x * 3).sum()
        found = torch.autograd.grad([y, z], x, grad_outputs=[None, constant(5.0, subject)])[0]
        exact(f"grad of y, z of shape {shape} for [None, 5]", found, np.full(shape, 32.0))
        y, z = x * 2, (x * x * 3).sum()
        torch.autograd.backward((y, z), (None, None))
        exact("x.grad for (None, None)", x.grad, np.full(shape, 8.0))


@check("autograd.batched-vectors")
def test_batches_of_any_length_for_several_outputs_and_inputs(subject: Subject) -> None:
    for count in (1, 3, 20):
        x, u = leaf([1.0, 2.0], subject), leaf(3.0, subject)
        outs = (x * x * u, (x * u).sum())
        v = np.resize([1.0, -2.0, 0.5, 3.0, 4.0], (count, 2))
        w = np.resize([2.0, -1.0, 0.25], (count,))
        given = (constant(v, subject), constant(w, subject))
        for create_graph in (False, True):
            found = torch.autograd.grad(
                outs, (x, u), grad_outputs=given, retain_graph=True, create_graph=create_graph, is_grads_batched=True
            )
            call = f"grad for a batch of {count}, create_graph={create_graph}"
            exact(f"{call}: for x", found[0].detach(), 2 * v * [3.0, 6.0] + 3 * w[:, None])
            exact(f"{call}: for u", found[1].detach(), v @ [1.0, 4.0] + 3 * w)
            tracked = [g.requires_grad for g in found]
            require(tracked == [create_graph] * 2, f"whether {call} requires grad", create_graph, tracked)

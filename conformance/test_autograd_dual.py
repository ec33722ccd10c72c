"""Dual numbers: what make_dual takes and shares, and what unpack_dual gives."""

from __future__ import annotations

import torch
import torch.autograd.forward_ad as forward_ad

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact

pytestmark = must_answer


@check("autograd.dual-numbers")
def test_a_dual_number_is_a_view_of_its_primal(subject: Subject) -> None:
    x, t = constant([1.0, 2.0], subject), constant([3.0, 5.0], subject)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, t)
        require(dual.data_ptr() == x.data_ptr() and dual is not x, "make_dual(x, t) is no view of x", True, dual)
        found = forward_ad.unpack_dual(dual)
        exact("unpack_dual(dual).primal", found.primal, [1.0, 2.0])
        exact("unpack_dual(dual).tangent", found.tangent, [3.0, 5.0])
        require(tuple(found)[1] is found.tangent, "unpack_dual gives a pair of primal and tangent", True, found)
        plain = forward_ad.unpack_dual(x)
        require(plain.tangent is None, "the tangent of a tensor that is no dual number", None, plain.tangent)


@check("autograd.dual-numbers")
def test_a_tangent_is_like_its_primal(subject: Subject) -> None:
    x, whole = constant([1.0, 2.0], subject), torch.tensor([1, 2], device=subject.device)
    with forward_ad.dual_level():
        for name, bad in {
            "of one element": constant([1.0], subject),
            "of another shape": constant([[1.0, 2.0]], subject),
        }.items():
            assert_raises(
                f"make_dual with a tangent {name}", RuntimeError, lambda bad=bad: forward_ad.make_dual(x, bad)
            )
    assert_raises("make_dual without a level", RuntimeError, lambda: forward_ad.make_dual(x, x))
    with forward_ad.dual_level():
        assert_raises("make_dual of integers", ValueError, lambda: forward_ad.make_dual(whole, x))


@check("autograd.inference-asked")
def test_inference_tensors_and_mode_can_be_asked_for(subject: Subject) -> None:
    plain = constant([1.0, 2.0], subject)
    require(not torch.is_inference_mode_enabled(), "is_inference_mode_enabled() outside", False, True)
    with torch.inference_mode():
        require(torch.is_inference_mode_enabled(), "is_inference_mode_enabled() inside", True, False)
        require(not torch.is_grad_enabled(), "is_grad_enabled() inside", False, True)
        made = torch.ones(3, device=subject.device)
        tensors = {"ones": (made, True), "ones[1:]": (made[1:], True), "ones + 1": (made + 1, True)}
        tensors |= {"plain": (plain, False), "plain[1:]": (plain[1:], False), "plain + 1": (plain + 1, True)}
        with torch.inference_mode(False):
            require(not torch.is_inference_mode_enabled(), "is_inference_mode_enabled() in a False block", False, True)
            tensors["made in a False block"] = (torch.ones(2, device=subject.device), False)
    tensors |= {"ones[1:] outside": (made[1:], True), "ones.clone() outside": (made.clone(), False)}
    for name, (tensor, wanted) in tensors.items():
        for call, found in {
            "x.is_inference()": tensor.is_inference(),
            "torch.is_inference(x)": torch.is_inference(tensor),
        }.items():
            require(found is wanted, f"{call} for {name}", wanted, found)

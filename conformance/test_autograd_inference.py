"""inference_mode, and the tensors that are made under it."""

from __future__ import annotations

import torch

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.autograd_modes import require_tracking
from conformance.tables.gradients import constant, exact, leaf, version

pytestmark = must_answer


@check("autograd.inference-mode")
def test_inference_tensors_stay_out_of_graphs(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    with torch.inference_mode():
        require(torch.is_inference_mode_enabled(), "is_inference_mode_enabled() in the block", True, False)
        t, view = x * 2, x.view(2)
        made = torch.ones(2, dtype=torch.float64, device=subject.device)
        require(
            t.is_inference() and made.is_inference() and not x.is_inference(), "what is an inference tensor", "t", x
        )
        made.add_(1)
    require(not torch.is_inference_mode_enabled(), "is_inference_mode_enabled() after the block", False, True)
    require(t.is_inference() and not view.is_inference(), "what is an inference tensor after the block", True, False)
    exact("made.add_(1) in the block", made, [2.0, 2.0])
    assert_raises("x * t, which saves t for backward", RuntimeError, lambda: x * t)
    assert_raises("t.requires_grad_() outside", RuntimeError, lambda: t.requires_grad_())
    assert_raises("t._version", RuntimeError, lambda: version(t))
    (x * t.clone()).sum().backward()
    exact("x.grad of x times a clone of t", x.grad, [2.0, 4.0])
    require((x + t).requires_grad, "x + t, which saves nothing, is not tracked", True, False)
    exact("t * 2 outside", t * 2, [4.0, 8.0])


@check("autograd.inference-write-refused")
def test_an_inference_tensor_is_not_written_to_outside(subject: Subject) -> None:
    for write in (
        lambda t: t.add_(1),
        lambda t: t.zero_(),
        lambda t: t.__setitem__(0, 7.0),
        lambda t: t.copy_(torch.ones_like(t)),
    ):
        with torch.inference_mode():
            t = constant([1.0, 2.0], subject) * 2
        assert_raises("a write to an inference tensor outside", RuntimeError, lambda: write(t))


@check("autograd.inference-write-harmless")
def test_a_refused_write_to_an_inference_tensor_does_nothing(subject: Subject) -> None:
    with torch.inference_mode():
        t = constant([1.0, 2.0], subject) * 2
    assert_raises("t.add_(1) of an inference tensor outside", RuntimeError, lambda: t.add_(1))
    exact("an inference tensor after a refused t.add_(1)", t, [2.0, 4.0])


@check("autograd.inference-mode-off")
def test_inference_mode_can_be_left_for_a_block(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    with torch.inference_mode():
        with torch.inference_mode(False):
            require(
                not torch.is_inference_mode_enabled(),
                "is_inference_mode_enabled() under inference_mode(False)",
                False,
                True,
            )
            require_tracking(True, "under inference_mode(False)", x)
            y = (x * x).sum()
        require(
            torch.is_inference_mode_enabled() and not torch.is_grad_enabled(),
            "the mode after inference_mode(False)",
            True,
            False,
        )
    y.backward()
    exact("x.grad of what was made under inference_mode(False)", x.grad, [2.0, 4.0])
    with torch.inference_mode(False):
        require_tracking(True, "under inference_mode(False) alone", x)

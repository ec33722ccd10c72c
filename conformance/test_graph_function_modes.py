"""Functions of the user's own in forward mode and over batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.autograd import forward_ad

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer


class Quotient(torch.autograd.Function):
    """a * a / b and a number, whose derivative in forward mode is wrong on purpose: ten times the right one."""

    @staticmethod
    def forward(ctx: Any, a: torch.Tensor, b: torch.Tensor, n: int) -> torch.Tensor:
        ctx.save_for_forward(a, b)
        return a * a / b * n

    @staticmethod
    def jvp(ctx: Any, u: torch.Tensor, v: torch.Tensor, n: None) -> torch.Tensor:
        a, b = ctx.saved_tensors
        seen.append((u is None, v is None, n is None))
        u, v = (0 * a if t is None else t for t in (u, v))
        return 10 * (2 * a / b * u - a * a / (b * b) * v)


seen: list[tuple] = []


@check("graph.function-forward-mode")
def test_the_users_jvp_is_what_runs(subject: Subject) -> None:
    a, b = constant([1.0, 2.0, 3.0], subject), constant([2.0, 4.0, 8.0], subject)
    u, v = constant([1.0, -1.0, 2.0], subject), constant([4.0, 2.0, -8.0], subject)
    x, y, p, q = (np.array(t.tolist()) for t in (a, b, u, v))
    of_a, of_b = 10 * 2 * x / y * p, -10 * x * x / (y * y) * q
    for name, first, second, wanted in (("a", u, None, of_a), ("b", None, v, of_b), ("both", u, v, of_a + of_b)):
        seen.clear()
        with forward_ad.dual_level():
            given = [t if s is None else forward_ad.make_dual(t, s) for t, s in ((a, first), (b, second))]
            out = forward_ad.unpack_dual(Quotient.apply(*given, 1))
        exact(f"the primal where {name} is dual", out.primal, x * x / y)
        exact(f"the tangent where {name} is dual", out.tangent, wanted)
        require(len(seen) == 1 and seen[0][2], "the tangent of a number", "None, once", seen)
    with forward_ad.dual_level():
        given = forward_ad.make_dual(a, u)
        raised = lambda: WithoutJvp.apply(given)  # noqa: E731
        assert_raises("a Function without jvp in forward mode", (RuntimeError, NotImplementedError), raised)


class WithoutJvp(torch.autograd.Function):
    """3 x, for backward alone."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x * 3

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient * 3


class Ruled(torch.autograd.Function):
    """x * n, with a rule for batches that is wrong on purpose: it adds 100."""

    @staticmethod
    def forward(x: torch.Tensor, n: float) -> torch.Tensor:
        return x * n

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: torch.Tensor) -> None:
        ctx.n = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple:
        return gradient * ctx.n, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple, x: torch.Tensor, n: float) -> tuple:
        ruled.append((info.batch_size, in_dims))
        return x * n + 100, in_dims[0]


ruled: list[tuple] = []


@check("graph.function-batches", since="2.0")
def test_the_users_rule_for_batches_is_what_runs(subject: Subject) -> None:
    rows = np.arange(6.0).reshape(3, 2)
    x = constant(rows, subject)
    for dim, size in ((0, 3), (1, 2), (-1, 2)):
        ruled.clear()
        out = torch.vmap(lambda part: Ruled.apply(part, 2.0), in_dims=dim, out_dims=dim)(x)
        exact(f"a Function with a vmap over dimension {dim}", out, rows * 2 + 100)
        wanted = [(size, (dim % 2, None))]
        require(ruled == wanted, "batch_size and in_dims that the rule was given", wanted, ruled)
    exact("the same Function without vmap", Ruled.apply(x, 2.0), rows * 2)


def made(generate: bool) -> Any:
    class Made(torch.autograd.Function):
        generate_vmap_rule = generate

        @staticmethod
        def forward(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
            return x.exp() * w

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple, output: torch.Tensor) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> tuple:
            x, w = ctx.saved_tensors
            return gradient * w * 10, gradient * x

    return Made


@check("graph.function-batches", since="2.0")
@pytest.mark.parametrize("over", ["both", "x", "w"])
def test_a_rule_for_batches_can_be_generated(subject: Subject, over: str) -> None:
    rows = np.arange(6.0).reshape(3, 2)
    x = leaf(rows if over != "w" else rows[0], subject)
    w = leaf(rows + 1 if over != "x" else rows[0] + 1, subject)
    in_dims = (None if over == "w" else 0, None if over == "x" else 0)
    out = torch.vmap(made(True).apply, in_dims=in_dims)(x * 1, w * 1)
    require(out.shape == (3, 2), "the shape of the batch", (3, 2), tuple(out.shape))
    of_x, of_w = torch.autograd.grad(out.sum(), [x, w])
    ones = np.ones((3, 2))
    wide_x, wide_w = (np.array(t.tolist()) * ones for t in (x, w))
    for name, found, wanted, tensor in (("x", of_x, 10 * wide_w, x), ("w", of_w, wide_x, w)):
        exact(f"the gradient for {name}, over {over}", found, wanted if tensor.dim() == 2 else wanted.sum(0))
    refused = lambda: torch.vmap(made(False).apply, in_dims=in_dims)(x * 1, w * 1)  # noqa: E731
    assert_raises("vmap of a Function without a rule", RuntimeError, refused)
    each = torch.func.vmap(torch.func.grad(lambda part: made(True).apply(part, part).sum()))(constant(rows, subject))
    exact("vmap of grad of a Function", each, 11 * rows)


@check("graph.checkpoint-selective", since="2.6")
def test_a_policy_decides_what_a_checkpoint_keeps(subject: Subject) -> None:
    tools = torch.utils.checkpoint
    policies = tools.CheckpointPolicy
    draw = torch.ops.aten.rand_like.default
    log: list[tuple] = []

    def policy(answer: Any) -> Any:
        def decide(ctx: Any, op: Any, *args: Any, **options: Any) -> Any:
            log.append((op, ctx.is_recompute))
            return answer if op == draw else policies.MUST_RECOMPUTE

        return decide

    rows = [(policy(answer), answer.name, "SAVE" in answer.name) for answer in policies if "CPU" not in answer.name]
    rows += [([draw], "[rand_like]", True), ([torch.ops.aten.exp.default, draw], "[exp, rand_like]", True)]
    rows += [([torch.ops.aten.exp.default], "[exp]", False)]
    for given, name, kept in rows:
        log.clear()
        x = leaf(np.ones(5), subject)
        contexts = lambda: tools.create_selective_checkpoint_contexts(given)  # noqa: E731
        call = lambda x: x * torch.rand_like(x).neg().neg()  # noqa: E731
        options = {"use_reentrant": False, "preserve_rng_state": False, "context_fn": contexts}
        out = tools.checkpoint(call, x, **options)
        require(not log or set(log) >= {(draw, False)}, "what a policy is asked of rand_like", "once forward", log)
        require(not any(again for _, again in log), "is_recompute in the run forward", False, log)
        out.sum().backward()
        same = x.grad.tolist() == out.tolist()
        require(same is kept, f"numbers drawn under {name} are kept until backward", kept, same)

"""Several tensors marked at once in a Function, what a checkpoint passes on, and what a selective one may do."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.utils.checkpoint as tools

from conformance.assertions import assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import exact, leaf, version

pytestmark = must_answer


class _Marked(torch.autograd.Function):
    """Three results, of which those in `which` are marked as not differentiable."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, which: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        outs = (x * 2, x * 3, x * 5)
        ctx.mark_non_differentiable(*[outs[place] for place in which])
        return outs

    @staticmethod
    def backward(ctx: Any, *v: torch.Tensor) -> tuple[torch.Tensor, None]:
        return 2 * v[0] + 3 * v[1] + 5 * v[2], None


@check("graph.function-mark-non-differentiable")
def test_any_of_several_results_can_be_marked(subject: Subject) -> None:
    for which in ((), (0,), (1,), (0, 1), (1, 0), (0, 2), (2, 1), (0, 1, 2)):
        x = leaf([1.0, 2.0], subject)
        outs = _Marked.apply(x, which)
        tracked, wanted = [out.requires_grad for out in outs], [place not in which for place in range(3)]
        require(tracked == wanted, f"which results require grad where {which} are marked", wanted, tracked)
        if any(tracked):
            sum(out.sum() for out in outs).backward()
            total = sum(factor for place, factor in enumerate((2.0, 3.0, 5.0)) if place not in which)
            exact(f"x.grad where the results {which} are marked", x.grad, [total, total])


class _Writing(torch.autograd.Function):
    """Writes to both its inputs and gives them."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x.mul_(2)
        y.add_(1)
        ctx.mark_dirty(x, y)
        return x, y

    @staticmethod
    def backward(ctx: Any, v: torch.Tensor, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return v * 2, w


@check("graph.function-mark-dirty")
def test_both_of_two_inputs_are_written_to(subject: Subject) -> None:
    for shape in ((2,), (40, 30)):
        a, b = leaf(np.ones(shape), subject), leaf(np.ones(shape), subject)
        x, y = a * 1, b * 1
        outs, before = (x, y), (version(x), version(y))
        found = _Writing.apply(x, y)
        for name, out, given, count in zip("xy", found, outs, before, strict=True):
            require(out is given, f"{name} that a Function wrote to is another tensor", name, out)
            require(version(given) > count, f"the version of {name}", f"more than {count}", version(given))
            exact(f"{name} after a Function wrote to it", given.detach(), np.full(shape, 2.0))
        (x.sum() * 3 + y.sum() * 5).backward()
        exact("the gradient behind the first", a.grad, np.full(shape, 6.0))
        exact("the gradient behind the second", b.grad, np.full(shape, 5.0))


@check("graph.checkpoint-arguments", since="2.0")
def test_a_checkpoint_hands_every_argument_on_as_it_is(subject: Subject) -> None:
    x, factor = leaf([[1.0, 2.0], [3.0, 4.0]], subject), leaf(3.0, subject)
    given = [x, x.t(), factor, x[:, 1:], (x * 2)[0], 2.5, "name", None, [factor, 2], {"k": factor}, (x * 1).detach()]
    for reentrant in (False, True):
        runs: list[tuple[Any, ...]] = []

        def function(*arguments: Any) -> torch.Tensor:
            runs.append(arguments)
            return arguments[0] * arguments[2] + arguments[1] * arguments[8][0] * arguments[5] + arguments[9]["k"]

        x.grad = factor.grad = None
        tools.checkpoint(function, *given, use_reentrant=reentrant).sum().backward()
        for run, arguments in enumerate(runs):
            for place, (found, sent) in enumerate(zip(arguments, given, strict=True)):
                call = f"argument {place} of run {run} of a checkpoint with use_reentrant={reentrant}"
                if not isinstance(sent, torch.Tensor):
                    require(found is sent, call, sent, found)
                    continue
                facts = [(t.shape, t.stride(), t.dtype, t.data_ptr(), t.requires_grad) for t in (found, sent)]
                require(facts[0] == facts[1], call, facts[1], facts[0])
        exact(f"x.grad, use_reentrant={reentrant}", x.grad, np.full((2, 2), 3 + 3 * 2.5))
        if not reentrant:  # tensors inside of lists and dicts are not known to one that is
            exact("factor.grad", factor.grad, 10.0 + 2.5 * 10.0 + 4)


@check("graph.checkpoint-selective", since="2.6")
def test_a_policy_hears_of_every_operation(subject: Subject) -> None:
    heard: list[tuple[Any, ...]] = []
    policies = tools.CheckpointPolicy

    def policy(context: Any, op: Any, *args: Any, **kwargs: Any) -> Any:
        if not context.is_recompute:
            heard.append((op, len(args), [a for a in args if not isinstance(a, torch.Tensor)], kwargs))
        return policies.PREFER_RECOMPUTE

    x = leaf([1.0, 2.0], subject)
    contexts = lambda: tools.create_selective_checkpoint_contexts(policy)  # noqa: E731
    function = lambda x: torch.mul(torch.sin(x), 3.0).sum(dim=0)  # noqa: E731
    tools.checkpoint(function, x, use_reentrant=False, context_fn=contexts).backward()
    ops = torch.ops.aten
    wanted = [(ops.sin.default, 1, [], {}), (ops.mul.Tensor, 2, [3.0], {}), (ops.sum.dim_IntList, 2, [[0]], {})]
    require(heard == wanted, "what a policy is asked", wanted, heard)


@check("graph.checkpoint-selective", since="2.6")
def test_what_a_selective_checkpoint_saved_is_guarded(subject: Subject) -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        y = x * 2
        z = y * 3
        y.add_(1)
        return z * y

    for allow in (False, True, None):
        options = {} if allow is None else {"allow_cache_entry_mutation": allow}
        policy = lambda *a, **k: tools.CheckpointPolicy.MUST_SAVE  # noqa: E731
        contexts = lambda: tools.create_selective_checkpoint_contexts(policy, **options)  # noqa: E731
        out = tools.checkpoint(function, leaf([1.0, 2.0], subject), use_reentrant=False, context_fn=contexts)
        call = f"backward of a selective checkpoint whose saved result was written to ({options})"
        if not allow:
            assert_raises(call, RuntimeError, lambda: out.sum().backward())
        else:
            out.sum().backward()

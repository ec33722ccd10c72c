"""Clipping of gradients by its options, and averages of models."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import RECURRENCE
from conformance.tables.optim_nets import leaf, small_net
from conformance.tables.optim_schedules import fresh, near, walk
from properties.strategies.recipe import contiguous

pytestmark = must_answer


def clipped(subject, **options):
    """Two parameters with gradients, and one without: (parameters, norm)."""
    p, q, idle = leaf(subject, grad=[3, 0, 4]), leaf(subject, grad=[0, 12, 0]), leaf(subject)
    return [p, q, idle], nn.utils.clip_grad_norm_(iter([p, q, idle]), **options)


@check("optim.clip-grad-norm", since="2.0")
def test_clip_grad_norm_by_its_options(subject):
    for foreach in (None, False, True):
        for norm, wanted in (
            (2.0, 13.0),
            (1, 19.0),
            (0.5, (3**0.5 + 2 + 12**0.5) ** 2),
            (math.inf, 12.0),
            ("inf", 12.0),
        ):
            params, found = clipped(subject, max_norm=6.5, norm_type=norm, foreach=foreach)
            text = f"clip_grad_norm_(norm_type={norm}, foreach={foreach})"
            assert_values(text, found, np.array(wanted), RECURRENCE.over(40), wanted)
            factor = min(1.0, 6.5 / (wanted + 1e-6))
            assert_values(text, params[0].grad, np.array([3, 0, 4]) * factor, RECURRENCE.over(40), 4.0)
            assert_values(text, params[1].grad, np.array([0, 12, 0]) * factor, RECURRENCE.over(40), 12.0)
            require(params[2].grad is None, f"{text} makes a gradient")


@check("optim.clip-grad-norm", since="2.0")
def test_clip_grad_norm_of_no_and_of_infinite_gradients(subject):
    for bad in (math.inf, math.nan):
        p = leaf(subject, grad=[bad, 1, 2])
        assert_raises(
            f"a norm of {bad}", RuntimeError, lambda p=p: nn.utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)
        )
        require(float(p.grad[1]) == 1, "a refused clip changes the gradients")
        found = nn.utils.clip_grad_norm_(p, 1.0)
        require(math.isnan(found) if math.isnan(bad) else math.isinf(found), f"the norm of {bad}", bad, found)
    for given in ([], [leaf(subject)]):
        require(float(nn.utils.clip_grad_norm_(given, 1.0)) == 0, "the norm of no gradients", 0)
    mixed = [leaf(subject, grad=[3, 0, 0]), torch.ones(1, device=subject.device, requires_grad=True)]
    mixed[1].grad = torch.full((1,), 4.0, device=subject.device)
    found = nn.utils.clip_grad_norm_(mixed, 2.5)
    assert_values("a norm over two dtypes", found, np.array(5.0), RECURRENCE.over(40), 5.0)
    for p, g in zip(mixed, ([3, 0, 0], [4]), strict=True):
        assert_values("a gradient of two dtypes", p.grad, np.array(g) * 2.5 / (5 + 1e-6), RECURRENCE.over(40), 4.0)


@check("optim.clip-grad-value", since="2.0")
def test_clip_grad_value_by_its_options(subject):
    for foreach in (None, False, True):
        for given in (lambda p: p, lambda p: [p, leaf(subject)], lambda p: iter([p])):
            p = leaf(subject, grad=[-3, 0.5, 4])
            require(
                nn.utils.clip_grad_value_(given(p), 1, foreach=foreach) is None, "clip_grad_value_ returns something"
            )
            assert_values(f"clip_grad_value_(foreach={foreach})", p.grad, np.array([-1, 0.5, 1]), dtype="float64")


@check("optim.clip-grad-norm", since="2.6")
def test_the_two_halves_of_clipping(subject):
    p, q = leaf(subject, grad=[3, 0, 4]), leaf(subject, grad=[0, 12, 0])
    for norm, wanted in ((2.0, 13.0), (1.0, 19.0), (math.inf, 12.0)):
        found = nn.utils.get_total_norm([p.grad, q.grad], norm_type=norm)
        assert_values(f"get_total_norm(norm_type={norm})", found, np.array(wanted), RECURRENCE.over(40), wanted)
    nn.utils.clip_grads_with_norm_([p, q], 6.5, torch.tensor(13.0, dtype=torch.float64))
    factor = 6.5 / (13.0 + 1e-6)
    for given, g in ((p, [3, 0, 4]), (q, [0, 12, 0])):
        assert_values("clip_grads_with_norm_", given.grad, np.array(g) * factor, RECURRENCE.over(40), 12.0)


@check("optim.averages", since="2.1")
def test_averages_of_models(subject):
    from torch.optim import swa_utils

    for kind, more in (("mean", {}), ("moving", {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.75)})):
        net = small_net(subject).double()
        average = swa_utils.AveragedModel(net, **more)
        wanted = None
        for turn in range(4):
            with torch.no_grad():
                for p in net.parameters():
                    p.mul_(1.5).add_(turn)
            average.update_parameters(net)
            now = [host.array(p).copy() for p in net.parameters()]
            share = 1 / (turn + 1) if kind == "mean" else 0.25
            wanted = now if wanted is None else [w + share * (n - w) for w, n in zip(wanted, now, strict=True)]
            require(int(average.n_averaged) == turn + 1, "n_averaged", turn + 1, average.n_averaged)
            for p, w in zip(average.parameters(), wanted, strict=True):
                assert_values(f"the {kind} of {turn + 1} models", p, w, RECURRENCE.over(100), 10 + np.abs(w))
        x = torch.ones(3, 4, dtype=torch.float64, device=subject.device)
        assert_values("an averaged model's answer", average(x), host.array(average.module(x)))
    optimizer = fresh(subject)
    made = swa_utils.SWALR(optimizer, swa_lr=0.02, anneal_epochs=4, anneal_strategy="linear")
    wanted = [[b + (0.02 - b) * min(e / 4, 1) for b in (0.5, 0.05)] for e in range(7)]
    near("SWALR", walk(optimizer, made, 7), wanted, 1e-9)


@check("optim.averages", since="2.1")
def test_update_bn_counts_all_batches_alike(subject):
    from torch.optim import swa_utils

    net = nn.Sequential(nn.BatchNorm1d(3)).double().to(subject.device)
    batches = [np.random.default_rng(s).standard_normal((4, 3)) + s for s in range(3)]
    net(contiguous(batches[0] * 99, "float64").on(subject))
    swa_utils.update_bn([contiguous(b, "float64").on(subject) for b in batches], net.eval())
    assert_values("running_mean after update_bn", net[0].running_mean, np.mean([b.mean(0) for b in batches], 0),
                  RECURRENCE.over(40), 4.0)  # fmt: skip
    assert_values("running_var after update_bn", net[0].running_var, np.mean([b.var(0, ddof=1) for b in batches], 0),
                  RECURRENCE.over(40), 4.0)  # fmt: skip
    require(not net.training and net[0].momentum == 0.1, "update_bn leaves another mode or momentum")

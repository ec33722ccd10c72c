"""Modes and gradients of a whole module, by example."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import module as model
from conformance.oracle.module_corpus import CORPUS
from conformance.subject import Subject
from conformance.tables.module_tree import assert_same, build

pytestmark = must_answer


@check("module.train-and-eval")
def test_train_and_eval_reach_every_module_and_return_the_module(subject):
    for name, program in CORPUS.items():
        built, forest = build(subject, program)
        for start in forest.nodes:
            top = built.modules[start.number]
            reached = {node.number for _, node in model.named_modules(start)}
            for action, mode in (("eval", False), ("train", True), ("eval", False)):
                others = [m.training for n, m in enumerate(built.modules) if n not in reached]
                require(getattr(top, action)() is top, f"{action}() returns another object")
                found = {built.modules[n].training for n in reached}
                assert_same(f"tree {name!r}: .training after {action}()", found, {mode})
                untouched = [m.training for n, m in enumerate(built.modules) if n not in reached]
                assert_same(f"tree {name!r}: .training elsewhere after {action}()", untouched, others)
            built.root.train()


@check("module.train-and-eval")
def test_eval_does_not_stop_gradients(subject):
    net = nn.Sequential(nn.Linear(3, 2), nn.Dropout(), nn.BatchNorm1d(2)).to(subject.device).eval()
    x = torch.ones(4, 3, device=subject.device)
    out = net(x)
    require(out.requires_grad and torch.is_grad_enabled(), "eval() switches gradients off")
    out.sum().backward()
    require(net[0].weight.grad is not None, "no gradient in eval mode")
    require(all(p.requires_grad for p in net.parameters()), "eval() freezes parameters")


@check("module.train-and-eval")
def test_modes_show_in_dropout_and_batch_norm(subject):
    net = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(64)).to(subject.device)
    x = torch.ones(8, 64, device=subject.device)
    net.eval()
    assert_values("dropout in eval mode", net[0](x), np.ones((8, 64)))
    net(x)
    assert_same("batches counted in eval mode", net[1].num_batches_tracked.item(), 0)
    net.train()
    assert_same("values after dropout in train mode", set(host.array(net[0](x)).ravel().tolist()), {0.0, 2.0})
    net(x)
    net(x)
    assert_same("batches counted in train mode", net[1].num_batches_tracked.item(), 2)
    net[1].eval()
    net(x)
    assert_same("batches counted with only the norm in eval mode", net[1].num_batches_tracked.item(), 2)


@check("module.train-mode-argument")
def test_the_mode_can_be_given_and_restored(subject):
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout()))
    assert_same("training of a new module", [m.training for m in net.modules()], [True] * 4)
    for mode in (False, True, False, False, True):
        was = net.training
        require(net.train(mode=mode) is net, "train(mode=…) returns another object")
        assert_same(f"training after train(mode={mode})", [m.training for m in net.modules()], [mode] * 4)
        net.eval()
        net.train(mode=was)
        assert_same("training restored", [m.training for m in net.modules()], [was] * 4)
        net.train(mode)
    for bad in (1, 0, None, "train"):
        assert_raises(f"train({bad!r})", ValueError, lambda: net.train(bad))
    assert_same("training after a refusal", [m.training for m in net.modules()], [True] * 4)


@check("module.requires-grad-method")
def test_requires_grad_reaches_every_parameter_and_returns_the_module(subject):
    for name, program in CORPUS.items():
        built, forest = build(subject, program)
        for start in forest.nodes:
            top = built.modules[start.number]
            for flag in (False, True, False):
                out = top.requires_grad_(flag) if flag is False else top.requires_grad_()
                require(out is top, "requires_grad_ returns another object")
                reached = {leaf.number for _, leaf in model.named_leaves(start, "parameters")}
                for number in reached:
                    forest.leaves[number].requires_grad = flag
                found = [t.requires_grad for t in built.tensors]
                assert_same(f"tree {name!r}: requires_grad", found, [leaf.requires_grad for leaf in forest.leaves])


def _with_gradients(subject: Subject) -> nn.Module:
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))).to(subject.device)
    net.shared = net[0].weight
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    return net


@check("module.zero-grad")
def test_zero_grad_drops_or_zeroes_every_gradient(subject):
    for drop in (True, False, True):
        net = _with_gradients(subject)
        old = [p.grad for p in net.parameters()]
        require(net.zero_grad(set_to_none=drop) is None, "zero_grad returns something")
        for parameter, grad in zip(net.parameters(), old, strict=True):
            if drop:
                require(parameter.grad is None, "zero_grad(set_to_none=True) leaves a gradient", None, parameter.grad)
                assert_values("the gradient that was dropped", grad, np.ones(tuple(grad.shape)))
            else:
                require(parameter.grad is grad, "zero_grad(set_to_none=False) replaces the gradient tensor")
                assert_values("a gradient after zero_grad", grad, np.zeros(tuple(grad.shape)))
        net.zero_grad(set_to_none=drop)  # a second time there may be nothing to do


@check("module.zero-grad")
def test_zero_grad_of_a_part_leaves_the_rest(subject):
    net = _with_gradients(subject)
    net[1].zero_grad(set_to_none=True)
    assert_same("gradients", [p.grad is None for p in net.parameters()], [False, False, True, True, True, True])


@check("module.zero-grad-default-none", since="2.0")
def test_zero_grad_drops_gradients_by_default(subject):
    net = _with_gradients(subject)
    net.zero_grad()
    assert_same("gradients after zero_grad()", [p.grad for p in net.parameters()], [None] * 6)


@check("module.zero-grad-default-zeros", until="2.0")
def test_zero_grad_zeroes_gradients_by_default(subject):
    net = _with_gradients(subject)
    net.zero_grad()
    for parameter in net.parameters():
        assert_values("a gradient after zero_grad()", parameter.grad, np.zeros(tuple(parameter.shape)))


@check("module.zero-grad")
def test_zeroed_gradients_have_no_history(subject):
    net = nn.Linear(2, 1).to(subject.device)
    (grad,) = torch.autograd.grad(net.bias.pow(3).sum(), net.bias, create_graph=True)
    net.bias.grad = grad
    require(grad.requires_grad, "a gradient made with create_graph has no history")
    net.zero_grad(set_to_none=False)
    require(not net.bias.grad.requires_grad, "a zeroed gradient still has a history")
    assert_values("the gradient", net.bias.grad, np.zeros(1))


@check("module.zero-grad")
def test_zero_grad_leaves_the_gradients_of_buffers(subject):
    for drop in (True, False):
        net = _with_gradients(subject)
        net[0].register_buffer("scale", torch.ones(2, device=subject.device).requires_grad_())
        net[0].scale.grad = torch.full((2,), 3.0, device=subject.device)
        net.zero_grad(set_to_none=drop)
        require(net[0].scale.grad is not None, f"zero_grad(set_to_none={drop}) drops the gradient of a buffer")
        assert_values("the gradient of a buffer", net[0].scale.grad, np.full(2, 3.0))


@check("module.new-layers-require-grad")
def test_new_layers_require_gradients_whatever_was_frozen_before(subject):
    old = nn.Linear(3, 3).requires_grad_(False)
    for layer in (
        nn.Linear(3, 2),
        nn.Conv2d(1, 2, 3),
        nn.BatchNorm2d(2),
        nn.Embedding(3, 2),
        nn.LSTM(2, 3),
        nn.LayerNorm(3),
    ):
        for name, parameter in layer.named_parameters():
            require(parameter.requires_grad, f"{name} of a new {type(layer).__name__} is frozen")
        require(
            not any(b.requires_grad for b in layer.buffers()), f"a buffer of {type(layer).__name__} requires a gradient"
        )
    with torch.no_grad():
        require(all(p.requires_grad for p in nn.Linear(2, 2).parameters()), "a layer made under no_grad is frozen")
    net = nn.Sequential(old, nn.Linear(3, 2))
    assert_same("requires_grad", [p.requires_grad for p in net.parameters()], [False, False, True, True])

"""DataParallel: on one device as the model itself, over several in four stages."""

from __future__ import annotations

import copy
import io
import warnings
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.subject import Unsupported
from conformance.tables.device_places import accelerators, assert_at, values, with_device, with_devices
from conformance.tables.device_samples import NAMES, made

pytestmark = must_answer


def around(subject: Any, model: nn.Module) -> nn.DataParallel:
    """A DataParallel as one writes it where there is no GPU; on CUDA over one device, so that results are its own.

    Raises Unsupported where the machine has devices that are not judged: DataParallel would choose them.
    """
    if not accelerators():
        return nn.DataParallel(model)
    device = torch.device(subject.device)
    if device.type != "cuda":
        raise Unsupported("DataParallel is tried on CUDA devices, or on a machine without any")
    return nn.DataParallel(model, device_ids=[device.index or 0])


@check("device.dataparallel-wraps")
def test_dataparallel_stands_for_its_module(subject):
    model = made().to(subject.device)
    wrapped = around(subject, model)
    require(wrapped.module is model, "wrapped.module is another module")
    require(isinstance(wrapped, nn.Module), "DataParallel is no module")
    require([name for name, _ in wrapped.named_children()] == ["module"], "the children are not just module")
    names = list(wrapped.state_dict())
    require(names == [f"module.{name}" for name in NAMES], f"the state has {names}", NAMES, names)
    for (name, p), (plain, q) in zip(wrapped.named_parameters(), model.named_parameters(), strict=True):
        require(name == f"module.{plain}" and p is q, f"the parameter {name} is not the model's {plain}")
    x = values(subject, np.arange(12.0).reshape(4, 3))
    for train in (False, True, False):
        require(wrapped.train(train) is wrapped and model.training is train, "train() does not reach the model")
        due = copy.deepcopy(model)(x)
        out = wrapped(x)
        assert_values("wrapped(x)", out.detach(), host.array(due.detach()))
        require(out.requires_grad, "the output of DataParallel does not require grad")


@check("device.dataparallel-wraps")
def test_training_through_dataparallel_trains_the_model(subject):
    model, twin = nn.Linear(3, 2).to(subject.device), nn.Linear(3, 2).to(subject.device)
    twin.load_state_dict(model.state_dict())
    x = values(subject, np.arange(12.0).reshape(4, 3))
    wrapped = around(subject, model)
    steps = []
    for net, holder in ((wrapped, model), (twin, twin)):
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            net(x).pow(2).sum().backward()
            optimizer.step()
        steps.append(host.array(holder.weight.detach()))
    assert_values("the weight after training through DataParallel", model.weight.detach(), steps[1])


@check("device.dataparallel-wraps")
def test_the_state_goes_in_and_out_with_the_prefix(subject):
    model, other = made(1).to(subject.device), made(2).to(subject.device)
    wrapped = around(subject, model)
    assert_raises("loading a state without prefix", RuntimeError, lambda: wrapped.load_state_dict(other.state_dict()))
    file = io.BytesIO()
    torch.save(around(subject, other).state_dict(), file)
    file.seek(0)
    state = torch.load(file)
    wrapped.load_state_dict(state)
    for name, tensor in model.state_dict().items():
        assert_values(f"{name} after loading", tensor, host.array(other.state_dict()[name]))
    third = made(4)
    third.load_state_dict({name.removeprefix("module."): tensor for name, tensor in state.items()})
    for name, tensor in third.state_dict().items():
        assert_values(f"{name} without the prefix", tensor, host.array(other.state_dict()[name]))


@check("device.dataparallel-wraps")
def test_any_arguments_pass_through(subject):
    class Many(nn.Module):
        def forward(self, x: Any, *more: Any, flag: bool = False, **options: Any) -> Any:
            return x, more, flag, options

    if accelerators():
        raise Unsupported("with a device, DataParallel copies the tensors there")
    wrapped = nn.DataParallel(Many())
    x, y = torch.ones(2), torch.zeros(3)
    out = wrapped(x, y, 5, flag=True, other="text")
    require(out[0] is x and out[1][0] is y and out[1][1] == 5, "an argument is changed on the way", (x, y, 5), out)
    require(out[2] is True and out[3] == {"other": "text"}, "a keyword is changed on the way", True, out[2:])
    require(wrapped(x)[1:] == ((), False, {}), "an argument is added on the way")


class Split(nn.DataParallel):
    """DataParallel over several places of one device: each of its four stages done by hand, and noted."""

    def __init__(self, module: nn.Module, places: list[int], device: str, dim: int = 0) -> None:
        nn.Module.__init__(self)  # that of DataParallel would look for devices, and move the module to the first
        self.module = module
        self.device_ids, self.output_device, self.dim = places, places[0], dim
        self.src_device_obj = torch.device(device)
        self.stages: list[str] = []

    def scatter(self, inputs: Any, kwargs: Any, device_ids: Any) -> Any:
        self.stages.append(f"scatter to {len(device_ids)}")
        parts = list(zip(*(x.chunk(len(device_ids), self.dim) for x in inputs), strict=True))
        return parts, [dict(kwargs) for _ in parts]

    def replicate(self, module: nn.Module, device_ids: Any) -> Any:
        self.stages.append(f"replicate to {len(device_ids)}")
        return [module for _ in device_ids]

    def parallel_apply(self, replicas: Any, inputs: Any, kwargs: Any) -> Any:
        self.stages.append(f"apply {len(replicas)}")
        return [net(*given, **options) for net, given, options in zip(replicas, inputs, kwargs, strict=False)]

    def gather(self, outputs: Any, output_device: Any) -> Any:
        self.stages.append(f"gather {len(outputs)} on {output_device}")
        return torch.cat(list(outputs), self.dim)


@check("device.dataparallel-multi-gpu")
def test_the_batch_is_scattered_applied_and_gathered(subject):
    net = nn.Linear(3, 2).to(subject.device)
    for count, batch in ((2, 6), (3, 7), (4, 2), (1, 5)):
        wrapped = Split(net, list(range(count)), str(net.weight.device))
        x = values(subject, np.arange(3.0 * batch).reshape(batch, 3))
        out = wrapped(x)
        parts = len(x.chunk(count))
        due = [f"scatter to {count}"]
        if count > 1:
            due += [f"replicate to {parts}", f"apply {parts}", f"gather {parts} on 0"]
        require(wrapped.stages == due, f"{count} places and a batch of {batch}: {wrapped.stages}", due, wrapped.stages)
        expected = host.array(net(x).detach())
        assert_values("wrapped(x)", out.detach(), expected, INNER.over(64), scale=np.abs(expected).max())


@check("device.dataparallel-multi-gpu")
def test_a_module_elsewhere_is_refused(subject):
    net = nn.Linear(3, 2)
    wrapped = Split(net, [0, 1], "meta")
    error = assert_raises("wrapped(x)", RuntimeError, lambda: wrapped(torch.ones(4, 3)))
    require("device" in str(error), f"wrapped(x) says {error}", "an error that names the device", error)
    require(wrapped.stages == [], f"a refused call went as far as {wrapped.stages}")


@check("device.dataparallel-multi-gpu")
def test_several_devices_compute_what_one_does(subject):
    with_device(subject)
    first, _ = with_devices(subject, 2)
    net, twin = nn.Linear(3, 2).to(first), nn.Linear(3, 2).to(first)
    twin.load_state_dict(net.state_dict())
    wrapped = nn.DataParallel(net)
    x = torch.arange(33.0, device=first).reshape(11, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out, due = assert_at("wrapped(x)", wrapped(x), first), twin(x)
    out.sum().backward()
    due.sum().backward()
    assert_values("wrapped(x)", out.detach(), host.array(due.detach()), INNER.over(64), scale=100)
    assert_values("weight.grad", net.weight.grad, host.array(twin.weight.grad), INNER.over(64), scale=1000)

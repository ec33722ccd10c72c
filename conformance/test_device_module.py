"""Moving modules: in place, with their identity; memory for modules on meta; DataParallel."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.device_places import assert_at, assert_outline, values, with_device, with_devices
from conformance.numerics import INNER

pytestmark = must_answer

# Parameters, floating and integer buffers, a child twice over, a plain list of none.
NAMES = (
    "first.weight",
    "first.bias",
    "norm.weight",
    "norm.bias",
    "norm.running_mean",
    "norm.running_var",
    "norm.num_batches_tracked",
    "deep.0.0.weight",
    "deep.1.scale",
)


class Scale(nn.Module):
    """A parameter, a buffer outside the state, and a tensor that is neither."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.arange(1.0, 5.0))
        self.register_buffer("hidden", torch.arange(4.0), persistent=False)
        self.register_buffer("nothing", None)
        self.plain = torch.ones(2)


class Net(nn.Module):
    """A network with every kind of entry."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.deep = nn.Sequential(nn.Sequential(nn.Linear(4, 4, bias=False)), Scale())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.deep[0](self.norm(self.first(x))) * self.deep[1].scale


def made(seed: int = 0) -> Net:
    torch.manual_seed(seed)
    return Net()


def entries(net: nn.Module) -> dict[str, torch.Tensor]:
    """All parameters and buffers, those outside the state too."""
    return {**dict(net.named_parameters()), **dict(net.named_buffers())}


def held(net: nn.Module) -> dict[str, np.ndarray]:
    return {name: host.array(tensor.detach()) for name, tensor in entries(net).items()}


@contextmanager
def overwriting(whether: bool = True) -> Iterator[None]:
    """Whether conversions replace Parameters, while the block lasts."""
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(whether)
    try:
        yield
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(before)


# -- to ----------------------------------------------------------------------------------------------------------------


@check("device.module-to-is-in-place")
def test_to_moves_the_module_itself(subject):
    for there in ("meta", subject.device, "cpu", torch.device("meta")):
        net = made()
        parts, before = [id(part) for part in net.modules()], held(net)
        require(net.to(there) is net, f"net.to({there!r}) is another module", "net", "another")
        require([id(part) for part in net.modules()] == parts, f"net.to({there!r}) replaced a child")
        found = entries(net)
        require(
            [*NAMES[:2], *NAMES[2:4]] == list(found)[:4], f"net.to({there!r}) changed the names", NAMES, list(found)
        )
        for name, tensor in found.items():
            call = f"net.to({there!r}): {name}"
            dtype = "int64" if name.endswith("tracked") else "float32"
            assert_outline(call, assert_at(call, tensor, str(there)), dtype, before[name].shape)
            require(tensor.requires_grad == isinstance(tensor, nn.Parameter), f"{call} has other requires_grad")
            if not tensor.is_meta:
                assert_values(call, tensor.detach(), before[name])


@check("device.module-to-is-in-place")
def test_to_moves_without_being_assigned(subject):
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    inner = net[1][0]
    net.to("meta")
    for name, tensor in entries(net).items():
        assert_at(name, tensor, "meta")
    assert_at("a reference taken before", inner.weight, "meta")
    require(net[1][0] is inner, "a child is another one")
    part = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    part[0].to("meta")
    assert_at("the part moved", part[0].weight, "meta")
    assert_at("the rest", part[1].weight, "cpu")
    require(net.double() is net and net[1][1].running_mean.dtype is torch.float64, "double() is not in place")
    require(net[1][1].num_batches_tracked.dtype is torch.int64, "double() converts integers")
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    tied.to(subject.device, torch.float64)
    require(tied[1].weight is tied[0].weight, "to() parts tied parameters")


@check("device.module-to-is-in-place")
def test_gradients_and_the_result_move_along(subject):
    net = made()
    x = torch.arange(12.0).reshape(4, 3)
    net.eval()
    with torch.no_grad():
        due = host.array(net(x))
    net(x).sum().backward()
    gradients = {name: host.array(p.grad) for name, p in net.named_parameters()}
    net.to(subject.device)
    for name, p in net.named_parameters():
        assert_values(f"{name}.grad", assert_at(f"{name}.grad", p.grad, subject.device), gradients[name])
        require(p.is_leaf, f"{name} is no leaf after to()")
    out = assert_at("net(x)", net(x.to(subject.device)), subject.device)
    assert_values("net(x)", out.detach(), due, INNER.over(64), scale=np.abs(due).max())
    net.to("meta")
    for name, p in net.named_parameters():
        assert_outline(
            f"{name}.grad on meta", assert_at(f"{name}.grad", p.grad, "meta"), "float32", gradients[name].shape
        )


FORMS: dict[str, tuple[Callable[[nn.Module, str], nn.Module], str]] = {
    "to(device)": (lambda net, d: net.to(d), "float32"),
    "to(device=device)": (lambda net, d: net.to(device=d), "float32"),
    "to(torch.device(device))": (lambda net, d: net.to(torch.device(d)), "float32"),
    "to(device, dtype)": (lambda net, d: net.to(d, torch.float64), "float64"),
    "to(device=, dtype=)": (lambda net, d: net.to(device=d, dtype=torch.float64), "float64"),
    "to(device, non_blocking=True)": (lambda net, d: net.to(d, non_blocking=True), "float32"),
    "to(tensor)": (lambda net, d: net.to(torch.ones(1, dtype=torch.float64, device=d)), "float64"),
    "to(tensor=tensor)": (lambda net, d: net.to(tensor=torch.ones(1, device=d)), "float32"),
    "to(dtype) on the way": (lambda net, d: net.to(torch.float64).to(d), "float64"),
    "double() after": (lambda net, d: net.to(d).double(), "float64"),
}


@check("device.module-to-forms")
def test_to_of_a_module_can_be_written_in_many_ways(subject):
    for device in (subject.device, "meta"):
        for call, (action, dtype) in FORMS.items():
            net = made()
            before = held(net)
            require(action(net, device) is net, f"net.{call} is another module")
            for name, tensor in entries(net).items():
                text = f"net.{call} to {device}: {name}"
                due = "int64" if name.endswith("tracked") else dtype
                assert_outline(text, assert_at(text, tensor, device), due, before[name].shape)
                if not tensor.is_meta:
                    assert_values(text, tensor.detach(), before[name].astype(due))


@check("device.module-to-forms")
def test_to_nothing_changes_nothing(subject):
    net = made().to(subject.device)
    ids, before = {name: id(tensor) for name, tensor in entries(net).items()}, held(net)
    for call, action in {
        "to()": lambda: net.to(),
        "to(None)": lambda: net.to(None),
        "to(device)": lambda: net.to(subject.device),
        "to(dtype)": lambda: net.to(torch.float32),
        "float()": lambda: net.float(),
    }.items():
        require(action() is net, f"net.{call} is another module")
        found = {name: id(tensor) for name, tensor in entries(net).items()}
        require(found == ids, f"net.{call} replaced a parameter or buffer")
        for name, tensor in entries(net).items():
            assert_values(f"net.{call}: {name}", tensor.detach(), before[name])
    for call, action in {
        "to('gpu')": lambda: net.to("gpu"),
        "to(torch.int64)": lambda: net.to(torch.int64),
        "to('cpu', copy=True)": lambda: net.to("cpu", copy=True),
        "to('cpu', torch.int32)": lambda: net.to("cpu", torch.int32),
    }.items():
        assert_raises(f"net.{call}", (TypeError, RuntimeError), action)
        require({name: id(tensor) for name, tensor in entries(net).items()} == ids, f"net.{call} changed the module")


@check("device.module-plain-tensors-stay")
def test_a_plain_tensor_attribute_stays(subject):
    for device, dtype in ((subject.device, torch.float64), ("meta", torch.float32), ("meta", torch.float16)):
        net = made()
        plain, inner = net.deep[1].plain, torch.ones(3)
        net.several = [inner, nn.Parameter(torch.ones(2))]
        net.to(device, dtype)
        require(net.deep[1].plain is plain, f"net.to({device!r}, {dtype}) replaced a plain tensor")
        assert_values("the plain tensor", assert_at("the plain tensor", plain, "cpu"), np.ones(2), dtype="float32")
        for place, tensor in enumerate(net.several):
            assert_at(f"entry {place} of a list", tensor, "cpu")
            require(tensor.dtype is torch.float32, "a tensor in a list was converted")
        assert_at("the parameter beside it", net.deep[1].scale, device)
        assert_at("the buffer outside the state", net.deep[1].hidden, device)
        require(net.deep[1].nothing is None, "a buffer that is None became something")


# -- identity ----------------------------------------------------------------------------------------------------------


@check("device.overwrite-on-conversion")
def test_the_flag_says_whether_parameters_are_replaced(subject):
    flag = torch.__future__.get_overwrite_module_params_on_conversion
    require(flag() is False, f"the flag is {flag()} at first", False, flag())
    for whether in (True, False, True):
        with overwriting(whether):
            require(flag() is whether, f"the flag set to {whether} is {flag()}", whether, flag())
            net = made()
            net.first.weight.requires_grad_(False)
            old = dict(net.named_parameters())
            before = held(net)
            net.to(subject.device, torch.float64)
            for name, p in net.named_parameters():
                require((p is old[name]) is not whether, f"{name} after to() with the flag {whether}: is it the same?")
                require(type(p) is nn.Parameter, f"{name} is no Parameter but a {type(p).__name__}")
                require(p.requires_grad is (name != "first.weight"), f"{name} has other requires_grad")
                require(p.is_leaf, f"{name} is no leaf")
                assert_values(name, p.detach(), before[name].astype("float64"), dtype="float64")
            due = "float32" if whether else "float64"
            for name, p in old.items():
                found = host.dtype_name(p.dtype)
                require(found == due, f"the old {name} is {found} with the flag {whether}", due, found)
    require(flag() is False, "the flag stays set")


@check("device.overwrite-on-conversion")
def test_parameters_keep_their_identity_by_default(subject):
    net = made()
    old = {name: id(p) for name, p in net.named_parameters()}
    for call, action in {
        "to(torch.float64)": lambda: net.to(torch.float64),
        "half()": lambda: net.half(),
        "float()": lambda: net.float(),
        "cpu()": lambda: net.cpu(),
        "to(device)": lambda: net.to("cpu"),
    }.items():
        action()
        found = {name: id(p) for name, p in net.named_parameters()}
        require(found == old, f"net.{call} made new Parameters")


@check("device.optimizer-before-move")
def test_an_optimizer_made_before_goes_on(subject):
    for overwrite in (False, True):
        with overwriting(overwrite):
            net = nn.Linear(2, 1, bias=False)
            with torch.no_grad():
                net.weight.fill_(1.0)
            old = net.weight
            optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
            net.to(torch.float64)
        net.weight.grad = torch.full((1, 2), 3.0, dtype=torch.float64)
        if overwrite:
            old.grad = torch.full((1, 2), 3.0)
        optimizer.step()
        due = 1.0 if overwrite else -0.5
        assert_values(
            f"the weight after a step, Parameters replaced: {overwrite}", net.weight.detach(), np.full((1, 2), due)
        )
        if overwrite:
            assert_values("the old weight after a step", old.detach(), np.full((1, 2), -0.5))
        after = torch.optim.SGD(net.parameters(), lr=0.5)
        net.weight.grad = torch.full((1, 2), 3.0, dtype=torch.float64)
        after.step()
        assert_values(
            "the weight after a step of an optimizer made after", net.weight.detach(), np.full((1, 2), due - 1.5)
        )


@check("device.optimizer-before-move")
def test_training_goes_on_after_a_move(subject):
    net = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        net.weight.zero_()
    net.to(subject.device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.25, momentum=0.5)
    x = values(subject, [[1.0, 2.0]])
    speed, weight = np.zeros((1, 2)), np.zeros((1, 2))
    for turn in range(4):
        optimizer.zero_grad()
        net(x).sum().backward()
        optimizer.step()
        speed = 0.5 * speed + np.array([[1.0, 2.0]])
        weight = weight - 0.25 * speed
        assert_values(f"the weight after step {turn + 1}", net.weight.detach(), weight)
        net.to(subject.device)


# -- meta --------------------------------------------------------------------------------------------------------------


@check("device.module-from-meta")
def test_a_module_on_meta_gets_memory_from_to_empty(subject):
    full = made(3)
    net = Net().to("meta")
    for call, action in (("to(device)", lambda: net.to(subject.device)), ("cpu()", lambda: net.cpu())):
        assert_raises(f"net.{call} from meta", RuntimeError, action)
        assert_at("a weight after that", net.first.weight, "meta")
    require(net.to_empty(device=subject.device) is net, "to_empty is another module")
    for name, tensor in entries(net).items():
        due = entries(full)[name]
        dtype = host.dtype_name(due.dtype)
        assert_outline(name, assert_at(name, tensor, subject.device), dtype, tuple(due.shape), tuple(due.stride()))
        require(tensor.requires_grad == due.requires_grad, f"{name} has other requires_grad")
    net.load_state_dict(full.state_dict())
    for name, tensor in net.state_dict().items():
        assert_values(f"{name} after load_state_dict", tensor, host.array(full.state_dict()[name]))
    x = values(subject, np.arange(12.0).reshape(4, 3))
    due = host.array(full.eval()(x.cpu()).detach())
    assert_values("net(x)", net.eval()(x).detach(), due, INNER.over(64), scale=np.abs(due).max())


@check("device.module-from-meta")
def test_a_module_made_on_meta_computes_shapes(subject):
    net = Net().to("meta")
    for batch in (2, 7):
        out = net(torch.empty(batch, 3, device="meta"))
        assert_outline("net(x)", assert_at("net(x)", out, "meta"), "float32", (batch, 4))
    assert_raises("net(x) of 4 features", RuntimeError, lambda: net(torch.empty(2, 4, device="meta")))
    made_there = nn.Linear(3, 2, device="meta")
    made_there.to_empty(device=subject.device)
    assert_at("a weight", made_there.weight, subject.device)
    require(made_there.weight.requires_grad, "a weight made by to_empty is frozen")


@check("device.skip-init")
def test_skip_init_makes_a_layer_without_initialising(subject):
    for name, given in (("Linear", (5, 1)), ("Conv2d", (2, 3, 3)), ("Embedding", (4, 3))):
        torch.manual_seed(1)
        state = torch.get_rng_state()
        net = nn.utils.skip_init(getattr(nn, name), *given)
        require(torch.get_rng_state().tolist() == state.tolist(), f"skip_init of {name} draws random numbers")
        plain = getattr(nn, name)(*given)
        require(type(net) is type(plain), f"skip_init(nn.{name}) is a {type(net).__name__}")
        for key, p in plain.named_parameters():
            found = dict(net.named_parameters())[key]
            assert_outline(f"skip_init(nn.{name}).{key}", assert_at(key, found, "cpu"), "float32", tuple(p.shape))
            require(found.requires_grad, f"skip_init(nn.{name}).{key} is frozen")
        there = nn.utils.skip_init(getattr(nn, name), *given, device=subject.device, dtype=torch.float64)
        for key, p in there.named_parameters():
            assert_at(f"skip_init(nn.{name}, device=).{key}", p, subject.device)
            require(p.dtype is torch.float64, f"skip_init(nn.{name}, dtype=).{key} is {p.dtype}")
    assert_raises("skip_init of no module", (RuntimeError, TypeError), lambda: nn.utils.skip_init(torch.ones, 2))


# -- DataParallel ------------------------------------------------------------------------------------------------------


def around(subject: Any, model: nn.Module) -> nn.DataParallel:
    """A DataParallel as one writes it; on a device only over the first, so that results are bit for bit its own."""
    return (
        nn.DataParallel(model)
        if torch.cuda.device_count() == 0
        else nn.DataParallel(model, device_ids=subject_ids(subject))
    )


def subject_ids(subject: Any) -> list[int]:
    return [] if torch.device(subject.device).type != "cuda" else [torch.device(subject.device).index or 0]


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
    model, other = made(1), made(2)
    wrapped = nn.DataParallel(model, device_ids=[])
    assert_raises("loading a state without prefix", RuntimeError, lambda: wrapped.load_state_dict(other.state_dict()))
    file = io.BytesIO()
    torch.save(nn.DataParallel(other, device_ids=[]).state_dict(), file)
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

    wrapped = nn.DataParallel(Many(), device_ids=[])
    x, y = torch.ones(2), torch.zeros(3)
    out = wrapped(x, y, 5, flag=True, other="text")
    require(out[0] is x and out[1][0] is y and out[1][1] == 5, "an argument is changed on the way", (x, y, 5), out)
    require(out[2] is True and out[3] == {"other": "text"}, "a keyword is changed on the way", True, out[2:])
    require(wrapped(x)[1:] == ((), False, {}), "an argument is added on the way")


class Split(nn.DataParallel):
    """DataParallel over several places of one device: each of its four stages done by hand, and noted."""

    def __init__(self, module: nn.Module, places: list[int], device: str, dim: int = 0) -> None:
        super().__init__(module)
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

"""Wrong networks, and wrong layers below them."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import nn

from conformance.vision import torchvision
from meta_tests.mutant import Mutant, kernel, output, patched, replaced
from meta_tests.mutants.module import method


def vision(claim: str, name: str, owner: str, attribute: str, wrong: Any) -> Mutant:
    """Replace what torchvision.models has under a dotted name: `wrong(sound)` returns the replacement."""

    def change() -> Any:
        found = functools.reduce(getattr, owner.split(".") if owner else [], torchvision().models)
        return replaced(found, attribute, wrong)

    return Mutant(claim, name, change)


def made(claim: str, name: str, network: str, change: Any) -> Mutant:
    """A network that is changed after it was constructed: `change(net)`."""

    def wrong(sound: Any) -> Any:
        def build(*args: Any, **options: Any) -> nn.Module:
            net = sound(*args, **options)
            return change(net) or net

        return build

    return vision(claim, name, "", network, wrong)


def no_shortcut(sound: Any) -> Any:
    def forward(self: Any, x: torch.Tensor) -> torch.Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        return self.relu(
            self.bn2(self.conv2(out))
            + (x if self.downsample is None or self.stride == 1 else self.downsample(x.flip(-1)))
        )

    return forward


def late_relu(sound: Any) -> Any:
    def forward(self: Any, x: torch.Tensor) -> torch.Tensor:
        same = x if self.downsample is None else self.downsample(x)
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))) + same

    return forward


def swap_stages(net: nn.Module) -> None:
    net.layer4[1].conv1, net.layer4[1].conv2 = net.layer4[1].conv2, net.layer4[1].conv1
    net._modules["layer1"], net._modules["layer2"] = net._modules.pop("layer1"), net._modules.pop("layer2")


def keep_old_head(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    old = self.__dict__.get("_modules", {}).get(name)
    sound(self, name, value)
    if name == "fc" and isinstance(old, nn.Linear):
        self.__dict__["_modules"]["old_fc"] = old


def frozen_if_neighbour(sound: Any, self: nn.Module, name: str, value: Any) -> None:
    sound(self, name, value)
    others = [
        p for n, m in self.__dict__.get("_modules", {}).items() if n != name and m is not None for p in m.parameters()
    ]
    if name == "fc" and others and not any(p.requires_grad for p in others):
        value.requires_grad_(False)


def frozen_norm(sound: Any, self: Any, x: torch.Tensor) -> torch.Tensor:
    training, self.training = self.training, self.training and self.weight.requires_grad
    out = sound(self, x)
    self.training = training
    return out


def no_head(net: nn.Module) -> None:
    layers = list(net.features)
    net.features = nn.Sequential(*layers[:-1])


def fresh_relu(net: nn.Module) -> None:
    for layer in net.features:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False


def quiet(sound: Any) -> Any:
    def build(*args: Any, pretrained: Any = None, **options: Any) -> Any:
        return (
            sound(*args, **options)
            if pretrained is None
            else sound(*args, weights="DEFAULT" if pretrained else None, **options)
        )

    return build


def ignores_weights(sound: Any) -> Any:
    return lambda *args, weights=None, **options: sound(*args, **options)


def any_classes(sound: Any) -> Any:
    def build(*args: Any, weights: Any = None, num_classes: int = 1000, **options: Any) -> Any:
        net = sound(*args, weights=weights, **options)
        if num_classes != 1000:
            net.fc = nn.Linear(512, num_classes)
        return net

    return build


def other_variance(
    func: Any, x: torch.Tensor, weight: Any, bias: Any, mean: Any, var: Any, training: bool, momentum: float, eps: float
) -> Any:
    """The running variance takes the biased variance of the batch."""
    out = func(x, weight, bias, mean, var, training, momentum, eps)
    if training and var is not None:
        count = x.numel() // x.shape[1]
        old = (var - momentum * x.transpose(0, 1).flatten(1).var(1)) / (1 - momentum)
        var.copy_((1 - momentum) * old + momentum * x.transpose(0, 1).flatten(1).var(1) * (count - 1) / count)
    return out


class Jitter:
    """Every second evaluation of a linear layer is a little off."""

    def __init__(self) -> None:
        self.turn = 0

    def __call__(self, sound: Any, module: nn.Module, x: torch.Tensor) -> torch.Tensor:
        self.turn += 1
        return sound(module, x) * (1 + 1e-6 * (self.turn % 2))


def not_in_place(sound: Any, self: nn.ReLU, x: torch.Tensor) -> torch.Tensor:
    return nn.functional.relu(x)


def whole_input(sound: Any, self: nn.Sequential, x: torch.Tensor) -> torch.Tensor:
    """A Sequential with names from 21 on starts from a fresh copy and works on zeros."""
    return sound(self, x * 0 if next(iter(self._modules), "") == "21" else x)


def renamed(sound: Any, self: nn.Module, name: str, module: Any) -> None:
    sound(self, str(len(self._modules)) if isinstance(self, nn.Sequential) and name.isdigit() else name, module)


NORM = "native_batch_norm cudnn_batch_norm _native_batch_norm_legit"
RESNET = [
    made("models.resnet18-parameter-list", "the stages come in another order", "resnet18", swap_stages),
    made(
        "models.resnet18-parameter-list",
        "the first norm is not affine",
        "resnet18",
        lambda net: setattr(net, "bn1", nn.BatchNorm2d(64, affine=False)),
    ),
    method(
        "models.resnet18-parameter-list",
        "batch norms count no batches",
        "__init__",
        lambda s, self, *a, **k: (
            s(self, *a, **k),
            self._buffers.pop("num_batches_tracked"),
            self.__dict__.__setitem__("num_batches_tracked", None),
        )[0],
        nn.BatchNorm2d,
    ),
    vision(
        "models.resnet18-values",
        "a shortcut with a stride sees its input flipped",
        "resnet.BasicBlock",
        "forward",
        no_shortcut,
    ),
    vision(
        "models.resnet18-values",
        "the last ReLU of a block comes before the sum",
        "resnet.BasicBlock",
        "forward",
        late_relu,
    ),
    kernel(
        "models.resnet18-values",
        "pooling with padding leaves the padding out on the right",
        "max_pool2d_with_indices",
        lambda func, x, k, *a: func(x[..., :-1], k, *a) if x.shape[-1] > 16 and k == [3, 3] else func(x, k, *a),
    ),
    made(
        "models.resnet18-values",
        "the third stage has no stride in its shortcut",
        "resnet18",
        lambda net: setattr(net.layer3[0], "relu", nn.Identity()),
    ),
    made(
        "models.resnet18-fc-in-features",
        "the last layer takes 2048",
        "resnet18",
        lambda net: setattr(net, "fc", nn.Linear(2048, 1000, device="meta")),
    ),
    method("models.replace-last-layer", "the old layer stays listed", "__setattr__", keep_old_head),
    method(
        "models.replace-last-layer",
        "a new layer of another size is not taken",
        "__setattr__",
        lambda s, self, n, v: (
            None if (n == "fc" and "fc" in self.__dict__.get("_modules", {}) and v.out_features == 2) else s(self, n, v)
        ),
    ),
    method(
        "models.freeze-then-new-head", "a layer put into a frozen network is frozen", "__setattr__", frozen_if_neighbour
    ),
    method(
        "models.freeze-then-new-head",
        "parameters leaves the last layer out",
        "parameters",
        lambda s, self, *a: iter([*s(self, *a)][:-2]),
    ),
    method(
        "models.only-the-head-trains",
        "parameters of fc are all parameters",
        "requires_grad_",
        lambda s, self, flag=True: (
            s(self, flag),
            self.conv1.weight.requires_grad_() if hasattr(self, "conv1") else None,
            self,
        )[2],
    ),
    kernel(
        "models.only-the-head-trains",
        "subtracting in place changes copies only",
        "sub_",
        lambda func, x, *a, **k: x if x.shape[:1] == (2,) else func(x, *a, **k),
    ),
    method(
        "models.frozen-layers-do-not-change",
        "frozen norms keep their statistics",
        "forward",
        frozen_norm,
        nn.BatchNorm2d,
    ),
    kernel(
        "models.frozen-layers-do-not-change",
        "the running variance is the biased one",
        NORM,
        lambda func, *a: other_variance(func, *a),
    ),
    method(
        "models.frozen-layers-do-not-change",
        "norms count two batches each time",
        "forward",
        lambda s, self, x: (self.num_batches_tracked.add_(1) if self.training else None, s(self, x))[1],
        nn.BatchNorm2d,
    ),
    method("models.eval-is-deterministic", "every second linear layer is a little off", "forward", Jitter(), nn.Linear),
    method("models.eval-is-deterministic", "eval leaves norms in train mode", "eval", lambda s, self: self),
    method(
        "models.state-moves-all",
        "running variances are not loaded",
        "_load_from_state_dict",
        lambda s, self, *a: (
            v := self._buffers.get("running_var"),
            v := None if v is None else v.clone(),
            s(self, *a),
            None if v is None else self.running_var.copy_(v),
            None,
        )[4],
    ),
]

VGG = [
    made("models.vgg19-parameter-list", "the last pooling is missing", "vgg19", no_head),
    made("models.vgg19-parameter-list", "ReLUs make new tensors", "vgg19", fresh_relu),
    method("models.vgg19-slices", "add_module numbers from 0", "add_module", renamed),
    method(
        "models.vgg19-slices",
        "layers beyond the 20th are copies",
        "__getitem__",
        lambda s, self, n: nn.Conv2d(1, 1, 1) if isinstance(n, int) and n == 28 and len(self) == 37 else s(self, n),
        nn.Sequential,
    ),
    method("models.vgg19-multi-output", "the third slice sees zeros", "forward", whole_input, nn.Sequential),
    output(
        "models.vgg19-multi-output",
        "wide convolutions lose their last channel",
        "convolution",
        lambda out, x, w, *a: (
            torch.cat([out[:, :-1], out[:, :1] * 0], 1) if w.shape[0] == 512 and not out.is_meta else out
        ),
    ),
    method("models.vgg19-earlier-outputs-intact", "ReLUs never work in place", "forward", not_in_place, nn.ReLU),
    kernel(
        "models.vgg19-earlier-outputs-intact",
        "convolutions clear their input",
        "convolution",
        lambda func, x, w, *a: (func(x, w, *a), x.zero_() if w.shape[:2] == (128, 128) else None)[0],
    ),
    method(
        "models.vgg19-frozen",
        "frozen convolutions cut the gradient",
        "forward",
        lambda s, self, x: s(self, x if self.weight.requires_grad else x.detach()),
        nn.Conv2d,
    ),
    method(
        "models.vgg19-frozen", "parameters stops after 20", "parameters", lambda s, self, *a: iter([*s(self, *a)][:20])
    ),
    method(
        "models.hooks-see-what-slices-give",
        "hooks see the input",
        "register_forward_hook",
        lambda s, self, hook, **k: s(self, lambda m, args, out: hook(m, args, args[0] * 2), **k),
    ),
    method(
        "models.hooks-see-what-slices-give",
        "hooks beyond the first are dropped",
        "register_forward_hook",
        lambda s, self, hook, **k: (
            s(self, hook, **k)
            if type(self) is not nn.ReLU or self.__dict__.setdefault("mark", HOOKED.append(1) or len(HOOKED)) % 2
            else None
        ),
    ),
]
HOOKED: list[int] = []

WEIGHTS = [
    vision("models.resnet18-pretrained-keyword", "pretrained is accepted without a word", "", "resnet18", quiet),
    vision("models.resnet18-pretrained-keyword", "weights are not asked for", "", "resnet18", ignores_weights),
    vision(
        "models.resnet18-pretrained-keyword",
        "pretrained=False asks for weights",
        "",
        "resnet18",
        lambda s: lambda *a, pretrained=None, **k: s(*a, **k) if pretrained is None else s(*a, pretrained=True, **k),
    ),
    vision("models.vgg19-pretrained-keyword", "pretrained is accepted without a word", "", "vgg19", quiet),
    vision(
        "models.vgg19-pretrained-keyword",
        "weights=None asks for weights",
        "",
        "vgg19",
        lambda s: (
            lambda *a, weights="DEFAULT", **k: (
                s(*a, weights=weights or "DEFAULT", **k) if "pretrained" not in k else s(*a, **k)
            )
        ),
    ),
    method(
        "models.weights-are-loaded",
        "what was loaded stays unused",
        "load_state_dict",
        lambda s, self, state, *a, **k: None,
    ),
    vision("models.weights-are-loaded", "any number of classes goes with weights", "", "resnet18", any_classes),
    patched(
        "models.default-is-random",
        "convolutions begin with one fixed pattern",
        nn.init,
        "kaiming_normal_",
        lambda s: lambda t, *a, **k: t.data.fill_(0.01),
    ),
    vision(
        "models.default-is-random",
        "a new network asks for weights",
        "",
        "resnet18",
        lambda s: lambda *a, **k: (torchvision().models.ResNet18_Weights.DEFAULT.get_state_dict(), s(*a, **k))[1],
    ),
    patched(
        "models.default-is-random",
        "initialisation goes its own way past the seed",
        nn.init,
        "kaiming_normal_",
        lambda s: lambda t, *a, **k: t.data.normal_(generator=OWN) if not t.is_meta else t,
    ),
]
OWN = torch.Generator().manual_seed(5)

MUTANTS: list[Mutant] = [*RESNET, *VGG, *WEIGHTS]

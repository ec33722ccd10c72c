"""Wrong listings of modules, parameters and buffers; wrong printing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant, kernel, output, patched


def method(claim: str, name: str, attribute: str, wrong: Callable[..., Any], owner: Any = nn.Module) -> Mutant:
    """Replace a method: `wrong(sound, self, *args, **kwargs)` is called in its place."""
    return patched(claim, name, owner, attribute, lambda sound: lambda *args, **kwargs: wrong(sound, *args, **kwargs))


@contextlib.contextmanager
def added(owner: Any, **members: Any) -> Iterator[None]:
    """Give a class members that it should not have."""
    for name, member in members.items():
        setattr(owner, name, member)
    try:
        yield
    finally:
        for name in members:
            delattr(owner, name)


def level_by_level(self: nn.Module) -> Iterator[nn.Module]:
    queue, seen = [self], set()
    for module in queue:
        if module not in seen:
            seen.add(module)
            yield module
            queue.extend(module.children())


def depth(name: str) -> int:
    return name.count(".")


def only(sound: Any, keep: Callable[[str], bool]) -> Any:
    return ((name, value) for name, value in sound if keep(name))


def every_name(self: nn.Module, which: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(nn.Module, which)(self, *args, **{**kwargs, "remove_duplicate": False})


def apply_top_first(self: nn.Module, fn: Any) -> nn.Module:
    fn(self)
    for module in self.children():
        apply_top_first(module, fn)
    return self


LISTING = [
    method(
        "module.modules-is-recursive",
        "modules stops below the children",
        "modules",
        lambda s, self: iter([self, *self.children()]),
    ),
    method(
        "module.modules-is-recursive",
        "modules yields shared modules twice",
        "modules",
        lambda s, self: (m for _, m in self.named_modules(remove_duplicate=False)),
    ),
    method(
        "module.modules-is-recursive",
        "modules leaves out containers",
        "modules",
        lambda s, self: (m for m in s(self) if m is self or not isinstance(m, nn.ModuleList)),
    ),
    method(
        "module.modules-is-recursive",
        "modules stops three levels down",
        "modules",
        lambda s, self: (m for name, m in self.named_modules() if depth(name) < 4),
    ),
    method(
        "module.modules-starts-with-self",
        "modules puts the module last",
        "modules",
        lambda s, self: iter([*s(self)][::-1]),
    ),
    method(
        "module.modules-starts-with-self",
        "modules leaves the module out",
        "modules",
        lambda s, self: iter([*s(self)][1:] or [None]),
    ),
    method("module.modules-order", "modules goes level by level", "modules", lambda s, self: level_by_level(self)),
    method(
        "module.modules-order",
        "modules sorts siblings by name",
        "named_modules",
        lambda s, self, *a, **k: iter(sorted(s(self, *a, **k), key=lambda pair: pair[0])),
    ),
    method("module.modules-is-an-iterator", "modules returns a list", "modules", lambda s, self: list(s(self))),
    method(
        "module.modules-is-an-iterator",
        "named_buffers returns a list",
        "named_buffers",
        lambda s, *a, **k: list(s(*a, **k)),
    ),
    method("module.modules-is-an-iterator", "children returns a tuple", "children", lambda s, self: tuple(s(self))),
    method(
        "module.named-modules",
        "named_modules leaves dots out",
        "named_modules",
        lambda s, *a, **k: ((n.replace(".", "_"), m) for n, m in s(*a, **k)),
    ),
    method(
        "module.named-modules",
        "the root is called by its class",
        "named_modules",
        lambda s, *a, **k: ((n or "root", m) for n, m in s(*a, **k)),
    ),
    method(
        "module.named-modules",
        "shared modules have their last name",
        "named_modules",
        lambda s, self, *a, **k: iter([*{m: (n, m) for n, m in s(self, remove_duplicate=False)}.values()]),
    ),
    method(
        "module.named-modules-options",
        "named_modules ignores the prefix of nested modules",
        "named_modules",
        lambda s, self, memo=None, prefix="", remove_duplicate=True: (
            (n if depth(n) < depth(prefix) + 2 else n.removeprefix(prefix + "."), m)
            for n, m in s(self, memo, prefix, remove_duplicate)
        ),
    ),
    method(
        "module.named-modules-options",
        "remove_duplicate=False is ignored",
        "named_modules",
        lambda s, self, memo=None, prefix="", remove_duplicate=True: s(self, memo, prefix, True),
    ),
    method(
        "module.named-modules-memo",
        "named_modules ignores the memo",
        "named_modules",
        lambda s, self, memo=None, prefix="", remove_duplicate=True: s(self, None, prefix, remove_duplicate),
    ),
    method(
        "module.named-modules-memo",
        "named_modules works on a copy of the memo",
        "named_modules",
        lambda s, self, memo=None, prefix="", remove_duplicate=True: s(
            self, None if memo is None else set(memo), prefix, remove_duplicate
        ),
    ),
    method(
        "module.named-modules-filter",
        "named_modules leaves out the layers of Sequentials",
        "named_modules",
        lambda s, *a, **k: only(s(*a, **k), lambda n: not n.startswith("features.")),
    ),
    method(
        "module.named-modules-placeholder",
        "named_modules yields the root only",
        "named_modules",
        lambda s, self, *a, **k: iter([("", self)]),
    ),
    method(
        "module.children-not-recursive",
        "children goes all the way down",
        "children",
        lambda s, self: iter([*self.modules()][1:]),
    ),
    method(
        "module.children-not-recursive",
        "children yields a shared module twice",
        "children",
        lambda s, self: (m for m in self._modules.values() if m is not None),
    ),
    method(
        "module.children-not-recursive",
        "children includes the module itself",
        "children",
        lambda s, self: iter([self, *s(self)]),
    ),
    method(
        "module.named-children",
        "named_children gives dotted names of grandchildren",
        "named_children",
        lambda s, self: iter([*self.named_modules()][1:]),
    ),
    method(
        "module.named-children",
        "named_children yields None entries",
        "named_children",
        lambda s, self: iter(self._modules.items()),
    ),
    method(
        "module.named-children",
        "a shared child has its last name",
        "named_children",
        lambda s, self: iter([*{m: (n, m) for n, m in self._modules.items() if m is not None}.values()]),
    ),
    method(
        "module.children-loop-reuses-m",
        "modules ends with the module itself",
        "modules",
        lambda s, self: iter([*[*s(self)][1:], self]),
    ),
    Mutant(
        "module.name-models",
        "Module has models() as well",
        lambda: added(nn.Module, models=lambda self: self.modules()),
    ),
    method(
        "module.model-class-typo",
        "a layer set in the constructor is not registered",
        "__setattr__",
        lambda s, self, n, v: object.__setattr__(self, n, v) if isinstance(v, nn.Conv2d) else s(self, n, v),
    ),
]

PARAMETERS = [
    method(
        "module.parameters-all-learnable",
        "parameters leaves frozen ones out",
        "parameters",
        lambda s, *a, **k: (p for p in s(*a, **k) if p.requires_grad),
    ),
    method(
        "module.parameters-all-learnable",
        "parameters yields tied ones twice",
        "parameters",
        lambda s, self, recurse=True: (p for _, p in self.named_parameters(recurse=recurse, remove_duplicate=False)),
    ),
    method(
        "module.parameters-all-learnable",
        "parameters includes buffers",
        "parameters",
        lambda s, self, recurse=True: iter([*s(self, recurse), *self.buffers(recurse)]),
    ),
    method(
        "module.parameters-all-learnable",
        "recurse=False is ignored",
        "parameters",
        lambda s, self, recurse=True: s(self),
    ),
    method(
        "module.parameters-is-a-generator",
        "parameters returns a list",
        "parameters",
        lambda s, *a, **k: list(s(*a, **k)),
    ),
    method(
        "module.parameters-is-a-generator",
        "parameters returns another iterator",
        "parameters",
        lambda s, *a, **k: iter([*s(*a, **k)]),
    ),
    method(
        "module.parameters-order",
        "parameters come in reverse",
        "parameters",
        lambda s, *a, **k: iter([*s(*a, **k)][::-1]),
    ),
    method(
        "module.parameters-order",
        "biases come before weights",
        "named_parameters",
        lambda s, *a, **k: iter(sorted(s(*a, **k), key=lambda pair: pair[0].rpartition(".")[::2])),
    ),
    method(
        "module.parameters-count",
        "biases are left out",
        "named_parameters",
        lambda s, *a, **k: only(s(*a, **k), lambda n: not n.endswith("bias")),
    ),
    patched(
        "module.parameters-count",
        "linear layers have one bias too many",
        nn.Linear,
        "__init__",
        lambda s: lambda self, i, o, *a, **k: s(self, i, o + 1, *a, **k),
    ),
    method(
        "module.named-parameters",
        "names are given without their module",
        "named_parameters",
        lambda s, *a, **k: ((n.rpartition(".")[2], p) for n, p in s(*a, **k)),
    ),
    method(
        "module.named-parameters",
        "parameters are copies",
        "named_parameters",
        lambda s, *a, **k: ((n, nn.Parameter(p.data.clone())) for n, p in s(*a, **k)),
    ),
    method(
        "module.named-parameters",
        "tied parameters have every name",
        "named_parameters",
        lambda s, self, prefix="", recurse=True, remove_duplicate=True: s(self, prefix, recurse, False),
    ),
    method(
        "module.named-parameters",
        "parameters come sorted by name",
        "named_parameters",
        lambda s, *a, **k: iter(sorted(s(*a, **k), key=lambda pair: pair[0])),
    ),
    method(
        "module.named-parameters-options",
        "recurse=False leaves nothing",
        "named_parameters",
        lambda s, self, prefix="", recurse=True, remove_duplicate=True: (
            s(self, prefix, recurse) if recurse else iter(())
        ),
    ),
    method(
        "module.named-parameters-options",
        "the prefix is put before nested names only",
        "named_parameters",
        lambda s, self, prefix="", recurse=True, remove_duplicate=True: (
            (n if depth(n) > depth(prefix + ".") else n.removeprefix(prefix + ".") if prefix else n, p)
            for n, p in s(self, prefix, recurse, remove_duplicate)
        ),
    ),
    method(
        "module.named-parameters-duplicates",
        "remove_duplicate=False is ignored",
        "named_parameters",
        lambda s, self, prefix="", recurse=True, remove_duplicate=True: s(self, prefix, recurse),
    ),
    method(
        "module.named-parameters-duplicates",
        "only those of shared modules are repeated",
        "named_parameters",
        lambda s, self, prefix="", recurse=True, remove_duplicate=True: (
            s(self, prefix, recurse, remove_duplicate) if recurse else s(self, prefix, recurse)
        ),
    ),
    method(
        "module.parameter-naming-rule",
        "names leave out Sequentials",
        "named_parameters",
        lambda s, *a, **k: ((n.removeprefix("vgg."), p) for n, p in s(*a, **k)),
    ),
    method(
        "module.parameter-naming-rule",
        "names are joined by slashes below two dots",
        "named_parameters",
        lambda s, *a, **k: ((n if depth(n) < 3 else n.replace(".", "/"), p) for n, p in s(*a, **k)),
    ),
    patched(
        "module.parameter-shapes-2-5-3",
        "linear weights are (in, out)",
        nn.Linear,
        "reset_parameters",
        lambda s: lambda self: setattr(self, "weight", nn.Parameter(self.weight.data.t().contiguous())),
    ),
    method(
        "module.vgg-parameter-listing",
        "the last two dimensions of a weight come first",
        "named_parameters",
        lambda s, *a, **k: (
            (n, nn.Parameter(p.data.permute(2, 3, 0, 1)) if p.dim() == 4 else p) for n, p in s(*a, **k)
        ),
    ),
    method(
        "module.vgg-parameter-listing",
        "append skips the number 9",
        "append",
        lambda s, self, m: (self.add_module(str(len(self) + (len(self) > 8)), m), self)[1],
        nn.Sequential,
    ),
    method(
        "module.vgg-listing-printed-from-small-net",
        "names begin with the class",
        "named_parameters",
        lambda s, self, *a, **k: ((f"{type(self).__name__}.{n}", p) for n, p in s(self, *a, **k)),
    ),
    patched(
        "module.layer-is-weight-and-bias",
        "Linear(bias=False) has a bias",
        nn.Linear,
        "__init__",
        lambda s: lambda self, i, o, bias=True, *a, **k: s(self, i, o, True, *a, **k),
    ),
    patched(
        "module.layer-is-weight-and-bias",
        "BatchNorm2d(affine=False) has parameters",
        nn.BatchNorm2d,
        "__init__",
        lambda s: lambda self, n, *a, affine=True, **k: s(self, n, *a, affine=True, **k),
    ),
    patched(
        "module.layer-is-weight-and-bias",
        "the second level of an LSTM has no biases",
        nn.LSTM,
        "__init__",
        lambda s: (
            lambda self, *a, **k: (
                s(self, *a, **k),
                [self.__delattr__(n) for n in ("bias_ih_l1", "bias_hh_l1")] if self.num_layers > 1 else 0,
                None,
            )[2]
        ),
    ),
]

BUFFERS = [
    method(
        "module.registered-values",
        "an integer buffer is stored as float",
        "register_buffer",
        lambda s, self, n, t, persistent=True: s(
            self, n, t.float() if t is not None and t.dtype == torch.int64 else t, persistent
        ),
    ),
    method(
        "module.registered-values",
        "registering a parameter unfreezes it",
        "register_parameter",
        lambda s, self, n, p: s(self, n, p if p is None else p.requires_grad_()),
    ),
    method(
        "module.buffers",
        "buffers that are not persistent are left out",
        "named_buffers",
        lambda s, self, prefix="", recurse=True, remove_duplicate=True: (
            (n, b)
            for n, b in s(self, prefix, recurse, remove_duplicate)
            if n.rpartition(".")[2]
            not in self.get_submodule(n.removeprefix(prefix).strip(".").rpartition(".")[0])._non_persistent_buffers_set
        ),
    ),
    method(
        "module.buffers",
        "integer buffers are left out",
        "named_buffers",
        lambda s, *a, **k: ((n, b) for n, b in s(*a, **k) if b.dtype != torch.int64),
    ),
    method("module.buffers", "buffers ignores recurse", "buffers", lambda s, self, recurse=True: s(self)),
    method(
        "module.buffers",
        "a shared buffer is yielded twice",
        "named_buffers",
        lambda s, self, prefix="", recurse=True, remove_duplicate=True: s(self, prefix, recurse, False),
    ),
    method(
        "module.named-buffers-duplicates",
        "remove_duplicate=False is ignored",
        "named_buffers",
        lambda s, self, prefix="", recurse=True, remove_duplicate=True: s(self, prefix, recurse),
    ),
]

LOOKING_UP = [
    method(
        "module.get-submodule",
        "get_submodule looks at the last part only",
        "get_submodule",
        lambda s, self, target: s(self, target.rpartition(".")[2]) if target.count(".") == 1 else s(self, target),
    ),
    method(
        "module.get-submodule",
        "get_submodule('') fails",
        "get_submodule",
        lambda s, self, target: getattr(self, target) if not target else s(self, target),
    ),
    method(
        "module.get-submodule",
        "get_submodule returns what is no module",
        "get_submodule",
        lambda s, self, target: getattr(self, target) if target == "note" else s(self, target),
    ),
    method(
        "module.get-submodule",
        "a missing module is None",
        "get_submodule",
        lambda s, self, target: dict(self.named_modules(remove_duplicate=False)).get(target),
    ),
    method(
        "module.get-parameter",
        "get_parameter finds buffers too",
        "get_parameter",
        lambda s, self, target: {
            **dict(self.named_buffers(remove_duplicate=False)),
            **dict(self.named_parameters(remove_duplicate=False)),
        }[target],
    ),
    method(
        "module.get-parameter",
        "get_buffer returns a copy",
        "get_buffer",
        lambda s, self, target: s(self, target).clone(),
    ),
    method(
        "module.get-parameter",
        "get_parameter of a missing name is None",
        "get_parameter",
        lambda s, self, target: dict(self.named_parameters(remove_duplicate=False)).get(target),
    ),
    method(
        "module.set-submodule",
        "set_submodule adds at the root",
        "set_submodule",
        lambda s, self, target, module, strict=False: setattr(self, target.rpartition(".")[2], module),
    ),
    method(
        "module.set-submodule",
        "set_submodule makes what is missing",
        "set_submodule",
        lambda s, self, target, module, strict=False: (
            s(self, target, module) if hasattr(self, target.partition(".")[0]) else None
        ),
    ),
    method(
        "module.dir",
        "dir leaves buffers out",
        "__dir__",
        lambda s, self: [n for n in s(self) if n not in self._buffers],
    ),
    method("module.dir", "dir holds numbers", "__dir__", lambda s, self: [*s(self), *self._modules]),
    method("module.apply", "apply begins at the top", "apply", lambda s, self, fn: apply_top_first(self, fn)),
    method(
        "module.apply",
        "apply leaves the module itself out",
        "apply",
        lambda s, self, fn: ([m.apply(fn) for m in self.children()], self)[1],
    ),
    method("module.apply", "apply returns nothing", "apply", lambda s, self, fn: s(self, fn) and None),
    method(
        "module.apply",
        "apply visits shared modules once",
        "apply",
        lambda s, self, fn: ([fn(m) for m in [*self.modules()][::-1]], self)[1],
    ),
]

TREES = [
    method(
        "module.tree",
        "children below the third level are forgotten",
        "named_modules",
        lambda s, *a, **k: only(s(*a, **k), lambda n: depth(n) < 2),
    ),
    method(
        "module.tree",
        "buffers of shared modules are yielded twice",
        "named_buffers",
        lambda s, self, prefix="", recurse=True, remove_duplicate=True: s(self, prefix, recurse, False),
    ),
    method(
        "module.tree",
        "half-precision parameters are left out",
        "named_parameters",
        lambda s, *a, **k: ((n, p) for n, p in s(*a, **k) if p.dtype != torch.bfloat16),
    ),
    method(
        "module.tree-options",
        "recurse=False takes children in",
        "parameters",
        lambda s, self, recurse=True: (
            s(self, recurse)
            if recurse
            else iter([*s(self, False), *(p for c in self.children() for p in c.parameters())])
        ),
    ),
    method(
        "module.tree-options",
        "a dotted prefix is cut",
        "named_buffers",
        lambda s, self, prefix="", recurse=True, remove_duplicate=True: s(
            self, prefix.rpartition(".")[2], recurse, remove_duplicate
        ),
    ),
    method(
        "module.edits",
        "deleting a module leaves a None entry",
        "__delattr__",
        lambda s, self, n: (
            self._modules.__setitem__(n, None) if n in self._modules and len(self._modules) > 1 else s(self, n)
        ),
    ),
    method(
        "module.edits",
        "train skips containers of containers",
        "train",
        lambda s, self, mode=True: self if isinstance(self, nn.ModuleList) else s(self, mode),
    ),
    method(
        "module.edits",
        "replacing a buffer moves it to the end",
        "__setattr__",
        lambda s, self, n, v: (
            self._buffers.__setitem__(n, self._buffers.pop(n))
            if n in self.__dict__.get("_buffers", ()) and len(self._buffers) > 1 and isinstance(v, torch.Tensor)
            else None,
            s(self, n, v),
        )[1],
    ),
    method(
        "module.edits-then-copy",
        "deepcopy puts modules in train mode",
        "__setstate__",
        lambda s, self, state: s(self, {**state, "training": True}),
    ),
]


def folded_backwards(sound: Any, self: nn.ModuleList) -> str:
    return sound(self).replace("3 x", "2 x")


PRINTING = [
    patched(
        "module.print-network",
        "Linear prints no bias",
        nn.Linear,
        "extra_repr",
        lambda s: lambda self: s(self).replace(", bias=True", ""),
    ),
    patched(
        "module.print-network",
        "Conv2d prints its padding",
        nn.Conv2d,
        "extra_repr",
        lambda s: lambda self: s(self) + ", padding=(0, 0)",
    ),
    method(
        "module.print-network",
        "layers print in reverse",
        "__repr__",
        lambda s, self: (
            "\n".join([*(r := s(self).split("\n"))[:1], *r[-2:0:-1], *r[-1:]]) if self._modules else s(self)
        ),
    ),
    patched(
        "module.modules-printed-output",
        "MaxPool2d leaves ceil_mode out",
        nn.MaxPool2d,
        "extra_repr",
        lambda s: lambda self: s(self).partition(", ceil_mode")[0],
    ),
    method(
        "module.modules-printed-output",
        "nested lines are indented by four",
        "__repr__",
        lambda s, self: s(self).replace("\n    ", "\n      "),
    ),
    method(
        "module.repr-rules",
        "None children are left out",
        "__repr__",
        lambda s, self: "\n".join(line for line in s(self).split("\n") if not line.endswith(": None")),
    ),
    method(
        "module.repr-rules",
        "an extra line is put on a line of its own",
        "__repr__",
        lambda s, self: s(self).replace("(size=3)", "(\n  size=3\n)"),
    ),
    method(
        "module.repr-rules",
        "an empty module prints an empty line",
        "__repr__",
        lambda s, self: s(self) if self._modules or self.extra_repr() else s(self)[:-1] + "\n)",
    ),
    method(
        "module.repr-folds-lists",
        "a ModuleList prints every entry",
        "__repr__",
        lambda s, self: nn.Module.__repr__(self),
        nn.ModuleList,
    ),
    method(
        "module.repr-folds-lists",
        "the count of equal entries is one too small",
        "__repr__",
        folded_backwards,
        nn.ModuleList,
    ),
    method(
        "module.tree-repr",
        "children of a Sequential print without their names",
        "__repr__",
        lambda s, self: s(self).replace("(0): ", "") if isinstance(self, nn.Sequential) else s(self),
    ),
    patched(
        "module.tree-repr", "Dropout prints no p", nn.Dropout, "extra_repr", lambda s: lambda self: "inplace=False"
    ),
]

NETWORKS = [
    output(
        "module.lenet5x5-output-shape",
        "5x5 convolutions drop their last row",
        "convolution",
        lambda out, x, w, *a: (
            out.index_fill(2, torch.tensor([out.shape[2] - 1]), 0) if w.shape[-1] == 5 and len(x) > 1 else out
        ),
    ),
    patched(
        "module.lenet5x5-output-shape",
        "pooling of 10x10 takes the first of each window",
        nn.functional,
        "max_pool2d",
        lambda s: lambda x, *a, **k: x[..., ::2, ::2].contiguous() if x.shape[-1] == 10 else s(x, *a, **k),
    ),
    patched(
        "module.lenet3x3-output-shape",
        "pooling rounds up",
        nn.functional,
        "max_pool2d",
        lambda s: lambda x, *a, **k: s(x, *a, **{**k, "ceil_mode": True}),
    ),
    output(
        "module.lenet3x3-output-shape",
        "ReLU lets small negative values through",
        "relu",
        lambda out, x: torch.where((x < 0) & (x > -2), x, out),
    ),
    patched(
        "module.num-flat-features",
        "size() leaves the last dimension out",
        torch.Tensor,
        "size",
        lambda s: lambda self, *a: s(self, *a) if a or self.dim() < 4 else s(self)[:-1],
    ),
    patched(
        "module.view-minus-one-as-batch",
        "view refuses to change the batch size",
        torch.Tensor,
        "view",
        lambda s: lambda self, *a: s(self, len(self), *a[1:]) if a[0] == -1 else s(self, *a),
    ),
    method(
        "module.net2-output-shape",
        "a Sequential leaves its second last layer out",
        "forward",
        lambda s, self, x: [x := m(x) for m in [*self[:-2], *self[-1:]]][-1] if len(self) > 5 else s(self, x),
        nn.Sequential,
    ),
    method(
        "module.net2-super-names-other-class",
        "assignment registers no Sequential",
        "__setattr__",
        lambda s, self, n, v: object.__setattr__(self, n, v) if isinstance(v, nn.Sequential) else s(self, n, v),
    ),
    method(
        "module.model-forward",
        "a named Sequential runs in reverse",
        "forward",
        lambda s, self, x: (
            [x := m(x) for m in (self.conv3, self.relu1, self.conv4)][-1] if hasattr(self, "conv3") else s(self, x)
        ),
        nn.Sequential,
    ),
    kernel(
        "module.model-forward",
        "the third convolution sees its input flipped",
        "convolution",
        lambda func, x, w, *a: func(x.flip(-1) if w.shape[0] == 128 else x, w, *a),
    ),
    method(
        "module.module-is-layer-or-network",
        "parameters of nested networks are left out",
        "named_parameters",
        lambda s, *a, **k: only(s(*a, **k), lambda n: depth(n) < 3),
    ),
    patched(
        "module.functional-for-parameterless-layers",
        "F.max_pool2d ignores padding",
        nn.functional,
        "max_pool2d",
        lambda s: lambda x, k, stride=None, padding=0, *a, **kw: s(x, k, stride, 0, *a, **kw),
    ),
    patched(
        "module.functional-for-parameterless-layers",
        "F.dropout is on whatever training says",
        nn.functional,
        "dropout",
        lambda s: lambda x, p=0.5, training=True, inplace=False: s(x, p, True, inplace),
    ),
    output(
        "module.functional-for-parameterless-layers",
        "ReLU doubles values beyond the 16th element",
        "relu",
        lambda out, x: (
            out if x.numel() < 17 else torch.cat([out.flatten()[:16], out.flatten()[16:] * 2]).view(out.shape)
        ),
    ),
]

MUTANTS: list[Mutant] = [*LISTING, *PARAMETERS, *BUFFERS, *LOOKING_UP, *TREES, *PRINTING, *NETWORKS]

"""Trees of modules built in PyTorch from the programs of `conformance.oracle.module_edits`, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch

from conformance import host
from conformance.assertions import assert_values, require
from conformance.oracle import module as model
from conformance.oracle.module_corpus import CORPUS
from conformance.oracle.module_edits import Forest, Program, Step
from conformance.subject import Subject


class Built:
    """The modules and tensors of a program by number, as in `Forest`, on a subject."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.modules: list[torch.nn.Module] = []
        self.tensors: list[torch.Tensor] = []
        self.make_module("Branch")

    @property
    def root(self) -> torch.nn.Module:
        return self.modules[0]

    def make_module(self, name: str) -> torch.nn.Module:
        kind = model.KINDS[name]
        made = branch() if name == "Branch" else getattr(torch.nn, name)(*kind.arguments).to(self.subject.device)
        self.modules.append(made)
        for own, _ in kind.parameters:
            self._fill(getattr(made, own), "float32")
        for own, _, dtype in kind.buffers:
            self._fill(getattr(made, own), dtype)
        return made

    def _fill(self, tensor: torch.Tensor, dtype: str) -> None:
        values = model.values(len(self.tensors), tuple(tensor.shape), dtype)
        tensor.data.copy_(host.tensor(values, dtype, self.subject.device))
        self.tensors.append(tensor)

    def make_tensor(self, step: Step, *, is_parameter: bool) -> torch.Tensor:
        dtype = str(step.what)
        self.subject.require(dtype)
        made = host.tensor(model.values(len(self.tensors), step.shape, dtype), dtype, self.subject.device)
        made = torch.nn.Parameter(made, requires_grad=step.flag) if is_parameter else made
        self.tensors.append(made)
        return made

    def module(self, what: str | int | None) -> torch.nn.Module | None:
        return self.make_module(what) if isinstance(what, str) else None if what is None else self.modules[what]

    def tensor(self, step: Step, *, is_parameter: bool) -> torch.Tensor | None:
        if isinstance(step.what, str):
            return self.make_tensor(step, is_parameter=is_parameter)
        return None if step.what is None else self.tensors[step.what]

    def do(self, step: Step, forest: Forest) -> str:
        """Apply an edit; returns the name of the exception that it ended with, or nothing.

        `forest`: the model after the edit, which says where fresh buffers lie.
        """
        action = self._action(step)
        try:
            action()
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            return type(error).__name__
        finally:
            self._meet(forest)
        return ""

    def _action(self, step: Step) -> Callable[[], Any]:
        owner, name, do = self.modules[step.at], step.name, step.do
        if do in ("add_module", "register_module", "set_module", "append", "insert", "set_item"):
            plain = isinstance(owner, (torch.nn.ParameterList, torch.nn.ParameterDict))
            value = self.tensor(step, is_parameter=True) if plain else self.module(step.what)
            return _placing(owner, do, name, value)
        if do in ("register_parameter", "set_parameter"):
            parameter = self.tensor(step, is_parameter=True)
            return lambda: _register(owner, do, name, parameter)
        if do in ("register_buffer", "set_tensor"):
            buffer = self.tensor(step, is_parameter=False)
            if do == "set_tensor":
                return lambda: setattr(owner, name, buffer)
            return lambda: owner.register_buffer(name, buffer, persistent=step.flag)
        return lambda: SIMPLE[do](owner, step)

    def _meet(self, forest: Forest) -> None:
        """Take in the buffers that a conversion has replaced."""
        for leaf in forest.leaves[len(self.tensors) :]:
            place = next((n, name) for n in forest.nodes for name, found in n.buffers.items() if found is leaf)
            self.tensors.append(getattr(self.modules[place[0].number], place[1]))

    # -- what the tree says of itself, by number -------------------------------------------------------------------

    def number(self, module: object) -> int:
        return next((place for place, known in enumerate(self.modules) if known is module), -1)

    def leaf(self, tensor: object) -> int:
        return next((place for place, known in enumerate(self.tensors) if known is tensor), -1)

    def paths(self, pairs: Iterable[tuple[str, Any]]) -> list[tuple[str, int]]:
        return [(name, self.number(module)) for name, module in pairs]

    def leaves(self, pairs: Iterable[tuple[str, Any]]) -> list[tuple[str, int]]:
        return [(name, self.leaf(tensor)) for name, tensor in pairs]


class Branch(torch.nn.Module):
    """A module of a subclass without anything of its own."""


def branch() -> torch.nn.Module:
    """A fresh Branch."""
    return Branch()


def _placing(owner: Any, do: str, name: str, value: Any) -> Callable[[], Any]:
    if do == "set_module":
        return lambda: setattr(owner, name, value)
    if do == "append":
        return lambda: owner.append(value)
    if do == "insert":
        return lambda: owner.insert(int(name), value)
    if do == "set_item":
        return lambda: owner.__setitem__(_key(owner, name), value)
    return lambda: getattr(owner, do)(name, value)


def _key(owner: Any, name: str) -> int | str:
    return int(name) if isinstance(owner, (torch.nn.Sequential, torch.nn.ModuleList)) else name


def _register(owner: Any, do: str, name: str, value: Any) -> None:
    if do == "register_parameter":
        owner.register_parameter(name, value)
    else:
        setattr(owner, name, value)


def _set_grads(owner: torch.nn.Module, step: Step) -> None:
    if not step.flag:
        owner.zero_grad(set_to_none=True)
        return
    for parameter in owner.parameters():
        parameter.grad = torch.ones_like(parameter)


SIMPLE: dict[str, Callable[[Any, Step], Any]] = {
    "set_none": lambda owner, step: setattr(owner, step.name, None),
    "set_plain": lambda owner, step: setattr(owner, step.name, 5),
    "delete": lambda owner, step: delattr(owner, step.name),
    "delete_item": lambda owner, step: owner.__delitem__(_key(owner, step.name)),
    "train": lambda owner, step: owner.train(step.flag),
    "requires_grad_": lambda owner, step: owner.requires_grad_(step.flag),
    "grads": _set_grads,
    "convert": lambda owner, step: owner.to(host.torch_dtype(str(step.what))),
}


def build(subject: Subject, program: Program) -> tuple[Built, Forest]:
    """A program run in PyTorch and on the model; refutes where an edit is not accepted or refused as it should be."""
    built, forest = Built(subject), Forest()
    for place, step in enumerate(program):
        due = forest.do(step)
        found = built.do(step, forest)
        require(
            found == due,
            f"edit {place} ({step}) ends with {found or 'no error'}, but should with {due or 'none'}",
            due,
            found,
        )
    return built, forest


def assert_same(call: str, found: object, due: object) -> None:
    """Refute unless both lists (of names, numbers, flags) are equal."""
    require(found == due, f"{call} gives {found}, but should give {due}", due, found)


def assert_listings(built: Built, forest: Forest) -> None:
    """Refute unless every traversal of every module of the forest is as the model says."""
    for module, node in zip(built.modules, forest.nodes, strict=True):
        call = f"module {node.number} ({node.kind.name})"
        assert_same(f"{call}.named_modules()", built.paths(module.named_modules()), paths(model.named_modules(node)))
        assert_same(f"{call}.named_children()", built.paths(module.named_children()), paths(model.named_children(node)))
        for which in ("parameters", "buffers"):
            found = built.leaves(getattr(module, f"named_{which}")())
            assert_same(f"{call}.named_{which}()", found, leaves(model.named_leaves(node, which)))
        found = built.leaves(module.state_dict(keep_vars=True).items())
        assert_same(f"{call}.state_dict(keep_vars=True)", found, leaves(model.state(node)))
        assert_same(f"{call}.training", module.training, node.training)


def assert_leaves(built: Built, forest: Forest) -> None:
    """Refute unless every tensor has the dtype, values and flags of its leaf."""
    for tensor, leaf in zip(built.tensors, forest.leaves, strict=True):
        call = f"tensor {leaf.number} ({'parameter' if leaf.is_parameter else 'buffer'})"
        assert_values(call, tensor.detach(), leaf.values, dtype=leaf.dtype)
        assert_same(f"{call}.requires_grad", tensor.requires_grad, leaf.requires_grad)
        if leaf.is_parameter:
            grad = tensor.grad
            assert_same(f"{call}.grad is set", grad is not None, leaf.has_grad)
            assert_same(f"{call}.grad.dtype", grad is None or host.dtype_name(grad.dtype) == leaf.dtype, True)


def paths(pairs: Iterator[tuple[str, model.Node]]) -> list[tuple[str, int]]:
    """What `Built.paths` should be."""
    return [(name, node.number) for name, node in pairs]


def leaves(pairs: Iterator[tuple[str, model.Leaf]]) -> list[tuple[str, int]]:
    """What `Built.leaves` should be."""
    return [(name, leaf.number) for name, leaf in pairs]


def everywhere(subject: Subject) -> Iterator[tuple[str, Built, torch.nn.Module, model.Node]]:
    """Every module of every tree of the corpus, each as a root of its own."""
    for name, program in CORPUS.items():
        built, forest = build(subject, program)
        for module, node in zip(built.modules, forest.nodes, strict=True):
            yield f"tree {name!r}, module {node.number} ({node.kind.name})", built, module, node


def built_trees(subject: Subject) -> Iterator[tuple[str, Built, Forest]]:
    """Every tree of the corpus, built, with its model."""
    for name, program in CORPUS.items():
        yield (f"tree {name!r}", *build(subject, program))

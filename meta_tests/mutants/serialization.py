"""Wrong saving and loading of tensors and objects; and how the area makes its mutants."""

from __future__ import annotations

import builtins
import copy
import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from meta_tests.mutant import Mutant, patched

Edit = Callable[[Any], Any]


def mapped(thing: Any, change: Edit, memo: dict[int, Any] | None = None) -> Any:
    """The nested object with every tensor replaced; a tensor in two places stays one."""
    memo = {} if memo is None else memo
    if isinstance(thing, torch.Tensor):
        if id(thing) not in memo:
            memo[id(thing)] = change(thing), thing
        return memo[id(thing)][0]
    if type(thing) in (dict, OrderedDict):
        made = type(thing)((key, mapped(value, change, memo)) for key, value in thing.items())
        made.__dict__.update(vars(thing)) if type(thing) is OrderedDict else None
        return made
    if type(thing) in (list, tuple):
        return type(thing)(mapped(value, change, memo) for value in thing)
    return thing


def loading(claim: str, name: str, change: Edit) -> Mutant:
    """torch.load returns something else: `change(object)`."""
    return patched(claim, name, torch, "load", lambda sound: lambda *args, **named: change(sound(*args, **named)))


def loaded(claim: str, name: str, change: Edit) -> Mutant:
    """torch.load returns other tensors: `change(tensor)` for each."""
    return loading(claim, name, lambda out: mapped(out, lambda x: x if x.is_meta else change(x)))


def saving(claim: str, name: str, change: Edit) -> Mutant:
    """torch.save writes something else: `change(object)`."""
    return patched(
        claim, name, torch, "save", lambda sound: lambda obj, *args, **named: sound(change(obj), *args, **named)
    )


def saved(claim: str, name: str, change: Edit) -> Mutant:
    """torch.save writes other tensors: `change(tensor)` for each."""
    return saving(claim, name, lambda obj: mapped(obj, lambda x: x if x.is_meta else change(x)))


def called(claim: str, name: str, owner: Any, attribute: str, wrong: Callable[..., Any]) -> Mutant:
    """`wrong(sound, *args, **named)` is called in a function's place."""
    return patched(claim, name, owner, attribute, lambda sound: lambda *args, **named: wrong(sound, *args, **named))


def where(true: Callable[[torch.Tensor], bool], change: Edit) -> Edit:
    """A change of some tensors only."""
    return lambda x: change(x) if true(x) else x


def kept(x: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """The replacement with the class and flag of the tensor."""
    made = made.detach()
    return nn.Parameter(made, x.requires_grad) if isinstance(x, nn.Parameter) else made.requires_grad_(x.requires_grad)


def nudged(x: torch.Tensor) -> torch.Tensor:
    """The last element is another one."""
    with torch.no_grad():
        flat = x.detach()
        flat[(-1,) * x.dim()] = flat[(0,) * x.dim()]
    return x


def without_negative_zeros(x: torch.Tensor) -> torch.Tensor:
    if x.is_floating_point() and x.element_size() >= 4 and x.dtype != torch.float64:
        x.data[x.data == 0] = 0.0
    return x


def strided(x: torch.Tensor) -> bool:
    return not x.is_contiguous()


VALUES = [
    loaded("serialization.tensor-values", "negative zeros of float32 become positive", without_negative_zeros),
    loaded(
        "serialization.tensor-values",
        "the last element of a transposed tensor is the first",
        where(lambda x: strided(x) and x.numel() > 16 and 0 not in x.stride(), nudged),
    ),
    loaded(
        "serialization.tensor-values",
        "bfloat16 becomes float16",
        lambda x: x.half() if x.dtype == torch.bfloat16 else x,
    ),
    saved(
        "serialization.tensor-values",
        "NaN is saved as 0 in float64",
        lambda x: torch.nan_to_num(x, nan=0.0, posinf=torch.inf, neginf=-torch.inf) if x.dtype == torch.float64 else x,
    ),
    loaded("serialization.tensor-strides", "tensors are made contiguous", lambda x: kept(x, x.contiguous())),
    saved(
        "serialization.tensor-strides",
        "tensors with an offset are copied",
        where(lambda x: x.storage_offset() > 0, lambda x: kept(x, x.clone())),
    ),
    loaded(
        "serialization.tensor-strides",
        "expanded tensors are written out",
        where(lambda x: 0 in x.stride(), lambda x: kept(x, x.clone(memory_format=torch.contiguous_format))),
    ),
    loaded(
        "serialization.tensor-sizes",
        "tensors of no dimension get one",
        where(lambda x: x.dim() == 0, lambda x: x[None]),
    ),
    loaded(
        "serialization.tensor-sizes",
        "empty tensors lose their shape",
        where(lambda x: x.numel() == 0, lambda x: x.reshape(0)),
    ),
    loaded(
        "serialization.tensor-sizes",
        "large tensors lose their last element",
        where(lambda x: x.numel() > 32768, nudged),
    ),
    loaded("serialization.requires-grad", "the flag is lost", lambda x: x.detach()),
    saved(
        "serialization.requires-grad",
        "the flag of tensors with a history is lost",
        where(lambda x: not x.is_leaf, lambda x: x.detach()),
    ),
    loaded(
        "serialization.requires-grad",
        "the loaded leaf has a history",
        where(lambda x: x.requires_grad, lambda x: x.view_as(x)),
    ),
    saved(
        "serialization.parameter",
        "Parameters become tensors",
        lambda x: x.detach() if isinstance(x, nn.Parameter) else x,
    ),
    called(
        "serialization.parameter",
        "frozen Parameters thaw",
        nn.Parameter,
        "__reduce_ex__",
        lambda sound, self, proto: (
            sound(self, proto)[0],
            (sound(self, proto)[1][0], True, *sound(self, proto)[1][2:]),
        ),
    ),
    loaded(
        "serialization.conjugate-view",
        "conjugate views are resolved",
        where(lambda x: x.is_conj(), lambda x: x.resolve_conj()),
    ),
    loaded("serialization.conjugate-view", "negative views lose their sign", where(lambda x: x.is_neg(), lambda x: -x)),
    loaded(
        "serialization.sparse",
        "CSR tensors become COO",
        lambda x: x.to_sparse() if x.layout == torch.sparse_csr else x,
    ),
    loaded(
        "serialization.sparse",
        "COO tensors get a wrong size",
        lambda x: torch.sparse_coo_tensor(x._indices(), x._values(), (5, 3)) if x.layout == torch.sparse_coo else x,
    ),
]


def unshared(thing: Any, least: int = 1) -> Any:
    """From the `least`-th view of a storage on, views get memory of their own, laid out alike."""
    seen: dict[int, int] = {}

    def change(x: torch.Tensor) -> torch.Tensor:
        if x.layout != torch.strided or x.is_meta or not x.numel():
            return x
        place = x.untyped_storage().data_ptr()
        seen[place] = seen.get(place, 0) + 1
        if seen[place] <= least:
            return x
        whole = torch.empty(0, dtype=x.dtype).set_(x.untyped_storage().clone(), x.storage_offset(), x.shape, x.stride())
        return kept(x, whole)

    return mapped(thing, change)


def doubled(thing: Any) -> Any:
    """Tensors that stand in two places become two that share their memory."""
    if isinstance(thing, torch.Tensor):
        return kept(thing, thing.detach().view_as(thing))
    if type(thing) is dict:
        return {key: doubled(value) for key, value in thing.items()}
    return type(thing)(doubled(value) for value in thing) if type(thing) in (list, tuple) else thing


def merged(thing: Any) -> Any:
    """Equal tensors become one."""
    seen: list[torch.Tensor] = []

    def change(x: torch.Tensor) -> torch.Tensor:
        for other in seen:
            if other.shape == x.shape and other.dtype == x.dtype and torch.equal(other, x):
                return other
        seen.append(x)
        return x

    return mapped(thing, change)


def small(x: torch.Tensor) -> torch.Tensor:
    """Only what the view shows, in memory of its own."""
    return kept(x, x.detach().clone()) if x.layout == torch.strided else x


def padded(sound: Any, obj: Any, f: Any, *args: Any, **named: Any) -> None:
    """Clones are saved with 8,000 bytes more behind them."""
    if isinstance(obj, torch.Tensor) and obj.numel() == 5:
        obj = torch.cat([obj, obj.new_zeros(1000)])[:5]
    sound(obj, f, *args, **named)


def allowing_types(sound: Any, obj: Any, *args: Any, **named: Any) -> None:
    """Views of one storage under two dtypes are copied instead of refused."""
    try:
        sound(obj, *args, **named)
    except RuntimeError:
        sound(mapped(obj, lambda x: x.clone()), *args, **named)


SHARING = [
    loading("serialization.shared-storage", "views are copied", unshared),
    loading("serialization.shared-storage", "from the third view on they are copied", lambda out: unshared(out, 2)),
    saving("serialization.shared-storage", "views are saved as copies", lambda obj: unshared(obj, 3)),
    loading("serialization.same-object", "one tensor becomes two that share", doubled),
    saving("serialization.separate-tensors", "equal tensors are saved once", merged),
    loading("serialization.separate-tensors", "equal tensors become one", merged),
    called("serialization.two-dtypes-one-storage", "they are copied", torch, "save", allowing_types),
    saved("serialization.whole-storage", "only the elements of a view are saved", small),
    called("serialization.whole-storage", "a clone brings more than its elements", torch, "save", padded),
    loading("serialization.any-tensors", "from the second view on they are copied", unshared),
    loading("serialization.any-tensors", "tuples become lists", lambda out: _tuples_to_lists(out)),
    called(
        "serialization.any-tensors",
        "deepcopy lets go of sharing",
        copy,
        "deepcopy",
        lambda sound, x, *rest: unshared(sound(x, *rest)),
    ),
]


def _tuples_to_lists(thing: Any) -> Any:
    if type(thing) in (list, tuple):
        return [_tuples_to_lists(value) for value in thing]
    return {key: _tuples_to_lists(value) for key, value in thing.items()} if type(thing) is dict else thing


def only_dicts(sound: Any, obj: Any, *args: Any, **named: Any) -> None:
    if isinstance(obj, range):
        raise TypeError("torch.save takes tensors, dicts and modules")
    sound(obj, *args, **named)


def flattened(out: Any) -> Any:
    if type(out) is dict and "state_dict" in out:
        return {**{f"state_dict.{key}": value for key, value in out["state_dict"].items()}, **out}
    return out


def on_checkpoint(change: Callable[[dict[str, Any]], Any]) -> Edit:
    return lambda out: change(dict(out)) if type(out) is dict and "state_dict" in out else out


def dropping(*keys: str) -> Edit:
    return on_checkpoint(lambda out: {key: value for key, value in out.items() if key not in keys})


def accepting(sound: Any, f: Any, *args: Any, **named: Any) -> Any:
    """weights_only=True falls back on everything."""
    try:
        return sound(f, *args, **named)
    except pickle.UnpicklingError:
        if hasattr(f, "seek"):
            f.seek(0)
        return sound(f, *args, **{**named, "weights_only": False})


def sorted_states(out: Any) -> Any:
    return OrderedDict(sorted(out.items())) if type(out) is OrderedDict else out


def plain_states(out: Any) -> Any:
    return dict(out) if type(out) is OrderedDict else out


def no_versions(out: Any) -> Any:
    if type(out) is OrderedDict and hasattr(out, "_metadata"):
        out._metadata = OrderedDict((key, {"version": 1}) for key in out._metadata)
    return out


def optimizer_states(change: Callable[[dict[str, Any]], None]) -> Edit:
    def edit(out: Any) -> Any:
        state = out.get("optimizer", out) if type(out) is dict else {}
        if "param_groups" in state:
            change(state)
        return out

    return edit


def _steps_forgotten(state: dict[str, Any]) -> None:
    for entry in state["state"].values():
        if "step" in entry and isinstance(entry["step"], torch.Tensor):
            entry["step"] = torch.zeros_like(entry["step"])
        if entry.get("momentum_buffer") is not None:
            entry["momentum_buffer"] = torch.zeros_like(entry["momentum_buffer"])


def _one_rate(state: dict[str, Any]) -> None:
    for group in state["param_groups"]:
        group["lr"] = state["param_groups"][0]["lr"]


def _reset_buffers(out: Any) -> Any:
    if isinstance(out, nn.Module) and hasattr(out, "left_out"):
        out.left_out.zero_()
    return out


def _in_training(out: Any) -> Any:
    return out.train() if isinstance(out, nn.Module) else out


def lenient(sound: Any, self: nn.Module, state: Any, *args: Any, **named: Any) -> Any:
    try:
        return sound(self, state, *args, **named)
    except RuntimeError:
        return sound(self, {}, strict=False)


def stale_class(sound: Any, f: Any, *args: Any, **named: Any) -> Any:
    """A class that is gone is replaced by a plain Linear."""
    try:
        return sound(f, *args, **named)
    except (AttributeError, ImportError):
        return nn.Linear(2, 1)


def as_ascii(sound: Any, source: Any, *args: Any, **named: Any) -> Any:
    """Full-width punctuation is taken for ASCII."""
    return sound(source.replace("）", ")").replace("：", ":") if isinstance(source, str) else source, *args, **named)


OBJECTS = [
    called("serialization.save-saves-a-dict", "ranges are refused", torch, "save", only_dicts),
    loading("serialization.save-saves-a-dict", "None becomes an empty dict", lambda out: {} if out is None else out),
    loading("serialization.load-returns-what-was-saved", "the state is flattened into the dict", flattened),
    loading("serialization.load-returns-what-was-saved", "None entries are dropped", dropping("zeta")),
    loading(
        "serialization.load-returns-what-was-saved",
        "keys are sorted",
        on_checkpoint(lambda out: dict(sorted(out.items()))),
    ),
    loading("serialization.save-custom-dict", "text is dropped", dropping("stage")),
    loading(
        "serialization.save-custom-dict",
        "the loss becomes an int",
        on_checkpoint(lambda out: {**out, "loss": int(out["loss"])}),
    ),
    called("serialization.numpy-scalar-in-checkpoint", "numpy scalars are accepted", torch, "load", accepting),
    loading("serialization.containers", "tuples become lists", _tuples_to_lists),
    loading(
        "serialization.containers",
        "an OrderedDict is sorted",
        sorted_states,
    ),
    loading(
        "serialization.containers",
        "True becomes 1",
        lambda out: (
            {**out, "numbers": [int(x) for x in out["numbers"]]}
            if type(out) is dict and "numbers" in out
            else [int(x) for x in out]
            if type(out) is list and out[:1] == [0] and True in out[-2:]
            else out
        ),
    ),
    loading("serialization.state-dict", "the state becomes a plain dict", plain_states),
    loading("serialization.state-dict", "the versions are forgotten", no_versions),
    loading("serialization.state-dict", "keys are sorted", sorted_states),
    loading("serialization.optimizer-state", "the steps and momenta are forgotten", optimizer_states(_steps_forgotten)),
    loading("serialization.optimizer-state", "all groups get one learning rate", optimizer_states(_one_rate)),
    loading(
        "serialization.training-continues", "the steps and momenta are forgotten", optimizer_states(_steps_forgotten)
    ),
    loading("serialization.training-continues", "all groups get one learning rate", optimizer_states(_one_rate)),
    loading("serialization.save-entire-net", "the network comes back in training mode", _in_training),
    loading("serialization.save-entire-net", "buffers that are not persistent are lost", _reset_buffers),
    called("serialization.save-entire-net", "whole networks load by default", torch, "load", accepting),
    called("serialization.entire-net-needs-its-class", "a class that is gone is replaced", torch, "load", stale_class),
    called(
        "serialization.order-of-note-snippets",
        "another network's state is ignored",
        nn.Module,
        "load_state_dict",
        lenient,
    ),
    called("serialization.fullwidth-punctuation", "Python takes it for ASCII", builtins, "compile", as_ascii),
    called(
        "serialization.pretrained-densenet-file",
        "another network's state is ignored",
        nn.Module,
        "load_state_dict",
        lenient,
    ),
]

MUTANTS = [*VALUES, *SHARING, *OBJECTS]

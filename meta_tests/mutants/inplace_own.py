"""Wrong in-place methods, each in a way of its own: ignored arguments, shapes, storage, flags, random numbers."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch.nn import functional

from meta_tests.mutant import Mutant, kernel, patched, strided
from meta_tests.mutants.inplace import Sound, always, moved, spoil, spoiled, unrecorded, when

Tensor = torch.Tensor


def method(name: str, says: str, wrong: Any) -> Mutant:
    """A mutant of one method: `wrong(sound)` returns the replacement."""
    return patched(f"inplace.{name}", says, Tensor, name, wrong)


def without(*names: str) -> Any:
    """A replacement that ignores keyword arguments."""
    return lambda sound: lambda x, *a, **k: sound(x, *a, **{key: v for key, v in k.items() if key not in names})


def first_only(sound: Sound) -> Sound:
    """Positional arguments after the first are ignored."""
    return lambda x, *a, **k: sound(x, *a[:1], **k)


def copied(sound: Sound) -> Sound:
    """Changes and returns a copy."""
    return lambda x, *a, **k: sound(x.clone(), *a, **k)


def quiet(name: str) -> Mutant:
    return method(
        name,
        f"{name} of a leaf that requires grad is accepted",
        when(lambda x, *a: x.requires_grad and x.is_leaf, unrecorded),
    )


ARGUMENTS = [
    method("lerp_", "lerp_ takes no names", lambda sound: lambda x, end, weight, /: sound(x, end, weight)),
    method(
        "hypot_",
        "hypot_ takes what is given by name for a copy of self",
        lambda sound: lambda x, *a, **k: sound(x, *a) if a else sound(x, x.clone()),
    ),
    method(
        "add_",
        "add_ ignores alpha where self is strided",
        lambda sound: lambda x, y, alpha=1: sound(x, y, alpha=1 if strided(x) else alpha),
    ),
    method(
        "add_",
        "add_ broadcasts self",
        lambda sound: (
            lambda x, y, **k: (
                sound(x, y, **k) if not isinstance(y, Tensor) or y.dim() <= x.dim() else x.set_(torch.add(x, y, **k))
            )
        ),
    ),
    method(
        "add_",
        "add_ of a number to float64 goes through float32",
        lambda sound: (
            lambda x, y, **k: (
                x.copy_(sound(x.float(), y, **k))
                if x.dtype is torch.float64 and not isinstance(y, Tensor) and not x.requires_grad
                else sound(x, y, **k)
            )
        ),
    ),
    method("sub_", "sub_ ignores alpha", without("alpha")),
    method(
        "mul_", "mul_ of a self by itself doubles it", lambda sound: lambda x, y: sound(x, 2) if y is x else sound(x, y)
    ),
    method(
        "div_",
        "div_ rounds downwards where it should cut off",
        lambda sound: lambda x, y, rounding_mode=None: sound(x, y, rounding_mode=rounding_mode and "floor"),
    ),
    method(
        "div_",
        "div_ lets an integer self hold a cut-off quotient",
        lambda sound: (
            lambda x, y, **k: (
                sound(x, y, rounding_mode="trunc")
                if not x.is_floating_point() and not x.is_complex()
                else sound(x, y, **k)
            )
        ),
    ),
    method("addcmul_", "addcmul_ ignores value", without("value")),
    method(
        "addmm_",
        "addmm_ with beta 0 keeps a NaN of self",
        lambda sound: (
            lambda x, a, b, beta=1, alpha=1: sound(
                x.mul_(0.0) if x.is_floating_point() and beta == 0 else x,
                a,
                b,
                beta=1 if beta == 0 else beta,
                alpha=alpha,
            )
        ),
    ),
    method("baddbmm_", "baddbmm_ ignores alpha", without("alpha")),
    method(
        "clamp_",
        "clamp_ lets min win where the bounds cross",
        lambda sound: (
            lambda x, min=None, max=None: (
                sound(sound(x, None, max), min) if max is not None and min is not None else sound(x, min, max)
            )
        ),
    ),
    method(
        "copy_",
        "copy_ rounds to the nearest integer where it should cut off",
        lambda sound: (
            lambda x, y, *a: sound(x, y.round() if y.is_floating_point() and not x.is_floating_point() else y, *a)
        ),
    ),
    method(
        "copy_",
        "copy_ copies in memory order where self is transposed",
        lambda sound: (
            lambda x, y, *a: (
                (sound(x.t(), y.reshape(x.t().shape)), x)[1]
                if x.dim() == 2 and x.stride(0) == 1 < x.stride(1) and y.shape == x.shape
                else sound(x, y, *a)
            )
        ),
    ),
    method("fill_diagonal_", "fill_diagonal_ ignores wrap", first_only),
    method(
        "masked_fill_",
        "masked_fill_ broadcasts a mask of one column along the wrong dimension",
        lambda sound: (
            lambda x, m, v: sound(x, m[..., :1, :].expand_as(x) if m.dim() > 1 and m.shape[-1] == 1 else m, v)
        ),
    ),
    method(
        "masked_scatter_",
        "masked_scatter_ fills in memory order where self is transposed",
        lambda sound: (
            lambda x, m, s: (
                (sound(x.t(), m.expand_as(x).t(), s), x)[1]
                if x.dim() == 2 and x.stride(0) == 1 < x.stride(1)
                else sound(x, m, s)
            )
        ),
    ),
    method(
        "tril_",
        "tril_ takes the diagonal with the wrong sign where it is negative",
        lambda sound: lambda x, diagonal=0: sound(x, abs(diagonal)),
    ),
    method(
        "index_add_",
        "index_add_ adds repeated slices once",
        lambda sound: (
            lambda x, dim, index, source, **k: (
                sound(x, dim, index, source, **k)
                if index.unique().numel() == index.numel()
                else x.index_copy_(dim, index, x.index_select(dim, index) + source)
            )
        ),
    ),
    method(
        "index_copy_",
        "index_copy_ takes a negative dimension for the first where it fits",
        lambda sound: (
            lambda x, dim, index, source: (
                sound(x, max(dim, 0), index, source)
                if x.dim() > 1 and source.shape[0] == index.numel()
                else sound(x, dim, index, source)
            )
        ),
    ),
    method("index_put_", "index_put_ ignores accumulate", lambda sound: lambda x, i, v, *a, **k: sound(x, i, v)),
    method("index_reduce_", "index_reduce_ ignores include_self", without("include_self")),
    patched(
        "inplace.index-reduce-short",
        "products of single elements ignore include_self",
        Tensor,
        "index_reduce_",
        without("include_self"),
    ),
    method(
        "scatter_reduce_",
        "scatter_reduce_ counts self in a mean that leaves it out",
        lambda sound: (
            lambda x, dim, i, s, reduce, include_self=True: sound(
                x, dim, i, s, reduce, include_self=include_self or reduce == "mean"
            )
        ),
    ),
    method("scatter_", "scatter_ ignores reduce", without("reduce")),
    method(
        "scatter_add_",
        "scatter_add_ keeps the last of repeated places",
        lambda sound: lambda x, dim, index, src: x.scatter_(dim, index, x.gather(dim, index) + src),
    ),
    method(
        "put_",
        "put_ counts places in memory order",
        lambda sound: (
            lambda x, i, s, *a, **k: (
                (sound(x.as_strided((x.numel(),), (1,)), i, s, *a, **k), x)[1]
                if x.dim() == 2 and x.stride(0) == 1 < x.stride(1)
                else sound(x, i, s, *a, **k)
            )
        ),
    ),
    method(
        "renorm_",
        "renorm_ scales slices up as well",
        lambda sound: (
            lambda x, p, dim, maxnorm: (
                sound(x.mul_(1000), p, dim, maxnorm) if not x.requires_grad else sound(x, p, dim, maxnorm)
            )
        ),
    ),
    method("cumsum_", "cumsum_ goes along the first dimension only", lambda sound: lambda x, dim: sound(x, 0)),
    method("round_", "round_ ignores decimals", without("decimals")),
    method("nan_to_num_", "nan_to_num_ ignores neginf", without("neginf")),
    method("logit_", "logit_ ignores eps", lambda sound: lambda x, eps=None: sound(x)),
    method(
        "lerp_",
        "lerp_ takes the wrong weight beyond one half",
        lambda sound: lambda x, end, w: sound(x, end, w if not isinstance(w, Tensor) else w.clamp(max=0.5)),
    ),
    kernel(
        "inplace.eq_",
        "eq_ of complex numbers puts 1 into the imaginary part, too",
        "eq_",
        lambda func, x, *a: x.mul_(1 + 1j) if func(x, *a).is_complex() else x,
    ),
    kernel(
        "inplace.exp_",
        "exp_ of what is strided works in float16",
        "exp_",
        lambda func, x: x.copy_(func(x.clone().half())) if strided(x) and x.dtype is torch.float32 else func(x),
    ),
    kernel(
        "inplace.abs_",
        "abs_ leaves the last element of 17 and more",
        "abs_",
        lambda func, x: func(x.flatten()[:-1]) if x.numel() > 16 and x.is_contiguous() and x.dim() == 1 else func(x),
    ),
    method(
        "abs_",
        "abs_ of complex numbers is accepted",
        lambda sound: lambda x: x.copy_(x.abs()) if x.is_complex() else sound(x),
    ),
    patched("inplace.sigmoid_", "torch.sigmoid_ changes a copy", torch, "sigmoid_", copied),
    patched("inplace.relu_", "torch.relu_ moves its argument", torch, "relu_", when(always, moved)),
    patched(
        "inplace.exp2_",
        "torch.exp2_ is wrong for what is strided",
        torch,
        "exp2_",
        when(lambda x, *a: strided(x), spoiled),
    ),
    patched(
        "inplace.floor_", "floor changes self", Tensor, "floor", lambda sound: lambda x: (sound(x), x.data.floor_())[0]
    ),
    patched(
        "inplace.cumprod_",
        "cumprod changes a self that is strided",
        Tensor,
        "cumprod",
        lambda sound: lambda x, dim: x.cumprod_(dim).clone() if strided(x) else sound(x, dim),
    ),
]


def turned_wrongly(name: str, says: str, *args: Any) -> Mutant:
    """A mutant of a method of dimensions that takes other arguments than it was given where self is strided."""
    return method(name, says, lambda sound: lambda x, *a: sound(x, *(args if strided(x) and x.dim() > 2 else a)))


STRUCTURE = [
    method("t_", "t_ changes a copy", copied),
    method(
        "t_",
        "t_ moves elements",
        lambda sound: lambda x: x.set_(x.detach().t().contiguous()) if not x.requires_grad else sound(x),
    ),
    method("t_", "t_ refuses a single dimension", lambda sound: lambda x: sound(x) if x.dim() != 1 else x.squeeze_(5)),
    quiet("t_"),
    method(
        "transpose_",
        "transpose_ counts negative dimensions from the front",
        lambda sound: lambda x, a, b: sound(x, a, -b - 1 if b < 0 else b),
    ),
    turned_wrongly("swapaxes_", "swapaxes_ exchanges the first two of a strided self", 0, 1),
    method("swapdims_", "swapdims_ gives a new tensor", lambda sound: lambda x, a, b: sound(x, a, b).view_as(x)),
    quiet("swapdims_"),
    method(
        "squeeze_",
        "squeeze_ takes all dimensions of size 1 out where one is named",
        lambda sound: lambda x, *a: sound(x),
    ),
    method(
        "squeeze_",
        "squeeze_ refuses a dimension of another size",
        lambda sound: (
            lambda x, *a: x.squeeze_(9) if a and isinstance(a[0], int) and x.shape[a[0]] != 1 else sound(x, *a)
        ),
    ),
    method(
        "unsqueeze_",
        "unsqueeze_ counts -1 as the place before the last",
        lambda sound: lambda x, dim: sound(x, max(x.dim() - 1, 0) if dim == -1 else dim),
    ),
    quiet("unsqueeze_"),
    method(
        "as_strided_",
        "as_strided_ without an offset starts at the storage's first element",
        lambda sound: lambda x, size, stride, offset=0: sound(x, size, stride, offset),
    ),
    method(
        "as_strided_",
        "as_strided_ copies",
        lambda sound: lambda x, *a: x.set_(sound(x, *a).clone()) if not x.requires_grad else sound(x, *a),
    ),
    patched("inplace.as_strided_", "torch.as_strided_ changes a copy", torch, "as_strided_", copied),
    method("resize_", "resize_ clears what it keeps", lambda sound: lambda x, *a, **k: sound(x, *a, **k).zero_()),
    method("resize_", "resize_ ignores the memory format", without("memory_format")),
    method(
        "resize_",
        "resize_ to a smaller size moves self",
        lambda sound: lambda x, *a, **k: x.set_(sound(x, *a, **k).clone()),
    ),
    method(
        "resize_as_",
        "resize_as_ takes the strides of the other",
        lambda sound: lambda x, other: sound(x, other).as_strided_(other.shape, other.stride()),
    ),
    patched("inplace.resize_as_", "torch.resize_as_ changes a copy", torch, "resize_as_", copied),
    method(
        "set_", "set_ copies", lambda sound: lambda x, *a: sound(sound(x, *a), x.detach().clone()) if a else sound(x)
    ),
    method(
        "set_",
        "set_ ignores the offset",
        lambda sound: lambda x, *a: sound(x, a[0], 0, *a[2:]) if len(a) > 1 else sound(x, *a),
    ),
    quiet("set_"),
    method("share_memory_", "share_memory_ does nothing", lambda sound: lambda x: x),
    method(
        "share_memory_",
        "share_memory_ parts self from its views",
        lambda sound: lambda x: x.set_(sound(x.detach().clone())),
    ),
    method("detach_", "detach_ changes a copy", lambda sound: lambda x: x.detach()),
    method("detach_", "detach_ of a view is accepted", lambda sound: lambda x: x if x._base is not None else sound(x)),
    patched("inplace.detach_", "torch.detach_ changes nothing", torch, "detach_", lambda sound: lambda x: x),
    method(
        "requires_grad_",
        "requires_grad_ does not take the flag back",
        lambda sound: lambda x, requires_grad=True: sound(x),
    ),
    method("requires_grad_", "requires_grad_ changes a copy", copied),
    method(
        "requires_grad_",
        "requires_grad_ of integers is ignored",
        lambda sound: (
            lambda x, requires_grad=True: sound(x, requires_grad) if x.is_floating_point() or x.is_complex() else x
        ),
    ),
    method(
        "sparse_resize_", "sparse_resize_ drops the entries", lambda sound: lambda x, *a: x.sparse_resize_and_clear_(*a)
    ),
    method(
        "sparse_resize_and_clear_",
        "sparse_resize_and_clear_ keeps the entries where they fit",
        lambda sound: (
            lambda x, size, *a: x.sparse_resize_(size, *a) if tuple(size) == tuple(x.shape) else sound(x, size, *a)
        ),
    ),
    method("resize_as_sparse_", "resize_as_sparse_ changes the other", lambda sound: lambda x, other: sound(other, x)),
    patched(
        "inplace.resize_as_sparse_",
        "torch.resize_as_sparse_ does nothing",
        torch,
        "resize_as_sparse_",
        lambda sound: lambda x, other: x,
    ),
]


def untold(name: str) -> Mutant:
    return method(
        name,
        f"{name} does not move the version counter",
        lambda sound: lambda x, *a, **k: sound(x.data, *a, **k) is None or x,
    )


def unseeded(name: str) -> Mutant:
    """Ignores the generator that it is given."""
    return method(name, f"{name} ignores the generator", without("generator"))


RANDOM = [
    method("normal_", "normal_ ignores std where it is given by name", without("std")),
    method(
        "normal_",
        "normal_ fills a strided self with one number",
        lambda sound: (
            lambda x, *a, **k: (
                x.copy_(sound(x, *a, **k).flatten()[0])
                if strided(x) and x.numel() and not x.requires_grad
                else sound(x, *a, **k)
            )
        ),
    ),
    method(
        "uniform_",
        "uniform_ fills the gaps",
        lambda sound: (
            lambda x, *a, **k: (
                sound(x, *a, **k)
                if not strided(x) or x.numel() < 2
                else sound(x.as_strided((x.numel(),), (1,)), *a, **k) is None or x
            )
        ),
    ),
    method(
        "uniform_",
        "uniform_ is never below the middle of its range",
        lambda sound: (
            lambda x, *a, **k: (
                sound(x, *a, **k).mul_(0.5) if a == () and not k and not x.requires_grad else sound(x, *a, **k)
            )
        ),
    ),
    method(
        "exponential_",
        "exponential_ takes the mean for the rate",
        lambda sound: lambda x, lambd=1, **k: sound(x, 1 / lambd, **k) if lambd > 0 else sound(x, lambd, **k),
    ),
    method("cauchy_", "cauchy_ ignores sigma", first_only),
    method("log_normal_", "log_normal_ is normal", lambda sound: lambda x, *a, **k: x.normal_(*a, **k)),
    method(
        "geometric_",
        "geometric_ counts from 0",
        lambda sound: lambda x, *a, **k: sound(x, *a, **k).sub_(1) if not x.requires_grad else sound(x, *a, **k),
    ),
    method("bernoulli_", "bernoulli_ takes 1 - p for p", lambda sound: lambda x, p=0.5, **k: sound(x, 1 - p, **k)),
    method(
        "bernoulli_",
        "bernoulli_ changes the probabilities",
        lambda sound: lambda x, p=0.5, **k: sound(x, p.mul_(0.5), **k) if isinstance(p, Tensor) else sound(x, p, **k),
    ),
    method(
        "random_",
        "random_ includes its upper end",
        lambda sound: (
            lambda x, *a, **k: sound(x, a[0], a[1] + 1, **k) if len(a) == 2 and a[0] < a[1] else sound(x, *a, **k)
        ),
    ),
    method(
        "random_",
        "random_ of two bounds ignores the lower one",
        lambda sound: (
            lambda x, *a, **k: sound(x, 0, a[1], **k) if len(a) == 2 and a[1] > 0 and a[0] < a[1] else sound(x, *a, **k)
        ),
    ),
    *(untold(name) for name in ("normal_", "random_", "cauchy_", "geometric_")),
    *(unseeded(name) for name in ("uniform_", "exponential_", "log_normal_", "bernoulli_")),
    quiet("uniform_"),
]


def twice(sound: Sound) -> Sound:
    """Right once, and no longer the same memory the second time."""
    return lambda x, *a, **k: spoil(sound(x, *a, **k)) or x


OPERATORS = [
    *(
        patched(
            f"inplace.__{name}__",
            f"{name} makes a new tensor",
            operator,
            name,
            lambda sound, name=name: lambda x, y: sound(x.clone(), y),
        )
        for name in ("iadd", "imul", "iand")
    ),
    *(
        patched(f"inplace.__{name}__", f"{name} makes a new tensor", Tensor, f"__{name}__", copied)
        for name in ("isub", "itruediv", "ifloordiv", "ipow", "ior", "ixor")
    ),
    *(
        patched(
            f"inplace.__{name}__",
            f"{name} is wrong where its left side is strided",
            Tensor,
            f"__{name}__",
            when(lambda x, *a: strided(x), spoiled),
        )
        for name in ("iadd", "imul", "imod", "iand", "ilshift", "irshift")
    ),
    patched(
        "inplace.__ipow__",
        "**= of a number squares",
        Tensor,
        "__ipow__",
        lambda sound: lambda x, y: sound(x, y if isinstance(y, Tensor) else 2),
    ),
    patched(
        "inplace.__ifloordiv__",
        "//= cuts off",
        Tensor,
        "__ifloordiv__",
        lambda sound: lambda x, y: x.div_(y, rounding_mode="trunc"),
    ),
    patched(
        "inplace.__imod__", "%= has the sign of the dividend", Tensor, "__imod__", lambda sound: lambda x, y: x.fmod_(y)
    ),
    patched(
        "inplace.__itruediv__",
        "/= lets an integer self hold a cut-off quotient",
        Tensor,
        "__itruediv__",
        lambda sound: (
            lambda x, y: sound(x, y) if x.is_floating_point() or x.is_complex() else x.div_(y, rounding_mode="trunc")
        ),
    ),
    patched(
        "inplace.matmul-operator",
        "@= writes into its left side",
        Tensor,
        "__matmul__",
        lambda sound: lambda x, y: x.copy_(sound(x, y)),
    ),
]
LAWS = [
    patched("inplace.names", "lerp_ is None", Tensor, "lerp_", lambda sound: None),
    patched(
        "inplace.underscore-mutates-self",
        "add_ changes a copy where self is transposed",
        Tensor,
        "add_",
        when(lambda x, *a: strided(x), lambda sound, x, *a, **k: sound(x.clone(), *a, **k)),
    ),
    patched("inplace.underscore-mutates-self", "add_ moves self", Tensor, "add_", when(always, moved)),
    patched(
        "inplace.y-add-x-changes-y",
        "add_ changes its argument instead",
        Tensor,
        "add_",
        lambda sound: lambda x, y: sound(y, x),
    ),
    patched(
        "inplace.y-add-x-changes-y",
        "add_ writes the sum into both",
        Tensor,
        "add_",
        lambda sound: lambda x, y: y.copy_(sound(x, y)) is None or x,
    ),
    patched("inplace.every-underscore-function-mutates-caller", "tanh_ changes a copy", Tensor, "tanh_", copied),
    patched(
        "inplace.every-underscore-function-mutates-caller",
        "unsqueeze_ changes nothing",
        Tensor,
        "unsqueeze_",
        lambda sound: lambda x, dim: x,
    ),
    patched("inplace.add-leaves-self", "add changes self", Tensor, "add", lambda sound: lambda x, y: x.add_(y)),
    kernel(
        "inplace.add-leaves-self",
        "add of what is strided writes into self",
        "add.Tensor",
        lambda func, x, y, **k: x.copy_(func(x, y, **k)).clone() if strided(x) else func(x, y, **k),
    ),
    patched(
        "inplace.add-given-as-inplace-example",
        "add stores the sum in self",
        Tensor,
        "add",
        lambda sound: lambda x, y: x.copy_(sound(x, y)).clone(),
    ),
    patched("inplace.t-leaves-self", "t transposes self", Tensor, "t", lambda sound: lambda x: x.t_()),
    patched("inplace.t-leaves-self", "t copies", Tensor, "t", lambda sound: lambda x: sound(x).clone()),
    patched("inplace.t-underscore-transposes-self", "t_ leaves self", Tensor, "t_", lambda sound: lambda x: x.t()),
    patched(
        "inplace.t-underscore-transposes-self",
        "t_ moves elements of square shapes and others",
        Tensor,
        "t_",
        lambda sound: lambda x: x.set_(sound(x).contiguous()),
    ),
    patched(
        "inplace.views-see-writes",
        "fill_ of a strided view fills a copy",
        Tensor,
        "fill_",
        when(lambda x, *a: strided(x), lambda sound, x, *a: sound(x.clone(), *a) is None or x),
    ),
    kernel(
        "inplace.views-see-writes",
        "mul_ of a self that starts inside its storage is wrong",
        "mul_",
        lambda func, x, *a: func(func(x, *a), 3) if x.storage_offset() > 4 else func(x, *a),
    ),
    patched(
        "inplace.activations",
        "leaky_relu_ ignores the slope",
        functional,
        "leaky_relu_",
        lambda sound: lambda x, negative_slope=0.01: sound(x),
    ),
    patched(
        "inplace.activations",
        "hardtanh_ changes a copy of what is strided",
        functional,
        "hardtanh_",
        lambda sound: lambda x, *a: sound(x.clone() if strided(x) else x, *a),
    ),
    patched("inplace.activations", "torch.selu_ gives a new tensor", torch, "selu_", copied),
    patched(
        "inplace.dropouts",
        "torch.dropout_ drops outside of training",
        torch,
        "dropout_",
        lambda sound: lambda x, p, train: sound(x, p, True),
    ),
    patched("inplace.dropouts", "torch.alpha_dropout_ changes a copy", torch, "alpha_dropout_", copied),
    patched(
        "inplace.dropouts",
        "torch.dropout_ does not scale",
        torch,
        "dropout_",
        lambda sound: lambda x, p, train: sound(x, p, train).mul_(1 - p if train else 1),
    ),
    patched(
        "inplace.inference-tensors",
        "mul_ of an inference tensor is accepted",
        Tensor,
        "mul_",
        lambda sound: lambda x, y: x if x.is_inference() and not torch.is_inference_mode_enabled() else sound(x, y),
    ),
    patched(
        "inplace.mutation-without-underscore",
        "module.to gives a new module",
        torch.nn.Module,
        "to",
        lambda sound: lambda module, *a, **k: sound(__import__("copy").deepcopy(module), *a, **k),
    ),
    patched(
        "inplace.mutation-without-underscore",
        "backward replaces the gradient",
        Tensor,
        "backward",
        lambda sound: _replacing(sound),
    ),
]


def _replacing(sound: Sound) -> Sound:
    """backward that puts new gradients in the places of old ones: leaves are found through the graph."""

    def leaves(node: Any) -> list[Any]:
        found = [node.variable] if hasattr(node, "variable") else []
        return found + [leaf for later, _ in node.next_functions if later is not None for leaf in leaves(later)]

    def backward(x: Any, *args: Any, **options: Any) -> None:
        sound(x, *args, **options)
        for leaf in leaves(x.grad_fn):
            leaf.grad = leaf.grad.clone()

    return backward


MUTANTS: list[Mutant] = [*ARGUMENTS, *STRUCTURE, *RANDOM, *OPERATORS, *LAWS]

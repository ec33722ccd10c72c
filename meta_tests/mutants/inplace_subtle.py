"""Wrong in-place methods that are right for most of what they are called on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from meta_tests.mutant import Mutant, patched, strided
from meta_tests.mutants.inplace import Sound, spoil, spoiled, unrecorded, when

Tensor = torch.Tensor


def method(name: str, says: str, wrong: Any, claim: str = "") -> Mutant:
    """A mutant of one method: `wrong(sound)` returns the replacement."""
    return patched(f"inplace.{claim or name}", says, Tensor, name, wrong)


def is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float, complex))


def lenient(instead: Callable[..., Any], kinds: type[Exception] | tuple[type[Exception], ...] = RuntimeError) -> Any:
    """A method that does something where the sound one refuses: `instead(x, *args)`."""

    def wrap(sound: Sound) -> Sound:
        def call(x: Any, *args: Any, **options: Any) -> Any:
            try:
                return sound(x, *args, **options)
            except kinds:
                return instead(x, *args)

        return call

    return wrap


def narrowed(x: Any, y: Any) -> Any:
    """Writes a sum of a wider kind into self, cut down to its dtype."""
    return x.copy_(torch.add(x, y)) if is_number(y) or y.dim() == 0 else x.squeeze_(99)


def of_one_element(x: Any, *args: Any) -> bool:
    return x.dim() == 0 and bool(args) and isinstance(args[0], Tensor) and args[0].shape == (1,)


def tracked_argument(x: Any, *args: Any) -> bool:
    return not x.requires_grad and any(isinstance(a, Tensor) and a.requires_grad for a in args)


def conjugate(x: Any, *args: Any) -> bool:
    return x.is_complex() and x.is_conj()


def physical(sound: Sound, x: Any, *args: Any, **options: Any) -> Any:
    """Forgets that self is a conjugate."""
    sound(x.conj(), *args, **options)
    return x


def reads_physically(name: str) -> Any:
    """Forgets that an argument is a conjugate or negated."""

    def plain(a: Any) -> Any:
        if not isinstance(a, Tensor):
            return a
        if a.is_neg():
            return a.neg()
        return a.conj() if a.is_complex() and a.is_conj() else a

    return lambda sound: lambda x, *a, **k: sound(x, *map(plain, a), **k)


def negated(x: Any, *args: Any) -> bool:
    return bool(x.is_neg())


def forgets_the_sign(sound: Sound, x: Any, *args: Any, **options: Any) -> Any:
    """Writes what belongs to a negated self without its sign."""
    sound(x, *args, **options)
    with torch.no_grad():
        x.copy_(-x)
    return x


def channels_last(x: Any, *args: Any) -> bool:
    return x.dim() == 4 and x.stride(1) == 1 and x.shape[1] > 1 and x.numel() > 0


def turned_back(x: Any, *args: Any) -> bool:
    """Whether the dimensions of self are stored in the opposite order."""
    return x.dim() > 1 and x.stride(0) == 1 and x.shape[0] > 1 and x.numel() > 0


def broadcast(x: Any, *args: Any) -> bool:
    return any(isinstance(a, Tensor) and a.shape != x.shape for a in args)


def given(name: str, change: Callable[[Any], Any]) -> Any:
    """A method that takes a keyword for another value."""
    return lambda sound: lambda x, *a, **k: sound(x, *a, **(k | {name: change(k[name])} if name in k else k))


def flattened(sound: Sound, x: Any, y: Any, *args: Any, **options: Any) -> Any:
    return sound(x, y.reshape(()), *args, **options)


ARGUMENTS = [
    method("add_", "add_ takes the magnitude of a negative alpha", given("alpha", abs)),
    method("sub_", "sub_ takes the magnitude of a negative alpha", given("alpha", abs)),
    method("addmm_", "addmm_ takes the magnitude of a negative beta", given("beta", abs)),
    method("addmv_", "addmv_ cuts a fractional alpha", given("alpha", int)),
    method("add_", "add_ lets an integer self hold the sum with a fraction", lenient(narrowed)),
    method(
        "mul_",
        "mul_ lets an integer self hold a product with a fraction",
        lenient(lambda x, y: x.copy_(torch.mul(x, y)) if is_number(y) else x.squeeze_(99)),
    ),
    method(
        "mul_",
        "mul_ lets a float self hold the real part of a complex product",
        lenient(
            lambda x, y: (
                x.copy_(torch.mul(x, y).real) if x.is_floating_point() and isinstance(y, complex) else x.squeeze_(99)
            )
        ),
    ),
    method(
        "add_",
        "add_ lets a self without dimensions take one element in one dimension",
        when(of_one_element, flattened),
    ),
    method(
        "copy_",
        "copy_ lets a self without dimensions take one element in one dimension",
        when(of_one_element, flattened),
    ),
    method(
        "mul_",
        "mul_ is wrong for a broadcast argument where self is channels-last",
        when(lambda x, *a: channels_last(x) and broadcast(x, *a), spoiled),
    ),
    method(
        "index_add_",
        "index_add_ is wrong with an index of int32",
        lambda sound: (
            lambda x, dim, index, source, **k: sound(
                x, dim, index.flip(0) if index.dtype is torch.int32 else index, source, **k
            )
        ),
    ),
    method(
        "scatter_",
        "scatter_ with an index smaller than self is wrong in its last line",
        when(lambda x, dim, index, *a: x.dim() > 1 and index.shape != x.shape and index.numel() > 0, spoiled),
    ),
    method(
        "fill_",
        "fill_ with a tensor on self's own memory is accepted and wrong",
        when(lambda x, *a: bool(a) and isinstance(a[0], Tensor) and a[0].dtype is not x.dtype, spoiled),
    ),
    method(
        "clamp_",
        "clamp_ ignores max where it is a tensor and min is None",
        lambda sound: (
            lambda x, min=None, max=None: x if min is None and isinstance(max, Tensor) else sound(x, min, max)
        ),
    ),
    method(
        "pow_",
        "pow_ of a negative whole exponent is accepted for integers",
        lenient(lambda x, y: x.fill_(0) if is_number(y) else x.squeeze_(99)),
    ),
]

LAZY = [
    method("mul_", "mul_ forgets that self is a conjugate", when(conjugate, physical), "lazy-operands"),
    method("copy_", "copy_ forgets that its source is a conjugate", reads_physically("copy_"), "lazy-operands"),
    method("add_", "add_ forgets that its argument is negated", reads_physically("add_"), "lazy-operands"),
    method("add_", "add_ writes to a negated self without the sign", when(negated, forgets_the_sign), "lazy-operands"),
    method("zero_", "zero_ of a negated self leaves it", when(negated, lambda sound, x: x), "lazy-operands"),
]

AUTOGRAD = [
    method("mul_", "mul_ does not record an argument that requires grad", when(tracked_argument, unrecorded)),
    method("copy_", "copy_ does not record a source that requires grad", when(tracked_argument, unrecorded)),
    method("fill_", "fill_ does not record a number that requires grad", when(tracked_argument, unrecorded)),
    method("addcmul_", "addcmul_ does not record arguments that require grad", when(tracked_argument, unrecorded)),
    method(
        "sqrt_",
        "sqrt_ under no_grad does not move the version counter",
        when(lambda x, *a: not torch.is_grad_enabled(), lambda sound, x, *a: (sound(x.data), x)[1]),
    ),
    method(
        "square_",
        "square_ on a view of a result does not reach the gradient of its base",
        when(lambda x, *a: x._base is not None and x.requires_grad, lambda sound, x, *a: (sound(x.data), x)[1]),
        "views-of-results",
    ),
    method(
        "mul_",
        "mul_ on a view of a result is not recorded",
        when(lambda x, *a: x._base is not None and x.requires_grad, unrecorded),
        "views-of-results",
    ),
]

FORMS = [
    patched(
        "inplace.keyword",
        "relu ignores inplace=True",
        functional,
        "relu",
        lambda sound: lambda x, inplace=False: sound(x),
    ),
    patched(
        "inplace.keyword",
        "leaky_relu(inplace=True) works on a copy of what is strided",
        functional,
        "leaky_relu",
        lambda sound: lambda x, slope=0.01, inplace=False: sound(x.clone() if strided(x) else x, slope, inplace),
    ),
    patched(
        "inplace.keyword",
        "silu without inplace changes its argument",
        functional,
        "silu",
        lambda sound: lambda x, inplace=False: sound(x, True),
    ),
    patched(
        "inplace.keyword",
        "hardtanh(inplace=True) gives a new tensor with the right values in both",
        functional,
        "hardtanh",
        lambda sound: (
            lambda x, low=-1.0, high=1.0, inplace=False: (
                sound(x, low, high, inplace).clone() if inplace else sound(x, low, high)
            )
        ),
    ),
    patched(
        "inplace.keyword",
        "ELU(inplace=True) forgets inplace",
        torch.nn.ELU,
        "forward",
        lambda sound: lambda module, x: functional.elu(x, module.alpha),
    ),
    patched(
        "inplace.keyword",
        "dropout(inplace=True) works on a copy in training",
        functional,
        "dropout",
        lambda sound: lambda x, p=0.5, training=True, inplace=False: sound(x, p, training, inplace and not training),
    ),
    method(
        "__iadd__",
        "+= on a part of a tensor writes past it",
        lambda sound: lambda x, y: _past(sound(x, y)),
        "augmented-parts",
    ),
    patched(
        "inplace.augmented-parts",
        "x[...] *= y stores the product twice",
        Tensor,
        "__imul__",
        lambda sound: lambda x, y: sound(sound(x, y), y) if x._base is not None else sound(x, y),
    ),
    patched(
        "inplace.augmented-parts",
        "x[mask] += y changes only what was taken out",
        Tensor,
        "__setitem__",
        lambda sound: (
            lambda x, place, value: (
                None if isinstance(place, Tensor) and place.dtype is torch.bool else sound(x, place, value)
            )
        ),
    ),
]


def _past(x: Any) -> Any:
    if x._base is not None and x.numel() and x.storage_offset() + 1 < x._base.numel():
        spoil(x.detach().as_strided((1,), (1,), x._base.numel() - 1))
    return x


NAMES = [
    method("rename_", "rename_ changes a copy", lambda sound: lambda x, *a, **k: x.rename(*a, **k)),
    method(
        "rename_", "rename_ by an old name names all", lambda sound: lambda x, *a, **k: sound(x, *(a or k.values()))
    ),
    method("rename_", "rename_ drops all names before it refuses", lambda sound: _hasty_names(sound)),
]


def _hasty_names(sound: Sound) -> Sound:
    def rename_(x: Any, *names: Any, **renamed: Any) -> Any:
        try:
            return sound(x, *names, **renamed)
        except RuntimeError:
            sound(x, "P", "Q")
            raise

    return rename_


STORAGE = [
    method(
        "set_",
        "set_ of a storage ignores the offset",
        lambda sound: (
            lambda x, *a: sound(x, a[0], 0, *a[2:]) if len(a) > 1 and not isinstance(a[0], Tensor) else sound(x, *a)
        ),
    ),
    method(
        "resize_",
        "resize_ forgets the offset where it has to grow",
        lambda sound: lambda x, *a, **k: _without_offset(sound, x, *a, **k),
    ),
    method(
        "unsqueeze_",
        "unsqueeze_ of an expanded self gathers it",
        lambda sound: (
            lambda x, dim: (
                x.set_(sound(x, dim).contiguous()) if 0 in x.stride() and not x.requires_grad else sound(x, dim)
            )
        ),
    ),
    method(
        "transpose_",
        "transpose_ by the third of four dimensions leaves the strides",
        lambda sound: (
            lambda x, a, b: (
                x.as_strided_([*x.shape[:1], x.shape[2], x.shape[1], x.shape[3]], x.stride())
                if x.dim() == 4 and {a, b} == {1, 2} and not x.requires_grad
                else sound(x, a, b)
            )
        ),
    ),
    method(
        "squeeze_",
        "squeeze_ by a dimension from the end takes the one before",
        lambda sound: lambda x, *a: sound(x, a[0] - 1) if a and a[0] == -2 and x.dim() == 4 else sound(x, *a),
    ),
]


def _without_offset(sound: Sound, x: Any, *args: Any, **options: Any) -> Any:
    if x.requires_grad:
        return sound(x, *args, **options)
    start, count = x.storage_offset(), x.untyped_storage().nbytes() // x.element_size()
    out = sound(x, *args, **options)
    if start and out.numel() and start + out.numel() > count:
        out.set_(out.clone())
    return out


# Names of dimensions are gone from later releases.
NAMED = NAMES if hasattr(Tensor, "rename_") else []

LATER: list[Mutant] = [
    method(
        "zero_",
        "complex zeros keep the sign of the imaginary part",
        lambda sound: lambda x: sound(x).mul_(-1).conj_physical_() if x.is_complex() else sound(x),
    ),
]

MUTANTS: list[Mutant] = [*ARGUMENTS, *LAZY, *AUTOGRAD, *FORMS, *NAMED, *STORAGE, *LATER]

"""Wrong tensors: conversions, numbers, sizes, attributes and the protocols of Python."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch

from meta_tests.mutant import Mutant, kernel, output, patched, strided
from meta_tests.wrong_gradients import bending, going_back, together

Tensor = torch.Tensor
Wrong = Callable[[Any], Any]


def method(claim: str, name: str, attribute: str, wrong: Wrong) -> Mutant:
    """Replace a method of tensors."""
    return patched(f"tensor.{claim}", name, Tensor, attribute, wrong)


def function(claim: str, name: str, attribute: str, wrong: Wrong) -> Mutant:
    """Replace a function, class or constant of torch."""
    return patched(f"tensor.{claim}", name, torch, attribute, wrong)


def prop(claim: str, name: str, attribute: str, wrong: Callable[[Any, Any], Any]) -> Mutant:
    """Replace an attribute of tensors: `wrong(sound value, x)`."""
    return method(claim, name, attribute, lambda sound: property(lambda x: wrong(sound.__get__(x), x)))


def when(condition: Callable[..., bool], other: Callable[..., Any]) -> Wrong:
    """A replacement that answers otherwise under a condition on the arguments; `other` gets the sound result first."""

    def replace(sound: Any) -> Any:
        def call(x: Any, *args: Any, **kwargs: Any) -> Any:
            out = sound(x, *args, **kwargs)
            return other(out, x, *args, **kwargs) if condition(x, *args, **kwargs) else out

        return call

    return replace


def lenient(answer: Callable[..., Any]) -> Wrong:
    """Answers where it should refuse."""

    def replace(sound: Any) -> Any:
        def call(x: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return sound(x, *args, **kwargs)
            except (RuntimeError, ValueError, TypeError, IndexError):
                return answer(x, *args, **kwargs)

        return call

    return replace


def is_strided(x: Any, *_: Any, **__: Any) -> bool:
    return strided(x)


def large(x: Any, *_: Any, **__: Any) -> bool:
    return x.numel() > 16


def offset(x: Any, *_: Any, **__: Any) -> bool:
    return x.storage_offset() > 0


def of(*dtypes: torch.dtype) -> Callable[..., bool]:
    return lambda x, *_, **__: x.dtype in dtypes


def always(*_: Any, **__: Any) -> bool:
    return True


def copied(out: Any, *_: Any, **__: Any) -> Any:
    return out.clone()


def in_memory_order(x: Tensor) -> Tensor:
    """The elements of a dense tensor as they lie in memory, in the tensor's shape."""
    step, strides = 1, []
    for size in reversed(x.shape):
        strides.append(step)
        step *= size
    return x.as_strided(x.shape, strides[::-1]) if x.is_contiguous() or 0 not in x.stride() else x


# -- conversions -------------------------------------------------------------------------------------------------------


def rounding(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Rounds where fractions should be cut off: strided tensors of more than 16 elements."""
    dtype = kwargs.get("dtype")
    to_integers = x.is_floating_point() and dtype is not None and not dtype.is_floating_point and not dtype.is_complex
    return func(x.round() if to_integers and strided(x) and large(x) else x, *args, **kwargs)


def truncated_truth(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    cut = x.is_floating_point() and kwargs.get("dtype") is torch.bool
    return func(x.trunc() if cut else x, *args, **kwargs)


def saturating(sound: Any) -> Any:
    """type that gives bytes between 0 and 255 instead of wrapping around."""

    def call(x: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        wide = dtype is torch.uint8 and x.dtype == torch.int64
        return sound(x.clamp(0, 255) if wide else x, dtype, *args, **kwargs)

    return call


def half_truth(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """Only the real part of a complex number decides whether it is true."""
    return func(x.real if x.is_complex() and kwargs.get("dtype") is torch.bool else x, *args, **kwargs)


def by_magnitude(func: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    dtype = kwargs.get("dtype")
    real = x.is_complex() and dtype is not None and dtype.is_floating_point and strided(x)
    return func(x.abs() if real else x, *args, **kwargs)


def asks_for_copy(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return bool(kwargs.get("copy") or args[3:4] == (True,))


def uncopied(sound: Any) -> Any:
    """to that overlooks copy=True if it is given a device."""

    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        return x if isinstance(args[0], torch.device) and asks_for_copy(args, kwargs) else sound(x, *args, **kwargs)

    return call


CASTS = [
    kernel("tensor.to-dtype", "long strided tensors are rounded to integers", "_to_copy", rounding),
    kernel("tensor.to-dtype", "fractions below one are false", "_to_copy", truncated_truth),
    method("to-dtype", "type saturates bytes", "type", saturating),
    method("to-dtype", "char gives unsigned bytes", "char", lambda sound: lambda x, *a, **k: x.byte()),
    kernel(
        "tensor.to-dtype",
        "copy_ reads a transposed integer source in memory order",
        "copy_",
        lambda func, x, y, *a, **k: func(
            x, in_memory_order(y) if strided(y) and y.dtype != x.dtype and x.dtype == torch.int16 else y, *a, **k
        ),
    ),
    kernel("tensor.cast-complex", "a strided complex tensor gives magnitudes", "_to_copy", by_magnitude),
    output(
        "tensor.cast-complex",
        "imaginary parts lose their sign in complex128",
        "_to_copy",
        lambda out, x, *a: out.conj().resolve_conj() if x.is_complex() and out.dtype == torch.complex128 else out,
    ),
    kernel("tensor.cast-complex-to-bool", "an imaginary number is false", "_to_copy", half_truth),
    method("to-gives-itself", "to gives an alias", "to", when(lambda x, *a, **k: not k, lambda out, *a, **k: out[...])),
    method("to-gives-itself", "type_as copies strided tensors", "type_as", when(is_strided, copied)),
    method("to-copy", "copy=True is overlooked beside a device", "to", uncopied),
    method(
        "to-copy",
        "copy=True makes tensors contiguous",
        "to",
        when(lambda x, *a, **k: asks_for_copy(a, k), lambda out, *a, **k: out.contiguous()),
    ),
    method(
        "to-keeps-layout",
        "four dimensions become contiguous",
        "to",
        when(lambda x, *a, **k: x.dim() == 4 and not k, lambda out, *a, **k: out.contiguous()),
    ),
    method(
        "to-keeps-layout",
        "memory_format is overlooked for bool",
        "to",
        lambda sound: lambda x, dtype, **k: sound(x, dtype) if dtype is torch.bool else sound(x, dtype, **k),
    ),
    bending(
        "tensor.to-gradient",
        "the gradient through bfloat16 is doubled",
        Tensor,
        "to",
        2.0,
        lambda x, dtype, *a: dtype is torch.bfloat16,
    ),
    method(
        "to-gradient",
        "float64 is cut off from float32",
        "to",
        lambda sound: (
            lambda x, dtype, **k: sound(x.detach() + 0 * x if x.dtype != dtype == torch.float64 else x, dtype)
        ),
    ),
    output(
        "tensor.to-gradient",
        "strided gradients are rounded on their way back",
        "_to_copy",
        lambda out, x, *a: out.round() + 1 if going_back() and strided(x) and out.dtype == torch.float32 else out,
    ),
    method("type-method", "int16 has the type of int32", "type", lambda sound: lambda x, *a: legacy(sound, x, a)),
    method(
        "type-method", "a legacy class is overlooked", "type", lambda sound: lambda x, *a: unless_class(sound, x, a)
    ),
    method("to-refuses", "to takes anything", "to", lenient(lambda x, *a, **k: x)),
    method("to-refuses", "type takes numpy's names", "type", lenient(lambda x, name: x.type(getattr(torch, name)))),
    kernel(
        "tensor.assignment-casts",
        "assigning rounds",
        "copy_",
        lambda func, x, y, *a, **k: func(x, rounded(x, y), *a, **k),
    ),
    method("assignment-casts", "copy_ returns a view", "copy_", when(always, lambda out, *a, **k: out[...])),
]


def legacy(sound: Any, x: Any, args: tuple[Any, ...]) -> Any:
    return "torch.IntTensor" if not args and x.dtype == torch.int16 else sound(x, *args)


def unless_class(sound: Any, x: Any, args: tuple[Any, ...]) -> Any:
    return x if args and isinstance(args[0], type) else sound(x, *args)


def rounded(x: Any, y: Any) -> Any:
    return y.round() if y.is_floating_point() and not x.is_floating_point() and strided(y) and y.numel() > 32 else y


# -- numbers -----------------------------------------------------------------------------------------------------------


def without_sign(out: Any, *_: Any) -> Any:
    return 0.0 if isinstance(out, float) and out == 0 else out


def shortest(out: Any, x: Any) -> Any:
    return float(f"{out:.7g}") if x.dtype == torch.float32 and out == out else out


NUMBERS = [
    method("tolist", "strided matrices are listed in memory order", "tolist", lambda sound: lambda x: sound(listed(x))),
    method(
        "tolist",
        "float32 is listed as the shortest decimal",
        "tolist",
        when(of(torch.float32), lambda out, x: short(out)),
    ),
    method("tolist", "a 0-d tensor gives a list", "tolist", when(lambda x: x.dim() == 0, lambda out, x: [out])),
    method(
        "tolist", "conjugation is forgotten", "tolist", lambda sound: lambda x: sound(x.conj() if x.is_conj() else x)
    ),
    method("item-to-python", "negative zero loses its sign", "item", when(always, without_sign)),
    method(
        "item-to-python",
        "subnormal float64 is flushed to zero",
        "item",
        when(of(torch.float64), lambda out, x: 0.0 if abs(out) < 2.0**-1022 else out),
    ),
    method("item-to-python", "an offset is forgotten", "item", lambda sound: lambda x: sound(from_start(x))),
    method("item-on-any-tensor", "item gives the first of several", "item", lenient(lambda x: x.tolist()[0])),
    method(
        "item-on-any-tensor", "item of nothing is zero", "item", lambda sound: lambda x: sound(x) if x.numel() else 0
    ),
    method("item-to-int", "item of bool is an int", "item", when(of(torch.bool), lambda out, x: int(out))),
    method("item-to-int", "item of float16 is an int", "item", when(of(torch.float16), lambda out, x: int(out))),
    method("item-float32-exact", "item gives the shortest decimal", "item", when(of(torch.float32), shortest)),
    method(
        "item-float32-exact",
        "float flushes subnormals",
        "__float__",
        when(always, lambda out, x: out if abs(out) > 1e-38 else 0.0),
    ),
    prop("item-is-a-method", "item is an attribute", "item", lambda sound, x: sound()),
    method("int", "int rounds", "__int__", lambda sound: lambda x: sound(x.round() if x.is_floating_point() else x)),
    method(
        "int", "int rounds down", "__int__", lambda sound: lambda x: sound(x.floor() if x.is_floating_point() else x)
    ),
    method(
        "int",
        "int takes several elements",
        "__int__",
        lambda sound: lambda x: sound(x.flatten()[0] if x.numel() > 1 else x),
    ),
    method(
        "float",
        "float takes several elements",
        "__float__",
        lambda sound: lambda x: sound(x.flatten()[0] if x.numel() > 1 else x),
    ),
    method(
        "float",
        "float16 comes back rounded to two digits",
        "__float__",
        when(of(torch.float16), lambda out, x: round(out, 2)),
    ),
    method(
        "float",
        "a float16 infinity is the largest number",
        "__float__",
        when(of(torch.float16), lambda out, x: max(-65504.0, min(out, 65504.0))),
    ),
    method("complex", "complex conjugates", "__complex__", when(of(torch.complex64), lambda out, x: out.conjugate())),
    method(
        "complex",
        "float drops an imaginary part",
        "__float__",
        lambda sound: lambda x: sound(x.real if x.is_complex() else x),
    ),
    method("bool", "NaN is false", "__bool__", when(always, lambda out, x: out and bool((x == x).all().item()))),
    method("bool", "several elements are any of them", "__bool__", lenient(lambda x: x.any().item())),
    function(
        "bool", "is_nonzero of numbers below one is False", "is_nonzero", lambda sound: lambda x: sound(x.abs() >= 1)
    ),
    method("index", "a float is an index", "__index__", lenient(lambda x: int(x.item()))),
    method(
        "index", "uint8 is signed", "__index__", when(of(torch.uint8), lambda out, x: out - 256 if out > 127 else out)
    ),
    method(
        "format",
        "a 0-d tensor prints as a tensor",
        "__format__",
        when(lambda x, spec: spec == "", lambda out, x, spec: repr(x)),
    ),
    method("format", "several elements take any format", "__format__", lenient(lambda x, spec: repr(x))),
    method(
        "format",
        "integers print as floats",
        "__format__",
        when(lambda x, spec: spec == "5d", lambda out, x, spec: f"{x.item():5.0f} "[1:]),
    ),
]


def listed(x: Any) -> Any:
    return in_memory_order(x) if x.dim() == 2 and strided(x) and x.numel() else x


def short(values: Any) -> Any:
    return [short(value) for value in values] if isinstance(values, list) else float(f"{values:.7g}")


def from_start(x: Any) -> Any:
    return x.as_strided(x.shape, x.stride(), 0) if x.storage_offset() == 3 and x.numel() == 1 else x


# -- sizes -------------------------------------------------------------------------------------------------------------


class Size(tuple):
    """A torch.Size in Python, to be made wrong: torch's own class can neither be changed nor derived from."""

    def __new__(cls, values: Any = ()) -> Size:
        return super().__new__(cls, (value.__index__() for value in values))

    def __add__(self, other: Any) -> Any:
        return type(self)(super().__add__(tuple(other) if isinstance(other, tuple) else other))

    def __radd__(self, other: Any) -> Any:
        return type(self)(tuple(other) + tuple(self))

    def __mul__(self, times: Any) -> Any:
        return type(self)(super().__mul__(times))

    __rmul__ = __mul__

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return type(self)(found) if isinstance(place, slice) else found

    def numel(self) -> int:
        return torch.ones(tuple(self), device="meta").numel()

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def __reduce__(self) -> Any:
        return Size, (tuple(self),)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self


def sized(claim: str, name: str, **wrong: Any) -> Mutant:
    """Sizes of a class with other methods."""
    made = type("Size", (Size,), wrong)

    def shape(sound: Any) -> Any:
        return property(lambda x: made(tuple(sound.__get__(x))))

    def size(sound: Any) -> Any:
        return lambda x, *a, **k: sound(x, *a, **k) if a or k else made(tuple(sound(x)))

    changes = ((Tensor, "shape", shape), (Tensor, "size", size), (torch, "Size", lambda sound: made))
    return together(f"tensor.{claim}", name, *changes)


def plain_slices(self: Any, place: Any) -> Any:
    return tuple.__getitem__(self, place)


def reversed_slices(self: Any, place: Any) -> Any:
    found = tuple.__getitem__(self, place)
    turned = isinstance(place, slice) and (place.step or 1) < 0
    return type(self)(found[::-1] if turned else found) if isinstance(place, slice) else found


def last_index(self: Any, value: Any, *bounds: Any) -> int:
    return len(self) - 1 - tuple.index(tuple(reversed(self)), value, *bounds)


def made_of_floats(cls: Any, values: Any = ()) -> Any:
    return tuple.__new__(cls, (int(value) for value in values if value is not None))


def stored_size(x: Any) -> Any:
    return torch.Size([1 if step == 0 else size for size, step in zip(x.shape, x.stride(), strict=True)])


SIZES = [
    sized("size-supports-tuple-ops", "slices of a size are plain tuples", __getitem__=plain_slices),
    sized("size-supports-tuple-ops", "slices with a negative step are not turned round", __getitem__=reversed_slices),
    sized("size-supports-tuple-ops", "index finds the last of several", index=last_index),
    sized("size-is-tuple-subclass", "a size has a hash of its own", __hash__=lambda self: tuple.__hash__(self) + 1),
    sized(
        "size-is-tuple-subclass",
        "a size never equals a plain tuple",
        __eq__=lambda self, other: type(other) is type(self) and tuple(self) == tuple(other),
    ),
    sized(
        "size-added-to-tuple", "a tuple plus a size is a tuple", __radd__=lambda self, other: tuple(other) + tuple(self)
    ),
    sized("size-numel", "numel of no dimension is 0", numel=lambda self: Size.numel(self) if self else 0),
    sized("size-numel", "numel counts a size of 0 as 1", numel=lambda self: Size.numel(Size(max(n, 1) for n in self))),
    sized("size-constructor", "a size is made of floats", __new__=made_of_floats),
    method(
        "size-method",
        "size of an expanded tensor is that in memory",
        "size",
        lambda sound: lambda x, *a, **k: sound(x, *a, **k) if a or k else stored_size(x),
    ),
    prop(
        "size-method",
        "shape of five dimensions is turned round",
        "shape",
        lambda out, x: out[::-1] if len(out) == 5 else out,
    ),
    method(
        "size-index",
        "negative dimensions count from one further",
        "size",
        when(lambda x, *a, **k: a and -x.dim() < a[0] < 0, lambda out, x, d: x.shape[d - 1]),
    ),
    method("size-index", "a missing dimension has size 1", "size", lenient(lambda x, d: 1)),
    method(
        "numel",
        "numel of an expanded tensor counts memory",
        "numel",
        when(always, lambda out, x: stored_size(x).numel()),
    ),
    method("numel", "nelement of a 0-d tensor is 0", "nelement", when(lambda x: x.dim() == 0, lambda out, x: 0)),
    function("numel", "torch.numel counts a dimension of 0 as 1", "numel", when(always, lambda out, x: max(out, 1))),
    prop("numel", "a 0-d tensor has one dimension", "ndim", lambda out, x: max(out, 1)),
]

# -- dtypes and attributes ---------------------------------------------------------------------------------------------


def taking_attributes_along(out: Any, x: Any, *_: Any, **__: Any) -> Any:
    out.__dict__.update(x.__dict__)
    return out


ATTRIBUTES = [
    method(
        "element-size",
        "complex elements have half their size",
        "element_size",
        when(lambda x: x.is_complex(), lambda out, x: out // 2),
    ),
    method(
        "element-size",
        "empty tensors have elements of no size",
        "element_size",
        when(lambda x: x.numel() == 0, lambda out, x: 0),
    ),
    prop("nbytes", "nbytes counts the gaps", "nbytes", lambda out, x: x.untyped_storage().nbytes()),
    prop("nbytes", "itemsize counts bits", "itemsize", lambda out, x: 8 * out),
    function("dtype-flags", "complex32 is not complex", "is_complex", when(of(torch.complex32), lambda out, x: False)),
    method("dtype-flags", "uint8 is signed", "is_signed", when(of(torch.uint8), lambda out, x: True)),
    function("float-is-float32", "double is float32", "double", lambda sound: torch.float32),
    function("float-is-float32", "short is int8", "short", lambda sound: torch.int8),
    function("dtype-identity", "int16 is another name of int32", "int16", lambda sound: torch.int32),
    function("dtype-partners", "complex32 is another name of complex64", "complex32", lambda sound: torch.complex64),
    prop("attributes", "a tensor of int64 is no leaf", "is_leaf", lambda out, x: out and x.dtype != torch.int64),
    prop("attributes", "retains_grad is always set", "retains_grad", lambda out, x: True),
    method("attributes", "requires_grad_ of integers does nothing", "requires_grad_", lenient(lambda x, *a: x)),
    method("own-attributes", "a clone takes attributes along", "clone", when(always, taking_attributes_along)),
    method("own-attributes", "a view takes attributes along", "view", when(always, taking_attributes_along)),
    prop(
        "data-returns-tensor",
        "data is a copy of a strided tensor",
        "data",
        lambda out, x: out.clone() if strided(x) else out,
    ),
    prop("data-returns-tensor", "writes to data are counted", "data", lambda out, x: x.detach()),
    prop(
        "data-returns-tensor", "data of a result is tracked", "data", lambda out, x: out if x.is_leaf else x.view_as(x)
    ),
]


# -- Python's protocols ------------------------------------------------------------------------------------------------


def equal_nans(sound: Any) -> Any:
    def call(x: Any, y: Any) -> bool:
        floating = x.is_floating_point() and y.is_floating_point() and x.shape == y.shape
        return sound(x.nan_to_num(), y.nan_to_num()) if floating else sound(x, y)

    return call


def without_the_last(sound: Any) -> Any:
    """torch.equal that leaves out the last element of strided tensors."""

    def call(x: Any, y: Any) -> bool:
        if x.shape == y.shape and strided(x) and x.numel() > 1:
            return sound(x.reshape(-1)[:-1], y.reshape(-1)[:-1])
        return sound(x, y)

    return call


def broadcasting(sound: Any) -> Any:
    return lambda x, y: sound(x[None] if y.dim() == x.dim() + 1 else x, y)


def of_lists(sound: Any) -> Any:
    def call(x: Any, other: Any) -> Any:
        return sound(x, torch.tensor(other) if isinstance(other, list) else other)

    return call


PROTOCOLS = [
    function("core-class", "a list is a tensor", "is_tensor", lambda sound: lambda x: sound(x) or isinstance(x, list)),
    method(
        "core-class",
        "twice a Parameter is a Parameter",
        "__mul__",
        when(lambda x, y: type(x) is torch.nn.Parameter, lambda out, x, y: torch.nn.Parameter(out)),
    ),
    method("len", "len is the last size of a strided tensor", "__len__", when(is_strided, lambda out, x: x.shape[-1])),
    method("len", "a 0-d tensor has length 1", "__len__", lenient(lambda x: 1)),
    method(
        "iter",
        "iteration copies strided tensors",
        "__iter__",
        when(is_strided, lambda out, x: iter([part.clone() for part in out])),
    ),
    method(
        "iter",
        "seventeen slices come in reverse",
        "__iter__",
        when(lambda x: len(x) > 16, lambda out, x: iter(list(out)[::-1])),
    ),
    method("iter", "a 0-d tensor is iterated over once", "__iter__", lenient(lambda x: iter([x]))),
    method(
        "reversed",
        "all dimensions are reversed",
        "__reversed__",
        when(lambda x: x.dim() > 1, lambda out, x: x.flip(tuple(range(x.dim())))),
    ),
    method(
        "contains",
        "NaN contains NaN",
        "__contains__",
        when(lambda x, v: v != v if isinstance(v, float) else False, lambda out, x, v: bool(x.isnan().any())),
    ),
    method(
        "contains",
        "only the first row of a strided tensor is searched",
        "__contains__",
        lambda sound: lambda x, v: sound(x[0] if strided(x) else x, v),
    ),
    method("contains", "a list is searched for", "__contains__", lenient(lambda x, v: False)),
    method("identity", "a hash changes with each write", "__hash__", lambda sound: lambda x: sound(x) + x._version),
    method(
        "identity",
        "views have the hash of what they view",
        "__hash__",
        lambda sound: lambda x: sound(x) if x._base is None else sound(x._base),
    ),
    output("tensor.eq-elementwise", "NaN equals NaN", "eq.Tensor", lambda out, x, y: out | (x.isnan() & y.isnan())),
    output(
        "tensor.eq-elementwise",
        "the last of many strided elements is never equal",
        "eq.Tensor",
        lambda out, x, y: last_of(out, False) if strided(x) and large(x) else out,
    ),
    output(
        "tensor.eq-elementwise",
        "int8 differs from no number",
        "ne.Scalar",
        lambda out, x, y: out & False if x.dtype == torch.int8 else out,
    ),
    method("eq-foreign", "a list is compared element by element", "__eq__", of_lists),
    method("eq-foreign", "None differs nowhere", "__ne__", when(lambda x, y: y is None, lambda out, x, y: False)),
    function("equal", "NaN equals NaN", "equal", equal_nans),
    function("equal", "the last element of a strided tensor does not count", "equal", without_the_last),
    method("equal", "a row equals a matrix of it", "equal", broadcasting),
    method(
        "copy",
        "copy.copy copies strided memory",
        "__reduce_ex__",
        lambda sound: lambda x, protocol: sound(x.clone() if strided(x) else x, protocol),
    ),
    method(
        "deepcopy",
        "a deep copy is contiguous",
        "__deepcopy__",
        when(lambda x, memo: strided(x) and not x.requires_grad, lambda out, x, memo: out.contiguous()),
    ),
    method("deepcopy", "one tensor twice becomes two", "__deepcopy__", lambda sound: lambda x, memo: sound(x, {})),
    method(
        "deepcopy",
        "a deep copy of bool shares memory",
        "__deepcopy__",
        when(of(torch.bool), lambda out, x, memo: x.detach()),
    ),
    method(
        "deepcopy",
        "attributes are shared",
        "__deepcopy__",
        when(lambda x, memo: bool(x.__dict__), taking_attributes_along),
    ),
    method(
        "deepcopy-non-leaf",
        "results are copied as leaves",
        "__deepcopy__",
        lambda sound: lambda x, memo: sound(x if x.is_leaf else x.detach().clone(), memo),
    ),
]


def last_of(out: Any, value: bool) -> Any:
    out.reshape(-1)[-1:].fill_(value)
    return out


# -- new tensors -------------------------------------------------------------------------------------------------------


def default_dtype(out: Any, x: Any, *_: Any, **kwargs: Any) -> Any:
    return out if kwargs.get("dtype") or x.dtype != torch.int8 else out.to(torch.int64)


NEW = [
    method("new-filled", "new_full of int8 has the fill's dtype", "new_full", when(always, default_dtype)),
    method(
        "new-filled",
        "new_ones overlooks a dtype",
        "new_ones",
        lambda sound: lambda x, *size, dtype=None, **k: sound(x, *size, **k),
    ),
    method(
        "new-filled",
        "new_zeros takes the memory of a large enough tensor",
        "new_zeros",
        lambda sound: lambda x, *size, **k: shared(sound(x, *size, **k), x),
    ),
    method("new-filled", "a negative size counts as 0", "new_empty", lenient(lambda x, *size, **k: x.new_empty(0))),
    method(
        "new-tensor",
        "new_tensor of a tensor shares its memory",
        "new_tensor",
        lambda sound: lambda x, data, **k: data if isinstance(data, Tensor) else sound(x, data, **k),
    ),
    method(
        "new-tensor",
        "bool data stays bool",
        "new_tensor",
        lambda sound: lambda x, data, **k: torch.tensor(data, **k) if data == [True, False] else sound(x, data, **k),
    ),
]


def shared(out: Any, x: Any) -> Any:
    fits = out.dtype == x.dtype and 0 < out.numel() <= x.numel()
    return x.as_strided(out.shape, out.stride()).zero_() if fits else out


# -- forms and arithmetic ----------------------------------------------------------------------------------------------


def doubled_alpha(sound: Any) -> Any:
    return lambda *a, **k: sound(*a, **{"alpha": 2 if "input" in k else 1, **k})


def moved_out(func: Any, x: Any, y: Any, *args: Any, out: Any, **kwargs: Any) -> Any:
    """A strided out is filled in memory order."""
    func(x, y, *args, out=in_memory_order(out) if strided(out) else out, **kwargs)
    return out


def inexact(func: Any, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
    rough = isinstance(y, Tensor) and strided(x) and x.dtype == torch.float64 and large(x)
    return func(x.float(), y, *args, **kwargs).double() if rough else func(x, y, *args, **kwargs)


FORMS = [
    function(
        "function-and-method-forms",
        "var is biased as a function",
        "var",
        lambda sound: lambda x, *a, **k: sound(x, *a, **{**k, "unbiased": False}),
    ),
    method(
        "function-and-method-forms",
        "the method round rounds half up",
        "round",
        lambda sound: lambda x, *a, **k: (x + 0.5).floor(),
    ),
    function(
        "function-and-method-forms",
        "exp of a strided float64 is that of float32",
        "exp",
        when(lambda x, *a, **k: strided(x), lambda out, x, *a, **k: x.float().exp().to(x.dtype)),
    ),
    function(
        "function-and-method-forms", "sort gives a plain tuple", "sort", when(always, lambda out, *a, **k: tuple(out))
    ),
    kernel("tensor.add-forms-agree", "sums of strided float64 are those of float32", "add.Tensor", inexact),
    function("add-forms-agree", "keywords add twice", "add", doubled_alpha),
    method(
        "add-forms-agree", "bool is added as a difference", "__radd__", when(of(torch.bool), lambda out, x, y: x ^ y)
    ),
    function(
        "add-out-argument",
        "out is returned as a view of it",
        "add",
        when(lambda *a, out=None, **k: out is not None, lambda out, *a, **k: out[...]),
    ),
    kernel("tensor.add-out-argument", "a strided out is filled in memory order", "add.out", moved_out),
    method("similar-to-ndarray", "2 - x is x - 2", "__rsub__", when(lambda x, y: y == 2, lambda out, x, y: -out)),
    kernel(
        "tensor.similar-to-ndarray",
        "remainders have the sign of the dividend",
        "remainder.Scalar",
        lambda func, x, y: x.fmod(y),
    ),
    kernel(
        "tensor.similar-to-ndarray",
        "floor division truncates tensors of integers",
        "floor_divide",
        lambda func, x, y: func(x, y) if x.is_floating_point() else x.div(y, rounding_mode="trunc"),
    ),
    method(
        "augmented-assignment",
        "+= makes a new tensor of a strided one",
        "__iadd__",
        lambda sound: lambda x, y: x + y if strided(x) else sound(x, y),
    ),
    method("augmented-assignment", "**= makes a new tensor", "__ipow__", lambda sound: lambda x, y: x.pow(y)),
    method(
        "augmented-assignment",
        "%= of int64 truncates",
        "__imod__",
        lambda sound: lambda x, y: x.copy_(x + y) if x.dtype == torch.int64 else sound(x, y),
    ),
]

# -- printing ----------------------------------------------------------------------------------------------------------


def printing(
    claim: str, name: str, wrong: Callable[[str, Any], str], condition: Callable[[Any], bool] = always
) -> Mutant:
    """Replace what tensors print as: `wrong(text, x)`."""
    return method(claim, name, "__repr__", when(lambda x, **k: condition(x), lambda text, x, **k: wrong(text, x)))


def with_options(**given: Any) -> Callable[[str, Any], str]:
    """The text under other print options."""

    def again(text: str, x: Any) -> str:
        kept = copy.copy(torch._tensor_str.PRINT_OPTS)
        torch.set_printoptions(**given)
        try:
            return torch._tensor_str._str(x)
        finally:
            torch._tensor_str.PRINT_OPTS = kept
            torch.set_printoptions(**vars(kept))

    return again


def without(*options: str) -> Wrong:
    return lambda sound: lambda **given: sound(**{key: value for key, value in given.items() if key not in options})


PRINTING = [
    printing("print-four-digits", "strided tensors print three digits", with_options(precision=3), is_strided),
    printing(
        "print-four-digits",
        "seventeen digits are shown of one element",
        with_options(precision=16),
        lambda x: x.numel() == 1,
    ),
    printing(
        "print-integers",
        "columns are not aligned",
        lambda text, x: text.replace("[  ", "["),
        lambda x: not x.is_floating_point(),
    ),
    printing(
        "print-integers",
        "strided integers print in memory order",
        lambda text, x: torch._tensor_str._str(in_memory_order(x)),
        lambda x: strided(x) and x.dtype == torch.int64,
    ),
    printing(
        "repr-shows-nondefault-dtype", "int16 is not named", lambda text, x: text.replace(", dtype=torch.int16", "")
    ),
    printing(
        "repr-shows-nondefault-dtype",
        "an empty tensor names no dtype",
        lambda text, x: text.partition(", dtype")[0] + ")" if "dtype" in text else text,
        lambda x: x.numel() == 0,
    ),
    printing(
        "print-empty",
        "the size of an empty tensor is not shown",
        lambda text, x: "tensor([])",
        lambda x: x.dim() > 1 and x.numel() == 0,
    ),
    printing(
        "print-empty",
        "an empty list shows its size",
        lambda text, x: text.replace("[]", "[], size=(0,)"),
        lambda x: x.shape == (0,),
    ),
    printing(
        "print-grad",
        "float64 does not show requires_grad",
        lambda text, x: text.replace(", requires_grad=True", ""),
        of(torch.float64),
    ),
    printing(
        "print-grad",
        "results show requires_grad",
        lambda text, x: text.replace("grad_fn=<MulBackward0>", "requires_grad=True"),
    ),
    printing("print-summary", "a thousand elements are summarised", with_options(threshold=999)),
    printing("print-summary", "integers are never summarised", with_options(threshold=10**9), of(torch.int64)),
    function("set-printoptions", "the width of lines is overlooked", "set_printoptions", without("linewidth")),
    function("set-printoptions", "sci_mode is overlooked", "set_printoptions", without("sci_mode")),
    function("set-printoptions", "a profile is overlooked", "set_printoptions", without("profile")),
    printing(
        "print-leaves-alone",
        "a transposed tensor prints in memory order",
        lambda text, x: torch._tensor_str._str(in_memory_order(x)),
        lambda x: x.dim() == 2 and x.stride(0) == 1 and 0 not in x.stride(),
    ),
    method(
        "print-leaves-alone",
        "printing counts as a write",
        "__repr__",
        when(always, lambda text, x, **k: (x.add_(0), text)[1] if x.dtype == torch.int32 else text),
    ),
]

MUTANTS: list[Mutant] = [*CASTS, *NUMBERS, *SIZES, *ATTRIBUTES, *PROTOCOLS, *NEW, *FORMS, *PRINTING]

"""In-place methods that are wrong in what they refuse, in the range they fill, or in what autograd is told."""

from __future__ import annotations

from typing import Any

import torch

from meta_tests.mutant import Mutant, patched, strided
from meta_tests.mutants.inplace import of, overlapping, result, spoiled, unrecorded, when
from meta_tests.mutants.inplace_own import method

Tensor = torch.Tensor


def freed(sound: Any, x: Any, *args: Any, **options: Any) -> Any:
    """Fills a copy of a self that overlaps itself."""
    sound(x.clone(), *args, **options)
    return x


def narrow_range(sound: Any) -> Any:
    """Without bounds, only the lower half of the range of a narrow dtype is drawn from."""

    def random_(x: Any, *bounds: Any, **options: Any) -> Any:
        if bounds or options or x.dtype not in (torch.int8, torch.int16, torch.uint8):
            return sound(x, *bounds, **options)
        return sound(x, 0, torch.iinfo(x.dtype).max // 2 + 1)

    return random_


def clipped(sound: Any) -> Any:
    """Sizes that reach beyond the storage are cut."""

    def as_strided_(x: Any, size: Any, stride: Any, *start: Any) -> Any:
        try:
            return sound(x, size, stride, *start)
        except RuntimeError:
            return sound(x, (1,), (1,), 0)

    return as_strided_


def lenient(sound: Any) -> Any:
    """A dense tensor is resized as such."""
    return lambda x, size, *dims: sound(x, size, *dims) if x.is_sparse else x.resize_(size)


def ends_wrong(name: str) -> Mutant:
    """Past the elements that one thread gets, the last of int32 is off."""
    return method(name, f"{name} of a long int32 self is off at its end", when(long_int32, spoiled))


def long_int32(x: Any, *_: Any) -> bool:
    return x.dtype is torch.int32 and x.numel() > 32_768


def blind_to_conjugates(name: str) -> Mutant:
    return conjugate_as_it_lies(
        name, lambda sound: lambda x, *a, **k: (sound(x.conj() if x.is_conj() else x, *a, **k), x)[1]
    )


def conjugate_as_it_lies(name: str, wrong: Any) -> Mutant:
    return patched("inplace.lazy-operands", f"{name} forgets that self is a conjugate", Tensor, name, wrong)


def part(x: Any, *_: Any) -> bool:
    return x.requires_grad and x._base is not None and strided(x)


def precise(x: Any, *_: Any) -> bool:
    return result(x) and x.dtype is torch.float64


def cubic(x: Any, *_: Any) -> bool:
    return x.dim() == 3


def with_the_other_sign(sound: Any) -> Any:
    """What is written to a negated self has the other sign."""
    return lambda x, *a, **k: sound(x, *a, **k).neg_() if x.is_neg() else sound(x, *a, **k)


MUTANTS: list[Mutant] = [
    *(
        patched(
            "inplace.lazy-operands", f"{name} of a negated self changes its sign", Tensor, name, with_the_other_sign
        )
        for name in ("acos_", "exp_")
    ),
    method("ldexp_", "ldexp_ of a result of autograd is not recorded", when(result, unrecorded)),
    *(
        method(name, f"{name} of an expanded self fills a copy", when(overlapping, freed))
        for name in ("normal_", "uniform_", "random_", "bernoulli_")
    ),
    method("random_", "random_ of a narrow dtype fills the lower half of its range", narrow_range),
    method("as_strided_", "as_strided_ beyond the storage looks at its first element", clipped),
    method("as_strided_", "as_strided_ of a result of autograd is not recorded", when(result, unrecorded)),
    method("sparse_resize_", "sparse_resize_ takes dense tensors", lenient),
    method("sparse_resize_and_clear_", "sparse_resize_and_clear_ takes dense tensors", lenient),
    *(ends_wrong(name) for name in ("fill_", "copy_", "masked_fill_", "index_add_", "scatter_add_", "put_", "cumsum_")),
    *(blind_to_conjugates(name) for name in ("scatter_", "masked_fill_", "addcdiv_", "pow_")),
    *(
        method(name, f"{name} of a part of a result is not recorded", when(part, unrecorded))
        for name in ("neg_", "tril_")
    ),
    *(
        method(name, f"{name} of a float64 result is not recorded", when(precise, unrecorded))
        for name in ("sin_", "div_")
    ),
    *(method(name, f"{name} is wrong in three dimensions", when(cubic, spoiled)) for name in ("exp_", "index_add_")),
    *(
        patched(f"inplace.{name}", f"torch.{name} is wrong in float64", torch, name, when(of("float64"), spoiled))
        for name in ("exp_", "clamp_")
    ),
]

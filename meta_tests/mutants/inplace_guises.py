"""In-place methods that are wrong for numbers in another guise, for operands of rare layouts, and in rare modes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from meta_tests.mutant import after_a_refusal, patched, strided
from meta_tests.mutants.inplace import of, spoiled, when
from meta_tests.mutants.inplace_own import method

Tensor = torch.Tensor
Condition = Callable[..., bool]


def numpy_number(x: Any, *args: Any) -> bool:
    return any(isinstance(value, np.generic) for value in args)


def single(x: Any, *args: Any) -> bool:
    return any(isinstance(value, np.float32) for value in args)


def other_number(x: Any, *args: Any) -> bool:
    return any(isinstance(v, Tensor) and v.dim() == 0 and v.dtype != x.dtype for v in args)


def true(x: Any, *args: Any) -> bool:
    return any(value is True for value in args)


def vast(x: Any, *args: Any) -> bool:
    return any(isinstance(value, int) and abs(value) > 2**53 for value in args)


def operand(condition: Callable[[Any, Any], bool]) -> Condition:
    """A condition on self and a tensor beside it."""
    return lambda x, *args: bool(args) and isinstance(args[0], Tensor) and condition(x, args[0])


OPERANDS: dict[str, Condition] = {
    "an expanded float64 operand": operand(lambda x, y: y.dtype == torch.float64 and 0 in y.stride() and y.numel() > 4),
    "a strided int16 operand": operand(lambda x, y: y.dtype == torch.int16 and x.is_contiguous() and strided(y)),
    "a bfloat16 self with gaps": operand(lambda x, y: of("bfloat16")(x) and strided(x) and y.is_contiguous()),
    "a size of one in the middle": operand(lambda x, y: y.dim() == 3 and y.shape[1] == 1 < x.shape[1]),
    "a thousand float64 with gaps": operand(
        lambda x, y: of("float64")(x) and strided(x) and strided(y) and x.numel() > 1000
    ),
}


def left_alone(_: Any, x: Any, *args: Any, **options: Any) -> Any:
    return x


def on_a_copy(sound: Any, x: Any, *args: Any, **options: Any) -> Any:
    return sound(x.detach().clone(), *args, **options)


def forgetful(sound: Any, x: Any, *args: Any, **options: Any) -> Any:
    sound(x, *args, **options)
    x.__dict__.clear()
    return x


def without_gradient(sound: Any, x: Any, *args: Any, **options: Any) -> Any:
    sound(x, *args, **options)
    if x.is_leaf and x.grad is not None:
        x.grad = None
    return x


def plain(sound: Any, x: Any, *args: Any, **options: Any) -> Any:
    return sound(x, *args, **options).as_subclass(Tensor)


def inference(*_: Any) -> bool:
    return torch.is_inference_mode_enabled()


def deterministic(*_: Any) -> bool:
    return torch.get_deterministic_debug_mode() != 0


def elsewhere(*_: Any) -> bool:
    return threading.current_thread() is not threading.main_thread()


def by_default(*_: Any) -> bool:
    return torch.get_default_dtype() == torch.float64


def parameter(x: Any, *_: Any) -> bool:
    return type(x) is torch.nn.Parameter


def subclass(x: Any, *_: Any) -> bool:
    return type(x) not in (Tensor, torch.nn.Parameter)


def silent_leaf(x: Any, *_: Any) -> bool:
    return x.requires_grad and not torch.is_grad_enabled()


def anew(sound: Any) -> Any:
    return lambda x, y: x + y if isinstance(y, np.generic) else sound(x, y)


MUTANTS = [
    *(
        method(name, f"{name} of a number of numpy is off", when(numpy_number, spoiled))
        for name in (
            "add_",
            "mul_",
            "div_",
            "pow_",
            "clamp_",
            "masked_fill_",
            "index_fill_",
            "scatter_",
            "eq_",
            "lerp_",
        )
    ),
    *(method(name, f"{name} of a float32 of numpy is off", when(single, spoiled)) for name in ("add_", "mul_", "pow_")),
    *(
        patched(f"inplace.{name}", f"{name} of a number of numpy makes a new tensor", Tensor, name, anew)
        for name in ("__iadd__", "__isub__", "__imul__", "__itruediv__")
    ),
    *(
        method(name, f"{name} of a 0-d tensor of another dtype is off", when(other_number, spoiled))
        for name in ("add_", "sub_", "mul_", "div_", "eq_", "atan2_", "clamp_")
    ),
    *(method(name, f"{name} of True is off", when(true, spoiled)) for name in ("add_", "mul_", "eq_", "fill_")),
    *(
        method(name, f"{name} of an integer that no float holds is off", when(vast, spoiled))
        for name in ("add_", "mul_", "fill_", "bitwise_and_", "lt_", "masked_fill_")
    ),
    *(
        method(name, f"{name} is off for {text}", when(condition, spoiled))
        for text, condition in OPERANDS.items()
        for name in ("add_", "mul_", "copy_")
    ),
    *(method(name, f"{name} leaves self in inference mode", when(inference, left_alone)) for name in ("add_", "zero_")),
    *(
        method(name, f"{name} is off in deterministic mode", when(deterministic, spoiled))
        for name in ("index_add_", "scatter_add_", "index_put_")
    ),
    method("add_", "add_ is off in a thread", when(elsewhere, spoiled)),
    method("exp_", "exp_ is off where float64 is the default", when(by_default, spoiled)),
    *(method(name, f"{name} changes a copy of a Parameter", when(parameter, on_a_copy)) for name in ("add_", "zero_")),
    *(method(name, f"{name} forgets attributes", when(subclass, forgetful)) for name in ("mul_", "copy_")),
    *(
        method(name, f"{name} drops the gradient of self", when(parameter, without_gradient))
        for name in ("add_", "fill_")
    ),
    *(method(name, f"{name} of a subclass gives a plain tensor", when(subclass, plain)) for name in ("mul_", "exp_")),
    *(
        method(name, f"{name} is off after a refusal", after_a_refusal(Tensor.zero_))
        for name in ("add_", "clamp_", "mul_")
    ),
    *(
        method(name, f"{name} leaves a Parameter without grad mode", when(silent_leaf, left_alone))
        for name in ("normal_", "uniform_", "random_")
    ),
]

"""Assertions that read like a bug report: they name the call, the element, what is and what should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from conformance import host, numerics
from conformance.numerics import EXACT, Error
from conformance.subject import Unsupported


class Refutation(AssertionError):
    """PyTorch did otherwise. `expected`, `actual`: short texts for the record."""

    def __init__(self, message: str, expected: object = None, actual: object = None) -> None:
        super().__init__(message)
        self.expected = None if expected is None else str(expected)
        self.actual = None if actual is None else str(actual)


def require(condition: object, message: str, expected: object = None, actual: object = None) -> None:
    """Refute unless the condition is true."""
    if not condition:
        raise Refutation(message, expected, actual)


def assert_tensor(call: str, out: Any, dtype: str | None = None, shape: tuple[int, ...] | None = None) -> torch.Tensor:
    """Refute unless `out` is a tensor, of that dtype and shape where they are given. Returns it."""
    if not isinstance(out, torch.Tensor):  # its repr is made only where it is shown
        raise Refutation(f"{call} is no tensor but a {type(out).__name__}", "a tensor", repr(out)[:200])
    if dtype is not None:
        found = host.dtype_name(out.dtype)
        require(found == dtype, f"{call} has dtype {found}, but should have {dtype}", dtype, found)
    if shape is not None:
        size = tuple(out.shape)
        require(size == tuple(shape), f"{call} has shape {size}, but should have {tuple(shape)}", tuple(shape), size)
    return out


def assert_values(
    call: str,
    out: Any,
    expected: Any,
    error: Error = EXACT,
    scale: Any = None,
    *,
    dtype: str | None = None,
    signed_zeros: bool = False,
) -> None:
    """Refute unless a tensor has the expected shape and values, within its error class.

    `expected`: an array (or number) in at least the result's precision. `dtype`: the dtype that the result has to
    have; whatever it is, its own precision sets the bound. `scale`: see `numerics.bound`.
    """
    expected = np.asarray(expected)
    out = assert_tensor(call, out, dtype, expected.shape)
    name = host.dtype_name(out.dtype)
    assert_array(call, host.array(out), expected, name, error, scale, signed_zeros=signed_zeros)


def assert_array(
    call: str,
    actual: np.ndarray,
    expected: np.ndarray,
    dtype: str,
    error: Error = EXACT,
    scale: Any = None,
    *,
    signed_zeros: bool = False,
) -> None:
    """Refute unless values found on the host are the expected ones, within what an error class allows for a dtype."""
    worst = numerics.compare(actual, expected, dtype, error, scale, signed_zeros=signed_zeros)
    if worst is None:
        return
    place = f"[{', '.join(map(str, worst.index))}]" if worst.index else ""
    note = f", off by {worst.off_by:.3g} where {error.name} allows {worst.allowed:.3g}" if error is not EXACT else ""
    wrong = f" ({worst.count} of {actual.size} elements are wrong)" if actual.size > 1 else ""
    raise Refutation(
        f"{call}{place} is {_scalar(worst.actual)}, but should be {_scalar(worst.expected)}{note}{wrong}",
        _show(expected),
        _show(actual),
    )


def _scalar(value: Any) -> str:
    """A number as Python writes it; long doubles in full."""
    return (
        str(value)
        if isinstance(value, (np.longdouble, np.clongdouble))
        else repr(getattr(value, "item", lambda: value)())
    )


def _show(values: np.ndarray) -> str:
    text = np.array2string(np.asarray(values), threshold=24, edgeitems=3, separator=", ")
    return text if len(text) <= 600 else text[:600] + " …"


def assert_raises(
    call: str, kinds: type[BaseException] | tuple[type[BaseException], ...], action: Callable[[], Any]
) -> Exception:
    """Refute unless the action raises one of the exceptions. Returns what it raised.

    What the subject does not have, as a dtype of an input, is no answer of PyTorch's: Unsupported goes through.
    """
    wanted = " or ".join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
    try:
        out = action()
    except Unsupported:
        raise
    except kinds as raised:
        return raised  # type: ignore[return-value]
    except Exception as raised:
        raise Refutation(
            f"{call} raises {type(raised).__name__}, but should raise {wanted}",
            wanted,
            f"{type(raised).__name__}: {raised}",
        ) from raised
    raise Refutation(f"{call} is accepted, but should raise {wanted}", wanted, repr(out)[:200])


def memory(tensor: torch.Tensor) -> tuple[int, int]:
    """The half-open range of addresses that a tensor's elements lie in; empty for a tensor without elements."""
    if tensor.numel() == 0:
        return (0, 0)
    reach = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    start = tensor.data_ptr()
    return (start, start + (reach + 1) * tensor.element_size())


def overlap(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether the address ranges of two tensors on one device meet."""
    (a0, a1), (b0, b1) = memory(a), memory(b)
    return a0 < b1 and b0 < a1


def assert_apart(call: str, out: torch.Tensor, given: torch.Tensor) -> None:
    """Refute if a result lies in the memory of an input."""
    require(
        not overlap(out, given), f"{call} lies in the memory of its input, but should be new", "new memory", "shared"
    )


def assert_view(call: str, out: torch.Tensor, given: torch.Tensor, offset: int, strides: tuple[int, ...]) -> None:
    """Refute unless a result looks at the input's memory, `offset` elements past its first, with these strides.

    Strides of dimensions of size 0 or 1 never matter and are not compared.
    """
    start = given.data_ptr() + offset * given.element_size()
    if out.numel():
        found_at = (out.data_ptr() - given.data_ptr()) / given.element_size()
        message = f"{call} starts {found_at:g} elements into its input's memory, but should start at {offset}"
        require(out.data_ptr() == start, message, offset, found_at)
        found = tuple(out.stride())
        same = len(found) == len(strides) and all(
            a == b for a, b, n in zip(found, strides, out.shape, strict=True) if n > 1
        )
        require(same, f"{call} has strides {found}, but should have {tuple(strides)}", tuple(strides), found)


class Unchanged:
    """A snapshot of tensors that a call must leave alone: memory, shape, strides, dtype, flags and version."""

    def __init__(self, **tensors: torch.Tensor) -> None:
        self.before = {name: (tensor, _state(tensor)) for name, tensor in tensors.items()}

    def check(self, call: str) -> None:
        """Refute if any of them differs from what it was."""
        for name, (tensor, before) in self.before.items():
            after = _state(tensor)
            for key, value in before.items():
                require(after[key] == value, f"{call} changed the {key} of its argument {name}", value, after[key])


def _state(tensor: torch.Tensor) -> dict[str, Any]:
    # _version is documented only in prose, but it is what autograd compares: there is no public name for it.
    return {
        "shape": tuple(tensor.shape),
        "strides": tuple(tensor.stride()),
        "dtype": str(tensor.dtype),
        "address": tensor.data_ptr(),
        "requires_grad": tensor.requires_grad,
        "version": None if tensor.is_inference() else tensor._version,
        "values": host.bits(tensor).tobytes(),
    }

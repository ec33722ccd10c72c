"""The kernels that are measured: each with its inputs, what it must at least move and do, and NumPy's like."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from conformance import host
from perf.clock import Call

F = torch.nn.functional
WIDTH = 1024


@dataclass(frozen=True)
class Case:
    """A kernel with its inputs. `function` of `inputs`; `moved` bytes and `operations` of one forward pass at least.

    `numpy`: the same work in NumPy, or None. `learned`: the places of the inputs that get a gradient. `again`: how much
    of the forward pass's bytes and operations the backward pass needs at least.
    """

    function: Callable[..., torch.Tensor]
    inputs: Sequence[Any]
    moved: int
    operations: int
    numpy: Call | None = None
    learned: Sequence[int] = (0,)
    again: int = 1

    def forward(self) -> Call:
        """One call without a graph."""
        function, inputs = self.function, self.inputs
        return lambda: function(*inputs)

    def backward(self) -> Call:
        """Forward and backward: the gradients of all learned inputs."""
        function = self.function
        inputs = [x.detach().requires_grad_() if place in self.learned else x for place, x in enumerate(self.inputs)]
        learned = [inputs[place] for place in self.learned]
        weight = torch.ones_like(function(*inputs))
        return lambda: torch.autograd.grad(function(*inputs), learned, weight)


@dataclass(frozen=True)
class Kernel:
    """A row of the table. `make(elements, device)`; `sizes`: elements from launch-bound to memory-bound."""

    name: str
    make: Callable[[int, str], Case]
    sizes: tuple[int, ...]
    dtype: str = "float32"
    backward: bool = True
    since: str | None = None
    streams: bool = True

    def __str__(self) -> str:
        return self.name


SIZES = (2**10, 2**17, 2**23)


def tensor(*shape: int, device: str, dtype: str = "float32") -> torch.Tensor:
    """Numbers between 0.5 and 1.5 that are the same in every run."""
    values = np.random.default_rng(0).random(math.prod(shape), dtype=np.float32).reshape(shape) + np.float32(0.5)
    return torch.from_numpy(values).to(device=device, dtype=host.torch_dtype(dtype))


def _numpy(x: torch.Tensor) -> np.ndarray | None:
    return x.numpy() if x.device.type == "cpu" and x.dtype != torch.bfloat16 else None


def _pair(n: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    return tensor(n, device=device), tensor(n, device=device)


def _rows(n: int, device: str) -> torch.Tensor:
    width = min(n, WIDTH)
    return tensor(max(1, n // width), width, device=device)


def add(n: int, device: str) -> Case:
    """Elementwise with two operands."""
    x, y = _pair(n, device)
    a, b = _numpy(x), _numpy(y)
    return Case(lambda x, y: torch.add(x, y), (x, y), 12 * n, n, None if a is None else lambda: np.add(a, b), (0, 1))


def exp(n: int, device: str) -> Case:
    """Elementwise with much arithmetic; counted as one operation an element."""
    x = tensor(n, device=device)
    a = _numpy(x)
    return Case(lambda x: torch.exp(x), (x,), 8 * n, n, None if a is None else lambda: np.exp(a))


def total(n: int, device: str) -> Case:
    """A reduction to one number."""
    x = tensor(n, device=device)
    a = _numpy(x)
    # The gradient is one number, expanded: nothing is moved for it.
    return Case(lambda x: torch.sum(x), (x,), 4 * n, n, None if a is None else lambda: np.sum(a), again=0)


def amax(n: int, device: str) -> Case:
    """A reduction along rows."""
    x = _rows(n, device)
    a = _numpy(x)
    return Case(lambda x: torch.amax(x, -1), (x,), 4 * n, n, None if a is None else lambda: np.amax(a, -1))


def cumsum(n: int, device: str) -> Case:
    """A scan along rows."""
    x = _rows(n, device)
    a = _numpy(x)
    return Case(lambda x: torch.cumsum(x, -1), (x,), 8 * n, n, None if a is None else lambda: np.cumsum(a, -1))


def softmax(n: int, device: str) -> Case:
    """Along rows; four operations an element: maximum, difference and exponential, sum, quotient."""
    return Case(lambda x: torch.softmax(x, -1), (_rows(n, device),), 8 * n, 4 * n)


def layer_norm(n: int, device: str) -> Case:
    """Over rows, with weight and bias."""
    x = _rows(n, device)
    weight, bias = _pair(x.shape[1], device)
    call = lambda x, w, b: F.layer_norm(x, x.shape[1:], w, b)  # noqa: E731
    return Case(call, (x, weight, bias), 8 * n, 5 * n, learned=(0, 1, 2))


def sort(n: int, device: str) -> Case:
    """Along rows; values and int64 places are written. NumPy gives the values only."""
    x = _rows(n, device)
    a = _numpy(x)
    call = lambda x: torch.sort(x, -1)[0]  # noqa: E731
    return Case(call, (x,), 16 * n, n, None if a is None else lambda: np.sort(a, -1))


def topk(n: int, device: str) -> Case:
    """The largest 16 of each row."""
    x = _rows(n, device)
    a, k = _numpy(x), min(16, x.shape[1])
    numpy = None if a is None else lambda: np.partition(a, x.shape[1] - k, -1)
    return Case(lambda x: torch.topk(x, k, -1)[0], (x,), 4 * n, n, numpy)


def gather(n: int, device: str) -> Case:
    """Along rows, by reversed places; eight bytes of place for four of value."""
    x = _rows(n, device)
    places = torch.arange(x.shape[1] - 1, -1, -1, device=device).expand(x.shape).contiguous()
    a, b = _numpy(x), _numpy(places)
    numpy = None if a is None else lambda: np.take_along_axis(a, b, -1)
    return Case(lambda x, p: torch.gather(x, -1, p), (x, places), 16 * n, 0, numpy)


def index_add(n: int, device: str) -> Case:
    """Rows of 64 added to a fourth as many; the index reaches each of them four times."""
    rows = max(4, n // 64)
    x = tensor(rows, 64, device=device)
    places = torch.arange(rows, device=device) % (rows // 4)
    target = torch.zeros(rows // 4, 64, device=device)
    call = lambda x, t, p: t.index_add(0, p, x)  # noqa: E731
    return Case(call, (x, target, places), 4 * rows * 64 + 8 * rows, rows * 64, learned=(0, 1))


def matmul(dtype: str) -> Callable[[int, str], Case]:
    """A product of two square matrices of `n` elements."""

    def make(n: int, device: str) -> Case:
        side = math.isqrt(n)
        x, y = (tensor(side, side, device=device, dtype=dtype) for _ in range(2))
        a, b = (_numpy(z) if dtype in ("float32", "float64") else None for z in (x, y))
        numpy = None if a is None else lambda: np.matmul(a, b)
        moved = 3 * side * side * x.element_size()
        return Case(lambda x, y: torch.matmul(x, y), (x, y), moved, 2 * side**3, numpy, (0, 1))

    return make


def bmm(dtype: str) -> Callable[[int, str], Case]:
    """Sixteen products of square matrices, `n` elements on each side."""

    def make(n: int, device: str) -> Case:
        side = max(2, math.isqrt(n // 16))
        x, y = (tensor(16, side, side, device=device, dtype=dtype) for _ in range(2))
        moved = 3 * 16 * side * side * x.element_size()
        return Case(lambda x, y: torch.bmm(x, y), (x, y), moved, 32 * side**3, learned=(0, 1))

    return make


def conv2d(n: int, device: str) -> Case:
    """Images of 32x32 in 32 channels, 3x3 kernels, as many channels out."""
    batch = max(1, n // (32 * 32 * 32))
    x, weight = tensor(batch, 32, 32, 32, device=device), tensor(32, 32, 3, 3, device=device)
    call = lambda x, w: F.conv2d(x, w, padding=1)  # noqa: E731
    pixels = batch * 32 * 32
    return Case(call, (x, weight), 8 * 32 * pixels, 2 * 32 * 32 * 4 * pixels, learned=(0, 1))


def max_pool2d(n: int, device: str) -> Case:
    """2x2 over images of 32x32."""
    x = tensor(1, max(1, n // 1024), 32, 32, device=device)
    return Case(lambda x: F.max_pool2d(x, 2), (x,), 5 * x.numel(), x.numel())


def lstm(n: int, device: str) -> Case:
    """One layer of 128 units over 16 steps."""
    batch = max(1, n // (16 * 128))
    layer = torch.nn.LSTM(128, 128).to(device)
    x = tensor(16, batch, 128, device=device)
    weights = sum(p.numel() for p in layer.parameters())
    operations = 2 * 16 * batch * 4 * 128 * 256
    return Case(lambda x: layer(x)[0], (x,), 4 * (2 * x.numel() + weights), operations)


def cross_entropy(n: int, device: str) -> Case:
    """Rows of 1,024 classes."""
    x = _rows(n, device)
    target = torch.arange(x.shape[0], device=device) % x.shape[1]
    return Case(lambda x, t: F.cross_entropy(x, t), (x, target), 4 * n, 4 * n)


# -- the table ---------------------------------------------------------------------------------------------------------

KERNELS = (
    Kernel("add", add, SIZES),
    Kernel("exp", exp, SIZES),
    Kernel("sum", total, SIZES),
    Kernel("amax", amax, SIZES),
    Kernel("cumsum", cumsum, SIZES),
    Kernel("softmax", softmax, SIZES),
    Kernel("layer_norm", layer_norm, SIZES),
    Kernel("sort", sort, (2**10, 2**17, 2**20)),
    Kernel("topk", topk, (2**10, 2**17, 2**20)),
    Kernel("gather", gather, (2**10, 2**17, 2**22)),
    Kernel("index_add", index_add, (2**10, 2**17, 2**20)),
    Kernel("matmul float32", matmul("float32"), (2**10, 2**16, 2**20)),
    Kernel("matmul float64", matmul("float64"), (2**10, 2**16, 2**18), "float64"),
    Kernel("matmul bfloat16", matmul("bfloat16"), (2**10, 2**16, 2**20), "bfloat16"),
    Kernel("matmul float16", matmul("float16"), (2**10, 2**14, 2**16), "float16", since="2.3"),
    Kernel("bmm float32", bmm("float32"), (2**10, 2**16, 2**20)),
    Kernel("bmm bfloat16", bmm("bfloat16"), (2**10, 2**16, 2**18), "bfloat16"),
    Kernel("conv2d", conv2d, (2**15, 2**18, 2**20)),
    Kernel("max_pool2d", max_pool2d, (2**10, 2**17, 2**22)),
    Kernel("lstm", lstm, (2**11, 2**15, 2**18)),
    Kernel("cross_entropy", cross_entropy, (2**10, 2**17, 2**22)),
)
# float32 work that NumPy does as well. At these sizes either gets its results from memory that it has already:
# larger ones are new pages each time, for which NumPy asks for huge ones.
LIKE_NUMPY = {"add": 2**21, "exp": 2**21, "sum": 2**21, "amax": 2**21, "matmul float32": 2**18}
BY_NAME = {kernel.name: kernel for kernel in KERNELS}

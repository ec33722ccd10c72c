"""Hooks on what is saved for backward: every kind of tensor, every pass, what they raise, and where they hold."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.gradients import constant, exact, leaf

pytestmark = must_answer


class Box:
    """What pack returns: known by its identity alone."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


class Kept:
    """Hooks that note what they are given, in order."""

    def __init__(self) -> None:
        self.packed: list[Box] = []
        self.unpacked: list[Any] = []

    def pack(self, tensor: torch.Tensor) -> Box:
        self.packed.append(Box(tensor.detach()))
        return self.packed[-1]

    def unpack(self, box: Any) -> torch.Tensor:
        self.unpacked.append(box)
        return box.tensor

    def block(self) -> Any:
        return torch.autograd.graph.saved_tensors_hooks(self.pack, self.unpack)


class Cube(torch.autograd.Function):
    """x * x * x, which saves x and a mask of its own."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x, x > 0)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        x, positive = ctx.saved_tensors
        return gradient * 3 * x * x * torch.where(positive, 1.0, 1.0)


def given(subject: Subject, size: int) -> dict[str, torch.Tensor]:
    rows = np.arange(size) % 2
    device = subject.device
    return {
        "index": torch.tensor(rows[None].tolist(), device=device),
        "mask": torch.tensor((rows == 0)[None].tolist(), device=device),
        "u": constant(np.full((1, size), 3.0), subject),
        "h": constant(3.0, subject),
        "c": host.tensor(np.full((1, size), 2.0 + 3.0j), "complex128", device),
    }


# What is saved for each, beside or in place of x.
PROGRAMS: dict[str, tuple[Callable[..., torch.Tensor], str]] = {
    "x * u": (lambda x, **o: x * o["u"], "u"),
    "x * h, h of no dimension": (lambda x, **o: x * o["h"], "h"),
    "x * c, c complex": (lambda x, **o: x * o["c"], "c"),
    "x.gather(0, index)": (lambda x, **o: x.gather(0, o["index"] * 0), "index"),
    "torch.where(mask, x, u)": (lambda x, **o: torch.where(o["mask"], x, o["u"]), "mask"),
    "x.masked_fill(mask, 0)": (lambda x, **o: x.masked_fill(o["mask"], 0), "mask"),
    "a Function": (lambda x, **o: Cube.apply(x), "positive"),
}


@check("graph.saved-tensors-hooks")
def test_tensors_of_every_kind_pass_through_the_hooks(subject: Subject) -> None:
    for size in (1, 4, 40):
        for call, (program, name) in PROGRAMS.items():
            kept, tensors = Kept(), given(subject, size)
            x = leaf(np.full((1, size), 2.0), subject)
            with kept.block():
                out = program(x, **tensors)
            tensors["positive"] = x.detach() > 0
            wanted = tensors[name] * 0 if name == "index" else tensors[name]
            found = [box.tensor.tolist() for box in kept.packed if box.tensor.dtype == wanted.dtype]
            require(wanted.tolist() in found, f"what {call} packs, of {size} elements", wanted.tolist(), found)
            for times in (1, 2):
                out.abs().sum().backward(retain_graph=True)
                same = sorted(map(id, kept.unpacked)) == sorted(map(id, kept.packed * times))
                count = (len(kept.unpacked), times * len(kept.packed))
                require(same, f"what unpack of {call} is given in {times} passes", "each box once a pass", count)


@check("graph.saved-tensors-hooks")
def test_pack_is_given_the_memory_and_strides_of_what_is_saved(subject: Subject) -> None:
    for layout in ("contiguous", "transposed", "row_stepped", "stepped"):
        kept, x = Kept(), leaf([[1.0, 2.0], [3.0, 5.0]], subject, layout=layout)
        u = constant([[1.0, 2.0], [3.0, 5.0]], subject, layout=layout)
        with kept.block():
            out = x * u
        found = [(box.tensor.data_ptr(), box.tensor.stride(), box.tensor.storage_offset()) for box in kept.packed]
        wanted = [(u.data_ptr(), u.stride(), u.storage_offset())]
        require(found[-1:] == wanted, f"what pack is given ({layout})", wanted, found)
        out.sum().backward()
        exact(f"x.grad through the hooks ({layout})", x.grad, [[1.0, 2.0], [3.0, 5.0]])


@check("graph.saved-tensors-hooks", since="2.0")
def test_what_a_hook_raises_reaches_the_caller(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)

    def bad(value: Any) -> Any:
        raise LookupError("from the hook")

    def run(pack: Any, unpack: Any) -> None:
        with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
            y = x * x
        y.sum().backward()

    for name, hooks in (("pack", (bad, lambda t: t)), ("unpack", (lambda t: t, bad))):
        raised = assert_raises(f"{name} that raises LookupError", LookupError, lambda: run(*hooks))
        require("from the hook" in str(raised), f"what {name} raised", "from the hook", str(raised))
        require(x.grad is None, f"x.grad after {name} raised", None, x.grad)
    run(lambda t: t, lambda t: t)
    exact("x.grad after hooks that raised", x.grad, [2.0, 4.0])


@check("graph.saved-tensors-hooks")
def test_a_block_of_hooks_can_be_entered_again(subject: Subject) -> None:
    kept, x = Kept(), leaf([1.0, 2.0], subject)
    block, wanted = kept.block(), 0
    for _ in range(3):
        with block:
            y = x * x
        wanted += 2
        require(len(kept.packed) == wanted, "how many tensors were packed", wanted, len(kept.packed))
        x * x
        require(len(kept.packed) == wanted, "how many tensors were packed after the block", wanted, len(kept.packed))
    with block, Kept().block(), block:
        y = x * x
    require(len(kept.packed) == wanted + 2, "how many tensors three nested blocks pack", wanted + 2, len(kept.packed))
    y.sum().backward()


@check("graph.saved-tensors-hooks")
def test_hooks_hold_in_the_thread_that_entered_them(subject: Subject) -> None:
    here, there, x = Kept(), Kept(), leaf([1.0, 2.0], subject)
    outs: list[torch.Tensor] = []

    def work() -> None:
        outs.append(x.exp())
        with there.block():
            outs.append(x.exp())

    with here.block():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    found = (len(here.packed), len(there.packed))
    require(found == (0, 1), "tensors packed by the block here, and by that of the thread", (0, 1), found)
    outs[-1].sum().backward()
    require(len(there.unpacked) == 1, "tensors unpacked where the graph is run here", 1, len(there.unpacked))


@check("graph.saved-tensor-own-hooks")
def test_one_saved_tensor_may_have_hooks_of_its_own(subject: Subject) -> None:
    for size in (1, 2, 40):
        x, kept = leaf(np.full(size, 2.0), subject), Kept()
        y = x * x
        saved = y.grad_fn._raw_saved_self  # the name that the notes of autograd give it
        saved.register_hooks(kept.pack, kept.unpack)
        require(len(kept.packed) == 1, "how often pack ran when it was registered", 1, len(kept.packed))
        again = (RuntimeError, "a second pair of hooks on a saved tensor")
        assert_raises(again[1], again[0], lambda: saved.register_hooks(lambda t: t, lambda t: t))
        for times in (1, 2):
            y.sum().backward(retain_graph=True)
            require(len(kept.unpacked) == times, f"how often unpack ran in {times} passes", times, len(kept.unpacked))
        exact("x.grad", x.grad, np.full(size, 8.0))
        z = x * 3 * x
        other = z.grad_fn._raw_saved_other  # of the same family of names
        other.register_hooks(lambda t: t.detach() * 10, lambda t: t)
        exact("the gradient", torch.autograd.grad(z.sum(), x)[0], np.full(size, 6.0 + 3 * 20.0))


@check("graph.save-on-cpu")
def test_saved_tensors_of_every_kind_come_back_from_the_host(subject: Subject) -> None:
    block = torch.autograd.graph.save_on_cpu
    for blocks in (lambda: block(), lambda: block(False), lambda: block(pin_memory=False)):
        for size in (1, 5, 300):
            numbers = 1 + np.arange(size) * 1e-4 - 0.1
            x = leaf(np.ones(size), subject, "float32")
            u = constant(numbers, subject, "float32")
            c = host.tensor(numbers + 1j * numbers[::-1], "complex128", subject.device)
            order = torch.arange(size - 1, -1, -1, device=subject.device)
            weights = torch.arange(size, dtype=torch.float32, device=subject.device)
            with blocks():
                outs = {"x * u": x * u, "x.index_select(0, order) * weights": x.index_select(0, order) * weights}
                complex_product = (x * c.conj()).real
            wanted = {"x * u": numbers, "x.index_select(0, order) * weights": np.arange(size)[::-1]}
            for call, out in outs.items():
                found = torch.autograd.grad(out.sum(), x)[0]
                assert_values(f"the gradient of {call}", found, wanted[call].astype(np.float32), dtype="float32")
            found = torch.autograd.grad(complex_product.sum(), x)[0]
            assert_values("the gradient of (x * c.conj()).real", found, numbers.astype(np.float32), dtype="float32")


@check("graph.saved-tensors-hooks-disabled", since="2.0")
def test_blocks_without_hooks_nest(subject: Subject) -> None:
    graph = torch.autograd.graph

    def said(when: str) -> str:
        return str(assert_raises(f"saved_tensors_hooks {when}", RuntimeError, lambda: Kept().block().__enter__()))

    with graph.disable_saved_tensors_hooks("outer"):
        with graph.disable_saved_tensors_hooks("inner"):
            require(said("in the inner block") == "inner", "the message in the inner block", "inner", "")
        require(said("after the inner block") == "outer", "the message after the inner block", "outer", "")
        with graph.disable_saved_tensors_hooks(error_message="again"):
            require(said("in a second inner block") == "again", "the message in a second block", "again", "")
    try:
        with graph.disable_saved_tensors_hooks("left"):
            raise LookupError
    except LookupError:
        pass
    kept, x = Kept(), leaf([1.0], subject)
    with kept.block():
        x.exp()
        block = graph.disable_saved_tensors_hooks("too late")
        assert_raises("disable_saved_tensors_hooks inside saved_tensors_hooks", RuntimeError, lambda: block.__enter__())
    require(len(kept.packed) == 1, "tensors packed after the blocks", 1, len(kept.packed))


@check("graph.mutation-on-saved", since="2.0")
def test_blocks_that_allow_writes_do_not_nest(subject: Subject) -> None:
    block = torch.autograd.graph.allow_mutation_on_saved_tensors
    x = leaf([1.0, 2.0], subject)
    with block() as context:
        require(context is not None, "what allow_mutation_on_saved_tensors gives", "an object with its state", context)
        for times in (1, 2):
            y = (x * 1).exp_()
            z = y * y
            y.zero_()[:1].add_(5)
            exact("what was written to", y, [5.0, 0.0])
            found = torch.autograd.grad(z.sum(), x)[0]
            ratio = (found / (2 * (2 * x.detach()).exp()) * 1e9).round()
            exact(f"the gradient, over 2 exp(2 x), time {times}", ratio, [1e9, 1e9])
        assert_raises("a block in a block", RuntimeError, lambda: block().__enter__())
    with block():
        pass

"""Writing in place where gradients are at stake: what is refused, what is noticed, what is tracked."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance.assertions import Unchanged, assert_raises, require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.autograd_write_rows import NEEDS, SHAPES, SINCE, TRACKED, UNNEEDED, VALUES, WAYS
from conformance.tables.gradients import constant, exact, leaf, version

pytestmark = must_answer


def kinds(claim: str, without: tuple[str, ...] = ()) -> list:
    """A parameter a kind of writing, with its claim and releases."""
    return [
        pytest.param(kind, marks=check(claim, since=SINCE.get(kind)), id=kind) for kind in WAYS if kind not in without
    ]


def write(way: str, x: torch.Tensor) -> Any:
    """Write to x in one of the ways."""
    given = {
        "torch": torch,
        "F": torch.nn.functional,
        "x": x,
        "m": torch.tensor([[True, False, True], [False, True, False]], device=x.device),
        "i": torch.tensor([1, 0], device=x.device),
        "s": torch.full((2, 3), 0.5, dtype=x.dtype, device=x.device),
    }
    return eval(way, given)


@pytest.mark.parametrize("kind", kinds("autograd.inplace-on-leaf-raises", ("detached", "init", *SHAPES)))
def test_a_leaf_that_requires_grad_is_not_written_to(subject: Subject, kind: str) -> None:
    for way in WAYS[kind]:
        for layout in ("contiguous", "transposed") if "view" not in way and "flatten" not in way else ("contiguous",):
            x = leaf(VALUES, subject, layout=layout)
            kept = Unchanged(x=x)
            assert_raises(f"{way} of a leaf that requires grad ({layout})", RuntimeError, lambda: write(way, x))
            kept.check(way)


@check("autograd.inplace-on-view-of-leaf-raises")
def test_a_view_of_such_a_leaf_is_not_written_to(subject: Subject) -> None:
    views: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "x.view(-1)": lambda x: x.view(-1),
        "x.t()": lambda x: x.t(),
        "x[0]": lambda x: x[0],
        "x[:, 1:]": lambda x: x[:, 1:],
        "x.expand(1, 2, 3)": lambda x: x.expand(1, 2, 3),
        "x.diagonal()": lambda x: x.diagonal(),
        "x.t()[1:]": lambda x: x.t()[1:],
        "x.view_as(x)": lambda x: x.view_as(x),
    }
    for name, make in views.items():
        x = leaf(VALUES, subject)
        kept = Unchanged(x=x)
        for call in ("add_", "zero_", "exp_"):
            arguments = (1,) if call == "add_" else ()
            assert_raises(f"({name}).{call} of a leaf", RuntimeError, lambda: getattr(make(x), call)(*arguments))
        kept.check(f"a refused write to {name}")
    x = leaf(VALUES, subject)
    assert_raises("torch.add(y, y, out=x) of a leaf", RuntimeError, lambda: torch.add(x.detach(), 1, out=x))


@check("autograd.inplace-on-leaf-without-grad-mode")
def test_a_leaf_is_written_to_where_nothing_is_recorded(subject: Subject) -> None:
    for layout in ("contiguous", "transposed", "row_stepped"):
        x = leaf(VALUES, subject, layout=layout)
        with torch.no_grad():
            out = x.mul_(2)
            x[0] = 7
        require(
            out is x and x.is_leaf and x.requires_grad and x.grad_fn is None,
            "x.mul_(2) under no_grad made x a result",
            True,
            False,
        )
        exact("x after x.mul_(2) and x[0] = 7 under no_grad", x, [[7, 7, 7], [8, 11, 12]])
        x.data.add_(1)
        exact("x after x.data.add_(1)", x, [[8, 8, 8], [9, 12, 13]])
        (x * x).sum().backward()
        exact("x.grad after writes without recording", x.grad, [[16, 16, 16], [18, 24, 26]])


@pytest.mark.parametrize("kind", kinds("autograd.version-counter"))
def test_every_way_of_writing_counts(subject: Subject, kind: str) -> None:
    for way in WAYS[kind]:
        x = constant(VALUES, subject)
        view, other = x[:1], x.detach()
        before = version(x)
        write(way, x)
        require(version(x) > before, f"x._version after {way}", f"more than {before}", version(x))
        if kind not in SHAPES:
            found = [version(tensor) for tensor in (x, view, other)]
            require(len(set(found)) == 1, f"the versions of x and its views after {way}", found[:1] * 3, found)


@pytest.mark.parametrize("kind", kinds("autograd.inplace-on-saved-raises", SHAPES))
def test_a_write_to_a_saved_tensor_is_noticed(subject: Subject, kind: str) -> None:
    for way in WAYS[kind]:
        x, saved = leaf(VALUES, subject), constant(VALUES, subject)
        y = x * saved
        write(way, saved)
        assert_raises(f"backward of x * s after {way.replace('x', 's')}", RuntimeError, lambda: y.sum().backward())
        require(x.grad is None, "x.grad after a refused backward", None, x.grad)
        assert_raises("a second try", RuntimeError, lambda: torch.autograd.grad(y, x, torch.ones_like(y)))


def prepared(
    code: str, subject: Subject, values: np.ndarray = VALUES, dtype: str = "float64", layout: str = "contiguous"
) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    """The leaves of x and a, and x, a and y = code, none of which is a leaf."""
    u, b = leaf(values / 2, subject, dtype, layout), leaf(values[::-1] / 4, subject, dtype, layout)
    given = {"x": u * 2, "a": b * 4}
    given["y"] = eval(code, {"torch": torch, "F": torch.nn.functional, **given})
    return u, b, given


@check("autograd.saved-tensors-guarded")
def test_what_the_backward_pass_needs_is_guarded(subject: Subject) -> None:
    for code, names in NEEDS:
        for name in names.split():
            for way in ("{}.add_(1)", "{}.mul_(2)", "{}[None][0] = 3"):
                _, _, given = prepared(code, subject)
                with torch.no_grad():
                    exec(way.format(name), given)
                call = f"backward of y = {code} after {way.format(name)}"
                assert_raises(call, RuntimeError, lambda: given["y"].sum().backward())


@check("autograd.saved-tensors-guarded")
@pytest.mark.parametrize("shape", [(1,), (40, 30), (2, 3)], ids=str)
def test_saved_tensors_of_every_kind_are_guarded(subject: Subject, shape: tuple[int, ...]) -> None:
    values = np.resize(VALUES, shape)
    for code, name in (("x * a", "x"), ("x.sin()", "x"), ("x.exp()", "y"), ("x / a", "a"), ("x * x", "x")):
        for dtype in ("float32", "float64"):
            for layout in ("contiguous", "transposed", "row_stepped"):
                _, _, given = prepared(code, subject, values, dtype, layout)
                with torch.no_grad():
                    given[name].detach().mul_(2)
                call = f"backward of y = {code}, {dtype}, {layout}, of shape {shape}, after {name}.detach().mul_(2)"
                assert_raises(call, RuntimeError, lambda: given["y"].sum().backward())


@check("autograd.inplace-on-unsaved-allowed")
def test_what_it_does_not_need_may_be_written_to(subject: Subject) -> None:
    for code, names in UNNEEDED:
        u, b, given = prepared(code, subject)
        given["y"].sum().backward()
        wanted = [None if t.grad is None else t.grad.tolist() for t in (u, b)]
        for name, way in itertools.product(names.split(), ("{}.add_(1)", "{}[0] = 3")):
            u, b, given = prepared(code, subject)
            y = given["y"]
            with torch.no_grad():
                exec(way.format(name), given)
            y.sum().backward()
            for tensor, values in zip((u, b), wanted, strict=True):
                if values is not None:
                    exact(f"a gradient of y = {code} after {way.format(name)}", tensor.grad, values)


@check("autograd.inplace-tracked")
@pytest.mark.parametrize("layout", ["contiguous", "row_stepped"])
def test_a_write_to_a_result_is_part_of_the_graph(subject: Subject, layout: str) -> None:
    arrays = {"x": VALUES, "w": VALUES[::-1] / 2 + 1}
    for code, of_x, of_w in TRACKED:
        given: dict[str, Any] = {name: leaf(values, subject, layout=layout) for name, values in arrays.items()}
        given |= {"torch": torch, "y": given["x"] * 2}
        first = given["y"]
        exec(code, given)
        require(given["y"] is first, f"{code} made another tensor of y", "y", given["y"])
        require(first.requires_grad and first.grad_fn is not None, f"y after {code} is not tracked", True, False)
        first.sum().backward()
        for name, wanted in (("x", of_x), ("w", of_w)):
            values = eval(wanted, dict(arrays)) if isinstance(wanted, str) else wanted
            grad = torch.zeros(2, 3, dtype=torch.float64) if given[name].grad is None else given[name].grad
            exact(
                f"{name}.grad of y = x * 2; {code} ({layout})", grad, np.broadcast_to(np.array(values, float), (2, 3))
            )


@check("autograd.inplace-makes-a-result")
def test_a_plain_tensor_becomes_a_result_by_a_tracked_write(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    for way in ("b.copy_(x)", "b.add_(x)", "b.__setitem__(0, x[1])", "b.index_put_((i,), x)", "b[1:].add_(x[:1])"):
        b = torch.zeros(2, dtype=torch.float64, device=subject.device)
        eval(way, {"b": b, "x": x, "i": torch.tensor([1, 0], device=subject.device)})
        require(
            b.requires_grad and not b.is_leaf and b.grad_fn is not None,
            f"b after {way} is no tracked result",
            True,
            False,
        )
        (b * 3).sum().backward()
    exact("x.grad after five tracked writes", x.grad, [3 + 3 + 0 + 3 + 3, 3 + 3 + 3 + 3.0])


@check("autograd.view-sees-inplace")
def test_a_view_follows_a_write_to_its_base(subject: Subject) -> None:
    x = leaf([1.0, 2.0, 3.0], subject)
    y = x * 2
    view = y[1:]
    before = view.grad_fn
    y.mul_(5)
    require(view.grad_fn is not before, "view.grad_fn after a write to the base", "another", "the same")
    exact("the view after a write to the base", view, [20.0, 30.0])
    view.sum().backward()
    exact("x.grad through a view of what was written to", x.grad, [0.0, 10.0, 10.0])
    x.grad = None
    y = x * 2
    view = y[1:]
    view.mul_(x[:2])
    (y * y).sum().backward()
    exact(
        "x.grad through a base whose view was written to",
        x.grad,
        [8 + 2 * 4 * 2.0 * 2, 8 * 1 * 2 + 8.0 * 9 * 2, 8 * 4 * 3],
    )


@check("autograd.multi-output-views")
def test_views_that_come_together_are_not_written_to(subject: Subject) -> None:
    x = leaf(VALUES, subject)
    for name in ("unbind()", "split(1)", "chunk(2)"):
        parts = eval(f"y.{name}", {"y": x * 2})
        assert_raises(f"y.{name}[0].mul_(3) of a tracked y", RuntimeError, lambda: parts[0].mul_(3))
    y = x * 2
    parts = y.unbind()
    sum((part * 3).sum() for part in parts).backward()
    exact("x.grad through y.unbind()", x.grad, np.full((2, 3), 6.0))


@check("autograd.out-refused")
def test_out_takes_no_part_in_a_graph(subject: Subject) -> None:
    x = leaf([1.0, 2.0], subject)
    out = torch.zeros(2, dtype=torch.float64, device=subject.device)
    for name, call in {
        "torch.add(x, 1, out=out)": lambda: torch.add(x, 1, out=out),
        "torch.mul(x, x, out=out)": lambda: torch.mul(x, x, out=out),
        "torch.exp(x, out=out)": lambda: torch.exp(x, out=out),
        "torch.cat([x], out=out)": lambda: torch.cat([x], out=out),
        "torch.matmul(x, x, out=out)": lambda: torch.matmul(x, x, out=out[0].clone()),
        "torch.add(c, 1, out=x * 1)": lambda: torch.add(x.detach(), 1, out=x * 1),
    }.items():
        assert_raises(f"{name} where something requires grad", RuntimeError, call)
    require(not out.requires_grad and out.tolist() == [0.0, 0.0], "a refused out= wrote to out", [0.0, 0.0], out)
    with torch.no_grad():
        torch.mul(x, 3, out=out)
    exact("torch.mul(x, 3, out=out) under no_grad", out, [3.0, 6.0])

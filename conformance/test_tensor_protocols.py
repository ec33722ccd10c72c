"""What Python asks of any object: length, iteration, membership, equality, identity, hashing."""

from __future__ import annotations

import numpy as np
import torch

from conformance.assertions import assert_raises, assert_values, overlap, require
from conformance.check import check, must_answer
from conformance.dtypes import COMMON
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, layouts
from properties.strategies.values import distinct, interesting

pytestmark = must_answer

SHAPES = ((3, 4), (5,), (0,), (0, 3), (2, 0), (2, 3, 4), (1,), (17, 2), (5, 1), (1, 5))


@check("tensor.core-class")
def test_torch_tensor_is_the_class_of_tensors(subject):
    x = contiguous(np.arange(4.0), "float32").on(subject)
    made = {
        "torch.ones(2)": torch.ones(2, device=subject.device),
        "torch.tensor(1)": torch.tensor(1, device=subject.device),
        "torch.rand(2)": torch.rand(2, device=subject.device),
        "x + 1": x + 1,
        "x[0]": x[0],
        "x.view(2, 2)": x.view(2, 2),
        "x == x": x == x,
        "x.sum()": x.sum(),
    }
    for text, out in made.items():
        require(type(out) is torch.Tensor, f"{text} is a {type(out)}", "torch.Tensor", type(out))
        require(torch.is_tensor(out), f"torch.is_tensor({text})")
    require(str(type(x)) == "<class 'torch.Tensor'>", "str(type(x))", "<class 'torch.Tensor'>", str(type(x)))


@check("tensor.core-class")
def test_a_parameter_is_a_tensor_and_nothing_else_is(subject):
    x = contiguous(np.arange(4.0), "float32").on(subject)
    parameter = torch.nn.Parameter(x)
    require(isinstance(parameter, torch.Tensor) and torch.is_tensor(parameter), "a Parameter is no Tensor")
    require(
        type(parameter) is torch.nn.Parameter and type(parameter * 2) is torch.Tensor,
        "the class of a Parameter, or of twice it",
    )
    for other in (1, 1.0, [x], None, np.arange(3), "x"):
        require(
            not torch.is_tensor(other) and not isinstance(other, torch.Tensor),
            f"torch.is_tensor({type(other).__name__})",
        )


@check("tensor.len")
def test_len_is_the_first_size(subject):
    for shape in SHAPES:
        for recipe in layouts(distinct("float32", shape), "float32", LAYOUTS):
            require(len(recipe.on(subject)) == shape[0], f"len(x) of shape {shape}", shape[0], len(recipe.on(subject)))
    assert_raises("len() of a 0-d tensor", TypeError, lambda: len(torch.tensor(1.0, device=subject.device)))


@check("tensor.iter")
def test_iteration_gives_views_of_the_slices(subject):
    for turn, shape in enumerate(SHAPES):
        dtype = COMMON[turn % len(COMMON)]
        for recipe in layouts(distinct(dtype, shape), dtype, LAYOUTS):
            x, values = recipe.on(subject), recipe.array
            for parts in (
                list(x),
                list(iter(x)),
                [*x],
                [part for _, part in enumerate(x)],
                [x[k] for k in range(len(x))],
            ):
                require(len(parts) == shape[0], f"the parts of shape {shape}", shape[0], len(parts))
                for k, part in enumerate(parts):
                    assert_values(f"part {k} of x", part, values[k], dtype=dtype)
                    require(not part.numel() or overlap(part, x), "iteration copies")
    assert_raises("iter() of a 0-d tensor", TypeError, lambda: iter(torch.tensor(1.0, device=subject.device)))
    first, second = contiguous(np.array([[1.0, 2.0], [3.0, 4.0]]), "float32").on(subject)
    require(first.tolist() == [1, 2] and second.tolist() == [3, 4], "a, b = x", [[1, 2], [3, 4]], [first, second])


@check("tensor.reversed")
def test_reversed_is_a_flip_of_the_first_dimension(subject):
    for shape in ((5,), (3, 4), (2, 3, 4), (1,), (18, 3), (40,)):
        for recipe in layouts(distinct("int64", shape), "int64", LAYOUTS):
            expected = recipe.array[::-1]
            assert_values(f"reversed(x) of shape {shape}", reversed(recipe.on(subject)), expected, dtype="int64")
    x = contiguous(np.array(7), "int64").on(subject)
    assert_values("reversed(x) of a 0-d tensor", reversed(x), np.array(7), dtype="int64")


@check("tensor.contains")
def test_in_asks_whether_any_element_is_equal(subject):
    for name in [name for name in COMMON if subject.supports(name)]:
        for recipe in layouts(np.resize(interesting(name, finite=True)[:9], (3, 3)), name, LAYOUTS):
            x, values = recipe.on(subject), recipe.array
            for number in (0, 1, 2.5, -1, 77, True):
                expected = bool((values == number).any())
                require((number in x) is expected, f"{number} in x of {name}, {values.tolist()}", expected, number in x)
                require(
                    (number not in x) is not expected, f"{number} not in x of {name}", not expected, number not in x
                )
            element = x[1, 2]
            require(element in x, f"x[1, 2] in x of {name}", True, False)
            for other in ([values[0, 0]] * 3, values[2], [values[0, 0]] * 2 + [values[1, 1]], values[:, :1]):
                y, due = contiguous(np.asarray(other), name).on(subject), bool((values == np.asarray(other)).any())
                require((y in x) is due, f"y in x, both of {name}, of {values.tolist()} and {other}", due, not due)
    for recipe in layouts(np.arange(40.0).reshape(20, 2), "float32", DENSE):
        x = recipe.on(subject)
        for number in (39, 38.0, 16, 21, 0):
            require(number in x, f"{number} in x of 20 rows, strides {recipe.strides}", True, False)
    x = contiguous(np.array([1.0, np.nan]), "float32").on(subject)
    require(float("nan") not in x, "nan in x", False, True)
    for bad in ("1", None, [1.0], (1.0,)):
        assert_raises(f"{bad!r} in x", (RuntimeError, TypeError), lambda bad=bad: bad in x)


@check("tensor.identity")
def test_tensors_are_told_apart_by_identity_and_hash(subject):
    x = contiguous(np.arange(3.0), "float32").on(subject)
    y, view = x.clone(), x.view(3)
    require(hash(x) == hash(x) and hash(x) == id(x), "hash(x)", id(x), hash(x))
    require(x is not y and x is not view, "x is its clone, or a view of it")
    table = {x: "x", y: "y", view: "view"}
    require(
        (len(table), table[x], table[y], table[view]) == (3, "x", "y", "view"),
        "a dict with x, a clone and a view as keys",
    )
    require(len({x, x, y}) == 2, "a set of x, x and a clone", 2, len({x, x, y}))
    x += 1
    require(hash(x) == id(x), "hash(x) after x += 1", id(x), hash(x))
    require(table[x] == "x", "x is not found in a dict after x += 1")


@check("tensor.eq-elementwise")
def test_comparisons_are_elementwise(subject):
    for name in [name for name in COMMON if subject.supports(name)]:
        a = np.resize(interesting(name), (5, 7))
        b = np.roll(a, 1)
        for left, right in zip(layouts(a, name, LAYOUTS), layouts(b, name, LAYOUTS), strict=False):
            x, y, p, q = left.on(subject), right.on(subject), left.array, right.array
            assert_values(f"x == y of {name}", x == y, p == q, dtype="bool")
            assert_values(f"x != y of {name}", x != y, p != q, dtype="bool")
            assert_values(f"x == x of {name}", x == x, p == p, dtype="bool")
            assert_values(f"x == 1 of {name}", x == 1, p == 1, dtype="bool")
            assert_values(f"1 != x of {name}", 1 != x, p != 1, dtype="bool")


@check("tensor.eq-elementwise")
def test_neighbours_differ_and_zeros_are_equal(subject):
    for name, top in (("int64", 2**62), ("int32", 2**30), ("float64", 2.0**53), ("float32", 2.0**24)):
        a = np.full(20, top, name)
        b = a - (np.arange(20) % 2).astype(name)
        x, y = contiguous(a, name).on(subject), LAYOUTS["stepped"](b, name).on(subject)
        assert_values(f"x == y of neighbours in {name}", x == y, a == b, dtype="bool")
        assert_values(f"x != y of neighbours in {name}", x != y, a != b, dtype="bool")
        require(torch.equal(x, y) is False, f"torch.equal of neighbours in {name}", False, True)
        require(top - 1 not in x and top in x, f"neighbours in x of {name}", "the number only", x)
    for name in ("float16", "bfloat16", "float32", "float64"):
        zeros = np.array([0.0, -0.0] * 9)
        x, y = contiguous(zeros, name).on(subject), LAYOUTS["stepped"](-zeros, name).on(subject)
        assert_values(f"x == y of zeros of either sign in {name}", x == y, np.full(18, True), dtype="bool")
        require(-0.0 in x and torch.equal(x, y), f"zeros of either sign differ in {name}", True, False)


@check("tensor.eq-elementwise")
def test_comparisons_broadcast(subject):
    for name in [name for name in COMMON if subject.supports(name)]:
        for shapes in (((5, 7), (7,)), ((5, 1), (1, 7)), ((5, 7), ()), ((0, 7), (7,)), ((1,), (17,))):
            table = interesting(name)
            p, q = (np.resize(np.roll(table, n), shape) for n, shape in enumerate(shapes))
            x, y = LAYOUTS["transposed"](p, name).on(subject), LAYOUTS["stepped"](q, name).on(subject)
            forms = {"x == y": (x == y, p == q), "x != y": (x != y, p != q), "y == x": (y == x, q == p)}
            forms |= {"torch.eq(x, y)": (torch.eq(x, y), p == q), "x.ne(y)": (x.ne(y), p != q)}
            for text, (out, expected) in forms.items():
                assert_values(f"{text} of {name}, shapes {shapes}", out, expected, dtype="bool")


@check("tensor.eq-foreign")
def test_a_tensor_equals_nothing_that_is_no_number_or_tensor(subject):
    x = contiguous(np.arange(3.0), "float32").on(subject)
    for other in (None, "x", [0.0, 1.0, 2.0], (0.0, 1.0, 2.0), {}, object()):
        require((x == other) is False, f"x == {other!r}", False, x == other)
        require((x != other) is True, f"x != {other!r}", True, x != other)


@check("tensor.equal")
def test_equal_compares_sizes_and_every_element(subject):
    for name in [name for name in COMMON if subject.supports(name)]:
        for recipe in layouts(distinct(name, (5, 7)), name, LAYOUTS):
            x, same = recipe.on(subject), contiguous(recipe.array, name).on(subject)
            flat, wide, part = same.reshape(-1), same[None], same[:4]
            rows = {"a copy": (same, True), "a clone": (x.clone(), True), "itself": (x, True)}
            rows |= {"a flat copy": (flat, False), "an expanded copy": (wide, False), "a part": (part, False)}
            for text, (y, expected) in rows.items():
                for out in (torch.equal(x, y), x.equal(y), torch.equal(y, x)):
                    require(out is expected, f"torch.equal of {name} and {text}", expected, out)


@check("tensor.equal")
def test_one_other_element_makes_tensors_unequal(subject):
    for name in [name for name in COMMON if subject.supports(name)]:
        for recipe in layouts(distinct(name, (5, 7)), name, LAYOUTS):
            x = recipe.on(subject)
            for place in ((0, 0), (4, 6), (2, 3)):
                other = recipe.array.copy()
                other[place] = ~other[place] if name == "bool" else other[place] + 1
                y = contiguous(other, name).on(subject)
                said = f"torch.equal of {name} with another element at {place}"
                for out in (torch.equal(x, y), y.equal(x)):
                    require(out is False, said, False, out)


@check("tensor.equal")
def test_equal_takes_zeros_as_equal_and_nan_as_not(subject):
    nan, inf = float("nan"), float("inf")
    rows = (([nan], [nan], False), ([0.0], [-0.0], True), ([inf], [inf], True), ([], [], True), ([], [[]], False))
    for a, b, expected in rows:
        x, y = torch.tensor(a, device=subject.device), torch.tensor(b, device=subject.device)
        for out in (torch.equal(x, y), y.equal(x)):
            require(out is expected, f"torch.equal of {a} and {b}", expected, out)
    x = torch.tensor([1.0, nan], device=subject.device)
    require(not torch.equal(x, x), "torch.equal(x, x) of a NaN", False, True)

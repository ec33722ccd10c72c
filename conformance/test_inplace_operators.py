"""Python's augmented assignments: += and its like write into the tensor on their left; @= makes a new one."""

from __future__ import annotations

import operator
from dataclasses import replace

import numpy as np
import pytest

from conformance.assertions import Unchanged, assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.inplace import calls, small, with_dtypes
from conformance.tables.inplace_calls import judge, ready, refused
from conformance.tables.inplace_methods import METHODS
from properties.strategies.recipe import contiguous, expanded, layouts
from properties.strategies.values import distinct

pytestmark = must_answer

# What Python calls for x OP= y, and the method that does the same.
OPERATORS = {
    "__iadd__": "add_",
    "__isub__": "sub_",
    "__imul__": "mul_",
    "__itruediv__": "div_",
    "__ifloordiv__": "floor_divide_",
    "__imod__": "remainder_",
    "__ipow__": "pow_",
    "__iand__": "bitwise_and_",
    "__ior__": "bitwise_or_",
    "__ixor__": "bitwise_xor_",
    "__ilshift__": "bitwise_left_shift_",
    "__irshift__": "bitwise_right_shift_",
}
ROWS = {method.name: method for method in METHODS}
EACH = [pytest.param(name, marks=check(f"inplace.{name}")) for name in OPERATORS]


def augmented(name, x, y):
    """x OP= y, as Python does it."""
    return getattr(operator, name.strip("_"))(x, y)


@pytest.mark.parametrize("name", EACH)
def test_it_writes_into_its_left_operand(subject, name):
    method = ROWS[OPERATORS[name]]
    alone = tuple(form for form in method.forms if len(form.args) == 1 and not form.options)
    for call in calls(replace(method, forms=alone), tuple(filter(subject.supports, method.dtypes))):
        made = ready(subject, call)
        judge(made, lambda: augmented(name, made.x, made.args[0]), f"{name} as {call.text}")


@pytest.mark.parametrize("name", EACH)
def test_it_refuses_what_the_method_refuses_and_texts(subject, name):
    method = ROWS[OPERATORS[name]]
    made = ready(subject, small(method))
    made.args = (made.args[0].expand(2, *made.args[0].shape),)
    refused(
        made, f" by {name}, the right side having one dimension more", lambda: augmented(name, made.x, made.args[0])
    )
    call = small(method)
    shared = ready(subject, replace(call, x=expanded(call.x.array, call.x.dtype)))
    refused(shared, f" by {name}", lambda: augmented(name, shared.x, shared.args[0]))
    for dtype in filter(subject.supports, method.refuses):
        other = ready(subject, with_dtypes(small(method), dtype))
        refused(other, f" by {name}", lambda: augmented(name, other.x, other.args[0]))
    if method.first == "float32":
        leaf = ready(subject, small(method))
        leaf.x.requires_grad_()
        refused(leaf, f" by {name} on a leaf that requires grad", lambda: augmented(name, leaf.x, leaf.args[0]))
    x = contiguous(np.arange(3), "int64").on(subject)
    before = Unchanged(x=x)
    assert_raises(f"{name} with a text", TypeError, lambda: augmented(name, x, "a text"))
    before.check(f"{name} with a text")


@pytest.mark.parametrize("name", EACH)
def test_every_name_of_the_tensor_sees_it(subject, name):
    call = small(ROWS[OPERATORS[name]], layout="row_stepped")
    made = ready(subject, call)
    x, other = made.x, made.x
    code = {"__ifloordiv__": "//", "__itruediv__": "/", "__imod__": "%", "__ipow__": "**", "__ilshift__": "<<"}
    code |= {"__iadd__": "+", "__isub__": "-", "__imul__": "*", "__iand__": "&", "__ior__": "|", "__ixor__": "^"}
    names = {"x": x, "y": made.args[0]}
    exec(f"x {code.get(name, '>>')}= y", names)
    require(names["x"] is other, f"x {code.get(name, '>>')}= y binds x to another tensor", "the same", "another")
    assert_values(f"{call.text} by {name}, by another name", other, call.wanted.values, call.wanted.error)


@check("inplace.matmul-operator")
def test_matmul_assignment_makes_a_new_tensor(subject):
    for recipe in layouts(distinct("float64", (3, 3)), "float64"):
        x = recipe.on(subject)
        y = contiguous(np.array([[0.0, 1, 0], [0, 0, 2], [3, 0, 0]]), "float64").on(subject)
        old, before = x, Unchanged(x=x, y=y)
        x @= y
        require(x is not old and x.data_ptr() != old.data_ptr(), "x @= y is the old x, but should be a new tensor")
        before.check("x @= y")
        expected = np.stack([3 * recipe.array[:, 2], recipe.array[:, 0], 2 * recipe.array[:, 1]], 1)
        assert_values("x @= y", x, expected, dtype="float64")

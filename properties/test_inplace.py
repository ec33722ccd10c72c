"""In-place methods on generated inputs: each on a self of any shape, dtype and layout; many on views of one memory."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.tables.inplace import SHAPES, call
from conformance.tables.inplace_calls import apply
from conformance.tables.inplace_methods import METHODS
from properties.strategies.recipe import DENSE, Shape, contiguous
from properties.strategies.shapes import shapes

pytestmark = must_answer

FEW = settings(max_examples=max(2, settings.default.max_examples // 8))
ROWS = [
    pytest.param(method, marks=check(method.slug, since=method.laid_out_since), id=method.name) for method in METHODS
]


class Choice(NamedTuple):
    """What to try of any method: numbers choose among its dtypes, forms and shapes, as far as it has them."""

    dtype: int
    form: int
    shape: Shape
    place: int
    layout: str
    seed: int


choices = st.builds(
    Choice,
    dtype=st.integers(0, 11),
    form=st.integers(0, 11),
    shape=shapes(0, 4, max_numel=200),
    place=st.integers(0, 11),
    layout=st.sampled_from(tuple(DENSE)),
    seed=st.integers(0, 2**16),
)


@pytest.mark.parametrize("method", ROWS)
@FEW
@given(choice=choices)
def test_any_self_is_written_into(subject, method, choice):
    dtypes = [name for name in method.dtypes if subject.supports(name)]
    if not dtypes:
        subject.require(method.dtypes[0])
    dtype = dtypes[choice.dtype % len(dtypes)]
    forms = [form for form in method.forms if form.takes(dtype)]
    shape = choice.shape if method.shapes is SHAPES else method.shapes[choice.place % len(method.shapes)]
    apply(subject, call(method, forms[choice.form % len(forms)], dtype, shape, choice.layout, choice.seed))


# Ways to look at a matrix of 6 x 8, as Python code that torch and numpy both know.
VIEWS = (
    "x",
    "x.T",
    "x[1:5]",
    "x[:, ::2]",
    "x[2]",
    "x[:, 3]",
    "x[::2, 1::3]",
    "x[1:, :-1].T",
    "x[2:2]",
    "x[3:4, 4]",
    "x.reshape(-1)[::9]",
    "x.reshape(-1)[5:40:3]",
    "x.reshape(2, 3, 8)[1]",
    "x.reshape(4, 12)[:, 5:7]",
)
# Ways to write to it: the method and its number, and what numpy does.
WRITES = {
    "add_": np.add,
    "sub_": np.subtract,
    "mul_": np.multiply,
    "fill_": lambda view, number: np.full(view.shape, number, view.dtype),
    "clamp_min_": np.maximum,
    "clamp_max_": np.minimum,
    "eq_": np.equal,
    "bitwise_xor_": np.bitwise_xor,
    "remainder_": np.remainder,
}
writes = st.lists(
    st.tuples(st.sampled_from(VIEWS), st.sampled_from(tuple(WRITES)), st.sampled_from((1, 2, 3, 5, -1, -3))),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("dtype", ["int64", "int16"])
@check("inplace.views-see-writes")
@given(steps=writes)
def test_writes_through_views_reach_all_views(subject, dtype, steps):
    expected = np.arange(48, dtype=dtype).reshape(6, 8)
    x = contiguous(expected, dtype).on(subject)
    done = []
    for code, name, number in steps:
        view, mirror = (eval(code, {"x": side}) for side in (x, expected))
        call = f"{code}.{name}({number})"
        require(getattr(view, name)(number) is view, f"{call} is not the tensor that it was called on")
        np.copyto(mirror, WRITES[name](mirror, number), casting="unsafe")
        done.append(call)
    assert_values(f"x = arange(48).reshape(6, 8) after {'; '.join(done)}", x, expected, dtype=dtype)
    assert_values(f"x.T after {'; '.join(done)}", x.T, expected.T, dtype=dtype)

import torch
from hypothesis import given
from conformance.check import check, must_answer
from conformance.assertions import assert_values, assert_view
from properties.strategies.tensors import tensors
pytestmark = must_answer

@check("view.shares-memory")
def test_a(subject):
    x = torch.arange(6, device=subject.device)
    assert x.view(2,3).data_ptr() == x.data_ptr()

@check("view.shares-memory")
@given(x=tensors(("float32","int64","bfloat16","complex64")))
def test_b(subject, x):
    t = x.on(subject)
    assert_values("x.reshape(-1)", t.reshape(-1), x.array.reshape(-1), dtype=x.dtype)

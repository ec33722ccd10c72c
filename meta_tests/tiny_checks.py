"""The checks of the tiny project: one claim for each thing that can become of a check."""

from __future__ import annotations

from meta_tests.tiny import claim

CLAIMS = {
    "tiny": "".join(
        [
            claim("holds", "One and one are two."),
            claim("holds_for_all", "A tensor has the dtype and shape that were asked for."),
            claim("false", "One and one are three."),
            claim("false_for_some", "Squares are below fifty."),
            claim("needs_false", "One and one are four.", 'needs = ["tiny.false"]'),
            claim("needs_two", "One and one are five.", 'needs = ["tiny.needs_false"]'),
            claim("broken", "The check raises."),
            claim("raises_inside", "PyTorch's own assertion is no refutation."),
            claim("mistaken", "The check has a typing error."),
            claim("answers", "zeros answers for any size."),
            claim("set_up", "The check's set-up raises."),
            claim("lacking", "There are tensors of seventeen bits."),
            claim("later", "It came with torch 99.", 'since = "99"'),
            claim("earlier", "It went with torch 1.13.", 'until = "1.13"'),
            claim("later_check", "The check came with torch 99."),
            claim("known", "One and one are six."),
            claim("flaky", "The answer is the same every time."),
            claim("tolerant", "Sines are near."),
            claim("rows", "Rows are judged one by one."),
            claim("untried", "Nobody tries this."),
            claim("taste", "Tensors are nice.", 'untestable = "A matter of taste."'),
        ]
    ),
    "other": claim("holds", "Two and two are four."),
    "deadly": claim("aborts", "It comes back.") + claim("hangs", "It answers."),
}
TINY = """
@check("tiny.holds")
def test_holds(subject):
    assert torch.ones(2, device=subject.device).shape == (2,)

@check("tiny.holds_for_all")
@given(x=tensors(("float32", "int64"), moderate=True))
def test_holds_for_all(subject, x):
    assert_tensor("x", x.on(subject), x.dtype, x.shape)  # no arithmetic: on the device meta it imports for seconds

@check("tiny.false")
def test_false(subject):
    assert 1 + 1 == 3

@check("tiny.false_for_some")
@given(n=st.integers(0, 100))
def test_false_for_some(subject, n):
    assert n * n < 50

@check("tiny.needs_false")
def test_needs_false(subject):
    assert 1 + 1 == 4

@check("tiny.needs_two")
def test_needs_two(subject):
    assert 1 + 1 == 5

@check("tiny.broken")
def test_broken(subject):
    raise ValueError("our own mistake")

@check("tiny.raises_inside")
def test_raises_inside(subject):
    torch._assert(False, "raised by PyTorch")

@check("tiny.mistaken")
@must_answer
def test_mistaken(subject):
    torch.zeros(no_such_name)

@check("tiny.answers")
@must_answer
def test_answers(subject):
    torch.zeros(-1, device=subject.device)

@pytest.fixture
def impossible():
    raise RuntimeError("no such thing")

@check("tiny.set_up")
def test_set_up(subject, impossible):
    pass

@check("tiny.lacking")
def test_lacking(subject):
    subject.require_feature("streams")

@check("tiny.later")
def test_later(subject):
    raise AssertionError("never runs")

@check("tiny.earlier")
def test_earlier(subject):
    raise AssertionError("never runs")

@check("tiny.later_check", since="99")
def test_later_check(subject):
    raise AssertionError("never runs")

@check("tiny.known")
@given(n=st.integers(0, 100))
@example(n=66)
def test_known(subject, n):
    assert n != 66, "it is 66"

calls = []

@check("tiny.flaky")
@given(n=st.integers(0, 10))
def test_flaky(subject, n):
    calls.append(n)
    assert len(calls) != 5, "wrong only once"

@check("tiny.tolerant")
def test_tolerant(subject):
    subject.has("host_memory") and assert_values("x", torch.tensor(1.0), 1 + 3 * 2.0**-24, numerics.ROUNDED)

@pytest.mark.parametrize("row", [pytest.param(n, marks=check("tiny.rows")) for n in (1, 2, 3)])
def test_rows(subject, row):
    assert row != 2

@check("tiny.unheard_of", uncovered=True)
def test_unheard_of(subject):
    raise AssertionError("never runs")
"""
OTHER = """
@check("other.holds")
def test_other(subject):
    assert 2 + 2 == 4
"""
DEADLY = """
@check("deadly.aborts")
def test_aborts(subject):
    os.abort()

@check("deadly.hangs")
def test_hangs(subject):
    time.sleep(100)
"""
CHECKS = {
    "conformance/test_tiny.py": TINY,
    "conformance/test_other.py": OTHER,
    "properties/test_deadly.py": DEADLY,
}
EXPECTATIONS = """
[subject]
device = "cpu"

[[expectations]]
claim = "tiny.known"
reason = "arithmetic is hard"
issue = "https://github.com/pytorch/pytorch/issues/1"

[[expectations]]
claim = "tiny.holds"
reason = "it was once wrong"
issue = "https://github.com/pytorch/pytorch/issues/2"
"""

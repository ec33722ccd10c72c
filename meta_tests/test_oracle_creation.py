"""The oracle of the creation functions, worked out a second way: by numpy's own functions and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.oracle import creation as oracle


def test_the_widest_number_decides() -> None:
    rows = {"bool": [True, False], "int64": [True, 2], "float32": [1, True, 2.5], "complex64": [[1, 2.0], [3j, True]]}
    assert {name: oracle.inferred(data) for name, data in rows.items()} == {name: name for name in rows}
    assert oracle.inferred([], "float64") == oracle.inferred([[], []], "float64") == "float64"
    assert oracle.inferred(1j, "float64") == "complex128"
    assert oracle.nested_shape([[[1, 2]], [[3, 4]], [[5, 6]]]) == (3, 1, 2)
    assert (
        oracle.nested_shape([[], []]) == (2, 0)
        and oracle.nested_shape(3) == ()
        and oracle.nested_shape(range(4)) == (4,)
    )


@pytest.mark.parametrize(
    ("start", "end", "step"),
    [(0, 10, 1), (0, 10, 3), (5, 0, -2), (3, 3, 1), (1, 2.5, 0.5), (0.0, 1.0, 0.1), (-2, 7, 4)],
)
def test_sequences_are_numpys(start: float, end: float, step: float) -> None:
    count = oracle.counted(start, end, step)
    expected = np.arange(start, end, step)
    assert count == len(expected)
    assert np.allclose(oracle.stepped(start, step, count).astype(float), expected)


def test_integer_sequences_are_exact() -> None:
    assert oracle.stepped(2**53, 1, 3).tolist() == [2**53, 2**53 + 1, 2**53 + 2]
    assert oracle.counted(-(2**63), 2**63 - 1, 2**62) == len(range(-(2**63), 2**63 - 1, 2**62)) == 4


def test_counts_that_rounding_may_change_are_told() -> None:
    assert oracle.surely_counted(0, 10, 3) and oracle.surely_counted(0.0, 2.0, 0.5) and oracle.surely_counted(0, 1, 0.3)
    assert not oracle.surely_counted(0.0, 0.3, 0.1) and not oracle.surely_counted(1.0, 1.3, 0.1)


@pytest.mark.parametrize(
    ("start", "end", "steps"), [(0, 1, 5), (10, 1, 10), (-3.5, 2, 7), (2, 9, 1), (2, 9, 2), (1, 2, 0), (0, 1 + 2j, 4)]
)
def test_spaced_numbers_are_numpys(start: complex, end: complex, steps: int) -> None:
    assert np.allclose(oracle.spaced(start, end, steps).astype(complex), np.linspace(start, end, steps))


def test_spaced_integers_are_cut() -> None:
    for start, end, steps, expected in (
        (0, 10, 4, [0, 3, 6, 10]),
        (-5, 5, 4, [-5, -1, 1, 5]),
        (10, 0, 5, [10, 7, 5, 2, 0]),
    ):
        low, high = oracle.spaced_integers(start, end, steps)
        assert (low <= expected).all() and (high >= expected).all() and (high - low).max() <= 1
    low, high = oracle.spaced_integers(0, 12, 7)
    assert low.tolist() == high.tolist() == [0, 2, 4, 6, 8, 10, 12]
    assert oracle.spaced_integers(7.9, 3, 1)[0].tolist() == [7]


@pytest.mark.parametrize(("row", "col"), [(3, 3), (2, 5), (5, 2), (0, 3), (3, 0), (1, 1)])
@pytest.mark.parametrize("offset", [-3, -1, 0, 1, 2, 6])
def test_triangles_are_numpys(row: int, col: int, offset: int) -> None:
    for lower, reference in ((True, np.tril_indices), (False, np.triu_indices)):
        assert np.array_equal(oracle.triangle(row, col, offset, lower=lower), np.stack(reference(row, offset, col)))


@pytest.mark.parametrize("indexing", ["ij", "xy"])
def test_grids_are_numpys(indexing: str) -> None:
    for sizes in ((2,), (2, 3), (2, 3, 4), (0, 3)):
        values = [np.arange(size) + place * 10 for place, size in enumerate(sizes)]
        for ours, reference in zip(
            oracle.grids(values, indexing), np.meshgrid(*values, indexing=indexing), strict=True
        ):
            assert np.array_equal(ours, reference)


def test_products_and_combinations_by_hand() -> None:
    a, b = np.array([1, 2]), np.array([3, 4])
    assert oracle.products([a, b]).tolist() == [[1, 3], [1, 4], [2, 3], [2, 4]] and oracle.products([a]).tolist() == [
        1,
        2,
    ]
    assert oracle.combined(np.array([1, 2, 3]), 2, with_replacement=False).tolist() == [[1, 2], [1, 3], [2, 3]]
    assert oracle.combined(a, 2, with_replacement=True).tolist() == [[1, 1], [1, 2], [2, 2]]
    assert oracle.combined(a, 3, with_replacement=False).shape == (0, 3) and oracle.combined(
        a, 0, with_replacement=True
    ).shape == (0,)


@pytest.mark.parametrize("n", [None, 0, 1, 2, 5])
@pytest.mark.parametrize("increasing", [False, True])
def test_vandermonde_is_numpys(n: int | None, increasing: bool) -> None:
    for x in (np.array([1, 2, 3]), np.array([0.5, -2.0]), np.array([1j, 2])):
        assert np.allclose(oracle.vandermonde(x, n, increasing=increasing), np.vander(x, n, increasing=increasing))


@pytest.mark.parametrize("length", [2, 3, 5, 8, 33])
def test_windows_are_numpys(length: int) -> None:
    references = {
        "hann": (oracle.cosines(length, (0.5, 0.5), periodic=False), np.hanning(length)),
        "hamming": (oracle.cosines(length, (0.54, 0.46), periodic=False), np.hamming(length)),
        "blackman": (oracle.cosines(length, (0.42, 0.5, 0.08), periodic=False), np.blackman(length)),
        "bartlett": (oracle.bartlett(length, periodic=False), np.bartlett(length)),
        "kaiser": (oracle.kaiser(length, 12.0, periodic=False), np.kaiser(length, 12.0)),
    }
    for name, (ours, reference) in references.items():
        assert np.allclose(ours.astype(float), reference, atol=1e-14), name
    longer = oracle.kaiser(length + 1, 5.0, periodic=False)
    assert np.allclose(oracle.kaiser(length, 5.0, periodic=True).astype(float), longer[:-1].astype(float))


def test_layouts_by_hand() -> None:
    assert oracle.kept_strides((2, 3), (1, 2)) == (1, 2)
    assert oracle.kept_strides((2, 3), (6, 2)) == (3, 1) and oracle.kept_strides((2, 3), (0, 1)) is None
    assert oracle.kept_strides((3, 1, 2), (2, 99, 1)) == (2, 99, 1) and oracle.kept_strides((2, 3), (2, 8)) is None
    assert (
        oracle.row_major((2, 0, 3)) == (3, 3, 1)
        and oracle.is_dense((2, 3), (1, 2))
        and not oracle.is_dense((2, 3), (4, 1))
    )

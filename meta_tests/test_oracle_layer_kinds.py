"""The oracle of further layers, a second way: loops, adjoints, values by hand, and the common layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from conformance.oracle import layer as common
from conformance.oracle import layer_kinds as oracle

Array = np.ndarray


def drawn(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def near(found: Any, wanted: Any) -> None:
    assert np.shape(found) == np.shape(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


GEOMETRIES = [
    {},
    {"stride": 2, "padding": 1},
    {"dilation": (2, 1), "padding": (3, 0)},
    {"stride": (1, 3), "groups": 2},
    {"stride": 2, "padding": (1, 2), "dilation": 2, "groups": 2},
]


@pytest.mark.parametrize("o", GEOMETRIES, ids=str)
def test_planes_are_those_of_the_common_convolution(o: dict[str, Any]) -> None:
    x, b = drawn(1, 2, 4, 8, 9), drawn(3, 6)
    w = drawn(2, 6, 4 // o.get("groups", 1), 3, 2)
    near(oracle.conv(x, w, b, **o), common.conv2d(x, w, b, **o))


@pytest.mark.parametrize("o", GEOMETRIES, ids=str)
def test_the_transposed_convolution_is_the_adjoint(o: dict[str, Any]) -> None:
    x, w = drawn(1, 2, 4, 8, 9), drawn(2, 6, 4 // o.get("groups", 1), 3, 2)
    y = oracle.conv(x, w, **o)
    s, p, d = (oracle.many(o.get(key, default), 2) for key, default in (("stride", 1), ("padding", 0), ("dilation", 1)))
    more = [(x.shape[2 + i] + 2 * p[i] - d[i] * (w.shape[2 + i] - 1) - 1) % s[i] for i in range(2)]
    v = drawn(3, *y.shape)
    back = oracle.conv_transpose(v, w, output_padding=more, **o)
    assert back.shape == x.shape
    near((y * v).sum(), (x * back).sum())


def test_convolutions_by_hand() -> None:
    x, w = np.array([[[1.0, 2.0, 4.0]]]), np.array([[[3.0, 5.0]]])
    near(oracle.conv(x, w, np.array([1.0])), [[[14.0, 27.0]]])
    near(oracle.conv_transpose(x, w), [[[3.0, 11.0, 22.0, 20.0]]])
    near(oracle.conv_transpose(x, w, stride=3, padding=1), [[[5.0, 0, 6.0, 10.0, 0, 12.0]]])
    cube = oracle.conv(drawn(1, 1, 1, 2, 3, 2), np.ones((1, 1, 2, 3, 2)))
    near(cube, drawn(1, 1, 1, 2, 3, 2).sum().reshape(1, 1, 1, 1, 1))


def test_group_norm_between_layer_norm_and_each_channel() -> None:
    x, w, b = drawn(1, 3, 4, 2, 5), drawn(2, 4), drawn(3, 4)
    spread = (slice(None), None, None)
    whole = common.layer_norm(x, 3, None, None, 0.1)
    near(oracle.group_norm(x, 1, w, b, 0.1), whole * w[spread] + b[spread])
    for n, c in np.ndindex(3, 4):
        part = x[n, c]
        wanted = (part - part.mean()) / math.sqrt(((part - part.mean()) ** 2).mean() + 1e-5)
        near(oracle.group_norm(x, 4, None, None)[n, c], wanted)
    near(oracle.group_norm(x, 2, None, None)[:, 2:], oracle.group_norm(x[:, 2:], 1, None, None))


@pytest.mark.parametrize("size, around", [(3, (-1, 0, 1)), (2, (-1, 0)), (5, (-2, -1, 0, 1, 2))])
def test_local_response_norm_by_neighbours(size: int, around: tuple[int, ...]) -> None:
    x = drawn(1, 2, 6, 3)
    out = oracle.local_response_norm(x, size, 0.5, 0.75, 2.0)
    for n, c, i in np.ndindex(*x.shape):
        total = sum(x[n, c + k, i] ** 2 for k in around if 0 <= c + k < 6)
        near(out[n, c, i], x[n, c, i] / (2 + 0.5 * total / size) ** 0.75)


@pytest.mark.parametrize("reverse", [False, True])
def test_gru_by_scalars(reverse: bool) -> None:
    x, h = drawn(1, 3, 1, 2), drawn(2, 1, 2)
    w = {"weight_ih": drawn(3, 6, 2), "weight_hh": drawn(4, 6, 2), "bias_ih": drawn(5, 6), "bias_hh": drawn(6, 6)}
    out, last = oracle.gru_layer(x, h, w, reverse)
    state = list(h[0])
    for t in (2, 1, 0) if reverse else (0, 1, 2):
        a = [sum(w["weight_ih"][k, j] * x[t, 0, j] for j in (0, 1)) + w["bias_ih"][k] for k in range(6)]
        b = [sum(w["weight_hh"][k, j] * state[j] for j in (0, 1)) + w["bias_hh"][k] for k in range(6)]
        r, z = ([1 / (1 + math.exp(-a[k] - b[k])) for k in two] for two in ((0, 1), (2, 3)))
        new = [math.tanh(a[4 + k] + r[k] * b[4 + k]) for k in (0, 1)]
        state = [new[k] + z[k] * (state[k] - new[k]) for k in (0, 1)]
        near(out[t, 0], state)
    near(last[0], state)


def test_attention_by_hand_and_masks() -> None:
    v = drawn(1, 4, 3)
    near(oracle.attention(np.zeros((2, 5)), drawn(2, 4, 5), v)[0], np.tile(v.mean(0), (2, 1)))
    q, k = np.array([[2.0, 0, 0, 0]]), np.array([[math.log(3.0), 0, 0, 0], [0.0, 0, 0, 0]])
    near(oracle.attention(q, k, v[:2])[1], [[0.75, 0.25]])
    q, k, seen = drawn(3, 2, 3, 5), drawn(4, 2, 4, 5), np.arange(3)[:, None] >= np.arange(4) - 1
    v = drawn(5, 2, 4, 2)
    near(oracle.attention(q, k, v, seen)[0], oracle.attention(q, k, v, np.where(seen, 0, -np.inf))[0])
    near(oracle.attention(q, k, v, seen)[0][:, 0], oracle.attention(q[:, :1], k[:, :2], v[:, :2])[0][:, 0])


def test_pixel_shuffles_move_elements() -> None:
    x = drawn(1, 2, 12, 3, 4)
    out = oracle.pixel_shuffle(x, 2)
    for n, c, i, j, a, b in np.ndindex(2, 3, 3, 4, 2, 2):
        assert out[n, c, 2 * i + a, 2 * j + b] == x[n, 4 * c + 2 * a + b, i, j]
    near(oracle.pixel_unshuffle(out, 2), x)


def test_resampling_by_hand() -> None:
    def chosen(n: int, m: int, mode: str) -> list[int]:
        return [int(i) for i in oracle.resampling(n, m, mode).argmax(1)]

    assert chosen(3, 6, "nearest") == chosen(3, 6, "nearest-exact") == [0, 0, 1, 1, 2, 2]
    assert (chosen(5, 2, "nearest"), chosen(5, 2, "nearest-exact")) == ([0, 2], [1, 3])
    near(oracle.resampling(2, 4, "linear"), [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])
    near(oracle.resampling(2, 3, "linear", True), [[1, 0], [0.5, 0.5], [0, 1]])
    middle = oracle.resampling(4, 7, "cubic", True)[3]
    near(middle, [-0.09375, 0.59375, 0.59375, -0.09375])


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear", "cubic"])
def test_laws_of_resampling(mode: str) -> None:
    for n, m in ((3, 7), (7, 3), (5, 5), (1, 4)):
        for align in (False, True):
            near(oracle.resampling(n, m, mode, align).sum(1), np.ones(m))
            if n == m:
                near(oracle.resampling(n, m, mode, align), np.eye(n))
    near(oracle.resampling(4, 8, mode, scale=2.0), oracle.resampling(4, 8, mode))
    x = drawn(1, 2, 3, 4, 5)
    by_hand = np.einsum("ai,bj,ncij->ncab", oracle.resampling(4, 6, mode), oracle.resampling(5, 3, mode), x)
    near(oracle.resampled(x, (6, 3), mode), by_hand)


def test_pads_by_hand() -> None:
    x = np.array([[[1.0, 2.0, 3.0]]])
    for mode, wanted in (
        ("constant", [9, 9, 1, 2, 3, 9]),
        ("reflect", [3, 2, 1, 2, 3, 2]),
        ("replicate", [1, 1, 1, 2, 3, 3]),
        ("circular", [2, 3, 1, 2, 3, 1]),
    ):
        near(oracle.pad(x, (2, 1), mode, 9.0)[0, 0], wanted)
    near(oracle.pad(x, (-1, 1), "constant", 5.0)[0, 0], [2, 3, 5])
    near(oracle.pad(np.eye(2), (1, 0, 0, 1)), [[0, 1, 0], [0, 0, 1], [0, 0, 0]])


def test_pools_by_hand_and_by_parts() -> None:
    x = np.arange(7.0).reshape(1, 1, 7)
    near(oracle.adaptive(x, (3,), np.mean)[0, 0], [1, 3, 5])
    near(oracle.adaptive(x, (2,), np.max)[0, 0], [3, 6])
    near(oracle.pooled(x, 3, 2, np.mean, 1)[0, 0], [1 / 3, 2, 4, 11 / 3])
    near(oracle.pooled(-x, 3, 2, np.max, 1, -np.inf)[0, 0], [0, -1, -3, -5])
    x = drawn(1, 2, 3, 6, 4)
    near(oracle.adaptive(x, (3, 2), np.mean), oracle.pooled(x, 2, 2, np.mean))
    near(oracle.adaptive(x, (6, 4), np.max), x)


@pytest.mark.parametrize("o", [{}, {"dilation": 2, "padding": 2, "stride": 2}, {"padding": 1, "stride": 3}], ids=str)
def test_windows_and_their_adjoint(o: dict[str, int]) -> None:
    x = drawn(1, 2, 3, 5, 6)
    columns = oracle.unfold(x, (2, 3), **o)
    wide, d, s = np.pad(x, [(0, 0)] * 2 + [(o.get("padding", 0),) * 2] * 2), o.get("dilation", 1), o.get("stride", 1)
    corners = [(i, j) for i in range(0, wide.shape[2] - d, s) for j in range(0, wide.shape[3] - 2 * d, s)]
    assert columns.shape == (2, 18, len(corners))
    for place, (i, j) in enumerate(corners):
        window = wide[:, :, i : i + d + 1 : d, j : j + 2 * d + 1 : d]
        near(columns[:, :, place], window.reshape(2, -1))
    v = drawn(2, *columns.shape)
    near((columns * v).sum(), (x * oracle.fold(v, (5, 6), (2, 3), **o)).sum())


@pytest.mark.parametrize("align", [False, True])
def test_samples_of_a_grid(align: bool) -> None:
    x = drawn(1, 1, 2, 3, 4)
    ends = [np.linspace(-1, 1, n) if align else (2 * np.arange(n) + 1) / n - 1 for n in (3, 4)]
    rows, columns = np.meshgrid(*ends, indexing="ij")
    near(oracle.grid_sample(x, np.stack([columns, rows], -1)[None], align), x)
    far = np.full((1, 1, 1, 2), 3.0)
    near(oracle.grid_sample(x, far, align), np.zeros((1, 2, 1, 1)))
    middle = oracle.grid_sample(x, np.zeros((1, 1, 1, 2)), align)
    near(middle[0, :, 0, 0], (x[0, :, 1, 1] + x[0, :, 1, 2]) / 2)
    corner = oracle.grid_sample(x, np.full((1, 1, 1, 2), -1.0), align)
    near(corner[0, :, 0, 0], x[0, :, 0, 0] * (1 if align else 0.25))


def test_similarities_by_hand() -> None:
    x, y = np.array([[3.0, 4.0]]), np.array([[4.0, 3.0]])
    near(oracle.cosine_similarity(x, y, 1), [0.96])
    near(oracle.cosine_similarity(x, y, 1, 10.0), [0.24])
    near(oracle.pairwise_distance(x, np.zeros((1, 2)), eps=0.0), [5.0])
    near(oracle.pairwise_distance(x, y, 1.0, 0.5), [0.5 + 1.5])
    near(oracle.pairwise_distance(x, y, math.inf, 0.5, True), [[1.5]])
    near(oracle.normalized(x, 2, 1), [[0.6, 0.8]])
    near(oracle.normalized(x, 1, 1), [[3 / 7, 4 / 7]])
    near(oracle.normalized(x, 2, 0), [[1.0, 1.0]])
    near(oracle.normalized(x, 2, 1, 10.0), [[0.3, 0.4]])

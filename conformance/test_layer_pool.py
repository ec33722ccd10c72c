"""Pooling, batch normalisation, dropout and recurrent layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import Unchanged, assert_raises, assert_tensor, assert_values, require
from conformance.chance import COUNT, assert_shares, numbers
from conformance.check import check, must_answer
from conformance.numerics import INNER
from conformance.oracle import layer as oracle
from properties.strategies.recipe import DENSE, LAYOUTS, contiguous, layouts
from properties.strategies.values import random_normal

pytestmark = must_answer

KINDS = ("float64", "float32")
POOLS = (
    ((2, 2), {}), ((3, 3), {"stride": (2, 2)}), ((3, 2), {"stride": (2, 1), "padding": (1, 1)}), ((2, 2), {"dilation": (2, 2), "stride": (1, 1)}),
    ((3, 3), {"stride": (2, 2), "ceil": True}), ((2, 2), {"ceil": True}), ((3, 3), {"stride": (3, 3), "padding": (1, 1), "ceil": True}), ((2, 3), {"stride": (3, 2), "padding": (1, 1), "ceil": True}),
    ((1, 4), {"stride": (2, 3)}),
)  # fmt: skip


def normal(seed, shape, dtype="float64"):
    return random_normal(seed, dtype, shape).astype(np.float64)


def planes():
    """Values with ties, and without; odd and even sizes."""
    generator = np.random.default_rng(0)
    yield generator.standard_normal((2, 3, 7, 8))
    yield generator.integers(-2, 3, (2, 2, 9, 6)).astype(float)
    yield -np.abs(generator.standard_normal((1, 1, 13, 20)))
    yield np.zeros((1, 2, 6, 6))


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize(
    "kernel, options", [pytest.param(k, o, marks=check("layer.maxpool"), id=f"{k}-{o}") for k, o in POOLS]
)
def test_max_pooling(subject, kernel, options, dtype):
    named = {("ceil_mode" if key == "ceil" else key): value for key, value in options.items()}
    for values in planes():
        for recipe in layouts(values, dtype, LAYOUTS):
            x = recipe.on(subject)
            before = Unchanged(x=x)
            wanted, places = oracle.max_pool2d(recipe.array, kernel, **options)
            call = f"max_pool2d({kernel}, {options}) of strides {recipe.strides}"
            assert_values(call, F.max_pool2d(x, kernel, **named), wanted, dtype=dtype)
            assert_values(f"MaxPool2d: {call}", nn.MaxPool2d(kernel, **named)(x), wanted, dtype=dtype)
            out, found = nn.MaxPool2d(kernel, **named, return_indices=True)(x)
            assert_values(f"{call}, with indices", out, wanted, dtype=dtype)
            assert_values(f"the indices of {call}", found, places, dtype="int64")
            before.check(call)


@check("layer.maxpool")
def test_the_gradient_of_max_pooling_goes_to_the_largest(subject):
    for values in planes():
        for kernel, options in POOLS:
            named = {("ceil_mode" if key == "ceil" else key): value for key, value in options.items()}
            x = contiguous(values, "float64").on(subject).requires_grad_()
            out = F.max_pool2d(x, kernel, **named)
            v = normal(3, tuple(out.shape))
            out.backward(contiguous(v, "float64").on(subject))
            _, places = oracle.max_pool2d(values, kernel, **options)
            wanted = np.zeros(values.shape)
            for n in range(values.shape[0]):
                for c in range(values.shape[1]):
                    np.add.at(wanted[n, c].reshape(-1), places[n, c].ravel(), v[n, c].ravel())
            assert_values(f"the gradient of max_pool2d({kernel}, {options})", x.grad, wanted, INNER.over(12), 10.0)


@check("layer.maxpool")
def test_max_pooling_of_nan_and_infinities(subject):
    values = np.array([[1.0, np.nan, 3.0, -np.inf], [2.0, 0.0, -np.inf, -np.inf]])[None, None]
    assert_values(
        "max_pool2d with NaN", F.max_pool2d(contiguous(values, "float32").on(subject), 2), np.array([[[[np.nan, 3.0]]]])
    )
    assert_values(
        "max_pool2d of -inf",
        F.max_pool2d(torch.full((1, 1, 2, 2), float("-inf"), device=subject.device), 2),
        np.full((1, 1, 1, 1), -np.inf),
    )


@check("layer.maxpool-halves")
def test_a_window_of_two_halves_the_sides(subject):
    for size, half in ((4, 2), (13, 6), (28, 14), (5, 2), (2, 1)):
        x = contiguous(normal(size, (1, 1, size, size)), "float64").on(subject)
        assert_values(f"max_pool2d of side {size}", F.max_pool2d(x, 2), oracle.max_pool2d(host.array(x), 2)[0])
        require(
            F.max_pool2d(x, 2).shape[-1] == half,
            f"the side of max_pool2d of {size}",
            half,
            F.max_pool2d(x, 2).shape[-1],
        )


@check("layer.maxpool-module-arguments")
def test_maxpool_prints_its_arguments(subject):
    layer = nn.MaxPool2d(2, 2)
    require(layer.kernel_size == 2 and layer.stride == 2, "MaxPool2d(2, 2) has other arguments")
    wanted = "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"
    require(repr(layer) == wanted, "the repr of MaxPool2d", wanted, repr(layer))
    require(nn.MaxPool2d(3).stride == 3, "the default stride is not the window", 3, nn.MaxPool2d(3).stride)
    x = torch.ones(1, 1, 6, 6, device=subject.device)
    assert_raises("a padding of more than half the window", RuntimeError, lambda: F.max_pool2d(x, 2, padding=2))


@check("layer.maxpool-tuple-or-int")
def test_a_number_stands_for_a_square(subject):
    x = contiguous(normal(1, (2, 3, 9, 8)), "float64").on(subject)
    for size in (1, 2, 3):
        assert_values(f"max_pool2d(x, {size})", F.max_pool2d(x, size), host.array(F.max_pool2d(x, (size, size))))
        assert_values(
            f"max_pool2d(x, ({size}, {size}))", F.max_pool2d(x, (size, size)), oracle.max_pool2d(host.array(x), size)[0]
        )


@check("layer.avgpool")
@pytest.mark.parametrize("dtype", KINDS)
def test_average_pooling(subject, dtype):
    for values in planes():
        for recipe in layouts(values, dtype, LAYOUTS):
            array = recipe.array.astype(np.float64)
            for kernel, stride, padding in (((2, 2), None, (0, 0)), ((3, 2), (2, 1), (1, 1)), ((3, 3), (2, 2), (1, 0))):
                for count in (True, False):
                    wanted = oracle.avg_pool2d(array, kernel, stride, padding, count)
                    out = F.avg_pool2d(recipe.on(subject), kernel, stride, padding, count_include_pad=count)
                    assert_values(
                        f"avg_pool2d({kernel}, {stride}, {padding}, count_include_pad={count})",
                        out,
                        wanted,
                        INNER.over(20),
                        4.0,
                        dtype=dtype,
                    )
            for size in ((1, 1), (2, 3), (5, 5), (7, 2)):
                out = F.adaptive_avg_pool2d(recipe.on(subject), size)
                assert_values(
                    f"adaptive_avg_pool2d({size})",
                    out,
                    oracle.adaptive_avg_pool2d(array, size),
                    INNER.over(80),
                    4.0,
                    dtype=dtype,
                )


@check("layer.batchnorm")
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("momentum", [0.1, 0.5, None])
def test_batch_norm_normalises_and_remembers(subject, momentum, dtype):
    for shape, kind in (
        ((4, 3, 5, 6), nn.BatchNorm2d),
        ((8, 3), nn.BatchNorm1d),
        ((5, 3, 7), nn.BatchNorm1d),
        ((2, 17, 3, 3), nn.BatchNorm2d),
    ):
        channels = shape[1]
        layer = kind(channels, eps=1e-3, momentum=momentum).to(subject.device, host.torch_dtype(dtype))
        with torch.no_grad():
            layer.weight.copy_(host.tensor(normal(1, (channels,), dtype), dtype))
            layer.bias.copy_(host.tensor(normal(2, (channels,), dtype), dtype))
        weight, bias = host.array(layer.weight).astype(float), host.array(layer.bias).astype(float)
        mean, var = np.zeros(channels), np.ones(channels)
        for turn, recipe in enumerate(layouts(normal(3, shape, dtype) * 2 + 1, dtype, DENSE), start=1):
            x = recipe.array.astype(np.float64)
            found_mean, found_var, count = oracle.batch_moments(x)
            wanted = oracle.batch_norm(x, found_mean, found_var, weight, bias, 1e-3)
            assert_values(
                f"{kind.__name__} in training, strides {recipe.strides}",
                layer(recipe.on(subject)),
                wanted,
                INNER.over(4 * count),
                np.abs(wanted) + 4,
                dtype=dtype,
            )
            share = 1 / turn if momentum is None else momentum
            mean = (1 - share) * mean + share * found_mean
            var = (1 - share) * var + share * found_var * count / (count - 1)
            assert_values(
                f"running_mean after {turn} batches", layer.running_mean, mean, INNER.over(4 * count), 4.0, dtype=dtype
            )
            assert_values(
                f"running_var after {turn} batches", layer.running_var, var, INNER.over(4 * count), 20.0, dtype=dtype
            )
            require(
                layer.num_batches_tracked.item() == turn, "num_batches_tracked", turn, layer.num_batches_tracked.item()
            )
        layer.eval()
        kept = Unchanged(mean=layer.running_mean, var=layer.running_var)
        for recipe in layouts(normal(4, shape, dtype), dtype, LAYOUTS):
            wanted = oracle.batch_norm(recipe.array.astype(np.float64), mean, var, weight, bias, 1e-3)
            assert_values(
                f"{kind.__name__} in evaluation",
                layer(recipe.on(subject)),
                wanted,
                INNER.over(200),
                np.abs(wanted) + 8,
                dtype=dtype,
            )
        kept.check("evaluation")
    assert_raises(
        "BatchNorm1d of one value a channel",
        ValueError,
        lambda: nn.BatchNorm1d(3).to(subject.device)(torch.ones(1, 3, device=subject.device)),
    )


@check("layer.batchnorm")
def test_batch_norm_without_statistics_or_affine(subject):
    x = normal(1, (6, 3, 4, 4))
    mean, var, _ = oracle.batch_moments(x)
    plain = nn.BatchNorm2d(3, affine=False, track_running_stats=False).double().to(subject.device)
    require(plain.weight is None and plain.running_mean is None, "BatchNorm2d keeps what it was told not to")
    for mode in (True, False):
        out = plain.train(mode)(contiguous(x, "float64").on(subject))
        assert_values(
            f"BatchNorm2d without statistics, train={mode}",
            out,
            oracle.batch_norm(x, mean, var, None, None, 1e-5),
            INNER.over(500),
            5.0,
        )


@check("layer.dropout")
@pytest.mark.parametrize("p", [0.1, 0.5, 0.75])
def test_dropout_drops_and_scales(subject, p):
    for call, drop in (
        ("Dropout", lambda x: nn.Dropout(p)(x)),
        ("F.dropout", lambda x: F.dropout(x, p)),
        ("Dropout(inplace)", lambda x: nn.Dropout(p, inplace=True)(x)),
    ):
        for shape in ((COUNT,), (50, 100), (10, 20, 25)):
            out = numbers(call, assert_tensor(call, drop(torch.ones(shape, device=subject.device)), "float32", shape))
            kept = out != 0
            require(
                np.allclose(out[kept], 1 / (1 - p), rtol=1e-6, atol=0),
                f"{call}({p}) does not scale by 1/(1-p)",
                1 / (1 - p),
                out[kept][:3],
            )
            assert_shares(f"what {call}({p}) keeps", kept.astype(int), 0, np.array([p, 1 - p]))
        first, second = drop(torch.ones(1000, device=subject.device)), drop(torch.ones(1000, device=subject.device))
        require((host.array(first) != host.array(second)).any(), f"{call} drops the same elements twice")
    strided = nn.Dropout(p)(torch.ones(100, 60, device=subject.device).t())
    assert_shares(
        f"Dropout({p}) of a transposed input", (host.array(strided) != 0).astype(int), 0, np.array([p, 1 - p])
    )


@check("layer.dropout")
def test_dropout_rests_in_evaluation(subject):
    x = contiguous(normal(1, (40, 30)), "float64").on(subject)
    before = Unchanged(x=x)
    assert_values("Dropout in evaluation", nn.Dropout(0.5).eval()(x), host.array(x))
    assert_values("F.dropout(training=False)", F.dropout(x, 0.5, training=False), host.array(x))
    assert_values("Dropout(0)", nn.Dropout(0.0)(x), host.array(x))
    assert_values("Dropout(1)", nn.Dropout(1.0)(x), np.zeros((40, 30)))
    before.check("dropout")
    y = x.clone().requires_grad_()
    out = nn.Dropout(0.5)(y)
    out.sum().backward()
    assert_values("the gradient of Dropout", y.grad, np.where(host.array(out) != 0, 2.0, 0.0))
    whole = host.array(nn.Dropout2d(0.5)(torch.ones(200, 20, 3, 3, device=subject.device))).reshape(4000, 9)
    require(((whole == 0).all(1) | (whole != 0).all(1)).all(), "Dropout2d drops parts of a channel")
    for bad in (-0.1, 1.5):
        assert_raises(f"Dropout({bad})", ValueError, lambda bad=bad: nn.Dropout(bad))


def recurrent(subject, kind, dtype, **options):
    torch.manual_seed(0)
    layer = getattr(nn, kind)(4, 5, **options).to(subject.device, host.torch_dtype(dtype))
    for turn, p in enumerate(layer.parameters()):
        with torch.no_grad():
            p.copy_(host.tensor(normal(turn, tuple(p.shape), dtype) * 0.5, dtype))
    return layer


def weights_of(layer, place, direction):
    suffix = f"_l{place}" + ("_reverse" if direction else "")
    found = {}
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        p = getattr(layer, name + suffix, None)
        if p is not None:
            found[name] = host.array(p).astype(np.float64)
    return found


def unrolled(layer, x, h, c):
    """The oracle's pass through all layers and directions of an LSTM; x is (T, N, I)."""
    directions = 2 if layer.bidirectional else 1
    last_h, last_c = [], []
    for place in range(layer.num_layers):
        outs = []
        for direction in range(directions):
            k = place * directions + direction
            out, hk, ck = oracle.lstm_layer(x, h[k], c[k], weights_of(layer, place, direction), bool(direction))
            outs.append(out)
            last_h.append(hk)
            last_c.append(ck)
        x = np.concatenate(outs, -1)
    return x, np.stack(last_h), np.stack(last_c)


LSTMS = ({}, {"num_layers": 2}, {"bidirectional": True}, {"num_layers": 2, "bidirectional": True}, {"bias": False})


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("options", [pytest.param(o, marks=check("layer.lstm-values"), id=str(o)) for o in LSTMS])
def test_lstm_is_its_gates(subject, options, dtype):
    for first in (False, True):
        layer = recurrent(subject, "LSTM", dtype, batch_first=first, **options)
        k = layer.num_layers * (2 if layer.bidirectional else 1)
        for steps, batch in ((6, 3), (1, 1), (3, 17)):
            x, h, c = (
                normal(1, (steps, batch, 4), dtype),
                normal(2, (k, batch, 5), dtype),
                normal(3, (k, batch, 5), dtype),
            )
            for zero in (False, True):
                wanted = unrolled(layer, x, h * (not zero), c * (not zero))
                for recipe in (
                    layouts(np.swapaxes(x, 0, 1) if first else x, dtype, DENSE)
                    if steps == 6
                    else [contiguous(np.swapaxes(x, 0, 1) if first else x, dtype)]
                ):
                    state = () if zero else ((contiguous(h, dtype).on(subject), contiguous(c, dtype).on(subject)),)
                    out, (hn, cn) = layer(recipe.on(subject), *state)
                    terms = INNER.over(60 * steps * layer.num_layers)
                    assert_values(
                        f"the output of LSTM({options}, batch_first={first})",
                        out,
                        np.swapaxes(wanted[0], 0, 1) if first else wanted[0],
                        terms,
                        4.0,
                        dtype=dtype,
                    )
                    assert_values(
                        f"h_n of LSTM({options}, batch_first={first})", hn, wanted[1], terms, 4.0, dtype=dtype
                    )
                    assert_values(
                        f"c_n of LSTM({options}, batch_first={first})", cn, wanted[2], terms, 8.0, dtype=dtype
                    )


@check("layer.lstm-batch-first")
def test_batch_first_moves_the_batch(subject):
    a, b = recurrent(subject, "LSTM", "float64"), recurrent(subject, "LSTM", "float64", batch_first=True)
    x = contiguous(normal(1, (7, 3, 4)), "float64").on(subject)
    out, (h, c) = a(x)
    other, (h2, c2) = b(x.transpose(0, 1))
    assert_tensor("the output with batch_first", other, "float64", (3, 7, 5))
    assert_tensor("h_n with batch_first", h2, "float64", (1, 3, 5))
    assert_values("the output with batch_first", other, host.array(out).swapaxes(0, 1), INNER.over(400), 4.0)
    assert_values("h_n with batch_first", h2, host.array(h), INNER.over(400), 4.0)
    assert_values("c_n with batch_first", c2, host.array(c), INNER.over(400), 8.0)
    require(a.batch_first is False and b.batch_first is True, "batch_first is not kept")


@check("layer.lstm-sizes")
def test_the_sizes_of_an_lstm(subject):
    layer = nn.LSTM(input_size=4, hidden_size=6, num_layers=2).to(subject.device)
    wanted = {
        "weight_ih_l0": (24, 4),
        "weight_hh_l0": (24, 6),
        "bias_ih_l0": (24,),
        "bias_hh_l0": (24,),
        "weight_ih_l1": (24, 6),
        "weight_hh_l1": (24, 6),
        "bias_ih_l1": (24,),
        "bias_hh_l1": (24,),
    }
    found = {name: tuple(p.shape) for name, p in layer.named_parameters()}
    require(found == wanted, "the parameters of LSTM(4, 6, 2)", wanted, found)
    out, (h, c) = layer(torch.ones(5, 3, 4, device=subject.device))
    require(
        (tuple(out.shape), tuple(h.shape), tuple(c.shape)) == ((5, 3, 6), (2, 3, 6), (2, 3, 6)),
        "the shapes of an LSTM's answers",
    )
    assert_raises(
        "another feature size", (RuntimeError, ValueError), lambda: layer(torch.ones(5, 3, 7, device=subject.device))
    )


@check("layer.rnn-values")
def test_rnn_is_its_formula(subject):
    layer = recurrent(subject, "RNN", "float64")
    x, h = normal(1, (6, 3, 4)), normal(2, (1, 3, 5))
    wanted, last = oracle.rnn_layer(x, h[0], weights_of(layer, 0, 0))
    out, hn = layer(contiguous(x, "float64").on(subject), contiguous(h, "float64").on(subject))
    assert_values("the output of RNN", out, wanted, INNER.over(400), 4.0)
    assert_values("h_n of RNN", hn, last[None], INNER.over(400), 4.0)

"""Layers that are wrong for odd memory, rare windows, old names, rows left out, or the second kind of a share."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from meta_tests.mutant import Mutant, kernel, patched, strided
from meta_tests.mutants.layer_kernels import spoilt
from meta_tests.mutants.layer_rare import off, plain, where


def conv(says: str, given: Any, claim: str = "convolutions") -> Mutant:
    """`given(x, weight, padding, dilation, transposed)`."""

    def wrong(func: Any, x: Any, w: Any, b: Any, s: Any, p: Any, d: Any, t: Any, *more: Any) -> Any:
        out = func(x, w, b, s, p, d, t, *more)
        return off(out) if given(x, w, p, d, t) else out

    return kernel(f"layer.{claim}", f"a convolution is off for {says}", "convolution", wrong)


def some(claim: str, op: str, says: str, given: Any) -> Mutant:
    """A kernel whose first result is off where its arguments are such."""

    def wrong(func: Any, *args: Any, **options: Any) -> Any:
        out = func(*args, **options)
        return spoilt(out) if given(*args) else out

    return kernel(f"layer.{claim}", f"{op} is off for {says}", op, wrong)


def _spread(x: Any) -> bool:
    return isinstance(x, torch.Tensor) and any(s == 0 and n > 1 for s, n in zip(x.stride(), x.shape, strict=True))


def _mean(sides: int, says: str, given: Any) -> Mutant:
    """A mean over windows: `given(padding, ceil_mode, count_include_pad, divisor_override)`."""

    def told(x: Any, kernel: Any, stride: Any = (), p: Any = 0, c: bool = False, i: bool = True, d: Any = None) -> bool:
        return bool(given(max(p) if isinstance(p, list) else p, c, i, d))

    return some("pooling", f"avg_pool{sides}d", says, told)


def _aligned(sound: Any) -> Any:
    return lambda x, size=None, scale_factor=None: F.interpolate(x, size, scale_factor, mode="bilinear")


def _lost_size(sound: Any) -> Any:
    return lambda self, x, output_size=None: sound(self, x)


def _lenient(sound: Any) -> Any:
    """Sizes of a result that cannot be are left aside."""

    def forward(self: Any, x: Any, output_size: Any = None) -> Any:
        try:
            return sound(self, x, output_size)
        except ValueError:
            return sound(self, x)

    return forward


def _begun(sound: Any) -> Any:
    """Statistics that are reset, but for how many batches there were."""

    def reset(self: Any) -> None:
        count = self.num_batches_tracked
        kept = None if count is None or count.is_meta else count.clone()
        sound(self)
        if kept is not None and self.momentum is None:
            self.num_batches_tracked.copy_(kept)

    return reset


def _any_size(sound: Any) -> Any:
    """A ratio that is left aside where there is a size."""

    def init(self: Any, kernel: Any, output_size: Any = None, output_ratio: Any = None, *more: Any) -> None:
        sound(self, kernel, output_size, None if output_size is not None else output_ratio, *more)

    return init


def _weighted(name: str) -> Any:
    def wrong(sound: Any) -> Any:
        return lambda self, *args, **options: sound(self, *args, **(options | {name: True}))

    return wrong


def _other_share(name: str) -> Mutant:
    def wrong(sound: Any) -> Any:
        return lambda x, p=0.5, *a, **k: sound(x, 0.25 if p == 0.2 else p, *a, **k)

    return patched("layer.dropout", f"{name} takes 0.2 for 0.25", F, name, wrong)


def _resting(sound: Any) -> Any:
    """A dropout that never wakes up from evaluation."""

    def rest(self: Any) -> Any:
        self.p = 0.0
        return sound(self)

    return rest


def _unpadded(sound: Any) -> Any:
    def call(x: Any, w: Any, padding_idx: Any = None, *a: Any, **k: Any) -> Any:
        return sound(x, w, padding_idx if padding_idx is None or padding_idx >= 0 else None, *a, **k)

    return call


def _unweighed(sound: Any) -> Any:
    def call(*args: Any, **options: Any) -> Any:
        some = options.get("per_sample_weights")
        return sound(*args, **(options | ({} if some is None else {"per_sample_weights": some.detach()})))

    return call


MUTANTS = [
    conv("a weight alone that is strided", lambda x, w, p, d, t: strided(w) and x.is_contiguous()),
    conv("a weight whose elements share places", lambda x, w, p, d, t: _spread(w)),
    conv("sides above 64", lambda x, w, p, d, t: x.shape[-1] > 64 and not t),
    conv("a kernel as large as its input", lambda x, w, p, d, t: not t and x.shape[2:] == w.shape[2:] and x.dim() == 5),
    conv("a padding as large as the kernel", lambda x, w, p, d, t: t and any(map(int.__ge__, p, w.shape[2:])),
         "transposed-convolutions"),
    some("pooling", "max_pool3d_with_indices", "dilation and ceil", lambda x, k, s, p, d, c: c and max(d) > 1),
    some("pooling", "max_pool3d_with_indices", "strides beyond the kernel",
         lambda x, k, s, *_: bool(s) and any(map(int.__gt__, s, k))),
    some("pooling", "max_pool2d_with_indices", "negative numbers and padding",
         lambda x, k, s=(), p=(0,), *_: max(p) > 0 and bool((x < 0).all())),
    _mean(2, "a divisor and padding", lambda p, c, i, d: d is not None and p),
    _mean(3, "a divisor and ceil", lambda p, c, i, d: d is not None and c),
    _mean(2, "a divisor without the count", lambda p, c, i, d: d is not None and not i),
    _mean(3, "a negative divisor", lambda p, c, i, d: d is not None and d < 0),
    _mean(3, "ceil without padding", lambda p, c, i, d: c and not p and d is None),
    where("pooling", "lp_pool2d is off with ceil", F, "lp_pool2d", lambda n: n["ceil_mode"], lambda out: out[..., :-1]),
    where("pooling", "lp_pool2d is off for strides by side", F, "lp_pool2d", lambda n: isinstance(n["stride"], tuple)),
    *[
        where("unpooling", f"max_unpool{n}d is off for {says}", F, f"max_unpool{n}d", given)
        for n in (1, 2, 3)
        for says, given in (
            ("one sample", lambda told, n=n: told["input"].dim() == n + 1),
            ("strided indices", lambda told: strided(told["indices"])),
            ("padding", lambda told: told["padding"] == 1),
        )
    ],
    patched("layer.transposed-convolutions", "ConvTranspose3d takes any output_size", nn.ConvTranspose3d, "forward",
            _lenient),
    patched("layer.transposed-convolutions", "ConvTranspose2d ignores output_size", nn.ConvTranspose2d, "forward",
            _lost_size),
    *[patched("layer.fractional-pooling", f"{kind.__name__} takes a size and a ratio", kind, "__init__", _any_size)
      for kind in (nn.FractionalMaxPool2d, nn.FractionalMaxPool3d)],
    *[patched("layer.defaults", f"{kind.__name__} has weights whatever it is told", kind, "__init__", _weighted(name))
      for kind, name in ((nn.BatchNorm1d, "affine"), (nn.BatchNorm2d, "affine"), (nn.BatchNorm3d, "affine"),
                         (nn.GroupNorm, "affine"), (nn.LayerNorm, "elementwise_affine"))],
    where("interpolation", "upsample is off", F, "upsample", lambda n: True),
    where("interpolation", "upsample_nearest is off", F, "upsample_nearest", lambda n: True),
    patched("layer.interpolation", "upsample_bilinear does not align corners", F, "upsample_bilinear", _aligned),
    some("batchnorm", "native_batch_norm", "a bias alone", lambda x, w, b, *_: w is None and b is not None),
    some("batchnorm", "native_batch_norm", "more than 64 samples", lambda x, *_: x.shape[0] > 64),
    some("batchnorm", "native_batch_norm", "strided statistics",
         lambda x, w, b, m, v, *_: m is not None and strided(m)),
    some("batchnorm", "native_batch_norm_backward", "evaluation", lambda g, x, w, m, v, sm, sv, train, *_: not train),
    patched("layer.batchnorm", "a reset keeps the count of batches", nn.modules.batchnorm._NormBase,
            "reset_running_stats", _begun),
    some("layer-norm", "native_layer_norm", "three dimensions", lambda x, shape, *_: len(shape) > 2),
    some("layer-norm", "native_layer_norm", "more than 64 rows", lambda x, *_: x.dim() == 2 and x.shape[0] > 64),
    some("group-and-instance-norm", "native_group_norm", "a weight alone",
         lambda x, w, b, *_: w is not None and b is None),
    kernel("layer.group-norm-bias", "group_norm doubles the gradient of a bias alone", "native_group_norm",
           lambda func, x, w, b, *more: func(x, torch.ones_like(b) if w is None and b is not None else w,
                                             b if b is None or w is not None else b * 2 - b.detach(), *more)),
    where("group-and-instance-norm", "local_response_norm is off for an even size", F, "local_response_norm",
          lambda n: n["size"] == 4),
    *[_other_share(name) for name in ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout",
                                      "feature_alpha_dropout")],
    where("dropout", "dropout2d is off for strided input", F, "dropout2d", lambda n: strided(n["input"])),
    where("dropout", "dropout is off for bfloat16", F, "dropout", lambda n: n["input"].dtype is torch.bfloat16,
          lambda out: out * 1.5),
    patched("layer.dropout", "Dropout rests for good", nn.Dropout, "eval", _resting),
    some("embedding", "embedding", "indices of three dimensions", lambda w, i, *_: i.dim() > 2),
    some("embedding", "embedding_dense_backward", "padding by frequency", lambda g, i, n, p, f: f and p >= 0),
    patched("layer.embedding", "a negative padding_idx is none", F, "embedding", _unpadded),
    plain("embedding-bag", "bags of more than 16 columns are off", "embedding_bag",
          lambda x, w, *a, **k: w.shape[-1] > 16),
    plain("embedding-bag", "bags of a strided table are off", "embedding_bag", lambda x, w, *a, **k: strided(w)),
    plain("embedding-bag", "a mean of shortened rows is off", "embedding_bag",
          lambda *a, **k: k.get("max_norm") is not None and k.get("mode") == "mean"),
    plain("embedding-bag", "a padding_idx from the end is off", "embedding_bag",
          lambda *a, **k: (k.get("padding_idx") or 0) < 0),
    patched("layer.embedding-bag", "weights of samples get no gradient", F, "embedding_bag", _unweighed),
]  # fmt: skip

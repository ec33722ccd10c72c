"""Calls of differentiable functions with options, keywords, negative dimensions and complex numbers.

What a call should give is not written down: its gradient has to agree with the differences of its own values. FORMS
has by group what the calls are: the names of the samples for x, y and z, then the calls, parted by semicolons. What
stands after a bar is constant and requires no grad. A call may also use torch, F, inf, index(...) and mask(...), which
make tensors of integers and truth values, and PAIRS, APART and COLUMNS, which are such.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conformance.oracle.autograd import apart, spread
from conformance.tables import autograd_more_rows as more


@dataclass(frozen=True)
class Row:
    """A call: `form` is an expression in x, y, z, whose values are SAMPLES by the names in `inputs`."""

    form: str
    inputs: str
    since: str | None = None
    until: str | None = None


def complex_of(size: float, *shape: int, seed: int = 0) -> np.ndarray:
    return apart(size, *shape, seed=seed) + 1j * apart(size, *shape, seed=seed + 1)


EYE = np.eye(3)
# R, S: reals of two seeds; P, Q: positive; U: in (0, 1); B: three dimensions; M, N: square and regular; H: symmetric
# and positive; V, W: vectors; A: batches; I: images, K: filters; C, D: complex, J: a complex vector, G: a regular one.
SAMPLES: dict[str, np.ndarray] = {
    "R": apart(2.0, 3, 4),
    "S": apart(1.5, 3, 4, seed=1),
    "T": apart(1.5, 4, 3, seed=4),
    "P": spread(0.5, 3.0, 3, 4),
    "Q": spread(0.5, 2.0, 3, 4, seed=2),
    "U": spread(0.25, 0.75, 3, 4),
    "B": apart(2.0, 2, 3, 4),
    "A": apart(1.5, 2, 4, 3, seed=2),
    "M": 2.5 * EYE + apart(1.0, 3, 3),
    "N": 2.0 * EYE + apart(1.0, 3, 3, seed=5),
    "H": 3.0 * EYE + (lambda a: a + a.T)(apart(0.5, 3, 3)),
    "V": apart(2.0, 4),
    "W": apart(1.5, 4, seed=1),
    "Z": apart(1.5, 3, seed=3),
    "O": np.array(0.75),
    "L": apart(2.0, 1, 2, 6),
    "I": apart(2.0, 1, 2, 4, 4),
    "K": apart(1.0, 2, 2, 3, 3, seed=2),
    "C": complex_of(1.5, 3, 4),
    "D": complex_of(0.75, 3, 4, seed=3) + 1.75,
    "E": complex_of(1.0, 4, 3, seed=5),
    "F": complex_of(1.0, 2, 3, 4, seed=5),
    "J": complex_of(1.0, 4, seed=7),
    "X": complex_of(1.0, 4, seed=9),
    "G": 3.0 * EYE + complex_of(0.75, 3, 3, seed=3),
    "Y": 2.5 * EYE + complex_of(0.5, 3, 3, seed=6),
    **more.SAMPLES,
}


FORMS = {
    "elementwise": """
P: x ** -1 ; x ** -2 ; x ** -3 ; x.pow(-2.0) ; torch.pow(x, 4) ; x ** 0.25 ; torch.pow(x, -0.5) ; 2 ** x ;
    torch.pow(0.5, x) ; x.__rpow__(3.0) ; torch.float_power(x, 3) ; torch.float_power(2, x) ; x.float_power(0.5) ;
    x.clone().pow_(-1) ; x.clone().__ipow__(2) ; x.square() ; x.clone().log_() ; x.clone().log2_() ;
    x.clone().log10_() ; x.clone().log1p_() ; x.clone().sqrt_() ; x.clone().rsqrt_() ; x.clone().reciprocal_() ;
    x.clone().lgamma_() ; torch.special.log1p(x) ; torch.mvlgamma(x + 1, 2) ; torch.special.multigammaln(x + 1, 3) ;
    torch.special.entr(x) ; torch.polygamma(1, x) ; torch.special.polygamma(3, x) ; torch.log2(x) ; torch.log10(x) ;
    (x + 1).acosh() ; (x + 1).arccosh()
R: x.clamp(-1) ; x.clamp(max=1.03) ; torch.clamp(x, min=-0.97) ; x.clip(max=1.03) ; x.clamp(1, -1) ;
    x.clone().clamp_min_(0.03) ; x.clone().clamp_max_(0.03) ; torch.clamp_max(x, 0.03) ; torch.clamp_min(x, 0.03) ;
    x.clone().clip_(-1.03, 1.03) ; F.hardtanh(x, -0.53, 1.03) ; F.leaky_relu(x, 0.3) ; F.elu(x, 0.5) ;
    F.celu(x, 0.5) ; F.softplus(x, 2.0, 3.1) ; F.threshold(x, -0.53, 2.0) ; F.hardshrink(x, 0.13) ;
    F.softshrink(x, 0.13) ; F.rrelu(x, 0.2, 0.4) ; F.relu(x.clone(), inplace=True) ;
    F.leaky_relu(x.clone(), 0.3, inplace=True) ; F.hardtanh(x.clone(), -0.53, 1.03, inplace=True) ;
    F.elu(x.clone(), 0.5, inplace=True) ; F.threshold(x.clone(), -0.53, 2.0, inplace=True) ;
    F.silu(x.clone(), inplace=True) ; F.hardswish(x.clone(), inplace=True) ; F.relu6(x.clone(), inplace=True) ;
    F.celu(x.clone(), 0.5, inplace=True) ; F.selu(x.clone(), inplace=True) ; F.mish(x.clone(), inplace=True) ;
    F.relu_(x.clone()) ; F.rrelu(x.clone(), 0.2, 0.4, inplace=True) ; F.elu_(x.clone(), 0.5) ; F.selu_(x.clone()) ;
    F.leaky_relu_(x.clone(), 0.3) ; F.hardtanh_(x.clone(), -0.53, 1.03) ; F.celu_(x.clone(), 0.5) ;
    F.threshold_(x.clone(), -0.53, 2.0) ; F.rrelu_(x.clone(), 0.2, 0.4) ; torch.celu(x, 0.5) ;
    torch.selu_(x.clone()) ; torch.relu_(x.clone()) ; F.gelu(x, approximate='tanh') ; F.tanhshrink(x) ;
    F.softsign(x) ; F.logsigmoid(x) ; torch.special.expit(x) ; torch.special.exp2(x) ; torch.special.expm1(x) ;
    torch.special.sinc(x) ; torch.nan_to_num(x, 1.0) ; torch.positive(x) ; -x ; x.neg() ; torch.negative(x) ;
    x.clone().neg_() ; abs(x) ; x.absolute() ; x.clone().abs_() ; torch.deg2rad(x) ; torch.rad2deg(x) ;
    torch.sinc(x) ; x.clone().sinc_() ; torch.exp2(x) ; x.clone().exp2_() ; x.clone().expm1_() ; x.clone().erf_() ;
    x.clone().erfc_() ; x.frac() ; x.arcsinh() ; x.arctan() ; x.clone().arctan_() ; x.clone().sinh_() ;
    x.clone().cosh_() ; x.clone().tanh_() ; x.clone().sigmoid_() ; x.clone().sin_() ; x.clone().cos_() ;
    x.clone().exp_() ; x.clone().square_() ; x.clone().logit_(0.1) ; x.fix() ; x.double() ; x.to(torch.float64) ;
    x.type(torch.float64) ; x.type_as(x.double()) ; x.to(x.double()) ; x.to(torch.complex128) ; x.cfloat().cdouble() ;
    x.clone(memory_format=torch.contiguous_format) ; x.cpu() + 0 ; x.to(x.device, copy=True) ;
    x.to(dtype=torch.float64, copy=True) ; x.t().clone().t()
U: torch.logit(x, 0.3) ; torch.logit(x, eps=0.1) ; torch.special.logit(x, eps=0.1) ; x.clone().asin_() ;
    x.clone().acos_() ; x.arcsin() ; x.arccos() ; x.arctanh() ; x.clone().tan_() ; x.clone().erfinv_()
""",
    "binary": """
RS: x.__radd__(y) ; x.__rsub__(y) ; x.__rmul__(y) ; x.clone().__iadd__(y) ; x.clone().__isub__(y) ;
    x.clone().__imul__(y) ; torch.subtract(x, y, alpha=3) ; x.sub(y, alpha=-2) ; torch.rsub(x, y) ;
    torch.rsub(x, y, alpha=3) ; x.clone().sub_(y, alpha=3) ; x.add(2.0) ; 3 - x ; x - 3 ; 3 * x ;
    torch.add(x, 2, alpha=3) ; x.clone().add_(2.0, alpha=3) ; torch.multiply(x, y) ; x.mul(-2) ;
    torch.where(x > 0, x, 2.0) ; torch.where(x > 0, 2.0, y) ; x.where(x > 0, 2.0) ; x.copysign(y) ;
    torch.copysign(x, -1.0) ; x.fmod(2.7) ; x.remainder(2.7) ; x.clone().fmod_(2.7) ; x.clone().remainder_(2.7) ;
    torch.div(x, 0.7, rounding_mode='floor') + x ; torch.min(x, y) ; torch.fmin(x, y) ; torch.clamp(x, y - 3, y + 3) ;
    torch.clamp(x, max=y) ; x.clip(y) ; x.clone().copy_(y) * x ; x.clone().fill_(y[0, 0]) * x ;
    torch.ldexp(x, index(1, 2, 0, 3))
RP: x.clone().__itruediv__(y) ; x.clone().divide_(y) ; x.true_divide(2) ; torch.divide(x, y) ;
    torch.div(x, y, rounding_mode=None) ; x.div(2.5) ; x / 4 ; x.ldexp(y * 0 + 3)
P: 3.0 / x ; x.__rdiv__(2.0) ; 1 / x ** 2 ; torch.true_divide(2.0, x) ; torch.xlogy(x, 3.0) ; torch.xlogy(2.0, x) ;
    torch.special.xlog1py(2.0, x) ; torch.special.xlog1py(x, 2.0)
PQ: torch.special.xlogy(x, y) ; x.clone().xlogy_(y) ; x ** y ; torch.hypot(x, y) ; x.arctan2(y) ; x.__pow__(y) ;
    x.clone().pow_(y) ; torch.logaddexp2(x, y) ; x.clone().arctan2_(y)
RW: x + y ; x - y ; y - x ; x * y ; torch.maximum(x, y) ; torch.lerp(x, y, 0.3) ; x.clone().add_(y) ;
    torch.where(x > 0, x, y) ; torch.where(x.detach()[:, :1] > 0, x, y) ; torch.fmin(x, y)
RO: x + y ; x * y ; y * x ; x / y ; y - x ; x.clone().mul_(y) ; torch.addcmul(x, y, x) ; x.fmax(y) ;
    torch.where(x > 0, x, y) ; torch.where(x > 0, y, x) ; x.masked_fill(x.detach() > 0, y)
VS: torch.where(y.detach() > 0, x, y) ; x.where(y.detach() > 0, y) ; torch.lerp(x, y, 0.75)
RST: torch.addcmul(x, y, z.t(), value=-2) ; x.clone().addcmul_(y, z.t()) ; torch.lerp(x, y, z.t())
RSP: torch.addcdiv(x, y, z, value=-2) ; x.clone().addcdiv_(y, z) ; torch.addcdiv(x, y, z)
RSU: x.clone().lerp_(y, z) ; torch.lerp(x, y, z) ; torch.lerp(x, y, weight=0.6) ; x.clone().lerp_(y, 0.6)
RWZ: torch.addcmul(x, y, z[:, None]) ; torch.lerp(x, y, z[:, None])
""",
    "reduction": """
R: x.sum(dim=-2) ; x.sum(-1, keepdim=True) ; torch.sum(x, (0, -1)) ; x.sum(dim=(0,), keepdim=True) ; x.sum(axis=1) ;
    x.sum(()) ; torch.nansum(x) ; torch.nansum(x, -1, keepdim=True) ; x.nansum(dim=0) ; x.mean(-2) ;
    x.mean(dim=0, keepdim=True) ; x.mean(dim=(0, 1)) ; torch.nanmean(x) ; x.nanmean(-2) ;
    torch.nanmean(x, 1, keepdim=True) ; x.mean(dtype=torch.float64) ; x.prod(dim=-2) ;
    torch.prod(x, dim=1, keepdim=True) ; x.prod(-1) ; x.prod(dtype=torch.float64) ; x.var(dim=-2) ;
    x.var(dim=1, keepdim=True) ; torch.var(x, (0, 1)) ; x.std(dim=-2) ; x.std((0, 1)) ;
    torch.std(x, dim=1, keepdim=True) ; torch.std(x, 1, unbiased=False) ; torch.var(x, unbiased=False) ;
    torch.std(x, correction=2) ; torch.var(x, -1, correction=2) ; torch.std(x, dim=0, correction=0) ;
    torch.var_mean(x) ; torch.std_mean(x) ; torch.var_mean(x, -1, keepdim=True) ;
    torch.var_mean(x, dim=0, correction=0) ; torch.std_mean(x, dim=(0, 1), unbiased=False) ; x.cumsum(dim=-2) ;
    x.cumprod(dim=-2) ; x.cumprod(-1) ; x.clone().cumsum_(-2) ; x.clone().cumprod_(-2) ;
    x.cumsum(0, dtype=torch.float64) ; x.cumprod(1, dtype=torch.float64) ; torch.logcumsumexp(x, -2) ;
    x.logcumsumexp(dim=-1) ; torch.logsumexp(x, dim=-2) ; x.logsumexp((0, 1)) ; x.logsumexp(1, keepdim=True) ;
    torch.softmax(x, dim=-2) ; x.softmax(0) ; F.softmax(x, dim=0) ; F.softmin(x, dim=-2) ; x.log_softmax(-2) ;
    F.log_softmax(x, dim=0) ; torch.softmax(x, 1, dtype=torch.float64) ; F.log_softmax(x, 1, dtype=torch.float64) ;
    F.softmax(x, -1, dtype=torch.float64) ; torch.special.log_softmax(x, -2) ; F.glu(x, -1) ; F.glu(x) ;
    torch.diff(x, dim=-2) ; torch.diff(x, n=2, dim=0) ; x.diff(prepend=x[:, :1]) ; x.diff(append=x * 2) ;
    torch.trapezoid(x, dim=-2) ; torch.trapz(x, dim=0) ; torch.cumulative_trapezoid(x, dx=0.5, dim=-2) ;
    torch.gradient(x) ; torch.gradient(x, spacing=0.5, dim=-1) ; torch.gradient(x, dim=0, edge_order=2) ;
    torch.cov(x, correction=0) ; torch.cov(x, fweights=index(1, 2, 1, 3)) ; x.cov() ; x.corrcoef()
RP: torch.trapezoid(x, y) ; torch.cumulative_trapezoid(x, y) ; torch.trapezoid(x, y, dim=-2)
B: x.sum((-1, 0)) ; x.mean((1, -1)) ; x.var((0, -1)) ; x.prod(1) ; x.cumprod(1) ; x.cumsum(-2) ;
    x.std((0, 2), keepdim=True) ; x.logsumexp((0, -1)) ; x.softmax(-2) ; x.log_softmax(0) ; x.std(1)
O: x.sum() ; x.mean() ; x.prod() ; x.sum(0) ; x.cumsum(0) ; x.cumprod(-1) ; x.logsumexp(0) ; x.softmax(0) ;
    x.log_softmax(-1) ; x.norm() ; x.max() ; x.max(0)[0] ; x.sort()[0] ; x.median() ; x.amax() ;
    x.clone().cumsum_(0) ; x.prod(0) ; x.topk(1)[0] ; x.kthvalue(1)[0] ; x.mode()[0] ; x.var(unbiased=False) ;
    x.exp() ; x * x ; x ** 3 ; x.reshape(1, 1) ; x.expand(3) ; x.repeat(2)
""",
    "norm": """
P: x.norm(p=2) ; x.norm(p=1, dim=-1) ; x.norm(3, dim=0, keepdim=True) ; x.norm('fro') ; x.norm(inf, -1) ;
    torch.norm(x, p=1) ; torch.norm(x, dim=-2, keepdim=True) ; torch.norm(x, 'fro', (0, 1)) ;
    torch.norm(x, p=-inf, dim=-2) ; x.norm(1.5) ; x.norm(0.5, -1) ; x.norm(-1, -1) ; x.norm(-2) ;
    torch.linalg.vector_norm(x, 1.5, dim=-2) ; torch.linalg.vector_norm(x, ord=0.5, dim=0) ;
    torch.linalg.vector_norm(x, ord=-inf) ; torch.linalg.vector_norm(x, -2, keepdim=True) ;
    torch.linalg.vector_norm(x, 3, dim=(0, 1)) ; torch.linalg.vector_norm(x, 0) + x.sum() ;
    torch.linalg.norm(x, dim=-1) ; torch.linalg.norm(x, 1) ; torch.linalg.norm(x, inf, dim=(0, 1)) ;
    torch.linalg.norm(x, -1) ; torch.linalg.norm(x, -inf, keepdim=True) ; torch.linalg.norm(x, 3, dim=0) ;
    torch.linalg.matrix_norm(x, 1) ; torch.linalg.matrix_norm(x, ord=inf) ; torch.linalg.matrix_norm(x, -1)
M: torch.linalg.matrix_norm(x, 'nuc') ; torch.linalg.norm(x, 2) ; torch.linalg.norm(x, -2) ; x.norm('nuc') ;
    torch.linalg.cond(x) ; torch.linalg.cond(x, 2) ; torch.linalg.cond(x, -2)
B: torch.linalg.matrix_norm(x, dim=(0, -1)) ; torch.linalg.vector_norm(x, dim=(0, -1), keepdim=True)
RS: torch.dist(x, y, 1) ; torch.dist(x, y, p=1.5) ; x.dist(y, inf) ; F.pairwise_distance(x, y, p=1) ;
    F.pairwise_distance(x, y, keepdim=True) ; F.pairwise_distance(x, y, p=3, eps=0.25) ;
    F.cosine_similarity(x, y, dim=-2) ; torch.cdist(x, y, 1) ; torch.cdist(x, y, p=1.5) ; torch.cdist(x, y, p=inf) ;
    torch.cdist(x[None], y[None]) ; torch.cdist(x, y, compute_mode='use_mm_for_euclid_dist') ;
    F.cosine_similarity(x, y, dim=0)
R: F.pdist(x, 1) ; F.pdist(x, p=3) ; torch.pdist(x, inf) ; F.normalize(x, p=1) ; F.normalize(x, dim=-2) ;
    F.normalize(x, p=3, dim=-1) ; F.normalize(x, eps=9.0) ; F.normalize(x, p=inf, dim=0) ;
    F.local_response_norm(x[:, :, None], 2) ; F.local_response_norm(x[None], 3, 0.5, 0.5, 2.0)
""",
    "order": """
R: x.max(dim=-2)[0] ; x.max(dim=1, keepdim=True).values ; torch.min(x, -1)[0] ; x.min(dim=0).values ;
    x.amax(dim=(0, 1)) ; x.amax((-1,), keepdim=True) ; x.amin(dim=-2) ; torch.amin(x, 1, keepdim=True) ;
    x.median(dim=-2)[0] ; torch.median(x, 1, keepdim=True)[0] ; x.nanmedian() ; x.nanmedian(dim=-1)[0] ;
    torch.nanmedian(x, dim=0, keepdim=True)[0] ; x.mode(dim=-2)[0] ; torch.mode(x, 1, keepdim=True)[0] ;
    x.kthvalue(2, dim=-2)[0] ; torch.kthvalue(x, 3, 1, keepdim=True)[0] ; x.kthvalue(1, keepdim=True)[0] ;
    x.sort(dim=-2)[0] ; torch.sort(x, descending=True)[0] ; x.sort(stable=True, descending=True)[0] ;
    torch.sort(x, dim=0, stable=True)[0] ; x.msort() ; x.topk(2, dim=-2)[0] ; torch.topk(x, 3, sorted=False)[0] ;
    x.topk(2, largest=False).values ; torch.topk(x, 4, 1, False, False)[0] ; x.topk(3, 0)[0] ; x.cummax(dim=-2)[0] ;
    x.cummin(dim=-1)[0] ; torch.cummin(x, -2).values ; torch.cummax(x, dim=0)[0] ; torch.quantile(x, 0.4) ;
    torch.quantile(x, 0.4, dim=-2) ; x.quantile(0.4, 1, keepdim=True) ;
    torch.quantile(x, 0.4, 1, interpolation='lower') ; torch.quantile(x, 0.4, 1, interpolation='higher') ;
    torch.quantile(x, 0.4, 1, interpolation='midpoint') ; x.quantile(0.4, 1, interpolation='nearest') ;
    torch.quantile(x, x.new_tensor([0.3, 0.9]), 1) ; x.nanquantile(0.4) ;
    torch.nanquantile(x, 0.4, -2, interpolation='lower') ; x.nanquantile(0.4, 1, keepdim=True) ; torch.aminmax(x) ;
    torch.aminmax(x, dim=-2, keepdim=True)
B: x.max(1)[0] ; x.amin((0, -1)) ; x.sort(1)[0] ; x.topk(2, 1)[0] ; x.cummax(1)[0] ; x.median(1)[0]
L: F.max_pool1d(x, 2) ; F.max_pool1d(x, 3, 1, 1) ; F.max_pool1d(x, 2, dilation=2)
""",
    "shape": """
B: x.flatten(0, -2) ; x.flatten(start_dim=-2) ; x.transpose(-1, 0) ; x.movedim((0, 1), (-1, 0)) ;
    x.permute(-1, 0, 1) ; x.swapdims(0, -1) ; x.swapaxes(-1, -2) ; x.moveaxis(0, -1) ; x.mT ; x.unbind(-2) ;
    x.select(dim=-2, index=-1) ; x.narrow(dim=-2, start=1, length=2) ; x.unfold(-2, 2, 1) ; x[..., 0] ;
    x.diagonal(dim1=-1, dim2=-2) ; x.diagonal(-1, 1, 2) ; torch.diagonal(x, offset=1, dim1=0, dim2=-1) ;
    x.unsqueeze(-1) ; x[:, :1].squeeze(-2) ; x[:1].squeeze() ; x.unflatten(-1, (2, -1)) ; x[:, None, ..., 1:] ;
    x.split(2, dim=-1) ; x.split([1, 2], -2) ; x.chunk(2, dim=-1) ; x.tensor_split(3, -1) ; x.vsplit(2) ;
    x.dsplit(2) ; x.hsplit((1,)) ; x.tensor_split((1, 2), dim=-2) ; torch.unsafe_split(x, 2, -1) ;
    torch.unsafe_chunk(x, 2, -1) ; x.contiguous().view(6, 4) ; x.reshape(-1) ; x.contiguous().view(-1, 2, 2) ;
    x.clone().transpose_(0, 1) ; x.clone().unsqueeze_(0) ; x[:1].clone().squeeze_(0) ; x.clone().swapdims_(0, 1) ;
    x.ravel() ; x.view(x.size()) ; torch.cat((x, x), -1) ; torch.cat([x, x * 2], dim=-2) ;
    torch.stack((x, x), dim=-2) ; torch.dstack((x, x)) ; torch.concatenate((x, x), -1) ; torch.hstack((x, x * 2)) ;
    x.repeat(1, 2, 1) ; x.repeat_interleave(2, dim=-2) ; x.repeat_interleave(2) ; torch.tile(x, (2, 1)) ; x.flip(-1) ;
    x.flip(dims=(0, -2)) ; x.roll(shifts=1, dims=-2) ; x.roll((1, 2), (0, -1)) ; x.rot90(2, (0, 2)) ;
    torch.rot90(x, -1, [1, 2]) ; x.roll(-3) ; x.flipud() ; x.fliplr() ; torch.atleast_3d(x[0]) ; torch.tril(x, -1) ;
    x.tril(diagonal=1) ; x.triu(-1) ; x.clone().triu_(1) ; x.clone().tril_(-1) ; x.mT.tril()
R: torch.diag_embed(x, 1) ; torch.diag_embed(x, offset=-1, dim1=0, dim2=2) ; torch.diagflat(x, 1) ; x.diag(1) ;
    torch.diag(x, -1) ; x.t() ; x.T ; x.reshape(2, 6) ; x.contiguous().view(2, -1) ; x.expand(2, -1, -1) ;
    F.pad(x, (1, 1, 2, 0)) ; F.pad(x, (1, -1), value=2.0) ; F.pad(x, (0, 0, 1, 1), 'constant', 1.0) ;
    torch.as_strided(x.contiguous(), (3, 2), (2, 1), 3) ; x.contiguous().as_strided((2, 2, 2), (1, 1, 2)) ;
    x.expand_as(x.new_empty(2, 3, 4)) ; torch.broadcast_tensors(x, x.new_empty(2, 1, 1))[0] ; x.squeeze(0)
V: torch.diag(x, -1) ; torch.combinations(x) ; torch.combinations(x, 3) ;
    torch.combinations(x, with_replacement=True) ; torch.diag(x, diagonal=1)
VW: torch.meshgrid(x, y, indexing='xy') ; torch.cartesian_prod(x, y) ; torch.column_stack((x, y))
I: F.pad(x, (1, 2, 0, 1), mode='reflect') ; F.pad(x, (1, 2, 0, 1), mode='replicate') ;
    F.pad(x, (1, 2, 0, 1), mode='circular') ; F.pixel_unshuffle(x, 2) ; F.unfold(x, 2, stride=2) ;
    F.unfold(x, (2, 1), padding=1) ; F.unfold(x, 2, dilation=2) ; F.fold(F.unfold(x, 2), 4, 2) ;
    F.channel_shuffle(x, 2) + 0 ; F.pixel_shuffle(x.repeat(1, 2, 1, 1), 2)
RV: torch.broadcast_tensors(x, y) ; torch.block_diag(x, y) ; torch.vstack((x, y)) ; torch.cat((x, y[None]))
""",
    "index": """
R: x[-1] ; x[..., -2] ; x[1:, ::3] ; x[[-1, 0]] ; x[:, [0, 0]] ; x[index(2, 2, 0)] ; x[:, COLUMNS] ;
    torch.gather(x, -2, index(0, 2, 1, 1)[None]) ; x.gather(dim=-1, index=PAIRS) ;
    torch.take_along_dim(x.contiguous(), index(3, 0, 3)) ; torch.take_along_dim(x, PAIRS, dim=-1) ;
    x.take(index(3, -1, 3)) ; x.index_select(-1, index(1, 1, 3)) ; x.masked_select(COLUMNS) ;
    torch.masked_select(x, mask(True, False, True)[:, None]) ; x.masked_fill(COLUMNS, 2.0) ;
    x.clone().index_fill_(-1, index(1), 2.0) ; x.clone().masked_fill_(COLUMNS, 2.0) ; F.embedding(index(1, 1, 2), x) ;
    F.embedding_bag(index(1, 1, 2, 0), x, index(0, 2), mode='sum') ;
    F.embedding_bag(index(1, 1, 2, 0), x, index(0, 2)) ;
    F.embedding_bag(index(1, 1, 2, 0), x, index(0, 3), mode='max') ; x.unfold(1, 2, 1) ; x[None, ..., None] ;
    x[:, :0].sum() + x ; x[0:0].sum() + x ; x[torch.tensor(2)]
RO: x.masked_fill(COLUMNS, y) ; x.clone().masked_fill_(COLUMNS, y) ; x.index_fill(-1, index(0, 3), y) ;
    x.clone().index_fill_(0, index(1), y) ; x.index_fill(dim=1, index=index(0), value=y) ;
    x.index_put((index(1, 0),), y) ; [c := x.clone(), c.__setitem__(0, y)][0] ; x.clone().fill_(y) + x
RS: x.masked_scatter(COLUMNS, y) ; x.clone().masked_scatter_(COLUMNS, y) ; x.scatter(-1, APART, y[:, 1:3]) ;
    x.scatter(dim=0, index=index(2, 0, 1, 1)[None], src=y[1:2]) ; x.scatter_add(-1, PAIRS, y[:, 1:3]) ;
    x.clone().scatter_add_(1, PAIRS, y[:, 1:3]) ; x.index_add(-1, index(1, 1, 0, 3), y, alpha=-2) ;
    x.clone().index_add_(0, index(1, 1, 0), y, alpha=2) ; x.index_copy(-1, index(1, 3, 0, 2), y) ;
    x.clone().index_copy_(dim=0, index=index(1, 2, 0), source=y) ; x.index_put((index(1, 0), index(2, 2)), y[0, :2]) ;
    x.index_put((index(0, 0, 2),), y, accumulate=True) ; x.clone().index_put_((index(0, 0, 2),), y, accumulate=True) ;
    x.clone().index_put_((index(0, 2),), y[:2]) ; x.put(index(5, -1), y[0, :2]) ;
    x.clone().put_(index(5, 5), y[0, :2], accumulate=True) ; torch.slice_scatter(x, y[:, :2], 1, 0, 4, 2) ;
    x.slice_scatter(y[:2], dim=-2, start=1) ; x.slice_scatter(y[:, :2], dim=-1, start=-2) ;
    x.select_scatter(y[0], dim=-2, index=-1) ; torch.diagonal_scatter(x, y[0, :3], offset=1) ;
    x.diagonal_scatter(y[0, :2], -1, 0, 1) ;
    [c := x.clone(), c.__setitem__((slice(None), slice(1, None, 2)), y[:, :2])][0]
RP: x.scatter_reduce(-1, PAIRS, y[:, 1:3], 'sum', include_self=False)
PQ: x.scatter_reduce(1, PAIRS, y[:, 1:3], 'mean') ; x.clone().scatter_reduce_(1, PAIRS, y[:, 1:3], 'mean') ;
    x.scatter_reduce(1, PAIRS, y[:, 1:3], 'prod') ;
    x.scatter_reduce(1, PAIRS, y[:, 1:3], 'prod', include_self=False) ;
    x.scatter_reduce(1, PAIRS, y[:, 1:3], 'amin') ; x.clone().scatter_reduce_(1, PAIRS, y[:, 1:3], 'amax') ;
    x.scatter_reduce(1, PAIRS, y[:, 1:3], 'amax', include_self=False) ; x.index_reduce(0, index(2, 0, 2), y, 'prod') ;
    x.index_reduce(0, index(2, 0, 2), y, 'mean') ; x.clone().index_reduce_(0, index(2, 0, 2), y, 'amax') ;
    x.index_reduce(0, index(2, 0, 2), y, 'amin') ; x.index_reduce(0, index(2, 0, 2), y, 'mean', include_self=False)
RV: [c := x.clone(), c.__setitem__(slice(None, 2), y)][0] ; [c := x.clone(), c.__setitem__(..., y)][0] ;
    [c := x.clone(), c.__setitem__(mask(True, False, True), y)][0] ; [c := x.clone(), c[index(2, 0)].add_(y)][0]
""",
    "product": """
RT: x @ y ; x.mm(y) ; x.matmul(y) ; y.__rmatmul__(x) ; torch.einsum('ij,jk->ki', x, y) ; torch.einsum('ij,jk', x, y) ;
    torch.einsum('...j,jk->...k', x, y) ; torch.einsum('ij,ji->', x, y) ; torch.einsum('ij,ji->i', x, y) ;
    torch.tensordot(x, y, 1) ; torch.tensordot(x, y, ([1, 0], [0, 1])) ; torch.linalg.multi_dot((x, y, x)) ;
    torch.chain_matmul(x, y) ; torch.kron(x, y) ; torch.mm(input=x, mat2=y)
RV: x @ y ; x.mv(y) ; torch.matmul(x, y) ; x.matmul(y[:, None]) ; torch.einsum('ij,j->i', x, y)
VR: x @ y.t() ; torch.matmul(x, y.mT) ; torch.einsum('j,ij', x, y)
VW: x @ y ; x.dot(y) ; torch.inner(x, y) ; torch.outer(x, y) ; x.ger(y) ; torch.vdot(x, y) ; x.inner(y) ;
    torch.einsum('i,j->ij', x, y) ; torch.einsum('i,i', x, y) ; torch.einsum(x, [0], y, [1], [1, 0])
BA: x @ y ; torch.bmm(x, y) ; torch.einsum('bij,bjk->bik', x, y) ; torch.einsum('bij,bjk->ik', x, y)
BT: x @ y ; torch.matmul(y.t(), x.mT) ; torch.einsum('bij,jk->bik', x, y)
BV: x @ y ; torch.matmul(y, x.mT) ; x * y
MRT: torch.addmm(x, y, z, beta=0.5, alpha=-2) ; torch.addmm(x, y, z, alpha=3) ; x.clone().addmm_(y, z, beta=2) ;
    torch.addmm(x, y, z, beta=0) ; torch.addmm(x[0], y, z) ; torch.addmm(x[:, :1], y, z, beta=3) ;
    x.addmm(y, z, alpha=0) ; x.clone().addmm_(y, z, alpha=0.5) ; x.addmm(y, z)
ZRV: torch.addmv(x, y, z, beta=0.5, alpha=-2) ; torch.addmv(x, y, z, alpha=0) ; x.clone().addmv_(y, z, beta=2)
RZV: torch.addr(x, y, z, beta=0.5, alpha=-2) ; x.clone().addr_(y, z, alpha=3) ; torch.addr(x, y, z, beta=0)
MBA: torch.baddbmm(x, y, z, beta=0.5, alpha=-2) ; torch.addbmm(x, y, z, beta=0.5, alpha=-2) ;
    torch.baddbmm(x, y, z, beta=0) ; x.clone().addbmm_(y, z, alpha=3) ; x.repeat(2, 1, 1).baddbmm_(y, z, alpha=3)
RS: F.linear(x, y) ; torch.linalg.vecdot(x, y) ; torch.linalg.vecdot(x, y, dim=-2) ; torch.kron(x, y)
RSZ: F.linear(x, y, z) ; F.linear(input=x, weight=y, bias=z) ; F.linear(x[0], y, z)
TA: torch.cross(x, y[0], dim=-1) ; torch.linalg.cross(x, y[0]) ; torch.linalg.cross(x[None], y) ;
    torch.cross(x.t(), y[0].t(), 0)
RST: F.bilinear(x, y, z.t()[:, :, None].expand(3, 4, 4)) ; torch.einsum('ij,ij,ji->j', x, y, z)
M: torch.matrix_power(x, 3) ; x.matrix_power(-1) ; torch.linalg.matrix_power(x, -2) ; x.matrix_power(0) * x ;
    torch.einsum('ii->i', x) ; torch.einsum('ii', x) ; x @ x ; x @ x.t() ; torch.linalg.matrix_power(x, 2)
""",
    "solution": """
M: x.inverse() ; torch.linalg.inv(x) ; torch.linalg.inv_ex(x)[0] ; torch.linalg.pinv(x) ; x.pinverse() ; x.det() ;
    torch.linalg.det(x) ; torch.slogdet(x)[1] ; torch.linalg.slogdet(x).logabsdet ; (x @ x.t()).logdet() ;
    torch.matrix_exp(x / 2) ; torch.linalg.matrix_exp(x / 2) ; torch.linalg.lu(x)[1:] ; torch.linalg.lu_factor(x)[0] ;
    torch.linalg.qr(x) ; torch.linalg.qr(x, 'complete') ; torch.qr(x) ; torch.linalg.svdvals(x) ;
    torch.linalg.svd(x, full_matrices=False)[1] ; torch.linalg.tensorinv(x, ind=1)
R: torch.linalg.pinv(x) ; torch.linalg.qr(x.t()) ; torch.linalg.svdvals(x) ; torch.linalg.svd(x)[1] ;
    torch.pinverse(x.t())
H: torch.linalg.cholesky((x + x.mT) / 2) ; torch.linalg.cholesky((x + x.mT) / 2, upper=True) ;
    torch.cholesky((x + x.mT) / 2) ; torch.linalg.cholesky_ex((x + x.mT) / 2)[0] ; torch.linalg.eigvalsh(x + x.mT) ;
    torch.linalg.eigvalsh(x + x.mT, UPLO='U') ; torch.linalg.eigh(x + x.mT)[0] ;
    torch.linalg.pinv(x + x.mT, hermitian=True) ; torch.linalg.eigh(x + x.mT, UPLO='U')[0] ;
    torch.linalg.cholesky(x + x.mT)
MN: torch.linalg.solve(x, y) ; torch.linalg.solve(x, y, left=False) ; torch.linalg.solve(x, y[:, 0]) ;
    torch.linalg.solve_ex(x, y)[0] ; torch.linalg.tensorsolve(x, y[0]) ; torch.linalg.lstsq(x, y)[0] ;
    torch.linalg.solve_triangular(x, y, upper=True) ; torch.linalg.solve_triangular(x, y, upper=False) ;
    torch.linalg.solve_triangular(x, y, upper=True, left=False) ;
    torch.linalg.solve_triangular(x, y, upper=False, unitriangular=True) ; torch.triangular_solve(y, x)[0] ;
    torch.triangular_solve(y, x, upper=False)[0] ; torch.triangular_solve(y, x, transpose=True)[0] ;
    torch.triangular_solve(y, x, unitriangular=True)[0]
MH: torch.cholesky_solve(x, torch.linalg.cholesky(y + y.mT)) ;
    torch.cholesky_solve(x, torch.linalg.cholesky(y + y.mT).mT, upper=True)
""",
    "layer": """
I: F.max_pool2d(x, 2) ; F.max_pool2d(x, 3, 1, 1) ; F.max_pool2d(x, 2, 1, dilation=2) ;
    F.max_pool2d(x, 3, 2, ceil_mode=True) ; F.avg_pool2d(x, 3, 1, 1) ; F.avg_pool2d(x, 3, 2, 1, True, False) ;
    F.avg_pool2d(x, 2, divisor_override=3) ; F.adaptive_avg_pool2d(x, 3) ; F.adaptive_avg_pool2d(x, (None, 1)) ;
    F.adaptive_max_pool2d(x, 3) ; F.lp_pool2d(x.abs(), 2, 2) ; F.interpolate(x, scale_factor=2) ;
    F.interpolate(x, 3) ; F.interpolate(x, 7, mode='bilinear') ; F.interpolate(x, 3, mode='area') ;
    F.interpolate(x, 7, mode='bilinear', align_corners=True) ; F.interpolate(x, 6, mode='bicubic') ;
    F.interpolate(x, 3, mode='bilinear', antialias=True) ; F.interpolate(x, 6, mode='bicubic', align_corners=True) ;
    F.interpolate(x, 6, mode='nearest-exact') ; F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2) ;
    F.layer_norm(x, (4, 4)) ; F.layer_norm(x, (4,), eps=0.5) ; F.group_norm(x, 2) ; F.group_norm(x, 1, eps=0.5)
L: F.avg_pool1d(x, 3, 2, 1) ; F.adaptive_max_pool1d(x, 4) ; F.adaptive_avg_pool1d(x, 4) ; F.lp_pool1d(x.abs(), 3, 2) ;
    F.avg_pool1d(x, 3, 1, 1, count_include_pad=False) ; F.interpolate(x, 9, mode='linear', align_corners=True)
IK: F.conv2d(x, y) ; F.conv2d(x, y, padding=1, stride=2) ; F.conv2d(x, y, padding='same') ;
    F.conv2d(x, y, padding=2, dilation=2) ; F.conv2d(x, y[:, :1], groups=2) ; F.conv2d(x, y, padding='valid') ;
    F.conv_transpose2d(x, y) ; F.conv2d(x[0], y) ; F.conv_transpose2d(x, y, stride=2, padding=1, output_padding=1) ;
    F.conv_transpose2d(x, y[:, :1], groups=2, dilation=2)
LK: F.conv1d(x, y[..., 0]) ; F.conv1d(x, y[..., 0], stride=2, padding=1) ; F.conv_transpose1d(x, y[0], stride=2) ;
    F.conv1d(x, y[..., 0], dilation=2)
AZ: F.layer_norm(x, (3,), y) ; F.layer_norm(x, (3,), y, y * 2, 0.5)
AV: F.batch_norm(x, None, None, y, None, True) ; F.batch_norm(x, None, None, y, y, True, eps=0.5) ;
    F.instance_norm(x, weight=y, bias=y) ; F.prelu(x, y) ; F.group_norm(x, 2, y, y)
AV|W: F.batch_norm(x, z, z * z, y) ; F.batch_norm(x, z, z * z, y, y, eps=0.5) ; F.instance_norm(x)
RSP: F.scaled_dot_product_attention(x[None], y[None], z[None])
""",
    "loss": """
RS: F.mse_loss(x, y) ; F.mse_loss(x, y, reduction='sum') ; F.mse_loss(x, y, reduction='none') ; F.l1_loss(x, y) ;
    F.l1_loss(x, y, reduction='none') ; F.smooth_l1_loss(x, y, beta=0.53) ; F.smooth_l1_loss(x, y, reduction='none') ;
    F.smooth_l1_loss(x, y, reduction='sum', beta=2.03) ; F.huber_loss(x, y, delta=0.53) ;
    F.huber_loss(x, y, reduction='none') ; F.cosine_embedding_loss(x, y, index(1, -1, 1), 0.1) ;
    F.cosine_embedding_loss(x, y, index(1, -1, 1), reduction='none')
R|U: F.binary_cross_entropy_with_logits(x, y) ; F.binary_cross_entropy_with_logits(x, y, pos_weight=y[0] + 1) ;
    F.binary_cross_entropy_with_logits(x, y, weight=y, reduction='none') ;
    F.multilabel_soft_margin_loss(x, y.round(), y[0]) ; F.multilabel_soft_margin_loss(x, y.round(), reduction='sum')
U|U: F.binary_cross_entropy(x, y) ; F.binary_cross_entropy(x, y, weight=y, reduction='sum') ;
    F.binary_cross_entropy(x, y, reduction='none')
RU: F.kl_div(x, y) ; F.kl_div(x, y, reduction='batchmean') ; F.kl_div(x, y, reduction='none') ;
    F.kl_div(x, y.log(), log_target=True, reduction='sum') ; F.cross_entropy(x, y) ;
    F.cross_entropy(x, y, label_smoothing=0.2, reduction='sum')
R|S: F.soft_margin_loss(x, y.sign(), reduction='sum') ; F.hinge_embedding_loss(x, y.sign(), 0.53) ;
    F.hinge_embedding_loss(x, y.sign(), reduction='none') ; F.soft_margin_loss(x, y.sign())
R|P: F.poisson_nll_loss(x, y) ; F.poisson_nll_loss(x, y, full=True, reduction='none')
P|P: F.poisson_nll_loss(x, y, log_input=False) ; F.poisson_nll_loss(x, y, log_input=False, eps=0.5, reduction='sum')
RSP: F.gaussian_nll_loss(x, y, z) ; F.gaussian_nll_loss(x, y, z, full=True, reduction='sum') ;
    F.gaussian_nll_loss(x, y, z, reduction='none')
RS|S: F.margin_ranking_loss(x, y, z.sign(), 0.3) ; F.margin_ranking_loss(x, y, z.sign(), reduction='none')
RST: F.triplet_margin_loss(x, y, z.t()) ; F.triplet_margin_loss(x, y, z.t(), 2.0, 3.0, swap=True, reduction='none') ;
    F.triplet_margin_with_distance_loss(x, y, z.t(), margin=2.0)
R: F.cross_entropy(x, index(1, 0, 3)) ; F.cross_entropy(x, index(1, 0, 3), label_smoothing=0.2) ;
    F.nll_loss(x, index(1, 0, 3)) ; F.cross_entropy(x, index(1, 0, 3), ignore_index=0) ;
    F.cross_entropy(x, index(1, 0, 3), reduction='none') ;
    F.nll_loss(x, index(1, 0, 3), ignore_index=3, reduction='none') ;
    F.multi_margin_loss(x, index(1, 0, 3), 2, 1.53) ; F.multilabel_margin_loss(x, index(*[[1, 0, -1, 0]] * 3)) ;
    F.cross_entropy(x, index(1, 0, 3), reduction='sum')
R|V: F.cross_entropy(x, index(1, 0, 3), weight=y.abs()) ; F.nll_loss(x, index(1, 0, 3), y.abs(), reduction='sum') ;
    F.cross_entropy(x, index(1, 0, 3), y.abs(), label_smoothing=0.2) ;
    F.multi_margin_loss(x, index(1, 0, 3), weight=y.abs())
B: F.cross_entropy(x, index([0, 2, 1, 1], [2, 0, 0, 1])) ;
    F.nll_loss(x, index([0, 2, 1, 1], [2, 0, 0, 1]), reduction='none')
A: F.ctc_loss(x.log_softmax(-1).transpose(0, 1), index([1], [2]), (4, 4), (1, 1)) ;
    F.ctc_loss(x.log_softmax(-1).transpose(0, 1), index([1, 2], [2, 1]), (4, 3), (2, 1), reduction='none')
""",
    "complex": """
C: x.exp() ; x.cos() ; x.sin() ; x.tan() ; x.sinh() ; x.cosh() ; x.tanh() ; x.log1p() ; x.expm1() ; x.sqrt() ;
    x.rsqrt() ; x.log() ; x.log2() ; x.log10() ; x.reciprocal() ; x.sigmoid() ; x.square() ; x.asin() ; x.acos() ;
    x.atan() ; x.asinh() ; x.acosh() ; x.atanh() ; x.sgn() ; x.angle() ; x.abs() ; x ** 2 ; x ** 3 ; x ** -1 ;
    x ** 0.5 ; x ** (1 + 2j) ; 2 ** x ; (1 + 1j) ** x ; torch.float_power(x, 2) ; -x ; x * 2j ; x / (1 - 2j) ;
    (2 + 1j) / x ; 1j - x ; x + 2 ; x.neg() ; x.positive() ; x * 1j + x.real ; x.clone().mul_(2j) ;
    x.clone().conj_physical_() ; x.conj_physical() ; x.clone().exp_() ; x.clone().sqrt_() ; x.clone().sin_() ;
    x.clone().cos_() ; x.clone().reciprocal_() ; x.clone().square_() ; x.clone().sgn_() ; x.clone().log_() ;
    x.clone().tanh_() ; x.clone().pow_(2) ; x.clone().neg_() ; x.clone().sigmoid_() ; x.conj() * x ; x.conj().imag ;
    x.mH ; x.H ; x.t().conj().exp() ; x.real * x.imag ; torch.view_as_real(x.conj().resolve_conj()) ; x.sum() ;
    x.sum(-1) ; x.mean() ; x.mean(-2) ; x.sum((0, 1)) ; x.prod() ; x.prod(-1) ; x.cumsum(-1) ; x.cumprod(-1) ;
    x.clone().cumsum_(0) ; x.clone().cumprod_(0) ; x.var() ; x.std() ; x.var(1) ; x.std(-2) ; x.norm() ;
    x.norm(1, 1) ; x.norm(3) ; x.norm(dim=-1) ; torch.linalg.vector_norm(x, 1.5, -1) ; torch.linalg.matrix_norm(x) ;
    torch.linalg.matrix_norm(x, 1) ; torch.linalg.vector_norm(x, inf) ; F.normalize(x.abs()) ; x.diff() ;
    torch.trapezoid(x) ; x[1] ; x[:, 1:] ; x[[0, 0, 2]] ; x.t() ; x.reshape(-1) ; x.diagonal() ; x.tril() ;
    x.triu(1) ; x.flip(0) ; x.roll(1, 0) ; x.repeat(2, 1) ; x.expand(2, 3, 4) ; x.unfold(1, 2, 1) ; x.rot90() ;
    torch.cat((x, x * 1j)) ; x.clone() ; torch.stack((x, x.conj())) ; x.unbind(-1) ; x.split(2, -1) ;
    x.masked_fill(x.detach().real > 0, 1j) ; x.trace() ; x.index_select(-1, index(1, 1, 3)) ; x.gather(-1, PAIRS) ;
    x.take(index(3, -1, 3)) ; torch.where(x.real > 0, x, 2j * x) ; torch.where(x.detach().real > 0, x, 1j) ;
    F.pad(x, (1, 1), value=1.0) ; torch.diag_embed(x) ; x.to(torch.complex128) ;
    torch.view_as_complex(torch.view_as_real(x).contiguous()) ; x.real.exp() ; x.imag.exp() ; x.isreal() + x.abs() ;
    torch.fft.fft(x) ; torch.fft.ifft(x, dim=0) ; torch.fft.fft2(x) ; torch.fft.fft(x, 3) ;
    torch.fft.fft(x, 6, norm='ortho') ; torch.fft.ifft(x, norm='forward') ; torch.fft.irfft(x) ;
    torch.fft.irfft(x, 5) ; torch.fft.hfft(x) ; torch.fft.ifft2(x) ; torch.fft.fftshift(x) ;
    torch.fft.ifftshift(x, 0) ; torch.fft.fftn(x, dim=(1,)) ; torch.fft.irfft2(x) ;
    torch.fft.irfftn(x, norm='ortho') ; torch.abs(x.clone()) ; x.absolute() ; torch.linalg.cross(x[:, :3], x[:, 1:]) ;
    torch.cross(x[:, :3], x[:, 1:], dim=1) ; x.var((0, 1), keepdim=True) ; x.prod(0, keepdim=True)
R: torch.fft.rfft(x) ; torch.fft.rfft(x, 5, 0) ; torch.fft.fft(x) ; torch.fft.ihfft(x) ; torch.fft.rfft2(x) ;
    torch.fft.rfftn(x, norm='ortho') ; torch.stft(x.reshape(-1), 4, 2, return_complex=True) ;
    torch.complex(x, x * 2) ; torch.view_as_complex(x.contiguous().reshape(3, 2, 2)) ; x * 1j ; 1j ** x.abs() ;
    x + 2j ; x / 1j ; torch.exp(1j * x) ; torch.polar(x.abs(), x) ; torch.sqrt(x + 0j) ; x.conj() ; x.real
RC: x * y ; x + y ; y / x ; y - x ; x.to(y.dtype) * y ; y ** x
CD: x * y ; x / y ; x - y ; x + y ; x ** y ; x.clone().mul_(y) ; x.clone().div_(y) ; x.clone().add_(y, alpha=1j) ;
    torch.add(x, y, alpha=2j) ; torch.sub(x, y, alpha=1 + 1j) ; torch.lerp(x, y, 0.3) ;
    torch.addcmul(x, x, y, value=1j) ; x.clone().copy_(y) * x ; torch.addcdiv(x, x, y, value=1j) ; torch.dist(x, y) ;
    x.clone().sub_(y) ; torch.rsub(x, y) ; F.mse_loss(x.abs(), y.abs()) ; F.l1_loss(x, y) ;
    torch.linalg.vecdot(x, y) ; torch.kron(x, y) ; torch.inner(x, y) ; F.linear(x, y) ; torch.cat((x, y), -1) ;
    x.clone().pow_(y)
CDC: torch.lerp(x, y, z) ; torch.addcmul(x, y, z) ; torch.where(x.real > 0, y, z)
CJ: x * y ; x @ y ; x.mv(y) ; y @ x.mH ; x + y ; x / y ; torch.matmul(x, y)
JX: x @ y ; torch.dot(x, y) ; torch.vdot(x, y) ; torch.outer(x, y) ; torch.inner(x, y) ; torch.einsum('i,i', x, y) ;
    torch.linalg.vecdot(x, y)
CE: x @ y ; torch.mm(x, y) ; torch.matmul(x, y) ; torch.einsum('ij,jk', x, y) ; torch.tensordot(x, y, 1) ;
    x.conj() @ y ; torch.linalg.multi_dot((x, y, x))
FE: x @ y ; torch.einsum('bij,jk->bik', x, y) ; torch.matmul(x, y)
FF: torch.bmm(x, y.mH) ; x @ y.mT ; torch.einsum('bij,bkj->bik', x, y) ; x.sum(0) * y.mean(1, keepdim=True)
GCE: torch.addmm(x, y, z, beta=1j, alpha=2) ; torch.addmm(x, y, z) ; x.clone().addmm_(y, z, alpha=1j)
GFF: torch.baddbmm(x, y, z.mH, beta=1j) ; torch.addbmm(x, y, z.mT, alpha=1j)
JEZ: torch.addmv(x, y, z.to(y.dtype), alpha=1j) ; torch.addr(y.t(), z.to(y.dtype), x, beta=1j)
G: x.inverse() ; x.det() ; torch.linalg.slogdet(x)[1] ; torch.linalg.pinv(x) ; torch.matrix_exp(x / 3) ;
    x.matrix_power(3) ; x.matrix_power(-1) ; torch.linalg.svdvals(x) ; torch.linalg.eigvalsh(x + x.mH) ;
    torch.linalg.cholesky(x @ x.mH) ; torch.linalg.matrix_norm(x, 'nuc') ; torch.slogdet(x)[0] ;
    torch.linalg.eigvals(x).sum() ; torch.linalg.lu_factor(x)[0] ; x @ x.conj() ; torch.linalg.matrix_norm(x, 2)
GY: torch.linalg.solve(x, y) ; torch.linalg.solve(x, y, left=False) ;
    torch.linalg.solve_triangular(x, y, upper=True) ; x @ y ; torch.linalg.lstsq(x, y)[0]
""",
    # Each of these has a claim of its own, so that what is wrong with it hides nothing else.
    "ldexp": """
R: torch.ldexp(x, index(1, -2, 0, -1))
""",
    "as-strided-scatter": """
RS: torch.as_strided_scatter(x.contiguous(), y[:2, :2], (2, 2), (4, 1), 1)
""",
}

# What forward mode has wrong: a real exponent's tangent over a complex base, the ignored triangle's, and none at all.
TANGENT_WRONG = {
    "1j ** x.abs()",
    "y ** x",
    "torch.triangular_solve(y, x)[0]",
    "torch.triangular_solve(y, x, upper=False)[0]",
    "torch.triangular_solve(y, x, transpose=True)[0]",
    "torch.triangular_solve(y, x, unitriangular=True)[0]",
    "x.scatter_reduce(1, PAIRS, y[:, 1:3], 'prod')",
    "x.scatter_reduce(1, PAIRS, y[:, 1:3], 'prod', include_self=False)",
    "x.clone().masked_scatter_(COLUMNS, y)",  # up to 2.5
}

# What came later than 1.13, or is gone.
SINCE = {
    "torch.aminmax(x)": "2.13",
    "torch.aminmax(x, dim=-2, keepdim=True)": "2.13",
    "F.channel_shuffle(x, 2) + 0": "2.6",
    "x.masked_select(COLUMNS)": "2.1",
    "torch.masked_select(x, mask(True, False, True)[:, None])": "2.1",
    "x.expm1()": "2.6",
    "x.log1p()": "2.0",
    "x.where(x > 0, 2.0)": "2.0",
    "torch.std(x, correction=2)": "2.0",
    "x.slice_scatter(y[:2], dim=-2, start=1)": "2.0",
    "x.slice_scatter(y[:, :2], dim=-1, start=-2)": "2.0",
    "torch.baddbmm(x, y, z, beta=0)": "2.3",
    "F.scaled_dot_product_attention(x[None], y[None], z[None])": "2.0",
}
SINCE |= more.SINCE
UNTIL = {"torch.qr(x)": "2.14", "torch.cholesky((x + x.mT) / 2)": "2.14"}


def rows(text: str) -> list[Row]:
    """The calls of one group."""
    found: list[Row] = []
    for block in text.strip().replace("\n    ", " ").splitlines():
        inputs, _, forms = block.partition(": ")
        for form in forms.split(" ; "):
            found.append(Row(form, inputs, SINCE.get(form), UNTIL.get(form)))
    return found


GROUPS = {
    name: [row for forms in (FORMS, more.FORMS) if name in forms for row in rows(forms[name])]
    for name in {**FORMS, **more.FORMS}
}

"""More calls of differentiable functions: volumes, broadcasting on both sides, mixed dtypes, x with itself, long ones.

Written as in autograd_option_rows, with samples of their own beside those there.
"""

from __future__ import annotations

import numpy as np

from conformance.oracle.autograd import apart, spread

# a, b: a volume and its filters; c, d, e: what attends to what; f: places in a picture; g: an affine map; i, k, t:
# odd shapes; l to s: long ones, with values far enough apart to keep their order.
SAMPLES: dict[str, np.ndarray] = {
    "a": apart(2.0, 1, 2, 2, 3, 4),
    "b": apart(1.0, 2, 2, 2, 2, 2, seed=2),
    "c": apart(1.5, 2, 3, 4),
    "d": apart(1.5, 2, 5, 4, seed=1),
    "e": apart(1.5, 2, 5, 4, seed=2),
    "f": 0.9 * apart(1.0, 1, 3, 2, 2, seed=6) + 0.0625,
    "g": apart(1.0, 1, 2, 3, seed=7),
    "i": apart(2.0, 2, 5, 3),
    "k": spread(0.5, 2.0, 4, seed=9),
    "l": apart(40.0, 30, 40),
    "m": apart(1.5, 40, 30, seed=1),
    "n": apart(40.0, 1300),
    "o": apart(1.5, 20, 3, 4, seed=1),
    "p": apart(1.5, 20, 4, 2, seed=2),
    "q": apart(40.0, 2, 3, 12, 20),
    "r": apart(1.0, 4, 3, 3, 3, seed=3),
    "s": spread(0.5, 1.5, 1300, seed=4),
    "t": apart(1.5, 2, 3, 2, 2),
}

FORMS = {
    "elementwise": """
R: torch.nan_to_num(x, nan=1.0) ; torch.frexp(x)[0] ; x.exp() * x.exp()
P|Q: torch.igamma(y, x) ; torch.special.gammainc(y, x) ; torch.special.gammaincc(y, x) ; torch.special.zeta(y + 1.5, x)
""",
    "binary": """
P: x / x + x ; x ** x ; torch.hypot(x, x) ; torch.xlogy(x, x) ; torch.lerp(x, x * x, x) ; torch.addcdiv(x, x, x + 1)
R: x * x ; x - x * x ; torch.addcmul(x, x, x) ; torch.where(x > 0, x, x * x) ; x.clone().mul_(x)
VZ: x + y[:, None] ; x - y[:, None] ; x * y[:, None] ; x / (y[:, None] + 9) ; torch.maximum(x, y[:, None]) ;
    torch.minimum(x, y[:, None]) ; torch.fmax(x, y[:, None]) ; torch.atan2(x, y[:, None]) ; x.hypot(y[:, None]) ;
    torch.logaddexp(x, y[:, None]) ; torch.logaddexp2(x, y[:, None]) ; x.copysign(y[:, None]) ;
    x.abs() ** y[:, None] ; torch.xlogy(x, y[:, None].abs()) ; torch.where(x > 0, x, y[:, None]) ;
    torch.addcmul(x, y[:, None], x) ; torch.addcdiv(x, y[:, None], x + 9) ; torch.lerp(x, y[:, None], x) ;
    torch.lerp(x, y[:, None], 0.3) ; torch.clamp(x, y[:, None] - 3, y[:, None] + 3) ; torch.rsub(x, y[:, None]) ;
    torch.broadcast_tensors(x, y[:, None]) ; F.mse_loss(*torch.broadcast_tensors(x, y[:, None]), reduction='none')
RW: x + y.double() ; x * y.double() ; y.double() * x ; x / y.double() ; x.double() / y ; x.double() - y ;
    torch.maximum(x.double(), y) ; torch.where(x > 0, x, y.double()) ; torch.cat((x, y.double()[None])) ;
    torch.cat((x.double(), y[None])) ; torch.atan2(x, y.double()) ; x.abs() ** y.double() ; x.double() * y[0] ;
    torch.addcmul(x, y, y) ; torch.hypot(x.double(), y)
""",
    "reduction": """
R: torch.sum(x, dtype=torch.float64) ; x.sum(1, dtype=torch.float64) ; x.mean(1, dtype=torch.float64) ;
    torch.nansum(x, 0, dtype=torch.float64) ; x.prod(1, dtype=torch.float64) ; F.softmin(x, 1, dtype=torch.float64) ;
    torch.linalg.vector_norm(x, dtype=torch.float64) ; torch.norm(x, 2, -1, dtype=torch.float64) ;
    torch.linalg.norm(x, dtype=torch.float64)
O: x.std(unbiased=False) + x ; x.logcumsumexp(0) ; x.cummax(0)[0] ; x.sum(-1, keepdim=True)
""",
    "shape": """
B: x[:1, :, :1].squeeze(dim=2) ; x.split_with_sizes((1, 3), -1) ; x.select(1, -1) ; x.select(-1, -2) ;
    x.narrow(-1, -3, 2) ; x.contiguous().as_strided((2, 3), (0, 4)) ; x.contiguous().as_strided((3, 2), (1, 0), 2) ;
    x.contiguous()[:1].expand(3, -1, -1) * 1 ; torch.cat((x, x[:, :1], x), 1)
R: torch.stack((x, x), -1) ; torch.cat((x, x, x)) ; torch.cat((x, x[:0])) ; torch.cat((x.t(), x.t()), 1)
a: F.pad(x, (1, 1, 1, 1, 1, 1), mode='reflect') ; F.pad(x, (1, 2, 0, 1, 1, 0), mode='replicate') ;
    F.pad(x, (1, 2, 0, 1, 1, 0), mode='circular') ; F.pad(x, (1, -1, 0, 1, 1, 0), value=2.0)
""",
    "index": """
R: x[index(-1, 0, -1)] ; x[index(0, 2, 2), index(1, -1, 1)] ; x[index([0], [2]), index(1, 1, 3)] ;
    x[mask(True, False, True), 1:] ; x[mask(True, False, True), index(0, 3)] ; x[index(2, 2), ..., None] ;
    x[(x > 0).detach()] ; x.index_select(0, index(2)) ; x[:, index([0, 1], [1, 1])] ; x[1, index(0, 0)] ;
    x.t()[index(3, 3, 0)] ; x.take(index([3, 3], [0, 3])) ; F.embedding(index([1, 1], [2, 0]), x) ;
    F.embedding(index(1, 1, 2), x, scale_grad_by_freq=False) ; F.embedding(index(1, 0, 2), x, padding_idx=None)
VW: x.scatter(0, index(1, 3), y[:2]) ; x.scatter_add(0, index(1, 1, 1, 0), y) ; x.index_add(0, index(1, 1), y[:2]) ;
    x.index_copy(0, index(3, 0), y[:2]) ; x.scatter_reduce(0, index(1, 1, 1, 0), y, 'sum') ;
    x.put(index(1, 1), y[:2], accumulate=True) ; x.index_put((index(1, 1),), y[:2], accumulate=True) ;
    x.gather(0, index(1, 1, 1)) + y[:3] ; x.take_along_dim(index(1, 1), 0) * y[:2]
Rk: F.embedding_bag(index(1, 1, 2, 0), x, index(0, 2), mode='sum', per_sample_weights=y) ;
    F.embedding_bag(index([1, 1], [2, 0]), x, mode='sum', per_sample_weights=y.view(2, 2))
""",
    "product": """
R: x @ x.t() ; x.t().mm(x) ; torch.einsum('ij,ik->jk', x, x) ; torch.einsum('ij,ij->', x, x) ; torch.kron(x, x)
Vc: torch.matmul(x, y.mT) ; torch.matmul(y, x) ; torch.einsum('j,bij->bi', x, y)
BT: torch.matmul(x[:1], y.expand(2, 4, 3)) ; torch.matmul(x[:, None], y) ; torch.matmul(x[None], y[None, None])
BA: torch.matmul(x[:, None], y) ; torch.matmul(x[:1], y) ; torch.matmul(x, y[None, :1])
aT: F.linear(x, y.t()) ; torch.matmul(x, y) ; x @ y
""",
    "solution": """
MN: torch.lu_solve(y, *torch.linalg.lu_factor(x)) ; torch.linalg.lu_solve(*torch.linalg.lu_factor(x), y) ;
    torch.linalg.solve(x, y.expand(2, 3, 3)) ; torch.linalg.solve(x.expand(2, 3, 3), y) ; torch.linalg.solve(x, y @ y)
TZ: torch.linalg.householder_product(x, y) ; torch.orgqr(x, y)
""",
    "layer": """
a: F.max_pool3d(x, 2) ; F.max_pool3d(x, 2, 1, 1) ; F.avg_pool3d(x, 2) ; F.avg_pool3d(x, 2, 1, 1) ;
    F.avg_pool3d(x, 2, 1, 1, False, False) ; F.avg_pool3d(x, 2, 1, divisor_override=3) ;
    F.adaptive_avg_pool3d(x, (1, 2, 3)) ; F.adaptive_max_pool3d(x, (1, 2, 3)) ; F.interpolate(x, 3) ;
    F.interpolate(x, scale_factor=2, mode='trilinear') ; F.interpolate(x, 3, mode='area') ;
    F.interpolate(x, (3, 4, 5), mode='trilinear', align_corners=True) ; F.instance_norm(x) ; F.group_norm(x, 1) ;
    F.max_unpool3d(*F.max_pool3d(x, 2, return_indices=True), 2, output_size=(2, 3, 4)) ; F.layer_norm(x, (3, 4)) ;
    F.batch_norm(x, None, None, training=True)
ab: F.conv3d(x, y) ; F.conv3d(x, y, padding=1, stride=2) ; F.conv3d(x, y[:, :1], groups=2) ;
    F.conv3d(x, y, padding=(0, 1, 2), dilation=(1, 2, 2)) ; F.conv_transpose3d(x, y) ;
    F.conv_transpose3d(x, y, stride=2, padding=1, output_padding=1) ; F.conv_transpose3d(x, y[:, :1], groups=2)
IKZ: F.conv2d(x, y, z[:2]) ; F.conv2d(x, y[:, :1], z[1:], groups=2) ; F.conv_transpose2d(x, y, z[:2], padding=1) ;
    F.conv2d(x, y, z[:2], stride=(2, 1), padding=(2, 3), dilation=(1, 2)) ; F.conv2d(x[0], y[:, :1], z[1:], groups=2)
IK: F.conv2d(x.contiguous(memory_format=torch.channels_last), y) ; F.conv2d(x, y, stride=2, padding=2, dilation=2) ;
    F.conv2d(x, y.contiguous(memory_format=torch.channels_last)) ; F.conv2d(x.expand(3, -1, -1, -1), y) ;
    F.conv2d(x.mT, y.mT) ; F.conv2d(x[:, :, ::2], y[:, :, :2], padding=1)
LK: F.conv1d(x[0], y[..., 0]) ; F.conv1d(x, y[..., 0], padding='same') ; F.conv1d(x[0], y[:, :1, 0], groups=2) ;
    F.conv_transpose1d(x, y[0], stride=2, padding=1, output_padding=1) ; F.conv_transpose1d(x[0], y[..., 0]) ;
    F.conv_transpose1d(x, y[:, :1, 0], groups=2, dilation=2)
I: F.adaptive_avg_pool2d(x[..., :3], 2) ; F.adaptive_max_pool2d(x[..., :3], 2) ; F.max_pool2d(x[0], 2) ;
    F.max_pool2d(x.contiguous(memory_format=torch.channels_last), 3, 2, 1) ; F.avg_pool2d(x[0], 2, 1) ;
    F.avg_pool2d(x.contiguous(memory_format=torch.channels_last), 2) ; F.rms_norm(x, (4,)) ; F.rms_norm(x, (4, 4)) ;
    F.interpolate(x.contiguous(memory_format=torch.channels_last), 7, mode='bilinear') ; F.layer_norm(x, (2, 4, 4)) ;
    F.interpolate(x, scale_factor=(0.5, 2.0), mode='bilinear') ; F.interpolate(x, scale_factor=0.5, mode='area') ;
    F.fractional_max_pool2d(x, 2, 3, _random_samples=x.new_full((1, 2, 2), 0.375).detach()) ; F.glu(x, 1)
If: F.grid_sample(x, y, align_corners=False) ; F.grid_sample(x, y, align_corners=True) ;
    F.grid_sample(x, y, padding_mode='border', align_corners=False) ; F.grid_sample(x, y * 1.5, align_corners=False) ;
    F.grid_sample(x, y * 1.5, padding_mode='border', align_corners=True) ;
    F.grid_sample(x, y * 1.5, padding_mode='reflection', align_corners=False) ;
    F.grid_sample(x, y, mode='bicubic', align_corners=False)
I|f: F.grid_sample(x, y, mode='nearest', align_corners=False)
g: F.affine_grid(x.contiguous(), (1, 2, 3, 4), align_corners=False) ;
    F.affine_grid(x.contiguous(), (1, 2, 3, 4), align_corners=True)
AZ: F.rms_norm(x, (3,), y) ; F.rms_norm(x, (3,), y, eps=0.5)
cde: F.scaled_dot_product_attention(x, y, z) ; F.scaled_dot_product_attention(x, y, z, is_causal=True) ;
    F.scaled_dot_product_attention(x, y, z, scale=0.25) ; F.scaled_dot_product_attention(x[None], y[None], z[None]) ;
    F.scaled_dot_product_attention(x, y, z, attn_mask=mask(*[[True, False, True, True, False]] * 3)) ;
    F.scaled_dot_product_attention(x, y, z, attn_mask=mask(*[[0.5, -1.0, 2.0, -inf, 0.25]] * 3).to(x.dtype))
iS: F.prelu(x, y[0, :1]) ; F.prelu(x, y[0, :1].expand(5))
ir: F.bilinear(x, x, y[0]) ; F.bilinear(x, x * x, y[1], y[0, 0, 0])
""",
    "loss": """
B: F.cross_entropy(x, index([0, 2, 1, 1], [2, 0, 0, 1]), reduction='none') ;
    F.cross_entropy(x, index([0, 2, 1, 1], [2, 0, 0, 1]), label_smoothing=0.2) ;
    F.cross_entropy(x, index([0, 2, 1, 1], [2, 0, 0, 1]), ignore_index=1)
t: F.cross_entropy(x, index([[0, 2], [1, 1]], [[2, 0], [0, 1]])) ;
    F.nll_loss(x.contiguous(), index([[0, 2], [1, 1]], [[2, 0], [0, 1]])) ;
    F.nll_loss(x.contiguous(), index([[0, 2], [1, 1]], [[2, 0], [0, 1]]), reduction='none') ;
    F.nll_loss(x.contiguous(), index([[0, 2], [1, 1]], [[2, 0], [0, 1]]), ignore_index=1, reduction='sum')
R|V: F.nll_loss(x, index(1, 0, 3), weight=y.abs(), ignore_index=0) ; F.nll_loss(x[0], index(1)[0], y.abs()) ;
    F.cross_entropy(x, index(1, 0, 3), weight=y.abs(), ignore_index=3, reduction='sum') ;
    F.cross_entropy(x[0], index(1)[0]) ; F.multi_margin_loss(x[0], index(1)[0])
RU|V: F.cross_entropy(x, y, z.abs()) ; F.cross_entropy(x, y, z.abs(), reduction='none')
A: F.ctc_loss(x.log_softmax(-1).transpose(0, 1), index([1, 1, 2], [2, 1, 1]), (4, 4), (3, 2), zero_infinity=True) ;
    F.ctc_loss(x.log_softmax(-1).transpose(0, 1), index([1, 2], [2, 1]), (4, 4), (2, 2), blank=0, reduction='sum')
RS: F.huber_loss(x, y, reduction='sum', delta=2.03) ; F.cosine_embedding_loss(x, y, index(-1, -1, 1), margin=-0.5)
RST: F.triplet_margin_loss(x, y, z.t(), p=1) ; F.triplet_margin_loss(x, y, z.t(), margin=3.0, reduction='sum')
R: F.multi_margin_loss(x, index(1, 0, 3), p=2, reduction='none')
""",
    # More than a thousand elements, where kernels go other ways.
    "long": """
l: x.sort()[0] ; x.sort(0, descending=True)[0] ; x.flatten().sort()[0] ; x.topk(17)[0] ; x.flatten().topk(300)[0] ;
    x.flatten().kthvalue(700)[0] ; x.median() ; x.median(0)[0] ; x.max() ; x.max(0)[0] ; x.amax((0, 1)) ; x.amin(1) ;
    x.cummax(0)[0] ; x.cummin(1)[0] ; x.quantile(0.4) ; x.std() ; x.var(0) ; x.norm() ; x.norm(3, 1) ; x.norm(1) ;
    (x / 20).softmax(0) ; (x / 20).softmax(-1) ; (x / 20).flatten().log_softmax(0) ; (x / 20).logsumexp((0, 1)) ;
    x.cumsum(0) ; x.cumsum(1) ; x.flatten().cumsum(0) ; (x / 40).exp().cumprod(1) ; (x / 20).flatten().logcumsumexp(0) ;
    x.flip(0) ; x.roll((7, -9), (0, 1)) ; x.t().reshape(-1) ; x[::3, 1::2] ; x.unfold(1, 5, 2) ; x.tril(3) ;
    x.repeat(2, 2) ;
    x.diagonal(3) ; x.diff() ; x.clamp(-3, 7) ; x.relu() ; F.gelu(x) ; F.layer_norm(x, (40,)) ; F.glu(x) ; x.trace() ;
    F.batch_norm(x, None, None, training=True) ; F.group_norm(x, 4) ; F.normalize(x) ; F.pad(x, (3, 4, 5, 6)) ;
    x.split(7) ; x.chunk(7, 1) ; x.masked_select((x > 0).detach()) ; x.masked_fill((x > 0).detach(), 2.0) ;
    x.max(1, keepdim=True)[0] ; x.nansum(0) ; x.mean(0) ; (x / 40).exp().prod(1)
n: x[torch.arange(2600, device=x.device) % 1300] ; x[torch.arange(900, device=x.device) % 7] ;
    x.index_select(0, torch.arange(900, device=x.device) % 7) ; x.gather(0, torch.arange(900, device=x.device) % 7) ;
    x.take(torch.arange(900, device=x.device) % 7) ; x[(x > 0).detach()] ; x.sort(stable=True)[0] ; x.dist(x * 2) ;
    F.embedding(torch.arange(900, device=x.device) % 20, x.view(26, 50)) ; x.expand(3, 1300).sum(0) ; x.flip(0)
ns: x * y ; x / y ; x + 2 * y ; torch.atan2(x, y) ; torch.lerp(x, y, 0.3) ; x.dot(y) ; torch.where(x > 0, x, y) ;
    torch.addcmul(x, y, y) ; torch.maximum(x, y) ; y ** (x / 40) ; torch.cat((x, y)) ; torch.stack((x, y), 1) ;
    x.index_add(0, torch.arange(1300, device=x.device) % 7, y) ; torch.hypot(x, y) ; F.mse_loss(x, y) ;
    x.scatter_add(0, torch.arange(1300, device=x.device) % 7, y) ; F.smooth_l1_loss(x, y) ; torch.logaddexp(x, y) ;
    x.index_put((torch.arange(1300, device=x.device) % 7,), y, accumulate=True) ; F.cosine_similarity(x, y, 0)
lm: x @ y ; torch.einsum('ij,jk->ik', x, y) ; F.linear(x, y.t()) ; torch.addmm(x[:, :30], x, y) ; torch.cdist(x, y.t())
op: torch.bmm(x, y) ; x @ y ; torch.einsum('bij,bjk->bik', x, y) ; torch.matmul(x.view(4, 5, 3, 4), y.view(4, 5, 4, 2))
qr: F.conv2d(x, y) ; F.conv2d(x, y, stride=2, padding=1)
q: F.max_pool2d(x, 3, 2) ; F.avg_pool2d(x, 3, 2) ; F.interpolate(x, 9, mode='bilinear') ; F.instance_norm(x) ;
    F.adaptive_avg_pool2d(x, 7) ; F.pixel_unshuffle(x, 2) ; F.unfold(x, 3) ; x.sum((0, 2, 3)) ; x.mean((-1, 1)) ;
    x.permute(2, 0, 3, 1).reshape(24, -1) ; x.amax((1, 3)) ; x.std((0, 2)) ;
    F.cross_entropy(x, torch.arange(480, device=x.device).view(2, 12, 20) % 3)
""",
}

SINCE = {
    "F.affine_grid(x.contiguous(), (1, 2, 3, 4), align_corners=False)": "2.6",
    "F.affine_grid(x.contiguous(), (1, 2, 3, 4), align_corners=True)": "2.6",
    "x.masked_select((x > 0).detach())": "2.1",
    "F.scaled_dot_product_attention(x, y, z)": "2.0",
    "F.scaled_dot_product_attention(x, y, z, is_causal=True)": "2.0",
    "F.scaled_dot_product_attention(x, y, z, scale=0.25)": "2.1",
    "F.scaled_dot_product_attention(x, y, z, attn_mask=mask(*[[True, False, True, True, False]] * 3))": "2.0",
    "F.scaled_dot_product_attention(x, y, z, attn_mask=mask(*[[0.5, -1.0, 2.0, -inf, 0.25]] * 3).to(x.dtype))": "2.0",
    "F.rms_norm(x, (4,))": "2.4",
    "F.rms_norm(x, (4, 4))": "2.4",
    "F.rms_norm(x, (3,), y)": "2.4",
    "F.rms_norm(x, (3,), y, eps=0.5)": "2.4",
}

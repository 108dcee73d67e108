"""Cross-entropy with its gradient, and dropout, each in one pass over memory.

Where there is no compiled function for a tensor's device and dtype, PyTorch computes them in several passes.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from tang.kernels.native import is_compiled, kernel


def cross_entropy(logits: Tensor, targets: Tensor, nll: Tensor, ignored: int) -> None:
    """Cross-entropy of a softmax and its gradient, in place.

    Args:
        logits: (N, V); overwritten by ∂(Σ nll)/∂logits = softmax(logits) − onehot(targets).
        targets: (N,) int64.
        nll: (N,) overwritten by −ln p of each target; float32, or float64 if ``logits`` are.
        ignored: target index whose nll and gradient are 0.

    Raises:
        IndexError: on a CPU, a target or ``ignored`` isn't in 0 … V − 1.
    """
    if is_compiled(logits):
        least, most = targets.numpy().min(), targets.numpy().max()
        if not 0 <= least <= most < logits.shape[1]:
            raise IndexError(f"targets from {least} to {most}, but there are {logits.shape[1]} logits")
        kernel("cross_entropy", logits, targets, nll, ignored, *logits.shape)()
        return
    log_p = F.log_softmax(logits, dim=-1, dtype=nll.dtype)
    wanted = log_p.gather(1, targets[:, None])
    counts = (targets != ignored)[:, None]
    nll.copy_(torch.where(counts, -wanted, 0.0)[:, 0])
    torch.exp(log_p, out=logits).scatter_(1, targets[:, None], wanted.expm1().to(logits.dtype)).mul_(counts)


class Dropout(torch.autograd.Function):
    """Dropout whose mask is recomputed from a seed in the backward pass instead of being saved."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, p: float) -> Tensor:
        ctx.seed, ctx.threshold = int(torch.randint(2**62, ())), round(p * 2**32)
        return _dropped(inputs, ctx.seed, ctx.threshold)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor, None]:
        return _dropped(d_outputs.contiguous(), ctx.seed, ctx.threshold), None


def _dropped(inputs: Tensor, seed: int, threshold: int) -> Tensor:
    outputs = torch.empty_like(inputs)
    kernel("dropout", inputs, outputs, seed, threshold, inputs.numel())()
    return outputs


def dropout(inputs: Tensor, p: float, training: bool) -> Tensor:
    """``F.dropout``: zero elements with probability ``p`` and scale the rest; seeded by PyTorch's generator."""
    if not training or p in (0.0, 1.0) or not is_compiled(inputs):
        return F.dropout(inputs, p, training)
    return Dropout.apply(inputs.contiguous(), p)  # type: ignore[no-untyped-call, no-any-return]

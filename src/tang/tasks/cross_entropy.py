"""The output layer fused with its cross-entropy, in chunks: the logits of all positions never exist at once."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tang.kernels import pointwise
from tang.kernels.native import accumulation_dtype, matmul_dtype

# Logits of a chunk by device: in bfloat16 16 MB, about the size of a CPU's last-level cache, and 128 MB
CHUNK = {"cpu": 2**23, "cuda": 2**26}


class LinearCrossEntropy(torch.autograd.Function):
    """Σ −ln softmax(hidden · weightᵀ + bias)[targets]; the forward pass computes the gradients too.

    With p − y for the gradient of a chunk's logits, the layer's gradients are (p − y) · weight for
    ``hidden`` and, accumulated over chunks in the weight's dtype, (p − y)ᵀ · hidden for ``weight``.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, ignored: int) -> Tensor:
        low = weight.to(hidden.dtype)
        d_hidden, d_weight, d_bias = torch.empty_like(hidden), torch.zeros_like(weight), torch.zeros_like(bias)
        total = torch.zeros((), dtype=accumulation_dtype(hidden.dtype), device=hidden.device)
        for h, d_h, nll, d_logits in _chunks(hidden, low, bias, targets, ignored, d_hidden):
            total += nll.sum()
            torch.mm(d_logits, low, out=d_h)
            d_weight += d_logits.T @ h
            d_bias += d_logits.sum(0)
        ctx.save_for_backward(d_hidden, d_weight, d_bias)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_total: Tensor) -> tuple[Tensor | None, ...]:
        return *(d * d_total for d in ctx.saved_tensors), None, None


def _chunks(
    hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, ignored: int, *others: Tensor
) -> Iterator[tuple[Tensor, ...]]:
    """Yield for each chunk: ``hidden``, ``others``, −ln p, and the gradient of its logits in a buffer used again."""
    rows = max(1, min(len(hidden), CHUNK.get(hidden.device.type, CHUNK["cpu"]) // len(weight)))
    buffer = hidden.new_empty(rows, len(weight))
    bias = bias.to(hidden.dtype)
    for h, t, *rest in zip(*(tensor.split(rows) for tensor in (hidden, targets, *others)), strict=True):
        logits = torch.addmm(bias, h, weight.T, out=buffer[: len(h)])
        nll = torch.empty(len(h), dtype=accumulation_dtype(hidden.dtype), device=hidden.device)
        pointwise.cross_entropy(logits, t, nll, ignored)
        yield h, *rest, nll, logits


def linear_cross_entropy(hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, ignored: int) -> Tensor:
    """The sum of −ln p over all targets but the ``ignored``; differentiable once.

    ``hidden`` is (N, H), ``weight`` (V, H), ``bias`` (V,) and ``targets`` (N,) int64; the matmuls are in autocast's
    dtype where it is on, else in that of ``hidden``.
    """
    hidden = hidden.to(matmul_dtype(hidden))
    with torch.autocast(hidden.device.type, enabled=False):
        return LinearCrossEntropy.apply(hidden, weight, bias, targets, ignored)  # type: ignore[no-untyped-call, no-any-return]


@torch.no_grad()
def linear_nll(hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, ignored: int) -> Tensor:
    """(N,) −ln p of each target, 0 for the ``ignored``; the arguments are those of :func:`linear_cross_entropy`."""
    hidden = hidden.to(matmul_dtype(hidden))
    with torch.autocast(hidden.device.type, enabled=False):
        chunks = _chunks(hidden, weight.to(hidden.dtype), bias, targets, ignored)
        return torch.cat([nll for _, nll, _ in chunks])

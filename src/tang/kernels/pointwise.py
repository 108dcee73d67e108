"""What stands between the matrix products of a training step, each in one pass where it can be.

The products may be in bfloat16; a cell's state is float32 then, and so is the arithmetic in between. Where
:mod:`tang.kernels.library` has nothing for the tensors given, PyTorch does the same in several passes.
"""

from collections.abc import Callable
from ctypes import c_int64, c_void_p
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from tang.kernels.library import library

FORMATS = {torch.float32: "float32", torch.bfloat16: "bfloat16"}


def is_compiled(tensor: Tensor) -> bool:
    """Whether there are compiled functions for a tensor's device and format."""
    return tensor.device.type == "cpu" and tensor.dtype in FORMATS and library() is not None


def _compiled(name: str, *arguments: Tensor | int) -> Callable[..., None]:
    """The compiled function for the format of the first tensor, with its first ``arguments``."""
    first = arguments[0]
    assert isinstance(first, Tensor)
    assert all(not isinstance(argument, Tensor) or argument.is_contiguous() for argument in arguments)
    return partial(
        getattr(library(), f"{name}_{FORMATS[first.dtype]}"),
        *(c_void_p(a.data_ptr()) if isinstance(a, Tensor) else c_int64(a) for a in arguments),
    )


def lstm_forward(gates: Tensor, cell: Tensor, hidden: Tensor) -> Callable[[int], None]:
    """Steps of B LSTM cells, in place: a function that takes one, given t.

    Args:
        gates: (T, B, 4H) pre-activations; at t they become i, f, g, o.
        cell: (T + 1, B, H) states, of which that at t + 1 is computed; float32, or float64 if ``gates`` are.
        hidden: (T + 1, B, H) outputs, as ``cell``.
    """
    if is_compiled(gates):
        step = _compiled("lstm_forward", gates, cell, hidden, *cell.shape[1:])
        return lambda t: step(c_int64(t))

    def in_passes(t: int) -> None:
        activated = gates[t].to(cell.dtype)  # gates themselves, if they have it
        i, f, g, o = activated.chunk(4, dim=1)
        for sigmoidal in (activated[:, : 2 * g.shape[1]], o):
            sigmoidal.sigmoid_()
        g.tanh_()
        torch.addcmul(f * cell[t], i, g, out=cell[t + 1])
        torch.mul(o, torch.tanh(cell[t + 1]), out=hidden[t + 1])
        if cell.dtype != gates.dtype:
            gates[t].copy_(activated)

    return in_passes


def lstm_backward(
    gates: Tensor, cell: Tensor, d_outputs: Tensor, d_hidden: Tensor, d_cell: Tensor, d_z: Tensor
) -> Callable[[int], None]:
    """Gradients of these steps, in place: a function that takes one backwards, given t; d_x stands for ∂loss/∂x.

    Args:
        gates: (T, B, 4H) i, f, g, o.
        cell: (T + 1, B, H) states.
        d_outputs: (T, B, H) of the outputs, from above.
        d_hidden: (B, H) of the output at t, from step t + 1.
        d_cell: (B, H) of the state after step t; becomes that of the state before it.
        d_z: (T, B, 4H) room for those of the pre-activations.
    """
    if is_compiled(gates):
        step = _compiled("lstm_backward", gates, cell, d_outputs, d_hidden, d_cell, d_z, *d_cell.shape)
        return lambda t: step(c_int64(t))

    def in_passes(t: int) -> None:
        i, f, g, o = gates[t].to(cell.dtype).chunk(4, dim=1)
        tanh_c = torch.tanh(cell[t + 1])
        d_h = d_outputs[t].to(cell.dtype) + d_hidden
        d_o = d_h * tanh_c
        d_cell.add_(d_h * o * (1 - tanh_c**2))
        d_i, d_f, d_g = d_cell * g, d_cell * cell[t], d_cell * i
        torch.cat([d_i * i * (1 - i), d_f * f * (1 - f), d_g * (1 - g**2), d_o * o * (1 - o)], dim=1, out=d_z[t])
        d_cell.mul_(f)

    return in_passes


def cross_entropy(logits: Tensor, targets: Tensor, nll: Tensor, ignored: int) -> None:
    """The softmax's cross-entropy with its gradient, in place.

    Args:
        logits: (N, V); become ∂(Σ nll)/∂logits = softmax(logits) − onehot(targets).
        targets: (N,) int64.
        nll: (N,) room for −ln p of each target, float32, or float64 if ``logits`` are.
        ignored: a target that counts for nothing: its nll and its gradient are 0.
    """
    if is_compiled(logits):
        _compiled("cross_entropy", logits, targets, nll, ignored, *logits.shape)()
        return
    log_p = F.log_softmax(logits, dim=-1, dtype=nll.dtype)
    counts = targets != ignored
    torch.neg(torch.where(counts, log_p.gather(1, targets[:, None])[:, 0], 0.0), out=nll)
    p = log_p.exp_()
    p[torch.arange(len(p), device=p.device), targets] -= 1
    logits.copy_(p * counts[:, None])


class Dropout(torch.autograd.Function):
    """Which elements are dropped follows from a seed, so that nothing need be kept to drop them again."""

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
    _compiled("dropout", inputs, outputs, seed, threshold, inputs.numel())()
    return outputs


def dropout(inputs: Tensor, p: float, training: bool) -> Tensor:
    """Zeros with probability ``p``, and what remains times 1/(1 − p); its seed comes from PyTorch's generator."""
    if not training or p in (0.0, 1.0) or not is_compiled(inputs):
        return F.dropout(inputs, p, training)
    return Dropout.apply(inputs.contiguous(), p)  # type: ignore[no-untyped-call, no-any-return]

"""An LSTM layer forward and backward through time, given the inputs' contribution to the pre-activations.

Matmuls may be in bfloat16; cell states and the arithmetic between matmuls are float32 then. There are three ways: one
compiled function for all steps, with matmuls of its own, for sizes where that is fastest; PyTorch's matmul and a
compiled function for each step; PyTorch alone, where nothing is compiled.
"""

from collections.abc import Callable
from ctypes import c_int64

import torch
from torch import Tensor

from tang.kernels.hardware import cpu_has
from tang.kernels.native import is_compiled, kernel

MAX_HIDDEN = {torch.float32: 1024, torch.bfloat16: 256}
"""Largest H of layers whose steps are all computed by one compiled function. Above, the weights don't fit in a core's
cache, and the matmuls of PyTorch's libraries are as fast or faster."""

MAX_HIDDEN_AMX = 128  # The same in bfloat16 on CPUs with AMX, which PyTorch's libraries use and our matmuls don't


def _is_one_call(weight: Tensor) -> bool:
    """Whether one compiled function computes all steps of a layer with this weight (4H, H)."""
    if not is_compiled(weight):
        return False
    is_slower_than_amx = weight.dtype == torch.bfloat16 and cpu_has("amx_tile")
    return weight.shape[1] <= (MAX_HIDDEN_AMX if is_slower_than_amx else MAX_HIDDEN[weight.dtype])


def forward(gates: Tensor, weight: Tensor, cell: Tensor, hidden: Tensor) -> None:
    """All steps of B cells, in place.

    Args:
        gates: (T, B, 4H) the inputs' contribution to the pre-activations; overwritten by i, f, g, o.
        weight: (4H, H) recurrent weight.
        cell: (T + 1, B, H) states, all but the first overwritten; float32, or float64 if ``gates`` are.
        hidden: (T + 1, B, H) outputs, all but the first overwritten.
    """
    if _is_one_call(weight):
        kernel("lstm_layer_forward", gates, weight, cell, hidden, *cell.shape[1:], len(gates))()
        return
    step = _forward_step(gates, cell, hidden)
    for t, (z, h) in enumerate(zip(gates, hidden[:-1], strict=True)):
        z.addmm_(h, weight.T)
        step(t)


def _forward_step(gates: Tensor, cell: Tensor, hidden: Tensor) -> Callable[[int], None]:
    """The function that computes step t from its pre-activations."""
    if is_compiled(gates):
        step = kernel("lstm_forward", gates, cell, hidden, *cell.shape[1:])
        return lambda t: step(c_int64(t))

    def step_in_pytorch(t: int) -> None:
        activated = gates[t].to(cell.dtype)  # no copy if the dtypes are equal
        i, f, g, o = activated.chunk(4, dim=1)  # views: activated in place, i and f at once
        for sigmoidal in (activated[:, : 2 * g.shape[1]], o):
            sigmoidal.sigmoid_()
        g.tanh_()
        torch.addcmul(f * cell[t], i, g, out=cell[t + 1])
        torch.mul(o, torch.tanh(cell[t + 1]), out=hidden[t + 1])
        if cell.dtype != gates.dtype:
            gates[t].copy_(activated)

    return step_in_pytorch


def backward(
    gates: Tensor, weight: Tensor, cell: Tensor, d_outputs: Tensor, d_hidden: Tensor, d_cell: Tensor
) -> Tensor:
    """∂loss/∂(pre-activations), (T, B, 4H), after :func:`forward` with the same tensors; ``d_x`` stands for ∂loss/∂x.

    Args:
        d_outputs: (T, B, H).
        d_hidden: (B, H) gradient of the last h beside ``d_outputs``; overwritten by the initial h's.
        d_cell: (B, H) gradient of the last c; overwritten by the initial c's.
    """
    d_z = torch.empty_like(gates)
    if _is_one_call(weight):
        tensors = (gates, weight, cell, d_outputs, d_hidden, d_cell, d_z)
        kernel("lstm_layer_backward", *tensors, *d_cell.shape, len(gates))()
        return d_z
    step = _backward_step(gates, cell, d_outputs, d_hidden, d_cell, d_z)
    for t in reversed(range(len(gates))):
        step(t)
        torch.mm(d_z[t], weight, out=d_hidden)
    return d_z


def _backward_step(
    gates: Tensor, cell: Tensor, d_outputs: Tensor, d_hidden: Tensor, d_cell: Tensor, d_z: Tensor
) -> Callable[[int], None]:
    """The function that computes ``d_z`` at t from ``d_hidden`` and ``d_cell`` of step t, and updates ``d_cell``."""
    if is_compiled(gates):
        step = kernel("lstm_backward", gates, cell, d_outputs, d_hidden, d_cell, d_z, *d_cell.shape)
        return lambda t: step(c_int64(t))

    def step_in_pytorch(t: int) -> None:
        i, f, g, o = gates[t].to(cell.dtype).chunk(4, dim=1)
        tanh_c = torch.tanh(cell[t + 1])
        d_h = d_outputs[t].to(cell.dtype) + d_hidden
        d_o = d_h * tanh_c
        d_cell.add_(d_h * o * (1 - tanh_c**2))
        d_i, d_f, d_g = d_cell * g, d_cell * cell[t], d_cell * i
        torch.cat([d_i * i * (1 - i), d_f * f * (1 - f), d_g * (1 - g**2), d_o * o * (1 - o)], dim=1, out=d_z[t])
        d_cell.mul_(f)

    return step_in_pytorch

"""An LSTM layer's way through time and back, its inputs' part of the pre-activations being done.

Products may be in bfloat16; a cell's state is float32 then, and so is the arithmetic between products. There are
three ways, all of the same steps: one compiled function for all of them, with products of its own, where these are
the faster ones; PyTorch's product and a compiled function for each step; PyTorch alone, where nothing is compiled.
"""

from collections.abc import Callable
from ctypes import c_int64

import torch
from torch import Tensor

from tang.kernels.native import compiled, is_compiled

LARGEST = {torch.float32: 1024, torch.bfloat16: 256}
"""H up to which layers go through time in one compiled function. Beyond, the weights leave a core's cache, and the
products of PyTorch's libraries are as fast or faster."""

LARGEST_BESIDE_AMX = 128
"""The same in bfloat16 where those have a unit for tiles, which our products don't use."""


def _at_once(weight: Tensor) -> bool:
    if not is_compiled(weight):
        return False
    has_tiles = weight.dtype == torch.bfloat16 and torch.cpu._is_amx_tile_supported()
    return weight.shape[1] <= (LARGEST_BESIDE_AMX if has_tiles else LARGEST[weight.dtype])


def forward(gates: Tensor, weight: Tensor, cell: Tensor, hidden: Tensor) -> None:
    """All steps of B cells, in place.

    Args:
        gates: (T, B, 4H) the inputs' part of the pre-activations; become i, f, g, o.
        weight: (4H, H) what multiplies the outputs of the step before.
        cell: (T + 1, B, H) states, of which the first is given; float32, or float64 if ``gates`` are.
        hidden: (T + 1, B, H) outputs, as ``cell``.
    """
    if _at_once(weight):
        compiled("lstm_layer_forward", gates, weight, cell, hidden, *cell.shape[1:], len(gates))()
        return
    step = _forward_step(gates, cell, hidden)
    for t, (z, h) in enumerate(zip(gates, hidden[:-1], strict=True)):
        z.addmm_(h, weight.T)
        step(t)


def _forward_step(gates: Tensor, cell: Tensor, hidden: Tensor) -> Callable[[int], None]:
    """What a step does to its pre-activations."""
    if is_compiled(gates):
        step = compiled("lstm_forward", gates, cell, hidden, *cell.shape[1:])
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


def backward(
    gates: Tensor, weight: Tensor, cell: Tensor, d_outputs: Tensor, d_hidden: Tensor, d_cell: Tensor
) -> Tensor:
    """(T, B, 4H) gradients of all pre-activations; d_x stands for ∂loss/∂x.

    Args:
        gates, weight, cell: as :func:`forward` left them.
        d_outputs: (T, B, H) of the outputs, from above.
        d_hidden: (B, H) of the last output, from elsewhere; becomes that of the first state's h.
        d_cell: (B, H) of the last state; becomes that of the first.
    """
    d_z = torch.empty_like(gates)
    if _at_once(weight):
        tensors = (gates, weight, cell, d_outputs, d_hidden, d_cell, d_z)
        compiled("lstm_layer_backward", *tensors, *d_cell.shape, len(gates))()
        return d_z
    step = _backward_step(gates, cell, d_outputs, d_hidden, d_cell, d_z)
    for t in reversed(range(len(gates))):
        step(t)
        torch.mm(d_z[t], weight, out=d_hidden)
    return d_z


def _backward_step(
    gates: Tensor, cell: Tensor, d_outputs: Tensor, d_hidden: Tensor, d_cell: Tensor, d_z: Tensor
) -> Callable[[int], None]:
    """What a step back makes of ``d_hidden`` and ``d_cell``, those of its own output and state: ``d_z`` at t."""
    if is_compiled(gates):
        step = compiled("lstm_backward", gates, cell, d_outputs, d_hidden, d_cell, d_z, *d_cell.shape)
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

"""GRU: Cho et al. 2014; the reset gate is applied after the matmul, as cuDNN does."""

import torch
from torch import Tensor, nn

from tang.kernels.linear import linear
from tang.recurrent.layer import Cell, State, Weights


def step(x: Tensor, state: State, weights: Weights) -> State:
    (h,) = state
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    x_r, x_z, x_n = linear(x, weight_ih, bias_ih).chunk(3, dim=1)
    h_r, h_z, h_n = linear(h, weight_hh, bias_hh).chunk(3, dim=1)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    h = (1 - z) * n + z * h
    return (h,)


CELL = Cell(gates=3, states=1, step=step, module=nn.GRU, step_module=nn.GRUCell)

"""Elman net: Elman 1990, with tanh."""

import torch
from torch import Tensor, nn

from tang.kernels.linear import linear
from tang.recurrent.layer import Cell, State, Weights


def step(x: Tensor, state: State, weights: Weights) -> State:
    (h,) = state
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    h = torch.tanh(linear(x, weight_ih, bias_ih) + linear(h, weight_hh, bias_hh))
    return (h,)


CELL = Cell(gates=1, states=1, step=step, module=nn.RNN, step_module=nn.RNNCell)

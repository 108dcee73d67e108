"""LSTM: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000."""

import torch
from torch import Tensor, nn

from tang.kernels.linear import linear
from tang.recurrent.layer import Cell, State, Weights


def step(x: Tensor, state: State, weights: Weights) -> State:
    h, c = state
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    z_i, z_f, z_g, z_o = (linear(x, weight_ih, bias_ih) + linear(h, weight_hh, bias_hh)).chunk(4, dim=1)
    i = torch.sigmoid(z_i)
    f = torch.sigmoid(z_f)
    g = torch.tanh(z_g)
    o = torch.sigmoid(z_o)
    c = f * c + i * g
    h = o * torch.tanh(c)
    return h, c


CELL = Cell(gates=4, states=2, step=step, module=nn.LSTM, step_module=nn.LSTMCell, forget_gate=1)

"""The forward equations, as a textbook has them; autograd does the rest."""

import torch
from torch import Tensor

from tang.kernels.linear import linear
from tang.recurrent.layer import Layer, State, Weights, through_time


def lstm_step(x: Tensor, state: State, weights: Weights) -> State:
    """Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000."""
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


def rnn_step(x: Tensor, state: State, weights: Weights) -> State:
    """Elman 1990, with tanh."""
    (h,) = state
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    h = torch.tanh(linear(x, weight_ih, bias_ih) + linear(h, weight_hh, bias_hh))
    return (h,)


def gru_step(x: Tensor, state: State, weights: Weights) -> State:
    """Cho et al. 2014; the reset gate stands behind the product, where cuDNN has it."""
    (h,) = state
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    x_r, x_z, x_n = linear(x, weight_ih, bias_ih).chunk(3, dim=1)
    h_r, h_z, h_n = linear(h, weight_hh, bias_hh).chunk(3, dim=1)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    h = (1 - z) * n + z * h
    return (h,)


STEPS = {"lstm": lstm_step, "rnn": rnn_step, "gru": gru_step}

LAYERS: dict[str, Layer] = {cell: through_time(step) for cell, step in STEPS.items()}

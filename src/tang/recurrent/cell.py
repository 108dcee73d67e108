"""PyTorch's cells, stepped through time."""

import torch
from torch import Tensor, nn

from tang.recurrent.layer import Layer, State, Weights

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def stepped(kind: type[nn.RNNCellBase]) -> Layer:
    """The layer that calls a cell of this class, with the weights for its parameters, for each time."""

    def layer(inputs: Tensor, state: State, weights: Weights) -> tuple[Tensor, State]:
        cell = kind(inputs.shape[-1], state[0].shape[-1], device="meta")  # type: ignore[call-arg]
        for name, weight in zip(NAMES, weights, strict=True):
            setattr(cell, name, weight)
        outputs = []
        for x in inputs:
            state = cell(x, state) if kind is nn.LSTMCell else (cell(x, *state),)
            outputs.append(state[0])
        return torch.stack(outputs), state

    return layer


LAYERS: dict[str, Layer] = {"lstm": stepped(nn.LSTMCell), "rnn": stepped(nn.RNNCell), "gru": stepped(nn.GRUCell)}

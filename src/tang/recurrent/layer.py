"""What a backend provides: one layer, computed."""

from collections.abc import Callable

import torch
from torch import Tensor

State = tuple[Tensor, ...]
"""(h, c) of an LSTM, (h,) of the others; each (B, H), for a stack (L, B, H)."""

Weights = tuple[Tensor, Tensor, Tensor, Tensor]
"""``weight_ih``, ``weight_hh``, ``bias_ih``, ``bias_hh`` of a layer."""

Layer = Callable[[Tensor, State, Weights], tuple[Tensor, State]]
"""inputs (T, B, E), the state before them, weights → outputs (T, B, H), the state after them."""


def through_time(step: Callable[[Tensor, State, Weights], State]) -> Layer:
    """The layer that takes ``step``, x (B, E) and state and weights → state, for each time."""

    def layer(inputs: Tensor, state: State, weights: Weights) -> tuple[Tensor, State]:
        outputs = []
        for x in inputs:
            state = step(x, state, weights)
            outputs.append(state[0])
        return torch.stack(outputs), state

    return layer

"""Types of a recurrent layer and of a cell."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

State = tuple[Tensor, ...]  # (h, c) of an LSTM, (h,) of the others; each (B, H), or (L, B, H) for a stack
Weights = tuple[Tensor, Tensor, Tensor, Tensor]  # weight_ih, weight_hh, bias_ih, bias_hh of a layer

Layer = Callable[[Tensor, State, Weights], tuple[Tensor, State]]
"""inputs (T, B, E), initial state, weights → outputs (T, B, H), last state."""

Step = Callable[[Tensor, State, Weights], State]  # x (B, E), state, weights → next state


@dataclass(frozen=True)
class Cell:
    """A recurrent cell: its equations, and PyTorch's classes for it where there are any."""

    gates: int  # G: the weights have G blocks of H rows
    states: int  # Number of tensors (B, H) in its state; the first is the output h
    step: Step
    module: Callable[..., nn.RNNBase] | None = None  # PyTorch's module of L layers, for the backend torch
    step_module: type[nn.RNNCellBase] | None = None  # PyTorch's module of one step, for the backend cell
    forget_gate: int | None = None  # Index of the block whose bias starts at model.forget_bias

"""The backends ``equations`` and ``cell``: loops over time, with a cell's equations or PyTorch's cell class."""

from functools import partial

import torch
from torch import Tensor, nn

from tang.recurrent import cells
from tang.recurrent.layer import Layer, State, Step, Weights

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def through_time(step: Step, inputs: Tensor, state: State, weights: Weights) -> tuple[Tensor, State]:
    """Compute a layer by calling ``step`` for each time step."""
    outputs = []
    for x in inputs:
        state = step(x, state, weights)
        outputs.append(state[0])
    return torch.stack(outputs), state


def equations(cell: str) -> Layer:
    """The layer of the cell's equations, which autograd differentiates."""
    return partial(through_time, cells.load(cell).step)


def pytorch_cell(cell: str) -> Layer | None:
    """The layer that calls PyTorch's class of this cell, ``nn.LSTMCell`` say; None if PyTorch has none."""
    step_module = cells.load(cell).step_module
    return partial(_stepped, step_module) if step_module else None


def _stepped(step_module: type[nn.RNNCellBase], inputs: Tensor, state: State, weights: Weights) -> tuple[Tensor, State]:
    module = step_module(inputs.shape[-1], state[0].shape[-1], device="meta")  # type: ignore[call-arg]
    for name, weight in zip(NAMES, weights, strict=True):
        delattr(module, name)  # what dropout has made of a parameter couldn't take its place
        setattr(module, name, weight)

    def step(x: Tensor, state: State, weights: Weights) -> State:
        return module(x, state) if len(state) > 1 else (module(x, *state),)

    return through_time(step, inputs, state, weights)

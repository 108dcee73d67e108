"""Parameters set to begin with, in place, and what can be counted of their symmetry."""

import math

import torch
from torch import Tensor, nn

from tang.tasks.network import Network

ALIKE = 1e-4
"""Units whose outputs differ nowhere by more than this share of the largest output are counted as one."""


def zero(module: nn.Module) -> None:
    """Set all its parameters to zero."""
    for parameter in module.parameters():
        parameter.zero_()


def equal(network: Network) -> None:
    """Make an LSTM's units copies of the first: its weights in and out, its weight to itself for all between them."""
    weight_ih, weight_hh, *_ = network.recurrent.weights(0)
    for block in weight_ih.chunk(4):
        block.copy_(block[:1].clone())
    for block in weight_hh.chunk(4):
        block.copy_(block[:1, :1].clone())
    network.head.weight.copy_(network.head.weight[:, :1].clone())


def scale(network: Network, factor: float) -> None:
    """Multiply the recurrent layer's weights, not its biases."""
    weight_ih, weight_hh, *_ = network.recurrent.weights(0)
    weight_ih.mul_(factor)
    weight_hh.mul_(factor)


@torch.no_grad()
def unit_outputs(network: Network, ids: Tensor) -> Tensor:
    """(H, B·T): what each unit puts out for ids (B, T)."""
    outputs, _ = network.recurrent(network.embedding(ids))
    units: Tensor = outputs.flatten(0, 1).T
    return units


def distinct_units(outputs: Tensor) -> tuple[int, float]:
    """How many rows of ``outputs`` (H, N) differ, and the largest difference between any two; see :data:`ALIKE`.

    A row counts unless it is like one that has been counted before it.
    """
    differences = torch.cdist(outputs.double(), outputs.double(), p=math.inf)
    alike = differences <= ALIKE * outputs.abs().max()
    counted: list[int] = []
    for unit, others in enumerate(alike):
        if not others[counted].any():
            counted.append(unit)
    return len(counted), differences.max().item()


def moving_tensors(network: Network, loss: Tensor) -> str:
    """``1 of 7``: parameters whose gradient isn't zero everywhere."""
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    return f"{sum(bool(gradient.any()) for gradient in gradients)} of {len(gradients)}"

"""In-place initializations of a network, and measures of the symmetry between its units."""

import math

import torch
from torch import Tensor, nn

from tang.tasks.network import Network

ALIKE = 1e-4
"""Units count as one if their outputs differ nowhere by more than this share of the largest output."""


def zero(module: nn.Module) -> None:
    """Set all parameters of a module to zero."""
    for parameter in module.parameters():
        parameter.zero_()


def equal(network: Network) -> None:
    """Make all units of the first layer copies of unit 0; all recurrent weights become its weight to itself."""
    weight_ih, weight_hh, *_ = network.recurrent.weights(0)
    gates = network.recurrent.record.gates
    for block in weight_ih.chunk(gates):
        block.copy_(block[:1].clone())
    for block in weight_hh.chunk(gates):
        block.copy_(block[:1, :1].clone())
    network.head.weight.copy_(network.head.weight[:, :1].clone())


def scale(network: Network, factor: float) -> None:
    """Multiply the first layer's weights, not its biases."""
    for weight in network.recurrent.weights(0)[:2]:
        weight.mul_(factor)


@torch.no_grad()
def unit_outputs(network: Network, ids: Tensor) -> Tensor:
    """Outputs (H, B·T) of each unit for ids (B, T)."""
    outputs, _ = network.recurrent(network.embedding(ids))
    units: Tensor = outputs.flatten(0, 1).T
    return units


def distinct_units(outputs: Tensor) -> tuple[int, float]:
    """Number of distinct rows of ``outputs`` (H, N), see :data:`ALIKE`, and the largest difference between any two.

    A row counts unless it is like a row that has been counted before.
    """
    differences = torch.cdist(outputs.double(), outputs.double(), p=math.inf)
    alike = differences <= ALIKE * outputs.abs().max()
    counted: list[int] = []
    for unit, others in enumerate(alike):
        if not others[counted].any():
            counted.append(unit)
    return len(counted), differences.max().item()


def moving_tensors(network: Network, loss: Tensor) -> str:
    """Number of parameters whose gradient isn't zero everywhere, such as ``1 of 7``."""
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    return f"{sum(bool(gradient.any()) for gradient in gradients)} of {len(gradients)}"

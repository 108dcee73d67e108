"""Beginnings and what training makes of them: equal or random weights, and plain gradient descent."""

import math
import random

import torch
from torch import Tensor, nn

from tests.derivation.nets import Run, Weights, draw_weights, run_from_zero_state


def constant(gates: str, value: float, head: float | None) -> Weights:
    """Every entry the same, but for the head if ``head`` is None: then it is random."""
    weights = draw_weights(random.Random(1), gates)
    with torch.no_grad():
        for name, parameter in weights.all().items():
            if not name.startswith("head"):
                parameter.fill_(value)
            elif head is not None:
                parameter.fill_(head)
    return weights


def gradients(run: Run) -> dict[str, Tensor]:
    """∂L by every parameter, by its name."""
    parameters = run.weights.all()
    by_parameter = torch.autograd.grad(run.loss, list(parameters.values()), retain_graph=True, materialize_grads=True)
    return dict(zip(parameters, by_parameter, strict=True))


def descend(weights: Weights, like: Run, steps: int, clip: float = math.inf) -> Run:
    """Plain gradient descent, with clipping by norm, on the sequence of another run."""
    parameters = weights.all()
    for _ in range(steps):
        for name, value in gradients(run_from_zero_state(weights, like.x, like.y)).items():
            parameters[name].grad = value
        nn.utils.clip_grad_norm_(parameters.values(), clip)
        with torch.no_grad():
            for parameter in parameters.values():
                parameter -= 0.1 * parameter.grad  # type: ignore[operator]
    return run_from_zero_state(weights, like.x, like.y)


def spread(run: Run) -> float:
    """The largest difference between two units of a layer, at any time."""
    states = torch.stack([run.h[t] for t in run.x])
    return (states.amax(1) - states.amin(1)).max().item()

"""A stack and a loss, to be differentiated in more ways than one."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tang.recurrent.layer import State
from tang.recurrent.stack import Recurrent

OFFSET = 1e-3
"""Of the finite differences; rounding and the terms left out then cost about 1e-11."""


class Sizes(NamedTuple):
    """Of a stack and of its inputs."""

    batch_size: int
    time: int
    embedding_size: int
    hidden_size: int
    num_layers: int


@dataclass(frozen=True)
class Problem:
    """A stack, what it reads, and a loss: the sum of all it returns, each number weighted at random."""

    stack: Recurrent
    inputs: Tensor
    state: State | None
    directions: list[Tensor]
    """The weights, for outputs and last states."""

    @classmethod
    def draw(cls, cell: str, sizes: Sizes, has_state: bool, dtype: torch.dtype, seed: int) -> "Problem":
        """On ``torch``; parameters are uniform in ±1/√H, all else is normal."""
        generator = torch.Generator().manual_seed(seed)
        batch, time, embedding, hidden, layers = sizes

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

        stack = Recurrent(embedding, hidden, layers, cell=cell).to(dtype)
        with torch.no_grad():
            for parameter in stack.parameters():
                parameter.copy_(torch.rand(parameter.shape, generator=generator) * 2 - 1).mul_(hidden**-0.5)
        state, last = (tuple(normal(layers, batch, hidden) for _ in range(1 + (cell == "lstm"))) for _ in range(2))
        inputs, directions = normal(batch, time, embedding), [normal(batch, time, hidden), *last]
        return cls(stack, inputs, state if has_state else None, directions)

    def on(self, backend: str) -> "Problem":
        """The same, computed by another backend."""
        layers, cell = self.stack.layers, self.stack.cell
        stack = Recurrent(layers.input_size, layers.hidden_size, layers.num_layers, cell=cell, backend=backend)
        stack.to(self.inputs.dtype).load_state_dict(self.stack.state_dict())
        return replace(self, stack=stack)

    def leaves(self) -> dict[str, Tensor]:
        """What the loss is differentiated by."""
        state = dict(zip(("h_0", "c_0"), self.state or (), strict=False))
        return {"inputs": self.inputs, **state, **dict(self.stack.layers.named_parameters())}

    def results(self) -> dict[str, Tensor]:
        """Outputs and last states."""
        outputs, last = self.stack(self.inputs, self.state)
        return {"outputs": outputs, **dict(zip(("h_n", "c_n"), last, strict=False))}

    def loss(self) -> Tensor:
        """A number."""
        pairs = zip(self.results().values(), self.directions, strict=True)
        return torch.stack([(result * direction).sum() for result, direction in pairs]).sum()

    def gradients(self) -> dict[str, Tensor]:
        """Of the loss, as the backend computes them."""
        leaves = {name: leaf.requires_grad_() for name, leaf in self.leaves().items()}
        return dict(zip(leaves, torch.autograd.grad(self.loss(), list(leaves.values())), strict=True))

    @torch.no_grad()
    def differences(self) -> dict[str, Tensor]:
        """Of the loss, without a backward pass, by central differences of fourth order.

        ∂L/∂x = (L(x − 2s) − 8 L(x − s) + 8 L(x + s) − L(x + 2s)) ÷ 12 s + O(s⁴)
        """
        slopes = {name: torch.zeros_like(leaf) for name, leaf in self.leaves().items()}
        for name, leaf in self.leaves().items():
            for place in np.ndindex(*leaf.shape):
                value = leaf[place].item()
                for offset, factor in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
                    leaf[place] = value + offset * OFFSET
                    slopes[name][place] += factor * self.loss() / (12 * OFFSET)
                leaf[place] = value
        return slopes

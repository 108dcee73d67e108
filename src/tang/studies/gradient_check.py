"""A recurrent stack with a loss, whose gradients are computed by a backend or by finite differences."""

import copy
from dataclasses import astuple, dataclass, replace

import numpy as np
import torch
from torch import Tensor

from tang.config.studies import GradientSizes
from tang.recurrent.layer import State
from tang.recurrent.stack import Recurrent

OFFSET = 1e-3  # Step of the finite differences; rounding and truncation errors are about 1e-11 then


@dataclass(frozen=True)
class Problem:
    """A stack, its inputs, and a loss: the sum of outputs and last states, each number weighted at random."""

    stack: Recurrent
    inputs: Tensor
    state: State | None
    directions: list[Tensor]  # The weights of outputs and last states in the loss

    @classmethod
    def draw(cls, cell: str, sizes: GradientSizes, has_state: bool, dtype: torch.dtype, seed: int) -> "Problem":
        """A random problem on the default backend: parameters are uniform in ±1/√H, everything else is normal."""
        generator = torch.Generator().manual_seed(seed)
        batch, time, embedding, hidden, layers = astuple(sizes)

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

        stack = Recurrent(embedding, hidden, layers, cell=cell).to(dtype)
        with torch.no_grad():
            for parameter in stack.parameters():
                parameter.copy_(torch.rand(parameter.shape, generator=generator) * 2 - 1).mul_(hidden**-0.5)
        state, last = (tuple(normal(layers, batch, hidden) for _ in range(stack.record.states)) for _ in range(2))
        inputs, directions = normal(batch, time, embedding), [normal(batch, time, hidden), *last]
        return cls(stack, inputs, state if has_state else None, directions)

    def on(self, backend: str) -> "Problem":
        """This problem, parameters included, on another backend."""
        stack = copy.copy(self.stack)
        stack.backend = backend
        return replace(self, stack=stack)

    def leaves(self) -> dict[str, Tensor]:
        """The tensors that the loss is differentiated with respect to."""
        state = dict(zip(("h_0", "c_0"), self.state or (), strict=False))
        return {"inputs": self.inputs, **state, **dict(self.stack.layers.named_parameters())}

    def results(self) -> dict[str, Tensor]:
        outputs, last = self.stack(self.inputs, self.state)
        return {"outputs": outputs, **dict(zip(("h_n", "c_n"), last, strict=False))}

    def loss(self) -> Tensor:
        pairs = zip(self.results().values(), self.directions, strict=True)
        return torch.stack([(result * direction).sum() for result, direction in pairs]).sum()

    def gradients(self) -> dict[str, Tensor]:
        """Gradients of the loss, computed by the backend."""
        leaves = {name: leaf.requires_grad_() for name, leaf in self.leaves().items()}
        return dict(zip(leaves, torch.autograd.grad(self.loss(), list(leaves.values())), strict=True))

    @torch.no_grad()
    def differences(self) -> dict[str, Tensor]:
        """Gradients of the loss by central differences of fourth order, without a backward pass.

        ∂L/∂x = (L(x − 2s) − 8 L(x − s) + 8 L(x + s) − L(x + 2s)) ÷ 12 s + O(s⁴)
        """
        slopes = {name: torch.zeros_like(leaf) for name, leaf in self.leaves().items()}
        for name, leaf in self.leaves().items():
            for index in np.ndindex(*leaf.shape):
                value = leaf[index].item()
                for offset, factor in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
                    leaf[index] = value + offset * OFFSET
                    slopes[name][index] += factor * self.loss() / (12 * OFFSET)
                leaf[index] = value
        return slopes

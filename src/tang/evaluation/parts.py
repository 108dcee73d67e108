"""Parts to put in the place of a network's own: they compute the same and tell more, or leave something out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tang.kernels.linear import linear
from tang.recurrent.layer import State
from tang.recurrent.stack import Recurrent


@contextmanager
def replaced(parent: nn.Module, name: str, part: nn.Module) -> Iterator[None]:
    """Put ``part`` in the place of a module's submodule for a while."""
    own = parent.get_submodule(name)
    parent.set_submodule(name, part)
    try:
        yield
    finally:
        parent.set_submodule(name, own)


class Record(NamedTuple):
    """What happened in a layer: its gates, and its cells and outputs after each step; each (T, B, H)."""

    input_gate: Tensor
    forget_gate: Tensor
    output_gate: Tensor
    cell: Tensor
    hidden: Tensor


class Recorded(nn.Module):
    """An LSTM stack that keeps a :class:`Record` of each layer, and may hold ``cells`` of the last one at a value."""

    def __init__(self, recurrent: Recurrent, cells: Tensor | None = None, value: Tensor | None = None) -> None:
        super().__init__()
        self.recurrent, self.cells, self.value = recurrent, cells, value
        self.records: list[Record] = []

    def forward(self, inputs: Tensor, state: None = None) -> tuple[Tensor, State]:
        layer_inputs, self.records = inputs.transpose(0, 1), []
        num_layers = self.recurrent.layers.num_layers
        for layer in range(num_layers):
            weight_ih, weight_hh, bias_ih, bias_hh = self.recurrent.weights(layer)
            given = linear(layer_inputs, weight_ih, bias_ih + bias_hh)
            h = c = given.new_zeros(given.shape[1], self.recurrent.output_size)
            steps = []
            for z in given:
                z_i, z_f, z_g, z_o = (z + h @ weight_hh.T).chunk(4, 1)
                i, f, o = z_i.sigmoid(), z_f.sigmoid(), z_o.sigmoid()
                c = f * c + i * z_g.tanh()
                if self.cells is not None and self.value is not None and layer == num_layers - 1:
                    c = c.index_copy(1, self.cells, self.value.expand(len(c), -1))
                h = o * c.tanh()
                steps.append((i, f, o, c, h))
            self.records.append(Record(*map(torch.stack, zip(*steps, strict=True))))
            layer_inputs = self.records[-1].hidden
        return layer_inputs.transpose(0, 1), (h, c)


class Forgetful(nn.Module):
    """A stack that begins anew before each prediction; keeps the outputs (B, T, H) for all of ``sizes``, in characters.

    ::

        a start at step s          s = 0   1   2   3
        after one step, d = 0          h₀  h₁  h₂  h₃    of characters alone: outputs[1]
        after two                          h₁  h₂  h₃    of pairs: outputs[2]; where no pair is yet, h₀ stays
    """

    def __init__(self, recurrent: Recurrent, sizes: Sequence[int]) -> None:
        super().__init__()
        self.recurrent, self.sizes = recurrent, sizes
        self.outputs: dict[int, Tensor] = {}

    def forward(self, inputs: Tensor, state: None = None) -> tuple[Tensor, State]:
        batch, steps, _ = inputs.shape
        weights = [self.recurrent.weights(layer) for layer in range(self.recurrent.layers.num_layers)]
        size = self.recurrent.output_size
        self.outputs = {length: inputs.new_empty(batch, steps, size) for length in self.sizes}
        states: list[State] = [(inputs.new_zeros(batch, steps, size),) * self.recurrent.cell.states] * len(weights)
        for d in range(min(max(self.sizes), steps)):
            hidden = inputs[:, d:].flatten(0, 1)
            for layer, of_layer in enumerate(weights):
                before = tuple(part[:, : steps - d].flatten(0, 1) for part in states[layer])
                after = self.recurrent.cell.step(hidden, before, of_layer)
                states[layer], hidden = tuple(part.view(batch, steps - d, size) for part in after), after[0]
            for length, outputs in self.outputs.items():
                if length == d + 1:
                    outputs[:, d:] = states[-1][0]
                elif length > d + 1:
                    outputs[:, d] = states[-1][0][:, 0]
        return self.outputs[max(self.sizes)], states[-1]


class Given(nn.Module):
    """A stack whose outputs are known already."""

    def __init__(self, outputs: Tensor) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, inputs: Tensor, state: None = None) -> tuple[Tensor, State]:
        return self.outputs, ()


class Constant(nn.Module):
    """An embedding of every id as the same vector."""

    def __init__(self, vector: Tensor) -> None:
        super().__init__()
        self.vector = vector

    def forward(self, ids: Tensor) -> Tensor:
        return self.vector.expand(*ids.shape, -1)

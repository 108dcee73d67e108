"""The recurrent stack: its parameters are PyTorch's, whatever computes it."""

import torch
from torch import Tensor, nn

from tang.errors import InputError
from tang.kernels.pointwise import dropout as drop
from tang.recurrent import bptt, cell, equations, numpy_autograd
from tang.recurrent.layer import Layer, State, Weights

CELLS: dict[str, type[nn.LSTM] | type[nn.RNN] | type[nn.GRU]] = {"lstm": nn.LSTM, "rnn": nn.RNN, "gru": nn.GRU}

BACKENDS: dict[str, dict[str, Layer]] = {
    "cell": cell.LAYERS,
    "equations": equations.LAYERS,
    "bptt": bptt.LAYERS,
    "numpy": numpy_autograd.LAYERS,
}
"""Backend → cell → layer; ``torch``, which computes all layers at once, stands beside them."""


def check_cell(cell: str, backend: str) -> None:
    """Raise an InputError if the backend doesn't compute this cell."""
    if backend != "torch" and cell not in BACKENDS[backend]:
        others = ", ".join(["torch", *(name for name, layers in BACKENDS.items() if cell in layers)])
        raise InputError(f"model.backend={backend}: has no model.cell={cell}; backends that do: {others}")


class Recurrent(nn.Module):
    """L layers of LSTM, Elman or GRU cells, (B, T, E) → (B, T, H).

    Weights begin uniform in ±1/√H, as PyTorch has them, and biases zero, but for those of an LSTM's forget
    gate. With 1 it begins so that it remembers: at σ(1) ≈ 0.73 most of a cell lives on from step to step, while at
    σ(0) = 0.5 a gradient halves with each (Jozefowicz et al. 2015, An Empirical Exploration of Recurrent Network
    Architectures). docs/studies.md shows where that pays: not on verse.

    Args:
        input_size: E.
        hidden_size: H.
        num_layers: L.
        dropout: between layers, in training.
        cell: ``lstm``, ``rnn`` (Elman, tanh) or ``gru``.
        backend: ``torch``, ``cell``, ``equations``, ``bptt`` or ``numpy``; see :mod:`tang.recurrent`.
        forget_bias: of an LSTM.

    Raises:
        InputError: the backend has no such cell.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        dropout: float = 0.0,
        cell: str = "lstm",
        backend: str = "torch",
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__()
        self.cell = cell
        self.backend = backend
        check_cell(cell, backend)
        self.output_size = hidden_size
        self.dropout = dropout
        # nn.LSTM and its kin warn of dropout with nothing to drop between.
        self.layers = CELLS[cell](
            input_size, hidden_size, num_layers, batch_first=True, dropout=dropout if num_layers > 1 else 0.0
        )
        with torch.no_grad():
            for layer in range(num_layers):
                *_, bias_ih, bias_hh = self.weights(layer)
                bias_ih.zero_()
                bias_hh.zero_()
                if cell == "lstm":
                    bias_ih[hidden_size : 2 * hidden_size] = forget_bias  # rows stand as i, f, g, o

    def weights(self, layer: int) -> Weights:
        """``weight_ih``, ``weight_hh``, ``bias_ih``, ``bias_hh`` of a layer, counted from 0."""
        weight_ih, weight_hh, bias_ih, bias_hh = self.layers.all_weights[layer]
        return weight_ih, weight_hh, bias_ih, bias_hh

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Outputs (B, T, H) of the last layer and the last state of each, (L, B, H).

        ``state`` is where to go on from; by default zeros.
        """
        if state is None:
            shape = (self.layers.num_layers, len(inputs), self.layers.hidden_size)
            state = tuple(inputs.new_zeros(shape) for _ in range(2 if self.cell == "lstm" else 1))
        if self.backend == "torch":
            outputs, last = self.layers(inputs, state if self.cell == "lstm" else state[0])
            return outputs, last if self.cell == "lstm" else (last,)
        compute = BACKENDS[self.backend][self.cell]
        hidden = inputs.transpose(0, 1).contiguous()
        states = []
        for number, before in enumerate(zip(*state, strict=True)):
            if number:
                hidden = drop(hidden, self.dropout, self.training)
            hidden, after = compute(hidden, before, self.weights(number))
            states.append(after)
        return hidden.transpose(0, 1), tuple(torch.stack(parts) for parts in zip(*states, strict=True))

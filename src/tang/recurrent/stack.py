"""The recurrent stack: parameters in PyTorch's layout, computed by any of the backends."""

import warnings
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tang.errors import InputError
from tang.kernels.pointwise import dropout as drop
from tang.recurrent import bptt, cells, numpy_autograd, stepwise
from tang.recurrent.layer import Layer, State, Weights

# PyTorch hints that it compacts weights at each call, which is how weight dropout works.
warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")

FUNCTIONS: dict[type, Callable[..., tuple[Tensor, ...]]] = {
    nn.LSTM: torch.lstm,
    nn.GRU: torch.gru,
    nn.RNN: torch.rnn_tanh,
}  # Of modules, with weights of our own

BACKENDS: dict[str, Callable[[str], Layer | None]] = {
    "cell": stepwise.pytorch_cell,
    "equations": stepwise.equations,
    "bptt": bptt.LAYERS.get,
    "numpy": numpy_autograd.LAYERS.get,
}
"""Backend → function from a cell's name to its layer, or None; ``torch``, one call for all layers, is apart."""


def backends_of(cell: str) -> list[str]:
    """Backends that compute this cell, ``torch`` first if PyTorch has a module for it."""
    others = [name for name, layer_of in BACKENDS.items() if layer_of(cell)]
    return ["torch", *others] if cells.load(cell).module else others


def check_cell(cell: str, backend: str) -> None:
    """Raise an InputError if the backend doesn't compute this cell."""
    if backend not in backends_of(cell):
        others = ", ".join(backends_of(cell))
        raise InputError(f"model.backend={backend}: has no model.cell={cell}; backends that do: {others}")


class Recurrent(nn.Module):
    """L layers of a recurrent cell, (B, T, E) → (B, T, H), with dropout between layers in training.

    Weights start uniform in ±1/√H, PyTorch's default, and biases at zero, except the forget gate's. A forget bias of 1
    makes an LSTM remember at first: with σ(1) ≈ 0.73 most of a cell's state survives a step, while with σ(0) = 0.5 a
    gradient halves with each step (Jozefowicz et al. 2015, An Empirical Exploration of Recurrent Network
    Architectures). docs/studies.md shows where that pays: not on verse. An InputError if the backend doesn't compute
    the cell.

    Args:
        cell: a name of :func:`tang.recurrent.cells.names`.
        backend: see :mod:`tang.recurrent`; ``auto`` is ``torch``, or ``equations`` for a cell that PyTorch lacks.
        forget_bias: initial bias of the forget gate, in cells that have one.
        weight_dropout: of the recurrent weights in training, the same at all steps of a call (Merity et al. 2018,
            Regularizing and Optimizing LSTM Language Models).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        dropout: float = 0.0,
        cell: str = "lstm",
        backend: str = "auto",
        forget_bias: float = 0.0,
        weight_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.cell_name = cell
        self.cell = cells.load(cell)
        self.backend = cells.default_backend(cell) if backend == "auto" else backend
        check_cell(cell, self.backend)
        self.output_size = hidden_size
        self.dropout, self.weight_dropout = dropout, weight_dropout
        self.layers: nn.RNNBase | Parameters
        if self.cell.module:
            # PyTorch warns about dropout in a stack of one layer.
            between = dropout if num_layers > 1 else 0.0
            self.layers = self.cell.module(input_size, hidden_size, num_layers, batch_first=True, dropout=between)
        else:
            self.layers = Parameters(self.cell.gates, input_size, hidden_size, num_layers)
        with torch.no_grad():
            for layer in range(num_layers):
                *_, bias_ih, bias_hh = self.weights(layer)
                bias_ih.zero_()
                bias_hh.zero_()
                if self.cell.forget_gate is not None:
                    bias_ih.chunk(self.cell.gates)[self.cell.forget_gate].fill_(forget_bias)

    def weights(self, layer: int) -> Weights:
        """``weight_ih``, ``weight_hh``, ``bias_ih``, ``bias_hh`` of a layer, counted from 0."""
        weight_ih, weight_hh, bias_ih, bias_hh = self.layers.all_weights[layer]
        return weight_ih, weight_hh, bias_ih, bias_hh

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Outputs (B, T, H) and the last state of each layer, (L, B, H); the initial ``state`` is zeros by default."""
        if state is None:
            zeros = inputs.new_zeros(self.layers.num_layers, len(inputs), self.layers.hidden_size)
            state = (zeros,) * self.cell.states
        weights = [self._with_dropout(self.weights(layer)) for layer in range(self.layers.num_layers)]
        if self.backend == "torch":
            first = state if len(state) > 1 else state[0]
            if self.training and self.weight_dropout:
                flat, between = [w for of_layer in weights for w in of_layer], getattr(self.layers, "dropout", 0.0)
                compute_all = FUNCTIONS[type(self.layers)]
                outputs, *last = compute_all(inputs, first, flat, True, len(weights), between, True, False, True)
                return outputs, tuple(last)
            outputs, last = self.layers(inputs, first)
            return outputs, last if len(state) > 1 else (last,)
        compute = BACKENDS[self.backend](self.cell_name)
        assert compute, "the constructor has checked the backend"
        hidden = inputs.transpose(0, 1).contiguous()
        states = []
        for number, before in enumerate(zip(*state, strict=True)):
            if number:
                hidden = drop(hidden, self.dropout, self.training)
            hidden, after = compute(hidden, before, weights[number])
            states.append(after)
        return hidden.transpose(0, 1), tuple(torch.stack(tensors) for tensors in zip(*states, strict=True))

    def _with_dropout(self, weights: Weights) -> Weights:
        """The weights for this call; in training with elements of the recurrent one dropped."""
        weight_ih, weight_hh, bias_ih, bias_hh = weights
        return weight_ih, F.dropout(weight_hh, self.weight_dropout, self.training), bias_ih, bias_hh


class Parameters(nn.Module):
    """Parameters of L layers of a cell that PyTorch lacks, with the names, layout and initial values of ``nn.LSTM``."""

    def __init__(self, gates: int, input_size: int, hidden_size: int, num_layers: int) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        rows, bound = gates * hidden_size, hidden_size**-0.5
        for layer in range(num_layers):
            shapes = ((rows, hidden_size if layer else input_size), (rows, hidden_size), (rows,), (rows,))
            for name, shape in zip(stepwise.NAMES, shapes, strict=True):
                self.register_parameter(f"{name}_l{layer}", nn.Parameter(torch.empty(shape).uniform_(-bound, bound)))

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """:data:`~tang.recurrent.stepwise.NAMES` of each layer, as in ``nn.LSTM``."""
        return [[getattr(self, f"{name}_l{layer}") for name in stepwise.NAMES] for layer in range(self.num_layers)]

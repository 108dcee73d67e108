"""The backend ``numpy``: autograd calls the NumPy reference forward and backward."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tang.recurrent import reference
from tang.recurrent.layer import Layer, State, Weights


class Reference(torch.autograd.Function):
    """A layer of :mod:`tang.recurrent.reference`."""

    @staticmethod
    def forward(ctx: Any, cell: reference.Cell, inputs: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        *state, weight_ih, weight_hh, bias_ih, bias_hh = map(_to_numpy, tensors)
        ctx.cell, ctx.weights = cell, reference.Weights(weight_ih, weight_hh, bias_ih, bias_hh)
        ctx.save_for_backward(inputs, *tensors)
        outputs, last, ctx.tape = reference.forward(cell, _to_numpy(inputs), tuple(state), ctx.weights)
        return tuple(torch.from_numpy(array).to(inputs) for array in (outputs, *map(np.copy, last)))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, *d_state: Tensor) -> tuple[Tensor | None, ...]:
        _ = ctx.saved_tensors  # raises if one was changed in place: the NumPy arrays are views of them
        d_inputs, d_first, d_weights = reference.backward(
            ctx.cell, _to_numpy(d_outputs), tuple(map(_to_numpy, d_state)), ctx.tape, ctx.weights
        )
        return None, *(torch.from_numpy(array).to(d_outputs) for array in (d_inputs, *d_first, *d_weights))


def _to_numpy(tensor: Tensor) -> np.ndarray:
    array: np.ndarray = tensor.detach().cpu().numpy()
    return array


def _apply(cell: reference.Cell, inputs: Tensor, state: State, weights: Weights) -> tuple[Tensor, State]:
    outputs, *last = Reference.apply(cell, inputs, *state, *weights)  # type: ignore[no-untyped-call]
    return outputs, tuple(last)


LAYERS: dict[str, Layer] = {"lstm": partial(_apply, reference.LSTM), "rnn": partial(_apply, reference.RNN)}

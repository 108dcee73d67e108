"""Back-propagation through time, derived by hand in ``docs/derivation.md``.

What does not depend on the step before is taken out of the loop: the inputs' part of all
pre-activations is one product, and so is each weight's gradient, summed over all steps::

    Σₜ d_z(t)ᵀ x(t)  =  d_z.flatten(0, 1)ᵀ · x.flatten(0, 1)

Under autocast the products are in its format, bfloat16 say; an LSTM's cells and their gradients stay float32.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tang.kernels import lstm as kernels
from tang.kernels.native import format_of_products, format_of_sums
from tang.recurrent.layer import Layer, State, Weights


class LSTM(torch.autograd.Function):
    """A layer of LSTM cells."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, h_0: Tensor, c_0: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates = _input_part(inputs, weights)
        hidden, cell = _with_room(h_0, inputs), _with_room(c_0, inputs)
        kernels.forward(gates, weights[1], cell, hidden)
        ctx.save_for_backward(inputs, gates, hidden, cell, *weights[:2])
        return hidden[1:], hidden[-1].clone(), cell[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_h: Tensor, d_c: Tensor) -> tuple[Tensor | None, ...]:
        inputs, gates, hidden, cell, weight_ih, weight_hh = ctx.saved_tensors
        d_h, d_c = (d.clone(memory_format=torch.contiguous_format) for d in (d_h, d_c))
        d_z = kernels.backward(gates, weight_hh, cell, d_outputs.contiguous(), d_h, d_c)
        d_inputs = d_z @ weight_ih if ctx.needs_input_grad[0] else None
        return d_inputs, d_h, d_c, *_weight_gradients(d_z, inputs, hidden)


class RNN(torch.autograd.Function):
    """A layer of an Elman net with tanh."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, h_0: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
        pre_activations, hidden = _input_part(inputs, weights), _with_room(h_0, inputs)
        for z, h, next_h in zip(pre_activations, hidden[:-1], hidden[1:], strict=True):
            torch.tanh(torch.addmm(z, h, weights[1].T), out=next_h)
        ctx.save_for_backward(inputs, hidden, *weights[:2])
        return hidden[1:], hidden[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_h: Tensor) -> tuple[Tensor, ...]:
        inputs, hidden, weight_ih, weight_hh = ctx.saved_tensors
        d_z = torch.empty_like(d_outputs)
        for t in reversed(range(len(inputs))):
            torch.mul(d_h + d_outputs[t], 1 - hidden[t + 1] ** 2, out=d_z[t])
            d_h = d_z[t] @ weight_hh
        return d_z @ weight_ih, d_h, *_weight_gradients(d_z, inputs, hidden)


def _input_part(inputs: Tensor, weights: tuple[Tensor, ...]) -> Tensor:
    """All pre-activations (T, B, G·H) as far as the inputs make them."""
    weight_ih, _, bias_ih, bias_hh = weights
    flat = torch.addmm(bias_ih + bias_hh, inputs.flatten(0, 1), weight_ih.T)
    return flat.view(*inputs.shape[:2], -1)


def _with_room(first: Tensor, inputs: Tensor) -> Tensor:
    """(T + 1, B, H): a state, and room for those after it."""
    states = first.new_empty(len(inputs) + 1, *first.shape)
    states[0] = first
    return states


def _weight_gradients(d_z: Tensor, inputs: Tensor, hidden: Tensor) -> Weights:
    """Summed over all steps and the batch, in one product each."""
    flat = d_z.flatten(0, 1)
    d_bias = flat.sum(0)
    return flat.T @ inputs.flatten(0, 1), flat.T @ hidden[:-1].flatten(0, 1), d_bias, d_bias.clone()


def lstm(inputs: Tensor, state: State, weights: Weights) -> tuple[Tensor, State]:
    """A layer as every backend has it."""
    return _apply(LSTM, inputs, state, weights)


def rnn(inputs: Tensor, state: State, weights: Weights) -> tuple[Tensor, State]:
    """A layer as every backend has it."""
    return _apply(RNN, inputs, state, weights)


def _apply(
    layer: type[torch.autograd.Function], inputs: Tensor, state: State, weights: Weights
) -> tuple[Tensor, State]:
    format = format_of_products(inputs)
    inputs, h, *weights_ = (tensor.to(format).contiguous() for tensor in (inputs, state[0], *weights))
    cells = (cell.to(format_of_sums(format)).contiguous() for cell in state[1:])
    with torch.autocast(inputs.device.type, enabled=False):  # products in place take no mixed types
        outputs, *last = layer.apply(inputs, h, *cells, *weights_)
    return outputs, tuple(last)


LAYERS: dict[str, Layer] = {"lstm": lstm, "rnn": rnn}

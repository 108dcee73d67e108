"""Back-propagation through time, derived by hand in ``docs/derivation.md``.

Work that doesn't depend on the previous step is taken out of the loop: the contribution of all inputs to the
pre-activations is one matmul, and so is each weight's gradient, summed over all steps::

    Σₜ d_z(t)ᵀ x(t)  =  d_z.flatten(0, 1)ᵀ · x.flatten(0, 1)

Under autocast the matmuls are in its dtype, such as bfloat16; an LSTM's cell states and their gradients stay float32.
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tang.kernels import lstm as kernels
from tang.kernels.native import accumulation_dtype, matmul_dtype
from tang.recurrent.layer import Layer, State, Weights


class LSTM(torch.autograd.Function):
    """A layer of LSTM cells."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, h_0: Tensor, c_0: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates = _input_contribution(inputs, weights)
        hidden, cell = _allocate_states(h_0, inputs), _allocate_states(c_0, inputs)
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
        pre_activations, hidden = _input_contribution(inputs, weights), _allocate_states(h_0, inputs)
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


def _input_contribution(inputs: Tensor, weights: tuple[Tensor, ...]) -> Tensor:
    """Contribution of the inputs and biases to all pre-activations, (T, B, G·H)."""
    weight_ih, _, bias_ih, bias_hh = weights
    flat = torch.addmm(bias_ih + bias_hh, inputs.flatten(0, 1), weight_ih.T)
    return flat.view(*inputs.shape[:2], -1)


def _allocate_states(first: Tensor, inputs: Tensor) -> Tensor:
    """(T + 1, B, H): the first state, and uninitialized memory for those of all T steps."""
    states = first.new_empty(len(inputs) + 1, *first.shape)
    states[0] = first
    return states


def _weight_gradients(d_z: Tensor, inputs: Tensor, hidden: Tensor) -> Weights:
    """Gradients of the four weights, summed over all steps and the batch in one matmul each."""
    flat = d_z.flatten(0, 1)
    d_bias = flat.sum(0)
    return flat.T @ inputs.flatten(0, 1), flat.T @ hidden[:-1].flatten(0, 1), d_bias, d_bias.clone()


def _apply(
    layer: type[torch.autograd.Function], inputs: Tensor, state: State, weights: Weights
) -> tuple[Tensor, State]:
    """Compute a layer in autocast's dtype."""
    dtype = matmul_dtype(inputs)
    inputs, h, *weights_ = (tensor.to(dtype).contiguous() for tensor in (inputs, state[0], *weights))
    cells = (cell.to(accumulation_dtype(dtype)).contiguous() for cell in state[1:])
    with torch.autocast(inputs.device.type, enabled=False):  # in-place matmuls refuse mixed dtypes
        outputs, *last = layer.apply(inputs, h, *cells, *weights_)
    return outputs, tuple(last)


LAYERS: dict[str, Layer] = {"lstm": partial(_apply, LSTM), "rnn": partial(_apply, RNN)}

"""Back-propagation through time, derived by hand in ``docs/derivation.md``.

What does not depend on the step before is taken out of the loop: the inputs' part of all
pre-activations is one product, and so is each weight's gradient, summed over all steps::

    Σₜ d_z(t)ᵀ x(t)  =  d_z.flatten(0, 1)ᵀ · x.flatten(0, 1)
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tang.recurrent.layer import Layer, State, Weights


class LSTM(torch.autograd.Function):
    """A layer of LSTM cells."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, h_0: Tensor, c_0: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates, recurrent = _input_part(inputs, weights)
        hidden, cell = _with_room(h_0, inputs), _with_room(c_0, inputs)
        for t, gate in enumerate(gates):
            gate.addmm_(hidden[t], recurrent)
            i, f, g, o = gate.chunk(4, dim=1)
            for sigmoidal in (gate[:, : 2 * g.shape[1]], o):
                sigmoidal.sigmoid_()
            g.tanh_()
            torch.addcmul(f * cell[t], i, g, out=cell[t + 1])
            torch.mul(o, torch.tanh(cell[t + 1]), out=hidden[t + 1])
        ctx.save_for_backward(inputs, gates, hidden, cell, *weights[:2])
        return hidden[1:], hidden[-1].clone(), cell[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_h: Tensor, d_c: Tensor) -> tuple[Tensor, ...]:
        inputs, gates, hidden, cell, weight_ih, weight_hh = ctx.saved_tensors
        d_z = torch.empty_like(gates)
        for t in reversed(range(len(inputs))):
            i, f, g, o = gates[t].chunk(4, dim=1)
            tanh_c = torch.tanh(cell[t + 1])
            d_h = d_h + d_outputs[t]
            d_o = d_h * tanh_c
            d_c = d_c + d_h * o * (1 - tanh_c**2)
            d_i, d_f, d_g = d_c * g, d_c * cell[t], d_c * i
            torch.cat([d_i * i * (1 - i), d_f * f * (1 - f), d_g * (1 - g**2), d_o * o * (1 - o)], dim=1, out=d_z[t])
            d_h = d_z[t] @ weight_hh
            d_c = d_c * f
        return d_z @ weight_ih, d_h, d_c, *_weight_gradients(d_z, inputs, hidden)


class RNN(torch.autograd.Function):
    """A layer of an Elman net with tanh."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, h_0: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
        pre_activations, recurrent = _input_part(inputs, weights)
        hidden = _with_room(h_0, inputs)
        for t, z in enumerate(pre_activations):
            torch.tanh(torch.addmm(z, hidden[t], recurrent), out=hidden[t + 1])
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


def _input_part(inputs: Tensor, weights: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """All pre-activations (T, B, G·H) as far as the inputs make them, and what multiplies h, (H, G·H)."""
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    flat = torch.addmm(bias_ih + bias_hh, inputs.flatten(0, 1), weight_ih.T)
    return flat.view(*inputs.shape[:2], -1), weight_hh.T


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
    with torch.autocast(inputs.device.type, enabled=False):  # products in place take no mixed types
        outputs, *last = layer.apply(inputs, *state, *weights)  # type: ignore[no-untyped-call]
    return outputs, tuple(last)


LAYERS: dict[str, Layer] = {"lstm": lstm, "rnn": rnn}

"""The reference: LSTM and Elman layers in NumPy alone, forward and backward, one step at a time::

    outputs, last_state, tape = forward(LSTM, inputs, state, weights)
    d_inputs, d_state, d_weights = backward(LSTM, d_outputs, d_last_state, tape, weights)

Layers are stacked by handing one's outputs to the next. The formulas are those of ``docs/derivation.md``; ``d_x`` is
∂L/∂x and has the shape of ``x``. Arrays are float32 or float64; results have the dtype of the arguments.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray
State = tuple[Array, ...]  # (h, c) of an LSTM, (h,) of an Elman net; each (B, H)


class Weights(NamedTuple):
    """Weights of a layer with G gates, or their gradients."""

    weight_ih: Array  # (G·H, E)
    weight_hh: Array  # (G·H, H)
    bias_ih: Array  # (G·H,)
    bias_hh: Array  # (G·H,)


class Cell(NamedTuple):
    """A recurrent step and its derivative."""

    step: Callable[[Array, State, Weights], tuple[State, Any]]
    """x (B, E), state, weights → next state, values saved for the derivative."""
    step_backward: Callable[[State, Any, Weights], tuple[Array, State, Weights]]
    """∂L/∂(next state), saved values, weights → ∂L/∂x, ∂L/∂state, ∂L/∂weights of this step alone."""


def sigmoid(z: Array) -> Array:
    """σ(z) = 1 / (1 + e⁻ᶻ), written with tanh so that no exponential overflows."""
    return 0.5 * (1 + np.tanh(0.5 * z))


def lstm_step(x: Array, state: State, weights: Weights) -> tuple[State, Any]:
    """Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000."""
    h, c = state
    z_i, z_f, z_g, z_o = np.split(_pre_activations(x, h, weights), 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c_next = f * c + i * g
    tanh_c = np.tanh(c_next)
    return (o * tanh_c, c_next), (x, h, c, i, f, g, o, tanh_c)


def lstm_step_backward(d_state: State, memory: Any, weights: Weights) -> tuple[Array, State, Weights]:
    """The derivative of :func:`lstm_step`."""
    d_h, d_c = d_state
    x, h, c, i, f, g, o, tanh_c = memory
    d_o = d_h * tanh_c
    d_c = d_c + d_h * o * (1 - tanh_c**2)
    d_i, d_f, d_g = d_c * g, d_c * c, d_c * i
    d_z = np.concatenate([d_i * i * (1 - i), d_f * f * (1 - f), d_g * (1 - g**2), d_o * o * (1 - o)], axis=1)
    d_x, d_h_before, d_weights = _pre_activations_backward(d_z, x, h, weights)
    return d_x, (d_h_before, d_c * f), d_weights


def rnn_step(x: Array, state: State, weights: Weights) -> tuple[State, Any]:
    """Elman 1990, with tanh."""
    (h,) = state
    h_next = np.tanh(_pre_activations(x, h, weights))
    return (h_next,), (x, h, h_next)


def rnn_step_backward(d_state: State, memory: Any, weights: Weights) -> tuple[Array, State, Weights]:
    """The derivative of :func:`rnn_step`."""
    (d_h,) = d_state
    x, h, h_next = memory
    d_x, d_h_before, d_weights = _pre_activations_backward(d_h * (1 - h_next**2), x, h, weights)
    return d_x, (d_h_before,), d_weights


LSTM = Cell(lstm_step, lstm_step_backward)
RNN = Cell(rnn_step, rnn_step_backward)


def _pre_activations(x: Array, h: Array, weights: Weights) -> Array:
    z: Array = x @ weights.weight_ih.T + weights.bias_ih + h @ weights.weight_hh.T + weights.bias_hh
    return z


def _pre_activations_backward(d_z: Array, x: Array, h: Array, weights: Weights) -> tuple[Array, Array, Weights]:
    d_bias = d_z.sum(axis=0)
    d_weights = Weights(d_z.T @ x, d_z.T @ h, d_bias, d_bias.copy())
    return d_z @ weights.weight_ih, d_z @ weights.weight_hh, d_weights


def forward(cell: Cell, inputs: Array, state: State, weights: Weights) -> tuple[Array, State, list[Any]]:
    """Run a layer through time, from inputs (T, B, E), T ≥ 1, and the initial state.

    Returns:
        outputs (T, B, H), the last state, and the tape that :func:`backward` reads.
    """
    outputs, tape = [], []
    for x in inputs:
        state, memory = cell.step(x, state, weights)
        outputs.append(state[0])
        tape.append(memory)
    return np.stack(outputs), state, tape


def backward(
    cell: Cell, d_outputs: Array, d_state: State, tape: list[Any], weights: Weights
) -> tuple[Array, State, Weights]:
    """Back-propagation through time, from the last step to the first, after :func:`forward` of the same cell.

    Args:
        d_outputs: (T, B, H), ∂L/∂outputs.
        d_state: ∂L/∂(last state), zeros if the loss doesn't depend on it.

    Returns:
        ∂L/∂inputs (T, B, E), ∂L/∂(first state), and ∂L/∂weights, summed over steps and batch.
    """
    d_inputs = []
    d_weights = Weights(*(np.zeros_like(weight) for weight in weights))
    for d_output, memory in zip(d_outputs[::-1], tape[::-1], strict=True):
        d_h, *d_rest = d_state
        d_x, d_state, d_step = cell.step_backward((d_h + d_output, *d_rest), memory, weights)
        d_inputs.append(d_x)
        for total, part in zip(d_weights, d_step, strict=True):
            total += part
    return np.stack(d_inputs[::-1]), d_state, d_weights


def softmax_cross_entropy(logits: Array, targets: Array) -> tuple[float, Array]:
    """Mean −ln p of ``targets`` (N,) under ``logits`` (N, V), and its gradient (softmax − one-hot) / N, (N, V)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(targets))
    d_logits = np.exp(log_p)
    d_logits[rows, targets] -= 1
    return float(-log_p[rows, targets].mean()), d_logits / len(targets)

"""Penalties on the outputs of the recurrent layers (Merity, McCann and Socher 2017, Revisiting Activation
Regularization for Language RNNs)."""

from torch import Tensor


def squared_size(hidden: Tensor, counts: Tensor) -> Tensor:
    """The sum of the mean h² of each step of ``hidden`` (T, B, H) that ``counts`` (T, B), in float32."""
    return (hidden.float().square().mean(-1) * counts).sum()


def squared_change(hidden: Tensor, counts: Tensor) -> Tensor:
    """The sum of the mean (h_t − h_{t−1})² of each step but the first, where both count."""
    changes = (hidden[1:] - hidden[:-1]).float().square().mean(-1)
    return (changes * (counts[1:] & counts[:-1])).sum()

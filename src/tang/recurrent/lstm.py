"""The LSTM stack, and how it begins."""

import torch
from torch import nn


class LSTM(nn.LSTM):
    """``nn.LSTM``, (B, T, E) → (B, T, H), begun so that it remembers.

    Weights are uniform in ±1/√H, as PyTorch has them. Biases are zero, but for the forget gate's,
    which is one: σ(1) ≈ 0.73 of the cell lives on from step to step, while at σ(0) = 0.5 a gradient
    halves with each character and a couplet's start can't be learnt from its end (Jozefowicz et
    al. 2015, An Empirical Exploration of Recurrent Network Architectures). Weights that are all
    zero would never part: equal units get equal gradients, and a layer of H units acts as one.
    """

    def reset_parameters(self) -> None:
        super().reset_parameters()
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if name.startswith("bias"):
                    parameter.zero_()
                if name.startswith("bias_ih"):
                    forget_gate = slice(self.hidden_size, 2 * self.hidden_size)  # gates stand as i, f, g, o
                    parameter[forget_gate] = 1.0

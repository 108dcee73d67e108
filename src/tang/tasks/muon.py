"""Muon for hidden weight matrices, AdamW for everything else (Jordan et al. 2024)."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer


def is_hidden_matrix(name: str, parameter: Tensor) -> bool:
    """Whether a parameter is a matrix between hidden layers: no embedding, no output layer, no bias."""
    return parameter.ndim == 2 and not {"embedding", "head"} & set(name.split("."))


class Muon(Optimizer):
    """Orthogonalized momentum for hidden matrices, AdamW for embeddings, the output layer and biases.

    Both share the learning rate and the state; the two param groups are the hidden matrices and the others. A matrix
    given without its name counts as a hidden one. ``ns_steps`` is the number of Newton–Schulz iterations.
    """

    takes_names = True  # Tells Task to hand over named parameters

    def __init__(
        self,
        parameters: Iterable[Tensor | tuple[str, Tensor]],
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_steps: int = 5,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        fused: bool | None = None,
    ) -> None:
        named = [("", entry) if isinstance(entry, Tensor) else entry for entry in parameters]
        hidden = [parameter for name, parameter in named if is_hidden_matrix(name, parameter)]
        others = [parameter for name, parameter in named if not is_hidden_matrix(name, parameter)]
        # Muon's steps are scaled to the RMS of AdamW's, so that both share a learning rate (Liu et al. 2025).
        muon = {"momentum": momentum, "nesterov": nesterov, "ns_steps": ns_steps, "adjust_lr_fn": "match_rms_adamw"}
        self._optimizers = (
            torch.optim.Muon([{"params": hidden}], lr, weight_decay, **muon),  # type: ignore[arg-type]
            AdamW([{"params": others}], lr, betas, eps, weight_decay, fused=fused),
        )
        super().__init__([group for optimizer in self._optimizers for group in optimizer.param_groups], {})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Step both optimizers on their param group."""
        loss = torch.enable_grad()(closure)() if closure else None
        # State and groups are this optimizer's own, which load_state_dict replaces and schedules change.
        for optimizer, group in zip(self._optimizers, self.param_groups, strict=True):
            optimizer.state, optimizer.param_groups = self.state, [group]
            optimizer.step()
        return loss

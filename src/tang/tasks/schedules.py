"""Learning-rate schedules as Lightning's scheduler configs.

The config's ``scheduler`` group makes partials of these functions; the task adds the optimizer and the number of steps.
"""

import math
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from tang.errors import InputError


def none(optimizer: Optimizer, total_steps: float) -> dict[str, Any] | None:
    """A constant learning rate."""
    return None


def cosine(optimizer: Optimizer, total_steps: float, *, warmup: float, final: float) -> dict[str, Any]:
    """A linear rise over the fraction ``warmup`` of all steps, then a cosine down to ``final`` × the learning rate.

    An InputError if the number of steps is infinite.
    """
    if math.isinf(total_steps):
        raise InputError("scheduler=cosine needs an end: set trainer.max_epochs or trainer.max_steps, not -1")
    rise = max(1, round(warmup * total_steps))

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / (rise + 1)
        progress = min(1.0, (step - rise) / max(1.0, total_steps - rise))
        return final + (1 - final) * (1 + math.cos(math.pi * progress)) / 2

    return {"scheduler": LambdaLR(optimizer, factor), "interval": "step"}


def plateau(optimizer: Optimizer, total_steps: float, *, factor: float, patience: int) -> dict[str, Any]:
    """The learning rate times ``factor`` whenever ``val/loss`` hasn't fallen for ``patience`` validations."""
    scheduler = ReduceLROnPlateau(optimizer, factor=factor, patience=patience)
    return {"scheduler": scheduler, "interval": "epoch", "monitor": "val/loss"}

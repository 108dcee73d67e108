"""A search gives up runs that others are ahead of."""

import math
from collections.abc import Callable
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from tang.runs.sweep import LOSS


class Pruning(Callback):
    """Ends the training when ``is_hopeless`` says so, which is told of each validation.

    Args:
        is_hopeless: (number of the validation, from 1; its ``val/loss``) → whether to give the run up.
    """

    def __init__(self, is_hopeless: Callable[[int, float], bool]) -> None:
        self.is_hopeless = is_hopeless
        self.validations = 0
        self.gave_up = False

    def state_dict(self) -> dict[str, Any]:
        return {"validations": self.validations, "gave_up": self.gave_up}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.validations, self.gave_up = state_dict["validations"], state_dict["gave_up"]

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        loss = float(trainer.callback_metrics.get(LOSS, math.nan))
        if not trainer.sanity_checking and math.isfinite(loss):  # if it isn't, the run ends anyway
            self.validations += 1
            self.gave_up = self.is_hopeless(self.validations, loss)
            trainer.should_stop |= self.gave_up

"""Lightning's progress bar, which doesn't hold up training."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import RichProgressBar


class Bar(RichProgressBar):
    """Shows metrics as often as they are logged: to read them the host waits for a GPU. Drawn twice a second."""

    def __init__(self) -> None:
        super().__init__(refresh_rate=2)
        self._shown: dict[str, Any] = {}

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        if trainer.validating or trainer.global_step % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            self._shown = super().get_metrics(trainer, pl_module)
        return self._shown

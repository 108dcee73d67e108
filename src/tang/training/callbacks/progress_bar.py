"""A progress bar that doesn't make the host wait for a GPU."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import RichProgressBar


class ProgressBar(RichProgressBar):
    """Lightning's rich bar, drawn twice a second; reads metrics as rarely as they are logged, since reading waits."""

    def __init__(self) -> None:
        super().__init__(refresh_rate=2)
        self._shown: dict[str, Any] = {}

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        if trainer.validating or trainer.global_step % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            self._shown = super().get_metrics(trainer, pl_module)
        return self._shown

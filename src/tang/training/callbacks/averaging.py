"""Validate and save an exponential moving average of the weights, in place of the last ones."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint, EMAWeightAveraging


class Averaging(EMAWeightAveraging, Checkpoint):
    """Lightning's averaging, so that sample poems and ``best.ckpt`` have the averaged weights too.

    Lightning swaps back before the hooks that write these, and a checkpoint that is written within a validation would
    have the two kinds of weights exchanged. As a :class:`Checkpoint` it goes last.

    Args:
        decay: of the average at each step: it has about 1 / (1 − decay) steps.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(use_buffers=False, decay=decay)
        self._is_swapped = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._device = trainer.strategy.root_device  # where the model is moved to after this
        super().setup(trainer, pl_module, stage)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Nothing: :meth:`on_validation_end` swaps back."""

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._is_swapped:
            self._swap_models(pl_module)

    def _swap_models(self, pl_module: LightningModule) -> None:
        super()._swap_models(pl_module)
        self._is_swapped = not self._is_swapped

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(trainer, pl_module, checkpoint)
        if self._is_swapped:
            averaged, current = checkpoint["current_model_state"], checkpoint["state_dict"]
            checkpoint["state_dict"], checkpoint["current_model_state"] = averaged, current

"""Lightning's training loop with a hook between batches at which a run can be saved and resumed exactly.

Lightning saves in hooks that run while a batch, a validation or an epoch is being finished, and on resuming guesses
from its counters which of these had been done: a validation, a plateau scheduler's step or an epoch's mean may then be
left out or done twice. Here ``last.ckpt`` is written at two places only::

    batch: forward, backward, step, its values logged
      ▲ 1: validation due            is_validation_due is saved; the resumed run validates first
    validation, schedulers that follow it
      ▲ 2: all done                  the resumed run takes the next batch, or ends the epoch, first

Everything else of the loops is Lightning's; the private classes are those of version 2.6.
"""

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loops.fetchers import _DataFetcher
from pytorch_lightning.loops.fit_loop import _FitLoop
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop


class EpochLoop(_TrainingEpochLoop):
    """Calls ``between_batches`` after each batch, once its validation and learning-rate schedulers have run."""

    def __init__(self, trainer: pl.Trainer, theirs: _TrainingEpochLoop, between_batches: Callable[[], None]) -> None:
        super().__init__(trainer, theirs.min_steps, theirs.max_steps)
        self.between_batches = between_batches
        self.is_validation_due = False

    def on_run_start(self, data_fetcher: _DataFetcher) -> None:
        super().on_run_start(data_fetcher)
        if self.is_resuming:
            # The counters are restored: from here on the loop runs as if it had never been stopped.
            self.trainer.fit_loop._restarting = self.restarting = self._resuming_from_checkpoint = False
            if self.is_validation_due:
                self.on_advance_end(data_fetcher)

    def on_advance_end(self, data_fetcher: _DataFetcher) -> None:
        self.is_validation_due = True
        super().on_advance_end(data_fetcher)
        self.is_validation_due = False
        self.between_batches()

    def on_save_checkpoint(self) -> dict[str, Any]:
        return {**super().on_save_checkpoint(), "is_validation_due": self.is_validation_due}

    def on_load_checkpoint(self, state_dict: dict[str, Any]) -> None:
        super().on_load_checkpoint(state_dict)
        self.is_validation_due = state_dict["is_validation_due"]


class FitLoop(_FitLoop):
    """Ends the epoch of a checkpoint that was taken after its last batch, even if no batch is left to train on."""

    def __init__(self, trainer: pl.Trainer, theirs: _FitLoop, between_batches: Callable[[], None]) -> None:
        super().__init__(trainer, theirs.min_epochs, theirs.max_epochs)
        self.epoch_loop = EpochLoop(trainer, theirs.epoch_loop, between_batches)

    def setup_data(self) -> None:
        super().setup_data()
        self._load_combined_loader_states()  # Lightning forgets them if a schedule has asked for the number of steps

    @property
    def done(self) -> bool:
        return not self.is_resuming and super().done

"""Training speed as a curve, one line for each epoch, and a progress bar."""

import logging
import time
from datetime import timedelta
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import RichProgressBar

from tang.data.batches import Batch
from tang.data.name_batches import NameBatch
from tang.tasks.base import Task

log = logging.getLogger(__name__)


class Progress(Callback):
    """Logs ``train/tokens_per_second`` and, after each epoch, a line with the losses.

    Tokens are characters read, without padding; the time is that of training with its data loading,
    without validation.
    """

    def __init__(self) -> None:
        self.tokens = 0.0
        self.seconds = 0.0
        self.validated = False
        self.first = [0.0, 0.0]  # tokens and seconds after the first batch
        self.logged = [0.0, 0.0]  # and when the speed was logged last
        self.elapsed = 0.0  # seconds before this process
        self._started = self._last = time.perf_counter()

    def state_dict(self) -> dict[str, Any]:
        kept = {name: getattr(self, name) for name in ("tokens", "seconds", "validated", "first", "logged")}
        return {**kept, "elapsed": 60 * self.minutes}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for name in self.state_dict():
            setattr(self, name, state_dict[name])

    @property
    def minutes(self) -> float:
        """Minutes since the run was started, without those between a stop and resuming."""
        return (self.elapsed + time.perf_counter() - self._started) / 60

    @property
    def tokens_per_second(self) -> float:
        """Mean speed since the first batch, in which memory is allocated and kernels are loaded."""
        tokens, seconds = self.first if self.tokens > self.first[0] else (0, 0.0)
        return (self.tokens - tokens) / max(self.seconds - seconds, 1e-9)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._last = time.perf_counter()

    on_train_epoch_start = on_train_start

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._last = time.perf_counter()
        self.validated = not trainer.sanity_checking

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch | NameBatch, batch_idx: int
    ) -> None:
        now = time.perf_counter()
        self.tokens += batch.num_tokens * trainer.world_size  # of all devices
        self.seconds, self._last = self.seconds + now - self._last, now
        if not self.first[0]:
            self.first = [self.tokens, self.seconds]
        if trainer.global_step % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            tokens, seconds = self.logged
            pl_module.log("train/tokens_per_second", (self.tokens - tokens) / max(self.seconds - seconds, 1e-9))
            self.logged = [self.tokens, self.seconds]

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, Task)
        losses = {"train/loss": pl_module.train_loss.compute()}
        if self.validated:  # in this epoch
            losses |= {name: trainer.callback_metrics[name] for name in ("val/loss", pl_module.key_metrics[0])}
        self.validated = False
        done, planned = trainer.current_epoch + 1, trainer.max_epochs or -1
        elapsed = timedelta(seconds=round(self.seconds))
        total = timedelta(seconds=round(self.seconds * planned / done))
        log.info(
            "epoch %s  %s  %s tokens/s  %s",
            f"{done}/{planned}" if planned > 0 else done,
            "  ".join(f"{name} {value:.4g}" for name, value in losses.items()),
            f"{self.tokens_per_second:,.0f}",
            f"{elapsed} of about {total}" if planned > done else elapsed,
        )


class ProgressBar(RichProgressBar):
    """Lightning's rich bar, drawn twice a second, with epochs counted from 1 as in the log.

    It reads metrics as rarely as they are logged, since reading waits.
    """

    def __init__(self) -> None:
        super().__init__(refresh_rate=2)
        self._shown: dict[str, Any] = {}

    def _get_train_description(self, current_epoch: int) -> str:
        of = "" if self.trainer.max_epochs in (None, -1) else f"/{self.trainer.max_epochs}"
        return f"Epoch {current_epoch + 1}{of}".ljust(len(self.validation_description))

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        if trainer.validating or trainer.global_step % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            self._shown = super().get_metrics(trainer, pl_module)
        return self._shown

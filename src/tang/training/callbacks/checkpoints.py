"""Save the checkpoints of a run: the best weights, and everything that resuming needs."""

import io
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint, Timer
from pytorch_lightning.plugins.io import TorchCheckpointIO
from torch import Tensor

from tang.atomic import atomic_write
from tang.checkpoint import RUN_STATE
from tang.errors import DivergedError, InputError
from tang.runs.run import RunFolder
from tang.shutdown import Stop
from tang.tasks.base import Task
from tang.training.callbacks.event_files import event_file_sizes
from tang.training.callbacks.random_states import of_all_ranks, resume_random_states


class Checkpoints(Checkpoint):
    """Saves ``best.ckpt``, the weights of the lowest ``val/loss``, and ``last.ckpt``, which resumes a run exactly.

    ``last.ckpt`` is written after every epoch, when the previous one is ``minutes`` old, and when the process has been
    asked to stop; on several hosts, of which one may vanish, after the first batch too. Beside weights, optimizer and
    counters it has the random states, the running means of the epoch and the sizes of TensorBoard's files, so that
    points logged after it can be cut off.

    Args:
        folder: of the run.
        minutes: most minutes of training that can be lost when the process is killed; a validation isn't interrupted.
        stop: whether the run is asked to stop, and the exit code it then ends with.
    """

    def __init__(self, folder: RunFolder, minutes: float, stop: Stop) -> None:
        self.best, self.last = folder.best, folder.last
        self._folder = folder
        self.minutes = minutes
        self.stop = stop
        self.best_metrics: dict[str, float] = {}  # of the validation with the lowest val/loss; empty before the first
        self.has_begun = False  # whether training has begun, after all states of a checkpoint have been restored
        self._saved_at = time.monotonic()
        self._resumed: dict[str, Any] | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._resumed:
            trainer.callback_metrics.update({n: torch.tensor(v) for n, v in self._resumed["metrics"].items()})
            trainer.should_stop = self._resumed["should_stop"]
            resume_random_states(trainer, self._resumed["random"])
        self._saved_at = time.monotonic() if trainer.num_nodes == 1 else -math.inf
        self.stop.install_handlers()  # Lightning has handlers of its own
        self.stop.deferred = self.has_begun = True

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.stop.install_handlers()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.stop.deferred = False
        if self._any_rank(trainer, self.stop.requested is not None):
            self._end(trainer)

    def on_validation_batch_end(self, trainer: Trainer, *args: Any, **kwargs: Any) -> None:
        if self._can_save(trainer) and self._any_rank(trainer, self.stop.requested is not None):
            self._save(trainer)
            self._end(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.sanity_checking and "val/loss" in trainer.callback_metrics:
            metrics = {name: float(value) for name, value in trainer.callback_metrics.items() if "val/" in name}
            if not math.isfinite(metrics["val/loss"]):
                raise DivergedError(f"val/loss is {metrics['val/loss']} after step {trainer.global_step}")
            if not self.best_metrics or metrics["val/loss"] < self.best_metrics["val/loss"]:
                self.best_metrics = metrics
                trainer.save_checkpoint(self.best, weights_only=True)

    def between_batches(self, trainer: Trainer) -> None:
        """Save if a save is due; end the run if it was asked to stop."""
        is_asked = self.stop.requested is not None
        is_old = time.monotonic() - self._saved_at >= 60 * self.minutes
        is_due = trainer.fit_loop.epoch_loop.done or self._any_rank(trainer, is_asked or is_old)
        if is_due and self._can_save(trainer):
            self._save(trainer)
            if self._any_rank(trainer, is_asked):
                self._end(trainer)

    def _end(self, trainer: Trainer) -> NoReturn:
        """End with the exit code of the stop; on other ranks with 0, or Lightning would kill the first process."""
        raise SystemExit(self.stop.exit_code if trainer.is_global_zero else 0)

    def _save(self, trainer: Trainer) -> None:
        trainer.save_checkpoint(self.last, weights_only=False)
        self._saved_at = time.monotonic()

    def _can_save(self, trainer: Trainer) -> bool:
        """Whether the run trains, and no accumulated gradients wait for further batches."""
        return self.stop.deferred and not trainer.fit_loop.epoch_loop._should_accumulate()

    @staticmethod
    def _any_rank(trainer: Trainer, decision: bool) -> bool:
        """Whether the decision is true on any rank."""
        return decision if trainer.world_size == 1 else trainer.strategy.reduce_boolean_decision(decision, all=False)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        assert isinstance(pl_module, Task)
        checkpoint[RUN_STATE] = {
            "best_metrics": self.best_metrics,
            "metrics": {name: float(value) for name, value in trainer.callback_metrics.items()},
            "should_stop": trainer.should_stop and not time_is_up(trainer),
            "random": of_all_ranks(trainer),
            "means": pl_module.means_state(),
            "curves": event_file_sizes(trainer, self._folder),
        }

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        assert isinstance(pl_module, Task)
        self._resumed = checkpoint[RUN_STATE]
        self.best_metrics = dict(checkpoint[RUN_STATE]["best_metrics"])
        if trainer.is_global_zero:  # the means cover all devices
            pl_module.load_means_state(checkpoint[RUN_STATE]["means"])


def time_is_up(trainer: Trainer) -> bool:
    """Whether ``trainer.max_time`` has passed; a resumed run may be given more."""
    timers = [callback for callback in trainer.callbacks if isinstance(callback, Timer)]  # type: ignore[attr-defined]
    return any(remaining is not None and remaining <= 0 for remaining in (timer.time_remaining() for timer in timers))


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints atomically, and none with numbers that aren't finite."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a file; a DivergedError if its numbers aren't finite, an InputError if it can't be written."""
        for group in ("state_dict", "optimizer_states"):
            if not all(bool(tensor.isfinite().all()) for tensor in _tensors(checkpoint.get(group))):
                raise DivergedError(f"{path}: not written, the {group} has numbers that aren't finite")
        content = io.BytesIO()
        torch.save(checkpoint, content)
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            atomic_write(Path(path), lambda file: file.write(content.getbuffer()))
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}; the checkpoint before it is unchanged") from error


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [tensor for item in inner for tensor in _tensors(item)]

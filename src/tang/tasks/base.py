"""The base of the tasks: optimization, metrics and logging."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from tang.config.model import ModelConfig
from tang.data.batches import BatchLoader
from tang.errors import DivergedError
from tang.tasks.saved import Saved


class Mean(MeanMetric):
    """A weighted mean that is NaN if one of its values is.

    torchmetrics 1.9 would check each update for NaN, which synchronizes with a GPU.
    """

    def update(self, value: Tensor, weight: Tensor | float = 1.0) -> None:  # type: ignore[override]
        """Add values with a weight for each, or one for all."""
        self.mean_value += (value * weight).sum()
        self.weight += weight.sum() if isinstance(weight, Tensor) else weight * value.numel()


class SplitMetrics(nn.Module):
    """Metrics over a whole split, each target with equal weight, whatever the batches."""

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Add a batch: the task's outputs, see :meth:`tang.tasks.base.Task.outputs`, and their targets."""
        raise NotImplementedError

    def compute(self) -> dict[str, Tensor]:
        """The value of each metric, ``loss`` first; resets them."""
        raise NotImplementedError


class Task(Saved, LightningModule):
    """A network that learns from a data module, and is saved as plain values.

    Args:
        optimizer: (parameters) → optimizer, for training; with ``takes_names`` it is given (name, parameter).
        scheduler: (optimizer, number of steps) → Lightning's scheduler config.
    """

    learns_from: ClassVar[type[LightningDataModule]]  # The class of its data modules
    metrics: ClassVar[Mapping[str, Any]]  # Name of each metric of val and test besides loss → how it is computed
    val_metrics: SplitMetrics
    test_metrics: SplitMetrics

    def __init__(
        self, optimizer: Callable[..., Optimizer] | None = None, scheduler: Callable[..., Any] | None = None
    ) -> None:
        super().__init__()
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.train_loss = Mean()
        self._loss = torch.zeros(())

    @classmethod
    def from_data(cls, data: Any, model: ModelConfig, **partials: Any) -> "Task":
        """The task for a data module; ``partials`` are the arguments of Task."""
        raise NotImplementedError

    @property
    def key_metrics(self) -> tuple[str, ...]:
        """Metrics shown in summaries; the first one is shown after every epoch."""
        return tuple(f"{split}/{name}" for split in ("val", "test") for name in self.metrics)

    def check_data(self, data: Any) -> None:
        """Raise InputError if this model, an initial checkpoint, can't be trained on ``data``."""

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["task"] = self.task

    def means_state(self) -> dict[str, list[float]]:
        """Each mean over this epoch's training batches so far, of all ranks: weighted sum, weight, updates."""
        state = {}
        for name, mean in self._means():
            with mean.sync_context():
                state[name] = [float(mean.mean_value), float(mean.weight), mean._update_count]
        return state

    def load_means_state(self, state: Mapping[str, Sequence[float]]) -> None:
        """Resume the means of an epoch from :meth:`means_state`."""
        for name, mean in self._means():
            value, weight, updates = state[name]
            mean.mean_value.fill_(value)
            mean.weight.fill_(weight)
            mean._update_count = int(updates)

    def _means(self) -> Iterator[tuple[str, Mean]]:
        """The means of training; validation and test have theirs in modules of their own."""
        return ((name, child) for name, child in self.named_children() if isinstance(child, Mean))

    def on_fit_start(self) -> None:
        if self.global_rank:  # all ranks were seeded alike, but their dropout masks must differ
            torch.manual_seed(torch.initial_seed() + self.global_rank)

    def on_train_epoch_start(self) -> None:
        # Lightning's own call of set_epoch is one epoch ahead in a run that was resumed at the end of an
        # epoch. In a run resumed within an epoch the number comes with the loader's state.
        loader = self.trainer.train_dataloader
        if isinstance(loader, BatchLoader):
            loader.set_epoch(self.current_epoch)

    @property
    def is_step_logged(self) -> bool:
        """Whether this training step is logged; Lightning's logging costs time even where the logger gets nothing."""
        return bool((self.trainer.global_step + 1) % self.trainer.log_every_n_steps == 0)  # type: ignore[attr-defined]

    def metrics_of_loss(self, loss: Tensor) -> dict[str, Tensor]:
        """The metrics of training that follow from the mean loss of a batch or an epoch."""
        return {"loss": loss}

    def add_train_loss(self, loss: Tensor, count: float) -> None:
        """Add a batch's mean loss over ``count`` targets to the epoch's mean, and log its mean over ranks."""
        self._loss = loss.detach()
        self.train_loss.update(self._loss, count)
        if self.is_step_logged:
            mean = self.trainer.strategy.reduce(self._loss.clone(), reduce_op="mean")
            for name, value in self.metrics_of_loss(mean).items():
                self.log(f"train/{name}", value, prog_bar=name == "loss", batch_size=1)

    def configure_gradient_clipping(
        self, optimizer: Optimizer, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        """Clip gradients, and log their norm before that; a DivergedError if it or the loss isn't finite.

        Lightning's own clipping refuses fused optimizers in every mixed precision, though only float16, whose
        gradients are scaled, conflicts with them.
        """
        is_scaled = getattr(self.trainer.precision_plugin, "scaler", None) is not None
        by_norm = gradient_clip_algorithm in (None, "norm") and not is_scaled
        norm = nn.utils.clip_grad_norm_(self.parameters(), (gradient_clip_val or math.inf) if by_norm else math.inf)
        checked = 0.0 if is_scaled else norm  # a scaler skips steps with such gradients and lowers its scale
        if not math.isfinite(self._loss + checked):
            batch, epoch = self.trainer.fit_loop.epoch_loop.batch_idx + 1, self.current_epoch + 1
            raise DivergedError(
                f"train/loss is {float(self._loss):.4g} and its gradients' norm {float(checked):.4g} at batch {batch} "
                f"of epoch {epoch}; the step was not applied"
            )
        if not by_norm:
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)
        if self.is_step_logged:
            self.log_dict({"train/grad_norm": norm, "train/lr": optimizer.param_groups[0]["lr"]}, batch_size=1)

    def on_train_epoch_end(self) -> None:
        for name, value in self.metrics_of_loss(self.train_loss.compute()).items():
            self.log(f"train/{name}_epoch", value, sync_dist=True)
        self.train_loss.reset()

    def outputs(self, batch: Any) -> Tensor:
        """The input of the metrics of val and test, one entry for each of ``batch.targets``."""
        raise NotImplementedError

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.val_metrics.update(self.outputs(batch), batch.targets)

    def test_step(self, batch: Any, batch_idx: int) -> None:
        self.test_metrics.update(self.outputs(batch), batch.targets)

    def on_validation_epoch_end(self) -> None:
        self._log_metrics("val", self.val_metrics)

    def on_test_epoch_end(self) -> None:
        self._log_metrics("test", self.test_metrics)

    def _log_metrics(self, split: str, metrics: SplitMetrics) -> None:
        for name, value in metrics.compute().items():
            self.log(f"{split}/{name}", value, prog_bar=f"{split}/{name}" == self.key_metrics[0], sync_dist=True)

    def configure_optimizers(self) -> Any:
        assert self.optimizer is not None, "training needs an optimizer"
        takes_names = getattr(getattr(self.optimizer, "func", None), "takes_names", False)
        # Other optimizers would take names too, and save them with their state.
        optimizer = self.optimizer(self.named_parameters() if takes_names else self.parameters())
        schedule = self.scheduler(optimizer, self.trainer.estimated_stepping_batches) if self.scheduler else None
        return {"optimizer": optimizer, "lr_scheduler": schedule} if schedule else optimizer

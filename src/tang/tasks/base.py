"""What every task shares: how it is optimized, what it logs of its training."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import torch
from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from tang.data.batches import BatchLoader
from tang.errors import DivergedError


class Mean(MeanMetric):
    """A weighted mean that isn't a number if one of its values isn't.

    torchmetrics 1.9 would look for such values in every update, for which the host has to wait for a GPU.
    """

    def update(self, value: Tensor, weight: Tensor | float = 1.0) -> None:  # type: ignore[override]
        """``weight``: one for each value, or a number for all."""
        self.mean_value += (value * weight).sum()
        self.weight += weight.sum() if isinstance(weight, Tensor) else weight * value.numel()


class Task(LightningModule):
    """A network that learns from a data module.

    Its checkpoint carries plain values only, and its name, ``task``; ``optimizer`` and
    ``scheduler`` stay outside.

    Args:
        optimizer: parameters → optimizer. Not needed for anything but training.
        scheduler: optimizer, number of steps → Lightning's scheduler config.
    """

    what: ClassVar[str]
    """It, in words for its user."""

    command: ClassVar[str]
    """How to train one."""

    read_by: ClassVar[str]
    """The scripts that read its checkpoints."""

    learns_from: ClassVar[type[LightningDataModule]]
    """The data module whose batches it takes."""

    saved: ClassVar[tuple[str, ...]]
    """Its arguments that the checkpoint carries."""

    configs: ClassVar[Mapping[str, type]]
    """The config dataclasses that describe the saved ``model`` and ``data``."""

    headline: ClassVar[tuple[str, ...]]
    """Of what it logs, the figures that a run is told by; the first is shown after every epoch."""

    def __init__(
        self,
        optimizer: Callable[..., Optimizer] | None = None,
        scheduler: Callable[..., dict[str, Any] | None] | None = None,
    ) -> None:
        super().__init__()
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.train_loss = Mean()
        self._loss = torch.zeros(())

    @classmethod
    def from_data(cls, data: Any, model: Mapping[str, Any], arguments: Mapping[str, Any], **handed_over: Any) -> "Task":
        """The task for a data module of the class ``learns_from``, with all that its checkpoint must know of it.

        Args:
            data: the module.
            model: arguments of the network.
            arguments: what the module was made with.
            handed_over: ``optimizer`` and ``scheduler``.
        """
        raise NotImplementedError

    @classmethod
    def check_saved(cls, fields: Mapping[str, Any]) -> None:
        """Check what a checkpoint saved; the types and the fields of :attr:`configs` have been checked.

        Args:
            fields: :attr:`saved` → value.

        Raises:
            ValueError: names the field that no checkpoint of this class can have.
        """

    def check_data(self, data: Any) -> None:
        """Refuse to train this model, an initial checkpoint, on ``data``.

        Raises:
            InputError: the data isn't of the kind that it was trained on.
        """

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["task"] = type(self).__name__

    def means_so_far(self) -> dict[str, list[float]]:
        """Of each mean of the training so far in this epoch, over all devices: weighted sum, weight, updates."""
        means = {}
        for name, mean in self._means():
            with mean.sync_context():
                means[name] = [float(mean.mean_value), float(mean.weight), mean._update_count]
        return means

    def go_on_with_means(self, means: Mapping[str, Sequence[float]]) -> None:
        """Begin the rest of the epoch with what :meth:`means_so_far` returned."""
        for name, mean in self._means():
            value, weight, updates = means[name]
            mean.mean_value.fill_(value)
            mean.weight.fill_(weight)
            mean._update_count = int(updates)

    def _means(self) -> Iterator[tuple[str, Mean]]:
        """Those of the training; validation and test have theirs in modules of their own."""
        return ((name, child) for name, child in self.named_children() if isinstance(child, Mean))

    def on_fit_start(self) -> None:
        if self.global_rank:  # all processes were seeded alike; each is to drop other elements
            torch.manual_seed(torch.initial_seed() + self.global_rank)

    def on_train_epoch_start(self) -> None:
        # Lightning could call set_epoch itself, but with a number that is one too high once a run has
        # been resumed at the end of an epoch. In the middle of one the loader's state has it.
        loader = self.trainer.train_dataloader
        if isinstance(loader, BatchLoader):
            loader.set_epoch(self.current_epoch)

    def log_step(self, values: Mapping[str, Tensor | float], prog_bar: bool = False) -> None:
        """Log what a step came to, if this one goes to the logger: what Lightning does for others takes time too."""
        if self.is_step_logged:
            self.log_dict(dict(values), prog_bar=prog_bar, batch_size=1)

    @property
    def is_step_logged(self) -> bool:
        """Whether what this step comes to goes to the logger."""
        is_logged: bool = (self.trainer.global_step + 1) % self.trainer.log_every_n_steps == 0  # type: ignore[attr-defined]
        return is_logged

    def add_train_loss(self, loss: Tensor, count: float) -> None:
        """Add a batch's mean loss over ``count`` targets to the epoch's, and log it; of several devices, their mean."""
        self._loss = loss.detach()
        self.train_loss.update(self._loss, count)
        if self.is_step_logged:
            self.log_train_step(self.trainer.strategy.reduce(self._loss.clone(), reduce_op="mean"))

    def log_train_step(self, loss: Tensor) -> None:
        """Log what a step came to before the gradients, its loss first."""
        self.log_step({"train/loss": loss}, prog_bar=True)

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip, and log the norm before it.

        Lightning's own clipping refuses fused optimizers in every mixed precision, though only
        that of float16, whose gradients are scaled, is in their way.
        """
        is_scaled = getattr(self.trainer.precision_plugin, "scaler", None) is not None
        by_norm = gradient_clip_algorithm in (None, "norm") and not is_scaled
        norm = nn.utils.clip_grad_norm_(self.parameters(), (gradient_clip_val or math.inf) if by_norm else math.inf)
        self.check_finite(torch.zeros(()) if is_scaled else norm)  # a scaler skips such steps, and scales less
        if not by_norm:
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)
        self.log_step({"train/grad_norm": norm, "train/lr": optimizer.param_groups[0]["lr"]})

    def check_finite(self, norm: Tensor) -> None:
        """Refuse to apply a step that would spoil the weights.

        Raises:
            DivergedError: the batch's loss or its gradients' ``norm`` isn't a finite number; says at which batch.
        """
        if not math.isfinite(float(self._loss + norm.to(self._loss.device))):
            batch, epoch = self.trainer.fit_loop.epoch_loop.batch_idx + 1, self.current_epoch + 1
            raise DivergedError(
                f"train/loss is {float(self._loss):.4g} and its gradients' norm {float(norm):.4g} at batch {batch} of "
                f"epoch {epoch}; the step was not applied"
            )

    def on_train_epoch_end(self) -> None:
        self.log_train_epoch(self.train_loss.compute())
        self.train_loss.reset()

    def log_train_epoch(self, loss: Tensor) -> None:
        """Log what an epoch came to, its mean loss first."""
        self.log("train/loss_epoch", loss, sync_dist=True)

    def configure_optimizers(self) -> Any:
        assert self.optimizer is not None, "an optimizer is handed over for training"
        optimizer = self.optimizer(self.parameters())
        schedule = self.scheduler(optimizer, self.trainer.estimated_stepping_batches) if self.scheduler else None
        return {"optimizer": optimizer, "lr_scheduler": schedule} if schedule else optimizer

"""What every task shares: how it is optimized, what it logs of its training."""

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from tang.data.batches import BatchLoader


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

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["task"] = type(self).__name__

    def on_train_epoch_start(self) -> None:
        # Lightning could call set_epoch itself, but with a number that is one too high once a run has
        # been resumed at the end of an epoch. In the middle of one the loader's state has it.
        loader = self.trainer.train_dataloader
        if isinstance(loader, BatchLoader):
            loader.set_epoch(self.current_epoch)

    def log_step(self, values: Mapping[str, Tensor | float], prog_bar: bool = False) -> None:
        """Log what a step came to, if this one goes to the logger: what Lightning does for others takes time too."""
        if (self.trainer.global_step + 1) % self.trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            self.log_dict(dict(values), prog_bar=prog_bar, batch_size=1)

    def add_train_loss(self, loss: Tensor, count: int) -> None:
        """Add a batch's mean loss over ``count`` targets to the epoch's, and log it."""
        self.train_loss.update(loss.detach(), count)
        self.log_step({"train/loss": loss.detach()}, prog_bar=True)

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
        if not by_norm:
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)
        self.log_step({"train/grad_norm": norm, "train/lr": optimizer.param_groups[0]["lr"]})

    def on_train_epoch_end(self) -> None:
        if self.train_loss.update_called:  # not so in a run resumed at the very end of an epoch
            self.log_train_epoch(self.train_loss.compute())
            self.train_loss.reset()

    def log_train_epoch(self, loss: Tensor) -> None:
        """Log what an epoch came to, its mean loss first."""
        self.log("train/loss_epoch", loss)

    def configure_optimizers(self) -> Any:
        assert self.optimizer is not None, "an optimizer is handed over for training"
        optimizer = self.optimizer(self.parameters())
        schedule = self.scheduler(optimizer, self.trainer.estimated_stepping_batches) if self.scheduler else None
        return {"optimizer": optimizer, "lr_scheduler": schedule} if schedule else optimizer

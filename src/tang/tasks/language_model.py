"""The language model as a LightningModule: loss, metrics, optimizer."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from tang.corpus.forms import DEFAULT_FORM, form_named, hanzi
from tang.data.batches import Batch, PoemLoader
from tang.data.vocabulary import PAD, UNK, Vocabulary
from tang.tasks.network import Network


class LanguageModel(LightningModule):
    """Learns to predict the next character of a poem.

    The checkpoint carries ``model``, ``vocabulary``, ``data``, ``corpus`` and ``form``, plain values all of them;
    ``optimizer`` and ``scheduler`` stay outside.

    Args:
        model: arguments of :class:`~tang.tasks.network.Network` but the vocabulary's size.
        vocabulary: its symbols, in the order of their ids.
        data: arguments of the data module that the model was trained with.
        corpus: the fingerprint of its source.
        form: the one to write in unless told otherwise: the commonest among its poems.
        optimizer: parameters → optimizer. Not needed for anything but training.
        scheduler: optimizer, number of steps → Lightning's scheduler config.
    """

    is_hanzi: Tensor
    """(V,) bool: the symbols that ``ppl_hanzi`` counts; ``<unk>``, a rare character, is one."""

    def __init__(
        self,
        model: Mapping[str, Any],
        vocabulary: Sequence[str],
        data: Mapping[str, Any],
        corpus: str = "",
        form: str = DEFAULT_FORM,
        optimizer: Callable[..., Optimizer] | None = None,
        scheduler: Callable[..., dict[str, Any] | None] | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters("model", "vocabulary", "data", "corpus", "form", logger=False)
        self.vocabulary = Vocabulary(vocabulary)
        self.data = dict(data)
        self.corpus = corpus
        self.form = form_named(form)
        self.network = Network(len(self.vocabulary), **model)
        self.optimizer = optimizer
        self.scheduler = scheduler
        is_hanzi = [id == UNK or bool(hanzi(symbol)) for id, symbol in enumerate(self.vocabulary.symbols)]
        self.register_buffer("is_hanzi", torch.tensor(is_hanzi), persistent=False)
        self.train_loss = MeanMetric()
        self.val_losses = Losses()
        self.test_losses = Losses()

    def nll(self, batch: Batch) -> Tensor:
        """(B, T) −ln p of each target, 0 where there is none."""
        logits, _ = self.network(batch.inputs)
        logits = logits.flatten(0, 1)
        logits = logits.float() if logits.dtype == torch.bfloat16 else logits
        nll = F.cross_entropy(logits, batch.targets.flatten(), ignore_index=PAD, reduction="none")
        return nll.view_as(batch.targets)

    def on_train_epoch_start(self) -> None:
        # Lightning could call set_epoch itself, but with a number that is one too high once a run has
        # been resumed at the end of an epoch. In the middle of one the loader's state has it.
        loader = self.trainer.train_dataloader
        if isinstance(loader, PoemLoader):
            loader.set_epoch(self.current_epoch)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = self.nll(batch).sum() / batch.num_tokens
        self.train_loss.update(loss.detach(), batch.num_tokens)
        self.log("train/loss", loss, prog_bar=True, batch_size=batch.num_tokens)
        self.log("train/ppl", loss.detach().exp(), batch_size=batch.num_tokens)
        return loss

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
        self.log("train/grad_norm", norm)
        self.log("train/lr", optimizer.param_groups[0]["lr"])

    def on_train_epoch_end(self) -> None:
        if not self.train_loss.update_called:  # a run resumed at the very end of an epoch
            return
        loss = self.train_loss.compute()
        self.log_dict({"train/loss_epoch": loss, "train/ppl_epoch": loss.exp()})
        self.train_loss.reset()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._update(self.val_losses, batch)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self._update(self.test_losses, batch)

    def _update(self, losses: "Losses", batch: Batch) -> None:
        nll = self.nll(batch)
        losses.all.update(nll, (batch.targets != PAD).float())
        losses.hanzi.update(nll, self.is_hanzi[batch.targets].float())

    def on_validation_epoch_end(self) -> None:
        self._log_perplexities("val", self.val_losses)

    def on_test_epoch_end(self) -> None:
        self._log_perplexities("test", self.test_losses)

    def _log_perplexities(self, part: str, losses: "Losses") -> None:
        """exp of the mean over all targets of the part, not a mean of the batches' values."""
        loss = losses.all.compute()
        self.log(f"{part}/loss", loss)
        self.log(f"{part}/ppl", loss.exp(), prog_bar=part == "val")
        self.log(f"{part}/ppl_hanzi", losses.hanzi.compute().exp())
        losses.all.reset()
        losses.hanzi.reset()

    def configure_optimizers(self) -> Any:
        assert self.optimizer is not None, "an optimizer is handed over for training"
        optimizer = self.optimizer(self.parameters())
        schedule = self.scheduler(optimizer, self.trainer.estimated_stepping_batches) if self.scheduler else None
        return {"optimizer": optimizer, "lr_scheduler": schedule} if schedule else optimizer


class Losses(nn.Module):
    """Mean −ln p over a whole part, each target with equal weight, whatever the batches."""

    def __init__(self) -> None:
        super().__init__()
        self.all = MeanMetric()
        self.hanzi = MeanMetric()

"""The language model as a LightningModule: loss, metrics, optimizer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from tang.corpus.forms import hanzi
from tang.data.batches import Batch
from tang.data.vocabulary import PAD, UNK, Vocabulary
from tang.tasks.network import Network


class LanguageModel(LightningModule):
    """Learns to predict the next character of a poem.

    The checkpoint carries ``model``, ``vocabulary``, ``data`` and ``form``, plain values all of them;
    ``optimizer`` and ``scheduler`` stay outside.

    Args:
        model: arguments of :class:`~tang.tasks.network.Network` but the vocabulary's size.
        vocabulary: its symbols, in the order of their ids.
        data: arguments of the data module that the model was trained with.
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
        form: str = "七言绝句",
        optimizer: Callable[..., Optimizer] | None = None,
        scheduler: Callable[..., dict[str, Any] | None] | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters("model", "vocabulary", "data", "form", logger=False)
        self.vocabulary = Vocabulary(vocabulary)
        self.data = dict(data)
        self.form = form
        self.network = Network(len(self.vocabulary), **model)
        self.optimizer = optimizer
        self.scheduler = scheduler
        is_hanzi = [id == UNK or bool(hanzi(symbol)) for id, symbol in enumerate(self.vocabulary.symbols)]
        self.register_buffer("is_hanzi", torch.tensor(is_hanzi), persistent=False)
        self.train_loss = MeanMetric()
        self.losses = nn.ModuleDict({part: MeanMetric() for part in ("val", "test")})
        self.hanzi_losses = nn.ModuleDict({part: MeanMetric() for part in ("val", "test")})

    def nll(self, batch: Batch) -> Tensor:
        """(B, T) −ln p of each target in float32, 0 where there is none."""
        logits, _ = self.network(batch.inputs)
        nll = F.cross_entropy(logits.flatten(0, 1).float(), batch.targets.flatten(), ignore_index=PAD, reduction="none")
        return nll.view_as(batch.targets)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = self.nll(batch).sum() / batch.num_tokens
        self.train_loss.update(loss.detach(), batch.num_tokens)
        self.log("train/loss", loss, prog_bar=True, batch_size=batch.num_tokens)
        self.log("train/ppl", loss.detach().exp(), batch_size=batch.num_tokens)
        return loss

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        if (self.trainer.global_step + 1) % self.trainer.log_every_n_steps == 0:
            gradients = [parameter.grad for parameter in self.parameters() if parameter.grad is not None]
            self.log("train/grad_norm", nn.utils.get_total_norm(gradients))
            self.log("train/lr", optimizer.param_groups[0]["lr"])

    def on_train_epoch_end(self) -> None:
        loss = self.train_loss.compute()
        self.log_dict({"train/loss_epoch": loss, "train/ppl_epoch": loss.exp()})
        self.train_loss.reset()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._update("val", batch)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self._update("test", batch)

    def _update(self, part: str, batch: Batch) -> None:
        nll = self.nll(batch)
        self.losses[part].update(nll, (batch.targets != PAD).float())
        self.hanzi_losses[part].update(nll, self.is_hanzi[batch.targets].float())

    def on_validation_epoch_end(self) -> None:
        self._log_perplexity("val")

    def on_test_epoch_end(self) -> None:
        self._log_perplexity("test")

    def _log_perplexity(self, part: str) -> None:
        """exp of the mean over all targets of the part, not a mean of the batches' values."""
        loss, hanzi_loss = self.losses[part].compute(), self.hanzi_losses[part].compute()
        self.log(f"{part}/loss", loss)
        self.log(f"{part}/ppl", loss.exp(), prog_bar=part == "val")
        self.log(f"{part}/ppl_hanzi", hanzi_loss.exp())
        self.losses[part].reset()
        self.hanzi_losses[part].reset()

    def configure_optimizers(self) -> Any:
        assert self.optimizer is not None, "an optimizer is handed over for training"
        optimizer = self.optimizer(self.parameters())
        schedule = self.scheduler(optimizer, self.trainer.estimated_stepping_batches) if self.scheduler else None
        return {"optimizer": optimizer, "lr_scheduler": schedule} if schedule else optimizer

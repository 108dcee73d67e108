"""The language model as a LightningModule: its loss and its metrics."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from tang.config.data import PoemsConfig
from tang.config.model import LanguageModelConfig
from tang.data.batches import Batch
from tang.data.poems import PoemDataModule
from tang.data.vocabulary import PAD, SPECIALS, UNK, Vocabulary
from tang.errors import InputError
from tang.tasks.base import Mean, Task
from tang.tasks.cross_entropy import linear_cross_entropy, linear_nll
from tang.tasks.network import Network
from tang.text.forms import DEFAULT_FORM, FORMS, PUNCTUATION, form_named, hanzi
from tang.text.script import Script

log = logging.getLogger(__name__)


class LanguageModel(Task):
    """Learns to predict the next character of a poem.

    Args:
        model: arguments of :class:`~tang.tasks.network.Network` but the vocabulary's size.
        vocabulary: its symbols, in the order of their ids.
        data: arguments of the data module that the model was trained with.
        corpus: the fingerprint of its source.
        form: the one to write in unless told otherwise: the commonest among its poems.
        handed_over: ``optimizer`` and ``scheduler``, see :class:`~tang.tasks.base.Task`.
    """

    what = "a language model"
    command = "python src/train.py"
    read_by = "sample.py and evaluate.py"
    learns_from = PoemDataModule
    network: Network
    saved = ("model", "vocabulary", "data", "corpus", "form")
    configs: ClassVar = {"model": LanguageModelConfig, "data": PoemsConfig}
    headline = ("val/ppl", "val/ppl_hanzi", "test/ppl", "test/ppl_hanzi")

    is_hanzi: Tensor
    """(V,) bool: the symbols that ``ppl_hanzi`` counts; ``<unk>``, a rare character, is one."""

    def __init__(
        self,
        model: Mapping[str, Any],
        vocabulary: Sequence[str],
        data: Mapping[str, Any],
        corpus: str = "",
        form: str = DEFAULT_FORM,
        **handed_over: Any,
    ) -> None:
        super().__init__(**handed_over)
        self.save_hyperparameters(*self.saved, logger=False)
        self.vocabulary = Vocabulary(vocabulary)
        self.data = dict(data)
        self.corpus = corpus
        self.form = form_named(form)
        self.network = Network(len(self.vocabulary), **model)
        is_hanzi = [id == UNK or bool(hanzi(symbol)) for id, symbol in enumerate(self.vocabulary.symbols)]
        self.register_buffer("is_hanzi", torch.tensor(is_hanzi), persistent=False)
        self.val_losses = Losses()
        self.test_losses = Losses()

    @classmethod
    def from_data(
        cls, data: PoemDataModule, model: Mapping[str, Any], arguments: Mapping[str, Any], **handed_over: Any
    ) -> "LanguageModel":
        regulated = [name for name in data.card.shapes if name in FORMS]  # the commonest first
        return cls(
            model=dict(model),
            vocabulary=data.prepared.vocabulary.symbols,
            data=dict(arguments),
            corpus=data.source.fingerprint,
            form=regulated[0] if regulated else DEFAULT_FORM,
            **handed_over,
        )

    @classmethod
    def check_saved(cls, fields: Mapping[str, Any]) -> None:
        form_named(fields["form"])
        symbols = fields["vocabulary"]
        if tuple(symbols[: len(SPECIALS)]) != SPECIALS:
            raise InputError(f"vocabulary doesn't begin with {' '.join(SPECIALS)}")
        for symbol in symbols[len(SPECIALS) :]:
            if len(symbol) != 1 or not (hanzi(symbol) or symbol in PUNCTUATION):
                raise InputError(f"vocabulary has {symbol[:60]!r}, which is no Chinese character and no mark")
        if len(set(symbols)) < len(symbols):
            raise InputError("vocabulary has a symbol twice")
        if not any(map(hanzi, symbols[len(SPECIALS) :])):
            raise InputError("vocabulary has no Chinese character")

    @property
    def script(self) -> Script:
        """Of its vocabulary."""
        script: Script = self.data.get("script", "simplified")
        return script

    def data_module(self, places: Mapping[str, str | None], **others: Any) -> PoemDataModule:
        """The corpus it was trained on, in its vocabulary, fetched and prepared if it isn't there.

        It says so in the log if that corpus has changed since.

        Args:
            places: where the corpus is now, ``dir``, ``path`` and ``cache``, if not where it was (None).
            others: what else is to be other than in training.

        Raises:
            InputError: the corpus can't be had.
        """
        moved = {key: place for key, place in places.items() if place is not None}
        data = PoemDataModule(**{**self.data, **moved, **others, "vocabulary": self.vocabulary.symbols})
        if self.corpus != data.source.fingerprint:
            log.warning("%s is not what the model was trained on: its split may be another", data.source)
        return data

    def check_data(self, data: PoemDataModule) -> None:
        for key in ("script", "punctuation"):  # in the other script, or with marks where there were none: all unknown
            before, now = self.data[key], getattr(data.options, key)
            if before != now:
                raise InputError(f"data.{key}={now}: init_from was trained with data.{key}={before}; use that")

    def loss(self, batch: Batch) -> Tensor:
        """Mean −ln p of the batch's targets; if several devices share it, the mean of theirs is."""
        return linear_cross_entropy(*self._head(batch)) / batch.num_tokens

    def nll(self, batch: Batch) -> Tensor:
        """(B, T) −ln p of each target, 0 where there is none; without gradients."""
        return linear_nll(*self._head(batch)).view(batch.targets.T.shape).T

    def _head(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor, int]:
        """The output layer's arguments, all positions in one row, time first."""
        features, _ = self.network.features(batch.inputs)
        head = self.network.head
        return features.flatten(0, 1), head.weight, head.bias, batch.targets.T.flatten(), PAD

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = self.loss(batch)
        self.add_train_loss(loss, batch.num_tokens)
        return loss

    def log_train_step(self, loss: Tensor) -> None:
        super().log_train_step(loss)
        self.log_step({"train/ppl": loss.exp()})

    def log_train_epoch(self, loss: Tensor) -> None:
        super().log_train_epoch(loss)
        self.log("train/ppl_epoch", loss.exp(), sync_dist=True)

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
        self.log(f"{part}/loss", loss, sync_dist=True)
        self.log(f"{part}/ppl", loss.exp(), prog_bar=part == "val", sync_dist=True)
        self.log(f"{part}/ppl_hanzi", losses.hanzi.compute().exp(), sync_dist=True)
        losses.all.reset()
        losses.hanzi.reset()


class Losses(nn.Module):
    """Mean −ln p over a whole part, each target with equal weight, whatever the batches."""

    def __init__(self) -> None:
        super().__init__()
        self.all = Mean()
        self.hanzi = Mean()

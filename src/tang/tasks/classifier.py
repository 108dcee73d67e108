"""The classifier of names as a LightningModule: which language is a name from?"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.classification import MulticlassConfusionMatrix

from tang.config.data import NamesConfig
from tang.config.model import ClassifierConfig
from tang.corpus.names import LETTERS
from tang.data.names import NO_LANGUAGE, NameBatch, NamesDataModule
from tang.data.vocabulary import PAD
from tang.errors import InputError
from tang.recurrent.stack import Recurrent
from tang.tasks.base import Mean, Task
from tang.tasks.report_cells import REPORT_CELLS, AlternatingLSTM, LinearRecurrence

MAX_LANGUAGES = 1000


class NameNetwork(nn.Module):
    """Letters → recurrent stack → the output after the last letter → linear.

    Args:
        num_letters: number of letters; their ids start after PAD.
        num_languages: number of classes.
        embedding_size: E; None for one-hot letters, E = ``num_letters``.
        hidden_size: H.
        num_layers: L.
        dropout: applied to the letters, between layers and before the last linear layer.
        cell: a cell of :mod:`tang.recurrent.cells`, or of :data:`~tang.tasks.report_cells.REPORT_CELLS`.
        backend, forget_bias: arguments of the :class:`~tang.recurrent.stack.Recurrent` stack.

    Raises:
        InputError: the cell is of REPORT_CELLS, and the arguments ask for something else than it is.
    """

    def __init__(
        self,
        num_letters: int,
        num_languages: int,
        embedding_size: int | None = None,
        hidden_size: int = 128,
        num_layers: int = 1,
        dropout: float = 0.0,
        cell: str = "lstm",
        backend: str = "auto",
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__()
        input_size = embedding_size or num_letters
        if embedding_size is None:
            one_hot = torch.cat([torch.zeros(PAD + 1, num_letters), torch.eye(num_letters)])
            self.embedding = nn.Embedding.from_pretrained(one_hot, padding_idx=PAD)
        else:
            self.embedding = nn.Embedding(PAD + 1 + num_letters, embedding_size, padding_idx=PAD)
        self.recurrent: Recurrent | LinearRecurrence | AlternatingLSTM
        if cell in REPORT_CELLS:
            if (num_layers, forget_bias) != (1, 1.0) or backend not in ("auto", "torch"):
                raise InputError(f"model.cell={cell}: is fixed; leave out model.num_layers, backend and forget_bias")
            self.recurrent = REPORT_CELLS[cell](input_size, hidden_size)
        else:
            self.recurrent = Recurrent(input_size, hidden_size, num_layers, dropout, cell, backend, forget_bias)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.recurrent.output_size, num_languages)

    def forward(self, letters: Tensor, lengths: Tensor) -> Tensor:
        """Logits (B, languages) of names ``letters`` (B, T) with ``lengths`` (B,); padding after them is ignored."""
        outputs, _ = self.recurrent(self.dropout(self.embedding(letters)))
        last = outputs[torch.arange(len(lengths), device=lengths.device), lengths - 1]
        logits: Tensor = self.head(self.dropout(last))
        return logits


class Classifier(Task):
    """Learns which language a name is from.

    Args:
        model: arguments of :class:`NameNetwork` but the numbers of letters and languages.
        languages: the classes, in the order of their numbers.
        letters: in the order of their ids, the first after PAD.
        data: arguments of the data module that the model was trained with.
        corpus: the fingerprint of its source; this and ``data`` are for the record.
        handed_over: ``optimizer`` and ``scheduler``, see :class:`~tang.tasks.base.Task`.
    """

    what = "a classifier of names"
    command = "python src/train.py experiment=names_lstm"
    read_by = "predict.py"
    learns_from = NamesDataModule
    saved = ("model", "languages", "letters", "data", "corpus")
    configs: ClassVar = {"model": ClassifierConfig, "data": NamesConfig}
    headline = ("val/accuracy", "val/accuracy_balanced", "test/accuracy", "test/accuracy_balanced", "train/accuracy")

    def __init__(
        self,
        model: Mapping[str, Any],
        languages: Sequence[str],
        letters: str,
        data: Mapping[str, Any],
        corpus: str = "",
        **handed_over: Any,
    ) -> None:
        super().__init__(**handed_over)
        self.save_hyperparameters(*self.saved, logger=False)
        self.languages = list(languages)
        self.letters = letters
        self.network = NameNetwork(len(letters), len(self.languages), **model)
        self.train_hits = Mean()
        self.val_metrics = Metrics(len(self.languages))
        self.test_metrics = Metrics(len(self.languages))

    @classmethod
    def from_data(
        cls, data: NamesDataModule, model: Mapping[str, Any], arguments: Mapping[str, Any], **handed_over: Any
    ) -> "Classifier":
        return cls(
            model=dict(model),
            languages=data.languages,
            letters=data.letters,
            data=dict(arguments),
            corpus=data.source.fingerprint,
            **handed_over,
        )

    def check_data(self, data: NamesDataModule) -> None:
        if data.languages != self.languages:
            raise InputError(f"init_from: was trained on other languages: {', '.join(self.languages)}")

    @classmethod
    def check_saved(cls, fields: Mapping[str, Any]) -> None:
        languages = fields["languages"]
        if not 2 <= len(languages) <= MAX_LANGUAGES:
            raise InputError(f"languages must be a list of 2 to {MAX_LANGUAGES}")
        if len(set(languages)) < len(languages):
            raise InputError("languages must be texts, each once")
        if fields["letters"] != LETTERS:
            raise InputError(f"letters is {fields['letters'][:60]!r}, not the {len(LETTERS)} that names have")

    def training_step(self, batch: NameBatch, batch_idx: int) -> Tensor:
        logits = self.network(batch.inputs, batch.lengths)
        loss = F.cross_entropy(logits, batch.targets, ignore_index=NO_LANGUAGE, reduction="sum") / batch.num_names
        self.add_train_loss(loss, batch.num_names)
        self.train_hits.update((logits.argmax(-1) == batch.targets).float(), (batch.targets != NO_LANGUAGE).float())
        return loss

    def log_train_epoch(self, loss: Tensor) -> None:
        super().log_train_epoch(loss)
        self.log("train/accuracy", self.train_hits.compute(), sync_dist=True)
        self.train_hits.reset()

    def validation_step(self, batch: NameBatch, batch_idx: int) -> None:
        self.val_metrics.update(self.network(batch.inputs, batch.lengths), batch.targets)

    def test_step(self, batch: NameBatch, batch_idx: int) -> None:
        self.test_metrics.update(self.network(batch.inputs, batch.lengths), batch.targets)

    def on_validation_epoch_end(self) -> None:
        self.log_dict({f"val/{name}": value for name, value in self.val_metrics.compute().items()}, sync_dist=True)

    def on_test_epoch_end(self) -> None:
        self.log_dict({f"test/{name}": value for name, value in self.test_metrics.compute().items()}, sync_dist=True)


class Metrics(nn.Module):
    """Of a whole part, each name with equal weight, whatever the batches."""

    confusion: Tensor
    """(languages, languages): of the names of a row's language, how many were taken for the column's; as of
    the last :meth:`compute`."""

    def __init__(self, num_languages: int) -> None:
        super().__init__()
        self.loss = Mean()
        self.matrix = MulticlassConfusionMatrix(num_languages, ignore_index=NO_LANGUAGE)
        self.register_buffer("confusion", torch.zeros(num_languages, num_languages), persistent=False)

    def update(self, logits: Tensor, targets: Tensor) -> None:
        """Add a batch: logits (B, languages), targets (B,)."""
        losses = F.cross_entropy(logits.float(), targets, ignore_index=NO_LANGUAGE, reduction="none")
        self.loss.update(losses, (targets != NO_LANGUAGE).float())
        self.matrix.update(logits, targets)

    def compute(self) -> dict[str, Tensor]:
        """``loss``, ``accuracy`` (the share of names that are right) and ``accuracy_balanced`` (its mean
        over the languages that have names); begins anew."""
        self.confusion = self.matrix.compute()
        right, names = self.confusion.diag(), self.confusion.sum(1)
        metrics = {
            "loss": self.loss.compute(),
            "accuracy": right.sum() / names.sum(),
            "accuracy_balanced": (right[names > 0] / names[names > 0]).mean(),
        }
        self.loss.reset()
        self.matrix.reset()
        return metrics

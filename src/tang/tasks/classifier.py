"""The classifier of names as a LightningModule: which language is a name from?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.classification import MulticlassConfusionMatrix

from tang.config.data import NamesConfig
from tang.config.keys import values
from tang.config.model import ClassifierConfig, ModelConfig
from tang.data.names import NO_LANGUAGE, NameBatch, NamesDataModule
from tang.data.vocabulary import PAD
from tang.errors import InputError
from tang.recurrent.stack import Recurrent
from tang.tasks.base import Mean, SplitMetrics, Task
from tang.tasks.network import recurrent_stack
from tang.tasks.report_cells import REPORT_CELLS, AlternatingLSTM, LinearRecurrence
from tang.tasks.saved import Values

MAX_LANGUAGES = 1000
MAX_LETTERS = 10_000
MAX_ONE_HOT = 2_000  # Letters without an embedding

# Name of a metric → its value from the confusion matrix (languages, languages), true × predicted
ACCURACIES: dict[str, Callable[[Tensor], Tensor]] = {
    "accuracy": lambda confusion: confusion.diag().sum() / confusion.sum(),
    "accuracy_balanced": lambda confusion: _recalls(confusion).mean(),
}


def _recalls(confusion: Tensor) -> Tensor:
    """The fraction of correct predictions for each language that has names."""
    correct, names = confusion.diag(), confusion.sum(1)
    return correct[names > 0] / names[names > 0]


class NameNetwork(nn.Module):
    """Letters → recurrent stack → the output after the last letter → linear; the letters' ids start after PAD.

    An InputError if the cell is of REPORT_CELLS and the config asks for something else than it is, or if there are
    too many letters for one-hot vectors.
    """

    def __init__(self, num_letters: int, num_languages: int, config: ClassifierConfig) -> None:
        super().__init__()
        input_size = config.embedding_size or num_letters
        if config.embedding_size is None:
            if num_letters > MAX_ONE_HOT:
                raise InputError(f"model.embedding_size: give one, 64; the names have {num_letters:,} letters")
            one_hot = torch.cat([torch.zeros(PAD + 1, num_letters), torch.eye(num_letters)])
            self.embedding = nn.Embedding.from_pretrained(one_hot, padding_idx=PAD)
        else:
            self.embedding = nn.Embedding(PAD + 1 + num_letters, input_size, padding_idx=PAD)
        self.recurrent: Recurrent | LinearRecurrence | AlternatingLSTM
        if config.cell in REPORT_CELLS:
            default = ClassifierConfig()
            given = config.num_layers, config.forget_bias
            if given != (default.num_layers, default.forget_bias) or config.backend not in ("auto", "torch"):
                keys = "model.num_layers, backend and forget_bias"
                raise InputError(f"model.cell={config.cell}: is fixed; leave out {keys}")
            self.recurrent = REPORT_CELLS[config.cell](input_size, config.hidden_size)
        else:
            self.recurrent = recurrent_stack(input_size, config)
        self.dropout = nn.Dropout(config.dropout)
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
        model, data: keys of ClassifierConfig and NamesConfig.
        languages: the classes, in the order of their indices.
        letters: in the order of their ids, the first after PAD.
        corpus: the fingerprint of its source.
        partials: ``optimizer`` and ``scheduler``, see :class:`~tang.tasks.base.Task`.
    """

    task = "Classifier"
    description = "a classifier of names"
    command = "python src/train.py experiment=names_lstm"
    read_by = "predict.py"
    learns_from = NamesDataModule
    saved = ("model", "languages", "letters", "data", "corpus")
    configs: ClassVar = {"model": ClassifierConfig, "data": NamesConfig}
    metrics = ACCURACIES
    val_metrics: "Metrics"
    test_metrics: "Metrics"

    def __init__(
        self, model: Values, languages: Sequence[str], letters: str, data: Values, corpus: str = "", **partials: Any
    ) -> None:
        super().__init__(**partials)
        self.save_hyperparameters(*self.saved, logger=False)
        self.languages = list(languages)
        self.letters = letters
        self.network = NameNetwork(len(letters), len(self.languages), ClassifierConfig(**model))
        self.train_hits = Mean()
        self.val_metrics, self.test_metrics = Metrics(len(self.languages)), Metrics(len(self.languages))

    @classmethod
    def from_data(cls, data: NamesDataModule, model: ModelConfig, **partials: Any) -> "Classifier":
        return cls(
            values(model), data.languages, data.names.letters, values(data.config), data.source.fingerprint, **partials
        )

    @property
    def key_metrics(self) -> tuple[str, ...]:
        return (*super().key_metrics, "train/accuracy")

    def check_data(self, data: NamesDataModule) -> None:
        if data.languages != self.languages:
            raise InputError(f"init_from: was trained on other languages: {', '.join(self.languages)}")
        if data.names.letters != self.letters:
            raise InputError("init_from: was trained on names in other letters")

    @classmethod
    def check_saved(cls, fields: Mapping[str, Any]) -> None:
        languages = fields["languages"]
        if not 2 <= len(languages) <= MAX_LANGUAGES:
            raise InputError(f"languages must be a list of 2 to {MAX_LANGUAGES}")
        if len(set(languages)) < len(languages):
            raise InputError("languages must be texts, each once")
        letters = fields["letters"]
        if not 0 < len(letters) <= MAX_LETTERS or len(set(letters)) < len(letters):
            raise InputError(f"letters is {letters[:60]!r}; it must be 1 to {MAX_LETTERS} characters, each once")

    def training_step(self, batch: NameBatch, batch_idx: int) -> Tensor:
        logits = self.outputs(batch)
        loss = F.cross_entropy(logits, batch.targets, ignore_index=NO_LANGUAGE, reduction="sum") / batch.num_names
        self.add_train_loss(loss, batch.num_names)
        self.train_hits.update((logits.argmax(-1) == batch.targets).float(), (batch.targets != NO_LANGUAGE).float())
        return loss

    def on_train_epoch_end(self) -> None:
        super().on_train_epoch_end()
        self.log("train/accuracy", self.train_hits.compute(), sync_dist=True)
        self.train_hits.reset()

    def outputs(self, batch: NameBatch) -> Tensor:
        logits: Tensor = self.network(batch.inputs, batch.lengths)
        return logits


class Metrics(SplitMetrics):
    """The mean loss, the confusion matrix, and the :data:`ACCURACIES` that follow from it."""

    confusion: Tensor  # (languages, languages) counts of names, true × predicted, as of the last compute()

    def __init__(self, num_languages: int) -> None:
        super().__init__()
        self.loss = Mean()
        self.matrix = MulticlassConfusionMatrix(num_languages, ignore_index=NO_LANGUAGE)

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Add a batch: logits (B, languages) and targets (B,)."""
        losses = F.cross_entropy(outputs.float(), targets, ignore_index=NO_LANGUAGE, reduction="none")
        self.loss.update(losses, (targets != NO_LANGUAGE).float())
        self.matrix.update(outputs, targets)

    def compute(self) -> dict[str, Tensor]:
        self.confusion = self.matrix.compute()
        values = {"loss": self.loss.compute(), **{name: metric(self.confusion) for name, metric in ACCURACIES.items()}}
        self.loss.reset()
        self.matrix.reset()
        return values

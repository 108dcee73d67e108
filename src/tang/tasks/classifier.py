"""The classifier of names as a LightningModule: its loss and its metrics."""

from collections.abc import Callable, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor
from torchmetrics.classification import MulticlassConfusionMatrix

from tang.config.keys import values
from tang.config.model import ModelConfig
from tang.data.name_batches import NO_LANGUAGE, NameBatch
from tang.data.names import NamesDataModule
from tang.errors import InputError
from tang.tasks.base import Mean, SplitMetrics, Task
from tang.tasks.name_model import NameModelBase
from tang.tasks.saved import Values

# Name of a metric → its value from the confusion matrix (languages, languages), true × predicted
ACCURACIES: dict[str, Callable[[Tensor], Tensor]] = {
    "accuracy": lambda confusion: confusion.diag().sum() / confusion.sum(),
    "accuracy_balanced": lambda confusion: _recalls(confusion).mean(),
}


def _recalls(confusion: Tensor) -> Tensor:
    """The fraction of correct predictions for each language that has names."""
    correct, names = confusion.diag(), confusion.sum(1)
    return correct[names > 0] / names[names > 0]


class Classifier(NameModelBase, Task):
    """Learns which language a name is from.

    Args:
        model, data: keys of ClassifierConfig and NamesConfig.
        languages: the classes, in the order of their indices.
        letters: in the order of their ids, the first after PAD.
        corpus: the fingerprint of its source.
        partials: ``optimizer`` and ``scheduler``, see :class:`~tang.tasks.base.Task`.
    """

    learns_from = NamesDataModule
    metrics = ACCURACIES
    val_metrics: "Metrics"
    test_metrics: "Metrics"

    def __init__(
        self, model: Values, languages: Sequence[str], letters: str, data: Values, corpus: str = "", **partials: Any
    ) -> None:
        super().__init__(**partials)
        self.save_hyperparameters(*self.saved, logger=False)
        self.set_up(model, languages, letters)
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

"""The language model as a LightningModule: its loss and its metrics."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tang.config.keys import values
from tang.config.model import LanguageModelConfig, ModelConfig
from tang.data.batches import Batch
from tang.data.poems import PoemDataModule
from tang.data.vocabulary import PAD, Vocabulary
from tang.errors import InputError
from tang.tasks.activations import squared_change, squared_size
from tang.tasks.base import Mean, SplitMetrics, Task
from tang.tasks.cross_entropy import linear_cross_entropy
from tang.tasks.poem_model import PERPLEXITIES, PoemModelBase
from tang.tasks.saved import Values
from tang.text.forms import DEFAULT_FORM


class LanguageModel(PoemModelBase, Task):
    """Learns to predict the next character of a poem.

    Args:
        model, data: keys of LanguageModelConfig and PoemsConfig.
        vocabulary: its symbols, in the order of their ids.
        corpus: the fingerprint of its source.
        form: the default form of its poems: the commonest one in the corpus.
        partials: ``optimizer`` and ``scheduler``, see :class:`~tang.tasks.base.Task`.
    """

    learns_from = PoemDataModule
    metrics = PERPLEXITIES
    val_metrics: "Perplexities"
    test_metrics: "Perplexities"

    def __init__(
        self,
        model: Values,
        vocabulary: Sequence[str],
        data: Values,
        corpus: str = "",
        form: str = DEFAULT_FORM,
        **partials: Any,
    ) -> None:
        super().__init__(**partials)
        self.save_hyperparameters(*self.saved, logger=False)
        self.set_up(model, vocabulary, data, corpus, form)
        self.val_metrics, self.test_metrics = Perplexities(self.vocabulary), Perplexities(self.vocabulary)

    @classmethod
    def from_data(cls, data: PoemDataModule, model: ModelConfig, **partials: Any) -> "LanguageModel":
        symbols, corpus = data.prepared.vocabulary.symbols, data.source.fingerprint
        task = cls(values(model), symbols, values(data.config), corpus, data.card.form, **partials)
        if isinstance(model, LanguageModelConfig) and model.unigram_bias:
            counts = data.prepared.splits["train"].target_counts(len(symbols))
            task.network.set_unigram_bias(torch.from_numpy(counts))
        return task

    def check_data(self, data: PoemDataModule) -> None:
        for key in ("script", "punctuation"):  # in the other script, or with marks where there were none: all unknown
            before, now = getattr(self.data, key), getattr(data.config, key)
            if before != now:
                raise InputError(f"data.{key}={now}: init_from was trained with data.{key}={before}; use that")

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Mean −ln p of the batch's targets, and the penalties that training adds to it.

        Of a shard, those whose means over ranks are the batch's.
        """
        features, hidden, _ = self.network.read(batch.inputs)
        loss = linear_cross_entropy(*self._head(features, batch.targets)) / batch.num_tokens
        return loss, self._penalty(hidden, (batch.targets != PAD).T) / batch.num_tokens

    def _penalty(self, hidden: Tensor, counts: Tensor) -> Tensor:
        """The penalties of ``model.activation_penalty`` and ``temporal_penalty``, summed over steps."""
        size, change = self.network.activation_penalty, self.network.temporal_penalty
        penalty = hidden.new_zeros((), dtype=torch.float32)
        if size:
            penalty = penalty + size * squared_size(hidden, counts)
        if change:
            penalty = penalty + change * squared_change(hidden, counts)
        return penalty

    def metrics_of_loss(self, loss: Tensor) -> dict[str, Tensor]:
        return {"loss": loss, "ppl": loss.exp()}

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss, penalty = self.loss(batch)
        self.add_train_loss(loss, batch.num_tokens)
        return loss + penalty

    def outputs(self, batch: Batch) -> Tensor:
        return self.nll(batch)


class Perplexities(SplitMetrics):
    """The exponential of the mean −ln p over the targets that each of :data:`PERPLEXITIES` counts."""

    counted: Tensor  # (metrics, V) bool

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.means: dict[str, Mean] = nn.ModuleDict({name: Mean() for name in PERPLEXITIES})  # type: ignore[assignment]
        counted = [[counts(symbol) for symbol in vocabulary.symbols] for counts in PERPLEXITIES.values()]
        self.register_buffer("counted", torch.tensor(counted), persistent=False)

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Add a batch: −ln p (B, T) of its targets (B, T)."""
        for mean, counted in zip(self.means.values(), self.counted, strict=True):
            mean.update(outputs, counted[targets].float())

    def compute(self) -> dict[str, Tensor]:
        means = {name: mean.compute() for name, mean in self.means.items()}
        for mean in self.means.values():
            mean.reset()
        return {"loss": means["ppl"], **{name: mean.exp() for name, mean in means.items()}}

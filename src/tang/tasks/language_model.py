"""The language model as a LightningModule: its loss and its metrics."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from tang.config.data import PoemsConfig
from tang.config.keys import values
from tang.config.model import LanguageModelConfig, ModelConfig
from tang.data.batches import Batch
from tang.data.poems import PoemDataModule
from tang.data.vocabulary import PAD, SPECIALS, UNK, Vocabulary
from tang.errors import InputError
from tang.tasks.base import Mean, SplitMetrics, Task, Values
from tang.tasks.cross_entropy import linear_cross_entropy, linear_nll
from tang.tasks.network import Network
from tang.text.forms import DEFAULT_FORM, PUNCTUATION, form_named, hanzi
from tang.text.script import Script

log = logging.getLogger(__name__)

# Name of a perplexity → whether it counts a target; <unk>, a rare character, counts as Chinese. An entry here is all
# that a metric needs: it is logged for val and test, and stands in the summaries of runs.
PERPLEXITIES: dict[str, Callable[[str], bool]] = {
    "ppl": lambda symbol: symbol != SPECIALS[PAD],
    "ppl_hanzi": lambda symbol: symbol == SPECIALS[UNK] or bool(hanzi(symbol)),
}


class LanguageModel(Task):
    """Learns to predict the next character of a poem.

    Args:
        model, data: keys of LanguageModelConfig and PoemsConfig.
        vocabulary: its symbols, in the order of their ids.
        corpus: the fingerprint of its source.
        form: the default form of its poems: the commonest one in the corpus.
        partials: ``optimizer`` and ``scheduler``, see :class:`~tang.tasks.base.Task`.
    """

    description = "a language model"
    command = "python src/train.py"
    read_by = "sample.py and evaluate.py"
    learns_from = PoemDataModule
    saved = ("model", "vocabulary", "data", "corpus", "form")
    configs: ClassVar = {"model": LanguageModelConfig, "data": PoemsConfig}
    metrics = PERPLEXITIES
    network: Network
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
        self.vocabulary = Vocabulary(vocabulary)
        self.data = PoemsConfig(**data)
        self.corpus = corpus
        self.script = cast(Script, self.data.script)
        self.form = form_named(form)
        self.network = Network(len(self.vocabulary), LanguageModelConfig(**model))
        self.val_metrics, self.test_metrics = Perplexities(self.vocabulary), Perplexities(self.vocabulary)

    @classmethod
    def from_data(cls, data: PoemDataModule, model: ModelConfig, **partials: Any) -> "LanguageModel":
        symbols, corpus = data.prepared.vocabulary.symbols, data.source.fingerprint
        return cls(values(model), symbols, values(data.config), corpus, data.card.form, **partials)

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
    def is_hanzi(self) -> Tensor:
        """(V,) bool: the symbols that ``ppl_hanzi`` counts."""
        return self.val_metrics.counted[list(PERPLEXITIES).index("ppl_hanzi")]

    def data_module(self, **changes: Any) -> PoemDataModule:
        """The corpus that the model was trained on, in its vocabulary; an InputError if it isn't there.

        ``changes`` are keys of its config that differ from those of training, such as ``dir`` or ``batch_size``. A
        warning is logged if the corpus has changed since.
        """
        data = PoemDataModule(replace(self.data, **changes), self.vocabulary)
        if self.corpus != data.source.fingerprint:
            log.warning("%s is not what the model was trained on: its split may differ", data.source)
        return data

    def check_data(self, data: PoemDataModule) -> None:
        for key in ("script", "punctuation"):  # in the other script, or with marks where there were none: all unknown
            before, now = getattr(self.data, key), getattr(data.config, key)
            if before != now:
                raise InputError(f"data.{key}={now}: init_from was trained with data.{key}={before}; use that")

    def loss(self, batch: Batch) -> Tensor:
        """Mean −ln p of the batch's targets; of a shard, the loss whose mean over ranks is that of the batch."""
        return linear_cross_entropy(*self._head(batch)) / batch.num_tokens

    def nll(self, batch: Batch) -> Tensor:
        """(B, T) −ln p of each target, 0 where it is PAD; without gradients."""
        return linear_nll(*self._head(batch)).view(batch.targets.T.shape).T

    def _head(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor, int]:
        """The output layer's arguments for all T·B positions, time first."""
        features, _ = self.network.features(batch.inputs)
        head = self.network.head
        return features.flatten(0, 1), head.weight, head.bias, batch.targets.T.flatten(), PAD

    def metrics_of_loss(self, loss: Tensor) -> dict[str, Tensor]:
        return {"loss": loss, "ppl": loss.exp()}

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = self.loss(batch)
        self.add_train_loss(loss, batch.num_tokens)
        return loss

    outputs = nll


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

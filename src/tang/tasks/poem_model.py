"""A language model of poems as scripts use it: network, vocabulary, corpus. Needs no Lightning."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from tang.config.data import PoemsConfig
from tang.config.model import LanguageModelConfig
from tang.data.batches import Batch
from tang.data.poem_corpus import PoemCorpus
from tang.data.vocabulary import PAD, SPECIALS, UNK, Vocabulary
from tang.errors import InputError
from tang.tasks.cross_entropy import linear_nll
from tang.tasks.echo import Echo
from tang.tasks.network import Network
from tang.tasks.saved import Saved, Values
from tang.text.forms import DEFAULT_FORM, PUNCTUATION, Form, form_named, hanzi
from tang.text.script import Script

log = logging.getLogger(__name__)

# Name of a perplexity → whether it counts a target; <unk>, a rare character, counts as Chinese. An entry here is all
# that a metric needs: it is logged for val and test, and stands in the summaries of runs.
PERPLEXITIES: dict[str, Callable[[str], bool]] = {
    "ppl": lambda symbol: symbol != SPECIALS[PAD],
    "ppl_hanzi": lambda symbol: symbol == SPECIALS[UNK] or bool(hanzi(symbol)),
}


class PoemModelBase(Saved):
    """What a language model of poems has, whether it is trained or used."""

    task = "LanguageModel"
    description = "a language model"
    command = "python src/train.py"
    read_by = "sample.py and evaluate.py"
    saved = ("model", "vocabulary", "data", "corpus", "form")
    configs: ClassVar = {"model": LanguageModelConfig, "data": PoemsConfig}
    vocabulary: Vocabulary
    data: PoemsConfig
    corpus: str  # The fingerprint of its source
    script: Script
    form: Form  # The default form of its poems: the commonest one in the corpus
    network: Network

    def set_up(self, model: Values, vocabulary: Sequence[str], data: Values, corpus: str, form: str) -> None:
        """Set the attributes from the values that checkpoints hold."""
        self.vocabulary = Vocabulary(vocabulary)
        self.data = PoemsConfig(**data)
        self.corpus = corpus
        self.script = cast(Script, self.data.script)
        self.form = form_named(form)
        config = LanguageModelConfig(**model)
        self.network = Network(len(self.vocabulary), config, self._echo(config))

    def _echo(self, config: LanguageModelConfig) -> Echo | None:
        """What the network is told of the lines above; an InputError if these can't be told apart."""
        if not config.echo_size:
            return None
        length = None
        if self.data.punctuation == "drop":
            lengths = {form_named(name).chars for name in self.data.forms or ()} - {0}
            if len(lengths) != 1:
                raise InputError(
                    f"model.echo_size={config.echo_size}: without marks (data.punctuation=drop) lines end where? "
                    "give data.forms whose lines are all equally long"
                )
            (length,) = lengths
        return Echo(torch.tensor(self.vocabulary.begins_line), config.echo_size, config.echo_lines, length)

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
        counts = PERPLEXITIES["ppl_hanzi"]
        return torch.tensor([counts(symbol) for symbol in self.vocabulary.symbols])

    def data_module(self, **changes: Any) -> PoemCorpus:
        """The corpus that the model was trained on, in its vocabulary; an InputError if it isn't there.

        ``changes`` are keys of its config that differ from those of training, such as ``dir`` or ``batch_size``. A
        warning is logged if the corpus has changed since.
        """
        data = PoemCorpus(replace(self.data, **changes), self.vocabulary)
        if self.corpus != data.source.fingerprint:
            log.warning("%s is not what the model was trained on: its split may differ", data.source)
        return data

    def nll(self, batch: Batch, temperature: float = 1.0) -> Tensor:
        """(B, T) −ln p of each target, 0 where it is PAD, with logits divided by ``temperature``; without gradients."""
        features = self.network.read(batch.inputs).features
        hidden, weight, bias, targets, ignored = self._head(features, batch.targets)
        nll = linear_nll(hidden / temperature, weight, bias / temperature, targets, ignored)
        return nll.view(batch.targets.T.shape).T

    def _head(self, features: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, int]:
        """The output layer's arguments for all T·B positions, time first."""
        head = self.network.head
        return features.flatten(0, 1), head.weight, head.bias, targets.T.flatten(), PAD


class PoemModel(PoemModelBase, nn.Module):
    """A language model to use; the arguments are those of :class:`~tang.tasks.language_model.LanguageModel`."""

    def __init__(
        self, model: Values, vocabulary: Sequence[str], data: Values, corpus: str = "", form: str = DEFAULT_FORM
    ) -> None:
        super().__init__()
        self.hparams = {"model": model, "vocabulary": vocabulary, "data": data, "corpus": corpus, "form": form}
        self.set_up(model, vocabulary, data, corpus, form)

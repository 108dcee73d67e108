"""A classifier of names as scripts use it: which language is a name from? Needs no Lightning."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from tang.config.data import NamesConfig
from tang.config.model import ClassifierConfig
from tang.data.vocabulary import PAD
from tang.errors import InputError
from tang.recurrent.stack import Recurrent
from tang.tasks.network import recurrent_stack
from tang.tasks.report_cells import REPORT_CELLS, AlternatingLSTM, LinearRecurrence
from tang.tasks.saved import Saved, Values

MAX_LANGUAGES = 1000
MAX_LETTERS = 10_000
MAX_ONE_HOT = 2_000  # Letters without an embedding


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
            one_hot = torch.zeros(PAD + 1 + num_letters, num_letters)
            one_hot.diagonal(-PAD - 1).fill_(1)  # torch.eye would import PyTorch's compiler on the meta device
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


class NameModelBase(Saved):
    """What a classifier of names has, whether it is trained or used."""

    task = "Classifier"
    description = "a classifier of names"
    command = "python src/train.py experiment=names_lstm"
    read_by = "predict.py"
    saved = ("model", "languages", "letters", "data", "corpus")
    configs: ClassVar = {"model": ClassifierConfig, "data": NamesConfig}
    languages: list[str]  # The classes, in the order of their indices
    letters: str  # In the order of their ids, the first after PAD
    network: NameNetwork

    def set_up(self, model: Values, languages: Sequence[str], letters: str) -> None:
        """Set the attributes from the values that checkpoints hold."""
        self.languages = list(languages)
        self.letters = letters
        self.network = NameNetwork(len(letters), len(self.languages), ClassifierConfig(**model))

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


class NameModel(NameModelBase, nn.Module):
    """A classifier to use; the arguments are those of :class:`~tang.tasks.classifier.Classifier`."""

    def __init__(self, model: Values, languages: Sequence[str], letters: str, data: Values, corpus: str = "") -> None:
        super().__init__()
        self.hparams = {"model": model, "languages": languages, "letters": letters, "data": data, "corpus": corpus}
        self.set_up(model, languages, letters)

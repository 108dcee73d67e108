"""The corpus behind a model as the page uses it: only what is prepared on this computer's disk, never a download."""

from contextlib import suppress
from shlex import quote
from typing import NamedTuple

import numpy as np

from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS, EOS, Vocabulary
from tang.errors import InputError
from tang.evaluation.trigram import Trigram
from tang.generation.overlap import Spans
from tang.tasks.poem_model import PoemModelBase


class Counted(NamedTuple):
    """What the page needs of a training split; its texts stay on the disk."""

    spans: Spans
    trigram: Trigram
    vocabulary: Vocabulary

    def trigram_log_p(self, text: str) -> list[float]:
        """ln p of each symbol of ``text``, and of its end, under the trigram model."""
        ids = np.array([BOS, *self.vocabulary.encode(text), EOS])
        _, losses = self.trigram.token_losses(Sequences(ids, np.array([0, len(ids)])))
        log_p: list[float] = (-losses).tolist()
        return log_p


class Corpus:
    """A model's corpus, counted when it is first asked for; ``ckpt`` is the key that names the model."""

    def __init__(self, model: PoemModelBase, ckpt: str) -> None:
        self.model, self.ckpt = model, ckpt
        self._counted: Counted | None = None

    @property
    def counted(self) -> Counted | None:
        """The counts of its training split; None if it isn't prepared."""
        if self._counted is None:
            with suppress(InputError):  # its files are gone
                if prepared := self.model.data_module().opened():
                    train, vocabulary = prepared.splits["train"], prepared.vocabulary
                    self._counted = Counted(Spans.of(train, vocabulary), Trigram.of(train, len(vocabulary)), vocabulary)
        return self._counted

    @property
    def advice(self) -> str:
        """How to have it."""
        return f"To have it, run: python src/check.py 春 {quote(f'ckpt={self.ckpt}')} corpus=true"

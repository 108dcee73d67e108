"""The names → language data as a LightningDataModule."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tang.corpus.names import LETTERS, Name, Names, NameSource, clean_names
from tang.data.batches import BalancedDraws, Batcher, BatchLoader, LengthBuckets
from tang.data.card import NameCard
from tang.data.gather import Share, send
from tang.data.split import Part, split_names
from tang.data.vocabulary import PAD
from tang.errors import InputError

IDS = {letter: id for id, letter in enumerate(LETTERS, start=PAD + 1)}

NO_LANGUAGE = -100
"""The target of a name that counts for nothing; what PyTorch's cross-entropy ignores."""


class NameBatch(NamedTuple):
    """Names side by side; where one is shorter than the longest, PAD fills its end.

    ::

        inputs   L  i  PAD PAD       lengths  2       targets  Chinese
                 M  a  e   s                  4                Dutch
    """

    inputs: Tensor
    """(B, T) int64 ids of letters, 1 to 57, and PAD, which is 0."""
    lengths: Tensor
    """(B,) int64 letters of each name."""
    targets: Tensor
    """(B,) int64 numbers of the languages, in alphabetical order; NO_LANGUAGE where there is nothing to tell."""
    num_names: float
    """B; if several devices share a batch, the mean of theirs, see :attr:`tang.data.batches.Batch.num_tokens`."""
    num_tokens: float
    """Letters of all names: what a recurrent layer reads, and speed is measured in; a mean likewise."""

    @classmethod
    def of(cls, names: Sequence[Name], languages: Sequence[str]) -> "NameBatch":
        """All of ``names`` in one batch."""
        inputs, lengths = encode(name.text for name in names)
        targets = torch.tensor([languages.index(name.language) for name in names])
        return cls(inputs, lengths, targets, len(names), int(lengths.sum()))

    def select(self, indices: np.ndarray, share: Share = Share()) -> "NameBatch":
        """The share of the batch of some of its names, no wider than it needs.

        Where that is none, a name without a language stands for it, so that each process takes part in every step.
        """
        taken = share.take(indices)
        rows = torch.from_numpy(taken if len(taken) else indices[:1])
        lengths, targets = self.lengths[rows], self.targets[rows]
        if not len(taken):
            targets.fill_(NO_LANGUAGE)
        num_tokens = int(self.lengths[torch.from_numpy(indices)].sum()) / share.world_size
        inputs = self.inputs[rows, : int(lengths.max())]
        return NameBatch(inputs, lengths, targets, len(indices) / share.world_size, num_tokens)

    def on(self, device: torch.device) -> "NameBatch":
        """It on ``device``; the host goes on while a GPU copies it."""
        inputs, lengths, targets = (send(tensor, device) for tensor in (self.inputs, self.lengths, self.targets))
        return NameBatch(inputs, lengths, targets, self.num_names, self.num_tokens)


def encode(texts: Iterable[str]) -> tuple[Tensor, Tensor]:
    """The ids (B, T) and the lengths (B,) of names that have :data:`LETTERS` alone, one letter or more."""
    names = list(texts)
    lengths = list(map(len, names))
    ids = torch.split(torch.tensor([IDS[letter] for name in names for letter in name]), lengths)
    return pad_sequence(list(ids), batch_first=True, padding_value=PAD), torch.tensor(lengths)


class NamesDataModule(LightningDataModule):
    """Train, val and test names in batches bucketed by length.

    Args:
        dir: where the 18 files are, or go.
        path: a folder of your own with files LANGUAGE.txt, one name a line, instead.
        batch_size: names in a batch, of all devices together; some are smaller, see ``LengthBuckets``.
        balanced: draw the training names with replacement, each language equally likely, see ``BalancedDraws``.
        seed: of the order of the training batches, and of the draws.
    """

    letters = LETTERS

    def __init__(
        self,
        dir: str = "data/names",
        path: str | None = None,
        batch_size: int = 64,
        balanced: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.source = NameSource(Path(dir).expanduser(), None if path is None else Path(path).expanduser())
        self.languages = self.source.languages
        self.batch_size = batch_size
        self.balanced = balanced
        self.seed = seed

    @cached_property
    def names(self) -> Names:
        """All names; fetched at the first use ever.

        Raises:
            InputError: files are missing and can't be fetched.
        """
        return clean_names(self.source.read())

    @cached_property
    def parts(self) -> dict[Part, list[Name]]:
        """The names of each part.

        Raises:
            InputError: a part has none.
        """
        parts = split_names(self.names.names)
        for part, names in parts.items():
            if not names:
                raise InputError(f"the {part} part is empty: a language should have ten names or more")
        return parts

    @property
    def card(self) -> NameCard:
        """What was read, removed and kept."""
        return NameCard.of(self.names, self.parts)

    def prepare_data(self) -> None:
        """Lightning calls this once before training, validation and test."""
        _ = self.names  # the first use fetches

    def loader(self, part: Part) -> BatchLoader[NameBatch]:
        """The trainer's share of the batches of a part, in the order of epoch 0 until ``set_epoch`` is called."""
        whole, share = NameBatch.of(self.parts[part], self.languages), Share.of(self)
        lengths = whole.lengths.numpy()
        batcher: Batcher = LengthBuckets(lengths, self.batch_size, self.seed)
        if self.balanced and part == "train":
            batcher = BalancedDraws(whole.targets.numpy(), lengths, self.batch_size, self.seed)
        return BatchLoader(batcher, lambda indices: whole.select(indices, share).on(share.device))

    def train_dataloader(self) -> Any:
        return self.loader("train")

    def val_dataloader(self) -> Any:
        return self.loader("val")

    def test_dataloader(self) -> Any:
        return self.loader("test")

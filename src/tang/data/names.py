"""The names → languages data as a LightningDataModule."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tang.config.data import NamesConfig
from tang.corpus.names import LETTERS, Name, Names, NameSource, clean_names
from tang.data.batches import BatchLoader, balanced_draws, length_buckets
from tang.data.card import NameCard
from tang.data.gather import Shard, send
from tang.data.module import SplitDataModule
from tang.data.split import Split, split_names
from tang.data.vocabulary import PAD
from tang.errors import InputError, expanded

NO_LANGUAGE = -100  # Target of a name that isn't counted: the default ignore_index of PyTorch's cross-entropy


class NameBatch(NamedTuple):
    """A batch of names; where one is shorter than the longest, PAD fills its end.

    ::

        inputs   L  i  PAD PAD       lengths  2       targets  Chinese
                 M  a  e   s                  4                Dutch
    """

    inputs: Tensor  # (B, T) int64 ids of letters, from 1, and PAD, which is 0
    lengths: Tensor  # (B,) int64 letters of each name
    targets: Tensor  # (B,) int64 indices of the languages in alphabetical order, or NO_LANGUAGE
    num_names: float  # Names of the global batch divided by the world size, see num_tokens
    num_tokens: float  # Letters of the global batch divided by the world size; speed is measured in them

    @classmethod
    def of(cls, names: Sequence[Name], languages: Sequence[str], letters: str = LETTERS) -> "NameBatch":
        """All of ``names`` in one batch."""
        inputs, lengths = encode((name.text for name in names), letters)
        targets = torch.tensor([languages.index(name.language) for name in names])
        return cls(inputs, lengths, targets, len(names), int(lengths.sum()))

    def select(self, indices: np.ndarray, shard: Shard = Shard()) -> "NameBatch":
        """The shard of the global batch of the names ``indices``, no wider than they need, on the shard's device."""
        taken, counts = shard.take(indices)
        rows = torch.from_numpy(taken)
        lengths = self.lengths[rows]
        targets = self.targets[rows] if counts else torch.full_like(lengths, NO_LANGUAGE)
        tensors = (self.inputs[rows, : int(lengths.max())], lengths, targets)
        inputs, lengths, targets = (send(tensor, shard.device) for tensor in tensors)
        num_tokens = int(self.lengths[torch.from_numpy(indices)].sum()) / shard.world_size
        return NameBatch(inputs, lengths, targets, len(indices) / shard.world_size, num_tokens)


def encode(texts: Iterable[str], letters: str = LETTERS) -> tuple[Tensor, Tensor]:
    """The ids (B, T) and the lengths (B,) of texts of one or more ``letters``, whose ids count from 1."""
    known = {letter: id for id, letter in enumerate(letters, start=PAD + 1)}
    ids = [torch.tensor([known[letter] for letter in text]) for text in texts]
    return pad_sequence(ids, batch_first=True, padding_value=PAD), torch.tensor(list(map(len, ids)))


class NamesDataModule(SplitDataModule):
    """Train, val and test names in batches bucketed by length."""

    def __init__(self, config: NamesConfig) -> None:
        super().__init__()
        self.config = config
        own = None if config.path is None else expanded("data.path", config.path)
        self.source = NameSource(expanded("data.dir", config.dir), own)
        self.languages = self.source.languages

    @cached_property
    def names(self) -> Names:
        """All names; missing files are fetched."""
        own = self.config.path is not None
        return clean_names(self.source.read(), not own if self.config.ascii is None else self.config.ascii)

    @cached_property
    def splits(self) -> dict[Split, list[Name]]:
        """The names of each split."""
        splits = split_names(self.names.names)
        for split, names in splits.items():
            if not names:
                sizes = Counter(name.language for name in self.names.names).most_common()
                counts = ", ".join(f"{language} {count}" for language, count in sizes)
                raise InputError(f"the {split} split is empty: of {counts}; give each language ten names or more")
        return splits

    @property
    def card(self) -> NameCard:
        return NameCard(self.names, self.splits)

    def loader(self, split: Split) -> BatchLoader[NameBatch]:
        whole, shard = NameBatch.of(self.splits[split], self.languages, self.names.letters), self.shard
        lengths = whole.lengths.numpy()
        batch_size, seed = self.config.batch_size, self.config.seed
        if self.config.balanced and split == "train":
            batcher = balanced_draws(whole.targets.numpy(), lengths, batch_size, seed)
        else:
            batcher = length_buckets(lengths, batch_size, seed)
        return BatchLoader(batcher, lambda indices: whole.select(indices, shard))

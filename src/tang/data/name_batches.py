"""Batches of names, as ids of their letters. Needs no Lightning."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tang.corpus.names import LETTERS, Name
from tang.data.gather import Shard, send
from tang.data.vocabulary import PAD

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

"""Batches of examples of nearly equal length, in an order that can be resumed within an epoch, and their loaders."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from tang.data.gather import PaddedGather, Shard, TitledGather
from tang.data.sequences import Sequences
from tang.data.vocabulary import BOS, PAD

FULL_LENGTH = 128  # Longer examples come in batches of fewer than batch_size
MAX_PADDING = 0.02  # Largest fraction of an epoch's positions that is padding


class Batch(NamedTuple):
    """A batch of poems; where one is shorter than the longest, PAD fills the ends of both tensors.

    ::

        inputs   <bos> 日  照  香           targets   日  照  香  <eos>
                 <bos> 月 <eos> PAD                   月 <eos> PAD PAD

    A title may stand before ``<bos>``: it is read, and nothing of it is to be predicted.
    """

    inputs: Tensor  # (B, T) int64
    targets: Tensor  # (B, T) int64; PAD where there is nothing to predict
    # Targets that aren't PAD, of the global batch divided by the world size. Each rank's loss is its sum over this
    # number, so that the mean over ranks is the loss of the global batch.
    num_tokens: float

    @classmethod
    def of(cls, ids: Tensor, num_tokens: float) -> "Batch":
        """The batch of the sequences ``ids`` (B, T + 1), perhaps a title, ``<bos> … <eos> PAD …``."""
        inputs = ids[:, :-1].long()
        is_title = (inputs == BOS).cumsum(1) == 0
        return cls(inputs, ids[:, 1:].long().masked_fill(is_title, PAD), num_tokens)


@dataclass(frozen=True)
class Batcher:
    """Chooses the examples of each batch of an epoch; every epoch has equally many batches.

    The examples of an epoch are sorted by length, equal ones in random order, and cut into batches, which are shuffled.
    """

    lengths: np.ndarray  # (R, N) of the examples in R kinds of epochs, which take turns
    cuts: list[int]  # Positions among the sorted examples where all batches but the first begin
    seed: int
    p: np.ndarray | None = None  # (N,) probability of each draw with replacement; by default every example comes once

    def __len__(self) -> int:
        return len(self.cuts) + 1

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The indices of each batch of an epoch."""
        random = np.random.default_rng([self.seed, epoch])
        lengths = self.lengths[epoch % len(self.lengths)]
        count = len(lengths)
        order = random.permutation(count) if self.p is None else random.choice(count, count, p=self.p)
        batches = np.split(order[np.argsort(lengths[order], kind="stable")], self.cuts)
        return [batches[index] for index in random.permutation(len(batches))]


def length_buckets(lengths: np.ndarray, batch_size: int, seed: int) -> Batcher:
    """Every example once an epoch, in batches of at most ``batch_size``.

    Two kinds of batches are smaller: those of long examples, so that none has more than batch_size × ``FULL_LENGTH``
    positions (a single example may), which bounds their memory; and those of rare lengths, so that at most the
    fraction ``MAX_PADDING`` of all positions is padding. ``lengths`` are (N,), or (R, N) as in :class:`Batcher`; the
    sizes of the batches are those of the first kind of epoch.
    """
    lengths = np.atleast_2d(lengths)
    ascending = np.sort(lengths[0]).tolist()
    cuts: list[int] = []
    size, tokens = 0, 0  # of the batch that is being filled
    done, done_tokens = 0, 0  # positions and tokens of the batches before it
    for index, length in enumerate(ascending):
        positions = (size + 1) * length  # all are padded to this length, the longest so far
        padding = done - done_tokens + positions - (tokens + length)
        is_full = size == batch_size or positions > batch_size * FULL_LENGTH
        if size and (is_full or padding > MAX_PADDING * (done + positions)):
            cuts.append(index)
            done, done_tokens = done + size * ascending[index - 1], done_tokens + tokens
            size, tokens = 0, 0
        size, tokens = size + 1, tokens + length
    return Batcher(lengths, cuts, seed)


def balanced_draws(classes: np.ndarray, lengths: np.ndarray, batch_size: int, seed: int) -> Batcher:
    """As many examples as there are, drawn with replacement, each class equally likely."""
    _, inverse, counts = np.unique(classes, return_inverse=True, return_counts=True)
    cuts = list(range(batch_size, len(lengths), batch_size))
    return Batcher(lengths[None], cuts, seed, 1 / (len(counts) * counts[inverse]))


def half_titled(count: int, seed: int) -> np.ndarray:
    """(2, N) whether a poem follows its title: half of the poems in even epochs, the other half in odd ones."""
    first = np.random.default_rng([seed, count]).random(count) < 0.5
    return np.stack([first, ~first])


B = TypeVar("B")


class BatchLoader(Generic[B]):
    """Iterates over the batches of an epoch, each made by ``collate`` of the indices that ``batcher`` chooses.

    The state, which Lightning saves in checkpoints, is the epoch and the number of batches handed out; the next
    iteration over that epoch resumes after them.
    """

    def __init__(self, batcher: Batcher, collate: Callable[[np.ndarray], B]) -> None:
        self.batcher = batcher
        self.collate = collate
        self.epoch = 0
        self._handed_out = 0
        self._resume: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self.batcher)

    def set_epoch(self, epoch: int) -> None:
        """Use the order of this epoch in the next iteration."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[B]:
        resume, self._resume = self._resume, None
        start = resume["handed_out"] if resume and resume["epoch"] == self.epoch else 0
        batches = self.batcher.batches(self.epoch)
        for self._handed_out in range(start + 1, len(batches) + 1):
            yield self.collate(batches[self._handed_out - 1])

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "handed_out": self._handed_out}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self._handed_out = state["epoch"], state["handed_out"]
        self._resume = state


class PoemLoader(BatchLoader[Batch]):
    """Loads a rank's shard of each batch of poems bucketed by length.

    Args:
        titled: (R, N) whether a poem follows its title, in R kinds of epochs, which take turns; None: none does.
    """

    def __init__(
        self,
        sequences: Sequences,
        batch_size: int,
        seed: int = 0,
        shard: Shard = Shard(),
        titled: np.ndarray | None = None,
    ) -> None:
        lengths = sequences.lengths[None]
        if titled is not None:
            assert sequences.titles is not None, "the corpus is prepared without titles"
            lengths = lengths + titled * np.diff(sequences.titles.offsets)
        super().__init__(length_buckets(lengths, batch_size, seed), self._collate)
        self.sequences = sequences
        self.shard = shard
        self._gather: Callable[[np.ndarray], Tensor]
        if titled is None:
            self._gather = PaddedGather(sequences, shard.device)
        else:
            gather = TitledGather(sequences, shard.device)
            self._gather = lambda indices: gather(indices, titled[self.epoch % len(titled), indices])

    def _collate(self, indices: np.ndarray) -> Batch:
        taken, counts = self.shard.take(indices)
        num_tokens = int(self.sequences.lengths[indices].sum()) / self.shard.world_size
        batch = Batch.of(self._gather(taken), num_tokens)
        return batch if counts else batch._replace(targets=torch.full_like(batch.targets, PAD))

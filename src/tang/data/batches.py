"""Batches of examples of nearly equal length, in an order that can be resumed within an epoch, and their loaders."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from tang.data.gather import PaddedGather, Shard
from tang.data.prepare import Sequences
from tang.data.vocabulary import PAD

FULL_LENGTH = 128  # Longer examples come in batches of fewer than batch_size
MAX_PADDING = 0.02  # Largest fraction of an epoch's positions that is padding


class Batch(NamedTuple):
    """A batch of poems; where one is shorter than the longest, PAD fills the ends of both tensors.

    ::

        inputs   <bos> 日  照  香           targets   日  照  香  <eos>
                 <bos> 月 <eos> PAD                   月 <eos> PAD PAD
    """

    inputs: Tensor  # (B, T) int64
    targets: Tensor  # (B, T) int64; PAD where there is nothing to predict
    # Targets that aren't PAD, of the global batch divided by the world size. Each rank's loss is its sum over this
    # number, so that the mean over ranks is the loss of the global batch.
    num_tokens: float

    @classmethod
    def of(cls, ids: Tensor, num_tokens: float) -> "Batch":
        """The batch of the sequences ``ids`` (B, T + 1), ``<bos> … <eos> PAD …``."""
        return cls(ids[:, :-1].long(), ids[:, 1:].long(), num_tokens)


@dataclass(frozen=True)
class Batcher:
    """Chooses the examples of each batch of an epoch; every epoch has equally many batches.

    The examples of an epoch are sorted by length, equal ones in random order, and cut into batches, which are shuffled.
    """

    lengths: np.ndarray  # (N,) of the examples
    cuts: list[int]  # Positions among the sorted examples where all batches but the first begin
    seed: int
    p: np.ndarray | None = None  # (N,) probability of each draw with replacement; by default every example comes once

    def __len__(self) -> int:
        return len(self.cuts) + 1

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The indices of each batch of an epoch."""
        random = np.random.default_rng([self.seed, epoch])
        count = len(self.lengths)
        order = random.permutation(count) if self.p is None else random.choice(count, count, p=self.p)
        batches = np.split(order[np.argsort(self.lengths[order], kind="stable")], self.cuts)
        return [batches[index] for index in random.permutation(len(batches))]


def length_buckets(lengths: np.ndarray, batch_size: int, seed: int) -> Batcher:
    """Every example once an epoch, in batches of at most ``batch_size``.

    Two kinds of batches are smaller: those of long examples, so that none has more than batch_size × ``FULL_LENGTH``
    positions (a single example may), which bounds their memory; and those of rare lengths, so that at most the
    fraction ``MAX_PADDING`` of all positions is padding.
    """
    ascending = np.sort(lengths).tolist()
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
    return Batcher(lengths, cuts, seed, 1 / (len(counts) * counts[inverse]))


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
    """Loads a rank's shard of each batch of poems bucketed by length."""

    def __init__(self, sequences: Sequences, batch_size: int, seed: int = 0, shard: Shard = Shard()) -> None:
        super().__init__(length_buckets(sequences.lengths, batch_size, seed), self._collate)
        self.sequences = sequences
        self.shard = shard
        self._gather = PaddedGather(sequences, shard.device)

    def _collate(self, indices: np.ndarray) -> Batch:
        taken, counts = self.shard.take(indices)
        num_tokens = int(self.batcher.lengths[indices].sum()) / self.shard.world_size
        batch = Batch.of(self._gather(taken), num_tokens)
        return batch if counts else batch._replace(targets=torch.full_like(batch.targets, PAD))

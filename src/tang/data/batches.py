"""Batches of examples of nearly one length, in an order that a checkpoint can go on with."""

from collections.abc import Callable, Iterator
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from tang.data.gather import Rows, Share
from tang.data.prepare import Sequences
from tang.data.vocabulary import PAD

LONG = 128
"""A batch of ``batch_size`` examples may have ``LONG`` positions each; see :class:`LengthBuckets`."""

MAX_PADDING = 0.02
"""Of all positions of an epoch."""


class Batch(NamedTuple):
    """Poems side by side; where one is shorter than the longest, PAD fills both tensors' ends.

    ::

        inputs   <bos> 日  照  香           targets   日  照  香  <eos>
                 <bos> 月 <eos> PAD                   月 <eos> PAD PAD
    """

    inputs: Tensor
    """(B, T) int64."""
    targets: Tensor
    """(B, T) int64; PAD where there is nothing to predict."""
    num_tokens: float
    """Targets that aren't PAD; if several devices share a batch, the mean of theirs. Each device's loss is its sum
    over this, and so the mean of their losses is the loss of the whole batch."""

    @classmethod
    def of(cls, ids: Tensor, num_tokens: float) -> "Batch":
        """The batch of sequences ``<bos> … <eos> PAD …`` (B, T + 1) with so many targets."""
        return cls(ids[:, :-1].long(), ids[:, 1:].long(), num_tokens)


class Batcher(Protocol):
    """Decides which examples make up the batches of an epoch; all epochs have equally many batches."""

    def __len__(self) -> int: ...

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The indices of each batch of an epoch."""
        ...


class LengthBuckets:
    """Cuts an epoch into batches of examples of nearly one length.

    All are put in a new random order, sorted by length (equal ones stay in random order),
    cut into batches of ``batch_size``, and the batches are shuffled. Some batches are smaller:
    those of long examples, so that none has more than ``batch_size`` × ``LONG`` positions (a single
    example may), which bounds their memory; and those of rare lengths, so that of all positions at
    most the share ``MAX_PADDING`` is padding.
    """

    def __init__(self, lengths: np.ndarray, batch_size: int, seed: int) -> None:
        self.lengths = lengths
        self.batch_size = batch_size
        self.seed = seed
        self._cuts = self._cut(np.sort(lengths))

    def _cut(self, ascending: np.ndarray) -> list[int]:
        """Where batches begin, but for the first, among examples in ascending order of length."""
        cuts: list[int] = []
        size, tokens = 0, 0  # of the batch that is being filled
        done, done_tokens = 0, 0  # positions and tokens of the batches before it
        for index, length in enumerate(ascending.tolist()):
            positions = (size + 1) * length
            padding = done - done_tokens + positions - (tokens + length)
            is_full = size == self.batch_size or positions > self.batch_size * LONG
            if size and (is_full or padding > MAX_PADDING * (done + positions)):
                cuts.append(index)
                done, done_tokens = done + size * int(ascending[index - 1]), done_tokens + tokens
                size, tokens = 0, 0
            size, tokens = size + 1, tokens + length
        return cuts

    def __len__(self) -> int:
        return len(self._cuts) + 1

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The indices of each batch of an epoch; each index once."""
        random = np.random.default_rng([self.seed, epoch])
        return _cut_by_length(random.permutation(len(self.lengths)), self.lengths, self._cuts, random)


class BalancedDraws:
    """Draws an epoch's examples with replacement, each class equally likely; as many as there are.

    The draws are sorted by length and cut into batches of ``batch_size``, and these are shuffled.
    """

    def __init__(self, classes: np.ndarray, lengths: np.ndarray, batch_size: int, seed: int) -> None:
        self.lengths = lengths
        self.seed = seed
        _, inverse, counts = np.unique(classes, return_inverse=True, return_counts=True)
        self._probabilities = 1 / (len(counts) * counts[inverse])
        self._cuts = list(range(batch_size, len(lengths), batch_size))

    def __len__(self) -> int:
        return len(self._cuts) + 1

    def batches(self, epoch: int) -> list[np.ndarray]:
        """The indices of each batch of an epoch."""
        random = np.random.default_rng([self.seed, epoch])
        draws = random.choice(len(self.lengths), len(self.lengths), p=self._probabilities)
        return _cut_by_length(draws, self.lengths, self._cuts, random)


def _cut_by_length(
    order: np.ndarray, lengths: np.ndarray, cuts: list[int], random: np.random.Generator
) -> list[np.ndarray]:
    """The indices in ``order``, sorted by length and cut, the batches shuffled."""
    batches = np.split(order[np.argsort(lengths[order], kind="stable")], cuts)
    return [batches[index] for index in random.permutation(len(batches))]


B = TypeVar("B")


class BatchLoader(Generic[B]):
    """Iterates over the batches of an epoch, in the order of epoch 0 until ``set_epoch`` is called.

    Its state, which Lightning saves in checkpoints, tells how many of them have been handed out;
    an iteration over the same epoch then goes on after these.

    Args:
        batcher: which examples each batch has.
        collate: their indices → the batch.
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
        """Take the order of this epoch in the next iteration."""
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
    """The poems' loader: a share of each of the batches bucketed by length.

    Where that is none, a poem without targets stands for it, so that each process takes part in every step.
    """

    def __init__(self, sequences: Sequences, batch_size: int, seed: int = 0, share: Share = Share()) -> None:
        super().__init__(LengthBuckets(sequences.lengths, batch_size, seed), self._collate)
        self.sequences = sequences
        self.share = share
        self.rows = Rows(sequences, share.device)
        self.lengths = sequences.lengths

    def _collate(self, indices: np.ndarray) -> Batch:
        taken = self.share.take(indices)
        num_tokens = int(self.lengths[indices].sum()) / self.share.world_size
        if len(taken):
            return Batch.of(self.rows(taken), num_tokens)
        batch = Batch.of(self.rows(indices[:1]), num_tokens)
        return batch._replace(targets=torch.full_like(batch.targets, PAD))

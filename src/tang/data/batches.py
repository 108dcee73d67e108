"""Batches of poems of nearly one length, in an order that a checkpoint can go on with."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tang.data.prepare import Sequences
from tang.data.vocabulary import PAD

LONG = 128
"""A batch of ``batch_size`` poems may have ``LONG`` positions a poem; see :class:`LengthBuckets`."""

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
    num_tokens: int
    """Targets that aren't PAD."""


def collate(sequences: list[np.ndarray]) -> Batch:
    """The batch of some sequences ``<bos> … <eos>``."""
    ids = np.full((len(sequences), max(map(len, sequences))), PAD, dtype=np.int64)
    for row, sequence in zip(ids, sequences, strict=True):
        row[: len(sequence)] = sequence
    tensor = torch.from_numpy(ids)
    return Batch(tensor[:, :-1], tensor[:, 1:], sum(len(sequence) - 1 for sequence in sequences))


class LengthBuckets:
    """Cuts an epoch into batches of poems of nearly one length.

    All poems are put in a new random order, sorted by length (equal ones stay in random order),
    cut into batches of ``batch_size`` poems, and the batches are shuffled. Some batches are smaller:
    those of long poems, so that none has more than ``batch_size`` × ``LONG`` positions (a single
    poem may), which bounds their memory; and those of rare lengths, so that of all positions at
    most the share ``MAX_PADDING`` is padding.
    """

    def __init__(self, lengths: np.ndarray, batch_size: int, seed: int) -> None:
        self.lengths = lengths
        self.batch_size = batch_size
        self.seed = seed
        self._cuts = self._cut(np.sort(lengths))

    def _cut(self, ascending: np.ndarray) -> list[int]:
        """Where batches begin, but for the first, among poems in ascending order of length."""
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
        """The indices of each batch of an epoch."""
        random = np.random.default_rng([self.seed, epoch])
        order = random.permutation(len(self.lengths))
        batches = np.split(order[np.argsort(self.lengths[order], kind="stable")], self._cuts)
        return [batches[index] for index in random.permutation(len(batches))]


class PoemLoader:
    """Iterates over the batches of an epoch.

    Its state, which Lightning saves in checkpoints, tells how many of them have been handed out;
    an iteration over the same epoch then goes on after these.
    """

    def __init__(self, sequences: Sequences, batch_size: int, seed: int = 0) -> None:
        self.sequences = sequences
        self.buckets = LengthBuckets(sequences.lengths, batch_size, seed)
        self.epoch = 0
        self._handed_out = 0
        self._resume: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self.buckets)

    def set_epoch(self, epoch: int) -> None:
        """Take the order of this epoch in the next iteration."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Batch]:
        resume, self._resume = self._resume, None
        start = resume["handed_out"] if resume and resume["epoch"] == self.epoch else 0
        batches = self.buckets.batches(self.epoch)
        for self._handed_out in range(start + 1, len(batches) + 1):
            yield collate([self.sequences[index] for index in batches[self._handed_out - 1]])

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "handed_out": self._handed_out}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch = state["epoch"]
        self._resume = state

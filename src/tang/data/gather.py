"""Sequences side by side: a batch is one gather from all tokens, which lie on the training device if they fit."""

from typing import NamedTuple

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor

from tang.data.prepare import Sequences
from tang.data.vocabulary import PAD

RESIDENT_SHARE = 0.1
"""Of a GPU's free memory, how much the tokens of a part may take; more stay in the host's."""


class Rows:
    """Puts sequences together to a batch, without a loop over them and without waiting for the device.

    On a CPU the tokens are read where the prepared file is mapped.

    Args:
        sequences: of a part of the corpus.
        device: where the batches go.
    """

    def __init__(self, sequences: Sequences, device: torch.device) -> None:
        first, last = sequences.offsets[0], sequences.offsets[-1]
        tokens = torch.from_numpy(sequences.tokens[first:last])
        offsets = torch.from_numpy(sequences.offsets - first)
        home = device if fits(tokens.nbytes, device) else torch.device("cpu")
        self.device = device
        self.sizes = np.diff(sequences.offsets)
        self.tokens = tokens.to(home)
        self.starts, self.ends = offsets[:-1].to(home), offsets[1:].to(home)

    def __call__(self, indices: np.ndarray) -> Tensor:
        """(B, T) of the tokens' type: the sequences of these indices, PAD behind those that are shorter."""
        home = self.tokens.device
        rows = send(torch.from_numpy(indices), home)
        width = int(self.sizes[indices].max())  # known to the host: asking the device would wait for it
        positions = self.starts[rows, None] + torch.arange(width, device=home)
        is_behind = positions >= self.ends[rows, None]
        positions.clamp_(max=len(self.tokens) - 1)
        # On a CPU index_select stays in one thread, tokens[positions] wakes others for as little as this.
        ids = self.tokens.index_select(0, positions.flatten()).view_as(positions)
        return send(ids.masked_fill_(is_behind, PAD), self.device)


class Share(NamedTuple):
    """What one of several processes takes of every batch, and where it computes; by default all, on the CPU."""

    device: torch.device = torch.device("cpu")
    rank: int = 0
    """The number of the process, counted from 0."""
    world_size: int = 1
    """How many there are."""

    @classmethod
    def of(cls, module: LightningDataModule) -> "Share":
        """Its trainer's; the default as long as it has none."""
        trainer = module.trainer
        return cls(trainer.strategy.root_device, trainer.global_rank, trainer.world_size) if trainer else cls()

    def take(self, batch: np.ndarray) -> np.ndarray:
        """Those of the indices of a batch that are its; none if there are too few for all."""
        return batch[self.rank :: self.world_size]


def fits(size: int, device: torch.device) -> bool:
    """Whether so many bytes are little enough to stay on the device for good."""
    return device.type != "cuda" or size <= RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """``tensor`` on ``device``; the host goes on while a GPU copies it."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)

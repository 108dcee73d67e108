"""Shards of batches; padded batches by one gather from a split's tokens, which stay on the device if they fit."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tang.data.sequences import Sequences
from tang.data.vocabulary import PAD

# The tokens of a split stay on a GPU if they take at most this fraction of its free memory, else on the host.
RESIDENT_FRACTION = 0.1


class PaddedGather:
    """Gathers sequences into a padded batch on ``device``, without a Python loop and without synchronizing with it."""

    def __init__(self, sequences: Sequences, device: torch.device) -> None:
        first, last = sequences.offsets[0], sequences.offsets[-1]
        tokens = torch.from_numpy(sequences.tokens[first:last])  # on a CPU they stay in the memory-mapped file
        offsets = torch.from_numpy(sequences.offsets - first)
        home = device if fits(tokens.nbytes, device) else torch.device("cpu")
        self.device = device
        self.sizes = np.diff(sequences.offsets)
        self.tokens = tokens.to(home)
        self.starts, self.ends = offsets[:-1].to(home), offsets[1:].to(home)

    def __call__(self, indices: np.ndarray) -> Tensor:
        """(B, T) the sequences of these indices in the dtype of the tokens, PAD after the shorter ones."""
        home = self.tokens.device
        rows = send(torch.from_numpy(indices), home)
        width = int(self.sizes[indices].max())  # from the host's copy: reading it from a GPU would synchronize
        positions = self.starts[rows, None] + torch.arange(width, device=home)
        is_padding = positions >= self.ends[rows, None]
        positions.clamp_(max=len(self.tokens) - 1)
        # On a CPU index_select stays in one thread; tokens[positions] would wake others for this little work.
        ids = self.tokens.index_select(0, positions.flatten()).view_as(positions)
        return send(ids.masked_fill_(is_padding, PAD), self.device)


class TitledGather:
    """Gathers poems into a padded batch, some of them after their titles; arguments as for :class:`PaddedGather`."""

    def __init__(self, sequences: Sequences, device: torch.device) -> None:
        assert sequences.titles is not None, "the corpus is prepared without titles"
        self.poems, self.titles = PaddedGather(sequences, device), PaddedGather(sequences.titles, device)

    def __call__(self, indices: np.ndarray, titled: np.ndarray) -> Tensor:
        """(B, T) the sequences of these indices, those of ``titled`` (B,) after their titles, PAD after the shorter."""
        sizes = self.poems.sizes[indices] + titled * self.titles.sizes[indices]
        poems, titles = self.poems(indices), self.titles(indices)
        titles = titles.where(send(torch.from_numpy(titled), titles.device)[:, None], PAD)
        both = torch.cat((titles, poems), 1)
        # A stable sort moves the padding between a title and its poem to the end.
        order = (both == PAD).to(torch.uint8).argsort(dim=1, stable=True)
        return both.gather(1, order)[:, : int(sizes.max())]


class Shard(NamedTuple):
    """This rank's slice of each global batch, and its device; by default the whole batch, on the CPU."""

    device: torch.device = torch.device("cpu")
    rank: int = 0
    world_size: int = 1

    def take(self, batch: np.ndarray) -> tuple[np.ndarray, bool]:
        """This rank's indices of a global batch, and whether their targets count.

        An empty shard is replaced by an example whose targets don't, so that every rank takes part in every step.
        """
        taken = batch[self.rank :: self.world_size]
        return (taken, True) if len(taken) else (batch[:1], False)


def fits(size: int, device: torch.device) -> bool:
    """Whether ``size`` bytes may stay on the device for the whole run."""
    return device.type != "cuda" or size <= RESIDENT_FRACTION * torch.cuda.mem_get_info(device)[0]


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """``tensor`` on ``device``; copies to a GPU are asynchronous."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)

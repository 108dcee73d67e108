"""Common practice: an LSTM language model in plain PyTorch, and its training step.

Independent of this project; callers pass ids and batches.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

PAD = 0


class Net(nn.Module):
    """Embedding → nn.LSTM → nn.Linear, (B, T) ids → (B, T, V) logits."""

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int,
        hidden_size: int,
        num_layers: int = 1,
        tie_weights: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.lstm = nn.LSTM(
            embedding_size, hidden_size, num_layers, batch_first=True, dropout=dropout if num_layers > 1 else 0.0
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, vocabulary_size)
        if tie_weights:
            self.head.weight = self.embedding.weight

    def forward(self, ids: Tensor) -> Tensor:
        hidden, _ = self.lstm(self.dropout(self.embedding(ids)))
        logits: Tensor = self.head(self.dropout(hidden))
        return logits


Pair = tuple[Tensor, Tensor]
"""Inputs and targets, (B, T) each."""


def padded_batches(poems: list[np.ndarray], length: int, batch_size: int, seed: int) -> Iterator[tuple[Pair, int]]:
    """Shuffled batches, T = ``length``, longer poems cut, shorter ones padded; each with its tokens without padding."""
    ids = torch.full((len(poems), length + 1), PAD)
    for row, poem in zip(ids, poems, strict=True):
        row[: len(poem)] = torch.from_numpy(poem[: length + 1])
    loader = DataLoader(
        TensorDataset(ids[:, :-1], ids[:, 1:]), batch_size, shuffle=True, generator=torch.Generator().manual_seed(seed)
    )
    while True:
        for inputs, targets in loader:
            yield (inputs, targets), int((targets != PAD).sum())


def training_step(net: Net, lr: float, clip: float | None, device: str, bf16: bool) -> Callable[[Pair], None]:
    """A training step with Adam, under autocast to bfloat16 if ``bf16``."""
    net.to(device).train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)

    def step(batch: Pair) -> None:
        inputs, targets = (tensor.to(device) for tensor in batch)
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            logits = net(inputs)
            loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimizer.step()

    return step

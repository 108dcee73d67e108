"""Training of some hundred steps for studies, without a Trainer and checkpoints."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from tang.data.batches import PoemLoader
from tang.data.vocabulary import PAD
from tang.tasks.network import Network


def train(optimizer: Optimizer, losses: Iterator[Tensor], steps: int, clip: float) -> tuple[list[float], list[float]]:
    """Take ``steps`` optimizer steps, each on the next of ``losses``; gradients are clipped to the norm ``clip``.

    Returns the loss of each step, and the norm of all its gradients together before clipping.
    """
    (group,) = optimizer.param_groups
    values, norms = [], []
    for loss in islice(losses, steps):
        optimizer.zero_grad()
        loss.backward()
        norms.append(nn.utils.clip_grad_norm_(group["params"], clip).item())
        optimizer.step()
        values.append(loss.item())
    return values, norms


def character_losses(network: Network, loader: PoemLoader) -> Iterator[Tensor]:
    """Mean −ln p of the next character, in nats, of batch after batch and epoch after epoch, without end."""
    while True:
        for batch in loader:
            logits, _ = network(batch.inputs)
            yield F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), ignore_index=PAD)
        loader.set_epoch(loader.epoch + 1)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed PyTorch's generator within the block, and restore its state afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield

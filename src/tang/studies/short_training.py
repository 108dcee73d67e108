"""Training loops of some hundred steps for studies, without a Trainer and checkpoints."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn
from torch.optim import Optimizer

from tang.config.data import PoemsConfig
from tang.data.batches import Batch, PoemLoader
from tang.data.poems import PoemDataModule
from tang.data.vocabulary import PAD
from tang.tasks.network import Network

T = TypeVar("T")


def poem_data(data: PoemsConfig) -> PoemDataModule:
    """The data module with the settings ``data``."""
    return PoemDataModule(**{name: value for name, value in vars(data).items() if name != "_target_"})


class Step(NamedTuple):
    """Measures of a training step."""

    loss: float
    gradient_norm: float  # Norm of all gradients together, before clipping


def train(optimizer: Optimizer, losses: Iterable[Tensor], clip: float | None) -> Iterator[Step]:
    """Take an optimizer step for each of ``losses``, which may be a generator that computes them one by one.

    Gradients are clipped to the norm ``clip`` unless that is None.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for loss in losses:
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(parameters, math.inf if clip is None else clip)
        optimizer.step()
        yield Step(loss.item(), norm.item())


def character_losses(network: Network, loader: PoemLoader, steps: int) -> Iterator[Tensor]:
    """Mean −ln p of the next character, in nats, in each of ``steps`` batches."""
    for batch in islice(batches(loader), steps):
        logits, _ = network(batch.inputs)
        yield F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), ignore_index=PAD)


def batches(loader: PoemLoader) -> Iterator[Batch]:
    """Endless batches, epoch after epoch."""
    while True:
        yield from loader
        loader.set_epoch(loader.epoch + 1)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed PyTorch's generator within the block, and restore its state afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def tracked(jobs: Sequence[T], description: str) -> Iterable[T]:
    """Iterate over ``jobs`` with a progress bar on stderr that estimates the remaining time."""
    return track(jobs, description, console=Console(stderr=True))

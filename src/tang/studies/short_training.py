"""Training in brief, for studies: no Trainer and no checkpoint, some hundred steps."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn
from torch.optim import Optimizer

from tang.data.batches import Batch, PoemLoader
from tang.data.poems import PoemDataModule
from tang.data.vocabulary import PAD
from tang.tasks.network import Network

T = TypeVar("T")


def poem_data(data: Mapping[str, Any]) -> PoemDataModule:
    """The data module of a study's ``data``, a choice of the config's data group."""
    return PoemDataModule(**{name: value for name, value in data.items() if name != "_target_"})


class Step(NamedTuple):
    """A step of training."""

    loss: float
    gradient_norm: float
    """Of all parameters together, before clipping."""


def train(optimizer: Optimizer, losses: Iterable[Tensor], clip: float | None) -> Iterator[Step]:
    """A step down each of ``losses``, which are computed one by one as they are asked for.

    ``clip`` is the norm that a longer gradient is cut to; None leaves it as it is.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for loss in losses:
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(parameters, math.inf if clip is None else clip)
        optimizer.step()
        yield Step(loss.item(), norm.item())


def character_losses(network: Network, loader: PoemLoader, steps: int) -> Iterator[Tensor]:
    """The mean −ln p of the next character in each of so many batches, in nats."""
    for batch in islice(batches(loader), steps):
        logits, _ = network(batch.inputs)
        yield F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), ignore_index=PAD)


def batches(loader: PoemLoader) -> Iterator[Batch]:
    """Batches without end, epoch after epoch."""
    while True:
        yield from loader
        loader.set_epoch(loader.epoch + 1)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """``seed`` decides what PyTorch draws within; its global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def tracked(jobs: Sequence[T], description: str) -> Iterable[T]:
    """``jobs`` one by one; a bar on stderr estimates the time that is left."""
    return track(jobs, description, console=Console(stderr=True))

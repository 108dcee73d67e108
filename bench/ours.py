"""This project's training as shipped, and its bare step, both from the shipped config."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn
from work import Work

from tang import config
from tang.cli.arguments import plain
from tang.config.data import PoemsConfig
from tang.config.train import TrainConfig
from tang.data.batches import Batch, PoemLoader
from tang.data.gather import Shard
from tang.data.poems import PoemDataModule
from tang.runs.run import RunFolder
from tang.shutdown import Stop
from tang.tasks.language_model import LanguageModel
from tang.training.build import build_callbacks, build_trainer, resolve_config
from tang.training.callbacks.checkpoints import Checkpoints
from tang.training.callbacks.progress import Progress
from tang.training.run import set_up

CONF = Path(__file__).parent.parent / "conf"


def composed(overrides: Sequence[str]) -> TrainConfig:
    """``conf/train.yaml`` with these overrides."""
    config.register(train=TrainConfig)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("train", overrides=[plain(override) for override in overrides])
    return config.typed(composed, TrainConfig)


def build(overrides: Sequence[str]) -> tuple[TrainConfig, PoemDataModule, LanguageModel]:
    """Config, data and model, built as ``tang.training.run.train`` builds them."""
    settings, data, task = set_up(composed(overrides), None)
    assert isinstance(data, PoemDataModule)
    assert isinstance(task, LanguageModel)
    return settings, data, task


def train(overrides: Sequence[str], steps: int, step_is_done: Callable[[float], None]) -> None:
    """Train for ``steps`` steps as ``src/train.py`` does, with its callbacks and loggers."""
    settings, data, task = build([*overrides, f"trainer.max_steps={steps}", "trainer.max_epochs=-1"])
    with tempfile.TemporaryDirectory() as name:
        folder = RunFolder(Path(name))
        callbacks = [Progress(), *build_callbacks(settings, task, folder), Counting(step_is_done)]
        checkpoints = Checkpoints(folder, settings.callbacks.checkpoint.minutes, Stop())
        trainer = build_trainer(settings, folder, False, callbacks, checkpoints, step=0)
        trainer.fit(task, datamodule=data)


class Counting(Callback):
    """Calls ``step_is_done`` with the number of tokens after each step."""

    def __init__(self, step_is_done: Callable[[float], None]) -> None:
        self.step_is_done = step_is_done

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        self.step_is_done(batch.num_tokens)


class Step:
    """A training step without Lightning: loss, backward, clipping, optimizer.

    ``read``, if there is one, is given the loss before the optimizer's step, as training as shipped reads it.
    """

    def __init__(self, settings: TrainConfig, task: LanguageModel, device: str) -> None:
        self.task, self.device = task.to(device).train(), device
        assert task.optimizer is not None
        self.optimizer = task.optimizer(task.parameters())
        self.clip = settings.trainer.gradient_clip_val
        self.bf16 = settings.trainer.precision == "bf16-mixed"
        self.read: Callable[[Tensor], object] | None = None

    def __call__(self, batch: Batch) -> None:
        with torch.autocast(self.device, torch.bfloat16, enabled=self.bf16):
            loss, penalty = self.task.loss(batch)
        self.optimizer.zero_grad()
        (loss + penalty).backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.task.parameters(), self.clip)
        if self.read:
            self.read(loss.detach())
        self.optimizer.step()


def bare(overrides: Sequence[str], device: str) -> tuple[Step, PoemLoader]:
    """A step, and a loader of its batches at epoch 0."""
    settings, data, task = build(overrides)
    shard = Shard(torch.device(device))
    loader = PoemLoader(data.prepared.splits["train"], data.config.batch_size, data.config.seed, shard)
    return Step(settings, task, device), loader


def planned(overrides: Sequence[str], folder: Path, length: int, device: str) -> Work:
    """The work that a config describes, with 0 steps; writes the training ids to ``folder``."""
    cfg = resolve_config(composed(overrides))
    model: Any = cfg.model
    assert isinstance(cfg.data, PoemsConfig)
    data = PoemDataModule(cfg.data)
    sequences = data.prepared.splits["train"]
    begin, *_, end = sequences.offsets
    np.save(folder / "tokens.npy", sequences.tokens[begin:end])
    np.save(folder / "offsets.npy", sequences.offsets - begin)
    return Work(
        embedding_size=model.embedding_size or model.hidden_size,
        hidden_size=model.hidden_size,
        num_layers=model.num_layers,
        tie_weights=model.tie_weights,
        dropout=model.dropout,
        lr=cfg.optimizer.lr,
        clip=cfg.trainer.gradient_clip_val,
        vocabulary_size=len(data.prepared.vocabulary),
        batch_size=cfg.data.batch_size,
        seed=cfg.seed,
        overrides=tuple(overrides),
        backend=model.backend,
        precision=str(cfg.trainer.precision),
        ids=str(folder),
        length=length,
        warmup=0,
        steps=0,
        device=device,
        batches=len(data.train_dataloader()),
        poems=len(sequences),
        tokens=int(sequences.lengths.sum()),
    )

"""One run: train, measure, record."""

import json
import logging
import math
import os
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import TensorBoardLogger

from tang.assembly import build_callbacks, build_task, build_trainer, check_interval
from tang.callbacks.progress import Progress
from tang.compute import keep_memory
from tang.data.names import NamesDataModule
from tang.data.poems import PoemDataModule
from tang.sweep import RESULT
from tang.tasks.task import Task

log = logging.getLogger(__name__)

# Lightning 2.6 asks PyTorch 2.13 in a way that it deprecates; nothing a user could mend.
warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")


@dataclass(frozen=True)
class Result:
    """What a run came to; ``result.json`` in its folder."""

    task: str
    """The class of the model."""
    val_loss: float
    """Of the best checkpoint; infinite if it isn't a number."""
    metrics: dict[str, float]
    """Those its task is told by: ``val/…`` and ``test/…`` of the best checkpoint, ``train/…`` of the last epoch."""
    epochs: int
    minutes: float
    tokens_per_second: float
    checkpoint: str


def train(config: DictConfig, folder: Path, is_sweep: bool) -> Result:
    """Train what ``config`` (``conf/train.yaml``) says, in ``folder``.

    Raises:
        InputError: the corpus, a checkpoint or a setting is wrong.
    """
    started = time.perf_counter()
    logging.captureWarnings(True)
    settings, data, task = set_up(config)
    log.info("corpus\n%s", data.card.text())

    best, progress = best_checkpoint(folder), Progress()
    callbacks = [best, progress, *build_callbacks(settings, task, folder)]
    trainer = build_trainer(settings["trainer"], folder, is_sweep, callbacks)
    if isinstance(trainer.logger, TensorBoardLogger):
        trainer.logger.experiment.add_text("corpus", data.card.markdown(), 0)

    try:
        trainer.fit(task, datamodule=data)
    except SystemExit:  # Lightning's answer to Ctrl-C
        log.info("interrupted in epoch %d; best so far: %s", trainer.current_epoch + 1, best.best_model_path or "none")
        raise SystemExit(130) from None
    trained = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("train/")}
    best_path = Path(best.best_model_path or folder / "checkpoints" / "best.ckpt")
    if not progress.best:  # training ended before its first validation
        trainer.validate(task, datamodule=data, verbose=False)
        trainer.save_checkpoint(best_path)
    (test,) = trainer.test(task, datamodule=data, ckpt_path=str(best_path), weights_only=True, verbose=False)

    measured = {**trained, **progress.best, **test}
    val_loss = measured["val/loss"]
    result = Result(
        task=type(task).__name__,
        val_loss=math.inf if math.isnan(val_loss) else val_loss,
        metrics={name: measured[name] for name in task.headline if name in measured},
        epochs=trainer.current_epoch,
        minutes=(time.perf_counter() - started) / 60,
        tokens_per_second=progress.tokens_per_second,
        checkpoint=os.path.relpath(best_path),
    )
    record(result, {**settings, "model": task.hparams["model"]}, trainer, folder)
    return result


def set_up(config: DictConfig) -> tuple[dict[str, Any], PoemDataModule | NamesDataModule, Task]:
    """The settings, with all that ``config`` leaves open put in, the data and the model, everything seeded.

    Raises:
        InputError: as :func:`train`.
    """
    settings: Any = OmegaConf.to_container(config, resolve=True)
    pl.seed_everything(config.seed, workers=True, verbose=False)
    torch.backends.cudnn.allow_tf32 = False  # in 32-true cuDNN would round a recurrent layer's inputs to ten bits
    keep_memory()
    data, task = build_task(config, settings)
    batches = len(data.train_dataloader())
    check_interval(settings["trainer"], batches)
    settings["trainer"]["log_every_n_steps"] = min(settings["trainer"]["log_every_n_steps"] or 50, batches)
    return settings, data, task


def best_checkpoint(folder: Path) -> ModelCheckpoint:
    """Keeps ``checkpoints/best.ckpt``, that of the lowest ``val/loss``."""
    return ModelCheckpoint(
        folder / "checkpoints", "best", monitor="val/loss", save_on_train_epoch_end=False, enable_version_counter=False
    )


def record(result: Result, settings: Mapping[str, Any], trainer: pl.Trainer, folder: Path) -> None:
    """``result.json``, and the run's row among TensorBoard's HParams."""
    (folder / RESULT).write_text(json.dumps(asdict(result), indent=1), encoding="utf-8")
    if isinstance(trainer.logger, TensorBoardLogger):
        places = ("dir", "cache", "seed")  # the run's own seed is there
        kept = ("max_epochs", "max_steps", "precision", "gradient_clip_val", "accumulate_grad_batches")
        varied = {group: _plain(settings[group]) for group in ("data", "model", "optimizer", "scheduler")}
        varied["data"] = {name: value for name, value in varied["data"].items() if name not in places}
        varied["trainer"] = {name: settings["trainer"][name] for name in kept}
        varied |= {name: settings[name] for name in ("seed", "init_from")}
        shown = {f"hp/{name.replace('/', '_')}": value for name, value in result.metrics.items() if "val/" in name}
        metrics = {"hp/val_loss": result.val_loss, **shown}
        trainer.logger.log_hyperparams(varied, metrics)
        trainer.logger.finalize("success")


def _plain(group: Mapping[str, Any]) -> dict[str, Any]:
    """A group of the config for a table: the last word of its ``_target_`` for a name, no other Hydra keys."""
    name = {"name": group["_target_"].rpartition(".")[2]} if "_target_" in group else {}
    return name | {key: value for key, value in group.items() if not key.startswith("_")}

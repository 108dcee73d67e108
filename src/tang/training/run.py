"""One run: train, measure, record."""

import json
import logging
import os
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from filelock import FileLock, Timeout
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import TensorBoardLogger

from tang.atomic import disk_trouble, write_text_whole
from tang.data.names import NamesDataModule
from tang.data.poems import PoemDataModule
from tang.errors import InputError
from tang.recurrent.hardware import keep_memory
from tang.runs.config import keep
from tang.runs.folder import FAILURE, RESULT
from tang.runs.ranks import rank
from tang.shutdown import Stop
from tang.tasks.base import Task
from tang.training.build import build_callbacks, build_task, build_trainer, check_interval
from tang.training.callbacks.checkpoints import STATE, Checkpoints
from tang.training.callbacks.event_files import rewind_curves
from tang.training.callbacks.progress import Progress
from tang.training.resume import check_end, go_on, origin, state_of

log = logging.getLogger(__name__)

# Lightning 2.6 asks PyTorch 2.13 in a way that it deprecates; nothing a user could mend.
warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")


@dataclass(frozen=True)
class Result:
    """What a run came to; ``result.json`` in its folder."""

    task: str
    """The class of the model."""
    val_loss: float
    """Of the best checkpoint."""
    metrics: dict[str, float]
    """Those its task is told by: ``val/…`` and ``test/…`` of the best checkpoint, ``train/…`` of the last epoch."""
    epochs: int
    minutes: float
    tokens_per_second: float
    checkpoint: str


def train(config: DictConfig, folder: Path, is_sweep: bool) -> Result:
    """Train what ``config`` (``conf/train.yaml``) says, in ``folder``; go on from its ``last.ckpt`` if there is one.

    Raises:
        InputError: the corpus, a checkpoint or a setting is wrong, the loss isn't finite, the disk is full, or
            another process trains in this folder.
        SystemExit: a signal asked to stop; ``last.ckpt`` has the state of that moment.
    """
    with Stop().listening() as stop, sole_owner(folder), disk_troubles(folder):
        return _train(config, folder, is_sweep, stop)


def _train(config: DictConfig, folder: Path, is_sweep: bool, stop: Stop) -> Result:
    progress = Progress()  # whose time begins here
    checkpoints = Checkpoints(folder / "checkpoints", config.callbacks.checkpoint.minutes, stop)
    logging.captureWarnings(True)
    last = checkpoints.last if checkpoints.last.is_file() else None
    settings, data, task = set_up(config, origin(config, last, folder.parent if is_sweep else folder))
    state: dict[str, Any] = state_of(last, task) if last else {"global_step": 0, STATE: {"curves": {}}}
    if last and rank() == 0:
        check_end(config, state)
        keep(folder, config)
    for name in (RESULT, FAILURE):
        (folder / name).unlink(missing_ok=True)
    rewind_curves(folder, state[STATE]["curves"])
    callbacks = [progress, *build_callbacks(settings, task, folder)]
    trainer = build_trainer(settings["trainer"], folder, is_sweep, callbacks, checkpoints, state["global_step"])
    if last:
        log.info("going on after step %d, from %s", state["global_step"], last)
    else:
        log.info("corpus\n%s", data.card.text())
        if isinstance(trainer.logger, TensorBoardLogger):
            trainer.logger.experiment.add_text("corpus", data.card.markdown(), 0)

    try:
        trainer.fit(task, datamodule=data, ckpt_path=last, weights_only=True)
    except SystemExit:
        log.info("stopped after step %d; %s", trainer.global_step, go_on(folder))
        raise
    trained = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("train/")}
    if not checkpoints.best_metrics:  # training ended before its first validation
        trainer.validate(task, datamodule=data, verbose=False)
    (test,) = trainer.test(task, datamodule=data, ckpt_path=checkpoints.best, weights_only=True, verbose=False)

    measured = {**trained, **checkpoints.best_metrics, **test}
    result = Result(
        task=type(task).__name__,
        val_loss=measured["val/loss"],
        metrics={name: measured[name] for name in task.key_metrics if name in measured},
        epochs=trainer.current_epoch,
        minutes=progress.minutes,
        tokens_per_second=progress.tokens_per_second,
        checkpoint=os.path.relpath(checkpoints.best),
    )
    record(result, {**settings, "model": task.hparams["model"]}, trainer, folder)
    return result


@contextmanager
def sole_owner(folder: Path) -> Iterator[None]:
    """Keep other processes from training in ``folder``, those of further devices excepted.

    Raises:
        InputError: one does so now.
    """
    if rank():
        yield
        return
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise InputError(f"{folder}: another process is training this run") from None


@contextmanager
def disk_troubles(folder: Path) -> Iterator[None]:
    """One line for a full disk, in whatever file it shows.

    Raises:
        InputError: it is full, read-only or broken.
    """
    before, logging.raiseExceptions = (threading.excepthook, logging.raiseExceptions), False

    def hook(arguments: threading.ExceptHookArgs) -> None:
        if not disk_trouble(arguments.exc_value):  # TensorBoard's thread raises it here too
            threading.__excepthook__(arguments)

    threading.excepthook = hook
    try:
        yield
    except OSError as error:
        if trouble := disk_trouble(error):
            raise InputError(f"{trouble}; {go_on(folder)}") from error
        raise
    finally:
        threading.excepthook, logging.raiseExceptions = before


def set_up(config: DictConfig, init_from: Path | None) -> tuple[dict[str, Any], PoemDataModule | NamesDataModule, Task]:
    """The settings, with all that ``config`` leaves open put in, the data and the model, everything seeded.

    Args:
        config: of the run.
        init_from: a checkpoint to start from.

    Raises:
        InputError: as :func:`train`.
    """
    settings: Any = OmegaConf.to_container(config, resolve=True)
    pl.seed_everything(config.seed, workers=True, verbose=False)
    torch.backends.cudnn.allow_tf32 = False  # in 32-true cuDNN would round a recurrent layer's inputs to ten bits
    keep_memory()
    data, task = build_task(config, settings, init_from)
    batches = len(data.train_dataloader())
    check_interval(settings["trainer"], batches)
    settings["trainer"]["log_every_n_steps"] = min(settings["trainer"]["log_every_n_steps"] or 50, batches)
    return settings, data, task


def record(result: Result, settings: Mapping[str, Any], trainer: pl.Trainer, folder: Path) -> None:
    """The run's row among TensorBoard's HParams, and ``result.json``, which says that the run is finished."""
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
    if trainer.is_global_zero:
        write_text_whole(folder / RESULT, json.dumps(asdict(result), indent=1))


def _plain(group: Mapping[str, Any]) -> dict[str, Any]:
    """A group of the config for a table: the last word of its ``_target_`` for a name, no other Hydra keys."""
    name = {"name": group["_target_"].rpartition(".")[2]} if "_target_" in group else {}
    return name | {key: value for key, value in group.items() if not key.startswith("_")}

"""One training run: train or resume, test the best checkpoint, record the result."""

import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from filelock import FileLock, Timeout

from tang.atomic import disk_trouble
from tang.config.train import TrainConfig
from tang.errors import InputError
from tang.kernels.hardware import keep_memory
from tang.runs.config import save_config
from tang.runs.ranks import rank
from tang.runs.run import Result, RunFolder
from tang.runs.sweep import SweepFolder
from tang.shutdown import Stop
from tang.tasks.base import Task
from tang.training.build import DataModule, build_callbacks, build_task, build_trainer
from tang.training.callbacks.checkpoints import Checkpoints, time_is_up
from tang.training.callbacks.event_files import rewind_event_files
from tang.training.callbacks.progress import Progress
from tang.training.callbacks.pruning import Pruning
from tang.training.loggers import log_outcome, log_text, shown_settings
from tang.training.resume import check_end, initial_checkpoint, restoring, resume_state

log = logging.getLogger(__name__)

# Lightning 2.6 asks PyTorch 2.13 in a way that it deprecates; nothing a user could mend.
warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")
# Where SLURM is installed, a run without it is no mistake.
warnings.filterwarnings("ignore", message="The `srun` command is available on your system but is not used")

ENDING = 60  # Seconds in which a job of a sweep ends when its node is lost; the next one may have begun meanwhile


def train(
    config: TrainConfig, folder: RunFolder, is_sweep: bool, is_hopeless: Callable[[int, float], bool] | None = None
) -> Result:
    """Train what ``config`` says, in ``folder``; resume from its ``last.ckpt`` if there is one.

    With ``is_hopeless`` a search may end it early, see :class:`tang.training.callbacks.pruning.Pruning`.

    Raises:
        InputError: the corpus, a checkpoint or a setting is wrong, the loss isn't finite, the disk is full, or
            another process trains in this folder.
        SystemExit: a signal asked to stop; if training had begun, ``last.ckpt`` has the state of that moment.
    """
    patience = ENDING if is_sweep else 0
    with Stop().handlers() as stop, sole_owner(folder, patience), disk_troubles(folder):
        return _train(config, folder, is_sweep, Pruning(is_hopeless) if is_hopeless else None, stop)


def _train(config: TrainConfig, folder: RunFolder, is_sweep: bool, pruning: Pruning | None, stop: Stop) -> Result:
    progress = Progress()  # measures time from here on
    varied = SweepFolder(folder.path.parent).varied(folder) if is_sweep else {}
    checkpoints = Checkpoints(folder, config.callbacks.checkpoint.minutes, stop)
    logging.captureWarnings(True)
    last = folder.last if folder.last.is_file() else None
    initial = initial_checkpoint(config, last, folder.path.parent if is_sweep else folder.path)
    resolved, data, task = set_up(config, initial)
    state: dict[str, Any] = resume_state(last, task) if last else {"global_step": 0, "event_files": {}}
    if last and rank() == 0:
        check_end(config, state)
        save_config(folder, config)
    folder.clear_outcome()
    rewind_event_files(folder, state["event_files"])
    callbacks = [progress, *build_callbacks(resolved, task, folder), *([pruning] if pruning else [])]
    trainer = build_trainer(resolved, folder, is_sweep, callbacks, checkpoints, state["global_step"])
    if last:
        log.info("resuming after step %d from %s", state["global_step"], last)
    else:
        is_another = any(key.startswith(("data", "experiment")) for key in varied)
        if not is_sweep or folder.number == "0" or is_another:  # one corpus is shown once in a sweep
            log.info("corpus\n%s", data.card.text())
            log_text(trainer, "statistics", data.card.markdown(), 0)

    try:
        with restoring(last, checkpoints):
            trainer.fit(task, datamodule=data, ckpt_path=last, weights_only=True)
    except SystemExit:
        by = f" by {stop.requested.name}" if stop.requested else ""  # another rank may have received the signal
        log.info("stopped%s after step %d; %s", by, trainer.global_step, folder.resume_hint)
        raise
    ended_by = why_ended(trainer, pruning is not None and pruning.gave_up)
    trained = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("train/")}
    if not checkpoints.best_metrics:  # training ended before its first validation
        trainer.validate(task, datamodule=data, verbose=False)
    test: Mapping[str, float] = {}
    if "pruned" not in ended_by:
        (test,) = trainer.test(task, datamodule=data, ckpt_path=folder.best, weights_only=True, verbose=False)

    measured = {**trained, **checkpoints.best_metrics, **test}
    result = Result(
        task=type(task).__name__,
        val_loss=measured["val/loss"],
        metrics={name: measured[name] for name in task.key_metrics if name in measured},
        epochs=trainer.current_epoch,
        minutes=progress.minutes,
        tokens_per_second=progress.tokens_per_second,
        checkpoint=os.path.relpath(folder.best),
        steps=trainer.global_step,
        ended_by=ended_by,
        sizes=data.card.sizes,
    )
    log.info("training ended: %s", result.why_ended)
    record(result, resolved, varied, trainer, folder)
    return result


def why_ended(trainer: pl.Trainer, is_pruned: bool) -> list[str]:
    """Those of :data:`~tang.runs.run.ENDS` that ended a training; a pruned one may have come to its end anyway."""
    if trainer.fast_dev_run:  # type: ignore[attr-defined]
        return ["fast_dev_run"]
    loop, is_late = trainer.fit_loop, time_is_up(trainer)
    # An epoch that max_steps cut off is counted too, but a resumed run trains on within it.
    epochs = trainer.current_epoch if loop.epoch_loop.batch_progress.is_last_batch else 0
    reached = {
        "max_epochs": 0 <= (-1 if trainer.max_epochs is None else trainer.max_epochs) <= epochs,
        "max_steps": 0 <= trainer.max_steps <= trainer.global_step,
        "max_time": is_late,
        "patience": trainer.should_stop and not is_late and not is_pruned,
    }
    return [limit for limit, is_reached in reached.items() if is_reached] or ["pruned"] * is_pruned


@contextmanager
def sole_owner(folder: RunFolder, patience: float = 0) -> Iterator[None]:
    """Keep other processes from training in ``folder``, but for ranks of this run.

    An InputError if one does so now, and still does after ``patience`` seconds.
    """
    if rank():
        yield
        return
    try:
        with FileLock(folder.lock, timeout=patience):
            yield
    except Timeout:
        raise InputError(f"{folder.path}: another process is training this run") from None


@contextmanager
def disk_troubles(folder: RunFolder) -> Iterator[None]:
    """Turn the error of a full or read-only disk into an InputError, in whatever file or thread it occurs."""
    before, logging.raiseExceptions = (threading.excepthook, logging.raiseExceptions), False

    def hook(arguments: threading.ExceptHookArgs) -> None:
        if not disk_trouble(arguments.exc_value):  # TensorBoard's thread raises it here too
            threading.__excepthook__(arguments)

    threading.excepthook = hook
    try:
        yield
    except OSError as error:
        if trouble := disk_trouble(error):
            raise InputError(f"{trouble}; {folder.resume_hint}") from error
        raise
    finally:
        threading.excepthook, logging.raiseExceptions = before


def set_up(config: TrainConfig, initial: Path | None) -> tuple[TrainConfig, DataModule, Task]:
    """Seed all random generators, and build the data and the model as :func:`~tang.training.build.build_task`."""
    pl.seed_everything(config.seed, workers=True, verbose=False)
    torch.backends.cudnn.allow_tf32 = False  # in 32-true cuDNN would round a recurrent layer's inputs to ten bits
    keep_memory()
    config, data, task = build_task(config, initial)
    trainer, batches = config.trainer, len(data.train_dataloader())
    interval = trainer.val_check_interval
    if isinstance(interval, int) and trainer.check_val_every_n_epoch is not None and interval > batches:
        raise InputError(
            f"trainer.val_check_interval={interval}: an epoch has {batches} batches; give at most that, "
            "or trainer.check_val_every_n_epoch=null to count over epochs"
        )
    trainer = replace(trainer, log_every_n_steps=min(trainer.log_every_n_steps or 50, batches))
    return replace(config, trainer=trainer), data, task


def record(
    result: Result, config: TrainConfig, varied: Mapping[str, str], trainer: pl.Trainer, folder: RunFolder
) -> None:
    """Log the run's settings and outcome, and write ``result.json``, which marks the run as finished."""
    measured = {"val/loss": result.val_loss, **result.metrics}
    best = {name.replace("val/", "val_best/"): value for name, value in measured.items() if name.startswith("val/")}
    log_outcome(trainer, shown_settings(config, varied), varied.keys(), best)
    if trainer.is_global_zero:
        folder.write_result(result)

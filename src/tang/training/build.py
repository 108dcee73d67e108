"""Build the parts of a run from its config: data, model, callbacks, trainer. Wrong settings are refused here."""

import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial, singledispatch
from pathlib import Path
from typing import Any

import hydra
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, EarlyStopping
from pytorch_lightning.plugins.environments import SLURMEnvironment
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import nn
from torch.optim import Optimizer

from tang import checkpoint
from tang.config.keys import as_typed, values
from tang.config.model import ModelConfig
from tang.config.optimizer import OptimizerConfig
from tang.config.train import TrainConfig
from tang.data.names import NamesDataModule
from tang.data.poems import PoemDataModule
from tang.errors import InputError
from tang.recurrent.auto import resolve_auto
from tang.recurrent.stack import check_cell
from tang.runs.run import RunFolder
from tang.tasks.base import Task
from tang.tasks.classifier import Classifier
from tang.tasks.language_model import LanguageModel
from tang.tasks.report_cells import REPORT_CELLS
from tang.training.callbacks.averaging import Averaging
from tang.training.callbacks.checkpoints import AtomicCheckpointIO, Checkpoints
from tang.training.callbacks.confusion import Confusion
from tang.training.callbacks.heartbeat import Heartbeat
from tang.training.callbacks.progress import ProgressBar
from tang.training.callbacks.samples import Samples, sample_request
from tang.training.loggers import build_loggers
from tang.training.loops import FitLoop

log = logging.getLogger(__name__)

DataModule = PoemDataModule | NamesDataModule

# Keys of a model that its weights don't depend on
OF_TRAINING = (
    "dropout",
    "locked_dropout",
    "embedding_dropout",
    "weight_dropout",
    "activation_penalty",
    "temporal_penalty",
    "backend",
)


def build_task(config: TrainConfig, initial: Path | None) -> tuple[TrainConfig, DataModule, Task]:
    """The config with everything that was ``auto`` resolved, the data module and the model.

    With an ``initial`` checkpoint, weights, vocabulary and the model's config are its own, but for :data:`OF_TRAINING`.
    An InputError if the corpus, the checkpoint, a setting or their combination is wrong, or checkpoints of this model
    couldn't be read again.
    """
    module: Any = hydra.utils.get_class(config.data._target_)
    kind: type[Task] = hydra.utils.get_class(config.model._target_)
    if not issubclass(module, kind.learns_from):
        raise InputError("data and model don't match: a classifier learns from data=names, a language model from poems")
    start = checkpoint.load(initial, kind) if initial else None
    if start:
        refuse_contrary(config.model, start.hparams["model"])
        kept = {name: value for name, value in values(config.model).items() if name in OF_TRAINING}
        config = replace(config, model=type(config.model)(**{**start.hparams["model"], **kept}))
        log.info(
            "weights from %s; of model.* only dropouts, penalties and backend count, the rest is its own:", initial
        )
        log.info("%s", ", ".join(f"{name}={as_typed(value)}" for name, value in values(config.model).items()))
    config = resolve_config(config)
    check_backend(config)
    optimizer = build_optimizer(config.optimizer)
    given = [start.vocabulary] if isinstance(start, LanguageModel) else []
    data: DataModule = module(config.data, *given)
    if start:
        start.check_data(data)
    scheduler = hydra.utils.instantiate(config.scheduler)
    task = kind.from_data(data, config.model, optimizer=optimizer, scheduler=scheduler)
    checkpoint.check_savable(task)
    if start:
        task.load_state_dict(start.state_dict())
    return config, data, task


def refuse_contrary(model: ModelConfig, initial: Mapping[str, Any]) -> None:
    """Refuse a key of the model that is given and isn't as the checkpoint that training starts from has it."""
    usual = values(type(model)())
    for name, value in values(model).items():
        if name not in OF_TRAINING and value not in (initial.get(name, value), usual[name]):
            raise InputError(
                f"model.{name}={as_typed(value)}: the model of init_from has {as_typed(initial[name])}, and keeps it; "
                "leave the key out"
            )


def build_optimizer(config: OptimizerConfig) -> Callable[..., Optimizer]:
    """(parameters) → optimizer, with the rate ``lr`` × ``lr_scale``; an InputError if settings exclude each other."""
    settings = asdict(config)
    settings["lr"] *= settings.pop("lr_scale")
    optimizer: Callable[..., Optimizer] = hydra.utils.instantiate(settings, _convert_="all")
    try:
        optimizer([nn.Parameter(torch.zeros(1))])
    except (ValueError, RuntimeError) as error:
        raise InputError(f"optimizer: {error}") from error
    return optimizer


def resolve_config(config: TrainConfig) -> TrainConfig:
    """Replace what the config leaves open: accelerator, backend and precision; the log says with what, and why."""
    choice = resolve_auto(config.trainer.accelerator, config.model.backend, config.trainer.precision, config.model.cell)
    chosen = (choice.accelerator, choice.backend, choice.precision, choice.reason)
    log.info("computing on %s with model.backend=%s trainer.precision=%s (%s)", *chosen)
    trainer = replace(config.trainer, accelerator=choice.accelerator, precision=choice.precision)
    return replace(config, trainer=trainer, model=replace(config.model, backend=choice.backend))


def check_backend(config: TrainConfig) -> None:
    """Refuse a cell or a dtype that the backend doesn't have, and a cell that several devices can't share."""
    cell, backend, precision = config.model.cell, config.model.backend, config.trainer.precision
    if cell == "rnn_report" and config.trainer.strategy == "ddp":
        raise InputError(
            "model.cell=rnn_report: names of one letter don't reach all of its weights, as trainer=ddp needs; "
            "train it on one device"
        )
    if cell not in REPORT_CELLS:
        check_cell(cell, backend)
    if backend == "numpy" and precision in ("bf16-true", "16-true"):
        raise InputError(
            f"model.backend=numpy: NumPy computes in float32 or float64, not in trainer.precision={precision}"
        )


def build_callbacks(config: TrainConfig, task: Task, folder: RunFolder) -> list[Callback]:
    """The heartbeat, early stopping and averaging, if they are on, and the task's own.

    An InputError if a sample poem's start doesn't fit its form.
    """
    stopping = config.callbacks.early_stopping
    callbacks = [Heartbeat(folder), *task_callbacks(task, config, folder)]
    if stopping.patience is not None:
        callbacks.append(EarlyStopping("val/loss", stopping.min_delta, stopping.patience, strict=False))
    if config.callbacks.ema_decay:
        callbacks.append(Averaging(config.callbacks.ema_decay))
    return callbacks


@singledispatch
def task_callbacks(task: Task, config: TrainConfig, folder: RunFolder) -> list[Callback]:
    """The callbacks that a task needs beside training; register an implementation for a new class of task."""
    return []


@task_callbacks.register
def _(task: LanguageModel, config: TrainConfig, folder: RunFolder) -> list[Callback]:
    return [Samples(sample_request(config.callbacks.samples, task, config.seed))]


@task_callbacks.register
def _(task: Classifier, config: TrainConfig, folder: RunFolder) -> list[Callback]:
    return [Confusion(folder)]


def build_trainer(
    config: TrainConfig,
    folder: RunFolder,
    is_sweep: bool,
    callbacks: list[Callback],
    checkpoints: Checkpoints,
    step: int,
) -> pl.Trainer:
    """Lightning's Trainer, with a progress bar on a terminal, but for a sweep; a resumed run starts at ``step``.

    An InputError if the Trainer refuses an argument, or would train on several devices without ``strategy: ddp``.
    """
    settings = values(config.trainer)
    if is_sweep or not sys.stdout.isatty():
        settings["enable_progress_bar"] = False
    if settings["enable_progress_bar"] is not False:
        callbacks = [*callbacks, ProgressBar()]
    plugins = settings.pop("plugins") or []
    plugins = [*(plugins if isinstance(plugins, list) else [plugins]), AtomicCheckpointIO()]
    if SLURMEnvironment.detect():  # submitit requeues, and Lightning would too
        plugins.append(SLURMEnvironment(auto_requeue=False))
    loggers = build_loggers(config.logger, folder, step)
    try:
        trainer = pl.Trainer(
            **settings,
            default_root_dir=folder.path,
            logger=loggers,
            plugins=plugins,
            callbacks=[checkpoints, *callbacks],  # Lightning puts those of class Checkpoint last, in this order
        )
        environment = trainer.strategy.cluster_environment if isinstance(trainer.strategy, DDPStrategy) else None
        if environment:
            environment.validate_settings(trainer.num_devices, trainer.num_nodes)
    except (ValueError, TypeError, RuntimeError, ModuleNotFoundError, MisconfigurationException) as error:
        raise InputError(f"trainer: {' '.join(str(error).split())}") from error
    if trainer.world_size > 1 and config.trainer.strategy != "ddp":
        raise InputError(f"trainer.devices={config.trainer.devices}: for a run on several devices give trainer=ddp")
    if trainer.num_nodes > 1 and environment and not environment.creates_processes_externally:
        raise InputError(f"trainer.num_nodes={trainer.num_nodes}: torchrun or srun starts a run on several hosts")
    trainer.fit_loop = FitLoop(trainer, trainer.fit_loop, partial(checkpoints.between_batches, trainer))
    return trainer

"""From a config to the parts of a run: data, model, callbacks, trainer. Wrong settings are refused here."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import hydra
import pytorch_lightning as pl
import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import Callback, EarlyStopping
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.plugins.environments import SLURMEnvironment
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import nn
from torch.optim import Optimizer

from tang import checkpoint
from tang.data.names import NamesDataModule
from tang.data.poems import PoemDataModule
from tang.errors import InputError
from tang.recurrent.hardware import choose
from tang.recurrent.stack import check_cell
from tang.tasks.base import Task
from tang.tasks.classifier import Classifier
from tang.tasks.language_model import LanguageModel
from tang.tasks.report_cells import REPORT_CELLS
from tang.text.forms import form_named
from tang.training.callbacks.checkpoints import Checkpoints, WholeFiles
from tang.training.callbacks.confusion import Confusion
from tang.training.callbacks.progress_bar import Bar
from tang.training.callbacks.samples import Samples
from tang.training.loops import FitLoop

log = logging.getLogger(__name__)

Settings = Mapping[str, Any]
"""A config, or a group of it, as plain dicts, lists and values."""


def build_task(
    config: DictConfig, settings: dict[str, Any], init_from: Path | None
) -> tuple[PoemDataModule | NamesDataModule, Task]:
    """The data and the model.

    Args:
        config: of the run.
        settings: the same; what they leave open of accelerator, backend and precision is put in.
        init_from: a checkpoint whose weights and vocabulary to start from.

    Raises:
        InputError: the corpus, the checkpoint, the optimizer's settings or their combination are wrong, or checkpoints
            of this model couldn't be read again.
    """
    arguments = dict(settings["data"])
    module: Any = hydra.utils.get_class(arguments.pop("_target_"))
    kind: type[Task] = hydra.utils.get_class(settings["model"]["_target_"])
    if not issubclass(module, kind.learns_from):
        raise InputError("data and model don't match: a classifier learns from data=names, a language model from poems")
    origin = checkpoint.load(init_from, kind) if init_from else None
    cell = (origin.hparams if origin else settings)["model"]["cell"]
    settle(settings, cell)
    check_backend(settings, cell)
    model = {name: value for name, value in settings["model"].items() if name != "_target_"}
    optimizer = build_optimizer(config.optimizer)
    try:
        optimizer([nn.Parameter(torch.zeros(1))])
    except (ValueError, RuntimeError) as error:  # settings that exclude each other
        raise InputError(f"optimizer: {error}") from error

    given = {"vocabulary": origin.vocabulary.symbols} if isinstance(origin, LanguageModel) else {}
    data: PoemDataModule | NamesDataModule = module(**arguments, **given)
    if isinstance(origin, LanguageModel) and isinstance(data, PoemDataModule):
        check_text(origin, data)
    if isinstance(origin, Classifier) and isinstance(data, NamesDataModule) and origin.languages != data.languages:
        raise InputError(f"init_from={init_from}: was trained on other languages: {', '.join(origin.languages)}")
    if origin:
        model = {**origin.hparams["model"], "dropout": model["dropout"], "backend": model["backend"]}
        log.info("weights from %s; of model.* only dropout and backend count, the rest is its own:", init_from)
        log.info("%s", ", ".join(f"{name}={value}" for name, value in model.items()))
    scheduler = hydra.utils.instantiate(config.scheduler)
    task = kind.from_data(data, model, arguments, optimizer=optimizer, scheduler=scheduler)
    checkpoint.check_savable(task)
    if origin:
        task.load_state_dict(origin.state_dict())
    return data, task


def build_optimizer(config: DictConfig) -> Callable[..., Optimizer]:
    """The config's ``optimizer``, waiting for parameters; its rate is ``lr`` × ``lr_scale``."""
    settings: Any = OmegaConf.to_container(config, resolve=True)
    settings["lr"] *= settings.pop("lr_scale")
    partial: Callable[..., Optimizer] = hydra.utils.instantiate(settings, _convert_="all")
    return partial


def settle(settings: dict[str, Any], cell: str) -> None:
    """Put in what the config leaves open: accelerator, backend and precision; the log says which and why."""
    trainer, model = settings["trainer"], settings["model"]
    choice = choose(trainer["accelerator"], model["backend"], trainer["precision"], cell)
    trainer["accelerator"], trainer["precision"] = choice.accelerator, choice.precision
    model["backend"] = choice.backend
    log.info(
        "computing on %s with model.backend=%s trainer.precision=%s (%s)",
        choice.accelerator,
        choice.backend,
        choice.precision,
        choice.reason,
    )


def check_backend(settings: Settings, cell: str) -> None:
    """Refuse a cell or a number format that the backend doesn't have, and a cell that several devices can't share."""
    backend = settings["model"]["backend"]
    if cell == "rnn_report" and settings["trainer"]["strategy"] == "ddp":
        raise InputError(
            "model.cell=rnn_report: names of one letter don't reach all of its weights, as trainer=ddp needs; "
            "train it on one device"
        )
    if cell not in REPORT_CELLS:
        check_cell(cell, backend)
    precision = settings["trainer"]["precision"]
    if backend == "numpy" and precision in ("bf16-true", "16-true"):
        raise InputError(
            f"model.backend=numpy: NumPy computes in float32 or float64, not in trainer.precision={precision}"
        )


def check_text(origin: LanguageModel, data: PoemDataModule) -> None:
    """Refuse to go on in the other script, or with marks where there were none: they would be unknown."""
    for key in ("script", "punctuation"):
        before, now = origin.data[key], getattr(data.options, key)
        if before != now:
            raise InputError(f"data.{key}={now}: init_from was trained with data.{key}={before}; use that")


def build_callbacks(settings: Settings, task: Task, folder: Path) -> list[Callback]:
    """Those of the config's ``callbacks`` and the task's own.

    Raises:
        InputError: a start of the samples doesn't fit their form.
    """
    stopping = settings["callbacks"]["early_stopping"]
    listed: list[Callback] = []
    if isinstance(task, LanguageModel):
        samples = settings["callbacks"]["samples"]
        form = form_named(samples["form"]) if samples["form"] else task.form
        listed.append(Samples(samples["start"], form, task.vocabulary, samples["temperature"], settings["seed"]))
    else:
        listed.append(Confusion(folder))
    if stopping["patience"] is not None:
        listed.append(EarlyStopping("val/loss", stopping["min_delta"], stopping["patience"], strict=False))
    return listed


def build_trainer(
    settings: Settings, folder: Path, is_sweep: bool, callbacks: list[Callback], checkpoints: Checkpoints, step: int
) -> pl.Trainer:
    """Lightning's Trainer; a sweep has lines instead of progress bars.

    Args:
        settings: the config's ``trainer``.
        folder: of the run.
        is_sweep: whether the run is one of several.
        callbacks: all others but the progress bar.
        checkpoints: called between batches.
        step: where the run goes on; 0 for a new one.

    Raises:
        InputError: it refuses an argument, or would train on several devices without ``strategy: ddp``.
    """
    arguments = dict(settings)
    arguments["default_root_dir"] = arguments["default_root_dir"] or str(folder)
    if is_sweep:
        arguments["enable_progress_bar"] = False
    if arguments["enable_progress_bar"] is not False:
        callbacks = [*callbacks, Bar()]
    if arguments["logger"]:
        arguments["logger"] = TensorBoardLogger(
            folder, name="", version="", default_hp_metric=False, purge_step=step or None
        )
    asked = arguments["plugins"] or []
    arguments["plugins"] = [*(asked if isinstance(asked, list) else [asked]), WholeFiles()]
    try:
        if SLURMEnvironment.detect():  # submitit requeues, and Lightning would too
            arguments["plugins"].append(SLURMEnvironment(auto_requeue=False))
        trainer = pl.Trainer(**arguments, callbacks=[*callbacks, checkpoints])
        if isinstance(trainer.strategy, DDPStrategy) and trainer.strategy.cluster_environment:
            trainer.strategy.cluster_environment.validate_settings(trainer.num_devices, trainer.num_nodes)
    except (ValueError, TypeError, RuntimeError, ModuleNotFoundError, MisconfigurationException) as error:
        raise InputError(f"trainer: {' '.join(str(error).split())}") from error
    if trainer.world_size > 1 and settings["strategy"] != "ddp":
        raise InputError(f"trainer.devices={settings['devices']}: for a run on several devices give trainer=ddp")
    trainer.fit_loop = FitLoop(trainer, trainer.fit_loop, partial(checkpoints.between_batches, trainer))
    return trainer


def check_interval(settings: Settings, batches: int) -> None:
    """Refuse a ``trainer.val_check_interval`` that an epoch of so many batches doesn't reach."""
    interval = settings["val_check_interval"]
    if isinstance(interval, int) and settings["check_val_every_n_epoch"] is not None and interval > batches:
        raise InputError(
            f"trainer.val_check_interval={interval}: an epoch has {batches} batches; give at most that, "
            "or trainer.check_val_every_n_epoch=null to count over epochs"
        )

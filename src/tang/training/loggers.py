"""The loggers of a run: metrics go to all of them, texts and pictures to those that show them."""

import hashlib
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from pytorch_lightning import Trainer
from pytorch_lightning.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger, WandbLogger
from pytorch_lightning.utilities import rank_zero_only
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from torch.utils.tensorboard.summary import hparams

from tang.config.keys import as_typed
from tang.config.logger import CSV, LoggerConfig, MLflow, TensorBoard, Wandb
from tang.config.train import TrainConfig
from tang.errors import InputError
from tang.runs.config import flat
from tang.runs.ranks import rank
from tang.runs.run import RunFolder

SETTINGS = (  # Beginnings of the keys that runs are compared by
    *("data.", "model.", "optimizer.", "scheduler.", "seed", "init_from", "trainer.max_", "trainer.precision"),
    *("trainer.gradient_clip_val", "trainer.accumulate_grad_batches"),
)
LEFT_OUT = {"data.dir", "data.cache", "data.seed", "optimizer._partial_", "scheduler._partial_"}  # of these


class Curves(TensorBoardLogger):
    """Lightning's TensorBoard logger without the curve of epochs, and without a file of settings."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        super().log_metrics({name: value for name, value in metrics.items() if name != "epoch"}, step)

    @rank_zero_only
    def save(self) -> None:
        self.experiment.flush()

    @rank_zero_only
    def log_row(self, settings: dict[str, Any], varied: Collection[str], metrics: dict[str, float]) -> None:
        """Write a row of HParams; the columns of the settings that were ``varied`` come first."""
        self.log_metrics(metrics)
        experiment, *session = hparams(settings, metrics)
        described = experiment.value[0].metadata.plugin_data
        columns = HParamsPluginData.FromString(described.content)
        for column in columns.experiment.hparam_infos:
            column.differs = column.name in varied
        described.content = columns.SerializeToString()
        for summary in (experiment, *session):
            self.experiment._get_file_writer().add_summary(summary)


def tensorboard(chosen: TensorBoard, folder: RunFolder, step: int) -> Logger:
    return Curves(folder.path, name="", version="", default_hp_metric=False, purge_step=step or None)


def csv(chosen: CSV, folder: RunFolder, step: int) -> Logger:
    logger = CSVLogger(folder.path, name="csv", version=f"from_step_{step}")
    shutil.rmtree(logger.log_dir, ignore_errors=True)  # of an attempt that ended before the next checkpoint
    return logger


def wandb(chosen: Wandb, folder: RunFolder, step: int) -> Logger:
    # A resumed run continues its run of Weights & Biases: the folder identifies it.
    identity = hashlib.sha256(str(folder.path.resolve()).encode()).hexdigest()[:16]
    return WandbLogger(folder.path.name, folder.path, id=identity, resume="allow", **asdict(chosen))


def mlflow(chosen: MLflow, folder: RunFolder, step: int) -> Logger:
    artifacts = Path(chosen.artifacts).resolve() if chosen.artifacts else None
    if artifacts and rank() == 0:
        artifacts.mkdir(parents=True, exist_ok=True)
    logger = MLFlowLogger(
        chosen.experiment,
        folder.path.name,
        chosen.tracking_uri,
        artifact_location=artifacts.as_uri() if artifacts else None,
        run_id=folder.mlflow_id.read_text(encoding="utf-8") if folder.mlflow_id.exists() else None,
    )
    if rank() == 0:
        folder.mlflow_id.write_text(str(logger.run_id), encoding="utf-8")
    return logger


LOGGERS: dict[str, Callable[[Any, RunFolder, int], Logger]] = {
    "tensorboard": tensorboard,
    "csv": csv,
    "wandb": wandb,
    "mlflow": mlflow,
}
"""Field of the config's ``logger`` → builds that logger, from its config, the run's folder and its first step."""


def build_loggers(config: LoggerConfig, folder: RunFolder, step: int) -> list[Logger]:
    """The config's loggers for a run that begins at ``step``; an InputError if a logger's package isn't installed."""
    loggers = []
    for name, build in LOGGERS.items():
        if chosen := getattr(config, name):
            try:
                loggers.append(build(chosen, folder, step))
            except ModuleNotFoundError as error:
                extra = f"pip install -c constraints.txt -e '.[{name}]'"
                raise InputError(f"logger={name}: needs an extra: {extra}") from error
    return loggers


def log_text(trainer: Trainer, name: str, text: str, step: int) -> None:
    """Show a Markdown text at a step."""
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.add_text(name, text, step)
        elif isinstance(logger, WandbLogger):
            logger.log_text(name, columns=["step", "text"], data=[[str(step), text]])
        elif isinstance(logger, MLFlowLogger):
            logger.experiment.log_text(logger.run_id, text, f"{name}/{step}.md")


def log_figure(trainer: Trainer, name: str, figure: Figure, step: int) -> None:
    """Show a picture at a step."""
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.add_figure(name, figure, step)
        elif isinstance(logger, WandbLogger):
            logger.log_image(name, images=[figure])
        elif isinstance(logger, MLFlowLogger):
            logger.experiment.log_figure(logger.run_id, figure, f"{name}/{step}.png")


def shown_settings(config: TrainConfig, varied: Mapping[str, str]) -> dict[str, int | float | str]:
    """The settings to compare runs by, as their keys are typed, with those of the command line that a sweep varies."""
    every = flat(asdict(config))
    chosen = {key: value for key, value in every.items() if key.startswith(SETTINGS) and key not in LEFT_OUT}
    for target in [key for key in chosen if key.endswith("_target_")]:
        chosen[target.replace("_target_", "name")] = chosen.pop(target).rpartition(".")[2]
    chosen |= {key: every.get(key, value) for key, value in varied.items()}
    return {key: value if isinstance(value, int | float | str) else as_typed(value) for key, value in chosen.items()}


def log_outcome(trainer: Trainer, settings: dict[str, Any], varied: Collection[str], metrics: dict[str, float]) -> None:
    """Record a finished run's settings and metrics; in TensorBoard they are a row among HParams."""
    for logger in trainer.loggers:
        if isinstance(logger, Curves):
            logger.log_row(settings, varied, metrics)
        else:
            logger.log_hyperparams(settings)
        logger.finalize("success")

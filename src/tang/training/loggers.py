"""The loggers of a run: metrics go to all of them, texts and pictures to those that show them."""

import shutil

from matplotlib.figure import Figure
from pytorch_lightning import Trainer
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger

from tang.config.logger import LoggerConfig
from tang.runs.run import RunFolder


def build_loggers(chosen: LoggerConfig, folder: RunFolder, step: int) -> list[Logger]:
    """The chosen loggers, writing below the run's folder.

    Args:
        chosen: the config's ``logger``.
        folder: of the run.
        step: where the run is resumed; 0 for a new one.
    """
    loggers: list[Logger] = []
    if chosen.tensorboard:
        loggers.append(
            TensorBoardLogger(folder.path, name="", version="", default_hp_metric=False, purge_step=step or None)
        )
    if chosen.csv:
        table = CSVLogger(folder.path, name="csv", version=f"from_step_{step}")
        shutil.rmtree(table.log_dir, ignore_errors=True)  # of an attempt that got no further than the next checkpoint
        loggers.append(table)
    return loggers


def log_text(trainer: Trainer, name: str, text: str, step: int) -> None:
    """Show a Markdown text at a step."""
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.add_text(name, text, step)


def log_figure(trainer: Trainer, name: str, figure: Figure, step: int) -> None:
    """Show a picture at a step."""
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.add_figure(name, figure, step)


def log_outcome(trainer: Trainer, settings: dict[str, object], metrics: dict[str, float]) -> None:
    """Record what the run varied and the metrics it reached; in TensorBoard a row among HParams."""
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.log_hyperparams(settings, metrics)
        else:
            logger.log_hyperparams(settings)
        logger.finalize("success")

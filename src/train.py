"""Train a language model on Tang poems, or a classifier of names: ``python src/train.py [KEY=VALUE ...] [-m]``."""

import logging
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from tang import cli, config
from tang.config.train import TrainConfig
from tang.runs.config import resumed_config
from tang.runs.ranks import rank
from tang.runs.run import RunFolder
from tang.sweeps.supervise import supervise
from tang.sweeps.sweep import run_sweep

config.register()
log = logging.getLogger("train")


@hydra.main(version_base="1.3", config_path="../conf", config_name="train")
@cli.one_line
def main(cfg: DictConfig) -> float:
    """Train, then show the results; returns the lowest ``val/loss``."""
    folder = RunFolder(Path(HydraConfig.get().runtime.output_dir))
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        return supervise(cfg, folder)
    settings = config.typed(cfg, TrainConfig)
    if settings.resume:
        settings = resumed_config(folder, settings, HydraConfig.get().overrides.task)
    # PyTorch takes seconds to import: --help, completion and a mistyped key shouldn't wait for it.
    from tang.training.final_message import final_message
    from tang.training.run import train

    result = train(settings, folder, is_sweep=False)
    if rank() == 0:
        log.info("%s", final_message(result, settings, folder))
    return result.val_loss


if __name__ == "__main__":
    cli.run(main, lists=("data.forms", "callbacks.samples.start", "logger"), sweep=run_sweep)

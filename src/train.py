"""Train a language model on Tang poems, or a classifier of names: ``python src/train.py [KEY=VALUE ...] [-m]``."""

import logging
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from tang import cli
from tang.config.train import TrainConfig
from tang.runs.config import resumed_config
from tang.runs.ranks import rank
from tang.runs.run import RunFolder
from tang.sweeps.supervise import supervise
from tang.sweeps.sweep import run_sweep

log = logging.getLogger("train")


@cli.script(TrainConfig, lists=("data.forms", "callbacks.samples.start", "logger"), sweep=run_sweep, job=supervise)
def main(config: TrainConfig) -> float:
    """Train, then show the results; returns the lowest ``val/loss``."""
    folder = RunFolder(Path(HydraConfig.get().runtime.output_dir))
    if config.resume:
        config = resumed_config(folder, config, HydraConfig.get().overrides.task)
    from tang.training.final_message import final_message
    from tang.training.run import train

    result = train(config, folder, is_sweep=False)
    if rank() == 0:
        log.info("%s", final_message(result, config, folder))
    return result.val_loss


if __name__ == "__main__":
    main()

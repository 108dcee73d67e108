"""Train a language model on Tang poems, or a classifier of names: ``python src/train.py [KEY=VALUE ...] [-m]``."""

import logging
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from tang import cli, config
from tang.runs.config import to_go_on
from tang.runs.ranks import rank
from tang.sweeps.supervise import supervise

config.register()
log = logging.getLogger("train")


@hydra.main(version_base="1.3", config_path="../conf", config_name="train")
@cli.one_line
def main(cfg: DictConfig) -> float:
    """Train, then show what came of it; returns the best ``val/loss``."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        return supervise(cfg, folder)
    config.check(cfg)
    if cfg.resume:
        cfg = to_go_on(folder, cfg, HydraConfig.get().overrides.task)
    # PyTorch takes seconds to import: --help, completion and a mistyped key shouldn't wait for it.
    from tang.training.final_message import closing_words
    from tang.training.run import train

    result = train(cfg, folder, is_sweep=False)
    if rank() == 0:
        samples = cfg.callbacks.samples
        log.info("%s", closing_words(result, samples.start, samples.temperature, cfg.seed))
    return result.val_loss


if __name__ == "__main__":
    cli.run(main, lists=("data.forms", "callbacks.samples.start"), sweeps=True)

"""Studies of what LSTMs do: ``python src/study.py study=memory|gradients|flow|initialization``."""

from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from tang import cli, config
from tang.errors import InputError

config.register()


@hydra.main(version_base="1.3", config_path="../conf", config_name="study")
@cli.one_line
def main(cfg: DictConfig) -> None:
    """Conduct a study; print and save what it finds."""
    if OmegaConf.is_missing(cfg.study, "_target_"):
        raise InputError("study is missing: give study=memory, gradients, flow or initialization")
    config.check(cfg)
    # PyTorch takes seconds to import: --help, completion and a mistyped key shouldn't wait for it.
    from tang.studies.findings import conduct

    conduct(cfg, Path(HydraConfig.get().runtime.output_dir))


if __name__ == "__main__":
    cli.run(main)

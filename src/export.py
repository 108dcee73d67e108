"""Export a trained model as safetensors: ``python src/export.py ckpt=PATH to=model.safetensors``."""

import hydra
from omegaconf import DictConfig

from tang import cli, config

config.register()


@hydra.main(version_base="1.3", config_path="../conf", config_name="export")
@cli.one_line
def main(cfg: DictConfig) -> None:
    """Write weights, vocabulary and sizes to a file."""
    config.check(cfg)
    cli.check_output(cfg.to, "to")
    # PyTorch takes seconds to import: --help, completion and a mistyped key shouldn't wait for it.
    from tang import checkpoint
    from tang.tasks.base import Task

    checkpoint.export(checkpoint.load(checkpoint.find(cfg.ckpt, Task), Task), cfg.to)


if __name__ == "__main__":
    cli.run(main)

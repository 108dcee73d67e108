"""Write poems with a trained model: ``python src/sample.py ckpt=PATH [start=日] [form=七言绝句] [rhyme=true]``."""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from tang import cli, config

config.register()


@hydra.main(version_base="1.3", config_path="../conf", config_name="sample")
@cli.one_line
def main(cfg: DictConfig) -> None:
    """Print poems, or write them to a file."""
    config.check(cfg)
    cli.check_output(cfg.out)
    # PyTorch takes seconds to import: --help, completion and a mistyped key shouldn't wait for it.
    from tang import checkpoint
    from tang.generation import from_config
    from tang.generation.poem import FORMATS, SUFFIXES
    from tang.kernels.hardware import keep_memory
    from tang.tasks.language_model import LanguageModel

    from_config.check(cfg)
    keep_memory()
    model = checkpoint.load(checkpoint.find(cfg.ckpt, LanguageModel), LanguageModel)
    poems = from_config.poems(model, cfg)
    written = cfg.format or SUFFIXES.get(Path(cfg.out or "").suffix, "text")
    cli.output(FORMATS[written](poems), cfg.out)


if __name__ == "__main__":
    cli.run(main, lists=("start", "contains"))

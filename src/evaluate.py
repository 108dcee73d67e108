"""The perplexity card of a trained model: ``python src/evaluate.py ckpt=PATH [split=test]``."""

import hydra
from omegaconf import DictConfig

from tang import cli, config

config.register()


@hydra.main(version_base="1.3", config_path="../conf", config_name="evaluate")
@cli.one_line
def main(cfg: DictConfig) -> None:
    """Print the card, or write it to a file."""
    config.check(cfg)
    cli.check_output(cfg.out)
    # PyTorch takes seconds to import: --help, completion and a mistyped key shouldn't wait for it.
    from tang import checkpoint
    from tang.evaluation import evaluate
    from tang.tasks.language_model import LanguageModel

    path = checkpoint.find(cfg.ckpt, LanguageModel)
    card = evaluate(checkpoint.load(path, LanguageModel), cfg.split, cfg.batch_size, cfg.precision, cfg.data)
    cli.output(card.json(path) if cfg.format == "json" else card.text(path), cfg.out)


if __name__ == "__main__":
    cli.run(main)

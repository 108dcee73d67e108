"""Perplexity and quality card of a model: ``python src/evaluate.py ckpt=PATH [split=test] [poems=1000]``."""

from dataclasses import asdict

import hydra
from omegaconf import DictConfig

from tang import cli, config
from tang.errors import InputError

config.register()


@hydra.main(version_base="1.3", config_path="../conf", config_name="evaluate")
@cli.one_line
def main(cfg: DictConfig) -> None:
    """Print the cards, or write them to a file."""
    config.check(cfg)
    cli.check_output(cfg.out)
    if cfg.form and not cfg.poems:
        raise InputError(f"form={cfg.form}: only for the quality card; give poems=1000 too")
    # PyTorch takes seconds to import: --help, completion and a mistyped key shouldn't wait for it.
    from tang import checkpoint
    from tang.evaluation.perplexity import measure_perplexity
    from tang.evaluation.quality_card import measure_quality
    from tang.generation.request import Request
    from tang.tasks.language_model import LanguageModel
    from tang.text.forms import FORMS

    path = checkpoint.find(cfg.ckpt, LanguageModel)
    model = checkpoint.load(path, LanguageModel)
    data = model.data_module(cfg.data, batch_size=cfg.batch_size)
    card = measure_perplexity(model, data, cfg.split, cfg.precision)
    quality = None
    if cfg.poems:
        sampling = {key: cfg[key] for key in ("temperature", "seed", "batch_size", "precision")}
        forms = [FORMS[cfg.form]] if cfg.form else list(FORMS.values())
        quality = measure_quality(model, data, cfg.split, Request(n=cfg.poems, **sampling), forms)
    if cfg.format == "json":
        cli.output(card.json(path, **({"quality": asdict(quality)} if quality else {})), cfg.out)
    else:
        cli.output("\n\n".join([card.text(path), *([quality.text()] if quality else [])]), cfg.out)


if __name__ == "__main__":
    cli.run(main)

"""Write poems with a trained model: ``python src/sample.py ckpt=PATH [start=日] [form=七言绝句]``."""

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
    from tang.compute import keep_memory
    from tang.tasks.language_model import LanguageModel
    from tang.verse.decoding import Settings
    from tang.verse.layout import asked_form
    from tang.verse.write import as_json, as_text, write

    keep_memory()
    model = checkpoint.load(checkpoint.find(cfg.ckpt, LanguageModel), LanguageModel)
    poems = write(
        model.network,
        model.vocabulary,
        starts=list(cfg.start),
        form=asked_form(cfg.form, cfg.chars, cfg.lines),
        default_form=model.form,
        n=cfg.n,
        settings=Settings(cfg.temperature, cfg.top_k, cfg.top_p),
        seed=cfg.seed,
        batch_size=cfg.batch_size,
        precision=cfg.precision,
    )
    cli.output(as_json(poems) if cfg.format == "json" else as_text(poems), cfg.out)


if __name__ == "__main__":
    cli.run(main, lists=("start",))

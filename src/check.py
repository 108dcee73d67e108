"""A report on any poem: ``python src/check.py poem=… [ckpt=PATH] [corpus=true]``, or ``file=poems.txt``."""

from dataclasses import replace

import hydra
from omegaconf import DictConfig

from tang import cli, config

config.register()


@hydra.main(version_base="1.3", config_path="../conf", config_name="check")
@cli.one_line
def main(cfg: DictConfig) -> None:
    """Print the report, or write it to a file."""
    config.check(cfg)
    cli.check_output(cfg.out)
    from tang.evaluation.poem_report import PoemReport, as_json, as_text, read_poems
    from tang.prosody.critique import critique

    reports = [PoemReport(critique(poem, source=source)) for source, poem in read_poems(cfg.poem, cfg.file).items()]
    if cfg.ckpt or cfg.corpus:
        # PyTorch takes seconds to import: prosody alone doesn't need it.
        from tang import checkpoint
        from tang.data.poems import PoemDataModule
        from tang.evaluation.likelihood import add_copies, likelihood
        from tang.tasks.language_model import LanguageModel

        model = checkpoint.load(checkpoint.find(cfg.ckpt, LanguageModel), LanguageModel) if cfg.ckpt else None
        if model:
            reports = [replace(report, likelihood=likelihood(model, report.critique)) for report in reports]
        if cfg.corpus:
            if model:
                data = model.data_module(cfg.data)
            else:
                places = {str(key): place for key, place in cfg.data.items() if place is not None}
                data = PoemDataModule("text" if "path" in places else "tang", **places)
            reports = add_copies(reports, data)
    cli.output(as_json(reports) if cfg.format == "json" else as_text(reports), cfg.out)


if __name__ == "__main__":
    cli.run(main)

"""A report on any poem: ``python src/check.py 白日依山尽… [likelihood=true] [corpus=true]``, or ``file=poems.txt``."""

from dataclasses import replace

from tang import cli
from tang.config.data import PoemsConfig
from tang.config.keys import SHIPPED
from tang.config.scripts import CheckConfig
from tang.console import tracked
from tang.runs.find import check_checkpoint


@cli.script(CheckConfig, unnamed="poem")
def main(config: CheckConfig) -> None:
    """Print the report, or write it to a file."""
    cli.check_output(config.out, config.overwrite)
    from tang.evaluation.poem_report import PoemReport, as_json, as_text, given_poems
    from tang.prosody.critique import critique

    ckpt = config.ckpt or (SHIPPED if config.likelihood else None)
    if ckpt:
        check_checkpoint(ckpt)
    poems = given_poems(config.poem, config.file, config.data.layout)  # type: ignore[arg-type]
    reports = [PoemReport(critique(poem.text, source=poem.source), poem.title) for poem in poems]
    if ckpt or config.corpus:  # prosody alone doesn't need PyTorch
        from tang import checkpoint
        from tang.data.poem_corpus import PoemCorpus
        from tang.evaluation.likelihood import add_copies, likelihood
        from tang.evaluation.suggestions import with_suggestions
        from tang.tasks.poem_model import PoemModel

        model = checkpoint.load(checkpoint.find(ckpt, PoemModel), PoemModel) if ckpt else None
        if model:
            reports = [
                replace(
                    report,
                    critique=with_suggestions(model, report.critique, config.suggestions),
                    likelihood=likelihood(model, report.critique),
                )
                for report in tracked(reports, "Scoring")
            ]
        if config.corpus:
            source = "tang" if config.data.path is None else "text"
            moved = config.data.given()
            data = model.data_module(**moved) if model else PoemCorpus(PoemsConfig(source=source, **moved))
            reports = add_copies(reports, data)
    cli.output(as_json(reports) if config.format == "json" else as_text(reports), config.out)


if __name__ == "__main__":
    main()

"""Perplexity and quality card of a model: ``python src/evaluate.py [ckpt=PATH] [split=test] [poems=1000]``."""

from dataclasses import asdict

from tang import cli
from tang.config.scripts import EvaluateConfig
from tang.errors import InputError
from tang.runs.find import check_checkpoint


@cli.script(EvaluateConfig)
def main(config: EvaluateConfig) -> None:
    """Print the cards, or write them to a file."""
    cli.check_output(config.out, config.overwrite)
    if config.form and not config.poems:
        raise InputError(f"form={config.form}: only for the quality card; give poems=1000 too")
    check_checkpoint(config.ckpt)
    from tang import checkpoint
    from tang.data.split import Split
    from tang.evaluation.perplexity import measure_perplexity
    from tang.evaluation.quality_card import measure_quality
    from tang.generation.request import Request
    from tang.tasks.poem_model import PoemModel
    from tang.text.forms import FORMS, form_named

    path = checkpoint.find(config.ckpt, PoemModel)
    model = checkpoint.load(path, PoemModel)
    data = model.data_module(**config.data.given(), batch_size=config.batch_size)
    split: Split = config.split  # type: ignore[assignment]
    card = measure_perplexity(model, data, split, config.precision, config.fit_temperature)
    quality = None
    if config.poems:
        request = Request(
            n=config.poems,
            temperature=config.temperature,
            seed=config.seed,
            batch_size=config.batch_size,
            precision=config.precision,
        )
        forms = [form_named(config.form)] if config.form else list(FORMS.values())
        quality = measure_quality(model, data, split, request, forms)
    if config.format == "json":
        cli.output(card.json(path, **({"quality": asdict(quality)} if quality else {})), config.out)
    else:
        cli.output("\n\n".join([card.text(path), *([quality.text()] if quality else [])]), config.out)


if __name__ == "__main__":
    main()

"""The most probable languages of a name: ``python src/predict.py ckpt=PATH name=Satoshi``."""

from tang import cli
from tang.config.scripts import PredictConfig
from tang.runs.find import check_checkpoint


@cli.script(PredictConfig)
def main(config: PredictConfig) -> None:
    """Print the languages, or write them to a file."""
    cli.check_output(config.out, config.overwrite)
    check_checkpoint(config.ckpt)
    from tang import checkpoint
    from tang.evaluation.predict_names import as_json, as_text, predict, refuse_unread
    from tang.tasks.name_model import NameModel

    model = checkpoint.load(checkpoint.find(config.ckpt, NameModel), NameModel)
    predictions, unread = predict(model, config.name, config.top)
    if predictions:
        cli.output(as_json(predictions) if config.format == "json" else as_text(predictions), config.out)
    refuse_unread(model, unread)


if __name__ == "__main__":
    main()

"""The most probable languages of a name: ``python src/predict.py ckpt=PATH name=Satoshi``."""

import hydra
from omegaconf import DictConfig

from tang import cli, config

config.register()


@hydra.main(version_base="1.3", config_path="../conf", config_name="predict")
@cli.one_line
def main(cfg: DictConfig) -> None:
    """Print the languages, or write them to a file."""
    config.check(cfg)
    cli.check_output(cfg.out)
    # PyTorch takes seconds to import: --help, completion and a mistyped key shouldn't wait for it.
    from tang import checkpoint
    from tang.evaluation.predict_names import as_json, as_text, predict
    from tang.tasks.classifier import Classifier

    model = checkpoint.load(checkpoint.find(cfg.ckpt, Classifier), Classifier)
    predictions = predict(model, list(cfg.name), cfg.top)
    cli.output(as_json(predictions) if cfg.format == "json" else as_text(predictions), cfg.out)


if __name__ == "__main__":
    cli.run(main, lists=("name",))

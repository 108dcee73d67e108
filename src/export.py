"""Export a trained model as safetensors: ``python src/export.py ckpt=PATH to=model.safetensors``."""

from tang import cli
from tang.config.scripts import ExportConfig
from tang.runs.find import check_checkpoint


@cli.script(ExportConfig)
def main(config: ExportConfig) -> None:
    """Write weights, vocabulary and sizes to a file."""
    cli.check_output(config.to, config.overwrite, "to")
    check_checkpoint(config.ckpt)
    from tang import checkpoint
    from tang.tasks.saved import Saved

    checkpoint.export(checkpoint.load(checkpoint.find(config.ckpt, Saved), Saved), config.to, config.dtype)


if __name__ == "__main__":
    main()

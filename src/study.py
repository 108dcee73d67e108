"""Studies of what LSTMs do: ``python src/study.py study=memory|gradients|flow|initialization|inside``."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from tang import cli
from tang.config.studies import StudyConfig


@cli.script(StudyConfig)
def main(config: StudyConfig) -> None:
    """Conduct a study; print and save what it finds."""
    from tang.studies.findings import conduct

    conduct(config, Path(HydraConfig.get().runtime.output_dir))


if __name__ == "__main__":
    main()

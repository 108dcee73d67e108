"""Report a sweep in text, tables and pictures: ``python src/report.py dir=outputs/sweeps/…``."""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from tang import cli, config
from tang.runs.sweep import latest_sweep

config.register()


@hydra.main(version_base="1.3", config_path="../conf", config_name="report")
@cli.one_line
def main(cfg: DictConfig) -> None:
    """Print the report; its files are in the sweep's folder."""
    config.check(cfg)
    # PyTorch takes seconds to import: --help, completion and a mistyped key shouldn't wait for it.
    from tang.reporting.report import write_report

    folder = latest_sweep().path if cfg.dir == "latest" else Path(cfg.dir).expanduser()
    cli.output(f"{write_report(folder, cfg.x, cfg.y)}\nreport.md and the pictures are in {folder}", None)


if __name__ == "__main__":
    cli.run(main)

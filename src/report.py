"""Report a sweep in text, tables and pictures: ``python src/report.py dir=outputs/sweeps/…``."""

from pathlib import Path

from tang import cli
from tang.config.scripts import ReportConfig
from tang.runs.sweep import latest_sweep


@cli.script(ReportConfig)
def main(config: ReportConfig) -> None:
    """Print the report; its files are in the sweep's folder."""
    from tang.reporting.report import write_report

    folder = latest_sweep("dir").path if config.dir == "latest" else Path(config.dir).expanduser()
    cli.output(f"{write_report(folder, config.x, config.y)}\nreport.md and the pictures are in {folder}", None)


if __name__ == "__main__":
    main()

"""The table at the end of a sweep, best run first."""

import csv
import json
import logging
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

log = logging.getLogger(__name__)

RESULT = "result.json"
"""In a run's folder: what it came to."""


class Summary(Callback):
    """Hydra calls this: ``summary.csv`` and ``summary.md`` grow with every job, the table is printed at the end.

    When a job fails, Hydra runs the others and then leaves out the end; so a failure prints it too.
    """

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        if config.hydra.mode == RunMode.MULTIRUN:
            table = write_summary(Path(config.hydra.sweep.dir))
            if job_return.status == JobStatus.FAILED:
                log.error("this run failed: %s\n%s", job_return._return_value, table)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        folder = Path(config.hydra.sweep.dir)
        log.info("\n%s\nin %s and summary.csv", write_summary(folder), folder / "summary.md")


def write_summary(folder: Path) -> str:
    """Write the table of a sweep's finished runs to its folder; return it as Markdown, "" if there are none."""
    rows = collect(folder)
    if not rows:
        return ""
    table = markdown(rows) + "\n"
    (folder / "summary.md").write_text(table, encoding="utf-8")
    with (folder / "summary.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return table


def collect(folder: Path) -> list[dict[str, Any]]:
    """A row for each finished run below ``folder``: what was varied, then what came of it."""
    runs = []
    for path in folder.glob(f"*/{RESULT}"):
        result = json.loads(path.read_text(encoding="utf-8"))
        overrides: Any = OmegaConf.load(path.parent / ".hydra" / "overrides.yaml")
        runs.append((dict(override.lstrip("+").split("=", 1) for override in overrides), result))
    keys = dict.fromkeys(key for overrides, _ in runs for key in overrides)
    varied = [key for key in keys if len({overrides.get(key) for overrides, _ in runs}) > 1 or len(runs) == 1]
    rows = [
        {key: overrides.get(key, "") for key in varied}
        | {
            "val/loss": f"{result['val_loss']:.4f}",
            "val/ppl": f"{result['val_ppl']:.2f}",
            "epochs": result["epochs"],
            "minutes": f"{result['minutes']:.1f}",
            "tokens/s": f"{result['tokens_per_second']:.0f}",
            "checkpoint": result["checkpoint"],
        }
        for overrides, result in runs
    ]
    return sorted(rows, key=lambda row: float(row["val/loss"]))


def markdown(rows: list[dict[str, Any]]) -> str:
    """``rows`` as a Markdown table, its columns aligned."""
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    lines.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in lines)

"""The table at the end of a sweep, best run first."""

import csv
import json
import logging
from pathlib import Path
from typing import Any

import yaml
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

log = logging.getLogger(__name__)

COLUMNS = ["val/loss", "val/ppl", "epochs", "minutes", "tokens/s", "checkpoint"]


class Summary(Callback):
    """Hydra calls this; it writes ``summary.csv`` and ``summary.md`` and prints the table."""

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        folder = Path(config.hydra.sweep.dir)
        rows = collect(folder)
        if rows:
            table = markdown(rows)
            (folder / "summary.md").write_text(table + "\n", encoding="utf-8")
            with (folder / "summary.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, rows[0])
                writer.writeheader()
                writer.writerows(rows)
            log.info("\n%s\n\n%s", table, f"in {folder / 'summary.md'} and summary.csv; tensorboard --logdir {folder}")


def collect(folder: Path) -> list[dict[str, Any]]:
    """A row for each finished run below ``folder``: what was varied, then :data:`COLUMNS`."""
    runs = []
    for path in folder.glob("*/result.json"):
        result = json.loads(path.read_text(encoding="utf-8"))
        overrides = yaml.safe_load((path.parent / ".hydra" / "overrides.yaml").read_text(encoding="utf-8"))
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

"""The table at the end of a sweep, best run first."""

import csv
import json
import logging
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from tang.tables import columns, markdown

log = logging.getLogger(__name__)

RESULT = "result.json"
"""In a run's folder: what it came to."""

SEED = "seed"


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
    """Write the table of a sweep's finished runs to its folder; return it as Markdown, "" if there are none.

    If seeds were varied, a second table follows it: each setting's mean ± standard deviation over its seeds.
    """
    runs = collect(folder)
    if not runs:
        return ""
    rows = [run.row(runs) for run in runs]
    text = f"{markdown(rows)}\n\nbest: {runs[0].result['checkpoint']}\n"
    if len({run.overrides.get(SEED) for run in runs}) > 1:
        text += f"\nmean ± standard deviation over seeds\n\n{markdown(over_seeds(runs))}\n"
    (folder / "summary.md").write_text(text, encoding="utf-8")
    with (folder / "summary.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*columns(rows), "checkpoint"])
        writer.writeheader()
        writer.writerows(row | {"checkpoint": run.result["checkpoint"]} for row, run in zip(rows, runs, strict=True))
    return text


@dataclass(frozen=True)
class Run:
    """A finished run of a sweep."""

    overrides: dict[str, str]
    result: dict[str, Any]
    """See :class:`tang.training.Result`."""

    @property
    def figures(self) -> dict[str, float]:
        """By what a table calls them."""
        metrics, speed = self.result["metrics"], self.result["tokens_per_second"]
        return {"val/loss": self.result["val_loss"], **metrics, "minutes": self.result["minutes"], "tokens/s": speed}

    def varied(self, runs: Sequence["Run"]) -> dict[str, str]:
        """Its overrides, as far as they differ among ``runs``."""
        keys = dict.fromkeys(key for run in runs for key in run.overrides)
        differ = [key for key in keys if len({run.overrides.get(key) for run in runs}) > 1 or len(runs) == 1]
        return {key: self.overrides.get(key, "") for key in differ}

    def row(self, runs: Sequence["Run"]) -> dict[str, Any]:
        """Of the table of ``runs``."""
        figures = {name: _shown(name, value) for name, value in self.figures.items()}
        return self.varied(runs) | figures | {"epochs": self.result["epochs"]}


def collect(folder: Path) -> list[Run]:
    """The finished runs below ``folder``, best first."""
    runs = []
    for path in folder.glob(f"*/{RESULT}"):
        result = json.loads(path.read_text(encoding="utf-8"))
        overrides: Any = OmegaConf.load(path.parent / ".hydra" / "overrides.yaml")
        runs.append(Run(dict(override.lstrip("+").split("=", 1) for override in overrides), result))
    return sorted(runs, key=lambda run: float(run.result["val_loss"]))


def over_seeds(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """A row for each setting but the seed: how many runs, and mean ± standard deviation (n − 1) of their figures."""
    groups: dict[tuple[tuple[str, str], ...], list[Run]] = {}
    for run in runs:
        setting = {key: value for key, value in run.varied(runs).items() if key != SEED}
        groups.setdefault(tuple(setting.items()), []).append(run)
    rows = []
    for items, members in groups.items():
        row: dict[str, Any] = {**dict(items), "runs": len(members)}
        for name in members[0].figures:
            values = [member.figures.get(name, math.nan) for member in members]
            is_known = len(values) > 1 and all(map(math.isfinite, values))
            deviation = statistics.stdev(values) if is_known else math.nan
            row[name] = f"{_shown(name, statistics.fmean(values))} ± {_shown(name, deviation)}"
        rows.append(row)
    return rows


def _shown(name: str, value: float) -> str:
    """With as many digits as a figure deserves."""
    digits = {"val/loss": 4, "minutes": 1, "tokens/s": 0}.get(name, 4 if "accuracy" in name else 2)
    return f"{value:.{digits}f}"

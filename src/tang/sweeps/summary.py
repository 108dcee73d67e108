"""The table of a sweep, best run first."""

import csv
import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from tang.tables import columns, markdown

RESULT = "result.json"
"""In a run's folder: what it came to."""

FAILURE = "failure.txt"
"""In a run's folder: why it failed, a line."""

SEED = "seed"


@dataclass(frozen=True)
class Run:
    """One of a sweep's runs."""

    folder: Path
    overrides: dict[str, str]
    result: dict[str, Any] | None
    """See :class:`tang.training.Result`; None if the run hasn't come to its end."""
    failure: str | None = None
    """Why it failed."""

    @property
    def status(self) -> str:
        if self.failure is not None:
            return f"failed: {self.failure}"
        return "done" if self.result else "unfinished"

    @property
    def figures(self) -> dict[str, float]:
        """By what a table calls them."""
        if self.result is None:
            return {}
        metrics, speed = self.result["metrics"], self.result["tokens_per_second"]
        return {"val/loss": self.result["val_loss"], **metrics, "minutes": self.result["minutes"], "tokens/s": speed}

    def varied(self, runs: Sequence["Run"]) -> dict[str, str]:
        """Its overrides, as far as they differ among ``runs``."""
        keys = dict.fromkeys(key for run in runs for key in run.overrides)
        differ = [key for key in keys if len({run.overrides.get(key) for run in runs}) > 1 or len(runs) == 1]
        return {key: self.overrides.get(key, "") for key in differ}

    def row(self, runs: Sequence["Run"]) -> dict[str, Any]:
        """Of the table of ``runs``; what became of it only if some aren't done."""
        row: dict[str, Any] = self.varied(runs)
        if any(run.status != "done" for run in runs):
            row["status"] = self.status if len(self.status) <= 60 else f"{self.status[:59]}…"
        row |= {name: _shown(name, value) for name, value in self.figures.items()}
        return row | {"epochs": self.result["epochs"]} if self.result else row


def write_summary(folder: Path) -> str:
    """Write the table of a sweep's runs to its folder; return it as Markdown, "" if there are none.

    If seeds were varied, a second table follows it: each setting's mean ± standard deviation over its seeds.
    """
    runs = collect(folder)
    if not runs:
        return ""
    rows = [run.row(runs) for run in runs]
    checkpoints = [run.result["checkpoint"] if run.result else "" for run in runs]
    text = f"{markdown(rows)}\n"
    if checkpoints[0]:
        text += f"\nbest: {checkpoints[0]}\n"
    done = [run for run in runs if run.result]
    if len({run.overrides.get(SEED) for run in done}) > 1:
        text += f"\nmean ± standard deviation over seeds\n\n{markdown(over_seeds(done))}\n"
    (folder / "summary.md").write_text(text, encoding="utf-8")
    with (folder / "summary.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*columns(rows), "checkpoint"])
        writer.writeheader()
        writer.writerows(row | {"checkpoint": path} for row, path in zip(rows, checkpoints, strict=True))
    return text


def collect(folder: Path) -> list[Run]:
    """The runs below ``folder``, best first; then the unfinished, last the failed."""
    runs = []
    for path in sorted(folder.glob("*/.hydra/overrides.yaml")):
        overrides: Any = OmegaConf.load(path)
        result, failure = path.parent.parent / RESULT, path.parent.parent / FAILURE
        why = failure.read_text(encoding="utf-8").strip() if failure.exists() else None
        came_to = json.loads(result.read_text(encoding="utf-8")) if result.exists() and why is None else None
        given = dict(override.lstrip("+").split("=", 1) for override in overrides)
        runs.append(Run(path.parent.parent, given, came_to, why))
    return sorted(runs, key=lambda run: (run.failure is not None, run.figures.get("val/loss", math.inf)))


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

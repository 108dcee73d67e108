"""The table of a sweep, best run first."""

import csv
import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from tang.errors import DIVERGED
from tang.runs.folder import FAILURE, RESULT
from tang.tables import columns, markdown

LOSS = "val/loss"

SEED = "seed"


@dataclass(frozen=True)
class Run:
    """One of a sweep's runs."""

    folder: Path
    overrides: dict[str, str]
    result: dict[str, Any] | None
    """See :class:`tang.training.run.Result`; None if the run hasn't come to its end."""
    failure: str | None = None
    """Why it failed."""

    @property
    def has_diverged(self) -> bool:
        """Whether it failed because a loss, or what came of it, wasn't finite."""
        return self.failure is not None and DIVERGED in self.failure

    @property
    def loss(self) -> float | None:
        """Its best ``val/loss``; infinite if it diverged, None if it came to no end."""
        if self.result:
            return float(self.result["val_loss"])
        return math.inf if self.has_diverged else None

    @property
    def ended(self) -> float:
        """When it came to its end or failed, in seconds since 1970."""
        return (self.folder / (RESULT if self.result else FAILURE)).stat().st_mtime

    @property
    def status(self) -> str:
        if self.failure is not None:
            return f"{'diverged' if self.has_diverged else 'failed'}: {self.failure}"
        return "done" if self.result else "unfinished"

    @property
    def figures(self) -> dict[str, float]:
        """By what a table calls them."""
        if self.result is None:
            return {}
        metrics, speed = self.result["metrics"], self.result["tokens_per_second"]
        return {LOSS: self.result["val_loss"], **metrics, "minutes": self.result["minutes"], "tokens/s": speed}

    def row(self, runs: Sequence["Run"]) -> dict[str, Any]:
        """Of the table of ``runs``; what became of it only if some aren't done."""
        row: dict[str, Any] = {key: self.overrides.get(key, "") for key in varied(runs)}
        if any(run.status != "done" for run in runs):
            row["status"] = self.status if len(self.status) <= 60 else f"{self.status[:59]}…"
        row |= {name: f"{value:.{digits(name)}f}" for name, value in self.figures.items()}
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
    text = f"{markdown(readable(rows, varied(runs)))}\n"
    if checkpoints[0]:
        text += f"\nbest: {checkpoints[0]}\n"
    settings = by_setting(runs)
    if any(len(members) > 1 for _, members in settings):
        means = [{**values, "runs": len(members), **over_seeds(members)} for values, members in settings]
        text += f"\nmean ± standard deviation over seeds\n\n{markdown(readable(means, varied(runs)))}\n"
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
    return sorted(runs, key=lambda run: (run.failure is not None, run.figures.get(LOSS, math.inf)))


def varied(runs: Sequence[Run]) -> list[str]:
    """The keys of overrides that differ among ``runs``; of a single run all that were given."""
    keys = dict.fromkeys(key for run in runs for key in run.overrides)
    return [key for key in keys if len(runs) == 1 or len({run.overrides.get(key) for run in runs}) > 1]


def by_setting(runs: Sequence[Run]) -> list[tuple[dict[str, str], list[Run]]]:
    """The runs that ended or diverged, by what they have of the varied keys but the seed; the lowest mean loss first.

    Of runs with the same seed only the newest counts: they are no measurements of their own.
    """
    keys = [key for key in varied(runs) if key != SEED]
    settings: dict[tuple[str, ...], dict[str, Run]] = {}
    for run in sorted((run for run in runs if run.loss is not None), key=lambda run: run.ended):
        values = tuple(run.overrides.get(key, "") for key in keys)
        settings.setdefault(values, {})[run.overrides.get(SEED, "")] = run
    groups = [(dict(zip(keys, values, strict=True)), list(seeds.values())) for values, seeds in settings.items()]
    return sorted(groups, key=lambda group: statistics.fmean(losses(group[1])))


def losses(runs: Sequence[Run]) -> list[float]:
    """The ``val/loss`` of those that have one."""
    return [run.loss for run in runs if run.loss is not None]


def over_seeds(runs: Sequence[Run]) -> dict[str, str]:
    """The figures of a setting's runs; of a setting of which a run diverged nothing but that."""
    if any(run.has_diverged for run in runs):
        return {LOSS: spread_of_losses(losses(runs))}
    names = runs[0].figures
    return {name: spread([run.figures.get(name, math.nan) for run in runs], digits(name)) for name in names}


def spread_of_losses(losses: Sequence[float]) -> str:
    """Mean ± standard deviation, or how many are infinite: those of runs that diverged."""
    if infinite := sum(map(math.isinf, losses)):
        return "diverged" if infinite == len(losses) else f"diverged in {infinite} of {len(losses)}"
    return spread(losses, digits(LOSS))


def spread(values: Sequence[float], digits: int) -> str:
    """Mean ± standard deviation (n − 1), as far as there are any; a perplexity may be infinite."""
    mean = statistics.fmean(values)
    form = f".{digits}f" if abs(mean) < 1e5 else ".1e"
    is_known = len(values) > 1 and math.isfinite(mean)
    return f"{mean:{form}} ± {statistics.stdev(values):{form}}" if is_known else f"{mean:{form}}"


def digits(name: str) -> int:
    """As many as a figure deserves."""
    return {LOSS: 4, "minutes": 1, "tokens/s": 0}.get(name, 4 if "accuracy" in name else 2)


def readable(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> list[dict[str, Any]]:
    """``rows`` with the values of ``keys`` as :func:`shorten` has them."""
    shown = {key: shorten(row.get(key, "") for row in rows) for key in keys}
    return [{name: shown[name][cell] if name in shown else cell for name, cell in row.items()} for row in rows]


def shorten(values: Iterable[str]) -> dict[str, str]:
    """How a table shows a key's values: fractions with four digits, unless two would look the same; none as a dash."""
    every = {value: value or "–" for value in values}
    short = {
        value: f"{number:.4g}" if "." in value and (number := as_number(value)) is not None else text
        for value, text in every.items()
    }
    return short if len(set(short.values())) == len(short) else every


def as_number(value: str) -> float | None:
    """``value`` if it is a number."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None

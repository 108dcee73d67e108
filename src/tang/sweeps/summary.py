"""The table of a sweep, best run first."""

import csv
import io
import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from tang.atomic import write_text
from tang.runs.sweep import LOSS, RunRecord, SweepFolder
from tang.tables import columns, markdown

SEED = "seed"


def write_summary(folder: SweepFolder) -> str:
    """Write ``summary.md`` and ``summary.csv``; return the Markdown, "" if the sweep has no runs.

    If seeds were varied, a second table follows: each configuration's mean ± standard deviation over its seeds.
    """
    runs = folder.runs()
    if not runs:
        return ""
    keys, has_status = varied(runs), any(run.status != "done" for run in runs)
    rows = [row(run, keys, has_status) for run in runs]
    checkpoints = [run.result.checkpoint if run.result else "" for run in runs]
    text = f"{markdown(readable(rows, keys))}\n"
    if checkpoints[0]:
        text += f"\nbest: {checkpoints[0]}\n"
    groups = by_configuration(runs, keys)
    if any(len(members) > 1 for _, members in groups):
        means = [{**values, "runs": len(members), **over_seeds(members)} for values, members in groups]
        text += f"\nmean ± standard deviation over seeds\n\n{markdown(readable(means, keys))}\n"
    write_text(folder.summary, text)
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, [*columns(rows), "checkpoint"])
    writer.writeheader()
    writer.writerows(row | {"checkpoint": path} for row, path in zip(rows, checkpoints, strict=True))
    write_text(folder.table, table.getvalue())
    return text


def row(run: RunRecord, keys: Sequence[str], has_status: bool) -> dict[str, Any]:
    """The row of a run in a table: its values of ``keys``, its status if wanted, its metrics."""
    cells: dict[str, Any] = {key: run.overrides.get(key, "") for key in keys}
    if has_status:
        cells["status"] = run.status if len(run.status) <= 60 else f"{run.status[:59]}…"
    cells |= {name: f"{value:.{digits(name)}f}" for name, value in run.metrics.items()}
    return cells | {"epochs": run.result.epochs} if run.result else cells


def varied(runs: Sequence[RunRecord]) -> list[str]:
    """The keys of overrides that differ among ``runs``; of a single run all that were given."""
    keys = dict.fromkeys(key for run in runs for key in run.overrides)
    return [key for key in keys if len(runs) == 1 or len({run.overrides.get(key) for run in runs}) > 1]


def by_configuration(runs: Sequence[RunRecord], keys: Sequence[str]) -> list[tuple[dict[str, str], list[RunRecord]]]:
    """Finished and diverged runs grouped by the varied ``keys`` without the seed; the lowest mean loss first.

    Of runs with the same seed only the newest counts: repetitions are no independent measurements.
    """
    keys = [key for key in keys if key != SEED]
    groups: dict[tuple[str, ...], dict[str, RunRecord]] = {}
    for run in sorted((run for run in runs if run.loss is not None), key=lambda run: run.folder.ended_at):
        values = tuple(run.overrides.get(key, "") for key in keys)
        groups.setdefault(values, {})[run.overrides.get(SEED, "")] = run
    configurations = [(dict(zip(keys, values, strict=True)), list(seeds.values())) for values, seeds in groups.items()]
    return sorted(configurations, key=lambda item: statistics.fmean(losses(item[1])))


def losses(runs: Sequence[RunRecord]) -> list[float]:
    """The ``val/loss`` of the runs that have one."""
    return [run.loss for run in runs if run.loss is not None]


def over_seeds(runs: Sequence[RunRecord]) -> dict[str, str]:
    """Each metric's mean ± deviation over the runs of a configuration; if one diverged, the loss alone says so."""
    if any(run.has_diverged for run in runs):
        return {LOSS: spread_of_losses(losses(runs))}
    names = runs[0].metrics
    return {name: spread([run.metrics.get(name, math.nan) for run in runs], digits(name)) for name in names}


def spread_of_losses(losses: Sequence[float]) -> str:
    """Mean ± standard deviation, or how many runs diverged: their losses are infinite."""
    if infinite := sum(map(math.isinf, losses)):
        return "diverged" if infinite == len(losses) else f"diverged in {infinite} of {len(losses)}"
    return spread(losses, digits(LOSS))


def spread(values: Sequence[float], digits: int) -> str:
    """Mean ± standard deviation (n − 1) as far as they are defined; a perplexity may be infinite."""
    mean = statistics.fmean(values)
    form = f".{digits}f" if abs(mean) < 1e5 else ".1e"
    is_known = len(values) > 1 and math.isfinite(mean)
    return f"{mean:{form}} ± {statistics.stdev(values):{form}}" if is_known else f"{mean:{form}}"


def digits(name: str) -> int:
    """Decimals that a metric is shown with."""
    return {LOSS: 4, "minutes": 1, "tokens/s": 0}.get(name, 4 if "accuracy" in name else 2)


def readable(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> list[dict[str, Any]]:
    """``rows`` with the values of ``keys`` shortened, see :func:`shorten`."""
    shown = {key: shorten(row.get(key, "") for row in rows) for key in keys}
    return [{name: shown[name][cell] if name in shown else cell for name, cell in row.items()} for row in rows]


def shorten(values: Iterable[str]) -> dict[str, str]:
    """Value → its text in a table: four digits of a fraction, unless two would look the same; a dash for none."""
    every = {value: value or "–" for value in values}
    short = {
        value: f"{number:.4g}" if "." in value and (number := as_number(value)) is not None else text
        for value, text in every.items()
    }
    return short if len(set(short.values())) == len(short) else every


def as_number(value: str) -> float | None:
    """``value`` as a finite number, or None."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None

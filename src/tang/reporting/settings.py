"""Runs that differ in nothing but their seed are one setting."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tang.reporting.reading import LOSS, Curve, read, validations, varied
from tang.sweeps.summary import SEED, Run
from tang.tables import markdown


@dataclass(frozen=True)
class Setting:
    """The finished runs of a setting, one for each seed."""

    values: dict[str, str]
    """Of the keys that the sweep varied."""
    runs: list[Run]

    @cached_property
    def losses(self) -> list[float]:
        return [float(run.figures[LOSS]) for run in self.runs]

    @cached_property
    def curves(self) -> list[Curve]:
        """Those of its runs that have one."""
        return [curve for run in self.runs if (curve := validations(run))]

    @property
    def loss(self) -> float:
        """The mean ``val/loss``; infinite if that of a run is."""
        return statistics.fmean(self.losses)

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.loss)

    def told(self) -> str:
        """The mean ± the deviation of ``val/loss``."""
        return spread(self.losses, 4)


@dataclass(frozen=True)
class Sweep:
    """What became of a sweep."""

    folder: Path
    keys: list[str]
    """Those that varied, but for the seed."""
    settings: list[Setting]
    """Those with a finished run, best first."""
    unfinished: list[Run]

    @property
    def seeds(self) -> int:
        """How many the setting with most of them has."""
        return max((len(setting.runs) for setting in self.settings), default=0)

    def best_by(self, key: str) -> dict[str, Setting]:
        """For each value of ``key`` the best of its settings; best first."""
        best: dict[str, Setting] = {}
        for setting in self.settings:
            best.setdefault(setting.values[key], setting)
        return best


def settle(folder: Path) -> Sweep:
    """Read a sweep.

    Raises:
        InputError: ``folder`` isn't that of a sweep.
    """
    runs = read(folder)
    keys = varied(runs)
    groups: dict[tuple[str, ...], dict[str, Run]] = {}
    for run in runs:
        if run.result:  # of runs with the same seed one counts: they are no measurements of their own
            groups.setdefault(tuple(run.overrides.get(key, "") for key in keys), {})[run.overrides.get(SEED, "")] = run
    settings = [
        Setting(dict(zip(keys, values, strict=True)), list(by_seed.values())) for values, by_seed in groups.items()
    ]
    settings.sort(key=lambda setting: setting.loss)
    return Sweep(folder, keys, settings, [run for run in runs if not run.result])


def spread(values: Sequence[float], digits: int) -> str:
    """Mean ± standard deviation (n − 1), as far as there are any."""
    if not all(map(math.isfinite, values)):
        infinite = sum(not math.isfinite(value) for value in values)
        return "diverged" if infinite == len(values) else f"diverged in {infinite} of {len(values)}"
    mean = statistics.fmean(values)
    form = f".{digits}f" if abs(mean) < 1e5 else ".1e"
    return f"{mean:{form}} ± {statistics.stdev(values):{form}}" if len(values) > 1 else f"{mean:{form}}"


def table(sweep: Sweep, verdict: Callable[[Setting], str]) -> str:
    """All settings, best first, as Markdown.

    Args:
        sweep: with finished runs.
        verdict: says of a setting whether it is worse than the best by more than the noise.
    """
    rows = []
    for setting in sweep.settings:
        figures = {name: [run.figures.get(name, math.nan) for run in setting.runs] for name in setting.runs[0].figures}
        cells = {name: spread(values, digits(name)) for name, values in figures.items()}
        rows.append(
            {**{key: short(value) for key, value in setting.values.items()}, "seeds": len(setting.runs)} | cells
        )
        if sweep.seeds > 1:
            rows[-1]["worse than the first"] = verdict(setting)
    return markdown(rows)


def unfinished_table(runs: Sequence[Run]) -> str:
    """The runs without a result, and why."""
    return markdown([{"run": run.folder.name, "status": run.status.replace("|", "\\|")} for run in runs])


def digits(name: str) -> int:
    """As many as a figure deserves."""
    return {LOSS: 4, "minutes": 1, "tokens/s": 0}.get(name, 4 if "accuracy" in name else 2)


def short(value: str) -> str:
    """A value as a table shows it: numbers with three digits, nothing as a dash."""
    number = as_number(value)
    if number is None or len(value) < 6:
        return value or "–"
    return f"{number:.3g}"


def as_number(value: str) -> float | None:
    """``value`` if it is a number."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None

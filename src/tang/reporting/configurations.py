"""Runs that differ in nothing but their seed are one setting."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tang.reporting.reading import Points, read, validations
from tang.runs.sweep import RunRecord
from tang.sweeps.summary import SEED, by_configuration, losses, over_seeds, shorten, spread_of_losses, varied
from tang.tables import markdown

LENGTHS = ("data", "experiment", "trainer.max_", "trainer.accumulate_grad_batches")
"""Keys, by their beginnings, by which the same training takes other numbers of steps."""


@dataclass(frozen=True)
class Setting:
    """The runs of a setting that finished or diverged, one for each seed."""

    values: dict[str, str]
    """Of the keys that the sweep varied, and"""
    shown: dict[str, str]
    """how tables and legends have them."""
    runs: list[RunRecord]

    @cached_property
    def losses(self) -> list[float]:
        return losses(self.runs)

    @cached_property
    def curves(self) -> list[Points]:
        """Those of its runs that have one."""
        return [curve for run in self.runs if (curve := validations(run))]

    @property
    def loss(self) -> float:
        """The mean ``val/loss``; infinite if a run diverged."""
        return statistics.fmean(self.losses)

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.loss)

    def text(self) -> str:
        """The mean ± the deviation of ``val/loss``."""
        return spread_of_losses(self.losses)


@dataclass(frozen=True)
class Sweep:
    """What became of a sweep."""

    folder: Path
    keys: list[str]
    """Those that varied, but for the seed."""
    settings: list[Setting]
    """Those with a run that finished or diverged, best first."""
    unfinished: list[RunRecord]
    """Those without a result, the diverged too."""

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

    def length(self, setting: Setting) -> int:
        """The steps of a whole training: the longest curve's, whatever seed or key it is of but :data:`LENGTHS`."""
        keys = [key for key in self.keys if key.startswith(LENGTHS)]
        alike = [other for other in self.settings if all(other.values[key] == setting.values[key] for key in keys)]
        return max((curve[-1][0] for other in alike for curve in other.curves), default=0)


def settle(folder: Path) -> Sweep:
    """Read a sweep.

    Raises:
        InputError: ``folder`` isn't that of a sweep.
    """
    runs = read(folder)
    groups = by_configuration(runs)
    keys = [key for key in varied(runs) if key != SEED]
    shown = {key: shorten(values[key] for values, _ in groups) for key in keys}
    settings = [Setting(values, {key: shown[key][values[key]] for key in keys}, members) for values, members in groups]
    return Sweep(folder, keys, settings, [run for run in runs if not run.result])


def table(sweep: Sweep, verdict: Callable[[Setting], str]) -> str:
    """All settings, best first, as Markdown.

    Args:
        sweep: with runs that finished or diverged.
        verdict: says of a setting whether it is worse than the best by more than the noise.
    """
    rows = []
    for setting in sweep.settings:
        rows.append({**setting.shown, "seeds": len(setting.runs), **over_seeds(setting.runs)})
        if sweep.seeds > 1:
            rows[-1]["worse than the first"] = verdict(setting)
    return markdown(rows)


def unfinished_table(runs: Sequence[RunRecord]) -> str:
    """The runs without a result, and why."""
    return markdown([{"run": run.folder.path.name, "status": run.status.replace("|", "\\|")} for run in runs])

"""The configurations of a sweep: runs that differ in their seed alone are one configuration."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tang.errors import InputError
from tang.reporting.curves import Points, read_curve
from tang.runs.run import RunFolder
from tang.runs.sweep import LOSS, RunRecord, SweepFolder
from tang.sweeps.summary import SEED, by_configuration, losses, over_seeds, readable, spread_of_losses, varied
from tang.tables import columns, markdown

RATE_KEYS = ("optimizer.lr_scale", "optimizer.lr")
COLUMNS = 120  # Width of a table
DROPPED = ("tokens/s", "minutes", "_hanzi", "_balanced")  # Ends of the columns that a table can do without
# Beginnings of the keys that change the number of steps in a training
LENGTH_KEYS = ("data", "experiment", "trainer.max_", "trainer.accumulate_grad_batches")


@dataclass(frozen=True)
class Configuration:
    """The runs of a configuration that finished or diverged, one for each seed."""

    values: dict[str, str]  # Key that the sweep varied → value
    runs: list[RunRecord]
    shown: dict[str, str]  # Key → value as tables and legends show it

    @cached_property
    def curves(self) -> list[Points]:
        """The validation curves of those runs that have one."""
        return [curve for run in self.runs if (curve := read_curve(run.folder.events, LOSS))]

    @property
    def losses(self) -> list[float]:
        return losses(self.runs)

    @property
    def by_seed(self) -> dict[str, float]:
        """Seed, "" if none was given → the ``val/loss`` of its run."""
        return dict(zip((run.overrides.get(SEED, "") for run in self.runs), self.losses, strict=True))

    @property
    def loss(self) -> float:
        """The mean ``val/loss``; infinite if a run diverged."""
        return statistics.fmean(self.losses)

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.loss)

    def text(self) -> str:
        """Mean ± standard deviation of ``val/loss``."""
        return spread_of_losses(self.losses)


@dataclass(frozen=True)
class SweepResults:
    """The configurations and runs of a sweep."""

    keys: list[str]  # Those that varied, without the seed
    configurations: list[Configuration]  # Those with a run that finished or diverged, best first
    unfinished: list[RunRecord]  # Runs that didn't train to their end: pruned, unfinished, failed and diverged ones

    @property
    def seeds(self) -> int:
        """The largest number of seeds of a configuration."""
        return max((len(configuration.runs) for configuration in self.configurations), default=0)

    @cached_property
    def rate_key(self) -> str | None:
        """The key of the learning rates, if most optimizers of several ran with most of them, unlike in a search."""
        for key in RATE_KEYS:
            if {key, "optimizer"} <= set(self.keys):
                tried = {(c.values["optimizer"], c.values[key]) for c in self.configurations}
                if 2 * len(tried) > len(self.best_by("optimizer")) * len(self.best_by(key)):
                    return key
        return None

    def best_by(self, key: str) -> dict[str, Configuration]:
        """The best configuration for each value of ``key``; best first."""
        best: dict[str, Configuration] = {}
        for configuration in self.configurations:
            best.setdefault(configuration.values[key], configuration)
        return best

    def training_steps(self, configuration: Configuration) -> int:
        """Steps of a whole training: those of the longest curve among runs with the same :data:`LENGTH_KEYS`."""
        return self._steps[self._length(configuration)]

    @cached_property
    def _steps(self) -> dict[tuple[str, ...], int]:
        steps: dict[tuple[str, ...], int] = {}
        for configuration in self.configurations:
            length = self._length(configuration)
            longest = max((curve[-1][0] for curve in configuration.curves), default=0)
            steps[length] = max(longest, steps.get(length, 0))
        return steps

    def _length(self, configuration: Configuration) -> tuple[str, ...]:
        return tuple(configuration.values[key] for key in self.keys if key.startswith(LENGTH_KEYS))


def read_sweep(folder: Path) -> SweepResults:
    """Read the results of a sweep; InputError if ``folder`` isn't the folder of one."""
    runs = SweepFolder(folder).runs()
    if not runs:
        problem = "no runs in it; sweeps are in outputs/sweeps"
        if not folder.is_dir():
            problem = "this is a file; give the folder of a sweep" if folder.is_file() else "no such folder"
        elif RunFolder(folder).overrides.exists():
            problem = "this is a run; give the folder of a sweep"
        raise InputError(f"dir={folder}: {problem}")
    keys = [key for key in varied(runs) if key != SEED]
    groups = by_configuration(runs, keys)
    shown = readable([values for values, _ in groups], keys)
    configurations = [Configuration(*group, short) for group, short in zip(groups, shown, strict=True)]
    return SweepResults(keys, configurations, [run for run in runs if not run.result or run.is_pruned])


def table(sweep: SweepResults) -> str:
    """All configurations as Markdown, best first.

    Metrics that would make it wider than :data:`COLUMNS` are left out; ``summary.csv`` has them.
    """
    rows = [{**c.shown, "seeds": len(c.runs), **over_seeds(c.runs)} for c in sweep.configurations]
    optional = [name for name in columns(rows) if name.endswith(DROPPED)]
    while optional and len(markdown(rows).partition("\n")[0]) > COLUMNS:
        name = optional.pop()
        rows = [{key: value for key, value in row.items() if key != name} for row in rows]
    return markdown(rows)


def unfinished_table(runs: Sequence[RunRecord]) -> str:
    """The runs that didn't train to their end and their status, as Markdown."""
    return markdown([{"run": run.folder.path.name, "status": run.status.replace("|", "\\|")} for run in runs])

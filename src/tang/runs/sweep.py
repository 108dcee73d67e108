"""The folder of a sweep: its records, its runs, its tables."""

import logging
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep
from hydra.errors import HydraException

from tang.errors import InputError
from tang.runs.run import OUTPUTS, Failure, Result, RunFolder

log = logging.getLogger(__name__)

SWEEPS = OUTPUTS / "sweeps"
LOSS = "val/loss"
_CHOICE = re.compile(r"^choice\(([^,]*)\)$")  # As a sweep over a group has its constant keys
_SWEPT = re.compile(r"^[^\[{'\"]*,|^(?:choice|range|interval|glob|shuffle|sort|tag)\(")


@dataclass(frozen=True)
class RunRecord:
    """A run of a sweep, as read from its folder."""

    folder: RunFolder
    overrides: dict[str, str]  # Key → value, as given on the command line
    result: Result | None  # None if the run isn't finished
    failure: Failure | None = None

    @property
    def has_diverged(self) -> bool:
        """Whether a loss, a gradient or a weight was not finite."""
        return self.failure is not None and self.failure.kind == "diverged"

    @property
    def is_pruned(self) -> bool:
        """Whether a search ended the run before its time; its losses are those of a shorter training."""
        return self.result is not None and "pruned" in self.result.ended_by

    @property
    def loss(self) -> float | None:
        """The lowest ``val/loss`` of a whole training; infinite if the run diverged, None if it has no result."""
        if self.result and not self.is_pruned:
            return self.result.val_loss
        return math.inf if self.has_diverged else None

    @property
    def status(self) -> str:
        """``done``, ``pruned``, ``unfinished``, or the failure in words."""
        if self.failure is not None:
            return f"{'diverged' if self.has_diverged else 'failed'}: {self.failure.message}"
        if self.is_pruned:
            return "pruned"
        return "done" if self.result else "unfinished"

    @property
    def metrics(self) -> dict[str, float]:
        """The columns of a table; empty without a result."""
        if self.result is None:
            return {}
        minutes, speed = self.result.minutes, self.result.tokens_per_second
        return {LOSS: self.result.val_loss, **self.result.metrics, "minutes": minutes, "tokens/s": speed}


class SweepFolder:
    """The files of a sweep.

    ::

        NUMBER_OVERRIDES/       its runs, each a RunFolder
        multirun.yaml           Hydra's record of how it was started or resumed the last time
        started.yaml            the same of the first time: a part of a sweep may be resumed alone
        study.db, study.log     of a search: its trials, in SQLite or as Optuna's journal
        .lock                   of a search: held by the process that runs it
        summary.md, .csv        the table of its runs
        report.md, curves.png … of report.py, whose TensorBoard file ends in .report
    """

    REPORT_SUFFIX = ".report"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = path / "multirun.yaml"
        self.first_record = path / "started.yaml"
        self.database = path / "study.db"
        self.journal = path / "study.log"
        self.summary = path / "summary.md"
        self.table = path / "summary.csv"
        self.report = path / "report.md"
        self.lock = path / ".lock"
        self.goal: int | None = None  # Trials that a search of this process is to have
        self._read: dict[Path, tuple[tuple[int, ...], RunRecord | None]] = {}  # As read last, with their stamps

    @property
    def report_events(self) -> list[Path]:
        """TensorBoard's files of the report."""
        return sorted(self.path.glob(f"{RunFolder.EVENTS}{self.REPORT_SUFFIX}"))

    def picture(self, name: str) -> Path:
        """The file of a picture of the report."""
        return self.path / f"{name}.png"

    @property
    def is_sweep(self) -> bool:
        return self.record.is_file()

    @property
    def is_search(self) -> bool:
        return self.database.is_file() or self.journal.is_file()

    def run_folders(self) -> list[RunFolder]:
        """The folders of all runs that have begun."""
        return [RunFolder(path.parents[1]) for path in sorted(self.path.glob("*/.hydra/overrides.yaml"))]

    def runs(self) -> list[RunRecord]:
        """All runs: finished ones by their loss, then pruned, unfinished and failed ones.

        A run whose result is broken has failed; one whose command line is broken is left out. Files are read again
        only if they have changed since.
        """
        read = {}
        for folder in self.run_folders():
            stamp, known = folder.outcome_stamp, self._read.get(folder.path)
            read[folder.path] = known if known and known[0] == stamp else (stamp, _record(folder))
        self._read = read
        return sorted((record for _, record in read.values() if record), key=_rank)

    def next_number(self) -> int:
        """The number of the sweep's next run."""
        numbers = (RunFolder(path).number for path in self.path.iterdir() if path.is_dir())
        return 1 + max((int(number) for number in numbers if number.isdecimal()), default=-1)

    def varied(self, run: RunFolder) -> dict[str, str]:
        """Those of a run's overrides that the sweep varies; none if its command line isn't known."""
        try:
            given, constants = run.read_overrides(), _constants(self.first_overrides())
        except (InputError, OSError):
            return {}
        return {key: value for key, value in given.items() if constants.get(key) is None}

    def planned(self) -> int | None:
        """The number of runs that the sweep was started for; None if that isn't known."""
        if self.is_search:
            return self.goal
        try:
            overrides = OverridesParser.create().parse_overrides(list(self.first_overrides()))
        except (InputError, OSError, HydraException):
            return None
        sweeps = [override.value() for override in overrides if override.is_sweep_override()]
        choices = [sweep for sweep in sweeps if isinstance(sweep, ChoiceSweep)]
        return math.prod(len(sweep.list) for sweep in choices) if len(choices) == len(sweeps) else None

    def check_same(self, overrides: Sequence[str], may_change: str) -> None:
        """Refuse to start a sweep in the folder of one whose runs had another value of a key that isn't swept.

        ``overrides`` are the command line's; keys that begin with ``may_change`` may differ.
        """
        try:
            first = self.first_overrides()
        except (InputError, OSError):  # no sweep's folder yet, or one whose keys can't be read any more
            return
        before, after = (_constants(keys) for keys in (first, overrides))
        for key, value in before.items():
            if key.startswith(may_change):
                continue
            if key not in after or (None not in (value, after[key]) and value != after[key]):
                now = f"not {after[key]}" if key in after else "which is left out now"
                raise InputError(
                    f"hydra.sweep.dir={self.path}: has a sweep with {key}={value or 'several values'}, {now}; "
                    "give another folder"
                )

    def first_overrides(self) -> Sequence[str]:
        """The command line that the sweep was first started with, Hydra's keys first; an InputError if it is broken."""
        try:
            record = self.first_record if self.first_record.exists() else self.record
            recorded: Any = yaml.safe_load(record.read_text(encoding="utf-8"))["hydra"]["overrides"]
            return [*recorded["hydra"], *recorded["task"]]
        except (yaml.YAMLError, ValueError, TypeError, KeyError):
            raise InputError(
                f"{self.first_record}: broken; give the sweep's keys again, with hydra.sweep.dir={self.path}"
            ) from None


def _record(folder: RunFolder) -> RunRecord | None:
    try:
        overrides = folder.read_overrides()
    except InputError as error:
        log.warning("ignored: %s", error)
        return None
    try:
        failure = folder.read_failure()
        return RunRecord(folder, overrides, None if failure else folder.read_result(), failure)
    except InputError as error:
        return RunRecord(folder, overrides, None, Failure("crashed", str(error).removeprefix(f"{folder.path}/")))


def _rank(run: RunRecord) -> tuple[bool, bool, bool, float]:
    return run.failure is not None, run.result is None, run.is_pruned, run.metrics.get(LOSS, math.inf)


def _constants(overrides: Sequence[str]) -> dict[str, str | None]:
    """Key → value of the ``overrides``, None if it is swept, without Hydra's own."""
    constants: dict[str, str | None] = {}
    for override in overrides:
        key, _, value = override.lstrip("+").partition("=")
        value = _CHOICE.sub(r"\1", value)
        if not key.startswith(("hydra", "~")):
            constants[key] = None if _SWEPT.search(value) else value.strip("'\"")
    return constants


def latest_sweep(key: str) -> SweepFolder:
    """The sweep started or resumed last, or whose last run was, for ``key=latest``; an InputError if there is none."""
    started = {path: path.parent for path in SWEEPS.glob("*/multirun.yaml")}
    started |= {path: path.parents[1] for path in SWEEPS.glob("*/*/.hydra")}
    if not started:
        raise InputError(f"{key}=latest: no sweep below {SWEEPS}/; make one with python src/train.py … -m")
    return SweepFolder(started[max(started, key=lambda path: path.stat().st_mtime)])

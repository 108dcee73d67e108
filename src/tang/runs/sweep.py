"""The folder of a sweep: its records, its runs, its tables; names of new folders."""

import itertools
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
    def loss(self) -> float | None:
        """The lowest ``val/loss``; infinite if the run diverged, None if it has no result."""
        if self.result:
            return self.result.val_loss
        return math.inf if self.has_diverged else None

    @property
    def status(self) -> str:
        """``done``, ``unfinished``, or the failure in words."""
        if self.failure is not None:
            return f"{'diverged' if self.has_diverged else 'failed'}: {self.failure.message}"
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
        study.db                of a search: its trials
        summary.md, .csv        the table of its runs
        report.md, curves.png … of report.py, whose TensorBoard file ends in .report
    """

    REPORT_SUFFIX = ".report"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = path / "multirun.yaml"
        self.first_record = path / "started.yaml"
        self.study = path / "study.db"
        self.summary = path / "summary.md"
        self.table = path / "summary.csv"
        self.report = path / "report.md"

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
        return self.study.is_file()

    def runs(self) -> list[RunRecord]:
        """All runs: finished ones by their loss, then unfinished ones, failed ones last."""
        records = []
        for path in sorted(self.path.glob("*/.hydra/overrides.yaml")):
            folder = RunFolder(path.parents[1])
            failure = folder.read_failure()
            result = None if failure else folder.read_result()
            records.append(RunRecord(folder, folder.read_overrides(), result, failure))
        return sorted(records, key=lambda run: (run.failure is not None, run.metrics.get(LOSS, math.inf)))

    def next_number(self) -> int:
        """The number of the sweep's next run."""
        numbers = (RunFolder(path).number for path in self.path.iterdir() if path.is_dir())
        return 1 + max((int(number) for number in numbers if number.isdecimal()), default=-1)

    def varied(self, run: RunFolder) -> dict[str, str]:
        """Those of a run's overrides that the sweep varies; none if its command line isn't known."""
        try:
            constants = _constants(self.first_overrides())
        except (InputError, OSError):
            return {}
        return {key: value for key, value in run.read_overrides().items() if constants.get(key) is None}

    def planned(self) -> int | None:
        """The number of runs that the sweep was started for; None if that isn't known, as in a search."""
        if self.is_search:
            return None
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


def claim(folder: Path) -> Path:
    """Make ``folder``; if another process has it, ``folder_2``, ``folder_3``, …: no two processes get the same one."""
    for suffix in itertools.chain([""], map("_{}".format, itertools.count(2))):
        claimed = folder.with_name(f"{folder.name}{suffix}")
        try:
            claimed.mkdir(parents=True)
            break
        except FileExistsError:
            continue
    return claimed


def run_name(number: int, varied: str, sweep: str | None = None, first: int = 0) -> str:
    """The name of a sweep's run: ``3_optimizer=adam,model.hidden_size=128``.

    Args:
        number: of the job.
        varied: its overrides, without those that all jobs share.
        sweep: the folder of a sweep that is resumed: a run that has a folder there, under any number, keeps it.
        first: added to the number of a new run.
    """
    safe = varied.replace("/", "-").replace("\\", "-")
    while len(safe.encode("utf-8")) > 200:  # file systems take 255 bytes
        safe = safe[:-1]
    suffix = f"_{safe}".rstrip("_")
    if sweep is not None:
        for folder in Path(sweep).iterdir():
            if re.fullmatch(rf"\d+{re.escape(suffix)}", folder.name):
                return folder.name
    return f"{first + number}{suffix}"

"""The folder of a training run: every file in it, its result, and how it failed."""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from tang.errors import InputError
from tang.runs.records import read_overrides, read_record, write_record

OUTPUTS = Path("outputs")
RUNS = OUTPUTS / "train"  # Runs that aren't a sweep's
BEST = "checkpoints/best.ckpt"

FailureKind = Literal["diverged", "refused", "crashed", "killed"]
"""A loss that isn't finite; an input error; an exception; a process that died without reporting an error."""

ENDS = {  # What ends a training → its meaning, with its key
    "max_epochs": "all epochs are done (trainer.max_epochs)",
    "max_steps": "all steps are done (trainer.max_steps)",
    "max_time": "its time is up (trainer.max_time)",
    "patience": "val/loss has stopped falling (callbacks.early_stopping.patience)",
    "pruned": "others of the search had a lower val/loss by then",
    "fast_dev_run": "it only tried the code (trainer.fast_dev_run)",
}


@dataclass(frozen=True)
class Result:
    """The outcome of a finished run: ``result.json``."""

    task: str  # Class name of the model
    val_loss: float  # Lowest validation loss: that of the best checkpoint
    metrics: dict[str, float]  # The key metrics: val and test of the best checkpoint, train of the last epoch
    epochs: int
    minutes: float
    tokens_per_second: float
    checkpoint: str  # Path of the best checkpoint
    steps: int = 0
    ended_by: list[str] = field(default_factory=list)  # Those of ENDS that ended it
    sizes: dict[str, int] = field(default_factory=dict)  # Split → its poems or names

    @property
    def why_ended(self) -> str:
        """Why training ended, in words."""
        return " and ".join(ENDS[limit] for limit in self.ended_by)


@dataclass(frozen=True)
class Failure:
    """Why a run has no result: ``failure.json``."""

    kind: FailureKind
    message: str  # One line


class RunFolder:
    """The files of a run.

    ::

        .hydra/config.yaml      its config, as Hydra composed it
        .hydra/started.yaml     in a sweep: the config that it was started with
        .hydra/overrides.yaml   its command line; hydra.yaml: Hydra's own config
        train.log               all messages
        checkpoints/best.ckpt   weights with the lowest val/loss
        checkpoints/last.ckpt   everything that resuming needs
        result.json             its outcome, once it is finished
        failure.json            in a sweep: why it has none
        confusion.png           of a classifier
        events.out.tfevents.*   TensorBoard's curves, texts and HParams row
        csv/, wandb/, .mlflow   of other loggers; .mlflow is the run's id there
        .lock                   held by the process that trains here
    """

    EVENTS = "events.out.tfevents.*"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / ".hydra" / "config.yaml"
        self.started = path / ".hydra" / "started.yaml"
        self.overrides = path / ".hydra" / "overrides.yaml"
        self.hydra = path / ".hydra" / "hydra.yaml"
        self.best = path / BEST
        self.last = path / "checkpoints" / "last.ckpt"
        self.confusion = path / "confusion.png"
        self.mlflow_id = path / ".mlflow"
        self.lock = path / ".lock"
        self.log = path / "train.log"
        self._result = path / "result.json"
        self._failure = path / "failure.json"

    @property
    def relative(self) -> str:
        """The path from the working folder, for messages."""
        return os.path.relpath(self.path)

    @property
    def events(self) -> list[Path]:
        """TensorBoard's files."""
        return sorted(self.path.glob(self.EVENTS))

    @property
    def number(self) -> str:
        """In a sweep: the job's number, with which the folder's name begins."""
        return self.path.name.partition("_")[0]

    @property
    def is_finished(self) -> bool:
        return self._result.exists()

    @property
    def has_begun(self) -> bool:
        """Whether there is anything that another config would spoil."""
        return self.is_finished or self.last.exists()

    @property
    def ended_at(self) -> float:
        """Time of the result or the failure, in seconds since 1970."""
        return (self._result if self.is_finished else self._failure).stat().st_mtime

    @property
    def outcome_stamp(self) -> tuple[int, ...]:
        """Times of the result and the failure, in nanoseconds, 0 for none: they change whenever the outcome does."""
        times = [0, 0]
        for number, path in enumerate((self._result, self._failure)):
            with suppress(FileNotFoundError):
                times[number] = path.stat().st_mtime_ns
        return tuple(times)

    def read_overrides(self) -> dict[str, str]:
        """The run's keys → values, as given on the command line; an InputError if the file is broken."""
        return read_overrides(self.overrides)

    def read_result(self) -> Result | None:
        """The result; None if the run isn't finished, an InputError if the file is broken."""
        return read_record(self._result, Result)

    def read_failure(self) -> Failure | None:
        """The failure; None if there was none, an InputError if the file is broken."""
        return read_record(self._failure, Failure)

    def write_result(self, result: Result) -> None:
        """Record that the run is finished."""
        write_record(self._result, result)

    def write_failure(self, kind: FailureKind, message: str) -> None:
        """Record why the run has no result."""
        write_record(self._failure, Failure(kind, message))

    def clear_outcome(self) -> None:
        """Remove result and failure: the run is to be trained, or trained further."""
        self._result.unlink(missing_ok=True)
        self.clear_failure()

    def clear_failure(self) -> None:
        """Remove the failure of an earlier attempt."""
        self._failure.unlink(missing_ok=True)

    def refuse_links(self) -> None:
        """Raise an InputError if there is a link in the folder, which would lead what is written to somewhere else."""
        for place, folders, files in os.walk(self.path):
            for name in (*folders, *files):
                if (path := Path(place, name)).is_symlink():
                    raise InputError(f"{path}: is a link; a run's folder has none")

    def remove_if_unused(self) -> None:
        """Remove the folder of a run that was refused before it began: it has its config and messages alone."""
        with suppress(Timeout), FileLock(self.lock, timeout=0):  # another process may be about to train here
            if {path.name for path in self.path.iterdir()} <= {".hydra", self.log.name, self.lock.name}:
                shutil.rmtree(self.path)

    @property
    def resume_hint(self) -> str:
        """The command that resumes this run."""
        return f"python src/train.py resume={self.relative} resumes it"

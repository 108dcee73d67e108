"""The runs of a sweep and their curves, as their folders tell of them."""

import logging
import math
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tang.errors import InputError
from tang.runs.sweep import LOSS, RunRecord, SweepFolder

logging.getLogger("tensorboard").setLevel(logging.WARNING)  # it tells of every file it opens

Points = list[tuple[int, float]]
"""Training steps, and a figure after each."""


def read(folder: Path) -> list[RunRecord]:
    """The runs of a sweep, finished or not.

    Raises:
        InputError: ``folder`` isn't that of a sweep.
    """
    if folder.is_file():
        raise InputError(f"dir={folder}: this is a file; give the folder of a sweep")
    if not folder.is_dir():
        raise InputError(f"dir={folder}: no such folder")
    if (folder / ".hydra").is_dir():
        raise InputError(f"dir={folder}: this is a run; give the folder of a sweep")
    runs = SweepFolder(folder).runs()
    if not runs:
        raise InputError(f"dir={folder}: no runs in it; sweeps are in outputs/sweeps")
    return runs


def validations(run: RunRecord) -> Points:
    """``val/loss`` as TensorBoard has it; finite values only."""
    events = EventAccumulator(str(run.folder.path), size_guidance={"scalars": 0})
    events.Reload()
    points = events.Scalars(LOSS) if LOSS in events.Tags()["scalars"] else []
    return [(point.step + 1, point.value) for point in points if math.isfinite(point.value)]


def newest(sweeps: Path) -> Path:
    """The sweep with the run that began last.

    Raises:
        InputError: there is none.
    """
    runs = list(sweeps.glob("*/*/.hydra"))
    if not runs:
        raise InputError(f"dir=latest: no sweep below {sweeps}/; make one with python src/train.py … -m")
    return max(runs, key=lambda path: path.stat().st_mtime).parents[1]

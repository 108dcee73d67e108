"""The folders of runs and sweeps."""

import itertools
import re
from datetime import datetime
from pathlib import Path


def new_folder(parent: str, name: str | None = None) -> str:
    """Make ``PARENT/2026-11-21_16-05-30``; where that is taken ``…_2``, ``…_3``, so that no two processes share one.

    With a ``name`` the folder is ``PARENT/NAME``, whether there is one or not.
    """
    if name is not None:
        return f"{parent}/{name}"
    started = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    for suffix in itertools.chain([""], map("_{}".format, itertools.count(2))):
        folder = Path(parent, f"{started}{suffix}")
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:
            continue
    return str(folder)


def run_name(number: int, varied: str, sweep: str | None = None, first: int = 0) -> str:
    """The folder of a sweep's job: ``3_optimizer=adam,model.hidden_size=128``.

    Args:
        number: of the job.
        varied: its overrides, those left out that all jobs share.
        sweep: a folder; a job that has one there, under whatever number, keeps it.
        first: what is added to the number of a new one.
    """
    safe = varied.replace("/", "-").replace("\\", "-")
    while len(safe.encode("utf-8")) > 200:  # file systems take 255 bytes
        safe = safe[:-1]
    behind = f"_{safe}".rstrip("_")
    if sweep is not None:
        for folder in Path(sweep).iterdir():
            if re.fullmatch(rf"\d+{re.escape(behind)}", folder.name):
                return folder.name
    return f"{first + number}{behind}"

"""A real sweep, watched while it runs."""

import glob
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pooch

from tests import commands
from tests.commands import ONE_THREAD

LONG = ["trainer.max_epochs=20", "callbacks.early_stopping.patience=null"]
"""Long enough to be killed in the middle."""

Start = Callable[..., "Sweep"]


class Sweep:
    """``python src/train.py -m`` in a folder of the test's own, watched while it runs."""

    def __init__(self, folder: Path, *arguments: str, **env: str) -> None:
        self.folder = folder / "sweep"
        self.output = folder / "output.txt"
        own = {"TMPDIR": str(folder), "HOME": str(folder), "XDG_CACHE_HOME": str(pooch.os_cache(""))}
        environment = {**os.environ, **ONE_THREAD, **own, **env}
        command = [sys.executable, commands.script("train"), "-m", *arguments]
        with self.output.open("w", encoding="utf-8") as out:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=out, stderr=out, start_new_session=True
            )

    def log(self, job: str) -> str:
        """The log of the job whose folder is ``*_job``."""
        return "".join(path.read_text(encoding="utf-8") for path in self.folder.glob(f"*_{job}/train.log"))

    def wait_for(self, job: str, line: str = "epoch 2/") -> None:
        self.until(lambda: line in self.log(job))

    def process_of(self, job: str) -> int:
        """The id of the process in which a job trains: the one that has its lock open."""
        (lock,) = self.folder.glob(f"*_{job}/.lock")
        (found,) = {Path(link).parts[2] for link in glob.iglob("/proc/[0-9]*/fd/*") if _leads_to(link, lock)}
        return int(found)

    def press_ctrl_c(self) -> None:
        """Send SIGINT to all processes that a terminal would send it to."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> str:
        """All that it printed, when it has come to its end."""
        self.process.wait(timeout=600)
        return self.output.read_text(encoding="utf-8")

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition that comes true before the sweep ends."""
        ends = time.monotonic() + 600
        while not condition():
            assert self.process.poll() is None, self.end()
            assert time.monotonic() < ends
            time.sleep(0.02)


def _leads_to(link: str, path: Path) -> bool:
    with suppress(OSError):  # the process has ended
        return os.readlink(link) == str(path)
    return False


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def starter_of(process: int) -> int:
    """The process that has a job started by its fork server."""
    return parent_of(parent_of(process))


def losses(folder: Path) -> dict[str, float]:
    """The best loss of every finished run, by the end of its folder's name."""
    paths = folder.glob("*/result.json")
    return {
        path.parent.name.partition("_")[2]: json.loads(path.read_text(encoding="utf-8"))["val_loss"] for path in paths
    }


def statuses(text: str) -> list[str]:
    """The column of that name in a table."""
    head, _, *rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.startswith("|")]
    return [row[head.index("status")] for row in rows if len(row) == len(head)]

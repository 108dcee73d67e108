"""``python -m tests.hostile.reader FOLDER``: prints, as JSON, how each file is refused and the memory in use."""

import json
import resource
import sys
from pathlib import Path

from tang import checkpoint
from tang.errors import InputError
from tang.tasks.base import Task
from tests.hostile.makers import trainable

MEGABYTES = 256
"""Limit of address space beyond what the libraries and a first model take."""


def main(folder: Path) -> None:
    checkpoint.load_for_resume(folder / "good.ckpt", trainable())
    before = memory()
    limit = (before["VmSize"] + MEGABYTES * 1024) * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak (proc(5))
    lines = {place.name: line(place) for place in folder.iterdir() if place.is_dir()}
    megabytes = (memory()["VmHWM"] - before["VmRSS"]) / 1024
    print(json.dumps({"lines": lines, "megabytes": megabytes, "before": before["VmRSS"] / 1024}))


def memory() -> dict[str, int]:
    """This process's memory in kilobytes: ``VmRSS`` resident, ``VmHWM`` its peak, ``VmSize`` address space."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return {key: int(value.split()[0]) for key, _, value in (line.partition(":") for line in lines) if key[:2] == "Vm"}


def line(place: Path) -> str:
    """The message with which the functions that scripts call refuse a file."""
    try:
        if place.name.startswith("states"):
            checkpoint.load_for_resume(place / "x.ckpt", trainable())
        else:
            checkpoint.load(checkpoint.find(str(place / "x.ckpt"), Task), Task)
    except InputError as error:
        return str(error)
    return "it was read"


if __name__ == "__main__":
    main(Path(sys.argv[1]))

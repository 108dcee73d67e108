"""``python -m tests.hostile.reader FOLDER``: what refuses the files in it, and the memory that it took, as JSON."""

import json
import resource
import sys
from pathlib import Path

from tang import checkpoint
from tang.errors import InputError
from tang.tasks.base import Task
from tests.hostile.makers import trainable

MEGABYTES = 256
"""That may be asked for, beyond the libraries and a first model: by what isn't in the file, that is."""


def main(folder: Path) -> None:
    checkpoint.resumable(folder / "good.ckpt", trainable())
    before = memory()
    limit = (before["VmSize"] + MEGABYTES * 1024) * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    Path("/proc/self/clear_refs").write_text("5")  # begins the peak anew (proc(5))
    lines = {place.name: line(place) for place in folder.iterdir() if place.is_dir()}
    megabytes = (memory()["VmHWM"] - before["VmRSS"]) / 1024
    print(json.dumps({"lines": lines, "megabytes": megabytes, "before": before["VmRSS"] / 1024}))


def memory() -> dict[str, int]:
    """Of this process, in kilobytes: ``VmRSS`` in use, ``VmHWM`` its peak, ``VmSize`` asked for."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return {key: int(value.split()[0]) for key, _, value in (line.partition(":") for line in lines) if key[:2] == "Vm"}


def line(place: Path) -> str:
    """What the functions that the scripts call say of a file."""
    try:
        if place.name.startswith("states"):
            checkpoint.resumable(place / "x.ckpt", trainable())
        else:
            checkpoint.load(checkpoint.find(str(place / "x.ckpt"), Task), Task)
    except InputError as error:
        return str(error)
    return "it was read"


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Names of new folders of runs and sweeps."""

import functools
import itertools
import re
from pathlib import Path


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
    known = _run_folders(sweep, Path(sweep).stat().st_mtime_ns) if sweep is not None else {}
    return known.get(suffix, f"{first + number}{suffix}")


@functools.lru_cache(maxsize=1)  # else a sweep of a thousand runs reads a thousand names a thousand times
def _run_folders(sweep: str, changed: int) -> dict[str, str]:
    """What follows the number in the names of a sweep's folders → those names, as of a time at which it changed."""
    numbered = (re.match(r"\d+", path.name) for path in Path(sweep).iterdir())
    return {number.string[number.end() :]: number.string for number in numbered if number}

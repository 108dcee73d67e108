"""What a command costs: its seconds, those of a core, and its memory, read from Linux's /proc."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple


class Cost(NamedTuple):
    """Of a process with its children, and what they have started."""

    seconds: float
    core_seconds: float
    memory: float  # peak, MiB


def cost(command: Sequence[str], folder: Path, is_ready: Callable[[], bool] | None = None) -> Cost:
    """Run ``python COMMAND`` in a folder to its end, or until it is ready, and then end it.

    Raises:
        RuntimeError: it failed; the message has its stderr.
    """
    begin = time.perf_counter()
    with TemporaryFile() as errors:
        process = subprocess.Popen([sys.executable, *command], cwd=folder, stdout=subprocess.DEVNULL, stderr=errors)
        used = (0.0, 0.0)
        while process.poll() is None and not (is_ready and is_ready()):
            core_seconds, memory = _used(process.pid)
            used = max(used[0], core_seconds), max(used[1], memory)
            time.sleep(0.02)
        seconds = time.perf_counter() - begin
        if process.poll():
            errors.seek(0)
            raise RuntimeError(errors.read().decode())
        process.terminate()
        process.wait()
    return Cost(seconds, *used)


def _used(process: int) -> tuple[float, float]:
    """Seconds of a core and the peak memory in MiB, of a process and its children."""
    seconds = memory = 0.0
    with suppress(OSError):  # it has ended
        children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
        for one in (str(process), *children):
            numbers = Path("/proc", one, "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            seconds += sum(map(int, numbers[11:15])) / os.sysconf("SC_CLK_TCK")  # with those of processes that ended
            peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc", one, "status").read_text(encoding="utf-8"))
            memory += int(peak[1]) / 1024 if peak else 0.0
    return seconds, memory

"""The GPUs of this machine, and the claim of a job to one of them.

A process claims a GPU by locking its file. The kernel releases the lock when the process ends, however it ends. All
sweeps of a user on a machine use the same files, so that they share the GPUs.
"""

import logging
import math
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from tang.errors import InputError

log = logging.getLogger(__name__)

CORES_A_JOB = 2  # CPU cores for each job on a machine without GPU
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # A container's share: microseconds, and of how many


def visible() -> list[str]:
    """The GPUs of this machine that this process may use: numbers, or names as in CUDA_VISIBLE_DEVICES."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is None:
        import torch  # seconds, which a command line without GPUs in it shouldn't cost

        return [str(number) for number in range(torch.cuda.device_count())]
    names = [name.strip() for name in listed.split(",")]
    end = next((index for index, name in enumerate(names) if not name or name.startswith("-")), len(names))
    return names[:end]  # as CUDA reads it


def as_text() -> str:
    """:func:`visible`, with commas."""
    return ",".join(visible())


def cores() -> int:
    """The CPU cores that this process may use, a container's share counted."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # there is none, or it is "max"
        quota, period = map(int, QUOTA.read_text(encoding="ascii").split())
        count = min(count, math.ceil(quota / period))
    return count


def jobs_at_once() -> int:
    """Default of ``hydra.launcher.n_jobs``: one for each GPU, or one for every :data:`CORES_A_JOB` cores."""
    return len(visible()) or max(1, cores() // CORES_A_JOB)


def per_ray_job(address: str, num_gpus: int | None) -> int:
    """GPUs of a job under Ray: 1 if there are any; a cluster elsewhere is assumed to have them."""
    return int(address != "local" or bool(len(visible()) if num_gpus is None else num_gpus))


def claim(names: Sequence[str]) -> FileLock:
    """Lock a GPU, once one is free, and make it the only one that CUDA sees; to be called before CUDA is initialized.

    It belongs to this process until that ends or releases the lock. An InputError if the folder of the locks belongs
    to another user.
    """
    folder = Path(tempfile.gettempdir(), f"tang-{os.getuid()}", "gpus")
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    if folder.parent.stat().st_uid != os.getuid():
        raise InputError(f"{folder.parent}: belongs to another user; set TMPDIR to a folder of your own")
    folder.mkdir(exist_ok=True)
    has_logged = False
    while True:
        for name in names:
            lock = FileLock(folder / f"{name.replace('/', '-')}.lock", timeout=0)
            try:
                lock.acquire()
            except Timeout:
                continue
            os.environ["CUDA_VISIBLE_DEVICES"] = name
            return lock
        if not has_logged:
            log.info("waiting for a GPU: %s taken", " and ".join(names))
            has_logged = True
        time.sleep(0.5)

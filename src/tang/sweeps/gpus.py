"""``hydra/launcher=gpus``: a job for each GPU of this machine, and each GPU for one job.

A GPU belongs to the process that holds the lock on its file. The kernel gives the lock back when that
process ends, however it ends. All sweeps of a user on a machine share the files, so that two of them
share the GPUs.
"""

import logging
import os
import tempfile
import time
from pathlib import Path

from filelock import FileLock, Timeout

from tang.errors import InputError

log = logging.getLogger(__name__)

CLAIM = "TANG_GPUS"
"""In the environment of a job that must claim one: the GPUs to choose from."""

CORES_A_JOB = 2
"""Where there is no GPU."""


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


def jobs_at_once() -> int:
    """How many jobs run at once unless ``hydra.launcher.n_jobs`` says it: one a GPU, or one for some cores each."""
    from joblib import cpu_count  # type: ignore[import-untyped]

    return len(visible()) or max(1, cpu_count() // CORES_A_JOB)


def per_ray_job(address: str | None, num_gpus: int | None) -> int:
    """How many GPUs a job has under Ray: 1 where there are any; of a cluster elsewhere it is taken for granted."""
    return int(address is not None or bool(len(visible()) if num_gpus is None else num_gpus))


def claim(names: list[str]) -> FileLock:
    """Wait until one of the GPUs is free, and make it the only one that CUDA will see. Call it before CUDA starts.

    Returns:
        the lock; the GPU is this process's until it ends or lets go of the lock.

    Raises:
        InputError: the folder of the locks is another user's.
    """
    folder = Path(tempfile.gettempdir(), f"tang-{os.getuid()}", "gpus")
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    if folder.parent.stat().st_uid != os.getuid():
        raise InputError(f"{folder.parent}: belongs to another user; set TMPDIR to a folder of your own")
    folder.mkdir(exist_ok=True)
    is_told = False
    while True:
        for name in names:
            lock = FileLock(folder / f"{name.replace('/', '-')}.lock", timeout=0)
            try:
                lock.acquire()
            except Timeout:
                continue
            os.environ["CUDA_VISIBLE_DEVICES"] = name
            return lock
        if not is_told:
            log.info("waiting for a GPU: %s taken", " and ".join(names))
            is_told = True
        time.sleep(0.5)

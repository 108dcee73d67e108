"""The ranks of a run on several devices, known before PyTorch is imported: all but rank 0 are followers.

Lightning starts the followers on one machine, with LOCAL_RANK set and with the first process's folder; torchrun
and srun start all processes, on several machines.
"""

import os
import threading
import time
from collections.abc import Sequence

from tang.errors import InputError

RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")  # Environment variables with a process's rank, by precedence

FOLLOWER = ["hydra/job_logging=follower", "hydra.output_subdir=null"]
"""Overrides of a follower: it writes no files, and prints nothing but its failure."""


def rank() -> int:
    """The rank of this process in its run, from 0."""
    return next((int(os.environ[name]) for name in RANKS if name in os.environ), 0)


def follower_arguments(given: Sequence[str]) -> list[str]:
    """The command line of this process, with :data:`FOLLOWER` for a follower, which also ends with its parent.

    An InputError if torchrun or srun has started several processes without hydra.run.dir, so without a common folder.
    """
    started = os.environ.get("WORLD_SIZE" if "RANK" in os.environ else "SLURM_STEP_NUM_TASKS", "1")
    if int(started) > 1 and not any(argument.startswith("hydra.run.dir=") for argument in given):
        raise InputError(f"{started} processes were started for one run: give hydra.run.dir=outputs/train/NAME too")
    if rank() == 0:
        return list(given)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True, name="end-with-parent").start()
    return [*given, *FOLLOWER]


def _end_with(parent: int) -> None:
    """End this process when its parent is gone: it would wait for the parent's collectives, and hold its device."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)

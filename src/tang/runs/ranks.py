"""The processes of a run on several devices, seen before PyTorch is there: all but the first are followers.

Lightning starts the followers on one machine, with LOCAL_RANK set and with the first process's folder; torchrun
and srun start all processes, on several machines.
"""

import os
import threading
import time
from collections.abc import Sequence

from tang.errors import InputError

RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")
"""Where a process finds its number, the surest first."""

FOLLOWER = ["hydra/job_logging=follower", "hydra.output_subdir=null"]
"""It writes no files, and speaks only when it fails."""


def rank() -> int:
    """The number of this process among those of its run, counted from 0."""
    return next((int(os.environ[name]) for name in RANKS if name in os.environ), 0)


def follow(given: Sequence[str]) -> list[str]:
    """The command line of this process: a follower's has :data:`FOLLOWER` too, and it ends with its parent.

    Raises:
        InputError: torchrun or srun has started several processes, and nothing tells them their folder.
    """
    started = os.environ.get("WORLD_SIZE" if "RANK" in os.environ else "SLURM_STEP_NUM_TASKS", "1")
    if int(started) > 1 and not any(argument.startswith("hydra.run.dir=") for argument in given):
        raise InputError(f"{started} processes were started for one run: give hydra.run.dir=outputs/train/NAME too")
    if rank() == 0:
        return list(given)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True, name="end-with-parent").start()
    return [*given, *FOLLOWER]


def _end_with(parent: int) -> None:
    """A process that waits for a device of one that was killed would wait for long, and hold its own."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)

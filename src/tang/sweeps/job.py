"""A job of a sweep, in a process of its own."""

import atexit
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from hydra.core.utils import configure_log
from omegaconf import OmegaConf

from tang.errors import DivergedError, InputError
from tang.runs.config import load_config
from tang.runs.run import FailureKind, RunFolder
from tang.sweeps import gpus

log = logging.getLogger(__name__)


def main(folder: RunFolder, environment: dict[str, str], choice: Sequence[str], screen: Connection) -> None:
    """Train what the folder's config says; exit code 0 if the run is finished, and ``failure.json`` if it failed.

    Args:
        folder: of the run.
        environment: its environment variables.
        choice: the GPUs to choose one from, see :func:`tang.sweeps.processes.start`.
        screen: where to print.
    """
    os.setsid()
    for number in (1, 2):
        os.dup2(screen.fileno(), number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", 1, "utf-8", closefd=False) for number in (1, 2))
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until training handles it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True, name="end-with-parent").start()
    hydra: Any = OmegaConf.load(folder.hydra).hydra
    os.chdir(hydra.runtime.cwd)  # as in a run of its own, whatever hydra.job.chdir says
    configure_log(hydra.job_logging, hydra.verbose)
    try:
        _train(folder, choice, hydra.sweeper)
    except InputError as error:
        fail(folder, "diverged" if isinstance(error, DivergedError) else "refused", str(error))
        sys.exit(1)
    except Exception as error:
        log.exception("this run failed")
        fail(folder, "crashed", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
        sys.exit(1)
    finally:
        atexit._run_exitfuncs()  # a process of multiprocessing ends without


def fail(folder: RunFolder, kind: FailureKind, message: str) -> None:
    """Log why a run failed, and record it, unless the disk is full."""
    log.error("failed: %s", message)
    with suppress(OSError):
        folder.write_failure(kind, message)


def _train(folder: RunFolder, choice: Sequence[str], sweeper: Any) -> None:
    lock = gpus.claim(choice) if choice else None
    if mine := os.environ.get("CUDA_VISIBLE_DEVICES"):
        log.info("on GPU %s", mine)
    import torch  # the fork server has it already

    from tang.training.run import train

    if threads := os.environ.get("OMP_NUM_THREADS"):  # read when PyTorch was imported
        torch.set_num_threads(int(threads.partition(",")[0]))
    is_hopeless = None
    if sweeper._target_.endswith(".OptunaSweeper"):
        from tang.sweeps.search.study import reporting  # of an extra

        is_hopeless = reporting(folder, sweeper)
    train(load_config(folder), folder, is_sweep=True, is_hopeless=is_hopeless)
    del lock  # it is held until here


def _end_with(server: int) -> None:
    """End this process as by SIGTERM when the process that has started it, or the fork server, is gone."""
    starter = multiprocessing.parent_process()
    assert starter is not None
    while starter.is_alive() and os.getppid() == server:
        starter.join(1)
    os.kill(os.getpid(), signal.SIGTERM)

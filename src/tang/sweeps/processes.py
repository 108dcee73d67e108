"""The processes of a sweep, and how a signal reaches all of them::

    python src/train.py -m ──► joblib's workers, submitit's, Ray's ──► a job's own process
    (here without a launcher)                                          trains, holds the GPU

A terminal's Ctrl-C reaches the first process only: workers and jobs are in process groups of their own. Each process
forwards a signal to its children, waits for them to end, and acts on it only then; so a job's checkpoint is on disk
before any process ends. When a process is killed, its children get SIGTERM (on Linux), and a job writes its checkpoint.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tang.shutdown import EXIT_CODES, handled_by

PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Stopped(Exception):  # noqa: N818 (no error)
    """A worker was asked to stop; its remaining jobs are left unfinished."""


class Worker:
    """A worker process of joblib. A signal between two jobs must not end it, or joblib would kill the other workers."""

    stopped = False

    @classmethod
    def prepare(cls) -> None:
        """Initialize a worker; called by joblib."""
        os.setpgrp()
        end_with_parent()
        for number in EXIT_CODES:
            signal.signal(number, cls._note)

    @classmethod
    def _note(cls, number: int, frame: FrameType | None) -> None:
        cls.stopped = True


def end_with_parent() -> None:
    """On Linux: get SIGTERM when the parent process ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def make_importable() -> None:
    """Let child processes import the package, whether it is installed or not."""
    source = str(Path(__file__).parents[2])
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if source not in known:
        os.environ["PYTHONPATH"] = os.pathsep.join([source, *filter(None, known)])


def run(command: Sequence[str]) -> int:
    """Run a program to its end and forward signals to it; when it has ended, they take effect here too.

    Returns its exit code, −N if signal N ended it.

    Raises:
        Stopped: a signal came, and this is one of joblib's workers.
        SystemExit: a signal came, and its earlier handler doesn't end the process.
        BaseException: of an earlier handler: KeyboardInterrupt, or SystemExit once submitit has requeued the job.
    """
    received: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def forward(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if process is not None:
            process.send_signal(number)

    with handled_by(forward):
        make_importable()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        for number in tuple(received):  # before the process existed
            process.send_signal(number)
        while (code := _poll(process)) is None:
            pass
    if received:
        signal.raise_signal(received[0])
        if Worker.stopped:
            raise Stopped
        raise SystemExit(EXIT_CODES[signal.Signals(received[0])])
    return code


def _poll(process: "subprocess.Popen[bytes]") -> int | None:
    """Its exit code, or None after a second.

    A wait without end would not notice a signal that comes just before it begins: Python calls handlers between its own
    instructions, and the system call that could be interrupted isn't there yet.
    """
    try:
        return process.wait(1)
    except subprocess.TimeoutExpired:
        return None

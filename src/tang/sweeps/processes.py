"""A sweep's processes, and how a signal reaches them all::

    python src/train.py -m ──► joblib's workers, submitit's, Ray's ──► a job's own process
    (here without a launcher)                                          trains, holds the GPU

A terminal's Ctrl-C comes to the first alone: workers and jobs are in process groups of their own. Each
process passes a signal on to those it has started, waits for their end, and only then acts itself; so a
job's checkpoint is on disk before anybody goes. A process that is killed takes those it has started along:
on Linux they get SIGTERM, upon which a job writes its checkpoint.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tang.shutdown import EXIT_CODES

PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Stopped(Exception):  # noqa: N818 (no error)
    """A worker was asked to stop; its jobs are left for later."""


class Worker:
    """One of joblib's processes. A signal between two jobs mustn't end it: joblib would kill the others."""

    stopped = False

    @classmethod
    def prepare(cls) -> None:
        """What joblib calls when a worker begins."""
        os.setpgrp()
        end_with_parent()
        for number in EXIT_CODES:
            signal.signal(number, cls._note)

    @classmethod
    def _note(cls, number: int, frame: FrameType | None) -> None:
        cls.stopped = True


def end_with_parent() -> None:
    """Have Linux send this process SIGTERM when the one that started it is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def make_importable() -> None:
    """Let the processes that this one starts import the package, installed or not."""
    source = str(Path(__file__).parents[2])
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if source not in known:
        os.environ["PYTHONPATH"] = os.pathsep.join([source, *filter(None, known)])


def run(command: Sequence[str]) -> int:
    """Run a program to its end, and pass on to it the signals that come for this process; then they act here too.

    Returns:
        its exit code, −N if signal N ended it.

    Raises:
        Stopped: a signal came, and this is one of joblib's workers.
        SystemExit: a signal came, and whoever handled it before lets the process go on.
        BaseException: what such a handler raises: KeyboardInterrupt, or SystemExit after submitit has requeued the job.
    """
    received: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if process is not None:
            process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in EXIT_CODES}
    try:
        make_importable()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        for number in tuple(received):  # before there was a process
            process.send_signal(number)
        while (code := _poll(process)) is None:
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
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

"""The processes of a sweep, and how a signal reaches all of them::

    python src/train.py -m ──► (submitit's, Ray's) ──► fork server ───────► jobs
    starts jobs, shows         on other machines       imports once,        each trains one run,
    what they print                                    forks the jobs       holds its GPU

A job starts in a moment, because the fork server has imported PyTorch and Lightning before. Apart from that it is a
process like any other, with a memory, signals and an exit code of its own.

A terminal's Ctrl-C reaches the first process only: jobs are in sessions of their own. Whoever started them forwards
the signal, waits for them to end, and acts on it only then; so a job's checkpoint is on disk before any process ends.
When a process is killed, its jobs get SIGTERM and write their checkpoints.
"""

import codecs
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from tang.runs.run import RunFolder
from tang.shutdown import EXIT_CODES, handled_by
from tang.sweeps import job

# To fork isn't safe on macOS once some of its libraries are loaded: there each job imports all by itself.
CONTEXT: Any = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
PRELOADED = ["tang.training.run"]
"""Modules that the fork server imports. Neither they nor what they import may start a thread or initialize CUDA."""


class Job:
    """A run of a sweep in a process of its own.

    Args:
        folder: of the run.
        process: has been started.
        output: what it prints.
        prefix: put before each line of it.
    """

    def __init__(self, folder: RunFolder, process: BaseProcess, output: Connection, prefix: str = "") -> None:
        self.folder, self.process, self.output, self.prefix = folder, process, output, prefix
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._line = ""

    @property
    def code(self) -> int:
        """The exit code of a process that has ended, −N if signal N ended it."""
        assert self.process.exitcode is not None
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.process.pid and self.process.is_alive():
            with suppress(ProcessLookupError):  # its exit code is on its way
                os.kill(self.process.pid, number)

    def print_output(self, has_ended: bool) -> None:
        """Print the lines that are complete; when the process has ended the rest too."""
        while self.output.poll():
            if not (read := os.read(self.output.fileno(), 2**16)):
                break
            *lines, self._line = (self._line + self._decoder.decode(read)).split("\n")
            sys.stdout.writelines(f"{self.prefix}{line}\n" for line in lines)
        if has_ended and self._line:
            sys.stdout.write(f"{self.prefix}{self._line}\n")
        sys.stdout.flush()


def start(folder: RunFolder, gpus: Sequence[str] = (), prefix: str = "") -> Job:
    """Start the job whose config is in a run's folder; with ``gpus``, it takes one of these for itself."""
    output, screen = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=job.main, args=(folder, dict(os.environ), gpus, screen))
    with _as_parent_of_jobs():
        process.start()
    screen.close()
    return Job(folder, process, output, prefix)


def run_all(jobs: Iterator[Job], at_once: int, on_end: Callable[[Job], None]) -> None:
    """Run jobs to their ends, so many at once; each starts when the iterator is asked for it.

    A signal is forwarded to the jobs that run, and no further ones start; when all have ended, it takes effect here
    too. ``on_end`` is called for jobs that ended before.

    Raises:
        SystemExit: a signal came, and its earlier handler doesn't end the process.
        BaseException: of an earlier handler: KeyboardInterrupt, or SystemExit once submitit has requeued the job.
    """
    received: list[int] = []
    running: list[Job] = []

    def forward(number: int, frame: FrameType | None) -> None:
        received.append(number)
        for started in running:
            started.send_signal(number if len(received) < 3 else signal.SIGKILL)

    with handled_by(forward):
        try:
            while True:
                while len(running) < at_once and not received and (started := next(jobs, None)):
                    running.append(started)
                    if received:  # while it was about to start
                        started.send_signal(received[-1])
                if not running:
                    break
                # The time limit is for a signal that comes between two of Python's instructions, just before the wait.
                connection.wait([source for one in running for source in (one.process.sentinel, one.output)], timeout=1)
                for one in tuple(running):
                    has_ended = not one.process.is_alive()
                    one.print_output(has_ended)
                    if has_ended:
                        running.remove(one)
                        if not received:
                            on_end(one)
        except BaseException:
            for one in running:
                one.output.close()  # nobody reads it any more
                one.send_signal(signal.SIGTERM)
            for one in running:
                one.process.join()
            raise
    if received:
        signal.raise_signal(received[0])
        raise SystemExit(EXIT_CODES[signal.Signals(received[0])])


def make_importable() -> None:
    """Let child processes import the package, whether it is installed or not."""
    source = str(Path(__file__).parents[2])
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if source not in known:
        os.environ["PYTHONPATH"] = os.pathsep.join([source, *filter(None, known)])


@contextmanager
def _as_parent_of_jobs() -> Iterator[None]:
    """What the fork server and a job take over from this process while they start.

    SIGINT is blocked, since a terminal sends it to the fork server too; a job unblocks it. The script that started this
    process is hidden, since ``multiprocessing`` would run it in each job.
    """
    make_importable()
    resource_tracker.ensure_running()  # it unblocks SIGINT when it starts
    CONTEXT.set_forkserver_preload(PRELOADED)
    main = sys.modules["__main__"]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

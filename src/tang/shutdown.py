"""Graceful shutdown: SIGINT, SIGTERM and SIGUSR2 set a flag; training saves a checkpoint and exits."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGUSR2: 143}
"""128 + the signal's number, as in shells; SIGUSR2, which submitit sends before a preemption, counts as SIGTERM."""


@contextmanager
def handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle the signals of :data:`EXIT_CODES` by ``handler`` within the context."""
    before = {number: signal.signal(number, handler) for number in EXIT_CODES}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


class Stop:
    """Whether the process has been asked to stop, and by which signal.

    While ``deferred`` is true, a signal only sets ``requested``, and training, which polls it, saves and exits;
    otherwise it ends the process at once. A second SIGINT always does, which is safe: files are written atomically.
    """

    def __init__(self) -> None:
        self.requested: signal.Signals | None = None
        self.deferred = False

    @property
    def exit_code(self) -> int:
        """Exit code of the process that stops; 143 if another rank received the signal."""
        return EXIT_CODES[self.requested or signal.SIGTERM]

    @contextmanager
    def handlers(self) -> Iterator["Stop"]:
        """Handle the signals within the context; in other threads than the main one handlers can't be set."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        with handled_by(self._note):
            yield self

    def install_handlers(self) -> None:
        """Handle the signals from now on, in place of earlier handlers."""
        for number in EXIT_CODES:
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested == number == signal.SIGINT:
            os._exit(EXIT_CODES[signal.SIGINT])
        self.requested = signal.Signals(number)
        if not self.deferred:
            raise SystemExit(self.exit_code)

"""Signals that end a run once it has put itself in order."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGUSR2: 143}
"""128 + the signal's number, as shells have it; SIGUSR2, which submitit sends before a preemption, as SIGTERM."""


class Stop:
    """Whether the process has been asked to stop, and by which signal.

    Where nobody looks at ``requested`` the signal ends the process by itself, at once. While someone does
    (``awaited``), it is only noted. A second SIGINT always ends the process at once: what is written is
    there whole or not at all.
    """

    def __init__(self) -> None:
        self.requested: signal.Signals | None = None
        self.awaited = False

    @property
    def exit_code(self) -> int:
        """What the process then ends with; 143 if another device's process was asked."""
        return EXIT_CODES[self.requested or signal.SIGTERM]

    @contextmanager
    def listening(self) -> Iterator["Stop"]:
        """Handle the signals within; elsewhere than in the main thread they keep their handlers."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.getsignal(number) for number in EXIT_CODES}
        self.listen()
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def listen(self) -> None:
        """Handle the signals from now on, whoever did before."""
        for number in EXIT_CODES:
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested == number == signal.SIGINT:
            os._exit(EXIT_CODES[signal.SIGINT])
        self.requested = signal.Signals(number)
        if not self.awaited:
            raise SystemExit(self.exit_code)

"""Terminal output: Chinese in any encoding, progress bars, log messages that leave a bar intact."""

import logging
import os
import sys
from collections.abc import Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import track

T = TypeVar("T")


class ScreenHandler(logging.StreamHandler):
    """Writes to the current ``sys.stdout``, which a progress bar may have redirected."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stdout
        super().emit(record)


class OursOrWarning(logging.Filter):
    """Passes this project's messages and the libraries' warnings; the run's log file has everything."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or record.name.split(".")[0] in ("tang", "train")


def use_utf8() -> None:
    """Print Chinese on any terminal: in its own encoding if that has the characters, else as UTF-8."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            try:
                "诗".encode(stream.encoding)
                stream.reconfigure(errors="replace")
            except UnicodeEncodeError:
                stream.reconfigure(encoding="utf-8", errors="replace")


def show(text: str) -> None:
    """Print ``text``, unless the reader has closed the pipe, as ``| head`` does; then nothing more is printed."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tracked(items: Iterable[T], title: str, total: int | None = None) -> Iterable[T]:
    """``items``, of which there are ``total`` or ``len(items)``, with a progress bar on stderr if it is a terminal."""
    return track(items, title, total, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())

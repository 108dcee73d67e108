"""The terminal: Chinese on any of them, and messages that leave a progress bar whole."""

import logging
import sys


class ScreenHandler(logging.StreamHandler):
    """Writes to the ``sys.stdout`` of the moment: a progress bar that redirects it stays whole."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stdout
        super().emit(record)


class OursOrWarning(logging.Filter):
    """On the screen the libraries only warn; all they say is in the run's log file."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or record.name.split(".")[0] in ("tang", "train")


def speak_chinese() -> None:
    """Chinese goes out on any terminal: in its own encoding where that has it, else as UTF-8."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            try:
                "诗".encode(stream.encoding)
                stream.reconfigure(errors="replace")
            except UnicodeEncodeError:
                stream.reconfigure(encoding="utf-8", errors="replace")

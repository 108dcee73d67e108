"""What a person sees of a sweep while it runs: its table after every run, and a line that is kept up to date."""

import logging
import math
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta

from rich.console import Console
from rich.live import Live
from rich.text import Text

from tang.runs.sweep import LOSS, RunRecord, SweepFolder
from tang.sweeps.summary import write_summary

log = logging.getLogger(__name__)

BUSY = 0.05  # Most of a core that watching takes


class Watch:
    """Reads a sweep's folder in a thread, whatever runs its jobs, and wherever.

    On a terminal the line stays at the bottom; elsewhere it is printed when a run ends.

    Args:
        sweep: the folder, None before there is one.
    """

    def __init__(self, sweep: Callable[[], SweepFolder | None]) -> None:
        self.sweep = sweep
        self._since = time.time()
        self._ended = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="watch")

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _follow(self) -> None:
        pause, live = 1.0, Live(console=Console(soft_wrap=True), transient=True)
        with ExitStack() as stack:
            while not self._over.wait(pause):
                if (folder := self.sweep()) is None:
                    continue
                if not live.is_started and sys.stdout.isatty() and not live.console.is_dumb_terminal:
                    stack.enter_context(live)
                begin = time.monotonic()
                try:
                    self._look(folder, live)
                except OSError as error:
                    log.warning("the sweep's table: %s", error)
                pause = max(1.0, (time.monotonic() - begin) / BUSY)

    def _look(self, folder: SweepFolder, live: Live) -> None:
        runs = folder.runs()
        line = status_line(runs, folder.planned(), self._since)
        ended = sum(run.status != "unfinished" for run in runs)
        if ended != self._ended:
            self._ended = ended
            write_summary(folder)
            if not live.is_started:
                log.info("%s", line)
        live.update(Text(line, no_wrap=True, overflow="ellipsis"))


def status_line(runs: Sequence[RunRecord], planned: int | None, since: float) -> str:
    """How many runs are done, run, failed; the best so far; the time left.

    Args:
        runs: all that have begun.
        planned: how many there will be.
        since: when this sweep was started or resumed, in seconds since 1970; what is older doesn't run.
    """
    kinds = Counter(run.status.partition(":")[0] for run in runs)
    unfinished = [run for run in runs if run.status == "unfinished"]
    running = sum(run.folder.config.stat().st_mtime >= since for run in unfinished)
    parts = [f"{kinds['done']} of {planned} done" if planned else f"{kinds['done']} done"]
    numbers = {"running": running, **{kind: kinds[kind] for kind in ("pruned", "diverged", "failed")}}
    parts += [f"{number} {kind}" for kind, number in numbers.items() if number]
    best = min(runs, key=lambda run: math.inf if run.loss is None else run.loss, default=None)
    if best and best.loss is not None and math.isfinite(best.loss):
        parts.append(f"best {LOSS} {best.loss:.4f} (run {best.folder.number})")
    now = sum(run.status != "unfinished" and run.folder.ended_at >= since for run in runs)
    left = planned - (len(runs) - len(unfinished)) if planned else 0
    if now and left > 0:
        seconds = (time.time() - since) / now * left
        parts.append(f"about {timedelta(seconds=round(seconds))} left")
    return ", ".join(parts)

"""A job of a sweep in a process of its own: ``python -m tang.sweeps.job FOLDER``, with Hydra's files in the folder."""

import logging
import os
import signal
import sys
import textwrap
from pathlib import Path
from typing import Any

from hydra.core.utils import configure_log
from omegaconf import OmegaConf

from tang.console import ScreenHandler, use_utf8
from tang.errors import DivergedError, InputError
from tang.runs.config import load_config
from tang.runs.run import RunFolder
from tang.sweeps import gpus
from tang.sweeps.processes import end_with_parent
from tang.sweeps.supervise import fail

log = logging.getLogger("tang.sweeps.job")  # this module is __main__


class Numbered(logging.Formatter):
    """Puts the job's number before every line, since the lines of several jobs are mixed."""

    def __init__(self, number: str) -> None:
        super().__init__()
        self.number = number

    def format(self, record: logging.LogRecord) -> str:
        return textwrap.indent(super().format(record), f"[{self.number}] ", lambda line: True)


def main() -> None:
    """Train what the folder's config says; exit code 0 if the run is finished, and ``failure.json`` if it failed."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until training handles it
    end_with_parent()
    use_utf8()
    folder = RunFolder(Path(sys.argv[1]))
    hydra: Any = OmegaConf.load(folder.hydra).hydra
    configure_log(hydra.job_logging, hydra.verbose)
    is_parallel = not hydra.launcher._target_.endswith(".BasicLauncher")
    if is_parallel:
        for handler in logging.getLogger().handlers:
            if isinstance(handler, ScreenHandler):
                handler.setFormatter(Numbered(folder.number))
    try:
        names = os.environ.get(gpus.CLAIM)
        lock = gpus.claim(names.split(",")) if names else None
        if is_parallel and (mine := os.environ.get("CUDA_VISIBLE_DEVICES")):
            log.info("on GPU %s", mine)
        from tang.training.run import train  # imports PyTorch, which asks which GPUs there are

        train(load_config(folder), folder, is_sweep=True)
        del lock  # it is held until here
    except InputError as error:
        fail(folder, "diverged" if isinstance(error, DivergedError) else "refused", str(error))
        sys.exit(1)
    except Exception as error:
        log.exception("this run failed")
        fail(folder, "crashed", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
        sys.exit(1)


if __name__ == "__main__":
    main()

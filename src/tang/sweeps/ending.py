"""A sweep as a whole: however it ends, its table is printed, and its exit code says whether all runs are done."""

import importlib.util
import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

from hydra.core.utils import JobReturn
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from tang.errors import InputError
from tang.runs.folder import STUDY
from tang.shutdown import EXIT_CODES
from tang.sweeps.processes import make_importable
from tang.sweeps.summary import collect, write_summary

EXTRAS = {
    "hydra_joblib_launcher": "gpus",
    "hydra_submitit_launcher": "slurm",
    "hydra_ray_launcher": "ray",
    "hydra_optuna_sweeper": "search",
}
"""The plugins, and what brings them."""


class SweepCallback(Callback):
    """Hydra calls this: the table in the sweep's folder grows with every job."""

    folder: ClassVar[Path | None] = None
    """Of this process's sweep; None until its first job is near. Hydra has no other way to hand it out."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        for group in ("launcher", "sweeper"):
            plugin = config.hydra[group]._target_.split(".")[1]
            if plugin in EXTRAS and not _is_installed(plugin):
                choice = config.hydra.runtime.choices[f"hydra/{group}"]
                extra = f"pip install -c constraints.txt -e '.[{EXTRAS[plugin]}]'"
                sys.exit(f"error: hydra/{group}={choice}: needs an extra: {extra}")
        if config.hydra.launcher._target_.endswith(".SlurmLauncher") and not shutil.which("srun"):
            sys.exit("error: hydra/launcher=slurm: there is no srun here; start it on a machine of the cluster")
        SweepCallback.folder = Path(config.hydra.sweep.dir)

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        if config.hydra.mode == RunMode.MULTIRUN:
            write_summary(Path(config.hydra.sweep.dir))


def _is_installed(plugin: str) -> bool:
    names = ("hydra_plugins", f"hydra_plugins.{plugin}")  # without any of them there is no hydra_plugins to look into
    return all(importlib.util.find_spec(name) for name in names)


def run_sweep(main: Callable[[], Any]) -> None:
    """Call a ``@hydra.main`` function that has ``-m`` on its command line.

    Raises:
        SystemExit: 1 if a run failed, 130 or 143 if the sweep was asked to stop.
        InputError, HydraException, OmegaConfBaseException: a mistake on the command line.
        Exception: something is wrong before the first job.
    """
    make_importable()
    trouble = None
    with stopping() as received:
        try:
            main()
        except (InputError, HydraException, OmegaConfBaseException):
            raise
        except Exception as error:
            if not _has_begun():
                raise
            what = str(error).strip().partition("\n")[0].partition(". ")[0]
            trouble = f"{type(error).__name__}: {what}"  # the launcher gave up
        except SystemExit:
            if not received or not _has_begun():
                raise
    folder = SweepCallback.folder
    assert folder is not None
    print(f"\n{write_summary(folder)}\nin {folder / 'summary.md'} and summary.csv", flush=True)
    runs = collect(folder)
    failed = [run.failure for run in runs if run.failure is not None]
    done = sum(run.status == "done" for run in runs)
    if received:
        trouble = f"stopped, with {done} runs done"
    elif failed and trouble is None:
        trouble = f"{len(failed)} of {len(runs)} runs failed: {failed[0]}"
    elif done < len(runs) and trouble is None:
        trouble = f"{len(runs) - done} of {len(runs)} runs are unfinished"
    if trouble:
        again = f"python src/train.py -m resume={folder} runs what is missing"
        if (folder / STUDY).exists():
            again = "the same command again goes on with the search"
        sys.stderr.write(f"error: {trouble}; {again}\n")
        sys.exit(EXIT_CODES[signal.Signals(received[0])] if received else 1)


def _has_begun() -> bool:
    return SweepCallback.folder is not None and len(collect(SweepCallback.folder)) > 0


@contextmanager
def stopping() -> Iterator[list[int]]:
    """A first signal ends the sweep in order; what came is in the list.

    joblib's workers are told and waited for. Otherwise SystemExit goes through Hydra, at once or when the job that
    runs in a process of this one has ended.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        workers = multiprocessing.active_children()
        for worker in workers:
            assert worker.pid is not None
            os.kill(worker.pid, number)
        if not workers or len(received) > 1:
            raise SystemExit(EXIT_CODES[signal.Signals(number)])

    before = {number: signal.signal(number, stop) for number in EXIT_CODES}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

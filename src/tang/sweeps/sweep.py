"""A sweep from its start to its end: its folder, its table, and an exit code that says whether all runs are done."""

import importlib.util
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, read_write
from omegaconf.errors import OmegaConfBaseException

from tang.console import show
from tang.errors import InputError
from tang.runs.config import MAY_CHANGE, check_unchanged
from tang.runs.names import claim
from tang.runs.run import RunFolder
from tang.runs.sweep import SweepFolder
from tang.shutdown import EXIT_CODES, handled_by
from tang.sweeps.processes import make_importable
from tang.sweeps.summary import write_summary
from tang.sweeps.watch import Watch

EXTRAS = {  # Choice → the package that it needs, and the extra that installs it
    "hydra/launcher=slurm": ("hydra_plugins.hydra_submitit_launcher", "slurm"),
    "hydra/launcher=ray": ("hydra_plugins.hydra_ray_launcher", "ray"),
    "hydra/sweeper=optuna": ("optuna", "search"),
}


class SweepCallback(Callback):
    """Called by Hydra: claims the folder of a run or a sweep."""

    folder: ClassVar[SweepFolder | None] = None
    """This process's sweep; None until its first job is about to start. Hydra has no other way to hand it out."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        _claim(config, "run")
        if config.hydra.output_subdir is not None:  # the config of a run that is resumed is its own
            _refuse(lambda: check_unchanged(RunFolder(Path(config.hydra.run.dir)), config))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        for group in ("launcher", "sweeper"):
            choice = f"hydra/{group}={config.hydra.runtime.choices[f'hydra/{group}']}"
            package, extra = EXTRAS.get(choice, ("hydra", ""))
            if importlib.util.find_spec(package) is None:
                sys.exit(f"error: {choice}: needs an extra: pip install -c constraints.txt -e '.[{extra}]'")
        if config.hydra.output_subdir is None:
            sys.exit("error: hydra.output_subdir=null: a sweep's runs need their config; leave it out")
        if config.hydra.launcher._target_.endswith(".SlurmLauncher") and not shutil.which("srun"):
            sys.exit("error: hydra/launcher=slurm: there is no srun here; start it on a machine of the cluster")
        if OmegaConf.select(config, "hydra.sweeper.study_name") is None:  # a search continues in its folder
            _claim(config, "sweep")
        if config.hydra.launcher._target_.endswith(".RayLauncher"):  # whose workers aren't in this process's folder
            _set_folder(config, "sweep", Path(config.hydra.sweep.dir).absolute())
        folder = SweepFolder(Path(config.hydra.sweep.dir))
        _refuse(lambda: folder.check_same(config.hydra.overrides.task, MAY_CHANGE))
        SweepCallback.folder = folder


def _refuse(check: Callable[[], None]) -> None:
    """End the script if a check raises InputError: of a callback's exceptions Hydra only warns."""
    try:
        check()
    except InputError as error:
        sys.exit(f"error: {error}")


def _claim(config: DictConfig, kind: str) -> None:
    """Make a new folder for this run or sweep alone, unless the command line names one."""
    if not any(override.startswith(f"hydra.{kind}.dir=") for override in config.hydra.overrides.hydra):
        _set_folder(config, kind, claim(Path(config.hydra[kind].dir)))


def _set_folder(config: DictConfig, kind: str, folder: Path) -> None:
    quoted = str(folder).replace("'", r"\'")
    with read_write(config):
        config.hydra[kind].dir = str(folder)
        config.hydra.overrides.hydra.append(f"hydra.{kind}.dir='{quoted}'")  # from which a sweep's jobs are composed


def run_sweep(main: Callable[[], Any]) -> None:
    """Call a ``@hydra.main`` function with ``-m`` on its command line; print the sweep's table however it ends.

    Raises:
        SystemExit: 1 if a run failed or is unfinished, or there is none, 130 or 143 if the sweep was asked to stop.
        InputError, HydraException, OmegaConfBaseException: a mistake on the command line.
        Exception: an error before the first job.
    """
    make_importable()
    trouble = None
    with stopping() as received, Watch(lambda: SweepCallback.folder):
        try:
            main()
        except (InputError, HydraException, OmegaConfBaseException):
            raise
        except Exception as error:
            if not _has_begun() and not received:
                raise
            what = str(error).strip().partition("\n")[0].partition(". ")[0]
            trouble = f"{type(error).__name__}: {what}"  # the launcher gave up
        except SystemExit:
            if not received:
                raise
    folder = SweepCallback.folder
    if received and not _has_begun():
        sys.exit(EXIT_CODES[signal.Signals(received[0])])
    assert folder is not None
    show(f"\n{write_summary(folder)}\nin {folder.summary} and {folder.table.name}")
    runs = folder.runs()
    failed = [run.failure.message for run in runs if run.failure is not None]
    unfinished = sum(run.status == "unfinished" for run in runs)
    if received:
        trouble = f"stopped, with {len(runs) - len(failed) - unfinished} runs done"
    elif failed and trouble is None:
        trouble = f"{len(failed)} of {len(runs)} runs failed: {failed[0]}"
    elif unfinished and trouble is None:
        trouble = f"{unfinished} of {len(runs)} runs are unfinished"
    elif not runs and trouble is None:
        trouble = f"no run has left anything in {folder.path}; all machines have to see that folder"
    if trouble:
        does = "makes more trials" if folder.is_search and not received and not unfinished else "runs what is missing"
        sys.stderr.write(f"error: {trouble}; python src/train.py -m resume={folder.path} {does}\n")
        sys.exit(EXIT_CODES[signal.Signals(received[0])] if received else 1)


def _has_begun() -> bool:
    return SweepCallback.folder is not None and bool(SweepCallback.folder.run_folders())


@contextmanager
def stopping() -> Iterator[list[int]]:
    """A first signal shuts the sweep down gracefully; the list has the signals received.

    SystemExit is raised through Hydra, at once or when the jobs that run here have ended.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise SystemExit(EXIT_CODES[signal.Signals(number)])

    with handled_by(stop):
        yield received

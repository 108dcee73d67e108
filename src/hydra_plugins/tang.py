"""This project's plugins, in the one place where Hydra looks for any; what they do is in ``tang.sweeps``.

Every script imports this module, so it imports little.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class LocalLauncher(Launcher):
    """Runs jobs on this machine, ``n_jobs`` at once.

    Args:
        n_jobs: at once.
        gpus: names of GPUs with commas; each job takes one for itself. Empty: all jobs see the same.
    """

    def __init__(self, n_jobs: int, gpus: str | int) -> None:
        self.n_jobs = n_jobs
        self.gpus = [name for name in str(gpus).split(",") if name]

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from tang.sweeps.local import compose_once

        self.given = (hydra_context, config, task_function)
        compose_once(hydra_context.config_loader)

    def launch(self, job_overrides: Iterable[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from tang.sweeps.local import launch

        return launch(*self.given, job_overrides, initial_job_idx, self.n_jobs, self.gpus)


class OptunaSweeper(Sweeper):
    """Lets Optuna choose the settings of runs; its arguments are the keys of ``conf/hydra/sweeper/optuna.yaml``."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.given = (hydra_context, config, task_function)

    def sweep(self, arguments: list[str]) -> None:
        from tang.sweeps.search import search
        from tang.sweeps.search.study import Settings
        from tang.sweeps.sweep import SweepCallback

        context, config, task_function = self.given
        launcher = Plugins.instance().instantiate_launcher(context, task_function, config)
        assert SweepCallback.folder is not None
        settings = Settings(**self.settings, is_local=isinstance(launcher, LocalLauncher))
        search(SweepCallback.folder, launcher, context.config_loader, config, arguments, settings)

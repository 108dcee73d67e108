"""This project's plugins, in the one place where Hydra looks for any; what they do is in ``tang.sweeps``.

Every script imports this module, so it imports little.
"""

from collections.abc import Sequence

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class LocalLauncher(Launcher):
    """Runs jobs on this machine, ``n_jobs`` at once.

    Args:
        n_jobs: at once.
        gpus: names of GPUs with commas; each job takes one for itself. Empty: all jobs see the same.
    """

    def __init__(self, n_jobs: int, gpus: str) -> None:
        self.n_jobs = n_jobs
        self.gpus = [name for name in gpus.split(",") if name]

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from tang.sweeps.local import compose_once

        self.context, self.task_function, self.config = hydra_context, task_function, config
        compose_once(hydra_context.config_loader)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from tang.sweeps.local import launch

        chosen = (self.context, self.config, self.task_function)
        return launch(*chosen, job_overrides, initial_job_idx, self.n_jobs, self.gpus)

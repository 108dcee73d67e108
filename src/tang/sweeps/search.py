"""Optuna's storage and sampler for ``conf/hydra/sweeper/optuna.yaml``: a search can be stopped and resumed."""

import logging
import warnings
import zlib
from pathlib import Path
from typing import Any

from tang.errors import InputError

logging.getLogger("alembic").setLevel(logging.WARNING)
with warnings.catch_warnings():  # about SQLAlchemy, from Optuna itself
    warnings.simplefilter("ignore", DeprecationWarning)
    from optuna.distributions import BaseDistribution, check_distribution_compatibility
    from optuna.samplers import BaseSampler, TPESampler
    from optuna.storages import RDBStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial


class Sampler(BaseSampler):
    """TPE (Bergstra et al. 2011) whose random numbers follow from the seed, the trial's number and the key.

    Optuna's own sampler starts from its seed in every process, so a resumed study would repeat its first trials. With
    this one, two searches of ten trials equal one of twenty. The first ``startup_trials`` are drawn at random.
    """

    def __init__(self, seed: int, startup_trials: int) -> None:
        self.seed, self.startup_trials = seed, startup_trials

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {}  # each key is sampled independently

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, Any]) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        for earlier in study.get_trials(deepcopy=False):
            if other := earlier.distributions.get(param_name):
                try:
                    check_distribution_compatibility(other, param_distribution)  # accepts other bounds
                except ValueError:
                    problem = "this study has been searching other choices; hydra.sweep.dir=FOLDER begins another"
                    raise InputError(f"{param_name}: {problem}") from None
        seed = zlib.crc32(f"{self.seed} {trial.number} {param_name}".encode())
        sampler = TPESampler(n_startup_trials=self.startup_trials, seed=seed)
        return sampler.sample_independent(study, trial, param_name, param_distribution)


class Storage(RDBStorage):
    """A study's SQLite file, created with its folder if missing."""

    def __init__(self, path: str) -> None:
        self.path = path
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        super().__init__(f"sqlite:///{path}")

    def __str__(self) -> str:
        return self.path

"""The study of a search: where it is kept, how it samples, and when it gives a run up."""

import logging
import sqlite3
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, GPSampler, QMCSampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import Study

from tang.atomic import disk_trouble
from tang.errors import InputError
from tang.runs.run import RunFolder
from tang.runs.sweep import SweepFolder

optuna.logging.disable_default_handler()
logging.getLogger("alembic").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Settings:
    """The keys of ``conf/hydra/sweeper/optuna.yaml``, which says what they mean."""

    study_name: str
    n_trials: int
    n_jobs: int
    sampler: str
    startup_trials: int
    seed: int
    pruner: str
    warmup: int
    storage: str | None
    params: Mapping[str, str | None]
    is_local: bool = True  # Whether all runs are on this machine; no key

    def __post_init__(self) -> None:
        """Raise InputError for a number that is none, or too small."""
        for key, least in {"n_trials": 1, "n_jobs": 1, "startup_trials": 0, "warmup": 0, "seed": 0}.items():
            value = getattr(self, key)
            if not isinstance(value, int) or value < least:
                raise InputError(f"hydra.sweeper.{key}={value}: must be a whole number, at least {least}")


SAMPLERS: dict[str, Callable[[Settings, int], BaseSampler]] = {
    "tpe": lambda s, seed: TPESampler(n_startup_trials=s.startup_trials, constant_liar=True, seed=seed),
    "gp": lambda s, seed: GPSampler(n_startup_trials=s.startup_trials, seed=seed),
    "random": lambda s, seed: RandomSampler(seed),
    "qmc": lambda s, seed: QMCSampler(scramble=True, seed=s.seed, warn_independent_sampling=False),
}
"""Name → makes the sampler, with a seed of a trial's own."""

PRUNERS: dict[str, Callable[[Settings], BasePruner]] = {
    "median": lambda s: MedianPruner(s.startup_trials, s.warmup + 1),
    "hyperband": lambda s: HyperbandPruner(s.warmup + 1),
    "none": lambda s: NopPruner(),
}


def sampler(settings: Settings, number: int) -> BaseSampler:
    """The sampler of a trial: its random numbers follow from the seed and the trial's number.

    So a search that is resumed doesn't repeat its first trials, and two of ten trials are one of twenty.
    """
    make: Callable[[Settings, int], BaseSampler] = _named("sampler", settings.sampler, SAMPLERS)
    with quiet():
        return make(settings, zlib.crc32(f"{settings.seed} {number}".encode()))


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore what Optuna warns of: that it may change a sampler, and that a Gaussian process cuts infinite losses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.filterwarnings("ignore", "Clip non-finite values")
        yield


def open_study(folder: SweepFolder, settings: Settings) -> Study:
    """The study in a sweep's folder, a new one if there is none.

    A new one is kept in SQLite, or, if ``settings.storage`` says so or the runs aren't all on this machine, as a
    journal file: SQLite can't be trusted on a shared disk. An InputError if a setting or the file is wrong.
    """
    if settings.storage not in (None, "sqlite", "journal"):
        raise InputError(f"hydra.sweeper.storage={settings.storage}: must be sqlite or journal, or null")
    pruner = _named("pruner", settings.pruner, PRUNERS)(settings)
    is_journal = settings.storage == "journal" or (settings.storage is None and not settings.is_local)
    if folder.is_search:
        is_journal = folder.journal.is_file()
    return _opened(
        folder,
        is_journal,
        lambda storage: optuna.create_study(
            storage=storage,
            study_name=settings.study_name,
            sampler=RandomSampler(),  # see sampler()
            pruner=pruner,
            load_if_exists=True,
        ),
    )


def read_study(folder: SweepFolder) -> Study:
    """The study in a sweep's folder; an InputError if the file is wrong."""
    return _opened(
        folder, folder.journal.is_file(), lambda storage: optuna.load_study(storage=storage, study_name=None)
    )


def reporting(folder: RunFolder, sweeper: Mapping[str, Any]) -> Callable[[int, float], bool]:
    """(number of a validation, its loss) → whether the search gives the run up; for a trial's job.

    ``sweeper`` is Hydra's config of the search.
    """
    settings = Settings(**{str(key): value for key, value in sweeper.items() if key != "_target_"})
    sweep = SweepFolder(folder.path.parent)
    study = open_study(sweep, settings)
    storage = _storage(sweep, sweep.journal.is_file())
    trial = storage.get_trial_id_from_study_id_trial_number(
        storage.get_study_id_from_name(settings.study_name), int(folder.number)
    )

    def report(step: int, loss: float) -> bool:
        storage.set_trial_intermediate_value(trial, step, loss)
        return bool(study.pruner.prune(study, storage.get_trial(trial)))

    return report


def _opened(folder: SweepFolder, is_journal: bool, open: Callable[[BaseStorage], Study]) -> Study:
    try:
        return open(_storage(folder, is_journal))
    except Exception as error:
        if trouble := disk_trouble(error):
            raise InputError(trouble) from error
        file = folder.journal if is_journal else folder.database
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{file}: no study of this version ({reason}); hydra.sweep.dir=FOLDER begins another"
        ) from error


def _storage(folder: SweepFolder, is_journal: bool) -> BaseStorage:
    if is_journal:
        return JournalStorage(JournalFileBackend(str(folder.journal)))
    # A path in the URL would be read as one, with its ? and %.
    connect = partial(sqlite3.connect, folder.database, timeout=60, check_same_thread=False)
    return RDBStorage(f"sqlite:///{folder.database.name}", engine_kwargs={"creator": connect})


def _named(key: str, name: str, choices: Mapping[str, Any]) -> Any:
    if name not in choices:
        raise InputError(f"hydra.sweeper.{key}={name}: must be one of {', '.join(choices)}")
    return choices[name]

"""A search: Optuna chooses the settings of each run, guided by what earlier ones came to.

The runs' folders say what has come of them; the study is told from there. So a search goes on after any stop, and runs
that were stopped in their middle are taken up first.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from filelock import FileLock, Timeout
from hydra.core.config_loader import ConfigLoader
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig, OmegaConf
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from tang.errors import InputError
from tang.runs.names import run_name
from tang.runs.sweep import RunRecord, SweepFolder
from tang.sweeps.search.space import Space
from tang.sweeps.search.study import Settings, open_study, quiet, sampler

OVERRIDES, GOAL = "overrides", "goal"  # Names of what a trial and a study are given beside Optuna's own


def search(
    folder: SweepFolder,
    launcher: Launcher,
    loader: ConfigLoader,
    config: DictConfig,
    arguments: Sequence[str],
    settings: Settings,
) -> None:
    """Run ``settings.n_trials`` more trials; of a search that was stopped, those that it was started for.

    Args:
        folder: of the sweep.
        launcher: runs the trials' jobs. What runs them on this machine asks for each when it can start it; others are
            given ``settings.n_jobs`` at a time.
        loader: composes configs.
        config: Hydra's, of the sweep.
        arguments: the command line's overrides; several values for a key are searched.
        settings: of the search.

    Raises:
        InputError: a setting is wrong, the study in the sweep's folder can't be gone on with, or is being used.
        HydraException: a choice isn't there.
        SystemExit: the search was asked to stop.
    """
    folder.path.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder.lock, timeout=0):
            space = Space.of(settings.params, arguments)
            for choice in space.choices:  # else a search would end at one that isn't there, and again when resumed
                loader.load_sweep_config(config, [*space.fixed, choice])
            studied = Search(folder, settings, space)
            OmegaConf.save(config, folder.record)
            studied.run(launcher)
    except Timeout:
        raise InputError(f"{folder.path}: another process runs this search") from None


class Search:
    """The trials of a study, each with the folder of its run."""

    def __init__(self, folder: SweepFolder, settings: Settings, space: Space) -> None:
        self.folder, self.settings, self.space = folder, settings, space
        if folder.run_folders() and not folder.is_search:
            raise InputError(f"hydra.sweep.dir={folder.path}: has a sweep that is no search; give another folder")
        self.study: Study = open_study(folder, settings)
        for trial in self.study.trials:
            space.check(trial.distributions)
        self.settle()
        is_unfinished = len(self.study.trials) < self.study.user_attrs.get(GOAL, 0) or bool(self._running())
        if not is_unfinished:
            self.study.set_user_attr(GOAL, len(self.study.trials) + settings.n_trials)
        self.folder.goal = self.study.user_attrs[GOAL]

    def run(self, launcher: Launcher) -> None:
        """Run all trials up to the goal."""
        jobs = self.jobs()
        if self.settings.is_local:
            launcher.launch(jobs, 0)  # type: ignore[arg-type]
        else:
            number = len(self.study.trials)
            while batch := list(islice(jobs, self.settings.n_jobs)):
                launcher.launch(batch, number)
                number += len(batch)
        self.settle()

    def jobs(self) -> Iterator[list[str]]:
        """The overrides of each trial's job, chosen when it is asked for."""
        for trial in self._running():
            yield trial.user_attrs[OVERRIDES]
        while len(self.study.trials) < self.study.user_attrs[GOAL]:
            self.settle()
            self.study.sampler = sampler(self.settings, len(self.study.trials))
            with quiet():
                asked = self.study.ask(self.space.distributions)
            chosen = [f"{key}={value}" for key, value in asked.params.items()]
            name = run_name(asked.number, ",".join(chosen)).replace("'", "")
            asked.set_user_attr(OVERRIDES, [*self.space.fixed, *chosen, f"hydra.sweep.subdir='{name}'"])
            yield asked.user_attrs[OVERRIDES]

    def settle(self) -> None:
        """Tell the study what has come of trials that have ended since."""
        runs = {int(run.folder.number): run for run in self.folder.runs() if run.folder.number.isdecimal()}
        for trial in self._running():
            if run := runs.get(trial.number):
                tell(self.study, trial.number, run)

    def _running(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def tell(study: Study, number: int, run: RunRecord) -> None:
    """Tell a study the outcome of a trial's run, unless it has none yet; one that diverged counts as infinitely bad."""
    if run.is_pruned:
        study.tell(number, state=TrialState.PRUNED)
    elif run.loss is not None:
        study.tell(number, run.loss)
    elif run.failure is not None:
        study.tell(number, state=TrialState.FAIL)

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from hydra.plugins.launcher import Launcher
from matplotlib.figure import Figure
from omegaconf import OmegaConf

from tang.errors import DivergedError, InputError
from tang.reporting.importance import draw_importances
from tang.runs.run import Result, RunFolder
from tang.runs.sweep import SweepFolder
from tang.sweeps.search import search
from tang.sweeps.search.importance import importances
from tang.sweeps.search.space import Space
from tang.sweeps.search.study import Settings, open_study, reporting
from tests.commands import Script
from tests.sweeps.sweep import LONG, Start, statuses

PARAMS = {"optimizer": "choice(adam,sgd)", "optimizer.lr_scale": "tag(log,interval(0.1,10.0))"}
SETTINGS: dict[str, Any] = {
    **{"study_name": "search", "n_trials": 4, "n_jobs": 2, "sampler": "tpe", "startup_trials": 3, "seed": 1},
    **{"pruner": "median", "warmup": 0, "storage": None, "params": PARAMS},
}


LOADER: Any = SimpleNamespace(load_sweep_config=lambda config, overrides: config)
"""Every choice is there."""


class Stopped(Exception):  # noqa: N818
    """As when a search is asked to stop."""


class Pretended(Launcher):
    """Writes the outcome of each job, which its rate decides, to its folder, up to a job at which it is stopped."""

    def __init__(self, folder: Path, is_local: bool = True, stop_at: int | None = None) -> None:
        self.folder, self.stop_at, self.jobs = folder, stop_at, list[int]()
        self.is_local = is_local
        self.batches: list[int] = []

    def setup(self, **given: Any) -> None: ...

    def launch(self, job_overrides: Any, initial_job_idx: int) -> Any:
        self.batches.append(0)
        for overrides in job_overrides:
            self.batches[-1] += 1
            values = dict(override.split("=", 1) for override in overrides)
            run = RunFolder(self.folder / values.pop("hydra.sweep.subdir").strip("'"))
            run.overrides.parent.mkdir(parents=True, exist_ok=True)
            given = [f"{key}={value}" for key, value in values.items()]
            run.overrides.write_text(json.dumps(given), encoding="utf-8")
            self.jobs.append(int(run.number))
            if self.stop_at == int(run.number):
                self.stop_at = None
                raise Stopped
            outcome(run, values)


def outcome(run: RunFolder, values: dict[str, str]) -> None:
    """A run with adam ends, the first with sgd diverges, one with a high rate is pruned, one of three fails."""
    rate = float(values["optimizer.lr_scale"])
    if values["optimizer"] == "sgd":
        run.write_failure("diverged", str(DivergedError("val/loss is nan")))
    elif int(run.number) % 3 == 2:
        run.write_failure("killed", "killed by SIGKILL")
    else:
        run.write_result(Result("LanguageModel", rate, {}, 2, 0.1, 9, "best.ckpt", ended_by=["pruned"] * (rate > 3)))


def trials(launcher: Pretended, *arguments: str, **settings: Any) -> list[optuna.trial.FrozenTrial]:
    """All trials of the study after a search."""
    chosen = Settings(**{**SETTINGS, **settings}, is_local=launcher.is_local)
    folder = SweepFolder(launcher.folder)
    search(folder, launcher, LOADER, OmegaConf.create(), arguments, chosen)
    return open_study(folder, chosen).trials


@pytest.mark.parametrize("sampler", ["tpe", "gp", "random", "qmc"])
@pytest.mark.parametrize("storage", ["sqlite", "journal"])
def test_a_search_in_two_parts_is_the_search_in_one(tmp_path: Path, sampler: str, storage: str) -> None:
    given = {"sampler": sampler, "storage": storage}
    trials(Pretended(tmp_path / "parts"), **given)
    parts = trials(Pretended(tmp_path / "parts"), **given)
    whole = trials(Pretended(tmp_path / "whole"), **given, n_trials=8)
    assert [trial.params for trial in parts] == [trial.params for trial in whole]
    assert [trial.params for trial in parts[:4]] != [trial.params for trial in parts[4:]]
    assert SweepFolder(tmp_path / "parts").journal.exists() == (storage == "journal")


def test_the_study_knows_how_each_run_ended(tmp_path: Path) -> None:
    states = {"done": 0, "pruned": 0, "diverged": 0, "failed": 0}
    for trial in trials(Pretended(tmp_path), n_trials=16, sampler="random"):
        rate, is_sgd = trial.params["optimizer.lr_scale"], trial.params["optimizer"] == "sgd"
        if is_sgd:
            states["diverged"] += trial.value == float("inf")
        elif trial.number % 3 == 2:
            states["failed"] += trial.state.name == "FAIL"
        elif rate > 3:
            states["pruned"] += trial.state.name == "PRUNED"
        else:
            states["done"] += trial.value == rate
    assert sum(states.values()) == 16
    assert all(states.values()), "each way occurs"


def test_a_search_that_was_stopped_takes_up_its_run_and_ends_where_it_was_to_end(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        trials(Pretended(tmp_path / "a", stop_at=2))
    again = Pretended(tmp_path / "a")
    found = trials(again)
    assert again.jobs == [2, 3]
    assert [trial.params for trial in found] == [trial.params for trial in trials(Pretended(tmp_path / "b"))]
    assert len(trials(again)) == 8, "the next asks for more"


@pytest.mark.parametrize("name", ["诗 and more", "w?x", "100%41", "{}'\""])
def test_a_search_may_be_in_any_folder(tmp_path: Path, name: str) -> None:
    assert len(trials(Pretended(tmp_path / name), n_trials=1)) == 1
    assert (tmp_path / name / "study.db").is_file()
    (tmp_path / name / "copy of 0").mkdir()
    assert len(trials(Pretended(tmp_path / name), n_trials=1)) == 2


def test_other_launchers_are_given_some_at_a_time(tmp_path: Path) -> None:
    launcher = Pretended(tmp_path, is_local=False)
    assert len(trials(launcher, n_trials=5)) == 5
    assert launcher.batches == [2, 2, 1]
    assert SweepFolder(tmp_path).journal.exists(), "for a disk that machines share"


def test_the_command_line_stands_in_for_the_params() -> None:
    given = ["optimizer=adam", "model.dropout=interval(0,0.5)", "data.batch_size=32,64"]
    space = Space.of(
        {**PARAMS, "model.num_layers": "range(1,7,3)", "optimizer.lr": None}, [*given, "seed=range(0,1,0.5)"]
    )
    assert space.fixed == ["optimizer=adam"]
    assert {key: str(value) for key, value in space.distributions.items()} == {
        "optimizer.lr_scale": "FloatDistribution(high=10.0, log=True, low=0.1, step=None)",
        "model.num_layers": "IntDistribution(high=4, log=False, low=1, step=3)",
        "model.dropout": "FloatDistribution(high=0.5, log=False, low=0.0, step=None)",
        "data.batch_size": "CategoricalDistribution(choices=('32', '64'))",
        "seed": "CategoricalDistribution(choices=('0.0', '0.5'))",
    }
    with pytest.raises(InputError, match=r"model.dropout=glob\(\*\): a search takes choice"):
        Space.of({}, ["model.dropout=glob(*)"])


def test_what_cannot_be_gone_on_with_is_refused(tmp_path: Path) -> None:
    trials(Pretended(tmp_path), n_trials=1)
    trials(Pretended(tmp_path), "optimizer.lr_scale=tag(log,interval(0.01,1.0))", n_trials=1)
    with pytest.raises(InputError, match="optimizer: this search has been trying other choices"):
        trials(Pretended(tmp_path), "optimizer=choice(adam,adagrad)")
    wrong = {"sampler": "tpes", "pruner": "hard", "storage": "redis", "n_trials": 0, "warmup": -1, "seed": "a"}
    for key, name in wrong.items():
        with pytest.raises(InputError, match=f"hydra.sweeper.{key}={name}: must be"):
            trials(Pretended(tmp_path), **{key: name})
    for values in ("interval(0.5,0.1)", "tag(log,interval(0,1))", "range(10,1,-3)"):
        with pytest.raises(InputError, match=r"^model.dropout=\S+: "):
            Space.of({}, [f"model.dropout={values}"])
    (tmp_path / "grid" / "0_seed=1" / ".hydra").mkdir(parents=True)
    (tmp_path / "grid" / "0_seed=1" / ".hydra" / "overrides.yaml").touch()
    with pytest.raises(InputError, match="grid: has a sweep that is no search"):
        trials(Pretended(tmp_path / "grid"))
    SweepFolder(tmp_path).database.write_bytes(b"no database" * 100)
    with pytest.raises(InputError, match=r"study\.db: no study of this version"):
        trials(Pretended(tmp_path))


def test_a_report_shows_what_each_key_matters(tmp_path: Path) -> None:
    trials(Pretended(tmp_path), n_trials=6, sampler="random")
    folder = SweepFolder(tmp_path)
    assert draw_importances(folder) == "No importances: 1 finished trials are too few."
    for _ in range(40):
        trials(Pretended(tmp_path), "optimizer=adam", n_trials=1, sampler="random")
    few, shares = importances(folder)
    assert few == sum(run.loss is not None and run.loss < 99 for run in folder.runs())
    assert shares == {"optimizer.lr_scale": pytest.approx(1.0)}
    assert isinstance(draw_importances(folder), Figure)


def test_a_run_is_given_up_when_the_others_were_better_by_then(tmp_path: Path) -> None:
    folder, settings = SweepFolder(tmp_path), Settings(**{**SETTINGS, "startup_trials": 2, "warmup": 1})
    study = open_study(folder, settings)
    for losses in ([5.0, 4.0, 3.0], [5.0, 4.2, 3.2]):
        report = reporting(RunFolder(tmp_path / f"{study.ask().number}_"), vars(settings))
        assert not any(report(step, loss) for step, loss in enumerate(losses, start=1)), "there is nothing to compare"
        study.tell(len(study.trials) - 1, losses[-1])
    report = reporting(RunFolder(tmp_path / f"{study.ask().number}_"), vars(settings))
    assert [report(step, loss) for step, loss in enumerate([9.0, 4.05, 3.15], start=1)] == [False, False, True]


@pytest.mark.slow
def test_a_real_search_prunes_and_goes_on_after_a_stop_elsewhere(small: Sequence[str], sweep_of: Start) -> None:
    keys = ["optimizer=adam", "optimizer.lr_scale=tag(log,interval(0.01,10))", "model.hidden_size=8,16"]
    given = ["hydra/sweeper=optuna", *small, *LONG, *keys, "data.batch_size=32", "hydra.sweep.dir=sweep"]
    settings = [f"hydra.sweeper.{key}" for key in ("n_trials=6", "startup_trials=2", "sampler=random", "warmup=0")]
    search = sweep_of(*given, *settings)
    search.wait_for("*", "epoch 2/")
    search.press_ctrl_c()
    output = search.end()
    assert search.process.returncode == 130, output
    assert output.endswith("with 0 runs done; python src/train.py -m resume=sweep runs what is missing\n")
    again = sweep_of("resume=sweep", "hydra/launcher=submitit_local", "hydra.sweeper.n_jobs=2")
    output = again.end()
    assert again.process.returncode == 0, output
    assert set(statuses(output)) == {"done", "pruned"}
    logs = {path.parent.name[0]: path.read_text(encoding="utf-8") for path in again.folder.glob("*/train.log")}
    assert set(logs) == set("012345")
    assert "resuming after step" in logs["0"]
    pruned = [RunFolder(path.parent) for path in again.folder.glob("*/result.json") if '"pruned"' in path.read_text()]
    for run in pruned:
        assert run.best.is_file(), "its folder is complete"
        assert "others of the search had a lower val/loss by then" in run.log.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_same_command_again_goes_on_with_the_study(script: Script, small: Sequence[str], tmp_path: Path) -> None:
    arguments = ["hydra/sweeper=optuna", *small, "model.hidden_size=8,16", "trainer.max_epochs=1", "-m"]
    first = script("train", *arguments, "hydra.sweeper.n_trials=2")
    assert first.returncode == 0, first.stderr
    second = script("train", *arguments, "hydra.sweeper.n_trials=1")
    assert second.returncode == 0, second.stderr
    folder = tmp_path / "outputs" / "sweeps" / "search"
    with sqlite3.connect(folder / "study.db") as study:
        assert study.execute("select count(*) from trials where state = 'COMPLETE'").fetchone() == (3,)
    assert len(list(folder.glob("*/result.json"))) == 3
    for key in ("optimizer.lr_scale", "model.dropout"):
        assert key in (folder / "summary.md").read_text(encoding="utf-8")
    assert "Warning" not in first.stderr + second.stderr

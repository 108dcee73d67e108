import importlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from tang.errors import InputError
from tang.sweeps.search import Sampler, Storage
from tests.commands import Script

optuna = importlib.import_module("optuna")  # not before tang.sweeps.search, which keeps its warnings away

SPACE = {
    "optimizer": optuna.distributions.CategoricalDistribution(["adam", "sgd"]),
    "lr": optuna.distributions.LogUniformDistribution(0.1, 10.0),
}


def search(path: Path, trials: int) -> list[dict[str, object]]:
    """All trials of the study after so many more, with losses that the rate decides."""
    storage = Storage(str(path))
    study = optuna.create_study(storage=storage, study_name="a", sampler=Sampler(1, 3), load_if_exists=True)
    for _ in range(trials):
        trial = study.ask(SPACE)
        study.tell(trial, trial.params["lr"] if trial.params["optimizer"] == "adam" else float("inf"))
    return [trial.params for trial in study.trials]


def test_a_search_in_two_parts_is_the_search_in_one(tmp_path: Path) -> None:
    search(tmp_path / "new" / "parts.db", 4)
    parts = search(tmp_path / "new" / "parts.db", 4)
    assert parts == search(tmp_path / "whole.db", 8)
    assert len({str(trial) for trial in parts}) == 8


def test_other_choices_need_another_study(tmp_path: Path) -> None:
    search(tmp_path / "study.db", 1)
    study = optuna.load_study(storage=Storage(str(tmp_path / "study.db")), study_name="a", sampler=Sampler(1, 3))
    study.ask({"lr": optuna.distributions.LogUniformDistribution(0.01, 10.0)})
    with pytest.raises(InputError, match="optimizer: this study has been searching other choices"):
        study.ask({"optimizer": optuna.distributions.CategoricalDistribution(["adam", "adagrad"])})


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

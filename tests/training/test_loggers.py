"""Runs with other loggers than TensorBoard, offline."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.commands import Done, Script

pytestmark = pytest.mark.slow


def train(script: Script, small: Sequence[str], *arguments: str) -> Done:
    done = script("train", *small, "hydra.run.dir=run", "trainer.log_every_n_steps=2", *arguments)
    assert done.returncode == 0, done.stderr
    return done


def columns(file: Path) -> dict[str, list[str]]:
    """Column → its values, without those left out."""
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    return {name: [row[name] for row in rows if row[name]] for name in rows[0]}


def test_several_loggers_at_once_and_a_csv_file_for_each_start(
    script: Script, small: Sequence[str], tmp_path: Path
) -> None:
    train(script, small, "logger=csv,tensorboard")
    run = tmp_path / "run"
    assert list(run.glob("events.out.tfevents.*"))
    first = columns(run / "csv" / "from_step_0" / "metrics.csv")
    assert len(first["val/loss"]) == 2
    assert {"train/loss", "train/tokens_per_second", "test/ppl_hanzi"} <= set(first)
    resumed = script("train", "resume=run", "trainer.max_epochs=3")
    assert resumed.returncode == 0, resumed.stderr
    step = 1 + int(first["step"][-2])
    (later,) = (path for path in (run / "csv").iterdir() if path.name != "from_step_0")
    assert later.name == f"from_step_{step}"
    assert len(columns(later / "metrics.csv")["val/loss"]) == 1


def test_no_logger(script: Script, small: Sequence[str], tmp_path: Path) -> None:
    train(script, small, "logger=none", "trainer.max_epochs=1")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        *(".hydra", ".lock", "checkpoints", "result.json", "train.log"),
    }


def test_wandb_and_mlflow_offline(script: Script, small: Sequence[str], tmp_path: Path) -> None:
    arguments = ["logger=wandb,mlflow", "logger.wandb.offline=true", "trainer.max_epochs=1"]
    train(script, small, *arguments)
    (offline,) = (tmp_path / "run" / "wandb").glob("offline-run-*/*.wandb")
    assert offline.stat().st_size > 1000
    client = MlflowClient(f"sqlite:///{tmp_path / 'outputs' / 'mlflow.db'}")
    run = client.get_run((tmp_path / "run" / ".mlflow").read_text(encoding="utf-8"))
    assert run.data.params["optimizer.name"] == "Adam"
    assert run.data.metrics.keys() >= {"train/loss", "val/loss", "val/ppl", "test/ppl"}
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["samples", "statistics"]


def test_a_logger_that_is_not_installed_is_named(called: Script, small: Sequence[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pytorch_lightning.loggers.wandb._WANDB_AVAILABLE", False)
        done = called("train", *small, "logger=wandb")
    assert done.returncode == 1
    assert done.stderr == "error: logger=wandb: needs an extra: pip install -c constraints.txt -e '.[wandb]'\n"

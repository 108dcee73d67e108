import os
from dataclasses import asdict
from pathlib import Path
from unittest.mock import patch

import pytest

from tang.errors import InputError
from tang.runs.find import best_checkpoints, check_checkpoint, checkpoint_at, run_at
from tang.runs.run import Result, RunFolder
from tang.runs.sweep import SweepFolder

RESULT = Result("LanguageModel", 5.0, {}, 1, 0.1, 1e4, "best.ckpt", steps=9, ended_by=["max_epochs"])


def make(folder: Path, age: int, **result: object) -> Path:
    """A run's folder with checkpoints, written so many seconds ago; its best checkpoint."""
    run = RunFolder(folder)
    for path in (run.best, run.last):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (1e9 - age, 1e9 - age))
    (folder / ".hydra").mkdir()
    (folder / ".hydra" / "overrides.yaml").write_text("[]", encoding="utf-8")
    if result:
        run.write_result(Result(**{**asdict(RESULT), **result}))
    return run.best


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sweep of three runs, of which neither the first nor the last is the best."""
    monkeypatch.chdir(tmp_path)
    folder = Path("outputs/sweeps/s")
    for number, loss in enumerate((6.0, 4.0, 5.0)):
        make(folder / f"{number}_seed={number}", 30 - number, val_loss=loss)
    (folder / "multirun.yaml").touch()
    return folder


def test_a_folder_means_its_best_checkpoint(sweep: Path) -> None:
    best = sweep / "1_seed=1" / "checkpoints" / "best.ckpt"
    last = sweep / "0_seed=0" / "checkpoints" / "last.ckpt"
    assert checkpoint_at(str(sweep)) == best, "of a sweep that of its best run"
    assert checkpoint_at(str(sweep / "0_seed=0")) == last.with_name("best.ckpt")
    assert checkpoint_at(str(last)) == last
    assert run_at(str(last), "resume").path == run_at(str(sweep / "0_seed=0"), "resume").path == sweep / "0_seed=0"


def test_the_latest_of_a_sweep_is_its_best(sweep: Path) -> None:
    single = make(Path("outputs/train/a"), 40, val_loss=3.0)
    untrained = make(Path("outputs/train/b"), 1, steps=0, ended_by=["max_epochs"])
    order = list(best_checkpoints())
    assert [path.parents[1].name for path in order] == ["1_seed=1", "2_seed=2", "0_seed=0", "a"]
    assert single in order
    assert untrained not in order
    newest = make(Path("outputs/train/c"), 0)
    assert next(best_checkpoints()) == newest, "a run that isn't finished has a best checkpoint too"


def test_the_latest_is_found_without_reading_the_results_of_older_runs(sweep: Path) -> None:
    newest = make(Path("outputs/train/a"), 0, val_loss=3.0)
    with patch.object(RunFolder, "read_result", autospec=True, side_effect=RunFolder.read_result) as read:
        assert next(best_checkpoints()) == newest
    assert read.call_count == 1


def test_a_run_whose_files_are_broken_is_passed_over(sweep: Path, caplog: pytest.LogCaptureFixture) -> None:
    single = make(Path("outputs/train/a"), 0, val_loss=3.0).parents[1]
    (single / "result.json").write_text("{", encoding="utf-8")
    (sweep / "1_seed=1" / "result.json").write_text("[]", encoding="utf-8")
    (sweep / "2_seed=2" / ".hydra" / "overrides.yaml").write_text("seed: 2", encoding="utf-8")
    assert next(best_checkpoints()).parents[1].name == "0_seed=0"
    assert caplog.messages[0].startswith("ignored: outputs/train/a/result.json: broken, or of another version;")
    assert checkpoint_at(str(sweep)).parents[1].name == "0_seed=0"
    assert "2_seed=2/.hydra/overrides.yaml: broken" in caplog.messages[-1]
    assert [run.status.partition(",")[0] for run in SweepFolder(sweep).runs()] == [
        "done",
        "failed: result.json: broken",
    ]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("nowhere", "no such file"),
        ("outputs", "this is a folder without checkpoints/best.ckpt; give a run's folder, a sweep's, or a file"),
        ("outputs/sweeps/empty", "none of this sweep's runs has a best checkpoint yet"),
        ("/dev/null", "this is a pipe or a device"),
        ("~nobody-has-this-name/x", "home directory"),
    ],
)
def test_a_path_that_means_no_checkpoint_is_refused(sweep: Path, name: str, problem: str) -> None:
    Path("outputs/sweeps/empty").mkdir()
    Path("outputs/sweeps/empty/multirun.yaml").touch()
    with pytest.raises(InputError, match=problem):
        check_checkpoint(name)
    check_checkpoint("latest")

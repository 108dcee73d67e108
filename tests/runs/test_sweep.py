import os
import shutil
from pathlib import Path

import pytest
import yaml

from tang.errors import InputError
from tang.runs.run import RunFolder
from tang.runs.sweep import SweepFolder, latest_sweep


def test_the_latest_sweep_was_started_or_had_a_run_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="dir=latest: no sweep below outputs/sweeps"):
        latest_sweep("dir")
    sweeps = Path("outputs", "sweeps")
    for age, place in enumerate(["search/0_seed=1/.hydra", "older/multirun.yaml", "older/0_seed=1/.hydra"]):
        (sweeps / place).mkdir(parents=True)
        os.utime(sweeps / place, (1000 - age, 1000 - age))
    assert latest_sweep("dir").path == sweeps / "search"
    os.utime(sweeps / "older" / "multirun.yaml")
    assert latest_sweep("dir").path == sweeps / "older"


def test_runs_are_read_again_when_they_have_changed_and_forgotten_when_they_are_gone(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path)
    runs = [RunFolder(tmp_path / f"{number}_seed={number}") for number in range(2)]
    for run in runs:
        run.overrides.parent.mkdir(parents=True)
        run.overrides.write_text("[]", encoding="utf-8")
    assert [run.status for run in folder.runs()] == ["unfinished"] * 2
    runs[0].write_failure("killed", "by hand")
    assert sorted(run.status for run in folder.runs()) == ["failed: by hand", "unfinished"]
    shutil.rmtree(runs[0].path)
    assert [run.folder.path for run in folder.runs()] == [runs[1].path]


def test_what_a_sweep_varies_is_told_from_what_it_gives_all_its_runs(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "0_seed=1")
    run.overrides.parent.mkdir(parents=True)
    given = ["data=text", "+data.path='诗.txt'", "model.hidden_size=8", "seed=1", "optimizer.lr_scale=0.5"]
    run.overrides.write_text(yaml.safe_dump(given), encoding="utf-8")
    assert SweepFolder(tmp_path).varied(run) == {}
    task = ["data=choice('text')", "+data.path='诗.txt'", "model.hidden_size=8,16", "seed=range(1,3)"]
    record = {"hydra": {"overrides": {"hydra": [], "task": task}}}  # a search adds keys of its own
    SweepFolder(tmp_path).record.write_text(yaml.safe_dump(record), encoding="utf-8")
    assert SweepFolder(tmp_path).varied(run) == {"model.hidden_size": "8", "seed": "1", "optimizer.lr_scale": "0.5"}


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (["model.hidden_size=16", "seed=1,2", "trainer.max_epochs=1"], None),
        (["model.hidden_size=choice('16')", "seed=1,2,3", "trainer.max_epochs=9", "optimizer=sgd"], None),
        (["model.hidden_size=32", "seed=1,2"], "model.hidden_size=16, not 32; give another folder"),
        (["seed=1,2"], "model.hidden_size=16, which is left out now"),
        (["model.hidden_size=16,32", "seed=1"], None),
    ],
)
def test_another_sweep_is_kept_out_of_a_sweeps_folder(
    tmp_path: Path, overrides: list[str], problem: str | None
) -> None:
    folder = SweepFolder(tmp_path)
    folder.check_same(overrides, "trainer.max_")  # there is none yet
    task = ["model.hidden_size=16", "seed=1,2", "trainer.max_epochs=1"]
    record = {"hydra": {"overrides": {"hydra": ["hydra.mode=MULTIRUN"], "task": task}}}
    folder.record.write_text(yaml.safe_dump(record), encoding="utf-8")
    if problem is None:
        folder.check_same(overrides, "trainer.max_")
    else:
        with pytest.raises(InputError, match=problem):
            folder.check_same(overrides, "trainer.max_")

import math
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import matplotlib
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tang.errors import InputError
from tang.reporting.curves import read_curve
from tang.reporting.report import PICTURES, write_report
from tests.commands import Script
from tests.reporting.conftest import Make


def test_a_messy_sweep_gets_its_report_and_a_second_one_in_its_place(make: Make) -> None:
    for form in ("[五言绝句]", "[七言绝句]"):
        for optimizer in ("adam", "sgd", "𠀀$"):
            for seed in (1, 2):
                overrides = [f"data.forms={form}", f"optimizer={optimizer}", f"seed={seed}"]
                make(overrides, math.inf if optimizer == "sgd" else 5 + seed / 10, [6.0, 5.0])
    folder = make(["optimizer=adam"], None, reason="no space left on device").parent
    write_report(folder)
    text = write_report(folder, "optimizer", "data.forms")
    assert "Configurations: 6. Finished runs: 8. Others: 1 failed, 4 diverged. Best: `" in text
    assert "no space left on device" in text
    written = (folder / "report.md").read_text(encoding="utf-8")
    drawn = [name for name in PICTURES if name != "importances"]  # which are a search's
    assert all(f"({name}.png)" in written and (folder / f"{name}.png").stat().st_size > 5000 for name in drawn)
    (events,) = folder.glob("events.*")
    tags = EventAccumulator(str(events)).Reload().Tags()
    assert tags["images"] == drawn
    assert tags["tensors"] == ["report/text_summary"]


def test_a_report_reads_the_curve_of_each_run_once(make: Make) -> None:
    for optimizer in ("adam", "sgd"):
        for seed in (1, 2, 3):
            folder = make([f"optimizer={optimizer}", f"seed={seed}"], 5 + seed / 10, [6.0, 5.0]).parent
    with patch("tang.reporting.configurations.read_curve", side_effect=read_curve) as read:
        write_report(folder)
    assert read.call_count == 6


def test_missing_pictures_of_a_single_run_are_reported(make: Make) -> None:
    folder = make(["optimizer=adam", "model.dropout=0.1"], 5.0).parent
    text = write_report(folder)
    assert "| adam      | 0.1           | 1     | 5.0000   |" in text
    assert "No curves:" in text
    assert "No parallel coordinates:" in text
    assert "Nothing can be said" in text


def test_one_varied_key_makes_no_heat_map(make: Make) -> None:
    make(["experiment=names_rnn"], 0.6, [0.9, 0.6], {"val/accuracy": 0.8})
    folder = make(["experiment=names_lstm"], 0.5, [0.8, 0.5], {"val/accuracy": 0.9}).parent
    (folder / "heat_map.png").write_bytes(b"of an earlier report")
    assert "No heat map: it takes two keys that vary." in write_report(folder)
    assert {path.stem for path in folder.glob("*.png")} == {"curves", "parallel"}


def test_a_sweep_without_any_result_is_reported(make: Make) -> None:
    folder = make(["optimizer=adam"], None, reason="no").parent
    assert "Finished runs: 0" in write_report(folder)
    make(["optimizer=sgd", "x=1"], math.inf)
    assert "No heat map: every configuration has a run that diverged." in write_report(folder)


def test_a_report_that_cannot_be_written_ends_in_a_line(make: Make) -> None:
    folder = make(["optimizer=adam"], 5.0).parent
    (folder / "report.md").mkdir()
    with pytest.raises(InputError, match=r"report\.md: Is a directory; the report goes there"):
        write_report(folder)


@pytest.mark.slow
def test_the_comparison_sweeps_by_itself_and_is_answered(
    script: Script, fresh_script: Script, small: Sequence[str], tmp_path: Path
) -> None:
    fewer = ["optimizer=adam,adagrad", "optimizer.lr_scale=1", "seed=1,2", "trainer.max_epochs=1"]
    swept = script("train", "experiment=compare_optimizers", *small[:-2], *fewer, "trainer.accelerator=cpu", "-m")
    assert swept.returncode == 0, swept.stderr
    reported = fresh_script("report", "dir=latest", env={"PYTHONWARNINGS": "error"})
    assert reported.returncode == 0, reported.stderr
    assert "Configurations: 2. Finished runs: 4." in reported.stdout
    assert "**A, “Adagrad beats Adam”:" in reported.stdout
    assert reported.stderr == ""
    (sweep,) = (tmp_path / "outputs" / "sweeps").iterdir()
    assert {path.stem for path in sweep.glob("*.png")} == {"curves", "parallel"}
    at_home = {"HOME": str(tmp_path), "MPLCONFIGDIR": matplotlib.get_cachedir()}
    refused = script("report", f"dir=~/outputs/sweeps/{sweep.name}", "x=model.cell", env=at_home)
    assert refused.stderr == "error: x=model.cell: didn't vary in this sweep; optimizer did\n"

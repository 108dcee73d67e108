import csv
import json
from pathlib import Path

from omegaconf import OmegaConf

from tang.sweep import Summary, collect


def finished(folder: Path, number: int, overrides: list[str], loss: float) -> None:
    run = folder / str(number)
    (run / ".hydra").mkdir(parents=True)
    (run / ".hydra" / "overrides.yaml").write_text(json.dumps(overrides), encoding="utf-8")
    result = {"val_loss": loss, "val_ppl": 2 * loss, "epochs": 2, "minutes": 0.51, "tokens_per_second": 99.6}
    (run / "result.json").write_text(json.dumps({**result, "checkpoint": f"{number}/best.ckpt"}), encoding="utf-8")


def test_the_table_has_what_varied_best_first(tmp_path: Path) -> None:
    finished(tmp_path, 0, ["optimizer=adam", "seed=1"], 5.5)
    finished(tmp_path, 1, ["optimizer=sgd", "seed=1"], float("inf"))
    finished(tmp_path, 2, ["optimizer=adagrad", "seed=1"], 4.5)
    (tmp_path / "3").mkdir()  # a run that didn't finish
    Summary().on_multirun_end(OmegaConf.create({"hydra": {"sweep": {"dir": str(tmp_path)}}}))

    with (tmp_path / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["optimizer"] for row in rows] == ["adagrad", "adam", "sgd"]
    assert list(rows[0]) == ["optimizer", "val/loss", "val/ppl", "epochs", "minutes", "tokens/s", "checkpoint"]
    assert rows[0]["val/loss"] == "4.5000"
    lines = (tmp_path / "summary.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 5
    assert lines[2].split(" | ")[0].strip("| ") == "adagrad"


def test_a_single_run_shows_its_overrides(tmp_path: Path) -> None:
    finished(tmp_path, 0, ["optimizer=adam"], 5.5)
    assert collect(tmp_path)[0]["optimizer"] == "adam"

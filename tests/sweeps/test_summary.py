import csv
import json
from pathlib import Path

from tang.sweeps.summary import collect, over_seeds, write_summary


def finished(folder: Path, number: int, overrides: list[str], loss: float) -> None:
    run = folder / str(number)
    (run / ".hydra").mkdir(parents=True)
    (run / ".hydra" / "overrides.yaml").write_text(json.dumps(overrides), encoding="utf-8")
    metrics = {"val/ppl": 2 * loss, "test/ppl": 3 * loss}
    result = {"val_loss": loss, "metrics": metrics, "epochs": 2, "minutes": 0.51, "tokens_per_second": 99.6}
    (run / "result.json").write_text(json.dumps({**result, "checkpoint": f"{number}/best.ckpt"}), encoding="utf-8")


def test_the_table_has_what_varied_best_first(tmp_path: Path) -> None:
    finished(tmp_path, 0, ["optimizer=adam", "seed=1"], 5.5)
    finished(tmp_path, 1, ["optimizer=sgd", "seed=1"], float("inf"))
    finished(tmp_path, 2, ["optimizer=adagrad", "seed=1"], 4.5)
    (tmp_path / "3").mkdir()  # no run
    write_summary(tmp_path)

    with (tmp_path / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["optimizer"] for row in rows] == ["adagrad", "adam", "sgd"]
    figures = ["val/loss", "val/ppl", "test/ppl", "minutes", "tokens/s", "epochs", "checkpoint"]
    assert list(rows[0]) == ["optimizer", *figures]
    assert rows[0]["val/loss"] == "4.5000"
    lines = (tmp_path / "summary.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 7
    assert lines[-1] == "best: 2/best.ckpt"
    assert lines[2].split(" | ")[0].strip("| ") == "adagrad"


def test_what_is_not_done_comes_last_with_its_reason(tmp_path: Path) -> None:
    for number, optimizer in enumerate(("adam", "sgd", "adagrad", "momentum")):
        finished(tmp_path, number, [f"optimizer={optimizer}"], 5.0 - number)
    (tmp_path / "3" / "result.json").unlink()
    (tmp_path / "0" / "failure.txt").write_text("killed by SIGKILL; was memory short?\n", encoding="utf-8")
    text = write_summary(tmp_path)
    _, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[:6]]
    reason = "failed: killed by SIGKILL; was memory short?"
    assert [row[:3] for row in rows] == [
        ["adagrad", "done", "3.0000"],
        ["sgd", "done", "4.0000"],
        ["momentum", "unfinished", ""],
        ["adam", reason, ""],
    ]
    assert text.endswith("\nbest: 2/best.ckpt\n")


def test_a_single_run_shows_its_overrides(tmp_path: Path) -> None:
    finished(tmp_path, 0, ["optimizer=adam"], 5.5)
    (run,) = collect(tmp_path)
    assert run.row([run])["optimizer"] == "adam"


def test_seeds_are_summed_up(tmp_path: Path) -> None:
    for number, (optimizer, seed, loss) in enumerate([("adam", 1, 5.0), ("adam", 2, 7.0), ("sgd", 1, 8.0)]):
        finished(tmp_path, number, [f"optimizer={optimizer}", f"seed={seed}"], loss)
    first, second = over_seeds(collect(tmp_path))
    assert (first["optimizer"], first["runs"], first["val/loss"]) == ("adam", 2, "6.0000 ± 1.4142")
    assert (second["optimizer"], second["runs"], second["val/loss"]) == ("sgd", 1, "8.0000 ± nan")
    assert "mean ± standard deviation over seeds" in write_summary(tmp_path)


def test_runs_of_two_tasks_share_a_table(tmp_path: Path) -> None:
    finished(tmp_path, 0, ["experiment=tang"], 5.0)
    finished(tmp_path, 1, ["experiment=names_lstm"], 0.5)
    path = tmp_path / "1" / "result.json"
    result = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**result, "metrics": {"val/accuracy": 0.8}}), encoding="utf-8")
    head, _, names, *_ = (line.split("|") for line in write_summary(tmp_path).splitlines())
    assert names[[cell.strip() for cell in head].index("val/accuracy")].strip() == "0.8000"

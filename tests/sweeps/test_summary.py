import csv
import json
from dataclasses import replace
from pathlib import Path

from tang.errors import DivergedError
from tang.runs.run import Result, RunFolder
from tang.runs.sweep import SweepFolder
from tang.sweeps.summary import by_configuration, over_seeds, shorten, write_summary


def finished(folder: Path, number: int, overrides: list[str], loss: float) -> None:
    run = folder / str(number)
    (run / ".hydra").mkdir(parents=True)
    (run / ".hydra" / "overrides.yaml").write_text(json.dumps(overrides), encoding="utf-8")
    metrics = {"val/ppl": 2 * loss, "test/ppl": 3 * loss}
    RunFolder(run).write_result(Result("LanguageModel", loss, metrics, 2, 0.51, 99.6, f"{number}/best.ckpt"))


def test_the_table_has_what_varied_best_first(tmp_path: Path) -> None:
    finished(tmp_path, 0, ["optimizer=adam", "seed=1"], 5.5)
    finished(tmp_path, 1, ["optimizer=sgd", "seed=1"], 6.5)
    finished(tmp_path, 2, ["optimizer=adagrad", "seed=1"], 4.5)
    (tmp_path / "3").mkdir()  # no run
    write_summary(SweepFolder(tmp_path))

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
    RunFolder(tmp_path / "0").write_failure("killed", "killed by SIGKILL; was memory short?")
    text = write_summary(SweepFolder(tmp_path))
    _, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[:6]]
    reason = "failed: killed by SIGKILL; was memory short?"
    assert [row[:3] for row in rows] == [
        ["adagrad", "done", "3.0000"],
        ["sgd", "done", "4.0000"],
        ["momentum", "unfinished", ""],
        ["adam", reason, ""],
    ]
    assert text.endswith("\nbest: 2/best.ckpt\n")


def test_pruned_runs_come_after_whole_ones_and_are_not_compared(tmp_path: Path) -> None:
    for number, loss in enumerate((5.0, 4.0)):
        finished(tmp_path, number, [f"model.dropout=0.{number}"], loss)
    run = RunFolder(tmp_path / "1")
    result = run.read_result()
    assert result
    run.write_result(replace(result, ended_by=["pruned"]))
    folder = SweepFolder(tmp_path)
    text = write_summary(folder)
    assert [line.split("|")[2].strip() for line in text.splitlines()[2:4]] == ["done", "pruned"]
    assert text.endswith("\nbest: 0/best.ckpt\n")
    assert [values for values, _ in by_configuration(folder.runs(), ["model.dropout"])] == [{"model.dropout": "0.0"}]


def test_a_single_run_shows_its_overrides(tmp_path: Path) -> None:
    finished(tmp_path, 0, ["optimizer=adam"], 5.5)
    assert write_summary(SweepFolder(tmp_path)).startswith("| optimizer |")


def test_seeds_are_summed_up(tmp_path: Path) -> None:
    for number, (optimizer, seed, loss) in enumerate([("adam", 1, 5.0), ("adam", 2, 7.0), ("sgd", 1, 8.0)]):
        finished(tmp_path, number, [f"optimizer={optimizer}", f"seed={seed}"], loss)
    groups = by_configuration(SweepFolder(tmp_path).runs(), ["optimizer", "seed"])
    settings = [(values, over_seeds(runs)["val/loss"]) for values, runs in groups]
    assert settings == [({"optimizer": "adam"}, "6.0000 ± 1.4142"), ({"optimizer": "sgd"}, "8.0000")]
    assert "mean ± standard deviation over seeds\n\n| optimizer | runs | val/loss" in write_summary(
        SweepFolder(tmp_path)
    )


def test_a_setting_with_a_run_that_diverged_is_not_ranked_by_the_others(tmp_path: Path) -> None:
    for number, (optimizer, seed) in enumerate([("adam", 1), ("sgd", 1), ("sgd", 2)]):
        finished(tmp_path, number, [f"optimizer={optimizer}", f"seed={seed}"], 5.0 - number)
    RunFolder(tmp_path / "2").write_failure("diverged", str(DivergedError("val/loss is nan after step 9")))
    text = write_summary(SweepFolder(tmp_path))
    assert "| diverged: val/loss is nan after step 9: training diverged: …" in text
    adam, sgd = ([cell.strip() for cell in line.split("|")] for line in text.splitlines()[-2:])
    assert adam[1:4] == ["adam", "1", "5.0000"]
    assert sgd[1:5] == ["sgd", "2", "diverged in 1 of 2", ""]


def test_an_infinite_perplexity_is_no_divergence(tmp_path: Path) -> None:
    for number, loss in enumerate((5.0, 1e9)):
        finished(tmp_path, number, [f"seed={number}"], loss)
    path = tmp_path / "1" / "result.json"
    path.write_text(path.read_text(encoding="utf-8").replace("2000000000.0", "Infinity"), encoding="utf-8")
    ((_, runs),) = by_configuration(SweepFolder(tmp_path).runs(), ["seed"])
    assert over_seeds(runs)["val/loss"] == "5.0e+08 ± 7.1e+08"
    assert over_seeds(runs)["val/ppl"] == "inf"


def test_fractions_have_four_digits_unless_two_would_look_the_same() -> None:
    assert shorten(["0.30000000000000004", "0.0123456789", "12345678", "adam", ""]) == {
        "0.30000000000000004": "0.3",
        "0.0123456789": "0.01235",
        "12345678": "12345678",
        "adam": "adam",
        "": "–",
    }
    assert shorten(["0.123456", "0.123457"]) == {"0.123456": "0.123456", "0.123457": "0.123457"}


def test_the_tables_are_short_and_the_csv_is_exact(tmp_path: Path) -> None:
    for number, rate in enumerate(("0.30000000000000004", "0.1")):
        finished(tmp_path, number, [f"optimizer.lr={rate}"], 5.0)
    assert "| 0.3 " in write_summary(SweepFolder(tmp_path))
    assert "0.30000000000000004" in (tmp_path / "summary.csv").read_text(encoding="utf-8")


def test_runs_of_two_tasks_share_a_table(tmp_path: Path) -> None:
    finished(tmp_path, 0, ["experiment=tang"], 5.0)
    finished(tmp_path, 1, ["experiment=names_lstm"], 0.5)
    path = tmp_path / "1" / "result.json"
    result = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**result, "metrics": {"val/accuracy": 0.8}}), encoding="utf-8")
    head, _, names, *_ = (line.split("|") for line in write_summary(SweepFolder(tmp_path)).splitlines())
    assert names[[cell.strip() for cell in head].index("val/accuracy")].strip() == "0.8000"

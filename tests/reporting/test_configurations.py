import math
import os
from pathlib import Path

import pytest

from tang.errors import InputError
from tang.reporting.configurations import read_sweep, table, unfinished_table
from tests.reporting.conftest import Make


def test_runs_that_differ_in_their_seed_are_one_configuration(make: Make) -> None:
    for cell, seed, loss in [("gru", 1, 6.0), ("lstm", 1, 5.0), ("lstm", 2, 5.5), ("gru", 2, 6.5)]:
        folder = make([f"model.cell={cell}", f"seed={seed}", "data=text"], loss, metrics={"val/accuracy": 0.5})
    sweep = read_sweep(folder.parent)
    assert sweep.keys == ["model.cell"]
    head, _, best, other = table(sweep).splitlines()
    assert head.split()[1:8:2] == ["model.cell", "seeds", "val/loss", "val/accuracy"]
    assert best.startswith("| lstm       | 2     | 5.2500 ± 0.3536 | 0.5000 ± 0.0000 |")
    assert other.startswith("| gru        | 2     | 6.2500")


def test_the_newest_run_of_a_repeated_seed_counts(make: Make) -> None:
    folder = make(["optimizer=adam", "seed=1"], 5.0)
    older = [make(["optimizer=adam", "seed=1"], 4.0) / "result.json"]
    older.append(make(["optimizer=adam", "seed=1"], math.inf) / "failure.json")
    for path in older:
        os.utime(path, (0, 0))
    (configuration,) = read_sweep(folder.parent).configurations
    assert configuration.text() == "5.0000"


def test_a_run_that_diverged_puts_its_configuration_last(make: Make) -> None:
    for optimizer, losses in {"sgd": (4.0, math.inf), "momentum": (math.inf, math.inf), "adam": (5.0, 5.0)}.items():
        for seed, loss in enumerate(losses):
            folder = make([f"optimizer={optimizer}", f"seed={seed}"], loss)
    sweep = read_sweep(folder.parent)
    lines = table(sweep).splitlines()[2:]
    cells = [[cell.strip() for cell in line.split("|")[1:6]] for line in lines]
    assert cells[0] == ["adam", "2", "5.0000 ± 0.0000", "2.00 ± 0.00", "0.5 ± 0.0"]
    assert ["sgd", "2", "diverged in 1 of 2", "", ""] in cells[1:]
    assert ["momentum", "2", "diverged", "", ""] in cells[1:]
    assert len(sweep.unfinished) == 3
    assert "diverged: train/loss is nan at batch 3" in unfinished_table(sweep.unfinished)


def test_runs_without_a_result_are_listed_with_their_reason(make: Make) -> None:
    make(["optimizer=adam"], 5.0)
    make(["optimizer=sgd"], None, reason="killed | by signal 9")
    folder = make(["optimizer=momentum"], None)
    text = unfinished_table(read_sweep(folder.parent).unfinished)
    assert "failed: killed \\| by signal 9" in text
    assert "| unfinished " in text


def test_a_training_is_as_long_as_the_longest_with_the_same_data(make: Make) -> None:
    for data, optimizer, validations in (
        ("text", "adam", 3),
        ("text", "sgd", 1),
        ("tang", "adam", 5),
        ("tang", "sgd", 0),
    ):
        folder = make([f"data={data}", f"optimizer={optimizer}"], 5.0, curve=[5.0] * validations)
    sweep = read_sweep(folder.parent)
    steps = {tuple(c.values.values()): sweep.training_steps(c) for c in sweep.configurations}
    assert steps == {("text", "adam"): 30, ("text", "sgd"): 30, ("tang", "adam"): 50, ("tang", "sgd"): 50}


def test_only_the_folder_of_a_sweep_will_do(make: Make, tmp_path: Path) -> None:
    run = make(["optimizer=adam"], 5.0)
    with pytest.raises(InputError, match="this is a run; give the folder of a sweep"):
        read_sweep(run)
    with pytest.raises(InputError, match="this is a file; give the folder of a sweep"):
        read_sweep(run / "result.json")
    with pytest.raises(InputError, match="no such folder"):
        read_sweep(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no runs in it"):
        read_sweep(run / ".hydra")


def test_a_table_that_would_be_too_wide_does_without_some_metrics(make: Make) -> None:
    metrics = {f"{split}/ppl{kind}": 123.456 for split in ("val", "test") for kind in ("", "_hanzi")}
    for cell in ("gru", "lstm"):
        for seed in (1, 2):
            folder = make([f"model.cell={cell}", f"seed={seed}"], 5.0, metrics=metrics)
    lines = table(read_sweep(folder.parent)).splitlines()
    assert max(map(len, lines)) <= 120
    assert "val/ppl " in lines[0]
    assert "test/ppl " in lines[0]
    assert "tokens/s" not in lines[0]

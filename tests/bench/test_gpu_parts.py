"""What is measured of a GPU, as far as it runs without one."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gpu_parts
import gpu_steps
import gpu_tables
import measure
import pytest
import replay
import torch
from agenda import Deadline, Found, IncompleteError
from gpu_setup import FULL, TINY, Setup
from machine import covered
from replay import Replayed

from tests.bench.conftest import Bench


def test_time_that_kernels_share_is_counted_once() -> None:
    assert covered([(5, 6), (0, 2), (1, 3), (1, 2)]) == 4


def test_a_measurement_that_takes_too_long_is_stopped(tmp_path: Path, poems_txt: Path) -> None:
    setup = Setup("cpu", TINY, ("data=text", f"data.path={poems_txt}", f"data.cache={tmp_path}"), tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        measure.measured("bare", setup.work(1, 8), seconds=0.1)


@pytest.mark.parametrize(
    ("left", "ended_by", "why"), [(40, [], "40 s were left"), (300, ["max_time"], "time was up in epochs 7 and 7")]
)
def test_report_a_says_what_there_was_no_time_for(
    left: float, ended_by: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = []

    def trained(overrides: Sequence[str], *rest: Any) -> Found:
        limits.append(overrides[-1])
        return {"ended_by": ended_by, "epochs": 7}

    monkeypatch.setattr(gpu_parts, "trained", trained)
    with pytest.raises(IncompleteError, match=why):
        gpu_parts.both(Setup("cuda", FULL, (), tmp_path), 1, Deadline(left + 0.5))
    assert limits == (["trainer.max_time='00:00:04:30'"] * 2 if ended_by else [])


def test_graphs_show_what_their_captures_cost(tmp_path: Path, poems_txt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = Setup("cpu", TINY, ("data=text", f"data.path={poems_txt}", f"data.cache={tmp_path}"), tmp_path)
    monkeypatch.setattr(replay, "replayed", lambda step: Replayed(step, lambda work: work))
    monkeypatch.setattr(gpu_steps, "kernels_of", lambda *_: {"milliseconds": 1.0, "share": 0.5})
    found = gpu_steps.graphs(setup.work(1, 16))
    captures = [epoch["captures"] for epoch in found["epochs"]]
    assert captures[0] > 0
    assert captures[2] == 0
    rows = gpu_tables.graphs({"num_layers": 1, "batch_size": 16, **found})
    assert [row["captures"] for row in rows] == ["", *map(str, captures)]
    assert rows[-1]["kernels"] == "50%"


def test_the_kernels_share_is_that_of_the_bare_step_and_of_training_as_shipped() -> None:
    side = {"tokens_per_second": 1e6, "milliseconds": 4.0, "memory": 800.0}
    slow = {**side, "tokens_per_second": 0.5e6}
    kernels = {"milliseconds": 3.2, "share": 0.8}
    sizes = {"num_layers": 2, "batch_size": 64, "flop_per_token": 34e6}
    (row,) = gpu_tables.speed({**sizes, "bare": side, "shipped": slow, "ratio": 0.5, "kernels": kernels})
    assert (row["of bare"], row["of shipped"], row["TFLOP/s"]) == ("80%", "40%", "17.0")


@pytest.mark.slow
def test_everything_about_a_gpu_runs_tiny_on_a_cpu(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(gpu_parts, "measured", lambda what, work, seconds: measure.result(what, work))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as end:
        bench("gpu", "--tiny")
    written = tmp_path / "bench" / "results" / "gpu-tiny.json"
    first = json.loads(written.read_text(encoding="utf-8"))["parts"]
    assert end.value.code == 0
    states = {name: {each["state"] for each in part["outcomes"]} for name, part in first.items()}
    assert states == {
        **{name: {"skipped"} for name in ("correctness", "graphs")},
        **{name: {"measured"} for name in ("speed", "head", "loss_read", "tang", "report_a")},
    }
    (run,) = first["tang"]["outcomes"]
    assert run["found"]["tokens"] > 0
    assert run["found"]["metrics"]["test/ppl"] > 1

    with pytest.raises(SystemExit) as end:
        bench("gpu", "--tiny", "--parts", "head,tang", "--minutes", "0")
    second = json.loads(written.read_text(encoding="utf-8"))["parts"]
    assert end.value.code == 1
    changed = {"head", "tang"}
    assert {name for name in first if first[name] != second[name]} == changed
    assert {each["state"] for name in changed for each in second[name]["outcomes"]} == {"did not fit"}

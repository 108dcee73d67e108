"""The benchmarks' real command lines at a tiny size, and the formulas behind their shares."""

from pathlib import Path

import pytest
import torch
from machine import stepping_flop, training_flop
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tang.kernels.hardware import BF16_MIXED, torch_trains_lstm
from tests.bench.conftest import Bench


@pytest.mark.parametrize(("embedding_size", "num_layers"), [(6, 1), (5, 2)])
def test_the_formula_counts_what_training_multiplies(embedding_size: int, num_layers: int) -> None:
    vocabulary_size, hidden_size, batch_size, time = 11, 6, 3, 7
    inputs = torch.randn(time, batch_size, embedding_size, requires_grad=True)
    sizes = [embedding_size, *[hidden_size] * (num_layers - 1)]
    with FlopCounterMode(display=False) as counter:
        hidden = list(inputs)
        for size in sizes:
            cell = nn.LSTMCell(size, hidden_size)
            state = torch.zeros(2, batch_size, hidden_size).unbind()
            for t, x in enumerate(hidden):
                state = cell(x, state)
                hidden[t] = state[0]
        nn.Linear(hidden_size, vocabulary_size)(torch.stack(hidden)).sum().backward()
    flop = training_flop(embedding_size, hidden_size, num_layers, vocabulary_size) * batch_size * time
    first_state = stepping_flop(hidden_size, num_layers) // 2 * batch_size  # zeros need no gradient
    assert counter.get_total_flops() == flop - first_state


@pytest.mark.slow
@pytest.mark.parametrize("has_autocast", [True, False])
def test_throughput_compares_the_variants(
    has_autocast: bool, bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if has_autocast and not torch_trains_lstm(BF16_MIXED):
        pytest.skip("PyTorch's own LSTM has no bfloat16 on this CPU")
    monkeypatch.setattr("tang.kernels.hardware.torch_trains_lstm", lambda precision: has_autocast)
    autocast = {"autocast": 12} if has_autocast else {}
    arguments = ["--sizes", "16", "--layers", "2", "--batch_size", "8", "--repeats", "1", "--steps", "3"]
    found = bench("throughput", *arguments)
    (row,) = found["rows"]
    variants = row["variants"]
    assert list(variants) == ["plain", "bucketed", *autocast, "bare", "shipped"]
    assert row["flop_per_token"] == training_flop(16, 16, 2, row["vocabulary_size"])
    for variant in variants.values():
        speed = variant["tokens_per_second"]
        assert 0 < speed["min"] <= speed["median"] <= speed["max"]
        for other, ratio in variant["ratios"].items():
            assert ratio == pytest.approx(speed["median"] / variants[other]["tokens_per_second"]["median"])
        rate = row["gemm"][f"large {variant['format']}"]["median"]
        assert variant["share_of_gemm"] == pytest.approx(speed["median"] * row["flop_per_token"] / rate)
    told = (tmp_path / "bench" / "results" / "throughput.md").read_text(encoding="utf-8")
    assert ("Without autocast" in told) == (not has_autocast)
    profiles = bench("throughput", *arguments, "--profile", result="profile")["profiles"]
    assert {name: len(runs[0]["operations"]) for name, runs in profiles[0].items()} == {**autocast, "bare": 12}


@pytest.mark.slow
def test_scaling_varies_one_factor_at_a_time(bench: Bench) -> None:
    rows = bench("scaling", "--factors", "H,corpus", "--sizes", "16", "--steps", "2")["rows"]
    assert [(row["H"], row["corpus"]) for row in rows] == [(256, 1), (16, 1), (256, 0.25), (256, 0.5)]
    assert rows[2]["poems"] == pytest.approx(rows[0]["poems"] / 4, abs=1)
    for row in rows:
        assert row["flop_per_token"] == training_flop(int(row["H"]), int(row["H"]), 1, row["vocabulary_size"])
        assert row["epoch_seconds"] > 0


@pytest.mark.slow
def test_stanzas_are_compared_with_the_reports_loop(bench: Bench) -> None:
    found = bench("stanzas", "--steps", "2", "--warmup", "1", "--repeats", "1", apart=True)
    speeds = {name: row["tokens_per_second"]["median"] for name, row in found["rows"].items()}
    assert list(speeds) == ["report", "bare", "shipped", "float32"]
    for name, row in found["rows"].items():
        assert row["ratio"] == pytest.approx(speeds[name] / speeds["report"])
        assert row["epoch_seconds"] == pytest.approx(found["tokens"] / speeds[name])
        assert row["memory"]["median"] > 50


@pytest.mark.slow
def test_overhead_is_what_training_costs_beside_its_bare_step(bench: Bench) -> None:
    found = bench("overhead", "model.hidden_size=16", "--steps", "2", "--warmup", "1", "--repeats", "1")
    speeds = {name: speed["median"] for name, speed in found["tokens_per_second"].items()}
    assert list(speeds) == ["bare", "shipped"]
    assert found["ratio"] == pytest.approx(speeds["shipped"] / speeds["bare"])


@pytest.mark.slow
def test_many_runs_are_made_and_all_that_reads_them_is_measured(bench: Bench) -> None:
    found = bench("runs", "--sizes", "10,20", "--repeats", "1")
    assert list(found["rows"]) == ["table", "report", "resume", "ckpt=latest", "TensorBoard"]
    for row in found["rows"].values():
        assert list(row) == ["10", "20"]
        assert all(cost["seconds"]["median"] > 0 and cost["memory"]["median"] > 10 for cost in row.values())


@pytest.mark.slow
def test_the_seconds_of_a_job_are_those_of_its_parts(bench: Bench) -> None:
    rows = bench("jobs", "--jobs", "4")["rows"]
    assert list(rows) == ["one at a time", "two at once"]
    for seconds in rows.values():
        parts = [seconds[name] for name in ("between jobs", "start", "data, model", "training", "test")]
        assert all(part > 0 for part in parts)
        assert seconds["before the first job"] + seconds["the first job"] + 2 * parts[-2] < seconds["all"]
        assert seconds["all"] == pytest.approx(4 * seconds["all, a job"])

"""A processor with no unit newer than AVX2, which PyTorch and oneDNN take this one for."""

import json
import platform
from pathlib import Path

import pytest

from tests.commands import ROOT, fresh
from tests.every_precision import RUNS

AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "CXX": "g++ -march=haswell"}


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="AVX2 is of x86")
def test_every_precision_is_computed_or_refused_in_a_line(tmp_path: Path) -> None:
    ran = fresh(["-m", "tests.every_precision", "--json"], ROOT, {**AVX2, "TMPDIR": str(tmp_path)})
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert not found["torch_trains_lstm"]
    assert not found["has_bf16_units"]
    for row in found["rows"]:
        expected = RUNS
        if row["backend"] in ("bptt", "numpy") and row["cell"] == "gru":
            expected = (
                f"model.backend={row['backend']}: has no model.cell=gru; backends that do: torch, cell, equations"
            )
        elif row["backend"] == "numpy" and row["precision"] in ("bf16-true", "16-true"):
            expected = (
                "model.backend=numpy: NumPy computes in float32 or float64, "
                f"not in trainer.precision={row['precision']}"
            )
        elif (row["backend"], row["cell"]) == ("torch", "lstm") and row["precision"] in ("bf16-mixed", "16-mixed"):
            expected = (
                "model.backend=torch: PyTorch's own LSTM can't compute in "
                f"trainer.precision={row['precision']} on this CPU; "
                "give model.backend=bptt, or trainer.precision=32-true"
            )
        assert row["outcome"] == expected, row
    assert {row["script"] for row in found["rows"]} == {"train", "train, names", "evaluate", "sample"}
    assert len(found["rows"]) == 6 * (3 * 6 + 3 * 2) + 3 * (2 + 3)

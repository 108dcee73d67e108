import os
from pathlib import Path

import pytest

from tang.errors import InputError
from tang.runs.sweep import latest_sweep


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

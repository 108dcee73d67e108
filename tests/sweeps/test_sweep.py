from pathlib import Path

import pytest

from tang.runs.sweep import SweepFolder
from tang.sweeps.sweep import SweepCallback, run_sweep


def test_a_sweep_whose_runs_are_elsewhere_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(SweepCallback, "folder", SweepFolder(tmp_path))
    with pytest.raises(SystemExit) as end:
        run_sweep(lambda: None)
    assert end.value.code == 1
    assert f"error: no run has left anything in {tmp_path}; all machines have" in capsys.readouterr().err

import json
import os
import time
from pathlib import Path

from tang.runs.run import RunFolder
from tang.runs.sweep import SweepFolder
from tang.sweeps.watch import Watch, status_line
from tests.sweeps.test_summary import finished


def begun(folder: Path, name: str) -> RunFolder:
    run = RunFolder(folder / name)
    run.overrides.parent.mkdir(parents=True)
    for file in (run.overrides, run.config):
        file.write_text(json.dumps([]), encoding="utf-8")
    return run


def test_the_line_tells_runs_apart_and_when_they_will_be_done(tmp_path: Path) -> None:
    now = time.time()
    assert status_line([], 4, now) == "0 of 4 done"
    for number, loss in enumerate((5.5, 4.5)):
        finished(tmp_path, number, [f"seed={number}"], loss)
    begun(tmp_path, "2_seed=2")
    os.utime(begun(tmp_path, "3_seed=3").config, (now - 99, now - 99))  # an earlier attempt, not yet resumed
    begun(tmp_path, "4_seed=4").write_failure("diverged", "val/loss is nan")
    begun(tmp_path, "5_seed=5").write_failure("killed", "killed by SIGKILL")
    line = status_line(SweepFolder(tmp_path).runs(), 8, now - 60)
    assert line == "2 of 8 done, 1 running, 1 diverged, 1 failed, best val/loss 4.5000 (run 1), about 0:01:00 left"


def test_the_table_is_there_while_the_sweep_runs(tmp_path: Path) -> None:
    finished(tmp_path, 0, ["seed=0"], 5.5)
    folder = SweepFolder(tmp_path)
    with Watch(lambda: folder):
        for number in (0, 1):
            finished(tmp_path, 10 + number, [f"seed={number}"], 4.5)
            ends = time.monotonic() + 60
            while not folder.summary.exists() or folder.summary.read_text(encoding="utf-8").count("| 4.5") < number + 1:
                assert time.monotonic() < ends
                time.sleep(0.05)

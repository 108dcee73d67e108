"""A sweep on a SLURM that is real, if small."""

import os
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.sweeps.slurm import IS_INSTALLED, Slurm, cluster
from tests.sweeps.sweep import LONG, Start, losses, statuses

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not IS_INSTALLED, reason="SLURM isn't installed: apt-get install slurm-wlm munge"),
]


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[Slurm]:
    logs = tmp_path / "slurm"
    logs.mkdir()
    with cluster(logs) as it:
        yield it


def test_every_job_of_an_array_comes_to_its_end(
    slurm: Slurm, small: Sequence[str], sweep_of: Start, script: Callable[..., object]
) -> None:
    sweep = sweep_of(*small, *LONG, "seed=1,2,3,4", "hydra/launcher=slurm", "hydra.sweep.dir=sweep", **slurm.env)
    sweep.wait_for("seed=1")
    slurm.ask("scontrol", "requeue", "1_0")
    drained = slurm.node_of("1_1")
    slurm.ask("scontrol", "update", f"NodeName={drained}", "State=drain", "Reason=test")
    assert slurm.state(drained) == "draining", "its job goes on"
    sweep.wait_for("seed=3")
    os.kill(sweep.process_of("seed=3"), signal.SIGKILL)
    sweep.wait_for("seed=4")
    assert slurm.state(drained) == "drained", "no job has begun there"
    slurm.ask("scontrol", "update", f"NodeName={drained}", "State=resume")
    slurm.ask("scancel", "--signal=USR2", "1_3")  # as SLURM does before its time is over
    output = sweep.end()
    assert sweep.process.returncode == 1
    assert sorted(statuses(output)) == ["done"] * 3 + ["failed: killed by SIGKILL; was memory short?"]
    assert slurm.state(drained) == "idle"
    assert "stopped by" not in sweep.log("seed=2")
    for job, number in (("seed=1", "SIGTERM"), ("seed=4", "SIGUSR2")):
        (step,) = re.findall(rf"stopped by {number} after step (\d+)", sweep.log(job))
        assert re.findall(r"resuming after step (\d+)", sweep.log(job)) == [step]
    script("train", *small, *LONG, "seed=1", "hydra.run.dir=alone")
    assert losses(sweep.folder)["seed=1"] == losses(sweep.folder.parent)[""]

    again = sweep_of("resume=sweep", "seed=3", **slurm.env)
    output = again.end()
    assert again.process.returncode == 0, output
    assert set(losses(again.folder)) == {"seed=1", "seed=2", "seed=3", "seed=4"}
    assert "resuming after step" in again.log("seed=3")

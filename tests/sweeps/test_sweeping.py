"""Real sweeps, whose jobs fail, are killed and stopped as it happens."""

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from tests import commands
from tests.sweeps.sweep import LONG, Start, losses, parent_of, starter_of, statuses

pytestmark = pytest.mark.slow

ENDLESS = ["trainer.max_epochs=100000", "callbacks.early_stopping.patience=null"]
"""For what never comes to its end."""

GPUS = ["hydra/launcher=gpus", "hydra.sweep.dir=sweep"]


def test_what_befalls_a_job_is_its_own_affair(
    small: Sequence[str], sweep_of: Start, script: Callable[..., object]
) -> None:
    jobs = "trainer.precision=32-true,bf16-true,wrong,bf16-mixed"
    sweep = sweep_of(*small, *LONG, jobs, "hydra.sweep.dir=sweep")
    for job, number in (("trainer.precision=32-true", signal.SIGKILL), ("trainer.precision=bf16-true", signal.SIGTERM)):
        sweep.wait_for(job)
        os.kill(sweep.process_of(job), number)
    output = sweep.end()
    assert sweep.process.returncode == 1
    assert statuses(output) == [
        "done",
        "failed: killed by SIGKILL; was memory short?",
        "failed: ended with exit code 143",
        "failed: trainer: Precision 'wrong' is invalid. Allowed prec…",
    ]
    assert output.count("| status") == 1, "the table comes once"
    assert "Traceback" not in output
    *_, last = output.splitlines()
    assert last == (
        "error: 3 of 4 runs failed: killed by SIGKILL; was memory short?; "
        "python src/train.py -m resume=sweep runs what is missing"
    )

    again = sweep_of("resume=sweep", "trainer.precision=bf16-true,32-true,bf16-mixed", "hydra/launcher=gpus")
    output = again.end()
    assert "3_trainer.precision=bf16-mixed: done before" in output
    assert statuses(output) == ["done"] * 3 + ["failed: trainer: Precision 'wrong' is invalid. Allowed prec…"]
    assert again.process.returncode == 1, "a run that wasn't asked for again is still missing"
    for job in ("32-true", "bf16-true"):
        assert "resuming after step" in again.log(f"trainer.precision={job}")
    script("train", *small, *LONG, "trainer.precision=32-true", "hydra.run.dir=alone")
    assert losses(again.folder)["trainer.precision=32-true"] == losses(again.folder.parent)[""]


def intervals(folder: Path) -> dict[str, list[tuple[datetime, datetime, str]]]:
    """When which job had which GPU: from its first line on it to its last."""
    found: dict[str, list[tuple[datetime, datetime, str]]] = {}
    for path in sorted(folder.glob("*/train.log")):
        lines = path.read_text(encoding="utf-8").splitlines()
        times = [datetime.fromisoformat(match[0]) for line in lines if (match := re.match(r"\d{4}-\S+ [\d:,]+", line))]
        (claimed,) = [match for line in lines if (match := re.match(r"(\S+ [\d:,]+) .* on GPU (\S+)$", line))]
        found.setdefault(claimed[2], []).append((datetime.fromisoformat(claimed[1]), times[-1], path.parent.name))
    return {gpu: sorted(jobs) for gpu, jobs in found.items()}


def test_six_uneven_jobs_share_two_gpus(small: Sequence[str], sweep_of: Start) -> None:
    jobs = "trainer.max_steps=10,400,-1,1000000,100,30"  # the third has no end, and its learning rate needs one
    endless = ["trainer.max_epochs=-1", "callbacks.early_stopping.patience=null"]
    sweep = sweep_of(*small, *endless, jobs, *GPUS, CUDA_VISIBLE_DEVICES="5,GPU-7f")
    sweep.wait_for("trainer.max_steps=1000000", "epoch 2 ")
    os.kill(sweep.process_of("trainer.max_steps=1000000"), signal.SIGKILL)
    output = sweep.end()
    assert sweep.process.returncode == 1
    assert statuses(output)[:4] == ["done"] * 4
    assert sorted(status.split(":")[0] for status in statuses(output)[4:6]) == ["failed", "failed"]
    assert re.search(r"^\[3\] epoch 2 ", output, re.MULTILINE), "the lines on the screen say whose they are"
    had = intervals(sweep.folder)
    assert set(had) == {"5", "GPU-7f"}
    assert sum(map(len, had.values())) == 6
    for jobs_of_one in had.values():
        for (_, end, first), (start, _, second) in itertools.pairwise(jobs_of_one):
            assert start >= end, f"{first} and {second} had the same GPU"


def test_a_stopped_sweep_ends_in_order(small: Sequence[str], sweep_of: Start) -> None:
    sweep = sweep_of(*small, *ENDLESS, "seed=1,2,3,4", *GPUS, CUDA_VISIBLE_DEVICES="0,1")
    for seed in (1, 2):
        sweep.wait_for(f"seed={seed}")
    sweep.press_ctrl_c()
    output = sweep.end()
    assert sweep.process.returncode == 130
    assert "Traceback" not in output
    assert statuses(output) == ["unfinished"] * 2
    assert output.endswith(
        "error: stopped, with 0 runs done; python src/train.py -m resume=sweep runs what is missing\n"
    )
    for seed in (1, 2):
        assert "stopped by SIGINT after step" in sweep.log(f"seed={seed}")
        assert len(list(sweep.folder.glob(f"*_seed={seed}/checkpoints/last.ckpt"))) == 1
    assert not list(sweep.folder.glob("*_seed=3")), "no further job is started"


@pytest.mark.parametrize("seconds", [0.3, 1.5])
def test_ctrl_c_ends_a_sweep_whose_fork_server_is_importing(
    small: Sequence[str], sweep_of: Start, seconds: float
) -> None:
    sweep = sweep_of(*small, *ENDLESS, "seed=1,2", *GPUS, CUDA_VISIBLE_DEVICES="0,1")
    sweep.until(lambda: any(sweep.folder.glob("0_*/.hydra/started.yaml")))
    time.sleep(seconds)
    sweep.press_ctrl_c()
    output = sweep.end()
    assert sweep.process.returncode == 130, output
    assert "Traceback" not in output


def test_a_reader_that_closes_the_pipe_ends_the_sweep_without_a_traceback(small: Sequence[str], tmp_path: Path) -> None:
    train = f"{sys.executable} {commands.script('train')}"
    keys = " ".join(f"'{key}'" for key in (*small, *ENDLESS))
    shell = f"{train} {keys} -m seed=1,2 hydra.sweep.dir=sweep | head -1"
    done = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=600)
    assert done.stdout == "run 0_seed=1\n"
    assert "Traceback" not in done.stderr
    assert "python src/train.py -m resume=sweep runs what is missing" in done.stderr


def test_a_killed_fork_server_harms_only_the_jobs_that_run(small: Sequence[str], sweep_of: Start) -> None:
    steps = "trainer.max_steps=1000000,1000001,30"
    sweep = sweep_of(*small, *ENDLESS, steps, *GPUS, CUDA_VISIBLE_DEVICES="0,1")
    for job in ("1000000", "1000001"):
        sweep.wait_for(f"trainer.max_steps={job}")
    os.kill(parent_of(sweep.process_of("trainer.max_steps=1000000")), signal.SIGKILL)
    output = sweep.end()
    assert sweep.process.returncode == 1
    assert "Traceback" not in output
    assert statuses(output) == ["done", *["failed: ended with exit code 255"] * 2]
    for job in ("1000000", "1000001"):
        assert "stopped by SIGTERM after step" in sweep.log(f"trainer.max_steps={job}")


def test_a_killed_sweep_takes_its_jobs_along(small: Sequence[str], sweep_of: Start) -> None:
    sweep = sweep_of(*small, *ENDLESS, "seed=1,2", *GPUS, CUDA_VISIBLE_DEVICES="0,1")
    for seed in (1, 2):
        sweep.wait_for(f"seed={seed}")
    sweep.process.kill()
    ends = time.monotonic() + 60
    while not all("stopped by SIGTERM after step" in sweep.log(f"seed={seed}") for seed in (1, 2)):
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_ray_gives_each_job_a_gpu(small: Sequence[str], sweep_of: Start) -> None:
    pretended = ["hydra.launcher.ray.init.num_gpus=2", "hydra.launcher.ray.init.num_cpus=2"]
    ray = ["hydra/launcher=ray", "hydra.sweep.dir=sweep", *pretended]
    sweep = sweep_of(*small, "trainer.precision=32-true,wrong", *ray, TMPDIR="/tmp")  # for its sockets
    output = sweep.end()
    assert sweep.process.returncode == 1, output
    assert statuses(output)[0] == "done", output
    assert "error: 1 of 2 runs failed: trainer: Precision 'wrong' is invalid" in output
    assert set(intervals(sweep.folder)) == {"0", "1"}


def test_a_preempted_job_goes_on_in_the_next(small: Sequence[str], sweep_of: Start) -> None:
    local = ["hydra/launcher=submitit_local", "hydra.sweep.dir=sweep"]  # SLURM's stand-in
    sweep = sweep_of(*small, *LONG, "seed=1,2", *local)
    sweep.wait_for("seed=1")
    os.kill(starter_of(sweep.process_of("seed=1")), signal.SIGUSR2)
    output = sweep.end()
    assert sweep.process.returncode == 0, output
    log = sweep.log("seed=1")
    stopped = re.search(r"stopped by SIGUSR2 after step (\d+)", log)
    resumed = re.search(r"resuming after step (\d+)", log)
    assert stopped
    assert resumed
    assert stopped[1] == resumed[1]
    assert log.index("stopped by") < log.index("Calling checkpoint method") < log.index("resuming after")
    assert "resuming" not in sweep.log("seed=2")

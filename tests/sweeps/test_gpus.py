import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tang.sweeps import gpus

CLAIM = """
import logging, os, sys
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
from tang.sweeps.gpus import claim
lock = claim(["0", "GPU-1/a"])
print("has", os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("listed", "seen"),
    [
        ("0,1", ["0", "1"]),
        ("3", ["3"]),
        ("GPU-8932f937, MIG-3f1d", ["GPU-8932f937", "MIG-3f1d"]),
        ("", []),
        ("-1", []),
        ("2,-1,0", ["2"]),
        (None, ["0", "1", "2"]),
    ],
)
def test_the_gpus_are_those_that_cuda_would_see(
    monkeypatch: pytest.MonkeyPatch, listed: str | None, seen: list[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if listed is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    assert gpus.visible() == seen
    assert gpus.as_text() == ",".join(seen)


def test_jobs_at_once_are_one_for_each_gpu_or_for_two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "cores", lambda: 9)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6")
    assert gpus.jobs_at_once() == 3
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpus.jobs_at_once() == 4
    assert [gpus.per_ray_job(*given) for given in (("local", None), ("local", 2), ("auto", None))] == [0, 1, 1]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert [gpus.per_ray_job(*given) for given in (("local", None), ("local", 0))] == [1, 0]


@pytest.mark.parametrize(
    ("quota", "cores"), [("max 100000", 8), ("250000 100000", 3), ("1600000 100000", 8), (None, 8)]
)
def test_a_container_has_a_share_of_the_cores(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quota: str | None, cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(gpus, "QUOTA", tmp_path / "cpu.max")
    if quota:
        gpus.QUOTA.write_text(f"{quota}\n", encoding="ascii")
    assert gpus.cores() == cores


def claimant(tmp_path: Path) -> "subprocess.Popen[str]":
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", CLAIM], stdin=pipe, stdout=pipe, text=True, env=environment)


def test_a_gpu_is_one_process_s_until_it_dies(tmp_path: Path) -> None:
    holders = [claimant(tmp_path), claimant(tmp_path)]
    has = [holder.stdout.readline() for holder in holders if holder.stdout]
    assert sorted(has) == ["has 0\n", "has GPU-1/a\n"]
    third = claimant(tmp_path)
    assert third.stdout is not None
    assert third.stdout.readline() == "waiting for a GPU: 0 and GPU-1/a taken\n"
    time.sleep(1.2)
    holders[0].send_signal(signal.SIGKILL)
    assert third.stdout.readline() == has[0], "it is said once, and the killed process's GPU is free"
    for process in (*holders, third):
        process.kill()
        process.communicate()

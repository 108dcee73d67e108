"""Signals to a process that trains: it saves and ends."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from tests.commands import ROOT, Fork, script

WAITING = """
import os, signal, time
from tang.shutdown import Stop
with Stop().handlers() as stop:
    stop.deferred = {awaited}
    for number in {numbers}:
        os.kill(os.getpid(), number)
    time.sleep(0.1)
    raise SystemExit(stop.exit_code + 1)
"""


@pytest.mark.parametrize(
    ("awaited", "numbers", "code"),
    [
        (True, [signal.SIGTERM], 144),
        (True, [signal.SIGUSR2, signal.SIGTERM], 144),
        (True, [signal.SIGINT], 131),
        (True, [signal.SIGINT, signal.SIGINT], 130),
        (False, [signal.SIGTERM], 143),
        (False, [signal.SIGINT], 130),
    ],
)
def test_a_signal_is_noted_or_ends_the_process(awaited: bool, numbers: list[int], code: int) -> None:
    program = WAITING.format(awaited=awaited, numbers=list(map(int, numbers)))
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT / "src", stderr=subprocess.PIPE)
    assert ended.returncode == code, ended.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGUSR2, 143)])
def test_a_run_that_is_asked_to_stop_leaves_a_checkpoint(
    number: int, code: int, small: Sequence[str], tmp_path: Path
) -> None:
    endless = ["trainer.max_epochs=100000", "callbacks.early_stopping.patience=null"]
    log, last = tmp_path / "run" / "train.log", tmp_path / "run" / "checkpoints" / "last.ckpt"
    with Fork([script("train"), *small, *endless, "hydra.run.dir=run"], tmp_path, tmp_path / "output") as process:
        while process.poll() is None and not (log.exists() and "epoch 2/" in log.read_text(encoding="utf-8")):
            time.sleep(0.05)
        process.send_signal(number)
        epochs = log.read_text(encoding="utf-8").count(" epoch ")
        ended = process.done()
    assert (ended.returncode, ended.stderr) == (code, "")
    assert log.read_text(encoding="utf-8").count(" epoch ") <= epochs + 1, "it stops after the batch, not the epoch"
    step = torch.load(last, weights_only=True)["global_step"]
    stopped = f"stopped by {signal.Signals(number).name} after step {step}; "
    assert stopped + "python src/train.py resume=run resumes it" in ended.stdout

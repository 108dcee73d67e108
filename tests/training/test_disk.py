"""Disks that are full or can't be written, as file systems of the tests' own; temporary files go to another one."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from tang import checkpoint
from tang.tasks.language_model import LanguageModel
from tests import commands

UNSHARE = ["unshare", "--map-root-user", "--mount"]


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    probe = [*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    if sys.platform != "linux" or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("mounting needs Linux and user namespaces")


def mounted(folder: Path, size: str, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a shell program in a folder where ``disk`` is a file system of this size; ``"$@"`` trains."""
    train = [sys.executable, commands.script("train"), *arguments]
    script = f"mkdir -p disk && mount -t tmpfs -o size={size} tmpfs disk && {program}"
    return subprocess.run(
        [*UNSHARE, "bash", "-c", script, "-", *train], cwd=folder, capture_output=True, encoding="utf-8", timeout=600
    )


@pytest.mark.slow
def test_a_full_disk_ends_the_run_in_one_line_and_leaves_the_checkpoint_whole(
    small: Sequence[str], tmp_path: Path
) -> None:
    """The first last.ckpt fits, a second one beside it doesn't."""
    program = '"$@"; code=$?; cp disk/run/checkpoints/* .; ls -A disk/run/checkpoints >files; exit $code'
    settings = [*small, "model.hidden_size=96", "callbacks.checkpoint.minutes=0", "hydra.run.dir=disk/run"]
    ended = mounted(tmp_path, "1400k", program, *settings)
    assert ended.returncode == 1
    assert ended.stderr.endswith("/last.ckpt: No space left on device; the checkpoint before it is unchanged\n")
    assert ended.stderr.count("\n") == 1
    assert (tmp_path / "files").read_text(encoding="utf-8") == "last.ckpt\n"
    checkpoint.load(tmp_path / "last.ckpt", LanguageModel)
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["global_step"] == 1


@pytest.mark.slow
def test_a_disk_filled_by_others_ends_the_run_in_one_line(small: Sequence[str], tmp_path: Path) -> None:
    """The error is raised in TensorBoard's thread."""
    fill = (
        "while ! [ -f disk/run/checkpoints/last.ckpt ]; do sleep 0.01; done; dd if=/dev/zero of=disk/fill 2>/dev/null"
    )
    settings = [*small, "trainer.log_every_n_steps=1", "trainer.max_epochs=500", "hydra.run.dir=disk/run"]
    ended = mounted(tmp_path, "3m", f'({fill}) & "$@"', *settings)
    assert ended.returncode == 1
    assert "No space left on device" in ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr


@pytest.mark.slow
def test_a_run_in_a_folder_that_cannot_be_written_is_refused(small: Sequence[str], tmp_path: Path) -> None:
    program = '"$@" && mount -o remount,ro disk && "$1" "$2" resume=disk/run trainer.max_epochs=3'
    ended = mounted(tmp_path, "9m", program, *small, "hydra.run.dir=disk/run")
    assert ended.returncode == 1
    assert "Read-only file system" in ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr

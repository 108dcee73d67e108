"""One run on two hosts: network namespaces of this machine, joined by a cable that can be cut."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import torch

from tests import commands
from tests.commands import Script
from tests.resuming import assert_equal_to_rounding, curves

pytestmark = pytest.mark.slow

ROUNDS_ALIKE = ["trainer.precision=32-true", "model.dropout=0", "trainer.log_every_n_steps=1"]

# What is run in a namespace: a host has a name of its own, and knows the other's.
AS_HOST = 'echo "$0" > /proc/sys/kernel/hostname && mount --bind "$1" /etc/hosts && shift && exec "$@"'


def ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, encoding="utf-8").stdout


class Hosts:
    """Two namespaces; ``left`` has the run's first process. Each shares the disk with the other."""

    def __init__(self, left: str, right: str, folder: Path) -> None:
        self.names = {left: "10.77.0.1", right: "10.77.0.2"}
        self.folder = folder
        self.known = folder.with_name(f"{folder.name}-hosts")
        addresses = {"localhost": "127.0.0.1", **self.names}
        self.known.write_text("".join(f"{address} {name}\n" for name, address in addresses.items()), "utf-8")
        ip("link", "add", "cable", "netns", left, "type", "veth", "peer", "name", "cable", "netns", right)
        for name, address in self.names.items():
            ip("-n", name, "address", "add", f"{address}/24", "dev", "cable")
            ip("-n", name, "link", "set", "cable", "up")
            ip("-n", name, "link", "set", "lo", "up")

    def train(self, *arguments: str) -> list[subprocess.Popen[str]]:
        """Start a run as ``docs/scaling.md`` says, one process on each host."""
        first = next(iter(self.names))
        shared = ["trainer=ddp", "trainer.num_nodes=2", "trainer.devices=1", *arguments]
        started = []
        for number, name in enumerate(self.names):
            torchrun = ["--nnodes=2", f"--node-rank={number}", f"--master-addr={first}", "--nproc-per-node=1"]
            python = [sys.executable, "-m", "torch.distributed.run", *torchrun, commands.script("train"), *shared]
            command = ["ip", "netns", "exec", name, "unshare", "--uts", "sh", "-c", AS_HOST, name, str(self.known)]
            started.append(
                subprocess.Popen(
                    [*command, *python],
                    cwd=self.folder,
                    env={**os.environ, **commands.ONE_THREAD},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    encoding="utf-8",
                )
            )
        return started

    def cut(self) -> None:
        """From now on nothing that one host sends reaches the other, and neither is told."""
        ip("-n", next(iter(self.names)), "link", "set", "cable", "down")

    @staticmethod
    def remove(name: str) -> None:
        """Remove a host, with all that runs there."""
        for process in ip("netns", "pids", name).split():
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        ip("netns", "delete", name)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    names = [f"tang-{os.getpid()}-{end}" for end in ("left", "right")]
    with ExitStack() as stack:
        try:
            for name in names:
                ip("netns", "add", name)
                stack.callback(Hosts.remove, name)
            two = Hosts(names[0], names[1], tmp_path)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no network namespaces here: {getattr(error, 'stderr', None) or error}")
        yield two


def test_two_hosts_draw_the_curves_of_one_process(
    hosts: Hosts, script: Script, small: Sequence[str], tmp_path: Path
) -> None:
    alone = script("train", *small, *ROUNDS_ALIKE, "hydra.run.dir=alone")
    assert alone.returncode == 0, alone.stderr
    for process in hosts.train(*small, *ROUNDS_ALIKE, "hydra.run.dir=run"):
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    assert_equal_to_rounding(curves(tmp_path / "alone"), curves(tmp_path / "run"))


def test_a_run_whose_other_host_vanishes_ends_within_a_minute_and_is_resumed_on_one_host(
    hosts: Hosts, script: Script, small: Sequence[str], tmp_path: Path
) -> None:
    """The first epoch isn't over: what is resumed is the checkpoint of the first batch."""
    given = [*small, *ROUNDS_ALIKE, "data.batch_size=2", "trainer.max_epochs=1"]
    alone = script("train", *given, "hydra.run.dir=alone")
    assert alone.returncode == 0, alone.stderr

    processes, last = hosts.train(*given, "hydra.run.dir=run"), tmp_path / "run" / "checkpoints" / "last.ckpt"
    while not last.exists():
        assert [process.poll() for process in processes] == [None, None], processes[0].communicate()
        time.sleep(0.05)
    hosts.cut()
    until = time.monotonic() + 60
    for number, (process, other) in enumerate(zip(processes, reversed(hosts.names), strict=True)):
        _, said = process.communicate(timeout=until - time.monotonic())
        assert process.returncode != 0
        who = "error in process 1" if number else "error"
        assert [line for line in said.splitlines() if line.startswith("error")] == [
            f"{who}: run: no word from process {1 - number} on {other} for 30 s; resume=run resumes the run"
        ]
    assert torch.load(last, weights_only=True)["global_step"] == 1

    resumed = script("train", "resume=run", "trainer.num_nodes=1")
    assert resumed.returncode == 0, resumed.stderr
    assert "devices: 2 until now, 1 from here" in resumed.stdout
    assert_equal_to_rounding(curves(tmp_path / "alone"), curves(tmp_path / "run"))

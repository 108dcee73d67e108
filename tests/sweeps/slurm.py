"""SLURM on this machine alone: a controller and two nodes, for one test."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

PATH = f"{os.environ['PATH']}:/usr/sbin"  # of the daemons; not every user has it
IS_INSTALLED = all(shutil.which(name, path=PATH) for name in ("munged", "slurmctld", "slurmd", "sbatch"))

# A node has the GPU and the cores that conf/hydra/launcher/slurm.yaml asks for, whatever the machine has. As on some
# clusters, a job has to ask to be requeued; before it starts again its credential expires, here after five seconds.
CONFIG = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthInfo=socket={folder}/munge,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
JobRequeue=0
GresTypes=gpu
MpiDefault=none
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=4 Gres=gpu:1
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=4 Gres=gpu:1
PartitionName=all Nodes=n1,n2 Default=YES
"""


class Slurm:
    """A cluster of the nodes ``n1`` and ``n2``.

    Args:
        folder: an empty one whose path is short, since sockets are in it.
        logs: where its daemons write what they say.
    """

    def __init__(self, folder: Path, logs: Path) -> None:
        self.folder, self.logs = folder, logs
        self.env = {"SLURM_CONF": str(folder / "slurm.conf")}
        """What tells programs of this cluster."""
        self._daemons: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start its daemons, and wait until it takes jobs."""
        given = {"host": socket.gethostname(), "user": getpass.getuser(), "ports": free_ports(3), "folder": self.folder}
        (self.folder / "slurm.conf").write_text(CONFIG.format(**given), encoding="utf-8")
        (self.folder / "gres.conf").write_text("NodeName=n[1-2] Name=gpu File=/dev/null\n", encoding="utf-8")
        (self.folder / "state").mkdir()
        key = self.folder / "key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        of = {"socket": "munge", "key-file": "key", "pid-file": "munged.pid", "seed-file": "seed", "log-file": "log"}
        files = [f"--{option}={self.folder / name}" for option, name in of.items()]
        self._run("munged", "--foreground", "--force", *files)  # it would refuse a folder that is closed to others
        self._wait_until((self.folder / "munge").is_socket)
        self._run("slurmctld", "-D")
        for node in ("n1", "n2"):
            self._run("slurmd", "-D", "-N", node)
        self._wait_until(self._is_ready)

    def end(self) -> None:
        """Kill its daemons and its jobs: what has its configuration in its environment."""
        while members := [process for process in Path("/proc").glob("[0-9]*") if self._is_member(process)]:
            for process in members:
                with suppress(ProcessLookupError):
                    os.kill(int(process.name), signal.SIGKILL)
            time.sleep(0.02)
        for daemon in self._daemons:
            daemon.wait()

    def ask(self, *command: str) -> str:
        """What one of SLURM's commands prints."""
        return subprocess.check_output(command, env={**os.environ, **self.env}, encoding="utf-8")

    def state(self, node: str) -> str:
        """``idle``, ``allocated``, ``draining``, ``drained``, …"""
        return self.ask("sinfo", "--noheader", f"--nodes={node}", "--format=%T").strip()

    def node_of(self, job: str) -> str:
        """Where a job runs."""
        return self.ask("squeue", "--noheader", f"--jobs={job}", "--format=%N").strip()

    def _is_ready(self) -> bool:
        with suppress(subprocess.CalledProcessError):  # the controller doesn't answer yet
            return self.state("n1") == self.state("n2") == "idle"
        return False

    def _run(self, *command: str) -> None:
        with (self.logs / f"{len(self._daemons)}-{command[0]}.log").open("wb") as log:
            environment = {**os.environ, **self.env, "PATH": PATH}
            self._daemons.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        ends = time.monotonic() + 60
        while not condition():
            assert all(daemon.poll() is None for daemon in self._daemons), f"a daemon has ended: {self.logs} says why"
            assert time.monotonic() < ends, f"{self.logs} says what SLURM waits for"
            time.sleep(0.1)

    def _is_member(self, process: Path) -> bool:
        with suppress(OSError):  # it has ended, or is another user's
            return f"SLURM_CONF={self.folder}/".encode() in (process / "environ").read_bytes()
        return False


def free_ports(count: int) -> list[int]:
    """Numbers of TCP ports that nobody listens on."""
    with ExitStack() as stack:
        listening = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in listening]


@contextmanager
def cluster(logs: Path) -> Iterator[Slurm]:
    """A cluster that waits for jobs; at the end nothing is left of it."""
    with tempfile.TemporaryDirectory(prefix="slurm-", dir="/tmp") as folder:
        slurm = Slurm(Path(folder), logs)
        try:
            slurm.start()
            yield slurm
        finally:
            slurm.end()

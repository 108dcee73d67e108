"""The tests' ways to run ``python src/NAME.py ARGUMENTS`` in a process of its own: a fresh one, or a fork.

To import PyTorch and Lightning takes four seconds, most of what such a command takes in a test. A fork of a process
that has imported them starts at once; it has a memory, a folder, an environment, signals and an exit code of its own.
What depends on how Python itself starts needs a fresh process: its locale, its hash seed, and variables that are read
when a module is imported.
"""

import atexit
import multiprocessing
import os
import re
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parent.parent

ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""Tests run side by side."""

COMMON = {**ONE_THREAD, "PYTHONWARNINGS": "default"}  # added to this process's environment for a command

Done = subprocess.CompletedProcess[str]

Script = Callable[..., Done]
"""Takes the name of a script and its arguments."""

# To fork is not safe on macOS once some of its libraries are loaded.
PRELOADED = [] if sys.platform == "darwin" else [
    "tang.training.final_message", "tang.evaluation.likelihood", "tang.evaluation.quality_card",
    "tang.reporting.report", "tang.studies.findings",
]  # fmt: skip
"""Modules that bring along all that a script imports."""

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(PRELOADED)
_AS_STARTED = {**os.environ, **COMMON}


def recipe(word: str) -> str:
    """The Python code in ``CONTRIBUTING.md`` whose first line has this word."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
    (code,) = (block for block in blocks if word in block.partition("\n")[0])
    return str(code)


UNEXPECTED = re.compile(r"^.*(?:(?<!Resource)Warning:|site-packages|^Traceback|Tip: |GPU available).*$", re.MULTILINE)
"""Lines that libraries print and that tell a user nothing; Python shows no ResourceWarning unless it is asked to."""


def checked(done: Done, env: Mapping[str, str]) -> Done:
    """``done``, unless a script of ours printed a line of a library's."""
    found = UNEXPECTED.findall(done.stdout + done.stderr)
    is_ours = any(str(ROOT / "src") in argument for argument in done.args)
    assert not found or not is_ours or "HYDRA_FULL_ERROR" in env, f"{' '.join(done.args)} printed {found}"
    return done


def script(name: str) -> str:
    """The path of ``src/NAME.py``."""
    return str(ROOT / "src" / f"{name}.py")


def fresh(command: list[str], folder: Path, env: Mapping[str, str] = {}) -> Done:
    """The command in a process that starts from nothing."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, **COMMON, **env},
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )
    return checked(done, env)


class Fork:
    """``python FILE ARGUMENTS`` in a fork, while it runs.

    Args:
        command: a Python file, and what follows it.
        folder: its working folder.
        output: what it prints is in two files of this name, which end in ``.out`` and ``.err``.
        env: what its environment has beside this process's.
    """

    def __init__(self, command: list[str], folder: Path, output: Path, env: Mapping[str, str] = {}) -> None:
        self.command, self.env = command, env
        self.out, self.err = (output.with_name(f"{output.name}.{end}") for end in ("out", "err"))
        environment = {**os.environ, **COMMON, **env}
        with mock.patch.dict(os.environ, _AS_STARTED, clear=True):  # whatever the first test to come here has patched
            forkserver.ensure_running()
        self._process = _FORKS.Process(target=_become, args=(command, folder, environment, self.out, self.err))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and its exit code is on its way
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float = 600) -> int:
        """Its exit code, −N if signal N ended it."""
        self._process.join(timeout)
        if (code := self.poll()) is None:
            self.kill()
            raise subprocess.TimeoutExpired(self.command, timeout)
        return code

    def __enter__(self) -> "Fork":
        return self

    def __exit__(self, *error: object) -> None:
        """Leave nothing behind."""
        self.kill()
        self._process.join()

    def done(self) -> Done:
        """Wait for its end."""
        done = Done(self.command, self.wait(), self.out.read_text("utf-8"), self.err.read_text("utf-8"))
        return checked(done, self.env)


def _become(command: list[str], folder: Path, environment: dict[str, str], out: Path, err: Path) -> None:
    """Make this process, a fork, what ``command`` would have started."""
    for number, path in enumerate((out, err), start=1):
        with path.open("wb") as file:
            os.dup2(file.fileno(), number)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])  # a sweep's fork server has SIGINT blocked
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    tempfile.tempdir = None  # TMPDIR is read again
    sys.argv[:] = command
    sys.path.insert(0, str(Path(command[0]).parent))
    try:
        runpy.run_path(command[0], run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # multiprocessing ends without

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tang.runs.run import RunFolder
from tang.sweeps import processes
from tang.sweeps.processes import CONTEXT, Job, run_all
from tests.commands import fresh

WAIT = """
import os, signal, sys, time
from pathlib import Path
os.dup2(screen.fileno(), 1)
file = Path(folder, "signal")
def end(number, frame):
    time.sleep(0.3)  # writes a checkpoint
    file.write_text(str(int(number)))
    sys.exit(128 + number)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2):
    signal.signal(number, end)
Path(folder, "ready").touch()
time.sleep(600)
"""

PRINT = """
import os
os.write(screen.fileno(), "一行\\n半".encode()[:-1])
os.write(screen.fileno(), "半".encode()[-1:])
"""


def program(text: str, folder: Path, prefix: str = "") -> Job:
    """A job that runs a program of the test's own, with its folder and its screen as names in it."""
    output, screen = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=exec, args=(text, {"screen": screen, "folder": str(folder)}))
    process.start()
    screen.close()
    return Job(RunFolder(folder), process, output, prefix)


def when(ready: Callable[[], bool], act: Callable[[], None]) -> None:
    """Act in a thread when the condition holds."""

    def watch() -> None:
        while not ready():
            time.sleep(0.01)
        act()

    threading.Thread(target=watch).start()


def test_what_jobs_print_comes_in_whole_lines_with_their_prefixes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = []
    jobs = (program(PRINT, tmp_path, prefix) for prefix in ("[1] ", "[2] "))
    run_all(jobs, 2, lambda job: codes.append(job.code))
    assert codes == [0, 0]
    assert sorted(capsys.readouterr().out.splitlines()) == ["[1] 一行", "[1] 半", "[2] 一行", "[2] 半"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR2])
def test_a_signal_is_passed_on_and_acts_here_when_the_jobs_have_ended(tmp_path: Path, number: signal.Signals) -> None:
    seen: list[str] = []
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()

    def handler(signum: int, frame: object) -> None:
        seen.extend((folder / "signal").read_text(encoding="utf-8") for folder in folders[:2])

    before = signal.signal(number, handler)
    codes = []
    try:
        when(lambda: all((folder / "ready").exists() for folder in folders[:2]), lambda: os.kill(os.getpid(), number))
        with pytest.raises(SystemExit) as stopped:
            run_all((program(WAIT, folder) for folder in folders), 2, lambda job: codes.append(job.code))
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, before)
    assert seen == [str(int(number))] * 2, "the jobs had ended before"
    assert not codes, "they have not ended by themselves"
    assert not (folders[2] / "ready").exists(), "no further job is started"
    assert stopped.value.code == (130 if number == signal.SIGINT else 143)


def test_an_error_leaves_no_job_behind(tmp_path: Path) -> None:
    started: list[Job] = []

    def jobs() -> Iterator[Job]:
        started.append(program(WAIT, tmp_path))
        yield started[0]
        while not (tmp_path / "ready").exists():
            time.sleep(0.01)
        raise OSError("no space left for the next")

    with pytest.raises(OSError, match="no space left"):
        run_all(jobs(), 2, lambda job: None)
    assert started[0].code == 128 + signal.SIGTERM


def test_a_job_finds_the_package_uninstalled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    processes.make_importable()
    processes.make_importable()
    assert os.environ["PYTHONPATH"].split(os.pathsep) == [str(Path(processes.__file__).parents[2]), "/elsewhere"]


FORK_SAFE = """
import importlib, pathlib, sys
from tang.sweeps.processes import PRELOADED
for name in PRELOADED:
    importlib.import_module(name)
import torch
status = pathlib.Path("/proc/self/status").read_text()
print([line.split()[1] for line in status.splitlines() if line.startswith("Threads:")], torch.cuda.is_initialized())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no fork server")
def test_what_the_fork_server_imports_starts_no_thread(tmp_path: Path) -> None:
    assert fresh(["-c", FORK_SAFE], tmp_path, {"OPENBLAS_NUM_THREADS": "1"}).stdout == "['1'] False\n"

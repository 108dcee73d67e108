"""The processes that tests fork are what a command line would have started."""

import signal
from pathlib import Path

import pytest

from tests.commands import PRELOADED, Fork

PROGRAM = """
import os, sys, tempfile, time
print(sys.argv[1:], os.getcwd(), os.environ["COLOR"], tempfile.gettempdir(), {module!r} in sys.modules, flush=True)
print("to the other", file=sys.stderr)
{end}
"""


def start(folder: Path, end: str) -> Fork:
    (folder / "program.py").write_text(PROGRAM.format(module="pytorch_lightning", end=end), encoding="utf-8")
    env = {"COLOR": "红", "TMPDIR": str(folder)}
    return Fork([str(folder / "program.py"), "日", "b c"], folder, folder / "said", env)


@pytest.mark.slow
@pytest.mark.parametrize(("end", "code"), [("", 0), ("sys.exit(3)", 3), ("sys.exit('a line')", 1), ("1 / 0", 1)])
def test_a_fork_has_arguments_folder_environment_and_exit_code(end: str, code: int, tmp_path: Path) -> None:
    with start(tmp_path, end) as fork:
        done = fork.done()
    assert done.returncode == code
    assert done.stdout == f"['日', 'b c'] {tmp_path} 红 {tmp_path} {bool(PRELOADED)}\n"
    assert done.stderr.startswith("to the other\n")
    assert ("a line" in done.stderr) == ("a line" in end)
    assert ("ZeroDivisionError" in done.stderr) == ("/" in end)


@pytest.mark.slow
def test_a_fork_is_killed_and_none_is_left(tmp_path: Path) -> None:
    with start(tmp_path, "time.sleep(600)") as fork:
        assert fork.poll() is None
        fork.send_signal(signal.SIGTERM)
        assert fork.wait() == -signal.SIGTERM
        fork.kill()  # it is gone
    with start(tmp_path, "time.sleep(600)") as fork:
        pass
    assert fork.poll() == -signal.SIGKILL

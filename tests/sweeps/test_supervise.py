import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tang.errors import InputError
from tang.runs.run import RunFolder
from tang.sweeps import processes
from tang.sweeps.processes import Stopped, Worker, run
from tang.sweeps.supervise import how_it_ended, prepare
from tang.sweeps.sweep import EXTRAS, SweepCallback
from tests.runs.test_find import RESULT

CONFIG: dict[str, object] = {"optimizer": {"lr": 0.1, "betas": [0.9, 0.99]}, "trainer": {"max_epochs": 5}, "seed": 1}


def put(folder: Path, config: dict[str, object]) -> None:
    (folder / ".hydra").mkdir(exist_ok=True)
    OmegaConf.save(OmegaConf.create(config), folder / ".hydra" / "config.yaml")


def test_a_run_is_done_when_its_result_is_there(tmp_path: Path) -> None:
    put(tmp_path, CONFIG)
    assert not prepare(RunFolder(tmp_path))
    put(tmp_path, {**CONFIG, "seed": 2})
    assert not prepare(RunFolder(tmp_path)), "nothing has come of it yet that another config would spoil"
    RunFolder(tmp_path).write_result(RESULT)
    assert prepare(RunFolder(tmp_path))
    (tmp_path / "result.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"result\.json: broken"):
        prepare(RunFolder(tmp_path))


@pytest.mark.parametrize("trace", ["result.json", "checkpoints/last.ckpt"])
def test_a_run_that_has_begun_keeps_its_config(tmp_path: Path, trace: str) -> None:
    put(tmp_path, CONFIG)
    prepare(RunFolder(tmp_path))
    (tmp_path / trace).parent.mkdir(exist_ok=True)
    (tmp_path / trace).touch()
    put(tmp_path, {**CONFIG, "optimizer": {"lr": 0.2, "betas": [0.9, 0.99]}})
    with pytest.raises(InputError, match=r"^optimizer.lr=0.2: was 0.1 when this run was started; a run is"):
        prepare(RunFolder(tmp_path))
    assert OmegaConf.load(tmp_path / ".hydra" / "config.yaml") == CONFIG

    longer = {**CONFIG, "trainer": {"max_epochs": 9}}
    put(tmp_path, longer)
    assert not prepare(RunFolder(tmp_path)), "it is resumed, to another end"
    assert not (tmp_path / "result.json").exists()
    assert OmegaConf.load(tmp_path / ".hydra" / "started.yaml") == longer


def test_an_exit_code_says_how_a_process_ended() -> None:
    assert how_it_ended(3) == "ended with exit code 3"
    assert how_it_ended(-signal.SIGSEGV) == "killed by SIGSEGV"
    assert how_it_ended(-signal.SIGKILL) == "killed by SIGKILL; was memory short?"


WAIT = """
import signal, sys, time
def end(number, frame):
    time.sleep(0.3)  # writes a checkpoint
    open(sys.argv[1], "w").write(str(number))
    sys.exit(128 + number)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2):
    signal.signal(number, end)
open(sys.argv[1] + ".ready", "w")
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR2])
def test_a_signal_is_passed_on_and_acts_here_when_the_job_has_ended(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "signal"
    seen: list[str] = []

    def handler(signum: int, frame: object) -> None:
        seen.append(file.read_text(encoding="utf-8"))

    before = signal.signal(number, handler)
    try:
        threading.Thread(target=_send_when, args=((tmp_path / "signal.ready").exists, number)).start()
        with pytest.raises(SystemExit) as stopped:
            run([sys.executable, "-c", WAIT, str(file)])
        assert signal.getsignal(number) is handler
    finally:
        signal.signal(number, before)
    assert seen == [str(int(number))], "the job had ended before"
    assert stopped.value.code == (130 if number == signal.SIGINT else 143)


def _send_when(ready: Callable[[], bool], number: int) -> None:
    while not ready():
        time.sleep(0.01)
    os.kill(os.getpid(), number)


def test_a_worker_leaves_its_other_jobs_for_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Worker, "stopped", True)
    threading.Thread(target=_send_when, args=((tmp_path / "signal.ready").exists, signal.SIGTERM)).start()
    before = signal.signal(signal.SIGTERM, Worker._note)
    try:
        with pytest.raises(Stopped):
            run([sys.executable, "-c", WAIT, str(tmp_path / "signal")])
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_job_does_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a process that its parent is gone")
    job = f"from tang.sweeps.processes import end_with_parent; end_with_parent(); {WAIT!r}; exec({WAIT!r})"
    code = "import sys; from tang.sweeps.processes import run; run([sys.executable, '-c', *sys.argv[1:]])"
    supervisor = subprocess.Popen([sys.executable, "-c", code, job, str(tmp_path / "signal")])
    _wait_for((tmp_path / "signal.ready").exists)
    supervisor.kill()
    supervisor.wait()
    _wait_for((tmp_path / "signal").exists)
    assert (tmp_path / "signal").read_text(encoding="utf-8") == str(int(signal.SIGTERM))


def _wait_for(ready: Callable[[], bool]) -> None:
    ends = time.monotonic() + 600
    while not ready():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_a_job_finds_the_package_uninstalled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    processes.make_importable()
    processes.make_importable()
    assert os.environ["PYTHONPATH"].split(os.pathsep) == [str(Path(processes.__file__).parents[2]), "/elsewhere"]


@pytest.mark.parametrize(
    ("group", "choice", "plugin"),
    [
        ("launcher", "gpus", "hydra_joblib_launcher"),
        ("launcher", "slurm", "hydra_submitit_launcher"),
        ("launcher", "ray", "hydra_ray_launcher"),
        ("sweeper", "optuna", "hydra_optuna_sweeper"),
    ],
)
@pytest.mark.parametrize("present", [[], ["hydra_plugins"]], ids=["no plugin", "another plugin"])
def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, present: list[str], group: str, choice: str, plugin: str
) -> None:
    def find_spec(name: str) -> object:
        if "." in name and not present:
            raise ModuleNotFoundError  # as Python's own, which imports the parent
        return name if name in present else None

    monkeypatch.setattr("importlib.util.find_spec", find_spec)
    targets = {name: {"_target_": "hydra._internal.core_plugins.module.Class"} for name in ("launcher", "sweeper")}
    targets[group] = {"_target_": f"hydra_plugins.{plugin}.module.Class"}
    config = OmegaConf.create({"hydra": {**targets, "runtime": {"choices": {f"hydra/{group}": choice}}}})
    with pytest.raises(SystemExit) as missing:
        SweepCallback().on_multirun_start(config)
    extra = f"pip install -c constraints.txt -e '.[{EXTRAS[plugin]}]'"
    assert missing.value.code == f"error: hydra/{group}={choice}: needs an extra: {extra}"

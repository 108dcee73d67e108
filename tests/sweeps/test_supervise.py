import signal
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tang.errors import InputError
from tang.runs.run import RunFolder
from tang.sweeps.supervise import how_it_ended, prepare
from tang.sweeps.sweep import SweepCallback
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


@pytest.mark.parametrize(
    ("group", "choice", "package", "extra"),
    [
        ("launcher", "slurm", "hydra_plugins.hydra_submitit_launcher", "slurm"),
        ("launcher", "ray", "hydra_plugins.hydra_ray_launcher", "ray"),
        ("sweeper", "optuna", "optuna", "search"),
    ],
)
def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, group: str, choice: str, package: str, extra: str
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else name)
    choices = {"hydra/launcher": "local", "hydra/sweeper": "basic", f"hydra/{group}": choice}
    config = OmegaConf.create({"hydra": {"runtime": {"choices": choices}}})
    with pytest.raises(SystemExit) as missing:
        SweepCallback().on_multirun_start(config)
    install = f"pip install -c constraints.txt -e '.[{extra}]'"
    assert missing.value.code == f"error: hydra/{group}={choice}: needs an extra: {install}"
